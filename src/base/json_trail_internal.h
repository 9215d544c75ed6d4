/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of one kind have the same keys in the same order, so the key that comes next is the one
 * that came next the last time. A trail remembers keys, wanted or not, with the node they lead to and
 * the keys that followed them; guessing right takes a comparison of a few words and no look-up.
 *
 *	(root) ─► "@timestamp" ─► "event" ─► "user" ─┬─► "process"     the last two that followed
 *	                                             └─► "file"
 *	"event" ─► "action" ─► "category" ─► ...                       each object has its own trail
 *
 * A key that was not expected is looked up, among those remembered first, and then expected. The
 * number of keys is bounded; when there are more, all are forgotten and learnt again.
 */
#ifndef LINTEL_BASE_JSON_TRAIL_INTERNAL_H
#define LINTEL_BASE_JSON_TRAIL_INTERNAL_H

#include "base/json_paths_internal.h"

/* Elastic Defend's Linux events have about 200 keys. */
#define JSON_STEPS_MAX 4096
/* Longer keys are looked up every time. */
#define JSON_STEP_KEY_MAX 64
/* What is there is no key. */
#define JSON_STEP_NONE 0

struct json_step {
	uint64_t first, last; /* as in struct json_edge */
	uint32_t node;        /* in whose object the key stands */
	uint32_t key_len;
	struct json_target to;
	uint32_t key_at;  /* in trail->texts */
	uint32_t next[2]; /* steps that followed, the latest first */
};

struct json_trail {
	const struct json_paths *paths;
	uint64_t version;        /* of the paths when this was learnt; 0: nothing is */
	struct json_step *steps; /* by number */
	uint32_t count;
	struct json_step *begins; /* by node: next[] is how its objects begin */
	struct json_target odd;   /* where the last key led that was too long to be remembered */
	uint32_t node_count;
	uint32_t *places; /* open addressing, numbers of steps, at most half full */
	struct buf texts;
};

void json_trail_free(struct json_trail *trail);
/* To be called before each document: a trail is of certain paths. */
void json_trail_follow(struct json_trail *trail, const struct json_paths *paths);
/* The step of a key that was not expected, of JSON_STEP_KEY_MAX bytes at most. */
uint32_t json_trail_look_up(struct json_trail *trail, uint32_t node, struct str key);

static inline bool json_step_is(const struct json_trail *trail, uint32_t number, uint32_t node,
				struct str key, uint64_t first, uint64_t last)
{
	const struct json_step *s = &trail->steps[number];

	return s->first == first && s->last == last && s->key_len == key.len && s->node == node &&
	       (key.len <= 16 ||
		memcmp(trail->texts.p + s->key_at + 8, key.p + 8, key.len - 16) == 0);
}

/* How the objects of a node begin, for json_trail_step(). */
static inline struct json_step *json_trail_begin(const struct json_trail *trail, uint32_t node)
{
	return &trail->begins[node];
}

/* Where `key` leads; `*from`, the step before, is moved on. Eight bytes behind the key must be
 * readable. */
static inline const struct json_target *
json_trail_step(struct json_trail *trail, struct json_step **from, uint32_t node, struct str key)
{
	uint32_t *next = (*from)->next, number = next[0];
	uint64_t first, last;

	json_key_words(key, &first, &last);
	if (!json_step_is(trail, number, node, key, first, last)) {
		if (key.len > JSON_STEP_KEY_MAX) {
			trail->odd = json_paths_target(trail->paths,
						       json_paths_step(trail->paths, node, key));
			return &trail->odd;
		}
		number = next[1];
		if (!json_step_is(trail, number, node, key, first, last))
			number = json_trail_look_up(trail, node, key);
		next[1] = next[0];
		next[0] = number;
	}
	*from = &trail->steps[number];
	return &(*from)->to;
}

#endif
