/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a line of input. What is accepted must survive a round trip: the values of the
 * event, written by event_write_json() and read again, are the same values. The line is held
 * exactly, its padding alone behind it, and the padding's content must not matter.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "event/json.h"

static const char *const names[] = {
    "@timestamp",
    "event.sequence",
    "event.category",
    "process.name",
    "process.parent.name",
    "process.args",
    "process.pid",
    "a",
    "a.b",
    "a.b.c",
    "x.y",
};

static struct field_set *fields;
/* A reader owns its event's strings until it reads again. */
static struct event_reader *reader, *other_reader;
static struct event first, second;

static void set_up(void)
{
	fields = field_set_new();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		field_set_demand(fields, str_from(names[i]));
	reader = event_reader_new(fields, NULL);
	other_reader = event_reader_new(fields, NULL);
	event_init(&first, fields);
	event_init(&second, fields);
}

static void require(bool holds)
{
	if (!holds)
		abort();
}

static char *padded(struct str text, int fill)
{
	char *copy = xmalloc(text.len + EVENT_JSON_PADDING);

	if (text.len)
		memcpy(copy, text.p, text.len);
	memset(copy + text.len, fill, EVENT_JSON_PADDING);
	return copy;
}

static bool same_scalar(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_INT:
		return a->integer == b->integer;
	case VALUE_DOUBLE:
		return a->real == b->real;
	case VALUE_STRING:
		return str_eq(value_as_str(a), value_as_str(b));
	default:
		return true;
	}
}

static bool same(const struct value *a, const struct value *b)
{
	if (a->type != VALUE_LIST || b->type != VALUE_LIST)
		return same_scalar(a, b);
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!same_scalar(&a->items[i], &b->items[i]))
			return false;
	return true;
}

/* JSON has no infinities: they are written as null, which is no value. */
static bool is_finite(const struct value *v)
{
	if (v->type == VALUE_DOUBLE)
		return isfinite(v->real);
	if (v->type != VALUE_LIST)
		return true;
	for (uint32_t i = 0; i < v->count; i++)
		if (!is_finite(&v->items[i]))
			return false;
	return true;
}

static void require_same_events(void)
{
	for (uint32_t id = 0; id < field_set_count(fields); id++)
		if (is_finite(event_get(&first, id)))
			require(same(event_get(&first, id), event_get(&second, id)));
}

static void read_with_other_padding(struct str line, int expected)
{
	char *copy = padded(line, '}');

	event_reset(&second);
	require(event_read_json(other_reader, (struct str){copy, line.len}, &second, NULL) ==
		expected);
	require_same_events();
	free(copy);
}

static void read_what_is_written(void)
{
	struct buf out = {0};

	/* Without its document an event is written from its values. */
	first.document = STR_NULL;
	event_write_json(&first, &out);
	char *copy = padded(buf_str(&out), 0);

	event_reset(&second);
	require(event_read_json(other_reader, (struct str){copy, out.len}, &second, NULL) == 0);
	require_same_events();
	free(copy);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str line = {(const char *)data, size};
	const char *why = NULL;

	if (!fields)
		set_up();
	char *copy = padded(line, 0);

	event_reset(&first);
	int err = event_read_json(reader, (struct str){copy, size}, &first, &why);

	if (err)
		require(why && !first.filled_count && !first.document.len);
	else
		require(first.document.p >= copy &&
			first.document.p + first.document.len <= copy + size);
	read_with_other_padding(line, err);
	if (!err)
		read_what_is_written();
	event_reset(&first);
	free(copy);
	return 0;
}
