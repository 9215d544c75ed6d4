/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim over simdjson (3.0.1 in Debian 12), built for the oldest x86-64.
 *
 * Only stage 1 is used: it lives in the library and is dispatched at run time, whereas everything
 * of On-Demand behind it is header code compiled for the builtin implementation, which is the
 * scalar fallback here. On-Demand also skips what nobody asks for by counting brackets, so garbage
 * in such parts would pass; the walk in json_walk.c checks every token and costs less.
 */
#include "base/json_internal.h"

#include <cerrno>
#include <charconv>
#include <memory>
#include <new>

#include <simdjson.h>

/* The index grows in these steps, so that steady state allocates nothing. */
static constexpr size_t first_capacity = 64 * 1024;

struct json_indexer {
	std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

/* No exception can leave for C: what is called here reports errors by code and is noexcept. */

json_indexer *json_indexer_new(void)
{
	auto *indexer = new (std::nothrow) json_indexer;

	if (!indexer)
		return nullptr;
	/* Stage 1 knows no depth; simdjson wants a number for its second stage. */
	if (simdjson::get_active_implementation()->create_dom_parser_implementation(
		first_capacity, 1, indexer->parser)) {
		delete indexer;
		return nullptr;
	}
	return indexer;
}

void json_indexer_free(json_indexer *indexer)
{
	delete indexer;
}

static const char *error_text(simdjson::error_code error)
{
	switch (error) {
	case simdjson::UTF8_ERROR:
		return "invalid UTF-8";
	case simdjson::EMPTY:
		return "empty";
	case simdjson::UNESCAPED_CHARS:
		return "control character in a string";
	case simdjson::UNCLOSED_STRING:
		return "string without an end";
	case simdjson::UNSUPPORTED_ARCHITECTURE:
		return "this CPU is not supported by simdjson";
	default:
		return "not JSON";
	}
}

int json_index_document(json_indexer *indexer, str json, struct json_index *index, const char **why)
{
	auto &parser = *indexer->parser;
	size_t capacity = parser.capacity();

	if (json.len > capacity) {
		while (capacity < json.len)
			capacity *= 2;
		if (parser.set_capacity(capacity)) {
			*why = "out of memory";
			return -ENOMEM;
		}
	}
	simdjson::error_code error = parser.stage1(reinterpret_cast<const uint8_t *>(json.p),
						   json.len, simdjson::stage1_mode::regular);

	if (error) {
		*why = error_text(error);
		return -EINVAL;
	}
	index->at = parser.structural_indexes.get();
	index->count = parser.n_structural_indexes;
	return 0;
}

double json_double_parse(str text)
{
	double value = 0;
	auto result = std::from_chars(text.p, text.p + text.len, value);

	/* from_chars says nothing about the direction in which the range was left. */
	if (result.ec == std::errc::result_out_of_range)
		value = simdjson::internal::from_chars(text.p, text.p + text.len);
	return value;
}

size_t json_double_format(double value, char text[JSON_DOUBLE_TEXT_MAX])
{
	return static_cast<size_t>(std::to_chars(text, text + JSON_DOUBLE_TEXT_MAX, value).ptr -
				   text);
}
