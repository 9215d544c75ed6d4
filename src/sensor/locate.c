/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path of a view leads, and what the host calls that. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sensor/view_internal.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* since 5.12 */
#endif

/* Open below `root_fd` as the processes of the view would, without waiting for anybody. */
int view_open_below(struct view *view, int root_fd, const char *path, uint64_t flags)
{
	struct open_how how = {
	    .flags = O_PATH | O_CLOEXEC | flags,
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_CACHED,
	};
	int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	if (fd < 0 && (errno == EAGAIN || errno == EINVAL)) {
		view_mounts(view);
		if (!view->mounts_valid)
			return -ESRCH; /* nobody is left to ask whether waiting is safe */
		if (view->may_block)
			return -EAGAIN;
		how.resolve = RESOLVE_IN_ROOT;
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	}
	return fd < 0 ? -errno : fd;
}

static const char *c_text(struct arena *arena, struct str s)
{
	return arena_str(arena, s).p;
}

/* The path of an open file from the root of its mount namespace (from lintel's root in lintel's).
 */
static struct str fd_path(int fd, struct arena *arena)
{
	char link[48];
	char *text = arena_bytes(arena, WIRE_PATH_BYTES);
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, text, WIRE_PATH_BYTES);
	if (n <= 0 || text[0] != '/')
		return STR_NULL;
	return (struct str){text, (size_t)n};
}

static uint32_t fd_mount_id(int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) ||
	    !(st.stx_mask & STATX_MNT_ID))
		return 0;
	return (uint32_t)st.stx_mnt_id;
}

/* Of a path on an overlay that the host does not see: where its upper layer has it. `upper` is as
 * it was given to mount: normally a path of the same view. */
static struct str upper_host_path(struct view *view, const struct mount_entry *overlay,
				  struct str super_path, struct arena *arena)
{
	const struct mount_entry *on;
	struct str path;

	if (overlay->upper.len == 0 || overlay->upper.p[0] != '/')
		return STR_NULL;
	path = super_path.len > 1 ? path_join(arena, overlay->upper,
					      (struct str){super_path.p + 1, super_path.len - 1})
				  : overlay->upper;
	on = mounts_on(&view->mounts, path);
	if (!on || on == overlay)
		return STR_NULL;
	return mounts_path_of(views_own_mounts(view->views), on->dev,
			      mounts_super_path(on, path, arena), arena);
}

/* The host's name for a path of a view in another mount namespace, by its mount. */
static struct str foreign_host_path(struct view *view, const struct mount_entry *entry,
				    struct str path, struct arena *arena)
{
	struct str super_path, host_path;

	if (!entry || !path_is_below(path, entry->point))
		return STR_NULL;
	super_path = mounts_super_path(entry, path, arena);
	host_path = mounts_path_of(views_own_mounts(view->views), entry->dev, super_path, arena);
	if (host_path.len == 0)
		host_path = upper_host_path(view, entry, super_path, arena);
	return host_path;
}

/* The mountinfo of a process in a chroot leaves out the mount its root is on, when it is not that
 * mount's own root. Another process of the same mount namespace, at the namespace's root, has it.
 * `full` is the path from there. */
static struct str sibling_host_path(struct view *view, uint32_t mount_id, struct str full,
				    struct arena *arena)
{
	struct views *views = view->views;
	struct str host_path = STR_NULL;

	for (uint32_t i = 0; i < views->count && host_path.len == 0; i++) {
		struct view *other = views->view[i];
		const struct mount_entry *entry;
		int root_fd;

		if (other == view || other->mount_ns != view->mount_ns)
			continue;
		entry = mounts_find(view_mounts(other), mount_id);
		if (!entry || (root_fd = view_open_root(other, 0)) < 0)
			continue;
		if (str_eq(fd_path(root_fd, arena), STR("/")))
			host_path = foreign_host_path(other, entry, full, arena);
		view_close_root(other, root_fd);
	}
	return host_path;
}

bool view_paths_of_fd(struct view *view, int root_fd, int fd, struct arena *arena, struct str *path,
		      struct str *host_path)
{
	struct str root = view_is_own(view) ? STR("/") : fd_path(root_fd, arena);
	struct str full = fd_path(fd, arena);

