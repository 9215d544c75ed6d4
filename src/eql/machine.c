/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/machine.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "eql/machine_internal.h"

int64_t time_between(int64_t a, int64_t b)
{
	int64_t difference;

	if (!__builtin_sub_overflow(a, b, &difference))
		return difference;
	return a > b ? INT64_MAX : INT64_MIN;
}

bool event_before(const struct eql_machine *machine, const struct kept_event *a,
		  const struct kept_event *b)
{
	if (machine->options.arrival_breaks_ties)
		return kept_event_order_total(a, b) < 0;
	return kept_event_order(a, b) < 0;
}

bool satisfies(const struct taken *taken, uint32_t filter)
{
	for (uint32_t i = 0; i < taken->filter_count; i++)
		if (taken->filters[i] == filter)
			return true;
	return false;
}

bool whole_holds(const struct taken *taken, uint32_t filter, struct kept_event **stages)
{
	const struct eql_query *query = taken->machine->query;

	if (!query->filters[filter].whole)
		return true;
	struct eql_scene scene = {
	    .event = taken->event,
	    .stages = (const struct kept_event *const *)stages,
	    .stage_count = stages ? query->stage_count : 0,
	    .relations = taken->relations,
	};

	return eql_whole_holds(&query->filters[filter], &scene, taken->machine->scratch);
}

void machine_found(struct eql_machine *machine, struct kept_event *const *events, uint32_t count,
		   const struct key_node *node, uint64_t number)
{
	struct eql_result result = {
	    .events = events,
	    .event_count = count,
	    .keys = node ? node->keys : NULL,
	    .key_count = node ? machine->query->key_count : 0,
	    .number = number,
	};

	machine->options.found(machine->options.context, &result);
}

void held_forget(struct held *held)
{
	switch ((enum held_kind)held->kind) {
	case HELD_PARTIAL:
		sequence_forget_partial((struct partial *)held);
		break;
	case HELD_PAST:
		sequence_forget_past((struct past *)held);
		break;
	case HELD_SAMPLE:
		sample_forget((struct sample *)held);
		break;
	case HELD_PROCESS:
		lineage_forget((struct process *)held);
		break;
	case HELD_KINDS:
		break;
	}
}

size_t value_text_bytes(const struct value *values, uint32_t count)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		if (values[i].type == VALUE_STRING)
			bytes += values[i].count;
	return bytes;
}

struct value value_put(const struct value *value, char **text)
{
	struct value copy = *value;

	if (value->type != VALUE_STRING)
		return copy;
	if (value->count)
		memcpy(*text, value->text, value->count);
	copy.text = *text;
	*text += value->count;
	return copy;
}

static bool has_keys(const void *thing, const void *wanted)
{
	const struct key_node *node = thing;
	const struct key_tuples *tuples = wanted;

	for (uint32_t i = 0; i < tuples->key_count; i++)
		if (!key_equal(&node->keys[i], &tuples->tuple[i]))
			return false;
	return true;
}

struct key_node *node_find(struct eql_machine *machine)
{
	return hash_table_find(&machine->nodes, machine->tuples.hash, has_keys, &machine->tuples);
}

struct key_node *node_find_or_add(struct eql_machine *machine)
{
	const struct key_tuples *tuples = &machine->tuples;
	struct key_node *node = node_find(machine);

	if (node)
		return node;
	size_t table = hash_table_bytes(&machine->nodes);
	size_t head = sizeof(*node) + tuples->key_count * sizeof(struct value);
	size_t bytes = head + value_text_bytes(tuples->tuple, tuples->key_count);
	char *text;

	node = slabs_take_zeroed(machine->pool->slabs, bytes);
	text = (char *)node + head;
	node->hash = tuples->hash;
	node->bytes = bytes + ALLOCATION_BYTES;
	for (uint32_t i = 0; i < tuples->key_count; i++)
		node->keys[i] = value_put(&tuples->tuple[i], &text);
	hash_table_add(&machine->nodes, node->hash, node);
	pool_charge(machine->pool, node->bytes + hash_table_bytes(&machine->nodes) - table);
	return node;
}

