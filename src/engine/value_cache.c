/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/value_cache_internal.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "engine/verdict_internal.h"

/* 256 KB of entries and 1 MB of text: about what a second-level cache holds beside the parser's
 * buffers. */
#define SETS 2048
#define WAYS 4
#define RING_BYTES ((uint64_t)1 << 20)
/* Longer values are rare, and comparing them would cost what scanning does. */
#define VALUE_BYTES_MAX 4096

/* A field is judged after so many looks; if fewer than one in four found something, it is left
 * alone for so many. */
#define LOOKS_JUDGED 1024
#define LOOKS_LEFT_OUT (32 * 1024)
#define FOUND_MIN (LOOKS_JUDGED / 4)

struct entry {
	uint64_t hash;
	uint64_t at; /* bytes ever written before it; in the ring modulo its size */
	uint32_t bytes;
	uint32_t index;
	uint32_t verdict;
	uint32_t shape; /* type of the value, and count of a list */
};

struct habit {
	uint32_t looks, found;
	uint32_t left_out; /* looks still to be left out */
};

struct value_cache {
	struct entry *entries;
	char *ring;
	uint64_t head;        /* bytes ever written */
	struct habit *habits; /* by index */
	uint64_t hash;        /* of the value last looked for */
	uint32_t indexes;
	bool looked; /* the last look was one: there is a hash */
};

struct value_cache *value_cache_new(uint32_t indexes)
{
	struct value_cache *cache = xcalloc(1, sizeof(*cache));

	cache->entries = xcalloc((size_t)SETS * WAYS, sizeof(*cache->entries));
	cache->ring = xmalloc(RING_BYTES);
	cache->habits = xcalloc((size_t)indexes + 1, sizeof(*cache->habits));
	cache->indexes = indexes;
	/* Entries at 0 are overwritten by now: there are none. */
	cache->head = 2 * RING_BYTES;
	return cache;
}

void value_cache_free(struct value_cache *cache)
{
	if (!cache)
		return;
	free(cache->entries);
	free(cache->ring);
	free(cache->habits);
	free(cache);
}

void value_cache_forget(struct value_cache *cache)
{
	memset(cache->entries, 0, (size_t)SETS * WAYS * sizeof(*cache->entries));
}

static uint32_t shape_of(const struct value *v)
{
	return v->type == VALUE_LIST ? v->type | v->count << 3 : v->type;
}

/* The bytes of a scalar. */
static struct str bytes_of(const struct value *v)
{
	switch ((enum value_type)v->type) {
	case VALUE_STRING:
		return value_as_str(v);
	case VALUE_BOOL:
		return (struct str){(const char *)&v->boolean, sizeof(v->boolean)};
	case VALUE_INT:
		return (struct str){(const char *)&v->integer, sizeof(v->integer)};
	case VALUE_DOUBLE:
		return (struct str){(const char *)&v->real, sizeof(v->real)};
	case VALUE_NULL:
	case VALUE_LIST:
		break;
	}
	return STR_NULL;
}

/* In front of each item of a list: what and how long it is. */
static uint32_t item_head(const struct value *v)
{
	return v->type | (uint32_t)bytes_of(v).len << 3;
}

static uint64_t hash_of(uint32_t index, const struct value *v)
{
	struct str s;

	if (v->type != VALUE_LIST) {
		s = bytes_of(v);
		return XXH3_64bits_withSeed(s.p, s.len, index);
	}
	uint64_t h = index;

	for (uint32_t i = 0; i < v->count; i++) {
		s = bytes_of(&v->items[i]);
		h = XXH3_64bits_withSeed(s.p, s.len, h + v->items[i].type);
	}
	return h;
}

static size_t size_of(const struct value *v)
{
	size_t bytes = 0;

	if (v->type != VALUE_LIST)
		return bytes_of(v).len;
	for (uint32_t i = 0; i < v->count; i++)
		bytes += sizeof(uint32_t) + bytes_of(&v->items[i]).len;
	return bytes;
}

