/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that run already when the sensor opens. The fork, exec and exit programs are attached
 * before this, so that none is missed in between; one seen twice is one process. */
#include "sensor/sensor_internal.h"

#include <errno.h>
#include <unistd.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "sensor/demand.h"

/* Who is whose child, to find those below --root-pid. */
struct family {
	struct kin {
		uint32_t pid, ppid;
		bool followed;
	} * kin;
	uint32_t count, cap;
};

static void family_add(struct family *family, uint32_t pid, uint32_t ppid)
{
	if (family->count == family->cap) {
		family->cap = family->cap ? 2 * family->cap : 1024;
		family->kin = xreallocarray(family->kin, family->cap, sizeof(*family->kin));
	}
	family->kin[family->count++] = (struct kin){pid, ppid, false};
}

static bool is_followed(const struct family *family, uint32_t pid)
{
	for (uint32_t i = 0; i < family->count; i++)
		if (family->kin[i].pid == pid)
			return family->kin[i].followed;
	return false;
}

/* Track what is below `root`; returns how many. */
static uint32_t family_track(struct family *family, struct bpf_side *bpf, uint32_t root)
{
	uint32_t total = 0, found;

	do {
		found = 0;
		for (uint32_t i = 0; i < family->count; i++) {
			struct kin *kin = &family->kin[i];

			if (kin->followed || (kin->pid != root && !is_followed(family, kin->ppid)))
				continue;
			kin->followed = true;
			found++;
			if (bpf_side_track(bpf, kin->pid))
				counter_add(COUNTER_KERNEL_MAP_FULL, 1);
		}
		total += found;
	} while (found);
	return total;
}

/* As the exec program would have done it: by name, as the kernel and as the path has it. */
static void seed_program(struct sensor *sensor, const struct file_demand *demand, uint32_t pid,
			 struct str comm, struct str executable)
{
	uint32_t flags;

	if (!demand_kinds(demand))
		return;
	flags = demand_program(demand, comm, executable) |
		demand_program(demand, str_basename(executable), executable);
	/* one that has executed something meanwhile is there already */
	if (flags && bpf_side_program(sensor->bpf, pid, flags) == -ENOSPC)
		counter_add(COUNTER_KERNEL_MAP_FULL, 1);
}

static void seed_one(struct sensor *sensor, const struct file_demand *demand,
		     const struct wire_view *view)
{
	struct process_facts facts;
	struct process_exec exec;

	arena_reset(&sensor->scratch);
	wire_facts(view, &facts);
	facts.cgroup = record_cgroup(sensor, view);
	record_exec(sensor, view, &exec);
	view_set_root(views_of(sensor->views, &view->record.actor), exec.root);
	process_seed(sensor->processes, &facts, &exec);
	seed_program(sensor, demand, facts.pid, facts.comm, exec.executable_path);
	if (sensor->witness)
		witness_view(sensor->witness, &view->record.actor, false);
}

/* One pass over the iterator. Returns how many tasks, or -errno. */
static int read_tasks(struct sensor *sensor, struct family *family,
		      const struct sensor_options *options, bool seed)
{
	int fd = bpf_side_tasks(sensor->bpf);
	struct wire_view view;
	struct buf text = {0};
	ssize_t n;
	int tasks = 0;

	if (fd < 0)
		return fd;
	while ((n = read(fd, buf_reserve(&text, 65536), 65536)) > 0 || (n < 0 && errno == EINTR))
		text.len += n > 0 ? (size_t)n : 0;
	if (n < 0)
		tasks = -errno;
	close(fd);
	for (size_t at = 0; tasks >= 0 && at < text.len; tasks++) {
		int bytes = wire_read(text.p + at, text.len - at, &view);

		if (bytes < 0) {
			counter_add(COUNTER_RECORD_INVALID, 1);
			break;
		}
		at += (size_t)bytes;
		family_add(family, view.record.actor.pid, view.record.actor.ppid);
		if (seed)
			seed_one(sensor, options->demand, &view);
	}
	buf_free(&text);
	return tasks;
}

int sensor_seed(struct sensor *sensor, const struct sensor_options *options)
{
	struct family family = {0};
	int tasks = read_tasks(sensor, &family, options, true);
	uint32_t followed = 0;

	if (tasks < 0) {
		log_warning("sensor: no task iterator (%s): processes that run already are read "
			    "from /proc, those that end meanwhile are missed",
			    strerror(-tasks));
		tasks = process_scan_proc(sensor->processes);
	}
	if (options->root_pid && family.count) {
		followed = family_track(&family, sensor->bpf, options->root_pid);
		/* Children that an untracked one had before it was tracked: look again. */
		family.count = 0;
		if (followed && read_tasks(sensor, &family, options, false) > 0)
			followed = family_track(&family, sensor->bpf, options->root_pid);
		if (!followed)
			tasks = -ESRCH;
	} else if (options->root_pid) {
		bpf_side_track(sensor->bpf, options->root_pid);
	}
	free(family.kin);
	return tasks;
}
