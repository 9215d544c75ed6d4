/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine against eql_match(): rules and events made at random from a small vocabulary, so that
 * matches, near misses and every kind of leaf and value are frequent. Both must say the same of
 * every rule and event.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "engine/engine.h"
#include "engine/scan_internal.h"

/* xorshift64*, so that a failure is the same on every machine. */
static uint64_t random_state = 88172645463325252ull;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 2685821657736338717ull) >> 32) % n;
}

#define PICK(array) ((array)[random_below(sizeof(array) / sizeof(*(array)))])

static const char *const fields_of_test[] = {
    "process.name",
    "process.args",
    "process.command_line",
    "event.type",
    "event.action",
    "host.os.type",
    "user.id",
    "process.pid",
    "process.interactive",
    "process.parent.name",
    "process.args_count",
    /* What is done, the others say by whom. */
    "file.path",
    "x.some",
    "x.other",
};
#define FIELDS (sizeof(fields_of_test) / sizeof(*fields_of_test))
#define DONE_FIELDS 3
static const char *const exact_values[] = {
    "a",     "b",    "ab",   "aB",      "AB",   "abc", "start",
    "linux", "exec", "5",    "5.0",     "true", "foo", "",
    "/tmp",  "bash", "Bash", "\u00e4b", "0",    "-1",  "/etc/ld.so.preload",
};
static const char *const pieces[] = {
    "a",     "b",    "AB",     "/tmp/", "/etc/",
    "foo",   "bash", "\u00e4", "e",     "/usr/local/lib/systemd/system/multi-user.target.wants/",
    "ld.so", "5",    ".",
};

static void add_text(struct buf *out, bool wildcards)
{
	uint32_t n = random_below(4);

	if (random_below(2)) {
		buf_add(out, str_from(PICK(exact_values)));
		if (!wildcards)
			return;
	}
	for (uint32_t i = 0; i <= n; i++) {
		if (wildcards && random_below(2))
			buf_add(out, random_below(5) ? STR("*") : STR("?"));
		buf_add(out, str_from(PICK(pieces)));
	}
	if (wildcards && random_below(2))
		buf_add_char(out, '*');
}

static void add_list(struct buf *out, bool wildcards)
{
	uint32_t n = random_below(random_below(10) ? 3 : 40);

	buf_add(out, STR(" ("));
	for (uint32_t i = 0; i <= n; i++) {
		buf_add(out, i ? STR(", \"") : STR("\""));
		add_text(out, wildcards);
		buf_add_char(out, '"');
	}
	buf_add_char(out, ')');
}

static void add_leaf(struct buf *out)
{
	static const char *const others[] = {
	    "stringcontains(%s, \"a\")",
	    "length(%s) > 2",
	    "%s == 5",
	    "%s > 3",
	    "startswith~(%s, \"A\")",
	    "%s == true",
	    "%s != 5.0",
	    "%s < \"b\"",
	    "null == stringcontains(%s, \"a\")",
	    "%s regex \"[a-c]+\"",
	    "%s in (5, 7)",
	    "endswith(%s, \"b\") == false",
	    "concat(%s, \"x\") : \"a*\"",
	};
	const char *field = PICK(fields_of_test);

	buf_add(out, STR(" "));
	switch (random_below(8)) {
	case 0:
		buf_printf(out, "%s %s \"", field, random_below(3) ? "==" : "!=");
		add_text(out, false);
		buf_add_char(out, '"');
		return;
	case 1:
		buf_printf(out, "%s %s", field, random_below(2) ? "in" : "not in~");
		add_list(out, false);
		return;
	case 2:
	case 3:
		buf_printf(out, "%s %s", field, random_below(2) ? ":" : "like");
		add_list(out, true);
		return;
	case 4:
		buf_printf(out, "%s %s null", field, random_below(2) ? "==" : "!=");
		return;
	case 5:
		buf_printf(out, "%s in", field);
		add_list(out, false);
		return;
	case 6:
		buf_printf(out, "%s like~", field);
		add_list(out, true);
		return;
	default: {
		char text[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), PICK(others), field);
#pragma GCC diagnostic pop
		buf_add(out, str_from(text));
	}
	}
}

