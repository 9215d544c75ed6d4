/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences. An event goes through the stages it satisfies from the last to the first, so whatever
 * it does to one place it does after the next place has taken what was there:
 *
 *	stage 3 is satisfied: the partial at place 2 (events of stages 0, 1, 2) goes to place 3
 *	stage 0 is satisfied: a new partial enters place 0 and replaces the one that was there
 *
 * Stages that must be missing are no places. A miss is noted where it spoils, and decides nothing
 * about who goes where: Elasticsearch runs the sequence without them and then checks what came out
 * (x-pack/plugin/eql: SequenceMatcher), so a partial that can no longer give a result still replaces
 * others.
 */
#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "eql/machine_internal.h"

/* ------------------------------------------------------------------------------------- the plan */

static bool same_keys(const struct eql_key *a, const struct eql_key *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (a[i].field != b[i].field || a[i].optional != b[i].optional)
			return false;
	return true;
}

static void add_place(struct sequence_plan *plan, const struct eql_query *query, uint32_t stage)
{
	const struct eql_stage *s = &query->stages[stage];
	uint32_t place = plan->place_count++;
	struct block *last = plan->block_count ? &plan->blocks[plan->block_count - 1] : NULL;

	plan->stages[place] = stage;
	plan->filters[s->filter].bits[place / 64] |= UINT64_C(1) << place % 64;
	if (last && same_keys(last->keys, s->keys, query->key_count))
		last->last = place;
	else
		plan->blocks[plan->block_count++] = (struct block){place, place, s->keys};
}

static void add_gap(struct sequence_plan *plan, const struct eql_query *query, uint32_t stage)
{
	struct gap gap = {.kind = GAP_TRAILING, .stage = stage};

	for (uint32_t i = stage; i < query->stage_count; i++)
		if (!query->stages[i].missing)
			gap.kind = GAP_MIDDLE;
	if (!plan->place_count)
		gap.kind = GAP_LEADING;
	else
		gap.place = plan->place_count - 1;
	plan->gaps[plan->gap_count++] = gap;
}

void sequence_plan_init(struct sequence_plan *plan, const struct eql_query *query)
{
	uint32_t count = query->stage_count;

	plan->stages = xcalloc(count, sizeof(*plan->stages));
	plan->filters = xcalloc(query->filter_count, sizeof(*plan->filters));
	plan->blocks = xcalloc(count, sizeof(*plan->blocks));
	plan->gaps = xcalloc(count, sizeof(*plan->gaps));
	for (uint32_t i = 0; i < count; i++)
		if (query->stages[i].missing)
			add_gap(plan, query, i);
		else
			add_place(plan, query, i);
	plan->leads = query->stages[0].missing;
	plan->trails = query->stages[count - 1].missing;
}

void sequence_plan_free(struct sequence_plan *plan)
{
	free(plan->stages);
	free(plan->filters);
	free(plan->blocks);
	free(plan->gaps);
}

/* ------------------------------------------------------------------------------------- partials */

static struct kept_event *last_event(const struct partial *p)
{
	return p->events[p->count - 1];
}

static void append_event(struct partial *p, struct kept_event *event)
{
	struct eql_pool *pool = p->held.machine->pool;

	if (p->count == p->cap) {
		uint32_t cap = p->cap * 2;
		bool inside = p->events == &p->first;

		p->events = xreallocarray(inside ? NULL : p->events, cap, sizeof(*p->events));
		if (inside)
			p->events[0] = p->first;
		pool_charge(pool, (cap - (inside ? 0 : p->cap)) * sizeof(*p->events) +
				      (inside ? ALLOCATION_BYTES : 0));
		p->cap = cap;
	}
	p->events[p->count++] = pool_hold(pool, event);
	p->last_ns = event->time_ns;
}

static void drop_events(struct partial *p)
{
	struct eql_pool *pool = p->held.machine->pool;

	for (uint32_t i = 0; i < p->count; i++)
		pool_drop(pool, p->events[i]);
	pool_drop(pool, p->miss);
	if (p->events != &p->first) {
		pool_release(pool, p->cap * sizeof(*p->events) + ALLOCATION_BYTES);
		free(p->events);
	}
}

static void make_empty(struct partial *p)
{
	p->events = &p->first;
	p->count = 0;
	p->cap = 1;
	p->spoiled = false;
	p->lead_ns = INT64_MIN;
	p->miss = NULL;
}

