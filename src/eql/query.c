/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/query.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "eql/condition_internal.h"
#include "eql/lower_internal.h"
#include "eql/regex_internal.h"
#include "eql/scratch_internal.h"

struct eql_scratch *eql_scratch_new(void)
{
	struct eql_scratch *scratch = xcalloc(1, sizeof(*scratch));

	arena_init(&scratch->arena);
	scratch->regex = eql_regex_scratch_new();
	return scratch;
}

void eql_scratch_free(struct eql_scratch *scratch)
{
	if (!scratch)
		return;
	arena_free(&scratch->arena);
	eql_regex_scratch_free(scratch->regex);
	free(scratch);
}

/* ---- compiling */

static void compile_pipes(struct compiler *c, const struct ast *ast, struct eql_query *query)
{
	query->pipes = ARENA_ARRAY(c->arena, struct eql_pipe, ast->pipe_count);
	for (uint32_t i = 0; i < ast->pipe_count; i++) {
		const struct ast_pipe *pipe = &ast->pipes[i];
		bool constant = !eql_node_has_field(pipe->count);
		const struct eql_expr *x = constant ? eql_lower(c, pipe->count) : NULL;

		if (constant && !x)
			continue;
		if (!x || x->literal.type != VALUE_INT || x->literal.integer < 0) {
			struct str text = eql_excerpt(c->source, pipe->count->span);

			eql_error(c->source, pipe->count->span, STR("for example: head 5"),
				  "pipe [%s] takes a whole number from 0, found [%.*s]",
				  pipe->kind == EQL_PIPE_HEAD ? "head" : "tail", STR_ARG(text));
			continue;
		}
		query->pipes[query->pipe_count++] =
		    (struct eql_pipe){pipe->kind, (uint64_t)x->literal.integer};
	}
}

static void compile_category(struct compiler *c, const struct ast *ast, struct eql_filter *filter)
{
	struct str name = c->source->options->category_field;
	int32_t id =
	    field_set_demand(c->fields, name.len ? name : field_known_name(FIELD_EVENT_CATEGORY));

	filter->any_category = ast->any_category;
	filter->category = arena_str(c->arena, ast->category);
	if (id < 0)
		eql_error(c->source, (struct span){0, 1}, STR_NULL, "too many different fields");
	else
		filter->category_field = (uint32_t)id;
}

static struct eql_query *compile(struct compiler *c, const struct ast *ast)
{
	struct eql_query *query = ARENA_NEW(c->arena, struct eql_query);
	struct eql_filter *filter = ARENA_NEW(c->arena, struct eql_filter);

	query->text = arena_str(c->arena, c->source->text);
	query->filters = filter;
	query->filter_count = 1;
	query->lineage_filter = EQL_NO_FILTER;
	filter->text = query->text;
	compile_category(c, ast, filter);
	compile_pipes(c, ast, query);
	struct eql_expr *x = eql_lower(c, ast->condition);

	x = eql_as_condition(c, x);
	if (x)
		filter->cond = eql_condition(c, x);
	return query;
}

static int check_and_compile(struct eql_source *source, struct arena *arena,
			     struct field_set *fields, struct eql_query **out)
{
	struct ast ast = {0};
	int error = eql_parse(source, &ast);

	if (error)
		return error;
	eql_check(source, fields, &ast);
	if (source->errors)
		return -EINVAL;
	struct compiler c = {
	    .source = source, .arena = arena, .fields = fields, .scratch = eql_scratch_new()};
	struct eql_query *query = compile(&c, &ast);

	eql_scratch_free(c.scratch);
	if (source->errors)
		return -EINVAL;
	if (out)
		*out = query;
	return 0;
}

int eql_compile(struct arena *arena, struct field_set *fields, struct str text,
		const struct eql_options *options, struct diag_list *diags, struct eql_query **out)
{
	static const struct eql_options defaults;
	struct arena scratch, checked;
	struct field_set *own_fields = fields ? NULL : field_set_new();
	struct eql_source source = {
	    .text = text,
	    .options = options ? options : &defaults,
	    .diags = diags,
	    .scratch = &scratch,
	};

	arena_init(&scratch);
	arena_init(&checked);
	int error = fields ? check_and_compile(&source, arena, fields, out)
			   : check_and_compile(&source, &checked, own_fields, NULL);

	arena_free(&scratch);
	arena_free(&checked);
	field_set_free(own_fields);
	return error;
}

/* ---- evaluating a single query */

static bool eval_cond(const struct eql_cond *cond, const struct event *event,
		      struct eql_scratch *scratch)
{
	switch (cond->kind) {
	case EQL_COND_CONST:
		return cond->constant;
	case EQL_COND_NOT:
		return !eval_cond(cond->kids[0], event, scratch);
	case EQL_COND_LEAF:
		return eql_leaf_eval(cond->leaf, event, scratch);
	case EQL_COND_RELATION: /* only in `whole` */
	case EQL_COND_AND:
	case EQL_COND_OR:
		break;
	}
	bool decisive = cond->kind == EQL_COND_OR;

	for (uint32_t i = 0; i < cond->kid_count; i++)
		if (eval_cond(cond->kids[i], event, scratch) == decisive)
			return decisive;
	return !decisive;
}

bool eql_query_is_stateless(const struct eql_query *query)
{
	return query->kind == EQL_QUERY_EVENT && !query->relation_count;
}

bool eql_category_fits(const struct eql_filter *filter, const struct event *event)
{
	const struct value *v = event_get(event, filter->category_field);

	if (filter->any_category)
		return true;
	if (v->type == VALUE_STRING)
		return str_eq(value_as_str(v), filter->category);
	for (uint32_t i = 0; v->type == VALUE_LIST && i < v->count; i++)
		if (v->items[i].type == VALUE_STRING &&
		    str_eq(value_as_str(&v->items[i]), filter->category))
			return true;
	return false;
}

bool eql_filter_match(const struct eql_filter *filter, const struct event *event,
		      struct eql_scratch *scratch)
{
	return eql_category_fits(filter, event) && eval_cond(filter->cond, event, scratch);
}

bool eql_match(const struct eql_query *query, const struct event *event,
	       struct eql_scratch *scratch)
{
	return eql_filter_match(&query->filters[0], event, scratch);
}
