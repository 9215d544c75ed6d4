/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* /proc/PID/mem: another process's memory as a file. */
#ifndef LINTEL_SENSOR_BPF_PROCMEM_H
#define LINTEL_SENSOR_BPF_PROCMEM_H

#include "sensor/bpf/place.h"
#include "sensor/bpf/task.h"

/* include/uapi/linux/magic.h */
#define PROC_SUPER_MAGIC 0x9fa0

/* Whose memory this file is, by its pid in the initial namespace (of a thread, for
 * /proc/PID/task/TID/mem); 0 for every other file. */
static __always_inline __u32 memory_owner(struct file *file, struct inode *inode)
{
	struct proc_inode *proc;
	struct pid *pid;
	char name[4] = {};

	if (BPF_CORE_READ(inode, i_sb, s_magic) != PROC_SUPER_MAGIC)
		return 0;
	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	if (name[0] != 'm' || name[1] != 'e' || name[2] != 'm' || name[3])
		return 0;
	proc = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	pid = BPF_CORE_READ(proc, pid);
	if (!pid) /* another file of this name, below /proc/sys */
		return 0;
	return BPF_CORE_READ(pid, numbers[0].nr);
}

static __always_inline void send_proc_mem(struct task_struct *task, struct file *file, __u32 owner,
					  __u32 key, __u32 call, __u32 flags)
{
	struct wire_detail *detail;
	struct scratch *s;

	if (!wanted(WIRE_PROC_MEM))
		return;
	s = record_start(key, WIRE_PROC_MEM, call);
	if (!s)
		return;
	s->record.flags = flags;
	detail = add_detail(s, sizeof(*detail));
	detail->target_pid = owner;
	fill_actor((__u64)task, key);
	add_place((__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry),
		  key, WIRE_SPAN_PLACE0);
	record_send(s, false);
}

#endif
