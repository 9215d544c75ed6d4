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

static struct reorder_entry **ring_nth(const struct reorder *r, uint32_t n)
{
	return &r->ring[(r->ring_first + n) & (r->ring_cap - 1)];
}

const struct reorder_entry *reorder_nth(const struct reorder *r, uint32_t n)
{
	return n < r->ring_count ? *ring_nth(r, n) : r->heap[n - r->ring_count];
}

void reorder_free(struct reorder *r)
{
	for (uint32_t i = 0; i < r->ring_count; i++)
		reorder_entry_free(*ring_nth(r, i));
	for (uint32_t i = 0; i < r->heap_count; i++)
		reorder_entry_free(r->heap[i]);
	free(r->ring);
	free(r->heap);
	*r = (struct reorder){0};
}

static bool is_before(const struct reorder_entry *a, const struct reorder_entry *b)
{
	return kept_event_order_total(a->event, b->event) < 0;
}

static void ring_put(struct reorder *r, struct reorder_entry *entry)
{
	if (r->ring_count == r->ring_cap) {
		uint32_t cap = r->ring_cap ? r->ring_cap * 2 : 64;
		struct reorder_entry **ring = xreallocarray(NULL, cap, sizeof(*ring));

		for (uint32_t i = 0; i < r->ring_count; i++)
			ring[i] = *ring_nth(r, i);
		free(r->ring);
		r->ring = ring;
		r->ring_first = 0;
		r->ring_cap = cap;
	}
	*ring_nth(r, r->ring_count++) = entry;
}

static void heap_put(struct reorder *r, struct reorder_entry *entry)
{
	uint32_t at = r->heap_count++;

	if (r->heap_count > r->heap_cap) {
		r->heap_cap = r->heap_cap ? r->heap_cap * 2 : 64;
		r->heap = xreallocarray(r->heap, r->heap_cap, sizeof(*r->heap));
	}
	for (; at && is_before(entry, r->heap[(at - 1) / 2]); at = (at - 1) / 2)
		r->heap[at] = r->heap[(at - 1) / 2];
	r->heap[at] = entry;
}

void reorder_put(struct reorder *r, struct kept_event *event, const struct engine_hit *hits,
		 uint32_t count)
{
	struct reorder_entry *entry = xmalloc(sizeof(*entry) + count * sizeof(*hits));

	entry->event = event;
	entry->hit_count = count;
	memcpy(entry->hits, hits, count * sizeof(*hits));
	if (!r->ring_count || !is_before(entry, *ring_nth(r, r->ring_count - 1)))
		ring_put(r, entry);
	else
		heap_put(r, entry);
	r->bytes += entry_bytes(entry);
}

static bool is_in_heap(const struct reorder *r)
{
	return r->heap_count && (!r->ring_count || is_before(r->heap[0], *ring_nth(r, 0)));
}

const struct reorder_entry *reorder_first(const struct reorder *r)
{
	if (is_in_heap(r))
		return r->heap[0];
	return r->ring_count ? *ring_nth(r, 0) : NULL;
}

static struct reorder_entry *heap_take(struct reorder *r)
{
	struct reorder_entry *first = r->heap[0];
	struct reorder_entry *last = r->heap[--r->heap_count];
	uint32_t at = 0, kid;

	while ((kid = at * 2 + 1) < r->heap_count) {
		if (kid + 1 < r->heap_count && is_before(r->heap[kid + 1], r->heap[kid]))
			kid++;
		if (!is_before(r->heap[kid], last))
			break;
		r->heap[at] = r->heap[kid];
		at = kid;
	}
	r->heap[at] = last;
	return first;
}

struct reorder_entry *reorder_take(struct reorder *r)
{
	struct reorder_entry *first;

	if (is_in_heap(r)) {
		first = heap_take(r);
	} else {
		first = *ring_nth(r, 0);
		r->ring_first = (r->ring_first + 1) & (r->ring_cap - 1);
		r->ring_count--;
	}
	r->bytes -= entry_bytes(first);
	return first;
}
