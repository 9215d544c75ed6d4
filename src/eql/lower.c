/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree to expression. On the way constants are folded (what has only literals below is evaluated
 * here and now), `!=` becomes not(==), `f(x) == true` becomes f(x), tests against null become
 * IS_NULL, and equality with strings becomes a MATCH, so that ==, in, like and : meet in one form.
 */
#include "eql/address_internal.h"
#include "eql/assemble_internal.h"
#include "eql/function_internal.h"
#include "eql/lower_internal.h"
#include "eql/matcher_internal.h"
#include "eql/regex_internal.h"
#include "eql/scratch_internal.h"
#include "eql/value_set_internal.h"

struct eql_expr *eql_new_expr(struct compiler *c, enum expr_kind kind, enum eql_type type,
			      uint32_t kids)
{
	struct eql_expr *x = ARENA_NEW(c->arena, struct eql_expr);

	x->kind = kind;
	x->type = type;
	x->kids = ARENA_ARRAY(c->arena, struct eql_expr *, kids);
	x->kid_count = kids;
	return x;
}

static struct eql_expr *new_unary(struct compiler *c, enum expr_kind kind, enum eql_type type,
				  struct eql_expr *kid)
{
	struct eql_expr *x = eql_new_expr(c, kind, type, 1);

	x->kids[0] = kid;
	return x;
}

struct eql_expr *eql_new_literal(struct compiler *c, struct value v)
{
	static const enum eql_type types[] = {
	    [VALUE_NULL] = EQL_TYPE_NULL,     [VALUE_BOOL] = EQL_TYPE_BOOLEAN,
	    [VALUE_INT] = EQL_TYPE_INTEGER,   [VALUE_DOUBLE] = EQL_TYPE_DOUBLE,
	    [VALUE_STRING] = EQL_TYPE_STRING,
	};
	struct eql_expr *x = eql_new_expr(c, EXPR_LITERAL, types[v.type], 0);

	if (v.type == VALUE_STRING)
		v = value_str(arena_str(c->arena, value_as_str(&v)));
	x->literal = v;
	return x;
}

static bool is_literal(const struct eql_expr *x, enum value_type type)
{
	return x->kind == EXPR_LITERAL && x->literal.type == type;
}

struct eql_expr *eql_fold_constant(struct compiler *c, struct eql_expr *x, struct span where)
{
	struct eval e = {.scratch = c->scratch};
	struct value v;

	if (!x || x->kind == EXPR_FIELD || x->kind == EXPR_LITERAL || x->kind == EXPR_RELATION)
		return x;
	for (uint32_t i = 0; i < x->kid_count; i++)
		if (x->kids[i]->kind != EXPR_LITERAL)
			return x;
	if (eql_eval(&e, x, &v))
		x = eql_new_literal(c, v);
	else
		eql_error(c->source, where, STR_NULL, "this constant has no value: %s", e.error);
	arena_reset(&c->scratch->arena);
	return e.error ? NULL : x;
}

static bool lower_kids(struct compiler *c, const struct node *node, struct eql_expr *x)
{
	bool ok = true;

	for (uint32_t i = 0; i < node->kid_count; i++) {
		x->kids[i] = eql_lower(c, node->kids[i]);
		ok &= x->kids[i] != NULL;
	}
	return ok;
}

struct eql_expr *eql_new_field(struct compiler *c, struct str name, struct span where)
{
	int32_t id = field_set_demand(c->fields, name);

	if (id < 0) {
		eql_error(c->source, where, STR_NULL,
			  "too many different fields: the loaded rules name more than %d",
			  FIELD_SET_MAX);
		return NULL;
	}
	struct eql_expr *x =
	    eql_new_expr(c, EXPR_FIELD, eql_field_type(c->fields, (uint32_t)id), 0);

	x->field = (uint32_t)id;
	x->stage = EQL_THIS_EVENT;
	return x;
}

/* `x` in another form, at the same place in the text. */
static struct eql_expr *wrap(struct compiler *c, enum expr_kind kind, enum eql_type type,
			     struct eql_expr *x)
{
	struct eql_expr *wrapped = new_unary(c, kind, type, x);

	wrapped->span = x->span;
	return wrapped;
}

struct eql_expr *eql_as_condition(struct compiler *c, struct eql_expr *x)
{
	return x && x->kind == EXPR_FIELD ? wrap(c, EXPR_TRUTH, EQL_TYPE_BOOLEAN, x) : x;
}

