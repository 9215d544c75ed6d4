/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does one named thing with sockets, in a network namespace of its own that has loopback alone:
 *
 *	sockets NAME
 *	sockets serve COMMAND [ARGUMENT...]	a command, with a name server on 127.0.0.1
 *
 * Exits 0 when it was done, 77 when this kernel cannot do it, 1 when it failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring.h"

#define THREADS 4
#define ROUNDS 8
#define BIG (1 << 20)

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "sockets: %s: %s\n", what, strerror(errno));
	exit(1);
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t size_of(const union address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static union address make_address(const char *text, uint16_t port)
{
	union address a = {0};

	a.v4.sin_port = htons(port); /* both have it in the same place */
	a.any.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (a.any.sa_family == AF_INET)
		inet_pton(AF_INET, text, &a.v4.sin_addr);
	else
		inet_pton(AF_INET6, text, &a.v6.sin6_addr);
	return a;
}

static int make_socket(const union address *a, int type)
{
	int fd = socket(a->any.sa_family, type, 0);

	must(fd >= 0, "socket");
	return fd;
}

/* Bound to a port of the kernel's choice, which `a` then has; a stream socket listens. */
static int make_server(union address *a, int type)
{
	socklen_t size = sizeof(*a);
	int fd = make_socket(a, type);

	must(!bind(fd, &a->any, size_of(a)), "bind");
	must(type != SOCK_STREAM || !listen(fd, 64), "listen");
	must(!getsockname(fd, &a->any, &size), "getsockname");
	return fd;
}

/* With the other side's address, so that a trace of the calls has it. */
static int take(int server, int flags)
{
	union address peer;
	socklen_t size = sizeof(peer);
	int fd =
	    flags ? accept4(server, &peer.any, &size, flags) : accept(server, &peer.any, &size);

	must(fd >= 0, "accept");
	return fd;
}

static void move(int from, int to, size_t bytes)
{
	static char data[BIG];
	static _Thread_local char sink[BIG];
	size_t sent = 0, received = 0;

	while (received < bytes) {
		if (sent < bytes) {
			ssize_t n = send(from, data, bytes - sent, MSG_DONTWAIT);

			must(n > 0 || errno == EAGAIN, "send");
			sent += n > 0 ? (size_t)n : 0;
		}
		ssize_t n = recv(to, sink, sizeof(sink), sent < bytes ? MSG_DONTWAIT : 0);

		must(n > 0 || errno == EAGAIN, "recv");
		received += n > 0 ? (size_t)n : 0;
	}
}

static void talk_over(int server, const union address *a, size_t there, size_t back)
{
	int client = make_socket(a, SOCK_STREAM), accepted;

	must(!connect(client, &a->any, size_of(a)), "connect");
	accepted = take(server, 0);
	move(client, accepted, there);
	move(accepted, client, back);
	close(client);
	close(accepted);
}

static int tcp(const char *text, size_t there, size_t back)
{
	union address a = make_address(text, 0);
	int server = make_server(&a, SOCK_STREAM);

	talk_over(server, &a, there, back);
	close(server);
	return 0;
}

static int do_tcp4(void)
{
	return tcp("127.0.0.1", 5, 7);
}

static int do_tcp6(void)
{
	return tcp("::1", 3, 2);
}

static int do_tcp_big(void)
{
	return tcp("127.0.0.1", BIG + 12345, BIG - 777);
}

/* An IPv6 socket to an IPv4 address. */
static int do_tcp_mapped(void)
{
	union address any = make_address("::", 0), mapped = make_address("::ffff:127.0.0.1", 0);
	int server = make_server(&any, SOCK_STREAM);

	mapped.v6.sin6_port = any.v6.sin6_port;
	talk_over(server, &mapped, 1, 2);
	close(server);
	return 0;
}

static int do_tcp_left_open(void)
{
	union address a = make_address("127.0.0.1", 0);
	int server = make_server(&a, SOCK_STREAM), client = make_socket(&a, SOCK_STREAM);

	must(!connect(client, &a.any, size_of(&a)), "connect");
	move(client, take(server, 0), 9);
	return 0;
}

static int refused(const char *text, int flags)
{
	union address a = make_address(text, 1);
	int fd = make_socket(&a, SOCK_STREAM | flags);

	must(connect(fd, &a.any, size_of(&a)) < 0, "connect to a closed port");
	if (flags)
		connect(fd, &a.any, size_of(&a)); /* says what became of it */
	close(fd);
	return 0;
}

static int do_refused4(void)
{
	return refused("127.0.0.1", 0);
}

static int do_refused6(void)
{
	return refused("::1", 0);
}

static int do_refused_nonblocking(void)
{
	return refused("127.0.0.1", SOCK_NONBLOCK);
}

static int do_unreachable(void)
{
	return refused("192.0.2.1", 0) || refused("2001:db8::1", 0);
}

static int do_nonblocking(void)
{
	union address a = make_address("::1", 0);
	int server = make_server(&a, SOCK_STREAM), accepted;
	int client = make_socket(&a, SOCK_STREAM | SOCK_NONBLOCK);
	struct pollfd writable = {.fd = client, .events = POLLOUT};

	connect(client, &a.any, size_of(&a));
	poll(&writable, 1, 1000);
	connect(client, &a.any, size_of(&a));
	connect(client, &a.any, size_of(&a));
	accepted = take(server, SOCK_CLOEXEC);
	move(accepted, client, 11);
	close(accepted);
	close(client);
	return 0;
}

/* Reset by the client, before and after it was accepted. */
static int do_reset(void)
{
	const struct linger hard = {1, 0};
	union address a = make_address("127.0.0.1", 0);
	int server = make_server(&a, SOCK_STREAM);

	for (int early = 0; early < 2; early++) {
		int client = make_socket(&a, SOCK_STREAM), accepted = -1;

		must(!connect(client, &a.any, size_of(&a)), "connect");
		must(send(client, "abc", 3, 0) == 3, "send");
		setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		if (!early)
			accepted = take(server, 0);
		close(client);
		if (early)
			accepted = take(server, 0);
		must(accepted >= 0, "accept");
		close(accepted);
	}
	return 0;
}

static int do_unconnect(void)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	union address a = make_address("127.0.0.1", 0);
	int server = make_server(&a, SOCK_STREAM), client = make_socket(&a, SOCK_STREAM);

	for (int i = 0; i < 2; i++) {
		must(!connect(client, &a.any, size_of(&a)), "connect");
		move(client, take(server, 0), 4);
		must(!connect(client, &none, sizeof(none)), "connect to nothing");
	}
	return 0;
}

