/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs that do things for live tests share: saying how it went, and io_uring. */
#ifndef LINTEL_TESTS_LIVE_RING_H
#define LINTEL_TESTS_LIVE_RING_H

#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SKIP 77

static inline int check(long result, const char *what)
{
	if (result >= 0)
		return 0;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return errno == ENOSYS || errno == EOPNOTSUPP ? SKIP : 1;
}

/* An io_uring without a library: one entry at a time. */
struct ring {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static inline int ring_open(struct ring *ring)
{
	struct io_uring_params *p = &ring->params;

	memset(ring, 0, sizeof(*ring));
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, p);
	if (ring->fd < 0)
		return errno == ENOSYS || errno == EPERM ? SKIP : check(-1, "io_uring_setup");
	ring->sq = mmap(NULL, p->sq_off.array + p->sq_entries * sizeof(unsigned),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->cq = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->sqes = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			  MAP_SHARED, ring->fd, IORING_OFF_SQES);
	return ring->sq == MAP_FAILED || ring->cq == MAP_FAILED || ring->sqes == MAP_FAILED;
}

/* Submit and wait; returns the operation's result. With a silent success there is none: 0. */
static inline int ring_do(struct ring *ring, struct io_uring_sqe sqe)
{
	const struct io_uring_params *p = &ring->params;
	_Atomic unsigned *sq_tail = (_Atomic unsigned *)(ring->sq + p->sq_off.tail);
	_Atomic unsigned *cq_head = (_Atomic unsigned *)(ring->cq + p->cq_off.head);
	_Atomic unsigned *cq_tail = (_Atomic unsigned *)(ring->cq + p->cq_off.tail);
	unsigned *array = (unsigned *)(ring->sq + p->sq_off.array);
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(ring->cq + p->cq_off.cqes);
	unsigned tail = *sq_tail, slot = tail & (p->sq_entries - 1);
	bool silent = sqe.flags & IOSQE_CQE_SKIP_SUCCESS;
	int result;

	ring->sqes[slot] = sqe;
	array[slot] = slot;
	atomic_store(sq_tail, tail + 1);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, silent ? 0 : 1, IORING_ENTER_GETEVENTS, NULL,
		    0) < 0)
		return -errno;
	if (silent && *cq_head == *cq_tail)
		return 0;
	result = cqes[*cq_head & (p->cq_entries - 1)].res;
	atomic_store(cq_head, *cq_head + 1);
	return result;
}

static inline int ring_check(int result, const char *what)
{
	errno = result < 0 ? -result : 0;
	if (result == -EINVAL)
		return SKIP;
	return check(result, what);
}

#endif
