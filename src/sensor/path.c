/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/path.h"

#include <errno.h>

static bool is_mark(struct str entry)
{
	return entry.len && entry.p[0] == '/';
}

/* Note where a mark stands. Marks come in the order r/m, s, u; a second one of a kind other than m
 * is not the kernel's. */
static int note_mark(struct place *place, struct str mark)
{
	if (mark.len != 2)
		return -EINVAL;
	switch (mark.p[1]) {
	case 'r':
		if (place->has_root || place->super != UINT32_MAX)
			return -EINVAL;
		place->has_root = true;
		place->root = place->count;
		return 0;
	case 'm':
		if (place->super != UINT32_MAX || place->has_upper)
			return -EINVAL;
		if (place->mount == UINT32_MAX)
			place->mount = place->count;
		return 0;
	case 's':
		if (place->super != UINT32_MAX || place->has_upper)
			return -EINVAL;
		place->chain = place->count;
		place->super = place->count + 1;
		return 0;
	case 'u':
		if (place->has_upper)
			return -EINVAL;
		place->has_upper = true;
		if (place->super == UINT32_MAX) {
			place->chain = place->count;
			place->super = place->count;
		}
		place->upper = place->count;
		return 0;
	}
	return -EINVAL;
}

int place_read(struct str wire, struct place *place)
{
	size_t at = 0;

	place->count = 0;
	place->chain = place->mount = place->root = place->super = place->upper = UINT32_MAX;
	place->has_root = place->has_upper = place->is_cut = false;
	while (at < wire.len) {
		const char *end = memchr(wire.p + at, 0, wire.len - at);
		struct str entry;

		if (!end || place->count == PLACE_ENTRIES_MAX)
			return -EINVAL;
		entry = (struct str){wire.p + at, (size_t)(end - wire.p) - at};
		if (entry.len == 0)
			return -EINVAL;
		if (is_mark(entry) ? note_mark(place, entry) < 0
				   : memchr(entry.p, '/', entry.len) != NULL)
			return -EINVAL;
		place->entry[place->count++] = entry;
		at += entry.len + 1;
	}
	if (place->chain == UINT32_MAX)
		place->chain = place->super = place->count;
	if (place->upper == UINT32_MAX)
		place->upper = place->count;
	if (place->mount == UINT32_MAX)
		place->mount = place->chain;
	if (place->root == UINT32_MAX)
		place->root = place->chain;
	return 0;
}

static size_t names_bytes(const struct place *place, uint32_t from, uint32_t to)
{
	size_t bytes = 0;

	for (uint32_t i = from; i < to; i++)
		if (!is_mark(place->entry[i]))
			bytes += place->entry[i].len + 1;
	return bytes;
}

/* Write entries [from, to) root first; returns the end. */
static char *write_names(const struct place *place, uint32_t from, uint32_t to, char *at)
{
	for (uint32_t i = to; i > from; i--) {
		struct str entry = place->entry[i - 1];

		if (is_mark(entry))
			continue;
		*at++ = '/';
		memcpy(at, entry.p, entry.len);
		at += entry.len;
	}
	return at;
}

/* The second range lies below the first. */
static struct str join_names(const struct place *place, struct arena *arena, uint32_t above_from,
			     uint32_t above_to, uint32_t from, uint32_t to)
{
	size_t bytes = names_bytes(place, above_from, above_to) + names_bytes(place, from, to);
	char *text;

	if (bytes == 0)
		return STR("/");
	text = arena_bytes(arena, bytes);
	write_names(place, from, to, write_names(place, above_from, above_to, text));
	return (struct str){text, bytes};
}

bool place_is_whole(const struct place *place)
{
	return place->has_root || !place->is_cut;
}

struct str place_path(const struct place *place, struct arena *arena)
{
	struct str path = join_names(place, arena, 0, 0, 0, place->root);

	if (place_is_whole(place))
		return path;
	return (struct str){path.p + 1, path.len - 1};
}

struct str place_namespace_path(const struct place *place, struct arena *arena)
{
	return join_names(place, arena, 0, 0, 0, place->chain);
}

struct str place_super_path(const struct place *place, struct arena *arena)
{
	return join_names(place, arena, place->super, place->upper, 0, place->mount);
}

struct str place_upper_path(const struct place *place, struct arena *arena)
{
	if (!place->has_upper)
		return STR_NULL;
	return join_names(place, arena, 0, 0, place->upper, place->count);
}
