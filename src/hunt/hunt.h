/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored events through the engine, on all cores, with the answer of one.
 *
 *	              any thread, any order                 │ one thread, always the same order
 *	input ─► batch of lines ─► events ─► engine_match() │
 *	                                  ─► kept events ───┼─► detector ─► findings
 *	                                     with hits      │
 *
 * Inputs may overlap in time: files of several hosts, or of one host's processes and connections.
 * The next batch is always of the input that is furthest behind, by the latest time consumed of it
 * or, before its begin, by its first event's (which is looked up beforehand); between equals, of
 * the first named. That is also how far the detector's stream has come. So the order depends on the
 * inputs alone: not on the number of threads, and not on the order in which files of different
 * times are named. A pipe, or a file without times, is behind all others until it has one.
 *
 * An input is open from its first event to its last. HUNT_OPEN_MAX are at a time; if more overlap,
 * the others are read late, and what comes too late to be joined is counted by the detector.
 */
#ifndef LINTEL_HUNT_HUNT_H
#define LINTEL_HUNT_HUNT_H

#include <signal.h>

#include "engine/detector.h"
#include "source/audit.h"
#include "source/ndjson.h"

/* Each costs a descriptor, a decoder and a batch: from half a megabyte, plain, to ten, zstd at its
 * highest levels. More hosts than this are hunted one after the other. */
#define HUNT_OPEN_MAX 64
/* Beyond what any machine has that one would hunt on; every thread costs a few megabytes. */
#define HUNT_THREADS_MAX 256

struct hunt;

struct hunt_options {
	const struct engine *engine;
	/* Reads of an event what rules look at; every thread gets a copy. */
	const struct event_reader *reader;
	const struct field_set *fields;
	struct detector *detector;
	enum input_format format; /* of all inputs; INPUT_AUTO: each by its first line */
	uint32_t threads;         /* the caller's among them; 0: as many as there are CPUs for it */
	bool goes_on;   /* with another run, from saved state: detector_flush() at the end */
	int results_fd; /* where results go: not read, if it is among the inputs; -1: nowhere */
	const volatile sig_atomic_t *stop; /* set by a signal handler */
	/* Now and then, in the caller's thread. May be NULL. */
	void (*progress)(void *context, const struct ndjson_stats *stats);
	void *context;
};

/* `inputs`: files, directories, "-". What cannot be read is logged and counted; -errno when that
 * leaves none. What the options point to must outlive the hunt. */
int hunt_open(struct hunt **out, const char *const *inputs, uint32_t count,
	      const struct hunt_options *options) __attribute__((warn_unused_result));
/* To the end of all inputs, or until stopped; then detector_finish(), or detector_flush(). */
void hunt_run(struct hunt *hunt);
/* For who wants no more findings; to be called out of the detector's callback. */
void hunt_stop(struct hunt *hunt);
const struct ndjson_stats *hunt_stats(const struct hunt *hunt);
void hunt_close(struct hunt *hunt);
/* CPUs this process may run on. */
uint32_t hunt_cpus(void);

#endif
