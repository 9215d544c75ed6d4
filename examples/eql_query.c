/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An EQL query over events on standard input, with liblintel-eql.
 *
 *	cc eql_query.c $(pkg-config --cflags --libs lintel-eql) -o eql_query
 *	./eql_query 'sequence by process.entity_id with maxspan=1m
 *	  [process where event.action == "exec"] [network where true]' < events.ndjson
 *
 * One line per result: its join keys and its events. With --stream results come as soon as they are
 * certain.
 */
#include <lintel/eql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_result(void *context, const lintel_eql_result *result)
{
	(void)context;
	printf("{\"join_keys\":%s,\"events\":[", lintel_eql_result_keys(result, NULL));
	for (size_t i = 0; i < lintel_eql_result_event_count(result); i++) {
		size_t length;
		const char *event = lintel_eql_result_event(result, i, &length);

		if (!event)
			printf("%snull", i ? "," : "");
		else
			printf("%s%.*s", i ? "," : "", (int)length, event);
	}
	puts("]}");
}

static void read_events(lintel_eql_run *run)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	for (unsigned long number = 1; (length = getline(&line, &size, stdin)) > 0; number++) {
		const char *why;

		if (lintel_eql_run_add_json(run, line, (size_t)length, &why) < 0)
			fprintf(stderr, "line %lu: %s\n", number, why);
	}
	free(line);
}

int main(int argc, char **argv)
{
	lintel_eql_run_options options = LINTEL_EQL_RUN_OPTIONS_INIT;
	int stream = argc == 3 && strcmp(argv[1], "--stream") == 0;
	lintel_eql_error *error;

	if (argc != 2 + stream) {
		fprintf(stderr, "usage: eql_query [--stream] QUERY < events.ndjson\n");
		return 2;
	}
	const char *text = argv[argc - 1];
	lintel_eql_query *query = lintel_eql_compile(text, strlen(text), NULL, &error);

	if (!query) {
		fputs(lintel_eql_error_text(error), stderr);
		lintel_eql_error_free(error);
		return 2;
	}
	options.mode = stream ? LINTEL_EQL_STREAM : LINTEL_EQL_BATCH;
	options.found = print_result;
	lintel_eql_run *run = lintel_eql_run_new(query, &options);

	if (run) {
		read_events(run);
		lintel_eql_run_finish(run);
	} else {
		fprintf(stderr, "a query with pipes has no answer before its events end\n");
	}
	int status = run ? 0 : 2;

	lintel_eql_run_free(run);
	lintel_eql_query_free(query);
	for (size_t i = 0; run && !status; i++) {
		uint64_t count;
		const char *cause = lintel_eql_loss(i, &count);

		if (!cause)
			break;
		if (count)
			fprintf(stderr, "%llu %s\n", (unsigned long long)count, cause);
	}
	return status;
}
