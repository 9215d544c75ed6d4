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

/*
 * By field or, with a last dot, by beginning of its name; the first that fits counts. `value` is
 * how common one value of the field is that one rule names; `present` how common it is that the
 * field has a value at all.
 */
static const struct field_weight {
	const char *name;
	float value, present;
} weights[] = {
    {"event.", ANCHOR_USELESS, ANCHOR_USELESS},
    {"host.", ANCHOR_USELESS, ANCHOR_USELESS},
    {"data_stream.", ANCHOR_USELESS, ANCHOR_USELESS},
    {"agent.", ANCHOR_USELESS, ANCHOR_USELESS},
    {"@timestamp", 1, ANCHOR_USELESS},
    {"process.entry_leader.entry_meta.type", 300, 600},
    {"process.Ext.", 100, 200},
    {"process.interactive", 400, ANCHOR_USELESS},
    {"process.name", 2, ANCHOR_USELESS},
    {"process.args", 3, 600},
    {"process.parent.name", 6, 700},
    {"process.parent.executable", 5, 700},
    {"process.parent.args", 6, 700},
    {"process.parent.command_line", 4, 700},
    {"process.command_line", 1.5f, 700},
    {"process.executable", 2, ANCHOR_USELESS},
    {"process.user.", 300, 600},
    {"process.group.", 300, 600},
    {"process.real_", 300, 600},
    {"process.parent.user.", 300, 600},
    {"process.parent.group.", 300, 600},
    {"process.entry_leader.", 8, 700},
    {"process.session_leader.", 8, 700},
    {"process.group_leader.", 8, 700},
    {"process.", 10, 700},
    {"user.", 500, ANCHOR_USELESS},
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
	return weight_of(b, field)->value >= ANCHOR_USELESS;
}

/* Where nearly everything on a host is. */
static const char *const common_paths[] = {
    "/bin/",     "/dev/",           "/etc/",      "/home/",      "/lib/",     "/opt/",
    "/proc/",    "/root/",          "/run/",      "/sbin/",      "/tmp/",     "/usr/bin/",
    "/usr/lib/", "/usr/local/bin/", "/usr/sbin/", "/usr/share/", "/var/lib/",
};

static bool begins_common_path(struct str pattern)
{
	size_t len = 0;

	while (len < pattern.len && pattern.p[len] != '*' && pattern.p[len] != '?')
		len++;
	for (size_t i = 0; i < sizeof(common_paths) / sizeof(*common_paths); i++)
		if (len && str_starts(str_from(common_paths[i]), (struct str){pattern.p, len}))
			return true;
	return false;
}

/* How much more often a pattern fits than one exact value; by the rarity of its atom, which is
 * about 3.5 a letter. A few letters at a given end are rare, anywhere they are not. */
static float pattern_factor(const struct literal *l)
{
	static const struct {
		uint32_t rarity;
		float ends, whole;
	} steps[] = {{40, 1, 2}, {28, 1, 4}, {20, 2, 10}, {14, 5, 30}, {8, 20, 100}, {0, 40, 300}};
	uint32_t i = 0;

	if (l->shape.anchored && begins_common_path(l->text))
		return 100;
	while (l->shape.rarity < steps[i].rarity)
		i++;
	return l->shape.anchored ? steps[i].ends : steps[i].whole;
}

static float literal_cost(const struct builder *b, const struct literal *l)
{
	const struct field_weight *w = weight_of(b, b->field_of_index[l->index]);
	float cost = w->value * (1 + (float)l->share / 2);

	if (!l->pattern)
		return cost;
	if (!l->shape.rarity)
		return w->present;
	return fminf(cost * pattern_factor(l), w->present);
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
		add_item(&a, (struct anchor_item){.present = true, .id = index},
			 weight_of(b, fields[i])->present);
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
	case LEAF_VALUE:
	case LEAF_LATER:
	case LEAF_EVENT:
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

		add_item(&a, (struct anchor_item){any, any ? l->index : id, number},
			 literal_cost(b, l));
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
	case EQL_COND_RELATION: /* never in a filter's cond */
		return none();
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

struct anchor anchor_find(struct builder *b, const struct node *tree)
{
	return find(b, tree, true);
}
