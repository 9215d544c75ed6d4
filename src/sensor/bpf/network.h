/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reporting what was done with a socket. Addresses are read from the kernel's own struct sock where
 * it knows them; where it does not (a datagram's destination, a connect that never left the host)
 * from the caller's memory.
 *
 * TCP, by connection:             connect ──► SYN_SENT ──► ESTABLISHED ──► CLOSE
 *	entry of `sockets`          made here, reported by     the end, reported with
 *	                            connect's end              bytes to the entry's owner
 *	                                            accept ──► (made and reported there)
 *
 * UDP, by flow: the first datagram between a socket and a peer makes the entry of `flows` and is
 * reported; the rest pass.
 */
#ifndef LINTEL_SENSOR_BPF_NETWORK_H
#define LINTEL_SENSOR_BPF_NETWORK_H

#include "sensor/bpf/files.h"

/* include/linux/socket.h, uapi/linux/in.h, net/tcp_states.h, net/sock.h (enum sock_flags) */
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262
#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define SOCK_DONE 1
#define MSG_PEEK 0x2
#define MSG_ERRQUEUE 0x2000
#define MSG_FASTOPEN 0x20000000
#define DNS_PORT 53
/* A message has a header of 12 bytes and a question of at least 5. */
#define DNS_BYTES_MIN 17

/* Who has a TCP connection, and whom with. */
struct connection {
	struct wire_actor actor;
	struct wire_network net;
	__u32 reported; /* its beginning was */
	__u32 closed;   /* before its beginning was reported */
	__u32 failed;   /* it was never established */
	__u32 pad;
};

/* By struct sock. When it is full the longest unused goes, and its end will not be reported. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, struct connection);
} sockets SEC(".maps");

/* A socket is known by its inode number here: a struct sock is used again at once, and a resolver's
 * next socket would be taken for the last one. */
struct flow {
	__u64 inode;
	__u8 remote[16];
	__u32 remote_port, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct flow);
	__type(value, __u8);
} flows SEC(".maps");

/* Sockets whose connect io_uring has been given, and that has been reported: by struct sock, until the
 * connection begins. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u8);
} announced SEC(".maps");

/* Where an entry of `sockets` is put together; a slot for each program, as of `scratch`. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS);
	__type(key, __u32);
	__type(value, struct connection);
} drafts SEC(".maps");

/* Data sent or received by one call, or one message of a call that moves several. */
struct traffic {
	__u64 file;    /* struct file of the socket, */
	__u64 sock;    /* its struct sock */
	__u64 data;    /* in the caller's memory: the bytes, or `parts` struct iovec */
	__u64 parts;   /* 0: data are the bytes */
	__u64 bytes;   /* how many were moved */
	__u64 address; /* struct sockaddr of the other side; 0: none was given or asked for */
	__u32 key;     /* of `scratch` */
	__u32 call;
	__u32 record_flags;
	__u32 message_flags; /* MSG_* */
	__u8 is_received;
	__u8 is_narrow; /* structs of the 32-bit layout */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct traffic);
} traffic SEC(".maps");

static __always_inline bool is_tcp(__u16 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
}

static __always_inline bool is_udp(__u16 protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

/* The IP socket behind an open file, or 0. */
static __always_inline struct sock *sock_of_file(struct file *file)
{
	struct socket *socket;
	struct sock *sk;
	__u16 family;

	if (!file || !is_socket(file))
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	return family == AF_INET || family == AF_INET6 ? sk : 0;
}

static __always_inline __u16 swap16(__u16 n)
{
	return n << 8 | n >> 8;
}

/* Both ends as the socket has them. */
static __always_inline void fill_addresses(struct wire_network *net, struct sock *sk)
{
	struct inet_sock *inet = (void *)sk;

	net->protocol = BPF_CORE_READ(sk, sk_protocol);
	net->local_port = swap16(BPF_CORE_READ(inet, inet_sport));
	net->remote_port = swap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		net->family = 4;
		bpf_core_read(net->local, 4, &sk->__sk_common.skc_rcv_saddr);
		bpf_core_read(net->remote, 4, &sk->__sk_common.skc_daddr);
	} else if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr)) {
		net->family = 6;
		bpf_core_read(net->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(net->remote, 16, &sk->__sk_common.skc_v6_daddr);
	}
}

