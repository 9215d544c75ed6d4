/* SPDX-License-Identifier: Apache-2.0 */
/* Queries and values made to hurt: each is compiled or refused by a named limit, and none takes a
 * time that the test program's own limit would notice. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/counter.h"
#include "eql/expr_internal.h"
#include "eql/query.h"
#include "eql/value_set_internal.h"

struct fixture {
	struct arena arena;
	struct field_set *fields;
	struct diag_list diags;
	struct eql_scratch *scratch;
	struct eql_query *query;
	struct buf text;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena);
	f->fields = field_set_new();
	diag_list_init(&f->diags);
	f->scratch = eql_scratch_new();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(&f->arena);
	field_set_free(f->fields);
	diag_list_free(&f->diags);
	eql_scratch_free(f->scratch);
	buf_free(&f->text);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *text)
{
	buf_add(&f->text, str_from(text));
}

static void repeat(struct fixture *f, int times, const char *text)
{
	while (times-- > 0)
		put(f, text);
}

/* before, then item(0) .. item(count - 1), then after */
static void put_list(struct fixture *f, const char *before, int count,
		     void (*item)(struct buf *out, int i), const char *after)
{
	put(f, before);
	for (int i = 0; i < count; i++)
		item(&f->text, i);
	put(f, after);
}

static int compile(struct fixture *f)
{
	struct eql_options options = {.dialect = EQL_DIALECT_ENDPOINT};
	int error =
	    eql_compile(&f->arena, f->fields, buf_str(&f->text), &options, &f->diags, &f->query);

	buf_reset(&f->text);
	return error;
}

/* Refused, with `words` in the first error. */
static void refused(struct fixture *f, const char *words)
{
	assert_int_equal(compile(f), -EINVAL);
	assert_int_not_equal(f->diags.count, 0);
	if (str_find(f->diags.items[0].message, str_from(words), 0) == SIZE_MAX)
		fail_msg("refused with: %.*s", STR_ARG(f->diags.items[0].message));
	diag_list_free(&f->diags);
	diag_list_init(&f->diags);
}

static bool match(struct fixture *f, struct value x)
{
	struct event event;

	event_init(&event, f->fields);
	event_set(&event, (uint32_t)field_set_find(f->fields, STR("x")), x);
	bool hit = eql_match(f->query, &event, f->scratch);

	event_free(&event);
	return hit;
}

static void string_item(struct buf *out, int i)
{
	buf_printf(out, ", \"v%d\"", i);
}

static void number_item(struct buf *out, int i)
{
	buf_printf(out, ",%d", i * 2);
}

static void quoted_number(struct buf *out, int i)
{
	buf_printf(out, ",\"%d\"", i * 2);
}

static void pattern_item(struct buf *out, int i)
{
	buf_printf(out, ",\"*v%dx?*\"", i);
}

static void range_item(struct buf *out, int i)
{
	buf_printf(out, ",\"10.%d.%d.0/24\"", i >> 8 & 255, i & 255);
}

#define LONG 90000

static void long_lists_are_looked_up(void **state)
{
	struct fixture *f = *state;
	struct str last = STR("v89999"), none = STR("v90000");

	put_list(f, "any where x in (\"a\"", LONG, string_item, ")");
	assert_int_equal(compile(f), 0);
	assert_true(match(f, value_str(last)));
	assert_false(match(f, value_str(none)));
	put_list(f, "any where x in~ (\"a\"", LONG, string_item, ")");
	assert_int_equal(compile(f), 0);
	assert_true(match(f, value_str(STR("V89999"))));
	put_list(f, "any where x in (-1", LONG, number_item, ")");
	assert_int_equal(compile(f), 0);
	assert_true(match(f, value_int(2 * (LONG - 1))));
	assert_true(match(f, value_double(8)));
	assert_true(match(f, value_str(STR("8.0"))));
	assert_false(match(f, value_int(7)));
	assert_false(match(f, value_bool(true)));
	put_list(f, "any where x in (\"a\"", LONG, quoted_number, ")");
	assert_int_equal(compile(f), 0);
	assert_true(match(f, value_int(8)));
	assert_true(match(f, value_str(STR("8"))));
	assert_false(match(f, value_str(STR("8.0"))));
	put_list(f, "any where x : (\"a\"", LONG / 2, pattern_item, ")");
	assert_int_equal(compile(f), 0);
	assert_true(match(f, value_str(STR("a v44999x5 b"))));
	put_list(f, "any where cidrMatch(x, \"::1\"", LONG / 2, range_item, ")");
	assert_int_equal(compile(f), 0);
	assert_true(match(f, value_str(STR("10.9.9.9"))));
}

