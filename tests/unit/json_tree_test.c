/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_tree.h"

struct fixture {
	struct arena arena;
	struct diag_list diags;
	struct tree_node *root;
	int error;
};

static void read_at(struct fixture *f, struct str text, uint32_t first_line)
{
	arena_init(&f->arena);
	diag_list_init(&f->diags);
	f->root = NULL;
	f->error = json_tree_read(&f->arena, text, STR("t.json"), first_line, &f->diags, &f->root);
}

static void done(struct fixture *f)
{
	diag_list_free(&f->diags);
	arena_free(&f->arena);
}

static void every_type_is_read(void **state)
{
	(void)state;
	struct fixture f;

	read_at(&f,
		STR("{\"s\":\"x\\u00e9\\\"\",\"i\":-9223372036854775808,\"d\":1.5,\"b\":true,"
		    "\"n\":null,\"big\":18446744073709551616,\"half\":\"\\udcff\","
		    "\"a\":[1,[2],{\"k\":3}],\"e\":{},\"ea\":[]}"),
		1);
	assert_int_equal(f.error, 0);
	assert_int_equal(f.root->type, TREE_TABLE);
	assert_int_equal(f.root->kid_count, 10);
	assert_true(str_eq(tree_get_typed(f.root, "s", TREE_STRING)->text, STR("x\xc3\xa9\"")));
	assert_true(tree_get_typed(f.root, "i", TREE_INT)->integer == INT64_MIN);
	assert_true(tree_get_typed(f.root, "d", TREE_DOUBLE)->real == 1.5);
	assert_true(tree_get_typed(f.root, "b", TREE_BOOL)->boolean);
	assert_non_null(tree_get_typed(f.root, "n", TREE_NULL));
	assert_true(tree_get_typed(f.root, "big", TREE_DOUBLE)->real == 18446744073709551616.0);
	assert_true(str_eq(tree_get_typed(f.root, "half", TREE_STRING)->text, STR("\xef\xbf\xbd")));
	const struct tree_node *a = tree_get_typed(f.root, "a", TREE_ARRAY);

	assert_int_equal(a->kid_count, 3);
	assert_int_equal(a->kids[1]->kids[0]->integer, 2);
	assert_int_equal(tree_get(a->kids[2], "k")->integer, 3);
	assert_int_equal(tree_get(f.root, "e")->kid_count, 0);
	assert_int_equal(tree_get(f.root, "ea")->kid_count, 0);
	assert_null(tree_get(f.root, "none"));
	assert_null(tree_get(a, "k"));
	done(&f);
}

static void a_document_may_be_of_any_type(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		enum tree_type type;
	} cases[] = {
	    {{"[1]", 3}, TREE_ARRAY}, {{" \"x\" ", 5}, TREE_STRING}, {{"-1", 2}, TREE_INT},
	    {{"null", 4}, TREE_NULL}, {{"false", 5}, TREE_BOOL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;

		read_at(&f, cases[i].text, 1);
		assert_int_equal(f.error, 0);
		assert_int_equal(f.root->type, cases[i].type);
		done(&f);
	}
}

static void positions_are_those_of_the_text(void **state)
{
	(void)state;
	struct fixture f;

	read_at(&f, STR("{\n  \"a\\\"b\" : [ 1,\n \"\\\\\", {\"k\":true}],\r\n\"c\":{ }\n}"), 7);
	assert_int_equal(f.error, 0);
	const struct tree_node *a = f.root->kids[0], *c = f.root->kids[1];

	assert_int_equal(f.root->line, 7);
	assert_int_equal(f.root->column, 1);
	assert_int_equal(a->key_line, 8);
	assert_int_equal(a->key_column, 3);
	assert_int_equal(a->line, 8);
	assert_int_equal(a->column, 12);
	assert_int_equal(a->kids[0]->column, 14);
	assert_int_equal(a->kids[1]->line, 9);
	assert_int_equal(a->kids[1]->column, 2);
	assert_int_equal(a->kids[2]->kids[0]->key_column, 9);
	assert_int_equal(a->kids[2]->kids[0]->column, 13);
	assert_int_equal(c->key_line, 10);
	assert_int_equal(c->key_column, 1);
	assert_int_equal(c->column, 5);
	done(&f);
}

/* What json_mend.c changes is longer in the copy that is parsed, not in the text. */
static void positions_behind_what_was_mended(void **state)
{
	(void)state;
	struct fixture f;

	read_at(&f, STR("[18446744073709551616,\"\\ud800\",1]"), 1);
	assert_int_equal(f.error, 0);
	assert_int_equal(f.root->kids[2]->column, 32);
	done(&f);
}

static void errors_have_a_place(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		int error;
		uint32_t line, column; /* column 0: the row alone is known */
	} cases[] = {
	    {{"{\"a\":1,\n\"b\":}", 13}, -EINVAL, 4, 5},
	    {{"{\"a\":1,\n\"a\":2}", 14}, -EINVAL, 4, 1},
	    {{"{\"a\":\"x", 7}, -EINVAL, 3, 0},
	    {{"", 0}, -EINVAL, 3, 0},
	    {{"  ", 2}, -EINVAL, 3, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;

		read_at(&f, cases[i].text, 3);
		assert_int_equal(f.error, cases[i].error);
		assert_int_equal(f.diags.count, 1);
		assert_int_equal(f.diags.items[0].line, cases[i].line);
		assert_int_equal(f.diags.items[0].column, cases[i].column);
		assert_true(str_eq(f.diags.items[0].file, STR("t.json")));
		done(&f);
	}
}

/* Arrays within arrays around a number; simdjson does not count an empty one. */
static int error_of_depth(size_t depth)
{
	char text[2 * JSON_TREE_DEPTH_MAX + 3];
	struct fixture f;

	memset(text, '[', depth);
	text[depth] = '1';
	memset(text + depth + 1, ']', depth);
	read_at(&f, (struct str){text, 2 * depth + 1}, 1);
	done(&f);
	return f.error;
}

static void nesting_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(error_of_depth(JSON_TREE_DEPTH_MAX), 0);
	assert_int_equal(error_of_depth(JSON_TREE_DEPTH_MAX + 1), -E2BIG);
}

/* Finding the place of an error must not go deeper than reading did: it takes stack at each level. */
static void far_too_deep_is_an_error_like_any_other(void **state)
{
	enum {
		LEVELS = 1000000
	};
	char *text = malloc(2 * LEVELS);
	struct fixture f;

	(void)state;
	memset(text, '[', LEVELS);
	memset(text + LEVELS, ']', LEVELS);
	read_at(&f, (struct str){text, 2 * LEVELS}, 1);
	assert_int_not_equal(f.error, 0);
	assert_int_equal(f.diags.count, 1);
	done(&f);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_is_read),
	    cmocka_unit_test(a_document_may_be_of_any_type),
	    cmocka_unit_test(positions_are_those_of_the_text),
	    cmocka_unit_test(positions_behind_what_was_mended),
	    cmocka_unit_test(errors_have_a_place),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(far_too_deep_is_an_error_like_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
