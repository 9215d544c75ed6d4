/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive descent over the grammar of Elasticsearch's expressions. One function per level of
 * precedence, weakest first; a function returns NULL once an error has been reported, and nothing
 * is parsed after the first syntax error (what follows it can only be guessed).
 */
#include "eql/parser_internal.h"

#include <errno.h>
#include <stdlib.h>

void eql_unexpected(struct parser *p, struct str hint, const char *expected)
{
	if (eql_is(p, TOKEN_ERROR))
		return;
	if (eql_is(p, TOKEN_END)) {
		eql_error(p->source, p->token.span, hint, "the query ends where %s is expected",
			  expected);
		return;
	}
	struct str text = eql_excerpt(p->source, p->token.span);

	eql_error(p->source, p->token.span, hint, "unexpected [%.*s], expected %s", STR_ARG(text),
		  expected);
}

bool eql_need(struct parser *p, enum token_kind kind, const char *expected)
{
	if (eql_eat(p, kind))
		return true;
	eql_unexpected(p, STR_NULL, expected);
	return false;
}

/* ---- nodes */

struct node *eql_new_node(struct parser *p, enum node_kind kind, struct span span)
{
	struct node *n = ARENA_NEW(p->source->scratch, struct node);

	n->kind = kind;
	n->span = span;
	n->name_span = span;
	n->depth = 1;
	n->stage = EQL_THIS_EVENT;
	return n;
}

static void too_deep(struct parser *p, struct span where)
{
	eql_error(p->source, where, STR("split it into several conditions"),
		  "expression nested deeper than %d levels", EQL_DEPTH_MAX);
}

/* Adds a kid; NULL kids and trees that get too deep make the parent NULL. The array doubles when
 * its count reaches a power of two. */
struct node *eql_add_kid(struct parser *p, struct node *parent, struct node *kid)
{
	uint32_t n = parent->kid_count;

	if (!kid)
		return NULL;
	if ((n & (n - 1)) == 0) {
		struct node **kids =
		    ARENA_ARRAY(p->source->scratch, struct node *, n ? (size_t)n * 2 : 1);

		if (n)
			memcpy(kids, parent->kids, n * sizeof(*kids));
		parent->kids = kids;
	}
	parent->kids[parent->kid_count++] = kid;
	parent->span = span_join(parent->span, p->last);
	if (kid->depth >= parent->depth)
		parent->depth = kid->depth + 1;
	if (parent->depth > EQL_DEPTH_MAX) {
		too_deep(p, parent->name_span);
		return NULL;
	}
	return parent;
}

/* A node around `first`, which was parsed before it was known what it belongs to. */
static struct node *wrap(struct parser *p, enum node_kind kind, struct node *first,
			 struct span operator_span)
{
	struct node *n = eql_new_node(p, kind, first->span);

	n->name_span = operator_span;
	return eql_add_kid(p, n, first);
}

bool eql_enter(struct parser *p)
{
	if (p->depth == EQL_DEPTH_MAX) {
		too_deep(p, p->token.span);
		return false;
	}
	p->depth++;
	return true;
}

/* ---- primary */

static struct node *parse_number(struct parser *p)
{
	struct node *n = eql_new_node(p, NODE_LITERAL, p->token.span);
	const char *text = arena_str(p->source->scratch, p->token.text).p;

	n->literal = value_double(strtod(text, NULL));
	if (eql_is(p, TOKEN_INTEGER)) {
		errno = 0;
		int64_t i = strtoll(text, NULL, 10);

		if (errno != ERANGE)
			n->literal = value_int(i);
	}
	eql_take(p);
	return n;
}

static bool starts_literal(const struct parser *p)
{
	switch (p->token.kind) {
	case TOKEN_INTEGER:
	case TOKEN_DECIMAL:
	case TOKEN_STRING:
	case TOKEN_TRUE:
	case TOKEN_FALSE:
	case TOKEN_NULL:
		return true;
	default:
		return false;
	}
}

static struct node *parse_literal(struct parser *p)
{
	if (eql_is(p, TOKEN_INTEGER) || eql_is(p, TOKEN_DECIMAL))
		return parse_number(p);
	struct node *n = eql_new_node(p, NODE_LITERAL, p->token.span);

	if (eql_is(p, TOKEN_STRING))
		n->literal = value_str(p->token.text);
	else if (!eql_is(p, TOKEN_NULL))
		n->literal = value_bool(eql_is(p, TOKEN_TRUE));
	eql_take(p);
	return n;
}

