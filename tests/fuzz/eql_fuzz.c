/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a query, in both dialects. What compiles is evaluated against an event whose fields
 * hold a bit of everything, and must keep what query.h promises: leaves named EXACT or WILDCARD agree
 * with their strings, a leaf that needs a value is false without one, checking and compiling agree,
 * kept events are judged as events are, indexes are in range. Conditions written out as EQL come to
 * the same leaves again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "eql/inspect.h"

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
	REQUIRE(cond->kind != EQL_COND_RELATION);
	if (cond->kind == EQL_COND_LEAF) {
		REQUIRE(!cond->leaf->field_stages);
		check_leaf(cond->leaf, event, scratch);
	}
	REQUIRE((cond->kind != EQL_COND_AND && cond->kind != EQL_COND_OR) || cond->kid_count >= 2);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		check_cond(cond->kids[i], event, scratch);
}

static bool is_kept(const struct eql_query *query, uint32_t field)
{
	for (uint32_t i = 0; i < query->kept_field_count; i++)
		if (query->kept_fields[i] == field)
			return true;
	return false;
}

/* A condition over stages and relations: what it names exists, what it reads is kept. */
static void check_whole(const struct eql_query *query, const struct eql_cond *cond)
{
	if (cond->kind == EQL_COND_RELATION)
		REQUIRE(cond->relation < query->relation_count);
	for (uint32_t i = 0; cond->kind == EQL_COND_LEAF && i < cond->leaf->field_count; i++) {
		REQUIRE(is_kept(query, cond->leaf->fields[i]));
		if (cond->leaf->field_stages)
			REQUIRE(cond->leaf->field_stages[i] == EQL_THIS_EVENT ||
				cond->leaf->field_stages[i] < query->stage_count);
	}
	for (uint32_t i = 0; i < cond->kid_count; i++)
		check_whole(query, cond->kids[i]);
}

static void put_leaf_keys(const struct eql_cond *cond, struct buf *out)
{
	if (cond->kind == EQL_COND_LEAF)
		buf_add(out, cond->leaf->key);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		put_leaf_keys(cond->kids[i], out);
}

/* Parentheses and escapes can make what is written out deeper and longer than what was read; and
 * `n + 1 == (8 > 1)`, which never holds, has become `n + 1 == true`, which is refused. */
static bool may_be_refused(const struct diag *diag)
{
	static const char *const reasons[] = {"nested deeper", "query longer", "is of type",
					      "must be ["};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (str_find(diag->message, str_from(reasons[i]), 0) != SIZE_MAX)
			return true;
	return false;
}

/* Written out, a condition is EQL that means the same; but for a NUL, which no EQL can write. */
static void check_round_trip(const struct eql_query *query, const struct field_set *fields,
			     const struct eql_cond *cond, const struct eql_options *options)
{
	struct buf text = {0}, before = {0}, after = {0};
	struct field_set *own = field_set_new();
	struct diag_list diags;
	struct eql_query *again;
	struct arena arena;

	arena_init(&arena);
	diag_list_init(&diags);
	buf_add(&text, STR("any where "));
	eql_cond_write(cond, query, fields, 0, &text);
	put_leaf_keys(cond, &before);
	if (str_find(buf_str(&before), (struct str){"\0", 1}, 0) == SIZE_MAX &&
	    str_find(buf_str(&text), STR("\n"), 0) == SIZE_MAX) {
		if (eql_compile(&arena, own, buf_str(&text), options, &diags, &again) == 0) {
			put_leaf_keys(again->filters[0].cond, &after);
			REQUIRE(str_eq(buf_str(&before), buf_str(&after)));
		} else {
			REQUIRE(may_be_refused(&diags.items[0]));
		}
	}
	buf_free(&text);
	buf_free(&before);
	buf_free(&after);
	diag_list_free(&diags);
	arena_free(&arena);
	field_set_free(own);
}

/* Kept values are judged as the event's are; and whatever the relations and stages, it ends. */
static void check_scenes(const struct eql_query *query, const struct eql_filter *filter,
			 const struct event *event, struct eql_scratch *scratch)
{
	struct eql_filter stateless = {.any_category = true, .cond = filter->cond};
	struct eql_filter as_whole = {.whole = filter->cond};
	const struct kept_event *stages[EQL_STAGES_MAX];
	uint32_t all[FIELD_SET_MAX], count = field_set_count(event->fields);

	for (uint32_t i = 0; i < count; i++)
		all[i] = i;
	struct kept_event *kept = kept_event_new(event, all, count, -1, 0, STR_NULL);
	struct eql_scene scene = {.event = kept};

	REQUIRE(eql_whole_holds(&as_whole, &scene, scratch) ==
		eql_filter_match(&stateless, event, scratch));
	for (uint32_t i = 0; i < query->stage_count; i++)
		stages[i] = i % 3 ? kept : NULL;
	for (int round = 0; round < 4; round++) {
		scene.relations = round & 1 ? UINT64_MAX : 0;
		scene.stages = round & 2 ? stages : NULL;
		scene.stage_count = round & 2 ? query->stage_count : 0;
		bool holds = eql_whole_holds(filter, &scene, scratch);

		REQUIRE(holds || filter->whole);
	}
	kept_event_unref(kept);
}

static void check_query(const struct eql_query *query, const struct field_set *fields,
			const struct eql_options *options)
{
	struct eql_scratch *scratch = eql_scratch_new();
	struct event event;

	REQUIRE(query->stage_count <= EQL_STAGES_MAX);
	REQUIRE((query->kind == EQL_QUERY_EVENT) == !query->stage_count);
	for (uint32_t i = 0; i < query->stage_count; i++)
		REQUIRE(query->stages[i].filter < query->filter_count);
	for (uint32_t i = 0; i < query->stage_count * query->key_count; i++)
		REQUIRE(is_kept(
		    query, query->stages[i / query->key_count].keys[i % query->key_count].field));
	for (uint32_t i = 0; i < query->relation_count; i++)
		REQUIRE(query->relations[i].filter < query->filter_count);
	REQUIRE((query->lineage_filter != EQL_NO_FILTER) == (query->relation_count > 0));
	for (uint32_t i = 1; i < query->kept_field_count; i++)
		REQUIRE(query->kept_fields[i - 1] < query->kept_fields[i]);
	event_init(&event, fields);
	for (uint32_t i = 0; i < query->filter_count; i++) {
		const struct eql_filter *filter = &query->filters[i];

		event_reset(&event);
		fill(&event, fields);
		check_scenes(query, filter, &event, scratch);
		check_cond(filter->cond, &event, scratch);
		check_round_trip(query, fields, filter->cond, options);
		if (filter->whole)
			check_whole(query, filter->whole);
	}
	event_free(&event);
	eql_scratch_free(scratch);
}

static void check_dialect(struct str text, enum eql_dialect dialect)
{
	struct eql_options options = {.dialect = dialect};
	struct field_set *fields = field_set_new();
	struct eql_query *query = NULL;
	struct diag_list diags;
	struct arena arena;

	arena_init(&arena);
	diag_list_init(&diags);
	int error = eql_compile(&arena, fields, text, &options, &diags, &query);

	REQUIRE(!error == !diags.errors);
	REQUIRE(eql_compile(NULL, NULL, text, &options, &diags, NULL) == error);
	if (!error)
		check_query(query, fields, &options);
	diag_list_free(&diags);
	arena_free(&arena);
	field_set_free(fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};

	check_dialect(text, EQL_DIALECT_ELASTICSEARCH);
	check_dialect(text, EQL_DIALECT_ENDPOINT);
	return 0;
}
