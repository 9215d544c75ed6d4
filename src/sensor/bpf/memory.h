/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls that change memory, the caller's own and other processes'. */
#ifndef LINTEL_SENSOR_BPF_MEMORY_H
#define LINTEL_SENSOR_BPF_MEMORY_H

#include "sensor/bpf/files.h"

enum {
	SLOT_CALL,
};

/* include/uapi/asm-generic/mman-common.h, linux/mman.h */
#define PROT_WRITE 0x2
#define PROT_EXEC 0x4
#define MAP_SHARED 0x1
#define MAP_ANONYMOUS 0x20

/* include/uapi/linux/ptrace.h: what takes hold of a process or changes it; not what a debugger does
 * a thousand times a second to look and to go on. */
#define PTRACE_TRACEME 0
#define PTRACE_REQUESTS_LOW                                                          \
	(1u << PTRACE_TRACEME | 1u << 4 /* POKETEXT */ | 1u << 5 /* POKEDATA */ |    \
	 1u << 6 /* POKEUSR */ | 1u << 13 /* SETREGS */ | 1u << 15 /* SETFPREGS */ | \
	 1u << 16 /* ATTACH */ | 1u << 19 /* SETFPXREGS, 32-bit */)
#define PTRACE_HIGH 0x4200
#define PTRACE_REQUESTS_HIGH \
	(1u << 0x5 /* SETREGSET */ | 1u << 0x6 /* SEIZE */ | 1u << 0x12 /* SET_SYSCALL_INFO */)

/* Tracees looked at for the one that is meant. The newest comes first. */
#define TRACEES_MAX 32

/* (program, library) pairs that have been reported. Who the files are goes with their change time:
 * a library overwritten in place is another one. */
struct library_key {
	__u64 program, library, changed_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct library_key);
	__type(value, __u8);
} libraries SEC(".maps");

/* A record of the acting process, its detail cleared. */
static __always_inline struct scratch *begin(const struct call_site *at, enum wire_kind kind,
					     __u32 call)
{
	__u32 key = scratch_key(SLOT_CALL);
	struct scratch *s = wanted(kind) ? record_start(key, kind, call) : 0;

	if (!s)
		return 0;
	if (at->compat)
		s->record.flags |= WIRE_COMPAT;
	add_detail(s, sizeof(struct wire_detail));
	fill_actor((__u64)bpf_get_current_task(), key);
	return s;
}

static __always_inline struct wire_detail *detail_of(struct scratch *s)
{
	return (void *)s->tail;
}

static __always_inline void add_file(struct scratch *s, struct file *file)
{
	fill_inode(&s->record.inode, BPF_CORE_READ(file, f_inode));
	add_place((__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry),
		  scratch_key(SLOT_CALL), WIRE_SPAN_PLACE0);
}

/* ---- memory */

struct mapping {
	__u64 address, length, prot, flags;
	struct file *file; /* NULL: of nothing */
};

static __always_inline bool read_mapping(const struct call_site *at, __u32 call, __u64 address,
					 struct task_struct *task, struct mapping *m)
{
	__u32 old[6] = {}; /* addr, len, prot, flags, fd, offset */
	__u64 fd;

	m->address = address;
	if (call == CALL_MMAP_OLD) {
		if (bpf_probe_read_user(old, sizeof(old), (void *)argument(at, 0)))
			return false;
		m->length = old[1];
		m->prot = old[2];
		m->flags = old[3];
		fd = old[4];
	} else {
		m->length = argument(at, 1);
		m->prot = argument(at, 2);
		m->flags = argument(at, 3);
		fd = argument(at, 4);
	}
	m->file = m->flags & MAP_ANONYMOUS ? 0 : file_of_fd(task, fd);
	return true;
}

static __always_inline void send_mapping(const struct call_site *at, enum wire_kind kind,
					 __u32 call, const struct mapping *m)
{
	struct scratch *s = begin(at, kind, call);
	struct wire_detail *detail;

	if (!s)
		return;
	detail = detail_of(s);
	detail->address = m->address;
	detail->length = m->length;
	detail->protection = m->prot;
	detail->flags = m->flags;
	if (m->file)
		add_file(s, m->file);
	record_send(s, kind == WIRE_LIBRARY);
}

/* Is it the first time that this program maps this file? */
static __always_inline bool is_new_library(struct task_struct *task, struct inode *inode)
{
	struct inode *program = BPF_CORE_READ(task, mm, exe_file, f_inode);
	struct library_key key = {};
	__u8 one = 1;

	/* Files without a name are few, and always worth telling. */
	if (!BPF_CORE_READ(inode, i_nlink))
		return true;
	key.program = program ? identity(program) : 0;
	key.library = identity(inode);
	key.changed_ns = change_time(inode);
	if (bpf_map_lookup_elem(&libraries, &key)) {
		count_loss(WIRE_LIBRARY_SEEN);
		return false;
	}
	bpf_map_update_elem(&libraries, &key, &one, BPF_ANY);
	return true;
}

static __noinline int on_mapping(struct call_site *at, __u32 call, __u64 address)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mapping m = {};
	struct inode *inode;
	struct file *file;

	if (!read_mapping(at, call, address, task, &m) || !(m.prot & PROT_EXEC))
		return 0;
	file = m.file;
	inode = file ? BPF_CORE_READ(file, f_inode) : 0;
	if (inode && is_regular(inode) && wanted(WIRE_LIBRARY) && is_new_library(task, inode))
		send_mapping(at, WIRE_LIBRARY, call, &m);
	if (!inode || !is_regular(inode) || (m.prot & PROT_WRITE))
		send_mapping(at, WIRE_MAP, call, &m);
	return 0;
}

