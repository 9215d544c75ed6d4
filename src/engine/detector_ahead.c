/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event that has waited for its order is in no cache near the processor any more, and what is
 * known of its join key may be anywhere in hundreds of megabytes. Waiting for one after the other
 * would be most of the work. Those that wait next are known, so each is asked for in time, and a
 * step later what it leads to:
 *
 *	its hits ─► are any of a rule that is awake? the event ─► where its key is found ─► the key
 */
#include "engine/detector_internal.h"

/* How many events ahead. An event takes about a hundred nanoseconds, memory not much longer. */
#define HITS_AHEAD 16
#define EVENT_AHEAD 10
#define SLOT_AHEAD 5
#define KEY_AHEAD 2

#define CACHE_LINE 64
/* The head of a kept event, and most of its values. */
#define EVENT_LINES 4

static void fetch_event(const struct detector *d, const struct reorder_entry *entry)
{
	uint32_t i = 0;

	while (i < entry->hit_count &&
	       !gate_passes(&d->gates[entry->hits[i].number], &entry->hits[i]))
		i++;
	for (int line = 0; i < entry->hit_count && line < EVENT_LINES; line++)
		__builtin_prefetch((const char *)entry->event + line * CACHE_LINE);
}

static void fetch_keys(const struct detector *d, const struct reorder_entry *entry, bool there)
{
	for (uint32_t i = 0; i < entry->hit_count; i++) {
		const struct engine_hit *hit = &entry->hits[i];

		if (d->gates[hit->number].large)
			eql_machine_prefetch(d->runs[hit->number].machine, entry->event,
					     hit->filter, there);
	}
}

void detector_look_ahead(const struct detector *d)
{
	const struct reorder_entry *entry = reorder_ahead(&d->reorder, KEY_AHEAD);

	if (entry)
		fetch_keys(d, entry, true);
	if ((entry = reorder_ahead(&d->reorder, SLOT_AHEAD)))
		fetch_keys(d, entry, false);
	if ((entry = reorder_ahead(&d->reorder, EVENT_AHEAD)))
		fetch_event(d, entry);
	if ((entry = reorder_ahead(&d->reorder, HITS_AHEAD)))
		__builtin_prefetch(entry->hits);
}