/* A typed field's value in the form it is compared in. */
static struct eql_expr *as_operand(struct compiler *c, struct eql_expr *x)
{
	if (x->kind != EXPR_FIELD)
		return x;
	switch (x->type) {
	case EQL_TYPE_BOOLEAN:
		return wrap(c, EXPR_TRUTH, x->type, x);
	case EQL_TYPE_DATE:
		return wrap(c, EXPR_TO_DATE, x->type, x);
	case EQL_TYPE_IP:
		return wrap(c, EXPR_TO_IP, x->type, x);
	default:
		return x;
	}
}

/* A constant in the form that values of `beside` have when they are compared. Its text is the
 * caller's or lives in scratch. */
static struct value convert(struct compiler *c, struct value v, const struct eql_expr *beside)
{
	struct eql_address address;

	if (beside->kind == EXPR_TO_DATE)
		return eql_date_ms(v);
	if (beside->kind == EXPR_TO_IP && v.type == VALUE_STRING &&
	    eql_address_parse(value_as_str(&v), &address))
		return value_str(eql_address_text(&address, c->source->scratch));
	return v;
}

/* ---- matching strings */

static struct eql_expr *new_match(struct compiler *c, struct eql_expr *left,
				  const struct str *strings, uint32_t count, bool wildcards,
				  bool fold, enum matcher_mode mode)
{
	struct eql_expr *x = new_unary(c, EXPR_MATCH, EQL_TYPE_BOOLEAN, left);

	x->matcher = eql_matcher_new(c->arena, strings, count, wildcards, fold, mode);
	return x;
}

/* `@timestamp : "2024-01-01"`: without wildcards a pattern on a date means the date. */
static bool all_are_dates(const struct value *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (eql_date_ms(values[i]).type == VALUE_NULL)
			return false;
	return true;
}

struct eql_expr *eql_form_like(struct compiler *c, struct eql_expr *left,
			       const struct value *values, uint32_t count, bool fold)
{
	struct str *strings = ARENA_ARRAY(c->source->scratch, struct str, count);

	if (left->type == EQL_TYPE_DATE && all_are_dates(values, count))
		return eql_form_in(c, left, values, count, false);
	if (left->type == EQL_TYPE_IP)
		left = as_operand(c, left);
	for (uint32_t i = 0; i < count; i++) {
		struct value v = convert(c, values[i], left);

		strings[i] = value_as_str(&v);
	}
	return new_match(c, left, strings, count, true, fold, MATCHER_TEXT);
}

/* The values of kids[1..], which are constants; they live in scratch. A literal needs no expression
 * of its own, and a list may have a hundred thousand of them. */
static struct value *list_values(struct compiler *c, const struct node *node)
{
	struct value *values = ARENA_ARRAY(c->source->scratch, struct value, node->kid_count);

	for (uint32_t i = 1; i < node->kid_count; i++) {
		const struct node *kid = node->kids[i];

		if (kid->kind == NODE_LITERAL) {
			values[i - 1] = kid->literal;
			continue;
		}
		const struct eql_expr *x = eql_lower(c, kid);

		if (!x)
			return NULL;
		values[i - 1] = x->literal;
	}
	return values;
}

static struct eql_expr *lower_like(struct compiler *c, const struct node *node)
{
	struct eql_expr *left = eql_lower(c, node->kids[0]);
	const struct value *values = list_values(c, node);

	if (!left || !values)
		return NULL;
	return eql_form_like(c, left, values, node->kid_count - 1, node->fold);
}

static struct eql_expr *lower_regex(struct compiler *c, const struct node *node)
{
	struct eql_expr *left = eql_lower(c, node->kids[0]);
	uint32_t count = node->kid_count - 1, failed = 0;
	struct str *patterns = ARENA_ARRAY(c->source->scratch, struct str, count);
	struct regex_error error = {0};

	if (!left)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		patterns[i] = value_as_str(&node->kids[i + 1]->literal);
	struct eql_expr *x = new_unary(c, EXPR_REGEX, EQL_TYPE_BOOLEAN, left);

	x->regex = eql_regex_new(c->arena, patterns, count, node->fold, &failed, &error);
	if (x->regex)
		return x;
	struct str hint = STR_NULL;

	if (error.at)
		hint = arena_printf(c->source->scratch, "at character %u of the pattern", error.at);
	eql_error(c->source, node->kids[failed + 1]->span, hint, "invalid regular expression: %s",
		  error.text);
	return NULL;
}

/* ---- in, comparisons */

