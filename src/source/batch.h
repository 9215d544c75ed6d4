/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input in batches of whole lines: what one thread reads and another takes apart.
 *
 *	input:    line \n line \n line \n li|ne \n line \n ...
 *	batches: [ line \n line \n line \n ]|[ line \n line \n ... ]
 *
 * A batch is full at BATCH_BYTES, at the end of the input, or, of a pipe, when nothing more is
 * there yet, so that a live stream is not held up. Where a regular file is cut depends on its
 * content alone. The part of a line behind the last newline stays with the reader.
 *
 * A log of audit (audit.h), by its first line or because the caller says so, is turned into lines
 * of ECS JSON here, one thread at a time: a batch of it holds what came of so many lines of the log,
 * and says which of them were wrong.
 */
#ifndef LINTEL_SOURCE_BATCH_H
#define LINTEL_SOURCE_BATCH_H

#include <signal.h>
#include <sys/stat.h>

#include "event/json.h"
#include "source/audit.h"
#include "source/line_report.h"

/* A few hundred events: enough that handing over costs nothing, and it fits a second-level cache
 * together with what is made of it. */
#define BATCH_BYTES ((size_t)256 * 1024)

struct batch {
	char *bytes; /* EVENT_JSON_PADDING readable behind `len` */
	size_t len, cap;
	bool first;        /* of its input */
	bool last;         /* nothing follows; its last line may have no newline */
	bool too_long;     /* no bytes: stands for a line longer than the limit */
	int err;           /* last: why the input ends before its end, or 0 */
	const char *why;   /* text of err */
	uint64_t position; /* bytes of the file, as stored, that were read so far */
	/* Of a log of audit: */
	bool is_converted;
	uint64_t source_lines; /* of the log, of which this came; blank ones too */
	uint64_t lost;         /* events that the log says were lost */
	/* The first may be reported, the others are counted. */
	struct line_fault_at faults[LINE_REPORTS_MAX];
	uint32_t fault_count;
	uint64_t more_faults[LINE_FAULTS];
};

void batch_init(struct batch *batch);
void batch_free(struct batch *batch);
/* Gives back what a long line made it grow to. */
void batch_trim(struct batch *batch);

/* The lines of a batch. Blank ones are left out, but counted. */
struct batch_lines {
	const struct batch *batch;
	size_t at;
	uint64_t number; /* of the line handed out, from 1 within the batch */
	bool ended;      /* the line handed out had a newline */
	bool given;      /* the line that is too long */
};

enum batch_line {
	BATCH_END,
	BATCH_LINE,
	BATCH_LINE_TOO_LONG, /* skipped already */
};

struct batch_lines batch_lines(const struct batch *batch);
/* The line is good as long as the batch. */
enum batch_line batch_next_line(struct batch_lines *lines, struct str *line);

/* One input, open. */
struct batch_reader;

/* A file or "-"; opening a named pipe waits for its writer. 0 or -errno. */
int batch_open(struct batch_reader **out, const char *path, enum input_format format)
    __attribute__((warn_unused_result));
void batch_close(struct batch_reader *reader);
/* Is this the file that `st` is of? */
bool batch_is_of(const struct batch_reader *reader, const struct stat *st);
/* A pipe or the like: it may keep one waiting, and cannot be read a second time. */
bool batch_is_stream(const struct batch_reader *reader);
/* Fills `batch` anew. 0, or -EAGAIN: no whole line is there yet, to be called again with the same
 * batch. Never waits otherwise than for a disk; errors are the batch's. Not to be called after the
 * last one. */
int batch_read(struct batch_reader *reader, struct batch *batch)
    __attribute__((warn_unused_result));
/* Waits until there is something to read, or -EINTR once a signal handler has set `*stop`. */
int batch_wait(const struct batch_reader *reader, const volatile sig_atomic_t *stop)
    __attribute__((warn_unused_result));

#endif
