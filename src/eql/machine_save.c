/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's state as JSON and back. What is held stands in order of age, so that loading it in
 * that order gives the same lists; events stand once and are named by their index:
 *
 *	{"query": "sequence by ...", "now": ns, "completed": n,
 *	 "events": [{"arrival": n, "document": "{...}"}, ...],
 *	 "partials": [{"keys": ["a", 3], "since": ns, "events": [0, 4], "miss": 5, ...}, ...],
 *	 "pasts": [{"keys": [...], "since": ns, "lead": [1], "until": [7, 6]}, ...],
 *	 "samples": [{"keys": [...], "since": ns, "members": [[0], [], [3, 4]]}, ...],
 *	 "processes": [{"id": "x", "self": [0], "child": [], "descendant": []}, ...]}
 *
 * The order of the pool's list across machines and kinds is not kept: it only says what eviction
 * takes first.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_tree.h"
#include "base/json_writer.h"
#include "eql/machine_internal.h"
#include "event/json.h"

/* --------------------------------------------------------------------------------------- saving */

/* All events held, sorted by address, each once. */
struct event_index {
	struct kept_event **events;
	size_t count, cap;
};

static void index_add(struct event_index *index, struct kept_event *event)
{
	if (!event)
		return;
	if (index->count == index->cap) {
		index->cap = index->cap ? index->cap * 2 : 64;
		index->events = xreallocarray(index->events, index->cap, sizeof(*index->events));
	}
	index->events[index->count++] = event;
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (struct kept_event *const *)a;
	uintptr_t y = (uintptr_t) * (struct kept_event *const *)b;

	return (x > y) - (x < y);
}

static void index_sort(struct event_index *index)
{
	size_t n = 0;

	if (index->count)
		qsort(index->events, index->count, sizeof(*index->events), by_address);
	for (size_t i = 0; i < index->count; i++)
		if (!n || index->events[n - 1] != index->events[i])
			index->events[n++] = index->events[i];
	index->count = n;
}

static void index_all(const struct eql_machine *machine, struct event_index *index)
{
	const struct held *held;

	for (held = machine->lists[HELD_PARTIAL].oldest; held; held = held->next) {
		const struct partial *p = (const struct partial *)held;

		for (uint32_t i = 0; i < p->count; i++)
			index_add(index, p->events[i]);
		index_add(index, p->miss);
	}
	for (held = machine->lists[HELD_PAST].oldest; held; held = held->next) {
		const struct past *past = (const struct past *)held;

		index_add(index, past->lead.latest);
		index_add(index, past->lead.earlier);
		index_add(index, past->until.latest);
		index_add(index, past->until.earlier);
	}
	for (held = machine->lists[HELD_SAMPLE].oldest; held; held = held->next) {
		const struct sample *sample = (const struct sample *)held;

		for (uint32_t i = 0; i < machine->query->stage_count; i++)
			for (uint32_t j = 0; j < sample->members[i].count; j++)
				index_add(index, sample->members[i].events[j]);
	}
	index_sort(index);
}

struct saving {
	const struct eql_machine *machine;
	struct event_index index;
	struct json_writer w;
};

static void put_event(struct saving *s, struct kept_event *event)
{
	struct kept_event **found =
	    bsearch(&event, s->index.events, s->index.count, sizeof(*s->index.events), by_address);

	json_uint(&s->w, (uint64_t)(found - s->index.events));
}

static void put_events(struct saving *s, struct str key, struct kept_event *const *events,
		       uint32_t count)
{
	json_key(&s->w, key);
	json_array(&s->w);
	for (uint32_t i = 0; i < count; i++)
		put_event(s, events[i]);
	json_end(&s->w);
}

static void put_int(struct saving *s, struct str key, int64_t value)
{
	json_key(&s->w, key);
	json_int(&s->w, value);
}

/* What everything with a key begins with. */
static void begin_held(struct saving *s, const struct held *held, const struct key_node *node)
{
	json_object(&s->w);
	json_key(&s->w, STR("keys"));
	json_array(&s->w);
	for (uint32_t i = 0; i < s->machine->query->key_count; i++)
		value_write_json(&node->keys[i], &s->w);
	json_end(&s->w);
	put_int(s, STR("since"), held->since_ns);
}

