/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/alert_internal.h"
#include "engine/explain_internal.h"

void pairs_add(struct pairs *pairs, uint32_t key, uint32_t value)
{
	GROW(pairs->items, pairs->count, pairs->cap);
	pairs->items[pairs->count++] = (struct pair){key, value};
}

static int by_key_and_value(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static uint32_t list_add(struct builder *b, uint32_t number)
{
	GROW(b->lists, b->list_count, b->list_cap);
	b->lists[b->list_count] = number;
	return b->list_count++;
}

/* Write the pairs as lists, ascending and without repetition; spans[key] gets where they are. */
static void write_lists(struct builder *b, struct pairs *pairs, struct span *spans, size_t stride)
{
	if (pairs->count)
		qsort(pairs->items, pairs->count, sizeof(*pairs->items), by_key_and_value);
	for (uint32_t i = 0; i < pairs->count; i++) {
		const struct pair *p = &pairs->items[i];
		struct span *span = (struct span *)((char *)spans + p->key * stride);

		if (i && p->key == p[-1].key && p->value == p[-1].value)
			continue;
		uint32_t at = list_add(b, p->value);

		if (!span->count++)
			span->at = at;
	}
	free(pairs->items);
	*pairs = (struct pairs){0};
}

static uint32_t category_of(struct builder *b, const struct eql_filter *filter)
{
	bool is_new;
	struct str key = filter->any_category
			     ? STR("any")
			     : arena_printf(&b->arena, "%u %.*s", filter->category_field,
					    STR_ARG(filter->category));
	uint32_t number = intern_key(&b->category_keys, key, &is_new);

	if (is_new) {
		GROW(b->category_filters, number, b->category_cap);
		b->category_filters[number] = filter;
	}
	return number;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* More tests of low-cardinality fields than this in one conjunction are no longer a gate but a
 * condition. */
#define GATE_MAX 16

/* Rules with the same category and gate share a group. */
static uint32_t group_of(struct builder *b, const struct eql_filter *filter, struct node *tree)
{
	uint32_t key[1 + GATE_MAX] = {category_of(b, filter)};
	uint32_t n = program_take_gate(b, tree, key + 1, GATE_MAX);
	bool is_new;

	qsort(key + 1, n, sizeof(*key), by_value);
	uint32_t number = intern_key(
	    &b->group_keys, (struct str){(const char *)key, (1 + n) * sizeof(*key)}, &is_new);

	if (!is_new)
		return number;
	if (number >= b->gate_cap) {
		b->gate_cap = b->gate_cap ? b->gate_cap * 2 : 64;
		b->gates = xreallocarray(b->gates, b->gate_cap, sizeof(*b->gates));
		b->group_categories =
		    xreallocarray(b->group_categories, b->gate_cap, sizeof(*b->group_categories));
	}
	b->group_categories[number] = key[0];
	b->gates[number] = (struct span){.at = b->list_count, .count = n};
	for (uint32_t i = 0; i < n; i++)
		list_add(b, key[1 + i]);
	pairs_add(&b->category_groups, key[0], number);
	return number;
}

/* An exception takes events out of what a rule looks for, so out of every stage, as in Kibana,
 * where it is part of the request's filter. What only says who descends from whom is not what is
 * looked for: there an excepted process is still a parent. */
bool engine_filter_has_exceptions(const struct rule *rule, uint32_t filter)
{
	const struct eql_query *q = rule->query;

	if (q->kind == EQL_QUERY_EVENT)
		return filter == 0;
	for (uint32_t i = 0; i < q->stage_count; i++)
		if (q->stages[i].filter == filter)
			return true;
	return q->until && q->until->filter == filter;
}

static struct node *none_of(struct builder *b, const struct eql_cond *cond, uint32_t slot)
{
	struct node *tree = ARENA_NEW(&b->arena, struct node);

	tree->kind = EQL_COND_NOT;
	tree->kids = ARENA_ARRAY(&b->arena, struct node *, 1);
	tree->kids[tree->kid_count++] = program_tree(b, cond, slot);
	return tree;
}

/* The condition of a filter and none of the rule's exceptions, as one tree. */
static struct node *filter_tree(struct builder *b, const struct rule *rule, uint32_t filter,
				uint32_t slot)
{
	struct node *tree = ARENA_NEW(&b->arena, struct node);
	uint32_t exceptions =
	    engine_filter_has_exceptions(rule, filter) ? rule->exception_count : 0;

	tree->kind = EQL_COND_AND;
	tree->kids = ARENA_ARRAY(&b->arena, struct node *, 1 + exceptions);
	tree->kids[tree->kid_count++] = program_tree(b, rule->query->filters[filter].cond, slot);
	for (uint32_t i = 0; i < exceptions; i++)
		if (rule->exceptions[i].cond)
			tree->kids[tree->kid_count++] = none_of(b, rule->exceptions[i].cond, slot);
	return tree;
}

static bool runs(const struct rule *rule)
{
	return rule->state == RULE_LOADED && rule->enabled && rule->query;
}

static void add_slot(struct builder *b, const struct rule *rule, uint32_t number, uint32_t filter)
{
	uint32_t slot = b->engine->slot_count++;

	b->trees[slot] = filter_tree(b, rule, filter, slot);
	b->engine->slots[slot] = (struct slot){
	    .hit = {rule, filter, number},
	    .group = group_of(b, &rule->query->filters[filter], b->trees[slot]),
	};
}

static void add_slots(struct builder *b, const struct rule_set *rules)
{
	struct engine *e = b->engine;
	uint32_t count = 0;

	for (uint32_t i = 0; i < rules->count; i++)
		if (runs(rules->rules[i]))
			count += rules->rules[i]->query->filter_count;
	e->slots = ARENA_ARRAY(&e->arena, struct slot, count);
	b->trees = ARENA_ARRAY(&b->arena, struct node *, count);
	for (uint32_t i = 0; i < rules->count; i++)
		for (uint32_t f = 0;
		     runs(rules->rules[i]) && f < rules->rules[i]->query->filter_count; f++)
			add_slot(b, rules->rules[i], i, f);
}

static void enter_anchor(struct builder *b, uint32_t slot, const struct anchor *a)
{
	explain_anchor(b, slot, a);
	if (a->cost >= ANCHOR_USELESS) {
		pairs_add(&b->group_always, b->engine->slots[slot].group, slot);
		return;
	}
	for (uint32_t i = 0; i < a->count; i++) {
		struct anchor_item item = a->items[i];

		if (!item.present) {
			pairs_add(&b->leaf_slots, item.leaf, slot);
			continue;
		}
		build_exists_bit(b, item.id);
		pairs_add(&b->index_present, item.id, slot);
		pairs_add(&b->group_indexes, b->engine->slots[slot].group, item.id);
		pairs_add(&b->group_present, b->engine->slots[slot].group, item.id);
	}
}

/* The group's plan must know the verdicts that its slots ask for. */
static void enter_indexes(struct builder *b, const struct node *tree, uint32_t group)
{
	if (tree->kind == EQL_COND_LEAF && b->leaves[tree->leaf].how != LEAF_EVENT) {
		pairs_add(&b->group_indexes, group, b->leaves[tree->leaf].index);
		pairs_add(&b->group_leaves, group, tree->leaf);
	}
	for (uint32_t i = 0; i < tree->kid_count; i++)
		enter_indexes(b, tree->kids[i], group);
}

static void write_code(struct builder *b)
{
	struct engine *e = b->engine;

	for (uint32_t i = 0; i < e->slot_count; i++) {
		struct anchor anchor = anchor_find(b, b->trees[i]);

		enter_anchor(b, i, &anchor);
		enter_indexes(b, b->trees[i], e->slots[i].group);
		program_order(b, b->trees[i]);
		e->slots[i].start = program_emit(b, b->trees[i], CODE_MATCH, CODE_FAIL);
	}
	e->code_count = b->code_count;
	e->code = ARENA_ARRAY(&e->arena, struct test, b->code_count);
	if (b->code_count)
		memcpy(e->code, b->code, b->code_count * sizeof(*b->code));
}

static void write_anchors(struct builder *b)
{
	struct engine *e = b->engine;
	struct pairs by_bit = {0};

	e->bit_slots = ARENA_ARRAY(&e->arena, struct span, (size_t)e->words * 64);
	for (uint32_t i = 0; i < b->leaf_slots.count; i++) {
		const struct leaf *leaf = &b->leaves[b->leaf_slots.items[i].key];

		pairs_add(&by_bit, build_bit_of(e, leaf->index, leaf->bit),
			  b->leaf_slots.items[i].value);
	}
	for (uint32_t i = 0; i < b->index_present.count; i++) {
		uint32_t index = b->index_present.items[i].key;

		pairs_add(&by_bit, build_bit_of(e, index, e->indexes[index].exists_bit),
			  b->index_present.items[i].value);
	}
	write_lists(b, &by_bit, e->bit_slots, sizeof(*e->bit_slots));
	free(b->index_present.items);
	free(b->leaf_slots.items);
}

/* What the slots of a group look at in verdicts: the bits of their leaves, and of their anchors,
 * which are bits of their leaves but for fields that must only be there. */
static void write_group_bits(struct builder *b)
{
	const struct engine *e = b->engine;
	struct pairs by_group = {0};

	for (uint32_t i = 0; i < b->group_leaves.count; i++) {
		const struct leaf *leaf = &b->leaves[b->group_leaves.items[i].value];
		uint32_t group = b->group_leaves.items[i].key;

		pairs_add(&by_group, group, build_bit_of(e, leaf->index, leaf->bit));
		if (leaf->how == LEAF_LATER)
			pairs_add(&by_group, group, build_bit_of(e, leaf->index, leaf->asked_bit));
	}
	for (uint32_t i = 0; i < b->group_present.count; i++) {
		uint32_t index = b->group_present.items[i].value;

		pairs_add(&by_group, b->group_present.items[i].key,
			  build_bit_of(e, index, e->indexes[index].exists_bit));
	}
	write_lists(b, &by_group, &e->groups->bits, sizeof(*e->groups));
	free(b->group_leaves.items);
	free(b->group_present.items);
}

static void count_later(struct builder *b)
{
	struct engine *e = b->engine;

	for (uint32_t i = 0; i < b->index_later.count; i++) {
		e->later_count++;
		e->later_words += e->indexes[b->index_later.items[i].key].words;
	}
}

static void write_indexes(struct builder *b)
{
	struct engine *e = b->engine;
	struct pairs by_index = {0};
	struct span *spans = ARENA_ARRAY(&b->arena, struct span, b->index_count);

	e->index_count = b->index_count;
	e->indexes = ARENA_ARRAY(&e->arena, struct field_index, b->index_count);
	for (uint32_t i = 0; i < b->literal_keys.count; i++)
		pairs_add(&by_index, b->literals[i].index, i);
	write_lists(b, &by_index, spans, sizeof(*spans));
	for (uint32_t i = 0; i < b->index_count; i++) {
		struct field_index *index = &e->indexes[i];
		const struct index_parts *parts = &b->index_parts[i];

		*index = (struct field_index){.field = b->field_of_index[i],
					      .null_bit = parts->null_bit,
					      .exists_bit = parts->exists_bit,
					      .words = (parts->bits + 63) / 64,
					      .first_word = e->words};
		e->words += index->words;
		if (!spans[i].count)
			continue;
		build_search(b, index, b->lists + spans[i].at, spans[i].count);
	}
	if (!b->index_count)
		return;
	write_lists(b, &b->index_values, &e->indexes->values, sizeof(*e->indexes));
	write_lists(b, &b->index_untyped, &e->indexes->untyped, sizeof(*e->indexes));
	write_anchors(b);
	count_later(b);
	for (uint32_t i = 0; i < e->index_count; i++)
		e->indexes[i].any_value = !spans[i].count && !e->indexes[i].values.count;
	/* Those with a LATER leaf matter for more than being there. */
	for (uint32_t i = 0; i < b->index_later.count; i++)
		e->indexes[b->index_later.items[i].key].any_value = false;
	free(b->index_later.items);
}

static void write_leaves(struct builder *b)
{
	struct engine *e = b->engine;

	e->literal_count = b->literal_keys.count;
	e->hits = ARENA_ARRAY(&e->arena, struct span, e->literal_count);
	write_lists(b, &b->literal_bits, e->hits, sizeof(*e->hits));
	for (uint32_t i = 0; i < e->literal_count; i++)
		if (e->hits[i].count == 1)
			e->hits[i].at = b->lists[e->hits[i].at];
	e->leaf_count = b->leaf_keys.count;
	e->leaves = ARENA_ARRAY(&e->arena, struct leaf, e->leaf_count);
	if (e->leaf_count)
		memcpy(e->leaves, b->leaves, e->leaf_count * sizeof(*e->leaves));
	build_bit_parts(b);
}

static void write_groups(struct builder *b)
{
	struct engine *e = b->engine;

	e->group_count = b->group_keys.count;
	e->groups = ARENA_ARRAY(&e->arena, struct group, e->group_count);
	for (uint32_t i = 0; i < e->group_count; i++)
		e->groups[i].gate = b->gates[i];
	write_lists(b, &b->group_always, &e->groups->always, sizeof(*e->groups));
	write_lists(b, &b->group_indexes, &e->groups->indexes, sizeof(*e->groups));
	write_group_bits(b);
	e->category_count = b->category_keys.count;
	e->categories = ARENA_ARRAY(&e->arena, struct category, e->category_count);
	for (uint32_t i = 0; i < e->category_count; i++)
		e->categories[i].filter = b->category_filters[i];
	write_lists(b, &b->category_groups, &e->categories->groups, sizeof(*e->categories));
}

static void write_plan_fields(struct builder *b)
{
	struct engine *e = b->engine;
	uint32_t n = 0, unique = 0, most = e->category_count;

	for (uint32_t i = 0; i < e->group_count; i++)
		most += b->gates[i].count;
	e->plan_fields = ARENA_ARRAY(&e->arena, uint32_t, most);
	for (uint32_t i = 0; i < e->category_count; i++)
		if (!e->categories[i].filter->any_category)
			e->plan_fields[n++] = e->categories[i].filter->category_field;
	for (uint32_t i = 0; i < e->group_count; i++)
		for (uint32_t k = 0; k < b->gates[i].count; k++)
			e->plan_fields[n++] = b->leaves[b->lists[b->gates[i].at + k]].field;
	qsort(e->plan_fields, n, sizeof(*e->plan_fields), by_value);
	for (uint32_t i = 0; i < n; i++)
		if (!i || e->plan_fields[i] != e->plan_fields[i - 1])
			e->plan_fields[unique++] = e->plan_fields[i];
	e->plan_field_count = unique;
	for (uint32_t i = 0; i < unique; i++) {
		uint32_t index = b->index_of_field[e->plan_fields[i]];

		if (index != INDEX_NONE)
			e->indexes[index].of_plan = true;
	}
}

static void builder_free(struct builder *b)
{
	arena_free(&b->arena);
	intern_free(&b->leaf_keys);
	intern_free(&b->literal_keys);
	intern_free(&b->group_keys);
	intern_free(&b->category_keys);
	free(b->leaves);
	free(b->leaf_literals);
	free(b->literal_lists);
	free(b->literals);
	free(b->gates);
	free(b->group_categories);
	free(b->category_filters);
	free(b->lists);
	free(b->code);
}

struct engine *engine_build(const struct rule_set *rules, struct field_set *fields,
			    struct engine_facts *facts)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	struct builder b = {.engine = e, .facts = facts, .fields = fields};

	alert_demand_fields(fields);
	arena_init(&e->arena);
	arena_init(&b.arena);
	intern_init(&b.leaf_keys, &b.arena);
	intern_init(&b.literal_keys, &b.arena);
	intern_init(&b.group_keys, &b.arena);
	intern_init(&b.category_keys, &b.arena);
	b.index_of_field = ARENA_ARRAY(&b.arena, uint32_t, field_set_count(fields));
	b.field_of_index = ARENA_ARRAY(&b.arena, uint32_t, field_set_count(fields));
	b.index_parts = ARENA_ARRAY(&b.arena, struct index_parts, field_set_count(fields));
	memset(b.index_of_field, 0xff, field_set_count(fields) * sizeof(uint32_t));

	add_slots(&b, rules);
	write_code(&b);
	write_indexes(&b);
	write_leaves(&b);
	write_groups(&b);
	write_plan_fields(&b);
	build_field_kinds(&b);
	e->lists = ARENA_ARRAY(&e->arena, uint32_t, b.list_count);
	if (b.list_count)
		memcpy(e->lists, b.lists, b.list_count * sizeof(*b.lists));
	explain_slots(&b);
	builder_free(&b);
	return e;
}

struct engine *engine_new(const struct rule_set *rules, struct field_set *fields)
{
	return engine_build(rules, fields, NULL);
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	arena_free(&engine->arena);
	free(engine);
}
