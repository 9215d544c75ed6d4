/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters are what is counted here: each `category where condition` of a query is compiled, then
 * found to be equal to one before it, by its canonical text, or added. What a relation asks for and
 * what the query looks for are kept apart, equal or not: a rule's exceptions are for the latter alone.
 *
 *	sequence [A] with runs=3 [B and child of [C]]
 *
 *	filters    0: A   1: C   2: B (whole: child of 1)
 *	stages     0 0 0 2       relations  0: child of filter 1
 *
 * The relations inside a relation come before it, so whoever decides them in order has what each
 * one needs.
 */
#include "eql/assemble_internal.h"

#include "eql/condition_internal.h"
#include "eql/lower_internal.h"

/* Every stage, until, every relation and the lineage filter can have one of its own. */
#define FILTERS_MAX (EQL_STAGES_MAX + EQL_RELATIONS_MAX + 2)

struct assembly {
	struct eql_query *query;
	struct eql_filter filters[FILTERS_MAX];
	struct {
		struct str text; /* canonical */
		bool of_relation;
	} keys[FILTERS_MAX];
	uint32_t filter_count;
	struct eql_relation relations[EQL_RELATIONS_MAX];
	uint32_t relation_count;
};

/* ---- canonical text */

static void put_str(struct buf *out, struct str s)
{
	buf_printf(out, "%zu:", s.len);
	buf_add(out, s);
}

static void put_cond(struct buf *out, const struct eql_cond *cond)
{
	switch (cond->kind) {
	case EQL_COND_CONST:
		buf_add(out, cond->constant ? STR("true") : STR("false"));
		return;
	case EQL_COND_LEAF:
		put_str(out, cond->leaf->key);
		return;
	case EQL_COND_RELATION:
		buf_printf(out, "relation %u", cond->relation);
		return;
	case EQL_COND_AND:
		buf_add(out, STR("and"));
		break;
	case EQL_COND_OR:
		buf_add(out, STR("or"));
		break;
	case EQL_COND_NOT:
		buf_add(out, STR("not"));
		break;
	}
	buf_add_char(out, '(');
	for (uint32_t i = 0; i < cond->kid_count; i++) {
		buf_add_char(out, ' ');
		put_cond(out, cond->kids[i]);
	}
	buf_add_char(out, ')');
}

/* `stated`: the condition with all that is not decided by the event alone. */
static struct str filter_key(struct compiler *c, const struct eql_filter *filter,
			     const struct eql_cond *stated)
{
	struct buf text = {0};

	if (filter->any_category)
		buf_add(&text, STR("any"));
	else
		put_str(&text, filter->category);
	buf_add_char(&text, ' ');
	put_cond(&text, stated);
	struct str key = arena_str(c->source->scratch, buf_str(&text));

	buf_free(&text);
	return key;
}

/* ---- what one event does not decide */

static bool is_stateful(const struct eql_cond *cond)
{
	if (cond->kind == EQL_COND_RELATION)
		return true;
	if (cond->kind == EQL_COND_LEAF)
		return cond->leaf->field_stages != NULL;
	for (uint32_t i = 0; i < cond->kid_count; i++)
		if (is_stateful(cond->kids[i]))
			return true;
	return false;
}

static struct eql_cond *weakened(struct compiler *c, struct eql_cond *cond, bool positive);

static struct eql_cond *weakened_kids(struct compiler *c, struct eql_cond *cond, bool positive)
{
	struct eql_cond **kids =
	    ARENA_ARRAY(c->source->scratch, struct eql_cond *, cond->kid_count);

	for (uint32_t i = 0; i < cond->kid_count; i++)
		kids[i] = weakened(c, cond->kids[i], positive);
	return eql_cond_join(c, cond->kind, kids, cond->kid_count);
}

/* The stateless condition that holds whenever `cond` (with `positive` false: whenever its negation)
 * can: what is stateful is taken to come out as it must. */
static struct eql_cond *weakened(struct compiler *c, struct eql_cond *cond, bool positive)
{
	if (!is_stateful(cond))
		return cond;
	switch (cond->kind) {
	case EQL_COND_AND:
	case EQL_COND_OR:
		return weakened_kids(c, cond, positive);
	case EQL_COND_NOT:
		return eql_cond_not(c, weakened(c, cond->kids[0], !positive));
	default:
		return eql_cond_const(c, positive);
	}
}

/* What is left to decide once the weakened condition holds: of conditions joined by `and` the
 * stateful ones. */
static struct eql_cond *remainder_of(struct compiler *c, struct eql_cond *cond)
{
	uint32_t count = 0;

	if (cond->kind != EQL_COND_AND)
		return cond;
	struct eql_cond **kids =
	    ARENA_ARRAY(c->source->scratch, struct eql_cond *, cond->kid_count);

	for (uint32_t i = 0; i < cond->kid_count; i++)
		if (is_stateful(cond->kids[i]))
			kids[count++] = cond->kids[i];
	return eql_cond_join(c, EQL_COND_AND, kids, count);
}

