/* SPDX-License-Identifier: Apache-2.0 */
/* Rule types beside EQL, suppression, and Kibana's filters. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "rule_fixture.h"

#define HEAD(type)                                                                  \
	"[rule]\nrule_id = 'x'\nname = 'X'\ndescription = 'd'\nseverity = 'high'\n" \
	"risk_score = 73\ntype = '" type "'\n"
#define QUERY "query = 'process.name: sh'\n"

static void a_query_rule_matches_by_kql(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    load(f, "r.toml", HEAD("query") "query = 'process.name: (sh or b*)'\n");

	assert_int_equal(r->state, RULE_LOADED);
	assert_int_equal(r->kind, RULE_KIND_QUERY);
	assert_string_equal(r->language.p, "kuery");
	assert_true(matches(f, r, "{\"process.name\": \"bash\"}"));
	assert_false(matches(f, r, "{\"process.name\": \"dash\"}"));
}

static void a_language_must_fit_the_type(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    load(f, "r.toml", HEAD("query") "language = 'lucene'\nquery = 'a:[1 TO 5]'\n");

	assert_int_equal(r->state, RULE_SKIPPED);
	assert_string_equal(r->reason.p, "language [lucene] is not supported");
	r = load(f, "r.toml", HEAD("query") "language = 'eql'\nquery = 'any where true'\n");
	assert_int_equal(r->state, RULE_ERROR);
	assert_string_equal(r->reason.p, "language [eql] does not fit rule type [query]");
	r = load(f, "r.toml", HEAD("eql") "language = 'kuery'\n" QUERY);
	assert_int_equal(r->state, RULE_ERROR);
}

static void an_error_in_kql_has_its_place(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    load(f, "r.toml", HEAD("query") "query = '''\na: 1 and\n  (b: 2 or )\n'''\n");

	assert_int_equal(r->state, RULE_ERROR);
	assert_int_equal(r->diags[0].line, 10);
	assert_int_equal(r->diags[0].column, 12);
	r = load(f, "r.toml", HEAD("query") "query = \"a: \\\"x\\\" and process.pid: y\"\n");
	assert_int_equal(r->diags[0].line, 8);
	assert_int_equal(r->diags[0].column, 36);
	assert_int_equal(r->diags[0].source.p[35], 'y');
}

static void a_threshold_rule_is_read(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    load(f, "r.toml",
		 HEAD("threshold") QUERY "[rule.threshold]\nfield = ['host.id', 'user.name']\n"
					 "value = 5\n[[rule.threshold.cardinality]]\n"
					 "field = 'process.args'\nvalue = 3\n");

	assert_int_equal(r->state, RULE_LOADED);
	assert_int_equal(r->kind, RULE_KIND_THRESHOLD);
	assert_int_equal(r->threshold.value, 5);
	assert_int_equal(r->threshold.fields.count, 2);
	assert_int_equal(r->threshold.fields.ids[1], FIELD_USER_NAME);
	assert_true(field_set_info(f->fields, FIELD_USER_NAME)->demanded);
	assert_true(r->threshold.has_cardinality);
	assert_int_equal(r->threshold.cardinality_field, FIELD_PROCESS_ARGS);
	assert_int_equal(r->threshold.cardinality_value, 3);
}

static void kibanas_threshold_is_read(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    load(f, "r.json",
		 "{\"rule_id\":\"x\",\"name\":\"X\",\"description\":\"d\",\"severity\":\"low\","
		 "\"risk_score\":1,\"type\":\"threshold\",\"language\":\"kuery\",\"query\":\"*:*\","
		 "\"threshold\":{\"field\":\"\",\"value\":2,\"cardinality\":[]}}");

	assert_int_equal(r->state, RULE_LOADED);
	assert_int_equal(r->threshold.value, 2);
	assert_int_equal(r->threshold.fields.count, 0);
	assert_false(r->threshold.has_cardinality);
}

static void a_threshold_must_be_whole(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *message;
	} cases[] = {
	    {HEAD("threshold") QUERY, "[rule.threshold.value] is missing"},
	    {HEAD("threshold") QUERY "threshold = {value = 0}\n",
	     "[rule.threshold.value] is out of range"},
	    {HEAD("threshold") QUERY "threshold = {value = 1, field = ['a','b','c','d','e','f']}\n",
	     "[rule.threshold.field] names too many fields"},
	    {HEAD("threshold") QUERY "threshold = {value = 1, cardinality = [{field = 'a'}]}\n",
	     "[rule.threshold.cardinality] is not complete"},
	    {HEAD("threshold") QUERY "threshold = {value = 'x'}\n",
	     "[rule.threshold.value] must be an integer, but is a string"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct rule *r = load(f, "r.toml", cases[i].text);

		assert_int_equal(r->state, RULE_ERROR);
		assert_string_equal(r->reason.p, cases[i].message);
	}
}

static void new_terms_are_read_in_both_forms(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    load(f, "r.toml",
		 HEAD("new_terms") QUERY
		 "[rule.new_terms]\nfield = 'new_terms_fields'\nvalue = ['host.id', 'a.b']\n"
		 "[[rule.new_terms.history_window_start]]\nfield = 'history_window_start'\n"
		 "value = 'now-7d'\n");

	assert_int_equal(r->state, RULE_LOADED);
	assert_int_equal(r->kind, RULE_KIND_NEW_TERMS);
	assert_int_equal(r->new_terms.fields.count, 2);
	assert_int_equal(r->new_terms.fields.ids[0], FIELD_HOST_ID);
	assert_string_equal(r->new_terms.fields.names[1].p, "a.b");
	assert_true(r->new_terms.history_ns == 7 * 86400 * NS_PER_SEC);
	r = load(f, "r.json",
		 "{\"rule_id\":\"y\",\"name\":\"X\",\"description\":\"d\",\"severity\":\"low\","
		 "\"risk_score\":1,\"type\":\"new_terms\",\"query\":\"*:*\","
		 "\"new_terms_fields\":[\"host.id\"],\"history_window_start\":\"now-12h\"}");
	assert_int_equal(r->state, RULE_LOADED);
	assert_true(r->new_terms.history_ns == 12 * 3600 * NS_PER_SEC);
}

static void new_terms_must_be_whole(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *message;
	} cases[] = {
	    {HEAD("new_terms") QUERY, "[rule.new_terms_fields] names no field"},
	    {HEAD("new_terms") QUERY "new_terms_fields = ['a']\n",
	     "[rule.history_window_start] is missing"},
	    {HEAD("new_terms") QUERY "new_terms_fields = ['a']\nhistory_window_start = 'now'\n",
	     "[rule.history_window_start] is not a time in the past"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct rule *r = load(f, "r.toml", cases[i].text);

		assert_int_equal(r->state, RULE_ERROR);
		assert_string_equal(r->reason.p, cases[i].message);
	}
}

static void suppression_is_read(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    load(f, "r.toml",
		 HEAD("query") QUERY "[rule.alert_suppression]\ngroup_by = ['user.name']\n"
				     "missing_fields_strategy = 'doNotSuppress'\n"
				     "[rule.alert_suppression.duration]\nvalue = 3\nunit = 'h'\n");

	assert_int_equal(r->state, RULE_LOADED);
	assert_true(r->suppressed);
	assert_int_equal(r->suppression.fields.ids[0], FIELD_USER_NAME);
	assert_true(r->suppression.duration_ns == 3 * 3600 * NS_PER_SEC);
	assert_false(r->suppression.suppress_missing);
	r = load(f, "r.toml",
		 "[rule]\nrule_id = 'y'\nname = 'X'\ndescription = 'd'\n"
		 "severity = 'low'\nrisk_score = 1\ntype = 'eql'\n"
		 "query = 'any where true'\nalert_suppression = {group_by = ['a']}\n");
	assert_true(r->suppressed);
	assert_true(r->suppression.duration_ns == 0);
	assert_true(r->suppression.suppress_missing);
}

/* Kibana lets a threshold rule say how long, and groups by the threshold's own fields. */
static void a_threshold_is_suppressed_by_its_own_fields(void **state)
{
	struct fixture *f = *state;
	const struct rule *r = load(f, "r.toml",
				    HEAD("threshold") QUERY
				    "threshold = {field = ['host.id'], value = 2}\n"
				    "alert_suppression = {duration = {value = 5, unit = 'm'}}\n");

	assert_int_equal(r->state, RULE_LOADED);
	assert_true(r->suppressed);
	assert_int_equal(r->suppression.fields.count, 1);
	assert_int_equal(r->suppression.fields.ids[0], FIELD_HOST_ID);
	assert_true(r->suppression.duration_ns == 300 * NS_PER_SEC);
}

