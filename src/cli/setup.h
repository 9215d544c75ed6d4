/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that run rules share: loading them, and saying at the end what was lost. */
#ifndef LINTEL_CLI_SETUP_H
#define LINTEL_CLI_SETUP_H

#include "base/buf.h"
#include "engine/detector.h"
#include "rule/rule.h"

struct rule_options {
	const char **paths; /* --rules, in order */
	uint32_t path_count;
	bool no_default_rules;
};

/* Room for one more --rules path; the array grows, the string is borrowed. */
void rule_options_add(struct rule_options *options, const char *path);
void rule_options_free(struct rule_options *options);

/* How rules that look at more than one event run. */
struct detection_options {
	int64_t tolerance_ns; /* --tolerance */
	uint64_t state_megabytes;
	bool building_blocks; /* shown on the terminal too */
};

/* What people may set --state-memory to. Less than this is not enough for one busy rule. */
#define STATE_MEGABYTES_MIN 1
#define STATE_MEGABYTES_MAX (1024 * 1024)
#define STATE_MEGABYTES_DEFAULT (DETECTOR_BYTES_DEFAULT >> 20)

/* The bound on state as a detector wants it. */
static inline size_t state_bytes(const struct detection_options *options)
{
	return (size_t)options->state_megabytes << 20;
}

/* Load the shipped pack (unless left out) and the given paths. Broken rules are reported on stderr
 * and the others go on: a watch must not stop because one author made a typing error. Returns 0, or
 * -errno when a path cannot be read at all, or -ENOENT when no rule is left to run. */
int load_rules(const struct rule_options *options, struct rule_set *rules, struct field_set *fields)
    __attribute__((warn_unused_result));

/* What alert_suppression and max_signals left out, a message for each rule. Returns how
 * many in all. */
uint64_t say_left_out(const struct detector *detector);
/* ", 3 of them building blocks (--building-blocks shows them)", or nothing. */
void write_blocks(uint64_t count, bool shown, struct buf *out);
/* "N causes of loss": every counter that is not zero, a line each, as text. Returns how many. */
uint32_t write_losses(struct buf *out);

#endif
