/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine remembers from event to event: values and the verdicts on them, verdicts by
 * number, situations, outcomes. Each is filled far beyond its size; what it still says must be true.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "engine/engine.h"
#include "engine/outcome_internal.h"
#include "engine/situation_internal.h"
#include "engine/value_cache_internal.h"
#include "engine/verdict_internal.h"

static uint64_t random_state = 88172645463325252ull;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 2685821657736338717ull) >> 32) % n;
}

/* ---- values */

/* The n-th of many values: strings of all lengths, alike but for the middle; numbers; lists. */
static struct value value_number(struct arena *arena, uint32_t n)
{
	char text[5000], digits[16];
	uint32_t len = n % 7 == 6 ? 4000 + n % 200 : n % 97;

	switch (n % 11) {
	case 8:
		return value_int((int64_t)n / 11);
	case 9:
		return value_double((double)n / 11);
	case 10:
		break;
	default:
		memset(text, 'x', sizeof(text));
		snprintf(digits, sizeof(digits), "%08u", n);
		memcpy(text + len / 2, digits, 8);
		return value_str(arena_str(arena, (struct str){text, len + 20}));
	}
	struct value *items = ARENA_ARRAY(arena, struct value, 3);

	items[0] = value_str(arena_printf(arena, "%u", n / 100));
	items[1] = value_bool(n % 2);
	items[2] = value_str(arena_printf(arena, "%u", n % 100));
	return (struct value){.type = VALUE_LIST, .count = 3, .items = items};
}

/* A verdict that tells index and value. */
static uint32_t verdict_for(uint32_t index, uint32_t n)
{
	return index * 1000000 + n;
}

static uint32_t look(struct value_cache *cache, uint32_t index, uint32_t n)
{
	struct arena arena;
	uint32_t verdict = 0;

	arena_init(&arena);
	struct value v = value_number(&arena, n);
	bool found = value_cache_find(cache, index, &v, &verdict);

	if (found)
		assert_int_equal(verdict, verdict_for(index, n));
	else
		value_cache_keep(cache, index, &v, verdict_for(index, n));
	arena_free(&arena);
	return found;
}

/* Few values again and again among many that come once: the few stay. */
static void values_used_stay(void **state)
{
	struct value_cache *cache = value_cache_new(3);
	uint32_t found = 0, rounds = 40000;

	(void)state;
	for (uint32_t i = 0; i < rounds; i++) {
		found += look(cache, i % 2, random_below(200));
		look(cache, 2, 1000 + i);
	}
	assert_true(found > rounds * 9 / 10);
	value_cache_free(cache);
}

static void values_are_told_apart(void **state)
{
	struct value_cache *cache = value_cache_new(2);
	uint32_t found = 0;

	(void)state;
	for (uint32_t i = 0; i < 300000; i++)
		found += look(cache, random_below(2), random_below(3000));
	assert_true(found > 100000);
	value_cache_forget(cache);
	assert_false(look(cache, 0, 1));
	assert_true(look(cache, 0, 1));
	value_cache_free(cache);
}

static void values_of_other_types_are_others(void **state)
{
	struct value_cache *cache = value_cache_new(1);
	struct value one_string[] = {value_str(STR("5"))};
	const struct value values[] = {
	    value_str(STR("5")),
	    value_int(5),
	    value_double(5),
	    value_bool(true),
	    value_int(1),
	    value_str(STR("")),
	    {.type = VALUE_LIST, .count = 1, .items = one_string},
	};
	uint32_t n = sizeof(values) / sizeof(*values), verdict;

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		assert_false(value_cache_find(cache, 0, &values[i], &verdict));
		assert_true(value_cache_keep(cache, 0, &values[i], i));
	}
	for (uint32_t i = 0; i < n; i++) {
		assert_true(value_cache_find(cache, 0, &values[i], &verdict));
		assert_int_equal(verdict, i);
	}
	value_cache_free(cache);
}

static void what_is_learnt_is_known(void **state)
{
	struct value_cache *cache = value_cache_new(2);
	struct value a = value_str(STR("/usr/bin/something-long")), b = value_str(STR("b"));
	uint32_t verdict;

	(void)state;
	assert_false(value_cache_find(cache, 1, &a, &verdict));
	assert_true(value_cache_keep(cache, 1, &a, 7));
	value_cache_learn(cache, 1, 8);
	assert_true(value_cache_find(cache, 1, &a, &verdict));
	assert_int_equal(verdict, 8);
	assert_false(value_cache_find(cache, 1, &b, &verdict));
	assert_true(value_cache_keep(cache, 1, &b, 9));
	/* Not the last value any more: out of the table. */
	assert_true(value_cache_find(cache, 1, &a, &verdict));
	assert_int_equal(verdict, 8);
	value_cache_free(cache);
}

