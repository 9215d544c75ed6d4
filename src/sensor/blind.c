/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blind spots: what was lost becomes an event of its own, with the time and the cause, so that a rule
 * can raise an alert on it and whoever reads the stream later knows where it has holes.
 */
#include "sensor/sensor_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "process/host.h"

/* The first loss is told within a second; as long as it goes on, the sum of each such time. */
#define TELL_AGAIN_NS (10 * NS_PER_SEC)

/* Losses behind which a match may hide. Texts cut, records late by a little and the like are counted
 * too, but leave an event. */
static const enum counter causes[] = {
    COUNTER_RING_FULL,        COUNTER_RING_SHED,         COUNTER_KERNEL_MAP_FULL,
    COUNTER_KERNEL_MISSED,    COUNTER_RECORD_INVALID,    COUNTER_FANOTIFY_OVERFLOW,
    COUNTER_PROCESS_EVICTED,  COUNTER_REORDER_FULL,      COUNTER_SEQUENCE_EVICTED,
    COUNTER_LINEAGE_EVICTED,  COUNTER_THRESHOLD_EVICTED, COUNTER_NEW_TERMS_EVICTED,
    COUNTER_EVALUATION_ERROR, COUNTER_OUTPUT_FAILED,
};

#define CAUSE_COUNT (sizeof(causes) / sizeof(causes[0]))

/* What kinds of records are called in events; several may be one, and the rest is "process". */
static const char *const kind_names[WIRE_KIND_COUNT] = {
    [WIRE_FORK] = "fork",       [WIRE_EXEC] = "exec",       [WIRE_EXIT] = "end",
    [WIRE_FILE] = "file",       [WIRE_PATHS] = "file",      [WIRE_PLACES] = "file",
    [WIRE_MOUNTS] = "mounts",   [WIRE_NETWORK] = "network", [WIRE_DNS] = "dns",
    [WIRE_LIBRARY] = "library", [WIRE_MAP] = "memory",      [WIRE_PROTECT] = "memory",
    [WIRE_MEMFD] = "memory",
};

/* Losses by kind of record, as last told of. */
struct by_kind {
	uint64_t told[WIRE_KIND_COUNT];
	bool is_new[WIRE_KIND_COUNT];
};

struct blind {
	struct cause {
		uint64_t told; /* the counter when it was last told of */
		uint64_t seen; /* when it was last looked at */
		int64_t
		    since_ns; /* when what is not yet told of began, at the earliest; 0: nothing */
		int64_t told_ns; /* CLOCK_MONOTONIC; 0: never */
	} causes[CAUSE_COUNT];
	struct by_kind full, shed;
	int64_t looked_ns; /* boot time of the last look */
};

struct blind *blind_new(void)
{
	return xcalloc(1, sizeof(struct blind));
}

void blind_free(struct blind *blind)
{
	free(blind);
}

static void note_kinds(struct by_kind *k, const uint64_t now[WIRE_KIND_COUNT])
{
	for (int kind = 0; kind < WIRE_KIND_COUNT; kind++) {
		k->is_new[kind] |= now[kind] != k->told[kind];
		k->told[kind] = now[kind];
	}
}

static const char *name_of(int kind)
{
	return kind_names[kind] ? kind_names[kind] : "process";
}

static bool is_named_before(const struct by_kind *k, int kind)
{
	for (int other = 0; other < kind; other++)
		if (k->is_new[other] && strcmp(name_of(other), name_of(kind)) == 0)
			return true;
	return false;
}

static void add_kinds(struct sensor *sensor, struct by_kind *k)
{
	for (int kind = 0; kind < WIRE_KIND_COUNT; kind++)
		if (k->is_new[kind] && !is_named_before(k, kind))
			event_append(&sensor->event, FIELD_LINTEL_LOSS_KIND,
				     value_str(str_from(name_of(kind))));
	for (int kind = 0; kind < WIRE_KIND_COUNT; kind++)
		k->is_new[kind] = false;
}

static void emit_loss(struct blind *blind, struct sensor *sensor, enum counter counter,
		      uint64_t count, int64_t since_boot_ns, int64_t now_boot_ns)
{
	struct event *event = &sensor->event;

	emit_begin(sensor, (uint64_t)now_boot_ns, STR("lintel"));
	emit_kind(sensor, "host", "info", "events_lost");
	event_set_time(event, FIELD_EVENT_START, since_boot_ns + sensor->boot_offset_ns);
	event_set_time(event, FIELD_EVENT_END, event->time_ns);
	event_set_str(event, FIELD_EVENT_REASON, str_from(counter_text(counter)));
	event_set_str(event, FIELD_LINTEL_LOSS_CAUSE, counter_name(counter));
	event_set_int(event, FIELD_LINTEL_LOSS_COUNT, (int64_t)count);
	if (counter == COUNTER_RING_FULL)
		add_kinds(sensor, &blind->full);
	else if (counter == COUNTER_RING_SHED)
		add_kinds(sensor, &blind->shed);
	emit_end_host(sensor);
	log_warning("blind spot: %" PRIu64 " %s", count, counter_text(counter));
}

static void tell_one(struct blind *blind, struct sensor *sensor, size_t n, int64_t now_boot_ns)
{
	struct cause *cause = &blind->causes[n];
	uint64_t count = counter_get(causes[n]);
	int64_t now = clock_monotonic_ns();

	if (count != cause->seen && !cause->since_ns)
		cause->since_ns = blind->looked_ns ? blind->looked_ns : now_boot_ns;
	cause->seen = count;
	if (!cause->since_ns || (cause->told_ns && now - cause->told_ns < TELL_AGAIN_NS))
		return;
	emit_loss(blind, sensor, causes[n], count - cause->told, cause->since_ns, now_boot_ns);
	cause->told = count;
	cause->told_ns = now;
	cause->since_ns = 0;
}

void blind_tell(struct blind *blind, struct sensor *sensor)
{
	uint64_t full[WIRE_KIND_COUNT], shed[WIRE_KIND_COUNT];
	int64_t now_boot_ns = clock_now_ns() - host_boot_offset_ns();

	bpf_side_losses(sensor->bpf, full, shed);
	note_kinds(&blind->full, full);
	note_kinds(&blind->shed, shed);
	for (size_t n = 0; n < CAUSE_COUNT; n++)
		tell_one(blind, sensor, n, now_boot_ns);
	blind->looked_ns = now_boot_ns;
}
