/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From hits to findings: everything about a rule that one event does not decide.
 *
 *	worker(s)                      │ one thread
 *	event ─engine_match()─► hits ──┼─► detector_take() ─┬─ stateless ───────────────► finding
 *	        + kept event           │                    └─ in time order ─► machine,
 *	                               │                       threshold, new terms ────► finding
 *
 * Events may come out of order. What needs order waits until `tolerance_ns` of the stream's own
 * time has passed, then goes on in order (kept_event_order_total); what comes later than that is
 * counted (COUNTER_EVENT_LATE) and taken at once, where it can no longer join what is behind it. So
 * a stream and a file of the same events give the same findings.
 *
 * Suppression, max_signals and building blocks are applied here as well, so that watch, hunt and
 * tests agree.
 */
#ifndef LINTEL_ENGINE_DETECTOR_H
#define LINTEL_ENGINE_DETECTOR_H

#include "engine/engine.h"
#include "event/json.h"
#include "event/kept.h"

struct detector;

/* Borrowed for the call. */
struct finding {
	const struct rule *rule;
	struct kept_event *const *events; /* in stage order; NULL for a missing one */
	uint32_t event_count;
	/* Join keys; of threshold and new_terms rules the values of their fields, in that order. */
	const struct value *keys;
	uint32_t key_count;
	uint64_t count;       /* threshold: events counted; else 0 */
	uint64_t cardinality; /* threshold with cardinality: different values; else 0 */
	/* With alert_suppression: values of its fields (null for a missing one), and how many alerts
	 * with the same ones were left out since the last one that was not. */
	const struct value *group;
	uint32_t group_count;
	uint64_t suppressed;
	uint64_t withheld; /* alerts of this rule held back by max_signals since the last one */
};

/* Out-of-order events are waited for this long by default. */
#define DETECTOR_TOLERANCE_DEFAULT_NS (INT64_C(2) * 1000 * 1000 * 1000)
/* Default bound of all state together. */
#define DETECTOR_BYTES_DEFAULT ((size_t)256 << 20)

struct detector_options {
	int64_t tolerance_ns;
	size_t bytes_max;
	void (*found)(void *context, const struct finding *finding);
	void *context;
};

/* `rules` and `fields` must outlive the detector. */
struct detector *detector_new(const struct rule_set *rules, const struct field_set *fields,
			      const struct detector_options *options);
void detector_free(struct detector *detector);

/* max_signals counts in intervals from `time_ns` on, as if Kibana's schedule had begun there; a
 * hunt gives its first event's time. Without it each rule's begin with its first finding. */
void detector_start(struct detector *detector, int64_t time_ns);

/* A kept event with what its hits need of it: the document only if it can be in a finding, which
 * an event that only tells who descends from whom cannot. Ties are broken by event.sequence. Only
 * reads the detector, so any thread may call it. */
struct kept_event *detector_keep(const struct detector *detector, const struct event *event,
				 const struct engine_hit *hits, uint32_t count, uint64_t arrival,
				 struct str document);

/* The same in a block; the event's own document is borrowed. */
struct kept_event *detector_keep_in(const struct detector *detector, struct kept_block *block,
				    const struct event *event, const struct engine_hit *hits,
				    uint32_t count);

/* An event with its hits (copied), from a stream whose events so far, this one among them, reach up
 * to `stream_time_ns`: for one stream the latest time seen, for several the least of theirs. Takes
 * over the caller's reference. Which findings come out
 * depends on these calls alone; detector_advance() between them only has them come sooner. */
void detector_take(struct detector *detector, struct kept_event *event,
		   const struct engine_hit *hits, uint32_t count, int64_t stream_time_ns);
/* An event kept in a block, with hits that live as long as the block does. */
struct detector_event {
	struct kept_event *event;
	struct kept_block *block;
	int64_t time_ns; /* the event's */
	uint64_t arrival;
	const struct engine_hit *hits;
	uint32_t hit_count;
};
/* The same for such an event. Of one that turns out to be of no interest nothing is looked at but
 * what is in `taken`. */
void detector_take_in(struct detector *detector, const struct detector_event *taken,
		      int64_t stream_time_ns);
/* Time went on without hits. */
void detector_advance(struct detector *detector, int64_t stream_time_ns);
/* The input pauses (it goes on with saved state): what waits for order goes on now, but sequences
 * that wait for time to pass go on waiting. */
void detector_flush(struct detector *detector);
/* The input ends: what waits is decided. */
void detector_finish(struct detector *detector);

/* Per rule with any: what suppression and max_signals left out, for the summary. */
void detector_report(const struct detector *detector,
		     void (*each)(void *context, const struct rule *rule, uint64_t suppressed,
				  uint64_t withheld),
		     void *context);

/*
 * State across a restart: a file that is replaced atomically. What belongs to rules that are gone
 * or have changed is left out on loading and counted (COUNTER_STATE_DROPPED). `reader` and `fields`
 * make events of the saved documents again. 0, -ENOENT, -EINVAL (not a state file; nothing loaded)
 * or -errno.
 */
/* Counts up with all that changes the state, so that one need not save what is saved. */
uint64_t detector_changes(const struct detector *detector);
int detector_save(const struct detector *detector, const char *path)
    __attribute__((warn_unused_result));
int detector_load(struct detector *detector, const char *path, struct event_reader *reader)
    __attribute__((warn_unused_result));

#endif
