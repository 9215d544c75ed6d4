/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences, samples and process relations: each point of their semantics, bounds, state across a
 * restart, and random queries against an evaluator that is slow and plain. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "eql/machine.h"
#include "event/json.h"

#define MS INT64_C(1000000)

/* A result as tests read it: "[1 2 -]", the ids of its events. */
struct found {
	char text[256];
	struct kept_event *last; /* referenced */
	uint64_t number;
};

struct bench {
	struct arena arena;
	struct field_set *fields;
	struct eql_query *query;
	struct event_reader *reader;
	struct event event;
	struct eql_scratch *scratch;
	uint32_t *kept;
	uint32_t kept_count, id_field;
	uint64_t arrivals;
	struct eql_pool *pool;
	struct eql_machine *machine;
	struct eql_machine_options options;
	struct found *found;
	size_t found_count, found_cap;
	char joined[4096];
};

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void found(void *context, const struct eql_result *result)
{
	struct bench *b = context;
	size_t at = 0;

	if (b->found_count == b->found_cap) {
		b->found_cap = b->found_cap ? b->found_cap * 2 : 16;
		b->found = xreallocarray(b->found, b->found_cap, sizeof(*b->found));
	}
	struct found *f = &b->found[b->found_count++];

	*f = (struct found){.number = result->number};
	f->text[at++] = '[';
	for (uint32_t i = 0; i < result->event_count; i++) {
		const struct kept_event *e = result->events[i];

		if (e) {
			const struct value *id = kept_event_get(e, b->id_field);

			at += (size_t)snprintf(f->text + at, sizeof(f->text) - at, "%s%lld",
					       i ? " " : "", (long long)id->integer);
			kept_event_unref(f->last);
			f->last = kept_event_ref(result->events[i]);
		} else {
			at += (size_t)snprintf(f->text + at, sizeof(f->text) - at, "%s-",
					       i ? " " : "");
		}
	}
	snprintf(f->text + at, sizeof(f->text) - at, "]");
}

static struct bench *bench_for(const char *query, enum eql_dialect dialect, size_t bytes_max)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct event_reader_options reader = {.tiebreaker_field = STR("tie")};
	struct eql_options options = {.dialect = dialect};
	struct diag_list diags;

	arena_init(&b->arena);
	diag_list_init(&diags);
	b->fields = field_set_new();
	if (eql_compile(&b->arena, b->fields, str_from(query), &options, &diags, &b->query)) {
		diag_list_print(&diags, 2);
		fail_msg("%s", query);
	}
	diag_list_free(&diags);
	field_set_demand(b->fields, STR("@timestamp"));
	field_set_demand(b->fields, STR("tie"));
	b->id_field = (uint32_t)field_set_demand(b->fields, STR("id"));
	b->kept_count = b->query->kept_field_count + 1;
	b->kept = xcalloc(b->kept_count, sizeof(*b->kept));
	if (b->query->kept_field_count)
		memcpy(b->kept, b->query->kept_fields,
		       b->query->kept_field_count * sizeof(*b->kept));
	b->kept[b->kept_count - 1] = b->id_field;
	qsort(b->kept, b->kept_count, sizeof(*b->kept), by_number);
	b->reader = event_reader_new(b->fields, &reader);
	event_init(&b->event, b->fields);
	b->scratch = eql_scratch_new();
	b->pool = eql_pool_new(bytes_max);
	b->options = (struct eql_machine_options){
	    .pool = b->pool, .samples_per_key = 1, .found = found, .context = b};
	return b;
}

static void start_machine(struct bench *b)
{
	b->machine = eql_machine_new(b->query, &b->options);
}

static struct bench *bench_new(const char *query)
{
	struct bench *b = bench_for(query, EQL_DIALECT_ENDPOINT, SIZE_MAX);

	start_machine(b);
	return b;
}

static void forget_found(struct bench *b)
{
	for (size_t i = 0; i < b->found_count; i++)
		kept_event_unref(b->found[i].last);
	b->found_count = 0;
}

static void bench_free(struct bench *b)
{
	forget_found(b);
	free(b->found);
	eql_machine_free(b->machine);
	assert_int_equal(eql_pool_bytes(b->pool), 0);
	eql_pool_free(b->pool);
	eql_scratch_free(b->scratch);
	event_free(&b->event);
	event_reader_free(b->reader);
	free(b->kept);
	field_set_free(b->fields);
	arena_free(&b->arena);
	free(b);
}

static char padded[4096 + JSON_PADDING];

/* Reads it into b->event and keeps it. */
static struct kept_event *keep(void *context, struct str document, uint64_t arrival)
{
	struct bench *b = context;
	const char *why = "";

	assert_in_range(document.len, 0, 4096);
	memcpy(padded, document.p, document.len);
	event_reset(&b->event);
	if (event_read_json(b->reader, (struct str){padded, document.len}, &b->event, &why))
		fail_msg("%.*s: %s", STR_ARG(document), why);
	return kept_event_new(&b->event, b->kept, b->kept_count,
			      field_set_find(b->fields, STR("tie")), arrival, document);
}

static uint32_t satisfied(const struct bench *b, uint32_t *filters)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < b->query->filter_count; i++)
		if (eql_filter_match(&b->query->filters[i], &b->event, b->scratch))
			filters[count++] = i;
	return count;
}

static void feed(struct bench *b, const char *json)
{
	uint32_t filters[EQL_STAGES_MAX];
	struct kept_event *event = keep(b, str_from(json), b->arrivals++);
	uint32_t count = satisfied(b, filters);

	if (count)
		eql_machine_take(b->machine, event, filters, count);
	kept_event_unref(event);
}

/* An event of category `kind` at `ms`, with more members of JSON. */
static void at(struct bench *b, int id, int ms, const char *kind, const char *more)
{
	char json[1024];

	snprintf(json, sizeof(json),
		 "{\"id\":%d,\"@timestamp\":%d,\"event\":{\"category\":\"%s\"}%s%s}", id, ms, kind,
		 *more ? "," : "", more);
	feed(b, json);
}

/* What was found since the last call. */
static const char *results(struct bench *b)
{
	size_t n = 0;

	b->joined[0] = 0;
	for (size_t i = 0; i < b->found_count; i++)
		n += (size_t)snprintf(b->joined + n, sizeof(b->joined) - n, "%s", b->found[i].text);
	forget_found(b);
	return b->joined;
}

/* Events without keys, "a1 a2 b3": category and time, which is the id as well. */
static const char *run_plain(struct bench *b, const char *events)
{
	char kind[2] = "";
	int time, used;

	while (sscanf(events, " %1[a-z]%d%n", kind, &time, &used) == 2) {
		at(b, time, time, kind, "");
		events += used;
	}
	eql_machine_finish(b->machine);
	return results(b);
}

