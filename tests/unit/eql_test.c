/* SPDX-License-Identifier: Apache-2.0 */
/* What the text tables (eql_cases_test.c) cannot say: facts and keys of leaves, limits, positions
 * in files, wildcards against a naive matcher. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/counter.h"
#include "eql/query.h"
#include "eql/regex_internal.h"
#include "eql/string_internal.h"
#include "eql/wildcard_internal.h"

struct fixture {
	struct arena arena;
	struct field_set *fields;
	struct diag_list diags;
	struct eql_scratch *scratch;
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

static struct eql_query *compile(struct fixture *f, const char *text)
{
	struct eql_query *query = NULL;

	if (eql_compile(&f->arena, f->fields, str_from(text), NULL, &f->diags, &query) != 0)
		diag_list_print(&f->diags, 2);
	assert_non_null(query);
	return query;
}

/* The only leaf of `any where CONDITION`. */
static const struct eql_leaf *leaf_of(struct fixture *f, const char *condition)
{
	char text[1024];

	snprintf(text, sizeof(text), "any where %s", condition);
	struct eql_query *query = compile(f, text);

	assert_int_equal(query->filters[0].cond->kind, EQL_COND_LEAF);
	return query->filters[0].cond->leaf;
}

static void leaves_carry_their_facts(void **state)
{
	struct fixture *f = *state;
	const struct eql_leaf *leaf = leaf_of(f, "process.name == \"sh\"");

	assert_int_equal(leaf->kind, EQL_LEAF_EXACT);
	assert_int_equal(leaf->field, FIELD_PROCESS_NAME);
	assert_false(leaf->fold);
	assert_int_equal(leaf->string_count, 1);
	assert_true(str_eq(leaf->strings[0], STR("sh")));
	assert_true(leaf->needs_value);
	assert_true(leaf->strings_only);
	assert_int_equal(leaf->field_count, 1);
	assert_int_equal(leaf->fields[0], FIELD_PROCESS_NAME);

	leaf = leaf_of(f, "process.name : (\"B*\", \"a\", \"A\")");
	assert_int_equal(leaf->kind, EQL_LEAF_WILDCARD);
	assert_true(leaf->fold);
	assert_int_equal(leaf->string_count, 2);
	assert_true(str_eq(leaf->strings[0], STR("a")));
	assert_true(str_eq(leaf->strings[1], STR("b*")));

	assert_int_equal(leaf_of(f, "x : \"curl\"")->kind, EQL_LEAF_EXACT);
	assert_true(leaf_of(f, "x : \"curl\"")->fold);
	assert_int_equal(leaf_of(f, "x in~ (\"a*\")")->kind, EQL_LEAF_EXACT);
	assert_int_equal(leaf_of(f, "x == null")->kind, EQL_LEAF_NULL);
	assert_int_equal(leaf_of(f, "x != null")->kind, EQL_LEAF_EXISTS);
	assert_int_equal(leaf_of(f, "not x == null")->kind, EQL_LEAF_EXISTS);
	assert_int_equal(leaf_of(f, "x : \"**\"")->kind, EQL_LEAF_EXISTS);
	assert_int_equal(leaf_of(f, "x like (\"a\", \"*\")")->kind, EQL_LEAF_EXISTS);
	assert_int_equal(leaf_of(f, "x == 5")->kind, EQL_LEAF_OTHER);
	assert_int_equal(leaf_of(f, "x")->kind, EQL_LEAF_OTHER);
	assert_int_equal(leaf_of(f, "concat(x, y) == \"a\"")->field_count, 2);
}

static void leaves_say_which_values_they_need(void **state)
{
	struct fixture *f = *state;

	assert_false(leaf_of(f, "x == null")->needs_value);
	assert_true(leaf_of(f, "x != null")->needs_value);
	assert_true(leaf_of(f, "x > 1")->needs_value);
	assert_false(leaf_of(f, "null == (x > 1)")->needs_value);
	assert_false(leaf_of(f, "?a == ?b")->needs_value);
	assert_false(leaf_of(f, "concat(x, y) == null")->needs_value);
	/* and whether a value that is no string can satisfy them */
	assert_true(leaf_of(f, "x in (\"a\", \"b\")")->strings_only);
	assert_false(leaf_of(f, "x in (\"a\", \"5\")")->strings_only);
	assert_false(leaf_of(f, "x : \"1?\"")->strings_only);
	assert_false(leaf_of(f, "x : \"t*\"")->strings_only);
	assert_true(leaf_of(f, "x like \"T*\"")->strings_only);
	assert_true(leaf_of(f, "x == \"true\"")->strings_only);
	assert_true(leaf_of(f, "x : \"/usr/*\"")->strings_only);
}

