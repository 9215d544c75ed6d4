/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables in tests/conformance/kql cannot say: limits, positions in a file, shared leaves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kql/kql.h"

struct fixture {
	struct arena arena;
	struct field_set *fields;
	struct diag_list diags;
	struct eql_cond *cond;
	int error;
};

static void compile(struct fixture *f, struct str text, const struct kql_options *options)
{
	arena_init(&f->arena);
	diag_list_init(&f->diags);
	f->fields = field_set_new();
	struct eql_builder *builder = eql_builder_new(&f->arena, f->fields);

	f->error = kql_condition(builder, f->fields, text, options, &f->diags, &f->cond);
	eql_builder_free(builder);
}

static void done(struct fixture *f)
{
	field_set_free(f->fields);
	diag_list_free(&f->diags);
	arena_free(&f->arena);
}

static void assert_refused(const struct buf *text, const char *message)
{
	struct fixture f;

	compile(&f, buf_str(text), NULL);
	assert_int_equal(f.error, -EINVAL);
	assert_null(f.cond);
	assert_int_equal(f.diags.count, 1);
	assert_true(str_eq(f.diags.items[0].message, str_from(message)));
	done(&f);
}

static struct buf repeated(const char *before, int n, const char *after)
{
	struct buf text = {0};

	for (int i = 0; i < n; i++)
		buf_add(&text, str_from(before));
	buf_add(&text, str_from(after));
	return text;
}

static void nesting_is_bounded(void **state)
{
	(void)state;
	static const char *const openings[] = {"(", "a: {", "not ("};

	for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
		struct buf text = repeated(openings[i], 5000, "a: b");

		assert_refused(&text, "nested deeper than 200 levels");
		buf_free(&text);
	}
	struct buf values = repeated("(", 5000, "b");
	struct buf text = {0};

	buf_printf(&text, "a: %.*s", STR_ARG(buf_str(&values)));
	assert_refused(&text, "nested deeper than 200 levels");
	buf_free(&values);
	buf_free(&text);
}

/* Not the field before the NUL. */
static void a_name_with_nul_is_no_field(void **state)
{
	(void)state;
	struct buf text = {0};

	buf_add(&text, (struct str){"a\0c: b", 6});
	assert_refused(&text, "this is not a field");
	buf_free(&text);
}

static void length_is_bounded(void **state)
{
	(void)state;
	struct buf text = repeated("x", (int)KQL_TEXT_BYTES_MAX, "y");

	assert_refused(&text, "the query is longer than 1 MiB");
	buf_free(&text);
}

static void fields_that_are_asked_are_bounded(void **state)
{
	(void)state;
	struct buf text = repeated("x and ", 1000, "y");

	assert_refused(&text, "too many values are asked of too many fields");
	buf_free(&text);
	text = repeated("*: x and ", 1000, "a: y");
	assert_refused(&text, "too many values are asked of too many fields");
	buf_free(&text);
}

/* A list of values is one leaf, however it is written, and the one that EQL makes of it. */
static void values_of_a_field_are_one_leaf(void **state)
{
	(void)state;
	struct fixture f, g;

	compile(&f, STR("process.name: (\"b\" or a) or process.name: c"), NULL);
	compile(&g, STR("process.name:c or process.name:b or process.name:a"), NULL);
	assert_int_equal(f.cond->kind, EQL_COND_OR);
	assert_int_equal(g.cond->kind, EQL_COND_LEAF);
	assert_int_equal(g.cond->leaf->kind, EQL_LEAF_EXACT);
	assert_int_equal(g.cond->leaf->string_count, 3);
	struct eql_query *query = NULL;
	struct diag_list diags;

	diag_list_init(&diags);
	assert_int_equal(eql_compile(&f.arena, f.fields,
				     STR("any where process.name in (\"a\", \"b\", \"c\")"), NULL,
				     &diags, &query),
			 0);
	assert_true(str_eq(query->filters[0].cond->leaf->key, g.cond->leaf->key));
	diag_list_free(&diags);
	done(&f);
	done(&g);
}

static void a_long_list_is_one_leaf(void **state)
{
	(void)state;
	struct buf text = {0};
	struct fixture f;

	buf_printf(&text, "process.name: (x");
	for (int i = 0; i < 80000; i++)
		buf_printf(&text, " or v%d", i);
	buf_printf(&text, ")");
	compile(&f, buf_str(&text), NULL);
	assert_int_equal(f.error, 0);
	assert_int_equal(f.cond->kind, EQL_COND_LEAF);
	assert_int_equal(f.cond->leaf->string_count, 80001);
	done(&f);
	buf_free(&text);
}

static void an_error_has_its_place_in_the_file(void **state)
{
	(void)state;
	struct kql_options options = {.file = STR("x.toml"), .first_line = 7, .first_column = 3};
	struct fixture f;

	compile(&f, STR("a: x\nor process.pid: y"), &options);
	assert_int_equal(f.error, -EINVAL);
	assert_true(str_eq(f.diags.items[0].file, STR("x.toml")));
	assert_int_equal(f.diags.items[0].line, 8);
	assert_int_equal(f.diags.items[0].column, 17);
	done(&f);
	compile(&f, STR("a: \"x"), &options);
	assert_int_equal(f.diags.items[0].line, 7);
	assert_int_equal(f.diags.items[0].column, 6);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(a_name_with_nul_is_no_field),
	    cmocka_unit_test(length_is_bounded),
	    cmocka_unit_test(fields_that_are_asked_are_bounded),
	    cmocka_unit_test(values_of_a_field_are_one_leaf),
	    cmocka_unit_test(a_long_list_is_one_leaf),
	    cmocka_unit_test(an_error_has_its_place_in_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
