/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as NDJSON: one line for each filter of the rule and each exception, one for each
 * event and filter, one for the verdict. Trees are lists in order of writing, with the depth of
 * each line. */
#include "base/json_writer.h"
#include "cli/rules_explain_internal.h"
#include "eql/inspect.h"
#include "event/json.h"

static void begin(const struct explanation *e, struct json_writer *w, struct str kind)
{
	*w = json_writer_to(e->out);
	json_object(w);
	json_member(w, STR("explains"), kind);
	json_member(w, STR("rule"), e->rule->id);
}

static void end(const struct explanation *e, struct json_writer *w)
{
	json_end(w);
	buf_add_char(e->out, '\n');
}

static void number(struct json_writer *w, struct str key, uint64_t value)
{
	json_key(w, key);
	json_uint(w, value);
}

static void truth(struct json_writer *w, struct str key, bool value)
{
	json_key(w, key);
	json_bool(w, value);
}

static void role(const struct explanation *e, struct json_writer *w, uint32_t filter)
{
	struct buf text = {0};

	explain_add_role(e->rule->query, filter, &text);
	number(w, STR("filter"), filter);
	json_member(w, STR("role"), buf_str(&text));
	buf_free(&text);
}

/* ---- trees */

static void values(const struct explanation *e, struct json_writer *w, const struct judge *j,
		   const struct eql_leaf *leaf)
{
	json_key(w, STR("values"));
	json_object(w);
	for (uint32_t i = 0; i < leaf->field_count; i++) {
		const struct value *v = event_get(j->event, leaf->fields[i]);

		json_key(w, field_set_info(e->fields, leaf->fields[i])->name);
		value_write_json(v, w);
	}
	json_end(w);
}

static void leaf_text(const struct explanation *e, struct json_writer *w, struct str key,
		      const struct eql_leaf *leaf)
{
	struct buf text = {0};

	eql_leaf_write(leaf, e->fields, 0, &text);
	json_member(w, key, buf_str(&text));
	buf_free(&text);
}

static void leaf(const struct explanation *e, struct json_writer *w, const struct judge *j,
		 const struct eql_leaf *leaf)
{
	leaf_text(e, w, STR("leaf"), leaf);
	json_member(w, STR("key"), leaf->key);
	number(w, STR("rules"), engine_facts_rules_with(e->facts, leaf));
	if (j)
		values(e, w, j, leaf);
}

static void nodes(const struct explanation *e, struct json_writer *w, const struct judge *j,
		  const struct eql_cond *cond, const struct judged *judged, uint32_t depth)
{
	static const char *const names[] = {
	    [EQL_COND_CONST] = "constant", [EQL_COND_AND] = "and",
	    [EQL_COND_OR] = "or",          [EQL_COND_NOT] = "not",
	    [EQL_COND_LEAF] = "leaf",      [EQL_COND_RELATION] = "relation",
	};

	json_object(w);
	number(w, STR("depth"), depth);
	json_member(w, STR("op"), str_from(names[cond->kind]));
	if (cond->kind == EQL_COND_CONST)
		truth(w, STR("constant"), cond->constant);
	if (cond->kind == EQL_COND_LEAF)
		leaf(e, w, j, cond->leaf);
	if (judged)
		truth(w, STR("holds"), judged->holds);
	json_end(w);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		nodes(e, w, j, cond->kids[i], judged ? &judged->kids[i] : NULL, depth + 1);
}

static void tree(const struct explanation *e, struct json_writer *w, const struct judge *j,
		 const struct eql_cond *cond, const struct judged *judged)
{
	json_key(w, STR("condition"));
	json_array(w);
	nodes(e, w, j, cond, judged, 0);
	json_end(w);
}

/* ---- how it was compiled */

static void anchor(const struct explanation *e, struct json_writer *w,
		   const struct engine_anchor *a)
{
	static const char *const names[] = {
	    [ANCHOR_EXACT] = "exact", [ANCHOR_PATTERN] = "pattern", [ANCHOR_PRESENT] = "present"};

	json_object(w);
	json_member(w, STR("how"), str_from(names[a->how]));
	json_member(w, STR("field"), field_set_info(e->fields, a->field)->name);
	if (a->how != ANCHOR_PRESENT) {
		json_key(w, STR("text"));
		json_string(w, a->text);
		truth(w, STR("ignores_case"), a->fold);
	}
	if (a->how == ANCHOR_PATTERN)
		json_member(w, STR("scan"), a->ends ? STR("ends") : STR("whole"));
	json_end(w);
}

static void facts(const struct explanation *e, struct json_writer *w,
		  const struct engine_slot_facts *f)
{
	json_key(w, STR("gate"));
	json_array(w);
	for (uint32_t i = 0; i < f->gate_count; i++) {
		json_object(w);
		leaf_text(e, w, STR("leaf"), f->gate[i]);
		json_end(w);
	}
	json_end(w);
	number(w, STR("gate_sharers"), f->gate_sharers);
	json_key(w, STR("anchors"));
	json_array(w);
	for (uint32_t i = 0; i < f->anchor_count; i++)
		anchor(e, w, &f->anchors[i]);
	json_end(w);
	json_key(w, STR("candidates_per_1000"));
	json_double(w, (double)f->candidates);
	json_key(w, STR("cost_ns"));
	json_double(w, (double)f->cost_ns);
}

