/* SPDX-License-Identifier: Apache-2.0 */
/* Kibana's exports: NDJSON and JSON, exception lists, counts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "rule_fixture.h"

#define RULE(id, more)                                                                          \
	"{\"id\":\"u-" id "\",\"rule_id\":\"" id "\",\"name\":\"N " id                          \
	"\",\"description\":\"d\",\"severity\":\"high\",\"risk_score\":73,\"type\":\"query\","  \
	"\"language\":\"kuery\",\"query\":\"process.name: sh\",\"enabled\":true,\"version\":3," \
	"\"threat\":[],\"saved_id\":null,\"actions\":[],\"immutable\":false" more "}\n"
#define USES(list, namespace)                                                                  \
	",\"exceptions_list\":[{\"id\":\"i\",\"list_id\":\"" list "\",\"type\":\"detection\"," \
	"\"namespace_type\":\"" namespace "\"}]"
#define LIST(list)                                                                       \
	"{\"_version\":\"W\",\"id\":\"i\",\"list_id\":\"" list "\",\"name\":\"A list\"," \
	"\"namespace_type\":\"single\",\"os_types\":[],\"tags\":[],\"type\":\"detection\"}\n"
#define ITEM(list, entries, more)                                                            \
	"{\"item_id\":\"it\",\"list_id\":\"" list "\",\"name\":\"An item\",\"description\":" \
	"\"because\",\"namespace_type\":\"single\",\"type\":\"simple\",\"comments\":[]" more \
	",\"entries\":[" entries "]}\n"
#define ENTRY(field, type, operator, value)                              \
	"{\"field\":\"" field "\",\"type\":\"" type "\",\"operator\":\"" \
	operator"\",\"value\":" value "}"

static const struct rule *finished(struct fixture *f, const char *text)
{
	fresh(f);
	load(f, "e.ndjson", text);
	rule_set_finish(&f->set, f->fields, &f->diags);
	return f->set.rules[0];
}

static void each_row_is_a_rule(void **state)
{
	struct fixture *f = *state;

	load(
	    f, "e.ndjson",
	    RULE("a", "") "\r\n" RULE(
		"b", ",\"building_block_type\":\"default\"") "{\"exported_count\":2,\"exported_"
							     "rules_count\":2,\"missing_rules\":[],"
							     "\"missing_rules_count\":0}\n");
	assert_int_equal(f->set.count, 2);
	assert_int_equal(f->set.loaded, 2);
	assert_int_equal(f->set.files, 1);
	assert_int_equal(f->diags.count, 0);
	assert_string_equal(f->set.rules[0]->id.p, "a");
	assert_string_equal(f->set.rules[0]->version.p, "3");
	assert_int_equal(f->set.rules[0]->line, 1);
	assert_int_equal(f->set.rules[0]->unknown_key_count, 0);
	assert_false(f->set.rules[0]->building_block);
	assert_int_equal(f->set.rules[1]->line, 3);
	assert_true(f->set.rules[1]->building_block);
	assert_true(matches(f, f->set.rules[1], "{\"process.name\":\"sh\"}"));
}

static void a_document_may_be_an_array_or_one_rule(void **state)
{
	struct fixture *f = *state;

	load(f, "e.json", "[\n" RULE("a", "") ",\n" RULE("b", "") "]");
	assert_int_equal(f->set.loaded, 2);
	assert_int_equal(f->set.rules[1]->line, 4);
	fresh(f);
	load(f, "e.json",
	     "{\"rule_id\":\"a\",\n\"name\":\"n\",\"description\":\"d\",\n"
	     "\"severity\":\"low\",\"risk_score\":1,\"type\":\"eql\",\n"
	     "\"query\":\"any where true\"}");
	assert_int_equal(f->set.loaded, 1);
	fresh(f);
	/* rows under another name, and no name at all */
	load(f, "e.json", RULE("a", "") RULE("b", ""));
	load(f, "stdin", RULE("c", "") RULE("d", ""));
	load(f, "stdin", "  [" RULE("e", "") "]");
	assert_int_equal(f->set.loaded, 5);
	fresh(f);
	load(f, "p.json",
	     "{\"id\":\"z\",\"type\":\"security-rule\",\"attributes\":" RULE("a", "") "}");
	assert_int_equal(f->set.loaded, 1);
	assert_string_equal(f->set.rules[0]->id.p, "a");
}

