/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `lintel rules check`: one line per rule, what is wrong with it indented below, a summary.
 *
 *	loaded   rules/a.toml: Dynamic Linker Creation
 *	skipped  rules/b.toml: rule type [esql] is not supported
 *	error    rules/c.toml:12:18: unknown function [wildcrd]
 *		12 | process where wildcrd(process.name, "a*")
 */
#include "cli/rules_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "cli/cli.h"

/* Width of "skipped  ", under which details are indented. */
#define STATE_WIDTH 9

struct check {
	struct rule_set set;
	struct field_set *fields;
	bool ndjson;
	struct buf out;
	uint32_t path_errors; /* what could not be read and so is no rule */
	uint32_t warnings;
};

static void add_place(struct buf *out, const struct diag *diag)
{
	rules_add_text(out, diag->file, 0);
	if (diag->line)
		buf_printf(out, ":%u", diag->line);
	if (diag->line && diag->column)
		buf_printf(out, ":%u", diag->column);
}

/* The source line with its caret and the hint: what diag_format() puts below the message. */
static void add_excerpt(struct buf *out, const struct diag *diag)
{
	struct buf text = {0};

	diag_format(diag, false, &text);
	struct str rest = buf_str(&text);
	size_t at = str_find(rest, STR("\n"), 0) + 1;

	while (at && at < rest.len) {
		size_t end = str_find(rest, STR("\n"), at);

		buf_printf(out, "%*s", STATE_WIDTH, "");
		rules_add_text(out, (struct str){rest.p + at, end - at}, 0);
		buf_add_char(out, '\n');
		at = end + 1;
	}
	buf_free(&text);
}

static void add_diag_text(struct buf *out, const struct diag *diag)
{
	buf_printf(out, "%*s", STATE_WIDTH, "");
	add_place(out, diag);
	buf_add(out, diag->level == DIAG_ERROR ? STR(": error: ") : STR(": warning: "));
	rules_add_text(out, diag->message, STATE_WIDTH);
	buf_add_char(out, '\n');
	add_excerpt(out, diag);
}

static const struct diag *first_error(const struct rule *rule)
{
	for (uint32_t i = 0; i < rule->diag_count; i++)
		if (rule->diags[i].level == DIAG_ERROR)
			return &rule->diags[i];
	return NULL;
}

static void add_rule_text(struct buf *out, const struct rule *rule)
{
	const struct diag *error = rule->state == RULE_ERROR ? first_error(rule) : NULL;

	buf_printf(out, "%-*s", STATE_WIDTH, rule_state_name(rule->state));
	if (error)
		add_place(out, error);
	else
		rules_add_text(out, rule->path, 0);
	if (!error && rule->line)
		buf_printf(out, ":%u", rule->line);
	buf_add(out, STR(": "));
	rules_add_text(out, rule->state == RULE_LOADED ? rule->name : rule->reason, STATE_WIDTH);
	buf_add_char(out, '\n');
	if (error)
		add_excerpt(out, error);
	for (uint32_t i = 0; i < rule->diag_count; i++)
		if (&rule->diags[i] != error)
			add_diag_text(out, &rule->diags[i]);
}

static bool has_said(const struct rule *rule, const struct diag *diag)
{
	for (uint32_t i = 0; i < rule->diag_count; i++)
		if (rule->diags[i].line == diag->line &&
		    str_eq(rule->diags[i].message, diag->message))
			return true;
	return false;
}

static bool belongs_to_rule(const struct check *c, uint32_t first, const struct diag *diag)
{
	for (uint32_t i = first; i < c->set.count; i++)
		if (str_eq(c->set.rules[i]->path, diag->file) && has_said(c->set.rules[i], diag))
			return true;
	return false;
}

/* What the load said of paths that became no rule: directories, a path that is not there. */
static void add_path_diag(struct check *c, const struct diag *diag)
{
	c->path_errors += diag->level == DIAG_ERROR;
	if (!c->ndjson) {
		buf_printf(&c->out, "%-*s", STATE_WIDTH,
			   diag->level == DIAG_ERROR ? "error" : "warning");
		add_place(&c->out, diag);
		buf_add(&c->out, STR(": "));
		rules_add_text(&c->out, diag->message, STATE_WIDTH);
		buf_add_char(&c->out, '\n');
		return;
	}
	struct json_writer w = json_writer_to(&c->out);

	json_object(&w);
	json_member(&w, STR("path"), diag->file);
	json_member(&w, STR("state"), diag->level == DIAG_ERROR ? STR("error") : STR("warning"));
	json_member(&w, STR("reason"), diag->message);
	json_end(&w);
	buf_add_char(&c->out, '\n');
}

