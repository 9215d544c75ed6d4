/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests in TOML, in a file of their own (`rule = "..."` names the rule) or in the rule's file:
 *
 *	[defaults]			what every event has unless it says otherwise
 *	[[test]]
 *	name = "..."
 *	match = true
 *	[test.defaults]			the same for the events of this test
 *	[[test.event]]			one for each event, in order of time
 *
 * Fields may be dotted or nested; what is nearer to the event wins. Every event gets a time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/toml_reader.h"
#include "cli/rules_test_internal.h"

/* When a test begins: a time that is no event's own. 2026-01-01T00:00:00Z. */
#define FIRST_NS (INT64_C(1767225600) * NS_PER_SEC)
/* Between events that say nothing: some, so that they have an order. */
#define STEP_NS NS_PER_MS
/* Fields of one event, defaults included. */
#define FIELDS_MAX 1024
/* Tables within tables; ECS needs 8. */
#define DEPTH_MAX 32

struct reader {
	struct test_file *file;
	struct str text;
	struct diag_list *diags;
};

struct field {
	struct str name; /* dotted */
	const struct tree_node *value;
};

struct fields {
	struct field items[FIELDS_MAX];
	uint32_t count;
};

static size_t offset_of(struct str text, uint32_t line, uint32_t column)
{
	size_t at = 0;

	for (uint32_t n = 1; n < line && at < text.len; n++) {
		const char *newline = memchr(text.p + at, '\n', text.len - at);

		at = newline ? (size_t)(newline - text.p) + 1 : text.len;
	}
	return at + (column ? column - 1 : 0);
}

static struct diag at_value(const struct reader *r, const struct tree_node *node)
{
	return diag_at(r->file->path, r->text, offset_of(r->text, node->line, node->column), 1, 1,
		       1);
}

static struct diag at_key(const struct reader *r, const struct tree_node *node)
{
	if (!node->key.len)
		return at_value(r, node);
	return diag_at(r->file->path, r->text, offset_of(r->text, node->key_line, node->key_column),
		       node->key.len, 1, 1);
}

/* ---- events */

static void set_field(struct reader *r, struct fields *fields, struct str name,
		      const struct tree_node *value)
{
	for (uint32_t i = 0; i < fields->count; i++)
		if (str_eq(fields->items[i].name, name)) {
			fields->items[i].value = value;
			return;
		}
	if (fields->count == FIELDS_MAX) {
		diag_add(r->diags, at_key(r, value), "an event has more than %d fields",
			 FIELDS_MAX);
		return;
	}
	fields->items[fields->count++] = (struct field){name, value};
}

/* Keys of an event that are no fields. */
static bool is_instruction(const struct tree_node *node)
{
	return str_eq(node->key, STR("after")) || str_eq(node->key, STR("without"));
}

static void add_table(struct reader *r, struct fields *fields, struct str prefix,
		      const struct tree_node *table, uint32_t depth)
{
	for (uint32_t i = 0; i < table->kid_count; i++) {
		const struct tree_node *kid = table->kids[i];
		struct str name = kid->key;

		if (!depth && is_instruction(kid))
			continue;
		if (prefix.len)
			name = arena_printf(&r->file->arena, "%.*s.%.*s", STR_ARG(prefix),
					    STR_ARG(kid->key));
		if (kid->type != TREE_TABLE)
			set_field(r, fields, name, kid);
		else if (depth < DEPTH_MAX)
			add_table(r, fields, name, kid, depth + 1);
		else
			diag_add(r->diags, at_key(r, kid), "tables are nested too deep");
	}
}

/* `without = ["process.args"]`: the field, and what is below it. */
static void leave_out(struct fields *fields, struct str name)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < fields->count; i++) {
		struct str other = fields->items[i].name;
		bool below =
		    str_starts(other, name) && other.len > name.len && other.p[name.len] == '.';

		if (!below && !str_eq(other, name))
			fields->items[kept++] = fields->items[i];
	}
	fields->count = kept;
}

