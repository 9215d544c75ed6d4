/* SPDX-License-Identifier: Apache-2.0 */
/* What is true of the whole host and the same in every event: host.*, ids, and names of users and
 * groups (getpwuid and getgrgid, cached and bounded; the caches are dropped when /etc/passwd or
 * /etc/group change). */
#ifndef LINTEL_PROCESS_HOST_H
#define LINTEL_PROCESS_HOST_H

#include "event/event.h"

struct host;

struct host *host_new(void);
void host_free(struct host *host);
void host_fill(const struct host *host, struct event *event);
/* A stable id: application-specific hash of /etc/machine-id, as machine-id(5) asks; without that
 * file, of the boot id (then not stable over boots, and a warning says so). */
struct str host_id(const struct host *host);
struct str host_boot_id(const struct host *host);
struct str host_name(const struct host *host);

/* From the kernel's boot time, as BPF programs have it, to the epoch. clock_boot_offset_ns() is the
 * same but where lintel runs in a time namespace, which shifts the clock it reads. */
int64_t host_boot_offset_ns(void);

/* Names for ids; empty when there is none. Good until the next call. */
struct str host_user_name(uint32_t uid);
struct str host_group_name(uint32_t gid);

#endif
