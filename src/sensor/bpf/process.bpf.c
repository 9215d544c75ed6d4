/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Processes: sched_process_fork, _exec and _exit, the three tracepoints that every kernel since 5.5
 * offers to tp_btf programs with stable arguments. All run in the process that acts (fork: in the
 * parent), when the change is done: the child has its ids, exec is past its point of no return.
 */
#include "sensor/bpf/demand.h"
#include "sensor/bpf/env.h"
#include "sensor/bpf/place.h"
#include "sensor/bpf/task.h"

enum {
	SLOT_FORK,
	SLOT_EXEC,
	SLOT_EXIT
};

/* Thread groups that have been reported as ended: when two last threads exit at the same time both
 * find signal->live at 0. Only groups with threads come here. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u8);
} ended SEC(".maps");

static __always_inline void follow_child(__u32 parent, __u32 child)
{
	__u8 one = 1;

	if (!config.track || !bpf_map_lookup_elem(&tracked, &parent))
		return;
	if (bpf_map_update_elem(&tracked, &child, &one, BPF_ANY))
		count_loss(WIRE_LOSS_MAP);
}

#define PROGRAM_DEMANDS                                                                  \
	(1u << DEMAND_PROGRAM | 1u << DEMAND_PROGRAM_START | 1u << DEMAND_PROGRAM_PART | \
	 1u << DEMAND_PROGRAM_PATH | 1u << DEMAND_ARMS)

static __always_inline __u32 program_flags(__u32 tgid)
{
	__u32 *flags = bpf_map_lookup_elem(&programs, &tgid);

	return flags ? *flags : 0;
}

static __always_inline void set_program_flags(__u32 tgid, __u32 flags)
{
	if (!flags)
		bpf_map_delete_elem(&programs, &tgid);
	else if (bpf_map_update_elem(&programs, &tgid, &flags, BPF_ANY))
		count_loss(WIRE_LOSS_MAP);
}

/* A process that arms has started another. */
static __always_inline void arm_by(__u32 parent)
{
	__u64 until = bpf_ktime_get_boot_ns() + config.armed_ns;
	__u32 zero = 0;

	if (program_flags(parent) & PROGRAM_ARMS)
		bpf_map_update_elem(&armed, &zero, &until, BPF_ANY);
}

static __always_inline void demand_by_fork(__u32 parent, __u32 child)
{
	__u32 flags;

	if (!(config.demands & PROGRAM_DEMANDS))
		return;
	arm_by(parent);
	flags = program_flags(parent);
	if (flags)
		set_program_flags(child, flags);
}

/* Is there a part of the name that rules name? Of a name that fills comm the end may be missing. */
static __always_inline bool is_part_wanted(const struct demand_key *name)
{
	struct demand_key part = {};

	if (!asks_for(DEMAND_PROGRAM_PART))
		return false;
	if (name->text[DEMAND_PROGRAM_BYTES - 1])
		return true;
#pragma unroll
	for (int i = 0; i <= DEMAND_PROGRAM_BYTES - DEMAND_START_BYTES; i++) {
		part.words[0] = (__u8)name->text[i] | (__u32)(__u8)name->text[i + 1] << 8 |
				(__u32)(__u8)name->text[i + 2] << 16 |
				(__u32)(__u8)name->text[i + 3] << 24;
		if (is_demanded(&part, DEMAND_PROGRAM_PART))
			return true;
	}
	return false;
}

/* The kernel has set comm from what was given to execve (fs/exec.c: begin_new_exec). */
static __always_inline void demand_by_exec(struct task_struct *task, const char *filename)
{
	struct demand_key name, part = {};
	__u32 flags = 0;

	if (!(config.demands & PROGRAM_DEMANDS))
		return;
	arm_by(BPF_CORE_READ(task, real_parent, tgid));
	read_key(&name, &task->comm);
	if (is_demanded(&name, DEMAND_PROGRAM))
		flags |= PROGRAM_WANTED;
	if (is_demanded(&name, DEMAND_ARMS))
		flags |= PROGRAM_ARMS;
	part.words[0] = (__u32)name.words[0];
	if (is_demanded(&part, DEMAND_PROGRAM_START) || is_part_wanted(&name))
		flags |= PROGRAM_WANTED;
	part.words[0] &= 0xffffff; /* "ld." */
	part.words[3] = 0;
	if (is_demanded(&part, DEMAND_PROGRAM_START))
		flags |= PROGRAM_WANTED;
	read_key(&name, filename);
	part.words[0] = (__u32)name.words[0];
	if (is_demanded(&part, DEMAND_PROGRAM_PATH))
		flags |= PROGRAM_WANTED;
	set_program_flags(BPF_CORE_READ(task, tgid), flags);
}

