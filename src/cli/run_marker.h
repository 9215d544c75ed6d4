/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STATE/run.json: there while a watch runs, taken away when it ends by itself. Who finds one at its
 * start knows that the last watch did not come to its end (SIGKILL, a crash, power), and between
 * when and when nobody watched. A killed process cannot read who killed it: the signal's record is
 * in the kernel's ring, which dies with it.
 */
#ifndef LINTEL_CLI_RUN_MARKER_H
#define LINTEL_CLI_RUN_MARKER_H

#include "event/event.h"
#include "process/host.h"

struct run_marker;

/* What the last watch left. */
struct last_run {
	int64_t start_ns, seen_ns; /* when it began, and last wrote that it runs */
	uint32_t pid;
	bool same_boot; /* as this watch's */
};

/* How often a watch writes that it runs: how exactly the next one knows when it ended. */
#define RUN_MARKER_INTERVAL_S 5

/* Reads what is at `path`, then puts this run's own there. *last is filled and *unclean true when
 * the last watch did not end by itself. 0, or -errno with a message: the watch goes on without. */
int run_marker_open(struct run_marker **out, const char *path, const struct host *host,
		    struct last_run *last, bool *unclean) __attribute__((warn_unused_result));
/* Says that the watch still runs, at most once in RUN_MARKER_INTERVAL_S. */
void run_marker_touch(struct run_marker *marker);
/* The watch ends by itself: takes the file away. */
void run_marker_close(struct run_marker *marker);
/* The event of it: process, "unclean_end". */
void run_marker_event(const struct last_run *last, const struct host *host, struct event *event);

#endif
