/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log of audit as it grows, over its rotation: at its end the file of that name is looked at, and
 * if it is another one, the old one is read to its end and the new one from its begin. "-" is
 * standard input, which comes once and ends.
 *
 * What was in the log before is read for what it says of processes, and makes no events, so that
 * parents of what comes are known. A place that was left off at goes on from there, also in PATH.1.
 */
#ifndef LINTEL_SOURCE_AUDIT_FOLLOW_H
#define LINTEL_SOURCE_AUDIT_FOLLOW_H

#include "source/audit.h"

/* Where in which file; `inode` 0: nowhere. */
struct audit_place {
	uint64_t device, inode, offset;
};

/* Of a log that was there before, this much of its end is read: some minutes of a busy host, a
 * second of work. auditd rotates at 8 MB unless told otherwise. */
#define AUDIT_LEARN_BYTES_MAX (UINT64_C(64) << 20)

struct audit_follow_options {
	enum input_format format; /* INPUT_AUTO: by the first line */
	const struct host *host;  /* of events that name no node */
	uint32_t max_processes;
	struct audit_place place; /* left off at */
};

struct audit_follow;

/* An event as JSON, EVENT_JSON_PADDING behind it, borrowed for the call. */
typedef void audit_follow_handler(void *context, struct str line);

/* 0, or -errno when the file cannot be opened. */
int audit_follow_open(struct audit_follow **out, const char *path,
		      const struct audit_follow_options *options)
    __attribute__((warn_unused_result));
void audit_follow_close(struct audit_follow *follow);
/* Hands out what has come, without waiting. 0: no more is there now; 1: there is more, to be called
 * again soon; 2: standard input is at its end, all is handed out; or -errno. */
int audit_follow_read(struct audit_follow *follow, audit_follow_handler *handler, void *context)
    __attribute__((warn_unused_result));
/* Hands out events that still wait for records. For the end. */
void audit_follow_flush(struct audit_follow *follow, audit_follow_handler *handler, void *context);
/* The last place before which nothing waits: where to go on another time. */
struct audit_place audit_follow_place(const struct audit_follow *follow);
/* NULL before anything was read. */
struct audit_reader *audit_follow_reader(struct audit_follow *follow);

#endif
