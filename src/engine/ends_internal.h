/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atoms looked for at one end of a text, without regard to ASCII case: at its beginning, or, read
 * backwards, at its end. Eight bytes at a time are one number, and one look into a hash table tells
 * whether any atom goes on like this:
 *
 *	atoms "/usr/lib/systemd/", "/usr/lib/", "/usr/bin/"
 *
 *	(root) ──"/usr/lib"──► (1) ──"/systemd"──► (2) ──"/"──► found
 *	   │                    └──"/"──► found
 *	   └──"/usr/bin"──► (3) ──"/"──► found
 *
 * The last piece of an atom is shorter; each node knows by the second byte (the first is a slash too
 * often) which lengths of pieces there are, and only those are looked for. So a text costs a few looks,
 * however long the atoms and however many.
 */
#ifndef LINTEL_ENGINE_ENDS_INTERNAL_H
#define LINTEL_ENGINE_ENDS_INTERNAL_H

#include "engine/atom_internal.h"

struct ends_piece {
	uint64_t bytes; /* in lower case, the rest zero */
	uint32_t node;  /* where it is looked for */
	uint32_t len;   /* 1 to 8; 0: a free place */
	uint32_t to;    /* node reached; of 8 bytes only */
	uint32_t found; /* atom that ends here + 1, others by `also`; 0: none */
};

struct ends_node {
	/* By five bits of the second byte; bit n: there is a piece of n bytes. One of a single
	 * byte, which has no second, is in all. */
	uint16_t lens[32];
};

struct ends {
	bool backwards;
	struct ends_piece *pieces; /* open addressing, at most half full */
	uint32_t piece_mask;
	struct ends_node *nodes;
	uint32_t node_count;
	uint32_t *also; /* by atom: the next that ends at the same piece + 1 */
	uint32_t *ids;  /* by atom */
};

/* Returns NULL for no atoms. */
struct ends *ends_new(struct arena *arena, bool backwards, const struct atom *atoms,
		      uint32_t count);
/* The ids of the atoms that `s` has at this end, to `found`, which has room for all; returns how
 * many. */
uint32_t ends_find(const struct ends *ends, struct str s, uint32_t *found);

#endif
