/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many short byte strings ("atoms") searched for at once anywhere in a text, without regard to ASCII
 * case. A gram is a few bytes in a row. Of every atom three grams that follow each other are noted,
 * so it is enough to look at every third place of a text: one of the three will be there.
 *
 *	atom:    / . s s h / i d _              noted: "ssh/", "sh/i", "h/id"
 *	text:    / h o m e / x / . s s h / i d _ r s a
 *	looks:   ^     ^     ^     ^     ^     ^
 *	         /hom  me/x  x/.s  ssh/ ──► may be here: compare the atom
 *
 * A look is a bit in a small map, by hash, and no look waits for the one before, so a CPU does
 * several at once; only behind a bit that is set a table tells which atoms to compare. Atoms with the
 * same gram would all be compared where it is found, so an atom takes grams of its own if it can, and
 * rare ones. An automaton would need no comparing, but its table for a thousand atoms does not fit a
 * cache, and each of its steps waits for the one before.
 *
 * Atoms too short for three grams are in a table of their own, where one gram of each is noted and
 * every place of a text is looked at.
 */
#ifndef LINTEL_ENGINE_GRAMS_INTERNAL_H
#define LINTEL_ENGINE_GRAMS_INTERNAL_H

#include "engine/atom_internal.h"

struct gram_size {
	uint32_t bytes;  /* of a gram */
	uint32_t stride; /* places from look to look, and grams noted of an atom */
};

static inline uint32_t gram_size_least(struct gram_size size)
{
	return size.bytes + size.stride - 1;
}

#define GRAMS_LONG ((struct gram_size){4, 3})
#define GRAMS_SHORT ((struct gram_size){3, 1})

struct gram_atom {
	struct str bytes; /* in lower case */
	uint32_t first;   /* pattern that has it + 1, others by `also` */
};

struct gram {
	uint32_t bytes;  /* folded */
	uint32_t atom;   /* where it is noted of */
	uint32_t offset; /* in the atom */
	uint32_t next;   /* the same gram noted of another atom + 1 */
};

struct grams {
	struct gram_size size;
	uint32_t mask; /* of the bytes that make a gram */
	uint32_t bits_log2;
	uint64_t *bits;
	struct gram *grams;
	uint32_t gram_count;
	uint32_t *places; /* by hash of the gram: number + 1; open addressing */
	uint32_t place_mask;
	struct gram_atom *atoms;
	uint32_t atom_count;
	uint32_t *also; /* by pattern, in the order given: the next with the same atom + 1 */
	uint32_t *ids;  /* by pattern */
};

/* Returns NULL for no atoms. They are of gram_size_least() bytes or more; `rarity` tells how rare a
 * byte is, 8 at most. */
struct grams *grams_new(struct arena *arena, struct gram_size size, const struct atom *atoms,
			uint32_t count, uint32_t (*rarity)(unsigned char c));
/* Adds the ids of the atoms in `s`, each once, to `found`, which has room for all; returns how many.
 * `seen` has room for one number per atom, of which none is `serial`. */
uint32_t grams_find(const struct grams *grams, struct str s, uint32_t *seen, uint32_t serial,
		    uint32_t *found);

#endif
