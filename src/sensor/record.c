/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int record_place(const struct wire_view *view, enum wire_span_kind span, struct place *place)
{
	int err = place_read(view->span[span], place);

	place->is_cut = wire_is_cut(view, span) || wire_has_failed(view, span);
	return err;
}

/* A place's text as the process sees it; empty when it could not be read. */
static struct str span_path(struct sensor *sensor, const struct wire_view *view,
			    enum wire_span_kind span)
{
	struct place place;

	if (view->span[span].len == 0 || record_place(view, span, &place))
		return STR_NULL;
	return place_path(&place, &sensor->scratch);
}

struct str record_cgroup(struct sensor *sensor, const struct wire_view *view)
{
	struct place place;

	if (wire_has_failed(view, WIRE_SPAN_CGROUP) ||
	    place_read(view->span[WIRE_SPAN_CGROUP], &place))
		return STR_NULL;
	return place_path(&place, &sensor->scratch);
}

static struct str host_path(struct sensor *sensor, const struct wire_view *view,
			    enum wire_span_kind span)
{
	const struct wire_place *at = &view->record.place[span];
	struct place place;

	if (view->span[span].len == 0 || record_place(view, span, &place))
		return STR_NULL;
	return view_host_path(views_of(sensor->views, &view->record.actor), &place, at->dev,
			      at->upper_dev, &sensor->scratch);
}

void record_file(struct sensor *sensor, const struct wire_view *view, struct record_file *file)
{
	struct place place;

	*file = (struct record_file){.path = STR(""), .host_path = STR("")};
	if (view->span[WIRE_SPAN_PLACE0].len == 0 || record_place(view, WIRE_SPAN_PLACE0, &place))
		return;
	file->path = place_path(&place, &sensor->scratch);
	file->is_memfd = view->record.place[0].flags & WIRE_PLACE_DETACHED &&
			 str_starts(file->path, STR("/memfd:"));
	file->is_whole = file->is_memfd || place_is_whole(&place);
	if (view->record.inode.links)
		file->host_path = host_path(sensor, view, WIRE_SPAN_PLACE0);
}

/* The arguments of a process that still runs, as many as a record would have. */
static struct str argv_from_proc(struct sensor *sensor, uint32_t pid)
{
	char path[48];
	char *text;
	size_t used = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return STR_NULL;
	text = arena_bytes(&sensor->scratch, WIRE_ARGV_BYTES);
	while (used < WIRE_ARGV_BYTES && (n = read(fd, text + used, WIRE_ARGV_BYTES - used)) > 0)
		used += (size_t)n;
	close(fd);
	return (struct str){text, used};
}

static uint32_t count_arguments(struct str argv)
{
	uint32_t n = 0;

	for (size_t i = 0; i < argv.len; i++)
		n += argv.p[i] == '\0';
	return n;
}

static void fill_argv(struct sensor *sensor, const struct wire_view *view,
		      struct process_exec *exec)
{
	exec->argv = view->span[WIRE_SPAN_ARGV];
	exec->argc = (uint32_t)view->record.value;
	exec->argv_truncated = wire_is_cut(view, WIRE_SPAN_ARGV);
	exec->env = view->span[WIRE_SPAN_ENV];
	if (view->record.kind != WIRE_TASK && !wire_has_failed(view, WIRE_SPAN_ARGV))
		return;
	exec->argv = argv_from_proc(sensor, view->record.actor.pid);
	if (view->record.kind == WIRE_TASK)
		exec->argc = count_arguments(exec->argv);
	exec->argv_truncated = exec->argv.len == WIRE_ARGV_BYTES;
}

void record_exec(struct sensor *sensor, const struct wire_view *view, struct process_exec *exec)
{
	*exec = (struct process_exec){0};
	exec->executable_path = span_path(sensor, view, WIRE_SPAN_PLACE0);
	exec->host_executable_path = host_path(sensor, view, WIRE_SPAN_PLACE0);
	if (exec->executable_path.len && view->record.inode.links == 0)
		exec->executable_path = arena_printf(&sensor->scratch, "%.*s (deleted)",
						     STR_ARG(exec->executable_path));
	exec->working_directory = span_path(sensor, view, WIRE_SPAN_CWD);
	exec->root = host_path(sensor, view, WIRE_SPAN_PLACE1);
	if (exec->root.len == 1)
		exec->root = STR_NULL;
	exec->filename = view->span[WIRE_SPAN_TEXT0];
	exec->interpreter = view->span[WIRE_SPAN_TEXT1];
	if (view->record.kind == WIRE_TASK)
		exec->filename = exec->executable_path;
	fill_argv(sensor, view, exec);
}

void sensor_record(struct sensor *sensor, const void *data, size_t bytes)
{
	struct wire_view view;

	if (wire_read(data, bytes, &view) < 0) {
		counter_add(COUNTER_RECORD_INVALID, 1);
		return;
	}
	arena_reset(&sensor->scratch);
	switch (view.record.kind) {
	case WIRE_FORK:
	case WIRE_EXEC:
	case WIRE_EXIT:
		process_event(sensor, &view);
		return;
	case WIRE_FILE:
	case WIRE_PATHS:
	case WIRE_PLACES:
		file_event(sensor, &view);
		return;
	case WIRE_NETWORK:
	case WIRE_DNS:
		network_event(sensor, &view);
		return;
	case WIRE_IDS:
	case WIRE_SESSION:
	case WIRE_CAPABILITIES:
		identity_event(sensor, &view);
		return;
	case WIRE_PTRACE:
	case WIRE_VM:
	case WIRE_PROC_MEM:
	case WIRE_MEMFD:
	case WIRE_MAP:
	case WIRE_PROTECT:
	case WIRE_LIBRARY:
		memory_event(sensor, &view);
		return;
	case WIRE_MODULE:
	case WIRE_UNLOAD:
	case WIRE_BPF:
	case WIRE_NAMESPACE:
	case WIRE_MOUNT:
		kernel_event(sensor, &view);
		return;
	case WIRE_SIGNAL:
		signal_event(sensor, &view);
		return;
	case WIRE_MOUNTS:
		views_mounts_changed(sensor->views, view.record.actor.mount_ns);
		views_of(sensor->views, &view.record.actor);
		if (sensor->witness)
			witness_view(sensor->witness, &view.record.actor, true);
		return;
	}
}
