/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* A source line longer than this is shown as a window around the caret. */
#define SHOWN_LINE_MAX 160

void diag_list_init(struct diag_list *list)
{
	*list = (struct diag_list){0};
	arena_init(&list->arena);
	list->items = ARENA_ARRAY(&list->arena, struct diag, DIAG_LIST_MAX);
}

void diag_list_free(struct diag_list *list)
{
	arena_free(&list->arena);
	*list = (struct diag_list){0};
}

void diag_add(struct diag_list *list, struct diag diag, const char *fmt, ...)
{
	char message[512];
	va_list ap;

	if (diag.level == DIAG_ERROR)
		list->errors++;
	if (list->count == DIAG_LIST_MAX) {
		list->suppressed++;
		return;
	}
	va_start(ap, fmt);
	int n = vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(message))
		n = sizeof(message) - 1;
	diag.message = arena_str(&list->arena, (struct str){message, (size_t)n});
	diag.file = arena_str(&list->arena, diag.file);
	diag.source = arena_str(&list->arena, diag.source);
	diag.hint = arena_str(&list->arena, diag.hint);
	list->items[list->count++] = diag;
}

/* The line that begins at `start`, or what of it lies around `offset`. */
static struct str source_at(struct str text, size_t start, size_t offset)
{
	size_t half = DIAG_SOURCE_MAX / 2;

	if (offset - start > half) {
		start = offset - half;
		/* Not in the middle of a character. */
		while (start < offset && ((unsigned char)text.p[start] & 0xc0) == 0x80)
			start++;
	}
	size_t end = start;

	while (end < text.len && end - start < DIAG_SOURCE_MAX && text.p[end] != '\n' &&
	       text.p[end] != '\r')
		end++;
	return (struct str){text.p + start, end - start};
}

struct diag diag_at(struct str file, struct str text, size_t offset, size_t width,
		    uint32_t first_line, uint32_t first_column)
{
	if (offset > text.len)
		offset = text.len;
	size_t start = 0;
	uint32_t line = first_line;

	while (start < offset) {
		const char *newline = memchr(text.p + start, '\n', offset - start);

		if (!newline)
			break;
		start = (size_t)(newline - text.p) + 1;
		line++;
	}
	struct str source = source_at(text, start, offset);
	size_t end = (size_t)(source.p - text.p) + source.len;
	/* Columns before the text's first byte, in the line of that. */
	size_t before = line == first_line && first_column ? first_column - 1 : 0;

	if (offset + width > end)
		width = end > offset ? end - offset : 1;
	return (struct diag){
	    .file = file,
	    .line = line,
	    .column = (uint32_t)(before + offset - start + 1),
	    .width = (uint32_t)(width ? width : 1),
	    .source = source,
	    .source_column = (uint32_t)(before + (size_t)(source.p - (text.p + start)) + 1),
	};
}

static const char *level_name(enum diag_level level)
{
	switch (level) {
	case DIAG_ERROR:
		return "error";
	case DIAG_WARNING:
		return "warning";
	case DIAG_NOTE:
		return "note";
	}
	return "error";
}

/* Control bytes would move the caret or the terminal; each becomes one blank, tabs too. */
static void add_plain(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_add_char(out, (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? ' ' : s.p[i]);
}

static size_t display_width(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static void add_source(const struct diag *diag, bool colour, struct buf *out)
{
	/* The caret's place within `source`. */
	uint32_t first = diag->source_column ? diag->source_column : 1;
	size_t at = diag->column > first ? diag->column - first : 0;

	if (at > diag->source.len)
		at = diag->source.len;
	size_t from = at > SHOWN_LINE_MAX / 2 ? at - SHOWN_LINE_MAX / 2 : 0;
	struct str shown = {diag->source.p + from, diag->source.len - from};

	if (shown.len > SHOWN_LINE_MAX)
		shown.len = SHOWN_LINE_MAX;
	buf_printf(out, "%5u | ", diag->line);
	add_plain(out, shown);
	buf_add(out, STR("\n      | "));
	size_t pad = display_width((struct str){shown.p, at - from});

	for (size_t i = 0; i < pad; i++)
		buf_add_char(out, ' ');
	size_t width = diag->width;

	if (at - from + width > shown.len)
		width = shown.len > at - from ? shown.len - (at - from) : 1;
	width = width > 1 ? display_width((struct str){shown.p + (at - from), width}) : 1;
	if (colour)
		buf_add(out, STR("\033[1;31m"));
	buf_add_char(out, '^');
	for (size_t i = 1; i < width; i++)
		buf_add_char(out, '~');
	if (colour)
		buf_add(out, STR("\033[0m"));
	buf_add_char(out, '\n');
}

void diag_format(const struct diag *diag, bool colour, struct buf *out)
{
	if (diag->file.len) {
		add_plain(out, diag->file);
		buf_add_char(out, ':');
	}
	if (diag->line)
		buf_printf(out, "%u:", diag->line);
	if (diag->column)
		buf_printf(out, "%u:", diag->column);
	if (diag->file.len || diag->line)
		buf_add_char(out, ' ');
	buf_printf(out, "%s%s:%s ",
		   colour ? diag->level == DIAG_ERROR ? "\033[1;31m" : "\033[1;33m" : "",
		   level_name(diag->level), colour ? "\033[0m" : "");
	add_plain(out, diag->message);
	buf_add_char(out, '\n');
	if (diag->column && diag->source.len)
		add_source(diag, colour, out);
	if (diag->hint.len) {
		buf_add(out, STR("      = "));
		add_plain(out, diag->hint);
		buf_add_char(out, '\n');
	}
}

void diag_list_print(const struct diag_list *list, int fd)
{
	struct buf out = {0};
	bool colour = isatty(fd) == 1;

	for (uint32_t i = 0; i < list->count; i++)
		diag_format(&list->items[i], colour, &out);
	if (list->suppressed)
		buf_printf(&out, "... and %u more\n", list->suppressed);
	/* Diagnostics are the last resort: when they cannot be written there is nobody to tell. */
	int error = buf_write_fd(&out, fd);

	(void)error;
	buf_free(&out);
}
