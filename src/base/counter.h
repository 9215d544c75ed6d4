/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss counters. Nothing is dropped silently: whatever throws an event, a record or a part of one
 * away names the cause here, and the summary at exit (later: `lintel coverage`, metrics) prints
 * every cause that is not zero. The table is counters.def; counters are atomic, any thread may add.
 */
#ifndef LINTEL_BASE_COUNTER_H
#define LINTEL_BASE_COUNTER_H

#include "base/buf.h"

enum counter {
#define COUNTER(id, text) COUNTER_##id,
#include "base/counters.def"
#undef COUNTER
	COUNTER_COUNT
};

void counter_add(enum counter counter, uint64_t n);
/* For a cause counted elsewhere (kernel maps): replaces the value. */
void counter_set(enum counter counter, uint64_t n);
uint64_t counter_get(enum counter counter);
/* "records too large", for people. */
const char *counter_text(enum counter counter);
/* "RING_FULL": the stable name, for NDJSON and tests. */
struct str counter_name(enum counter counter);

#endif
