/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "engine/detector_internal.h"

static int64_t duration_of(const struct rule *rule)
{
	if (rule->suppression.duration_ns > 0)
		return rule->suppression.duration_ns;
	/* Kibana: once in each run of the rule; its default interval if the file gives none. */
	return rule->interval_ns > 0 ? rule->interval_ns : 5 * 60 * NS_PER_SEC;
}

/* Also for a finding that comes late: before the one that began the window, but near to it. */
static bool is_within(const struct suppressed *s, const struct rule *rule, int64_t time_ns)
{
	__int128 since = (__int128)time_ns - s->start_ns;

	return (since < 0 ? -since : since) < duration_of(rule);
}

static bool is_over(const void *context, const struct group *group, int64_t time_ns)
{
	const struct detector *d = context;
	const struct suppressed *s = (const struct suppressed *)group;

	return !s->count && time_ns > s->start_ns &&
	       !is_within(s, d->rules->rules[group->rule], time_ns);
}

void suppression_init(struct detector *d, size_t bytes_max)
{
	d->suppressions = (struct group_table){.item_bytes = sizeof(struct suppressed),
					       .bytes_max = bytes_max,
					       .evicted = COUNTER_SUPPRESSION_EVICTED,
					       .is_over = is_over,
					       .context = d};
}

static bool same_value(const struct value *a, const struct value *b)
{
	struct group_hash x = group_hash_values(a, 1), y = group_hash_values(b, 1);

	return x.high == y.high && x.low == y.low;
}

/* Of several events a field has a value where all agree on it: Kibana's alert of a sequence has the
 * fields its events have in common. */
static struct value common_value(const struct finding *finding, uint32_t field)
{
	const struct value *common = NULL;

	for (uint32_t i = 0; i < finding->event_count; i++) {
		if (!finding->events[i])
			continue;
		const struct value *v = kept_event_get(finding->events[i], field);

		if (common && !same_value(common, v))
			return (struct value){0};
		common = v;
	}
	return common ? *common : (struct value){0};
}

/* Lists of the same values in another order are one group, as in Kibana: each is replaced by one
 * value made of the sum of its values' hashes. */
static struct value unordered(const struct value *v)
{
	uint64_t sum = v->count;

	if (v->type != VALUE_LIST)
		return *v;
	for (uint32_t i = 0; i < v->count; i++)
		sum += group_hash_value(&v->items[i]);
	return value_int((int64_t)sum);
}

static bool find_group(struct detector *d, const struct rule *rule, struct finding *finding,
		       struct group_hash *hash)
{
	const struct rule_fields *fields = &rule->suppression.fields;
	struct value plain[RULE_GROUP_FIELDS_MAX] = {0};
	bool missing = false;

	/* A threshold rule names no fields here: its alerts have a group already. */
	if (rule->kind == RULE_KIND_THRESHOLD) {
		*hash = group_hash_values(finding->keys, finding->key_count);
		finding->group = finding->keys;
		finding->group_count = finding->key_count;
		return true;
	}
	for (uint32_t i = 0; i < fields->count; i++) {
		d->group_values[i] = common_value(finding, fields->ids[i]);
		plain[i] = unordered(&d->group_values[i]);
		missing |= plain[i].type == VALUE_NULL;
	}
	*hash = group_hash_values(plain, fields->count);
	finding->group = d->group_values;
	finding->group_count = fields->count;
	return !missing || rule->suppression.suppress_missing;
}

bool suppression_admit(struct detector *d, uint32_t number, struct finding *finding,
		       int64_t time_ns)
{
	const struct rule *rule = d->rules->rules[number];
	struct group_hash hash;
	bool is_new;

	/* What has no place in time falls into no window. */
	if (!find_group(d, rule, finding, &hash) || time_ns == INT64_MIN)
		return true;
	struct suppressed *s =
	    (struct suppressed *)group_table_get(&d->suppressions, number, hash, &is_new);

	if (!is_new && is_within(s, rule, time_ns)) {
		s->count++;
		d->runs[number].suppressed++;
		return false;
	}
	finding->suppressed = s->count;
	s->count = 0;
	s->start_ns = time_ns;
	group_table_fit(&d->suppressions, time_ns);
	return true;
}
