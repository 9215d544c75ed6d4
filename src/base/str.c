/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

/* Header-only: no library to deploy, and the compiler sees the length. */
#define XXH_INLINE_ALL
#include <xxhash.h>

bool str_eq_fold(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower((unsigned char)a.p[i]) != ascii_lower((unsigned char)b.p[i]))
			return false;
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c)
		return c;
	return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq((struct str){s.p, prefix.len}, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       str_eq((struct str){s.p + (s.len - suffix.len), suffix.len}, suffix);
}

bool str_starts_fold(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq_fold((struct str){s.p, prefix.len}, prefix);
}

bool str_ends_fold(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	       str_eq_fold((struct str){s.p + (s.len - suffix.len), suffix.len}, suffix);
}

size_t str_find(struct str s, struct str needle, size_t from)
{
	if (from > s.len || needle.len > s.len - from)
		return SIZE_MAX;
	if (needle.len == 0)
		return from;
	const char *hit = memmem(s.p + from, s.len - from, needle.p, needle.len);

	return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

size_t str_find_fold(struct str s, struct str needle, size_t from)
{
	if (from > s.len || needle.len > s.len - from)
		return SIZE_MAX;
	if (needle.len == 0)
		return from;
	unsigned char first = ascii_lower((unsigned char)needle.p[0]);

	for (size_t i = from; i + needle.len <= s.len; i++)
		if (ascii_lower((unsigned char)s.p[i]) == first &&
		    str_eq_fold((struct str){s.p + i, needle.len}, needle))
			return i;
	return SIZE_MAX;
}

struct str str_basename(struct str path)
{
	const char *slash = path.len ? memrchr(path.p, '/', path.len) : NULL;

	if (!slash)
		return path;
	return (struct str){slash + 1, path.len - (size_t)(slash + 1 - path.p)};
}

struct str str_extension(struct str name)
{
	const char *dot = name.len ? memrchr(name.p, '.', name.len) : NULL;

	if (!dot)
		return (struct str){"", 0};
	return (struct str){dot + 1, name.len - (size_t)(dot + 1 - name.p)};
}

uint64_t str_hash(struct str s)
{
	return XXH3_64bits(s.len ? s.p : "", s.len);
}

/* Folding goes through a buffer on the stack, so a value of any length costs no allocation. */
#define FOLD_CHUNK 256

uint64_t str_hash_fold(struct str s)
{
	char folded[FOLD_CHUNK];

	if (s.len <= FOLD_CHUNK) {
		for (size_t i = 0; i < s.len; i++)
			folded[i] = (char)ascii_lower((unsigned char)s.p[i]);
		return XXH3_64bits(folded, s.len);
	}
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	for (size_t at = 0; at < s.len; at += FOLD_CHUNK) {
		size_t n = s.len - at < FOLD_CHUNK ? s.len - at : FOLD_CHUNK;

		for (size_t i = 0; i < n; i++)
			folded[i] = (char)ascii_lower((unsigned char)s.p[at + i]);
		XXH3_64bits_update(&state, folded, n);
	}
	return XXH3_64bits_digest(&state);
}
