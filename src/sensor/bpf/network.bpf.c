/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets: the program behind calls.bpf.c for GROUP_NETWORK, and the states of TCP connections.
 * inet_sock_set_state (4.16) fires in whatever context the state changes: the caller of connect
 * for SYN_SENT, often a packet's arrival for CLOSE.
 */
#include "sensor/bpf/network.h"

enum {
	SLOT_CALL,
	SLOT_STATE
};

/* Messages looked at of one sendmmsg or recvmmsg. glibc sends a name's A and AAAA question so. */
#define MESSAGES_MAX 8

static __always_inline void begin_connection(struct sock *sk, __u64 sk_address)
{
	__u64 task = bpf_get_current_task(), tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 slot = SLOT_STATE, key = scratch_key(SLOT_STATE);
	struct connection *draft;
	struct scratch *s;

	if (tgid == config.self_tgid || !followed((void *)task, tgid))
		return;
	s = record_start(key, WIRE_NETWORK, CALL_NONE);
	draft = bpf_map_lookup_elem(&drafts, &slot);
	if (!s || !draft)
		return;
	fill_actor(task, key);
	__builtin_memset(draft, 0, sizeof(*draft));
	__builtin_memcpy(&draft->actor, &s->record.actor, sizeof(draft->actor));
	fill_addresses(&draft->net, sk);
	draft->reported = !bpf_map_delete_elem(&announced, &sk_address);
	if (bpf_map_update_elem(&sockets, &sk_address, draft, BPF_ANY))
		count_loss(WIRE_LOSS_MAP);
}

/* Nobody has heard of the connection before connect's end has reported it: then what there is to
 * say of its end waits for that. */
static __always_inline void end_connection(struct sock *sk, __u64 sk_address, int old_state)
{
	struct connection *c = bpf_map_lookup_elem(&sockets, &sk_address);

	if (!c)
		return;
	fill_addresses(&c->net, sk);
	if (old_state == TCP_SYN_SENT) {
		c->failed = 1;
		if (c->reported)
			bpf_map_delete_elem(&sockets, &sk_address);
		return;
	}
	fill_bytes(&c->net, sk);
	__sync_fetch_and_add(&c->closed,
			     1); /* before `reported` is read; connect does the reverse */
	if (*(volatile __u32 *)&c->reported && !bpf_map_delete_elem(&sockets, &sk_address))
		send_closed(c, scratch_key(SLOT_STATE));
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_tcp_state)
{
	__u64 sk_address = plain_argument(ctx, 0);
	int old_state = plain_argument(ctx, 1), new_state = plain_argument(ctx, 2);
	struct sock *sk = (void *)sk_address;

	if (!(config.wanted & 1u << WIRE_NETWORK))
		return 0;
	if (new_state != TCP_SYN_SENT && new_state != TCP_CLOSE)
		return 0;
	if (!is_tcp(BPF_CORE_READ(sk, sk_protocol)))
		return 0;
	if (new_state == TCP_SYN_SENT)
		begin_connection(sk, sk_address);
	else
		end_connection(sk, sk_address, old_state);
	return 0;
}

/* One struct msghdr: where the address and the data are. */
static __always_inline bool read_header(struct traffic *t, __u64 from)
{
	__u64 wide[4]; /* name, namelen, iov, iovlen */
	__u32 narrow[4];

	if (t->is_narrow) {
		if (bpf_probe_read_user(narrow, sizeof(narrow), (void *)from))
			return false;
		t->address = narrow[0];
		t->data = narrow[2];
		t->parts = narrow[3];
		return true;
	}
	if (bpf_probe_read_user(wide, sizeof(wide), (void *)from))
		return false;
	t->address = wide[0];
	t->data = wide[2];
	t->parts = wide[3];
	return true;
}

static __always_inline void on_message(struct traffic *t, __u64 task, __u64 from)
{
	if (read_header(t, from))
		on_traffic(task);
}

/* struct mmsghdr: a struct msghdr and how many bytes were moved. */
static __always_inline void on_messages(struct traffic *t, __u64 task, __u64 from, long count)
{
	const __u64 header = t->is_narrow ? 28 : 56, step = t->is_narrow ? 32 : 64;
	__u32 bytes;

	for (int i = 0; i < MESSAGES_MAX; i++) {
		if (i >= count)
			return;
		if (bpf_probe_read_user(&bytes, sizeof(bytes), (void *)from + header))
			return;
		t->bytes = bytes;
		on_message(t, task, from);
		from += step;
	}
	if (count > MESSAGES_MAX)
		count_loss(WIRE_LOSS_MESSAGES);
}

/* A call and its arguments, in registers or, for socketcall, in memory. */
struct request {
	__u64 a[5];
	__u8 how;
	signed char flags;
};

