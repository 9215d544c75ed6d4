/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lucene's regular expressions over PCRE2.
 *
 * Lucene's are regular in the strict sense: a value is in the language or not, as a whole. They
 * are parsed here by Lucene's grammar (RegExp.java, all optional operators on) and written out
 * anew in PCRE2's syntax, so nothing of PCRE2's own syntax can be reached from a rule.
 */
#ifndef LINTEL_EQL_REGEX_INTERNAL_H
#define LINTEL_EQL_REGEX_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"

struct eql_regex;
struct eql_regex_scratch;

/* Why a pattern was refused, and at which character (from 1; 0: no place in particular). */
struct regex_error {
	char text[160];
	uint32_t at;
};

/* Several patterns are joined as alternatives; on error *failed is the index of the wrong one.
 * The compiled code is freed with the arena. */
const struct eql_regex *eql_regex_new(struct arena *arena, const struct str *patterns,
				      uint32_t count, bool fold, uint32_t *failed,
				      struct regex_error *error);
/* The patterns, sorted and unique: for keys. */
const struct str *eql_regex_patterns(const struct eql_regex *regex, uint32_t *count);
bool eql_regex_folds(const struct eql_regex *regex);
/* 1 match, 0 none, -1 stopped at a limit. */
int eql_regex_match(const struct eql_regex *regex, struct str s, struct eql_regex_scratch *scratch);

struct eql_regex_scratch *eql_regex_scratch_new(void);
void eql_regex_scratch_free(struct eql_regex_scratch *scratch);

/* The PCRE2 text of one Lucene pattern, appended to `out`. For eql_regex_new() and tests. */
bool eql_regex_translate(struct str pattern, bool fold, struct buf *out, struct regex_error *error);

#endif
