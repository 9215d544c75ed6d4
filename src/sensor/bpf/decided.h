/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the hooks of lsm.bpf.c tell the programs that know a call's result.
 *
 * A call on path strings that is followed puts itself into `asked` as it begins. When the kernel
 * has found the file and decides whether the call may go on, the hook's program looks there, walks
 * from the kernel's own dentry, and leaves a record in `decided`, complete but for the result. At
 * the call's end the record is sent, or thrown away. Whatever goes wrong on the way (a hook that
 * did not come by, a path too long to keep) leaves no record, and the strings are sent instead.
 *
 * The key is the thread, or the request of an io_uring: it runs in a thread of the kernel's choice.
 * A thread that dies in its call leaves its entries behind; LRU makes room.
 */
#ifndef LINTEL_SENSOR_BPF_DECIDED_H
#define LINTEL_SENSOR_BPF_DECIDED_H

#include "sensor/bpf/files.h"

/* thread or request → enum call; CALL_NONE once a hook has found that nobody asks for the file */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} asked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, __u64);
	__type(value, struct decided_small);
} decided_small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, struct decided_large);
} decided_large SEC(".maps");

static __always_inline __u32 hook_of(__u32 what)
{
	switch (what) {
#define PATH_HOOK(id, name, what_) \
	case WHAT_##what_:         \
		return PATH_HOOK_##id;
#include "sensor/path_hooks.def"
#undef PATH_HOOK
	case WHAT_OWNER_LINK:
		return PATH_HOOK_CHOWN;
	}
	return PATH_HOOK_COUNT;
}

/* Does a hook that works on this kernel serve calls that do this? */
static __always_inline bool has_hook(__u32 what)
{
	return config.hooks >> hook_of(what) & 1;
}

static __always_inline void ask(__u64 id, __u32 call)
{
	if (bpf_map_update_elem(&asked, &id, &call, BPF_ANY))
		count_loss(WIRE_LOSS_MAP);
}

static __always_inline void forget_decided(__u64 id)
{
	bpf_map_delete_elem(&asked, &id);
	bpf_map_delete_elem(&decided_small, &id);
	bpf_map_delete_elem(&decided_large, &id);
}

/* The file as it is after the call: by the dentry that was decided on, if that still leads to the
 * same file. It was let go at the call's end; the memory may be another's by now. */
static __always_inline void read_again(struct wire_record *record, struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	__u64 number = record->inode.number;
	bool is_same = inode && BPF_CORE_READ(inode, i_sb, s_dev) == record->place[0].dev &&
		       (!number || number == BPF_CORE_READ(inode, i_ino));

	__builtin_memset(&record->inode, 0, sizeof(record->inode));
	if (is_same)
		fill_inode(&record->inode, inode);
}

/* What is known at the call's end only. */
static __always_inline void complete_record(struct wire_record *record, __u64 acted, __u32 flags,
					    __u64 value)
{
	record->boot_ns = bpf_ktime_get_boot_ns();
	record->flags |= flags;
	record->value = value;
	/* an io_uring's request is the thread's that is told of its end */
	record->actor.tid = bpf_get_current_pid_tgid();
	bpf_get_current_comm(record->actor.comm, sizeof(record->actor.comm));
	if (acted)
		read_again(record, (void *)acted);
}

/* Send what a hook has left for this call, or nothing if it found that nobody asks for the file; false
 * when no hook told of the call. */
static __always_inline bool send_decided(__u64 id, __u32 call, __u32 flags, __u64 value)
{
	struct decided_small *small;
	struct decided_large *large;
	__u32 *asks = bpf_map_lookup_elem(&asked, &id);
	__u64 bytes;

	if (asks && *asks == CALL_NONE)
		return true;
	small = bpf_map_lookup_elem(&decided_small, &id);
	if (small && small->record.call == call) {
		if (is_shed(WIRE_PLACES))
			return true;
		complete_record(&small->record, small->acted, flags, value);
		bytes = small->record.bytes;
		KEEP(bytes);
		if (bytes <= sizeof(small->record) + DECIDED_SMALL)
			send_record(&small->record, bytes, false);
		return true;
	}
	large = bpf_map_lookup_elem(&decided_large, &id);
	if (!large || large->record.call != call)
		return false;
	if (is_shed(WIRE_PLACES))
		return true;
	complete_record(&large->record, large->acted, flags, value);
	bytes = large->record.bytes;
	KEEP(bytes);
	if (bytes <= sizeof(large->record) + DECIDED_LARGE)
		send_record(&large->record, bytes, false);
	return true;
}

#endif
