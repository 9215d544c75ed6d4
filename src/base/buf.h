/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer: what output is built in before it is written. The owner calls buf_free;
 * buf_reset keeps the memory for the next use. */
#ifndef LINTEL_BASE_BUF_H
#define LINTEL_BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t len;
	size_t cap;
};

void buf_free(struct buf *buf);
static inline void buf_reset(struct buf *buf)
{
	buf->len = 0;
}
/* Room for `more` bytes after len; returns where they go. */
char *buf_reserve(struct buf *buf, size_t more);
void buf_add(struct buf *buf, struct str s);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline struct str buf_str(const struct buf *buf)
{
	return (struct str){buf->p ? buf->p : "", buf->len};
}
/* Write all of it to `fd`, through short writes and EINTR. 0 or -errno. */
int buf_write_fd(const struct buf *buf, int fd) __attribute__((warn_unused_result));

#endif
