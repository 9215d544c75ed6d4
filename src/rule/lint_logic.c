/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions that contradict, imply or repeat each other, as far as their leaves' facts say. What is
 * said is certain; what is not said may still be so.
 *
 * A *literal* is a leaf or its negation. Walking down a condition, `held` has the literals that must
 * all hold for what is below to matter: those of the `and`s above.
 */
#include <math.h>

#include "eql/inspect.h"
#include "rule/lint_internal.h"

/* Literals above a place that are remembered; what is beyond is not compared. */
#define HELD_MAX 256

struct literal {
	const struct eql_leaf *leaf;
	bool positive;
};

struct held {
	struct literal items[HELD_MAX];
	uint32_t count;
};

/* One comparison of two leaves; false when the rule's share is used up. */
static bool spend(struct lint *l, uint64_t cost)
{
	if (l->budget < cost)
		return false;
	l->budget -= cost;
	return true;
}

static bool as_literal(const struct eql_cond *cond, struct literal *out)
{
	bool negated = cond->kind == EQL_COND_NOT;

	if (negated)
		cond = cond->kids[0];
	if (cond->kind != EQL_COND_LEAF)
		return false;
	*out = (struct literal){cond->leaf, !negated};
	return true;
}

static bool has_strings(const struct eql_leaf *leaf)
{
	return leaf->kind == EQL_LEAF_EXACT || leaf->kind == EQL_LEAF_WILDCARD;
}

/* ---- sets of strings */

static bool has_letters(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = ascii_lower((unsigned char)s.p[i]);

		if (c >= 'a' && c <= 'z')
			return true;
	}
	return false;
}

static bool is_wild(const struct eql_leaf *leaf, struct str s)
{
	return leaf->kind == EQL_LEAF_WILDCARD &&
	       (memchr(s.p, '*', s.len) || memchr(s.p, '?', s.len));
}

/* Does every string that item `a` of A stands for satisfy B? */
static bool item_within(const struct eql_leaf *A, struct str a, const struct eql_leaf *B)
{
	/* In other cases too, which B would have to allow. */
	if (A->fold && !B->fold && has_letters(a))
		return false;
	for (uint32_t i = 0; i < B->string_count; i++) {
		struct str b = B->strings[i];

		if (B->fold ? str_eq_fold(a, b) : str_eq(a, b)) {
			/* The same text; a * means the same on both sides, or none is one. */
			if (is_wild(A, a) == is_wild(B, b))
				return true;
			continue;
		}
		/* A ? of the wider one could stand for one * of the other, which is more. */
		if (!is_wild(B, b) || (is_wild(A, a) && memchr(b.p, '?', b.len)))
			continue;
		if (eql_wildcard(b, a, B->fold))
			return true;
	}
	return false;
}

/* Every value that satisfies A satisfies B. Numbers and booleans that satisfy A by their text could
 * escape, so both must be about strings alone. */
static bool strings_within(struct lint *l, const struct eql_leaf *A, const struct eql_leaf *B)
{
	if (!has_strings(A) || !has_strings(B) || A->field != B->field || !A->strings_only ||
	    !spend(l, (uint64_t)A->string_count * B->string_count))
		return false;
	for (uint32_t i = 0; i < A->string_count; i++)
		if (!item_within(A, A->strings[i], B))
			return false;
	return A->string_count > 0;
}

/* The text before the first wildcard. */
static struct str head(const struct eql_leaf *leaf, struct str s)
{
	size_t n = 0;

	while (leaf->kind == EQL_LEAF_WILDCARD && n < s.len && s.p[n] != '*' && s.p[n] != '?')
		n++;
	return leaf->kind == EQL_LEAF_WILDCARD ? (struct str){s.p, n} : s;
}

static bool items_meet(const struct eql_leaf *A, struct str a, const struct eql_leaf *B,
		       struct str b)
{
	bool fold = A->fold || B->fold, wild_a = is_wild(A, a), wild_b = is_wild(B, b);

