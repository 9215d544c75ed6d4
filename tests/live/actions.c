/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does one named thing to files in the working directory, for tests that watch it being done:
 *
 *	actions NAME [ARGUMENT...]
 *
 * Exits 0 when it was done, 77 when this kernel cannot do it, 1 when it failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ring.h"

static int xopen(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static int do_create(char **a)
{
	close(xopen(a[0], O_WRONLY | O_CREAT));
	return 0;
}

static int do_write(char **a)
{
	int fd = xopen(a[0], O_WRONLY | O_CREAT);

	return check(write(fd, "one", 3), "write") || check(write(fd, "two", 3), "write");
}

static int do_append(char **a)
{
	int fd = xopen(a[0], O_WRONLY | O_APPEND);

	return check(write(fd, "more", 4), "write");
}

static int do_open_truncate(char **a)
{
	int fd = xopen(a[0], O_WRONLY | O_TRUNC);

	return check(write(fd, "new", 3), "write");
}

static int do_read(char **a)
{
	char c;

	return check(read(xopen(a[0], O_RDWR), &c, 1), "read");
}

static int do_creat(char **a)
{
	return check(creat(a[0], 0600), "creat");
}

static int do_openat2(char **a)
{
	struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 0640};

	return check(syscall(SYS_openat2, AT_FDCWD, a[0], &how, sizeof(how)), "openat2");
}

static int do_pwritev(char **a)
{
	struct iovec iov = {(char *)"text", 4};

	return check(pwritev(xopen(a[0], O_WRONLY), &iov, 1, 0), "pwritev");
}

/* Everything that fails must leave no trace. */
static int do_fail(char **a)
{
	(void)a;
	if (open("none/x", O_WRONLY | O_CREAT, 0644) >= 0 || rename("none", "other") == 0 ||
	    unlink("none") == 0 || link("none", "other") == 0 || chmod("none", 0600) == 0 ||
	    symlink("x", ".") == 0 || truncate("none", 0) == 0)
		return 1;
	return 0;
}

static int do_rename(char **a)
{
	return check(rename(a[0], a[1]), "rename");
}

static int do_renameat(char **a)
{
	int from = xopen(a[0], O_RDONLY | O_DIRECTORY), to = xopen(a[2], O_PATH);

	return check(renameat(from, a[1], to, a[3]), "renameat");
}

static int do_exchange(char **a)
{
	return check(renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], RENAME_EXCHANGE), "renameat2");
}

static int do_link(char **a)
{
	return check(link(a[0], a[1]), "link");
}

static int do_symlink(char **a)
{
	return check(symlink(a[0], a[1]), "symlink");
}

static int do_unlink(char **a)
{
	return check(unlink(a[0]), "unlink");
}

static int do_directory(char **a)
{
	return check(mkdir(a[0], 0755), "mkdir") || check(rmdir(a[0]), "rmdir") ||
	       check(mkdir(a[0], 0755), "mkdir") ||
	       check(unlinkat(AT_FDCWD, a[0], AT_REMOVEDIR), "unlinkat");
}

static int do_mknod(char **a)
{
	return check(mknod(a[0], S_IFREG | 0644, 0), "mknod");
}

static int do_chmod(char **a)
{
	return check(chmod(a[0], 0604), "chmod");
}

static int do_fchmod(char **a)
{
	return check(fchmod(xopen(a[0], O_RDONLY), 04755), "fchmod");
}

static int do_chown(char **a)
{
	return check(chown(a[0], 12, 34), "chown");
}

static int do_lchown(char **a)
{
	return check(lchown(a[0], 12, 34), "lchown");
}

static int do_setxattr(char **a)
{
	return check(setxattr(a[0], "trusted.test", "x", 1, 0), "setxattr");
}

static int do_fsetxattr(char **a)
{
	return check(fsetxattr(xopen(a[0], O_RDONLY), "trusted.test", "y", 1, 0), "fsetxattr");
}

static int do_truncate(char **a)
{
	return check(truncate(a[0], 1), "truncate");
}

static int do_ftruncate(char **a)
{
	return check(ftruncate(xopen(a[0], O_WRONLY), 2), "ftruncate");
}

static int do_fallocate(char **a)
{
	return check(fallocate(xopen(a[0], O_WRONLY), 0, 0, 64), "fallocate");
}

static int do_mmap(char **a)
{
	int fd = xopen(a[0], O_RDWR);
	char *p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return check(-1, "mmap");
	*p = 'm';
	return check(munmap(p, 1), "munmap");
}

/* A private mapping changes nothing. */
static int do_mmap_private(char **a)
{
	int fd = xopen(a[0], O_RDWR);
	char *p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		return check(-1, "mmap");
	*p = 'm';
	return 0;
}

static int do_sendfile(char **a)
{
	return check(sendfile(xopen(a[1], O_WRONLY), xopen(a[0], O_RDONLY), NULL, 3), "sendfile");
}

