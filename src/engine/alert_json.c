/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "engine/alert_internal.h"
#include "event/json.h"

/*
 * An alert is written as one walk over its members in order of name, so that those of the event
 * and those of the alert share their objects ("event", "lintel"). A member is a value of the event
 * or a part of the alert that knows how to write itself.
 */
struct member {
	struct str name; /* dotted */
	const struct value *value;
	void (*write)(struct json_writer *w, const struct alert *alert);
	bool (*is_there)(const struct alert *alert); /* NULL: always */
};

/* Levels of objects made from dotted names; what is deeper keeps its dots. ECS needs 5. */
#define DEPTH_MAX 16

static void write_values(struct json_writer *w, const struct value *values, uint32_t count)
{
	json_array(w);
	for (uint32_t i = 0; i < count; i++)
		value_write_json(&values[i], w);
	json_end(w);
}

static void write_strings(struct json_writer *w, struct str key, const struct str *items,
			  uint32_t count)
{
	if (!count)
		return;
	json_key(w, key);
	json_array(w);
	/* A reference a rule leaves out is written too: the arrays of a threat are parallel. */
	for (uint32_t i = 0; i < count; i++)
		json_string(w, items[i].len ? items[i] : STR(""));
	json_end(w);
}

static void write_timestamp(struct json_writer *w, const struct alert *alert)
{
	char text[CLOCK_TEXT_MAX];

	if (alert->time_ns == INT64_MIN)
		json_null(w);
	else
		json_string(w, clock_format(alert->time_ns, text));
}

static void write_kind(struct json_writer *w, const struct alert *alert)
{
	(void)alert;
	json_string(w, STR("alert"));
}

static void write_message(struct json_writer *w, const struct alert *alert)
{
	struct buf text = {0};

	alert_sentence(alert, &text);
	json_string(w, buf_str(&text));
	buf_free(&text);
}

static void write_alert(struct json_writer *w, const struct alert *alert)
{
	struct buf event = {0};

	json_object(w);
	json_member(w, STR("id"), str_from(alert->id));
	json_member(w, STR("severity"), str_from(rule_severity_name(alert->rule->severity)));
	json_key(w, STR("risk_score"));
	json_uint(w, alert->rule->risk_score);
	json_key(w, STR("building_block"));
	json_bool(w, alert->rule->building_block);
	json_key(w, STR("withheld"));
	json_uint(w, alert->withheld);
	if (alert->ancestors.len) {
		json_key(w, STR("ancestors"));
		json_raw(w, alert->ancestors);
	}
	if (alert->key_count && alert->rule->kind == RULE_KIND_EQL) {
		json_key(w, STR("join_keys"));
		write_values(w, alert->keys, alert->key_count);
	}
	json_key(w, STR("events"));
	json_array(w);
	for (uint32_t i = 0; i < alert->event_count; i++) {
		if (!alert->events[i]) {
			json_null(w);
			continue;
		}
		buf_reset(&event);
		event_write_json(alert->events[i], &event);
		json_raw(w, buf_str(&event));
	}
	json_end(w);
	json_end(w);
	buf_free(&event);
}

/* As Kibana writes what an alert was grouped by: [{"field": "user.name", "value": "root"}]. */
static void write_terms(struct json_writer *w, const struct rule_fields *fields,
			const struct value *values)
{
	json_key(w, STR("terms"));
	json_array(w);
	for (uint32_t i = 0; i < fields->count; i++) {
		json_object(w);
		json_member(w, STR("field"), fields->names[i]);
		json_key(w, STR("value"));
		value_write_json(&values[i], w);
		json_end(w);
	}
	json_end(w);
}

static void write_suppression(struct json_writer *w, const struct alert *alert)
{
	const struct rule *rule = alert->rule;

	json_key(w, STR("suppression"));
	json_object(w);
	json_key(w, STR("docs_count"));
	json_uint(w, alert->suppressed);
	write_terms(w,
		    rule->kind == RULE_KIND_THRESHOLD ? &rule->threshold.fields
						      : &rule->suppression.fields,
		    alert->group);
	json_end(w);
}

static void write_threshold(struct json_writer *w, const struct alert *alert)
{
	const struct rule_threshold *t = &alert->rule->threshold;

	json_key(w, STR("threshold_result"));
	json_object(w);
	if (t->has_cardinality) {
		json_key(w, STR("cardinality"));
		json_array(w);
		json_object(w);
		json_member(w, STR("field"), t->cardinality_name);
		json_key(w, STR("value"));
		json_uint(w, alert->cardinality);
		json_end(w);
		json_end(w);
	}
	json_key(w, STR("count"));
	json_uint(w, alert->count);
	write_terms(w, &t->fields, alert->keys);
	json_end(w);
}

