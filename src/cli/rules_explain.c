/* SPDX-License-Identifier: Apache-2.0 */
/* `lintel rules explain`: how a rule was compiled, and what it makes of given events. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/rules_explain_internal.h"
#include "cli/rules_internal.h"
#include "sink/sink.h"
#include "source/ndjson.h"

/* What a person can follow. Each is kept to the end. */
#define EVENTS_MAX 10000
/* The first so many events get their trees, more of them a line for each filter. */
#define TREES_MAX 3

struct session {
	struct explanation e;
	bool ndjson;
	struct rule_set set;
	struct field_set *fields;
	struct trial *trial;
	struct eql_scratch *eql;
	struct arena arena, trees; /* what stays; trees of the event in hand */
	struct buf out;
	uint32_t event_cap;
	struct engine_facts *facts;
};

/* Marks beyond ASCII only where somebody sees them. */
static bool shows_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return isatty(STDOUT_FILENO) &&
			       (str_find_fold(str_from(value), STR("utf-8"), 0) != SIZE_MAX ||
				str_find_fold(str_from(value), STR("utf8"), 0) != SIZE_MAX);
	}
	return false;
}

static int print(struct session *s)
{
	int error = buf_write_fd(&s->out, STDOUT_FILENO);

	buf_reset(&s->out);
	if (error)
		log_error("cannot write to standard output: %s", strerror(-error));
	return error ? EXIT_FAILED : EXIT_OK;
}

/* ---- events */

static void judge_all(struct session *s, const struct judge *j, struct explained_event *event)
{
	const struct eql_query *q = s->e.rule->query;

	event->filters = ARENA_ARRAY(&s->trees, struct judged_filter, q->filter_count);
	event->satisfies = ARENA_ARRAY(&s->arena, bool, q->filter_count);
	for (uint32_t i = 0; i < q->filter_count; i++) {
		event->filters[i] = judge_filter(j, s->e.rule, i);
		event->satisfies[i] = event->filters[i].holds;
	}
}

static struct explained_event *new_event(struct session *s, const struct ndjson_source *source)
{
	if (s->e.event_count == s->event_cap) {
		s->event_cap = s->event_cap ? 2 * s->event_cap : 64;
		s->e.events = xreallocarray(s->e.events, s->event_cap, sizeof(*s->e.events));
	}
	struct explained_event *event = &s->e.events[s->e.event_count++];

	*event = (struct explained_event){0};
	event->place = arena_printf(&s->arena, "%s:%llu", ndjson_stats(source)->current,
				    (unsigned long long)ndjson_line_number(source));
	return event;
}

/* The event the trial has read last is judged, printed and remembered. */
static void explain_event(struct session *s, const struct ndjson_source *source, bool trees)
{
	const struct eql_query *q = s->e.rule->query;
	const struct event *event = trial_last_event(s->trial);
	struct judge j = {s->fields, event, s->eql, &s->trees};
	struct explained_event *x = new_event(s, source);

	arena_reset(&s->trees);
	judge_all(s, &j, x);
	x->kept = kept_event_new(event, q->kept_fields, q->kept_field_count, FIELD_EVENT_SEQUENCE,
				 s->e.event_count - 1, STR("{}"));
	if (s->ndjson)
		explain_json_event(&s->e, &j, x);
	else
		explain_text_event(&s->e, &j, x, trees);
	x->filters = NULL;
}

static int read_event(struct session *s, const struct ndjson_source *source, struct str line,
		      bool trees)
{
	const char *why = NULL;

	if (s->e.event_count == EVENTS_MAX) {
		log_error("more than %d events; `lintel hunt` runs rules over many", EVENTS_MAX);
		return -E2BIG;
	}
	int error = trial_event(s->trial, line, &why);

	if (error) {
		log_error("%s:%llu: %s", ndjson_stats(source)->current,
			  (unsigned long long)ndjson_line_number(source), why);
		return error;
	}
	explain_event(s, source, trees);
	return 0;
}

static int read_events(struct session *s, struct ndjson_source *source)
{
	struct str line;
	int more, error = 0;

	while (!error && (more = ndjson_next_line(source, &line)) != 0)
		error = more < 0 ? more : read_event(s, source, line, s->e.event_count < TREES_MAX);
	return error;
}

