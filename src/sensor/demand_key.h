/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A struct demand as the kernel side looks it up. Compiled by both sides. */
#ifndef LINTEL_SENSOR_DEMAND_KEY_H
#define LINTEL_SENSOR_DEMAND_KEY_H

#include <linux/types.h>

#include "event/demand.h"

struct demand_key {
	union {
		struct {
			char text[DEMAND_TEXT_BYTES]; /* NUL to the end */
			__u8 kind;                    /* enum demand_kind */
		};
		__u64 words[4];
	};
};

_Static_assert(sizeof(struct demand_key) == 32, "a key has no holes");

/* What is known of a thread group, bits of the map `programs`. */
#define PROGRAM_WANTED 1 /* DEMAND_PROGRAM and its like: all its changes are wanted */
#define PROGRAM_ARMS 2   /* DEMAND_ARMS */

#endif
