/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reporting what was done to a file, from the struct file itself: its path, owner and size are the
 * kernel's, whatever the caller's memory says by now. */
#ifndef LINTEL_SENSOR_BPF_FILES_H
#define LINTEL_SENSOR_BPF_FILES_H

#include "sensor/bpf/call.h"
#include "sensor/bpf/demand.h"
#include "sensor/bpf/place.h"
#include "sensor/bpf/procmem.h"
#include "sensor/bpf/task.h"

/* include/linux/fs.h */
#define FMODE_WRITE 0x2
#define FMODE_CREATED 0x100000 /* since 4.19 */
/* include/uapi/linux/stat.h, asm-generic/fcntl.h */
#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFSOCK 0140000
#define O_TRUNC 01000
#define AT_FDCWD -100

static __always_inline struct file *file_of_fd(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd);
	struct file *file = 0;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
	return file;
}

static __always_inline bool is_regular(struct inode *inode)
{
	return (BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFREG;
}

static __always_inline bool is_socket(struct file *file)
{
	return (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFSOCK;
}

/* Which inode this is, also when its memory or its number is used again. */
static __always_inline __u64 identity(struct inode *inode)
{
	return (__u64)inode ^ BPF_CORE_READ(inode, i_ino) ^
	       (__u64)BPF_CORE_READ(inode, i_generation) << 32;
}

static __always_inline void send_file(struct task_struct *task, struct file *file, __u32 key,
				      __u32 call, __u32 flags)
{
	struct scratch *s = record_start(key, WIRE_FILE, call);

	if (!s)
		return;
	s->record.flags = flags;
	fill_actor((__u64)task, key);
	fill_inode(&s->record.inode, BPF_CORE_READ(file, f_inode));
	add_place((__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry),
		  key, WIRE_SPAN_PLACE0);
	record_send(s, false);
}

/* An open returned this file. */
static __always_inline void on_opened(struct task_struct *task, struct file *file, __u32 key,
				      __u32 call, __u64 open_flags, __u32 flags)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u32 mode = BPF_CORE_READ(file, f_mode);
	__u64 pointer = (__u64)file, value;
	__u32 owner;

	if (!(mode & (FMODE_WRITE | FMODE_CREATED)) && !(open_flags & O_TRUNC))
		return;
	bpf_map_delete_elem(&written, &pointer);
	owner = memory_owner(file, inode);
	if (owner) {
		send_proc_mem(task, file, owner, key, call, flags);
		return;
	}
	/* O_TMPFILE has no name yet: it is reported when it gets one. */
	if (!is_regular(inode) || !BPF_CORE_READ(inode, i_nlink))
		return;
	if (mode & FMODE_CREATED)
		flags |= WIRE_CREATED;
	else if (open_flags & O_TRUNC)
		flags |= WIRE_TRUNCATED;
	else
		return;
	if (!is_file_wanted(file))
		return;
	if (flags & WIRE_TRUNCATED) {
		value = identity(inode);
		bpf_map_update_elem(&written, &pointer, &value, BPF_ANY);
	}
	send_file(task, file, key, call, flags);
}

/* Content of this file was changed: reported once for each open file. */
static __always_inline void on_written(struct task_struct *task, struct file *file, __u32 key,
				       __u32 call, __u32 flags)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u64 pointer = (__u64)file, value;
	__u64 *seen;
	__u32 owner;

	if (!is_regular(inode))
		return;
	value = identity(inode);
	seen = bpf_map_lookup_elem(&written, &pointer);
	if (seen && *seen == value)
		return;
	if (!BPF_CORE_READ(inode, i_nlink))
		return;
	if (bpf_map_update_elem(&written, &pointer, &value, BPF_ANY))
		count_loss(WIRE_LOSS_MAP);
	owner = memory_owner(file, inode);
	if (owner)
		send_proc_mem(task, file, owner, key, call, flags);
	else if (is_file_wanted(file))
		send_file(task, file, key, call, flags);
}

/* Where a path string starts: the directory behind `dfd`, or the working directory. An absolute
 * path needs none; the reader sees that from the string. */
static __always_inline void start_of(struct task_struct *task, int dfd, __u64 *mnt, __u64 *dentry)
{
	struct fs_struct *fs;
	struct file *file;

	if (dfd == AT_FDCWD) {
		fs = BPF_CORE_READ(task, fs);
		*mnt = (__u64)BPF_CORE_READ(fs, pwd.mnt);
		*dentry = (__u64)BPF_CORE_READ(fs, pwd.dentry);
	} else {
		file = file_of_fd(task, dfd);
		*mnt = (__u64)BPF_CORE_READ(file, f_path.mnt);
		*dentry = (__u64)BPF_CORE_READ(file, f_path.dentry);
	}
}

static __always_inline void add_start(struct scratch *s, struct task_struct *task, int dfd,
				      __u32 key, __u32 which)
{
	__u64 mnt, dentry;

	start_of(task, dfd, &mnt, &dentry);
	add_place(mnt, dentry, key, which);
}

/* Two strings one after the other, as they are kept from the start of a call to its end. */
#define STRINGS_SMALL 512
#define STRINGS_LARGE (2 * WIRE_PATH_BYTES)

struct strings_head {
	__u32 bytes;  /* of both, with their NULs */
	__u32 second; /* where the second starts; 0: there is none */
	__u32 call;
	__u32 failed; /* bit 0, 1: could not be read */
	__u64 slot;   /* io_uring: opens into its own file table, there plus one */
	int dfd0, dfd1;
	__u64 flags;
};

struct strings {
	struct strings_head head;
	char text[STRINGS_LARGE];
};

struct strings_small {
	struct strings_head head;
	char text[STRINGS_SMALL];
};

static __always_inline void add_strings(struct scratch *s, const struct strings_head *head,
					const char *text)
{
	if (head->failed & 1)
		s->record.failed |= 1u << WIRE_SPAN_TEXT0;
	else
		add_text(s, WIRE_SPAN_TEXT0, text, WIRE_PATH_BYTES, false);
	if (head->failed & 2)
		s->record.failed |= 1u << WIRE_SPAN_TEXT1;
	else if (head->second)
		add_text(s, WIRE_SPAN_TEXT1, text + head->second, WIRE_PATH_BYTES, false);
}

#endif
