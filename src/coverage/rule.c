/* SPDX-License-Identifier: Apache-2.0 */
#include "coverage/coverage.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "coverage/coverage_internal.h"

static const char *const verdicts[] = {"full", "part", "missing"};
static const char *const gap_names[] = {"category", "value", "field"};
static const char *const cost_names[] = {"rule", "alternative", "exclusion", "optional", "foreign"};

const char *coverage_verdict_name(enum coverage_verdict verdict)
{
	return verdicts[verdict];
}

const char *coverage_gap_name(enum gap_kind kind)
{
	return gap_names[kind];
}

const char *coverage_cost_name(enum gap_cost cost)
{
	return cost_names[cost];
}

struct judge *judge_new(const struct supply *supply, const struct field_set *fields)
{
	struct judge *j = xcalloc(1, sizeof(*j));

	j->supply = supply;
	j->fields = fields;
	arena_init(&j->gaps);
	arena_init(&j->arena);
	j->scratch = eql_scratch_new();
	event_init(&j->event, fields);
	return j;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	free(j->found);
	event_free(&j->event);
	eql_scratch_free(j->scratch);
	arena_free(&j->arena);
	arena_free(&j->gaps);
	free(j);
}

/* ---- gaps */

static bool same_gap(const struct coverage_gap *a, const struct coverage_gap *b)
{
	return a->kind == b->kind && a->stage == b->stage && str_eq(a->what, b->what);
}

void add_gap(struct judge *j, struct coverage_gap gap)
{
	gap.events = supply_field_events(j->supply, gap.field);
	for (uint32_t i = 0; i < j->found_count; i++)
		if (same_gap(&j->found[i], &gap)) {
			/* It costs the most of what it costs anywhere. */
			if (gap.cost < j->found[i].cost)
				j->found[i].cost = gap.cost;
			return;
		}
	if (j->found_count == j->found_cap) {
		j->found_cap = j->found_cap ? j->found_cap * 2 : 16;
		j->found = xreallocarray(j->found, j->found_cap, sizeof(*j->found));
	}
	j->found[j->found_count++] = gap;
}

/* Has the author written ?name? The compiled query does not keep that: a missing field is null either
 * way. */
static bool is_optional(struct str text, struct str name)
{
	for (size_t at = 0; (at = str_find(text, name, at)) != SIZE_MAX; at++) {
		size_t end = at + name.len;
		char next = end < text.len ? text.p[end] : ' ';
		bool ends = !(next == '.' || next == '_' || next == '-' || next == '@' ||
			      (next >= '0' && next <= '9') ||
			      (ascii_lower((unsigned char)next) >= 'a' &&
			       ascii_lower((unsigned char)next) <= 'z'));

		if (at && text.p[at - 1] == '?' && ends)
			return true;
	}
	return false;
}

void add_field_gap(struct judge *j, uint32_t field, uint32_t stage, enum gap_cost cost)
{
	struct str name = field_set_info(j->fields, field)->name;

	if (cost != GAP_RULE && field_is_foreign(j, name))
		cost = GAP_FOREIGN;
	else if (cost != GAP_RULE && is_optional(j->rule->query_text, name))
		cost = GAP_OPTIONAL;
	add_gap(j,
		(struct coverage_gap){
		    .kind = GAP_FIELD, .cost = cost, .what = name, .field = field, .stage = stage});
}

/* ---- what a rule needs */

/* The filters of process relations do not depend on stages, and stages may on them. */
static void feed_relations(struct judge *j)
{
	const struct eql_query *q = j->rule->query;

	for (uint32_t i = 0; i < q->relation_count; i++)
		feed_filter(j, q->relations[i].filter, NULL, 0);
}

static void feed_all(struct judge *j)
{
	const struct eql_query *q = j->rule->query;

	feed_relations(j);
	if (q->kind == EQL_QUERY_EVENT)
		feed_filter(j, 0, NULL, 0);
	for (uint32_t i = 0; i < q->stage_count; i++)
		if (!i || q->stages[i].filter != q->stages[i - 1].filter)
			feed_filter(j, q->stages[i].filter, q->stages[i].keys, q->key_count);
	if (q->until)
		feed_filter(j, q->until->filter, q->until->keys, q->key_count);
}

/* A stage that must come, or one that must not: its absence is then no hindrance. */
static void judge_stage(struct judge *j, const struct eql_stage *stage, uint32_t number,
			bool must_come)
{
	struct fed_filter *fed = &j->filters[stage->filter];

	if (fed->fed)
		find_gaps(j, fed, number);
	else
		blame_filter(j, fed, stage->keys, j->rule->query->key_count, number,
			     must_come ? GAP_RULE : GAP_EXCLUSION);
}

