/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a sequence did not come about. The longest chain of events is looked for, each on the next
 * stage (those that must be missing left out), later than the one before, with the same keys and
 * within maxspan of the first; then why no event goes on from there. This is not how sequences are
 * matched (eql/machine.h), only how their absence is told.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/rules_explain_internal.h"
#include "cli/rules_internal.h"

/* Every pair of events is compared. */
#define CHAIN_EVENTS_MAX 2000
/* Events that do not go on, told one by one. */
#define STRAYS_MAX 3

/* ---- words for a query */

static void add_keys(const struct explanation *e, const struct eql_stage *stage, struct buf *out)
{
	for (uint32_t k = 0; k < e->rule->query->key_count; k++) {
		if (k)
			buf_add(out, STR(", "));
		buf_add(out, field_set_info(e->fields, stage->keys[k].field)->name);
	}
}

static void add_group_fields(const struct rule_fields *fields, struct buf *out)
{
	for (uint32_t i = 0; i < fields->count; i++)
		buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(fields->names[i]));
}

void explain_add_kind(const struct explanation *e, struct buf *out)
{
	const struct rule *rule = e->rule;
	const struct eql_query *q = rule->query;

	if (rule->kind == RULE_KIND_THRESHOLD) {
		buf_printf(out, "threshold: %" PRIu64 " events", rule->threshold.value);
		if (rule->threshold.fields.count) {
			buf_add(out, STR(" with the same "));
			add_group_fields(&rule->threshold.fields, out);
		}
	} else if (rule->kind == RULE_KIND_NEW_TERMS) {
		buf_add(out, STR("new terms: an event with new values of "));
		add_group_fields(&rule->new_terms.fields, out);
	} else if (q->kind == EQL_QUERY_EVENT) {
		buf_add(out, q->relation_count ? STR("one event, and what its ancestors did")
					       : STR("one event"));
	} else {
		buf_printf(out, "%s of %u events",
			   q->kind == EQL_QUERY_SEQUENCE ? "sequence" : "sample", q->stage_count);
	}
	if (q->key_count && q->stage_count) {
		buf_add(out, STR(" by "));
		add_keys(e, &q->stages[0], out);
	}
	if (q->maxspan_ns) {
		buf_add(out, STR(", maxspan "));
		rules_add_span(out, q->maxspan_ns);
	}
}

static void add_stage_numbers(const struct eql_query *q, uint32_t filter, struct buf *out)
{
	const char *between = "";
	const char *noun = q->kind == EQL_QUERY_SAMPLE ? "member" : "stage";

	for (uint32_t i = 0, end; i < q->stage_count; i = end) {
		end = i + 1;
		if (q->stages[i].filter != filter)
			continue;
		while (end < q->stage_count && q->stages[end].filter == filter)
			end++;
		buf_printf(out, "%s%s %u", between, noun, i + 1);
		if (end - i > 1)
			buf_printf(out, " to %u", end);
		if (q->stages[i].missing)
			buf_add(out, STR(" (must be missing)"));
		between = ", ";
	}
	if (q->until && q->until->filter == filter)
		buf_printf(out, "%suntil", between);
}

static void add_relation(const struct eql_query *q, uint32_t filter, struct buf *out)
{
	static const char *const names[] = {
	    [EQL_EVENT_OF] = "event of",
	    [EQL_CHILD_OF] = "child of",
	    [EQL_DESCENDANT_OF] = "descendant of",
	};

	for (uint32_t i = 0; i < q->relation_count; i++)
		if (q->relations[i].filter == filter)
			buf_printf(out, "%s%s", out->len ? ", " : "", names[q->relations[i].kind]);
	if (q->lineage_filter == filter)
		buf_printf(out, "%slineage", out->len ? ", " : "");
}

void explain_add_role(const struct eql_query *q, uint32_t filter, struct buf *out)
{
	add_stage_numbers(q, filter, out);
	add_relation(q, filter, out);
}

/* ---- chains */

struct link {
	int64_t first_ns; /* time of the chain's first event; INT64_MIN: no chain */
	uint32_t before;  /* place of the event before, UINT32_MAX for the first stage */
};

struct chain {
	const struct explanation *e;
	const struct eql_query *q;
	uint32_t *order; /* events by time */
	uint32_t count;
	struct link *links; /* by depth * count + place in `order` */
	uint32_t *stages;   /* by depth: those that are not missing */
	uint32_t depth;
	uint64_t *relations;             /* that hold, by place */
	const struct kept_event **scene; /* by stage: the chain in hand */
	struct eql_scratch *eql;
};

static const struct kept_event *event_at(const struct chain *c, uint32_t place)
{
	return c->e->events[c->order[place]].kept;
}