static void negation_stands_outside_leaves(void **state)
{
	struct fixture *f = *state;
	struct eql_query *q =
	    compile(f, "process where a != \"x\" and (b == 1 and not not c) and true or false");

	assert_int_equal(q->filters[0].cond->kind, EQL_COND_AND);
	assert_int_equal(q->filters[0].cond->kid_count, 3);
	assert_int_equal(q->filters[0].cond->kids[0]->kind, EQL_COND_NOT);
	assert_int_equal(q->filters[0].cond->kids[0]->kids[0]->leaf->kind, EQL_LEAF_EXACT);
	assert_int_equal(q->filters[0].cond->kids[1]->kind, EQL_COND_LEAF);
	assert_int_equal(q->filters[0].cond->kids[2]->kind, EQL_COND_LEAF);
	q = compile(f, "process where x == 1 or 1 == 1");
	assert_int_equal(q->filters[0].cond->kind, EQL_COND_CONST);
	assert_true(q->filters[0].cond->constant);
	q = compile(f, "process where x == 1 and null");
	assert_int_equal(q->filters[0].cond->kind, EQL_COND_CONST);
	assert_false(q->filters[0].cond->constant);
}

static void same_key(struct fixture *f, const char *a, const char *b, bool same)
{
	struct str x = leaf_of(f, a)->key, y = leaf_of(f, b)->key;

	if (str_eq(x, y) != same)
		fail_msg("%s | %s: keys %.*s | %.*s", a, b, STR_ARG(x), STR_ARG(y));
}

static void equal_predicates_have_equal_keys(void **state)
{
	struct fixture *f = *state;

	same_key(f, "x in (\"a\", \"b\")", "x  in(\"b\",\"a\" , \"a\")", true);
	same_key(f, "x == \"a\"", "x in (\"a\")", true);
	same_key(f, "x == \"a\"", "\"a\" == ?x", true);
	same_key(f, "x == \"a\"", "x like \"a\"", true);
	same_key(f, "x : \"A\"", "x in~ (\"a\")", true);
	same_key(f, "x : \"A**?\"", "x like~ \"a?*\"", true);
	same_key(f, "x > 5", "5 < x", true);
	same_key(f, "x == 8", "x == 3 + 5", true);
	same_key(f, "STARTSWITH(x, \"a\")", "startsWith(x, concat(\"\", \"a\"))", true);
	same_key(f, "cidrMatch(x, \"10.1.2.3/8\")", "cidrMatch(x, \"10.0.0.0/8\")", true);
	same_key(f, "x regex (\"a\", \"b\")", "x regex (\"b\", \"a\")", true);
	same_key(f, "a.`b` : \"*\"", "`a.b` != null", true);

	same_key(f, "x == \"a\"", "y == \"a\"", false);
	same_key(f, "x == \"a\"", "x : \"a\"", false);
	same_key(f, "x in~ (\"a*\")", "x : \"a*\"", false);
	/* 5.0 satisfies the first only */
	same_key(f, "x == \"5\"", "x like \"5\"", false);
	same_key(f, "x in (\"a\", \"b\")", "x == \"a\\\" \\\"b\"", false);
	same_key(f, "x == 1", "x == \"1\"", false);
	same_key(f, "x == 1", "x == true", false);
	same_key(f, "x regex \"a\"", "x regex~ \"a\"", false);
	same_key(f, "startsWith(x, \"a\")", "startsWith~(x, \"a\")", false);
	same_key(f, "(x > 1) == null", "(x > 2) == null", false);
	same_key(f, "null == (x in (1, 2))", "null == (x in (1, 2, null))", false);
}

static void diagnostics_point_into_the_file(void **state)
{
	struct fixture *f = *state;
	struct eql_options options = {.file = STR("r.toml"), .first_line = 12, .first_column = 9};
	struct str text = STR("process where a == 1\n  and b = 2");
	struct buf out = {0};

	assert_int_equal(
	    eql_compile(&f->arena, f->fields, text, &options, &f->diags, &(struct eql_query *){0}),
	    -EINVAL);
	assert_int_equal(f->diags.count, 1);
	diag_format(&f->diags.items[0], false, &out);
	assert_true(str_starts(buf_str(&out), STR("r.toml:13:9: error: [=]")));
	buf_free(&out);
	options.category_field = STR("event_type");
	struct eql_query *query;

	assert_int_equal(eql_compile(&f->arena, f->fields, STR("process where true"), &options,
				     &f->diags, &query),
			 0);
	assert_int_equal(query->filters[0].category_field,
			 field_set_find(f->fields, STR("event_type")));
}

