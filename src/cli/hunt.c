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
#include "cli/config.h"
#include "cli/progress_internal.h"
#include "cli/setup.h"
#include "cli/state.h"
#include "engine/alert.h"
#include "engine/engine.h"
#include "event/json.h"
#include "hunt/hunt.h"
#include "sink/sink.h"

struct options {
	struct config config;    /* [rules], and of [watch] what is about detection */
	const char *config_path; /* NULL: a hunt of stored events does not depend on this host */
	struct rule_options rules;
	const char *state; /* NULL: none is kept */
	enum sink_format format;
	const char *output; /* NULL: stdout */
	uint64_t threads;   /* 0: as many as CPUs */
	enum input_format input_format;
	bool help;
};

struct run {
	struct field_set *fields;
	struct rule_set rules;
	struct engine *engine;
	struct detector *detector;
	/* Every event is read for what rules look at; only those of an alert are read again, by its
	 * maker, for all that it shows. */
	struct event_reader *reader;
	struct alert_maker *maker;
	struct hunt *hunt;
	struct sink *sink;
	struct progress progress;
	struct state *state; /* or NULL */
	bool hides_blocks;
	uint64_t alert_count, block_count;
	bool reader_gone; /* of our output */
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"rules", required_argument, NULL, 'r'},
    {"no-default-rules", no_argument, NULL, 'n'},
    {"format", required_argument, NULL, 'f'},
    {"output", required_argument, NULL, 'o'},
    {"threads", required_argument, NULL, 't'},
    {"tolerance", required_argument, NULL, 'l'},
    {"state-memory", required_argument, NULL, 'm'},
    {"state", required_argument, NULL, 's'},
    {"building-blocks", no_argument, NULL, 'b'},
    {"input-format", required_argument, NULL, 'i'},
    {"help", no_argument, NULL, 'h'},
    {0},
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

/* The configuration file is read first, so that flags win wherever --config stands among them. */
static int read_config(struct options *o, int argc, char **argv)
{
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "f:o:h", long_options, NULL)) != -1)
		if (c == 'c')
			o->config_path = optarg;
		else if (c == 'h')
			o->help = true;
	if (o->help || !o->config_path)
		return EXIT_OK;
	if (config_read(&o->config, o->config_path))
		return EXIT_USAGE;
	config_rules(&o->config, &o->rules);
	return EXIT_OK;
}

static int set_format(struct options *o, const char *format)
{
	if (strcmp(format, "terminal") != 0 && strcmp(format, "ndjson") != 0)
		return cli_usage_error(&verb_hunt, "--format is terminal or ndjson, not '%s'",
				       format);
	o->format = strcmp(format, "ndjson") == 0 ? SINK_NDJSON : SINK_TERMINAL;
	return EXIT_OK;
}

static int set_input_format(struct options *o, const char *name)
{
	int format = input_format_of(name);

	if (format < 0)
		return cli_usage_error(
		    &verb_hunt, "--input-format is auto, ndjson, audit or laurel, not '%s'", name);
	o->input_format = (enum input_format)format;
	return EXIT_OK;
}

static int set_option(struct options *o, int c, char **argv)
{
	struct detection_options *detection = &o->config.detection;
	const struct verb *verb = &verb_hunt;
	bool good = true;

	switch (c) {
	case 'c': /* read_config() */
	case 'h':
		break;
	case 'r':
		rule_options_add(&o->rules, optarg);
		break;
	case 'n':
		o->rules.no_default_rules = true;
		break;
	case 'f':
		return set_format(o, optarg);
	case 'i':
		return set_input_format(o, optarg);
	case 'o':
		o->output = optarg;
		break;
	case 't':
		good = cli_number(verb, "--threads", optarg, 1, HUNT_THREADS_MAX, &o->threads);
		break;
	case 'l':
		good = cli_seconds(verb, "--tolerance", optarg, &detection->tolerance_ns);
		break;
	case 'm':
		good = cli_number(verb, "--state-memory", optarg, STATE_MEGABYTES_MIN,
				  STATE_MEGABYTES_MAX, &detection->state_megabytes);
		break;
	case 's':
		o->state = optarg;
		break;
	case 'b':
		detection->building_blocks = true;
		break;
	default:
		return cli_usage_error(verb, "option '%s' is not known or lacks its argument",
				       argv[optind - 1]);
	}
	return good ? EXIT_OK : EXIT_USAGE;
}

static int read_flags(struct options *o, int argc, char **argv)
{
	int c, status = read_config(o, argc, argv);

	optind = 0;
	opterr = 0;
	while (status == EXIT_OK && !o->help &&
	       (c = getopt_long(argc, argv, "f:o:h", long_options, NULL)) != -1)
		status = set_option(o, c, argv);
	return status;
}

