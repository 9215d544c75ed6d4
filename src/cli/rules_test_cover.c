/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which clauses of a rule the tests decide. A clause is one place in a query or exception where a
 * leaf stands, or the category before `where`. It decides an event when its truth alone, the other
 * way round, would change what the filter says of the event. A clause is covered when it has decided
 * an event by holding and another by not holding: without the first nobody would notice if it were
 * dropped (or if it never held), without the second there is no near miss. (For programs this is
 * called modified condition/decision coverage.)
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "cli/rules_explain_internal.h"
#include "cli/rules_internal.h"
#include "cli/rules_test_internal.h"
#include "eql/inspect.h"

#define LIST_MAX 3

struct clause {
	struct str text;
	struct str where; /* "stage 2", "exception NAME"; may be empty */
	uint32_t line;    /* of the rule's file; 0: not known */
	bool decided[2];  /* by not holding, by holding */
};

struct covered_rule {
	struct str id, path;
	struct clause *clauses;
	uint32_t count, cap;
};

struct coverage {
	struct arena arena;
	struct covered_rule *rules;
	uint32_t count, cap;
};

struct coverage *coverage_new(void)
{
	struct coverage *c = xcalloc(1, sizeof(*c));

	arena_init(&c->arena);
	return c;
}

void coverage_free(struct coverage *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->count; i++)
		free(c->rules[i].clauses);
	free(c->rules);
	arena_free(&c->arena);
	free(c);
}

/* ---- clauses, in an order that every walk over the rule has */

static uint32_t lines_before(struct str text, size_t at)
{
	uint32_t n = 0;

	for (size_t i = 0; i < at && i < text.len; i++)
		n += text.p[i] == '\n';
	return n;
}

static struct clause *new_clause(struct covered_rule *r)
{
	if (r->count == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 32;
		r->clauses = xreallocarray(r->clauses, r->cap, sizeof(*r->clauses));
	}
	r->clauses[r->count] = (struct clause){0};
	return &r->clauses[r->count++];
}

struct listing {
	struct coverage *coverage;
	struct covered_rule *to;
	const struct rule *rule;
	const struct field_set *fields;
	struct str where;
	bool in_query; /* places in the text are places in the query */
};

static void list_cond(const struct listing *l, const struct eql_cond *cond)
{
	for (uint32_t i = 0; i < cond->kid_count; i++)
		list_cond(l, cond->kids[i]);
	if (cond->kind != EQL_COND_LEAF)
		return;
	struct clause *clause = new_clause(l->to);
	struct buf text = {0};

	eql_leaf_write(cond->leaf, l->fields, LIST_MAX, &text);
	clause->text = arena_str(&l->coverage->arena, buf_str(&text));
	clause->where = l->where;
	if (l->in_query && cond->leaf->text_len && l->rule->query_line)
		clause->line =
		    l->rule->query_line + lines_before(l->rule->query->text, cond->leaf->text_at);
	buf_free(&text);
}

/* The line of the file that a filter of the query begins in; without one in the query's text that
 * of the query. */
static uint32_t line_of(const struct rule *rule, const struct eql_filter *filter)
{
	uintptr_t begin = (uintptr_t)rule->query->text.p, at = (uintptr_t)filter->text.p;

	if (!rule->query_line || at < begin || at - begin > rule->query->text.len)
		return rule->query_line;
	return rule->query_line + lines_before(rule->query->text, at - begin);
}

/* Nobody wrote the filter that tells who is whose parent. */
static bool is_written(const struct eql_query *query, uint32_t filter)
{
	return filter != query->lineage_filter;
}

static void list_filter(struct listing *l, uint32_t number)
{
	const struct eql_filter *filter = &l->rule->query->filters[number];
	struct buf role = {0};

	explain_add_role(l->rule->query, number, &role);
	l->in_query = true;
	l->where = arena_str(&l->coverage->arena, buf_str(&role));
	buf_free(&role);
	if (!filter->any_category) {
		struct clause *clause = new_clause(l->to);

		clause->text =
		    arena_printf(&l->coverage->arena, "%.*s where", STR_ARG(filter->category));
		clause->where = l->where;
		clause->line = line_of(l->rule, filter);
	}
	list_cond(l, filter->cond);
}

static struct covered_rule *find(const struct coverage *c, struct str id)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (str_eq(c->rules[i].id, id))
			return &c->rules[i];
	return NULL;
}

void coverage_add_rule(struct coverage *c, const struct rule *rule, const struct field_set *fields)
{
	if (rule->state != RULE_LOADED || find(c, rule->id))
		return;
	if (c->count == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 16;
		c->rules = xreallocarray(c->rules, c->cap, sizeof(*c->rules));
	}
	struct covered_rule *to = &c->rules[c->count++];
	struct listing l = {.coverage = c, .to = to, .rule = rule, .fields = fields};

	*to = (struct covered_rule){.id = arena_str(&c->arena, rule->id),
				    .path = arena_str(&c->arena, rule->path)};
	for (uint32_t i = 0; i < rule->query->filter_count; i++)
		if (is_written(rule->query, i))
			list_filter(&l, i);
	l.in_query = false;
	for (uint32_t i = 0; i < rule->exception_count; i++) {
		l.where = arena_printf(&c->arena, "exception \"%.*s\"",
				       STR_ARG(rule->exceptions[i].name));
		list_cond(&l, rule->exceptions[i].cond);
	}
}

