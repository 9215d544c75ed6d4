/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text being compiled and where its errors go. Every stage from lexer to compiler has one and
 * reports through it; positions are byte offsets into the text until the moment they are shown.
 */
#ifndef LINTEL_EQL_SOURCE_INTERNAL_H
#define LINTEL_EQL_SOURCE_INTERNAL_H

#include "eql/query.h"

/* Elastic's longest rule query has 30 KB; beyond this it is no query. Also keeps offsets in 32
 * bits. */
#define EQL_TEXT_BYTES_MAX ((size_t)1 << 20)
/* Nesting of parentheses, operators and calls. Elasticsearch's own limit on nested boolean queries
 * is 30; each level costs a parser some 1 KB of stack. */
#define EQL_DEPTH_MAX 200
/* Errors shown per query: each copies its source line, and the fifteenth helps nobody. */
#define EQL_ERRORS_MAX 10

struct span {
	uint32_t at;
	uint32_t len;
};

struct eql_source {
	struct str text;
	const struct eql_options *options;
	struct diag_list *diags;
	struct arena *scratch; /* for hints and the AST; gone when compiling ends */
	uint32_t errors;
};

/* One error at `where`; `hint` (may be STR_NULL) says what was expected or how to fix it. */
void eql_error(struct eql_source *source, struct span where, struct str hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The text of a span, shortened for use within a message. */
struct str eql_excerpt(const struct eql_source *source, struct span where);

static inline struct span span_join(struct span a, struct span b)
{
	return (struct span){a.at, b.at + b.len - a.at};
}

#endif