static struct partial *partial_new(struct eql_machine *machine, struct key_node *node,
				   int64_t since)
{
	struct partial *p = &node->own;

	if (node->own_used) {
		p = slabs_take(machine->pool->slabs, sizeof(*p));
		pool_charge(machine->pool, sizeof(*p) + ALLOCATION_BYTES);
	}
	node->own_used = true;
	p->node = node;
	make_empty(p);
	held_add(&p->held, machine, HELD_PARTIAL, since);
	machine->live++;
	return p;
}

/* It is in no list of its node any more. */
static void partial_free(struct partial *p)
{
	struct eql_machine *machine = p->held.machine;

	drop_events(p);
	held_remove(&p->held);
	machine->live--;
	if (p == &p->node->own) {
		p->node->own_used = false;
		return;
	}
	pool_release(machine->pool, sizeof(*p) + ALLOCATION_BYTES);
	slabs_give(machine->pool->slabs, p, sizeof(*p));
}

static void past_free(struct past *past)
{
	struct eql_machine *machine = past->held.machine;
	struct kept_event *events[] = {past->lead.latest, past->lead.earlier, past->until.latest,
				       past->until.earlier};

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		pool_drop(machine->pool, events[i]);
	past->node->past = NULL;
	held_remove(&past->held);
	pool_release(machine->pool, sizeof(*past) + ALLOCATION_BYTES);
	slabs_give(machine->pool->slabs, past, sizeof(*past));
}

static void release_node(struct eql_machine *machine, struct key_node *node)
{
	if (!node->partials && !node->waiting && !node->past)
		node_free(machine, node);
}

static bool unlink_from(struct partial **list, const struct partial *p)
{
	while (*list && *list != p)
		list = &(*list)->next;
	if (!*list)
		return false;
	*list = p->next;
	return true;
}

void sequence_forget_partial(struct partial *p)
{
	struct eql_machine *machine = p->held.machine;
	struct key_node *node = p->node;

	if (!unlink_from(&node->partials, p))
		unlink_from(&node->waiting, p);
	partial_free(p);
	release_node(machine, node);
}

/* `until` ends what had its last event not after it. */
static void end_until(struct eql_machine *machine, struct key_node *node,
		      const struct kept_event *until)
{
	for (struct partial **at = &node->partials; *at;) {
		struct partial *p = *at;

		if (event_before(machine, until, last_event(p))) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		partial_free(p);
	}
}

void sequence_forget_past(struct past *past)
{
	struct eql_machine *machine = past->held.machine;
	struct key_node *node = past->node;

	if (past->until.latest)
		end_until(machine, node, past->until.latest);
	past_free(past);
	release_node(machine, node);
}

/* -------------------------------------------------------------------------------------- results */

/* The events of a partial by stage, NULL where there is none. */
static struct kept_event **by_stage(const struct partial *p)
{
	struct eql_machine *machine = p->held.machine;

	memset(machine->picked, 0, machine->query->stage_count * sizeof(*machine->picked));
	for (uint32_t i = 0; i < p->count; i++)
		machine->picked[machine->plan.stages[i]] = p->events[i];
	return machine->picked;
}

static bool far_apart(const struct eql_machine *machine, int64_t earlier, int64_t later)
{
	return time_between(later, earlier) > machine->query->maxspan_ns;
}

static void give_result(const struct partial *p)
{
	struct eql_machine *machine = p->held.machine;

	machine_found(machine, machine->plan.gap_count ? by_stage(p) : p->events,
		      machine->query->stage_count, p->node, p->number);
}

enum verdict {
	VERDICT_YES,
	VERDICT_NO,
	VERDICT_WAIT, /* for a trailing miss, or for the time in which it can come */
};

static enum verdict judge_complete(const struct partial *p)
{
	const struct eql_machine *machine = p->held.machine;
	bool lead =
	    p->lead_ns != INT64_MIN && !far_apart(machine, p->lead_ns, last_event(p)->time_ns);

	if (p->spoiled)
		return VERDICT_NO;
	if (machine->plan.trails)
		return machine->plan.leads && !lead ? VERDICT_YES : VERDICT_WAIT;
	return lead ? VERDICT_NO : VERDICT_YES;
}

/* It has all its events and is in no list of its node. */
static void complete(struct partial *p)
{
	enum verdict verdict = judge_complete(p);

	p->number = p->held.machine->completed++;
	if (verdict == VERDICT_WAIT) {
		p->next = p->node->waiting;
		p->node->waiting = p;
		return;
	}
	if (verdict == VERDICT_YES)
		give_result(p);
	partial_free(p);
}

/* ------------------------------------------------------------------------------- events in places */

