/* SPDX-License-Identifier: Apache-2.0 */
/* The public interface over the eql and event rooms; what it promises is in lintel-eql.h. */
#include "lib/lintel-eql.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/json_writer.h"
#include "eql/run.h"
#include "eql/stream.h"
#include "event/json.h"

#define VERSION_TEXT_OF(n) #n
#define VERSION_TEXT(n) VERSION_TEXT_OF(n)

const char *lintel_eql_version(void)
{
	return VERSION_TEXT(LINTEL_EQL_VERSION_MAJOR) "." VERSION_TEXT(
	    LINTEL_EQL_VERSION_MINOR) "." VERSION_TEXT(LINTEL_EQL_VERSION_PATCH);
}

struct lintel_eql_query {
	struct arena arena;
	struct field_set *fields; /* frozen */
	struct eql_query *query;
	struct event_reader_options reader;
	uint32_t timestamp;
	int32_t tiebreaker; /* or -1 */
	const char **names; /* of the fields it reads */
	size_t name_count;
};

struct lintel_eql_error {
	struct diag_list diags;
	struct buf text; /* ended by a zero byte */
};

struct lintel_eql_event {
	const struct lintel_eql_query *query;
	struct event event;
	struct event_reader *reader;
	struct eql_scratch *scratch;
	struct buf json; /* the document, padded for the reader */
};

struct lintel_eql_run {
	const struct lintel_eql_query *query;
	struct lintel_eql_run_options options;
	struct lintel_eql_event *event; /* of lintel_eql_run_add_json() */
	struct eql_run *batch;          /* or */
	struct eql_stream *stream;
	struct buf document; /* of an event filled by fields */
	struct buf keys;     /* of the result in hand */
};

struct lintel_eql_result {
	const struct eql_result *result;
	struct buf *keys;
};

/* The members that the caller's version of a structure has, over our defaults. */
static void take_options(void *ours, size_t size, const void *theirs, size_t their_size)
{
	if (theirs)
		memcpy(ours, theirs, their_size < size ? their_size : size);
}

/* ---- compiling */

static struct str name_or(struct arena *arena, const char *name, struct str otherwise)
{
	return name && *name ? arena_str(arena, str_from(name)) : otherwise;
}

static void collect_names(struct lintel_eql_query *query)
{
	uint32_t count = field_set_count(query->fields);

	query->names = ARENA_ARRAY(&query->arena, const char *, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct field_info *info = field_set_info(query->fields, i);

		if (info->demanded)
			query->names[query->name_count++] = arena_str(&query->arena, info->name).p;
	}
}

/* What the caller's options demand beside the query's own fields. */
static int demand(struct lintel_eql_query *query, const lintel_eql_options *options)
{
	struct str timestamp =
	    name_or(&query->arena, options->timestamp_field, field_known_name(FIELD_TIMESTAMP));
	struct str tiebreaker = name_or(&query->arena, options->tiebreaker_field, STR(""));
	int32_t field = field_set_demand(query->fields, timestamp);

	query->reader = (struct event_reader_options){timestamp, tiebreaker};
	query->tiebreaker = tiebreaker.len ? field_set_demand(query->fields, tiebreaker) : -1;
	if (field < 0 || (tiebreaker.len && query->tiebreaker < 0))
		return -ENOSPC;
	query->timestamp = (uint32_t)field;
	return 0;
}

static int compile(struct lintel_eql_query *query, struct str text,
		   const lintel_eql_options *options, struct diag_list *diags)
{
	struct eql_options eql = {
	    .category_field = str_from(options->category_field),
	    .dialect = options->dialect == LINTEL_EQL_ENDPOINT ? EQL_DIALECT_ENDPOINT
							       : EQL_DIALECT_ELASTICSEARCH,
	};
	int err = eql_compile(&query->arena, query->fields, text, &eql, diags, &query->query);

	if (!err && (err = demand(query, options)) != 0)
		diag_add(diags, (struct diag){.level = DIAG_ERROR},
			 "the query names more than %d fields", FIELD_SET_MAX);
	if (!err)
		collect_names(query);
	return err;
}