static bool is_new_terms(const struct alert *alert)
{
	return alert->rule->kind == RULE_KIND_NEW_TERMS && alert->key_count;
}

static bool is_threshold(const struct alert *alert)
{
	return alert->rule->kind == RULE_KIND_THRESHOLD &&
	       alert->key_count == alert->rule->threshold.fields.count;
}

static bool has_kibana(const struct alert *alert)
{
	return alert->rule->building_block || alert->group || is_new_terms(alert) ||
	       is_threshold(alert);
}

/* Names and shapes of Kibana's alert documents, for who has tools for those. */
static void write_kibana(struct json_writer *w, const struct alert *alert)
{
	json_object(w);
	if (alert->rule->building_block)
		json_member(w, STR("building_block_type"), STR("default"));
	if (is_new_terms(alert)) {
		json_key(w, STR("new_terms"));
		write_values(w, alert->keys, alert->key_count);
	}
	if (alert->group)
		write_suppression(w, alert);
	if (is_threshold(alert))
		write_threshold(w, alert);
	json_end(w);
}

static bool has_threat(const struct alert *alert)
{
	return alert->rule->threat_count > 0;
}

static void write_rule(struct json_writer *w, const struct alert *alert)
{
	const struct rule *rule = alert->rule;

	json_object(w);
	json_member(w, STR("id"), rule->id);
	json_member(w, STR("name"), rule->name);
	json_member(w, STR("version"), rule->version);
	json_member(w, STR("description"), rule->description);
	json_member(w, STR("license"), rule->license);
	write_strings(w, STR("author"), rule->authors, rule->author_count);
	write_strings(w, STR("reference"), rule->references, rule->reference_count);
	json_end(w);
}

static void write_tags(struct json_writer *w, const struct alert *alert)
{
	json_array(w);
	for (uint32_t i = 0; i < alert->rule->tag_count; i++)
		json_string(w, alert->rule->tags[i]);
	json_end(w);
}

/* ECS has one threat object with parallel arrays of id, name and reference; a rule has a list of
 * tactics with techniques. A technique named under two tactics appears once. */
struct names {
	struct str *ids, *names, *references;
	uint32_t count, cap;
};

static void add_name(struct names *n, struct str id, struct str name, struct str reference)
{
	for (uint32_t i = 0; i < n->count; i++)
		if (str_eq(n->ids[i], id))
			return;
	if (n->count == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 8;
		n->ids = xreallocarray(n->ids, n->cap, sizeof(*n->ids));
		n->names = xreallocarray(n->names, n->cap, sizeof(*n->names));
		n->references = xreallocarray(n->references, n->cap, sizeof(*n->references));
	}
	n->ids[n->count] = id;
	n->names[n->count] = name;
	n->references[n->count++] = reference;
}

static void write_names_and_free(struct json_writer *w, struct names *n)
{
	write_strings(w, STR("id"), n->ids, n->count);
	write_strings(w, STR("name"), n->names, n->count);
	write_strings(w, STR("reference"), n->references, n->count);
	free(n->ids);
	free(n->names);
	free(n->references);
}

static void write_threat(struct json_writer *w, const struct alert *alert)
{
	struct names tactics = {0}, techniques = {0}, subtechniques = {0};
	const struct rule *rule = alert->rule;

	for (uint32_t i = 0; i < rule->threat_count; i++) {
		const struct rule_threat *t = &rule->threats[i];

		add_name(&tactics, t->tactic_id, t->tactic_name, t->tactic_reference);
		for (uint32_t k = 0; k < t->technique_count; k++) {
			const struct rule_technique *q = &t->techniques[k];

			add_name(&techniques, q->id, q->name, q->reference);
			for (uint32_t s = 0; s < q->subtechnique_count; s++)
				add_name(&subtechniques, q->subtechniques[s].id,
					 q->subtechniques[s].name, q->subtechniques[s].reference);
		}
	}
	json_object(w);
	json_member(w, STR("framework"), rule->threats[0].framework);
	json_key(w, STR("tactic"));
	json_object(w);
	write_names_and_free(w, &tactics);
	json_end(w);
	if (techniques.count) {
		bool has_sub = subtechniques.count > 0;

		json_key(w, STR("technique"));
		json_object(w);
		write_names_and_free(w, &techniques);
		if (has_sub) {
			json_key(w, STR("subtechnique"));
			json_object(w);
			write_names_and_free(w, &subtechniques);
			json_end(w);
		}
		json_end(w);
	}
	json_end(w);
}

