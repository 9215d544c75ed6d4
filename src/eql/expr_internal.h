/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled expressions: what is left of the syntax tree inside a leaf, with constants folded,
 * patterns prepared and fields resolved to slots.
 *
 * Evaluation is a walk over the tree and three-valued: null is "unknown". `slot` indexes the
 * leaf's own list of fields, because a multi-valued field is tried value by value and must have
 * the same value everywhere in the leaf.
 *
 * A relation is not evaluated: it stands in conditions only, and condition.c takes it out.
 */
#ifndef LINTEL_EQL_EXPR_INTERNAL_H
#define LINTEL_EQL_EXPR_INTERNAL_H

#include "eql/ast_internal.h"

struct eql_matcher;
struct eql_value_set;
struct eql_regex;
struct eql_cidr;

enum expr_kind {
	EXPR_LITERAL,
	EXPR_FIELD,
	EXPR_TRUTH,   /* a field as condition: true or "true", false or "false", else null */
	EXPR_TO_DATE, /* milliseconds since the epoch, or null when it is no date */
	EXPR_TO_IP,   /* an address in its canonical text form; other values as they are */
	EXPR_NOT,
	EXPR_AND,
	EXPR_OR,
	EXPR_COMPARE, /* never EQL_NE: that is not(==) */
	EXPR_IS_NULL,
	EXPR_MATCH, /* kids[0] is one of the matcher's strings */
	EXPR_IN,    /* kids[0] equals one of items[], not all of them strings */
	EXPR_REGEX,
	EXPR_MATH,
	EXPR_NEGATE,
	EXPR_CALL,
	EXPR_RELATION,
};

struct eql_expr {
	enum expr_kind kind;
	enum eql_operator op; /* COMPARE, MATH */
	enum eql_type type;
	bool fold; /* IN, CALL */
	/* MATCH, IN: the list holds null, so a miss is null and not false.
	 * COMPARE: with == null equals null, as in `?a == ?b`: Elasticsearch replaces an optional field it
	 * does not know by null, and null == null. */
	bool has_null;
	uint32_t slot;     /* FIELD */
	uint32_t field;    /* FIELD */
	uint32_t stage;    /* FIELD: whose event it is read from, or EQL_THIS_EVENT */
	uint32_t relation; /* RELATION: into the query's */
	struct span span;  /* where it is written; empty when it was not */
	struct value literal;
	struct eql_expr **kids;
	uint32_t kid_count;
	const struct eql_function *function; /* CALL */
	const struct eql_matcher *matcher;   /* MATCH */
	const struct value *items;           /* IN: never null */
	uint32_t item_count;
	const struct eql_value_set *set; /* IN: the items for lookup; NULL when they are few */
	const struct eql_regex *regex;   /* REGEX */
	const struct eql_cidr *cidrs;    /* CALL of cidrMatch */
	uint32_t cidr_count;
};

struct assembly;

struct compiler {
	struct eql_source *source;
	struct assembly *assembly; /* the query in the making: assemble.c */
	struct arena *arena;       /* the query's */
	struct field_set *fields;
	struct eql_scratch *scratch; /* for folding constants */
};

/* Tree to expression. NULL when an error was reported. */
struct eql_expr *eql_lower(struct compiler *c, const struct node *node);
/* The canonical text of an expression: equal texts mean equal results. */
void eql_expr_key(const struct field_set *fields, const struct eql_expr *expr, struct buf *out);

/* One evaluation: the current value of each of the leaf's fields. */
struct eval {
	const struct value *slots;
	struct eql_scratch *scratch;
	const char *error; /* why an evaluation failed, for constants */
	bool regex_limit;
};

/* Evaluate; `out` may be null. Returns false on an error (division by zero, bad number). */
bool eql_eval(struct eval *e, const struct eql_expr *expr, struct value *out);
bool eql_eval_fail(struct eval *e, const char *why);

/* The text of a value as string() gives it; numbers and booleans are written to the scratch. */
struct str eql_value_text(const struct value *value, struct eql_scratch *scratch);
/* ==, <, ... of two values, neither null; strings against numbers are coerced. The result is
 * true, false or, for an order between types that have none, null. */
struct value eql_compare(enum eql_operator op, struct value a, struct value b);
/* The five arithmetic operators, by Java's rules; null in, null out. */
bool eql_math(struct eval *e, enum eql_operator op, struct value a, struct value b,
	      struct value *out);
/* A date in any of its forms as epoch milliseconds; null if it is none. */
struct value eql_date_ms(struct value v);

#endif
