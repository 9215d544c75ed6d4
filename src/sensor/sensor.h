/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor: kernel events as ECS events. eBPF tracepoints are the first witness, fanotify the
 * second for the directories rules name. Only this room links libbpf.
 */
#ifndef LINTEL_SENSOR_SENSOR_H
#define LINTEL_SENSOR_SENSOR_H

#include "event/demand.h"
#include "event/event.h"
#include "process/host.h"
#include "process/process.h"
#include "sensor/own.h"

struct sensor;

/* How the files of calls on path strings are found. */
enum sensor_layer {
	SENSOR_LAYER_AUTO, /* what works best, for each kind of call */
	SENSOR_LAYER_TRACEPOINT,
	SENSOR_LAYER_LSM,
	SENSOR_LAYER_FENTRY
};

struct sensor_options {
	uint32_t root_pid;       /* only this process and what it starts; 0: all */
	const char *cgroup_path; /* only processes in or below this cgroup; NULL: all */
	/* Directories the second witness marks, NULL-terminated; NULL: none. */
	const char *const *watch_directories;
	enum sensor_layer layer;
	/* Which changes to files to report; NULL: all. Borrowed for sensor_open(). */
	const struct file_demand *demand;
	/* Names of environment variables that exec events bring (process.env_vars), NULL-terminated;
	 * a '*' at the end stands for anything. NULL: none. */
	const char *const *env_names;
	/* 1 << enum wire_kind (wire.h) for each kind of record nobody asks for: it does not leave
	 * the kernel. 0: all are wanted. */
	uint64_t unwanted;
	/* lintel's own files; NULL: none. Borrowed as long as the sensor lives. */
	const struct own_file *own;
	uint32_t ring_bytes; /* 0: SENSOR_RING_BYTES_DEFAULT; a power of two */
};

/* Measured need: up to 600 bytes a record; a burst of 25,000 file events while the
 * reader is off the CPU for 25 ms is 15 MB. Each byte counts twice in what `ps` calls resident,
 * because the ring is mapped twice in a row. */
#define SENSOR_RING_BYTES_DEFAULT (16u << 20)

/* One event; borrowed for the call. `process` is who did it, NULL when
 * nobody did (action events_lost). */
typedef void sensor_handler(void *context, struct event *event, const struct process *process);

/*
 * Load and attach everything this kernel has. What is attached, what the kernel lacks and what
 * that costs is logged, one line each. `fields` must be frozen. The table and host outlive the
 * sensor. Returns 0; -EPERM (not root), -ENOTSUP (no BTF, or no tracepoint programs at all), each
 * logged with the way out.
 */
int sensor_open(struct sensor **out, const struct sensor_options *options,
		const struct field_set *fields, struct process_table *processes,
		const struct host *host) __attribute__((warn_unused_result));
void sensor_close(struct sensor *sensor);
/* A descriptor that is readable when there is something for sensor_poll (epoll). */
int sensor_fd(const struct sensor *sensor);
/* Handle what has arrived, waiting up to timeout_ms (0: do not wait). Returns the number of events
 * handled, or -errno. -EINTR when a signal came. */
int sensor_poll(struct sensor *sensor, int timeout_ms, sensor_handler *handler, void *context);
/* Take the programs off and handle all that they and fanotify have told until now. For the end. */
void sensor_drain(struct sensor *sensor, sensor_handler *handler, void *context);
/* Bring the kernel's loss counters into base/counter.h. */
void sensor_count_losses(struct sensor *sensor);

#endif
