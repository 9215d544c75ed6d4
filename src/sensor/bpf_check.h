/* SPDX-License-Identifier: Apache-2.0 */
/* A hook counts as present when it has fired, not when it could be attached: 5.10's BPF LSM
 * attaches and never does. */
#ifndef LINTEL_SENSOR_BPF_CHECK_H
#define LINTEL_SENSOR_BPF_CHECK_H

struct bpf_program;

struct bpf_check {
	const struct bpf_program *program;
	const char *name; /* of the hook */
	const char *lost; /* what is not seen when it does not fire */
};

/* Do something harmless that must make each of the programs run, and warn of those that did not.
 * Returns how many, 0 also where the kernel does not count runs (before 5.8). */
int bpf_check_fired(const struct bpf_check *checks, int count);

#endif
