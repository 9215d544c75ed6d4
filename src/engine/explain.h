/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the rules were compiled into one engine: what each filter of each rule is indexed by, and
 * what it shares with others. For `lintel rules explain`; matching knows nothing of it.
 */
#ifndef LINTEL_ENGINE_EXPLAIN_H
#define LINTEL_ENGINE_EXPLAIN_H

#include "engine/engine.h"

/* One of the things without one of which a filter cannot hold. */
enum engine_anchor_how {
	ANCHOR_EXACT,   /* the field has this value: found by one hash lookup per value */
	ANCHOR_PATTERN, /* the field matches: found by the scan of all patterns of the field */
	ANCHOR_PRESENT, /* the field has a value at all */
};

struct engine_anchor {
	enum engine_anchor_how how;
	uint32_t field;
	struct str text; /* EXACT, PATTERN */
	bool fold;       /* in lower case; compared without regard to case */
	bool ends;       /* PATTERN: only the ends of the value are looked at */
};

struct engine_slot_facts {
	/* Tested once for all rules that ask for the same, before anything else. */
	const struct eql_leaf *const *gate;
	uint32_t gate_count;
	uint32_t gate_sharers; /* filters, this one included, behind the same category and gate */
	/* None: the filter is tried for every event that gets through the gate. */
	const struct engine_anchor *anchors;
	uint32_t anchor_count;
	float candidates; /* of 1000 events behind the gate so many are tried; a guess */
	float cost_ns;    /* of trying one: a guess */
};

/* Do the rule's exceptions take events out of what satisfies this filter? */
bool engine_filter_has_exceptions(const struct rule *rule, uint32_t filter);

struct engine_facts;

/* Builds an engine of the rules, keeps what was decided, and lets the engine go. Both must outlive
 * the facts. */
struct engine_facts *engine_facts_new(const struct rule_set *rules, struct field_set *fields);
void engine_facts_free(struct engine_facts *facts);
/* Of a filter of a rule; NULL when the rule does not run. */
const struct engine_slot_facts *engine_facts_of(const struct engine_facts *facts,
						const struct rule *rule, uint32_t filter);
/* How many rules have this leaf, in a query or an exception. */
uint32_t engine_facts_rules_with(const struct engine_facts *facts, const struct eql_leaf *leaf);

#endif
