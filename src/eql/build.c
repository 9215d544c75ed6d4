/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions from parts: what EQL's text comes to after parsing, entered by the side door. */
#include "eql/build.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "eql/condition_internal.h"
#include "eql/lower_internal.h"
#include "eql/regex_internal.h"
#include "eql/scratch_internal.h"

struct eql_builder {
	struct arena scratch;
	struct eql_options options;
	struct eql_source source; /* there is no text; only its errors are of use */
	struct diag_list diags;
	struct compiler compiler;
	const char *error;
};

static const struct span nowhere = {0, 0};

struct eql_builder *eql_builder_new(struct arena *arena, struct field_set *fields)
{
	struct eql_builder *b = xcalloc(1, sizeof(*b));

	arena_init(&b->scratch);
	diag_list_init(&b->diags);
	b->source =
	    (struct eql_source){.options = &b->options, .diags = &b->diags, .scratch = &b->scratch};
	b->compiler = (struct compiler){
	    .source = &b->source, .arena = arena, .fields = fields, .scratch = eql_scratch_new()};
	return b;
}

void eql_builder_free(struct eql_builder *b)
{
	if (!b)
		return;
	eql_scratch_free(b->compiler.scratch);
	diag_list_free(&b->diags);
	arena_free(&b->scratch);
	free(b);
}

const char *eql_builder_error(const struct eql_builder *b)
{
	if (b->error)
		return b->error;
	/* Messages are printed into an arena that ends them with a NUL. */
	return b->diags.count ? b->diags.items[0].message.p : NULL;
}

static struct eql_expr *field_of(struct eql_builder *b, struct str name)
{
	return eql_new_field(&b->compiler, name, nowhere);
}

static struct eql_cond *finish(struct eql_builder *b, struct eql_expr *x)
{
	return x ? eql_condition(&b->compiler, x) : NULL;
}

struct eql_cond *eql_build_equals(struct eql_builder *b, struct str field,
				  const struct value *values, uint32_t count, bool fold)
{
	struct eql_expr *left = field_of(b, field);

	if (!left)
		return NULL;
	if (!count)
		return eql_build_const(b, false);
	return finish(b, eql_form_in(&b->compiler, left, values, count, fold));
}

/* ---- patterns */

static bool is_plain(const struct eql_build_pattern *pattern)
{
	for (uint32_t i = 0; i < pattern->piece_count; i++) {
		struct str piece = pattern->pieces[i];

		if (piece.len &&
		    (memchr(piece.p, '*', piece.len) || memchr(piece.p, '?', piece.len)))
			return false;
	}
	return true;
}

/* The pieces with `between` between them; `escape` puts a backslash before all but letters,
 * digits and bytes beyond ASCII. */
static struct str joined(struct eql_builder *b, const struct eql_build_pattern *pattern,
			 struct str between, bool escape)
{
	struct buf out = {0};

	for (uint32_t i = 0; i < pattern->piece_count; i++) {
		struct str piece = pattern->pieces[i];

		if (i)
			buf_add(&out, between);
		for (size_t k = 0; k < piece.len; k++) {
			unsigned char c = (unsigned char)piece.p[k];
			bool plain = c >= 0x80 || (c >= '0' && c <= '9') ||
				     (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');

			if (escape && !plain)
				buf_add_char(&out, '\\');
			buf_add_char(&out, piece.p[k]);
		}
	}
	struct str text = arena_str(&b->scratch, buf_str(&out));

	buf_free(&out);
	return text;
}

static struct eql_cond *like(struct eql_builder *b, struct str field, const struct value *patterns,
			     uint32_t count, bool fold)
{
	struct eql_expr *left = field_of(b, field);

	return left ? finish(b, eql_form_like(&b->compiler, left, patterns, count, fold)) : NULL;
}

struct eql_cond *eql_build_like(struct eql_builder *b, struct str field, const struct str *patterns,
				uint32_t count, bool fold)
{
	struct value *values = ARENA_ARRAY(&b->scratch, struct value, count);

	for (uint32_t i = 0; i < count; i++)
		values[i] = value_str(patterns[i]);
	return like(b, field, values, count, fold);
}

/* Wildcard patterns have no escape for * and ?, so texts with those become regular expressions. */
static struct eql_cond *regex(struct eql_builder *b, struct str field, const struct str *patterns,
			      uint32_t count, bool fold)
{
	struct eql_expr *x = eql_new_expr(&b->compiler, EXPR_REGEX, EQL_TYPE_BOOLEAN, 1);
	struct regex_error error = {0};
	uint32_t failed;

	x->kids[0] = field_of(b, field);
	if (!x->kids[0])
		return NULL;
	x->regex = eql_regex_new(b->compiler.arena, patterns, count, fold, &failed, &error);
	if (!x->regex)
		b->error = "the patterns are too large";
	return x->regex ? finish(b, x) : NULL;
}

struct eql_cond *eql_build_wildcard(struct eql_builder *b, struct str field,
				    const struct eql_build_pattern *patterns, uint32_t count,
				    bool fold)
{
	struct value *texts = ARENA_ARRAY(&b->scratch, struct value, count);
	struct str *regexes = ARENA_ARRAY(&b->scratch, struct str, count);
	uint32_t text_count = 0, regex_count = 0, kid_count = 0;
	struct eql_cond *kids[2];

	for (uint32_t i = 0; i < count; i++)
		if (is_plain(&patterns[i]))
			texts[text_count++] = value_str(joined(b, &patterns[i], STR("*"), false));
		else
			regexes[regex_count++] = joined(b, &patterns[i], STR(".*"), true);
	if (text_count)
		kids[kid_count++] = like(b, field, texts, text_count, fold);
	if (regex_count)
		kids[kid_count++] = regex(b, field, regexes, regex_count, fold);
	return eql_build_or(b, kids, kid_count);
}

/* ---- the rest */

struct eql_cond *eql_build_exists(struct eql_builder *b, struct str field)
{
	struct eql_expr *x = eql_new_expr(&b->compiler, EXPR_IS_NULL, EQL_TYPE_BOOLEAN, 1);