static void load_path(struct check *c, const char *path)
{
	struct diag_list diags;
	uint32_t first = c->set.count;

	diag_list_init(&diags);
	/* The reason is among the diagnostics. */
	int error = rule_set_load(&c->set, c->fields, path, &diags);

	(void)error;
	for (uint32_t i = 0; i < diags.count; i++)
		if (!belongs_to_rule(c, first, &diags.items[i]))
			add_path_diag(c, &diags.items[i]);
	diag_list_free(&diags);
}

static void load(struct check *c, const char *const *paths, uint32_t count)
{
	struct diag_list diags;

	for (uint32_t i = 0; i < count; i++)
		load_path(c, paths[i]);
	/* All it says is kept with the rules. */
	diag_list_init(&diags);
	rule_set_finish(&c->set, c->fields, &diags);
	diag_list_free(&diags);
}

static void add_rule(struct check *c, const struct rule *rule)
{
	for (uint32_t d = 0; d < rule->diag_count; d++)
		c->warnings += rule->diags[d].level == DIAG_WARNING;
	if (c->ndjson) {
		rule_write_json(rule, false, &c->out);
		buf_add_char(&c->out, '\n');
	} else {
		add_rule_text(&c->out, rule);
	}
}

/* Why rules were skipped, and how many for each reason. */
struct reason {
	struct str text;
	uint32_t count;
};

static int by_count(const void *a, const void *b)
{
	const struct reason *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return str_cmp(x->text, y->text);
}

static uint32_t count_reasons(const struct rule_set *set, struct reason *reasons)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		const struct rule *rule = set->rules[i];
		uint32_t k = 0;

		if (rule->state != RULE_SKIPPED)
			continue;
		while (k < n && !str_eq(reasons[k].text, rule->reason))
			k++;
		if (k == n)
			reasons[n++] = (struct reason){.text = rule->reason};
		reasons[k].count++;
	}
	if (n)
		qsort(reasons, n, sizeof(*reasons), by_count);
	return n;
}

static void summary_text(struct check *c, const struct reason *reasons, uint32_t reason_count)
{
	const struct rule_set *set = &c->set;

	buf_printf(&c->out, "\n%u rule%s: %u loaded, %u skipped, %u with errors; %u warning%s\n",
		   set->count, set->count == 1 ? "" : "s", set->loaded, set->skipped, set->errors,
		   c->warnings, c->warnings == 1 ? "" : "s");
	for (uint32_t i = 0; i < reason_count; i++) {
		buf_printf(&c->out, "%6u skipped: ", reasons[i].count);
		rules_add_text(&c->out, reasons[i].text, 0);
		buf_add_char(&c->out, '\n');
	}
	if (c->path_errors)
		buf_printf(&c->out, "%6u path%s could not be read\n", c->path_errors,
			   c->path_errors == 1 ? "" : "s");
}

static void summary_json(struct check *c, const struct reason *reasons, uint32_t reason_count)
{
	struct json_writer w = json_writer_to(&c->out);

	json_object(&w);
	json_key(&w, STR("summary"));
	json_object(&w);
	json_key(&w, STR("rules"));
	json_uint(&w, c->set.count);
	json_key(&w, STR("loaded"));
	json_uint(&w, c->set.loaded);
	json_key(&w, STR("skipped"));
	json_uint(&w, c->set.skipped);
	json_key(&w, STR("errors"));
	json_uint(&w, c->set.errors);
	json_key(&w, STR("warnings"));
	json_uint(&w, c->warnings);
	json_key(&w, STR("unreadable_paths"));
	json_uint(&w, c->path_errors);
	json_key(&w, STR("skipped_by_reason"));
	json_object(&w);
	for (uint32_t i = 0; i < reason_count; i++) {
		json_key(&w, reasons[i].text);
		json_uint(&w, reasons[i].count);
	}
	json_end(&w);
	json_end(&w);
	json_end(&w);
	buf_add_char(&c->out, '\n');
}

int rules_check(const char *const *paths, uint32_t count, bool ndjson)
{
	struct check c = {.ndjson = ndjson};

	rule_set_init(&c.set);
	c.fields = field_set_new();
	load(&c, paths, count);
	for (uint32_t i = 0; i < c.set.count; i++)
		add_rule(&c, c.set.rules[i]);
	struct reason *reasons = xcalloc(c.set.count, sizeof(*reasons));
	uint32_t reason_count = count_reasons(&c.set, reasons);

	if (ndjson)
		summary_json(&c, reasons, reason_count);
	else
		summary_text(&c, reasons, reason_count);
	int status = c.set.errors || c.path_errors ? EXIT_FAILED : EXIT_OK;
	int error = buf_write_fd(&c.out, STDOUT_FILENO);

	if (error) {
		log_error("cannot write to standard output: %s", strerror(-error));
		status = EXIT_FAILED;
	}
	free(reasons);
	buf_free(&c.out);
	rule_set_free(&c.set);
	field_set_free(c.fields);
	return status;
}
