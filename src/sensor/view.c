/* SPDX-License-Identifier: Apache-2.0 */
/* Which views there are, their mounts, and a way into them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sensor/view_internal.h"

/* A longer mountinfo is cut: MOUNTS_MAX lines of ordinary length. */
#define MOUNTINFO_BYTES_MAX ((size_t)16 << 20)

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

static void view_free(struct view *view)
{
	mounts_free(&view->mounts);
	free(view->root_path);
	free(view);
}

void views_free(struct views *views)
{
	if (!views)
		return;
	for (uint32_t i = 0; i < views->count; i++)
		view_free(views->view[i]);
	mounts_free(&views->own_mounts);
	buf_free(&views->text);
	if (views->own_root_fd >= 0)
		close(views->own_root_fd);
	free(views);
}

void views_own_actor(const struct views *views, struct wire_actor *actor)
{
	*actor = (struct wire_actor){
	    .pid = (uint32_t)getpid(),
	    .mount_ns = (uint32_t)views->own_mount_ns,
	    .root_inode = views->own_root_inode,
	    .root_dev = views->own_root_dev,
	};
}

static struct view *new_view(struct views *views, const struct wire_actor *actor)
{
	struct view *view = xcalloc(1, sizeof(*view));
	uint32_t at = 0;

	view->mount_ns = actor->mount_ns;
	view->root_inode = actor->root_inode;
	view->root_dev = actor->root_dev;
	view->views = views;
	mounts_init(&view->mounts);
	if (views->count < VIEWS_MAX) {
		at = views->count++;
	} else {
		for (uint32_t i = 1; i < VIEWS_MAX; i++)
			if (views->view[i]->used < views->view[at]->used)
				at = i;
		view_free(views->view[at]);
	}
	views->view[at] = view;
	return view;
}

static void note_pid(struct view *view, uint32_t pid)
{
	for (int i = 0; i < VIEW_PIDS; i++)
		if (view->pid[i] == pid)
			return;
	view->pid[view->pid_next++ % VIEW_PIDS] = pid;
}

struct view *views_of(struct views *views, const struct wire_actor *actor)
{
	struct view *view = NULL;

	for (uint32_t i = 0; i < views->count && !view; i++)
		if (views->view[i]->mount_ns == actor->mount_ns &&
		    views->view[i]->root_inode == actor->root_inode &&
		    views->view[i]->root_dev == actor->root_dev)
			view = views->view[i];
	if (!view)
		view = new_view(views, actor);
	view->used = ++views->clock;
	note_pid(view, actor->pid);
	return view;
}

void views_mounts_changed(struct views *views, uint64_t mount_ns)
{
	for (uint32_t i = 0; i < views->count; i++)
		if (mount_ns == 0 || views->view[i]->mount_ns == mount_ns) {
			views->view[i]->mounts_valid = false;
			views->view[i]->wants_refresh = true;
		}
	if (mount_ns == 0 || mount_ns == views->own_mount_ns)
		views->own_mounts_valid = false;
}

bool view_is_host(const struct view *view)
{
	return view->mount_ns == view->views->own_mount_ns;
}

bool view_is_own(const struct view *view)
{
	return view_is_host(view) && view->root_inode == view->views->own_root_inode;
}