static void a_mistake_has_its_row_and_column(void **state)
{
	struct fixture *f = *state;

	load(f, "e.ndjson",
	     RULE("a", "") "{\"rule_id\":\"b\",\"name\":\"n\",\"description\":\"d\","
			   "\"severity\":\"urgent\",\"risk_score\":1,\"type\":\"query\","
			   "\"query\":\"a: \\\"x\\\" and process.pid: y\",\"surprise\":1}\n");
	const struct rule *r = f->set.rules[1];

	assert_int_equal(f->set.loaded, 1);
	assert_int_equal(r->state, RULE_ERROR);
	assert_int_equal(r->diag_count, 3);
	assert_string_equal(r->diags[0].message.p, "unknown key [surprise]");
	assert_string_equal(r->diags[1].message.p, "unknown severity [urgent]");
	assert_int_equal(r->diags[1].line, 2);
	assert_int_equal(r->diags[1].column, 56);
	assert_int_equal(r->diags[2].line, 2);
	/* at the y of the query, behind two escaped quotes */
	assert_int_equal(r->diags[2].source.p[r->diags[2].column - 1], 'y');
}

/* A file may be one line: of that only what is around the mistake is kept, and shown. */
static void a_mistake_in_a_long_line_is_shown_with_what_is_around_it(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0}, shown = {0};

	buf_add(&text, STR("  [{\"rule_id\":\"a\",\"note\":\""));
	for (size_t i = 0; i < 5000; i++)
		buf_add(&text, STR("ab"));
	buf_add(&text,
		STR("\",\"severity\":\"urgent\"},{\"rule_id\":\"b\",\"severity\":\"dire\"}]"));
	buf_add_char(&text, '\0');
	load(f, "e.json", text.p);
	for (uint32_t i = 0; i < 2; i++) {
		const struct rule *r = f->set.rules[i];
		const char *value = i ? "\"dire\"" : "\"urgent\"";
		const struct diag *diag = r->diags;

		while (!str_starts(diag->message, STR("unknown severity")))
			diag++;
		assert_int_equal(diag->column, strstr(text.p, value) - text.p + 1);
		assert_true(diag->source.len <= DIAG_SOURCE_MAX);
		buf_reset(&shown);
		diag_format(diag, false, &shown);
		buf_add_char(&shown, '\0');
		/* The caret is below the value. */
		const char *line = strstr(shown.p, "    1 | "),
			   *below = strstr(shown.p, "      | ");

		assert_ptr_equal(strstr(line, value) - line + below, strchr(below, '^'));
	}
	buf_free(&text);
	buf_free(&shown);
}

static void a_broken_row_stops_no_other(void **state)
{
	struct fixture *f = *state;

	load(f, "e.ndjson", RULE("a", "") "{\"rule_id\":\n[7]\n7\n\n" RULE("b", ""));
	assert_int_equal(f->set.count, 5);
	assert_int_equal(f->set.loaded, 2);
	assert_int_equal(f->set.rules[1]->line, 2);
	assert_string_equal(f->set.rules[3]->reason.p, "expected a rule, an object");
	assert_int_equal(f->set.rules[4]->line, 6);
}

static void a_second_rule_with_an_id_names_the_row(void **state)
{
	struct fixture *f = *state;
	const struct rule *r = load(f, "e.ndjson", RULE("a", "") RULE("a", ""));

	assert_int_equal(r->state, RULE_ERROR);
	assert_string_equal(r->reason.p, "rule id [a] is already that of e.ndjson:1");
}

