/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts, each once: equal sets of bits of one index have the same number, so that a verdict can
 * be kept in four bytes and compared at once. Number 0 is the empty set of every index: "of no
 * interest to any rule", which most values are.
 *
 *	bits:   [ empty | verdict 1 | verdict 2 | ... ]     words in one pool
 *	table:  hash of (index, bits) ──► number
 *
 * Pool and table have a fixed size. When an event might not find room any more, the owner forgets
 * all verdicts, and whatever refers to them, at once.
 */
#ifndef LINTEL_ENGINE_VERDICT_INTERNAL_H
#define LINTEL_ENGINE_VERDICT_INTERNAL_H

#include "engine/engine_internal.h"

#define VERDICT_EMPTY 0
#define VERDICT_NONE UINT32_MAX

struct verdict {
	uint32_t at; /* in the pool */
	uint32_t index;
	uint64_t hash;
};

struct verdict_table {
	const struct engine *engine;
	struct verdict *verdicts; /* by number */
	uint32_t count, cap;
	uint64_t *pool;
	uint32_t used, pool_words;
	uint32_t *places; /* open addressing, numbers; 0: free; at most half full */
	uint32_t place_mask;
	uint32_t empty_words; /* of the empty verdict, which serves all indexes */
	/* What one event may add: a verdict on every field, what a plan or a situation asks of it, its
	 * wake bits, and one more for each LATER leaf. */
	uint32_t event_count, event_words;
};

void verdict_table_init(struct verdict_table *table, const struct engine *engine);
void verdict_table_free(struct verdict_table *table);
/* False: forget before the next event. */
bool verdict_table_has_room(const struct verdict_table *table);
void verdict_table_forget(struct verdict_table *table);
/* Room for a verdict of the index, all bits clear, to be filled in and then handed to
 * verdict_number() at once. */
uint64_t *verdict_draft(struct verdict_table *table, uint32_t index);
/* The number of the draft. */
uint32_t verdict_number(struct verdict_table *table, uint32_t index);

static inline const uint64_t *verdict_bits(const struct verdict_table *table, uint32_t number)
{
	return table->pool + table->verdicts[number].at;
}

static inline bool verdict_has(const struct verdict_table *table, uint32_t number, uint32_t bit)
{
	return verdict_bits(table, number)[bit / 64] >> (bit % 64) & 1;
}

static inline void verdict_set(uint64_t *bits, uint32_t bit)
{
	bits[bit / 64] |= UINT64_C(1) << (bit % 64);
}

#endif
