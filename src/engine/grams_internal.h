/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many short byte strings ("atoms") searched for at once anywhere in a text, without regard to ASCII
 * case. Of every atom a few bytes in a row are noted, its gram, the rarest it has. The grams of a
 * text are looked up in a bitmap, each look independent of the others, which a CPU does several at
 * once; only where one is set a table tells which atoms may be here, and they are compared.
 *
 *	atoms ".ssh/id_", "authorized_k"           grams "/.ssh/" would be one as well:
 *	                                           the rarest is taken
 *	text:    / h o m e / x / . s s h / i d _ r s a
 *	bitmap:                  ^ ".ssh/i"  ──► table ──► compare ".ssh/id_" here
 *
 * Many atoms with the same gram would all be compared where it is found, so an atom takes a gram of
 * its own if it can. Tables are small: what is looked at for every byte fits a first-level cache, an
 * automaton of a thousand atoms does not.
 */
#ifndef LINTEL_ENGINE_GRAMS_INTERNAL_H
#define LINTEL_ENGINE_GRAMS_INTERNAL_H

#include "engine/atom_internal.h"

/* Four bytes of "site-packages" are in every path of Python's; six are hardly ever there by chance.
 * Shorter atoms have their own table. */
#define GRAM_BYTES 6
#define GRAM_SHORT_BYTES 3

#define GRAM_BITS_LOG2 15

struct gram_atom {
	struct str bytes; /* in lower case */
	uint64_t gram;
	uint32_t offset; /* of the gram in the atom */
	uint32_t first;  /* pattern that has it + 1, others by `also` */
	uint32_t next;   /* other atom with this gram + 1 */
};

struct grams {
	uint64_t mask;                             /* of the bytes that make a gram */
	uint32_t bytes;                            /* how many */
	uint64_t bits[(1 << GRAM_BITS_LOG2) / 64]; /* 4 KB */
	struct gram_atom *atoms;
	uint32_t count;
	uint32_t *places; /* by hash of the gram: atom + 1; open addressing */
	uint32_t place_mask;
	uint32_t *also; /* by pattern, in the order given: the next with the same atom + 1 */
	uint32_t *ids;  /* by pattern */
};

/* Returns NULL for no atoms. They have at least `bytes`, GRAM_BYTES or GRAM_SHORT_BYTES; `rarity`
 * tells how rare a byte is. */
struct grams *grams_new(struct arena *arena, uint32_t bytes, const struct atom *atoms,
			uint32_t count, uint32_t (*rarity)(unsigned char c));
/* Adds the ids of the atoms in `s`, each once, to `found`, which has room for all; returns how many.
 * `seen` has room for one number per atom, of which none is `serial`. */
uint32_t grams_find(const struct grams *grams, struct str s, uint32_t *seen, uint32_t serial,
		    uint32_t *found);

#endif