static void expect_plain(const char *query, const char *events, const char *want)
{
	struct bench *b = bench_new(query);

	assert_string_equal(run_plain(b, events), want);
	bench_free(b);
}

static void places_are_overwritten(void **state)
{
	(void)state;
	const char *abc = "sequence [a where true] [b where true] [c where true]";

	expect_plain("sequence [a where true] [b where true]", "a1 a2 b3", "[2 3]");
	expect_plain("sequence [a where true] [b where true]", "a1 b2 b3", "[1 2]");
	expect_plain(abc, "a1 b2 a3 b4 c5", "[3 4 5]");
	expect_plain(abc, "a1 b2 b3 c4", "[1 2 4]");
	expect_plain(abc, "a1 b2 a3 c4 b5 c6", "[1 2 4][3 5 6]");
}

static void an_event_never_fills_two_places(void **state)
{
	(void)state;
	expect_plain("sequence [any where true] [any where true]", "a1 a2 a3", "[1 2][2 3]");
	expect_plain("sequence [any where true] [any where true] [any where true]", "a1 a2 a3 a4",
		     "[1 2 3][2 3 4]");
	expect_plain("sequence [any where true] with runs=5", "a1 a2 a3 a4 a5 a6",
		     "[1 2 3 4 5][2 3 4 5 6]");
	expect_plain("sequence [a where true] [any where true]", "a1 a2 b3 b4", "[1 2][2 3]");
}

static void equal_order_is_no_order(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence [a where true] [b where true]");

	at(b, 1, 5, "a", "");
	at(b, 2, 5, "b", "");
	assert_string_equal(results(b), "");
	at(b, 3, 6, "b", "");
	assert_string_equal(results(b), "[1 3]");
	at(b, 4, 7, "a", "\"tie\":1");
	at(b, 5, 7, "b", "\"tie\":1");
	at(b, 6, 7, "b", "\"tie\":2");
	assert_string_equal(results(b), "[4 6]");
	/* One without a tiebreaker is behind all that have one. */
	at(b, 7, 8, "a", "\"tie\":1");
	at(b, 8, 8, "b", "");
	assert_string_equal(results(b), "[7 8]");
	bench_free(b);

	b = bench_for("sequence [a where true] [b where true]", EQL_DIALECT_ELASTICSEARCH,
		      SIZE_MAX);
	b->options.arrival_breaks_ties = true;
	start_machine(b);
	at(b, 1, 5, "a", "");
	at(b, 2, 5, "b", "");
	assert_string_equal(results(b), "[1 2]");
	bench_free(b);
}

static void maxspan_is_inclusive_and_consumes(void **state)
{
	(void)state;
	const char *query = "sequence with maxspan=5ms [a where true] [b where true]";

	expect_plain(query, "a1 b6", "[1 6]");
	expect_plain(query, "a1 b7 b8", "");
	expect_plain("sequence with maxspan=5ms [a where true] [b where true] [c where true]",
		     "a1 b4 b6 c7 c8", "");
	/* What is rejected has left its place all the same. */
	expect_plain("sequence with maxspan=5ms [a where true] [b where true] [c where true]",
		     "a1 b6 c7 a8 b9 c10", "[8 9 10]");
}

static void until_comes_after_the_stages(void **state)
{
	(void)state;
	const char *query = "sequence [a where true] [b where true] until [c where true]";

	expect_plain(query, "a1 c2 b3", "");
	expect_plain(query, "a1 b2 c3", "[1 2]");
	expect_plain(query, "c1 a2 b3", "[2 3]");
	/* The event that ends it also completes it; the one that begins it also ends it. */
	expect_plain("sequence [a where true] [b where true] until [b where true]", "a1 b2",
		     "[1 2]");
	expect_plain("sequence [a where true] [b where true] until [a where true]", "a1 b2", "");
}

static void until_of_equal_order(void **state)
{
	(void)state;
	const char *query =
	    "sequence [a where true] [b where true] [d where true] until [c where true]";
	struct bench *b = bench_new(query);

	/* Not before b: the sequence goes on to b, which is not after it, so ends there. */
	at(b, 1, 1, "a", "");
	at(b, 2, 5, "c", "");
	at(b, 3, 5, "b", "");
	at(b, 4, 6, "d", "");
	assert_string_equal(results(b), "");
	/* The one before the latest counts where the latest is not before. */
	at(b, 5, 11, "a", "");
	at(b, 6, 12, "c", "");
	at(b, 7, 13, "c", "");
	at(b, 8, 13, "b", "");
	at(b, 9, 14, "d", "");
	assert_string_equal(results(b), "");
	/* Came before the first stage, but is of its order. */
	at(b, 10, 20, "c", "");
	at(b, 11, 20, "a", "");
	at(b, 12, 21, "b", "");
	at(b, 13, 22, "d", "");
	assert_string_equal(results(b), "");
	bench_free(b);

	b = bench_for(query, EQL_DIALECT_ELASTICSEARCH, SIZE_MAX);
	b->options.arrival_breaks_ties = true;
	start_machine(b);
	at(b, 10, 20, "c", "");
	at(b, 11, 20, "a", "");
	at(b, 12, 20, "b", "");
	at(b, 13, 20, "d", "");
	assert_string_equal(results(b), "[11 12 13]");
	at(b, 14, 21, "a", "");
	assert_int_equal(eql_machine_live(b->machine), 1);
	at(b, 15, 21, "c", "");
	assert_int_equal(eql_machine_live(b->machine), 0);
	bench_free(b);
}

static void a_miss_in_the_middle_spoils(void **state)
{
	(void)state;
	const char *query =
	    "sequence with maxspan=1h [a where true] ![m where true] [b where true]";

	expect_plain(query, "a1 b2", "[1 - 2]");
	expect_plain(query, "a1 m2 b3", "");
	expect_plain(query, "m1 a2 b3 m4", "[2 - 3]");
	/* The spoiled partial stays in its place: b3 takes it along, b4 finds nothing. */
	expect_plain(query, "a1 m2 b3 b4", "");
	/* And it replaces one that is not spoiled. */
	expect_plain(
	    "sequence with maxspan=1h [a where true] ![m where true] [b where true] [c where true]",
	    "a1 b2 a3 m4 b5 c6", "");
	/* An event that is both a stage and its miss. */
	expect_plain("sequence with maxspan=1h [a where true] ![any where true] [b where true]",
		     "a1 b2", "[1 - 2]");
	struct bench *b = bench_new(query);

	at(b, 1, 1, "a", "");
	at(b, 2, 5, "m", "");
	at(b, 3, 5, "b", "");
	assert_string_equal(results(b), "[1 - 3]");
	at(b, 4, 6, "a", "");
	at(b, 5, 6, "m", "");
	at(b, 6, 7, "b", "");
	assert_string_equal(results(b), "[4 - 6]");
	bench_free(b);
}

