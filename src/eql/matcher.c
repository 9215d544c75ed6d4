/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/matcher_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "eql/query.h"
#include "eql/string_internal.h"
#include "eql/value_set_internal.h"
#include "eql/wildcard_internal.h"

/* Up to this many strings a walk (length first) beats hashing the value. */
#define FEW_STRINGS 4

struct str eql_fold(struct arena *arena, struct str s)
{
	char *out = arena_bytes(arena, s.len);

	for (size_t i = 0; i < s.len; i++)
		out[i] = (char)ascii_lower((unsigned char)s.p[i]);
	return (struct str){out, s.len};
}

static bool has_wildcard(struct str s)
{
	return s.len && (memchr(s.p, '*', s.len) || memchr(s.p, '?', s.len));
}

static int compare_strs(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void make_canonical(struct eql_matcher *m, struct arena *arena, const struct str *strings,
			   uint32_t count, bool wildcards)
{
	struct str *all = ARENA_ARRAY(arena, struct str, count);
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		all[i] = m->fold ? eql_fold(arena, strings[i]) : arena_str(arena, strings[i]);
		if (wildcards)
			all[i] = eql_pattern_canonical(arena, all[i]);
	}
	qsort(all, count, sizeof(*all), compare_strs);
	for (uint32_t i = 0; i < count; i++)
		if (!n || !str_eq(all[i], all[n - 1]))
			all[n++] = all[i];
	m->all = all;
	m->all_count = n;
}

static uint64_t length_bit(struct str s)
{
	return UINT64_C(1) << (s.len % 64);
}

static uint64_t hash(const struct eql_matcher *m, struct str s)
{
	return m->fold ? str_hash_fold(s) : str_hash(s);
}

static void fill_slots(struct eql_matcher *m, struct arena *arena)
{
	uint32_t size = 8;

	while (size < m->exact_count * 2)
		size *= 2;
	uint32_t *slots = ARENA_ARRAY(arena, uint32_t, size);

	m->slot_mask = size - 1;
	for (uint32_t i = 0; i < m->exact_count; i++) {
		uint32_t at = (uint32_t)hash(m, m->exact[i]) & m->slot_mask;

		while (slots[at])
			at = (at + 1) & m->slot_mask;
		slots[at] = i + 1;
	}
	m->slots = slots;
}

static void split(struct eql_matcher *m, struct arena *arena, bool wildcards)
{
	struct str *exact = ARENA_ARRAY(arena, struct str, m->all_count);
	struct pattern *patterns = ARENA_ARRAY(arena, struct pattern, wildcards ? m->all_count : 0);

	for (uint32_t i = 0; i < m->all_count; i++) {
		if (wildcards && has_wildcard(m->all[i])) {
			m->match_all |= str_eq(m->all[i], STR("*"));
			eql_pattern_init(&patterns[m->pattern_count++], arena, m->all[i], m->fold);
		} else {
			m->exact_lengths |= length_bit(m->all[i]);
			exact[m->exact_count++] = m->all[i];
		}
	}
	m->exact = exact;
	m->patterns = patterns;
	if (m->exact_count > FEW_STRINGS)
		fill_slots(m, arena);
}

static void find_numbers(struct eql_matcher *m, struct arena *arena)
{
	struct value number;
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->all_count; i++)
		count += eql_number_from_str(m->all[i], &number);
	struct value *numbers = ARENA_ARRAY(arena, struct value, count);

	for (uint32_t i = 0, n = 0; n < count; i++)
		n += eql_number_from_str(m->all[i], &numbers[n]);
	m->numbers = numbers;
	m->number_count = eql_numbers_sort(numbers, count);
}

/* Could the text of some number or boolean match? May say yes for a text none of them has. */
static bool may_match_other_text(const struct eql_matcher *m, struct str s)
{
	static const struct str words[] = {
	    {"true", 4}, {"false", 5}, {"NaN", 3}, {"Infinity", 8}, {"-Infinity", 9}};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (eql_wildcard(s, words[i], m->fold))
			return true;
	for (size_t i = 0; i < s.len; i++)
		if (!strchr("0123456789+-.eE*?", s.p[i]) || !s.p[i])
			return false;
	return s.len > 0;
}

static bool only_strings(const struct eql_matcher *m)
{
	if (m->mode == MATCHER_COERCE)
		return m->number_count == 0;
	for (uint32_t i = 0; i < m->all_count; i++)
		if (may_match_other_text(m, m->all[i]))
			return false;
	return true;
}

const struct eql_matcher *eql_matcher_new(struct arena *arena, const struct str *strings,
					  uint32_t count, bool wildcards, bool fold,
					  enum matcher_mode mode)
{
	struct eql_matcher *m = ARENA_NEW(arena, struct eql_matcher);

	m->fold = fold;
	m->mode = mode;
	make_canonical(m, arena, strings, count, wildcards);
	split(m, arena, wildcards);
	if (mode == MATCHER_COERCE)
		find_numbers(m, arena);
	m->strings_only = only_strings(m);
	return m;
}

static bool same(const struct eql_matcher *m, struct str a, struct str b)
{
	return m->fold ? str_eq_fold(a, b) : str_eq(a, b);
}

static bool match_exact(const struct eql_matcher *m, struct str s)
{
	if (!(m->exact_lengths & length_bit(s)))
		return false;
	if (!m->slots) {
		for (uint32_t i = 0; i < m->exact_count; i++)
			if (same(m, m->exact[i], s))
				return true;
		return false;
	}
	for (uint32_t at = (uint32_t)hash(m, s) & m->slot_mask; m->slots[at];
	     at = (at + 1) & m->slot_mask)
		if (same(m, m->exact[m->slots[at] - 1], s))
			return true;
	return false;
}

bool eql_matcher_match_str(const struct eql_matcher *m, struct str s)
{
	if (m->match_all || match_exact(m, s))
		return true;
	for (uint32_t i = 0; i < m->pattern_count; i++)
		if (eql_pattern_match(&m->patterns[i], s))
			return true;
	return false;
}

bool eql_matcher_match(const struct eql_matcher *m, const struct value *v)
{
	char text[EQL_SCALAR_TEXT_MAX];

	if (v->type == VALUE_STRING)
		return eql_matcher_match_str(m, value_as_str(v));
	if (m->strings_only)
		return false;
	if (m->mode == MATCHER_COERCE)
		return v->type != VALUE_BOOL && eql_numbers_have(m->numbers, m->number_count, v);
	return eql_matcher_match_str(m, eql_scalar_text(v, text));
}

uint32_t eql_matcher_cost(const struct eql_matcher *m)
{
	uint32_t cost = m->exact_count ? m->slots ? 12 : 3 + m->exact_count : 0;

	if (m->match_all)
		return 1;
	for (uint32_t i = 0; i < m->pattern_count; i++)
		switch (m->patterns[i].shape) {
		case PATTERN_PREFIX:
		case PATTERN_SUFFIX:
			cost += 4;
			break;
		case PATTERN_CONTAINS:
			cost += 30;
			break;
		case PATTERN_SEGMENTS:
			cost += 15 * (m->patterns[i].segment_count + 1);
			break;
		}
	return cost;
}
