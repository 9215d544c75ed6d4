/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few events through the whole engine: what `rules test` and `rules explain` ask it. Each trial of
 * one set begins with nothing remembered.
 *
 *	trial_begin(t);
 *	trial_event(t, json, &why);	one or more; they are numbered from 0
 *	findings = trial_end(t, &count);
 */
#ifndef LINTEL_CLI_RULES_TRIAL_INTERNAL_H
#define LINTEL_CLI_RULES_TRIAL_INTERNAL_H

#include "event/event.h"
#include "rule/rule.h"

/* In trial_finding.events: the event that had to be missing. */
#define TRIAL_MISSING UINT64_MAX

struct trial_finding {
	const struct rule *rule;
	uint64_t *events; /* numbers */
	uint32_t event_count;
};

struct trial;

/* Both must outlive the trial. No field can be added any more. */
struct trial *trial_new(const struct rule_set *rules, struct field_set *fields);
void trial_free(struct trial *trial);

void trial_begin(struct trial *trial);
/* The next event, one JSON object. 0, or -errno with the reason in *why. */
int trial_event(struct trial *trial, struct str json, const char **why)
    __attribute__((warn_unused_result));
/* The event read last; good until the next one. */
const struct event *trial_last_event(const struct trial *trial);
/* What came of it, in order of finding; good until the next trial_begin(). */
const struct trial_finding *trial_end(struct trial *trial, uint32_t *count);

#endif
