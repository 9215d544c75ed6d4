/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the text tables tests/conformance/eql/NAME.t, one test per file. A case is a query of one or
 * more lines followed by what is expected of it; cases are separated by blank lines:
 *
 *	process where process.name : "SH*"
 *	+ {"event.category": "process", "process.name": "sh"}		matches
 *	- {"event.category": "process", "process.name": "bash"}		does not
 *
 *	process where a = 1
 *	! 1:17: error: [=] is not an operator				refused, with exactly these
 *	! ...								lines as diagnostics
 *
 *	sequence by a [x where true] with runs=2 [y where b == 1]
 *	= sequence of 3, keys 1						compiled to exactly this
 *	= ...
 *
 * Lines that begin with # are comments. Files named endpoint* are in Elastic Endpoint's dialect. What
 * compiles is also written out as EQL again and must come to the same leaves a second time.
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
#include "eql/inspect.h"
#include "event/json.h"

struct run {
	const char *file;
	unsigned line;      /* of the case's first line */
	struct buf query;   /* lines joined */
	struct buf refusal; /* expected diagnostics */
	struct buf want;    /* expected description */
	bool has_refusal;
	struct eql_options options;
	bool pending; /* a query that has not been compiled */
	unsigned failures, checks;
	/* what the query compiled to */
	struct arena arena;
	struct field_set *fields;
	struct eql_query *compiled;
	struct eql_scratch *scratch;
};

static void complain(struct run *run, unsigned line, const char *what, struct str detail)
{
	print_error("%s:%u: %s %.*s\n", run->file, line, what, STR_ARG(detail));
	run->failures++;
}

static void end_case(struct run *run)
{
	arena_free(&run->arena);
	field_set_free(run->fields);
	run->fields = NULL;
	run->compiled = NULL;
	run->has_refusal = false;
	buf_reset(&run->query);
	buf_reset(&run->refusal);
	buf_reset(&run->want);
}

/* ---- descriptions */

static void put_keys(const struct run *run, const struct eql_stage *stage, struct buf *out)
{
	for (uint32_t i = 0; i < run->compiled->key_count; i++) {
		buf_add(out, i ? STR(", ") : STR(" by "));
		buf_add(out, stage->keys[i].optional ? STR("?") : STR(""));
		eql_field_write(field_set_info(run->fields, stage->keys[i].field)->name, out);
	}
}

static void put_filters(const struct run *run, struct buf *out)
{
	const struct eql_query *q = run->compiled;

	for (uint32_t i = 0; i < run->compiled->filter_count; i++) {
		const struct eql_filter *f = &run->compiled->filters[i];

		buf_printf(out, "filter %u: ", i);
		if (f->any_category)
			buf_add(out, STR("any"));
		else
			buf_add(out, f->category);
		buf_add(out, STR(" where "));
		eql_cond_write(f->cond, q, run->fields, 0, out);
		if (f->whole) {
			buf_add(out, f->reads_stages ? STR(" THEN BY STAGES ") : STR(" THEN "));
			eql_cond_write(f->whole, q, run->fields, 0, out);
		}
		buf_add_char(out, '\n');
	}
}

static void put_stages(const struct run *run, struct buf *out)
{
	const struct eql_query *q = run->compiled;

	for (uint32_t i = 0; i < q->stage_count; i++) {
		buf_printf(out, "stage %u:%s filter %u", i, q->stages[i].missing ? " missing" : "",
			   q->stages[i].filter);
		put_keys(run, &q->stages[i], out);
		if (q->stages[i].alias.len)
			buf_printf(out, " as %.*s", STR_ARG(q->stages[i].alias));
		buf_add_char(out, '\n');
	}
	if (q->until) {
		buf_printf(out, "until:%s filter %u", q->until->missing ? " missing" : "",
			   q->until->filter);
		put_keys(run, q->until, out);
		buf_add_char(out, '\n');
	}
}

static void put_rest(const struct run *run, struct buf *out)
{
	static const char *const kinds[] = {"event", "child", "descendant"};
	const struct eql_query *q = run->compiled;

	for (uint32_t i = 0; i < q->relation_count; i++)
		buf_printf(out, "relation %u: %s of filter %u\n", i, kinds[q->relations[i].kind],
			   q->relations[i].filter);
	if (q->lineage_filter != EQL_NO_FILTER)
		buf_printf(out, "lineage: filter %u\n", q->lineage_filter);
	for (uint32_t i = 0; i < q->kept_field_count; i++)
		buf_printf(out, "%s%.*s%s", i ? ", " : "keeps ",
			   STR_ARG(field_set_info(run->fields, q->kept_fields[i])->name),
			   i + 1 == q->kept_field_count ? "\n" : "");
	for (uint32_t i = 0; i < q->pipe_count; i++)
		buf_printf(out, "%s %llu\n", q->pipes[i].kind == EQL_PIPE_HEAD ? "head" : "tail",
			   (unsigned long long)q->pipes[i].count);
}

