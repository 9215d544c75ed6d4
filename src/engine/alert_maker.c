/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/log.h"
#include "engine/alert.h"

/* One event of an alert: its document, with the padding a reader wants, and what was read of it. */
struct made_event {
	struct event event;
	struct buf document;
};

struct alert_maker {
	const struct field_set *fields;
	struct event_reader *reader;
	struct made_event **made; /* as many as the longest finding so far has events */
	const struct event **events;
	uint32_t cap;
};

struct alert_maker *alert_maker_new(const struct field_set *fields)
{
	struct alert_maker *maker = xcalloc(1, sizeof(*maker));

	maker->fields = fields;
	maker->reader = event_reader_new(fields, NULL);
	return maker;
}

void alert_maker_free(struct alert_maker *maker)
{
	if (!maker)
		return;
	for (uint32_t i = 0; i < maker->cap; i++) {
		event_free(&maker->made[i]->event);
		buf_free(&maker->made[i]->document);
		free(maker->made[i]);
	}
	event_reader_free(maker->reader);
	free(maker->made);
	free(maker->events);
	free(maker);
}

static void make_room(struct alert_maker *maker, uint32_t count)
{
	if (count <= maker->cap)
		return;
	maker->made = xreallocarray(maker->made, count, sizeof(*maker->made));
	maker->events = xreallocarray(maker->events, count, sizeof(*maker->events));
	for (; maker->cap < count; maker->cap++) {
		maker->made[maker->cap] = xcalloc(1, sizeof(**maker->made));
		event_init(&maker->made[maker->cap]->event, maker->fields);
	}
}

static void own_value(struct arena *arena, struct value *v)
{
	if (v->type == VALUE_STRING)
		*v = value_str(arena_str(arena, value_as_str(v)));
	if (v->type != VALUE_LIST)
		return;
	struct value *items = ARENA_ARRAY(arena, struct value, v->count);

	memcpy(items, v->items, v->count * sizeof(*items));
	for (uint32_t i = 0; i < v->count; i++)
		own_value(arena, &items[i]);
	v->items = items;
}

/* Strings are the reader's until it reads the next document; an alert needs several at once. */
static void own_values(struct event *event)
{
	for (uint32_t i = 0; i < event->filled_count; i++)
		own_value(&event->arena, &event->values[event->filled[i]]);
}

static int read_document(struct alert_maker *maker, struct made_event *made,
			 const struct kept_event *kept)
{
	buf_reset(&made->document);
	buf_reserve(&made->document, kept->document.len + EVENT_JSON_PADDING);
	buf_add(&made->document, kept->document);
	event_reset(&made->event);
	int err = event_read_json(maker->reader, buf_str(&made->document), &made->event, NULL);

	if (err) {
		/* What was read once can be read again, but a match must not go in silence. */
		log_error("a matching event could not be read again for its alert");
		counter_add(COUNTER_INPUT_MALFORMED, 1);
		return err;
	}
	own_values(&made->event);
	return 0;
}

int alert_make(struct alert_maker *maker, const struct finding *finding, struct alert *alert)
{
	make_room(maker, finding->event_count);
	for (uint32_t i = 0; i < finding->event_count; i++) {
		maker->events[i] = NULL;
		if (!finding->events[i])
			continue;
		int err = read_document(maker, maker->made[i], finding->events[i]);

		if (err)
			return err;
		maker->events[i] = &maker->made[i]->event;
	}
	alert_from_finding(alert, finding, maker->events);
	return 0;
}
