/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What goes over the ring buffer: one record shape for every event, compiled by both sides.
 *
 *	[ struct wire_record, fixed ][ tail: texts, found by spans ]
 *
 * The fixed part says who acted and on what; the tail holds paths and arguments, each named by a
 * span. A span whose text was cut, or could not be read, has its bit in `cut` or `failed`, so that
 * the reader never takes a part for the whole.
 *
 * A place (where a file is) is sent as the names met on the way from the file up to the root, each
 * with its NUL, leaf first. Between them stand marks; a name cannot hold '/', so a mark begins
 * with one:
 *
 *	x.conf\0 ld.so.conf.d\0 /m\0 etc\0 /r\0 chroot\0 srv\0 /s\0 upper\0 /u\0 ...
 *	                         |          |                   |             |
 *	    mount point crossed -+          |                   |             |
 *	    the process's root -------------+                   |             |
 *	    from the mount's root to its file system's root ----+             |
 *	    overlayfs: the same file in the upper layer's file system --------+
 */
#ifndef LINTEL_SENSOR_WIRE_H
#define LINTEL_SENSOR_WIRE_H

#include <linux/types.h>

enum wire_kind {
	WIRE_FORK,
	WIRE_EXEC,
	WIRE_EXIT,
	WIRE_TASK,    /* found by the task iterator */
	WIRE_FILE,    /* a call on an open file; place 0 is the file */
	WIRE_PATHS,   /* a call on path strings; places are the directories they start from */
	WIRE_MOUNTS,  /* the caller's mounts, root or mount namespace changed */
	WIRE_NETWORK, /* a connection or a flow of datagrams begins or ends; struct wire_network */
	WIRE_DNS, /* a message from or to port 53: struct wire_network, and text 0 is the message */
	WIRE_PLACES, /* as WIRE_PATHS, but the places are the files themselves, as the kernel had
		      * them; detail: struct wire_inode of the file at place 1, if there is one */
	/* Of a process, its ids and what it may do: WIRE_SPAN_DETAIL is a struct wire_ids, as it was
	 * before the call. */
	WIRE_IDS,
	WIRE_SESSION,
	WIRE_CAPABILITIES,
	/* What a process does to memory or the kernel: a struct wire_detail. */
	WIRE_PTRACE,
	WIRE_VM,       /* process_vm_readv, process_vm_writev */
	WIRE_PROC_MEM, /* /proc/PID/mem opened for writing or written; place 0 is the file */
	WIRE_MEMFD,
	WIRE_MAP,     /* an executable mapping: of nothing, or a writable one of a file (place 0) */
	WIRE_PROTECT, /* memory made executable */
	WIRE_LIBRARY, /* an executable mapping of a file (place 0), the first of this program */
	WIRE_MODULE,  /* a module loaded; place 0 when it came from a file */
	WIRE_UNLOAD,
	WIRE_BPF,
	WIRE_NAMESPACE, /* setns, unshare */
	WIRE_MOUNT,     /* mount, umount; texts: source and target */
	WIRE_SIGNAL,    /* somebody sent lintel a signal; value is its number */
	WIRE_KIND_COUNT
};

enum wire_span_kind {
	WIRE_SPAN_PLACE0,
	WIRE_SPAN_PLACE1, /* exec: the process's root */
	WIRE_SPAN_CWD,    /* a place too, without a struct wire_place */
	WIRE_SPAN_TEXT0,  /* exec: filename; paths: first string; dns: the message */
	WIRE_SPAN_TEXT1,  /* exec: interp; paths: second string */
	WIRE_SPAN_CGROUP,
	WIRE_SPAN_ARGV,
	WIRE_SPAN_ENV,    /* exec: NAME=value of the variables asked for, each with its NUL */
	WIRE_SPAN_DETAIL, /* the struct of this kind of record; first in the tail, so aligned */
	WIRE_SPAN_EMPTY,  /* keeps the fixed part a multiple of eight */
	WIRE_SPAN_COUNT
};

/* Offsets stay below this, so that any bounded read after one stays within the tail. */
#define WIRE_OFFSET_MASK 0x7fffu
/* One path, as long as the kernel takes one (PATH_MAX). */
#define WIRE_PATH_BYTES 4096u
/* A name is at most NAME_MAX bytes and its NUL. */
#define WIRE_NAME_BYTES 256u
/* Arguments: the longest compiler and java command lines seen are below this, and the process table
 * keeps no more; a longer vector is cut and said. */
#define WIRE_ARGV_BYTES 16384u
#define WIRE_TAIL_BYTES (WIRE_OFFSET_MASK + 1 + WIRE_ARGV_BYTES)
/* Names in one place: PATH_MAX allows 2,048 one-letter directories, real trees are below 32 deep;
 * each costs the walk 60 ns and the verifier its patience. */
