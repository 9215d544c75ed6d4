/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/query_results_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

/* Written in pieces of this size when nobody waits for single lines. */
#define WRITE_BYTES ((size_t)64 * 1024)

enum rank {
	RANK_NUMBER,
	RANK_STRING,
	RANK_MISSING
};

struct key {
	int64_t time_ns;
	enum rank rank; /* of the tiebreaker */
	double real;    /* RANK_NUMBER, for comparison with doubles */
	int64_t integer;
	bool is_integer;
	struct str text; /* RANK_STRING */
	uint64_t arrival;
};

struct match {
	struct key key;
	struct str line;
	char *memory; /* of line and key.text */
};

struct query_results {
	bool ordered;
	bool count_only;
	int32_t tiebreaker;
	struct eql_pipe *limits;
	uint32_t limit_count;
	uint64_t arrived;
	/* A heap while matches arrive: no match goes before its parent. */
	struct match *kept;
	size_t kept_count, kept_cap;
	struct buf out;
};

struct query_results *query_results_new(const struct eql_query *query, uint64_t size,
					int32_t tiebreaker, bool count_only)
{
	struct query_results *results = xcalloc(1, sizeof(*results));
	struct eql_pipe *limits = xcalloc((size_t)query->pipe_count + 1, sizeof(*limits));
	uint32_t n = 0;

	if (size != QUERY_NO_SIZE) {
		limits[n].kind = query->pipe_count ? query->pipes[0].kind : EQL_PIPE_TAIL;
		limits[n++].count = size;
	}
	for (uint32_t i = 0; i < query->pipe_count; i++)
		limits[n++] = query->pipes[i];
	results->limits = limits;
	results->limit_count = n;
	results->ordered = n > 0;
	results->tiebreaker = tiebreaker;
	results->count_only = count_only;
	return results;
}

void query_results_free(struct query_results *results)
{
	if (!results)
		return;
	for (size_t i = 0; i < results->kept_count; i++)
		free(results->kept[i].memory);
	free(results->kept);
	free(results->limits);
	buf_free(&results->out);
	free(results);
}

static int compare_numbers(const struct key *a, const struct key *b)
{
	if (a->is_integer && b->is_integer)
		return (a->integer > b->integer) - (a->integer < b->integer);
	return (a->real > b->real) - (a->real < b->real);
}

static int compare(const struct key *a, const struct key *b)
{
	int c = (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);

	if (!c)
		c = (int)a->rank - (int)b->rank;
	if (!c && a->rank == RANK_NUMBER)
		c = compare_numbers(a, b);
	if (!c && a->rank == RANK_STRING)
		c = str_cmp(a->text, b->text);
	return c ? c : (a->arrival > b->arrival) - (a->arrival < b->arrival);
}

static struct key key_of(const struct query_results *results, const struct event *event)
{
	struct key key = {.time_ns = event->time_ns, .rank = RANK_MISSING};

	key.arrival = results->arrived;
	if (results->tiebreaker < 0)
		return key;
	const struct value *v = event_get(event, (uint32_t)results->tiebreaker);

	if (v->type == VALUE_LIST)
		v = &v->items[0];
	switch (v->type) {
	case VALUE_BOOL:
	case VALUE_INT:
		key.rank = RANK_NUMBER;
		key.is_integer = true;
		key.integer = v->type == VALUE_INT ? v->integer : v->boolean;
		key.real = (double)key.integer;
		break;
	case VALUE_DOUBLE:
		key.rank = RANK_NUMBER;
		key.real = v->real;
		break;
	case VALUE_STRING:
		key.rank = RANK_STRING;
		key.text = value_as_str(v);
		break;
	default:
		break;
	}
	return key;
}

/* Does `a` give way before `b` when there is no room for both? */
static bool goes_before(const struct query_results *results, const struct key *a,
			const struct key *b)
{
	int c = compare(a, b);

	return results->limits[0].kind == EQL_PIPE_HEAD ? c > 0 : c < 0;
}

