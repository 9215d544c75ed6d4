/* SPDX-License-Identifier: Apache-2.0 */
/* How far a hunt is: one line on stderr that is written over itself, where stderr is a terminal.
 *
 *	 34 %  410.2 of 1183.0 MB  812,000 events/s  12 alerts  0:01 left
 */
#ifndef LINTEL_CLI_PROGRESS_INTERNAL_H
#define LINTEL_CLI_PROGRESS_INTERNAL_H

#include "source/ndjson.h"

struct progress {
	bool enabled;
	bool shown; /* the line is on the terminal now */
	int64_t started_ns, shown_ns;
};

struct progress progress_start(void);
/* To be called per batch; shows something a few times a second. */
void progress_update(struct progress *progress, const struct ndjson_stats *stats, uint64_t alerts);
/* Before anything else is written to the terminal. */
void progress_clear(struct progress *progress);
/* Seconds since the start. */
double progress_seconds(const struct progress *progress);
/* "1,234,567" */
#define PROGRESS_NUMBER_MAX 32
const char *progress_number(uint64_t n, char text[PROGRESS_NUMBER_MAX]);

#endif
