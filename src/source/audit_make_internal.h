/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINTEL_SOURCE_AUDIT_MAKE_INTERNAL_H
#define LINTEL_SOURCE_AUDIT_MAKE_INTERNAL_H

#include "event/json.h"
#include "source/audit_ecs_internal.h"

/* Makes the event of a group whose kind and node are known; host.* is the caller's. False: it was
 * for the process table alone. */
bool audit_make(struct audit_making *making);
/* As a line of JSON, with its newline. */
void audit_write(const struct audit_making *making, struct buf *out);

#endif