static void put_partial(struct saving *s, const struct partial *p)
{
	begin_held(s, &p->held, p->node);
	put_events(s, STR("events"), p->events, p->count);
	if (p->spoiled) {
		json_key(&s->w, STR("spoiled"));
		json_bool(&s->w, true);
	}
	if (p->lead_ns != INT64_MIN)
		put_int(s, STR("lead"), p->lead_ns);
	if (p->miss) {
		json_key(&s->w, STR("miss"));
		put_event(s, p->miss);
	}
	if (p->count == s->machine->plan.place_count)
		put_int(s, STR("number"), (int64_t)p->number);
	json_end(&s->w);
}

static void put_past_event(struct saving *s, struct str key, const struct past_event *past)
{
	struct kept_event *events[] = {past->latest, past->earlier};

	put_events(s, key, events, !past->latest ? 0 : !past->earlier ? 1 : 2);
}

static void put_past(struct saving *s, const struct past *past)
{
	begin_held(s, &past->held, past->node);
	put_past_event(s, STR("lead"), &past->lead);
	put_past_event(s, STR("until"), &past->until);
	json_end(&s->w);
}

static void put_sample(struct saving *s, const struct sample *sample)
{
	begin_held(s, &sample->held, sample->node);
	json_key(&s->w, STR("members"));
	json_array(&s->w);
	for (uint32_t i = 0; i < s->machine->query->stage_count; i++) {
		json_array(&s->w);
		for (uint32_t j = 0; j < sample->members[i].count; j++)
			put_event(s, sample->members[i].events[j]);
		json_end(&s->w);
	}
	json_end(&s->w);
	json_end(&s->w);
}

static void put_bits(struct saving *s, struct str key, uint64_t bits)
{
	json_key(&s->w, key);
	json_array(&s->w);
	for (uint32_t i = 0; i < EQL_RELATIONS_MAX; i++)
		if (bits >> i & 1)
			json_uint(&s->w, i);
	json_end(&s->w);
}

static void put_process(struct saving *s, const struct process *process)
{
	json_object(&s->w);
	json_key(&s->w, STR("id"));
	value_write_json(&process->id, &s->w);
	put_bits(s, STR("self"), process->self);
	put_bits(s, STR("child"), process->child);
	put_bits(s, STR("descendant"), process->descendant);
	json_end(&s->w);
}

static void put_held(struct saving *s, const struct held *held)
{
	switch ((enum held_kind)held->kind) {
	case HELD_PARTIAL:
		put_partial(s, (const struct partial *)held);
		break;
	case HELD_PAST:
		put_past(s, (const struct past *)held);
		break;
	case HELD_SAMPLE:
		put_sample(s, (const struct sample *)held);
		break;
	case HELD_PROCESS:
		put_process(s, (const struct process *)held);
		break;
	case HELD_KINDS:
		break;
	}
}

static const char *const kind_keys[HELD_KINDS] = {
    [HELD_PARTIAL] = "partials",
    [HELD_PAST] = "pasts",
    [HELD_SAMPLE] = "samples",
    [HELD_PROCESS] = "processes",
};

static void put_documents(struct saving *s)
{
	json_key(&s->w, STR("events"));
	json_array(&s->w);
	for (size_t i = 0; i < s->index.count; i++) {
		const struct kept_event *event = s->index.events[i];

		json_object(&s->w);
		put_int(s, STR("arrival"), (int64_t)event->arrival);
		json_key(&s->w, STR("document"));
		json_string(&s->w, event->document);
		json_end(&s->w);
	}
	json_end(&s->w);
}

void eql_machine_save(const struct eql_machine *machine, struct buf *out)
{
	struct saving s = {.machine = machine, .w = json_writer_to(out)};

	index_all(machine, &s.index);
	json_object(&s.w);
	json_key(&s.w, STR("query"));
	json_string(&s.w, machine->query->text);
	put_int(&s, STR("now"), machine->now_ns);
	put_int(&s, STR("completed"), (int64_t)machine->completed);
	put_documents(&s);
	for (uint32_t kind = 0; kind < HELD_KINDS; kind++) {
		json_key(&s.w, str_from(kind_keys[kind]));
		json_array(&s.w);
		for (const struct held *h = machine->lists[kind].oldest; h; h = h->next)
			put_held(&s, h);
		json_end(&s.w);
	}
	json_end(&s.w);
	free(s.index.events);
}

/* -------------------------------------------------------------------------------------- loading */

struct loading {
	struct eql_machine *machine;
	struct kept_event **events;
	uint32_t event_count;
	struct kept_event **picked; /* of one array of indexes */
	struct value *keys;
};

