/* SPDX-License-Identifier: Apache-2.0 */
/* `lintel rules`: check rule files, show a rule, list rules. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/rules_internal.h"

/* A rule id may be cut to this many characters where no other begins like it. */
#define ID_PREFIX_MIN 4

static const struct option long_options[] = {
    {"format", required_argument, NULL, 'f'},
    {"rules", required_argument, NULL, 'r'},
    {"no-default-rules", no_argument, NULL, 'N'},
    {"coverage", no_argument, NULL, 'C'},
    {"verbose", no_argument, NULL, 'v'},
    {"disable", required_argument, NULL, 'D'},
    {"no-notes", no_argument, NULL, 'q'},
    {"checks", no_argument, NULL, 'L'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int parse(struct rules_options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "f:vh", long_options, NULL)) != -1) {
		switch (c) {
		case 'f':
			if (strcmp(optarg, "ndjson") && strcmp(optarg, "terminal"))
				return cli_usage_error(
				    &verb_rules, "--format takes terminal or ndjson, not '%s'",
				    optarg);
			o->ndjson = !strcmp(optarg, "ndjson");
			break;
		case 'r':
			o->paths = xreallocarray(o->paths, o->path_count + 1, sizeof(optarg));
			o->paths[o->path_count++] = optarg;
			break;
		case 'N':
			o->no_default_rules = true;
			break;
		case 'C':
			o->coverage = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'D':
			o->disabled =
			    xreallocarray(o->disabled, o->disabled_count + 1, sizeof(optarg));
			o->disabled[o->disabled_count++] = optarg;
			break;
		case 'q':
			o->no_notes = true;
			break;
		case 'L':
			o->list_checks = true;
			break;
		case 'h':
			o->help = true;
			break;
		default:
			/* getopt_long has said what is wrong. */
			fprintf(stderr, "See `lintel rules --help`.\n");
			return EXIT_USAGE;
		}
	}
	return EXIT_OK;
}

static int print(struct buf *out)
{
	int error = buf_write_fd(out, STDOUT_FILENO);

	if (error)
		log_error("cannot write to standard output: %s", strerror(-error));
	return error ? EXIT_FAILED : EXIT_OK;
}

/* Broken rules are in the set, so only a path that cannot be read needs words here. */
int rules_load(const struct rules_options *o, struct rule_set *set, struct field_set *fields)
{
	struct diag_list diags;
	int error = 0;

	diag_list_init(&diags);
	if (!o->no_default_rules)
		error = rule_set_load_builtin(set, fields, &diags);
	/* A shipped rule in error is one whose id the set has already, from a file of it. */
	if (error == -EINVAL)
		error = 0;
	for (uint32_t i = 0; i < o->path_count && !error; i++)
		error = rule_set_load(set, fields, o->paths[i], &diags);
	if (!error)
		rule_set_finish(set, fields, &diags);
	if (error)
		diag_list_print(&diags, STDERR_FILENO);
	diag_list_free(&diags);
	return error;
}

static void ambiguous(const struct rule_set *set, struct str id)
{
	fprintf(stderr, "lintel rules: more than one rule id begins with '%.*s':\n", STR_ARG(id));
	for (uint32_t i = 0; i < set->count; i++)
		if (str_starts(set->rules[i]->id, id))
			fprintf(stderr, "  %.*s  %.*s\n", STR_ARG(set->rules[i]->id),
				STR_ARG(set->rules[i]->name));
}

const struct rule *rules_find(const struct rule_set *set, struct str id)
{
	const struct rule *rule = rule_set_find(set, id);
	uint32_t matches = rule != NULL;

	for (uint32_t i = 0; !rule_set_find(set, id) && i < set->count; i++) {
		if (id.len >= ID_PREFIX_MIN && str_starts(set->rules[i]->id, id)) {
			rule = set->rules[i];
			matches++;
		}
	}
	if (matches > 1) {
		ambiguous(set, id);
		return NULL;
	}
	if (!rule)
		fprintf(stderr,
			"lintel rules: no rule has the id '%.*s'; `lintel rules list` shows those "
			"there are, --rules PATH adds more.\n",
			STR_ARG(id));
	return rule;
}

static int show(const struct rules_options *o, const struct rule_set *set, struct str id)
{
	const struct rule *rule = rules_find(set, id);

	if (!rule)
		return EXIT_FAILED;
	struct buf out = {0};

	if (o->ndjson) {
		rule_write_json(rule, true, &out);
		buf_add_char(&out, '\n');
	} else {
		rule_show(rule, &out);
	}
	int status = print(&out);

	buf_free(&out);
	return status;
}

static int list(const struct rules_options *o, const struct rule_set *set)
{
	struct buf out = {0};

	rules_list(set, o->ndjson, &out);
	int status = print(&out);

	buf_free(&out);
	return status;
}

/* `id` NULL lists. */
static int show_or_list(const struct rules_options *o, const char *id)
{
	struct rule_set set;
	struct field_set *fields = field_set_new();
	int status = EXIT_FAILED;

	rule_set_init(&set);
	if (!rules_load(o, &set, fields))
		status = id ? show(o, &set, str_from(id)) : list(o, &set);
	rule_set_free(&set);
	field_set_free(fields);
	return status;
}

static int check_action(const struct rules_options *o, int argc, char **argv)
{
	if (argc < 1)
		return cli_usage_error(&verb_rules, "check needs a file or directory");
	if (o->path_count || o->no_default_rules)
		return cli_usage_error(&verb_rules, "check takes its paths as arguments");
	return rules_check((const char *const *)argv, (uint32_t)argc, o->ndjson);
}

