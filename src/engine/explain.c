/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/explain_internal.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

struct engine_facts {
	struct arena arena;
	struct intern leaves;     /* keys of all leaves of all rules */
	uint32_t *rules_with;     /* by leaf */
	const struct rule **last; /* by leaf: the rule last counted */
	uint32_t leaf_cap;
	struct engine_slot_facts *slots;
	struct engine_hit *owners; /* by slot, ascending by rule and filter as loaded */
	uint32_t slot_count;
};

/* ---- leaves and who has them */

static void count_leaf(struct engine_facts *f, const struct rule *rule, struct str key)
{
	bool is_new;
	uint32_t leaf = intern_key(&f->leaves, key, &is_new);

	if (leaf >= f->leaf_cap) {
		f->leaf_cap = f->leaf_cap ? 2 * f->leaf_cap : 256;
		f->rules_with = xreallocarray(f->rules_with, f->leaf_cap, sizeof(*f->rules_with));
		f->last = xreallocarray(f->last, f->leaf_cap, sizeof(*f->last));
	}
	if (is_new) {
		f->rules_with[leaf] = 0;
		f->last[leaf] = NULL;
	}
	f->rules_with[leaf] += f->last[leaf] != rule;
	f->last[leaf] = rule;
}

static void count_leaves(struct engine_facts *f, const struct rule *rule,
			 const struct eql_cond *cond)
{
	if (!cond)
		return;
	if (cond->kind == EQL_COND_LEAF)
		count_leaf(f, rule, cond->leaf->key);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		count_leaves(f, rule, cond->kids[i]);
}

static void count_rule(struct engine_facts *f, const struct rule *rule)
{
	for (uint32_t i = 0; rule->query && i < rule->query->filter_count; i++)
		count_leaves(f, rule, rule->query->filters[i].cond);
	for (uint32_t i = 0; i < rule->exception_count; i++)
		count_leaves(f, rule, rule->exceptions[i].cond);
}

uint32_t engine_facts_rules_with(const struct engine_facts *f, const struct eql_leaf *leaf)
{
	uint32_t number = intern_find(&f->leaves, leaf->key);

	return number == INTERN_NONE ? 0 : f->rules_with[number];
}

/* ---- what building tells */

static struct engine_anchor public_anchor(const struct builder *b, struct anchor_item item)
{
	struct engine_facts *f = b->facts;

	if (item.present)
		return (struct engine_anchor){.how = ANCHOR_PRESENT,
					      .field = b->field_of_index[item.id]};
	const struct literal *l = &b->literals[item.id];

	return (struct engine_anchor){
	    .how = l->pattern ? ANCHOR_PATTERN : ANCHOR_EXACT,
	    .field = b->field_of_index[l->index],
	    .text = arena_str(&f->arena, l->text),
	    .fold = l->fold,
	    .ends = l->pattern && l->shape.anchored,
	};
}

static void make_room(struct builder *b)
{
	struct engine_facts *f = b->facts;

	if (f->slots)
		return;
	f->slot_count = b->engine->slot_count;
	f->slots = ARENA_ARRAY(&f->arena, struct engine_slot_facts, f->slot_count);
	f->owners = ARENA_ARRAY(&f->arena, struct engine_hit, f->slot_count);
}

void explain_anchor(struct builder *b, uint32_t slot, const struct anchor *anchor)
{
	bool useless = anchor->cost >= ANCHOR_USELESS;

	if (!b->facts)
		return;
	make_room(b);
	struct engine_slot_facts *facts = &b->facts->slots[slot];
	struct engine_anchor *items =
	    ARENA_ARRAY(&b->facts->arena, struct engine_anchor, anchor->count);

	for (uint32_t i = 0; i < anchor->count && !useless; i++)
		items[facts->anchor_count++] = public_anchor(b, anchor->items[i]);
	facts->anchors = items;
	facts->candidates = useless ? ANCHOR_USELESS : anchor->cost;
}

void explain_slots(struct builder *b)
{
	const struct engine *e = b->engine;
	struct engine_facts *f = b->facts;

	if (!f)
		return;
	make_room(b);
	uint32_t *sharers = xcalloc((size_t)e->group_count + 1, sizeof(*sharers));

	for (uint32_t i = 0; i < e->slot_count; i++)
		sharers[e->slots[i].group]++;
	for (uint32_t i = 0; i < e->slot_count; i++) {
		uint32_t group = e->slots[i].group;
		struct span gate = b->gates[group];
		const struct eql_leaf **leaves =
		    ARENA_ARRAY(&f->arena, const struct eql_leaf *, gate.count);

		for (uint32_t k = 0; k < gate.count; k++)
			leaves[k] = b->leaves[b->lists[gate.at + k]].eql;
		f->slots[i].gate = leaves;
		f->slots[i].gate_count = gate.count;
		f->slots[i].gate_sharers = sharers[group];
		f->slots[i].cost_ns = b->trees[i]->cost;
		f->owners[i] = e->slots[i].hit;
	}
	free(sharers);
}

/* ---- the facts */

struct engine_facts *engine_facts_new(const struct rule_set *rules, struct field_set *fields)
{
	struct engine_facts *f = xcalloc(1, sizeof(*f));

	arena_init(&f->arena);
	intern_init(&f->leaves, &f->arena);
	for (uint32_t i = 0; i < rules->count; i++)
		if (rules->rules[i]->state == RULE_LOADED)
			count_rule(f, rules->rules[i]);
	engine_free(engine_build(rules, fields, f));
	return f;
}

void engine_facts_free(struct engine_facts *f)
{
	if (!f)
		return;
	intern_free(&f->leaves);
	arena_free(&f->arena);
	free(f->rules_with);
	free(f->last);
	free(f);
}

const struct engine_slot_facts *engine_facts_of(const struct engine_facts *f,
						const struct rule *rule, uint32_t filter)
{
	for (uint32_t i = 0; i < f->slot_count; i++)
		if (f->owners[i].rule == rule && f->owners[i].filter == filter)
			return &f->slots[i];
	return NULL;
}