/* ---- verdicts */

static void equal_bits_have_one_number(void **state)
{
	struct field_index indexes[2] = {{.words = 1}, {.words = 3, .first_word = 1}};
	struct engine engine = {.indexes = indexes, .index_count = 2, .words = 4};
	struct verdict_table table;
	uint32_t numbers[2][64];

	(void)state;
	verdict_table_init(&table, &engine);
	assert_false(verdict_has(&table, VERDICT_EMPTY, 191));
	for (uint32_t round = 0; round < 3; round++)
		for (uint32_t index = 0; index < 2; index++)
			for (uint32_t bit = 0; bit < 64; bit++) {
				verdict_set(verdict_draft(&table, index), bit * (1 + 2 * index));
				uint32_t number = verdict_number(&table, index);

				assert_int_not_equal(number, VERDICT_EMPTY);
				assert_true(verdict_has(&table, number, bit * (1 + 2 * index)));
				if (round)
					assert_int_equal(number, numbers[index][bit]);
				numbers[index][bit] = number;
			}
	assert_int_not_equal(numbers[0][0], numbers[1][0]);
	verdict_draft(&table, 1);
	assert_int_equal(verdict_number(&table, 1), VERDICT_EMPTY);
	verdict_table_forget(&table);
	verdict_set(verdict_draft(&table, 0), 5);
	assert_int_equal(verdict_number(&table, 0), 1);
	verdict_table_free(&table);
}

/* ---- outcomes */

static void outcomes_are_those_kept(void **state)
{
	struct outcome_cache *cache = outcome_cache_new();
	uint32_t found = 0;

	(void)state;
	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t n = random_below(i < 100000 ? 3000 : 30000);
		uint32_t verdicts[] = {n % 10, 0, n / 10 % 10, n / 100};
		uint32_t slots[] = {n, n + 1, n + 2};
		struct outcome_key key = {1 + n % 3, verdicts, 4};
		struct outcome out;

		if (!outcome_find(cache, &key, &out)) {
			out = (struct outcome){slots, n % 2, n % 3};
			outcome_keep(cache, &key, &out);
			continue;
		}
		found++;
		assert_int_equal(out.matched, n % 2);
		assert_int_equal(out.undecided, n % 3);
		assert_memory_equal(out.slots, slots, (n % 2 + n % 3) * sizeof(*slots));
	}
	assert_true(found > 90000);
	outcome_cache_free(cache);
}

/* ---- situations */

static struct outcome_key situation_key(uint32_t n, uint32_t verdicts[3])
{
	verdicts[0] = n % 100;
	verdicts[1] = 0;
	verdicts[2] = n / 100;
	return (struct outcome_key){1 + n % 3, verdicts, 3};
}

/* Adds one that has as many slots as there can be, each with its own number. */
static void add_situation(struct situation_table *table, const struct engine *engine, uint32_t n)
{
	uint32_t verdicts[3];
	struct outcome_key key = situation_key(n, verdicts);
	struct situation *situation = situation_add(table, &key);

	situation->open_count = engine->slot_count;
	situation->open = situation_room(table, situation->open_count * sizeof(uint32_t));
	for (uint32_t i = 0; i < situation->open_count; i++)
		situation->open[i] = n + i;
}

static void situations_are_those_added(void **state)
{
	const struct engine engine = {.index_count = 5, .words = 9, .slot_count = 200};
	struct situation_table *table = situation_table_new(&engine);
	uint32_t verdicts[3], count = 0;

	(void)state;
	for (uint32_t round = 0; round < 2; round++) {
		for (count = 0; situation_table_has_room(table); count++)
			add_situation(table, &engine, count);
		assert_true(count > 1000);
		for (uint32_t n = 0; n < count; n++) {
			struct outcome_key key = situation_key(n, verdicts);
			const struct situation *situation = situation_find(table, &key);

			assert_non_null(situation);
			assert_int_equal(situation->serial, n + 1 + round * count);
			for (uint32_t i = 0; i < engine.slot_count; i++)
				assert_int_equal(situation->open[i], n + i);
		}
		struct outcome_key none = situation_key(count, verdicts);

		assert_null(situation_find(table, &none));
		situation_table_forget(table);
		none = situation_key(0, verdicts);
		assert_null(situation_find(table, &none));
	}
	situation_table_free(table);
}

