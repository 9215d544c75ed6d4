/* SPDX-License-Identifier: Apache-2.0 */
/* What the event in hand does not decide: conditions over earlier events and relations, judged in a
 * scene of kept events; and that the stateless part never keeps out what could still match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eql/query.h"

struct fixture {
	struct arena arena;
	struct field_set *fields;
	struct diag_list diags;
	struct eql_scratch *scratch;
	struct eql_query *query;
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
	free(f);
	return 0;
}

static void compile(struct fixture *f, const char *text)
{
	struct eql_options options = {.dialect = EQL_DIALECT_ENDPOINT};

	if (eql_compile(&f->arena, f->fields, str_from(text), &options, &f->diags, &f->query) != 0)
		diag_list_print(&f->diags, 2);
	assert_non_null(f->query);
}

/* x = these values; what the query keeps of that. */
static struct kept_event *keep(struct fixture *f, const struct value *values, uint32_t count)
{
	struct event event;
	int32_t x = field_set_find(f->fields, STR("x"));

	event_init(&event, f->fields);
	for (uint32_t i = 0; i < count; i++)
		event_append(&event, (uint32_t)x, values[i]);
	struct kept_event *kept = kept_event_new(&event, f->query->kept_fields,
						 f->query->kept_field_count, -1, 0, STR("{}"));

	event_free(&event);
	return kept;
}

static struct kept_event *keep_str(struct fixture *f, const char *x)
{
	struct value value = value_str(str_from(x));

	return keep(f, &value, 1);
}

/* Does the second stage's condition hold for `second` after `first`? Drops both. */
static bool follows(struct fixture *f, struct kept_event *first, struct kept_event *second)
{
	const struct kept_event *stages[] = {first, NULL};
	struct eql_scene scene = {.event = second, .stages = stages, .stage_count = 2};
	bool holds =
	    eql_whole_holds(&f->query->filters[f->query->stages[1].filter], &scene, f->scratch);

	kept_event_unref(first);
	kept_event_unref(second);
	return holds;
}

static void fields_of_earlier_events_are_read(void **state)
{
	struct fixture *f = *state;

	compile(f, "sequence [any where x != null] as event0 [any where startsWith~(x, event0.x)]");
	assert_true(f->query->filters[1].reads_stages);
	assert_true(follows(f, keep_str(f, "/TMP/a"), keep_str(f, "/tmp/a.sh")));
	assert_false(follows(f, keep_str(f, "/tmp/a"), keep_str(f, "/var/a.sh")));
	/* a missing field, or a stage without an event, is null */
	assert_false(follows(f, keep(f, NULL, 0), keep_str(f, "/var/a.sh")));
	assert_false(follows(f, NULL, keep_str(f, "/var/a.sh")));
	compile(f, "sequence [any where true] as event0 [any where not startsWith~(x, event0.x)]");
	assert_true(follows(f, NULL, keep_str(f, "/var/a.sh")));
	assert_false(follows(f, keep_str(f, "a"), keep_str(f, "abc")));
}

static void any_combination_of_values_will_do(void **state)
{
	struct fixture *f = *state;
	struct value one[] = {value_str(STR("p")), value_str(STR("q"))};
	struct value two[] = {value_str(STR("y")), value_str(STR("q"))};

	compile(f, "sequence [any where true] as a [any where x == a.x]");
	assert_true(follows(f, keep(f, one, 2), keep(f, two, 2)));
	assert_false(follows(f, keep(f, one, 1), keep(f, two, 1)));
	compile(f, "sequence [any where true] as a [any where x != a.x]");
	assert_false(follows(f, keep(f, one, 2), keep(f, two, 2)));
	compile(f, "sequence [any where true] as a [any where concat(x, a.x, x) == \"yqy\"]");
	assert_true(follows(f, keep(f, one, 2), keep(f, two, 2)));
	compile(f, "sequence [any where true] as a [any where a.x : \"q*\" or a.x == null]");
	assert_true(follows(f, keep(f, one, 2), keep(f, two, 2)));
	assert_false(follows(f, keep(f, one, 1), keep(f, two, 2)));
	assert_true(follows(f, keep(f, one, 0), keep(f, two, 2)));
}

static bool holds_with(struct fixture *f, uint64_t relations)
{
	struct kept_event *kept = keep_str(f, "1");
	struct eql_scene scene = {.event = kept, .relations = relations};
	bool holds = eql_whole_holds(&f->query->filters[0], &scene, f->scratch);

	kept_event_unref(kept);
	return holds;
}

