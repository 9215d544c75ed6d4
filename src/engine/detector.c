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
	const struct rule_run *run = &d->runs[hit->number];

	return run->silent && run->silent[hit->filter];
}

/* What the rules that were hit read of the event: `fields` gets their ids, ascending. */
static uint32_t fields_of_hits(const struct detector *d, const struct engine_hit *hits,
			       uint32_t count, uint32_t *fields)
{
	uint64_t wanted[KEPT_FIELD_WORDS] = {0};
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct rule_run *run = &d->runs[hits[i].number];

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

void detector_note_state(struct detector *d, struct rule_run *run)
{
	d->gates[run->number].awake = eql_machine_holds(run->machine);
	d->gates[run->number].large = eql_machine_is_large(run->machine);
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
	eql_machine_pass(run->machine, d->gates[run->number].passed_ns);
	eql_machine_take(run->machine, event, filters, count);
	detector_note_state(d, run);
}

/* All hits of one event and one rule, in order of filters. */
static void dispatch(struct detector *d, struct kept_event *event, const struct engine_hit *hits,
		     uint32_t count)
{
	struct rule_run *run = &d->runs[hits->number];

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

/* Hands on one rule's hits or, what is most often the case, none: the rule is asleep. */
static void pass_gate(struct detector *d, struct reorder_entry *entry,
		      const struct engine_hit *hits, uint32_t count)
{
	struct rule_gate *gate = &d->gates[hits->number];
	bool passes = false;

	for (uint32_t i = 0; i < count && !passes; i++)
		passes = gate_passes(gate, &hits[i]);
	if (!passes) {
		if (entry->time_ns > gate->passed_ns)
			gate->passed_ns = entry->time_ns;
		return;
	}
	entry->event->arrival = entry->arrival;
	entry->handed_on = true;
	dispatch(d, entry->event, hits, count);
}

/* Of rules that need order, or of those that need none. */
static void hand_on(struct detector *d, struct reorder_entry *entry, bool ordered)
{
	uint32_t n;

	for (uint32_t i = 0; i < entry->hit_count; i += n) {
		const struct engine_hit *hits = &entry->hits[i];

		for (n = 1; i + n < entry->hit_count && hits[n].number == hits->number; n++)
			;
		if (d->gates[hits->number].ordered == ordered)
			pass_gate(d, entry, hits, n);
	}
}

static void release_first(struct detector *d)
{
	struct reorder_entry entry = reorder_take(&d->reorder);

	if (entry.time_ns > d->released_ns)
		d->released_ns = entry.time_ns;
	detector_look_ahead(d);
	hand_on(d, &entry, true);
	reorder_entry_free(&entry);
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
		d->gates[run->number].awake = eql_machine_holds(run->machine);
		run->active = eql_machine_live(run->machine) > 0;
		if (run->active)
			d->active[left++] = run->number;
	}
	d->active_count = left;
}

static void release(struct detector *d)
{
	int64_t before = horizon(d);

	while (d->reorder.count && reorder_first(&d->reorder)->time_ns < before)
		release_first(d);
	while (reorder_full(&d->reorder)) {
		counter_add(COUNTER_REORDER_FULL, 1);
		release_first(d);
	}
	advance_machines(d);
}

/* No place in a sequence, no window to count in: only what one event decides alone. */
static void hand_on_untimed(struct detector *d, struct reorder_entry *entry)
{
	bool left_out = false;

	for (uint32_t i = 0; i < entry->hit_count; i++) {
		const struct engine_hit *hit = &entry->hits[i];

		if (!d->gates[hit->number].ordered)
			continue;
		if (d->runs[hit->number].machine || hit->rule->kind == RULE_KIND_THRESHOLD ||
		    hit->rule->kind == RULE_KIND_NEW_TERMS)
			left_out = true;
		else
			pass_gate(d, entry, hit, 1);
	}
	if (left_out)
		counter_add(COUNTER_EVENT_UNTIMED, 1);
}

static bool needs_order(const struct detector *d, const struct reorder_entry *entry)
{
	for (uint32_t i = 0; i < entry->hit_count; i++)
		if (d->gates[entry->hits[i].number].ordered)
			return true;
	return false;
}

/* Takes over the entry's reference. */
static void take_ordered(struct detector *d, struct reorder_entry *entry)
{
	bool late = entry->time_ns < horizon(d) || entry->time_ns < d->released_ns;

	if (entry->time_ns == INT64_MIN) {
		hand_on_untimed(d, entry);
	} else if (late) {
		d->changes++;
		counter_add(COUNTER_EVENT_LATE, 1);
		hand_on(d, entry, true);
	} else {
		d->changes++;
		reorder_put(&d->reorder, entry);
		return;
	}
	reorder_entry_drop(entry);
}

static void take(struct detector *d, struct reorder_entry *entry, int64_t stream_time_ns)
{
	bool ordered = needs_order(d, entry);

	hand_on(d, entry, false);
	entry->arrival += d->arrival_base;
	if (stream_time_ns > d->stream_ns)
		d->stream_ns = stream_time_ns;
	/* What this event shows to be over goes first, also when the event itself is late. */
	release(d);
	if (!ordered) {
		reorder_entry_drop(entry);
		return;
	}
	take_ordered(d, entry);
	release(d);
}

void detector_take(struct detector *d, struct kept_event *event, const struct engine_hit *hits,
		   uint32_t count, int64_t stream_time_ns)
{
	struct reorder_entry entry = {
	    .time_ns = event->time_ns,
	    .arrival = event->arrival,
	    .event = event,
	    .hits = hits,
	    .hit_count = count,
	};

	take(d, &entry, stream_time_ns);
}

void detector_take_in(struct detector *d, const struct detector_event *taken,
		      int64_t stream_time_ns)
{
	struct reorder_entry entry = {
	    .time_ns = taken->time_ns,
	    .arrival = taken->arrival,
	    .event = taken->event,
	    .block = taken->block,
	    .hits = taken->hits,
	    .hit_count = taken->hit_count,
	};

	take(d, &entry, stream_time_ns);
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

void detector_sync_time(const struct detector *d)
{
	for (uint32_t i = 0; i < d->rules->count; i++)
		if (d->runs[i].machine)
			eql_machine_pass(d->runs[i].machine, d->gates[i].passed_ns);
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
