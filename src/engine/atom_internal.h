/* SPDX-License-Identifier: Apache-2.0 */
/* A piece of a pattern that a value must have, and who wants to know. */
#ifndef LINTEL_ENGINE_ATOM_INTERNAL_H
#define LINTEL_ENGINE_ATOM_INTERNAL_H

#include "base/arena.h"

struct atom {
	struct str bytes; /* not empty */
	uint32_t id;      /* reported */
};

/* Eight ASCII bytes to lower case at once: 0x80 is set in every byte that is 'A' to 'Z', and a
 * quarter of that is the bit the cases differ by. */
static inline uint64_t lower64(uint64_t n)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t low = n & (0x7f * ones);
	uint64_t upper =
	    (low + (0x80 - 'A') * ones) & ~(low + (0x80 - 'Z' - 1) * ones) & ~n & (0x80 * ones);

	return n | upper >> 2;
}

#endif