static __always_inline void demand_by_exit(__u32 tgid)
{
	if (config.demands & PROGRAM_DEMANDS)
		bpf_map_delete_elem(&programs, &tgid);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = BPF_CORE_READ(child, tgid);
	__u32 key = scratch_key(SLOT_FORK);
	struct scratch *s;

	if (tgid != BPF_CORE_READ(child, pid))
		return 0; /* a thread */
	follow_child(BPF_CORE_READ(parent, tgid), tgid);
	demand_by_fork(BPF_CORE_READ(parent, tgid), tgid);
	if (!followed(child, tgid))
		return 0;
	s = record_start(key, WIRE_FORK, CALL_NONE);
	if (!s)
		return 0;
	fill_actor(plain_argument(ctx, 1), key);
	fill_cgroup(plain_argument(ctx, 1), key);
	record_send(s, false);
	return 0;
}

/* argv as it lies in the new stack, one read: exec has just written it, so it is resident. */
static __always_inline void add_argv(struct scratch *s, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 from = BPF_CORE_READ(mm, arg_start);
	__u64 bytes = BPF_CORE_READ(mm, arg_end) - from;
	__u64 at = s->used & WIRE_OFFSET_MASK;

	if (bytes > WIRE_ARGV_BYTES) {
		bytes = WIRE_ARGV_BYTES;
		s->record.cut |= 1u << WIRE_SPAN_ARGV;
	}
	if (!tail_has_room(s)) {
		s->record.cut |= 1u << WIRE_SPAN_ARGV;
		return;
	}
	KEEP(bytes);
	if (bytes > WIRE_ARGV_BYTES)
		return;
	KEEP(at);
	at &= WIRE_OFFSET_MASK;
	if (bpf_probe_read_user(s->tail + at, bytes, (void *)from)) {
		s->record.failed |= 1u << WIRE_SPAN_ARGV;
		return;
	}
	s->record.span[WIRE_SPAN_ARGV].offset = at;
	s->record.span[WIRE_SPAN_ARGV].bytes = bytes;
	s->used = at + bytes;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 key = scratch_key(SLOT_EXEC);
	const char *filename, *interp;
	struct file *file;
	struct fs_struct *fs;
	struct scratch *s;

	filename = BPF_CORE_READ(bprm, filename);
	demand_by_exec(task, filename);
	if (!followed(task, BPF_CORE_READ(task, tgid)))
		return 0;
	s = record_start(key, WIRE_EXEC, CALL_NONE);
	if (!s)
		return 0;
	fill_actor(plain_argument(ctx, 0), key);
	interp = BPF_CORE_READ(bprm, interp);
	file = BPF_CORE_READ(bprm, file);
	fs = BPF_CORE_READ(task, fs);
	s->record.value = BPF_CORE_READ(bprm, argc);
	fill_inode(&s->record.inode, BPF_CORE_READ(file, f_inode));
	add_place((__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry),
		  key, WIRE_SPAN_PLACE0);
	add_place(s->root_mount, s->root_dentry, key, WIRE_SPAN_PLACE1);
	add_place((__u64)BPF_CORE_READ(fs, pwd.mnt), (__u64)BPF_CORE_READ(fs, pwd.dentry), key,
		  WIRE_SPAN_CWD);
	add_text(s, WIRE_SPAN_TEXT0, filename, WIRE_PATH_BYTES, false);
	if (interp != filename)
		add_text(s, WIRE_SPAN_TEXT1, interp, WIRE_NAME_BYTES, false);
	fill_cgroup(plain_argument(ctx, 0), key);
	add_argv(s, task);
	if (config.env)
		add_env(s, task);
	record_send(s, true);
	return 0;
}

/* What wait(2) gives (kernel/exit.c:wait_task_zombie). */
static __always_inline __u32 group_exit_code(struct task_struct *task)
{
	const __u32 signal_group_exit = 4; /* include/linux/sched/signal.h: SIGNAL_GROUP_EXIT */
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	if (BPF_CORE_READ(signal, flags) & signal_group_exit)
		return BPF_CORE_READ(signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	__u32 tgid = BPF_CORE_READ(task, tgid);
	__u32 key = scratch_key(SLOT_EXIT);
	struct scratch *s;
	__u64 start;
	__u8 one = 1;
	bool is_followed;

	/* The tracepoint's own group_dead argument came later than 5.10. */
	if (BPF_CORE_READ(signal, live.counter) > 0)
		return 0;
	start = BPF_CORE_READ(task, group_leader, start_boottime);
	if (BPF_CORE_READ(signal, nr_threads) > 1 &&
	    bpf_map_update_elem(&ended, &start, &one, BPF_NOEXIST))
		return 0;
	is_followed = followed(task, tgid);
	demand_by_exit(tgid);
	if (config.track)
		bpf_map_delete_elem(&tracked, &tgid);
	if (!is_followed)
		return 0;
	s = record_start(key, WIRE_EXIT, CALL_NONE);
	if (!s)
		return 0;
	fill_actor(plain_argument(ctx, 0), key);
	s->record.value = group_exit_code(task);
	record_send(s, false);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
