/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/hash_table.h"
#include "base/slabs.h"
#include "event/event.h"

static void arena_keeps_alignment_and_content(void **state)
{
	(void)state;
	struct arena arena;

	arena_init(&arena);
	arena_bytes(&arena, 3);
	uint64_t *n = ARENA_NEW(&arena, uint64_t);

	assert_int_equal((uintptr_t)n % _Alignof(max_align_t), 0);
	assert_int_equal(*n, 0);
	struct str big = {arena_bytes(&arena, 100000), 100000};

	memset((char *)big.p, 'x', big.len);
	struct str s = arena_printf(&arena, "%d-%s", 7, "seven");

	assert_true(str_eq(s, STR("7-seven")));
	arena_reset(&arena);
	assert_int_equal(arena.used_bytes, 0);
	arena_free(&arena);
}

static bool same_number(const void *thing, const void *wanted)
{
	return *(const uint32_t *)thing == *(const uint32_t *)wanted;
}

/* Few different hashes, so that slots are shared, wrap around and move when one is removed. */
static void a_hash_table_finds_what_is_in_it(void **state)
{
	(void)state;
	static uint32_t numbers[1000];
	static bool there[1000];
	struct hash_table table = {0};
	uint32_t random = 1, count = 0;

	for (uint32_t i = 0; i < 1000; i++)
		numbers[i] = i;
	for (int step = 0; step < 20000; step++) {
		random = random * 1664525 + 1013904223;
		uint32_t n = (random >> 8) % 1000;
		uint64_t hash = n % 50 * 61;

		if (there[n])
			hash_table_remove(&table, hash, &numbers[n]);
		else
			hash_table_add(&table, hash, &numbers[n]);
		there[n] = !there[n];
		count += there[n] ? 1 : (uint32_t)-1;
		assert_int_equal(table.count, count);
		n = random % 1000;
		assert_ptr_equal(hash_table_find(&table, n % 50 * 61, same_number, &numbers[n]),
				 there[n] ? &numbers[n] : NULL);
	}
	hash_table_free(&table);
	assert_null(hash_table_find(&table, 0, same_number, &numbers[0]));
}

static void note_free(void *object)
{
	char **log = object;

	*(*log)++ = 'x';
}

static void arena_frees_foreign_objects(void **state)
{
	(void)state;
	struct arena arena;
	char log[4] = "", *at = log;

	arena_init(&arena);
	arena_on_free(&arena, note_free, &at);
	arena_on_free(&arena, note_free, &at);
	arena_reset(&arena);
	assert_string_equal(log, "xx");
	arena_on_free(&arena, note_free, &at);
	arena_free(&arena);
	assert_string_equal(log, "xxx");
	arena_free(&arena);
	assert_string_equal(log, "xxx");
}

static void str_finds_and_folds(void **state)
{
	(void)state;
	assert_true(str_eq_fold(STR("PreInst"), STR("preinst")));
	assert_false(str_eq_fold(STR("a["), STR("a{")));
	assert_int_equal(str_find(STR("abcabc"), STR("bc"), 2), 4);
	assert_true(str_find(STR("abc"), STR("abcd"), 0) == SIZE_MAX);
	assert_int_equal(str_find_fold(STR("fooBAR"), STR("bar"), 0), 3);
	assert_true(str_eq(str_basename(STR("/etc/ld.so.conf")), STR("ld.so.conf")));
	assert_true(str_eq(str_extension(STR("ld.so.conf")), STR("conf")));
	assert_int_equal(str_extension(STR("Makefile")).len, 0);
	assert_true(str_hash_fold(STR("ABC")) == str_hash_fold(STR("abc")));
	assert_true(str_hash_fold(STR("abc")) == str_hash(STR("abc")));
	char longer[1000];

	memset(longer, 'Q', sizeof(longer));
	uint64_t upper = str_hash_fold((struct str){longer, sizeof(longer)});

	memset(longer, 'q', sizeof(longer));
	assert_true(upper == str_hash((struct str){longer, sizeof(longer)}));
}

static void clock_reads_what_it_writes(void **state)
{
	(void)state;
	static const int64_t times[] = {0, 1, 1767582000248850000, -1, 951827696789000000};
	char text[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		int64_t back;

		assert_int_equal(clock_parse(clock_format(times[i], text), &back), 0);
		assert_true(back == times[i]);
	}
	int64_t ns;

	assert_int_equal(clock_parse(STR("2017-08-30T20:47:32Z"), &ns), 0);
	assert_true(ns == 1504126052 * NS_PER_SEC);
	assert_int_equal(clock_parse(STR("2017-08-30T22:47:32+02:00"), &ns), 0);
	assert_true(ns == 1504126052 * NS_PER_SEC);
	assert_int_equal(clock_parse(STR("2000-02-29"), &ns), 0);
	assert_int_equal(clock_parse(STR("2001-02-29"), &ns), -EINVAL);
	assert_int_equal(clock_parse(STR("2001-01-01Tx"), &ns), -EINVAL);
	assert_int_equal(clock_parse(STR("9999-01-01"), &ns), -EINVAL);
	assert_int_equal(clock_parse(STR(""), &ns), -EINVAL);
}