static void relations_are_bits_of_the_scene(void **state)
{
	struct fixture *f = *state;

	compile(f,
		"process where child of [a where true] and not descendant of [b where x == \"\"]");
	assert_int_equal(f->query->relation_count, 2);
	assert_false(eql_query_is_stateless(f->query));
	assert_false(f->query->filters[0].reads_stages);
	assert_true(holds_with(f, 1));
	assert_false(holds_with(f, 0));
	assert_false(holds_with(f, 3));
	compile(f, "process where x == \"2\" or event of [a where true]");
	assert_true(holds_with(f, 1));
	assert_false(holds_with(f, 0));
	/* without a `whole` there is nothing left to decide */
	compile(f, "process where x == \"2\"");
	assert_true(eql_query_is_stateless(f->query));
	assert_true(holds_with(f, 0));
}

/* Whenever both relations and all values together satisfy the condition, the stateless part has let
 * the event through. */
static void what_can_match_is_let_through(void **state)
{
	static const char *const conditions[] = {
	    "child of [a where true] and x == \"1\"",
	    "not (child of [a where true] or x == \"1\")",
	    "not (child of [a where true] and x == \"1\")",
	    "not not (descendant of [b where true] or not (x == \"1\" and child of [a where "
	    "true]))",
	    "x == \"1\" and not (x != \"1\" or not child of [a where true])",
	    "(x == \"1\" or child of [a where true]) and (x != \"1\" or descendant of [b where "
	    "true])",
	};
	struct fixture *f = *state;
	char text[256];

	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		snprintf(text, sizeof(text), "any where %s", conditions[i]);
		compile(f, text);
		for (uint64_t n = 0; n < 8; n++) {
			struct event event;

			event_init(&event, f->fields);
			event_set_str(&event, (uint32_t)field_set_find(f->fields, STR("x")),
				      n & 4 ? STR("1") : STR("2"));
			struct kept_event *kept =
			    kept_event_new(&event, f->query->kept_fields,
					   f->query->kept_field_count, -1, 0, STR_NULL);
			struct eql_scene scene = {.event = kept, .relations = n & 3};
			bool stateless = eql_match(f->query, &event, f->scratch);
			/* The condition with the relations put in as constants. */
			bool whole = eql_whole_holds(&f->query->filters[0], &scene, f->scratch);
			bool x = n & 4, child = n & 1, descendant = n & 2;
			const bool want[] = {
			    child && x,
			    !(child || x),
			    !(child && x),
			    f->query->relations[0].kind == EQL_DESCENDANT_OF
				? child || !(x && descendant)
				: descendant || !(x && child),
			    x && !(!x || !child),
			    (x || child) && (!x || descendant),
			};

			assert_int_equal(stateless && whole, want[i]);
			kept_event_unref(kept);
			event_free(&event);
		}
	}
}

static void aliased_leaves_have_keys_of_their_own(void **state)
{
	struct fixture *f = *state;
	const struct eql_cond *one, *two, *three;

	compile(f, "sequence [any where true] as a [any where a.x == \"1\"] as b "
		   "[any where b.x == \"1\"] [any where x == \"1\"] [any where a.x != null]");
	one = f->query->filters[f->query->stages[1].filter].whole;
	two = f->query->filters[f->query->stages[2].filter].whole;
	three = f->query->filters[f->query->stages[3].filter].cond;
	assert_int_equal(one->leaf->field_stages[0], 0);
	assert_int_equal(two->leaf->field_stages[0], 1);
	assert_null(three->leaf->field_stages);
	assert_false(str_eq(one->leaf->key, two->leaf->key));
	assert_false(str_eq(one->leaf->key, three->leaf->key));
	one = f->query->filters[f->query->stages[4].filter].whole;
	assert_int_equal(one->leaf->kind, EQL_LEAF_EXISTS);
	assert_int_equal(one->leaf->field_stages[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(fields_of_earlier_events_are_read, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(any_combination_of_values_will_do, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(relations_are_bits_of_the_scene, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_can_match_is_let_through, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(aliased_leaves_have_keys_of_their_own, set_up,
					    tear_down),
	};

	return cmocka_run_group_tests_name("eql_whole", tests, NULL, NULL);
}
