/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of strings and patterns, prepared at compile time: what ==, in, like and : become.
 *
 *	strings without * and ?  ──► one hash set (a plain walk when there are few)
 *	patterns                 ──► by shape: "abc*", "*abc", "*abc*", or segments between stars
 *
 * Everything is folded beforehand when `fold` is set. The list is sorted and free of duplicates,
 * so it is also the canonical form for keys.
 */
#ifndef LINTEL_EQL_MATCHER_INTERNAL_H
#define LINTEL_EQL_MATCHER_INTERNAL_H

#include "event/event.h"

/* How a value that is no string is compared. */
enum matcher_mode {
	MATCHER_COERCE, /* ==, in: a number equals a string that reads as the same number */
	MATCHER_TEXT,   /* like, : : by its text form */
};

struct pattern;

struct eql_matcher {
	bool fold;
	enum matcher_mode mode;
	bool match_all; /* "*" is in the list */
	/* Can only a string satisfy it? If not, numbers and booleans need a look, by `mode`. */
	bool strings_only;
	const struct str *all; /* canonical list: sorted, unique, folded */
	uint32_t all_count;
	/* the part of `all` without wildcards */
	const struct str *exact;
	uint32_t exact_count;
	uint64_t exact_lengths; /* bit n: some exact string has length n mod 64 */
	const uint32_t *slots;  /* open addressing, index + 1 into exact; NULL when few */
	uint32_t slot_mask;
	const struct value *numbers; /* COERCE: what strings of the list read as, sorted */
	uint32_t number_count;
	const struct pattern *patterns;
	uint32_t pattern_count;
};

/* `wildcards`: * and ? have their meaning; otherwise they are ordinary characters. */
const struct eql_matcher *eql_matcher_new(struct arena *arena, const struct str *strings,
					  uint32_t count, bool wildcards, bool fold,
					  enum matcher_mode mode);
bool eql_matcher_match_str(const struct eql_matcher *m, struct str s);
/* Any scalar, not null. */
bool eql_matcher_match(const struct eql_matcher *m, const struct value *v);
/* Rough ns per string. */
uint32_t eql_matcher_cost(const struct eql_matcher *m);

/* A folded copy. */
struct str eql_fold(struct arena *arena, struct str s);

#endif
