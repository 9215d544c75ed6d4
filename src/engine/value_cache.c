/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/value_cache_internal.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "engine/str_edges_internal.h"

/* 384 KB of entries and 1 MB of text: about what a second-level cache holds beside the parser's
 * buffers. */
#define SETS 2048
#define WAYS 4
#define RING_BYTES ((uint64_t)1 << 20)
/* Longer values are rare, and comparing them would cost what scanning does. */
#define VALUE_BYTES_MAX 4096

/* A field is judged after so many looks; if fewer than one in six found something, which is about
 * what a look costs against a scan, it is left alone for so many. */
#define LOOKS_JUDGED 1024
#define LOOKS_LEFT_OUT (16 * 1024)
#define FOUND_MIN (LOOKS_JUDGED / 6)

/* What tells values apart without their bytes; for small ones it says all. */
struct print {
	uint64_t head, tail; /* str_edges(), a number, or the hash of something larger */
	uint64_t what;       /* index, and type of the value and length of a string or list */
};

struct entry {
	struct print print;
	uint64_t at;    /* bytes ever written before it; in the ring modulo its size */
	uint32_t bytes; /* in the ring */
	uint32_t verdict;
};

/* Of a field. */
struct habit {
	struct entry
	    last; /* the value found or kept last; its place in the table may be another's */
	uint32_t looks, found;
	uint32_t left_out; /* looks still to be left out */
};

struct value_cache {
	struct entry *entries;
	char *ring;
	uint64_t head; /* bytes ever written */
	uint32_t indexes;
	struct habit *habits; /* by index */
	struct print print;   /* of the value last looked for */
	bool looked;          /* the last look was one */
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
	memset(cache->habits, 0, cache->indexes * sizeof(*cache->habits));
}

/* ---- values */

static uint32_t shape_of(const struct value *v)
{
	bool has_count = v->type == VALUE_STRING || v->type == VALUE_LIST;

	return has_count ? v->type | v->count << 3 : v->type;
}

/* Up to 16 bytes: the print's words are the value. */
static bool is_small(const struct value *v)
{
	return v->type == VALUE_STRING ? v->count <= 16 : v->type != VALUE_LIST;
}

static void print_small(struct print *print, const struct value *v)
{
	struct str_edges edges;

	print->tail = 0;
	switch ((enum value_type)v->type) {
	case VALUE_STRING:
		edges = str_edges(value_as_str(v));
		print->head = edges.head;
		print->tail = edges.tail;
		return;
	case VALUE_BOOL:
		print->head = v->boolean;
		return;
	case VALUE_INT:
		print->head = (uint64_t)v->integer;
		return;
	case VALUE_DOUBLE:
		memcpy(&print->head, &v->real, sizeof(print->head));
		return;
	case VALUE_NULL:
	case VALUE_LIST:
		print->head = 0;
		return;
	}
}

/* The bytes of a list's item. */
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

static uint64_t hash_of(const struct value *v)
{
	uint64_t h = 0;

	if (v->type == VALUE_STRING)
		return XXH3_64bits(v->text, v->count);
	for (uint32_t i = 0; i < v->count; i++) {
		struct str s = bytes_of(&v->items[i]);

		h = XXH3_64bits_withSeed(s.p, s.len, h + v->items[i].type);
	}
	return h;
}

/* In the ring a list's items stand one after the other, each behind its shape. */
static size_t size_of(const struct value *v)
{
	size_t bytes = 0;

	if (is_small(v))
		return 0;
	if (v->type == VALUE_STRING)
		return v->count;
	for (uint32_t i = 0; i < v->count; i++)
		bytes += sizeof(uint32_t) + bytes_of(&v->items[i]).len;
	return bytes;
}

static bool same_list(const char *p, const struct value *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		struct str s = bytes_of(&list->items[i]);
		uint32_t shape = shape_of(&list->items[i]);

		if (memcmp(p, &shape, sizeof(shape)) != 0 ||
		    (s.len && memcmp(p + sizeof(shape), s.p, s.len) != 0))
			return false;
		p += sizeof(shape) + s.len;
	}
	return true;
}

