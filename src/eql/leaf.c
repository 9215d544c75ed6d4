/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/leaf_internal.h"

#include "base/counter.h"
#include "eql/function_internal.h"
#include "eql/matcher_internal.h"
#include "eql/regex_internal.h"
#include "eql/scratch_internal.h"

/* ---- building */

/* Rough ns of an expression per value; only the order matters. */
static uint32_t cost_of(const struct eql_expr *x)
{
	uint32_t cost = 3;

	for (uint32_t i = 0; i < x->kid_count; i++)
		cost += cost_of(x->kids[i]);
	if (x->kind == EXPR_MATCH)
		cost += eql_matcher_cost(x->matcher);
	else if (x->kind == EXPR_REGEX)
		cost += 400;
	else if (x->kind == EXPR_CALL)
		cost += 20;
	return cost;
}

/* Values per multi-valued field, as argument vectors go. */
#define TYPICAL_VALUES 4

static uint32_t node_count(const struct eql_expr *x)
{
	uint32_t count = 1 + x->item_count;

	for (uint32_t i = 0; i < x->kid_count; i++)
		count += node_count(x->kids[i]);
	return count;
}

static uint32_t combinations_max(const struct eql_expr *x)
{
	uint64_t most = EQL_EVALUATED_NODES_MAX / node_count(x);

	return most > EQL_COMBINATIONS_MAX ? EQL_COMBINATIONS_MAX : most ? (uint32_t)most : 1;
}

static void set_cost(struct eql_leaf *leaf, struct compiler *c, uint32_t cost)
{
	for (uint32_t i = 0; i < leaf->field_count; i++)
		if (field_set_info(c->fields, leaf->fields[i])->multi)
			cost *= TYPICAL_VALUES;
	leaf->cost = cost;
}

/* The fields of an expression, each with its stage, in order of appearance. */
struct field_list {
	uint32_t fields[EQL_LEAF_FIELDS_MAX], stages[EQL_LEAF_FIELDS_MAX];
	uint32_t count;
	bool staged; /* some stage is not EQL_THIS_EVENT */
};

static bool add_field(struct field_list *list, struct eql_expr *x)
{
	for (x->slot = 0; x->slot < list->count; x->slot++)
		if (list->fields[x->slot] == x->field && list->stages[x->slot] == x->stage)
			return true;
	if (list->count == EQL_LEAF_FIELDS_MAX)
		return false;
	list->fields[list->count] = x->field;
	list->stages[list->count++] = x->stage;
	list->staged |= x->stage != EQL_THIS_EVENT;
	return true;
}

static bool collect_fields(struct field_list *list, struct eql_expr *x)
{
	if (x->kind == EXPR_FIELD && !add_field(list, x))
		return false;
	for (uint32_t i = 0; i < x->kid_count; i++)
		if (!collect_fields(list, x->kids[i]))
			return false;
	return true;
}

static void set_fields(struct eql_leaf *leaf, struct compiler *c, const struct field_list *list)
{
	uint32_t *fields = ARENA_ARRAY(c->arena, uint32_t, list->count);

	memcpy(fields, list->fields, list->count * sizeof(*fields));
	leaf->fields = fields;
	leaf->field_count = list->count;
	if (!list->staged)
		return;
	uint32_t *stages = ARENA_ARRAY(c->arena, uint32_t, list->count);

	memcpy(stages, list->stages, list->count * sizeof(*stages));
	leaf->field_stages = stages;
}

static void set_key(struct eql_leaf *leaf, struct compiler *c)
{
	struct buf key = {0};

	eql_expr_key(c->fields, leaf->expr, &key);
	leaf->key = arena_str(c->arena, buf_str(&key));
	buf_free(&key);
}

