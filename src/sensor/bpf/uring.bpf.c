/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * io_uring: operations on files that pass no system call. io_uring_submit_req fires when a request
 * is prepared: the path strings are the kernel's copies, so there is no race with the caller's
 * memory. io_uring_complete brings the result. In between what was asked waits in `pending`.
 *
 * A request with IOSQE_CQE_SKIP_SUCCESS completes without a trace when it succeeds; it is reported
 * when submitted and marked as unconfirmed: better one event too many than a way to hide.
 *
 * Before 6.3 the tracepoint was called io_uring_submit_sqe; it has the request as its first
 * argument since 5.19. Operations have structs of their own (struct io_open and so on) since 6.0.
 * The loader loads one of the two programs.
 */
#include "sensor/bpf/decided.h"
#include "sensor/bpf/uring.h"

enum {
	SLOT_SUBMIT,
	SLOT_COMPLETE
};

/* include/uapi/linux/io_uring.h: enum io_uring_op; numbers are ABI */
enum {
	OP_WRITEV = 2,
	OP_WRITE_FIXED = 5,
	OP_FALLOCATE = 17,
	OP_OPENAT = 18,
	OP_WRITE = 23,
	OP_OPENAT2 = 28,
	OP_SPLICE = 30,
	OP_RENAMEAT = 35,
	OP_UNLINKAT = 36,
	OP_SYMLINKAT = 38,
	OP_LINKAT = 39,
	OP_FSETXATTR = 41,
	OP_SETXATTR = 42,
	OP_FTRUNCATE = 55,
	OP_WRITEV_FIXED = 59,
};

#define O_CREAT 0100

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct strings);
} pending SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct strings);
} gather SEC(".maps");

static __always_inline __u32 call_of_operation(__u8 opcode)
{
	switch (opcode) {
	case OP_OPENAT:
		return CALL_URING_OPENAT;
	case OP_OPENAT2:
		return CALL_URING_OPENAT2;
	case OP_WRITE:
	case OP_WRITEV:
	case OP_WRITE_FIXED:
	case OP_WRITEV_FIXED:
		return CALL_URING_WRITE;
	case OP_FALLOCATE:
		return CALL_URING_FALLOCATE;
	case OP_FTRUNCATE:
		return CALL_URING_FTRUNCATE;
	case OP_FSETXATTR:
		return CALL_URING_FSETXATTR;
	case OP_SETXATTR:
		return CALL_URING_SETXATTR;
	case OP_RENAMEAT:
		return CALL_URING_RENAMEAT;
	case OP_UNLINKAT:
		return CALL_URING_UNLINKAT;
	case OP_LINKAT:
		return CALL_URING_LINKAT;
	case OP_SYMLINKAT:
		return CALL_URING_SYMLINKAT;
	}
	return CALL_NONE;
}

static __always_inline void read_string(struct strings *g, __u32 bit, struct filename *name)
{
	__u64 at = g->head.bytes;
	long n;

	KEEP(at);
	if (at > WIRE_PATH_BYTES)
		return;
	n = bpf_probe_read_kernel_str(g->text + at, WIRE_PATH_BYTES, BPF_CORE_READ(name, name));
	if (n <= 0) {
		g->head.failed |= bit;
		n = 0;
	}
	if (bit == 2)
		g->head.second = at;
	g->head.bytes = at + n;
}

