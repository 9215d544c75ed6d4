/* SPDX-License-Identifier: Apache-2.0 */
/* `lintel rules lint`: what is likely wrong with rules that load. */
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/rules_internal.h"
#include "rule/lint.h"
#include "sink/sink.h"

struct session {
	const struct rules_options *o;
	bool *disabled; /* by check */
	const struct lint_check *first;
	bool colour;
	struct buf out;
	uint32_t warnings, notes;
};

static void add_json(struct session *s, const struct lint_finding *f)
{
	struct json_writer w = json_writer_to(&s->out);

	json_object(&w);
	json_member(&w, STR("check"), str_from(f->check->id));
	json_member(&w, STR("level"),
		    f->check->level == LINT_WARNING ? STR("warning") : STR("note"));
	json_member(&w, STR("path"), f->rule->path);
	json_member(&w, STR("rule"), f->rule->id);
	if (f->diag->line) {
		json_key(&w, STR("line"));
		json_uint(&w, f->diag->line);
	}
	if (f->diag->column) {
		json_key(&w, STR("column"));
		json_uint(&w, f->diag->column);
	}
	json_member(&w, STR("message"), f->diag->message);
	json_member(&w, STR("because"), str_from(f->check->text));
	json_member(&w, STR("hint"), f->diag->hint);
	json_end(&w);
	buf_add_char(&s->out, '\n');
}

static void found(void *context, const struct lint_finding *f)
{
	struct session *s = context;
	struct diag diag = *f->diag;
	struct buf message = {0};

	if (s->disabled[f->check - s->first])
		return;
	if (f->check->level == LINT_WARNING)
		s->warnings++;
	else
		s->notes++;
	if (s->o->ndjson) {
		add_json(s, f);
		return;
	}
	if (f->check->level == LINT_NOTE && s->o->no_notes)
		return;
	buf_printf(&message, "%.*s [%s]", STR_ARG(diag.message), f->check->id);
	diag.message = buf_str(&message);
	diag_format(&diag, s->colour, &s->out);
	buf_free(&message);
}

static bool disable(struct session *s)
{
	for (uint32_t i = 0; i < s->o->disabled_count; i++) {
		const struct lint_check *check = lint_check_find(str_from(s->o->disabled[i]));

		if (!check) {
			cli_usage_error(&verb_rules,
					"--disable: there is no check '%s'; "
					"`lintel rules lint --checks` lists them",
					s->o->disabled[i]);
			return false;
		}
		s->disabled[check - s->first] = true;
	}
	return true;
}

int rules_list_checks(bool ndjson)
{
	uint32_t count;
	const struct lint_check *checks = lint_checks(&count);
	struct buf out = {0};

	for (uint32_t i = 0; i < count; i++) {
		const char *level = checks[i].level == LINT_WARNING ? "warning" : "note";

		if (ndjson) {
			struct json_writer w = json_writer_to(&out);

			json_object(&w);
			json_member(&w, STR("check"), str_from(checks[i].id));
			json_member(&w, STR("level"), str_from(level));
			json_member(&w, STR("text"), str_from(checks[i].text));
			json_end(&w);
			buf_add_char(&out, '\n');
		} else {
			buf_printf(&out, "%-26s %-8s %s\n", checks[i].id, level, checks[i].text);
		}
	}
	int error = buf_write_fd(&out, STDOUT_FILENO);

	buf_free(&out);
	return error ? EXIT_FAILED : EXIT_OK;
}

static int load(const char *const *paths, uint32_t count, struct rule_set *set,
		struct field_set *fields)
{
	struct diag_list diags;
	int status = EXIT_OK;

	diag_list_init(&diags);
	for (uint32_t i = 0; i < count; i++)
		if (rule_set_load(set, fields, paths[i], &diags))
			status = EXIT_FAILED;
	/* Warnings of loading are `rules check`'s; errors keep a rule from being looked at. */
	if (status != EXIT_OK || set->errors) {
		diag_list_print(&diags, STDERR_FILENO);
		status = EXIT_FAILED;
	}
	diag_list_free(&diags);
	return status;
}

static void summary(struct session *s, const struct rule_set *set)
{
	if (s->o->ndjson)
		return;
	if (s->out.len)
		buf_add_char(&s->out, '\n');
	buf_printf(&s->out, "%u rule%s: %u warning%s, %u note%s", set->loaded,
		   set->loaded == 1 ? "" : "s", s->warnings, s->warnings == 1 ? "" : "s", s->notes,
		   s->notes == 1 ? "" : "s");
	if (set->skipped || set->errors)
		buf_printf(&s->out, "; not looked at: %u skipped, %u with errors", set->skipped,
			   set->errors);
	buf_add_char(&s->out, '\n');
}

int rules_lint(const struct rules_options *o, const char *const *paths, uint32_t count)
{
	struct session s = {.o = o};
	struct rule_set set;
	struct field_set *fields = field_set_new();
	uint32_t check_count;
	int status = EXIT_USAGE;

	rule_set_init(&set);
	s.first = lint_checks(&check_count);
	s.disabled = xcalloc(check_count, sizeof(*s.disabled));
	s.colour = !o->ndjson && sink_wants_colour(STDOUT_FILENO);
	if (disable(&s)) {
		status = load(paths, count, &set, fields);
		lint_rules(&set, fields, found, &s);
		summary(&s, &set);
		int error = buf_write_fd(&s.out, STDOUT_FILENO);

		if (error)
			log_error("cannot write to standard output: %s", strerror(-error));
		if (error || s.warnings)
			status = EXIT_FAILED;
	}
	buf_free(&s.out);
	free(s.disabled);
	rule_set_free(&set);
	field_set_free(fields);
	return status;
}
