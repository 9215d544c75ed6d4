/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/wildcard_internal.h"

#include "eql/query.h"
#include "eql/string_internal.h"

struct str eql_pattern_canonical(struct arena *arena, struct str text)
{
	char *out = arena_bytes(arena, text.len);
	size_t len = 0;

	for (size_t i = 0; i < text.len;) {
		bool star = false;

		if (text.p[i] != '*' && text.p[i] != '?') {
			out[len++] = text.p[i++];
			continue;
		}
		for (; i < text.len && (text.p[i] == '*' || text.p[i] == '?'); i++) {
			if (text.p[i] == '?')
				out[len++] = '?';
			else
				star = true;
		}
		if (star)
			out[len++] = '*';
	}
	return (struct str){out, len};
}

static bool is_lower_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Bytes from common to rare in paths and command lines; what is not listed is rarer still. */
static const char common_bytes[] = "/e.ationsrlcdpmu-h bgfvkwyxjqz";

static size_t rarity(char c)
{
	const char *at = memchr(common_bytes, c, sizeof(common_bytes) - 1);

	return at ? (size_t)(at - common_bytes) : sizeof(common_bytes);
}

static struct segment make_segment(struct str text)
{
	struct segment g = {.text = text};

	g.has_any = text.len && memchr(text.p, '?', text.len);
	/* An anchor behind a ? would have no fixed distance from the segment's start. */
	for (size_t i = 1; i < text.len && !g.has_any; i++)
		if (rarity(text.p[i]) > rarity(text.p[g.anchor]))
			g.anchor = i;
	return g;
}

void eql_pattern_init(struct pattern *pattern, struct arena *arena, struct str text, bool fold)
{
	uint32_t stars = 0;

	*pattern = (struct pattern){.fold = fold};
	for (size_t i = 0; i < text.len; i++)
		stars += text.p[i] == '*';
	pattern->open_start = text.len && text.p[0] == '*';
	pattern->open_end = text.len && text.p[text.len - 1] == '*';
	pattern->segments = ARENA_ARRAY(arena, struct segment, stars + 1);
	for (size_t from = 0, to; from <= text.len; from = to + 1) {
		for (to = from; to < text.len && text.p[to] != '*';)
			to++;
		if (to == from)
			continue;
		pattern->segments[pattern->segment_count++] =
		    make_segment((struct str){text.p + from, to - from});
		pattern->min_len += to - from;
	}
	pattern->shape = PATTERN_SEGMENTS;
	if (pattern->segment_count != 1 || pattern->segments[0].has_any)
		return;
	if (pattern->open_start && pattern->open_end)
		pattern->shape = PATTERN_CONTAINS;
	else if (pattern->open_start)
		pattern->shape = PATTERN_SUFFIX;
	else if (pattern->open_end)
		pattern->shape = PATTERN_PREFIX;
}

static unsigned char byte_at(struct str s, size_t at, bool fold)
{
	unsigned char c = (unsigned char)s.p[at];

	return fold ? ascii_lower(c) : c;
}

/* Does the segment match at `at`? Returns where it ends, or SIZE_MAX. */
static size_t segment_here(const struct segment *g, bool fold, struct str s, size_t at)
{
	if (!g->has_any && g->text.len > s.len - at)
		return SIZE_MAX;
	for (size_t i = 0; i < g->text.len; i++) {
		if (at >= s.len)
			return SIZE_MAX;
		if (g->text.p[i] == '?')
			at += eql_char_len(s, at);
		else if (byte_at(s, at, fold) == (unsigned char)g->text.p[i])
			at++;
		else
			return SIZE_MAX;
	}
	return at;
}

/* Does the segment match so that it ends at the value's end? Returns where it starts, or SIZE_MAX.
 */
static size_t segment_at_end(const struct segment *g, bool fold, struct str s)
{
	size_t at = s.len;

	for (size_t i = g->text.len; i-- > 0;) {
		if (at == 0)
			return SIZE_MAX;
		if (g->text.p[i] == '?')
			at -= eql_char_len_before(s, at);
		else if (byte_at(s, at - 1, fold) == (unsigned char)g->text.p[i])
			at--;
		else
			return SIZE_MAX;
	}
	return at;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "find_letter() counts from byte 0");

/* memchr() for a letter in either case: upper and lower differ in one bit, and no other byte is
 * equal to a letter but for that bit. */