static int show_action(const struct rules_options *o, int argc, char **argv)
{
	if (argc != 1)
		return cli_usage_error(&verb_rules, "show needs one rule id");
	return show_or_list(o, argv[0]);
}

static int list_action(const struct rules_options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return cli_usage_error(&verb_rules,
				       "list takes no argument; --rules PATH adds rules");
	return show_or_list(o, NULL);
}

static int explain_action(const struct rules_options *o, int argc, char **argv)
{
	if (argc < 1)
		return cli_usage_error(&verb_rules, "explain needs a rule's id or file");
	return rules_explain(o, argv[0], (const char *const *)argv + 1, (uint32_t)argc - 1);
}

static int test_action(const struct rules_options *o, int argc, char **argv)
{
	if (argc < 1)
		return cli_usage_error(&verb_rules, "test needs a file or directory");
	return rules_test(o, (const char *const *)argv, (uint32_t)argc);
}

static int lint_action(const struct rules_options *o, int argc, char **argv)
{
	if (o->list_checks)
		return rules_list_checks(o->ndjson);
	if (argc < 1)
		return cli_usage_error(&verb_rules, "lint needs a file or directory");
	if (o->path_count || o->no_default_rules)
		return cli_usage_error(&verb_rules, "lint takes its paths as arguments");
	return rules_lint(o, (const char *const *)argv, (uint32_t)argc);
}

static const struct {
	const char *name;
	int (*run)(const struct rules_options *o, int argc, char **argv);
} actions[] = {
    {"check", check_action}, {"show", show_action}, {"list", list_action},
    {"lint", lint_action},   {"test", test_action}, {"explain", explain_action},
};

#define ACTION_COUNT (sizeof(actions) / sizeof(*actions))

static int run_action(const struct rules_options *o, const char *action, int argc, char **argv)
{
	struct buf names = {0};

	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (!strcmp(action, actions[i].name))
			return actions[i].run(o, argc, argv);
	for (size_t i = 0; i < ACTION_COUNT; i++)
		buf_printf(&names, "%s%s",
			   !i                     ? ""
			   : i + 1 < ACTION_COUNT ? ", "
						  : " or ",
			   actions[i].name);
	int status =
	    cli_usage_error(&verb_rules, "'%s' is not %.*s", action, STR_ARG(buf_str(&names)));

	buf_free(&names);
	return status;
}

static int run(int argc, char **argv)
{
	struct rules_options o = {0};
	int status = parse(&o, argc, argv);

	if (status == EXIT_OK && o.help)
		status = cli_help(&verb_rules);
	else if (status == EXIT_OK && optind == argc)
		status = cli_usage_error(&verb_rules, "what is to be done with rules?");
	else if (status == EXIT_OK)
		status = run_action(&o, argv[optind], argc - optind - 1, argv + optind + 1);
	free(o.paths);
	free(o.disabled);
	return status;
}

const struct verb verb_rules = {
    .name = "rules",
    .summary = "Check, test, lint, explain, show and list detection rules",
    .usage = "lintel rules check|lint|test PATH... | explain ID|PATH [EVENTS...] | show ID | list  "
	     "[options]",
    .actions = "check lint test explain show list",
    .help =
	"check    read rule files and print for each what became of it: loaded, skipped with the\n"
	"         reason, or error with file, line and column; then a summary. Directories are\n"
	"         searched for *.toml, Kibana's *.ndjson and *.json, and rule pages (*.md).\n"
	"lint     say what is likely wrong with rules that load: fields and values that no event\n"
	"         has, clauses that contradict each other, patterns that mean something else, and\n"
	"         what is missing around the query. Notes depend on what events there are.\n"
	"test     run the tests in rule files, and in files beside them, TOML or NDJSON: events "
	"that\n"
	"         must match and events that must not. What fails is told with the clause that\n"
	"         decided. docs/rules.md has the format.\n"
	"explain  show how a rule was compiled: what it is indexed by, its clauses and which of "
	"them\n"
	"         other rules share. With EVENTS, NDJSON files or -, also what each clause says "
	"of\n"
	"         each event, which one decided, and how far a sequence got.\n"
	"show     print one rule: what it finds, severity, threat, query, exceptions, schedule "
	"and\n"
	"         what to do about an alert. The first characters of the id are enough.\n"
	"list     one line per rule: state, severity, risk score, id, name\n"
	"\n"
	"  --rules PATH          explain, show, list, test: also read this file or directory; may "
	"be\n"
	"                        repeated\n"
	"  --no-default-rules    explain, show, list, test: leave the shipped rules out\n"
	"  --coverage            test: name the clauses that no test decides; they are a failure\n"
	"  -v, --verbose         test: also name the tests that pass\n"
	"  --disable CHECK       lint: leave this check out; may be repeated\n"
	"  --no-notes            lint: warnings only\n"
	"  --checks              lint: list the checks\n"
	"  -f, --format FORMAT   terminal (default) or ndjson\n"
	"  -h, --help            this text\n"
	"\n"
	"Examples:\n"
	"  lintel rules check my-rules/\n"
	"  lintel rules lint my-rules/ --disable no-threat\n"
	"  lintel rules test --coverage my-rules/\n"
	"  lintel rules explain my-rules/curl.toml events.ndjson\n"
	"  lintel rules list --rules detection-rules/rules/linux\n"
	"  lintel rules show 640f79d1 --rules detection-rules/rules/linux\n"
	"  lintel rules check my-rules/ --format ndjson | jq 'select(.state == \"error\")'\n"
	"\n"
	"Exit status: 0 done; 1 a rule has an error, lint a warning, a test fails or none is "
	"found,\n"
	"a path cannot be read, or no rule has the id; 2 wrong usage.\n",
    .run = run,
};
