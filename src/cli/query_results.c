/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/query_results_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "event/json.h"

/* Written in pieces of this size when nobody waits for single lines. */
#define WRITE_BYTES ((size_t)64 * 1024)

struct query_results {
	const struct eql_query *query;
	bool count_only;
	uint64_t count;
	struct eql_run *run;         /* NULL: each match is printed as it comes */
	struct eql_scratch *scratch; /* then */
	struct buf out;
	int error; /* of a write, once there was one */
};

int query_results_flush(struct query_results *results)
{
	if (!results->error)
		results->error = buf_write_fd(&results->out, STDOUT_FILENO);
	buf_reset(&results->out);
	return results->error;
}

static void end_line(struct query_results *results)
{
	buf_add_char(&results->out, '\n');
	if (results->out.len >= WRITE_BYTES)
		(void)!query_results_flush(results); /* kept in results->error */
}

/* A line as a value within another: blanks at its ends may be a tab or carriage return. */
static struct str trimmed(struct str line)
{
	while (line.len && (unsigned char)line.p[line.len - 1] <= ' ')
		line.len--;
	while (line.len && (unsigned char)*line.p <= ' ') {
		line.p++;
		line.len--;
	}
	return line;
}

static void put_group(struct query_results *results, const struct eql_result *result)
{
	struct json_writer w = json_writer_to(&results->out);

	json_object(&w);
	json_key(&w, STR("join_keys"));
	json_array(&w);
	for (uint32_t i = 0; i < result->key_count; i++)
		value_write_json(&result->keys[i], &w);
	json_end(&w);
	json_key(&w, STR("events"));
	json_array(&w);
	for (uint32_t i = 0; i < result->event_count; i++)
		if (result->events[i])
			json_raw(&w, trimmed(result->events[i]->document));
		else
			json_null(&w);
	json_end(&w);
	json_end(&w);
}

static void print_result(void *context, const struct eql_result *result)
{
	struct query_results *results = context;

	results->count++;
	if (results->count_only || results->error)
		return;
	if (results->query->kind == EQL_QUERY_EVENT)
		buf_add(&results->out, result->events[0]->document);
	else
		put_group(results, result);
	end_line(results);
}

struct query_results *query_results_new(const struct eql_query *query,
					const struct eql_run_options *options, bool count_only)
{
	struct query_results *results = xcalloc(1, sizeof(*results));
	struct eql_run_options run = *options;

	results->query = query;
	results->count_only = count_only;
	if (eql_query_is_stateless(query) && options->size == EQL_RUN_NO_SIZE &&
	    !query->pipe_count) {
		results->scratch = eql_scratch_new();
		return results;
	}
	run.found = print_result;
	run.context = results;
	results->run = eql_run_new(query, &run);
	return results;
}

void query_results_free(struct query_results *results)
{
	if (!results)
		return;
	eql_run_free(results->run);
	if (results->scratch)
		eql_scratch_free(results->scratch);
	buf_free(&results->out);
	free(results);
}

int query_results_take(struct query_results *results, const struct event *event, struct str line)
{
	if (results->run) {
		eql_run_take(results->run, event, results->count_only ? STR("") : line);
		return results->error;
	}
	if (!eql_match(results->query, event, results->scratch))
		return 0;
	results->count++;
	if (!results->count_only) {
		buf_add(&results->out, line);
		end_line(results);
	}
	return results->error;
}

bool query_results_full(const struct query_results *results)
{
	return results->run && eql_run_is_full(results->run);
}

int query_results_finish(struct query_results *results)
{
	if (results->run)
		eql_run_finish(results->run);
	if (results->count_only)
		buf_printf(&results->out, "%llu\n", (unsigned long long)results->count);
	return query_results_flush(results);
}
