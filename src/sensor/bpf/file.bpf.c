/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System calls that change files: the program behind calls.bpf.c for GROUP_FILE. sys_enter is used
 * for path strings only: what the caller's memory holds after the call need not be what the kernel
 * was given.
 */
#include "sensor/bpf/decided.h"

enum {
	SLOT_ENTER,
	SLOT_EXIT
};

/* Path strings of calls under way, by thread. Nearly all fit the small form; copying 8 KB for each
 * would cost as much as the rest of the event. A thread that dies in its call leaves its entry
 * behind; LRU makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct strings_small);
} small_strings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct strings);
} large_strings SEC(".maps");

/* Where strings are gathered before they go to one of the two; one for each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct strings);
} gather SEC(".maps");

#define AT_REMOVEDIR 0x200

static __always_inline bool is_rmdir(const volatile struct call_args *args, __u64 flags)
{
	return args->what == WHAT_UNLINK && (flags & AT_REMOVEDIR);
}

/* Is this path one that rules name? Known only of a plain name in an open directory or the working
 * directory: in a longer path any part may be a symbolic link, so it is wanted. */
static __always_inline bool is_string_wanted(const struct call_site *at, int directory, int string)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct demand_key key = {};
	__u64 mnt, dentry;
	long n;

	n = bpf_probe_read_user_str(key.text, sizeof(key.text), (void *)argument(at, string));
	if (n <= 1 || n == sizeof(key.text) || has_slash(&key))
		return true;
	fold_key(&key);
	if (is_name_wanted(&key, n))
		return true;
	start_of(task, directory < 0 ? AT_FDCWD : (int)argument(at, directory), &mnt, &dentry);
	return is_directory_wanted(mnt, dentry);
}

/* Does anybody ask for what this call does? Of calls that follow a symbolic link at the end of
 * their path the name says nothing. */
static __always_inline bool are_paths_wanted(const struct call_site *at,
					     const volatile struct call_args *args)
{
	switch (args->what) {
	case WHAT_RENAME:
	case WHAT_UNLINK:
	case WHAT_SYMLINK:
	case WHAT_MKNOD:
		break;
	case WHAT_LINK:
		if (args->flags < 0 || !argument(at, args->flags))
			break;
		return true;
	default:
		return true;
	}
	if (is_anything_wanted() || is_string_wanted(at, args->a, args->b))
		return true;
	return args->d >= 0 && args->c > -2 && is_string_wanted(at, args->c, args->d);
}

static __always_inline void read_string(struct strings *g, __u32 bit, __u64 from)
{
	__u64 at = g->head.bytes;
	long n;

	if (at >= WIRE_PATH_BYTES)
		at = WIRE_PATH_BYTES;
	KEEP(at);
	if (at > WIRE_PATH_BYTES)
		return;
	n = bpf_probe_read_user_str(g->text + at, WIRE_PATH_BYTES, (void *)from);
	if (n <= 0) {
		g->head.failed |= bit;
		n = 0;
	}
	if (bit == 2)
		g->head.second = at;
	g->head.bytes = at + n;
}