static void a_leading_miss_must_be_far(void **state)
{
	(void)state;
	const char *query =
	    "sequence with maxspan=5ms ![m where true] [a where true] [b where true]";

	expect_plain(query, "a1 b2", "[- 1 2]");
	expect_plain(query, "m1 a3 b6", "");
	expect_plain(query, "m1 a3 b7", "[- 3 7]");
	expect_plain(query, "a3 m4 b5", "[- 3 5]");
	/* The latest before the first event counts, not one of its own time. */
	expect_plain(query, "m1 m4 a5 b7", "");
	struct bench *b = bench_new(query);

	at(b, 1, 1, "m", "");
	at(b, 2, 4, "m", "");
	at(b, 3, 4, "a", "");
	at(b, 4, 7, "b", "");
	assert_string_equal(results(b), "[- 3 4]");
	bench_free(b);
}

static void a_trailing_miss_is_waited_for(void **state)
{
	(void)state;
	struct bench *b =
	    bench_new("sequence with maxspan=5ms [a where true] [b where true] ![m where true]");

	at(b, 1, 1, "a", "");
	at(b, 2, 2, "b", "");
	assert_string_equal(results(b), "");
	assert_int_equal(eql_machine_live(b->machine), 1);
	eql_machine_advance(b->machine, 6 * MS);
	assert_string_equal(results(b), "");
	eql_machine_advance(b->machine, 6 * MS + 1);
	assert_string_equal(results(b), "[1 2 -]");
	assert_int_equal(eql_machine_live(b->machine), 0);

	at(b, 3, 11, "a", "");
	at(b, 4, 12, "b", "");
	at(b, 5, 16, "m", "");
	assert_string_equal(results(b), "");
	assert_int_equal(eql_machine_live(b->machine), 0);

	at(b, 6, 21, "a", "");
	at(b, 7, 22, "b", "");
	at(b, 8, 22, "m", ""); /* not after it */
	at(b, 9, 27, "m", ""); /* too far */
	assert_string_equal(results(b), "[6 7 -]");

	at(b, 10, 31, "a", "");
	at(b, 11, 32, "b", "");
	eql_machine_finish(b->machine);
	assert_string_equal(results(b), "[10 11 -]");
	bench_free(b);
	expect_plain("sequence with maxspan=5ms [a where true] ![m where true]", "a1 a2 m4 a9",
		     "[9 -]");
}

static void misses_at_both_ends(void **state)
{
	(void)state;
	const char *query =
	    "sequence with maxspan=5ms ![m where true] [a where true] ![n where true]";

	expect_plain(query, "a1", "[- 1 -]");
	expect_plain(query, "m1 a2", "[- 2 -]");
	expect_plain(query, "a1 n2", "[- 1 -]");
	expect_plain(query, "m1 a2 n6", "");
	expect_plain(query, "m1 a2 n7", "[- 2 -]");
}

static void keys_are_typed(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence by k [a where true] [b where true]");

	at(b, 1, 1, "a", "\"k\":3");
	at(b, 2, 2, "b", "\"k\":\"3\"");
	at(b, 3, 3, "b", "\"k\":3.0");
	assert_string_equal(results(b), "[1 3]");
	at(b, 4, 4, "a", "\"k\":true");
	at(b, 5, 5, "b", "\"k\":1");
	at(b, 6, 6, "b", "\"k\":\"true\"");
	at(b, 7, 7, "b", "\"k\":true");
	assert_string_equal(results(b), "[4 7]");
	at(b, 8, 8, "a", "\"k\":\"X\"");
	at(b, 9, 9, "b", "\"k\":\"x\"");
	at(b, 10, 10, "b", "\"k\":\"X\"");
	assert_string_equal(results(b), "[8 10]");
	at(b, 11, 11, "a", "\"k\":-0.0");
	at(b, 12, 12, "b", "\"k\":0");
	assert_string_equal(results(b), "[11 12]");
	at(b, 13, 13, "a", "\"k\":0.5");
	at(b, 14, 14, "b", "\"k\":5e-1");
	assert_string_equal(results(b), "[13 14]");
	bench_free(b);
}

static void keys_that_are_null(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence by k [a where true] [b where true]");

	at(b, 1, 1, "a", "");
	at(b, 2, 2, "b", "\"k\":null");
	assert_string_equal(results(b), "");
	assert_int_equal(eql_machine_live(b->machine), 0);
	bench_free(b);

	b = bench_new("sequence by ?k, j [a where true] [b where true]");
	at(b, 1, 1, "a", "\"j\":1");
	at(b, 2, 2, "b", "\"k\":1,\"j\":1");
	at(b, 3, 3, "b", "\"k\":[null],\"j\":[1]");
	assert_string_equal(results(b), "[1 3]");
	bench_free(b);
}

static void keys_with_many_values(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence by k, j [a where true] [b where true]");
	uint64_t cut = counter_get(COUNTER_KEYS_CUT);

	at(b, 1, 1, "a", "\"k\":[1,2,1.0,null],\"j\":[\"x\",\"y\",\"x\"]");
	assert_int_equal(eql_machine_live(b->machine), 4);
	at(b, 2, 2, "b", "\"k\":2,\"j\":\"y\"");
	assert_int_equal(eql_machine_live(b->machine), 3);
	at(b, 3, 3, "b", "\"k\":[2,1,7],\"j\":[\"x\"]");
	assert_string_equal(results(b), "[1 2][1 3][1 3]");
	assert_int_equal(counter_get(COUNTER_KEYS_CUT), cut);

	struct buf json = {0};

	buf_printf(&json, "{\"id\":4,\"@timestamp\":4,\"event.category\":\"a\",\"j\":1,\"k\":[");
	for (int i = 0; i < 300; i++)
		buf_printf(&json, "%s%d", i ? "," : "", i);
	buf_printf(&json, "]}");
	buf_add_char(&json, 0);
	feed(b, json.p);
	buf_free(&json);
	assert_int_equal(counter_get(COUNTER_KEYS_CUT), cut + 1);
	at(b, 5, 5, "b", "\"k\":0,\"j\":1");
	assert_string_equal(results(b), "[4 5]");
	bench_free(b);
}

static void keys_differ_by_stage(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence [a where true] by p [a where true] by q");

	at(b, 1, 1, "a", "\"p\":1");
	/* For stage 1 it takes key 1, for stage 0 it enters key 1, in this order. */
	at(b, 2, 2, "a", "\"p\":1,\"q\":1");
	assert_string_equal(results(b), "[1 2]");
	at(b, 3, 3, "a", "\"q\":1");
	assert_string_equal(results(b), "[2 3]");
	bench_free(b);
}

