/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples: for a key, one event for every member, all different, in any order of time.
 *
 * Per key each member has a list of its events. A list need not be long: with as many events as the
 * sample has members it can always give one that no other member uses. Members are tried from the
 * shortest list on, so a choice that leads nowhere is among short lists only, and what is tried in
 * vain is bounded by EQL_SAMPLE_FILTERS_MAX alone.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "eql/machine_internal.h"

static uint32_t list_limit(const struct eql_machine *machine)
{
	uint32_t members = machine->query->stage_count;

	/* With fixed events for all other members the last one has this many to choose from. */
	if (machine->options.samples_at_end)
		return members - 1 + machine->options.samples_per_key;
	return members;
}

static size_t sample_bytes(const struct eql_machine *machine)
{
	return sizeof(struct sample) + machine->query->stage_count * sizeof(struct member_list);
}

static struct sample *sample_of(struct eql_machine *machine, struct key_node *node, int64_t since)
{
	if (node->sample)
		return node->sample;
	size_t bytes = sample_bytes(machine);
	struct sample *sample = slabs_take_zeroed(machine->pool->slabs, bytes);

	sample->node = node;
	node->sample = sample;
	held_add(&sample->held, machine, HELD_SAMPLE, since);
	pool_charge(machine->pool, bytes + ALLOCATION_BYTES);
	machine->live++;
	return sample;
}

static size_t list_bytes(uint32_t cap)
{
	return cap ? cap * sizeof(struct kept_event *) + ALLOCATION_BYTES : 0;
}

void sample_forget(struct sample *sample)
{
	struct eql_machine *machine = sample->held.machine;
	struct eql_pool *pool = machine->pool;

	for (uint32_t i = 0; i < machine->query->stage_count; i++) {
		struct member_list *list = &sample->members[i];

		for (uint32_t j = 0; j < list->count; j++)
			pool_drop(pool, list->events[j]);
		pool_release(pool, list_bytes(list->cap));
		free(list->events);
	}
	held_remove(&sample->held);
	pool_release(pool, sample_bytes(machine) + ALLOCATION_BYTES);
	machine->live--;
	node_free(machine, sample->node);
	slabs_give(pool->slabs, sample, sample_bytes(machine));
}

static void remove_at(struct eql_pool *pool, struct member_list *list, uint32_t at)
{
	pool_drop(pool, list->events[at]);
	list->count--;
	memmove(&list->events[at], &list->events[at + 1],
		(list->count - at) * sizeof(*list->events));
}

/* At the end the first events count, in a stream the latest. */
void sample_add(struct sample *sample, uint32_t member, struct kept_event *event)
{
	struct eql_machine *machine = sample->held.machine;
	struct member_list *list = &sample->members[member];

	if (list->count == list_limit(machine)) {
		if (machine->options.samples_at_end)
			return;
		remove_at(machine->pool, list, 0);
	}
	if (list->count == list->cap) {
		uint32_t cap = list->cap ? list->cap * 2 : 1;

		list->events = xreallocarray(list->events, cap, sizeof(*list->events));
		pool_charge(machine->pool, list_bytes(cap) - list_bytes(list->cap));
		list->cap = cap;
	}
	list->events[list->count++] = pool_hold(machine->pool, event);
}

/* ------------------------------------------------------------------------------------- choosing */

struct choice {
	struct sample *sample;
	uint32_t count;
	uint32_t order[EQL_SAMPLE_FILTERS_MAX]; /* members, shortest list first */
	uint32_t left;                          /* results still wanted */
	bool one_only;                          /* the first result's events are picked, no more */
};

static void order_members(struct choice *choice)
{
	for (uint32_t i = 0; i < choice->count; i++) {
		uint32_t at = i;

		for (; at && choice->sample->members[choice->order[at - 1]].count >
				 choice->sample->members[i].count;
		     at--)
			choice->order[at] = choice->order[at - 1];
		choice->order[at] = i;
	}
}

static bool is_picked(const struct choice *choice, uint32_t depth, const struct kept_event *event)
{
	struct kept_event *const *picked = choice->sample->held.machine->picked;

	for (uint32_t i = 0; i < depth; i++)
		if (picked[choice->order[i]] == event)
			return true;
	return false;
}

static void give_sample(struct sample *sample)
{
	struct eql_machine *machine = sample->held.machine;

	machine_found(machine, machine->picked, machine->query->stage_count, sample->node,
		      machine->completed++);
}

/* Picks an event for the member at `depth` of the order and all behind it. Returns whether any
 * choice was complete. */
static bool choose(struct choice *choice, uint32_t depth)
{
	struct eql_machine *machine = choice->sample->held.machine;
	bool any = false;

	if (depth == choice->count) {
		if (!choice->one_only)
			give_sample(choice->sample);
		choice->left--;
		return true;
	}
	const struct member_list *list = &choice->sample->members[choice->order[depth]];

	for (uint32_t i = 0; i < list->count && choice->left; i++) {
		if (is_picked(choice, depth, list->events[i]))
			continue;
		machine->picked[choice->order[depth]] = list->events[i];
		any |= choose(choice, depth + 1);
	}
	return any;
}

