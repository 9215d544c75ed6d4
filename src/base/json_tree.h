/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole JSON document as a tree (tree.h): for rules, exception lists and saved state. Events are
 * read by json_reader.h, which makes no tree.
 *
 * As there, half a surrogate pair becomes U+FFFD and an integer beyond 64 bits a double. A key that
 * an object has twice is an error: readers differ in which one counts.
 */
#ifndef LINTEL_BASE_JSON_TREE_H
#define LINTEL_BASE_JSON_TREE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/tree.h"

/* Longest document: a gigabyte of saved state; its tree takes several times that, and simdjson ends
 * at four. */
#define JSON_TREE_BYTES_MAX ((size_t)1 << 30)
/* Deepest nesting: the tree is made, and most likely read, by recursion. */
#define JSON_TREE_DEPTH_MAX 64

/*
 * Read one document of any type. `first_line` is its first line's number in the file, from 1: a row
 * of NDJSON. The tree and its texts are in `arena`; `text` need not outlive the call and needs no
 * padding. Returns 0, or -EINVAL or -E2BIG (too deep, too long) with a diagnostic, which has the
 * place as far as it is known.
 */
int json_tree_read(struct arena *arena, struct str text, struct str file, uint32_t first_line,
		   struct diag_list *diags, struct tree_node **root)
    __attribute__((warn_unused_result));

#endif
