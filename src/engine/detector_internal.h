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
#include "engine/groups_internal.h"
#include "eql/machine.h"

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
 * Events that wait for those before them, in kept_event_order_total(). Most come in order: they are
 * queued in a ring, and cost one comparison. Those that are before the ring's last go to a binary
 * heap. The earliest is the first of either. Their bytes are bounded; beyond, the earliest go on
 * before their time.
 *
 * An entry has a copy of the event's time and its arrival, and events in a block wait with their
 * hits where they are: one that is passed over costs no look at the event, which is not in the
 * processor's cache any more.
 */
struct reorder_entry {
	int64_t time_ns;
	uint64_t arrival;         /* the event gets it when it is handed on */
	struct kept_event *event; /* a reference of the entry's */
	struct kept_block
	    *block; /* the event's: of it and of the hits; NULL: both are own memory */
	const struct engine_hit *hits;
	uint32_t hit_count;
	bool handed_on; /* to some rule: others may have asked for a copy of the event */
};

struct reorder {
	struct reorder_entry *ring; /* entry i is at (ring_first + i) & (ring_cap - 1) */
	uint32_t ring_first, ring_count, ring_cap;
	struct reorder_entry *heap;
	uint32_t heap_count, heap_cap;
	uint32_t count; /* of both */
	size_t bytes, bytes_max;
};

void reorder_free(struct reorder *reorder);
/* Takes over a reference; copies the hits unless they are in a block. */
void reorder_put(struct reorder *reorder, const struct reorder_entry *entry);
/* The earliest, or NULL. */
const struct reorder_entry *reorder_first(const struct reorder *reorder);
static inline bool reorder_full(const struct reorder *reorder)
{
	return reorder->bytes > reorder->bytes_max;
}
/* One that is about to be the earliest, when `ahead` others are taken and none comes before it; NULL
 * if there are not that many. */
const struct reorder_entry *reorder_ahead(const struct reorder *reorder, uint32_t ahead);
/* Each of reorder->count, in no order. */
const struct reorder_entry *reorder_at(const struct reorder *reorder, uint32_t i);
/* The earliest, taken out; its memory is given back by reorder_entry_free(). */
struct reorder_entry reorder_take(struct reorder *reorder);
void reorder_entry_free(const struct reorder_entry *entry);
/* The same for one that was never put, whose hits are borrowed. */
void reorder_entry_drop(const struct reorder_entry *entry);

/*
 * threshold: of each tuple of group fields, the events counted within the rule's look-back, oldest
 * first, and how many of them have which value of the cardinality field.
 */
struct counted {
	int64_t time_ns;
	struct kept_event *event; /* of the latest THRESHOLD_EVENTS_SHOWN; else NULL */
	uint32_t value_count;
	union { /* hashes of the different values of the cardinality field */
		uint64_t value;
		uint64_t *values; /* more than one */
	};
};

/* How often a value is among those counted; open addressing by hash, at most half full. */
struct tally {
	struct tally_slot {
		uint64_t hash, count; /* count 0: free */
	} * slots;
	uint32_t mask, used;
};

struct threshold_group {
	struct group group;
	struct value *keys; /* one allocation */
	size_t key_bytes;
	struct counted *counted; /* a ring; cap is a power of two */
	uint32_t first, count, cap;
	struct tally tally;
};

/* An alert shows this many of the events it counted: a threshold of a million is no document. */
#define THRESHOLD_EVENTS_SHOWN 100

void threshold_init(struct detector *detector, size_t bytes_max);
void threshold_take(struct detector *detector, uint32_t rule, struct kept_event *event);
/* One event more in a group, without looking whether it is enough. */
struct threshold_group *threshold_add(struct detector *detector, uint32_t rule,
				      const struct value *keys, struct group_hash hash,
				      const struct counted *counted);

/* new_terms: when a tuple of values was last seen. */
struct term {
	struct group group;
	int64_t last_ns;
};

void new_terms_init(struct detector *detector, size_t bytes_max);
void new_terms_take(struct detector *detector, uint32_t rule, struct kept_event *event);

/*
 * alert_suppression: of each tuple of group_by values, when the last alert came that was let
 * through, and how many were not since then.
 */
struct suppressed {
	struct group group;
	int64_t start_ns;
	uint64_t count;
};

void suppression_init(struct detector *detector, size_t bytes_max);
/* True: let it through; the finding's group and suppressed are set. */
bool suppression_admit(struct detector *detector, uint32_t rule, struct finding *finding,
		       int64_t time_ns);

/* Elastic's Linux rules keep about 60 fields; with more than the bits of these words, all that any
 * rule reads is kept of every event. */
#define KEPT_FIELD_WORDS 4

/*
 * What every hit looks at first, by rule. Most hits are of the last stage of a sequence whose first
 * nobody has seen, or tell who is whose parent when no process matters: the rule's machine is asleep
 * (it holds nothing), and they are none that wake it. Those go no further.
 */
struct rule_gate {
	uint64_t wakes; /* bit f: hits of filter f do; the last bit is of all filters from there */
	int64_t passed_ns; /* latest time of hits that went no further */
	bool awake;
	bool large;   /* the machine has more keys than the processor's cache */
	bool ordered; /* hits must come in order of time */
};

static inline uint32_t gate_bit(uint32_t filter)
{
	return filter < 63 ? filter : 63;
}

/* What is kept of a rule from one event to the next. */
struct rule_run {
	bool runs;
	bool ordered; /* its hits must come in order of time */
	bool active;  /* is in detector.active */
	bool *silent; /* by filter: is only of relations; NULL: none is */
	/* Which of detector.kept_fields it reads, if these are not too many for the bits. */
	uint64_t fields[KEPT_FIELD_WORDS];
	struct eql_machine *machine; /* of queries that one event does not decide */
	struct detector *detector;
	uint32_t number;
	uint64_t suppressed;     /* findings that alert_suppression left out */
	struct group_hash check; /* of all on which the meaning of its state depends */
};

struct detector {
	const struct rule_set *rules;
	const struct field_set *fields;
	struct detector_options options;
	struct rule_run *runs; /* by rule number, as all below */
	struct rule_gate *gates;
	uint32_t *kept_fields;
	uint32_t kept_field_count;
	struct caps *caps;
	struct reorder reorder;
	struct eql_pool *pool; /* of all machines */
	uint32_t *active;      /* numbers of rules whose machine holds partial results */
	uint32_t active_count;
	int64_t advanced_ns;   /* machines were told that no event before this will come */
	uint64_t arrival_base; /* added to arrivals: those of loaded events come before */
	uint64_t changes;      /* of what detector_save() writes */
	int64_t stream_ns;     /* how far the stream reaches */
	int64_t released_ns;   /* latest time of an event that went on */
	struct group_table thresholds, terms, suppressions;
	struct value group_values[RULE_GROUP_FIELDS_MAX]; /* of the finding in hand */
};

static inline bool gate_passes(const struct rule_gate *gate, const struct engine_hit *hit)
{
	return gate->awake || (gate->wakes >> gate_bit(hit->filter) & 1);
}

/* The processor is told what the events that go on next will need: see detector_ahead.c. */
void detector_look_ahead(const struct detector *detector);
/* After the rule's machine has taken something or was loaded: is it awake, is it to be told of the
 * time that passes? */
void detector_note_state(struct detector *detector, struct rule_run *run);
/* Has each machine know what time it was when hits were passed over. */
void detector_sync_time(const struct detector *detector);
/* What came out of a rule, before suppression and max_signals. */
void detector_found(struct detector *detector, uint32_t rule, struct finding *finding);

#endif
