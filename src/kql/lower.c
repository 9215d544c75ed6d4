/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KQL's tree to a condition. Values of one field that an `or` joins become one term, as EQL's `in`
 * list does: one hash lookup, however many they are.
 *
 * Kibana asks a value without a field, and one whose field is a pattern, of all fields of the index.
 * lintel has no such list, for an event is filled with what rules name; it asks the fields it knows
 * by name (fields.def), so that a rule's meaning does not depend on the rules beside it.
 */
#include "kql/kql_internal.h"

#include <errno.h>

struct lower {
	const struct kql_source *source;
	struct kql_terms terms;
	struct str path; /* of the nested query we are in, with its dot; or empty */
	uint64_t expansion;
	bool failed;
};

static struct eql_cond *fail(struct lower *l, const struct kql_literal *at, struct str hint,
			     struct str message)
{
	if (!l->failed)
		kql_error(l->source, at->span, hint, "%.*s", STR_ARG(message));
	l->failed = true;
	return NULL;
}

static bool is_pattern(const struct kql_literal *literal)
{
	return literal->piece_count > 1;
}

/* `*`, but not `**`. */
static bool is_lone_star(const struct kql_literal *literal)
{
	return literal->piece_count == 2 && !literal->pieces[0].len && !literal->pieces[1].len;
}

static bool is_null(const struct kql_literal *literal)
{
	return !literal->quoted && !is_pattern(literal) && str_eq(literal->pieces[0], STR("null"));
}

static bool same_field(const struct kql_literal *a, const struct kql_literal *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->piece_count != b->piece_count)
		return false;
	for (uint32_t i = 0; i < a->piece_count; i++)
		if (!str_eq(a->pieces[i], b->pieces[i]))
			return false;
	return true;
}

/* Does the name match the pieces with anything between them? */
static bool name_matches(struct str name, const struct kql_literal *pattern)
{
	const struct str *pieces = pattern->pieces;
	uint32_t last = pattern->piece_count - 1;
	size_t at = pieces[0].len;

	if (!str_starts(name, pieces[0]))
		return false;
	for (uint32_t i = 1; i < last; i++) {
		at = str_find(name, pieces[i], at);
		if (at == SIZE_MAX)
			return false;
		at += pieces[i].len;
	}
	return name.len - at >= pieces[last].len && str_ends(name, pieces[last]);
}

/* Names to ask: the one written, or those lintel knows that match. */
struct names {
	struct str *items;
	uint32_t count;
	bool expanded;
};

static struct str known_name(uint32_t id)
{
	return field_known_name((enum field_id)id);
}

static struct names expand(struct lower *l, const struct kql_literal *pattern)
{
	struct names names = {.expanded = true};

	names.items = ARENA_ARRAY(l->source->scratch, struct str, FIELD_KNOWN_COUNT);
	for (uint32_t id = 0; id < FIELD_KNOWN_COUNT; id++) {
		struct str name = known_name(id), inner = name;

		if (pattern && !str_starts(name, l->path))
			continue;
		inner = (struct str){name.p + (pattern ? l->path.len : 0),
				     name.len - (pattern ? l->path.len : 0)};
		if (!pattern || name_matches(inner, pattern))
			names.items[names.count++] = name;
	}
	return names;
}

/* False after an error. */
static bool resolve(struct lower *l, const struct kql_literal *field, struct names *names)
{
	if (!field || is_pattern(field)) {
		*names = expand(l, field);
		if (!names->count)
			fail(l, field,
			     STR("a pattern is matched with the names of docs/fields.md; others "
				 "must be written out"),
			     STR("no field that lintel knows matches this pattern"));
		return names->count;
	}
	if (!field->pieces[0].len || is_null(field) ||
	    memchr(field->pieces[0].p, '\0', field->pieces[0].len)) {
		fail(l, field, STR("a name, as in process.name: \"sh\""),
		     STR("this is not a field"));
		return false;
	}
	names->items = ARENA_ARRAY(l->source->scratch, struct str, 1);
	names->items[0] = arena_printf(l->source->scratch, "%.*s%.*s", STR_ARG(l->path),
				       STR_ARG(field->pieces[0]));
	names->count = 1;
	names->expanded = false;
	return true;
}

/* The values of one term: those of some `is` nodes with the same field. */
struct values {
	struct str *texts;
	struct eql_build_pattern *patterns;
	/* Where each was written. */
	const struct kql_literal **text_at, **pattern_at;
	uint32_t text_count, pattern_count;
};

