/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_writer.h"

#include <assert.h>
#include <math.h>

#include "base/json_internal.h"

/* "-9223372036854775808" and room to spare. */
#define INTEGER_TEXT_MAX 24

struct json_writer json_writer_to(struct buf *out)
{
	return (struct json_writer){.out = out};
}

static void before_value(struct json_writer *w)
{
	if (w->need_comma)
		buf_add_char(w->out, ',');
	w->need_comma = true;
}

static void open_container(struct json_writer *w, char opener, char closer)
{
	before_value(w);
	assert(w->depth < JSON_WRITER_DEPTH_MAX);
	w->closer[w->depth++] = closer;
	w->need_comma = false;
	buf_add_char(w->out, opener);
}

void json_object(struct json_writer *w)
{
	open_container(w, '{', '}');
}

void json_array(struct json_writer *w)
{
	open_container(w, '[', ']');
}

void json_end(struct json_writer *w)
{
	assert(w->depth > 0);
	buf_add_char(w->out, w->closer[--w->depth]);
	w->need_comma = true;
}

/* What a byte needs: nothing (0), the letter of its short escape, 'u' for \u00xx, or 'm' for the
 * first or a stray byte of a multi-byte sequence. */
static const char needs[256] = {
    [0x00 ... 0x07] = 'u', ['\b'] = 'b',  ['\t'] = 't',          ['\n'] = 'n',
    [0x0b] = 'u',          ['\f'] = 'f',  ['\r'] = 'r',          [0x0e ... 0x1f] = 'u',
    ['"'] = '"',           ['\\'] = '\\', [0x80 ... 0xff] = 'm',
};

/* Bytes of the well-formed UTF-8 sequence at `p` (Unicode 15, table 3-7), 0 if it is none. */
static size_t sequence_length(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		n = 3;
		low = p[0] == 0xe0 ? 0xa0 : low;
		high = p[0] == 0xed ? 0x9f : high; /* surrogates */
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		low = p[0] == 0xf0 ? 0x90 : low;
		high = p[0] == 0xf4 ? 0x8f : high;
	} else {
		return 0;
	}
	if (n > left || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

/* Writes the escape or sequence for the byte at `p`; returns how many bytes of input it took. */
static size_t put_special(char **out, const unsigned char *p, size_t left)
{
	static const char hex[] = "0123456789abcdef";
	char need = needs[p[0]];

	if (need == 'm') {
		size_t n = sequence_length(p, left);

		memcpy(*out, n ? (const char *)p : "\xef\xbf\xbd", n ? n : 3);
		*out += n ? n : 3;
		return n ? n : 1;
	}
	*(*out)++ = '\\';
	*(*out)++ = need;
	if (need == 'u') {
		*(*out)++ = '0';
		*(*out)++ = '0';
		*(*out)++ = hex[p[0] >> 4];
		*(*out)++ = hex[p[0] & 15];
	}
	return 1;
}

/* Six bytes: the longest that one byte of input becomes (\u00xx). */
#define BYTE_TEXT_MAX 6
/* Room is reserved for a chunk at a time, not for six times a whole string. */
#define CHUNK_BYTES 512

static void add_quoted(struct buf *buf, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.len;

	buf_add_char(buf, '"');
	while (p < end) {
		const unsigned char *stop = end - p > CHUNK_BYTES ? p + CHUNK_BYTES : end;
		char *start = buf_reserve(buf, CHUNK_BYTES * BYTE_TEXT_MAX), *out = start;

		while (p < stop) {
			const unsigned char *run = p;

			while (p < stop && !needs[*p])
				p++;
			memcpy(out, run, (size_t)(p - run));
			out += p - run;
			if (p < stop)
				p += put_special(&out, p, (size_t)(end - p));
		}
		buf->len += (size_t)(out - start);
	}
	buf_add_char(buf, '"');
}

void json_key(struct json_writer *w, struct str key)
{
	before_value(w);
	add_quoted(w->out, key);
	buf_add_char(w->out, ':');
	w->need_comma = false;
}

void json_string(struct json_writer *w, struct str value)
{
	before_value(w);
	add_quoted(w->out, value);
}

static void add_integer(struct buf *out, uint64_t magnitude, bool negative)
{
	char text[INTEGER_TEXT_MAX];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + magnitude % 10);
		magnitude /= 10;
	} while (magnitude);
	if (negative)
		text[--at] = '-';
	buf_add(out, (struct str){text + at, sizeof(text) - at});
}

void json_int(struct json_writer *w, int64_t value)
{
	before_value(w);
	add_integer(w->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

void json_uint(struct json_writer *w, uint64_t value)
{
	before_value(w);
	add_integer(w->out, value, false);
}

void json_double(struct json_writer *w, double value)
{
	char text[JSON_DOUBLE_TEXT_MAX];

	if (!isfinite(value)) {
		json_null(w);
		return;
	}
	size_t len = json_double_format(value, text);

	before_value(w);
	buf_add(w->out, (struct str){text, len});
	/* "1" would read back as an integer. */
	if (!memchr(text, '.', len) && !memchr(text, 'e', len))
		buf_add(w->out, STR(".0"));
}

void json_bool(struct json_writer *w, bool value)
{
	before_value(w);
	buf_add(w->out, value ? STR("true") : STR("false"));
}

void json_null(struct json_writer *w)
{
	before_value(w);
	buf_add(w->out, STR("null"));
}

void json_raw(struct json_writer *w, struct str json)
{
	before_value(w);
	buf_add(w->out, json);
}

void json_member(struct json_writer *w, struct str key, struct str value)
{
	if (!value.len)
		return;
	json_key(w, key);
	json_string(w, value);
}
