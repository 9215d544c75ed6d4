/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the time goes, on one thread, apart from start-up and alerts:
 *
 *	match_cost [--no-check | --profile] [--passes N] --rules PATH... FILE...
 *
 *	lines      splitting the inputs into lines
 *	parse      lines, parsed and every value visited: parse_only's work, the yardstick
 *	read       lines and parse, and the fields that rules name put into an event
 *	match      all that, and the rules
 *
 * The last two once with all rules and once with ten of them, spread evenly, to tell what more rules
 * cost. Passes over the inputs take turns, and the best of N (5) counts, so that a machine that is
 * busy for a while hurts all alike. At the end every event is matched by the engine and by one rule
 * after the other (--no-check leaves that out); if they disagree anywhere the exit status is 1.
 * --profile makes nothing but a few passes of the last kind, for a profiler to look at.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/engine.h"
#include "source/ndjson.h"

#define FEW_RULES 10

struct bench {
	struct rule_set rules;
	struct field_set *fields;
	struct event_reader *reader;
	struct engine *engine;
	struct engine_scratch *scratch;
	struct eql_scratch *eql;
	uint64_t matches, differences;
	double build_ms;
};

struct inputs {
	const char *const *paths;
	uint32_t count;
	uint64_t events;
	int passes;
};

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- rules and engines */

static void bench_init(struct bench *b)
{
	*b = (struct bench){.fields = field_set_new()};
	rule_set_init(&b->rules);
}

