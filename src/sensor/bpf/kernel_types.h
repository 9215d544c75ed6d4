/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types the programs read, with only the members they read. Offsets here mean nothing:
 * preserve_access_index makes the compiler record each access by name, and libbpf puts in the
 * running kernel's offsets when it loads the program. So a build needs no kernel BTF, and members
 * may be added in any order. A name followed by ___ and a tag is another version of the same type.
 */
#ifndef LINTEL_SENSOR_BPF_KERNEL_TYPES_H
#define LINTEL_SENSOR_BPF_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <linux/types.h>

typedef _Bool bool;

enum {
	false = 0,
	true = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kuid {
	__u32 val;
};

struct kernel_cap {
	__u64 val; /* two __u32 before 6.3; the same eight bytes */
};

struct cred {
	struct kuid uid, gid, suid, sgid, euid, egid;
	struct kernel_cap cap_permitted, cap_effective;
};

struct proc_ns_operations {
	int type; /* until 6.17 */
};

struct ns_common {
	__u32 inum;
	__u32 ns_type; /* since 6.18 */
	const struct proc_ns_operations *ops;
};

struct pid_namespace {
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	__u32 level;
	struct upid numbers[1];
};

struct qstr {
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	__u16 i_mode;
	struct kuid i_uid, i_gid;
	unsigned long i_ino;
	__u32 i_nlink, i_generation;
	long long i_size;
	struct super_block *i_sb;
	void *i_private;
};

/* Where the change time is: 6.11, 6.6, and before. */
struct inode___split {
	long long i_ctime_sec;
	__u32 i_ctime_nsec;
};

struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};

struct inode___hidden {
	struct timespec64 __i_ctime;
};

struct inode___plain {
	struct timespec64 i_ctime;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	int mnt_id;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	__u32 f_mode;
	__u32 f_flags;
	void *private_data; /* of a socket: struct socket */
};

struct in6_addr {
	__u8 in6_u[16];
};

struct sock_common {
	__u32 skc_daddr, skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr; /* with CONFIG_IPV6 */
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol; /* a bit field before 5.6 */
};

struct inet_sock {
	__u16 inet_sport;
};

struct tcp_sock {
	__u64 bytes_received, bytes_sent, bytes_retrans;
};

struct socket {
	struct sock *sk;
};

/* fs/proc */
struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

/* fs/overlayfs; in a module's BTF where overlayfs is a module. */
struct ovl_inode {
	struct inode vfs_inode;
	struct dentry *__upperdentry;
};

struct fdtable {
	__u32 max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

/* arch/x86 */
typedef struct {
	void *vdso;
} mm_context_t;

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long start_brk, brk, start_stack;
	mm_context_t context;
	struct file *exe_file;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct kernfs_node {
	const char *name;
	struct kernfs_node *parent;
	__u64 id;
};

/* 6.15 renamed the member when it came under RCU. */
struct kernfs_node___rcu {
	struct kernfs_node *__parent;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

enum cgroup_subsys_id {
	memory_cgrp_id,
	pids_cgrp_id,
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	int index;
	struct tty_driver *driver;
};

typedef struct {
	int counter;
} atomic_t;

struct kernel_siginfo {
	int si_code;
};

struct signal_struct {
	atomic_t live;
	int nr_threads;
	int group_exit_code;
	__u32 flags;
	struct pid *pids[4];
	struct tty_struct *tty;
};

struct list_head {
	struct list_head *next;
};

struct thread_info {
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	void *worker_private; /* since 5.17; of an io_uring's worker: struct io_worker */
	int pid, tgid;
	int exit_code;
	__u64 start_boottime;
	struct task_struct *real_parent, *group_leader;
	const struct cred *cred;
	struct kuid loginuid;
	__u32 sessionid;
	struct signal_struct *signal;
	struct files_struct *files;
	struct fs_struct *fs;
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	struct pid *thread_pid;
	struct list_head ptraced, ptrace_entry;
	char comm[16];
};

struct linux_binprm {
	struct file *file;
	int argc;
	const char *filename, *interp;
};

struct pt_regs {
	unsigned long r10, r9, r8, ax, cx, dx, si, di, bp, bx, orig_ax;
};

struct filename {
	const char *name;
};

struct io_uring_cqe {
	__s32 res;
};

struct io_cqe {
	int fd;
};

struct io_wq_work {
	int cancel_seq;
};

struct io_worker {
	struct io_wq_work *cur_work;
};

struct io_kiocb {
	struct file *file;
	struct io_wq_work work;
	__u8 opcode;
	struct io_cqe cqe; /* since 5.19 */
	__u64 flags;       /* 32 bits wide before 6.10 */
};

struct open_how {
	__u64 flags;
};

struct io_open {
	int dfd;
	__u32 file_slot;
	struct filename *filename;
	struct open_how how;
};

struct io_connect {
	void *addr;
};

struct io_sr_msg {
	void *buf; /* in a union with the struct msghdr's address */
	unsigned int msg_flags;
};

struct io_rename {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

struct io_link {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

struct io_unlink {
	int dfd, flags;
	struct filename *filename;
};

struct io_xattr {
	struct filename *filename;
};

/* Some time between 6.18 and 7.2 the operations' names were wrapped in a struct of their own. */
struct delayed_filename {
	struct filename *__incomplete_filename;
};

struct io_open___delayed {
	struct delayed_filename filename;
};

struct io_rename___delayed {
	struct delayed_filename oldpath, newpath;
};

struct io_link___delayed {
	struct delayed_filename oldpath, newpath;
};

struct io_unlink___delayed {
	struct delayed_filename filename;
};

struct io_xattr___delayed {
	struct delayed_filename filename;
};

struct module {
	char name[56];
	const char *version, *srcversion;
	unsigned long taints;
};

struct bpf_prog_aux {
	__u32 id;
	char name[16];
};

struct bpf_prog {
	enum bpf_prog_type type;
	struct bpf_prog_aux *aux;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
