/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `lintel coverage`:
 *
 *	coverage.c		options, and what is asked of whom
 *	coverage_kernel.c	this kernel's hooks
 *	coverage_stored.c	how far back what is stored reaches
 *	coverage_text.c		the table for people
 *	coverage_json.c		NDJSON
 *	coverage_layer.c	a layer of the ATT&CK Navigator
 */
#ifndef LINTEL_CLI_COVERAGE_INTERNAL_H
#define LINTEL_CLI_COVERAGE_INTERNAL_H

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/losses.h"
#include "coverage/analytic.h"
#include "coverage/coverage.h"
#include "sensor/probe.h"

enum coverage_format {
	COVERAGE_TEXT,
	COVERAGE_NDJSON,
	COVERAGE_NAVIGATOR,
};

enum coverage_source {
	SOURCE_SENSOR,
	SOURCE_AUDIT,
	SOURCE_INPUT, /* recorded telemetry */
};

struct coverage_options {
	struct config config;
	struct rule_options rules;
	const char *config_path;
	const char *output; /* NULL: stdout */
	const char *technique;
	enum coverage_format format;
	enum coverage_source source;
	bool source_set;
	bool no_probe;
	bool only_set;
	enum coverage_verdict only;
	uint64_t fail_below; /* percent */
	bool help;
};

/* What was found out of this kernel. */
struct kernel_report {
	char release[128];
	bool has_btf;
	bool probed;
	const char *unprobed; /* why not; NULL: nobody asked */
	enum hook_state hooks[HOOK_COUNT];
};

/* A file of what is stored. */
struct stored_file {
	const char *path;
	const char *what;          /* "alerts", "events" */
	int error;                 /* -errno; -ENOENT: there is none */
	int64_t first_ns, last_ns; /* INT64_MIN: no line has a time */
};

#define STORED_FILES_MAX 2

/* How many of each verdict. */
struct tally {
	uint32_t of[COVERAGE_VERDICT_COUNT];
	uint32_t total;
};

struct coverage_report {
	const struct coverage_options *options;
	const struct field_set *fields;
	const struct rule_set *rules;
	const struct supply *supply;
	struct kernel_report kernel;
	struct rule_coverage *results; /* of the loaded rules, by technique and name */
	uint32_t count;
	/* Of rules for Elastic Defend's indices, which lintel's events are like, and of the others. Of
	 * recorded telemetry all are in the first. */
	struct tally endpoint, others, analytics;
	struct losses_report losses;
	struct stored_file stored[STORED_FILES_MAX];
	uint32_t stored_count;
	uint64_t input_events, input_malformed;
};

/* Fill `kernel`; 0, or why its hooks could not be tried: -EPERM, -ENOTSUP. */
int coverage_probe(struct kernel_report *kernel, bool no_probe);
/* The actions of lintel's sensor that do not come here, NULL-terminated, in `arena`; NULL: none. */
const char *const *coverage_blind(const struct kernel_report *kernel, struct arena *arena);

/* First and last time in the alerts and events of the configuration. Paths are in `arena`. */
void coverage_stored(struct coverage_report *report, struct arena *arena);

/* Is the rule, the analytic, one that --only and --technique let through? */
bool coverage_shows(const struct coverage_report *report, const struct rule_coverage *result);
bool coverage_shows_analytic(const struct coverage_report *report, const struct analytic *analytic,
			     enum coverage_verdict verdict);
/* The rule's first technique, a sub-technique before its parent; empty if it has none. */
struct str coverage_technique(const struct rule *rule);
/* "by what it lacks": the gap as one short text. */
void coverage_write_gap(const struct coverage_gap *gap, struct buf *out);
/* Percent of the tally that is full; 100 of nothing. */
double coverage_percent(const struct tally *tally);
/* Does the report have to do with this? Of the sources the name. */
const char *coverage_source_name(enum coverage_source source);

void coverage_write_text(const struct coverage_report *report, bool colour, struct buf *out);
void coverage_write_ndjson(const struct coverage_report *report, struct buf *out);
void coverage_write_layer(const struct coverage_report *report, struct buf *out);

#endif
