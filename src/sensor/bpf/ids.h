/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A thread's ids as a call that may change them began, kept until it ends: only what really changed
 * is reported, and what it was before is the kernel's own word. */
#ifndef LINTEL_SENSOR_BPF_IDS_H
#define LINTEL_SENSOR_BPF_IDS_H

#include "sensor/bpf/task.h"

/* By thread. One that dies in its call leaves its entry; LRU makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct wire_ids);
} ids_before SEC(".maps");

static __always_inline void read_ids(struct wire_ids *ids, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	ids->uid = BPF_CORE_READ(cred, uid.val);
	ids->euid = BPF_CORE_READ(cred, euid.val);
	ids->suid = BPF_CORE_READ(cred, suid.val);
	ids->gid = BPF_CORE_READ(cred, gid.val);
	ids->egid = BPF_CORE_READ(cred, egid.val);
	ids->sgid = BPF_CORE_READ(cred, sgid.val);
	bpf_core_read(&ids->cap_effective, 8, &cred->cap_effective);
	bpf_core_read(&ids->cap_permitted, 8, &cred->cap_permitted);
	ids->sid = leader_pid(BPF_CORE_READ(task, signal), PIDTYPE_SID);
	ids->known = 1;
}

static __always_inline bool changes_ids(__u8 how)
{
	return how == HOW_IDS || how == HOW_SESSION || how == HOW_CAPABILITIES;
}

static __always_inline void remember_ids(struct task_struct *task, __u32 tid)
{
	struct wire_ids ids = {};

	read_ids(&ids, task);
	if (bpf_map_update_elem(&ids_before, &tid, &ids, BPF_ANY))
		count_loss(WIRE_LOSS_MAP);
}

#endif