/* Is the event after the last one of the partial? */
static bool goes_on(const struct taken *taken, const struct partial *p)
{
	if (p->last_ns != taken->event->time_ns)
		return p->last_ns < taken->event->time_ns;
	return event_before(taken->machine, last_event(p), taken->event);
}

static bool may_take(const struct taken *taken, const struct partial *p)
{
	struct eql_machine *machine = taken->machine;
	const struct sequence_plan *plan = &machine->plan;
	uint32_t filter = machine->query->stages[plan->stages[p->count]].filter;

	if (!goes_on(taken, p))
		return false;
	if (!machine->query->filters[filter].whole)
		return true;
	return whole_holds(taken, filter, by_stage(p));
}

/* The latest event of these before the one in hand, or NULL. */
static const struct kept_event *latest_before(const struct taken *taken,
					      const struct past_event *past)
{
	if (past->latest && event_before(taken->machine, past->latest, taken->event))
		return past->latest;
	if (past->earlier && event_before(taken->machine, past->earlier, taken->event))
		return past->earlier;
	return NULL;
}

/* Was there an `until` between the partial's last event and this one? */
static bool ended(const struct taken *taken, const struct partial *p)
{
	const struct past *past = p->node->past;
	const struct kept_event *until = past ? latest_before(taken, &past->until) : NULL;

	return until && !event_before(taken->machine, until, last_event(p));
}

static bool in_time(const struct taken *taken, const struct partial *p)
{
	int64_t maxspan = taken->machine->query->maxspan_ns;

	return !maxspan || time_between(taken->event->time_ns, p->events[0]->time_ns) <= maxspan;
}

static void take_event(const struct taken *taken, struct partial *p)
{
	if (p->miss) {
		p->spoiled |= event_before(taken->machine, p->miss, taken->event);
		pool_drop(taken->machine->pool, p->miss);
		p->miss = NULL;
	}
	append_event(p, taken->event);
}

/* Came late: what is in the place would have replaced it. */
static bool too_late_for(const struct taken *taken, const struct partial *in_place)
{
	if (in_place->last_ns != taken->event->time_ns)
		return taken->event->time_ns < in_place->last_ns;
	return kept_event_order_total(taken->event, last_event(in_place)) < 0;
}

/* Moves the partial at *link to the next place; *ahead, if any, is before it in the list. Returns
 * the link behind which the list goes on. */
static struct partial **advance(const struct taken *taken, struct partial **ahead,
				struct partial **link)
{
	struct partial *p = *link, *replaced = ahead ? *ahead : NULL;
	bool goes = in_time(taken, p) && !ended(taken, p);

	if (goes && replaced && replaced->count == p->count + 1)
		goes = !too_late_for(taken, replaced);
	else
		replaced = NULL;
	if (!goes) {
		*link = p->next;
		partial_free(p);
		return link;
	}
	take_event(taken, p);
	if (p->count == taken->machine->plan.place_count) {
		*link = p->next;
		complete(p);
		return link;
	}
	if (replaced) {
		*ahead = p;
		partial_free(replaced);
	}
	return &p->next;
}

static bool has_place(const struct place_set *set, uint32_t place)
{
	return set->bits[place / 64] >> place % 64 & 1;
}

/* Fills place 0. `link` is where the node's list ends, *last its last partial, if any. */
static void start(const struct taken *taken, struct key_node *node, struct partial **last,
		  struct partial **link)
{
	struct eql_machine *machine = taken->machine;
	const struct kept_event *lead = node->past ? latest_before(taken, &node->past->lead) : NULL;
	struct partial *p = last && (*last)->count == 1 ? *last : NULL;

	if (p && too_late_for(taken, p))
		return;
	if (p) {
		drop_events(p);
		make_empty(p);
		held_renew(&p->held, taken->event->time_ns);
	} else {
		p = partial_new(machine, node, taken->event->time_ns);
		p->next = NULL;
		*link = p;
	}
	append_event(p, taken->event);
	if (lead)
		p->lead_ns = lead->time_ns;
	if (machine->plan.place_count == 1) {
		unlink_from(&node->partials, p);
		complete(p);
	}
}

