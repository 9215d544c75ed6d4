/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

#define FIRST_CAPACITY 256

void buf_free(struct buf *buf)
{
	free(buf->p);
	*buf = (struct buf){0};
}

char *buf_reserve(struct buf *buf, size_t more)
{
	if (more > buf->cap - buf->len) {
		size_t cap = buf->cap ? buf->cap : FIRST_CAPACITY;

		while (cap - buf->len < more)
			cap *= 2;
		buf->p = xrealloc(buf->p, cap);
		buf->cap = cap;
	}
	return buf->p + buf->len;
}

void buf_add(struct buf *buf, struct str s)
{
	if (!s.len)
		return;
	memcpy(buf_reserve(buf, s.len), s.p, s.len);
	buf->len += s.len;
}

void buf_add_char(struct buf *buf, char c)
{
	*buf_reserve(buf, 1) = c;
	buf->len++;
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	char *at = buf_reserve(buf, (size_t)n + 1);

	va_start(ap, fmt);
	vsnprintf(at, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf->len += (size_t)n;
}

int buf_write_fd(const struct buf *buf, int fd)
{
	for (size_t at = 0; at < buf->len;) {
		ssize_t n = write(fd, buf->p + at, buf->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return 0;
}
