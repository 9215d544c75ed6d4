/* SPDX-License-Identifier: Apache-2.0 */
/* What view.c (which views there are) and locate.c (where a path of one leads) share. */
#ifndef LINTEL_SENSOR_VIEW_INTERNAL_H
#define LINTEL_SENSOR_VIEW_INTERNAL_H

#include "base/buf.h"
#include "sensor/view.h"

struct view {
	uint64_t mount_ns, root_inode;
	uint32_t root_dev;
	uint32_t pid[VIEW_PIDS]; /* a ring; pid_next is the oldest */
	uint32_t pid_next;
	char *root_path; /* of a chroot in lintel's mount namespace, on the host; NULL: not known */
	bool wants_refresh;
	bool mounts_valid;
	bool may_block; /* has mounts whose file system is in somebody's hands */
	uint64_t used;  /* for eviction */
	struct mount_table mounts;
	struct views *views;
};

struct views {
	struct view *view[VIEWS_MAX];
	uint32_t count;
	uint64_t clock;
	uint64_t own_mount_ns, own_root_inode;
	uint32_t own_root_dev;
	int own_root_fd;
	bool own_mounts_valid;
	struct mount_table own_mounts;
	struct buf text; /* a mountinfo being read */
};

/* view.c: mounts as they are, read when they have changed. The table is empty when nobody can say.
 */
const struct mount_table *views_own_mounts(struct views *views);
const struct mount_table *view_mounts(struct view *view);
/* locate.c: O_PATH below `root_fd`, as the view's processes would open it, without waiting for
 * anybody. A descriptor or -errno. */
int view_open_below(struct view *view, int root_fd, const char *path, uint64_t flags);

#endif
