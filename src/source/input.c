/* SPDX-License-Identifier: Apache-2.0 */
#include "source/input_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"

/* Large enough that system calls do not show, small enough for a second-level cache. */
#define STORED_BYTES ((size_t)128 * 1024)
/* The longest magic number looked at. */
#define MAGIC_BYTES 4

enum coding {
	CODING_PLAIN,
	CODING_GZIP,
	CODING_ZSTD
};

struct input {
	int fd;
	bool is_stream; /* not a regular file: a read may find nothing there yet */
	enum coding coding;
	bool recognised; /* coding is known */
	bool at_end;     /* the file has no more */
	bool in_frame;   /* compressed: between the start and the end of a frame */
	uint64_t position;
	size_t at, have; /* stored[at..have) is to be decoded */
	z_stream gzip;
	bool gzip_ready;
	ZSTD_DStream *zstd;
	unsigned char stored[STORED_BYTES];
};

struct input *input_new(void)
{
	struct input *input = xcalloc(1, sizeof(*input));

	input->fd = -1;
	return input;
}

void input_close(struct input *input)
{
	if (input->fd > STDIN_FILENO)
		close(input->fd);
	input->fd = -1;
}

bool input_is_stream(const struct input *input)
{
	return input->is_stream;
}

bool input_is(const struct input *input, const struct stat *st)
{
	struct stat own;

	return fstat(input->fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

void input_free(struct input *input)
{
	if (!input)
		return;
	input_close(input);
	if (input->gzip_ready)
		inflateEnd(&input->gzip);
	ZSTD_freeDStream(input->zstd);
	free(input);
}

/* A descriptor that poll(2) finds wrong is ready too: the read says what is wrong. */
static bool is_ready(const struct input *input)
{
	struct pollfd p = {.fd = input->fd, .events = POLLIN};
	int n;

	if (!input->is_stream)
		return true;
	do {
		n = poll(&p, 1, 0);
	} while (n < 0 && errno == EINTR);
	return n != 0;
}

/* One read(2); *got is 0 at the end of the file. */
static int read_stored(struct input *input, void *to, size_t room, size_t *got, const char **why)
{
	ssize_t n;

	if (!is_ready(input))
		return -EAGAIN;
	do {
		n = read(input->fd, to, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		int err = errno;

		*why = strerror(err);
		return -err;
	}
	input->at_end = n == 0;
	input->position += (uint64_t)n;
	*got = (size_t)n;
	return 0;
}

static int fill(struct input *input, const char **why)
{
	size_t got = 0;

	if (input->at_end)
		return 0;
	int err = read_stored(input, input->stored + input->have,
			      sizeof(input->stored) - input->have, &got, why);

	if (!err)
		input->have += got;
	return err;
}

static bool is_gzip(const unsigned char *p, size_t n)
{
	return n >= 2 && p[0] == 0x1f && p[1] == 0x8b;
}

/* A frame (RFC 8878, 3.1.1) or a skippable one, as pzstd and seekable archives begin with. */
static bool is_zstd(const unsigned char *p, size_t n)
{
	return n >= 4 && ((p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd) ||
			  ((p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18));
}

static int start_coding(struct input *input)
{
	input->coding = CODING_PLAIN;
	if (is_gzip(input->stored, input->have)) {
		input->coding = CODING_GZIP;
		/* 15 window bits, 16: a gzip header and nothing else. */
		int err = input->gzip_ready ? inflateReset(&input->gzip)
					    : inflateInit2(&input->gzip, 15 + 16);

		if (err != Z_OK)
			return -ENOMEM;
		input->gzip_ready = true;
	} else if (is_zstd(input->stored, input->have)) {
		input->coding = CODING_ZSTD;
		/* The library's default refuses windows above 128 MiB: what a hostile frame can
		 * cost. */
		if (!input->zstd)
			input->zstd = ZSTD_createDStream();
		if (!input->zstd)
			return -ENOMEM;
		ZSTD_DCtx_reset(input->zstd, ZSTD_reset_session_only);
	}
	return 0;
}

int input_open(struct input *input, const char *path)
{
	input_close(input);
	input->at = input->have = 0;
	input->position = 0;
	input->at_end = input->in_frame = input->recognised = false;
	input->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (input->fd < 0)
		return -errno;
	struct stat st;

	input->is_stream = fstat(input->fd, &st) || !S_ISREG(st.st_mode);
	return 0;
}

/* Signals are let in only by ppoll(2) itself: one between the look at `stop` and the wait ends it.
 */
int input_wait(const struct input *input, const volatile sig_atomic_t *stop)
{
	struct pollfd p = {.fd = input->fd, .events = POLLIN};
	sigset_t all, before;
	int n = -1;

	if (!input->is_stream)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (!*stop && (n = ppoll(&p, 1, NULL, &before)) < 0 && errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return *stop ? -EINTR : 0;
}

/* Looks at the first bytes; a pipe may give them one by one. */
static int recognise(struct input *input, const char **why)
{
	while (input->have < MAGIC_BYTES && !input->at_end) {
		int err = fill(input, why);

		if (err)
			return err;
	}
	input->recognised = true;
	*why = "out of memory";
	return start_coding(input);
}

static int more_stored(struct input *input, const char **why)
{
	if (input->at < input->have)
		return 0;
	input->at = input->have = 0;
	return fill(input, why);
}

/* What was stored to find out what it is, then straight from the file. */
static int read_plain(struct input *input, char *out, size_t room, size_t *got, const char **why)
{
	size_t n = input->have - input->at;

	if (!n)
		return input->at_end ? 0 : read_stored(input, out, room, got, why);
	*got = n < room ? n : room;
	memcpy(out, input->stored + input->at, *got);
	input->at += *got;
	return 0;
}

/* Decodes some of what is stored. 0; -EBADMSG: damaged. */
static int inflate_some(struct input *input, char *out, size_t room, size_t *got)
{
	z_stream *z = &input->gzip;

	if (!input->in_frame) {
		/* gzip(1) pads to tape blocks with zeros. */
		while (input->at < input->have && !input->stored[input->at])
			input->at++;
		if (input->at == input->have)
			return 0;
		inflateReset(z);
		input->in_frame = true;
	}
	z->next_in = input->stored + input->at;
	z->avail_in = (uInt)(input->have - input->at);
	z->next_out = (unsigned char *)out;
	z->avail_out = (uInt)room;
	int status = inflate(z, Z_NO_FLUSH);

	input->at = input->have - z->avail_in;
	*got = room - z->avail_out;
	if (status == Z_STREAM_END)
		input->in_frame = false;
	else if (status != Z_OK && status != Z_BUF_ERROR)
		return -EBADMSG;
	return 0;
}

static int unzstd_some(struct input *input, char *out, size_t room, size_t *got)
{
	ZSTD_inBuffer in = {input->stored, input->have, input->at};
	ZSTD_outBuffer to = {out, room, 0};
	size_t status = ZSTD_decompressStream(input->zstd, &to, &in);

	/* Asked without anything to do it speaks of the header of a next frame, which need not be.
	 */
	bool moved = in.pos != input->at || to.pos;

	input->at = in.pos;
	*got = to.pos;
	if (ZSTD_isError(status))
		return -EBADMSG;
	if (moved)
		input->in_frame = status != 0;
	return 0;
}

/* inflate and zstd may hold back output for want of room, so they are asked again, without new
 * input, until they give nothing. */
static int read_coded(struct input *input, char *out, size_t room, size_t *got, const char **why)
{
	for (;;) {
		int err = input->coding == CODING_GZIP ? inflate_some(input, out, room, got)
						       : unzstd_some(input, out, room, got);

		if (err) {
			*why = "compressed data is damaged";
			return err;
		}
		if (*got)
			return 0;
		if (input->at < input->have)
			continue;
		if (input->at_end)
			break;
		err = more_stored(input, why);
		if (err)
			return err;
	}
	if (!input->in_frame)
		return 0;
	*why = "compressed data is cut off";
	return -EBADMSG;
}

int input_read(struct input *input, char *out, size_t room, size_t *got, const char **why)
{
	*got = 0;
	/* zlib counts in unsigned int. */
	if (room > STORED_BYTES * 8)
		room = STORED_BYTES * 8;
	if (!input->recognised) {
		int err = recognise(input, why);

		if (err)
			return err;
	}
	if (input->coding == CODING_PLAIN)
		return read_plain(input, out, room, got, why);
	return read_coded(input, out, room, got, why);
}

uint64_t input_position(const struct input *input)
{
	return input->position - (input->have - input->at);
}
