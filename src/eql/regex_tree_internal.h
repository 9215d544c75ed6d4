/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a Lucene regular expression, between regex_parse.c and regex_emit.c. */
#ifndef LINTEL_EQL_REGEX_TREE_INTERNAL_H
#define LINTEL_EQL_REGEX_TREE_INTERNAL_H

#include "eql/regex_internal.h"

/* Nesting within one pattern; PCRE2's own default for parentheses is 250. */
#define REGEX_DEPTH_MAX 100
/* A repetition beyond this would not compile within PCRE2's limits anyway. */
#define REGEX_REPEAT_MAX 65535
#define REGEX_UNBOUNDED UINT32_MAX

enum rx_kind {
	RX_EMPTY,   /* the empty string: () */
	RX_NOTHING, /* no string at all: # */
	RX_ANY,     /* any string: @ */
	RX_CLASS,   /* one character: literal, ., [...], \d */
	RX_CONCAT,
	RX_UNION,
	RX_INTERSECT,
	RX_COMPLEMENT, /* ~ */
	RX_REPEAT,
	RX_INTERVAL, /* <n-m> */
};

struct rx_range {
	uint32_t first, last;
};

struct rx {
	enum rx_kind kind;
	uint32_t at; /* character in the pattern, from 1 */
	uint32_t depth;
	struct rx **kids;
	uint32_t kid_count;
	/* CLASS */
	bool negated;
	struct rx_range *ranges;
	uint32_t range_count;
	/* REPEAT; INTERVAL, where digits is 0 when leading zeros are free */
	uint32_t min, max;
	uint32_t digits;
};

/* NULL with *error filled. */
struct rx *eql_rx_parse(struct arena *arena, struct str pattern, struct regex_error *error);
bool eql_rx_emit(const struct rx *rx, bool fold, struct buf *out, struct regex_error *error);

bool eql_rx_fail(struct regex_error *error, uint32_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
