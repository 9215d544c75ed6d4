/* SPDX-License-Identifier: Apache-2.0 */
/* --cgroup PATH as what the BPF programs compare. */
#ifndef LINTEL_SENSOR_CGROUP_H
#define LINTEL_SENSOR_CGROUP_H

#include "sensor/wire.h"

struct btf;

/* Sets cgroup_id and cgroup_subsys. `path` is a directory of a mounted cgroup file system, or what
 * /proc/PID/cgroup shows, below /sys/fs/cgroup. Returns 0 or -errno, logged. */
int cgroup_find(const char *path, const struct btf *btf, struct wire_config *config);

#endif
