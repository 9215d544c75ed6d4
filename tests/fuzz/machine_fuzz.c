/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, time and restarts for the machines of stateful queries. The first byte picks a query and
 * the memory, every following group of bytes is one step:
 *
 *	an event of some category, keys, time and tiebreaker	goes to both machines
 *	time goes on						in both
 *	a restart						of the second: saved, loaded again
 *	a damaged state						loaded into a third, which then runs
 *
 * The second machine must find what the first finds; with memory so small that state is evicted,
 * both must only keep to it. When all are gone the pool is empty.
 */
#include <stdio.h>
#include <stdlib.h>

#include "eql/machine.h"
#include "event/json.h"

#define REQUIRE(condition)                                                              \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

static const struct {
	const char *text;
	enum eql_dialect dialect;
	bool arrival_breaks_ties;
	bool samples_at_end;
} queries[] = {
    {"sequence by k [a where true] [b where true]", 0, true, false},
    {"sequence by k with maxspan=1s [a where true] [b where true] [c where true]", 0, false, false},
    {"sequence [a where true] by k, ?e [a where n > 1] by e, k [any where true] by k, k", 0, true,
     false},
    {"sequence by ?k with maxspan=3s [a where true] [b where n > 0] with runs=3 until [c where "
     "true]",
     0, false, false},
    {"sequence by k with maxspan=2s ![a where true] [b where true] ![c where true]", 0, false,
     false},
    {"sequence by k with maxspan=2s [a where true] ![c where n > 1] [b where true] until [c where "
     "n == 1]",
     0, true, false},
    {"sequence by k with maxspan=1s [a where true] [b where true] ![a where n == 2]", 0, true,
     false},
    {"sample by k [a where true] [b where true] [c where n > 0]", 0, true, true},
    {"sample by k, ?e [a where true] [any where n > 1]", 0, true, false},
    {"sequence by k [a where true] as event0 [b where n == event0.n]", EQL_DIALECT_ENDPOINT, true,
     false},
    {"process where descendant of [process where n == 1] or child of [process where n == 2]",
     EQL_DIALECT_ENDPOINT, true, false},
    {"sequence with maxspan=5s [a where true] [process where event of [process where n > 0]]",
     EQL_DIALECT_ENDPOINT, true, false},
};

#define QUERY_COUNT (sizeof(queries) / sizeof(*queries))

/* As JSON: values that are one key in two spellings, several values, none. */
static const char *const keys[] = {
    "\"x\"", "\"y\"", "1", "1.0", "\"1\"", "null", "[\"x\",\"y\",\"x\"]", "true",
};

static const char *const categories[] = {"a", "b", "c", "process"};

#define MEMORY_LARGE ((size_t)64 << 20)
#define MEMORY_SMALL ((size_t)4096)
/* More steps show nothing new and would make an input run for long. */
#define STEPS_MAX 2000
#define STEP_NS INT64_C(250000000)

struct bytes {
	const uint8_t *p;
	size_t left;
};

struct side {
	struct eql_machine *machine;
	struct eql_pool *pool;
	struct buf found; /* as text: what was found, in order */
};

struct fuzz {
	struct arena arena;
	struct field_set *fields;
	struct eql_query *query;
	struct eql_machine_options options;
	struct eql_scratch *scratch;
	struct event_reader *reader;
	struct event event;
	int32_t tiebreaker;
	size_t memory;
	int64_t ms;
	uint64_t arrivals;
	struct side straight, restarted;
};

static uint8_t next(struct bytes *bytes)
{
	if (!bytes->left)
		return 0;
	bytes->left--;
	return *bytes->p++;
}

static void found(void *context, const struct eql_result *result)
{
	struct side *side = context;

	for (uint32_t i = 0; i < result->event_count; i++)
		if (result->events[i])
			buf_printf(&side->found, "%llu ",
				   (unsigned long long)result->events[i]->arrival);
		else
			buf_add(&side->found, STR("- "));
	buf_printf(&side->found, "keys %u number %llu\n", result->key_count,
		   (unsigned long long)result->number);
}

static void nothing_found(void *context, const struct eql_result *result)
{
	(void)context;
	(void)result;
}

