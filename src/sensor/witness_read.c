/* SPDX-License-Identifier: Apache-2.0 */
/* Reading fanotify's queue: what happened in which marked directory, to which name. */
#include <fcntl.h>
#include <unistd.h>

#include "sensor/witness_internal.h"

/* One read takes this much; as fanotify(7) advises, several kilobytes. */
#define READ_BYTES 65536
/* Reads in one go; the rest waits for the next sensor_poll. */
#define READS_MAX 64

/* The info records of one event. */
struct told {
	struct directory_id directory, old_directory;
	struct str name, old_name; /* empty: the directory itself */
	bool has_directory, has_old;
};

/* One info record with a file handle and, after it, a name. Nothing in a queue of events is aligned
 * to more than four bytes. */
static bool read_fid(struct str info, struct directory_id *id, struct str *name)
{
	const size_t fixed = offsetof(struct fanotify_event_info_fid, handle);
	const size_t head = fixed + sizeof(struct file_handle);
	struct file_handle handle;

	if (info.len < head)
		return false;
	memcpy(&handle, info.p + fixed, sizeof(handle));
	if (handle.handle_bytes > HANDLE_BYTES || info.len - head < handle.handle_bytes)
		return false;
	memset(id, 0, sizeof(*id));
	memcpy(&id->fsid, info.p + offsetof(struct fanotify_event_info_fid, fsid),
	       sizeof(id->fsid));
	id->type = handle.handle_type;
	id->bytes = handle.handle_bytes;
	memcpy(id->handle, info.p + head, id->bytes);
	name->p = info.p + head + id->bytes;
	name->len = strnlen(name->p, info.len - head - id->bytes);
	if (str_eq(*name, STR(".")))
		name->len = 0;
	return true;
}

static void close_pidfd(struct str info)
{
	struct fanotify_event_info_pidfd pidfd;

	if (info.len < sizeof(pidfd))
		return;
	memcpy(&pidfd, info.p, sizeof(pidfd));
	if (pidfd.pidfd >= 0)
		close(pidfd.pidfd);
}

static void read_infos(struct str infos, struct told *told)
{
	struct fanotify_event_info_header header;
	struct str info;

	while (infos.len >= sizeof(header)) {
		memcpy(&header, infos.p, sizeof(header));
		if (header.len < sizeof(header) || header.len > infos.len)
			return;
		info = (struct str){infos.p, header.len};
		switch (header.info_type) {
		case FAN_EVENT_INFO_TYPE_DFID_NAME:
		case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
			told->has_directory = read_fid(info, &told->directory, &told->name);
			break;
		case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
			told->has_old = read_fid(info, &told->old_directory, &told->old_name);
			break;
		case FAN_EVENT_INFO_TYPE_PIDFD:
			close_pidfd(info);
			break;
		}
		infos.p += header.len;
		infos.len -= header.len;
	}
}

static struct str full_path(struct witness *witness, const struct marked *directory,
			    struct str name)
{
	return path_join(&witness->arena, str_from(directory->path), name);
}

static void on_event(struct witness *witness, const struct fanotify_event_metadata *event,
		     struct str infos)
{
	static const uint64_t bits[] = {FAN_CREATE,   FAN_MODIFY,     FAN_ATTRIB, FAN_RENAME,
					FAN_MOVED_TO, FAN_MOVED_FROM, FAN_DELETE};
	const struct marked *directory, *old = NULL;
	struct told told = {0};
	struct str path, old_path = STR_NULL;

	if (event->mask & FAN_Q_OVERFLOW) {
		counter_add(COUNTER_FANOTIFY_OVERFLOW, 1);
		return;
	}
	read_infos(infos, &told);
	if ((uint32_t)event->pid == witness->sensor->self_pid)
		return;
	if (event->mask & (FAN_DELETE_SELF | FAN_MOVE_SELF)) {
		/* a mark stays with a directory, the path does not */
		marks_start_over(witness);
		return;
	}
	directory = told.has_directory ? marks_find(witness, &told.directory) : NULL;
	if (told.has_old)
		old = marks_find(witness, &told.old_directory);
	if (!directory)
		directory = old; /* moved out of a watched directory to where none is */
	if (!directory) {
		counter_add(COUNTER_FANOTIFY_UNRESOLVED, 1);
		return;
	}
	if (event->mask & FAN_ONDIR) {
		/* a watched directory may have come, gone or been replaced */
		witness_set_dirty(witness, directory->view);
		if (!(event->mask & FAN_RENAME))
			return;
	}
	if (!directory->is_watched)
		return;
	if (told.has_old && !marks_find(witness, &told.directory))
		return; /* the tracepoints name the target, fanotify does not know its directory */
	if (told.name.len == 0)
		return;
	path = full_path(witness, directory, told.name);
	if (old)
		old_path = full_path(witness, old, told.old_name);
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (event->mask & bits[i])
			witness_wait(witness, directory, (uint32_t)event->pid, bits[i], path,
				     old_path);
}

/* Go through what one read gave. */
static void read_events(struct witness *witness, struct str text)
{
	struct fanotify_event_metadata event;

	while (text.len >= sizeof(event)) {
		memcpy(&event, text.p, sizeof(event));
		if (event.event_len < sizeof(event) || event.event_len > text.len ||
		    event.metadata_len > event.event_len || event.vers != FANOTIFY_METADATA_VERSION)
			return;
		arena_reset(&witness->arena);
		on_event(witness, &event,
			 (struct str){text.p + event.metadata_len,
				      event.event_len - event.metadata_len});
		text.p += event.event_len;
		text.len -= event.event_len;
	}
}

void witness_read(struct witness *witness)
{
	static char text[READ_BYTES];

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(witness->fd, text, sizeof(text));

		if (n <= 0)
			break;
		read_events(witness, (struct str){text, (size_t)n});
	}
	marks_refresh(witness);
}
