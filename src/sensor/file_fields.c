/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor_internal.h"

#include <stdio.h>
#include <sys/stat.h>

#include "sensor/path.h"

static void set_number(struct event *event, uint32_t field, uint64_t number)
{
	if (field_set_info(event->fields, field)->demanded)
		event_set_str(event, field,
			      arena_printf(&event->arena, "%llu", (unsigned long long)number));
}

static void set_attributes(struct event *event, const struct file_facts *file)
{
	event_set_int(event, FIELD_FILE_SIZE, (int64_t)file->size);
	event_set_str(event, FIELD_FILE_TYPE, path_type_name(file->mode));
	set_number(event, FIELD_FILE_INODE, file->inode);
	set_number(event, FIELD_FILE_UID, file->uid);
	set_number(event, FIELD_FILE_GID, file->gid);
	if (field_set_info(event->fields, FIELD_FILE_MODE)->demanded)
		event_set_str(event, FIELD_FILE_MODE,
			      arena_printf(&event->arena, "%04o", file->mode & 07777));
	if (field_set_info(event->fields, FIELD_FILE_OWNER)->demanded)
		event_set_str_copy(event, FIELD_FILE_OWNER, host_user_name(file->uid));
	if (field_set_info(event->fields, FIELD_FILE_GROUP)->demanded)
		event_set_str_copy(event, FIELD_FILE_GROUP, host_group_name(file->gid));
}

/* An empty text is no value. */
static void set_text(struct event *event, uint32_t field, struct str text)
{
	if (text.len)
		event_set_str(event, field, text);
}

struct file_facts file_facts_of(const struct located *located)
{
	const struct statx *st = &located->stat;

	return (struct file_facts){
	    .path = located->path,
	    .host_path = located->host_path,
	    .inode = st->stx_ino,
	    .size = st->stx_size,
	    .mode = st->stx_mode,
	    .uid = st->stx_uid,
	    .gid = st->stx_gid,
	    .has_attributes = located->has_stat,
	};
}

/* Of a rename file_original() comes first, file_fields() then has the last word. */
static void set_own(struct sensor *sensor, struct str path, bool is_directory)
{
	const char *target = own_target(sensor->own, path, is_directory);

	if (target)
		event_set_str(&sensor->event, FIELD_LINTEL_SELF_TARGET, str_from(target));
}

void file_fields(struct sensor *sensor, const struct file_facts *file)
{
	struct event *event = &sensor->event;
	struct str name = str_basename(file->path);

	set_text(event, FIELD_FILE_PATH, file->path);
	set_text(event, FIELD_FILE_NAME, name);
	set_text(event, FIELD_FILE_DIRECTORY, path_directory(file->path));
	set_text(event, FIELD_FILE_EXTENSION, path_extension(name));
	set_text(event, FIELD_LINTEL_FILE_HOST_PATH, file->host_path);
	if (file->path.len && file->host_path.len == 0) {
		counter_add(COUNTER_HOST_PATH_UNKNOWN, 1);
		emit_incomplete(sensor,
				"lintel.file.host_path: not visible from the host's mounts");
	}
	if (file->has_attributes)
		set_attributes(event, file);
	set_own(sensor, file->host_path.len ? file->host_path : file->path,
		S_ISDIR(file->mode) && file->has_attributes);
}

void file_original(struct sensor *sensor, struct str path, struct str host_path)
{
	struct event *event = &sensor->event;
	struct str name = str_basename(path);

	set_text(event, FIELD_FILE_EXT_ORIGINAL_PATH, path);
	set_text(event, FIELD_FILE_EXT_ORIGINAL_NAME, name);
	set_text(event, FIELD_FILE_EXT_ORIGINAL_EXTENSION, path_extension(name));
	set_text(event, FIELD_LINTEL_FILE_ORIGINAL_HOST_PATH, host_path);
	/* what it was is not known here; a directory above lintel's matters most when it goes */
	set_own(sensor, host_path.len ? host_path : path, true);
}