static __always_inline __u32 region_of(struct task_struct *task, __u64 address, __u64 length)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 vdso = (__u64)BPF_CORE_READ(mm, context.vdso);
	__u64 stack = BPF_CORE_READ(mm, start_stack);
	/* fs/exec.c: the stack is mapped with this much below its start at least */
	const __u64 below = 128 << 10;

	if (address < BPF_CORE_READ(mm, brk) && address + length > BPF_CORE_READ(mm, start_brk))
		return WIRE_REGION_HEAP;
	if (address <= stack && address + length + below > stack)
		return WIRE_REGION_STACK;
	/* the vdso is two pages or less */
	if (vdso && address < vdso + 8192 && address + length > vdso)
		return WIRE_REGION_VDSO;
	return WIRE_REGION_OTHER;
}

static __noinline int on_protect(struct call_site *at, __u32 call)
{
	struct scratch *s = begin(at, WIRE_PROTECT, call);
	struct wire_detail *detail;

	if (!s)
		return 0;
	detail = detail_of(s);
	detail->address = argument(at, 0);
	detail->length = argument(at, 1);
	detail->protection = argument(at, 2);
	detail->region = region_of((void *)bpf_get_current_task(), detail->address, detail->length);
	record_send(s, false);
	return 0;
}

static __noinline int on_memfd(struct call_site *at, __u32 call, long fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct file *file = file_of_fd(task, fd);
	struct scratch *s = begin(at, WIRE_MEMFD, call);

	if (!s)
		return 0;
	detail_of(s)->flags = argument(at, 1);
	if (file) /* the kernel's own copy of the name */
		add_text(s, WIRE_SPAN_TEXT0, BPF_CORE_READ(file, f_path.dentry, d_name.name),
			 WIRE_NAME_BYTES, false);
	record_send(s, false);
	return 0;
}

/* ---- other processes */

static __always_inline bool is_told(__u64 request)
{
	if (request < 32)
		return PTRACE_REQUESTS_LOW >> request & 1;
	if (request >= PTRACE_HIGH && request < PTRACE_HIGH + 32)
		return PTRACE_REQUESTS_HIGH >> (request - PTRACE_HIGH) & 1;
	return false;
}

static __always_inline void fill_target(struct wire_detail *detail, struct task_struct *target)
{
	detail->target_pid = BPF_CORE_READ(target, tgid);
	detail->target_start_boot_ns = BPF_CORE_READ(target, group_leader, start_boottime);
}

/* A task's number in its own pid namespace's view from `level`. */
static __always_inline int number_at(struct task_struct *task, __u32 level)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid upid = {};

	if (level > BPF_CORE_READ(pid, level))
		return 0;
	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				  level * sizeof(upid));
	return upid.nr;
}

/* The tracee that the caller calls `number`: only its own tracees can be meant. */
static __always_inline void find_tracee(struct wire_detail *detail, struct task_struct *tracer,
					int number)
{
	const __u64 entry = bpf_core_field_offset(struct task_struct, ptrace_entry);
	__u64 head = (__u64)tracer + bpf_core_field_offset(struct task_struct, ptraced);
	__u64 at = (__u64)BPF_CORE_READ(tracer, ptraced.next);
	__u32 level = BPF_CORE_READ(tracer, thread_pid, level);
	struct task_struct *tracee;

	if (level > 32) /* MAX_PID_NS_LEVEL */
		return;
	for (int i = 0; i < TRACEES_MAX; i++) {
		if (at == head || !at)
			return;
		tracee = (void *)(at - entry);
		if (number_at(tracee, level) == number) {
			fill_target(detail, tracee);
			return;
		}
		at = (__u64)BPF_CORE_READ(tracee, ptrace_entry.next);
	}
}

static __noinline int on_ptrace(struct call_site *at, __u32 call)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 request = argument(at, 0);
	struct wire_detail *detail;
	struct scratch *s;

	if (!is_told(request))
		return 0;
	s = begin(at, WIRE_PTRACE, call);
	if (!s)
		return 0;
	detail = detail_of(s);
	detail->request = request;
	if (request == PTRACE_TRACEME) {
		fill_target(detail, BPF_CORE_READ(task, real_parent));
	} else {
		detail->requested_pid = argument(at, 1);
		detail->address = argument(at, 2);
		detail->data = argument(at, 3);
		find_tracee(detail, task, detail->requested_pid);
	}
	record_send(s, false);
	return 0;
}

static __noinline int on_vm(struct call_site *at, __u32 call, long moved)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level), number = argument(at, 0);
	struct wire_detail *detail;
	struct scratch *s;

	if (level > 32)
		level = 0;
	/* Runtimes probe their own memory this way, thousands of times. */
	if (number == number_at(task, level) ||
	    number == number_at(BPF_CORE_READ(task, group_leader), level))
		return 0;
	s = begin(at, WIRE_VM, call);
	if (!s)
		return 0;
	detail = detail_of(s);
	detail->requested_pid = number;
	detail->length = moved;
	if (!level)
		detail->target_pid = number;
	record_send(s, true);
	return 0;
}

#endif
