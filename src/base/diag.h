/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics: what a rule author or an operator reads about text they wrote.
 *
 * One type for every parser (EQL, TOML, configuration, events): where, what is wrong, what was
 * expected or how to fix it, and the source line with a caret. Several per run are collected so
 * that one mistake does not hide the next.
 *
 *	rules/x.toml:12:18: error: unknown function [wildcrd]
 *	  12 | process where wildcrd(process.name, "a*")
 *	     |               ^~~~~~~
 *	     = did you mean [wildcard]?
 */
#ifndef LINTEL_BASE_DIAG_H
#define LINTEL_BASE_DIAG_H

#include "base/arena.h"
#include "base/buf.h"

enum diag_level {
	DIAG_ERROR,
	DIAG_WARNING,
	DIAG_NOTE
};

struct diag {
	enum diag_level level;
	struct str file;   /* empty: no file, e.g. a query from the command line */
	uint32_t line;     /* from 1; 0: the file as a whole */
	uint32_t column;   /* from 1, in bytes; 0: the line as a whole */
	uint32_t width;    /* bytes underlined, at least 1 when column is set */
	struct str source; /* the text of that line, without its newline; may be empty */
	/* Column of the source's first byte, where it is not the whole line; 0 means 1. */
	uint32_t source_column;
	struct str message;
	struct str hint; /* what was expected or how to fix it; may be empty */
};

/* After this many, further diagnostics are only counted: a binary file given as a rule must not
 * print a page per byte. */
#define DIAG_LIST_MAX 64

struct diag_list {
	struct arena arena; /* owns all texts */
	struct diag *items;
	uint32_t count;
	uint32_t errors;     /* with DIAG_ERROR, also those beyond DIAG_LIST_MAX */
	uint32_t suppressed; /* beyond DIAG_LIST_MAX */
};

void diag_list_init(struct diag_list *list);
void diag_list_free(struct diag_list *list);
/* Add a copy of `diag` with the formatted message; texts are copied into the list's arena. */
void diag_add(struct diag_list *list, struct diag diag, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Of a longer line only a part around the place is kept: a file may be one line, with a mistake in
 * every byte. */
#define DIAG_SOURCE_MAX 1024

/* Fill line, column, width and source of a diag from a byte range of a text. `first_line` is the
 * line number of the text's first line in its file (1 for a whole file), `first_column` the column
 * at which that first line starts (1 normally). */
struct diag diag_at(struct str file, struct str text, size_t offset, size_t width,
		    uint32_t first_line, uint32_t first_column);
/* One diagnostic as shown above; `colour` adds terminal colours. */
void diag_format(const struct diag *diag, bool colour, struct buf *out);
void diag_list_print(const struct diag_list *list, int fd);

#endif
