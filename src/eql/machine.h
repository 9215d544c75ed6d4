/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What connects the events of one query: sequences, samples, process relations.
 *
 *	event ──filters──► kept event + the filters it satisfies ──eql_machine_take()──► results
 *
 * Events come in order (kept_event_order_total). An event that does come late is never joined to
 * one behind it in time; it changes nothing else.
 *
 * A sequence is, per tuple of join keys, one place per stage. An event is tried on the last stage
 * first, so it never fills two places of one sequence; entering a place overwrites what was there.
 * With `until` and missing events the semantics are those of Elasticsearch (docs/eql.md).
 *
 * Memory: all machines of a run draw on one pool with a bound. When it is reached, the oldest
 * partial result of any of them is dropped and counted (COUNTER_SEQUENCE_EVICTED). What is older
 * than maxspan is dropped in amortised constant time, from a list in order of first events.
 */
#ifndef LINTEL_EQL_MACHINE_H
#define LINTEL_EQL_MACHINE_H

#include "base/buf.h"
#include "eql/query.h"

struct eql_pool;
struct eql_machine;

/* Lives longer than its machines; single-threaded, as they are. */
struct eql_pool *eql_pool_new(size_t bytes_max);
void eql_pool_free(struct eql_pool *pool);
size_t eql_pool_bytes(const struct eql_pool *pool);
/* For others who hold on to events of the same stream (kept_event_own()). */
struct slabs *eql_pool_slabs(const struct eql_pool *pool);

/* Borrowed for the call of `found`. */
struct eql_result {
	struct kept_event *const *events; /* in stage order; NULL for a missing one */
	uint32_t event_count;
	const struct value *keys;
	uint32_t key_count;
	/* Counts up in the order in which results were complete. One that had to wait for an event
	 * that must be missing is found later than others: who wants Elasticsearch's order sorts by
	 * last event, then by this. */
	uint64_t number;
};

struct eql_machine_options {
	struct eql_pool *pool;
	/* Rules: of events with the same time and tiebreaker the one that came first is first. Without
	 * it, as in Elasticsearch, neither is, and no sequence goes from one to the other. */
	bool arrival_breaks_ties;
	/* Samples. true: when the input ends, at most `samples_per_key` of each key, in order of the
	 * keys (as Elasticsearch's API gives them). false: one as soon as a key has an event for
	 * every member, of events at most `window_ns` apart (0: any), which are then used up. */
	bool samples_at_end;
	uint32_t samples_per_key;
	int64_t window_ns;
	void (*found)(void *context, const struct eql_result *result);
	void *context;
};

/* `query` must outlive the machine. */
struct eql_machine *eql_machine_new(const struct eql_query *query,
				    const struct eql_machine_options *options);
void eql_machine_free(struct eql_machine *machine);
/* `event` satisfies these filters (ascending). Takes references of its own where it needs them.
 * Calls `found` for what is completed; for an event query (with relations) that is the event. */
void eql_machine_take(struct eql_machine *machine, struct kept_event *event,
		      const uint32_t *filters, uint32_t filter_count);
/* Does an event matter that satisfies this filter alone, even when nothing is held? */
bool eql_machine_starts(const struct eql_machine *machine, uint32_t filter);
/* Is anything held? If not, events that satisfy no filter that starts need not be taken; */
bool eql_machine_holds(const struct eql_machine *machine);
/* but what time it was by them must be said before the next one is. */
void eql_machine_pass(struct eql_machine *machine, int64_t time_ns);
/* More keys than a processor's cache has room for: then taking an event is mostly waiting for what
 * is known of its key. */
bool eql_machine_is_large(const struct eql_machine *machine);
/* For an event that will be taken soon and satisfies the filter: has the processor fetch where that
 * is found; then, when this is `there`, that itself. */
void eql_machine_prefetch(const struct eql_machine *machine, const struct kept_event *event,
			  uint32_t filter, bool there);
/* No event before `time_ns` will come: what waited for an event that must be missing is decided,
 * what can no longer be completed is dropped. */
void eql_machine_advance(struct eql_machine *machine, int64_t time_ns);
/* The input ends: as if advanced beyond all time, and samples_at_end come out. */
void eql_machine_finish(struct eql_machine *machine);
/* Bit i: the query's relation i holds for the event, by what was taken before it. For explanations:
 * eql_machine_take() asks itself. */
uint64_t eql_machine_relations(struct eql_machine *machine, const struct kept_event *event);
/* Partial results held now. */
size_t eql_machine_live(const struct eql_machine *machine);

/*
 * State across a restart, as one JSON object (no newline): what eql_machine_load() of a machine of
 * the same query text reads. Events are written as their documents with their order; on loading
 * `keep` makes a kept event of a document again (NULL: it cannot) and gives its reference away. The
 * machine must be new. Returns 0, or -EINVAL with nothing loaded: not our state, or that of another
 * query, or a document that could not be kept again.
 */
void eql_machine_save(const struct eql_machine *machine, struct buf *out);
int eql_machine_load(struct eql_machine *machine, struct str state,
		     struct kept_event *(*keep)(void *context, struct str document,
						uint64_t arrival),
		     void *context) __attribute__((warn_unused_result));

#endif
