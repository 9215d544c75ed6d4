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

void witness_flush(struct witness *witness)
{
	while (witness->waiting_count)
		decide_oldest(witness);
}

void witness_wait(struct witness *witness, const struct marked *directory, uint32_t pid,
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
	    .boot_ns = (uint64_t)(clock_now_ns() - host_boot_offset_ns()),
	    .pid = pid,
	    .view = directory->view,
	    .mask = bit,
	    .path = strndup(path.p, path.len),
	    .old_path = old_path.len ? strndup(old_path.p, old_path.len) : NULL,
	};
}

void witness_set_dirty(struct witness *witness, uint32_t view)
{
	witness->view[view].is_dirty = true;
	witness->any_dirty = true;
}

void witness_view(struct witness *witness, const struct wire_actor *actor, bool has_changed)
{
	for (uint32_t i = 0; i < witness->view_count; i++) {
		const struct wire_actor *known = &witness->view[i].actor;

		if (known->mount_ns != actor->mount_ns)
			continue;
		if (has_changed)
			witness_set_dirty(witness, i);
		if (known->root_inode == actor->root_inode && known->root_dev == actor->root_dev)
			return;
	}
	if (witness->view_count == WITNESS_VIEWS_MAX) /* most of them are gone by now */
		marks_start_over(witness);
	witness->view[witness->view_count].actor = *actor;
	witness_set_dirty(witness, witness->view_count++);
}

int witness_init_fanotify(void)
{
	const unsigned base = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
			      FAN_UNLIMITED_MARKS | FAN_REPORT_DFID_NAME;
	int fd = fanotify_init(base | FAN_REPORT_FID | FAN_REPORT_PIDFD, O_RDONLY);

	if (fd < 0)
		fd = fanotify_init(base | FAN_REPORT_FID, O_RDONLY);
	if (fd < 0)
		fd = fanotify_init(base, O_RDONLY); /* since 5.9 */
	return fd < 0 ? -errno : fd;
}

static int open_fanotify(struct witness *witness)
{
	witness->fd = witness_init_fanotify();
	return witness->fd < 0 ? witness->fd : 0;
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
