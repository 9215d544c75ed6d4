/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule lacks of a source, and what it must not be said to lack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "coverage/analytic.h"
#include "coverage/coverage.h"
#include "rule_fixture.h"
#include "sensor/probe.h"

/* "missing: rule value event.action == "x" [2]; ..." */
static void describe(const struct rule_coverage *r, struct buf *out)
{
	buf_printf(out, "%s:", coverage_verdict_name(r->verdict));
	for (uint32_t i = 0; i < r->gap_count; i++) {
		const struct coverage_gap *gap = &r->gaps[i];

		buf_printf(out, "%s %s %s %.*s", i ? ";" : "", coverage_cost_name(gap->cost),
			   coverage_gap_name(gap->kind), STR_ARG(gap->what));
		if (gap->stage)
			buf_printf(out, " [%u]", gap->stage);
	}
	buf_add_char(out, '\0');
}

static const struct rule *load_rule(struct fixture *f, const char *keys)
{
	struct buf text = {0};

	fresh(f);
	supply_demand(f->fields);
	buf_printf(
	    &text,
	    "[rule]\nrule_id = \"r\"\nname = \"n\"\ndescription = \"d\"\nseverity = \"low\"\n"
	    "risk_score = 21\n%s\n",
	    keys);
	buf_add_char(&text, '\0');
	const struct rule *rule = load(f, "/nonexistent/r.toml", text.p);

	if (!rule || rule->state != RULE_LOADED) {
		diag_list_print(&f->diags, 2);
		fail_msg("the rule does not load");
	}
	buf_free(&text);
	return rule;
}

static void expect_of(struct fixture *f, const struct supply *supply, const struct rule *rule,
		      const char *wanted)
{
	struct judge *judge = judge_new(supply, f->fields);
	struct rule_coverage r = judge_rule(judge, rule);
	struct buf got = {0};

	describe(&r, &got);
	assert_string_equal(got.p, wanted);
	buf_free(&got);
	judge_free(judge);
}

static const char *const nothing[] = {NULL};

/* A rule of these keys, with all that the sensor gives but `blind`. */
static void expect_blind(void **state, const char *const *blind, const char *keys,
			 const char *wanted)
{
	struct fixture *f = *state;
	const struct rule *rule = load_rule(f, keys);
	struct supply *supply = supply_new(f->fields, ACTION_SENSOR, blind);

	expect_of(f, supply, rule, wanted);
	supply_free(supply);
}

static void expect_eql(void **state, const char *query, const char *wanted)
{
	struct buf keys = {0};

	buf_printf(&keys, "type = \"eql\"\nquery = '''%s'''", query);
	buf_add_char(&keys, '\0');
	expect_blind(state, nothing, keys.p, wanted);
	buf_free(&keys);
}

static void test_full(void **state)
{
	expect_eql(state, "process where process.name == \"a\"", "full:");
	expect_eql(state, "any where true", "full:");
	expect_eql(state, "file where event.action in (\"creation\", \"nonsense\")", "full:");
	expect_eql(state, "process where event.type == \"start\" and event.action : \"EX*\"",
		   "full:");
	expect_eql(state, "process where host.os.type == \"linux\" and not process.name == \"a\"",
		   "full:");
	/* an exclusion that never applies because the value is another product's */
	expect_eql(state, "process where not event.action == \"foo\"", "full:");
	/* what is below a not and always true leaves the rest to decide */
	expect_eql(state, "process where not (host.os.type == \"linux\" and process.name == \"a\")",
		   "full:");
}

static void test_missing(void **state)
{
	expect_eql(state, "nosuch where true", "missing: rule category nosuch");
	expect_eql(state, "process where event.action == \"nonsense\"",
		   "missing: rule value event.action == \"nonsense\"");
	expect_eql(state, "process where some.field == 1", "missing: rule field some.field");
	/* of another category */
	expect_eql(state, "file where event.action == \"exec\"",
		   "missing: rule value event.action == \"exec\"");
	expect_eql(state, "process where dns.question.name == \"/a\"",
		   "missing: rule field dns.question.name");
	/* each can be, both cannot */
	expect_eql(state, "any where event.action == \"exec\" and dns.question.name == \"/a\"",
		   "missing: rule field dns.question.name");
	expect_eql(state, "process where not host.os.type == \"linux\"",
		   "missing: rule value not host.os.type == \"linux\"");
	expect_eql(state, "process where length(some.field) > 3", "missing: rule field some.field");
	/* the nearest of two alternatives is what is told */
	expect_eql(state,
		   "process where (event.action == \"nonsense\" and a.b == 1) or (event.action == "
		   "\"exec\" and c.d == 1)",
		   "missing: rule field c.d");
}

