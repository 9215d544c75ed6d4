/* SPDX-License-Identifier: Apache-2.0 */
#include "coverage/coverage_internal.h"

static bool bit(const uint64_t *bitmap, uint32_t i)
{
	return bitmap[i / 64] >> (i % 64) & 1;
}

void take_kind(struct judge *j, uint32_t kind)
{
	j->kind_index = kind;
	j->kind = supply_kind(j->supply, kind);
	supply_fill_facets(j->supply, j->kind, &j->event);
}

/* By some event that satisfies the stage. */
static bool stage_fills(const struct judge *j, uint32_t stage, uint32_t field)
{
	const struct eql_query *q = j->rule->query;
	const struct fed_filter *fed = &j->filters[q->stages[stage].filter];

	for (uint32_t k = 0; fed->kinds && k < supply_kind_count(j->supply); k++)
		if (bit(fed->kinds, k) && supply_fills(supply_kind(j->supply, k), field))
			return true;
	return false;
}

bool leaf_field_filled(const struct judge *j, const struct eql_leaf *leaf, uint32_t i)
{
	uint32_t stage = leaf->field_stages ? leaf->field_stages[i] : EQL_THIS_EVENT;

	return stage == EQL_THIS_EVENT ? supply_fills(j->kind, leaf->fields[i])
				       : stage_fills(j, stage, leaf->fields[i]);
}

bool leaf_is_settled(const struct judge *j, const struct eql_leaf *leaf)
{
	if (leaf->field_stages || j->kind->facets_unknown)
		return false;
	for (uint32_t i = 0; i < leaf->field_count; i++)
		if (supply_facet(j->supply, leaf->fields[i]) == FACET_COUNT)
			return false;
	return true;
}

static uint8_t leaf_outcomes(const struct judge *j, const struct eql_leaf *leaf)
{
	uint32_t missing = 0;

	if (leaf_is_settled(j, leaf))
		return eql_leaf_eval(leaf, &j->event, j->scratch) ? MAY_BE_TRUE : MAY_BE_FALSE;
	for (uint32_t i = 0; i < leaf->field_count; i++)
		missing += !leaf_field_filled(j, leaf, i);
	if (!missing)
		return MAY_BE_TRUE | MAY_BE_FALSE;
	if (leaf->kind == EQL_LEAF_NULL)
		return MAY_BE_TRUE;
	/* A null anywhere makes a comparison or a function null, unless it is made to take one. */
	return leaf->needs_value ? MAY_BE_FALSE : MAY_BE_TRUE | MAY_BE_FALSE;
}

static uint8_t joined_outcomes(const struct node *node, bool is_and)
{
	/* The outcome that one kid decides, and the one that takes all of them. */
	uint8_t one = is_and ? MAY_BE_FALSE : MAY_BE_TRUE, all = one ^ 3;
	uint8_t some = 0, every = all;

	for (uint32_t i = 0; i < node->cond->kid_count; i++) {
		some |= node->kids[i].outcomes & one;
		every &= node->kids[i].outcomes;
	}
	return some | every;
}

static uint8_t relation_outcomes(const struct judge *j, uint32_t relation)
{
	const struct fed_filter *fed = &j->filters[j->rule->query->relations[relation].filter];

	return fed->fed ? MAY_BE_TRUE | MAY_BE_FALSE : MAY_BE_FALSE;
}

static uint8_t swapped(uint8_t outcomes)
{
	return (uint8_t)((outcomes & MAY_BE_TRUE ? MAY_BE_FALSE : 0) |
			 (outcomes & MAY_BE_FALSE ? MAY_BE_TRUE : 0));
}

void find_outcomes(struct judge *j, struct node *node)
{
	for (uint32_t i = 0; i < node->cond->kid_count; i++)
		find_outcomes(j, &node->kids[i]);
	switch (node->cond->kind) {
	case EQL_COND_CONST:
		node->outcomes = node->cond->constant ? MAY_BE_TRUE : MAY_BE_FALSE;
		break;
	case EQL_COND_AND:
	case EQL_COND_OR:
		node->outcomes = joined_outcomes(node, node->cond->kind == EQL_COND_AND);
		break;
	case EQL_COND_NOT:
		node->outcomes = swapped(node->kids[0].outcomes);
		break;
	case EQL_COND_LEAF:
		node->outcomes = leaf_outcomes(j, node->cond->leaf);
		break;
	case EQL_COND_RELATION:
		node->outcomes = relation_outcomes(j, node->cond->relation);
		break;
	}
}

