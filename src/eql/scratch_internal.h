/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINTEL_EQL_SCRATCH_INTERNAL_H
#define LINTEL_EQL_SCRATCH_INTERNAL_H

#include "eql/query.h"

struct eql_regex_scratch;

/* What one thread needs to evaluate: memory for the strings of one evaluation, reset after each,
 * and PCRE2's match data. */
struct eql_scratch {
	struct arena arena;
	struct eql_regex_scratch *regex;
};

#endif
