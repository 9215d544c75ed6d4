/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/detector_internal.h"

/* An event in a block keeps all of that, but only once. */
static size_t entry_bytes(const struct reorder_entry *entry, bool block_is_counted)
{
	const struct kept_event *event = entry->event;
	size_t held = event->block ? event->block->bytes : event->bytes;

	return sizeof(*entry) + entry->hit_count * sizeof(*entry->hits) +
	       (block_is_counted ? 0 : held);
}

static size_t bytes_added(const struct reorder_entry *entry)
{
	struct kept_block *block = entry->event->block;

	return entry_bytes(entry, block && block->waiting++ > 0);
}

static size_t bytes_taken(const struct reorder_entry *entry)
{
	struct kept_block *block = entry->event->block;

	return entry_bytes(entry, block && --block->waiting > 0);
}

void reorder_entry_free(struct reorder_entry *entry)
{
	kept_event_unref(entry->event);
	free(entry);
}

static struct reorder_entry **ring_place(const struct reorder *reorder, uint32_t i)
{
	return &reorder->ring[(reorder->ring_first + i) & (reorder->ring_cap - 1)];
}

const struct reorder_entry *reorder_at(const struct reorder *reorder, uint32_t i)
{
	return i < reorder->ring_count ? *ring_place(reorder, i)
				       : reorder->heap[i - reorder->ring_count];
}

void reorder_free(struct reorder *reorder)
{
	for (uint32_t i = 0; i < reorder->ring_count; i++)
		reorder_entry_free(*ring_place(reorder, i));
	for (uint32_t i = 0; i < reorder->heap_count; i++)
		reorder_entry_free(reorder->heap[i]);
	free(reorder->ring);
	free(reorder->heap);
	*reorder = (struct reorder){0};
}

static bool is_before(const struct reorder_entry *a, const struct reorder_entry *b)
{
	return kept_event_order_total(a->event, b->event) < 0;
}

static void grow_ring(struct reorder *reorder)
{
	uint32_t cap = reorder->ring_cap ? reorder->ring_cap * 2 : 64;
	struct reorder_entry **ring = xreallocarray(NULL, cap, sizeof(*ring));

	for (uint32_t i = 0; i < reorder->ring_count; i++)
		ring[i] = *ring_place(reorder, i);
	free(reorder->ring);
	reorder->ring = ring;
	reorder->ring_first = 0;
	reorder->ring_cap = cap;
}

static void ring_put(struct reorder *reorder, struct reorder_entry *entry)
{
	if (reorder->ring_count == reorder->ring_cap)
		grow_ring(reorder);
	*ring_place(reorder, reorder->ring_count++) = entry;
}

static struct reorder_entry *ring_take(struct reorder *reorder)
{
	struct reorder_entry *first = *ring_place(reorder, 0);

	reorder->ring_first++;
	reorder->ring_count--;
	return first;
}

static void heap_put(struct reorder *reorder, struct reorder_entry *entry)
{
	uint32_t at = reorder->heap_count++;

	if (reorder->heap_count > reorder->heap_cap) {
		reorder->heap_cap = reorder->heap_cap ? reorder->heap_cap * 2 : 64;
		reorder->heap =
		    xreallocarray(reorder->heap, reorder->heap_cap, sizeof(*reorder->heap));
	}
	for (; at && is_before(entry, reorder->heap[(at - 1) / 2]); at = (at - 1) / 2)
		reorder->heap[at] = reorder->heap[(at - 1) / 2];
	reorder->heap[at] = entry;
}

static struct reorder_entry *heap_take(struct reorder *reorder)
{
	struct reorder_entry *first = reorder->heap[0];
	struct reorder_entry *last = reorder->heap[--reorder->heap_count];
	uint32_t at = 0, kid;

	while ((kid = at * 2 + 1) < reorder->heap_count) {
		if (kid + 1 < reorder->heap_count &&
		    is_before(reorder->heap[kid + 1], reorder->heap[kid]))
			kid++;
		if (!is_before(reorder->heap[kid], last))
			break;
		reorder->heap[at] = reorder->heap[kid];
		at = kid;
	}
	reorder->heap[at] = last;
	return first;
}

void reorder_put(struct reorder *reorder, struct kept_event *event, const struct engine_hit *hits,
		 uint32_t count)
{
	struct reorder_entry *entry = xmalloc(sizeof(*entry) + count * sizeof(*hits));

	entry->event = event;
	entry->hit_count = count;
	memcpy(entry->hits, hits, count * sizeof(*hits));
	if (reorder->ring_count && is_before(entry, *ring_place(reorder, reorder->ring_count - 1)))
		heap_put(reorder, entry);
	else
		ring_put(reorder, entry);
	reorder->count++;
	reorder->bytes += bytes_added(entry);
}

static bool heap_is_first(const struct reorder *reorder)
{
	if (!reorder->heap_count || !reorder->ring_count)
		return reorder->heap_count > 0;
	return is_before(reorder->heap[0], *ring_place(reorder, 0));
}

const struct reorder_entry *reorder_first(const struct reorder *reorder)
{
	if (!reorder->count)
		return NULL;
	return heap_is_first(reorder) ? reorder->heap[0] : *ring_place(reorder, 0);
}

struct reorder_entry *reorder_take(struct reorder *reorder)
{
	struct reorder_entry *first =
	    heap_is_first(reorder) ? heap_take(reorder) : ring_take(reorder);

	reorder->count--;
	reorder->bytes -= bytes_taken(first);
	return first;
}
