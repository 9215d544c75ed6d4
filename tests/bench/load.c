/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work for a sensor to watch, in windows of equal size: `load KIND COUNT WINDOWS DIRECTORY` does
 * COUNT operations and prints for each window the nanoseconds of wall-clock and of CPU time that
 * one operation took (its own and its children's).
 *
 *	exec     fork, execve of /bin/true, wait
 *	file     create, write, close, rename, unlink, in DIRECTORY
 *	mmap     map and unmap one anonymous page
 *	getpid   a system call that does nothing
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void do_exec(void)
{
	static char name[] = "true";
	char *const argv[] = {name, NULL};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execv("/bin/true", argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("exec");
}

static void do_file(void)
{
	int fd = open("load.new", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, "content of a file", 17) != 17 || close(fd) ||
	    rename("load.new", "load.old") || unlink("load.old"))
		fail("file");
}

static void do_mmap(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || munmap(at, 4096))
		fail("mmap");
}

static void do_getpid(void)
{
	syscall(SYS_getpid);
}

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = {
    {"exec", do_exec},
    {"file", do_file},
    {"mmap", do_mmap},
    {"getpid", do_getpid},
};

static uint64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t of_usage(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

static uint64_t cpu_ns(void)
{
	return of_usage(RUSAGE_SELF) + of_usage(RUSAGE_CHILDREN);
}

static void run(void (*one)(void), uint64_t count, uint64_t windows)
{
	uint64_t each = count / windows;

	for (uint64_t w = 0; w < windows; w++) {
		uint64_t wall = wall_ns(), cpu = cpu_ns();

		for (uint64_t i = 0; i < each; i++)
			one();
		printf("%.1f %.1f\n", (double)(wall_ns() - wall) / (double)each,
		       (double)(cpu_ns() - cpu) / (double)each);
	}
}

int main(int argc, char **argv)
{
	uint64_t count = argc == 5 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t windows = argc == 5 ? strtoull(argv[3], NULL, 10) : 0;

	if (!windows || count < windows) {
		fprintf(stderr, "usage: load exec|file|mmap|getpid COUNT WINDOWS DIRECTORY\n");
		return 2;
	}
	if (chdir(argv[4]))
		fail(argv[4]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(argv[1], kinds[i].name) == 0) {
			run(kinds[i].run, count, windows);
			return 0;
		}
	fprintf(stderr, "load: no work called '%s'\n", argv[1]);
	return 2;
}
