/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/inspect.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "eql/address_internal.h"
#include "eql/function_internal.h"
#include "eql/leaf_internal.h"
#include "eql/lexer_internal.h"
#include "eql/matcher_internal.h"
#include "eql/regex_internal.h"

struct writer {
	const struct field_set *fields;
	const struct eql_query *query; /* may be NULL: then events of stages have no names */
	struct buf *out;
	uint32_t list_max;
};

/* How tightly an operator binds its operands: less than this needs parentheses. */
enum binding {
	BIND_OR,
	BIND_AND,
	BIND_NOT,
	BIND_COMPARE,
	BIND_SUM,
	BIND_PRODUCT,
	BIND_ATOM,
};

static void write_expr(struct writer *w, const struct eql_expr *x, enum binding around);

static void write_string(struct buf *out, struct str s)
{
	static const char plain[] = "nrt", meant[] = "\n\r\t";

	buf_add_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		const char *at = c ? strchr(meant, c) : NULL;

		if (at)
			buf_printf(out, "\\%c", plain[at - meant]);
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_printf(out, "\\u{%02x}", c);
		else
			buf_add_char(out, (char)c);
	}
	buf_add_char(out, '"');
}

/* With a point or an exponent, so that it stays a double. */
static void write_double(double d, struct buf *out)
{
	char text[40];

	if (isnan(d)) {
		buf_add(out, STR("(1e999 - 1e999)"));
		return;
	}
	if (isinf(d)) {
		buf_add(out, d > 0 ? STR("1e999") : STR("-1e999"));
		return;
	}
	/* 15 digits are what people write, 17 always read back. */
	snprintf(text, sizeof(text), "%.15g", d);
	if (strtod(text, NULL) != d)
		snprintf(text, sizeof(text), "%.17g", d);
	buf_add(out, str_from(text));
	if (!strpbrk(text, ".e"))
		buf_add(out, STR(".0"));
}

static void write_literal(struct writer *w, const struct value *v)
{
	switch (v->type) {
	case VALUE_NULL:
		buf_add(w->out, STR("null"));
		return;
	case VALUE_BOOL:
		buf_add(w->out, v->boolean ? STR("true") : STR("false"));
		return;
	case VALUE_INT:
		/* The least integer cannot be written: its digits without the sign are too large. */
		if (v->integer == INT64_MIN)
			buf_add(w->out, STR("(-9223372036854775807 - 1)"));
		else
			buf_printf(w->out, "%" PRId64, v->integer);
		return;
	case VALUE_DOUBLE:
		write_double(v->real, w->out);
		return;
	default:
		write_string(w->out, value_as_str(v));
		return;
	}
}

/* A date is kept as milliseconds; its author wrote a date. What clock_format() cannot write stays a
 * number. */
static void write_literal_beside(struct writer *w, const struct value *v,
				 const struct eql_expr *beside)
{
	char text[CLOCK_TEXT_MAX];

	if (beside->kind == EXPR_TO_DATE && v->type == VALUE_INT && v->integer >= 0 &&
	    v->integer <= INT64_MAX / NS_PER_MS)
		write_string(w->out, clock_format(v->integer * NS_PER_MS, text));
	else
		write_literal(w, v);
}

static bool is_plain_part(struct str part)
{
	if (!part.len || (part.p[0] >= '0' && part.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < part.len; i++) {
		unsigned char c = ascii_lower((unsigned char)part.p[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && (c != '@' || i > 0))
			return false;
	}
	return !eql_is_keyword(part);
}

/* Identifiers with dots between them, none of them a keyword. */
static bool is_plain_name(struct str name)
{
	for (;;) {
		const char *dot = name.len ? memchr(name.p, '.', name.len) : NULL;

		if (!is_plain_part((struct str){name.p, dot ? (size_t)(dot - name.p) : name.len}))
			return false;
		if (!dot)
			return true;
		name = (struct str){dot + 1, name.len - (size_t)(dot + 1 - name.p)};
	}
}

void eql_field_write(struct str name, struct buf *out)
{
	if (is_plain_name(name)) {
		buf_add(out, name);
		return;
	}
	buf_add_char(out, '`');
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] == '`')
			buf_add_char(out, '`');
		buf_add_char(out, name.p[i]);
	}
	buf_add_char(out, '`');
}

