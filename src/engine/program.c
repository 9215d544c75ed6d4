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

/* A bit of a verdict. */
#define COST_LOOK 2.0f
/* Asking a leaf that has none, in addition to what eql_leaf.cost says: it makes the outcome of all
 * events with the same verdicts depend on the event. */
#define COST_EVENT 100.0f

/* In eql_leaf.cost. */
#define PARTICULAR_COST 100

static float chance_of_literals(const struct builder *b, const struct leaf *leaf, uint32_t number)
{
	struct span span = b->leaf_literals[number];
	float chance = 0;

	if (anchor_low_cardinality(b, leaf->field))
		return 0.5f;
	for (uint32_t i = 0; i < span.count; i++) {
		const struct literal *l = &b->literals[b->literal_lists[span.at + i]];

		chance += (l->pattern ? 0.03f : 0.01f) * (1 + (float)l->share / 4);
	}
	return fminf(chance, 0.5f);
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
		node->chance = chance_of_literals(b, leaf, node->leaf);
		return;
	case LEAF_VALUE:
		node->chance = 0.3f;
		return;
	case LEAF_LATER:
	case LEAF_EVENT:
		/* What is costly is a regular expression or a list, and those are particular. */
		node->chance = leaf->eql->cost >= PARTICULAR_COST ? 0.1f : 0.3f;
		node->cost = COST_EVENT + (float)leaf->eql->cost;
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
