/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/situation_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

/* A day's package work has 2,000, of half a kilobyte. */
#define PLACES 16384
#define POOL_BYTES ((size_t)4 << 20)
/* However large the rules, so many fit between two times of forgetting. */
#define SITUATIONS_MIN 16

struct record {
	uint64_t hash;
	uint64_t plan; /* 0: free */
	const uint32_t *verdicts;
	uint32_t count;
	struct situation *situation;
};

struct situation_table {
	struct record *records; /* open addressing, at most half full */
	uint32_t count;
	uint64_t made;
	char *pool;
	size_t used, size;
	size_t most; /* that one takes */
};

static size_t aligned(size_t bytes)
{
	return (bytes + 7) / 8 * 8;
}

struct situation_table *situation_table_new(const struct engine *e)
{
	struct situation_table *table = xcalloc(1, sizeof(*table));

	/* The key; looks and what they want; slots of three kinds, and those of the quiet outcome. */
	table->most = aligned(sizeof(struct situation)) +
		      aligned(e->index_count * sizeof(uint32_t)) +
		      e->index_count * sizeof(struct look) + 2 * e->words * sizeof(uint64_t) +
		      4 * aligned(e->slot_count * sizeof(uint32_t));
	table->size = POOL_BYTES;
	if (table->size < table->most * SITUATIONS_MIN)
		table->size = table->most * SITUATIONS_MIN;
	table->records = xcalloc(PLACES, sizeof(*table->records));
	table->pool = xmalloc(table->size);
	return table;
}

void situation_table_free(struct situation_table *table)
{
	if (!table)
		return;
	free(table->records);
	free(table->pool);
	free(table);
}

void situation_table_forget(struct situation_table *table)
{
	if (table->count)
		memset(table->records, 0, PLACES * sizeof(*table->records));
	table->count = 0;
	table->used = 0;
}

bool situation_table_has_room(const struct situation_table *table)
{
	return table->count < PLACES / 2 && table->used + table->most <= table->size;
}

/* The key's record, or the free one where it belongs. */
static struct record *record_of(const struct situation_table *table, const struct outcome_key *key)
{
	uint64_t hash = outcome_key_hash(key);

	for (uint32_t i = (uint32_t)hash & (PLACES - 1);; i = (i + 1) & (PLACES - 1)) {
		struct record *r = &table->records[i];

		if (!r->plan ||
		    (r->hash == hash && r->plan == key->plan && r->count == key->count &&
		     memcmp(r->verdicts, key->verdicts, key->count * sizeof(*key->verdicts)) == 0))
			return r;
	}
}

struct situation *situation_find(const struct situation_table *table, const struct outcome_key *key)
{
	const struct record *r = record_of(table, key);

	return r->plan ? r->situation : NULL;
}

void *situation_room(struct situation_table *table, size_t bytes)
{
	void *room = table->pool + table->used;

	table->used += aligned(bytes);
	return room;
}

struct situation *situation_add(struct situation_table *table, const struct outcome_key *key)
{
	struct record *r = record_of(table, key);
	uint32_t *verdicts = situation_room(table, key->count * sizeof(*verdicts));

	memcpy(verdicts, key->verdicts, key->count * sizeof(*verdicts));
	r->hash = outcome_key_hash(key);
	r->plan = key->plan;
	r->verdicts = verdicts;
	r->count = key->count;
	r->situation = situation_room(table, sizeof(*r->situation));
	*r->situation = (struct situation){.serial = ++table->made};
	table->count++;
	return r->situation;
}
