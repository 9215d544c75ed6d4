/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert: one document, the same from live watch and from a hunt.
 *
 * Its id is a hash of rule id, rule version, host and the ids of its events, so the same finding
 * over the same events has the same id whenever and wherever it is made: replaying creates nothing
 * new. `lintel.alert.events` holds the full matched events.
 */
#ifndef LINTEL_ENGINE_ALERT_H
#define LINTEL_ENGINE_ALERT_H

#include "engine/detector.h"

struct alert {
	char id[33]; /* 128-bit hash in hex */
	const struct rule *rule;
	const struct event *const *events; /* in stage order; NULL for a missing one */
	uint32_t event_count;
	int64_t time_ns; /* of the last event */
	/* The acting process and its ancestors, nearest first, as JSON array text; empty when the
	 * source knows no lineage (the event's own process.parent is shown then). */
	struct str ancestors;
	/* As in struct finding. */
	const struct value *keys;
	uint32_t key_count;
	const struct value *group;
	uint32_t group_count;
	uint64_t count, cardinality, suppressed, withheld;
};

/* Fill `alert` from a finding whose events were read into `events`, which the alert borrows. */
void alert_from_finding(struct alert *alert, const struct finding *finding,
			const struct event *const *events);

/* What findings are made alerts with: it reads their events' documents into events of its own. */
struct alert_maker;

/* `fields` must not change any more: every event is read for all that is demanded there. */
struct alert_maker *alert_maker_new(const struct field_set *fields);
void alert_maker_free(struct alert_maker *maker);
/* The alert borrows from the maker until its next call, and from the finding. 0, or -EINVAL or
 * -E2BIG (logged and counted) when a document cannot be read again; the alert is not made then. */
int alert_make(struct alert_maker *maker, const struct finding *finding, struct alert *alert)
    __attribute__((warn_unused_result));

/* Append the alert as one JSON line without newline: ECS of the last event's process/file/host/user
 * plus rule.*, threat.*, lintel.alert.*; event.kind is "alert". */
void alert_write_json(const struct alert *alert, struct buf *out);
/* One sentence: who did what to what; of several events, one after the other. */
void alert_sentence(const struct alert *alert, struct buf *out);

#endif
