/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Signals that somebody sends to lintel: signal_generate fires in the sender, when the kernel has
 * found that it may send and before the target runs again, so the record of a SIGKILL is in the ring
 * although nobody may be left to read it (what is then done: docs/security.md).
 */
#include "sensor/bpf/task.h"

/* include/linux/sched/signal.h: SEND_SIG_NOINFO is 0 (a process sent it), SEND_SIG_PRIV 1 (the kernel
 * did: terminal, out of memory) */
#define SEND_SIG_PRIV 1ul

/* Only codes up to 0 are of processes: SI_USER, SI_QUEUE, SI_TKILL (asm-generic/siginfo.h). */
static __always_inline bool is_from_process(struct kernel_siginfo *info, int *code)
{
	*code = 0;
	if (!info)
		return true;
	if ((unsigned long)info <= SEND_SIG_PRIV)
		return false;
	*code = BPF_CORE_READ(info, si_code);
	return *code <= 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info, struct task_struct *task)
{
	__u64 target = plain_argument(ctx, 2);
	struct kernel_siginfo *from = (void *)plain_argument(ctx, 1);
	struct task_struct *sender = (void *)bpf_get_current_task();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 key = scratch_key(0);
	struct scratch *s;
	int code;

	if (BPF_CORE_READ((struct task_struct *)target, tgid) != config.self_tgid ||
	    tgid == config.self_tgid || !is_from_process(from, &code) || !followed(sender, tgid))
		return 0;
	s = record_start(key, WIRE_SIGNAL, CALL_NONE);
	if (!s)
		return 0;
	fill_actor((__u64)sender, key);
	fill_cgroup((__u64)sender, key);
	s->record.value = (__u32)sig;
	record_send(s, false);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
