/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/log.h"
#include "engine/detector_state_internal.h"

/* Members of a line, by their paths. */
enum member {
	MEMBER_LINTEL,
	MEMBER_VERSION,
	MEMBER_RULE,
	MEMBER_CHECK,
	MEMBER_MACHINE,
	MEMBER_WAITING_ARRIVAL,
	MEMBER_WAITING_DOCUMENT,
	MEMBER_WAITING_RULES,
	MEMBER_WAITING_CHECKS,
	MEMBER_WAITING_FILTERS,
	MEMBER_GROUP_FIELDS,
	MEMBER_GROUP_KEYS,
	MEMBER_COUNTED_TIME,
	MEMBER_COUNTED_VALUES,
	MEMBER_COUNTED_ARRIVAL,
	MEMBER_COUNTED_DOCUMENT,
	MEMBER_TERMS_HASHES,
	MEMBER_TERMS_TIMES,
	MEMBER_SUPPRESSED_HASH,
	MEMBER_SUPPRESSED_START,
	MEMBER_SUPPRESSED_COUNT,
	MEMBER_COUNT
};

static const char *const member_paths[MEMBER_COUNT] = {
    [MEMBER_LINTEL] = "lintel",
    [MEMBER_VERSION] = "version",
    [MEMBER_RULE] = "rule",
    [MEMBER_CHECK] = "check",
    [MEMBER_MACHINE] = "machine",
    [MEMBER_WAITING_ARRIVAL] = "waiting.arrival",
    [MEMBER_WAITING_DOCUMENT] = "waiting.document",
    [MEMBER_WAITING_RULES] = "waiting.rules",
    [MEMBER_WAITING_CHECKS] = "waiting.checks",
    [MEMBER_WAITING_FILTERS] = "waiting.filters",
    [MEMBER_GROUP_FIELDS] = "group.fields",
    [MEMBER_GROUP_KEYS] = "group.keys",
    [MEMBER_COUNTED_TIME] = "counted.time",
    [MEMBER_COUNTED_VALUES] = "counted.values",
    [MEMBER_COUNTED_ARRIVAL] = "counted.arrival",
    [MEMBER_COUNTED_DOCUMENT] = "counted.document",
    [MEMBER_TERMS_HASHES] = "terms.hashes",
    [MEMBER_TERMS_TIMES] = "terms.times",
    [MEMBER_SUPPRESSED_HASH] = "suppressed.hash",
    [MEMBER_SUPPRESSED_START] = "suppressed.start",
    [MEMBER_SUPPRESSED_COUNT] = "suppressed.count",
};

/* What one line says of one member. */
struct values {
	struct value *items;
	uint32_t count, cap;
};

struct loading {
	struct detector *detector;
	FILE *file;
	char *text; /* getline()'s */
	size_t text_cap;
	struct buf line; /* with a reader's padding */
	struct json_reader *json;
	struct json_paths *paths;
	struct values members[MEMBER_COUNT];
	/* Events are made of their documents again. */
	struct event_reader *reader;
	struct event event;
	struct buf document;
	uint64_t arrivals; /* the latest, + 1 */
	/* Where we are: in a rule's section, which may be one to be left out, and in a group. */
	struct rule_run *run; /* or NULL */
	bool in_group;
	struct value *keys;
	uint32_t key_count;
	bool damaged; /* some line could not be used */
};

static void on_value(void *context, uint32_t id, const struct json_value *json)
{
	struct values *v = &((struct loading *)context)->members[id];

	if (v->count == v->cap) {
		v->cap = v->cap ? v->cap * 2 : 8;
		v->items = xreallocarray(v->items, v->cap, sizeof(*v->items));
	}
	switch (json->type) {
	case JSON_STRING:
		v->items[v->count++] = value_str(json->string);
		break;
	case JSON_INT:
		v->items[v->count++] = value_int(json->integer);
		break;
	case JSON_DOUBLE:
		v->items[v->count++] = value_double(json->real);
		break;
	case JSON_BOOL:
		v->items[v->count++] = value_bool(json->boolean);
		break;
	}
}

