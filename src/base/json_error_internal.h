/* SPDX-License-Identifier: Apache-2.0 */
/* simdjson's error codes in our words; for the C++ files that call it. */
#ifndef LINTEL_BASE_JSON_ERROR_INTERNAL_H
#define LINTEL_BASE_JSON_ERROR_INTERNAL_H

#include <simdjson.h>

#include <cerrno>

/* `other` is said of what has no words of its own: a wrong structure. */
inline const char *json_error_text(simdjson::error_code error, const char *other)
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
	case simdjson::STRING_ERROR:
		return "invalid escape in a string";
	case simdjson::NUMBER_ERROR:
		return "invalid number or one beyond a double's range";
	case simdjson::DEPTH_ERROR:
		return "nested too deep";
	case simdjson::MEMALLOC:
		return "out of memory";
	case simdjson::UNSUPPORTED_ARCHITECTURE:
		return "this CPU is not supported by simdjson";
	default:
		return other;
	}
}

inline int json_error_errno(simdjson::error_code error)
{
	switch (error) {
	case simdjson::DEPTH_ERROR:
		return -E2BIG;
	case simdjson::MEMALLOC:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

#endif
