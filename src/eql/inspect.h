/* SPDX-License-Identifier: Apache-2.0 */
/* What a leaf is made of, for people and for linters. Matching needs none of this. */
#ifndef LINTEL_EQL_INSPECT_H
#define LINTEL_EQL_INSPECT_H

#include "base/buf.h"
#include "eql/query.h"

/*
 * Append the leaf as EQL. It means the same as what its author wrote, in one form: constants are
 * folded, lists sorted, `x != y` is `x == y` below a not, what ignores case is in lower case. Written
 * in full it compiles to the same key. Of lists no more than `list_max` items are written (0: all),
 * the rest is counted. `fields` is the set the query was compiled with. Fields of earlier stages are
 * written as event0.field, by the number of the stage.
 */
void eql_leaf_write(const struct eql_leaf *leaf, const struct field_set *fields, uint32_t list_max,
		    struct buf *out);
/* The same for a condition of `query`, whose names its events get; relations are written with the
 * text of their filter. */
void eql_cond_write(const struct eql_cond *cond, const struct eql_query *query,
		    const struct field_set *fields, uint32_t list_max, struct buf *out);
/* A field's name, in back-quotes where it needs them. */
void eql_field_write(struct str name, struct buf *out);

enum eql_order {
	EQL_ORDER_EQ,
	EQL_ORDER_LT,
	EQL_ORDER_LE,
	EQL_ORDER_GT,
	EQL_ORDER_GE,
};

/* A field against a constant number (dates: milliseconds since the epoch). */
struct eql_comparison {
	uint32_t field;
	enum eql_order order;
	double number;
};
/* True, and *out filled, when that is what the leaf is. */
bool eql_leaf_comparison(const struct eql_leaf *leaf, struct eql_comparison *out);

/* Are the strings of an EXACT or WILDCARD leaf from `like` or `:`, where * and ? have a meaning
 * (false: from == or in, where they are ordinary characters)? */
bool eql_leaf_is_pattern(const struct eql_leaf *leaf);

#endif
