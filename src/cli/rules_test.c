/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `lintel rules test`: rules against events that must match and events that must not.
 *
 *	ok    tests/curl.toml                12 tests
 *	FAIL  tests/shell.toml               1 of 3 tests
 *	      tests/shell.toml:14: sh below nginx: no alert, expected one
 *	        event 1: fails because process.name == "sh" does not hold: process.name is "bash"
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/rules_explain_internal.h"
#include "cli/rules_internal.h"
#include "cli/rules_test_internal.h"
#include "sink/sink.h"

/* Tests are written by people; a file of events is for `lintel hunt`. */
#define FILE_BYTES_MAX ((size_t)16 << 20)
/* Events of a failed test that are told one by one. */
#define REASONS_MAX 8

#define GREEN "\033[32m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

/* Rules and the engine they are tried in. */
struct bench {
	struct rule_set set;
	struct field_set *fields;
	struct trial *trial;
	struct eql_scratch *eql;
	struct str path; /* what it was loaded from; empty for --rules and the shipped rules */
	bool open, failed;
};

struct session {
	const struct rules_options *o;
	struct bench library; /* --rules and the shipped rules */
	struct bench named;   /* the file a test names, or its own */
	struct arena arena;   /* names of one file */
	struct arena trees;
	struct coverage *coverage; /* or NULL */
	bool colour;
	struct buf out;
	uint32_t files, tests, passed, untested, broken;
};

void test_file_init(struct test_file *file, const char *path)
{
	*file = (struct test_file){0};
	arena_init(&file->arena);
	file->path = arena_str(&file->arena, str_from(path));
}

void test_file_free(struct test_file *file)
{
	arena_free(&file->arena);
	free(file->cases);
}

struct test_case *test_file_add(struct test_file *file)
{
	if (file->case_count == file->case_cap) {
		file->case_cap = file->case_cap ? 2 * file->case_cap : 16;
		file->cases = xreallocarray(file->cases, file->case_cap, sizeof(*file->cases));
	}
	struct test_case *c = &file->cases[file->case_count++];

	*c = (struct test_case){0};
	return c;
}

/* ---- rules */

static void bench_close(struct bench *b)
{
	if (!b->open)
		return;
	trial_free(b->trial);
	eql_scratch_free(b->eql);
	rule_set_free(&b->set);
	field_set_free(b->fields);
	free((char *)(uintptr_t)b->path.p);
	*b = (struct bench){0};
}

static void bench_open(struct bench *b)
{
	*b = (struct bench){.open = true, .fields = field_set_new()};
	rule_set_init(&b->set);
}

static void bench_ready(struct bench *b)
{
	b->trial = trial_new(&b->set, b->fields);
	b->eql = eql_scratch_new();
}

static struct bench *open_library(struct session *s)
{
	struct bench *b = &s->library;

	if (b->open)
		return b->failed ? NULL : b;
	bench_open(b);
	b->failed = rules_load(s->o, &b->set, b->fields) != 0;
	if (!b->failed)
		bench_ready(b);
	return b->failed ? NULL : b;
}

static struct bench *open_path(struct session *s, const char *path)
{
	struct bench *b = &s->named;
	struct diag_list diags;

	if (b->open && str_eq(b->path, str_from(path)))
		return b->failed ? NULL : b;
	bench_close(b);
	bench_open(b);
	b->path = str_from(xstrdup(path));
	diag_list_init(&diags);
	b->failed = rule_set_load(&b->set, b->fields, path, &diags) != 0;
	if (!b->failed)
		rule_set_finish(&b->set, b->fields, &diags);
	b->failed |= b->set.errors != 0;
	if (b->failed)
		diag_list_print(&diags, STDERR_FILENO);
	diag_list_free(&diags);
	if (!b->failed)
		bench_ready(b);
	return b->failed ? NULL : b;
}

/* `rule` from where the test file is. */
static const char *beside(struct session *s, const struct test_file *file, struct str rule)
{
	size_t directory = file->path.len - str_basename(file->path).len;

	if (rule.p[0] == '/')
		directory = 0;
	return arena_printf(&s->arena, "%.*s%.*s", (int)directory, file->path.p, STR_ARG(rule)).p;
}

