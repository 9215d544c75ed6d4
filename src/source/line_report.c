/* SPDX-License-Identifier: Apache-2.0 */
#include "source/line_report.h"

#include <errno.h>
#include <inttypes.h>

#include "base/counter.h"
#include "base/log.h"

static const struct {
	enum counter counter;
	const char *what;
} faults[] = {
    [LINE_MALFORMED] = {COUNTER_INPUT_MALFORMED, "not a JSON object"},
    [LINE_TRUNCATED] = {COUNTER_INPUT_TRUNCATED, "last line is cut off"},
    [LINE_TOO_LONG] = {COUNTER_INPUT_TOO_LONG, "line skipped"},
    [LINE_NOT_AUDIT] = {COUNTER_INPUT_MALFORMED, "not an audit record"},
    [LINE_TOO_DEEP] = {COUNTER_INPUT_TOO_DEEP, "line skipped"},
};

/* A file's name goes to a terminal: control bytes in it must not. */
void line_report_begin(struct line_report *report, const char *path)
{
	struct buf *name = &report->name;

	report->faults = 0;
	buf_reset(name);
	buf_add(name, strcmp(path, "-") == 0 ? STR("(standard input)") : str_from(path));
	for (size_t i = 0; i < name->len; i++)
		if ((unsigned char)name->p[i] < ' ' || name->p[i] == 0x7f)
			name->p[i] = '?';
}

void line_report_fault(struct line_report *report, uint64_t line, enum line_fault fault,
		       const char *why)
{
	counter_add(faults[fault].counter, 1);
	if (fault == LINE_TOO_LONG)
		why = "longer than the limit";
	if (++report->faults <= LINE_REPORTS_MAX)
		log_warning("%.*s:%" PRIu64 ": %s: %s", STR_ARG(buf_str(&report->name)), line,
			    faults[fault].what, why);
}

void line_report_more(struct line_report *report, enum line_fault fault, uint64_t count)
{
	counter_add(faults[fault].counter, count);
	report->faults += count;
}

void line_report_unreadable(const struct line_report *report, const char *why)
{
	log_warning("%.*s: %s", STR_ARG(buf_str(&report->name)), why);
	counter_add(COUNTER_INPUT_UNREADABLE, 1);
}

void line_report_end(struct line_report *report)
{
	if (report->faults > LINE_REPORTS_MAX)
		log_warning("... and %" PRIu64 " more malformed lines in %.*s",
			    report->faults - LINE_REPORTS_MAX, STR_ARG(buf_str(&report->name)));
}

void line_report_free(struct line_report *report)
{
	buf_free(&report->name);
}

enum line_fault line_fault_of(int err, bool ended)
{
	if (err == -E2BIG)
		return LINE_TOO_DEEP;
	return ended ? LINE_MALFORMED : LINE_TRUNCATED;
}