static bool same_value(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_STRING:
		return str_eq(value_as_str(a), value_as_str(b));
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_DOUBLE:
		return a->real <= b->real && a->real >= b->real;
	case VALUE_NULL:
		return true;
	default:
		return a->integer == b->integer;
	}
}

/* A list can join by any of its values. */
static bool values_meet(const struct value *a, const struct value *b)
{
	const struct value *x = a->type == VALUE_LIST ? a->items : a;
	const struct value *y = b->type == VALUE_LIST ? b->items : b;
	uint32_t nx = a->type == VALUE_LIST ? a->count : 1;
	uint32_t ny = b->type == VALUE_LIST ? b->count : 1;

	for (uint32_t i = 0; i < nx; i++)
		for (uint32_t k = 0; k < ny; k++)
			if (same_value(&x[i], &y[k]))
				return true;
	return false;
}

/* The first key that keeps the event from the stage (it is null) or from joining `other`; key_count
 * when none does. */
static uint32_t failing_key(const struct chain *c, const struct eql_stage *stage,
			    const struct kept_event *event, const struct eql_stage *other_stage,
			    const struct kept_event *other)
{
	for (uint32_t k = 0; k < c->q->key_count; k++) {
		const struct value *v = kept_event_get(event, stage->keys[k].field);

		if (v->type == VALUE_NULL && !stage->keys[k].optional)
			return k;
		if (other && !values_meet(v, kept_event_get(other, other_stage->keys[k].field)))
			return k;
	}
	return c->q->key_count;
}

static bool satisfies(const struct chain *c, uint32_t place, uint32_t stage)
{
	return c->e->events[c->order[place]].satisfies[c->q->stages[stage].filter];
}

static const struct eql_filter *filter_at(const struct chain *c, uint32_t depth)
{
	return &c->q->filters[c->q->stages[c->stages[depth]].filter];
}

/* What the event at `place` sees as the one for `depth`, behind the chain that ends at `before`. */
static struct eql_scene scene_of(const struct chain *c, uint32_t depth, uint32_t place,
				 uint32_t before)
{
	for (uint32_t i = 0; i < c->q->stage_count; i++)
		c->scene[i] = NULL;
	for (uint32_t d = depth; d-- > 0 && before != UINT32_MAX;) {
		c->scene[c->stages[d]] = event_at(c, before);
		before = c->links[(size_t)d * c->count + before].before;
	}
	return (struct eql_scene){.event = event_at(c, place),
				  .stages = c->scene,
				  .stage_count = c->q->stage_count,
				  .relations = c->relations[place]};
}

static bool whole_holds(const struct chain *c, uint32_t depth, uint32_t place, uint32_t before)
{
	const struct eql_filter *filter = filter_at(c, depth);

	if (!filter->whole)
		return true;
	const struct eql_scene scene = scene_of(c, depth, place, before);

	return explain_whole_holds(filter, &scene, c->eql);
}

static void link_first(struct chain *c, uint32_t place)
{
	const struct eql_stage *stage = &c->q->stages[c->stages[0]];
	const struct kept_event *event = event_at(c, place);

	if (satisfies(c, place, c->stages[0]) &&
	    failing_key(c, stage, event, NULL, NULL) == c->q->key_count &&
	    whole_holds(c, 0, place, UINT32_MAX))
		c->links[place] = (struct link){event->time_ns, UINT32_MAX};
}

static bool in_span(const struct chain *c, int64_t first_ns, int64_t time_ns)
{
	return !c->q->maxspan_ns || time_ns - first_ns <= c->q->maxspan_ns;
}

/* The chain with the latest beginning is the one that maxspan lets go furthest. */
static void link_next(struct chain *c, uint32_t depth, uint32_t place)
{
	const struct eql_stage *stage = &c->q->stages[c->stages[depth]];
	const struct eql_stage *before = &c->q->stages[c->stages[depth - 1]];
	struct link *link = &c->links[(size_t)depth * c->count + place];

	if (!satisfies(c, place, c->stages[depth]))
		return;
	for (uint32_t i = 0; i < place; i++) {
		const struct link *prior = &c->links[(size_t)(depth - 1) * c->count + i];

		if (prior->first_ns == INT64_MIN || prior->first_ns <= link->first_ns ||
		    kept_event_order(event_at(c, i), event_at(c, place)) > 0 ||
		    !in_span(c, prior->first_ns, event_at(c, place)->time_ns) ||
		    failing_key(c, stage, event_at(c, place), before, event_at(c, i)) !=
			c->q->key_count ||
		    !whole_holds(c, depth, place, i))
			continue;
		*link = (struct link){prior->first_ns, i};
	}
}

