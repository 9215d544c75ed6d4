/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anchors: of everything a rule's condition cannot hold without, the one thing that events have
 * most rarely. Judged without seeing events: by the field, by how many rules name the value (a
 * value many rules name, if only to exclude it, is a common one), and for patterns by how much of
 * it is literal.
 *
 *	leaf with literals   any of its literals            x in ("a", "b")
 *	and                  the best anchor of its parts
 *	or                   the anchors of all its parts, if all have one
 *	not                  the same with and, or exchanged; only `not x == null` anchors, on x
 */
#include <math.h>

#include "base/alloc.h"
#include "engine/build_internal.h"

struct anchor_item {
	bool present; /* `id` is an index whose field must have a value; else a literal */
	uint32_t id;
};

struct anchor {
	float cost; /* events in a thousand that have it, guessed; INFINITY: there is none */
	struct anchor_item *items;
	uint32_t count;
};

/* From here on looking the slot up costs as much as trying it. */
#define COST_USELESS 1000.0f

/*
 * By field or, with a last dot, by beginning of its name; the first that fits counts. `value` is
 * how common one value of the field is that one rule names; `present` how common it is that the
 * field has a value at all.
 */
static const struct field_weight {
	const char *name;
	float value, present;
} weights[] = {
    {"event.", COST_USELESS, COST_USELESS},
    {"host.", COST_USELESS, COST_USELESS},
    {"data_stream.", COST_USELESS, COST_USELESS},
    {"agent.", COST_USELESS, COST_USELESS},
    {"@timestamp", 1, COST_USELESS},
    {"process.entry_leader.entry_meta.type", 300, 600},
    {"process.Ext.", 100, 200},
    {"process.interactive", 400, COST_USELESS},
    {"process.name", 2, COST_USELESS},
    {"process.args", 3, 600},
    {"process.parent.name", 6, 700},
    {"process.parent.executable", 5, 700},
    {"process.parent.args", 6, 700},
    {"process.parent.command_line", 4, 700},
    {"process.command_line", 1.5f, 700},
    {"process.executable", 2, COST_USELESS},
    {"process.user.", 300, 600},
    {"process.group.", 300, 600},
    {"process.real_", 300, 600},
    {"process.parent.user.", 300, 600},
    {"process.parent.group.", 300, 600},
    {"process.entry_leader.", 8, 700},
    {"process.session_leader.", 8, 700},
    {"process.group_leader.", 8, 700},
    {"process.", 10, 700},
    {"user.", 500, COST_USELESS},
    {"group.", 500, 800},
    {"container.", 20, 200},
    {"file.extension", 6, 400},
    {"file.", 1, 400},
    {"", 2, 20},
};

static const struct field_weight *weight_of(const struct builder *b, uint32_t field)
{
	struct str name = field_set_info(b->fields, field)->name;
	const struct field_weight *w = weights;

	for (;; w++) {
		struct str key = str_from(w->name);
		bool group = !key.len || key.p[key.len - 1] == '.' || key.p[key.len - 1] == '_';

		if (group ? str_starts(name, key) : str_eq(name, key))
			return w;
	}
}

bool anchor_low_cardinality(const struct builder *b, uint32_t field)
{
	return weight_of(b, field)->value >= COST_USELESS;
}

/* How much more often a pattern fits than one exact value; by the rarity of its atom, which is
 * about 3.5 a letter. */
static float pattern_factor(const struct scan_shape *shape)
{
	static const struct {
		uint32_t rarity;
		float factor;
	} steps[] = {{40, 1}, {28, 2}, {20, 5}, {14, 15}, {8, 50}, {0, 150}};
	uint32_t i = 0;

	while (shape->rarity < steps[i].rarity)
		i++;
	/* Patterns that float need every byte of the value looked at. */
	return steps[i].factor * (shape->anchored ? 1 : 2);
}

static float literal_cost(const struct builder *b, const struct literal *l)
{
	const struct field_weight *w = weight_of(b, b->field_of_index[l->index]);
	float cost = w->value * (1 + (float)l->share / 2);

	if (!l->pattern)
		return cost;
	if (!l->shape.rarity)
		return w->present;
	return fminf(cost * pattern_factor(&l->shape), w->present);
}

static struct anchor none(void)
{
	return (struct anchor){.cost = INFINITY};
}

