/* SPDX-License-Identifier: Apache-2.0 */
/* The escapes in JSON strings. */
#include "base/json_internal.h"
#include "base/json_reader.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int32_t hex4(struct str s, size_t at)
{
	int32_t code = 0;

	if (s.len < 4 || at > s.len - 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0)
			return -1;
		code = code << 4 | digit;
	}
	return code;
}

bool json_escapes_valid(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '\\')
			continue;
		if (++i == s.len)
			return false;
		if (s.p[i] == 'u') {
			if (hex4(s, i + 1) < 0)
				return false;
			i += 4;
		} else if (!memchr("\"\\/bfnrt", s.p[i], 8)) {
			return false;
		}
	}
	return true;
}

static size_t put_utf8(char *out, uint32_t code)
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

/* The code point of the \u escape whose first hex digit is at *at; moves *at to its last byte. */
static uint32_t unicode_escape(struct str s, size_t *at)
{
	uint32_t code = (uint32_t)hex4(s, *at);

	*at += 3;
	if (code < 0xd800 || code > 0xdfff)
		return code;
	/* Refusing the document for a lone surrogate would let whoever names a file hide it. */
	if (code > 0xdbff || s.len - *at < 7 || s.p[*at + 1] != '\\' || s.p[*at + 2] != 'u')
		return 0xfffd;
	int32_t low = hex4(s, *at + 3);

	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*at += 6;
	return 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
}

size_t json_unescape(struct str string, char *out)
{
	static const char names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
	size_t n = 0;

	for (size_t i = 0; i < string.len; i++) {
		if (string.p[i] != '\\') {
			out[n++] = string.p[i];
			continue;
		}
		char c = string.p[++i];
		const char *name = memchr(names, c, sizeof(names) - 1);

		if (name) {
			out[n++] = bytes[name - names];
		} else if (c == 'u') {
			i++;
			n += put_utf8(out + n, unicode_escape(string, &i));
		} else {
			out[n++] = c;
		}
	}
	return n;
}
