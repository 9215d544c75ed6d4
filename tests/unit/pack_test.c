/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped rules as files: complete, and in the binary. What they match is in tests/rules, which
 * tests/cli/rules_test_test.py runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rule/rule.h"

struct pack {
	struct rule_set set;
	struct field_set *fields;
	struct diag_list diags;
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
	int error = rule_set_load_builtin(&pack->set, pack->fields, &pack->diags);

	diag_list_print(&pack->diags, 2);
	*state = pack;
	return error;
}

static int tear_down(void **state)
{
	struct pack *pack = *state;

	rule_set_free(&pack->set);
	diag_list_free(&pack->diags);
	field_set_free(pack->fields);
	free(pack);
	return 0;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_rule_loads_and_is_whole),
	    cmocka_unit_test(the_binary_has_what_the_directory_has),
	};

	return cmocka_run_group_tests_name("pack", tests, set_up, tear_down);
}
