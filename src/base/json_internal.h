/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of JSON in and out. */
#ifndef LINTEL_BASE_JSON_INTERNAL_H
#define LINTEL_BASE_JSON_INTERNAL_H

#include "base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Copies a document to the (reset) buffer with what simdjson's DOM refuses and lintel wants written
 * so that both agree; false: there is nothing of the kind. See json_mend.c. */
bool json_mend(struct str json, struct buf *out);

#define JSON_DOUBLE_TEXT_MAX 32
/* The shortest text that reads back as the same finite double, whatever the locale; returns its
 * length. */
size_t json_double_format(double value, char text[JSON_DOUBLE_TEXT_MAX]);

#ifdef __cplusplus
}
#endif

#endif