static bool get_int(const struct tree_node *table, const char *key, int64_t *value)
{
	const struct tree_node *node = tree_get_typed(table, key, TREE_INT);

	if (node)
		*value = node->integer;
	return node;
}

static struct kept_event *event_at(const struct loading *l, const struct tree_node *node)
{
	if (!node || node->type != TREE_INT || node->integer < 0 || node->integer >= l->event_count)
		return NULL;
	return l->events[node->integer];
}

/* The events of an array of indexes into l->picked; false if it is none. */
static bool pick_events(struct loading *l, const struct tree_node *array, uint32_t max)
{
	if (!array || array->type != TREE_ARRAY || array->kid_count > max)
		return false;
	for (uint32_t i = 0; i < array->kid_count; i++)
		if (!(l->picked[i] = event_at(l, array->kids[i])))
			return false;
	return true;
}

static bool get_value(const struct tree_node *node, struct value *value)
{
	*value = (struct value){0};
	switch (node->type) {
	case TREE_STRING:
		*value = value_str(node->text);
		return true;
	case TREE_INT:
		*value = value_int(node->integer);
		return true;
	case TREE_DOUBLE:
		*value = value_double(node->real);
		return true;
	case TREE_BOOL:
		*value = value_bool(node->boolean);
		return true;
	default:
		return node->type == TREE_NULL;
	}
}

/* Makes the keys the current tuple. */
static bool set_keys(struct loading *l, const struct tree_node *table)
{
	const struct tree_node *keys = tree_get_typed(table, "keys", TREE_ARRAY);

	if (!keys || keys->kid_count != l->machine->query->key_count)
		return false;
	for (uint32_t i = 0; i < keys->kid_count; i++)
		if (!get_value(keys->kids[i], &l->keys[i]))
			return false;
	key_tuples_set(&l->machine->tuples, l->keys);
	return true;
}

static bool load_partial(struct loading *l, const struct tree_node *table)
{
	const struct tree_node *events = tree_get(table, "events");
	const struct tree_node *miss = tree_get(table, "miss");
	int64_t since = 0, number = 0;

	if (!set_keys(l, table) || !get_int(table, "since", &since) ||
	    !pick_events(l, events, l->machine->plan.place_count) || (miss && !event_at(l, miss)))
		return false;
	struct partial *p = sequence_restore(l->machine, l->picked, events->kid_count, since);

	if (!p)
		return false;
	p->spoiled = tree_get_typed(table, "spoiled", TREE_BOOL);
	get_int(table, "lead", &p->lead_ns);
	if (get_int(table, "number", &number))
		p->number = (uint64_t)number;
	if (miss)
		p->miss = pool_hold(l->machine->pool, event_at(l, miss));
	return true;
}

static bool load_past_event(struct loading *l, const struct tree_node *array,
			    struct past_event *past)
{
	if (!pick_events(l, array, 2))
		return false;
	if (array->kid_count > 0)
		past->latest = pool_hold(l->machine->pool, l->picked[0]);
	if (array->kid_count > 1)
		past->earlier = pool_hold(l->machine->pool, l->picked[1]);
	return true;
}

static bool load_past(struct loading *l, const struct tree_node *table)
{
	int64_t since = 0;

	if (!set_keys(l, table) || !get_int(table, "since", &since))
		return false;
	struct past *past = sequence_restore_past(l->machine, since);

	if (past->lead.latest || past->until.latest)
		return false; /* twice the same keys */
	return load_past_event(l, tree_get(table, "lead"), &past->lead) &&
	       load_past_event(l, tree_get(table, "until"), &past->until);
}

static bool load_sample(struct loading *l, const struct tree_node *table)
{
	const struct tree_node *members = tree_get_typed(table, "members", TREE_ARRAY);
	int64_t since = 0;

	if (!set_keys(l, table) || !get_int(table, "since", &since) || !members ||
	    members->kid_count != l->machine->query->stage_count)
		return false;
	struct sample *sample = sample_restore(l->machine, since);

	for (uint32_t i = 0; i < members->kid_count; i++) {
		if (!pick_events(l, members->kids[i], l->event_count))
			return false;
		for (uint32_t j = 0; j < members->kids[i]->kid_count; j++)
			sample_add(sample, i, l->picked[j]);
	}
	return true;
}

static bool load_bits(const struct tree_node *array, uint64_t *bits)
{
	if (!array || array->type != TREE_ARRAY)
		return false;
	for (uint32_t i = 0; i < array->kid_count; i++) {
		const struct tree_node *bit = array->kids[i];

		if (bit->type != TREE_INT || bit->integer < 0 || bit->integer >= EQL_RELATIONS_MAX)
			return false;
		*bits |= UINT64_C(1) << bit->integer;
	}
	return true;
}

