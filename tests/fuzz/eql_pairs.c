/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lintel's side of eql_differential.py: runs queries over small sets of events as fast as it can.
 *
 *	stdin	{"query": "...", "events": N, "tiebreaker": "field", "size": N}	one header line,
 *		then N lines, an event each; tiebreaker and size may be left out; and so on
 *	stdout	one line per pair: [[0, 3], [2, null]]	results, as positions in the input's events,
 *						null for a missing one
 *		or				{"refused": "1:9: error: ..."}
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "eql/query.h"
#include "event/json.h"

enum {
	HEADER_QUERY,
	HEADER_EVENTS,
	HEADER_TIEBREAKER,
	HEADER_SIZE,
};

struct pair {
	struct buf query, tiebreaker;
	int64_t events, size; /* size < 0: all */
};

struct input {
	struct buf line; /* padded for the JSON reader */
	char *raw;
	size_t raw_size;
};

/* What a pair found, in order. */
struct results {
	struct kept_event **matches;
	size_t count, cap;
};

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

	if (id == HEADER_QUERY && value->type == JSON_STRING)
		buf_add(&pair->query, value->string);
	else if (id == HEADER_TIEBREAKER && value->type == JSON_STRING)
		buf_add(&pair->tiebreaker, value->string);
	else if (id == HEADER_EVENTS && value->type == JSON_INT)
		pair->events = value->integer;
	else if (id == HEADER_SIZE && value->type == JSON_INT)
		pair->size = value->integer;
	else
		die("a header's value is of the wrong type");
}

static bool read_header(struct input *input, struct json_reader *reader,
			const struct json_paths *paths, struct pair *pair)
{
	struct json_handler handler = {.value = take_header, .context = pair};
	const char *why;

	buf_reset(&pair->query);
	buf_reset(&pair->tiebreaker);
	pair->events = 0;
	pair->size = -1;
	if (!next_line(input))
		return false;
	if (json_read(reader, paths, buf_str(&input->line), &handler, NULL, &why))
		die(why);
	return true;
}

/* The field that breaks ties, or -1. */
static int32_t demand_fields(struct field_set *fields, const struct pair *pair)
{
	field_set_demand(fields, field_known_name(FIELD_TIMESTAMP));
	if (!pair->tiebreaker.len)
		return -1;
	return field_set_demand(fields, buf_str(&pair->tiebreaker));
}

static void add_result(struct results *results, struct kept_event *event)
{
	if (results->count == results->cap) {
		results->cap = results->cap ? results->cap * 2 : 64;
		results->matches =
		    xreallocarray(results->matches, results->cap, sizeof(struct kept_event *));
	}
	results->matches[results->count++] = event;
}

static void run(const struct eql_query *query, const struct field_set *fields, int32_t tiebreaker,
		const struct pair *pair, struct input *input, struct results *results)
{
	struct event_reader_options options = {
	    .timestamp_field = field_known_name(FIELD_TIMESTAMP),
	    .tiebreaker_field = buf_str(&pair->tiebreaker),
	};
	struct event_reader *reader = event_reader_new(fields, &options);
	struct eql_scratch *scratch = eql_scratch_new();
	struct event event;
	const char *why;

	event_init(&event, fields);
	for (int64_t i = 0; i < pair->events; i++) {
		event_reset(&event);
		if (!next_line(input))
			die("an event is missing");
		if (event_read_json(reader, buf_str(&input->line), &event, &why))
			die(why);
		if (eql_match(query, &event, scratch))
			add_result(results, kept_event_new(&event, NULL, 0, tiebreaker, (uint64_t)i,
							   STR("")));
	}
	event_free(&event);
	eql_scratch_free(scratch);
	event_reader_free(reader);
}

static int by_order(const void *a, const void *b)
{
	return kept_event_order_total(*(struct kept_event *const *)a,
				      *(struct kept_event *const *)b);
}

static void limit(enum eql_pipe_kind kind, uint64_t count, size_t *first, size_t *end)
{
	if (*end - *first <= count)
		return;
	if (kind == EQL_PIPE_HEAD)
		*end = *first + count;
	else
		*first = *end - count;
}

/* Elasticsearch's `size` is a limit before the first pipe, of the same kind. */
static void put_results(const struct eql_query *query, struct results *results, int64_t size,
			struct buf *out)
{
	size_t first = 0, end = results->count;

	if (end)
		qsort(results->matches, end, sizeof(*results->matches), by_order);
	if (size >= 0)
		limit(query->pipe_count ? query->pipes[0].kind : EQL_PIPE_TAIL, (uint64_t)size,
		      &first, &end);
	for (uint32_t i = 0; i < query->pipe_count; i++)
		limit(query->pipes[i].kind, query->pipes[i].count, &first, &end);
	buf_add_char(out, '[');
	for (size_t i = first; i < end; i++)
		buf_printf(out, "%s[%llu]", i > first ? ", " : "",
			   (unsigned long long)results->matches[i]->arrival);
	buf_add(out, STR("]\n"));
}

static void put_refusal(const struct diag_list *diags, struct buf *out)
{
	struct buf text = {0};
	struct json_writer json = json_writer_to(out);

	for (uint32_t i = 0; i < diags->count; i++)
		diag_format(&diags->items[i], false, &text);
	json_object(&json);
	json_member(&json, STR("refused"), buf_str(&text));
	json_end(&json);
	buf_add_char(out, '\n');
	buf_free(&text);
}

static void skip_events(struct input *input, int64_t count)
{
	while (count-- > 0)
		if (!next_line(input))
			die("an event is missing");
}

static void answer(const struct pair *pair, struct input *input, struct buf *out)
{
	struct field_set *fields = field_set_new();
	struct results results = {0};
	struct eql_query *query;
	struct diag_list diags;
	struct arena arena;

	arena_init(&arena);
	diag_list_init(&diags);
	if (eql_compile(&arena, fields, buf_str(&pair->query), NULL, &diags, &query)) {
		skip_events(input, pair->events);
		put_refusal(&diags, out);
	} else {
		int32_t tiebreaker = demand_fields(fields, pair);

		run(query, fields, tiebreaker, pair, input, &results);
		put_results(query, &results, pair->size, out);
	}
	for (size_t i = 0; i < results.count; i++)
		kept_event_unref(results.matches[i]);
	free(results.matches);
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

	json_paths_add(paths, STR("query"), HEADER_QUERY);
	json_paths_add(paths, STR("events"), HEADER_EVENTS);
	json_paths_add(paths, STR("tiebreaker"), HEADER_TIEBREAKER);
	json_paths_add(paths, STR("size"), HEADER_SIZE);
	/* Written pair by pair: after a crash the number of answers names the pair. */
	while (!err && read_header(&input, reader, paths, &pair)) {
		buf_reset(&out);
		answer(&pair, &input, &out);
		err = buf_write_fd(&out, 1);
	}
	buf_free(&out);
	buf_free(&pair.query);
	buf_free(&pair.tiebreaker);
	buf_free(&input.line);
	free(input.raw);
	json_paths_free(paths);
	json_reader_free(reader);
	return err != 0;
}
