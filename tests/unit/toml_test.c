/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/toml_reader.h"

struct fixture {
	struct arena arena;
	struct diag_list diags;
	struct tree_node *root;
	int error;
};

static void read_toml(struct fixture *f, struct str text)
{
	arena_init(&f->arena);
	diag_list_init(&f->diags);
	f->root = NULL;
	f->error = toml_read(&f->arena, text, STR("t.toml"), &f->diags, &f->root);
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

	read_toml(
	    &f,
	    STR("s = 'x'\ni = -9_223_372_036_854_775_808\nd = 1.5\nb = true\n"
		"day = 2024-02-29\nat = 2024-02-29T12:30:00.25+01:30\nz = 2024-01-01T00:00:00Z\n"
		"a = [1, [2], {k = 3}]\n[t.u]\nv = 1\n[[l]]\nn = 1\n[[l]]\nn = 2\n"));
	assert_int_equal(f.error, 0);
	assert_true(str_eq(tree_get_typed(f.root, "s", TREE_STRING)->text, STR("x")));
	assert_true(tree_get_typed(f.root, "i", TREE_INT)->integer == INT64_MIN);
	assert_true(tree_get_typed(f.root, "d", TREE_DOUBLE)->real == 1.5);
	assert_true(tree_get_typed(f.root, "b", TREE_BOOL)->boolean);
	assert_true(str_eq(tree_get_typed(f.root, "day", TREE_TIME)->text, STR("2024-02-29")));
	assert_true(str_eq(tree_get_typed(f.root, "at", TREE_TIME)->text,
			   STR("2024-02-29T12:30:00.250000000+01:30")));
	assert_true(
	    str_eq(tree_get_typed(f.root, "z", TREE_TIME)->text, STR("2024-01-01T00:00:00Z")));
	const struct tree_node *a = tree_get_typed(f.root, "a", TREE_ARRAY);

	assert_int_equal(a->kid_count, 3);
	assert_int_equal(a->kids[1]->kids[0]->integer, 2);
	assert_int_equal(tree_get(a->kids[2], "k")->integer, 3);
	assert_int_equal(tree_get(tree_get(tree_get(f.root, "t"), "u"), "v")->integer, 1);
	assert_int_equal(tree_get(f.root, "l")->kid_count, 2);
	assert_int_equal(tree_get(tree_get(f.root, "l")->kids[1], "n")->integer, 2);
	assert_null(tree_get(f.root, "none"));
	assert_null(tree_get(a, "k"));
	assert_null(tree_get(NULL, "k"));
	assert_null(tree_get_typed(f.root, "s", TREE_INT));
	done(&f);
}

static void positions_are_bytes_in_order_of_appearance(void **state)
{
	(void)state;
	struct fixture f;

	read_toml(&f, STR("zeta = 1\nalpha = 2\n'\xc3\xa9\xc3\xa9' = 'x' # after four bytes\n"));
	assert_int_equal(f.error, 0);
	assert_int_equal(f.root->kid_count, 3);
	assert_true(str_eq(f.root->kids[0]->key, STR("zeta")));
	assert_true(str_eq(f.root->kids[1]->key, STR("alpha")));
	const struct tree_node *e = f.root->kids[2];

	assert_true(str_eq(e->key, STR("\xc3\xa9\xc3\xa9")));
	assert_int_equal(e->key_line, 3);
	assert_int_equal(e->key_column, 1);
	assert_int_equal(e->line, 3);
	assert_int_equal(e->column, 10);
	done(&f);
}

static void strings_decode(void **state)
{
	(void)state;
	struct fixture f;

	read_toml(
	    &f,
	    STR("e = \"\"\"\\\n \xc3\xa9\"\"\"\n"
		"a = \"\"\"\none \\\n   two\\tx\"\"\"\nb = '''\nC:\\d'''\nc = \"\\u00e9\\u0000\"\n"
		"d = '''\r\nx\r\ny'''\n"));
	assert_int_equal(f.error, 0);
	assert_true(str_eq(tree_get(f.root, "a")->text, STR("one two\tx")));
	assert_true(str_eq(tree_get(f.root, "b")->text, STR("C:\\d")));
	assert_true(str_eq(tree_get(f.root, "e")->text, STR("\xc3\xa9")));
	assert_true(str_eq(tree_get(f.root, "c")->text, STR("\xc3\xa9\0")));
	assert_true(str_eq(tree_get(f.root, "d")->text, STR("x\ny")));
	done(&f);
}

