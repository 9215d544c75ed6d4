/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/clock.h"
#include "base/counter.h"
#include "eql/address_internal.h"
#include "eql/function_internal.h"
#include "eql/matcher_internal.h"
#include "eql/regex_internal.h"
#include "eql/scratch_internal.h"
#include "eql/string_internal.h"
#include "eql/value_set_internal.h"

static const struct value null_value;

bool eql_eval_fail(struct eval *e, const char *why)
{
	e->error = why;
	return false;
}

struct str eql_value_text(const struct value *value, struct eql_scratch *scratch)
{
	if (value->type == VALUE_STRING)
		return value_as_str(value);
	return eql_scalar_text(value, arena_bytes(&scratch->arena, EQL_SCALAR_TEXT_MAX));
}

/* ---- comparison */

/* A string beside a number is read as one where it can be. */
static void coerce(struct value *a, struct value *b)
{
	if (a->type == VALUE_STRING && eql_is_number(b))
		eql_number_from_str(value_as_str(a), a);
	else if (b->type == VALUE_STRING && eql_is_number(a))
		eql_number_from_str(value_as_str(b), b);
}

static bool holds(enum eql_operator op, int order)
{
	switch (op) {
	case EQL_EQ:
		return order == 0;
	case EQL_NE:
		return order != 0;
	case EQL_LT:
		return order < 0;
	case EQL_LE:
		return order <= 0;
	case EQL_GT:
		return order > 0;
	case EQL_GE:
		return order >= 0;
	default:
		return false;
	}
}

struct value eql_compare(enum eql_operator op, struct value a, struct value b)
{
	coerce(&a, &b);
	if (a.type == VALUE_INT && b.type == VALUE_INT)
		return value_bool(holds(op, (a.integer > b.integer) - (a.integer < b.integer)));
	if (eql_is_number(&a) && eql_is_number(&b)) {
		double x = eql_as_double(&a), y = eql_as_double(&b);

		if (isnan(x) || isnan(y))
			return value_bool(op == EQL_NE);
		return value_bool(holds(op, (x > y) - (x < y)));
	}
	if (a.type != b.type) {
		if (op == EQL_EQ || op == EQL_NE)
			return value_bool(op == EQL_NE);
		return null_value;
	}
	if (a.type == VALUE_STRING)
		return value_bool(holds(op, str_cmp(value_as_str(&a), value_as_str(&b))));
	return value_bool(holds(op, (int)a.boolean - (int)b.boolean));
}

struct value eql_date_ms(struct value v)
{
	int64_t ns;

	if (v.type == VALUE_DOUBLE)
		return v.real >= -0x1p63 && v.real < 0x1p63 ? value_int((int64_t)v.real)
							    : null_value;
	if (v.type == VALUE_INT)
		return v;
	if (v.type != VALUE_STRING)
		return null_value;
	struct value number;

	if (eql_number_from_str(value_as_str(&v), &number))
		return number.type == VALUE_INT ? number : null_value;
	if (clock_parse(value_as_str(&v), &ns) != 0)
		return null_value;
	/* Towards the past, also before 1970: an index keeps milliseconds. */
	return value_int(ns / NS_PER_MS - (ns % NS_PER_MS < 0));
}

/* ---- arithmetic */

static bool math_double(enum eql_operator op, double a, double b, struct value *out)
{
	switch (op) {
	case EQL_ADD:
		*out = value_double(a + b);
		break;
	case EQL_SUBTRACT:
		*out = value_double(a - b);
		break;
	case EQL_MULTIPLY:
		*out = value_double(a * b);
		break;
	case EQL_DIVIDE:
		*out = value_double(a / b);
		break;
	default:
		*out = value_double(fmod(a, b));
		break;
	}
	return true;
}

/* Java's / and % truncate toward zero, as C's do. What does not fit in 64 bits becomes a double. */
static bool math_int(struct eval *e, enum eql_operator op, int64_t a, int64_t b, struct value *out)
{
	int64_t result = 0;
	bool overflow = false;

	switch (op) {
	case EQL_ADD:
		overflow = __builtin_add_overflow(a, b, &result);
		break;
	case EQL_SUBTRACT:
		overflow = __builtin_sub_overflow(a, b, &result);
		break;
	case EQL_MULTIPLY:
		overflow = __builtin_mul_overflow(a, b, &result);
		break;
	default:
		if (b == 0)
			return eql_eval_fail(e, "division by zero");
		overflow = op == EQL_DIVIDE && a == INT64_MIN && b == -1;
		if (!overflow)
			result = op == EQL_DIVIDE ? a / b : b == -1 ? 0 : a % b;
		break;
	}
	if (overflow)
		return math_double(op, (double)a, (double)b, out);
	*out = value_int(result);
	return true;
}

bool eql_math(struct eval *e, enum eql_operator op, struct value a, struct value b,
	      struct value *out)
{
	*out = null_value;
	if (a.type == VALUE_NULL || b.type == VALUE_NULL)
		return true;
	if (!eql_is_number(&a) || !eql_is_number(&b))
		return eql_eval_fail(e, "arithmetic on a value that is no number");
	if (a.type == VALUE_INT && b.type == VALUE_INT)
		return math_int(e, op, a.integer, b.integer, out);
	return math_double(op, eql_as_double(&a), eql_as_double(&b), out);
}

static bool negate(struct eval *e, struct value v, struct value *out)
{
	return v.type == VALUE_DOUBLE ? (*out = value_double(-v.real), true)
				      : eql_math(e, EQL_SUBTRACT, value_int(0), v, out);
}

