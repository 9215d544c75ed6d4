/* SPDX-License-Identifier: Apache-2.0 */
/* From a checked syntax tree to a query: distinct filters, and stages, keys and relations that name
 * them. */
#ifndef LINTEL_EQL_ASSEMBLE_INTERNAL_H
#define LINTEL_EQL_ASSEMBLE_INTERNAL_H

#include "eql/expr_internal.h"

/* Errors are reported; the result is then of no use. */
struct eql_query *eql_assemble(struct compiler *c, const struct ast *ast);
/* The number of the relation that a NODE_RELATION names; false when an error was reported. */
bool eql_assemble_relation(struct compiler *c, const struct node *node, uint32_t *relation);

#endif