	if (!wild_a && !wild_b)
		return fold ? str_eq_fold(a, b) : str_eq(a, b);
	if (!wild_a || !wild_b)
		return wild_a ? eql_wildcard(a, b, fold) : eql_wildcard(b, a, fold);
	struct str x = head(A, a), y = head(B, b);

	/* Patterns whose fixed beginnings differ have no string in common. */
	return fold ? str_starts_fold(x, y) || str_starts_fold(y, x)
		    : str_starts(x, y) || str_starts(y, x);
}

static bool no_string_in_common(struct lint *l, const struct eql_leaf *A, const struct eql_leaf *B)
{
	if (!A->strings_only || !B->strings_only ||
	    !spend(l, (uint64_t)A->string_count * B->string_count))
		return false;
	for (uint32_t i = 0; i < A->string_count; i++)
		for (uint32_t k = 0; k < B->string_count; k++)
			if (items_meet(A, A->strings[i], B, B->strings[k]))
				return false;
	return true;
}

/* ---- numbers */

struct range {
	double low, high;
	bool open_low, open_high;
};

static struct range range_of(const struct eql_comparison *c)
{
	struct range r = {-INFINITY, INFINITY, false, false};

	if (c->order == EQL_ORDER_EQ || c->order == EQL_ORDER_GT || c->order == EQL_ORDER_GE)
		r.low = c->number;
	if (c->order == EQL_ORDER_EQ || c->order == EQL_ORDER_LT || c->order == EQL_ORDER_LE)
		r.high = c->number;
	r.open_low = c->order == EQL_ORDER_GT;
	r.open_high = c->order == EQL_ORDER_LT;
	return r;
}

static bool ranges_disjoint(struct range a, struct range b)
{
	if (a.low > b.high || b.low > a.high)
		return true;
	/* Touching at one number, which one of them leaves out. */
	return (a.low >= b.high && (a.open_low || b.open_high)) ||
	       (b.low >= a.high && (b.open_low || a.open_high));
}

static bool range_within(struct range a, struct range b)
{
	bool low = a.low > b.low || (a.low >= b.low && (!b.open_low || a.open_low));
	bool high = a.high < b.high || (a.high <= b.high && (!b.open_high || a.open_high));

	return low && high;
}

/* ---- literals */

/* Has the field at most one value in an event? fields.def knows of its own fields only. */
static bool is_single(const struct lint *l, uint32_t field)
{
	const struct field_info *info = field_set_info(l->fields, field);

	return info->filled_by && !info->multi;
}

static bool leaf_implies(struct lint *l, const struct eql_leaf *a, const struct eql_leaf *b)
{
	struct eql_comparison x, y;

	if (str_eq(a->key, b->key))
		return true;
	if (b->kind == EQL_LEAF_EXISTS && a->needs_value && a->field_count == 1 &&
	    a->fields[0] == b->field)
		return true;
	if (eql_leaf_comparison(a, &x) && eql_leaf_comparison(b, &y) && x.field == y.field)
		return range_within(range_of(&x), range_of(&y));
	return strings_within(l, a, b);
}

static bool both_hold_never(struct lint *l, const struct eql_leaf *a, const struct eql_leaf *b)
{
	struct eql_comparison x, y;

	if (a->kind == EQL_LEAF_NULL && b->needs_value && b->field_count == 1 &&
	    b->fields[0] == a->field)
		return true;
	if (b->kind == EQL_LEAF_NULL && a->kind != EQL_LEAF_NULL)
		return both_hold_never(l, b, a);
	if (eql_leaf_comparison(a, &x) && eql_leaf_comparison(b, &y))
		return x.field == y.field && is_single(l, x.field) &&
		       ranges_disjoint(range_of(&x), range_of(&y));
	return has_strings(a) && has_strings(b) && a->field == b->field && is_single(l, a->field) &&
	       no_string_in_common(l, a, b);
}