static void *run_thread(void *address)
{
	const union address *a = address;
	union address own = *a;
	int server = make_server(&own, SOCK_STREAM);

	for (int i = 0; i < ROUNDS; i++)
		talk_over(server, &own, (size_t)i + 1, 20 - (size_t)i);
	close(server);
	return NULL;
}

static int do_threads(void)
{
	union address a[2] = {make_address("127.0.0.1", 0), make_address("::1", 0)};
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		must(!pthread_create(&threads[i], NULL, run_thread, &a[i % 2]), "thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static int udp(const char *text)
{
	union address a = make_address(text, 0), peer;
	int server = make_server(&a, SOCK_DGRAM), client = make_socket(&a, SOCK_DGRAM);
	socklen_t size;
	char c;

	for (int i = 0; i < 3; i++) {
		size = sizeof(peer);
		sendto(client, "x", 1, 0, &a.any, size_of(&a));
		recvfrom(server, &c, 1, MSG_PEEK, &peer.any, &size);
		recvfrom(server, &c, 1, 0, &peer.any, &size);
		sendto(server, "y", 1, 0, &peer.any, size);
		recvfrom(client, &c, 1, 0, &peer.any, &size);
	}
	close(client);
	close(server);
	return 0;
}

static int do_udp4(void)
{
	return udp("127.0.0.1");
}

static int do_udp6(void)
{
	return udp("::1");
}

/* write and read on a connected socket; a connect alone sends nothing. */
static int do_udp_connected(void)
{
	union address a = make_address("127.0.0.1", 0);
	int server = make_server(&a, SOCK_DGRAM);
	char text[20];

	for (int i = 0; i < 2; i++) {
		int client = make_socket(&a, SOCK_DGRAM), silent = make_socket(&a, SOCK_DGRAM);
		struct iovec part = {text, 20};

		must(!connect(client, &a.any, size_of(&a)), "connect");
		must(!connect(silent, &a.any, size_of(&a)), "connect");
		memset(text, 'x', sizeof(text));
		must(i ? writev(client, &part, 1) == 20 : write(client, text, 20) == 20, "write");
		must(recv(server, text, sizeof(text), 0) == 20, "recv");
		close(client);
		close(silent);
	}
	return 0;
}

/* To two peers at once, by one call. */
static int do_udp_mmsg(void)
{
	union address a[2] = {make_address("127.0.0.1", 0), make_address("127.0.0.2", 0)}, from[2];
	int servers[2] = {make_server(&a[0], SOCK_DGRAM), make_server(&a[1], SOCK_DGRAM)};
	int client = make_socket(&a[0], SOCK_DGRAM);
	struct mmsghdr messages[2] = {0};
	struct iovec part = {(char[]){"ab"}, 2};

	for (int i = 0; i < 2; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_name = &a[i],
						      .msg_namelen = size_of(&a[i]),
						      .msg_iov = &part,
						      .msg_iovlen = 1};
	must(sendmmsg(client, messages, 2, 0) == 2, "sendmmsg");
	for (int i = 0; i < 2; i++) {
		messages[0].msg_hdr.msg_name = &from[i];
		messages[0].msg_hdr.msg_namelen = sizeof(from[i]);
		must(recvmmsg(servers[i], messages, 1, 0, NULL) == 1, "recvmmsg");
	}
	return 0;
}

/* ---- 32-bit calls, by int 0x80 */

/* Memory that 32-bit calls can name. */
static void *low_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		       -1, 0);

	must(p != MAP_FAILED, "mmap");
	return p;
}

