/* SPDX-License-Identifier: Apache-2.0 */
/* Time as lintel keeps it: nanoseconds since the Unix epoch in an int64_t (good until 2262), and
 * its text form, RFC 3339 / ISO 8601 in UTC as ECS's @timestamp. */
#ifndef LINTEL_BASE_CLOCK_H
#define LINTEL_BASE_CLOCK_H

#include "base/str.h"

#define NS_PER_SEC INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* "2026-01-05T03:00:00.248850000Z" and a NUL. */
#define CLOCK_TEXT_MAX 40

/* Now, by CLOCK_REALTIME. */
int64_t clock_now_ns(void);
/* Now, by CLOCK_MONOTONIC; only differences mean something. */
int64_t clock_monotonic_ns(void);
/* What to add to a CLOCK_BOOTTIME reading (the kernel's start_boottime, bpf_ktime_get_boot_ns) to
 * get epoch nanoseconds; changes when the wall clock is set. */
int64_t clock_boot_offset_ns(void);
/* ISO 8601 to epoch ns: date, optional time ('T', 't' or blank before it), optional fraction
 * (digits beyond nine are cut), 'Z', ±hh:mm, ±hhmm, ±hh or nothing (UTC). -EINVAL if it is none. */
int clock_parse(struct str text, int64_t *ns) __attribute__((warn_unused_result));
/* Writes "YYYY-MM-DDThh:mm:ss.mmmZ" with 3, 6 or 9 digits, as few as are exact; returns it. */
struct str clock_format(int64_t ns, char text[CLOCK_TEXT_MAX]);

#endif