static __always_inline struct strings *read_strings(const struct call_site *at, __u32 call)
{
	const volatile struct call_args *args = &calls[call];
	struct strings *g;
	__u32 zero = 0;

	g = bpf_map_lookup_elem(&gather, &zero);
	if (!g)
		return 0;
	__builtin_memset(&g->head, 0, sizeof(g->head));
	g->head.call = call;
	read_string(g, 1, argument(at, args->b));
	if (args->d >= 0)
		read_string(g, 2, argument(at, args->d));
	return g;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long id)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct call_site at = {.regs = regs};
	const volatile struct call_args *args;
	__u32 call, tid = pid_tgid;
	struct strings *g;
	long err;

	call = call_of(&at, id);
	if (call == CALL_NONE || call >= CALL_COUNT)
		return 0;
	args = &calls[call];
	if (args->how != HOW_PATHS || pid_tgid >> 32 == config.self_tgid)
		return 0;
	if (args->flags >= 0 && is_rmdir(args, argument(&at, args->flags)))
		return 0;
	if (!followed((void *)bpf_get_current_task(), pid_tgid >> 32))
		return 0;
	/* Which file it is the hook knows for sure; whether it is wanted, too. */
	if (has_hook(args->what))
		ask(tid, call);
	if (!are_paths_wanted(&at, args))
		return 0;
	g = read_strings(&at, call);
	/* A string in a page not yet touched cannot be read now; the call will bring it in, and
	 * sys_exit reads it then. */
	if (!g || g->head.failed)
		return 0;
	if (g->head.bytes <= STRINGS_SMALL)
		err = bpf_map_update_elem(&small_strings, &tid, g, BPF_ANY);
	else
		err = bpf_map_update_elem(&large_strings, &tid, g, BPF_ANY);
	if (err)
		count_loss(WIRE_LOSS_MAP);
	return 0;
}

static __always_inline void forget_strings(__u32 tid)
{
	bpf_map_delete_elem(&small_strings, &tid);
	bpf_map_delete_elem(&large_strings, &tid);
}

static __noinline int send_paths(struct call_site *at, __u32 key, __u32 call)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	const volatile struct call_args *args;
	__u32 tid = bpf_get_current_pid_tgid();
	struct strings_small *small;
	struct strings *large = 0;
	struct scratch *s;

	if (call >= CALL_COUNT)
		return 0;
	args = &calls[call];
	small = bpf_map_lookup_elem(&small_strings, &tid);
	if (!small)
		large = bpf_map_lookup_elem(&large_strings, &tid);
	/* Not kept as the call began: nobody asked, or they could not be read then. */
	if (!small && !large && !are_paths_wanted(at, args))
		return 0;
	s = record_start(key, WIRE_PATHS, call);
	if (!s)
		return 0;
	if (at->compat)
		s->record.flags |= WIRE_COMPAT;
	if (args->flags >= 0)
		s->record.value = argument(at, args->flags);
	fill_actor((__u64)task, key);
	add_start(s, task, args->a < 0 ? AT_FDCWD : (int)argument(at, args->a), key,
		  WIRE_SPAN_PLACE0);
	if (args->d >= 0 && args->c > -2)
		add_start(s, task, args->c < 0 ? AT_FDCWD : (int)argument(at, args->c), key,
			  WIRE_SPAN_PLACE1);
	if (small && small->head.call == call) {
		add_strings(s, &small->head, small->text);
	} else if (large && large->head.call == call) {
		add_strings(s, &large->head, large->text);
	} else {
		s->record.flags |= WIRE_LATE_TEXT;
		add_text(s, WIRE_SPAN_TEXT0, (void *)argument(at, args->b), WIRE_PATH_BYTES, true);
		if (args->d >= 0)
			add_text(s, WIRE_SPAN_TEXT1, (void *)argument(at, args->d), WIRE_PATH_BYTES,
				 true);
	}
	record_send(s, true);
	if (small || large)
		forget_strings(tid);
	return 0;
}

/* By what the kernel decided on, or else by the strings it was given. */
static __noinline int send_call(struct call_site *at, __u32 call)
{
	const volatile struct call_args *args;
	__u32 tid = bpf_get_current_pid_tgid();
	__u32 flags = at->compat ? WIRE_COMPAT : 0;

	if (call >= CALL_COUNT)
		return 0;
	args = &calls[call];
	if (has_hook(args->what) &&
	    send_decided(tid, call, flags, args->flags < 0 ? 0 : argument(at, args->flags))) {
		forget_strings(tid);
		return 0;
	}
	return send_paths(at, scratch_key(SLOT_EXIT), call);
}

