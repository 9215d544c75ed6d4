/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a condition holds for an event or does not: every leaf is evaluated, also where matching
 * would have stopped, and the whole tree kept.
 */
#ifndef LINTEL_CLI_RULES_JUDGE_INTERNAL_H
#define LINTEL_CLI_RULES_JUDGE_INTERNAL_H

#include "base/buf.h"
#include "eql/query.h"
#include "rule/rule.h"

struct judge {
	const struct field_set *fields;
	const struct event *event;
	struct eql_scratch *eql;
	struct arena *arena; /* of the trees */
};

struct judged {
	const struct eql_cond *cond;
	bool holds;
	struct judged *kids; /* cond->kid_count */
};

/* A filter of a rule, with the rule's exceptions where they belong to it. */
struct judged_filter {
	const struct rule *rule;
	uint32_t number;
	bool category_fits;
	struct judged cond;
	struct judged *exceptions; /* by the rule's exception; NULL: none belong to it */
	bool holds;                /* all of it together */
};

struct judged judge_cond(const struct judge *j, const struct eql_cond *cond);
struct judged_filter judge_filter(const struct judge *j, const struct rule *rule, uint32_t filter);

/* The reason in one line, without newline: which leaf decided, and the values it saw. */
void judge_add_reason(const struct judge *j, const struct judged *tree, struct buf *out);
void judge_add_filter_reason(const struct judge *j, const struct judged_filter *f, struct buf *out);

/* What a leaf or a person sees in a field: `"a"`, `("a", "b")`, `missing`. */
void judge_add_value(const struct value *value, struct buf *out);
/* `process.name is "bash"`, for every field of the leaf. */
void judge_add_values(const struct judge *j, const struct eql_leaf *leaf, struct buf *out);

#endif