static void add_condition(struct buf *out, uint32_t depth)
{
	uint32_t kind = depth ? random_below(5) : 4;

	if (kind == 4) {
		add_leaf(out);
		return;
	}
	if (kind == 3) {
		buf_add(out, STR(" not ("));
		add_condition(out, depth - 1);
		buf_add_char(out, ')');
		return;
	}
	buf_add(out, STR(" ("));
	for (uint32_t i = 0, n = 1 + random_below(3); i <= n; i++) {
		if (i)
			buf_add(out, kind == 2 ? STR(" or") : STR(" and"));
		add_condition(out, depth - 1);
	}
	buf_add_char(out, ')');
}

static struct eql_query *compile(struct arena *arena, struct field_set *fields, struct str text,
				 struct str category_field)
{
	struct eql_options options = {.category_field = category_field};
	struct diag_list diags;
	struct eql_query *query = NULL;

	diag_list_init(&diags);
	if (eql_compile(arena, fields, text, &options, &diags, &query) != 0)
		query = NULL;
	diag_list_free(&diags);
	return query;
}

/* Type errors are frequent (process.pid like ...): then another one. */
static struct eql_query *random_query(struct arena *arena, struct field_set *fields)
{
	static const char *const categories[] = {"process", "file", "any", "process",
						 "\"Process\""};
	static const char *const gates[] = {
	    "host.os.type == \"linux\" and",
	    "host.os.type == \"linux\" and event.type == \"start\" and",
	    "event.type == \"start\" and event.action in (\"exec\", \"a\") and", ""};
	struct buf text = {0};
	struct eql_query *query;

	do {
		buf_reset(&text);
		buf_printf(&text, "%s where %s", PICK(categories), PICK(gates));
		add_condition(&text, random_below(4));
		query = compile(arena, fields, buf_str(&text),
				random_below(4) ? STR_NULL : STR("x.category"));
	} while (!query);
	buf_free(&text);
	return query;
}

static void add_rule(struct rule_set *set, struct eql_query *query)
{
	struct rule *rule = ARENA_NEW(&set->arena, struct rule);

	rule->state = RULE_LOADED;
	rule->enabled = true;
	rule->query = query;
	if (set->count == set->cap) {
		set->cap = set->cap ? set->cap * 2 : 16;
		set->rules = xreallocarray(set->rules, set->cap, sizeof(*set->rules));
	}
	set->rules[set->count++] = rule;
	set->loaded++;
}

static void random_rules(struct rule_set *set, struct field_set *fields, uint32_t count)
{
	*set = (struct rule_set){0};
	arena_init(&set->arena);
	for (uint32_t i = 0; i < count; i++) {
		add_rule(set, random_query(&set->arena, fields));
		struct rule *rule = set->rules[i];
		uint32_t exceptions = random_below(4) ? 0 : 1 + random_below(2);

		rule->exceptions = ARENA_ARRAY(&set->arena, struct rule_exception, exceptions);
		for (uint32_t k = 0; k < exceptions; k++)
			rule->exceptions[rule->exception_count++].cond =
			    random_query(&set->arena, fields)->filters[0].cond;
		rule->enabled = random_below(20) != 0;
	}
}

static void free_rules(struct rule_set *set)
{
	arena_free(&set->arena);
	free(set->rules);
}

static struct value random_value(struct event *event)
{
	static const double reals[] = {5.0, 2.5, 0, 1e300};
	struct buf text = {0};

