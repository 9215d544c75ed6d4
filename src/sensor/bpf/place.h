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

__noinline int add_place(__u64 mnt_address, __u64 dentry_address, __u32 key, __u32 which)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &key);
	struct vfsmount *mnt = (void *)mnt_address;
	struct dentry *dentry = (void *)dentry_address;
	struct dentry *mnt_root, *first_root, *parent, *upper;
	struct mount *mount, *above;
	struct wire_place *place;
	bool done = false;
	__u64 at, start;
	long n;

	if (!s || !mnt || !dentry)
		return 0;
	which &= 3;
	place = which == WIRE_SPAN_PLACE1 ? &s->record.place[1] : &s->record.place[0];
	mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	mnt_root = first_root = BPF_CORE_READ(mnt, mnt_root);
	upper = 0;
	if (which <= WIRE_SPAN_PLACE1) {
		place->dev = BPF_CORE_READ(mnt, mnt_sb, s_dev);
		place->mount_id = BPF_CORE_READ(mount, mnt_id);
		upper = upper_dentry(dentry);
		if (upper) {
			place->upper_dev = BPF_CORE_READ(upper, d_inode, i_sb, s_dev);
			place->flags |= WIRE_PLACE_UPPER;
		}
		if (!BPF_CORE_READ(mount, mnt_ns))
			place->flags |= WIRE_PLACE_DETACHED;
	}
	start = s->used & WIRE_OFFSET_MASK;
	s->phase = PHASE_MOUNTS;
	s->marked = 0;
	for (int i = 0; i < WIRE_NAMES_MAX; i++) {
		if (s->phase == PHASE_MOUNTS) {
			if ((__u64)dentry == s->root_dentry && (__u64)mnt == s->root_mount &&
			    !(s->marked & 1)) {
				add_mark(s, 'r');
				s->marked |= 1;
			}
			if (dentry == mnt_root) {
				above = BPF_CORE_READ(mount, mnt_parent);
				if (above == mount) {
					s->phase = PHASE_SUPER;
					dentry = first_root;
					continue;
				}
				add_mark(s, 'm');
				dentry = BPF_CORE_READ(mount, mnt_mountpoint);
				mount = above;
				mnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
				mnt_root = BPF_CORE_READ(mnt, mnt_root);
				continue;
			}
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry || !parent) {
			if (s->phase == PHASE_MOUNTS) /* not below its mount's root any more */
				s->record.failed |= 1u << which;
			if (s->phase == PHASE_UPPER || !upper) {
				done = true;
				break;
			}
			s->phase = PHASE_UPPER;
			dentry = upper;
			add_mark(s, 'u');
			continue;
		}
		if (s->phase == PHASE_SUPER && !(s->marked & 2)) {
			add_mark(s, 's');
			s->marked |= 2;
		}
		if (!tail_has_room(s))
			break;
		at = s->used & WIRE_OFFSET_MASK;
		KEEP(at);
		at &= WIRE_OFFSET_MASK;
		n = bpf_probe_read_kernel_str(s->tail + at, WIRE_NAME_BYTES,
					      BPF_CORE_READ(dentry, d_name.name));
		if (n <= 0) {
			s->record.failed |= 1u << which;
			done = true;
			break;
		}
		s->used = at + n;
		if (s->used - start > 2 * WIRE_PATH_BYTES)
			break;
		dentry = parent;
	}
	if (!done)
		s->record.cut |= 1u << which;
	s->record.span[which].offset = start;
	s->record.span[which].bytes = s->used - start;
	return 0;
}

static __always_inline void fill_inode(struct wire_inode *to, struct inode *inode)
{
	to->number = BPF_CORE_READ(inode, i_ino);
	to->size = BPF_CORE_READ(inode, i_size);
	to->mode = BPF_CORE_READ(inode, i_mode);
	to->uid = BPF_CORE_READ(inode, i_uid.val);
	to->gid = BPF_CORE_READ(inode, i_gid.val);
	to->links = BPF_CORE_READ(inode, i_nlink);
}

#endif