#define WIRE_NAMES_MAX 96

/* wire_place.flags */
#define WIRE_PLACE_DETACHED 0x1u /* the mount is in no namespace: memfd, pipe, O_PATH of a tree */
#define WIRE_PLACE_UPPER 0x2u    /* upper_dev and the /u part are set */

/* wire_record.flags */
#define WIRE_COMPAT 0x1u      /* a 32-bit system call */
#define WIRE_LATE_TEXT 0x2u   /* the strings were read after the call, not before it */
#define WIRE_UNCONFIRMED 0x4u /* io_uring was asked not to report success */
#define WIRE_TRUNCATED 0x8u   /* the open cut the file to length 0 */
#define WIRE_CREATED 0x10u    /* the open made the file */

struct wire_span {
	__u16 offset; /* from the start of the tail */
	__u16 bytes;
};

struct wire_place {
	__u32 dev; /* of the file system: kernel's dev_t, major << 20 | minor */
	__u32 mount_id;
	__u32 upper_dev;
	__u32 flags;
};

struct wire_inode {
	__u64 number;
	__u64 size;
	__u64
	    changed_ns; /* its change time, CLOCK_REALTIME; 0 when this kernel keeps it elsewhere */
	__u32 mode, uid, gid, links;
};

struct wire_actor {
	__u32 pid, tid, ppid, pgid, sid, pid_in_ns;
	__u32 uid, gid, euid, egid, suid, sgid;
	__u32 login_uid, audit_session;
	__u32 tty_major, tty_minor;
	__u32 mount_ns, pid_ns;
	__u32 root_dev, root_mount_id;
	__u64 root_inode;
	__u64 start_boot_ns, parent_start_boot_ns;
	__u64 cap_effective, cap_permitted;
	__u64 cgroup_id;
	char comm[16];
};

/* What a socket did. */
enum wire_network_what {
	WIRE_CONNECTED, /* the caller asked for a connection, or sent a first datagram */
	WIRE_ACCEPTED,  /* the caller took a connection, or received a first datagram */
	WIRE_CLOSED,
	WIRE_SENT, /* WIRE_DNS */
	WIRE_RECEIVED,
};

/* wire_network.flags */
#define WIRE_INCOMING 0x1u     /* the other side began it */
#define WIRE_CALLER_SAYS 0x2u  /* the remote address is from the caller's memory */
#define WIRE_MESSAGE_CUT 0x4u  /* text 0 is not the whole message */
#define WIRE_COUNTS_BYTES 0x8u /* sent and received are known */

/* The detail of WIRE_NETWORK and WIRE_DNS. */
struct wire_network {
	__u8 local[16], remote[16]; /* network byte order; IPv4: the first four */
	__u64 sent, received;       /* payload, without what was sent again */
	__u16 local_port, remote_port;
	__u16 protocol; /* IPPROTO_* */
	__u8 family;    /* 4 or 6 */
	__u8 what;      /* enum wire_network_what */
	__u32 flags;
	__s32 result; /* of connect: 0 or a negative error number */
};

/* The longest message: what resolvers ask for with EDNS is 1,232 bytes by now, 4,096 before. */
#define WIRE_DNS_BYTES 4096u

/* Ids and what goes with them, of one thread. */
struct wire_ids {
	__u32 uid, euid, suid;
	__u32 gid, egid, sgid;
	__u32 sid;
	__u32 known; /* 0: the beginning of the call was not seen, and nothing else is set */
	__u64 cap_effective, cap_permitted;
};

/* wire_detail.region: what part of the process's memory an address is in */
enum wire_region {
	WIRE_REGION_OTHER,
	WIRE_REGION_HEAP,
	WIRE_REGION_STACK,
	WIRE_REGION_VDSO,
};

/* What a call was asked to do. Which members are set depends on the kind:
 *
 *	PTRACE     address, data, request, target
 *	VM         length (bytes moved), flags, target
 *	PROC_MEM   target
 *	MEMFD      flags
 *	MAP, PROTECT, LIBRARY  address, length, protection; flags (of mmap), region (PROTECT)
 *	MODULE     name, flags (of finit_module), data (taints), request: 1 when they are known
 *	UNLOAD     name, flags
 *	BPF        name, request (program type), data (id)
 *	NAMESPACE  flags (CLONE_NEW*), data (inode number of the namespace entered)
 *	MOUNT      name (file system type), flags
 */
struct wire_detail {
	__u64 address, length, data, flags;
	__u64 target_start_boot_ns; /* 0 when not known */
	__u32 target_pid;           /* thread group in the initial pid namespace; 0: not known */
	__u32 requested_pid;        /* as the caller named it, in its own pid namespace */
	__u32 protection, request;
	__u32 region, pad;
	char name[64]; /* a module's is at most 56 bytes (MODULE_NAME_LEN) */
};

