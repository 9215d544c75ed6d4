/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/detector_internal.h"

static int64_t lookback_of(const struct detector *d, uint32_t rule)
{
	return d->rules->rules[rule]->lookback_ns;
}

static struct counted *nth(const struct threshold_group *g, uint32_t n)
{
	return &g->counted[(g->first + n) & (g->cap - 1)];
}

static bool is_older(const struct counted *c, int64_t time_ns, int64_t lookback_ns)
{
	return (__int128)time_ns - c->time_ns > lookback_ns;
}

static bool is_over(const void *context, const struct group *group, int64_t time_ns)
{
	const struct threshold_group *g = (const struct threshold_group *)group;

	return !g->count ||
	       is_older(nth(g, g->count - 1), time_ns, lookback_of(context, group->rule));
}

static struct tally_slot *tally_slot(const struct tally *t, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & t->mask;

	while (t->slots[at].count && t->slots[at].hash != hash)
		at = (at + 1) & t->mask;
	return &t->slots[at];
}

static size_t tally_bytes(const struct tally *t)
{
	return t->slots ? ((size_t)t->mask + 1) * sizeof(*t->slots) : 0;
}

static void tally_grow(struct tally *t)
{
	struct tally old = *t;

	t->mask = old.slots ? old.mask * 2 + 1 : 7;
	t->slots = xcalloc((size_t)t->mask + 1, sizeof(*t->slots));
	for (uint32_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i].count)
			*tally_slot(t, old.slots[i].hash) = old.slots[i];
	free(old.slots);
}

static void tally_add(struct tally *t, uint64_t hash)
{
	if (!t->slots || t->used * 2 > t->mask)
		tally_grow(t);
	struct tally_slot *slot = tally_slot(t, hash);

	t->used += !slot->count;
	slot->hash = hash;
	slot->count++;
}

/* Linear probing without marks for what was deleted: what stands behind a freed slot moves up,
 * where its own place allows it. */
static void tally_close(struct tally *t, uint32_t hole)
{
	for (uint32_t at = (hole + 1) & t->mask; t->slots[at].count; at = (at + 1) & t->mask) {
		uint32_t home = (uint32_t)t->slots[at].hash & t->mask;

		if (((at - home) & t->mask) < ((at - hole) & t->mask))
			continue;
		t->slots[hole] = t->slots[at];
		t->slots[at].count = 0;
		hole = at;
	}
}

static void tally_remove(struct tally *t, uint64_t hash)
{
	struct tally_slot *slot = tally_slot(t, hash);

	if (slot->count && --slot->count == 0) {
		t->used--;
		tally_close(t, (uint32_t)(slot - t->slots));
	}
}

static const uint64_t *values_of(const struct counted *c)
{
	return c->value_count > 1 ? c->values : &c->value;
}

/* Of the ring's entry alone: the ring itself is counted by its capacity. */
static size_t counted_bytes(const struct counted *c)
{
	return (c->event ? c->event->bytes : 0) +
	       (c->value_count > 1 ? c->value_count * sizeof(*c->values) : 0);
}

static void forget_event(struct group_table *table, struct counted *c)
{
	if (!c->event)
		return;
	table->bytes -= c->event->bytes;
	kept_event_unref(c->event);
	c->event = NULL;
}

static void drop_oldest(struct group_table *table, struct threshold_group *g)
{
	struct counted *c = nth(g, 0);

	table->bytes -= counted_bytes(c);
	for (uint32_t i = 0; i < c->value_count; i++)
		tally_remove(&g->tally, values_of(c)[i]);
	if (c->value_count > 1)
		free(c->values);
	kept_event_unref(c->event);
	g->first = (g->first + 1) & (g->cap - 1);
	g->count--;
}

static size_t empty(struct group *group)
{
	struct threshold_group *g = (struct threshold_group *)group;
	size_t bytes = g->key_bytes + g->cap * sizeof(*g->counted) + tally_bytes(&g->tally);

	for (uint32_t i = 0; i < g->count; i++) {
		struct counted *c = nth(g, i);

		bytes += counted_bytes(c);
		if (c->value_count > 1)
			free(c->values);
		kept_event_unref(c->event);
	}
	free(g->keys);
	free(g->counted);
	free(g->tally.slots);
	return bytes;
}

void threshold_init(struct detector *d, size_t bytes_max)
{
	d->thresholds = (struct group_table){.item_bytes = sizeof(struct threshold_group),
					     .bytes_max = bytes_max,
					     .evicted = COUNTER_THRESHOLD_EVICTED,
					     .is_over = is_over,
					     .empty = empty,
					     .context = d};
}

static void grow_ring(struct group_table *table, struct threshold_group *g)
{
	uint32_t cap = g->cap ? g->cap * 2 : 4;
	struct counted *ring = xreallocarray(NULL, cap, sizeof(*ring));

	for (uint32_t i = 0; i < g->count; i++)
		ring[i] = *nth(g, i);
	free(g->counted);
	table->bytes += (cap - g->cap) * sizeof(*ring);
	g->counted = ring;
	g->first = 0;
	g->cap = cap;
}

