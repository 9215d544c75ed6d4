/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert for a person:
 *
 *	2026-01-05T03:00:00.248Z  HIGH  Preload Configuration Created  (risk 73)
 *	    vim (pid 123, root) created /etc/ld.so.preload
 *	    technique  T1574.006 Dynamic Linker Hijacking
 *	    process    sshd (pid 90, root)  sshd: root@pts/0
 *	               └ bash (pid 100, root)  -bash
 *	                 └ vim (pid 123, root)  vim /etc/ld.so.preload
 *	    file       /etc/ld.so.preload  mode 0644, owner root, 12 bytes
 *	    event      Nc9a3b  rule 3fe4e20c-...  alert 52ac...
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/printable.h"
#include "event/json.h"
#include "sink/sink_internal.h"

#define NAME_SHOWN 80
#define PATH_SHOWN 300
#define ARGS_SHOWN 200
/* More than the process table gives (PROCESS_ANCESTORS_MAX); of more, the nearest are shown. */
#define ANCESTORS_SHOWN 40
/* Deeper generations are not moved further to the right. */
#define INDENT_MAX 12

/* Members of one object of alert->ancestors. */
enum member {
	MEMBER_ARGS,
	MEMBER_EXECUTABLE,
	MEMBER_NAME,
	MEMBER_PID,
	MEMBER_USER,
	MEMBER_COUNT
};

static const struct str member_names[MEMBER_COUNT] = {
    [MEMBER_ARGS] = {"args", 4},      [MEMBER_EXECUTABLE] = {"executable", 10},
    [MEMBER_NAME] = {"name", 4},      [MEMBER_PID] = {"pid", 3},
    [MEMBER_USER] = {"user.name", 9},
};

struct terminal {
	bool colour;
	/* For reading ancestors back from their JSON. */
	struct field_set *fields;
	uint32_t members[MEMBER_COUNT];
	struct event_reader *reader;
	struct event event;
	struct buf json;
};

struct terminal *terminal_new(bool colour)
{
	struct terminal *t = xcalloc(1, sizeof(*t));
	struct event_reader_options options = {.timestamp_field = STR("@timestamp")};

	t->colour = colour;
	t->fields = field_set_new();
	for (int i = 0; i < MEMBER_COUNT; i++)
		t->members[i] = (uint32_t)field_set_demand(t->fields, member_names[i]);
	field_set_demand(t->fields, options.timestamp_field);
	t->reader = event_reader_new(t->fields, &options);
	event_init(&t->event, t->fields);
	return t;
}

void terminal_free(struct terminal *t)
{
	if (!t)
		return;
	event_free(&t->event);
	event_reader_free(t->reader);
	field_set_free(t->fields);
	buf_free(&t->json);
	free(t);
}

static void add_colour(const struct terminal *t, struct buf *out, const char *sequence)
{
	if (t->colour)
		buf_add(out, str_from(sequence));
}

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RESET "\033[0m"

static const struct {
	const char *label, *colour;
} severities[] = {
    [SEVERITY_LOW] = {"LOW", "\033[36m"},
    [SEVERITY_MEDIUM] = {"MEDIUM", "\033[33m"},
    [SEVERITY_HIGH] = {"HIGH", "\033[31m"},
    [SEVERITY_CRITICAL] = {"CRITICAL", "\033[1;37;41m"},
};

static void add_headline(const struct terminal *t, const struct alert *alert, struct buf *out)
{
	const struct rule *rule = alert->rule;
	char text[CLOCK_TEXT_MAX];

	if (alert->time_ns == INT64_MIN)
		buf_add(out, STR("(no time)"));
	else
		buf_add(out, clock_format(alert->time_ns, text));
	buf_add(out, STR("  "));
	add_colour(t, out, severities[rule->severity].colour);
	buf_add(out, str_from(severities[rule->severity].label));
	add_colour(t, out, RESET);
	buf_add(out, STR("  "));
	add_colour(t, out, BOLD);
	printable_add(out, rule->name, PATH_SHOWN);
	add_colour(t, out, RESET);
	buf_printf(out, "  (risk %u%s)\n", rule->risk_score,
		   rule->building_block ? ", building block" : "");
}

static void add_label(const struct terminal *t, struct buf *out, const char *label)
{
	buf_add(out, STR("    "));
	add_colour(t, out, DIM);
	buf_printf(out, "%-11s", label);
	add_colour(t, out, RESET);
}

/* More than a line of techniques is for the rule's page, not for an alert. */
#define TECHNIQUES_SHOWN 16

struct techniques {
	const struct rule_technique *items[TECHNIQUES_SHOWN];
	uint32_t count;
};

