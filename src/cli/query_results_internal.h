/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which matches of a query are printed and in what order.
 *
 * A query without pipes and without --size prints each match as it is found, in the order of the
 * input. Otherwise it answers as Elasticsearch does: matches are ordered by (timestamp, tiebreaker,
 * arrival), a missing tiebreaker behind those that are there, and limits are applied one after
 * another: --size first, at the same end as the first pipe (the latest N without pipes), then each
 * pipe. Only as many matches are kept as the first limit lets through, in a heap whose top is the
 * one that goes next.
 */
#ifndef LINTEL_CLI_QUERY_RESULTS_INTERNAL_H
#define LINTEL_CLI_QUERY_RESULTS_INTERNAL_H

#include "base/buf.h"
#include "eql/query.h"

/* --size; one limit more than there can be pipes. */
#define QUERY_NO_SIZE UINT64_MAX

struct query_results;

/* `tiebreaker`: id of the field, negative for none. With `count_only` no line is kept or printed.
 */
struct query_results *query_results_new(const struct eql_query *query, uint64_t size,
					int32_t tiebreaker, bool count_only);
void query_results_free(struct query_results *results);
/* A match and its line. Returns 0 or -errno of a failed write. */
int query_results_add(struct query_results *results, const struct event *event, struct str line)
    __attribute__((warn_unused_result));
/* Everything that is known already goes out now (a reader may be waiting). */
int query_results_flush(struct query_results *results) __attribute__((warn_unused_result));
/* Nothing can follow that would be printed: `head` of an unordered stream never says so, a limit of
 * none does. */
bool query_results_full(const struct query_results *results);
/* What is printed at the end: kept lines in order, or the count. */
int query_results_finish(struct query_results *results) __attribute__((warn_unused_result));

#endif