static void add_item(struct anchor *a, struct anchor_item item, float cost)
{
	a->items[a->count++] = item;
	a->cost += cost;
}

/* Any of these fields has a value. */
static struct anchor present(struct builder *b, const uint32_t *fields, uint32_t count)
{
	struct anchor a = {.items = ARENA_ARRAY(&b->arena, struct anchor_item, count)};

	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = b->index_of_field[fields[i]];

		/* build_leaf() gives every field of a leaf an index. */
		add_item(&a, (struct anchor_item){true, index}, weight_of(b, fields[i])->present);
	}
	return count ? a : none();
}

static struct anchor of_leaf(struct builder *b, uint32_t number, bool positive)
{
	const struct leaf *leaf = &b->leaves[number];
	struct span span = b->leaf_literals[number];

	switch ((enum leaf_how)leaf->how) {
	case LEAF_NULL:
		return positive ? none() : present(b, &leaf->field, 1);
	case LEAF_EXISTS:
		return positive ? present(b, &leaf->field, 1) : none();
	case LEAF_EVAL:
		return positive && leaf->eql->needs_value
			   ? present(b, leaf->eql->fields, leaf->eql->field_count)
			   : none();
	case LEAF_INDEXED:
		break;
	}
	if (!positive)
		return none();
	struct anchor a = {.items = ARENA_ARRAY(&b->arena, struct anchor_item, span.count)};

	for (uint32_t i = 0; i < span.count; i++) {
		uint32_t id = b->literal_lists[span.at + i];
		const struct literal *l = &b->literals[id];
		bool any = l->pattern && !l->shape.rarity;

		add_item(&a, (struct anchor_item){any, any ? l->index : id}, literal_cost(b, l));
	}
	return a;
}

static struct anchor any_of(struct builder *b, const struct anchor *kids, uint32_t count)
{
	struct anchor a = {0};
	uint32_t items = 0;

	for (uint32_t i = 0; i < count; i++) {
		a.cost += kids[i].cost;
		items += kids[i].count;
	}
	if (isinf(a.cost))
		return none();
	a.items = ARENA_ARRAY(&b->arena, struct anchor_item, items);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < kids[i].count; k++)
			a.items[a.count++] = kids[i].items[k];
	return a;
}

static struct anchor best_of(const struct anchor *kids, uint32_t count)
{
	struct anchor best = none();

	for (uint32_t i = 0; i < count; i++)
		if (kids[i].cost < best.cost)
			best = kids[i];
	return best;
}

static struct anchor find(struct builder *b, const struct node *node, bool positive)
{
	struct anchor *kids;

	switch (node->kind) {
	case EQL_COND_CONST:
		return node->constant == positive ? none() : (struct anchor){0};
	case EQL_COND_LEAF:
		return of_leaf(b, node->leaf, positive);
	case EQL_COND_NOT:
		return find(b, node->kids[0], !positive);
	case EQL_COND_AND:
	case EQL_COND_OR:
		break;
	}
	kids = ARENA_ARRAY(&b->arena, struct anchor, node->kid_count);
	for (uint32_t i = 0; i < node->kid_count; i++)
		kids[i] = find(b, node->kids[i], positive);
	return (node->kind == EQL_COND_AND) == positive ? best_of(kids, node->kid_count)
							: any_of(b, kids, node->kid_count);
}

static void add_source(struct builder *b, uint32_t slot, uint32_t index, enum source_kind kind)
{
	pairs_add(&b->group_sources, b->engine->slots[slot].group, index * SOURCE_KINDS + kind);
}

void anchor_slot(struct builder *b, uint32_t slot, const struct node *tree)
{
	struct anchor a = find(b, tree, true);

	if (a.cost >= COST_USELESS) {
		pairs_add(&b->group_always, b->engine->slots[slot].group, slot);
		return;
	}
	for (uint32_t i = 0; i < a.count; i++) {
		uint32_t id = a.items[i].id;

		if (a.items[i].present) {
			pairs_add(&b->index_present, id, slot);
			add_source(b, slot, id, SOURCE_PRESENT);
			continue;
		}
		struct literal *l = &b->literals[id];

		l->anchor = true;
		pairs_add(&b->literal_slots, id, slot);
		pairs_add(&b->index_anchored, l->index, slot);
		add_source(b, slot, l->index, l->pattern ? SOURCE_SCAN : SOURCE_EXACT);
	}
}
