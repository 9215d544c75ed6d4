/* SPDX-License-Identifier: Apache-2.0 */
/* The public interface of liblintel-eql: batch and stream, memory, threads. That it can be installed
 * and compiled against is tests/cli/library_test.py's. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/lintel-eql.h"

/* Numbers of the events of all results, "0 3\n" each; "-" for a missing one. */
struct seen {
	char text[4096];
	size_t len;
	unsigned results;
};

static void see(void *context, const lintel_eql_result *result)
{
	struct seen *seen = context;

	seen->results++;
	for (size_t i = 0; i < lintel_eql_result_event_count(result); i++) {
		uint64_t number = lintel_eql_result_event_number(result, i);
		char text[24] = "-";

		if (number != UINT64_MAX)
			snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
		seen->len +=
		    (size_t)snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len, "%s%s",
				     i ? " " : "", text);
	}
	assert_true(seen->len + 2 < sizeof(seen->text));
	memcpy(seen->text + seen->len++, "\n", 2);
}

static lintel_eql_query *compiled(const char *text)
{
	lintel_eql_error *error = NULL;
	lintel_eql_query *query = lintel_eql_compile(text, strlen(text), NULL, &error);

	if (!query)
		fail_msg("%s", lintel_eql_error_text(error));
	return query;
}

static lintel_eql_run *begun(const lintel_eql_query *query, lintel_eql_mode mode, struct seen *seen)
{
	lintel_eql_run_options options = LINTEL_EQL_RUN_OPTIONS_INIT;

	*seen = (struct seen){0};
	options.mode = mode;
	options.found = see;
	options.context = seen;
	lintel_eql_run *run = lintel_eql_run_new(query, &options);

	assert_non_null(run);
	return run;
}

static void add(lintel_eql_run *run, const char *category, int ms)
{
	char json[128];
	int n = snprintf(json, sizeof(json),
			 "{\"@timestamp\":%d,\"event.category\":\"%s\",\"k\":1}", ms, category);

	assert_int_equal(lintel_eql_run_add_json(run, json, (size_t)n, NULL), 0);
}

static uint64_t losses(void)
{
	uint64_t all = 0, count;

	for (size_t i = 0; lintel_eql_loss(i, &count); i++)
		all += count;
	return all;
}

static void end(lintel_eql_run *run, lintel_eql_query *query)
{
	lintel_eql_run_finish(run);
	lintel_eql_run_free(run);
	lintel_eql_query_free(query);
}

static void a_batch_sorts_what_it_gets(void **state)
{
	lintel_eql_query *query = compiled("sequence by k [a where true] [b where true]");
	struct seen seen;
	lintel_eql_run *run = begun(query, LINTEL_EQL_BATCH, &seen);

	(void)state;
	add(run, "b", 90000000);
	add(run, "b", 2000);
	add(run, "a", 80000000);
	add(run, "a", 1000);
	assert_int_equal(seen.results, 0);
	end(run, query);
	assert_string_equal(seen.text, "3 1\n2 0\n");
}

static void a_batch_has_a_size(void **state)
{
	lintel_eql_query *query = compiled("any where true | head 3 | tail 1");
	lintel_eql_run_options options = LINTEL_EQL_RUN_OPTIONS_INIT;
	struct seen seen = {0};

	(void)state;
	options.found = see;
	options.context = &seen;
	options.size = 2;
	lintel_eql_run *run = lintel_eql_run_new(query, &options);

	for (int i = 0; i < 5; i++)
		add(run, "a", i);
	end(run, query);
	assert_string_equal(seen.text, "1\n");
}

static void a_stream_finds_before_its_end(void **state)
{
	lintel_eql_query *query = compiled("sequence by k [a where true] [b where true]");
	struct seen seen;
	lintel_eql_run *run = begun(query, LINTEL_EQL_STREAM, &seen);

	(void)state;
	add(run, "a", 1000);
	add(run, "b", 2000);
	/* Two seconds are the tolerance: something may still come between. */
	add(run, "c", 4000);
	assert_int_equal(seen.results, 0);
	add(run, "c", 4001);
	assert_string_equal(seen.text, "0 1\n");
	end(run, query);
	assert_int_equal(seen.results, 1);
}

static void a_stream_puts_in_order_what_is_not_too_late(void **state)
{
	lintel_eql_query *query = compiled("sequence by k [a where true] [b where true]");
	struct seen seen;
	lintel_eql_run *run = begun(query, LINTEL_EQL_STREAM, &seen);
	uint64_t before = losses();

	(void)state;
	add(run, "b", 10000);
	add(run, "a", 8000);
	add(run, "b", 20000);
	assert_string_equal(seen.text, "1 0\n");
	assert_true(losses() == before);
	/* This one is, when 20 s were reached: it joins what is yet to come, not the event at 10 s. */
	add(run, "a", 9000);
	assert_true(losses() == before + 1);
	end(run, query);
	assert_string_equal(seen.text, "1 0\n3 2\n");
}

static void a_stream_waits_for_what_must_be_missing(void **state)
{
	lintel_eql_query *query =
	    compiled("sequence by k with maxspan=5s [a where true] ![b where true]");
	struct seen seen;
	lintel_eql_run *run = begun(query, LINTEL_EQL_STREAM, &seen);

	(void)state;
	add(run, "a", 0);
	add(run, "c", 6000);
	assert_int_equal(seen.results, 0);
	add(run, "c", 8000);
	assert_string_equal(seen.text, "0 -\n");
	add(run, "a", 10000);
	add(run, "b", 11000);
	add(run, "c", 90000);
	end(run, query);
	assert_int_equal(seen.results, 1);
}

