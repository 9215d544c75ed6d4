/* SPDX-License-Identifier: Apache-2.0 */
/* `lintel watch --audit-log`: events of a log that is followed, in place of the sensor's. */
#ifndef LINTEL_CLI_WATCH_AUDIT_H
#define LINTEL_CLI_WATCH_AUDIT_H

#include "cli/state.h"
#include "event/event.h"
#include "process/host.h"
#include "process/process.h"

/* Late by what auditd and libauparse hold back: two seconds for records of an event that may still
 * come (libauparse's eoe_timeout), and auditd's own writing. */
#define WATCH_AUDIT_DELAY_S 5

struct watch_audit;

struct watch_audit_options {
	const char *path; /* "-": standard input */
	const struct field_set *fields;
	const struct host *host;
	struct state *state; /* has the place left off at, and gets it */
	uint32_t max_processes;
};

typedef void watch_audit_handler(void *context, struct event *event);

/* 0, or -errno with a message. */
int watch_audit_open(struct watch_audit **out, const struct watch_audit_options *options)
    __attribute__((warn_unused_result));
void watch_audit_close(struct watch_audit *audit);
/* As audit_follow_read(), for a while: it comes back so that signals are seen. */
int watch_audit_read(struct watch_audit *audit, watch_audit_handler *handler, void *context)
    __attribute__((warn_unused_result));
/* What waits for records, too; then the place is saved. For the end. */
void watch_audit_finish(struct watch_audit *audit, watch_audit_handler *handler, void *context);
/* Saves the place, at most once in STATE_INTERVAL_S. */
void watch_audit_save(struct watch_audit *audit);
/* The processes of an event's host, or NULL. */
struct process_table *watch_audit_processes(struct watch_audit *audit, const struct event *event);

#endif
