/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/run.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"

/* malloc's own share of an allocation. */
#define ALLOCATION_BYTES 16

/* An event that waits for its turn in the machine, with the filters it satisfies. */
struct waiting {
	struct kept_event *event;
	uint32_t filter_count;
	uint32_t filters[];
};

/* A result that is kept: its events' references, its keys and their texts are behind it. */
struct stored {
	struct kept_event *last; /* of the events */
	uint64_t number;
	size_t bytes;
	uint32_t event_count, key_count;
	struct kept_event **events;
	struct value *keys;
};

struct eql_run {
	const struct eql_query *query;
	struct eql_run_options options;
	struct eql_scratch *scratch;
	struct eql_pool *pool;
	struct eql_machine *machine; /* NULL for a stateless query: each match is a result */
	struct eql_pipe *limits;     /* size, then the pipes */
	uint32_t limit_count;
	uint64_t arrived; /* calls of eql_run_take() */

	struct waiting **waiting;
	size_t waiting_count, waiting_cap, waiting_bytes;
	struct kept_event *latest; /* that went to the machine */
	uint32_t *filters;         /* of the event in hand */

	/* A heap: the top is the one that goes first when there is no room, by the first limit; of
	 * a query without limits the next to be given out. */
	struct stored **results;
	size_t result_count, result_cap, result_bytes;
	uint64_t found; /* in all */
};

/* What of the bound each part may take: a half, and a quarter of it. */
static size_t waiting_max(const struct eql_run *run)
{
	return run->options.bytes_max / 2;
}

static size_t results_max(const struct eql_run *run)
{
	return run->options.bytes_max / 4;
}

/* -------------------------------------------------------------------------------------- results */

static int compare(const struct eql_run *run, const struct stored *a, const struct stored *b)
{
	int order = 0;

	/* Samples come in order of their keys, and have no last event. */
	if (run->query->kind != EQL_QUERY_SAMPLE)
		order = kept_event_order_total(a->last, b->last);
	return order ? order : (a->number > b->number) - (a->number < b->number);
}

static bool goes_before(const struct eql_run *run, const struct stored *a, const struct stored *b)
{
	bool keeps_first = run->limit_count && run->limits[0].kind == EQL_PIPE_HEAD;
	int order = compare(run, a, b);

	return keeps_first ? order > 0 : order < 0;
}

static void swap(struct stored **results, size_t a, size_t b)
{
	struct stored *moved = results[a];

	results[a] = results[b];
	results[b] = moved;
}

static void push(struct eql_run *run, struct stored *new)
{
	struct stored **results;
	size_t at = run->result_count++;

	if (at == run->result_cap) {
		run->result_cap = run->result_cap ? run->result_cap * 2 : 64;
		run->results = xreallocarray(run->results, run->result_cap, sizeof(*run->results));
	}
	results = run->results;
	results[at] = new;
	run->result_bytes += new->bytes;
	for (; at && goes_before(run, results[at], results[(at - 1) / 2]); at = (at - 1) / 2)
		swap(results, at, (at - 1) / 2);
}

static struct stored *pop(struct eql_run *run)
{
	struct stored **results = run->results, *top = results[0];
	size_t at = 0;

	results[0] = results[--run->result_count];
	run->result_bytes -= top->bytes;
	for (;;) {
		size_t next = at;

		for (size_t kid = 2 * at + 1; kid <= 2 * at + 2 && kid < run->result_count; kid++)
			if (goes_before(run, results[kid], results[next]))
				next = kid;
		if (next == at)
			return top;
		swap(results, at, next);
		at = next;
	}
}

static void stored_free(struct stored *stored)
{
	for (uint32_t i = 0; i < stored->event_count; i++)
		kept_event_unref(stored->events[i]);
	free(stored);
}

static size_t text_bytes(const struct eql_result *result)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < result->key_count; i++)
		if (result->keys[i].type == VALUE_STRING)
			bytes += result->keys[i].count;
	return bytes;
}

static struct value copy_key(const struct value *key, char **text)
{
	struct value copy = *key;

	if (key->type != VALUE_STRING)
		return copy;
	if (key->count)
		memcpy(*text, key->text, key->count);
	copy.text = *text;
	*text += key->count;
	return copy;
}

static struct stored *store(const struct eql_result *result)
{
	size_t keys = result->key_count * sizeof(struct value);
	size_t events = result->event_count * sizeof(struct kept_event *);
	size_t bytes = sizeof(struct stored) + keys + events + text_bytes(result);
	struct stored *stored = xcalloc(1, bytes);
	char *text;