static long call32(long number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static long socketcall(int which, const uint32_t *arguments)
{
	uint32_t *block = low_memory();

	memcpy(block, arguments, 6 * sizeof(*block));
	return call32(102, (uintptr_t)which, (uintptr_t)block, 0, 0, 0);
}

static bool has_32_bit(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(call32(20, 0, 0, 0, 0, 0) == getpid() ? 0 : 1); /* getpid */
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int do_socketcall(void)
{
	union address a = make_address("127.0.0.1", 0), u = make_address("127.0.0.1", 0);
	int server = make_server(&a, SOCK_STREAM), client = make_socket(&a, SOCK_STREAM);
	int taker = make_server(&u, SOCK_DGRAM), giver = make_socket(&u, SOCK_DGRAM);
	union address *low = low_memory();
	char *text = (char *)(low + 2);
	uint32_t *header = (uint32_t *)(low + 4), address = (uint32_t)(uintptr_t)low;
	uint32_t *size = (uint32_t *)(low + 6), data = (uint32_t)(uintptr_t)text;
	uint32_t *part = (uint32_t *)(low + 8);
	long accepted;

	if (!has_32_bit())
		return SKIP;
	*low = a;
	must(!socketcall(3, (uint32_t[6]){(uint32_t)client, address, sizeof(a.v4)}), "connect");
	*size = sizeof(*low);
	accepted =
	    socketcall(5, (uint32_t[6]){(uint32_t)server, address, (uint32_t)(uintptr_t)size});
	must(accepted >= 0, "accept");
	must(socketcall(9, (uint32_t[6]){(uint32_t)client, data, 6, 0}) == 6, "send");
	must(socketcall(10, (uint32_t[6]){(uint32_t)accepted, data, 6, 0}) == 6, "recv");
	close((int)accepted);
	*low = u;
	must(socketcall(11, (uint32_t[6]){(uint32_t)giver, data, 6, 0, address, sizeof(a.v4)}) == 6,
	     "sendto");
	*size = sizeof(*low);
	must(socketcall(12, (uint32_t[6]){(uint32_t)taker, data, 6, 0, address,
					  (uint32_t)(uintptr_t)size}) == 6,
	     "recvfrom");
	part[0] = data;
	part[1] = 6;
	memcpy(header, (uint32_t[7]){address, sizeof(a.v4), (uint32_t)(uintptr_t)part, 1}, 28);
	*low =
	    make_address("127.0.0.3", 9); /* nobody listens: the datagram goes out all the same */
	must(socketcall(16, (uint32_t[6]){(uint32_t)giver, (uint32_t)(uintptr_t)header, 0}) == 6,
	     "sendmsg");
	return 0;
}

/* i386's own numbers. */
static int do_native32(void)
{
	union address a = make_address("::1", 0), u = make_address("::1", 0);
	int server = make_server(&a, SOCK_STREAM), client = make_socket(&a, SOCK_STREAM);
	int taker = make_server(&u, SOCK_DGRAM), giver = make_socket(&u, SOCK_DGRAM);
	union address *low = low_memory();
	uint32_t *header = (uint32_t *)(low + 4), *part = (uint32_t *)(low + 6);
	long accepted;

	if (!has_32_bit())
		return SKIP;
	*low = a;
	must(!call32(362, (uintptr_t)client, (uintptr_t)low, sizeof(a.v6), 0, 0), "connect");
	*header = sizeof(*low);
	accepted = call32(364, (uintptr_t)server, (uintptr_t)low, (uintptr_t)header, 0, 0);
	close((int)accepted);
	*low = u;
	memcpy(part, (uint32_t[2]){(uint32_t)(uintptr_t)(low + 2), 4}, 8);
	memcpy(header,
	       (uint32_t[7]){(uint32_t)(uintptr_t)low, sizeof(a.v6), (uint32_t)(uintptr_t)part, 1},
	       28);
	must(call32(370, (uintptr_t)giver, (uintptr_t)header, 0, 0, 0) == 4, "sendmsg");
	must(call32(372, (uintptr_t)taker, (uintptr_t)header, 0, 0, 0) == 4, "recvmsg");
	return 0;
}

/* ---- io_uring, fast open */

static int do_uring(void)
{
	union address a = make_address("127.0.0.1", 0), u = make_address("::1", 0);
	int server = make_server(&a, SOCK_STREAM), client = make_socket(&a, SOCK_STREAM);
	int taker = make_server(&u, SOCK_DGRAM), giver = make_socket(&u, SOCK_DGRAM), accepted;
	struct iovec part = {(char[]){"12345"}, 5};
	struct msghdr message = {.msg_name = &u, .msg_iov = &part, .msg_iovlen = 1};
	struct ring ring;
	int err = ring_open(&ring);

	if (err)
		return err;
	err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
						   .fd = client,
						   .addr = (uintptr_t)&a,
						   .off = size_of(&a)});
	if (err < 0)
		return ring_check(err, "io_uring connect");
	accepted = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = server});
	must(accepted >= 0, "io_uring accept");
	must(ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_SEND,
						  .fd = client,
						  .addr = (uintptr_t) "hello!",
						  .len = 6}) == 6,
	     "io_uring send");
	move(accepted, client, 3);
	message.msg_namelen = size_of(&u);
	must(ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_SENDMSG,
						  .fd = giver,
						  .addr = (uintptr_t)&message,
						  .len = 1}) == 5,
	     "io_uring sendmsg");
	must(ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_RECVMSG,
						  .fd = taker,
						  .addr = (uintptr_t)&message,
						  .len = 1}) == 5,
	     "io_uring recvmsg");
	close(client);
	close(accepted);
	return 0;
}

