/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lintel's side of eql_differential.py: runs queries over small sets of events as fast as it can.
 *
 *	stdin	{"query": "...", "events": N, "way": "run"}	one header line,
 *		then N lines, an event each; and so on
 *	stdout	one line per pair: [[0, 3], [2, null]]	results, as positions in the input's events,
 *						null for a missing one
 *		or				{"refused": "1:9: error: ..."}
 *
 * Ways: "run" over all events (eql/run.h), "stream" (eql/stream.h), "machine": the machine itself,
 * saved and loaded again before it takes its event number "reload". More in a header: "tiebreaker":
 * a field; for a run "size": how many results at most; for a stream "tolerance": in milliseconds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "eql/run.h"
#include "eql/stream.h"
#include "event/json.h"

enum header {
	HEADER_QUERY,
	HEADER_EVENTS,
	HEADER_WAY,
	HEADER_TIEBREAKER,
	HEADER_SIZE,
	HEADER_TOLERANCE,
	HEADER_RELOAD,
	HEADER_COUNT
};

static const struct {
	struct str name;
	bool text;
} headers[] = {
    [HEADER_QUERY] = {{"query", 5}, true},    [HEADER_EVENTS] = {{"events", 6}, false},
    [HEADER_WAY] = {{"way", 3}, true},        [HEADER_TIEBREAKER] = {{"tiebreaker", 10}, true},
    [HEADER_SIZE] = {{"size", 4}, false},     [HEADER_TOLERANCE] = {{"tolerance", 9}, false},
    [HEADER_RELOAD] = {{"reload", 6}, false},
};

struct pair {
	struct buf texts[HEADER_COUNT];
	int64_t numbers[HEADER_COUNT]; /* negative: not given */
};

struct input {
	struct buf line; /* padded for the JSON reader */
	char *raw;
	size_t raw_size;
};

/* An event that satisfies something. */
struct hit {
	struct kept_event *event;
	uint32_t *filters;
	uint32_t filter_count;
};

struct result {
	struct kept_event **events; /* NULL for a missing one */
	uint32_t event_count;
	uint64_t number; /* in order of completion */
};

struct found {
	struct hit *hits;
	size_t hit_count, hit_cap;
	struct result *results;
	size_t result_count, result_cap;
};

/* Far more than small sets of events need. */
#define POOL_BYTES ((size_t)64 << 20)

static _Noreturn void die(const char *why)
{
	fprintf(stderr, "eql_pairs: %s\n", why);
	exit(2);
}

static bool next_line(struct input *input)
{
	ssize_t len = getline(&input->raw, &input->raw_size, stdin);

	if (len < 0)
		return false;
	buf_reset(&input->line);
	buf_add(&input->line, (struct str){input->raw, (size_t)len});
	buf_reserve(&input->line, EVENT_JSON_PADDING);
	return true;
}

static void take_header(void *context, uint32_t id, const struct json_value *value)
{
	struct pair *pair = context;

	if (value->type != (headers[id].text ? JSON_STRING : JSON_INT))
		die("a header's value is of the wrong type");
	if (headers[id].text)
		buf_add(&pair->texts[id], value->string);
	else
		pair->numbers[id] = value->integer;
}

static bool read_header(struct input *input, struct json_reader *reader,
			const struct json_paths *paths, struct pair *pair)
{
	struct json_handler handler = {.value = take_header, .context = pair};
	const char *why;

	for (int i = 0; i < HEADER_COUNT; i++) {
		buf_reset(&pair->texts[i]);
		pair->numbers[i] = -1;
	}
	if (!next_line(input))
		return false;
	if (json_read(reader, paths, buf_str(&input->line), &handler, NULL, &why))
		die(why);
	return true;
}

static struct str text(const struct pair *pair, enum header header)
{
	return buf_str(&pair->texts[header]);
}

