/* SPDX-License-Identifier: Apache-2.0 */
/* `lintel watch`: sensor or audit log → rules → alerts, until told to stop. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/notify.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/losses.h"
#include "cli/setup.h"
#include "cli/state.h"
#include "cli/watch_audit.h"
#include "engine/alert.h"
#include "engine/engine.h"
#include "event/json.h"
#include "process/host.h"
#include "process/process.h"
#include "rule/demand.h"
#include "rule/directories.h"
#include "sensor/sensor.h"
#include "sink/sink.h"

/* How long the loop sleeps without a record: the sensor's second witness and its batched records
 * are looked after at least this often. */
#define TICK_MS 50
/* Longer than a decade of seconds is a typing error. */
#define DURATION_MAX_S (UINT64_C(10) * 366 * 24 * 3600)

struct options {
	struct config config;
	struct rule_options rules;
	const char *config_path; /* NULL: the default one, if it is there */
	uint64_t duration_s;     /* 0: until a signal */
	uint64_t root_pid;       /* 0: all */
	enum sensor_layer layer;
};

struct watch {
	struct field_set *fields;
	struct rule_set rules;
	struct arena directories;
	struct engine *engine;
	struct engine_scratch *scratch;
	struct detector *detector;
	struct alert_maker *maker;
	struct host *host;
	struct process_table *processes;
	struct sensor *sensor;
	struct watch_audit *audit; /* --audit-log; then there is no sensor */
	struct sink *alerts;       /* terminal, or what --output says */
	struct sink *archive;      /* STATE/alerts.ndjson */
	struct sink *events;       /* --events; may be NULL */
	struct state *state;
	struct losses *losses;
	bool hides_blocks;
	int signal_fd;
	int epoll_fd;
	struct buf line; /* the event in hand as JSON */
	struct buf ancestors;
	int64_t stream_time_ns; /* the latest event's */
	uint64_t event_count, alert_count, block_count;
	bool is_behind; /* more of the audit log is there than was read */
};

static const struct option long_options[] = {
    {"duration", required_argument, NULL, 'd'},
    {"state", required_argument, NULL, 's'},
    {"config", required_argument, NULL, 'c'},
    {"rules", required_argument, NULL, 'r'},
    {"no-default-rules", no_argument, NULL, 'n'},
    {"events", required_argument, NULL, 'e'},
    {"root-pid", required_argument, NULL, 'p'},
    {"cgroup", required_argument, NULL, 'g'},
    {"layer", required_argument, NULL, 'y'},
    {"audit-log", required_argument, NULL, 'a'},
    {"format", required_argument, NULL, 'f'},
    {"output", required_argument, NULL, 'o'},
    {"tolerance", required_argument, NULL, 'l'},
    {"state-memory", required_argument, NULL, 'm'},
    {"building-blocks", no_argument, NULL, 'b'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* getopt's own messages name argv[0]; ours name the verb and where help is. */
static int bad_option(char **argv)
{
	return cli_usage_error(&verb_watch, "option '%s' is not known or lacks its argument",
			       argv[optind - 1]);
}

static int set_format(struct options *o, const char *format)
{
	if (strcmp(format, "terminal") != 0 && strcmp(format, "ndjson") != 0)
		return cli_usage_error(&verb_watch, "--format is terminal or ndjson, not '%s'",
				       format);
	o->config.format = format;
	return EXIT_OK;
}

static int set_layer(struct options *o, const char *name)
{
	static const char *const names[] = {
	    [SENSOR_LAYER_AUTO] = "auto",
	    [SENSOR_LAYER_TRACEPOINT] = "tracepoint",
	    [SENSOR_LAYER_LSM] = "lsm",
	    [SENSOR_LAYER_FENTRY] = "fentry",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i])) {
			o->layer = (enum sensor_layer)i;
			return EXIT_OK;
		}
	return cli_usage_error(&verb_watch, "--layer is auto, tracepoint, lsm or fentry, not '%s'",
			       name);
}

/* The configuration file is read first, so that flags win wherever --config stands among them.
 * *done when --help was all that is wanted. */
static int read_config(struct options *o, int argc, char **argv, bool *done)
{
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "hf:o:", long_options, NULL)) != -1)
		if (c == 'c')
			o->config_path = optarg;
		else if (c == 'h')
			*done = true;
	if (*done)
		return cli_help(&verb_watch);
	return config_read(&o->config, o->config_path) ? EXIT_USAGE : EXIT_OK;
}