static void suppression_must_be_whole(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *message;
	} cases[] = {
	    {"alert_suppression = {}\n", "[rule.alert_suppression.group_by] names no field"},
	    {"alert_suppression = {group_by = ['a'], duration = {value = -1, unit = 'm'}}\n",
	     "[rule.alert_suppression.duration] is not a time span"},
	    {"alert_suppression = {group_by = ['a'], duration = {value = 1, unit = 'd'}}\n",
	     "[rule.alert_suppression.duration] is not a time span"},
	    {"alert_suppression = {group_by = ['a'], duration = {value = 1, unit = 'x'}}\n",
	     "[rule.alert_suppression.duration] is not a time span"},
	    {"alert_suppression = {group_by = ['a'], missing_fields_strategy = 'no'}\n",
	     "[rule.alert_suppression.missing_fields_strategy] is not a strategy"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[512];

		snprintf(text, sizeof(text), "%s%s%s", HEAD("query"), QUERY, cases[i].text);
		const struct rule *r = load(f, "r.toml", text);

		assert_int_equal(r->state, RULE_ERROR);
		assert_string_equal(r->reason.p, cases[i].message);
	}
}

/* ---- filters */

#define FILTERED(filters)                                                               \
	"{\"rule_id\":\"x\",\"name\":\"X\",\"description\":\"d\",\"severity\":\"low\"," \
	"\"risk_score\":1,\"type\":\"query\",\"query\":\"a: 1\",\"filters\":" filters "}"

