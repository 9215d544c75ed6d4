/* SPDX-License-Identifier: Apache-2.0 */
#include "coverage/supply.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash_table.h"

/* Of a kind's facets as text. Longer values are nobody's actions. */
#define KEY_BYTES_MAX 1024

static const char *const facet_names[] = {
#define FACET(id, name) [FACET_##id] = name,
#include "coverage/facets.def"
#undef FACET
};

struct supply {
	const struct field_set *fields;
	bool observed;
	uint32_t facet_fields[FACET_COUNT];
	struct supply_kind *kinds;
	uint32_t count, cap;
	struct arena arena;     /* values of facets, bitmaps */
	struct hash_table keys; /* kinds by the text of their facets; observed only */
	uint64_t *field_events; /* by field id; observed only */
	struct buf key;
	uint32_t overflow; /* the kind for what is beyond the limit; UINT32_MAX: none yet */
};

/* In the table of keys. */
struct keyed_kind {
	struct str key;
	uint32_t kind;
};

void supply_demand(struct field_set *fields)
{
	for (int i = 0; i < FACET_COUNT; i++)
		field_set_demand(fields, str_from(facet_names[i]));
}

static size_t bitmap_bytes(const struct supply *supply)
{
	return (field_set_count(supply->fields) + 63) / 64 * sizeof(uint64_t);
}

static struct supply *make(const struct field_set *fields, bool observed)
{
	struct supply *supply = xcalloc(1, sizeof(*supply));

	supply->fields = fields;
	supply->observed = observed;
	supply->overflow = UINT32_MAX;
	arena_init(&supply->arena);
	for (int i = 0; i < FACET_COUNT; i++)
		supply->facet_fields[i] =
		    (uint32_t)field_set_find(fields, str_from(facet_names[i]));
	return supply;
}

/* The next kind, empty; good until the next is added. */
static struct supply_kind *add_kind(struct supply *supply)
{
	if (supply->count == supply->cap) {
		supply->cap = supply->cap ? supply->cap * 2 : 32;
		supply->kinds = xreallocarray(supply->kinds, supply->cap, sizeof(*supply->kinds));
	}
	struct supply_kind *kind = &supply->kinds[supply->count++];

	*kind = (struct supply_kind){.filled = arena_alloc(&supply->arena, bitmap_bytes(supply))};
	return kind;
}

static void mark(struct supply_kind *kind, uint32_t field)
{
	kind->filled[field / 64] |= UINT64_C(1) << (field % 64);
}

/* ---- lintel's own */

/* Is `word` one of the words of `list`, blanks between them? */
static bool has_word(const char *list, struct str word)
{
	while (*list) {
		size_t n = strcspn(list, " ");

		if (n == word.len && !memcmp(list, word.p, n))
			return true;
		list += n + strspn(list + n, " ");
	}
	return false;
}

static bool fills(const struct action *action, const char *group)
{
	return has_word("EVENT HOST PROCESS", str_from(group)) ||
	       has_word(action->groups, str_from(group));
}

/* A string, or a list when there are blanks in it (a type such as "connection start"). */
static struct value words(struct arena *arena, const char *text)
{
	size_t n = strcspn(text, " ");

	if (!text[n])
		return value_str(str_from(text));
	struct value *items = ARENA_ARRAY(arena, struct value, strlen(text));
	uint32_t count = 0;

	for (; *text; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		items[count++] = value_str((struct str){text, n});
	}
	return (struct value){.type = VALUE_LIST, .count = count, .items = items};
}

static void set_facets(struct supply *supply, struct supply_kind *kind, const struct action *action)
{
	struct str dataset = arena_printf(&supply->arena, "endpoint.events.%.*s",
					  (int)strcspn(action->category, " "), action->category);

	kind->facets[FACET_ACTION] = value_str(str_from(action->action));
	kind->facets[FACET_CATEGORY] = words(&supply->arena, action->category);
	kind->facets[FACET_TYPE] = words(&supply->arena, action->type);
	kind->facets[FACET_KIND] = value_str(STR("event"));
	kind->facets[FACET_MODULE] = value_str(STR("endpoint"));
	kind->facets[FACET_DATASET] = value_str(dataset);
	kind->facets[FACET_OS_TYPE] = value_str(STR("linux"));
}

static bool is_blind(const char *const *blind, const char *action)
{
	for (; blind && *blind; blind++)
		if (!strcmp(*blind, action))
			return true;
	return false;
}

struct supply *supply_new(const struct field_set *fields, uint32_t sources,
			  const char *const *blind)
{
	struct supply *supply = make(fields, false);
	uint32_t count;
	const struct action *actions = action_table(&count);

	for (uint32_t i = 0; i < count; i++) {
		if (!(actions[i].sources & sources) || is_blind(blind, actions[i].action))
			continue;
		struct supply_kind *kind = add_kind(supply);

		kind->action = &actions[i];
		set_facets(supply, kind, &actions[i]);
		for (uint32_t field = 0; field < field_set_count(fields); field++) {
			const char *group = field_set_info(fields, field)->filled_by;

			if (group && fills(&actions[i], group))
				mark(kind, field);
		}
	}
	return supply;
}

