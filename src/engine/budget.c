/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scanning a field for patterns costs the same for one rule as for all, so an anchor that needs a
 * scan is worth it only if enough rules share the scan. What a rule saves by it is how much rarer
 * its anchor is than the next best one that does without, times what trying the rule costs.
 *
 * A scan is made for the events of a group of rules, and then serves all groups alive with it. It
 * pays for a group if the rules of all groups that are alive whenever it is, because its gate
 * implies theirs, save enough together. Another group may use it for less: for the share of its
 * events on which nobody has made the scan already. So a scan that pays for exec events, which most
 * rules are about, is not made for forks only because one rule about forks could use it.
 */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/explain_internal.h"

/* Comparing every group with every other takes quadratic time; beyond this many (Elastic's Linux
 * rules have 68) a group is judged by its own rules alone. */
#define GROUPS_COMPARED_MAX 2048

/* Trying a slot costs at least this, in nanoseconds: the look at its group and its first test. */
#define TRY_MIN 10.0f

struct saving {
	uint32_t group;
	uint32_t scan; /* index * NEED_COUNT + need */
	float ns;      /* per event */
};

struct savings {
	struct saving *items;
	uint32_t count, cap;
	uint32_t *first; /* by group; one more at the end */
};

static float try_cost(const struct node *tree)
{
	return fmaxf(tree->cost, TRY_MIN);
}

static float expected_cost(const struct anchor *a, const struct node *tree)
{
	return fminf(a->cost, ANCHOR_USELESS) / ANCHOR_USELESS * try_cost(tree);
}

/* The scan an item of an anchor needs, or INDEX_NONE. */
static uint32_t scan_of(const struct builder *b, struct anchor_item item)
{
	if (item.present || !b->literals[item.id].pattern)
		return INDEX_NONE;
	const struct literal *l = &b->literals[item.id];

	return l->index * NEED_COUNT + anchor_need(l);
}

static void add_savings(struct builder *b, uint32_t slot, struct savings *savings)
{
	const struct node *tree = b->trees[slot];
	uint32_t group = b->engine->slots[slot].group, from = savings->count;
	struct anchor best = anchor_find(b, tree);

	for (uint32_t i = 0; i < best.count; i++) {
		uint32_t scan = scan_of(b, best.items[i]);
		bool known = scan == INDEX_NONE;

		for (uint32_t k = from; k < savings->count; k++)
			known |= savings->items[k].scan == scan;
		if (known)
			continue;
		b->banned[scan] = true;
		struct anchor other = anchor_find(b, tree);

		b->banned[scan] = false;
		GROW(savings->items, savings->count, savings->cap);
		savings->items[savings->count++] = (struct saving){
		    group, scan, expected_cost(&other, tree) - expected_cost(&best, tree)};
	}
}

static int by_group(const void *a, const void *b)
{
	const struct saving *x = a, *y = b;

	return (x->group > y->group) - (x->group < y->group);
}

static struct savings find_savings(struct builder *b)
{
	struct savings s = {0};
	uint32_t groups = b->group_keys.count, at = 0;

	for (uint32_t slot = 0; slot < b->engine->slot_count; slot++)
		add_savings(b, slot, &s);
	if (s.count)
		qsort(s.items, s.count, sizeof(*s.items), by_group);
	s.first = xcalloc((size_t)groups + 1, sizeof(*s.first));
	for (uint32_t g = 0; g <= groups; g++) {
		while (at < s.count && s.items[at].group < g)
			at++;
		s.first[g] = at;
	}
	return s;
}

/* ---- what groups have to do with each other */

static bool lists_literal(const struct builder *b, struct span span, uint32_t literal)
{
	for (uint32_t i = 0; i < span.count; i++)
		if (b->literal_lists[span.at + i] == literal)
			return true;
	return false;
}

static uint32_t literals_in_common(const struct builder *b, uint32_t leaf, uint32_t other)
{
	struct span span = b->leaf_literals[leaf];
	uint32_t n = 0;

	for (uint32_t i = 0; i < span.count; i++)
		n += lists_literal(b, b->leaf_literals[other], b->literal_lists[span.at + i]);
	return n;
}

/* Guesses, how often a group is alive that has a test more, or that tests a field for some of the
 * same values. */
#define CHANCE_TESTED 0.5f
#define CHANCE_SHARED 0.8f

/* The chance that a test of `other`'s gate holds on an event for which all of `gate` do. */
static float chance_of_leaf(const struct builder *b, struct span gate, uint32_t other)
{
	float chance = CHANCE_TESTED;

	for (uint32_t i = 0; i < gate.count; i++) {
		uint32_t leaf = b->lists[gate.at + i];

		if (b->leaves[leaf].field != b->leaves[other].field)
			continue;
		uint32_t common = literals_in_common(b, leaf, other);

		if (common == b->leaf_literals[leaf].count)
			return 1;
		chance = common ? CHANCE_SHARED : 0;
	}
	return chance;
}

/* The chance that `other` is alive when `group` is; 1 when it always is. */
static float chance_alive(const struct builder *b, uint32_t group, uint32_t other)
{
	struct span needed = b->gates[other];
	uint32_t category = b->group_categories[other];
	float chance = 1;

	if (b->group_categories[group] != category && !b->category_filters[category]->any_category)
		return 0;
	for (uint32_t i = 0; i < needed.count && chance > 0; i++)
		chance *= chance_of_leaf(b, b->gates[group], b->lists[needed.at + i]);
	return chance;
}

