/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of NDJSON from files, directories and standard input, plain, gzip or zstd by content.
 *
 * A malformed line is counted, reported with file and line (the first few of each file in full,
 * then only counted), and skipped; a last line without its newline is read if it is whole JSON and
 * counted as truncated if not. Directories are walked in sorted order for *.ndjson, *.jsonl,
 * *.json, *.log and these with .gz or .zst; a file named directly is read whatever its name.
 */
#ifndef LINTEL_SOURCE_NDJSON_H
#define LINTEL_SOURCE_NDJSON_H

#include "event/json.h"

struct ndjson_source;

struct ndjson_stats {
	uint64_t files, lines, events, malformed;
	uint64_t bytes_done;  /* of the files as stored */
	uint64_t bytes_total; /* 0 when unknown (a pipe among them) */
	const char *current;  /* path being read */
};

/* `inputs`: paths, "-" for standard input. One that does not exist or cannot be read is logged,
 * counted and left out; -errno when that leaves none. Nothing is read yet. */
int ndjson_open(struct ndjson_source **out, const char *const *inputs, uint32_t count)
    __attribute__((warn_unused_result));
void ndjson_close(struct ndjson_source *source);
/* The file open as `fd`, if it is a regular one, is where results go: it is reported, counted and
 * left out when it turns up among the inputs. Its lines would make results, which would be read. */
void ndjson_leave_out(struct ndjson_source *source, int fd);
/* The next line: not empty, EVENT_JSON_PADDING bytes readable behind it, good until the next call.
 * Returns 1, 0 at the end of all inputs, -errno on a read error (logged and counted; calling again
 * goes on with the next input). */
int ndjson_next_line(struct ndjson_source *source, struct str *line)
    __attribute__((warn_unused_result));
/* The next event that could be read, malformed lines skipped. Same returns. */
int ndjson_next_event(struct ndjson_source *source, struct event_reader *reader,
		      struct event *event) __attribute__((warn_unused_result));
/* The line of the event last returned, as it stands in the input. */
struct str ndjson_line(const struct ndjson_source *source);
/* Its number in its file, ndjson_stats()->current; from 1. */
uint64_t ndjson_line_number(const struct ndjson_source *source);
const struct ndjson_stats *ndjson_stats(const struct ndjson_source *source);

#endif