static bool collect(struct lower *l, struct kql_node *const *nodes, uint32_t count,
		    struct values *v)
{
	struct arena *arena = l->source->scratch;

	*v = (struct values){
	    .texts = ARENA_ARRAY(arena, struct str, count),
	    .patterns = ARENA_ARRAY(arena, struct eql_build_pattern, count),
	    .text_at = ARENA_ARRAY(arena, const struct kql_literal *, count),
	    .pattern_at = ARENA_ARRAY(arena, const struct kql_literal *, count),
	};
	for (uint32_t i = 0; i < count; i++) {
		const struct kql_literal *value = nodes[i]->value;

		if (is_null(value)) {
			fail(l, value, STR("a field without a value is found by `not field: *`"),
			     STR("null is not a value"));
			return false;
		}
		if (is_pattern(value)) {
			v->pattern_at[v->pattern_count] = value;
			v->patterns[v->pattern_count++] =
			    (struct eql_build_pattern){value->pieces, value->piece_count};
		} else {
			v->text_at[v->text_count] = value;
			v->texts[v->text_count++] = value->pieces[0];
		}
	}
	return true;
}

/* What went wrong in a term, said at the value that did it. */
static struct eql_cond *term_failed(struct lower *l, const struct kql_literal *at)
{
	const char *of_builder = eql_builder_error(l->terms.builder);
	struct str why = l->terms.why.len ? l->terms.why
			 : of_builder     ? str_from(of_builder)
					  : STR("cannot be compiled");

	return fail(l, at, l->terms.hint, why);
}

static struct eql_cond *terms_of_name(struct lower *l, struct str name, const struct values *v)
{
	struct eql_cond *kids[2];
	uint32_t n = 0;

	if (v->text_count) {
		kids[n] = kql_term(&l->terms, name, v->texts, v->text_count);
		if (!kids[n++])
			return term_failed(l, v->text_at[l->terms.failed]);
	}
	if (v->pattern_count) {
		kids[n] = kql_wildcard(&l->terms, name, v->patterns, v->pattern_count, false);
		if (!kids[n++])
			return term_failed(l, v->pattern_at[l->terms.failed]);
	}
	return eql_build_or(l->terms.builder, kids, n);
}

/* A field is asked: counted, because a few characters can ask all of them. */
static bool count_expansion(struct lower *l, const struct names *names, uint32_t values,
			    const struct kql_literal *at)
{
	if (!names->expanded)
		return true;
	l->expansion += (uint64_t)names->count * values;
	if (l->expansion <= KQL_EXPANSION_MAX)
		return true;
	fail(l, at, STR("name the fields that are meant"),
	     STR("too many values are asked of too many fields"));
	return false;
}

/* `count` is-nodes with the same field. */
static struct eql_cond *lower_is(struct lower *l, struct kql_node *const *nodes, uint32_t count)
{
	const struct kql_literal *field = nodes[0]->field;
	struct names names;
	struct values values;

	for (uint32_t i = 0; i < count; i++)
		if (is_lone_star(nodes[i]->value) && (!field || is_lone_star(field)))
			return eql_build_const(l->terms.builder, true);
	if (!collect(l, nodes, count, &values) || !resolve(l, field, &names) ||
	    !count_expansion(l, &names, count, nodes[0]->value))
		return NULL;
	struct eql_cond **kids = ARENA_ARRAY(l->source->scratch, struct eql_cond *, names.count);

	l->terms.lenient = names.expanded;
	for (uint32_t i = 0; i < names.count; i++) {
		kids[i] = terms_of_name(l, names.items[i], &values);
		if (!kids[i])
			return NULL;
	}
	return eql_build_or(l->terms.builder, kids, names.count);
}

static struct eql_cond *lower_range(struct lower *l, const struct kql_node *node)
{
	const struct kql_literal *value = node->value;
	struct names names;

	if (is_pattern(value) || is_null(value))
		return fail(l, value, STR("a number, a date, an address or a text"),
			    STR("nothing can be compared with this"));
	if (!resolve(l, node->field, &names) || !count_expansion(l, &names, 1, value))
		return NULL;
	struct eql_cond **kids = ARENA_ARRAY(l->source->scratch, struct eql_cond *, names.count);

