/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading /proc. The parsers take text and know nothing of files; all that they read may have been
 * chosen by the process it describes (comm, arguments, file names), so none trusts its shape.
 */
#ifndef LINTEL_PROCESS_PROC_INTERNAL_H
#define LINTEL_PROCESS_PROC_INTERNAL_H

#include "base/arena.h"
#include "process/process.h"

/* What is read of one /proc/PID file. status and cgroup are a few KiB; a cmdline can be megabytes
 * and is cut. */
#define PROC_FILE_BYTES_MAX 32768

struct proc_stat {
	uint32_t pid, ppid, pgid, sid;
	uint32_t tty_major, tty_minor;
	uint64_t start_ticks;
	struct str comm; /* into the text */
};

/* /proc/PID/stat, see proc_pid_stat(5). -EINVAL if it is none. */
int proc_parse_stat(struct str text, struct proc_stat *stat) __attribute__((warn_unused_result));
/* The Uid, Gid, NSpid, CapPrm and CapEff lines of /proc/PID/status, into the facts; lines that are
 * missing or malformed leave them as they are. -ESRCH without a Uid line. */
int proc_parse_status(struct str text, struct process_facts *facts)
    __attribute__((warn_unused_result));
/* The path in /proc/PID/cgroup that names a container, else the unified hierarchy's, else the
 * first. */
struct str proc_parse_cgroup(struct str text);
/* "boottime" of /proc/self/timens_offsets in nanoseconds; 0 if there is none. */
int64_t proc_parse_time_offset(struct str text);
/* What this process's time namespace adds to the kernel's CLOCK_BOOTTIME, time_namespaces(7): start
 * times in /proc are shifted by it, those of BPF programs are not. */
int64_t proc_time_namespace_offset_ns(void);

/* Read one process. `ticks` other than 0: only if it started then. Texts are in the arena. Returns
 * 0, -ESRCH (no such process, or it went away), or another -errno. */
int proc_read(struct arena *arena, uint32_t pid, uint64_t ticks, struct process_facts *facts,
	      struct process_exec *exec) __attribute__((warn_unused_result));
/* The process that the thread `tid` belongs to; 0 when there is none. */
uint32_t proc_thread_group(uint32_t tid);
/* Add a process from /proc to the table, and its ancestors that are not in it. NULL when it is
 * gone. */
struct process *proc_discover(struct process_table *table, uint32_t pid, uint64_t ticks);

/* Ancestors read for one unknown process: deeper trees are real only as attacks. */
#define PROC_DISCOVER_MAX 64

#endif
