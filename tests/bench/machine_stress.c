/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a sequence costs per event, by the number of live join keys.
 *
 *	machine_stress [EVENTS [KEYS...]]	default: 10000000 10000 100000 1000000
 *
 * Three streams, each measured with the machine and without (making and dropping the kept events
 * alone, which is subtracted):
 *
 *	returning   keys come again at random; 9 of 10 events begin a sequence, 1 ends one
 *	passing     every event has a new key; what is older than maxspan goes, so KEYS stay
 *	crowded     as passing, without maxspan and with memory for half of KEYS: eviction
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "eql/machine.h"

/* About what the fields of an event that a sequence reads and a short document have. */
#define DOCUMENT_BYTES 200
/* Time between events. */
#define STEP_NS 1000

struct stress {
	struct arena arena;
	struct field_set *fields;
	struct eql_query *query;
	struct event event;
	uint32_t key_field;
	uint64_t events, keys;
	uint64_t random;
	uint64_t results;
};

enum stream {
	RETURNING,
	PASSING,
	CROWDED
};

static const char *const stream_names[] = {"returning", "passing", "crowded"};

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint32_t dice(struct stress *s, uint64_t sides)
{
	s->random = s->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((s->random >> 33) % sides);
}

static void found(void *context, const struct eql_result *result)
{
	struct stress *s = context;

	s->results += result->event_count > 0;
}

static void compile(struct stress *s, enum stream stream)
{
	struct eql_options options = {0};
	struct diag_list diags;
	char text[256];

	arena_init(&s->arena);
	diag_list_init(&diags);
	s->fields = field_set_new();
	if (stream == PASSING)
		snprintf(text, sizeof(text),
			 "sequence by host.id with maxspan=%" PRIu64
			 "ms [a where true] [b where true]",
			 s->keys * STEP_NS / 1000000);
	else
		snprintf(text, sizeof(text), "sequence by host.id [a where true] [b where true]");
	if (eql_compile(&s->arena, s->fields, str_from(text), &options, &diags, &s->query)) {
		diag_list_print(&diags, 2);
		exit(1);
	}
	diag_list_free(&diags);
	s->key_field = (uint32_t)field_set_find(s->fields, STR("host.id"));
	event_init(&s->event, s->fields);
}

static struct kept_event *make_event(struct stress *s, enum stream stream, uint64_t i,
				     uint32_t *filter)
{
	static char document[DOCUMENT_BYTES];
	uint64_t key = stream == RETURNING ? dice(s, s->keys) : i;
	char text[32];
	int len = snprintf(text, sizeof(text), "host-%012" PRIu64, key);

	*filter = stream == RETURNING && dice(s, 10) == 0;
	event_reset(&s->event);
	s->event.time_ns = (int64_t)i * STEP_NS;
	event_set_str(&s->event, s->key_field, (struct str){text, (size_t)len});
	return kept_event_new(&s->event, s->query->kept_fields, s->query->kept_field_count, -1, i,
			      (struct str){document, sizeof(document)});
}

static double run(struct stress *s, enum stream stream, struct eql_machine *machine)
{
	double start = cpu_ns();

	s->random = 1;
	for (uint64_t i = 0; i < s->events; i++) {
		uint32_t filter;
		struct kept_event *event = make_event(s, stream, i, &filter);

		if (machine)
			eql_machine_take(machine, event, &filter, 1);
		kept_event_unref(event);
	}
	return cpu_ns() - start;
}

static void measure(struct stress *s, enum stream stream, size_t bytes_max)
{
	struct eql_pool *pool = eql_pool_new(bytes_max);
	struct eql_machine_options options = {.pool = pool, .found = found, .context = s};
	uint64_t evicted = counter_get(COUNTER_SEQUENCE_EVICTED);

	s->results = 0;
	compile(s, stream);
	struct eql_machine *machine = eql_machine_new(s->query, &options);
	double with = run(s, stream, machine), without = run(s, stream, NULL);

	printf("%-10s %8" PRIu64 " keys  %7.1f ns/event  %8zu live  %6.1f MB  %8" PRIu64
	       " results  %8" PRIu64 " evicted\n",
	       stream_names[stream], s->keys, (with - without) / (double)s->events,
	       eql_machine_live(machine), (double)eql_pool_bytes(pool) / 1e6, s->results,
	       counter_get(COUNTER_SEQUENCE_EVICTED) - evicted);
	fflush(stdout);
	eql_machine_free(machine);
	eql_pool_free(pool);
	event_free(&s->event);
	field_set_free(s->fields);
	arena_free(&s->arena);
}

int main(int argc, char **argv)
{
	static const char *const defaults[] = {"10000", "100000", "1000000"};
	int count = argc > 2 ? argc - 2 : 3;
	struct stress s = {.events = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000};

	for (enum stream stream = RETURNING; stream <= CROWDED; stream++)
		for (int i = 0; i < count; i++) {
			s.keys = strtoull(argc > 2 ? argv[2 + i] : defaults[i], NULL, 10);
			/* A key takes about 700 bytes, its event included. */
			measure(&s, stream, stream == CROWDED ? s.keys * 350 : SIZE_MAX);
		}
	return 0;
}