/* The bench for a test, and its rule (NULL for test.expect, which is about all of them). */
static struct bench *bench_for(struct session *s, const struct test_file *file,
			       const struct test_case *c, const struct rule **rule)
{
	const char *path = c->rule.len ? beside(s, file, c->rule) : file->path.p;
	struct bench *b;

	*rule = NULL;
	if (c->expect == EXPECT_RULES)
		return open_library(s);
	if (c->rule.len && access(path, F_OK) != 0) {
		b = open_library(s);
		*rule = b ? rules_find(&b->set, c->rule) : NULL;
	} else {
		b = open_path(s, path);
		if (b && b->set.count != 1)
			log_error("%s holds %u rules; name one of them by its id", path,
				  b->set.count);
		*rule = b && b->set.count == 1 ? b->set.rules[0] : NULL;
	}
	if (*rule && (*rule)->state != RULE_LOADED) {
		log_error("%.*s: %.*s", STR_ARG((*rule)->path), STR_ARG((*rule)->reason));
		*rule = NULL;
	}
	return *rule ? b : NULL;
}

/* ---- running */

/* Calls `each` with every event of the test in hand. 0, or what kept an event from being read. */
static int replay(struct bench *b, const struct test_case *c, const char **why,
		  void (*each)(void *context, const struct event *event, uint32_t number),
		  void *context)
{
	int error = 0;

	trial_begin(b->trial);
	for (uint32_t i = 0; i < c->event_count && !error; i++) {
		error = trial_event(b->trial, c->events[i].json, why);
		if (!error && each)
			each(context, trial_last_event(b->trial), i);
	}
	return error;
}

static bool same_events(const struct trial_finding *f, const struct test_alert *alert)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->event_count; i++) {
		if (f->events[i] == TRIAL_MISSING)
			continue;
		if (n == alert->event_count || f->events[i] + 1 != alert->events[n])
			return false;
		n++;
	}
	return n == alert->event_count;
}

static bool alerts_fit(const struct test_case *c, const struct rule *rule,
		       const struct trial_finding *findings, uint32_t count, uint32_t ours)
{
	bool *taken = xcalloc((size_t)count + 1, sizeof(*taken));
	uint32_t found = 0;

	for (uint32_t a = 0; a < c->alert_count; a++)
		for (uint32_t i = 0; i < count; i++)
			if (!taken[i] && findings[i].rule == rule &&
			    same_events(&findings[i], &c->alerts[a])) {
				taken[i] = true;
				found++;
				break;
			}
	free(taken);
	return found == c->alert_count && ours == c->alert_count;
}

static bool names_rule(struct str name, const struct rule *rule)
{
	struct str file = str_basename(rule->path);

	if (str_ends(file, STR(".toml")))
		file.len -= strlen(".toml");
	return str_eq(name, rule->id) || str_eq(name, file);
}

static bool is_expected(const struct test_case *c, const struct rule *rule)
{
	for (uint32_t i = 0; i < c->rule_count; i++)
		if (names_rule(c->rules[i], rule))
			return true;
	return false;
}

static bool was_found(struct str name, const struct trial_finding *findings, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (names_rule(name, findings[i].rule))
			return true;
	return false;
}

static bool rules_fit(const struct test_case *c, const struct trial_finding *findings,
		      uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!is_expected(c, findings[i].rule))
			return false;
	for (uint32_t i = 0; i < c->rule_count; i++)
		if (!was_found(c->rules[i], findings, count))
			return false;
	return true;
}

static uint32_t count_ours(const struct rule *rule, const struct trial_finding *findings,
			   uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += !rule || findings[i].rule == rule;
	return n;
}

static bool fits(const struct test_case *c, const struct rule *rule,
		 const struct trial_finding *findings, uint32_t count)
{
	uint32_t ours = count_ours(rule, findings, count);

	switch (c->expect) {
	case EXPECT_NONE:
		return ours == 0;
	case EXPECT_SOME:
		return ours > 0;
	case EXPECT_COUNT:
		return ours == c->count;
	case EXPECT_ALERTS:
		return alerts_fit(c, rule, findings, count, ours);
	case EXPECT_RULES:
		return rules_fit(c, findings, count);
	}
	return false;
}

/* ---- why a test failed */

struct telling {
	struct session *s;
	struct bench *b;
	const struct rule *rule;
	const struct test_case *c;
	struct explanation e;
	struct buf *out; /* reasons, one a line */
};

