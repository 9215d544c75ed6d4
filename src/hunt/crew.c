/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work is found by asking, there is no queue of it: an idle thread looks for an input that can be
 * read on, reads a batch (one thread per input at a time), and processes it while the next thread
 * reads. So decompression of one file and the matching of what came before it overlap, and
 * a batch is processed where it is still in the cache.
 *
 * What is read next is what the consumer will want next: of the input that will be furthest behind
 * when all read so far is consumed. How much is read ahead: every open input may have one piece of
 * work, READ_AHEAD per thread more are shared by all.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "hunt/hunt_internal.h"

/* One in hand and some in reserve, so that a thread does not wait for the consumer. */
#define READ_AHEAD 4

struct crew {
	const struct hunt_options *options;
	struct inputs *inputs;
	pthread_mutex_t lock;
	pthread_cond_t can_read;    /* some input can be read on */
	pthread_cond_t is_done;     /* some work is, or some input waits */
	struct input_queue *needed; /* by the consumer, which waits */
	uint32_t ahead;             /* work beyond one per input */
	bool ended;
	struct work *spare;
	struct worker own; /* the consumer's */
	struct crew_thread {
		struct crew *crew;
		struct worker worker;
		pthread_t thread;
	} * threads;
	uint32_t thread_count; /* without the consumer */
};

static bool can_be_read(const struct crew *crew, const struct input_queue *input)
{
	if (input->reading || input->waiting || input->at_end)
		return false;
	return !input->queued || input->part || crew->ahead < READ_AHEAD * (crew->thread_count + 1);
}

static struct input_queue *choose(const struct crew *crew)
{
	struct input_queue *best = NULL;

	if (crew->needed && !crew->needed->first && can_be_read(crew, crew->needed))
		return crew->needed;
	for (uint32_t i = 0; i < crew->inputs->open_count; i++) {
		struct input_queue *input = crew->inputs->open[i];

		if (can_be_read(crew, input) && (!best || input->read_ns < best->read_ns))
			best = input;
	}
	return best;
}

/* The work the input is read into: its own part of one, or a new piece. */
static struct work *begin_reading(struct crew *crew, struct input_queue *input)
{
	struct work *work = input->part;

	input->reading = true;
	input->part = NULL;
	if (work)
		return work;
	crew->ahead += input->queued > 0;
	input->queued++;
	work = crew->spare;
	if (work)
		crew->spare = work->next;
	return work;
}

static void end_reading(struct crew *crew, struct input_queue *input, struct work *work, int err)
{
	input->reading = false;
	if (err) {
		input->part = work;
		input->waiting = true;
		pthread_cond_signal(&crew->is_done);
		return;
	}
	work->next = NULL;
	work->done = false;
	if (input->first)
		input->last->next = work;
	else
		input->first = work;
	input->last = work;
	input->at_end = work->batch.last;
	pthread_cond_signal(&crew->can_read);
}

/* Reads and processes a batch, if some input can be read; called and left with the lock held. */
static bool work_once(struct crew *crew, struct worker *worker)
{
	struct input_queue *input = choose(crew);

	if (!input)
		return false;
	struct work *work = begin_reading(crew, input);

	pthread_mutex_unlock(&crew->lock);
	if (!work)
		work = work_new(crew);
	int err = batch_read(input->reader, &work->batch);

	pthread_mutex_lock(&crew->lock);
	end_reading(crew, input, work, err);
	if (err)
		return true;
	pthread_mutex_unlock(&crew->lock);
	worker_process(worker, work);
	pthread_mutex_lock(&crew->lock);
	work->done = true;
	if (work->reached_ns > input->read_ns)
		input->read_ns = work->reached_ns;
	pthread_cond_signal(&crew->is_done);
	return true;
}

