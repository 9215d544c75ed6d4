/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs at the kernel's decision points (bpf/lsm.bpf.c): which of them this kernel takes, and
 * which of those work. A hook counts when it told of a call what was done; 5.10's LSM hooks can be
 * attached and are never called.
 */
#ifndef LINTEL_SENSOR_LSM_H
#define LINTEL_SENSOR_LSM_H

#include <stdint.h>

#include "sensor/sensor.h"
#include "sensor/wire.h"

struct bpf_object;
struct btf;
struct lsm;

/* Gives an object the maps it shares with the others; 0 or -errno. */
typedef int lsm_prepare(void *context, struct bpf_object *object);

/*
 * Load, attach and try every hook of path_hooks.def, by the LSM hook where that works, else at the entry of
 * the function that calls it; `layer` may leave one of the two. `config` and `demand_bits` are the
 * programs'. Returns 0,
 * also when no hook works; -ENOTSUP when `layer` asks for one and it does not, which is logged.
 */
int lsm_open(struct lsm **out, enum sensor_layer layer, const struct wire_config *config,
	     const uint64_t *demand_bits, const struct btf *btf, lsm_prepare *prepare,
	     void *context) __attribute__((warn_unused_result));
void lsm_close(struct lsm *lsm);
/* No program runs after this. */
void lsm_detach(struct lsm *lsm);
/* The hooks that work: 1 << enum path_hook. */
uint32_t lsm_hooks(const struct lsm *lsm);
/* The n-th object with programs, NULL after the last. The first has the maps the others use. */
struct bpf_object *lsm_object(const struct lsm *lsm, int n);
/* Give another object the maps between the hooks' programs and those at a call's end; where no hook
 * works they need no room. */
int lsm_share(const struct lsm *lsm, struct bpf_object *object);
/* Say which hooks serve which calls, and what is not served. */
void lsm_report(const struct lsm *lsm);

/* lsm_probe.c: do what passes each hook, in a file system nobody else sees; returns the hooks that told
 * it rightly. The maps are lsm.bpf.c's. */
uint32_t lsm_probe(int asked_fd, int decided_fd, int programs_fd);

#endif
