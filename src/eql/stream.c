/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/stream.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"

/* malloc's own share of an allocation. */
#define ALLOCATION_BYTES 16

/* An event that waits for its turn in the machine, with the filters it satisfies. */
struct waiting {
	struct kept_event *event;
	size_t bytes;
	uint32_t filter_count;
	uint32_t filters[];
};

struct eql_stream {
	const struct eql_query *query;
	struct eql_stream_options options;
	struct eql_scratch *scratch;
	struct eql_pool *pool;
	struct eql_machine *machine; /* NULL for a stateless query: each match is a result */
	uint64_t arrived, matched;
	uint32_t *filters; /* of the event in hand */
	int64_t now_ns;    /* latest time seen */
	/* A heap with the first in order of time on top. */
	struct waiting **waiting;
	size_t count, cap, bytes;
	struct kept_event *latest; /* that went to the machine */
};

/* ---- what waits */

static bool goes_before(const struct waiting *a, const struct waiting *b)
{
	return kept_event_order_total(a->event, b->event) < 0;
}

static void swap(struct waiting **heap, size_t a, size_t b)
{
	struct waiting *moved = heap[a];

	heap[a] = heap[b];
	heap[b] = moved;
}

static void push(struct eql_stream *stream, struct waiting *new)
{
	size_t at = stream->count++;

	if (at == stream->cap) {
		stream->cap = stream->cap ? stream->cap * 2 : 64;
		stream->waiting =
		    xreallocarray(stream->waiting, stream->cap, sizeof(*stream->waiting));
	}
	struct waiting **heap = stream->waiting;

	heap[at] = new;
	stream->bytes += new->bytes;
	for (; at && goes_before(heap[at], heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(heap, at, (at - 1) / 2);
}

static struct waiting *pop(struct eql_stream *stream)
{
	struct waiting **heap = stream->waiting, *top = heap[0];
	size_t at = 0;

	heap[0] = heap[--stream->count];
	stream->bytes -= top->bytes;
	for (;;) {
		size_t next = at;

		for (size_t kid = 2 * at + 1; kid <= 2 * at + 2 && kid < stream->count; kid++)
			if (goes_before(heap[kid], heap[next]))
				next = kid;
		if (next == at)
			return top;
		swap(heap, at, next);
		at = next;
	}
}

static void wait_for_turn(struct eql_stream *stream, struct kept_event *event,
			  uint32_t filter_count)
{
	size_t filters = filter_count * sizeof(*stream->filters);
	struct waiting *waiting = xmalloc(sizeof(*waiting) + filters);

	waiting->event = event;
	waiting->bytes = sizeof(*waiting) + filters + event->bytes + (size_t)2 * ALLOCATION_BYTES;
	waiting->filter_count = filter_count;
	memcpy(waiting->filters, stream->filters, filters);
	push(stream, waiting);
}

/* ---- in order */

static void pass_on(struct eql_stream *stream, struct waiting *waiting)
{
	struct kept_event *event = waiting->event;

	eql_machine_take(stream->machine, event, waiting->filters, waiting->filter_count);
	if (stream->latest && kept_event_order_total(event, stream->latest) < 0) {
		counter_add(COUNTER_EVENT_LATE, 1);
		kept_event_unref(event);
	} else {
		kept_event_unref(stream->latest);
		stream->latest = event;
	}
	free(waiting);
}

/* No event before this time is waited for. */
static int64_t settled(const struct eql_stream *stream)
{
	int64_t time;

	if (__builtin_sub_overflow(stream->now_ns, stream->options.tolerance_ns, &time))
		return INT64_MIN;
	return time;
}

/* Of the bound one half is for what waits. One event alone may be larger. */
static bool too_much_waits(const struct eql_stream *stream)
{
	return stream->bytes > stream->options.bytes_max / 2;
}

static void go_on(struct eql_stream *stream)
{
	int64_t time = settled(stream);

	/* At `time` itself more events may come, and they may be before these. */
	while (stream->count &&
	       (stream->waiting[0]->event->time_ns < time || too_much_waits(stream)))
		pass_on(stream, pop(stream));
	eql_machine_advance(stream->machine, time);
}

static struct kept_event *keep(const struct eql_stream *stream, const struct event *event,
			       struct str document, uint64_t arrival)
{
	return kept_event_new(event, stream->query->kept_fields, stream->query->kept_field_count,
			      stream->options.tiebreaker_field, arrival, document);
}

static void take_match(struct eql_stream *stream, const struct event *event, struct str document,
		       uint64_t arrival)
{
	if (!eql_match(stream->query, event, stream->scratch))
		return;
	struct kept_event *kept = keep(stream, event, document, arrival);
	struct eql_result result = {.events = &kept, .event_count = 1, .number = stream->matched++};

	stream->options.found(stream->options.context, &result);
	kept_event_unref(kept);
}

void eql_stream_take(struct eql_stream *stream, const struct event *event, struct str document)
{
	uint64_t arrival = stream->arrived++;
	uint32_t count = 0;

	if (!stream->machine) {
		take_match(stream, event, document, arrival);
		return;
	}
	for (uint32_t i = 0; i < stream->query->filter_count; i++)
		if (eql_filter_match(&stream->query->filters[i], event, stream->scratch))
			stream->filters[count++] = i;
	if (count && event->time_ns == INT64_MIN && stream->query->kind == EQL_QUERY_SEQUENCE)
		counter_add(COUNTER_EVENT_UNTIMED, 1);
	else if (count)
		wait_for_turn(stream, keep(stream, event, document, arrival), count);
	eql_stream_advance(stream, event->time_ns);
}

void eql_stream_advance(struct eql_stream *stream, int64_t time_ns)
{
	if (time_ns > stream->now_ns)
		stream->now_ns = time_ns;
	if (stream->machine)
		go_on(stream);
}

void eql_stream_finish(struct eql_stream *stream)
{
	if (!stream->machine)
		return;
	while (stream->count)
		pass_on(stream, pop(stream));
	eql_machine_finish(stream->machine);
}

/* ---- life */

struct eql_stream *eql_stream_new(const struct eql_query *query,
				  const struct eql_stream_options *options)
{
	struct eql_stream *stream = xcalloc(1, sizeof(*stream));

	stream->query = query;
	stream->options = *options;
	stream->now_ns = INT64_MIN;
	stream->scratch = eql_scratch_new();
	stream->filters = xcalloc((size_t)query->filter_count + 1, sizeof(*stream->filters));
	if (eql_query_is_stateless(query))
		return stream;
	stream->pool = eql_pool_new(options->bytes_max / 2);
	stream->machine =
	    eql_machine_new(query, &(struct eql_machine_options){
				       .pool = stream->pool,
				       .arrival_breaks_ties = options->arrival_breaks_ties,
				       .window_ns = options->window_ns,
				       .found = options->found,
				       .context = options->context,
				   });
	return stream;
}

void eql_stream_free(struct eql_stream *stream)
{
	if (!stream)
		return;
	for (size_t i = 0; i < stream->count; i++) {
		kept_event_unref(stream->waiting[i]->event);
		free(stream->waiting[i]);
	}
	kept_event_unref(stream->latest);
	eql_machine_free(stream->machine);
	eql_pool_free(stream->pool);
	eql_scratch_free(stream->scratch);
	free(stream->waiting);
	free(stream->filters);
	free(stream);
}
