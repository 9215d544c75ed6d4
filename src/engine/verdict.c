/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/verdict_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

/* A day's package work has 1,700 with 622 filters. */
#define VERDICTS_MAX 16384
/* Of 64 bits: 1 MB; Elastic's rules make verdicts of four words on average. */
#define POOL_WORDS (128 * 1024)
/* However large the rules, so many events fit between two times of forgetting. */
#define EVENTS_MIN 16

void verdict_table_init(struct verdict_table *table, const struct engine *e)
{
	*table = (struct verdict_table){.engine = e};
	for (uint32_t i = 0; i < e->index_count; i++)
		if (e->indexes[i].words > table->empty_words)
			table->empty_words = e->indexes[i].words;
	table->event_count = 3 * e->index_count + e->later_count;
	table->event_words = 3 * e->words + e->later_words;
	table->cap = VERDICTS_MAX;
	while (table->cap < table->event_count * EVENTS_MIN)
		table->cap *= 2;
	table->pool_words = table->empty_words + table->event_words * EVENTS_MIN;
	if (table->pool_words < POOL_WORDS)
		table->pool_words = POOL_WORDS;
	table->verdicts = xcalloc(table->cap, sizeof(*table->verdicts));
	table->pool = xcalloc((size_t)table->pool_words + 1, sizeof(*table->pool));
	table->places = xcalloc((size_t)table->cap * 2, sizeof(*table->places));
	table->place_mask = table->cap * 2 - 1;
	table->count = 1;
	table->used = table->empty_words;
}

void verdict_table_free(struct verdict_table *table)
{
	free(table->verdicts);
	free(table->pool);
	free(table->places);
}

bool verdict_table_has_room(const struct verdict_table *table)
{
	return table->count + table->event_count < table->cap &&
	       table->used + table->event_words <= table->pool_words;
}

void verdict_table_forget(struct verdict_table *table)
{
	memset(table->places, 0, ((size_t)table->place_mask + 1) * sizeof(*table->places));
	table->count = 1;
	table->used = table->empty_words;
}

uint64_t *verdict_draft(struct verdict_table *table, uint32_t index)
{
	uint64_t *bits = table->pool + table->used;

	memset(bits, 0, table->engine->indexes[index].words * sizeof(*bits));
	return bits;
}

/* A sum of products, which a CPU can work out side by side. Constants of splitmix64. */
static uint64_t hash_of(const uint64_t *bits, uint32_t words, uint32_t index)
{
	uint64_t factor = UINT64_C(0xbf58476d1ce4e5b9), h = index * factor;

	for (uint32_t i = 0; i < words; i++) {
		factor += UINT64_C(0x94d049bb133111eb) * 2;
		h += (bits[i] ^ bits[i] >> 32) * factor;
	}
	return h ^ h >> 32;
}

uint32_t verdict_number(struct verdict_table *table, uint32_t index)
{
	uint32_t words = table->engine->indexes[index].words;
	const uint64_t *bits = table->pool + table->used;
	uint64_t hash, any = 0;

	for (uint32_t i = 0; i < words; i++)
		any |= bits[i];
	if (!any)
		return VERDICT_EMPTY;
	hash = hash_of(bits, words, index);
	uint32_t place = (uint32_t)(hash >> 32) & table->place_mask;

	for (; table->places[place]; place = (place + 1) & table->place_mask) {
		const struct verdict *v = &table->verdicts[table->places[place]];

		if (v->hash == hash && v->index == index &&
		    memcmp(table->pool + v->at, bits, words * sizeof(*bits)) == 0)
			return table->places[place];
	}
	table->places[place] = table->count;
	table->verdicts[table->count] =
	    (struct verdict){.at = table->used, .index = index, .hash = hash};
	table->used += words;
	return table->count++;
}