static __always_inline __u64 open_flags(const struct call_site *at,
					const volatile struct call_args *args)
{
	__u64 flags = 0;

	if (args->a == -1)
		return O_TRUNC; /* creat */
	if (args->a >= 0)
		return argument(at, args->a);
	bpf_probe_read_user(&flags, sizeof(flags), (void *)argument(at, 2));
	return flags;
}

/* linux/fs.h: FICLONE, FICLONERANGE; their size field differs between no ABIs. */
static __always_inline bool is_clone(__u64 request)
{
	return (__u32)request == 0x40049409 || (__u32)request == 0x4020940d;
}

/* A shared writable mapping: what is stored through it later passes no system call. */
static __always_inline struct file *mapped_file(const struct call_site *at,
						const volatile struct call_args *args,
						struct task_struct *task)
{
	__u32 old[6] = {}; /* addr, len, prot, flags, fd, offset */
	__u64 prot, flags, fd;

	if (args->a < 0) {
		if (bpf_probe_read_user(old, sizeof(old), (void *)argument(at, 0)))
			return 0;
		prot = old[2];
		flags = old[3];
		fd = old[4];
	} else {
		prot = argument(at, args->a);
		flags = argument(at, args->b);
		fd = argument(at, args->c);
	}
	if (!(prot & 0x2) || !(flags & 0x1) || (flags & 0x20)) /* WRITE, SHARED, ANONYMOUS */
		return 0;
	return file_of_fd(task, fd);
}

/* on_call's word that the call is for GROUP_NETWORK. */
#define WAS_SOCKET 1

static __noinline int on_call(struct call_site *at, __u32 call, long ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 key = scratch_key(SLOT_EXIT);
	const volatile struct call_args *args;
	__u32 flags = at->compat ? WIRE_COMPAT : 0;
	struct scratch *s;
	struct file *file;

	if (call >= CALL_COUNT)
		return 0;
	args = &calls[call];
	switch (args->how) {
	case HOW_OPEN:
		file = file_of_fd(task, ret);
		if (file)
			on_opened(task, file, key, call, open_flags(at, args), flags);
		return 0;
	case HOW_CLONE:
		if (!is_clone(argument(at, args->b)))
			return 0;
		__attribute__((fallthrough));
	case HOW_WRITE:
		if (args->how == HOW_WRITE && ret == 0)
			return 0;
		file = file_of_fd(task, argument(at, args->a));
		if (file && is_socket(file))
			return WAS_SOCKET;
		if (file)
			on_written(task, file, key, call, flags);
		return 0;
	case HOW_MMAP:
		file = mapped_file(at, args, task);
		if (file)
			on_written(task, file, key, call, flags);
		return 0;
	case HOW_FD:
		file = file_of_fd(task, argument(at, args->a));
		if (!file)
			return 0;
		if (args->what == WHAT_CONTENT || args->what == WHAT_SIZE)
			on_written(task, file, key, call, flags);
		else if (is_file_wanted(file))
			send_file(task, file, key, call, flags);
		return 0;
	case HOW_MOUNTS:
		s = record_start(key, WIRE_MOUNTS, call);
		if (!s)
			return 0;
		fill_actor((__u64)task, key);
		record_send(s, true);
		return 0;
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_file_call, struct pt_regs *regs, long ret)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call_site at = {.regs = regs};
	const volatile struct call_args *args;
	__u32 call;

	call = call_of(&at, regs->orig_ax);
	if (call == CALL_NONE || call >= CALL_COUNT)
		return 0;
	args = &calls[call];
	if (args->how != HOW_PATHS) {
		if (on_call(&at, call, ret) == WAS_SOCKET)
			bpf_tail_call(ctx, &groups, GROUP_NETWORK);
		return 0;
	}
	if (has_failed(ret))
		forget_strings(tid);
	else if (args->flags < 0 || !is_rmdir(args, argument(&at, args->flags)))
		send_call(&at, call);
	if (has_hook(args->what))
		forget_decided(tid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
