/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in KQL's ranges: all that are above or below one, as CIDR ranges. */
#include <arpa/inet.h>

#include "kql/kql_internal.h"

__extension__ typedef unsigned __int128 address;

#define ADDRESS_BITS 128
#define MAPPED_PREFIX ((address)0xffff << 32)

static bool parse(struct str text, bool *v4, address *out)
{
	char copy[INET6_ADDRSTRLEN];
	unsigned char bytes[16];

	if (!text.len || text.len >= sizeof(copy) || memchr(text.p, '\0', text.len))
		return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	*v4 = !strchr(copy, ':');
	if (inet_pton(*v4 ? AF_INET : AF_INET6, copy, bytes) != 1)
		return false;
	*out = 0;
	for (size_t i = 0; i < (*v4 ? 4u : 16u); i++)
		*out = *out << 8 | bytes[i];
	if (*v4)
		*out |= MAPPED_PREFIX;
	return true;
}

bool kql_is_address(struct str text)
{
	address ignored;
	bool v4;

	return parse(text, &v4, &ignored);
}

bool kql_is_address_range(struct str text)
{
	size_t slash = str_find(text, STR("/"), 0);
	address ignored;
	unsigned prefix = 0;
	bool v4;

	if (slash == SIZE_MAX)
		return kql_is_address(text);
	if (!parse((struct str){text.p, slash}, &v4, &ignored))
		return false;
	struct str digits = {text.p + slash + 1, text.len - slash - 1};

	if (!digits.len || digits.len > 3)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		prefix = prefix * 10 + (unsigned)(digits.p[i] - '0');
	}
	return prefix <= (v4 ? 32 : ADDRESS_BITS);
}

static struct str range_text(struct arena *arena, address from, unsigned prefix)
{
	unsigned char bytes[16];
	char text[INET6_ADDRSTRLEN];

	for (size_t i = sizeof(bytes); i--; from >>= 8)
		bytes[i] = (unsigned char)from;
	inet_ntop(AF_INET6, bytes, text, sizeof(text));
	return arena_printf(arena, "%s/%u", text, prefix);
}

/* Bits of the largest block that begins at `from` and ends at or before `to`. */
static unsigned block_bits(address from, address to)
{
	unsigned bits = 0;

	while (bits < ADDRESS_BITS) {
		address mask =
		    bits + 1 < ADDRESS_BITS ? ((address)1 << (bits + 1)) - 1 : ~(address)0;

		if ((from & mask) || (from | mask) > to)
			break;
		bits++;
	}
	return bits;
}

uint32_t kql_address_ranges(struct str text, enum eql_build_order order, struct arena *arena,
			    struct str ranges[KQL_RANGES_MAX])
{
	address from = 0, to = ~(address)0, bound = 0;
	uint32_t count = 0;
	bool v4;

	if (!parse(text, &v4, &bound))
		return 0;
	if ((order == EQL_BUILD_LT && bound == 0) || (order == EQL_BUILD_GT && bound == to))
		return 0;
	if (order == EQL_BUILD_LT || order == EQL_BUILD_LE)
		to = order == EQL_BUILD_LT ? bound - 1 : bound;
	else
		from = order == EQL_BUILD_GT ? bound + 1 : bound;
	for (;;) {
		unsigned bits = block_bits(from, to);
		address last = bits < ADDRESS_BITS ? from + (((address)1 << bits) - 1) : to;

		ranges[count++] = range_text(arena, from, ADDRESS_BITS - bits);
		if (last == to)
			return count;
		from = last + 1;
	}
}