/* Is this process there, with this view? A pid may have come round again. */
static bool has_view(const struct view *view, uint32_t pid)
{
	char path[48];

	if (pid == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", pid);
	if (inode_of(path) != view->mount_ns)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	return inode_of(path) == view->root_inode;
}

/* A living process with this view; 0 when there is none. */
static uint32_t stand_in(const struct view *view)
{
	for (int i = 0; i < VIEW_PIDS; i++)
		if (has_view(view, view->pid[i]))
			return view->pid[i];
	return 0;
}

static bool read_mountinfo(struct views *views, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	buf_reset(&views->text);
	do {
		n = read(fd, buf_reserve(&views->text, 65536), 65536);
		if (n > 0)
			views->text.len += (size_t)n;
	} while (n > 0 && views->text.len < MOUNTINFO_BYTES_MAX);
	close(fd);
	return n >= 0;
}

/* File systems that ask a server or a process, which may take its time. */
static bool type_may_block(struct str type)
{
	static const char *const types[] = {"fuse", "nfs", "cifs", "smb", "9p", "autofs", "ceph"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_starts(type, str_from(types[i])))
			return true;
	return false;
}

const struct mount_table *views_own_mounts(struct views *views)
{
	if (!views->own_mounts_valid && read_mountinfo(views, "/proc/self/mountinfo")) {
		mounts_parse(&views->own_mounts, buf_str(&views->text));
		views->own_mounts_valid = true;
	}
	return &views->own_mounts;
}

struct views *views_new(void)
{
	struct views *views = xcalloc(1, sizeof(*views));
	const struct mount_entry *root;

	views->own_mount_ns = inode_of("/proc/self/ns/mnt");
	views->own_root_inode = inode_of("/");
	views->own_root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	mounts_init(&views->own_mounts);
	/* not stat's: btrfs gives a subvolume's there */
	root = mounts_on(views_own_mounts(views), STR("/"));
	views->own_root_dev = root ? root->dev : 0;
	return views;
}

const struct mount_table *view_mounts(struct view *view)
{
	char path[48];
	uint32_t pid;

	if (view->mounts_valid)
		return &view->mounts;
	pid = view_is_own(view) ? (uint32_t)getpid() : stand_in(view);
	snprintf(path, sizeof(path), "/proc/%u/mountinfo", pid);
	if (pid && read_mountinfo(view->views, path)) {
		mounts_parse(&view->mounts, buf_str(&view->views->text));
		view->mounts_valid = true;
		view->may_block = false;
		for (uint32_t i = 0; i < view->mounts.count; i++)
			view->may_block |= type_may_block(view->mounts.entry[i].type);
	}
	return &view->mounts;
}

void views_refresh(struct views *views)
{
	for (uint32_t i = 0; i < views->count; i++) {
		struct view *view = views->view[i];

		if (view->wants_refresh && !view_is_host(view))
			view_mounts(view);
		view->wants_refresh = false;
	}
}

void view_set_root(struct view *view, struct str host_path)
{
	if (view->root_path || host_path.len == 0 || !view_is_host(view))
		return;
	view->root_path = xmalloc(host_path.len + 1);
	memcpy(view->root_path, host_path.p, host_path.len);
	view->root_path[host_path.len] = '\0';
}

/* The root of a chroot, by its path on the host, if that is still the same directory. */
static int open_root_path(struct view *view)
{
	struct stat st;
	int fd;

	if (!view->root_path)
		return -ESRCH;
	fd = view_open_below(view, view->views->own_root_fd, view->root_path, O_DIRECTORY);
	if (fd >= 0 && (fstat(fd, &st) || st.st_ino != view->root_inode)) {
		close(fd);
		fd = -ESRCH;
	}
	return fd;
}

/* The root of a process with this view. It may end between two looks, or its pid come round. */
static int open_root_of(const struct view *view, uint32_t pid)
{
	char path[48];
	int fd;

	if (!has_view(view, pid))
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int view_open_root(struct view *view, uint32_t pid)
{
	int fd;

	if (view_is_own(view))
		return view->views->own_root_fd;
	fd = open_root_of(view, pid);
	for (int i = 0; i < VIEW_PIDS && fd < 0; i++)
		if (view->pid[i] != pid)
			fd = open_root_of(view, view->pid[i]);
	return fd < 0 ? open_root_path(view) : fd;
}

void view_close_root(const struct view *view, int root_fd)
{
	if (root_fd >= 0 && root_fd != view->views->own_root_fd)
		close(root_fd);
}