static void conditions_read_earlier_stages(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence by k [a where true] as event0"
				    " [b where process.name == event0.process.name]");

	at(b, 1, 1, "a", "\"k\":1,\"process.name\":\"x\"");
	/* Does not fit, so it does not take the partial away. */
	at(b, 2, 2, "b", "\"k\":1,\"process.name\":\"y\"");
	assert_int_equal(eql_machine_live(b->machine), 1);
	at(b, 3, 3, "b", "\"k\":1,\"process.name\":\"x\"");
	assert_string_equal(results(b), "[1 3]");
	bench_free(b);
}

#define START "\"event.type\":\"start\",\"event.action\":\"exec\""

static void process(struct bench *b, int id, const char *name, const char *self, const char *parent)
{
	char more[512];

	snprintf(
	    more, sizeof(more),
	    START
	    ",\"process\":{\"name\":\"%s\",\"entity_id\":\"%s\",\"parent\":{\"entity_id\":\"%s\"}}",
	    name, self, parent);
	at(b, id, id, "process", more);
}

static void descendants(void **state)
{
	(void)state;
	struct bench *b =
	    bench_new("any where descendant of [process where process.name == \"yum\"]");

	process(b, 1, "sh", "s", "init");
	process(b, 2, "yum", "y", "s");
	process(b, 3, "sh", "c", "y");
	process(b, 4, "curl", "g", "c");
	process(b, 5, "sh", "o", "s");
	assert_string_equal(results(b), "[3][4]");
	/* Events that do not name the parent: what was learned when the process started. */
	at(b, 6, 6, "network", "\"process.entity_id\":\"g\"");
	at(b, 7, 7, "network", "\"process.entity_id\":\"y\"");
	at(b, 8, 8, "network", "\"process.entity_id\":\"o\"");
	assert_string_equal(results(b), "[6]");
	/* A process that executes several programs in turn is not its own descendant. */
	process(b, 9, "yum", "y", "s");
	process(b, 10, "python", "y", "s");
	process(b, 11, "sh", "y", "y");
	assert_string_equal(results(b), "");
	bench_free(b);
}

static void children_and_events(void **state)
{
	(void)state;
	struct bench *b = bench_new("any where child of [process where process.name == \"yum\"]");

	process(b, 1, "yum", "y", "s");
	process(b, 2, "sh", "c", "y");
	process(b, 3, "sh", "g", "c");
	at(b, 4, 4, "network", "\"process.entity_id\":\"c\"");
	at(b, 5, 5, "network", "\"process.entity_id\":\"g\"");
	assert_string_equal(results(b), "[2][4]");
	bench_free(b);

	b = bench_new("network where event of [process where process.name == \"yum\"]");
	at(b, 1, 1, "network", "\"process.entity_id\":\"y\"");
	process(b, 2, "yum", "y", "s");
	at(b, 3, 3, "network", "\"process.entity_id\":\"y\"");
	at(b, 4, 4, "network", "\"process.entity_id\":\"s\"");
	assert_string_equal(results(b), "[3]");
	bench_free(b);
}

static void a_sequence_with_a_relation(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence by process.entity_id with maxspan=1s"
				    " [process where process.name == \"sh\" and descendant of "
				    "[process where process.name == \"yum\"]]"
				    " [network where true]");

	process(b, 1, "yum", "y", "s");
	process(b, 2, "sh", "c", "y");
	process(b, 3, "sh", "d", "s");
	at(b, 4, 4, "network", "\"process.entity_id\":\"c\"");
	at(b, 5, 5, "network", "\"process.entity_id\":\"d\"");
	assert_string_equal(results(b), "[2 4]");
	bench_free(b);
}

static void forgotten_processes_are_counted(void **state)
{
	(void)state;
	struct bench *b =
	    bench_for("any where descendant of [process where process.name == \"yum\"]",
		      EQL_DIALECT_ENDPOINT, 20000);
	uint64_t before = counter_get(COUNTER_LINEAGE_EVICTED);

	start_machine(b);
	process(b, 1, "yum", "first", "s");
	for (int i = 2; i < 1000; i++) {
		char self[16];

		snprintf(self, sizeof(self), "p%d", i);
		process(b, i, "sh", self, "first"); /* used again and again: not the oldest */
		assert_in_range(eql_pool_bytes(b->pool), 0, 20000);
	}
	assert_int_equal(b->found_count, 998);
	assert_true(counter_get(COUNTER_LINEAGE_EVICTED) > before);
	bench_free(b);
}

static void late_events_change_nothing_else(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence [a where true] [b where true] [c where true]");

	at(b, 1, 10, "a", "");
	at(b, 2, 5, "a", ""); /* does not replace the later one */
	at(b, 3, 8, "b", ""); /* is not after it */
	at(b, 4, 12, "b", "");
	at(b, 5, 11, "c", "");
	at(b, 6, 13, "c", "");
	assert_string_equal(results(b), "[1 4 6]");
	bench_free(b);
}

static void what_is_too_old_goes(void **state)
{
	(void)state;
	struct bench *b = bench_new(
	    "sequence by k with maxspan=10ms [a where true] [b where true] [c where true]");
	char more[32];

	for (int i = 0; i < 1000; i++) {
		snprintf(more, sizeof(more), "\"k\":%d", i);
		at(b, i, i, "a", more);
		if (i % 2)
			at(b, i, i + 1, "b", more);
		assert_in_range(eql_machine_live(b->machine), 1, 12);
	}
	eql_machine_advance(b->machine, 2000 * MS);
	assert_int_equal(eql_machine_live(b->machine), 0);
	bench_free(b);
}

static void the_pool_is_bounded(void **state)
{
	(void)state;
	struct bench *b = bench_for("sequence by k [a where true] [b where true]",
				    EQL_DIALECT_ELASTICSEARCH, 100000);
	struct eql_machine *other;
	uint64_t before = counter_get(COUNTER_SEQUENCE_EVICTED);
	char more[32];

	start_machine(b);
	other = b->machine;
	at(b, 1, 1, "a", "\"k\":\"oldest\"");
	start_machine(b);
	for (int i = 2; i < 2000; i++) {
		snprintf(more, sizeof(more), "\"k\":%d", i);
		at(b, i, i, "a", more);
		assert_in_range(eql_pool_bytes(b->pool), 0, 100000);
	}
	/* The oldest of all machines went first. */
	assert_int_equal(eql_machine_live(other), 0);
	assert_in_range(eql_machine_live(b->machine), 50, 1000);
	assert_int_equal(counter_get(COUNTER_SEQUENCE_EVICTED) - before,
			 1999 - eql_machine_live(b->machine));
	at(b, 5000, 5000, "b", "\"k\":1999");
	assert_string_equal(results(b), "[1999 5000]");
	eql_machine_free(other);
	bench_free(b);
}

/* What the tables of machines needed when they were full must not be charged for ever: the pool would
 * be full of empty tables, and nothing else would be held again. */
