/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process table: who every process is and where it came from.
 *
 * It is fed with facts (a fork, an exec, an exit, a task found running) by the sensor or by /proc,
 * and gives an event its process.*, process.parent.*, leaders, user.*, group.* and container.id.
 * Processes that have exited stay for a while, so that late events still find them, and as long as
 * a process that stays has them as parent or leader. The table has a bound: it evicts the exited
 * first, then ancestors kept for their descendants, then the oldest of the living, each counted
 * (COUNTER_PROCESS_EVICTED). An evicted parent or leader is still named by pid and entity id.
 *
 * A process is one thread group. It is identified by pid and start time, because pids come round
 * again. Images (what a process executes) are shared: a fork refers to its parent's image.
 * Not thread-safe: the thread that reads the sensor owns the table.
 */
#ifndef LINTEL_PROCESS_PROCESS_H
#define LINTEL_PROCESS_PROCESS_H

#include "base/buf.h"
#include "event/event.h"

/* What the kernel says of a task at the moment of an event. Ids are those of the initial
 * namespaces. */
struct process_facts {
	uint32_t pid; /* thread group id */
	uint32_t tid;
	uint32_t ppid;                 /* real parent's thread group id; 0 for the kernel's own */
	uint32_t pgid;                 /* process group leader's pid */
	uint32_t sid;                  /* session leader's pid */
	uint64_t start_boot_ns;        /* of the thread group leader, CLOCK_BOOTTIME */
	uint64_t parent_start_boot_ns; /* 0 when not known */
	uint32_t uid, gid, euid, egid, suid, sgid;
	uint32_t login_uid, audit_session; /* UINT32_MAX: not set */
	uint32_t tty_major, tty_minor;     /* 0, 0: no controlling terminal */
	uint64_t mount_ns, pid_ns;         /* inode numbers */
	uint32_t pid_in_ns;                /* pid in its own pid namespace */
	uint64_t cap_effective, cap_permitted;
	/* Of a table that is `offline`, as the log names them; empty when it does not. */
	struct str user_name, group_name; /* effective */
	struct str real_user_name, real_group_name;
	/* Not seen starting and not known since when it runs: `start_boot_ns` only tells it from
	 * others with its pid. */
	bool start_is_unknown;
	struct str comm;
	struct str cgroup; /* path of its cgroup below the root; empty when not known */
};

/* What an exec brought. All texts are copied. */
struct process_exec {
	struct str filename;        /* as given to execve (bprm->filename) */
	struct str interpreter;     /* bprm->interp when a script was executed, else empty */
	struct str executable_path; /* kernel's path of the running file, in the process's root */
	struct str host_executable_path; /* the same on the host; empty when not known */
	struct str working_directory;
	struct str root; /* process's root on the host; empty when "/" or not known */
	struct str argv; /* NUL-separated, as in memory */
	uint32_t argc;   /* number of arguments, also of those cut */
	bool argv_truncated;
};

struct process_table;
struct process;

struct process_table_options {
	uint32_t max_processes; /* 0: PROCESS_MAX_DEFAULT */
	int64_t exited_keep_ns; /* 0: PROCESS_EXITED_KEEP_NS */
	struct str host_id;     /* goes into entity ids */
	struct str boot_id;
	/* The facts are of another time or host, from a log: /proc and the users of this host say
	 * nothing about them. Its boot time is the epoch. */
	bool offline;
};

/* About 1.2 KB each with its texts: 80 MB when full. pid_max is 4 million on large hosts, but
 * 65,536 alive and lately exited processes is more than any seen. */
#define PROCESS_MAX_DEFAULT 65536
/* An exited parent is asked for while its children live; beyond that, records in flight for some
 * seconds. */
#define PROCESS_EXITED_KEEP_NS (INT64_C(60) * 1000000000)

struct process_table *process_table_new(const struct process_table_options *options);
void process_table_free(struct process_table *table);

/* Facts in. `boot_ns` is when it happened, CLOCK_BOOTTIME. Each returns the process. */
struct process *process_fork(struct process_table *table, const struct process_facts *child,
			     uint64_t boot_ns);
struct process *process_exec(struct process_table *table, const struct process_facts *facts,
			     const struct process_exec *exec, uint64_t boot_ns);
/* `exit_code` is the kernel's: status << 8 | signal. */
struct process *process_exit(struct process_table *table, const struct process_facts *facts,
			     uint32_t exit_code, uint64_t boot_ns);
/* A task found running at start (iterator or /proc), as if it had been seen to start. */
struct process *process_seed(struct process_table *table, const struct process_facts *facts,
			     const struct process_exec *exec);
/* Who did this: found in the table, with its ids brought up to date; a process never seen is read
 * from /proc (COUNTER_PROCESS_UNKNOWN) or, if gone, made from the facts alone
 * (COUNTER_PROCESS_GONE, and its events say so in lintel.incomplete). Never NULL. */
struct process *process_acting(struct process_table *table, const struct process_facts *facts);
/* Fill the table from /proc alone, where there is no task iterator. Returns how many, or -errno. */
int process_scan_proc(struct process_table *table);
/* NULL when not in the table. `start_boot_ns` 0: the newest with that pid. */
struct process *process_find(struct process_table *table, uint32_t pid, uint64_t start_boot_ns);
struct process *process_parent(struct process_table *table, const struct process *process);

/* process.parent is who created the process and stays when that one exits; process.ppid is the
 * kernel's parent now. See lineage.c for what an entry leader is. Of a process that was not seen to
 * exec, the executable is the kernel's path of the running file: a script's own name is not known.
 *
 * Fill every process.*, user.*, group.*, container.id field of the event. Strings are borrowed from
 * the table until the next call that changes it. `is_exec_or_fork` events of Elastic Defend carry
 * the leaders' images too; lintel gives them in every event. */
void process_fill(struct process_table *table, const struct process *process, struct event *event);
/* The process and its ancestors as a JSON array, nearest first: entity_id, pid, name, executable,
 * args, start, user of each. At most PROCESS_ANCESTORS_MAX. */
void process_write_ancestors(struct process_table *table, const struct process *process,
			     struct buf *out);
#define PROCESS_ANCESTORS_MAX 32

/* Stable for a process, whoever saw it first (fork record, iterator, /proc) and over restarts of
 * lintel: XXH3-128, in hex, of host id, boot id, pid and start in USER_HZ ticks, which is all that
 * /proc gives. */
struct str process_entity_id(const struct process *process);
uint32_t process_pid(const struct process *process);
/* What tells whether a pid that is met again, in a log that does not have every fork and exit, is
 * still the same process. */
struct process_brief {
	uint64_t start_boot_ns;
	uint32_t ppid;
	bool has_exited;
	uint64_t exited_boot_ns;
	struct str executable_path; /* kernel's path of the running file; empty when not known */
};
struct process_brief process_brief(const struct process *process);
uint64_t process_mount_ns(const struct process *process);
uint32_t process_count(const struct process_table *table);

#endif
