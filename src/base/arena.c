/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

/* The first block holds a typical event's strings or a small rule set's tree. Those that follow are
 * larger, so that an arena that is reset soon has one that is large enough and allocates no more.
 * Larger requests get a block of their own size. */
#define BLOCK_BYTES ((size_t)16 * 1024)
#define BLOCK_BYTES_MAX ((size_t)256 * 1024)

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) char data[];
};

/* Lives in the arena it belongs to. */
struct arena_cleanup {
	struct arena_cleanup *next;
	void (*free_fn)(void *object);
	void *object;
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

static void run_cleanups(struct arena *arena)
{
	for (struct arena_cleanup *c = arena->cleanups; c; c = c->next)
		c->free_fn(c->object);
	arena->cleanups = NULL;
}

void arena_free(struct arena *arena)
{
	run_cleanups(arena);
	for (struct arena_block *b = arena->first, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	*arena = (struct arena){0};
}

void arena_reset(struct arena *arena)
{
	run_cleanups(arena);
	struct arena_block *keep = arena->first;

	arena->used_bytes = 0;
	if (!keep)
		return;
	for (struct arena_block *b = keep->next; b; b = b->next)
		if (b->size > keep->size)
			keep = b;
	for (struct arena_block *b = arena->first, *next; b; b = next) {
		next = b->next;
		if (b != keep)
			free(b);
	}
	keep->next = NULL;
	keep->used = 0;
	arena->first = keep;
}

static char *take(struct arena *arena, size_t bytes, size_t align)
{
	struct arena_block *b = arena->first;

	if (b) {
		size_t at = (b->used + align - 1) & ~(align - 1);

		if (at <= b->size && bytes <= b->size - at) {
			b->used = at + bytes;
			arena->used_bytes += bytes;
			return b->data + at;
		}
	}
	size_t size = BLOCK_BYTES;

	if (b)
		size = b->size * 2 < BLOCK_BYTES_MAX ? b->size * 2 : BLOCK_BYTES_MAX;
	if (size < bytes)
		size = bytes;
	b = xmalloc(sizeof(*b) + size);
	*b = (struct arena_block){.next = arena->first, .size = size, .used = bytes};
	arena->first = b;
	arena->used_bytes += bytes;
	return b->data;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	return memset(take(arena, bytes, _Alignof(max_align_t)), 0, bytes);
}

void *arena_room(struct arena *arena, size_t bytes)
{
	return take(arena, bytes, _Alignof(max_align_t));
}

char *arena_bytes(struct arena *arena, size_t bytes)
{
	return take(arena, bytes, 1);
}

void arena_on_free(struct arena *arena, void (*free_fn)(void *object), void *object)
{
	struct arena_cleanup *c = ARENA_NEW(arena, struct arena_cleanup);

	*c = (struct arena_cleanup){arena->cleanups, free_fn, object};
	arena->cleanups = c;
}

struct str arena_str(struct arena *arena, struct str s)
{
	char *copy = arena_bytes(arena, s.len + 1);

	if (s.len)
		memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	return (struct str){copy, s.len};
}

struct str arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return (struct str){"", 0};
	char *text = arena_bytes(arena, (size_t)n + 1);

	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct str){text, (size_t)n};
}