static void empty_tables_cost_nothing(void **state)
{
	(void)state;
	struct bench *b = bench_for("sequence by k [a where true] [b where true]",
				    EQL_DIALECT_ELASTICSEARCH, 100000);
	struct eql_machine *machines[40];
	char more[32];

	for (int m = 0; m < 40; m++) {
		start_machine(b);
		machines[m] = b->machine;
		for (int i = 1; i < 1000; i++) {
			snprintf(more, sizeof(more), "\"k\":%d", i);
			at(b, i, 1000 * m + i, "a", more);
		}
		assert_in_range(eql_machine_live(b->machine), 50, 1000);
	}
	for (int m = 0; m < 39; m++)
		eql_machine_free(machines[m]);
	bench_free(b);
}

/* What is remembered of `until` and of leading misses is bounded as well, also where nothing else
 * is held. */
static void memories_are_bounded(void **state)
{
	(void)state;
	struct bench *b = bench_for("sequence by k with maxspan=1h ![m where true] [a where true]"
				    " [b where true] until [u where true]",
				    EQL_DIALECT_ELASTICSEARCH, 50000);
	uint64_t before = counter_get(COUNTER_SEQUENCE_EVICTED);
	char more[32];

	start_machine(b);
	for (int i = 1; i < 3000; i++) {
		snprintf(more, sizeof(more), "\"k\":%d", i % 1000);
		at(b, i, i, i % 3 == 0 ? "m" : i % 3 == 1 ? "a" : "u", more);
		if (i % 7 == 0)
			at(b, i, i, "u", more);
		assert_in_range(eql_pool_bytes(b->pool), 0, 50000);
	}
	assert_true(counter_get(COUNTER_SEQUENCE_EVICTED) > before + 1000);
	bench_free(b);
}

static void an_event_in_several_places_counts_once(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence by k [a where true] [b where true]");
	char blob[2100], more[4000];

	memset(blob, 'x', sizeof(blob));
	blob[2000] = 0;
	snprintf(more, sizeof(more), "\"k\":[1,2,3,4,5,6,7,8,9,10],\"blob\":\"%s\"", blob);
	char json[4200];

	snprintf(json, sizeof(json), "{\"id\":1,\"@timestamp\":1,\"event.category\":\"a\",%s}",
		 more);
	feed(b, json);
	assert_int_equal(eql_machine_live(b->machine), 10);
	assert_in_range(eql_pool_bytes(b->pool), 2000, 8000);
	bench_free(b);
}

/* ------------------------------------------------------------------------------------- samples */

static struct bench *sample_bench(const char *query, bool at_end, uint32_t per_key, int64_t window)
{
	struct bench *b = bench_for(query, EQL_DIALECT_ELASTICSEARCH, SIZE_MAX);

	b->options.samples_at_end = at_end;
	b->options.samples_per_key = per_key;
	b->options.window_ns = window;
	start_machine(b);
	return b;
}

static void samples_at_the_end(void **state)
{
	(void)state;
	struct bench *b = sample_bench("sample by ?k [a where true] [b where true]", true, 2, 0);

	at(b, 1, 1, "b", "\"k\":\"z\"");
	at(b, 2, 2, "a", "\"k\":\"z\"");
	at(b, 3, 3, "a", "\"k\":\"z\"");
	at(b, 4, 4, "a", "\"k\":\"z\"");
	at(b, 5, 5, "a", "\"k\":7");
	at(b, 6, 6, "b", "\"k\":7");
	at(b, 7, 7, "b", "");
	at(b, 8, 8, "a", "");
	at(b, 9, 9, "a", "\"k\":\"alone\"");
	assert_string_equal(results(b), "");
	eql_machine_finish(b->machine);
	/* In order of the keys: null, numbers, strings. */
	assert_string_equal(results(b), "[8 7][5 6][2 1][3 1]");
	bench_free(b);
}

static void events_of_a_sample_differ(void **state)
{
	(void)state;
	const char *query = "sample by k [any where true] [any where true] [a where true]";
	struct bench *b = sample_bench(query, true, 100, 0);

	at(b, 1, 1, "a", "\"k\":1");
	at(b, 2, 2, "b", "\"k\":1");
	eql_machine_finish(b->machine);
	assert_string_equal(results(b), "");
	bench_free(b);

	b = sample_bench(query, true, 100, 0);
	at(b, 1, 1, "a", "\"k\":1");
	at(b, 2, 2, "b", "\"k\":1");
	at(b, 3, 3, "b", "\"k\":1");
	eql_machine_finish(b->machine);
	assert_string_equal(results(b), "[2 3 1][3 2 1]");
	bench_free(b);
}

static void samples_of_a_stream(void **state)
{
	(void)state;
	struct bench *b =
	    sample_bench("sample by k [a where true] [b where true]", false, 0, 10 * MS);

	at(b, 1, 1, "b", "\"k\":1");
	at(b, 2, 11, "a", "\"k\":1");
	assert_string_equal(results(b), "[2 1]");
	/* They are used up. */
	assert_int_equal(eql_machine_live(b->machine), 0);
	at(b, 3, 12, "b", "\"k\":1");
	at(b, 4, 23, "a", "\"k\":1"); /* too far from 3 */
	assert_string_equal(results(b), "");
	at(b, 5, 24, "b", "\"k\":2");
	at(b, 6, 25, "b", "\"k\":1");
	assert_string_equal(results(b), "[4 6]");
	assert_int_equal(eql_machine_live(b->machine), 1);
	eql_machine_advance(b->machine, 35 * MS);
	assert_int_equal(eql_machine_live(b->machine), 0);
	bench_free(b);

	/* One event cannot be both members; with a second there are two. */
	b = sample_bench("sample by k [any where true] [a where true]", false, 0, 0);
	at(b, 1, 1, "a", "\"k\":1");
	assert_string_equal(results(b), "");
	at(b, 2, 900000, "b", "\"k\":1");
	assert_string_equal(results(b), "[2 1]");
	assert_int_equal(eql_machine_live(b->machine), 0);
	bench_free(b);
}

/* As far apart as times can be: not within any window, and no overflow on the way there. */
static void timeless_events_of_a_sample(void **state)
{
	(void)state;
	struct bench *b =
	    sample_bench("sample by k [a where true] [b where true]", false, 0, 10 * MS);

	feed(b, "{\"id\":1,\"event\":{\"category\":\"a\"},\"k\":1}");
	feed(b, "{\"id\":2,\"event\":{\"category\":\"b\"},\"k\":1}");
	assert_string_equal(results(b), "[1 2]");
	feed(b, "{\"id\":3,\"event\":{\"category\":\"a\"},\"k\":1}");
	at(b, 4, 5, "b", "\"k\":1");
	assert_string_equal(results(b), "");
	bench_free(b);
}

