/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/intern_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

#define FIRST_SLOTS 1024

void intern_init(struct intern *intern, struct arena *arena)
{
	*intern = (struct intern){.arena = arena, .slot_count = FIRST_SLOTS};
	intern->slots = xcalloc(FIRST_SLOTS, sizeof(*intern->slots));
}

void intern_free(struct intern *intern)
{
	free(intern->keys);
	free(intern->slots);
	*intern = (struct intern){0};
}

static uint32_t *slot_of(const struct intern *intern, struct str key)
{
	uint32_t mask = intern->slot_count - 1;

	for (uint32_t at = (uint32_t)str_hash(key) & mask;; at = (at + 1) & mask) {
		uint32_t *slot = &intern->slots[at];

		if (!*slot || str_eq(intern->keys[*slot - 1], key))
			return slot;
	}
}

static void grow(struct intern *intern)
{
	intern->slot_count *= 2;
	free(intern->slots);
	intern->slots = xcalloc(intern->slot_count, sizeof(*intern->slots));
	for (uint32_t i = 0; i < intern->count; i++)
		*slot_of(intern, intern->keys[i]) = i + 1;
}

uint32_t intern_key(struct intern *intern, struct str key, bool *is_new)
{
	uint32_t *slot = slot_of(intern, key);

	*is_new = !*slot;
	if (*slot)
		return *slot - 1;
	if (intern->count == intern->cap) {
		intern->cap = intern->cap ? intern->cap * 2 : FIRST_SLOTS / 2;
		intern->keys = xreallocarray(intern->keys, intern->cap, sizeof(*intern->keys));
	}
	intern->keys[intern->count++] = arena_str(intern->arena, key);
	*slot = intern->count;
	if (intern->count * 2 > intern->slot_count)
		grow(intern);
	return intern->count - 1;
}

uint32_t intern_find(const struct intern *intern, struct str key)
{
	/* An empty slot is 0 and comes out as INTERN_NONE. */
	return *slot_of(intern, key) - 1;
}
