/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are handed out where they lie in one buffer:
 *
 *	buffer: [ done | line \n line \n begin of a li | free ... | padding ]
 *	               at                              have       cap
 *
 * When no newline is left, the rest moves to the front and the buffer is filled up; a line that
 * does not fit makes it double, up to the longest document. A longer one is thrown away as it
 * comes, so it costs no more memory than that.
 */
#include "source/ndjson.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/log.h"
#include "source/file_list_internal.h"
#include "source/input_internal.h"

/* A few hundred events; fits a second-level cache together with the decoder's input. */
#define FIRST_CAPACITY ((size_t)256 * 1024)
/* The longest line and its newline, with room left to read into. */
#define CAPACITY_MAX (EVENT_JSON_BYTES_MAX + FIRST_CAPACITY)
/* Malformed lines of one file that are reported; the rest is only counted. */
#define REPORTS_PER_FILE 5

struct ndjson_source {
	struct file_list list;
	uint32_t next_file;
	struct input *input;
	bool open;
	bool input_ended; /* the buffer holds the last there is of the file */
	bool skipping;    /* in a line that is too long */
	bool last_line;   /* the line handed out had no newline */
	struct str name;  /* of the file, fit for messages */
	struct buf shown; /* its text */
	uint64_t line;    /* number of the line handed out */
	uint64_t file_malformed;
	uint64_t bytes_before; /* of the files done */
	char *buffer;
	size_t at, have, cap;
	size_t scanned;     /* bytes from `at` known to hold no newline */
	struct str current; /* the line of the last event */
	const volatile sig_atomic_t *stop;
	struct stat results; /* a file that is not read */
	bool has_results;
	struct ndjson_stats stats;
};

static const volatile sig_atomic_t never = 0;

int ndjson_open(struct ndjson_source **out, const char *const *inputs, uint32_t count)
{
	struct ndjson_source *source = xcalloc(1, sizeof(*source));

	uint32_t refused = 0;
	int err = 0;

	for (uint32_t i = 0; i < count; i++) {
		int one = file_list_add(&source->list, inputs[i]);

		if (!one)
			continue;
		log_error("%s: %s", inputs[i], strerror(-one));
		counter_add(COUNTER_INPUT_UNREADABLE, 1);
		refused++;
		err = one;
	}
	if (refused == count && err) {
		file_list_free(&source->list);
		free(source);
		return err;
	}
	source->stats.bytes_total = source->list.bytes_total;
	source->stats.current = "";
	source->input = input_new();
	source->stop = &never;
	source->cap = FIRST_CAPACITY;
	source->buffer = xcalloc(1, source->cap + EVENT_JSON_PADDING);
	*out = source;
	return 0;
}

void ndjson_close(struct ndjson_source *source)
{
	if (!source)
		return;
	file_list_free(&source->list);
	input_free(source->input);
	buf_free(&source->shown);
	free(source->buffer);
	free(source);
}

void ndjson_stop_on(struct ndjson_source *source, const volatile sig_atomic_t *stop)
{
	source->stop = stop;
}

void ndjson_leave_out(struct ndjson_source *source, int fd)
{
	source->has_results = fstat(fd, &source->results) == 0 && S_ISREG(source->results.st_mode);
}

struct str ndjson_line(const struct ndjson_source *source)
{
	return source->current;
}

uint64_t ndjson_line_number(const struct ndjson_source *source)
{
	return source->line;
}

const struct ndjson_stats *ndjson_stats(const struct ndjson_source *source)
{
	return &source->stats;
}

/* A file's name goes to a terminal: control bytes in it must not. */
static void set_name(struct ndjson_source *source, const char *path)
{
	buf_reset(&source->shown);
	buf_add(&source->shown, strcmp(path, "-") == 0 ? STR("(standard input)") : str_from(path));
	for (size_t i = 0; i < source->shown.len; i++)
		if ((unsigned char)source->shown.p[i] < ' ' || source->shown.p[i] == 0x7f)
			source->shown.p[i] = '?';
	source->name = buf_str(&source->shown);
	source->stats.current = path;
}

static int unreadable(struct ndjson_source *source, int err, const char *why)
{
	log_warning("%.*s: %s", STR_ARG(source->name), why);
	counter_add(COUNTER_INPUT_UNREADABLE, 1);
	return err;
}

static int open_next(struct ndjson_source *source)
{
	const char *path = source->list.files[source->next_file++].path;

	set_name(source, path);
	source->line = source->file_malformed = 0;
	source->at = source->have = source->scanned = 0;
	source->input_ended = source->skipping = source->last_line = false;
	source->stats.files++;
	int err = input_open(source->input, path);

	if (err) {
		input_close(source->input);
		return unreadable(source, err, strerror(-err));
	}
	if (source->has_results && input_is(source->input, &source->results)) {
		input_close(source->input);
		return unreadable(source, -EINVAL, "left out, the results are written to it");
	}
	source->open = true;
	return 0;
}

