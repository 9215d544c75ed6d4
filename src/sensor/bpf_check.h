/* SPDX-License-Identifier: Apache-2.0 */
/* A hook counts as present when it has fired, not when it could be attached: 5.10's BPF LSM
 * attaches and never does. */
#ifndef LINTEL_SENSOR_BPF_CHECK_H
#define LINTEL_SENSOR_BPF_CHECK_H

#include "sensor/probe.h"

struct bpf_program;

struct bpf_check {
	const struct bpf_program *program; /* NULL: not loaded */
	enum hook_id hook;
	enum hook_state state; /* found out */
};

/* Do something harmless that must make each of the programs run, and say in `state` which did; warn of
 * those that did not. Where the kernel does not count runs (before 5.8) they are HOOK_UNCHECKED. */
void bpf_check_fired(struct bpf_check *checks, int count);
/* Execute a program that does nothing; did `program` run? HOOK_UNCHECKED when that cannot be told. */
enum hook_state bpf_check_exec(const struct bpf_program *program);

#endif