/* What comes between parentheses, comma-separated; the opening one has been taken. */
static struct node *parse_list(struct parser *p, struct node *parent,
			       struct node *(*item)(struct parser *p))
{
	do {
		if (eql_is(p, TOKEN_CLOSE)) {
			eql_unexpected(p, STR("remove the comma, or the empty parentheses"),
				       "a value");
			return NULL;
		}
		parent = eql_add_kid(p, parent, item(p));
	} while (parent && eql_eat(p, TOKEN_COMMA));
	if (!parent || !eql_need(p, TOKEN_CLOSE, "[,] or [)]"))
		return NULL;
	parent->span = span_join(parent->span, p->last);
	return parent;
}

static struct node *parse_call(struct parser *p)
{
	struct node *n = eql_new_node(p, NODE_CALL, p->token.span);

	n->name = p->token.text;
	n->fold = eql_is(p, TOKEN_TILDE_NAME);
	eql_take(p);
	if (!eql_need(p, TOKEN_OPEN, "[(] after a function's name"))
		return NULL;
	if (eql_eat(p, TOKEN_CLOSE)) {
		n->span = span_join(n->span, p->last);
		return n;
	}
	return parse_list(p, n, eql_parse_boolean);
}

static bool field_part(struct parser *p, struct buf *name)
{
	if (eql_is(p, TOKEN_NAME) || eql_is(p, TOKEN_QUOTED_NAME)) {
		buf_add(name, p->token.text);
		eql_take(p);
		return true;
	}
	struct str hint = STR_NULL;

	if (token_is_keyword(p->token.kind))
		hint = arena_printf(p->source->scratch,
				    "[%.*s] is a keyword; as part of a field name write it in "
				    "back-quotes: `%.*s`",
				    STR_ARG(p->token.text), STR_ARG(p->token.text));
	eql_unexpected(p, hint, "a field name");
	return false;
}

static struct node *parse_field(struct parser *p)
{
	struct node *n = eql_new_node(p, NODE_FIELD, p->token.span);
	struct buf name = {0};
	struct node *result = NULL;

	n->optional = eql_eat(p, TOKEN_QUESTION);
	do {
		if (name.len)
			buf_add_char(&name, '.');
		if (!field_part(p, &name))
			goto out;
	} while (eql_eat(p, TOKEN_DOT));
	n->span = span_join(n->span, p->last);
	/* A bracket that holds no number is the next query of a sequence. */
	if (eql_is(p, TOKEN_OPEN_BRACKET) && p->after.kind == TOKEN_INTEGER) {
		eql_error(p->source, p->token.span,
			  STR("a condition on a field with several values holds if any of them "
			      "fits"),
			  "array indexes are not supported");
		goto out;
	}
	n->name = arena_str(p->source->scratch, buf_str(&name));
	result = n;
out:
	buf_free(&name);
	return result;
}

static void unexpected_primary(struct parser *p)
{
	struct str hint = STR_NULL;

	if (token_is_keyword(p->token.kind))
		hint = arena_printf(p->source->scratch,
				    "[%.*s] is a keyword; as a field name write it in "
				    "back-quotes: `%.*s`",
				    STR_ARG(p->token.text), STR_ARG(p->token.text));
	else if (eql_is(p, TOKEN_OPEN_MISSING))
		hint = STR("missing events, ![...], belong to sequences; negation is written: not "
			   "...");
	eql_unexpected(p, hint, "a field, a value, a function or [(]");
}

static struct node *parse_primary(struct parser *p)
{
	struct span start = p->token.span;

	if (starts_literal(p))
		return parse_literal(p);
	if (eql_is(p, TOKEN_TILDE_NAME) || (eql_is(p, TOKEN_NAME) && p->after.kind == TOKEN_OPEN))
		return parse_call(p);
	if (eql_is(p, TOKEN_NAME) || eql_is(p, TOKEN_QUOTED_NAME) || eql_is(p, TOKEN_QUESTION))
		return parse_field(p);
	if (!eql_eat(p, TOKEN_OPEN)) {
		unexpected_primary(p);
		return NULL;
	}
	struct node *n = eql_parse_boolean(p);

	if (!n || !eql_need(p, TOKEN_CLOSE, "[)]"))
		return NULL;
	n->span = span_join(start, p->last);
	return n;
}

/* ---- predicates: in, :, like, regex bind to the primary before them */

