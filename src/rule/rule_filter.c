/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule's `filters`: what Kibana's filter bar makes, in Elasticsearch's query DSL.
 *
 *	{"meta": {"negate": true, "disabled": false, ...}, "query": {"match_phrase": {"f": "v"}}}
 *
 * meta's type, key and params describe the filter for the screen; Kibana searches with `query` (in
 * older ones with the clause beside meta) and so does this. A clause that is not in the table below
 * is named and the rule is not run: to leave it out would make the rule broader.
 */
#include "rule/rule_internal.h"

#include <math.h>

/* Kibana's filter bar nests combined filters; people write bool by hand. */
#define FILTER_DEPTH_MAX 30

struct filters {
	const struct rule_source *source;
	struct kql_terms terms;
	uint32_t depth;
	bool failed;
	struct str unsupported;
};

static struct eql_cond *fail_with(struct filters *f, const struct tree_node *node, const char *what,
				  struct str hint)
{
	struct diag diag = rule_diag_value(f->source, node);

	if (!f->failed) {
		diag.hint = hint;
		diag_add(f->source->diags, diag, "%s", what);
	}
	f->failed = true;
	return NULL;
}

static struct eql_cond *fail(struct filters *f, const struct tree_node *node, const char *what)
{
	return fail_with(f, node, what, STR_NULL);
}

static struct eql_cond *unsupported(struct filters *f, struct str name)
{
	if (!f->unsupported.len)
		f->unsupported =
		    arena_printf(f->source->arena, "filter [%.*s] is not supported", STR_ARG(name));
	return NULL;
}

/* What kql/term.h has to say about a value. */
static struct eql_cond *checked(struct filters *f, const struct tree_node *node,
				struct eql_cond *cond)
{
	const char *of_builder = eql_builder_error(f->terms.builder);

	if (cond)
		return cond;
	return fail_with(f, node,
			 f->terms.why.len ? f->terms.why.p
			 : of_builder     ? of_builder
					  : "this filter cannot be compiled",
			 f->terms.hint);
}

bool rule_scalar_text(struct arena *arena, const struct tree_node *node, struct str *text)
{
	if (!node)
		return false;
	switch (node->type) {
	case TREE_STRING:
	case TREE_TIME:
		*text = node->text;
		return true;
	case TREE_INT:
		*text = arena_printf(arena, "%lld", (long long)node->integer);
		return true;
	case TREE_DOUBLE:
		*text = arena_printf(arena, "%.17g", node->real);
		return isfinite(node->real);
	case TREE_BOOL:
		*text = node->boolean ? STR("true") : STR("false");
		return true;
	default:
		return false;
	}
}

/* ---- clauses: {"CLAUSE": {"FIELD": body}} */

/* The one field of a clause; NULL after an error. */
static const struct tree_node *the_field(struct filters *f, const struct tree_node *clause)
{
	const struct tree_node *found = NULL;

	for (uint32_t i = 0; clause->type == TREE_TABLE && i < clause->kid_count; i++) {
		const struct tree_node *kid = clause->kids[i];

		/* How much a hit counts, and a name for it: neither changes what is found. */
		if (str_eq(kid->key, STR("boost")) || str_eq(kid->key, STR("_name")))
			continue;
		if (found) {
			fail(f, kid, "a filter's clause has one field");
			return NULL;
		}
		found = kid;
	}
	if (!found || !found->key.len)
		fail(f, clause, "a filter's clause has one field");
	return found && found->key.len ? found : NULL;
}

/* Keys that a clause may have without meaning something else than it says here. */
static bool only_keys(struct filters *f, const struct tree_node *body, const char *const *allowed)
{
	for (uint32_t i = 0; body->type == TREE_TABLE && i < body->kid_count; i++) {
		struct str key = body->kids[i]->key;
		size_t k = 0;

		while (allowed[k] && !str_eq(key, str_from(allowed[k])))
			k++;
		if (!allowed[k] && !str_eq(key, STR("boost")) && !str_eq(key, STR("_name"))) {
			unsupported(f, key);
			return false;
		}
	}
	return true;
}

/* The value of {"f": "v"} or {"f": {"query": "v"}}. */
static const struct tree_node *body_value(struct filters *f, const struct tree_node *field,
					  const char *const *allowed)
{
	if (field->type != TREE_TABLE)
		return field;
	if (!only_keys(f, field, allowed))
		return NULL;
	const struct tree_node *value = tree_get(field, allowed[0]);

	if (!value)
		fail(f, field, "this filter has no value");
	return value;
}

static bool text_of(struct filters *f, const struct tree_node *node, struct str *text)
{
	if (rule_scalar_text(f->source->arena, node, text))
		return true;
	if (node)
		fail(f, node, "expected a text, a number or a boolean");
	return false;
}