static void add_without(struct reader *r, struct fields *fields, const struct tree_node *event)
{
	const struct tree_node *list = tree_get(event, "without");

	if (!list)
		return;
	for (uint32_t i = 0; list->type == TREE_ARRAY && i < list->kid_count; i++) {
		if (list->kids[i]->type == TREE_STRING)
			leave_out(fields, list->kids[i]->text);
		else
			diag_add(r->diags, at_value(r, list->kids[i]),
				 "[without] is a list of field names");
	}
	if (list->type != TREE_ARRAY)
		diag_add(r->diags, at_value(r, list), "[without] is a list of field names");
}

static void write_value(struct json_writer *w, const struct tree_node *node, uint32_t depth)
{
	switch (node->type) {
	case TREE_STRING:
	case TREE_TIME:
		json_string(w, node->text);
		return;
	case TREE_INT:
		json_int(w, node->integer);
		return;
	case TREE_DOUBLE:
		json_double(w, node->real);
		return;
	case TREE_BOOL:
		json_bool(w, node->boolean);
		return;
	case TREE_NULL:
		json_null(w);
		return;
	case TREE_ARRAY:
	case TREE_TABLE:
		break;
	}
	/* The writer's own depth is that of documents; a list in a list in a list is none. */
	if (depth >= JSON_WRITER_DEPTH_MAX - 2) {
		json_null(w);
		return;
	}
	if (node->type == TREE_ARRAY)
		json_array(w);
	else
		json_object(w);
	for (uint32_t i = 0; i < node->kid_count; i++) {
		if (node->type == TREE_TABLE)
			json_key(w, node->kids[i]->key);
		write_value(w, node->kids[i], depth + 1);
	}
	json_end(w);
}

/* "1s", "250ms", "-2m": how long after the event before. */
static bool parse_after(struct str text, int64_t *ns)
{
	static const struct {
		const char *unit;
		int64_t ns;
	} units[] = {{"ms", NS_PER_MS},
		     {"s", NS_PER_SEC},
		     {"m", 60 * NS_PER_SEC},
		     {"h", 3600 * NS_PER_SEC},
		     {"d", 86400 * NS_PER_SEC}};
	bool negative = text.len && text.p[0] == '-';
	size_t at = negative;
	int64_t n = 0;

	/* Nine digits of days would be beyond the range of times. */
	for (; at < text.len && text.p[at] >= '0' && text.p[at] <= '9' && n < 100000000; at++)
		n = n * 10 + (text.p[at] - '0');
	struct str unit = {text.p + at, text.len - at};

	if (at == (size_t)negative)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (str_eq(unit, str_from(units[i].unit)) && n <= INT64_MAX / 8 / units[i].ns) {
			*ns = (negative ? -n : n) * units[i].ns;
			return true;
		}
	return false;
}

/* The event's own @timestamp, else what `after` says or a step behind the event before. */
static bool time_of(struct reader *r, const struct fields *fields, const struct tree_node *event,
		    int64_t *time_ns)
{
	const struct tree_node *after = tree_get(event, "after");
	int64_t step;

	for (uint32_t i = 0; i < fields->count; i++) {
		const struct field *f = &fields->items[i];

		if (!str_eq(f->name, STR("@timestamp")))
			continue;
		if (after)
			diag_add(r->diags, at_value(r, after),
				 "an event has [after] or [@timestamp], not both");
		if (f->value->type == TREE_INT)
			*time_ns = f->value->integer * NS_PER_MS;
		else if (clock_parse(f->value->text, time_ns))
			diag_add(r->diags, at_value(r, f->value), "[@timestamp] is no time");
		return true;
	}
	if (!after)
		return false;
	if (after->type != TREE_STRING || !parse_after(after->text, &step)) {
		struct diag diag = at_value(r, after);

		diag.hint = STR("expected a number and ms, s, m, h or d, as in \"1s\"");
		diag_add(r->diags, diag, "[after] is not a time span");
		return false;
	}
	/* The event before has moved the time on by a step already. */
	*time_ns += step - STEP_NS;
	return false;
}

