/* SPDX-License-Identifier: Apache-2.0 */
/* Records about files as events. */
#include "sensor/sensor_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <linux/fs.h>

#include "base/clock.h"

/* A file not older than this was made by the open that is reported. File systems take the time of
 * the last tick; the record is made when the open is done. */
#define BIRTH_NS (50 * NS_PER_MS)

/* What to say, by what the call does. */
static const struct {
	const char *type;
	const char *action;
	const char *change; /* lintel.file.change */
} sayings[] = {
    [WHAT_CONTENT] = {"change", "modification", "content"},
    [WHAT_SIZE] = {"change", "modification", "size"},
    [WHAT_MODE] = {"change", "modification", "permissions"},
    [WHAT_OWNER] = {"change", "modification", "owner"},
    [WHAT_OWNER_LINK] = {"change", "modification", "owner"},
    [WHAT_XATTR] = {"change", "modification", "attributes"},
    [WHAT_XATTR_LINK] = {"change", "modification", "attributes"},
    [WHAT_RENAME] = {"change", "rename", NULL},
    [WHAT_UNLINK] = {"deletion", "deletion", NULL},
    [WHAT_LINK] = {"creation", "creation", NULL},
    [WHAT_SYMLINK] = {"creation", "creation", NULL},
    [WHAT_MKNOD] = {"creation", "creation", NULL},
};

/* Which of the sensor's layers tells this; docs/sensor-events.md has them. */
static struct str provider(const struct wire_record *record)
{
	if (record->kind == WIRE_PLACES)
		return STR("lsm");
	return call_is_uring(record->call) ? STR("io_uring") : STR("tracepoint");
}

static void begin(struct sensor *sensor, const struct wire_view *view, enum call_what what,
		  bool is_creation)
{
	const struct call_info *call = call_info(view->record.call);
	struct event *event = &sensor->event;

	emit_begin(sensor, view->record.boot_ns, provider(&view->record));
	if (is_creation)
		emit_kind(sensor, "file", "creation", "creation");
	else
		emit_kind(sensor, "file", sayings[what].type, sayings[what].action);
	if (!is_creation && sayings[what].change)
		event_set_str(event, FIELD_LINTEL_FILE_CHANGE, str_from(sayings[what].change));
	event_set_str(event, FIELD_LINTEL_FILE_SYSCALL, call->name);
	event_set_str(event, FIELD_LINTEL_FILE_WITNESS,
		      view->record.kind == WIRE_PLACES ? STR("lsm") : STR("tracepoint"));
	event_set_str(event, FIELD_LINTEL_PROCESS_ABI,
		      view->record.flags & WIRE_COMPAT ? STR("x86") : STR("x86_64"));
	if (view->record.flags & WIRE_UNCONFIRMED)
		emit_incomplete(sensor, "event.outcome: io_uring was asked not to report success");
}

static void finish(struct sensor *sensor, const struct wire_view *view,
		   const struct process *process, const struct file_facts *file)
{
	struct str action = event_get_str(&sensor->event, FIELD_EVENT_ACTION);

	file_fields(sensor, file);
	/* under either name: a directory is marked once, but may be mounted in several places */
	if (sensor->witness) {
		witness_confirm(sensor->witness, view->record.actor.pid, file->path, action.p);
		if (!str_eq(file->path, file->host_path))
			witness_confirm(sensor->witness, view->record.actor.pid, file->host_path,
					action.p);
	}
	emit_end(sensor, process);
}

static void on_file(struct sensor *sensor, const struct wire_view *view,
		    const struct process *process)
{
	const struct wire_record *record = &view->record;
	struct view *seen_by = views_of(sensor->views, &record->actor);
	struct file_facts file = {
	    .inode = record->inode.number,
	    .size = record->inode.size,
	    .mode = record->inode.mode,
	    .uid = record->inode.uid,
	    .gid = record->inode.gid,
	    .has_attributes = true,
	};
	struct place place;
	bool is_place = !record_place(view, WIRE_SPAN_PLACE0, &place);
	bool is_whole = is_place && place_is_whole(&place);

	if (is_place) {
		file.path = place_path(&place, &sensor->scratch);
		file.host_path = view_host_path(seen_by, &place, record->place[0].dev,
						record->place[0].upper_dev, &sensor->scratch);
	}
	begin(sensor, view, call_info(record->call)->what, record->flags & WIRE_CREATED);
	if (!is_whole && !wire_is_cut(view, WIRE_SPAN_PLACE0))
		emit_incomplete(sensor, "file.path: could not be read to its root");
	else if (!is_whole)
		emit_incomplete(sensor, "file.path: cut, deeper than the kernel side walks");
	else if (!place.has_root)
		emit_incomplete(sensor, "file.path: outside the process's root, given from its "
					"mount namespace's");
	finish(sensor, view, process, &file);
}

