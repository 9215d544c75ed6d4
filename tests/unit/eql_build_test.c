/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions built without text: they mean what their EQL counterparts mean and share their keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eql/build.h"

struct fixture {
	struct arena arena;
	struct field_set *fields;
	struct eql_builder *builder;
	struct eql_scratch *scratch;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena);
	f->fields = field_set_new();
	f->builder = eql_builder_new(&f->arena, f->fields);
	f->scratch = eql_scratch_new();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	eql_builder_free(f->builder);
	eql_scratch_free(f->scratch);
	field_set_free(f->fields);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static void same_leaf(struct fixture *f, const struct eql_cond *cond, const char *eql)
{
	struct diag_list diags;
	struct eql_query *query = NULL;

	diag_list_init(&diags);
	assert_int_equal(eql_compile(&f->arena, f->fields, str_from(eql), NULL, &diags, &query), 0);
	diag_list_free(&diags);
	assert_non_null(cond);
	assert_int_equal(cond->kind, EQL_COND_LEAF);
	struct str a = cond->leaf->key, b = query->filters[0].cond->leaf->key;

	if (!str_eq(a, b) || cond->leaf->kind != query->filters[0].cond->leaf->kind)
		fail_msg("%s: keys %.*s | %.*s", eql, STR_ARG(a), STR_ARG(b));
}

static void leaves_are_those_of_eql(void **state)
{
	struct fixture *f = *state;
	struct eql_builder *b = f->builder;
	struct value strings[] = {value_str(STR("a")), value_str(STR("B"))};
	struct value mixed[] = {value_int(1), value_str(STR("x"))};
	struct value date = value_str(STR("2024-01-31T00:00:00Z"));
	struct str plain[] = {STR("curl")}, tail[] = {STR(""), STR(".sh")},
		   any[] = {STR(""), STR("")};
	struct eql_build_pattern patterns[] = {{plain, 1}, {tail, 2}}, all = {any, 2};
	struct str ranges[] = {STR("10.0.0.0/8"), STR("::1")};

	same_leaf(f, eql_build_equals(b, STR("process.name"), strings, 2, false),
		  "any where process.name in (\"B\", \"a\")");
	same_leaf(f, eql_build_equals(b, STR("x"), strings, 2, true),
		  "any where x in~ (\"b\", \"A\")");
	same_leaf(f, eql_build_equals(b, STR("x"), mixed, 1, false), "any where x == 1");
	same_leaf(f, eql_build_equals(b, STR("@timestamp"), &date, 1, false),
		  "any where @timestamp == \"2024-01-31\"");
	same_leaf(f, eql_build_wildcard(b, STR("x"), patterns, 2, true),
		  "any where x : (\"*.SH\", \"curl\")");
	same_leaf(f, eql_build_wildcard(b, STR("x"), patterns, 1, false),
		  "any where x == \"curl\"");
	same_leaf(f, eql_build_wildcard(b, STR("x"), &all, 1, false), "any where x != null");
	same_leaf(f, eql_build_exists(b, STR("x")), "any where x != null");
	same_leaf(f, eql_build_compare(b, STR("x"), EQL_BUILD_GE, value_int(5)),
		  "any where 5 <= x");
	same_leaf(f, eql_build_compare(b, STR("@timestamp"), EQL_BUILD_LT, date),
		  "any where @timestamp < \"2024-01-31\"");
	same_leaf(f, eql_build_cidr(b, STR("source.ip"), ranges, 2),
		  "any where cidrMatch(source.ip, \"10.0.0.0/8\", \"::1\")");
	assert_null(eql_builder_error(b));
	assert_null(eql_build_cidr(b, STR("source.ip"), &(struct str){"10/99", 5}, 1));
	assert_non_null(eql_builder_error(b));
}

static bool holds(struct fixture *f, struct eql_cond *cond, const char *field, struct value v)
{
	struct eql_query *query = eql_build_event_query(f->builder, cond, STR("text"));
	struct event event;

	assert_non_null(query);
	assert_true(eql_query_is_stateless(query));
	event_init(&event, f->fields);
	event_set(&event, (uint32_t)field_set_find(f->fields, str_from(field)), v);
	bool hit = eql_match(query, &event, f->scratch);

	event_free(&event);
	return hit;
}

static void only_runs_between_pieces_are_special(void **state)
{
	struct fixture *f = *state;
	struct str pieces[] = {STR("a?"), STR("*.b")}, other[] = {STR("Plain"), STR("")};
	struct eql_build_pattern patterns[] = {{pieces, 2}, {other, 2}};
	struct eql_cond *cond = eql_build_wildcard(f->builder, STR("x"), patterns, 2, false);

	assert_true(holds(f, cond, "x", value_str(STR("a?\n*.b"))));
	assert_true(holds(f, cond, "x", value_str(STR("a?*.b"))));
	assert_true(holds(f, cond, "x", value_str(STR("Plain text"))));
	assert_false(holds(f, cond, "x", value_str(STR("plain text"))));
	assert_false(holds(f, cond, "x", value_str(STR("ab*.b"))));
	assert_false(holds(f, cond, "x", value_str(STR("a?*xb"))));
	assert_false(holds(f, cond, "x", value_str(STR("A?*.B"))));
	cond = eql_build_wildcard(f->builder, STR("x"), patterns, 1, true);
	assert_true(holds(f, cond, "x", value_str(STR("A?*.B"))));
}

static void parts_join(void **state)
{
	struct fixture *f = *state;
	struct eql_builder *b = f->builder;
	struct value one = value_int(1), word = value_str(STR("x"));
	struct eql_cond *kids[] = {
	    eql_build_equals(b, STR("n"), &one, 1, false),
	    eql_build_not(b, eql_build_equals(b, STR("w"), &word, 1, false))};

	assert_true(holds(f, eql_build_and(b, kids, 2), "n", one));
	assert_false(holds(f, eql_build_and(b, kids, 2), "w", word));
	assert_false(holds(f, eql_build_or(b, kids, 2), "w", word));
	assert_true(holds(f, eql_build_or(b, kids, 2), "n", value_int(2)));
	assert_false(holds(f, eql_build_or(b, NULL, 0), "n", one));
	assert_true(holds(f, eql_build_and(b, NULL, 0), "n", one));
	assert_false(holds(f, eql_build_equals(b, STR("n"), NULL, 0, false), "n", one));
	assert_false(holds(f, eql_build_wildcard(b, STR("n"), NULL, 0, false), "n", one));
	kids[0] = NULL;
	assert_null(eql_build_or(b, kids, 2));
	assert_null(eql_build_not(b, NULL));
	assert_null(eql_build_event_query(b, NULL, STR("")));
}

static void too_many_fields_are_told(void **state)
{
	struct fixture *f = *state;
	char name[16];

	for (int i = 0; i < FIELD_SET_MAX; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		field_set_demand(f->fields, str_from(name));
	}
	assert_null(eql_builder_error(f->builder));
	assert_null(eql_build_exists(f->builder, STR("one.more")));
	assert_non_null(strstr(eql_builder_error(f->builder), "too many different fields"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(leaves_are_those_of_eql, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(only_runs_between_pieces_are_special, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(parts_join, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(too_many_fields_are_told, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("eql_build", tests, NULL, NULL);
}
