/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does named things to itself, to children of its own and to memory, for tests that watch it:
 *
 *	process_actions NAME...
 *
 * Exits 0 when all were done, 77 when this kernel cannot do one, 1 when one failed. What changes a
 * process for good is done in a child. Static, so that nothing is mapped but what is asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIP 77
#define PAGE 4096
#define RX (PROT_READ | PROT_EXEC)
#define RW (PROT_READ | PROT_WRITE)

static int check(long result, const char *what)
{
	if (result >= 0)
		return 0;
	fprintf(stderr, "process_actions: %s: %s\n", what, strerror(errno));
	return errno == ENOSYS || errno == EOPNOTSUPP ? SKIP : 1;
}

/* Run it in a child, so that it changes nobody else; raw calls are of that one thread. */
static int in_child(int (*run)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(run());
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int setresuid_child(void)
{
	/* nothing changes, then something does, then nothing again */
	return check(syscall(SYS_setresuid, -1, -1, -1), "setresuid") ||
	       check(syscall(SYS_setresuid, 1234, 1234, 0), "setresuid") ||
	       check(syscall(SYS_setresuid, 1234, 1234, 0), "setresuid");
}

static int do_setresuid(void)
{
	return in_child(setresuid_child);
}

static int setgid_child(void)
{
	return check(syscall(SYS_setgid, 4321), "setgid");
}

static int do_setgid(void)
{
	return in_child(setgid_child);
}

static int setsid_child(void)
{
	return check(setsid(), "setsid");
}

static int do_setsid(void)
{
	return in_child(setsid_child);
}

static int capset_child(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {
	    {1u << CAP_SYS_PTRACE, 1u << CAP_SYS_PTRACE | 1u << CAP_CHOWN, 0}, {0}};

	return check(syscall(SYS_capset, &header, data), "capset") ||
	       check(syscall(SYS_capset, &header, data), "capset");
}

static int do_capset(void)
{
	return in_child(capset_child);
}

static pid_t sleeper(void)
{
	pid_t child = fork();

	while (child == 0)
		pause();
	return child;
}

static int bury(pid_t child, int status)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return status;
}

static long word;

static int do_ptrace(void)
{
	pid_t child = sleeper();
	struct user_regs_struct regs;
	int status = check(ptrace(PTRACE_ATTACH, child, 0, 0), "attach");

	waitpid(child, NULL, __WALL);
	status = status || check(ptrace(PTRACE_POKEDATA, child, &word, 7), "pokedata") ||
		 check(ptrace(PTRACE_GETREGS, child, 0, &regs), "getregs") ||
		 check(ptrace(PTRACE_SETREGS, child, 0, &regs), "setregs") ||
		 check(ptrace(PTRACE_DETACH, child, 0, 0), "detach");
	return bury(child, status);
}

static int do_seize(void)
{
	pid_t child = sleeper();

	return bury(child, check(ptrace(PTRACE_SEIZE, child, 0, 0), "seize"));
}

static int traceme_child(void)
{
	return check(ptrace(PTRACE_TRACEME, 0, 0, 0), "traceme");
}

static int do_traceme(void)
{
	return in_child(traceme_child);
}

static int do_vm_write(void)
{
	pid_t child = sleeper();
	long value = 42;
	struct iovec local = {&value, sizeof(value)}, remote = {&word, sizeof(word)};
	int status = check(process_vm_writev(child, &local, 1, &remote, 1, 0), "writev");

	status = status || check(process_vm_readv(child, &local, 1, &remote, 1, 0), "readv");
	/* its own memory is no event */
	status = status || check(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), "readv");
	return bury(child, status);
}

static int do_proc_mem(void)
{
	pid_t child = sleeper();
	long value = 43;
	char path[64];
	int fd, status;

	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	close(open(path, O_RDONLY));
	fd = open(path, O_RDWR);
	status = check(fd, "open") ||
		 check(pwrite(fd, &value, sizeof(value), (off_t)(uintptr_t)&word), "pwrite") ||
		 check(pwrite(fd, &value, sizeof(value), (off_t)(uintptr_t)&word), "pwrite");
	close(fd);
	return bury(child, status);
}

static int do_memfd(void)
{
	int fd = memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	close(fd);
	return check(fd, "memfd_create");
}

/* A file of one page, with no name any more when `unlinks`. */
static int make_file(const char *name, int unlinks)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0755);

	if (fd >= 0 && ftruncate(fd, PAGE))
		return -1;
	if (unlinks)
		unlink(name);
	return fd;
}

static int map(int prot, int flags, int fd)
{
	void *at = mmap(NULL, PAGE, prot, flags, fd, 0);

	return check(at == MAP_FAILED ? -1 : 0, "mmap");
}

