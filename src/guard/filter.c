/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of system calls a watch makes, by libseccomp.
 *
 * A call that is not on the list is refused with ENOSYS, and said: the kernel raises SIGSYS in the
 * caller, the handler notes the number, guard_report() names it. Killing would make an outage of the
 * host's watch out of a libc that one day prefers another call, and hand everybody who can provoke
 * one a way to end lintel; ENOSYS is what libc takes for "an older kernel" and falls back from.
 */
#include <errno.h>
#include <linux/prctl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/log.h"
#include "guard/guard_internal.h"

/* linux/bpf.h: enum bpf_cmd */
#define CMD_MAP_LOOKUP_ELEM 1
#define CMD_OBJ_GET_INFO_BY_FD 15

#define GROUP_MAX 40
/* Why each is there; names as libseccomp has them, so that one list serves every architecture. */
static const struct group {
	const char *why;
	const char *call[GROUP_MAX];
} groups[] = {
    {"reading: /proc, paths of processes, audit logs, /etc for names and time zone",
     {"open",        "openat",
      "openat2",     "read",
      "readv",       "pread64",
      "lseek",       "close",
      "close_range", "fstat",
      "stat",        "lstat",
      "newfstatat",  "statx",
      "fstatfs",     "statfs",
      "readlink",    "readlinkat",
      "getdents",    "getdents64",
      "access",      "faccessat",
      "faccessat2",  "getcwd",
      "fadvise64",   "name_to_handle_at",
      "getxattr"}},
    {"writing: alerts, events, messages; state and outputs replaced and rotated",
     {"write",           "writev",   "pwrite64",       "fsync",  "fdatasync", "ftruncate",
      "rename",          "renameat", "renameat2",      "unlink", "unlinkat",  "link",
      "linkat",          "mkdir",    "mkdirat",        "fchmod", "flock",     "umask",
      "fallocate",       "dup",      "dup2",           "dup3",   "fcntl",     "ioctl",
      "sync_file_range", "fchmodat", "copy_file_range"}},
    {"memory; libc loads name service modules when first asked for a user",
     {"brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "mlock", "mlock2", "munlock",
      "mincore", "membarrier", "pkey_alloc", "pkey_mprotect", "get_mempolicy"}},
    {"waiting: ring buffer, fanotify, timers, signals, log rotation",
     {"epoll_wait",       "epoll_pwait",    "epoll_pwait2",    "epoll_ctl",
      "epoll_create1",    "poll",           "ppoll",           "select",
      "pselect6",         "timerfd_create", "timerfd_settime", "timerfd_gettime",
      "signalfd4",        "eventfd2",       "inotify_init1",   "inotify_add_watch",
      "inotify_rm_watch", "nanosleep",      "clock_nanosleep", "futex",
      "futex_waitv",      "sched_yield",    "pipe2",           "restart_syscall"}},
    {"time and randomness", {"clock_gettime", "clock_getres", "gettimeofday", "time", "getrandom"}},
    {"who and where we are",
     {"getpid",    "gettid",    "getppid",           "getuid", "geteuid", "getgid",    "getegid",
      "getresuid", "getresgid", "getgroups",         "uname",  "sysinfo", "getrlimit", "getrusage",
      "capget",    "times",     "sched_getaffinity", "getcpu", "getpgrp", "getsid"}},
    {"signals, and the end, also by abort()",
     {"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "exit", "exit_group",
      "set_robust_list", "get_robust_list", "rseq", "set_tid_address"}},
    {"fanotify: directories of mount namespaces that come later", {"fanotify_mark"}},
    {"sockets that are there: service manager, name service daemons (opening one: below)",
     {"connect", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "getsockname",
      "getpeername", "getsockopt", "setsockopt", "shutdown", "bind"}},
};

/* Calls of which only one first argument is meant. */
static const struct {
	const char *call;
	uint64_t first;
	const char *why;
} narrow[] = {
    {"socket", AF_UNIX, "service manager, syslog, nscd, sssd, systemd's user database"},
    {"socket", AF_NETLINK, "name service modules ask which interfaces there are"},
    {"prctl", PR_SET_VMA, "libc names its mappings"},
    {"prctl", PR_GET_THP_DISABLE, "malloc asks about huge pages"},
    {"prctl", PR_CAPBSET_READ, "libcap, which the name service module of systemd loads"},
    {"bpf", CMD_MAP_LOOKUP_ELEM, "counters of lost events"},
    {"bpf", CMD_OBJ_GET_INFO_BY_FD, "how often the kernel missed to run a program"},
};

/* Numbers that the handler saw; libc's calls end far below this. */
#define CALLS_MAX 512
static atomic_uchar refused[CALLS_MAX]; /* 1: seen, 2: said */
static atomic_ulong refused_count;
static unsigned long counted;

static void on_refused(int signal, siginfo_t *info, void *context)
{
	ucontext_t *user = context;
	unsigned char unseen = 0;

	(void)signal;
	if (info->si_syscall >= 0 && info->si_syscall < CALLS_MAX)
		atomic_compare_exchange_strong(&refused[info->si_syscall], &unseen, 1);
	atomic_fetch_add(&refused_count, 1);
#if defined(__x86_64__)
	user->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#elif defined(__aarch64__)
	user->uc_mcontext.regs[0] = (unsigned long long)-ENOSYS;
#else
#error "where does this architecture return a system call's result?"
#endif
}

static int add_groups(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		for (size_t j = 0; j < GROUP_MAX && groups[i].call[j]; j++) {
			int number = seccomp_syscall_resolve_name(groups[i].call[j]);

			/* not known to this libseccomp, or (negative) not on this architecture */
			if (number < 0)
				continue;
			int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);

			if (err)
				return err;
		}
	return 0;
}

static int add_narrow(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
	/* abort() and raise(): signals to nobody else */
	int err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);

	for (size_t i = 0; i < sizeof(narrow) / sizeof(*narrow) && !err; i++) {
		const struct scmp_arg_cmp first = SCMP_A0(SCMP_CMP_EQ, narrow[i].first);

		err =
		    seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
					   seccomp_syscall_resolve_name(narrow[i].call), 1, &first);
	}
	return err;
}

static int load(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int err = filter ? 0 : -ENOMEM;

	if (!err)
		err = add_groups(filter);
	if (!err)
		err = add_narrow(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

int filter_enter(void)
{
	struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGSYS, &action, NULL))
		return -errno;
	return load();
}

void guard_report(void)
{
	unsigned long count = atomic_load(&refused_count);

	if (count == counted)
		return;
	counter_add(COUNTER_CALL_REFUSED, count - counted);
	counted = count;
	for (int i = 0; i < CALLS_MAX; i++) {
		unsigned char seen = 1;

		if (!atomic_compare_exchange_strong(&refused[i], &seen, 2))
			continue;
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);

		log_warning("sandbox: the system call %s (%d) was refused with ENOSYS; either "
			    "lintel was made to do what it should not, or its list lacks a call: "
			    "please report it (--no-sandbox goes on without the list)",
			    name ? name : "unknown", i);
		free(name);
	}
}
