/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Least privilege: what a watch gives up once everything is attached and open. Each step is tried by
 * itself; what this kernel does not give is said. docs/security.md explains each.
 */
#ifndef LINTEL_GUARD_GUARD_H
#define LINTEL_GUARD_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whom to become; name NULL: stay who we are. */
struct guard_user {
	const char *name;
	uid_t uid;
	gid_t gid;
};

struct guard_options {
	struct guard_user user;
	/* Other processes are looked at through /proc (the sensor): it takes CAP_SYS_PTRACE, and
	 * rules Landlock out. */
	bool reads_processes;
	/* Directories below which files are made, replaced and removed; NULL-terminated. The first is
	 * the state directory, which must be writable for whom we become; the outputs are open. */
	const char *const *writable;
};

/* Find the user by name. 0; -ENOENT when there is none, with a message. */
int guard_find_user(const char *name, struct guard_user *user) __attribute__((warn_unused_result));

/* Give up what is not needed any more; cannot be undone. For the calling process while it has one
 * thread. One line says what holds then. Returns 0, or -errno with a message when a capability, the
 * user or the list of system calls could not be set: going on with more than was asked for would be
 * a lie. Landlock and locked memory are best effort. */
int guard_enter(const struct guard_options *options) __attribute__((warn_unused_result));

/* Say the system calls that were refused since the last call, each once, and count them. */
void guard_report(void);

/* The capabilities that are kept, for people: one a line with why. */
struct guard_capability {
	int number; /* CAP_* */
	const char *name, *why, *call;
	bool processes_only;    /* only with reads_processes */
	uint32_t until_version; /* not needed from this kernel on, KERNEL_VERSION(); 0: always */
};
/* Terminated by a NULL name. */
extern const struct guard_capability guard_capabilities[];

#endif