/* The event and one key: all stages of a block. */
static void feed_node(const struct taken *taken, struct key_node *node, const struct block *block,
		      const struct place_set *satisfied, bool starts)
{
	struct partial **ahead = NULL, **link = &node->partials;

	while (*link) {
		uint32_t next = (*link)->count;
		struct partial **was = link;

		if (next < block->first || next > block->last || !has_place(satisfied, next) ||
		    !may_take(taken, *link)) {
			ahead = link;
			link = &(*link)->next;
			continue;
		}
		link = advance(taken, ahead, link);
		if (link == was)
			continue; /* gone */
		if (!ahead || link != &(*ahead)->next)
			ahead = was;
	}
	if (starts)
		start(taken, node, ahead, link);
}

static bool starts_with(const struct taken *taken, const struct block *block,
			const struct place_set *satisfied)
{
	struct eql_machine *machine = taken->machine;
	uint32_t stage = machine->plan.stages[0];

	return block->first == 0 && has_place(satisfied, 0) &&
	       whole_holds(taken, machine->query->stages[stage].filter, NULL);
}

static void feed_block(const struct taken *taken, const struct block *block,
		       const struct place_set *satisfied)
{
	struct eql_machine *machine = taken->machine;
	bool any = false;

	for (uint32_t i = block->first; i <= block->last && !any; i++)
		any = has_place(satisfied, i);
	if (!any || !key_tuples_begin(&machine->tuples, taken->event, block->keys))
		return;
	bool starts = starts_with(taken, block, satisfied);

	do {
		struct key_node *node = starts ? node_find_or_add(machine) : node_find(machine);

		if (!node)
			continue;
		feed_node(taken, node, block, satisfied, starts);
		release_node(machine, node);
	} while (key_tuples_next(&machine->tuples));
}

/* ----------------------------------------------------------------------------- misses and until */

static void note(struct eql_machine *machine, struct past_event *past, struct kept_event *event)
{
	struct kept_event **slot = &past->earlier;

	if (!past->latest || event_before(machine, past->latest, event)) {
		pool_drop(machine->pool, past->earlier);
		past->earlier = past->latest;
		slot = &past->latest;
	} else if (!event_before(machine, event, past->latest) ||
		   (past->earlier && !event_before(machine, past->earlier, event))) {
		return;
	} else {
		pool_drop(machine->pool, past->earlier);
	}
	*slot = pool_hold(machine->pool, event);
}

static struct past *past_of(struct eql_machine *machine, struct key_node *node, int64_t since)
{
	if (node->past) {
		held_renew(&node->past->held, since);
		return node->past;
	}
	struct past *past = slabs_take_zeroed(machine->pool->slabs, sizeof(*past));

	past->node = node;
	node->past = past;
	held_add(&past->held, machine, HELD_PAST, since);
	pool_charge(machine->pool, sizeof(*past) + ALLOCATION_BYTES);
	return past;
}

static void miss_in_middle(const struct taken *taken, struct key_node *node, const struct gap *gap)
{
	struct eql_machine *machine = taken->machine;
	struct partial *p = node->partials;

	while (p && p->count - 1 != gap->place)
		p = p->next;
	if (!p || p->spoiled || !goes_on(taken, p) ||
	    (p->miss && !event_before(machine, taken->event, p->miss)))
		return;
	if (!whole_holds(taken, machine->query->stages[gap->stage].filter, by_stage(p)))
		return;
	pool_drop(machine->pool, p->miss);
	p->miss = pool_hold(machine->pool, taken->event);
}

/* Decides all that waited for it. */
static void miss_at_end(const struct taken *taken, struct key_node *node, const struct gap *gap)
{
	struct eql_machine *machine = taken->machine;

	for (struct partial **at = &node->waiting; *at;) {
		struct partial *p = *at;

		if (!goes_on(taken, p) ||
		    !whole_holds(taken, machine->query->stages[gap->stage].filter, by_stage(p))) {
			at = &p->next;
			continue;
		}
		int64_t from = machine->plan.leads ? p->lead_ns : p->events[0]->time_ns;

		*at = p->next;
		if (far_apart(machine, from, taken->event->time_ns))
			give_result(p);
		partial_free(p);
	}
}

static void take_miss(const struct taken *taken, const struct gap *gap)
{
	struct eql_machine *machine = taken->machine;
	const struct eql_stage *stage = &machine->query->stages[gap->stage];
	bool leading = gap->kind == GAP_LEADING;

	if (leading && !whole_holds(taken, stage->filter, NULL))
		return;
	if (!key_tuples_begin(&machine->tuples, taken->event, stage->keys))
		return;
	do {
		struct key_node *node = leading ? node_find_or_add(machine) : node_find(machine);

		if (!node)
			continue;
		if (leading)
			note(machine, &past_of(machine, node, taken->event->time_ns)->lead,
			     taken->event);
		else if (gap->kind == GAP_MIDDLE)
			miss_in_middle(taken, node, gap);
		else
			miss_at_end(taken, node, gap);
		release_node(machine, node);
	} while (key_tuples_next(&machine->tuples));
}

