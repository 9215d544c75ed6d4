/* SPDX-License-Identifier: Apache-2.0 */
/* `lintel coverage`: what can fire here, what cannot and why, what was lost, what is stored. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "cli/coverage_internal.h"
#include "cli/setup.h"
#include "sink/sink.h"
#include "source/ndjson.h"

static const struct option long_options[] = {
    {"rules", required_argument, NULL, 'r'},
    {"no-default-rules", no_argument, NULL, 'n'},
    {"source", required_argument, NULL, 's'},
    {"no-probe", no_argument, NULL, 'p'},
    {"only", required_argument, NULL, 'y'},
    {"technique", required_argument, NULL, 't'},
    {"fail-below", required_argument, NULL, 'b'},
    {"format", required_argument, NULL, 'f'},
    {"output", required_argument, NULL, 'o'},
    {"state", required_argument, NULL, 'd'},
    {"events", required_argument, NULL, 'e'},
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static const char *const source_names[] = {"sensor", "audit", "input"};

const char *coverage_source_name(enum coverage_source source)
{
	return source_names[source];
}

/* ---- options */

/* The index of `word` among `count` words, or -1 with the usage error printed. */
static int choose(const char *option, const char *word, const char *const *words, int count)
{
	struct buf list = {0};

	for (int i = 0; i < count; i++)
		if (!strcmp(word, words[i]))
			return i;
	for (int i = 0; i < count; i++)
		buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
	cli_usage_error(&verb_coverage, "%s is %.*s, not '%s'", option, STR_ARG(buf_str(&list)),
			word);
	buf_free(&list);
	return -1;
}

static int set_choice(struct coverage_options *o, int c)
{
	static const char *const formats[] = {"text", "ndjson", "navigator"};
	static const char *const verdicts[] = {"full", "part", "missing"};
	int chosen;

	if (c == 'f') {
		chosen = choose("--format", optarg, formats, 3);
		o->format = (enum coverage_format)chosen;
	} else if (c == 's') {
		chosen = choose("--source", optarg, source_names, 2);
		o->source = (enum coverage_source)chosen;
		o->source_set = true;
	} else {
		chosen = choose("--only", optarg, verdicts, 3);
		o->only_set = true;
		o->only = (enum coverage_verdict)chosen;
	}
	return chosen < 0 ? EXIT_USAGE : EXIT_OK;
}

static int set_technique(struct coverage_options *o, const char *text)
{
	size_t digits = text[0] == 'T' ? strspn(text + 1, "0123456789.") : 0;

	if (digits < 4 || text[1 + digits])
		return cli_usage_error(&verb_coverage,
				       "--technique is an ATT&CK id (T1574 or T1574.006), not '%s'",
				       text);
	o->technique = text;
	return EXIT_OK;
}

static int set_option(struct coverage_options *o, int c, char **argv)
{
	switch (c) {
	case 'r':
		rule_options_add(&o->rules, optarg);
		return EXIT_OK;
	case 'n':
		o->rules.no_default_rules = true;
		return EXIT_OK;
	case 's':
	case 'y':
	case 'f':
		return set_choice(o, c);
	case 'p':
		o->no_probe = true;
		return EXIT_OK;
	case 't':
		return set_technique(o, optarg);
	case 'b':
		return cli_number(&verb_coverage, "--fail-below", optarg, 0, 100, &o->fail_below)
			   ? EXIT_OK
			   : EXIT_USAGE;
	case 'o':
		o->output = strcmp(optarg, "-") ? optarg : NULL;
		return EXIT_OK;
	case 'd':
		o->config.state = optarg;
		return EXIT_OK;
	case 'e':
		o->config.events = optarg;
		return EXIT_OK;
	case 'c':
		return EXIT_OK;
	case 'h':
		o->help = true;
		return EXIT_OK;
	default:
		return cli_usage_error(&verb_coverage,
				       "option '%s' is not known or lacks its argument",
				       argv[optind - 1]);
	}
}

#define SHORT_OPTIONS "f:o:h"