/* The node comes out as `wanted` under the kind in hand: mark what has a part in that. */
static void mark_live(struct judge *j, struct node *node, bool wanted)
{
	const struct eql_cond *cond = node->cond;
	bool takes_all = (cond->kind == EQL_COND_AND) == wanted;

	node->live = true;
	if (cond->kind == EQL_COND_NOT) {
		mark_live(j, &node->kids[0], !wanted);
		return;
	}
	if (cond->kind == EQL_COND_LEAF)
		for (uint32_t i = 0; i < cond->leaf->field_count; i++)
			node->filled |= (uint32_t)leaf_field_filled(j, cond->leaf, i) << i;
	for (uint32_t i = 0; i < cond->kid_count; i++)
		if (takes_all || node->kids[i].outcomes & (wanted ? MAY_BE_TRUE : MAY_BE_FALSE))
			mark_live(j, &node->kids[i], wanted);
}

static struct node grow(struct judge *j, const struct eql_cond *cond)
{
	struct node node = {.cond = cond,
			    .kids = ARENA_ARRAY(&j->arena, struct node, cond->kid_count)};

	for (uint32_t i = 0; i < cond->kid_count; i++)
		node.kids[i] = grow(j, cond->kids[i]);
	return node;
}

bool has_keys(const struct judge *j, const struct eql_key *keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!keys[i].optional && !supply_fills(j->kind, keys[i].field))
			return false;
	return true;
}

/* Under the kind in hand. */
static bool holds(struct judge *j, struct fed_filter *fed)
{
	if (!j->kind->facets_unknown && !eql_category_fits(fed->filter, &j->event))
		return false;
	find_outcomes(j, &fed->root);
	if (!(fed->root.outcomes & MAY_BE_TRUE))
		return false;
	if (!fed->whole.cond)
		return true;
	find_outcomes(j, &fed->whole);
	return fed->whole.outcomes & MAY_BE_TRUE;
}

void feed_filter(struct judge *j, uint32_t filter, const struct eql_key *keys, uint32_t count)
{
	struct fed_filter *fed = &j->filters[filter];
	uint32_t kinds = supply_kind_count(j->supply);

	/* Stages that share a filter share its keys, or differ in them: then any will do. */
	if (!fed->kinds) {
		fed->filter = &j->rule->query->filters[filter];
		fed->kinds = ARENA_ARRAY(&j->arena, uint64_t, kinds / 64 + 1);
		fed->root = grow(j, fed->filter->cond);
		if (fed->filter->whole)
			fed->whole = grow(j, fed->filter->whole);
	}
	for (uint32_t k = 0; k < kinds; k++) {
		take_kind(j, k);
		if (!has_keys(j, keys, count) || !holds(j, fed))
			continue;
		fed->fed = true;
		fed->kinds[k / 64] |= UINT64_C(1) << (k % 64);
		mark_live(j, &fed->root, true);
		if (fed->whole.cond)
			mark_live(j, &fed->whole, true);
	}
}

/* ---- what is missing in a filter that can be satisfied */

/* It is live all the same: below a `not`, or as `x == null`. So it narrows nothing. */
static void leaf_gaps(struct judge *j, const struct node *node, uint32_t stage)
{
	const struct eql_leaf *leaf = node->cond->leaf;

	for (uint32_t i = 0; i < leaf->field_count; i++)
		if (!(node->filled >> i & 1))
			add_field_gap(j, leaf->fields[i], stage, GAP_EXCLUSION);
}

static void node_gaps(struct judge *j, struct fed_filter *fed, struct node *node, bool wanted,
		      uint32_t stage)
{
	if (!node->live) {
		/* What is below a `not` and always holds is no loss: the other parts must differ. */
		if (wanted)
			blame_node(j, fed, node, stage);
		return;
	}
	if (node->cond->kind == EQL_COND_NOT) {
		node_gaps(j, fed, &node->kids[0], !wanted, stage);
		return;
	}
	if (node->cond->kind == EQL_COND_LEAF)
		leaf_gaps(j, node, stage);
	for (uint32_t i = 0; i < node->cond->kid_count; i++)
		node_gaps(j, fed, &node->kids[i], wanted, stage);
}

void find_gaps(struct judge *j, struct fed_filter *fed, uint32_t stage)
{
	node_gaps(j, fed, &fed->root, true, stage);
	if (fed->whole.cond)
		node_gaps(j, fed, &fed->whole, true, stage);
}