static void test_part(void **state)
{
	expect_eql(state, "process where process.name == \"a\" or some.field == 1",
		   "part: alternative field some.field");
	expect_eql(state, "process where event.action == \"exec\" or event.action == \"nonsense\"",
		   "part: alternative value event.action == \"nonsense\"");
	expect_eql(state, "process where process.name == \"a\" and not some.field == 1",
		   "part: exclusion field some.field");
	expect_eql(state, "process where process.name == \"a\" and some.field == null",
		   "part: exclusion field some.field");
	expect_eql(state,
		   "process where process.name == \"a\" and not (process.pid == 1 and x.y == 2)",
		   "part: exclusion field x.y");
}

static void test_optional_and_foreign(void **state)
{
	expect_eql(state, "process where process.name == \"a\" or ?some.field == 1",
		   "full: optional field some.field");
	expect_eql(state, "process where not ?some.field == 1", "full: optional field some.field");
	/* another field of which the optional one is the beginning */
	expect_eql(state, "process where process.pid == 1 and not ?a.bc == 1 and not a.b == 1",
		   "part: exclusion field a.b; optional field a.bc");
	/* it is needed all the same */
	expect_eql(state, "process where ?some.field == 1", "missing: rule field some.field");
	expect_eql(state,
		   "process where (host.os.type == \"windows\" and process.name == \"a.exe\") or "
		   "(host.os.type == \"linux\" and process.name == \"a\")",
		   "full: foreign value host.os.type == \"windows\"");
}

/* A field of another sensor's is no loss where the rule is for that sensor too. */
static void test_foreign_fields(void **state)
{
	const char *tail = "type = \"eql\"\nquery = '''process where process.pid == 1 and not "
			   "auditd.data.a0 == \"1\"'''";
	struct buf keys = {0};

	expect_blind(state, nothing, tail, "part: exclusion field auditd.data.a0");
	buf_printf(&keys, "index = [\"auditbeat-*\", \"logs-endpoint.events.*\"]\n%s", tail);
	buf_add_char(&keys, '\0');
	expect_blind(state, nothing, keys.p, "full: foreign field auditd.data.a0");
	buf_free(&keys);
	expect_eql(state,
		   "process where process.pid == 1 and not process.code_signature.trusted == true",
		   "full: foreign field process.code_signature.trusted");
	/* Where it must be there it must be there. */
	expect_eql(state, "process where process.code_signature.trusted == true",
		   "missing: rule field process.code_signature.trusted");
}

static void test_sequences(void **state)
{
	expect_eql(state, "sequence by process.pid [process where true] [file where true]",
		   "full:");
	expect_eql(state, "sequence by some.key [process where true] [file where true]",
		   "missing: rule field some.key [1]; rule field some.key [2]");
	expect_eql(state, "sequence by ?some.key [process where true] [file where true]", "full:");
	expect_eql(state, "sequence by process.pid [process where true] [nosuch where true]",
		   "missing: rule category nosuch [2]");
	/* what must not come need not come */
	expect_eql(
	    state,
	    "sequence by process.pid with maxspan=1s [process where true] ![nosuch where true]",
	    "part: exclusion category nosuch [2]");
	expect_eql(state,
		   "sequence by process.pid [process where true] [file where true] until [nosuch "
		   "where true]",
		   "part: exclusion category nosuch [3]");
	expect_eql(state, "sequence by process.pid [process where a.b == 1] with runs=3",
		   "missing: rule field a.b [1]");
	expect_eql(state, "sample by host.id [process where true] [nosuch where true]",
		   "missing: rule category nosuch [2]");
}

static void test_endpoint_dialect(void **state)
{
	static const struct {
		const char *query, *wanted;
	} cases[] = {
	    {"sequence with maxspan=1s [process where true] as event0 [file where file.path == "
	     "event0.process.executable]",
	     "full:"},
	    {"sequence with maxspan=1s [process where true] as event0 [file where file.path == "
	     "event0.dns.question.name]",
	     "missing: rule field dns.question.name [2]"},
	    {"process where event.action == \"exec\" and child of [process where event.action == "
	     "\"fork\"]",
	     "full:"},
	    {"process where event.action == \"exec\" and child of [process where event.action == "
	     "\"nonsense\"]",
	     "missing: rule value event.action == \"nonsense\""},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf text = {0};

		fresh(f);
		supply_demand(f->fields);
		buf_printf(&text,
			   "[rule]\nid = \"b\"\nname = \"n\"\ndescription = \"d\"\n"
			   "os_list = [\"linux\"]\nversion = \"1\"\nquery = '''%s'''\n",
			   cases[i].query);
		buf_add_char(&text, '\0');
		const struct rule *rule = load(f, "/nonexistent/b.toml", text.p);

		if (!rule || rule->state != RULE_LOADED) {
			diag_list_print(&f->diags, 2);
			fail_msg("the rule does not load");
		}
		struct supply *supply = supply_new(f->fields, ACTION_SENSOR, NULL);

		expect_of(f, supply, rule, cases[i].wanted);
		supply_free(supply);
		buf_free(&text);
	}
}

