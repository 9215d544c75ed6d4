/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the language as the checker and the evaluator see them; the table is
 * functions.def, which explains its columns. */
#ifndef LINTEL_EQL_FUNCTION_INTERNAL_H
#define LINTEL_EQL_FUNCTION_INTERNAL_H

#include "eql/expr_internal.h"

/* Arguments beyond this many are only possible for functions that take any number. */
#define EQL_ARGS_MANY UINT32_MAX

struct eql_function {
	struct str name;
	bool tilde; /* has a case-insensitive form */
	uint32_t min_args;
	uint32_t max_args;
	const char *args;
	uint32_t null_from;
	enum eql_type result;
	/* args[0..count) are not null, but see null_from; missing ones are not in count. */
	bool (*call)(struct eval *e, const struct eql_expr *x, const struct value *args,
		     uint32_t count, struct value *out);
};

/* By name without ~, in any case; NULL if there is none. */
const struct eql_function *eql_function_find(struct str name);
/* The most similar name, or what replaced a function that was removed; STR_NULL without an idea.
 * For the hint of "unknown function". */
struct str eql_function_suggest(struct str name, struct arena *arena);

#endif
