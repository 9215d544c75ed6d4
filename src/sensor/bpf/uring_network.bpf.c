/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * io_uring: operations on sockets, when they complete. The request still holds the operation's own
 * struct then (io_kiocb_to_cmd), so nothing is kept between submission and completion. A connect with
 * IOSQE_CQE_SKIP_SUCCESS completes without a trace when it succeeds, so it is reported when it is
 * submitted, and marked as unconfirmed.
 */
#include "sensor/bpf/network.h"
#include "sensor/bpf/uring.h"

enum {
	SLOT_COMPLETE,
	SLOT_SUBMIT
};

/* include/uapi/linux/io_uring.h: enum io_uring_op; numbers are ABI */
enum {
	OP_SENDMSG = 9,
	OP_RECVMSG = 10,
	OP_ACCEPT = 13,
	OP_CONNECT = 16,
	OP_SEND = 26,
	OP_RECV = 27,
	OP_SEND_ZC = 47,
	OP_SENDMSG_ZC = 48,
};

static __always_inline __u32 call_of_operation(__u8 opcode)
{
	switch (opcode) {
	case OP_CONNECT:
		return CALL_URING_CONNECT;
	case OP_ACCEPT:
		return CALL_URING_ACCEPT;
	case OP_SEND:
	case OP_SEND_ZC:
		return CALL_URING_SEND;
	case OP_SENDMSG:
	case OP_SENDMSG_ZC:
		return CALL_URING_SENDMSG;
	case OP_RECV:
		return CALL_URING_RECV;
	case OP_RECVMSG:
		return CALL_URING_RECVMSG;
	}
	return CALL_NONE;
}

static __always_inline void on_moved(__u64 task, struct io_kiocb *req, struct sock *sk, __u32 call,
				     int result)
{
	struct io_sr_msg *operation = (void *)req;
	struct traffic *t;
	__u64 header[4]; /* name, namelen, iov, iovlen */
	__u32 zero = 0;

	t = bpf_map_lookup_elem(&traffic, &zero);
	if (!t)
		return;
	__builtin_memset(t, 0, sizeof(*t));
	t->file = (__u64)BPF_CORE_READ(req, file);
	t->sock = (__u64)sk;
	t->data = (__u64)BPF_CORE_READ(operation, buf);
	t->bytes = result;
	t->key = scratch_key(SLOT_COMPLETE);
	t->call = call;
	t->message_flags = BPF_CORE_READ(operation, msg_flags);
	t->is_received = call == CALL_URING_RECV || call == CALL_URING_RECVMSG;
	if (call == CALL_URING_SENDMSG || call == CALL_URING_RECVMSG) {
		if (bpf_probe_read_user(header, sizeof(header), (void *)t->data))
			return;
		t->address = header[0];
		t->data = header[2];
		t->parts = header[3];
	}
	on_traffic(task);
}

static __always_inline int on_submitted(struct io_kiocb *req)
{
	__u64 task = bpf_get_current_task(), id;
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct io_connect *connect = (void *)req;
	struct wire_network net = {};
	__u32 flags = 0;
	struct sock *sk;
	__u8 one = 1;

	if (!(config.wanted & 1u << WIRE_NETWORK) || BPF_CORE_READ(req, opcode) != OP_CONNECT)
		return 0;
	bpf_core_read(&flags, sizeof(flags), &req->flags);
	if (!(flags & REQ_F_CQE_SKIP) || (flags & REQ_F_FIXED_FILE))
		return 0;
	if (tgid == config.self_tgid || !followed((void *)task, tgid) ||
	    !bpf_core_type_exists(struct io_connect))
		return 0;
	sk = sock_of_file(file_of_fd((void *)task, BPF_CORE_READ(req, cqe.fd)));
	if (!sk || !is_tcp(BPF_CORE_READ(sk, sk_protocol)))
		return 0;
	fill_addresses(&net, sk);
	if (!read_address(&net, (__u64)BPF_CORE_READ(connect, addr)))
		return 0;
	net.what = WIRE_CONNECTED;
	net.flags = WIRE_CALLER_SAYS;
	id = (__u64)sk;
	bpf_map_update_elem(&announced, &id, &one, BPF_ANY);
	send_network(task, scratch_key(SLOT_SUBMIT), CALL_URING_CONNECT, WIRE_UNCONFIRMED, &net);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_network_submit)
{
	return on_submitted((void *)plain_argument(ctx, 0));
}

SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_network_submit_sqe)
{
	return on_submitted((void *)plain_argument(ctx, 0));
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_network_complete)
{
	__u64 task = bpf_get_current_task(), address = 0;
	struct io_kiocb *req = (void *)plain_argument(ctx, 1);
	struct io_connect *connect = (void *)req;
	__u32 call, tgid = bpf_get_current_pid_tgid() >> 32;
	int result;
	struct sock *sk;

	if (!req || !(config.wanted & (1u << WIRE_NETWORK | 1u << WIRE_DNS)))
		return 0;
	call = call_of_operation(BPF_CORE_READ(req, opcode));
	if (call == CALL_NONE || tgid == config.self_tgid || !followed((void *)task, tgid))
		return 0;
	result = result_of(ctx);
	if (result < 0 && call != CALL_URING_CONNECT)
		return 0;
	sk = sock_of_file(call == CALL_URING_ACCEPT ? file_of_fd((void *)task, result)
						    : BPF_CORE_READ(req, file));
	if (!sk)
		return 0;
	if (call != CALL_URING_CONNECT && call != CALL_URING_ACCEPT) {
		on_moved(task, req, sk, call, result);
		return 0;
	}
	if (call == CALL_URING_ACCEPT) {
		if (config.wanted & 1u << WIRE_NETWORK)
			on_accepted(task, sk, SLOT_COMPLETE, call, 0);
		return 0;
	}
	if (bpf_core_type_exists(struct io_connect))
		address = (__u64)BPF_CORE_READ(connect, addr);
	on_connected(task, sk, address, scratch_key(SLOT_COMPLETE), call, 0, result);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
