/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a rule file, first as what they look like, then under each name that says what they
 * are: whatever they are, the loader says loaded, skipped or error of each rule, and an error has a
 * diagnostic that can be printed.
 */
#include <stdlib.h>

#include "rule/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void check_rule(const struct rule *rule)
{
	uint32_t errors = 0;
	struct buf out = {0};

	for (uint32_t i = 0; i < rule->diag_count; i++) {
		errors += rule->diags[i].level == DIAG_ERROR;
		diag_format(&rule->diags[i], false, &out);
	}
	buf_free(&out);
	CHECK((rule->query != NULL) == (rule->state == RULE_LOADED));
	CHECK(!errors || rule->state == RULE_ERROR);
	CHECK(rule->state == RULE_LOADED || rule->reason.len);
	if (rule->state != RULE_LOADED)
		return;
	CHECK(rule->id.len && rule->name.len && rule->max_signals && rule->risk_score <= 100);
	CHECK(rule->kind != RULE_KIND_THRESHOLD || rule->threshold.value);
	CHECK(rule->kind != RULE_KIND_NEW_TERMS ||
	      (rule->new_terms.fields.count && rule->new_terms.history_ns > 0));
	for (uint32_t i = 0; i < rule->exception_count; i++)
		CHECK(rule->exceptions[i].cond);
}

static void load(struct str text, const char *name)
{
	struct field_set *fields = field_set_new();
	struct diag_list diags;
	struct rule_set set;

	rule_set_init(&set);
	diag_list_init(&diags);
	int error = rule_set_load_text(&set, fields, text, str_from(name), &diags);

	CHECK((error != 0) == (set.errors != 0));
	rule_set_finish(&set, fields, &diags);
	CHECK(!diags.errors || set.errors);
	CHECK(set.loaded + set.skipped + set.errors == set.count);
	for (uint32_t i = 0; i < set.count; i++)
		check_rule(set.rules[i]);
	diag_list_free(&diags);
	rule_set_free(&set);
	field_set_free(fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"fuzz", "fuzz.toml", "fuzz.ndjson", "fuzz.json",
					    "fuzz.md"};
	struct str text = {(const char *)data, size};

	/* Value lists are looked for beside the file: in no directory there is. */
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[64] = "/no/such/directory/";

		strcat(path, names[i]);
		load(text, path);
	}
	return 0;
}
