/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lucene's RegExp grammar with all optional operators, precedence as there:
 *
 *	union < & < concatenation < repetition < ~ < one character, group, class
 *
 * What Lucene takes literally is literal here: ^ and $, a quantifier with nothing before it, a
 * closing bracket or brace with no opening one.
 */
#include "eql/regex_tree_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "eql/string_internal.h"

struct rx_parser {
	struct arena *arena;
	struct str text;
	size_t at;          /* byte */
	uint32_t character; /* the same in characters, from 1 */
	uint32_t depth;
	struct regex_error *error;
};

static struct rx *parse_union(struct rx_parser *p);

bool eql_rx_fail(struct regex_error *error, uint32_t at, const char *fmt, ...)
{
	va_list ap;

	if (error->text[0])
		return false;
	va_start(ap, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	error->at = at;
	return false;
}

static bool more(const struct rx_parser *p)
{
	return p->at < p->text.len;
}

static bool peek(const struct rx_parser *p, const char *set)
{
	return more(p) && p->text.p[p->at] && strchr(set, p->text.p[p->at]);
}

static bool eat(struct rx_parser *p, char c)
{
	if (!more(p) || p->text.p[p->at] != c)
		return false;
	p->at++;
	p->character++;
	return true;
}

static uint32_t next(struct rx_parser *p)
{
	size_t len;
	uint32_t code = eql_utf8_get(p->text, p->at, &len);

	p->at += len;
	p->character++;
	return code;
}

static struct rx *new_rx(struct rx_parser *p, enum rx_kind kind)
{
	struct rx *rx = ARENA_NEW(p->arena, struct rx);

	rx->kind = kind;
	rx->at = p->character;
	rx->depth = 1;
	return rx;
}

/* The array doubles when its count reaches a power of two. */
static struct rx *add_kid(struct rx_parser *p, struct rx *rx, struct rx *kid)
{
	uint32_t n = rx->kid_count;

	if (!rx || !kid)
		return NULL;
	if ((n & (n - 1)) == 0) {
		struct rx **kids = ARENA_ARRAY(p->arena, struct rx *, n ? (size_t)n * 2 : 1);

		if (n)
			memcpy(kids, rx->kids, n * sizeof(*kids));
		rx->kids = kids;
	}
	rx->kids[rx->kid_count++] = kid;
	if (kid->depth >= rx->depth)
		rx->depth = kid->depth + 1;
	if (rx->depth > REGEX_DEPTH_MAX) {
		eql_rx_fail(p->error, kid->at, "nested deeper than %d levels", REGEX_DEPTH_MAX);
		return NULL;
	}
	return rx;
}

static void add_range(struct rx_parser *p, struct rx *rx, uint32_t first, uint32_t last)
{
	uint32_t n = rx->range_count;

	if ((n & (n - 1)) == 0) {
		struct rx_range *ranges =
		    ARENA_ARRAY(p->arena, struct rx_range, n ? (size_t)n * 2 : 1);

		if (n)
			memcpy(ranges, rx->ranges, n * sizeof(*ranges));
		rx->ranges = ranges;
	}
	rx->ranges[rx->range_count++] = (struct rx_range){first, last};
}

static const struct {
	char letter;
	struct rx_range ranges[4];
	uint32_t count;
} classes[] = {
    {'d', {{'0', '9'}}, 1},
    {'w', {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 4},
    {'s', {{'\t', '\n'}, {'\r', '\r'}, {' ', ' '}}, 3},
};

static void add_class(struct rx_parser *p, struct rx *rx, size_t i)
{
	for (uint32_t r = 0; r < classes[i].count; r++)
		add_range(p, rx, classes[i].ranges[r].first, classes[i].ranges[r].last);
}

/* What lies between the class's ranges, which are in order. */
static void add_complement(struct rx_parser *p, struct rx *rx, size_t i)
{
	uint32_t from = 0;

	for (uint32_t r = 0; r < classes[i].count; r++) {
		if (classes[i].ranges[r].first > from)
			add_range(p, rx, from, classes[i].ranges[r].first - 1);
		from = classes[i].ranges[r].last + 1;
	}
	add_range(p, rx, from, 0x10ffff);
}

/* \d \w \s and their complements, into `rx`. False with no error when there is none here. */
static bool parse_predefined(struct rx_parser *p, struct rx *rx)
{
	if (p->at + 1 >= p->text.len || p->text.p[p->at] != '\\')
		return false;
	char c = p->text.p[p->at + 1];

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		bool upper = c == classes[i].letter - ('a' - 'A');

		if (c != classes[i].letter && !upper)
			continue;
		p->at += 2;
		p->character += 2;
		if (upper)
			add_complement(p, rx, i);
		else
			add_class(p, rx, i);
		return true;
	}
	return false;
}

/* One character, escaped or not. Lucene reserves a backslash before any letter it does not know. */
static bool parse_char(struct rx_parser *p, uint32_t *code)
{
	uint32_t start = p->character;
	bool escaped = eat(p, '\\');

	if (!more(p))
		return eql_rx_fail(p->error, start, "unexpected end of the pattern");
	*code = next(p);
	bool letter = (*code >= 'a' && *code <= 'z') || (*code >= 'A' && *code <= 'Z');

	if (escaped && letter)
		return eql_rx_fail(p->error, start,
				   "[\\%c] is not an escape in Lucene's syntax (it knows \\d \\D "
				   "\\s \\S \\w \\W)",
				   (char)*code);
	return true;
}

static bool parse_class_item(struct rx_parser *p, struct rx *rx)
{
	uint32_t start = p->character, first, last;

	if (parse_predefined(p, rx))
		return true;
	if (!parse_char(p, &first))
		return false;
	last = first;
	if (eat(p, '-')) {
		if (peek(p, "]"))
			add_range(p, rx, '-', '-');
		else if (!parse_char(p, &last))
			return false;
	}
	if (last < first)
		return eql_rx_fail(p->error, start, "range out of order");
	add_range(p, rx, first, last);
	return true;
}

/* After the opening bracket. The first item may be a bracket itself: []a]. */
static struct rx *parse_class(struct rx_parser *p)
{
	struct rx *rx = new_rx(p, RX_CLASS);

	rx->negated = eat(p, '^');
	do {
		if (!more(p)) {
			eql_rx_fail(p->error, rx->at - 1, "[ without ]");
			return NULL;
		}
		if (!parse_class_item(p, rx))
			return NULL;
	} while (!eat(p, ']'));
	return rx;
}

/* "...": everything up to the next quote is literal. After the opening one. */
static struct rx *parse_quoted(struct rx_parser *p)
{
	struct rx *rx = new_rx(p, RX_CONCAT);

	while (!eat(p, '"')) {
		if (!more(p)) {
			eql_rx_fail(p->error, rx->at - 1, "\" without a closing one");
			return NULL;
		}
		struct rx *one = new_rx(p, RX_CLASS);
		uint32_t code = next(p);

		add_range(p, one, code, code);
		if (!add_kid(p, rx, one))
			return NULL;
	}
	if (!rx->kid_count)
		rx->kind = RX_EMPTY;
	return rx;
}

static bool parse_decimal(struct rx_parser *p, uint32_t max, uint32_t *value, uint32_t *digits)
{
	uint64_t v = 0;

	for (*digits = 0; peek(p, "0123456789"); ++*digits) {
		v = v * 10 + (next(p) - '0');
		if (v > max)
			return false;
	}
	*value = (uint32_t)v;
	return *digits > 0;
}

/* <n-m>, after the <. Equally long numbers fix the number of digits. */
static struct rx *parse_interval(struct rx_parser *p)
{
	struct rx *rx = new_rx(p, RX_INTERVAL);
	uint32_t first_digits, last_digits;

	if (!parse_decimal(p, INT32_MAX, &rx->min, &first_digits) || !eat(p, '-') ||
	    !parse_decimal(p, INT32_MAX, &rx->max, &last_digits) || !eat(p, '>')) {
		eql_rx_fail(
		    p->error, rx->at - 1,
		    "[<] begins an interval of numbers, <n-m>; for the character write \\<");
		return NULL;
	}
	/* Lucene builds states per digit and takes no longer ones than fit its integers either. */
	rx->digits = first_digits == last_digits ? first_digits : 0;
	if (rx->digits > 10) {
		eql_rx_fail(p->error, rx->at - 1, "interval with more than ten digits");
		return NULL;
	}
	if (rx->min > rx->max) {
		uint32_t swap = rx->min;

		rx->min = rx->max;
		rx->max = swap;
	}
	return rx;
}

static struct rx *parse_group(struct rx_parser *p)
{
	uint32_t start = p->character - 1;

	if (eat(p, ')'))
		return new_rx(p, RX_EMPTY);
	struct rx *rx = parse_union(p);

	if (rx && !eat(p, ')')) {
		eql_rx_fail(p->error, start, "( without )");
		return NULL;
	}
	return rx;
}

static struct rx *parse_simple(struct rx_parser *p)
{
	struct rx *rx = new_rx(p, RX_CLASS);
	uint32_t code;

	if (eat(p, '.')) {
		add_range(p, rx, 0, 0x10ffff);
		return rx;
	}
	if (eat(p, '#'))
		return new_rx(p, RX_NOTHING);
	if (eat(p, '@'))
		return new_rx(p, RX_ANY);
	if (eat(p, '['))
		return parse_class(p);
	if (eat(p, '"'))
		return parse_quoted(p);
	if (eat(p, '('))
		return parse_group(p);
	if (eat(p, '<'))
		return parse_interval(p);
	if (parse_predefined(p, rx))
		return rx;
	if (!parse_char(p, &code))
		return NULL;
	add_range(p, rx, code, code);
	return rx;
}

static struct rx *parse_complement(struct rx_parser *p)
{
	if (!peek(p, "~"))
		return parse_simple(p);
	struct rx *rx = new_rx(p, RX_COMPLEMENT);

	if (p->depth == REGEX_DEPTH_MAX) {
		eql_rx_fail(p->error, p->character, "nested deeper than %d levels",
			    REGEX_DEPTH_MAX);
		return NULL;
	}
	eat(p, '~');
	p->depth++;
	struct rx *kid = parse_complement(p);

	p->depth--;
	return add_kid(p, rx, kid);
}

/* {n}, {n,} or {n,m}, after the brace. */
static bool parse_braces(struct rx_parser *p, struct rx *rx)
{
	uint32_t digits;

	if (!parse_decimal(p, REGEX_REPEAT_MAX, &rx->min, &digits))
		return eql_rx_fail(p->error, rx->at,
				   "{ needs a number up to %d; for the "
				   "character write \\{",
				   REGEX_REPEAT_MAX);
	rx->max = rx->min;
	if (eat(p, ',')) {
		rx->max = REGEX_UNBOUNDED;
		if (!peek(p, "}") && !parse_decimal(p, REGEX_REPEAT_MAX, &rx->max, &digits))
			return eql_rx_fail(p->error, rx->at, "{n,m} needs a number up to %d",
					   REGEX_REPEAT_MAX);
	}
	if (!eat(p, '}'))
		return eql_rx_fail(p->error, rx->at, "{ without }");
	if (rx->min > rx->max)
		return eql_rx_fail(p->error, rx->at, "repetition out of order");
	return true;
}

static bool is_simple_repeat(const struct rx *rx)
{
	return rx->kind == RX_REPEAT && rx->min <= 1 &&
	       (rx->max == 1 || rx->max == REGEX_UNBOUNDED);
}

/* A quantifier on a quantifier, `.*?` for many an author's lazy star: the language of both. */
static void merge(struct rx *inner, uint32_t min, uint32_t max)
{
	inner->min *= min;
	inner->max = inner->max == 1 && max == 1 ? 1 : REGEX_UNBOUNDED;
}

static struct rx *parse_repeat(struct rx_parser *p)
{
	struct rx *rx = parse_complement(p);

	while (rx && peek(p, "?*+{")) {
		struct rx *repeat = new_rx(p, RX_REPEAT);

		repeat->max = REGEX_UNBOUNDED;
		if (eat(p, '?')) {
			repeat->max = 1;
		} else if (eat(p, '+')) {
			repeat->min = 1;
		} else if (!eat(p, '*')) {
			eat(p, '{');
			if (!parse_braces(p, repeat))
				return NULL;
		}
		if (is_simple_repeat(rx) && is_simple_repeat(repeat))
			merge(rx, repeat->min, repeat->max);
		else
			rx = add_kid(p, repeat, rx);
	}
	return rx;
}

static struct rx *parse_concat(struct rx_parser *p)
{
	struct rx *first = parse_repeat(p), *rx;

	if (!first || !more(p) || peek(p, ")|&"))
		return first;
	rx = add_kid(p, new_rx(p, RX_CONCAT), first);
	while (rx && more(p) && !peek(p, ")|&"))
		rx = add_kid(p, rx, parse_repeat(p));
	return rx;
}

static struct rx *parse_list(struct rx_parser *p, char separator, enum rx_kind kind,
			     struct rx *(*item)(struct rx_parser *p))
{
	struct rx *first = item(p), *rx;

	if (!first || !more(p) || p->text.p[p->at] != separator)
		return first;
	rx = add_kid(p, new_rx(p, kind), first);
	while (rx && eat(p, separator))
		rx = add_kid(p, rx, item(p));
	return rx;
}

static struct rx *parse_intersection(struct rx_parser *p)
{
	return parse_list(p, '&', RX_INTERSECT, parse_concat);
}

static struct rx *parse_union(struct rx_parser *p)
{
	if (p->depth == REGEX_DEPTH_MAX) {
		eql_rx_fail(p->error, p->character, "nested deeper than %d levels",
			    REGEX_DEPTH_MAX);
		return NULL;
	}
	p->depth++;
	struct rx *rx = parse_list(p, '|', RX_UNION, parse_intersection);

	p->depth--;
	return rx;
}

struct rx *eql_rx_parse(struct arena *arena, struct str pattern, struct regex_error *error)
{
	struct rx_parser p = {.arena = arena, .text = pattern, .character = 1, .error = error};

	*error = (struct regex_error){0};
	if (!pattern.len)
		return new_rx(&p, RX_EMPTY);
	struct rx *rx = parse_union(&p);

	if (rx && more(&p)) {
		eql_rx_fail(error, p.character, ") without (");
		return NULL;
	}
	return rx;
}