static void write_field(struct writer *w, uint32_t field, uint32_t stage)
{
	if (stage != EQL_THIS_EVENT && w->query)
		eql_field_write(w->query->stages[stage].alias, w->out);
	else if (stage != EQL_THIS_EVENT)
		buf_printf(w->out, "event%" PRIu32, stage);
	if (stage != EQL_THIS_EVENT)
		buf_add_char(w->out, '.');
	eql_field_write(field_set_info(w->fields, field)->name, w->out);
}

/* How many of `count` items are written. */
static uint32_t shown(const struct writer *w, uint32_t count)
{
	return w->list_max && count > w->list_max ? w->list_max : count;
}

static void end_list(struct writer *w, uint32_t count)
{
	if (shown(w, count) < count)
		buf_printf(w->out, ", and %u more", count - shown(w, count));
	buf_add_char(w->out, ')');
}

static void write_strings(struct writer *w, const struct str *strings, uint32_t count, bool list,
			  bool has_null)
{
	if (count == 1 && !list) {
		write_string(w->out, strings[0]);
		return;
	}
	buf_add(w->out, has_null ? STR("(null, ") : STR("("));
	for (uint32_t i = 0; i < shown(w, count); i++) {
		if (i)
			buf_add(w->out, STR(", "));
		write_string(w->out, strings[i]);
	}
	end_list(w, count);
}

/* What `in`, `like` and `regex` bind to: a field, a call, or something in parentheses. */
static void write_primary(struct writer *w, const struct eql_expr *x)
{
	bool primary = x->kind == EXPR_FIELD || x->kind == EXPR_CALL || x->kind == EXPR_TRUTH ||
		       x->kind == EXPR_TO_DATE || x->kind == EXPR_TO_IP;

	if (!primary)
		buf_add_char(w->out, '(');
	write_expr(w, x, BIND_OR);
	if (!primary)
		buf_add_char(w->out, ')');
}

static void write_match(struct writer *w, const struct eql_expr *x)
{
	const struct eql_matcher *m = x->matcher;
	bool list = m->mode == MATCHER_COERCE && (m->fold || m->all_count > 1 || x->has_null);

	write_primary(w, x->kids[0]);
	if (m->mode == MATCHER_TEXT)
		buf_add(w->out, m->fold ? STR(" : ") : STR(" like "));
	else if (list)
		buf_add(w->out, m->fold ? STR(" in~ ") : STR(" in "));
	else
		buf_add(w->out, STR(" == "));
	write_strings(w, m->all, m->all_count, list, x->has_null);
}

static void write_in(struct writer *w, const struct eql_expr *x)
{
	uint32_t count = x->item_count;

	write_primary(w, x->kids[0]);
	if (count == 1 && !x->has_null) {
		buf_add(w->out, STR(" == "));
		write_literal_beside(w, &x->items[0], x->kids[0]);
		return;
	}
	buf_add(w->out, STR(" in ("));
	if (x->has_null)
		buf_add(w->out, count ? STR("null, ") : STR("null"));
	for (uint32_t i = 0; i < shown(w, count); i++) {
		if (i)
			buf_add(w->out, STR(", "));
		write_literal_beside(w, &x->items[i], x->kids[0]);
	}
	end_list(w, count);
}

static void write_regex(struct writer *w, const struct eql_expr *x)
{
	uint32_t count;
	const struct str *patterns = eql_regex_patterns(x->regex, &count);

	write_primary(w, x->kids[0]);
	buf_add(w->out, eql_regex_folds(x->regex) ? STR(" regex~ ") : STR(" regex "));
	write_strings(w, patterns, count, false, false);
}

static void write_call(struct writer *w, const struct eql_expr *x)
{
	char text[EQL_CIDR_TEXT_MAX];

	buf_printf(w->out, "%.*s%s(", STR_ARG(x->function->name), x->fold ? "~" : "");
	for (uint32_t i = 0; i < x->kid_count; i++) {
		if (i)
			buf_add(w->out, STR(", "));
		write_expr(w, x->kids[i], BIND_OR);
	}
	for (uint32_t i = 0; i < shown(w, x->cidr_count); i++) {
		buf_add(w->out, STR(", "));
		write_string(w->out, eql_cidr_text(&x->cidrs[i], text));
	}
	end_list(w, x->cidr_count);
}

