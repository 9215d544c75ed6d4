/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/engine_internal.h"
#include "engine/outcome_internal.h"
#include "engine/plan_internal.h"
#include "engine/value_cache_internal.h"
#include "engine/verdict_internal.h"

/* The value of a field, once it has been looked at. */
struct judged {
	uint32_t epoch;
	struct seen value;
};

/*
 * What one thread knows of the event in hand, and of those before. An entry of the arrays of numbers
 * is of this event when it carries the current epoch, so nothing is cleared between events.
 */
struct engine_scratch {
	uint32_t epoch;
	uint32_t *leaves;     /* EVENT leaves: epoch << 1 | result */
	uint32_t *groups;     /* alive: category fits and gate holds */
	uint32_t *planned;    /* indexes in the plan being made */
	uint32_t *slots;      /* is a candidate already */
	uint32_t *of_nothing; /* by index: the verdict on a missing field, or VERDICT_NONE */
	uint32_t *of_any;     /* the same for a field with any value, if that is all that matters */
	uint32_t *key;        /* verdicts of the plan's indexes, in its order */
	uint32_t *candidates;
	uint32_t *decided; /* slots that match whatever else the event has */
	uint32_t *open;    /* slots that ask an EVENT leaf */
	uint32_t *matched; /* both kinds that match */
	uint32_t candidate_count;
	bool asked;            /* an EVENT leaf */
	struct judged *judged; /* by index */
	struct engine_hit *hits;
	struct verdict_table verdicts;
	struct value_cache *values;
	struct outcome_cache *outcomes;
	struct plan_table *plans;
	struct scan_scratch *scan;
	struct eql_scratch *eql;
	uint32_t *memory; /* all the numbers above, in one piece */
	size_t memory_count;
};

/* The result bit takes one of the 32. */
#define EPOCH_MAX (UINT32_MAX >> 1)

struct match {
	const struct engine *engine;
	const struct event *event;
	struct engine_scratch *s;
};

static void allocate_numbers(struct engine_scratch *s, const struct engine *e)
{
	struct {
		uint32_t **array;
		size_t count;
	} arrays[] = {
	    {&s->leaves, e->leaf_count},      {&s->groups, e->group_count},
	    {&s->planned, e->index_count},    {&s->slots, e->slot_count},
	    {&s->of_nothing, e->index_count}, {&s->of_any, e->index_count},
	    {&s->key, e->index_count},        {&s->candidates, e->slot_count},
	    {&s->decided, e->slot_count},     {&s->open, e->slot_count},
	    {&s->matched, e->slot_count},
	};
	const size_t n = sizeof(arrays) / sizeof(*arrays);

	for (size_t i = 0; i < n; i++)
		s->memory_count += arrays[i].count;
	s->memory = xcalloc(s->memory_count + 1, sizeof(*s->memory));
	for (size_t i = 0, at = 0; i < n; at += arrays[i++].count)
		*arrays[i].array = s->memory + at;
}

static void forget(struct engine_scratch *s)
{
	verdict_table_forget(&s->verdicts);
	value_cache_forget(s->values);
	outcome_cache_forget(s->outcomes);
	memset(s->of_nothing, 0xff, s->verdicts.engine->index_count * sizeof(*s->of_nothing));
	memset(s->of_any, 0xff, s->verdicts.engine->index_count * sizeof(*s->of_any));
}

struct engine_scratch *engine_scratch_new(const struct engine *e)
{
	struct engine_scratch *s = xcalloc(1, sizeof(*s));

	allocate_numbers(s, e);
	s->judged = xcalloc((size_t)e->index_count + 1, sizeof(*s->judged));
	s->hits = xcalloc(e->slot_count + 1, sizeof(*s->hits));
	s->scan = scan_scratch_new();
	for (uint32_t i = 0; i < e->index_count; i++)
		scan_scratch_fit(s->scan, e->indexes[i].scan);
	s->eql = eql_scratch_new();
	s->plans = plan_table_new(e);
	verdict_table_init(&s->verdicts, e);
	s->values = value_cache_new(e->index_count);
	s->outcomes = outcome_cache_new();
	forget(s);
	return s;
}

