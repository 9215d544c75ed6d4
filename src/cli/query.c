/* SPDX-License-Identifier: Apache-2.0 */
/* `lintel query`: one EQL query over stored events. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/query_results_internal.h"
#include "cli/setup.h"
#include "eql/query.h"
#include "event/json.h"
#include "source/ndjson.h"

/* Elasticsearch's own bound of `size` is 10,000 (index.max_result_window); ours is what a head pipe
 * may ask for. */
#define SIZE_MAX_OPTION INT32_MAX
/* Of --state-memory by default, the text of --help has it too. */
#define STATE_MEGABYTES (EQL_RUN_BYTES_DEFAULT >> 20)

struct options {
	struct eql_options eql;
	struct event_reader_options reader;
	uint64_t size;
	uint64_t samples_per_key;
	uint64_t state_megabytes;
	bool check;
	bool count;
	bool functions;
	bool help;
};

static const struct option long_options[] = {
    {"category-field", required_argument, NULL, 'c'},
    {"timestamp-field", required_argument, NULL, 't'},
    {"tiebreaker-field", required_argument, NULL, 'b'},
    {"size", required_argument, NULL, 's'},
    {"max-samples-per-key", required_argument, NULL, 'm'},
    {"dialect", required_argument, NULL, 'd'},
    {"state-memory", required_argument, NULL, 'M'},
    {"check", no_argument, NULL, 'k'},
    {"count", no_argument, NULL, 'n'},
    {"format", required_argument, NULL, 'f'},
    {"functions", no_argument, NULL, 'F'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int set_dialect(struct options *o, const char *name)
{
	if (strcmp(name, "elasticsearch") == 0)
		o->eql.dialect = EQL_DIALECT_ELASTICSEARCH;
	else if (strcmp(name, "endpoint") == 0)
		o->eql.dialect = EQL_DIALECT_ENDPOINT;
	else
		return cli_usage_error(&verb_query,
				       "--dialect is elasticsearch or endpoint, not '%s'", name);
	return EXIT_OK;
}

static int set_option(struct options *o, int c, char **argv)
{
	const struct verb *verb = &verb_query;
	bool good = true;

	switch (c) {
	case 'c':
		o->eql.category_field = str_from(optarg);
		break;
	case 't':
		o->reader.timestamp_field = str_from(optarg);
		break;
	case 'b':
		o->reader.tiebreaker_field = str_from(optarg);
		break;
	case 's':
		good = cli_number(verb, "--size", optarg, 0, SIZE_MAX_OPTION, &o->size);
		break;
	case 'm':
		good = cli_number(verb, "--max-samples-per-key", optarg, 1, SIZE_MAX_OPTION,
				  &o->samples_per_key);
		break;
	case 'd':
		return set_dialect(o, optarg);
	case 'M':
		good = cli_number(verb, "--state-memory", optarg, STATE_MEGABYTES_MIN,
				  STATE_MEGABYTES_MAX, &o->state_megabytes);
		break;
	case 'k':
		o->check = true;
		break;
	case 'n':
		o->count = true;
		break;
	case 'f':
		if (strcmp(optarg, "ndjson") != 0)
			return cli_usage_error(verb, "--format is ndjson, not '%s'", optarg);
		break;
	case 'F':
		o->functions = true;
		break;
	case 'h':
		o->help = true;
		break;
	default:
		return cli_usage_error(verb, "option '%s' is not known or lacks its argument",
				       argv[optind - 1]);
	}
	return good ? EXIT_OK : EXIT_USAGE;
}

static int read_flags(struct options *o, int argc, char **argv)
{
	int c, status = EXIT_OK;

	optind = 0;
	opterr = 0;
	while (status == EXIT_OK && (c = getopt_long(argc, argv, "f:h", long_options, NULL)) != -1)
		status = set_option(o, c, argv);
	return status;
}

static int list_functions(void)
{
	uint32_t count;
	const struct eql_function_help *functions = eql_functions(&count);

	for (uint32_t i = 0; i < count; i++)
		printf("%-44s %s\n", functions[i].signature, functions[i].text);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* With `fields` NULL the query is checked only. */
static int compile(const struct options *o, struct arena *arena, struct field_set *fields,
		   const char *text, struct eql_query **query)
{
	struct diag_list diags;

	diag_list_init(&diags);
	int err = eql_compile(arena, fields, str_from(text), &o->eql, &diags, query);

	diag_list_print(&diags, STDERR_FILENO);
	diag_list_free(&diags);
	return err ? EXIT_USAGE : EXIT_OK;
}

static int check(const struct options *o, const char *text)
{
	struct arena arena;

	arena_init(&arena);
	int status = compile(o, &arena, NULL, text, NULL);

	arena_free(&arena);
	return status;
}

/* A failed write ends the query; a reader that has seen enough is no failure worth words. */
static int write_failed(int err)
{
	if (err != -EPIPE)
		log_error("cannot write to standard output: %s", strerror(-err));
	return EXIT_FAILED;
}

/* Lines of a pipe may be minutes apart, and whoever reads a terminal waits for each. */
static bool somebody_waits(const struct ndjson_source *source)
{
	return ndjson_stats(source)->bytes_total == 0 || isatty(STDOUT_FILENO);
}

static int run_over(struct ndjson_source *source, struct event_reader *reader, struct event *event,
		    struct query_results *results)
{
	bool flush = somebody_waits(source);
	int more, err = 0;

	while (!err && !query_results_full(results) &&
	       (more = ndjson_next_event(source, reader, event)) != 0) {
		/* An error is said and counted already; the other inputs are still read. */
		if (more > 0)
			err = query_results_take(results, event, ndjson_line(source));
		if (!err && flush)
			err = query_results_flush(results);
	}
	if (!err)
		err = query_results_finish(results);
	if (err)
		return write_failed(err);
	return counter_get(COUNTER_INPUT_UNREADABLE) ? EXIT_FAILED : EXIT_OK;
}

static void say_losses(void)
{
	struct buf losses = {0};

	if (write_losses(&losses)) {
		log_warning("not everything could be read or evaluated:");
		int err = buf_write_fd(&losses, STDERR_FILENO);

		(void)err; /* stderr is closed: nowhere to say so */
	}
	buf_free(&losses);
}

static int query_source(const struct options *o, const struct field_set *fields,
			const struct eql_query *query, struct ndjson_source *source)
{
	struct str tiebreaker = o->reader.tiebreaker_field;
	struct event_reader *reader = event_reader_new(fields, &o->reader);
	struct eql_run_options options = {
	    .size = o->size,
	    .samples_per_key = (uint32_t)o->samples_per_key,
	    .tiebreaker_field = tiebreaker.len ? field_set_find(fields, tiebreaker) : -ENOENT,
	    .bytes_max = (size_t)o->state_megabytes << 20,
	};
	struct query_results *results = query_results_new(query, &options, o->count);
	struct event event;

	ndjson_leave_out(source, STDOUT_FILENO);
	event_init(&event, fields);
	int status = run_over(source, reader, &event, results);

	say_losses();
	event_free(&event);
	query_results_free(results);
	event_reader_free(reader);
	return status;
}

static int query(const struct options *o, const char *text, const char *const *inputs,
		 uint32_t count)
{
	struct field_set *fields = field_set_new();
	struct ndjson_source *source = NULL;
	struct eql_query *compiled;
	struct arena arena;

	arena_init(&arena);
	int status = compile(o, &arena, fields, text, &compiled);

	if (status == EXIT_OK) {
		struct str timestamp = o->reader.timestamp_field;

		field_set_demand(fields,
				 timestamp.len ? timestamp : field_known_name(FIELD_TIMESTAMP));
		if (o->reader.tiebreaker_field.len)
			field_set_demand(fields, o->reader.tiebreaker_field);
		if (ndjson_open(&source, inputs, count))
			status = EXIT_FAILED;
		else
			status = query_source(o, fields, compiled, source);
	}
	ndjson_close(source);
	field_set_free(fields);
	arena_free(&arena);
	return status;
}

static int run(int argc, char **argv)
{
	static const char *const standard_input[] = {"-"};
	struct options o = {
	    .size = EQL_RUN_NO_SIZE,
	    .samples_per_key = 1,
	    .state_megabytes = STATE_MEGABYTES,
	};
	int status = read_flags(&o, argc, argv);

	if (status != EXIT_OK)
		return status;
	if (o.help)
		return cli_help(&verb_query);
	if (o.functions)
		return list_functions();
	if (optind == argc)
		return cli_usage_error(&verb_query, "the query is missing");
	const char *text = argv[optind++];

	if (o.check && optind < argc)
		return cli_usage_error(&verb_query, "--check reads no input, found '%s'",
				       argv[optind]);
	if (o.check)
		return check(&o, text);
	if (optind < argc)
		return query(&o, text, (const char *const *)argv + optind,
			     (uint32_t)(argc - optind));
	if (isatty(STDIN_FILENO))
		return cli_usage_error(&verb_query, "no input; give files, directories or -");
	return query(&o, text, standard_input, 1);
}

const struct verb verb_query = {
    .name = "query",
    .summary = "Find events in files by one EQL query",
    .usage = "lintel query [options] 'EQL' [INPUT...]",
    .help =
	"Prints every event that matches, as its line stands in the input; of a sequence or "
	"sample\n"
	"one line, {\"join_keys\": [...], \"events\": [...]}, with null for an event that must "
	"be\n"
	"missing. INPUT is NDJSON, or a log of auditd or laurel, whose events are printed as they\n"
	"come of it: files, directories (*.ndjson, *.jsonl, *.json, *.log, also .gz and .zst) or\n"
	"- for standard input, which is read when there is none; format, gzip and zstd are\n"
	"recognised by content. Field names may be nested, dotted or both; Elasticsearch search\n"
	"hits are read from their _source. Lines that are not JSON are reported with file and "
	"line,\n"
	"counted and skipped.\n"
	"\n"
	"Single events come in the order of the input, as they are found, unless there are pipes "
	"or\n"
	"--size. With either, and for sequences, events are ordered by (timestamp, tiebreaker,\n"
	"arrival) as Elasticsearch orders them and results printed at the end: --size N keeps the\n"
	"latest N, or the first N when the query's first pipe is head; then the pipes apply. N\n"
	"results are kept in memory at most. Of events with the same timestamp and tiebreaker "
	"none\n"
	"is before the other, so no sequence goes from one to the other. Samples come in order of\n"
	"their keys; --size keeps the first.\n"
	"\n"
	"  --size N                  at most N results (default: all)\n"
	"  --category-field FIELD    what `process where` is compared with (event.category)\n"
	"  --timestamp-field FIELD   time of an event: ISO 8601 or milliseconds (@timestamp)\n"
	"  --tiebreaker-field FIELD  order of events of the same time (none; then single events "
	"are\n"
	"                            in order of arrival)\n"
	"  --max-samples-per-key N   at most N samples with the same keys (1)\n"
	"  --dialect NAME            elasticsearch or endpoint, which has `as event0` and\n"
	"                            `descendant of` (elasticsearch)\n"
	"  --state-memory MB         what sequences, samples and results may take (1024)\n"
	"  --count                   print the number of results instead\n"
	"  --check                   only check the query; reads no input\n"
	"  --functions               list the functions of the language\n"
	"  -f, --format ndjson       the only format\n"
	"  -h, --help                this text\n"
	"\n"
	"Examples:\n"
	"  lintel query 'process where process.name == \"curl\"' events.ndjson\n"
	"  lintel query 'file where file.path : \"/etc/ld.so*\" | tail 5' /var/log/events/\n"
	"  zcat a.gz | lintel query --count 'any where true' -\n"
	"  lintel query 'sequence by host.id with maxspan=1m [file where true] [process where "
	"true]' a.ndjson\n"
	"  lintel query --check 'process where process.args : (\"-c\", \"-e\")'\n"
	"\n"
	"Exit status: 0 done, whether or not anything matched; 1 an input could not be read to "
	"its\n"
	"end or output not written; 2 wrong usage, or the query is rejected.\n",
    .run = run,
};
