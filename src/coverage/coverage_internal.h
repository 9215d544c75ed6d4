/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the judgement:
 *
 *	rule.c		what a rule needs of its filters, keys and groups
 *	filter.c	can a filter be satisfied, and what of it cannot
 *	blame.c		what is missing, by the kind of event that comes nearest
 */
#ifndef LINTEL_COVERAGE_INTERNAL_H
#define LINTEL_COVERAGE_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "coverage/coverage.h"

/* What a condition may come out as under one kind of event. */
enum outcome {
	MAY_BE_FALSE = 1,
	MAY_BE_TRUE = 2,
};

/* A condition of one filter, with what has been found out. */
struct node {
	const struct eql_cond *cond;
	struct node *kids;
	uint8_t outcomes; /* enum outcome, under the kind in hand */
	bool live;        /* under some kind it has a part in satisfying the filter */
	uint32_t filled;  /* of a leaf: bit i, its field i was filled where it is live */
};

/* A filter under every kind. */
struct fed_filter {
	const struct eql_filter *filter;
	struct node root;
	struct node whole; /* cond NULL: there is none */
	uint64_t *kinds;   /* bitmap of those that satisfy it */
	bool fed;          /* any */
};

struct judge {
	const struct supply *supply;
	const struct field_set *fields;
	struct arena gaps;  /* results */
	struct arena arena; /* of one rule */
	struct eql_scratch *scratch;
	struct event event; /* the facets of the kind in hand */
	const struct supply_kind *kind;
	uint32_t kind_index;
	const struct rule *rule;
	struct fed_filter *filters; /* of the rule's query */
	/* What the rule in hand lacks. */
	struct coverage_gap *found;
	uint32_t found_count, found_cap;
};

/* Is the field filled by events of the kind in hand, or, of another stage, by any that satisfy it?
 */
bool leaf_field_filled(const struct judge *j, const struct eql_leaf *leaf, uint32_t i);
/* Does the leaf read nothing but facets whose values are known? */
bool leaf_is_settled(const struct judge *j, const struct eql_leaf *leaf);
/* Compute node->outcomes of the whole tree for the kind in hand. */
void find_outcomes(struct judge *j, struct node *node);
/* The kind in hand from now on. */
void take_kind(struct judge *j, uint32_t kind);
/* Does the kind in hand come with the key fields that may not be missing? */
bool has_keys(const struct judge *j, const struct eql_key *keys, uint32_t count);

/* Find out under which kinds the filter holds. `keys` must be there as well. */
void feed_filter(struct judge *j, uint32_t filter, const struct eql_key *keys, uint32_t count);
/* Add what of a satisfiable filter is missing. */
void find_gaps(struct judge *j, struct fed_filter *fed, uint32_t stage);

/* Add what keeps a filter, with these keys, from being satisfied. */
void blame_filter(struct judge *j, struct fed_filter *fed, const struct eql_key *keys,
		  uint32_t count, uint32_t stage, enum gap_cost cost);
/* Add what keeps an alternative from ever holding. */
void blame_node(struct judge *j, struct fed_filter *fed, struct node *node, uint32_t stage);

/* One more gap; repetitions are dropped. */
void add_gap(struct judge *j, struct coverage_gap gap);
void add_field_gap(struct judge *j, uint32_t field, uint32_t stage, enum gap_cost cost);

/* products.c: facts about other sensors */
/* Is a comparison of the field, which never holds here, about another operating system? */
bool value_is_foreign(struct str field);
/* Is the field another operating system's, or another sensor's whose indices the rule in hand names? */
bool field_is_foreign(const struct judge *j, struct str field);

#endif
