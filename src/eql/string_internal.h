/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters and numbers as Elasticsearch's Java sees them, over UTF-8.
 *
 * A character is a code point; a byte that is not part of well-formed UTF-8 is one character by
 * itself, so every byte string has one reading, the same from either end. Lengths and offsets of
 * the string functions count UTF-16 code units, as Java does: a character beyond U+FFFF counts two.
 */
#ifndef LINTEL_EQL_STRING_INTERNAL_H
#define LINTEL_EQL_STRING_INTERNAL_H

#include "event/event.h"

/* Writes a code point's UTF-8 form (up to 4 bytes), returns its length. */
size_t eql_utf8_put(uint32_t code, char *out);
/* The code point at `at` (< s.len) and its length in bytes; U+FFFD and 1 for a stray byte. */
uint32_t eql_utf8_get(struct str s, size_t at, size_t *len);
/* Bytes of the character at `at` (< s.len), and of the one that ends at `end` (> 0). */
size_t eql_char_len(struct str s, size_t at);
size_t eql_char_len_before(struct str s, size_t end);

int64_t eql_utf16_len(struct str s);
/* Byte offset of a UTF-16 offset, at most s.len. Inside a surrogate pair: the byte offset after it
 * when `up`, else before it. */
size_t eql_utf16_to_byte(struct str s, int64_t units, bool up);

/* A decimal number as Elasticsearch coerces it from text: an integer, or with a point a double.
 * Beyond 64 bits it is a double. Returns false if it is none. */
bool eql_number_from_str(struct str s, struct value *out);

/* What Java's Double.toString() gives for doubles: "2.0", "1.0E10", "NaN". */
#define EQL_DOUBLE_TEXT_MAX 32
struct str eql_double_to_str(double d, char text[EQL_DOUBLE_TEXT_MAX]);

/* The text of a number or boolean as string() gives it, and of a string itself. */
#define EQL_SCALAR_TEXT_MAX EQL_DOUBLE_TEXT_MAX
struct str eql_scalar_text(const struct value *v, char text[EQL_SCALAR_TEXT_MAX]);

static inline bool eql_is_number(const struct value *v)
{
	return v->type == VALUE_INT || v->type == VALUE_DOUBLE;
}

static inline double eql_as_double(const struct value *v)
{
	return v->type == VALUE_INT ? (double)v->integer : v->real;
}

/* Two numbers; an integer against a double compares as doubles, as in Java. */
static inline bool eql_number_equal(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_INT && b->type == VALUE_INT)
		return a->integer == b->integer;
	return eql_as_double(a) == eql_as_double(b);
}

#endif