/* Never both. */
static bool contradict(struct lint *l, struct literal a, struct literal b)
{
	if (a.positive && b.positive)
		return both_hold_never(l, a.leaf, b.leaf);
	if (a.positive != b.positive)
		return a.positive ? leaf_implies(l, a.leaf, b.leaf)
				  : leaf_implies(l, b.leaf, a.leaf);
	/* not (x == null) is x != null, so two negations hold for an event without values. */
	return false;
}

static bool literal_implies(struct lint *l, struct literal a, struct literal b)
{
	if (a.positive && b.positive)
		return leaf_implies(l, a.leaf, b.leaf);
	if (!a.positive && !b.positive)
		return leaf_implies(l, b.leaf, a.leaf);
	/* x == "a" implies not x == "b" where x has one value. */
	return a.positive && both_hold_never(l, a.leaf, b.leaf);
}

/* ---- conditions */

static bool any_kid(struct lint *l, const struct eql_cond *a, const struct eql_cond *b)
{
	for (uint32_t i = 0; i < a->kid_count; i++)
		if (lint_implies(l, a->kids[i], b))
			return true;
	return false;
}

static bool every_kid(struct lint *l, const struct eql_cond *a, const struct eql_cond *b)
{
	for (uint32_t i = 0; i < a->kid_count; i++)
		if (!lint_implies(l, a->kids[i], b))
			return false;
	return true;
}

bool lint_implies(struct lint *l, const struct eql_cond *a, const struct eql_cond *b)
{
	struct literal x, y;

	if (!spend(l, 1))
		return false;
	if (a->kind == EQL_COND_CONST || b->kind == EQL_COND_CONST)
		return (a->kind == EQL_COND_CONST && !a->constant) ||
		       (b->kind == EQL_COND_CONST && b->constant);
	if (as_literal(a, &x) && as_literal(b, &y))
		return literal_implies(l, x, y);
	if (b->kind == EQL_COND_AND) {
		for (uint32_t i = 0; i < b->kid_count; i++)
			if (!lint_implies(l, a, b->kids[i]))
				return false;
		return true;
	}
	if (a->kind == EQL_COND_OR)
		return every_kid(l, a, b);
	if (b->kind == EQL_COND_OR)
		for (uint32_t i = 0; i < b->kid_count; i++)
			if (lint_implies(l, a, b->kids[i]))
				return true;
	if (a->kind == EQL_COND_NOT && b->kind == EQL_COND_NOT)
		return lint_implies(l, b->kids[0], a->kids[0]);
	return a->kind == EQL_COND_AND && any_kid(l, a, b);
}

/* ---- the walk */

static const struct eql_leaf *first_leaf(const struct eql_cond *cond)
{
	while (cond->kid_count)
		cond = cond->kids[0];
	return cond->kind == EQL_COND_LEAF ? cond->leaf : NULL;
}

static struct str literal_text(struct lint *l, struct literal x)
{
	struct str text = lint_leaf_text(l, x.leaf);

	return x.positive ? text : arena_printf(&l->arena, "not %.*s", STR_ARG(text));
}

static void report_contradiction(struct lint *l, struct literal a, struct literal b)
{
	lint_report(l, LINT_CONTRADICTION, lint_leaf_place(l, a.leaf),
		    STR("one of the two, or an `or` between them, is meant"),
		    "%.*s never holds together with %.*s", STR_ARG(literal_text(l, a)),
		    STR_ARG(literal_text(l, b)));
}

/* Adds the literal; false, reported, when it contradicts one that holds already. */
static bool hold(struct lint *l, struct held *held, struct literal x)
{
	for (uint32_t i = 0; i < held->count; i++)
		if (spend(l, 1) && contradict(l, held->items[i], x)) {
			report_contradiction(l, x, held->items[i]);
			return false;
		}
	if (held->count < HELD_MAX)
		held->items[held->count++] = x;
	return true;
}