static bool goes_way(const struct pair *pair, struct str way)
{
	return str_eq(text(pair, HEADER_WAY), way);
}

/* The field that breaks ties, or -1. */
static int32_t demand_fields(struct field_set *fields, const struct pair *pair)
{
	field_set_demand(fields, field_known_name(FIELD_TIMESTAMP));
	if (!text(pair, HEADER_TIEBREAKER).len)
		return -1;
	return field_set_demand(fields, text(pair, HEADER_TIEBREAKER));
}

static uint32_t satisfied(const struct eql_query *query, const struct event *event,
			  struct eql_scratch *scratch, uint32_t *filters)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < query->filter_count; i++)
		if (eql_filter_match(&query->filters[i], event, scratch))
			filters[n++] = i;
	return n;
}

static void add_hit(struct found *found, const struct eql_query *query, struct kept_event *event,
		    const uint32_t *filters, uint32_t count)
{
	struct hit hit = {.event = event, .filter_count = count};

	hit.filters = xmalloc(query->filter_count * sizeof(*filters));
	memcpy(hit.filters, filters, count * sizeof(*filters));
	if (found->hit_count == found->hit_cap) {
		found->hit_cap = found->hit_cap ? found->hit_cap * 2 : 64;
		found->hits = xreallocarray(found->hits, found->hit_cap, sizeof(*found->hits));
	}
	found->hits[found->hit_count++] = hit;
}

/* A query at work. */
struct run {
	const struct eql_query *query;
	const struct pair *pair;
	int32_t tiebreaker; /* field, or -1 */
	struct event_reader *reader;
	struct event event;
	struct found found;
};

static void read_event(struct run *run, struct str json)
{
	const char *why;

	event_reset(&run->event);
	if (event_read_json(run->reader, json, &run->event, &why))
		die(why);
}

static void read_next_event(struct run *run, struct input *input)
{
	if (!next_line(input))
		die("an event is missing");
	read_event(run, buf_str(&input->line));
}

static struct kept_event *keep_event(const struct run *run, struct str document, uint64_t arrival)
{
	return kept_event_new(&run->event, run->query->kept_fields, run->query->kept_field_count,
			      run->tiebreaker, arrival, document);
}

static void add_result(struct found *found, struct kept_event *const *events, uint32_t count,
		       uint64_t number)
{
	struct result result = {.event_count = count, .number = number};

	result.events = xcalloc(count, sizeof(*result.events));
	for (uint32_t i = 0; i < count; i++)
		result.events[i] = events[i] ? kept_event_ref(events[i]) : NULL;
	if (found->result_count == found->result_cap) {
		found->result_cap = found->result_cap ? found->result_cap * 2 : 64;
		found->results =
		    xreallocarray(found->results, found->result_cap, sizeof(*found->results));
	}
	found->results[found->result_count++] = result;
}

static void take_result(void *context, const struct eql_result *result)
{
	add_result(context, result->events, result->event_count, result->number);
}

static struct kept_event *keep_again(void *context, struct str document, uint64_t arrival)
{
	struct run *run = context;
	struct buf padded = {0};

	buf_add(&padded, document);
	buf_reserve(&padded, EVENT_JSON_PADDING);
	read_event(run, buf_str(&padded));
	struct kept_event *event = keep_event(run, document, arrival);

	buf_free(&padded);
	return event;
}

static struct eql_machine *reload(struct run *run, struct eql_machine *machine,
				  const struct eql_machine_options *options)
{
	struct eql_machine *loaded = eql_machine_new(run->query, options);
	struct buf state = {0};

	eql_machine_save(machine, &state);
	eql_machine_free(machine);
	if (eql_machine_load(loaded, buf_str(&state), keep_again, run))
		die("a saved state cannot be loaded");
	buf_free(&state);
	return loaded;
}

