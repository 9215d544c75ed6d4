/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/groups_internal.h"

#include <math.h>
#include <stdlib.h>

/* Header-only, as in base/str.c. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"

/* What malloc adds to an item. */
#define ITEM_OVERHEAD 16

static uint64_t table_hash(const struct group *group)
{
	return group->hash.low + group->rule * UINT64_C(0x9e3779b97f4a7c15);
}

static bool is_same(const void *thing, const void *wanted)
{
	const struct group *a = thing, *b = wanted;

	return a->rule == b->rule && a->hash.low == b->hash.low && a->hash.high == b->hash.high;
}

static void link_newest(struct group_table *table, struct group *group)
{
	group->newer = NULL;
	group->older = table->newest;
	if (table->newest)
		table->newest->newer = group;
	else
		table->oldest = group;
	table->newest = group;
}

static void unlink_group(struct group_table *table, struct group *group)
{
	*(group->newer ? &group->newer->older : &table->newest) = group->older;
	*(group->older ? &group->older->newer : &table->oldest) = group->newer;
}

struct group *group_table_get(struct group_table *table, uint32_t rule, struct group_hash hash,
			      bool *is_new)
{
	const struct group wanted = {.hash = hash, .rule = rule};
	struct group *g = hash_table_find(&table->items, table_hash(&wanted), is_same, &wanted);

	*is_new = !g;
	if (g) {
		unlink_group(table, g);
		link_newest(table, g);
		return g;
	}
	g = xcalloc(1, table->item_bytes);
	*g = wanted;
	hash_table_add(&table->items, table_hash(g), g);
	link_newest(table, g);
	table->bytes += table->item_bytes + ITEM_OVERHEAD;
	return g;
}

static void drop(struct group_table *table, struct group *group)
{
	hash_table_remove(&table->items, table_hash(group), group);
	unlink_group(table, group);
	if (table->empty)
		table->bytes -= table->empty(group);
	table->bytes -= table->item_bytes + ITEM_OVERHEAD;
	free(group);
}

void group_table_fit(struct group_table *table, int64_t time_ns)
{
	while (table->oldest) {
		bool over = table->is_over(table->context, table->oldest, time_ns);

		if (!over && group_table_bytes(table) <= table->bytes_max)
			return;
		if (!over)
			counter_add(table->evicted, 1);
		drop(table, table->oldest);
	}
}

void group_table_free(struct group_table *table)
{
	while (table->oldest)
		drop(table, table->oldest);
	hash_table_free(&table->items);
}

/* 5 and 5.0 are one number, as they are to every comparison. */
static struct value plain(const struct value *v)
{
	if (v->type == VALUE_DOUBLE && v->real == floor(v->real) && fabs(v->real) < 9e15)
		return value_int((int64_t)v->real);
	return *v;
}

static void hash_scalar(XXH3_state_t *state, const struct value *value)
{
	struct value v = plain(value);

	XXH3_128bits_update(state, &v.type, sizeof(v.type));
	if (v.type == VALUE_STRING) {
		XXH3_128bits_update(state, &v.count, sizeof(v.count));
		if (v.count)
			XXH3_128bits_update(state, v.text, v.count);
	} else if (v.type == VALUE_BOOL) {
		uint8_t bit = v.boolean;

		XXH3_128bits_update(state, &bit, sizeof(bit));
	} else if (v.type != VALUE_NULL) {
		XXH3_128bits_update(state, &v.integer, sizeof(v.integer));
	}
}

static void hash_value(XXH3_state_t *state, const struct value *v)
{
	if (v->type != VALUE_LIST) {
		hash_scalar(state, v);
		return;
	}
	XXH3_128bits_update(state, &v->type, sizeof(v->type));
	XXH3_128bits_update(state, &v->count, sizeof(v->count));
	for (uint32_t i = 0; i < v->count; i++)
		hash_scalar(state, &v->items[i]);
}

struct group_hash group_hash_values(const struct value *values, uint32_t count)
{
	XXH3_state_t state;

	XXH3_128bits_reset(&state);
	for (uint32_t i = 0; i < count; i++)
		hash_value(&state, &values[i]);
	XXH128_hash_t hash = XXH3_128bits_digest(&state);

	return (struct group_hash){hash.high64, hash.low64};
}

