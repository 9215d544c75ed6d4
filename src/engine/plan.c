/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/plan_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Endpoint events have about 20 combinations. */
#define PLANS_MAX 64
/* Places a plan can be in. With one, two frequent combinations of the same hash would drive each
 * other out for ever. */
#define WAYS 4
/* With very many rules a plan is large, and fewer are kept. */
#define PLAN_BYTES_MAX ((size_t)8 << 20)

struct plan_table {
	const struct engine *engine;
	uint64_t made;
	struct plan *plans; /* one more than `count`: the spare one */
	uint32_t count;     /* a power of two, WAYS at least */
	uint32_t turn;      /* whose place is taken next */
	uint32_t verdicts;  /* that there may be at a time */
	/* Of all plans, in one piece each: */
	uint32_t *numbers;
	uint32_t *seen;
	uint64_t *masks;
};

struct plan_table *plan_table_new(const struct engine *e, uint32_t verdicts)
{
	struct plan_table *table = xcalloc(1, sizeof(*table));
	size_t numbers = (size_t)e->group_count + e->slot_count + e->index_count;
	size_t plan_bytes = (numbers + verdicts) * sizeof(uint32_t) + e->words * sizeof(uint64_t);

	table->engine = e;
	table->verdicts = verdicts;
	table->count = PLANS_MAX;
	while (table->count > WAYS && table->count * plan_bytes > PLAN_BYTES_MAX)
		table->count /= 2;
	table->plans = xcalloc(table->count + 1, sizeof(*table->plans));
	table->numbers = xcalloc((table->count + 1) * numbers + 1, sizeof(*table->numbers));
	table->masks = xcalloc((table->count + 1) * (size_t)e->words + 1, sizeof(*table->masks));
	table->seen = xcalloc((size_t)(table->count + 1) * verdicts, sizeof(*table->seen));
	for (uint32_t i = 0; i <= table->count; i++) {
		struct plan *plan = &table->plans[i];

		plan->masks = table->masks + (size_t)i * e->words;
		plan->seen = table->seen + (size_t)i * verdicts;
		plan->groups = table->numbers + i * numbers;
		plan->always = plan->groups + e->group_count;
		plan->indexes = plan->always + e->slot_count;
	}
	return table;
}

void plan_table_free(struct plan_table *table)
{
	if (!table)
		return;
	free(table->plans);
	free(table->numbers);
	free(table->masks);
	free(table->seen);
	free(table);
}

void plan_table_forget(struct plan_table *table)
{
	for (uint32_t i = 0; i <= table->count; i++)
		table->plans[i].key.count = 0;
}

static inline void add_word(struct plan_key *key, uint64_t word)
{
	key->words[key->count++] = word;
}

/* All bytes but those of the edges, 16 at a time, from the ends inwards. */
static bool add_middle(struct plan_key *key, struct str s)
{
	if (key->count + 2 + s.len / 8 > PLAN_KEY_WORDS)
		return false;
	while (s.len > 16) {
		s = (struct str){s.p + 8, s.len - 16};
		struct str_edges edges = str_edges(s);

		add_word(key, edges.head);
		add_word(key, edges.tail);
	}
	return true;
}

/* Length and all bytes. */
static inline bool add_string(struct plan_key *key, struct str s)
{
	struct str_edges edges = str_edges(s);

	if (key->count + 3 > PLAN_KEY_WORDS)
		return false;
	add_word(key, s.len);
	add_word(key, edges.head);
	add_word(key, edges.tail);
	return s.len <= 16 || add_middle(key, s);
}

static bool add_strings(struct plan_key *key, const struct value *list)
{
	if (key->count == PLAN_KEY_WORDS)
		return false;
	/* No string is as long. */
	add_word(key, (uint64_t)VALUE_LIST << 32 | list->count);
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].type != VALUE_STRING ||
		    !add_string(key, value_as_str(&list->items[i])))
			return false;
	return true;
}

static inline bool add_value(struct plan_key *key, const struct value *v)
{
	if (v->type == VALUE_STRING)
		return add_string(key, value_as_str(v));
	return v->type == VALUE_LIST && add_strings(key, v);
}

