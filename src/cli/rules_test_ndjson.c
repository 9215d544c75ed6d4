/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests in NDJSON: events one a line, with what is expected of each in fields of its own.
 *
 *	test.rule	id, or path from here, of the rule; holds until another line has one
 *	test.match	true, false or the number of alerts
 *	test.name	lines in a row with the same name are one test of several events
 *	test.expect	instead of rule and match: the rules, of all that are loaded, that must
 *			match this event, and no others; a list, empty for none
 *	test.why	the name of a test with test.expect
 */
#include <errno.h>

#include "base/buf.h"
#include "cli/rules_test_internal.h"
#include "event/json.h"

enum {
	TEST_RULE,
	TEST_MATCH,
	TEST_NAME,
	TEST_EXPECT,
	TEST_WHY,
	TEST_FIELDS
};

struct reader {
	struct test_file *file;
	struct diag_list *diags;
	struct field_set *fields;
	uint32_t ids[TEST_FIELDS];
	struct event event;
	struct event_reader *json;
	struct buf padded;
	struct str rule; /* that holds */
	uint32_t line;
};

static const struct value *get(const struct reader *r, int field)
{
	return event_get(&r->event, r->ids[field]);
}

static struct str get_text(struct reader *r, int field)
{
	return arena_str(&r->file->arena, event_get_str(&r->event, r->ids[field]));
}

static void complain(struct reader *r, const char *what, const char *hint)
{
	diag_add(r->diags,
		 (struct diag){.file = r->file->path, .line = r->line, .hint = str_from(hint)},
		 "%s", what);
}

static void add_event(struct reader *r, struct test_case *c, struct str line)
{
	/* Grown at powers of two; what is left behind goes with the arena. */
	if ((c->event_count & (c->event_count - 1)) == 0) {
		struct test_event *more =
		    ARENA_ARRAY(&r->file->arena, struct test_event,
				c->event_count ? 2 * (size_t)c->event_count : 1);

		if (c->event_count)
			memcpy(more, c->events, c->event_count * sizeof(*more));
		c->events = more;
	}
	c->events[c->event_count++] =
	    (struct test_event){arena_str(&r->file->arena, line), r->line};
}

static void read_expected_rules(struct reader *r, struct test_case *c)
{
	const struct value *v = get(r, TEST_EXPECT);
	uint32_t n = v->type == VALUE_LIST ? v->count : v->type != VALUE_NULL;

	c->expect = EXPECT_RULES;
	c->rules = ARENA_ARRAY(&r->file->arena, struct str, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct value *item = v->type == VALUE_LIST ? &v->items[i] : v;

		if (item->type == VALUE_STRING)
			c->rules[c->rule_count++] = arena_str(&r->file->arena, value_as_str(item));
		else
			complain(r, "test.expect names rules", "a list of strings");
	}
}

static void read_match(struct reader *r, struct test_case *c)
{
	const struct value *v = get(r, TEST_MATCH);

	if (v->type == VALUE_BOOL) {
		c->expect = v->boolean ? EXPECT_SOME : EXPECT_NONE;
	} else if (v->type == VALUE_INT && v->integer >= 0) {
		c->expect = EXPECT_COUNT;
		c->count = (uint64_t)v->integer;
	} else {
		complain(r, "the line says nothing of what is expected",
			 "test.match: true, false or a number; or test.expect: a list of rules");
	}
}

/* The line goes on with the test of the line before. */
static bool goes_on(const struct reader *r, struct str name)
{
	const struct test_file *file = r->file;

	return name.len && file->case_count && str_eq(file->cases[file->case_count - 1].name, name);
}

/* `"test.expect": []` is an expectation too, but an empty list is no value. */
static bool has_expect(const struct reader *r, struct str line)
{
	return get(r, TEST_EXPECT)->type != VALUE_NULL ||
	       str_find(line, STR("\"test.expect\""), 0) != SIZE_MAX;
}

static void read_case(struct reader *r, struct str line)
{
	struct str name = get_text(r, TEST_NAME);

	if (goes_on(r, name)) {
		add_event(r, &r->file->cases[r->file->case_count - 1], line);
		return;
	}
	struct test_case *c = test_file_add(r->file);

	c->line = r->line;
	c->rule = r->rule;
	c->name = name.len ? name : get_text(r, TEST_WHY);
	if (!c->name.len)
		c->name = arena_printf(&r->file->arena, "line %u", r->line);
	if (has_expect(r, line))
		read_expected_rules(r, c);
	else
		read_match(r, c);
	if (c->expect != EXPECT_RULES && !c->rule.len)
		complain(r, "no line so far names a rule", "test.rule: its id, or its file's path");
	add_event(r, c, line);
}

static void read_line(struct reader *r, struct str line)
{
	const char *why = NULL;

	buf_reset(&r->padded);
	buf_add(&r->padded, line);
	memset(buf_reserve(&r->padded, EVENT_JSON_PADDING), 0, EVENT_JSON_PADDING);
	event_reset(&r->event);
	if (event_read_json(r->json, buf_str(&r->padded), &r->event, &why)) {
		complain(r, why, "");
		return;
	}
	bool names_rule = get(r, TEST_RULE)->type == VALUE_STRING;

	if (names_rule)
		r->rule = get_text(r, TEST_RULE);
	/* A line that only names the rule is no event. */
	if (names_rule && get(r, TEST_MATCH)->type == VALUE_NULL && !has_expect(r, line) &&
	    get(r, TEST_NAME)->type == VALUE_NULL)
		return;
	read_case(r, line);
}

static void read_lines(struct reader *r, struct str text)
{
	for (size_t at = 0; at < text.len && r->file->case_count < TEST_CASES_MAX;) {
		const char *newline = memchr(text.p + at, '\n', text.len - at);
		size_t end = newline ? (size_t)(newline - text.p) : text.len;
		struct str line = {text.p + at, end - at};

		r->line++;
		if (line.len && line.p[line.len - 1] == '\r')
			line.len--;
		if (line.len)
			read_line(r, line);
		at = end + 1;
	}
}

int test_read_ndjson(struct test_file *file, struct str text, struct diag_list *diags)
{
	static const char *const names[] = {
	    [TEST_RULE] = "test.rule",     [TEST_MATCH] = "test.match", [TEST_NAME] = "test.name",
	    [TEST_EXPECT] = "test.expect", [TEST_WHY] = "test.why",
	};
	struct reader r = {.file = file, .diags = diags, .fields = field_set_new()};
	uint32_t errors = diags->errors;

	for (int i = 0; i < TEST_FIELDS; i++)
		r.ids[i] = (uint32_t)field_set_demand(r.fields, str_from(names[i]));
	r.json = event_reader_new(r.fields, NULL);
	event_init(&r.event, r.fields);
	read_lines(&r, text);
	event_free(&r.event);
	event_reader_free(r.json);
	buf_free(&r.padded);
	field_set_free(r.fields);
	return diags->errors == errors ? 0 : -EINVAL;
}
