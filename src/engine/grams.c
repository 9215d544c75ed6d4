/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/grams_internal.h"

/* Bits of the map per gram noted: one look in so many finds a bit that another gram has set. */
#define BITS_PER_GRAM 32
#define BITS_LOG2_MIN 9
#define BITS_LOG2_MAX 17
#define RARITY_MAX 8

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte must be the lowest");

/* Some bytes that are no letters are taken for each other, too; comparing tells them apart. */
static inline uint32_t fold(uint32_t bytes, uint32_t mask)
{
	return (bytes | 0x20202020) & mask;
}

/* Constant of splitmix64; the high bits are the mixed ones. */
static inline uint64_t hash_of(uint32_t gram)
{
	return gram * UINT64_C(0xbf58476d1ce4e5b9);
}

static inline bool may_have(const struct grams *g, uint32_t gram)
{
	uint64_t bit = hash_of(gram) >> (64 - g->bits_log2);

	return g->bits[bit / 64] >> (bit % 64) & 1;
}

static uint32_t *place_of(const struct grams *g, uint32_t gram)
{
	for (uint32_t i = (uint32_t)(hash_of(gram) >> 24) & g->place_mask;;
	     i = (i + 1) & g->place_mask)
		if (!g->places[i] || g->grams[g->places[i] - 1].bytes == gram)
			return &g->places[i];
}

/* ---- building */

static uint32_t gram_at(const struct grams *g, struct str s, uint32_t at)
{
	uint32_t bytes = 0;

	memcpy(&bytes, s.p + at, g->size.bytes);
	return fold(bytes, g->mask);
}

/* How bad it is to note the gram of `s` at `at`: that others have it is worse than that it is made of
 * common bytes. */
static uint32_t badness(const struct grams *g, struct str s, uint32_t at,
			uint32_t (*rarity)(unsigned char c))
{
	uint32_t bad = RARITY_MAX * g->size.bytes;

	for (uint32_t i = 0; i < g->size.bytes; i++)
		bad -= rarity((unsigned char)s.p[at + i]);
	for (uint32_t n = *place_of(g, gram_at(g, s, at)); n; n = g->grams[n - 1].next)
		bad += RARITY_MAX * g->size.bytes;
	return bad;
}

/* Where the first of the grams to note is. */
static uint32_t best_place(const struct grams *g, struct str s, uint32_t (*rarity)(unsigned char c))
{
	uint32_t best = 0, least = UINT32_MAX;

	for (uint32_t at = 0; at + gram_size_least(g->size) <= s.len; at++) {
		uint32_t bad = 0;

		for (uint32_t i = 0; i < g->size.stride; i++)
			bad += badness(g, s, at + i, rarity);
		if (bad < least) {
			least = bad;
			best = at;
		}
	}
	return best;
}

