/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process relations: `child of [...]`, `descendant of [...]`, `event of [...]`.
 *
 * Only processes that matter are remembered, by entity id: those an event of which satisfied a
 * relation's filter, and what descends from them. Every event that names its parent is judged by
 * that parent; events that do not (of the network, mostly) by what was remembered of the process
 * when it started.
 *
 * An event is judged before it is learned from: no process is its own descendant, also when it
 * executes several programs one after another, over which it keeps its entity id.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "eql/machine_internal.h"

void lineage_init(struct eql_machine *machine)
{
	const struct eql_query *query = machine->query;

	for (uint32_t i = 0; i < query->relation_count; i++) {
		uint64_t bit = UINT64_C(1) << i;

		switch (query->relations[i].kind) {
		case EQL_EVENT_OF:
			machine->event_of |= bit;
			break;
		case EQL_CHILD_OF:
			machine->child_of |= bit;
			break;
		case EQL_DESCENDANT_OF:
			machine->descendant_of |= bit;
			break;
		}
	}
}

static bool has_id(const void *thing, const void *wanted)
{
	return key_equal(&((const struct process *)thing)->id, wanted);
}

/* The entity id in a field; null if it has none. */
static struct value id_in(const struct kept_event *event, uint32_t field)
{
	const struct value *value = kept_event_get(event, field);

	return key_canonical(value->type == VALUE_LIST ? &value->items[0] : value);
}

static struct process *find(const struct eql_machine *machine, const struct value *id)
{
	if (id->type == VALUE_NULL)
		return NULL;
	return hash_table_find(&machine->processes, key_hash(id), has_id, id);
}

static struct family family_of(const struct eql_machine *machine, const struct kept_event *event)
{
	struct value parent = id_in(event, FIELD_PROCESS_PARENT_ENTITY_ID);
	struct family family = {.id = id_in(event, FIELD_PROCESS_ENTITY_ID)};

	family.process = find(machine, &family.id);
	/* Some sensors name the process itself as the parent of a program it executes. */
	if (!key_equal(&parent, &family.id))
		family.parent = find(machine, &parent);
	return family;
}

static uint64_t child_bits(const struct eql_machine *machine, const struct family *family)
{
	return family->parent ? family->parent->self & machine->child_of : 0;
}

static uint64_t descendant_bits(const struct eql_machine *machine, const struct family *family)
{
	if (!family->parent)
		return 0;
	return (family->parent->self | family->parent->descendant) & machine->descendant_of;
}

uint64_t lineage_relations(struct eql_machine *machine, const struct kept_event *event,
			   struct family *family)
{
	*family = family_of(machine, event);
	uint64_t holds = child_bits(machine, family) | descendant_bits(machine, family);

	if (family->parent)
		held_renew(&family->parent->held, machine->now_ns);
	if (!family->process)
		return holds;
	held_renew(&family->process->held, machine->now_ns);
	return holds | (family->process->self & machine->event_of) | family->process->child |
	       family->process->descendant;
}

uint64_t eql_machine_relations(struct eql_machine *machine, const struct kept_event *event)
{
	struct family family;

	return lineage_relations(machine, event, &family);
}

struct process *lineage_mark(struct eql_machine *machine, const struct value *id)
{
	struct process *process = find(machine, id);

	if (process)
		return process;
	size_t table = hash_table_bytes(&machine->processes);
	size_t bytes = sizeof(*process) + value_text_bytes(id, 1);
	char *text;

	process = slabs_take_zeroed(machine->pool->slabs, bytes);
	text = (char *)(process + 1);
	process->bytes = bytes + ALLOCATION_BYTES;
	process->hash = key_hash(id);
	process->id = value_put(id, &text);
	hash_table_add(&machine->processes, process->hash, process);
	held_add(&process->held, machine, HELD_PROCESS, machine->now_ns);
	pool_charge(machine->pool, process->bytes + hash_table_bytes(&machine->processes) - table);
	return process;
}

void lineage_forget(struct process *process)
{
	struct eql_machine *machine = process->held.machine;

	size_t table = hash_table_bytes(&machine->processes);

	hash_table_remove(&machine->processes, process->hash, process);
	held_remove(&process->held);
	pool_release(machine->pool, process->bytes + table - hash_table_bytes(&machine->processes));
	slabs_give(machine->pool->slabs, process, process->bytes - ALLOCATION_BYTES);
}

void lineage_learn(const struct taken *taken)
{
	struct eql_machine *machine = taken->machine;
	const struct eql_query *query = machine->query;
	const struct family *family = &taken->family;
	uint64_t self = 0, child = 0, descendant = 0;

	if (family->id.type == VALUE_NULL)
		return;
	for (uint32_t i = 0; i < query->relation_count; i++)
		if (satisfies(taken, query->relations[i].filter) &&
		    whole_holds(taken, query->relations[i].filter, NULL))
			self |= UINT64_C(1) << i;
	if (query->lineage_filter != EQL_NO_FILTER && satisfies(taken, query->lineage_filter)) {
		child = child_bits(machine, family);
		descendant = descendant_bits(machine, family);
	}
	if (!(self | child | descendant))
		return;
	struct process *process = lineage_mark(machine, &family->id);

	process->self |= self;
	process->child |= child;
	process->descendant |= descendant;
}
