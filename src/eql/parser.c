/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive descent over the grammar of Elasticsearch's event queries. One function per level of
 * precedence, weakest first; a function returns NULL once an error has been reported, and nothing
 * is parsed after the first syntax error (what follows it can only be guessed).
 */
#include "eql/ast_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "eql/lexer_internal.h"
#include "eql/string_internal.h"

struct parser {
	struct eql_source *source;
	struct lexer lexer;
	struct token token; /* to be looked at next */
	struct token after; /* and the one behind it */
	struct span last;   /* what was taken last */
	uint32_t depth;
};

static struct node *parse_boolean(struct parser *p);

static void take(struct parser *p)
{
	p->last = p->token.span;
	p->token = p->after;
	p->after = eql_next_token(&p->lexer);
}

static bool is(const struct parser *p, enum token_kind kind)
{
	return p->token.kind == kind;
}

static bool eat(struct parser *p, enum token_kind kind)
{
	if (!is(p, kind))
		return false;
	take(p);
	return true;
}

static void unexpected(struct parser *p, struct str hint, const char *expected)
{
	if (is(p, TOKEN_ERROR))
		return;
	if (is(p, TOKEN_END)) {
		eql_error(p->source, p->token.span, hint, "the query ends where %s is expected",
			  expected);
		return;
	}
	struct str text = eql_excerpt(p->source, p->token.span);

	eql_error(p->source, p->token.span, hint, "unexpected [%.*s], expected %s", STR_ARG(text),
		  expected);
}

static bool need(struct parser *p, enum token_kind kind, const char *expected)
{
	if (eat(p, kind))
		return true;
	unexpected(p, STR_NULL, expected);
	return false;
}

/* ---- nodes */

static struct node *new_node(struct parser *p, enum node_kind kind, struct span span)
{
	struct node *n = ARENA_NEW(p->source->scratch, struct node);

	n->kind = kind;
	n->span = span;
	n->name_span = span;
	n->depth = 1;
	return n;
}

/* Adds a kid; NULL kids and trees that get too deep make the parent NULL. The array doubles when
 * its count reaches a power of two. */
static struct node *add_kid(struct parser *p, struct node *parent, struct node *kid)
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
		eql_error(p->source, parent->name_span, STR("split it into several conditions"),
			  "expression nested deeper than %d levels", EQL_DEPTH_MAX);
		return NULL;
	}
	return parent;
}

/* A node around `first`, which was parsed before it was known what it belongs to. */
static struct node *wrap(struct parser *p, enum node_kind kind, struct node *first,
			 struct span operator_span)
{
	struct node *n = new_node(p, kind, first->span);

	n->name_span = operator_span;
	return add_kid(p, n, first);
}

static bool enter(struct parser *p)
{
	if (p->depth == EQL_DEPTH_MAX) {
		eql_error(p->source, p->token.span, STR("split it into several conditions"),
			  "expression nested deeper than %d levels", EQL_DEPTH_MAX);
		return false;
	}
	p->depth++;
	return true;
}

/* ---- primary */

static struct node *parse_number(struct parser *p)
{
	struct node *n = new_node(p, NODE_LITERAL, p->token.span);
	const char *text = arena_str(p->source->scratch, p->token.text).p;

	n->literal = value_double(strtod(text, NULL));
	if (is(p, TOKEN_INTEGER)) {
		errno = 0;
		int64_t i = strtoll(text, NULL, 10);

		if (errno != ERANGE)
			n->literal = value_int(i);
	}
	take(p);
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
	if (is(p, TOKEN_INTEGER) || is(p, TOKEN_DECIMAL))
		return parse_number(p);
	struct node *n = new_node(p, NODE_LITERAL, p->token.span);

	if (is(p, TOKEN_STRING))
		n->literal = value_str(p->token.text);
	else if (!is(p, TOKEN_NULL))
		n->literal = value_bool(is(p, TOKEN_TRUE));
	take(p);
	return n;
}

