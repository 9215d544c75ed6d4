/* SPDX-License-Identifier: Apache-2.0 */
/* Records about sockets as events, in Elastic Defend's names. */
#include "sensor/sensor_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "sensor/dns.h"

static const struct {
	const char *type;
	const char *action;
} sayings[] = {
    [WIRE_CONNECTED] = {"start", "connection_attempted"},
    [WIRE_ACCEPTED] = {"start", "connection_accepted"},
    [WIRE_CLOSED] = {"end", "disconnect_received"},
    [WIRE_SENT] = {"protocol", "lookup_requested"},
    [WIRE_RECEIVED] = {"protocol", "lookup_result"},
};

/* One side of a connection, and its fields. */
struct end {
	const uint8_t *address;
	uint16_t port;
	uint64_t bytes; /* that it sent */
	enum field_id address_field, ip_field, port_field, bytes_field;
	const char *unknown;
};

static bool is_mapped(const struct wire_network *net, const uint8_t *address)
{
	struct in6_addr in6;

	memcpy(&in6, address, sizeof(in6));
	return net->family == 6 && IN6_IS_ADDR_V4MAPPED(&in6);
}

/* The text of an address; empty for the unspecified one. An IPv6 socket's IPv4 peers are given as
 * IPv4: that is what goes over the wire, and what rules compare. */