/* ---- deciding */

/* One walk over a judged condition: marks the leaves that decide it. `matters`: a change of this
 * node would change the whole. */
static void mark(const struct judged *node, bool matters, struct clause **next)
{
	const struct eql_cond *cond = node->cond;

	if (cond->kind == EQL_COND_LEAF) {
		if (matters)
			(*next)->decided[node->holds] = true;
		(*next)++;
		return;
	}
	for (uint32_t i = 0; i < cond->kid_count; i++) {
		bool alone = true; /* no other kid holds the node where it is */

		for (uint32_t k = 0; k < cond->kid_count; k++)
			if (k != i && node->kids[k].holds == (cond->kind == EQL_COND_OR))
				alone = false;
		mark(&node->kids[i], matters && (cond->kind == EQL_COND_NOT || alone), next);
	}
}

/* How many of the exceptions apply, `but` left out. */
static uint32_t exceptions_that_hold(const struct judged_filter *f, uint32_t but)
{
	uint32_t n = 0;

	for (uint32_t i = 0; f->exceptions && i < f->rule->exception_count; i++)
		n += i != but && f->exceptions[i].holds;
	return n;
}

/* Of the exceptions, for a filter they belong to. */
static void mark_exceptions(const struct judged_filter *f, struct clause *next)
{
	for (uint32_t i = 0; f->exceptions && i < f->rule->exception_count; i++)
		mark(&f->exceptions[i],
		     f->category_fits && f->cond.holds && !exceptions_that_hold(f, i), &next);
}

void coverage_add_event(struct coverage *c, const struct judge *j, const struct rule *rule)
{
	struct covered_rule *to = find(c, rule->id);
	uint32_t filters = rule->query->filter_count;
	struct judged_filter *judged = ARENA_ARRAY(j->arena, struct judged_filter, filters);

	if (!to)
		return;
	struct clause *next = to->clauses;

	for (uint32_t i = 0; i < filters; i++) {
		struct judged_filter *f = &judged[i];

		*f = judge_filter(j, rule, i);
		if (!is_written(rule->query, i))
			continue;
		bool kept = !exceptions_that_hold(f, UINT32_MAX);

		if (!rule->query->filters[i].any_category) {
			if (kept && f->cond.holds)
				next->decided[f->category_fits] = true;
			next++;
		}
		mark(&f->cond, kept && f->category_fits, &next);
	}
	for (uint32_t i = 0; i < filters; i++)
		mark_exceptions(&judged[i], next);
}

/* ---- report */

static const char *gap(const struct clause *clause)
{
	if (!clause->decided[0] && !clause->decided[1])
		return "decides no test";
	return clause->decided[1] ? "never decides by not holding: no near miss"
				  : "never decides by holding: no test needs it";
}

static void gap_text(const struct covered_rule *r, const struct clause *clause, struct buf *out)
{
	rules_add_text(out, r->path, 0);
	if (clause->line)
		buf_printf(out, ":%u", clause->line);
	buf_add(out, STR(": "));
	if (clause->where.len) {
		rules_add_text(out, clause->where, 0);
		buf_add(out, STR(": "));
	}
	rules_add_text(out, clause->text, 0);
	buf_printf(out, "  %s\n", gap(clause));
}

static void gap_json(const struct covered_rule *r, const struct clause *clause, struct buf *out)
{
	struct json_writer w = json_writer_to(out);

	json_object(&w);
	json_member(&w, STR("uncovered"), clause->text);
	json_member(&w, STR("rule"), r->id);
	json_member(&w, STR("path"), r->path);
	if (clause->line) {
		json_key(&w, STR("line"));
		json_uint(&w, clause->line);
	}
	json_member(&w, STR("in"), clause->where);
	json_key(&w, STR("decides_by_holding"));
	json_bool(&w, clause->decided[1]);
	json_key(&w, STR("decides_by_not_holding"));
	json_bool(&w, clause->decided[0]);
	json_end(&w);
	buf_add_char(out, '\n');
}

uint32_t coverage_report(const struct coverage *c, bool ndjson, struct buf *out)
{
	uint32_t gaps = 0, clauses = 0;

	for (uint32_t i = 0; i < c->count; i++)
		for (uint32_t k = 0; k < c->rules[i].count; k++) {
			const struct clause *clause = &c->rules[i].clauses[k];

			clauses++;
			if (clause->decided[0] && clause->decided[1])
				continue;
			gaps++;
			if (ndjson)
				gap_json(&c->rules[i], clause, out);
			else
				gap_text(&c->rules[i], clause, out);
		}
	if (!ndjson)
		buf_printf(out, "%u rule%s with %u clauses: %u covered, %u not\n", c->count,
			   c->count == 1 ? "" : "s", clauses, clauses - gaps, gaps);
	return gaps;
}