static struct str event_json(struct reader *r, const struct fields *fields, bool has_time,
			     int64_t time_ns)
{
	char text[CLOCK_TEXT_MAX];
	struct buf out = {0};
	struct json_writer w = json_writer_to(&out);

	json_object(&w);
	if (!has_time)
		json_member(&w, STR("@timestamp"), clock_format(time_ns, text));
	for (uint32_t i = 0; i < fields->count; i++) {
		json_key(&w, fields->items[i].name);
		write_value(&w, fields->items[i].value, 1);
	}
	json_end(&w);
	struct str json = arena_str(&r->file->arena, buf_str(&out));

	buf_free(&out);
	return json;
}

static void read_event(struct reader *r, const struct tree_node *const *defaults, uint32_t count,
		       const struct tree_node *node, int64_t *time_ns, struct test_event *event)
{
	struct fields *fields = xcalloc(1, sizeof(*fields));

	if (node->type != TREE_TABLE) {
		diag_add(r->diags, at_value(r, node), "an event is a table of fields");
		free(fields);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		if (defaults[i] && defaults[i]->type == TREE_TABLE)
			add_table(r, fields, STR_NULL, defaults[i], 0);
	add_without(r, fields, node);
	add_table(r, fields, STR_NULL, node, 0);
	bool has_time = time_of(r, fields, node, time_ns);

	event->line = node->line;
	event->json = event_json(r, fields, has_time, *time_ns);
	*time_ns += STEP_NS;
	free(fields);
}

static void read_events(struct reader *r, const struct tree_node *root,
			const struct tree_node *test, struct test_case *c)
{
	const struct tree_node *defaults[] = {tree_get(root, "defaults"),
					      tree_get(test, "defaults")};
	const struct tree_node *events = tree_get(test, "event");
	int64_t time_ns = FIRST_NS;

	if (!events)
		events = tree_get(test, "events");
	uint32_t n = !events ? 1 : events->type == TREE_ARRAY ? events->kid_count : 1;

	if (!n || n > TEST_EVENTS_MAX) {
		diag_add(r->diags, at_key(r, events), "a test has 1 to %d events", TEST_EVENTS_MAX);
		return;
	}
	c->events = ARENA_ARRAY(&r->file->arena, struct test_event, n);
	c->event_count = n;
	for (uint32_t i = 0; i < n; i++) {
		/* A test without events is about the defaults as they are. */
		static const struct tree_node nothing = {.type = TREE_TABLE};
		const struct tree_node *event = !events                      ? &nothing
						: events->type == TREE_ARRAY ? events->kids[i]
									     : events;

		read_event(r, defaults, 2, event, &time_ns, &c->events[i]);
		if (!events)
			c->events[i].line = test->line;
	}
}

/* ---- what is expected */

static bool read_alert(struct reader *r, const struct tree_node *node, struct test_case *c,
		       struct test_alert *alert)
{
	if (node->type != TREE_ARRAY)
		return false;
	alert->events = ARENA_ARRAY(&r->file->arena, uint32_t, node->kid_count);
	for (uint32_t i = 0; i < node->kid_count; i++) {
		const struct tree_node *number = node->kids[i];

		if (number->type != TREE_INT || number->integer < 1 ||
		    number->integer > c->event_count)
			return false;
		alert->events[alert->event_count++] = (uint32_t)number->integer;
	}
	return true;
}

static void read_alerts(struct reader *r, const struct tree_node *node, struct test_case *c)
{
	bool good = node->type == TREE_ARRAY;

	c->expect = EXPECT_ALERTS;
	if (good)
		c->alerts = ARENA_ARRAY(&r->file->arena, struct test_alert, node->kid_count);
	for (uint32_t i = 0; good && i < node->kid_count; i++)
		good = read_alert(r, node->kids[i], c, &c->alerts[c->alert_count++]);
	if (good)
		return;
	struct diag diag = at_value(r, node);

	diag.hint = STR("for example [[1, 3]]: one alert, of the first and the third event");
	diag_add(r->diags, diag, "[alerts] is a list of lists of event numbers from 1 to %u",
		 c->event_count);
}

static void read_match(struct reader *r, const struct tree_node *test, struct test_case *c)
{
	const struct tree_node *match = tree_get(test, "match");
	const struct tree_node *alerts = tree_get(test, "alerts");

	if (alerts)
		read_alerts(r, alerts, c);
	if (match && match->type == TREE_BOOL && !alerts) {
		c->expect = match->boolean ? EXPECT_SOME : EXPECT_NONE;
	} else if (match && match->type == TREE_INT && match->integer >= 0 && !alerts) {
		c->expect = EXPECT_COUNT;
		c->count = (uint64_t)match->integer;
	} else if (match || !alerts) {
		struct diag diag = match ? at_value(r, match) : at_key(r, test);

		diag.hint =
		    STR("match = true, false or the number of alerts; or alerts = [[1, 2]]");
		diag_add(r->diags, diag, "a test says what is expected, once");
	}
}

/* A key nobody reads would be an expectation nobody checks. */
static void refuse_others(struct reader *r, const struct tree_node *table, const char *what,
			  const char *const *known)
{
	for (uint32_t i = 0; i < table->kid_count; i++) {
		bool found = false;

		for (const char *const *name = known; *name; name++)
			found |= str_eq(table->kids[i]->key, str_from(*name));
		if (!found)
			diag_add(r->diags, at_key(r, table->kids[i]), "unknown key [%.*s] of %s",
				 STR_ARG(table->kids[i]->key), what);
	}
}

static void read_test(struct reader *r, const struct tree_node *root, const struct tree_node *test)
{
	static const char *const known[] = {"name",   "match",    "alerts", "event",
					    "events", "defaults", "note",   NULL};
	const struct tree_node *name = tree_get_typed(test, "name", TREE_STRING);
	const struct tree_node *rule = tree_get_typed(root, "rule", TREE_STRING);
	struct test_case *c;

	if (test->type != TREE_TABLE) {
		diag_add(r->diags, at_key(r, test), "[[test]] is a table");
		return;
	}
	refuse_others(r, test, "a test", known);
	if (!name || !name->text.len) {
		diag_add(r->diags, at_key(r, test), "a test has a name");
		return;
	}
	if (tree_get(test, "event") && tree_get(test, "events"))
		diag_add(r->diags, at_key(r, tree_get(test, "events")),
			 "a test has [event] or [events], not both");
	c = test_file_add(r->file);
	c->name = arena_str(&r->file->arena, name->text);
	c->line = name->line;
	if (rule)
		c->rule = arena_str(&r->file->arena, rule->text);
	read_events(r, root, test, c);
	read_match(r, test, c);
}

static void read_root(struct reader *r, const struct tree_node *root)
{
	static const char *const known[] = {"rule", "defaults", "test", "note", NULL};
	const struct tree_node *rule = tree_get(root, "rule");
	const struct tree_node *tests = tree_get(root, "test");
	const struct tree_node *defaults = tree_get(root, "defaults");

	r->file->has_rule = rule && rule->type == TREE_TABLE;
	if (!r->file->has_rule) {
		/* The keys of a rule's file are the rule reader's business. */
		refuse_others(r, root, "a file of tests", known);
		if (!rule || rule->type != TREE_STRING) {
			struct diag diag =
			    rule ? at_value(r, rule) : (struct diag){.file = r->file->path};

			diag.hint = STR("rule = \"path of the rule's file from here, or its id\"");
			diag_add(r->diags, diag, "neither a rule nor tests of one");
		}
	}
	if (defaults && defaults->type != TREE_TABLE)
		diag_add(r->diags, at_value(r, defaults), "[defaults] is a table of fields");
	if (!tests)
		return;
	if (tests->type != TREE_ARRAY) {
		diag_add(r->diags, at_key(r, tests), "tests are written as [[test]]");
		return;
	}
	for (uint32_t i = 0; i < tests->kid_count && i < TEST_CASES_MAX; i++)
		read_test(r, root, tests->kids[i]);
}

int test_read_toml(struct test_file *file, struct str text, struct diag_list *diags)
{
	struct reader r = {file, text, diags};
	struct tree_node *root;
	struct arena tree;
	uint32_t errors = diags->errors;

	arena_init(&tree);
	if (!toml_read(&tree, text, file->path, diags, &root))
		read_root(&r, root);
	arena_free(&tree);
	return diags->errors == errors ? 0 : -EINVAL;
}
