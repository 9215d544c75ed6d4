/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fields held before, and what was found out about it. Events repeat themselves: every file
 * event of a process has its name, executable and command line again, and in a day's package work
 * 96 % of command lines were seen before.
 *
 *	(index, value) ──► set of a few entries ──► place in the ring of bytes
 *
 *	ring:   ... | oldest value | ...... | latest value | head ► overwrites the oldest
 *
 * Values are compared whole: up to 16 bytes they are in the entry, else in the ring. The ring has a
 * fixed size; an entry whose bytes have been overwritten is gone. One that is found in the older
 * half is moved to the front, so what is used stays. The last value of a field is tried first,
 * without hashing. A field that hardly ever repeats itself (file paths may not) is left alone for a
 * while.
 */
#ifndef LINTEL_ENGINE_VALUE_CACHE_INTERNAL_H
#define LINTEL_ENGINE_VALUE_CACHE_INTERNAL_H

#include "event/event.h"

struct value_cache;

struct value_cache *value_cache_new(uint32_t indexes);
void value_cache_free(struct value_cache *cache);
void value_cache_forget(struct value_cache *cache);

/* False: not seen; then what is found out may be handed to value_cache_keep() before the next look.
 * The value is not null. */
bool value_cache_find(struct value_cache *cache, uint32_t index, const struct value *value,
		      uint32_t *verdict);
/* False: not kept. */
bool value_cache_keep(struct value_cache *cache, uint32_t index, const struct value *value,
		      uint32_t verdict);

/* More is known of the value last found or kept for the index. */
void value_cache_learn(struct value_cache *cache, uint32_t index, uint32_t verdict);

#endif
