/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
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

uint32_t detector_rule_number(const struct detector *d, const struct rule *rule)
{
	return *slot_of(d, rule) - 1;
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

static bool runs(const struct rule *rule)
{
	return rule->state == RULE_LOADED && rule->enabled && rule->query;
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
		if (runs(d->rules->rules[i]))
			add_rule_fields(&fields, d->rules->rules[i]);
	if (fields.count)
		qsort(fields.ids, fields.count, sizeof(*fields.ids), by_number);
	for (uint32_t i = 0; i < fields.count; i++)
		if (!i || fields.ids[i] != fields.ids[unique - 1])
			fields.ids[unique++] = fields.ids[i];
	d->kept_fields = fields.ids;
	d->kept_field_count = unique;
}

struct detector *detector_new(const struct rule_set *rules, const struct field_set *fields,
			      const struct detector_options *options)
{
	struct detector *d = xcalloc(1, sizeof(*d));

	d->rules = rules;
	d->fields = fields;
	d->options = *options;
	d->stream_ns = d->released_ns = INT64_MIN;
	d->runs = xcalloc((size_t)rules->count + 1, sizeof(*d->runs));
	d->caps = caps_new(rules);
	d->reorder.bytes_max = options->bytes_max;
	number_rules(d);
	find_kept_fields(d);
	return d;
}

void detector_free(struct detector *d)
{
	if (!d)
		return;
	reorder_free(&d->reorder);
	caps_free(d->caps);
	free(d->runs);
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
	finding->rule = d->rules->rules[rule];
	if (caps_admit(d->caps, rule, time_of(finding), &finding->withheld))
		d->options.found(d->options.context, finding);
}

static void found_event(struct detector *d, uint32_t rule, struct kept_event *event)
{
	struct finding finding = {.events = &event, .event_count = 1};

	detector_found(d, rule, &finding);
}

/* All hits of one event and one rule, in order of filters. */
static void dispatch(struct detector *d, struct kept_event *event, const struct engine_hit *hits,
		     uint32_t count)
{
	(void)count;
	found_event(d, detector_rule_number(d, hits->rule), event);
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
		if (d->runs[detector_rule_number(d, hits[i].rule)].ordered)
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

static void release(struct detector *d)
{
	int64_t before = horizon(d);

	while (d->reorder.count && reorder_first(&d->reorder)->event->time_ns < before)
		release_first(d);
	while (reorder_full(&d->reorder)) {
		counter_add(COUNTER_REORDER_FULL, 1);
		release_first(d);
	}
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

	if (stream_time_ns > d->stream_ns)
		d->stream_ns = stream_time_ns;
	/* What this event shows to be over goes first, also when the event itself is late. */
	release(d);
	if (!ordered) {
		kept_event_unref(event);
	} else if (event->time_ns == INT64_MIN) {
		counter_add(COUNTER_EVENT_UNTIMED, 1);
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
}

void detector_report(const struct detector *d,
		     void (*each)(void *context, const struct rule *rule, uint64_t suppressed,
				  uint64_t withheld),
		     void *context)
{
	for (uint32_t i = 0; i < d->rules->count; i++) {
		uint64_t withheld = caps_withheld(d->caps, i);

		if (withheld)
			each(context, d->rules->rules[i], 0, withheld);
	}
}