static void long_lists_of_a_sample_are_cut(void **state)
{
	(void)state;
	struct bench *b = sample_bench("sample by k [a where true] [b where true]", false, 0, 0);
	size_t bytes = 0;

	for (int i = 1; i < 1000; i++) {
		at(b, i, i, "a", "\"k\":1");
		if (i == 10)
			bytes = eql_pool_bytes(b->pool);
	}
	assert_in_range(eql_pool_bytes(b->pool), 0, bytes + 64);
	at(b, 1000, 1000, "b", "\"k\":1");
	assert_string_equal(results(b), "[998 1000]");
	bench_free(b);
}

/* ------------------------------------------------------------------------- state across a restart */

static void restart(struct bench *b)
{
	struct buf state = {0};

	eql_machine_save(b->machine, &state);
	eql_machine_free(b->machine);
	assert_int_equal(eql_pool_bytes(b->pool), 0);
	start_machine(b);
	if (eql_machine_load(b->machine, buf_str(&state), keep, b))
		fail_msg("%.*s", STR_ARG(buf_str(&state)));
	buf_free(&state);
}

static void state_is_loaded(void **state)
{
	(void)state;
	struct bench *b =
	    bench_new("sequence by k, ?j with maxspan=1h [a where true] ![m where true]"
		      " [b where true] [c where true] until [u where true]");

	at(b, 1, 1, "a", "\"k\":\"\\\"\\n\\u00e9\",\"j\":0.5");
	at(b, 2, 2, "a", "\"k\":true");
	at(b, 3, 3, "m", "\"k\":true");
	at(b, 4, 4, "a", "\"k\":[7,8]");
	at(b, 5, 5, "b", "\"k\":8");
	restart(b);
	assert_int_equal(eql_machine_live(b->machine), 4);
	at(b, 6, 6, "b", "\"k\":\"\\\"\\n\\u00e9\",\"j\":0.5");
	at(b, 7, 7, "b", "\"k\":true");
	restart(b);
	at(b, 8, 8, "c", "\"k\":[8,true,\"\\\"\\n\\u00e9\"]");
	at(b, 9, 9, "c", "\"k\":\"\\\"\\n\\u00e9\",\"j\":0.5");
	assert_string_equal(results(b), "[4 - 5 8][1 - 6 9]");
	bench_free(b);

	b = bench_new("any where descendant of [process where process.name == \"yum\"]");
	process(b, 1, "yum", "y", "s");
	process(b, 2, "sh", "c", "y");
	restart(b);
	process(b, 3, "sh", "g", "c");
	at(b, 4, 4, "network", "\"process.entity_id\":\"c\"");
	assert_string_equal(results(b), "[2][3][4]");
	bench_free(b);

	b = sample_bench("sample by k [a where true] [b where true]", false, 0, 10 * MS);
	at(b, 1, 1, "b", "\"k\":1");
	restart(b);
	at(b, 2, 11, "a", "\"k\":1");
	assert_string_equal(results(b), "[2 1]");
	bench_free(b);
}

static struct kept_event *keep_nothing(void *context, struct str document, uint64_t arrival)
{
	(void)context;
	(void)document;
	(void)arrival;
	return NULL;
}

static void other_state_is_refused(void **state)
{
	(void)state;
	struct bench *b = bench_new("sequence by k with maxspan=1h [a where true] [b where true]"
				    " ![c where true]");
	struct bench *other = bench_new("sequence by k [a where true] [c where true]");
	struct buf saved = {0};

	at(b, 1, 1, "a", "\"k\":1");
	at(b, 2, 2, "b", "\"k\":1");
	at(b, 3, 3, "a", "\"k\":1");
	eql_machine_save(b->machine, &saved);
	assert_int_equal(eql_machine_load(other->machine, buf_str(&saved), keep, other), -EINVAL);
	assert_int_equal(eql_machine_load(other->machine, STR("{}"), keep, other), -EINVAL);
	assert_int_equal(eql_machine_load(other->machine, STR(""), keep, other), -EINVAL);
	eql_machine_free(b->machine);
	start_machine(b);
	assert_int_equal(eql_machine_load(b->machine, buf_str(&saved), keep_nothing, b), -EINVAL);
	assert_int_equal(eql_machine_live(b->machine), 0);
	/* Any part cut off or changed: refused or loaded, and nothing of it stays behind. */
	for (size_t i = 0; i < saved.len; i++) {
		char was = saved.p[i];

		assert_int_equal(
		    eql_machine_load(b->machine, (struct str){saved.p, i}, keep_nothing, b),
		    -EINVAL);
		saved.p[i] = '9';
		struct kept_event *(*how)(void *, struct str, uint64_t) =
		    memmem(saved.p, i, "partials", 8) ? keep : keep_nothing;

		if (eql_machine_load(b->machine, buf_str(&saved), how, b))
			assert_int_equal(eql_machine_live(b->machine), 0);
		saved.p[i] = was;
		eql_machine_free(b->machine);
		assert_int_equal(eql_pool_bytes(b->pool), 0);
		start_machine(b);
	}
	buf_free(&saved);
	bench_free(b);
	bench_free(other);
}

/* ---------------------------------------------------------- random queries, evaluated plainly */

/*
 * What a sequence means, with no regard to cost: all events in order, all partials in one list,
 * keys as text, misses and untils searched for among all events at the end.
 */
#define PLAIN_EVENTS 40
#define PLAIN_STAGES 6
#define PLAIN_TUPLES 28

struct plain_event {
	struct kept_event *kept;
	uint32_t filters[EQL_STAGES_MAX];
	uint32_t filter_count;
	int64_t id;
};

struct plain_partial {
	bool used;
	uint32_t place;
	char key[64];
	int events[PLAIN_STAGES];
};

struct plain {
	const struct eql_query *query;
	bool total; /* arrival breaks ties */
	const struct plain_event *events;
	int event_count;
	uint32_t positive[PLAIN_STAGES], positive_count;
	struct plain_partial partials[PLAIN_EVENTS * PLAIN_TUPLES];
	struct buf out;
};

static bool plain_satisfies(const struct plain *p, int event, uint32_t filter)
{
	for (uint32_t i = 0; i < p->events[event].filter_count; i++)
		if (p->events[event].filters[i] == filter)
			return true;
	return false;
}

static void plain_value(char *text, size_t size, const struct value *v)
{
	if (v->type == VALUE_INT)
		snprintf(text, size, "n%g;", (double)v->integer);
	else if (v->type == VALUE_DOUBLE)
		snprintf(text, size, "n%g;", v->real);
	else if (v->type == VALUE_BOOL)
		snprintf(text, size, "b%d;", v->boolean);
	else if (v->type == VALUE_STRING)
		snprintf(text, size, "s%.*s;", STR_ARG(value_as_str(v)));
	else
		snprintf(text, size, "null;");
}