static int read_flags(struct options *o, int argc, char **argv)
{
	const struct verb *verb = &verb_watch;
	int c, status = EXIT_OK;

	optind = 0;
	opterr = 0;
	while (status == EXIT_OK &&
	       (c = getopt_long(argc, argv, "hf:o:", long_options, NULL)) != -1)
		switch (c) {
		case 'd':
			if (!cli_number(verb, "--duration", optarg, 1, DURATION_MAX_S,
					&o->duration_s))
				status = EXIT_USAGE;
			break;
		case 'p':
			if (!cli_number(verb, "--root-pid", optarg, 1, INT32_MAX, &o->root_pid))
				status = EXIT_USAGE;
			break;
		case 'l':
			if (!cli_seconds(verb, "--tolerance", optarg,
					 &o->config.detection.tolerance_ns))
				status = EXIT_USAGE;
			break;
		case 'm':
			if (!cli_number(verb, "--state-memory", optarg, STATE_MEGABYTES_MIN,
					STATE_MEGABYTES_MAX, &o->config.detection.state_megabytes))
				status = EXIT_USAGE;
			break;
		case 'y':
			status = set_layer(o, optarg);
			break;
		case 'b':
			o->config.detection.building_blocks = true;
			break;
		case 's':
			o->config.state = optarg;
			break;
		case 'c':
			break;
		case 'r':
			rule_options_add(&o->rules, optarg);
			break;
		case 'n':
			o->rules.no_default_rules = true;
			break;
		case 'e':
			o->config.events = optarg;
			break;
		case 'g':
			o->config.cgroup = optarg;
			break;
		case 'a':
			o->config.audit_log = optarg;
			break;
		case 'f':
			status = set_format(o, optarg);
			break;
		case 'o':
			o->config.output = optarg;
			break;
		default:
			status = bad_option(argv);
		}
	if (status == EXIT_OK && optind < argc)
		return cli_usage_error(verb, "takes no arguments, found '%s'", argv[optind]);
	if (status == EXIT_OK && o->config.audit_log && (o->root_pid || o->config.cgroup))
		return cli_usage_error(verb, "--root-pid and --cgroup are for the sensor, not for "
					     "--audit-log; audit's own rules choose processes");
	return status;
}

/* What was saved there is loaded before the first event comes. */
static int open_state(struct watch *w, const char *directory)
{
	int error = state_open(&w->state, directory);

	if (error)
		return error;
	state_load(w->state, w->detector, w->fields);
	const char *path = state_path(w->state, "alerts.ndjson");

	error = sink_open(&w->archive, SINK_NDJSON, path, 0);
	if (error)
		log_error("%s: %s", path, strerror(-error));
	return error;
}

static int open_sinks(struct watch *w, const struct config *config)
{
	enum sink_format format =
	    strcmp(config->format, "ndjson") == 0 ? SINK_NDJSON : SINK_TERMINAL;
	int error = sink_open(&w->alerts, format, config->output, -1);

	w->hides_blocks = format == SINK_TERMINAL && !config->detection.building_blocks;
	if (error) {
		log_error("--output %s: %s", config->output, strerror(-error));
		return error;
	}
	if (!config->events)
		return 0;
	error = sink_open(&w->events, SINK_NDJSON, config->events, 0);
	if (error)
		log_error("--events %s: %s", config->events, strerror(-error));
	return error;
}

