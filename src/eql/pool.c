/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "eql/machine_internal.h"

struct eql_pool *eql_pool_new(size_t bytes_max)
{
	struct eql_pool *pool = xcalloc(1, sizeof(*pool));

	pool->bytes_max = bytes_max;
	return pool;
}

void eql_pool_free(struct eql_pool *pool)
{
	free(pool);
}

size_t eql_pool_bytes(const struct eql_pool *pool)
{
	return pool->bytes;
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
	if (event->pooled++ == 0)
		pool_charge(pool, event->bytes + ALLOCATION_BYTES);
	return kept_event_ref(event);
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
	struct eql_pool *pool = held->machine->pool;
	struct held_list *alike = &held->machine->lists[held->kind];

	held->older = pool->newest;
	held->newer = NULL;
	if (pool->newest)
		pool->newest->newer = held;
	else
		pool->oldest = held;
	pool->newest = held;

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
	struct eql_pool *pool = held->machine->pool;
	struct held_list *alike = &held->machine->lists[held->kind];

	*(held->older ? &held->older->newer : &pool->oldest) = held->newer;
	*(held->newer ? &held->newer->older : &pool->newest) = held->older;
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

void pool_make_room(struct eql_pool *pool)
{
	while (pool->bytes > pool->bytes_max && pool->oldest) {
		counter_add(pool->oldest->kind == HELD_PROCESS ? COUNTER_LINEAGE_EVICTED
							       : COUNTER_SEQUENCE_EVICTED,
			    1);
		held_forget(pool->oldest);
	}
}