static void close_file(struct ndjson_source *source)
{
	if (source->file_malformed > REPORTS_PER_FILE)
		log_warning("... and %" PRIu64 " more malformed lines in %.*s",
			    source->file_malformed - REPORTS_PER_FILE, STR_ARG(source->name));
	source->bytes_before += input_position(source->input);
	source->stats.bytes_done = source->bytes_before;
	input_close(source->input);
	source->open = false;
}

static void report(struct ndjson_source *source, enum counter cause, const char *what,
		   const char *why)
{
	counter_add(cause, 1);
	source->stats.malformed++;
	if (++source->file_malformed <= REPORTS_PER_FILE)
		log_warning("%.*s:%" PRIu64 ": %s: %s", STR_ARG(source->name), source->line, what,
			    why);
}

static void report_malformed(struct ndjson_source *source, const char *why)
{
	if (source->last_line)
		report(source, COUNTER_INPUT_TRUNCATED, "last line is cut off", why);
	else
		report(source, COUNTER_INPUT_MALFORMED, "not a JSON object", why);
}

static void make_room(struct ndjson_source *source)
{
	if (source->at) {
		memmove(source->buffer, source->buffer + source->at, source->have - source->at);
		source->have -= source->at;
		source->at = 0;
	}
	if (source->have < source->cap || source->skipping)
		return;
	if (source->cap == CAPACITY_MAX) {
		source->skipping = true;
		return;
	}
	source->cap = source->cap * 2 < CAPACITY_MAX ? source->cap * 2 : CAPACITY_MAX;
	source->buffer = xrealloc(source->buffer, source->cap + EVENT_JSON_PADDING);
	/* Readable also means initialised: valgrind and MSan look at what SIMD loads touch. */
	memset(source->buffer + source->have, 0, source->cap + EVENT_JSON_PADDING - source->have);
}

/* More bytes behind those that are there. */
static int fill(struct ndjson_source *source)
{
	const char *why;
	size_t got;

	make_room(source);
	if (source->skipping)
		source->have = source->scanned = 0;
	int err;

	do {
		err = input_read(source->input, source->buffer + source->have,
				 source->cap - source->have, &got, &why);
	} while (err == -EINTR && !*source->stop);
	if (err == -EINTR) {
		/* Half a line that nobody wants any more is not a truncated one. */
		source->at = source->have;
		source->skipping = false;
		source->input_ended = true;
		return 0;
	}
	source->have += got;
	source->stats.bytes_done = source->bytes_before + input_position(source->input);
	if (err) {
		source->input_ended = true;
		return unreadable(source, err, why);
	}
	source->input_ended = got == 0;
	return 0;
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
static struct str without_bom(const struct ndjson_source *source, struct str line)
{
	if (source->line == 1 && str_starts(line, STR("\xef\xbb\xbf"))) {
		line.p += 3;
		line.len -= 3;
	}
	return line;
}

/* The line from `at` to `end`; `step` is 1 when a newline follows. */
static struct str take(struct ndjson_source *source, size_t end, size_t step)
{
	struct str line = {source->buffer + source->at, end - source->at};

	source->at = end + step;
	source->scanned = 0;
	source->line++;
	source->last_line = !step;
	if (source->skipping || line.len > EVENT_JSON_BYTES_MAX) {
		source->skipping = false;
		source->stats.lines++;
		report(source, COUNTER_INPUT_TOO_LONG, "line skipped", "longer than the limit");
		return (struct str){line.p, 0};
	}
	line = trimmed(without_bom(source, line));
	source->stats.lines += line.len != 0;
	return line;
}

/* The next line of the open file, empty at its end. An error leaves what was read before it in the
 * buffer; the calls after it hand that out. */
static int next_in_file(struct ndjson_source *source, struct str *line)
{
	for (;;) {
		size_t from = source->at + source->scanned;
		char *newline = from < source->have
				    ? memchr(source->buffer + from, '\n', source->have - from)
				    : NULL;

		if (newline) {
			*line = take(source, (size_t)(newline - source->buffer), 1);
			if (line->len)
				return 0;
			continue;
		}
		source->scanned = source->have - source->at;
		if (source->input_ended) {
			*line = (struct str){source->buffer, 0};
			if (source->scanned || source->skipping)
				*line = take(source, source->have, 0);
			return 0;
		}
		int err = fill(source);

		if (err)
			return err;
	}
}

int ndjson_next_line(struct ndjson_source *source, struct str *line)
{
	for (;;) {
		int err = 0;

		if (*source->stop)
			return 0;
		if (!source->open) {
			if (source->next_file == source->list.count)
				return 0;
			err = open_next(source);
		}
		if (!err)
			err = next_in_file(source, line);
		if (err)
			return err;
		if (line->len)
			return 1;
		close_file(source);
	}
}

int ndjson_next_event(struct ndjson_source *source, struct event_reader *reader,
		      struct event *event)
{
	struct str line;
	const char *why;
	int more;

	while ((more = ndjson_next_line(source, &line)) > 0) {
		event_reset(event);
		int err = event_read_json(reader, line, event, &why);

		if (!err) {
			source->current = line;
			source->stats.events++;
			return 1;
		}
		if (err == -E2BIG)
			report(source, COUNTER_INPUT_TOO_DEEP, "line skipped", why);
		else
			report_malformed(source, why);
	}
	return more;
}
