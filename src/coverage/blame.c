/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why does something never hold? Under each kind of event it takes some number of changes to make it
 * hold: events of another category, another value in a facet, a field more. The kind with the
 * cheapest changes is the one the author had in mind, and the changes are what is missing.
 */
#include "coverage/coverage_internal.h"

#include "eql/inspect.h"

/* What the author asks for is told first by the category, then by values, and fields come with both.
 * One of the greater outweighs all of the lesser: a rule has no thousand fields. */
#define COST_CATEGORY 1000000000u
#define COST_VALUE 1000000u
#define COST_FOREIGN 1000u
#define COST_FIELD 1u
#define COST_NEVER (UINT32_MAX / 2)

/* Of a list in a text. */
#define LIST_MAX 4

static uint32_t sum(uint32_t a, uint32_t b)
{
	return a + b < COST_NEVER ? a + b : COST_NEVER;
}

static bool may(const struct node *node, bool wanted)
{
	return node->outcomes & (wanted ? MAY_BE_TRUE : MAY_BE_FALSE);
}

/* Fields the kind in hand lacks. */
static uint32_t leaf_cost(const struct judge *j, const struct eql_leaf *leaf)
{
	uint32_t cost = 0;

	if (leaf_is_settled(j, leaf))
		return COST_VALUE;
	for (uint32_t i = 0; i < leaf->field_count; i++)
		if (!leaf_field_filled(j, leaf, i))
			cost +=
			    field_is_foreign(j, field_set_info(j->fields, leaf->fields[i])->name)
				? COST_FOREIGN
				: COST_FIELD;
	return cost;
}

/* Which kid of a node that needs one of them to come out as `wanted` is nearest to it. */
static struct node *nearest(const struct judge *j, const struct node *node, bool wanted,
			    uint32_t *cost);

/* Changes that make the node come out as `wanted`, its outcomes being known. */
static uint32_t cost_of(const struct judge *j, const struct node *node, bool wanted)
{
	const struct eql_cond *cond = node->cond;
	uint32_t cost = 0;

	if (may(node, wanted))
		return 0;
	switch (cond->kind) {
	case EQL_COND_CONST:
		return COST_NEVER;
	case EQL_COND_NOT:
		return cost_of(j, &node->kids[0], !wanted);
	case EQL_COND_LEAF:
		return leaf_cost(j, cond->leaf);
	case EQL_COND_RELATION:
		return COST_VALUE;
	default:
		break;
	}
	if ((cond->kind == EQL_COND_AND) != wanted) {
		nearest(j, node, wanted, &cost);
		return cost;
	}
	for (uint32_t i = 0; i < cond->kid_count; i++)
		cost = sum(cost, cost_of(j, &node->kids[i], wanted));
	return cost;
}

static struct node *nearest(const struct judge *j, const struct node *node, bool wanted,
			    uint32_t *cost)
{
	struct node *best = NULL;

	*cost = COST_NEVER;
	for (uint32_t i = 0; i < node->cond->kid_count; i++) {
		uint32_t kid = cost_of(j, &node->kids[i], wanted);

		if (best && kid >= *cost)
			continue;
		best = &node->kids[i];
		*cost = kid;
	}
	return best;
}

/* ---- naming it */

static struct str leaf_text(struct judge *j, const struct eql_leaf *leaf)
{
	struct buf text = {0};

	eql_leaf_write(leaf, j->fields, LIST_MAX, &text);
	struct str copy = arena_str(&j->gaps, buf_str(&text));

	buf_free(&text);
	return copy;
}

static void name_value(struct judge *j, const struct eql_leaf *leaf, bool wanted, uint32_t stage,
		       enum gap_cost cost)
{
	struct str field = field_set_info(j->fields, leaf->fields[0])->name;
	struct str text = leaf_text(j, leaf);

	if (value_is_foreign(field) && cost == GAP_ALTERNATIVE)
		cost = GAP_FOREIGN;
	if (!wanted)
		text = arena_printf(&j->gaps, "not %.*s", STR_ARG(text));
	add_gap(j, (struct coverage_gap){.kind = GAP_VALUE,
					 .cost = cost,
					 .what = text,
					 .field = leaf->fields[0],
					 .stage = stage});
}

static void name_fields(struct judge *j, const struct eql_leaf *leaf, uint32_t stage,
			enum gap_cost cost)
{
	for (uint32_t i = 0; i < leaf->field_count; i++)
		if (!leaf_field_filled(j, leaf, i))
			add_field_gap(j, leaf->fields[i], stage, cost);
}

