/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/lexer_internal.h"

#include "eql/string_internal.h"

static const struct {
	struct str text;
	enum token_kind kind;
} keywords[] = {
#define KEYWORD(text, kind)                    \
	{                                      \
		{text, sizeof(text) - 1}, kind \
	}
    KEYWORD("and", TOKEN_AND),
    KEYWORD("any", TOKEN_ANY),
    KEYWORD("by", TOKEN_BY),
    KEYWORD("false", TOKEN_FALSE),
    KEYWORD("in", TOKEN_IN),
    KEYWORD("in~", TOKEN_IN_TILDE),
    KEYWORD("join", TOKEN_JOIN),
    KEYWORD("like", TOKEN_LIKE),
    KEYWORD("like~", TOKEN_LIKE_TILDE),
    KEYWORD("maxspan", TOKEN_MAXSPAN),
    KEYWORD("not", TOKEN_NOT),
    KEYWORD("null", TOKEN_NULL),
    KEYWORD("of", TOKEN_OF),
    KEYWORD("or", TOKEN_OR),
    KEYWORD("regex", TOKEN_REGEX),
    KEYWORD("regex~", TOKEN_REGEX_TILDE),
    KEYWORD("sample", TOKEN_SAMPLE),
    KEYWORD("sequence", TOKEN_SEQUENCE),
    KEYWORD("true", TOKEN_TRUE),
    KEYWORD("until", TOKEN_UNTIL),
    KEYWORD("where", TOKEN_WHERE),
    KEYWORD("with", TOKEN_WITH),
#undef KEYWORD
};

bool eql_is_keyword(struct str word)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (str_eq(keywords[i].text, word))
			return true;
	return false;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_part(int c)
{
	return is_letter(c) || is_digit(c) || c == '_';
}

/* The byte `ahead` of the current one, or -1 at the end. */
static int peek(const struct lexer *lexer, size_t ahead)
{
	struct str text = lexer->source->text;
	size_t at = lexer->at + ahead;

	return at < text.len ? (unsigned char)text.p[at] : -1;
}

static bool peek_is(const struct lexer *lexer, const char *what)
{
	for (size_t i = 0; what[i]; i++)
		if (peek(lexer, i) != (unsigned char)what[i])
			return false;
	return true;
}

static struct token finish(struct lexer *lexer, enum token_kind kind, size_t start, size_t end)
{
	lexer->at = end;
	return (struct token){
	    .kind = kind,
	    .span = {(uint32_t)start, (uint32_t)(end - start)},
	    .text = {lexer->source->text.p + start, end - start},
	};
}

static struct token fail(struct lexer *lexer, size_t at, size_t len, struct str hint,
			 const char *message)
{
	struct span span = {(uint32_t)at, (uint32_t)len};

	eql_error(lexer->source, span, hint, "%s", message);
	lexer->at = lexer->source->text.len;
	return (struct token){.kind = TOKEN_ERROR, .span = span};
}

/* Block comments nest. Returns false at an unclosed one. */
static bool skip_block_comment(struct lexer *lexer)
{
	size_t depth = 0;

	while (peek(lexer, 0) >= 0) {
		if (peek_is(lexer, "/*")) {
			depth++;
			lexer->at += 2;
		} else if (peek_is(lexer, "*/")) {
			lexer->at += 2;
			if (--depth == 0)
				return true;
		} else {
			lexer->at++;
		}
	}
	return false;
}

/* Returns the start of an unclosed comment, or SIZE_MAX. */
static size_t skip_blanks(struct lexer *lexer)
{
	for (;;) {
		int c = peek(lexer, 0);

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			lexer->at++;
		} else if (peek_is(lexer, "//")) {
			while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n' &&
			       peek(lexer, 0) != '\r')
				lexer->at++;
		} else if (peek_is(lexer, "/*")) {
			size_t start = lexer->at;

			if (!skip_block_comment(lexer))
				return start;
		} else {
			return SIZE_MAX;
		}
	}
}