static void stage_keys(const struct explanation *e, struct json_writer *w,
		       const struct eql_stage *stage)
{
	json_key(w, STR("by"));
	json_array(w);
	for (uint32_t k = 0; k < e->rule->query->key_count; k++) {
		json_object(w);
		json_member(w, STR("field"), field_set_info(e->fields, stage->keys[k].field)->name);
		truth(w, STR("optional"), stage->keys[k].optional);
		json_end(w);
	}
	json_end(w);
}

static void rule_line(const struct explanation *e)
{
	const struct eql_query *q = e->rule->query;
	struct json_writer w;
	struct buf kind = {0};

	begin(e, &w, STR("rule"));
	json_member(&w, STR("name"), e->rule->name);
	json_member(&w, STR("path"), e->rule->path);
	explain_add_kind(e, &kind);
	json_member(&w, STR("kind"), buf_str(&kind));
	buf_free(&kind);
	if (q->maxspan_ns) {
		json_key(&w, STR("maxspan_ns"));
		json_int(&w, q->maxspan_ns);
	}
	json_key(&w, STR("stages"));
	json_array(&w);
	for (uint32_t i = 0; i < q->stage_count; i++) {
		json_object(&w);
		number(&w, STR("filter"), q->stages[i].filter);
		truth(&w, STR("missing"), q->stages[i].missing);
		stage_keys(e, &w, &q->stages[i]);
		json_end(&w);
	}
	json_end(&w);
	end(e, &w);
}

static void filter_line(const struct explanation *e, uint32_t n)
{
	const struct eql_filter *filter = &e->rule->query->filters[n];
	const struct engine_slot_facts *f = engine_facts_of(e->facts, e->rule, n);
	struct json_writer w;

	begin(e, &w, STR("filter"));
	role(e, &w, n);
	json_member(&w, STR("text"), filter->text);
	json_member(&w, STR("category"), filter->any_category ? STR("any") : filter->category);
	if (f)
		facts(e, &w, f);
	tree(e, &w, NULL, filter->cond, NULL);
	end(e, &w);
}

void explain_json_rule(const struct explanation *e)
{
	rule_line(e);
	for (uint32_t i = 0; i < e->rule->query->filter_count; i++)
		filter_line(e, i);
	for (uint32_t i = 0; i < e->rule->exception_count; i++) {
		struct json_writer w;

		begin(e, &w, STR("exception"));
		json_member(&w, STR("name"), e->rule->exceptions[i].name);
		tree(e, &w, NULL, e->rule->exceptions[i].cond, NULL);
		end(e, &w);
	}
}

/* ---- with events */

void explain_json_event(const struct explanation *e, const struct judge *j,
			const struct explained_event *event)
{
	for (uint32_t i = 0; i < e->rule->query->filter_count; i++) {
		const struct judged_filter *f = &event->filters[i];
		struct buf reason = {0};
		struct json_writer w;

		begin(e, &w, STR("event"));
		json_member(&w, STR("event"), event->place);
		role(e, &w, i);
		truth(&w, STR("holds"), f->holds);
		if (!f->holds) {
			judge_add_filter_reason(j, f, &reason);
			json_member(&w, STR("fails_because"), buf_str(&reason));
			buf_free(&reason);
		}
		truth(&w, STR("category_fits"), f->category_fits);
		tree(e, &w, j, f->cond.cond, &f->cond);
		json_key(&w, STR("exceptions"));
		json_array(&w);
		for (uint32_t k = 0; f->exceptions && k < e->rule->exception_count; k++) {
			json_object(&w);
			json_member(&w, STR("name"), e->rule->exceptions[k].name);
			truth(&w, STR("holds"), f->exceptions[k].holds);
			tree(e, &w, j, f->exceptions[k].cond, &f->exceptions[k]);
			json_end(&w);
		}
		json_end(&w);
		end(e, &w);
	}
}

void explain_json_verdict(const struct explanation *e, const struct trial_finding *findings,
			  uint32_t count)
{
	struct json_writer w;
	struct buf why = {0};
	uint32_t ours = 0;

	begin(e, &w, STR("verdict"));
	json_key(&w, STR("alerts"));
	json_array(&w);
	for (uint32_t i = 0; i < count; i++) {
		if (findings[i].rule != e->rule)
			continue;
		ours++;
		json_array(&w);
		for (uint32_t k = 0; k < findings[i].event_count; k++)
			if (findings[i].events[k] == TRIAL_MISSING)
				json_null(&w);
			else
				json_string(&w, e->events[findings[i].events[k]].place);
		json_end(&w);
	}
	json_end(&w);
	if (!ours) {
		explain_add_chain(e, &why);
		json_member(&w, STR("because"), buf_str(&why));
		buf_free(&why);
	}
	end(e, &w);
}
