/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINTEL_EQL_CALL_INTERNAL_H
#define LINTEL_EQL_CALL_INTERNAL_H

#include "eql/function_internal.h"

#define FUNCTION(id, n, t, min, max, a, nulls, type, signature, text)                          \
	bool eql_call_##id(struct eval *e, const struct eql_expr *x, const struct value *args, \
			   uint32_t count, struct value *out);
#include "eql/functions.def"
#undef FUNCTION

#endif