static int try_compile(struct fixture *f, const struct buf *text)
{
	struct eql_query *query;

	return eql_compile(&f->arena, f->fields, buf_str(text), NULL, &f->diags, &query);
}

/* prefix, then `unit` again and again up to `bytes`. */
static int compile_repeated(struct fixture *f, const char *prefix, const char *unit, size_t bytes)
{
	struct buf text = {0};

	buf_add(&text, str_from(prefix));
	while (text.len < bytes)
		buf_add(&text, str_from(unit));
	int error = try_compile(f, &text);

	buf_free(&text);
	return error;
}

static void hostile_queries_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char *const units[] = {"(",
					    "not ",
					    "- ",
					    "a + ",
					    "a(",
					    "((a) + ",
					    "a in (",
					    "[",
					    "\"",
					    "`a",
					    "a.",
					    "/*",
					    "|",
					    "not not(- - ",
					    "\"\\q\" == ",
					    "= ",
					    "a regex \"((((((((\" or "};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		assert_int_equal(compile_repeated(f, "any where ", units[i], 1 << 20), -EINVAL);
		assert_int_not_equal(f->diags.errors, 0);
		diag_list_free(&f->diags);
		diag_list_init(&f->diags);
	}
	assert_int_equal(compile_repeated(f, "any where true", " ", (1 << 20) + 1), -EINVAL);
	assert_int_equal(compile_repeated(f, "sequence ", "((((", 1 << 20), -EINVAL);
	/* wide is fine where deep is not */
	assert_int_equal(compile_repeated(f, "any where a == 1", " or a == 2", 1 << 18), 0);
	assert_int_equal(compile_repeated(f, "any where ((((((((((((((((((((a))))))))))))))))))))",
					  " and b : (\"x*\")", 1 << 16),
			 0);
}

static void errors_per_query_are_bounded(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(compile_repeated(f, "any where a = 1", " and a = 1", 5000), -EINVAL);
	assert_true(f->diags.count >= 5 && f->diags.count <= 20);
}

static void too_many_combinations_are_cut_and_counted(void **state)
{
	struct fixture *f = *state;
	struct eql_query *q = compile(f, "any where concat(a, b, c) == \"nothing\"");
	struct event event;
	uint64_t before = counter_get(COUNTER_EVALUATION_CUT);

	event_init(&event, f->fields);
	for (const char *name = "abc"; *name; name++)
		for (int i = 0; i < 100; i++)
			event_append(&event,
				     (uint32_t)field_set_find(f->fields, (struct str){name, 1}),
				     value_str(STR("x")));
	assert_false(eql_match(q, &event, f->scratch));
	assert_int_equal(counter_get(COUNTER_EVALUATION_CUT), before + 1);
	event_free(&event);
}

static void failing_evaluations_are_counted(void **state)
{
	struct fixture *f = *state;
	struct eql_query *q = compile(f, "any where 1 / n == 1 or r regex \"(a*)*b\"");
	struct event event;
	uint64_t errors = counter_get(COUNTER_EVALUATION_ERROR);
	uint64_t limits = counter_get(COUNTER_REGEX_LIMIT);
	char as[64];

	memset(as, 'a', sizeof(as));
	event_init(&event, f->fields);
	event_set_int(&event, (uint32_t)field_set_find(f->fields, STR("n")), 0);
	event_set_str(&event, (uint32_t)field_set_find(f->fields, STR("r")),
		      (struct str){as, sizeof(as)});
	assert_false(eql_match(q, &event, f->scratch));
	assert_int_equal(counter_get(COUNTER_EVALUATION_ERROR), errors + 1);
	/* PCRE2 may see that there is no b at all; then nothing was given up. */
	assert_true(counter_get(COUNTER_REGEX_LIMIT) <= limits + 1);
	q = compile(f, "any where r regex \"(a|a)*(a|a)*(a|a)*[^a]*a?[b-c]|.*b\"");
	event_set_str(&event, (uint32_t)field_set_find(f->fields, STR("r")),
		      (struct str){as, sizeof(as)});
	assert_false(eql_match(q, &event, f->scratch));
	assert_int_equal(counter_get(COUNTER_REGEX_LIMIT), limits + 1);
	event_free(&event);
}

