/* SPDX-License-Identifier: Apache-2.0 */
#include "event/kept.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Bytes behind the values: items of lists first, they need alignment, then text. */
struct need {
	size_t items, text;
};

static void add_need(struct need *need, const struct value *v)
{
	if (v->type == VALUE_STRING) {
		need->text += v->count;
	} else if (v->type == VALUE_LIST) {
		need->items += v->count;
		for (uint32_t i = 0; i < v->count; i++)
			add_need(need, &v->items[i]);
	}
}

/* Where copies go next. */
struct room {
	struct value *items;
	char *text;
};

static struct str copy_text(struct room *room, struct str s)
{
	struct str copy = {room->text, s.len};

	if (s.len)
		memcpy(room->text, s.p, s.len);
	room->text += s.len;
	return copy;
}

static struct value copy_value(struct room *room, const struct value *v)
{
	struct value copy = *v;

	if (v->type == VALUE_STRING) {
		copy.text = copy_text(room, value_as_str(v)).p;
	} else if (v->type == VALUE_LIST) {
		struct value *items = room->items;

		room->items += v->count;
		for (uint32_t i = 0; i < v->count; i++)
			items[i] = copy_value(room, &v->items[i]);
		copy.items = items;
	}
	return copy;
}

static const struct value *first_value(const struct value *v)
{
	return v->type == VALUE_LIST ? &v->items[0] : v;
}

struct kept_event *kept_event_new(const struct event *event, const uint32_t *fields, uint32_t count,
				  int32_t tiebreaker_field, uint64_t arrival, struct str document)
{
	static const struct value none;
	const struct value *tiebreaker = &none;
	struct need need = {.text = document.len};
	uint32_t present = 0;

	if (tiebreaker_field >= 0)
		tiebreaker = first_value(event_get(event, (uint32_t)tiebreaker_field));
	add_need(&need, tiebreaker);
	for (uint32_t i = 0; i < count; i++) {
		const struct value *v = event_get(event, fields[i]);

		present += v->type != VALUE_NULL;
		add_need(&need, v);
	}
	size_t head = sizeof(struct kept_event) + present * sizeof(struct kept_value);
	size_t bytes = head + need.items * sizeof(struct value) + need.text;
	struct kept_event *kept = xmalloc(bytes);
	struct room room = {(struct value *)((char *)kept + head), NULL};

	room.text = (char *)(room.items + need.items);
	kept->references = 1;
	kept->pooled = 0;
	kept->value_count = 0;
	kept->bytes = bytes;
	kept->time_ns = event->time_ns;
	kept->arrival = arrival;
	kept->tiebreaker = copy_value(&room, tiebreaker);
	for (uint32_t i = 0; i < count; i++) {
		const struct value *v = event_get(event, fields[i]);

		if (v->type != VALUE_NULL)
			kept->values[kept->value_count++] =
			    (struct kept_value){fields[i], copy_value(&room, v)};
	}
	kept->document = copy_text(&room, document);
	return kept;
}

void kept_event_unref(struct kept_event *kept)
{
	if (kept && --kept->references == 0)
		free(kept);
}

const struct value *kept_event_get(const struct kept_event *kept, uint32_t field)
{
	static const struct value missing;
	uint32_t low = 0, high = kept->value_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (kept->values[middle].field < field)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < kept->value_count && kept->values[low].field == field)
		return &kept->values[low].value;
	return &missing;
}

enum rank {
	RANK_NUMBER,
	RANK_STRING,
	RANK_MISSING
};

static enum rank rank_of(const struct value *v)
{
	if (v->type == VALUE_NULL)
		return RANK_MISSING;
	return v->type == VALUE_STRING ? RANK_STRING : RANK_NUMBER;
}

static double as_double(const struct value *v)
{
	if (v->type == VALUE_DOUBLE)
		return v->real;
	return v->type == VALUE_INT ? (double)v->integer : (double)v->boolean;
}

static int compare_numbers(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_INT && b->type == VALUE_INT)
		return (a->integer > b->integer) - (a->integer < b->integer);
	double x = as_double(a), y = as_double(b);

	return (x > y) - (x < y);
}

int kept_event_order(const struct kept_event *a, const struct kept_event *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	enum rank rank = rank_of(&a->tiebreaker), other = rank_of(&b->tiebreaker);

	if (rank != other)
		return rank < other ? -1 : 1;
	if (rank == RANK_NUMBER)
		return compare_numbers(&a->tiebreaker, &b->tiebreaker);
	if (rank == RANK_STRING)
		return str_cmp(value_as_str(&a->tiebreaker), value_as_str(&b->tiebreaker));
	return 0;
}

int kept_event_order_total(const struct kept_event *a, const struct kept_event *b)
{
	int order = kept_event_order(a, b);

	return order ? order : (a->arrival > b->arrival) - (a->arrival < b->arrival);
}
