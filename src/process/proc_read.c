/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process from /proc.
 *
 * /proc/PID is opened once, and all its files through that descriptor: it stays with the process it
 * was opened for, so a pid that comes round in between gives errors, never another process's data.
 * Nothing is opened by a path a process chose (an exe or cwd may lie on a file system that its
 * owner makes hang); such paths are only read as the text of a link.
 */
#include "process/proc_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/process_internal.h"

uint32_t proc_thread_group(uint32_t tid)
{
	char path[32], text[512], *line;
	ssize_t n = 0;
	int fd;

	/* /proc/TID is there for every thread, though not listed; Tgid is among the first lines. */
	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* the process chooses the first line's text, but the kernel escapes line ends in it */
	line = strstr(text, "\nTgid:");
	return line ? (uint32_t)strtoul(line + 6, NULL, 10) : 0;
}

/* The content of a file below `dir`, cut at PROC_FILE_BYTES_MAX. */
static int read_at(struct arena *arena, int dir, const char *name, struct str *text, bool *cut)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	*text = STR_NULL;
	if (fd < 0)
		return -errno;
	char *buffer = arena_bytes(arena, PROC_FILE_BYTES_MAX);
	size_t len = 0;
	int err = 0;

	while (len < PROC_FILE_BYTES_MAX) {
		ssize_t n = read(fd, buffer + len, PROC_FILE_BYTES_MAX - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	if (cut)
		*cut = len == PROC_FILE_BYTES_MAX;
	*text = (struct str){buffer, len};
	return err;
}

static struct str link_at(struct arena *arena, int dir, const char *name)
{
	char *buffer = arena_bytes(arena, PATH_MAX);
	ssize_t n = readlinkat(dir, name, buffer, PATH_MAX);

	return n > 0 ? (struct str){buffer, (size_t)n} : STR_NULL;
}

static uint64_t inode_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) ? 0 : (uint64_t)st.st_ino;
}

static uint32_t id_at(struct arena *arena, int dir, const char *name)
{
	struct str text;

	if (read_at(arena, dir, name, &text, NULL) || !text.len || text.len > 10)
		return UINT32_MAX;
	char digits[11];

	memcpy(digits, text.p, text.len);
	digits[text.len] = '\0';
	return (uint32_t)strtoul(digits, NULL, 10);
}

/* A link to a file. The kernel appends " (deleted)" to the name of one that is no longer there
 * (d_path); a name that ends so by itself is told apart by its link count, which is asked for
 * without waiting for whoever serves the file system. */
static struct str file_link_at(struct arena *arena, int dir, const char *name)
{
	static const struct str mark = {" (deleted)", 10};
	struct str path = link_at(arena, dir, name);
	struct statx st;

	if (path.len > mark.len && str_ends(path, mark) &&
	    !statx(dir, name, AT_STATX_DONT_SYNC, STATX_NLINK, &st) && !st.stx_nlink)
		path.len -= mark.len;
	return path;
}

/* Programs that set their own title leave the rest of the area as NULs. One may be an empty last
 * argument, more are no arguments. */
static struct str trim_title(struct str argv)
{
	while (argv.len > 2 && !argv.p[argv.len - 1] && !argv.p[argv.len - 2] &&
	       !argv.p[argv.len - 3])
		argv.len--;
	return argv;
}

static int read_facts(struct arena *arena, int dir, uint32_t pid, uint64_t ticks,
		      struct process_facts *facts)
{
	struct proc_stat stat;
	struct str text;
	int err = read_at(arena, dir, "stat", &text, NULL);

	if (err)
		return err;
	err = proc_parse_stat(text, &stat);
	if (err)
		return err;
	int64_t start = (int64_t)(stat.start_ticks * TICK_NS) - proc_time_namespace_offset_ns();
	uint64_t start_boot_ns = start > 0 ? (uint64_t)start : 0;