/* A technique stands under each tactic it serves; named once is enough. */
static void collect(struct techniques *t, const struct rule_technique *q)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (str_eq(t->items[i]->id, q->id))
			return;
	if (t->count < TECHNIQUES_SHOWN)
		t->items[t->count++] = q;
}

/* Subtechniques name their technique already. */
static void add_techniques(const struct terminal *t, const struct rule *rule, struct buf *out)
{
	struct techniques shown = {.count = 0};

	for (uint32_t i = 0; i < rule->threat_count; i++) {
		for (uint32_t k = 0; k < rule->threats[i].technique_count; k++) {
			const struct rule_technique *q = &rule->threats[i].techniques[k];

			if (!q->subtechnique_count)
				collect(&shown, q);
			for (uint32_t s = 0; s < q->subtechnique_count; s++)
				collect(&shown, &q->subtechniques[s]);
		}
	}
	if (!shown.count)
		return;
	add_label(t, out, "technique");
	for (uint32_t i = 0; i < shown.count; i++) {
		if (i)
			buf_add(out, STR("; "));
		printable_add(out, shown.items[i]->id, NAME_SHOWN);
		buf_add_char(out, ' ');
		printable_add(out, shown.items[i]->name, NAME_SHOWN);
	}
	buf_add_char(out, '\n');
}

/* Fields that name one process, in the alert's event or in an ancestor's object. */
struct process_fields {
	uint32_t name, executable, pid, user, args;
};

static void add_args(const struct value *v, struct buf *out)
{
	const struct value *items = v->type == VALUE_LIST ? v->items : v;
	uint32_t n = v->type == VALUE_LIST ? v->count : 1;
	size_t begin = out->len;

	for (uint32_t i = 0; i < n; i++) {
		if (items[i].type != VALUE_STRING)
			continue;
		if (out->len - begin >= ARGS_SHOWN) {
			buf_add(out, STR(" …"));
			return;
		}
		if (i)
			buf_add_char(out, ' ');
		printable_add(out, value_as_str(&items[i]), ARGS_SHOWN);
	}
}

static void add_process(const struct event *e, const struct process_fields *f, uint32_t depth,
			struct buf *out)
{
	struct str name = event_get_str(e, f->name);
	struct str user = event_get_str(e, f->user);
	const struct value *pid = event_get(e, f->pid);
	const struct value *args = event_get(e, f->args);

	if (depth) {
		uint32_t indent = depth < INDENT_MAX ? depth : INDENT_MAX;

		buf_printf(out, "    %*s", 11 + 2 * (int)(indent - 1), "");
		buf_add(out, STR("└ "));
	}
	if (!name.len)
		name = str_basename(event_get_str(e, f->executable));
	printable_add(out, name.len ? name : STR("?"), NAME_SHOWN);
	if (pid->type == VALUE_INT) {
		buf_printf(out, " (pid %lld", (long long)pid->integer);
		if (user.len)
			buf_add(out, STR(", "));
		printable_add(out, user, NAME_SHOWN);
		buf_add_char(out, ')');
	}
	struct str executable = event_get_str(e, f->executable);

	if (args->type != VALUE_NULL || executable.len)
		buf_add(out, STR("  "));
	if (args->type != VALUE_NULL)
		add_args(args, out);
	else
		printable_add(out, executable, PATH_SHOWN);
	buf_add_char(out, '\n');
}

/* The next object of a JSON array of objects, in document order; the text is known to be JSON. */
static bool next_object(struct str json, size_t *at, struct str *object)
{
	size_t begin = SIZE_MAX;
	uint32_t depth = 0;
	bool quoted = false;

	for (; *at < json.len; ++*at) {
		char c = json.p[*at];

		if (quoted) {
			if (c == '\\')
				++*at;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' && !depth++) {
			begin = *at;
		} else if (c == '}' && depth && !--depth) {
			*object = (struct str){json.p + begin, ++*at - begin};
			return true;
		}
	}
	return false;
}

/* Oldest first, which is the end of the array. False if there is nothing to show. */
static bool add_ancestors(struct terminal *t, const struct alert *alert, struct buf *out)
{
	const struct process_fields fields = {t->members[MEMBER_NAME],
					      t->members[MEMBER_EXECUTABLE], t->members[MEMBER_PID],
					      t->members[MEMBER_USER], t->members[MEMBER_ARGS]};
	struct str objects[ANCESTORS_SHOWN];
	uint32_t n = 0, depth = 0;
	size_t at = 0;

	while (n < ANCESTORS_SHOWN && next_object(alert->ancestors, &at, &objects[n]))
		n++;
	while (n-- > 0) {
		buf_reset(&t->json);
		buf_reserve(&t->json, objects[n].len + EVENT_JSON_PADDING);
		buf_add(&t->json, objects[n]);
		event_reset(&t->event);
		if (event_read_json(t->reader, buf_str(&t->json), &t->event, NULL) != 0)
			continue;
		if (!depth)
			add_label(t, out, "process");
		add_process(&t->event, &fields, depth++, out);
	}
	return depth > 0;
}