static void diag_points_at_the_place(void **state)
{
	(void)state;
	struct diag_list list;
	struct buf out = {0};

	diag_list_init(&list);
	diag_add(&list, diag_at(STR("r.toml"), STR("one\ntwo three\n"), 8, 5, 1, 1),
		 "unknown word [%s]", "three");
	diag_format(&list.items[0], false, &out);
	assert_true(str_eq(buf_str(&out), STR("r.toml:2:5: error: unknown word [three]\n"
					      "    2 | two three\n"
					      "      |     ^~~~~\n")));
	for (int i = 0; i < 2 * DIAG_LIST_MAX; i++)
		diag_add(&list, (struct diag){0}, "again");
	assert_int_equal(list.count, DIAG_LIST_MAX);
	assert_int_equal(list.errors, 2 * DIAG_LIST_MAX + 1);
	assert_int_equal(list.suppressed, DIAG_LIST_MAX + 1);
	buf_free(&out);
	diag_list_free(&list);
}

static void event_slots_fill_and_reset(void **state)
{
	(void)state;
	struct field_set *fields = field_set_new();
	int32_t custom = field_set_demand(fields, STR("kubernetes.audit.verb"));

	assert_true(custom >= FIELD_KNOWN_COUNT);
	assert_int_equal(field_set_demand(fields, STR("kubernetes.audit.verb")), custom);
	assert_int_equal(field_set_find(fields, STR("process.name")), FIELD_PROCESS_NAME);
	assert_int_equal(field_set_find(fields, STR("no.such")), -ENOENT);
	for (uint32_t i = 1; i < FIELD_KNOWN_COUNT; i++)
		assert_true(str_cmp(field_known_name(i - 1), field_known_name(i)) < 0);
	for (int i = 0; i < 2000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "x.%d", i);
		field_set_demand(fields, str_from(name));
	}
	assert_int_equal(field_set_find(fields, STR("kubernetes.audit.verb")), custom);

	struct event event;

	event_init(&event, fields);
	for (int i = 0; i < 5; i++)
		event_append(&event, FIELD_PROCESS_ARGS, value_int(i));
	assert_int_equal(event_get(&event, FIELD_PROCESS_ARGS)->count, 5);
	assert_int_equal(event_get(&event, FIELD_PROCESS_ARGS)->items[4].integer, 4);
	struct str args[] = {STR("a"), STR("b"), STR("c"), STR("d")};

	event_set_strs(&event, FIELD_PROCESS_PARENT_ARGS, args, 4);
	event_append(&event, FIELD_PROCESS_PARENT_ARGS, value_str(STR("e")));
	assert_true(str_eq(event_get_str(&event, FIELD_PROCESS_PARENT_ARGS), STR("a")));
	assert_int_equal(event_get(&event, FIELD_PROCESS_PARENT_ARGS)->count, 5);
	event_reset(&event);
	assert_int_equal(event_get(&event, FIELD_PROCESS_ARGS)->type, VALUE_NULL);
	assert_int_equal(event.filled_count, 0);
	event_free(&event);
	field_set_free(fields);
}

#define THINGS 20000

struct thing {
	unsigned char *bytes;
	size_t size;
};

static void check_and_give(struct slabs *slabs, struct thing *thing, size_t number)
{
	for (size_t i = 0; i < thing->size; i++)
		assert_int_equal(thing->bytes[i], number % 251);
	slabs_give(slabs, thing->bytes, thing->size);
	thing->bytes = NULL;
}

static void slabs_give_memory_of_its_own_to_each(void **state)
{
	(void)state;
	struct slabs *slabs = slabs_new();
	struct thing *things = calloc(THINGS, sizeof(*things));
	uint64_t random = 1;

	/* A little of everything, and more than the largest size there are slabs of. */
	for (int round = 0; round < 100000; round++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		size_t number = (random >> 33) % THINGS;
		struct thing *thing = &things[number];

		if (thing->bytes) {
			check_and_give(slabs, thing, number);
			continue;
		}
		thing->size = (random >> 48) % (random >> 40 & 15 ? 600 : 10000);
		thing->bytes = slabs_take(slabs, thing->size);
		assert_int_equal((uintptr_t)thing->bytes % _Alignof(max_align_t), 0);
		memset(thing->bytes, (int)(number % 251), thing->size);
	}
	size_t most = slabs_bytes(slabs);

	for (size_t number = 0; number < THINGS; number++)
		if (things[number].bytes)
			check_and_give(slabs, &things[number], number);
	/* What is kept is a slab of each size, but no more. */
	assert_true(slabs_bytes(slabs) <= most);
	assert_true(slabs_bytes(slabs) <= (size_t)16 << 20);
	unsigned char *zeroed = slabs_take_zeroed(slabs, 300);

	for (int i = 0; i < 300; i++)
		assert_int_equal(zeroed[i], 0);
	slabs_give(slabs, zeroed, 300);
	slabs_give(slabs, NULL, 0);
	slabs_free(slabs);
	free(things);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(arena_keeps_alignment_and_content),
	    cmocka_unit_test(a_hash_table_finds_what_is_in_it),
	    cmocka_unit_test(arena_frees_foreign_objects),
	    cmocka_unit_test(slabs_give_memory_of_its_own_to_each),
	    cmocka_unit_test(str_finds_and_folds),
	    cmocka_unit_test(clock_reads_what_it_writes),
	    cmocka_unit_test(diag_points_at_the_place),
	    cmocka_unit_test(event_slots_fill_and_reset),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