static void write_list(char *p, const struct value *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		struct str s = bytes_of(&list->items[i]);
		uint32_t shape = shape_of(&list->items[i]);

		memcpy(p, &shape, sizeof(shape));
		if (s.len)
			memcpy(p + sizeof(shape), s.p, s.len);
		p += sizeof(shape) + s.len;
	}
}

/* ---- the ring */

static bool is_there(const struct value_cache *cache, const struct entry *entry)
{
	return entry->at + RING_BYTES >= cache->head;
}

/* Room for bytes that follow each other. */
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
	char *p = ring_take(cache, entry->bytes, &entry->at);

	memmove(p, old, entry->bytes);
}

static bool same_bytes(const struct value_cache *cache, const struct entry *entry,
		       const struct value *v)
{
	const char *p = cache->ring + entry->at % RING_BYTES;

	return v->type == VALUE_LIST ? same_list(p, v) : memcmp(p, v->text, v->count) == 0;
}

/* ---- looking */

static bool is_print(const struct print *a, const struct print *b)
{
	return a->head == b->head && a->tail == b->tail && a->what == b->what;
}

static bool worth_a_look(struct habit *habit)
{
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

static struct entry *set_of(const struct value_cache *cache, const struct print *p)
{
	/* Constants of splitmix64. */
	uint64_t h = (p->head ^ p->what) * UINT64_C(0xbf58476d1ce4e5b9);

	h = (h ^ h >> 29 ^ p->tail) * UINT64_C(0x94d049bb133111eb);
	return &cache->entries[(h >> 40) % SETS * WAYS];
}

/* The field's last value again? */
static bool is_last(const struct value_cache *cache, const struct entry *last,
		    const struct value *v, bool small)
{
	const struct print *p = &cache->print;

	if (last->print.what != p->what || !is_there(cache, last))
		return false;
	return small ? last->print.head == p->head && last->print.tail == p->tail
		     : same_bytes(cache, last, v);
}

bool value_cache_find(struct value_cache *cache, uint32_t index, const struct value *value,
		      uint32_t *verdict)
{
	struct habit *habit = &cache->habits[index];
	struct entry *set;
	bool small = is_small(value);

	cache->looked = worth_a_look(habit);
	if (!cache->looked)
		return false;
	cache->print.what = (uint64_t)index << 32 | shape_of(value);
	if (small)
		print_small(&cache->print, value);
	if (is_last(cache, &habit->last, value, small)) {
		habit->found++;
		*verdict = habit->last.verdict;
		return true;
	}
	if (!small) {
		cache->print.head = hash_of(value);
		cache->print.tail = 0;
	}
	set = set_of(cache, &cache->print);
	for (uint32_t i = 0; i < WAYS; i++) {
		if (!is_print(&set[i].print, &cache->print) || !is_there(cache, &set[i]) ||
		    (!small && !same_bytes(cache, &set[i], value)))
			continue;
		if (set[i].at + RING_BYTES / 2 < cache->head)
			move_to_front(cache, &set[i]);
		habit->found++;
		habit->last = set[i];
		*verdict = set[i].verdict;
		return true;
	}
	return false;
}

bool value_cache_keep(struct value_cache *cache, uint32_t index, const struct value *value,
		      uint32_t verdict)
{
	size_t bytes = cache->looked ? size_of(value) : 0;

	if (!cache->looked || bytes > VALUE_BYTES_MAX)
		return false;
	struct entry *set = set_of(cache, &cache->print), *oldest = set;

	for (uint32_t i = 1; i < WAYS; i++)
		if (set[i].at < oldest->at)
			oldest = &set[i];
	*oldest =
	    (struct entry){.print = cache->print, .bytes = (uint32_t)bytes, .verdict = verdict};
	char *p = ring_take(cache, bytes, &oldest->at);

	if (value->type == VALUE_LIST)
		write_list(p, value);
	else if (bytes)
		memcpy(p, value->text, bytes);
	cache->habits[index].last = *oldest;
	return true;
}

void value_cache_learn(struct value_cache *cache, uint32_t index, uint32_t verdict)
{
	struct entry *last = &cache->habits[index].last, *set = set_of(cache, &last->print);

	last->verdict = verdict;
	/* Only its own entry has its bytes at this place, or its words. */
	for (uint32_t i = 0; i < WAYS; i++)
		if (set[i].at == last->at && is_print(&set[i].print, &last->print))
			set[i].verdict = verdict;
}