	stored->number = result->number;
	stored->bytes = bytes + ALLOCATION_BYTES;
	stored->key_count = result->key_count;
	stored->event_count = result->event_count;
	stored->keys = (struct value *)(stored + 1);
	stored->events = (struct kept_event **)(stored->keys + result->key_count);
	text = (char *)(stored->events + result->event_count);
	for (uint32_t i = 0; i < result->key_count; i++)
		stored->keys[i] = copy_key(&result->keys[i], &text);
	for (uint32_t i = 0; i < result->event_count; i++) {
		if (!result->events[i])
			continue;
		stored->last = stored->events[i] = kept_event_ref(result->events[i]);
		stored->bytes += stored->last->bytes;
	}
	return stored;
}

/* Gives it out and frees it. */
static void give(struct eql_run *run, struct stored *stored)
{
	struct eql_result result = {
	    .events = stored->events,
	    .event_count = stored->event_count,
	    .keys = stored->keys,
	    .key_count = stored->key_count,
	    .number = stored->number,
	};

	run->options.found(run->options.context, &result);
	stored_free(stored);
}

/* The bound of memory: without limits what comes first goes out, else it is lost to the answer. */
static void keep_bound(struct eql_run *run)
{
	while (run->result_bytes > results_max(run) && run->result_count > 1) {
		if (!run->limit_count) {
			give(run, pop(run));
			continue;
		}
		stored_free(pop(run));
	}
}

static void add_result(void *context, const struct eql_result *result)
{
	struct eql_run *run = context;

	if (eql_run_is_full(run))
		return;
	run->found++;
	push(run, store(result));
	if (run->limit_count && run->result_count > run->limits[0].count)
		stored_free(pop(run));
	keep_bound(run);
}

/* Results that no later one can come before. One that waits for an event that must be missing is
 * found when time has gone maxspan beyond its first event. */
static void give_settled(struct eql_run *run, int64_t now_ns)
{
	int64_t settled;

	if (run->limit_count || run->query->kind == EQL_QUERY_SAMPLE ||
	    __builtin_sub_overflow(now_ns, run->query->maxspan_ns, &settled))
		return;
	while (run->result_count && run->results[0]->last->time_ns < settled)
		give(run, pop(run));
}

/* Results that the first limit lets through but memory did not. */
static void count_dropped(const struct eql_run *run)
{
	uint64_t wanted = run->found;

	if (!run->limit_count)
		return;
	if (wanted > run->limits[0].count)
		wanted = run->limits[0].count;
	counter_add(COUNTER_RESULTS_DROPPED, wanted - run->result_count);
}

static void give_all(struct eql_run *run)
{
	size_t count = run->result_count, first = 0, end = count;
	struct stored **sorted = xcalloc(count + 1, sizeof(*sorted));
	bool falling = run->limit_count && run->limits[0].kind == EQL_PIPE_HEAD;

	for (size_t i = 0; i < count; i++)
		sorted[falling ? count - 1 - i : i] = pop(run);
	for (uint32_t i = 0; i < run->limit_count; i++) {
		uint64_t limit = run->limits[i].count;

		if (end - first <= limit)
			continue;
		if (run->limits[i].kind == EQL_PIPE_HEAD)
			end = first + limit;
		else
			first = end - limit;
	}
	for (size_t i = 0; i < count; i++)
		if (i >= first && i < end)
			give(run, sorted[i]);
		else
			stored_free(sorted[i]);
	free(sorted);
}

/* --------------------------------------------------------------------------------------- events */

static size_t waiting_bytes(const struct waiting *waiting)
{
	return sizeof(*waiting) + waiting->filter_count * sizeof(*waiting->filters) +
	       waiting->event->bytes + 2 * ALLOCATION_BYTES;
}

static void wait(struct eql_run *run, struct kept_event *event, uint32_t filter_count)
{
	size_t filters = filter_count * sizeof(*run->filters);
	struct waiting *waiting = xmalloc(sizeof(*waiting) + filters);

	waiting->event = event;
	waiting->filter_count = filter_count;
	memcpy(waiting->filters, run->filters, filters);
	if (run->waiting_count == run->waiting_cap) {
		run->waiting_cap = run->waiting_cap ? run->waiting_cap * 2 : 64;
		run->waiting = xreallocarray(run->waiting, run->waiting_cap, sizeof(*run->waiting));
	}
	run->waiting[run->waiting_count++] = waiting;
	run->waiting_bytes += waiting_bytes(waiting);
}

static int by_order(const void *a, const void *b)
{
	const struct waiting *const *x = a, *const *y = b;

	return kept_event_order_total((*x)->event, (*y)->event);
}

static void pass_on(struct eql_run *run, struct waiting *waiting)
{
	struct kept_event *event = waiting->event;

	run->waiting_bytes -= waiting_bytes(waiting);
	eql_machine_take(run->machine, event, waiting->filters, waiting->filter_count);
	if (run->latest && kept_event_order_total(event, run->latest) < 0) {
		counter_add(COUNTER_EVENT_LATE, 1);
		kept_event_unref(event);
	} else {
		kept_event_unref(run->latest);
		run->latest = event;
		give_settled(run, event->time_ns);
	}
	free(waiting);
}

