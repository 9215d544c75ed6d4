/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pattern with * and ?, prepared. The text is cut at the stars into segments; the first and
 * last are tied to the ends of the value unless a star is there, the ones between are found
 * leftmost, one after the other. No choice is ever taken back, so matching cannot blow up.
 *
 *	"/tmp/?*.so*"  ──►  [/tmp/?] * [.so] *	tied at the start, open at the end
 */
#ifndef LINTEL_EQL_WILDCARD_INTERNAL_H
#define LINTEL_EQL_WILDCARD_INTERNAL_H

#include "base/arena.h"

enum pattern_shape {
	PATTERN_PREFIX,   /* text* */
	PATTERN_SUFFIX,   /* *text */
	PATTERN_CONTAINS, /* *text* */
	PATTERN_SEGMENTS, /* anything else */
};

struct segment {
	struct str text;
	bool has_any;  /* holds ? */
	size_t anchor; /* index of the byte that is looked for first, the rarest */
};

struct pattern {
	enum pattern_shape shape;
	bool fold;
	bool open_start, open_end;
	size_t min_len; /* bytes below which no value can match */
	struct segment *segments;
	uint32_t segment_count;
};

/* Equal patterns get equal texts: runs of stars become one, and ? comes before * (they commute). */
struct str eql_pattern_canonical(struct arena *arena, struct str text);
/* `text` canonical, and folded when `fold`; borrowed. */
void eql_pattern_init(struct pattern *pattern, struct arena *arena, struct str text, bool fold);
bool eql_pattern_match(const struct pattern *pattern, struct str s);

#endif