/* A name of an operation, however this kernel keeps it. */
#define NAME_OF(request, type, member)                                                           \
	(bpf_core_type_exists(struct delayed_filename)                                           \
	     ? BPF_CORE_READ((struct type##___delayed *)(request), member.__incomplete_filename) \
	     : BPF_CORE_READ((struct type *)(request), member))

/* The operation's own struct lies at the request's start (io_kiocb_to_cmd). */
static __always_inline void gather_arguments(struct strings *g, __u32 call, void *request)
{
	struct io_rename *move = request;
	struct io_unlink *unlink = request;
	struct io_open *open = request;
	struct io_link *link = request;

	g->head.dfd0 = g->head.dfd1 = -100;
	switch (call) {
	case CALL_URING_OPENAT:
	case CALL_URING_OPENAT2:
		g->head.dfd0 = BPF_CORE_READ(open, dfd);
		g->head.slot = BPF_CORE_READ(open, file_slot);
		g->head.flags = BPF_CORE_READ(open, how.flags);
		read_string(g, 1, NAME_OF(request, io_open, filename));
		return;
	case CALL_URING_RENAMEAT:
		g->head.dfd0 = BPF_CORE_READ(move, old_dfd);
		g->head.dfd1 = BPF_CORE_READ(move, new_dfd);
		g->head.flags = BPF_CORE_READ(move, flags);
		read_string(g, 1, NAME_OF(request, io_rename, oldpath));
		read_string(g, 2, NAME_OF(request, io_rename, newpath));
		return;
	case CALL_URING_LINKAT:
		g->head.dfd0 = BPF_CORE_READ(link, old_dfd);
		g->head.dfd1 = BPF_CORE_READ(link, new_dfd);
		g->head.flags = BPF_CORE_READ(link, flags);
		read_string(g, 1, NAME_OF(request, io_link, oldpath));
		read_string(g, 2, NAME_OF(request, io_link, newpath));
		return;
	case CALL_URING_SYMLINKAT: /* the link first, then its text, as calls.def has it */
		g->head.dfd0 = BPF_CORE_READ(link, new_dfd);
		read_string(g, 1, NAME_OF(request, io_link, newpath));
		read_string(g, 2, NAME_OF(request, io_link, oldpath));
		return;
	case CALL_URING_UNLINKAT:
		g->head.dfd0 = BPF_CORE_READ(unlink, dfd);
		g->head.flags = BPF_CORE_READ(unlink, flags);
		read_string(g, 1, NAME_OF(request, io_unlink, filename));
		return;
	case CALL_URING_SETXATTR:
		read_string(g, 1, NAME_OF(request, io_xattr, filename));
		return;
	}
}

static __always_inline void send_paths(struct task_struct *task, const struct strings *g, __u32 key,
				       __u32 flags)
{
	__u32 call = g->head.call;
	const volatile struct call_args *args;
	struct scratch *s;

	if (call >= CALL_COUNT)
		return;
	args = &calls[call];
	if (args->what == WHAT_UNLINK && (g->head.flags & 0x200)) /* AT_REMOVEDIR */
		return;
	s = record_start(key, WIRE_PATHS, call);
	if (!s)
		return;
	s->record.flags = flags;
	s->record.value = g->head.flags;
	fill_actor((__u64)task, key);
	add_start(s, task, g->head.dfd0, key, WIRE_SPAN_PLACE0);
	if (args->d >= 0 && args->c > -2)
		add_start(s, task, g->head.dfd1, key, WIRE_SPAN_PLACE1);
	add_strings(s, &g->head, g->text);
	record_send(s, true);
}

/* An open that leaves no descriptor to look at: the strings must do. */
static __always_inline void send_open(struct task_struct *task, const struct strings *g, __u32 key,
				      __u32 flags)
{
	if (g->head.flags & (O_CREAT | O_TRUNC))
		send_paths(task, g, key, flags);
}

static __always_inline void send_content(struct task_struct *task, struct file *file, __u32 key,
					 __u32 call, __u32 flags)
{
	if (!file)
		return;
	if (calls[call].what == WHAT_XATTR)
		send_file(task, file, key, call, flags);
	else
		on_written(task, file, key, call, flags);
}

/* No completion will be seen. A file of the ring's own table cannot be found here. */
static __always_inline void on_silent(struct task_struct *task, const struct strings *g,
				      struct io_kiocb *req, __u32 req_flags)
{
	__u32 key = scratch_key(SLOT_SUBMIT), call = g->head.call;

	if (call >= CALL_COUNT)
		return;
	if (calls[call].how == HOW_PATHS)
		send_paths(task, g, key, WIRE_UNCONFIRMED);
	else if (calls[call].how == HOW_OPEN)
		send_open(task, g, key, WIRE_UNCONFIRMED);
	else if (!(req_flags & REQ_F_FIXED_FILE))
		send_content(task, file_of_fd(task, BPF_CORE_READ(req, cqe.fd)), key, call,
			     WIRE_UNCONFIRMED);
}

static __always_inline int on_request(struct io_kiocb *req)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 call, zero = 0, req_flags = 0;
	__u64 id = (__u64)req;
	struct strings *g;

	call = call_of_operation(BPF_CORE_READ(req, opcode));
	if (call == CALL_NONE || tgid == config.self_tgid || !followed(task, tgid))
		return 0;
	g = bpf_map_lookup_elem(&gather, &zero);
	if (!g)
		return 0;
	__builtin_memset(&g->head, 0, sizeof(g->head));
	g->head.call = call;
	gather_arguments(g, call, req);
	bpf_core_read(&req_flags, sizeof(req_flags), &req->flags);
	if (req_flags & REQ_F_CQE_SKIP)
		on_silent(task, g, req, req_flags);
	else if (bpf_map_update_elem(&pending, &id, g, BPF_ANY))
		count_loss(WIRE_LOSS_MAP);
	else if (call < CALL_COUNT && has_hook(calls[call].what))
		ask(id, call);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_submit)
{
	return on_request((void *)plain_argument(ctx, 0));
}

SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_submit_sqe)
{
	return on_request((void *)plain_argument(ctx, 0));
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_complete)
{
	__u64 id = plain_argument(ctx, 1);
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 key = scratch_key(SLOT_COMPLETE);
	struct io_kiocb *req = (void *)id;
	struct strings *g;
	struct file *file;
	__u32 call;
	int res;

	g = bpf_map_lookup_elem(&pending, &id);
	if (!g)
		return 0;
	call = g->head.call;
	res = result_of(ctx);
	if (res < 0 || call >= CALL_COUNT)
		goto out;
	KEEP(call);
	if (calls[call].how == HOW_PATHS) {
		if (!has_hook(calls[call].what) || !send_decided(id, call, 0, g->head.flags))
			send_paths(task, g, key, 0);
	} else if (calls[call].how == HOW_OPEN) {
		file = g->head.slot ? 0 : file_of_fd(task, res);
		if (g->head.slot)
			send_open(task, g, key, 0);
		else if (file)
			on_opened(task, file, key, call, g->head.flags, 0);
	} else if (calls[call].how == HOW_FD || res > 0) {
		send_content(task, BPF_CORE_READ(req, file), key, call, 0);
	}
out:
	if (config.hooks)
		forget_decided(id);
	bpf_map_delete_elem(&pending, &id);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
