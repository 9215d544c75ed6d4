/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "hunt/hunt_internal.h"

struct work *work_new(struct crew *crew)
{
	struct work *work = xcalloc(1, sizeof(*work));

	work->crew = crew;
	arena_init(&work->block.arena);
	work->block.references = 1;
	work->block.unused = crew_reuse;

	batch_init(&work->batch);
	return work;
}

static void clear(struct work *work)
{
	/* A hunt that is stopped leaves some behind. */
	for (uint32_t i = 0; i < work->found_count; i++)
		kept_event_unref(work->found[i].kept);
	arena_reset(&work->block.arena);
	work->found_count = work->hit_count = work->fault_count = 0;
	memset(work->more_faults, 0, sizeof(work->more_faults));
	work->lines = work->line_numbers = work->events = 0;
	work->first_ns = work->reached_ns = INT64_MIN;
}

void work_free(struct work *work)
{
	if (!work)
		return;
	clear(work);
	arena_free(&work->block.arena);
	batch_free(&work->batch);
	free(work->found);
	free(work->hits);
	free(work);
}

void worker_init(struct worker *worker, const struct hunt_options *options)
{
	worker->engine = options->engine;
	worker->detector = options->detector;
	worker->reader = event_reader_copy(options->reader);
	worker->scratch = engine_scratch_new(options->engine);
	event_init(&worker->event, options->fields);
}

void worker_free(struct worker *worker)
{
	event_free(&worker->event);
	engine_scratch_free(worker->scratch);
	event_reader_free(worker->reader);
}

static void add_fault(struct work *work, uint64_t line, enum line_fault fault, const char *why)
{
	if (work->fault_count < LINE_REPORTS_MAX)
		work->faults[work->fault_count++] = (struct line_fault_at){line, fault, why};
	else
		work->more_faults[fault]++;
}

static void add_hits(struct work *work, const struct engine_hit *hits, uint32_t count)
{
	if (work->hit_cap - work->hit_count < count) {
		work->hit_cap = (work->hit_cap + count) * 2;
		work->hits = xreallocarray(work->hits, work->hit_cap, sizeof(*work->hits));
	}
	memcpy(work->hits + work->hit_count, hits, count * sizeof(*hits));
	work->hit_count += count;
}

static void add_found(struct work *work, struct kept_event *kept, const struct engine_hit *hits,
		      uint32_t count)
{
	if (work->found_count == work->found_cap) {
		work->found_cap = work->found_cap ? work->found_cap * 2 : 16;
		work->found = xreallocarray(work->found, work->found_cap, sizeof(*work->found));
	}
	work->found[work->found_count++] = (struct work_event){
	    .kept = kept,
	    .time_ns = kept->time_ns,
	    .reached_ns = work->reached_ns,
	    .nth = (uint32_t)work->events,
	    .hits = work->hit_count,
	    .hit_count = count,
	};
	add_hits(work, hits, count);
}

static void on_event(struct worker *worker, struct work *work)
{
	const struct event *event = &worker->event;
	const struct engine_hit *hits;
	uint32_t n = engine_match(worker->engine, event, worker->scratch, &hits);

	work->events++;
	if (work->first_ns == INT64_MIN)
		work->first_ns = event->time_ns;
	if (event->time_ns > work->reached_ns)
		work->reached_ns = event->time_ns;
	if (n)
		add_found(work, detector_keep_in(worker->detector, &work->block, event, hits, n),
			  hits, n);
}

static void on_line(struct worker *worker, struct work *work, const struct batch_lines *lines,
		    struct str line)
{
	const char *why;

	event_reset(&worker->event);
	int err = event_read_json(worker->reader, line, &worker->event, &why);

	if (err)
		add_fault(work, lines->number, line_fault_of(err, lines->ended), why);
	else
		on_event(worker, work);
}

/* What was wrong with the lines of an audit log, and how many they were. */
static void take_converted(struct work *work)
{
	const struct batch *batch = &work->batch;

	for (uint32_t i = 0; i < batch->fault_count; i++)
		add_fault(work, batch->faults[i].line, batch->faults[i].fault,
			  batch->faults[i].why);
	for (int fault = 0; fault < LINE_FAULTS; fault++)
		work->more_faults[fault] += batch->more_faults[fault];
	work->lines = work->line_numbers = batch->source_lines;
	counter_add(COUNTER_AUDIT_LOST, batch->lost);
}

void worker_process(struct worker *worker, struct work *work)
{
	struct batch_lines lines = batch_lines(&work->batch);
	enum batch_line kind;
	struct str line;

	clear(work);
	while ((kind = batch_next_line(&lines, &line)) != BATCH_END) {
		work->lines++;
		if (kind == BATCH_LINE_TOO_LONG)
			add_fault(work, lines.number, LINE_TOO_LONG, NULL);
		else
			on_line(worker, work, &lines, line);
	}
	work->line_numbers = lines.number;
	if (work->batch.is_converted)
		take_converted(work);
	work->block.bytes = sizeof(*work) + work->batch.cap + work->block.arena.used_bytes;
}
