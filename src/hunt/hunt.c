/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer: takes what the crew has made of the inputs, always in the same order. */
#include "hunt/hunt.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "hunt/hunt_internal.h"

struct hunt {
	struct hunt_options options;
	struct inputs inputs;
	struct crew *crew;
	struct stat results; /* a file that is not read */
	bool has_results;
	bool started; /* an event with a time was seen */
	bool stopped; /* by hunt_stop() */
	struct ndjson_stats stats;
};

uint32_t hunt_cpus(void)
{
	cpu_set_t set;

	/* Fails on machines with more CPUs than the set has bits. */
	if (sched_getaffinity(0, sizeof(set), &set))
		return HUNT_THREADS_MAX;
	return (uint32_t)CPU_COUNT(&set);
}

int hunt_open(struct hunt **out, const char *const *inputs, uint32_t count,
	      const struct hunt_options *options)
{
	struct hunt *h = xcalloc(1, sizeof(*h));
	int err = inputs_open(&h->inputs, inputs, count, options->format);

	if (err) {
		hunt_close(h);
		return err;
	}
	h->options = *options;
	h->has_results =
	    fstat(options->results_fd, &h->results) == 0 && S_ISREG(h->results.st_mode);
	h->stats.bytes_total = h->inputs.list.bytes_total;
	h->stats.current = "";
	h->crew = crew_new(&h->options, &h->inputs);
	*out = h;
	return 0;
}

void hunt_close(struct hunt *h)
{
	if (!h)
		return;
	crew_free(h->crew);
	inputs_free(&h->inputs);
	free(h);
}

const struct ndjson_stats *hunt_stats(const struct hunt *h)
{
	return &h->stats;
}

void hunt_stop(struct hunt *h)
{
	h->stopped = true;
}

static const char *open_reader(struct hunt *h, struct input_queue *input, const char *path)
{
	int err = batch_open(&input->reader, path, h->options.format);

	if (err)
		return strerror(-err);
	if (h->has_results && batch_is_of(input->reader, &h->results))
		return "left out, the results are written to it";
	return NULL;
}

static void open_next(struct hunt *h)
{
	const char *path;
	struct input_queue *input = inputs_take_next(&h->inputs, &path);
	const char *why = open_reader(h, input, path);

	h->stats.files++;
	if (!why) {
		h->stats.current = path;
		crew_add(h->crew, input);
		return;
	}
	/* Waiting for the writer of a named pipe ends by a signal. */
	if (!*h->options.stop)
		line_report_unreadable(&input->report, why);
	input_queue_free(input);
}

/* The input whose turn it is; NULL: all are done. */
static struct input_queue *next_input(struct hunt *h)
{
	struct inputs *inputs = &h->inputs;

	while (inputs_next_is_new(inputs) && !*h->options.stop)
		open_next(h);
	if (!inputs->open_count)
		return NULL;
	struct input_queue *input = inputs->open[inputs_behind(inputs)];

	input->begun = true;
	if (inputs_may_open_ahead(inputs))
		open_next(h);
	return input;
}

static void report_faults(struct hunt *h, struct input_queue *input, const struct work *work)
{
	for (uint32_t i = 0; i < work->fault_count; i++) {
		const struct line_fault_at *f = &work->faults[i];

		line_report_fault(&input->report, input->line_base + f->line, f->fault, f->why);
	}
	h->stats.malformed += work->fault_count;
	for (int fault = 0; fault < LINE_FAULTS; fault++) {
		h->stats.malformed += work->more_faults[fault];
		line_report_more(&input->report, (enum line_fault)fault, work->more_faults[fault]);
	}
}

static int64_t max_time(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min_time(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* To the detector, which is told for each event how far all inputs have come with it. */
static void feed(struct hunt *h, struct input_queue *input, struct work *work)
{
	int64_t others = inputs_reached(&h->inputs, input);

	if (!h->started && work->first_ns != INT64_MIN) {
		h->started = true;
		detector_start(h->options.detector, work->first_ns);
	}
	for (uint32_t i = 0; i < work->found_count; i++) {
		const struct work_event *e = &work->found[i];

		const struct detector_event taken = {
		    .event = e->kept,
		    .block = &work->block,
		    .time_ns = e->time_ns,
		    .arrival = h->stats.events + e->nth,
		    .hits = work->hits + e->hits,
		    .hit_count = e->hit_count,
		};

		detector_take_in(h->options.detector, &taken,
				 min_time(others, max_time(input->reached_ns, e->reached_ns)));
	}
	work->found_count = 0;
	input->reached_ns = max_time(input->reached_ns, work->reached_ns);
	detector_advance(h->options.detector, min_time(others, input->reached_ns));
}

static void end_input(struct hunt *h, struct input_queue *input, const struct batch *last)
{
	if (last->err)
		line_report_unreadable(&input->report, last->why);
	line_report_end(&input->report);
	crew_remove(h->crew, input);
	input_queue_free(input);
}

static void consume(struct hunt *h, struct input_queue *input, struct work *work)
{
	report_faults(h, input, work);
	feed(h, input, work);
	h->stats.lines += work->lines;
	h->stats.events += work->events;
	h->stats.bytes_done += work->batch.position - input->position;
	input->position = work->batch.position;
	input->line_base += work->line_numbers;
	if (work->batch.last)
		end_input(h, input, &work->batch);
}

void hunt_run(struct hunt *h)
{
	struct input_queue *input;
	struct work *work;

	while (!h->stopped && (input = next_input(h)) && (work = crew_take(h->crew, input))) {
		consume(h, input, work);
		crew_give_back(work);
		if (h->options.progress)
			h->options.progress(h->options.context, &h->stats);
	}
	if (h->options.goes_on)
		detector_flush(h->options.detector);
	else
		detector_finish(h->options.detector);
}
