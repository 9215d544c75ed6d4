/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/source_internal.h"

#include <stdarg.h>
#include <stdio.h>

/* Longest piece of the query quoted inside a message; the caret shows the rest. */
#define EXCERPT_MAX 60

void eql_error(struct eql_source *source, struct span where, struct str hint, const char *fmt, ...)
{
	char message[256];
	va_list ap;

	if (source->errors++ >= EQL_ERRORS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);

	const struct eql_options *o = source->options;
	struct diag diag =
	    diag_at(o->file, source->text, where.at, where.len, o->first_line ? o->first_line : 1,
		    o->first_column ? o->first_column : 1);

	diag.level = DIAG_ERROR;
	diag.hint = hint;
	diag_add(source->diags, diag, "%s", message);
}

struct str eql_excerpt(const struct eql_source *source, struct span where)
{
	struct str s = {source->text.p + where.at, where.len};

	if (s.len <= EXCERPT_MAX)
		return s;
	return arena_printf(source->scratch, "%.*s...", EXCERPT_MAX, s.p);
}
