/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simdjson (3.0.1 in Debian 12) behind json_reader.h, by its public interface alone.
 *
 * The DOM parser is in the library, where it is chosen for the CPU at run time, and checks the
 * whole document before anything is handed out. On-Demand is header code, compiled here for the
 * oldest x86-64, takes three times as long and lets pass what nobody looks at. It is used only to
 * find the text of a hit's envelope, which the DOM does not keep, in a document that the DOM has
 * found good.
 *
 * The DOM's tape says of every container where it ends, so what is not wanted costs nothing:
 *
 *	{"a":{"b":[1,2]},"c":3}
 *	 "a" ► { ─────────────► "c" ► 3
 *
 * No exception can leave for C: they are switched off, everything called reports by code.
 */
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <charconv>
#include <cstdlib>
#include <new>

#include "base/json_error_internal.h"

extern "C" {
#include "base/json_internal.h"
#include "base/json_paths_internal.h"
#include "base/json_reader.h"
#include "base/json_trail_internal.h"
}

namespace dom = simdjson::dom;
namespace ondemand = simdjson::ondemand;

static_assert(JSON_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson reads behind a document");

/* Memory grows by doubling from here, so that steady state allocates nothing. */
static constexpr size_t first_capacity = 64 * 1024;
/* simdjson counts the level that it refuses. */
static constexpr size_t depth_limit = JSON_DEPTH_MAX + 1;

struct json_reader {
	dom::parser parser;
	dom::document document; /* the tape and the strings, good until the next parse */
	size_t capacity;
	ondemand::parser hits;
	buf mended;
	json_trail trail;
};

namespace
{

struct walk {
	json_trail *trail;
	const json_target *all; /* where every key leads; NULL: the trail knows */
	const json_handler *handler;
	bool in_envelope;
};

simdjson::error_code grow(json_reader *reader, size_t len)
{
	size_t capacity = reader->capacity ? reader->capacity : first_capacity;

	while (capacity < len)
		capacity *= 2;
	if (capacity == reader->capacity)
		return simdjson::SUCCESS;
	simdjson::error_code error = reader->document.allocate(capacity);

	if (!error)
		error = reader->parser.allocate(capacity, depth_limit);
	reader->capacity = error ? 0 : capacity;
	return error;
}

simdjson::error_code parse(json_reader *reader, str json, dom::element *root)
{
	simdjson::error_code error = grow(reader, json.len);

	if (error)
		return error;
	return reader->parser.parse_into_document(reader->document, json.p, json.len, false)
	    .get(*root);
}

/* Errors of strings and numbers may be those that json_mend.c knows how to help. */
simdjson::error_code parse_mended(json_reader *reader, str json, simdjson::error_code error,
				  dom::element *root)
{
	buf_reset(&reader->mended);
	if (!json_mend(json, &reader->mended))
		return error;
	buf_reserve(&reader->mended, JSON_PADDING);
	return parse(reader, buf_str(&reader->mended), root);
}

void walk_value(walk *w, const json_target *to, dom::element element);

void hand_out(const walk *w, uint32_t id, const json_value &value)
{
	w->handler->value(w->handler->context, id, &value);
}

void walk_string(const walk *w, uint32_t id, dom::element element)
{
	std::string_view text = element.get_string().value_unsafe();
	json_value value;

	value.type = JSON_STRING;
	value.string = {text.data(), text.size()};
	hand_out(w, id, value);
}

/* A scalar that is no string, or null. */
void walk_scalar(const walk *w, uint32_t id, dom::element element)
{
	json_value value;

	switch (element.type()) {
	case dom::element_type::INT64:
		value.type = JSON_INT;
		value.integer = element.get_int64().value_unsafe();
		break;
	case dom::element_type::UINT64: /* only above INT64_MAX */
	case dom::element_type::DOUBLE:
		value.type = JSON_DOUBLE;
		value.real = element.get_double().value_unsafe();
		break;
	case dom::element_type::BOOL:
		value.type = JSON_BOOL;
		value.boolean = element.get_bool().value_unsafe();
		break;
	default:
		return;
	}
	hand_out(w, id, value);
}

/* True: this was the envelope's object, the rest of the document does not count. */
bool walk_object(walk *w, uint32_t node, dom::object object)
{
	json_step *step = json_trail_begin(w->trail, node);

	for (auto member = object.begin(), end = object.end(); member != end; ++member) {
		/* Eight bytes behind a key are readable: simdjson pads its strings. */
		const json_target *to =
		    w->all ? w->all
			   : json_trail_step(w->trail, &step, node,
					     {member.key_c_str(), member.key_length()});

		if (!to->wanted)
			continue;
		if (to->node == JSON_NODE_ENVELOPE && !w->in_envelope &&
		    member.value().is_object()) {
			w->in_envelope = true;
			w->handler->restart(w->handler->context);
			walk_object(w, JSON_NODE_ROOT, member.value().get_object().value_unsafe());
			return true;
		}
		walk_value(w, to, member.value());
	}
	return false;
}

/* Elements of an array are values of the array's own name. Recursion ends at JSON_DEPTH_MAX, which
 * simdjson has checked. */
inline void walk_value(walk *w, const json_target *to, dom::element element)
{
	/* Nearly all are strings: one branch for those. */
	if (element.is_string()) {
		if (to->id != JSON_NO_ID)
			walk_string(w, to->id, element);
		return;
	}
	switch (element.type()) {
	case dom::element_type::OBJECT:
		if (to->has_edges)
			walk_object(w, to->node, element.get_object().value_unsafe());
		break;
	case dom::element_type::ARRAY: {
		/* What is found in it may move the trail on, where `to` is. */
		json_target same = *to;
		dom::array items = element.get_array().value_unsafe();

		for (dom::element item : items)
			walk_value(w, &same, item);
		break;
	}
	default:
		if (to->id != JSON_NO_ID)
			walk_scalar(w, to->id, element);
	}
}

/* Is this member the envelope, an object? Then *text is the object's. */
bool is_hit(ondemand::field *member, std::string_view key, str *text)
{
	std::string_view name, raw;
	ondemand::json_type type;
	ondemand::object hit;

	/* A key that cannot be unescaped was mended and is another one. */
	if (member->unescaped_key().get(name) || name != key || member->value().type().get(type) ||
	    type != ondemand::json_type::object || member->value().get_object().get(hit) ||
	    hit.raw_json().get(raw))
		return false;
	/* simdjson gives all up to the next token. */
	*text = {raw.data(), raw.find_last_of('}') + 1};
	return true;
}

/* The first object under the envelope's key, as walk_object() takes it. */
str envelope_text(json_reader *reader, str json, const json_paths *paths)
{
	std::string_view key(paths->texts.p + paths->envelope_at,
			     paths->nodes[JSON_NODE_ENVELOPE].part_len);
	ondemand::parser &parser = reader->hits;
	ondemand::document document;
	ondemand::object object;
	str text = json;

	if (parser.capacity() < json.len && parser.allocate(reader->capacity))
		return json;
	if (parser.iterate(json.p, json.len, json.len + JSON_PADDING).get(document) ||
	    document.get_object().get(object))
		return json;
	for (auto result : object) {
		ondemand::field member;

		if (std::move(result).get(member) || is_hit(&member, key, &text))
			break;
	}
	return text;
}

const char *error_text(simdjson::error_code error, str json)
{
	size_t first = std::string_view(json.p, json.len).find_first_not_of(" \t\n\r");

	return json_error_text(error, first < json.len && json.p[first] == '{'
					  ? "a value, comma, colon or bracket is wrong or missing"
					  : "not an object");
}

} // namespace

json_reader *json_reader_new(void)
{
	auto *reader = new (std::nothrow) json_reader();

	if (!reader || grow(reader, 0))
		abort(); /* out of memory at start-up, as xcalloc does */
	return reader;
}

void json_reader_free(json_reader *reader)
{
	if (!reader)
		return;
	buf_free(&reader->mended);
	json_trail_free(&reader->trail);
	delete reader;
}

int json_read(json_reader *reader, const json_paths *paths, str json, const json_handler *handler,
	      str *document, const char **why)
{
	json_target any = json_paths_target(paths, JSON_NODE_UNWANTED);
	walk w = {&reader->trail, paths->all ? &any : nullptr, handler, false};
	dom::element root;

	if (json.len > JSON_DOCUMENT_BYTES_MAX) {
		if (why)
			*why = "too long";
		return -E2BIG;
	}
	simdjson::error_code error = parse(reader, json, &root);

	if (error == simdjson::STRING_ERROR || error == simdjson::NUMBER_ERROR)
		error = parse_mended(reader, json, error, &root);
	if (!error && !root.is_object())
		error = simdjson::INCORRECT_TYPE;
	if (error) {
		if (why)
			*why = error_text(error, json);
		return json_error_errno(error);
	}
	json_trail_follow(&reader->trail, paths);
	bool hit = walk_object(&w, JSON_NODE_ROOT, root.get_object().value_unsafe());

	if (document)
		*document = hit ? envelope_text(reader, json, paths) : json;
	return 0;
}

size_t json_double_format(double value, char text[JSON_DOUBLE_TEXT_MAX])
{
	return static_cast<size_t>(std::to_chars(text, text + JSON_DOUBLE_TEXT_MAX, value).ptr -
				   text);
}