	if (full.len == 0 || root.len == 0 || !path_is_below(full, root))
		return false;
	*path = path_strip_root(full, root);
	*host_path = STR_NULL;
	if (view_is_host(view)) {
		*host_path = full;
	} else {
		const struct mount_table *mounts = view_mounts(view);
		uint32_t id = fd_mount_id(fd);
		const struct mount_entry *entry = mounts_find(mounts, id);

		if (!entry)
			*host_path = sibling_host_path(view, id, full, arena);
		if (!entry && host_path->len == 0) {
			view->mounts_valid = false;
			entry = mounts_find(view_mounts(view), id);
		}
		if (host_path->len == 0)
			*host_path = foreign_host_path(view, entry, *path, arena);
	}
	return true;
}

/* The same, of an overlay known by its device alone: where the kernel side does not know overlayfs's
 * types (a module, before 5.11) a place has no upper part. */
static struct str overlay_host_path(struct view *view, uint32_t dev, struct str super_path,
				    struct arena *arena)
{
	const struct mount_table *mounts = view_mounts(view);

	for (uint32_t i = 0; i < mounts->count; i++)
		if (mounts->entry[i].dev == dev && mounts->entry[i].upper.len)
			return upper_host_path(view, &mounts->entry[i], super_path, arena);
	return STR_NULL;
}

struct str view_host_path(struct view *view, const struct place *place, uint32_t dev,
			  uint32_t upper_dev, struct arena *arena)
{
	const struct mount_table *own;
	struct str path;

	if (place->is_cut)
		return STR_NULL;
	if (view_is_host(view))
		return place_namespace_path(place, arena);
	own = views_own_mounts(view->views);
	path = mounts_path_of(own, dev, place_super_path(place, arena), arena);
	if (path.len == 0 && place->has_upper)
		path = mounts_path_of(own, upper_dev, place_upper_path(place, arena), arena);
	if (path.len == 0 && !place->has_upper)
		path = overlay_host_path(view, dev, place_super_path(place, arena), arena);
	return path;
}

/* The caller's own /proc entry would be lintel's in lintel's hands. */
static struct str replace_self(struct str path, uint32_t pid, struct arena *arena)
{
	static const struct str self[] = {{"/proc/self/", 11}, {"/proc/thread-self/", 18}};

	for (int i = 0; i < 2; i++)
		if (str_starts(path, self[i]))
			return arena_printf(
			    arena, "/proc/%u/%.*s", pid,
			    STR_ARG(((struct str){path.p + self[i].len, path.len - self[i].len})));
	return path;
}

static struct str strip_slashes(struct str path)
{
	while (path.len > 1 && path.p[path.len - 1] == '/')
		path.len--;
	return path;
}

static bool is_dots(struct str name)
{
	return str_eq(name, STR(".")) || str_eq(name, STR(".."));
}

static void stat_fd(int fd, struct located *located)
{
	const unsigned mask = STATX_BASIC_STATS | STATX_BTIME;

	located->has_stat =
	    fd >= 0 && !statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, &located->stat);
}

/* The file by its name in an open directory, or below the root. */
static void stat_name(struct view *view, int fd, const char *name, struct located *located)
{
	int file_fd = view_open_below(view, fd, name, O_NOFOLLOW);

	if (file_fd < 0)
		return;
	stat_fd(file_fd, located);
	close(file_fd);
}

/* The path itself, its last part followed. */
static bool resolve_whole(struct view *view, int root_fd, struct str path, struct arena *arena,
			  struct located *located)
{
	int fd = view_open_below(view, root_fd, c_text(arena, path), 0);
	bool ok;

	if (fd < 0)
		return false;
	ok = view_paths_of_fd(view, root_fd, fd, arena, &located->path, &located->host_path);
	stat_fd(fd, located);
	close(fd);
	return ok;
}

/* The directory it is in; the last part need not exist, and is not followed. */
static bool resolve_parent(struct view *view, int root_fd, struct str path, bool wants_stat,
			   struct arena *arena, struct located *located)
{
	struct str name = str_basename(path);
	int fd = view_open_below(view, root_fd, c_text(arena, path_directory(path)), O_DIRECTORY);
	bool ok;

