/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON documents for the few values somebody wants.
 *
 * simdjson parses and checks the whole document, also the parts nobody wants; json_read() then
 * walks its tree and hands out the wanted values. What is wanted is a json_paths: dotted names,
 * found in the document however it nests them ({"a":{"b.c":1}} has a.b.c). Arrays are flattened,
 * objects within arrays too. Null is no value. Of duplicate keys every value is handed out.
 *
 * Half a surrogate pair (an escape \ud800 to \udfff alone) becomes U+FFFD, an integer beyond 64
 * bits a double. A number beyond the range of doubles (1e400) makes the document invalid; one too
 * near to zero is zero.
 *
 * Memory is bounded by JSON_DOCUMENT_BYTES_MAX: a reader keeps 14 bytes per byte of the longest
 * document so far (hits twice that), most of it touched only by documents of nothing but brackets,
 * commas and digits. Nesting is bounded by JSON_DEPTH_MAX.
 */
#ifndef LINTEL_BASE_JSON_READER_H
#define LINTEL_BASE_JSON_READER_H

#include "base/str.h"

/* Bytes that must be readable behind a document; their value does not matter. */
#define JSON_PADDING 64
/* Longest document: above the largest event any sensor sends (Elasticsearch stores none above
 * 100 MB and advises far less), below what would stall a stream or cost a host its memory. */
#define JSON_DOCUMENT_BYTES_MAX ((size_t)16 << 20)
/* Deepest nesting read. ECS needs 8; hostile input has thousands. */
#define JSON_DEPTH_MAX 256
/* Parts between dots of a wanted path: the table of paths grows with their square. */
#define JSON_PATH_PARTS_MAX 32
#define JSON_PATH_BYTES_MAX 4096

enum json_type {
	JSON_STRING,
	JSON_INT,
	JSON_DOUBLE,
	JSON_BOOL
};

struct json_value {
	enum json_type type;
	union {
		struct str string; /* unescaped; the reader's until its next json_read() */
		int64_t integer;
		double real; /* also integers beyond 64 bits */
		bool boolean;
	};
};

struct json_handler {
	/* A wanted value; `id` is the path's. Called in document order. */
	void (*value)(void *context, uint32_t id, const struct json_value *value);
	/* The envelope's object begins: what was handed out so far does not count. May be NULL when
	 * the paths have no envelope. */
	void (*restart)(void *context);
	void *context;
};

struct json_paths;

struct json_paths *json_paths_new(void);
void json_paths_free(struct json_paths *paths);
/* Want the value at a dotted path, handed out with `id`. The text is copied. A path added twice
 * keeps its first id; one of more than JSON_PATH_PARTS_MAX parts or JSON_PATH_BYTES_MAX bytes is
 * never found. */
void json_paths_add(struct json_paths *paths, struct str path, uint32_t id);
/* A document with an object under this top-level key is read from that object alone. To be called
 * before any path is added. */
void json_paths_set_envelope(struct json_paths *paths, struct str key);
/* Want every value of every document, all handed out with `id`, no other path added: for measuring
 * what reading costs. */
void json_paths_want_all(struct json_paths *paths, uint32_t id);

struct json_reader;

struct json_reader *json_reader_new(void);
void json_reader_free(struct json_reader *reader);

/*
 * Read one document, which must be an object. `document` (may be NULL) gets the text of the object
 * that was read: the envelope's or the whole. Returns 0; -EINVAL (not JSON or not an object) or
 * -E2BIG (too deep or too long) with a static text in `why` (may be NULL). The handler may have
 * been called before an error is found.
 */
int json_read(struct json_reader *reader, const struct json_paths *paths, struct str json,
	      const struct json_handler *handler, struct str *document, const char **why)
    __attribute__((warn_unused_result));

#endif