/* Copies for good: of `count` values those that are not null, in the form of `left`'s. */
static void keep_items(struct compiler *c, struct eql_expr *x, const struct value *values,
		       uint32_t count)
{
	struct value *items = ARENA_ARRAY(c->arena, struct value, count);

	for (uint32_t i = 0; i < count; i++) {
		struct value v = values[i];

		if (v.type == VALUE_STRING)
			v = value_str(arena_str(c->arena, value_as_str(&v)));
		items[i] = v;
	}
	x->items = items;
	x->item_count = count;
	if (count > EQL_VALUE_SET_MIN)
		x->set = eql_value_set_new(c->arena, items, count);
}

struct eql_expr *eql_form_in(struct compiler *c, struct eql_expr *left, const struct value *values,
			     uint32_t count, bool fold)
{
	struct value *kept = ARENA_ARRAY(c->source->scratch, struct value, count);
	struct str *strings = ARENA_ARRAY(c->source->scratch, struct str, count);
	uint32_t kept_count = 0, string_count = 0;
	struct eql_expr *x;

	left = as_operand(c, left);
	for (uint32_t i = 0; i < count; i++) {
		struct value v = convert(c, values[i], left);

		if (v.type == VALUE_STRING)
			strings[string_count++] = value_as_str(&v);
		if (v.type != VALUE_NULL)
			kept[kept_count++] = v;
	}
	if (string_count && string_count == kept_count) {
		x = new_match(c, left, strings, string_count, false, fold, MATCHER_COERCE);
	} else {
		x = new_unary(c, EXPR_IN, EQL_TYPE_BOOLEAN, left);
		keep_items(c, x, kept, kept_count);
	}
	x->has_null = kept_count < count;
	return x;
}

static struct eql_expr *lower_in(struct compiler *c, const struct node *node)
{
	struct eql_expr *left = eql_lower(c, node->kids[0]);
	const struct value *values = list_values(c, node);

	if (!left || !values)
		return NULL;
	return eql_form_in(c, left, values, node->kid_count - 1, node->fold);
}

static enum eql_operator mirrored(enum eql_operator op)
{
	switch (op) {
	case EQL_LT:
		return EQL_GT;
	case EQL_LE:
		return EQL_GE;
	case EQL_GT:
		return EQL_LT;
	case EQL_GE:
		return EQL_LE;
	default:
		return op;
	}
}

/* x == literal, x anything but a literal. */
static struct eql_expr *lower_equal_literal(struct compiler *c, struct eql_expr *x,
					    struct eql_expr *literal)
{
	const struct value *v = &literal->literal;

	if (v->type == VALUE_NULL)
		return new_unary(c, EXPR_IS_NULL, EQL_TYPE_BOOLEAN, x);
	if (v->type == VALUE_BOOL && x->kind != EXPR_FIELD && x->kind != EXPR_TRUTH &&
	    x->type == EQL_TYPE_BOOLEAN)
		return v->boolean ? x : new_unary(c, EXPR_NOT, EQL_TYPE_BOOLEAN, x);
	return eql_form_in(c, x, v, 1, false);
}

struct eql_expr *eql_form_compare(struct compiler *c, enum eql_operator op, struct eql_expr *a,
				  struct eql_expr *b, bool nulls_equal, struct span where)
{
	/* The literal, or null, goes right: `5 < x` and `x > 5` are one predicate. */
	if (is_literal(a, VALUE_NULL) || (a->kind == EXPR_LITERAL && b->kind != EXPR_LITERAL)) {
		struct eql_expr *swap = a;

		a = b;
		b = swap;
		op = mirrored(op);
	}
	struct eql_expr *x;

	if ((op == EQL_EQ || op == EQL_NE) && b->kind == EXPR_LITERAL) {
		x = lower_equal_literal(c, a, b);
	} else {
		x = eql_new_expr(c, EXPR_COMPARE, EQL_TYPE_BOOLEAN, 2);
		x->op = op == EQL_NE ? EQL_EQ : op;
		x->kids[0] = as_operand(c, a);
		x->kids[1] = as_operand(c, b);
		if (b->kind == EXPR_LITERAL)
			x->kids[1] = eql_new_literal(c, convert(c, b->literal, x->kids[0]));
		x->has_null = nulls_equal;
	}
	if (op == EQL_NE)
		x = new_unary(c, EXPR_NOT, EQL_TYPE_BOOLEAN, eql_fold_constant(c, x, where));
	return x;
}

static struct eql_expr *lower_compare(struct compiler *c, const struct node *node)
{
	struct eql_expr *a = eql_lower(c, node->kids[0]), *b = eql_lower(c, node->kids[1]);

	const struct node *p = node->kids[0], *q = node->kids[1];
	bool fields = p->kind == NODE_FIELD && q->kind == NODE_FIELD;
	bool optional = fields && (p->optional || q->optional);