static struct eql_cond *one_term(struct filters *f, const struct tree_node *clause,
				 const char *const *allowed)
{
	const struct tree_node *field = the_field(f, clause);
	const struct tree_node *value = field ? body_value(f, field, allowed) : NULL;
	struct str text;

	if (!value || !text_of(f, value, &text))
		return NULL;
	return checked(f, value, kql_term(&f->terms, field->key, &text, 1));
}

static struct eql_cond *match_phrase(struct filters *f, const struct tree_node *clause)
{
	static const char *const allowed[] = {"query", NULL};

	return one_term(f, clause, allowed);
}

/* On a keyword field match is match_phrase, whatever the words are joined by. */
static struct eql_cond *match(struct filters *f, const struct tree_node *clause)
{
	static const char *const allowed[] = {"query", "type", "operator", NULL};

	return one_term(f, clause, allowed);
}

static struct eql_cond *term(struct filters *f, const struct tree_node *clause)
{
	static const char *const allowed[] = {"value", NULL};

	return one_term(f, clause, allowed);
}

static struct eql_cond *terms(struct filters *f, const struct tree_node *clause)
{
	const struct tree_node *field = the_field(f, clause);

	if (!field)
		return NULL;
	if (field->type != TREE_ARRAY)
		return unsupported(f, STR("terms"));
	struct str *texts = ARENA_ARRAY(f->source->arena, struct str, field->kid_count);

	for (uint32_t i = 0; i < field->kid_count; i++)
		if (!text_of(f, field->kids[i], &texts[i]))
			return NULL;
	if (!field->kid_count)
		return eql_build_const(f->terms.builder, false);
	return checked(f, field, kql_term(&f->terms, field->key, texts, field->kid_count));
}

static struct eql_cond *exists(struct filters *f, const struct tree_node *clause)
{
	static const char *const allowed[] = {"field", NULL};
	const struct tree_node *name = tree_get_typed(clause, "field", TREE_STRING);

	if (!only_keys(f, clause, allowed))
		return NULL;
	if (!name || !name->text.len)
		return fail(f, clause, "expected the name of a field");
	return checked(f, name, kql_exists(&f->terms, name->text));
}

static struct eql_cond *range(struct filters *f, const struct tree_node *clause)
{
	static const char *const allowed[] = {"gte", "gt", "lte", "lt", NULL};
	static const enum eql_build_order orders[] = {EQL_BUILD_GE, EQL_BUILD_GT, EQL_BUILD_LE,
						      EQL_BUILD_LT};
	const struct tree_node *field = the_field(f, clause);
	struct eql_cond *kids[4];
	uint32_t count = 0;

	if (!field || !only_keys(f, field, allowed))
		return NULL;
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		const struct tree_node *bound = tree_get(field, allowed[i]);
		struct str text;

		if (!bound || bound->type == TREE_NULL)
			continue;
		if (!text_of(f, bound, &text))
			return NULL;
		kids[count] = checked(f, bound, kql_range(&f->terms, field->key, orders[i], text));
		if (!kids[count++])
			return NULL;
	}
	/* Without a bound it asks for any value. */
	if (!count)
		return checked(f, field, kql_exists(&f->terms, field->key));
	return eql_build_and(f->terms.builder, kids, count);
}

struct eql_cond *rule_es_wildcard(struct kql_terms *t, struct str field, struct str pattern,
				  bool fold)
{
	struct str *pieces = ARENA_ARRAY(t->scratch, struct str, pattern.len + 1);
	struct buf literal = {0}, like = {0};
	uint32_t count = 0;
	bool one = false, escaped = false;

	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.p[i];
		bool escape = c == '\\' && i + 1 < pattern.len;

		if (escape)
			c = pattern.p[++i];
		escaped |= escape && (c == '*' || c == '?');
		one |= !escape && c == '?';
		buf_add_char(&like, c);
		if (!escape && c == '*') {
			pieces[count++] = arena_str(t->scratch, buf_str(&literal));
			buf_reset(&literal);
		} else {
			buf_add_char(&literal, c);
		}
	}
	pieces[count++] = arena_str(t->scratch, buf_str(&literal));
	struct str like_text = arena_str(t->scratch, buf_str(&like));

	buf_free(&literal);
	buf_free(&like);
	t->why = t->hint = STR_NULL;
	if (one && escaped) {
		t->why = STR("a pattern with both [?] and an escaped [*] or [?] is not supported");
		return NULL;
	}
	if (one)
		return kql_like(t, field, like_text, fold);
	struct eql_build_pattern parts = {pieces, count};

	return kql_wildcard(t, field, &parts, 1, fold);
}

