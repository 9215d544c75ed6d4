// SPDX-License-Identifier: Apache-2.0
/*
 * simdjson behind json_tree.h. Its DOM checks the document and unescapes the strings, but keeps no
 * positions; those come from a cursor that walks the text token by token beside the DOM:
 *
 *	DOM    {  "a"   [  1,  true
 *	text   {  "a" : [  1 , true ] }
 *	cursor ^  ^     ^  ^   ^
 *
 * The document is known to be valid then, so the cursor decides nothing. When it is not, On-Demand,
 * which reads as it goes, is asked how far it came.
 */
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "base/json_error_internal.h"

extern "C" {
#include "base/buf.h"
#include "base/json_internal.h"
#include "base/json_reader.h"
#include "base/json_tree.h"
}

namespace dom = simdjson::dom;
namespace ondemand = simdjson::ondemand;

namespace
{

/* simdjson counts the level that it refuses. */
constexpr size_t depth_limit = JSON_TREE_DEPTH_MAX + 1;
/* The least that simdjson allocates for. */
constexpr size_t capacity_min = 64;

/* Where we are in a valid document. */
class cursor
{
      public:
	cursor(struct str t, uint32_t first_line) : text(t), line_number(first_line)
	{
	}

	/* To the next token: over white space, and the commas and colons that separate values. */
	void to_token()
	{
		for (; at < text.len; at++) {
			char c = text.p[at];

			if (c == '\n') {
				line_number++;
				line_start = at + 1;
			} else if (c != ' ' && c != '\t' && c != '\r' && c != ',' && c != ':') {
				return;
			}
		}
	}

	/* Over a bracket. */
	void skip_one()
	{
		to_token();
		at++;
	}

	/* Over a string, number or word. */
	void skip_scalar()
	{
		if (at < text.len && text.p[at] == '"') {
			for (at++; at < text.len && text.p[at] != '"'; at++)
				at += text.p[at] == '\\';
			at++;
			return;
		}
		while (at < text.len && !std::strchr(" \t\r\n,]}", text.p[at]))
			at++;
	}

	uint32_t line() const
	{
		return line_number;
	}

	uint32_t column() const
	{
		return (uint32_t)(at - line_start + 1);
	}

	size_t offset() const
	{
		return at;
	}

      private:
	struct str text;
	size_t at = 0, line_start = 0;
	uint32_t line_number;
};

struct duplicate {
	size_t offset, width;
	struct str key;
};

class converter
{
      public:
	converter(struct arena *a, cursor *c) : arena(a), place(c)
	{
	}

	/* Recursion ends at JSON_TREE_DEPTH_MAX, which simdjson has checked. */
	struct tree_node *node(dom::element from)
	{
		struct tree_node *to = ARENA_NEW(arena, struct tree_node);

		place->to_token();
		to->line = place->line();
		to->column = place->column();
		switch (from.type()) {
		case dom::element_type::OBJECT:
			object(from.get_object().value_unsafe(), to);
			break;
		case dom::element_type::ARRAY:
			array(from.get_array().value_unsafe(), to);
			break;
		default:
			scalar(from, to);
			place->skip_scalar();
			break;
		}
		return to;
	}

	bool found_duplicate = false;
	struct duplicate second = {};

      private:
	void object(dom::object from, struct tree_node *to)
	{
		std::unordered_set<std::string_view> seen;
		size_t count = count_of(from);

		to->type = TREE_TABLE;
		to->kids = ARENA_ARRAY(arena, struct tree_node *, count);
		place->skip_one();
		for (auto member = from.begin(), end = from.end(); member != end; ++member) {
			place->to_token();
			uint32_t line = place->line(), column = place->column();
			size_t begin = place->offset();

			place->skip_scalar();
			if (!seen.insert(member.key()).second && !found_duplicate) {
				found_duplicate = true;
				second = {begin, place->offset() - begin, copy(member.key())};
			}
			struct tree_node *kid = node(member.value());

			kid->key = copy(member.key());
			kid->key_line = line;
			kid->key_column = column;
			to->kids[to->kid_count++] = kid;
		}
		place->skip_one();
	}

	void array(dom::array from, struct tree_node *to)
	{
		size_t count = count_of(from);

		to->type = TREE_ARRAY;
		to->kids = ARENA_ARRAY(arena, struct tree_node *, count);
		place->skip_one();
		for (dom::element item : from)
			to->kids[to->kid_count++] = node(item);
		place->skip_one();
	}

	void scalar(dom::element from, struct tree_node *to) const
	{
		switch (from.type()) {
		case dom::element_type::STRING:
			to->type = TREE_STRING;
			to->text = copy(from.get_string().value_unsafe());
			break;
		case dom::element_type::INT64:
			to->type = TREE_INT;
			to->integer = from.get_int64().value_unsafe();
			break;
		case dom::element_type::UINT64: /* only above INT64_MAX */
		case dom::element_type::DOUBLE:
			to->type = TREE_DOUBLE;
			to->real = from.get_double().value_unsafe();
			break;
		case dom::element_type::BOOL:
			to->type = TREE_BOOL;
			to->boolean = from.get_bool().value_unsafe();
			break;
		default:
			to->type = TREE_NULL;
			break;
		}
	}

