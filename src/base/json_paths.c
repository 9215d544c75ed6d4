/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_paths_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

#define FIRST_NODES 64
#define FIRST_SLOTS_LOG2 8

static _Atomic uint64_t last_version;

static uint32_t add_node(struct json_paths *paths, uint32_t parent, uint32_t part_len)
{
	if (paths->node_count == paths->node_cap) {
		paths->node_cap = paths->node_cap ? paths->node_cap * 2 : FIRST_NODES;
		paths->nodes = xreallocarray(paths->nodes, paths->node_cap, sizeof(*paths->nodes));
	}
	paths->nodes[paths->node_count] =
	    (struct json_node){.id = JSON_NO_ID, .parent = parent, .part_len = part_len};
	return paths->node_count++;
}

struct json_paths *json_paths_new(void)
{
	struct json_paths *paths = xcalloc(1, sizeof(*paths));

	paths->version = ++last_version;
	for (uint32_t i = 0; i < JSON_NODE_FIRST; i++)
		add_node(paths, JSON_NODE_UNWANTED, 0);
	paths->nodes[JSON_NODE_ENVELOPE].parent = JSON_NODE_ROOT;
	paths->edge_slots = 1u << FIRST_SLOTS_LOG2;
	paths->shift = 64 - FIRST_SLOTS_LOG2;
	paths->edges = xcalloc(paths->edge_slots, sizeof(*paths->edges));
	return paths;
}

void json_paths_free(struct json_paths *paths)
{
	if (!paths)
		return;
	buf_free(&paths->texts);
	free(paths->nodes);
	free(paths->edges);
	free(paths);
}

static void put_edge(struct json_paths *paths, const struct json_edge *edge)
{
	uint32_t mask = paths->edge_slots - 1;
	uint32_t at = json_edge_slot(paths, edge->node, edge->first, edge->last, edge->key_len);

	while (paths->edges[at].node != JSON_NODE_UNWANTED)
		at = (at + 1) & mask;
	paths->edges[at] = *edge;
}

static void grow_edges(struct json_paths *paths)
{
	struct json_edge *old = paths->edges;
	uint32_t slots = paths->edge_slots;

	paths->edge_slots *= 2;
	paths->shift--;
	paths->edges = xcalloc(paths->edge_slots, sizeof(*paths->edges));
	for (uint32_t i = 0; i < slots; i++)
		if (old[i].node != JSON_NODE_UNWANTED)
			put_edge(paths, &old[i]);
	free(old);
}

/* Copies a path behind the others; returns where it begins. */
static uint32_t add_text(struct json_paths *paths, struct str path)
{
	uint32_t at = (uint32_t)paths->texts.len;

	buf_add(&paths->texts, path);
	buf_add(&paths->texts, (struct str){"\0\0\0\0\0\0\0", 8});
	return at;
}

static void add_edge(struct json_paths *paths, uint32_t node, uint32_t at, uint32_t len,
		     uint32_t to)
{
	struct json_edge edge = {.node = node, .to = to, .key_len = len, .key_at = at};

	paths->version = ++last_version;
	json_key_words((struct str){paths->texts.p + at, len}, &edge.first, &edge.last);
	if (++paths->edge_count * 2 > paths->edge_slots)
		grow_edges(paths);
	put_edge(paths, &edge);
	paths->nodes[node].has_edges = true;
	paths->nodes[node].lengths |= UINT64_C(1) << (len & 63);
}

/* The child for the part of a path from `start` to `end` in texts; a new one gets an edge from each
 * of its ancestors, by the dotted text between. */
static uint32_t child_of(struct json_paths *paths, uint32_t node, uint32_t start, uint32_t end)
{
	struct str part = {paths->texts.p + start, end - start};
	/* More path or padding follows the part: readable as a lookup needs. */
	uint32_t child = json_paths_step(paths, node, part);

	if (child != JSON_NODE_UNWANTED)
		return child;
	child = add_node(paths, node, end - start);
	for (uint32_t from = node;; from = paths->nodes[from].parent) {
		add_edge(paths, from, start, end - start, child);
		if (from == JSON_NODE_ROOT)
			return child;
		start -= paths->nodes[from].part_len + 1;
	}
}

static size_t parts_of(struct str path)
{
	size_t parts = 1;

	for (size_t i = 0; i < path.len; i++)
		parts += path.p[i] == '.';
	return parts;
}

void json_paths_add(struct json_paths *paths, struct str path, uint32_t id)
{
	uint32_t node = JSON_NODE_ROOT;

	if (path.len > JSON_PATH_BYTES_MAX || parts_of(path) > JSON_PATH_PARTS_MAX)
		return;
	uint32_t start = add_text(paths, path), last = start + (uint32_t)path.len;

	for (;;) {
		const char *text = paths->texts.p;
		const char *dot = memchr(text + start, '.', last - start);
		uint32_t end = dot ? (uint32_t)(dot - text) : last;

		node = child_of(paths, node, start, end);
		if (!dot)
			break;
		start = end + 1;
	}
	if (paths->nodes[node].id == JSON_NO_ID)
		paths->nodes[node].id = id;
}

void json_paths_set_envelope(struct json_paths *paths, struct str key)
{
	paths->envelope_at = add_text(paths, key);
	paths->nodes[JSON_NODE_ENVELOPE].part_len = (uint32_t)key.len;
	add_edge(paths, JSON_NODE_ROOT, paths->envelope_at, (uint32_t)key.len, JSON_NODE_ENVELOPE);
}

void json_paths_want_all(struct json_paths *paths, uint32_t id)
{
	/* Every key leads here. It has no edge, but the walk must believe so to look into it. */
	paths->all = true;
	paths->nodes[JSON_NODE_UNWANTED].id = id;
	paths->nodes[JSON_NODE_UNWANTED].has_edges = true;
}
