/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What state remembers of an event that has satisfied something: its place in time, the values
 * that correlation reads, and the document an alert shows. Self-contained, in one allocation:
 *
 *	[ struct kept_event | values, by field | items of lists | strings | document ]
 *
 * References are counted, without atomics: a kept event belongs to one thread at a time, and handing
 * it over is the queue's business. Whoever makes one owns the first reference.
 *
 * Most events that satisfy something are looked at once more and forgotten: they satisfied the last
 * stage of a sequence that has no first. Those of a batch are therefore made in a kept_block, with
 * the document where it stands in the batch; only what state holds on to is copied out of there, by
 * kept_event_own().
 */
#ifndef LINTEL_EVENT_KEPT_H
#define LINTEL_EVENT_KEPT_H

#include "base/slabs.h"
#include "event/event.h"

struct kept_value {
	uint32_t field;
	struct value value; /* never null */
};

/* Memory of kept events that goes when the last of them is dropped. */
struct kept_block {
	struct arena arena;
	uint32_t references; /* one of the owner's, one of each event */
	uint32_t waiting;    /* of its events, how many wait for their order */
	size_t bytes;        /* that it keeps from being used otherwise */
	void (*unused)(struct kept_block *block);
};

struct kept_event {
	uint32_t references;
	uint32_t pooled; /* those of them that an eql_pool accounts for */
	uint32_t value_count;
	size_t bytes; /* of the whole allocation: for who accounts for memory */
	int64_t time_ns;
	struct value tiebreaker;  /* null, or a number or string */
	uint64_t arrival;         /* order of arrival, unique within a run */
	struct str document;      /* JSON text; what an alert shows */
	struct kept_block *block; /* the memory it is in, or */
	struct slabs *slabs;      /* where its memory is from, or both NULL: from malloc() */
	struct kept_event *own;   /* of one in a block: the copy out of it, once there is one */
	struct kept_value values[];
};

/*
 * Copy of the values of `fields` (sorted, unique; missing ones are left out) and of `document`.
 * `tiebreaker_field`: the field whose first value breaks ties between equal times, or -1.
 */
struct kept_event *kept_event_new(const struct event *event, const uint32_t *fields, uint32_t count,
				  int32_t tiebreaker_field, uint64_t arrival, struct str document);
/* The same in a block, which outlives it; `document` is borrowed and must live as long. */
struct kept_event *kept_event_new_in(struct kept_block *block, const struct event *event,
				     const uint32_t *fields, uint32_t count,
				     int32_t tiebreaker_field, uint64_t arrival,
				     struct str document);
static inline struct kept_event *kept_event_ref(struct kept_event *kept)
{
	kept->references++;
	return kept;
}
/* Drops a reference; the last one frees. NULL is fine. */
void kept_event_unref(struct kept_event *kept);
/* A reference for whoever holds on to the event: to itself, or to a copy that is in no block, the
 * same one for all who ask. Its memory comes from `slabs`, which must outlive it. */
struct kept_event *kept_event_own(struct kept_event *kept, struct slabs *slabs);
/* Drops a reference; with the last one `unused` is called. */
void kept_block_unref(struct kept_block *block);
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
