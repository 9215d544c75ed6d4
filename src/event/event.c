/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"

void event_init(struct event *event, const struct field_set *fields)
{
	uint32_t n = field_set_count(fields);

	*event = (struct event){.fields = fields, .time_ns = INT64_MIN};
	event->values = xcalloc(n, sizeof(*event->values));
	event->filled = xcalloc(n, sizeof(*event->filled));
	arena_init(&event->arena);
}

void event_free(struct event *event)
{
	free(event->values);
	free(event->filled);
	arena_free(&event->arena);
	*event = (struct event){0};
}

void event_reset(struct event *event)
{
	for (uint32_t i = 0; i < event->filled_count; i++)
		event->values[event->filled[i]] = (struct value){0};
	event->filled_count = 0;
	event->time_ns = INT64_MIN;
	event->sequence = 0;
	event->document = STR_NULL;
	arena_reset(&event->arena);
}

void event_set_str(struct event *event, uint32_t field, struct str s)
{
	if (s.p)
		event_set(event, field, value_str(s));
}

void event_set_str_copy(struct event *event, uint32_t field, struct str s)
{
	if (s.p)
		event_set(event, field, value_str(arena_str(&event->arena, s)));
}

void event_set_int(struct event *event, uint32_t field, int64_t i)
{
	event_set(event, field, value_int(i));
}

void event_set_bool(struct event *event, uint32_t field, bool b)
{
	event_set(event, field, value_bool(b));
}

void event_set_time(struct event *event, uint32_t field, int64_t epoch_ns)
{
	char *text = arena_bytes(&event->arena, CLOCK_TEXT_MAX);

	event_set(event, field, value_str(clock_format(epoch_ns, text)));
}

void event_append(struct event *event, uint32_t field, struct value value)
{
	struct value *slot = &event->values[field];
	uint32_t have = slot->type == VALUE_LIST ? slot->count : 1;

	if (value.type == VALUE_NULL)
		return;
	if (slot->type == VALUE_NULL) {
		event_set(event, field, value);
		return;
	}
	if (have >= EVENT_VALUES_MAX) {
		counter_add(COUNTER_INPUT_VALUES_CUT, 1);
		return;
	}
	/* The list grows by doubling: its capacity is the next power of two of its count. */
	const struct value *old = slot->type == VALUE_LIST ? slot->items : slot;
	struct value *items = (struct value *)old;

	if (slot->type != VALUE_LIST || (have & (have - 1)) == 0) {
		items = ARENA_ARRAY(&event->arena, struct value, (size_t)have * 2);
		memcpy(items, old, have * sizeof(*items));
	}
	items[have] = value;
	*slot = (struct value){.type = VALUE_LIST, .count = have + 1, .items = items};
}

void event_set_strs(struct event *event, uint32_t field, const struct str *items, uint32_t count)
{
	if (!count)
		return;
	if (count == 1) {
		event_set_str(event, field, items[0]);
		return;
	}
	/* Room for the next power of two, as event_append() expects of a list. */
	uint32_t room = 2;

	while (room < count)
		room *= 2;
	struct value *list = ARENA_ARRAY(&event->arena, struct value, room);

	for (uint32_t i = 0; i < count; i++)
		list[i] = value_str(items[i]);
	event_set(event, field, (struct value){.type = VALUE_LIST, .count = count, .items = list});
}

struct str event_get_str(const struct event *event, uint32_t field)
{
	const struct value *v = event_get(event, field);

	if (v->type == VALUE_LIST)
		v = &v->items[0];
	return v->type == VALUE_STRING ? value_as_str(v) : STR_NULL;
}
