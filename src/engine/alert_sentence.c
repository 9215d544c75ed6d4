/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/printable.h"
#include "engine/alert_internal.h"

/* A name, a path (PATH_MAX is 4096, but no person reads that), a command line. */
#define NAME_SHOWN 80
#define PATH_SHOWN 300
#define COMMAND_SHOWN 400
/* Container ids are 64 hex digits; the first 12 are what tools show. */
#define CONTAINER_SHOWN 12

static struct str text(const struct event *e, uint32_t field)
{
	return event_get_str(e, field);
}

static bool has(const struct event *e, uint32_t field)
{
	return event_get(e, field)->type != VALUE_NULL;
}

/* The id of a field that fields.def does not have; a field no event has if nobody demanded it. */
static struct str named(const struct event *e, const char *name)
{
	int32_t field = field_set_find(e->fields, str_from(name));

	return field < 0 ? STR_NULL : event_get_str(e, (uint32_t)field);
}

static void add_number(const struct event *e, const char *name, struct buf *out)
{
	int32_t field = field_set_find(e->fields, str_from(name));
	const struct value *v = field < 0 ? NULL : event_get(e, (uint32_t)field);

	if (v && v->type == VALUE_INT)
		buf_printf(out, "%lld", (long long)v->integer);
	else if (v && v->type == VALUE_STRING)
		printable_add(out, value_as_str(v), NAME_SHOWN);
}

static bool any_is(const struct event *e, uint32_t field, struct str wanted)
{
	const struct value *v = event_get(e, field);
	const struct value *items = v->type == VALUE_LIST ? v->items : v;
	uint32_t n = v->type == VALUE_LIST ? v->count : 1;

	for (uint32_t i = 0; i < n; i++)
		if (items[i].type == VALUE_STRING && str_eq(value_as_str(&items[i]), wanted))
			return true;
	return false;
}

/* "vim (pid 123, root)", from what is there. */
static void add_actor(const struct event *e, struct buf *out)
{
	struct str name = text(e, FIELD_PROCESS_NAME);
	struct str user = text(e, FIELD_PROCESS_USER_NAME);
	bool pid = has(e, FIELD_PROCESS_PID);

	if (!name.len)
		name = str_basename(text(e, FIELD_PROCESS_EXECUTABLE));
	if (!user.len)
		user = text(e, FIELD_USER_NAME);
	if (!name.len && !pid && user.len) {
		buf_add(out, STR("user "));
		printable_add(out, user, NAME_SHOWN);
		return;
	}
	printable_add(out, name.len ? name : STR("a process"), NAME_SHOWN);
	if (!pid && !user.len)
		return;
	buf_add(out, STR(" ("));
	if (pid) {
		buf_add(out, STR("pid "));
		add_number(e, "process.pid", out);
	}
	if (pid && user.len)
		buf_add(out, STR(", "));
	printable_add(out, user, NAME_SHOWN);
	buf_add(out, STR(")"));
}

static void add_path(const struct event *e, struct buf *out)
{
	struct str path = text(e, FIELD_FILE_PATH);

	if (!path.len)
		path = text(e, FIELD_FILE_NAME);
	printable_add(out, path.len ? path : STR("a file"), PATH_SHOWN);
}

static const struct {
	struct str change; /* lintel.file.change */
	struct str verb;
} changes[] = {
    {{"permissions", 11}, {" changed the permissions of ", 28}},
    {{"owner", 5}, {" changed the owner of ", 22}},
    {{"attributes", 10}, {" changed the attributes of ", 27}},
    {{"size", 4}, {" changed the size of ", 21}},
};

