/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wanted paths as a trie over the parts between dots, held as one hash table of edges.
 *
 *	wanted: process.pid, process.parent.name
 *
 *	(root) ── process ──► (2) ── pid ──► (3: id 0)
 *	   │                   └── parent ──► (4) ── name ──► (5: id 1)
 *	   ├── "process.pid" ──► (3)            a dotted key is an edge of its own, so that any
 *	   ├── "process.parent" ──► (4)         mixture of nesting and dots costs one lookup per key
 *	   └── "process.parent.name" ──► (5)
 *
 * An edge is found by its node and its key's length, first and last eight bytes.
 */
#ifndef LINTEL_BASE_JSON_PATHS_INTERNAL_H
#define LINTEL_BASE_JSON_PATHS_INTERNAL_H

#include "base/buf.h"
#include "base/json_reader.h"

enum {
	JSON_NODE_UNWANTED, /* nothing below here is wanted */
	JSON_NODE_ROOT,
	JSON_NODE_ENVELOPE,
	JSON_NODE_FIRST,
};

#define JSON_NO_ID UINT32_MAX

struct json_node {
	uint32_t id; /* of the path that ends here, or JSON_NO_ID */
	uint32_t parent;
	bool has_edges;
	uint32_t part_len;
	/* Bit (length mod 64) set: some edge has a key of such a length. Most unwanted keys end
	 * here, without a look into the table. */
	uint64_t lengths;
};

/* What a walk over a document asks of the node that a key leads to. */
struct json_target {
	uint32_t node;
	uint32_t id; /* of the path that ends here, or JSON_NO_ID */
	bool wanted; /* there is an id, or there may be in what is below */
	bool has_edges;
};

/* Two to a cache line. */
struct json_edge {
	uint64_t first, last; /* eight bytes each, zero-padded; of short keys `last` is 0 */
	uint32_t node;        /* where it starts; JSON_NODE_UNWANTED: free slot */
	uint32_t to;
	uint32_t key_len;
	uint32_t key_at; /* in paths->texts */
};

struct json_paths {
	/* Of no other paths and no earlier state of these; never 0. */
	uint64_t version;
	struct buf texts; /* the paths, each with the eight bytes behind it that may be read */
	struct json_node *nodes;
	uint32_t node_count, node_cap;
	struct json_edge *edges; /* open addressing, at most half full */
	uint32_t edge_count, edge_slots;
	uint32_t shift;       /* 64 - log2(edge_slots) */
	uint32_t envelope_at; /* the envelope's key in texts */
	bool all;             /* every key leads to JSON_NODE_UNWANTED, whose values are wanted */
};

/* Eight bytes from `p`, in the machine's order: both sides use this. */
static inline uint64_t json_load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline void json_key_words(struct str key, uint64_t *first, uint64_t *last)
{
	static const uint64_t masks[8] = {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		0,
		0xff,
		0xffff,
		0xffffff,
		0xffffffff,
		0xffffffffff,
		0xffffffffffff,
		0xffffffffffffff,
#else
#error "json_key_words: masks for big endian machines are missing"
#endif
	};

	*first = json_load(key.p);
	*last = 0;
	if (key.len < 8)
		*first &= masks[key.len];
	else
		*last = json_load(key.p + key.len - 8);
}

static inline uint32_t json_edge_slot(const struct json_paths *paths, uint32_t node, uint64_t first,
				      uint64_t last, size_t len)
{
	/* Odd constants of the splitmix64 family; the product's high bits depend on all input. */
	uint64_t h = (first ^ (last * UINT64_C(0x9e3779b97f4a7c15)) ^ len) + node;

	h ^= h >> 32;
	return (uint32_t)((h * UINT64_C(0xbf58476d1ce4e5b9)) >> paths->shift);
}

/* The node a key leads to, or JSON_NODE_UNWANTED. Eight bytes behind the key must be readable. */
static inline uint32_t json_paths_step(const struct json_paths *paths, uint32_t node,
				       struct str key)
{
	uint64_t first, last;

	if (!(paths->nodes[node].lengths >> (key.len & 63) & 1))
		return JSON_NODE_UNWANTED;
	json_key_words(key, &first, &last);
	uint32_t mask = paths->edge_slots - 1;

	for (uint32_t at = json_edge_slot(paths, node, first, last, key.len);;
	     at = (at + 1) & mask) {
		const struct json_edge *e = &paths->edges[at];

		if (e->node == JSON_NODE_UNWANTED)
			return JSON_NODE_UNWANTED;
		if (e->first == first && e->last == last && e->node == node &&
		    e->key_len == key.len &&
		    (key.len <= 16 ||
		     memcmp(paths->texts.p + e->key_at + 8, key.p + 8, key.len - 16) == 0))
			return e->to;
	}
}

static inline struct json_target json_paths_target(const struct json_paths *paths, uint32_t number)
{
	const struct json_node *node = &paths->nodes[number];

	return (struct json_target){.node = number,
				    .id = node->id,
				    .wanted = node->has_edges || node->id != JSON_NO_ID ||
					      number == JSON_NODE_ENVELOPE,
				    .has_edges = node->has_edges};
}

#endif
