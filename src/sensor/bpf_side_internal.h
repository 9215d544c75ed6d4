/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about the BPF programs share. */
#ifndef LINTEL_SENSOR_BPF_SIDE_INTERNAL_H
#define LINTEL_SENSOR_BPF_SIDE_INTERNAL_H

#include <bpf/libbpf.h>

#include "sensor/sensor_internal.h"
#include "sensor/wire.h"

#include "calls.skel.h"
#include "file.skel.h"
#include "procall.skel.h"
#include "process.skel.h"
#include "tasks.skel.h"
#include "uring.skel.h"

struct bpf_side {
	struct wire_config config;
	uint32_t ring_bytes;
	struct btf *btf;
	struct process_bpf *process;
	struct calls_bpf *calls;     /* the program at sys_exit; NULL when it could not be loaded */
	struct file_bpf *file;       /* behind it; likewise */
	struct procall_bpf *procall; /* likewise */
	struct uring_bpf *uring;     /* likewise */
	struct tasks_bpf *tasks;     /* likewise */
	struct ring_buffer *ring;
	struct sensor *sensor;              /* during bpf_side_consume */
	uint64_t reported[WIRE_KIND_COUNT]; /* ring losses that were logged */
	int left;                           /* records this call may still take */
};

#endif