/* What the leaf is, from its expression's outermost node over a plain field. */
static void classify(struct eql_leaf *leaf)
{
	const struct eql_expr *x = leaf->expr;

	leaf->kind = EQL_LEAF_OTHER;
	if (x->kid_count == 0 || x->kids[0]->kind != EXPR_FIELD)
		return;
	if (x->kind == EXPR_IS_NULL) {
		leaf->kind = EQL_LEAF_NULL;
	} else if (x->kind == EXPR_MATCH && x->matcher->match_all) {
		leaf->kind = EQL_LEAF_EXISTS;
	} else if (x->kind == EXPR_MATCH) {
		leaf->kind = x->matcher->pattern_count ? EQL_LEAF_WILDCARD : EQL_LEAF_EXACT;
		leaf->fold = x->matcher->fold;
		leaf->strings = x->matcher->all;
		leaf->string_count = x->matcher->all_count;
		leaf->strings_only = x->matcher->strings_only;
	} else {
		return;
	}
	leaf->field = x->kids[0]->field;
}

/* Holds with every field missing? Then skipping a rule because they are missing would be wrong. */
static bool holds_without_values(struct compiler *c, const struct eql_leaf *leaf)
{
	struct value none[EQL_LEAF_FIELDS_MAX] = {0};
	struct eval e = {.slots = none, .scratch = c->scratch};
	struct value v;
	bool holds = eql_eval(&e, leaf->expr, &v) && v.type == VALUE_BOOL && v.boolean;

	arena_reset(&c->scratch->arena);
	return holds;
}

static void set_place(struct eql_leaf *leaf, const struct eql_expr *x)
{
	leaf->text_at = x->span.at;
	leaf->text_len = x->span.len;
}

struct eql_leaf *eql_leaf_presence(struct compiler *c, uint32_t field, uint32_t stage,
				   enum eql_leaf_kind kind)
{
	struct eql_leaf *leaf = ARENA_NEW(c->arena, struct eql_leaf);
	struct field_list list = {
	    .fields = {field}, .stages = {stage}, .count = 1, .staged = stage != EQL_THIS_EVENT};
	struct str name = field_set_info(c->fields, field)->name;
	const char *what = kind == EQL_LEAF_NULL ? "null" : "exists";

	leaf->kind = kind;
	leaf->field = field;
	set_fields(leaf, c, &list);
	leaf->needs_value = kind == EQL_LEAF_EXISTS;
	leaf->cost = 1;
	leaf->key = list.staged ? arena_printf(c->arena, "%s@%u(%.*s)", what, stage, STR_ARG(name))
				: arena_printf(c->arena, "%s(%.*s)", what, STR_ARG(name));
	return leaf;
}

struct eql_leaf *eql_leaf_new(struct compiler *c, struct eql_expr *x)
{
	struct eql_leaf *leaf = ARENA_NEW(c->arena, struct eql_leaf);
	struct field_list list = {0};

	leaf->expr = x;
	if (!collect_fields(&list, x)) {
		eql_error(c->source, (struct span){0, 1}, STR("split the expression"),
			  "one comparison or function names more than %d fields",
			  EQL_LEAF_FIELDS_MAX);
		return leaf;
	}
	classify(leaf);
	if (leaf->kind == EQL_LEAF_NULL || leaf->kind == EQL_LEAF_EXISTS) {
		leaf = eql_leaf_presence(c, leaf->field, list.stages[0], leaf->kind);
		set_place(leaf, x);
		return leaf;
	}
	set_place(leaf, x);
	set_fields(leaf, c, &list);
	leaf->needs_value = !holds_without_values(c, leaf);
	leaf->combinations_max = combinations_max(x);
	set_cost(leaf, c, cost_of(x));
	set_key(leaf, c);
	return leaf;
}

/* ---- evaluating */

/* A field's values as an array, empty when it is missing. */
static uint32_t values_of(const struct value *v, const struct value **items)
{
	*items = v;
	if (v->type == VALUE_NULL)
		return 0;
	if (v->type != VALUE_LIST)
		return 1;
	*items = v->items;
	return v->count;
}

