/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event being matched:
 *
 *	engine.c   what is remembered: plan, situation, outcome
 *	judge.c    values ──► verdicts
 *	slots.c    verdicts ──► leaves ──► slots
 */
#ifndef LINTEL_ENGINE_MATCH_INTERNAL_H
#define LINTEL_ENGINE_MATCH_INTERNAL_H

#include "engine/outcome_internal.h"
#include "engine/plan_internal.h"
#include "engine/situation_internal.h"
#include "engine/value_cache_internal.h"
#include "engine/verdict_internal.h"

/* The value of a field, once it has been looked at. */
struct judged {
	uint32_t epoch;
	uint32_t verdict; /* as it was when the event came; of what the situation asks for, if the
			     field is none of the actor's */
	uint32_t latest;  /* with what LATER leaves have said since */
	bool remembered;  /* by the cache */
};

/*
 * What one thread knows of the event in hand, and of those before. An entry of the arrays of numbers
 * is of this event when it carries the current epoch, so nothing is cleared between events.
 */
struct engine_scratch {
	uint32_t epoch;
	uint32_t *leaves;     /* EVENT leaves: epoch << 1 | result */
	uint32_t *groups;     /* alive: category fits and gate holds */
	uint32_t *planned;    /* indexes in the plan being made */
	uint32_t *slots;      /* is a candidate already */
	uint32_t *tests;      /* is to be tried, or was */
	uint32_t *of_nothing; /* by index: the verdict on a missing field, or VERDICT_NONE */
	uint32_t *of_any;     /* the same for a field with any value, if that is all that matters */
	uint32_t *key;        /* verdicts that something is looked up by */
	uint32_t *candidates;
	uint32_t *decided; /* slots that match whatever else the event has */
	uint32_t *open;    /* slots that ask an EVENT leaf; or that may match in a situation */
	uint32_t *asleep;  /* slots that may match in a situation if a wake bit holds */
	uint32_t *matched; /* both kinds that match */
	uint32_t *unknown; /* leaves that a slot may come to */
	uint32_t candidate_count, unknown_count;
	uint64_t *wanted, *wake; /* bits of all verdicts that a situation asks for */
	bool asked;              /* a leaf whose answer is not in a verdict */
	struct judged *judged;   /* by index */
	struct engine_hit *hits;
	struct verdict_table verdicts;
	struct value_cache *values;
	struct situation_table *situations;
	struct outcome_cache *outcomes;
	struct plan_table *plans;
	struct scan_scratch *scan;
	struct eql_scratch *eql;
	uint32_t *memory; /* all the numbers above, in one piece */
	size_t memory_count;
};

struct match {
	const struct engine *engine;
	const struct event *event;
	struct engine_scratch *s;
};

static inline const struct value *match_value_of(const struct match *m, uint32_t index)
{
	return event_get(m->event, m->engine->indexes[index].field);
}

/* ---- judge.c */

/* On the value of an index's field. */
uint32_t judge_verdict(struct match *m, uint32_t index);
/* Of the same verdict the bits that are wanted, as a verdict of its own. */
uint32_t judge_masked(struct match *m, uint32_t index, uint32_t verdict, const uint64_t *wanted);
/* Whether a wake bit of a field holds (else VERDICT_EMPTY), with no more work than that takes. The
 * field is none of the actor's; from now on this is its verdict on this event. */
uint32_t judge_wake(struct match *m, const struct look *look);
/* All that is asked of the field; from now on its verdict is a whole one. */
uint32_t judge_all(struct match *m, const struct look *look);

/* ---- slots.c */

bool slots_leaf_holds(struct match *m, uint32_t leaf);
bool slots_match(struct match *m, uint32_t slot);

enum slot_may {
	SLOT_MAY_MATCH = 1,
	SLOT_MAY_FAIL = 2,
};

/* What may come of a slot (enum slot_may) when only the plan's and the actor's verdicts are known, and
 * in `unknown` the leaves it depends on then. Once per slot and event. */
uint32_t slots_try(struct match *m, uint32_t slot);
/* Of the same slot: in `unknown` leaves of which one must hold if it is to match, each with a bit in a
 * verdict on what is done. False, and `unknown` as it was: there are none. */
bool slots_find_wake(struct match *m, uint32_t slot);

#endif