	/* size() of an object or array saturates at 2^24 - 1. */
	template <typename container> static size_t count_of(const container &from)
	{
		size_t count = 0;

		for (auto item = from.begin(), end = from.end(); item != end; ++item)
			count++;
		return count;
	}

	struct str copy(std::string_view s) const
	{
		return arena_str(arena, {s.data(), s.size()});
	}

	struct arena *arena;
	cursor *place;
};

/* Reads every value; the first error is returned. The library's own depth limit holds for its other
 * interface alone, and each level takes stack here. */
simdjson::error_code read_all(ondemand::value value, size_t depth);

simdjson::error_code read_object(ondemand::object object, size_t depth)
{
	for (auto result : object) {
		ondemand::field member;
		std::string_view key;

		if (auto error = std::move(result).get(member))
			return error;
		if (auto error = member.unescaped_key().get(key))
			return error;
		if (auto error = read_all(member.value(), depth))
			return error;
	}
	return simdjson::SUCCESS;
}

simdjson::error_code read_array(ondemand::array array, size_t depth)
{
	for (auto result : array) {
		ondemand::value item;

		if (auto error = std::move(result).get(item))
			return error;
		if (auto error = read_all(item, depth))
			return error;
	}
	return simdjson::SUCCESS;
}

simdjson::error_code read_all(ondemand::value value, size_t depth)
{
	ondemand::json_type type;

	if (depth > depth_limit)
		return simdjson::DEPTH_ERROR;
	if (auto error = value.type().get(type))
		return error;
	switch (type) {
	case ondemand::json_type::object: {
		ondemand::object object;
		auto error = value.get_object().get(object);

		return error ? error : read_object(object, depth + 1);
	}
	case ondemand::json_type::array: {
		ondemand::array array;
		auto error = value.get_array().get(array);

		return error ? error : read_array(array, depth + 1);
	}
	case ondemand::json_type::string:
		return value.get_string().error();
	case ondemand::json_type::number:
		return value.get_double().error();
	case ondemand::json_type::boolean:
		return value.get_bool().error();
	default:
		return value.is_null().error();
	}
}

/* Where reading in order stops; false when that is not known. */
bool find_error(const simdjson::padded_string &json, size_t *offset)
{
	ondemand::parser parser;
	ondemand::document document;
	ondemand::value root;
	const char *at = nullptr;

	if (parser.allocate(std::max(json.size(), capacity_min), depth_limit) ||
	    parser.iterate(json).get(document) || document.get_value().get(root))
		return false;
	if (!read_all(root, 0) || document.current_location().get(at))
		return false;
	*offset = (size_t)(at - json.data());
	return *offset < json.size();
}

int report(struct diag_list *diags, struct diag diag, simdjson::error_code error)
{
	diag_add(diags, diag, "not JSON: %s",
		 json_error_text(error, "a value, comma, colon or bracket is wrong or missing"));
	return json_error_errno(error);
}

struct diag whole_row(struct str file, uint32_t first_line)
{
	struct diag diag = {};

	diag.file = file;
	diag.line = first_line;
	return diag;
}

simdjson::error_code parse(dom::parser *parser, const simdjson::padded_string &json,
			   dom::element *root)
{
	if (auto error = parser->allocate(std::max(json.size(), capacity_min), depth_limit))
		return error;
	return parser->parse(json).get(*root);
}

/* What json_mend.c can help with, helped. */
simdjson::error_code parse_mended(dom::parser *parser, struct str text, simdjson::error_code error,
				  dom::element *root)
{
	struct buf mended = {};

	if (json_mend(text, &mended))
		error = parse(parser, simdjson::padded_string(mended.p, mended.len), root);
	buf_free(&mended);
	return error;
}

} // namespace

extern "C" int json_tree_read(struct arena *arena, struct str text, struct str file,
			      uint32_t first_line, struct diag_list *diags, struct tree_node **root)
{
	if (text.len > JSON_TREE_BYTES_MAX) {
		diag_add(diags, whole_row(file, first_line), "not read: longer than 1 GiB");
		return -E2BIG;
	}
	const simdjson::padded_string json(text.p, text.len);
	dom::parser parser;
	dom::element top;
	simdjson::error_code error = parse(&parser, json, &top);

	if (error == simdjson::STRING_ERROR || error == simdjson::NUMBER_ERROR)
		error = parse_mended(&parser, text, error, &top);
	if (error) {
		size_t offset;

		if (find_error(json, &offset))
			return report(diags, diag_at(file, text, offset, 1, first_line, 1), error);
		return report(diags, whole_row(file, first_line), error);
	}
	cursor place(text, first_line);
	converter converter(arena, &place);

	*root = converter.node(top);
	if (!converter.found_duplicate)
		return 0;
	const duplicate &second = converter.second;

	diag_add(diags, diag_at(file, text, second.offset, second.width, first_line, 1),
		 "key [%.*s] appears twice", STR_ARG(second.key));
	return -EINVAL;
}