/* How many stages the best chain has; *last is where its last event is. */
static uint32_t longest(struct chain *c, uint32_t *last)
{
	uint32_t best = 0;

	for (size_t i = 0; i < (size_t)c->depth * c->count; i++)
		c->links[i] = (struct link){INT64_MIN, UINT32_MAX};
	for (uint32_t depth = 0; depth < c->depth; depth++)
		for (uint32_t place = 0; place < c->count; place++) {
			if (depth)
				link_next(c, depth, place);
			else
				link_first(c, place);
			if (c->links[(size_t)depth * c->count + place].first_ns != INT64_MIN) {
				best = depth + 1;
				*last = place;
			}
		}
	return best;
}

/* ---- words for what was found */

static void add_place(const struct chain *c, uint32_t place, struct buf *out)
{
	rules_add_text(out, c->e->events[c->order[place]].place, 0);
}

static void add_seconds(struct buf *out, int64_t ns)
{
	buf_printf(out, "%.9g s", (double)ns / 1e9);
}

static void add_key_reason(const struct chain *c, const struct eql_stage *stage,
			   const struct kept_event *event, const struct eql_stage *other_stage,
			   const struct kept_event *other, uint32_t key, struct buf *out)
{
	const struct value *v = kept_event_get(event, stage->keys[key].field);

	if (v->type == VALUE_NULL && !stage->keys[key].optional) {
		buf_printf(out, "its join key %.*s is missing",
			   STR_ARG(field_set_info(c->e->fields, stage->keys[key].field)->name));
		return;
	}
	buf_printf(out, "its %.*s is ",
		   STR_ARG(field_set_info(c->e->fields, stage->keys[key].field)->name));
	judge_add_value(v, out);
	buf_printf(out, ", but %.*s of the stage before is ",
		   STR_ARG(field_set_info(c->e->fields, other_stage->keys[key].field)->name));
	judge_add_value(kept_event_get(other, other_stage->keys[key].field), out);
}

/* Why the event, which satisfies the stage at `depth`, does not go on from `last`. */
static void add_stray(const struct chain *c, uint32_t depth, uint32_t last, uint32_t place,
		      struct buf *out)
{
	const struct eql_stage *stage = &c->q->stages[c->stages[depth]];
	const struct eql_stage *before = depth ? &c->q->stages[c->stages[depth - 1]] : NULL;
	const struct kept_event *event = event_at(c, place);
	const struct kept_event *other = depth ? event_at(c, last) : NULL;
	uint32_t key = failing_key(c, stage, event, before, other);

	add_place(c, place, out);
	buf_printf(out, " satisfies stage %u, but ", c->stages[depth] + 1);
	if (key < c->q->key_count) {
		add_key_reason(c, stage, event, before, other, key, out);
		return;
	}
	int64_t first = other ? c->links[(size_t)(depth - 1) * c->count + last].first_ns : 0;

	if (other && place <= last) {
		buf_add(out, STR("it does not come after "));
		add_place(c, last, out);
	} else if (other && !in_span(c, first, event->time_ns)) {
		buf_add(out, STR("it comes "));
		add_seconds(out, event->time_ns - first);
		buf_add(out, STR(" after the first event, and maxspan is "));
		add_seconds(out, c->q->maxspan_ns);
	} else if (!whole_holds(c, depth, place, depth ? last : UINT32_MAX)) {
		const struct eql_scene scene = scene_of(c, depth, place, depth ? last : UINT32_MAX);

		explain_add_whole_reason(c->e, filter_at(c, depth), &scene, c->eql, out);
	} else {
		buf_add(out, STR("it does not go on from there"));
	}
}

static void add_strays(const struct chain *c, uint32_t depth, uint32_t last, struct buf *out)
{
	uint32_t said = 0, all = 0;

	for (uint32_t place = 0; place < c->count; place++) {
		if (!satisfies(c, place, c->stages[depth]))
			continue;
		all++;
		if (said == STRAYS_MAX)
			continue;
		buf_add(out, STR("\n  "));
		add_stray(c, depth, last, place, out);
		said++;
	}
	if (!all)
		buf_printf(out, "; no event satisfies stage %u", c->stages[depth] + 1);
	if (all > said)
		buf_printf(out, "\n  and %u more events satisfy it", all - said);
}

static void add_whole_chain(const struct chain *c, struct buf *out)
{
	const struct eql_query *q = c->q;

	buf_add(out, STR("every stage has its event, in order"));
	for (uint32_t i = 0; i < q->stage_count; i++)
		for (uint32_t place = 0; q->stages[i].missing && place < c->count; place++)
			if (satisfies(c, place, i)) {
				buf_add(out, STR("\n  "));
				add_place(c, place, out);
				buf_printf(out, " satisfies stage %u, which must be missing",
					   i + 1);
			}
	for (uint32_t place = 0; q->until && place < c->count; place++)
		if (c->e->events[c->order[place]].satisfies[q->until->filter]) {
			buf_add(out, STR("\n  "));
			add_place(c, place, out);
			buf_add(out, STR(" satisfies until, which ends what has begun"));
		}
}

