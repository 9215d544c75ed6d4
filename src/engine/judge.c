/* SPDX-License-Identifier: Apache-2.0 */
/* From a value to the verdict on it: what all leaves of its field together say. */
#include "engine/match_internal.h"

static void add_literal(const struct engine *e, uint32_t literal, uint64_t *bits)
{
	struct span hits = e->hits[literal];

	if (hits.count == 1) {
		verdict_set(bits, hits.at);
		return;
	}
	for (uint32_t i = 0; i < hits.count; i++)
		verdict_set(bits, engine_list(e, hits)[i]);
}

/* What is to be found out of a value. */
struct question {
	const struct engine *engine;
	const struct field_index *index;
	uint32_t parts;         /* enum scan_part, PART_* */
	const uint64_t *wanted; /* NULL: all bits */
};

static bool wants_literal(const void *context, uint32_t literal)
{
	const struct question *q = context;
	struct span hits = q->engine->hits[literal];

	if (hits.count == 1)
		return q->wanted[hits.at / 64] >> (hits.at % 64) & 1;
	for (uint32_t i = 0; i < hits.count; i++) {
		uint32_t bit = engine_list(q->engine, hits)[i];

		if (q->wanted[bit / 64] >> (bit % 64) & 1)
			return true;
	}
	return false;
}

static void judge_string(struct match *m, const struct question *q, struct str s, uint64_t *bits)
{
	const struct scan_want want = {q->parts, wants_literal, q};
	const struct field_index *index = q->index;
	const uint32_t *found;

	for (int fold = 0; fold < 2; fold++) {
		if (!(q->parts & (fold ? PART_EXACT_FOLD : PART_EXACT)) ||
		    !exact_table_has_length(&index->exact[fold], s.len))
			continue;
		uint32_t literal = exact_table_find(&index->exact[fold], s);

		if (literal != LITERAL_NONE)
			add_literal(m->engine, literal, bits);
	}
	if (!index->scan)
		return;
	uint32_t n = scan_value(index->scan, s, q->wanted ? &want : NULL, m->s->scan, &found);

	for (uint32_t i = 0; i < n; i++)
		add_literal(m->engine, found[i], bits);
}

static void ask_leaves(struct match *m, struct span leaves, uint64_t *bits)
{
	const uint32_t *list = engine_list(m->engine, leaves);

	for (uint32_t i = 0; i < leaves.count; i++) {
		const struct leaf *leaf = &m->engine->leaves[list[i]];

		if (eql_leaf_eval(leaf->eql, m->event, m->s->eql))
			verdict_set(bits, leaf->bit);
	}
}

/* All bits that are wanted, and maybe others. */
static void answer(struct match *m, const struct question *q, const struct value *value,
		   uint64_t *bits)
{
	const struct field_index *index = q->index;
	const struct value *values = value->type == VALUE_LIST ? value->items : value;
	uint32_t n = value->type == VALUE_LIST ? value->count : value->type != VALUE_NULL;
	bool untyped = false;

	for (uint32_t i = 0; i < n; i++) {
		if (values[i].type == VALUE_STRING)
			judge_string(m, q, value_as_str(&values[i]), bits);
		else
			untyped = true;
	}
	/* What a number or a boolean equals is not for the index to say. */
	if (untyped)
		ask_leaves(m, index->untyped, bits);
	if (q->parts & PART_LEAVES)
		ask_leaves(m, index->values, bits);
	uint32_t bit = n ? index->exists_bit : index->null_bit;

	if (bit != BIT_NONE)
		verdict_set(bits, bit);
}

static uint32_t judge(struct match *m, uint32_t number, const struct value *value)
{
	const struct field_index *index = &m->engine->indexes[number];
	struct question all = {m->engine, index, UINT32_MAX, NULL};

	answer(m, &all, value, verdict_draft(&m->s->verdicts, number));
	return verdict_number(&m->s->verdicts, number);
}

static uint32_t on_nothing(struct match *m, uint32_t number)
{
	static const struct value nothing = {0};
	uint32_t *known = &m->s->of_nothing[number];

	if (*known == VERDICT_NONE)
		*known = judge(m, number, &nothing);
	return *known;
}

static uint32_t on_any(struct match *m, uint32_t number, const struct value *value)
{
	uint32_t *known = &m->s->of_any[number];

	if (*known == VERDICT_NONE)
		*known = judge(m, number, value);
	return *known;
}

static struct judged *begin(struct match *m, uint32_t number)
{
	struct judged *j = &m->s->judged[number];

	j->epoch = m->s->epoch;
	j->remembered = false;
	return j;
}

/* The value is not null. */
static uint32_t look_at(struct match *m, uint32_t number, const struct value *value)
{
	struct judged *j = begin(m, number);

	if (m->engine->indexes[number].any_value) {
		j->verdict = on_any(m, number, value);
	} else if (value_cache_find(m->s->values, number, value, &j->verdict)) {
		j->remembered = true;
	} else {
		j->verdict = judge(m, number, value);
		j->remembered = value_cache_keep(m->s->values, number, value, j->verdict);
	}
	j->latest = j->verdict;
	return j->verdict;
}

uint32_t judge_verdict(struct match *m, uint32_t number)
{
	const struct value *value = match_value_of(m, number);

	if (value->type == VALUE_NULL)
		return on_nothing(m, number);
	if (m->s->judged[number].epoch == m->s->epoch)
		return m->s->judged[number].verdict;
	return look_at(m, number, value);
}

uint32_t judge_masked(struct match *m, uint32_t number, uint32_t verdict, const uint64_t *wanted)
{
	uint32_t words = m->engine->indexes[number].words;

	if (verdict == VERDICT_EMPTY)
		return VERDICT_EMPTY;
	const uint64_t *bits = verdict_bits(&m->s->verdicts, verdict);
	uint64_t *masked = verdict_draft(&m->s->verdicts, number);

	for (uint32_t word = 0; word < words; word++)
		masked[word] = bits[word] & wanted[word];
	return verdict_number(&m->s->verdicts, number);
}

uint32_t judge_all(struct match *m, const struct look *look)
{
	const struct value *value = event_get(m->event, look->field);
	uint32_t verdict =
	    value->type == VALUE_NULL ? on_nothing(m, look->index) : look_at(m, look->index, value);

	return judge_masked(m, look->index, verdict, look->all.bits);
}

uint32_t judge_wake(struct match *m, const struct look *look)
{
	const struct value *value = event_get(m->event, look->field);
	const struct field_index *index = &m->engine->indexes[look->index];
	const struct want *want = &look->wake;
	struct question q = {m->engine, index, want->parts, want->bits};
	struct judged *j;
	uint64_t *bits;

	if (value->type == VALUE_NULL)
		return judge_masked(m, look->index, on_nothing(m, look->index), want->bits);
	/* What leaves must be asked for is better remembered. */
	if (index->any_value || (want->parts & PART_LEAVES))
		return judge_masked(m, look->index, look_at(m, look->index, value), want->bits);
	j = begin(m, look->index);
	bits = verdict_draft(&m->s->verdicts, look->index);
	answer(m, &q, value, bits);
	for (uint32_t word = 0; word < index->words; word++)
		bits[word] &= want->bits[word];
	j->verdict = j->latest = verdict_number(&m->s->verdicts, look->index);
	return j->verdict;
}
