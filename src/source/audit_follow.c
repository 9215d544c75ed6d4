/* SPDX-License-Identifier: Apache-2.0 */
#include "source/audit_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "event/json.h"
#include "source/line_report.h"

/* Read at a time, so that signals are seen in between. */
#define CHUNK_BYTES 65536
/* A line without an end is no line of a log. laurel's have all arguments of an exec. */
#define LINE_BYTES_MAX ((size_t)4 << 20)

/* auditd writes the records of an event at once; what has not come after this will not. */
#define RECORD_WAIT_NS (2 * NS_PER_SEC)

struct audit_follow {
	struct audit_follow_options options;
	char *path;
	int fd;
	bool is_stream;
	struct audit_reader *reader; /* NULL: its format is not known yet */
	struct buf text;             /* read, from the begin of a line */
	struct buf json;
	struct line_report report;
	uint64_t lines;       /* of the file */
	uint64_t learn_until; /* offset before which no events are made */
	int64_t came_ns;      /* monotonic: when something was last read */
	bool drop_line;       /* it began in the middle of a line */
	bool too_long;
	struct audit_place at;    /* what was read */
	struct audit_place quiet; /* the last of it before which nothing waits */
};

static struct audit_place place_of(const struct stat *st, uint64_t offset)
{
	return (struct audit_place){st->st_dev, st->st_ino, offset};
}

static bool same_file(const struct audit_place *place, const struct stat *st)
{
	return place->device == st->st_dev && place->inode == st->st_ino;
}

/* Opens a file at `offset`, from which on there are events. */
static int open_at(struct audit_follow *f, const char *path, uint64_t offset)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	uint64_t from = offset > AUDIT_LEARN_BYTES_MAX ? offset - AUDIT_LEARN_BYTES_MAX : 0;

	if (f->fd > STDIN_FILENO)
		close(f->fd);
	f->fd = fd;
	f->at = place_of(&st, from);
	f->quiet = place_of(&st, offset);
	f->learn_until = offset;
	f->drop_line = from > 0;
	f->lines = 0;
	f->too_long = false;
	buf_reset(&f->text);
	return lseek(fd, (off_t)from, SEEK_SET) < 0 ? -errno : 0;
}

/* Is the place left off at in this file? */
static bool is_left_off_in(const struct audit_follow *f, const char *path)
{
	const struct audit_place *place = &f->options.place;
	struct stat st;

	return place->inode && stat(path, &st) == 0 && same_file(place, &st) &&
	       (uint64_t)st.st_size >= place->offset;
}

static int open_first(struct audit_follow *f)
{
	struct buf rotated = {0};
	struct stat st;
	int err;

	buf_printf(&rotated, "%s.1", f->path);
	buf_add_char(&rotated, '\0');
	if (is_left_off_in(f, f->path)) {
		err = open_at(f, f->path, f->options.place.offset);
	} else if (is_left_off_in(f, rotated.p)) {
		err = open_at(f, rotated.p, f->options.place.offset);
	} else if (stat(f->path, &st)) {
		err = -errno;
	} else if (f->options.place.inode) {
		log_warning("%s: the log was rotated away since lintel last read it; what is "
			    "between is not seen (lintel hunt reads it)",
			    f->path);
		counter_add(COUNTER_AUDIT_LOG_GAP, 1);
		err = open_at(f, f->path, 0);
	} else {
		err = open_at(f, f->path, (uint64_t)st.st_size);
	}
	buf_free(&rotated);
	return err;
}

int audit_follow_open(struct audit_follow **out, const char *path,
		      const struct audit_follow_options *options)
{
	struct audit_follow *f = xcalloc(1, sizeof(*f));
	struct stat st;
	int err = 0;

	f->options = *options;
	f->path = xstrdup(path);
	f->fd = -1;
	line_report_begin(&f->report, path);
	if (strcmp(path, "-") == 0) {
		f->fd = STDIN_FILENO;
		f->is_stream = true;
	} else if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode)) {
		/* Without a writer a named pipe would be at its end. */
		f->fd = open(path, O_RDWR | O_CLOEXEC);
		err = f->fd < 0 ? -errno : 0;
		f->is_stream = true;
	} else {
		err = open_first(f);
	}
	if (err) {
		audit_follow_close(f);
		return err;
	}
	*out = f;
	return 0;
}

void audit_follow_close(struct audit_follow *f)
{
	if (!f)
		return;
	if (f->fd > STDIN_FILENO)
		close(f->fd);
	audit_reader_free(f->reader);
	buf_free(&f->text);
	buf_free(&f->json);
	line_report_end(&f->report);
	line_report_free(&f->report);
	free(f->path);
	free(f);
}

struct audit_reader *audit_follow_reader(struct audit_follow *f)
{
	return f->reader;
}

struct audit_place audit_follow_place(const struct audit_follow *f)
{
	return f->quiet;
}

static bool learns(const struct audit_follow *f)
{
	return !f->is_stream && f->at.offset <= f->learn_until && f->learn_until;
}

static void hand_out(struct audit_follow *f, audit_follow_handler *handler, void *context)
{
	size_t at = 0, len = f->json.len;

	if (!handler) {
		buf_reset(&f->json);
		return;
	}
	memset(buf_reserve(&f->json, EVENT_JSON_PADDING), 0, EVENT_JSON_PADDING);
	while (at < len) {
		const char *end = memchr(f->json.p + at, '\n', len - at);
		size_t n = (size_t)(end - (f->json.p + at));

		handler(context, (struct str){f->json.p + at, n});
		at += n + 1;
	}
	buf_reset(&f->json);
}