/* A success that is not reported. */
static int do_uring_silent(void)
{
	union address a = make_address("127.0.0.1", 0);
	int server = make_server(&a, SOCK_STREAM), client = make_socket(&a, SOCK_STREAM), accepted;
	struct ring ring;
	int err = ring_open(&ring);

	if (err)
		return err;
	err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
						   .flags = IOSQE_CQE_SKIP_SUCCESS,
						   .fd = client,
						   .addr = (uintptr_t)&a,
						   .off = size_of(&a)});
	if (err < 0)
		return ring_check(err, "io_uring connect");
	accepted = take(server, 0);
	move(client, accepted, 8);
	close(client);
	close(accepted);
	return 0;
}

static int do_uring_refused(void)
{
	union address a = make_address("127.0.0.1", 1);
	struct ring ring;
	int err = ring_open(&ring);

	if (err)
		return err;
	err = ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
						   .fd = make_socket(&a, SOCK_STREAM),
						   .addr = (uintptr_t)&a,
						   .off = size_of(&a)});
	return err == -ECONNREFUSED ? 0 : ring_check(err, "io_uring connect");
}

/* The connection begins with the first data. */
static int do_fast_open(void)
{
	union address a = make_address("127.0.0.1", 0);
	int client = make_socket(&a, SOCK_STREAM), server = make_server(&a, SOCK_STREAM);
	const int queue = 5;
	int accepted;
	char text[4];

	if (setsockopt(server, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)))
		return SKIP;
	if (sendto(client, "fast", 4, MSG_FASTOPEN, &a.any, size_of(&a)) != 4)
		return errno == EOPNOTSUPP ? SKIP : 1;
	accepted = take(server, 0);
	must(recv(accepted, text, 4, MSG_WAITALL) == 4, "recv");
	close(client);
	close(accepted);
	return 0;
}

