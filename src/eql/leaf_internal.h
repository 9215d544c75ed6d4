/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINTEL_EQL_LEAF_INTERNAL_H
#define LINTEL_EQL_LEAF_INTERNAL_H

#include "eql/expr_internal.h"

/* Different fields in one leaf. The values of all of them are tried in combination, so even a
 * handful is much; functions over fields in Elastic's rules have one. */
#define EQL_LEAF_FIELDS_MAX 32
/* Combinations of values tried per leaf and event. Two argument vectors of 250 fit. */
#define EQL_COMBINATIONS_MAX 65536
/* The same for nodes of the expression, all combinations together, and for bytes of text they make:
 * some tenth of a second. A leaf of ten nodes reaches the bound above first. */
#define EQL_EVALUATED_NODES_MAX ((uint64_t)16 << 20)
#define EQL_EVALUATED_BYTES_MAX ((size_t)256 << 20)

/* A leaf over `expr`; reports and returns one that never holds when it names too many fields. */
struct eql_leaf *eql_leaf_new(struct compiler *c, struct eql_expr *expr);
/* EQL_LEAF_NULL or EQL_LEAF_EXISTS. */
struct eql_leaf *eql_leaf_presence(struct compiler *c, uint32_t field, uint32_t stage,
				   enum eql_leaf_kind kind);
/* The stage of a leaf's first field. */
static inline uint32_t eql_leaf_stage(const struct eql_leaf *leaf)
{
	return leaf->field_stages ? leaf->field_stages[0] : EQL_THIS_EVENT;
}

/* Where a leaf's values come from: an event, or the kept events of a scene. One of them is NULL. */
struct eql_view {
	const struct event *event;
	const struct eql_scene *scene;
};
bool eql_leaf_holds(const struct eql_leaf *leaf, const struct eql_view *view,
		    struct eql_scratch *scratch);

#endif
