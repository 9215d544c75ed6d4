/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON documents for the few values somebody wants.
 *
 * simdjson's first stage (vectorised, chosen for the CPU at run time) checks UTF-8, control bytes
 * and that strings are closed, and gives an index: the offset of every token. json_read() walks
 *that index once, checks the whole grammar on the way, also in the parts nobody wants, and hands
 *out the wanted values:
 *
 *	{"process":{"pid":4,"parent":{"name":"sh"}}}	text
 *	^ ^       ^^^    ^^^^       ^^^     ^^   ^^^	index, 16 tokens
 *
 * What is wanted is a json_paths: dotted names, found in the document however it nests them
 * ({"a":{"b.c":1}} has a.b.c). Arrays are flattened, objects within arrays too. Null is no value.
 * Of duplicate keys every value is handed out. Memory is bounded by JSON_DOCUMENT_BYTES_MAX (the
 * index takes four bytes per byte of the longest document so far), nesting by JSON_DEPTH_MAX.
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
	bool escaped; /* the string holds escapes: see json_unescape() */
	union {
		struct str string; /* a slice of the document */
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

/* Writes the text of an escaped string, never longer than `string`, to `out`; returns its length. A
 * surrogate without its other half becomes U+FFFD. */
size_t json_unescape(struct str string, char *out);

#endif
