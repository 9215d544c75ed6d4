/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/call_names.h"

/* include/uapi/linux/sched.h */
const struct call_name namespace_names[] = {
    {0x00000080, "time"}, {0x00020000, "mnt"}, {0x02000000, "cgroup"},
    {0x04000000, "uts"},  {0x08000000, "ipc"}, {0x10000000, "user"},
    {0x20000000, "pid"},  {0x40000000, "net"}, {0},
};

const struct call_name protection_names[] = {
    {0x1, "PROT_READ"},
    {0x2, "PROT_WRITE"},
    {0x4, "PROT_EXEC"},
    {0},
};

/* include/linux/panic.h, kernel/panic.c: those that a module can have */
const struct call_name taint_names[] = {
    {1u << 0, "P"},  {1u << 1, "F"},  {1u << 10, "C"}, {1u << 12, "O"}, {1u << 13, "E"},
    {1u << 15, "K"}, {1u << 16, "X"}, {1u << 17, "T"}, {1u << 18, "N"}, {0},
};

/* include/uapi/linux/ptrace.h, arch/x86/include/uapi/asm/ptrace-abi.h */
static const struct {
	uint32_t request;
	const char *name;
} requests[] = {
    {0, "PTRACE_TRACEME"},
    {1, "PTRACE_PEEKTEXT"},
    {2, "PTRACE_PEEKDATA"},
    {3, "PTRACE_PEEKUSER"},
    {4, "PTRACE_POKETEXT"},
    {5, "PTRACE_POKEDATA"},
    {6, "PTRACE_POKEUSER"},
    {7, "PTRACE_CONT"},
    {8, "PTRACE_KILL"},
    {9, "PTRACE_SINGLESTEP"},
    {12, "PTRACE_GETREGS"},
    {13, "PTRACE_SETREGS"},
    {14, "PTRACE_GETFPREGS"},
    {15, "PTRACE_SETFPREGS"},
    {16, "PTRACE_ATTACH"},
    {17, "PTRACE_DETACH"},
    {18, "PTRACE_GETFPXREGS"},
    {19, "PTRACE_SETFPXREGS"},
    {24, "PTRACE_SYSCALL"},
    {0x4200, "PTRACE_SETOPTIONS"},
    {0x4204, "PTRACE_GETREGSET"},
    {0x4205, "PTRACE_SETREGSET"},
    {0x4206, "PTRACE_SEIZE"},
    {0x4207, "PTRACE_INTERRUPT"},
    {0x4212, "PTRACE_SET_SYSCALL_INFO"},
};

/* enum bpf_prog_type, include/uapi/linux/bpf.h, in its order */
static const char *const bpf_types[] = {
    "unspec",
    "socket_filter",
    "kprobe",
    "sched_cls",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "tracing",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
};

struct str ptrace_request_name(uint32_t request, struct arena *arena)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i].request == request)
			return str_from(requests[i].name);
	return arena_printf(arena, "0x%x", request);
}

struct str bpf_type_name(uint32_t type, struct arena *arena)
{
	if (type < sizeof(bpf_types) / sizeof(bpf_types[0]))
		return str_from(bpf_types[type]);
	return arena_printf(arena, "%u", type);
}

struct str protection_text(uint32_t protection)
{
	static const char *const texts[8] = {"---", "r--", "-w-", "rw-",
					     "--x", "r-x", "-wx", "rwx"};

	return str_from(texts[protection & 7]);
}