	switch (random_below(12)) {
	case 0:
		return value_int((int64_t)random_below(8) - 1);
	case 1:
		return value_bool(random_below(2));
	case 2:
		return value_double(PICK(reals));
	default:
		break;
	}
	add_text(&text, false);
	struct value v = value_str(arena_str(&event->arena, buf_str(&text)));

	buf_free(&text);
	return v;
}

static void fill_field(struct event *event, const char *name)
{
	int32_t field = field_set_find(event->fields, str_from(name));
	uint32_t n = random_below(8) ? 1 : random_below(5);

	if (field < 0 || !random_below(4))
		return;
	for (uint32_t i = 0; i < n; i++)
		event_append(event, (uint32_t)field, random_value(event));
}

static void set_text(struct event *event, const char *field, const char *value)
{
	int32_t id = field_set_find(event->fields, str_from(field));

	if (id >= 0)
		event_append(event, (uint32_t)id, value_str(str_from(value)));
}

static void random_actor(struct event *event)
{
	static const char *const categories[] = {"process", "file", "process", "Process", "5"};

	event_reset(event);
	for (size_t i = 0; i < FIELDS - DONE_FIELDS; i++)
		fill_field(event, fields_of_test[i]);
	if (random_below(10))
		set_text(event, "event.category", PICK(categories));
	if (!random_below(4))
		set_text(event, "event.category", PICK(categories));
	if (random_below(2))
		set_text(event, "x.category", PICK(categories));
	if (random_below(3)) {
		set_text(event, "host.os.type", "linux");
		set_text(event, "event.type", "start");
		set_text(event, "event.action", "exec");
	}
}

static void fill_done(struct event *event)
{
	for (size_t i = FIELDS - DONE_FIELDS; i < FIELDS; i++)
		fill_field(event, fields_of_test[i]);
}

static void random_event(struct event *event)
{
	random_actor(event);
	fill_done(event);
}

/* Of one of a few actors everything but what is done is the same event after event. */
static void random_event_of_few(struct event *event)
{
	uint64_t actor = 1 + random_below(5), going_on = random_state;

	random_state = actor * UINT64_C(0x9e3779b97f4a7c15);
	random_actor(event);
	random_state = going_on;
	fill_done(event);
}

static bool matches_alone(const struct rule *rule, const struct event *event,
			  struct eql_scratch *scratch)
{
	struct eql_filter exception = rule->query->filters[0];

	if (!rule->enabled || !eql_match(rule->query, event, scratch))
		return false;
	for (uint32_t i = 0; i < rule->exception_count; i++) {
		exception.cond = rule->exceptions[i].cond;
		if (eql_filter_match(&exception, event, scratch))
			return false;
	}
	return true;
}

/* How many matches there were, so that a test cannot pass by matching nothing. */
static uint64_t compare_events(const struct rule_set *set, struct field_set *fields,
			       uint32_t events, void (*make)(struct event *event))
{
	struct engine *engine = engine_new(set, fields);
	struct engine_scratch *scratch = engine_scratch_new(engine);
	struct eql_scratch *eql = eql_scratch_new();
	struct event event;
	uint64_t matches = 0;

	event_init(&event, fields);
	for (uint32_t i = 0; i < events; i++) {
		const struct engine_hit *hits;

		make(&event);
		uint32_t n = engine_match(engine, &event, scratch, &hits), at = 0;

		for (uint32_t r = 0; r < set->count; r++) {
			bool engine_says = at < n && hits[at].rule == set->rules[r];
			bool alone = matches_alone(set->rules[r], &event, eql);

			if (engine_says != alone)
				print_message("engine %d, alone %d: %.*s\n", engine_says, alone,
					      STR_ARG(set->rules[r]->query->text));
			assert_int_equal(engine_says, alone);
			at += engine_says;
		}
		assert_int_equal(at, n);
		matches += n;
	}
	event_free(&event);
	eql_scratch_free(eql);
	engine_scratch_free(scratch);
	engine_free(engine);
	return matches;
}