static void deep_queries_are_refused(void **state)
{
	struct fixture *f = *state;

	put(f, "any where ");
	repeat(f, 5000, "(");
	put(f, "true");
	repeat(f, 5000, ")");
	refused(f, "nested deeper than 200 levels");
	put(f, "any where ");
	repeat(f, 5000, "child of [any where ");
	put(f, "true");
	repeat(f, 5000, "]");
	refused(f, "nested deeper than 200 levels");
	put(f, "any where x == 1");
	repeat(f, 5000, " + 1");
	refused(f, "nested deeper than 200 levels");
	put(f, "any where ");
	repeat(f, 90, "child of [any where not (x == 1 and ");
	put(f, "true");
	repeat(f, 90, ")]");
	refused(f, "nested deeper than 200 levels");
	put(f, "any where x regex \"");
	repeat(f, 5000, "(");
	repeat(f, 5000, ")");
	put(f, "\"");
	refused(f, "nested deeper than 100 levels");
}

static void huge_queries_are_refused(void **state)
{
	struct fixture *f = *state;

	put(f, "sequence ");
	repeat(f, 30000, "[any where true] ");
	refused(f, "more than 256 queries");
	put(f, "sequence ");
	repeat(f, 3, "[any where true] with runs=100 ");
	refused(f, "more than 256 queries");
	put(f, "sequence by a");
	repeat(f, 5000, ", a");
	refused(f, "more than 64 join keys");
	put(f, "any where false");
	for (int i = 0; i < 5000; i++)
		buf_printf(&f->text, " or child of [any where x == %d]", i);
	refused(f, "more than 64 process relations");
	put(f, "any where concat(x");
	for (int i = 0; i < 5000; i++)
		buf_printf(&f->text, ", f%d", i);
	put(f, ") == \"\"");
	refused(f, "more than 32 fields");
	put(f, "any where x regex \"(((a{1,50}){1,50}){1,50}){1,50}b\"");
	refused(f, "too large");
	put(f, "any where x regex (\"a\"");
	for (int i = 0; i < 50000; i++)
		buf_printf(&f->text, ",\"b%d\"", i);
	put(f, ")");
	refused(f, "too large");
}

static void stages_item(struct buf *out, int i)
{
	buf_printf(out, "[any where x in (\"%d\"", i);
	for (int k = 0; k < 400; k++)
		string_item(out, k);
	buf_add(out, STR(")] "));
}

static void the_largest_queries_compile(void **state)
{
	struct fixture *f = *state;

	put_list(f, "sequence ", EQL_STAGES_MAX, stages_item, "until [any where true]");
	assert_int_equal(compile(f), 0);
	assert_int_equal(f->query->filter_count, EQL_STAGES_MAX + 1);
	put(f, "sequence ");
	for (int i = 0; i < EQL_STAGES_MAX; i++)
		buf_printf(&f->text, "[any where x == %d%s] ", i,
			   i < EQL_RELATIONS_MAX - 1 ? " or child of [any where true]" : "");
	assert_int_equal(compile(f), 0);
	put(f, "sequence [any where true] as e ");
	for (int i = 0; i < EQL_STAGES_MAX - 1; i++)
		buf_printf(&f->text, "[any where e.x == %d and x : \"%d*\"] as e%d ", i, i, i);
	assert_int_equal(compile(f), 0);
	/* as many relations as there may be, each with a filter of its own */
	put(f, "any where false");
	for (int i = 0; i < EQL_RELATIONS_MAX; i++)
		buf_printf(&f->text, " or child of [any where x == %d]", i);
	assert_int_equal(compile(f), 0);
	assert_int_equal(f->query->relation_count, EQL_RELATIONS_MAX);
	/* filter, relations, lineage */
	assert_int_equal(f->query->filter_count, EQL_RELATIONS_MAX + 2);
}

