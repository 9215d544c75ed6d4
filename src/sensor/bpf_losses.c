/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel side could not report: read from its maps, counted and said. */
#include "sensor/bpf_side_internal.h"

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

static uint64_t all_misses(const struct bpf_side *bpf)
{
	const struct bpf_object *const objects[] = {
	    bpf->process->obj,
	    bpf->calls ? bpf->calls->obj : NULL,
	    bpf->file ? bpf->file->obj : NULL,
	    bpf->network ? bpf->network->obj : NULL,
	    bpf->uring ? bpf->uring->obj : NULL,
	    bpf->uring_network ? bpf->uring_network->obj : NULL,
	};
	const struct bpf_object *object;
	uint64_t misses = 0;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		misses += object_misses(objects[i]);
	for (int i = 0; (object = lsm_object(bpf->lsm, i)); i++)
		misses += object_misses(object);
	return misses;
}

void bpf_side_count_losses(struct bpf_side *bpf)
{
	uint64_t total[WIRE_LOSS_COUNT], ring = 0, shed = 0;

	read_losses(bpf, total);
	for (int kind = 0; kind < WIRE_KIND_COUNT; kind++) {
		ring += total[WIRE_LOSS_RING + kind];
		shed += total[WIRE_LOSS_SHED + kind];
	}
	counter_set(COUNTER_RING_FULL, ring);
	counter_set(COUNTER_RING_SHED, shed);
	counter_set(COUNTER_KERNEL_READ_FAILED, total[WIRE_LOSS_READ]);
	counter_set(COUNTER_KERNEL_MAP_FULL, total[WIRE_LOSS_MAP]);
	counter_set(COUNTER_PATH_TRUNCATED, total[WIRE_LOSS_PATH]);
	counter_set(COUNTER_ARGV_TRUNCATED, total[WIRE_LOSS_ARGV]);
	counter_set(COUNTER_KERNEL_MISSED, all_misses(bpf));
	counter_set(COUNTER_MESSAGES_SKIPPED, total[WIRE_LOSS_MESSAGES]);
}

void bpf_side_losses(const struct bpf_side *bpf, uint64_t full[WIRE_KIND_COUNT],
		     uint64_t shed[WIRE_KIND_COUNT])
{
	uint64_t total[WIRE_LOSS_COUNT];

	read_losses(bpf, total);
	memcpy(full, total + WIRE_LOSS_RING, WIRE_KIND_COUNT * sizeof(*full));
	memcpy(shed, total + WIRE_LOSS_SHED, WIRE_KIND_COUNT * sizeof(*shed));
}