/* The remote end from a struct sockaddr in the caller's memory. An IPv6 socket takes IPv4's, too. */
static __always_inline bool read_address(struct wire_network *net, __u64 from)
{
	struct {
		__u16 family, port;
		__u8 rest[20]; /* IPv4: address; IPv6: four bytes of flow label, address */
	} address = {};

	if (bpf_probe_read_user(&address, 8, (void *)from))
		return false;
	__builtin_memset(net->remote, 0, 16);
	if (address.family == AF_INET && net->family == 4) {
		__builtin_memcpy(net->remote, address.rest, 4);
	} else if (address.family == AF_INET) {
		net->remote[10] = net->remote[11] = 0xff; /* ::ffff:a.b.c.d */
		__builtin_memcpy(net->remote + 12, address.rest, 4);
	} else if (address.family == AF_INET6) {
		if (bpf_probe_read_user(&address, sizeof(address), (void *)from))
			return false;
		__builtin_memcpy(net->remote, address.rest + 4, 16);
	} else {
		return false;
	}
	net->remote_port = swap16(address.port);
	return true;
}

/* What TCP counts. The received bytes hold the other side's FIN, as sequence numbers do; SOCK_DONE
 * says that it came (tcp_fin). */
static __always_inline void fill_bytes(struct wire_network *net, struct sock *sk)
{
	struct tcp_sock *tcp = (void *)sk;

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return;
	net->flags |= WIRE_COUNTS_BYTES;
	net->sent = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
	net->received = BPF_CORE_READ(tcp, bytes_received);
	if (net->received && (BPF_CORE_READ(sk, __sk_common.skc_flags) & 1ul << SOCK_DONE))
		net->received--;
}

/* A record with this detail, without its actor. */
static __always_inline struct scratch *network_start(__u32 key, enum wire_kind kind, __u32 call,
						     const struct wire_network *net)
{
	struct scratch *s = record_start(key, kind, call);

	if (!s)
		return 0;
	__builtin_memcpy(s->tail, net, sizeof(*net));
	s->record.span[WIRE_SPAN_DETAIL].bytes = sizeof(*net);
	s->used = sizeof(*net);
	return s;
}

static __always_inline void send_network(__u64 task, __u32 key, __u32 call, __u32 flags,
					 const struct wire_network *net)
{
	struct scratch *s = network_start(key, WIRE_NETWORK, call, net);

	if (!s)
		return;
	s->record.flags = flags;
	fill_actor(task, key);
	record_send(s, false);
}

/* The end of a connection, told of its owner, whoever runs just now. */
static __always_inline void send_closed(struct connection *c, __u32 key)
{
	struct scratch *s = network_start(key, WIRE_NETWORK, CALL_NONE, &c->net);
	struct wire_network *net;

	if (!s)
		return;
	net = (void *)s->tail;
	net->what = WIRE_CLOSED;
	__builtin_memcpy(&s->record.actor, &c->actor, sizeof(c->actor));
	record_send(s, false);
}

/* A connection whose beginning was just reported may have ended meanwhile, on another CPU. Of the
 * two that notice, the one who takes the entry away reports it. */
static __always_inline void close_if_ended(struct connection *c, struct sock *sk, __u32 key)
{
	__u64 id = (__u64)sk;

	if (*(volatile __u32 *)&c->closed && !bpf_map_delete_elem(&sockets, &id))
		send_closed(c, key);
}

/* include/uapi/asm-generic/errno.h: what connect can say before TCP has been asked */
static __always_inline bool is_unreachable(long ret)
{
	switch (ret) {
	case -1:   /* EPERM */
	case -13:  /* EACCES */
	case -99:  /* EADDRNOTAVAIL */
	case -100: /* ENETDOWN */
	case -101: /* ENETUNREACH */
	case -113: /* EHOSTUNREACH */
		return true;
	}
	return false;
}

