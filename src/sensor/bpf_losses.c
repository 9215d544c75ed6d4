/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel side lost, and saying so. */
#include "sensor/bpf_side_internal.h"

#include <bpf/bpf.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"

static void read_losses(const struct bpf_side *bpf, uint64_t total[WIRE_LOSS_COUNT])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *each;

	memset(total, 0, WIRE_LOSS_COUNT * sizeof(*total));
	if (cpus <= 0)
		return;
	each = xcalloc((size_t)cpus, sizeof(*each));
	for (uint32_t cause = 0; cause < WIRE_LOSS_COUNT; cause++) {
		if (bpf_map__lookup_elem(bpf->process->maps.losses, &cause, sizeof(cause), each,
					 (size_t)cpus * sizeof(*each), 0))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++)
			total[cause] += each[cpu];
	}
	free(each);
}

/* Hits for which the kernel did not run a program, because it was running on that CPU (5.12). */
static uint64_t object_misses(const struct bpf_object *object)
{
	struct bpf_program *program;
	uint64_t misses = 0;

	if (!object)
		return 0;
	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info;
		uint32_t bytes = sizeof(info);

		memset(&info, 0, sizeof(info));
		if (bpf_program__fd(program) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes))
			misses += info.recursion_misses;
	}
	return misses;
}

void bpf_side_count_losses(struct bpf_side *bpf)
{
	uint64_t total[WIRE_LOSS_COUNT], ring = 0;

	read_losses(bpf, total);
	for (int kind = 0; kind < WIRE_KIND_COUNT; kind++)
		ring += total[WIRE_LOSS_RING + kind];
	counter_set(COUNTER_RING_FULL, ring);
	counter_set(COUNTER_KERNEL_READ_FAILED, total[WIRE_LOSS_READ]);
	counter_set(COUNTER_KERNEL_MAP_FULL, total[WIRE_LOSS_MAP]);
	counter_set(COUNTER_PATH_TRUNCATED, total[WIRE_LOSS_PATH]);
	counter_set(COUNTER_ARGV_TRUNCATED, total[WIRE_LOSS_ARGV]);
	log_debug("sensor: %llu loads of libraries that the same program had loaded before",
		  (unsigned long long)total[WIRE_LIBRARY_SEEN]);
	counter_set(COUNTER_KERNEL_MISSED,
		    object_misses(bpf->process->obj) +
			object_misses(bpf->calls ? bpf->calls->obj : NULL) +
			object_misses(bpf->file ? bpf->file->obj : NULL) +
			object_misses(bpf->procall ? bpf->procall->obj : NULL) +
			object_misses(bpf->uring ? bpf->uring->obj : NULL));
}

void bpf_side_report_losses(struct bpf_side *bpf)
{
	uint64_t total[WIRE_LOSS_COUNT], lost[WIRE_KIND_COUNT], sum = 0;

	read_losses(bpf, total);
	for (int kind = 0; kind < WIRE_KIND_COUNT; kind++) {
		lost[kind] = total[WIRE_LOSS_RING + kind] - bpf->reported[kind];
		bpf->reported[kind] = total[WIRE_LOSS_RING + kind];
		sum += lost[kind];
	}
	if (sum)
		log_warning(
		    "sensor: ring buffer full: %llu events lost in the last second "
		    "(processes: fork %llu, exec %llu, end %llu; files: %llu; other: "
		    "%llu)",
		    (unsigned long long)sum, (unsigned long long)lost[WIRE_FORK],
		    (unsigned long long)lost[WIRE_EXEC], (unsigned long long)lost[WIRE_EXIT],
		    (unsigned long long)(lost[WIRE_FILE] + lost[WIRE_PATHS]),
		    (unsigned long long)(sum - lost[WIRE_FORK] - lost[WIRE_EXEC] - lost[WIRE_EXIT] -
					 lost[WIRE_FILE] - lost[WIRE_PATHS]));
}