static struct diag cond_place(struct lint *l, const struct eql_cond *cond)
{
	const struct eql_leaf *leaf = first_leaf(cond);

	return leaf ? lint_leaf_place(l, leaf) : lint_place(l, 0, 1);
}

static struct str cond_text(struct lint *l, const struct eql_cond *cond)
{
	struct literal x;
	const struct eql_leaf *leaf = first_leaf(cond);

	if (as_literal(cond, &x))
		return literal_text(l, x);
	if (!leaf)
		return STR("a constant");
	return arena_printf(&l->arena, "the part that begins with %.*s",
			    STR_ARG(lint_leaf_text(l, leaf)));
}

/* `x != null and x == "a"` says what it needs before it says what it wants; `x in ("a", "b") and (x ==
 * "a" and ... or x == "b" and ...)` narrows first. Both are habits and no mistakes. */
static bool is_habit(const struct eql_cond *idle, const struct eql_cond *other)
{
	struct literal x;

	if (as_literal(idle, &x) && x.positive && x.leaf->kind == EQL_LEAF_EXISTS)
		return true;
	return !as_literal(other, &x);
}

/* Kids of an or: one that implies another adds nothing. Of an and: one that is implied. */
static void redundancy(struct lint *l, const struct eql_cond *cond)
{
	bool is_or = cond->kind == EQL_COND_OR;

	for (uint32_t i = 0; i < cond->kid_count; i++)
		for (uint32_t k = 0; k < cond->kid_count; k++) {
			const struct eql_cond *a = cond->kids[i], *b = cond->kids[k];

			if (i == k || !spend(l, 1) || !lint_implies(l, a, b))
				continue;
			/* Each implies the other: they are one; said once. */
			if (k < i && lint_implies(l, b, a))
				continue;
			const struct eql_cond *idle = is_or ? a : b, *other = is_or ? b : a;

			if (!is_or && is_habit(idle, other))
				continue;

			lint_report(l, LINT_REDUNDANT_CLAUSE, cond_place(l, idle),
				    STR("leave it out, or correct what was meant"),
				    is_or ? "%.*s adds nothing to: or %.*s"
					  : "%.*s always holds with: and %.*s",
				    STR_ARG(cond_text(l, idle)), STR_ARG(cond_text(l, other)));
			break;
		}
}

static void walk(struct lint *l, const struct eql_cond *cond, bool positive, struct held *held)
{
	struct literal x;
	uint32_t before = held->count;

	if (as_literal(cond, &x)) {
		x.positive = x.positive == positive;
		hold(l, held, x);
		return;
	}
	if (cond->kind == EQL_COND_NOT) {
		walk(l, cond->kids[0], !positive, held);
		return;
	}
	if (cond->kind != EQL_COND_AND && cond->kind != EQL_COND_OR)
		return;
	redundancy(l, cond);
	if ((cond->kind == EQL_COND_AND) == positive) {
		/* Literals first: they hold in all that stands beside them. */
		for (uint32_t i = 0; i < cond->kid_count; i++)
			if (as_literal(cond->kids[i], &x))
				walk(l, cond->kids[i], positive, held);
		for (uint32_t i = 0; i < cond->kid_count; i++)
			if (!as_literal(cond->kids[i], &x))
				walk(l, cond->kids[i], positive, held);
		return;
	}
	for (uint32_t i = 0; i < cond->kid_count; i++) {
		walk(l, cond->kids[i], positive, held);
		held->count = before;
	}
}

void lint_logic(struct lint *l, const struct eql_cond *cond)
{
	struct held *held = ARENA_NEW(&l->arena, struct held);

	if (cond->kind == EQL_COND_CONST) {
		if (cond->constant)
			return;
		lint_report(l, LINT_CONTRADICTION, lint_place(l, 0, 1),
			    STR("a clause is constant, or compares with null by < or >"),
			    "the condition is always false");
		return;
	}
	walk(l, cond, true, held);
}
