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

/* Which keys there can be, as a bitmap over a hash of them: nearly all names of a host are told
 * apart from those rules name without a look into the map. */
#define DEMAND_BITS 65536u

static inline __u32 demand_hash(const struct demand_key *key)
{
	/* odd, so that multiplying loses nothing; any would do */
	__u64 h = key->words[0] * 0x9e3779b97f4a7c15u ^ key->words[1] * 0xc2b2ae3d27d4eb4fu ^
		  key->words[2] * 0x165667b19e3779f9u ^ key->words[3] * 0xd6e8feb86659fd93u;

	h ^= h >> 32;
	return (h * 0x9e3779b97f4a7c15u) >> 48;
}

/* What is known of a thread group, bits of the map `programs`. */
#define PROGRAM_WANTED 1 /* DEMAND_PROGRAM and its like: all its changes are wanted */
#define PROGRAM_ARMS 2   /* DEMAND_ARMS */

#endif
