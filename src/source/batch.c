/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While it is filled, a batch looks like this; what is behind `end` goes to the reader's `rest`
 * and begins the next batch:
 *
 *	[ rest of before | line \n line \n begin of a li | free ... | padding ]
 *	                                 end             len         cap
 *
 * A line that does not fit makes the batch double, up to the longest document. A longer one is
 * thrown away as it comes, so it costs no more memory than that.
 */
#include "source/batch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "source/input_internal.h"

/* The longest line and its newline. */
#define CAPACITY_MAX (EVENT_JSON_BYTES_MAX + 1)

struct batch_reader {
	struct input *input;
	struct buf rest;
	bool begun;
	bool partial;  /* the batch holds the beginning of a line that is not all there yet */
	bool skipping; /* in a line that is too long */
	enum input_format format;
	char *path;
	struct audit_reader *audit; /* NULL: no log of audit, or not known yet */
	struct batch log;           /* lines of it */
	struct buf json;            /* what came of them */
};

static void resize(struct batch *batch, size_t cap)
{
	batch->bytes = xrealloc(batch->bytes, cap + EVENT_JSON_PADDING);
	/* Readable also means initialised: valgrind and MSan look at what SIMD loads touch. */
	memset(batch->bytes + batch->len, 0, cap + EVENT_JSON_PADDING - batch->len);
	batch->cap = cap;
}

void batch_init(struct batch *batch)
{
	*batch = (struct batch){0};
	resize(batch, BATCH_BYTES);
}

void batch_free(struct batch *batch)
{
	free(batch->bytes);
	*batch = (struct batch){0};
}

void batch_trim(struct batch *batch)
{
	if (batch->cap > BATCH_BYTES) {
		batch->len = 0;
		resize(batch, BATCH_BYTES);
	}
}

struct batch_lines batch_lines(const struct batch *batch)
{
	return (struct batch_lines){.batch = batch};
}

static struct str trimmed(struct str line)
{
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	/* Blank lines are no lines; others keep their blanks, results show them as they stood. */
	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] != ' ' && line.p[i] != '\t')
			return line;
	return (struct str){line.p, 0};
}

/* The byte order mark that Windows tools put before UTF-8. */
static struct str without_bom(const struct batch_lines *lines, struct str line)
{
	if (lines->batch->first && lines->number == 1 && str_starts(line, STR("\xef\xbb\xbf"))) {
		line.p += 3;
		line.len -= 3;
	}
	return line;
}

static struct str take(struct batch_lines *lines)
{
	const struct batch *batch = lines->batch;
	struct str line = {batch->bytes + lines->at, batch->len - lines->at};
	const char *newline = memchr(line.p, '\n', line.len);

	lines->ended = newline != NULL;
	if (newline)
		line.len = (size_t)(newline - line.p);
	lines->at += line.len + lines->ended;
	lines->number++;
	return trimmed(without_bom(lines, line));
}

enum batch_line batch_next_line(struct batch_lines *lines, struct str *line)
{
	if (lines->batch->too_long && !lines->given) {
		lines->given = true;
		lines->number++;
		return BATCH_LINE_TOO_LONG;
	}
	while (lines->at < lines->batch->len) {
		*line = take(lines);
		if (line->len)
			return BATCH_LINE;
	}
	return BATCH_END;
}

int batch_open(struct batch_reader **out, const char *path, enum input_format format)
{
	struct batch_reader *reader = xcalloc(1, sizeof(*reader));

	reader->format = format;
	reader->path = xstrdup(path);
	reader->input = input_new();
	int err = input_open(reader->input, path);

	if (err) {
		batch_close(reader);
		return err;
	}
	*out = reader;
	return 0;
}

void batch_close(struct batch_reader *reader)
{
	if (!reader)
		return;
	input_free(reader->input);
	buf_free(&reader->rest);
	audit_reader_free(reader->audit);
	if (reader->log.bytes)
		batch_free(&reader->log);
	buf_free(&reader->json);
	free(reader->path);
	free(reader);
}