static bool same_list(const char *p, const struct value *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		struct str s = bytes_of(&list->items[i]);
		uint32_t head = item_head(&list->items[i]);

		if (memcmp(p, &head, sizeof(head)) != 0 ||
		    (s.len && memcmp(p + sizeof(head), s.p, s.len) != 0))
			return false;
		p += sizeof(head) + s.len;
	}
	return true;
}

static bool is_for(const struct value_cache *cache, const struct entry *entry, uint32_t index,
		   const struct value *v)
{
	const char *p = cache->ring + entry->at % RING_BYTES;

	if (entry->hash != cache->hash || entry->index != index || entry->shape != shape_of(v) ||
	    entry->at + RING_BYTES < cache->head)
		return false;
	if (v->type == VALUE_LIST)
		return same_list(p, v);
	struct str s = bytes_of(v);

	return entry->bytes == s.len && (!s.len || memcmp(p, s.p, s.len) == 0);
}

/* Room for bytes that follow each other in the ring. */
static char *ring_take(struct value_cache *cache, size_t bytes, uint64_t *at)
{
	uint64_t left = RING_BYTES - cache->head % RING_BYTES;

	if (bytes > left)
		cache->head += left;
	*at = cache->head;
	cache->head += bytes;
	return cache->ring + *at % RING_BYTES;
}

static void move_to_front(struct value_cache *cache, struct entry *entry)
{
	const char *old = cache->ring + entry->at % RING_BYTES;
	uint64_t at;
	char *p = ring_take(cache, entry->bytes, &at);

	memmove(p, old, entry->bytes);
	entry->at = at;
}

static struct entry *set_of(const struct value_cache *cache)
{
	return &cache->entries[(cache->hash % SETS) * WAYS];
}

static bool worth_a_look(struct value_cache *cache, uint32_t index)
{
	struct habit *habit = &cache->habits[index];

	if (habit->left_out) {
		habit->left_out--;
		return false;
	}
	if (habit->looks++ < LOOKS_JUDGED)
		return true;
	if (habit->found < FOUND_MIN)
		habit->left_out = LOOKS_LEFT_OUT;
	habit->looks = habit->found = 0;
	return true;
}

uint32_t value_cache_find(struct value_cache *cache, uint32_t index, const struct value *value)
{
	struct entry *set;

	cache->looked = worth_a_look(cache, index);
	if (!cache->looked)
		return VERDICT_NONE;
	cache->hash = hash_of(index, value);
	set = set_of(cache);
	for (uint32_t i = 0; i < WAYS; i++) {
		if (!is_for(cache, &set[i], index, value))
			continue;
		cache->habits[index].found++;
		if (set[i].at + RING_BYTES / 2 < cache->head)
			move_to_front(cache, &set[i]);
		return set[i].verdict;
	}
	return VERDICT_NONE;
}

void value_cache_keep(struct value_cache *cache, uint32_t index, const struct value *value,
		      uint32_t verdict)
{
	size_t bytes = cache->looked ? size_of(value) : 0;
	struct entry *entry = set_of(cache);
	const struct entry *set = entry;

	if (!cache->looked || bytes > VALUE_BYTES_MAX)
		return;
	for (uint32_t i = 1; i < WAYS; i++)
		if (set[i].at < entry->at)
			entry = (struct entry *)&set[i];
	*entry = (struct entry){.hash = cache->hash,
				.bytes = (uint32_t)bytes,
				.index = index,
				.verdict = verdict,
				.shape = shape_of(value)};
	char *p = ring_take(cache, bytes, &entry->at);

	if (value->type != VALUE_LIST) {
		if (bytes)
			memcpy(p, bytes_of(value).p, bytes);
		return;
	}
	for (uint32_t i = 0; i < value->count; i++) {
		struct str s = bytes_of(&value->items[i]);
		uint32_t head = item_head(&value->items[i]);

		memcpy(p, &head, sizeof(head));
		if (s.len)
			memcpy(p + sizeof(head), s.p, s.len);
		p += sizeof(head) + s.len;
	}
}
