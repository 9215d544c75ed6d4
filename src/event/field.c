/* SPDX-License-Identifier: Apache-2.0 */
#include "event/field.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"

static const struct field_info known[FIELD_KNOWN_COUNT] = {
#define FIELD(id, n, t, m, f, d)                    \
	[FIELD_##id] = {.name = {n, sizeof(n) - 1}, \
			.type = FIELD_TYPE_##t,     \
			.multi = m,                 \
			.filled_by = f,             \
			.description = d},
#include "event/fields.def"
#undef FIELD
};

struct field_set {
	struct arena arena; /* names of fields that are not in fields.def */
	struct field_info *infos;
	uint32_t count;
	uint32_t cap;
	/* Open addressing, id + 1 in each used slot, 0 in a free one; at most half full. */
	uint32_t *slots;
	uint32_t slot_count;
};

static uint32_t *slot_of(const struct field_set *set, struct str name)
{
	uint32_t mask = set->slot_count - 1;

	for (uint32_t at = (uint32_t)str_hash(name) & mask;; at = (at + 1) & mask) {
		uint32_t *slot = &set->slots[at];

		if (!*slot || str_eq(set->infos[*slot - 1].name, name))
			return slot;
	}
}

static void grow_slots(struct field_set *set)
{
	free(set->slots);
	set->slot_count *= 2;
	set->slots = xcalloc(set->slot_count, sizeof(*set->slots));
	for (uint32_t id = 0; id < set->count; id++)
		*slot_of(set, set->infos[id].name) = id + 1;
}

static uint32_t add(struct field_set *set, struct field_info info)
{
	if (set->count == set->cap) {
		set->cap *= 2;
		set->infos = xreallocarray(set->infos, set->cap, sizeof(*set->infos));
	}
	set->infos[set->count++] = info;
	if (set->count * 2 > set->slot_count)
		grow_slots(set);
	else
		*slot_of(set, info.name) = set->count;
	return set->count - 1;
}

struct field_set *field_set_new(void)
{
	struct field_set *set = xcalloc(1, sizeof(*set));

	arena_init(&set->arena);
	set->cap = 512;
	set->infos = xreallocarray(NULL, set->cap, sizeof(*set->infos));
	set->slot_count = 1024;
	set->slots = xcalloc(set->slot_count, sizeof(*set->slots));
	for (uint32_t id = 0; id < FIELD_KNOWN_COUNT; id++)
		add(set, known[id]);
	return set;
}

void field_set_free(struct field_set *set)
{
	if (!set)
		return;
	arena_free(&set->arena);
	free(set->infos);
	free(set->slots);
	free(set);
}

int32_t field_set_demand(struct field_set *set, struct str name)
{
	int32_t id = field_set_find(set, name);

	if (id < 0) {
		if (set->count == FIELD_SET_MAX)
			return -ENOSPC;
		id = (int32_t)add(set, (struct field_info){.name = arena_str(&set->arena, name)});
	}
	set->infos[id].demanded = true;
	return id;
}

int32_t field_set_find(const struct field_set *set, struct str name)
{
	uint32_t slot = *slot_of(set, name);

	return slot ? (int32_t)(slot - 1) : -ENOENT;
}

uint32_t field_set_count(const struct field_set *set)
{
	return set->count;
}

const struct field_info *field_set_info(const struct field_set *set, uint32_t id)
{
	return &set->infos[id];
}

struct str field_known_name(enum field_id id)
{
	return known[id].name;
}
