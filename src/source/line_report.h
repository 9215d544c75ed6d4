/* SPDX-License-Identifier: Apache-2.0 */
/* Says what is wrong with the lines of one input: the first few of them, with file and line, then
 * only how many. Every one is counted. */
#ifndef LINTEL_SOURCE_LINE_REPORT_H
#define LINTEL_SOURCE_LINE_REPORT_H

#include "base/buf.h"

enum line_fault {
	LINE_MALFORMED,
	LINE_TRUNCATED, /* the last one, and it has no newline */
	LINE_TOO_LONG,
	LINE_TOO_DEEP,
	LINE_NOT_AUDIT, /* in a log of audit */
	LINE_FAULTS
};

/* Lines of one input that are reported; the rest is only counted. */
#define LINE_REPORTS_MAX 5

struct line_fault_at {
	uint64_t line; /* from 1, in what is looked at */
	enum line_fault fault;
	const char *why; /* static */
};

struct line_report {
	struct buf name; /* of the input, fit for a terminal */
	uint64_t faults; /* of this input */
};

/* "-" is shown as what it is. */
void line_report_begin(struct line_report *report, const char *path);
/* `why` may be NULL. */
void line_report_fault(struct line_report *report, uint64_t line, enum line_fault fault,
		       const char *why);
/* More of a kind, behind those that are reported. */
void line_report_more(struct line_report *report, enum line_fault fault, uint64_t count);
/* The input could not be read to its end. */
void line_report_unreadable(const struct line_report *report, const char *why);
/* The input is done: how many more there were. */
void line_report_end(struct line_report *report);
void line_report_free(struct line_report *report);

/* What event_read_json() said of a line. */
enum line_fault line_fault_of(int err, bool ended);

#endif
