/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the detector looks from inside.
 *
 *	detector_take() ─┬─ hits of rules without order ──────────────┬─► suppression ─► caps ─► found
 *	                 └─ reorder ─► dispatch to the rule's         │
 *	                               machine, threshold, new terms ─┘
 *
 * What a rule keeps is reached by its number, its place in the rule set.
 */
#ifndef LINTEL_ENGINE_DETECTOR_INTERNAL_H
#define LINTEL_ENGINE_DETECTOR_INTERNAL_H

#include "engine/detector.h"

/*
 * max_signals: at most rule->max_signals findings of a rule in each of its intervals, by event
 * time. Kibana runs a rule every `interval` and stops at max_signals; so does lintel, and says how
 * many more there were.
 */
struct caps;
struct caps *caps_new(const struct rule_set *rules);
void caps_free(struct caps *caps);
/* All rules' intervals are counted from here; without it each rule's begin with its first
 * finding. */
void caps_start(struct caps *caps, int64_t time_ns);
/* True: let it through; *withheld is how many were not since the last one. */
bool caps_admit(struct caps *caps, uint32_t rule, int64_t time_ns, uint64_t *withheld);
uint64_t caps_withheld(const struct caps *caps, uint32_t rule);

/*
 * Events that wait for those before them: a binary heap in kept_event_order_total(). Its bytes are
 * bounded; beyond, the earliest go on before their time.
 */
struct reorder_entry {
	struct kept_event *event; /* a reference of the entry's */
	uint32_t hit_count;
	struct engine_hit hits[];
};

struct reorder {
	struct reorder_entry **heap;
	uint32_t count, cap;
	size_t bytes, bytes_max;
};

void reorder_free(struct reorder *reorder);
/* Takes over a reference; copies the hits. */
void reorder_put(struct reorder *reorder, struct kept_event *event, const struct engine_hit *hits,
		 uint32_t count);
/* The earliest, or NULL. */
const struct reorder_entry *reorder_first(const struct reorder *reorder);
static inline bool reorder_full(const struct reorder *reorder)
{
	return reorder->bytes > reorder->bytes_max;
}
/* Out of the heap; the caller frees it with reorder_entry_free(). */
struct reorder_entry *reorder_take(struct reorder *reorder);
void reorder_entry_free(struct reorder_entry *entry);

/* What is kept of a rule from one event to the next. */
struct rule_run {
	bool ordered; /* its hits must come in order of time */
};

struct detector {
	const struct rule_set *rules;
	const struct field_set *fields;
	struct detector_options options;
	struct rule_run *runs; /* by rule number */
	/* Rules by address, open addressing, at most half full: rule number + 1. */
	uint32_t *slots;
	uint32_t slot_mask;
	uint32_t *kept_fields;
	uint32_t kept_field_count;
	struct caps *caps;
	struct reorder reorder;
	int64_t stream_ns;               /* how far the stream reaches */
	int64_t released_ns;             /* latest time of an event that went on */
	struct engine_hit *ordered_hits; /* of the event in hand */
	uint32_t ordered_cap;
};

/* The number of a rule of the detector's set. */
uint32_t detector_rule_number(const struct detector *detector, const struct rule *rule);
/* What came out of a rule, before suppression and max_signals. */
void detector_found(struct detector *detector, uint32_t rule, struct finding *finding);

#endif