static void add_satisfied(struct telling *t, const struct event *event, uint32_t number,
			  const struct judge *j)
{
	const struct eql_query *q = t->rule->query;
	struct explained_event *x = &t->e.events[number];

	x->place = arena_printf(&t->s->arena, "event %u", number + 1);
	x->satisfies = ARENA_ARRAY(&t->s->arena, bool, q->filter_count);
	x->kept = kept_event_new(event, q->kept_fields, q->kept_field_count, FIELD_EVENT_SEQUENCE,
				 number, STR("{}"));
	for (uint32_t i = 0; i < q->filter_count; i++) {
		struct judged_filter f = judge_filter(j, t->rule, i);

		x->satisfies[i] = f.holds;
		/* Of a sequence's event it matters which stages it satisfies; that it is not of
		 * the others goes without saying. */
		if (number >= REASONS_MAX || (q->stage_count && !f.holds))
			continue;
		struct buf role = {0};

		explain_add_role(q, i, &role);
		buf_printf(t->out, "event %u: %.*s%s%s", number + 1, STR_ARG(buf_str(&role)),
			   role.len ? " " : "", f.holds ? "holds" : "fails because ");
		if (!f.holds || !q->stage_count) {
			buf_add(t->out, f.holds ? STR(": ") : STR(""));
			judge_add_filter_reason(j, &f, t->out);
		}
		buf_add_char(t->out, '\n');
		buf_free(&role);
	}
}

static void tell_event(void *context, const struct event *event, uint32_t number)
{
	struct telling *t = context;
	struct judge j = {t->b->fields, event, t->b->eql, &t->s->trees};

	arena_reset(&t->s->trees);
	add_satisfied(t, event, number, &j);
}

/* Each event judged anew, with words. */
static void tell(struct session *s, struct bench *b, const struct rule *rule,
		 const struct test_case *c, struct buf *out)
{
	struct telling t = {.s = s, .b = b, .rule = rule, .c = c, .out = out};
	const char *why = NULL;
	uint32_t count;

	t.e = (struct explanation){.set = &b->set, .fields = b->fields, .rule = rule};
	t.e.events = xcalloc(c->event_count, sizeof(*t.e.events));
	t.e.event_count = c->event_count;
	int error = replay(b, c, &why, tell_event, &t);

	const struct trial_finding *findings = trial_end(b->trial, &count);

	if (!error && !count_ours(rule, findings, count)) {
		size_t before = out->len;

		explain_add_chain(&t.e, out);
		if (out->len > before)
			buf_add_char(out, '\n');
	}
	for (uint32_t i = 0; i < c->event_count; i++)
		kept_event_unref(t.e.events[i].kept);
	free(t.e.events);
}

static void add_alerts(const struct rule *rule, const struct trial_finding *findings,
		       uint32_t count, struct buf *out)
{
	uint32_t ours = count_ours(rule, findings, count);

	if (!ours)
		buf_add(out, STR("no alert"));
	else
		buf_printf(out, "%u alert%s", ours, ours == 1 ? "" : "s");
	for (uint32_t i = 0, said = 0; ours && i < count && said < REASONS_MAX; i++) {
		if (rule && findings[i].rule != rule)
			continue;
		buf_add(out, said++ ? STR(", [") : STR(" ["));
		for (uint32_t k = 0; k < findings[i].event_count; k++)
			if (findings[i].events[k] == TRIAL_MISSING)
				buf_printf(out, "%s-", k ? ", " : "");
			else
				buf_printf(out, "%s%llu", k ? ", " : "",
					   (unsigned long long)findings[i].events[k] + 1);
		buf_add_char(out, ']');
		if (!rule)
			buf_printf(out, " of %.*s", STR_ARG(str_basename(findings[i].rule->path)));
	}
}

static void add_expected(const struct test_case *c, struct buf *out)
{
	switch (c->expect) {
	case EXPECT_NONE:
		buf_add(out, STR("none"));
		return;
	case EXPECT_SOME:
		buf_add(out, STR("one"));
		return;
	case EXPECT_COUNT:
		buf_printf(out, "%llu", (unsigned long long)c->count);
		return;
	case EXPECT_ALERTS:
		for (uint32_t a = 0; a < c->alert_count; a++) {
			buf_add(out, a ? STR(", [") : STR("["));
			for (uint32_t i = 0; i < c->alerts[a].event_count; i++)
				buf_printf(out, "%s%u", i ? ", " : "", c->alerts[a].events[i]);
			buf_add_char(out, ']');
		}
		if (!c->alert_count)
			buf_add(out, STR("none"));
		return;
	case EXPECT_RULES:
		for (uint32_t i = 0; i < c->rule_count; i++)
			buf_printf(out, "%s%.*s", i ? ", " : "of ", STR_ARG(c->rules[i]));
		if (!c->rule_count)
			buf_add(out, STR("none"));
		return;
	}
}

