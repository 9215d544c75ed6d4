/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a text might one of many atoms be? Of every atom four bytes in a row are noted, the
 * rarest it has, in a bitmap by their hash. A text is then looked at four bytes at a time, each look
 * independent of the others, which a CPU does several at once; an automaton, where each step waits
 * for the one before, runs only around the places that come out.
 *
 *	text:      / u s r / l i b / x / .  s s h / i d
 *	in bitmap:                     ^ ".ssh"
 *	window:                  [ before | | after ]      of the automaton
 */
#ifndef LINTEL_ENGINE_GRAMS_INTERNAL_H
#define LINTEL_ENGINE_GRAMS_INTERNAL_H

#include "base/str.h"

#define GRAM_BYTES 4
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
static inline uint32_t gram_hash(const char *p)
{
	uint32_t gram;

	memcpy(&gram, p, GRAM_BYTES);
	return (gram | 0x20202020) * UINT32_C(0x9e3779b1) >> (32 - GRAM_BITS_LOG2);
}

static inline bool grams_have(const struct grams *grams, const char *p)
{
	uint32_t hash = gram_hash(p);

	return grams->bits[hash / 64] >> (hash % 64) & 1;
}

#endif