	if (fd < 0)
		return false;
	ok = view_paths_of_fd(view, root_fd, fd, arena, &located->path, &located->host_path);
	if (ok && wants_stat)
		stat_name(view, fd, c_text(arena, name), located);
	close(fd);
	if (!ok)
		return false;
	located->path = path_join(arena, located->path, name);
	if (located->host_path.len)
		located->host_path = path_join(arena, located->host_path, name);
	return true;
}

/* A name in the start directory: the kernel has said where that is. */
static void locate_name(struct view *view, const struct locate_request *request,
			struct str start_path, struct arena *arena, struct located *located)
{
	struct str host = view_host_path(view, request->start, request->start_dev,
					 request->start_upper_dev, arena);

	located->path = path_join(arena, start_path, request->text);
	if (host.len)
		located->host_path = path_join(arena, host, request->text);
}

/* By text alone. */
static void locate_lexically(struct view *view, struct str path, struct arena *arena,
			     struct located *located)
{
	located->is_lexical = true;
	located->path = path_normalise(arena, path);
	if (view_is_own(view))
		located->host_path = located->path;
	else if (view->mounts_valid)
		located->host_path = foreign_host_path(
		    view, mounts_on(&view->mounts, located->path), located->path, arena);
}

static void locate_path(struct view *view, const struct locate_request *request, struct str path,
			bool is_whole, struct arena *arena, struct located *located)
{
	int root_fd = view_open_root(view, request->actor->pid);
	bool ok = false;

	if (root_fd >= 0)
		ok = is_whole
			 ? resolve_whole(view, root_fd, path, arena, located)
			 : resolve_parent(view, root_fd, path, request->wants_stat, arena, located);
	view_close_root(view, root_fd);
	if (!ok)
		locate_lexically(view, path, arena, located);
}

/* A relative path, where all that is known of its start are the lower names, or nothing. */
static struct str partial_path(const struct place *start, struct str text, struct arena *arena)
{
	struct str above = start ? place_path(start, arena) : STR_NULL;

	if (above.len == 0 || text.len == 0)
		return above.len ? above : text;
	return path_join(arena, above, text);
}

void view_locate(struct view *view, const struct locate_request *request, struct arena *arena,
		 struct located *located)
{
	struct str start_path = request->start ? place_path(request->start, arena) : STR("/");
	struct str path, text = strip_slashes(request->text);
	bool is_whole, is_name;
	int root_fd;

	*located = (struct located){0};
	if ((!request->start || !place_is_whole(request->start)) &&
	    (text.len == 0 || text.p[0] != '/')) {
		located->is_partial = true;
		located->path = partial_path(request->start, text, arena);
		return;
	}
	if (text.len == 0) { /* AT_EMPTY_PATH: the descriptor itself */
		located->path = start_path;
		located->host_path = view_host_path(view, request->start, request->start_dev,
						    request->start_upper_dev, arena);
		return;
	}
	path = replace_self(path_join(arena, start_path, text), request->actor->pid, arena);
	is_whole = request->follow || is_dots(str_basename(text));
	is_name = !is_whole && !memchr(text.p, '/', text.len);
	if (!is_name) {
		locate_path(view, request, path, is_whole, arena, located);
		return;
	}
	locate_name(view, request, start_path, arena, located);
	if (!request->wants_stat)
		return;
	root_fd = view_open_root(view, request->actor->pid);
	if (root_fd >= 0)
		stat_name(view, root_fd, c_text(arena, path), located);
	view_close_root(view, root_fd);
}

int view_open_directory(struct view *view, struct str directory, struct arena *arena,
			struct str *path)
{
	struct str host_path;
	int root_fd = view_open_root(view, 0), fd;

	if (root_fd < 0)
		return root_fd;
	fd = view_open_below(view, root_fd, c_text(arena, directory), O_DIRECTORY);
	if (fd >= 0 && !view_paths_of_fd(view, root_fd, fd, arena, path, &host_path)) {
		close(fd);
		fd = -ENOENT;
	}
	view_close_root(view, root_fd);
	return fd;
}
