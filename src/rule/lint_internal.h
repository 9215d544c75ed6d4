/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the linter:
 *
 *	lint.c		the walk over a rule, its metadata, sequences; places in the file
 *	lint_logic.c	conditions that contradict, imply or repeat each other
 *	lint_leaf.c	single comparisons: fields, values, patterns
 *	lint_names.c	facts: names of fields, event actions and categories
 */
#ifndef LINTEL_RULE_LINT_INTERNAL_H
#define LINTEL_RULE_LINT_INTERNAL_H

#include "rule/lint.h"
#include "rule/rule_internal.h"

#define LINT_CHECKS(X)                                                                             \
	X(ACTION_OF_OTHER_CATEGORY, "action-of-other-category", WARNING,                           \
	  "the event.action belongs to events of another category than the query asks for, so it " \
	  "never matches")                                                                         \
	X(ALWAYS_TRUE, "always-true", WARNING, "the query holds for every event of its category")  \
	X(CONTRADICTION, "contradiction", WARNING,                                                 \
	  "clauses that must hold together never do, so this part never matches")                  \
	X(DUPLICATE_NAME, "duplicate-name", WARNING,                                               \
	  "two rules of one name cannot be told apart in a list of alerts")                        \
	X(EXCEPTION_EXCLUDES_ALL, "exception-excludes-all", WARNING,                               \
	  "an exception holds for everything the query matches, so the rule never alerts")         \
	X(FOREIGN_ACTION, "foreign-action", NOTE,                                                  \
	  "lintel's sensor sends no such event.action; another sensor must")                       \
	X(FOREIGN_FIELD, "foreign-field", NOTE,                                                    \
	  "lintel's sensor does not fill the field; another sensor must")                          \
	X(LEADING_WILDCARD, "leading-wildcard", NOTE,                                              \
	  "a pattern that begins and ends with * is looked for in the whole of a long field, for " \
	  "every event")                                                                           \
	X(MAX_SIGNALS, "max-signals", WARNING,                                                     \
	  "max_signals is above 1000, what Kibana allows by default, and no cap for a person")     \
	X(NO_MAXSPAN, "no-maxspan", WARNING,                                                       \
	  "a sequence without maxspan joins events months apart and is kept in memory for as "     \
	  "long")                                                                                  \
	X(NO_KEY, "no-key", WARNING,                                                               \
	  "a sequence without keys joins any event to any other, of all processes and hosts")      \
	X(NO_THREAT, "no-threat", WARNING,                                                         \
	  "no ATT&CK mapping: the alert does not say what it is a sign of")                        \
	X(REDUNDANT_CLAUSE, "redundant-clause", WARNING,                                           \
	  "a clause that another one makes superfluous, often left from an edit that meant more")  \
	X(REDUNDANT_ITEM, "redundant-item", NOTE,                                                  \
	  "an item of a list that another item's wildcards cover")                                 \
	X(REGEX_IN_PATTERN, "regex-in-pattern", WARNING,                                           \
	  "like and : know * and ? only; what looks like a regular expression is compared as it "  \
	  "stands")                                                                                \
	X(SAME_EVENT, "same-event", NOTE,                                                          \
	  "every event of one stage satisfies another stage as well; it still takes two events")   \
	X(SEVERITY_RISK, "severity-risk", WARNING,                                                 \
	  "severity and risk_score disagree: alerts sort one way and are labelled another")        \
	X(UNKNOWN_ACTION, "unknown-action", WARNING,                                               \
	  "an event.action that is nearly one that exists")                                        \
	X(UNKNOWN_FIELD, "unknown-field", WARNING,                                                 \
	  "a field that is nearly one that exists; a missing field is null and no error")          \
	X(UNKNOWN_VALUE, "unknown-value", WARNING,                                                 \
	  "a value that ECS does not allow in this field, so no event has it")                     \
	X(WILDCARD_IS_LITERAL, "wildcard-is-literal", WARNING,                                     \
	  "== and in take * and ? as ordinary characters; like or : is meant")

enum lint_id {
#define X(id, name, level, text) LINT_##id,
	LINT_CHECKS(X)
#undef X
	LINT_ID_COUNT
};

/* Fields without source that one rule names; beyond them they are repeated. */
#define LINT_SEEN_MAX 64

/* A rule being checked, and where its texts are. */
struct lint {
	const struct rule_set *set;
	const struct field_set *fields;
	const struct rule *rule;
	void (*found)(void *context, const struct lint_finding *finding);
	void *context;
	struct arena arena;        /* of one rule */
	struct rule_source source; /* rule NULL: the file cannot be read again */
	/* What the walk is in: the query, or an exception. */
	const struct tree_node *text_node;
	size_t prefix;                /* bytes put before the text when it was compiled */
	struct str text;              /* as it was compiled */
	uint64_t budget;              /* of comparisons, for one rule */
	uint32_t seen[LINT_SEEN_MAX]; /* fields spoken of */
	uint32_t seen_count;
};

/* Where a piece of the text in hand is in the file. */
struct diag lint_place(const struct lint *l, size_t at, size_t len);
struct diag lint_leaf_place(const struct lint *l, const struct eql_leaf *leaf);
/* Where a key of the rule's table is, or the table. */
struct diag lint_key_place(const struct lint *l, const char *key);
/* `hint`: how to fix it; its text is copied. */
void lint_report(struct lint *l, enum lint_id id, struct diag place, struct str hint,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* lint_leaf.c: every leaf of the condition. `category`: of the filter, empty for any. */
void lint_leaves(struct lint *l, const struct eql_cond *cond, bool negated, struct str category);
void lint_category(struct lint *l, const struct eql_filter *filter);
/* The leaf as its author wrote it, short. */
struct str lint_leaf_text(struct lint *l, const struct eql_leaf *leaf);

/* lint_logic.c */
void lint_logic(struct lint *l, const struct eql_cond *cond);
/* Does `b` hold for every event for which `a` holds? False when it is not seen to. */
bool lint_implies(struct lint *l, const struct eql_cond *a, const struct eql_cond *b);

/* lint_names.c */
bool lint_field_known(struct str name);
/* A known field that `name` is nearly; STR_NULL if there is none. */
struct str lint_field_near(struct str name, struct arena *arena);
/* Values that ECS allows in a field, NULL-terminated; NULL if it allows any. */
const char *const *lint_allowed_values(struct str field);
/* Is it an action of lintel's sensor, in any category; in this one? */
bool lint_action_ours(struct str action, struct str category);
/* Is it an action that some sensor whose events rules are written for sends? */
bool lint_action_known(struct str action);
struct str lint_action_near(struct str action);
/* The nearest of a NULL-terminated list within a slip or two; STR_NULL. */
struct str lint_near(struct str name, const char *const *list);

#endif