static void ties_are_broken_when_asked_for(void **state)
{
	lintel_eql_query *query = compiled("sequence [a where true] [b where true]");
	lintel_eql_run_options options = LINTEL_EQL_RUN_OPTIONS_INIT;

	(void)state;
	for (int breaks = 0; breaks < 2; breaks++) {
		struct seen seen = {0};

		options.mode = LINTEL_EQL_STREAM;
		options.found = see;
		options.context = &seen;
		options.arrival_breaks_ties = breaks;
		lintel_eql_run *run = lintel_eql_run_new(query, &options);

		add(run, "a", 7);
		add(run, "b", 7);
		lintel_eql_run_finish(run);
		lintel_eql_run_free(run);
		assert_int_equal(seen.results, breaks);
	}
	lintel_eql_query_free(query);
}

/* The bound holds whatever comes, and what it costs is counted. */
static void memory_is_bounded(void **state)
{
	lintel_eql_query *query = compiled("sequence by n [a where true] [b where true]");
	lintel_eql_run_options options = LINTEL_EQL_RUN_OPTIONS_INIT;
	struct seen seen = {0};
	uint64_t before = losses();
	char json[128];

	(void)state;
	options.mode = LINTEL_EQL_STREAM;
	options.found = see;
	options.context = &seen;
	options.memory_max = 20000;
	lintel_eql_run *run = lintel_eql_run_new(query, &options);

	for (int i = 0; i < 2000; i++) {
		int n = snprintf(json, sizeof(json),
				 "{\"@timestamp\":%d,\"event.category\":\"a\",\"n\":%d}", i, i);

		assert_int_equal(lintel_eql_run_add_json(run, json, (size_t)n, NULL), 0);
	}
	const char *first = "{\"@timestamp\":2000,\"event.category\":\"b\",\"n\":0}";
	const char *last = "{\"@timestamp\":2000,\"event.category\":\"b\",\"n\":1999}";

	assert_int_equal(lintel_eql_run_add_json(run, first, strlen(first), NULL), 0);
	assert_int_equal(lintel_eql_run_add_json(run, last, strlen(last), NULL), 0);
	end(run, query);
	assert_string_equal(seen.text, "1999 2001\n");
	assert_true(losses() > before);
}

static void *match_often(void *query)
{
	static const char json[] = "{\"event.category\":\"a\",\"k\":[\"x\",\"yes\"]}";
	lintel_eql_event *event = lintel_eql_event_new(query);
	uintptr_t matches = 0;

	for (int i = 0; i < 2000; i++)
		if (!lintel_eql_event_read_json(event, json, sizeof(json) - 1, NULL))
			matches += lintel_eql_event_match(event) == 1;
	lintel_eql_event_free(event);
	return (void *)matches;
}

static void a_query_is_for_all_threads(void **state)
{
	lintel_eql_query *query = compiled("a where k : \"Y*\" and k regex \"[xy].*s?\"");
	pthread_t threads[4];
	void *matches;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, match_often, query), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &matches);
		assert_int_equal((uintptr_t)matches, 2000);
	}
	lintel_eql_query_free(query);
}

static void bad_input_is_an_error(void **state)
{
	static const char *const texts[] = {"", "\xff", "any where", "process where a = 1", "join"};
	lintel_eql_query *query = compiled("any where true");
	lintel_eql_event *event = lintel_eql_event_new(query);
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		lintel_eql_error *error = NULL;

		assert_null(lintel_eql_compile(texts[i], strlen(texts[i]), NULL, &error));
		assert_true(lintel_eql_error_count(error) > 0);
		assert_non_null(strstr(lintel_eql_error_text(error), "error: "));
		lintel_eql_error_free(error);
	}
	assert_int_equal(lintel_eql_event_read_json(event, "", 0, &why), -EINVAL);
	assert_non_null(why);
	assert_int_equal(lintel_eql_event_read_json(event, "{", SIZE_MAX / 2, &why), -E2BIG);
	assert_non_null(why);
	assert_int_equal(lintel_eql_event_add_string(event, "@timestamp", "x", SIZE_MAX / 2),
			 -E2BIG);
	for (int i = 0; i < 8192; i++)
		assert_int_equal(lintel_eql_event_add_int(event, "@timestamp", i), 0);
	assert_int_equal(lintel_eql_event_add_int(event, "@timestamp", 1), -E2BIG);
	lintel_eql_event_free(event);
	lintel_eql_query_free(query);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_batch_sorts_what_it_gets),
	    cmocka_unit_test(a_batch_has_a_size),
	    cmocka_unit_test(a_stream_finds_before_its_end),
	    cmocka_unit_test(a_stream_puts_in_order_what_is_not_too_late),
	    cmocka_unit_test(a_stream_waits_for_what_must_be_missing),
	    cmocka_unit_test(ties_are_broken_when_asked_for),
	    cmocka_unit_test(memory_is_bounded),
	    cmocka_unit_test(a_query_is_for_all_threads),
	    cmocka_unit_test(bad_input_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
