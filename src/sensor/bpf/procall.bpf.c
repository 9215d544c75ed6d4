/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System calls by which a process changes itself, other processes' memory, or the kernel: the
 * program behind calls.bpf.c for GROUP_PROCESS. Mappings and mounts concern GROUP_FILE too and go on
 * to its program.
 */
#include "sensor/bpf/ids.h"
#include "sensor/bpf/memory.h"
#include "sensor/bpf/system.h"

static __noinline int on_ids(struct call_site *at, __u32 call, enum wire_kind kind)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 tid = bpf_get_current_pid_tgid();
	struct wire_ids now = {}, *before = bpf_map_lookup_elem(&ids_before, &tid);
	struct wire_ids *sent;
	struct scratch *s;

	read_ids(&now, task);
	if (before && !__builtin_memcmp(before, &now, sizeof(now)))
		goto out;
	s = begin(at, kind, call);
	if (!s)
		goto out;
	sent = add_detail(s, sizeof(*sent));
	if (before)
		*sent = *before;
	record_send(s, false);
out:
	bpf_map_delete_elem(&ids_before, &tid);
	return 0;
}

static __always_inline void dispatch(struct call_site *at, __u32 call, long ret)
{
	switch (calls[call].how) {
	case HOW_MMAP:
		on_mapping(at, call, ret);
		return;
	case HOW_PROTECT:
		on_protect(at, call);
		return;
	case HOW_MEMFD:
		on_memfd(at, call, ret);
		return;
	case HOW_PTRACE:
		on_ptrace(at, call);
		return;
	case HOW_VM:
		on_vm(at, call, ret);
		return;
	case HOW_IDS:
		on_ids(at, call, WIRE_IDS);
		return;
	case HOW_SESSION:
		on_ids(at, call, WIRE_SESSION);
		return;
	case HOW_CAPABILITIES:
		on_ids(at, call, WIRE_CAPABILITIES);
		return;
	case HOW_MODULE:
		on_module(at, call, ret);
		return;
	case HOW_UNLOAD:
		on_unload(at, call);
		return;
	case HOW_BPF:
		on_bpf(at, call, ret);
		return;
	}
	if (call == CALL_UNSHARE || call == CALL_SETNS)
		on_namespace(at, call);
	else if (call != CALL_CHROOT && call != CALL_PIVOT_ROOT && call != CALL_MOUNT_SETATTR)
		on_mount(at, call);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_process_call, struct pt_regs *regs, long ret)
{
	struct call_site at = {.regs = regs};
	__u32 call = call_of(&at, regs->orig_ax);
	__u8 how;

	if (call == CALL_NONE || call >= CALL_COUNT)
		return 0;
	dispatch(&at, call, ret);
	how = calls[call].how;
	if (how == HOW_MMAP || how == HOW_MOUNTS)
		bpf_tail_call(ctx, &groups, GROUP_FILE);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
