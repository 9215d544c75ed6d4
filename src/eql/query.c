/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/query.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "eql/assemble_internal.h"
#include "eql/leaf_internal.h"
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
	struct eql_query *query = eql_assemble(&c, &ast);

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

/* ---- evaluating conditions */

static bool eval_cond(const struct eql_cond *cond, const struct eql_view *view,
		      struct eql_scratch *scratch)
{
	switch (cond->kind) {
	case EQL_COND_CONST:
		return cond->constant;
	case EQL_COND_NOT:
		return !eval_cond(cond->kids[0], view, scratch);
	case EQL_COND_LEAF:
		return eql_leaf_holds(cond->leaf, view, scratch);
	case EQL_COND_RELATION: /* only in `whole` */
		return view->scene && view->scene->relations >> cond->relation & 1;
	case EQL_COND_AND:
	case EQL_COND_OR:
		break;
	}
	bool decisive = cond->kind == EQL_COND_OR;

	for (uint32_t i = 0; i < cond->kid_count; i++)
		if (eval_cond(cond->kids[i], view, scratch) == decisive)
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
	const struct eql_view view = {.event = event};

	return eql_category_fits(filter, event) && eval_cond(filter->cond, &view, scratch);
}

bool eql_whole_holds(const struct eql_filter *filter, const struct eql_scene *scene,
		     struct eql_scratch *scratch)
{
	const struct eql_view view = {.scene = scene};

	return !filter->whole || eval_cond(filter->whole, &view, scratch);
}

bool eql_match(const struct eql_query *query, const struct event *event,
	       struct eql_scratch *scratch)
{
	return eql_filter_match(&query->filters[0], event, scratch);
}
