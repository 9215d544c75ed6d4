/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one three-valued expression to a two-valued tree over leaves. The line between the two runs
 * where and, or and not end; below it an expression is one leaf. Constants disappear: a null one
 * counts as false, by itself and under and/or; not(null) has been folded to null before it comes
 * here, so it is false too.
 */
#include "eql/condition_internal.h"
#include "eql/leaf_internal.h"

static struct eql_cond *new_cond(struct compiler *c, enum eql_cond_kind kind, uint32_t kids)
{
	struct eql_cond *cond = ARENA_NEW(c->arena, struct eql_cond);

	cond->kind = kind;
	cond->kids = ARENA_ARRAY(c->arena, struct eql_cond *, kids);
	return cond;
}

struct eql_cond *eql_cond_const(struct compiler *c, bool value)
{
	struct eql_cond *cond = new_cond(c, EQL_COND_CONST, 0);

	cond->constant = value;
	return cond;
}

/* NULL and EXISTS are each other's negation, so no NOT is needed there; nor does not not. */
struct eql_cond *eql_cond_not(struct compiler *c, struct eql_cond *kid)
{
	if (kid->kind == EQL_COND_CONST)
		return eql_cond_const(c, !kid->constant);
	if (kid->kind == EQL_COND_NOT)
		return kid->kids[0];
	if (kid->kind == EQL_COND_LEAF &&
	    (kid->leaf->kind == EQL_LEAF_NULL || kid->leaf->kind == EQL_LEAF_EXISTS)) {
		struct eql_cond *cond = new_cond(c, EQL_COND_LEAF, 0);

		cond->leaf = eql_leaf_presence(
		    c, kid->leaf->field, eql_leaf_stage(kid->leaf),
		    kid->leaf->kind == EQL_LEAF_EXISTS ? EQL_LEAF_NULL : EQL_LEAF_EXISTS);
		cond->leaf->text_at = kid->leaf->text_at;
		cond->leaf->text_len = kid->leaf->text_len;
		return cond;
	}
	struct eql_cond *cond = new_cond(c, EQL_COND_NOT, 1);

	cond->kids[0] = kid;
	cond->kid_count = 1;
	return cond;
}

/* How many kids a flattened node has at most. */
static uint32_t count_kids(struct eql_cond *const *kids, uint32_t count, enum eql_cond_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += kids[i]->kind == kind ? kids[i]->kid_count : 1;
	return n;
}

/* Kids of the same kind move up; constants decide or vanish. */
struct eql_cond *eql_cond_join(struct compiler *c, enum eql_cond_kind kind,
			       struct eql_cond *const *kids, uint32_t count)
{
	bool decisive = kind == EQL_COND_OR;
	struct eql_cond *cond = new_cond(c, kind, count_kids(kids, count, kind));

	for (uint32_t i = 0; i < count; i++) {
		struct eql_cond *kid = kids[i];

		if (kid->kind == EQL_COND_CONST) {
			if (kid->constant == decisive)
				return eql_cond_const(c, decisive);
		} else if (kid->kind == kind) {
			memcpy(cond->kids + cond->kid_count, kid->kids,
			       kid->kid_count * sizeof(*kid->kids));
			cond->kid_count += kid->kid_count;
		} else {
			cond->kids[cond->kid_count++] = kid;
		}
	}
	if (!cond->kid_count)
		return eql_cond_const(c, !decisive);
	return cond->kid_count == 1 ? cond->kids[0] : cond;
}

struct eql_cond *eql_condition(struct compiler *c, struct eql_expr *x)
{
	switch (x->kind) {
	case EXPR_LITERAL:
		return eql_cond_const(c, x->literal.type == VALUE_BOOL && x->literal.boolean);
	case EXPR_NOT:
		return eql_cond_not(c, eql_condition(c, x->kids[0]));
	case EXPR_AND:
	case EXPR_OR: {
		struct eql_cond **kids =
		    ARENA_ARRAY(c->source->scratch, struct eql_cond *, x->kid_count);

		for (uint32_t i = 0; i < x->kid_count; i++)
			kids[i] = eql_condition(c, x->kids[i]);
		return eql_cond_join(c, x->kind == EXPR_AND ? EQL_COND_AND : EQL_COND_OR, kids,
				     x->kid_count);
	}
	case EXPR_RELATION: {
		struct eql_cond *cond = new_cond(c, EQL_COND_RELATION, 0);

		cond->relation = x->relation;
		return cond;
	}
	default: {
		struct eql_cond *cond = new_cond(c, EQL_COND_LEAF, 0);

		cond->leaf = eql_leaf_new(c, x);
		return cond;
	}
	}
}
