/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/address_internal.h"

#include <arpa/inet.h>
#include <stdio.h>

#define MAPPED_PREFIX 96

bool eql_address_parse(struct str s, struct eql_address *out)
{
	char text[INET6_ADDRSTRLEN];

	if (!s.len || s.len >= sizeof(text) || memchr(s.p, '\0', s.len))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	if (memchr(text, ':', s.len))
		return inet_pton(AF_INET6, text, out->bytes) == 1;
	memset(out->bytes, 0, 10);
	memset(out->bytes + 10, 0xff, 2);
	return inet_pton(AF_INET, text, out->bytes + 12) == 1;
}

/* Ranges that hold the same addresses become equal. */
static void clear_host_bits(struct eql_cidr *cidr)
{
	for (uint32_t bit = cidr->prefix; bit < 128; bit++)
		cidr->address.bytes[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
}

bool eql_cidr_parse(struct str s, struct eql_cidr *out)
{
	size_t slash = str_find(s, STR("/"), 0);
	struct str address = slash == SIZE_MAX ? s : (struct str){s.p, slash};
	uint32_t prefix = 0, bits = 128, offset = 0;

	if (!eql_address_parse(address, &out->address))
		return false;
	if (!memchr(address.p, ':', address.len)) {
		bits = 32;
		offset = MAPPED_PREFIX;
	}
	out->prefix = offset + bits;
	if (slash == SIZE_MAX)
		return true;
	struct str digits = {s.p + slash + 1, s.len - slash - 1};

	if (!digits.len || digits.len > 3)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		prefix = prefix * 10 + (uint32_t)(digits.p[i] - '0');
	}
	out->prefix = offset + prefix;
	if (prefix > bits)
		return false;
	clear_host_bits(out);
	return true;
}

bool eql_cidr_holds(const struct eql_cidr *cidr, const struct eql_address *address)
{
	uint32_t whole = cidr->prefix / 8, rest = cidr->prefix % 8;

	if (memcmp(cidr->address.bytes, address->bytes, whole) != 0)
		return false;
	if (!rest)
		return true;
	unsigned mask = 0xffu << (8 - rest) & 0xff;

	return ((cidr->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

/* An IPv6-mapped address in IPv4's form. */
static bool print_address(const struct eql_address *address, bool v4, char text[INET6_ADDRSTRLEN])
{
	return inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? MAPPED_PREFIX / 8 : 0),
			 text, INET6_ADDRSTRLEN);
}

static bool is_mapped(const struct eql_address *address)
{
	static const unsigned char mapped[MAPPED_PREFIX / 8] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

struct str eql_address_text(const struct eql_address *address, struct arena *arena)
{
	char text[INET6_ADDRSTRLEN];

	if (!print_address(address, is_mapped(address), text))
		return STR_NULL;
	return arena_str(arena, str_from(text));
}

struct str eql_cidr_text(const struct eql_cidr *cidr, char text[EQL_CIDR_TEXT_MAX])
{
	bool v4 = cidr->prefix >= MAPPED_PREFIX && is_mapped(&cidr->address);
	char address[INET6_ADDRSTRLEN];

	if (!print_address(&cidr->address, v4, address))
		return STR_NULL;
	int n = snprintf(text, EQL_CIDR_TEXT_MAX, "%s/%u", address,
			 cidr->prefix - (v4 ? MAPPED_PREFIX : 0));

	return (struct str){text, (size_t)n};
}
