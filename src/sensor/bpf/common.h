/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every BPF object has: the shared maps, the place where a record is built, and the way it
 * leaves. The maps `ring`, `losses`, `tracked` and `written` are one and the same in all objects
 * (the loader hands the first object's to the others); `scratch` is each object's own.
 */
#ifndef LINTEL_SENSOR_BPF_COMMON_H
#define LINTEL_SENSOR_BPF_COMMON_H

#include <linux/bpf.h>
#include "sensor/bpf/kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "sensor/calls.h"
#include "sensor/wire.h"

/* The compiler may not reason about a value across this: keeps the bound checks the verifier needs
 * next to where the value is used. */
#define KEEP(var) asm volatile("" : "+r"(var))

/* A tracepoint's argument as a plain number: the verifier refuses a pointer it knows the type of
 * where a global function takes a number. */
static __always_inline __u64 plain_argument(void *context, int n)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (__u64 *)context + n);
	return value;
}

const volatile struct wire_config config = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* set by the loader */
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WIRE_LOSS_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

/* Thread groups below --root-pid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u8);
} tracked SEC(".maps");

/* Open files whose first write has been reported: struct file → which inode. An entry is taken
 * back when an open returns the same pointer; when the map is full the longest unused goes, and
 * one more modification of that file may then be reported. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, __u64);
} written SEC(".maps");

/* A record being built. Programs cannot hold this on their 512 bytes of stack; values kept here
 * are also unknown to the verifier, which keeps the number of states it walks small. */
struct scratch {
	__u64 used;                    /* bytes of tail in use */
	__u64 root_mount, root_dentry; /* of the acting process: struct vfsmount, struct dentry */
	/* add_place's walk */
	__u64 mnt, mount, mnt_root, dentry; /* where it is */
	__u64 first_root, upper;            /* where its next parts begin */
	__u64 start, phase, marked;
	__u64 acted; /* before the record: they are kept together (decided.h) */
	struct wire_record record;
	char tail[WIRE_TAIL_BYTES];
};

/* One slot for each program on each CPU: a program does not meet itself on a CPU (the kernel
 * refuses and counts that), so a slot has one user at a time, also where tracepoint programs may
 * be preempted. */
#define SCRATCH_SLOTS 3
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS); /* times the number of CPUs, set by the loader */
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* Does anybody ask for records of this kind? What only a rule's values leave out is decided by the
 * reader. */
static __always_inline bool wanted(enum wire_kind kind)
{
	return config.wanted >> kind & 1;
}

static __always_inline void count_loss(__u32 cause)
{
	__u64 *n = bpf_map_lookup_elem(&losses, &cause);

	if (n)
		*n += 1;
}

static __always_inline __u32 scratch_key(__u32 slot)
{
	return bpf_get_smp_processor_id() * SCRATCH_SLOTS + slot;
}

/* Is the ring so full that records of this kind are left out? Before they are built: a host that
 * outruns its reader has no time for what is thrown away. */
static __always_inline bool is_shed(enum wire_kind kind)
{
	__u32 bytes = config.shed_bytes[kind];

	if (!bytes || bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < bytes)
		return false;
	count_loss(WIRE_LOSS_SHED + kind);
	return true;
}

/* A cleared record in this CPU's slot; NULL when it is not to be built. */
static __always_inline struct scratch *record_clear(__u32 key, enum wire_kind kind, __u32 call)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &key);

	if (!s)
		return 0;
	s->used = 0;
	__builtin_memset(&s->record, 0, sizeof(s->record));
	s->record.kind = kind;
	s->record.call = call;
	s->record.boot_ns = bpf_ktime_get_boot_ns();
	return s;
}

/* The same, unless this kind is held back now. */
static __always_inline struct scratch *record_start(__u32 key, enum wire_kind kind, __u32 call)
{
	return is_shed(kind) ? 0 : record_clear(key, kind, call);
}

/* Records wait for the reader's timer or for this much, so that a busy host does not wake it once
 * an event. */
#define WAKE_BYTES (256u << 10)

/* Does the reader have to look at /proc before the process goes: to see the file system as it does,
 * or for what could not be read here? */
static __always_inline bool is_urgent(const struct wire_record *record)
{
	return record->failed || record->cut || record->actor.mount_ns != config.own_mount_ns ||
	       record->actor.root_inode != config.own_root_inode;
}

/* Send a record of so many bytes, tail and all. `by_path`: the reader will have to find the file by
 * its name, and is woken at once if it needs the process for that. */
static __always_inline void send_record(struct wire_record *record, __u64 bytes, bool by_path)
{
	__u64 flags = BPF_RB_NO_WAKEUP;
	__u64 waiting;

	waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	if ((by_path && is_urgent(record)) ||
	    waiting / WAKE_BYTES != (waiting + bytes) / WAKE_BYTES)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&ring, record, bytes, flags))
		count_loss(WIRE_LOSS_RING + record->kind);
}

/* Send what was built. */
static __always_inline void record_send(struct scratch *s, bool by_path)
{
	__u64 bytes = s->used;

	if (bytes > WIRE_TAIL_BYTES)
		bytes = WIRE_TAIL_BYTES;
	bytes += sizeof(s->record);
	s->record.bytes = bytes;
	KEEP(bytes);
	if (bytes > sizeof(s->record) + WIRE_TAIL_BYTES)
		return;
	send_record(&s->record, bytes, by_path);
	if (s->record.failed)
		count_loss(WIRE_LOSS_READ);
	if (s->record.cut & (1u << WIRE_SPAN_ARGV))
		count_loss(WIRE_LOSS_ARGV);
	if (s->record.cut & ~(1u << WIRE_SPAN_ARGV))
		count_loss(WIRE_LOSS_PATH);
}

/* Bounded reads start at or below WIRE_OFFSET_MASK. Only a path of thousands of bytes beside two
 * more gets here. */
static __always_inline bool tail_has_room(const struct scratch *s)
{
	return s->used <= WIRE_OFFSET_MASK;
}

/* The struct of this kind of record, cleared, at the start of the tail; before any other span. */
static __always_inline void *add_detail(struct scratch *s, __u32 bytes)
{
	__builtin_memset(s->tail, 0, bytes);
	s->record.span[WIRE_SPAN_DETAIL].offset = 0;
	s->record.span[WIRE_SPAN_DETAIL].bytes = bytes;
	s->used = bytes;
	return s->tail;
}

/* Append a NUL-terminated text of at most `limit` bytes; the span is without the NUL. */
static __always_inline void add_text(struct scratch *s, __u32 span, const void *from, __u32 limit,
				     bool user)
{
	__u64 at = s->used & WIRE_OFFSET_MASK;
	long n;

	if (!tail_has_room(s)) {
		s->record.cut |= 1u << span;
		return;
	}
	KEEP(at);
	at &= WIRE_OFFSET_MASK;
	n = user ? bpf_probe_read_user_str(s->tail + at, limit, from)
		 : bpf_probe_read_kernel_str(s->tail + at, limit, from);
	if (n <= 0) {
		s->record.failed |= 1u << span;
		return;
	}
	s->record.span[span].offset = at;
	s->record.span[span].bytes = n - 1;
	if (n == limit)
		s->record.cut |= 1u << span;
	s->used = at + n;
}

#endif
