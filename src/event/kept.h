/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What state remembers of an event that has satisfied something: its place in time, the values
 * that correlation reads, and the document an alert shows. Self-contained, in one allocation:
 *
 *	[ struct kept_event | values, by field | items of lists | strings | document ]
 *
 * References are counted, without atomics: a kept event belongs to one thread at a time, and handing
 * it over is the queue's business. Whoever makes one owns the first reference.
 */
#ifndef LINTEL_EVENT_KEPT_H
#define LINTEL_EVENT_KEPT_H

#include "event/event.h"

struct kept_value {
	uint32_t field;
	struct value value; /* never null */
};

struct kept_event {
	uint32_t references;
	uint32_t pooled; /* those of them that an eql_pool accounts for */
	uint32_t value_count;
	size_t bytes; /* of the whole allocation: for who accounts for memory */
	int64_t time_ns;
	struct value tiebreaker; /* null, or a number or string */
	uint64_t arrival;        /* order of arrival, unique within a run */
	struct str document;     /* JSON text; what an alert shows */
	struct kept_value values[];
};

/*
 * Copy of the values of `fields` (sorted, unique; missing ones are left out) and of `document`.
 * `tiebreaker_field`: the field whose first value breaks ties between equal times, or -1.
 */
struct kept_event *kept_event_new(const struct event *event, const uint32_t *fields, uint32_t count,
				  int32_t tiebreaker_field, uint64_t arrival, struct str document);
static inline struct kept_event *kept_event_ref(struct kept_event *kept)
{
	kept->references++;
	return kept;
}
/* Drops a reference; the last one frees. NULL is fine. */
void kept_event_unref(struct kept_event *kept);
/* The value of a field; a null value if it is missing. */
const struct value *kept_event_get(const struct kept_event *kept, uint32_t field);

/*
 * The order Elasticsearch puts events in: time, then tiebreaker (numbers before strings), an event
 * without one after those that have one. Negative, 0, positive. Equal means neither is before the
 * other, and a sequence cannot go from one to the other.
 */
int kept_event_order(const struct kept_event *a, const struct kept_event *b);
/* The same, and between equals the order of arrival: never 0 for different events. */
int kept_event_order_total(const struct kept_event *a, const struct kept_event *b);

#endif
