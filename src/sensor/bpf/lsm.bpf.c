/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's own decision points for calls on path strings: when a hook is called, the kernel has
 * resolved the strings and holds the files. See decided.h for what becomes of it.
 *
 * Each hook has two programs, of which the loader uses one: at the LSM hook (after the other
 * modules have agreed), or at the entry of the function that calls the hooks. All return 0: they
 * look, they never refuse.
 */
#include "sensor/bpf/decided.h"

/* include/linux/sched.h */
#define PF_IO_WORKER 0x10

/* LSM programs may be preempted by another thread that comes by the same hook, and since 6.2 the
 * kernel does not keep them apart; the scratch is one for a CPU. Each adds one before it looks: who
 * then sees one has it alone, who sees more leaves the call to its strings. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* the number of CPUs, set by the loader */
	__type(key, __u32);
	__type(value, __u64);
} busy SEC(".maps");

/* What a hook was told: addresses of the kernel's objects. */
struct told {
	__u64 mnt;
	__u64 dentry0, dentry1; /* 0: there is no second */
	__u64 acted;            /* whose inode is reported */
	__u64 text;             /* a symbolic link's; 0: none */
};

/* An io_uring's requests on paths are done by its worker threads: which one is this doing? */
static __always_inline __u64 request_of(struct task_struct *task)
{
	struct io_worker *worker = 0;
	__u64 work;

	if (!bpf_core_field_exists(task->worker_private) ||
	    !bpf_core_field_exists(worker->cur_work) ||
	    !(BPF_CORE_READ(task, flags) & PF_IO_WORKER))
		return 0;
	worker = BPF_CORE_READ(task, worker_private);
	work = (__u64)BPF_CORE_READ(worker, cur_work);
	return work ? work - bpf_core_field_offset(struct io_kiocb, work) : 0;
}

/* The call under way that wants to know what passes this hook; in `asked`. */
static __always_inline __u32 *call_asking(struct task_struct *task, __u32 hook, __u64 *id)
{
	__u32 *call;

	*id = (__u32)bpf_get_current_pid_tgid();
	call = bpf_map_lookup_elem(&asked, id);
	if (!call) {
		*id = request_of(task);
		if (!*id)
			return 0;
		call = bpf_map_lookup_elem(&asked, id);
	}
	if (!call || *call >= CALL_COUNT || hook_of(calls[*call].what) != hook)
		return 0;
	return call;
}

static __always_inline bool is_dentry_wanted(__u64 mnt, struct dentry *dentry)
{
	struct demand_key key;
	long n = read_key(&key, BPF_CORE_READ(dentry, d_name.name));

	if (is_name_wanted(&key, n))
		return true;
	/* What is mounted over another is known by the other's name. */
	if (dentry == BPF_CORE_READ((struct vfsmount *)mnt, mnt_root))
		return true;
	return is_directory_wanted(mnt, (__u64)BPF_CORE_READ(dentry, d_parent));
}

static __always_inline bool is_wanted(const struct told *told)
{
	if (is_anything_wanted() || is_dentry_wanted(told->mnt, (void *)told->dentry0))
		return true;
	return told->dentry1 && is_dentry_wanted(told->mnt, (void *)told->dentry1);
}

/* In an exchange the other file moves too; what it is has no room in the record itself. */
static __always_inline void add_other(struct scratch *s, struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);

	if (!inode)
		return;
	fill_inode((struct wire_inode *)s->tail, inode);
	s->record.span[WIRE_SPAN_DETAIL].bytes = sizeof(struct wire_inode);
	s->used = sizeof(struct wire_inode);
}

static __always_inline void keep(struct scratch *s, __u64 id)
{
	/* What is not whole here may be by its string. */
	bool is_whole = !s->record.failed && !s->record.cut && s->used <= DECIDED_LARGE;
	bool is_small = is_whole && s->used <= DECIDED_SMALL;
	long err = 0;

	s->record.bytes = sizeof(s->record) + s->used;
	if (is_small)
		err = bpf_map_update_elem(&decided_small, &id, &s->acted, BPF_ANY);
	else /* one left behind by a thread that died in its call */
		bpf_map_delete_elem(&decided_small, &id);
	if (is_whole && !is_small)
		err = bpf_map_update_elem(&decided_large, &id, &s->acted, BPF_ANY);
	if (err)
		count_loss(WIRE_LOSS_MAP);
}

