/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a query. What compiles is evaluated against an event whose fields hold a bit of
 * everything, and must keep what query.h promises: leaves named EXACT or WILDCARD agree with their
 * strings, a leaf that needs a value is false without one, checking and compiling agree.
 */
#include <stdio.h>
#include <stdlib.h>

#include "eql/query.h"

#define REQUIRE(condition)                                                              \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

static const struct value items[] = {
    {.type = VALUE_STRING, .count = 4, .text = "abcd"},
    {.type = VALUE_INT, .integer = -7},
    {.type = VALUE_DOUBLE, .real = 2.5},
    {.type = VALUE_BOOL, .boolean = true},
    {.type = VALUE_STRING, .count = 2, .text = "\xff*"},
    {.type = VALUE_STRING, .count = 8, .text = "10.0.0.1"},
    {.type = VALUE_INT, .integer = INT64_MIN},
    {.type = VALUE_STRING, .count = 0, .text = ""},
};

#define ITEM_COUNT (sizeof(items) / sizeof(*items))

/* Field n gets the n-th item, every fifth field all of them. */
static void fill(struct event *event, const struct field_set *fields)
{
	for (uint32_t i = 0; i < field_set_count(fields); i++) {
		if (!field_set_info(fields, i)->demanded)
			continue;
		event_set(event, i, items[i % ITEM_COUNT]);
		for (size_t k = 0; i % 5 == 0 && k < ITEM_COUNT; k++)
			event_append(event, i, items[k]);
	}
}

static bool any_string_matches(const struct eql_leaf *leaf, struct str s)
{
	for (uint32_t i = 0; i < leaf->string_count; i++) {
		struct str want = leaf->strings[i];

		if (leaf->kind == EQL_LEAF_WILDCARD ? eql_wildcard(want, s, leaf->fold)
		    : leaf->fold                    ? str_eq_fold(want, s)
						    : str_eq(want, s))
			return true;
	}
	return false;
}

static void check_leaf(const struct eql_leaf *leaf, struct event *event,
		       struct eql_scratch *scratch)
{
	event_reset(event);
	REQUIRE(eql_leaf_eval(leaf, event, scratch) == !leaf->needs_value);
	if (leaf->kind != EQL_LEAF_EXACT && leaf->kind != EQL_LEAF_WILDCARD)
		return;
	for (size_t i = 0; i < ITEM_COUNT; i++) {
		event_reset(event);
		event_set(event, leaf->field, items[i]);
		bool holds = eql_leaf_eval(leaf, event, scratch);

		if (items[i].type == VALUE_STRING)
			REQUIRE(holds == any_string_matches(leaf, value_as_str(&items[i])));
		else
			REQUIRE(!(holds && leaf->strings_only));
	}
	/* A string of the list, taken as a value, satisfies the leaf. */
	for (uint32_t i = 0; i < leaf->string_count; i++) {
		event_reset(event);
		event_set_str(event, leaf->field, leaf->strings[i]);
		REQUIRE(eql_leaf_eval(leaf, event, scratch));
	}
}

static void check_cond(const struct eql_cond *cond, struct event *event,
		       struct eql_scratch *scratch)
{
	if (cond->kind == EQL_COND_LEAF)
		check_leaf(cond->leaf, event, scratch);
	REQUIRE((cond->kind != EQL_COND_AND && cond->kind != EQL_COND_OR) || cond->kid_count >= 2);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		check_cond(cond->kids[i], event, scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct arena arena;
	struct field_set *fields = field_set_new();
	struct diag_list diags;
	struct eql_query *query = NULL;

	arena_init(&arena);
	diag_list_init(&diags);
	int error = eql_compile(&arena, fields, text, NULL, &diags, &query);

	REQUIRE(!error == !diags.errors);
	REQUIRE(eql_compile(NULL, NULL, text, NULL, &diags, NULL) == error);
	if (!error) {
		struct eql_scratch *scratch = eql_scratch_new();
		struct event event;

		event_init(&event, fields);
		fill(&event, fields);
		eql_match(query, &event, scratch);
		check_cond(query->filters[0].cond, &event, scratch);
		event_free(&event);
		eql_scratch_free(scratch);
	}
	diag_list_free(&diags);
	arena_free(&arena);
	field_set_free(fields);
	return 0;
}
