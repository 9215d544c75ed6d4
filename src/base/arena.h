/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory that is given out piece by piece and taken back all at once.
 *
 * lintel has three lifetimes and no others. A rule set's memory lives in one arena, freed whole
 * when the set is replaced. An event's memory is an arena that is reset between events, so steady
 * state allocates nothing. State (process table, caps) lives in pools with a configured bound and
 * does not come from here.
 *
 *	first ──► [ block | used ......... free ] ──► [ block | ... ] ──► NULL
 *
 * arena_reset() keeps the largest block and returns the others. Pointers are good until the next
 * reset or free. Not thread-safe: one arena, one thread at a time. Running out of memory ends the
 * program with a message: inputs are bounded before they reach an arena, so it is never input that
 * does this.
 */
#ifndef LINTEL_BASE_ARENA_H
#define LINTEL_BASE_ARENA_H

#include "base/str.h"

struct arena_block;
struct arena_cleanup;

struct arena {
	struct arena_block *first;
	struct arena_cleanup *cleanups; /* latest first */
	size_t used_bytes;              /* given out since the last reset */
};

void arena_init(struct arena *arena);
void arena_free(struct arena *arena);
void arena_reset(struct arena *arena);
/* Zeroed memory, aligned for any type; `bytes` may be 0. */
void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((returns_nonnull, malloc));
/* The same uninitialised, for what is filled in at once. */
void *arena_room(struct arena *arena, size_t bytes) __attribute__((returns_nonnull, malloc));
/* Uninitialised bytes without alignment, for text. */
char *arena_bytes(struct arena *arena, size_t bytes) __attribute__((returns_nonnull, malloc));
/* Have free_fn(object) called at the next reset or free, latest registration first: for objects of
 * libraries that allocate for themselves but live as long as the arena's. */
void arena_on_free(struct arena *arena, void (*free_fn)(void *object), void *object);
/* A NUL-terminated copy; the NUL is not counted in the length. */
struct str arena_str(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (n)))

#endif
