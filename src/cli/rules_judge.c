/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rules_judge_internal.h"

#include <inttypes.h>

#include "base/printable.h"
#include "engine/explain.h"
#include "eql/inspect.h"

/* A person reads the beginning of a value, and of a list; command lines are mostly shorter. */
#define VALUE_BYTES_MAX 120
#define VALUES_MAX 6
/* Of a list in a rule. */
#define LIST_MAX 4
/* Alternatives told one by one. */
#define ALTERNATIVES_MAX 3

/* ---- judging */

struct judged judge_cond(const struct judge *j, const struct eql_cond *cond)
{
	struct judged node = {.cond = cond};

	node.kids = ARENA_ARRAY(j->arena, struct judged, cond->kid_count);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		node.kids[i] = judge_cond(j, cond->kids[i]);
	switch (cond->kind) {
	case EQL_COND_CONST:
		node.holds = cond->constant;
		break;
	case EQL_COND_LEAF:
		node.holds = eql_leaf_eval(cond->leaf, j->event, j->eql);
		break;
	case EQL_COND_NOT:
		node.holds = !node.kids[0].holds;
		break;
	case EQL_COND_AND:
	case EQL_COND_OR:
		node.holds = cond->kind == EQL_COND_AND;
		for (uint32_t i = 0; i < cond->kid_count; i++)
			if (node.kids[i].holds != (cond->kind == EQL_COND_AND))
				node.holds = cond->kind == EQL_COND_OR;
		break;
	case EQL_COND_RELATION: /* never in a filter's cond */
		break;
	}
	return node;
}

struct judged_filter judge_filter(const struct judge *j, const struct rule *rule, uint32_t number)
{
	const struct eql_filter *filter = &rule->query->filters[number];
	struct judged_filter f = {.rule = rule, .number = number};

	f.category_fits = eql_category_fits(filter, j->event);
	f.cond = judge_cond(j, filter->cond);
	f.holds = f.category_fits && f.cond.holds;
	if (!rule->exception_count || !engine_filter_has_exceptions(rule, number))
		return f;
	f.exceptions = ARENA_ARRAY(j->arena, struct judged, rule->exception_count);
	for (uint32_t i = 0; i < rule->exception_count; i++) {
		f.exceptions[i] = judge_cond(j, rule->exceptions[i].cond);
		f.holds &= !f.exceptions[i].holds;
	}
	return f;
}

/* ---- values */

static void add_scalar(const struct value *v, struct buf *out)
{
	switch (v->type) {
	case VALUE_BOOL:
		buf_add(out, v->boolean ? STR("true") : STR("false"));
		return;
	case VALUE_INT:
		buf_printf(out, "%" PRId64, v->integer);
		return;
	case VALUE_DOUBLE:
		buf_printf(out, "%.15g", v->real);
		return;
	case VALUE_STRING:
		buf_add_char(out, '"');
		printable_add(out, value_as_str(v), VALUE_BYTES_MAX);
		buf_add_char(out, '"');
		return;
	default:
		buf_add(out, STR("missing"));
		return;
	}
}

void judge_add_value(const struct value *v, struct buf *out)
{
	if (v->type != VALUE_LIST) {
		add_scalar(v, out);
		return;
	}
	buf_add_char(out, '(');
	for (uint32_t i = 0; i < v->count && i < VALUES_MAX; i++) {
		if (i)
			buf_add(out, STR(", "));
		add_scalar(&v->items[i], out);
	}
	if (v->count > VALUES_MAX)
		buf_printf(out, ", and %u more", v->count - VALUES_MAX);
	buf_add_char(out, ')');
}

void judge_add_values(const struct judge *j, const struct eql_leaf *leaf, struct buf *out)
{
	for (uint32_t i = 0; i < leaf->field_count; i++) {
		if (i)
			buf_add(out, STR(", "));
		buf_add(out, field_set_info(j->fields, leaf->fields[i])->name);
		buf_add(out, STR(" is "));
		judge_add_value(event_get(j->event, leaf->fields[i]), out);
	}
}

/* ---- reasons */

static void add_leaf_reason(const struct judge *j, const struct judged *leaf, struct buf *out)
{
	eql_leaf_write(leaf->cond->leaf, j->fields, LIST_MAX, out);
	buf_add(out, leaf->holds ? STR(" holds") : STR(" does not hold"));
	buf_add(out, STR(": "));
	judge_add_values(j, leaf->cond->leaf, out);
}

/* Kids that came out as `holds`: the first with its reason, or several. */
static void add_kid_reasons(const struct judge *j, const struct judged *tree, bool holds,
			    uint32_t most, struct buf *out)
{
	uint32_t said = 0, left = 0;

	for (uint32_t i = 0; i < tree->cond->kid_count; i++) {
		if (tree->kids[i].holds != holds)
			continue;
		if (said == most) {
			left++;
			continue;
		}
		if (said++)
			buf_add(out, STR("; "));
		judge_add_reason(j, &tree->kids[i], out);
	}
	if (left)
		buf_printf(out, " (and %u more)", left);
}

void judge_add_reason(const struct judge *j, const struct judged *tree, struct buf *out)
{
	const struct eql_cond *cond = tree->cond;

	switch (cond->kind) {
	case EQL_COND_LEAF:
		add_leaf_reason(j, tree, out);
		return;
	case EQL_COND_NOT:
		judge_add_reason(j, &tree->kids[0], out);
		return;
	case EQL_COND_AND:
		add_kid_reasons(j, tree, tree->holds, tree->holds ? ALTERNATIVES_MAX : 1, out);
		return;
	case EQL_COND_OR:
		if (!tree->holds)
			buf_printf(out, "none of %u alternatives holds: ", cond->kid_count);
		add_kid_reasons(j, tree, tree->holds, tree->holds ? 1 : ALTERNATIVES_MAX, out);
		return;
	case EQL_COND_CONST:
		buf_printf(out, "the condition is always %s", cond->constant ? "true" : "false");
		return;
	case EQL_COND_RELATION: /* never in a filter's cond */
		return;
	}
}

void judge_add_filter_reason(const struct judge *j, const struct judged_filter *f, struct buf *out)
{
	const struct eql_filter *filter = &f->rule->query->filters[f->number];

	if (!f->category_fits) {
		struct str name = field_set_info(j->fields, filter->category_field)->name;

		buf_printf(out, "it is no %.*s event: %.*s is ", STR_ARG(filter->category),
			   STR_ARG(name));
		judge_add_value(event_get(j->event, filter->category_field), out);
		return;
	}
	for (uint32_t i = 0; f->cond.holds && f->exceptions && i < f->rule->exception_count; i++) {
		if (!f->exceptions[i].holds)
			continue;
		buf_printf(
		    out, "the exception \"%.*s\" applies: ", STR_ARG(f->rule->exceptions[i].name));
		judge_add_reason(j, &f->exceptions[i], out);
		return;
	}
	judge_add_reason(j, &f->cond, out);
}
