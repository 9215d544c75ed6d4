/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "engine/detector_internal.h"

static uint32_t *slot_of(const struct detector *d, const struct rule *rule)
{
	uint32_t at = (uint32_t)((uintptr_t)rule >> 4) * 2654435769u;

	for (at &= d->slot_mask;; at = (at + 1) & d->slot_mask) {
		uint32_t *slot = &d->slots[at];

		if (!*slot || d->rules->rules[*slot - 1] == rule)
			return slot;
	}
}

struct rule_run *detector_run(const struct detector *d, const struct rule *rule)
{
	return &d->runs[*slot_of(d, rule) - 1];
}

static void number_rules(struct detector *d)
{
	uint32_t size = 16;

	while (size < d->rules->count * 2)
		size *= 2;
	d->slot_mask = size - 1;
	d->slots = xcalloc(size, sizeof(*d->slots));
	for (uint32_t i = 0; i < d->rules->count; i++)
		*slot_of(d, d->rules->rules[i]) = i + 1;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Fields of all rules, in any order and number. */
struct fields {
	uint32_t *ids;
	uint32_t count, cap;
};

static void add_field(struct fields *fields, uint32_t id)
{
	if (fields->count == fields->cap) {
		fields->cap = fields->cap ? fields->cap * 2 : 64;
		fields->ids = xreallocarray(fields->ids, fields->cap, sizeof(*fields->ids));
	}
	fields->ids[fields->count++] = id;
}

static void add_group_fields(struct fields *fields, const struct rule_fields *group)
{
	for (uint32_t i = 0; i < group->count; i++)
		add_field(fields, group->ids[i]);
}

static void add_rule_fields(struct fields *fields, const struct rule *rule)
{
	for (uint32_t i = 0; i < rule->query->kept_field_count; i++)
		add_field(fields, rule->query->kept_fields[i]);
	if (rule->kind == RULE_KIND_THRESHOLD) {
		add_group_fields(fields, &rule->threshold.fields);
		if (rule->threshold.has_cardinality)
			add_field(fields, rule->threshold.cardinality_field);
	}
	if (rule->kind == RULE_KIND_NEW_TERMS)
		add_group_fields(fields, &rule->new_terms.fields);
	if (rule->suppressed)
		add_group_fields(fields, &rule->suppression.fields);
}

static void find_kept_fields(struct detector *d)
{
	struct fields fields = {0};
	uint32_t unique = 0;

	for (uint32_t i = 0; i < d->rules->count; i++)
		if (d->runs[i].runs)
			add_rule_fields(&fields, d->rules->rules[i]);
	if (fields.count)
		qsort(fields.ids, fields.count, sizeof(*fields.ids), by_number);
	for (uint32_t i = 0; i < fields.count; i++)
		if (!i || fields.ids[i] != fields.ids[unique - 1])
			fields.ids[unique++] = fields.ids[i];
	d->kept_fields = fields.ids;
	d->kept_field_count = unique;
}

static bool is_ordered(const struct rule *rule)
{
	return rule->kind == RULE_KIND_THRESHOLD || rule->kind == RULE_KIND_NEW_TERMS ||
	       rule->suppressed || !eql_query_is_stateless(rule->query);
}

/* Memory is shared out among the kinds of state that the rules need, by these weights. Sequences
 * hold whole events, and several of each. */
enum state_kind {
	STATE_WAITING,
	STATE_MACHINES,
	STATE_THRESHOLDS,
	STATE_NEW_TERMS,
	STATE_SUPPRESSION,
	STATE_KINDS
};

static const uint32_t weights[STATE_KINDS] = {
    [STATE_WAITING] = 1,   [STATE_MACHINES] = 4,    [STATE_THRESHOLDS] = 1,
    [STATE_NEW_TERMS] = 1, [STATE_SUPPRESSION] = 1,
};

static void note_needs(const struct rule *rule, bool needed[STATE_KINDS])
{
	needed[STATE_WAITING] |= is_ordered(rule);
	needed[STATE_MACHINES] |= !eql_query_is_stateless(rule->query);
	needed[STATE_THRESHOLDS] |= rule->kind == RULE_KIND_THRESHOLD;
	needed[STATE_NEW_TERMS] |= rule->kind == RULE_KIND_NEW_TERMS;
	needed[STATE_SUPPRESSION] |= rule->suppressed;
}

static void share_memory(const struct detector *d, size_t shares[STATE_KINDS])
{
	bool needed[STATE_KINDS] = {0};
	uint32_t total = 0;

	for (uint32_t i = 0; i < d->rules->count; i++)
		if (d->runs[i].runs)
			note_needs(d->rules->rules[i], needed);
	for (int k = 0; k < STATE_KINDS; k++)
		total += needed[k] ? weights[k] : 0;
	for (int k = 0; k < STATE_KINDS; k++)
		shares[k] = needed[k] ? d->options.bytes_max / total * weights[k] : 0;
}

static void on_result(void *context, const struct eql_result *result)
{
	const struct rule_run *run = context;
	struct finding finding = {.events = result->events,
				  .event_count = result->event_count,
				  .keys = result->keys,
				  .key_count = result->key_count};

	detector_found(run->detector, run->number, &finding);
}

static void start_machine(struct detector *d, struct rule_run *run, const struct rule *rule)
{
	const struct eql_machine_options options = {
	    .pool = d->pool,
	    .arrival_breaks_ties = true,
	    .window_ns = rule->lookback_ns,
	    .found = on_result,
	    .context = run,
	};

	run->machine = eql_machine_new(rule->query, &options);
}

static void add_names(const struct rule_fields *fields, struct buf *text)
{
	for (uint32_t i = 0; i < fields->count; i++) {
		buf_add(text, fields->names[i]);
		buf_add_char(text, '\n');
	}
	buf_add_char(text, '\n');
}

static struct group_hash check_of(const struct rule *rule)
{
	struct buf text = {0};

	buf_printf(&text, "%u\n", rule->kind);
	if (rule->kind == RULE_KIND_THRESHOLD) {
		add_names(&rule->threshold.fields, &text);
		if (rule->threshold.has_cardinality)
			buf_add(&text, rule->threshold.cardinality_name);
	}
	if (rule->kind == RULE_KIND_NEW_TERMS)
		add_names(&rule->new_terms.fields, &text);
	if (rule->suppressed)
		add_names(&rule->suppression.fields, &text);
	struct value values[] = {value_str(rule->query_text), value_str(buf_str(&text))};
	struct group_hash hash = group_hash_values(values, 2);

	buf_free(&text);
	return hash;
}

static void start_runs(struct detector *d)
{
	for (uint32_t i = 0; i < d->rules->count; i++) {
		const struct rule *rule = d->rules->rules[i];
		struct rule_run *run = &d->runs[i];

		run->detector = d;
		run->number = i;
		run->runs = rule->state == RULE_LOADED && rule->enabled && rule->query;
		run->ordered = run->runs && is_ordered(rule);
		if (run->ordered)
			run->check = check_of(rule);
	}
	size_t shares[STATE_KINDS];

	share_memory(d, shares);
	d->reorder.bytes_max = shares[STATE_WAITING];
	threshold_init(d, shares[STATE_THRESHOLDS]);
	new_terms_init(d, shares[STATE_NEW_TERMS]);
	suppression_init(d, shares[STATE_SUPPRESSION]);
	d->pool = eql_pool_new(shares[STATE_MACHINES]);
	for (uint32_t i = 0; i < d->rules->count; i++)
		if (d->runs[i].runs && !eql_query_is_stateless(d->rules->rules[i]->query))
			start_machine(d, &d->runs[i], d->rules->rules[i]);
}

struct detector *detector_new(const struct rule_set *rules, const struct field_set *fields,
			      const struct detector_options *options)
{
	struct detector *d = xcalloc(1, sizeof(*d));

	d->rules = rules;
	d->fields = fields;
	d->options = *options;
	d->stream_ns = d->released_ns = d->advanced_ns = INT64_MIN;
	d->runs = xcalloc((size_t)rules->count + 1, sizeof(*d->runs));
	d->active = xcalloc((size_t)rules->count + 1, sizeof(*d->active));
	d->caps = caps_new(rules);
	number_rules(d);
	start_runs(d);
	find_kept_fields(d);
	return d;
}

void detector_free(struct detector *d)
{
	if (!d)
		return;
	reorder_free(&d->reorder);
	for (uint32_t i = 0; i < d->rules->count; i++)
		eql_machine_free(d->runs[i].machine);
	eql_pool_free(d->pool);
	group_table_free(&d->thresholds);
	group_table_free(&d->terms);
	group_table_free(&d->suppressions);
	caps_free(d->caps);
	free(d->runs);
	free(d->active);
	free(d->slots);
	free(d->kept_fields);
	free(d->ordered_hits);
	free(d);
}

void detector_start(struct detector *d, int64_t time_ns)
{
	caps_start(d->caps, time_ns);
}

const uint32_t *detector_kept_fields(const struct detector *d, uint32_t *count)
{
	*count = d->kept_field_count;
	return d->kept_fields;
}

struct kept_event *detector_keep(const struct detector *d, const struct event *event,
				 uint64_t arrival, struct str document)
{
	return kept_event_new(event, d->kept_fields, d->kept_field_count, FIELD_EVENT_SEQUENCE,
			      arrival, document);
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
