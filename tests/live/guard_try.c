/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enters the sandbox as lintel does, then tries what must and what must not work. TAP on stdout.
 *
 *	guard_try MODE DIRECTORY [USER]
 *
 * MODE: "sensor" or "audit" (with Landlock, where the kernel has it). DIRECTORY: where writing is
 * allowed; beside it, in DIRECTORY-other, it is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/counter.h"
#include "guard/guard.h"

static int count;

static void check(bool is_good, const char *what)
{
	printf("%sok %d - %s (errno %d)\n", is_good ? "" : "not ", ++count, what, errno);
}

static int make(const char *directory, const char *name)
{
	char path[2048];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* As detector_save() does. */
static void replace_state(const char *directory)
{
	char from[1024], to[1024];
	int fd = make(directory, "new");

	snprintf(from, sizeof(from), "%s/new", directory);
	snprintf(to, sizeof(to), "%s/old", directory);
	check(fd >= 0 && write(fd, "x\n", 2) == 2 && !fsync(fd) && !close(fd) && !rename(from, to),
	      "state is saved beside the old one and takes its place");
}

static void try_allowed(const char *directory)
{
	time_t now = time(NULL);
	struct tm tm;

	replace_state(directory);
	errno = 0;
	check(getpwuid(0) != NULL, "names of users by NSS");
	check(getpwuid(4242424) == NULL, "a user that is not there: every NSS module asked");
	check(getgrgid(0) != NULL, "names of groups");
	check(localtime_r(&now, &tm) != NULL, "time zone");
	void *much = malloc((size_t)64 << 20);

	check(much != NULL, "memory");
	free(much);
}

static void try_refused(void)
{
	char program[] = "/bin/true", *const arguments[] = {program, NULL};
	union bpf_attr attr = {0};
	uint64_t before = counter_get(COUNTER_CALL_REFUSED);

	check(execv("/bin/true", arguments) < 0 && errno == ENOSYS, "no program is started");
	check(syscall(SYS_clone, 0, 0, 0, 0, 0) < 0 && errno == ENOSYS, "no process");
	check(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == ENOSYS, "no network");
	check(ptrace(PTRACE_ATTACH, getppid(), 0, 0) < 0 && errno == ENOSYS, "no ptrace");
	check(syscall(SYS_kill, getppid(), 0) < 0 && errno == ENOSYS, "no signal to others");
	check(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0 && errno == ENOSYS,
	      "no BPF program is loaded");
	check(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) < 0 && errno != ENOSYS,
	      "but maps may be read");
	check(setuid(0) < 0 || geteuid() == 0, "ids are not changed");
	guard_report();
	check(counter_get(COUNTER_CALL_REFUSED) >= before + 6, "each was counted");
}

static void try_writes(const char *directory, bool is_audit, bool is_user, bool has_landlock)
{
	char other[1024];

	snprintf(other, sizeof(other), "%s-other", directory);
	int fd = make(other, "file");

	if (is_audit && !has_landlock && !is_user)
		printf("ok %d - nothing is made elsewhere # SKIP no Landlock in this kernel\n",
		       ++count);
	else if (is_audit || is_user)
		check(fd < 0 && errno == EACCES, "nothing is made elsewhere");
	else
		check(fd >= 0, "as root and without Landlock root's files can be written");
}

int main(int argc, char **argv)
{
	struct guard_options options = {0};
	const char *writable[] = {argc > 2 ? argv[2] : ".", NULL};
	bool is_audit = argc > 1 && strcmp(argv[1], "audit") == 0;

	/* LANDLOCK_CREATE_RULESET_VERSION; the list lets nobody ask later */
	bool has_landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;

	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	options.writable = writable;
	options.reads_processes = !is_audit;
	if (argc > 3 && guard_find_user(argv[3], &options.user))
		return 3;
	check(!guard_enter(&options), "entered");
	char link[64], target[2];

	/* The caller: it may be of another user and is in no Landlock domain of ours. */
	snprintf(link, sizeof(link), "/proc/%d/root", (int)getppid());
	bool sees_root = readlink(link, target, sizeof(target)) > 0;

	check(is_audit || sees_root, "other processes' roots are seen");
	/* why the sensor goes without Landlock; should a kernel change this, lintel can have it */
	if (is_audit && has_landlock)
		check(!sees_root, "under Landlock they are not");
	try_allowed(writable[0]);
	try_writes(writable[0], is_audit, options.user.name != NULL, has_landlock);
	try_refused();
	printf("1..%d\n", count);
	return 0;
}