static void sift_up(struct query_results *results, size_t at)
{
	struct match *kept = results->kept;

	while (at) {
		size_t parent = (at - 1) / 2;
		struct match moved = kept[at];

		if (!goes_before(results, &moved.key, &kept[parent].key))
			return;
		kept[at] = kept[parent];
		kept[parent] = moved;
		at = parent;
	}
}

static void sift_down(struct query_results *results, size_t at)
{
	struct match *kept = results->kept;

	for (;;) {
		size_t next = at;

		for (size_t kid = 2 * at + 1; kid <= 2 * at + 2 && kid < results->kept_count; kid++)
			if (goes_before(results, &kept[kid].key, &kept[next].key))
				next = kid;
		if (next == at)
			return;
		struct match moved = kept[at];

		kept[at] = kept[next];
		kept[next] = moved;
		at = next;
	}
}

/* The texts the match borrows become its own. */
static void own(struct match *match)
{
	size_t line = match->line.len, text = match->key.text.len;
	char *memory = xmalloc(line + text + 1);

	if (line)
		memcpy(memory, match->line.p, line);
	if (text)
		memcpy(memory + line, match->key.text.p, text);
	match->line.p = memory;
	match->key.text.p = memory + line;
	match->memory = memory;
}

static void keep(struct query_results *results, struct match match)
{
	uint64_t limit = results->limits[0].count;

	if (!limit)
		return;
	if (results->kept_count >= limit) {
		if (!goes_before(results, &results->kept[0].key, &match.key))
			return;
		free(results->kept[0].memory);
		own(&match);
		results->kept[0] = match;
		sift_down(results, 0);
		return;
	}
	if (results->kept_count == results->kept_cap) {
		results->kept_cap = results->kept_cap ? results->kept_cap * 2 : 64;
		results->kept =
		    xreallocarray(results->kept, results->kept_cap, sizeof(*results->kept));
	}
	own(&match);
	results->kept[results->kept_count] = match;
	sift_up(results, results->kept_count++);
}

int query_results_flush(struct query_results *results)
{
	int err = buf_write_fd(&results->out, STDOUT_FILENO);

	buf_reset(&results->out);
	return err;
}

static int put_line(struct query_results *results, struct str line)
{
	buf_add(&results->out, line);
	buf_add_char(&results->out, '\n');
	return results->out.len < WRITE_BYTES ? 0 : query_results_flush(results);
}

int query_results_add(struct query_results *results, const struct event *event, struct str line)
{
	results->arrived++;
	if (!results->ordered)
		return results->count_only ? 0 : put_line(results, line);
	struct match match = {
	    .key = key_of(results, event),
	    .line = results->count_only ? (struct str){line.p, 0} : line,
	};

	keep(results, match);
	return 0;
}

bool query_results_full(const struct query_results *results)
{
	return results->ordered && results->limits[0].count == 0;
}

static int by_key(const void *a, const void *b)
{
	const struct match *left = a, *right = b;

	return compare(&left->key, &right->key);
}

/* The range of sorted matches that passes all limits. */
static void apply_limits(const struct query_results *results, size_t *first, size_t *end)
{
	*first = 0;
	*end = results->kept_count;
	for (uint32_t i = 0; i < results->limit_count; i++) {
		uint64_t count = results->limits[i].count;

		if (*end - *first <= count)
			continue;
		if (results->limits[i].kind == EQL_PIPE_HEAD)
			*end = *first + count;
		else
			*first = *end - count;
	}
}

int query_results_finish(struct query_results *results)
{
	size_t first = 0, end = 0;
	uint64_t count = results->arrived;
	int err = 0;

	if (results->ordered) {
		if (results->kept_count)
			qsort(results->kept, results->kept_count, sizeof(*results->kept), by_key);
		apply_limits(results, &first, &end);
		count = end - first;
	}
	if (results->count_only)
		buf_printf(&results->out, "%llu\n", (unsigned long long)count);
	else
		for (size_t i = first; i < end && !err; i++)
			err = put_line(results, results->kept[i].line);
	return err ? err : query_results_flush(results);
}
