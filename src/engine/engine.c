/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/match_internal.h"

/* The result bit takes one of the 32. */
#define EPOCH_MAX (UINT32_MAX >> 1)

static void allocate_numbers(struct engine_scratch *s, const struct engine *e)
{
	struct {
		uint32_t **array;
		size_t count;
	} arrays[] = {
	    {&s->leaves, e->leaf_count},      {&s->groups, e->group_count},
	    {&s->planned, e->index_count},    {&s->slots, e->slot_count},
	    {&s->of_nothing, e->index_count}, {&s->of_any, e->index_count},
	    {&s->key, e->index_count},        {&s->candidates, e->slot_count},
	    {&s->decided, e->slot_count},     {&s->open, e->slot_count},
	    {&s->matched, e->slot_count},     {&s->tests, e->code_count},
	    {&s->unknown, e->code_count},     {&s->asleep, e->slot_count},
	};
	const size_t n = sizeof(arrays) / sizeof(*arrays);

	for (size_t i = 0; i < n; i++)
		s->memory_count += arrays[i].count;
	s->memory = xcalloc(s->memory_count + 1, sizeof(*s->memory));
	for (size_t i = 0, at = 0; i < n; at += arrays[i++].count)
		*arrays[i].array = s->memory + at;
}

static void forget(struct engine_scratch *s)
{
	verdict_table_forget(&s->verdicts);
	value_cache_forget(s->values);
	situation_table_forget(s->situations);
	outcome_cache_forget(s->outcomes);
	plan_table_forget(s->plans);
	memset(s->of_nothing, 0xff, s->verdicts.engine->index_count * sizeof(*s->of_nothing));
	memset(s->of_any, 0xff, s->verdicts.engine->index_count * sizeof(*s->of_any));
}

struct engine_scratch *engine_scratch_new(const struct engine *e)
{
	struct engine_scratch *s = xcalloc(1, sizeof(*s));

	allocate_numbers(s, e);
	s->wanted = xcalloc((size_t)e->words + 1, sizeof(*s->wanted));
	s->wake = xcalloc((size_t)e->words + 1, sizeof(*s->wake));
	s->judged = xcalloc((size_t)e->index_count + 1, sizeof(*s->judged));
	s->hits = xcalloc(e->slot_count + 1, sizeof(*s->hits));
	s->scan = scan_scratch_new();
	for (uint32_t i = 0; i < e->index_count; i++)
		scan_scratch_fit(s->scan, e->indexes[i].scan);
	s->eql = eql_scratch_new();
	verdict_table_init(&s->verdicts, e);
	s->plans = plan_table_new(e, s->verdicts.cap);
	s->values = value_cache_new(e->index_count);
	s->situations = situation_table_new(e);
	s->outcomes = outcome_cache_new();
	forget(s);
	return s;
}

void engine_scratch_free(struct engine_scratch *s)
{
	if (!s)
		return;
	free(s->memory);
	free(s->wanted);
	free(s->wake);
	free(s->judged);
	free(s->hits);
	scan_scratch_free(s->scan);
	eql_scratch_free(s->eql);
	plan_table_free(s->plans);
	verdict_table_free(&s->verdicts);
	value_cache_free(s->values);
	situation_table_free(s->situations);
	outcome_cache_free(s->outcomes);
	free(s);
}

static void next_event(struct engine_scratch *s)
{
	if (s->epoch == EPOCH_MAX) {
		memset(s->memory, 0, s->memory_count * sizeof(*s->memory));
		memset(s->judged, 0, s->verdicts.engine->index_count * sizeof(*s->judged));
		s->epoch = 0;
		forget(s);
	}
	if (!verdict_table_has_room(&s->verdicts) || !situation_table_has_room(s->situations))
		forget(s);
	s->epoch++;
	s->candidate_count = 0;
}

/* ---- plans */

static bool gate_holds(struct match *m, const struct group *group)
{
	const uint32_t *leaves = engine_list(m->engine, group->gate);

	for (uint32_t i = 0; i < group->gate.count; i++)
		if (!slots_leaf_holds(m, leaves[i]))
			return false;
	return true;
}

