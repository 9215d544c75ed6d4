/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock: files are made, changed and removed below the given directories only. Debian 12's libc
 * has no wrappers, and its kernel headers not all rights: the numbers are the kernel's
 * (include/uapi/linux/landlock.h), which never change. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/guard_internal.h"

#define RIGHT_REFER (UINT64_C(1) << 13)    /* ABI 2: rename and link between directories */
#define RIGHT_TRUNCATE (UINT64_C(1) << 14) /* ABI 3 */
/* What writes, since ABI 1. Devices are left out: nobody makes any. */
#define RIGHTS_WRITE                                                     \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |  \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM |     \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)

static uint64_t rights_of(int abi)
{
	uint64_t rights = RIGHTS_WRITE;

	if (abi >= 2)
		rights |= RIGHT_REFER;
	if (abi >= 3)
		rights |= RIGHT_TRUNCATE;
	return rights;
}

static int allow_below(int rules, const char *directory, uint64_t rights)
{
	struct landlock_path_beneath_attr below = {.allowed_access = rights};
	int err;

	below.parent_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (below.parent_fd < 0)
		return -errno;
	err = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) ? -errno
											   : 0;
	close(below.parent_fd);
	return err;
}

int landlock_enter(const char *const *writable)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int err = 0;

	if (abi <= 0)
		return 0; /* not built in, or not among the LSMs of this boot */
	struct landlock_ruleset_attr handled = {.handled_access_fs = rights_of((int)abi)};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &handled,
				 sizeof(handled.handled_access_fs), 0);

	if (rules < 0)
		return -errno;
	for (; *writable && !err; writable++)
		err = allow_below(rules, *writable, handled.handled_access_fs);
	if (!err && syscall(SYS_landlock_restrict_self, rules, 0))
		err = -errno;
	close(rules);
	return err ? err : (int)abi;
}
