/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a file is, from the kernel's own objects: the walk from a dentry up to the root of its
 * mount, over the mount point into the parent mount, and so on to the root of the mount namespace,
 * as fs/d_path.c:prepend_path does, but leaf first and without its locks. A rename of a directory
 * during the walk can mix two names; the walk is bounded and cannot loop.
 */
#ifndef LINTEL_SENSOR_BPF_PLACE_H
#define LINTEL_SENSOR_BPF_PLACE_H

#include "sensor/bpf/common.h"

#define OVERLAYFS_SUPER_MAGIC 0x794c7630

/* In no mount namespace: unmounted, or the kernel's own (an error number for a pointer). */
static __always_inline bool is_detached(struct mount *mount)
{
	__u64 ns = (__u64)BPF_CORE_READ(mount, mnt_ns);

	return !ns || ns >= (__u64)-4095;
}

enum phase {
	PHASE_MOUNTS, /* up to the namespace's root */
	PHASE_SUPER,  /* from the first mount's root to its file system's root */
	PHASE_UPPER,  /* overlayfs: the same file in the upper layer */
};

static __always_inline void add_mark(struct scratch *s, char mark)
{
	__u64 at = s->used & WIRE_OFFSET_MASK;

	KEEP(at);
	at &= WIRE_OFFSET_MASK;
	s->tail[at] = '/';
	s->tail[at + 1] = mark;
	s->tail[at + 2] = 0;
	s->used = at + 3;
}

/* The file in the upper layer, 0 when it is not there (or not overlayfs, or its types unknown). */
static __always_inline struct dentry *upper_dentry(struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	struct ovl_inode *ovl;

	if (!bpf_core_type_exists(struct ovl_inode))
		return 0;
	if (!inode || BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return 0;
	ovl = (void *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode);
	return BPF_CORE_READ(ovl, __upperdentry);
}

/* What goes with a place that has a struct wire_place, and where its upper layer's part begins. */
static __always_inline void fill_place(struct scratch *s, struct vfsmount *mnt, struct mount *mount,
				       struct dentry *dentry, __u32 which)
{
	struct wire_place *place =
	    which == WIRE_SPAN_PLACE1 ? &s->record.place[1] : &s->record.place[0];
	struct dentry *upper = upper_dentry(dentry);

	place->dev = BPF_CORE_READ(mnt, mnt_sb, s_dev);
	place->mount_id = BPF_CORE_READ(mount, mnt_id);
	if (upper) {
		place->upper_dev = BPF_CORE_READ(upper, d_inode, i_sb, s_dev);
		place->flags |= WIRE_PLACE_UPPER;
		s->upper = (__u64)upper;
	}
	if (is_detached(mount))
		place->flags |= WIRE_PLACE_DETACHED;
}

enum step {
	STEP_ON,
	STEP_NAME,
	STEP_DONE,
	STEP_FAILED
};

/* In PHASE_MOUNTS: cross a mount point where the walk is at one. */
static __always_inline enum step cross_mount(struct scratch *s)
{
	struct mount *mount = (void *)s->mount, *above;
	struct vfsmount *mnt;

	if (s->dentry == s->root_dentry && s->mnt == s->root_mount && !(s->marked & 1)) {
		add_mark(s, 'r');
		s->marked |= 1;
	}
	if (s->dentry != s->mnt_root)
		return STEP_NAME;
	above = BPF_CORE_READ(mount, mnt_parent);
	if (above == mount) { /* the namespace's root */
		s->phase = PHASE_SUPER;
		s->dentry = s->first_root;
		return STEP_ON;
	}
	add_mark(s, 'm');
	mnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
	s->dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
	s->mount = (__u64)above;
	s->mnt = (__u64)mnt;
	s->mnt_root = (__u64)BPF_CORE_READ(mnt, mnt_root);
	return STEP_ON;
}

/* A file that never had a directory has a name nevertheless: "memfd:x". */
static __always_inline bool add_lone_name(struct scratch *s)
{
	struct dentry *dentry = (void *)s->dentry;
	__u64 at = s->used & WIRE_OFFSET_MASK;
	long n;

	KEEP(at);
	at &= WIRE_OFFSET_MASK;
	n = bpf_probe_read_kernel_str(s->tail + at, WIRE_NAME_BYTES,
				      BPF_CORE_READ(dentry, d_name.name));
	if (n <= 1 || s->tail[at] == '/')
		return false;
	s->used = at + n;
	return true;
}

/* At a dentry without a parent: the end of a part. */
static __always_inline enum step next_part(struct scratch *s)
{
	bool is_lost = s->phase == PHASE_MOUNTS; /* not below its mount's root any more */
	struct mount *mount = (void *)s->mount;

	if (is_lost && is_detached(mount) && add_lone_name(s))
		return STEP_DONE;

	if (s->phase == PHASE_UPPER || !s->upper)
		return is_lost ? STEP_FAILED : STEP_DONE;
	s->phase = PHASE_UPPER;
	s->dentry = s->upper;
	add_mark(s, 'u');
	return is_lost ? STEP_FAILED : STEP_ON;
}

static __always_inline enum step step_up(struct scratch *s)
{
	struct dentry *dentry, *parent;
	enum step step;
	__u64 at;
	long n;

	if (s->phase == PHASE_MOUNTS) {
		step = cross_mount(s);
		if (step != STEP_NAME)
			return step;
	}
	dentry = (void *)s->dentry;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (parent == dentry || !parent)
		return next_part(s);
	if (s->phase == PHASE_SUPER && !(s->marked & 2)) {
		add_mark(s, 's');
		s->marked |= 2;
	}
	at = s->used & WIRE_OFFSET_MASK;
	KEEP(at);
	at &= WIRE_OFFSET_MASK;
	n = bpf_probe_read_kernel_str(s->tail + at, WIRE_NAME_BYTES,
				      BPF_CORE_READ(dentry, d_name.name));
	if (n <= 0)
		return STEP_FAILED;
	s->used = at + n;
	s->dentry = (__u64)parent;
	return STEP_ON;
}

__noinline int add_place(__u64 mnt_address, __u64 dentry_address, __u32 key, __u32 which)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &key);
	struct vfsmount *mnt = (void *)mnt_address;
	struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	enum step step = STEP_ON;

	if (!s || !mnt || !dentry_address)
		return 0;
	which &= 3;
	s->mnt = mnt_address;
	s->mount = (__u64)mount;
	s->mnt_root = s->first_root = (__u64)BPF_CORE_READ(mnt, mnt_root);
	s->dentry = dentry_address;
	s->upper = 0;
	s->start = s->used;
	s->phase = PHASE_MOUNTS;
	s->marked = 0;
	if (which <= WIRE_SPAN_PLACE1)
		fill_place(s, mnt, mount, (void *)dentry_address, which);
	for (int i = 0; i < WIRE_NAMES_MAX; i++) {
		if (!tail_has_room(s) || s->used - s->start > 2 * WIRE_PATH_BYTES)
			break;
		step = step_up(s);
		if (step >= STEP_DONE)
			break;
	}
	if (step == STEP_FAILED)
		s->record.failed |= 1u << which;
	else if (step != STEP_DONE)
		s->record.cut |= 1u << which;
	s->record.span[which].offset = s->start;
	s->record.span[which].bytes = s->used - s->start;
	return 0;
}