/* The reader comes before the engine, which demands what alerts show: hunt does the same. */
static void bench_start(struct bench *b)
{
	field_set_demand(b->fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(b->fields, field_known_name(FIELD_EVENT_SEQUENCE));
	b->reader = event_reader_new(b->fields, NULL);
	double begin = cpu_ns();

	b->engine = engine_new(&b->rules, b->fields);
	b->build_ms = (cpu_ns() - begin) / 1e6;
	b->scratch = engine_scratch_new(b->engine);
	b->eql = eql_scratch_new();
}

static void bench_free(struct bench *b)
{
	eql_scratch_free(b->eql);
	engine_scratch_free(b->scratch);
	engine_free(b->engine);
	event_reader_free(b->reader);
	rule_set_free(&b->rules);
	field_set_free(b->fields);
}

static int load(struct bench *b, const char *path)
{
	struct diag_list diags;

	diag_list_init(&diags);
	int err = rule_set_load(&b->rules, b->fields, path, &diags);

	if (err)
		diag_list_print(&diags, 2);
	diag_list_free(&diags);
	return err;
}

static bool runs(const struct rule *rule)
{
	return rule->state == RULE_LOADED && rule->enabled;
}

/* Every so-and-so-many-th rule that runs. */
static int load_few(struct bench *few, const struct bench *all)
{
	uint32_t seen = 0, taken = 0;

	for (uint32_t i = 0; i < all->rules.count; i++) {
		const struct rule *rule = all->rules.rules[i];
		const char *path = arena_printf(&few->rules.arena, "%.*s", STR_ARG(rule->path)).p;

		if (!runs(rule) || seen++ * FEW_RULES / all->rules.loaded < taken)
			continue;
		if (load(few, path))
			return -1;
		taken++;
	}
	return 0;
}

/* ---- passes over the inputs; each returns nanoseconds per event, negative on an error */

static double pass_lines(struct inputs *in)
{
	struct ndjson_source *source;
	struct str line;
	int more;

	if (ndjson_open(&source, in->paths, in->count))
		return -1;
	double begin = cpu_ns();

	for (in->events = 0; (more = ndjson_next_line(source, &line)) > 0;)
		in->events++;
	double ns = (cpu_ns() - begin) / (double)(in->events ? in->events : 1);

	ndjson_close(source);
	return more < 0 ? -1 : ns;
}

static void ignore(void *context, uint32_t id, const struct json_value *value)
{
	(void)context;
	(void)id;
	(void)value;
}

static double pass_parse(struct inputs *in)
{
	const struct json_handler handler = {.value = ignore};
	struct json_reader *reader = json_reader_new();
	struct json_paths *paths = json_paths_new();
	struct ndjson_source *source;
	struct str line;
	uint64_t good = 0;

	json_paths_want_all(paths, 0);
	if (ndjson_open(&source, in->paths, in->count))
		return -1;
	double begin = cpu_ns();

	while (ndjson_next_line(source, &line) > 0)
		good += json_read(reader, paths, line, &handler, NULL, NULL) == 0;
	double ns = (cpu_ns() - begin) / (double)(good ? good : 1);

	ndjson_close(source);
	json_paths_free(paths);
	json_reader_free(reader);
	return ns;
}

typedef void on_event(struct bench *b, const struct event *event);

static double pass_events(struct bench *b, struct inputs *in, on_event *each)
{
	struct ndjson_source *source;
	struct event event;
	uint64_t events = 0;

	if (ndjson_open(&source, in->paths, in->count))
		return -1;
	event_init(&event, b->fields);
	b->matches = 0;
	double begin = cpu_ns();

	while (ndjson_next_event(source, b->reader, &event) > 0) {
		events++;
		each(b, &event);
	}
	double ns = (cpu_ns() - begin) / (double)(events ? events : 1);

	event_free(&event);
	ndjson_close(source);
	return ns;
}

static void nothing(struct bench *b, const struct event *event)
{
	(void)b;
	(void)event;
}

static void together(struct bench *b, const struct event *event)
{
	const struct engine_hit *hits;

	b->matches += engine_match(b->engine, event, b->scratch, &hits);
}

static bool satisfies_alone(const struct bench *b, const struct rule *rule, uint32_t filter,
			    const struct event *event)
{
	struct eql_filter exception = rule->query->filters[0];

	if (!eql_filter_match(&rule->query->filters[filter], event, b->eql))
		return false;
	for (uint32_t i = 0; filter != rule->query->lineage_filter && i < rule->exception_count;
	     i++) {
		exception.cond = rule->exceptions[i].cond;
		if (exception.cond && eql_filter_match(&exception, event, b->eql))
			return false;
	}
	return true;
}

static void both_ways(struct bench *b, const struct event *event)
{
	const struct engine_hit *hits;
	uint32_t n = engine_match(b->engine, event, b->scratch, &hits), at = 0;

	for (uint32_t i = 0; i < b->rules.count; i++) {
		const struct rule *rule = b->rules.rules[i];

		for (uint32_t f = 0; runs(rule) && f < rule->query->filter_count; f++) {
			bool hit = at < n && hits[at].rule == rule && hits[at].filter == f;

			at += hit;
			b->differences += hit != satisfies_alone(b, rule, f, event);
		}
	}
	b->differences += at != n;
}

/* ---- the table */

enum row {
	ROW_LINES,
	ROW_PARSE,
	ROW_READ_FEW,
	ROW_MATCH_FEW,
	ROW_READ_ALL,
	ROW_MATCH_ALL,
	ROWS
};

static double pass(enum row row, struct inputs *in, struct bench *few, struct bench *all)
{
	switch (row) {
	case ROW_LINES:
		return pass_lines(in);
	case ROW_PARSE:
		return pass_parse(in);
	case ROW_READ_FEW:
		return pass_events(few, in, nothing);
	case ROW_MATCH_FEW:
		return pass_events(few, in, together);
	case ROW_READ_ALL:
		return pass_events(all, in, nothing);
	case ROW_MATCH_ALL:
	case ROWS:
		break;
	}
	return pass_events(all, in, together);
}

static int measure(struct inputs *in, struct bench *few, struct bench *all, double best[ROWS])
{
	for (int i = 0; i < in->passes; i++)
		for (int row = 0; row < ROWS; row++) {
			double ns = pass((enum row)row, in, few, all);

			if (ns < 0)
				return -1;
			if (!i || ns < best[row])
				best[row] = ns;
		}
	return 0;
}

static void print_table(const double ns[ROWS], const struct bench *few, const struct bench *all)
{
	const char *const names[ROWS] = {"lines", "parse", "read", "match", "read", "match"};

	printf("%-24s %9s %7s\n", "", "ns/event", "ratio");
	for (int row = 0; row < ROWS; row++) {
		const struct bench *b = row < ROW_READ_FEW ? NULL : row < ROW_READ_ALL ? few : all;
		char rules[32] = "";

		if (b)
			snprintf(rules, sizeof(rules), ", %u rules", b->rules.loaded);
		printf("%-6s%-18s %9.0f %7.2f\n", names[row], rules, ns[row],
		       ns[row] / ns[ROW_PARSE]);
	}
	printf("growth: %.2f\n", ns[ROW_MATCH_ALL] / ns[ROW_MATCH_FEW]);
}

static int profile(struct bench *all, struct inputs *in)
{
	bench_start(all);
	for (int i = 0; i < in->passes; i++)
		printf("%.0f ns/event\n", pass_events(all, in, together));
	return 0;
}

static int run(struct bench *few, struct bench *all, struct inputs *in, bool check)
{
	double best[ROWS] = {0};

	if (load_few(few, all))
		return 2;
	bench_start(few);
	bench_start(all);
	printf("%u rules, engine built in %.1f ms\n", all->rules.loaded, all->build_ms);
	if (measure(in, few, all, best))
		return 2;
	printf("%llu events, %llu hits\n", (unsigned long long)in->events,
	       (unsigned long long)all->matches);
	print_table(best, few, all);
	if (check) {
		pass_events(all, in, both_ways);
		printf("%llu differences\n", (unsigned long long)all->differences);
	}
	return all->differences != 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"rules", required_argument, NULL, 'r'},
						{"no-check", no_argument, NULL, 'n'},
						{"profile", no_argument, NULL, 'p'},
						{"passes", required_argument, NULL, 'N'},
						{0}};
	struct bench few, all;
	bool check = true, profiled = false;
	int c, status = 0, passes = 5;

	bench_init(&few);
	bench_init(&all);
	while (!status && (c = getopt_long(argc, argv, "r:npN:", options, NULL)) != -1) {
		if (c == 'n')
			check = false;
		else if (c == 'p')
			profiled = true;
		else if (c == 'N')
			passes = atoi(optarg);
		else if (c != 'r' || load(&all, optarg))
			status = 2;
	}
	struct inputs in = {(const char *const *)argv + optind, (uint32_t)(argc - optind), 0,
			    passes};

	if (!status && (!in.count || !all.rules.loaded)) {
		fputs("usage: match_cost [--no-check | --profile] [--passes N] --rules PATH... "
		      "FILE...\n",
		      stderr);
		status = 2;
	}
	if (!status)
		status = profiled ? profile(&all, &in) : run(&few, &all, &in, check);
	bench_free(&few);
	bench_free(&all);
	return status;
}
