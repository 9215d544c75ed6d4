/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one file per verb, each ending in a `const struct verb` that says what it is,
 * takes and prints. `lintel help`, the usage errors and the man page checks come from these.
 *
 * A verb's file parses its flags with getopt_long, wires source to engine to sink, and returns an
 * exit status. It must call getopt_long on (argc, argv) where argv[0] is the verb's name.
 */
#ifndef LINTEL_CLI_CLI_H
#define LINTEL_CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

enum cli_exit {
	EXIT_OK = 0,     /* done, whether or not anything matched */
	EXIT_FAILED = 1, /* the work found what it looked for as a failure (a rule with an error),
			    or could not go on (output cannot be written, sensor lost) */
	EXIT_USAGE = 2,  /* wrong flags, or a query or configuration that is rejected */
	EXIT_DENIED = 3, /* needs root or a kernel feature that is not there */
};

struct verb {
	const char *name;    /* "query" */
	const char *summary; /* one line for `lintel help` */
	const char *usage;   /* "lintel query [options] 'EQL' [INPUT...]" */
	const char *actions; /* words that may come first, blanks between; NULL if there are none */
	const char *help;    /* options, examples, exit status: what --help prints below usage */
	int (*run)(int argc, char **argv);
};

extern const struct verb verb_watch;
extern const struct verb verb_hunt;
extern const struct verb verb_query;
extern const struct verb verb_rules;
extern const struct verb verb_coverage;
extern const struct verb verb_completion;

/* All verbs, in the order of `lintel help`. */
const struct verb *const *cli_verbs(uint32_t *count);
/* Print usage and help to stdout; returns EXIT_OK. */
int cli_help(const struct verb *verb);
/* "lintel query: message" and where to get help, on stderr; returns EXIT_USAGE. */
int cli_usage_error(const struct verb *verb, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A whole decimal number in [min, max] from an option's argument. False, with the usage error
 * printed, when it is not one. */
bool cli_number(const struct verb *verb, const char *option, const char *text, uint64_t min,
		uint64_t max, uint64_t *number);
/* Seconds with a fraction: "2", "0.5", "2s", "500ms"; at most a day. False when it is none. */
bool cli_parse_seconds(const char *text, int64_t *ns);
/* The same from an option's argument, with a usage error. */
bool cli_seconds(const struct verb *verb, const char *option, const char *text, int64_t *ns);

#endif
