/* SPDX-License-Identifier: Apache-2.0 */
/* The one way lintel speaks to its operator: lines on stderr, "lintel: message". Levels follow
 * syslog(3); under systemd (JOURNAL_STREAM set) each line carries sd-daemon(3)'s "<n>" prefix. */
#ifndef LINTEL_BASE_LOG_H
#define LINTEL_BASE_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Messages beyond it are left out. Returns what it was. */
enum log_level log_set_level(enum log_level level);
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
