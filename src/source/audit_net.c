/* SPDX-License-Identifier: Apache-2.0 */
/* SOCKADDR records as source.* and destination.*. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "source/audit_ecs_internal.h"

/* A socket's address, as bytes of the log's host: its byte order is not known, so the family is
 * tried in both. */
struct address {
	uint32_t family;
	struct str ip, path;
	int64_t port; /* -1: none */
};

static uint32_t family_of(struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	uint32_t little = (uint32_t)p[0] | (uint32_t)p[1] << 8;

	return little < 256 ? little : (uint32_t)p[0] << 8 | p[1];
}

static struct str ip_text(struct arena *arena, int family, const void *bytes)
{
	char *text = arena_bytes(arena, INET6_ADDRSTRLEN);

	return str_from(inet_ntop(family, bytes, text, INET6_ADDRSTRLEN));
}

static int64_t port_of(struct str bytes)
{
	return (unsigned char)bytes.p[2] << 8 | (unsigned char)bytes.p[3];
}

/* unix(7): a path ends at its NUL, an abstract name begins with one; it is shown with an @. */
static struct str unix_path(struct arena *arena, struct str bytes)
{
	struct str path = {bytes.p + 2, bytes.len - 2};

	if (!path.len)
		return STR_NULL;
	if (path.p[0])
		return (struct str){path.p, strnlen(path.p, path.len)};
	while (path.len && !path.p[path.len - 1])
		path.len--;
	if (!path.len)
		return STR_NULL;
	struct str name = arena_str(arena, path);

	((char *)name.p)[0] = '@';
	return name;
}

static bool read_address(struct arena *arena, struct str bytes, struct address *address)
{
	*address = (struct address){.port = -1};
	if (bytes.len < 2)
		return false;
	address->family = family_of(bytes);
	if (address->family == AF_INET && bytes.len >= 8) {
		address->ip = ip_text(arena, AF_INET, bytes.p + 4);
		address->port = port_of(bytes);
	} else if (address->family == AF_INET6 && bytes.len >= 24) {
		address->ip = ip_text(arena, AF_INET6, bytes.p + 8);
		address->port = port_of(bytes);
	} else if (address->family == AF_UNIX) {
		address->path = unix_path(arena, bytes);
	}
	return true;
}

static struct str family_name(struct arena *arena, uint32_t family)
{
	switch (family) {
	case AF_INET:
		return STR("ipv4");
	case AF_INET6:
		return STR("ipv6");
	case AF_UNIX:
		return STR("unix");
	case AF_NETLINK:
		return STR("netlink");
	default:
		return arena_printf(arena, "%u", family);
	}
}

static void set_end(struct audit_making *making, const struct address *address, bool is_source)
{
	audit_set(making, is_source ? "source.ip" : "destination.ip", address->ip);
	audit_set(making, is_source ? "source.address" : "destination.address",
		  address->ip.len ? address->ip : address->path);
	if (address->port >= 0)
		audit_set_int(making, is_source ? "source.port" : "destination.port",
			      address->port);
}

static uint32_t told_family(struct str name)
{
	if (str_eq(name, STR("inet")))
		return AF_INET;
	if (str_eq(name, STR("inet6")))
		return AF_INET6;
	return str_eq(name, STR("local")) ? AF_UNIX : AF_UNSPEC;
}

/* What laurel has taken apart already (its SADDR). */
static bool read_told(const struct audit_record *record, struct address *address)
{
	struct str family = audit_get(record, STR("SADDR.saddr_fam"));
	struct str port = audit_get(record, STR("SADDR.port"));

	if (!family.len)
		return false;
	*address = (struct address){
	    .family = told_family(family),
	    .ip = audit_get(record, STR("SADDR.addr")),
	    .path = audit_get(record, STR("SADDR.path")),
	    .port = port.len ? (int64_t)audit_parse_number(port, 10, 0) : -1,
	};
	return true;
}

void audit_fill_peer(struct audit_making *making)
{
	const struct audit_record *record = audit_record_of(making->group, STR("SOCKADDR"));
	struct arena *arena = &making->event->arena;
	struct address address;

	if (!read_address(arena, audit_get(record, STR("saddr")), &address) &&
	    !read_told(record, &address)) {
		audit_incomplete(making, "destination.ip: no SOCKADDR record");
		return;
	}
	set_end(making, &address, making->kind.object != OBJECT_TO_PEER);
	audit_set(making, "lintel.network.syscall", making->call_name);
	audit_set(making, "auditd.data.socket.family", family_name(arena, address.family));
	if (address.ip.len)
		audit_set(making, "network.type",
			  address.family == AF_INET ? STR("ipv4") : STR("ipv6"));
	if (making->kind.object == OBJECT_TO_PEER)
		audit_set(making, "network.direction", STR("egress"));
	else if (making->kind.object == OBJECT_FROM_PEER)
		audit_set(making, "network.direction", STR("ingress"));
}