/* With test.expect: the rule that is most worth a word. */
static const struct rule *suspect(const struct bench *b, const struct test_case *c,
				  const struct trial_finding *findings, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!is_expected(c, findings[i].rule))
			return findings[i].rule;
	for (uint32_t i = 0; i < c->rule_count; i++)
		for (uint32_t k = 0; k < b->set.count; k++)
			if (names_rule(c->rules[i], b->set.rules[k]) &&
			    b->set.rules[k]->state == RULE_LOADED &&
			    !was_found(c->rules[i], findings, count))
				return b->set.rules[k];
	return NULL;
}

/* ---- one test */

struct verdict {
	bool passed;
	struct buf what;    /* "no alert, expected one" */
	struct buf reasons; /* lines */
};

static void cover_event(void *context, const struct event *event, uint32_t number)
{
	struct telling *t = context;
	struct judge j = {t->b->fields, event, t->b->eql, &t->s->trees};

	(void)number;
	arena_reset(&t->s->trees);
	coverage_add_event(t->s->coverage, &j, t->rule);
}

static void cover(struct session *s, struct bench *b, const struct rule *rule,
		  const struct test_case *c)
{
	const char *why = NULL;

	for (uint32_t i = 0; i < b->set.count; i++) {
		struct telling t = {.s = s, .b = b, .rule = b->set.rules[i], .c = c};

		/* A test of one rule says nothing of the others. */
		if ((rule && t.rule != rule) || t.rule->state != RULE_LOADED)
			continue;
		coverage_add_rule(s->coverage, t.rule, b->fields);
		/* It was read once. */
		int error = replay(b, c, &why, cover_event, &t);

		(void)error;
	}
}

static void judge_case(struct session *s, struct bench *b, const struct rule *rule,
		       const struct test_case *c, struct verdict *v)
{
	const char *why = NULL;
	uint32_t count;

	if (replay(b, c, &why, NULL, NULL)) {
		buf_printf(&v->what, "an event cannot be read: %s", why);
		return;
	}
	const struct trial_finding *findings = trial_end(b->trial, &count);

	v->passed = fits(c, rule, findings, count);
	if (!v->passed) {
		const struct rule *told = rule ? rule : suspect(b, c, findings, count);

		add_alerts(rule, findings, count, &v->what);
		buf_add(&v->what, STR(", expected "));
		add_expected(c, &v->what);
		if (told)
			tell(s, b, told, c, &v->reasons);
		else
			buf_add(&v->reasons, STR("test.expect names a rule that is not loaded\n"));
	} else if (s->coverage) {
		cover(s, b, rule, c);
	}
}

static void case_json(struct session *s, const struct test_file *file, const struct test_case *c,
		      const struct rule *rule, const struct verdict *v)
{
	struct json_writer w = json_writer_to(&s->out);

	json_object(&w);
	json_member(&w, STR("test"), c->name);
	json_member(&w, STR("path"), file->path);
	json_key(&w, STR("line"));
	json_uint(&w, c->line);
	if (rule)
		json_member(&w, STR("rule"), rule->id);
	json_key(&w, STR("passed"));
	json_bool(&w, v->passed);
	json_member(&w, STR("failure"), buf_str(&v->what));
	json_member(&w, STR("because"), buf_str(&v->reasons));
	json_end(&w);
	buf_add_char(&s->out, '\n');
}

static void colour(struct session *s, const char *code)
{
	if (s->colour)
		buf_add(&s->out, str_from(code));
}

static void case_text(struct session *s, const struct test_file *file, const struct test_case *c,
		      const struct verdict *v, struct buf *out)
{
	if (v->passed && !s->o->verbose)
		return;
	buf_printf(out, "      ");
	rules_add_text(out, file->path, 0);
	buf_printf(out, ":%u: %s", c->line, v->passed ? "ok: " : "");
	rules_add_text(out, c->name, 8);
	if (!v->passed)
		buf_printf(out, ": %.*s", STR_ARG(buf_str(&v->what)));
	buf_add_char(out, '\n');
	struct str rest = buf_str(&v->reasons);

	while (rest.len) {
		size_t end = str_find(rest, STR("\n"), 0);

		if (end == SIZE_MAX)
			end = rest.len;
		buf_add(out, STR("        "));
		rules_add_text(out, (struct str){rest.p, end}, 0);
		buf_add_char(out, '\n');
		end += end < rest.len;
		rest = (struct str){rest.p + end, rest.len - end};
	}
}

/* ---- files */

