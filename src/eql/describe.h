/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled conditions as EQL text again, for explanations: what is left after constants are folded
 * and equal forms have become one. Compiled anew, the text of a leaf comes to the same key.
 */
#ifndef LINTEL_EQL_DESCRIBE_H
#define LINTEL_EQL_DESCRIBE_H

#include "base/buf.h"
#include "eql/query.h"

/* What names in a condition stand for. `query` may be NULL when there are no relations and no
 * fields of earlier stages in it. */
struct eql_names {
	const struct field_set *fields;
	const struct eql_query *query;
};

/* Append one line. Relations are written with the text of their filter. */
void eql_describe_leaf(const struct eql_names *names, const struct eql_leaf *leaf, struct buf *out);
void eql_describe_cond(const struct eql_names *names, const struct eql_cond *cond, struct buf *out);
/* A string as EQL writes it, in quotes; a field name, in back-quotes where it needs them. */
void eql_describe_string(struct str s, struct buf *out);
void eql_describe_field(struct str name, struct buf *out);

#endif
