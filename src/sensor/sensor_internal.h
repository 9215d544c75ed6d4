/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the sensor share. */
#ifndef LINTEL_SENSOR_SENSOR_INTERNAL_H
#define LINTEL_SENSOR_SENSOR_INTERNAL_H

#include "base/counter.h"
#include "sensor/probe.h"
#include "sensor/sensor.h"
#include "sensor/view.h"
#include "sensor/wire_read.h"

struct bpf_side;
struct blind;
struct witness;

struct sensor {
	const struct field_set *fields;
	struct process_table *processes;
	const struct host *host;
	struct views *views;
	struct bpf_side *bpf;
	struct witness *witness; /* fanotify; NULL without it */
	struct blind *blind;
	struct event event;   /* the one being built */
	struct arena scratch; /* texts of the record being handled that the event does not keep */
	sensor_handler *handler; /* of the sensor_poll under way */
	void *context;
	int handled; /* events in this sensor_poll */
	uint64_t sequence;
	char id_prefix[40]; /* of event.id: host, boot and run */
	int64_t boot_offset_ns;
	int64_t losses_read_ns; /* when they were last looked at, CLOCK_MONOTONIC */
	int64_t offset_read_ns; /* when, CLOCK_MONOTONIC */
	uint32_t self_pid;
	uint32_t root_pid; /* --root-pid, or 0 */
	int epoll_fd;
	int timer_fd;
	int mountinfo_fd; /* lintel's own; readable by POLLPRI when its mounts change */
};

/* bpf_side.c: the BPF programs */
int bpf_side_open(struct bpf_side **out, const struct sensor_options *options,
		  const struct wire_actor *own);
void bpf_side_close(struct bpf_side *bpf);
int bpf_side_attach(struct bpf_side *bpf);
/* No records come after this; those in the ring stay. */
void bpf_side_detach(struct bpf_side *bpf);
int bpf_side_fd(const struct bpf_side *bpf);
/* Give every waiting record to sensor_record, at most `max`; returns how many, or -errno. */
int bpf_side_consume(struct bpf_side *bpf, struct sensor *sensor, int max);
void bpf_side_count_losses(struct bpf_side *bpf);
/* What the ring had no room for and what was held back, by kind, since the programs were loaded. */
void bpf_side_losses(const struct bpf_side *bpf, uint64_t full[WIRE_KIND_COUNT],
		     uint64_t shed[WIRE_KIND_COUNT]);
/* Report on this process too (--root-pid). */
int bpf_side_track(struct bpf_side *bpf, uint32_t pid);
/* Find out whether more hooks fire, by executing something. */
void bpf_side_try_more(struct bpf_side *bpf);
/* What became of the hooks; fanotify's is left as it is. */
void bpf_side_hooks(const struct bpf_side *bpf, enum hook_state states[HOOK_COUNT]);
/* What is known of a program that runs already: PROGRAM_ bits. */
int bpf_side_program(struct bpf_side *bpf, uint32_t pid, uint32_t flags);
/* A readable descriptor of task records, or -errno. */
int bpf_side_tasks(struct bpf_side *bpf);

/* blind.c: losses as events, so that rules can alert on them */
struct blind *blind_new(void);
void blind_free(struct blind *blind);
/* Emit an event for each cause that has lost something and was not told of for a while. */
void blind_tell(struct blind *blind, struct sensor *sensor);

/* seed.c: processes that run already */
int sensor_seed(struct sensor *sensor, const struct sensor_options *options);

/* record.c: from a record to an event */
void sensor_record(struct sensor *sensor, const void *data, size_t bytes);
/* The exec facts of a record (WIRE_EXEC, WIRE_TASK); texts in sensor->scratch. */
void record_exec(struct sensor *sensor, const struct wire_view *view, struct process_exec *exec);
/* A place of the record; one the kernel side did not walk to its end is_cut. -EINVAL: it is none.
 */
int record_place(const struct wire_view *view, enum wire_span_kind span, struct place *place)
    __attribute__((warn_unused_result));
struct str record_cgroup(struct sensor *sensor, const struct wire_view *view);

/* emit.c: what every event has, and handing it on */
void emit_begin(struct sensor *sensor, uint64_t boot_ns, struct str provider);
void emit_kind(struct sensor *sensor, const char *category, const char *type, const char *action);
/* Name what the event lacks, and why. */
void emit_incomplete(struct sensor *sensor, const char *what);
void emit_end(struct sensor *sensor, const struct process *process);
/* The same for an event of the host, not of a process. */
void emit_end_host(struct sensor *sensor);

/* process_event.c, file_event.c, network_event.c */
void process_event(struct sensor *sensor, const struct wire_view *view);
void file_event(struct sensor *sensor, const struct wire_view *view);
void network_event(struct sensor *sensor, const struct wire_view *view);

/* file_fields.c: a file as file.* fields */
struct file_facts {
	struct str path;      /* as the process sees it */
	struct str host_path; /* empty: not known */
	uint64_t inode, size;
	uint32_t mode, uid, gid;
	bool has_attributes;
};
struct file_facts file_facts_of(const struct located *located);
void file_fields(struct sensor *sensor, const struct file_facts *file);
void file_original(struct sensor *sensor, struct str path, struct str host_path);

/* witness.c, witness_read.c, witness_marks.c: fanotify */
/* A fanotify descriptor with what this kernel has of what the witness wants, or -errno. */
int witness_init_fanotify(void);
int witness_open(struct witness **out, struct sensor *sensor, const char *const *directories);
void witness_close(struct witness *witness);
int witness_fd(const struct witness *witness);
void witness_read(struct witness *witness);
/* Events whose mate did not come in time become events of their own. */
void witness_expire(struct witness *witness);
/* The tracepoints have said all that they will: what still waits is fanotify's alone. */
void witness_flush(struct witness *witness);
/* The tracepoints have reported this. */
void witness_confirm(struct witness *witness, uint32_t pid, struct str path, const char *action);
/* A process with this view of the file system exists: mark the directories there too.
 * `has_changed`: its mounts may be others than last time. */
void witness_view(struct witness *witness, const struct wire_actor *actor, bool has_changed);

#endif
