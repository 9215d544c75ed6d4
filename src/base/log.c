/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

static enum log_level threshold = LOG_LEVEL_INFO;

enum log_level log_set_level(enum log_level level)
{
	enum log_level before = threshold;

	threshold = level;
	return before;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	/* syslog(3) priorities for our levels: err, warning, info, debug. */
	static const char *const priority[] = {"<3>", "<4>", "<6>", "<7>"};
	static const char *const label[] = {"error: ", "warning: ", "", ""};
	char message[2048];
	struct buf line = {0};
	va_list ap;

	if (level > threshold)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	buf_printf(&line, "%slintel: %s%s\n", getenv("JOURNAL_STREAM") ? priority[level] : "",
		   label[level], message);
	/* A message to a closed stderr has nowhere else to go. */
	int error = buf_write_fd(&line, STDERR_FILENO);

	(void)error;
	buf_free(&line);
}
