/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event: a time, an order, and a dense array of values with one slot per field of a field_set.
 *
 * Who owns what: an event owns its value array and its arena; strings and lists in its values
 * point into that arena, into the source's or the JSON reader's buffer, or into longer-lived state
 * (process table), and are good until the event is reset or its source moves on. Evidence that must
 * outlive the event is copied as JSON text.
 *
 *	values:  [ @timestamp | container.id | ... | user.name | fields only rules name ... ]
 *	           0            1                   FIELD_KNOWN_COUNT
 */
#ifndef LINTEL_EVENT_EVENT_H
#define LINTEL_EVENT_EVENT_H

#include "base/arena.h"
#include "event/field.h"

enum value_type {
	VALUE_NULL, /* zero, so a cleared slot is a missing field */
	VALUE_BOOL,
	VALUE_INT,
	VALUE_DOUBLE,
	VALUE_STRING,
	VALUE_LIST, /* of the scalar types above, flat, never holding null, two or more */
};

struct value {
	uint32_t type;  /* enum value_type */
	uint32_t count; /* bytes of a string, items of a list */
	union {
		bool boolean;
		int64_t integer;
		double real;
		const char *text;
		const struct value *items;
	};
};

static inline struct value value_bool(bool b)
{
	return (struct value){.type = VALUE_BOOL, .boolean = b};
}

static inline struct value value_int(int64_t i)
{
	return (struct value){.type = VALUE_INT, .integer = i};
}

static inline struct value value_double(double d)
{
	return (struct value){.type = VALUE_DOUBLE, .real = d};
}

/* Strings are bounded far below 4 GiB by every source. */
static inline struct value value_str(struct str s)
{
	return (struct value){.type = VALUE_STRING, .count = (uint32_t)s.len, .text = s.p};
}

static inline struct str value_as_str(const struct value *v)
{
	return (struct str){v->text, v->count};
}

struct event {
	const struct field_set *fields;
	struct value *values; /* field_set_count(fields) slots */
	uint16_t *filled;     /* ids of the slots that are not null, in order of filling */
	uint32_t filled_count;
	struct arena arena;  /* reset with the event */
	int64_t time_ns;     /* epoch; INT64_MIN when the input has no usable time */
	uint64_t sequence;   /* order of arrival; unique within a run */
	struct str document; /* the input's JSON text, empty for an event the sensor made */
};

/* `fields` must not change any more and must outlive the event. */
void event_init(struct event *event, const struct field_set *fields);
void event_free(struct event *event);
/* All slots null, arena empty. Costs what was filled, not what could be. */
void event_reset(struct event *event);

/* Fill a slot. A null value is ignored; a slot filled twice keeps the later value. Inline: a reader
 * does this for every value of every event. */
static inline void event_set(struct event *event, uint32_t field, struct value value)
{
	struct value *slot = &event->values[field];

	if (value.type == VALUE_NULL)
		return;
	if (slot->type == VALUE_NULL)
		event->filled[event->filled_count++] = (uint16_t)field;
	*slot = value;
}

/* The string is borrowed: it must live as long as the event. Empty pointer: nothing is set. */
void event_set_str(struct event *event, uint32_t field, struct str s);
/* Copies the string into the event's arena first. */
void event_set_str_copy(struct event *event, uint32_t field, struct str s);
void event_set_int(struct event *event, uint32_t field, int64_t i);
void event_set_bool(struct event *event, uint32_t field, bool b);
/* A date, as its ISO 8601 text. */
void event_set_time(struct event *event, uint32_t field, int64_t epoch_ns);
/* Appends to what the slot has: null → scalar → list. Lists longer than EVENT_VALUES_MAX are cut
 * and counted. */
void event_append(struct event *event, uint32_t field, struct value value);
/* A list of borrowed strings in one go (argv). */
void event_set_strs(struct event *event, uint32_t field, const struct str *items, uint32_t count);

/* More values in one field than any sensor sends; a document of a million would cost every rule. */
#define EVENT_VALUES_MAX 8192

static inline const struct value *event_get(const struct event *event, uint32_t field)
{
	return &event->values[field];
}

/* The first (or only) string of a field, or STR_NULL when it is missing or not a string. */
struct str event_get_str(const struct event *event, uint32_t field);

#endif
