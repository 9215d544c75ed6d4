/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for byte strings: equal strings get the same number, in order of first appearance. Used
 * while an engine is built, for leaves, literals, groups and categories. */
#ifndef LINTEL_ENGINE_INTERN_INTERNAL_H
#define LINTEL_ENGINE_INTERN_INTERNAL_H

#include "base/arena.h"

struct intern {
	struct arena *arena; /* keeps the keys */
	struct str *keys;    /* by number */
	uint32_t count, cap;
	uint32_t *slots; /* open addressing, number + 1; at most half full */
	uint32_t slot_count;
};

void intern_init(struct intern *intern, struct arena *arena);
void intern_free(struct intern *intern);
/* The number of `key`, which is copied when new. */
uint32_t intern_key(struct intern *intern, struct str key, bool *is_new);

#define INTERN_NONE UINT32_MAX
/* The number of `key`, or INTERN_NONE. */
uint32_t intern_find(const struct intern *intern, struct str key);

#endif
