/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/version.h"

static const struct verb *const verbs[] = {
    &verb_watch, &verb_hunt, &verb_query, &verb_rules, &verb_coverage, &verb_completion,
};

#define VERB_COUNT (sizeof(verbs) / sizeof(*verbs))

const struct verb *const *cli_verbs(uint32_t *count)
{
	*count = VERB_COUNT;
	return verbs;
}

static int overview(FILE *out)
{
	fputs("lintel watches the doors of a Linux host: what software installs do, what the\n"
	      "dynamic linker is told to load, and what one process does to another.\n\n"
	      "usage: lintel VERB [options] [arguments]\n\n",
	      out);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(out, "  %-12s%s\n", verbs[i]->name, verbs[i]->summary);
	fputs("  help        this text, or that of a verb\n"
	      "  version     version and build\n\n"
	      "  lintel query 'process where process.name == \"sh\"' events.ndjson\n"
	      "  lintel hunt --rules my-rules/ events.ndjson.zst\n"
	      "  sudo lintel watch\n\n"
	      "`lintel VERB --help` shows a verb's options and examples.\n",
	      out);
	return fflush(out) == 0 ? EXIT_OK : EXIT_FAILED;
}

int cli_help(const struct verb *verb)
{
	printf("%s\n\nusage: %s\n\n%s", verb->summary, verb->usage, verb->help);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

int cli_usage_error(const struct verb *verb, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "lintel %s: ", verb->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: %s\nSee `lintel %s --help`.\n", verb->usage, verb->name);
	return EXIT_USAGE;
}

bool cli_number(const struct verb *verb, const char *option, const char *text, uint64_t min,
		uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);

	/* strtoull takes "-1" and leading blanks; an option's number is digits only. */
	if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && value >= min && value <= max) {
		*number = value;
		return true;
	}
	cli_usage_error(verb, "%s takes a whole number from %llu to %llu, not '%s'", option,
			(unsigned long long)min, (unsigned long long)max, text);
	return false;
}

bool cli_parse_seconds(const char *text, int64_t *ns)
{
	size_t digits = strspn(text, "0123456789");
	size_t length =
	    digits + (text[digits] == '.' ? 1 + strspn(text + digits + 1, "0123456789") : 0);
	bool ms = strcmp(text + length, "ms") == 0;

	/* Longer than a day with nanoseconds is no number anyone means. */
	if (!digits || length > 20 || (!ms && text[length] && strcmp(text + length, "s") != 0))
		return false;
	double value = strtod(text, NULL) * (ms ? 1e6 : 1e9);

	if (value > 86400e9)
		return false;
	*ns = (int64_t)(value + 0.5);
	return true;
}

bool cli_seconds(const struct verb *verb, const char *option, const char *text, int64_t *ns)
{
	if (cli_parse_seconds(text, ns))
		return true;
	cli_usage_error(verb, "%s takes seconds (2, 0.5, 500ms), at most a day, not '%s'", option,
			text);
	return false;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static int unknown_verb(const char *name)
{
	fprintf(stderr, "lintel: there is no verb '%s'; `lintel help` lists them.\n", name);
	return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
	if (argc < 2)
		return overview(stdout);
	const struct verb *verb = find_verb(argv[1]);

	return verb ? cli_help(verb) : unknown_verb(argv[1]);
}

/* A standard descriptor that our caller closed would go to the next file we open, and messages into
 * that file. Each is taken by a /dev/null opened the wrong way round, so that use still fails. */
static bool take_closed_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	const char *debug = getenv("LINTEL_DEBUG");

	if (!take_closed_descriptors())
		return EXIT_FAILED;
	if (debug && *debug)
		log_set_level(LOG_LEVEL_DEBUG);
	if (argc < 2) {
		overview(stderr);
		return EXIT_USAGE;
	}
	const char *name = argv[1];

	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return help(argc - 1, argv + 1);
	if (!strcmp(name, "version") || !strcmp(name, "--version")) {
		printf("lintel %s\n", LINTEL_VERSION);
		return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
	}
	const struct verb *verb = find_verb(name);

	return verb ? verb->run(argc - 1, argv + 1) : unknown_verb(name);
}
