/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "cli/rules_explain_internal.h"
#include "cli/rules_internal.h"
#include "eql/inspect.h"

/* Of a list in a rule so many items are shown: enough to know it by. */
#define LIST_MAX 6
/* Of a filter's anchors: hundreds are possible. */
#define ANCHORS_MAX 12

#define GREEN "\033[32m"
#define RED "\033[31m"
#define DIM "\033[2m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static void colour(const struct explanation *e, const char *code)
{
	if (e->colour)
		buf_add(e->out, str_from(code));
}

static void indent(const struct explanation *e, uint32_t blanks)
{
	buf_printf(e->out, "%*s", (int)blanks, "");
}

/* ---- trees */

/* What stands before a line of a tree; nothing when there is no event. */
static void mark(const struct explanation *e, const struct judged *node)
{
	if (!node)
		return;
	colour(e, node->holds ? GREEN : RED);
	if (e->utf8)
		buf_add(e->out, node->holds ? STR("✓ ") : STR("✗ "));
	else
		buf_add(e->out, node->holds ? STR("yes ") : STR("no  "));
	colour(e, PLAIN);
}

static void leaf_line(const struct explanation *e, const struct judge *j, bool negated,
		      const struct eql_leaf *leaf)
{
	if (negated)
		buf_add(e->out, STR("not "));
	struct buf text = {0};

	eql_leaf_write(leaf, e->fields, LIST_MAX, &text);
	rules_add_text(e->out, buf_str(&text), 0);
	buf_free(&text);
	colour(e, DIM);
	if (j) {
		buf_add(e->out, e->utf8 ? STR("  ← ") : STR("  <- "));
		if (leaf->field_count == 1)
			judge_add_value(event_get(j->event, leaf->fields[0]), e->out);
		else
			judge_add_values(j, leaf, e->out);
	} else {
		uint32_t rules = engine_facts_rules_with(e->facts, leaf);

		if (rules > 1)
			buf_printf(e->out, "  (shared with %u other rule%s)", rules - 1,
				   rules == 2 ? "" : "s");
	}
	colour(e, PLAIN);
}

static bool is_negated_leaf(const struct eql_cond *cond)
{
	return cond->kind == EQL_COND_NOT && cond->kids[0]->kind == EQL_COND_LEAF;
}

/* With `judged` and `j` NULL the tree as it is; else with marks and values. */
static void tree(const struct explanation *e, const struct judge *j, const struct eql_cond *cond,
		 const struct judged *judged, uint32_t depth)
{
	static const char *const names[] = {
	    [EQL_COND_AND] = "and", [EQL_COND_OR] = "or", [EQL_COND_NOT] = "not"};

	indent(e, depth);
	mark(e, judged);
	if (cond->kind == EQL_COND_LEAF || is_negated_leaf(cond)) {
		leaf_line(e, j, cond->kind == EQL_COND_NOT,
			  cond->kind == EQL_COND_NOT ? cond->kids[0]->leaf : cond->leaf);
		buf_add_char(e->out, '\n');
		return;
	}
	if (cond->kind == EQL_COND_CONST || cond->kind == EQL_COND_RELATION) {
		buf_printf(e->out, "%s\n", cond->constant ? "true" : "false");
		return;
	}
	buf_printf(e->out, "%s\n", names[cond->kind]);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		tree(e, j, cond->kids[i], judged ? &judged->kids[i] : NULL, depth + 2);
}

/* ---- how it was compiled */

static void field_name(const struct explanation *e, uint32_t field)
{
	rules_add_text(e->out, field_set_info(e->fields, field)->name, 0);
}

static void category(const struct explanation *e, const struct eql_filter *filter)
{
	indent(e, 4);
	buf_add(e->out, STR("category   "));
	if (filter->any_category) {
		buf_add(e->out, STR("any\n"));
		return;
	}
	field_name(e, filter->category_field);
	buf_add(e->out, STR(" is "));
	rules_add_text(e->out, filter->category, 0);
	buf_add_char(e->out, '\n');
}

static void gate(const struct explanation *e, const struct engine_slot_facts *facts)
{
	if (!facts->gate_count)
		return;
	for (uint32_t i = 0; i < facts->gate_count; i++) {
		indent(e, 4);
		buf_add(e->out, i ? STR("           ") : STR("gate       "));
		eql_leaf_write(facts->gate[i], e->fields, LIST_MAX, e->out);
		if (!i && facts->gate_sharers > 1)
			buf_printf(e->out, "  (tested once for %u filters)", facts->gate_sharers);
		buf_add_char(e->out, '\n');
	}
}

