/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax tree, with the place in the text each node came from. Made by eql_parse(), typed by
 * eql_check(), read by eql_lower(); lives in the source's scratch arena.
 *
 *	and, or     two or more kids, however long the chain: `a or b or c` is one node
 *	in          kids[0] in (kids[1], ...)
 *	like        kids[0] : (kids[1], ...), also `like` and `like~`
 *	regex       kids[0] regex (kids[1], ...)
 *	relation    child of [...]; no kids, the term in brackets has a condition of its own
 *
 * `x not in (...)` is not(in). Parentheses leave no node; spans include them.
 */
#ifndef LINTEL_EQL_AST_INTERNAL_H
#define LINTEL_EQL_AST_INTERNAL_H

#include "eql/source_internal.h"

struct eql_function;

enum eql_type {
	EQL_TYPE_NULL,
	EQL_TYPE_BOOLEAN,
	EQL_TYPE_INTEGER,
	EQL_TYPE_DOUBLE,
	EQL_TYPE_NUMBER, /* either of the two, values decide */
	EQL_TYPE_STRING,
	EQL_TYPE_IP,
	EQL_TYPE_DATE,
	EQL_TYPE_ANY, /* a field no one declared: its value decides */
};

enum eql_operator {
	EQL_EQ,
	EQL_NE,
	EQL_LT,
	EQL_LE,
	EQL_GT,
	EQL_GE,
	EQL_ADD,
	EQL_SUBTRACT,
	EQL_MULTIPLY,
	EQL_DIVIDE,
	EQL_MODULO,
};

enum node_kind {
	NODE_LITERAL,
	NODE_FIELD,
	NODE_CALL,
	NODE_NOT,
	NODE_AND,
	NODE_OR,
	NODE_COMPARE,
	NODE_IN,
	NODE_LIKE,
	NODE_REGEX,
	NODE_MATH,
	NODE_NEGATE,
	NODE_RELATION,
};

struct node {
	enum node_kind kind;
	enum eql_operator op; /* COMPARE, MATH */
	enum eql_type type;   /* set by eql_check() */
	struct span span;
	struct span
	    name_span;  /* CALL: the name; IN, LIKE, REGEX, COMPARE, MATH, NOT: the operator */
	uint32_t depth; /* of the tree below, leaves are 1 */
	bool fold;      /* in~ like~ regex~ : and functions with ~ */
	bool optional;  /* ?field */
	bool related;   /* a relation, or has one below; set by eql_check() */
	struct value literal;
	struct str name;                     /* FIELD: dotted; CALL: as written, without ~ */
	const struct eql_function *function; /* CALL, set by eql_check() */
	struct node **kids;
	uint32_t kid_count;
	/* FIELD, set by eql_check(): the stage whose event it is a field of, or EQL_THIS_EVENT.
	 * `name` is then without the alias. */
	uint32_t stage;
	enum eql_relation_kind relation; /* RELATION */
	struct ast_term *term;           /* RELATION */
};

/* `category where condition` and what stands around it in a sequence:
 * `![...] by a, b as event0 with runs=3`. */
struct ast_term {
	bool any_category;
	bool missing;
	struct str category;
	struct node *condition;
	struct span span;     /* from category to the end of the condition */
	struct span key_span; /* `by` and its keys; without them that of the condition */
	struct node **keys;   /* fields; without those the terms share */
	uint32_t key_count;
	struct str alias; /* empty: none */
	struct span alias_span;
	uint32_t runs; /* 1 if nothing else is said */
};

struct ast_pipe {
	enum eql_pipe_kind kind;
	struct span span;
	struct node *count;
};

struct ast {
	enum eql_query_kind kind;
	struct ast_term *terms; /* EVENT: one */
	uint32_t term_count;
	struct ast_term *until; /* or NULL */
	struct node **keys;     /* those the terms share */
	uint32_t key_count;
	int64_t maxspan_ns; /* 0: none */
	struct ast_pipe *pipes;
	uint32_t pipe_count;
};

/* 0, or -EINVAL, or -ENOTSUP for a join; errors are reported. */
int eql_parse(struct eql_source *source, struct ast *ast) __attribute__((warn_unused_result));

struct field_set;
/* Types and every rule of Elasticsearch's that can be judged without an event. Reports to the
 * source; returns nothing, source->errors says. */
void eql_check(struct eql_source *source, const struct field_set *fields, struct ast *ast);

/* The type of a field of the registry, ANY for one that no one declared. */
enum eql_type eql_field_type(const struct field_set *fields, uint32_t id);
/* "integer", "string": what messages call a type. */
const char *eql_type_name(enum eql_type type);
const char *eql_operator_text(enum eql_operator op);
bool eql_node_has_field(const struct node *node);

#endif
