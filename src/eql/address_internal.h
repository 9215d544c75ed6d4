/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses and CIDR ranges. IPv4 is kept as IPv4-mapped IPv6 (::ffff:a.b.c.d), as Lucene's
 * InetAddressPoint does, so one comparison serves both. */
#ifndef LINTEL_EQL_ADDRESS_INTERNAL_H
#define LINTEL_EQL_ADDRESS_INTERNAL_H

#include "base/arena.h"

struct eql_address {
	unsigned char bytes[16];
};

struct eql_cidr {
	struct eql_address address;
	uint32_t prefix; /* of the mapped form: 96 more for IPv4 */
};

bool eql_address_parse(struct str s, struct eql_address *out);
/* "a/n", host bits allowed, or a bare address. */
bool eql_cidr_parse(struct str s, struct eql_cidr *out);
bool eql_cidr_holds(const struct eql_cidr *cidr, const struct eql_address *address);
/* The shortest text form: two spellings of one address become equal. */
struct str eql_address_text(const struct eql_address *address, struct arena *arena);

/* "10.0.0.0/8", "fe80::/10". */
#define EQL_CIDR_TEXT_MAX 64
struct str eql_cidr_text(const struct eql_cidr *cidr, char text[EQL_CIDR_TEXT_MAX]);

#endif