static void write_operand(struct writer *w, const struct eql_expr *x, const struct eql_expr *beside)
{
	if (x->kind == EXPR_LITERAL)
		write_literal_beside(w, &x->literal, beside);
	else
		write_expr(w, x, BIND_SUM);
}

static void write_binary(struct writer *w, const struct eql_expr *x, enum binding kids)
{
	if (x->kind == EXPR_COMPARE && x->has_null)
		buf_add_char(w->out, '?');
	if (x->kind == EXPR_COMPARE)
		write_operand(w, x->kids[0], x->kids[1]);
	else
		write_expr(w, x->kids[0], kids);
	buf_printf(w->out, " %s ", eql_operator_text(x->op));
	if (x->kind == EXPR_COMPARE)
		write_operand(w, x->kids[1], x->kids[0]);
	else
		write_expr(w, x->kids[1], (enum binding)(kids + 1));
}

static void write_junction(struct writer *w, const struct eql_expr *x)
{
	bool is_and = x->kind == EXPR_AND;

	for (uint32_t i = 0; i < x->kid_count; i++) {
		if (i)
			buf_add(w->out, is_and ? STR(" and ") : STR(" or "));
		write_expr(w, x->kids[i], is_and ? BIND_NOT : BIND_AND);
	}
}

static enum binding binding_of(const struct eql_expr *x)
{
	switch (x->kind) {
	case EXPR_OR:
		return BIND_OR;
	case EXPR_AND:
		return BIND_AND;
	case EXPR_NOT:
		return BIND_NOT;
	case EXPR_COMPARE:
	case EXPR_IS_NULL:
	case EXPR_MATCH:
	case EXPR_IN:
	case EXPR_REGEX:
		return BIND_COMPARE;
	case EXPR_MATH:
		return x->op == EQL_ADD || x->op == EQL_SUBTRACT ? BIND_SUM : BIND_PRODUCT;
	default:
		return BIND_ATOM;
	}
}

static void write_inside(struct writer *w, const struct eql_expr *x)
{
	switch (x->kind) {
	case EXPR_LITERAL:
		write_literal(w, &x->literal);
		return;
	case EXPR_FIELD:
		write_field(w, x->field, x->stage);
		return;
	case EXPR_NOT:
		buf_add(w->out, STR("not "));
		write_expr(w, x->kids[0], BIND_NOT);
		return;
	case EXPR_AND:
	case EXPR_OR:
		write_junction(w, x);
		return;
	case EXPR_COMPARE:
		write_binary(w, x, BIND_SUM);
		return;
	case EXPR_MATH:
		write_binary(w, x, binding_of(x));
		return;
	case EXPR_IS_NULL:
		write_expr(w, x->kids[0], BIND_SUM);
		buf_add(w->out, STR(" == null"));
		return;
	case EXPR_MATCH:
		write_match(w, x);
		return;
	case EXPR_IN:
		write_in(w, x);
		return;
	case EXPR_REGEX:
		write_regex(w, x);
		return;
	case EXPR_NEGATE:
		buf_add_char(w->out, '-');
		write_expr(w, x->kids[0], BIND_ATOM);
		return;
	case EXPR_CALL:
		write_call(w, x);
		return;
	case EXPR_RELATION: /* in no leaf */
		return;
	case EXPR_TRUTH:
	case EXPR_TO_DATE:
	case EXPR_TO_IP: /* forms a value is brought into */
		write_expr(w, x->kids[0], BIND_ATOM);
		return;
	}
}

static void write_expr(struct writer *w, const struct eql_expr *x, enum binding around)
{
	bool parentheses = binding_of(x) < around;

	if (parentheses)
		buf_add_char(w->out, '(');
	write_inside(w, x);
	if (parentheses)
		buf_add_char(w->out, ')');
}

static void write_leaf(struct writer *w, const struct eql_leaf *leaf)
{
	if (leaf->kind != EQL_LEAF_NULL && leaf->kind != EQL_LEAF_EXISTS) {
		write_expr(w, leaf->expr, BIND_OR);
		return;
	}
	write_field(w, leaf->field, eql_leaf_stage(leaf));
	buf_add(w->out, leaf->kind == EQL_LEAF_NULL ? STR(" == null") : STR(" != null"));
}

void eql_leaf_write(const struct eql_leaf *leaf, const struct field_set *fields, uint32_t list_max,
		    struct buf *out)
{
	struct writer w = {.fields = fields, .out = out, .list_max = list_max};