static void the_counts_of_an_export_are_checked(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *message;
	} cases[] = {
	    {RULE("a", "") "{\"exported_count\":2,\"missing_rules_count\":0}\n",
	     "rules: the export says 2, the file has 1"},
	    {RULE("a", "") "{\"exported_count\":9,\"exported_rules_count\":3}\n",
	     "rules: the export says 3, the file has 1"},
	    {LIST("l") "{\"exported_exception_list_count\":1,"
		       "\"exported_exception_list_item_count\":4}\n",
	     "exceptions: the export says 4, the file has 0"},
	    {"{\"type\":\"action\",\"attributes\":{}}\n{\"exported_count\":1,"
	     "\"exported_rules_count\":0,\"exported_action_connector_count\":2}\n",
	     "connectors: the export says 2, the file has 1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fresh(f);
		const struct rule *r = load(f, "e.ndjson", cases[i].text);

		assert_int_equal(f->set.errors, 1);
		assert_string_equal(r->reason.p, cases[i].message);
	}
	fresh(f);
	load(f, "e.ndjson",
	     RULE("a", "") LIST("l") ITEM(
		 "l", ENTRY("a", "match", "included", "\"1\""),
		 "") "{\"type\":\"action\",\"attributes\":{}}\n"
		     "{\"exported_count\":4,\"exported_rules_count\":1,"
		     "\"exported_exception_list_count\":1,\"exported_exception_list_item_count\":1,"
		     "\"exported_action_connector_count\":1,\"missing_rules_count\":2}\n");
	assert_int_equal(f->set.errors, 0);
	assert_int_equal(f->diags.count, 1);
	assert_string_equal(f->diags.items[0].message.p,
			    "the export lacks 2 rules that were asked for");
}

/* ---- exception lists */

