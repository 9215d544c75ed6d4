/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where alerts go. A sink writes one alert at a time and flushes it: what is written is on its way
 * to the reader, not in our buffer. A sink that fails says so once per cause, keeps counting
 * (COUNTER_OUTPUT_FAILED) and tries again with the next alert: a full disk may be emptied. Half a
 * line left by a failure is closed with a newline before anything else is written.
 */
#ifndef LINTEL_SINK_SINK_H
#define LINTEL_SINK_SINK_H

#include "engine/alert.h"

struct sink;

enum sink_format {
	SINK_TERMINAL,
	SINK_NDJSON
};

/* `path` NULL or "-" is stdout, else the file is appended to (created 0600: alerts hold command
 * lines). `colour`: -1 decides by whether it is a terminal and by NO_COLOR. Returns 0 or -errno.
 * SIGPIPE is ignored from here on: a reader that has gone is -EPIPE from sink_write(), on which the
 * caller may end. */
int sink_open(struct sink **out, enum sink_format format, const char *path, int colour)
    __attribute__((warn_unused_result));
int sink_write(struct sink *sink, const struct alert *alert) __attribute__((warn_unused_result));
/* Is `fd` a terminal that shows colours, and nobody has said NO_COLOR? */
bool sink_wants_colour(int fd);
/* Where it writes. */
int sink_fd(const struct sink *sink);
/* One line of JSON (for --events). */
int sink_write_line(struct sink *sink, struct str json) __attribute__((warn_unused_result));
void sink_close(struct sink *sink);

#endif