static int open_signals(struct watch *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A reader of our output that goes away is an error to report, not a reason to die. */
	signal(SIGPIPE, SIG_IGN);
	w->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->signal_fd < 0 || w->epoll_fd < 0) {
		log_error("cannot wait for signals: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

static int poll_for(struct watch *w, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	log_error("cannot wait for events: %s", strerror(errno));
	return -errno;
}

/* What the rules name and what the configuration adds. */
static const char *const *directories(struct watch *w, const struct config *config)
{
	uint32_t left_out, n = 0;
	const char *const *named = rule_set_directories(&w->rules, &w->directories, &left_out);

	if (left_out)
		log_info("rules name %u more directories than fanotify watches (%u); tracepoints "
			 "see those alone",
			 left_out, RULE_WATCHED_DIRECTORIES_MAX);
	while (named[n])
		n++;
	const char **all =
	    ARENA_ARRAY(&w->directories, const char *, n + config->directories.count + 1);

	if (config->directories.count)
		memcpy(all, config->directories.items, config->directories.count * sizeof(*all));
	memcpy(all + config->directories.count, named, n * sizeof(*all));
	return all;
}

/* Which file events have to leave the kernel. */
static void ask_for_files(struct watch *w, const struct config *config, struct file_demand *demand)
{
	rule_set_file_demand(&w->rules, w->fields, &w->directories, demand);
	if (config->events) {
		demand->all = true;
		demand->asker = STR("--events");
	}
	if (demand->all)
		log_info("every change to a file is reported, asked for by %.*s",
			 STR_ARG(demand->asker));
	else
		log_info("changes to files are reported that fit one of %u parts of paths and "
			 "names of programs in the rules",
			 demand->count);
}

static int open_sensor(struct watch *w, const struct options *o)
{
	struct file_demand demand;

	struct process_table_options table = {
	    .max_processes = (uint32_t)o->config.max_processes,
	    .host_id = host_id(w->host),
	    .boot_id = host_boot_id(w->host),
	};
	ask_for_files(w, &o->config, &demand);
	struct sensor_options sensor = {
	    .demand = &demand,
	    .root_pid = (uint32_t)o->root_pid,
	    .cgroup_path = o->config.cgroup,
	    .watch_directories = directories(w, &o->config),
	    .layer = o->layer,
	    .ring_bytes = (uint32_t)o->config.ring_megabytes << 20,
	};

	w->processes = process_table_new(&table);
	return sensor_open(&w->sensor, &sensor, w->fields, w->processes, w->host);
}

static int open_audit(struct watch *w, const struct options *o)
{
	return watch_audit_open(&w->audit, &(struct watch_audit_options){
					       .path = o->config.audit_log,
					       .fields = w->fields,
					       .host = w->host,
					       .state = w->state,
					       .max_processes = (uint32_t)o->config.max_processes});
}

/* Of the process that acted last, as far as the table still has it. */
static void add_ancestors(struct watch *w, struct alert *alert)
{
	const struct event *last = NULL;
	struct process_table *processes = w->processes;

	for (uint32_t i = 0; i < alert->event_count; i++)
		if (alert->events[i])
			last = alert->events[i];
	if (!last)
		return;
	if (w->audit)
		processes = watch_audit_processes(w->audit, last);
	const struct value *pid = event_get(last, FIELD_PROCESS_PID);
	struct str id = event_get_str(last, FIELD_PROCESS_ENTITY_ID);
	const struct process *process = processes && pid->type == VALUE_INT
					    ? process_find(processes, (uint32_t)pid->integer, 0)
					    : NULL;

	buf_reset(&w->ancestors);
	if (process && str_eq(process_entity_id(process), id))
		process_write_ancestors(processes, process, &w->ancestors);
	alert->ancestors = buf_str(&w->ancestors);
}

/* Failures of a sink are reported and counted by the sink; the watch goes on. */
static void on_finding(void *context, const struct finding *finding)
{
	struct watch *w = context;
	struct alert alert;

	if (alert_make(w->maker, finding, &alert))
		return;
	add_ancestors(w, &alert);
	w->alert_count++;
	w->block_count += alert.rule->building_block;
	int archived = sink_write(w->archive, &alert);
	int shown =
	    alert.rule->building_block && w->hides_blocks ? 0 : sink_write(w->alerts, &alert);

	if (archived || shown)
		log_debug("alert %s could not be written everywhere", alert.id);
}

static int open_all(struct watch *w, const struct options *o)
{
	int error = load_rules(&o->rules, &w->rules, w->fields);

	if (error)
		return error;
	/* An alert shows the whole event, so the sensor fills every field it can. */
	for (uint32_t id = 0; id < FIELD_KNOWN_COUNT; id++)
		field_set_demand(w->fields, field_known_name(id));
	w->engine = engine_new(&w->rules, w->fields);
	w->scratch = engine_scratch_new(w->engine);
	w->detector = detector_new(
	    &w->rules, w->fields,
	    &(struct detector_options){.tolerance_ns = o->config.detection.tolerance_ns,
				       .bytes_max = state_bytes(&o->config.detection),
				       .found = on_finding,
				       .context = w});
	w->maker = alert_maker_new(w->fields);
	w->host = host_new();
	if ((error = open_state(w, o->config.state)) != 0)
		return error;
	if ((error = open_sinks(w, &o->config)) != 0)
		return error;
	if ((error = open_signals(w)) != 0)
		return error;
	if ((error = poll_for(w, w->signal_fd)) != 0)
		return error;
	if (o->config.audit_log)
		return open_audit(w, o);
	if ((error = open_sensor(w, o)) != 0)
		return error;
	return poll_for(w, sensor_fd(w->sensor));
}

static void close_all(struct watch *w)
{
	if (w->sensor)
		sensor_close(w->sensor);
	watch_audit_close(w->audit);
	process_table_free(w->processes);
	host_free(w->host);
	alert_maker_free(w->maker);
	detector_free(w->detector);
	engine_scratch_free(w->scratch);
	engine_free(w->engine);
	sink_close(w->alerts);
	sink_close(w->archive);
	sink_close(w->events);
	rule_set_free(&w->rules);
	field_set_free(w->fields);
	arena_free(&w->directories);
	buf_free(&w->line);
	buf_free(&w->ancestors);
	losses_free(w->losses);
	state_close(w->state);
	if (w->signal_fd >= 0)
		close(w->signal_fd);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
}

static void on_event(void *context, struct event *event, const struct process *process)
{
	struct watch *w = context;
	const struct engine_hit *hits;
	uint32_t n = engine_match(w->engine, event, w->scratch, &hits);

	(void)process;
	w->event_count++;
	if (event->time_ns > w->stream_time_ns)
		w->stream_time_ns = event->time_ns;
	if (!n && !w->events)
		return;
	buf_reset(&w->line);
	event_write_json(event, &w->line);
	if (n) {
		detector_take(
		    w->detector,
		    detector_keep(w->detector, event, hits, n, w->event_count, buf_str(&w->line)),
		    hits, n, w->stream_time_ns);
	}
	if (!w->events)
		return;
	int error = sink_write_line(w->events, buf_str(&w->line));

	if (error)
		log_debug("event could not be written: %s", strerror(-error));
}

static void on_audit_event(void *context, struct event *event)
{
	on_event(context, event, NULL);
}

/* Takes what there is. 0, 1 when the source is at its end, or -errno with a message. */
static int take_events(struct watch *w)
{
	int n = w->audit ? watch_audit_read(w->audit, on_audit_event, w)
			 : sensor_poll(w->sensor, 0, on_event, w);

	if (n < 0 && n != -EINTR)
		log_error("%s failed: %s", w->audit ? "reading the audit log" : "the sensor",
			  strerror(-n));
	w->is_behind = w->audit && n == 1;
	if (n < 0)
		return n == -EINTR ? 0 : n;
	return w->audit && n == 2;
}

/* When what was lost, for `lintel coverage`. */
static int note_losses(struct watch *w, bool ended)
{
	int64_t now = clock_now_ns();

	if (ended || losses_due(w->losses, now)) {
		if (w->sensor)
			sensor_count_losses(w->sensor);
		losses_look(w->losses, now);
	}
	return losses_save(w->losses, now, w->event_count, ended);
}

/* Time passes on a quiet host too: what waits for it is decided. A log tells of it late. */
static void advance(struct watch *w)
{
	int64_t now = clock_now_ns();

	if (w->audit)
		now = w->is_behind ? INT64_MIN : now - WATCH_AUDIT_DELAY_S * NS_PER_SEC;
	if (now > w->stream_time_ns)
		w->stream_time_ns = now;
	detector_advance(w->detector, w->stream_time_ns);
	/* Failures are said and counted there; it is tried again. */
	if (state_save(w->state, w->detector, false) || note_losses(w, false))
		log_debug("state not saved");
	if (w->audit)
		watch_audit_save(w->audit);
}

/* Until a signal or the deadline. */
static int loop(struct watch *w, uint64_t duration_s)
{
	int64_t deadline = duration_s ? clock_monotonic_ns() + (int64_t)duration_s * NS_PER_SEC : 0;
	struct signalfd_siginfo signal_info;

	for (;;) {
		struct epoll_event ready[2];
		int n = epoll_wait(w->epoll_fd, ready, 2, w->is_behind ? 0 : TICK_MS);

		if (n < 0 && errno != EINTR) {
			log_error("waiting for events failed: %s", strerror(errno));
			return EXIT_FAILED;
		}
		n = take_events(w);
		if (n < 0)
			return EXIT_FAILED;
		advance(w);
		if (n > 0)
			return EXIT_OK;
		if (read(w->signal_fd, &signal_info, sizeof(signal_info)) > 0)
			return EXIT_OK;
		if (deadline && clock_monotonic_ns() >= deadline)
			return EXIT_OK;
	}
}

static void summary(struct watch *w)
{
	struct buf losses = {0}, blocks = {0};

	if (w->sensor)
		sensor_count_losses(w->sensor);
	uint64_t left_out = say_left_out(w->detector);
	uint32_t causes = write_losses(&losses);

	write_blocks(w->block_count, !w->hides_blocks, &blocks);

	log_info("%" PRIu64 " events, %" PRIu64 " matches, %" PRIu64 " alerts%s, %s",
		 w->event_count, w->alert_count + left_out, w->alert_count, blocks.p,
		 causes ? "lost or incomplete:" : "nothing lost");
	int error = buf_write_fd(&losses, STDERR_FILENO);

	if (error)
		log_debug("summary: %s", strerror(-error));
	buf_free(&losses);
	buf_free(&blocks);
}

static int watch(const struct options *o)
{
	struct watch w = {.signal_fd = -1, .epoll_fd = -1, .stream_time_ns = INT64_MIN};

	if (geteuid() != 0 && !o->config.audit_log) {
		log_error("watch needs root, for BPF programs and fanotify: sudo lintel watch "
			  "(or --audit-log FILE with a log that you may read)");
		return EXIT_DENIED;
	}
	w.fields = field_set_new();
	rule_set_init(&w.rules);
	arena_init(&w.directories);
	int error = open_all(&w, o);
	int status =
	    error == -EPERM || error == -EACCES || error == -ENOTSUP ? EXIT_DENIED : EXIT_FAILED;

	if (!error) {
		w.losses = losses_new(state_path(w.state, LOSSES_FILE), clock_now_ns());
		log_info("watching");
		notify_service_manager("READY=1\nSTATUS=watching");
		status = loop(&w, o->duration_s);
		notify_service_manager("STOPPING=1");
		/* What was in flight when the signal came still counts. */
		if (w.audit)
			watch_audit_finish(w.audit, on_audit_event, &w);
		else
			sensor_drain(w.sensor, on_event, &w);
		detector_flush(w.detector);
		if (state_save(w.state, w.detector, true) || note_losses(&w, true))
			status = EXIT_FAILED;
		summary(&w);
	}
	close_all(&w);
	return status;
}

static int run(int argc, char **argv)
{
	struct options o = {0};
	bool done = false;

	config_init(&o.config);
	int status = read_config(&o, argc, argv, &done);

	if (status == EXIT_OK && !done) {
		config_rules(&o.config, &o.rules);
		status = read_flags(&o, argc, argv);
	}
	if (status == EXIT_OK && !done)
		status = watch(&o);
	rule_options_free(&o.rules);
	config_free(&o.config);
	return status;
}

const struct verb verb_watch = {
    .name = "watch",
    .summary = "Watch this host and raise alerts (root)",
    .usage = "lintel watch [options]",
    .help =
	"Takes events from the kernel, runs the shipped rules and those given over every one, and\n"
	"prints an alert for each match. \"lintel: watching\" on stderr says that every probe is\n"
	"live. Alerts are also kept in DIR/alerts.ndjson. Ends on SIGINT or SIGTERM with a "
	"summary.\n"
	"Sequences half complete and values seen are saved in DIR every minute and at the end, "
	"and\n"
	"the next watch goes on from there. A kernel without BTF, or who may not load BPF "
	"programs,\n"
	"takes --audit-log.\n"
	"\n"
	"  --rules PATH          rule file, or directory of rule files; may be repeated\n"
	"  --no-default-rules    leave the shipped rules out\n"
	"  -f, --format FORMAT   terminal (default) or ndjson\n"
	"  -o, --output FILE     append alerts to FILE instead of printing them\n"
	"  --events FILE         also append every event to FILE, as NDJSON\n"
	"  --root-pid PID        only this process and what it starts\n"
	"  --cgroup PATH         only processes in this cgroup or below\n"
	"  --layer LAYER         how files of rename, unlink, chmod ... are found: auto (default), "
	"lsm,\n"
	"                        fentry or tracepoint; for tests and for comparing\n"
	"  --audit-log FILE      take events from this log of auditd or laurel instead of the "
	"kernel,\n"
	"                        as it grows and is rotated; - is standard input\n"
	"  --duration SECONDS    stop after this long\n"
	"  --tolerance SECONDS   wait this long for events that come late: 2 (default), 500ms\n"
	"  --state-memory MB     what sequences, histories and the like may take (default 256)\n"
	"  --building-blocks     show alerts of building-block rules on the terminal too\n"
	"  --state DIR           state directory (default /var/lib/lintel)\n"
	"  --config FILE         configuration (default " CONFIG_PATH_DEFAULT ", if it is there)\n"
	"  -h, --help            this text\n"
	"\n"
	"Examples:\n"
	"  sudo lintel watch\n"
	"  sudo lintel watch --rules detection-rules/rules/linux --format ndjson | jq .rule.name\n"
	"  sudo lintel watch --audit-log /var/log/audit/audit.log\n"
	"  sudo lintel watch --root-pid $$ --events events.ndjson --duration 60\n"
	"\n"
	"Exit status: 0 ended by signal or duration; 1 could not go on; 2 wrong options or\n"
	"configuration; 3 not root, or the kernel lacks what is needed.\n",
    .run = run,
};
