/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A string slice: a pointer and a length, not NUL-terminated, never owned.
 *
 * Slices point into an input line, a parser's buffer, a kernel record, an arena or a literal and
 * live as long as that does. Everything in lintel that is text passes through here, so case folding
 * is defined once: ASCII letters only, as Elasticsearch's `~` operators did until July 2026.
 */
#ifndef LINTEL_BASE_STR_H
#define LINTEL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t len;
};

/* A slice of a string literal; the length is known to the compiler. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_NULL ((struct str){NULL, 0})
/* For printf: printf("%.*s", STR_ARG(s)). Longer than INT_MAX is cut, printf can no more. */
#define STR_ARG(s) (int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len), (s).p

static inline struct str str_from(const char *c)
{
	return (struct str){c, c ? strlen(c) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline unsigned char ascii_lower(unsigned char c)
{
	return (unsigned char)(c - 'A') < 26 ? (unsigned char)(c | 0x20) : c;
}

/* Equal but for the case of ASCII letters. */
bool str_eq_fold(struct str a, struct str b);
/* <0, 0, >0 by byte value, which for UTF-8 is code point order. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_starts_fold(struct str s, struct str prefix);
bool str_ends_fold(struct str s, struct str suffix);
/* Byte offset of the first `needle` at or after `from`; SIZE_MAX if there is none. */
size_t str_find(struct str s, struct str needle, size_t from);
size_t str_find_fold(struct str s, struct str needle, size_t from);
/* The part after the last '/', or all of it. */
struct str str_basename(struct str path);
/* The extension of a file name as ECS has it: after the last dot, empty without one. */
struct str str_extension(struct str name);
/* XXH3 over the bytes; `str_hash_fold` gives equal hashes to strings equal but for ASCII case. */
uint64_t str_hash(struct str s);
uint64_t str_hash_fold(struct str s);

#endif