static struct node *parse_constant(struct parser *p)
{
	if (starts_literal(p))
		return parse_literal(p);
	eql_unexpected(p,
		       STR("the right side of :, like and regex is a string, or several in "
			   "parentheses"),
		       "a constant");
	return NULL;
}

static struct node *parse_in(struct parser *p, struct node *left)
{
	bool negated = eql_is(p, TOKEN_NOT);
	struct span not_span = p->token.span;

	if (negated)
		eql_take(p);
	struct node *n = wrap(p, NODE_IN, left, p->token.span);

	if (!n)
		return NULL;
	n->fold = eql_is(p, TOKEN_IN_TILDE);
	eql_take(p);
	if (!eql_need(p, TOKEN_OPEN, "[(] and a list of values"))
		return NULL;
	n = parse_list(p, n, eql_parse_boolean);
	return n && negated ? wrap(p, NODE_NOT, n, not_span) : n;
}

static struct node *parse_predicate(struct parser *p)
{
	struct node *left = parse_primary(p);
	enum token_kind kind = p->token.kind;

	if (!left)
		return NULL;
	if (kind == TOKEN_NOT && (p->after.kind == TOKEN_IN || p->after.kind == TOKEN_IN_TILDE))
		return parse_in(p, left);
	switch (kind) {
	case TOKEN_IN:
	case TOKEN_IN_TILDE:
		return parse_in(p, left);
	case TOKEN_COLON:
	case TOKEN_LIKE:
	case TOKEN_LIKE_TILDE:
	case TOKEN_REGEX:
	case TOKEN_REGEX_TILDE:
		break;
	default:
		return left;
	}
	bool regex = kind == TOKEN_REGEX || kind == TOKEN_REGEX_TILDE;
	struct node *n = wrap(p, regex ? NODE_REGEX : NODE_LIKE, left, p->token.span);

	if (!n)
		return NULL;
	n->fold = kind != TOKEN_LIKE && kind != TOKEN_REGEX;
	eql_take(p);
	if (eql_eat(p, TOKEN_OPEN))
		return parse_list(p, n, parse_constant);
	return eql_add_kid(p, n, parse_constant(p));
}

/* ---- arithmetic */

static struct node *parse_unary(struct parser *p)
{
	struct span start = p->token.span;

	if (!eql_is(p, TOKEN_MINUS) && !eql_is(p, TOKEN_PLUS))
		return parse_predicate(p);
	bool minus = eql_is(p, TOKEN_MINUS);

	if (!eql_enter(p))
		return NULL;
	eql_take(p);
	struct node *n = parse_unary(p);

	p->depth--;
	/* A plus changes nothing, and Elasticsearch leaves no trace of it either. */
	return n && minus ? eql_add_kid(p, eql_new_node(p, NODE_NEGATE, start), n) : n;
}

static bool operator_of(enum token_kind kind, enum eql_operator *op)
{
	static const uint8_t ops[] = {
	    [TOKEN_EQ] = EQL_EQ + 1,          [TOKEN_NE] = EQL_NE + 1,
	    [TOKEN_LT] = EQL_LT + 1,          [TOKEN_LE] = EQL_LE + 1,
	    [TOKEN_GT] = EQL_GT + 1,          [TOKEN_GE] = EQL_GE + 1,
	    [TOKEN_PLUS] = EQL_ADD + 1,       [TOKEN_MINUS] = EQL_SUBTRACT + 1,
	    [TOKEN_STAR] = EQL_MULTIPLY + 1,  [TOKEN_SLASH] = EQL_DIVIDE + 1,
	    [TOKEN_PERCENT] = EQL_MODULO + 1,
	};

	if (kind >= sizeof(ops) || !ops[kind])
		return false;
	*op = ops[kind] - 1;
	return true;
}

/* Left-associative chain of the operators from `first` to `last`. */
static struct node *parse_chain(struct parser *p, enum token_kind first, enum token_kind last,
				struct node *(*operand)(struct parser *p))
{
	struct node *left = operand(p);

	while (left && p->token.kind >= first && p->token.kind <= last) {
		struct node *n = wrap(p, NODE_MATH, left, p->token.span);

		if (!n)
			return NULL;
		operator_of(p->token.kind, &n->op);
		eql_take(p);
		left = eql_add_kid(p, n, operand(p));
	}
	return left;
}

static struct node *parse_product(struct parser *p)
{
	return parse_chain(p, TOKEN_STAR, TOKEN_PERCENT, parse_unary);
}

