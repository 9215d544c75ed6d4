/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages: whatever comes, there is a name and a type, or an error. */
#include <errno.h>
#include <stdlib.h>

#include "sensor/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int err, const struct dns_message *m)
{
	if (err == -EBADMSG)
		return;
	if (err || !m->name.len || !m->type.len || m->address_count > DNS_ADDRESSES_MAX)
		abort();
	for (uint32_t i = 0; i < m->address_count; i++)
		if (!m->addresses[i].len)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_message message;
	struct arena arena;
	uint8_t *exact = malloc(size ? size : 1); /* reading beyond shows */

	memcpy(exact, data, size);
	arena_init(&arena);
	check(dns_read(exact, size, &arena, &message), &message);
	check(dns_read_stream(exact, size, &arena, &message), &message);
	arena_free(&arena);
	free(exact);
	return 0;
}
