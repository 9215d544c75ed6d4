/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML as a tree (tree.h). The parser is toml++, behind the one C++ file toml_reader.cpp; nothing of
 * it shows here.
 */
#ifndef LINTEL_BASE_TOML_READER_H
#define LINTEL_BASE_TOML_READER_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/tree.h"

/* Parse; on a syntax error returns -EINVAL with a diagnostic (position, line, caret). Nesting
 * deeper than toml++ allows is a syntax error too. */
int toml_read(struct arena *arena, struct str text, struct str file, struct diag_list *diags,
	      struct tree_node **root) __attribute__((warn_unused_result));

#endif
