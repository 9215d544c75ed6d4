/* SPDX-License-Identifier: Apache-2.0 */
/* A mount namespace's mounts, as /proc/PID/mountinfo lists them, and paths through them. */
#ifndef LINTEL_SENSOR_MOUNTS_H
#define LINTEL_SENSOR_MOUNTS_H

#include "base/arena.h"

/* Bounds what a process with many mounts can make lintel keep: a busy container host has 5,000. */
#define MOUNTS_MAX 65536

struct mount_entry {
	uint32_t id, parent;
	uint32_t dev;     /* major << 20 | minor, as the kernel keeps it */
	struct str root;  /* what of the file system is mounted */
	struct str point; /* where, from the namespace's root (as the reader of the file sees it) */
	struct str type;  /* "ext4" */
	struct str upper; /* overlayfs: upperdir, as given when it was mounted */
};

struct mount_table {
	struct arena arena;
	struct mount_entry *entry; /* in the order of the file: later ones lie over earlier ones */
	uint32_t count;
};

void mounts_init(struct mount_table *table);
void mounts_free(struct mount_table *table);
/* Replace the table by what `text` says; lines that are not mountinfo's are left out. Returns how
 * many were, beyond MOUNTS_MAX too. */
uint32_t mounts_parse(struct mount_table *table, struct str text);
const struct mount_entry *mounts_find(const struct mount_table *table, uint32_t id);
/* Where a path of a file system (by device, from its root) is seen: through a mount that holds it
 * and that no other mount covers there. Empty when there is none. */
struct str mounts_path_of(const struct mount_table *table, uint32_t dev, struct str super_path,
			  struct arena *arena);
/* The mount a path of the namespace is on: the one a walk from the root ends on, whatever lies
 * hidden below it. NULL when the table has no root. */
const struct mount_entry *mounts_on(const struct mount_table *table, struct str path);
/* A path on a mount, from the root of its file system. */
struct str mounts_super_path(const struct mount_entry *entry, struct str path, struct arena *arena);

#endif