static void find_groups(struct match *m, struct plan *plan)
{
	const struct engine *e = m->engine;

	plan->group_count = 0;
	for (uint32_t c = 0; c < e->category_count; c++) {
		const struct category *category = &e->categories[c];
		const uint32_t *groups = engine_list(e, category->groups);

		if (!eql_category_fits(category->filter, m->event))
			continue;
		for (uint32_t i = 0; i < category->groups.count; i++)
			if (gate_holds(m, &e->groups[groups[i]]))
				plan->groups[plan->group_count++] = groups[i];
	}
}

static const struct plan *find_plan(struct match *m)
{
	struct plan_key key;
	struct plan *plan;
	bool found;

	if (plan_key_of(m->engine, m->event, &key)) {
		plan = plan_place(m->s->plans, &key, &found);
		if (found)
			return plan;
	} else {
		plan = plan_spare(m->s->plans);
		key.count = 0;
	}
	find_groups(m, plan);
	plan_make(m->s->plans, plan, &key, m->s->planned, m->s->epoch);
	return plan;
}

/* ---- candidates: slots of which an anchor holds */

static void add_candidate(struct match *m, uint32_t slot)
{
	struct engine_scratch *s = m->s;

	if (s->slots[slot] == s->epoch || s->groups[m->engine->slots[slot].group] != s->epoch)
		return;
	s->slots[slot] = s->epoch;
	s->candidates[s->candidate_count++] = slot;
}

/* Those anchored on a bit that is set. */
static void add_anchored(struct match *m, uint32_t number, const uint64_t *bits)
{
	const struct field_index *index = &m->engine->indexes[number];

	for (uint32_t word = 0; word < index->words; word++)
		for (uint64_t left = bits[word]; left; left &= left - 1) {
			uint32_t bit = word * 64 + (uint32_t)__builtin_ctzll(left);
			struct span span = m->engine->bit_slots[index->first_word * 64 + bit];
			const uint32_t *slots = engine_list(m->engine, span);

			for (uint32_t i = 0; i < span.count; i++)
				add_candidate(m, slots[i]);
		}
}