/* The next line of the file into l->text; false at the end. A last line without a newline is cut
 * off: a file is only renamed when it is whole, so this one is not ours. */
static bool next_text(struct loading *l, struct str *text)
{
	ssize_t n = getline(&l->text, &l->text_cap, l->file);

	if (n <= 0 || l->text[n - 1] != '\n')
		return false;
	*text = (struct str){l->text, (size_t)n - 1};
	return true;
}

static int parse(struct loading *l, struct str text)
{
	const struct json_handler handler = {.value = on_value, .context = l};

	for (int i = 0; i < MEMBER_COUNT; i++)
		l->members[i].count = 0;
	buf_reset(&l->line);
	buf_reserve(&l->line, text.len + JSON_PADDING);
	buf_add(&l->line, text);
	return json_read(l->json, l->paths, buf_str(&l->line), &handler, NULL, NULL);
}

static bool has(const struct loading *l, enum member member)
{
	return l->members[member].count > 0;
}

static struct str text_of(const struct loading *l, enum member member)
{
	const struct values *v = &l->members[member];

	return v->count && v->items[0].type == VALUE_STRING ? value_as_str(&v->items[0]) : STR_NULL;
}

static bool number_of(const struct loading *l, enum member member, int64_t *number)
{
	const struct values *v = &l->members[member];

	if (!v->count || v->items[0].type != VALUE_INT)
		return false;
	*number = v->items[0].integer;
	return true;
}

static bool hex_digits(const char *text, uint64_t *number)
{
	*number = 0;
	for (int i = 0; i < STATE_HASH_DIGITS / 2; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return false;
		*number = *number << 4 | (uint64_t)(digit - digits);
	}
	return true;
}

static bool hash_of(const struct value *v, struct group_hash *hash)
{
	return v->type == VALUE_STRING && v->count == STATE_HASH_DIGITS &&
	       hex_digits(v->text, &hash->high) &&
	       hex_digits(v->text + STATE_HASH_DIGITS / 2, &hash->low);
}

static struct kept_event *keep(void *context, struct str document, uint64_t arrival)
{
	struct loading *l = context;

	buf_reset(&l->document);
	buf_reserve(&l->document, document.len + EVENT_JSON_PADDING);
	buf_add(&l->document, document);
	event_reset(&l->event);
	if (event_read_json(l->reader, buf_str(&l->document), &l->event, NULL))
		return NULL;
	if (arrival >= l->arrivals)
		l->arrivals = arrival + 1;
	return kept_event_new(&l->event, l->detector->kept_fields, l->detector->kept_field_count,
			      FIELD_EVENT_SEQUENCE, arrival, l->event.document);
}

static struct kept_event *keep_member(struct loading *l, enum member document, enum member arrival)
{
	int64_t number;

	if (!has(l, document) || !number_of(l, arrival, &number))
		return NULL;
	return keep(l, text_of(l, document), (uint64_t)number);
}

static struct rule_run *run_of_rule(const struct detector *d, const struct rule *rule)
{
	uint32_t i = 0;

	while (d->rules->rules[i] != rule)
		i++;
	return &d->runs[i];
}

/* The rule that a section or a hit is of, if it is here and means the same. */
static struct rule_run *run_of(const struct loading *l, const struct value *id,
			       const struct value *check)
{
	struct group_hash hash;
	const struct rule *rule =
	    id->type == VALUE_STRING ? rule_set_find(l->detector->rules, value_as_str(id)) : NULL;
	struct rule_run *run = rule ? run_of_rule(l->detector, rule) : NULL;

	if (!run || !run->ordered || !hash_of(check, &hash) || hash.high != run->check.high ||
	    hash.low != run->check.low)
		return NULL;
	return run;
}

static void load_rule(struct loading *l)
{
	l->in_group = false;
	l->run = has(l, MEMBER_CHECK) ? run_of(l, &l->members[MEMBER_RULE].items[0],
					       &l->members[MEMBER_CHECK].items[0])
				      : NULL;
	if (!l->run)
		counter_add(COUNTER_STATE_DROPPED, 1);
}