static void items_except_by_their_entries(void **state)
{
	struct fixture *f = *state;
	static const char *const event =
	    "{\"@timestamp\":\"2024-05-01T00:00:00Z\",\"a\":\"x\",\"b\":"
	    "\"/opt/tool\",\"host.os.type\":\"linux\",\"n\":5,"
	    "\"o\":[{\"p\":\"q\",\"r\":\"s\"}]}";
	static const struct {
		const char *item;
		bool excepted;
	} cases[] = {
	    {ITEM("l", ENTRY("a", "match", "included", "\"x\""), ""), true},
	    {ITEM("l", ENTRY("a", "match", "included", "\"X\""), ""), false},
	    {ITEM("l", ENTRY("a", "match", "excluded", "\"x\""), ""), false},
	    {ITEM("l", ENTRY("c", "match", "excluded", "\"x\""), ""), true},
	    {ITEM("l", ENTRY("n", "match", "included", "5"), ""), true},
	    {ITEM("l", ENTRY("a.caseless", "match", "included", "\"X\""), ""), true},
	    {ITEM("l", ENTRY("a", "match_any", "included", "[\"w\",\"x\"]"), ""), true},
	    {ITEM("l", ENTRY("a", "match_any", "excluded", "[\"w\",\"x\"]"), ""), false},
	    {ITEM("l", ENTRY("b", "wildcard", "included", "\"/opt/*\""), ""), true},
	    {ITEM("l", ENTRY("b", "wildcard", "included", "\"/opt/too?\""), ""), true},
	    {ITEM("l", ENTRY("b", "wildcard", "included", "\"/OPT/*\""), ""), false},
	    {ITEM("l", ENTRY("b", "wildcard", "excluded", "\"/srv/*\""), ""), true},
	    {ITEM("l", "{\"field\":\"a\",\"type\":\"exists\",\"operator\":\"included\"}", ""),
	     true},
	    {ITEM("l", "{\"field\":\"a\",\"type\":\"exists\",\"operator\":\"excluded\"}", ""),
	     false},
	    /* all entries of an item must hold */
	    {ITEM("l",
		  ENTRY("a", "match", "included", "\"x\"") "," ENTRY("b", "match", "included",
								     "\"y\""),
		  ""),
	     false},
	    {ITEM("l",
		  "{\"field\":\"o\",\"type\":\"nested\",\"entries\":[" ENTRY(
		      "p", "match", "included", "\"q\"") "," ENTRY("r", "match", "excluded",
								   "\"t\"") "]}",
		  ""),
	     true},
	    {ITEM("l", ENTRY("a", "match", "included", "\"x\""), ",\"os_types\":[\"linux\"]"),
	     true},
	    {ITEM("l", ENTRY("a", "match", "included", "\"x\""),
		  ",\"os_types\":[\"windows\",\"macos\"]"),
	     false},
	    {ITEM("l", ENTRY("a", "match", "included", "\"x\""),
		  ",\"expire_time\":\"2024-05-02T00:00:00.000Z\""),
	     true},
	    {ITEM("l", ENTRY("a", "match", "included", "\"x\""),
		  ",\"expire_time\":\"2024-04-30T00:00:00.000Z\""),
	     false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[4096];

		snprintf(text, sizeof(text), "%s%s%s", RULE("a", USES("l", "single")), LIST("l"),
			 cases[i].item);
		const struct rule *r = finished(f, text);

		assert_int_equal(f->diags.count, 0);
		assert_int_equal(r->exception_count, 1);
		assert_string_equal(r->exceptions[0].name.p, "An item");
		assert_string_equal(r->exceptions[0].reason.p, "because");
		if (excepted(f, r, event) != cases[i].excepted)
			fail_msg("%s", cases[i].item);
	}
}

static void an_item_is_shown_in_words(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    finished(f, RULE("a", USES("l", "single")) ITEM(
			    "l",
			    ENTRY("a", "match_any", "excluded", "[\"x\",\"y\\\"\"]") "," ENTRY(
				"b", "wildcard", "included",
				"\"/opt/*\"") ","
					      "{\"field\":\"o\",\"type\":\"nested\",\"entries\":["
					      "{\"field\":\"p\",\"type\":\"exists\",\"operator\":"
					      "\"included\"}]}",
			    ",\"os_types\":[\"linux\"],\"expire_time\":\"2030-01-01T00:00:00Z\""));

	assert_string_equal(r->exceptions[0].text.p,
			    "not a: (\"x\" or \"y\\\"\") and b: /opt/* and o: { p: * } and "
			    "host.os.type: linux and @timestamp < 2030-01-01T00:00:00Z");
}

/* Lists and rules may come in any order, from any file; the rule's own exceptions stay. */
static void lists_are_found_whatever_came_first(void **state)
{
	struct fixture *f = *state;

	load(f, "items.ndjson", ITEM("l", ENTRY("a", "match", "included", "\"1\""), ""));
	load(f, "r.toml",
	     "[rule]\nrule_id = 't'\nname = 'X'\ndescription = 'd'\nseverity = 'low'\n"
	     "risk_score = 1\ntype = 'eql'\nquery = 'any where true'\n"
	     "[[rule.exceptions]]\nname = 'own'\nquery = 'b == 1'\n"
	     "[[rule.exceptions_list]]\nlist_id = 'l'\nnamespace_type = 'single'\n"
	     "type = 'detection'\n");
	load(f, "rules.ndjson", RULE("a", USES("l", "single")));
	load(f, "list.ndjson", LIST("l") ITEM("l", ENTRY("a", "match", "included", "\"2\""), ""));
	rule_set_finish(&f->set, f->fields, &f->diags);
	assert_int_equal(f->diags.count, 0);
	assert_int_equal(f->set.rules[0]->exception_count, 3);
	assert_int_equal(f->set.rules[1]->exception_count, 2);
	assert_true(excepted(f, f->set.rules[0], "{\"b\": 1}"));
	assert_true(excepted(f, f->set.rules[0], "{\"a\": 2}"));
	assert_true(excepted(f, f->set.rules[1], "{\"a\": \"1\"}"));
	assert_false(excepted(f, f->set.rules[1], "{\"b\": 1}"));
}

static void a_list_that_is_not_loaded_is_named(void **state)
{
	struct fixture *f = *state;
	const struct rule *r = finished(f, RULE("a", USES("l", "agnostic")) LIST("l"));

	assert_int_equal(r->state, RULE_LOADED);
	assert_int_equal(r->diag_count, 1);
	assert_int_equal(r->diags[0].level, DIAG_WARNING);
	assert_int_equal(r->diags[0].line, 1);
	assert_string_equal(r->diags[0].message.p,
			    "exception list [l] is not loaded: the rule alerts on what it excepts");
	assert_int_equal(f->diags.count, 1);
	/* an empty list is one that is loaded */
	r = finished(f, RULE("a", USES("l", "single")) LIST("l"));
	assert_int_equal(r->diag_count, 0);
}

static void a_broken_item_is_an_error_of_its_row(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *item, *message;
	} cases[] = {
	    {ITEM("l", "", ""), "an exception needs entries"},
	    {ITEM("l", "{\"field\":\"a\"}", ""), "an entry needs a field and a type"},
	    {ITEM("l", ENTRY("a", "regex", "included", "1"), ""), "unknown type of entry"},
	    {ITEM("l", ENTRY("a", "match", "maybe", "1"), ""), "an entry needs its operator"},
	    {ITEM("l", ENTRY("a", "match", "included", "[1]"), ""),
	     "the value does not fit the entry's type"},
	    {ITEM("l", ENTRY("a", "match_any", "included", "[]"), ""), "an entry without values"},
	    {ITEM("l", ENTRY("a", "match", "included", "\"x\""), ",\"expire_time\":\"soon\""),
	     "expire_time is not a date"},
	    {"{\"list_id\":7,\"entries\":[]}\n", "an exception list needs its list_id, a text"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fresh(f);
		const struct rule *r = load(f, "e.ndjson", cases[i].item);

		assert_int_equal(f->set.errors, 1);
		assert_int_equal(r->line, 1);
		assert_string_equal(r->reason.p, cases[i].message);
	}
}

/* What only compiling shows: the rule runs, and says what it lacks. */
static void an_item_that_cannot_be_applied_is_named_by_both(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    finished(f, RULE("a", USES("l", "single"))
			    ITEM("l", ENTRY("process.pid", "match", "included", "\"x\""), "")
				ITEM("l", ENTRY("a", "match", "included", "\"1\""), ""));

	assert_int_equal(f->set.loaded, 1);
	assert_int_equal(f->set.errors, 1);
	assert_int_equal(f->set.rules[1]->line, 2);
	assert_string_equal(
	    f->set.rules[1]->reason.p,
	    "exception [An item]: [x] does not fit [process.pid], a field of type long");
	assert_int_equal(r->diag_count, 1);
	assert_string_equal(r->diags[0].message.p,
			    "exception [An item] of list [l] is not applied: the rule alerts on "
			    "what it excepts");
	assert_int_equal(r->exception_count, 1);
	assert_true(excepted(f, r, "{\"a\": 1}"));
}

static void value_lists_are_files(void **state)
{
	struct fixture *f = *state;
	char directory[] = "/tmp/lintel-lists-XXXXXX";
	char path[128], text[4096];

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/ours.txt", directory);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("10.0.0.1-10.0.0.9\r\n\n 192.168.0.0/16 \n", file);
	fclose(file);
	snprintf(path, sizeof(path), "%s/e.ndjson", directory);
	snprintf(text, sizeof(text), "%s%s", RULE("a", USES("l", "single")),
		 ITEM("l",
		      "{\"field\":\"source.ip\",\"type\":\"list\",\"operator\":\"included\","
		      "\"list\":{\"id\":\"ours.txt\",\"type\":\"ip_range\"}}",
		      ""));
	const struct rule *r;

	load(f, path, text);
	rule_set_finish(&f->set, f->fields, &f->diags);
	r = f->set.rules[0];
	assert_int_equal(f->diags.count, 0);
	assert_true(excepted(f, r, "{\"source.ip\": \"10.0.0.4\"}"));
	assert_true(excepted(f, r, "{\"source.ip\": \"192.168.3.4\"}"));
	assert_false(excepted(f, r, "{\"source.ip\": \"10.0.0.10\"}"));
	snprintf(path, sizeof(path), "%s/ours.txt", directory);
	unlink(path);
	rmdir(directory);
	/* and without the file */
	r = finished(f, text);
	assert_int_equal(f->set.errors, 1);
	assert_string_equal(f->set.rules[1]->reason.p,
			    "exception [An item]: value list [ours.txt] cannot be read");
	assert_int_equal(r->exception_count, 0);
}

static void a_file_has_so_many_rows(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};

	for (uint32_t i = 0; i < RULE_EXPORT_OBJECTS_MAX + 5; i++)
		buf_printf(&text, "{\"list_id\":\"l%u\"}\n", i);
	buf_add_char(&text, '\0');
	load(f, "e.ndjson", text.p);
	assert_int_equal(f->set.count, 1);
	assert_string_equal(f->set.rules[0]->reason.p,
			    "more than 200000 rules, lists and exceptions: the rest is not read");
	assert_int_equal(f->set.rules[0]->line, RULE_EXPORT_OBJECTS_MAX + 1);
	buf_free(&text);
}