static void add_file(const struct event *e, struct buf *out)
{
	struct str original = text(e, FIELD_FILE_EXT_ORIGINAL_PATH);
	struct str target = text(e, FIELD_FILE_TARGET_PATH);
	struct str change = text(e, FIELD_LINTEL_FILE_CHANGE);
	struct str action = text(e, FIELD_EVENT_ACTION);
	bool creation = any_is(e, FIELD_EVENT_ACTION, STR("creation")) ||
			any_is(e, FIELD_EVENT_TYPE, STR("creation"));
	bool rename = any_is(e, FIELD_EVENT_ACTION, STR("rename"));
	bool deletion = any_is(e, FIELD_EVENT_ACTION, STR("deletion")) ||
			any_is(e, FIELD_EVENT_TYPE, STR("deletion"));

	add_actor(e, out);
	if (rename || (creation && original.len)) {
		buf_add(out, rename ? STR(" renamed ") : STR(" linked "));
		printable_add(out, original.len ? original : STR("a file"), PATH_SHOWN);
		buf_add(out, STR(" to "));
		add_path(e, out);
		return;
	}
	if (creation && target.len) {
		buf_add(out, STR(" made the symbolic link "));
		add_path(e, out);
		buf_add(out, STR(" to "));
		printable_add(out, target, PATH_SHOWN);
		return;
	}
	struct str verb = creation                                     ? STR(" created ")
			  : deletion                                   ? STR(" deleted ")
			  : any_is(e, FIELD_EVENT_TYPE, STR("access")) ? STR(" opened ")
								       : STR_NULL;

	if (any_is(e, FIELD_EVENT_ACTION, STR("modification")) ||
	    any_is(e, FIELD_EVENT_ACTION, STR("overwrite")))
		verb = STR(" modified ");
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
		if (str_eq(change, changes[i].change))
			verb = changes[i].verb;
	if (verb.len) {
		buf_add(out, verb);
	} else {
		buf_add(out, STR(": "));
		printable_add(out, action.len ? action : STR("file event"), NAME_SHOWN);
		buf_add(out, STR(" of "));
	}
	add_path(e, out);
}

static void add_command(const struct event *e, struct buf *out)
{
	struct str line = text(e, FIELD_PROCESS_COMMAND_LINE);
	const struct value *args = event_get(e, FIELD_PROCESS_ARGS);
	const struct value *items = args->type == VALUE_LIST ? args->items : args;
	uint32_t n = args->type == VALUE_LIST ? args->count : 1;
	size_t begin = out->len;

	if (line.len) {
		printable_add(out, line, COMMAND_SHOWN);
		return;
	}
	if (args->type == VALUE_NULL) {
		printable_add(out, text(e, FIELD_PROCESS_EXECUTABLE), PATH_SHOWN);
		return;
	}
	for (uint32_t i = 0; i < n && out->len - begin < COMMAND_SHOWN; i++) {
		if (i)
			buf_add_char(out, ' ');
		if (items[i].type == VALUE_STRING)
			printable_add(out, value_as_str(&items[i]), COMMAND_SHOWN);
	}
}

static void add_parent(const struct event *e, struct buf *out)
{
	struct str name = text(e, FIELD_PROCESS_PARENT_NAME);

	if (!name.len)
		name = str_basename(text(e, FIELD_PROCESS_PARENT_EXECUTABLE));
	if (!name.len)
		return;
	buf_add(out, STR(", child of "));
	printable_add(out, name, NAME_SHOWN);
	if (has(e, FIELD_PROCESS_PARENT_PID)) {
		buf_add(out, STR(" (pid "));
		add_number(e, "process.parent.pid", out);
		buf_add(out, STR(")"));
	}
}

/* Not every sensor says what was run. */
static void add_run(const struct event *e, struct buf *out)
{
	size_t before = out->len;

	buf_add(out, STR(", ran: "));
	size_t command = out->len;

	add_command(e, out);
	if (out->len > command)
		return;
	out->len = before;
	buf_add(out, any_is(e, FIELD_EVENT_TYPE, STR("start")) ? STR(", started")
							       : STR(": process event"));
}

static void add_process(const struct event *e, struct buf *out)
{
	struct str action = text(e, FIELD_EVENT_ACTION);

	add_actor(e, out);
	add_parent(e, out);
	if (any_is(e, FIELD_EVENT_ACTION, STR("fork"))) {
		buf_add(out, STR(", was forked"));
	} else if (any_is(e, FIELD_EVENT_TYPE, STR("end"))) {
		buf_add(out, STR(", ended"));
		if (has(e, FIELD_PROCESS_EXIT_CODE)) {
			buf_add(out, STR(" with exit code "));
			add_number(e, "process.exit_code", out);
		}
	} else if (any_is(e, FIELD_EVENT_TYPE, STR("start")) || !action.len) {
		add_run(e, out);
	} else {
		buf_add(out, STR(": "));
		printable_add(out, action, NAME_SHOWN);
	}
}

static void add_endpoint(const struct event *e, struct str host, const char *port, struct buf *out)
{
	size_t begin;
	bool v6 = host.len && memchr(host.p, ':', host.len);

	if (v6)
		buf_add_char(out, '[');
	printable_add(out, host.len ? host : STR("an unknown address"), NAME_SHOWN);
	if (v6)
		buf_add_char(out, ']');
	buf_add_char(out, ':');
	begin = out->len;
	add_number(e, port, out);
	if (out->len == begin)
		out->len--; /* no port, no colon */
}