static void read_hits(struct run *run, struct input *input)
{
	struct eql_scratch *scratch = eql_scratch_new();
	uint32_t *filters = xmalloc(run->query->filter_count * sizeof(*filters));

	for (int64_t i = 0; i < run->pair->numbers[HEADER_EVENTS]; i++) {
		read_next_event(run, input);
		uint32_t n = satisfied(run->query, &run->event, scratch, filters);

		if (n)
			add_hit(&run->found, run->query,
				keep_event(run, run->event.document, (uint64_t)i), filters, n);
	}
	free(filters);
	eql_scratch_free(scratch);
}

static void take_hits(struct run *run)
{
	struct eql_machine_options options = {
	    .pool = eql_pool_new(POOL_BYTES),
	    .samples_at_end = true,
	    .samples_per_key = 1,
	    .found = take_result,
	    .context = &run->found,
	};
	struct eql_machine *machine = eql_machine_new(run->query, &options);

	for (size_t i = 0; i < run->found.hit_count; i++) {
		const struct hit *hit = &run->found.hits[i];

		if ((int64_t)i == run->pair->numbers[HEADER_RELOAD])
			machine = reload(run, machine, &options);
		eql_machine_take(machine, hit->event, hit->filters, hit->filter_count);
	}
	eql_machine_finish(machine);
	eql_machine_free(machine);
	if (eql_pool_bytes(options.pool))
		die("a machine that is gone still holds memory");
	eql_pool_free(options.pool);
}

static int by_order(const void *a, const void *b)
{
	const struct hit *left = a, *right = b;

	return kept_event_order_total(left->event, right->event);
}

static struct kept_event *last_event(const struct result *result)
{
	uint32_t i = result->event_count;

	while (i && !result->events[i - 1])
		i--;
	return i ? result->events[i - 1] : NULL;
}

/* Elasticsearch's order of results. */
static int by_last_event(const void *a, const void *b)
{
	const struct result *left = a, *right = b;
	int order = kept_event_order(last_event(left), last_event(right));

	return order ? order : (left->number > right->number) - (left->number < right->number);
}

static void sort_results(struct found *found)
{
	if (found->result_count)
		qsort(found->results, found->result_count, sizeof(*found->results), by_last_event);
}

static void by_machine(struct run *run, struct input *input)
{
	struct found *found = &run->found;

	read_hits(run, input);
	if (found->hit_count)
		qsort(found->hits, found->hit_count, sizeof(*found->hits), by_order);
	take_hits(run);
	sort_results(found);
}

static void by_stream(struct run *run, struct input *input)
{
	struct eql_stream_options options = {
	    .tolerance_ns = run->pair->numbers[HEADER_TOLERANCE] * 1000000,
	    .tiebreaker_field = run->tiebreaker,
	    .bytes_max = POOL_BYTES,
	    .found = take_result,
	    .context = &run->found,
	};
	struct eql_stream *stream = eql_stream_new(run->query, &options);

	for (int64_t i = 0; i < run->pair->numbers[HEADER_EVENTS]; i++) {
		read_next_event(run, input);
		eql_stream_take(stream, &run->event, STR(""));
	}
	eql_stream_finish(stream);
	eql_stream_free(stream);
	sort_results(&run->found);
}

static void by_run(struct run *run, struct input *input)
{
	int64_t size = run->pair->numbers[HEADER_SIZE];
	struct eql_run_options options = {
	    .size = size < 0 ? EQL_RUN_NO_SIZE : (uint64_t)size,
	    .tiebreaker_field = run->tiebreaker,
	    .found = take_result,
	    .context = &run->found,
	};
	struct eql_run *over_all = eql_run_new(run->query, &options);

	for (int64_t i = 0; i < run->pair->numbers[HEADER_EVENTS]; i++) {
		read_next_event(run, input);
		eql_run_take(over_all, &run->event, STR(""));
	}
	eql_run_finish(over_all);
	eql_run_free(over_all);
}

