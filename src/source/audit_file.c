/* SPDX-License-Identifier: Apache-2.0 */
/* PATH records as file.*. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/path.h"
#include "source/audit_ecs_internal.h"

/* linux/audit.h's names of what a path was to the call */
enum name_type {
	NAME_OTHER,
	NAME_PARENT,
	NAME_CREATE,
	NAME_DELETE,
	NAME_UNKNOWN,
};

static enum name_type name_type_of(const struct audit_record *path)
{
	struct str name = audit_get(path, STR("nametype"));

	if (str_eq(name, STR("PARENT")))
		return NAME_PARENT;
	if (str_eq(name, STR("CREATE")))
		return NAME_CREATE;
	if (str_eq(name, STR("DELETE")))
		return NAME_DELETE;
	return str_eq(name, STR("UNKNOWN")) ? NAME_UNKNOWN : NAME_OTHER;
}

/* The first or last PATH record of a type. */
static const struct audit_record *path_of_type(const struct audit_group *group, enum name_type type,
					       bool last)
{
	const struct audit_record *found = NULL;

	for (uint32_t i = 0; i < group->count; i++) {
		const struct audit_record *record = &group->records[i];

		if (!str_eq(record->type, STR("PATH")) || name_type_of(record) != type)
			continue;
		found = record;
		if (!last)
			break;
	}
	return found;
}

/* What the call was done to: a name that was made or removed, else the last that is no parent (of a
 * call that failed its type is unknown). */
static const struct audit_record *object_path(const struct audit_group *group, bool removes)
{
	enum name_type first = removes ? NAME_DELETE : NAME_CREATE;
	const struct audit_record *path = path_of_type(group, first, true);

	if (!path)
		path = path_of_type(group, NAME_OTHER, true);
	return path ? path : path_of_type(group, NAME_UNKNOWN, true);
}

/* Is the directory that relative names start from the working directory? */
static bool starts_here(const struct audit_making *making)
{
	static const struct str names[] = {{"a0", 2}, {"a1", 2}, {"a2", 2}};

	for (uint32_t i = 0; i < 3; i++)
		if (making->kind.start & (1u << i) &&
		    (uint32_t)audit_number(making->call, names[i], 16, 0) != (uint32_t)AT_FDCWD)
			return false;
	return true;
}

static bool has_dots(struct str name)
{
	return str_eq(name, STR("..")) || str_starts(name, STR("../")) ||
	       str_ends(name, STR("/..")) || str_find(name, STR("/../"), 0) != SIZE_MAX;
}

/* The absolute path of a record's name; as it is when that cannot be said. */
static struct str full_path(struct audit_making *making, const struct audit_record *path,
			    const char *field)
{
	struct arena *arena = &making->event->arena;
	struct str name = audit_get(path, STR("name"));
	struct str cwd = audit_get(audit_record_of(making->group, STR("CWD")), STR("cwd"));

	if (!name.len) {
		audit_incomplete(making,
				 arena_printf(arena, "%s: the record names no path", field).p);
		return STR_NULL;
	}
	if (name.p[0] != '/' && (!starts_here(making) || !cwd.len)) {
		audit_incomplete(making,
				 arena_printf(arena,
					      "%s: relative to a directory that the log does "
					      "not name",
					      field)
				     .p);
		return name;
	}
	if (has_dots(name))
		audit_incomplete(
		    making,
		    arena_printf(arena, "%s: symbolic links on the way not resolved", field).p);
	return path_normalise(arena, path_join(arena, cwd, name));
}

static void set_text(struct event *event, uint32_t field, struct str text)
{
	if (text.len)
		event_set_str(event, field, text);
}

static void set_name(struct event *event, struct str path)
{
	struct str name = str_basename(path);

	set_text(event, FIELD_FILE_PATH, path);
	set_text(event, FIELD_FILE_NAME, name);
	set_text(event, FIELD_FILE_DIRECTORY, path_directory(path));
	set_text(event, FIELD_FILE_EXTENSION, path_extension(name));
}

static void set_attributes(struct audit_making *making, const struct audit_record *path)
{
	struct event *event = making->event;
	uint32_t mode = (uint32_t)audit_number(path, STR("mode"), 8, UINT32_MAX);

	set_text(event, FIELD_FILE_INODE, audit_get(path, STR("inode")));
	set_text(event, FIELD_FILE_UID, audit_get(path, STR("ouid")));
	set_text(event, FIELD_FILE_GID, audit_get(path, STR("ogid")));
	set_text(event, FIELD_FILE_OWNER, audit_get(path, STR("OUID")));
	set_text(event, FIELD_FILE_GROUP, audit_get(path, STR("OGID")));
	if (mode == UINT32_MAX)
		return;
	event_set_str(event, FIELD_FILE_TYPE, path_type_name(mode));
	event_set_str(event, FIELD_FILE_MODE, arena_printf(&event->arena, "%04o", mode & 07777));
}

