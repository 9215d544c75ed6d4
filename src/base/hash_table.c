/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"

#define SLOTS_MIN 16
/* The kernel's large pages: with small ones most searches in a large table would first search for
 * the page. */
#define LARGE_PAGE ((size_t)2 << 20)

static struct hash_slot *slots_new(size_t cap)
{
	size_t bytes = cap * sizeof(struct hash_slot);

	if (bytes < LARGE_PAGE)
		return xcalloc(cap, sizeof(struct hash_slot));
	struct hash_slot *slots = aligned_alloc(LARGE_PAGE, bytes);

	if (!slots)
		return xcalloc(cap, sizeof(struct hash_slot));
	(void)madvise(slots, bytes, MADV_HUGEPAGE); /* only a wish */
	memset(slots, 0, bytes);
	return slots;
}

void hash_table_free(struct hash_table *table)
{
	free(table->slots);
	*table = (struct hash_table){0};
}

void *hash_table_find(const struct hash_table *table, uint64_t hash,
		      bool (*equal)(const void *thing, const void *wanted), const void *wanted)
{
	if (!table->count)
		return NULL;
	for (size_t at = hash & (table->cap - 1);; at = (at + 1) & (table->cap - 1)) {
		const struct hash_slot *slot = &table->slots[at];

		if (!slot->thing)
			return NULL;
		if (slot->hash == hash && equal(slot->thing, wanted))
			return slot->thing;
	}
}

void hash_table_prefetch(const struct hash_table *table, uint64_t hash)
{
	if (table->cap)
		__builtin_prefetch(&table->slots[hash & (table->cap - 1)]);
}

#define CACHE_LINE 64
/* The head of a thing and, mostly, what tells it from others. */
#define THING_LINES 3

void hash_table_prefetch_thing(const struct hash_table *table, uint64_t hash)
{
	size_t at = hash & (table->cap - 1);

	if (!table->cap)
		return;
	while (table->slots[at].thing && table->slots[at].hash != hash)
		at = (at + 1) & (table->cap - 1);
	for (int i = 0; table->slots[at].thing && i < THING_LINES; i++)
		__builtin_prefetch((const char *)table->slots[at].thing + i * CACHE_LINE);
}

static void put(struct hash_table *table, struct hash_slot new)
{
	size_t at = new.hash &(table->cap - 1);

	while (table->slots[at].thing)
		at = (at + 1) & (table->cap - 1);
	table->slots[at] = new;
}

static void resize(struct hash_table *table, size_t cap)
{
	struct hash_slot *old = table->slots;
	size_t old_cap = table->cap;

	table->slots = slots_new(cap);
	table->cap = cap;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].thing)
			put(table, old[i]);
	free(old);
}

void hash_table_add(struct hash_table *table, uint64_t hash, void *thing)
{
	if (table->count >= table->cap / 4 * 3)
		resize(table, table->cap ? table->cap * 2 : SLOTS_MIN);
	put(table, (struct hash_slot){hash, thing});
	table->count++;
}

/* Whatever would no longer be found with a free slot at `hole` moves there. */
static void close_hole(struct hash_table *table, size_t hole)
{
	size_t mask = table->cap - 1;

	for (size_t at = (hole + 1) & mask; table->slots[at].thing; at = (at + 1) & mask) {
		size_t distance = (at - table->slots[at].hash) & mask;

		if (distance >= ((at - hole) & mask)) {
			table->slots[hole] = table->slots[at];
			hole = at;
		}
	}
	table->slots[hole].thing = NULL;
}

void hash_table_remove(struct hash_table *table, uint64_t hash, const void *thing)
{
	size_t at = hash & (table->cap - 1);

	while (table->slots[at].thing != thing)
		at = (at + 1) & (table->cap - 1);
	close_hole(table, at);
	table->count--;
	/* Half of the size, a quarter full: as far from growing again as from shrinking. */
	if (table->cap > SLOTS_MIN && table->count < table->cap / 8)
		resize(table, table->cap / 2);
}
