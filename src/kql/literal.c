/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KQL's literals. An unquoted one goes on over blanks, to the next special character or keyword:
 * in `process.args: rm -rf or x` the first value is "rm -rf". White space around it is not part of
 * it, not even escaped (Kibana trims what it has unescaped).
 */
#include "kql/kql_internal.h"

#include <errno.h>

#define SURROGATE_FIRST 0xd800
#define SURROGATE_LOW 0xdc00
#define SURROGATE_LAST 0xdfff
#define REPLACEMENT 0xfffd

/* A literal being read. */
struct reader {
	const struct kql_source *source;
	struct str text;
	uint32_t at;
	struct buf out;
	struct arena *arena;
	struct str *pieces;
	uint32_t piece_count, piece_cap;
	uint32_t high; /* first half of a surrogate pair, waiting for the second; 0: none */
};

uint32_t kql_space_at(struct str text, uint32_t at)
{
	if (at >= text.len)
		return 0;
	if (memchr(" \t\r\n", text.p[at], 4))
		return 1;
	/* U+00A0, no-break space */
	return at + 1 < text.len && memcmp(text.p + at, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

bool kql_word_at(struct str text, uint32_t at, struct str word)
{
	return at <= text.len && text.len - at >= word.len &&
	       str_eq_fold((struct str){text.p + at, word.len}, word);
}

/* A keyword that ends an unquoted literal: blank, or, blank; "not" needs none before it. */
static bool keyword_at(struct str text, uint32_t at)
{
	uint32_t space = kql_space_at(text, at);

	if (kql_word_at(text, at, STR("not")) && kql_space_at(text, at + 3))
		return true;
	if (!space)
		return false;
	at += space;
	return (kql_word_at(text, at, STR("or")) && kql_space_at(text, at + 2)) ||
	       (kql_word_at(text, at, STR("and")) && kql_space_at(text, at + 3));
}

static void add_point(struct buf *out, uint32_t point)
{
	if (point < 0x80) {
		buf_add_char(out, (char)point);
	} else if (point < 0x800) {
		buf_add_char(out, (char)(0xc0 | point >> 6));
		buf_add_char(out, (char)(0x80 | (point & 0x3f)));
	} else if (point < 0x10000) {
		buf_add_char(out, (char)(0xe0 | point >> 12));
		buf_add_char(out, (char)(0x80 | (point >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (point & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xf0 | point >> 18));
		buf_add_char(out, (char)(0x80 | (point >> 12 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (point >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (point & 0x3f)));
	}
}

static void end_half_pair(struct reader *r)
{
	if (r->high)
		add_point(&r->out, REPLACEMENT);
	r->high = 0;
}

static void add_char(struct reader *r, char c)
{
	end_half_pair(r);
	buf_add_char(&r->out, c);
}

/* \uXXXX is a UTF-16 code unit, as in JavaScript. */
static void add_unit(struct reader *r, uint32_t unit)
{
	bool low = unit >= SURROGATE_LOW && unit <= SURROGATE_LAST;

	if (low && r->high) {
		add_point(&r->out,
			  0x10000 + ((r->high - SURROGATE_FIRST) << 10) + (unit - SURROGATE_LOW));
		r->high = 0;
		return;
	}
	end_half_pair(r);
	if (low)
		add_point(&r->out, REPLACEMENT);
	else if (unit >= SURROGATE_FIRST && unit < SURROGATE_LOW)
		r->high = unit;
	else
		add_point(&r->out, unit);
}

static bool hex4(struct str text, uint32_t at, uint32_t *value)
{
	*value = 0;
	if (at > text.len || text.len - at < 4)
		return false;
	for (uint32_t i = 0; i < 4; i++) {
		unsigned char c = ascii_lower((unsigned char)text.p[at + i]);

		if (c >= '0' && c <= '9')
			*value = *value << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* The escapes that quoted and unquoted literals share. r->at is at the backslash. */
static bool take_escape(struct reader *r)
{
	static const char from[] = "trn", to[] = "\t\r\n";
	char c = r->at + 1 < r->text.len ? r->text.p[r->at + 1] : '\0';
	const char *found = c ? strchr(from, c) : NULL;
	uint32_t unit;

	if (found) {
		add_char(r, to[found - from]);
		r->at += 2;
		return true;
	}
	if (c == 'u' && hex4(r->text, r->at + 2, &unit)) {
		add_unit(r, unit);
		r->at += 6;
		return true;
	}
	return false;
}

static bool is_special(char c)
{
	return c && strchr("\\():<>\"*{}", c);
}

/* `\or` is the word. Kibana reads `\not` as a line break and "ot"; it stands in front of the word
 * here too. */
static bool take_escaped_word(struct reader *r)
{
	static const struct str words[] = {{"or", 2}, {"and", 3}, {"not", 3}};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!kql_word_at(r->text, r->at + 1, words[i]))
			continue;
		for (size_t k = 0; k < words[i].len; k++)
			add_char(r, r->text.p[r->at + 1 + k]);
		r->at += 1 + (uint32_t)words[i].len;
		return true;
	}
	return false;
}

static void end_piece(struct reader *r)
{
	end_half_pair(r);
	if (r->piece_count == r->piece_cap) {
		uint32_t cap = r->piece_cap ? 2 * r->piece_cap : 4;
		struct str *more = ARENA_ARRAY(r->arena, struct str, cap);

		if (r->piece_count)
			memcpy(more, r->pieces, r->piece_count * sizeof(*more));
		r->pieces = more;
		r->piece_cap = cap;
	}
	r->pieces[r->piece_count++] = arena_str(r->arena, buf_str(&r->out));
	buf_reset(&r->out);
}

/* One character of an unquoted literal; false where it ends. */
static bool take_unquoted(struct reader *r)
{
	char c = r->text.p[r->at];

	if (c == '\\') {
		if (kql_word_at(r->text, r->at + 1, STR("not")) && take_escaped_word(r))
			return true;
		if (take_escape(r))
			return true;
		if (r->at + 1 < r->text.len && is_special(r->text.p[r->at + 1])) {
			add_char(r, r->text.p[r->at + 1]);
			r->at += 2;
			return true;
		}
		return take_escaped_word(r);
	}
	if (c == '*') {
		end_piece(r);
		r->at++;
		return true;
	}
	if (is_special(c) || keyword_at(r->text, r->at))
		return false;
	add_char(r, c);
	r->at++;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct str trim_front(struct str s)
{
	for (;;) {
		if (s.len && is_blank(s.p[0]))
			s = (struct str){s.p + 1, s.len - 1};
		else if (str_starts(s, STR("\xc2\xa0")))
			s = (struct str){s.p + 2, s.len - 2};
		else
			return s;
	}
}

static struct str trim_back(struct str s)
{
	for (;;) {
		if (s.len && is_blank(s.p[s.len - 1]))
			s.len--;
		else if (str_ends(s, STR("\xc2\xa0")))
			s.len -= 2;
		else
			return s;
	}
}

static void read_unquoted(struct reader *r)
{
	while (r->at < r->text.len && take_unquoted(r))
		;
	end_piece(r);
	r->pieces[0] = trim_front(r->pieces[0]);
	struct str *last = &r->pieces[r->piece_count - 1];

	*last = trim_back(*last);
}

/* r->at is behind the opening quote. */
static bool read_quoted(struct reader *r)
{
	while (r->at < r->text.len) {
		char c = r->text.p[r->at];

		if (c == '"') {
			r->at++;
			end_piece(r);
			return true;
		}
		if (c == '\\' && take_escape(r))
			continue;
		/* A backslash before anything else stands for itself. */
		if (c == '\\' && r->at + 1 < r->text.len &&
		    (r->text.p[r->at + 1] == '"' || r->text.p[r->at + 1] == '\\'))
			c = r->text.p[++r->at];
		add_char(r, c);
		r->at++;
	}
	return false;
}

/* White space at the end of an unquoted literal is not underlined. */
static uint32_t span_end(struct str text, uint32_t begin, uint32_t end)
{
	while (end > begin + 1 && is_blank(text.p[end - 1]))
		end--;
	return end;
}

struct kql_literal *kql_read_literal(const struct kql_source *source, uint32_t *at, bool *broken)
{
	struct reader r = {
	    .source = source, .text = source->text, .at = *at, .arena = source->scratch};
	bool quoted = *at < r.text.len && r.text.p[*at] == '"';
	uint32_t begin = *at;

	if (quoted) {
		r.at++;
		if (!read_quoted(&r)) {
			buf_free(&r.out);
			*broken = true;
			kql_error(source, (struct kql_span){begin, 1},
				  STR("a quote within the text is written \\\""),
				  "this text has no closing quote");
			return NULL;
		}
	} else {
		read_unquoted(&r);
	}
	buf_free(&r.out);
	if (r.at == begin)
		return NULL;
	struct kql_literal *literal = ARENA_NEW(source->scratch, struct kql_literal);

	*literal = (struct kql_literal){
	    .span = {begin, span_end(r.text, begin, r.at) - begin},
	    .quoted = quoted,
	    .pieces = r.pieces,
	    .piece_count = r.piece_count,
	};
	*at = r.at;
	return literal;
}
