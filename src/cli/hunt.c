/* SPDX-License-Identifier: Apache-2.0 */
/* `lintel hunt`: stored events → rules → alerts; the same engine as in watch. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/progress_internal.h"
#include "cli/setup.h"
#include "engine/alert.h"
#include "engine/engine.h"
#include "event/json.h"
#include "sink/sink.h"
#include "source/ndjson.h"

struct options {
	struct rule_options rules;
	enum sink_format format;
	const char *output; /* NULL: stdout */
	bool help;
};

struct hunt {
	struct field_set *fields;
	struct rule_set rules;
	struct engine *engine;
	struct engine_scratch *scratch;
	struct detector *detector;
	/* Every event is read for what rules look at; only those of an alert are read again, by its
	 * maker, for all that it shows. */
	struct event_reader *reader;
	struct alert_maker *maker;
	struct event event;
	struct ndjson_source *source;
	struct sink *sink;
	struct progress progress;
	uint64_t arrived;       /* events so far */
	int64_t stream_time_ns; /* the latest of them; INT64_MIN before the first with a time */
	uint64_t alert_count;
	bool reader_gone; /* of our output */
};

static const struct option long_options[] = {
    {"rules", required_argument, NULL, 'r'},  {"no-default-rules", no_argument, NULL, 'n'},
    {"format", required_argument, NULL, 'f'}, {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},         {0},
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* The first signal ends the hunt with its summary, a second one ends it at once. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int read_flags(struct options *o, int argc, char **argv)
{
	const struct verb *verb = &verb_hunt;
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "f:o:h", long_options, NULL)) != -1)
		switch (c) {
		case 'r':
			rule_options_add(&o->rules, optarg);
			break;
		case 'n':
			o->rules.no_default_rules = true;
			break;
		case 'f':
			if (strcmp(optarg, "terminal") != 0 && strcmp(optarg, "ndjson") != 0)
				return cli_usage_error(
				    verb, "--format is terminal or ndjson, not '%s'", optarg);
			o->format = strcmp(optarg, "ndjson") == 0 ? SINK_NDJSON : SINK_TERMINAL;
			break;
		case 'o':
			o->output = optarg;
			break;
		case 'h':
			o->help = true;
			break;
		default:
			return cli_usage_error(verb,
					       "option '%s' is not known or lacks its argument",
					       argv[optind - 1]);
		}
	return EXIT_OK;
}

static void on_finding(void *context, const struct finding *finding)
{
	struct hunt *h = context;
	struct alert alert;

	if (h->reader_gone || alert_make(h->maker, finding, &alert))
		return;
	progress_clear(&h->progress);
	/* Other failures are said and counted by the sink, and the next alert may go through. */
	if (sink_write(h->sink, &alert) == -EPIPE)
		h->reader_gone = true;
	h->alert_count++;
}

/* Rules demand what they look at, then the engine what alerts show: each reader comes after what it
 * is for, the events when no field can be added any more. */