static void name(struct judge *j, const struct node *node, bool wanted, uint32_t stage,
		 enum gap_cost cost)
{
	const struct eql_cond *cond = node->cond;
	uint32_t unused;

	if (may(node, wanted))
		return;
	if (cond->kind == EQL_COND_NOT) {
		name(j, &node->kids[0], !wanted, stage, cost);
	} else if (cond->kind == EQL_COND_LEAF) {
		if (leaf_is_settled(j, cond->leaf))
			name_value(j, cond->leaf, wanted, stage, cost);
		else
			name_fields(j, cond->leaf, stage, cost);
	} else if (cond->kind == EQL_COND_RELATION) {
		const struct eql_relation *r = &j->rule->query->relations[cond->relation];
		uint32_t kind = j->kind_index;

		blame_filter(j, &j->filters[r->filter], NULL, 0, stage, cost);
		take_kind(j, kind);
	} else if ((cond->kind == EQL_COND_AND) != wanted) {
		if (cond->kid_count)
			name(j, nearest(j, node, wanted, &unused), wanted, stage, cost);
	} else {
		for (uint32_t i = 0; i < cond->kid_count; i++)
			name(j, &node->kids[i], wanted, stage, cost);
	}
}

/* ---- filters */

static uint32_t key_cost(const struct judge *j, const struct eql_key *keys, uint32_t count)
{
	uint32_t cost = 0;

	for (uint32_t i = 0; i < count; i++)
		cost += !keys[i].optional && !supply_fills(j->kind, keys[i].field);
	return cost * COST_FIELD;
}

static bool category_fits(const struct judge *j, const struct fed_filter *fed)
{
	return j->kind->facets_unknown || eql_category_fits(fed->filter, &j->event);
}

static uint32_t filter_cost(struct judge *j, struct fed_filter *fed, const struct eql_key *keys,
			    uint32_t count)
{
	uint32_t cost = category_fits(j, fed) ? 0 : COST_CATEGORY;

	find_outcomes(j, &fed->root);
	cost = sum(cost, sum(key_cost(j, keys, count), cost_of(j, &fed->root, true)));
	if (!fed->whole.cond)
		return cost;
	find_outcomes(j, &fed->whole);
	return sum(cost, cost_of(j, &fed->whole, true));
}

static void name_category(struct judge *j, const struct fed_filter *fed, uint32_t stage,
			  enum gap_cost cost)
{
	add_gap(j, (struct coverage_gap){.kind = GAP_CATEGORY,
					 .cost = cost,
					 .what = arena_str(&j->gaps, fed->filter->category),
					 .field = fed->filter->category_field,
					 .stage = stage});
}

void blame_filter(struct judge *j, struct fed_filter *fed, const struct eql_key *keys,
		  uint32_t count, uint32_t stage, enum gap_cost cost)
{
	uint32_t best_cost = UINT32_MAX, best = 0;

	for (uint32_t k = 0; k < supply_kind_count(j->supply); k++) {
		take_kind(j, k);
		uint32_t kind_cost = filter_cost(j, fed, keys, count);

		if (kind_cost >= best_cost)
			continue;
		best_cost = kind_cost;
		best = k;
	}
	/* Without any kind, or of another category, what else is missing is not known. */
	if (best_cost >= COST_CATEGORY) {
		if (fed->filter->any_category)
			return;
		name_category(j, fed, stage, cost);
		return;
	}
	take_kind(j, best);
	filter_cost(j, fed, keys, count);
	for (uint32_t i = 0; i < count; i++)
		if (!keys[i].optional && !supply_fills(j->kind, keys[i].field))
			add_field_gap(j, keys[i].field, stage, cost);
	name(j, &fed->root, true, stage, cost);
	if (fed->whole.cond)
		name(j, &fed->whole, true, stage, cost);
}

void blame_node(struct judge *j, struct fed_filter *fed, struct node *node, uint32_t stage)
{
	uint32_t best_cost = UINT32_MAX, best = UINT32_MAX;

	for (uint32_t k = 0; k < supply_kind_count(j->supply); k++) {
		take_kind(j, k);
		if (!category_fits(j, fed))
			continue;
		find_outcomes(j, node);
		uint32_t cost = cost_of(j, node, true);

		/* Where it may hold, its surroundings do not: of no use here. */
		if (cost >= best_cost)
			continue;
		best_cost = cost;
		best = k;
	}
	if (best == UINT32_MAX || best_cost >= COST_NEVER)
		return;
	take_kind(j, best);
	find_outcomes(j, node);
	name(j, node, true, stage, GAP_ALTERNATIVE);
}
