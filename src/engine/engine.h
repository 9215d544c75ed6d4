/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All loaded rules as one. Equal leaves of different rules are one predicate, evaluated at most
 * once per event; a rule is looked at only when something it cannot match without is there. So the
 * cost of an event follows the number of rules that could fire, not the number loaded.
 *
 * The engine is built from a rule_set and never changes; each thread has its own engine_scratch.
 * Alerts come out of engine_run() through a callback, one at a time, borrowed for the call.
 */
#ifndef LINTEL_ENGINE_ENGINE_H
#define LINTEL_ENGINE_ENGINE_H

#include "event/event.h"
#include "rule/rule.h"

struct engine;
struct engine_scratch;

/* `rules` must outlive the engine. */
struct engine *engine_new(const struct rule_set *rules, struct field_set *fields);
void engine_free(struct engine *engine);
struct engine_scratch *engine_scratch_new(const struct engine *engine);
void engine_scratch_free(struct engine_scratch *scratch);

/* A filter of a rule's query that the event satisfies. If it says what the rule looks for (the event
 * itself, a stage, until), no exception of the rule holds; what a relation asks for knows none. For a
 * stateless rule that is a match, for others the detector's to judge. */
struct engine_hit {
	const struct rule *rule;
	uint32_t filter;
	uint32_t number; /* the rule's place in the rule set */
};

/* All hits, by rule in order of loading, then by filter. The array belongs to the scratch and is
 * good until its next use. */
uint32_t engine_match(const struct engine *engine, const struct event *event,
		      struct engine_scratch *scratch, const struct engine_hit **hits);

#endif