static void anchor(const struct explanation *e, const struct engine_anchor *a)
{
	field_name(e, a->field);
	if (a->how == ANCHOR_PRESENT) {
		buf_add(e->out, STR(" has a value"));
		return;
	}
	buf_add(e->out, a->how == ANCHOR_PATTERN ? a->fold ? STR(" : \"") : STR(" like \"")
			: a->fold ? STR(" : \"")
						 : STR(" == \""));
	rules_add_text(e->out, a->text, 0);
	buf_printf(e->out, "\"  (%s)",
		   a->how == ANCHOR_EXACT ? "hash lookup"
		   : a->ends              ? "scan of the value's ends"
					  : "scan of the whole value");
}

static void anchors(const struct explanation *e, const struct engine_slot_facts *facts)
{
	uint32_t n = facts->anchor_count;

	indent(e, 4);
	buf_add(e->out, STR("found by   "));
	if (!n)
		buf_add(e->out, STR("nothing it cannot hold without: tried for every event that "
				    "gets here\n"));
	for (uint32_t i = 0; i < n && i < ANCHORS_MAX; i++) {
		if (i)
			indent(e, 15);
		anchor(e, &facts->anchors[i]);
		buf_add_char(e->out, '\n');
	}
	if (n > ANCHORS_MAX)
		buf_printf(e->out, "%*s... and %u more\n", 15, "", n - ANCHORS_MAX);
	indent(e, 4);
	buf_add(e->out, STR("estimate   tried for "));
	if (n)
		buf_printf(e->out,
			   facts->candidates < 10 ? "%.1f of 1000 events" : "%.0f of 1000 events",
			   (double)facts->candidates);
	else
		buf_add(e->out, STR("every event"));
	buf_printf(e->out, ", then about %.0f ns\n", (double)facts->cost_ns);
}

static void heading(const struct explanation *e, struct str role, struct str fallback)
{
	colour(e, BOLD);
	buf_add(e->out, STR("\n  "));
	buf_add(e->out, role.len ? role : fallback);
	colour(e, PLAIN);
	buf_add_char(e->out, '\n');
}

static void filter(const struct explanation *e, uint32_t number)
{
	const struct eql_filter *f = &e->rule->query->filters[number];
	const struct engine_slot_facts *facts = engine_facts_of(e->facts, e->rule, number);
	struct buf role = {0};

	explain_add_role(e->rule->query, number, &role);
	heading(e, buf_str(&role), STR("Condition"));
	buf_free(&role);
	category(e, f);
	if (facts) {
		gate(e, facts);
		anchors(e, facts);
	}
	tree(e, NULL, f->cond, NULL, 4);
	if (f->whole) {
		indent(e, 4);
		buf_add(e->out, STR("then, with the events before it: "));
		rules_add_text(e->out, f->text, 4);
		buf_add_char(e->out, '\n');
	}
}

static void keys_of(const struct explanation *e, const struct eql_stage *stage)
{
	for (uint32_t k = 0; k < e->rule->query->key_count; k++) {
		buf_add(e->out, k ? STR(", ") : STR(""));
		if (stage->keys[k].optional)
			buf_add_char(e->out, '?');
		field_name(e, stage->keys[k].field);
	}
}

static bool same_stage(const struct eql_query *q, const struct eql_stage *a,
		       const struct eql_stage *b)
{
	if (a->filter != b->filter || a->missing != b->missing)
		return false;
	for (uint32_t k = 0; k < q->key_count; k++)
		if (a->keys[k].field != b->keys[k].field)
			return false;
	return true;
}

static void stages(const struct explanation *e)
{
	const struct eql_query *q = e->rule->query;

	for (uint32_t i = 0, end; i < q->stage_count; i = end) {
		for (end = i + 1; end < q->stage_count; end++)
			if (!same_stage(q, &q->stages[i], &q->stages[end]))
				break;
		indent(e, 2);
		if (end - i > 1)
			buf_printf(e->out, "%u-%u  %u times ", i + 1, end, end - i);
		else
			buf_printf(e->out, "%u  ", i + 1);
		buf_add(e->out, q->stages[i].missing ? STR("no ") : STR(""));
		buf_add_char(e->out, '[');
		rules_add_text(e->out, q->filters[q->stages[i].filter].text, 6);
		buf_add_char(e->out, ']');
		if (q->key_count) {
			buf_add(e->out, STR("  by "));
			keys_of(e, &q->stages[i]);
		}
		buf_add_char(e->out, '\n');
	}
}

