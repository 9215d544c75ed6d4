/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for state: many things of a few hundred bytes that come and go in no order.
 *
 *	region, 2 MB: [ slab | slab | slab | free | free | ... ]
 *	slab, 64 KB:  [ header | thing | thing | free ─► thing | free ─► ... ]   things of one size
 *
 * Taking and giving back is popping and pushing a list; malloc() searches and merges for sizes as
 * these. A slab without things serves another size, a region without slabs goes back to the system.
 * Regions are asked for as large pages: state of hundreds of megabytes is looked into all over, and
 * with small pages most looks would first search for the page. Not thread-safe.
 */
#ifndef LINTEL_BASE_SLABS_H
#define LINTEL_BASE_SLABS_H

#include <stddef.h>

struct slabs;

struct slabs *slabs_new(void);
/* Everything must have been given back. */
void slabs_free(struct slabs *slabs);
/* Uninitialised memory, aligned for any type. */
void *slabs_take(struct slabs *slabs, size_t bytes) __attribute__((returns_nonnull, malloc));
/* Zeroed. */
void *slabs_take_zeroed(struct slabs *slabs, size_t bytes) __attribute__((returns_nonnull, malloc));
/* `bytes`: as when it was taken. NULL is fine. */
void slabs_give(struct slabs *slabs, void *thing, size_t bytes);
/* Memory asked of the system. */
size_t slabs_bytes(const struct slabs *slabs);

#endif