static lintel_eql_error *error_new(struct diag_list diags)
{
	lintel_eql_error *error = xcalloc(1, sizeof(*error));

	error->diags = diags;
	for (uint32_t i = 0; i < diags.count; i++)
		diag_format(&diags.items[i], false, &error->text);
	buf_add_char(&error->text, '\0');
	return error;
}

lintel_eql_query *lintel_eql_compile(const char *text, size_t length,
				     const lintel_eql_options *options, lintel_eql_error **error)
{
	lintel_eql_options o = LINTEL_EQL_OPTIONS_INIT;
	lintel_eql_query *query = xcalloc(1, sizeof(*query));
	struct diag_list diags;

	take_options(&o, sizeof(o), options, options ? options->struct_size : 0);
	arena_init(&query->arena);
	diag_list_init(&diags);
	query->fields = field_set_new();
	int err = compile(query, (struct str){text, length}, &o, &diags);

	if (err) {
		lintel_eql_query_free(query);
		query = NULL;
	}
	if (err && error)
		*error = error_new(diags);
	else
		diag_list_free(&diags);
	return query;
}

void lintel_eql_query_free(lintel_eql_query *query)
{
	if (!query)
		return;
	field_set_free(query->fields);
	arena_free(&query->arena);
	free(query);
}

const char *lintel_eql_error_text(const lintel_eql_error *error)
{
	return error->text.p;
}

size_t lintel_eql_error_count(const lintel_eql_error *error)
{
	return error->diags.count;
}

const char *lintel_eql_error_message(const lintel_eql_error *error, size_t i)
{
	return error->diags.items[i].message.p;
}

unsigned lintel_eql_error_line(const lintel_eql_error *error, size_t i)
{
	return error->diags.items[i].line;
}

unsigned lintel_eql_error_column(const lintel_eql_error *error, size_t i)
{
	return error->diags.items[i].column;
}

void lintel_eql_error_free(lintel_eql_error *error)
{
	if (!error)
		return;
	diag_list_free(&error->diags);
	buf_free(&error->text);
	free(error);
}

lintel_eql_kind lintel_eql_query_kind(const lintel_eql_query *query)
{
	switch (query->query->kind) {
	case EQL_QUERY_SEQUENCE:
		return LINTEL_EQL_SEQUENCE;
	case EQL_QUERY_SAMPLE:
		return LINTEL_EQL_SAMPLE;
	case EQL_QUERY_EVENT:
		break;
	}
	return LINTEL_EQL_EVENT;
}

int lintel_eql_query_is_single(const lintel_eql_query *query)
{
	return eql_query_is_stateless(query->query);
}

size_t lintel_eql_query_field_count(const lintel_eql_query *query)
{
	return query->name_count;
}

const char *lintel_eql_query_field(const lintel_eql_query *query, size_t i)
{
	return query->names[i];
}

/* ---- events */

lintel_eql_event *lintel_eql_event_new(const lintel_eql_query *query)
{
	lintel_eql_event *event = xcalloc(1, sizeof(*event));

	event->query = query;
	event->reader = event_reader_new(query->fields, &query->reader);
	event->scratch = eql_scratch_new();
	event_init(&event->event, query->fields);
	return event;
}