static void add_network(const struct event *e, struct buf *out)
{
	struct str question = named(e, "dns.question.name");
	struct str destination = named(e, "destination.ip");
	struct str source = named(e, "source.ip");
	struct str action = text(e, FIELD_EVENT_ACTION);

	add_actor(e, out);
	if (question.len) {
		buf_add(out, STR(" looked up "));
		printable_add(out, question, PATH_SHOWN);
		return;
	}
	if (!destination.len)
		destination = named(e, "destination.domain");
	if (any_is(e, FIELD_EVENT_ACTION, STR("connection_accepted"))) {
		buf_add(out, STR(" accepted a connection from "));
		add_endpoint(e, source, "source.port", out);
	} else if (any_is(e, FIELD_EVENT_ACTION, STR("connection_attempted"))) {
		buf_add(out, STR(" connected to "));
		add_endpoint(e, destination, "destination.port", out);
	} else {
		buf_add(out, STR(": "));
		printable_add(out, action.len ? action : STR("network event"), NAME_SHOWN);
		if (destination.len) {
			buf_add(out, STR(", to "));
			add_endpoint(e, destination, "destination.port", out);
		}
	}
}

static void add_other(const struct event *e, struct buf *out)
{
	struct str action = text(e, FIELD_EVENT_ACTION);
	struct str category = text(e, FIELD_EVENT_CATEGORY);

	if (has(e, FIELD_PROCESS_NAME) || has(e, FIELD_PROCESS_PID) || has(e, FIELD_USER_NAME)) {
		add_actor(e, out);
		buf_add(out, STR(": "));
	}
	if (action.len)
		printable_add(out, action, NAME_SHOWN);
	else if (category.len)
		printable_add(out, category, NAME_SHOWN);
	else
		buf_add(out, STR("an event"));
	if (has(e, FIELD_FILE_PATH)) {
		buf_add(out, STR(" of "));
		add_path(e, out);
	}
	if (has(e, FIELD_EVENT_OUTCOME)) {
		buf_add(out, STR(", "));
		printable_add(out, text(e, FIELD_EVENT_OUTCOME), NAME_SHOWN);
	}
}

static const struct {
	struct str category;
	void (*add)(const struct event *e, struct buf *out);
} writers[] = {
    {{"file", 4}, add_file},
    {{"process", 7}, add_process},
    {{"network", 7}, add_network},
};

static void add_event(const struct event *e, struct buf *out)
{
	void (*add)(const struct event *, struct buf *) = add_other;

	for (size_t i = sizeof(writers) / sizeof(*writers); i-- > 0;)
		if (any_is(e, FIELD_EVENT_CATEGORY, writers[i].category))
			add = writers[i].add;
	add(e, out);
	if (has(e, FIELD_CONTAINER_ID)) {
		struct str id = text(e, FIELD_CONTAINER_ID);

		if (id.len > CONTAINER_SHOWN)
			id.len = CONTAINER_SHOWN;
		buf_add(out, STR(" in container "));
		printable_add(out, id, CONTAINER_SHOWN);
	}
}

static void add_value(const struct value *v, struct buf *out)
{
	switch ((enum value_type)v->type) {
	case VALUE_STRING:
		printable_add(out, value_as_str(v), NAME_SHOWN);
		return;
	case VALUE_INT:
		buf_printf(out, "%lld", (long long)v->integer);
		return;
	case VALUE_DOUBLE:
		buf_printf(out, "%g", v->real);
		return;
	case VALUE_BOOL:
		buf_add(out, v->boolean ? STR("true") : STR("false"));
		return;
	case VALUE_NULL:
	case VALUE_LIST:
		break;
	}
	buf_add(out, STR("?"));
}

/* "user.name root, host.id h-1" */
static void add_keys(const struct alert *alert, const struct rule_fields *fields, struct buf *out)
{
	for (uint32_t i = 0; i < fields->count && i < alert->key_count; i++) {
		if (i)
			buf_add(out, STR(", "));
		printable_add(out, fields->names[i], NAME_SHOWN);
		buf_add_char(out, ' ');
		add_value(&alert->keys[i], out);
	}
}

static void add_duration(int64_t ns, struct buf *out)
{
	double seconds = (double)ns / (double)NS_PER_SEC;

	if (seconds < 120)
		buf_printf(out, "%.3g s", seconds);
	else if (seconds < 7200)
		buf_printf(out, "%.3g min", seconds / 60);
	else
		buf_printf(out, "%.3g h", seconds / 3600);
}

