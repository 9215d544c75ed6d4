/* SPDX-License-Identifier: Apache-2.0 */
#include "base/counter.h"

#include <stdatomic.h>

static _Atomic uint64_t values[COUNTER_COUNT];

static const struct {
	const char *name;
	const char *text;
} counters[] = {
#define COUNTER(id, t) [COUNTER_##id] = {.name = #id, .text = t},
#include "base/counters.def"
#undef COUNTER
};

void counter_add(enum counter counter, uint64_t n)
{
	atomic_fetch_add_explicit(&values[counter], n, memory_order_relaxed);
}

void counter_set(enum counter counter, uint64_t n)
{
	atomic_store_explicit(&values[counter], n, memory_order_relaxed);
}

uint64_t counter_get(enum counter counter)
{
	return atomic_load_explicit(&values[counter], memory_order_relaxed);
}

const char *counter_text(enum counter counter)
{
	return counters[counter].text;
}

struct str counter_name(enum counter counter)
{
	return str_from(counters[counter].name);
}
