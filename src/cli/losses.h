/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a watch lost, by cause and time, in its state directory: losses.json. A watch writes it, at
 * every save and at its end; `lintel coverage` reads it. It tells of one run, and of the time before it
 * in which no lintel watched.
 */
#ifndef LINTEL_CLI_LOSSES_H
#define LINTEL_CLI_LOSSES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/counter.h"

#define LOSSES_FILE "losses.json"

/* Times in which one cause has lost something; both ends within a second. */
struct loss_range {
	int64_t from_ns, to_ns;
};

/* Ranges kept of one cause. When there are more the last one is made longer: what is told covers what
 * was lost, and maybe more. */
#define LOSS_RANGES_MAX 32
/* Ranges nearer than this are one: a blind minute is a blind minute. */
#define LOSS_RANGE_JOIN_S 60

struct loss {
	uint64_t count;
	struct loss_range ranges[LOSS_RANGES_MAX];
	uint32_t range_count;
};

struct losses;

/* `path`: of losses.json, copied. What is there tells how long nobody watched. */
struct losses *losses_new(const char *path, int64_t now_ns);
void losses_free(struct losses *losses);
/* Is it a second since losses_look()? Then counters kept elsewhere should be brought up to date and
 * looked at. */
bool losses_due(const struct losses *losses, int64_t now_ns);
/* Compare the counters with the last time: what has grown was lost in between. */
void losses_look(struct losses *losses, int64_t now_ns);
/* Write the file, at first, then every STATE_INTERVAL_S and when `ended`. 0 or -errno; a failure is said
 * once and counted. */
int losses_save(struct losses *losses, int64_t now_ns, uint64_t events, bool ended);

/* What losses.json says. */
struct losses_report {
	int error; /* -ENOENT: no watch has written one; -EINVAL: it is none, which was said */
	int64_t started_ns, saved_ns;
	bool ended;
	uint64_t events;
	struct loss_range unwatched; /* before it started; to_ns 0: nothing is known of it */
	struct loss of[COUNTER_COUNT];
};
/* Read it; errors are in the report and, what is wrong with the file, on stderr. */
void losses_read(struct losses_report *report, const char *path);

#endif
