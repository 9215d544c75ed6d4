/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a KQL query: it is a condition that can be asked of an event, or it has an error
 * that can be printed. */
#include <stdlib.h>

#include "kql/kql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void ask(const struct eql_query *query, const struct field_set *fields)
{
	struct eql_scratch *scratch = eql_scratch_new();
	struct event event;

	event_init(&event, fields);
	event_set_str(&event, FIELD_PROCESS_NAME, STR("sh"));
	event_set_int(&event, FIELD_PROCESS_PID, 5);
	event_set_str(&event, FIELD_TIMESTAMP, STR("2024-01-01T00:00:00Z"));
	eql_match(query, &event, scratch);
	event_free(&event);
	eql_scratch_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct field_set *fields = field_set_new();
	struct eql_cond *cond = NULL;
	struct diag_list diags;
	struct buf out = {0};
	struct arena arena;

	arena_init(&arena);
	diag_list_init(&diags);
	struct eql_builder *builder = eql_builder_new(&arena, fields);
	int error = kql_condition(builder, fields, text, NULL, &diags, &cond);

	CHECK((error == 0) == (cond != NULL));
	CHECK((error == 0) == (diags.errors == 0));
	for (uint32_t i = 0; i < diags.count; i++)
		diag_format(&diags.items[i], false, &out);
	if (cond)
		ask(eql_build_event_query(builder, cond, text), fields);
	buf_free(&out);
	eql_builder_free(builder);
	diag_list_free(&diags);
	arena_free(&arena);
	field_set_free(fields);
	return 0;
}
