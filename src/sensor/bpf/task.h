/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who acts: ids, start times, namespaces, cgroup of a task; and whether it is one to follow. */
#ifndef LINTEL_SENSOR_BPF_TASK_H
#define LINTEL_SENSOR_BPF_TASK_H

#include "sensor/bpf/common.h"

/* include/linux/pid.h: enum pid_type */
#define PIDTYPE_TGID 1
#define PIDTYPE_PGID 2
#define PIDTYPE_SID 3

static __always_inline __u32 leader_pid(struct signal_struct *signal, int type)
{
	struct pid *pid = 0;
	int nr = 0;

	bpf_core_read(&pid, sizeof(pid), &signal->pids[type]);
	bpf_core_read(&nr, sizeof(nr), &pid->numbers[0].nr);
	return nr;
}

static __always_inline struct cgroup *task_cgroup(struct task_struct *task, __u32 subsys)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = 0;

	if (subsys == WIRE_NO_SUBSYS)
		return BPF_CORE_READ(set, dfl_cgrp);
	if (subsys >= 16)
		return 0;
	bpf_core_read(&css, sizeof(css), &set->subsys[subsys]);
	return BPF_CORE_READ(css, cgroup);
}

static __always_inline bool in_cgroup(struct task_struct *task)
{
	struct cgroup *cgroup = task_cgroup(task, config.cgroup_subsys);
	struct cgroup_subsys_state *up;

	for (int i = 0; i < WIRE_CGROUP_DEPTH_MAX && cgroup; i++) {
		if (BPF_CORE_READ(cgroup, kn, id) == config.cgroup_id)
			return true;
		up = BPF_CORE_READ(cgroup, self.parent);
		if (!up)
			return false;
		cgroup = BPF_CORE_READ(up, cgroup);
	}
	return false;
}

/* Is this one of the processes to report on? */
static __always_inline bool followed(struct task_struct *task, __u32 tgid)
{
	if (config.track && !bpf_map_lookup_elem(&tracked, &tgid))
		return false;
	if (config.cgroup_id && !in_cgroup(task))
		return false;
	return true;
}

static __always_inline void fill_root(struct scratch *s, struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct vfsmount *mnt = BPF_CORE_READ(fs, root.mnt);
	struct dentry *dentry = BPF_CORE_READ(fs, root.dentry);
	struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);

	s->root_mount = (__u64)mnt;
	s->root_dentry = (__u64)dentry;
	s->record.actor.root_inode = BPF_CORE_READ(dentry, d_inode, i_ino);
	s->record.actor.root_dev = BPF_CORE_READ(mnt, mnt_sb, s_dev);
	s->record.actor.root_mount_id = BPF_CORE_READ(mount, mnt_id);
}

static __always_inline void fill_tty(struct wire_actor *a, struct signal_struct *signal)
{
	struct tty_struct *tty = BPF_CORE_READ(signal, tty);

	if (!tty)
		return;
	a->tty_major = BPF_CORE_READ(tty, driver, major);
	a->tty_minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
}

static __always_inline void fill_ids(struct wire_actor *a, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	a->uid = BPF_CORE_READ(cred, uid.val);
	a->gid = BPF_CORE_READ(cred, gid.val);
	a->euid = BPF_CORE_READ(cred, euid.val);
	a->egid = BPF_CORE_READ(cred, egid.val);
	a->suid = BPF_CORE_READ(cred, suid.val);
	a->sgid = BPF_CORE_READ(cred, sgid.val);
	bpf_core_read(&a->cap_effective, 8, &cred->cap_effective);
	bpf_core_read(&a->cap_permitted, 8, &cred->cap_permitted);
	/* only with CONFIG_AUDIT */
	a->login_uid = a->audit_session = 0xffffffff;
	if (bpf_core_field_exists(task->loginuid))
		a->login_uid = BPF_CORE_READ(task, loginuid.val);
	if (bpf_core_field_exists(task->sessionid))
		a->audit_session = BPF_CORE_READ(task, sessionid);
}

