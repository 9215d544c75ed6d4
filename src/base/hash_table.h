/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of things found by a hash. The owner keeps the things and says when two are equal; the
 * table keeps only where they are:
 *
 *	slots: [ hash, thing | - | hash, thing | hash, thing | - ]	a power of two of them
 *	                            ▲ hash % slots, then the next until one is free
 *
 * At most three quarters of the slots are used, so a search for what is not there mostly ends in
 * the cache line it began in. Removing moves what follows back; there are no tombstones, and cost
 * does not grow with what has come and gone. Slots are given back when few of them are used.
 */
#ifndef LINTEL_BASE_HASH_TABLE_H
#define LINTEL_BASE_HASH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_slot {
	uint64_t hash;
	void *thing; /* NULL: free */
};

/* All zero: an empty table. */
struct hash_table {
	struct hash_slot *slots;
	size_t count;
	size_t cap;
};

void hash_table_free(struct hash_table *table);
/* The thing with this hash for which `equal` holds, or NULL. */
void *hash_table_find(const struct hash_table *table, uint64_t hash,
		      bool (*equal)(const void *thing, const void *wanted), const void *wanted);
/* For a search that comes soon: has the processor fetch where it will begin; and a little later, when
 * that is there, the first bytes of what it will find. */
void hash_table_prefetch(const struct hash_table *table, uint64_t hash);
void hash_table_prefetch_thing(const struct hash_table *table, uint64_t hash);
/* `thing` must not be there yet. */
void hash_table_add(struct hash_table *table, uint64_t hash, void *thing);
/* `thing` itself, not one equal to it; it must be there. hash_table_bytes() may be less afterwards. */
void hash_table_remove(struct hash_table *table, uint64_t hash, const void *thing);
/* Memory of the slots. */
static inline size_t hash_table_bytes(const struct hash_table *table)
{
	return table->cap * sizeof(struct hash_slot);
}

#endif