/* Where no two events are of equal order, what `until` ends can never go on, and what comes after
 * is not touched by it. Else both are so only for events that are really after it. */
static void take_until(const struct taken *taken)
{
	struct eql_machine *machine = taken->machine;
	const struct eql_stage *until = machine->query->until;
	bool at_once = machine->options.arrival_breaks_ties;

	if (!whole_holds(taken, until->filter, NULL) ||
	    !key_tuples_begin(&machine->tuples, taken->event, until->keys))
		return;
	do {
		struct key_node *node = at_once ? node_find(machine) : node_find_or_add(machine);

		if (!node)
			continue;
		if (at_once)
			end_until(machine, node, taken->event);
		else
			note(machine, &past_of(machine, node, taken->event->time_ns)->until,
			     taken->event);
		release_node(machine, node);
	} while (key_tuples_next(&machine->tuples));
}

void sequence_take(const struct taken *taken)
{
	struct eql_machine *machine = taken->machine;
	const struct sequence_plan *plan = &machine->plan;
	struct place_set satisfied = {0};

	for (uint32_t i = 0; i < taken->filter_count; i++)
		for (uint32_t w = 0; w < PLACE_WORDS; w++)
			satisfied.bits[w] |= plan->filters[taken->filters[i]].bits[w];
	for (uint32_t i = plan->block_count; i-- > 0;)
		feed_block(taken, &plan->blocks[i], &satisfied);
	for (uint32_t i = 0; i < plan->gap_count; i++)
		if (satisfies(taken, machine->query->stages[plan->gaps[i].stage].filter))
			take_miss(taken, &plan->gaps[i]);
	if (machine->query->until && satisfies(taken, machine->query->until->filter))
		take_until(taken);
}

/* --------------------------------------------------------------------------------------- expiry */

static void decide(struct partial *p)
{
	if (p->count == p->held.machine->plan.place_count)
		give_result(p);
	sequence_forget_partial(p);
}

/* Of what is complete: no miss that comes now is near enough. */
static void expire_partials(struct eql_machine *machine)
{
	struct held *oldest;

	while ((oldest = machine->lists[HELD_PARTIAL].oldest)) {
		if (!far_apart(machine, oldest->since_ns, machine->now_ns)) {
			/* The next to go. When keys are many its event is not in the cache. */
			__builtin_prefetch(((struct partial *)oldest)->first);
			return;
		}
		__builtin_prefetch(oldest->next);
		decide((struct partial *)oldest);
	}
}

/* An `until` has said all there is to say once time goes on; a leading miss must be remembered as
 * long as it can be near the end of a sequence. */
static void expire_past(struct eql_machine *machine)
{
	int64_t keep = machine->plan.leads ? machine->query->maxspan_ns : 0;
	struct held *oldest;

	while ((oldest = machine->lists[HELD_PAST].oldest) &&
	       time_between(machine->now_ns, oldest->since_ns) > keep)
		sequence_forget_past((struct past *)oldest);
}

void sequence_finish(struct eql_machine *machine)
{
	while (machine->lists[HELD_PARTIAL].oldest)
		decide((struct partial *)machine->lists[HELD_PARTIAL].oldest);
}

void sequence_expire(struct eql_machine *machine)
{
	if (machine->query->maxspan_ns)
		expire_partials(machine);
	expire_past(machine);
}

/* -------------------------------------------------------------------------------------- loading */

struct partial *sequence_restore(struct eql_machine *machine, struct kept_event *const *events,
				 uint32_t count, int64_t since_ns)
{
	bool waits = count == machine->plan.place_count;

	if (!count || count > machine->plan.place_count || (waits && !machine->plan.trails))
		return NULL;
	struct key_node *node = node_find_or_add(machine);
	struct partial **at = waits ? &node->waiting : &node->partials;

	while (!waits && *at && (*at)->count > count)
		at = &(*at)->next;
	if (!waits && *at && (*at)->count == count)
		return NULL;
	struct partial *p = partial_new(machine, node, since_ns);

	for (uint32_t i = 0; i < count; i++)
		append_event(p, events[i]);
	p->next = *at;
	*at = p;
	return p;
}

struct past *sequence_restore_past(struct eql_machine *machine, int64_t since_ns)
{
	return past_of(machine, node_find_or_add(machine), since_ns);
}