/* A leaf whose every evaluation is dear is evaluated less often. */
static void dear_combinations_are_cut(void **state)
{
	struct fixture *f = *state;
	uint64_t before = counter_get(COUNTER_EVALUATION_CUT);
	struct event event;

	put(f, "any where concat(x, y");
	repeat(f, 50000, ", x");
	put(f, ") == \"nothing\"");
	assert_int_equal(compile(f), 0);
	event_init(&event, f->fields);
	for (const char *name = "xy"; *name; name++)
		for (int i = 0; i < EVENT_VALUES_MAX; i++)
			event_append(&event,
				     (uint32_t)field_set_find(f->fields, (struct str){name, 1}),
				     value_str(STR("some text")));
	assert_false(eql_match(f->query, &event, f->scratch));
	assert_int_equal(counter_get(COUNTER_EVALUATION_CUT), before + 1);
	event_free(&event);
}

/* Text and part so alike that a search that starts over at each place would take minutes. */
static void searches_are_linear(void **state)
{
	static const char *const calls[] = {
	    "stringContains~(x, concat(x, \"b\", x))",
	    "stringContains~(x, y)",
	    "between~(x, y, x) != null",
	    "between~(x, \"a\", y, true) != null",
	    "between(x, \"a\", y, true) != null",
	    "indexOf~(x, y) != null",
	};
	enum {
		BYTES = 1 << 20
	};
	struct fixture *f = *state;
	char *text = malloc(BYTES), *part = malloc(BYTES / 2);
	struct event event;

	memset(text, 'a', BYTES);
	memset(part, 'A', BYTES / 2);
	part[BYTES / 2 - 1] = 'b';
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		put(f, "any where ");
		put(f, calls[i]);
		put(f, " or y == 0");
		assert_int_equal(compile(f), 0);
		event_init(&event, f->fields);
		event_set_str(&event, (uint32_t)field_set_find(f->fields, STR("x")),
			      (struct str){text, BYTES});
		event_set_str(&event, (uint32_t)field_set_find(f->fields, STR("y")),
			      (struct str){part, BYTES / 2});
		assert_false(eql_match(f->query, &event, f->scratch));
		/* and it is found where it is */
		memcpy(text + BYTES / 4, part, BYTES / 2);
		assert_int_equal(eql_match(f->query, &event, f->scratch), i == 1 || i >= 3);
		memset(text, 'a', BYTES);
		event_free(&event);
	}
	free(text);
	free(part);
}

static struct value random_value(unsigned *seed, char text[16])
{
	static const int64_t large[] = {INT64_MAX, INT64_MAX - 1, INT64_MIN, 1LL << 53,
					(1LL << 53) + 1};
	int n = rand_r(seed) % 12;

	switch (rand_r(seed) % 6) {
	case 0:
		return value_bool(n & 1);
	case 1:
		return value_int(n);
	case 2:
		return value_double(n / 2.0);
	case 3:
		return value_int(large[n % 5]);
	case 4:
		snprintf(text, 16, n & 1 ? "%d" : "%d.5", n);
		return value_str(str_from(text));
	default:
		snprintf(text, 16, "%c", 'a' + n);
		return value_str(str_from(text));
	}
}

static void a_set_has_what_equals_an_item(void **state)
{
	struct fixture *f = *state;
	unsigned seed = 11;
	char texts[20][16], text[16];
	struct value items[20];

	for (int round = 0; round < 3000; round++) {
		for (int i = 0; i < 20; i++)
			items[i] = random_value(&seed, texts[i]);
		const struct eql_value_set *set = eql_value_set_new(&f->arena, items, 20);

		for (int k = 0; k < 20; k++) {
			struct value v = random_value(&seed, text);
			bool want = false;

			for (int i = 0; i < 20; i++)
				want |= eql_compare(EQL_EQ, v, items[i]).boolean;
			assert_int_equal(eql_value_set_has(set, &v), want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(long_lists_are_looked_up, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(deep_queries_are_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(huge_queries_are_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_largest_queries_compile, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(dear_combinations_are_cut, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(searches_are_linear, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_set_has_what_equals_an_item, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("eql_limits", tests, NULL, NULL);
}
