/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/coverage_internal.h"

/* Where the kernel has its types; man 5 sysfs. */
#define BTF_PATH "/sys/kernel/btf/vmlinux"

int coverage_probe(struct kernel_report *kernel, bool no_probe)
{
	struct utsname name;

	if (!uname(&name))
		snprintf(kernel->release, sizeof(kernel->release), "%s", name.release);
	kernel->has_btf = access(BTF_PATH, F_OK) == 0;
	for (int i = 0; i < HOOK_COUNT; i++)
		kernel->hooks[i] = HOOK_UNCHECKED;
	if (no_probe)
		return 0;
	if (!kernel->has_btf) {
		kernel->unprobed = "the kernel has no BTF (" BTF_PATH "), so the sensor cannot run";
		return -ENOTSUP;
	}
	if (geteuid() != 0) {
		kernel->unprobed = "trying its hooks needs root";
		return -EPERM;
	}
	/* What the sensor says of each hook is in the report. */
	enum log_level level = log_set_level(LOG_LEVEL_ERROR);

	if (level == LOG_LEVEL_DEBUG)
		log_set_level(level);
	int error = sensor_probe(kernel->hooks);

	log_set_level(level);
	kernel->probed = !error;
	if (error)
		kernel->unprobed = "the sensor's programs could not be loaded; the message above "
				   "says why";
	return error;
}

const char *const *coverage_blind(const struct kernel_report *kernel, struct arena *arena)
{
	uint32_t count, n = 0;
	const struct action *actions = action_table(&count);

	if (!kernel->probed)
		return NULL;
	const char **blind = ARENA_ARRAY(arena, const char *, count + 1);

	for (uint32_t i = 0; i < count; i++)
		if (!sensor_action_seen(kernel->hooks, actions[i].action))
			blind[n++] = actions[i].action;
	return blind;
}
