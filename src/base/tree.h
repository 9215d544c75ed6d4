/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document as a plain tree in an arena, with the source position of every key and value: what
 * toml_reader.h and json_tree.h make of TOML and JSON, so that whoever reads a document need not
 * know which it was.
 */
#ifndef LINTEL_BASE_TREE_H
#define LINTEL_BASE_TREE_H

#include "base/str.h"

enum tree_type {
	TREE_TABLE, /* JSON's object */
	TREE_ARRAY,
	TREE_STRING,
	TREE_INT,
	TREE_DOUBLE,
	TREE_BOOL,
	TREE_TIME, /* TOML only */
	TREE_NULL, /* JSON only */
};

struct tree_node {
	enum tree_type type;
	struct str key;        /* within its table; empty in an array */
	uint32_t line, column; /* of the value, from 1, in bytes */
	uint32_t key_line, key_column;
	struct str text; /* STRING, and TIME as RFC 3339; NUL-terminated behind its length */
	int64_t integer;
	double real;
	bool boolean;
	struct tree_node **kids; /* TABLE (keys unique, in order of appearance) and ARRAY */
	uint32_t kid_count;
};

/* A table's value by key, or NULL. `table` may be NULL or of another type. */
const struct tree_node *tree_get(const struct tree_node *table, const char *key);
/* The same if it has that type, else NULL. */
const struct tree_node *tree_get_typed(const struct tree_node *table, const char *key,
				       enum tree_type type);

#endif
