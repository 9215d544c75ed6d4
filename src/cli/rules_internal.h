/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `lintel rules`: rules.c parses the command line, the others print. */
#ifndef LINTEL_CLI_RULES_INTERNAL_H
#define LINTEL_CLI_RULES_INTERNAL_H

#include "base/buf.h"
#include "rule/rule.h"

struct rules_options {
	bool ndjson;
	bool no_default_rules;
	bool help;
	bool coverage;              /* test */
	bool verbose;               /* test */
	bool no_notes, list_checks; /* lint */
	const char **disabled;      /* lint: ids of checks */
	uint32_t disabled_count;
	const char **paths; /* --rules */
	uint32_t path_count;
};

/* The shipped pack and --rules, into a set that may have rules already. 0 or -errno, said. */
int rules_load(const struct rules_options *o, struct rule_set *set, struct field_set *fields)
    __attribute__((warn_unused_result));
/* By id, or by how the ids of no other rules begin; NULL, said, if there is none. */
const struct rule *rules_find(const struct rule_set *set, struct str id);

/* `what`: the id of a rule, or the path of a file or directory; `inputs`: events. */
int rules_explain(const struct rules_options *o, const char *what, const char *const *inputs,
		  uint32_t count);

/* Load every path and say what is likely wrong with its rules. */
int rules_lint(const struct rules_options *o, const char *const *paths, uint32_t count);
/* What `lint` looks for. */
int rules_list_checks(bool ndjson);

/* Run the tests in files and directories. */
int rules_test(const struct rules_options *o, const char *const *paths, uint32_t count);

/* Load every path into a set of its own and print what came of each rule. Returns an exit status.
 */
int rules_check(const char *const *paths, uint32_t count, bool ndjson);

/* One line per rule, for `list`. */
void rules_list(const struct rule_set *set, bool ndjson, struct buf *out);
/* A rule on a page, for `show`. */
void rule_show(const struct rule *rule, struct buf *out);
/* A rule as one JSON line, without its newline; `full` adds what only `show` prints. */
void rule_write_json(const struct rule *rule, bool full, struct buf *out);

/* Append text from a rule file for a terminal: control characters, which could move its cursor or
 * worse, become '?'; newlines stay and are followed by `indent` blanks. */
void rules_add_text(struct buf *out, struct str text, uint32_t indent);
/* Nanoseconds as a rule would write them: "5m". */
void rules_add_span(struct buf *out, int64_t ns);

#endif