/* ---- recorded */

struct supply *supply_new_observed(const struct field_set *fields)
{
	struct supply *supply = make(fields, true);

	supply->field_events =
	    xcalloc((size_t)field_set_count(fields) + 1, sizeof(*supply->field_events));
	return supply;
}

/* Values apart by a byte that no text has, fields by another. */
static void add_key(struct buf *key, const struct value *value)
{
	if (value->type == VALUE_STRING)
		buf_add(key, value_as_str(value));
	else if (value->type == VALUE_LIST)
		for (uint32_t i = 0; i < value->count; i++) {
			add_key(key, &value->items[i]);
			buf_add_char(key, '\1');
		}
	else if (value->type == VALUE_INT)
		buf_printf(key, "%lld", (long long)value->integer);
	else if (value->type == VALUE_BOOL)
		buf_add_char(key, value->boolean ? 't' : 'f');
	else if (value->type == VALUE_DOUBLE)
		buf_printf(key, "%g", value->real);
	buf_add_char(key, '\0');
}

static struct value copy_value(struct arena *arena, const struct value *value)
{
	struct value copy = *value;

	if (value->type == VALUE_STRING) {
		copy.text = arena_str(arena, value_as_str(value)).p;
	} else if (value->type == VALUE_LIST) {
		struct value *items = ARENA_ARRAY(arena, struct value, value->count);

		for (uint32_t i = 0; i < value->count; i++)
			items[i] = copy_value(arena, &value->items[i]);
		copy.items = items;
	}
	return copy;
}

static bool has_key(const void *thing, const void *wanted)
{
	return str_eq(((const struct keyed_kind *)thing)->key, *(const struct str *)wanted);
}

/* For events beyond the limits. */
static uint32_t overflow_kind(struct supply *supply)
{
	if (supply->overflow == UINT32_MAX) {
		supply->overflow = supply->count;
		add_kind(supply)->facets_unknown = true;
	}
	return supply->overflow;
}

static uint32_t new_kind(struct supply *supply, const struct event *event, struct str key,
			 uint64_t hash)
{
	struct keyed_kind *keyed = ARENA_NEW(&supply->arena, struct keyed_kind);
	struct supply_kind *kind;

	keyed->key = arena_str(&supply->arena, key);
	keyed->kind = supply->count;
	kind = add_kind(supply);
	for (int i = 0; i < FACET_COUNT; i++)
		kind->facets[i] =
		    copy_value(&supply->arena, event_get(event, supply->facet_fields[i]));
	hash_table_add(&supply->keys, hash, keyed);
	return keyed->kind;
}

static uint32_t kind_of(struct supply *supply, const struct event *event)
{
	buf_reset(&supply->key);
	for (int i = 0; i < FACET_COUNT; i++)
		add_key(&supply->key, event_get(event, supply->facet_fields[i]));
	struct str key = buf_str(&supply->key);

	if (key.len > KEY_BYTES_MAX)
		return overflow_kind(supply);
	uint64_t hash = str_hash(key);
	const struct keyed_kind *known = hash_table_find(&supply->keys, hash, has_key, &key);

	if (known)
		return known->kind;
	return supply->keys.count < SUPPLY_KINDS_MAX ? new_kind(supply, event, key, hash)
						     : overflow_kind(supply);
}

void supply_observe(struct supply *supply, const struct event *event)
{
	uint32_t number = kind_of(supply, event); /* which may move the kinds */
	struct supply_kind *kind = &supply->kinds[number];

	kind->events++;
	for (uint32_t i = 0; i < event->filled_count; i++) {
		mark(kind, event->filled[i]);
		supply->field_events[event->filled[i]]++;
	}
}

/* ---- what there is */

void supply_free(struct supply *supply)
{
	if (!supply)
		return;
	hash_table_free(&supply->keys);
	arena_free(&supply->arena);
	buf_free(&supply->key);
	free(supply->field_events);
	free(supply->kinds);
	free(supply);
}

uint32_t supply_kind_count(const struct supply *supply)
{
	return supply->count;
}

const struct supply_kind *supply_kind(const struct supply *supply, uint32_t kind)
{
	return &supply->kinds[kind];
}

bool supply_is_observed(const struct supply *supply)
{
	return supply->observed;
}

uint64_t supply_field_events(const struct supply *supply, uint32_t field)
{
	return supply->observed ? supply->field_events[field] : 0;
}

enum facet supply_facet(const struct supply *supply, uint32_t field)
{
	for (int i = 0; i < FACET_COUNT; i++)
		if (supply->facet_fields[i] == field)
			return (enum facet)i;
	return FACET_COUNT;
}

void supply_fill_facets(const struct supply *supply, const struct supply_kind *kind,
			struct event *event)
{
	event_reset(event);
	for (int i = 0; i < FACET_COUNT; i++)
		event_set(event, supply->facet_fields[i], kind->facets[i]);
}
