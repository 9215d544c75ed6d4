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
	uint32_t verdict; /* as it was when the event came */
	uint32_t latest;  /* with what LATER leaves have said since */
	bool remembered;  /* by the cache */
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
	uint32_t *key;        /* verdicts of the plan's indexes as it sees them */
	uint32_t *candidates;
	uint32_t *decided; /* slots that match whatever else the event has */
	uint32_t *open;    /* slots that ask an EVENT leaf */
	uint32_t *matched; /* both kinds that match */
	uint32_t candidate_count;
	bool asked;            /* a leaf whose answer is not in a verdict */
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
	plan_table_forget(s->plans);
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
	verdict_table_init(&s->verdicts, e);
	s->plans = plan_table_new(e, s->verdicts.cap);
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
	struct span hits = e->hits[literal];

	if (hits.count == 1) {
		verdict_set(bits, hits.at);
		return;
	}
	for (uint32_t i = 0; i < hits.count; i++)
		verdict_set(bits, engine_list(e, hits)[i]);
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
static uint32_t look_at(struct match *m, uint32_t number, const struct value *value)
{
	struct engine_scratch *s = m->s;
	struct judged *j = &s->judged[number];

	j->epoch = s->epoch;
	j->remembered = false;
	if (m->engine->indexes[number].any_value) {
		j->verdict = verdict_on_any(m, number, value);
	} else if (value_cache_find(s->values, number, value, &j->verdict)) {
		j->remembered = true;
	} else {
		j->verdict = judge(m, number, value);
		j->remembered = value_cache_keep(s->values, number, value, j->verdict);
	}
	j->latest = j->verdict;
	return j->verdict;
}

static const struct value *value_of(const struct match *m, uint32_t number)
{
	return event_get(m->event, m->engine->indexes[number].field);
}

static uint32_t verdict_of(struct match *m, uint32_t number)
{
	const struct value *value = value_of(m, number);

	if (value->type == VALUE_NULL)
		return verdict_on_nothing(m, number);
	if (m->s->judged[number].epoch == m->s->epoch)
		return m->s->judged[number].verdict;
	return look_at(m, number, value);
}

/* ---- leaves and slots */

/* Not in a verdict: asked once for an event. */
static bool event_leaf_holds(struct match *m, const struct leaf *leaf, uint32_t number)
{
	uint32_t *known = &m->s->leaves[number];

	m->s->asked = true;
	if (*known >> 1 != m->s->epoch)
		*known = m->s->epoch << 1 | (uint32_t)eql_leaf_eval(leaf->eql, m->event, m->s->eql);
	return *known & 1;
}

/* For the next event with this value the leaf's answer is part of the verdict. */
static void learn(struct match *m, const struct leaf *leaf, bool holds)
{
	struct verdict_table *verdicts = &m->s->verdicts;
	struct judged *judged = &m->s->judged[leaf->index];
	uint64_t *bits = verdict_draft(verdicts, leaf->index);

	memcpy(bits, verdict_bits(verdicts, judged->latest),
	       m->engine->indexes[leaf->index].words * sizeof(*bits));
	verdict_set(bits, leaf->asked_bit);
	if (holds)
		verdict_set(bits, leaf->bit);
	judged->latest = verdict_number(verdicts, leaf->index);
	value_cache_learn(m->s->values, leaf->index, judged->latest);
}

static bool later_leaf_holds(struct match *m, const struct leaf *leaf, uint32_t number)
{
	const struct verdict_table *verdicts = &m->s->verdicts;
	uint32_t verdict = verdict_of(m, leaf->index);
	const struct judged *judged = &m->s->judged[leaf->index];

	if (verdict_has(verdicts, verdict, leaf->asked_bit))
		return verdict_has(verdicts, verdict, leaf->bit);
	if (value_of(m, leaf->index)->type == VALUE_NULL || !judged->remembered)
		return event_leaf_holds(m, leaf, number);
	m->s->asked = true;
	if (!verdict_has(verdicts, judged->latest, leaf->asked_bit))
		learn(m, leaf, eql_leaf_eval(leaf->eql, m->event, m->s->eql));
	return verdict_has(verdicts, judged->latest, leaf->bit);
}

static bool leaf_holds(struct match *m, uint32_t number)
{
	const struct leaf *leaf = &m->engine->leaves[number];

	if (leaf->how == LEAF_EVENT)
		return event_leaf_holds(m, leaf, number);
	if (leaf->how == LEAF_LATER)
		return later_leaf_holds(m, leaf, number);
	return verdict_has(&m->s->verdicts, verdict_of(m, leaf->index), leaf->bit);
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
	const uint64_t *bits = verdict_bits(&m->s->verdicts, verdict_of(m, number));

	for (uint32_t word = 0; word < index->words; word++)
		for (uint64_t left = bits[word]; left; left &= left - 1) {
			uint32_t bit = word * 64 + (uint32_t)__builtin_ctzll(left);
			struct span span = m->engine->bit_slots[index->first_word * 64 + bit];
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

/* A verdict as the plan's rules see it: of what it says of a value most is of interest to other rules
 * only, and without that there are far fewer. */
static uint32_t see(struct match *m, const struct plan *plan, uint32_t number, uint32_t verdict)
{
	const struct field_index *index = &m->engine->indexes[number];
	struct verdict_table *verdicts = &m->s->verdicts;
	uint32_t *seen = &plan->seen[verdict];

	if (verdict == VERDICT_EMPTY)
		return VERDICT_EMPTY;
	if (*seen == VERDICT_NONE) {
		const uint64_t *bits = verdict_bits(verdicts, verdict);
		uint64_t *masked = verdict_draft(verdicts, number);

		for (uint32_t word = 0; word < index->words; word++)
			masked[word] = bits[word] & plan->masks[index->first_word + word];
		*seen = verdict_number(verdicts, number);
	}
	return *seen;
}

static void find_verdicts(struct match *m, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->keyed_count; i++) {
		const struct value *value = event_get(m->event, plan->fields[i]);
		uint32_t number = plan->indexes[i];
		uint32_t verdict = value->type == VALUE_NULL ? verdict_on_nothing(m, number)
							     : look_at(m, number, value);

		m->s->key[i] = see(m, plan, number, verdict);
	}
}

static void find_outcome(struct match *m, const struct plan *plan, struct outcome *out)
{
	struct engine_scratch *s = m->s;
	struct outcome_key key = {plan->serial, s->key, plan->keyed_count};

	if (!plan->serial) {
		work_out(m, plan, out);
		return;
	}
	find_verdicts(m, plan);
	if (outcome_find(s->outcomes, &key, out))
		return;
	work_out(m, plan, out);
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