	return a && b ? eql_form_compare(c, node->op, a, b, optional, node->span) : NULL;
}

/* ---- the rest */

struct eql_expr *eql_form_cidr(struct compiler *c, struct eql_expr *left,
			       const struct value *ranges, uint32_t count)
{
	struct eql_expr *x = new_unary(c, EXPR_CALL, EQL_TYPE_BOOLEAN, left);
	struct eql_cidr *cidrs = ARENA_ARRAY(c->arena, struct eql_cidr, count);

	for (uint32_t i = 0; i < count; i++) {
		/* A null range makes the result null, whatever the address. */
		if (ranges[i].type == VALUE_NULL)
			return eql_new_literal(c, (struct value){0});
		if (!eql_cidr_parse(value_as_str(&ranges[i]), &cidrs[x->cidr_count++]))
			return NULL;
	}
	x->function = eql_function_find(STR("cidrMatch"));
	x->cidrs = cidrs;
	return x;
}

static struct eql_expr *lower_cidr(struct compiler *c, const struct node *node)
{
	struct eql_expr *left = eql_lower(c, node->kids[0]);
	const struct value *ranges = list_values(c, node);

	return left && ranges ? eql_form_cidr(c, left, ranges, node->kid_count - 1) : NULL;
}

static struct eql_expr *lower_call(struct compiler *c, const struct node *node)
{
	struct eql_expr *x = eql_new_expr(c, EXPR_CALL, node->type, node->kid_count);

	x->function = node->function;
	x->fold = node->fold;
	return lower_kids(c, node, x) ? x : NULL;
}

static struct eql_expr *lower_logical(struct compiler *c, const struct node *node)
{
	static const enum expr_kind kinds[] = {
	    [NODE_NOT] = EXPR_NOT, [NODE_AND] = EXPR_AND, [NODE_OR] = EXPR_OR};
	struct eql_expr *x = eql_new_expr(c, kinds[node->kind], EQL_TYPE_BOOLEAN, node->kid_count);

	if (!lower_kids(c, node, x))
		return NULL;
	for (uint32_t i = 0; i < x->kid_count; i++)
		x->kids[i] = eql_as_condition(c, x->kids[i]);
	return x;
}

static struct eql_expr *lower_math(struct compiler *c, const struct node *node)
{
	struct eql_expr *x = eql_new_expr(c, node->kind == NODE_NEGATE ? EXPR_NEGATE : EXPR_MATH,
					  node->type, node->kid_count);

	x->op = node->op;
	return lower_kids(c, node, x) ? x : NULL;
}

static struct eql_expr *lower_field(struct compiler *c, const struct node *node)
{
	struct eql_expr *x = eql_new_field(c, node->name, node->span);

	if (x)
		x->stage = node->stage;
	return x;
}

static struct eql_expr *lower_relation(struct compiler *c, const struct node *node)
{
	struct eql_expr *x = eql_new_expr(c, EXPR_RELATION, EQL_TYPE_BOOLEAN, 0);

	return eql_assemble_relation(c, node, &x->relation) ? x : NULL;
}

static struct eql_expr *lower_node(struct compiler *c, const struct node *node)
{
	switch (node->kind) {
	case NODE_LITERAL:
		return eql_new_literal(c, node->literal);
	case NODE_FIELD:
		return lower_field(c, node);
	case NODE_CALL:
		return node->function == eql_function_find(STR("cidrMatch")) ? lower_cidr(c, node)
									     : lower_call(c, node);
	case NODE_NOT:
	case NODE_AND:
	case NODE_OR:
		return lower_logical(c, node);
	case NODE_COMPARE:
		return lower_compare(c, node);
	case NODE_IN:
		return lower_in(c, node);
	case NODE_LIKE:
		return lower_like(c, node);
	case NODE_REGEX:
		return lower_regex(c, node);
	case NODE_MATH:
	case NODE_NEGATE:
		return lower_math(c, node);
	case NODE_RELATION:
		return lower_relation(c, node);
	}
	return NULL;
}

/* What a node was made into stands where the node does; its parts know their own places. */
static void set_span(struct eql_expr *x, struct span span)
{
	if (x->span.len)
		return;
	x->span = span;
	for (uint32_t i = 0; i < x->kid_count; i++)
		set_span(x->kids[i], span);
}

struct eql_expr *eql_lower(struct compiler *c, const struct node *node)
{
	struct eql_expr *x = eql_fold_constant(c, lower_node(c, node), node->span);

	if (x)
		set_span(x, node->span);
	return x;
}
