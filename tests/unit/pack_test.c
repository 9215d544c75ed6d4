/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipped rules against tests/rules/TECHNIQUE.ndjson: one event a line, with `test.expect`, the
 * file names (without ".toml") of exactly those rules of the whole pack that must match it, and
 * `test.why`, what is being shown.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "event/json.h"
#include "rule/rule.h"

struct pack {
	struct rule_set set;
	struct field_set *fields;
	struct diag_list diags;
	uint32_t expect, why; /* fields */
	uint32_t *matched;    /* per rule: events it matched */
	uint32_t *missed;     /* per rule: events of its kind it rightly left alone */
	uint32_t failures;
};

/* A path below tests/. */
static const char *tests_path(const char *path)
{
	static char full[4096];
	const char *tests = getenv("LINTEL_TESTS");

	snprintf(full, sizeof(full), "%s/%s", tests ? tests : "tests", path);
	return full;
}

static int set_up(void **state)
{
	struct pack *pack = calloc(1, sizeof(*pack));

	rule_set_init(&pack->set);
	diag_list_init(&pack->diags);
	pack->fields = field_set_new();
	pack->expect = (uint32_t)field_set_demand(pack->fields, STR("test.expect"));
	pack->why = (uint32_t)field_set_demand(pack->fields, STR("test.why"));
	int error = rule_set_load_builtin(&pack->set, pack->fields, &pack->diags);

	diag_list_print(&pack->diags, 2);
	pack->matched = calloc(pack->set.count + 1, sizeof(*pack->matched));
	pack->missed = calloc(pack->set.count + 1, sizeof(*pack->missed));
	*state = pack;
	return error;
}

static int tear_down(void **state)
{
	struct pack *pack = *state;

	rule_set_free(&pack->set);
	diag_list_free(&pack->diags);
	field_set_free(pack->fields);
	free(pack->matched);
	free(pack->missed);
	free(pack);
	return 0;
}

static struct str stem(const struct rule *rule)
{
	struct str name = str_basename(rule->path);

	return (struct str){name.p, name.len - strlen(".toml")};
}

/* The directory is named after the technique the rule must claim. */
static bool names_technique(const struct rule *rule, struct str technique)
{
	for (uint32_t i = 0; i < rule->threat_count; i++)
		for (uint32_t k = 0; k < rule->threats[i].technique_count; k++) {
			const struct rule_technique *t = &rule->threats[i].techniques[k];

			if (str_eq(t->id, technique))
				return true;
			for (uint32_t n = 0; n < t->subtechnique_count; n++)
				if (str_eq(t->subtechniques[n].id, technique))
					return true;
		}
	return false;
}

static void every_rule_loads_and_is_whole(void **state)
{
	static const uint32_t scores[] = {21, 47, 73, 99};
	struct pack *pack = *state;

	assert_true(pack->set.count > 0);
	assert_int_equal(pack->set.loaded, pack->set.count);
	assert_int_equal(pack->diags.count, 0);
	for (uint32_t i = 0; i < pack->set.count; i++) {
		const struct rule *rule = pack->set.rules[i];
		struct str directory = {rule->path.p,
					rule->path.len - str_basename(rule->path).len - 1};

		assert_true(str_starts(rule->path, STR("builtin:rules/")));
		assert_true(names_technique(rule, str_basename(directory)));
		assert_int_equal(rule->id.len, 36);
		assert_int_equal(rule->risk_score, scores[rule->severity]);
		assert_true(rule->note.len && rule->false_positive_count && rule->reference_count);
		assert_string_equal(rule->license.p, "Apache-2.0");
		assert_int_not_equal(rule->version.len, 0);
		for (uint32_t e = 0; e < rule->exception_count; e++)
			assert_int_not_equal(rule->exceptions[e].reason.len, 0);
	}
}

static void the_binary_has_what_the_directory_has(void **state)
{
	struct pack *pack = *state;
	struct rule_set set;
	struct diag_list diags;
	struct field_set *fields = field_set_new();

	rule_set_init(&set);
	diag_list_init(&diags);
	assert_int_equal(rule_set_load(&set, fields, tests_path("../rules"), &diags), 0);
	assert_int_equal(set.count, pack->set.count);
	for (uint32_t i = 0; i < set.count; i++) {
		const struct rule *embedded = rule_set_find(&pack->set, set.rules[i]->id);

		assert_non_null(embedded);
		assert_true(str_ends(set.rules[i]->path,
				     (struct str){embedded->path.p + strlen("builtin:"),
						  embedded->path.len - strlen("builtin:")}));
		assert_true(str_eq(embedded->query_text, set.rules[i]->query_text));
	}
	diag_list_free(&diags);
	rule_set_free(&set);
	field_set_free(fields);
}

