/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `lintel rules explain`:
 *
 *	rules_explain.c       the verb: which rule, which events
 *	rules_explain_text.c  for a person
 *	rules_explain_json.c  one object a line
 *	rules_chain.c         how far events got in a sequence, and why no further
 *	rules_whole.c         what events before it decide of an event
 */
#ifndef LINTEL_CLI_RULES_EXPLAIN_INTERNAL_H
#define LINTEL_CLI_RULES_EXPLAIN_INTERNAL_H

#include "cli/rules_judge_internal.h"
#include "cli/rules_trial_internal.h"
#include "engine/explain.h"
#include "event/kept.h"

/* An event of the input, judged. */
struct explained_event {
	struct str place;              /* "events.ndjson:3" */
	struct kept_event *kept;       /* with the query's kept fields */
	bool *satisfies;               /* by filter */
	struct judged_filter *filters; /* by filter; its leaves' values are in `event` alone */
};

struct explanation {
	const struct rule_set *set;
	const struct field_set *fields;
	const struct engine_facts *facts;
	const struct rule *rule;
	struct explained_event *events;
	uint32_t event_count;
	bool colour, utf8;
	struct buf *out;
};

/* Text */
void explain_text_rule(const struct explanation *e);
/* While the event is in hand: `j` sees its values. */
void explain_text_event(const struct explanation *e, const struct judge *j,
			const struct explained_event *event, bool trees);
void explain_text_verdict(const struct explanation *e, const struct trial_finding *findings,
			  uint32_t count);

/* NDJSON */
void explain_json_rule(const struct explanation *e);
void explain_json_event(const struct explanation *e, const struct judge *j,
			const struct explained_event *event);
void explain_json_verdict(const struct explanation *e, const struct trial_finding *findings,
			  uint32_t count);

/* "event query", "sequence of 3 stages by host.id, maxspan 5m". */
void explain_add_kind(const struct explanation *e, struct buf *out);
/* "stage 2", "stages 2 to 61", "until"; empty for a query without stages. */
void explain_add_role(const struct eql_query *query, uint32_t filter, struct buf *out);
/* What is missing for an alert, in one or more lines without the last newline. */
void explain_add_chain(const struct explanation *e, struct buf *out);

/* Of the events `order[0..count)`, which are in order of time: bit i, the query's relation i holds.
 * To be freed. */
uint64_t *explain_relations(const struct explanation *e, const uint32_t *order, uint32_t count);
/* Does what events before decide hold? True for a filter where they decide nothing. */
bool explain_whole_holds(const struct eql_filter *filter, const struct eql_scene *scene,
			 struct eql_scratch *eql);
/* The first part of it that does not hold, with the values it saw; nothing if all holds. */
void explain_add_whole_reason(const struct explanation *e, const struct eql_filter *filter,
			      const struct eql_scene *scene, struct eql_scratch *eql,
			      struct buf *out);

#endif