static bool matches(struct fixture *f, const char *query, struct str value)
{
	struct eql_query *q = compile(f, query);
	struct event event;

	event_init(&event, f->fields);
	event_set_str(&event, (uint32_t)field_set_find(f->fields, STR("x")), value);
	bool hit = eql_match(q, &event, f->scratch);

	event_free(&event);
	return hit;
}

/* An attacker who puts a stray byte into an argument must not get past a pattern by it. */
static void invalid_utf8_is_matched(void **state)
{
	struct fixture *f = *state;
	struct str bad = STR("curl \xff\xc3 http");

	assert_true(matches(f, "any where x regex \"curl .* http\"", bad));
	assert_true(matches(f, "any where x regex \"curl .. http\"", bad));
	assert_true(matches(f, "any where x : \"curl ?? http\"", bad));
	assert_true(matches(f, "any where x : \"*CURL*http\"", bad));
	assert_true(matches(f, "any where length(x) == 12", bad));
	assert_false(matches(f, "any where x regex \"curl . http\"", bad));
	assert_true(matches(f, "any where x regex \"a.*\"", (struct str){"a\0b", 3}));
	assert_true(matches(f, "any where x : \"a?b\"", (struct str){"a\0b", 3}));
}

/* The definition, by trying everything. */
static bool naive(struct str p, struct str s)
{
	if (!p.len)
		return !s.len;
	struct str rest = {p.p + 1, p.len - 1};

	if (p.p[0] == '*') {
		for (size_t i = 0; i <= s.len; i += i < s.len ? eql_char_len(s, i) : 1)
			if (naive(rest, (struct str){s.p + i, s.len - i}))
				return true;
		return false;
	}
	if (!s.len)
		return false;
	size_t len = p.p[0] == '?' ? eql_char_len(s, 0) : 1;

	if (p.p[0] != '?' &&
	    ascii_lower((unsigned char)p.p[0]) != ascii_lower((unsigned char)s.p[0]))
		return false;
	return naive(rest, (struct str){s.p + len, s.len - len});
}

/* Random text over few letters, so that patterns often nearly match; é is two bytes. */
static struct str random_text(unsigned *seed, char *out, bool pattern)
{
	size_t len = 0;

	for (int n = rand_r(seed) % 9; n > 0; n--)
		switch (rand_r(seed) % (pattern ? 8 : 5)) {
		case 0:
			out[len++] = 'a';
			break;
		case 1:
			out[len++] = 'B';
			break;
		case 2:
			out[len++] = 'b';
			break;
		case 3:
			out[len++] = '/';
			break;
		case 4:
			out[len++] = '\xc3';
			out[len++] = '\xa9';
			break;
		case 5:
			out[len++] = '?';
			break;
		default:
			out[len++] = '*';
			break;
		}
	return (struct str){out, len};
}

static void wildcards_agree_with_their_definition(void **state)
{
	unsigned seed = 7;
	char a[32], b[32], folded[32];
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (int i = 0; i < 60000; i++) {
		struct str p = random_text(&seed, a, true), s = random_text(&seed, b, false);
		bool want = naive(p, s);
		struct pattern pattern;

		for (size_t k = 0; k < p.len; k++)
			folded[k] = (char)ascii_lower((unsigned char)p.p[k]);
		struct str canonical = eql_pattern_canonical(&arena, (struct str){folded, p.len});

		eql_pattern_init(&pattern, &arena, canonical, true);
		if (eql_wildcard(p, s, true) != want || eql_pattern_match(&pattern, s) != want)
			fail_msg("%.*s on %.*s: want %d", STR_ARG(p), STR_ARG(s), want);
		arena_reset(&arena);
	}
	arena_free(&arena);
}

static void wildcards_do_not_blow_up(void **state)
{
	static char text[200000];

	(void)state;
	memset(text, 'a', sizeof(text));
	struct str s = {text, sizeof(text)};

	assert_false(eql_wildcard(STR("*a*a*a*a*a*a*a*a*b"), s, false));
	assert_true(eql_wildcard(STR("*a*a*a*a*a*a*a*a*"), s, true));
}

