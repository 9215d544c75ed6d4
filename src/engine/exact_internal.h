/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings of one field, found by one look-up: a table of literal numbers, open addressing, at most
 * half full, never changed after it is built.
 *
 * Most values an event brings are no literal of any rule, so saying no must be cheap. A mask of the
 * lengths that occur turns many away unread. The rest are hashed by length, first and last eight
 * bytes only, which are also kept in the entry: up to 16 bytes they are the whole string, and a
 * miss reads one cache line. Literals that differ in their middle alone collide; they come from
 * rules, not from events, and are few.
 */
#ifndef LINTEL_ENGINE_EXACT_INTERNAL_H
#define LINTEL_ENGINE_EXACT_INTERNAL_H

#include "base/arena.h"
#include "engine/str_edges_internal.h"

#define LITERAL_NONE UINT32_MAX

struct exact_entry {
	uint64_t head, tail; /* see str_edges() */
	const char *text;    /* NULL in a free entry */
	uint32_t len;
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
/* False: no string of the table has this length. */
static inline bool exact_table_has_length(const struct exact_table *table, size_t len)
{
	return table->lengths >> (len < 63 ? len : 63) & 1;
}
/* The literal equal to `s`, or LITERAL_NONE. */
uint32_t exact_table_find(const struct exact_table *table, struct str s);

#endif