static bool compile(struct fuzz *f, size_t which)
{
	struct eql_options options = {.dialect = queries[which].dialect};
	struct diag_list diags;

	diag_list_init(&diags);
	int err = eql_compile(&f->arena, f->fields, str_from(queries[which].text), &options, &diags,
			      &f->query);

	diag_list_print(&diags, 2);
	diag_list_free(&diags);
	return !err;
}

static struct eql_machine *machine_new(const struct fuzz *f, struct side *side)
{
	struct eql_machine_options options = f->options;

	options.pool = side->pool;
	options.found = found;
	options.context = side;
	return eql_machine_new(f->query, &options);
}

static void begin(struct fuzz *f, uint8_t first)
{
	struct event_reader_options reader = {.tiebreaker_field = STR("tb")};
	size_t which = first % QUERY_COUNT;

	arena_init(&f->arena);
	f->fields = field_set_new();
	f->scratch = eql_scratch_new();
	f->memory = first < 128 ? MEMORY_LARGE : MEMORY_SMALL;
	f->ms = 1000000;
	REQUIRE(compile(f, which));
	f->options.arrival_breaks_ties = queries[which].arrival_breaks_ties;
	f->options.samples_at_end = queries[which].samples_at_end;
	f->options.samples_per_key = 2;
	f->options.window_ns = STEP_NS * 8;
	field_set_demand(f->fields, field_known_name(FIELD_TIMESTAMP));
	f->tiebreaker = field_set_demand(f->fields, STR("tb"));
	f->reader = event_reader_new(f->fields, &reader);
	event_init(&f->event, f->fields);
	f->straight.pool = eql_pool_new(f->memory);
	f->restarted.pool = eql_pool_new(f->memory);
	f->straight.machine = machine_new(f, &f->straight);
	f->restarted.machine = machine_new(f, &f->restarted);
}

static void free_side(struct side *side)
{
	eql_machine_free(side->machine);
	REQUIRE(eql_pool_bytes(side->pool) == 0);
	eql_pool_free(side->pool);
	buf_free(&side->found);
}

static void end(struct fuzz *f)
{
	free_side(&f->straight);
	free_side(&f->restarted);
	event_free(&f->event);
	event_reader_free(f->reader);
	eql_scratch_free(f->scratch);
	field_set_free(f->fields);
	arena_free(&f->arena);
}

static struct kept_event *keep(void *context, struct str document, uint64_t arrival)
{
	struct fuzz *f = context;
	struct buf padded = {0};
	struct kept_event *event = NULL;

	buf_add(&padded, document);
	buf_reserve(&padded, EVENT_JSON_PADDING);
	event_reset(&f->event);
	if (event_read_json(f->reader, buf_str(&padded), &f->event, NULL) == 0)
		event = kept_event_new(&f->event, f->query->kept_fields, f->query->kept_field_count,
				       f->tiebreaker, arrival, document);
	buf_free(&padded);
	return event;
}

/* Its document: what an event of these bytes is. */
static void write_event(struct fuzz *f, struct bytes *bytes, struct buf *out)
{
	uint8_t what = next(bytes), which = next(bytes), when = next(bytes);

	/* Forward in eighths of two seconds, now and then back: late. */
	f->ms += when < 240 ? when % 8 * 250 : -(int64_t)(when % 8) * 250;
	buf_add(out, STR("{"));
	/* Rarely without a time. */
	if (what % 128 < 120)
		buf_printf(out, "\"@timestamp\":%lld,", (long long)f->ms);
	buf_printf(out, "\"event\":{\"category\":\"%s\"},\"n\":%d", categories[what % 4],
		   what / 4 % 4);
	buf_printf(out, ",\"k\":%s,\"e\":%s", keys[which % 8], keys[which / 8 % 8]);
	buf_printf(out, ",\"process\":{\"entity_id\":\"p%d\",\"parent\":{\"entity_id\":\"p%d\"}}",
		   which % 6, which / 6 % 6);
	if (what & 0x80)
		buf_printf(out, ",\"tb\":%d", when / 8 % 4);
	buf_add_char(out, '}');
}

