/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls and io_uring operations the sensor follows; the table is calls.def. Compiled by
 * both sides. */
#ifndef LINTEL_SENSOR_CALLS_H
#define LINTEL_SENSOR_CALLS_H

enum call {
#define CALL(id, name, nr64, nr32, how, what, a, b, c, d, flags) CALL_##id,
#include "sensor/calls.def"
#undef CALL
	CALL_COUNT
};

/* How the kernel side reads a call's arguments; see calls.def. */
enum call_how {
	HOW_NONE,
	HOW_OPEN,
	HOW_WRITE,
	HOW_FD,
	HOW_CLONE,
	HOW_MMAP,
	HOW_PATHS,
	HOW_MOUNTS, /* GROUP_PROCESS from here on */
	HOW_PROTECT,
	HOW_IDS,
	HOW_SESSION,
	HOW_CAPABILITIES,
	HOW_PTRACE,
	HOW_VM,
	HOW_MEMFD,
	HOW_MODULE,
	HOW_UNLOAD,
	HOW_BPF,
	/* GROUP_NETWORK from here on */
	HOW_CONNECT,
	HOW_ACCEPT,
	HOW_SEND,
	HOW_SENDMSG,
	HOW_SENDMMSG,
	HOW_RECV,
	HOW_RECVMSG,
	HOW_RECVMMSG,
	HOW_READ,
	HOW_READV,
	HOW_SOCKETCALL,
};

/* Which program handles a call at its end (bpf/calls.bpf.c). */
enum call_group {
	GROUP_NONE,
	GROUP_FILE,
	GROUP_PROCESS,
	GROUP_NETWORK,
	GROUP_COUNT
};

/* Where the kernel decides on a call (bpf/lsm.bpf.c); the table is path_hooks.def. */
enum path_hook {
#define PATH_HOOK(id, name, what) PATH_HOOK_##id,
#include "sensor/path_hooks.def"
#undef PATH_HOOK
	PATH_HOOK_COUNT
};

/* What a call does to a file. */
enum call_what {
	WHAT_NONE,
	WHAT_CONTENT,
	WHAT_SIZE,
	WHAT_MODE,
	WHAT_OWNER,
	WHAT_OWNER_LINK, /* of the link itself, not of what it points to */
	WHAT_XATTR,
	WHAT_XATTR_LINK,
	WHAT_RENAME,
	WHAT_UNLINK,
	WHAT_LINK,
	WHAT_SYMLINK,
	WHAT_MKNOD,
};

#endif