/* The attributes of the file at place 0 or 1 that came with the record. Of two places the first is
 * the old name; the file that has it after an exchange is the record's detail. */
static bool recorded_inode(const struct wire_view *view, int which, struct wire_inode *inode)
{
	struct str detail = view->span[WIRE_SPAN_DETAIL];

	if (which == 1 || view->span[WIRE_SPAN_PLACE1].len == 0) {
		*inode = view->record.inode;
		return inode->mode != 0;
	}
	if (detail.len != sizeof(*inode))
		return false;
	memcpy(inode, detail.p, sizeof(*inode));
	return inode->mode != 0;
}

/* Where the kernel had file 0 or 1 when it decided on the call. */
static void locate_place(struct sensor *sensor, const struct wire_view *view, int which,
			 bool wants_stat, struct located *located)
{
	const struct wire_place *at = &view->record.place[which];
	struct wire_inode inode;
	struct place place;

	*located = (struct located){0};
	if (record_place(view, which ? WIRE_SPAN_PLACE1 : WIRE_SPAN_PLACE0, &place))
		return;
	located->path = place_path(&place, &sensor->scratch);
	located->host_path = view_host_path(views_of(sensor->views, &view->record.actor), &place,
					    at->dev, at->upper_dev, &sensor->scratch);
	located->is_partial = !place_is_whole(&place);
	located->is_outside = !located->is_partial && !place.has_root;
	if (!wants_stat || !recorded_inode(view, which, &inode))
		return;
	located->has_stat = true;
	located->stat.stx_ino = inode.number;
	located->stat.stx_size = inode.size;
	located->stat.stx_mode = (__u16)inode.mode;
	located->stat.stx_uid = inode.uid;
	located->stat.stx_gid = inode.gid;
}

/* The path of string 0 or 1. */
static void locate(struct sensor *sensor, const struct wire_view *view, int which, bool follow,
		   bool wants_stat, struct located *located)
{
	const struct wire_record *record = &view->record;
	enum wire_span_kind text = which ? WIRE_SPAN_TEXT1 : WIRE_SPAN_TEXT0;
	enum wire_span_kind start = which ? WIRE_SPAN_PLACE1 : WIRE_SPAN_PLACE0;
	struct place place;
	struct locate_request request = {
	    .actor = &record->actor,
	    .start_dev = record->place[which].dev,
	    .start_upper_dev = record->place[which].upper_dev,
	    .text = view->span[text],
	    .wants_stat = wants_stat,
	    .follow = follow,
	};

	*located = (struct located){0};
	if (record->kind == WIRE_PLACES) {
		locate_place(sensor, view, which, wants_stat, located);
		return;
	}
	if (wire_has_failed(view, text))
		return;
	if (view->span[start].len && !record_place(view, start, &place))
		request.start = &place;
	view_locate(views_of(sensor->views, &record->actor), &request, &sensor->scratch, located);
}

static void say_incomplete(struct sensor *sensor, const struct wire_view *view,
			   const struct located *located, enum call_what what)
{
	if (located->path.len == 0)
		emit_incomplete(sensor, "file.path: could not be read");
	else if (located->is_partial)
		emit_incomplete(sensor,
				"file.path: cut, where it starts from is not known to its root");
	else if (located->is_outside)
		emit_incomplete(sensor, "file.path: outside the process's root, given from its "
					"mount namespace's");
	else if (located->is_lexical)
		emit_incomplete(sensor, "file.path: symbolic links on the way not resolved");
	if (view->record.flags & WIRE_LATE_TEXT)
		emit_incomplete(sensor, "file.path: the string was read after the call");
	if (!located->has_stat && what != WHAT_UNLINK)
		emit_incomplete(sensor, "file.inode, mode, owner, size: gone or out of reach");
}