/* ---- name service */

#define QUESTION_MAX 300

/* A question for a name ("\3abc\7example\0" in `labels`), as resolvers send it. */
static size_t make_question(uint8_t *out, const char *labels, size_t labels_bytes, uint8_t type)
{
	const uint8_t header[12] = {0x12, type, 1, 0, 0, 1};

	memcpy(out, header, 12);
	memcpy(out + 12, labels, labels_bytes);
	memcpy(out + 12 + labels_bytes, (uint8_t[4]){0, type, 0, 1}, 4);
	return 12 + labels_bytes + 4;
}

#define EXAMPLE "\4mine\7example\0"
#define MISSING "\7missing\7example\0"

/* The same as an answer: two addresses behind an alias, or that there is no such name. */
static size_t make_answer(uint8_t *message, size_t bytes)
{
	static const uint8_t alias[] = {0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 12};
	static const uint8_t a[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1};
	static const uint8_t aaaa[] = {0xc0, 12,   0, 28, 0, 1, 0, 0, 0, 9, 0, 16, 0x20, 0x01,
				       0x0d, 0xb8, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,  0,    7};
	const uint8_t *record = message[bytes - 3] == 28 ? aaaa : a;
	size_t record_bytes = record == aaaa ? sizeof(aaaa) : sizeof(a);

	message[2] |= 0x80; /* an answer */
	memset(message + 8, 0, 4);
	if (message[12] == 7) {
		message[3] = 0x83; /* no such name */
		return bytes;
	}
	message[3] = 0x80;
	message[7] = 3;
	memcpy(message + bytes, alias, sizeof(alias));
	memcpy(message + bytes + sizeof(alias), record, record_bytes);
	memcpy(message + bytes + sizeof(alias) + record_bytes, record, record_bytes);
	message[bytes + sizeof(alias) + 2 * record_bytes - 1]++;
	return bytes + sizeof(alias) + 2 * record_bytes;
}

