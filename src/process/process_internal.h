/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the process table.
 *
 *	by_pid[hash(pid)] ──► process ──► process ──► NULL	(same pid: newest first)
 *
 *	living  ◄─► oldest ... newest
 *	exited  ◄─► first to exit ... last
 *	kept    ◄─► exited, out of time, but still somebody's parent or leader
 *
 * One list per state of life; a process is on exactly one.
 *
 * Processes are slots of one array, so a pointer to a slot is always readable; `generation` tells
 * whether it still holds the same process. Links between processes carry the generation and, to
 * name a process that is forgotten, its pid and start.
 *
 * Images and credentials are shared and counted: a fork refers to its parent's.
 */
#ifndef LINTEL_PROCESS_PROCESS_INTERNAL_H
#define LINTEL_PROCESS_PROCESS_INTERNAL_H

#include "base/clock.h"
#include "process/process.h"

/* /proc/PID/stat gives start times in USER_HZ ticks. USER_HZ is 100 on every architecture but alpha
 * and ia64 (include/asm-generic/param.h). */
#define TICK_NS UINT64_C(10000000)

/* include/linux/proc_ns.h: PROC_PID_INIT_INO */
#define INITIAL_PID_NS 0xEFFFFFFCu

/* XXH3-128 in hex. */
#define ENTITY_ID_LEN 32
/* A container id is 64 hex digits, a Garden handle 36; LXC names go to 64 or so. */
#define CONTAINER_ID_MAX 64

/* Texts of one image. The kernel's own limit for argv is megabytes; the longest compiler and java
 * command lines seen are below 16 KiB, and the sensor cuts before this. */
#define IMAGE_ARGV_BYTES_MAX 16384
/* Of the environment, what was asked for; more than a record brings. */
#define IMAGE_ENV_BYTES_MAX 65536
/* Below event.h's EVENT_VALUES_MAX; each costs 16 bytes. */
#define IMAGE_ARGS_MAX 1024
/* PATH_MAX: no path the kernel hands out is longer. */
#define IMAGE_PATH_BYTES_MAX 4096
/* All images together. Beyond it new ones keep IMAGE_ARGV_BYTES_TIGHT of their arguments, so that
 * 65,536 processes with long arguments cannot take a gigabyte. */
#define IMAGE_BYTES_BUDGET ((size_t)256 << 20)
#define IMAGE_ARGV_BYTES_TIGHT 512

/* What a process executes. Never changes once made. */
struct image {
	uint32_t refs;
	uint32_t args_count; /* also those cut */
	size_t bytes;
	bool args_cut;
	bool from_facts_only; /* nothing but the comm was known */
	struct str name;      /* last part of executable, or the comm */
	struct str executable;
	struct str interpreter;
	struct str path;
	struct str host_path;
	struct str root;
	struct str working_directory;
	struct str command_line;
	struct value env; /* as args: the variables asked for, NAME=value */
	struct file_hashes hashes;
	struct value args; /* null, a string or a list; texts are slices of command_line */
};

/* Numbers up to 40 have names (CAP_CHECKPOINT_RESTORE, 5.9); more than 64 a set cannot hold. */
#define CAPABILITIES_MAX 64

/* Ids of a process and their texts, for all processes that have the same. */
struct credential {
	struct credential *next; /* in its hash bucket */
	uint32_t refs;
	uint32_t names_generation; /* of the name caches when the names were looked up */
	uint32_t uid, gid, euid, egid;
	uint64_t cap_effective, cap_permitted;
	struct value effective, permitted; /* the same by name; lists are behind the struct */
	struct str user_id, user_name;     /* effective; names are null when there are none */
	struct str group_id, group_name;
	struct str real_user_id, real_user_name;
	struct str real_group_id, real_group_name;
};

/* Another process: a parent or a leader. pid 0: there is none. */
struct link {
	struct process *process; /* NULL: never found in the table */
	uint32_t generation;     /* of that slot when it was linked */
	uint32_t pid;
	uint64_t start_ticks; /* good when process is not NULL */
	bool counted;         /* in process->refs; a process's links to itself are not */
};

/* process.entry_leader.entry_meta.type */
enum entry_type {
	ENTRY_UNSET, /* not worked out yet */
	ENTRY_UNKNOWN,
	ENTRY_INIT,
	ENTRY_SSHD,
	ENTRY_SSM,
	ENTRY_CONTAINER,
	ENTRY_TERMINAL,
	ENTRY_CONSOLE,
	ENTRY_KTHREAD,
};

enum life {
	LIFE_FREE,
	LIFE_LIVING,
	LIFE_EXITED,
	LIFE_KEPT,
	LIFE_COUNT
};

