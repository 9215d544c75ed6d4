/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel records as the user side reads them: checked once here, trusted nowhere before. Needs no
 * libbpf, so that it can be fuzzed. */
#ifndef LINTEL_SENSOR_WIRE_READ_H
#define LINTEL_SENSOR_WIRE_READ_H

#include "base/str.h"
#include "process/process.h"
#include "sensor/calls.h"
#include "sensor/wire.h"

/* A record's fixed part, and its texts as slices of the record. */
struct wire_view {
	struct wire_record record;
	struct str span[WIRE_SPAN_COUNT];
};

/* Check `bytes` bytes at `data` (of any alignment) and take them apart. Returns how many bytes the
 * record has, or -EINVAL. The slices are good as long as `data`. */
int wire_read(const void *data, size_t bytes, struct wire_view *view)
    __attribute__((warn_unused_result));

static inline bool wire_is_cut(const struct wire_view *view, enum wire_span_kind span)
{
	return view->record.cut & (1u << span);
}

static inline bool wire_has_failed(const struct wire_view *view, enum wire_span_kind span)
{
	return view->record.failed & (1u << span);
}

/* The struct of a record's kind, copied; false when it has none of that size. */
bool wire_detail(const struct wire_view *view, struct wire_detail *detail);
bool wire_ids(const struct wire_view *view, struct wire_ids *ids);

/* The acting process as the process table takes it; comm points into the view, cgroup is empty. */
void wire_facts(const struct wire_view *view, struct process_facts *facts);

/* The detail of a WIRE_NETWORK or WIRE_DNS record. Returns 0, or -EINVAL: it is none. */
int wire_network(const struct wire_view *view, struct wire_network *out)
    __attribute__((warn_unused_result));

/* calls.def for the user side. */
struct call_info {
	struct str name;
	enum call_how how;
	enum call_what what;
};

const struct call_info *call_info(enum call call);
bool call_is_uring(enum call call);

#endif
