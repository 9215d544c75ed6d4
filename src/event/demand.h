/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which changes to files anybody asks for, told by parts of the file's path and by who acts: what
 * rules name, and what the kernel side looks up before it sends an event. Compiled by both sides.
 *
 * The parts are necessary, not sufficient: a change that none of them fits can match no rule; one
 * that fits may still match none.
 */
#ifndef LINTEL_EVENT_DEMAND_H
#define LINTEL_EVENT_DEMAND_H

enum demand_kind {
	DEMAND_NAME = 1,        /* the last name of the path */
	DEMAND_NAME_START,      /* the first DEMAND_START_BYTES bytes of it */
	DEMAND_EXTENSION,       /* what follows its last dot */
	DEMAND_DIRECTORY,       /* the name of a directory anywhere on the way to it */
	DEMAND_DIRECTORY_START, /* the first bytes of such a name */
	DEMAND_PROGRAM,         /* the acting process's name; all it does is wanted */
	DEMAND_PROGRAM_START,   /* the first bytes of it, or one fewer */
	DEMAND_PROGRAM_PART,    /* DEMAND_START_BYTES bytes somewhere in it */
	DEMAND_PROGRAM_PATH,    /* the first bytes of the path given to execve */
	DEMAND_ARMS, /* a process's name; when it has started another one, all is wanted */
	DEMAND_KIND_COUNT
};

#define DEMAND_START_BYTES 4
/* Names are cut to this, so that a key is 32 bytes; two that begin alike are then one. */
#define DEMAND_TEXT_BYTES 31
/* A process's name is what the kernel keeps of it: TASK_COMM_LEN (include/linux/sched.h) less NUL.
 */
#define DEMAND_PROGRAM_BYTES 15

/* Longer extensions are not asked for by themselves. */
#define DEMAND_EXTENSION_BYTES 15

#ifndef __bpf__

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct demand {
	enum demand_kind kind;
	struct str text; /* in lower case, at most as long as the kind is compared */
};

struct file_demand {
	bool all;         /* every change to a file is asked for */
	struct str asker; /* by this rule, or whatever else; empty: by none */
	const struct demand *items;
	uint32_t count;
	uint64_t armed_ns; /* how long after DEMAND_ARMS */
};

#endif

#endif