/* Global functions are verified once, not at each call; their arguments are plain numbers because
 * 5.10 takes no others. */
__noinline int fill_actor(__u64 task_address, __u32 key)
{
	struct task_struct *task = (void *)task_address;
	struct scratch *s = bpf_map_lookup_elem(&scratch, &key);
	struct signal_struct *signal;
	struct task_struct *leader, *parent;
	struct upid upid = {};
	struct wire_actor *a;
	struct pid *pid;
	__u32 level;

	if (!s)
		return 0;
	a = &s->record.actor;
	signal = BPF_CORE_READ(task, signal);
	leader = BPF_CORE_READ(task, group_leader);
	parent = BPF_CORE_READ(task, real_parent);
	a->pid = BPF_CORE_READ(task, tgid);
	a->tid = BPF_CORE_READ(task, pid);
	a->ppid = BPF_CORE_READ(parent, tgid);
	a->start_boot_ns = BPF_CORE_READ(leader, start_boottime);
	a->parent_start_boot_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
	a->pgid = leader_pid(signal, PIDTYPE_PGID);
	a->sid = leader_pid(signal, PIDTYPE_SID);
	bpf_core_read(&pid, sizeof(pid), &signal->pids[PIDTYPE_TGID]);
	level = BPF_CORE_READ(pid, level);
	if (level > 32) /* MAX_PID_NS_LEVEL */
		level = 0;
	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				  level * sizeof(upid));
	a->pid_in_ns = upid.nr;
	a->pid_ns = BPF_CORE_READ(upid.ns, ns.inum);
	a->mount_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	a->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	fill_tty(a, signal);
	fill_ids(a, task);
	bpf_core_read_str(a->comm, sizeof(a->comm), &task->comm);
	fill_root(s, task);
	return 0;
}

static __always_inline struct kernfs_node *kernfs_up(struct kernfs_node *node)
{
	struct kernfs_node___rcu *node_rcu = (void *)node;

	if (bpf_core_field_exists(node_rcu->__parent))
		return BPF_CORE_READ(node_rcu, __parent);
	return BPF_CORE_READ(node, parent);
}

/* The cgroup's path, leaf first as a place's names. On the unified hierarchy when the task is below
 * its root there, else (v1 hosts) in the hierarchy of the memory or pids controller. */
__noinline int fill_cgroup(__u64 task_address, __u32 key)
{
	struct task_struct *task = (void *)task_address;
	struct scratch *s = bpf_map_lookup_elem(&scratch, &key);
	struct kernfs_node *node, *up;
	__u64 at, start;
	long n;

	if (!s)
		return 0;
	node = BPF_CORE_READ(task_cgroup(task, WIRE_NO_SUBSYS), kn);
	if (!kernfs_up(node) && bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		node = BPF_CORE_READ(
		    task_cgroup(task, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)),
		    kn);
	if (!kernfs_up(node) && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		node = BPF_CORE_READ(
		    task_cgroup(task, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id)),
		    kn);
	start = s->used & WIRE_OFFSET_MASK;
	for (int i = 0; i < WIRE_CGROUP_DEPTH_MAX; i++) {
		up = kernfs_up(node);
		if (!up)
			break;
		if (!tail_has_room(s)) {
			s->record.cut |= 1u << WIRE_SPAN_CGROUP;
			break;
		}
		at = s->used & WIRE_OFFSET_MASK;
		KEEP(at);
		at &= WIRE_OFFSET_MASK;
		n = bpf_probe_read_kernel_str(s->tail + at, WIRE_NAME_BYTES,
					      BPF_CORE_READ(node, name));
		if (n <= 0) {
			s->record.failed |= 1u << WIRE_SPAN_CGROUP;
			break;
		}
		s->used = at + n;
		node = up;
	}
	s->record.span[WIRE_SPAN_CGROUP].offset = start;
	s->record.span[WIRE_SPAN_CGROUP].bytes = s->used - start;
	return 0;
}

#endif
