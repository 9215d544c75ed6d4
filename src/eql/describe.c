/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/describe.h"

#include <inttypes.h>
#include <math.h>

#include "eql/address_internal.h"
#include "eql/function_internal.h"
#include "eql/lexer_internal.h"
#include "eql/matcher_internal.h"
#include "eql/regex_internal.h"

/* ---- names and values */

void eql_describe_string(struct str s, struct buf *out)
{
	static const char from[] = "\b\t\n\f\r\"\\", to[] = "btnfr\"\\";

	buf_add_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		const char *known = s.p[i] ? strchr(from, s.p[i]) : NULL;

		if (known)
			buf_printf(out, "\\%c", to[known - from]);
		else if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			buf_printf(out, "\\u{%02x}", (unsigned char)s.p[i]);
		else
			buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '"');
}

static bool is_plain_part(struct str part)
{
	if (!part.len || (part.p[0] >= '0' && part.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < part.len; i++) {
		unsigned char c = ascii_lower((unsigned char)part.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
		    !(c == '@' && i == 0))
			return false;
	}
	return !eql_is_keyword(part);
}

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

void eql_describe_field(struct str name, struct buf *out)
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

static void put_field(const struct eql_names *names, uint32_t field, uint32_t stage,
		      struct buf *out)
{
	if (stage != EQL_THIS_EVENT && names->query && stage < names->query->stage_count) {
		eql_describe_field(names->query->stages[stage].alias, out);
		buf_add_char(out, '.');
	}
	eql_describe_field(field_set_info(names->fields, field)->name, out);
}

static void put_double(double d, struct buf *out)
{
	size_t start = out->len;

	if (isnan(d)) {
		buf_add(out, STR("(1e999 - 1e999)"));
	} else if (isinf(d)) {
		buf_add(out, d > 0 ? STR("1e999") : STR("-1e999"));
	} else {
		buf_printf(out, "%.17g", d);
		struct str text = {out->p + start, out->len - start};

		if (!memchr(text.p, '.', text.len) && !memchr(text.p, 'e', text.len))
			buf_add(out, STR(".0"));
	}
}

static void put_literal(const struct value *v, struct buf *out)
{
	switch (v->type) {
	case VALUE_BOOL:
		buf_add(out, v->boolean ? STR("true") : STR("false"));
		break;
	case VALUE_INT:
		/* The least integer is no literal: its digits without the sign are too large. */
		if (v->integer == INT64_MIN)
			buf_add(out, STR("(-9223372036854775807 - 1)"));
		else
			buf_printf(out, "%" PRId64, v->integer);
		break;
	case VALUE_DOUBLE:
		put_double(v->real, out);
		break;
	case VALUE_STRING:
		eql_describe_string(value_as_str(v), out);
		break;
	default:
		buf_add(out, STR("null"));
		break;
	}
}

/* ---- expressions */

static void put_expr(const struct eql_names *names, const struct eql_expr *x, struct buf *out);

/* `op "a"`, or `op ("a", "b")`. */
static void put_strings(const char *op, const struct str *strings, uint32_t count, bool has_null,
			bool list, struct buf *out)
{
	bool many = list || count + has_null != 1;

	buf_printf(out, " %s %s", op, many ? "(" : "");
	for (uint32_t i = 0; i < count; i++) {
		buf_add(out, i ? STR(", ") : STR(""));
		eql_describe_string(strings[i], out);
	}
	if (has_null)
		buf_add(out, count ? STR(", null") : STR("null"));
	if (many)
		buf_add_char(out, ')');
}

static void put_match(const struct eql_expr *x, struct buf *out)
{
	const struct eql_matcher *m = x->matcher;

	if (m->mode == MATCHER_TEXT)
		put_strings(m->fold ? ":" : "like", m->all, m->all_count, false, false, out);
	else if (m->fold || x->has_null || m->all_count > 1)
		put_strings(m->fold ? "in~" : "in", m->all, m->all_count, x->has_null, true, out);
	else
		put_strings("==", m->all, m->all_count, false, false, out);
}

static void put_in(const struct eql_expr *x, struct buf *out)
{
	bool single = x->item_count == 1 && !x->has_null;

	buf_add(out, single ? STR(" == ") : STR(" in ("));
	for (uint32_t i = 0; i < x->item_count; i++) {
		buf_add(out, i ? STR(", ") : STR(""));
		put_literal(&x->items[i], out);
	}
	if (x->has_null)
		buf_add(out, x->item_count ? STR(", null") : STR("null"));
	if (!single)
		buf_add_char(out, ')');
}

static void put_joined(const struct eql_names *names, const struct eql_expr *x, const char *between,
		       struct buf *out)
{
	for (uint32_t i = 0; i < x->kid_count; i++) {
		if (i)
			buf_add(out, str_from(between));
		put_expr(names, x->kids[i], out);
	}
}

static void put_cidrs(const struct eql_expr *x, struct buf *out)
{
	char text[EQL_CIDR_TEXT_MAX];

	for (uint32_t i = 0; i < x->cidr_count; i++) {
		buf_add(out, STR(", "));
		eql_describe_string(eql_cidr_text(&x->cidrs[i], text), out);
	}
}

static void put_call(const struct eql_names *names, const struct eql_expr *x, struct buf *out)
{
	buf_add(out, x->function->name);
	buf_add(out, x->fold ? STR("~(") : STR("("));
	put_joined(names, x, ", ", out);
	put_cidrs(x, out);
	buf_add_char(out, ')');
}

static void put_regex(const struct eql_regex *regex, struct buf *out)
{
	uint32_t count;
	const struct str *patterns = eql_regex_patterns(regex, &count);

	put_strings(eql_regex_folds(regex) ? "regex~" : "regex", patterns, count, false, false,
		    out);
}

static void put_compare(const struct eql_names *names, const struct eql_expr *x, struct buf *out)
{
	if (x->has_null)
		buf_add_char(out, '?');
	put_expr(names, x->kids[0], out);
	buf_printf(out, " %s ", eql_operator_text(x->op));
	put_expr(names, x->kids[1], out);
}

/* A predicate's left side is a primary: anything but a field or call in parentheses. */
static void put_left(const struct eql_names *names, const struct eql_expr *x, struct buf *out)
{
	const struct eql_expr *left = x->kids[0];
	bool primary = left->kind != EXPR_LITERAL || left->literal.type == VALUE_STRING;

	if (!primary)
		buf_add_char(out, '(');
	put_expr(names, left, out);
	if (!primary)
		buf_add_char(out, ')');
}

static bool is_simple(const struct eql_expr *x)
{
	return x->kind == EXPR_LITERAL || x->kind == EXPR_FIELD || x->kind == EXPR_TRUTH ||
	       x->kind == EXPR_TO_DATE || x->kind == EXPR_TO_IP || x->kind == EXPR_CALL;
}

/* Without parentheses around the whole. */
static void put_bare(const struct eql_names *names, const struct eql_expr *x, struct buf *out)
{
	switch (x->kind) {
	case EXPR_LITERAL:
		put_literal(&x->literal, out);
		break;
	case EXPR_FIELD:
		put_field(names, x->field, x->stage, out);
		break;
	case EXPR_TRUTH:
	case EXPR_TO_DATE:
	case EXPR_TO_IP:
		put_expr(names, x->kids[0], out);
		break;
	case EXPR_NOT:
		buf_add(out, STR("not "));
		put_expr(names, x->kids[0], out);
		break;
	case EXPR_AND:
	case EXPR_OR:
		put_joined(names, x, x->kind == EXPR_AND ? " and " : " or ", out);
		break;
	case EXPR_COMPARE:
		put_compare(names, x, out);
		break;
	case EXPR_IS_NULL:
		put_expr(names, x->kids[0], out);
		buf_add(out, STR(" == null"));
		break;
	case EXPR_MATCH:
		put_left(names, x, out);
		put_match(x, out);
		break;
	case EXPR_IN:
		put_left(names, x, out);
		put_in(x, out);
		break;
	case EXPR_REGEX:
		put_left(names, x, out);
		put_regex(x->regex, out);
		break;
	case EXPR_MATH:
		put_expr(names, x->kids[0], out);
		buf_printf(out, " %s ", eql_operator_text(x->op));
		put_expr(names, x->kids[1], out);
		break;
	case EXPR_NEGATE:
		buf_add_char(out, '-');
		put_expr(names, x->kids[0], out);
		break;
	case EXPR_CALL:
		put_call(names, x, out);
		break;
	case EXPR_RELATION: /* never in a leaf */
		break;
	}
}

static void put_expr(const struct eql_names *names, const struct eql_expr *x, struct buf *out)
{
	bool simple = is_simple(x);

	if (!simple)
		buf_add_char(out, '(');
	put_bare(names, x, out);
	if (!simple)
		buf_add_char(out, ')');
}

/* ---- conditions */

void eql_describe_leaf(const struct eql_names *names, const struct eql_leaf *leaf, struct buf *out)
{
	uint32_t stage = leaf->field_stages ? leaf->field_stages[0] : EQL_THIS_EVENT;

	if (leaf->kind != EQL_LEAF_NULL && leaf->kind != EQL_LEAF_EXISTS) {
		put_bare(names, leaf->expr, out);
		return;
	}
	put_field(names, leaf->field, stage, out);
	buf_add(out, leaf->kind == EQL_LEAF_NULL ? STR(" == null") : STR(" != null"));
}

static void put_relation(const struct eql_names *names, uint32_t relation, struct buf *out)
{
	static const char *const kinds[] = {
	    [EQL_EVENT_OF] = "event", [EQL_CHILD_OF] = "child", [EQL_DESCENDANT_OF] = "descendant"};
	const struct eql_relation *r = &names->query->relations[relation];

	buf_printf(out, "%s of [", kinds[r->kind]);
	buf_add(out, names->query->filters[r->filter].text);
	buf_add_char(out, ']');
}

/* Is the part joined inside another by and, or, not to stand in parentheses? */
static bool needs_parentheses(const struct eql_cond *cond)
{
	return cond->kind == EQL_COND_AND || cond->kind == EQL_COND_OR;
}

static void put_kid(const struct eql_names *names, const struct eql_cond *kid, struct buf *out)
{
	bool parentheses = needs_parentheses(kid);

	if (parentheses)
		buf_add_char(out, '(');
	eql_describe_cond(names, kid, out);
	if (parentheses)
		buf_add_char(out, ')');
}

void eql_describe_cond(const struct eql_names *names, const struct eql_cond *cond, struct buf *out)
{
	switch (cond->kind) {
	case EQL_COND_CONST:
		buf_add(out, cond->constant ? STR("true") : STR("false"));
		return;
	case EQL_COND_LEAF:
		eql_describe_leaf(names, cond->leaf, out);
		return;
	case EQL_COND_RELATION:
		put_relation(names, cond->relation, out);
		return;
	case EQL_COND_NOT:
		buf_add(out, STR("not "));
		put_kid(names, cond->kids[0], out);
		return;
	case EQL_COND_AND:
	case EQL_COND_OR:
		break;
	}
	for (uint32_t i = 0; i < cond->kid_count; i++) {
		if (i)
			buf_add(out, cond->kind == EQL_COND_AND ? STR(" and ") : STR(" or "));
		put_kid(names, cond->kids[i], out);
	}
}