/* Parts of the alert; a field of the event with such a name, or below it, is the event's own claim
 * and is found in lintel.alert.events. */
static const struct member own_members[] = {
    {.name = {"@timestamp", 10}, .write = write_timestamp},
    {.name = {"event.kind", 10}, .write = write_kind},
    {.name = {"kibana.alert", 12}, .write = write_kibana, .is_there = has_kibana},
    {.name = {"lintel.alert", 12}, .write = write_alert},
    {.name = {"message", 7}, .write = write_message},
    {.name = {"rule", 4}, .write = write_rule},
    {.name = {"tags", 4}, .write = write_tags},
    {.name = {"threat", 6}, .write = write_threat, .is_there = has_threat},
};
#define OWN_MEMBERS (sizeof(own_members) / sizeof(*own_members))

static bool is_below(struct str name, struct str above)
{
	return str_starts(name, above) && (name.len == above.len || name.p[above.len] == '.');
}

static bool is_own(struct str name)
{
	for (size_t i = 0; i < OWN_MEMBERS; i++)
		if (is_below(name, own_members[i].name) || is_below(own_members[i].name, name))
			return true;
	return false;
}

/* By name with the dot before all other bytes, so that what is below a name follows it. */
static int by_name(const void *a, const void *b)
{
	struct str x = ((const struct member *)a)->name, y = ((const struct member *)b)->name;
	size_t n = x.len < y.len ? x.len : y.len;

	for (size_t i = 0; i < n; i++) {
		int cx = x.p[i] == '.' ? 0 : 1 + (unsigned char)x.p[i];
		int cy = y.p[i] == '.' ? 0 : 1 + (unsigned char)y.p[i];

		if (cx != cy)
			return cx - cy;
	}
	return (x.len > y.len) - (x.len < y.len);
}

static uint32_t collect(const struct alert *alert, struct member *members)
{
	const struct event *event = alert_last_event(alert);
	uint32_t n = 0;

	for (size_t i = 0; i < OWN_MEMBERS; i++)
		if (!own_members[i].is_there || own_members[i].is_there(alert))
			members[n++] = own_members[i];
	for (uint32_t i = 0; event && i < event->filled_count; i++) {
		uint32_t field = event->filled[i];
		struct str name = field_set_info(event->fields, field)->name;

		if (!is_own(name))
			members[n++] =
			    (struct member){.name = name, .value = event_get(event, field)};
	}
	qsort(members, n, sizeof(*members), by_name);
	return n;
}

/* The objects open at this moment: `name` up to `ends[i]` is the name of the i-th. */
struct path {
	struct str name;
	size_t ends[DEPTH_MAX];
	uint32_t depth;
};

static bool still_inside(const struct path *path, uint32_t depth, struct str name)
{
	size_t end = path->ends[depth - 1];

	return name.len > end && name.p[end] == '.' && memcmp(name.p, path->name.p, end) == 0;
}

static void write_member(struct json_writer *w, const struct alert *alert, struct path *path,
			 const struct member *m)
{
	while (path->depth && !still_inside(path, path->depth, m->name)) {
		json_end(w);
		path->depth--;
	}
	path->name = m->name;
	size_t begin = path->depth ? path->ends[path->depth - 1] + 1 : 0;

	while (path->depth < DEPTH_MAX) {
		size_t dot = str_find(m->name, STR("."), begin);

		if (dot == SIZE_MAX)
			break;
		json_key(w, (struct str){m->name.p + begin, dot - begin});
		json_object(w);
		path->ends[path->depth++] = dot;
		begin = dot + 1;
	}
	json_key(w, (struct str){m->name.p + begin, m->name.len - begin});
	if (m->write)
		m->write(w, alert);
	else
		value_write_json(m->value, w);
}

void alert_write_json(const struct alert *alert, struct buf *out)
{
	const struct event *event = alert_last_event(alert);
	struct member *members =
	    xcalloc(OWN_MEMBERS + (event ? event->filled_count : 0), sizeof(*members));
	uint32_t n = collect(alert, members);
	struct json_writer w = json_writer_to(out);
	struct path path = {0};

	json_object(&w);
	for (uint32_t i = 0; i < n; i++) {
		/* A value that is also an object (both in one document) cannot be written as
		 * both; the object is, the value is in lintel.alert.events. */
		if (i + 1 < n && is_below(members[i + 1].name, members[i].name))
			continue;
		write_member(&w, alert, &path, &members[i]);
	}
	while (path.depth--)
		json_end(&w);
	json_end(&w);
	free(members);
}
