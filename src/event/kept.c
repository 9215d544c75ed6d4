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

/* What goes into a kept event. */
struct content {
	const struct event *event;
	const uint32_t *fields;
	uint32_t count, present;
	const struct value *tiebreaker;
	struct need need;
};

static struct content measure(const struct event *event, const uint32_t *fields, uint32_t count,
			      int32_t tiebreaker_field)
{
	static const struct value none;
	struct content c = {event, fields, count, 0, &none, {0}};

	if (tiebreaker_field >= 0)
		c.tiebreaker = first_value(event_get(event, (uint32_t)tiebreaker_field));
	add_need(&c.need, c.tiebreaker);
	for (uint32_t i = 0; i < count; i++) {
		const struct value *v = event_get(event, fields[i]);

		c.present += v->type != VALUE_NULL;
		add_need(&c.need, v);
	}
	return c;
}

static size_t bytes_of(const struct content *c)
{
	return sizeof(struct kept_event) + c->present * sizeof(struct kept_value) +
	       c->need.items * sizeof(struct value) + c->need.text;
}

/* All but the document; returns what room is left behind it. */
static struct room fill(struct kept_event *kept, const struct content *c, uint64_t arrival)
{
	struct room room = {(struct value *)(kept->values + c->present), NULL};

	room.text = (char *)(room.items + c->need.items);
	*kept = (struct kept_event){
	    .references = 1,
	    .bytes = bytes_of(c),
	    .time_ns = c->event->time_ns,
	    .arrival = arrival,
	    .tiebreaker = copy_value(&room, c->tiebreaker),
	};
	for (uint32_t i = 0; i < c->count; i++) {
		const struct value *v = event_get(c->event, c->fields[i]);

		if (v->type != VALUE_NULL)
			kept->values[kept->value_count++] =
			    (struct kept_value){c->fields[i], copy_value(&room, v)};
	}
	return room;
}

struct kept_event *kept_event_new(const struct event *event, const uint32_t *fields, uint32_t count,
				  int32_t tiebreaker_field, uint64_t arrival, struct str document)
{
	struct content c = measure(event, fields, count, tiebreaker_field);

	c.need.text += document.len;
	struct kept_event *kept = xmalloc(bytes_of(&c));
	struct room room = fill(kept, &c, arrival);

	kept->document = copy_text(&room, document);
	return kept;
}

struct kept_event *kept_event_new_in(struct kept_block *block, const struct event *event,
				     const uint32_t *fields, uint32_t count,
				     int32_t tiebreaker_field, uint64_t arrival,
				     struct str document)
{
	struct content c = measure(event, fields, count, tiebreaker_field);
	struct kept_event *kept = arena_room(&block->arena, bytes_of(&c));

	fill(kept, &c, arrival);
	kept->document = document;
	kept->block = block;
	block->references++;
	return kept;
}

void kept_block_unref(struct kept_block *block)
{
	if (--block->references == 0)
		block->unused(block);
}

void kept_event_unref(struct kept_event *kept)
{
	if (!kept || --kept->references)
		return;
	kept_event_unref(kept->own);
	if (kept->block)
		kept_block_unref(kept->block);
	else if (kept->slabs)
		slabs_give(kept->slabs, kept, kept->bytes);
	else
		free(kept);
}

static struct kept_event *copy_out(const struct kept_event *kept, struct slabs *slabs)
{
	struct need need = {.text = kept->document.len};

	add_need(&need, &kept->tiebreaker);
	for (uint32_t i = 0; i < kept->value_count; i++)
		add_need(&need, &kept->values[i].value);
	size_t head = sizeof(*kept) + kept->value_count * sizeof(*kept->values);
	size_t bytes = head + need.items * sizeof(struct value) + need.text;
	struct kept_event *copy = slabs_take(slabs, bytes);
	struct room room = {(struct value *)((char *)copy + head), NULL};

	room.text = (char *)(room.items + need.items);
	memcpy(copy, kept, sizeof(*copy));
	copy->references = 1;
	copy->pooled = 0;
	copy->bytes = bytes;
	copy->block = NULL;
	copy->slabs = slabs;
	copy->own = NULL;
	copy->tiebreaker = copy_value(&room, &kept->tiebreaker);
	for (uint32_t i = 0; i < kept->value_count; i++)
		copy->values[i] = (struct kept_value){kept->values[i].field,
						      copy_value(&room, &kept->values[i].value)};
	copy->document = copy_text(&room, kept->document);
	return copy;
}

struct kept_event *kept_event_own(struct kept_event *kept, struct slabs *slabs)
{
	if (!kept->block)
		return kept_event_ref(kept);
	if (!kept->own)
		kept->own = copy_out(kept, slabs);
	return kept_event_ref(kept->own);
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