static void give_event(struct fuzz *f, struct eql_machine *machine, struct kept_event *event)
{
	uint32_t filters[EQL_STAGES_MAX], n = 0;

	for (uint32_t i = 0; i < f->query->filter_count; i++)
		if (eql_filter_match(&f->query->filters[i], &f->event, f->scratch))
			filters[n++] = i;
	if (n)
		eql_machine_take(machine, event, filters, n);
}

/* The same event read twice: machines do not share references. */
static void take_event(struct fuzz *f, struct bytes *bytes)
{
	struct side *sides[] = {&f->straight, &f->restarted};
	struct buf document = {0};

	write_event(f, bytes, &document);
	for (int i = 0; i < 2; i++) {
		struct kept_event *event = keep(f, buf_str(&document), f->arrivals);

		REQUIRE(event);
		give_event(f, sides[i]->machine, event);
		kept_event_unref(event);
	}
	f->arrivals++;
	buf_free(&document);
}

static void restart(struct fuzz *f)
{
	struct buf state = {0};

	eql_machine_save(f->restarted.machine, &state);
	eql_machine_free(f->restarted.machine);
	REQUIRE(eql_pool_bytes(f->restarted.pool) == 0);
	f->restarted.machine = machine_new(f, &f->restarted);
	REQUIRE(eql_machine_load(f->restarted.machine, buf_str(&state), keep, f) == 0);
	buf_free(&state);
}

/* Some bytes of a state are others: it is refused, or it is a state. */
static void load_damaged(struct fuzz *f, struct bytes *bytes)
{
	struct eql_machine_options options = f->options;
	struct buf state = {0}, document = {0};

	eql_machine_save(f->straight.machine, &state);
	for (int i = next(bytes) % 4; i >= 0 && state.len; i--) {
		size_t at = (size_t)(next(bytes) << 8 | next(bytes)) % state.len;

		state.p[at] = (char)next(bytes);
	}
	options.pool = eql_pool_new(f->memory);
	options.found = nothing_found;
	struct eql_machine *machine = eql_machine_new(f->query, &options);
	bool loaded = eql_machine_load(machine, buf_str(&state), keep, f) == 0;

	REQUIRE(loaded || eql_machine_live(machine) == 0);
	for (int i = 0; i < 4; i++) {
		int64_t ms = f->ms;

		buf_reset(&document);
		write_event(f, bytes, &document);
		f->ms = ms;
		struct kept_event *event = keep(f, buf_str(&document), f->arrivals);

		give_event(f, machine, event);
		kept_event_unref(event);
	}
	eql_machine_finish(machine);
	eql_machine_free(machine);
	REQUIRE(eql_pool_bytes(options.pool) == 0);
	eql_pool_free(options.pool);
	buf_free(&state);
	buf_free(&document);
}

static void step(struct fuzz *f, struct bytes *bytes)
{
	switch (next(bytes) % 16) {
	case 0:
		restart(f);
		break;
	case 1:
		load_damaged(f, bytes);
		break;
	case 2:
		f->ms += next(bytes) * 50;
		eql_machine_advance(f->straight.machine, f->ms * 1000000);
		eql_machine_advance(f->restarted.machine, f->ms * 1000000);
		break;
	default:
		take_event(f, bytes);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = {data, size};
	struct fuzz f = {0};

	begin(&f, next(&bytes));
	for (int i = 0; i < STEPS_MAX && bytes.left; i++)
		step(&f, &bytes);
	eql_machine_finish(f.straight.machine);
	eql_machine_finish(f.restarted.machine);
	REQUIRE(eql_machine_live(f.straight.machine) == 0);
	if (f.memory == MEMORY_LARGE &&
	    !str_eq(buf_str(&f.straight.found), buf_str(&f.restarted.found))) {
		fprintf(stderr, "%s\nstraight:\n%.*srestarted:\n%.*s",
			queries[data[0] % QUERY_COUNT].text, STR_ARG(buf_str(&f.straight.found)),
			STR_ARG(buf_str(&f.restarted.found)));
		abort();
	}
	end(&f);
	return 0;
}
