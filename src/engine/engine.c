/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/engine_internal.h"
#include "engine/plan_internal.h"

/*
 * What one thread knows of the event in hand. An entry is of this event when it carries the current
 * epoch, so nothing is cleared between events. `leaves` holds epoch << 1 | result.
 */
struct engine_scratch {
	uint32_t epoch;
	uint32_t *leaves;
	uint32_t *groups;  /* alive: category fits and gate holds */
	uint32_t *sources; /* in the plan being made */
	uint32_t *exact;   /* by index: all values looked up */
	uint32_t *odd;     /* by index: has a value that is no string */
	uint32_t *scans;   /* by index * SCAN_COUNT + set */
	uint32_t *slots;   /* is a candidate already */
	uint32_t *candidates;
	uint32_t candidate_count;
	uint32_t *matched_slots;
	struct engine_hit *hits;
	struct scan_scratch *scan;
	struct eql_scratch *eql;
	struct plan_table *plans;
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

struct engine_scratch *engine_scratch_new(const struct engine *e)
{
	struct engine_scratch *s = xcalloc(1, sizeof(*s));
	struct {
		uint32_t **array;
		size_t count;
	} arrays[] = {
	    {&s->leaves, e->leaf_count},
	    {&s->groups, e->group_count},
	    {&s->sources, (size_t)e->index_count * SOURCE_KINDS},
	    {&s->exact, e->index_count},
	    {&s->odd, e->index_count},
	    {&s->scans, (size_t)e->index_count * SCAN_COUNT},
	    {&s->slots, e->slot_count},
	    {&s->candidates, e->slot_count},
	    {&s->matched_slots, e->slot_count},
	};
	const size_t n = sizeof(arrays) / sizeof(*arrays);

	for (size_t i = 0; i < n; i++)
		s->memory_count += arrays[i].count;
	s->memory = xcalloc(s->memory_count + 1, sizeof(*s->memory));
	for (size_t i = 0, at = 0; i < n; at += arrays[i++].count)
		*arrays[i].array = s->memory + at;
	s->hits = xcalloc(e->slot_count + 1, sizeof(*s->hits));
	s->scan = scan_scratch_new();
	for (uint32_t i = 0; i < e->index_count; i++)
		for (int set = 0; set < SCAN_COUNT; set++)
			scan_scratch_fit(s->scan, e->indexes[i].scans[set]);
	s->eql = eql_scratch_new();
	s->plans = plan_table_new(e);
	return s;
}

void engine_scratch_free(struct engine_scratch *s)
{
	if (!s)
		return;
	free(s->memory);
	free(s->hits);
	scan_scratch_free(s->scan);
	eql_scratch_free(s->eql);
	plan_table_free(s->plans);
	free(s);
}

static void next_epoch(struct engine_scratch *s)
{
	if (s->epoch == EPOCH_MAX) {
		memset(s->memory, 0, s->memory_count * sizeof(*s->memory));
		s->epoch = 0;
	}
	s->epoch++;
	s->candidate_count = 0;
}

static void add_candidate(struct match *m, uint32_t slot)
{
	struct engine_scratch *s = m->s;

	if (s->slots[slot] == s->epoch)
		return;
	s->slots[slot] = s->epoch;
	s->candidates[s->candidate_count++] = slot;
}

static void add_candidates(struct match *m, struct span slots)
{
	const uint32_t *list = engine_list(m->engine, slots);

	for (uint32_t i = 0; i < slots.count; i++)
		if (m->s->groups[m->engine->slots[list[i]].group] == m->s->epoch)
			add_candidate(m, list[i]);
}

static void found_literal(struct match *m, uint32_t literal)
{
	const struct hits *hits = &m->engine->hits[literal];
	const uint32_t *leaves = engine_list(m->engine, hits->leaves);

	for (uint32_t i = 0; i < hits->leaves.count; i++)
		m->s->leaves[leaves[i]] = m->s->epoch << 1 | 1;
	add_candidates(m, hits->slots);
}

/* The values of a field, one or many, as an array. */
static uint32_t values_of(const struct event *event, uint32_t field, const struct value **values)
{
	const struct value *v = event_get(event, field);

	*values = v->type == VALUE_LIST ? v->items : v;
	return v->type == VALUE_LIST ? v->count : v->type != VALUE_NULL;
}

static void look_up(struct match *m, uint32_t number)
{
	const struct field_index *index = &m->engine->indexes[number];
	const struct value *values;
	uint32_t n = values_of(m->event, index->field, &values);

	if (m->s->exact[number] == m->s->epoch)
		return;
	m->s->exact[number] = m->s->epoch;
	for (uint32_t i = 0; i < n; i++) {
		if (values[i].type != VALUE_STRING) {
			m->s->odd[number] = m->s->epoch;
			continue;
		}
		struct str s = value_as_str(&values[i]);

		for (int fold = 0; fold < 2; fold++) {
			if (!exact_table_has_length(&index->exact[fold], s.len))
				continue;
			uint32_t literal = exact_table_find(&index->exact[fold], s);

			if (literal != LITERAL_NONE)
				found_literal(m, literal);
		}
	}
}

static void scan_field(struct match *m, uint32_t number, enum scan_set set)
{
	const struct field_index *index = &m->engine->indexes[number];
	uint32_t *done = &m->s->scans[number * SCAN_COUNT + set];
	const struct value *values;
	uint32_t n = values_of(m->event, index->field, &values);

	if (*done == m->s->epoch || !index->scans[set])
		return;
	*done = m->s->epoch;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t *found;

		if (values[i].type != VALUE_STRING)
			continue;
		uint32_t count =
		    scan_value(index->scans[set], value_as_str(&values[i]), m->s->scan, &found);

		for (uint32_t k = 0; k < count; k++)
			found_literal(m, found[k]);
	}
}

