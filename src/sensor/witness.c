/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fanotify, the second witness for the directories rules name: names and pid from the kernel, no
 * race with the caller's memory, and nothing depends on which system call it was.
 *
 * The tracepoints' events are delivered at once. What fanotify sees waits for WAIT_NS; if the
 * tracepoints report the same (pid, path, action) before that, or have done so, it is dropped; else
 * it becomes an event of its own. So what both saw is one event, and holding back the first
 * witness's would buy nothing but the word "fanotify" in it.
 *
 * FAN_MODIFY is asked for, not FAN_CLOSE_WRITE: the latter comes for every file that was open for
 * writing, written or not, and as late as its last descriptor is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "sensor/witness_internal.h"

/* The ring is read at least every 10 ms, and this only counts once it has been read empty. */
#define WAIT_NS (200 * NS_PER_MS)
/* A report this old is of an earlier doing (not for modifications, see struct confirmed). */
#define CONFIRMED_NS (2 * NS_PER_SEC)
/* One read takes this much; as fanotify(7) advises, several kilobytes. */
#define READ_BYTES 65536
/* Reads in one go; the rest waits for the next sensor_poll. */
#define READS_MAX 64

static uint64_t key_of(const struct witness *witness, uint32_t pid, struct str path, char action)
{
	uint64_t key = str_hash(path) ^ witness->seed;

	key ^= ((uint64_t)pid << 8 | (unsigned char)action) * 0x9e3779b97f4a7c15u;
	return key ? key : 1;
}

/* First letters of event.action: they differ. */
static char action_of(uint64_t bit)
{
	switch (bit) {
	case FAN_CREATE:
		return 'c';
	case FAN_DELETE:
		return 'd';
	case FAN_RENAME:
	case FAN_MOVED_TO:
	case FAN_MOVED_FROM:
		return 'r';
	default:
		return 'm';
	}
}

static struct confirmed *confirmed_slot(struct witness *witness, uint64_t key)
{
	return &witness->confirmed[key % CONFIRMED_SLOTS];
}

static bool is_confirmed(struct witness *witness, uint64_t key, int64_t within_ns)
{
	const struct confirmed *at = confirmed_slot(witness, key);

	return at->key == key && (!within_ns || clock_monotonic_ns() - at->when_ns < within_ns);
}

static void drop(struct waiting *waiting)
{
	free(waiting->path);
	free(waiting->old_path);
	*waiting = (struct waiting){0};
}

void witness_confirm(struct witness *witness, uint32_t pid, struct str path, const char *action)
{
	uint64_t keys[2];
	int64_t now;

	if (!marks_has_path(witness, path_directory(path)))
		return;
	keys[0] = key_of(witness, pid, path, action[0]);
	keys[1] = key_of(witness, pid, path, 0);
	now = clock_monotonic_ns();
	for (int i = 0; i < 2; i++)
		*confirmed_slot(witness, keys[i]) = (struct confirmed){keys[i], now};
	for (uint32_t i = 0; i < witness->waiting_count; i++) {
		struct waiting *at = &witness->waiting[(witness->waiting_first + i) % WAITING_MAX];

		if (at->key == keys[0] || (at->mask == FAN_ATTRIB && at->key_any == keys[1]))
			drop(at);
	}
}

/* Is it below --root-pid? By lineage, as the kernel side does. */
static bool follows(const struct sensor *sensor, const struct process *process)
{
	const int generations_max = 64;

	if (!sensor->root_pid)
		return true;
	for (int i = 0; process && i < generations_max; i++) {
		if (process_pid(process) == sensor->root_pid)
			return true;
		process = process_parent(sensor->processes, process);
	}
	return false;
}

static void say(struct sensor *sensor, uint64_t bit)
{
	struct event *event = &sensor->event;

	switch (action_of(bit)) {
	case 'c':
		emit_kind(sensor, "file", "creation", "creation");
		return;
	case 'd':
		emit_kind(sensor, "file", "deletion", "deletion");
		return;
	case 'r':
		emit_kind(sensor, "file", "change", "rename");
		return;
	default:
		emit_kind(sensor, "file", "change", "modification");
		event_set_str(event, FIELD_LINTEL_FILE_CHANGE,
			      bit == FAN_ATTRIB ? STR("attributes") : STR("content"));
	}
}

/* Only fanotify saw this. */
static void emit_alone(struct witness *witness, const struct waiting *waiting)
{
	struct sensor *sensor = witness->sensor;
	struct process *process = process_find(sensor->processes, waiting->pid, 0);
	struct process_facts facts = {.pid = waiting->pid, .tid = waiting->pid};
	struct wire_actor actor = witness->view[waiting->view].actor;
	struct locate_request request = {.actor = &actor,
					 .text = str_from(waiting->path),
					 .wants_stat = waiting->mask != FAN_DELETE};
	struct located located;
	struct file_facts file;

	if (!follows(sensor, process))
		return;
	if (!process)
		process = process_acting(sensor->processes, &facts);
	counter_add(COUNTER_FANOTIFY_ONLY, 1);
	arena_reset(&sensor->scratch);
	view_locate(views_of(sensor->views, &actor), &request, &sensor->scratch, &located);
	file = file_facts_of(&located);
	file.path = request.text;
	emit_begin(sensor, waiting->boot_ns, STR("fanotify"));
	say(sensor, waiting->mask);
	event_set_str(&sensor->event, FIELD_LINTEL_FILE_WITNESS, STR("fanotify"));
	if (action_of(waiting->mask) == 'r') {
		if (waiting->old_path)
			file_original(sensor, str_from(waiting->old_path), STR_NULL);
		else
			emit_incomplete(sensor, waiting->mask == FAN_MOVED_FROM
						    ? "file.path: the name before the rename"
						    : "file.Ext.original.path: not known");
	}
	file_fields(sensor, &file);
	emit_end(sensor, process);
}