/* `to` is the name the file has now, `from` the one it had, or for a link the one it also has. */
static void on_two_names(struct sensor *sensor, const struct wire_view *view,
			 const struct process *process, enum call_what what,
			 const struct located *from, const struct located *to)
{
	struct file_facts file = file_facts_of(to);

	begin(sensor, view, what, false);
	say_incomplete(sensor, view, to, what);
	if (from->path.len == 0)
		emit_incomplete(sensor, "file.Ext.original.path: could not be read");
	else if (from->is_partial)
		emit_incomplete(sensor, "file.Ext.original.path: cut, where it starts from is not "
					"known to its root");
	else if (from->is_lexical)
		emit_incomplete(sensor,
				"file.Ext.original.path: symbolic links on the way not resolved");
	file_original(sensor, from->path, from->host_path);
	finish(sensor, view, process, &file);
}

static void on_rename(struct sensor *sensor, const struct wire_view *view,
		      const struct process *process)
{
	struct located from, to;
	bool exchanged = view->record.value & RENAME_EXCHANGE;

	locate(sensor, view, 0, false, exchanged, &from);
	locate(sensor, view, 1, false, true, &to);
	on_two_names(sensor, view, process, WHAT_RENAME, &from, &to);
	if (exchanged)
		on_two_names(sensor, view, process, WHAT_RENAME, &to, &from);
}

static void on_one_name(struct sensor *sensor, const struct wire_view *view,
			const struct process *process, enum call_what what, bool follow)
{
	struct located located;
	struct file_facts file;

	locate(sensor, view, 0, follow, what != WHAT_UNLINK, &located);
	file = file_facts_of(&located);
	begin(sensor, view, what, false);
	say_incomplete(sensor, view, &located, what);
	if (what == WHAT_SYMLINK)
		event_set_str(&sensor->event, FIELD_FILE_TARGET_PATH, view->span[WIRE_SPAN_TEXT1]);
	finish(sensor, view, process, &file);
}

/* io_uring opened it into its own table: whether it made the file shows in its time of birth. */
static void on_opened_name(struct sensor *sensor, const struct wire_view *view,
			   const struct process *process)
{
	const int64_t opened_ns = (int64_t)view->record.boot_ns + host_boot_offset_ns();
	struct located located;
	struct file_facts file;
	bool is_creation = view->record.value & O_CREAT;

	locate(sensor, view, 0, true, true, &located);
	file = file_facts_of(&located);
	if (located.has_stat && located.stat.stx_mask & STATX_BTIME)
		is_creation = is_creation && located.stat.stx_btime.tv_sec * NS_PER_SEC +
						     located.stat.stx_btime.tv_nsec >
						 opened_ns - BIRTH_NS;
	if (!is_creation && !(view->record.value & O_TRUNC))
		return;
	begin(sensor, view, WHAT_CONTENT, is_creation);
	say_incomplete(sensor, view, &located, WHAT_CONTENT);
	finish(sensor, view, process, &file);
}

static void on_paths(struct sensor *sensor, const struct wire_view *view,
		     const struct process *process)
{
	enum call_what what = call_info(view->record.call)->what;
	uint64_t flags = view->record.value;
	struct located from, to;

	switch (what) {
	case WHAT_CONTENT:
		on_opened_name(sensor, view, process);
		return;
	case WHAT_RENAME:
		on_rename(sensor, view, process);
		return;
	case WHAT_LINK:
		locate(sensor, view, 0, flags & AT_SYMLINK_FOLLOW, false, &from);
		locate(sensor, view, 1, false, true, &to);
		on_two_names(sensor, view, process, what, &from, &to);
		return;
	case WHAT_MKNOD:
		if ((flags & S_IFMT) != S_IFREG && (flags & S_IFMT) != 0)
			return;
		on_one_name(sensor, view, process, what, false);
		return;
	case WHAT_UNLINK:
	case WHAT_SYMLINK:
	case WHAT_OWNER_LINK:
	case WHAT_XATTR_LINK:
		on_one_name(sensor, view, process, what, false);
		return;
	default:
		on_one_name(sensor, view, process, what, !(flags & AT_SYMLINK_NOFOLLOW));
		return;
	}
}

void file_event(struct sensor *sensor, const struct wire_view *view)
{
	struct process_facts facts;
	struct process *process;

	wire_facts(view, &facts);
	process = process_acting(sensor->processes, &facts);
	if (call_info(view->record.call)->what == WHAT_NONE)
		counter_add(COUNTER_RECORD_INVALID, 1);
	else if (view->record.kind == WIRE_FILE)
		on_file(sensor, view, process);
	else
		on_paths(sensor, view, process);
}