/* What comes between parentheses, comma-separated; the opening one has been taken. */
static struct node *parse_list(struct parser *p, struct node *parent,
			       struct node *(*item)(struct parser *p))
{
	do {
		if (is(p, TOKEN_CLOSE)) {
			unexpected(p, STR("remove the comma, or the empty parentheses"), "a value");
			return NULL;
		}
		parent = add_kid(p, parent, item(p));
	} while (parent && eat(p, TOKEN_COMMA));
	if (!parent || !need(p, TOKEN_CLOSE, "[,] or [)]"))
		return NULL;
	parent->span = span_join(parent->span, p->last);
	return parent;
}

static struct node *parse_call(struct parser *p)
{
	struct node *n = new_node(p, NODE_CALL, p->token.span);

	n->name = p->token.text;
	n->fold = is(p, TOKEN_TILDE_NAME);
	take(p);
	if (!need(p, TOKEN_OPEN, "[(] after a function's name"))
		return NULL;
	if (eat(p, TOKEN_CLOSE)) {
		n->span = span_join(n->span, p->last);
		return n;
	}
	return parse_list(p, n, parse_boolean);
}

static bool field_part(struct parser *p, struct buf *name)
{
	if (is(p, TOKEN_NAME) || is(p, TOKEN_QUOTED_NAME)) {
		buf_add(name, p->token.text);
		take(p);
		return true;
	}
	struct str hint = STR_NULL;

	if (token_is_keyword(p->token.kind))
		hint = arena_printf(p->source->scratch,
				    "[%.*s] is a keyword; as part of a field name write it in "
				    "back-quotes: `%.*s`",
				    STR_ARG(p->token.text), STR_ARG(p->token.text));
	unexpected(p, hint, "a field name");
	return false;
}

static struct node *parse_field(struct parser *p)
{
	struct node *n = new_node(p, NODE_FIELD, p->token.span);
	struct buf name = {0};
	struct node *result = NULL;

