/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `lintel rules test`:
 *
 *	rules_test.c		the verb: files, runs, verdicts, report
 *	rules_test_toml.c	test files in TOML
 *	rules_test_ndjson.c	test files in NDJSON
 *	rules_test_cover.c	which clauses of a rule decided a test
 *
 * A file is read into cases first, each a list of events as JSON with what is expected of them; then
 * the cases are run, whatever they were read from.
 */
#ifndef LINTEL_CLI_RULES_TEST_INTERNAL_H
#define LINTEL_CLI_RULES_TEST_INTERNAL_H

#include "base/arena.h"
#include "base/diag.h"
#include "cli/rules_judge_internal.h"

/* A test says what one person thought of; more events are a log, and `lintel hunt` reads those. */
#define TEST_EVENTS_MAX 10000
/* A generated file of tests; one of Elastic's rules has a dozen. */
#define TEST_CASES_MAX 100000

struct test_event {
	struct str json;
	uint32_t line; /* where it is written */
};

/* The events of one alert, numbered from 1. */
struct test_alert {
	uint32_t *events;
	uint32_t event_count;
};

enum test_expect {
	EXPECT_NONE,   /* match = false */
	EXPECT_SOME,   /* match = true */
	EXPECT_COUNT,  /* match = 3 */
	EXPECT_ALERTS, /* alerts = [[1, 2]]: these and no others */
	EXPECT_RULES,  /* test.expect: these rules, of all that are loaded, and no others */
};

struct test_case {
	struct str name;
	uint32_t line;
	struct str rule; /* id, or path relative to the test file; empty: the file's own rule */
	enum test_expect expect;
	uint64_t count; /* EXPECT_COUNT */
	struct test_alert *alerts;
	uint32_t alert_count;
	struct str *rules; /* EXPECT_RULES: names of rule files without .toml, or ids */
	uint32_t rule_count;
	struct test_event *events;
	uint32_t event_count;
};

struct test_file {
	struct arena arena; /* owns everything below */
	struct str path;
	bool has_rule; /* the file has a rule of its own */
	struct test_case *cases;
	uint32_t case_count, case_cap;
};

void test_file_init(struct test_file *file, const char *path);
void test_file_free(struct test_file *file);
struct test_case *test_file_add(struct test_file *file);

/* Read a file. A file with a rule and no tests has no cases and is no error. Returns 0, or -EINVAL
 * with what is wrong in `diags`. */
int test_read_toml(struct test_file *file, struct str text, struct diag_list *diags)
    __attribute__((warn_unused_result));
int test_read_ndjson(struct test_file *file, struct str text, struct diag_list *diags)
    __attribute__((warn_unused_result));

/* ---- coverage */

struct coverage;

struct coverage *coverage_new(void);
void coverage_free(struct coverage *coverage);
/* A rule that is to be covered, whether or not a test runs it. */
void coverage_add_rule(struct coverage *coverage, const struct rule *rule,
		       const struct field_set *fields);
/* An event of a test of the rule that passed. */
void coverage_add_event(struct coverage *coverage, const struct judge *j, const struct rule *rule);
/* What no test decides, and a summary. Returns how many clauses that are. */
uint32_t coverage_report(const struct coverage *coverage, bool ndjson, struct buf *out);

#endif