static uint64_t compare(const struct rule_set *set, struct field_set *fields, uint32_t events)
{
	return compare_events(set, fields, events, random_event);
}

/* What is remembered of a situation must not depend on the event it was met with. */
static void same_for_few_actors(void **state)
{
	uint64_t matches = 0;

	(void)state;
	for (uint32_t round = 0; round < 40; round++) {
		struct field_set *fields = field_set_new();
		struct rule_set set;

		field_set_demand(fields, STR("x.category"));
		random_rules(&set, fields, 1 + random_below(60));
		matches += compare_events(&set, fields, 400, random_event_of_few);
		free_rules(&set);
		field_set_free(fields);
	}
	assert_true(matches > 10000);
}

static void same_as_one_by_one(void **state)
{
	uint64_t matches = 0;

	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		struct field_set *fields = field_set_new();
		struct rule_set set;

		field_set_demand(fields, STR("x.category"));
		random_rules(&set, fields, 1 + random_below(round % 10 ? 60 : 400));
		matches += compare(&set, fields, 300);
		free_rules(&set);
		field_set_free(fields);
	}
	assert_true(matches > 20000);
}

/* Cases a random rule seldom is: each line a rule, all events random. */
static void same_for_awkward_rules(void **state)
{
	static const char *const rules[] = {
	    "any where true",
	    "any where false",
	    "process where not false",
	    "process where not (process.name == \"bash\")",
	    "process where not (process.name == null)",
	    "process where not (process.name == null and file.path == null)",
	    "process where not (not process.name == \"bash\")",
	    "process where not (process.name != \"bash\" or x.some != \"5\")",
	    "process where process.name : \"*\"",
	    "process where process.name : (\"*\", \"?*\", \"bash\")",
	    "process where x.some like \"?\"",
	    "process where x.some : \"**a**\"",
	    "process where process.name == \"bash\" or x.some == null",
	    "process where process.name == \"bash\" or process.pid > 3",
	    "any where process.pid == \"5\"",
	    "any where x.some == \"5\" or x.some == \"true\"",
	    "any where x.some in (\"5\", \"5.0\", \"true\", \"0\")",
	    "any where x.some : (\"tru?\", \"5*\")",
	    "any where event.type == \"start\" and event.type == \"a\"",
	    "any where event.type != \"start\"",
	    "any where not event.type in (\"start\", \"a\") and host.os.type like \"lin*\"",
	    "any where process.interactive",
	    "any where not process.interactive and process.args == \"a\"",
	    "any where process.args in~ (\"FOO\", \"ab\") and not process.args like \"*b\"",
	    "any where process.args_count >= 2 and process.args : (\"a*\", \"?b\")",
	};
	struct field_set *fields = field_set_new();
	struct rule_set set = {0};

	(void)state;
	field_set_demand(fields, STR("x.category"));
	arena_init(&set.arena);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct eql_query *query = compile(&set.arena, fields, str_from(rules[i]), STR_NULL);

		if (!query)
			print_message("does not compile: %s\n", rules[i]);
		assert_non_null(query);
		add_rule(&set, query);
	}
	assert_true(compare(&set, fields, 20000) > 1000);
	free_rules(&set);
	field_set_free(fields);
}

/* Without categories and gates there is nothing to tell plans apart by. */
static void same_without_categories(void **state)
{
	struct field_set *fields = field_set_new();
	struct rule_set set = {0};

	(void)state;
	arena_init(&set.arena);
	add_rule(&set,
		 compile(&set.arena, fields, STR("any where process.name : \"b*\""), STR_NULL));
	assert_true(compare(&set, fields, 1000) > 10);
	free_rules(&set);
	field_set_free(fields);
}

static void no_rules_no_matches(void **state)
{
	struct field_set *fields = field_set_new();
	struct rule_set set = {0};

	(void)state;
	arena_init(&set.arena);
	assert_int_equal(compare(&set, fields, 10), 0);
	free_rules(&set);
	field_set_free(fields);
}

