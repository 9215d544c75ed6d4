/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/detector_internal.h"

static int64_t history_of(const struct detector *d, const struct group *group)
{
	return d->rules->rules[group->rule]->new_terms.history_ns;
}

/* `from` to `to` without overflow, for times from anywhere. */
static bool is_longer_ago(int64_t from, int64_t to, int64_t span)
{
	return (__int128)to - from > span;
}

static bool is_over(const void *context, const struct group *group, int64_t time_ns)
{
	const struct term *term = (const struct term *)group;

	return is_longer_ago(term->last_ns, time_ns, history_of(context, group));
}

void new_terms_init(struct detector *d, size_t bytes_max)
{
	d->terms = (struct group_table){.item_bytes = sizeof(struct term),
					.bytes_max = bytes_max,
					.evicted = COUNTER_NEW_TERMS_EVICTED,
					.is_over = is_over,
					.context = d};
}

struct taking {
	struct detector *detector;
	uint32_t rule;
	struct kept_event *event;
};

static void take_tuple(void *context, const struct value *values, struct group_hash hash)
{
	const struct taking *t = context;
	struct detector *d = t->detector;
	const struct rule *rule = d->rules->rules[t->rule];
	bool is_new;
	struct term *term = (struct term *)group_table_get(&d->terms, t->rule, hash, &is_new);

	is_new |= is_longer_ago(term->last_ns, t->event->time_ns, rule->new_terms.history_ns);
	if (is_new || t->event->time_ns > term->last_ns)
		term->last_ns = t->event->time_ns;
	if (!is_new)
		return;
	struct finding finding = {.events = &t->event,
				  .event_count = 1,
				  .keys = values,
				  .key_count = rule->new_terms.fields.count};

	detector_found(d, t->rule, &finding);
}

void new_terms_take(struct detector *d, uint32_t rule, struct kept_event *event)
{
	struct taking taking = {d, rule, event};

	group_each_tuple(event, &d->rules->rules[rule]->new_terms.fields, take_tuple, &taking);
	group_table_fit(&d->terms, event->time_ns);
}
