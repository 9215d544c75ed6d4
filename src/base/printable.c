/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

/* The length of the UTF-8 sequence at the beginning of `s` and its code point; 0 if there is none:
 * truncated, overlong, surrogate or beyond U+10FFFF. */
static size_t decode(struct str s, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = p[0] < 0x80       ? 1
		   : p[0] >> 5 == 6  ? 2
		   : p[0] >> 4 == 14 ? 3
		   : p[0] >> 3 == 30 ? 4
				     : 0;

	if (!n || n > s.len)
		return 0;
	*code = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		*code = *code << 6 | (p[i] & 0x3fu);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return n;
}

/* What a terminal obeys or hides instead of showing. */
static const struct {
	uint32_t first, last;
} hidden[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},
    {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
    {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

static bool is_hidden(uint32_t code)
{
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (code >= hidden[i].first && code <= hidden[i].last)
			return true;
	return false;
}

void printable_add(struct buf *out, struct str s, size_t max_bytes)
{
	size_t at = 0;

	while (at < s.len) {
		struct str rest = {s.p + at, s.len - at};
		uint32_t code = 0;
		size_t n = decode(rest, &code);

		if (at + (n ? n : 1) > max_bytes) {
			buf_add(out, STR("…"));
			return;
		}
		if (!n || (n == 1 && is_hidden(code)))
			buf_printf(out, "\\x%02x", (unsigned char)rest.p[0]);
		else if (is_hidden(code))
			buf_printf(out, "\\u{%x}", code);
		else
			buf_add(out, (struct str){rest.p, n});
		at += n ? n : 1;
	}
}
