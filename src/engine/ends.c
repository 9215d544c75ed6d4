/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ends_internal.h"

#define STEP 8

/* Up to eight bytes from `at`, counted from the end if backwards; missing ones are zero. The byte
 * nearest to the end looked at is the lowest. */
static uint64_t bytes_at(struct str s, bool backwards, size_t at)
{
	uint64_t n = 0;
	size_t left = s.len - at;

	if (left >= STEP)
		memcpy(&n, backwards ? s.p + left - STEP : s.p + at, STEP);
	else if (backwards)
		memcpy((char *)&n + (STEP - left), s.p, left);
	else
		memcpy(&n, s.p + at, left);
	return lower64(backwards ? __builtin_bswap64(n) : n);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte must be the lowest");

static uint64_t first_bytes(uint64_t n, uint32_t len)
{
	return len == STEP ? n : n & ((UINT64_C(1) << (len * 8)) - 1);
}

static uint32_t second_of(uint64_t bytes)
{
	return bytes >> 8 & 31;
}

static inline struct ends_piece *place_of(const struct ends *ends, uint32_t node, uint32_t len,
					  uint64_t bytes)
{
	/* Constants of splitmix64. */
	uint64_t h = (bytes ^ ((uint64_t)node << 4 | len)) * UINT64_C(0xbf58476d1ce4e5b9);

	h = (h ^ h >> 32) * UINT64_C(0x94d049bb133111eb);
	for (uint32_t i = (uint32_t)(h >> 32) & ends->piece_mask;; i = (i + 1) & ends->piece_mask) {
		struct ends_piece *p = &ends->pieces[i];

		if (!p->len || (p->bytes == bytes && p->node == node && p->len == len))
			return p;
	}
}

static struct ends_piece *add_piece(struct ends *ends, uint32_t node, uint32_t len, uint64_t bytes)
{
	struct ends_piece *p = place_of(ends, node, len, bytes);

	if (!p->len) {
		*p = (struct ends_piece){.bytes = bytes, .node = node, .len = len};
		if (len == STEP)
			p->to = ends->node_count++;
	}
	for (uint32_t second = 0; second < 32; second++)
		if (len == 1 || second == second_of(bytes))
			ends->nodes[node].lens[second] |= (uint16_t)(1u << len);
	return p;
}

static void add_atom(struct ends *ends, struct str atom, uint32_t number)
{
	struct ends_piece *p = NULL;
	uint32_t node = 0;

	for (size_t at = 0; at < atom.len; at += STEP) {
		uint32_t len = atom.len - at < STEP ? (uint32_t)(atom.len - at) : STEP;

		p = add_piece(ends, node, len, bytes_at(atom, ends->backwards, at));
		node = p->to;
	}
	ends->also[number] = p->found;
	p->found = number + 1;
}

struct ends *ends_new(struct arena *arena, bool backwards, const struct atom *atoms, uint32_t count)
{
	uint32_t pieces = 0, size = 4;

	if (!count)
		return NULL;
	struct ends *ends = ARENA_NEW(arena, struct ends);

	for (uint32_t i = 0; i < count; i++)
		pieces += (uint32_t)(atoms[i].bytes.len + STEP - 1) / STEP;
	while (size < pieces * 2)
		size *= 2;
	ends->backwards = backwards;
	ends->pieces = ARENA_ARRAY(arena, struct ends_piece, size);
	ends->piece_mask = size - 1;
	ends->node_count = 1;
	ends->nodes = ARENA_ARRAY(arena, struct ends_node, pieces + 1);
	ends->also = ARENA_ARRAY(arena, uint32_t, count);
	ends->ids = ARENA_ARRAY(arena, uint32_t, count);
	for (uint32_t i = 0; i < count; i++) {
		ends->ids[i] = atoms[i].id;
		add_atom(ends, atoms[i].bytes, i);
	}
	return ends;
}

uint32_t ends_find(const struct ends *ends, struct str s, uint32_t *found)
{
	uint32_t node = 0, n = 0;

	for (size_t at = 0; at < s.len; at += STEP) {
		size_t left = s.len - at;
		uint64_t bytes = bytes_at(s, ends->backwards, at);
		const struct ends_piece *p = NULL;
		uint32_t lens = ends->nodes[node].lens[second_of(bytes)];

		if (left < STEP)
			lens &= (2u << left) - 1;
		for (; lens; lens &= lens - 1) {
			uint32_t len = (uint32_t)__builtin_ctz(lens);

			p = place_of(ends, node, len, first_bytes(bytes, len));
			for (uint32_t i = p->found; i; i = ends->also[i - 1])
				found[n++] = ends->ids[i - 1];
		}
		/* The longest was the last. */
		if (!p || p->len != STEP)
			break;
		node = p->to;
	}
	return n;
}
