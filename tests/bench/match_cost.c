/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What matching costs, apart from everything else: events of the inputs are read, and matched by
 * the engine and by one rule after the other. Reading is measured first and subtracted.
 *
 *	match_cost RULES FILE...	RULES: a rule file or a directory
 *
 * Says also if engine and single rules disagree anywhere, and then exits with 1.
 */
#include <stdio.h>
#include <time.h>

#include "engine/engine.h"
#include "source/ndjson.h"

struct bench {
	struct rule_set rules;
	struct field_set *fields;
	struct engine *engine;
	struct engine_scratch *scratch;
	struct eql_scratch *eql;
	const char *const *inputs;
	uint32_t input_count;
	uint64_t events, matches, differences;
};

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool matches_alone(const struct bench *b, const struct rule *rule, const struct event *event)
{
	struct eql_filter exception;

	if (rule->state != RULE_LOADED || !rule->enabled || !eql_match(rule->query, event, b->eql))
		return false;
	exception = rule->query->filters[0];
	for (uint32_t i = 0; i < rule->exception_count; i++) {
		exception.cond = rule->exceptions[i].cond;
		if (exception.cond && eql_filter_match(&exception, event, b->eql))
			return false;
	}
	return true;
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

static void one_by_one(struct bench *b, const struct event *event)
{
	for (uint32_t i = 0; i < b->rules.count; i++)
		b->matches += matches_alone(b, b->rules.rules[i], event);
}

static void both(struct bench *b, const struct event *event)
{
	const struct engine_hit *hits;
	uint32_t n = engine_match(b->engine, event, b->scratch, &hits), at = 0;

	for (uint32_t i = 0; i < b->rules.count; i++) {
		bool engine_says = at < n && hits[at].rule == b->rules.rules[i];

		at += engine_says;
		b->differences += engine_says != matches_alone(b, b->rules.rules[i], event);
	}
}

/* All events once; nanoseconds per event, or negative when the input cannot be read. */
static double run(struct bench *b, void (*each)(struct bench *b, const struct event *event))
{
	struct event_reader *reader;
	struct ndjson_source *source;
	struct event event;
	int more;

	if (ndjson_open(&source, b->inputs, b->input_count))
		return -1;
	reader = event_reader_new(b->fields, NULL);
	event_init(&event, b->fields);
	b->events = b->matches = 0;
	double begin = cpu_ns();

	while ((more = ndjson_next_event(source, reader, &event)) > 0) {
		b->events++;
		each(b, &event);
	}
	double ns = (cpu_ns() - begin) / (double)(b->events ? b->events : 1);

	event_free(&event);
	event_reader_free(reader);
	ndjson_close(source);
	return more < 0 ? -1 : ns;
}

static double best_of_five(struct bench *b, void (*each)(struct bench *, const struct event *))
{
	double best = run(b, each);

	for (int i = 0; i < 4; i++) {
		double ns = run(b, each);

		if (ns < best)
			best = ns;
	}
	return best;
}

int main(int argc, char **argv)
{
	struct bench b = {.fields = field_set_new()};
	struct diag_list diags;

	if (argc < 3) {
		fputs("usage: match_cost RULES FILE...\n", stderr);
		return 2;
	}
	diag_list_init(&diags);
	rule_set_init(&b.rules);
	if (rule_set_load(&b.rules, b.fields, argv[1], &diags) != 0) {
		diag_list_print(&diags, 2);
		return 2;
	}
	double begin = cpu_ns();

	b.engine = engine_new(&b.rules, b.fields);
	printf("%u rules, engine built in %.1f ms\n", b.rules.loaded, (cpu_ns() - begin) / 1e6);
	b.scratch = engine_scratch_new(b.engine);
	b.eql = eql_scratch_new();
	b.inputs = (const char *const *)argv + 2;
	b.input_count = (uint32_t)argc - 2;

	double reading = best_of_five(&b, nothing), matching = best_of_five(&b, together);

	printf("%llu events: reading %.0f ns each, matching %.0f, %llu matches\n",
	       (unsigned long long)b.events, reading, matching - reading,
	       (unsigned long long)b.matches);
	printf("one rule after the other: %.0f ns\n", run(&b, one_by_one) - reading);
	run(&b, both);
	printf("%llu differences\n", (unsigned long long)b.differences);
	eql_scratch_free(b.eql);
	engine_scratch_free(b.scratch);
	engine_free(b.engine);
	rule_set_free(&b.rules);
	field_set_free(b.fields);
	diag_list_free(&diags);
	return b.differences != 0;
}
