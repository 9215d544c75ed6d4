/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the text tables tests/conformance/kql/NAME.t, one test per file, in the form of EQL's (see
 * eql_cases_test.c): a query, the events it matches (+) and does not (-), or its diagnostics (!).
 * A line of nothing but "\" in a query is an empty line of it.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "event/json.h"
#include "kql/kql.h"

struct run {
	const char *file;
	unsigned line; /* of the case's first line */
	bool pending;  /* a query that has not been compiled */
	struct buf query, said, expected;
	struct arena arena;
	struct field_set *fields;
	struct eql_query *compiled;
	struct eql_scratch *scratch;
	unsigned failures, checks;
};

static void complain(struct run *run, unsigned line, const char *what, struct str detail)
{
	print_error("%s:%u: %s %.*s\n", run->file, line, what, STR_ARG(detail));
	run->failures++;
}

static void compile(struct run *run)
{
	struct eql_cond *cond = NULL;
	struct diag_list diags;

	diag_list_init(&diags);
	run->fields = field_set_new();
	struct eql_builder *builder = eql_builder_new(&run->arena, run->fields);
	int error = kql_condition(builder, run->fields, buf_str(&run->query), NULL, &diags, &cond);

	for (uint32_t i = 0; i < diags.count; i++)
		diag_format(&diags.items[i], false, &run->said);
	if (error != (diags.errors ? -EINVAL : 0) || (error == 0) != (cond != NULL))
		complain(run, run->line, "result and diagnostics disagree:", buf_str(&run->said));
	run->compiled = eql_build_event_query(builder, cond, buf_str(&run->query));
	eql_builder_free(builder);
	diag_list_free(&diags);
	run->pending = false;
	run->checks++;
}

static void check_event(struct run *run, unsigned line, struct str json, bool want)
{
	struct event_reader_options options = {.timestamp_field = STR("@timestamp")};
	struct event event;
	struct buf padded = {0};
	const char *why = NULL;

	if (!run->compiled)
		return;
	buf_add(&padded, json);
	buf_reserve(&padded, EVENT_JSON_PADDING);
	event_init(&event, run->fields);
	struct event_reader *reader = event_reader_new(run->fields, &options);

	if (event_read_json(reader, buf_str(&padded), &event, &why) != 0)
		complain(run, line, "bad event:", str_from(why));
	else if (eql_match(run->compiled, &event, run->scratch) != want)
		complain(run, line, want ? "no match:" : "matches:", json);
	run->checks++;
	event_reader_free(reader);
	event_free(&event);
	buf_free(&padded);
}

static void end_case(struct run *run)
{
	if (run->pending)
		compile(run);
	if (!str_eq(buf_str(&run->said), buf_str(&run->expected)))
		complain(run, run->line, "other diagnostics:\n", buf_str(&run->said));
	arena_free(&run->arena);
	field_set_free(run->fields);
	run->fields = NULL;
	run->compiled = NULL;
	buf_reset(&run->query);
	buf_reset(&run->said);
	buf_reset(&run->expected);
}

static void take_query_line(struct run *run, unsigned number, struct str line)
{
	if (run->pending)
		buf_add_char(&run->query, '\n');
	else
		run->line = number;
	if (!str_eq(line, STR("\\")))
		buf_add(&run->query, line);
	run->pending = true;
}

static void take_line(struct run *run, unsigned number, struct str line)
{
	bool expectation = line.len > 1 && line.p[1] == ' ' && strchr("+-!", line.p[0]);
	struct str rest = expectation ? (struct str){line.p + 2, line.len - 2} : STR_NULL;

	if (line.len && line.p[0] == '#')
		return;
	if (!line.len) {
		end_case(run);
	} else if (!expectation) {
		take_query_line(run, number, line);
	} else if (line.p[0] == '!') {
		buf_add(&run->expected, rest);
		buf_add_char(&run->expected, '\n');
	} else {
		if (run->pending)
			compile(run);
		check_event(run, number, rest, line.p[0] == '+');
	}
}

static void run_file(void **state)
{
	struct run run = {.file = *state, .scratch = eql_scratch_new()};
	FILE *f = fopen(run.file, "r");
	char *line = NULL;
	size_t size = 0;
	unsigned number = 0;

	assert_non_null(f);
	arena_init(&run.arena);
	for (ssize_t len; (len = getline(&line, &size, f)) >= 0;) {
		if (len && line[len - 1] == '\n')
			len--;
		take_line(&run, ++number, (struct str){line, (size_t)len});
	}
	take_line(&run, number + 1, STR(""));
	free(line);
	fclose(f);
	buf_free(&run.query);
	buf_free(&run.said);
	buf_free(&run.expected);
	eql_scratch_free(run.scratch);
	assert_int_not_equal(run.checks, 0);
	if (run.failures)
		fail_msg("%u of %u checks failed", run.failures, run.checks);
}

static int is_table(const struct dirent *entry)
{
	return str_ends(str_from(entry->d_name), STR(".t"));
}

int main(void)
{
	const char *tests = getenv("LINTEL_TESTS");
	char directory[4096];
	struct dirent **names;

	snprintf(directory, sizeof(directory), "%s/conformance/kql", tests ? tests : "tests");
	int count = scandir(directory, &names, is_table, alphasort);

	if (count <= 0) {
		fprintf(stderr, "no tables in %s\n", directory);
		return 1;
	}
	struct CMUnitTest *units = xcalloc((size_t)count, sizeof(*units));

	for (int i = 0; i < count; i++) {
		struct buf path = {0};

		buf_printf(&path, "%s/%s", directory, names[i]->d_name);
		buf_add_char(&path, '\0');
		units[i] = (struct CMUnitTest){.name = xstrdup(names[i]->d_name),
					       .test_func = run_file,
					       .initial_state = path.p};
		free(names[i]);
	}
	free(names);
	int failed = _cmocka_run_group_tests("kql", units, (size_t)count, NULL, NULL);

	for (int i = 0; i < count; i++) {
		free((char *)units[i].name);
		free(units[i].initial_state);
	}
	free(units);
	return failed;
}
