/* SPDX-License-Identifier: Apache-2.0 */
/* fanotify as the second witness: what its two files share. */
#ifndef LINTEL_SENSOR_WITNESS_INTERNAL_H
#define LINTEL_SENSOR_WITNESS_INTERNAL_H

#include <sys/fanotify.h>

#include "sensor/sensor_internal.h"

/* Directories marked, over all views: rules name about ten, a busy host has some hundred
 * containers. When full, all marks but those of the host are given up, counted. */
#define MARKS_MAX 4096
#define MARK_SLOTS (2 * MARKS_MAX)
#define WATCHED_BITS 8192
#define DIRECTORIES_MAX 256
#define WITNESS_VIEWS_MAX 512
/* linux/exportfs.h: MAX_HANDLE_SZ */
#define HANDLE_BYTES 128

/* How fanotify names a directory. */
struct directory_id {
	uint64_t fsid;
	uint32_t bytes;
	int32_t type;
	unsigned char handle[HANDLE_BYTES];
};

/* A marked directory. */
struct marked {
	struct directory_id id;
	char *path;      /* in its view, links resolved; NULL: a free slot */
	uint32_t view;   /* index into witness.view */
	bool is_watched; /* else marked only to see a watched directory appear below it */
};

/* A view that has been gone through. */
struct watched_view {
	struct wire_actor actor; /* its namespace and root */
	bool is_told;            /* what cannot be marked has been said */
	bool is_dirty;           /* mounts changed since, or a directory appeared or went */
};

/* What fanotify saw, waiting for the tracepoints to say the same. */
struct waiting {
	uint64_t key;     /* pid, path, action; 0: free */
	uint64_t key_any; /* pid, path */
	int64_t since_ns; /* CLOCK_MONOTONIC */
	uint64_t boot_ns;
	uint32_t pid;
	uint32_t view;
	uint64_t mask; /* the one bit of it */
	char *path;
	char *old_path; /* FAN_RENAME: where from; NULL when not known */
};

/* Events in flight at a time; when full the oldest is decided at once. */
#define WAITING_MAX 4096
/* What the tracepoints reported of watched directories, by hash. A modification is reported once
 * for an open file, but fanotify tells of every write: so an entry has no end but being replaced.
 */
#define CONFIRMED_SLOTS 16384

struct confirmed {
	uint64_t key;
	int64_t when_ns;
};

struct witness {
	struct sensor *sensor;
	int fd;
	bool has_rename; /* FAN_RENAME, since 5.17 */
	uint64_t seed;   /* of the hashes: not to be guessed from outside */
	const char *directory[DIRECTORIES_MAX];
	uint32_t directory_count;
	struct marked slot[MARK_SLOTS]; /* open addressing by id */
	uint32_t marked_count;
	unsigned char watched[WATCHED_BITS / 8]; /* paths of watched directories, by hash */
	struct watched_view view[WITNESS_VIEWS_MAX];
	uint32_t view_count;
	bool any_dirty;
	struct waiting waiting[WAITING_MAX];
	uint32_t waiting_first, waiting_count; /* a ring */
	struct confirmed confirmed[CONFIRMED_SLOTS];
	struct arena arena; /* of one read */
};

/* witness.c: fanotify saw `bit` happen; it waits for the tracepoints to say the same. `old_path` is
 * empty when there is none. */
void witness_wait(struct witness *witness, const struct marked *directory, uint32_t pid,
		  uint64_t bit, struct str path, struct str old_path);
/* This view's directories have to be looked at again. */
void witness_set_dirty(struct witness *witness, uint32_t view);

/* witness_marks.c */
void marks_view(struct witness *witness, uint32_t view);
void marks_refresh(struct witness *witness);
/* Take back all marks and begin again with the host's; other views come back with the next exec in
 * them. */
void marks_start_over(struct witness *witness);
void marks_free(struct witness *witness);
const struct marked *marks_find(const struct witness *witness, const struct directory_id *id);
/* May this be one of the watched directories, in some view? Asked for every file event; says yes
 * wrongly to one in some hundred, which costs a line in `confirmed`. */
bool marks_has_path(const struct witness *witness, struct str path);
uint32_t marks_watched(const struct witness *witness);

#endif