static void add_progress(struct chain *c, struct buf *out)
{
	uint32_t last = 0;
	uint32_t reached = longest(c, &last);

	if (reached == c->depth) {
		add_whole_chain(c, out);
		return;
	}
	if (!reached) {
		buf_add(out, STR("the sequence does not begin"));
	} else {
		buf_printf(out, "the sequence gets to stage %u of %u, with ",
			   c->stages[reached - 1] + 1, c->q->stage_count);
		add_place(c, last, out);
	}
	add_strays(c, reached, last, out);
}

static int by_time(const void *a, const void *b, void *context)
{
	const struct explanation *e = context;

	return kept_event_order_total(e->events[*(const uint32_t *)a].kept,
				      e->events[*(const uint32_t *)b].kept);
}

static void chain_init(struct chain *c, const struct explanation *e)
{
	const struct eql_query *q = e->rule->query;

	*c = (struct chain){.e = e, .q = q, .eql = eql_scratch_new()};
	c->count = e->event_count < CHAIN_EVENTS_MAX ? e->event_count : CHAIN_EVENTS_MAX;
	c->order = xcalloc((size_t)c->count + 1, sizeof(*c->order));
	c->stages = xcalloc((size_t)q->stage_count + 1, sizeof(*c->stages));
	c->scene = xcalloc((size_t)q->stage_count + 1, sizeof(*c->scene));
	for (uint32_t i = 0; i < q->stage_count; i++)
		if (!q->stages[i].missing)
			c->stages[c->depth++] = i;
	for (uint32_t i = 0; i < c->count; i++)
		c->order[i] = i;
	if (c->count)
		qsort_r(c->order, c->count, sizeof(*c->order), by_time, (void *)(uintptr_t)e);
	c->relations = explain_relations(e, c->order, c->count);
	c->links = xcalloc((size_t)c->depth * c->count + 1, sizeof(*c->links));
}

static void chain_free(struct chain *c)
{
	free(c->links);
	free(c->relations);
	free(c->scene);
	free(c->order);
	free(c->stages);
	eql_scratch_free(c->eql);
}

static void add_sequence(const struct explanation *e, struct buf *out)
{
	struct chain c;

	chain_init(&c, e);
	add_progress(&c, out);
	if (c.count < e->event_count)
		buf_printf(out, " (only the first %u events are considered here)", c.count);
	chain_free(&c);
}

/* Of an event query: what its process's ancestors did not do. */
static void add_relations(const struct explanation *e, struct buf *out)
{
	const struct eql_filter *filter = &e->rule->query->filters[0];
	struct chain c;
	uint32_t said = 0;

	chain_init(&c, e);
	buf_add(out, STR("the event's own part holds, but not what is asked of its process's "
			 "ancestors"));
	for (uint32_t place = 0; place < c.count && said < STRAYS_MAX; place++) {
		const struct eql_scene scene = {.event = event_at(&c, place),
						.relations = c.relations[place]};

		if (!e->events[c.order[place]].satisfies[0])
			continue;
		buf_add(out, STR("\n  "));
		add_place(&c, place, out);
		buf_add(out, STR(": "));
		explain_add_whole_reason(e, filter, &scene, c.eql, out);
		said++;
	}
	chain_free(&c);
}

static uint32_t satisfying(const struct explanation *e, uint32_t filter)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->event_count; i++)
		n += e->events[i].satisfies[filter];
	return n;
}

void explain_add_chain(const struct explanation *e, struct buf *out)
{
	const struct eql_query *q = e->rule->query;

	if (q->kind == EQL_QUERY_SEQUENCE && q->stage_count) {
		add_sequence(e, out);
		return;
	}
	if (q->kind == EQL_QUERY_SAMPLE) {
		for (uint32_t i = 0; i < q->stage_count; i++)
			buf_printf(out, "%smember %u has %u event%s", i ? ", " : "", i + 1,
				   satisfying(e, q->stages[i].filter),
				   satisfying(e, q->stages[i].filter) == 1 ? "" : "s");
		buf_add(out, STR("; one for each, with the same keys, is needed"));
		return;
	}
	if (e->rule->kind == RULE_KIND_THRESHOLD || e->rule->kind == RULE_KIND_NEW_TERMS)
		buf_printf(out, "%u of %u events satisfy the query", satisfying(e, 0),
			   e->event_count);
	else if (q->relation_count && satisfying(e, 0))
		add_relations(e, out);
}
