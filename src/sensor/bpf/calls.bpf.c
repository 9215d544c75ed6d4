/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one program at sys_exit, where a call's result is known. A program per system call would cost
 * no less (any attached one puts every task on the slow path) and would not see 32-bit calls. It
 * runs for every system call of the host, so it decides from numbers alone whether anybody follows
 * the call, and leaves the rest to the program of the call's group.
 */
#include "sensor/bpf/call.h"
#include "sensor/bpf/task.h"

/* include/uapi/asm-generic/mman-common.h, linux/mman.h */
#define PROT_WRITE 0x2
#define PROT_EXEC 0x4
#define MAP_SHARED 0x1
#define MAP_ANONYMOUS 0x20

/* Of the mappings a process makes all but a few are private memory or read-only files. */
static __always_inline __u32 group_of_mapping(const struct call_site *at,
					      const volatile struct call_args *args)
{
	__u64 prot, flags;

	if (args->a < 0)
		return GROUP_PROCESS; /* its arguments are in the caller's memory */
	prot = argument(at, args->a);
	flags = argument(at, args->b);
	if (prot & PROT_EXEC)
		return GROUP_PROCESS;
	if ((prot & PROT_WRITE) && (flags & MAP_SHARED) && !(flags & MAP_ANONYMOUS))
		return GROUP_FILE;
	return GROUP_NONE;
}

/* DNS messages that connected sockets send and receive are small; most reads are of nothing, or of a
 * page and more. */
#define READ_BYTES_MIN 17

static __always_inline bool may_be_answer(long ret)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return ret >= READ_BYTES_MIN && ret <= WIRE_DNS_BYTES && (config.wanted & 1u << WIRE_DNS) &&
	       bpf_map_lookup_elem(&resolvers, &tgid);
}

static __always_inline __u32 group_of_network(__u8 how, long ret)
{
	if (!(config.wanted & (1u << WIRE_NETWORK | 1u << WIRE_DNS)))
		return GROUP_NONE;
	if (how == HOW_READ || how == HOW_READV)
		return may_be_answer(ret) ? GROUP_NETWORK : GROUP_NONE;
	if (has_failed(ret) && how != HOW_CONNECT && how != HOW_SOCKETCALL)
		return GROUP_NONE;
	return GROUP_NETWORK;
}

static __always_inline __u32 group_of(const struct call_site *at,
				      const volatile struct call_args *args, long ret)
{
	__u8 how = args->how;

	if (how >= HOW_CONNECT)
		return group_of_network(how, ret);
	if (has_failed(ret) && how != HOW_PATHS)
		return GROUP_NONE;
	if (how == HOW_MMAP)
		return group_of_mapping(at, args);
	return GROUP_FILE;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct call_site at = {.regs = regs};
	__u32 call, group;

	call = call_of(&at, regs->orig_ax);
	if (call == CALL_NONE || call >= CALL_COUNT)
		return 0;
	group = group_of(&at, &calls[call], ret);
	if (group == GROUP_NONE || pid_tgid >> 32 == config.self_tgid)
		return 0;
	if (!followed((void *)bpf_get_current_task(), pid_tgid >> 32))
		return 0;
	/* Comes back here only when the kernel did not take that group's program. */
	bpf_tail_call(ctx, &groups, group);
	if (calls[call].how == HOW_MMAP)
		bpf_tail_call(ctx, &groups, GROUP_FILE);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
