/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which results of a query are printed and how.
 *
 * An event query without relations, pipes and --size prints each match as it is found, in the order
 * of the input. Any other goes through eql/run.h: results are printed in Elasticsearch's order, most
 * of them at the end. An event is printed as its line stands in the input; a sequence or sample as
 *
 *	{"join_keys": [...], "events": [event, ..., null where one must be missing]}
 */
#ifndef LINTEL_CLI_QUERY_RESULTS_INTERNAL_H
#define LINTEL_CLI_QUERY_RESULTS_INTERNAL_H

#include "base/buf.h"
#include "eql/run.h"

struct query_results;

/* `options`: found and context are set here. With `count_only` no line is kept or printed. */
struct query_results *query_results_new(const struct eql_query *query,
					const struct eql_run_options *options, bool count_only);
void query_results_free(struct query_results *results);
/* An event of the input and its line. Returns 0 or -errno of a failed write. */
int query_results_take(struct query_results *results, const struct event *event, struct str line)
    __attribute__((warn_unused_result));
/* Everything that is known already goes out now (a reader may be waiting). */
int query_results_flush(struct query_results *results) __attribute__((warn_unused_result));
/* Nothing can follow that would be printed: `head` of an unordered stream never says so, a limit of
 * none does. */
bool query_results_full(const struct query_results *results);
/* What is printed at the end: results in order, or the count. */
int query_results_finish(struct query_results *results) __attribute__((warn_unused_result));

#endif
