/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which directories are marked. A directory that rules name is marked in every view (mount
 * namespace and root) that processes are seen with; where it does not exist, the nearest directory
 * above it is, so as to see it appear.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "sensor/witness_internal.h"

#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID 0x200 /* since 6.5: a handle to compare, also where none can be opened */
#endif

static bool same_id(const struct directory_id *a, const struct directory_id *b)
{
	return a->fsid == b->fsid && a->type == b->type && a->bytes == b->bytes &&
	       memcmp(a->handle, b->handle, a->bytes) == 0;
}

static uint32_t id_slot(const struct directory_id *id)
{
	struct str handle = {(const char *)id->handle, id->bytes};

	return (uint32_t)((str_hash(handle) ^ id->fsid) % MARK_SLOTS);
}

const struct marked *marks_find(const struct witness *witness, const struct directory_id *id)
{
	for (uint32_t at = id_slot(id); witness->slot[at].path; at = (at + 1) % MARK_SLOTS)
		if (same_id(&witness->slot[at].id, id))
			return &witness->slot[at];
	return NULL;
}

bool marks_has_path(const struct witness *witness, struct str path)
{
	uint32_t bit = (uint32_t)(str_hash(path) % WATCHED_BITS);

	return witness->watched[bit / 8] & (1u << bit % 8);
}

uint32_t marks_watched(const struct witness *witness)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MARK_SLOTS; i++)
		n += witness->slot[i].path && witness->slot[i].is_watched;
	return n;
}

static int read_id(int fd, struct directory_id *id)
{
	struct {
		struct file_handle head;
		unsigned char bytes[HANDLE_BYTES];
	} handle;
	struct statfs fs;
	int mount_id, err;

	handle.head.handle_bytes = HANDLE_BYTES;
	err = name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH | AT_HANDLE_FID);
	if (err && errno == EINVAL) {
		handle.head.handle_bytes = HANDLE_BYTES;
		err = name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH);
	}
	if (err || fstatfs(fd, &fs))
		return -errno;
	memset(id, 0, sizeof(*id));
	memcpy(&id->fsid, &fs.f_fsid, sizeof(id->fsid));
	id->type = handle.head.handle_type;
	id->bytes = handle.head.handle_bytes;
	memcpy(id->handle, handle.head.f_handle, id->bytes);
	return 0;
}

void marks_free(struct witness *witness)
{
	for (uint32_t i = 0; i < MARK_SLOTS; i++)
		free(witness->slot[i].path);
	memset(witness->slot, 0, sizeof(witness->slot));
	memset(witness->watched, 0, sizeof(witness->watched));
	witness->marked_count = 0;
}

void marks_start_over(struct witness *witness)
{
	fanotify_mark(witness->fd, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
	marks_free(witness);
	witness->view_count = 1;
	witness->view[0].is_dirty = true;
	witness->any_dirty = true;
}

static uint64_t watch_mask(const struct witness *witness)
{
	uint64_t mask = FAN_CREATE | FAN_DELETE | FAN_MODIFY | FAN_ATTRIB | FAN_EVENT_ON_CHILD |
			FAN_ONDIR | FAN_DELETE_SELF | FAN_MOVE_SELF;

	return mask | (witness->has_rename ? FAN_RENAME : FAN_MOVED_FROM | FAN_MOVED_TO);
}

static int mark(struct witness *witness, uint32_t view, int fd, struct str path, bool is_watched)
{
	const uint64_t appear = FAN_CREATE | FAN_MOVED_TO | FAN_ONDIR;
	uint64_t mask = is_watched ? watch_mask(witness) : appear;
	struct directory_id id;
	char link[48];
	struct marked *at;
	int err = read_id(fd, &id);

	if (err)
		return err;
	at = (struct marked *)marks_find(witness, &id);
	if (at && at->is_watched >= is_watched)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fanotify_mark(witness->fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, mask, AT_FDCWD, link))
		return -errno;
	if (!at) {
		uint32_t slot = id_slot(&id);

		while (witness->slot[slot].path)
			slot = (slot + 1) % MARK_SLOTS;
		at = &witness->slot[slot];
		at->id = id;
		witness->marked_count++;
	}
	free(at->path);
	at->path = xmalloc(path.len + 1);
	memcpy(at->path, path.p, path.len);
	at->path[path.len] = '\0';
	at->view = view;
	at->is_watched |= is_watched;
	if (is_watched) {
		uint32_t bit = (uint32_t)(str_hash(path) % WATCHED_BITS);

		witness->watched[bit / 8] |= (unsigned char)(1u << bit % 8);
	}
	return 0;
}

/* Mark a directory in a view, or what there is above it. */
static void mark_directory(struct witness *witness, uint32_t index, const char *directory)
{
	struct view *view = views_of(witness->sensor->views, &witness->view[index].actor);
	struct str wanted = path_normalise(&witness->arena, str_from(directory));
	struct str above = wanted, path;
	int fd, err;

	for (;;) {
		fd = view_open_directory(view, above, &witness->arena, &path);
		if (fd != -ENOENT || above.len <= 1)
			break;
		above = path_directory(above);
	}
	if (fd == -ESRCH)
		return; /* nobody has this view any more */
	err = fd < 0 ? fd : mark(witness, index, fd, path, str_eq(above, wanted));
	if (fd >= 0)
		close(fd);
	if (!err || witness->view[index].is_told)
		return;
	counter_add(COUNTER_FANOTIFY_MARK_FAILED, 1);
	if (index == 0)
		log_warning("sensor: fanotify cannot mark %s: %s", directory, strerror(-err));
	else
		log_debug("sensor: fanotify cannot mark %s in mount namespace %u: %s", directory,
			  witness->view[index].actor.mount_ns, strerror(-err));
}

void marks_view(struct witness *witness, uint32_t index)
{
	witness->view[index].is_dirty = false;
	if (witness->marked_count + witness->directory_count > MARKS_MAX) {
		counter_add(COUNTER_FANOTIFY_MARK_FAILED, witness->marked_count);
		log_warning("sensor: fanotify: more than %d directories in %u views; starting over "
			    "with the host's",
			    MARKS_MAX, witness->view_count);
		marks_start_over(witness);
		return;
	}
	arena_reset(&witness->arena);
	for (uint32_t i = 0; i < witness->directory_count; i++)
		mark_directory(witness, index, witness->directory[i]);
	witness->view[index].is_told = true;
}

void marks_refresh(struct witness *witness)
{
	if (!witness->any_dirty)
		return;
	witness->any_dirty = false;
	for (uint32_t i = 0; i < witness->view_count; i++)
		if (witness->view[i].is_dirty)
			marks_view(witness, i);
}