/* The value of the leaf's i-th field. */
static const struct value *value_of(const struct eql_leaf *leaf, uint32_t i,
				    const struct eql_view *view)
{
	static const struct value missing;
	const struct eql_scene *scene = view->scene;
	const struct kept_event *kept = NULL;

	if (view->event)
		return event_get(view->event, leaf->fields[i]);
	uint32_t stage = leaf->field_stages ? leaf->field_stages[i] : EQL_THIS_EVENT;

	if (stage == EQL_THIS_EVENT)
		kept = scene->event;
	else if (scene->stages && stage < scene->stage_count)
		kept = scene->stages[stage];
	return kept ? kept_event_get(kept, leaf->fields[i]) : &missing;
}

static bool match_any(const struct eql_leaf *leaf, const struct value *value)
{
	const struct eql_matcher *m = leaf->expr->matcher;
	const struct value *items;
	uint32_t count = values_of(value, &items);

	for (uint32_t i = 0; i < count; i++)
		if (eql_matcher_match(m, &items[i]))
			return true;
	return false;
}

/* One odometer wheel per field: its values and which of them is up. */
struct wheel {
	const struct value *items;
	uint32_t count; /* at least 1: a missing field has one null */
	uint32_t at;
};

/* Next combination of values into `slots`; false when all have been. */
static bool turn(struct wheel *wheels, struct value *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct wheel *w = &wheels[i];

		if (++w->at < w->count) {
			slots[i] = w->items[w->at];
			return true;
		}
		w->at = 0;
		slots[i] = w->items[0];
	}
	return false;
}

/* What went wrong in any combination is counted once per leaf and event. */
static void count_trouble(bool failed, bool regex_limit, bool cut)
{
	if (regex_limit)
		counter_add(COUNTER_REGEX_LIMIT, 1);
	else if (failed)
		counter_add(COUNTER_EVALUATION_ERROR, 1);
	if (cut)
		counter_add(COUNTER_EVALUATION_CUT, 1);
}

static bool eval_combinations(const struct eql_leaf *leaf, const struct eql_view *view,
			      struct eql_scratch *scratch)
{
	static const struct value missing;
	struct wheel wheels[EQL_LEAF_FIELDS_MAX];
	struct value slots[EQL_LEAF_FIELDS_MAX], v;
	struct eval e = {.slots = slots, .scratch = scratch};
	bool holds = false, left = true;
	uint32_t tried = 0;
	size_t bytes = 0;

	for (uint32_t i = 0; i < leaf->field_count; i++) {
		struct wheel *w = &wheels[i];

		*w = (struct wheel){0};
		w->count = values_of(value_of(leaf, i, view), &w->items);
		if (!w->count)
			*w = (struct wheel){.items = &missing, .count = 1};
		slots[i] = w->items[0];
	}
	while (!holds && left && tried < leaf->combinations_max &&
	       bytes < EQL_EVALUATED_BYTES_MAX) {
		holds = eql_eval(&e, leaf->expr, &v) && v.type == VALUE_BOOL && v.boolean;
		bytes += scratch->arena.used_bytes;
		if (scratch->arena.used_bytes)
			arena_reset(&scratch->arena);
		left = turn(wheels, slots, leaf->field_count);
		tried++;
	}
	if (e.error || (!holds && left))
		count_trouble(e.error, e.regex_limit, !holds && left);
	return holds;
}

bool eql_leaf_holds(const struct eql_leaf *leaf, const struct eql_view *view,
		    struct eql_scratch *scratch)
{
	switch (leaf->kind) {
	case EQL_LEAF_EXACT:
	case EQL_LEAF_WILDCARD:
		return match_any(leaf, value_of(leaf, 0, view));
	case EQL_LEAF_NULL:
		return value_of(leaf, 0, view)->type == VALUE_NULL;
	case EQL_LEAF_EXISTS:
		return value_of(leaf, 0, view)->type != VALUE_NULL;
	case EQL_LEAF_OTHER:
		break;
	}
	return eval_combinations(leaf, view, scratch);
}

bool eql_leaf_eval(const struct eql_leaf *leaf, const struct event *event,
		   struct eql_scratch *scratch)
{
	const struct eql_view view = {.event = event};

	return eql_leaf_holds(leaf, &view, scratch);
}