static void note(struct grams *g, uint32_t atom, struct str s, uint32_t at)
{
	uint32_t gram = gram_at(g, s, at);
	uint32_t *place = place_of(g, gram);
	uint64_t bit = hash_of(gram) >> (64 - g->bits_log2);

	g->grams[g->gram_count++] =
	    (struct gram){.bytes = gram, .atom = atom, .offset = at, .next = *place};
	*place = g->gram_count;
	g->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* The same atom of an earlier pattern, or a new one; wherever its grams are, they are in `s`. */
static struct gram_atom *atom_of(struct grams *g, struct str s, uint32_t (*rarity)(unsigned char c))
{
	for (uint32_t at = 0; at + g->size.bytes <= s.len; at++)
		for (uint32_t n = *place_of(g, gram_at(g, s, at)); n; n = g->grams[n - 1].next)
			if (str_eq(g->atoms[g->grams[n - 1].atom].bytes, s))
				return &g->atoms[g->grams[n - 1].atom];
	uint32_t from = best_place(g, s, rarity);

	for (uint32_t i = 0; i < g->size.stride; i++)
		note(g, g->atom_count, s, from + i);
	g->atoms[g->atom_count].bytes = s;
	return &g->atoms[g->atom_count++];
}

static struct str lower(struct arena *arena, struct str s)
{
	char *copy = arena_bytes(arena, s.len);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = (char)ascii_lower((unsigned char)s.p[i]);
	return (struct str){copy, s.len};
}

static void allocate(struct grams *g, struct arena *arena, uint32_t atoms)
{
	uint32_t grams = atoms * g->size.stride, size = 4;

	while (size < grams * 2)
		size *= 2;
	g->bits_log2 = BITS_LOG2_MIN;
	while (g->bits_log2 < BITS_LOG2_MAX && 1u << g->bits_log2 < grams * BITS_PER_GRAM)
		g->bits_log2++;
	g->bits = ARENA_ARRAY(arena, uint64_t, ((size_t)1 << g->bits_log2) / 64);
	g->grams = ARENA_ARRAY(arena, struct gram, grams);
	g->places = ARENA_ARRAY(arena, uint32_t, size);
	g->place_mask = size - 1;
	g->atoms = ARENA_ARRAY(arena, struct gram_atom, atoms);
	g->also = ARENA_ARRAY(arena, uint32_t, atoms);
	g->ids = ARENA_ARRAY(arena, uint32_t, atoms);
}

struct grams *grams_new(struct arena *arena, struct gram_size size, const struct atom *atoms,
			uint32_t count, uint32_t (*rarity)(unsigned char c))
{
	if (!count)
		return NULL;
	struct grams *g = ARENA_NEW(arena, struct grams);

	g->size = size;
	g->mask = UINT32_MAX >> (32 - size.bytes * 8);
	allocate(g, arena, count);
	for (uint32_t i = 0; i < count; i++) {
		struct gram_atom *atom = atom_of(g, lower(arena, atoms[i].bytes), rarity);

		g->ids[i] = atoms[i].id;
		g->also[i] = atom->first;
		atom->first = i + 1;
	}
	return g;
}

/* ---- finding */

struct search {
	const struct grams *grams;
	struct str s;
	uint32_t *seen, serial;
	uint32_t *found, count;
};

static bool is_here(const struct grams *g, const struct gram *gram, struct str s, size_t at)
{
	struct str atom = g->atoms[gram->atom].bytes;

	if (at < gram->offset || atom.len > s.len - (at - gram->offset))
		return false;
	return str_eq_fold((struct str){s.p + at - gram->offset, atom.len}, atom);
}

/* Kept out of the loop that looks. */
static __attribute__((noinline)) void compare(struct search *f, uint32_t bytes, size_t at)
{
	const struct grams *g = f->grams;

	for (uint32_t n = *place_of(g, bytes); n; n = g->grams[n - 1].next) {
		const struct gram *gram = &g->grams[n - 1];

		if (f->seen[gram->atom] == f->serial || !is_here(g, gram, f->s, at))
			continue;
		f->seen[gram->atom] = f->serial;
		for (uint32_t i = g->atoms[gram->atom].first; i; i = g->also[i - 1])
			f->found[f->count++] = g->ids[i - 1];
	}
}

uint32_t grams_find(const struct grams *g, struct str s, uint32_t *seen, uint32_t serial,
		    uint32_t *found)
{
	struct search f = {.grams = g, .s = s, .seen = seen, .serial = serial, .found = found};
	uint32_t bytes = 0, gram;
	size_t i = 0;

	for (; i + sizeof(bytes) <= s.len; i += g->size.stride) {
		memcpy(&bytes, s.p + i, sizeof(bytes));
		gram = fold(bytes, g->mask);
		if (may_have(g, gram))
			compare(&f, gram, i);
	}
	/* Nothing may be read behind the text, so the last gram of three bytes is put together. */
	if (i + g->size.bytes > s.len)
		return f.count;
	bytes = 0;
	memcpy(&bytes, s.p + i, g->size.bytes);
	gram = fold(bytes, g->mask);
	if (may_have(g, gram))
		compare(&f, gram, i);
	return f.count;
}