static __always_inline void remember_resolver(struct sock *sk)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u8 one = 1;

	if (BPF_CORE_READ(sk, __sk_common.skc_dport) == swap16(DNS_PORT))
		bpf_map_update_elem(&resolvers, &tgid, &one, BPF_ANY);
}

/* connect ended. A call that comes back to a connection under way finds it reported. */
static __always_inline void on_connected(__u64 task, struct sock *sk, __u64 address, __u32 key,
					 __u32 call, __u32 flags, long ret)
{
	__u64 id = (__u64)sk;
	struct connection *c;
	struct wire_network net = {.what = WIRE_CONNECTED, .result = ret};

	remember_resolver(sk);
	if (!(config.wanted & 1u << WIRE_NETWORK) || !is_tcp(BPF_CORE_READ(sk, sk_protocol)))
		return;
	c = bpf_map_lookup_elem(&sockets, &id);
	if (c && !c->reported) {
		net = c->net;
		if (!c->closed && !c->failed)
			fill_addresses(&net, sk); /* with the port it got */
		net.what = WIRE_CONNECTED;
		net.flags = 0;
		net.result = ret;
		send_network(task, key, call, flags, &net);
		if (c->failed)
			bpf_map_delete_elem(&sockets, &id);
		__sync_fetch_and_add(&c->reported, 1); /* a barrier, too: see on_tcp_state */
		close_if_ended(c, sk, key);
	} else if (!c && is_unreachable(ret)) {
		fill_addresses(&net, sk);
		if (!read_address(&net, address))
			return;
		net.flags = WIRE_CALLER_SAYS;
		send_network(task, key, call, flags, &net);
	}
}

static __always_inline void on_accepted(__u64 task, struct sock *sk, __u32 slot, __u32 call,
					__u32 flags)
{
	__u32 key = scratch_key(slot);
	struct connection *draft;
	__u64 id = (__u64)sk;
	struct scratch *s;

	if (!is_tcp(BPF_CORE_READ(sk, sk_protocol)))
		return;
	draft = bpf_map_lookup_elem(&drafts, &slot);
	if (!draft)
		return;
	__builtin_memset(&draft->net, 0, sizeof(draft->net));
	fill_addresses(&draft->net, sk);
	draft->net.what = WIRE_ACCEPTED;
	draft->net.flags = WIRE_INCOMING;
	draft->reported = 1;
	draft->closed = draft->failed = 0;
	s = network_start(key, WIRE_NETWORK, call, &draft->net);
	if (!s)
		return;
	s->record.flags = flags;
	fill_actor(task, key);
	__builtin_memcpy(&draft->actor, &s->record.actor, sizeof(draft->actor));
	record_send(s, false);
	if (bpf_map_update_elem(&sockets, &id, draft, BPF_ANY))
		count_loss(WIRE_LOSS_MAP);
	/* reset before it was accepted: its CLOSE has passed */
	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE &&
	    !bpf_map_delete_elem(&sockets, &id)) {
		fill_bytes(&draft->net, sk);
		send_closed(draft, key);
	}
}

/* The first bytes of the message follow each other in the tail, from however many pieces. */
static __always_inline __u64 add_piece(struct scratch *s, __u64 from, __u64 bytes)
{
	__u64 at = s->used & WIRE_OFFSET_MASK;

	if (!tail_has_room(s))
		return 0;
	KEEP(bytes);
	if (bytes > WIRE_DNS_BYTES)
		bytes = WIRE_DNS_BYTES;
	KEEP(at);
	at &= WIRE_OFFSET_MASK;
	if (bpf_probe_read_user(s->tail + at, bytes, (void *)from)) {
		s->record.failed |= 1u << WIRE_SPAN_TEXT0;
		return 0;
	}
	s->used = at + bytes;
	return bytes;
}

/* Resolvers put a message into one piece, over TCP its length into another before it. */
#define PIECES_MAX 4

