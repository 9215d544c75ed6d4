/* SPDX-License-Identifier: Apache-2.0 */
/* A whole query: an event query, a sequence, a sample or a join, and pipes; with what Elasticsearch
 * asks of the parts together. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "eql/parser_internal.h"

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

static bool parse_pipes(struct parser *p, struct ast *ast)
{
	while (eql_is(p, TOKEN_PIPE)) {
		if (ast->kind == EQL_QUERY_SAMPLE) {
			eql_error(p->source, p->token.span, STR_NULL,
				  "samples do not support pipes");
			return false;
		}
		if (ast->pipe_count == PIPES_MAX) {
			eql_error(p->source, p->token.span, STR_NULL, "more than %d pipes",
				  PIPES_MAX);
			return false;
		}
		eql_take(p);
		if (!parse_pipe(p, ast))
			return false;
	}
	return true;
}

static struct ast_term *add_term(struct parser *p, struct ast *ast)
{
	uint32_t n = ast->term_count;

	/* The array doubles when its count reaches a power of two. */
	if ((n & (n - 1)) == 0) {
		struct ast_term *terms =
		    ARENA_ARRAY(p->source->scratch, struct ast_term, n ? (size_t)n * 2 : 1);

		if (n)
			memcpy(terms, ast->terms, n * sizeof(*terms));
		ast->terms = terms;
	}
	return &ast->terms[ast->term_count++];
}

/* ---- sequences */

static const struct {
	struct str name;
	int64_t ns;
} time_units[] = {
    {{"ms", 2}, NS_PER_MS},        {{"s", 1}, NS_PER_SEC},         {{"m", 1}, 60 * NS_PER_SEC},
    {{"h", 1}, 3600 * NS_PER_SEC}, {{"d", 1}, 86400 * NS_PER_SEC},
};

/* The unit of `number`, which was just taken; 0, reported, if there is none. */
static int64_t parse_unit(struct parser *p, struct token number)
{
	struct token unit = p->token;

	if (!eql_is(p, TOKEN_NAME)) {
		struct str hint =
		    arena_printf(p->source->scratch, "did you mean [%.*ss]?", STR_ARG(number.text));

		eql_error(p->source, number.span, hint, "maxspan without a unit of time");
		return 0;
	}
	for (size_t i = 0; i < sizeof(time_units) / sizeof(*time_units); i++)
		if (str_eq(time_units[i].name, unit.text)) {
			eql_take(p);
			return time_units[i].ns;
		}
	struct str text = eql_excerpt(p->source, unit.span);

	eql_error(p->source, unit.span, STR("the units are: ms, s, m, h, d"),
		  "unknown unit of time [%.*s]", STR_ARG(text));
	return 0;
}

static bool parse_span_value(struct parser *p, struct ast *ast)
{
	struct token number = p->token;
	struct str text = eql_excerpt(p->source, number.span);

	if (eql_is(p, TOKEN_DECIMAL)) {
		eql_error(p->source, number.span, STR("write it in a smaller unit: 1500ms"),
			  "maxspan must be a whole number, found [%.*s]", STR_ARG(text));
		return false;
	}
	if (!eql_need(p, TOKEN_INTEGER, "a time, such as 5m"))
		return false;
	int64_t unit = parse_unit(p, number);

	if (!unit)
		return false;
	errno = 0;
	int64_t n = strtoll(arena_str(p->source->scratch, number.text).p, NULL, 10);

	if (errno || __builtin_mul_overflow(n, unit, &ast->maxspan_ns)) {
		eql_error(p->source, number.span, STR("leave out: with maxspan"),
			  "maxspan is longer than 292 years");
		return false;
	}
	if (n <= 0) {
		eql_error(p->source, number.span, STR_NULL,
			  "maxspan must be more than 0, found [%.*s]", STR_ARG(text));
		return false;
	}
	return true;
}

static bool parse_maxspan(struct parser *p, struct ast *ast)
{
	if (!eql_eat(p, TOKEN_WITH))
		return true;
	if (!eql_need(p, TOKEN_MAXSPAN, "[maxspan]") || !eql_need(p, TOKEN_ASSIGN, "[=]") ||
	    !parse_span_value(p, ast))
		return false;
	if (!eql_is(p, TOKEN_BY))
		return true;
	eql_error(p->source, p->token.span, STR("write: sequence by ... with maxspan=..."),
		  "[by] must stand before [with]");
	return false;
}

static bool starts_term(const struct parser *p)
{
	return eql_is(p, TOKEN_OPEN_BRACKET) || eql_is(p, TOKEN_OPEN_MISSING);
}

static bool parse_until(struct parser *p, struct ast *ast, enum term_place place)
{
	if (!eql_eat(p, TOKEN_UNTIL))
		return true;
	ast->until = ARENA_NEW(p->source->scratch, struct ast_term);
	if (!eql_parse_term(p, place, ast->until))
		return false;
	if (ast->until->runs == 1)
		return true;
	eql_error(p->source, p->last, STR_NULL, "[until] cannot be repeated");
	return false;
}

static bool check_key_count(struct parser *p, const struct ast *ast, const struct ast_term *term)
{
	uint32_t want = ast->terms[0].key_count;

	if (term->key_count == want)
		return true;
	eql_error(p->source, term->key_span, STR("every query needs as many keys as the first one"),
		  "inconsistent number of join keys: expected [%u], found [%u]", want,
		  term->key_count);
	return false;
}

static bool check_key_counts(struct parser *p, const struct ast *ast)
{
	for (uint32_t i = 1; i < ast->term_count; i++)
		if (!check_key_count(p, ast, &ast->terms[i]))
			return false;
	return !ast->until || check_key_count(p, ast, ast->until);
}

