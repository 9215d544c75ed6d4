// SPDX-License-Identifier: Apache-2.0
/*
 * toml++ behind toml_reader.h. The parser's tree is copied into the caller's arena as plain C and
 * dropped; exceptions end here.
 *
 * The text is looked over before toml++ runs, for what toml++ 3.3 cannot be given:
 * - Its tables are freed by recursion. Each value in brackets is one level (it has a limit), each
 *   dot of a key another (it has none), and a megabyte of "a.a.a.a" would run out of stack.
 * - It asserts that a key follows "[", instead of checking.
 * Should another of its assertions fail, that is an exception here and an error of the file.
 */
#undef NDEBUG /* toml++ turns assertions into assumptions with it */
#include <stdexcept>
#define TOML_ASSERT(condition)                                                          \
	do {                                                                            \
		if (!(condition))                                                       \
			throw std::logic_error("the TOML parser gave up: " #condition); \
	} while (false)
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
/* Elastic's rules nest 8 deep. */
#define TOML_MAX_NESTED_VALUES 32
#pragma GCC diagnostic push
#if !defined(__clang__)
/* Some of toml++'s assertions are in noexcept functions; there a failure ends the program. */
#pragma GCC diagnostic ignored "-Wterminate"
#endif
#include <toml++/toml.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cerrno>
#include <vector>

extern "C" {
#include "base/toml_reader.h"
}

namespace
{

/* Dots in one key; with TOML_MAX_NESTED_VALUES a tree is at most 33 * 17 levels deep. */
constexpr size_t key_dots_max = 16;
/* toml++ counts columns in code points, diagnostics in bytes. Beyond this many bytes a line with
 * other than ASCII is not converted: nobody reads a caret there, and counting would be quadratic.
 */
constexpr size_t column_exact_max = 1024;

/* Where each line of the text begins. */
class line_index
{
      public:
	explicit line_index(struct str t) : text(t)
	{
		starts.push_back(0);
		for (size_t i = 0; i < text.len; i++)
			if (text.p[i] == '\n')
				starts.push_back(i + 1);
	}

	/* Byte column, from 1, of a toml++ position. */
	uint32_t column(const toml::source_position &at) const
	{
		if (at.line == 0 || at.line > starts.size() || at.column == 0)
			return at.column;
		const char *p = text.p + starts[at.line - 1];
		size_t left = text.len - starts[at.line - 1];
		size_t byte = 0;

		for (uint32_t point = 1; point < at.column && byte < left; point++) {
			if (byte >= column_exact_max)
				return at.column;
			byte++;
			while (byte < left && ((unsigned char)p[byte] & 0xc0) == 0x80)
				byte++;
		}
		return (uint32_t)(byte + 1);
	}

	size_t offset(uint32_t line, uint32_t byte_column) const
	{
		if (line == 0 || line > starts.size())
			return text.len;
		size_t at = starts[line - 1] + (byte_column ? byte_column - 1 : 0);

		return at < text.len ? at : text.len;
	}

      private:
	struct str text;
	std::vector<size_t> starts;
};

/* The end of the string that opens at `i`, quotes included. */
size_t skip_string(struct str text, size_t i)
{
	char quote = text.p[i];
	bool multi = i + 2 < text.len && text.p[i + 1] == quote && text.p[i + 2] == quote;

	for (i += multi ? 3 : 1; i < text.len; i++) {
		if (text.p[i] == '\\' && quote == '"') {
			i++;
		} else if (text.p[i] == quote) {
			if (!multi)
				return i + 1;
			if (i + 2 < text.len && text.p[i + 1] == quote && text.p[i + 2] == quote)
				return i + 3;
		} else if (text.p[i] == '\n' && !multi) {
			return i;
		}
	}
	return i;
}

bool starts_key(char c)
{
	return (unsigned char)(ascii_lower((unsigned char)c) - 'a') < 26 ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '"' || c == '\'';
}

/* A text that toml++ cannot be given: where, and why; `why` NULL when there is nothing. */
struct objection {
	size_t offset;
	const char *why;
};

/* One walk over the text, outside of strings and comments. */
class inspection
{
      public:
	explicit inspection(struct str t) : text(t)
	{
	}

	struct objection run()
	{
		while (i < text.len && !found.why) {
			char c = text.p[i];

			if (c == '"' || c == '\'') {
				line_start = false;
				i = skip_string(text, i);
			} else if (c == '#') {
				while (i < text.len && text.p[i] != '\n')
					i++;
			} else if (c == '[' && line_start && depth == 0) {
				header();
			} else {
				other(c);
				i++;
			}
		}
		return found;
	}

      private:
	/* The opening of "[table]" or "[[table]]". */
	void header()
	{
		i++;
		if (i < text.len && text.p[i] == '[')
			i++;
		while (i < text.len && (text.p[i] == ' ' || text.p[i] == '\t'))
			i++;
		if (i < text.len && text.p[i] != ']' && !starts_key(text.p[i]))
			found = {i, "expected a key"};
		line_start = false;
		in_header = true;
	}

	void other(char c)
	{
		bool blank = c == ' ' || c == '\t' || c == '\r';

		if (c == '.' && ++dots > key_dots_max)
			found = {i, "a key with more than 16 dots"};
		if (c == '=' || c == ',' || c == '{' || c == '\n')
			dots = 0;
		if (!in_header && (c == '[' || c == '{'))
			depth++;
		if (!in_header && (c == ']' || c == '}') && depth > 0)
			depth--;
		if (c == '\n') {
			line_start = true;
			in_header = false;
		} else if (!blank) {
			line_start = false;
		}
	}

	struct str text;
	struct objection found = {0, nullptr};
	size_t i = 0;
	size_t dots = 0;  /* of the key at hand */
	size_t depth = 0; /* open brackets of values */
	bool line_start = true;
	bool in_header = false;
};

class converter
{
      public:
	converter(struct arena *a, const line_index &l) : arena(a), lines(l)
	{
	}

	struct toml_node *node(const toml::node &from) const
	{
		struct toml_node *to = ARENA_NEW(arena, struct toml_node);

		to->line = from.source().begin.line;
		to->column = lines.column(from.source().begin);
		switch (from.type()) {
		case toml::node_type::table:
			table(*from.as_table(), to);
			break;
		case toml::node_type::array:
			array(*from.as_array(), to);
			break;
		default:
			scalar(from, to);
			break;
		}
		return to;
	}

      private:
	void table(const toml::table &from, struct toml_node *to) const
	{
		to->type = TOML_TABLE;
		to->kid_count = (uint32_t)from.size();
		to->kids = ARENA_ARRAY(arena, struct toml_node *, from.size());
		uint32_t n = 0;

		for (auto &&[key, value] : from) {
			struct toml_node *kid = node(value);

			kid->key = copy(key.str());
			kid->key_line = key.source().begin.line;
			kid->key_column = lines.column(key.source().begin);
			to->kids[n++] = kid;
		}
		std::sort(to->kids, to->kids + n, [](const toml_node *a, const toml_node *b) {
			return a->key_line != b->key_line ? a->key_line < b->key_line
							  : a->key_column < b->key_column;
		});
	}

	void array(const toml::array &from, struct toml_node *to) const
	{
		to->type = TOML_ARRAY;
		to->kid_count = (uint32_t)from.size();
		to->kids = ARENA_ARRAY(arena, struct toml_node *, from.size());
		for (size_t i = 0; i < from.size(); i++)
			to->kids[i] = node(from[i]);
	}

	void scalar(const toml::node &from, struct toml_node *to) const
	{
		switch (from.type()) {
		case toml::node_type::string:
			to->type = TOML_STRING;
			to->text = copy(from.as_string()->get());
			break;
		case toml::node_type::integer:
			to->type = TOML_INT;
			to->integer = from.as_integer()->get();
			break;
		case toml::node_type::floating_point:
			to->type = TOML_DOUBLE;
			to->real = from.as_floating_point()->get();
			break;
		case toml::node_type::boolean:
			to->type = TOML_BOOL;
			to->boolean = from.as_boolean()->get();
			break;
		case toml::node_type::date:
			to->type = TOML_TIME;
			to->text = date(from.as_date()->get());
			break;
		case toml::node_type::time:
			to->type = TOML_TIME;
			to->text = time(from.as_time()->get());
			break;
		default:
			to->type = TOML_TIME;
			to->text = date_time(from.as_date_time()->get());
			break;
		}
	}

	struct str copy(std::string_view s) const
	{
		return arena_str(arena, {s.data(), s.size()});
	}

	struct str date(const toml::date &d) const
	{
		return arena_printf(arena, "%04u-%02u-%02u", d.year, d.month, d.day);
	}

	struct str time(const toml::time &t) const
	{
		if (t.nanosecond == 0)
			return arena_printf(arena, "%02u:%02u:%02u", t.hour, t.minute, t.second);
		return arena_printf(arena, "%02u:%02u:%02u.%09u", t.hour, t.minute, t.second,
				    t.nanosecond);
	}

	struct str date_time(const toml::date_time &dt) const
	{
		struct str d = date(dt.date), t = time(dt.time);

		if (!dt.offset)
			return arena_printf(arena, "%sT%s", d.p, t.p);
		int minutes = dt.offset->minutes;

		if (minutes == 0)
			return arena_printf(arena, "%sT%sZ", d.p, t.p);
		char sign = minutes < 0 ? '-' : '+';

		minutes = minutes < 0 ? -minutes : minutes;
		return arena_printf(arena, "%sT%s%c%02d:%02d", d.p, t.p, sign, minutes / 60,
				    minutes % 60);
	}

	struct arena *arena;
	const line_index &lines;
};

int report(struct diag_list *diags, struct str file, struct str text, size_t offset,
	   const char *message)
{
	/* toml++ starts its messages with a capital; ours continue a sentence. */
	std::string why(message);

	if (!why.empty())
		why[0] = (char)ascii_lower((unsigned char)why[0]);
	diag_add(diags, diag_at(file, text, offset, 1, 1, 1), "not TOML: %s", why.c_str());
	return -EINVAL;
}

} // namespace

extern "C" int toml_read(struct arena *arena, struct str text, struct str file,
			 struct diag_list *diags, struct toml_node **root)
{
	try {
		struct objection objection = inspection(text).run();

		if (objection.why)
			return report(diags, file, text, objection.offset, objection.why);
		const line_index lines(text);

		try {
			const toml::table tree = toml::parse(std::string_view(text.p, text.len));

			*root = converter(arena, lines).node(tree);
			return 0;
		} catch (const toml::parse_error &error) {
			const toml::source_position &at = error.source().begin;

			return report(diags, file, text, lines.offset(at.line, lines.column(at)),
				      error.what());
		}
	} catch (const std::exception &error) {
		struct diag diag = {};

		diag.file = file;
		diag_add(diags, diag, "cannot be parsed: %s", error.what());
		return -EINVAL;
	}
}

extern "C" const struct toml_node *toml_get(const struct toml_node *table, const char *key)
{
	struct str wanted = str_from(key);

	if (!table || table->type != TOML_TABLE)
		return nullptr;
	for (uint32_t i = 0; i < table->kid_count; i++)
		if (str_eq(table->kids[i]->key, wanted))
			return table->kids[i];
	return nullptr;
}

extern "C" const struct toml_node *toml_get_typed(const struct toml_node *table, const char *key,
						  enum toml_type type)
{
	const struct toml_node *node = toml_get(table, key);

	return node && node->type == type ? node : nullptr;
}