static struct node *parse_sum(struct parser *p)
{
	return parse_chain(p, TOKEN_PLUS, TOKEN_MINUS, parse_product);
}

/* ---- comparison, not, and, or */

/* `=` is read as the `==` it was meant to be. */
static bool is_comparison(struct parser *p)
{
	if (eql_is(p, TOKEN_ASSIGN)) {
		eql_error(p->source, p->token.span,
			  STR("write == to compare exactly, : to ignore case"),
			  "[=] is not an operator");
		p->token.kind = TOKEN_EQ;
	}
	return p->token.kind >= TOKEN_EQ && p->token.kind <= TOKEN_GE;
}

static struct node *parse_comparison(struct parser *p)
{
	struct node *left = parse_sum(p);

	if (!left || !is_comparison(p))
		return left;
	struct node *n = wrap(p, NODE_COMPARE, left, p->token.span);

	if (!n)
		return NULL;
	operator_of(p->token.kind, &n->op);
	eql_take(p);
	n = eql_add_kid(p, n, parse_sum(p));
	if (n && is_comparison(p)) {
		eql_error(p->source, p->token.span,
			  STR("write: a < b and b < c; to compare a result use parentheses"),
			  "comparisons cannot be chained");
		return NULL;
	}
	return n;
}

static const struct {
	struct str name;
	enum eql_relation_kind kind;
} relations[] = {
    {{"child", 5}, EQL_CHILD_OF},
    {{"descendant", 10}, EQL_DESCENDANT_OF},
    {{"event", 5}, EQL_EVENT_OF},
};

/* `child of [process where ...]`, at the name. */
static struct node *parse_relation(struct parser *p)
{
	struct token name = p->token;
	struct span span = span_join(name.span, p->after.span);
	struct node *n = eql_new_node(p, NODE_RELATION, span);
	size_t i = 0;

	if (!eql_is_endpoint(p)) {
		eql_error(p->source, span,
			  STR("relations between processes (child of, descendant of) exist only in "
			      "Elastic Endpoint; use process.parent.* fields or a sequence"),
			  "process relationships are not supported");
		return NULL;
	}
	while (i < sizeof(relations) / sizeof(*relations) && !str_eq(relations[i].name, name.text))
		i++;
	if (i == sizeof(relations) / sizeof(*relations)) {
		eql_error(p->source, span,
			  STR("the relations are: child of, descendant of, event of"),
			  "unknown relation [%.*s of]", STR_ARG(name.text));
		return NULL;
	}
	n->relation = relations[i].kind;
	n->term = ARENA_NEW(p->source->scratch, struct ast_term);
	if (!eql_enter(p))
		return NULL;
	eql_take(p);
	eql_take(p);
	bool ok = eql_parse_term(p, PLACE_RELATION, n->term);

	p->depth--;
	n->span = span_join(span, p->last);
	if (!ok)
		return NULL;
	/* As deep as what is in it, so that the bound holds for both together. */
	n->depth = n->term->condition->depth + 1;
	if (n->depth <= EQL_DEPTH_MAX)
		return n;
	too_deep(p, span);
	return NULL;
}

static struct node *parse_not(struct parser *p)
{
	if (eql_is(p, TOKEN_NOT)) {
		struct node *n = eql_new_node(p, NODE_NOT, p->token.span);

		if (!eql_enter(p))
			return NULL;
		eql_take(p);
		n = eql_add_kid(p, n, parse_not(p));
		p->depth--;
		return n;
	}
	if (eql_is(p, TOKEN_NAME) && p->after.kind == TOKEN_OF)
		return parse_relation(p);
	return parse_comparison(p);
}

static struct node *parse_logical(struct parser *p, enum token_kind token, enum node_kind kind,
				  struct node *(*operand)(struct parser *p))
{
	struct node *first = operand(p);

	if (!first || !eql_is(p, token))
		return first;
	struct node *n = wrap(p, kind, first, p->token.span);

	while (n && eql_eat(p, token))
		n = eql_add_kid(p, n, operand(p));
	return n;
}

static struct node *parse_and(struct parser *p)
{
	return parse_logical(p, TOKEN_AND, NODE_AND, parse_not);
}

struct node *eql_parse_boolean(struct parser *p)
{
	if (!eql_enter(p))
		return NULL;
	struct node *n = parse_logical(p, TOKEN_OR, NODE_OR, parse_and);

	p->depth--;
	return n;
}