static void judge_query(struct judge *j)
{
	const struct eql_query *q = j->rule->query;

	if (q->kind == EQL_QUERY_EVENT) {
		struct fed_filter *fed = &j->filters[0];

		if (fed->fed)
			find_gaps(j, fed, 0);
		else
			blame_filter(j, fed, NULL, 0, 0, GAP_RULE);
	}
	for (uint32_t i = 0; i < q->stage_count; i++)
		/* `with runs` repeats a stage */
		if (!i || q->stages[i].filter != q->stages[i - 1].filter)
			judge_stage(j, &q->stages[i], i + 1, !q->stages[i].missing);
	if (q->until)
		judge_stage(j, q->until, q->stage_count + 1, false);
	for (uint32_t i = 0; i < q->relation_count; i++)
		if (j->filters[q->relations[i].filter].fed)
			find_gaps(j, &j->filters[q->relations[i].filter], 0);
}

/* Some event that satisfies the query's (only) filter must have the field. */
static void judge_group(struct judge *j, uint32_t field, enum gap_cost cost)
{
	const struct fed_filter *fed = &j->filters[0];

	for (uint32_t k = 0; fed->kinds && k < supply_kind_count(j->supply); k++)
		if (fed->kinds[k / 64] >> (k % 64) & 1 &&
		    supply_fills(supply_kind(j->supply, k), field))
			return;
	if (fed->fed)
		add_field_gap(j, field, 0, cost);
}

static void judge_groups(struct judge *j)
{
	const struct rule *rule = j->rule;

	if (rule->kind == RULE_KIND_THRESHOLD) {
		for (uint32_t i = 0; i < rule->threshold.fields.count; i++)
			judge_group(j, rule->threshold.fields.ids[i], GAP_RULE);
		if (rule->threshold.has_cardinality)
			judge_group(j, rule->threshold.cardinality_field, GAP_RULE);
	}
	if (rule->kind == RULE_KIND_NEW_TERMS)
		for (uint32_t i = 0; i < rule->new_terms.fields.count; i++)
			judge_group(j, rule->new_terms.fields.ids[i], GAP_RULE);
	for (uint32_t i = 0; rule->suppressed && i < rule->suppression.fields.count; i++)
		judge_group(j, rule->suppression.fields.ids[i], GAP_EXCLUSION);
}

static void judge_exception_leaves(struct judge *j, const struct eql_cond *cond)
{
	for (uint32_t i = 0; i < cond->kid_count; i++)
		judge_exception_leaves(j, cond->kids[i]);
	if (cond->kind != EQL_COND_LEAF)
		return;
	for (uint32_t i = 0; i < cond->leaf->field_count; i++)
		judge_group(j, cond->leaf->fields[i], GAP_EXCLUSION);
}

static enum coverage_verdict verdict_of(const struct judge *j)
{
	enum coverage_verdict verdict = COVERAGE_FULL;

	for (uint32_t i = 0; i < j->found_count; i++) {
		if (j->found[i].cost == GAP_RULE)
			return COVERAGE_NO;
		if (j->found[i].cost == GAP_ALTERNATIVE || j->found[i].cost == GAP_EXCLUSION)
			verdict = COVERAGE_PART;
	}
	return verdict;
}

static int by_cost(const void *a, const void *b)
{
	const struct coverage_gap *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	return str_cmp(x->what, y->what);
}

/* Can every part of the query that must come come? What blame_filter() cannot name counts as well. */
static bool can_fire(const struct judge *j)
{
	const struct eql_query *q = j->rule->query;

	if (q->kind == EQL_QUERY_EVENT)
		return j->filters[0].fed;
	for (uint32_t i = 0; i < q->stage_count; i++)
		if (!q->stages[i].missing && !j->filters[q->stages[i].filter].fed)
			return false;
	return true;
}

struct rule_coverage judge_rule(struct judge *j, const struct rule *rule)
{
	struct rule_coverage result = {
	    .rule = rule,
	    .is_for_endpoint = coverage_for_endpoint(rule->indices, rule->index_count),
	};

	arena_reset(&j->arena);
	j->rule = rule;
	j->found_count = 0;
	j->filters = ARENA_ARRAY(&j->arena, struct fed_filter, rule->query->filter_count);
	feed_all(j);
	judge_query(j);
	judge_groups(j);
	for (uint32_t i = 0; i < rule->exception_count; i++)
		if (rule->exceptions[i].cond)
			judge_exception_leaves(j, rule->exceptions[i].cond);
	if (j->found_count)
		qsort(j->found, j->found_count, sizeof(*j->found), by_cost);
	struct coverage_gap *gaps = ARENA_ARRAY(&j->gaps, struct coverage_gap, j->found_count);

	if (j->found_count)
		memcpy(gaps, j->found, j->found_count * sizeof(*gaps));
	result.gaps = gaps;
	result.gap_count = j->found_count;
	result.verdict = can_fire(j) ? verdict_of(j) : COVERAGE_NO;
	return result;
}