static uint32_t run_cases(struct session *s, const struct test_file *file, struct buf *text)
{
	uint32_t failed = 0;

	for (uint32_t i = 0; i < file->case_count; i++) {
		const struct test_case *c = &file->cases[i];
		const struct rule *rule;
		struct bench *b = bench_for(s, file, c, &rule);
		struct verdict v = {0};

		if (b)
			judge_case(s, b, rule, c, &v);
		else
			buf_add(&v.what, STR("its rule cannot be run"));
		failed += !v.passed;
		if (s->o->ndjson)
			case_json(s, file, c, rule, &v);
		else
			case_text(s, file, c, &v, text);
		buf_free(&v.what);
		buf_free(&v.reasons);
	}
	return failed;
}

static void file_text(struct session *s, const struct test_file *file, uint32_t failed,
		      const struct buf *text)
{
	colour(s, failed ? RED : GREEN);
	buf_add(&s->out, failed ? STR("FAIL  ") : STR("ok    "));
	colour(s, PLAIN);
	rules_add_text(&s->out, file->path, 0);
	buf_add(&s->out, STR(": "));
	if (failed)
		buf_printf(&s->out, "%u of ", failed);
	buf_printf(&s->out, "%u test%s%s\n", file->case_count, file->case_count == 1 ? "" : "s",
		   failed ? " failed" : "");
	buf_add(&s->out, buf_str(text));
}

/* A rule in the given paths is to be covered also when nothing tests it. */
static void cover_own_rule(struct session *s, const struct test_file *file)
{
	if (!s->coverage || !file->has_rule)
		return;
	struct bench *b = open_path(s, file->path.p);

	for (uint32_t i = 0; b && i < b->set.count; i++)
		coverage_add_rule(s->coverage, b->set.rules[i], b->fields);
	s->broken += !b;
}

static void run_file(struct session *s, const struct test_file *file)
{
	struct buf text = {0};

	cover_own_rule(s, file);
	if (!file->case_count) {
		s->untested += file->has_rule;
		return;
	}
	uint32_t failed = run_cases(s, file, &text);

	s->files++;
	s->tests += file->case_count;
	s->passed += file->case_count - failed;
	if (!s->o->ndjson)
		file_text(s, file, failed, &text);
	buf_free(&text);
}

/* 0 or -errno; one byte more than the limit is read, so that the caller sees it. */
static int read_whole(const char *path, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0 && text->len <= FILE_BYTES_MAX) {
		n = read(fd, buf_reserve(text, 65536), 65536);
		if (n > 0)
			text->len += (size_t)n;
	}
	int error = n < 0 ? -errno : 0;

	close(fd);
	return error;
}

static void broken_file(struct session *s, const struct test_file *file,
			const struct diag_list *diags)
{
	s->broken++;
	if (s->o->ndjson) {
		for (uint32_t i = 0; i < diags->count; i++) {
			struct json_writer w = json_writer_to(&s->out);

			json_object(&w);
			json_member(&w, STR("path"), file->path);
			json_key(&w, STR("line"));
			json_uint(&w, diags->items[i].line);
			json_member(&w, STR("error"), diags->items[i].message);
			json_end(&w);
			buf_add_char(&s->out, '\n');
		}
		return;
	}
	colour(s, RED);
	buf_add(&s->out, STR("error "));
	colour(s, PLAIN);
	rules_add_text(&s->out, file->path, 0);
	buf_add_char(&s->out, '\n');
	for (uint32_t i = 0; i < diags->count; i++)
		diag_format(&diags->items[i], s->colour, &s->out);
}

/* What lies in a directory of rules and is neither test nor rule in TOML: exports, events, settings. */
static bool is_other_file(struct str path, struct str text)
{
	if (str_ends(path, STR(".toml")))
		return str_find(text, STR("rule"), 0) == SIZE_MAX &&
		       str_find(text, STR("test"), 0) == SIZE_MAX;
	return str_find(text, STR("\"test"), 0) == SIZE_MAX;
}