/* How many stages the terms so far make. */
static uint32_t stage_count(const struct ast *ast)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ast->term_count; i++)
		count += ast->terms[i].runs;
	return count;
}

static bool check_missing(struct parser *p, const struct ast *ast, struct span head)
{
	const struct ast_term *missing = NULL;
	uint32_t present = 0;

	for (uint32_t i = 0; i < ast->term_count; i++)
		if (ast->terms[i].missing)
			missing = missing ? missing : &ast->terms[i];
		else
			present++;
	if (missing && !ast->maxspan_ns) {
		eql_error(p->source, missing->span, STR("for example: sequence with maxspan=1m"),
			  "a sequence with missing events needs [maxspan]");
		return false;
	}
	if (!present)
		eql_error(p->source, head, STR_NULL,
			  "a sequence needs at least one query that is not missing");
	return present > 0;
}

static bool parse_sequence(struct parser *p, struct ast *ast)
{
	struct span head = p->token.span, span;

	eql_take(p);
	if (!eql_parse_keys(p, &ast->keys, &ast->key_count, &span) || !parse_maxspan(p, ast))
		return false;
	do {
		struct ast_term *term = add_term(p, ast);

		if (!eql_parse_term(p, PLACE_SEQUENCE, term))
			return false;
		if (stage_count(ast) > EQL_STAGES_MAX) {
			eql_error(p->source, term->span, STR_NULL,
				  "a sequence cannot have more than %d queries", EQL_STAGES_MAX);
			return false;
		}
	} while (starts_term(p));
	if (!parse_until(p, ast, PLACE_UNTIL))
		return false;
	if (stage_count(ast) < 2) {
		eql_error(p->source, head, STR("one event is a query by itself, without sequence"),
			  "a sequence needs at least 2 queries, found [1]");
		return false;
	}
	return check_key_counts(p, ast) && check_missing(p, ast, head);
}

/* ---- samples, joins */

/* Elasticsearch still reads joins, only to refuse them. Their terms are bounded like a sequence's. */
static bool parse_members(struct parser *p, struct ast *ast, uint32_t most, const char *what)
{
	struct span head = p->token.span, span;

	eql_take(p);
	if (!eql_parse_keys(p, &ast->keys, &ast->key_count, &span))
		return false;
	do {
		struct ast_term *term = add_term(p, ast);

		if (!eql_parse_term(p, PLACE_MEMBER, term))
			return false;
		if (ast->term_count > most) {
			eql_error(p->source, term->span, STR_NULL,
				  "a %s cannot have more than %u queries", what, most);
			return false;
		}
	} while (starts_term(p));
	if (ast->term_count < 2) {
		eql_error(p->source, head, STR_NULL, "a %s needs at least 2 queries, found [1]",
			  what);
		return false;
	}
	return true;
}

static bool parse_sample(struct parser *p, struct ast *ast)
{
	struct span head = p->token.span;

	ast->kind = EQL_QUERY_SAMPLE;
	if (!parse_members(p, ast, EQL_SAMPLE_FILTERS_MAX, "sample") || !check_key_counts(p, ast))
		return false;
	if (ast->key_count + ast->terms[0].key_count)
		return true;
	eql_error(p->source, head, STR("for example: sample by host.id [...] [...]"),
		  "a sample needs at least one join key");
	return false;
}

static bool parse_join(struct parser *p, struct ast *ast)
{
	return parse_members(p, ast, EQL_STAGES_MAX, "join") && parse_until(p, ast, PLACE_MEMBER) &&
	       check_key_counts(p, ast);
}

/* ---- all of them */

static const char *what_may_follow(const struct ast *ast)
{
	switch (ast->kind) {
	case EQL_QUERY_EVENT:
		break;
	case EQL_QUERY_SEQUENCE:
		return ast->until ? "[|] or the end of the query"
				  : "a query in [...], [until], [|] or the end of the query";
	case EQL_QUERY_SAMPLE:
		return "a query in [...] or the end of the query";
	}
	return "[and], [or], [|] or the end of the query";
}

static void parse_query(struct parser *p, struct ast *ast)
{
	bool ok;

	if (eql_is(p, TOKEN_SEQUENCE)) {
		ast->kind = EQL_QUERY_SEQUENCE;
		ok = parse_sequence(p, ast);
	} else if (eql_is(p, TOKEN_JOIN)) {
		ast->kind = EQL_QUERY_SEQUENCE;
		ok = parse_join(p, ast);
	} else if (eql_is(p, TOKEN_SAMPLE)) {
		ok = parse_sample(p, ast);
	} else {
		ok = eql_parse_event(p, add_term(p, ast));
	}
	if (ok && parse_pipes(p, ast) && !eql_is(p, TOKEN_END))
		eql_unexpected(p, STR_NULL, what_may_follow(ast));
}

int eql_parse(struct eql_source *source, struct ast *ast)
{
	struct parser p = {
	    .source = source,
	    .lexer = {.source = source, .arena = source->scratch},
	};

	if (source->text.len > EQL_TEXT_BYTES_MAX) {
		eql_error(source, (struct span){0, 1}, STR_NULL, "query longer than %zu bytes",
			  EQL_TEXT_BYTES_MAX);
		return -EINVAL;
	}
	p.token = eql_next_token(&p.lexer);
	p.after = eql_next_token(&p.lexer);
	struct token first = p.token;

	parse_query(&p, ast);
	if (source->errors)
		return -EINVAL;
	if (first.kind != TOKEN_JOIN)
		return 0;
	eql_error(source, first.span, STR("write a sequence, or a sample if order does not matter"),
		  "joins are not supported");
	return -ENOTSUP;
}
