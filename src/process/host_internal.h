/* SPDX-License-Identifier: Apache-2.0 */
/* What host.c reads of the host, apart for tests and fuzzing. */
#ifndef LINTEL_PROCESS_HOST_INTERNAL_H
#define LINTEL_PROCESS_HOST_INTERNAL_H

#include "base/arena.h"

/* Of os-release(5), what events carry. Null where the file says nothing. */
struct os_release {
	struct str name, id, id_like, version_id;
};

/* Takes any text; lines that are no assignment are passed over. Values are in the arena. */
void os_release_parse(struct arena *arena, struct str text, struct os_release *os);
/* "debian", "redhat", ...: by ID, else by the first of ID_LIKE that is known; else null. */
struct str os_release_family(const struct os_release *os);

/* A UUID in text made of machine-id(5)'s 32 hex digits and lintel's own application id, from which
 * the machine id cannot be computed. -EINVAL if it is no machine id. */
#define HOST_ID_LEN 36
int host_id_of_machine(struct str machine_id, char id[HOST_ID_LEN])
    __attribute__((warn_unused_result));

#endif
