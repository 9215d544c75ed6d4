/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs at io_uring_complete share. */
#ifndef LINTEL_SENSOR_BPF_URING_H
#define LINTEL_SENSOR_BPF_URING_H

#include "sensor/bpf/common.h"

/* IOSQE_FIXED_FILE_BIT, IOSQE_CQE_SKIP_SUCCESS_BIT; the low eight request flags are the
 * submission's */
#define REQ_F_FIXED_FILE (1u << 0)
#define REQ_F_CQE_SKIP (1u << 6)

/* The operation's result: an argument of the tracepoint, since 6.10 in the completion's struct. */
static __always_inline int result_of(void *ctx)
{
	struct io_uring_cqe *cqe;

	if (!config.uring_cqe)
		return plain_argument(ctx, 3);
	cqe = (void *)plain_argument(ctx, 2);
	return BPF_CORE_READ(cqe, res);
}

#endif
