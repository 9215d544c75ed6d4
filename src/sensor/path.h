/* SPDX-License-Identifier: Apache-2.0 */
/* A place from the kernel (wire.h) put in order, as the text of a path. No system calls. */
#ifndef LINTEL_SENSOR_PATH_H
#define LINTEL_SENSOR_PATH_H

#include "base/arena.h"
#include "base/path.h"

/* More entries than the kernel side ever writes for one place. */
#define PLACE_ENTRIES_MAX 256

/* One place taken apart. Entries are in the order of the wire, leaf first; the numbers say where
 * the parts begin or end, `count` where there is no such mark. */
struct place {
	struct str entry[PLACE_ENTRIES_MAX]; /* names, and marks (first byte '/') */
	uint32_t count;
	uint32_t chain; /* entries of the walk to the namespace's root */
	uint32_t mount; /* the first mount point crossed; chain when none was */
	uint32_t root;  /* the process's root; chain when it was not met */
	uint32_t super; /* names from the mount's root to its file system's root: [super, upper) */
	uint32_t upper; /* names in the upper layer: [upper, count) */
	bool has_root;  /* the process's root was met */
	bool has_upper;
	bool is_cut; /* names above the last are missing; set by record_place */
};

/* -EINVAL when it is no place (empty names, unknown marks, too many entries). */
int place_read(struct str wire, struct place *place) __attribute__((warn_unused_result));
/* As the process sees it: from its root. Where its root was not met, from the namespace's; of a cut
 * place then the lower part, without a slash before it, so that it is not taken for a whole one. */
struct str place_path(const struct place *place, struct arena *arena);
/* Is place_path the whole path? */
bool place_is_whole(const struct place *place);
/* From the mount namespace's root. */
struct str place_namespace_path(const struct place *place, struct arena *arena);
/* From the root of the file system it is on. */
struct str place_super_path(const struct place *place, struct arena *arena);
/* From the root of the upper layer's file system; empty without one. */
struct str place_upper_path(const struct place *place, struct arena *arena);

#endif