	if (ticks && start_ticks_of(start_boot_ns) != ticks)
		return -ESRCH;
	*facts = (struct process_facts){.pid = pid,
					.tid = pid,
					.ppid = stat.ppid,
					.pgid = stat.pgid,
					.sid = stat.sid,
					.start_boot_ns = start_boot_ns,
					.tty_major = stat.tty_major,
					.tty_minor = stat.tty_minor,
					.pid_in_ns = pid,
					.comm = stat.comm};
	err = read_at(arena, dir, "status", &text, NULL);
	if (!err)
		err = proc_parse_status(text, facts);
	if (err)
		return err;
	if (!read_at(arena, dir, "cgroup", &text, NULL))
		facts->cgroup = proc_parse_cgroup(text);
	facts->login_uid = id_at(arena, dir, "loginuid");
	facts->audit_session = id_at(arena, dir, "sessionid");
	facts->mount_ns = inode_of(dir, "ns/mnt");
	facts->pid_ns = inode_of(dir, "ns/pid");
	return 0;
}

static void read_exec(struct arena *arena, int dir, struct process_exec *exec)
{
	struct str root = link_at(arena, dir, "root");
	struct str argv;
	bool cut = false;

	*exec = (struct process_exec){0};
	/* A kernel thread has neither; of a zombie both are gone. */
	exec->executable_path = file_link_at(arena, dir, "exe");
	exec->working_directory = file_link_at(arena, dir, "cwd");
	if (root.len && !str_eq(root, STR("/")))
		exec->root = root;
	if (!read_at(arena, dir, "cmdline", &argv, &cut))
		exec->argv = trim_title(argv);
	exec->argv_truncated = cut;
}

int proc_read(struct arena *arena, uint32_t pid, uint64_t ticks, struct process_facts *facts,
	      struct process_exec *exec)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	int err = read_facts(arena, dir, pid, ticks, facts);

	if (!err)
		read_exec(arena, dir, exec);
	close(dir);
	return err;
}

int64_t proc_time_namespace_offset_ns(void)
{
	static bool known;
	static int64_t offset_ns;

	if (known)
		return offset_ns;
	struct arena arena;
	struct str text;

	arena_init(&arena);
	/* A process cannot change its time namespace once it runs, only its children's. */
	if (!read_at(&arena, AT_FDCWD, "/proc/self/timens_offsets", &text, NULL))
		offset_ns = proc_parse_time_offset(text);
	known = true;
	arena_free(&arena);
	return offset_ns;
}

struct process *proc_discover(struct process_table *table, uint32_t pid, uint64_t ticks)
{
	struct arena arena;
	uint32_t next = pid;

	arena_init(&arena);
	for (int i = 0; i < PROC_DISCOVER_MAX && next; i++) {
		struct process_facts facts;
		struct process_exec exec;

		arena_reset(&arena);
		if (proc_read(&arena, next, i ? 0 : ticks, &facts, &exec))
			break;
		if (!i)
			ticks = start_ticks_of(facts.start_boot_ns);
		process_seed(table, &facts, &exec);
		next = table_newest(table, facts.ppid) ? 0 : facts.ppid;
	}
	arena_free(&arena);
	/* Looked up only now: a full table may have forgotten it for one of its ancestors. */
	return table_find(table, pid, ticks);
}

/* Directory entries of /proc that are processes. */
static uint32_t pid_of_name(const char *name)
{
	char *end;

	if (name[0] < '1' || name[0] > '9')
		return 0;
	unsigned long pid = strtoul(name, &end, 10);

	return *end || pid > UINT32_MAX ? 0 : (uint32_t)pid;
}

int process_scan_proc(struct process_table *table)
{
	DIR *proc = opendir("/proc");
	struct arena arena;
	struct dirent *entry;
	int count = 0;

	if (!proc)
		return -errno;
	arena_init(&arena);
	while ((entry = readdir(proc))) {
		uint32_t pid = pid_of_name(entry->d_name);
		struct process_facts facts;
		struct process_exec exec;

		arena_reset(&arena);
		/* One that vanished meanwhile is none to know. */
		if (!pid || proc_read(&arena, pid, 0, &facts, &exec))
			continue;
		process_seed(table, &facts, &exec);
		count++;
	}
	arena_free(&arena);
	closedir(proc);
	return count;
}