/* All keys of an event at a stage, as texts. */
static int plain_keys(const struct plain *p, int event, const struct eql_stage *stage,
		      char keys[PLAIN_TUPLES][64])
{
	int count = 1;

	keys[0][0] = 0;
	for (uint32_t k = 0; k < p->query->key_count; k++) {
		const struct value *v = kept_event_get(p->events[event].kept, stage->keys[k].field);
		const struct value *items = v->type == VALUE_LIST ? v->items : v;
		uint32_t n = v->type == VALUE_LIST ? v->count : 1;
		char next[PLAIN_TUPLES][64];
		int next_count = 0;

		if (v->type == VALUE_NULL && !stage->keys[k].optional)
			return 0;
		for (int i = 0; i < count; i++)
			for (uint32_t j = 0; j < n; j++) {
				char one[24];
				bool known = false;

				plain_value(one, sizeof(one), &items[j]);
				snprintf(next[next_count], 64, "%.39s%.23s", keys[i], one);
				for (int l = 0; l < next_count; l++)
					known |= !strcmp(next[l], next[next_count]);
				next_count += !known;
			}
		memcpy(keys, next, sizeof(next));
		count = next_count;
	}
	return count;
}

static bool plain_before(const struct plain *p, int a, int b)
{
	const struct kept_event *x = p->events[a].kept, *y = p->events[b].kept;

	return (p->total ? kept_event_order_total(x, y) : kept_event_order(x, y)) < 0;
}

static int64_t plain_time(const struct plain *p, int event)
{
	return p->events[event].kept->time_ns;
}

