/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical text of an expression, by which leaves of different rules are found to be one:
 *
 *	match~(process.name "curl" "wget*")	>(process.args_count 3)
 *	==(process.name @0 process.name)	the latter of the first stage's event
 *
 * Lists are sorted (the matcher and regex do that), literals stand right, constants are folded;
 * so order in a list, blanks, `==` against `in` and the case of function names make no difference.
 */
#include <inttypes.h>

#include "eql/address_internal.h"
#include "eql/function_internal.h"
#include "eql/matcher_internal.h"
#include "eql/regex_internal.h"

static void put_string(struct buf *out, struct str s)
{
	buf_add(out, STR(" \""));
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '"');
}

static void put_literal(struct buf *out, const struct value *v)
{
	switch (v->type) {
	case VALUE_NULL:
		buf_add(out, STR(" null"));
		break;
	case VALUE_BOOL:
		buf_add(out, v->boolean ? STR(" true") : STR(" false"));
		break;
	case VALUE_INT:
		buf_printf(out, " %" PRId64, v->integer);
		break;
	case VALUE_DOUBLE:
		buf_printf(out, " %.17gd", v->real);
		break;
	default:
		put_string(out, value_as_str(v));
		break;
	}
}

/* The two modes are one predicate when only strings can satisfy it. */
static void put_matcher(struct buf *out, const struct eql_matcher *m)
{
	if (!m->strings_only)
		buf_add(out, m->mode == MATCHER_COERCE ? STR(" number") : STR(" text"));
	if (m->pattern_count)
		buf_add(out, STR(" pattern"));
	for (uint32_t i = 0; i < m->all_count; i++)
		put_string(out, m->all[i]);
}

static void put_regex(struct buf *out, const struct eql_regex *regex)
{
	uint32_t count;
	const struct str *patterns = eql_regex_patterns(regex, &count);

	for (uint32_t i = 0; i < count; i++)
		put_string(out, patterns[i]);
}

static void put_cidrs(struct buf *out, const struct eql_expr *x)
{
	for (uint32_t i = 0; i < x->cidr_count; i++) {
		buf_add_char(out, ' ');
		for (int b = 0; b < 16; b++)
			buf_printf(out, "%02x", x->cidrs[i].address.bytes[b]);
		buf_printf(out, "/%u", x->cidrs[i].prefix);
	}
}

static void put_name(struct buf *out, const struct eql_expr *x)
{
	static const char *const names[] = {
	    [EXPR_TRUTH] = "truth", [EXPR_TO_DATE] = "date",  [EXPR_TO_IP] = "ip",
	    [EXPR_NOT] = "not",     [EXPR_AND] = "and",       [EXPR_OR] = "or",
	    [EXPR_IN] = "in",       [EXPR_IS_NULL] = "null",  [EXPR_MATCH] = "match",
	    [EXPR_REGEX] = "regex", [EXPR_NEGATE] = "negate",
	};
	bool fold = x->fold;

	if (x->kind == EXPR_CALL)
		buf_add(out, x->function->name);
	else if (x->kind == EXPR_COMPARE || x->kind == EXPR_MATH)
		buf_add(out, str_from(eql_operator_text(x->op)));
	else
		buf_add(out, str_from(names[x->kind]));
	if (x->kind == EXPR_MATCH)
		fold = x->matcher->fold;
	else if (x->kind == EXPR_REGEX)
		fold = eql_regex_folds(x->regex);
	if (fold)
		buf_add_char(out, '~');
	if (x->has_null)
		buf_add_char(out, '?');
}

void eql_expr_key(const struct field_set *fields, const struct eql_expr *x, struct buf *out)
{
	if (x->kind == EXPR_LITERAL) {
		put_literal(out, &x->literal);
		return;
	}
	if (x->kind == EXPR_FIELD) {
		/* Quoted: a back-quoted name may hold anything. */
		if (x->stage != EQL_THIS_EVENT)
			buf_printf(out, " @%" PRIu32, x->stage);
		put_string(out, field_set_info(fields, x->field)->name);
		return;
	}
	buf_add_char(out, ' ');
	put_name(out, x);
	buf_add_char(out, '(');
	for (uint32_t i = 0; i < x->kid_count; i++)
		eql_expr_key(fields, x->kids[i], out);
	for (uint32_t i = 0; i < x->item_count; i++)
		put_literal(out, &x->items[i]);
	if (x->kind == EXPR_MATCH)
		put_matcher(out, x->matcher);
	else if (x->kind == EXPR_REGEX)
		put_regex(out, x->regex);
	put_cidrs(out, x);
	buf_add_char(out, ')');
}