static void exceptions(const struct explanation *e)
{
	for (uint32_t i = 0; i < e->rule->exception_count; i++) {
		struct buf title = {0};

		buf_printf(&title, "And not the exception: ");
		rules_add_text(&title, e->rule->exceptions[i].name, 0);
		heading(e, buf_str(&title), STR(""));
		tree(e, NULL, e->rule->exceptions[i].cond, NULL, 4);
		buf_free(&title);
	}
}

void explain_text_rule(const struct explanation *e)
{
	const struct rule *rule = e->rule;

	colour(e, BOLD);
	rules_add_text(e->out, rule->name, 0);
	colour(e, PLAIN);
	buf_add(e->out, STR("\n  "));
	rules_add_text(e->out, rule->path, 0);
	buf_printf(e->out, ":%u\n  ", rule->query_line);
	explain_add_kind(e, e->out);
	buf_add_char(e->out, '\n');
	stages(e);
	for (uint32_t i = 0; i < rule->query->filter_count; i++)
		filter(e, i);
	exceptions(e);
}

/* ---- with events */

static void filter_verdict(const struct explanation *e, const struct judge *j,
			   const struct judged_filter *f, bool trees)
{
	struct buf role = {0};

	explain_add_role(e->rule->query, f->number, &role);
	indent(e, 2);
	colour(e, f->holds ? GREEN : RED);
	if (role.len)
		buf_printf(e->out, "%.*s: ", STR_ARG(buf_str(&role)));
	buf_add(e->out, f->holds ? STR("holds") : STR("fails because "));
	colour(e, PLAIN);
	buf_free(&role);
	if (!f->holds)
		judge_add_filter_reason(j, f, e->out);
	else if (e->rule->query->filters[f->number].whole)
		buf_add(e->out, STR(", as far as this event tells"));
	buf_add_char(e->out, '\n');
	/* Why an event of another kind fails clause by clause is of no interest. */
	if (!trees || !f->category_fits)
		return;
	tree(e, j, f->cond.cond, &f->cond, 4);
	for (uint32_t i = 0; f->exceptions && i < e->rule->exception_count; i++) {
		indent(e, 4);
		buf_add(e->out, STR("exception: "));
		rules_add_text(e->out, e->rule->exceptions[i].name, 0);
		buf_add_char(e->out, '\n');
		tree(e, j, f->exceptions[i].cond, &f->exceptions[i], 6);
	}
}

void explain_text_event(const struct explanation *e, const struct judge *j,
			const struct explained_event *event, bool trees)
{
	buf_add_char(e->out, '\n');
	colour(e, BOLD);
	rules_add_text(e->out, event->place, 0);
	colour(e, PLAIN);
	buf_add_char(e->out, '\n');
	for (uint32_t i = 0; i < e->rule->query->filter_count; i++)
		filter_verdict(e, j, &event->filters[i], trees);
}

static void finding(const struct explanation *e, const struct trial_finding *f)
{
	colour(e, GREEN);
	buf_add(e->out, STR("alert"));
	colour(e, PLAIN);
	buf_add(e->out, STR(" with "));
	for (uint32_t i = 0; i < f->event_count; i++) {
		buf_add(e->out, i ? STR(", ") : STR(""));
		if (f->events[i] == TRIAL_MISSING)
			buf_add(e->out, STR("(none)"));
		else
			rules_add_text(e->out, e->events[f->events[i]].place, 0);
	}
	buf_add_char(e->out, '\n');
}

void explain_text_verdict(const struct explanation *e, const struct trial_finding *findings,
			  uint32_t count)
{
	uint32_t ours = 0;

	buf_add_char(e->out, '\n');
	for (uint32_t i = 0; i < count; i++)
		if (findings[i].rule == e->rule) {
			finding(e, &findings[i]);
			ours++;
		}
	if (ours)
		return;
	colour(e, RED);
	buf_add(e->out, STR("no alert"));
	colour(e, PLAIN);
	struct buf why = {0};

	explain_add_chain(e, &why);
	if (why.len)
		buf_printf(e->out, ": %.*s", STR_ARG(buf_str(&why)));
	buf_free(&why);
	buf_add_char(e->out, '\n');
}