static __always_inline void add_pieces(struct scratch *s, const struct traffic *t, __u64 left)
{
	__u64 piece[2]; /* struct iovec: base, length */
	__u32 narrow[2];

	for (int i = 0; i < PIECES_MAX; i++) {
		if (i >= t->parts || !left)
			return;
		if (t->is_narrow) {
			if (bpf_probe_read_user(narrow, sizeof(narrow), (void *)t->data + i * 8))
				break;
			piece[0] = narrow[0];
			piece[1] = narrow[1];
		} else if (bpf_probe_read_user(piece, sizeof(piece), (void *)t->data + i * 16)) {
			break;
		}
		if (piece[1] > left)
			piece[1] = left;
		if (piece[1] && add_piece(s, piece[0], piece[1]) != piece[1])
			return;
		left -= piece[1];
	}
	if (left)
		s->record.failed |= 1u << WIRE_SPAN_TEXT0;
}

static __always_inline void send_message(__u64 task, const struct traffic *t,
					 struct wire_network *net)
{
	__u64 bytes = t->bytes;
	struct scratch *s;

	net->what = t->is_received ? WIRE_RECEIVED : WIRE_SENT;
	if (bytes > WIRE_DNS_BYTES) {
		bytes = WIRE_DNS_BYTES;
		net->flags |= WIRE_MESSAGE_CUT;
	}
	s = network_start(t->key, WIRE_DNS, t->call, net);
	if (!s)
		return;
	s->record.flags = t->record_flags;
	fill_actor(task, t->key);
	if (t->parts)
		add_pieces(s, t, bytes);
	else
		add_piece(s, t->data, bytes);
	s->record.span[WIRE_SPAN_TEXT0].offset = sizeof(*net);
	s->record.span[WIRE_SPAN_TEXT0].bytes = s->used - sizeof(*net);
	record_send(s, false);
}

static __always_inline void on_datagram(__u64 task, const struct traffic *t,
					struct wire_network *net)
{
	struct flow flow = {.remote_port = net->remote_port};
	struct file *file = (void *)t->file;
	__u8 one = 1;

	if (!(config.wanted & 1u << WIRE_NETWORK))
		return;
	flow.inode = BPF_CORE_READ(file, f_inode, i_ino);
	__builtin_memcpy(flow.remote, net->remote, 16);
	if (bpf_map_lookup_elem(&flows, &flow))
		return;
	if (bpf_map_update_elem(&flows, &flow, &one, BPF_NOEXIST))
		return; /* another thread was first */
	net->what = t->is_received ? WIRE_ACCEPTED : WIRE_CONNECTED;
	net->flags = t->is_received ? WIRE_INCOMING : 0;
	send_network(task, t->key, t->call, t->record_flags, net);
	net->flags = 0;
}

/* Data were moved as `traffic` has it. Verified once, though there may be several messages. */
__noinline int on_traffic(__u64 task)
{
	struct wire_network net = {};
	struct traffic *t;
	struct sock *sk;
	__u16 protocol;
	__u32 zero = 0;

	t = bpf_map_lookup_elem(&traffic, &zero);
	if (!t || (t->message_flags & (MSG_PEEK | MSG_ERRQUEUE)))
		return 0;
	sk = (void *)t->sock;
	protocol = BPF_CORE_READ(sk, sk_protocol);
	if (is_tcp(protocol)) {
		if (!t->is_received && (t->message_flags & MSG_FASTOPEN))
			on_connected(task, sk, 0, t->key, t->call, t->record_flags, 0);
		if (BPF_CORE_READ(sk, __sk_common.skc_dport) != swap16(DNS_PORT))
			return 0;
	} else if (!is_udp(protocol)) {
		return 0;
	}
	fill_addresses(&net, sk);
	if (is_udp(protocol)) {
		if (t->address)
			read_address(&net, t->address);
		if (!net.remote_port)
			return 0;
		on_datagram(task, t, &net);
	}
	if (net.remote_port == DNS_PORT && t->bytes >= DNS_BYTES_MIN &&
	    (config.wanted & 1u << WIRE_DNS))
		send_message(task, t, &net);
	return 0;
}

#endif