static void find_candidates(struct match *m, const struct plan *plan, bool actor_only)
{
	for (uint32_t i = 0; i < plan->group_count; i++)
		m->s->groups[plan->groups[i]] = m->s->epoch;
	for (uint32_t i = 0; i < plan->always_count; i++)
		add_candidate(m, plan->always[i]);
	for (uint32_t i = 0; i < plan->index_count; i++) {
		uint32_t number = plan->indexes[i];

		/* Of a field that is not looked at any bit may be set. */
		if (actor_only && i >= plan->actor_count && i < plan->keyed_count)
			add_anchored(m, number,
				     plan->masks + m->engine->indexes[number].first_word);
		else
			add_anchored(m, number,
				     verdict_bits(&m->s->verdicts, judge_verdict(m, number)));
	}
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort(uint32_t *numbers, uint32_t count)
{
	if (count > 1)
		qsort(numbers, count, sizeof(*numbers), by_number);
}

/* Tries slots; those that match are appended to the decided ones, those that ask what is in no
 * verdict to the others. */
static void try_slots(struct match *m, const uint32_t *slots, uint32_t count, struct outcome *out)
{
	struct engine_scratch *s = m->s;

	for (uint32_t i = 0; i < count; i++) {
		s->asked = false;
		bool matches = slots_match(m, slots[i]);

		if (s->asked)
			s->open[out->undecided++] = slots[i];
		else if (matches)
			s->decided[out->matched++] = slots[i];
	}
	sort(s->decided, out->matched);
	/* No slot is in both, so there is room. */
	if (out->undecided)
		memcpy(s->decided + out->matched, s->open, out->undecided * sizeof(*s->open));
	out->slots = s->decided;
}

/* ---- situations */

/* A verdict as the plan's rules see it: of what it says of a value most is of interest to other rules
 * only, and without that there are far fewer. */
static uint32_t see(struct match *m, const struct plan *plan, uint32_t number, uint32_t verdict)
{
	uint32_t *seen = &plan->seen[verdict];

	if (verdict == VERDICT_EMPTY)
		return VERDICT_EMPTY;
	if (*seen == VERDICT_NONE)
		*seen = judge_masked(m, number, verdict,
				     plan->masks + m->engine->indexes[number].first_word);
	return *seen;
}

/* The bits of the unknown leaves. */
static void want_unknown(struct match *m, uint64_t *wanted)
{
	const struct engine *e = m->engine;

	for (uint32_t i = 0; i < m->s->unknown_count; i++) {
		const struct leaf *leaf = &e->leaves[m->s->unknown[i]];

		if (leaf->how == LEAF_EVENT)
			continue;
		uint64_t *bits = wanted + e->indexes[leaf->index].first_word;

		verdict_set(bits, leaf->bit);
		if (leaf->how == LEAF_LATER)
			verdict_set(bits, leaf->asked_bit);
	}
}

static uint32_t parts_of(const struct engine *e, uint32_t first_bit, uint64_t bits)
{
	uint32_t parts = 0;

	for (; bits; bits &= bits - 1)
		parts |= e->bit_parts[first_bit + (uint32_t)__builtin_ctzll(bits)];
	return parts;
}

/* What is wanted of a field. */
static struct want want_of(struct match *m, uint32_t number, const uint64_t *wanted)
{
	const struct field_index *index = &m->engine->indexes[number];
	const uint64_t *bits = wanted + index->first_word;
	struct want want = {0};
	uint64_t any = 0;

	for (uint32_t word = 0; word < index->words; word++) {
		any |= bits[word];
		want.parts |= parts_of(m->engine, (index->first_word + word) * 64, bits[word]);
	}
	if (!any)
		return want;
	want.bits = situation_room(m->s->situations, index->words * sizeof(*bits));
	memcpy(want.bits, bits, index->words * sizeof(*bits));
	return want;
}

static void add_looks(struct match *m, const struct plan *plan, struct situation *situation)
{
	uint32_t most = plan->keyed_count - plan->actor_count;

	situation->looks = situation_room(m->s->situations, most * sizeof(*situation->looks));
	for (uint32_t i = plan->actor_count; i < plan->keyed_count; i++) {
		uint32_t number = plan->indexes[i];
		struct want all = want_of(m, number, m->s->wanted);

		if (all.bits)
			situation->looks[situation->look_count++] =
			    (struct look){number, m->engine->indexes[number].field,
					  want_of(m, number, m->s->wake), all};
	}
}

static uint32_t *copy_slots(struct match *m, const uint32_t *slots, uint32_t count)
{
	uint32_t *copy = situation_room(m->s->situations, count * sizeof(*copy));

	if (count)
		memcpy(copy, slots, count * sizeof(*copy));
	return copy;
}

/* What a slot is in the situation, and what it asks for. */
static void add_slot(struct match *m, struct situation *situation, uint32_t slot)
{
	struct engine_scratch *s = m->s;
	uint32_t may = slots_try(m, slot);

	if (may == SLOT_MAY_MATCH)
		s->decided[situation->decided_count++] = slot;
	if (may != (SLOT_MAY_MATCH | SLOT_MAY_FAIL))
		return;
	want_unknown(m, s->wanted);
	if (slots_find_wake(m, slot))
		s->asleep[situation->asleep_count++] = slot;
	else
		s->open[situation->open_count++] = slot;
	want_unknown(m, s->wake);
}

static struct situation *make_situation(struct match *m, const struct plan *plan,
					const struct outcome_key *key)
{
	struct engine_scratch *s = m->s;
	struct situation *situation = situation_add(s->situations, key);

	find_candidates(m, plan, true);
	memset(s->wanted, 0, m->engine->words * sizeof(*s->wanted));
	memset(s->wake, 0, m->engine->words * sizeof(*s->wake));
	for (uint32_t i = 0; i < s->candidate_count; i++)
		add_slot(m, situation, s->candidates[i]);
	situation->decided = copy_slots(m, s->decided, situation->decided_count);
	situation->open = copy_slots(m, s->open, situation->open_count);
	situation->asleep = copy_slots(m, s->asleep, situation->asleep_count);
	situation->quiet_room =
	    situation_room(s->situations, (situation->decided_count + situation->open_count) *
					      sizeof(*situation->quiet_room));
	add_looks(m, plan, situation);
	return situation;
}

static struct situation *find_situation(struct match *m, const struct plan *plan)
{
	struct engine_scratch *s = m->s;
	struct outcome_key key = {plan->serial, s->key, plan->actor_count};
	struct situation *situation;

	for (uint32_t i = 0; i < plan->actor_count; i++)
		s->key[i] = see(m, plan, plan->indexes[i], judge_verdict(m, plan->indexes[i]));
	situation = situation_find(s->situations, &key);
	return situation ? situation : make_situation(m, plan, &key);
}

/* ---- all together */

static void work_out(struct match *m, const struct situation *situation, bool quiet,
		     struct outcome *out)
{
	struct engine_scratch *s = m->s;
	uint32_t n = situation->open_count;

	*out = (struct outcome){.matched = situation->decided_count};
	if (out->matched)
		memcpy(s->decided, situation->decided, out->matched * sizeof(*s->decided));
	if (n)
		memcpy(s->candidates, situation->open, n * sizeof(*s->candidates));
	for (uint32_t i = 0; !quiet && i < situation->asleep_count; i++)
		s->candidates[n++] = situation->asleep[i];
	try_slots(m, s->candidates, n, out);
}

/* No wake bit holds. */
static void find_quiet(struct match *m, struct situation *situation, struct outcome *out)
{
	if (!situation->quiet.slots) {
		work_out(m, situation, true, out);
		memcpy(situation->quiet_room, out->slots,
		       (out->matched + out->undecided) * sizeof(*out->slots));
		situation->quiet = *out;
		situation->quiet.slots = situation->quiet_room;
	}
	*out = situation->quiet;
}

static bool is_quiet(struct match *m, const struct situation *situation)
{
	for (uint32_t i = 0; i < situation->look_count; i++) {
		const struct look *look = &situation->looks[i];

		if (look->wake.bits && judge_wake(m, look) != VERDICT_EMPTY)
			return false;
	}
	return true;
}

static void find_outcome(struct match *m, struct situation *situation, struct outcome *out)
{
	struct engine_scratch *s = m->s;
	struct outcome_key key = {situation->serial, s->key, situation->look_count};

	if (is_quiet(m, situation)) {
		find_quiet(m, situation, out);
		return;
	}
	for (uint32_t i = 0; i < situation->look_count; i++)
		s->key[i] = judge_all(m, &situation->looks[i]);
	if (outcome_find(s->outcomes, &key, out))
		return;
	work_out(m, situation, false, out);
	outcome_keep(s->outcomes, &key, out);
}

/* For an event whose plan cannot be kept, nor what depends on it. */
static void find_outcome_alone(struct match *m, const struct plan *plan, struct outcome *out)
{
	*out = (struct outcome){0};
	find_candidates(m, plan, false);
	try_slots(m, m->s->candidates, m->s->candidate_count, out);
}

/* Asks what no verdict decides. Returns how many match. */
static uint32_t ask_undecided(struct match *m, const struct outcome *out, const uint32_t **matched)
{
	struct engine_scratch *s = m->s;
	uint32_t n = out->matched;

	*matched = out->slots;
	for (uint32_t i = 0; i < out->undecided; i++) {
		uint32_t slot = out->slots[out->matched + i];

		if (!slots_match(m, slot))
			continue;
		if (n == out->matched && n)
			memcpy(s->matched, out->slots, n * sizeof(*s->matched));
		*matched = s->matched;
		s->matched[n++] = slot;
	}
	/* Slots are numbered in order of loading. */
	if (n > out->matched)
		sort(s->matched, n);
	return n;
}

uint32_t engine_match(const struct engine *engine, const struct event *event,
		      struct engine_scratch *s, const struct engine_hit **hits)
{
	struct match m = {engine, event, s};
	const struct plan *plan;
	const uint32_t *matched;
	struct outcome out;
	uint32_t n;

	next_event(s);
	plan = find_plan(&m);
	if (plan->serial)
		find_outcome(&m, find_situation(&m, plan), &out);
	else
		find_outcome_alone(&m, plan, &out);
	n = ask_undecided(&m, &out, &matched);
	for (uint32_t i = 0; i < n; i++)
		s->hits[i] = engine->slots[matched[i]].hit;
	*hits = s->hits;
	return n;
}