	x->kids[0] = field_of(b, field);
	return x->kids[0] ? eql_build_not(b, finish(b, x)) : NULL;
}

struct eql_cond *eql_build_compare(struct eql_builder *b, struct str field,
				   enum eql_build_order order, struct value value)
{
	static const enum eql_operator operators[] = {
	    [EQL_BUILD_LT] = EQL_LT,
	    [EQL_BUILD_LE] = EQL_LE,
	    [EQL_BUILD_GT] = EQL_GT,
	    [EQL_BUILD_GE] = EQL_GE,
	};
	struct compiler *c = &b->compiler;
	struct eql_expr *left = field_of(b, field);

	if (!left)
		return NULL;
	return finish(b, eql_form_compare(c, operators[order], left, eql_new_literal(c, value),
					  false, nowhere));
}

struct eql_cond *eql_build_cidr(struct eql_builder *b, struct str field, const struct str *ranges,
				uint32_t count)
{
	struct value *values = ARENA_ARRAY(&b->scratch, struct value, count);
	struct eql_expr *left = field_of(b, field);

	for (uint32_t i = 0; i < count; i++)
		values[i] = value_str(ranges[i]);
	if (!left)
		return NULL;
	struct eql_expr *x = eql_form_cidr(&b->compiler, left, values, count);

	if (!x)
		b->error = "not an address range";
	return finish(b, x);
}

static struct eql_cond *join(struct eql_builder *b, enum eql_cond_kind kind,
			     struct eql_cond *const *kids, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!kids[i])
			return NULL;
	return eql_cond_join(&b->compiler, kind, kids, count);
}

struct eql_cond *eql_build_and(struct eql_builder *b, struct eql_cond *const *kids, uint32_t count)
{
	return join(b, EQL_COND_AND, kids, count);
}

struct eql_cond *eql_build_or(struct eql_builder *b, struct eql_cond *const *kids, uint32_t count)
{
	return join(b, EQL_COND_OR, kids, count);
}

struct eql_cond *eql_build_not(struct eql_builder *b, struct eql_cond *kid)
{
	return kid ? eql_cond_not(&b->compiler, kid) : NULL;
}

struct eql_cond *eql_build_const(struct eql_builder *b, bool value)
{
	return eql_cond_const(&b->compiler, value);
}

struct eql_query *eql_build_event_query(struct eql_builder *b, struct eql_cond *cond,
					struct str text)
{
	if (!cond)
		return NULL;
	struct arena *arena = b->compiler.arena;
	struct eql_query *query = ARENA_NEW(arena, struct eql_query);
	struct eql_filter *filter = ARENA_NEW(arena, struct eql_filter);

	query->kind = EQL_QUERY_EVENT;
	query->text = arena_str(arena, text);
	query->filters = filter;
	query->filter_count = 1;
	query->lineage_filter = EQL_NO_FILTER;
	filter->any_category = true;
	filter->cond = cond;
	filter->text = query->text;
	return query;
}
