/* SPDX-License-Identifier: Apache-2.0 */
/* malloc that does not return NULL: out of memory ends the program with a message. What grows with
 * input is bounded by its owner, so this is for start-up and bounded growth only. */
#ifndef LINTEL_BASE_ALLOC_H
#define LINTEL_BASE_ALLOC_H

#include <stddef.h>

void *xmalloc(size_t bytes) __attribute__((returns_nonnull, malloc));
void *xcalloc(size_t n, size_t bytes) __attribute__((returns_nonnull, malloc));
void *xrealloc(void *p, size_t bytes) __attribute__((returns_nonnull));
/* realloc for an array of `n` items; an overflowing product ends the program too. */
void *xreallocarray(void *p, size_t n, size_t bytes) __attribute__((returns_nonnull));
/* `align`: a power of two, of which `bytes` is a multiple. */
void *xaligned_alloc(size_t align, size_t bytes) __attribute__((returns_nonnull, malloc));
char *xstrdup(const char *s) __attribute__((returns_nonnull, malloc));

#endif