/* ---- the tree */

static bool eval_truth(struct value v, struct value *out)
{
	*out = null_value;
	if (v.type == VALUE_BOOL)
		*out = v;
	else if (v.type == VALUE_STRING && str_eq(value_as_str(&v), STR("true")))
		*out = value_bool(true);
	else if (v.type == VALUE_STRING && str_eq(value_as_str(&v), STR("false")))
		*out = value_bool(false);
	return true;
}

static bool eval_to_ip(struct eval *e, struct value v, struct value *out)
{
	struct eql_address address;

	*out = v;
	if (v.type == VALUE_STRING && eql_address_parse(value_as_str(&v), &address))
		*out = value_str(eql_address_text(&address, &e->scratch->arena));
	return true;
}

/* SQL's tables: one decisive value decides, else one unknown makes the result unknown. */
static bool eval_logical(struct eval *e, const struct eql_expr *x, struct value *out)
{
	bool decisive = x->kind == EXPR_OR, unknown = false;

	for (uint32_t i = 0; i < x->kid_count; i++) {
		if (!eql_eval(e, x->kids[i], out))
			return false;
		if (out->type == VALUE_BOOL && out->boolean == decisive)
			return true;
		unknown |= out->type != VALUE_BOOL;
	}
	*out = unknown ? null_value : value_bool(!decisive);
	return true;
}

static bool eval_compare(struct eval *e, const struct eql_expr *x, struct value *out)
{
	struct value a, b;

	if (!eql_eval(e, x->kids[0], &a) || !eql_eval(e, x->kids[1], &b))
		return false;
	if (a.type != VALUE_NULL && b.type != VALUE_NULL) {
		*out = eql_compare(x->op, a, b);
		return true;
	}
	*out = null_value;
	if (x->has_null && x->op == EQL_EQ && a.type == b.type)
		*out = value_bool(true);
	return true;
}

static bool eval_in(const struct eql_expr *x, struct value v, struct value *out)
{
	bool found = false;

	if (x->set)
		found = eql_value_set_has(x->set, &v);
	for (uint32_t i = 0; !x->set && i < x->item_count && !found; i++)
		found = eql_compare(EQL_EQ, v, x->items[i]).boolean;
	*out = found || !x->has_null ? value_bool(found) : null_value;
	return true;
}

static bool eval_regex(struct eval *e, const struct eql_expr *x, struct value v, struct value *out)
{
	int hit = eql_regex_match(x->regex, eql_value_text(&v, e->scratch), e->scratch->regex);

	if (hit < 0) {
		e->regex_limit = true;
		return eql_eval_fail(e, "regular expression stopped at its limit");
	}
	*out = value_bool(hit);
	return true;
}

/* Arguments beyond these are only possible in concat(); it takes them one by one. */
#define ARGS_ON_STACK 8

static bool eval_call(struct eval *e, const struct eql_expr *x, struct value *out)
{
	const struct eql_function *f = x->function;
	struct value on_stack[ARGS_ON_STACK], *args = on_stack;

	if (x->kid_count > ARGS_ON_STACK)
		args = ARENA_ARRAY(&e->scratch->arena, struct value, x->kid_count);
	for (uint32_t i = 0; i < x->kid_count; i++) {
		if (!eql_eval(e, x->kids[i], &args[i]))
			return false;
		if (args[i].type == VALUE_NULL && i < f->null_from) {
			*out = null_value;
			return true;
		}
	}
	return f->call(e, x, args, x->kid_count, out);
}

/* Kinds that look at one value and give null for null. */
static bool eval_unary(struct eval *e, const struct eql_expr *x, struct value v, struct value *out)
{
	*out = null_value;
	if (v.type == VALUE_NULL)
		return true;
	switch (x->kind) {
	case EXPR_TRUTH:
		return eval_truth(v, out);
	case EXPR_TO_DATE:
		*out = eql_date_ms(v);
		return true;
	case EXPR_TO_IP:
		return eval_to_ip(e, v, out);
	case EXPR_NOT:
		if (v.type == VALUE_BOOL)
			*out = value_bool(!v.boolean);
		return true;
	case EXPR_MATCH: {
		bool hit = eql_matcher_match(x->matcher, &v);

		if (hit || !x->has_null)
			*out = value_bool(hit);
		return true;
	}
	case EXPR_IN:
		return eval_in(x, v, out);
	case EXPR_REGEX:
		return eval_regex(e, x, v, out);
	case EXPR_NEGATE:
		return negate(e, v, out);
	default:
		return eql_eval_fail(e, "internal: unknown expression");
	}
}

bool eql_eval(struct eval *e, const struct eql_expr *x, struct value *out)
{
	struct value a, b;

	switch (x->kind) {
	case EXPR_LITERAL:
		*out = x->literal;
		return true;
	case EXPR_FIELD:
		*out = e->slots[x->slot];
		return true;
	case EXPR_AND:
	case EXPR_OR:
		return eval_logical(e, x, out);
	case EXPR_COMPARE:
		return eval_compare(e, x, out);
	case EXPR_IS_NULL:
		if (!eql_eval(e, x->kids[0], &a))
			return false;
		*out = value_bool(a.type == VALUE_NULL);
		return true;
	case EXPR_MATH:
		return eql_eval(e, x->kids[0], &a) && eql_eval(e, x->kids[1], &b) &&
		       eql_math(e, x->op, a, b, out);
	case EXPR_CALL:
		return eval_call(e, x, out);
	default:
		return eql_eval(e, x->kids[0], &a) && eval_unary(e, x, a, out);
	}
}
