/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hasher.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

/* Files whose keys begin with the same bits share a set of this many; the oldest gives way. */
#define WAYS 4
#define READ_BYTES 65536
/* At the end a file being read is waited for this long. */
#define FREE_WAIT_S 2

struct entry {
	uint64_t inode, changed_ns;
	uint32_t dev;
	uint32_t used; /* when; 0: free */
	bool failed;   /* and so will it again */
	struct file_hashes hashes;
};

enum stage {
	STAGE_IDLE,
	STAGE_ASKED,
	STAGE_WORKING,
};

struct hasher {
	bool md5, sha1, sha256;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t asked, done;
	enum stage stage;
	bool ends;
	struct hash_file file; /* the request */
	char path[4096];       /* its host_path; PATH_MAX */
	uint64_t answered;     /* requests done */
	uint32_t clock;
	struct entry entries[HASHER_FILES];
};

static struct entry *set_of(struct hasher *h, const struct hash_file *file)
{
	uint64_t hash = (file->inode ^ (uint64_t)file->dev << 40) * 0x9e3779b97f4a7c15u;

	return &h->entries[(hash >> 32) % (HASHER_FILES / WAYS) * WAYS];
}

static struct entry *find(struct hasher *h, const struct hash_file *file)
{
	struct entry *set = set_of(h, file);

	for (int i = 0; i < WAYS; i++)
		if (set[i].used && set[i].inode == file->inode && set[i].dev == file->dev &&
		    set[i].changed_ns == file->changed_ns)
			return &set[i];
	return NULL;
}

static void remember(struct hasher *h, const struct hash_file *file,
		     const struct file_hashes *hashes, bool failed)
{
	struct entry *set = set_of(h, file), *oldest = set;

	for (int i = 1; i < WAYS; i++)
		if (set[i].used < oldest->used)
			oldest = &set[i];
	*oldest = (struct entry){.inode = file->inode,
				 .changed_ns = file->changed_ns,
				 .dev = file->dev,
				 .used = ++h->clock,
				 .failed = failed,
				 .hashes = *hashes};
}

struct contexts {
	struct md5_ctx md5;
	struct sha1_ctx sha1;
	struct sha256_ctx sha256;
};

static void to_hex(char *hex, const uint8_t *digest, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes; i++) {
		*hex++ = digits[digest[i] >> 4];
		*hex++ = digits[digest[i] & 15];
	}
	*hex = '\0';
}

static void finish(const struct hasher *h, struct contexts *c, struct file_hashes *hashes)
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	if (h->md5) {
		md5_digest(&c->md5, MD5_DIGEST_SIZE, digest);
		to_hex(hashes->md5, digest, MD5_DIGEST_SIZE);
	}
	if (h->sha1) {
		sha1_digest(&c->sha1, SHA1_DIGEST_SIZE, digest);
		to_hex(hashes->sha1, digest, SHA1_DIGEST_SIZE);
	}
	if (h->sha256) {
		sha256_digest(&c->sha256, SHA256_DIGEST_SIZE, digest);
		to_hex(hashes->sha256, digest, SHA256_DIGEST_SIZE);
	}
}

static int read_and_hash(const struct hasher *h, int fd, struct file_hashes *hashes)
{
	static uint8_t bytes[READ_BYTES]; /* one worker */
	struct contexts c;
	uint64_t total = 0;
	ssize_t n;

	md5_init(&c.md5);
	sha1_init(&c.sha1);
	sha256_init(&c.sha256);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		total += (uint64_t)n;
		if (total > HASHER_BYTES_MAX)
			return -EFBIG;
		if (h->md5)
			md5_update(&c.md5, (size_t)n, bytes);
		if (h->sha1)
			sha1_update(&c.sha1, (size_t)n, bytes);
		if (h->sha256)
			sha256_update(&c.sha256, (size_t)n, bytes);
	}
	if (n < 0)
		return -errno;
	finish(h, &c, hashes);
	return 0;
}

/* The process may run another program by now, and the file may have changed: it must be the one of
 * the record before and after it is read. */
static bool is_same(int fd, const struct hash_file *file)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	return st.st_ino == file->inode && S_ISREG(st.st_mode) &&
	       (!file->changed_ns ||
		(uint64_t)st.st_ctim.tv_sec * NS_PER_SEC + (uint64_t)st.st_ctim.tv_nsec ==
		    file->changed_ns);
}

