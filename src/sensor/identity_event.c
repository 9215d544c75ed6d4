/* SPDX-License-Identifier: Apache-2.0 */
/* What a process makes of itself: its user, group, session, capabilities. */
#include "sensor/sensor_internal.h"

static void set_id(struct event *event, uint32_t field, uint32_t id)
{
	event_set_str(event, field, arena_printf(&event->arena, "%u", id));
}

static void set_capabilities(struct event *event, uint32_t field, uint64_t set)
{
	event_set_str(event, field, arena_printf(&event->arena, "%llx", (unsigned long long)set));
}

static void begin(struct sensor *sensor, const struct wire_view *view, const char *action)
{
	emit_begin(sensor, view->record.boot_ns, STR("tracepoint"));
	emit_kind(sensor, "process", "change", action);
	emit_call(sensor, view);
}

/* What the kernel told of the time before the call; without that, what the table has: the ids that
 * the process's latest event brought, of whichever thread. */
static void ids_before(struct sensor *sensor, const struct wire_view *view, struct wire_ids *before)
{
	const struct wire_actor *actor = &view->record.actor;
	struct process *process;
	struct process_ids known;

	if (wire_ids(view, before) && before->known)
		return;
	process = process_find(sensor->processes, actor->pid, actor->start_boot_ns);
	*before = (struct wire_ids){.uid = actor->uid,
				    .euid = actor->euid,
				    .suid = actor->suid,
				    .gid = actor->gid,
				    .egid = actor->egid,
				    .sgid = actor->sgid,
				    .sid = actor->sid,
				    .cap_effective = actor->cap_effective,
				    .cap_permitted = actor->cap_permitted};
	if (!process)
		return;
	known = process_ids(process);
	before->uid = known.uid;
	before->euid = known.euid;
	before->gid = known.gid;
	before->egid = known.egid;
	before->sid = known.sid;
	before->cap_effective = known.cap_effective;
	before->cap_permitted = known.cap_permitted;
}

static void on_ids(struct sensor *sensor, const struct wire_view *view,
		   const struct process *process, const struct wire_ids *before)
{
	const struct wire_actor *now = &view->record.actor;
	struct event *event = &sensor->event;

	if (before->uid != now->uid || before->euid != now->euid || before->suid != now->suid) {
		begin(sensor, view, "uid_change");
		set_id(event, FIELD_LINTEL_PREVIOUS_USER_ID, before->euid);
		set_id(event, FIELD_LINTEL_PREVIOUS_REAL_USER_ID, before->uid);
		emit_end(sensor, process);
	}
	if (before->gid != now->gid || before->egid != now->egid || before->sgid != now->sgid) {
		begin(sensor, view, "gid_change");
		set_id(event, FIELD_LINTEL_PREVIOUS_GROUP_ID, before->egid);
		set_id(event, FIELD_LINTEL_PREVIOUS_REAL_GROUP_ID, before->gid);
		emit_end(sensor, process);
	}
}

static void on_session(struct sensor *sensor, const struct wire_view *view,
		       const struct process *process, const struct wire_ids *before)
{
	if (before->sid == view->record.actor.sid)
		return;
	begin(sensor, view, "session_id_change");
	event_set_int(&sensor->event, FIELD_LINTEL_PREVIOUS_SESSION_ID, before->sid);
	emit_end(sensor, process);
}

static void on_capabilities(struct sensor *sensor, const struct wire_view *view,
			    const struct process *process, const struct wire_ids *before)
{
	const struct wire_actor *now = &view->record.actor;
	struct event *event = &sensor->event;

	if (before->cap_effective == now->cap_effective &&
	    before->cap_permitted == now->cap_permitted)
		return;
	begin(sensor, view, "capset");
	set_capabilities(event, FIELD_LINTEL_PREVIOUS_CAPABILITIES_EFFECTIVE,
			 before->cap_effective);
	set_capabilities(event, FIELD_LINTEL_PREVIOUS_CAPABILITIES_PERMITTED,
			 before->cap_permitted);
	emit_end(sensor, process);
}

void identity_event(struct sensor *sensor, const struct wire_view *view)
{
	struct process_facts facts;
	struct wire_ids before;
	const struct process *process;

	ids_before(sensor, view, &before);
	wire_facts(view, &facts);
	process = process_acting(sensor->processes, &facts);
	if (view->record.kind == WIRE_IDS)
		on_ids(sensor, view, process, &before);
	else if (view->record.kind == WIRE_SESSION)
		on_session(sensor, view, process, &before);
	else
		on_capabilities(sensor, view, process, &before);
}
