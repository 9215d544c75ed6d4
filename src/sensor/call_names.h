/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of system calls as text. No system calls, no libbpf. */
#ifndef LINTEL_SENSOR_CALL_NAMES_H
#define LINTEL_SENSOR_CALL_NAMES_H

#include "base/arena.h"

/* A bit, or a number, and its name. */
struct call_name {
	uint64_t bits;
	const char *name;
};

/* Zero-terminated tables. */
extern const struct call_name namespace_names[];  /* CLONE_NEW*: "mnt", "net", ... */
extern const struct call_name protection_names[]; /* PROT_READ, ... */
extern const struct call_name taint_names[];      /* of a module, the kernel's letters */

/* PTRACE_ATTACH, ...; "0x4207" where there is no name. */
struct str ptrace_request_name(uint32_t request, struct arena *arena);
/* "kprobe", "xdp", ...; the number where there is no name. */
struct str bpf_type_name(uint32_t type, struct arena *arena);
/* "rwx", as /proc/PID/maps has it. */
struct str protection_text(uint32_t protection);

#endif