/* From the first of its events to the last. */
static void add_span(const struct alert *alert, struct buf *out)
{
	int64_t first = INT64_MAX, last = INT64_MIN;

	for (uint32_t i = 0; i < alert->event_count; i++) {
		const struct event *e = alert->events[i];

		if (!e || e->time_ns == INT64_MIN)
			continue;
		first = e->time_ns < first ? e->time_ns : first;
		last = e->time_ns > last ? e->time_ns : last;
	}
	if (first >= last)
		return;
	buf_add(out, STR(", within "));
	add_duration(last - first, out);
}

/* Different things done, of which the first are told and the last. */
#define STEPS_SHOWN 4

/* Steps of a sequence: what is said of one event, and how many in a row it is said of. */
struct steps {
	struct buf text; /* of all, one after the other */
	struct step {
		size_t begin, end;
		uint32_t times;
	} steps[STEPS_SHOWN];
	uint32_t count; /* of all; the last is at most at STEPS_SHOWN - 1 */
};

static struct str step_text(const struct steps *s, const struct step *step)
{
	return (struct str){s->text.p + step->begin, step->end - step->begin};
}

/* Of what had to be missing there is only the query to tell, without its lines. */
static void add_missing(const struct alert *alert, uint32_t stage, struct buf *out)
{
	const struct eql_query *q = alert->rule->query;
	struct buf line = {0};
	bool blank = false;

	buf_add(out, STR("no event of ["));
	if (q && stage < q->stage_count) {
		struct str text = q->filters[q->stages[stage].filter].text;

		for (size_t i = 0; i < text.len; i++) {
			bool space = strchr(" \t\r\n", text.p[i]) && text.p[i];

			if (!space && blank && line.len)
				buf_add_char(&line, ' ');
			if (!space)
				buf_add_char(&line, text.p[i]);
			blank = space;
		}
	}
	printable_add(out, buf_str(&line), COMMAND_SHOWN);
	buf_add_char(out, ']');
	buf_free(&line);
}

static void add_step(struct steps *s, const struct alert *alert, uint32_t number)
{
	struct step step = {.begin = s->text.len, .times = 1};
	uint32_t last = (s->count < STEPS_SHOWN ? s->count : STEPS_SHOWN) - 1;

	if (alert->events[number])
		add_event(alert->events[number], &s->text);
	else
		add_missing(alert, number, &s->text);
	step.end = s->text.len;
	if (s->count && str_eq(step_text(s, &s->steps[last]), step_text(s, &step))) {
		s->steps[last].times++;
		s->text.len = step.begin;
		return;
	}
	s->steps[s->count < STEPS_SHOWN ? s->count : STEPS_SHOWN - 1] = step;
	s->count++;
}

static void add_steps(const struct alert *alert, struct buf *out)
{
	bool sample = alert->rule->query && alert->rule->query->kind == EQL_QUERY_SAMPLE;
	struct steps s = {.count = 0};

	for (uint32_t i = 0; i < alert->event_count; i++)
		add_step(&s, alert, i);
	for (uint32_t i = 0; i < s.count && i < STEPS_SHOWN; i++) {
		if (i)
			buf_add(out, sample ? STR("; and ") : STR("; then "));
		if (i == STEPS_SHOWN - 1 && s.count > STEPS_SHOWN)
			buf_printf(out, "%u more; at last ", s.count - STEPS_SHOWN);
		buf_add(out, step_text(&s, &s.steps[i]));
		if (s.steps[i].times > 1)
			buf_printf(out, " (%u times)", s.steps[i].times);
	}
	add_span(alert, out);
	buf_free(&s.text);
}

static void add_threshold(const struct alert *alert, struct buf *out)
{
	const struct rule_threshold *t = &alert->rule->threshold;

	buf_printf(out, "%llu events", (unsigned long long)alert->count);
	if (t->fields.count)
		buf_add(out, STR(" of "));
	add_keys(alert, &t->fields, out);
	if (t->has_cardinality) {
		buf_printf(out, " with %llu different ", (unsigned long long)alert->cardinality);
		printable_add(out, t->cardinality_name, NAME_SHOWN);
	}
	if (alert->count == alert->event_count)
		add_span(alert, out);
	buf_add(out, STR("; the last: "));
	add_event(alert_last_event(alert), out);
}

void alert_sentence(const struct alert *alert, struct buf *out)
{
	if (!alert_last_event(alert))
		return;
	if (alert->rule->kind == RULE_KIND_THRESHOLD && alert->count) {
		add_threshold(alert, out);
		return;
	}
	if (alert->rule->kind == RULE_KIND_NEW_TERMS && alert->key_count) {
		buf_add(out, STR("new "));
		add_keys(alert, &alert->rule->new_terms.fields, out);
		buf_add(out, STR(": "));
	}
	add_steps(alert, out);
}
