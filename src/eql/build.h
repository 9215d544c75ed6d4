/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions without EQL text: for other languages (KQL, exception lists) whose conditions are to
 * share EQL's leaves, index and evaluation.
 *
 *	struct eql_builder *b = eql_builder_new(arena, fields);
 *	struct eql_cond *c = eql_build_equals(b, STR("process.name"), &value, 1, false);
 *	query = eql_build_event_query(b, eql_build_not(b, c), text);
 *	eql_builder_free(b);
 *
 * Meaning is EQL's (docs/eql.md): a condition over a missing field is false and its negation true,
 * a field with several values satisfies a condition if one of them does, a value is compared by its
 * field's type (dates, addresses) and a number equals a string that reads as the same number. Equal
 * predicates get the same leaf keys as EQL's.
 *
 * Names and values are copied. Conditions live in the arena and may be used in several places.
 * Every function may be given NULL where a condition is expected and then returns NULL, so that one
 * check at the end is enough. Beside that NULL means that no more fields can be demanded
 * (FIELD_SET_MAX); eql_builder_error() has the words.
 */
#ifndef LINTEL_EQL_BUILD_H
#define LINTEL_EQL_BUILD_H

#include "eql/query.h"

struct eql_builder;

/* Both must outlive the builder, and what it built. */
struct eql_builder *eql_builder_new(struct arena *arena, struct field_set *fields);
void eql_builder_free(struct eql_builder *b);
/* What went wrong, NULL if nothing did. */
const char *eql_builder_error(const struct eql_builder *b);

/* The field has one of these values: EQL's `in`, or with `fold`, which only strings heed, `in~`.
 * Strings, numbers, booleans, also mixed, none of them null; a field of type boolean is equal to
 * booleans only. No values: never. */
struct eql_cond *eql_build_equals(struct eql_builder *b, struct str field,
				  const struct value *values, uint32_t count, bool fold);

/* A pattern in which only "any run of characters" is special: the literal pieces between those.
 * {"curl"} is curl itself, {"", ".sh"} ends with .sh, {"", ""} is any value. */
struct eql_build_pattern {
	const struct str *pieces;
	uint32_t piece_count; /* at least 1 */
};

/* The field's text matches one of the patterns: EQL's `like`, with `fold` `like~`. A `*` or `?`
 * in a piece is an ordinary character. No patterns: never. */
struct eql_cond *eql_build_wildcard(struct eql_builder *b, struct str field,
				    const struct eql_build_pattern *patterns, uint32_t count,
				    bool fold);

/* The same with EQL's own patterns, in which `*` and `?` are special and cannot be escaped. */
struct eql_cond *eql_build_like(struct eql_builder *b, struct str field, const struct str *patterns,
				uint32_t count, bool fold);

/* The field has a value. */
struct eql_cond *eql_build_exists(struct eql_builder *b, struct str field);

enum eql_build_order {
	EQL_BUILD_LT,
	EQL_BUILD_LE,
	EQL_BUILD_GT,
	EQL_BUILD_GE,
};

/* The field, compared with a value (not null). A value the field's type cannot be compared with
 * makes it never hold. */
struct eql_cond *eql_build_compare(struct eql_builder *b, struct str field,
				   enum eql_build_order order, struct value value);

/* The address in the field is in one of the ranges ("10.0.0.0/8", "::1"). NULL, with
 * eql_builder_error(), when one of them is none. */
struct eql_cond *eql_build_cidr(struct eql_builder *b, struct str field, const struct str *ranges,
				uint32_t count);

struct eql_cond *eql_build_and(struct eql_builder *b, struct eql_cond *const *kids, uint32_t count);
struct eql_cond *eql_build_or(struct eql_builder *b, struct eql_cond *const *kids, uint32_t count);
struct eql_cond *eql_build_not(struct eql_builder *b, struct eql_cond *kid);
struct eql_cond *eql_build_const(struct eql_builder *b, bool value);

/* An event query of any category. `text` is copied: what the rule's author wrote. */
struct eql_query *eql_build_event_query(struct eql_builder *b, struct eql_cond *cond,
					struct str text);

#endif
