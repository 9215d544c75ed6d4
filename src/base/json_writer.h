/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON into a buffer. Commas and quotes are the writer's business; the caller names keys
 * and values in order. Invalid UTF-8 in a string becomes U+FFFD, so what is written is always JSON.
 *
 *	struct json_writer w = json_writer_to(&buf);
 *	json_object(&w);
 *	json_key(&w, STR("pid"));
 *	json_int(&w, 42);
 *	json_end(&w);			// {"pid":42}
 */
#ifndef LINTEL_BASE_JSON_WRITER_H
#define LINTEL_BASE_JSON_WRITER_H

#include "base/buf.h"

/* Our own documents nest a handful of levels; deeper is a programming error. */
#define JSON_WRITER_DEPTH_MAX 32

struct json_writer {
	struct buf *out;
	uint32_t depth;
	bool need_comma;
	char closer[JSON_WRITER_DEPTH_MAX];
};

struct json_writer json_writer_to(struct buf *out);
void json_object(struct json_writer *w);
void json_array(struct json_writer *w);
/* Close the innermost object or array. */
void json_end(struct json_writer *w);
void json_key(struct json_writer *w, struct str key);
void json_string(struct json_writer *w, struct str value);
void json_int(struct json_writer *w, int64_t value);
void json_uint(struct json_writer *w, uint64_t value);
/* The shortest text that reads back as the same double; NaN and infinities become null. */
void json_double(struct json_writer *w, double value);
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
/* A value that is JSON already, copied as it is. */
void json_raw(struct json_writer *w, struct str json);
/* Key and string value in one; nothing is written when the value is empty. */
void json_member(struct json_writer *w, struct str key, struct str value);

#endif