static __always_inline void record_told(struct task_struct *task, const struct told *told,
					__u32 hook, __u64 id, __u32 call)
{
	__u32 key = scratch_key(0);
	struct dentry *acted = (void *)told->acted;
	struct scratch *s = record_clear(key, WIRE_PLACES, call);

	if (!s)
		return;
	s->acted = told->acted;
	fill_actor((__u64)task, key);
	if (hook == PATH_HOOK_RENAME)
		add_other(s, (void *)told->dentry1);
	if (acted && BPF_CORE_READ(acted, d_inode))
		fill_inode(&s->record.inode, BPF_CORE_READ(acted, d_inode));
	add_place(told->mnt, told->dentry0, key, WIRE_SPAN_PLACE0);
	if (told->dentry1)
		add_place(told->mnt, told->dentry1, key, WIRE_SPAN_PLACE1);
	if (told->text)
		add_text(s, WIRE_SPAN_TEXT1, (void *)told->text, WIRE_PATH_BYTES, false);
	keep(s, id);
}

static __always_inline int on_hook(const struct told *told, __u32 hook)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 *asks, call;
	__u64 *users, id;

	asks = call_asking(task, hook, &id);
	if (!asks)
		return 0;
	call = *asks;
	if (!is_wanted(told)) {
		*asks = CALL_NONE;
		return 0;
	}
	users = bpf_map_lookup_elem(&busy, &cpu);
	if (!users)
		return 0;
	__sync_fetch_and_add(users, 1);
	if (*(volatile __u64 *)users == 1)
		record_told(task, told, hook, id, call);
	__sync_fetch_and_add(users, -1);
	return 0;
}

static __always_inline __u64 mnt_of(__u64 path)
{
	return (__u64)BPF_CORE_READ((struct path *)path, mnt);
}

static __always_inline __u64 dentry_of(__u64 path)
{
	return (__u64)BPF_CORE_READ((struct path *)path, dentry);
}

/* The arguments of the hooks and of their callers (include/linux/lsm_hook_defs.h, security.h). */

/* directory, dentry, new directory, new dentry, flags */
static __always_inline int on_rename(void *ctx)
{
	struct told told = {
	    .mnt = mnt_of(plain_argument(ctx, 0)),
	    .dentry0 = plain_argument(ctx, 1),
	    .dentry1 = plain_argument(ctx, 3),
	};

	told.acted = told.dentry0;
	return on_hook(&told, PATH_HOOK_RENAME);
}

/* directory, dentry; it is gone at the end of the call */
static __always_inline int on_unlink(void *ctx)
{
	struct told told = {
	    .mnt = mnt_of(plain_argument(ctx, 0)),
	    .dentry0 = plain_argument(ctx, 1),
	};

	return on_hook(&told, PATH_HOOK_UNLINK);
}

/* dentry, new directory, new dentry; links do not leave their mount */
static __always_inline int on_link(void *ctx)
{
	struct told told = {
	    .mnt = mnt_of(plain_argument(ctx, 1)),
	    .dentry0 = plain_argument(ctx, 0),
	    .dentry1 = plain_argument(ctx, 2),
	};

	told.acted = told.dentry0;
	return on_hook(&told, PATH_HOOK_LINK);
}

/* directory, dentry, and of a symbolic link its text */
static __always_inline int on_made(void *ctx, __u32 hook)
{
	struct told told = {
	    .mnt = mnt_of(plain_argument(ctx, 0)),
	    .dentry0 = plain_argument(ctx, 1),
	};

	told.acted = told.dentry0;
	if (hook == PATH_HOOK_SYMLINK)
		told.text = plain_argument(ctx, 2);
	return on_hook(&told, hook);
}

/* path */
static __always_inline int on_changed(void *ctx, __u32 hook)
{
	__u64 path = plain_argument(ctx, 0);
	struct told told = {.mnt = mnt_of(path), .dentry0 = dentry_of(path)};

	told.acted = told.dentry0;
	return on_hook(&told, hook);
}

#define BOTH(hook, body)                   \
	SEC("lsm/path_" #hook)             \
	int BPF_PROG(lsm_path_##hook)      \
	{                                  \
		return body;               \
	}                                  \
	SEC("fentry/security_path_" #hook) \
	int BPF_PROG(fentry_path_##hook)   \
	{                                  \
		return body;               \
	}

BOTH(rename, on_rename(ctx))
BOTH(unlink, on_unlink(ctx))
BOTH(link, on_link(ctx))
BOTH(symlink, on_made(ctx, PATH_HOOK_SYMLINK))
BOTH(mknod, on_made(ctx, PATH_HOOK_MKNOD))
BOTH(chmod, on_changed(ctx, PATH_HOOK_CHMOD))
BOTH(chown, on_changed(ctx, PATH_HOOK_CHOWN))
BOTH(truncate, on_changed(ctx, PATH_HOOK_TRUNCATE))

char LICENSE[] SEC("license") = "Dual BSD/GPL";
