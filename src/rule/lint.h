/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is likely wrong with a rule that compiles: what cannot match, matches by accident, or costs
 * without need. Every check has an id that stays; a finding has its place in the rule's file and
 * says how to fix it.
 */
#ifndef LINTEL_RULE_LINT_H
#define LINTEL_RULE_LINT_H

#include "rule/rule.h"

enum lint_level {
	LINT_WARNING, /* nearly always a mistake */
	LINT_NOTE,    /* worth knowing: depends on what events there are */
};

struct lint_check {
	const char *id;
	enum lint_level level;
	const char *text; /* what it finds and why that matters, one sentence */
};

/* All checks, in order of their ids. */
const struct lint_check *lint_checks(uint32_t *count);
/* By id; NULL if there is none. */
const struct lint_check *lint_check_find(struct str id);

/* Borrowed for the call. */
struct lint_finding {
	const struct lint_check *check;
	const struct rule *rule;
	const struct diag *diag; /* place, message, hint */
};

/*
 * Check every loaded rule of the set, in order. Rules that were skipped or are in error are left
 * out: loading has said what is wrong with them. `fields` is the set they were compiled with. The
 * rules' files are read again for the places of findings; of a file that is gone the findings come
 * without column.
 */
void lint_rules(const struct rule_set *set, const struct field_set *fields,
		void (*found)(void *context, const struct lint_finding *finding), void *context);

#endif