static int do_map_anonymous(void)
{
	return map(RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1) ||
	       map(RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static int do_library(void)
{
	int fd = make_file("lib-live.so", 0);

	return check(fd, "open") || map(RX, MAP_PRIVATE, fd) || map(RX, MAP_PRIVATE, fd);
}

/* Overwritten in place it is another library, once the clock that change times are taken from has
 * gone on: a tick is at most 10 ms. */
static int do_library_again(void)
{
	int fd = open("lib-live.so", O_RDWR);

	usleep(30000);

	return check(fd, "open") || check(pwrite(fd, "x", 1, 0), "pwrite") ||
	       map(RX, MAP_PRIVATE, fd);
}

static int do_library_deleted(void)
{
	int fd = make_file("lib-deleted.so", 1);

	return check(fd, "open") || map(RX, MAP_PRIVATE, fd);
}

static int do_library_memfd(void)
{
	int fd = memfd_create("code", 0);

	return check(fd, "memfd_create") || check(ftruncate(fd, PAGE), "ftruncate") ||
	       map(RX, MAP_PRIVATE, fd);
}

static int do_map_file_writable(void)
{
	int fd = make_file("lib-rwx.so", 0);

	return check(fd, "open") || map(RW | PROT_EXEC, MAP_PRIVATE, fd);
}

static int do_mprotect(void)
{
	char *at = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return check(mprotect(at, PAGE, PROT_READ), "mprotect") ||
	       check(mprotect(at, PAGE, RX), "mprotect") ||
	       check(mprotect(at, 2 * PAGE, RW | PROT_EXEC), "mprotect");
}

static int do_mprotect_heap(void)
{
	char *start = sbrk(4 * PAGE);
	char *page = (char *)(((uintptr_t)start + PAGE - 1) & ~(uintptr_t)(PAGE - 1));

	return check(mprotect(page, PAGE, RW | PROT_EXEC), "mprotect");
}

static int do_mprotect_stack(void)
{
	char here;
	char *page = (char *)((uintptr_t)&here & ~(uintptr_t)(PAGE - 1));

	return check(mprotect(page, PAGE, RW | PROT_EXEC), "mprotect");
}

static int do_bpf(void)
{
	/* r0 = 0; exit */
	const struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
					{.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
			       .insn_cnt = 2,
			       .insns = (uintptr_t)code,
			       .license = (uintptr_t) "GPL",
			       .prog_name = "live_test"};

	return check(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)), "bpf");
}

static int unshare_child(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	return check(fd, "open") || check(unshare(CLONE_NEWUTS | CLONE_NEWIPC), "unshare") ||
	       check(setns(fd, 0), "setns");
}

static int do_unshare(void)
{
	return in_child(unshare_child);
}

/* The test's shell has a private mount namespace. */
static int do_mount(void)
{
	return check(mount("nothing", ".", "tmpfs", MS_NOSUID, "size=4k"), "mount") ||
	       check(umount2(".", MNT_DETACH), "umount2");
}

static void *thread_body(void *result)
{
	*(int *)result = do_memfd() || do_mprotect() ||
			 check(syscall(SYS_setresuid, 777, 777, 0), "setresuid") ||
			 check(syscall(SYS_setresuid, 0, 0, 0), "setresuid");
	return NULL;
}

static int do_thread(void)
{
	pthread_t thread;
	int result = 1;

	if (pthread_create(&thread, NULL, thread_body, &result))
		return 1;
	pthread_join(thread, NULL);
	return result;
}

static long int80(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* 32-bit numbers: memfd_create 356, mprotect 125, setresuid32 208, setsid 66, old mmap 90. */
static int int80_child(void)
{
	char *low = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t *old;

	if (low == MAP_FAILED)
		return 1;
	strcpy(low, "small");
	if (int80(356, (long)low, 0, 0) < 0)
		return SKIP;
	old = (uint32_t *)(low + 64);
	memcpy(old, (uint32_t[]){0, PAGE, RX, MAP_PRIVATE | MAP_ANONYMOUS, -1u, 0}, 24);
	if ((uint32_t)int80(90, (long)old, 0, 0) > -4096u)
		return 1;
	if (int80(125, (long)low, PAGE, RW | PROT_EXEC) || int80(208, 99, 99, 99))
		return 1;
	return int80(66, 0, 0, 0) > 0 ? 0 : 1;
}

static int do_int80(void)
{
	return in_child(int80_child);
}

static int fail_child(void)
{
	struct iovec nothing = {&word, sizeof(word)};

	/* nobody, so that none of it is allowed */
	if (syscall(SYS_setresuid, 65534, 65534, 65534))
		return 1;
	return syscall(SYS_setresuid, 0, 0, 0) == 0 || ptrace(PTRACE_ATTACH, 1, 0, 0) == 0 ||
	       process_vm_writev(1, &nothing, 1, &nothing, 1, 0) > 0 ||
	       unshare(CLONE_NEWUTS) == 0 || mount("x", "/", "tmpfs", 0, 0) == 0 ||
	       syscall(SYS_memfd_create, "x", -1) >= 0 ||
	       syscall(SYS_finit_module, -1, "", 0) == 0 || syscall(SYS_setsid) < 0;
}

static int do_fail(void)
{
	return in_child(fail_child);
}

static const struct {
	const char *name;
	int (*run)(void);
} actions[] = {
    {"setresuid", do_setresuid},
    {"setgid", do_setgid},
    {"setsid", do_setsid},
    {"capset", do_capset},
    {"ptrace", do_ptrace},
    {"seize", do_seize},
    {"traceme", do_traceme},
    {"vm-write", do_vm_write},
    {"proc-mem", do_proc_mem},
    {"memfd", do_memfd},
    {"map-anonymous", do_map_anonymous},
    {"library", do_library},
    {"library-again", do_library_again},
    {"library-deleted", do_library_deleted},
    {"library-memfd", do_library_memfd},
    {"map-file-writable", do_map_file_writable},
    {"mprotect", do_mprotect},
    {"mprotect-heap", do_mprotect_heap},
    {"mprotect-stack", do_mprotect_stack},
    {"bpf", do_bpf},
    {"unshare", do_unshare},
    {"mount", do_mount},
    {"thread", do_thread},
    {"int80", do_int80},
    {"fail", do_fail},
};

static int do_named(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(name, actions[i].name))
			return actions[i].run();
	fprintf(stderr, "process_actions: nothing is called %s\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc && !status; i++)
		status = do_named(argv[i]);
	return status;
}