static bool choose_all(struct sample *sample, uint32_t wanted, bool one_only)
{
	struct choice choice = {
	    .sample = sample,
	    .count = sample->held.machine->query->stage_count,
	    .left = wanted,
	    .one_only = one_only,
	};

	order_members(&choice);
	return choose(&choice, 0);
}

/* ----------------------------------------------------------------------------------- in a stream */

static void drop_before(struct sample *sample, int64_t time_ns)
{
	struct eql_machine *machine = sample->held.machine;

	for (uint32_t i = 0; i < machine->query->stage_count; i++)
		for (uint32_t j = 0; j < sample->members[i].count;)
			if (sample->members[i].events[j]->time_ns < time_ns)
				remove_at(machine->pool, &sample->members[i], j);
			else
				j++;
}

static bool is_empty(const struct sample *sample)
{
	for (uint32_t i = 0; i < sample->held.machine->query->stage_count; i++)
		if (sample->members[i].count)
			return false;
	return true;
}

static void remove_event(struct eql_machine *machine, struct member_list *list,
			 const struct kept_event *event)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->events[i] == event) {
			remove_at(machine->pool, list, i);
			return;
		}
}

/* The picked events take part in no other sample of this key. */
static void use_up(struct sample *sample)
{
	struct eql_machine *machine = sample->held.machine;
	uint32_t count = machine->query->stage_count;

	for (uint32_t picked = 0; picked < count; picked++)
		for (uint32_t member = 0; member < count; member++)
			remove_event(machine, &sample->members[member], machine->picked[picked]);
}

static void settle(struct sample *sample)
{
	if (choose_all(sample, 1, true)) {
		give_sample(sample);
		use_up(sample);
	}
	if (is_empty(sample))
		sample_forget(sample);
}

/* ------------------------------------------------------------------------------------ both modes */

static bool is_new(const struct member_list *list, const struct kept_event *event)
{
	return !list->count || list->events[list->count - 1] != event;
}

static void take_member(const struct taken *taken, uint32_t member)
{
	struct eql_machine *machine = taken->machine;
	const struct eql_stage *stage = &machine->query->stages[member];

	if (!whole_holds(taken, stage->filter, NULL) ||
	    !key_tuples_begin(&machine->tuples, taken->event, stage->keys))
		return;
	do {
		struct sample *sample =
		    sample_of(machine, node_find_or_add(machine), taken->event->time_ns);

		if (!is_new(&sample->members[member], taken->event))
			continue;
		sample_add(sample, member, taken->event);
		held_renew(&sample->held, taken->event->time_ns);
	} while (key_tuples_next(&machine->tuples));
}

/* Once the event is in all its lists: a choice is made with all of them. */
static void settle_member(const struct taken *taken, uint32_t member)
{
	struct eql_machine *machine = taken->machine;
	int64_t window = machine->options.window_ns;

	if (!key_tuples_begin(&machine->tuples, taken->event, machine->query->stages[member].keys))
		return;
	do {
		struct key_node *node = node_find(machine);

		if (!node)
			continue;
		if (window)
			drop_before(node->sample, time_between(machine->now_ns, window));
		settle(node->sample);
	} while (key_tuples_next(&machine->tuples));
}

void sample_take(const struct taken *taken)
{
	const struct eql_query *query = taken->machine->query;

	for (uint32_t i = 0; i < query->stage_count; i++)
		if (satisfies(taken, query->stages[i].filter))
			take_member(taken, i);
	if (taken->machine->options.samples_at_end)
		return;
	for (uint32_t i = 0; i < query->stage_count; i++)
		if (satisfies(taken, query->stages[i].filter))
			settle_member(taken, i);
}

void sample_expire(struct eql_machine *machine)
{
	struct held *oldest;

	if (machine->options.samples_at_end || !machine->options.window_ns)
		return;
	while ((oldest = machine->lists[HELD_SAMPLE].oldest) &&
	       time_between(machine->now_ns, oldest->since_ns) > machine->options.window_ns)
		sample_forget((struct sample *)oldest);
}

static int by_keys(const void *a, const void *b)
{
	const struct sample *x = *(struct sample *const *)a, *y = *(struct sample *const *)b;
	uint32_t count = x->held.machine->query->key_count;

	for (uint32_t i = 0; i < count; i++) {
		int order = key_compare(&x->node->keys[i], &y->node->keys[i]);

		if (order)
			return order;
	}
	return 0;
}

void sample_finish(struct eql_machine *machine)
{
	size_t count = machine->live, n = 0;
	struct sample **samples;

	if (!machine->options.samples_at_end || !count)
		return;
	samples = xreallocarray(NULL, count, sizeof(*samples));
	for (struct held *held = machine->lists[HELD_SAMPLE].oldest; held; held = held->next)
		samples[n++] = (struct sample *)held;
	qsort(samples, n, sizeof(*samples), by_keys);
	for (size_t i = 0; i < n; i++)
		choose_all(samples[i], machine->options.samples_per_key, false);
	free(samples);
}

struct sample *sample_restore(struct eql_machine *machine, int64_t since_ns)
{
	return sample_of(machine, node_find_or_add(machine), since_ns);
}