static void decide_oldest(struct witness *witness)
{
	struct waiting *at = &witness->waiting[witness->waiting_first];

	if (at->key)
		emit_alone(witness, at);
	drop(at);
	witness->waiting_first = (witness->waiting_first + 1) % WAITING_MAX;
	witness->waiting_count--;
}

void witness_expire(struct witness *witness)
{
	int64_t now = clock_monotonic_ns();

	while (witness->waiting_count) {
		const struct waiting *at = &witness->waiting[witness->waiting_first];

		if (at->key && now - at->since_ns < WAIT_NS)
			return;
		decide_oldest(witness);
	}
}

static void wait_for_mate(struct witness *witness, const struct marked *directory, uint32_t pid,
			  uint64_t bit, struct str path, struct str old_path)
{
	uint64_t key = key_of(witness, pid, path, action_of(bit));
	uint64_t key_any = key_of(witness, pid, path, 0);
	int64_t now = clock_monotonic_ns();
	struct waiting *at;

	if (is_confirmed(witness, key, bit == FAN_MODIFY ? 0 : CONFIRMED_NS) ||
	    (bit == FAN_ATTRIB && is_confirmed(witness, key_any, CONFIRMED_NS)))
		return;
	if (witness->waiting_count == WAITING_MAX)
		decide_oldest(witness);
	at = &witness->waiting[(witness->waiting_first + witness->waiting_count++) % WAITING_MAX];
	*at = (struct waiting){
	    .key = key,
	    .key_any = key_any,
	    .since_ns = now,
	    .boot_ns = (uint64_t)(clock_now_ns() - clock_boot_offset_ns()),
	    .pid = pid,
	    .view = directory->view,
	    .mask = bit,
	    .path = strndup(path.p, path.len),
	    .old_path = old_path.len ? strndup(old_path.p, old_path.len) : NULL,
	};
}

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

static void set_dirty(struct witness *witness, uint32_t view)
{
	witness->view[view].is_dirty = true;
	witness->any_dirty = true;
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
		set_dirty(witness, directory->view);
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
			wait_for_mate(witness, directory, (uint32_t)event->pid, bits[i], path,
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

void witness_view(struct witness *witness, const struct wire_actor *actor, bool has_changed)
{
	for (uint32_t i = 0; i < witness->view_count; i++) {
		const struct wire_actor *known = &witness->view[i].actor;

		if (known->mount_ns != actor->mount_ns)
			continue;
		if (has_changed)
			set_dirty(witness, i);
		if (known->root_inode == actor->root_inode && known->root_dev == actor->root_dev)
			return;
	}
	if (witness->view_count == WITNESS_VIEWS_MAX) /* most of them are gone by now */
		marks_start_over(witness);
	witness->view[witness->view_count].actor = *actor;
	set_dirty(witness, witness->view_count++);
}

static int open_fanotify(struct witness *witness)
{
	const unsigned base = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
			      FAN_UNLIMITED_MARKS | FAN_REPORT_DFID_NAME;

	witness->fd = fanotify_init(base | FAN_REPORT_FID | FAN_REPORT_PIDFD, O_RDONLY);
	if (witness->fd < 0)
		witness->fd = fanotify_init(base | FAN_REPORT_FID, O_RDONLY);
	if (witness->fd < 0)
		witness->fd = fanotify_init(base, O_RDONLY); /* since 5.9 */
	return witness->fd < 0 ? -errno : 0;
}

/* FAN_RENAME is refused by kernels before 5.17. Asked of lintel's own root, and taken back. */
static bool probe_rename(const struct witness *witness)
{
	const uint64_t mask = FAN_RENAME | FAN_ONDIR;

	if (fanotify_mark(witness->fd, FAN_MARK_ADD, mask, AT_FDCWD, "/"))
		return false;
	fanotify_mark(witness->fd, FAN_MARK_REMOVE, mask, AT_FDCWD, "/");
	return true;
}

int witness_open(struct witness **out, struct sensor *sensor, const char *const *directories)
{
	struct witness *witness = xcalloc(1, sizeof(*witness));
	struct wire_actor own;
	int err;

	witness->sensor = sensor;
	arena_init(&witness->arena);
	witness->seed = (uint64_t)clock_now_ns() * 0x9e3779b97f4a7c15u;
	err = open_fanotify(witness);
	if (err) {
		log_warning("sensor: no fanotify (%s): no second witness for files",
			    strerror(-err));
		witness_close(witness);
		return err;
	}
	for (; *directories && witness->directory_count < DIRECTORIES_MAX; directories++)
		witness->directory[witness->directory_count++] = *directories;
	if (*directories)
		log_warning("sensor: fanotify marks the first %d directories only",
			    DIRECTORIES_MAX);
	witness->has_rename = probe_rename(witness);
	views_own_actor(sensor->views, &own);
	witness_view(witness, &own, false);
	marks_refresh(witness);
	log_info("sensor: fanotify marks %u of %u directories%s", marks_watched(witness),
		 witness->directory_count,
		 witness->has_rename ? "" : "; no FAN_RENAME (5.17): renames lose their old name");
	*out = witness;
	return 0;
}

void witness_close(struct witness *witness)
{
	if (!witness)
		return;
	while (witness->waiting_count) {
		drop(&witness->waiting[witness->waiting_first]);
		witness->waiting_first = (witness->waiting_first + 1) % WAITING_MAX;
		witness->waiting_count--;
	}
	marks_free(witness);
	arena_free(&witness->arena);
	if (witness->fd >= 0)
		close(witness->fd);
	free(witness);
}

int witness_fd(const struct witness *witness)
{
	return witness->fd;
}
