/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a field: how its values are searched, what the bits of its verdicts come from, and
 * whether it says who acts. */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/build_internal.h"

static void index_exact(struct builder *b, struct field_index *index, const uint32_t *literals,
			uint32_t count)
{
	struct engine *e = b->engine;
	uint32_t counts[2] = {0};

	for (uint32_t i = 0; i < count; i++)
		counts[b->literals[literals[i]].fold] += !b->literals[literals[i]].pattern;
	for (int fold = 0; fold < 2; fold++)
		exact_table_init(&index->exact[fold], &e->arena, counts[fold], fold);
	for (uint32_t i = 0; i < count; i++) {
		struct literal *l = &b->literals[literals[i]];

		if (l->pattern)
			continue;
		exact_table_add(&index->exact[l->fold], l->text, literals[i]);
		l->part = l->fold ? PART_EXACT_FOLD : PART_EXACT;
	}
}

static void index_patterns(struct builder *b, struct field_index *index, const uint32_t *literals,
			   uint32_t count)
{
	struct scan_pattern *patterns = xcalloc(count, sizeof(*patterns));
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct literal *l = &b->literals[literals[i]];

		if (l->pattern)
			patterns[n++] = (struct scan_pattern){l->text, l->fold, literals[i]};
	}
	index->scan = scan_new(&b->engine->arena, patterns, n);
	for (uint32_t i = 0; i < n; i++)
		b->literals[patterns[i].literal].part = (uint8_t)scan_part_of(index->scan, i);
	free(patterns);
}

void build_search(struct builder *b, struct field_index *index, const uint32_t *literals,
		  uint32_t count)
{
	index_exact(b, index, literals, count);
	index_patterns(b, index, literals, count);
}

void build_bit_parts(struct builder *b)
{
	struct engine *e = b->engine;

	e->bit_parts = ARENA_ARRAY(&e->arena, uint8_t, (size_t)e->words * 64);
	for (uint32_t i = 0; i < e->leaf_count; i++) {
		const struct leaf *leaf = &e->leaves[i];
		struct span literals = b->leaf_literals[i];

		if (leaf->how == LEAF_VALUE)
			e->bit_parts[build_bit_of(e, leaf->index, leaf->bit)] |= PART_LEAVES;
		for (uint32_t k = 0; leaf->how == LEAF_INDEXED && k < literals.count; k++)
			e->bit_parts[build_bit_of(e, leaf->index, leaf->bit)] |=
			    b->literals[b->literal_lists[literals.at + k]].part;
	}
}

/* Which fields say who acts, by ECS. */
static bool is_of_actor(struct str field)
{
	static const char *const objects[] = {"agent.", "container.",    "group.",   "host.",
					      "cloud.", "orchestrator.", "process.", "user."};

	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++)
		if (str_starts(field, str_from(objects[i])))
			return true;
	return false;
}

void build_field_kinds(struct builder *b)
{
	struct engine *e = b->engine;

	for (uint32_t i = 0; i < e->index_count; i++)
		e->indexes[i].of_actor =
		    is_of_actor(field_set_info(b->fields, e->indexes[i].field)->name);
}