static void check_description(struct run *run)
{
	static const char *const kinds[] = {"event", "sequence", "sample"};
	const struct eql_query *q = run->compiled;
	struct buf out = {0};

	if (!run->want.len || !q)
		return;
	buf_printf(&out, "%s, keys %u", kinds[q->kind], q->key_count);
	if (q->maxspan_ns)
		buf_printf(&out, ", maxspan %lld ms", (long long)(q->maxspan_ns / 1000000));
	buf_add_char(&out, '\n');
	put_filters(run, &out);
	put_stages(run, &out);
	put_rest(run, &out);
	if (!str_eq(buf_str(&out), buf_str(&run->want)))
		complain(run, run->line, "compiled to:\n", buf_str(&out));
	run->checks++;
	buf_free(&out);
}

/* The keys of all leaves, in order. */
static void put_leaf_keys(const struct eql_cond *cond, struct buf *out)
{
	if (cond->kind == EQL_COND_LEAF) {
		buf_add(out, cond->leaf->key);
		buf_add_char(out, '\n');
	}
	for (uint32_t i = 0; i < cond->kid_count; i++)
		put_leaf_keys(cond->kids[i], out);
}

/* A condition written out means what it was. */
static void check_round_trip(struct run *run, const struct eql_cond *cond)
{
	struct eql_query *again = NULL;
	struct buf text = {0}, before = {0}, after = {0};
	struct diag_list diags;

	diag_list_init(&diags);
	buf_add(&text, STR("any where "));
	eql_cond_write(cond, run->compiled, run->fields, 0, &text);
	if (eql_compile(&run->arena, run->fields, buf_str(&text), &run->options, &diags, &again)) {
		diag_list_print(&diags, 2);
		complain(run, run->line, "cannot be read again:", buf_str(&text));
	} else {
		put_leaf_keys(cond, &before);
		put_leaf_keys(again->filters[0].cond, &after);
		if (!str_eq(buf_str(&before), buf_str(&after)))
			complain(run, run->line, "means something else:", buf_str(&text));
	}
	buf_free(&text);
	buf_free(&before);
	buf_free(&after);
	diag_list_free(&diags);
}

static void compile(struct run *run)
{
	struct diag_list diags;
	struct buf text = {0};

	diag_list_init(&diags);
	run->fields = field_set_new();
	int error = eql_compile(&run->arena, run->fields, buf_str(&run->query), &run->options,
				&diags, &run->compiled);

	for (uint32_t i = 0; i < diags.count; i++)
		diag_format(&diags.items[i], false, &text);
	if (!error == run->has_refusal)
		complain(run, run->line, error ? "refused:" : "not refused:",
			 error ? buf_str(&text) : buf_str(&run->query));
	else if (!str_eq(buf_str(&text), buf_str(&run->refusal)))
		complain(run, run->line, "other diagnostics:\n", buf_str(&text));
	if (error)
		run->compiled = NULL;
	/* Checking alone must come to the same answer. */
	if (eql_compile(NULL, NULL, buf_str(&run->query), &run->options, &diags, NULL) != error)
		complain(run, run->line, "--check disagrees", STR(""));
	for (uint32_t i = 0; run->compiled && i < run->compiled->filter_count; i++)
		check_round_trip(run, run->compiled->filters[i].cond);
	check_description(run);
	run->checks++;
	buf_free(&text);
	diag_list_free(&diags);
}

static void check_event(struct run *run, unsigned line, struct str json, bool want)
{
	struct event event;
	struct buf padded = {0};
	const char *why = NULL;

	if (!run->compiled)
		return;
	buf_add(&padded, json);
	buf_reserve(&padded, EVENT_JSON_PADDING);
	event_init(&event, run->fields);
	struct event_reader_options options = {.timestamp_field = STR("@timestamp")};
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

static void take_line(struct run *run, unsigned number, struct str line)
{
	bool expectation = line.len > 1 && line.p[1] == ' ' && strchr("+-!=", line.p[0]);
	struct str rest = {line.p + 2, line.len - 2};

	if (line.len && line.p[0] == '#')
		return;
	if (line.len && !expectation) {
		if (!run->query.len)
			run->line = number;
		else
			buf_add_char(&run->query, '\n');
		buf_add(&run->query, line);
		run->pending = true;
		return;
	}
	if (expectation && line.p[0] == '!') {
		run->has_refusal = true;
		buf_add(&run->refusal, rest);
		buf_add_char(&run->refusal, '\n');
		return;
	}
	if (expectation && line.p[0] == '=') {
		buf_add(&run->want, rest);
		buf_add_char(&run->want, '\n');
		return;
	}
	if (run->pending)
		compile(run);
	run->pending = false;
	if (expectation)
		check_event(run, number, rest, line.p[0] == '+');
	else
		end_case(run);
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
	if (str_starts(str_basename(str_from(run.file)), STR("endpoint")))
		run.options.dialect = EQL_DIALECT_ENDPOINT;
	for (ssize_t len; (len = getline(&line, &size, f)) >= 0;) {
		if (len && line[len - 1] == '\n')
			len--;
		take_line(&run, ++number, (struct str){line, (size_t)len});
	}
	take_line(&run, number + 1, STR(""));
	free(line);
	fclose(f);
	buf_free(&run.query);
	buf_free(&run.refusal);
	buf_free(&run.want);
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

	snprintf(directory, sizeof(directory), "%s/conformance/eql", tests ? tests : "tests");
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
	int failed = _cmocka_run_group_tests("eql_cases", units, (size_t)count, NULL, NULL);

	for (int i = 0; i < count; i++) {
		free((char *)units[i].name);
		free(units[i].initial_state);
	}
	free(units);
	return failed;
}