bool batch_is_of(const struct batch_reader *reader, const struct stat *st)
{
	return input_is(reader->input, st);
}

bool batch_is_stream(const struct batch_reader *reader)
{
	return input_is_stream(reader->input);
}

int batch_wait(const struct batch_reader *reader, const volatile sig_atomic_t *stop)
{
	return input_wait(reader->input, stop);
}

/* What is read now: little steps for a batch that has grown, so that what follows a long line is
 * not carried around. */
static int read_more(struct batch_reader *reader, struct batch *batch, size_t *got)
{
	size_t room = batch->cap - batch->len;
	int err = input_read(reader->input, batch->bytes + batch->len,
			     room < BATCH_BYTES ? room : BATCH_BYTES, got, &batch->why);

	batch->len += *got;
	batch->position = input_position(reader->input);
	if (err && err != -EAGAIN)
		batch->err = err;
	batch->last = batch->err || (!err && !*got);
	return err == -EAGAIN ? err : 0;
}

/* Behind the last newline of bytes[from..len), or 0. */
static size_t behind_newline(const struct batch *batch, size_t from)
{
	const char *newline = memrchr(batch->bytes + from, '\n', batch->len - from);

	return newline ? (size_t)(newline - batch->bytes) + 1 : 0;
}

/* Throws away the rest of a line. What follows its newline is left in the batch. */
static int skip_line(struct batch_reader *reader, struct batch *batch)
{
	size_t got;
	char *newline;

	do {
		batch->len = 0;
		int err = read_more(reader, batch, &got);

		if (err)
			return err;
		newline = memchr(batch->bytes, '\n', batch->len);
	} while (!newline && !batch->last);
	size_t past = newline ? (size_t)(newline - batch->bytes) + 1 : batch->len;

	batch->len -= past;
	memmove(batch->bytes, batch->bytes + past, batch->len);
	reader->skipping = false;
	return 0;
}

/* No newline in all of it. */
static bool grow(struct batch_reader *reader, struct batch *batch)
{
	if (batch->cap == CAPACITY_MAX) {
		reader->skipping = batch->too_long = true;
		batch->len = 0;
		return false;
	}
	resize(batch, batch->cap * 2 < CAPACITY_MAX ? batch->cap * 2 : CAPACITY_MAX);
	return true;
}

/* Reads until the batch is full; *end is behind its last whole line. There is no newline in
 * bytes[0..scanned). */
static int fill(struct batch_reader *reader, struct batch *batch, size_t scanned, size_t *end)
{
	size_t got;

	*end = behind_newline(batch, scanned);
	while (!batch->last) {
		bool full = batch->len >= BATCH_BYTES && *end;

		if (full || (batch->len == batch->cap && !grow(reader, batch)))
			return 0;
		size_t from = batch->len;
		int err = read_more(reader, batch, &got);

		if (err)
			return *end ? 0 : err;
		size_t newline = behind_newline(batch, from);

		*end = newline ? newline : *end;
	}
	*end = batch->len;
	return 0;
}

static void keep_rest(struct batch_reader *reader, struct batch *batch, size_t end)
{
	buf_reset(&reader->rest);
	buf_add(&reader->rest, (struct str){batch->bytes + end, batch->len - end});
	batch->len = end;
}

static void begin(struct batch_reader *reader, struct batch *batch)
{
	struct str rest = buf_str(&reader->rest);

	batch->first = !reader->begun;
	batch->last = batch->too_long = false;
	batch->is_converted = false;
	batch->err = 0;
	batch->why = NULL;
	batch->len = 0;
	while (batch->cap < rest.len)
		resize(batch, batch->cap * 2 < CAPACITY_MAX ? batch->cap * 2 : CAPACITY_MAX);
	memcpy(batch->bytes, rest.p, rest.len);
	batch->len = rest.len;
}

static int read_lines(struct batch_reader *reader, struct batch *batch)
{
	size_t scanned = 0, end;
	int err = 0;

	if (!reader->partial)
		begin(reader, batch);
	if (reader->skipping)
		err = skip_line(reader, batch);
	else if (reader->partial)
		scanned = batch->len;
	if (!err)
		err = fill(reader, batch, scanned, &end);
	reader->partial = err == -EAGAIN;
	if (err)
		return err;
	keep_rest(reader, batch, end);
	reader->begun = true;
	return 0;
}