static void errors_have_a_position(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		uint32_t line, column; /* 0: any */
	} cases[] = {
	    {STR("a = 1\nb = \n"), 2, 5},
	    {STR("a = 'x\n"), 1, 0},
	    {STR("a = \"\"\"x\n\n"), 0, 0},
	    {STR("a = 1\na = 2\n"), 2, 0},
	    {STR("a = 1 b = 2\n"), 1, 7},
	    {STR("[t]\nx = 1\n[t]\n"), 3, 1},
	    {STR("a = \"\\q\"\n"), 1, 0},
	    {STR("a = '\xc3\xa9\xff'\n"), 1, 0},
	    {STR("x = 'ok'\n\x7f"
		 "ELF\x02\x01\x01"),
	     2, 1},
	    {STR("\0\0\0\0"), 1, 1},
	    {STR("a = 2024-02-31\n"), 1, 0},
	    {STR("a = 99999999999999999999\n"), 1, 0},
	    {STR("a"), 0, 0},
	    {STR("[a"), 0, 0},
	    {STR("a = [1,"), 0, 0},
	    /* toml++ asserts a key here */
	    {STR("a = [\n[1]]\n[ $x]\n"), 3, 3},
	    {STR("[[\nx]]\n"), 1, 3},
	    {STR("[.x]\n"), 1, 2},
	    {STR("[a.$]\n"), 1, 0},
	    {STR("[]\n"), 1, 0},
	    {STR("[[]]\n"), 1, 0},
	    {STR("[\xc3\xa9]\n"), 1, 2},
	    {STR("[a\xcc\x8b]\n"), 1, 0},
	    {STR("a \xc3\xa9 = 1\n"), 1, 0},
	    {STR("a = \"\"\"\\\xc3\xa9\"\"\"\n"), 1, 0},
	    {STR("["), 0, 0},
	    {STR("[["), 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;

		read_toml(&f, cases[i].text);
		assert_int_equal(f.error, -EINVAL);
		assert_int_equal(f.diags.errors, 1);
		assert_int_not_equal(f.diags.items[0].line, 0);
		assert_int_not_equal(f.diags.items[0].column, 0);
		if (cases[i].line)
			assert_int_equal(f.diags.items[0].line, cases[i].line);
		if (cases[i].column)
			assert_int_equal(f.diags.items[0].column, cases[i].column);
		assert_true(str_eq(f.diags.items[0].file, STR("t.toml")));
		done(&f);
	}
}

static void a_caret_counts_bytes(void **state)
{
	(void)state;
	struct fixture f;

	read_toml(&f, STR("x = ['\xc3\xa9\xc3\xa9', ?]\n"));
	assert_int_equal(f.error, -EINVAL);
	assert_int_equal(f.diags.items[0].column, 14);
	done(&f);
}

static void empty_text_is_an_empty_table(void **state)
{
	(void)state;
	struct fixture f;

	read_toml(&f, STR(""));
	assert_int_equal(f.error, 0);
	assert_int_equal(f.root->kid_count, 0);
	done(&f);
	read_toml(&f, STR("\xef\xbb\xbf# only a comment, after a byte order mark\n"));
	assert_int_equal(f.error, 0);
	done(&f);
}

/* What nests by the hundred thousand must be an error, not the end of the stack: while parsing, and
 * when the parser's own tree is freed. */
static void nesting_is_bounded(void **state)
{
	(void)state;
	static const struct {
		const char *first, *repeat, *last;
	} cases[] = {
	    {"a = ", "[", ""},       {"a = ", "{a=", ""},         {"a", ".a", " = 1\n"},
	    {"[a", ".a", "]\n"},     {"[[a", ".a", "]]\n"},       {"a = {a", ".a", " = 1}\n"},
	    {"a", ".'x'", " = 1\n"}, {"a", " . \"x\"", " = 1\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf text = {0};
		struct fixture f;

		buf_add(&text, str_from(cases[i].first));
		for (int n = 0; n < 100000; n++)
			buf_add(&text, str_from(cases[i].repeat));
		buf_add(&text, str_from(cases[i].last));
		read_toml(&f, buf_str(&text));
		assert_int_equal(f.error, -EINVAL);
		assert_int_equal(f.diags.errors, 1);
		done(&f);
		buf_free(&text);
	}
}

/* Dots in strings, comments and numbers nest nothing. */
static void dots_elsewhere_are_free(void **state)
{
	(void)state;
	struct fixture f;

	read_toml(&f,
		  STR("a = '...................................'\n"
		      "# .....................................\n"
		      "b = \"\"\"\n\"..\" \\\"\"\"\\\" .................................\"\"\"\n"
		      "c = [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, "
		      "1.5, 1.5, 1.5, 1.5, 1.5, 1.5]\n"
		      "d.e.f.g.h.i.j.k = 1\n"));
	assert_int_equal(f.error, 0);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_is_read),
	    cmocka_unit_test(positions_are_bytes_in_order_of_appearance),
	    cmocka_unit_test(strings_decode),
	    cmocka_unit_test(errors_have_a_position),
	    cmocka_unit_test(a_caret_counts_bytes),
	    cmocka_unit_test(empty_text_is_an_empty_table),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(dots_elsewhere_are_free),
	};

	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