static void verdict(struct session *s)
{
	uint32_t count;
	const struct trial_finding *findings = trial_end(s->trial, &count);

	if (s->ndjson)
		explain_json_verdict(&s->e, findings, count);
	else
		explain_text_verdict(&s->e, findings, count);
}

static int explain_events(struct session *s, const char *const *inputs, uint32_t count)
{
	struct ndjson_source *source = NULL;

	if (ndjson_open(&source, inputs, count))
		return EXIT_FAILED;
	trial_begin(s->trial);
	int error = read_events(s, source);

	if (!error)
		verdict(s);
	ndjson_close(source);
	return error ? EXIT_FAILED : EXIT_OK;
}

/* ---- the rule */

static int explain_rule(struct session *s, const struct rule *rule)
{
	s->e.rule = rule;
	if (rule->state != RULE_LOADED) {
		fprintf(stderr, "lintel rules: %.*s: %s: %.*s\n", STR_ARG(rule->path),
			rule_state_name(rule->state), STR_ARG(rule->reason));
		return EXIT_FAILED;
	}
	if (s->ndjson)
		explain_json_rule(&s->e);
	else
		explain_text_rule(&s->e);
	return EXIT_OK;
}

static int explain_found(struct session *s, const struct rule *rule, const char *const *inputs,
			 uint32_t count)
{
	int status = explain_rule(s, rule);

	if (status == EXIT_OK && count) {
		s->trial = trial_new(&s->set, s->fields);
		s->eql = eql_scratch_new();
		status = explain_events(s, inputs, count);
	}
	return status;
}

/* All rules of the path that came first into the set. */
static int explain_path(struct session *s, uint32_t rules, const char *const *inputs,
			uint32_t count)
{
	int status = EXIT_OK;

	if (count && rules != 1) {
		fprintf(stderr,
			"lintel rules: events are explained for one rule; the path has %u, "
			"name one by its id\n",
			rules);
		return EXIT_FAILED;
	}
	if (rules == 1)
		return explain_found(s, s->set.rules[0], inputs, count);
	for (uint32_t i = 0; i < rules; i++) {
		if (i && !s->ndjson)
			buf_add_char(&s->out, '\n');
		if (explain_rule(s, s->set.rules[i]) != EXIT_OK)
			status = EXIT_FAILED;
	}
	return status;
}

static int load_path(struct session *s, const char *path)
{
	struct diag_list diags;

	diag_list_init(&diags);
	int error = rule_set_load(&s->set, s->fields, path, &diags);

	if (!error)
		rule_set_finish(&s->set, s->fields, &diags);
	if (error || s->set.errors)
		diag_list_print(&diags, STDERR_FILENO);
	diag_list_free(&diags);
	return error;
}

static void free_session(struct session *s)
{
	for (uint32_t i = 0; i < s->e.event_count; i++)
		kept_event_unref(s->e.events[i].kept);
	free(s->e.events);
	eql_scratch_free(s->eql);
	trial_free(s->trial);
	engine_facts_free(s->facts);
	arena_free(&s->arena);
	arena_free(&s->trees);
	buf_free(&s->out);
	rule_set_free(&s->set);
	field_set_free(s->fields);
}

int rules_explain(const struct rules_options *o, const char *what, const char *const *inputs,
		  uint32_t count)
{
	struct session s = {.ndjson = o->ndjson, .fields = field_set_new()};
	bool is_path = access(what, F_OK) == 0;
	int status = EXIT_FAILED;
	uint32_t rules = 0;

	rule_set_init(&s.set);
	arena_init(&s.arena);
	arena_init(&s.trees);
	s.e = (struct explanation){.set = &s.set, .fields = s.fields, .out = &s.out};
	s.e.colour = !o->ndjson && sink_wants_colour(STDOUT_FILENO);
	s.e.utf8 = shows_utf8();
	/* The path first: what it shares an id with is then the other's error. */
	if (is_path && load_path(&s, what))
		goto out;
	rules = s.set.count;
	if (rules_load(o, &s.set, s.fields))
		goto out;
	const struct rule *rule = is_path ? NULL : rules_find(&s.set, str_from(what));

	if (is_path || rule) {
		s.e.facts = s.facts = engine_facts_new(&s.set, s.fields);
		status = is_path ? explain_path(&s, rules, inputs, count)
				 : explain_found(&s, rule, inputs, count);
		if (print(&s) != EXIT_OK)
			status = EXIT_FAILED;
	}
out:
	free_session(&s);
	return status;
}
