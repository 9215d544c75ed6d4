/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query inside a string of TOML or JSON, or a page's code block. The compiler sees the decoded
 * text; its diagnostics are moved to where that text is written in the file: past the opening
 * quotes, a trimmed first newline, escapes and line-ending backslashes.
 */
#include "rule/rule_internal.h"

#include <errno.h>

#include "kql/kql.h"

/* What is put before a condition to make a query of it. */
#define CONDITION_PREFIX "any where "

/* A string as the file has it. */
struct raw_string {
	size_t begin; /* offset of the first content byte */
	bool escapes; /* a basic string of TOML, or JSON's */
	bool multi;
};

static struct raw_string find_raw(const struct rule_source *source, const struct tree_node *node)
{
	struct str text = source->text;
	size_t at = rule_offset(source, node->line, node->column);
	struct raw_string raw = {.begin = at};

	if (source->format == RULE_FORMAT_PAGE)
		return raw;
	if (at >= text.len || (text.p[at] != '"' && text.p[at] != '\''))
		return raw;
	char quote = text.p[at];

	raw.escapes = quote == '"';
	raw.multi = source->format == RULE_FORMAT_TOML && at + 2 < text.len &&
		    text.p[at + 1] == quote && text.p[at + 2] == quote;
	at += raw.multi ? 3 : 1;
	/* The newline right after the opening quotes is not part of the string. */
	if (raw.multi && at + 1 < text.len && text.p[at] == '\r' && text.p[at + 1] == '\n')
		at += 2;
	else if (raw.multi && at < text.len && text.p[at] == '\n')
		at++;
	raw.begin = at;
	return raw;
}

uint32_t rule_text_line(const struct rule_source *source, const struct tree_node *node)
{
	struct raw_string raw = find_raw(source, node);
	uint32_t line = source->first_line;

	for (size_t i = 0; i < raw.begin && i < source->text.len; i++)
		line += source->text.p[i] == '\n';
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Bytes of the UTF-8 that the `digits` hex digits at `p` stand for. */
static uint32_t escaped_bytes(const char *p, size_t digits)
{
	uint32_t point = 0;

	for (size_t i = 0; i < digits; i++) {
		unsigned char c = ascii_lower((unsigned char)p[i]);

		point = point * 16 + (uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
	}
	/* Half of a surrogate pair of JSON's: the pair is one character of four bytes. */
	if (point >= 0xd800 && point < 0xe000)
		return 2;
	return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/* One escape at text[at], a backslash. Returns the bytes it takes in the file and how many it
 * decodes to; a line-ending backslash takes the blanks that follow and decodes to nothing. */
static size_t skip_escape(struct str text, size_t at, bool multi, uint32_t *decoded)
{
	char c = at + 1 < text.len ? text.p[at + 1] : 'n';
	size_t digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;

	*decoded = 1;
	if (digits && at + 2 + digits <= text.len) {
		*decoded = escaped_bytes(text.p + at + 2, digits);
		return 2 + digits;
	}
	if (multi && is_blank(c)) {
		size_t i = at + 1;

		while (i < text.len && is_blank(text.p[i]))
			i++;
		*decoded = 0;
		return i - at;
	}
	return 2;
}

/* The offset in the file of a line and column of the decoded text. What decodes to nothing is
 * passed over even at the very place: the character meant comes behind it. */
static size_t raw_offset(struct str text, struct raw_string raw, uint32_t line, uint32_t column)
{
	uint32_t at_line = 1, at_column = 1;
	size_t i = raw.begin;

	while (i < text.len) {
		bool there = at_line > line || (at_line == line && at_column >= column);
		uint32_t decoded = 1;
		size_t bytes = 1;
		bool newline = text.p[i] == '\n';

		if (text.p[i] == '\r' && i + 1 < text.len && text.p[i + 1] == '\n') {
			decoded = 0;
		} else if (text.p[i] == '\\' && raw.escapes) {
			newline = i + 1 < text.len && text.p[i + 1] == 'n';
			bytes = skip_escape(text, i, raw.multi, &decoded);
		}
		if (there && decoded)
			break;
		i += bytes;
		at_line += newline;
		at_column = newline ? 1 : at_column + decoded;
	}
	return i < text.len ? i : text.len;
}

static void relocate(const struct rule_source *source, const struct tree_node *node, bool condition,
		     const struct diag *from)
{
	struct diag diag = rule_diag_key(source, node);
	uint32_t column = from->column ? from->column : 1;

	if (condition && from->line == 1)
		column = column > sizeof(CONDITION_PREFIX) - 1
			     ? column - (uint32_t)(sizeof(CONDITION_PREFIX) - 1)
			     : 1;
	if (from->line) {
		struct raw_string raw = find_raw(source, node);
		size_t at = raw_offset(source->text, raw, from->line, column);

		diag = rule_diag_at(source, at, from->width);
	}
	diag.level = from->level;
	diag.hint = from->hint;
	diag_add(source->diags, diag, "%.*s", STR_ARG(from->message));
}

struct diag rule_diag_text(const struct rule_source *source, const struct tree_node *node,
			   size_t at, size_t width)
{
	struct raw_string raw = find_raw(source, node);
	uint32_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < node->text.len; i++) {
		bool newline = node->text.p[i] == '\n';

		line += newline;
		column = newline ? 1 : column + 1;
	}
	return rule_diag_at(source, raw_offset(source->text, raw, line, column), width);
}

int rule_compile(const struct rule_source *source, const struct tree_node *node, bool condition,
		 const struct eql_options *options, struct field_set *fields,
		 struct eql_query **query, struct str *reason)
{
	struct str text = node->text;
	struct diag_list said;

	if (condition)
		text = arena_printf(source->arena, CONDITION_PREFIX "%.*s", STR_ARG(node->text));
	diag_list_init(&said);
	int error = eql_compile(source->arena, fields, text, options, &said, query);

	if (error == -ENOTSUP) {
		*reason = arena_str(source->arena,
				    said.count ? said.items[0].message : STR("not supported"));
	} else {
		for (uint32_t i = 0; i < said.count; i++)
			relocate(source, node, condition, &said.items[i]);
	}
	diag_list_free(&said);
	return error;
}

struct eql_cond *rule_compile_kql(const struct rule_source *source, const struct tree_node *node,
				  struct eql_builder *builder, const struct field_set *fields)
{
	struct eql_cond *cond = NULL;
	struct diag_list said;

	diag_list_init(&said);
	/* The error is among the diagnostics, and there is no condition then. */
	int error = kql_condition(builder, fields, node->text, NULL, &said, &cond);

	(void)error;
	for (uint32_t i = 0; i < said.count; i++)
		relocate(source, node, false, &said.items[i]);
	diag_list_free(&said);
	return cond;
}