static bool load_process(struct loading *l, const struct tree_node *table)
{
	const struct tree_node *node = tree_get(table, "id");
	struct value id;

	if (!node || !get_value(node, &id) || id.type == VALUE_NULL)
		return false;
	struct process *process = lineage_mark(l->machine, &id);

	return load_bits(tree_get(table, "self"), &process->self) &&
	       load_bits(tree_get(table, "child"), &process->child) &&
	       load_bits(tree_get(table, "descendant"), &process->descendant);
}

static bool load_held(struct loading *l, enum held_kind kind, const struct tree_node *table)
{
	enum eql_query_kind query = l->machine->query->kind;

	if (table->type != TREE_TABLE)
		return false;
	switch (kind) {
	case HELD_PARTIAL:
		return query == EQL_QUERY_SEQUENCE && load_partial(l, table);
	case HELD_PAST:
		return query == EQL_QUERY_SEQUENCE && load_past(l, table);
	case HELD_SAMPLE:
		return query == EQL_QUERY_SAMPLE && load_sample(l, table);
	case HELD_PROCESS:
		return load_process(l, table);
	default:
		return false;
	}
}

static bool load_document(struct loading *l, const struct tree_node *table,
			  struct kept_event *(*keep)(void *context, struct str document,
						     uint64_t arrival),
			  void *context)
{
	const struct tree_node *document = tree_get_typed(table, "document", TREE_STRING);
	int64_t arrival;

	if (!document || !get_int(table, "arrival", &arrival))
		return false;
	struct kept_event *event = keep(context, document->text, (uint64_t)arrival);

	if (event)
		l->events[l->event_count++] = event;
	return event;
}

static bool load_all(struct loading *l, const struct tree_node *root)
{
	int64_t completed = 0;

	if (!get_int(root, "now", &l->machine->now_ns) || !get_int(root, "completed", &completed))
		return false;
	l->machine->completed = (uint64_t)completed;
	for (uint32_t kind = 0; kind < HELD_KINDS; kind++) {
		const struct tree_node *array = tree_get_typed(root, kind_keys[kind], TREE_ARRAY);

		if (!array)
			return false;
		for (uint32_t i = 0; i < array->kid_count; i++)
			if (!load_held(l, kind, array->kids[i]))
				return false;
	}
	return true;
}

static bool load_tree(struct eql_machine *machine, const struct tree_node *root,
		      struct kept_event *(*keep)(void *context, struct str document,
						 uint64_t arrival),
		      void *context)
{
	const struct tree_node *text = tree_get_typed(root, "query", TREE_STRING);
	const struct tree_node *events = tree_get_typed(root, "events", TREE_ARRAY);
	bool good = true;

	if (!text || !str_eq(text->text, machine->query->text) || !events)
		return false;
	size_t room = (size_t)events->kid_count + machine->query->stage_count + 2;
	struct loading l = {
	    .machine = machine,
	    .events = xcalloc(room, sizeof(*l.events)),
	    .picked = xcalloc(room, sizeof(*l.picked)),
	    .keys = xcalloc((size_t)machine->query->key_count + 1, sizeof(*l.keys)),
	};

	for (uint32_t i = 0; i < events->kid_count && good; i++)
		good = load_document(&l, events->kids[i], keep, context);
	good = good && load_all(&l, root);
	for (uint32_t i = 0; i < l.event_count; i++)
		kept_event_unref(l.events[i]);
	free(l.events);
	free(l.picked);
	free(l.keys);
	return good;
}

int eql_machine_load(struct eql_machine *machine, struct str state,
		     struct kept_event *(*keep)(void *context, struct str document,
						uint64_t arrival),
		     void *context)
{
	struct tree_node *root;
	struct diag_list diags;
	struct arena arena;

	arena_init(&arena);
	diag_list_init(&diags);
	bool good = json_tree_read(&arena, state, STR("state"), 1, &diags, &root) == 0 &&
		    load_tree(machine, root, keep, context);

	if (!good) {
		machine_forget_all(machine);
		machine->now_ns = INT64_MIN;
		machine->completed = 0;
	}
	diag_list_free(&diags);
	arena_free(&arena);
	pool_make_room(machine->pool);
	return good ? 0 : -EINVAL;
}
