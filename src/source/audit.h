/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs of the kernel's audit as ECS events: auditd's raw and enriched logs and laurel's JSON.
 *
 * Lines go in, lines of ECS JSON come out, which take the way of any NDJSON input from there. Records
 * of several lines are one event, and come interleaved with others, so an event comes out some lines
 * after its own. Which record gives which event and field is docs/audit.md, and audit_events.def.
 *
 * Processes are followed through the log, each host of it for itself: lineage and process.entity_id
 * are of what the reader has read, in its order. Not thread-safe; two readers are.
 */
#ifndef LINTEL_SOURCE_AUDIT_H
#define LINTEL_SOURCE_AUDIT_H

#include "base/buf.h"
#include "process/host.h"
#include "process/process.h"

enum input_format {
	INPUT_AUTO, /* found out by its first line */
	INPUT_NDJSON,
	INPUT_AUDIT,
	INPUT_LAUREL,
	INPUT_FORMATS
};

/* "audit"; -1 when there is none of that name. */
int input_format_of(const char *name);
/* By a line: INPUT_NDJSON when it is of no audit log. */
enum input_format input_format_by(struct str line);

/* Hosts of one log whose processes are followed at a time. A log of more is a collector's. */
#define AUDIT_NODES_MAX 64

struct audit_reader_options {
	enum input_format format; /* INPUT_AUDIT or INPUT_LAUREL */
	/* Where events are from that name no node: this host (borrowed), or, NULL, a host that is
	 * known by nothing but where its log is. */
	const struct host *host;
	struct str origin;      /* the log's path; logs of one directory are of one host */
	uint32_t max_processes; /* 0: PROCESS_MAX_DEFAULT */
};

struct audit_reader;

struct audit_reader *audit_reader_new(const struct audit_reader_options *options);
void audit_reader_free(struct audit_reader *reader);
/* Takes a line, without its newline. NULL, or what is wrong with it, a static text; it does not
 * count then. What comes of it is appended to `out`, of several lines at audit_reader_run(). */
const char *audit_reader_line(struct audit_reader *reader, struct str line, struct buf *out);
/* Appends the events that are whole; `flush`: all. False: none is left waiting for records. */
bool audit_reader_run(struct audit_reader *reader, bool flush, struct buf *out);
/* Of a log that is followed: appends those whose records must all have come, by the clock. */
void audit_reader_age(struct audit_reader *reader, struct buf *out);
/* Events that the log says were lost, since this was last asked. */
uint64_t audit_reader_take_lost(struct audit_reader *reader);
/* The processes of a host by its host.id, or NULL. */
struct process_table *audit_reader_processes(struct audit_reader *reader, struct str host_id);

#endif
