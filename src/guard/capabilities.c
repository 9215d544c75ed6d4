/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities and user ids, by libcap-ng. */
#include <cap-ng.h>
#include <errno.h>
#include <linux/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/log.h"
#include "guard/guard_internal.h"

/* Chosen by the calls made after start and the checks the kernel makes in them: docs/security.md.
 * Tests hold that these are enough (tests/live/guard_test.py), not that each is needed: none was
 * left out by itself. CAP_SYS_ADMIN is not among them: fanotify_mark() asks it of who made the group, not of who adds a directory to it. */
const struct guard_capability guard_capabilities[] = {
    {CAP_DAC_READ_SEARCH, "dac_read_search",
     "paths below directories of other users; directories that fanotify is to watch",
     "openat2, statx, fanotify_mark, opening a rotated audit log", false, 0},
    {CAP_SYS_PTRACE, "sys_ptrace", "root, directory, program and namespaces of other processes",
     "open and readlink of /proc/PID/root, cwd, exe, ns/mnt", true, 0},
    /* kernel/bpf/syscall.c: since 5.19 only making maps and programs asks for it */
    {CAP_BPF, "bpf", "counters of lost events, with kernel.unprivileged_bpf_disabled",
     "bpf BPF_MAP_LOOKUP_ELEM, BPF_OBJ_GET_INFO_BY_FD", true, KERNEL_VERSION(5, 19, 0)},
    {0},
};

static uint32_t running_version(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return 0; /* not known: as if old */
	return KERNEL_VERSION(major, minor, 0);
}

static bool is_needed(const struct guard_capability *capability,
		      const struct guard_options *options)
{
	if (capability->processes_only && !options->reads_processes)
		return false;
	return !capability->until_version || running_version() < capability->until_version;
}

/* Of what is needed, what there is: who reads an audit log of his own may have none of them. */
static void choose(const struct guard_options *options, struct buf *kept)
{
	uint64_t keep = 0;

	for (const struct guard_capability *c = guard_capabilities; c->name; c++)
		if (is_needed(c, options) &&
		    capng_have_capability(CAPNG_PERMITTED, (unsigned)c->number))
			keep |= UINT64_C(1) << c->number;
	capng_clear(CAPNG_SELECT_BOTH);
	for (const struct guard_capability *c = guard_capabilities; c->name; c++) {
		if (!(keep & UINT64_C(1) << c->number))
			continue;
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned)c->number);
		buf_printf(kept, "%s%s", kept->len ? ", " : "", c->name);
	}
}

int capabilities_drop(const struct guard_options *options, struct buf *kept)
{
	int err;

	if (capng_get_caps_process()) {
		log_error("cannot read own capabilities: %s", strerror(errno));
		return -EPERM;
	}
	bool bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);

	choose(options, kept);
	/* Ambient ones are cleared by the kernel with the permitted ones; of the bounding set only
	 * who has CAP_SETPCAP can drop. */
	if (options->user.name) {
		err = capng_change_id((int)options->user.uid, (int)options->user.gid,
				      CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	} else {
		err = capng_apply(bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS);
	}
	if (!err)
		return 0;
	log_error("cannot give up capabilities%s%s: libcap-ng error %d; --no-sandbox goes on with "
		  "all of them",
		  options->user.name ? " and become " : "", options->user.name ?: "", err);
	return -EPERM;
}