void node_free(struct eql_machine *machine, struct key_node *node)
{
	size_t table = hash_table_bytes(&machine->nodes);

	hash_table_remove(&machine->nodes, node->hash, node);
	pool_release(machine->pool, node->bytes + table - hash_table_bytes(&machine->nodes));
	slabs_give(machine->pool->slabs, node, node->bytes - ALLOCATION_BYTES);
}

static bool has_whole(const struct eql_query *query)
{
	for (uint32_t i = 0; i < query->filter_count; i++)
		if (query->filters[i].whole)
			return true;
	return false;
}

static bool is_place(const struct sequence_plan *plan, uint32_t filter, uint32_t place)
{
	return plan->filters[filter].bits[place / 64] >> (place % 64) & 1;
}

/* Can the condition hold (`wanted` true) or fail (false) while no relation does? */
static bool can_be(const struct eql_cond *cond, bool wanted)
{
	bool any = (cond->kind == EQL_COND_OR) == wanted;

	switch (cond->kind) {
	case EQL_COND_CONST:
		return cond->constant == wanted;
	case EQL_COND_LEAF:
		return true;
	case EQL_COND_RELATION:
		return !wanted;
	case EQL_COND_NOT:
		return can_be(cond->kids[0], !wanted);
	case EQL_COND_AND:
	case EQL_COND_OR:
		break;
	}
	for (uint32_t i = 0; i < cond->kid_count; i++)
		if (can_be(cond->kids[i], wanted) == any)
			return any;
	return !any;
}

/* Only the first stage of a sequence begins one; but a miss before that must be known, and a
 * process that a relation is about. What asks for a relation must wait for such a process. */
static bool *find_starts(const struct eql_machine *machine)
{
	const struct eql_query *q = machine->query;
	bool *starts = xcalloc(q->filter_count, sizeof(*starts));

	for (uint32_t f = 0; f < q->filter_count; f++)
		starts[f] = q->kind == EQL_QUERY_SEQUENCE ? is_place(&machine->plan, f, 0)
							  : f != q->lineage_filter;
	for (uint32_t i = 0;
	     q->kind == EQL_QUERY_SEQUENCE && i < q->stage_count && q->stages[i].missing; i++)
		starts[q->stages[i].filter] = true;
	for (uint32_t i = 0; i < q->relation_count; i++)
		starts[q->relations[i].filter] = true;
	/* Of equal order with what comes next, it would end that. */
	if (q->until && !machine->options.arrival_breaks_ties)
		starts[q->until->filter] = true;
	for (uint32_t f = 0; f < q->filter_count; f++)
		if (q->filters[f].whole && !can_be(q->filters[f].whole, true))
			starts[f] = false;
	return starts;
}

static const struct eql_key **find_keys(const struct eql_query *query)
{
	const struct eql_key **keys = xcalloc(query->filter_count, sizeof(*keys));

	if (query->until)
		keys[query->until->filter] = query->until->keys;
	for (uint32_t i = query->stage_count; i-- > 0;)
		keys[query->stages[i].filter] = query->stages[i].keys;
	return keys;
}

struct eql_machine *eql_machine_new(const struct eql_query *query,
				    const struct eql_machine_options *options)
{
	struct eql_machine *machine = xcalloc(1, sizeof(*machine));

	machine->query = query;
	machine->options = *options;
	machine->pool = options->pool;
	machine->now_ns = INT64_MIN;
	pool_add_machine(machine->pool, machine);
	key_tuples_init(&machine->tuples, query->key_count);
	machine->picked = xcalloc((size_t)query->stage_count + 1, sizeof(*machine->picked));
	if (query->kind == EQL_QUERY_SEQUENCE)
		sequence_plan_init(&machine->plan, query);
	lineage_init(machine);
	machine->starts = find_starts(machine);
	machine->keys = find_keys(query);
	if (has_whole(query))
		machine->scratch = eql_scratch_new();
	return machine;
}

void machine_forget_all(struct eql_machine *machine)
{
	for (uint32_t kind = 0; kind < HELD_KINDS; kind++)
		while (machine->lists[kind].oldest)
			held_forget(machine->lists[kind].oldest);
}