static struct token read_name(struct lexer *lexer)
{
	size_t start = lexer->at, len = 1;

	while (is_name_part(peek(lexer, len)))
		len++;
	/* Only a name that starts with a letter takes a tilde: `_a~` is two tokens. */
	bool tilde = is_letter(peek(lexer, 0)) && peek(lexer, len) == '~';
	struct token token = finish(lexer, TOKEN_NAME, start, start + len + tilde);

	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (str_eq(keywords[i].text, token.text)) {
			token.kind = keywords[i].kind;
			return token;
		}
	if (tilde) {
		token.kind = TOKEN_TILDE_NAME;
		token.text.len--;
	}
	return token;
}

static struct token read_quoted_name(struct lexer *lexer)
{
	size_t start = lexer->at, at = start + 1;
	struct str text = lexer->source->text;
	size_t len = 0;

	/* Two passes: length first, so that the name is allocated once. */
	for (;; at++, len++) {
		if (at >= text.len)
			return fail(lexer, start, 1, STR("close it with a back-quote"),
				    "back-quoted name without an end");
		if (text.p[at] == '`' && (at + 1 >= text.len || text.p[at + 1] != '`'))
			break;
		at += text.p[at] == '`';
	}
	char *out = arena_bytes(lexer->arena, len);

	for (size_t from = start + 1, to = 0; to < len; from++, to++) {
		from += text.p[from] == '`';
		out[to] = text.p[from];
	}
	struct token token = finish(lexer, TOKEN_QUOTED_NAME, start, at + 1);

	token.text = (struct str){out, len};
	if (!len)
		eql_error(lexer->source, token.span, STR_NULL, "empty field name");
	return token;
}

/* [0-9]+, [0-9]+.[0-9]*, .[0-9]+, each with an optional exponent except that only `e` followed by
 * digits is one: `5e` is 5 and a name. */
static struct token read_number(struct lexer *lexer)
{
	size_t start = lexer->at, len = 0;
	enum token_kind kind = TOKEN_INTEGER;

	while (is_digit(peek(lexer, len)))
		len++;
	if (peek(lexer, len) == '.') {
		kind = TOKEN_DECIMAL;
		len++;
		while (is_digit(peek(lexer, len)))
			len++;
	}
	if (peek(lexer, len) == 'e' || peek(lexer, len) == 'E') {
		size_t sign = peek(lexer, len + 1) == '+' || peek(lexer, len + 1) == '-';

		if (is_digit(peek(lexer, len + 1 + sign))) {
			kind = TOKEN_DECIMAL;
			len += 2 + sign;
			while (is_digit(peek(lexer, len)))
				len++;
		}
	}
	return finish(lexer, kind, start, start + len);
}

static bool hex_value(int c, uint32_t *value)
{
	if (is_digit(c))
		*value = *value * 16 + (uint32_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*value = *value * 16 + (uint32_t)(c - 'a' + 10);
	else if (c >= 'A' && c <= 'F')
		*value = *value * 16 + (uint32_t)(c - 'A' + 10);
	else
		return false;
	return true;
}

/* The escape \uXXXX or \u{X..X} at `at`; appends its UTF-8 form. Returns its length in the source;
 * a wrong one is reported and left out. */
static size_t read_unicode_escape(struct lexer *lexer, size_t at, char **out)
{
	lexer->at = at;
	bool braces = peek(lexer, 2) == '{';
	size_t first = braces ? 3 : 2, digits = 0;
	uint32_t code = 0;

	while (digits < (braces ? 8 : 4) && hex_value(peek(lexer, first + digits), &code))
		digits++;
	size_t len = first + digits;
	struct span span = {(uint32_t)at, (uint32_t)len};

	if (braces && peek(lexer, len) == '}' && digits >= 2) {
		span.len = (uint32_t)++len;
	} else if (braces || digits != 4) {
		eql_error(lexer->source, span,
			  STR("write \\uXXXX, or \\u{X...} with two to eight hexadecimal digits"),
			  "malformed Unicode escape");
		return len;
	}
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
		eql_error(lexer->source, span,
			  STR("null, surrogates and numbers beyond 10FFFF are no characters"),
			  "invalid character code [%x]", (unsigned)code);
		return len;
	}
	*out += eql_utf8_put(code, *out);
	return len;
}