static bool is_true(const struct tree_node *table, const char *key)
{
	const struct tree_node *node = tree_get_typed(table, key, TREE_BOOL);

	return node && node->boolean;
}

static struct eql_cond *wildcard(struct filters *f, const struct tree_node *clause)
{
	static const char *const allowed[] = {"value", "case_insensitive", "rewrite", NULL};
	static const char *const old[] = {"wildcard", "case_insensitive", "rewrite", NULL};
	const struct tree_node *field = the_field(f, clause);
	const struct tree_node *value = NULL;
	struct str text;

	if (field)
		value = body_value(f, field, tree_get(field, "wildcard") ? old : allowed);
	if (!value || !text_of(f, value, &text))
		return NULL;
	return checked(
	    f, value,
	    rule_es_wildcard(&f->terms, field->key, text, is_true(field, "case_insensitive")));
}

static struct eql_cond *prefix(struct filters *f, const struct tree_node *clause)
{
	static const char *const allowed[] = {"value", "rewrite", NULL};
	const struct tree_node *field = the_field(f, clause);
	const struct tree_node *value = field ? body_value(f, field, allowed) : NULL;
	struct str pieces[2] = {STR_NULL, STR("")};

	if (!value || !text_of(f, value, &pieces[0]))
		return NULL;
	struct eql_build_pattern pattern = {pieces, 2};

	return checked(f, value, kql_wildcard(&f->terms, field->key, &pattern, 1, false));
}

static struct eql_cond *match_all(struct filters *f, const struct tree_node *clause)
{
	(void)clause;
	return eql_build_const(f->terms.builder, true);
}

static struct eql_cond *match_none(struct filters *f, const struct tree_node *clause)
{
	(void)clause;
	return eql_build_const(f->terms.builder, false);
}

static struct eql_cond *query(struct filters *f, const struct tree_node *node);

/* The clauses under one key of bool, one or an array of them. */
static struct eql_cond *bool_part(struct filters *f, const struct tree_node *part, bool any)
{
	uint32_t count = part->type == TREE_ARRAY ? part->kid_count : 1;
	struct eql_cond **kids = ARENA_ARRAY(f->source->arena, struct eql_cond *, count);

	for (uint32_t i = 0; i < count; i++) {
		kids[i] = query(f, part->type == TREE_ARRAY ? part->kids[i] : part);
		if (!kids[i])
			return NULL;
	}
	return any ? eql_build_or(f->terms.builder, kids, count)
		   : eql_build_and(f->terms.builder, kids, count);
}

static bool has_clauses(const struct tree_node *clause, const char *key)
{
	const struct tree_node *part = tree_get(clause, key);

	return part && part->type != TREE_NULL && (part->type != TREE_ARRAY || part->kid_count);
}

/* Of `should` one must hold where nothing else must, or where minimum_should_match is 1. */
static bool should_counts(struct filters *f, const struct tree_node *clause, bool *ok)
{
	const struct tree_node *least = tree_get(clause, "minimum_should_match");
	struct str text;

	*ok = true;
	if (!least || least->type == TREE_NULL)
		return !has_clauses(clause, "must") && !has_clauses(clause, "filter");
	if (rule_scalar_text(f->source->arena, least, &text) &&
	    (str_eq(text, STR("0")) || str_eq(text, STR("1"))))
		return str_eq(text, STR("1"));
	unsupported(f, STR("minimum_should_match"));
	*ok = false;
	return false;
}

static struct eql_cond *boolean(struct filters *f, const struct tree_node *clause)
{
	static const char *const allowed[] = {
	    "must", "filter", "should", "must_not", "minimum_should_match", "adjust_pure_negative",
	    NULL};
	struct eql_cond *kids[4];
	uint32_t count = 0;
	bool ok, should = should_counts(f, clause, &ok);

	if (!ok || !only_keys(f, clause, allowed))
		return NULL;
	for (size_t i = 0; i < 4; i++) {
		bool any = i >= 2; /* of must_not none may hold */
		struct eql_cond *part;

		if (!has_clauses(clause, allowed[i]) || (i == 2 && !should))
			continue;
		part = bool_part(f, tree_get(clause, allowed[i]), any);
		kids[count++] = i == 3 ? eql_build_not(f->terms.builder, part) : part;
		if (!part)
			return NULL;
	}
	return eql_build_and(f->terms.builder, kids, count);
}

static const struct clause {
	const char *name;
	struct eql_cond *(*compile)(struct filters *f, const struct tree_node *clause);
} clauses[] = {
    {"bool", boolean},        {"exists", exists},         {"match", match},
    {"match_all", match_all}, {"match_none", match_none}, {"match_phrase", match_phrase},
    {"prefix", prefix},       {"range", range},           {"term", term},
    {"terms", terms},         {"wildcard", wildcard},
};