static bool known_true(const struct match *m, uint32_t leaf)
{
	return m->s->leaves[leaf] == (m->s->epoch << 1 | 1);
}

/* A few patterns are faster tried than a whole field scanned. */
#define PATTERNS_TRIED_MAX 2

static bool few_patterns(const struct match *m, const struct leaf *leaf)
{
	const uint32_t *scans = &m->s->scans[leaf->index * SCAN_COUNT];

	if (leaf->patterns > PATTERNS_TRIED_MAX)
		return false;
	for (int set = 0; set < SCAN_COUNT; set++)
		if (leaf->scans[set] && scans[set] != m->s->epoch)
			return true;
	return false;
}

static bool indexed_leaf_holds(struct match *m, uint32_t number)
{
	const struct leaf *leaf = &m->engine->leaves[number];

	if (event_get(m->event, leaf->field)->type == VALUE_NULL)
		return false;
	look_up(m, leaf->index);
	if (known_true(m, number))
		return true;
	/* What a number or a boolean equals is not for the index to say. */
	if (m->s->odd[leaf->index] == m->s->epoch || few_patterns(m, leaf))
		return eql_leaf_eval(leaf->eql, m->event, m->s->eql);
	for (int set = 0; set < SCAN_COUNT; set++)
		if (leaf->scans[set])
			scan_field(m, leaf->index, (enum scan_set)set);
	return known_true(m, number);
}

static bool find_out(struct match *m, uint32_t number)
{
	const struct leaf *leaf = &m->engine->leaves[number];

	switch ((enum leaf_how)leaf->how) {
	case LEAF_NULL:
		return event_get(m->event, leaf->field)->type == VALUE_NULL;
	case LEAF_EXISTS:
		return event_get(m->event, leaf->field)->type != VALUE_NULL;
	case LEAF_INDEXED:
		return indexed_leaf_holds(m, number);
	case LEAF_EVAL:
		break;
	}
	return eql_leaf_eval(leaf->eql, m->event, m->s->eql);
}

static bool leaf_holds(struct match *m, uint32_t number)
{
	uint32_t *known = &m->s->leaves[number];

	if (*known >> 1 != m->s->epoch) {
		bool holds = find_out(m, number);

		*known = m->s->epoch << 1 | holds;
	}
	return *known & 1;
}

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
	plan_make(plan, m->engine, &key, m->s->sources, m->s->epoch);
	return plan;
}

static void look_at_source(struct match *m, uint32_t source)
{
	uint32_t number = source / SOURCE_KINDS;
	const struct field_index *index = &m->engine->indexes[number];

	if (event_get(m->event, index->field)->type == VALUE_NULL)
		return;
	switch ((enum source_kind)(source % SOURCE_KINDS)) {
	case SOURCE_PRESENT:
		add_candidates(m, index->present);
		return;
	case SOURCE_SCAN:
		scan_field(m, number, SCAN_ANCHORS);
		break;
	case SOURCE_EXACT:
	case SOURCE_KINDS:
		break;
	}
	look_up(m, number);
	if (m->s->odd[number] == m->s->epoch)
		add_candidates(m, index->anchored);
}

static void find_candidates(struct match *m, const struct plan *plan)
{
	/* Alive before anything is looked up: what is found then counts. A gate's own fields, which
	 * may have been looked up already, carry no anchors. */
	for (uint32_t i = 0; i < plan->group_count; i++)
		m->s->groups[plan->groups[i]] = m->s->epoch;
	for (uint32_t i = 0; i < plan->always_count; i++)
		add_candidate(m, plan->always[i]);
	for (uint32_t i = 0; i < plan->source_count; i++)
		look_at_source(m, plan->sources[i]);
}

static bool slot_matches(struct match *m, const struct slot *slot)
{
	const struct test *code = m->engine->code;
	uint32_t at = slot->start;

	while (at < CODE_FAIL)
		at = leaf_holds(m, code[at].leaf) ? code[at].on_true : code[at].on_false;
	return at == CODE_MATCH;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

uint32_t engine_match(const struct engine *engine, const struct event *event,
		      struct engine_scratch *s, const struct engine_hit **hits)
{
	struct match m = {engine, event, s};
	uint32_t n = 0;

	next_epoch(s);
	find_candidates(&m, find_plan(&m));
	for (uint32_t i = 0; i < s->candidate_count; i++)
		if (slot_matches(&m, &engine->slots[s->candidates[i]]))
			s->matched_slots[n++] = s->candidates[i];
	/* Slots are numbered in order of loading. */
	if (n > 1)
		qsort(s->matched_slots, n, sizeof(*s->matched_slots), by_number);
	for (uint32_t i = 0; i < n; i++)
		s->hits[i] = engine->slots[s->matched_slots[i]].hit;
	*hits = s->hits;
	return n;
}
