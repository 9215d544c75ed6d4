/* SPDX-License-Identifier: Apache-2.0 */
/* A detector's beginning and end: what its rules need is known from the start. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "engine/detector_internal.h"

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

static void sort_fields(struct fields *fields, uint32_t **ids, uint32_t *count)
{
	uint32_t unique = 0;

	if (fields->count)
		qsort(fields->ids, fields->count, sizeof(*fields->ids), by_number);
	for (uint32_t i = 0; i < fields->count; i++)
		if (!i || fields->ids[i] != fields->ids[unique - 1])
			fields->ids[unique++] = fields->ids[i];
	*ids = fields->ids;
	*count = unique;
}

static void mark_fields(const struct detector *d, struct rule_run *run, const struct fields *own)
{
	for (uint32_t i, at = 0; at < d->kept_field_count && at < KEPT_FIELD_WORDS * 64; at++) {
		for (i = 0; i < own->count && own->ids[i] != d->kept_fields[at]; i++)
			;
		if (i < own->count)
			run->fields[at / 64] |= UINT64_C(1) << (at % 64);
	}
}

static void find_kept_fields(struct detector *d)
{
	struct fields all = {0};

	for (uint32_t i = 0; i < d->rules->count; i++)
		if (d->runs[i].runs)
			add_rule_fields(&all, d->rules->rules[i]);
	sort_fields(&all, &d->kept_fields, &d->kept_field_count);
	for (uint32_t i = 0; i < d->rules->count; i++) {
		struct fields own = {0};

		if (!d->runs[i].runs)
			continue;
		add_rule_fields(&own, d->rules->rules[i]);
		mark_fields(d, &d->runs[i], &own);
		free(own.ids);
	}
}

/* A filter is silent if none of its events can be one of a finding's. */
static bool *silent_filters(const struct eql_query *q)
{
	bool *silent;

	if (!q->relation_count)
		return NULL;
	silent = xcalloc(q->filter_count, sizeof(*silent));
	for (uint32_t i = 0; i < q->relation_count; i++)
		silent[q->relations[i].filter] = true;
	if (q->lineage_filter != EQL_NO_FILTER)
		silent[q->lineage_filter] = true;
	if (q->kind == EQL_QUERY_EVENT)
		silent[0] = false;
	for (uint32_t i = 0; i < q->stage_count; i++)
		silent[q->stages[i].filter] = false;
	return silent;
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

	/* It may be time alone that has decided. */
	run->detector->changes++;
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
	run->silent = silent_filters(rule->query);
	d->gates[run->number].wakes = 0;
	for (uint32_t f = 0; f < rule->query->filter_count; f++)
		if (eql_machine_starts(run->machine, f))
			d->gates[run->number].wakes |= UINT64_C(1) << gate_bit(f);
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
		d->gates[i] = (struct rule_gate){
		    .wakes = UINT64_MAX,
		    .passed_ns = INT64_MIN,
		    .ordered = run->ordered,
		};
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
	d->gates = xcalloc((size_t)rules->count + 1, sizeof(*d->gates));
	d->active = xcalloc((size_t)rules->count + 1, sizeof(*d->active));
	d->caps = caps_new(rules);
	start_runs(d);
	find_kept_fields(d);
	return d;
}

void detector_free(struct detector *d)
{
	if (!d)
		return;
	reorder_free(&d->reorder);
	for (uint32_t i = 0; i < d->rules->count; i++) {
		eql_machine_free(d->runs[i].machine);
		free(d->runs[i].silent);
	}
	group_table_free(&d->thresholds);
	group_table_free(&d->terms);
	group_table_free(&d->suppressions);
	eql_pool_free(d->pool); /* after all who hold events from its slabs */
	caps_free(d->caps);
	free(d->runs);
	free(d->gates);
	free(d->active);
	free(d->kept_fields);
	free(d);
}