void engine_scratch_free(struct engine_scratch *s)
{
	if (!s)
		return;
	free(s->memory);
	free(s->judged);
	free(s->hits);
	scan_scratch_free(s->scan);
	eql_scratch_free(s->eql);
	plan_table_free(s->plans);
	verdict_table_free(&s->verdicts);
	value_cache_free(s->values);
	outcome_cache_free(s->outcomes);
	free(s);
}

static void next_event(struct engine_scratch *s)
{
	if (s->epoch == EPOCH_MAX) {
		memset(s->memory, 0, s->memory_count * sizeof(*s->memory));
		memset(s->judged, 0, s->verdicts.engine->index_count * sizeof(*s->judged));
		s->epoch = 0;
		forget(s);
	}
	if (!verdict_table_has_room(&s->verdicts))
		forget(s);
	s->epoch++;
	s->candidate_count = 0;
}

/* ---- verdicts */

static void add_literal(const struct engine *e, uint32_t literal, uint64_t *bits)
{
	const uint32_t *list = engine_list(e, e->hits[literal]);

	for (uint32_t i = 0; i < e->hits[literal].count; i++)
		verdict_set(bits, list[i]);
}

static void judge_string(struct match *m, const struct field_index *index, struct str s,
			 uint64_t *bits)
{
	const uint32_t *found;

	for (int fold = 0; fold < 2; fold++) {
		if (!exact_table_has_length(&index->exact[fold], s.len))
			continue;
		uint32_t literal = exact_table_find(&index->exact[fold], s);

		if (literal != LITERAL_NONE)
			add_literal(m->engine, literal, bits);
	}
	if (!index->scan)
		return;
	uint32_t n = scan_value(index->scan, s, m->s->scan, &found);

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

static uint32_t judge(struct match *m, uint32_t number, const struct value *value)
{
	const struct field_index *index = &m->engine->indexes[number];
	const struct value *values = value->type == VALUE_LIST ? value->items : value;
	uint32_t n = value->type == VALUE_LIST ? value->count : value->type != VALUE_NULL;
	uint64_t *bits = verdict_draft(&m->s->verdicts, number);
	bool untyped = false;

	for (uint32_t i = 0; i < n; i++) {
		if (values[i].type == VALUE_STRING)
			judge_string(m, index, value_as_str(&values[i]), bits);
		else
			untyped = true;
	}
	/* What a number or a boolean equals is not for the index to say. */
	if (untyped)
		ask_leaves(m, index->untyped, bits);
	ask_leaves(m, index->values, bits);
	uint32_t bit = n ? index->exists_bit : index->null_bit;

	if (bit != BIT_NONE)
		verdict_set(bits, bit);
	return verdict_number(&m->s->verdicts, number);
}

static uint32_t verdict_on_nothing(struct match *m, uint32_t number)
{
	static const struct value nothing = {0};
	uint32_t *known = &m->s->of_nothing[number];

	if (*known == VERDICT_NONE)
		*known = judge(m, number, &nothing);
	return *known;
}

static uint32_t verdict_on_any(struct match *m, uint32_t number, const struct value *value)
{
	uint32_t *known = &m->s->of_any[number];

	if (*known == VERDICT_NONE)
		*known = judge(m, number, value);
	return *known;
}

/* The value is not null. */
static struct seen look_at(struct match *m, uint32_t number, const struct value *value)
{
	struct judged *judged = &m->s->judged[number];
	struct seen seen = {0};

	if (m->engine->indexes[number].any_value)
		seen.verdict = verdict_on_any(m, number, value);
	else if (!value_cache_find(m->s->values, number, value, &seen)) {
		seen.verdict = judge(m, number, value);
		seen.value = value_cache_keep(m->s->values, number, value, seen.verdict);
	}
	*judged = (struct judged){m->s->epoch, seen};
	return seen;
}

static struct seen seen_of(struct match *m, uint32_t number)
{
	const struct value *value = event_get(m->event, m->engine->indexes[number].field);

	if (value->type == VALUE_NULL)
		return (struct seen){verdict_on_nothing(m, number), 0};
	if (m->s->judged[number].epoch == m->s->epoch)
		return m->s->judged[number].value;
	return look_at(m, number, value);
}

/* ---- leaves and slots */

static bool ask(const struct match *m, const struct leaf *leaf)
{
	return eql_leaf_eval(leaf->eql, m->event, m->s->eql);
}

/* Of one field: what it said of the value before, it says again. */
static bool ask_of_value(struct match *m, const struct leaf *leaf, uint32_t number)
{
	uint32_t value = seen_of(m, leaf->index).value;
	bool holds;

	if (!value)
		return ask(m, leaf);
	if (!value_cache_find_leaf(m->s->values, value, number, &holds)) {
		holds = ask(m, leaf);
		value_cache_keep_leaf(m->s->values, value, number, holds);
	}
	return holds;
}

static bool event_leaf_holds(struct match *m, const struct leaf *leaf, uint32_t number)
{
	uint32_t *known = &m->s->leaves[number];

	m->s->asked = true;
	if (*known >> 1 != m->s->epoch) {
		bool holds =
		    leaf->index == INDEX_NONE ? ask(m, leaf) : ask_of_value(m, leaf, number);

		*known = m->s->epoch << 1 | holds;
	}
	return *known & 1;
}

static bool leaf_holds(struct match *m, uint32_t number)
{
	const struct leaf *leaf = &m->engine->leaves[number];

	return leaf->how == LEAF_EVENT
		   ? event_leaf_holds(m, leaf, number)
		   : verdict_has(&m->s->verdicts, seen_of(m, leaf->index).verdict, leaf->bit);
}

static bool slot_matches(struct match *m, uint32_t slot)
{
	const struct test *code = m->engine->code;
	uint32_t at = m->engine->slots[slot].start;

	while (at < CODE_FAIL)
		at = leaf_holds(m, code[at].leaf) ? code[at].on_true : code[at].on_false;
	return at == CODE_MATCH;
}

/* ---- plans */

static bool gate_holds(struct match *m, const struct group *group)
{
	const uint32_t *leaves = engine_list(m->engine, group->gate);

	for (uint32_t i = 0; i < group->gate.count; i++)
		if (!leaf_holds(m, leaves[i]))
			return false;
	return true;
}

static void find_groups(struct match *m, struct plan *plan)
{
	const struct engine *e = m->engine;

	plan->group_count = 0;
	for (uint32_t c = 0; c < e->category_count; c++) {
		const struct category *category = &e->categories[c];
		const uint32_t *groups = engine_list(e, category->groups);

		if (!eql_category_fits(category->filter, m->event))
			continue;
		for (uint32_t i = 0; i < category->groups.count; i++)
			if (gate_holds(m, &e->groups[groups[i]]))
				plan->groups[plan->group_count++] = groups[i];
	}
}

static const struct plan *find_plan(struct match *m)
{
	struct plan_key key;
	struct plan *plan;
	bool found;

	if (plan_key_of(m->engine, m->event, &key)) {
		plan = plan_place(m->s->plans, &key, &found);
		if (found)
			return plan;
	} else {
		plan = plan_spare(m->s->plans);
		key.count = 0;
	}
	find_groups(m, plan);
	plan_make(m->s->plans, plan, &key, m->s->planned, m->s->epoch);
	return plan;
}

/* ---- a combination of verdicts that was not seen before */

static void add_candidate(struct match *m, uint32_t slot)
{
	struct engine_scratch *s = m->s;

	if (s->slots[slot] == s->epoch || s->groups[m->engine->slots[slot].group] != s->epoch)
		return;
	s->slots[slot] = s->epoch;
	s->candidates[s->candidate_count++] = slot;
}

static void add_anchored(struct match *m, uint32_t number)
{
	const struct field_index *index = &m->engine->indexes[number];
	const uint64_t *bits = verdict_bits(&m->s->verdicts, seen_of(m, number).verdict);

	for (uint32_t word = 0; word < index_words(index); word++)
		for (uint64_t left = bits[word]; left; left &= left - 1) {
			uint32_t bit = word * 64 + (uint32_t)__builtin_ctzll(left);
			struct span span = m->engine->bit_slots[index->first_bit + bit];
			const uint32_t *slots = engine_list(m->engine, span);

			for (uint32_t i = 0; i < span.count; i++)
				add_candidate(m, slots[i]);
		}
}

static void find_candidates(struct match *m, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->group_count; i++)
		m->s->groups[plan->groups[i]] = m->s->epoch;
	for (uint32_t i = 0; i < plan->always_count; i++)
		add_candidate(m, plan->always[i]);
	for (uint32_t i = 0; i < plan->index_count; i++)
		add_anchored(m, plan->indexes[i]);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort(uint32_t *numbers, uint32_t count)
{
	if (count > 1)
		qsort(numbers, count, sizeof(*numbers), by_number);
}

static void work_out(struct match *m, const struct plan *plan, struct outcome *out)
{
	struct engine_scratch *s = m->s;

	find_candidates(m, plan);
	*out = (struct outcome){.slots = s->decided};
	for (uint32_t i = 0; i < s->candidate_count; i++) {
		s->asked = false;
		bool matches = slot_matches(m, s->candidates[i]);

		if (s->asked)
			s->open[out->undecided++] = s->candidates[i];
		else if (matches)
			s->decided[out->matched++] = s->candidates[i];
	}
	sort(s->decided, out->matched);
	/* Both are candidates, so there is room. */
	if (out->undecided)
		memcpy(s->decided + out->matched, s->open, out->undecided * sizeof(*s->open));
}

/* ---- all together */

static void find_outcome(struct match *m, const struct plan *plan, struct outcome *out)
{
	struct engine_scratch *s = m->s;
	struct outcome_key key = {plan->serial, s->key, plan->keyed_count};

	for (uint32_t i = 0; i < plan->keyed_count; i++) {
		const struct value *value = event_get(m->event, plan->fields[i]);
		uint32_t number = plan->indexes[i];

		s->key[i] = value->type == VALUE_NULL ? verdict_on_nothing(m, number)
						      : look_at(m, number, value).verdict;
	}
	if (plan->serial && outcome_find(s->outcomes, &key, out))
		return;
	work_out(m, plan, out);
	if (plan->serial)
		outcome_keep(s->outcomes, &key, out);
}

uint32_t engine_match(const struct engine *engine, const struct event *event,
		      struct engine_scratch *s, const struct engine_hit **hits)
{
	struct match m = {engine, event, s};
	const uint32_t *matched;
	struct outcome out;
	uint32_t n;

	next_event(s);
	find_outcome(&m, find_plan(&m), &out);
	matched = out.slots;
	n = out.matched;
	for (uint32_t i = 0; i < out.undecided; i++) {
		uint32_t slot = out.slots[out.matched + i];

		if (!slot_matches(&m, slot))
			continue;
		if (n == out.matched && n)
			memcpy(s->matched, out.slots, n * sizeof(*s->matched));
		matched = s->matched;
		s->matched[n++] = slot;
	}
	/* Slots are numbered in order of loading. */
	if (n > out.matched)
		sort(s->matched, n);
	for (uint32_t i = 0; i < n; i++)
		s->hits[i] = engine->slots[matched[i]].hit;
	*hits = s->hits;
	return n;
}
