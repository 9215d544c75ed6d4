/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/exact_internal.h"

#include "engine/atom_internal.h"

static struct str_edges edges_of(struct str s, bool fold)
{
	struct str_edges e = str_edges(s);

	return fold ? (struct str_edges){lower64(e.head), lower64(e.tail)} : e;
}

static uint32_t hash_of(struct str_edges e, size_t len)
{
	/* Odd constants of splitmix64; the high bits are the mixed ones. */
	uint64_t h = (e.head ^ len) * UINT64_C(0xbf58476d1ce4e5b9);

	h = (h ^ h >> 29 ^ e.tail) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(h >> 32);
}

void exact_table_init(struct exact_table *table, struct arena *arena, uint32_t count, bool fold)
{
	uint32_t size = 4;

	*table = (struct exact_table){.fold = fold};
	if (!count)
		return;
	while (size < count * 2)
		size *= 2;
	table->entries = ARENA_ARRAY(arena, struct exact_entry, size);
	table->mask = size - 1;
}

void exact_table_add(struct exact_table *table, struct str text, uint32_t literal)
{
	struct str_edges e = edges_of(text, false);
	uint32_t at = hash_of(e, text.len) & table->mask;

	while (table->entries[at].text)
		at = (at + 1) & table->mask;
	table->entries[at] =
	    (struct exact_entry){e.head, e.tail, text.p, (uint32_t)text.len, literal};
	table->lengths |= UINT64_C(1) << (text.len < 63 ? text.len : 63);
	table->count++;
}

static bool same_middle(const struct exact_entry *entry, struct str s, bool fold)
{
	struct str a = {entry->text + 8, s.len - 16}, b = {s.p + 8, s.len - 16};

	return fold ? str_eq_fold(a, b) : str_eq(a, b);
}

uint32_t exact_table_find(const struct exact_table *table, struct str s)
{
	if (!exact_table_has_length(table, s.len))
		return LITERAL_NONE;
	struct str_edges e = edges_of(s, table->fold);

	for (uint32_t at = hash_of(e, s.len) & table->mask;; at = (at + 1) & table->mask) {
		const struct exact_entry *entry = &table->entries[at];

		if (!entry->text)
			return LITERAL_NONE;
		if (entry->head == e.head && entry->tail == e.tail && entry->len == s.len &&
		    (s.len <= 16 || same_middle(entry, s, table->fold)))
			return entry->literal;
	}
}