/* ---- all together: more verdicts and outcomes than there is room for */

#define WORDS 18

static void add_rule(struct rule_set *set, struct field_set *fields, struct str text)
{
	struct rule *rule = ARENA_NEW(&set->arena, struct rule);
	struct eql_options options = {0};
	struct diag_list diags;

	diag_list_init(&diags);
	assert_int_equal(eql_compile(&set->arena, fields, text, &options, &diags, &rule->query), 0);
	diag_list_free(&diags);
	rule->state = RULE_LOADED;
	rule->enabled = true;
	set->rules[set->count++] = rule;
	set->loaded++;
}

static void add_rules(struct rule_set *set, struct field_set *fields)
{
	arena_init(&set->arena);
	set->cap = 3 * WORDS;
	set->rules = xcalloc(set->cap, sizeof(struct rule *));
	for (uint32_t i = 0; i < WORDS; i++) {
		add_rule(set, fields,
			 arena_printf(&set->arena,
				      "any where event.type == \"%s\" and process.args in "
				      "(\"w%u\", \"v\")",
				      i % 2 ? "start" : "end", i));
		add_rule(set, fields,
			 arena_printf(&set->arena,
				      "any where process.args : \"*w%u\" and process.name regex "
				      "\".*w%u.*\" and x.some != null",
				      i, (i + 1) % WORDS));
		add_rule(set, fields,
			 arena_printf(&set->arena,
				      "any where not process.args == \"w%u\" and process.name == "
				      "\"w%u\" and stringcontains(x.some, process.name)",
				      i, (i + 3) % WORDS));
	}
}

static void make_event(struct event *event, uint32_t words, uint32_t name, bool some)
{
	struct arena *arena = &event->arena;
	uint32_t args = (uint32_t)field_set_find(event->fields, STR("process.args"));

	event_reset(event);
	for (uint32_t i = 0; i < WORDS; i++)
		if (words >> i & 1)
			event_append(event, args, value_str(arena_printf(arena, "w%u", i)));
	event_set_str(event, (uint32_t)field_set_find(event->fields, STR("event.type")),
		      name % 3 ? STR("start") : STR("end"));
	event_set_str(event, (uint32_t)field_set_find(event->fields, STR("process.name")),
		      arena_printf(arena, "w%u", name));
	if (some)
		event_set_str(event, (uint32_t)field_set_find(event->fields, STR("x.some")),
			      arena_printf(arena, "w%u", name % 5));
}

static void same_when_memory_is_full(void **state)
{
	struct field_set *fields = field_set_new();
	struct rule_set set = {0};

	(void)state;
	add_rules(&set, fields);
	struct engine *engine = engine_new(&set, fields);
	struct engine_scratch *scratch = engine_scratch_new(engine);
	struct eql_scratch *eql = eql_scratch_new();
	struct event event;
	uint64_t hits_seen = 0;

	event_init(&event, fields);
	for (uint32_t i = 0; i < 60000; i++) {
		/* Half the events from a few, half hardly ever the same. */
		uint32_t words = random_below(i % 2 ? 8 : 1u << WORDS);
		const struct engine_hit *hits;

		make_event(&event, words, random_below(WORDS), random_below(2));
		uint32_t n = engine_match(engine, &event, scratch, &hits), at = 0;

		for (uint32_t r = 0; r < set.count; r++) {
			bool alone = eql_match(set.rules[r]->query, &event, eql);

			assert_int_equal(at < n && hits[at].rule == set.rules[r], alone);
			at += alone;
		}
		assert_int_equal(at, n);
		hits_seen += n;
	}
	assert_true(hits_seen > 100000);
	event_free(&event);
	eql_scratch_free(eql);
	engine_scratch_free(scratch);
	engine_free(engine);
	arena_free(&set.arena);
	free(set.rules);
	field_set_free(fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_used_stay),
	    cmocka_unit_test(values_are_told_apart),
	    cmocka_unit_test(values_of_other_types_are_others),
	    cmocka_unit_test(what_is_learnt_is_known),
	    cmocka_unit_test(equal_bits_have_one_number),
	    cmocka_unit_test(outcomes_are_those_kept),
	    cmocka_unit_test(situations_are_those_added),
	    cmocka_unit_test(same_when_memory_is_full),
	};

	return cmocka_run_group_tests_name("engine_cache", tests, NULL, NULL);
}
