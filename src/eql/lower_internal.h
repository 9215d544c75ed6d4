/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that predicates are brought into, for eql_lower() and for build.h: from either side
 * equal predicates come out as equal expressions. */
#ifndef LINTEL_EQL_LOWER_INTERNAL_H
#define LINTEL_EQL_LOWER_INTERNAL_H

#include "eql/expr_internal.h"

struct eql_expr *eql_new_expr(struct compiler *c, enum expr_kind kind, enum eql_type type,
			      uint32_t kids);
/* A copy of a scalar, or null. */
struct eql_expr *eql_new_literal(struct compiler *c, struct value v);
/* A field of the event in hand, by its type in the registry; NULL, reported at `where`, when there
 * are too many. */
struct eql_expr *eql_new_field(struct compiler *c, struct str name, struct span where);

/* The field or expression is one of the values; a null among them makes a miss null. Values are
 * copied. */
struct eql_expr *eql_form_in(struct compiler *c, struct eql_expr *left, const struct value *values,
			     uint32_t count, bool fold);
/* It matches one of the patterns, which are strings. */
struct eql_expr *eql_form_like(struct compiler *c, struct eql_expr *left,
			       const struct value *patterns, uint32_t count, bool fold);
/* a < b and its like, also == and != (which comes out as not(==)). `nulls_equal`: between two
 * fields, see eql_expr.has_null. */
struct eql_expr *eql_form_compare(struct compiler *c, enum eql_operator op, struct eql_expr *a,
				  struct eql_expr *b, bool nulls_equal, struct span where);
/* cidrMatch(left, ranges), strings again; NULL if one is no range (not reported). */
struct eql_expr *eql_form_cidr(struct compiler *c, struct eql_expr *left,
			       const struct value *ranges, uint32_t count);
/* A node with nothing but literals below becomes one. NULL when that fails, reported at `where`. */
struct eql_expr *eql_fold_constant(struct compiler *c, struct eql_expr *x, struct span where);
/* A field in a place where a condition belongs. */
struct eql_expr *eql_as_condition(struct compiler *c, struct eql_expr *x);

#endif