static int hash_at(const struct hasher *h, const char *path, const struct hash_file *file,
		   struct file_hashes *hashes)
{
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	err = is_same(fd, file) ? read_and_hash(h, fd, hashes) : -ESTALE;
	if (!err && !is_same(fd, file))
		err = -ESTALE;
	close(fd);
	return err;
}

/* By the process while it runs that program, which also finds files without a name; else by the
 * path. Either may hang on a file system that does not answer: then this thread does, alone. */
static int hash_file(const struct hasher *h, const struct hash_file *file, const char *host_path,
		     struct file_hashes *hashes)
{
	char path[32];
	int err;

	snprintf(path, sizeof(path), "/proc/%u/exe", file->pid);
	err = hash_at(h, path, file, hashes);
	if ((err == -ENOENT || err == -ESTALE || err == -ESRCH) && *host_path)
		err = hash_at(h, host_path, file, hashes);
	return err;
}

static void *work(void *context)
{
	struct hasher *h = context;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		struct file_hashes hashes = {0};
		struct hash_file file;
		char path[sizeof(h->path)];
		int err;

		while (h->stage != STAGE_ASKED && !h->ends)
			pthread_cond_wait(&h->asked, &h->lock);
		if (h->ends)
			break;
		h->stage = STAGE_WORKING;
		file = h->file;
		memcpy(path, h->path, sizeof(path));
		pthread_mutex_unlock(&h->lock);
		err = hash_file(h, &file, path, &hashes);
		pthread_mutex_lock(&h->lock);
		h->stage = STAGE_IDLE;
		h->answered++;
		/* that the process was gone says nothing of the file */
		if (!err || err == -EFBIG || err == -EACCES || err == -EIO)
			remember(h, &file, &hashes, err);
		pthread_cond_signal(&h->done);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

struct hasher *hasher_new(bool md5, bool sha1, bool sha256)
{
	struct hasher *h = xcalloc(1, sizeof(*h));
	pthread_condattr_t monotonic;
	sigset_t all, old;
	int err;

	h->md5 = md5;
	h->sha1 = sha1;
	h->sha256 = sha256;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->asked, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&h->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	/* signals are the reader's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&h->thread, NULL, work, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		return h;
	free(h);
	return NULL;
}

void hasher_free(struct hasher *h)
{
	struct timespec until;

	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->ends = true;
	pthread_cond_signal(&h->asked);
	pthread_mutex_unlock(&h->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += FREE_WAIT_S;
	/* It hangs in a file system; the end of the program ends it. */
	if (pthread_timedjoin_np(h->thread, NULL, &until))
		return;
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->asked);
	pthread_cond_destroy(&h->done);
	free(h);
}

/* Under the lock. */
static enum hash_outcome ask(struct hasher *h, const struct hash_file *file)
{
	int64_t deadline = clock_monotonic_ns() + HASHER_WAIT_NS;
	struct timespec until = {deadline / NS_PER_SEC, deadline % NS_PER_SEC};
	uint64_t before = h->answered;

	if (h->stage != STAGE_IDLE)
		return HASH_BUSY;
	h->file = *file;
	h->path[0] = '\0';
	if (file->host_path.len && file->host_path.len < sizeof(h->path)) {
		memcpy(h->path, file->host_path.p, file->host_path.len);
		h->path[file->host_path.len] = '\0';
	}
	h->stage = STAGE_ASKED;
	pthread_cond_signal(&h->asked);
	while (h->answered == before)
		if (pthread_cond_timedwait(&h->done, &h->lock, &until) == ETIMEDOUT)
			return HASH_LATE;
	return HASH_DONE;
}

enum hash_outcome hasher_get(struct hasher *h, const struct hash_file *file,
			     struct file_hashes *hashes)
{
	enum hash_outcome outcome = HASH_DONE;
	struct entry *entry;

	if (file->size > HASHER_BYTES_MAX)
		return HASH_TOO_LARGE;
	pthread_mutex_lock(&h->lock);
	entry = find(h, file);
	if (!entry)
		outcome = ask(h, file);
	if (outcome == HASH_DONE && !entry)
		entry = find(h, file);
	if (entry) {
		entry->used = ++h->clock;
		*hashes = entry->hashes;
	}
	if (outcome == HASH_DONE && (!entry || entry->failed))
		outcome = HASH_FAILED;
	pthread_mutex_unlock(&h->lock);
	return outcome;
}