struct process {
	struct process *by_pid_next;
	struct process *prev, *next; /* in the list of its state of life */
	struct image *image;
	struct credential *credential;
	struct link parent; /* who created it; stays when that one exits */
	struct link group_leader;
	struct link session_leader;
	struct link entry_leader;
	uint64_t start_ticks;
	uint64_t start_boot_ns;
	uint64_t exited_boot_ns;
	uint64_t mount_ns, pid_ns;
	uint64_t cgroup_hash; /* of the path container_id was taken from */
	uint32_t generation;
	uint32_t refs; /* links from other processes to this one */
	uint32_t pid;
	uint32_t ppid; /* by the kernel, now: another than parent.pid after re-parenting */
	uint32_t tid;  /* that acted last */
	uint32_t pid_in_ns;
	uint32_t tty_major, tty_minor;
	uint32_t exit_code;
	uint8_t life;  /* enum life */
	uint8_t entry; /* enum entry_type */
	bool settled;  /* every link is resolved and the entry leader known */
	bool gone;     /* never seen starting and gone before it could be read */
	bool start_is_unknown;
	bool parent_sought; /* in /proc, as the table did not have it */
	uint8_t container_id_len;
	uint8_t start_len;
	char entity_id[ENTITY_ID_LEN];
	char container_id[CONTAINER_ID_MAX];
	char start_text[CLOCK_TEXT_MAX];
};

struct process_list {
	struct process *first, *last;
};

#define CREDENTIAL_BUCKETS 256

struct process_table {
	struct process *slots;
	struct process *free_slots; /* by next */
	uint32_t used_slots;        /* ever handed out */
	uint32_t max;
	uint32_t count;
	struct process **by_pid;
	uint32_t by_pid_bits;
	struct process_list lists[LIFE_COUNT];
	struct process *dying; /* exited, unreferenced: about to be forgotten; by next */
	uint64_t exited_keep_ns;
	uint64_t now_boot_ns; /* latest time seen */
	/* The host's clocks as the kernel keeps them: lintel may run in a time namespace. */
	int64_t boot_offset_ns;    /* kernel's boot time to epoch */
	int64_t time_namespace_ns; /* what this namespace adds to the kernel's boot time */
	bool offline;
	char *identity; /* host id, NUL, boot id, NUL */
	size_t identity_len;
	size_t image_bytes;
	struct credential *credentials[CREDENTIAL_BUCKETS];
};

/* table.c */
uint64_t start_ticks_of(uint64_t start_boot_ns);
struct process *table_find(const struct process_table *table, uint32_t pid, uint64_t ticks);
struct process *table_newest(const struct process_table *table, uint32_t pid);
struct process *table_insert(struct process_table *table, uint32_t pid, uint64_t start_boot_ns);
void table_set_start(struct process_table *table, struct process *process, uint64_t boot_ns);
void table_mark_exited(struct process_table *table, struct process *process, uint64_t boot_ns);
/* Forget what exited too long before `boot_ns`. */
void table_sweep(struct process_table *table, uint64_t boot_ns);
void entity_id_of(const struct process_table *table, uint32_t pid, uint64_t ticks,
		  char id[ENTITY_ID_LEN]);
/* `link` is one of `owner`'s. Setting one may forget what nobody refers to any more, never `owner`
 * or `to`. */
void link_set(struct process_table *table, struct process *owner, struct link *link,
	      struct process *to);
void link_set_unknown(struct process_table *table, struct link *link, uint32_t pid);
void link_copy(struct process_table *table, struct process *owner, struct link *link,
	       const struct link *from);
/* The process it points to; NULL when it was never seen or is forgotten. */
struct process *link_get(const struct link *link);
/* The same, also when it was forgotten and then found again. */
struct process *link_find(const struct process_table *table, const struct link *link);

/* image.c */
struct image *image_new(struct process_table *table, const struct process_exec *exec,
			struct str comm);
struct image *image_ref(struct image *image);
void image_unref(struct process_table *table, struct image *image);

/* credential.c */
struct credential *credential_get(struct process_table *table, const struct process_facts *facts);
void credential_unref(struct process_table *table, struct credential *credential);
/* True when it has these ids and its names are not older than the name caches. */
bool credential_is(const struct process_table *table, const struct credential *credential,
		   const struct process_facts *facts);

/* capability.c */
/* The names of a set; returns how many. */
uint32_t capability_list(uint64_t set, struct value items[CAPABILITIES_MAX]);

/* lineage.c */
/* Resolve what can be resolved of the process's links, and work out its entry leader. */
void lineage_settle(struct process_table *table, struct process *process);
/* The process executed something or moved: it may have become an entry leader. */
void lineage_enter(struct process_table *table, struct process *process);
struct str entry_type_name(enum entry_type type);

/* container.c */
/* The container id in the path of a cgroup, a slice of it; null if there is none. */
struct str container_id_of(struct str cgroup);

/* names.c */
/* Changes whenever the cached names are dropped. Looks at /etc/passwd and /etc/group at most once
 * a second. */
uint32_t names_generation(void);

#endif