static bool reads_stages(const struct eql_cond *cond)
{
	if (cond->kind == EQL_COND_LEAF)
		return cond->leaf->field_stages != NULL;
	for (uint32_t i = 0; i < cond->kid_count; i++)
		if (reads_stages(cond->kids[i]))
			return true;
	return false;
}

/* ---- filters */

static int32_t demand(struct compiler *c, struct str name)
{
	int32_t id = field_set_demand(c->fields, name);

	if (id < 0)
		eql_error(c->source, (struct span){0, 1}, STR_NULL, "too many different fields");
	return id;
}

static bool set_category(struct compiler *c, const struct ast_term *term, struct eql_filter *filter)
{
	struct str name = c->source->options->category_field;
	int32_t id = demand(c, name.len ? name : field_known_name(FIELD_EVENT_CATEGORY));

	filter->any_category = term->any_category;
	filter->category = arena_str(c->arena, term->category);
	filter->category_field = id < 0 ? 0 : (uint32_t)id;
	return id >= 0;
}

/* Compile one; false when an error was reported. */
static bool make_filter(struct compiler *c, const struct ast_term *term, struct eql_filter *filter,
			struct str *key)
{
	if (!set_category(c, term, filter))
		return false;
	struct eql_expr *x = eql_as_condition(c, eql_lower(c, term->condition));

	if (!x)
		return false;
	struct eql_cond *cond = eql_condition(c, x);

	filter->cond = cond;
	if (c->source->errors)
		return false;
	*key = filter_key(c, filter, cond);
	if (is_stateful(cond)) {
		filter->cond = weakened(c, cond, true);
		filter->whole = remainder_of(c, cond);
		filter->reads_stages = reads_stages(filter->whole);
	}
	/* In the query's copy of the text, which lives as long. */
	filter->text = (struct str){c->assembly->query->text.p + term->span.at, term->span.len};
	return true;
}

/* The index of an equal filter with the same part to play, or of a new one; EQL_NO_FILTER when an
 * error was reported. */
static uint32_t add_filter(struct compiler *c, const struct ast_term *term, bool of_relation)
{
	struct assembly *a = c->assembly;
	struct eql_filter filter = {0};
	struct str key;

	if (!make_filter(c, term, &filter, &key))
		return EQL_NO_FILTER;
	for (uint32_t i = 0; i < a->filter_count; i++)
		if (a->keys[i].of_relation == of_relation && str_eq(a->keys[i].text, key))
			return i;
	a->filters[a->filter_count] = filter;
	a->keys[a->filter_count].text = key;
	a->keys[a->filter_count].of_relation = of_relation;
	return a->filter_count++;
}

/* The first one keeps index 0 whatever relations are inside it. */
static bool add_first_filter(struct compiler *c, const struct ast_term *term)
{
	struct assembly *a = c->assembly;
	struct eql_filter filter = {0};
	struct str key;

	a->filter_count = 1;
	if (!make_filter(c, term, &filter, &key))
		return false;
	a->filters[0] = filter;
	a->keys[0].text = key;
	return true;
}

bool eql_assemble_relation(struct compiler *c, const struct node *node, uint32_t *relation)
{
	struct assembly *a = c->assembly;
	uint32_t filter = add_filter(c, node->term, true);

	if (filter == EQL_NO_FILTER)
		return false;
	for (*relation = 0; *relation < a->relation_count; ++*relation)
		if (a->relations[*relation].kind == node->relation &&
		    a->relations[*relation].filter == filter)
			return true;
	if (a->relation_count == EQL_RELATIONS_MAX) {
		eql_error(c->source, node->name_span, STR_NULL, "more than %d process relations",
			  EQL_RELATIONS_MAX);
		return false;
	}
	a->relations[a->relation_count++] = (struct eql_relation){node->relation, filter};
	return true;
}

/* ---- stages */

static bool put_key(struct compiler *c, const struct node *field, struct eql_key *key)
{
	int32_t id = demand(c, field->name);

	*key = (struct eql_key){.field = (uint32_t)id, .optional = field->optional};
	return id >= 0;
}

static bool make_stage(struct compiler *c, const struct ast *ast, const struct ast_term *term,
		       uint32_t filter, struct eql_stage *stage)
{
	uint32_t count = ast->key_count + term->key_count;
	struct eql_key *keys = ARENA_ARRAY(c->arena, struct eql_key, count);

	for (uint32_t i = 0; i < count; i++)
		if (!put_key(c, i < ast->key_count ? ast->keys[i] : term->keys[i - ast->key_count],
			     &keys[i]))
			return false;
	*stage = (struct eql_stage){.filter = filter,
				    .missing = term->missing,
				    .keys = keys,
				    .alias = arena_str(c->arena, term->alias)};
	return true;
}

static bool make_stages(struct compiler *c, const struct ast *ast)
{
	struct eql_query *query = c->assembly->query;
	struct eql_stage stage;

	for (uint32_t i = 0; i < ast->term_count; i++)
		query->stage_count += ast->terms[i].runs;
	query->stages = ARENA_ARRAY(c->arena, struct eql_stage, query->stage_count);
	query->key_count = ast->key_count + ast->terms[0].key_count;
	for (uint32_t i = 0, at = 0; i < ast->term_count; i++) {
		const struct ast_term *term = &ast->terms[i];
		uint32_t filter = i ? add_filter(c, term, false) : 0;

		if (filter == EQL_NO_FILTER || !make_stage(c, ast, term, filter, &stage))
			return false;
		for (uint32_t run = 0; run < term->runs; run++)
			query->stages[at++] = stage;
	}
	return true;
}