_Static_assert(sizeof(struct wire_ids) == 48, "no holes");
_Static_assert(sizeof(struct wire_detail) == 128, "no holes");

struct wire_record {
	__u32 bytes; /* of the fixed part and the tail */
	__u8 kind;   /* enum wire_kind */
	__u8 flags;
	__u16 call; /* enum call */
	__u64 boot_ns;
	__u32 cut;    /* 1 << enum wire_span_kind */
	__u32 failed; /* likewise */
	struct wire_actor actor;
	struct wire_place place[2];
	struct wire_inode inode; /* of the file acted on or executed */
	__u64 value; /* exec: argc; exit: the kernel's exit code; paths: the call's flags */
	struct wire_span span[WIRE_SPAN_COUNT];
};

_Static_assert(sizeof(struct wire_actor) == 144, "wire_actor has no holes");
_Static_assert(__builtin_offsetof(struct wire_record, boot_ns) == 8, "no holes");
_Static_assert(__builtin_offsetof(struct wire_record, actor) == 24, "no holes");
_Static_assert(__builtin_offsetof(struct wire_record, place) == 168, "no holes");
_Static_assert(__builtin_offsetof(struct wire_record, inode) == 200, "no holes");
_Static_assert(__builtin_offsetof(struct wire_record, value) == 240, "no holes");
_Static_assert(__builtin_offsetof(struct wire_record, span) == 248, "no holes");
_Static_assert(sizeof(struct wire_record) == 288, "no holes");
_Static_assert(sizeof(struct wire_network) == 64, "no holes");

/* What waits between a hook and the end of its call (bpf/decided.h). Two paths of ordinary length fit
 * the small form; what is longer goes to the few large ones. */
#define DECIDED_SMALL 768
#define DECIDED_LARGE 8192

struct decided_small {
	__u64
	    acted; /* the struct dentry whose inode is reported as it is after the call; 0: none */
	struct wire_record record;
	char tail[DECIDED_SMALL];
};

struct decided_large {
	__u64 acted;
	struct wire_record record;
	char tail[DECIDED_LARGE];
};

/* Loss causes, indices of the per-CPU array `losses`; ring losses by kind come first. */
enum wire_loss {
	WIRE_LOSS_RING,
	WIRE_LOSS_READ = WIRE_KIND_COUNT,
	WIRE_LOSS_MAP,
	WIRE_LOSS_PATH,
	WIRE_LOSS_ARGV,
	WIRE_LOSS_MESSAGES, /* of a sendmmsg or recvmmsg beyond those looked at */
	WIRE_LIBRARY_SEEN,  /* no loss: libraries this program had loaded before */
	WIRE_LOSS_SHED,     /* by kind too */
	WIRE_LOSS_COUNT = WIRE_LOSS_SHED + WIRE_KIND_COUNT
};

/* Set before the programs load; the verifier then drops the branches that cannot be taken. */
struct wire_config {
	__u32 self_tgid;     /* lintel's own file events are not reported */
	__u32 track;         /* only processes in the map `tracked` */
	__u32 cgroup_subsys; /* index into css_set.subsys; WIRE_NO_SUBSYS: the unified hierarchy */
	__u32 uring_cqe;     /* io_uring_complete takes a CQE, as since 6.10, not a result */
	__u32 own_mount_ns;  /* lintel's own view: its mount namespace and root directory */
	__u32 demands; /* 1 << enum demand_kind of those there are; 0: every change is wanted */
	__u32 hooks;   /* 1 << enum path_hook: those that work */
	__u32 env;     /* there are names in the map `env_names` */
	__u64 own_root_inode;
	__u64 wanted;    /* 1 << enum wire_kind: the kinds somebody asked for */
	__u64 cgroup_id; /* only this cgroup and those below it; 0: all */
	/* A kind is held back while this much waits in the ring, so that what is left of it is for
	 * kinds that matter more; 0: never. */
	__u32 shed_bytes[WIRE_KIND_COUNT];
	__u64 armed_ns; /* how long after DEMAND_ARMS every change is wanted */
};

/* Variables' names are found by their beginning, "NAME=", of at most this much. */
#define WIRE_ENV_NAME_BYTES 32u
/* Variables looked at in one exec: shells with more than a hundred are unusual. */
#define WIRE_ENV_LOOK_MAX 256

#define WIRE_NO_SUBSYS 0xffffffffu
/* Levels walked upwards to see whether a cgroup is below another. systemd and Kubernetes use up
 * to ten. */
#define WIRE_CGROUP_DEPTH_MAX 24

#endif