static void expect_regex(const char *lucene, bool fold, const char *pcre)
{
	struct buf out = {0};
	struct regex_error error;
	bool ok = eql_regex_translate(str_from(lucene), fold, &out, &error);

	if (!pcre ? ok : !ok || !str_eq(buf_str(&out), str_from(pcre)))
		fail_msg("%s: %.*s %s", lucene, STR_ARG(buf_str(&out)), ok ? "" : error.text);
	buf_free(&out);
}

static void regexes_are_translated(void **state)
{
	(void)state;
	expect_regex("ab.c", false, "ab.c");
	expect_regex("a.b", true, "[aA].[bB]");
	expect_regex("a|bc", false, "(?:a|bc)");
	expect_regex("(ab)*", false, "(?:ab)*");
	expect_regex("a*?", false, "a*");
	expect_regex("a?+", false, "a*");
	expect_regex("a{2}{3}", false, "(?:a{2,2}){3,3}");
	expect_regex("[a-c-]", true, "[a-cA-C\\x{2d}]");
	expect_regex("[^\\s]", false, "[^\\x{9}-\\x{a}\\x{d}\\x{20}]");
	expect_regex("(?i)x", false, "\\x{3f}ix");
	expect_regex("\\.\\/$", false, "\\x{2e}\\x{2f}\\x{24}");
	expect_regex("<1-15>", false, "(?:0*(?:[1-9]|1[0-5]))");
	expect_regex("a@#", false, "a.*(?!)");
	expect_regex("a~b", false, "a(?!(?:b)\\z).*");
	expect_regex("a&b", false, "(?=(?:a)\\z)(?:b)");
	expect_regex("", false, "");
	static const char *const wrong[] = {"(",   "a)",     "[a",    "[b-a]", "a{",      "a{2,1}",
					    "a{1", "\"a",    "\\",    "\\q",   "<a>",     "<1-2",
					    "~ab", "(a&b)c", "(~a)*", "a|",    "x{99999}"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect_regex(wrong[i], false, NULL);
}

static void numeric_intervals_are_exact(void **state)
{
	struct fixture *f = *state;
	struct eql_query *q = compile(f, "any where x regex \"<7-1203>\"");
	struct event event;
	uint32_t x = (uint32_t)field_set_find(f->fields, STR("x"));

	event_init(&event, f->fields);
	for (int i = 0; i < 2000; i++) {
		event_reset(&event);
		event_set_int(&event, x, i);
		assert_int_equal(eql_match(q, &event, f->scratch), i >= 7 && i <= 1203);
	}
	event_free(&event);
}

static void doubles_read_back(void **state)
{
	char text[EQL_DOUBLE_TEXT_MAX];
	unsigned seed = 3;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		union {
			uint64_t bits;
			double d;
		} u = {.bits = (uint64_t)rand_r(&seed) << 42 ^ (uint64_t)rand_r(&seed) << 21 ^
			       (uint64_t)rand_r(&seed)};
		struct str s = eql_double_to_str(u.d, text);

		if (u.d != u.d)
			continue;
		char copy[64];

		snprintf(copy, sizeof(copy), "%.*s", STR_ARG(s));
		assert_true(strtod(copy, NULL) == u.d);
	}
}

static void functions_are_listed(void **state)
{
	uint32_t count;
	const struct eql_function_help *help = eql_functions(&count);

	(void)state;
	assert_int_equal(count, 16);
	for (uint32_t i = 0; i < count; i++)
		assert_true(help[i].text[0] && strchr(help[i].signature, '('));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(leaves_carry_their_facts),
	    TEST(leaves_say_which_values_they_need),
	    TEST(negation_stands_outside_leaves),
	    TEST(equal_predicates_have_equal_keys),
	    TEST(diagnostics_point_into_the_file),
	    TEST(hostile_queries_are_refused),
	    TEST(errors_per_query_are_bounded),
	    TEST(too_many_combinations_are_cut_and_counted),
	    TEST(failing_evaluations_are_counted),
	    TEST(invalid_utf8_is_matched),
	    TEST(wildcards_agree_with_their_definition),
	    TEST(wildcards_do_not_blow_up),
	    TEST(regexes_are_translated),
	    TEST(numeric_intervals_are_exact),
	    TEST(doubles_read_back),
	    TEST(functions_are_listed),
	};

	return cmocka_run_group_tests_name("eql", tests, NULL, NULL);
}