static bool make_until(struct compiler *c, const struct ast *ast)
{
	struct eql_query *query = c->assembly->query;

	if (!ast->until)
		return true;
	uint32_t filter = add_filter(c, ast->until, false);

	query->until = ARENA_NEW(c->arena, struct eql_stage);
	if (filter == EQL_NO_FILTER || !make_stage(c, ast, ast->until, filter, query->until))
		return false;
	/* Elasticsearch reads `until ![...]` and takes no notice of the `!`. */
	query->until->missing = false;
	return true;
}

/* ---- what the machine needs */

/* What tells which process has which parent. An exit may come from a source that no longer knows
 * the parent, or names the one that adopted the orphan. */
#define LINEAGE_TEXT                                                               \
	"process where process.entity_id != null and process.parent.entity_id != " \
	"null and event.type != \"end\""

/* From text, through the same stages as the query, as if it had been written there. */
static bool add_lineage(struct compiler *c)
{
	struct eql_source own = *c->source;
	struct compiler compiler = *c;
	struct assembly *a = c->assembly;
	struct str written = a->query->text;
	struct ast ast = {0};

	if (!a->relation_count)
		return true;
	own.text = STR(LINEAGE_TEXT);
	a->query->text = arena_str(c->arena, own.text);
	compiler.source = &own;
	if (eql_parse(&own, &ast) == 0) {
		eql_check(&own, c->fields, &ast);
		a->query->lineage_filter = add_filter(&compiler, &ast.terms[0], true);
	}
	a->query->text = written;
	c->source->errors = own.errors;
	return !own.errors;
}

static void mark(bool *kept, const uint32_t *fields, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		kept[fields[i]] = true;
}

static void mark_cond(bool *kept, const struct eql_cond *cond)
{
	if (cond->kind == EQL_COND_LEAF)
		mark(kept, cond->leaf->fields, cond->leaf->field_count);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		mark_cond(kept, cond->kids[i]);
}

static void mark_keys(bool *kept, const struct eql_query *query, const struct eql_stage *stage)
{
	for (uint32_t i = 0; stage && i < query->key_count; i++)
		kept[stage->keys[i].field] = true;
}

static void set_kept_fields(struct compiler *c, struct eql_query *query)
{
	uint32_t count = field_set_count(c->fields);
	bool *kept = ARENA_ARRAY(c->source->scratch, bool, count);

	for (uint32_t i = 0; i < query->stage_count; i++)
		mark_keys(kept, query, &query->stages[i]);
	mark_keys(kept, query, query->until);
	for (uint32_t i = 0; i < query->filter_count; i++)
		if (query->filters[i].whole)
			mark_cond(kept, query->filters[i].whole);
	if (query->relation_count)
		kept[FIELD_PROCESS_ENTITY_ID] = kept[FIELD_PROCESS_PARENT_ENTITY_ID] = true;
	for (uint32_t i = 0; i < count; i++)
		query->kept_field_count += kept[i];
	uint32_t *fields = ARENA_ARRAY(c->arena, uint32_t, query->kept_field_count);

	for (uint32_t i = 0, n = 0; i < count; i++)
		if (kept[i])
			fields[n++] = i;
	query->kept_fields = fields;
}

/* ---- pipes */

static void make_pipes(struct compiler *c, const struct ast *ast, struct eql_query *query)
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

/* ---- all of it */

static void keep(struct compiler *c, struct eql_query *query)
{
	const struct assembly *a = c->assembly;

	query->filters = ARENA_ARRAY(c->arena, struct eql_filter, a->filter_count);
	memcpy(query->filters, a->filters, a->filter_count * sizeof(*a->filters));
	query->filter_count = a->filter_count;
	query->relations = ARENA_ARRAY(c->arena, struct eql_relation, a->relation_count);
	memcpy(query->relations, a->relations, a->relation_count * sizeof(*a->relations));
	query->relation_count = a->relation_count;
}

struct eql_query *eql_assemble(struct compiler *c, const struct ast *ast)
{
	struct eql_query *query = ARENA_NEW(c->arena, struct eql_query);

	c->assembly = ARENA_NEW(c->source->scratch, struct assembly);
	c->assembly->query = query;
	query->kind = ast->kind;
	query->text = arena_str(c->arena, c->source->text);
	query->maxspan_ns = ast->maxspan_ns;
	query->lineage_filter = EQL_NO_FILTER;
	make_pipes(c, ast, query);
	if (!add_first_filter(c, &ast->terms[0]))
		return query;
	if (ast->kind != EQL_QUERY_EVENT && (!make_stages(c, ast) || !make_until(c, ast)))
		return query;
	if (!add_lineage(c))
		return query;
	keep(c, query);
	if (!eql_query_is_stateless(query))
		set_kept_fields(c, query);
	return query;
}
