/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views: how a process sees the file system, that is its mount namespace and its root directory.
 * Processes share few views (the host's, one a container), so what is known of a view is kept: its
 * mounts, and some processes that have it. A process that is gone by the time its event is handled
 * can then be stood in for by another one with the same view; lintel keeps no descriptor open into
 * a view, that would keep its file systems from being unmounted.
 *
 * Nothing here waits for a file system in another process's hands: paths are resolved from the
 * kernel's cache only (RESOLVE_CACHED), where the process has just put them.
 */
#ifndef LINTEL_SENSOR_VIEW_H
#define LINTEL_SENSOR_VIEW_H

#include <sys/stat.h>

#include "sensor/mounts.h"
#include "sensor/path.h"
#include "sensor/wire_read.h"

/* More than that many containers and chroots at a time: the longest unused is forgotten and read
 * again when it is back. */
#define VIEWS_MAX 256
#define VIEW_PIDS 8

struct views;
struct view;

struct views *views_new(void);
void views_free(struct views *views);
/* The view of a record's process, which is noted as one that has it. */
struct view *views_of(struct views *views, const struct wire_actor *actor);
/* What lintel itself sees, as a record would name it. */
void views_own_actor(const struct views *views, struct wire_actor *actor);
/* Where on the host a chroot's root is: stands in for a process when all with this view are gone.
 */
void view_set_root(struct view *view, struct str host_path);
/* Mounts changed in this mount namespace (0: in any). */
void views_mounts_changed(struct views *views, uint64_t mount_ns);
/* Read again what has changed, while the processes that changed it are there: once a poll. */
void views_refresh(struct views *views);
/* Does this process see what lintel sees? */
bool view_is_own(const struct view *view);
/* In lintel's mount namespace, with whatever root. */
bool view_is_host(const struct view *view);

/* What became of a path string. */
struct located {
	struct str path;      /* as the process sees it */
	struct str host_path; /* empty: not known */
	struct statx stat;    /* by the name, after the call; valid when has_stat */
	bool has_stat;
	bool is_partial; /* relative to a place unknown or cut: no path from the root */
	bool is_outside; /* of the process's root: the path is from its mount namespace's */
	bool is_lexical; /* symbolic links on the way were not resolved */
};

struct locate_request {
	const struct wire_actor *actor;
	const struct place *start; /* where a relative path starts; NULL when not known */
	uint32_t start_dev, start_upper_dev;
	struct str text; /* as given to the call */
	bool wants_stat;
	bool follow; /* the last part too, when it is a symbolic link */
};

/* Texts go to the arena. */
void view_locate(struct view *view, const struct locate_request *request, struct arena *arena,
		 struct located *located);
/* A place's path on the host; empty when it has none that lintel can see. */
struct str view_host_path(struct view *view, const struct place *place, uint32_t dev,
			  uint32_t upper_dev, struct arena *arena);
/* An O_PATH descriptor of the view's root, by a living process that has it, or -errno; to be given
 * back with view_close_root. */
int view_open_root(struct view *view, uint32_t pid);
void view_close_root(const struct view *view, int root_fd);
/* A directory of the view, for a mark: an O_PATH descriptor; its path in the view, links resolved,
 * goes to `path`. -errno, -ENOENT when it does not exist. */
int view_open_directory(struct view *view, struct str directory, struct arena *arena,
			struct str *path);
/* Of a descriptor in this view: its path there, and on the host (empty when not known). */
bool view_paths_of_fd(struct view *view, int root_fd, int fd, struct arena *arena, struct str *path,
		      struct str *host_path);

#endif