static void on_finding(void *context, const struct finding *finding)
{
	struct run *r = context;
	struct alert alert;

	if (r->reader_gone || alert_make(r->maker, finding, &alert))
		return;
	r->alert_count++;
	r->block_count += alert.rule->building_block;
	if (alert.rule->building_block && r->hides_blocks)
		return;
	progress_clear(&r->progress);
	/* Other failures are said and counted by the sink, and the next alert may go through. */
	if (sink_write(r->sink, &alert) == -EPIPE) {
		r->reader_gone = true;
		hunt_stop(r->hunt);
	}
}

/* A stream comes once, and perhaps without end: what was seen of it is seen. Files are hunted again
 * when a hunt of them did not come to its end, and must not be counted twice then. */
static bool reads_stream(const struct ndjson_stats *stats)
{
	return !stats->bytes_total;
}

static void on_progress(void *context, const struct ndjson_stats *stats)
{
	struct run *r = context;

	progress_update(&r->progress, stats, r->alert_count);
	/* What could not be saved is tried again. */
	if (r->state && reads_stream(stats) && state_save(r->state, r->detector, false))
		log_debug("state not saved");
}

/* Rules demand what they look at, then the engine what alerts show: each reader comes after what it
 * is for, the events when no field can be added any more. */
static int open_rules(struct run *r, const struct options *o)
{
	int err = load_rules(&o->rules, &r->rules, r->fields);

	if (err)
		return err;
	field_set_demand(r->fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(r->fields, field_known_name(FIELD_EVENT_SEQUENCE));
	r->reader = event_reader_new(r->fields, NULL);
	r->engine = engine_new(&r->rules, r->fields);
	r->detector = detector_new(
	    &r->rules, r->fields,
	    &(struct detector_options){.tolerance_ns = o->config.detection.tolerance_ns,
				       .bytes_max = state_bytes(&o->config.detection),
				       .found = on_finding,
				       .context = r});
	r->maker = alert_maker_new(r->fields);
	return 0;
}

static int open_all(struct run *r, const struct options *o, const char *const *inputs,
		    uint32_t count)
{
	int err = open_rules(r, o);

	if (err)
		return err;
	if (o->state) {
		err = state_open(&r->state, o->state);
		if (err)
			return err;
		state_load(r->state, r->detector, r->fields);
	}
	r->hides_blocks = o->format == SINK_TERMINAL && !o->config.detection.building_blocks;
	err = sink_open(&r->sink, o->format, o->output, -1);
	if (err) {
		log_error("--output %s: %s", o->output ? o->output : "-", strerror(-err));
		return err;
	}
	return hunt_open(&r->hunt, inputs, count,
			 &(struct hunt_options){.engine = r->engine,
						.reader = r->reader,
						.fields = r->fields,
						.detector = r->detector,
						.format = o->input_format,
						.threads = (uint32_t)o->threads,
						.goes_on = o->state != NULL,
						.results_fd = sink_fd(r->sink),
						.stop = &stop,
						.progress = on_progress,
						.context = r});
}

static void close_all(struct run *r)
{
	hunt_close(r->hunt);
	state_close(r->state);
	sink_close(r->sink);
	event_reader_free(r->reader);
	alert_maker_free(r->maker);
	detector_free(r->detector);
	engine_free(r->engine);
	rule_set_free(&r->rules);
	field_set_free(r->fields);
}

static void summary(struct run *r)
{
	const struct ndjson_stats *stats = hunt_stats(r->hunt);
	double seconds = progress_seconds(&r->progress);
	char events[PROGRESS_NUMBER_MAX], rate[PROGRESS_NUMBER_MAX];
	struct buf losses = {0}, blocks = {0};

	progress_clear(&r->progress);
	uint64_t left_out = say_left_out(r->detector);
	uint32_t causes = write_losses(&losses);

	write_blocks(r->block_count, !r->hides_blocks, &blocks);

	log_info("%s%s events from %" PRIu64 " file%s (%.1f MB) in %.2f s, %s events/s: %" PRIu64
		 " matches, %" PRIu64 " alerts%s, %s",
		 stop ? "stopped after " : "", progress_number(stats->events, events), stats->files,
		 stats->files == 1 ? "" : "s", (double)stats->bytes_done / 1e6, seconds,
		 progress_number((uint64_t)((double)stats->events / seconds), rate),
		 r->alert_count + left_out, r->alert_count, blocks.p,
		 causes ? "lost or incomplete:" : "nothing lost");
	int err = buf_write_fd(&losses, STDERR_FILENO);

	if (err)
		log_debug("summary: %s", strerror(-err));
	buf_free(&losses);
	buf_free(&blocks);
}

/* 0, or -errno of what could not be saved. */
static int save_at_end(struct run *r)
{
	/* Whoever did not get all alerts will hunt again, from the same state. */
	if (!r->state || r->reader_gone)
		return 0;
	if (!stop || reads_stream(hunt_stats(r->hunt)))
		return state_save(r->state, r->detector, true);
	log_info("the state is left as it was: not all was read");
	return 0;
}

static int hunt(const struct options *o, const char *const *inputs, uint32_t count)
{
	struct run r = {.fields = field_set_new()};
	int status = EXIT_FAILED;

	rule_set_init(&r.rules);
	catch_signals();
	if (open_all(&r, o, inputs, count) == 0) {
		status = EXIT_OK;
		r.progress = progress_start();
		hunt_run(r.hunt);
		if (save_at_end(&r))
			status = EXIT_FAILED;
		summary(&r);
		if (counter_get(COUNTER_OUTPUT_FAILED) || counter_get(COUNTER_INPUT_UNREADABLE))
			status = EXIT_FAILED;
	}
	close_all(&r);
	return status;
}

static int run(int argc, char **argv)
{
	struct options o = {.format = SINK_TERMINAL};

	config_init(&o.config);
	int status = read_flags(&o, argc, argv);

	if (status == EXIT_OK && o.help)
		status = cli_help(&verb_hunt);
	else if (status == EXIT_OK && optind == argc)
		status = cli_usage_error(&verb_hunt, "no input; give files, directories or -");
	else if (status == EXIT_OK)
		status = hunt(&o, (const char *const *)argv + optind, (uint32_t)(argc - optind));
	rule_options_free(&o.rules);
	config_free(&o.config);
	return status;
}

const struct verb verb_hunt = {
    .name = "hunt",
    .summary = "Run rules over events in files and raise alerts",
    .usage = "lintel hunt [options] INPUT...",
    .help =
	"Runs the shipped rules and those given over every event and prints an alert for each\n"
	"match: the engine is that of `lintel watch`. INPUT is NDJSON, or a log of auditd (raw or\n"
	"enriched) or laurel: files, directories (*.ndjson, *.jsonl, *.json, *.log, *.log.1, also\n"
	".gz and .zst) or - for standard input; format, gzip and zstd are recognised by content. "
	"Field names may be nested, dotted or both; Elasticsearch\n"
	"search hits are read from their _source. Lines that are not JSON are reported with file\n"
	"and line, counted and skipped. max_signals of a rule caps its alerts per interval of the\n"
	"events' own time. Progress is shown on a terminal, a summary at the end on stderr.\n"
	"Rules over several events (sequences, thresholds, new terms) take them in order of time.\n"
	"Several inputs are read in order of their events' times, also where files overlap.\n"
	"All CPUs are used; alerts and their order do not depend on how many.\n"
	"\n"
	"  --config FILE         take rules, and of [watch] tolerance, state_memory and\n"
	"                        building_blocks, from a configuration file; none is read "
	"otherwise\n"
	"  --rules PATH          rule file, or directory of rule files; may be repeated\n"
	"  --no-default-rules    leave the shipped rules out\n"
	"  --input-format FORMAT auto (default), ndjson, audit (auditd's) or laurel\n"
	"  -f, --format FORMAT   terminal (default) or ndjson\n"
	"  -o, --output FILE     append alerts to FILE instead of printing them\n"
	"  --threads N           use N threads (default: one per CPU)\n"
	"  --tolerance SECONDS   wait this long for events that come late: 2 (default), 500ms\n"
	"  --state-memory MB     what sequences, histories and the like may take (default 256)\n"
	"  --state DIR           go on from what the last run with DIR saw, and leave it there; a\n"
	"                        hunt of files that is stopped leaves DIR as it was\n"
	"  --building-blocks     show alerts of building-block rules on the terminal too\n"
	"  -h, --help            this text\n"
	"\n"
	"Examples:\n"
	"  lintel hunt events.ndjson\n"
	"  lintel hunt --rules detection-rules/rules/linux --format ndjson logs/ | jq .rule.name\n"
	"  lintel hunt /var/log/audit/\n"
	"  ausearch --raw -ts today | lintel hunt -\n"
	"  zstdcat day.ndjson.zst | lintel hunt --no-default-rules --rules my.toml -\n"
	"\n"
	"Exit status: 0 done, whether or not anything matched; 1 an input could not be read to "
	"its\n"
	"end, an alert not written, or no rule can run; 2 wrong usage.\n",
    .run = run,
};
