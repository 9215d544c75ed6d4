/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel lets the sensor see: each hook loaded, attached, made to fire, taken off again. */
#ifndef LINTEL_SENSOR_PROBE_H
#define LINTEL_SENSOR_PROBE_H

#include <stdbool.h>
#include <stdint.h>

enum hook_state {
	HOOK_MISSING,   /* the kernel does not have it, or refused the program for it */
	HOOK_SILENT,    /* attached, but it does not fire */
	HOOK_UNCHECKED, /* attached; whether it fires cannot be told on this kernel */
	HOOK_FIRES,
};

enum hook_id {
#define HOOK(id, name, actions, lost) HOOK_##id,
#include "sensor/hooks.def"
#undef HOOK
	HOOK_COUNT
};

struct hook {
	const char *name;
	const char *actions; /* that come from there, blanks between */
	const char *lost;    /* what is not seen without it */
};

const struct hook *sensor_hook(enum hook_id id);
/* "missing", "silent", "unchecked", "fires" */
const char *sensor_hook_state_name(enum hook_state state);

/*
 * Try every hook. Needs root. Events that come meanwhile are thrown away. Returns 0; -EPERM (not root),
 * -ENOTSUP (no BTF, or no tracepoint programs at all), or another -errno, with all hooks HOOK_MISSING
 * but fanotify and a message logged.
 */
int sensor_probe(enum hook_state states[HOOK_COUNT]) __attribute__((warn_unused_result));

/* Does the action come, by these states? An action that no hook names does not. */
bool sensor_action_seen(const enum hook_state states[HOOK_COUNT], const char *action);

#endif
