/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/probe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sensor/sensor_internal.h"

/* Nobody reads it: the least that a ring buffer takes, a page. */
#define PROBE_RING_BYTES 4096

int sensor_probe(enum hook_state states[HOOK_COUNT])
{
	const struct sensor_options options = {.ring_bytes = PROBE_RING_BYTES};
	struct views *views;
	struct wire_actor own;
	struct bpf_side *bpf = NULL;
	int err, fd;

	for (int i = 0; i < HOOK_COUNT; i++)
		states[i] = HOOK_MISSING;
	if (geteuid() != 0) {
		log_error("sensor: trying the kernel's hooks needs root");
		return -EPERM;
	}
	fd = witness_init_fanotify();
	if (fd >= 0) {
		states[HOOK_FANOTIFY] = HOOK_FIRES;
		close(fd);
	}
	views = views_new();
	views_own_actor(views, &own);
	err = bpf_side_open(&bpf, &options, &own);
	if (!err)
		err = bpf_side_attach(bpf);
	if (!err) {
		bpf_side_try_more(bpf);
		bpf_side_hooks(bpf, states);
	}
	bpf_side_close(bpf);
	views_free(views);
	return err;
}
