/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which waiting events go on, whatever the one they came in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/detector_internal.h"

static struct kept_event *event_at(const struct event *blank, int64_t time_ns, uint64_t arrival)
{
	struct kept_event *kept = kept_event_new(blank, NULL, 0, -1, arrival, STR("{}"));

	kept->time_ns = time_ns;
	return kept;
}

static void put(struct reorder *reorder, struct kept_event *event, const struct engine_hit *hit)
{
	reorder_put(reorder, &(struct reorder_entry){.time_ns = event->time_ns,
						     .arrival = event->arrival,
						     .event = event,
						     .hits = hit,
						     .hit_count = 1});
}

struct late {
	unsigned one_in; /* so many come late, */
	unsigned most;   /* by so much at most */
};

/* Events are put and, when `wait` of them wait, taken. */
static void run(const struct late *late, uint32_t wait)
{
	struct field_set *fields = field_set_new();
	struct reorder reorder = {.bytes_max = SIZE_MAX};
	struct engine_hit hit = {0};
	struct event blank;
	int64_t last_ns = INT64_MIN;
	uint64_t last_arrival = 0, taken = 0, random = 1;
	const uint64_t all = 20000;

	event_init(&blank, fields);
	for (uint64_t i = 1; i <= all || reorder.count; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		bool is_late = random >> 33 & 1 && (random >> 34) % late->one_in == 0;
		/* Three events of each time. */
		int64_t ns =
		    (int64_t)(i / 3) - (is_late ? (int64_t)((random >> 40) % late->most) : 0);

		if (i <= all) {
			hit.filter = (uint32_t)i;
			put(&reorder, event_at(&blank, ns, i), &hit);
		}
		if (i <= all && reorder.count <= wait)
			continue;
		const struct kept_event *first = reorder_first(&reorder)->event;
		struct reorder_entry entry = reorder_take(&reorder);

		assert_ptr_equal(entry.event, first);
		assert_int_equal(entry.hits[0].filter, entry.event->arrival);
		assert_true(entry.time_ns > last_ns ||
			    (entry.time_ns == last_ns && entry.arrival > last_arrival));
		last_ns = entry.time_ns;
		last_arrival = entry.arrival;
		reorder_entry_free(&entry);
		taken++;
	}
	assert_int_equal(taken, all);
	assert_int_equal(reorder.bytes, 0);
	assert_null(reorder_first(&reorder));
	reorder_free(&reorder);
	event_free(&blank);
	field_set_free(fields);
}

static void events_in_order_stay_so(void **state)
{
	(void)state;
	run(&(struct late){UINT32_MAX, 1}, 100);
}

static void late_events_find_their_place(void **state)
{
	(void)state;
	run(&(struct late){10, 30}, 100);
	run(&(struct late){1, 30}, 1000);
	run(&(struct late){3, 1}, 1);
}

static void every_order_becomes_one(void **state)
{
	(void)state;
	run(&(struct late){1, 1000000}, 20000);
}

static void each_is_seen_and_freed(void **state)
{
	(void)state;
	struct field_set *fields = field_set_new();
	struct reorder reorder = {.bytes_max = SIZE_MAX};
	struct engine_hit hit = {0};
	struct event blank;
	uint64_t sum = 0;

	event_init(&blank, fields);
	for (uint64_t i = 0; i < 200; i++)
		put(&reorder, event_at(&blank, i % 2 ? (int64_t)i : -(int64_t)i, i), &hit);
	for (uint32_t i = 0; i < reorder.count; i++)
		sum += reorder_at(&reorder, i)->event->arrival;
	assert_int_equal(reorder.count, 200);
	assert_int_equal(sum, 199 * 200 / 2);
	reorder_free(&reorder);
	event_free(&blank);
	field_set_free(fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(events_in_order_stay_so),
	    cmocka_unit_test(late_events_find_their_place),
	    cmocka_unit_test(every_order_becomes_one),
	    cmocka_unit_test(each_is_seen_and_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
