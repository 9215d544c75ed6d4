/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/grams_internal.h"

#define WORD_BYTES 8

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte must be the lowest");

/* Some bytes that are no letters are taken for each other, too; comparing tells them apart. */
static inline uint64_t gram_of(uint64_t word, uint64_t mask)
{
	return (word | UINT64_C(0x2020202020202020)) & mask;
}

/* Constant of splitmix64; the high bits are the mixed ones. */
static inline uint64_t hash_of(uint64_t gram)
{
	return gram * UINT64_C(0xbf58476d1ce4e5b9);
}

static inline uint32_t bit_of(uint64_t gram)
{
	return (uint32_t)(hash_of(gram) >> (64 - GRAM_BITS_LOG2));
}

static inline bool may_have(const struct grams *g, uint64_t gram)
{
	return g->bits[bit_of(gram) / 64] >> (bit_of(gram) % 64) & 1;
}

static uint32_t *place_of(const struct grams *g, uint64_t gram)
{
	for (uint32_t i = (uint32_t)(hash_of(gram) >> 32) & g->place_mask;;
	     i = (i + 1) & g->place_mask)
		if (!g->places[i] || g->atoms[g->places[i] - 1].gram == gram)
			return &g->places[i];
}

/* ---- building */

static uint64_t gram_at(const struct grams *g, struct str s, uint32_t at)
{
	uint64_t word = 0;

	memcpy(&word, s.p + at, g->bytes);
	return gram_of(word, g->mask);
}

/* How bad a gram is: what is there already counts more than what it is made of. */
static uint32_t badness(const struct grams *g, struct str s, uint32_t at,
			uint32_t (*rarity)(unsigned char c))
{
	uint32_t sum = 0, sharers = 0;

	for (uint32_t i = 0; i < g->bytes; i++)
		sum += rarity((unsigned char)s.p[at + i]);
	for (uint32_t a = *place_of(g, gram_at(g, s, at)); a; a = g->atoms[a - 1].next)
		sharers++;
	/* No byte is rarer than 8. */
	return (sharers + 1) * 8 * GRAM_BYTES - sum;
}

static uint32_t best_gram(const struct grams *g, struct str s, uint32_t (*rarity)(unsigned char c))
{
	uint32_t best = 0;

	for (uint32_t at = 1; at + g->bytes <= s.len; at++)
		if (badness(g, s, at, rarity) < badness(g, s, best, rarity))
			best = at;
	return best;
}

static struct str lower(struct arena *arena, struct str s)
{
	char *copy = arena_bytes(arena, s.len);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = (char)ascii_lower((unsigned char)s.p[i]);
	return (struct str){copy, s.len};
}

/* The same atom of an earlier pattern, or NULL. It has chosen its gram when there were fewer. */
static struct gram_atom *same_atom(const struct grams *g, struct str s)
{
	for (uint32_t at = 0; at + g->bytes <= s.len; at++)
		for (uint32_t a = *place_of(g, gram_at(g, s, at)); a; a = g->atoms[a - 1].next)
			if (str_eq(g->atoms[a - 1].bytes, s))
				return &g->atoms[a - 1];
	return NULL;
}

static void add(struct grams *g, struct str s, uint32_t number, uint32_t (*rarity)(unsigned char c))
{
	struct gram_atom *atom = same_atom(g, s);

	if (!atom) {
		uint32_t offset = best_gram(g, s, rarity);
		uint64_t gram = gram_at(g, s, offset);
		uint32_t *place = place_of(g, gram);

		atom = &g->atoms[g->count++];
		*atom =
		    (struct gram_atom){.bytes = s, .gram = gram, .offset = offset, .next = *place};
		*place = g->count;
		g->bits[bit_of(gram) / 64] |= UINT64_C(1) << (bit_of(gram) % 64);
	}
	g->also[number] = atom->first;
	atom->first = number + 1;
}

struct grams *grams_new(struct arena *arena, uint32_t bytes, const struct atom *atoms,
			uint32_t count, uint32_t (*rarity)(unsigned char c))
{
	uint32_t size = 4;

	if (!count)
		return NULL;
	struct grams *g = ARENA_NEW(arena, struct grams);

	while (size < count * 2)
		size *= 2;
	g->bytes = bytes;
	g->mask = (UINT64_C(1) << (bytes * 8)) - 1;
	g->atoms = ARENA_ARRAY(arena, struct gram_atom, count);
	g->places = ARENA_ARRAY(arena, uint32_t, size);
	g->place_mask = size - 1;
	g->also = ARENA_ARRAY(arena, uint32_t, count);
	g->ids = ARENA_ARRAY(arena, uint32_t, count);
	for (uint32_t i = 0; i < count; i++) {
		g->ids[i] = atoms[i].id;
		add(g, lower(arena, atoms[i].bytes), i, rarity);
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

static bool is_here(const struct gram_atom *atom, struct str s, size_t gram_at)
{
	if (gram_at < atom->offset || atom->bytes.len > s.len - (gram_at - atom->offset))
		return false;
	return str_eq_fold((struct str){s.p + gram_at - atom->offset, atom->bytes.len},
			   atom->bytes);
}

static __attribute__((noinline)) void compare(struct search *f, uint64_t gram, size_t at)
{
	const struct grams *g = f->grams;

	for (uint32_t a = *place_of(g, gram); a; a = g->atoms[a - 1].next) {
		const struct gram_atom *atom = &g->atoms[a - 1];

		if (f->seen[a - 1] == f->serial || !is_here(atom, f->s, at))
			continue;
		f->seen[a - 1] = f->serial;
		for (uint32_t i = atom->first; i; i = g->also[i - 1])
			f->found[f->count++] = g->ids[i - 1];
	}
}

uint32_t grams_find(const struct grams *g, struct str s, uint32_t *seen, uint32_t serial,
		    uint32_t *found)
{
	struct search f = {.grams = g, .s = s, .seen = seen, .serial = serial, .found = found};
	uint64_t mask = g->mask, word = 0;
	size_t i = 0;

	for (; i + WORD_BYTES <= s.len; i++) {
		memcpy(&word, s.p + i, WORD_BYTES);
		if (may_have(g, gram_of(word, mask)))
			compare(&f, gram_of(word, mask), i);
	}
	/* Nothing may be read behind the text. */
	for (; i + g->bytes <= s.len; i++) {
		word = 0;
		memcpy(&word, s.p + i, g->bytes);
		if (may_have(g, gram_of(word, mask)))
			compare(&f, gram_of(word, mask), i);
	}
	return f.count;
}