/* The end of the question section: what follows (EDNS) is not answered. */
static size_t question_bytes(const uint8_t *message)
{
	size_t at = 12;

	while (message[at])
		at += 1u + message[at];
	return at + 5;
}

static void serve_stream(int listener)
{
	uint8_t message[QUESTION_MAX + 512];
	int fd = take(listener, 0);
	size_t bytes;

	if (recv(fd, message, 2, MSG_WAITALL) == 2 &&
	    recv(fd, message + 2, (size_t)message[0] << 8 | message[1], MSG_WAITALL) > 0) {
		bytes = make_answer(message + 2, question_bytes(message + 2));
		message[0] = (uint8_t)(bytes >> 8);
		message[1] = (uint8_t)bytes;
		send(fd, message, bytes + 2, 0);
	}
	close(fd);
}

static void serve(int datagrams, int listener)
{
	struct pollfd ready[2] = {{.fd = datagrams, .events = POLLIN},
				  {.fd = listener, .events = POLLIN}};
	uint8_t message[QUESTION_MAX + 512];
	union address from;

	while (poll(ready, 2, -1) > 0) {
		socklen_t size = sizeof(from);
		ssize_t n;

		if (ready[1].revents)
			serve_stream(listener);
		if (!ready[0].revents)
			continue;
		n = recvfrom(datagrams, message, QUESTION_MAX, 0, &from.any, &size);
		if (n >= 17)
			sendto(datagrams, message, make_answer(message, question_bytes(message)), 0,
			       &from.any, size);
	}
	_exit(0);
}

static pid_t name_server;

static void start_name_server(void)
{
	union address a = make_address("127.0.0.1", 53), b = a;
	int datagrams = make_server(&a, SOCK_DGRAM), listener = make_server(&b, SOCK_STREAM);

	name_server = fork();
	if (name_server == 0)
		serve(datagrams, listener);
	close(datagrams);
	close(listener);
}

static int do_dns(void)
{
	union address a = make_address("127.0.0.1", 53), from;
	socklen_t size = sizeof(from);
	uint8_t message[512];
	int fd = make_socket(&a, SOCK_DGRAM);
	size_t n = make_question(message, EXAMPLE, sizeof(EXAMPLE) - 1, 1);

	must(sendto(fd, message, n, 0, &a.any, size_of(&a)) == (ssize_t)n, "sendto");
	must(recvfrom(fd, message, sizeof(message), 0, &from.any, &size) > 0, "recvfrom");
	n = make_question(message, MISSING, sizeof(MISSING) - 1, 16);
	must(sendto(fd, message, n, 0, &a.any, size_of(&a)) == (ssize_t)n, "sendto");
	must(recvfrom(fd, message, sizeof(message), 0, &from.any, &size) > 0, "recvfrom");
	return 0;
}

/* To the name server's port, but no question. */
static int do_dns_garbage(void)
{
	union address a = make_address("127.0.0.1", 53);
	char message[40];

	memset(message, 'x', sizeof(message));
	must(sendto(make_socket(&a, SOCK_DGRAM), message, sizeof(message), 0, &a.any,
		    size_of(&a)) == sizeof(message),
	     "sendto");
	return 0;
}

/* As Go's resolver does it. */
static int do_dns_connected(void)
{
	union address a = make_address("127.0.0.1", 53);
	uint8_t message[512];
	int fd = make_socket(&a, SOCK_DGRAM);
	size_t n = make_question(message, EXAMPLE, sizeof(EXAMPLE) - 1, 28);

	must(!connect(fd, &a.any, size_of(&a)), "connect");
	must(write(fd, message, n) == (ssize_t)n, "write");
	must(read(fd, message, sizeof(message)) > 0, "read");
	return 0;
}