/* The configuration first, so that flags win wherever --config stands among them. */
static int read_config(struct coverage_options *o, int argc, char **argv)
{
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1)
		if (c == 'c')
			o->config_path = optarg;
		else if (c == 'h')
			o->help = true;
	if (o->help)
		return EXIT_OK;
	if (config_read(&o->config, o->config_path))
		return EXIT_USAGE;
	config_rules(&o->config, &o->rules);
	return EXIT_OK;
}

static int read_flags(struct coverage_options *o, int argc, char **argv)
{
	int c, status = EXIT_OK;

	optind = 0;
	opterr = 0;
	while (status == EXIT_OK &&
	       (c = getopt_long(argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1)
		status = set_option(o, c, argv);
	return status;
}

/* ---- what there is */

static int observe(struct coverage_report *report, struct supply *supply, const char *const *inputs,
		   uint32_t count)
{
	struct ndjson_source *source = NULL;
	struct event_reader *reader;
	struct event event;
	int more, status = EXIT_OK;

	if (ndjson_open(&source, inputs, count))
		return EXIT_FAILED;
	reader = event_reader_new(report->fields, NULL);
	event_init(&event, report->fields);
	while ((more = ndjson_next_event(source, reader, &event)) != 0)
		if (more > 0)
			supply_observe(supply, &event);
	report->input_events = ndjson_stats(source)->events;
	report->input_malformed = ndjson_stats(source)->malformed;
	if (counter_get(COUNTER_INPUT_UNREADABLE))
		status = EXIT_FAILED;
	event_free(&event);
	event_reader_free(reader);
	ndjson_close(source);
	return status;
}

/* The sensor's events as far as this kernel has its hooks, or what stands in for it. */
static struct supply *own_supply(struct coverage_report *report, enum coverage_source *source,
				 struct arena *arena, int *status)
{
	const char *const *blind = NULL;

	if (*source == SOURCE_SENSOR) {
		int error = coverage_probe(&report->kernel, report->options->no_probe);

		if (error)
			*status = EXIT_DENIED;
		if (error && error != -EPERM) {
			log_warning("%s; judged by what audit logs would give",
				    report->kernel.unprobed);
			*source = SOURCE_AUDIT;
		}
		blind = coverage_blind(&report->kernel, arena);
	}
	return supply_new(report->fields, *source == SOURCE_AUDIT ? ACTION_AUDIT : ACTION_SENSOR,
			  blind);
}

/* ---- judging */

struct str coverage_technique(const struct rule *rule)
{
	for (uint32_t i = 0; i < rule->threat_count; i++)
		for (uint32_t k = 0; k < rule->threats[i].technique_count; k++) {
			const struct rule_technique *t = &rule->threats[i].techniques[k];

			return t->subtechnique_count ? t->subtechniques[0].id : t->id;
		}
	return STR("");
}

static int by_technique(const void *a, const void *b)
{
	const struct rule *x = ((const struct rule_coverage *)a)->rule;
	const struct rule *y = ((const struct rule_coverage *)b)->rule;
	int order = str_cmp(coverage_technique(x), coverage_technique(y));

	if (!order)
		order = str_cmp(x->name, y->name);
	return order ? order : str_cmp(x->path, y->path);
}

static void count_verdict(struct tally *tally, enum coverage_verdict verdict)
{
	tally->of[verdict]++;
	tally->total++;
}

static void judge_all(struct coverage_report *report, struct judge *judge)
{
	bool all = report->options->source == SOURCE_INPUT;

	report->results = xcalloc((size_t)report->rules->loaded + 1, sizeof(*report->results));
	for (uint32_t i = 0; i < report->rules->count; i++) {
		if (report->rules->rules[i]->state != RULE_LOADED)
			continue;
		struct rule_coverage result = judge_rule(judge, report->rules->rules[i]);

		count_verdict(all || result.is_for_endpoint ? &report->endpoint : &report->others,
			      result.verdict);
		report->results[report->count++] = result;
	}
	qsort(report->results, report->count, sizeof(*report->results), by_technique);
	uint32_t count;
	const struct analytic *table = analytics(&count);

	for (uint32_t i = 0; i < count; i++)
		count_verdict(&report->analytics, analytic_verdict(&table[i], report->supply));
}

double coverage_percent(const struct tally *tally)
{
	return tally->total ? 100.0 * tally->of[COVERAGE_FULL] / tally->total : 100.0;
}

static bool is_technique(struct str id, const char *wanted)
{
	struct str prefix = str_from(wanted);

	/* T1574 is its sub-techniques too. */
	return str_eq(id, prefix) ||
	       (str_starts(id, prefix) && id.len > prefix.len && id.p[prefix.len] == '.');
}

static bool has_technique(const struct rule *rule, const char *wanted)
{
	for (uint32_t i = 0; i < rule->threat_count; i++)
		for (uint32_t k = 0; k < rule->threats[i].technique_count; k++) {
			const struct rule_technique *t = &rule->threats[i].techniques[k];

			if (is_technique(t->id, wanted))
				return true;
			for (uint32_t s = 0; s < t->subtechnique_count; s++)
				if (is_technique(t->subtechniques[s].id, wanted))
					return true;
		}
	return false;
}

bool coverage_shows(const struct coverage_report *report, const struct rule_coverage *result)
{
	const struct coverage_options *o = report->options;

	return (!o->only_set || result->verdict == o->only) &&
	       (!o->technique || has_technique(result->rule, o->technique));
}

bool coverage_shows_analytic(const struct coverage_report *report, const struct analytic *analytic,
			     enum coverage_verdict verdict)
{
	const struct coverage_options *o = report->options;

	return (!o->only_set || verdict == o->only) &&
	       (!o->technique || is_technique(str_from(analytic->technique), o->technique));
}

/* ---- the report */

static int write_out(const struct coverage_options *o, const struct buf *out)
{
	int fd = o->output ? open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)
			   : STDOUT_FILENO;
	int error = fd < 0 ? -errno : buf_write_fd(out, fd);

	if (o->output && fd >= 0 && close(fd) && !error)
		error = -errno;
	if (error && error != -EPIPE)
		log_error("cannot write to %s: %s", o->output ? o->output : "standard output",
			  strerror(-error));
	return error ? EXIT_FAILED : EXIT_OK;
}

static int print(const struct coverage_report *report)
{
	const struct coverage_options *o = report->options;
	struct buf out = {0};

	if (o->format == COVERAGE_NDJSON)
		coverage_write_ndjson(report, &out);
	else if (o->format == COVERAGE_NAVIGATOR)
		coverage_write_layer(report, &out);
	else
		coverage_write_text(report, !o->output && sink_wants_colour(STDOUT_FILENO), &out);
	int status = write_out(o, &out);

	buf_free(&out);
	return status;
}

static int judge_and_print(struct coverage_report *report, int status)
{
	struct judge *judge = judge_new(report->supply, report->fields);

	judge_all(report, judge);
	int printed = print(report);

	if (status == EXIT_OK || printed != EXIT_OK)
		status = printed;
	if (coverage_percent(&report->endpoint) < (double)report->options->fail_below)
		status = EXIT_FAILED;
	free(report->results);
	judge_free(judge);
	return status;
}

static int report_on(struct coverage_options *o, struct rule_set *rules, struct field_set *fields,
		     const char *const *inputs, uint32_t count)
{
	struct coverage_report *report = xcalloc(1, sizeof(*report));
	struct supply *supply;
	struct arena arena;
	int status = EXIT_OK;

	report->options = o;
	report->fields = fields;
	report->rules = rules;
	arena_init(&arena);
	if (count) {
		o->source = SOURCE_INPUT;
		supply = supply_new_observed(fields);
		report->supply = supply;
		status = observe(report, supply, inputs, count);
	} else {
		supply = own_supply(report, &o->source, &arena, &status);
		losses_read(&report->losses,
			    arena_printf(&arena, "%s/" LOSSES_FILE, o->config.state).p);
		coverage_stored(report, &arena);
	}
	report->supply = supply;
	/* Of inputs none of which could be opened there is nothing to say. */
	if (!count || report->input_events || status == EXIT_OK)
		status = judge_and_print(report, status);
	supply_free(supply);
	arena_free(&arena);
	free(report);
	return status;
}

static int coverage(struct coverage_options *o, const char *const *inputs, uint32_t count)
{
	struct field_set *fields = field_set_new();
	struct rule_set rules;
	int status = EXIT_FAILED;

	rule_set_init(&rules);
	supply_demand(fields);
	field_set_demand(fields, field_known_name(FIELD_TIMESTAMP));
	if (!load_rules(&o->rules, &rules, fields))
		status = report_on(o, &rules, fields, inputs, count);
	rule_set_free(&rules);
	field_set_free(fields);
	return status;
}

static int run(int argc, char **argv)
{
	struct coverage_options o = {0};

	config_init(&o.config);
	int status = read_config(&o, argc, argv);

	if (status == EXIT_OK && !o.help)
		status = read_flags(&o, argc, argv);
	if (status == EXIT_OK && !o.help && o.source_set && optind < argc)
		status = cli_usage_error(&verb_coverage,
					 "--source is about this host, '%s' is telemetry; give one",
					 argv[optind]);
	if (status == EXIT_OK)
		status = o.help ? cli_help(&verb_coverage)
				: coverage(&o, (const char *const *)argv + optind,
					   (uint32_t)(argc - optind));
	rule_options_free(&o.rules);
	config_free(&o.config);
	return status;
}

const struct verb verb_coverage = {
    .name = "coverage",
    .summary = "Say which rules can fire here, and what was lost",
    .usage = "lintel coverage [options] [INPUT...]",
    .help =
	"For every rule, and every analytic of MITRE ATT&CK for Linux: can it fire on what lintel\n"
	"sees on this host, in part, or not, and which event or field is missing. Then what the\n"
	"last watch lost, by cause and time, and how far back stored alerts and events reach. As\n"
	"root every hook of the sensor is tried on this kernel: loaded, attached, made to fire,\n"
	"taken off; otherwise the report says that it was not.\n"
	"With INPUT, NDJSON files, directories or - as `hunt` reads them, the same of telemetry\n"
	"that somebody else recorded: rules that could never fire on it, and what it has instead.\n"
	"\n"
	"full: every part of the query can match and every field it reads is filled. part: it can\n"
	"fire, but an alternative or an exclusion lacks something. missing: it can never fire.\n"
	"docs/coverage.md defines them.\n"
	"\n"
	"  --rules PATH          rule file, or directory of rule files; may be repeated\n"
	"  --no-default-rules    leave the shipped rules out\n"
	"  --source SOURCE       sensor (default) or audit: what logs of the audit system give\n"
	"  --no-probe            do not try the kernel's hooks: as if all were there\n"
	"  --only VERDICT        list what is full, part or missing only\n"
	"  --technique ID        only this ATT&CK technique: T1574, T1574.006\n"
	"  -f, --format FORMAT   text (default), ndjson or navigator: a layer of the ATT&CK\n"
	"                        Navigator\n"
	"  -o, --output FILE     write there instead of to standard output\n"
	"  --fail-below PERCENT  exit with 1 when fewer of the rules are fully fed\n"
	"  --state DIR           state directory of watch (default /var/lib/lintel)\n"
	"  --events FILE         what `watch --events` writes\n"
	"  --config FILE         configuration (default " CONFIG_PATH_DEFAULT ", if it is there)\n"
	"  -h, --help            this text\n"
	"\n"
	"Examples:\n"
	"  sudo lintel coverage\n"
	"  sudo lintel coverage --rules detection-rules/rules/linux --only missing\n"
	"  lintel coverage --no-probe --format navigator -o layer.json\n"
	"  lintel coverage --rules detection-rules/rules/linux telemetry.ndjson.zst\n"
	"  lintel coverage --source audit --technique T1574.006\n"
	"\n"
	"Exit status: 0 reported; 1 less than --fail-below is fully fed, an input or rule could "
	"not\n"
	"be read or output not written; 2 wrong usage or configuration; 3 reported, but this\n"
	"kernel's hooks could not be tried: not root, or no BTF.\n",
    .run = run,
};
