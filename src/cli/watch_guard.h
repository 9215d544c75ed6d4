/* SPDX-License-Identifier: Apache-2.0 */
/* Least privilege of `lintel watch`: whom it becomes, what it may still write. */
#ifndef LINTEL_CLI_WATCH_GUARD_H
#define LINTEL_CLI_WATCH_GUARD_H

#include "cli/config.h"
#include "event/demand.h"
#include "guard/guard.h"
#include "sensor/own.h"

struct watch_guard;

/* Looks the configured user up, makes the state directory for it if there is none. 0, or -errno with
 * a message. */
int watch_guard_open(struct watch_guard **out, const struct config *config)
    __attribute__((warn_unused_result));
void watch_guard_close(struct watch_guard *guard);
/* Which files are lintel's own, once they are there. `config_path` NULL: the default one. */
void watch_guard_find_files(struct watch_guard *guard, const struct config *config,
			    const char *config_path, const struct rule_options *rules);
/* What was found, for the sensor; ends with an empty path. Valid until watch_guard_close(). */
const struct own_file *watch_guard_files(const struct watch_guard *guard);
/* Changes to them have to leave the kernel, whatever else the rules ask for. In `arena`. */
void watch_guard_ask(const struct watch_guard *guard, struct arena *arena,
		     struct file_demand *demand);
/* For a while be the configured user to the file system; false: root again. */
int watch_guard_as_user(const struct watch_guard *guard, bool on)
    __attribute__((warn_unused_result));
/* Everything is attached and open: give up the rest. `none`: --no-sandbox, with a warning. */
int watch_guard_enter(const struct watch_guard *guard, bool none)
    __attribute__((warn_unused_result));

#endif