/* Nothing is found out by a batch of blank lines. */
static void recognise(struct batch_reader *reader, const struct batch *batch)
{
	struct batch_lines lines = batch_lines(batch);
	struct str line;

	if (reader->format == INPUT_AUTO && batch_next_line(&lines, &line) == BATCH_LINE)
		reader->format = input_format_by(line);
	if (reader->format != INPUT_AUDIT && reader->format != INPUT_LAUREL)
		return;
	reader->audit = audit_reader_new(&(struct audit_reader_options){
	    .format = reader->format, .origin = str_from(reader->path)});
}

static void add_fault(struct batch *batch, uint64_t line, enum line_fault fault, const char *why)
{
	if (batch->fault_count < LINE_REPORTS_MAX)
		batch->faults[batch->fault_count++] = (struct line_fault_at){line, fault, why};
	else
		batch->more_faults[fault]++;
}

/* A machine that stopped leaves NULs at the end of its log, and goes on behind them. */
static struct str behind_nul(struct str line)
{
	const char *nul = memrchr(line.p, '\0', line.len);

	return nul ? (struct str){nul + 1, line.len - (size_t)(nul + 1 - line.p)} : line;
}

static void convert_line(struct batch_reader *reader, struct batch *batch,
			 const struct batch_lines *lines, struct str line)
{
	struct str good = behind_nul(line);
	const char *why = good.len < line.len ? "NUL bytes in it" : NULL;

	/* Part of a record may look like a whole one: pid=12 of pid=1234. */
	if (!lines->ended && reader->format == INPUT_AUDIT) {
		add_fault(batch, lines->number, LINE_TRUNCATED, "no newline behind it");
		return;
	}
	const char *wrong = good.len ? audit_reader_line(reader->audit, good, &reader->json) : NULL;

	if (wrong || why)
		add_fault(batch, lines->number, LINE_NOT_AUDIT, wrong ? wrong : why);
}

static void convert_lines(struct batch_reader *reader, struct batch *batch)
{
	struct batch_lines lines = batch_lines(&reader->log);
	enum batch_line kind;
	struct str line;

	buf_reset(&reader->json);
	while ((kind = batch_next_line(&lines, &line)) != BATCH_END) {
		if (kind == BATCH_LINE_TOO_LONG)
			add_fault(batch, lines.number, LINE_TOO_LONG, NULL);
		else
			convert_line(reader, batch, &lines, line);
	}
	audit_reader_run(reader->audit, reader->log.last, &reader->json);
	batch->source_lines = lines.number;
	batch->lost = audit_reader_take_lost(reader->audit);
}

/* What came of the lines in reader->log, as a batch. */
static void convert(struct batch_reader *reader, struct batch *batch)
{
	const struct batch *log = &reader->log;

	batch->is_converted = true;
	batch->fault_count = 0;
	memset(batch->more_faults, 0, sizeof(batch->more_faults));
	convert_lines(reader, batch);
	batch->first = log->first;
	batch->last = log->last;
	batch->too_long = false;
	batch->err = log->err;
	batch->why = log->why;
	batch->position = log->position;
	batch->len = 0;
	if (batch->cap < reader->json.len)
		resize(batch, reader->json.len);
	if (reader->json.len)
		memcpy(batch->bytes, reader->json.p, reader->json.len);
	batch->len = reader->json.len;
}

int batch_read(struct batch_reader *reader, struct batch *batch)
{
	int err = read_lines(reader, reader->audit ? &reader->log : batch);

	if (err)
		return err;
	if (!reader->audit && reader->format != INPUT_NDJSON) {
		recognise(reader, batch);
		if (reader->audit) {
			/* From now on lines go there. */
			reader->log = *batch;
			batch_init(batch);
		}
	}
	if (reader->audit)
		convert(reader, batch);
	return 0;
}