static int open_all(struct hunt *h, const struct options *o, const char *const *inputs,
		    uint32_t count)
{
	int err = load_rules(&o->rules, &h->rules, h->fields);

	if (err)
		return err;
	field_set_demand(h->fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(h->fields, field_known_name(FIELD_EVENT_SEQUENCE));
	h->reader = event_reader_new(h->fields, NULL);
	h->engine = engine_new(&h->rules, h->fields);
	h->scratch = engine_scratch_new(h->engine);
	h->detector =
	    detector_new(&h->rules, h->fields,
			 &(struct detector_options){.tolerance_ns = DETECTOR_TOLERANCE_DEFAULT_NS,
						    .bytes_max = DETECTOR_BYTES_DEFAULT,
						    .found = on_finding,
						    .context = h});
	h->maker = alert_maker_new(h->fields);
	event_init(&h->event, h->fields);
	err = ndjson_open(&h->source, inputs, count);
	if (err)
		return err;
	ndjson_stop_on(h->source, &stop);
	err = sink_open(&h->sink, o->format, o->output, -1);
	if (err) {
		log_error("--output %s: %s", o->output ? o->output : "-", strerror(-err));
		return err;
	}
	ndjson_leave_out(h->source, sink_fd(h->sink));
	return 0;
}

static void close_all(struct hunt *h)
{
	sink_close(h->sink);
	ndjson_close(h->source);
	if (h->event.values)
		event_free(&h->event);
	event_reader_free(h->reader);
	alert_maker_free(h->maker);
	detector_free(h->detector);
	engine_scratch_free(h->scratch);
	engine_free(h->engine);
	rule_set_free(&h->rules);
	field_set_free(h->fields);
}

static void note_time(struct hunt *h)
{
	if (h->stream_time_ns == INT64_MIN && h->event.time_ns != INT64_MIN)
		detector_start(h->detector, h->event.time_ns);
	if (h->event.time_ns > h->stream_time_ns)
		h->stream_time_ns = h->event.time_ns;
}

static void on_event(struct hunt *h)
{
	const struct engine_hit *hits;
	uint32_t n = engine_match(h->engine, &h->event, h->scratch, &hits);

	h->arrived++;
	note_time(h);
	if (n) {
		struct kept_event *kept =
		    detector_keep(h->detector, &h->event, h->arrived, h->event.document);

		detector_take(h->detector, kept, hits, n, h->stream_time_ns);
	}
	progress_update(&h->progress, ndjson_stats(h->source), h->alert_count);
}

static void summary(struct hunt *h)
{
	const struct ndjson_stats *stats = ndjson_stats(h->source);
	double seconds = progress_seconds(&h->progress);
	char events[PROGRESS_NUMBER_MAX], rate[PROGRESS_NUMBER_MAX];
	struct buf losses = {0};

	progress_clear(&h->progress);
	uint64_t left_out = say_left_out(h->detector);
	uint32_t causes = write_losses(&losses);

	log_info("%s%s events from %" PRIu64 " file%s (%.1f MB) in %.2f s, %s events/s: %" PRIu64
		 " matches, %" PRIu64 " alerts, %s",
		 stop ? "stopped after " : "", progress_number(stats->events, events), stats->files,
		 stats->files == 1 ? "" : "s", (double)stats->bytes_done / 1e6, seconds,
		 progress_number((uint64_t)((double)stats->events / seconds), rate),
		 h->alert_count + left_out, h->alert_count,
		 causes ? "lost or incomplete:" : "nothing lost");
	int err = buf_write_fd(&losses, STDERR_FILENO);

	if (err)
		log_debug("summary: %s", strerror(-err));
	buf_free(&losses);
}

static void read_all(struct hunt *h)
{
	int more;

	while (!h->reader_gone && (more = ndjson_next_event(h->source, h->reader, &h->event)) != 0)
		/* An error is said and counted already; the other inputs are still read. */
		if (more > 0)
			on_event(h);
	detector_finish(h->detector);
}

static int hunt(const struct options *o, const char *const *inputs, uint32_t count)
{
	struct hunt h = {.fields = field_set_new(), .stream_time_ns = INT64_MIN};
	int status = EXIT_FAILED;

	rule_set_init(&h.rules);
	if (open_all(&h, o, inputs, count) == 0) {
		status = EXIT_OK;
		catch_signals();
		h.progress = progress_start();
		read_all(&h);
		summary(&h);
		if (counter_get(COUNTER_OUTPUT_FAILED) || counter_get(COUNTER_INPUT_UNREADABLE))
			status = EXIT_FAILED;
	}
	close_all(&h);
	return status;
}

static int run(int argc, char **argv)
{
	struct options o = {.format = SINK_TERMINAL};
	int status = read_flags(&o, argc, argv);

	if (status == EXIT_OK && o.help)
		status = cli_help(&verb_hunt);
	else if (status == EXIT_OK && optind == argc)
		status = cli_usage_error(&verb_hunt, "no input; give files, directories or -");
	else if (status == EXIT_OK)
		status = hunt(&o, (const char *const *)argv + optind, (uint32_t)(argc - optind));
	rule_options_free(&o.rules);
	return status;
}

const struct verb verb_hunt = {
    .name = "hunt",
    .summary = "Run rules over events in files and raise alerts",
    .usage = "lintel hunt [options] INPUT...",
    .help =
	"Runs the shipped rules and those given over every event and prints an alert for each\n"
	"match: the engine is that of `lintel watch`. INPUT is NDJSON: files, directories\n"
	"(*.ndjson, *.jsonl, *.json, *.log, also .gz and .zst) or - for standard input; gzip and\n"
	"zstd are recognised by content. Field names may be nested, dotted or both; Elasticsearch\n"
	"search hits are read from their _source. Lines that are not JSON are reported with file\n"
	"and line, counted and skipped. max_signals of a rule caps its alerts per interval of the\n"
	"events' own time. Progress is shown on a terminal, a summary at the end on stderr.\n"
	"\n"
	"  --rules PATH          rule file, or directory of rule files; may be repeated\n"
	"  --no-default-rules    leave the shipped rules out\n"
	"  -f, --format FORMAT   terminal (default) or ndjson\n"
	"  -o, --output FILE     append alerts to FILE instead of printing them\n"
	"  -h, --help            this text\n"
	"\n"
	"Examples:\n"
	"  lintel hunt events.ndjson\n"
	"  lintel hunt --rules detection-rules/rules/linux --format ndjson logs/ | jq .rule.name\n"
	"  zstdcat day.ndjson.zst | lintel hunt --no-default-rules --rules my.toml -\n"
	"\n"
	"Exit status: 0 done, whether or not anything matched; 1 an input could not be read to "
	"its\n"
	"end, an alert not written, or no rule can run; 2 wrong usage.\n",
    .run = run,
};