static void free_found(struct found *found)
{
	for (size_t i = 0; i < found->hit_count; i++) {
		kept_event_unref(found->hits[i].event);
		free(found->hits[i].filters);
	}
	for (size_t i = 0; i < found->result_count; i++) {
		for (uint32_t k = 0; k < found->results[i].event_count; k++)
			kept_event_unref(found->results[i].events[k]);
		free(found->results[i].events);
	}
	free(found->hits);
	free(found->results);
}

static void put_result(const struct result *result, struct json_writer *json)
{
	json_array(json);
	for (uint32_t i = 0; i < result->event_count; i++)
		if (result->events[i])
			json_uint(json, result->events[i]->arrival);
		else
			json_null(json);
	json_end(json);
}

static void put_results(const struct found *found, struct buf *out)
{
	struct json_writer json = json_writer_to(out);

	json_array(&json);
	for (size_t i = 0; i < found->result_count; i++)
		put_result(&found->results[i], &json);
	json_end(&json);
	buf_add_char(out, '\n');
}

static void put_refusal(const struct diag_list *diags, struct buf *out)
{
	struct buf why = {0};
	struct json_writer json = json_writer_to(out);

	for (uint32_t i = 0; i < diags->count; i++)
		diag_format(&diags->items[i], false, &why);
	json_object(&json);
	json_member(&json, STR("refused"), buf_str(&why));
	json_end(&json);
	buf_add_char(out, '\n');
	buf_free(&why);
}

static void skip_events(struct input *input, int64_t count)
{
	while (count-- > 0)
		if (!next_line(input))
			die("an event is missing");
}

static void run_pair(const struct eql_query *query, struct field_set *fields,
		     const struct pair *pair, struct input *input, struct buf *out)
{
	struct run run = {.query = query, .pair = pair};
	struct event_reader_options options = {
	    .timestamp_field = field_known_name(FIELD_TIMESTAMP),
	    .tiebreaker_field = text(pair, HEADER_TIEBREAKER),
	};

	run.tiebreaker = demand_fields(fields, pair);
	run.reader = event_reader_new(fields, &options);
	event_init(&run.event, fields);
	if (goes_way(pair, STR("machine")))
		by_machine(&run, input);
	else if (goes_way(pair, STR("stream")))
		by_stream(&run, input);
	else
		by_run(&run, input);
	put_results(&run.found, out);
	free_found(&run.found);
	event_free(&run.event);
	event_reader_free(run.reader);
}

static void answer(const struct pair *pair, struct input *input, struct buf *out)
{
	struct field_set *fields = field_set_new();
	struct eql_query *query;
	struct diag_list diags;
	struct arena arena;

	arena_init(&arena);
	diag_list_init(&diags);
	if (eql_compile(&arena, fields, text(pair, HEADER_QUERY), NULL, &diags, &query)) {
		skip_events(input, pair->numbers[HEADER_EVENTS]);
		put_refusal(&diags, out);
	} else {
		run_pair(query, fields, pair, input, out);
	}
	diag_list_free(&diags);
	field_set_free(fields);
	arena_free(&arena);
}

int main(void)
{
	struct json_reader *reader = json_reader_new();
	struct json_paths *paths = json_paths_new();
	struct input input = {0};
	struct pair pair = {0};
	struct buf out = {0};
	int err = 0;

	for (uint32_t i = 0; i < HEADER_COUNT; i++)
		json_paths_add(paths, headers[i].name, i);
	/* Written pair by pair: after a crash the number of answers names the pair. */
	while (!err && read_header(&input, reader, paths, &pair)) {
		buf_reset(&out);
		answer(&pair, &input, &out);
		err = buf_write_fd(&out, 1);
	}
	buf_free(&out);
	for (int i = 0; i < HEADER_COUNT; i++)
		buf_free(&pair.texts[i]);
	buf_free(&input.line);
	free(input.raw);
	json_paths_free(paths);
	json_reader_free(reader);
	return err != 0;
}
