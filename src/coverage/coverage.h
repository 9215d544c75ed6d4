/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules can fire on what a source of events gives.
 *
 * A rule needs events: of a category, with values in event.action and its like, with fields filled.
 * Every filter of its query (the event query, each stage of a sequence) is tried with every kind of
 * event of the source. Under one kind each comparison is settled, open, or settled by a missing
 * field:
 *
 *	over facets alone	it holds or does not, for every event of the kind
 *	over a missing field	it does not hold; `x == null` does
 *	over other fields	may hold or not
 *
 * and so are `and`, `or` and `not` over them. What may hold under some kind can fire; what can under
 * none is blamed on the kind that comes nearest. docs/coverage.md defines the verdicts.
 */
#ifndef LINTEL_COVERAGE_COVERAGE_H
#define LINTEL_COVERAGE_COVERAGE_H

#include "coverage/supply.h"
#include "rule/rule.h"

enum coverage_verdict {
	COVERAGE_FULL, /* every part can fire, and every field that is read is filled */
	COVERAGE_PART, /* can fire, but not by every alternative, or not less what it excludes */
	COVERAGE_NO,   /* can never fire */
	COVERAGE_VERDICT_COUNT,
};

/* What is missing. */
enum gap_kind {
	GAP_CATEGORY, /* no events of the category */
	GAP_VALUE,    /* no events with the value: an action, a type */
	GAP_FIELD,    /* the field is never filled */
};

/* What that costs. */
enum gap_cost {
	GAP_RULE,        /* the rule cannot fire */
	GAP_ALTERNATIVE, /* one side of an `or` never holds */
	GAP_EXCLUSION,   /* an exclusion never applies, so the rule may fire where it should not */
	GAP_OPTIONAL,    /* the author wrote `?field`: it need not be there */
	/* Of another operating system or another vendor's sensor: never meant for this source. */
	GAP_FOREIGN,
};

struct coverage_gap {
	enum gap_kind kind;
	enum gap_cost cost;
	struct str what; /* the field's name, the category, or the comparison as EQL */
	uint32_t field;  /* GAP_FIELD; and the compared field of GAP_VALUE */
	uint32_t stage;  /* of a sequence or sample, from 1; 0 otherwise */
	uint64_t events; /* GAP_FIELD, of recorded telemetry: of other kinds, that have the field */
};

struct rule_coverage {
	const struct rule *rule;
	/* Are the indices it names, or are they not given, those of Elastic Defend, whose events
	 * lintel's own are? */
	bool is_for_endpoint;
	enum coverage_verdict verdict;
	const struct coverage_gap *gaps; /* by cost; without repetition */
	uint32_t gap_count;
};

struct judge;

/* For judging rules compiled with `fields`; both are borrowed. */
struct judge *judge_new(const struct supply *supply, const struct field_set *fields);
void judge_free(struct judge *judge);
/* Judge a loaded rule. The gaps are the coverage's. */
struct rule_coverage judge_rule(struct judge *judge, const struct rule *rule);

const char *coverage_verdict_name(enum coverage_verdict verdict); /* "full", "part", "missing" */
const char *coverage_gap_name(enum gap_kind kind);                /* "category", "value", "field" */
const char *coverage_cost_name(enum gap_cost cost); /* "rule", "alternative", "exclusion", ... */

/* Does one of the index patterns cover data streams of Elastic Defend? Without patterns: yes. */
bool coverage_for_endpoint(const struct str *indices, uint32_t count);

#endif