/* A sum of products, which a CPU can work out side by side. Constants of splitmix64. */
static uint64_t hash_of(const struct plan_key *key)
{
	uint64_t factor = UINT64_C(0xbf58476d1ce4e5b9), hash = 0;

	for (uint32_t i = 0; i < key->count; i++) {
		hash += (key->words[i] ^ key->words[i] >> 32) * factor;
		factor += UINT64_C(0x94d049bb133111eb) * 2;
	}
	return hash;
}

bool plan_key_of(const struct engine *e, const struct event *event, struct plan_key *key)
{
	/* Bit i: the i-th field has a value. Most have none, and those cost nothing. */
	uint64_t has = 0;

	key->count = 0;
	if (e->plan_field_count > 64)
		return false;
	for (uint32_t i = 0; i < e->plan_field_count; i++) {
		const struct value *v = event_get(event, e->plan_fields[i]);

		if (v->type == VALUE_NULL)
			continue;
		has |= UINT64_C(1) << i;
		if (!add_value(key, v))
			return false;
	}
	/* So that no key is empty, too: an empty one is no plan's. */
	if (key->count == PLAN_KEY_WORDS)
		return false;
	add_word(key, has);
	key->hash = hash_of(key);
	return true;
}

static bool is_for(const struct plan *plan, const struct plan_key *key)
{
	return plan->key.count == key->count && plan->key.hash == key->hash &&
	       memcmp(plan->key.words, key->words, key->count * sizeof(*key->words)) == 0;
}

struct plan *plan_place(struct plan_table *table, const struct plan_key *key, bool *found)
{
	uint32_t set = (uint32_t)(key->hash >> 32) & (table->count / WAYS - 1);
	struct plan *plans = &table->plans[set * WAYS];

	for (uint32_t i = 0; i < WAYS; i++) {
		*found = is_for(&plans[i], key);
		if (*found)
			return &plans[i];
	}
	return &plans[table->turn++ % WAYS];
}

struct plan *plan_spare(struct plan_table *table)
{
	return &table->plans[table->count];
}

static void add_mask(const struct engine *e, struct plan *plan, const struct group *group)
{
	const uint32_t *bits = engine_list(e, group->bits);

	for (uint32_t i = 0; i < group->bits.count; i++)
		plan->masks[bits[i] / 64] |= UINT64_C(1) << (bits[i] % 64);
}

static void swap(uint32_t *a, uint32_t *b)
{
	uint32_t was = *a;

	*a = *b;
	*b = was;
}

/* Those that make a difference to the front, and of them the actor's. */
static void order_indexes(const struct engine *e, struct plan *plan)
{
	plan->keyed_count = plan->actor_count = 0;
	for (uint32_t i = 0; i < plan->index_count; i++)
		if (!e->indexes[plan->indexes[i]].of_plan)
			swap(&plan->indexes[i], &plan->indexes[plan->keyed_count++]);
	for (uint32_t i = 0; i < plan->keyed_count; i++)
		if (e->indexes[plan->indexes[i]].of_actor)
			swap(&plan->indexes[i], &plan->indexes[plan->actor_count++]);
}

void plan_make(struct plan_table *table, struct plan *plan, const struct plan_key *key,
	       uint32_t *marks, uint32_t mark)
{
	const struct engine *e = table->engine;

	plan->serial = key->count ? ++table->made : 0;
	plan->always_count = plan->index_count = 0;
	memset(plan->masks, 0, e->words * sizeof(*plan->masks));
	if (plan->serial)
		memset(plan->seen, 0xff, table->verdicts * sizeof(*plan->seen));
	for (uint32_t i = 0; i < plan->group_count; i++) {
		const struct group *group = &e->groups[plan->groups[i]];
		const uint32_t *indexes = engine_list(e, group->indexes);

		if (group->always.count)
			memcpy(plan->always + plan->always_count, engine_list(e, group->always),
			       group->always.count * sizeof(*plan->always));
		plan->always_count += group->always.count;
		add_mask(e, plan, group);
		for (uint32_t k = 0; k < group->indexes.count; k++) {
			if (marks[indexes[k]] == mark)
				continue;
			marks[indexes[k]] = mark;
			plan->indexes[plan->index_count++] = indexes[k];
		}
	}
	order_indexes(e, plan);
	plan->key.count = key->count;
	plan->key.hash = key->hash;
	memcpy(plan->key.words, key->words, key->count * sizeof(*key->words));
}
