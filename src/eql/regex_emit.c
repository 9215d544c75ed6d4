/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Lucene expression's tree as PCRE2 text. Characters are written as numbers and everything that
 * is repeated is put in a group, so the text means to PCRE2 what the tree means and nothing else.
 *
 * Case is ignored for ASCII letters only; PCRE2's own caseless mode would let U+212A (Kelvin)
 * stand for k, so classes are widened here instead.
 *
 * Complement and intersection are not regular operators to a backtracking matcher. At the very end
 * of an expression they can be said with a look-ahead that runs to the end of the value:
 *
 *	a~b   a(?!(?:b)\z).*		a(b&c)   a(?=(?:b)\z)c
 *
 * Anywhere else they are refused: what they end at is not known.
 */
#include <stdio.h>

#include "eql/regex_tree_internal.h"

struct emitter {
	struct buf *out;
	bool fold;
	struct regex_error *error;
};

static bool emit(struct emitter *e, const struct rx *rx, bool last);

static void put(struct emitter *e, const char *text)
{
	buf_add(e->out, str_from(text));
}

static void put_char(struct emitter *e, uint32_t code)
{
	bool plain = (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
		     (code >= '0' && code <= '9');

	if (plain)
		buf_add_char(e->out, (char)code);
	else
		buf_printf(e->out, "\\x{%x}", (unsigned)code);
}

static void put_range(struct emitter *e, uint32_t first, uint32_t last)
{
	put_char(e, first);
	if (last == first)
		return;
	buf_add_char(e->out, '-');
	put_char(e, last);
}

/* The part of a range within first..last, moved by `shift`. */
static void put_other_case(struct emitter *e, struct rx_range r, uint32_t first, uint32_t last,
			   int shift)
{
	if (r.first > first)
		first = r.first;
	if (r.last < last)
		last = r.last;
	if (first <= last)
		put_range(e, (uint32_t)((int)first + shift), (uint32_t)((int)last + shift));
}

static bool is_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool emit_class(struct emitter *e, const struct rx *rx)
{
	struct rx_range r = rx->ranges[0];

	if (rx->range_count == 1 && r.first == 0 && r.last == 0x10ffff && !rx->negated) {
		buf_add_char(e->out, '.');
		return true;
	}
	if (rx->range_count == 1 && r.first == r.last && !rx->negated &&
	    !(e->fold && is_letter(r.first))) {
		put_char(e, r.first);
		return true;
	}
	put(e, rx->negated ? "[^" : "[");
	for (uint32_t i = 0; i < rx->range_count; i++) {
		r = rx->ranges[i];
		put_range(e, r.first, r.last);
		if (!e->fold)
			continue;
		put_other_case(e, r, 'a', 'z', 'A' - 'a');
		put_other_case(e, r, 'A', 'Z', 'a' - 'A');
	}
	buf_add_char(e->out, ']');
	return true;
}

static void put_digit(struct emitter *e, char first, char last)
{
	if (first == last)
		buf_add_char(e->out, first);
	else
		buf_printf(e->out, "[%c-%c]", first, last);
}

/* The numbers between two of equal length, digit by digit. */
static void put_numbers(struct emitter *e, const char *low, const char *high, size_t digits)
{
	static const char zeros[] = "0000000000", nines[] = "9999999999";

	if (digits <= 1) {
		if (digits)
			put_digit(e, low[0], high[0]);
		return;
	}
	if (memcmp(low, zeros, digits) == 0 && memcmp(high, nines, digits) == 0) {
		buf_printf(e->out, "[0-9]{%zu}", digits);
		return;
	}
	if (low[0] == high[0]) {
		buf_add_char(e->out, low[0]);
		put_numbers(e, low + 1, high + 1, digits - 1);
		return;
	}
	put(e, "(?:");
	buf_add_char(e->out, low[0]);
	put_numbers(e, low + 1, nines, digits - 1);
	buf_add_char(e->out, '|');
	if (low[0] + 1 < high[0]) {
		put_digit(e, (char)(low[0] + 1), (char)(high[0] - 1));
		put_numbers(e, zeros, nines, digits - 1);
		buf_add_char(e->out, '|');
	}
	buf_add_char(e->out, high[0]);
	put_numbers(e, zeros, high + 1, digits - 1);
	buf_add_char(e->out, ')');
}

static bool emit_interval(struct emitter *e, const struct rx *rx)
{
	char low[16], high[16];
	uint64_t from = rx->min, end = 9; /* largest number of as many digits as `from` */
	const char *separator = "";

	if (rx->digits) {
		snprintf(low, sizeof(low), "%0*u", (int)rx->digits, rx->min);
		snprintf(high, sizeof(high), "%0*u", (int)rx->digits, rx->max);
		put_numbers(e, low, high, rx->digits);
		return true;
	}
	while (end < from)
		end = end * 10 + 9;
	put(e, "(?:0*(?:");
	for (; from <= rx->max; from = end + 1, end = end * 10 + 9, separator = "|") {
		int n = snprintf(low, sizeof(low), "%u", (unsigned)from);

		snprintf(high, sizeof(high), "%u", end < rx->max ? (unsigned)end : rx->max);
		put(e, separator);
		put_numbers(e, low, high, (size_t)n);
	}
	put(e, "))");
	return true;
}

static bool emit_all(struct emitter *e, const struct rx *rx, const char *separator, bool last)
{
	for (uint32_t i = 0; i < rx->kid_count; i++) {
		if (i)
			put(e, separator);
		if (!emit(e, rx->kids[i], last))
			return false;
	}
	return true;
}

static bool emit_repeat(struct emitter *e, const struct rx *rx)
{
	/* One character needs no group, and PCRE2 has special code for repeating it. */
	bool group = rx->kids[0]->kind != RX_CLASS;

	put(e, group ? "(?:" : "");
	if (!emit(e, rx->kids[0], false))
		return false;
	put(e, group ? ")" : "");
	if (rx->min == 0 && rx->max == 1)
		put(e, "?");
	else if (rx->min <= 1 && rx->max == REGEX_UNBOUNDED)
		put(e, rx->min ? "+" : "*");
	else if (rx->max == REGEX_UNBOUNDED)
		buf_printf(e->out, "{%u,}", rx->min);
	else
		buf_printf(e->out, "{%u,%u}", rx->min, rx->max);
	return true;
}

/* A look-ahead that the rest of the value is in (or not in) the language of `rx`. */
static bool emit_ahead(struct emitter *e, const char *open, const struct rx *rx)
{
	put(e, open);
	if (!emit(e, rx, true))
		return false;
	put(e, ")\\z)");
	return true;
}

static bool refuse(struct emitter *e, const struct rx *rx, char op)
{
	return eql_rx_fail(e->error, rx->at,
			   "[%c] is supported only where the pattern ends with it; for the "
			   "character write \\%c",
			   op, op);
}

static bool emit_intersection(struct emitter *e, const struct rx *rx, bool last)
{
	if (!last)
		return refuse(e, rx, '&');
	for (uint32_t i = 0; i + 1 < rx->kid_count; i++)
		if (!emit_ahead(e, "(?=(?:", rx->kids[i]))
			return false;
	put(e, "(?:");
	if (!emit(e, rx->kids[rx->kid_count - 1], true))
		return false;
	put(e, ")");
	return true;
}

/* `last`: after this nothing follows but the end of the value. */
static bool emit(struct emitter *e, const struct rx *rx, bool last)
{
	switch (rx->kind) {
	case RX_EMPTY:
		return true;
	case RX_NOTHING:
		put(e, "(?!)");
		return true;
	case RX_ANY:
		put(e, ".*");
		return true;
	case RX_CLASS:
		return emit_class(e, rx);
	case RX_INTERVAL:
		return emit_interval(e, rx);
	case RX_CONCAT:
		for (uint32_t i = 0; i < rx->kid_count; i++)
			if (!emit(e, rx->kids[i], last && i + 1 == rx->kid_count))
				return false;
		return true;
	case RX_UNION:
		put(e, "(?:");
		if (!emit_all(e, rx, "|", last))
			return false;
		put(e, ")");
		return true;
	case RX_REPEAT:
		return emit_repeat(e, rx);
	case RX_INTERSECT:
		return emit_intersection(e, rx, last);
	case RX_COMPLEMENT:
		if (!last)
			return refuse(e, rx, '~');
		if (!emit_ahead(e, "(?!(?:", rx->kids[0]))
			return false;
		put(e, ".*");
		return true;
	}
	return false;
}

bool eql_rx_emit(const struct rx *rx, bool fold, struct buf *out, struct regex_error *error)
{
	struct emitter e = {.out = out, .fold = fold, .error = error};

	return emit(&e, rx, true);
}