static bool load_machine(struct loading *l)
{
	struct str state;

	if (!next_text(l, &state))
		return false;
	if (!l->run)
		return true;
	if (!l->run->machine || eql_machine_load(l->run->machine, state, keep, l))
		return false;
	detector_note_state(l->detector, l->run);
	return true;
}

static bool load_waiting(struct loading *l)
{
	const struct values *rules = &l->members[MEMBER_WAITING_RULES];
	const struct values *checks = &l->members[MEMBER_WAITING_CHECKS];
	const struct values *filters = &l->members[MEMBER_WAITING_FILTERS];
	struct kept_event *event = keep_member(l, MEMBER_WAITING_DOCUMENT, MEMBER_WAITING_ARRIVAL);
	uint32_t n = 0;

	if (!event || rules->count != checks->count || rules->count != filters->count) {
		kept_event_unref(event);
		return false;
	}
	struct engine_hit *hits = xreallocarray(NULL, rules->count + 1, sizeof(*hits));

	for (uint32_t i = 0; i < rules->count; i++) {
		const struct rule_run *run = run_of(l, &rules->items[i], &checks->items[i]);
		const struct rule *rule = run ? l->detector->rules->rules[run->number] : NULL;

		if (rule && filters->items[i].type == VALUE_INT && filters->items[i].integer >= 0 &&
		    filters->items[i].integer < rule->query->filter_count)
			hits[n++] = (struct engine_hit){rule, (uint32_t)filters->items[i].integer,
							run->number};
		else
			counter_add(COUNTER_STATE_DROPPED, 1);
	}
	if (n)
		reorder_put(&l->detector->reorder,
			    &(struct reorder_entry){.time_ns = event->time_ns,
						    .arrival = event->arrival,
						    .event = kept_event_ref(event),
						    .hits = hits,
						    .hit_count = n});
	kept_event_unref(event);
	free(hits);
	return true;
}

static bool load_group(struct loading *l)
{
	const struct values *keys = &l->members[MEMBER_GROUP_KEYS];
	int64_t fields;
	size_t bytes;

	l->in_group = false;
	if (!l->run)
		return true;
	const struct rule *rule = l->detector->rules->rules[l->run->number];

	if (rule->kind != RULE_KIND_THRESHOLD || !number_of(l, MEMBER_GROUP_FIELDS, &fields) ||
	    fields != rule->threshold.fields.count || fields != keys->count)
		return false;
	free(l->keys);
	l->keys = group_copy_values(keys->items, keys->count, &bytes);
	l->key_count = keys->count;
	l->in_group = true;
	return true;
}

static bool load_counted(struct loading *l)
{
	const struct values *values = &l->members[MEMBER_COUNTED_VALUES];
	struct counted counted = {.value_count = values->count};
	struct group_hash hash;

	if (!l->run)
		return true;
	if (!l->in_group || !number_of(l, MEMBER_COUNTED_TIME, &counted.time_ns))
		return false;
	uint64_t *hashes = xreallocarray(NULL, values->count + 1, sizeof(*hashes));

	for (uint32_t i = 0; i < values->count; i++) {
		if (!hash_of(&values->items[i], &hash)) {
			free(hashes);
			return false;
		}
		hashes[i] = hash.low;
	}
	if (values->count > 1) {
		counted.values = hashes;
	} else {
		counted.value = values->count ? hashes[0] : 0;
		free(hashes);
	}
	counted.event = keep_member(l, MEMBER_COUNTED_DOCUMENT, MEMBER_COUNTED_ARRIVAL);
	threshold_add(l->detector, l->run->number, l->keys,
		      group_hash_values(l->keys, l->key_count), &counted);
	return true;
}