static int do_copy_range(char **a)
{
	return check(
	    copy_file_range(xopen(a[0], O_RDONLY), NULL, xopen(a[1], O_WRONLY), NULL, 3, 0),
	    "copy_file_range");
}

static int do_splice(char **a)
{
	int ends[2];

	if (pipe(ends) || write(ends[1], "pipe", 4) != 4)
		return 1;
	return check(splice(ends[0], NULL, xopen(a[0], O_WRONLY), NULL, 4, 0), "splice");
}

static int do_tmpfile(char **a)
{
	int fd = open(".", O_TMPFILE | O_WRONLY, 0644);
	char link_path[32];

	if (fd < 0)
		return check(fd, "O_TMPFILE");
	if (write(fd, "hidden", 6) != 6)
		return 1;
	snprintf(link_path, sizeof(link_path), "/proc/self/fd/%d", fd);
	return check(linkat(AT_FDCWD, link_path, AT_FDCWD, a[0], AT_SYMLINK_FOLLOW), "linkat");
}

static int do_memfd(char **a)
{
	int fd = memfd_create("notes", 0);

	(void)a;
	return check(write(fd, "text", 4), "write");
}

static void *write_in_thread(void *path)
{
	int fd = xopen(path, O_WRONLY);

	return (void *)(intptr_t)write(fd, "thread", 6);
}

static int do_thread(char **a)
{
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, write_in_thread, a[0]) || pthread_join(thread, &result))
		return 1;
	return (intptr_t)result == 6 ? 0 : 1;
}

/* "race-a" and "race-b" in turn, as fast as it goes. */
static volatile char raced_path[] = "race-a";
static atomic_bool race_is_over;

static void *flip_path(void *none)
{
	(void)none;
	while (!race_is_over)
		raced_path[5] ^= 'a' ^ 'b';
	return NULL;
}

/* Remove a file whose name another thread changes meanwhile, and say each time which it was. */
static int do_race(char **a)
{
	pthread_t thread;
	int err = 0;

	if (pthread_create(&thread, NULL, flip_path, NULL))
		return 1;
	for (int i = atoi(a[0]); i > 0 && !err; i--) {
		close(xopen("race-a", O_WRONLY | O_CREAT));
		close(xopen("race-b", O_WRONLY | O_CREAT));
		err = check(syscall(SYS_unlink, (char *)raced_path), "unlink");
		puts(access("race-a", F_OK) ? "race-a" : "race-b");
	}
	race_is_over = true;
	pthread_join(thread, NULL);
	return err;
}

#ifdef __x86_64__
/* A 32-bit system call from 64-bit code: arguments must lie below 4 GB. */
static long int80(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	if ((int)result < 0) {
		errno = -(int)result;
		return -1;
	}
	return result;
}

static char *low_text(const char *text)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		       -1, 0);

	if (p == MAP_FAILED)
		exit(SKIP);
	return strcpy(p, text);
}

static int do_int80(char **a)
{
	long file = (long)low_text(a[0]), other = (long)low_text(a[1]);
	long fd = int80(5, file, O_WRONLY | O_CREAT, 0644); /* open */

	if (fd < 0)
		return errno == ENOSYS ? SKIP : check(fd, "int 0x80 open");
	return check(int80(4, fd, file, 3), "int 0x80 write") ||
	       check(int80(38, file, other, 0), "int 0x80 rename") ||
	       check(int80(10, other, 0, 0), "int 0x80 unlink");
}
#else
static int do_int80(char **a)
{
	(void)a;
	return SKIP;
}
#endif

static int do_uring(char **a)
{
	struct ring ring;
	int err = ring_open(&ring);
	int fd;

	if (err)
		return err;
	fd = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
						  .fd = AT_FDCWD,
						  .addr = (uintptr_t)a[0],
						  .len = 0644,
						  .open_flags = O_WRONLY | O_CREAT});
	if (fd < 0)
		return ring_check(fd, "io_uring openat");
	err = ring_do(
	    &ring, (struct io_uring_sqe){
		       .opcode = IORING_OP_WRITE, .fd = fd, .addr = (uintptr_t) "ring", .len = 4});
	if (err >= 0)
		err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_RENAMEAT,
							   .fd = AT_FDCWD,
							   .addr = (uintptr_t)a[0],
							   .len = (unsigned)AT_FDCWD,
							   .addr2 = (uintptr_t)a[1]});
	if (err >= 0)
		err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_LINKAT,
							   .fd = AT_FDCWD,
							   .addr = (uintptr_t)a[1],
							   .len = (unsigned)AT_FDCWD,
							   .addr2 = (uintptr_t)a[2]});
	if (err >= 0)
		err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_SYMLINKAT,
							   .fd = AT_FDCWD,
							   .addr = (uintptr_t) "aim",
							   .addr2 = (uintptr_t)a[3]});
	for (int i = 1; i < 4 && err >= 0; i++)
		err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT,
							   .fd = AT_FDCWD,
							   .addr = (uintptr_t)a[i]});
	return ring_check(err, "io_uring");
}

