/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/detector_internal.h"

static size_t entry_bytes(const struct reorder_entry *entry)
{
	return sizeof(*entry) + entry->hit_count * sizeof(*entry->hits) + entry->event->bytes;
}

void reorder_entry_free(struct reorder_entry *entry)
{
	kept_event_unref(entry->event);
	free(entry);
}

void reorder_free(struct reorder *reorder)
{
	for (uint32_t i = 0; i < reorder->count; i++)
		reorder_entry_free(reorder->heap[i]);
	free(reorder->heap);
	*reorder = (struct reorder){0};
}

static bool is_before(const struct reorder_entry *a, const struct reorder_entry *b)
{
	return kept_event_order_total(a->event, b->event) < 0;
}

void reorder_put(struct reorder *reorder, struct kept_event *event, const struct engine_hit *hits,
		 uint32_t count)
{
	struct reorder_entry *entry = xmalloc(sizeof(*entry) + count * sizeof(*hits));
	uint32_t at = reorder->count++;

	entry->event = event;
	entry->hit_count = count;
	memcpy(entry->hits, hits, count * sizeof(*hits));
	if (reorder->count > reorder->cap) {
		reorder->cap = reorder->cap ? reorder->cap * 2 : 64;
		reorder->heap = xreallocarray(reorder->heap, reorder->cap, sizeof(*reorder->heap));
	}
	for (; at && is_before(entry, reorder->heap[(at - 1) / 2]); at = (at - 1) / 2)
		reorder->heap[at] = reorder->heap[(at - 1) / 2];
	reorder->heap[at] = entry;
	reorder->bytes += entry_bytes(entry);
}

const struct reorder_entry *reorder_first(const struct reorder *reorder)
{
	return reorder->count ? reorder->heap[0] : NULL;
}

struct reorder_entry *reorder_take(struct reorder *reorder)
{
	struct reorder_entry *first = reorder->heap[0];
	struct reorder_entry *last = reorder->heap[--reorder->count];
	uint32_t at = 0, kid;

	while ((kid = at * 2 + 1) < reorder->count) {
		if (kid + 1 < reorder->count &&
		    is_before(reorder->heap[kid + 1], reorder->heap[kid]))
			kid++;
		if (!is_before(reorder->heap[kid], last))
			break;
		reorder->heap[at] = reorder->heap[kid];
		at = kid;
	}
	reorder->heap[at] = last;
	reorder->bytes -= entry_bytes(first);
	return first;
}
