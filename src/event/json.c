/* SPDX-License-Identifier: Apache-2.0 */
#include "event/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"

struct event_reader {
	struct json_reader *json;
	struct json_paths *paths; /* only read; of a copy those of the original */
	bool is_copy;
	int32_t timestamp; /* field ids, negative: none */
	int32_t tiebreaker;
	uint64_t arrived;
	struct event *event; /* being filled */
};

static int32_t find_and_want(struct event_reader *reader, const struct field_set *fields,
			     struct str name)
{
	int32_t id = field_set_find(fields, name);

	if (id >= 0)
		json_paths_add(reader->paths, name, (uint32_t)id);
	return id;
}

struct event_reader *event_reader_new(const struct field_set *fields,
				      const struct event_reader_options *options)
{
	struct event_reader *reader = xcalloc(1, sizeof(*reader));
	struct str timestamp = field_known_name(FIELD_TIMESTAMP);
	struct str tiebreaker = field_known_name(FIELD_EVENT_SEQUENCE);

	if (options) {
		timestamp = options->timestamp_field.len ? options->timestamp_field : timestamp;
		tiebreaker = options->tiebreaker_field;
	}
	reader->json = json_reader_new();
	reader->paths = json_paths_new();
	json_paths_set_envelope(reader->paths, STR("_source"));
	reader->timestamp = find_and_want(reader, fields, timestamp);
	reader->tiebreaker = tiebreaker.len ? find_and_want(reader, fields, tiebreaker) : -ENOENT;
	for (uint32_t id = 0; id < field_set_count(fields); id++) {
		const struct field_info *info = field_set_info(fields, id);

		if (info->demanded)
			json_paths_add(reader->paths, info->name, id);
	}
	return reader;
}

struct event_reader *event_reader_copy(const struct event_reader *reader)
{
	struct event_reader *copy = xcalloc(1, sizeof(*copy));

	copy->json = json_reader_new();
	copy->paths = reader->paths;
	copy->is_copy = true;
	copy->timestamp = reader->timestamp;
	copy->tiebreaker = reader->tiebreaker;
	return copy;
}

void event_reader_free(struct event_reader *reader)
{
	if (!reader)
		return;
	if (!reader->is_copy)
		json_paths_free(reader->paths);
	json_reader_free(reader->json);
	free(reader);
}

static struct value value_of(const struct json_value *json)
{
	switch (json->type) {
	case JSON_INT:
		return value_int(json->integer);
	case JSON_DOUBLE:
		return value_double(json->real);
	case JSON_BOOL:
		return value_bool(json->boolean);
	default:
		return value_str(json->string);
	}
}

static void on_value(void *context, uint32_t id, const struct json_value *json)
{
	struct event *event = ((struct event_reader *)context)->event;
	/* Nearly all are strings. */
	struct value value = json->type == JSON_STRING ? value_str(json->string) : value_of(json);

	if (event_get(event, id)->type == VALUE_NULL)
		event_set(event, id, value);
	else
		event_append(event, id, value);
}

static void on_restart(void *context)
{
	struct event_reader *reader = context;

	event_reset(reader->event);
}

static int64_t time_of_ms(int64_t ms)
{
	int64_t ns;

	return __builtin_mul_overflow(ms, NS_PER_MS, &ns) ? INT64_MIN : ns;
}

static int64_t time_of_real_ms(double ms)
{
	/* 2^63 ns in ms, rounded down; also keeps NaN out. */
	if (!(fabs(ms) < 9.2e12))
		return INT64_MIN;
	double whole = floor(ms);

	return (int64_t)whole * NS_PER_MS + (int64_t)((ms - whole) * (double)NS_PER_MS);
}

/* Milliseconds as text: an optional sign and digits, few enough not to overflow. */
static bool digits_only(struct str s, int64_t *ms)
{
	bool negative = s.len && s.p[0] == '-';
	int64_t n = 0;

	if (s.len == negative || s.len > 18)
		return false;
	for (size_t i = negative; i < s.len; i++) {
		unsigned digit = (unsigned char)s.p[i] - '0';

		if (digit > 9)
			return false;
		n = n * 10 + digit;
	}
	*ms = negative ? -n : n;
	return true;
}

static int64_t time_of(const struct value *v)
{
	int64_t n;

	if (v->type == VALUE_LIST)
		v = &v->items[0];
	switch (v->type) {
	case VALUE_INT:
		return time_of_ms(v->integer);
	case VALUE_DOUBLE:
		return time_of_real_ms(v->real);
	case VALUE_STRING:
		if (digits_only(value_as_str(v), &n))
			return time_of_ms(n);
		return clock_parse(value_as_str(v), &n) ? INT64_MIN : n;
	default:
		return INT64_MIN;
	}
}

int event_read_json(struct event_reader *reader, struct str json, struct event *event,
		    const char **why)
{
	const struct json_handler handler = {
	    .value = on_value, .restart = on_restart, .context = reader};
	struct str document;

	reader->event = event;
	int err = json_read(reader->json, reader->paths, json, &handler, &document, why);

	if (err) {
		event_reset(event);
		return err;
	}
	event->document = document;
	event->sequence = ++reader->arrived;
	if (reader->timestamp >= 0)
		event->time_ns = time_of(event_get(event, (uint32_t)reader->timestamp));
	if (reader->tiebreaker >= 0) {
		const struct value *v = event_get(event, (uint32_t)reader->tiebreaker);

		if (v->type == VALUE_INT && v->integer >= 0)
			event->sequence = (uint64_t)v->integer;
	}
	return 0;
}
