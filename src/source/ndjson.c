/* SPDX-License-Identifier: Apache-2.0 */
/* One input after the other, batch by batch, line by line. */
#include "source/ndjson.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "source/batch.h"
#include "source/file_list.h"
#include "source/line_report.h"

struct ndjson_source {
	struct file_list list;
	uint32_t next_file;
	struct batch_reader *reader; /* NULL: no file is open */
	struct batch batch;
	struct batch_lines lines;
	uint64_t line_base; /* lines of the file before the batch */
	struct line_report report;
	uint64_t bytes_before; /* of the files done */
	struct str current;    /* the line of the last event */
	struct stat results;   /* a file that is not read */
	bool has_results;
	struct ndjson_stats stats;
};

static const volatile sig_atomic_t never = 0;

int ndjson_open(struct ndjson_source **out, const char *const *inputs, uint32_t count)
{
	struct ndjson_source *source = xcalloc(1, sizeof(*source));
	int err = file_list_add_all(&source->list, inputs, count);

	if (err) {
		file_list_free(&source->list);
		free(source);
		return err;
	}
	source->stats.bytes_total = source->list.bytes_total;
	source->stats.current = "";
	batch_init(&source->batch);
	*out = source;
	return 0;
}

void ndjson_close(struct ndjson_source *source)
{
	if (!source)
		return;
	file_list_free(&source->list);
	batch_close(source->reader);
	batch_free(&source->batch);
	line_report_free(&source->report);
	free(source);
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
	return source->line_base + source->lines.number;
}

const struct ndjson_stats *ndjson_stats(const struct ndjson_source *source)
{
	return &source->stats;
}

static int unreadable(struct ndjson_source *source, int err, const char *why)
{
	line_report_unreadable(&source->report, why);
	return err;
}

/* Nothing of the batch is left to hand out. */
static void empty_batch(struct ndjson_source *source)
{
	source->batch.len = 0;
	source->batch.is_converted = false;
	source->batch.last = source->batch.too_long = false;
	source->lines = batch_lines(&source->batch);
}

static void close_file(struct ndjson_source *source)
{
	line_report_end(&source->report);
	source->bytes_before += source->batch.position;
	batch_close(source->reader);
	source->reader = NULL;
}

static int open_next(struct ndjson_source *source)
{
	const char *path = source->list.files[source->next_file++].path;

	line_report_begin(&source->report, path);
	source->stats.current = path;
	source->stats.files++;
	source->line_base = 0;
	source->batch.position = 0;
	empty_batch(source);
	int err = batch_open(&source->reader, path, INPUT_AUTO);

	if (err)
		return unreadable(source, err, strerror(-err));
	if (source->has_results && batch_is_of(source->reader, &source->results)) {
		batch_close(source->reader);
		source->reader = NULL;
		return unreadable(source, -EINVAL, "left out, the results are written to it");
	}
	return 0;
}

static void fault(struct ndjson_source *source, enum line_fault fault, const char *why)
{
	source->stats.malformed++;
	line_report_fault(&source->report, source->line_base + source->lines.number, fault, why);
}

/* What was wrong with the lines of an audit log. */
static void report_converted(struct ndjson_source *source)
{
	const struct batch *batch = &source->batch;

	for (uint32_t i = 0; i < batch->fault_count; i++) {
		const struct line_fault_at *f = &batch->faults[i];

		line_report_fault(&source->report, source->line_base + f->line, f->fault, f->why);
	}
	source->stats.malformed += batch->fault_count;
	for (int fault = 0; fault < LINE_FAULTS; fault++) {
		source->stats.malformed += batch->more_faults[fault];
		line_report_more(&source->report, (enum line_fault)fault,
				 batch->more_faults[fault]);
	}
	source->stats.lines += batch->source_lines;
	counter_add(COUNTER_AUDIT_LOST, batch->lost);
}

/* The next batch of the open file. */
static void read_batch(struct ndjson_source *source)
{
	source->line_base +=
	    source->batch.is_converted ? source->batch.source_lines : source->lines.number;
	empty_batch(source);
	while (batch_read(source->reader, &source->batch) == -EAGAIN &&
	       batch_wait(source->reader, &never) == 0)
		;
	source->stats.bytes_done = source->bytes_before + source->batch.position;
	source->lines = batch_lines(&source->batch);
	if (source->batch.is_converted)
		report_converted(source);
}

/* The next line of the batch; a line that is too long is said and left out. */
static bool next_in_batch(struct ndjson_source *source, struct str *line)
{
	enum batch_line more;

	while ((more = batch_next_line(&source->lines, line)) == BATCH_LINE_TOO_LONG) {
		source->stats.lines++;
		fault(source, LINE_TOO_LONG, NULL);
	}
	source->stats.lines += more == BATCH_LINE && !source->batch.is_converted;
	return more == BATCH_LINE;
}

/* Behind the last batch of a file. */
static int end_file(struct ndjson_source *source)
{
	int err = source->batch.err;

	if (err)
		unreadable(source, err, source->batch.why);
	close_file(source);
	return err;
}

int ndjson_next_line(struct ndjson_source *source, struct str *line)
{
	for (;;) {
		int err = 0;

		if (!source->reader) {
			if (source->next_file == source->list.count)
				return 0;
			err = open_next(source);
		} else if (next_in_batch(source, line)) {
			return 1;
		} else if (source->batch.last) {
			err = end_file(source);
		} else {
			read_batch(source);
		}
		if (err)
			return err;
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
		fault(source, line_fault_of(err, source->lines.ended), why);
	}
	return more;
}
