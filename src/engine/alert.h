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

#include "engine/engine.h"

struct alert {
	char id[33]; /* 128-bit hash in hex */
	const struct rule *rule;
	const struct event *const *events; /* in stage order; NULL for a missing one */
	uint32_t event_count;
	int64_t time_ns; /* of the last event */
	/* The acting process and its ancestors, nearest first, as JSON array text; empty when the
	 * source knows no lineage (the event's own process.parent is shown then). */
	struct str ancestors;
	uint64_t withheld; /* alerts of this rule held back by max_signals since the last one let
			      through */
};

/* Fill `alert` from a match of a single event. */
void alert_from_event(struct alert *alert, const struct rule *rule,
		      const struct event *const *event);
/* Append the alert as one JSON line without newline: ECS of the last event's process/file/host/user
 * plus rule.*, threat.*, lintel.alert.*; event.kind is "alert". */
void alert_write_json(const struct alert *alert, struct buf *out);
/* One sentence: who did what to what. */
void alert_sentence(const struct alert *alert, struct buf *out);

/*
 * max_signals: at most rule->max_signals alerts of a rule in each of its intervals, by event time.
 * Kibana runs a rule every `interval` and stops at max_signals; so does lintel, and says how many
 * more there were.
 */
struct alert_caps;
struct alert_caps *alert_caps_new(const struct rule_set *rules);
void alert_caps_free(struct alert_caps *caps);
/* All rules' intervals are counted from `time_ns`, as if Kibana's schedule had begun there; a hunt
 * gives its first event's time. Without it each rule's begin with its first alert. */
void alert_caps_start(struct alert_caps *caps, int64_t time_ns);
/* True: let it through (alert->withheld is set). False: it is counted and withheld. */
bool alert_caps_admit(struct alert_caps *caps, struct alert *alert);
/* What was withheld, per rule, for the summary; calls `each` for rules with any. */
void alert_caps_report(const struct alert_caps *caps,
		       void (*each)(void *context, const struct rule *rule, uint64_t withheld),
		       void *context);

#endif