static bool rule_matches(const struct rule *rule, const struct event *event,
			 struct eql_scratch *scratch)
{
	if (!eql_match(rule->query, event, scratch))
		return false;
	for (uint32_t i = 0; i < rule->exception_count; i++) {
		const struct eql_filter exception = {.any_category = true,
						     .cond = rule->exceptions[i].cond};

		if (eql_filter_match(&exception, event, scratch))
			return false;
	}
	return true;
}

static bool is_expected(const struct pack *pack, const struct event *event, struct str name)
{
	const struct value *expect = event_get(event, pack->expect);

	if (expect->type == VALUE_STRING)
		return str_eq(value_as_str(expect), name);
	for (uint32_t i = 0; expect->type == VALUE_LIST && i < expect->count; i++)
		if (str_eq(value_as_str(&expect->items[i]), name))
			return true;
	return false;
}

/* Every expected name must be a rule; else a typing error would pass as "no match". */
static uint32_t count_expected(const struct pack *pack, const struct event *event)
{
	const struct value *expect = event_get(event, pack->expect);

	return expect->type == VALUE_STRING ? 1 : expect->type == VALUE_LIST ? expect->count : 0;
}

static void check_event(struct pack *pack, const struct event *event, const char *file,
			uint32_t line, struct eql_scratch *scratch)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < pack->set.count; i++) {
		const struct rule *rule = pack->set.rules[i];
		bool want = is_expected(pack, event, stem(rule));
		bool have = rule_matches(rule, event, scratch);

		found += want;
		pack->matched[i] += want && have;
		pack->missed[i] +=
		    !want && !have && eql_category_fits(&rule->query->filters[0], event);
		if (want == have)
			continue;
		struct str why = event_get_str(event, pack->why);

		print_error("%s:%u: %.*s must %smatch: %.*s\n", file, line, STR_ARG(stem(rule)),
			    want ? "" : "not ", STR_ARG(why));
		pack->failures++;
	}
	if (found != count_expected(pack, event)) {
		print_error("%s:%u: test.expect names a rule that does not exist\n", file, line);
		pack->failures++;
	}
}

static void check_file(struct pack *pack, const char *path)
{
	struct event_reader *reader = event_reader_new(pack->fields, NULL);
	struct eql_scratch *scratch = eql_scratch_new();
	FILE *file = fopen(path, "r");
	struct event event;
	static char line[8192 + EVENT_JSON_PADDING];

	assert_non_null(file);
	event_init(&event, pack->fields);
	for (uint32_t n = 1; fgets(line, 8192, file); n++) {
		const char *why = NULL;

		event_reset(&event);
		if (event_read_json(reader, str_from(line), &event, &why))
			fail_msg("%s:%u: %s", path, n, why);
		check_event(pack, &event, path, n, scratch);
	}
	event_free(&event);
	fclose(file);
	eql_scratch_free(scratch);
	event_reader_free(reader);
}

static void events_match_as_expected(void **state)
{
	struct pack *pack = *state;
	char directory[4096];

	snprintf(directory, sizeof(directory), "%s", tests_path("rules"));
	DIR *dir = opendir(directory);

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		char path[8192];

		if (!str_ends(str_from(entry->d_name), STR(".ndjson")))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		check_file(pack, path);
	}
	closedir(dir);
	assert_int_equal(pack->failures, 0);
	/* A rule without a positive and a negative case is not tested. */
	for (uint32_t i = 0; i < pack->set.count; i++)
		if (pack->matched[i] < 2 || pack->missed[i] < 2)
			fail_msg("%.*s: %u matching and %u other events in tests/rules",
				 STR_ARG(pack->set.rules[i]->path), pack->matched[i],
				 pack->missed[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_rule_loads_and_is_whole),
	    cmocka_unit_test(the_binary_has_what_the_directory_has),
	    cmocka_unit_test(events_match_as_expected),
	};

	return cmocka_run_group_tests_name("pack", tests, set_up, tear_down);
}