/* {"CLAUSE": {...}} */
static struct eql_cond *query(struct filters *f, const struct tree_node *node)
{
	if (node->type != TREE_TABLE || node->kid_count != 1)
		return fail(f, node,
			    "expected a query with one clause, as in "
			    "{\"exists\": {\"field\": \"...\"}}");
	if (f->depth == FILTER_DEPTH_MAX)
		return fail(f, node, "filters are nested too deep");
	const struct tree_node *clause = node->kids[0];

	for (size_t i = 0; i < sizeof(clauses) / sizeof(*clauses); i++) {
		if (!str_eq(clause->key, str_from(clauses[i].name)))
			continue;
		if (clause->type != TREE_TABLE)
			return fail(f, clause, "expected an object");
		f->depth++;
		struct eql_cond *cond = clauses[i].compile(f, clause);

		f->depth--;
		return cond;
	}
	return unsupported(f, clause->key);
}

/* ---- filters */

static struct eql_cond *filter(struct filters *f, const struct tree_node *node);

/* Filters joined by the filter bar: meta.params has them. */
static struct eql_cond *combined(struct filters *f, const struct tree_node *meta)
{
	const struct tree_node *params = tree_get_typed(meta, "params", TREE_ARRAY);
	const struct tree_node *relation = tree_get_typed(meta, "relation", TREE_STRING);
	bool any = relation && str_eq_fold(relation->text, STR("or"));

	if (!params || !params->kid_count || f->depth == FILTER_DEPTH_MAX)
		return fail(f, meta, "a combined filter without filters, or nested too deep");
	struct eql_cond **kids =
	    ARENA_ARRAY(f->source->arena, struct eql_cond *, params->kid_count);

	uint32_t count = 0;

	f->depth++;
	for (uint32_t i = 0; i < params->kid_count; i++) {
		if (is_true(tree_get(params->kids[i], "meta"), "disabled"))
			continue;
		kids[count] = filter(f, params->kids[i]);
		if (!kids[count++])
			return NULL;
	}
	f->depth--;
	if (!count)
		return eql_build_const(f->terms.builder, true);
	return any ? eql_build_or(f->terms.builder, kids, count)
		   : eql_build_and(f->terms.builder, kids, count);
}

/* The clause beside meta, where there is no `query`. */
static struct eql_cond *old_form(struct filters *f, const struct tree_node *node)
{
	struct tree_node alone = {.type = TREE_TABLE, .line = node->line, .column = node->column};

	for (uint32_t i = 0; i < node->kid_count; i++) {
		struct str key = node->kids[i]->key;

		if (str_eq(key, STR("meta")) || str_eq(key, STR("$state")) ||
		    node->kids[i]->type == TREE_NULL)
			continue;
		if (alone.kid_count++)
			return fail(f, node, "a filter has one clause");
		alone.kids = &node->kids[i];
	}
	return query(f, &alone);
}

static struct eql_cond *filter(struct filters *f, const struct tree_node *node)
{
	const struct tree_node *meta = tree_get_typed(node, "meta", TREE_TABLE);
	const struct tree_node *type = tree_get_typed(meta, "type", TREE_STRING);
	const struct tree_node *body = tree_get(node, "query");
	struct eql_cond *cond;

	if (node->type != TREE_TABLE)
		return fail(f, node, "expected a filter, an object");
	if (is_true(meta, "disabled"))
		return eql_build_const(f->terms.builder, true);
	if (type && str_eq(type->text, STR("combined")))
		cond = combined(f, meta);
	else
		cond = body && body->type != TREE_NULL ? query(f, body) : old_form(f, node);
	return is_true(meta, "negate") ? eql_build_not(f->terms.builder, cond) : cond;
}

struct eql_cond *rule_compile_filters(const struct rule_source *source,
				      const struct tree_node *filters, struct eql_builder *builder,
				      const struct field_set *fields, struct str *reason)
{
	struct filters f = {
	    .source = source,
	    .terms = {.builder = builder, .fields = fields, .scratch = source->arena},
	};

	if (!filters)
		return eql_build_const(builder, true);
	if (filters->type != TREE_ARRAY)
		return fail(&f, filters, "[filters] must be an array");
	struct eql_cond **kids = ARENA_ARRAY(source->arena, struct eql_cond *, filters->kid_count);
	bool whole = true;

	for (uint32_t i = 0; i < filters->kid_count; i++) {
		kids[i] = filter(&f, filters->kids[i]);
		whole &= kids[i] != NULL;
	}
	*reason = f.unsupported;
	return whole ? eql_build_and(builder, kids, filters->kid_count) : NULL;
}
