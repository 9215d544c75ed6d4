/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.def as a table, and what a set of hooks gives. */
#include <string.h>

#include "sensor/probe.h"

static const struct hook hooks[] = {
#define HOOK(id, name, actions, lost) [HOOK_##id] = {name, actions, lost},
#include "sensor/hooks.def"
#undef HOOK
};

static const char *const state_names[] = {"missing", "silent", "unchecked", "fires"};

const struct hook *sensor_hook(enum hook_id id)
{
	return &hooks[id];
}

const char *sensor_hook_state_name(enum hook_state state)
{
	return state_names[state];
}

static bool names(const char *list, const char *word)
{
	for (size_t n; *list; list += n + strspn(list + n, " ")) {
		n = strcspn(list, " ");
		if (strlen(word) == n && !strncmp(list, word, n))
			return true;
	}
	return false;
}

bool sensor_action_seen(const enum hook_state states[HOOK_COUNT], const char *action)
{
	for (int i = 0; i < HOOK_COUNT; i++)
		if (states[i] >= HOOK_UNCHECKED && names(hooks[i].actions, action))
			return true;
	return false;
}