/* `given`: the operator named this very file. */
static void test_path(struct session *s, const char *path, bool given)
{
	struct test_file file;
	struct diag_list diags;
	struct buf text = {0};
	int error = read_whole(path, &text);

	test_file_init(&file, path);
	diag_list_init(&diags);
	if (error)
		diag_add(&diags, (struct diag){.file = file.path}, "%s", strerror(-error));
	else if (text.len > FILE_BYTES_MAX)
		diag_add(&diags, (struct diag){.file = file.path},
			 "larger than 16 MiB: not a file of tests");
	else if (!given && is_other_file(file.path, buf_str(&text)))
		;
	else if (str_ends(file.path, STR(".toml")))
		error = test_read_toml(&file, buf_str(&text), &diags);
	else
		error = test_read_ndjson(&file, buf_str(&text), &diags);
	if (error || diags.errors)
		broken_file(s, &file, &diags);
	else
		run_file(s, &file);
	arena_reset(&s->arena);
	diag_list_free(&diags);
	test_file_free(&file);
	buf_free(&text);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_test_name(struct str name)
{
	return str_ends(name, STR(".toml")) || str_ends(name, STR(".ndjson"));
}

static void test_tree(struct session *s, const char *path)
{
	char *const paths[] = {(char *)(uintptr_t)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);

	for (FTSENT *entry; tree && (entry = fts_read(tree));) {
		bool given = entry->fts_level == FTS_ROOTLEVEL;

		if (!given && entry->fts_name[0] == '.')
			fts_set(tree, entry, FTS_SKIP);
		else if (entry->fts_info == FTS_F || entry->fts_info == FTS_DEFAULT) {
			if (given || is_test_name(str_from(entry->fts_name)))
				test_path(s, entry->fts_path, given);
		} else if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR ||
			   entry->fts_info == FTS_NS) {
			log_error("%s: %s", entry->fts_path, strerror(entry->fts_errno));
			s->broken++;
		}
	}
	if (tree)
		fts_close(tree);
}

/* ---- the end */

static void summary_text(struct session *s)
{
	buf_printf(&s->out, "\n%u test%s in %u file%s: %u passed, %u failed", s->tests,
		   s->tests == 1 ? "" : "s", s->files, s->files == 1 ? "" : "s", s->passed,
		   s->tests - s->passed);
	if (s->broken)
		buf_printf(&s->out, "; %u file%s could not be read", s->broken,
			   s->broken == 1 ? "" : "s");
	if (s->untested)
		buf_printf(&s->out, "; %u rule file%s without tests of their own", s->untested,
			   s->untested == 1 ? "" : "s");
	buf_add_char(&s->out, '\n');
}

static void summary_json(struct session *s, uint32_t gaps)
{
	static const struct {
		const char *key;
		size_t offset;
	} members[] = {{"tests", offsetof(struct session, tests)},
		       {"passed", offsetof(struct session, passed)},
		       {"files", offsetof(struct session, files)},
		       {"broken_files", offsetof(struct session, broken)},
		       {"rule_files_without_tests", offsetof(struct session, untested)}};
	struct json_writer w = json_writer_to(&s->out);

	json_object(&w);
	json_key(&w, STR("summary"));
	json_object(&w);
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		json_key(&w, str_from(members[i].key));
		json_uint(&w, *(const uint32_t *)((const char *)s + members[i].offset));
	}
	if (s->coverage) {
		json_key(&w, STR("uncovered_clauses"));
		json_uint(&w, gaps);
	}
	json_end(&w);
	json_end(&w);
	buf_add_char(&s->out, '\n');
}

static int finish(struct session *s)
{
	uint32_t gaps = 0;

	if (s->coverage) {
		buf_add(&s->out, s->o->ndjson ? STR("") : STR("\n"));
		gaps = coverage_report(s->coverage, s->o->ndjson, &s->out);
	}
	if (s->o->ndjson)
		summary_json(s, gaps);
	else
		summary_text(s);
	int error = buf_write_fd(&s->out, STDOUT_FILENO);

	if (error)
		log_error("cannot write to standard output: %s", strerror(-error));
	if (!s->tests && !s->broken)
		log_error("no tests found; docs/rules.md says how they are written");
	return error || gaps || s->broken || !s->tests || s->passed < s->tests ? EXIT_FAILED
									       : EXIT_OK;
}

int rules_test(const struct rules_options *o, const char *const *paths, uint32_t count)
{
	struct session s = {.o = o};

	arena_init(&s.arena);
	arena_init(&s.trees);
	s.colour = !o->ndjson && sink_wants_colour(STDOUT_FILENO);
	s.coverage = o->coverage ? coverage_new() : NULL;
	for (uint32_t i = 0; i < count; i++)
		test_tree(&s, paths[i]);
	int status = finish(&s);

	coverage_free(s.coverage);
	bench_close(&s.library);
	bench_close(&s.named);
	arena_free(&s.arena);
	arena_free(&s.trees);
	buf_free(&s.out);
	return status;
}
