/* SPDX-License-Identifier: Apache-2.0 */
/* What the C side of JSON needs of C++: simdjson's first stage, and conversions of doubles that
 * are exact and know no locale. Implemented in json_reader.cpp, the one file that sees simdjson. */
#ifndef LINTEL_BASE_JSON_INTERNAL_H
#define LINTEL_BASE_JSON_INTERNAL_H

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_indexer;

/* Offsets of all tokens of a document; at[count] is the document's length. Good until the next
 * json_index_document(). */
struct json_index {
	const uint32_t *at;
	uint32_t count;
};

/* NULL: out of memory. */
struct json_indexer *json_indexer_new(void);
void json_indexer_free(struct json_indexer *indexer);
/* 0, -EINVAL or -ENOMEM with a static text in `why`. */
int json_index_document(struct json_indexer *indexer, struct str json, struct json_index *index,
			const char **why);

/* `text` is a number by JSON's grammar. Beyond a double's range: an infinity or zero. */
double json_double_parse(struct str text);
#define JSON_DOUBLE_TEXT_MAX 32
/* The shortest text that reads back as the same finite double; returns its length. */
size_t json_double_format(double value, char text[JSON_DOUBLE_TEXT_MAX]);

/* Are all escapes of a string those of JSON? */
bool json_escapes_valid(struct str s);

#ifdef __cplusplus
}
#endif

#endif
