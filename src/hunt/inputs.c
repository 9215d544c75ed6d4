/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/log.h"
#include "hunt/hunt_internal.h"

/* Descriptors for other things than inputs: the standard ones, results, a few to spare. */
#define OTHER_DESCRIPTORS 8

/* Reads the time of events and nothing else. */
struct peek {
	struct field_set *fields;
	struct event_reader *reader;
	struct event event;
	struct batch batch;
};

static void peek_init(struct peek *peek)
{
	peek->fields = field_set_new();
	field_set_demand(peek->fields, field_known_name(FIELD_TIMESTAMP));
	peek->reader = event_reader_new(peek->fields, NULL);
	event_init(&peek->event, peek->fields);
	batch_init(&peek->batch);
}

static void peek_free(struct peek *peek)
{
	batch_free(&peek->batch);
	event_free(&peek->event);
	event_reader_free(peek->reader);
	field_set_free(peek->fields);
}

static int64_t first_time_in_batch(struct peek *peek)
{
	struct batch_lines lines = batch_lines(&peek->batch);
	enum batch_line kind;
	struct str line;

	while ((kind = batch_next_line(&lines, &line)) != BATCH_END) {
		if (kind == BATCH_LINE_TOO_LONG)
			continue;
		event_reset(&peek->event);
		if (event_read_json(peek->reader, line, &peek->event, NULL) == 0 &&
		    peek->event.time_ns != INT64_MIN)
			return peek->event.time_ns;
	}
	return INT64_MIN;
}

/* What cannot be read is said when its turn comes, which is early. */
static int64_t first_time(struct peek *peek, const struct listed_file *file,
			  enum input_format format)
{
	struct batch_reader *reader;
	int64_t ns = INT64_MIN;

	if (file->is_stream || batch_open(&reader, file->path, format))
		return ns;
	if (!batch_is_stream(reader) && batch_read(reader, &peek->batch) == 0)
		ns = first_time_in_batch(peek);
	batch_close(reader);
	return ns;
}

static int by_time(const void *a, const void *b)
{
	const struct first_time *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void find_first_times(struct inputs *inputs, enum input_format format)
{
	uint32_t count = inputs->list.count;
	struct peek peek;

	inputs->firsts = xcalloc((size_t)count + 1, sizeof(*inputs->firsts));
	peek_init(&peek);
	for (uint32_t i = 0; i < count; i++) {
		inputs->firsts[i] = (struct first_time){INT64_MIN, i};
		/* One alone has nothing to be in order with. */
		if (count > 1)
			inputs->firsts[i].ns = first_time(&peek, &inputs->list.files[i], format);
	}
	peek_free(&peek);
	qsort(inputs->firsts, count, sizeof(*inputs->firsts), by_time);
}

static uint32_t descriptors_left(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= HUNT_OPEN_MAX + OTHER_DESCRIPTORS)
		return HUNT_OPEN_MAX;
	return limit.rlim_cur > OTHER_DESCRIPTORS ? (uint32_t)limit.rlim_cur - OTHER_DESCRIPTORS
						  : 1;
}

int inputs_open(struct inputs *inputs, const char *const *paths, uint32_t count,
		enum input_format format)
{
	int err = file_list_add_all(&inputs->list, paths, count);

	if (err)
		return err;
	inputs->open_max = descriptors_left();
	find_first_times(inputs, format);
	return 0;
}

void inputs_free(struct inputs *inputs)
{
	free(inputs->firsts);
	file_list_free(&inputs->list);
}

static bool is_behind(const struct input_queue *a, const struct input_queue *b)
{
	return a->reached_ns != b->reached_ns ? a->reached_ns < b->reached_ns
					      : a->number < b->number;
}

uint32_t inputs_behind(const struct inputs *inputs)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < inputs->open_count; i++)
		if (is_behind(inputs->open[i], inputs->open[best]))
			best = i;
	return inputs->open_count ? best : inputs->open_count;
}

static const struct first_time *next_first(const struct inputs *inputs)
{
	return inputs->next_first < inputs->list.count ? &inputs->firsts[inputs->next_first] : NULL;
}

bool inputs_next_is_new(struct inputs *inputs)
{
	const struct first_time *next = next_first(inputs);

	if (!next)
		return false;
	if (!inputs->open_count)
		return true;
	const struct input_queue *behind = inputs->open[inputs_behind(inputs)];

	/* Who writes into a pipe is not kept waiting for its turn. */
	bool is_stream = inputs->list.files[next->number].is_stream;

	if (!is_stream && (next->ns > behind->reached_ns ||
			   (next->ns == behind->reached_ns && next->number > behind->number)))
		return false;
	if (inputs->open_count < inputs->open_max)
		return true;
	if (!inputs->crowded)
		log_warning("more than %u inputs overlap in time: some are read late, and events "
			    "that come too late for a sequence are counted",
			    inputs->open_max);
	inputs->crowded = true;
	return false;
}

bool inputs_may_open_ahead(const struct inputs *inputs)
{
	const struct first_time *next = next_first(inputs);

	if (!next || inputs->list.files[next->number].is_stream ||
	    inputs->open_count + 1 >= inputs->open_max)
		return false;
	for (uint32_t i = 0; i < inputs->open_count; i++)
		if (!inputs->open[i]->begun)
			return false;
	return true;
}

struct input_queue *inputs_take_next(struct inputs *inputs, const char **path)
{
	const struct first_time *next = &inputs->firsts[inputs->next_first++];
	struct input_queue *input = xcalloc(1, sizeof(*input));

	input->number = next->number;
	input->reached_ns = input->read_ns = next->ns;
	*path = inputs->list.files[next->number].path;
	line_report_begin(&input->report, *path);
	return input;
}

void input_queue_free(struct input_queue *input)
{
	batch_close(input->reader);
	line_report_free(&input->report);
	free(input);
}

int64_t inputs_reached(const struct inputs *inputs, const struct input_queue *own)
{
	const struct first_time *next = next_first(inputs);
	int64_t least = INT64_MAX;

	/* In a crowd nobody waits for who is still outside. */
	if (next && inputs->open_count < inputs->open_max)
		least = next->ns;
	for (uint32_t i = 0; i < inputs->open_count; i++)
		if (inputs->open[i] != own && inputs->open[i]->reached_ns < least)
			least = inputs->open[i]->reached_ns;
	return least;
}
