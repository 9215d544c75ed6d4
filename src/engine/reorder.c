/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/detector_internal.h"

/* An event in a block keeps all of that, but only once. */
static size_t entry_bytes(const struct reorder_entry *entry, bool block_is_counted)
{
	size_t held = entry->block ? entry->block->bytes : entry->event->bytes;

	return sizeof(*entry) + entry->hit_count * sizeof(*entry->hits) +
	       (block_is_counted ? 0 : held);
}

static size_t bytes_added(const struct reorder_entry *entry)
{
	struct kept_block *block = entry->block;

	return entry_bytes(entry, block && block->waiting++ > 0);
}

static size_t bytes_taken(const struct reorder_entry *entry)
{
	struct kept_block *block = entry->block;

	return entry_bytes(entry, block && --block->waiting > 0);
}

/* Nobody but the entry has a reference to an event that was not handed on: it goes with its block,
 * unseen. */
void reorder_entry_drop(const struct reorder_entry *entry)
{
	if (entry->block && !entry->handed_on)
		kept_block_unref(entry->block);
	else
		kept_event_unref(entry->event);
}

void reorder_entry_free(const struct reorder_entry *entry)
{
	if (!entry->block)
		free((void *)entry->hits);
	reorder_entry_drop(entry);
}

static struct reorder_entry *ring_place(const struct reorder *reorder, uint32_t i)
{
	return &reorder->ring[(reorder->ring_first + i) & (reorder->ring_cap - 1)];
}

const struct reorder_entry *reorder_at(const struct reorder *reorder, uint32_t i)
{
	return i < reorder->ring_count ? ring_place(reorder, i)
				       : &reorder->heap[i - reorder->ring_count];
}

void reorder_free(struct reorder *reorder)
{
	for (uint32_t i = 0; i < reorder->count; i++)
		reorder_entry_free(reorder_at(reorder, i));
	free(reorder->ring);
	free(reorder->heap);
	*reorder = (struct reorder){0};
}

static bool is_before(const struct reorder_entry *a, const struct reorder_entry *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns;
	int order = kept_event_order(a->event, b->event);

	return order ? order < 0 : a->arrival < b->arrival;
}

static void grow_ring(struct reorder *reorder)
{
	uint32_t cap = reorder->ring_cap ? reorder->ring_cap * 2 : 64;
	struct reorder_entry *ring = xreallocarray(NULL, cap, sizeof(*ring));

	for (uint32_t i = 0; i < reorder->ring_count; i++)
		ring[i] = *ring_place(reorder, i);
	free(reorder->ring);
	reorder->ring = ring;
	reorder->ring_first = 0;
	reorder->ring_cap = cap;
}

static void ring_put(struct reorder *reorder, const struct reorder_entry *entry)
{
	if (reorder->ring_count == reorder->ring_cap)
		grow_ring(reorder);
	*ring_place(reorder, reorder->ring_count++) = *entry;
}

static struct reorder_entry ring_take(struct reorder *reorder)
{
	struct reorder_entry first = *ring_place(reorder, 0);

	reorder->ring_first++;
	reorder->ring_count--;
	return first;
}

static void heap_put(struct reorder *reorder, const struct reorder_entry *entry)
{
	uint32_t at = reorder->heap_count++;

	if (reorder->heap_count > reorder->heap_cap) {
		reorder->heap_cap = reorder->heap_cap ? reorder->heap_cap * 2 : 64;
		reorder->heap =
		    xreallocarray(reorder->heap, reorder->heap_cap, sizeof(*reorder->heap));
	}
	for (; at && is_before(entry, &reorder->heap[(at - 1) / 2]); at = (at - 1) / 2)
		reorder->heap[at] = reorder->heap[(at - 1) / 2];
	reorder->heap[at] = *entry;
}

static struct reorder_entry heap_take(struct reorder *reorder)
{
	struct reorder_entry first = reorder->heap[0];
	struct reorder_entry last = reorder->heap[--reorder->heap_count];
	uint32_t at = 0, kid;

	while ((kid = at * 2 + 1) < reorder->heap_count) {
		if (kid + 1 < reorder->heap_count &&
		    is_before(&reorder->heap[kid + 1], &reorder->heap[kid]))
			kid++;
		if (!is_before(&reorder->heap[kid], &last))
			break;
		reorder->heap[at] = reorder->heap[kid];
		at = kid;
	}
	reorder->heap[at] = last;
	return first;
}

static const struct engine_hit *copy_hits(const struct engine_hit *hits, uint32_t count)
{
	struct engine_hit *copy = xmalloc(count * sizeof(*copy));

	memcpy(copy, hits, count * sizeof(*copy));
	return copy;
}

void reorder_put(struct reorder *reorder, const struct reorder_entry *entry)
{
	struct reorder_entry own = *entry;

	if (!own.block)
		own.hits = copy_hits(own.hits, own.hit_count);
	if (reorder->ring_count && is_before(&own, ring_place(reorder, reorder->ring_count - 1)))
		heap_put(reorder, &own);
	else
		ring_put(reorder, &own);
	reorder->count++;
	reorder->bytes += bytes_added(&own);
}

static bool heap_is_first(const struct reorder *reorder)
{
	if (!reorder->heap_count || !reorder->ring_count)
		return reorder->heap_count > 0;
	return is_before(&reorder->heap[0], ring_place(reorder, 0));
}

const struct reorder_entry *reorder_first(const struct reorder *reorder)
{
	if (!reorder->count)
		return NULL;
	return heap_is_first(reorder) ? &reorder->heap[0] : ring_place(reorder, 0);
}

const struct reorder_entry *reorder_ahead(const struct reorder *reorder, uint32_t ahead)
{
	return ahead < reorder->ring_count ? ring_place(reorder, ahead) : NULL;
}

struct reorder_entry reorder_take(struct reorder *reorder)
{
	struct reorder_entry first =
	    heap_is_first(reorder) ? heap_take(reorder) : ring_take(reorder);

	reorder->count--;
	reorder->bytes -= bytes_taken(&first);
	return first;
}
