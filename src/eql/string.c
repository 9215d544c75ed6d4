/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/string_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

size_t eql_utf8_put(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* RFC 3629's table of well-formed sequences: overlong forms, surrogates and code points beyond
 * U+10FFFF are excluded by the second byte's range. */
static size_t sequence_len(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 1;
	if (p[0] < 0xe0) {
		len = 2;
	} else if (p[0] < 0xf0) {
		len = 3;
		low = p[0] == 0xe0 ? 0xa0 : 0x80;
		high = p[0] == 0xed ? 0x9f : 0xbf;
	} else {
		len = 4;
		low = p[0] == 0xf0 ? 0x90 : 0x80;
		high = p[0] == 0xf4 ? 0x8f : 0xbf;
	}
	if (left < len || p[1] < low || p[1] > high)
		return 1;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 1;
	return len;
}

size_t eql_char_len(struct str s, size_t at)
{
	unsigned char c = (unsigned char)s.p[at];

	return c < 0x80 ? 1 : sequence_len((const unsigned char *)s.p + at, s.len - at);
}

size_t eql_char_len_before(struct str s, size_t end)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (p[end - 1] < 0x80)
		return 1;
	for (size_t len = 2; len <= 4 && len <= end; len++)
		if ((p[end - len] & 0xc0) != 0x80)
			return sequence_len(p + end - len, len) == len ? len : 1;
	return 1;
}

uint32_t eql_utf8_get(struct str s, size_t at, size_t *len)
{
	const unsigned char *p = (const unsigned char *)s.p + at;

	*len = eql_char_len(s, at);
	switch (*len) {
	case 2:
		return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
	case 3:
		return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	case 4:
		return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
		       (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
	default:
		return p[0] < 0x80 ? p[0] : 0xfffd;
	}
}

/* How many of the bytes from `at`, in steps of eight, are ASCII to the next that may not be. */
static size_t ascii_from(struct str s, size_t at)
{
	size_t from = at;
	uint64_t word;

	for (; s.len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, s.p + at, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return at - from;
}

int64_t eql_utf16_len(struct str s)
{
	size_t at = ascii_from(s, 0);
	int64_t units = (int64_t)at;

	for (size_t len; at < s.len; at += len) {
		len = eql_char_len(s, at);
		units += len == 4 ? 2 : 1;
	}
	return units;
}

size_t eql_utf16_to_byte(struct str s, int64_t units, bool up)
{
	size_t at = 0;

	while (units > 0 && at < s.len) {
		size_t len = eql_char_len(s, at);

		if (len == 4 && units == 1 && !up)
			break;
		units -= len == 4 ? 2 : 1;
		at += len;
	}
	return at;
}

/* Longer texts are no number anyone writes; the bound keeps the copy for strtod() on the stack. */
#define NUMBER_TEXT_MAX 128

static struct str trim(struct str s)
{
	while (s.len && (unsigned char)s.p[0] <= ' ') {
		s.p++;
		s.len--;
	}
	while (s.len && (unsigned char)s.p[s.len - 1] <= ' ')
		s.len--;
	return s;
}

bool eql_number_from_str(struct str s, struct value *out)
{
	char copy[NUMBER_TEXT_MAX];
	bool point = false, digit = false;

	s = trim(s);
	if (!s.len || s.len >= sizeof(copy))
		return false;
	/* strtod() also reads hexadecimal, infinities and NaN; only decimals get that far. */
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c >= '0' && c <= '9')
			digit = true;
		else if (c == '.')
			point = true;
		else if ((c != 'e' && c != 'E' && c != '-' && c != '+') || (i > 0 && !digit))
			return false;
		else if (i > 0 && !point)
			return false;
	}
	if (!digit)
		return false;
	memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	char *end;

	errno = 0;
	if (!point) {
		int64_t i = strtoll(copy, &end, 10);

		if (*end)
			return false;
		if (errno != ERANGE) {
			*out = value_int(i);
			return true;
		}
	}
	double d = strtod(copy, &end);

	if (*end)
		return false;
	*out = value_double(d);
	return true;
}

/* The fewest digits that read back as `d` (> 0, finite), as an integer's text, and the decimal
 * exponent of the first. */
static void shortest_digits(double d, char digits[20], int *exponent)
{
	char text[40];

	for (int precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, d);
		if (strtod(text, NULL) == d)
			break;
	}
	char *e = strchr(text, 'e');
	size_t n = 0;

	*exponent = (int)strtol(e + 1, NULL, 10);
	for (char *p = text; p < e; p++)
		if (*p != '.')
			digits[n++] = *p;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	digits[n] = '\0';
}

struct str eql_double_to_str(double d, char text[EQL_DOUBLE_TEXT_MAX])
{
	if (isnan(d))
		return STR("NaN");
	if (isinf(d))
		return d > 0 ? STR("Infinity") : STR("-Infinity");
	const char *sign = signbit(d) ? "-" : "";
	double size = fabs(d);

	if (size == 0)
		return signbit(d) ? STR("-0.0") : STR("0.0");
	char digits[20];
	int exponent, n;

	shortest_digits(size, digits, &exponent);
	int count = (int)strlen(digits);

	/* Java writes positions from 1e-3 up to below 1e7 and an exponent elsewhere. */
	if (size < 1e-3 || size >= 1e7)
		n = snprintf(text, EQL_DOUBLE_TEXT_MAX, "%s%c.%sE%d", sign, digits[0],
			     count > 1 ? digits + 1 : "0", exponent);
	else if (exponent < 0)
		n = snprintf(text, EQL_DOUBLE_TEXT_MAX, "%s0.%.*s%s", sign, -exponent - 1, "00",
			     digits);
	else if (count <= exponent + 1)
		n = snprintf(text, EQL_DOUBLE_TEXT_MAX, "%s%s%.*s.0", sign, digits,
			     exponent + 1 - count, "000000");
	else
		n = snprintf(text, EQL_DOUBLE_TEXT_MAX, "%s%.*s.%s", sign, exponent + 1, digits,
			     digits + exponent + 1);
	return (struct str){text, (size_t)n};
}

struct str eql_scalar_text(const struct value *v, char text[EQL_SCALAR_TEXT_MAX])
{
	switch (v->type) {
	case VALUE_STRING:
		return value_as_str(v);
	case VALUE_BOOL:
		return v->boolean ? STR("true") : STR("false");
	case VALUE_INT: {
		int n = snprintf(text, EQL_SCALAR_TEXT_MAX, "%" PRId64, v->integer);

		return (struct str){text, (size_t)n};
	}
	case VALUE_DOUBLE:
		return eql_double_to_str(v->real, text);
	default:
		return STR_NULL;
	}
}
