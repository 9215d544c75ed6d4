/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's condition: from the EQL room's tree to branching code. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/build_internal.h"

struct node *program_tree(struct builder *b, const struct eql_cond *cond, uint32_t slot)
{
	struct node *node = ARENA_NEW(&b->arena, struct node);

	node->kind = cond->kind;
	node->constant = cond->constant;
	if (cond->kind == EQL_COND_LEAF) {
		node->leaf = build_leaf(b, cond->leaf, slot);
		return node;
	}
	node->kid_count = cond->kid_count;
	node->kids = ARENA_ARRAY(&b->arena, struct node *, cond->kid_count);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		node->kids[i] = program_tree(b, cond->kids[i], slot);
	return node;
}

static bool belongs_to_gate(const struct builder *b, const struct node *node)
{
	if (node->kind != EQL_COND_LEAF)
		return false;
	const struct leaf *leaf = &b->leaves[node->leaf];

	return leaf->how == LEAF_INDEXED && anchor_low_cardinality(b, leaf->field);
}

uint32_t program_take_gate(struct builder *b, struct node *tree, uint32_t *gate, uint32_t max)
{
	uint32_t n = 0;

	if (tree->kind == EQL_COND_AND) {
		for (uint32_t i = 0; i < tree->kid_count; i++)
			n += program_take_gate(b, tree->kids[i], gate + n, max - n);
	} else if (max && belongs_to_gate(b, tree)) {
		gate[n++] = tree->leaf;
		tree->kind = EQL_COND_CONST;
		tree->constant = true;
	}
	return n;
}

/* Looking at a leaf that is known already, or a plain look at a slot of the event. */
#define COST_LOOK 2.0f
/* Looking a value up. */
#define COST_LOOK_UP 10.0f
/* Trying one pattern without a scan, and every byte of that. */
#define COST_PATTERN 30.0f
#define COST_PATTERN_BYTE 0.3f

/* In eql_leaf.cost. */
#define PARTICULAR_COST 100

static void estimate_indexed(const struct builder *b, const struct leaf *leaf, struct node *node)
{
	struct span span = b->leaf_literals[node->leaf];
	float pattern = COST_PATTERN + COST_PATTERN_BYTE * anchor_bytes(b, leaf->field);
	float chance = 0, patterns = 0;

	for (uint32_t i = 0; i < span.count; i++) {
		const struct literal *l = &b->literals[b->literal_lists[span.at + i]];

		chance += (l->pattern ? 0.03f : 0.01f) * (1 + (float)l->share / 4);
		patterns += !l->pattern ? 0 : l->anchor ? COST_LOOK : pattern;
	}
	if (anchor_low_cardinality(b, leaf->field))
		chance = 0.5f;
	node->chance = fminf(chance, 0.5f);
	/* A scan of the whole field answers for all patterns. */
	node->cost =
	    COST_LOOK_UP + fminf(patterns, anchor_scan_cost(b, leaf->index, NEED_WHOLE) + pattern);
}

static void estimate_leaf(const struct builder *b, struct node *node)
{
	const struct leaf *leaf = &b->leaves[node->leaf];

	node->cost = COST_LOOK;
	switch ((enum leaf_how)leaf->how) {
	case LEAF_NULL:
		node->chance = 0.2f;
		return;
	case LEAF_EXISTS:
		node->chance = 0.8f;
		return;
	case LEAF_INDEXED:
		estimate_indexed(b, leaf, node);
		return;
	case LEAF_EVAL:
		/* What is costly is a regular expression or a list, and those are particular. */
		node->chance = leaf->eql->cost >= PARTICULAR_COST ? 0.1f : 0.3f;
		node->cost = fmaxf((float)leaf->eql->cost, 4 * COST_LOOK_UP);
		return;
	}
}

/* What trying a node early is worth: in a conjunction how cheaply it may end it by failing, in a
 * disjunction by holding. Lower is better. */
static float and_rank(const struct node *n)
{
	return n->cost / fmaxf(1 - n->chance, 0.001f);
}

static float or_rank(const struct node *n)
{
	return n->cost / fmaxf(n->chance, 0.001f);
}

static int by_and_rank(const void *a, const void *b)
{
	float x = and_rank(*(struct node *const *)a), y = and_rank(*(struct node *const *)b);

	return (x > y) - (x < y);
}

static int by_or_rank(const void *a, const void *b)
{
	float x = or_rank(*(struct node *const *)a), y = or_rank(*(struct node *const *)b);

	return (x > y) - (x < y);
}

void program_order(struct builder *b, struct node *tree)
{
	bool is_and = tree->kind == EQL_COND_AND;
	float reached = 1; /* the chance that a kid is looked at */

	switch (tree->kind) {
	case EQL_COND_CONST:
		tree->chance = tree->constant ? 1 : 0;
		return;
	case EQL_COND_LEAF:
		estimate_leaf(b, tree);
		return;
	case EQL_COND_NOT:
		program_order(b, tree->kids[0]);
		tree->chance = 1 - tree->kids[0]->chance;
		tree->cost = tree->kids[0]->cost;
		return;
	case EQL_COND_RELATION: /* never in a filter's cond */
	case EQL_COND_AND:
	case EQL_COND_OR:
		break;
	}
	for (uint32_t i = 0; i < tree->kid_count; i++)
		program_order(b, tree->kids[i]);
	tree->cost = 0;
	qsort(tree->kids, tree->kid_count, sizeof(*tree->kids), is_and ? by_and_rank : by_or_rank);
	for (uint32_t i = 0; i < tree->kid_count; i++) {
		tree->cost += reached * tree->kids[i]->cost;
		reached *= is_and ? tree->kids[i]->chance : 1 - tree->kids[i]->chance;
	}
	tree->chance = is_and ? reached : 1 - reached;
}

/* Backwards: a test must know where to go on before it is written. */
uint32_t program_emit(struct builder *b, const struct node *tree, uint32_t on_true,
		      uint32_t on_false)
{
	uint32_t start;

	switch (tree->kind) {
	case EQL_COND_CONST:
		return tree->constant ? on_true : on_false;
	case EQL_COND_NOT:
		return program_emit(b, tree->kids[0], on_false, on_true);
	case EQL_COND_LEAF:
		GROW(b->code, b->code_count, b->code_cap);
		b->code[b->code_count] = (struct test){tree->leaf, on_true, on_false};
		return b->code_count++;
	case EQL_COND_RELATION: /* never in a filter's cond */
	case EQL_COND_AND:
	case EQL_COND_OR:
		break;
	}
	start = tree->kind == EQL_COND_AND ? on_true : on_false;
	for (uint32_t i = tree->kid_count; i-- > 0;)
		start = tree->kind == EQL_COND_AND ? program_emit(b, tree->kids[i], start, on_false)
						   : program_emit(b, tree->kids[i], on_true, start);
	return start;
}