static size_t read_escape(struct lexer *lexer, size_t at, char **out)
{
	static const char from[] = "btnfr\"'\\", to[] = "\b\t\n\f\r\"'\\";

	lexer->at = at;
	int c = peek(lexer, 1);

	if (c == 'u')
		return read_unicode_escape(lexer, at, out);
	const char *known = c > 0 ? strchr(from, c) : NULL;

	if (!known) {
		size_t width = c < ' ' ? 1 : 2;

		eql_error(lexer->source, (struct span){(uint32_t)at, (uint32_t)width},
			  STR("a backslash is written \\\\; in \"\"\"raw strings\"\"\" it needs no "
			      "escape"),
			  "unknown escape");
		return width;
	}
	*(*out)++ = to[known - from];
	return 2;
}

/* One past the closing quote of the quoted text at lexer->at + `skip`, or 0 if the line ends first.
 * A backslash hides the byte after it. */
static size_t find_quote(const struct lexer *lexer, size_t skip, char quote)
{
	struct str text = lexer->source->text;

	for (size_t at = lexer->at + skip; at < text.len; at++) {
		char c = text.p[at];

		if (c == '\n' || c == '\r')
			return 0;
		if (c == quote)
			return at + 1;
		if (c == '\\' && at + 1 < text.len && text.p[at + 1] != '\n' &&
		    text.p[at + 1] != '\r')
			at++;
	}
	return 0;
}

static struct token read_string(struct lexer *lexer)
{
	size_t start = lexer->at, end = find_quote(lexer, 1, '"');
	struct str text = lexer->source->text;

	if (!end)
		return fail(lexer, start, 1,
			    STR("close it with \" on the same line; \\n writes a line break"),
			    "string without an end");
	/* Every escape is at least as long as what it stands for in UTF-8. */
	char *buffer = arena_bytes(lexer->arena, end - start), *out = buffer;

	for (size_t at = start + 1; at < end - 1;) {
		if (text.p[at] == '\\')
			at += read_escape(lexer, at, &out);
		else
			*out++ = text.p[at++];
	}
	struct token token = finish(lexer, TOKEN_STRING, start, end);

	token.text = (struct str){buffer, (size_t)(out - buffer)};
	return token;
}

/* """...""": ends at the first three quotes on the line, of which up to two more belong to it. */
static struct token read_raw_string(struct lexer *lexer)
{
	size_t start = lexer->at, at = start + 3;
	struct str text = lexer->source->text;

	for (;; at++) {
		if (at + 3 > text.len || text.p[at] == '\n' || text.p[at] == '\r')
			return fail(lexer, start, 3, STR("close it with \"\"\" on the same line"),
				    "raw string without an end");
		if (memcmp(text.p + at, "\"\"\"", 3) == 0)
			break;
	}
	for (int i = 0; i < 2 && at + 3 < text.len && text.p[at + 3] == '"'; i++)
		at++;
	struct token token = finish(lexer, TOKEN_STRING, start, at + 3);

	token.text = arena_str(lexer->arena, (struct str){text.p + start + 3, at - (start + 3)});
	return token;
}

/* '...', ?"..." and ?'...' were strings once. Reported, then taken for one so that checking goes
 * on. */
static struct token read_old_string(struct lexer *lexer, size_t prefix)
{
	size_t start = lexer->at;
	char quote = lexer->source->text.p[start + prefix];
	size_t end = find_quote(lexer, prefix + 1, quote);

	if (!end)
		return fail(lexer, start, prefix + 1, STR("strings are written in double quotes"),
			    "string without an end");
	struct token token = finish(lexer, TOKEN_STRING, start, end);