static void *run_thread(void *argument)
{
	struct crew_thread *own = argument;
	struct crew *crew = own->crew;

	pthread_mutex_lock(&crew->lock);
	while (!crew->ended)
		if (!work_once(crew, &own->worker))
			pthread_cond_wait(&crew->can_read, &crew->lock);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

/* With fewer threads than wanted a hunt takes longer; the answer is the same. */
static void start_threads(struct crew *crew, uint32_t count)
{
	sigset_t all, before;

	crew->threads = xcalloc((size_t)count + 1, sizeof(*crew->threads));
	/* Signals are for the thread that waits for input. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (uint32_t i = 0; i < count; i++) {
		struct crew_thread *t = &crew->threads[i];

		t->crew = crew;
		worker_init(&t->worker, crew->options);
		int err = pthread_create(&t->thread, NULL, run_thread, t);

		if (err) {
			log_warning("%u threads instead of %u: %s", i + 1, count + 1,
				    strerror(err));
			worker_free(&t->worker);
			break;
		}
		pthread_mutex_lock(&crew->lock);
		crew->thread_count++;
		pthread_mutex_unlock(&crew->lock);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct crew *crew_new(const struct hunt_options *options, struct inputs *inputs)
{
	struct crew *crew = xcalloc(1, sizeof(*crew));
	uint32_t threads = options->threads ? options->threads : hunt_cpus();

	crew->options = options;
	crew->inputs = inputs;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->can_read, NULL);
	pthread_cond_init(&crew->is_done, NULL);
	worker_init(&crew->own, options);
	start_threads(crew, (threads < HUNT_THREADS_MAX ? threads : HUNT_THREADS_MAX) - 1);
	return crew;
}

void crew_add(struct crew *crew, struct input_queue *input)
{
	struct inputs *inputs = crew->inputs;

	pthread_mutex_lock(&crew->lock);
	inputs->open[inputs->open_count++] = input;
	pthread_cond_signal(&crew->can_read);
	pthread_mutex_unlock(&crew->lock);
}

void crew_remove(struct crew *crew, struct input_queue *input)
{
	struct inputs *inputs = crew->inputs;
	uint32_t at = 0;

	pthread_mutex_lock(&crew->lock);
	while (inputs->open[at] != input)
		at++;
	inputs->open[at] = inputs->open[--inputs->open_count];
	pthread_mutex_unlock(&crew->lock);
}

/* With the lock held, which others may want meanwhile. */
static void wait_for_stream(struct crew *crew, struct input_queue *input)
{
	pthread_mutex_unlock(&crew->lock);
	int err = batch_wait(input->reader, crew->options->stop);

	pthread_mutex_lock(&crew->lock);
	if (!err) {
		input->waiting = false;
		pthread_cond_signal(&crew->can_read);
	}
}

static struct work *take_first(struct crew *crew, struct input_queue *input)
{
	struct work *work = input->first;

	input->first = work->next;
	input->queued--;
	crew->ahead -= input->queued > 0;
	pthread_cond_signal(&crew->can_read);
	return work;
}

struct work *crew_take(struct crew *crew, struct input_queue *input)
{
	const volatile sig_atomic_t *stop = crew->options->stop;
	struct work *work = NULL;

	pthread_mutex_lock(&crew->lock);
	crew->needed = input;
	while (!*stop && !(input->first && input->first->done))
		if (input->waiting && !input->first)
			wait_for_stream(crew, input);
		else if (!work_once(crew, &crew->own))
			pthread_cond_wait(&crew->is_done, &crew->lock);
	crew->needed = NULL;
	if (!*stop)
		work = take_first(crew, input);
	pthread_mutex_unlock(&crew->lock);
	return work;
}

void crew_reuse(struct kept_block *block)
{
	struct work *work = (struct work *)block;
	struct crew *crew = work->crew;

	block->references = 1;
	batch_trim(&work->batch);
	pthread_mutex_lock(&crew->lock);
	work->next = crew->spare;
	crew->spare = work;
	pthread_mutex_unlock(&crew->lock);
}

void crew_give_back(struct work *work)
{
	kept_block_unref(&work->block);
}

static void free_list(struct work *work)
{
	while (work) {
		struct work *next = work->next;

		work_free(work);
		work = next;
	}
}

static void free_input(struct input_queue *input)
{
	free_list(input->first);
	work_free(input->part);
	input_queue_free(input);
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->ended = true;
	pthread_cond_broadcast(&crew->can_read);
	pthread_mutex_unlock(&crew->lock);
	for (uint32_t i = 0; i < crew->thread_count; i++) {
		pthread_join(crew->threads[i].thread, NULL);
		worker_free(&crew->threads[i].worker);
	}
	/* A hunt that is stopped leaves some. */
	while (crew->inputs->open_count)
		free_input(crew->inputs->open[--crew->inputs->open_count]);
	worker_free(&crew->own);
	free_list(crew->spare);
	pthread_cond_destroy(&crew->is_done);
	pthread_cond_destroy(&crew->can_read);
	pthread_mutex_destroy(&crew->lock);
	free(crew->threads);
	free(crew);
}
