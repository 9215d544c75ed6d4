/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a JSON document: it is a tree whose positions lie within the text, or an error. */
#include <stdlib.h>

#include "base/json_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* The offset of a line and column, both from 1. */
static size_t offset_of(struct str text, uint32_t line, uint32_t column)
{
	size_t at = 0;

	CHECK(line && column);
	for (uint32_t n = 1; n < line; n++) {
		at = str_find(text, STR("\n"), at);
		CHECK(at != SIZE_MAX);
		at++;
	}
	return at + column - 1;
}

static void check(struct str text, const struct tree_node *node, uint32_t depth)
{
	static const char *const first[] = {
	    [TREE_TABLE] = "{",
	    [TREE_ARRAY] = "[",
	    [TREE_STRING] = "\"",
	    [TREE_INT] = "-0123456789",
	    [TREE_DOUBLE] = "-0123456789",
	    [TREE_BOOL] = "tf",
	    [TREE_NULL] = "n",
	};
	size_t at = offset_of(text, node->line, node->column);

	CHECK(depth <= JSON_TREE_DEPTH_MAX + 1);
	CHECK(at < text.len && memchr(first[node->type], text.p[at], strlen(first[node->type])));
	for (uint32_t i = 0; i < node->kid_count; i++) {
		const struct tree_node *kid = node->kids[i];

		check(text, kid, depth + 1);
		if (node->type == TREE_TABLE)
			CHECK(text.p[offset_of(text, kid->key_line, kid->key_column)] == '"');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct tree_node *root = NULL;
	struct diag_list diags;
	struct buf out = {0};
	struct arena arena;

	arena_init(&arena);
	diag_list_init(&diags);
	int error = json_tree_read(&arena, text, STR("fuzz.json"), 1, &diags, &root);

	CHECK((error == 0) == (diags.errors == 0));
	for (uint32_t i = 0; i < diags.count; i++)
		diag_format(&diags.items[i], false, &out);
	if (!error)
		check(text, root, 1);
	buf_free(&out);
	diag_list_free(&diags);
	arena_free(&arena);
	return 0;
}