/* Behind all that are not later: what comes late has its place too. */
static void insert(struct group_table *table, struct threshold_group *g,
		   const struct counted *counted)
{
	uint32_t at = g->count;

	if (g->count == g->cap)
		grow_ring(table, g);
	g->count++;
	for (; at && nth(g, at - 1)->time_ns > counted->time_ns; at--)
		*nth(g, at) = *nth(g, at - 1);
	*nth(g, at) = *counted;
	table->bytes += counted_bytes(counted);
	if (g->count <= THRESHOLD_EVENTS_SHOWN)
		return;
	forget_event(table, nth(g, g->count - 1 - THRESHOLD_EVENTS_SHOWN));
	if (at < g->count - THRESHOLD_EVENTS_SHOWN)
		forget_event(table, nth(g, at));
}

static void tally_values(struct group_table *table, struct threshold_group *g,
			 const struct counted *counted)
{
	size_t before = tally_bytes(&g->tally);

	for (uint32_t i = 0; i < counted->value_count; i++)
		tally_add(&g->tally, values_of(counted)[i]);
	table->bytes += tally_bytes(&g->tally) - before;
}

struct threshold_group *threshold_add(struct detector *d, uint32_t rule, const struct value *keys,
				      struct group_hash hash, const struct counted *counted)
{
	struct group_table *table = &d->thresholds;
	bool is_new;
	struct threshold_group *g =
	    (struct threshold_group *)group_table_get(table, rule, hash, &is_new);

	if (is_new) {
		g->keys = group_copy_values(keys, d->rules->rules[rule]->threshold.fields.count,
					    &g->key_bytes);
		table->bytes += g->key_bytes;
	}
	insert(table, g, counted);
	tally_values(table, g, counted);
	while (is_older(nth(g, 0), nth(g, g->count - 1)->time_ns, lookback_of(d, rule)))
		drop_oldest(table, g);
	return g;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The different values of the cardinality field. */
static void set_values(struct counted *counted, const struct value *v)
{
	uint32_t unique = 0;

	if (v->type == VALUE_NULL)
		return;
	if (v->type != VALUE_LIST) {
		counted->value_count = 1;
		counted->value = group_hash_value(v);
		return;
	}
	uint64_t *hashes = xreallocarray(NULL, v->count, sizeof(*hashes));

	for (uint32_t i = 0; i < v->count; i++)
		hashes[i] = group_hash_value(&v->items[i]);
	qsort(hashes, v->count, sizeof(*hashes), by_number);
	for (uint32_t i = 0; i < v->count; i++)
		if (!i || hashes[i] != hashes[unique - 1])
			hashes[unique++] = hashes[i];
	counted->value_count = unique;
	if (unique > 1) {
		counted->values = hashes;
		return;
	}
	counted->value = hashes[0];
	free(hashes);
}

static bool is_enough(const struct rule_threshold *t, const struct threshold_group *g)
{
	return g->count >= t->value &&
	       (!t->has_cardinality || g->tally.used >= t->cardinality_value);
}

static void found(struct detector *d, uint32_t rule, struct threshold_group *g)
{
	const struct rule_threshold *t = &d->rules->rules[rule]->threshold;
	uint32_t shown = g->count < THRESHOLD_EVENTS_SHOWN ? g->count : THRESHOLD_EVENTS_SHOWN;
	struct kept_event *events[THRESHOLD_EVENTS_SHOWN];

	for (uint32_t i = 0; i < shown; i++)
		events[i] = nth(g, g->count - shown + i)->event;
	struct finding finding = {.events = events,
				  .event_count = shown,
				  .keys = g->keys,
				  .key_count = t->fields.count,
				  .count = g->count,
				  .cardinality = t->has_cardinality ? g->tally.used : 0};

	detector_found(d, rule, &finding);
}

struct taking {
	struct detector *detector;
	uint32_t rule;
	struct kept_event *event;
};

static void take_tuple(void *context, const struct value *keys, struct group_hash hash)
{
	const struct taking *t = context;
	struct detector *d = t->detector;
	const struct rule_threshold *threshold = &d->rules->rules[t->rule]->threshold;
	struct counted counted = {.time_ns = t->event->time_ns,
				  .event =
				      kept_event_own(t->event, eql_pool_slabs(t->detector->pool))};

	if (threshold->has_cardinality)
		set_values(&counted, kept_event_get(t->event, threshold->cardinality_field));
	struct threshold_group *g = threshold_add(d, t->rule, keys, hash, &counted);

	if (!is_enough(threshold, g))
		return;
	found(d, t->rule, g);
	/* Used up: Kibana's next run does not count again what an alert has counted. */
	while (g->count)
		drop_oldest(&d->thresholds, g);
}

void threshold_take(struct detector *d, uint32_t rule, struct kept_event *event)
{
	struct taking taking = {d, rule, event};

	group_each_tuple(event, &d->rules->rules[rule]->threshold.fields, take_tuple, &taking);
	group_table_fit(&d->thresholds, event->time_ns);
}
