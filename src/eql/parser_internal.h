/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser's files share: parser.c knows expressions, term_parser.c `[category where
 * expression] by keys`, query_parser.c what is made of those. */
#ifndef LINTEL_EQL_PARSER_INTERNAL_H
#define LINTEL_EQL_PARSER_INTERNAL_H

#include "eql/ast_internal.h"
#include "eql/lexer_internal.h"

struct parser {
	struct eql_source *source;
	struct lexer lexer;
	struct token token; /* to be looked at next */
	struct token after; /* and the one behind it */
	struct span last;   /* what was taken last */
	uint32_t depth;
};

static inline void eql_take(struct parser *p)
{
	p->last = p->token.span;
	p->token = p->after;
	p->after = eql_next_token(&p->lexer);
}

static inline bool eql_is(const struct parser *p, enum token_kind kind)
{
	return p->token.kind == kind;
}

static inline bool eql_eat(struct parser *p, enum token_kind kind)
{
	if (!eql_is(p, kind))
		return false;
	eql_take(p);
	return true;
}

/* The current token does not fit. Says nothing after an error of the lexer. */
void eql_unexpected(struct parser *p, struct str hint, const char *expected);
bool eql_need(struct parser *p, enum token_kind kind, const char *expected);

struct node *eql_new_node(struct parser *p, enum node_kind kind, struct span span);
/* Adds a kid and returns the parent; NULL for a NULL kid and for a tree that got too deep. */
struct node *eql_add_kid(struct parser *p, struct node *parent, struct node *kid);
/* An expression of the weakest operators down. */
struct node *eql_parse_boolean(struct parser *p);
/* One level deeper into what calls itself; reports and returns false when that is too deep. */
bool eql_enter(struct parser *p);

/* `category where condition`. The others below report and return false likewise. */
bool eql_parse_event(struct parser *p, struct ast_term *term);
/* `by a, b`, or nothing. */
bool eql_parse_keys(struct parser *p, struct node ***keys, uint32_t *count, struct span *span);

/* What a term in brackets may be followed by. */
enum term_place {
	PLACE_SEQUENCE, /* missing, keys, alias, runs */
	PLACE_UNTIL,    /* missing, keys, runs: see query_parser.c */
	PLACE_MEMBER,   /* of a sample or join: keys */
	PLACE_RELATION, /* nothing */
};
bool eql_parse_term(struct parser *p, enum term_place place, struct ast_term *term);
static inline bool eql_is_endpoint(const struct parser *p)
{
	return p->source->options->dialect == EQL_DIALECT_ENDPOINT;
}

#endif