	write_leaf(&w, leaf);
}

/* ---- conditions */

static void write_relation(struct writer *w, uint32_t relation)
{
	static const char *const kinds[] = {
	    [EQL_EVENT_OF] = "event", [EQL_CHILD_OF] = "child", [EQL_DESCENDANT_OF] = "descendant"};
	const struct eql_relation *r = &w->query->relations[relation];

	buf_printf(w->out, "%s of [", kinds[r->kind]);
	buf_add(w->out, w->query->filters[r->filter].text);
	buf_add_char(w->out, ']');
}

static void write_cond(struct writer *w, const struct eql_cond *cond);

static void write_kid(struct writer *w, const struct eql_cond *kid)
{
	bool parentheses = kid->kind == EQL_COND_AND || kid->kind == EQL_COND_OR;

	if (parentheses)
		buf_add_char(w->out, '(');
	write_cond(w, kid);
	if (parentheses)
		buf_add_char(w->out, ')');
}

static void write_cond(struct writer *w, const struct eql_cond *cond)
{
	switch (cond->kind) {
	case EQL_COND_CONST:
		buf_add(w->out, cond->constant ? STR("true") : STR("false"));
		return;
	case EQL_COND_LEAF:
		write_leaf(w, cond->leaf);
		return;
	case EQL_COND_RELATION:
		write_relation(w, cond->relation);
		return;
	case EQL_COND_NOT:
		buf_add(w->out, STR("not "));
		write_kid(w, cond->kids[0]);
		return;
	case EQL_COND_AND:
	case EQL_COND_OR:
		break;
	}
	for (uint32_t i = 0; i < cond->kid_count; i++) {
		if (i)
			buf_add(w->out, cond->kind == EQL_COND_AND ? STR(" and ") : STR(" or "));
		write_kid(w, cond->kids[i]);
	}
}

void eql_cond_write(const struct eql_cond *cond, const struct eql_query *query,
		    const struct field_set *fields, uint32_t list_max, struct buf *out)
{
	struct writer w = {.fields = fields, .query = query, .out = out, .list_max = list_max};

	write_cond(&w, cond);
}

/* ---- facts */

static bool order_of(enum eql_operator op, enum eql_order *order)
{
	static const struct {
		enum eql_operator op;
		enum eql_order order;
	} orders[] = {{EQL_EQ, EQL_ORDER_EQ},
		      {EQL_LT, EQL_ORDER_LT},
		      {EQL_LE, EQL_ORDER_LE},
		      {EQL_GT, EQL_ORDER_GT},
		      {EQL_GE, EQL_ORDER_GE}};

	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
		if (orders[i].op == op) {
			*order = orders[i].order;
			return true;
		}
	return false;
}

static bool number_of(const struct value *v, double *number)
{
	if (v->type == VALUE_INT)
		*number = (double)v->integer;
	else if (v->type == VALUE_DOUBLE)
		*number = v->real;
	else
		return false;
	return true;
}

bool eql_leaf_comparison(const struct eql_leaf *leaf, struct eql_comparison *out)
{
	const struct eql_expr *x = leaf->expr, *left;

	const struct value *constant = NULL;

	if (leaf->kind == EQL_LEAF_OTHER && x->kind == EXPR_IN && x->item_count == 1)
		constant = &x->items[0];
	else if (leaf->kind == EQL_LEAF_OTHER && x->kind == EXPR_COMPARE &&
		 x->kids[1]->kind == EXPR_LITERAL)
		constant = &x->kids[1]->literal;
	if (!constant)
		return false;
	left = x->kids[0]->kind == EXPR_TO_DATE ? x->kids[0]->kids[0] : x->kids[0];
	if (left->kind != EXPR_FIELD || left->stage != EQL_THIS_EVENT ||
	    !number_of(constant, &out->number))
		return false;
	out->field = left->field;
	out->order = EQL_ORDER_EQ;
	return x->kind == EXPR_IN || order_of(x->op, &out->order);
}

bool eql_leaf_is_pattern(const struct eql_leaf *leaf)
{
	return (leaf->kind == EQL_LEAF_EXACT || leaf->kind == EQL_LEAF_WILDCARD) &&
	       leaf->expr->matcher->mode == MATCHER_TEXT;
}
