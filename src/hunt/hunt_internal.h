/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a hunt looks from inside.
 *
 *	work	a batch and what was found in it. It belongs to one thread at a time: to the one
 *		that reads and processes it, then, once it is `done`, to the consumer. Its events
 *		stay in it until the detector has looked at all of them in their order.
 *	input	a file and its queue of work, in order. Its reader belongs to whoever has set
 *		`reading`; the queue and its flags are guarded by the crew's lock, and so is
 *		the list of those open, but for the consumer, who alone changes it; what is
 *		marked so is the consumer's alone.
 *	crew	the threads. The consumer is one of them: while the work it needs is not
 *		done, it does work itself. So one thread is no special case.
 */
#ifndef LINTEL_HUNT_HUNT_INTERNAL_H
#define LINTEL_HUNT_HUNT_INTERNAL_H

#include <pthread.h>

#include "hunt/hunt.h"
#include "source/batch.h"
#include "source/file_list.h"
#include "source/line_report.h"

/* An event with hits. */
struct work_event {
	struct kept_event *kept;
	int64_t time_ns;
	int64_t reached_ns; /* latest time of the batch up to it */
	uint32_t nth;       /* among the batch's events, from 1 */
	uint32_t hits;      /* begin of its hits in the work's */
	uint32_t hit_count;
};

struct work {
	struct kept_block block; /* of its kept events; first: it is found by this */
	struct crew *crew;       /* to whom it goes back when the block is unused */
	struct work *next;
	bool done; /* guarded */
	struct batch batch;
	uint64_t lines, line_numbers; /* that are not blank; all */
	uint64_t events;
	int64_t first_ns, reached_ns; /* time of the first event with one, latest; or INT64_MIN */
	struct work_event *found;
	uint32_t found_count, found_cap;
	struct engine_hit *hits;
	uint32_t hit_count, hit_cap;
	/* The first may be reported, the others are counted. */
	struct line_fault_at faults[LINE_REPORTS_MAX];
	uint32_t fault_count;
	uint64_t more_faults[LINE_FAULTS];
};

struct crew;

struct work *work_new(struct crew *crew);
void work_free(struct work *work);

/* What a thread needs of its own. */
struct worker {
	const struct engine *engine;
	const struct detector *detector;
	struct event_reader *reader;
	struct engine_scratch *scratch;
	struct event event;
};

void worker_init(struct worker *worker, const struct hunt_options *options);
void worker_free(struct worker *worker);
/* Fills in the results. */
void worker_process(struct worker *worker, struct work *work);

struct input_queue {
	uint32_t number; /* of the input */
	struct batch_reader *reader;
	struct work *first, *last;
	uint32_t queued;   /* in the queue or being read */
	struct work *part; /* the reader waits for the rest of its first line; or NULL */
	bool reading, waiting, at_end;
	int64_t read_ns; /* latest time of what was read and processed; at first as reached_ns */
	/* the consumer's: */
	int64_t reached_ns; /* latest time consumed; before that, of its first event */
	uint64_t line_base, position;
	bool begun;
	struct line_report report;
};

/* Closes it. Its work is the crew's. */
void input_queue_free(struct input_queue *input);

/*
 * Which input is next. Those not yet begun are sorted by the time of their first event.
 */
struct inputs {
	struct file_list list;
	struct first_time {
		int64_t ns; /* INT64_MIN: unknown */
		uint32_t number;
	} * firsts;
	uint32_t next_first;
	struct input_queue *open[HUNT_OPEN_MAX];
	uint32_t open_count, open_max;
	bool crowded; /* said that more overlap */
};

int inputs_open(struct inputs *inputs, const char *const *paths, uint32_t count,
		enum input_format format);
void inputs_free(struct inputs *inputs);
/* The place of the open input that is furthest behind; open_count if there is none. */
uint32_t inputs_behind(const struct inputs *inputs);
/* Is one to be opened before any other goes on? */
bool inputs_next_is_new(struct inputs *inputs);
/* May one be opened so that it is read ahead? */
bool inputs_may_open_ahead(const struct inputs *inputs);
/* The next one's queue, with nothing open yet. */
struct input_queue *inputs_take_next(struct inputs *inputs, const char **path);
/* How far all but `own` have come, INT64_MAX when there are no others. */
int64_t inputs_reached(const struct inputs *inputs, const struct input_queue *own);

struct crew *crew_new(const struct hunt_options *options, struct inputs *inputs);
/* Ends the threads. */
void crew_free(struct crew *crew);
/* The input may be worked on; it was just opened. */
void crew_add(struct crew *crew, struct input_queue *input);
/* The input, whose last work was taken, is out of `open` again. */
void crew_remove(struct crew *crew, struct input_queue *input);
/* The next work of an input that is not at its end, done. NULL: stopped. */
struct work *crew_take(struct crew *crew, struct input_queue *input);
/* The consumer is done with it. It is used again when the detector is, too. */
void crew_give_back(struct work *work);
/* A block's `unused`, in the consumer's thread. */
void crew_reuse(struct kept_block *block);

#endif
