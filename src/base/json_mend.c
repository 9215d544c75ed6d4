/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second chance for a document that simdjson 3.0.1 refuses. Two things are JSON by RFC 8259, but
 * its DOM takes neither, and an event must not be lost for them:
 *
 * - half a surrogate pair, "\udcff", what a Python sensor makes of a file name that is not UTF-8,
 *   becomes "\ufffd";
 * - an integer beyond 64 bits, 18446744073709551616, becomes 18446744073709551616.0.
 *
 * The copy is judged by simdjson like any document. Nothing here decides what is valid: an escape
 * becomes another escape and a run of digits gets a fraction, so that the copy is JSON exactly if
 * the document was.
 */
#include "base/json_internal.h"

/* Digits of INT64_MAX. */
#define INT64_DIGITS 19
/* A high surrogate is \uD800 to \uDBFF, a low one \uDC00 to \uDFFF. */
#define ESCAPE_LEN 6
#define SURROGATE_FIRST 0xd800
#define SURROGATE_LOW 0xdc00
#define SURROGATE_LAST 0xdfff

struct mend {
	struct str json;
	size_t at;     /* the next byte to look at */
	size_t copied; /* up to here it is in `out` */
	struct buf *out;
	bool changed;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of a \u escape at `at`; -1: there is none. */
static int code_unit(struct str json, size_t at)
{
	int unit = 0;

	if (json.len - at < ESCAPE_LEN || json.p[at] != '\\' || json.p[at + 1] != 'u')
		return -1;
	for (size_t i = at + 2; i < at + ESCAPE_LEN; i++) {
		int digit = hex_digit(json.p[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* Put `text` where the document has the `replaced` bytes before m->at. */
static void replace(struct mend *m, size_t replaced, struct str text)
{
	buf_add(m->out, (struct str){m->json.p + m->copied, m->at - replaced - m->copied});
	buf_add(m->out, text);
	m->copied = m->at;
	m->changed = true;
}

static void take_escape(struct mend *m)
{
	int unit = code_unit(m->json, m->at);

	if (unit < 0) {
		m->at += 2; /* may go beyond the end by one */
		return;
	}
	m->at += ESCAPE_LEN;
	if (unit < SURROGATE_FIRST || unit > SURROGATE_LAST)
		return;
	int low = unit < SURROGATE_LOW ? code_unit(m->json, m->at) : -1;

	if (low >= SURROGATE_LOW && low <= SURROGATE_LAST)
		m->at += ESCAPE_LEN;
	else
		replace(m, ESCAPE_LEN, STR("\\ufffd"));
}

/* m->at is behind the opening quote; it ends behind the closing one. */
static void take_string(struct mend *m)
{
	while (m->at < m->json.len) {
		char c = m->json.p[m->at];

		if (c == '\\') {
			take_escape(m);
			continue;
		}
		m->at++;
		if (c == '"')
			return;
	}
}

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

/* Whatever may stand in a number and is no digit. */
static bool goes_on(char c)
{
	return c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-';
}

static bool exceeds_int64(struct str digits, bool negative)
{
	if (digits.len != INT64_DIGITS)
		return digits.len > INT64_DIGITS;
	return memcmp(digits.p, negative ? "9223372036854775808" : "9223372036854775807",
		      INT64_DIGITS) > 0;
}

static void take_number(struct mend *m)
{
	const struct str json = m->json;
	bool negative = json.p[m->at] == '-', integer = true;
	size_t start = m->at + negative;

	for (m->at = start; m->at < json.len; m->at++) {
		if (goes_on(json.p[m->at]))
			integer = false;
		else if (!is_digit(json.p[m->at]))
			break;
	}
	if (integer && exceeds_int64((struct str){json.p + start, m->at - start}, negative))
		replace(m, 0, STR(".0"));
}

bool json_mend(struct str json, struct buf *out)
{
	struct mend m = {.json = json, .out = out};

	while (m.at < json.len) {
		char c = json.p[m.at];

		if (c == '-' || is_digit(c)) {
			take_number(&m);
			continue;
		}
		m.at++;
		if (c == '"')
			take_string(&m);
	}
	if (m.changed)
		buf_add(out, (struct str){json.p + m.copied, json.len - m.copied});
	return m.changed;
}