static int do_uring_fail(char **a)
{
	struct ring ring;
	int err = ring_open(&ring);

	(void)a;
	if (err)
		return err;
	err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT,
						   .fd = AT_FDCWD,
						   .addr = (uintptr_t) "none"});
	return err == -ENOENT ? 0 : ring_check(err, "io_uring unlinkat");
}

/* Success that is not reported. */
static int do_uring_silent(char **a)
{
	struct ring ring;
	int err = ring_open(&ring);

	if (err)
		return err;
	err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT,
						   .flags = IOSQE_CQE_SKIP_SUCCESS,
						   .fd = AT_FDCWD,
						   .addr = (uintptr_t)a[0]});
	if (err >= 0)
		err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_WRITE,
							   .flags = IOSQE_CQE_SKIP_SUCCESS,
							   .fd = xopen(a[1], O_WRONLY),
							   .addr = (uintptr_t) "ring",
							   .len = 4});
	return ring_check(err, "io_uring");
}

/* A file opened into the ring's own table has no descriptor. */
static int do_uring_direct(char **a)
{
	int none = -1;
	struct ring ring;
	int err = ring_open(&ring);

	if (err)
		return err;
	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &none, 1) < 0)
		return SKIP;
	err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
						   .fd = AT_FDCWD,
						   .addr = (uintptr_t)a[0],
						   .len = 0644,
						   .file_index = 1,
						   .open_flags = O_WRONLY | O_CREAT});
	if (err >= 0)
		err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_WRITE,
							   .flags = IOSQE_FIXED_FILE,
							   .fd = 0,
							   .addr = (uintptr_t) "ring",
							   .len = 4});
	return ring_check(err, "io_uring");
}

static int do_exec(char **a)
{
	execv(a[0], a);
	return check(-1, a[0]);
}

/* Run a program that has no file. */
static int do_exec_memfd(char **a)
{
	int from = xopen(a[0], O_RDONLY), fd = memfd_create("ghost", MFD_CLOEXEC);
	struct stat st;

	fstat(from, &st);
	if (sendfile(fd, from, NULL, (size_t)st.st_size) != st.st_size)
		return 1;
	fexecve(fd, a, environ);
	return check(-1, "fexecve");
}

static int do_execveat(char **a)
{
	int dir = xopen(a[0], O_PATH);

	syscall(SYS_execveat, dir, a[1], a + 1, environ, 0);
	return check(-1, "execveat");
}

static int do_exit(char **a)
{
	return atoi(a[0]);
}

static int do_abort(char **a)
{
	(void)a;
	abort();
}

static const struct {
	const char *name;
	int (*run)(char **arguments);
	int arguments;
} actions[] = {
    {"create", do_create, 1},
    {"write", do_write, 1},
    {"append", do_append, 1},
    {"open-truncate", do_open_truncate, 1},
    {"read", do_read, 1},
    {"creat", do_creat, 1},
    {"openat2", do_openat2, 1},
    {"pwritev", do_pwritev, 1},
    {"fail", do_fail, 0},
    {"rename", do_rename, 2},
    {"renameat", do_renameat, 4},
    {"exchange", do_exchange, 2},
    {"link", do_link, 2},
    {"symlink", do_symlink, 2},
    {"unlink", do_unlink, 1},
    {"directory", do_directory, 1},
    {"mknod", do_mknod, 1},
    {"chmod", do_chmod, 1},
    {"fchmod", do_fchmod, 1},
    {"chown", do_chown, 1},
    {"lchown", do_lchown, 1},
    {"setxattr", do_setxattr, 1},
    {"fsetxattr", do_fsetxattr, 1},
    {"truncate", do_truncate, 1},
    {"ftruncate", do_ftruncate, 1},
    {"fallocate", do_fallocate, 1},
    {"mmap", do_mmap, 1},
    {"mmap-private", do_mmap_private, 1},
    {"sendfile", do_sendfile, 2},
    {"copy-range", do_copy_range, 2},
    {"splice", do_splice, 1},
    {"tmpfile", do_tmpfile, 1},
    {"memfd", do_memfd, 0},
    {"thread", do_thread, 1},
    {"race", do_race, 1},
    {"int80", do_int80, 2},
    {"uring", do_uring, 4},
    {"uring-fail", do_uring_fail, 0},
    {"uring-silent", do_uring_silent, 2},
    {"uring-direct", do_uring_direct, 1},
    {"exec", do_exec, 1},
    {"exec-memfd", do_exec_memfd, 1},
    {"execveat", do_execveat, 2},
    {"exit", do_exit, 1},
    {"abort", do_abort, 0},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(argv[1], actions[i].name) && argc - 2 >= actions[i].arguments)
			return actions[i].run(argv + 2);
	fprintf(stderr, "usage: actions NAME [ARGUMENT...]\n");
	return 2;
}
