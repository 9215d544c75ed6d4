/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many short byte strings ("atoms") searched for at once anywhere in a text, without regard to ASCII
 * case, by Aho and Corasick (CACM 18, 1975). Bytes are mapped to classes first, so a row has as many
 * columns as the atoms have different letters, not 256:
 *
 *	next[row + class_of[byte]] ──► row of the next state (rows are numbered by their offset)
 *
 * States that end an atom, or have a suffix that does, have the highest rows: one comparison per
 * byte tells whether there is anything to report. What ends there is in `outputs`, and
 * `up` leads to the next shorter atom ending at the same byte.
 */
#ifndef LINTEL_ENGINE_AUTOMATON_INTERNAL_H
#define LINTEL_ENGINE_AUTOMATON_INTERNAL_H

#include "base/arena.h"

struct atom {
	struct str bytes; /* not empty */
	uint32_t id;      /* reported */
};

struct automaton_output {
	uint32_t at, count; /* in ids */
	uint32_t up;        /* number of the next output + 1, or 0 */
};

struct automaton {
	uint8_t class_of[256];
	uint32_t classes;
	uint32_t *next;
	uint32_t first_output; /* rows from here on have outputs[(row - first_output) / classes] */
	struct automaton_output *outputs;
	uint32_t output_count;
	uint32_t *ids;
};

/* A table this large does not fit any cache, and rules made by people stay far below (Elastic's:
 * 5 MB). Atoms beyond are left out and reported, their patterns are then tried one by one. */
#define AUTOMATON_BYTES_MAX ((size_t)32 << 20)

/* Returns NULL for no atoms. `left_out[i]` is set for atoms that did not fit. */
struct automaton *automaton_new(struct arena *arena, const struct atom *atoms, uint32_t count,
				bool *left_out);

#endif
