/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings of one field, found by one hash look-up: a table of literal numbers, open addressing, at
 * most half full, never changed after it is built. Most values an event brings are no literal of
 * any rule; a mask of the lengths that occur turns many of them away unhashed.
 */
#ifndef LINTEL_ENGINE_EXACT_INTERNAL_H
#define LINTEL_ENGINE_EXACT_INTERNAL_H

#include "base/arena.h"

#define LITERAL_NONE UINT32_MAX

struct exact_entry {
	struct str text; /* p is NULL in a free entry */
	uint32_t hash;
	uint32_t literal;
};

struct exact_table {
	struct exact_entry *entries;
	uint32_t mask;    /* number of entries - 1 */
	uint32_t count;   /* 0: entries is NULL */
	uint64_t lengths; /* bit n: there is a string of n bytes; bit 63: of 63 or more */
	bool fold;
};

void exact_table_init(struct exact_table *table, struct arena *arena, uint32_t count, bool fold);
/* No more than `count` times, each text once. `text` must live as long as the table and be lower
 * case in one that folds. */
void exact_table_add(struct exact_table *table, struct str text, uint32_t literal);
/* The literal equal to `s`, or LITERAL_NONE. */
uint32_t exact_table_find(const struct exact_table *table, struct str s);

#endif
