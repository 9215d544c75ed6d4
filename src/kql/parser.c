/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KQL's grammar, by recursive descent over the characters: what is a keyword depends on what stands
 * around it, so there are no tokens. `not` binds closer than `and`, `and` than `or`; the three need
 * white space around them and know no case.
 */
#include "kql/kql_internal.h"

#include <stdarg.h>
#include <stdio.h>

struct parser {
	const struct kql_source *source;
	struct str text;
	uint32_t at;
	uint32_t depth;
	bool failed; /* an error has been reported: everything returns NULL */
};

struct diag kql_diag(const struct kql_source *source, struct kql_span where)
{
	const struct kql_options *o = source->options;

	return diag_at(o->file, source->text, where.at, where.len ? where.len : 1,
		       o->first_line ? o->first_line : 1, o->first_column ? o->first_column : 1);
}

void kql_error(const struct kql_source *source, struct kql_span where, struct str hint,
	       const char *fmt, ...)
{
	struct diag diag = kql_diag(source, where);
	char message[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	diag.hint = hint;
	diag_add(source->diags, diag, "%s", message);
}

static void skip_space(struct parser *p)
{
	for (uint32_t n; (n = kql_space_at(p->text, p->at)); p->at += n)
		;
}

static bool next_is(const struct parser *p, char c)
{
	return p->at < p->text.len && p->text.p[p->at] == c;
}

static bool take(struct parser *p, char c)
{
	if (!next_is(p, c))
		return false;
	p->at++;
	return true;
}

static bool not_at(const struct parser *p)
{
	return kql_word_at(p->text, p->at, STR("not")) && kql_space_at(p->text, p->at + 3);
}

/* What stands where the parser is: a keyword or a character; empty at the end. */
static struct str found_at(const struct parser *p)
{
	struct str found = {p->text.p + p->at, not_at(p) ? 3 : p->at < p->text.len};

	/* A whole character, not its first byte. */
	while (found.len && p->at + found.len < p->text.len &&
	       ((unsigned char)found.p[found.len] & 0xc0) == 0x80)
		found.len++;
	return found;
}

static struct str hint_at(const struct parser *p)
{
	char c = p->at < p->text.len ? p->text.p[p->at] : '\0';

	if (c == '\\')
		return STR("outside of quotes a backslash stands before \\ ( ) : < > \" * { } or, "
			   "and, not, t, r, n, uXXXX; itself it is written \\\\");
	if (not_at(p))
		return STR("[not] followed by a blank is a keyword, also at the end of a word; "
			   "put the text in quotes");
	if (c == '(')
		return STR("[and], [or] and [not] need a blank on both sides; a value with "
			   "parentheses needs quotes");
	return c ? STR("a value with special characters needs quotes") : STR_NULL;
}

/* What is wrong where the parser stands. */
static struct kql_node *fail(struct parser *p, const char *expected)
{
	struct str found = found_at(p);
	struct kql_span where = {p->at, (uint32_t)found.len};

	if (p->failed)
		return NULL;
	p->failed = true;
	if (found.len) {
		kql_error(p->source, where, hint_at(p), "expected %s, found [%.*s]", expected,
			  STR_ARG(found));
	} else {
		where.at -= where.at > 0;
		kql_error(p->source, where, STR_NULL, "expected %s, found the end", expected);
	}
	return NULL;
}

static bool enter(struct parser *p)
{
	if (p->depth == KQL_DEPTH_MAX && !p->failed) {
		kql_error(p->source, (struct kql_span){p->at, 1}, STR_NULL,
			  "nested deeper than %d levels", KQL_DEPTH_MAX);
		p->failed = true;
	}
	if (p->failed)
		return false;
	p->depth++;
	return true;
}

static struct kql_node *new_node(struct parser *p, enum kql_kind kind)
{
	struct kql_node *node = ARENA_NEW(p->source->scratch, struct kql_node);

	node->kind = kind;
	return node;
}

static void add_kid(struct parser *p, struct kql_node *node, struct kql_node *kid)
{
	if (node->kid_count == node->kid_cap) {
		uint32_t cap = node->kid_cap ? 2 * node->kid_cap : 4;
		struct kql_node **more = ARENA_ARRAY(p->source->scratch, struct kql_node *, cap);

		if (node->kid_count)
			memcpy(more, node->kids, node->kid_count * sizeof(struct kql_node *));
		node->kids = more;
		node->kid_cap = cap;
	}
	node->kids[node->kid_count++] = kid;
}

/* White space, the word, white space; all of it or nothing is taken. */
static bool take_conjunction(struct parser *p, struct str word)
{
	uint32_t before = p->at;

	skip_space(p);
	if (p->at > before && kql_word_at(p->text, p->at, word) &&
	    kql_space_at(p->text, p->at + (uint32_t)word.len)) {
		p->at += (uint32_t)word.len;
		skip_space(p);
		return true;
	}
	p->at = before;
	return false;
}

static bool take_not(struct parser *p)
{
	if (!not_at(p))
		return false;
	p->at += 3;
	skip_space(p);
	return true;
}

/* What stands between conjunctions: a condition, or within `field: ( ... )` a value of `field`. */
typedef struct kql_node *parse_fn(struct parser *p, struct kql_literal *field);

static struct kql_node *negated(struct parser *p, struct kql_literal *field, parse_fn *operand)
{
	bool negative = take_not(p);
	struct kql_node *kid = operand(p, field);

	if (!negative || !kid)
		return kid;
	struct kql_node *node = new_node(p, KQL_NOT);

	add_kid(p, node, kid);
	return node;
}

static struct kql_node *joined(struct parser *p, struct kql_literal *field, parse_fn *operand,
			       enum kql_kind kind)
{
	struct str word = kind == KQL_OR ? STR("or") : STR("and");
	struct kql_node *node = NULL, *head;

	head = kind == KQL_OR ? joined(p, field, operand, KQL_AND) : negated(p, field, operand);
	while (head && take_conjunction(p, word)) {
		struct kql_node *kid = kind == KQL_OR ? joined(p, field, operand, KQL_AND)
						      : negated(p, field, operand);

		if (!kid)
			return NULL;
		if (!node) {
			node = new_node(p, kind);
			add_kid(p, node, head);
		}
		add_kid(p, node, kid);
	}
	return node ? node : head;
}

/* p->at is behind the opening bracket. */
static struct kql_node *bracketed(struct parser *p, struct kql_literal *field, parse_fn *operand,
				  char closing)
{
	if (!enter(p))
		return NULL;
	skip_space(p);
	struct kql_node *node = joined(p, field, operand, KQL_OR);

	skip_space(p);
	if (node && !take(p, closing))
		return fail(p, closing == ')' ? "[and], [or] or a closing [)]"
					      : "[and], [or] or a closing [}]");
	p->depth--;
	return node;
}

static struct kql_literal *literal(struct parser *p, const char *expected)
{
	struct kql_literal *found =
	    p->failed ? NULL : kql_read_literal(p->source, &p->at, &p->failed);

	if (!found)
		fail(p, expected);
	return found;
}

static struct kql_node *is_node(struct parser *p, struct kql_literal *field,
				struct kql_literal *value)
{
	struct kql_node *node = new_node(p, KQL_IS);

	node->field = field;
	node->value = value;
	return node;
}

static struct kql_node *list_of_values(struct parser *p, struct kql_literal *field)
{
	if (take(p, '('))
		return bracketed(p, field, list_of_values, ')');
	struct kql_literal *value = literal(p, "a value");

	return value ? is_node(p, field, value) : NULL;
}

static bool take_order(struct parser *p, enum eql_build_order *order)
{
	bool less = take(p, '<');

	if (!less && !take(p, '>'))
		return false;
	bool equal = take(p, '=');

	*order =
	    less ? (equal ? EQL_BUILD_LE : EQL_BUILD_LT) : (equal ? EQL_BUILD_GE : EQL_BUILD_GT);
	return true;
}

static struct kql_node *range(struct parser *p, struct kql_literal *field,
			      enum eql_build_order order)
{
	skip_space(p);
	struct kql_literal *value = literal(p, "a value to compare with");

	if (!value)
		return NULL;
	struct kql_node *node = new_node(p, KQL_RANGE);

	node->field = field;
	node->value = value;
	node->order = order;
	return node;
}

static struct kql_node *condition(struct parser *p, struct kql_literal *outer);

static struct kql_node *nested(struct parser *p, struct kql_literal *field)
{
	struct kql_node *kid = bracketed(p, NULL, condition, '}');

	if (!kid)
		return NULL;
	struct kql_node *node = new_node(p, KQL_NESTED);

	node->field = field;
	add_kid(p, node, kid);
	return node;
}

static struct kql_node *condition(struct parser *p, struct kql_literal *outer)
{
	enum eql_build_order order;

	(void)outer;
	if (take(p, '('))
		return bracketed(p, NULL, condition, ')');
	struct kql_literal *first = literal(p, "a field or a value");
	uint32_t behind = p->at;

	if (!first)
		return NULL;
	skip_space(p);
	if (take_order(p, &order))
		return range(p, first, order);
	if (take(p, ':')) {
		skip_space(p);
		return take(p, '{') ? nested(p, first) : list_of_values(p, first);
	}
	p->at = behind;
	return is_node(p, NULL, first);
}

bool kql_parse(const struct kql_source *source, struct kql_node **root)
{
	struct parser p = {.source = source, .text = source->text};

	*root = NULL;
	skip_space(&p);
	if (p.at == p.text.len)
		return true;
	*root = joined(&p, NULL, condition, KQL_OR);
	skip_space(&p);
	if (*root && p.at < p.text.len)
		fail(&p, "[and], [or] or the end");
	return !p.failed;
}