static bool plain_has_key(const struct plain *p, int event, const struct eql_stage *stage,
			  const char *key)
{
	char keys[PLAIN_TUPLES][64];
	int count = plain_keys(p, event, stage, keys);

	for (int i = 0; i < count; i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

static bool plain_hits(const struct plain *p, int event, const struct eql_stage *stage,
		       const char *key)
{
	return plain_satisfies(p, event, stage->filter) && plain_has_key(p, event, stage, key);
}

static struct plain_partial *plain_find(struct plain *p, uint32_t place, const char *key)
{
	for (size_t i = 0; i < PLAIN_EVENTS * PLAIN_TUPLES; i++)
		if (p->partials[i].used && p->partials[i].place == place &&
		    !strcmp(p->partials[i].key, key))
			return &p->partials[i];
	return NULL;
}

/* An until that has come by now, not before the last event and before this one? */
static bool plain_ended(const struct plain *p, const struct plain_partial *partial, int event)
{
	int last = partial->events[partial->place];

	for (int u = 0; p->query->until && u < event; u++)
		if (plain_hits(p, u, p->query->until, partial->key) && !plain_before(p, u, last) &&
		    plain_before(p, u, event))
			return true;
	return false;
}

static bool plain_far(const struct plain *p, int a, int b)
{
	return plain_time(p, b) - plain_time(p, a) > p->query->maxspan_ns;
}

static bool plain_check(const struct plain *p, const struct plain_partial *done)
{
	uint32_t count = p->query->stage_count, places = p->positive_count;
	int first = done->events[0], last = done->events[places - 1], lead = -1, trail = -1;

	for (uint32_t s = 0; s < count; s++) {
		const struct eql_stage *stage = &p->query->stages[s];
		uint32_t before = 0;

		while (before < places && p->positive[before] < s)
			before++;
		for (int e = 0; stage->missing && e < p->event_count; e++) {
			if (!plain_hits(p, e, stage, done->key))
				continue;
			if (before == 0 && plain_before(p, e, first))
				lead = e > lead ? e : lead;
			else if (before == places && plain_before(p, last, e))
				trail = trail < 0 || e < trail ? e : trail;
			else if (before > 0 && before < places &&
				 plain_before(p, done->events[before - 1], e) &&
				 plain_before(p, e, done->events[before]))
				return false;
		}
	}
	bool leads = p->query->stages[0].missing, trails = p->query->stages[count - 1].missing;

	if (leads && trails)
		return lead < 0 || trail < 0 || plain_far(p, lead, trail);
	if (leads)
		return lead < 0 || plain_far(p, lead, last);
	return !trails || trail < 0 || plain_far(p, first, trail);
}

static void plain_done(struct plain *p, struct plain_partial *done)
{
	uint32_t place = 0;

	done->used = false;
	if (!plain_check(p, done))
		return;
	buf_add_char(&p->out, '[');
	for (uint32_t s = 0; s < p->query->stage_count; s++) {
		if (s)
			buf_add_char(&p->out, ' ');
		if (p->query->stages[s].missing)
			buf_add_char(&p->out, '-');
		else
			buf_printf(&p->out, "%lld", (long long)p->events[done->events[place++]].id);
	}
	buf_add_char(&p->out, ']');
}

static void plain_enter(struct plain *p, uint32_t place, const char *key, int event)
{
	struct plain_partial *from = place ? plain_find(p, place - 1, key) : NULL;
	struct plain_partial new = {.used = true};

	if (place) {
		if (!from || !plain_before(p, from->events[place - 1], event))
			return;
		new = *from;
		from->used = false;
		if ((p->query->maxspan_ns && plain_far(p, new.events[0], event)) ||
		    plain_ended(p, &new, event))
			return;
	}
	new.place = place;
	snprintf(new.key, sizeof(new.key), "%.63s", key);
	new.events[place] = event;
	struct plain_partial *old = plain_find(p, place, key);

	if (old)
		old->used = false;
	if (place + 1 == p->positive_count) {
		plain_done(p, &new);
		return;
	}
	for (size_t i = 0;; i++)
		if (!p->partials[i].used) {
			p->partials[i] = new;
			return;
		}
}

static void plain_run(struct plain *p)
{
	char keys[PLAIN_TUPLES][64];

	for (uint32_t s = 0; s < p->query->stage_count; s++)
		if (!p->query->stages[s].missing)
			p->positive[p->positive_count++] = s;
	for (int e = 0; e < p->event_count; e++)
		for (uint32_t place = p->positive_count; place-- > 0;) {
			const struct eql_stage *stage = &p->query->stages[p->positive[place]];

			if (!plain_satisfies(p, e, stage->filter))
				continue;
			int count = plain_keys(p, e, stage, keys);

			for (int i = 0; i < count; i++)
				plain_enter(p, place, keys[i], e);
		}
}

static uint64_t random_state;

static uint32_t dice(uint32_t sides)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % sides;
}

static const char *one_of(const char *const *from, uint32_t count)
{
	return from[dice(count)];
}

#define ONE_OF(array) one_of(array, sizeof(array) / sizeof(*(array)))

static void random_stage(struct buf *query, bool missing, uint32_t own_keys, bool runs)
{
	static const char *const conditions[] = {"a where true", "b where true", "any where true",
						 "c where true", "any where x == 1"};
	static const char *const keys[] = {"p", "q", "?p", "?q"};

	buf_printf(query, " %s[%s]", missing ? "!" : "", ONE_OF(conditions));
	for (uint32_t i = 0; i < own_keys; i++)
		buf_printf(query, "%s %s", i ? "," : " by", ONE_OF(keys));
	if (runs && !missing && !dice(8))
		buf_add(query, STR(" with runs=2"));
}

static void random_query(struct buf *query)
{
	static const char *const shared[] = {"", " by k", " by ?k", " by k, ?p"};
	static const char *const spans[] = {"1ms", "3ms", "6ms", "20ms"};
	bool missing = dice(2), span = missing || dice(3);
	uint32_t own_keys = dice(3) ? 0 : 1, stages = 2 + dice(3), positive = dice(stages);

	buf_printf(query, "sequence%s", ONE_OF(shared));
	if (span)
		buf_printf(query, " with maxspan=%s", ONE_OF(spans));
	for (uint32_t i = 0; i < stages; i++)
		random_stage(query, missing && i != positive && !dice(2), own_keys, stages < 4);
	if (!dice(3)) {
		buf_add(query, STR(" until"));
		random_stage(query, false, own_keys, false);
	}
	buf_add_char(query, 0);
}

static void random_event(char *json, size_t size, int id, int time)
{
	static const char *const kinds[] = {"\"a\"", "\"b\"", "\"c\"", "[\"a\",\"c\"]", "\"d\""};
	static const char *const keys[] = {
	    "1",     "1",       "1.0",  "\"1\"",          "2",        "2",
	    "[1,2]", "[2,2.0]", "null", "[\"1\",2,true]", "[null,1]", "true"};
	size_t n = (size_t)snprintf(
	    json, size, "{\"id\":%d,\"@timestamp\":%d,\"event.category\":%s,\"k\":%s,\"x\":%u", id,
	    time, ONE_OF(kinds), ONE_OF(keys), dice(2));

	n += (size_t)snprintf(json + n, size - n, ",\"p\":%s,\"q\":%s", ONE_OF(keys), ONE_OF(keys));
	if (dice(2))
		n += (size_t)snprintf(json + n, size - n, ",\"tie\":%u", dice(3));
	snprintf(json + n, size - n, "}");
}

static int by_order(const void *a, const void *b)
{
	const struct plain_event *x = a, *y = b;

	return kept_event_order_total(x->kept, y->kept);
}

static int by_last_event(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int order = kept_event_order_total(x->last, y->last);

	return order ? order : (x->number > y->number) - (x->number < y->number);
}

static size_t random_round(void)
{
	size_t found_count;
	static struct plain plain;
	static struct plain_event events[PLAIN_EVENTS];
	struct buf query = {0};
	int count = 5 + (int)dice(PLAIN_EVENTS - 5), time = 0;

	random_query(&query);
	struct bench *b = bench_for(query.p, EQL_DIALECT_ELASTICSEARCH, SIZE_MAX);

	memset(&plain, 0, sizeof(plain));
	b->options.arrival_breaks_ties = plain.total = dice(2);
	start_machine(b);
	for (int i = 0; i < count; i++) {
		char json[512];

		time += (int)dice(3);
		random_event(json, sizeof(json), i, time);
		events[i].kept = keep(b, str_from(json), (uint64_t)i);
		events[i].filter_count = satisfied(b, events[i].filters);
		events[i].id = i;
	}
	qsort(events, (size_t)count, sizeof(*events), by_order);
	plain.query = b->query;
	plain.events = events;
	plain.event_count = count;
	plain_run(&plain);
	buf_add_char(&plain.out, 0);
	for (int i = 0; i < count; i++) {
		if (events[i].filter_count)
			eql_machine_take(b->machine, events[i].kept, events[i].filters,
					 events[i].filter_count);
		if (!dice(20))
			restart(b);
	}
	eql_machine_finish(b->machine);
	found_count = b->found_count;
	if (found_count && b->query->stages[b->query->stage_count - 1].missing)
		qsort(b->found, found_count, sizeof(*b->found), by_last_event);
	if (strcmp(results(b), plain.out.p)) {
		for (int i = 0; i < count; i++)
			print_error("%.*s\n", STR_ARG(events[i].kept->document));
		fail_msg("%s\nwant %s\ngot  %s", query.p, plain.out.p, b->joined);
	}
	for (int i = 0; i < count; i++)
		kept_event_unref(events[i].kept);
	buf_free(&plain.out);
	buf_free(&query);
	bench_free(b);
	return found_count;
}

static void random_sequences(void **state)
{
	(void)state;
	const char *seed = getenv("LINTEL_SEED");
	size_t found_count = 0;

	random_state = seed ? strtoull(seed, NULL, 0) : 1;
	for (int i = 0; i < 4000; i++)
		found_count += random_round();
	assert_true(found_count > 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(places_are_overwritten),
	    cmocka_unit_test(an_event_never_fills_two_places),
	    cmocka_unit_test(equal_order_is_no_order),
	    cmocka_unit_test(maxspan_is_inclusive_and_consumes),
	    cmocka_unit_test(until_comes_after_the_stages),
	    cmocka_unit_test(until_of_equal_order),
	    cmocka_unit_test(a_miss_in_the_middle_spoils),
	    cmocka_unit_test(a_leading_miss_must_be_far),
	    cmocka_unit_test(a_trailing_miss_is_waited_for),
	    cmocka_unit_test(misses_at_both_ends),
	    cmocka_unit_test(keys_are_typed),
	    cmocka_unit_test(keys_that_are_null),
	    cmocka_unit_test(keys_with_many_values),
	    cmocka_unit_test(keys_differ_by_stage),
	    cmocka_unit_test(conditions_read_earlier_stages),
	    cmocka_unit_test(descendants),
	    cmocka_unit_test(children_and_events),
	    cmocka_unit_test(a_sequence_with_a_relation),
	    cmocka_unit_test(forgotten_processes_are_counted),
	    cmocka_unit_test(late_events_change_nothing_else),
	    cmocka_unit_test(what_is_too_old_goes),
	    cmocka_unit_test(the_pool_is_bounded),
	    cmocka_unit_test(empty_tables_cost_nothing),
	    cmocka_unit_test(memories_are_bounded),
	    cmocka_unit_test(an_event_in_several_places_counts_once),
	    cmocka_unit_test(samples_at_the_end),
	    cmocka_unit_test(events_of_a_sample_differ),
	    cmocka_unit_test(samples_of_a_stream),
	    cmocka_unit_test(timeless_events_of_a_sample),
	    cmocka_unit_test(long_lists_of_a_sample_are_cut),
	    cmocka_unit_test(state_is_loaded),
	    cmocka_unit_test(other_state_is_refused),
	    cmocka_unit_test(random_sequences),
	};

	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
