/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/outcome_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

/* A few hundred bytes an outcome; 2 MB of them. A day's package work has 5,000. */
#define PLACES 16384
#define NUMBERS_MAX ((size_t)512 * 1024)
/* One that takes more than this is not worth its room. */
#define OUTCOME_NUMBERS_MAX 4096

struct record {
	uint64_t hash;
	uint64_t plan;
	uint32_t at; /* in numbers: verdicts, then slots */
	uint32_t count, matched, undecided;
};

struct outcome_cache {
	struct record *records; /* open addressing, at most half full; plan 0: free */
	uint32_t count;
	uint32_t *numbers;
	size_t used;
};

struct outcome_cache *outcome_cache_new(void)
{
	struct outcome_cache *cache = xcalloc(1, sizeof(*cache));

	cache->records = xcalloc(PLACES, sizeof(*cache->records));
	cache->numbers = xmalloc(NUMBERS_MAX * sizeof(*cache->numbers));
	return cache;
}

void outcome_cache_free(struct outcome_cache *cache)
{
	if (!cache)
		return;
	free(cache->records);
	free(cache->numbers);
	free(cache);
}

void outcome_cache_forget(struct outcome_cache *cache)
{
	if (cache->count)
		memset(cache->records, 0, PLACES * sizeof(*cache->records));
	cache->count = 0;
	cache->used = 0;
}

/* A sum of products, which a CPU can work out side by side. Constants of splitmix64. */
uint64_t outcome_key_hash(const struct outcome_key *key)
{
	uint64_t factor = UINT64_C(0xbf58476d1ce4e5b9);
	uint64_t h = key->plan * factor;

	for (uint32_t i = 0; i < key->count; i++) {
		factor += UINT64_C(0x94d049bb133111eb) * 2;
		h += key->verdicts[i] * factor;
	}
	return h ^ h >> 32;
}

/* The key's record, or the free one where it belongs. */
static struct record *record_of(const struct outcome_cache *cache, const struct outcome_key *key,
				uint64_t hash)
{
	for (uint32_t i = (uint32_t)hash & (PLACES - 1);; i = (i + 1) & (PLACES - 1)) {
		struct record *r = &cache->records[i];

		if (!r->plan ||
		    (r->hash == hash && r->plan == key->plan && r->count == key->count &&
		     memcmp(cache->numbers + r->at, key->verdicts,
			    key->count * sizeof(*key->verdicts)) == 0))
			return r;
	}
}

bool outcome_find(const struct outcome_cache *cache, const struct outcome_key *key,
		  struct outcome *out)
{
	const struct record *r = record_of(cache, key, outcome_key_hash(key));

	if (!r->plan)
		return false;
	*out = (struct outcome){cache->numbers + r->at + r->count, r->matched, r->undecided};
	return true;
}

void outcome_keep(struct outcome_cache *cache, const struct outcome_key *key,
		  const struct outcome *outcome)
{
	uint32_t slots = outcome->matched + outcome->undecided;
	uint64_t hash = outcome_key_hash(key);

	if (key->count + slots > OUTCOME_NUMBERS_MAX)
		return;
	if (cache->used + key->count + slots > NUMBERS_MAX || cache->count >= PLACES / 2)
		outcome_cache_forget(cache);
	uint32_t *numbers = cache->numbers + cache->used;

	*record_of(cache, key, hash) = (struct record){.hash = hash,
						       .plan = key->plan,
						       .at = (uint32_t)cache->used,
						       .count = key->count,
						       .matched = outcome->matched,
						       .undecided = outcome->undecided};
	cache->used += key->count + slots;
	cache->count++;
	if (key->count)
		memcpy(numbers, key->verdicts, key->count * sizeof(*numbers));
	if (slots)
		memcpy(numbers + key->count, outcome->slots, slots * sizeof(*numbers));
}