static void test_other_kinds(void **state)
{
	expect_blind(state, nothing,
		     "type = \"query\"\nlanguage = \"kuery\"\n"
		     "query = 'event.category:process and event.action:(exec or executed)'",
		     "full:");
	expect_blind(state, nothing,
		     "type = \"query\"\nlanguage = \"kuery\"\nquery = 'event.action:executed'",
		     "missing: rule value event.action == \"executed\"");
	expect_blind(state, nothing,
		     "type = \"threshold\"\nlanguage = \"kuery\"\nquery = 'event.action:exec'\n"
		     "[rule.threshold]\nfield = [\"some.field\"]\nvalue = 3",
		     "missing: rule field some.field");
	expect_blind(state, nothing,
		     "type = \"new_terms\"\nlanguage = \"kuery\"\nquery = 'event.action:exec'\n"
		     "[rule.new_terms]\nfield = \"new_terms_fields\"\nvalue = [\"file.path\"]\n"
		     "[[rule.new_terms.history_window_start]]\nfield = \"history_window_start\"\n"
		     "value = \"now-1d\"",
		     "missing: rule field file.path");
}

/* A kernel without a hook, and audit logs. */
static void test_blind(void **state)
{
	const char *const no_fork[] = {"fork", NULL};
	const char *const no_files[] = {"creation", "modification", "rename", "deletion", NULL};
	const char *query = "type = \"eql\"\nquery = '''process where event.action == \"fork\"'''";

	expect_blind(state, no_fork, query, "missing: rule value event.action == \"fork\"");
	expect_blind(state, no_files, query, "full:");
	expect_blind(state, no_files, "type = \"eql\"\nquery = '''file where true'''",
		     "missing: rule category file");
	struct fixture *f = *state;
	const struct rule *rule = load_rule(f, query);
	struct supply *supply = supply_new(f->fields, 0, NULL);

	/* no source at all */
	expect_of(f, supply, rule, "missing: rule category process");
	supply_free(supply);
}

/* ---- recorded */

static void observe(struct fixture *f, struct supply *supply, const char *json)
{
	struct event_reader *reader = event_reader_new(f->fields, NULL);
	struct buf padded = {0};
	struct event event;

	buf_add(&padded, str_from(json));
	buf_reserve(&padded, EVENT_JSON_PADDING);
	event_init(&event, f->fields);
	assert_int_equal(event_read_json(reader, buf_str(&padded), &event, NULL), 0);
	supply_observe(supply, &event);
	event_free(&event);
	event_reader_free(reader);
	buf_free(&padded);
}