void eql_machine_free(struct eql_machine *machine)
{
	if (!machine)
		return;
	machine_forget_all(machine);
	pool_remove_machine(machine->pool, machine);
	pool_release(machine->pool, hash_table_bytes(&machine->nodes));
	pool_release(machine->pool, hash_table_bytes(&machine->processes));
	hash_table_free(&machine->nodes);
	hash_table_free(&machine->processes);
	sequence_plan_free(&machine->plan);
	key_tuples_free(&machine->tuples);
	if (machine->scratch)
		eql_scratch_free(machine->scratch);
	free(machine->picked);
	free(machine->starts);
	free(machine->keys);
	free(machine);
}

size_t eql_machine_live(const struct eql_machine *machine)
{
	return machine->live;
}

void eql_machine_advance(struct eql_machine *machine, int64_t time_ns)
{
	if (time_ns <= machine->now_ns)
		return;
	machine->now_ns = time_ns;
	if (machine->query->kind == EQL_QUERY_SEQUENCE)
		sequence_expire(machine);
	else if (machine->query->kind == EQL_QUERY_SAMPLE)
		sample_expire(machine);
}

static void take_single(const struct taken *taken)
{
	struct eql_machine *machine = taken->machine;

	if (satisfies(taken, 0) && whole_holds(taken, 0, NULL))
		machine_found(machine, &taken->event, 1, NULL, machine->completed++);
}

bool eql_machine_starts(const struct eql_machine *machine, uint32_t filter)
{
	return machine->starts[filter];
}

bool eql_machine_holds(const struct eql_machine *machine)
{
	for (uint32_t kind = 0; kind < HELD_KINDS; kind++)
		if (machine->lists[kind].oldest)
			return true;
	return false;
}

void eql_machine_pass(struct eql_machine *machine, int64_t time_ns)
{
	if (time_ns > machine->now_ns)
		machine->now_ns = time_ns;
}

/* A key is some 500 bytes with its event; a few megabytes of them are still near. Asking beforehand
 * is not for nothing: an event's key is hashed two times more. */
#define LARGE_KEYS 16384

bool eql_machine_is_large(const struct eql_machine *machine)
{
	return machine->nodes.count >= LARGE_KEYS;
}

void eql_machine_prefetch(const struct eql_machine *machine, const struct kept_event *event,
			  uint32_t filter, bool there)
{
	const struct eql_key *keys = machine->keys[filter];
	uint64_t hash;

	if (!keys || !key_hash_single(event, keys, machine->query->key_count, &hash))
		return;
	if (there)
		hash_table_prefetch_thing(&machine->nodes, hash);
	else
		hash_table_prefetch(&machine->nodes, hash);
}

/* Most events are of a later stage of a sequence that nothing has begun. */
static bool is_idle(const struct eql_machine *machine, const uint32_t *filters, uint32_t count)
{
	if (eql_machine_holds(machine))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (machine->starts[filters[i]])
			return false;
	return true;
}

void eql_machine_take(struct eql_machine *machine, struct kept_event *event,
		      const uint32_t *filters, uint32_t filter_count)
{
	struct taken taken = {
	    .machine = machine, .event = event, .filters = filters, .filter_count = filter_count};

	if (is_idle(machine, filters, filter_count)) {
		eql_machine_pass(machine, event->time_ns);
		return;
	}
	eql_machine_advance(machine, event->time_ns);
	if (machine->query->relation_count)
		taken.relations = lineage_relations(machine, event, &taken.family);
	switch (machine->query->kind) {
	case EQL_QUERY_EVENT:
		take_single(&taken);
		break;
	case EQL_QUERY_SEQUENCE:
		sequence_take(&taken);
		break;
	case EQL_QUERY_SAMPLE:
		/* Members are told apart by address: of the copy that is held. */
		taken.event = kept_event_own(event, machine->pool->slabs);
		sample_take(&taken);
		kept_event_unref(taken.event);
		break;
	}
	if (machine->query->relation_count)
		lineage_learn(&taken);
	if (machine->tuples.cut)
		counter_add(COUNTER_KEYS_CUT, 1);
	machine->tuples.cut = false;
	pool_make_room(machine->pool);
}

void eql_machine_finish(struct eql_machine *machine)
{
	machine->now_ns = INT64_MAX;
	if (machine->query->kind == EQL_QUERY_SEQUENCE)
		sequence_finish(machine);
	else if (machine->query->kind == EQL_QUERY_SAMPLE)
		sample_finish(machine);
	machine_forget_all(machine);
}
