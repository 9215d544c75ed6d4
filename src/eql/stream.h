/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One query over a stream that does not end: results as soon as they are certain.
 *
 *	event ──filters──► waits `tolerance_ns` of the stream's time ──in order──► machine ──► result
 *
 * A stream and a run (eql/run.h) over the same events find the same, as long as no event is later
 * than the tolerance and memory suffices. A later one is counted (COUNTER_EVENT_LATE) and goes to
 * the machine at once, where it joins nothing behind it.
 */
#ifndef LINTEL_EQL_STREAM_H
#define LINTEL_EQL_STREAM_H

#include "eql/machine.h"

struct eql_stream;

struct eql_stream_options {
	int64_t tolerance_ns;
	int32_t tiebreaker_field; /* id of the field, negative for none */
	bool arrival_breaks_ties; /* as in struct eql_machine_options */
	int64_t window_ns;        /* of samples, likewise */
	/* Of what waits and of partial results together. When it is reached, what has waited longest
	 * goes on early, and the oldest partial results are dropped. */
	size_t bytes_max;
	void (*found)(void *context, const struct eql_result *result);
	void *context;
};

/* `query` must outlive the stream; its pipes are left out. */
struct eql_stream *eql_stream_new(const struct eql_query *query,
				  const struct eql_stream_options *options);
void eql_stream_free(struct eql_stream *stream);
/* `document` is what results show of the event; it is copied if the event matters. Arrival of kept
 * events is the number of this call, from 0. An event without a time is in no sequence
 * (COUNTER_EVENT_UNTIMED). */
void eql_stream_take(struct eql_stream *stream, const struct event *event, struct str document);
/* The stream has reached this time without an event. */
void eql_stream_advance(struct eql_stream *stream, int64_t time_ns);
/* The input ends: what waits is decided. */
void eql_stream_finish(struct eql_stream *stream);

#endif
