/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "engine/detector_internal.h"

void detector_start(struct detector *d, int64_t time_ns)
{
	caps_start(d->caps, time_ns);
}

static bool is_silent(const struct detector *d, const struct engine_hit *hit)
{
	const struct rule_run *run = detector_run(d, hit->rule);

	return run->silent && run->silent[hit->filter];
}

/* What the rules that were hit read of the event: `fields` gets their ids, ascending. */
static uint32_t fields_of_hits(const struct detector *d, const struct engine_hit *hits,
			       uint32_t count, uint32_t *fields)
{
	uint64_t wanted[KEPT_FIELD_WORDS] = {0};
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct rule_run *run = detector_run(d, hits[i].rule);

		for (uint32_t w = 0; w < KEPT_FIELD_WORDS; w++)
			wanted[w] |= run->fields[w];
	}
	for (uint32_t w = 0; w < KEPT_FIELD_WORDS; w++)
		for (; wanted[w]; wanted[w] &= wanted[w] - 1)
			fields[n++] = d->kept_fields[w * 64 + (uint32_t)__builtin_ctzll(wanted[w])];
	return n;
}

/* Relations look at entity ids, and show nothing. */
static bool needs_document(const struct detector *d, const struct engine_hit *hits, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!is_silent(d, &hits[i]))
			return true;
	return false;
}

/* `block` may be NULL. */
static struct kept_event *keep(const struct detector *d, struct kept_block *block,
			       const struct event *event, const struct engine_hit *hits,
			       uint32_t count, uint64_t arrival, struct str document)
{
	uint32_t some[KEPT_FIELD_WORDS * 64], n = d->kept_field_count;
	const uint32_t *fields = d->kept_fields;

	if (n <= sizeof(some) / sizeof(*some)) {
		n = fields_of_hits(d, hits, count, some);
		fields = some;
	}
	if (!needs_document(d, hits, count))
		document = STR_NULL;
	return block ? kept_event_new_in(block, event, fields, n, FIELD_EVENT_SEQUENCE, arrival,
					 document)
		     : kept_event_new(event, fields, n, FIELD_EVENT_SEQUENCE, arrival, document);
}

struct kept_event *detector_keep(const struct detector *d, const struct event *event,
				 const struct engine_hit *hits, uint32_t count, uint64_t arrival,
				 struct str document)
{
	return keep(d, NULL, event, hits, count, arrival, document);
}

struct kept_event *detector_keep_in(const struct detector *d, struct kept_block *block,
				    const struct event *event, const struct engine_hit *hits,
				    uint32_t count)
{
	return keep(d, block, event, hits, count, 0, event->document);
}

/* Of the last event: then it was complete. */
static int64_t time_of(const struct finding *finding)
{
	for (uint32_t i = finding->event_count; i-- > 0;)
		if (finding->events[i])
			return finding->events[i]->time_ns;
	return INT64_MIN;
}

void detector_found(struct detector *d, uint32_t rule, struct finding *finding)
{
	int64_t time_ns = time_of(finding);

	finding->rule = d->rules->rules[rule];
	if (finding->rule->suppressed && !suppression_admit(d, rule, finding, time_ns))
		return;
	if (caps_admit(d->caps, rule, time_ns, &finding->withheld))
		d->options.found(d->options.context, finding);
}

static void found_event(struct detector *d, uint32_t rule, struct kept_event *event)
{
	struct finding finding = {.events = &event, .event_count = 1};

	detector_found(d, rule, &finding);
}

void detector_note_active(struct detector *d, struct rule_run *run)
{
	if (run->active || !eql_machine_live(run->machine))
		return;
	run->active = true;
	d->active[d->active_count++] = run->number;
}

static void run_machine(struct detector *d, struct rule_run *run, struct kept_event *event,
			const struct engine_hit *hits, uint32_t count)
{
	uint32_t filters[EQL_STAGES_MAX + EQL_RELATIONS_MAX + 2];
	const uint32_t most = sizeof(filters) / sizeof(*filters);

	count = count < most ? count : most;
	for (uint32_t i = 0; i < count; i++)
		filters[i] = hits[i].filter;
	eql_machine_take(run->machine, event, filters, count);
	detector_note_active(d, run);
}

/* All hits of one event and one rule, in order of filters. */
static void dispatch(struct detector *d, struct kept_event *event, const struct engine_hit *hits,
		     uint32_t count)
{
	struct rule_run *run = detector_run(d, hits->rule);

	switch (hits->rule->kind) {
	case RULE_KIND_THRESHOLD:
		threshold_take(d, run->number, event);
		return;
	case RULE_KIND_NEW_TERMS:
		new_terms_take(d, run->number, event);
		return;
	case RULE_KIND_EQL:
	case RULE_KIND_QUERY:
		break;
	}
	if (run->machine)
		run_machine(d, run, event, hits, count);
	else
		found_event(d, run->number, event);
}

/* Rules that need no order first: they wait for nothing. Returns how many hits are left, in
 * d->ordered_hits. */
static uint32_t dispatch_unordered(struct detector *d, struct kept_event *event,
				   const struct engine_hit *hits, uint32_t count)
{
	uint32_t ordered = 0;

	if (count > d->ordered_cap) {
		d->ordered_cap = count;
		d->ordered_hits = xreallocarray(d->ordered_hits, count, sizeof(*hits));
	}
	for (uint32_t i = 0; i < count; i++)
		if (detector_run(d, hits[i].rule)->ordered)
			d->ordered_hits[ordered++] = hits[i];
		else
			dispatch(d, event, &hits[i], 1);
	return ordered;
}

