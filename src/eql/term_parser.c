/* SPDX-License-Identifier: Apache-2.0 */
/* `category where condition`, by itself or in brackets with what a sequence hangs on them. */
#include <errno.h>
#include <stdlib.h>

#include "eql/parser_internal.h"

/* Join keys of one query; rules have up to five. Bounds the arrays that double. */
#define KEYS_MAX 64

static bool parse_category(struct parser *p, struct ast_term *term)
{
	if (eql_eat(p, TOKEN_ANY)) {
		term->any_category = true;
		return true;
	}
	if (eql_is(p, TOKEN_NAME) || eql_is(p, TOKEN_STRING)) {
		term->category = p->token.text;
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

bool eql_parse_event(struct parser *p, struct ast_term *term)
{
	struct span start = p->token.span;

	term->runs = 1;
	if (!parse_category(p, term))
		return false;
	if (!eql_eat(p, TOKEN_WHERE)) {
		eql_unexpected(p, STR("for example: process where process.name == \"sh\""),
			       "[where]");
		return false;
	}
	term->condition = eql_parse_boolean(p);
	term->span = span_join(start, p->last);
	return term->condition != NULL;
}

/* Elasticsearch's grammar has any expression here, and refuses what is no field afterwards. */
static struct node *parse_key(struct parser *p)
{
	struct node *n = eql_parse_boolean(p);

	if (!n || n->kind == NODE_FIELD)
		return n;
	struct str text = eql_excerpt(p->source, n->span);

	eql_error(p->source, n->span, STR_NULL, "a join key must be a field, found [%.*s]",
		  STR_ARG(text));
	return NULL;
}

bool eql_parse_keys(struct parser *p, struct node ***keys, uint32_t *count, struct span *span)
{
	struct node *list[KEYS_MAX];
	struct span start = p->token.span;

	if (!eql_eat(p, TOKEN_BY))
		return true;
	do {
		if (*count == KEYS_MAX) {
			eql_error(p->source, p->token.span, STR_NULL, "more than %d join keys",
				  KEYS_MAX);
			return false;
		}
		list[*count] = parse_key(p);
		if (!list[(*count)++])
			return false;
	} while (eql_eat(p, TOKEN_COMMA));
	*keys = ARENA_ARRAY(p->source->scratch, struct node *, *count);
	memcpy(*keys, list, *count * sizeof(**keys));
	*span = span_join(start, p->last);
	return true;
}

/* `as name`; `as` is no keyword. */
static bool parse_alias(struct parser *p, struct ast_term *term)
{
	if (!eql_is(p, TOKEN_NAME) || !str_eq(p->token.text, STR("as")))
		return true;
	if (!eql_is_endpoint(p)) {
		eql_error(p->source, p->token.span,
			  STR("names for events exist only in Elastic Endpoint; what two events "
			      "have in common is written: by"),
			  "[as] is not supported");
		return false;
	}
	eql_take(p);
	term->alias = p->token.text;
	term->alias_span = p->token.span;
	return eql_need(p, TOKEN_NAME, "a name for the event");
}

static bool read_runs(struct parser *p, uint32_t *runs)
{
	struct token number = p->token;
	struct str text = number.text;

	if (!eql_need(p, TOKEN_INTEGER, "a whole number"))
		return false;
	errno = 0;
	unsigned long long n = strtoull(arena_str(p->source->scratch, text).p, NULL, 10);

	if (errno || n < 1 || n > EQL_RUNS_MAX) {
		text = eql_excerpt(p->source, number.span);
		eql_error(p->source, number.span, STR_NULL,
			  "a query can be repeated from 1 to %d times, found [%.*s]", EQL_RUNS_MAX,
			  STR_ARG(text));
		return false;
	}
	*runs = (uint32_t)n;
	return true;
}

/* `with runs=3`; `runs` is no keyword. */
static bool parse_runs(struct parser *p, struct ast_term *term)
{
	if (!eql_eat(p, TOKEN_WITH))
		return true;
	if (!eql_is(p, TOKEN_NAME) || !str_eq(p->token.text, STR("runs"))) {
		eql_unexpected(p, STR("for example: with runs=3"), "[runs]");
		return false;
	}
	eql_take(p);
	return eql_need(p, TOKEN_ASSIGN, "[=]") && read_runs(p, &term->runs);
}

static bool parse_brackets(struct parser *p, enum term_place place, struct ast_term *term)
{
	bool may_miss = place == PLACE_SEQUENCE || place == PLACE_UNTIL;

	if (may_miss && eql_eat(p, TOKEN_OPEN_MISSING)) {
		term->missing = true;
	} else if (!eql_eat(p, TOKEN_OPEN_BRACKET)) {
		bool missing = eql_is(p, TOKEN_OPEN_MISSING);

		eql_unexpected(p,
			       missing ? STR("only sequences have missing events")
				       : STR("for example: [process where true]"),
			       "a query in [...]");
		return false;
	}
	return eql_parse_event(p, term) && eql_need(p, TOKEN_CLOSE_BRACKET, "[and], [or] or []]");
}

bool eql_parse_term(struct parser *p, enum term_place place, struct ast_term *term)
{
	if (!parse_brackets(p, place, term))
		return false;
	term->key_span = term->span;
	if (place == PLACE_RELATION)
		return true;
	if (!eql_parse_keys(p, &term->keys, &term->key_count, &term->key_span))
		return false;
	if (place == PLACE_MEMBER)
		return true;
	return (place != PLACE_SEQUENCE || parse_alias(p, term)) && parse_runs(p, term);
}
