/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which followed call a task is in, and its arguments. One program is attached to sys_exit
 * (calls.bpf.c); it looks the number up, leaves at once for the many calls nobody follows, and
 * jumps to the program of the call's group (tail call), which is in an object of its own: what one
 * kernel's verifier refuses costs that group alone.
 */
#ifndef LINTEL_SENSOR_BPF_CALL_H
#define LINTEL_SENSOR_BPF_CALL_H

#include "sensor/bpf/common.h"

struct call_args {
	__u8 how;
	__u8 what;
	signed char a, b, c, d, flags;
};

static const volatile struct call_args calls[CALL_COUNT] = {
#define CALL(id, name, nr64, nr32, how_, what_, a_, b_, c_, d_, flags_) \
	[CALL_##id] = {HOW_##how_, WHAT_##what_, a_, b_, c_, d_, flags_},
#include "sensor/calls.def"
#undef CALL
};

/* arch/x86/include/asm/thread_info.h: the call came through the 32-bit entry */
#define TS_COMPAT 0x2
#define X32_SYSCALL_BIT 0x40000000
#define NUMBERS 560

/* Calls without a number in one of the tables all go to its last entry, which is then cleared. */
#pragma clang diagnostic ignored "-Winitializer-overrides"

static const volatile __u8 native_call[NUMBERS + 1] = {
#define CALL(id, name, nr64, nr32, how, what, a, b, c, d, flags) \
	[nr64 < 0 ? NUMBERS : nr64] = CALL_##id,
#include "sensor/calls.def"
#undef CALL
    [NUMBERS] = CALL_NONE,
};

static const volatile __u8 compat_call[NUMBERS + 1] = {
#define CALL(id, name, nr64, nr32, how, what, a, b, c, d, flags) \
	[nr32 < 0 ? NUMBERS : nr32] = CALL_##id,
#include "sensor/calls.def"
#undef CALL
    [NUMBERS] = CALL_NONE,
};

struct call_site {
	struct pt_regs *regs;
	bool compat;
};

static __always_inline __u64 argument(const struct call_site *at, int n)
{
	struct pt_regs *regs = at->regs;

	if (at->compat) {
		switch (n) {
		case 0:
			return (__u32)regs->bx;
		case 1:
			return (__u32)regs->cx;
		case 2:
			return (__u32)regs->dx;
		case 3:
			return (__u32)regs->si;
		default:
			return (__u32)regs->di;
		}
	}
	switch (n) {
	case 0:
		return regs->di;
	case 1:
		return regs->si;
	case 2:
		return regs->dx;
	case 3:
		return regs->r10;
	default:
		return regs->r8;
	}
}

/* Which followed call this is, CALL_NONE for the rest: two table reads for every system call of
 * the host, so nothing else comes before. */
static __always_inline __u32 call_of(struct call_site *at, __u64 number)
{
	struct task_struct *task;
	__u32 native, compat;

	number &= ~(__u64)X32_SYSCALL_BIT;
	if (number >= NUMBERS)
		return CALL_NONE;
	native = native_call[number];
	compat = compat_call[number];
	if (!(native | compat))
		return CALL_NONE;
	task = (void *)bpf_get_current_task();
	at->compat = BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
	return at->compat ? compat : native;
}

/* The programs behind the one at sys_exit, by enum call_group; one map for all objects, filled by
 * the loader with what this kernel took. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, GROUP_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} groups SEC(".maps");

/* Processes (thread groups) that connected a socket to a name server: the only ones whose reads may
 * be of answers. Reads are too many to look at each one's file. Shared as `groups` is. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} resolvers SEC(".maps");

/* Did the call fail? mmap's addresses are above the range of error numbers, not below zero. */
static __always_inline bool has_failed(long ret)
{
	return ret < 0 && ret >= -4095;
}

#endif
