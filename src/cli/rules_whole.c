/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What events before it decide of an event: process relations, and fields of earlier stages. Both are
 * asked of the eql room, in order of time, as a machine asks them.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/rules_explain_internal.h"
#include "eql/inspect.h"
#include "eql/machine.h"

/* Lists in a clause. */
#define LIST_MAX 4
/* Nobody gives that many processes to be explained; what is more is forgotten from the oldest on. */
#define POOL_BYTES ((size_t)64 << 20)

static void ignore(void *context, const struct eql_result *result)
{
	(void)context;
	(void)result;
}

static void take(struct eql_machine *machine, const struct eql_query *query,
		 const struct explained_event *event, uint32_t *filters)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < query->filter_count; i++)
		if (event->satisfies[i])
			filters[n++] = i;
	if (n)
		eql_machine_take(machine, event->kept, filters, n);
}

uint64_t *explain_relations(const struct explanation *e, const uint32_t *order, uint32_t count)
{
	const struct eql_query *q = e->rule->query;
	uint64_t *relations = xcalloc((size_t)count + 1, sizeof(*relations));

	if (!q->relation_count)
		return relations;
	struct eql_pool *pool = eql_pool_new(POOL_BYTES);
	const struct eql_machine_options options = {
	    .pool = pool, .arrival_breaks_ties = true, .found = ignore};
	struct eql_machine *machine = eql_machine_new(q, &options);
	uint32_t *filters = xcalloc(q->filter_count, sizeof(*filters));

	for (uint32_t i = 0; i < count; i++) {
		relations[i] = eql_machine_relations(machine, e->events[order[i]].kept);
		take(machine, q, &e->events[order[i]], filters);
	}
	free(filters);
	eql_machine_free(machine);
	eql_pool_free(pool);
	return relations;
}

/* The first of the parts joined by `and` that does not hold; NULL: all do. */
static const struct eql_cond *failing_part(const struct eql_filter *filter,
					   const struct eql_scene *scene, struct eql_scratch *eql)
{
	struct eql_cond *whole = filter->whole;
	bool is_and = whole && whole->kind == EQL_COND_AND;

	for (uint32_t i = 0; whole && i < (is_and ? whole->kid_count : 1); i++) {
		struct eql_filter part = *filter;

		part.whole = is_and ? whole->kids[i] : whole;
		if (!eql_whole_holds(&part, scene, eql))
			return part.whole;
	}
	return NULL;
}

bool explain_whole_holds(const struct eql_filter *filter, const struct eql_scene *scene,
			 struct eql_scratch *eql)
{
	return !failing_part(filter, scene, eql);
}

static void add_leaf_values(const struct explanation *e, const struct eql_leaf *leaf,
			    const struct eql_scene *scene, struct buf *out)
{
	static const struct value missing;

	for (uint32_t i = 0; i < leaf->field_count; i++) {
		uint32_t stage = leaf->field_stages ? leaf->field_stages[i] : EQL_THIS_EVENT;
		const struct kept_event *event = scene->event;

		if (stage != EQL_THIS_EVENT)
			event = stage < scene->stage_count ? scene->stages[stage] : NULL;
		buf_add(out, i ? STR(", ") : STR(": "));
		if (stage != EQL_THIS_EVENT)
			buf_printf(out, "%.*s.", STR_ARG(e->rule->query->stages[stage].alias));
		buf_add(out, field_set_info(e->fields, leaf->fields[i])->name);
		buf_add(out, STR(" is "));
		judge_add_value(event ? kept_event_get(event, leaf->fields[i]) : &missing, out);
	}
}

void explain_add_whole_reason(const struct explanation *e, const struct eql_filter *filter,
			      const struct eql_scene *scene, struct eql_scratch *eql,
			      struct buf *out)
{
	const struct eql_cond *part = failing_part(filter, scene, eql);

	if (!part)
		return;
	eql_cond_write(part, e->rule->query, e->fields, LIST_MAX, out);
	buf_add(out, STR(" does not hold"));
	if (part->kind == EQL_COND_LEAF)
		add_leaf_values(e, part->leaf, scene, out);
}
