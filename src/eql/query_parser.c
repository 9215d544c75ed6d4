/* SPDX-License-Identifier: Apache-2.0 */
/* An event query: category, condition, pipes. Other kinds of query are refused here. */
#include <errno.h>

#include "eql/parser_internal.h"

static bool parse_category(struct parser *p, struct ast *ast)
{
	if (eql_eat(p, TOKEN_ANY)) {
		ast->any_category = true;
		return true;
	}
	if (eql_is(p, TOKEN_NAME) || eql_is(p, TOKEN_STRING)) {
		ast->category = p->token.text;
		eql_take(p);
		return true;
	}
	struct str hint = STR("a query begins: process where ..., any where ..., \"my-category\" "
			      "where ...");

	if (eql_is(p, TOKEN_QUOTED_NAME))
		hint =
		    STR("a category that is no plain name is written as a string: \"my-category\"");
	eql_unexpected(p, hint, "an event category");
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

	if (eql_is(p, TOKEN_PIPE)) {
		eql_unexpected(p, STR("alternatives are written with: or"), "a pipe's name");
		return false;
	}
	if (!eql_need(p, TOKEN_NAME, "a pipe's name"))
		return false;
	int kind = find_pipe(p, name);
	struct node *args = eql_new_node(p, NODE_CALL, name.span);

	if (!eql_is(p, TOKEN_PIPE) && !eql_is(p, TOKEN_END)) {
		do {
			if (!eql_add_kid(p, args, eql_parse_boolean(p)))
				return false;
		} while (eql_eat(p, TOKEN_COMMA));
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
	if (!eql_eat(p, TOKEN_WHERE)) {
		eql_unexpected(p, STR("for example: process where process.name == \"sh\""),
			       "[where]");
		return;
	}
	ast->condition = eql_parse_boolean(p);
	if (!ast->condition)
		return;
	while (eql_is(p, TOKEN_PIPE)) {
		if (ast->pipe_count == PIPES_MAX) {
			eql_error(p->source, p->token.span, STR_NULL, "more than %d pipes",
				  PIPES_MAX);
			return;
		}
		eql_take(p);
		if (!parse_pipe(p, ast))
			return;
	}
	if (!eql_is(p, TOKEN_END))
		eql_unexpected(p, STR_NULL, "[and], [or], [|] or the end of the query");
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
