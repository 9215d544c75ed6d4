/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a field held before, and the verdict on it. Events repeat themselves: every file event of a
 * process has its name, executable and command line again, and in a day's package work 96 % of
 * command lines were seen before.
 *
 *	hash of (index, value) ──► set of a few entries ──► place in the ring of bytes
 *
 *	ring:   ... | oldest value | ...... | latest value | head ► overwrites the oldest
 *
 * Values are compared whole. The ring has a fixed size; an entry whose bytes have been overwritten
 * is gone. One that is found in the older half is copied to the front, so what is used stays. A
 * field that hardly ever repeats itself (file paths may not) is left alone for a while.
 */
#ifndef LINTEL_ENGINE_VALUE_CACHE_INTERNAL_H
#define LINTEL_ENGINE_VALUE_CACHE_INTERNAL_H

#include "event/event.h"

struct value_cache;

struct value_cache *value_cache_new(uint32_t indexes);
void value_cache_free(struct value_cache *cache);
void value_cache_forget(struct value_cache *cache);

/* The verdict remembered for the value, or VERDICT_NONE; then the verdict may be handed to
 * value_cache_keep() before the next look. The value is not null. */
uint32_t value_cache_find(struct value_cache *cache, uint32_t index, const struct value *value);
void value_cache_keep(struct value_cache *cache, uint32_t index, const struct value *value,
		      uint32_t verdict);

#endif
