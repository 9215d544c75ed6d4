/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* since 5.12 */
#endif

/* A longer mountinfo is cut: MOUNTS_MAX lines of ordinary length. */
#define MOUNTINFO_BYTES_MAX ((size_t)16 << 20)

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

static const struct mount_table *own_mounts(struct views *views)
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
	root = mounts_on(own_mounts(views), STR("/"));
	views->own_root_dev = root ? root->dev : 0;
	return views;
}

static const struct mount_table *view_mounts(struct view *view)
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

static int open_below(struct view *view, int root_fd, const char *path, uint64_t flags);

/* The root of a chroot, by its path on the host, if that is still the same directory. */
static int open_root_path(struct view *view)
{
	struct stat st;
	int fd;

	if (!view->root_path)
		return -ESRCH;
	fd = open_below(view, view->views->own_root_fd, view->root_path, O_DIRECTORY);
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

/* Open below `root_fd` as the processes of the view would, without waiting for anybody. */
static int open_below(struct view *view, int root_fd, const char *path, uint64_t flags)
{
	struct open_how how = {
	    .flags = O_PATH | O_CLOEXEC | flags,
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_CACHED,
	};
	int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	if (fd < 0 && (errno == EAGAIN || errno == EINVAL)) {
		view_mounts(view);
		if (!view->mounts_valid || view->may_block)
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
	return mounts_path_of(own_mounts(view->views), on->dev, mounts_super_path(on, path, arena),
			      arena);
}

/* The host's name for a path of a view in another mount namespace, by its mount. */
static struct str foreign_host_path(struct view *view, const struct mount_entry *entry,
				    struct str path, struct arena *arena)
{
	struct str super_path, host_path;

	if (!entry || !path_is_below(path, entry->point))
		return STR_NULL;
	super_path = mounts_super_path(entry, path, arena);
	host_path = mounts_path_of(own_mounts(view->views), entry->dev, super_path, arena);
	if (host_path.len == 0)
		host_path = upper_host_path(view, entry, super_path, arena);
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

		if (!entry) {
			view->mounts_valid = false;
			entry = mounts_find(view_mounts(view), id);
		}
		*host_path = foreign_host_path(view, entry, *path, arena);
	}
	return true;
}

struct str view_host_path(struct view *view, const struct place *place, uint32_t dev,
			  uint32_t upper_dev, struct arena *arena)
{
	const struct mount_table *own;
	struct str path;

	if (view_is_host(view))
		return place_namespace_path(place, arena);
	own = own_mounts(view->views);
	path = mounts_path_of(own, dev, place_super_path(place, arena), arena);
	if (path.len == 0 && place->has_upper)
		path = mounts_path_of(own, upper_dev, place_upper_path(place, arena), arena);
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
	int file_fd = open_below(view, fd, name, O_NOFOLLOW);

	if (file_fd < 0)
		return;
	stat_fd(file_fd, located);
	close(file_fd);
}

/* The path itself, its last part followed. */
static bool resolve_whole(struct view *view, int root_fd, struct str path, struct arena *arena,
			  struct located *located)
{
	int fd = open_below(view, root_fd, c_text(arena, path), 0);
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
	int fd = open_below(view, root_fd, c_text(arena, path_directory(path)), O_DIRECTORY);
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

void view_locate(struct view *view, const struct locate_request *request, struct arena *arena,
		 struct located *located)
{
	struct str start_path = request->start ? place_path(request->start, arena) : STR("/");
	struct str path, text = strip_slashes(request->text);
	bool is_whole, is_name;
	int root_fd;

	*located = (struct located){0};
	if (text.len == 0) { /* AT_EMPTY_PATH: the descriptor itself */
		located->path = start_path;
		if (request->start)
			located->host_path =
			    view_host_path(view, request->start, request->start_dev,
					   request->start_upper_dev, arena);
		return;
	}
	path = replace_self(path_join(arena, start_path, text), request->actor->pid, arena);
	is_whole = request->follow || is_dots(str_basename(text));
	is_name = !is_whole && request->start && !memchr(text.p, '/', text.len);
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
	fd = open_below(view, root_fd, c_text(arena, directory), O_DIRECTORY);
	if (fd >= 0 && !view_paths_of_fd(view, root_fd, fd, arena, path, &host_path)) {
		close(fd);
		fd = -ENOENT;
	}
	view_close_root(view, root_fd);
	return fd;
}