/* What the event says of parent and process itself. */
static void add_parent_and_process(const struct terminal *t, const struct event *e, struct buf *out)
{
	static const struct process_fields parent = {
	    FIELD_PROCESS_PARENT_NAME, FIELD_PROCESS_PARENT_EXECUTABLE, FIELD_PROCESS_PARENT_PID,
	    FIELD_PROCESS_PARENT_USER_NAME, FIELD_PROCESS_PARENT_ARGS};
	static const struct process_fields self = {FIELD_PROCESS_NAME, FIELD_PROCESS_EXECUTABLE,
						   FIELD_PROCESS_PID, FIELD_USER_NAME,
						   FIELD_PROCESS_ARGS};
	uint32_t depth = 0;

	if (event_get_str(e, parent.name).len || event_get_str(e, parent.executable).len) {
		add_label(t, out, "process");
		add_process(e, &parent, depth++, out);
	}
	if (!event_get_str(e, self.name).len && !event_get_str(e, self.executable).len)
		return;
	if (!depth)
		add_label(t, out, "process");
	add_process(e, &self, depth, out);
}

static void add_file(const struct terminal *t, const struct event *e, struct buf *out)
{
	struct str path = event_get_str(e, FIELD_FILE_PATH);
	struct str owner = event_get_str(e, FIELD_FILE_OWNER);
	struct str mode = event_get_str(e, FIELD_FILE_MODE);
	const struct value *size = event_get(e, FIELD_FILE_SIZE);
	const char *separator = "  ";

	if (!path.len)
		return;
	add_label(t, out, "file");
	printable_add(out, path, PATH_SHOWN);
	if (mode.len) {
		buf_printf(out, "%smode ", separator);
		printable_add(out, mode, NAME_SHOWN);
		separator = ", ";
	}
	if (owner.len) {
		buf_printf(out, "%sowner ", separator);
		printable_add(out, owner, NAME_SHOWN);
		separator = ", ";
	}
	if (size->type == VALUE_INT)
		buf_printf(out, "%s%lld bytes", separator, (long long)size->integer);
	buf_add_char(out, '\n');
}

/* A threshold's alert has a hundred. */
#define IDS_SHOWN 8

static void add_ids(const struct terminal *t, const struct alert *alert, struct buf *out)
{
	add_label(t, out, alert->event_count > 1 ? "events" : "event");
	for (uint32_t i = 0; i < alert->event_count && i < IDS_SHOWN; i++) {
		struct str id =
		    alert->events[i] ? event_get_str(alert->events[i], FIELD_EVENT_ID) : STR_NULL;

		printable_add(out, id.len ? id : STR("-"), NAME_SHOWN);
		buf_add(out, STR("  "));
	}
	if (alert->event_count > IDS_SHOWN)
		buf_printf(out, "and %u more  ", alert->event_count - IDS_SHOWN);
	buf_add(out, STR("rule "));
	printable_add(out, alert->rule->id, NAME_SHOWN);
	buf_printf(out, "  alert %s\n", alert->id);
}

void terminal_write(struct terminal *t, const struct alert *alert, struct buf *out)
{
	const struct event *last = NULL;

	for (uint32_t i = 0; i < alert->event_count; i++)
		if (alert->events[i])
			last = alert->events[i];
	add_headline(t, alert, out);
	buf_add(out, STR("    "));
	alert_sentence(alert, out);
	buf_add_char(out, '\n');
	add_techniques(t, alert->rule, out);
	if (last && !add_ancestors(t, alert, out))
		add_parent_and_process(t, last, out);
	if (last)
		add_file(t, last, out);
	add_ids(t, alert, out);
	if (alert->suppressed) {
		add_label(t, out, "suppressed");
		buf_printf(out, "%llu earlier alerts like this, by alert_suppression\n",
			   (unsigned long long)alert->suppressed);
	}
	if (alert->withheld) {
		add_label(t, out, "withheld");
		buf_printf(out, "%llu earlier alerts of this rule, by max_signals\n",
			   (unsigned long long)alert->withheld);
	}
	buf_add_char(out, '\n');
}
