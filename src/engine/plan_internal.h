/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which groups of rules an event can concern depends on a handful of fields with few values
 * (category, type, action, operating system), so the same few combinations come again and again.
 * What was worked out for a combination is kept as a plan: the groups that are alive, the fields
 * their rules depend on, and the slots to try in any case.
 *
 * Plans belong to one thread's scratch, in a table of fixed size with a few places per hash value;
 * a newer plan takes the place of an older one. All memory is allocated when the scratch is made.
 */
#ifndef LINTEL_ENGINE_PLAN_INTERNAL_H
#define LINTEL_ENGINE_PLAN_INTERNAL_H

#include "engine/engine_internal.h"

/* Room for a dozen values; events with more, or with long ones, go without a plan. */
#define PLAN_KEY_WORDS 64

/* The values of engine->plan_fields, exactly: equal keys mean equal values. */
struct plan_key {
	uint64_t hash;
	uint32_t count;
	uint64_t words[PLAN_KEY_WORDS];
};

struct plan {
	struct plan_key key; /* count 0: no plan here */
	uint64_t serial;     /* of no other plan ever made; 0: not kept */
	uint32_t *groups, *always;
	uint32_t group_count, always_count;
	/* Of the first `keyed_count` the verdicts differ from event to event: the first `actor_count`
	 * are the actor's. The fields of the others are in the plan's own key, so theirs are always
	 * the same. */
	uint32_t *indexes;
	uint32_t index_count, keyed_count, actor_count;
	uint64_t *masks; /* of the verdicts of all indexes, by word: bits its groups look at */
	uint32_t *seen;  /* by verdict: what is left of it by the masks, or VERDICT_NONE */
};

struct plan_table;

/* `verdicts`: how many there may be at a time. */
struct plan_table *plan_table_new(const struct engine *engine, uint32_t verdicts);
void plan_table_free(struct plan_table *table);
/* Forget all plans; numbers of verdicts change their meaning. */
void plan_table_forget(struct plan_table *table);
/* False if the event's values do not fit a key. */
bool plan_key_of(const struct engine *engine, const struct event *event, struct plan_key *key);
/* The plan with this key, or (*found false) the place where to make it. */
struct plan *plan_place(struct plan_table *table, const struct plan_key *key, bool *found);
/* Make the plan from its groups, which the caller has filled in; `marks` has room for all indexes
 * and `mark` is in none of its entries. */
void plan_make(struct plan_table *table, struct plan *plan, const struct plan_key *key,
	       uint32_t *marks, uint32_t mark);
/* A plan of no table, for events without a key. */
struct plan *plan_spare(struct plan_table *table);

#endif