static void test_observed(void **state)
{
	struct fixture *f = *state;
	const struct rule *rule = load_rule(
	    f, "type = \"eql\"\nquery = '''process where event.action == \"exec\" and a.b == 1'''");
	field_set_demand(f->fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(f->fields, field_known_name(FIELD_EVENT_SEQUENCE));
	struct supply *supply = supply_new_observed(f->fields);

	expect_of(f, supply, rule, "missing: rule category process");
	observe(f, supply,
		"{\"event\":{\"category\":\"process\",\"action\":\"fork\"},\"a\":{\"b\":1}}");
	expect_of(f, supply, rule, "missing: rule value event.action == \"exec\"");
	observe(f, supply, "{\"event\":{\"category\":[\"process\",\"host\"],\"action\":\"exec\"}}");
	expect_of(f, supply, rule, "missing: rule field a.b");
	assert_int_equal(
	    supply_field_events(supply, (uint32_t)field_set_find(f->fields, STR("a.b"))), 1);
	observe(f, supply,
		"{\"event.category\":[\"host\",\"process\"],\"event.action\":\"exec\",\"a.b\":7}");
	expect_of(f, supply, rule, "full:");
	assert_int_equal(supply_kind_count(supply), 3);
	supply_free(supply);
}

/* More kinds than are told apart: of what is beyond, values are not known and nothing is denied. */
static void test_many_kinds(void **state)
{
	struct fixture *f = *state;
	const struct rule *rule =
	    load_rule(f, "type = \"eql\"\nquery = '''process where event.action == \"z\"'''");
	field_set_demand(f->fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(f->fields, field_known_name(FIELD_EVENT_SEQUENCE));
	struct supply *supply = supply_new_observed(f->fields);
	struct event event;
	char action[32];

	event_init(&event, f->fields);
	for (int i = 0; i < SUPPLY_KINDS_MAX; i++) {
		snprintf(action, sizeof(action), "a%d", i);
		event_reset(&event);
		event_set_str(&event, FIELD_EVENT_ACTION, str_from(action));
		supply_observe(supply, &event);
	}
	expect_of(f, supply, rule, "missing: rule category process");
	event_reset(&event);
	event_set_str(&event, FIELD_EVENT_ACTION, STR("one more"));
	supply_observe(supply, &event);
	assert_int_equal(supply_kind_count(supply), SUPPLY_KINDS_MAX + 1);
	assert_true(supply_kind(supply, SUPPLY_KINDS_MAX)->facets_unknown);
	expect_of(f, supply, rule, "full:");
	event_free(&event);
	supply_free(supply);
}

/* ---- tables */

static void test_indices(void **state)
{
	const struct str endpoint[] = {STR("logs-endpoint.events.process*")};
	const struct str any[] = {STR("winlogbeat-*"), STR("*:logs-*")};
	const struct str other[] = {STR("auditbeat-*"), STR("logs-system.auth-*"), STR("logs-end")};
	const struct str excluded[] = {STR("-logs-endpoint.*")};

	(void)state;
	assert_true(coverage_for_endpoint(NULL, 0));
	assert_true(coverage_for_endpoint(endpoint, 1));
	assert_true(coverage_for_endpoint(any, 2));
	assert_false(coverage_for_endpoint(other, 3));
	assert_false(coverage_for_endpoint(excluded, 1));
}

/* Whoever adds an action to actions.def must say in hooks.def which hook it comes from. */
static void test_hooks(void **state)
{
	enum hook_state all[HOOK_COUNT], none[HOOK_COUNT] = {HOOK_MISSING};
	uint32_t count;
	const struct action *actions = action_table(&count);

	(void)state;
	for (int i = 0; i < HOOK_COUNT; i++)
		all[i] = HOOK_FIRES;
	for (uint32_t i = 0; i < count; i++) {
		if (!(actions[i].sources & ACTION_SENSOR))
			continue;
		if (!sensor_action_seen(all, actions[i].action))
			fail_msg("no hook of src/sensor/hooks.def gives \"%s\"", actions[i].action);
		assert_false(sensor_action_seen(none, actions[i].action));
	}
	/* a second witness stands in */
	all[HOOK_FILE_CALLS] = HOOK_SILENT;
	assert_true(sensor_action_seen(all, "creation"));
	all[HOOK_FANOTIFY] = HOOK_MISSING;
	assert_false(sensor_action_seen(all, "creation"));
	assert_false(sensor_action_seen(all, "creat"));
}

static const struct analytic *find_analytic(const char *id)
{
	uint32_t count;
	const struct analytic *all = analytics(&count);

	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(all[i].id, id))
			return &all[i];
	return NULL;
}

static void test_analytics(void **state)
{
	struct fixture *f = *state;
	uint32_t count;
	const struct analytic *all = analytics(&count);

	fresh(f);
	supply_demand(f->fields);
	struct supply *sensor = supply_new(f->fields, ACTION_SENSOR, NULL);
	struct supply *none = supply_new(f->fields, 0, NULL);

	/* ATT&CK 18.1 has 355 for Linux. */
	assert_int_equal(count, 355);
	assert_string_equal(analytics_version(), "18.1");
	for (uint32_t i = 0; i < count; i++) {
		assert_non_null(all[i].needs[0].component);
		assert_null(all[i].needs[ANALYTIC_NEEDS_MAX].component);
		for (const struct analytic_need *n = all[i].needs; n->component; n++)
			/* a component that components.def lacks is its own name */
			assert_ptr_not_equal(component_name(n->component), n->component);
		assert_int_equal(analytic_verdict(&all[i], none), COVERAGE_NO);
	}
	/* Installer packages: process and file creation. */
	assert_int_equal(analytic_verdict(find_analytic("AN0939"), sensor), COVERAGE_FULL);
	/* Of accounts the files are seen, not the directory service. */
	assert_int_equal(component_verdict(sensor, "DC0014"), COVERAGE_PART);
	assert_int_equal(component_verdict(sensor, "DC0032"), COVERAGE_FULL);
	assert_int_equal(component_verdict(sensor, "DC0002"), COVERAGE_NO);
	assert_int_equal(component_verdict(sensor, "DC9999"), COVERAGE_NO);
	supply_free(none);
	supply_free(sensor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    TEST(test_full),
	    TEST(test_missing),
	    TEST(test_part),
	    TEST(test_optional_and_foreign),
	    TEST(test_foreign_fields),
	    TEST(test_sequences),
	    TEST(test_endpoint_dialect),
	    TEST(test_other_kinds),
	    TEST(test_blind),
	    TEST(test_observed),
	    TEST(test_many_kinds),
	    TEST(test_indices),
	    TEST(test_hooks),
	    TEST(test_analytics),
#undef TEST
	};

	return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}
