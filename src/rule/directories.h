/* SPDX-License-Identifier: Apache-2.0 */
/* Which directories a set of rules watches: where the sensor puts its second witness. */
#ifndef LINTEL_RULE_DIRECTORIES_H
#define LINTEL_RULE_DIRECTORIES_H

#include "rule/rule.h"

/* Each marked directory costs the kernel a notification per change in it; rules that name whole
 * trees ("/usr/lib/...") add up. The ones most rules name come first, the rest is left to the
 * first witness. */
#define RULE_WATCHED_DIRECTORIES_MAX 256

/*
 * The directories in which the loaded rules name files by file.path, as far as a literal prefix
 * tells: "/etc/ld.so.conf.d/x*" gives "/etc/ld.so.conf.d", "/etc/ld.so.preload" gives "/etc".
 * World-writable and pseudo file systems ("/tmp", "/proc", ...) are left out: they would cost most
 * and the first witness sees them too. Returns a NULL-terminated array in `arena`, ordered by how
 * many rules name each, at most RULE_WATCHED_DIRECTORIES_MAX; *left_out says how many more there
 * were.
 */
const char *const *rule_set_directories(const struct rule_set *rules, struct arena *arena,
					uint32_t *left_out);

#endif
