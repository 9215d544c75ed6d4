/* SPDX-License-Identifier: Apache-2.0 */
/* From verdicts to leaves, from leaves to whether a filter of a rule matches. */
#include "engine/match_internal.h"

/* Not in a verdict: asked once for an event. */
static bool event_leaf_holds(struct match *m, const struct leaf *leaf, uint32_t number)
{
	uint32_t *known = &m->s->leaves[number];

	m->s->asked = true;
	if (*known >> 1 != m->s->epoch)
		*known = m->s->epoch << 1 | (uint32_t)eql_leaf_eval(leaf->eql, m->event, m->s->eql);
	return *known & 1;
}

/* For the next event with this value the leaf's answer is part of the verdict. */
static void learn(struct match *m, const struct leaf *leaf, bool holds)
{
	struct verdict_table *verdicts = &m->s->verdicts;
	struct judged *judged = &m->s->judged[leaf->index];
	uint64_t *bits = verdict_draft(verdicts, leaf->index);

	memcpy(bits, verdict_bits(verdicts, judged->latest),
	       m->engine->indexes[leaf->index].words * sizeof(*bits));
	verdict_set(bits, leaf->asked_bit);
	if (holds)
		verdict_set(bits, leaf->bit);
	judged->latest = verdict_number(verdicts, leaf->index);
	value_cache_learn(m->s->values, leaf->index, judged->latest);
}

static bool later_leaf_holds(struct match *m, const struct leaf *leaf, uint32_t number)
{
	const struct verdict_table *verdicts = &m->s->verdicts;
	uint32_t verdict = judge_verdict(m, leaf->index);
	const struct judged *judged = &m->s->judged[leaf->index];

	if (verdict_has(verdicts, verdict, leaf->asked_bit))
		return verdict_has(verdicts, verdict, leaf->bit);
	if (match_value_of(m, leaf->index)->type == VALUE_NULL || !judged->remembered)
		return event_leaf_holds(m, leaf, number);
	m->s->asked = true;
	if (!verdict_has(verdicts, judged->latest, leaf->asked_bit))
		learn(m, leaf, eql_leaf_eval(leaf->eql, m->event, m->s->eql));
	return verdict_has(verdicts, judged->latest, leaf->bit);
}

bool slots_leaf_holds(struct match *m, uint32_t number)
{
	const struct leaf *leaf = &m->engine->leaves[number];

	if (leaf->how == LEAF_EVENT)
		return event_leaf_holds(m, leaf, number);
	if (leaf->how == LEAF_LATER)
		return later_leaf_holds(m, leaf, number);
	return verdict_has(&m->s->verdicts, judge_verdict(m, leaf->index), leaf->bit);
}

bool slots_match(struct match *m, uint32_t slot)
{
	const struct test *code = m->engine->code;
	uint32_t at = m->engine->slots[slot].start;

	while (at < CODE_FAIL)
		at = slots_leaf_holds(m, code[at].leaf) ? code[at].on_true : code[at].on_false;
	return at == CODE_MATCH;
}

/* ---- with part of the event alone */

enum known {
	KNOWN_FALSE,
	KNOWN_TRUE,
	KNOWN_NOT,
};

/* By the plan and the actor. */
static enum known leaf_known(struct match *m, const struct leaf *leaf)
{
	if (leaf->how == LEAF_EVENT)
		return KNOWN_NOT;
	const struct field_index *index = &m->engine->indexes[leaf->index];

	if (!index->of_plan && !index->of_actor)
		return KNOWN_NOT;
	uint32_t verdict = judge_verdict(m, leaf->index);

	if (leaf->how == LEAF_LATER && !verdict_has(&m->s->verdicts, verdict, leaf->asked_bit))
		return KNOWN_NOT;
	return verdict_has(&m->s->verdicts, verdict, leaf->bit) ? KNOWN_TRUE : KNOWN_FALSE;
}

/* The ways from a test on that are still to be gone. */
struct ways {
	struct match *m;
	uint32_t left; /* tests marked and not tried yet */
	uint32_t may;  /* enum slot_may, found so far */
};

static void go_on(struct ways *ways, uint32_t to)
{
	struct engine_scratch *s = ways->m->s;

	if (to >= CODE_FAIL) {
		ways->may |= to == CODE_MATCH ? SLOT_MAY_MATCH : SLOT_MAY_FAIL;
	} else if (s->tests[to] != s->epoch) {
		s->tests[to] = s->epoch;
		ways->left++;
	}
}

/* As far as there is one way only. */
static uint32_t skip_known(struct match *m, uint32_t at)
{
	const struct test *code = m->engine->code;

	while (at < CODE_FAIL) {
		enum known known = leaf_known(m, &m->engine->leaves[code[at].leaf]);

		if (known == KNOWN_NOT)
			break;
		at = known == KNOWN_TRUE ? code[at].on_true : code[at].on_false;
	}
	return at;
}

uint32_t slots_try(struct match *m, uint32_t slot)
{
	struct engine_scratch *s = m->s;
	struct ways ways = {.m = m};
	uint32_t start = skip_known(m, m->engine->slots[slot].start);

	s->unknown_count = 0;
	go_on(&ways, start);
	/* Code is written backwards, so every way leads down. */
	for (uint32_t at = start; ways.left; at--) {
		const struct test *test = &m->engine->code[at];

		if (s->tests[at] != s->epoch)
			continue;
		ways.left--;
		enum known known = leaf_known(m, &m->engine->leaves[test->leaf]);

		if (known == KNOWN_NOT)
			s->unknown[s->unknown_count++] = test->leaf;
		if (known != KNOWN_FALSE)
			go_on(&ways, test->on_true);
		if (known != KNOWN_TRUE)
			go_on(&ways, test->on_false);
	}
	return ways.may;
}

/* Along the way on which nothing unknown holds: if it does not end in a match, no other way does on
 * which nothing holds either. */
static bool walk_asleep(struct match *m, uint32_t slot, bool note)
{
	struct engine_scratch *s = m->s;
	uint32_t at = m->engine->slots[slot].start;

	while (at < CODE_FAIL) {
		const struct test *test = &m->engine->code[at];
		const struct leaf *leaf = &m->engine->leaves[test->leaf];
		enum known known = leaf_known(m, leaf);

		at = known == KNOWN_TRUE ? test->on_true : test->on_false;
		if (known != KNOWN_NOT || test->on_true == CODE_FAIL)
			continue;
		if (leaf->how == LEAF_EVENT || leaf->how == LEAF_LATER)
			return false;
		if (note)
			s->unknown[s->unknown_count++] = test->leaf;
	}
	return at == CODE_FAIL;
}

bool slots_find_wake(struct match *m, uint32_t slot)
{
	if (!walk_asleep(m, slot, false))
		return false;
	m->s->unknown_count = 0;
	return walk_asleep(m, slot, true);
}