static __always_inline __u64 change_time(struct inode *inode)
{
	struct inode___split *split = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;
	struct inode___plain *plain = (void *)inode;
	/* 6.13: says that the time was read (I_CTIME_QUERIED) */
	const __u32 queried = 1u << 31;

	if (bpf_core_field_exists(split->i_ctime_sec))
		return BPF_CORE_READ(split, i_ctime_sec) * 1000000000ull +
		       (BPF_CORE_READ(split, i_ctime_nsec) & ~queried);
	if (bpf_core_field_exists(hidden->__i_ctime))
		return BPF_CORE_READ(hidden, __i_ctime.tv_sec) * 1000000000ull +
		       BPF_CORE_READ(hidden, __i_ctime.tv_nsec);
	if (bpf_core_field_exists(plain->i_ctime))
		return BPF_CORE_READ(plain, i_ctime.tv_sec) * 1000000000ull +
		       BPF_CORE_READ(plain, i_ctime.tv_nsec);
	return 0;
}

static __always_inline void fill_inode(struct wire_inode *to, struct inode *inode)
{
	to->number = BPF_CORE_READ(inode, i_ino);
	to->size = BPF_CORE_READ(inode, i_size);
	to->changed_ns = change_time(inode);
	to->mode = BPF_CORE_READ(inode, i_mode);
	to->uid = BPF_CORE_READ(inode, i_uid.val);
	to->gid = BPF_CORE_READ(inode, i_gid.val);
	to->links = BPF_CORE_READ(inode, i_nlink);
}

#endif