/* The first `count` in order of time go to the machine. */
static void drain(struct eql_run *run, size_t count)
{
	if (!count)
		return;
	qsort(run->waiting, run->waiting_count, sizeof(*run->waiting), by_order);
	for (size_t i = 0; i < count; i++)
		pass_on(run, run->waiting[i]);
	run->waiting_count -= count;
	memmove(run->waiting, run->waiting + count, run->waiting_count * sizeof(*run->waiting));
}

static struct kept_event *keep(struct eql_run *run, const struct event *event, struct str document)
{
	return kept_event_new(event, run->query->kept_fields, run->query->kept_field_count,
			      run->options.tiebreaker_field, run->arrived - 1, document);
}

static void take_match(struct eql_run *run, const struct event *event, struct str document)
{
	if (!eql_match(run->query, event, run->scratch))
		return;
	struct kept_event *kept = keep(run, event, document);
	struct eql_result result = {.events = &kept, .event_count = 1, .number = kept->arrival};

	add_result(run, &result);
	kept_event_unref(kept);
}

void eql_run_take(struct eql_run *run, const struct event *event, struct str document)
{
	uint32_t count = 0;

	run->arrived++;
	if (!run->machine) {
		take_match(run, event, document);
		return;
	}
	for (uint32_t i = 0; i < run->query->filter_count; i++)
		if (eql_filter_match(&run->query->filters[i], event, run->scratch))
			run->filters[count++] = i;
	if (!count)
		return;
	if (event->time_ns == INT64_MIN && run->query->kind == EQL_QUERY_SEQUENCE) {
		counter_add(COUNTER_EVENT_UNTIMED, 1);
		return;
	}
	wait(run, keep(run, event, document), count);
	if (run->waiting_bytes > waiting_max(run))
		drain(run, (run->waiting_count + 1) / 2);
}

bool eql_run_is_full(const struct eql_run *run)
{
	return run->limit_count && run->limits[0].count == 0;
}

void eql_run_finish(struct eql_run *run)
{
	if (run->machine) {
		drain(run, run->waiting_count);
		eql_machine_finish(run->machine);
	}
	count_dropped(run);
	give_all(run);
}

/* ------------------------------------------------------------------------------------ life */

/* Of samples, which have no order in time, the first count. */
static enum eql_pipe_kind size_kind(const struct eql_query *query)
{
	if (query->kind == EQL_QUERY_SAMPLE)
		return EQL_PIPE_HEAD;
	return query->pipe_count ? query->pipes[0].kind : EQL_PIPE_TAIL;
}

static void set_limits(struct eql_run *run)
{
	const struct eql_query *query = run->query;

	run->limits = xcalloc((size_t)query->pipe_count + 1, sizeof(*run->limits));
	if (run->options.size != EQL_RUN_NO_SIZE)
		run->limits[run->limit_count++] =
		    (struct eql_pipe){size_kind(query), run->options.size};
	for (uint32_t i = 0; i < query->pipe_count; i++)
		run->limits[run->limit_count++] = query->pipes[i];
}

struct eql_run *eql_run_new(const struct eql_query *query, const struct eql_run_options *options)
{
	struct eql_run *run = xcalloc(1, sizeof(*run));

	run->query = query;
	run->options = *options;
	if (!run->options.bytes_max)
		run->options.bytes_max = EQL_RUN_BYTES_DEFAULT;
	run->scratch = eql_scratch_new();
	run->filters = xcalloc((size_t)query->filter_count + 1, sizeof(*run->filters));
	set_limits(run);
	if (eql_query_is_stateless(query))
		return run;
	run->pool = eql_pool_new(run->options.bytes_max / 4);
	run->machine = eql_machine_new(
	    query, &(struct eql_machine_options){
		       .pool = run->pool,
		       .samples_at_end = true,
		       .samples_per_key = options->samples_per_key ? options->samples_per_key : 1,
		       .found = add_result,
		       .context = run,
		   });
	return run;
}

void eql_run_free(struct eql_run *run)
{
	if (!run)
		return;
	for (size_t i = 0; i < run->waiting_count; i++) {
		kept_event_unref(run->waiting[i]->event);
		free(run->waiting[i]);
	}
	for (size_t i = 0; i < run->result_count; i++)
		stored_free(run->results[i]);
	kept_event_unref(run->latest);
	eql_machine_free(run->machine);
	eql_pool_free(run->pool);
	eql_scratch_free(run->scratch);
	free(run->waiting);
	free(run->results);
	free(run->filters);
	free(run->limits);
	free(run);
}
