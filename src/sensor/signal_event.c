/* SPDX-License-Identifier: Apache-2.0 */
/* Signals sent to lintel as events: who sent which. */
#include "sensor/sensor_internal.h"

#include <string.h>

/* sigabbrev_np() without the real-time signals' numbers is all that libc has. */
static struct str signal_name(struct sensor *sensor, int number)
{
	const char *name = sigabbrev_np(number);

	return name ? arena_printf(&sensor->event.arena, "SIG%s", name)
		    : arena_printf(&sensor->event.arena, "%d", number);
}

static void fill_target(struct sensor *sensor)
{
	struct event *event = &sensor->event;
	const struct process *self = process_find(sensor->processes, sensor->self_pid, 0);

	event_set_int(event, FIELD_TARGET_PROCESS_PID, sensor->self_pid);
	event_set_str(event, FIELD_LINTEL_SELF_TARGET, STR("process"));
	if (!self)
		return;
	struct process_brief brief = process_brief(self);

	event_set_str(event, FIELD_TARGET_PROCESS_ENTITY_ID, process_entity_id(self));
	if (!brief.executable_path.len)
		return;
	event_set_str(event, FIELD_TARGET_PROCESS_EXECUTABLE, brief.executable_path);
	event_set_str(event, FIELD_TARGET_PROCESS_NAME, str_basename(brief.executable_path));
}

void signal_event(struct sensor *sensor, const struct wire_view *view)
{
	struct process_facts facts;
	struct process *process;

	wire_facts(view, &facts);
	facts.cgroup = record_cgroup(sensor, view);
	process = process_acting(sensor->processes, &facts);
	emit_begin(sensor, view->record.boot_ns, STR("tracepoint"));
	emit_kind(sensor, "process", "change", "signal");
	event_set_str(&sensor->event, FIELD_LINTEL_SIGNAL_NAME,
		      signal_name(sensor, (int)view->record.value));
	fill_target(sensor);
	emit_end(sensor, process);
}
