/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every thread group that runs already when lintel starts, as records of the same shape, read from
 * an iterator's file instead of the ring. Since 5.8. */
#include "sensor/bpf/place.h"
#include "sensor/bpf/task.h"

SEC("iter/task")
int on_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	__u32 key = scratch_key(0);
	struct task_struct *task;
	struct file *file;
	struct fs_struct *fs;
	struct scratch *s;
	__u64 bytes;

	/* plain, for fill_actor; NULL at the end */
	task = (void *)plain_argument(ctx, 1);
	if (!task || BPF_CORE_READ(task, tgid) != BPF_CORE_READ(task, pid))
		return 0;
	s = record_start(key, WIRE_TASK, CALL_NONE);
	if (!s)
		return 0;
	fill_actor((__u64)task, key);
	file = BPF_CORE_READ(task, mm, exe_file);
	if (file) {
		fill_inode(&s->record.inode, BPF_CORE_READ(file, f_inode));
		add_place((__u64)BPF_CORE_READ(file, f_path.mnt),
			  (__u64)BPF_CORE_READ(file, f_path.dentry), key, WIRE_SPAN_PLACE0);
	}
	add_place(s->root_mount, s->root_dentry, key, WIRE_SPAN_PLACE1);
	fs = BPF_CORE_READ(task, fs);
	add_place((__u64)BPF_CORE_READ(fs, pwd.mnt), (__u64)BPF_CORE_READ(fs, pwd.dentry), key,
		  WIRE_SPAN_CWD);
	fill_cgroup((__u64)task, key);
	bytes = s->used;
	KEEP(bytes);
	if (bytes > WIRE_TAIL_BYTES)
		bytes = WIRE_TAIL_BYTES;
	bytes += sizeof(s->record);
	s->record.bytes = bytes;
	bpf_seq_write(seq, &s->record, bytes);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