	eql_error(lexer->source, token.span,
		  prefix ? STR("write it in three double quotes: \"\"\"...\"\"\"")
			 : STR("write it in double quotes: \"...\""),
		  "%s are no longer supported",
		  prefix ? "strings with ? before the quote" : "single-quoted strings");
	token.text = STR("");
	return token;
}

static const struct {
	char text[3];
	enum token_kind kind;
} operators[] = {
    {"==", TOKEN_EQ},
    {"!=", TOKEN_NE},
    {"<=", TOKEN_LE},
    {">=", TOKEN_GE},
    {"<", TOKEN_LT},
    {">", TOKEN_GT},
    {"+", TOKEN_PLUS},
    {"-", TOKEN_MINUS},
    {"*", TOKEN_STAR},
    {"/", TOKEN_SLASH},
    {"%", TOKEN_PERCENT},
    {".", TOKEN_DOT},
    {",", TOKEN_COMMA},
    {"(", TOKEN_OPEN},
    {")", TOKEN_CLOSE},
    {"[", TOKEN_OPEN_BRACKET},
    {"]", TOKEN_CLOSE_BRACKET},
    {"|", TOKEN_PIPE},
    {":", TOKEN_COLON},
    {"?", TOKEN_QUESTION},
    {"=", TOKEN_ASSIGN},
    {"![", TOKEN_OPEN_MISSING},
};

/* What people coming from other languages write, and what it is here. */
static const struct {
	const char *text;
	const char *message;
	struct str hint;
} foreign[] = {
#define FOREIGN(text, message, hint)           \
	{                                      \
		text, message,                 \
		{                              \
			hint, sizeof(hint) - 1 \
		}                              \
	}
    FOREIGN("!:", "[!:] is not an operator", "write: not field : \"value\""),
    FOREIGN("!", "[!] is not an operator", "negation is written: not ..."),
    FOREIGN("&&", "[&&] is not an operator", "write: and"),
    FOREIGN("&", "[&] is not an operator", "write: and"),
    FOREIGN("$", "variables ($) are not supported",
	    "field names with $ are written in back-quotes: `$name`"),
    FOREIGN("\xc2\xa0", "no-break space (U+00A0) outside a string",
	    "replace it by an ordinary blank"),
    FOREIGN("\xe2\x80\x9c", "typographic quote outside a string",
	    "strings are written in plain double quotes (\")"),
    FOREIGN("\xe2\x80\x9d", "typographic quote outside a string",
	    "strings are written in plain double quotes (\")"),
#undef FOREIGN
};

static struct token read_operator(struct lexer *lexer)
{
	size_t start = lexer->at;

	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (peek_is(lexer, operators[i].text))
			return finish(lexer, operators[i].kind, start,
				      start + strlen(operators[i].text));
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (peek_is(lexer, foreign[i].text))
			return fail(lexer, start, strlen(foreign[i].text), foreign[i].hint,
				    foreign[i].message);
	return fail(lexer, start, 1,
		    STR("field names with such characters go in back-quotes: `...`"),
		    "unexpected character");
}

struct token eql_next_token(struct lexer *lexer)
{
	size_t comment = skip_blanks(lexer);

	if (comment != SIZE_MAX)
		return fail(lexer, comment, 2, STR("close it with */; comments nest"),
			    "comment without an end");
	int c = peek(lexer, 0), next = c < 0 ? -1 : peek(lexer, 1);

	if (c < 0)
		return finish(lexer, TOKEN_END, lexer->at, lexer->at);
	if (is_letter(c) || c == '_' || c == '@')
		return read_name(lexer);
	if (is_digit(c) || (c == '.' && is_digit(next)))
		return read_number(lexer);
	if (c == '`')
		return read_quoted_name(lexer);
	if (peek_is(lexer, "\"\"\""))
		return read_raw_string(lexer);
	if (c == '"')
		return read_string(lexer);
	if (c == '\'')
		return read_old_string(lexer, 0);
	if (c == '?' && (next == '"' || next == '\''))
		return read_old_string(lexer, 1);
	return read_operator(lexer);
}
