/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor_internal.h"

#include <stdio.h>

#include "base/clock.h"

/* How old the difference between boot time and wall clock may get. A clock set by hand or stepped
 * by NTP shows in time stamps after at most this. */
#define OFFSET_KEEP_NS (100 * NS_PER_MS)

static void refresh_offset(struct sensor *sensor)
{
	int64_t now = clock_monotonic_ns();

	if (sensor->offset_read_ns && now - sensor->offset_read_ns < OFFSET_KEEP_NS)
		return;
	sensor->boot_offset_ns = host_boot_offset_ns();
	sensor->offset_read_ns = now;
}

static bool wants(const struct sensor *sensor, uint32_t field)
{
	return field_set_info(sensor->fields, field)->demanded;
}

void emit_begin(struct sensor *sensor, uint64_t boot_ns, struct str provider)
{
	struct event *event = &sensor->event;

	refresh_offset(sensor);
	event_reset(event);
	event->sequence = ++sensor->sequence;
	event->time_ns = (int64_t)boot_ns + sensor->boot_offset_ns;
	event_set_time(event, FIELD_TIMESTAMP, event->time_ns);
	event_set_str(event, FIELD_EVENT_KIND, STR("event"));
	event_set_str(event, FIELD_EVENT_MODULE, STR("endpoint"));
	event_set_str(event, FIELD_EVENT_PROVIDER, provider);
	event_set_str(event, FIELD_ECS_VERSION, STR("8.11.0"));
	event_set_int(event, FIELD_EVENT_SEQUENCE, (int64_t)event->sequence);
	if (wants(sensor, FIELD_EVENT_CREATED))
		event_set_time(event, FIELD_EVENT_CREATED, clock_now_ns());
	if (wants(sensor, FIELD_EVENT_ID))
		event_set_str(event, FIELD_EVENT_ID,
			      arena_printf(&event->arena, "%s%llx", sensor->id_prefix,
					   (unsigned long long)event->sequence));
}

static struct str dataset_of(const char *category)
{
	switch (category[0]) {
	case 'f':
		return STR("endpoint.events.file");
	case 'h':
		return STR("lintel.health");
	case 'n':
		return STR("endpoint.events.network");
	default:
		return STR("endpoint.events.process");
	}
}

void emit_kind(struct sensor *sensor, const char *category, const char *type, const char *action)
{
	struct event *event = &sensor->event;

	event_set_str(event, FIELD_EVENT_CATEGORY, str_from(category));
	event_set_str(event, FIELD_EVENT_TYPE, str_from(type));
	event_set_str(event, FIELD_EVENT_ACTION, str_from(action));
	event_set_str(event, FIELD_EVENT_DATASET, dataset_of(category));
}

void emit_incomplete(struct sensor *sensor, const char *what)
{
	event_append(&sensor->event, FIELD_LINTEL_INCOMPLETE, value_str(str_from(what)));
}

static void hand_on(struct sensor *sensor, const struct process *process)
{
	sensor->handled++;
	if (sensor->handler)
		sensor->handler(sensor->context, &sensor->event, process);
}

void emit_end(struct sensor *sensor, const struct process *process)
{
	host_fill(sensor->host, &sensor->event);
	process_fill(sensor->processes, process, &sensor->event);
	hand_on(sensor, process);
}

void emit_end_host(struct sensor *sensor)
{
	host_fill(sensor->host, &sensor->event);
	hand_on(sensor, NULL);
}