/* include/uapi/linux/net.h: SYS_CONNECT and so on */
static __always_inline __u8 how_of_socketcall(__u64 number)
{
	switch (number) {
	case 3:
		return HOW_CONNECT;
	case 5:
	case 18:
		return HOW_ACCEPT;
	case 9: /* send, recv: sendto and recvfrom without an address */
	case 11:
		return HOW_SEND;
	case 10:
	case 12:
		return HOW_RECV;
	case 16:
		return HOW_SENDMSG;
	case 17:
		return HOW_RECVMSG;
	case 19:
		return HOW_RECVMMSG;
	case 20:
		return HOW_SENDMMSG;
	}
	return HOW_NONE;
}

static __always_inline bool read_request(struct request *r, const struct call_site *at, __u32 call)
{
	const volatile struct call_args *args = &calls[call];
	__u64 number = argument(at, 0);
	__u32 block[5] = {};

	r->how = args->how;
	r->flags = args->flags;
	if (r->how != HOW_SOCKETCALL) {
		for (int i = 0; i < 5; i++)
			r->a[i] = argument(at, i);
		return true;
	}
	r->how = how_of_socketcall(number);
	/* three arguments may lie at the end of what can be read */
	if (bpf_probe_read_user(block, sizeof(block), (void *)argument(at, 1)) &&
	    bpf_probe_read_user(block, 12, (void *)argument(at, 1)))
		return false;
	for (int i = 0; i < 5; i++)
		r->a[i] = block[i];
	if (number == 9 || number == 10)
		r->a[4] = 0;
	r->flags = r->how == HOW_SENDMSG || r->how == HOW_RECVMSG ? 2 : 3;
	return true;
}

static __always_inline bool is_x32(__u32 call)
{
	switch (call) {
	case CALL_SENDMSG_X32:
	case CALL_SENDMMSG_X32:
	case CALL_RECVMSG_X32:
	case CALL_RECVMMSG_X32:
	case CALL_READV_X32:
	case CALL_WRITEV_X32:
		return true;
	}
	return false;
}

static __always_inline void on_transfer(struct traffic *t, const struct request *r, __u64 task,
					long ret)
{
	if (r->flags == 2)
		t->message_flags = r->a[2];
	else if (r->flags == 3)
		t->message_flags = r->a[3];
	t->is_received = r->how >= HOW_RECV;
	t->bytes = ret;
	t->data = r->a[1];
	switch (r->how) {
	case HOW_SEND:
	case HOW_RECV:
		if (t->bytes > r->a[2])
			t->bytes = r->a[2]; /* MSG_TRUNC */
		t->address = r->a[4];
		on_traffic(task);
		return;
	case HOW_READ:
		on_traffic(task);
		return;
	case HOW_READV:
		t->parts = r->a[2];
		on_traffic(task);
		return;
	case HOW_SENDMSG:
	case HOW_RECVMSG:
		on_message(t, task, r->a[1]);
		return;
	case HOW_SENDMMSG:
	case HOW_RECVMMSG:
		on_messages(t, task, r->a[1], ret);
		return;
	case HOW_WRITE:
		t->is_received = 0;
		t->parts = t->call == CALL_WRITE ? 0 : r->a[2];
		on_traffic(task);
		return;
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_network_call, struct pt_regs *regs, long ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct call_site at = {.regs = regs};
	struct request r = {};
	__u32 call, flags, zero = 0;
	struct traffic *t;
	struct file *file;
	struct sock *sk;

	call = call_of(&at, regs->orig_ax);
	if (call == CALL_NONE || call >= CALL_COUNT)
		return 0;
	if (!read_request(&r, &at, call))
		return 0;
	if (has_failed(ret) && r.how != HOW_CONNECT)
		return 0;
	file = file_of_fd(task, r.how == HOW_ACCEPT ? ret : r.a[0]);
	sk = sock_of_file(file);
	if (!sk)
		return 0;
	flags = at.compat ? WIRE_COMPAT : 0;
	if (r.how == HOW_CONNECT || r.how == HOW_ACCEPT) {
		if (r.how == HOW_CONNECT)
			on_connected((__u64)task, sk, r.a[1], scratch_key(SLOT_CALL), call, flags,
				     ret);
		else if (config.wanted & 1u << WIRE_NETWORK)
			on_accepted((__u64)task, sk, SLOT_CALL, call, flags);
		return 0;
	}
	t = bpf_map_lookup_elem(&traffic, &zero);
	if (!t)
		return 0;
	__builtin_memset(t, 0, sizeof(*t));
	t->file = (__u64)file;
	t->sock = (__u64)sk;
	t->key = scratch_key(SLOT_CALL);
	t->call = call;
	t->record_flags = flags;
	t->is_narrow = at.compat || is_x32(call);
	on_transfer(t, &r, (__u64)task, ret);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
