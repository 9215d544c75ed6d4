/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/inspect.h"

#include <inttypes.h>

#include "base/clock.h"
#include "eql/address_internal.h"
#include "eql/function_internal.h"
#include "eql/matcher_internal.h"
#include "eql/regex_internal.h"

struct writer {
	const struct field_set *fields;
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
			buf_printf(out, "\\u{%x}", c);
		else
			buf_add_char(out, (char)c);
	}
	buf_add_char(out, '"');
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
		buf_printf(w->out, "%" PRId64, v->integer);
		return;
	case VALUE_DOUBLE:
		buf_printf(w->out, "%.15g", v->real);
		return;
	default:
		write_string(w->out, value_as_str(v));
		return;
	}
}

/* A plain identifier needs no back quotes. */
static bool is_plain_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = ascii_lower((unsigned char)name.p[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && !strchr("._@", c))
			return false;
	}
	return name.len > 0;
}

static void write_field(struct writer *w, uint32_t field)
{
	struct str name = field_set_info(w->fields, field)->name;

	if (is_plain_name(name))
		buf_add(w->out, name);
	else
		buf_printf(w->out, "`%.*s`", STR_ARG(name));
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

static void write_strings(struct writer *w, const struct str *strings, uint32_t count)
{
	if (count == 1) {
		write_string(w->out, strings[0]);
		return;
	}
	buf_add_char(w->out, '(');
	for (uint32_t i = 0; i < shown(w, count); i++) {
		if (i)
			buf_add(w->out, STR(", "));
		write_string(w->out, strings[i]);
	}
	end_list(w, count);
}

static void write_match(struct writer *w, const struct eql_expr *x)
{
	const struct eql_matcher *m = x->matcher;
	bool list = m->all_count != 1 || x->has_null;

	write_expr(w, x->kids[0], BIND_SUM);
	if (m->mode == MATCHER_TEXT)
		buf_add(w->out, m->fold ? STR(" : ") : STR(" like "));
	else if (m->fold)
		buf_add(w->out, STR(" in~ "));
	else
		buf_add(w->out, list ? STR(" in ") : STR(" == "));
	if (m->mode == MATCHER_COERCE && m->fold && m->all_count == 1) {
		buf_add_char(w->out, '(');
		write_string(w->out, m->all[0]);
		buf_add_char(w->out, ')');
		return;
	}
	write_strings(w, m->all, m->all_count);
}

/* A date is kept as milliseconds; its author wrote a date. */
static void write_constant(struct writer *w, const struct value *v, const struct eql_expr *beside)
{
	char text[CLOCK_TEXT_MAX];

	if (v->type == VALUE_INT && beside->kind == EXPR_TO_DATE)
		write_string(w->out, clock_format(v->integer * NS_PER_MS, text));
	else
		write_literal(w, v);
}

static void write_in(struct writer *w, const struct eql_expr *x)
{
	write_expr(w, x->kids[0], BIND_SUM);
	if (x->item_count == 1 && !x->has_null && !x->fold) {
		buf_add(w->out, STR(" == "));
		write_constant(w, &x->items[0], x->kids[0]);
		return;
	}
	buf_add(w->out, x->fold ? STR(" in~ (") : STR(" in ("));
	for (uint32_t i = 0; i < shown(w, x->item_count); i++) {
		if (i)
			buf_add(w->out, STR(", "));
		write_constant(w, &x->items[i], x->kids[0]);
	}
	end_list(w, x->item_count);
}

static void write_regex(struct writer *w, const struct eql_expr *x)
{
	uint32_t count;
	const struct str *patterns = eql_regex_patterns(x->regex, &count);

	write_expr(w, x->kids[0], BIND_SUM);
	buf_add(w->out, eql_regex_folds(x->regex) ? STR(" regex~ ") : STR(" regex "));
	write_strings(w, patterns, count);
}

static void write_cidr(struct buf *out, const struct eql_cidr *cidr)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	const unsigned char *b = cidr->address.bytes;

	buf_add_char(out, '"');
	if (!memcmp(b, mapped, sizeof(mapped)) && cidr->prefix >= 96) {
		buf_printf(out, "%u.%u.%u.%u/%u\"", b[12], b[13], b[14], b[15], cidr->prefix - 96);
		return;
	}
	for (int i = 0; i < 16; i += 2)
		buf_printf(out, "%s%x", i ? ":" : "", b[i] << 8 | b[i + 1]);
	buf_printf(out, "/%u\"", cidr->prefix);
}

static void write_call(struct writer *w, const struct eql_expr *x)
{
	buf_printf(w->out, "%.*s%s(", STR_ARG(x->function->name), x->fold ? "~" : "");
	for (uint32_t i = 0; i < x->kid_count; i++) {
		if (i)
			buf_add(w->out, STR(", "));
		write_expr(w, x->kids[i], BIND_OR);
	}
	for (uint32_t i = 0; i < shown(w, x->cidr_count); i++) {
		buf_add(w->out, STR(", "));
		write_cidr(w->out, &x->cidrs[i]);
	}
	end_list(w, x->cidr_count);
}

static void write_operand(struct writer *w, const struct eql_expr *x, const struct eql_expr *beside)
{
	if (x->kind == EXPR_LITERAL)
		write_constant(w, &x->literal, beside);
	else
		write_expr(w, x, BIND_SUM);
}

static void write_binary(struct writer *w, const struct eql_expr *x, enum binding kids)
{
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
		if (x->stage != EQL_THIS_EVENT)
			buf_printf(w->out, "event%u.", x->stage);
		write_field(w, x->field);
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

void eql_leaf_write(const struct eql_leaf *leaf, const struct field_set *fields, uint32_t list_max,
		    struct buf *out)
{
	struct writer w = {.fields = fields, .out = out, .list_max = list_max};

	if (leaf->kind == EQL_LEAF_NULL || leaf->kind == EQL_LEAF_EXISTS) {
		write_field(&w, leaf->field);
		buf_add(out, leaf->kind == EQL_LEAF_NULL ? STR(" == null") : STR(" != null"));
		return;
	}
	write_expr(&w, leaf->expr, BIND_OR);
}

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
	const struct value *right;

	if (leaf->kind != EQL_LEAF_OTHER)
		return false;
	if (x->kind == EXPR_IN && x->item_count == 1)
		right = &x->items[0];
	else if (x->kind == EXPR_COMPARE && x->kids[1]->kind == EXPR_LITERAL)
		right = &x->kids[1]->literal;
	else
		return false;
	left = x->kids[0]->kind == EXPR_TO_DATE ? x->kids[0]->kids[0] : x->kids[0];
	if (left->kind != EXPR_FIELD || left->stage != EQL_THIS_EVENT ||
	    !number_of(right, &out->number))
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
