/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One query over a whole input, answered as Elasticsearch answers it:
 *
 *	event ──filters──► those that satisfy one ──in order of time──► machine ──► results, in order
 *
 * Events may come in any order. Results are ordered by their last event (time, tiebreaker, arrival),
 * those of samples by their keys. `size` applies first, at the same end as the first pipe (the
 * latest without pipes), then each pipe.
 *
 * Memory has a bound. When the events that wait for the end of the input reach it, the older half of
 * them goes on; what comes later from before that point is counted (COUNTER_EVENT_LATE) and joins
 * nothing. So an input that is more or less in order may be of any length.
 */
#ifndef LINTEL_EQL_RUN_H
#define LINTEL_EQL_RUN_H

#include "eql/machine.h"

struct eql_run;

#define EQL_RUN_NO_SIZE UINT64_MAX
#define EQL_RUN_BYTES_DEFAULT ((size_t)1 << 30)

struct eql_run_options {
	uint64_t size;            /* at most so many results, or EQL_RUN_NO_SIZE */
	uint32_t samples_per_key; /* 0: one, as in Elasticsearch */
	int32_t tiebreaker_field; /* id of the field, negative for none */
	size_t bytes_max;         /* of all state together; 0: EQL_RUN_BYTES_DEFAULT */
	/* Called in the order of the results: at the end, or before where memory ran out. */
	void (*found)(void *context, const struct eql_result *result);
	void *context;
};

/* `query` must outlive the run. */
struct eql_run *eql_run_new(const struct eql_query *query, const struct eql_run_options *options);
void eql_run_free(struct eql_run *run);
/* `document` is what results show of the event; it is copied if the event matters, and may be
 * empty. Arrival of kept events is the number of this call, from 0. An event without a time is in no sequence (COUNTER_EVENT_UNTIMED). */
void eql_run_take(struct eql_run *run, const struct event *event, struct str document);
/* Nothing that comes can change the answer any more: there is none (`head 0`). */
bool eql_run_is_full(const struct eql_run *run);
/* The input ends. Nothing can be taken after it. */
void eql_run_finish(struct eql_run *run);

#endif
