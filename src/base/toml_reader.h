/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML as a plain tree in an arena, with the source position of every key and value. The parser is
 * toml++, behind the one C++ file toml_reader.cpp; nothing of it shows here.
 */
#ifndef LINTEL_BASE_TOML_READER_H
#define LINTEL_BASE_TOML_READER_H

#include "base/arena.h"
#include "base/diag.h"

enum toml_type {
	TOML_TABLE,
	TOML_ARRAY,
	TOML_STRING,
	TOML_INT,
	TOML_DOUBLE,
	TOML_BOOL,
	TOML_TIME
};

struct toml_node {
	enum toml_type type;
	struct str key;        /* within its table; empty in an array */
	uint32_t line, column; /* of the value, from 1 */
	uint32_t key_line, key_column;
	struct str text; /* STRING, and TIME as RFC 3339 */
	int64_t integer;
	double real;
	bool boolean;
	struct toml_node **kids; /* TABLE (in order of appearance) and ARRAY */
	uint32_t kid_count;
};

/* Parse; on a syntax error returns -EINVAL with a diagnostic (position, line, caret). Nesting
 * deeper than toml++ allows is a syntax error too. */
int toml_read(struct arena *arena, struct str text, struct str file, struct diag_list *diags,
	      struct toml_node **root) __attribute__((warn_unused_result));
/* A table's value by key, or NULL. */
const struct toml_node *toml_get(const struct toml_node *table, const char *key);
/* The same if it has that type, else NULL. */
const struct toml_node *toml_get_typed(const struct toml_node *table, const char *key,
				       enum toml_type type);

#endif