void lintel_eql_event_free(lintel_eql_event *event)
{
	if (!event)
		return;
	event_free(&event->event);
	eql_scratch_free(event->scratch);
	event_reader_free(event->reader);
	buf_free(&event->json);
	free(event);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A document is shown within others: without the blanks JSON allows around it. */
static struct str trimmed(struct str json)
{
	while (json.len && is_blank(json.p[0]))
		json = (struct str){json.p + 1, json.len - 1};
	while (json.len && is_blank(json.p[json.len - 1]))
		json.len--;
	return json;
}

int lintel_eql_event_read_json(lintel_eql_event *event, const char *json, size_t length,
			       const char **why)
{
	if (why)
		*why = NULL;
	event_reset(&event->event);
	if (length > EVENT_JSON_BYTES_MAX) {
		if (why)
			*why = "longer than 16 MiB";
		return -E2BIG;
	}
	buf_reset(&event->json);
	buf_add(&event->json, trimmed((struct str){json, length}));
	buf_reserve(&event->json, EVENT_JSON_PADDING);
	return event_read_json(event->reader, buf_str(&event->json), &event->event, why);
}

void lintel_eql_event_reset(lintel_eql_event *event)
{
	event_reset(&event->event);
}

int lintel_eql_event_set_time(lintel_eql_event *event, int64_t ns)
{
	event->event.time_ns = ns;
	event_set_time(&event->event, event->query->timestamp, ns);
	return 0;
}

static int add(lintel_eql_event *event, const char *name, struct value value)
{
	int32_t field = field_set_find(event->query->fields, str_from(name));

	if (field < 0)
		return 0;
	const struct value *has = event_get(&event->event, (uint32_t)field);

	if (has->type == VALUE_LIST && has->count >= EVENT_VALUES_MAX)
		return -E2BIG;
	event_append(&event->event, (uint32_t)field, value);
	return 0;
}

int lintel_eql_event_add_string(lintel_eql_event *event, const char *field, const char *value,
				size_t length)
{
	if (length >= EVENT_JSON_BYTES_MAX)
		return -E2BIG;
	if (field_set_find(event->query->fields, str_from(field)) < 0)
		return 0;
	return add(event, field,
		   value_str(arena_str(&event->event.arena, (struct str){value, length})));
}

int lintel_eql_event_add_int(lintel_eql_event *event, const char *field, int64_t value)
{
	return add(event, field, value_int(value));
}

int lintel_eql_event_add_double(lintel_eql_event *event, const char *field, double value)
{
	return add(event, field, value_double(value));
}

int lintel_eql_event_add_bool(lintel_eql_event *event, const char *field, int value)
{
	return add(event, field, value_bool(value != 0));
}

int lintel_eql_event_match(lintel_eql_event *event)
{
	if (!eql_query_is_stateless(event->query->query))
		return -ENOTSUP;
	return eql_match(event->query->query, &event->event, event->scratch);
}

int lintel_eql_match(const lintel_eql_query *query, const char *json, size_t length)
{
	lintel_eql_event *event = lintel_eql_event_new(query);
	int result = lintel_eql_event_read_json(event, json, length, NULL);

	if (!result)
		result = lintel_eql_event_match(event);
	lintel_eql_event_free(event);
	return result;
}

/* ---- runs */

static void found(void *context, const struct eql_result *result)
{
	lintel_eql_run *run = context;
	lintel_eql_result shown = {.result = result, .keys = &run->keys};

	buf_reset(&run->keys);
	run->options.found(run->options.context, &shown);
}

size_t lintel_eql_result_event_count(const lintel_eql_result *result)
{
	return result->result->event_count;
}

const char *lintel_eql_result_event(const lintel_eql_result *result, size_t i, size_t *length)
{
	const struct kept_event *event = result->result->events[i];

	if (length)
		*length = event ? event->document.len : 0;
	return event ? event->document.p : NULL;
}

uint64_t lintel_eql_result_event_number(const lintel_eql_result *result, size_t i)
{
	const struct kept_event *event = result->result->events[i];

	return event ? event->arrival : UINT64_MAX;
}

const char *lintel_eql_result_keys(const lintel_eql_result *result, size_t *length)
{
	struct buf *text = result->keys;

	if (!text->len) {
		struct json_writer w = json_writer_to(text);

		json_array(&w);
		for (uint32_t i = 0; i < result->result->key_count; i++)
			value_write_json(&result->result->keys[i], &w);
		json_end(&w);
		buf_add_char(text, '\0');
	}
	if (length)
		*length = text->len - 1;
	return text->p;
}

/* Of a stream; a batch has its own default. */
#define STREAM_BYTES_DEFAULT ((size_t)256 << 20)

static void begin_batch(lintel_eql_run *run)
{
	const lintel_eql_run_options *o = &run->options;

	run->batch = eql_run_new(run->query->query,
				 &(struct eql_run_options){
				     .size = o->size < 0 ? EQL_RUN_NO_SIZE : (uint64_t)o->size,
				     .samples_per_key = o->samples_per_key,
				     .tiebreaker_field = run->query->tiebreaker,
				     .bytes_max = o->memory_max,
				     .found = found,
				     .context = run,
				 });
}

static void begin_stream(lintel_eql_run *run)
{
	const lintel_eql_run_options *o = &run->options;

	run->stream =
	    eql_stream_new(run->query->query,
			   &(struct eql_stream_options){
			       .tolerance_ns = o->tolerance_ns < 0 ? 0 : o->tolerance_ns,
			       .tiebreaker_field = run->query->tiebreaker,
			       .arrival_breaks_ties = o->arrival_breaks_ties != 0,
			       .window_ns = o->sample_window_ns < 0 ? 0 : o->sample_window_ns,
			       .bytes_max = o->memory_max ? o->memory_max : STREAM_BYTES_DEFAULT,
			       .found = found,
			       .context = run,
			   });
}

lintel_eql_run *lintel_eql_run_new(const lintel_eql_query *query,
				   const lintel_eql_run_options *options)
{
	lintel_eql_run_options o = LINTEL_EQL_RUN_OPTIONS_INIT;

	take_options(&o, sizeof(o), options, options ? options->struct_size : 0);
	if (!o.found || (o.mode == LINTEL_EQL_STREAM && (o.size >= 0 || query->query->pipe_count)))
		return NULL;
	lintel_eql_run *run = xcalloc(1, sizeof(*run));

	run->query = query;
	run->options = o;
	run->event = lintel_eql_event_new(query);
	if (o.mode == LINTEL_EQL_STREAM)
		begin_stream(run);
	else
		begin_batch(run);
	return run;
}

void lintel_eql_run_free(lintel_eql_run *run)
{
	if (!run)
		return;
	eql_run_free(run->batch);
	eql_stream_free(run->stream);
	lintel_eql_event_free(run->event);
	buf_free(&run->document);
	buf_free(&run->keys);
	free(run);
}

static void take(lintel_eql_run *run, const struct event *event, struct str document)
{
	if (run->batch)
		eql_run_take(run->batch, event, document);
	else
		eql_stream_take(run->stream, event, document);
}

int lintel_eql_run_add_json(lintel_eql_run *run, const char *json, size_t length, const char **why)
{
	int err = lintel_eql_event_read_json(run->event, json, length, why);

	if (!err)
		take(run, &run->event->event, run->event->event.document);
	return err;
}

int lintel_eql_run_add(lintel_eql_run *run, const lintel_eql_event *event)
{
	struct str document = event->event.document;

	if (event->query != run->query)
		return -EINVAL;
	if (!document.len) {
		buf_reset(&run->document);
		event_write_json(&event->event, &run->document);
		document = buf_str(&run->document);
	}
	take(run, &event->event, document);
	return 0;
}

void lintel_eql_run_finish(lintel_eql_run *run)
{
	if (run->batch)
		eql_run_finish(run->batch);
	else
		eql_stream_finish(run->stream);
}

/* ---- what was lost */

const char *lintel_eql_loss(size_t i, uint64_t *count)
{
	static const enum counter causes[] = {
	    COUNTER_INPUT_VALUES_CUT, COUNTER_EVALUATION_ERROR, COUNTER_EVALUATION_CUT,
	    COUNTER_REGEX_LIMIT,      COUNTER_EVENT_LATE,       COUNTER_EVENT_UNTIMED,
	    COUNTER_SEQUENCE_EVICTED, COUNTER_RESULTS_DROPPED,  COUNTER_KEYS_CUT,
	    COUNTER_LINEAGE_EVICTED,
	};

	if (i >= sizeof(causes) / sizeof(*causes))
		return NULL;
	if (count)
		*count = counter_get(causes[i]);
	return counter_text(causes[i]);
}
