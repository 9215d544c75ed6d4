/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/exact_internal.h"

static uint64_t length_bit(size_t len)
{
	return UINT64_C(1) << (len < 63 ? len : 63);
}

static uint32_t hash_of(const struct exact_table *table, struct str s)
{
	return (uint32_t)(table->fold ? str_hash_fold(s) : str_hash(s));
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
	uint32_t hash = hash_of(table, text);
	uint32_t at = hash & table->mask;

	while (table->entries[at].text.p)
		at = (at + 1) & table->mask;
	table->entries[at] = (struct exact_entry){text, hash, literal};
	table->lengths |= length_bit(text.len);
	table->count++;
}

uint32_t exact_table_find(const struct exact_table *table, struct str s)
{
	if (!(table->lengths & length_bit(s.len)))
		return LITERAL_NONE;
	uint32_t hash = hash_of(table, s);

	for (uint32_t at = hash & table->mask;; at = (at + 1) & table->mask) {
		const struct exact_entry *e = &table->entries[at];

		if (!e->text.p)
			return LITERAL_NONE;
		if (e->hash == hash && (table->fold ? str_eq_fold(e->text, s) : str_eq(e->text, s)))
			return e->literal;
	}
}