/* ---- which scans pay */

struct budget {
	struct savings savings;
	uint32_t groups, scans;
	struct pairs paid;    /* group, scan: that pay for the group; by group */
	uint32_t *first_paid; /* by group; one more at the end */
	float *sums;          /* by scan, for one group */
};

static void add_group(const struct budget *p, uint32_t group, float *sums)
{
	for (uint32_t i = p->savings.first[group]; i < p->savings.first[group + 1]; i++)
		sums[p->savings.items[i].scan] += p->savings.items[i].ns;
}

static bool has_savings(const struct budget *p, uint32_t group)
{
	return p->savings.first[group] != p->savings.first[group + 1];
}

static float scan_cost(const struct builder *b, uint32_t scan)
{
	return anchor_scan_cost(b, scan / NEED_COUNT, (enum scan_need)(scan % NEED_COUNT));
}

static void find_paid(struct builder *b, struct budget *p)
{
	p->first_paid = xcalloc((size_t)p->groups + 1, sizeof(*p->first_paid));
	for (uint32_t group = 0; group < p->groups; group++) {
		p->first_paid[group + 1] = p->first_paid[group];
		if (!has_savings(p, group))
			continue;
		memset(p->sums, 0, p->scans * sizeof(*p->sums));
		add_group(p, group, p->sums);
		for (uint32_t other = 0; p->groups <= GROUPS_COMPARED_MAX && other < p->groups;
		     other++)
			if (other != group && has_savings(p, other) &&
			    chance_alive(b, group, other) >= 1)
				add_group(p, other, p->sums);
		for (uint32_t scan = 0; scan < p->scans; scan++)
			if (p->sums[scan] > 0 && p->sums[scan] >= scan_cost(b, scan))
				pairs_add(&p->paid, group, scan);
		p->first_paid[group + 1] = p->paid.count;
	}
}

/* By scan, the chance that another group makes it on an event of this one. */
static void find_made(const struct builder *b, const struct budget *p, uint32_t group, float *made)
{
	for (uint32_t other = 0; other < p->groups; other++) {
		if (p->first_paid[other] == p->first_paid[other + 1] ||
		    (other != group && p->groups > GROUPS_COMPARED_MAX))
			continue;
		float chance = other == group ? 1 : chance_alive(b, group, other);

		for (uint32_t i = p->first_paid[other]; i < p->first_paid[other + 1]; i++)
			made[p->paid.items[i].value] = fmaxf(made[p->paid.items[i].value], chance);
	}
}

/* Allow the group the scans that pay, and no others. */
static void ban_for_group(struct builder *b, const struct budget *p, uint32_t group)
{
	float *made = p->sums + p->scans;

	memset(b->banned, true, p->scans);
	if (!has_savings(p, group))
		return;
	memset(p->sums, 0, 2 * (size_t)p->scans * sizeof(*p->sums));
	add_group(p, group, p->sums);
	find_made(b, p, group, made);
	for (uint32_t scan = 0; scan < p->scans; scan++)
		b->banned[scan] = p->sums[scan] < scan_cost(b, scan) * (1 - made[scan]);
}

/* ---- the anchors */

static void add_source(struct builder *b, uint32_t slot, uint32_t index, enum source_kind kind)
{
	pairs_add(&b->group_sources, b->engine->slots[slot].group, index * SOURCE_KINDS + kind);
}

static void enter(struct builder *b, uint32_t slot, const struct anchor *a)
{
	explain_anchor(b, slot, a);
	if (a->cost >= ANCHOR_USELESS) {
		pairs_add(&b->group_always, b->engine->slots[slot].group, slot);
		return;
	}
	for (uint32_t i = 0; i < a->count; i++) {
		uint32_t id = a->items[i].id;

		if (a->items[i].present) {
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

void budget_anchors(struct builder *b)
{
	const struct engine *e = b->engine;
	struct budget p = {.groups = b->group_keys.count, .scans = b->index_count * NEED_COUNT};
	/* Slots by group, as chains of slot + 1. */
	uint32_t *chain = xcalloc((size_t)p.groups + 1, sizeof(*chain));
	uint32_t *next = xcalloc((size_t)e->slot_count + 1, sizeof(*next));

	for (uint32_t slot = e->slot_count; slot-- > 0;) {
		program_order(b, b->trees[slot]);
		next[slot] = chain[e->slots[slot].group];
		chain[e->slots[slot].group] = slot + 1;
	}
	b->banned = ARENA_ARRAY(&b->arena, bool, p.scans);
	p.sums = xcalloc(2 * (size_t)p.scans + 1, sizeof(*p.sums));
	p.savings = find_savings(b);
	find_paid(b, &p);
	for (uint32_t group = 0; group < p.groups; group++) {
		ban_for_group(b, &p, group);
		for (uint32_t i = chain[group]; i; i = next[i - 1]) {
			struct anchor a = anchor_find(b, b->trees[i - 1]);

			enter(b, i - 1, &a);
		}
	}
	free(p.savings.items);
	free(p.savings.first);
	free(p.paid.items);
	free(p.first_paid);
	free(p.sums);
	free(chain);
	free(next);
}
