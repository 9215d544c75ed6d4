/* SPDX-License-Identifier: Apache-2.0 */
/* The loaded BPF objects, for the files that deal with them. */
#ifndef LINTEL_SENSOR_BPF_SIDE_INTERNAL_H
#define LINTEL_SENSOR_BPF_SIDE_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>

#include "sensor/demand.h"
#include "sensor/lsm.h"
#include "sensor/probe.h"
#include "sensor/sensor_internal.h"
#include "sensor/wire.h"

#include "calls.skel.h"
#include "file.skel.h"
#include "guard.skel.h"
#include "network.skel.h"
#include "procall.skel.h"
#include "process.skel.h"
#include "tasks.skel.h"
#include "uring.skel.h"
#include "uring_network.skel.h"

struct bpf_side {
	struct wire_config config;
	uint32_t ring_bytes;
	uint32_t demand_count;
	uint64_t demand_bits[DEMAND_BITS / 64];
	struct btf *btf;
	struct process_bpf *process;
	struct lsm *lsm;
	struct calls_bpf *calls;     /* the program at sys_exit; NULL when it could not be loaded */
	struct file_bpf *file;       /* behind it; likewise */
	struct procall_bpf *procall; /* likewise */
	struct guard_bpf *guard;     /* likewise */
	struct network_bpf *network; /* likewise */
	struct uring_bpf *uring;     /* likewise */
	struct uring_network_bpf *uring_network; /* likewise */
	struct tasks_bpf *tasks;                 /* likewise */
	struct ring_buffer *ring;
	struct sensor *sensor;             /* during bpf_side_consume */
	int left;                          /* records this call may still take */
	enum hook_state hooks[HOOK_COUNT]; /* since bpf_side_attach */
};

#endif
