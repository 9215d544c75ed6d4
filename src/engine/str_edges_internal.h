/* SPDX-License-Identifier: Apache-2.0 */
/* The first and last eight bytes of a string as numbers: together with its length they tell all
 * strings of up to 16 bytes apart, without a call or a loop. */
#ifndef LINTEL_ENGINE_STR_EDGES_INTERNAL_H
#define LINTEL_ENGINE_STR_EDGES_INTERNAL_H

#include "base/str.h"

struct str_edges {
	uint64_t head, tail; /* up to 8 bytes tail is 0 and head has them all */
};

static inline struct str_edges str_edges(struct str s)
{
	struct str_edges e = {0, 0};
	uint32_t low, high;

	if (s.len > 8) {
		memcpy(&e.head, s.p, 8);
		memcpy(&e.tail, s.p + s.len - 8, 8);
	} else if (s.len >= 4) {
		memcpy(&low, s.p, 4);
		memcpy(&high, s.p + s.len - 4, 4);
		e.head = low | (uint64_t)high << 32;
	} else if (s.len) {
		e.head = (uint64_t)(unsigned char)s.p[0] |
			 (uint64_t)(unsigned char)s.p[s.len / 2] << 8 |
			 (uint64_t)(unsigned char)s.p[s.len - 1] << 16;
	}
	return e;
}

#endif