uint64_t group_hash_value(const struct value *value)
{
	return group_hash_values(value, 1).low;
}

/* One field's values: different, at most as many as tuples are made of. */
struct choices {
	struct value values[GROUP_TUPLES_MAX];
	uint32_t count;
};

struct hashed {
	uint64_t hash;
	uint32_t index;
};

static int by_hash(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static int by_index(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

/* In order of their first place in the list. False if there are too many. */
static bool choose_of_list(const struct value *list, struct choices *choices)
{
	struct hashed *all = xreallocarray(NULL, list->count, sizeof(*all));
	uint32_t unique = 0;

	for (uint32_t i = 0; i < list->count; i++)
		all[i] = (struct hashed){group_hash_value(&list->items[i]), i};
	qsort(all, list->count, sizeof(*all), by_hash);
	for (uint32_t i = 0; i < list->count; i++)
		if (!i || all[i].hash != all[unique - 1].hash)
			all[unique++] = all[i];
	qsort(all, unique, sizeof(*all), by_index);
	for (uint32_t i = 0; i < unique && i < GROUP_TUPLES_MAX; i++)
		choices->values[choices->count++] = list->items[all[i].index];
	free(all);
	return unique <= GROUP_TUPLES_MAX;
}

static bool choose(const struct value *v, struct choices *choices)
{
	choices->count = 0;
	if (v->type == VALUE_LIST)
		return choose_of_list(v, choices);
	if (v->type != VALUE_NULL)
		choices->values[choices->count++] = *v;
	return true;
}

void group_each_tuple(const struct kept_event *event, const struct rule_fields *fields,
		      void (*each)(void *context, const struct value *values,
				   struct group_hash hash),
		      void *context)
{
	struct choices *choices = xreallocarray(NULL, fields->count + 1, sizeof(*choices));
	struct value values[RULE_GROUP_FIELDS_MAX];
	uint64_t tuples = 1;
	bool whole = true;

	for (uint32_t i = 0; i < fields->count; i++) {
		whole &= choose(kept_event_get(event, fields->ids[i]), &choices[i]);
		tuples *= choices[i].count;
	}
	if (tuples > GROUP_TUPLES_MAX || (!whole && tuples)) {
		counter_add(COUNTER_KEYS_CUT, 1);
		tuples = tuples < GROUP_TUPLES_MAX ? tuples : GROUP_TUPLES_MAX;
	}
	/* The n-th tuple: n written with as many digits as there are fields, the last the fastest. */
	for (uint64_t n = 0; n < tuples; n++) {
		uint64_t rest = n;

		for (uint32_t i = fields->count; i-- > 0; rest /= choices[i].count)
			values[i] = choices[i].values[rest % choices[i].count];
		each(context, values, group_hash_values(values, fields->count));
	}
	free(choices);
}

static size_t text_bytes(const struct value *v)
{
	size_t bytes = 0;

	if (v->type == VALUE_STRING)
		return v->count;
	for (uint32_t i = 0; v->type == VALUE_LIST && i < v->count; i++)
		bytes += text_bytes(&v->items[i]);
	return bytes;
}

static struct value copy_scalar(const struct value *v, char **text)
{
	struct value copy = *v;

	if (v->type != VALUE_STRING)
		return copy;
	if (v->count)
		memcpy(*text, v->text, v->count);
	copy.text = *text;
	*text += v->count;
	return copy;
}

struct value *group_copy_values(const struct value *values, uint32_t count, size_t *bytes)
{
	size_t items = 0, texts = 0;

	for (uint32_t i = 0; i < count; i++) {
		items += values[i].type == VALUE_LIST ? values[i].count : 0;
		texts += text_bytes(&values[i]);
	}
	*bytes = (count + items) * sizeof(*values) + texts;
	struct value *copy = xmalloc(*bytes + 1);
	struct value *next = copy + count;
	char *text = (char *)(next + items);

	for (uint32_t i = 0; i < count; i++) {
		copy[i] = copy_scalar(&values[i], &text);
		if (values[i].type != VALUE_LIST)
			continue;
		copy[i].items = next;
		for (uint32_t k = 0; k < values[i].count; k++)
			*next++ = copy_scalar(&values[i].items[k], &text);
	}
	return copy;
}