static void begin_reader(struct audit_follow *f, struct str line)
{
	enum input_format format = f->options.format;

	if (format == INPUT_AUTO)
		format = input_format_by(line);
	if (format != INPUT_LAUREL)
		format = INPUT_AUDIT;
	f->reader = audit_reader_new(
	    &(struct audit_reader_options){.format = format,
					   .host = f->options.host,
					   .origin = str_from(f->path),
					   .max_processes = f->options.max_processes});
}

static void on_line(struct audit_follow *f, struct str line)
{
	f->lines++;
	if (f->drop_line || f->too_long) {
		if (f->too_long)
			line_report_fault(&f->report, f->lines, LINE_TOO_LONG, NULL);
		f->drop_line = f->too_long = false;
		return;
	}
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	if (!line.len)
		return;
	if (!f->reader)
		begin_reader(f, line);
	const char *why = audit_reader_line(f->reader, line, &f->json);

	/* What was there before was looked at before. */
	if (why && !learns(f))
		line_report_fault(&f->report, f->lines, LINE_NOT_AUDIT, why);
}

/* The whole lines of the text; what is behind them stays. */
static void take_lines(struct audit_follow *f)
{
	size_t at = 0;
	const char *end;

	while ((end = memchr(f->text.p + at, '\n', f->text.len - at))) {
		size_t n = (size_t)(end - (f->text.p + at));

		on_line(f, (struct str){f->text.p + at, n});
		at += n + 1;
	}
	f->text.len -= at;
	if (f->text.len)
		memmove(f->text.p, f->text.p + at, f->text.len);
	if (f->text.len > LINE_BYTES_MAX) {
		f->too_long = true;
		f->text.len = 0;
	}
}

static void run(struct audit_follow *f, bool flush, audit_follow_handler *handler, void *context)
{
	bool waits = f->reader && audit_reader_run(f->reader, flush, &f->json);

	if (waits && clock_monotonic_ns() - f->came_ns > RECORD_WAIT_NS)
		audit_reader_age(f->reader, &f->json);
	if (f->reader)
		counter_add(COUNTER_AUDIT_LOST, audit_reader_take_lost(f->reader));
	hand_out(f, learns(f) ? NULL : handler, context);
	if (!waits && !learns(f)) {
		f->quiet = f->at;
		f->quiet.offset -= f->text.len;
	}
}

/* Nothing follows in this file. */
static void end_file(struct audit_follow *f, audit_follow_handler *handler, void *context)
{
	if (f->text.len)
		line_report_fault(&f->report, f->lines + 1, LINE_TRUNCATED, "no newline behind it");
	buf_reset(&f->text);
	run(f, f->is_stream, handler, context);
}

static bool is_ready(const struct audit_follow *f)
{
	struct pollfd p = {.fd = f->fd, .events = POLLIN};

	return !f->is_stream || poll(&p, 1, 0) > 0;
}

/* Up to where events begin, or a chunk. */
static size_t chunk_of(const struct audit_follow *f)
{
	uint64_t left = f->learn_until > f->at.offset ? f->learn_until - f->at.offset : CHUNK_BYTES;

	return left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
}

/* Bytes read; 0: none there; -errno. *at_end: and none will come. */
static ssize_t read_chunk(struct audit_follow *f, bool *at_end)
{
	*at_end = false;
	if (!is_ready(f))
		return 0;
	size_t want = chunk_of(f);
	ssize_t n = read(f->fd, buf_reserve(&f->text, want), want);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	*at_end = n == 0;
	f->text.len += (size_t)n;
	f->at.offset += (uint64_t)n;
	if (n)
		f->came_ns = clock_monotonic_ns();
	return n;
}

/* At the end of the file: is it another one by now? 1: yes, and it is open. */
static int look_at_name(struct audit_follow *f, audit_follow_handler *handler, void *context)
{
	struct stat st;
	bool at_end;

	if (stat(f->path, &st))
		return 0; /* being rotated */
	if (same_file(&f->at, &st) && (uint64_t)st.st_size >= f->at.offset)
		return 0;
	if (same_file(&f->at, &st)) {
		log_warning("%s: became shorter, read from its begin; what was written before and "
			    "not read is lost",
			    f->path);
		counter_add(COUNTER_AUDIT_LOG_GAP, 1);
	} else if (read_chunk(f, &at_end) > 0) {
		/* Written between its end and its renaming. */
		take_lines(f);
		return 1;
	}
	end_file(f, handler, context);
	int err = open_at(f, f->path, 0);

	return err ? err : 1;
}

int audit_follow_read(struct audit_follow *f, audit_follow_handler *handler, void *context)
{
	bool at_end;
	ssize_t n = read_chunk(f, &at_end);

	if (n < 0)
		return (int)n;
	if (n > 0) {
		bool was_learning = f->at.offset <= f->learn_until;

		take_lines(f);
		run(f, false, was_learning ? NULL : handler, context);
		return 1;
	}
	if (at_end && f->is_stream) {
		end_file(f, handler, context);
		return 2;
	}
	run(f, false, handler, context);
	return at_end ? look_at_name(f, handler, context) : 0;
}

void audit_follow_flush(struct audit_follow *f, audit_follow_handler *handler, void *context)
{
	run(f, true, handler, context);
}