static bool load_terms(struct loading *l)
{
	const struct values *hashes = &l->members[MEMBER_TERMS_HASHES];
	const struct values *times = &l->members[MEMBER_TERMS_TIMES];
	struct group_hash hash;
	bool is_new;

	if (!l->run)
		return true;
	if (l->detector->rules->rules[l->run->number]->kind != RULE_KIND_NEW_TERMS ||
	    hashes->count != times->count)
		return false;
	for (uint32_t i = 0; i < hashes->count; i++) {
		if (!hash_of(&hashes->items[i], &hash) || times->items[i].type != VALUE_INT)
			return false;
		struct term *term = (struct term *)group_table_get(&l->detector->terms,
								   l->run->number, hash, &is_new);

		term->last_ns = times->items[i].integer;
	}
	return true;
}

static bool load_suppressed(struct loading *l)
{
	struct group_hash hash;
	int64_t start, count;
	bool is_new;

	if (!l->run)
		return true;
	if (!l->detector->rules->rules[l->run->number]->suppressed ||
	    !hash_of(&l->members[MEMBER_SUPPRESSED_HASH].items[0], &hash) ||
	    !number_of(l, MEMBER_SUPPRESSED_START, &start) ||
	    !number_of(l, MEMBER_SUPPRESSED_COUNT, &count))
		return false;
	struct suppressed *s = (struct suppressed *)group_table_get(&l->detector->suppressions,
								    l->run->number, hash, &is_new);

	s->start_ns = start;
	s->count = (uint64_t)count;
	return true;
}

static const struct {
	enum member member; /* a line that has it is of this kind */
	bool (*load)(struct loading *l);
} kinds[] = {
    {MEMBER_MACHINE, load_machine},    {MEMBER_WAITING_RULES, load_waiting},
    {MEMBER_GROUP_FIELDS, load_group}, {MEMBER_COUNTED_TIME, load_counted},
    {MEMBER_TERMS_HASHES, load_terms}, {MEMBER_SUPPRESSED_HASH, load_suppressed},
};

static void load_line(struct loading *l, struct str text)
{
	if (parse(l, text)) {
		l->damaged = true;
		return;
	}
	if (has(l, MEMBER_RULE)) {
		load_rule(l);
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (has(l, kinds[i].member)) {
			l->damaged |= !kinds[i].load(l);
			return;
		}
	l->damaged = true;
}

static bool is_state(struct loading *l)
{
	struct str text;
	int64_t version;

	return next_text(l, &text) && !parse(l, text) &&
	       str_eq(text_of(l, MEMBER_LINTEL), STR(STATE_NAME)) &&
	       number_of(l, MEMBER_VERSION, &version) && version == STATE_VERSION;
}

static void load_all(struct loading *l, const char *path)
{
	struct detector *d = l->detector;
	struct str text;

	while (next_text(l, &text))
		load_line(l, text);
	d->arrival_base = l->arrivals;
	/* A smaller bound than when it was saved. */
	group_table_fit(&d->thresholds, INT64_MIN);
	group_table_fit(&d->terms, INT64_MIN);
	group_table_fit(&d->suppressions, INT64_MIN);
	if (!l->damaged)
		return;
	log_warning("%s: a part of the saved state could not be read and is left out", path);
	counter_add(COUNTER_STATE_DROPPED, 1);
}

int detector_load(struct detector *d, const char *path, struct event_reader *reader)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	struct loading l = {.detector = d, .reader = reader, .file = fdopen(fd, "r")};
	int error = 0;

	if (!l.file) {
		error = -errno;
		close(fd);
		return error;
	}
	l.json = json_reader_new();
	l.paths = json_paths_new();
	for (uint32_t i = 0; i < MEMBER_COUNT; i++)
		json_paths_add(l.paths, str_from(member_paths[i]), i);
	event_init(&l.event, d->fields);
	if (is_state(&l))
		load_all(&l, path);
	else
		error = -EINVAL;
	event_free(&l.event);
	json_paths_free(l.paths);
	json_reader_free(l.json);
	for (int i = 0; i < MEMBER_COUNT; i++)
		free(l.members[i].items);
	buf_free(&l.line);
	buf_free(&l.document);
	free(l.keys);
	free(l.text);
	fclose(l.file);
	return error;
}