static size_t find_letter(struct str s, size_t at, char letter)
{
	typedef unsigned char chunk __attribute__((vector_size(16)));
	chunk bytes;
	uint64_t hits[2];

	for (; s.len - at >= sizeof(bytes); at += sizeof(bytes)) {
		memcpy(&bytes, s.p + at, sizeof(bytes));
		bytes = (chunk)((bytes | 0x20) == (unsigned char)letter);
		memcpy(hits, &bytes, sizeof(hits));
		if (hits[0])
			return at + (size_t)__builtin_ctzll(hits[0]) / 8;
		if (hits[1])
			return at + 8 + (size_t)__builtin_ctzll(hits[1]) / 8;
	}
	for (; at < s.len; at++)
		if ((s.p[at] | 0x20) == letter)
			return at;
	return SIZE_MAX;
}

static size_t find_byte(struct str s, size_t at, char c, bool fold)
{
	if (at >= s.len)
		return SIZE_MAX;
	if (fold && is_lower_letter(c))
		return find_letter(s, at, c);
	const char *hit = memchr(s.p + at, c, s.len - at);

	return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

/* Up to here looking for one byte and then comparing is faster than memmem(), whose time is linear
 * in any case. */
#define SHORT_VALUE 256

/* The end of the segment's leftmost place at or after `from`, or SIZE_MAX. */
static size_t segment_find(const struct segment *g, bool fold, struct str s, size_t from)
{
	if (!fold && !g->has_any && s.len > SHORT_VALUE) {
		size_t at = str_find(s, g->text, from);

		return at == SIZE_MAX ? SIZE_MAX : at + g->text.len;
	}
	char anchor = g->text.p[g->anchor];
	size_t at = from + g->anchor;

	while ((at = find_byte(s, at, anchor, fold)) != SIZE_MAX) {
		size_t end = segment_here(g, fold, s, at - g->anchor);

		if (end != SIZE_MAX)
			return end;
		at++;
	}
	return SIZE_MAX;
}

static bool match_segments(const struct pattern *p, struct str s)
{
	uint32_t first = 0, last = p->segment_count;
	size_t at = 0;

	if (!last)
		return p->open_start || !s.len;
	if (!p->open_start) {
		at = segment_here(&p->segments[0], p->fold, s, 0);
		if (at == SIZE_MAX)
			return false;
		if (last == 1)
			return p->open_end || at == s.len;
		first = 1;
	}
	if (!p->open_end) {
		size_t start = segment_at_end(&p->segments[--last], p->fold, s);

		if (start == SIZE_MAX || start < at)
			return false;
		s.len = start;
	}
	for (uint32_t i = first; i < last; i++) {
		at = segment_find(&p->segments[i], p->fold, s, at);
		if (at == SIZE_MAX)
			return false;
	}
	return true;
}

bool eql_pattern_match(const struct pattern *p, struct str s)
{
	const struct segment *g = p->segments;

	if (s.len < p->min_len)
		return false;
	switch (p->shape) {
	case PATTERN_PREFIX:
		return segment_here(g, p->fold, s, 0) != SIZE_MAX;
	case PATTERN_SUFFIX:
		return segment_at_end(g, p->fold, s) != SIZE_MAX;
	case PATTERN_CONTAINS:
		return segment_find(g, p->fold, s, 0) != SIZE_MAX;
	case PATTERN_SEGMENTS:
		return match_segments(p, s);
	}
	return false;
}

struct eql_pattern {
	struct pattern prepared;
};

struct eql_pattern *eql_pattern_new(struct arena *arena, struct str text, bool fold)
{
	struct eql_pattern *pattern = ARENA_NEW(arena, struct eql_pattern);
	struct str canonical = eql_pattern_canonical(arena, text);

	for (size_t i = 0; fold && i < canonical.len; i++)
		((char *)canonical.p)[i] = (char)ascii_lower((unsigned char)canonical.p[i]);
	eql_pattern_init(&pattern->prepared, arena, canonical, fold);
	return pattern;
}

bool eql_pattern_fits(const struct eql_pattern *pattern, struct str s)
{
	return eql_pattern_match(&pattern->prepared, s);
}

/* The classic walk that remembers the last star only; at most pattern × value steps. */
bool eql_wildcard(struct str pattern, struct str s, bool fold)
{
	size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < s.len) {
		if (p < pattern.len && pattern.p[p] == '*') {
			star = p++;
			mark = i;
		} else if (p < pattern.len && pattern.p[p] == '?') {
			p++;
			i += eql_char_len(s, i);
		} else if (p < pattern.len && byte_at(pattern, p, fold) == byte_at(s, i, fold)) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			mark += p < pattern.len && pattern.p[p] == '?' ? eql_char_len(s, mark) : 1;
			i = mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return p == pattern.len;
}
