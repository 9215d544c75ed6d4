/* SPDX-License-Identifier: Apache-2.0 */
/* Telling the service manager how we are: the sd_notify(3) protocol, one datagram to the socket in
 * $NOTIFY_SOCKET. Spoken here in a few lines, as that page recommends to programs that do not want
 * libsystemd with them: it would be a second file to deploy. */
#ifndef LINTEL_BASE_NOTIFY_H
#define LINTEL_BASE_NOTIFY_H

/* Send e.g. "READY=1". Returns 1 when sent, 0 when nobody asked, -errno. */
int notify_service_manager(const char *state);

#endif