/* As musl and glibc do it: both questions at once. */
static int do_dns_both(void)
{
	union address a = make_address("127.0.0.1", 53);
	uint8_t message[2][512];
	struct mmsghdr messages[2] = {0};
	struct iovec parts[2];
	int fd = make_socket(&a, SOCK_DGRAM);

	must(!connect(fd, &a.any, size_of(&a)), "connect");
	for (int i = 0; i < 2; i++) {
		parts[i].iov_base = message[i];
		parts[i].iov_len =
		    make_question(message[i], EXAMPLE, sizeof(EXAMPLE) - 1, i ? 28 : 1);
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	must(sendmmsg(fd, messages, 2, 0) == 2, "sendmmsg");
	for (int i = 0; i < 2; i++) {
		parts[0].iov_len = sizeof(message[0]);
		must(recvmsg(fd, &messages[0].msg_hdr, 0) > 0, "recvmsg");
	}
	return 0;
}

static int do_dns_stream(void)
{
	union address a = make_address("127.0.0.1", 53);
	uint8_t message[512], length[2] = {0};
	struct iovec parts[2] = {{length, 2}, {message, 0}};
	int fd = make_socket(&a, SOCK_STREAM);

	parts[1].iov_len = make_question(message, EXAMPLE, sizeof(EXAMPLE) - 1, 1);
	length[1] = (uint8_t)parts[1].iov_len;
	must(!connect(fd, &a.any, size_of(&a)), "connect");
	must(writev(fd, parts, 2) == (ssize_t)parts[1].iov_len + 2, "writev");
	must(recv(fd, length, 2, MSG_WAITALL) == 2, "recv");
	must(read(fd, message, length[1]) == length[1], "read");
	close(fd);
	return 0;
}

/* ---- */

static const struct {
	const char *name;
	int (*run)(void);
} actions[] = {
    {"tcp4", do_tcp4},
    {"tcp6", do_tcp6},
    {"tcp-big", do_tcp_big},
    {"tcp-mapped", do_tcp_mapped},
    {"tcp-left-open", do_tcp_left_open},
    {"refused4", do_refused4},
    {"refused6", do_refused6},
    {"refused-nonblocking", do_refused_nonblocking},
    {"unreachable", do_unreachable},
    {"nonblocking", do_nonblocking},
    {"reset", do_reset},
    {"unconnect", do_unconnect},
    {"threads", do_threads},
    {"udp4", do_udp4},
    {"udp6", do_udp6},
    {"udp-connected", do_udp_connected},
    {"udp-mmsg", do_udp_mmsg},
    {"socketcall", do_socketcall},
    {"native32", do_native32},
    {"uring", do_uring},
    {"uring-silent", do_uring_silent},
    {"uring-refused", do_uring_refused},
    {"fast-open", do_fast_open},
    {"dns", do_dns},
    {"dns-garbage", do_dns_garbage},
    {"dns-connected", do_dns_connected},
    {"dns-both", do_dns_both},
    {"dns-stream", do_dns_stream},
};

/* A network of one's own: loopback, up. */
static void enter_namespace(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd;

	if (unshare(CLONE_NEWNET))
		exit(SKIP);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	must(!ioctl(fd, SIOCSIFFLAGS, &request), "loopback");
	close(fd);
}

static int run_command(char **arguments)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execvp(arguments[0], arguments);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	bool is_command = argc > 2 && !strcmp(argv[1], "serve");
	int status = 2;

	if (argc < 2 || (argc > 2 && !is_command)) {
		fprintf(stderr, "usage: sockets NAME | serve COMMAND...\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	enter_namespace();
	if (is_command || !strncmp(argv[1], "dns", 3))
		start_name_server();
	if (is_command)
		status = run_command(argv + 2);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(argv[1], actions[i].name))
			status = actions[i].run();
	if (name_server > 0) {
		kill(name_server, SIGKILL);
		waitpid(name_server, NULL, 0);
	}
	return status;
}
