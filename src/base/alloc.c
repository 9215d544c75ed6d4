/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p, size_t bytes)
{
	if (p)
		return p;
	fprintf(stderr, "lintel: out of memory (%zu bytes wanted)\n", bytes);
	abort();
}

void *xmalloc(size_t bytes)
{
	return checked(malloc(bytes ? bytes : 1), bytes);
}

void *xcalloc(size_t n, size_t bytes)
{
	return checked(calloc(n ? n : 1, bytes ? bytes : 1), bytes);
}

void *xrealloc(void *p, size_t bytes)
{
	return checked(realloc(p, bytes ? bytes : 1), bytes);
}

void *xreallocarray(void *p, size_t n, size_t bytes)
{
	return checked(reallocarray(p, n ? n : 1, bytes ? bytes : 1), bytes);
}

void *xaligned_alloc(size_t align, size_t bytes)
{
	return checked(aligned_alloc(align, bytes), bytes);
}

char *xstrdup(const char *s)
{
	return checked(strdup(s), strlen(s));
}
