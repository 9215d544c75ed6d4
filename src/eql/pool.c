/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "eql/machine_internal.h"

struct eql_pool *eql_pool_new(size_t bytes_max)
{
	struct eql_pool *pool = xcalloc(1, sizeof(*pool));

	pool->bytes_max = bytes_max;
	pool->slabs = slabs_new();
	return pool;
}

void eql_pool_free(struct eql_pool *pool)
{
	if (!pool)
		return;
	slabs_free(pool->slabs);
	free(pool->machines);
	free(pool->oldest);
	free(pool);
}

size_t eql_pool_bytes(const struct eql_pool *pool)
{
	return pool->bytes;
}

struct slabs *eql_pool_slabs(const struct eql_pool *pool)
{
	return pool->slabs;
}

void pool_charge(struct eql_pool *pool, size_t bytes)
{
	pool->bytes += bytes;
}

void pool_release(struct eql_pool *pool, size_t bytes)
{
	pool->bytes -= bytes;
}

struct kept_event *pool_hold(struct eql_pool *pool, struct kept_event *event)
{
	event = kept_event_own(event, pool->slabs);
	if (event->pooled++ == 0)
		pool_charge(pool, event->bytes + ALLOCATION_BYTES);
	return event;
}

void pool_drop(struct eql_pool *pool, struct kept_event *event)
{
	if (!event)
		return;
	if (--event->pooled == 0)
		pool_release(pool, event->bytes + ALLOCATION_BYTES);
	kept_event_unref(event);
}

static void append(struct held *held)
{
	struct held_list *alike = &held->machine->lists[held->kind];

	held->before = alike->newest;
	held->next = NULL;
	if (alike->newest)
		alike->newest->next = held;
	else
		alike->oldest = held;
	alike->newest = held;
}

void held_remove(struct held *held)
{
	struct held_list *alike = &held->machine->lists[held->kind];

	*(held->before ? &held->before->next : &alike->oldest) = held->next;
	*(held->next ? &held->next->before : &alike->newest) = held->before;
}

/* Expiry looks at the oldest only, so times must not fall along the list. What begins with a late
 * event is kept a little longer than it need be. */
static int64_t not_before_newest(const struct held *held, int64_t since)
{
	const struct held *newest = held->machine->lists[held->kind].newest;

	return newest && newest->since_ns > since ? newest->since_ns : since;
}

void held_add(struct held *held, struct eql_machine *machine, enum held_kind kind, int64_t since)
{
	held->machine = machine;
	held->kind = kind;
	held->since_ns = not_before_newest(held, since);
	append(held);
}

void held_renew(struct held *held, int64_t since)
{
	held_remove(held);
	held->since_ns = not_before_newest(held, since);
	append(held);
}

void pool_add_machine(struct eql_pool *pool, struct eql_machine *machine)
{
	if (pool->machine_count == pool->machine_cap) {
		pool->machine_cap = pool->machine_cap ? pool->machine_cap * 2 : 8;
		pool->machines =
		    xreallocarray(pool->machines, pool->machine_cap, sizeof(*pool->machines));
	}
	pool->machines[pool->machine_count++] = machine;
}

void pool_remove_machine(struct eql_pool *pool, const struct eql_machine *machine)
{
	size_t at = 0;

	while (pool->machines[at] != machine)
		at++;
	pool->machines[at] = pool->machines[--pool->machine_count];
}

/* ------------------------------------------------------------------------------------- eviction */

static bool is_older(const struct held_list *a, const struct held_list *b)
{
	return a->oldest->since_ns < b->oldest->since_ns;
}

static void sift_down(struct eql_pool *pool, size_t at)
{
	struct held_list **heap = pool->oldest;

	for (;;) {
		size_t next = at;

		for (size_t kid = 2 * at + 1; kid <= 2 * at + 2 && kid < pool->oldest_count; kid++)
			if (is_older(heap[kid], heap[next]))
				next = kid;
		if (next == at)
			return;
		struct held_list *moved = heap[at];

		heap[at] = heap[next];
		heap[next] = moved;
		at = next;
	}
}

static void gather_oldest(struct eql_pool *pool)
{
	size_t most = pool->machine_count * HELD_KINDS;

	if (most > pool->oldest_cap) {
		pool->oldest = xreallocarray(pool->oldest, most, sizeof(*pool->oldest));
		pool->oldest_cap = most;
	}
	pool->oldest_count = 0;
	for (size_t i = 0; i < pool->machine_count; i++)
		for (size_t kind = 0; kind < HELD_KINDS; kind++)
			if (pool->machines[i]->lists[kind].oldest)
				pool->oldest[pool->oldest_count++] =
				    &pool->machines[i]->lists[kind];
	for (size_t i = pool->oldest_count / 2; i-- > 0;)
		sift_down(pool, i);
}

static void evict(struct held *held)
{
	counter_add(held->kind == HELD_PROCESS ? COUNTER_LINEAGE_EVICTED : COUNTER_SEQUENCE_EVICTED,
		    1);
	held_forget(held);
}

/* Makes a heap again of the lists that still have something. */
static void drop_empty(struct eql_pool *pool)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->oldest_count; i++)
		if (pool->oldest[i]->oldest)
			pool->oldest[n++] = pool->oldest[i];
	pool->oldest_count = n;
	for (size_t i = n / 2; i-- > 0;)
		sift_down(pool, i);
}

/* A little more goes than must, so that the lists are not gathered for every event. */
void pool_make_room(struct eql_pool *pool)
{
	if (pool->bytes <= pool->bytes_max)
		return;
	size_t wanted = pool->bytes_max - pool->bytes_max / 64;

	gather_oldest(pool);
	while (pool->bytes > wanted && pool->oldest_count) {
		struct held_list *list = pool->oldest[0];
		bool takes_others = list->oldest->kind == HELD_PAST; /* what `until` has ended */

		evict(list->oldest);
		if (list->oldest && !takes_others)
			sift_down(pool, 0);
		else
			drop_empty(pool);
	}
}