	n->optional = eat(p, TOKEN_QUESTION);
	do {
		if (name.len)
			buf_add_char(&name, '.');
		if (!field_part(p, &name))
			goto out;
	} while (eat(p, TOKEN_DOT));
	n->span = span_join(n->span, p->last);
	if (is(p, TOKEN_OPEN_BRACKET)) {
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

static struct node *parse_primary(struct parser *p)
{
	struct span start = p->token.span;

	if (starts_literal(p))
		return parse_literal(p);
	if (is(p, TOKEN_TILDE_NAME) || (is(p, TOKEN_NAME) && p->after.kind == TOKEN_OPEN))
		return parse_call(p);
	if (is(p, TOKEN_NAME) || is(p, TOKEN_QUOTED_NAME) || is(p, TOKEN_QUESTION))
		return parse_field(p);
	if (!eat(p, TOKEN_OPEN)) {
		struct str hint = STR_NULL;

		if (token_is_keyword(p->token.kind))
			hint = arena_printf(p->source->scratch,
					    "[%.*s] is a keyword; as a field name write it in "
					    "back-quotes: `%.*s`",
					    STR_ARG(p->token.text), STR_ARG(p->token.text));
		unexpected(p, hint, "a field, a value, a function or [(]");
		return NULL;
	}
	struct node *n = parse_boolean(p);

	if (!n || !need(p, TOKEN_CLOSE, "[)]"))
		return NULL;
	n->span = span_join(start, p->last);
	return n;
}

/* ---- predicates: in, :, like, regex bind to the primary before them */

static struct node *parse_constant(struct parser *p)
{
	if (starts_literal(p))
		return parse_literal(p);
	unexpected(p,
		   STR("the right side of :, like and regex is a string, or several in "
		       "parentheses"),
		   "a constant");
	return NULL;
}

static struct node *parse_in(struct parser *p, struct node *left)
{
	bool negated = is(p, TOKEN_NOT);
	struct span not_span = p->token.span;

	if (negated)
		take(p);
	struct node *n = wrap(p, NODE_IN, left, p->token.span);

	if (!n)
		return NULL;
	n->fold = is(p, TOKEN_IN_TILDE);
	take(p);
	if (!need(p, TOKEN_OPEN, "[(] and a list of values"))
		return NULL;
	n = parse_list(p, n, parse_boolean);
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
	take(p);
	if (eat(p, TOKEN_OPEN))
		return parse_list(p, n, parse_constant);
	return add_kid(p, n, parse_constant(p));
}

/* ---- arithmetic */

static struct node *parse_unary(struct parser *p)
{
	struct span start = p->token.span;

	if (!is(p, TOKEN_MINUS) && !is(p, TOKEN_PLUS))
		return parse_predicate(p);
	bool minus = is(p, TOKEN_MINUS);

	if (!enter(p))
		return NULL;
	take(p);
	struct node *n = parse_unary(p);

	p->depth--;
	/* A plus changes nothing, and Elasticsearch leaves no trace of it either. */
	return n && minus ? add_kid(p, new_node(p, NODE_NEGATE, start), n) : n;
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
		take(p);
		left = add_kid(p, n, operand(p));
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

static bool is_comparison(const struct parser *p)
{
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
	take(p);
	n = add_kid(p, n, parse_sum(p));
	if (n && is_comparison(p)) {
		eql_error(p->source, p->token.span,
			  STR("write: a < b and b < c; to compare a result use parentheses"),
			  "comparisons cannot be chained");
		return NULL;
	}
	return n;
}

static struct node *parse_not(struct parser *p)
{
	if (is(p, TOKEN_NOT)) {
		struct node *n = new_node(p, NODE_NOT, p->token.span);

		if (!enter(p))
			return NULL;
		take(p);
		n = add_kid(p, n, parse_not(p));
		p->depth--;
		return n;
	}
	if (is(p, TOKEN_NAME) && p->after.kind == TOKEN_OF) {
		struct span span = span_join(p->token.span, p->after.span);

		eql_error(p->source, span,
			  STR("relations between processes (child of, descendant of) exist only in "
			      "Elastic Endpoint; use process.parent.* fields or a sequence"),
			  "process relationships are not supported");
		return NULL;
	}
	return parse_comparison(p);
}

static struct node *parse_logical(struct parser *p, enum token_kind token, enum node_kind kind,
				  struct node *(*operand)(struct parser *p))
{
	struct node *first = operand(p);

	if (!first || !is(p, token))
		return first;
	struct node *n = wrap(p, kind, first, p->token.span);

	while (n && eat(p, token))
		n = add_kid(p, n, operand(p));
	return n;
}

static struct node *parse_and(struct parser *p)
{
	return parse_logical(p, TOKEN_AND, NODE_AND, parse_not);
}

static struct node *parse_boolean(struct parser *p)
{
	if (!enter(p))
		return NULL;
	struct node *n = parse_logical(p, TOKEN_OR, NODE_OR, parse_and);

	p->depth--;
	return n;
}

/* ---- event query and pipes */

static bool parse_category(struct parser *p, struct ast *ast)
{
	if (eat(p, TOKEN_ANY)) {
		ast->any_category = true;
		return true;
	}
	if (is(p, TOKEN_NAME) || is(p, TOKEN_STRING)) {
		ast->category = p->token.text;
		take(p);
		return true;
	}
	struct str hint = STR("a query begins: process where ..., any where ..., \"my-category\" "
			      "where ...");

	if (is(p, TOKEN_QUOTED_NAME))
		hint =
		    STR("a category that is no plain name is written as a string: \"my-category\"");
	unexpected(p, hint, "an event category");
	return false;
}

static const struct {
	struct str name;
	bool supported;
	enum eql_pipe_kind kind;
	struct str hint;
} pipe_kinds[] = {
#define HINT(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
    {HINT("head"), true, EQL_PIPE_HEAD, {0}},
    {HINT("tail"), true, EQL_PIPE_TAIL, {0}},
    {HINT("count"), false, 0, HINT("Elasticsearch has only head and tail")},
    {HINT("filter"), false, 0, HINT("move the condition into the query's where")},
    {HINT("sort"), false, 0, HINT("results are in order of time")},
    {HINT("unique"), false, 0, HINT("Elasticsearch has only head and tail")},
    {HINT("unique_count"), false, 0, HINT("Elasticsearch has only head and tail")},
#undef HINT
};

/* Index into pipe_kinds, or -1 with an error reported. */
static int find_pipe(struct parser *p, struct token name)
{
	for (size_t i = 0; i < sizeof(pipe_kinds) / sizeof(*pipe_kinds); i++) {
		if (!str_eq(pipe_kinds[i].name, name.text))
			continue;
		if (pipe_kinds[i].supported)
			return (int)i;
		eql_error(p->source, name.span, pipe_kinds[i].hint, "unsupported pipe [%.*s]",
			  STR_ARG(name.text));
		return -1;
	}
	struct str text = eql_excerpt(p->source, name.span);

	eql_error(p->source, name.span, STR("the pipes are head and tail"),
		  "unrecognized pipe [%.*s]", STR_ARG(text));
	return -1;
}

static bool parse_pipe(struct parser *p, struct ast *ast)
{
	struct token name = p->token;

	if (is(p, TOKEN_PIPE)) {
		unexpected(p, STR("alternatives are written with: or"), "a pipe's name");
		return false;
	}
	if (!need(p, TOKEN_NAME, "a pipe's name"))
		return false;
	int kind = find_pipe(p, name);
	struct node *args = new_node(p, NODE_CALL, name.span);

	if (!is(p, TOKEN_PIPE) && !is(p, TOKEN_END)) {
		do {
			if (!add_kid(p, args, parse_boolean(p)))
				return false;
		} while (eat(p, TOKEN_COMMA));
	}
	if (kind < 0)
		return true;
	if (args->kid_count != 1) {
		eql_error(p->source, args->span, STR("for example: head 5"),
			  "pipe [%.*s] takes exactly one argument, found %u", STR_ARG(name.text),
			  args->kid_count);
		return true;
	}
	struct ast_pipe *pipes =
	    ARENA_ARRAY(p->source->scratch, struct ast_pipe, ast->pipe_count + 1);

	if (ast->pipe_count)
		memcpy(pipes, ast->pipes, ast->pipe_count * sizeof(*pipes));
	pipes[ast->pipe_count++] =
	    (struct ast_pipe){pipe_kinds[kind].kind, name.span, args->kids[0]};
	ast->pipes = pipes;
	return true;
}

/* Pipes only limit the result; a handful is already odd. Copying the array per pipe stays cheap. */
#define PIPES_MAX 64

static void parse_event_query(struct parser *p, struct ast *ast)
{
	if (!parse_category(p, ast))
		return;
	if (!eat(p, TOKEN_WHERE)) {
		unexpected(p, STR("for example: process where process.name == \"sh\""), "[where]");
		return;
	}
	ast->condition = parse_boolean(p);
	if (!ast->condition)
		return;
	while (is(p, TOKEN_PIPE)) {
		if (ast->pipe_count == PIPES_MAX) {
			eql_error(p->source, p->token.span, STR_NULL, "more than %d pipes",
				  PIPES_MAX);
			return;
		}
		take(p);
		if (!parse_pipe(p, ast))
			return;
	}
	if (!is(p, TOKEN_END))
		unexpected(p, STR_NULL, "[and], [or], [|] or the end of the query");
}

/* The kinds of query that need more than one event. They are refused by their first word, before
 * anything in them could be judged by the rules of event queries. */
static const char *stateful_query(enum token_kind kind)
{
	switch (kind) {
	case TOKEN_SEQUENCE:
		return "sequences";
	case TOKEN_SAMPLE:
		return "samples";
	case TOKEN_JOIN:
		return "joins";
	default:
		return NULL;
	}
}

int eql_parse(struct eql_source *source, struct ast *ast)
{
	struct parser p = {
	    .source = source,
	    .lexer = {.source = source, .arena = source->scratch},
	};
	p.token = eql_next_token(&p.lexer);
	const char *stateful = stateful_query(p.token.kind);

	if (stateful) {
		eql_error(source, p.token.span,
			  STR("only queries over single events run: category where condition"),
			  "%s are not yet supported", stateful);
		return -ENOTSUP;
	}
	if (source->text.len > EQL_TEXT_BYTES_MAX) {
		eql_error(source, (struct span){0, 1}, STR_NULL, "query longer than %zu bytes",
			  EQL_TEXT_BYTES_MAX);
		return -EINVAL;
	}
	p.after = eql_next_token(&p.lexer);
	parse_event_query(&p, ast);
	return source->errors ? -EINVAL : 0;
}