static void dispatch_by_rule(struct detector *d, struct kept_event *event,
			     const struct engine_hit *hits, uint32_t count)
{
	uint32_t n;

	for (uint32_t i = 0; i < count; i += n) {
		for (n = 1; i + n < count && hits[i + n].rule == hits[i].rule; n++)
			;
		dispatch(d, event, &hits[i], n);
	}
}

static void release_first(struct detector *d)
{
	struct reorder_entry *entry = reorder_take(&d->reorder);

	if (entry->event->time_ns > d->released_ns)
		d->released_ns = entry->event->time_ns;
	dispatch_by_rule(d, entry->event, entry->hits, entry->hit_count);
	reorder_entry_free(entry);
	d->changes++;
}

/* Events before this time are no longer waited for. */
static int64_t horizon(const struct detector *d)
{
	int64_t time;

	if (d->stream_ns == INT64_MIN ||
	    __builtin_sub_overflow(d->stream_ns, d->options.tolerance_ns, &time))
		return INT64_MIN;
	return time;
}

/* Time alone decides something of machines that hold partial results; asking each at every event
 * would cost more than that is worth. */
#define ADVANCE_STEP_NS (100 * NS_PER_MS)

static void advance_machines(struct detector *d)
{
	int64_t before = horizon(d);
	uint32_t left = 0;

	if (before == INT64_MIN ||
	    (d->advanced_ns != INT64_MIN && before < d->advanced_ns + ADVANCE_STEP_NS))
		return;
	d->advanced_ns = before;
	for (uint32_t i = 0; i < d->active_count; i++) {
		struct rule_run *run = &d->runs[d->active[i]];

		eql_machine_advance(run->machine, before);
		run->active = eql_machine_live(run->machine) > 0;
		if (run->active)
			d->active[left++] = run->number;
	}
	d->active_count = left;
}

static void release(struct detector *d)
{
	int64_t before = horizon(d);

	while (d->reorder.count && reorder_first(&d->reorder)->event->time_ns < before)
		release_first(d);
	while (reorder_full(&d->reorder)) {
		counter_add(COUNTER_REORDER_FULL, 1);
		release_first(d);
	}
	advance_machines(d);
}

/* No place in a sequence, no window to count in: only what one event decides alone. */
static void dispatch_untimed(struct detector *d, struct kept_event *event, uint32_t count)
{
	bool left_out = false;

	for (uint32_t i = 0; i < count; i++) {
		const struct rule *rule = d->ordered_hits[i].rule;

		if ((rule->kind == RULE_KIND_EQL || rule->kind == RULE_KIND_QUERY) &&
		    eql_query_is_stateless(rule->query))
			dispatch(d, event, &d->ordered_hits[i], 1);
		else
			left_out = true;
	}
	if (left_out)
		counter_add(COUNTER_EVENT_UNTIMED, 1);
}

static void put_in_order(struct detector *d, struct kept_event *event, uint32_t count)
{
	if (event->time_ns < horizon(d) || event->time_ns < d->released_ns) {
		counter_add(COUNTER_EVENT_LATE, 1);
		dispatch_by_rule(d, event, d->ordered_hits, count);
		kept_event_unref(event);
		return;
	}
	reorder_put(&d->reorder, event, d->ordered_hits, count);
}

void detector_take(struct detector *d, struct kept_event *event, const struct engine_hit *hits,
		   uint32_t count, int64_t stream_time_ns)
{
	uint32_t ordered = dispatch_unordered(d, event, hits, count);

	event->arrival += d->arrival_base;
	if (stream_time_ns > d->stream_ns)
		d->stream_ns = stream_time_ns;
	/* What this event shows to be over goes first, also when the event itself is late. */
	release(d);
	if (!ordered) {
		kept_event_unref(event);
	} else if (event->time_ns == INT64_MIN) {
		dispatch_untimed(d, event, ordered);
		kept_event_unref(event);
	} else {
		d->changes++;
		put_in_order(d, event, ordered);
		release(d);
	}
}

void detector_advance(struct detector *d, int64_t stream_time_ns)
{
	if (stream_time_ns > d->stream_ns)
		d->stream_ns = stream_time_ns;
	release(d);
}

void detector_flush(struct detector *d)
{
	while (d->reorder.count)
		release_first(d);
}

void detector_finish(struct detector *d)
{
	detector_flush(d);
	for (uint32_t i = 0; i < d->rules->count; i++)
		if (d->runs[i].machine)
			eql_machine_finish(d->runs[i].machine);
}

uint64_t detector_changes(const struct detector *d)
{
	return d->changes;
}

void detector_report(const struct detector *d,
		     void (*each)(void *context, const struct rule *rule, uint64_t suppressed,
				  uint64_t withheld),
		     void *context)
{
	for (uint32_t i = 0; i < d->rules->count; i++) {
		uint64_t withheld = caps_withheld(d->caps, i);

		if (withheld || d->runs[i].suppressed)
			each(context, d->rules->rules[i], d->runs[i].suppressed, withheld);
	}
}
