/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_trail_internal.h"

#include <stdlib.h>

#include "base/alloc.h"

#define PLACES (2 * JSON_STEPS_MAX)

void json_trail_free(struct json_trail *trail)
{
	free(trail->steps);
	free(trail->begins);
	free(trail->places);
	buf_free(&trail->texts);
}

static void forget(struct json_trail *trail)
{
	memset(trail->begins, 0, trail->node_count * sizeof(*trail->begins));
	memset(trail->places, 0, PLACES * sizeof(*trail->places));
	buf_reset(&trail->texts);
	trail->count = 1;
}

void json_trail_follow(struct json_trail *trail, const struct json_paths *paths)
{
	trail->paths = paths;
	if (trail->version == paths->version)
		return;
	if (!trail->steps) {
		trail->steps = xcalloc(JSON_STEPS_MAX, sizeof(*trail->steps));
		trail->places = xcalloc(PLACES, sizeof(*trail->places));
		/* No key is as long. */
		trail->steps[JSON_STEP_NONE].key_len = UINT32_MAX;
	}
	trail->begins = xreallocarray(trail->begins, paths->node_count, sizeof(*trail->begins));
	trail->version = paths->version;
	trail->node_count = paths->node_count;
	forget(trail);
}

static uint32_t *place_of(struct json_trail *trail, uint32_t node, struct str key, uint64_t first,
			  uint64_t last)
{
	/* Constants of splitmix64. */
	uint64_t h = (first ^ (last * UINT64_C(0x9e3779b97f4a7c15)) ^ key.len) + node;

	h = (h ^ h >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
	for (uint32_t i = (uint32_t)(h >> 32) % PLACES;; i = (i + 1) % PLACES)
		if (!trail->places[i] ||
		    json_step_is(trail, trail->places[i], node, key, first, last))
			return &trail->places[i];
}

uint32_t json_trail_look_up(struct json_trail *trail, uint32_t node, struct str key)
{
	uint64_t first, last;

	json_key_words(key, &first, &last);
	uint32_t *place = place_of(trail, node, key, first, last);

	if (*place)
		return *place;
	if (trail->count == JSON_STEPS_MAX) {
		forget(trail);
		place = place_of(trail, node, key, first, last);
	}
	trail->steps[trail->count] = (struct json_step){
	    .first = first,
	    .last = last,
	    .node = node,
	    .key_len = (uint32_t)key.len,
	    .to = json_paths_target(trail->paths, json_paths_step(trail->paths, node, key)),
	    .key_at = (uint32_t)trail->texts.len,
	};
	buf_add(&trail->texts, key);
	*place = trail->count++;
	return *place;
}