static struct str address_text(struct sensor *sensor, const struct wire_network *net,
			       const uint8_t *address)
{
	static const uint8_t none[16] = {0};
	char text[INET6_ADDRSTRLEN];
	size_t bytes = net->family == 4 ? 4 : 16;

	if (!memcmp(address, none, bytes))
		return STR_NULL;
	if (is_mapped(net, address))
		inet_ntop(AF_INET, address + 12, text, sizeof(text));
	else
		inet_ntop(net->family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	return arena_str(&sensor->event.arena, str_from(text));
}

static void fill_end(struct sensor *sensor, const struct wire_network *net, const struct end *end)
{
	struct str text = address_text(sensor, net, end->address);
	struct event *event = &sensor->event;

	if (text.len) {
		event_set_str(event, end->ip_field, text);
		event_set_str(event, end->address_field, text);
	} else {
		emit_incomplete(sensor, end->unknown);
	}
	if (end->port)
		event_set_int(event, end->port_field, end->port);
	if (net->flags & WIRE_COUNTS_BYTES)
		event_set_int(event, end->bytes_field, (int64_t)end->bytes);
}

static void fill_ends(struct sensor *sensor, const struct wire_network *net)
{
	struct end local = {.address = net->local, .port = net->local_port, .bytes = net->sent};
	struct end remote = {
	    .address = net->remote, .port = net->remote_port, .bytes = net->received};
	bool is_incoming = net->flags & WIRE_INCOMING;
	struct end *source = is_incoming ? &remote : &local;
	struct end *destination = is_incoming ? &local : &remote;

	source->address_field = FIELD_SOURCE_ADDRESS;
	source->ip_field = FIELD_SOURCE_IP;
	source->port_field = FIELD_SOURCE_PORT;
	source->bytes_field = FIELD_SOURCE_BYTES;
	source->unknown = "source.ip: the socket is not bound to one address";
	destination->address_field = FIELD_DESTINATION_ADDRESS;
	destination->ip_field = FIELD_DESTINATION_IP;
	destination->port_field = FIELD_DESTINATION_PORT;
	destination->bytes_field = FIELD_DESTINATION_BYTES;
	destination->unknown = "destination.ip: the socket is not bound to one address";
	fill_end(sensor, net, source);
	fill_end(sensor, net, destination);
}

static void fill_network(struct sensor *sensor, const struct wire_view *view,
			 const struct wire_network *net)
{
	struct event *event = &sensor->event;
	bool is_v4 = net->family == 4 || is_mapped(net, net->remote);
	bool is_udp = net->protocol == IPPROTO_UDP || net->protocol == IPPROTO_UDPLITE;

	event_set_str(event, FIELD_NETWORK_TYPE, is_v4 ? STR("ipv4") : STR("ipv6"));
	event_set_str(event, FIELD_NETWORK_TRANSPORT, is_udp ? STR("udp") : STR("tcp"));
	event_set_str(event, FIELD_NETWORK_DIRECTION,
		      net->flags & WIRE_INCOMING ? STR("ingress") : STR("egress"));
	fill_ends(sensor, net);
	if (net->flags & WIRE_CALLER_SAYS)
		emit_incomplete(sensor, "destination.ip, port: read from the caller's memory after "
					"the call");
	if (view->record.call == CALL_NONE)
		return; /* the end of a connection is nobody's call */
	event_set_str(event, FIELD_LINTEL_NETWORK_SYSCALL, call_info(view->record.call)->name);
	event_set_str(event, FIELD_LINTEL_PROCESS_ABI,
		      view->record.flags & WIRE_COMPAT ? STR("x86") : STR("x86_64"));
}

static void begin(struct sensor *sensor, const struct wire_view *view,
		  const struct wire_network *net)
{
	emit_begin(sensor, view->record.boot_ns,
		   call_is_uring(view->record.call) ? STR("io_uring") : STR("tracepoint"));
	emit_kind(sensor, "network", sayings[net->what].type, sayings[net->what].action);
}

/* What connect says while a connection is still being made. */
static bool is_under_way(int32_t result)
{
	const int32_t restart_sys = 512; /* include/linux/errno.h: ERESTARTSYS */

	return result == -EINPROGRESS || result == -EINTR || result == -restart_sys;
}

static void on_connection(struct sensor *sensor, const struct wire_view *view,
			  const struct wire_network *net, const struct process *process)
{
	struct str outcome = STR("success");

	if (view->record.flags & WIRE_UNCONFIRMED)
		outcome = STR("unknown");
	else if (net->what == WIRE_CONNECTED && net->result)
		outcome = is_under_way(net->result) ? STR("unknown") : STR("failure");
	begin(sensor, view, net);
	event_set_str(&sensor->event, FIELD_EVENT_OUTCOME, outcome);
	if (view->record.flags & WIRE_UNCONFIRMED)
		emit_incomplete(sensor, "event.outcome: io_uring was asked not to report success");
	fill_network(sensor, view, net);
	emit_end(sensor, process);
}

static void fill_dns(struct sensor *sensor, const struct dns_message *message)
{
	struct event *event = &sensor->event;

	event_append(event, FIELD_EVENT_CATEGORY, value_str(STR("dns")));
	event_set_str(event, FIELD_NETWORK_PROTOCOL, STR("dns"));
	event_set_str(event, FIELD_DNS_QUESTION_NAME, message->name);
	event_set_str(event, FIELD_DNS_QUESTION_TYPE, message->type);
	if (!message->is_answer)
		return;
	event_set_str(event, FIELD_EVENT_OUTCOME,
		      message->status ? STR("failure") : STR("success"));
	event_set_int(event, FIELD_DNS_EXT_STATUS, message->status);
	if (message->address_count)
		event_set_strs(event, FIELD_DNS_RESOLVED_IP, message->addresses,
			       message->address_count);
	if (message->is_partial)
		emit_incomplete(sensor, "dns.resolved_ip: the answer could not be decoded to its "
					"end");
	else if (message->has_more)
		emit_incomplete(sensor, "dns.resolved_ip: cut, the answer has more addresses");
}

/* Who asks is a client: a question goes to port 53, an answer comes from there. A name server on
 * this host is told of by those who ask it. */
static void on_dns(struct sensor *sensor, const struct wire_view *view,
		   const struct wire_network *net, const struct process *process)
{
	struct str text = view->span[WIRE_SPAN_TEXT0];
	struct dns_message message;
	int err;

	if (wire_has_failed(view, WIRE_SPAN_TEXT0))
		return; /* counted in the kernel */
	if (net->protocol == IPPROTO_TCP)
		err = dns_read_stream(text.p, text.len, &sensor->scratch, &message);
	else
		err = dns_read(text.p, text.len, &sensor->scratch, &message);
	if (err) {
		counter_add(COUNTER_DNS_INVALID, 1);
		return;
	}
	if (message.is_answer != (net->what == WIRE_RECEIVED))
		return;
	begin(sensor, view, net);
	fill_network(sensor, view, net);
	fill_dns(sensor, &message);
	emit_end(sensor, process);
}

/* Who began the connection; that its ids were others then is no news of the process now. */
static struct process *owner(struct sensor *sensor, const struct wire_view *view)
{
	const struct wire_actor *actor = &view->record.actor;
	struct process *process = process_find(sensor->processes, actor->pid, actor->start_boot_ns);
	struct process_facts facts;

	if (process)
		return process;
	wire_facts(view, &facts);
	return process_acting(sensor->processes, &facts);
}

void network_event(struct sensor *sensor, const struct wire_view *view)
{
	struct wire_network net;
	struct process_facts facts;
	struct process *process;

	if (wire_network(view, &net)) {
		counter_add(COUNTER_RECORD_INVALID, 1);
		return;
	}
	if (net.what == WIRE_CLOSED) {
		on_connection(sensor, view, &net, owner(sensor, view));
		return;
	}
	wire_facts(view, &facts);
	process = process_acting(sensor->processes, &facts);
	if (view->record.kind == WIRE_DNS)
		on_dns(sensor, view, &net, process);
	else
		on_connection(sensor, view, &net, process);
}
