/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The environment of a new program: of its variables those that were asked for. */
#ifndef LINTEL_SENSOR_BPF_ENV_H
#define LINTEL_SENSOR_BPF_ENV_H

#include "sensor/bpf/common.h"

/* How a variable begins, "LD_PRELOAD=": the trie finds whether a text begins with one of them by one
 * look-up, however many there are. */
struct env_name {
	__u32 bits;
	char name[WIRE_ENV_NAME_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 128);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct env_name);
	__type(value, __u8);
} env_names SEC(".maps");

/* Exec has just written it, so it is resident. Each variable is read to where it would stay, and
 * stays if it is wanted. */
static __always_inline void add_env(struct scratch *s, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 from = BPF_CORE_READ(mm, env_start);
	__u64 end = BPF_CORE_READ(mm, env_end);
	struct env_name key;
	__u64 at, start = s->used;
	long n;

	for (int i = 0; i < WIRE_ENV_LOOK_MAX && from < end; i++) {
		if (!tail_has_room(s))
			break;
		at = s->used & WIRE_OFFSET_MASK;
		KEEP(at);
		at &= WIRE_OFFSET_MASK;
		n = bpf_probe_read_user_str(s->tail + at, WIRE_PATH_BYTES, (void *)from);
		if (n <= 0) {
			s->record.failed |= 1u << WIRE_SPAN_ENV;
			break;
		}
		key.bits = 8 * WIRE_ENV_NAME_BYTES;
		__builtin_memcpy(key.name, s->tail + at, sizeof(key.name));
		if (bpf_map_lookup_elem(&env_names, &key)) {
			s->used = at + n;
			if (n == WIRE_PATH_BYTES)
				s->record.cut |= 1u << WIRE_SPAN_ENV;
		}
		/* what is longer goes on in the next step, and looks like no name asked for */
		from += n == WIRE_PATH_BYTES ? n - 1 : n;
	}
	if (from < end)
		s->record.cut |= 1u << WIRE_SPAN_ENV;
	s->record.span[WIRE_SPAN_ENV].offset = start;
	s->record.span[WIRE_SPAN_ENV].bytes = s->used - start;
}

#endif