static void set_original(struct audit_making *making, const struct audit_record *path)
{
	struct event *event = making->event;
	struct str text = path ? full_path(making, path, "file.Ext.original.path") : STR_NULL;
	struct str name = str_basename(text);

	set_text(event, FIELD_FILE_EXT_ORIGINAL_PATH, text);
	set_text(event, FIELD_FILE_EXT_ORIGINAL_NAME, name);
	set_text(event, FIELD_FILE_EXT_ORIGINAL_EXTENSION, path_extension(name));
}

static void set_file(struct audit_making *making, const struct audit_record *path)
{
	if (!path) {
		audit_incomplete(making, "file.path: no PATH record");
		return;
	}
	set_name(making->event, full_path(making, path, "file.path"));
	set_attributes(making, path);
}

static void set_change(struct audit_making *making, const char *change)
{
	if (!making->failed)
		event_set_str(making->event, FIELD_LINTEL_FILE_CHANGE, str_from(change));
}

/* The flags, or 0 where the log does not have them. */
static uint64_t open_flags(const struct audit_making *making)
{
	const struct audit_record *how = audit_record_of(making->group, STR("OPENAT2"));

	if (str_eq(making->call_name, STR("open")))
		return audit_number(making->call, STR("a1"), 16, 0);
	if (str_eq(making->call_name, STR("openat")) ||
	    str_eq(making->call_name, STR("open_by_handle_at")))
		return audit_number(making->call, STR("a2"), 16, 0);
	if (str_eq(making->call_name, STR("creat")))
		return O_CREAT | O_WRONLY | O_TRUNC;
	/* libaudit 3.0 does not know the record of openat2. */
	if (!how)
		how = audit_record_of(making->group, STR("UNKNOWN[1337]"));
	return audit_number(how, STR("oflag"), 8, 0);
}

/* audit sees opening, not writing: a file that was there and is opened for writing is reported as
 * modified. */
static void on_open(struct audit_making *making)
{
	uint64_t flags = open_flags(making);
	bool writes = (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
	const struct audit_record *path = object_path(making->group, false);
	uint64_t mode = audit_number(path, STR("mode"), 8, S_IFREG);

	set_file(making, path);
	/* A device, a pipe or a socket is not changed by being written to. */
	if (making->failed || !S_ISREG(mode))
		return;
	if (path_of_type(making->group, NAME_CREATE, true)) {
		making->kind.type = making->kind.action = STR("creation");
	} else if (writes || flags & O_TRUNC) {
		making->kind.type = STR("change");
		making->kind.action = STR("modification");
		set_change(making, "content");
		if (!(flags & O_TRUNC))
			audit_incomplete(making, "lintel.file.change: opened for writing; whether "
						 "it was written the log does not tell");
	}
}

/* The record has the mode from before the call. */
static void on_mode(struct audit_making *making)
{
	bool is_at = making->kind.start != AT_NONE;
	uint64_t mode = audit_number(making->call, is_at ? STR("a2") : STR("a1"), 16, UINT64_MAX);

	set_change(making, "permissions");
	set_file(making, object_path(making->group, false));
	if (!making->failed && mode != UINT64_MAX)
		event_set_str(making->event, FIELD_FILE_MODE,
			      arena_printf(&making->event->arena, "%04o", (unsigned)mode & 07777));
}

static void on_rename(struct audit_making *making)
{
	const struct audit_record *new_path = path_of_type(making->group, NAME_CREATE, true);

	/* A file that was in the place of the new name is a DELETE too, behind the old name. */
	set_original(making, path_of_type(making->group, NAME_DELETE, false));
	set_file(making, new_path ? new_path : object_path(making->group, false));
}

static void on_link(struct audit_making *making)
{
	set_original(making, path_of_type(making->group, NAME_OTHER, false));
	set_file(making, object_path(making->group, false));
}

/* The text of the link is a record without a type of its own. */
static void on_symlink(struct audit_making *making)
{
	set_text(making->event, FIELD_FILE_TARGET_PATH,
		 audit_get(path_of_type(making->group, NAME_UNKNOWN, false), STR("name")));
	set_file(making, path_of_type(making->group, NAME_CREATE, true));
}

void audit_fill_file(struct audit_making *making)
{
	switch (making->kind.object) {
	case OBJECT_OPEN:
		on_open(making);
		break;
	case OBJECT_RENAME:
		on_rename(making);
		break;
	case OBJECT_LINK:
		on_link(making);
		break;
	case OBJECT_SYMLINK:
		on_symlink(making);
		break;
	case OBJECT_CONTENT:
		set_change(making, "content");
		set_file(making, object_path(making->group, false));
		break;
	case OBJECT_SIZE:
		set_change(making, "size");
		set_file(making, object_path(making->group, false));
		break;
	case OBJECT_MODE:
		on_mode(making);
		break;
	case OBJECT_OWNER:
		set_change(making, "owner");
		set_file(making, object_path(making->group, false));
		break;
	case OBJECT_XATTR:
		set_change(making, "attributes");
		set_file(making, object_path(making->group, false));
		break;
	default:
		set_file(making, object_path(making->group, making->kind.object == OBJECT_REMOVE));
	}
	event_set_str(making->event, FIELD_LINTEL_FILE_SYSCALL, making->call_name);
	event_set_str(making->event, FIELD_LINTEL_FILE_WITNESS, STR("audit"));
}
