/* SPDX-License-Identifier: Apache-2.0 */
/* Text to tokens, one at a time. Keywords are lower case only and reserved everywhere; a name
 * directly followed by `~` is one token, so `in~` and `in ~` differ. */
#ifndef LINTEL_EQL_LEXER_INTERNAL_H
#define LINTEL_EQL_LEXER_INTERNAL_H

#include "eql/source_internal.h"

enum token_kind {
	TOKEN_END,
	TOKEN_ERROR, /* reported already: parsing stops without another word */
	TOKEN_NAME,
	TOKEN_TILDE_NAME,  /* text without the ~ */
	TOKEN_QUOTED_NAME, /* text without back-quotes */
	TOKEN_STRING,      /* text with escapes resolved */
	TOKEN_INTEGER,
	TOKEN_DECIMAL,
	/* operators */
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_STAR,
	TOKEN_SLASH,
	TOKEN_PERCENT,
	TOKEN_DOT,
	TOKEN_COMMA,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_OPEN_BRACKET,
	TOKEN_CLOSE_BRACKET,
	TOKEN_PIPE,
	TOKEN_COLON,
	TOKEN_QUESTION,
	TOKEN_ASSIGN,
	TOKEN_OPEN_MISSING, /* ![ */
	/* keywords */
	TOKEN_AND,
	TOKEN_ANY,
	TOKEN_BY,
	TOKEN_FALSE,
	TOKEN_IN,
	TOKEN_IN_TILDE,
	TOKEN_JOIN,
	TOKEN_LIKE,
	TOKEN_LIKE_TILDE,
	TOKEN_MAXSPAN,
	TOKEN_NOT,
	TOKEN_NULL,
	TOKEN_OF,
	TOKEN_OR,
	TOKEN_REGEX,
	TOKEN_REGEX_TILDE,
	TOKEN_SAMPLE,
	TOKEN_SEQUENCE,
	TOKEN_TRUE,
	TOKEN_UNTIL,
	TOKEN_WHERE,
	TOKEN_WITH,
};

struct token {
	enum token_kind kind;
	struct span span;
	struct str text;
};

struct lexer {
	struct eql_source *source;
	struct arena *arena; /* owns the text of strings and quoted names */
	size_t at;
};

struct token eql_next_token(struct lexer *lexer);
bool eql_is_keyword(struct str word);

static inline bool token_is_keyword(enum token_kind kind)
{
	return kind >= TOKEN_AND;
}

#endif
