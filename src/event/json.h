/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events from and to JSON.
 *
 * Reading: one document, ECS fields nested, dotted or mixed ("process": {"parent.name": ...}).
 * Only demanded fields are looked at, the rest is skipped over but must be JSON. A document with
 * an object under `_source` (an Elasticsearch search hit) is read from there. Arrays are flattened,
 * objects within arrays too; null values are no values. Of duplicate keys all values count.
 * Integers beyond 64 bits become doubles; what is beyond those too (1e400) is not read as JSON.
 *
 * The time of an event is its timestamp field: a number or a string of digits is milliseconds since
 * the epoch, other strings are ISO 8601; anything else leaves INT64_MIN. Its sequence is the
 * tiebreaker field where that holds an integer from 0, else the count of documents read so far.
 */
#ifndef LINTEL_EVENT_JSON_H
#define LINTEL_EVENT_JSON_H

#include "base/buf.h"
#include "base/json_reader.h"
#include "event/event.h"

/* The reader may touch this many bytes after the document's end; their value does not matter. */
#define EVENT_JSON_PADDING JSON_PADDING
/* Longest document and deepest nesting read. */
#define EVENT_JSON_BYTES_MAX JSON_DOCUMENT_BYTES_MAX
#define EVENT_JSON_DEPTH_MAX JSON_DEPTH_MAX

struct event_reader;

/* Which fields carry an event's time and order. */
struct event_reader_options {
	struct str timestamp_field;  /* empty: @timestamp */
	struct str tiebreaker_field; /* empty: order of arrival alone */
};

/* Demand the option's fields in `fields` before freezing it. `options` NULL: @timestamp and
 * event.sequence. */
struct event_reader *event_reader_new(const struct field_set *fields,
				      const struct event_reader_options *options);
/* Another one that reads the same, for another thread; `reader` must outlive it. */
struct event_reader *event_reader_copy(const struct event_reader *reader);
void event_reader_free(struct event_reader *reader);

/* Reads `json` into the (reset) event. Its strings are the reader's, good until the reader's next
 * call or end; its document is a slice of `json`. Returns 0; -EINVAL (not JSON, not an object),
 * -E2BIG (too deep or too long). On error `why` (if not NULL) gets a static text and the event is
 * reset. */
int event_read_json(struct event_reader *reader, struct str json, struct event *event,
		    const char **why) __attribute__((warn_unused_result));

/* Appends the event as one JSON object, without a newline: its own document where it has one (the
 * `_source` object of a hit), else its values, nested and in order of their names; fields that
 * fields.def does not have follow with dotted names. Where fields.def says multi, a single value is
 * written as an array too, as Elastic Defend does. */
void event_write_json(const struct event *event, struct buf *out);

struct json_writer;
/* One value; a list as an array. */
void value_write_json(const struct value *value, struct json_writer *writer);

#endif
