/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_paths_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

#define FIRST_NODES 64
#define FIRST_SLOTS_LOG2 8

static uint32_t add_node(struct json_paths *paths, uint32_t parent, struct str part)
{
	if (paths->node_count == paths->node_cap) {
		paths->node_cap = paths->node_cap ? paths->node_cap * 2 : FIRST_NODES;
		paths->nodes = xreallocarray(paths->nodes, paths->node_cap, sizeof(*paths->nodes));
	}
	paths->nodes[paths->node_count] =
	    (struct json_node){.id = JSON_NO_ID, .parent = parent, .part = part};
	return paths->node_count++;
}

struct json_paths *json_paths_new(void)
{
	struct json_paths *paths = xcalloc(1, sizeof(*paths));

	arena_init(&paths->arena);
	for (uint32_t i = 0; i < JSON_NODE_FIRST; i++)
		add_node(paths, JSON_NODE_UNWANTED, STR(""));
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
	arena_free(&paths->arena);
	free(paths->nodes);
	free(paths->edges);
	free(paths);
}

static void put_edge(struct json_paths *paths, const struct json_edge *edge)
{
	uint32_t mask = paths->edge_slots - 1;
	uint32_t at = json_edge_slot(paths, edge->node, edge->first, edge->last, edge->key.len);

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

/* A copy with the bytes behind it that json_key_words() may read. */
static struct str copy_key(struct json_paths *paths, struct str key)
{
	char *copy = arena_bytes(&paths->arena, key.len + 8);

	memset(copy + key.len, 0, 8);
	if (key.len)
		memcpy(copy, key.p, key.len);
	return (struct str){copy, key.len};
}

static void add_edge(struct json_paths *paths, uint32_t node, struct str key, uint32_t to)
{
	struct json_edge edge = {.node = node, .to = to, .key = key};

	json_key_words(key, &edge.first, &edge.last);
	if (++paths->edge_count * 4 > paths->edge_slots)
		grow_edges(paths);
	put_edge(paths, &edge);
	paths->nodes[node].has_edges = true;
	paths->nodes[node].lengths |= UINT64_C(1) << (key.len & 63);
	if (key.len > paths->key_len_max)
		paths->key_len_max = key.len;
}

/* The child for one part; a new one gets an edge from each of its ancestors, by the dotted text
 * between. `path` is a padded copy, `end` where the part ends in it. */
static uint32_t child_of(struct json_paths *paths, uint32_t node, struct str path, size_t start,
			 size_t end)
{
	struct str part = {path.p + start, end - start};

	/* The part is followed by more path or padding: readable as a lookup needs. */
	uint32_t child = json_paths_step(paths, node, part);

	if (child != JSON_NODE_UNWANTED)
		return child;
	child = add_node(paths, node, part);
	for (uint32_t from = node;; from = paths->nodes[from].parent) {
		add_edge(paths, from, (struct str){path.p + start, end - start}, child);
		if (from == JSON_NODE_ROOT)
			return child;
		start -= paths->nodes[from].part.len + 1;
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

	if (parts_of(path) > JSON_PATH_PARTS_MAX)
		return;
	struct str copy = copy_key(paths, path);

	for (size_t start = 0, end;; start = end + 1) {
		const char *dot = memchr(copy.p + start, '.', copy.len - start);

		end = dot ? (size_t)(dot - copy.p) : copy.len;
		node = child_of(paths, node, copy, start, end);
		if (!dot)
			break;
	}
	if (paths->nodes[node].id == JSON_NO_ID)
		paths->nodes[node].id = id;
}

void json_paths_set_envelope(struct json_paths *paths, struct str key)
{
	struct str copy = copy_key(paths, key);

	paths->nodes[JSON_NODE_ENVELOPE].part = copy;
	add_edge(paths, JSON_NODE_ROOT, copy, JSON_NODE_ENVELOPE);
}

void json_paths_want_all(struct json_paths *paths, uint32_t id)
{
	/* Every key leads here. It has no edge, but the walk must believe so to look into it. */
	paths->nodes[JSON_NODE_UNWANTED].id = id;
	paths->nodes[JSON_NODE_UNWANTED].has_edges = true;
}