static void a_rule_has_so_many_exceptions(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};

	buf_add(&text,
		STR("{\"rule_id\":\"a\",\"name\":\"n\",\"description\":\"d\",\"severity\":\"low\","
		    "\"risk_score\":1,\"type\":\"query\",\"query\":\"a: b\",\"exceptions_list\":["
		    "{\"list_id\":\"l\"},{\"list_id\":\"m\"},{\"list_id\":\"l\"}]}\n"));
	for (int i = 0; i < RULE_LIST_ITEMS_MAX - 1; i++)
		buf_add(&text, STR(ITEM("l", ENTRY("a", "match", "included", "\"c\""), "")));
	buf_add(&text, STR(ITEM("m", ENTRY("a", "match", "included", "\"d\""), "")));
	buf_add_char(&text, '\0');
	const struct rule *rule = finished(f, text.p);

	assert_int_equal(rule->exception_count, RULE_LIST_ITEMS_MAX);
	assert_int_equal(rule->diag_count, 1);
	assert_string_equal(rule->diags[0].hint.p, "a rule has at most 10000 exceptions");
	buf_free(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(each_row_is_a_rule),
	    TEST(a_file_has_so_many_rows),
	    TEST(a_rule_has_so_many_exceptions),
	    TEST(a_document_may_be_an_array_or_one_rule),
	    TEST(a_mistake_has_its_row_and_column),
	    TEST(a_mistake_in_a_long_line_is_shown_with_what_is_around_it),
	    TEST(a_broken_row_stops_no_other),
	    TEST(a_second_rule_with_an_id_names_the_row),
	    TEST(the_counts_of_an_export_are_checked),
	    TEST(items_except_by_their_entries),
	    TEST(an_item_is_shown_in_words),
	    TEST(lists_are_found_whatever_came_first),
	    TEST(a_list_that_is_not_loaded_is_named),
	    TEST(a_broken_item_is_an_error_of_its_row),
	    TEST(an_item_that_cannot_be_applied_is_named_by_both),
	    TEST(value_lists_are_files),
	};

	return cmocka_run_group_tests_name("rule_export", tests, NULL, NULL);
}
