/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a rule file: whatever they are, the loader says loaded, skipped or error, and an
 * error has a diagnostic that can be printed. */
#include <stdlib.h>

#include "rule/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void check_rule(const struct rule *rule, int error, const struct diag_list *diags)
{
	struct buf out = {0};

	CHECK((error != 0) == (rule->state == RULE_ERROR));
	CHECK((rule->query != NULL) == (rule->state == RULE_LOADED));
	CHECK((diags->errors != 0) == (rule->state == RULE_ERROR));
	CHECK(rule->state == RULE_LOADED || rule->reason.len);
	if (rule->state == RULE_LOADED) {
		CHECK(rule->id.len && rule->name.len && rule->max_signals &&
		      rule->risk_score <= 100);
		for (uint32_t i = 0; i < rule->exception_count; i++)
			CHECK(rule->exceptions[i].cond);
	}
	for (uint32_t i = 0; i < diags->count; i++)
		diag_format(&diags->items[i], false, &out);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct field_set *fields = field_set_new();
	struct diag_list diags;
	struct rule_set set;

	rule_set_init(&set);
	diag_list_init(&diags);
	int error = rule_set_load_text(&set, fields, text, STR("fuzz.toml"), &diags);

	check_rule(set.rules[0], error, &diags);
	diag_list_free(&diags);
	rule_set_free(&set);
	field_set_free(fields);
	return 0;
}
