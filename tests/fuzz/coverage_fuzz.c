/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A query and events: one line of EQL, its first byte the dialect, then a line of JSON each. Of a query
 * that is said never to match such events none of them, and no run over all of them, finds anything.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "coverage/coverage.h"
#include "eql/run.h"
#include "event/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                              \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

/* More show nothing new. */
#define EVENTS_MAX 32
#define STATE_BYTES ((size_t)16 << 20)

struct fuzz {
	struct arena arena;
	struct field_set *fields;
	struct eql_query *query;
	struct event_reader *reader;
	struct event event;
	struct buf padded;
	struct supply *supply;
	struct eql_run *run;
	uint64_t found;
};

static void on_result(void *context, const struct eql_result *result)
{
	struct fuzz *f = context;

	(void)result;
	f->found++;
}

static struct str take_line(struct str *rest)
{
	const char *newline = rest->len ? memchr(rest->p, '\n', rest->len) : NULL;
	size_t n = newline ? (size_t)(newline - rest->p) : rest->len;
	struct str line = {rest->p, n};

	*rest = (struct str){rest->p + n + (newline != NULL), rest->len - n - (newline != NULL)};
	return line;
}

static bool compile(struct fuzz *f, struct str text)
{
	struct diag_list diags;
	struct eql_options options = {0};

	if (!text.len)
		return false;
	options.dialect = text.p[0] & 1 ? EQL_DIALECT_ENDPOINT : EQL_DIALECT_ELASTICSEARCH;
	diag_list_init(&diags);
	int error = eql_compile(&f->arena, f->fields, (struct str){text.p + 1, text.len - 1},
				&options, &diags, &f->query);

	diag_list_free(&diags);
	return !error;
}

static void take_event(struct fuzz *f, struct str json)
{
	buf_reset(&f->padded);
	buf_add(&f->padded, json);
	buf_reserve(&f->padded, EVENT_JSON_PADDING);
	event_reset(&f->event);
	if (event_read_json(f->reader, buf_str(&f->padded), &f->event, NULL))
		return;
	supply_observe(f->supply, &f->event);
	eql_run_take(f->run, &f->event, STR(""));
}

static void check(struct fuzz *f)
{
	struct rule rule = {.state = RULE_LOADED,
			    .query = f->query,
			    .query_text = f->query->text,
			    .name = STR("n")};
	struct judge *judge = judge_new(f->supply, f->fields);
	struct rule_coverage result = judge_rule(judge, &rule);

	REQUIRE(result.verdict != COVERAGE_NO || f->found == 0);
	REQUIRE(result.verdict == COVERAGE_FULL || result.verdict == COVERAGE_NO ||
		result.gap_count > 0);
	judge_free(judge);
}

static void run(struct fuzz *f, struct str events)
{
	const struct eql_run_options options = {.size = EQL_RUN_NO_SIZE,
						.tiebreaker_field = -1,
						.bytes_max = STATE_BYTES,
						.found = on_result,
						.context = f};

	supply_demand(f->fields);
	field_set_demand(f->fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(f->fields, field_known_name(FIELD_EVENT_SEQUENCE));
	f->supply = supply_new_observed(f->fields);
	f->reader = event_reader_new(f->fields, NULL);
	f->run = eql_run_new(f->query, &options);
	event_init(&f->event, f->fields);
	for (int i = 0; i < EVENTS_MAX && events.len; i++)
		take_event(f, take_line(&events));
	eql_run_finish(f->run);
	check(f);
	eql_run_free(f->run);
	event_free(&f->event);
	event_reader_free(f->reader);
	supply_free(f->supply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {.fields = field_set_new()};
	struct str rest = {(const char *)data, size};

	log_set_level(LOG_LEVEL_ERROR);
	arena_init(&f.arena);
	if (compile(&f, take_line(&rest)))
		run(&f, rest);
	buf_free(&f.padded);
	arena_free(&f.arena);
	field_set_free(f.fields);
	return 0;
}
