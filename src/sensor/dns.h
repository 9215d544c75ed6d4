/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages (RFC 1035), by glibc's decoder. */
#ifndef LINTEL_SENSOR_DNS_H
#define LINTEL_SENSOR_DNS_H

#include "base/arena.h"
#include "base/str.h"

/* Addresses kept of one answer. What does not fit a message of 512 bytes is more than 28 of IPv4;
 * larger messages seen in practice have at most some dozens. */
#define DNS_ADDRESSES_MAX 64

struct dns_message {
	bool is_answer;
	bool is_partial; /* beyond the question it could not be decoded */
	uint8_t status;  /* RCODE: 0 is no error, 3 no such name */
	struct str name; /* of the first question, without the last dot; "." is the root */
	struct str type; /* its type, e.g. "AAAA"; by number, e.g. "TYPE300", without a name */
	struct str *addresses; /* A and AAAA among the answers, as text */
	uint32_t address_count;
	bool has_more; /* addresses, than are kept */
};

/* Decode a message of `bytes` bytes. Texts go into the arena. Returns 0, or -EBADMSG: not one with
 * a question. */
int dns_read(const void *data, size_t bytes, struct arena *arena, struct dns_message *message)
    __attribute__((warn_unused_result));
/* As it comes over TCP: with its length before it, or without if that was read by itself. */
int dns_read_stream(const void *data, size_t bytes, struct arena *arena,
		    struct dns_message *message) __attribute__((warn_unused_result));

#endif
