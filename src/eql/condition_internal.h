/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: the two-valued trees over leaves, see condition.c. */
#ifndef LINTEL_EQL_CONDITION_INTERNAL_H
#define LINTEL_EQL_CONDITION_INTERNAL_H

#include "eql/expr_internal.h"

/* A condition's expression to and/or/not over leaves. */
struct eql_cond *eql_condition(struct compiler *c, struct eql_expr *expr);

/* The same from parts. `kind` is AND or OR; kids may be shared. */
struct eql_cond *eql_cond_const(struct compiler *c, bool value);
struct eql_cond *eql_cond_not(struct compiler *c, struct eql_cond *kid);
struct eql_cond *eql_cond_join(struct compiler *c, enum eql_cond_kind kind,
			       struct eql_cond *const *kids, uint32_t count);

#endif
