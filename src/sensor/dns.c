/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <string.h>

/* Record types that are asked for, by IANA's registry. glibc's own names are deprecated there. */
static const struct {
	uint16_t type;
	const char *name;
} types[] = {
    {1, "A"},       {2, "NS"},     {5, "CNAME"},    {6, "SOA"},         {10, "NULL"},
    {12, "PTR"},    {13, "HINFO"}, {15, "MX"},      {16, "TXT"},        {17, "RP"},
    {18, "AFSDB"},  {25, "KEY"},   {28, "AAAA"},    {29, "LOC"},        {33, "SRV"},
    {35, "NAPTR"},  {37, "CERT"},  {39, "DNAME"},   {43, "DS"},         {44, "SSHFP"},
    {46, "RRSIG"},  {47, "NSEC"},  {48, "DNSKEY"},  {50, "NSEC3"},      {52, "TLSA"},
    {53, "SMIMEA"}, {59, "CDS"},   {60, "CDNSKEY"}, {61, "OPENPGPKEY"}, {64, "SVCB"},
    {65, "HTTPS"},  {99, "SPF"},   {249, "TKEY"},   {250, "TSIG"},      {251, "IXFR"},
    {252, "AXFR"},  {255, "ANY"},  {256, "URI"},    {257, "CAA"},
};

static struct str type_name(uint16_t type, struct arena *arena)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return str_from(types[i].name);
	return arena_printf(arena, "TYPE%u", type); /* RFC 3597 */
}

static int read_question(ns_msg *handle, struct arena *arena, struct dns_message *message)
{
	ns_rr question;

	if (ns_parserr(handle, ns_s_qd, 0, &question))
		return -EBADMSG;
	message->is_answer = ns_msg_getflag(*handle, ns_f_qr);
	message->status = (uint8_t)ns_msg_getflag(*handle, ns_f_rcode);
	message->name = arena_str(arena, str_from(ns_rr_name(question)));
	if (message->name.len == 0)
		message->name = STR(".");
	message->type = type_name(ns_rr_type(question), arena);
	return 0;
}

static void add_address(const ns_rr *record, struct arena *arena, struct dns_message *message)
{
	bool is_v4 = ns_rr_type(*record) == ns_t_a && ns_rr_rdlen(*record) == 4;
	bool is_v6 = ns_rr_type(*record) == ns_t_aaaa && ns_rr_rdlen(*record) == 16;
	char text[INET6_ADDRSTRLEN];

	if (ns_rr_class(*record) != ns_c_in || (!is_v4 && !is_v6))
		return;
	if (message->address_count == DNS_ADDRESSES_MAX) {
		message->has_more = true;
		return;
	}
	inet_ntop(is_v4 ? AF_INET : AF_INET6, ns_rr_rdata(*record), text, sizeof(text));
	message->addresses[message->address_count++] = arena_str(arena, str_from(text));
}

static void read_answers(ns_msg *handle, struct arena *arena, struct dns_message *message)
{
	int count = ns_msg_count(*handle, ns_s_an);
	ns_rr record;

	if (!count)
		return;
	message->addresses = ARENA_ARRAY(arena, struct str, DNS_ADDRESSES_MAX);
	for (int i = 0; i < count; i++) {
		if (ns_parserr(handle, ns_s_an, i, &record)) {
			message->is_partial = true;
			return;
		}
		add_address(&record, arena, message);
	}
}

/* A message that is cut, or has something behind its end, still says what was asked. The decoder
 * takes whole messages only, so it gets one of the header and the questions. */
static int read_start(const uint8_t *data, size_t bytes, struct arena *arena,
		      struct dns_message *message)
{
	const size_t header = NS_HFIXEDSZ, counts = 6; /* where the other sections' begin */
	ns_msg handle;
	uint8_t *copy;
	int n;

	if (bytes <= header)
		return -EBADMSG;
	n = ns_skiprr(data + header, data + bytes, ns_s_qd, 1);
	if (n < 0)
		return -EBADMSG;
	copy = arena_alloc(arena, header + (size_t)n);
	memcpy(copy, data, header + (size_t)n);
	memset(copy + counts, 0, header - counts);
	copy[4] = 0; /* one question */
	copy[5] = 1;
	message->is_partial = true;
	if (ns_initparse(copy, (int)header + n, &handle))
		return -EBADMSG;
	return read_question(&handle, arena, message);
}

int dns_read(const void *data, size_t bytes, struct arena *arena, struct dns_message *message)
{
	ns_msg handle;
	int err;

	*message = (struct dns_message){0};
	if (bytes > NS_MAXMSG)
		return -EBADMSG;
	if (ns_initparse(data, (int)bytes, &handle))
		return read_start(data, bytes, arena, message);
	if (ns_msg_count(handle, ns_s_qd) == 0)
		return -EBADMSG;
	err = read_question(&handle, arena, message);
	if (!err)
		read_answers(&handle, arena, message);
	return err;
}

int dns_read_stream(const void *data, size_t bytes, struct arena *arena,
		    struct dns_message *message)
{
	const uint8_t *p = data;

	if (bytes > 2 && (size_t)(p[0] << 8 | p[1]) == bytes - 2)
		return dns_read(p + 2, bytes - 2, arena, message);
	if (!dns_read(p, bytes, arena, message) && !message->is_partial)
		return 0;
	/* the first segment of a long one; or neither */
	return bytes > 2 ? dns_read(p + 2, bytes - 2, arena, message) : -EBADMSG;
}