static void filters_narrow_a_rule(void **state)
{
	struct fixture *f = *state;
	/* The event {"a": 1, "b": "x", "n": 7} with and without each filter's say. */
	static const struct {
		const char *filters;
		bool matches;
	} cases[] = {
	    {"[]", true},
	    {"[{\"query\":{\"match_phrase\":{\"b\":\"x\"}}}]", true},
	    {"[{\"query\":{\"match_phrase\":{\"b\":{\"query\":\"x\"}}}}]", true},
	    {"[{\"query\":{\"match_phrase\":{\"b\":\"y\"}}}]", false},
	    {"[{\"meta\":{\"negate\":true},\"query\":{\"match_phrase\":{\"b\":\"y\"}}}]", true},
	    {"[{\"meta\":{\"negate\":true},\"query\":{\"match_phrase\":{\"b\":\"x\"}}}]", false},
	    {"[{\"meta\":{\"disabled\":true},\"query\":{\"match_phrase\":{\"b\":\"y\"}}}]", true},
	    {"[{\"query\":{\"match\":{\"b\":{\"query\":\"x\",\"type\":\"phrase\"}}}}]", true},
	    {"[{\"query\":{\"exists\":{\"field\":\"b\"}}}]", true},
	    {"[{\"query\":{\"exists\":{\"field\":\"c\"}}}]", false},
	    /* as Kibana 7 has it */
	    {"[{\"meta\":{\"type\":\"exists\"},\"exists\":{\"field\":\"c\"},\"$state\":{}}]",
	     false},
	    {"[{\"query\":{\"range\":{\"n\":{\"gte\":7,\"lt\":8}}}}]", true},
	    {"[{\"query\":{\"range\":{\"n\":{\"gt\":7}}}}]", false},
	    {"[{\"query\":{\"bool\":{\"should\":[{\"match_phrase\":{\"b\":\"y\"}},"
	     "{\"match_phrase\":{\"b\":\"x\"}}],\"minimum_should_match\":1}}}]",
	     true},
	    {"[{\"query\":{\"bool\":{\"should\":[{\"match_phrase\":{\"b\":\"y\"}}],"
	     "\"filter\":{\"match_all\":{}}}}}]",
	     true},
	    {"[{\"query\":{\"bool\":{\"must\":[{\"term\":{\"b\":\"x\"}}],"
	     "\"must_not\":{\"term\":{\"n\":{\"value\":7}}}}}}]",
	     false},
	    {"[{\"query\":{\"bool\":{}}}]", true},
	    {"[{\"query\":{\"terms\":{\"b\":[\"w\",\"x\"],\"boost\":1}}}]", true},
	    {"[{\"query\":{\"terms\":{\"b\":[]}}}]", false},
	    {"[{\"query\":{\"wildcard\":{\"b\":{\"value\":\"?\"}}}}]", true},
	    {"[{\"query\":{\"wildcard\":{\"b\":\"X*\"}}}]", false},
	    {"[{\"query\":{\"wildcard\":{\"b\":{\"value\":\"X*\",\"case_insensitive\":true}}}}]",
	     true},
	    {"[{\"query\":{\"wildcard\":{\"b.caseless\":{\"value\":\"X*\",\"case_insensitive\":"
	     "true}}}}]",
	     true},
	    {"[{\"query\":{\"wildcard\":{\"b\":\"\\\\*\"}}}]", false},
	    {"[{\"query\":{\"prefix\":{\"b\":\"x\"}}}]", true},
	    {"[{\"query\":{\"match_none\":{}}}]", false},
	    {"[{\"meta\":{\"type\":\"combined\",\"relation\":\"OR\",\"params\":["
	     "{\"query\":{\"match_phrase\":{\"b\":\"y\"}}},"
	     "{\"meta\":{\"disabled\":true},\"query\":{\"match_all\":{}}}]}}]",
	     false},
	    {"[{\"meta\":{\"type\":\"combined\",\"relation\":\"OR\",\"params\":["
	     "{\"query\":{\"match_phrase\":{\"b\":\"y\"}}},"
	     "{\"meta\":{\"negate\":true},\"exists\":{\"field\":\"c\"}}]}}]",
	     true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[1024];

		snprintf(text, sizeof(text), FILTERED("%s"), cases[i].filters);
		fresh(f);
		const struct rule *r = load(f, "r.json", text);

		if (r->state != RULE_LOADED ||
		    matches(f, r, "{\"a\": 1, \"b\": \"x\", \"n\": 7}") != cases[i].matches)
			fail_msg("%s: %s", cases[i].filters, r->reason.p);
		assert_false(matches(f, r, "{\"a\": 2, \"b\": \"x\", \"n\": 7}"));
	}
}

static void filters_narrow_eql_too(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    load(f, "r.json",
		 "{\"rule_id\":\"x\",\"name\":\"X\",\"description\":\"d\",\"severity\":\"low\","
		 "\"risk_score\":1,\"type\":\"eql\",\"query\":\"any where a == 1\","
		 "\"filters\":[{\"exists\":{\"field\":\"b\"}}]}");

	assert_int_equal(r->state, RULE_LOADED);
	assert_true(matches(f, r, "{\"a\": 1, \"b\": 1}"));
	assert_false(matches(f, r, "{\"a\": 1}"));
}

/* With nothing but filters the query may be empty, as Kibana leaves it. */
static void filters_may_be_all(void **state)
{
	struct fixture *f = *state;
	const struct rule *r =
	    load(f, "r.json",
		 "{\"rule_id\":\"x\",\"name\":\"X\",\"description\":\"d\",\"severity\":\"low\","
		 "\"risk_score\":1,\"type\":\"query\",\"query\":\"\","
		 "\"filters\":[{\"exists\":{\"field\":\"b\"}}]}");

	assert_int_equal(r->state, RULE_LOADED);
	assert_true(matches(f, r, "{\"b\": 1}"));
	assert_false(matches(f, r, "{\"a\": 1}"));
	r = load(f, "r.toml", HEAD("query") "query = ''\n");
	assert_int_equal(r->state, RULE_ERROR);
}

static void a_filter_that_is_not_known_is_named(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *filters, *reason;
		enum rule_state state;
	} cases[] = {
	    {"[{\"query\":{\"geo_distance\":{\"x\":1}}}]", "filter [geo_distance] is not supported",
	     RULE_SKIPPED},
	    {"[{\"query\":{\"range\":{\"d\":{\"gte\":1,\"time_zone\":\"x\"}}}}]",
	     "filter [time_zone] is not supported", RULE_SKIPPED},
	    {"[{\"query\":{\"bool\":{\"should\":[{\"match_all\":{}}],"
	     "\"minimum_should_match\":2}}}]",
	     "filter [minimum_should_match] is not supported", RULE_SKIPPED},
	    {"[{\"query\":{\"term\":{\"a\":1,\"b\":2}}}]", "a filter's clause has one field",
	     RULE_ERROR},
	    {"[{\"query\":{\"term\":{\"process.pid\":\"x\"}}}]",
	     "[x] does not fit [process.pid], a field of type long", RULE_ERROR},
	    {"[7]", "expected a filter, an object", RULE_ERROR},
	    {"{}", "[filters] must be an array", RULE_ERROR},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[512];

		snprintf(text, sizeof(text), FILTERED("%s"), cases[i].filters);
		fresh(f);
		const struct rule *r = load(f, "r.json", text);

		assert_int_equal(r->state, cases[i].state);
		assert_string_equal(r->reason.p, cases[i].reason);
		assert_null(r->query);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_query_rule_matches_by_kql),
	    TEST(a_language_must_fit_the_type),
	    TEST(an_error_in_kql_has_its_place),
	    TEST(a_threshold_rule_is_read),
	    TEST(kibanas_threshold_is_read),
	    TEST(a_threshold_must_be_whole),
	    TEST(new_terms_are_read_in_both_forms),
	    TEST(new_terms_must_be_whole),
	    TEST(suppression_is_read),
	    TEST(a_threshold_is_suppressed_by_its_own_fields),
	    TEST(suppression_must_be_whole),
	    TEST(filters_narrow_a_rule),
	    TEST(filters_narrow_eql_too),
	    TEST(filters_may_be_all),
	    TEST(a_filter_that_is_not_known_is_named),
	};

	return cmocka_run_group_tests_name("rule_kind", tests, NULL, NULL);
}