static void compare_scan(const struct scan_pattern *patterns, uint32_t count, struct str s,
			 const struct scan *scan, struct scan_scratch *scratch)
{
	bool *hit = xcalloc(count, sizeof(*hit));
	const uint32_t *found;
	uint32_t n = scan_value(scan, s, NULL, scratch, &found);

	for (uint32_t i = 0; i < n; i++) {
		assert_false(hit[found[i]]);
		hit[found[i]] = true;
	}
	for (uint32_t i = 0; i < count; i++) {
		bool alone = eql_wildcard(patterns[i].text, s, patterns[i].fold);

		if (hit[i] != alone)
			print_message("pattern [%.*s] fold %d value [%.*s]\n",
				      STR_ARG(patterns[i].text), patterns[i].fold, STR_ARG(s));
		assert_int_equal(hit[i], alone);
	}
	free(hit);
}

static struct str random_text(struct arena *arena, bool wildcards)
{
	struct buf text = {0};

	add_text(&text, wildcards);
	struct str s = arena_str(arena, buf_str(&text));

	buf_free(&text);
	return s;
}

static void scan_finds_what_patterns_match(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 50; round++) {
		struct scan_pattern patterns[200];
		struct scan_scratch *scratch = scan_scratch_new();
		uint32_t n = 1 + random_below(200);
		struct arena arena;

		arena_init(&arena);
		for (uint32_t i = 0; i < n; i++) {
			struct str s = random_text(&arena, true);
			bool fold = random_below(2);

			for (size_t k = 0; fold && k < s.len; k++)
				((char *)s.p)[k] = (char)ascii_lower((unsigned char)s.p[k]);
			patterns[i] = (struct scan_pattern){s, fold, i};
			if (!s.len || !memchr(s.p, '*', s.len))
				patterns[i].text = STR("a*");
		}
		struct scan *scan = scan_new(&arena, patterns, n);

		scan_scratch_fit(scratch, scan);
		for (uint32_t i = 0; i < 200; i++)
			compare_scan(patterns, n, random_text(&arena, random_below(8) == 0), scan,
				     scratch);
		scan_scratch_free(scratch);
		arena_free(&arena);
	}
}

/* More atoms than an automaton takes: those left out are still found. */
static void scan_beyond_its_table(void **state)
{
	enum {
		PATTERNS = 30000,
		LETTERS = 20
	};
	struct scan_pattern *patterns = xcalloc(PATTERNS, sizeof(*patterns));
	struct scan_scratch *scratch = scan_scratch_new();
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (uint32_t i = 0; i < PATTERNS; i++) {
		char text[LETTERS + 3];

		for (int k = 0; k < LETTERS; k++)
			text[1 + k] = (char)('a' + random_below(26));
		text[0] = text[LETTERS + 1] = '*';
		text[LETTERS + 2] = '\0';
		patterns[i] = (struct scan_pattern){arena_str(&arena, str_from(text)), true, i};
	}
	struct scan *scan = scan_new(&arena, patterns, PATTERNS);

	scan_scratch_fit(scratch, scan);
	for (uint32_t i = 0; i < 20; i++) {
		struct str p = patterns[i < 10 ? i : PATTERNS - i].text;

		compare_scan(patterns, PATTERNS, (struct str){p.p + 1, p.len - 2}, scan, scratch);
	}
	scan_scratch_free(scratch);
	arena_free(&arena);
	free(patterns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(same_as_one_by_one),
	    cmocka_unit_test(same_for_few_actors),
	    cmocka_unit_test(same_for_awkward_rules),
	    cmocka_unit_test(same_without_categories),
	    cmocka_unit_test(no_rules_no_matches),
	    cmocka_unit_test(scan_finds_what_patterns_match),
	    cmocka_unit_test(scan_beyond_its_table),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
