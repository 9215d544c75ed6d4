/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "sensor/sensor_internal.h"

/* Records that do not wake the reader are looked for this often: what an event may be late. */
#define POLL_NS (10 * NS_PER_MS)
/* Records handled in one sensor_poll, so that a busy ring does not keep the caller from its
 * signals and its other work: 10,000 take about 50 ms. */
#define RECORDS_PER_POLL 10000
/* Fewer descriptors than the maps, programs and links need. */
#define DESCRIPTORS_MIN 64
/* include/linux/proc_ns.h: PROC_PID_INIT_INO */
#define INITIAL_PID_NS 0xEFFFFFFCu

static int check_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= DESCRIPTORS_MIN)
		return 0;
	log_error("sensor: %llu file descriptors allowed, %d needed; raise the limit (ulimit -n "
		  "1024)",
		  (unsigned long long)limit.rlim_cur, DESCRIPTORS_MIN);
	return -EMFILE;
}

static void check_pid_namespace(void)
{
	struct stat st;

	if (!stat("/proc/self/ns/pid", &st) && st.st_ino != INITIAL_PID_NS)
		log_warning("sensor: lintel runs in a pid namespace of its own; the kernel's pids "
			    "are not those of this /proc, and lineage will have gaps");
}

static int watch_fd(struct sensor *sensor, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(sensor->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_descriptors(struct sensor *sensor)
{
	const struct itimerspec every = {{0, POLL_NS}, {0, POLL_NS}};
	int err;

	sensor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sensor->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	sensor->mountinfo_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (sensor->epoll_fd < 0 || sensor->timer_fd < 0 ||
	    timerfd_settime(sensor->timer_fd, 0, &every, NULL))
		return -errno;
	err = watch_fd(sensor, sensor->timer_fd, EPOLLIN);
	if (!err)
		err = watch_fd(sensor, bpf_side_fd(sensor->bpf), EPOLLIN);
	if (!err && sensor->mountinfo_fd >= 0)
		watch_fd(sensor, sensor->mountinfo_fd, EPOLLPRI | EPOLLET);
	if (!err && sensor->witness)
		err = watch_fd(sensor, witness_fd(sensor->witness), EPOLLIN);
	return err;
}

/* Unique for every event of every run: host, boot, and when on that boot this run began. */
static void make_id_prefix(struct sensor *sensor)
{
	struct str host = host_id(sensor->host), boot = host_boot_id(sensor->host);
	uint64_t hash = str_hash(host) ^ (str_hash(boot) * 0x9e3779b97f4a7c15u);

	snprintf(sensor->id_prefix, sizeof(sensor->id_prefix), "%016llx-%llx-",
		 (unsigned long long)hash, (unsigned long long)clock_now_ns());
}

/* Without it the tracepoints are the only witness; witness_open says why. */
static void open_witness(struct sensor *sensor, const struct sensor_options *options)
{
	if (!options->watch_directories || !options->watch_directories[0])
		return;
	if (options->cgroup_path)
		log_info("sensor: no fanotify with --cgroup: it tells no cgroup");
	else if (witness_open(&sensor->witness, sensor, options->watch_directories))
		sensor->witness = NULL;
}

int sensor_open(struct sensor **out, const struct sensor_options *options,
		const struct field_set *fields, struct process_table *processes,
		const struct host *host)
{
	struct wire_actor own;
	struct sensor *sensor;
	int err;

	if (geteuid() != 0) {
		log_error("sensor: watching needs root (BPF and fanotify); run it with sudo");
		return -EPERM;
	}
	err = check_limits();
	if (err)
		return err;
	check_pid_namespace();
	sensor = xcalloc(1, sizeof(*sensor));
	sensor->fields = fields;
	sensor->processes = processes;
	sensor->host = host;
	sensor->self_pid = (uint32_t)getpid();
	sensor->root_pid = options->root_pid;
	sensor->epoll_fd = sensor->timer_fd = sensor->mountinfo_fd = -1;
	sensor->views = views_new();
	sensor->blind = blind_new();
	event_init(&sensor->event, fields);
	arena_init(&sensor->scratch);
	make_id_prefix(sensor);
	views_own_actor(sensor->views, &own);
	err = bpf_side_open(&sensor->bpf, options, &own);
	if (err)
		goto fail;
	open_witness(sensor, options);
	err = bpf_side_attach(sensor->bpf);
	if (!err)
		err = sensor_seed(sensor, options);
	if (err == -ESRCH)
		log_error("sensor: there is no process %u", options->root_pid);
	if (err < 0)
		goto fail;
	log_info("sensor: %d running processes read", err);
	err = open_descriptors(sensor);
	if (err) {
		log_error("sensor: %s", strerror(-err));
		goto fail;
	}
	*out = sensor;
	return 0;
fail:
	sensor_close(sensor);
	return err;
}

void sensor_close(struct sensor *sensor)
{
	if (!sensor)
		return;
	witness_close(sensor->witness);
	bpf_side_close(sensor->bpf);
	views_free(sensor->views);
	blind_free(sensor->blind);
	event_free(&sensor->event);
	arena_free(&sensor->scratch);
	if (sensor->mountinfo_fd >= 0)
		close(sensor->mountinfo_fd);
	if (sensor->timer_fd >= 0)
		close(sensor->timer_fd);
	if (sensor->epoll_fd >= 0)
		close(sensor->epoll_fd);
	free(sensor);
}

int sensor_fd(const struct sensor *sensor)
{
	return sensor->epoll_fd;
}

/* A loss is said when it happens, not only at the end. */
static void report_losses(struct sensor *sensor)
{
	int64_t now = clock_monotonic_ns();

	if (now - sensor->losses_read_ns < NS_PER_SEC)
		return;
	sensor->losses_read_ns = now;
	bpf_side_count_losses(sensor->bpf);
	blind_tell(sensor->blind, sensor);
}

int sensor_poll(struct sensor *sensor, int timeout_ms, sensor_handler *handler, void *context)
{
	struct epoll_event events[8];
	uint64_t ticks;
	int n, err = 0;

	n = epoll_wait(sensor->epoll_fd, events, 8, timeout_ms);
	if (n < 0)
		return -errno;
	sensor->handler = handler;
	sensor->context = context;
	sensor->handled = 0;
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == sensor->mountinfo_fd)
			views_mounts_changed(sensor->views, 0);
		else if (events[i].data.fd == sensor->timer_fd &&
			 read(sensor->timer_fd, &ticks, sizeof(ticks)) < 0)
			continue;
	}
	/* fanotify first: what it tells is then older than the records read after it, and waits for
	 * them */
	if (sensor->witness)
		witness_read(sensor->witness);
	err = bpf_side_consume(sensor->bpf, sensor, RECORDS_PER_POLL);
	if (sensor->witness && err >= 0 && err < RECORDS_PER_POLL)
		witness_expire(sensor->witness);
	views_refresh(sensor->views);
	report_losses(sensor);
	sensor->handler = NULL;
	return err < 0 ? err : sensor->handled;
}

void sensor_drain(struct sensor *sensor, sensor_handler *handler, void *context)
{
	sensor->handler = handler;
	sensor->context = context;
	/* What fanotify told before the programs were taken off they have told too. */
	if (sensor->witness)
		witness_read(sensor->witness);
	bpf_side_detach(sensor->bpf);
	/* bounded: nothing fills the ring any more */
	while (bpf_side_consume(sensor->bpf, sensor, RECORDS_PER_POLL) >= RECORDS_PER_POLL)
		;
	if (sensor->witness)
		witness_flush(sensor->witness);
	sensor->losses_read_ns = 0;
	report_losses(sensor);
	sensor->handler = NULL;
}

void sensor_count_losses(struct sensor *sensor)
{
	bpf_side_count_losses(sensor->bpf);
}
