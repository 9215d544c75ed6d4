/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a text might one of many atoms be? Of every atom six bytes in a row are noted, the
 * rarest it has, in a bitmap by their hash. A text is then looked at six bytes at a time, each look
 * independent of the others, which a CPU does several at once; an automaton, where each step waits
 * for the one before, runs only around the places that come out.
 *
 *	text:      / u s r / l i b / x / .  s s h / i d
 *	in bitmap:                   ^ "/.ssh/"
 *	window:                  [ before | | after ]      of the automaton
 */
#ifndef LINTEL_ENGINE_GRAMS_INTERNAL_H
#define LINTEL_ENGINE_GRAMS_INTERNAL_H

#include "base/str.h"

/* Four bytes of "site-packages" are in every path of Python's; six are hardly ever there by chance. */
#define GRAM_BYTES 6
#define GRAM_BITS_LOG2 15

struct grams {
	uint64_t bits[(1 << GRAM_BITS_LOG2) / 64]; /* 4 KB */
	/* From a place that comes out, no atom begins earlier or ends later than so many bytes. */
	uint32_t before, after;
};

/* An atom of at least GRAM_BYTES; rarity tells how rare a byte is. */
void grams_add(struct grams *grams, struct str atom, uint32_t (*rarity)(unsigned char c));

/* Without regard to ASCII case. Some other bytes are taken for each other as well, which costs a
 * look for nothing but misses none. */
static inline uint32_t gram_hash(uint64_t bytes)
{
	uint64_t gram = (bytes | UINT64_C(0x202020202020)) << 16;

	return (uint32_t)(gram * UINT64_C(0xbf58476d1ce4e5b9) >> (64 - GRAM_BITS_LOG2));
}

/* Of eight bytes the first six count. */
static inline bool grams_have(const struct grams *grams, uint64_t bytes)
{
	uint32_t hash = gram_hash(bytes);

	return grams->bits[hash / 64] >> (hash % 64) & 1;
}

#endif