	l->terms.lenient = names.expanded;
	for (uint32_t i = 0; i < names.count; i++) {
		kids[i] = kql_range(&l->terms, names.items[i], node->order, value->pieces[0]);
		if (!kids[i])
			return term_failed(l, value);
	}
	return eql_build_or(l->terms.builder, kids, names.count);
}

static struct eql_cond *lower(struct lower *l, struct kql_node *node);

/* Elasticsearch looks for one object that meets the condition; events here are flat. Where no two
 * values must meet, it is the same. */
static bool is_exact_when_flat(const struct kql_node *node)
{
	if (node->kind == KQL_AND || node->kind == KQL_NOT)
		return false;
	for (uint32_t i = 0; i < node->kid_count; i++)
		if (!is_exact_when_flat(node->kids[i]))
			return false;
	return true;
}

static void warn_nested(const struct lower *l, const struct kql_node *node)
{
	struct diag diag = kql_diag(l->source, node->field->span);

	diag.level = DIAG_WARNING;
	diag.hint = STR("it does not look for a single object that meets all of it");
	diag_add(l->source->diags, diag,
		 "a nested query is judged over all objects of the field together");
}

static struct eql_cond *lower_nested(struct lower *l, struct kql_node *node)
{
	const struct kql_literal *field = node->field;
	struct str outer = l->path;

	if (is_pattern(field) || is_null(field) || !field->pieces[0].len)
		return fail(l, field, STR("a name, as in dll: { name: x }"),
			    STR("this is not a field"));
	l->path = arena_printf(l->source->scratch, "%.*s%.*s.", STR_ARG(outer),
			       STR_ARG(field->pieces[0]));
	struct eql_cond *cond = lower(l, node->kids[0]);

	l->path = outer;
	/* Once, for the outermost. */
	if (cond && !outer.len && !is_exact_when_flat(node->kids[0]))
		warn_nested(l, node);
	return cond;
}

/* How many nodes from `from` on are values of the same field. */
static uint32_t run_of_is(const struct kql_node *node, uint32_t from)
{
	uint32_t n = 0;

	while (from + n < node->kid_count && node->kids[from + n]->kind == KQL_IS &&
	       same_field(node->kids[from]->field, node->kids[from + n]->field))
		n++;
	return n;
}

static struct eql_cond *lower_joined(struct lower *l, struct kql_node *node)
{
	struct eql_cond **kids =
	    ARENA_ARRAY(l->source->scratch, struct eql_cond *, node->kid_count);
	uint32_t count = 0;

	for (uint32_t i = 0; i < node->kid_count;) {
		uint32_t run = node->kind == KQL_OR ? run_of_is(node, i) : 0;

		kids[count] = run ? lower_is(l, node->kids + i, run) : lower(l, node->kids[i]);
		if (!kids[count++])
			return NULL;
		i += run ? run : 1;
	}
	return node->kind == KQL_OR ? eql_build_or(l->terms.builder, kids, count)
				    : eql_build_and(l->terms.builder, kids, count);
}

/* Depth is bounded by the parser. */
static struct eql_cond *lower(struct lower *l, struct kql_node *node)
{
	switch (node->kind) {
	case KQL_IS:
		return lower_is(l, &node, 1);
	case KQL_RANGE:
		return lower_range(l, node);
	case KQL_NESTED:
		return lower_nested(l, node);
	case KQL_NOT:
		return eql_build_not(l->terms.builder, lower(l, node->kids[0]));
	case KQL_AND:
	case KQL_OR:
		break;
	}
	return lower_joined(l, node);
}

int kql_condition(struct eql_builder *builder, const struct field_set *fields, struct str text,
		  const struct kql_options *options, struct diag_list *diags, struct eql_cond **out)
{
	static const struct kql_options none;
	struct arena scratch;
	struct kql_node *root;

	*out = NULL;
	arena_init(&scratch);
	struct kql_source source = {.text = text,
				    .options = options ? options : &none,
				    .diags = diags,
				    .scratch = &scratch};
	struct lower l = {.source = &source,
			  .terms = {.builder = builder, .fields = fields, .scratch = &scratch}};

	if (text.len > KQL_TEXT_BYTES_MAX)
		kql_error(&source, (struct kql_span){0, 1}, STR_NULL,
			  "the query is longer than 1 MiB");
	else if (kql_parse(&source, &root))
		*out = root ? lower(&l, root) : eql_build_const(builder, true);
	arena_free(&scratch);
	return *out ? 0 : -EINVAL;
}
