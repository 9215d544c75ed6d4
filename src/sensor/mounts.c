/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/mounts.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "sensor/path.h"

void mounts_init(struct mount_table *table)
{
	*table = (struct mount_table){0};
	arena_init(&table->arena);
}

void mounts_free(struct mount_table *table)
{
	arena_free(&table->arena);
	*table = (struct mount_table){0};
}

/* The next blank-separated field of a line. */
static struct str next_field(struct str *line)
{
	const char *blank = line->len ? memchr(line->p, ' ', line->len) : NULL;
	struct str field = {line->p, blank ? (size_t)(blank - line->p) : line->len};
	size_t taken = field.len + (blank ? 1 : 0);

	line->p += taken;
	line->len -= taken;
	return field;
}

static bool parse_number(struct str text, uint32_t *number)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > 10)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.p[i] - '0');
	}
	*number = (uint32_t)n;
	return n <= UINT32_MAX;
}

static bool parse_dev(struct str text, uint32_t *dev)
{
	const char *colon = text.len ? memchr(text.p, ':', text.len) : NULL;
	size_t at = colon ? (size_t)(colon - text.p) : 0;
	uint32_t major, minor;

	if (!colon || !parse_number((struct str){text.p, at}, &major) ||
	    !parse_number((struct str){colon + 1, text.len - at - 1}, &minor))
		return false;
	*dev = major << 20 | (minor & 0xfffff);
	return true;
}

static bool is_octal(const char *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' &&
	       p[2] <= '7';
}

/* seq_escape writes blank, tab, newline, backslash and '#' as \ooo. */
static struct str unescape(struct arena *arena, struct str text)
{
	char *out = arena_bytes(arena, text.len + 1);
	size_t used = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '\\' && text.len - i > 3 && is_octal(text.p + i + 1)) {
			out[used++] = (char)((text.p[i + 1] - '0') << 6 |
					     (text.p[i + 2] - '0') << 3 | (text.p[i + 3] - '0'));
			i += 3;
		} else {
			out[used++] = text.p[i];
		}
	}
	return (struct str){out, used};
}

/* upperdir= of the super block's options; a comma in the name is "\,". */
static struct str find_upper(struct arena *arena, struct str options)
{
	const struct str key = STR("upperdir=");
	size_t at = 0;

	while (at < options.len) {
		size_t end = at;

		while (end < options.len && options.p[end] != ',')
			end += options.p[end] == '\\' && end + 1 < options.len ? 2 : 1;
		if (str_starts((struct str){options.p + at, end - at}, key))
			return unescape(arena,
					(struct str){options.p + at + key.len, end - at - key.len});
		at = end + 1;
	}
	return STR_NULL;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" (proc(5)) */
static bool parse_line(struct arena *arena, struct str line, struct mount_entry *entry)
{
	struct str field;

	*entry = (struct mount_entry){0};
	if (!parse_number(next_field(&line), &entry->id))
		return false;
	if (!parse_number(next_field(&line), &entry->parent))
		return false;
	if (!parse_dev(next_field(&line), &entry->dev))
		return false;
	entry->root = unescape(arena, next_field(&line));
	entry->point = unescape(arena, next_field(&line));
	if (entry->root.len == 0 || entry->point.len == 0 || entry->point.p[0] != '/')
		return false;
	do {
		if (line.len == 0)
			return false;
		field = next_field(&line);
	} while (!str_eq(field, STR("-")));
	entry->type = arena_str(arena, next_field(&line));
	next_field(&line); /* source */
	if (str_eq(entry->type, STR("overlay")))
		entry->upper = find_upper(arena, line);
	return true;
}

uint32_t mounts_parse(struct mount_table *table, struct str text)
{
	uint32_t lines = 0, refused = 0;
	size_t at = 0;

	arena_reset(&table->arena);
	table->count = 0;
	for (size_t i = 0; i < text.len; i++)
		lines += text.p[i] == '\n';
	if (lines + 1 > MOUNTS_MAX)
		lines = MOUNTS_MAX - 1;
	table->entry = ARENA_ARRAY(&table->arena, struct mount_entry, lines + 1);
	while (at < text.len) {
		const char *end = memchr(text.p + at, '\n', text.len - at);
		size_t bytes = end ? (size_t)(end - text.p) - at : text.len - at;
		struct str line = {text.p + at, bytes};

		if (table->count < lines + 1 &&
		    parse_line(&table->arena, line, &table->entry[table->count]))
			table->count++;
		else if (bytes)
			refused++;
		at += bytes + 1;
	}
	return refused;
}

const struct mount_entry *mounts_find(const struct mount_table *table, uint32_t id)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (table->entry[i].id == id)
			return &table->entry[i];
	return NULL;
}

/* The mount at "/" that lies on no other. */
static const struct mount_entry *find_root(const struct mount_table *table)
{
	for (uint32_t i = 0; i < table->count; i++) {
		const struct mount_entry *entry = &table->entry[i];

		if (entry->point.len == 1 &&
		    (entry->parent == entry->id || !mounts_find(table, entry->parent)))
			return entry;
	}
	return NULL;
}

/* The next mount on the way: of those on `on`, the first one that the path comes to. */
static const struct mount_entry *next_mount(const struct mount_table *table,
					    const struct mount_entry *on, struct str path)
{
	const struct mount_entry *next = NULL;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct mount_entry *entry = &table->entry[i];

		if (entry != on && entry->parent == on->id && path_is_below(path, entry->point) &&
		    (!next || entry->point.len < next->point.len))
			next = entry;
	}
	return next;
}

const struct mount_entry *mounts_on(const struct mount_table *table, struct str path)
{
	const struct mount_entry *on = find_root(table), *next = on;

	/* a table made up by hand may be circular */
	for (uint32_t steps = 0; next && steps < table->count; steps++) {
		on = next;
		next = next_mount(table, on, path);
	}
	return on;
}

/* `above` and the part of `path` below `below`. */
static struct str rebase(struct arena *arena, struct str above, struct str path, struct str below)
{
	struct str rest = path_strip_root(path, below);

	if (rest.len <= 1)
		return arena_str(arena, above);
	return path_join(arena, above, (struct str){rest.p + 1, rest.len - 1});
}

struct str mounts_super_path(const struct mount_entry *entry, struct str path, struct arena *arena)
{
	return rebase(arena, entry->root, path, entry->point);
}

struct str mounts_path_of(const struct mount_table *table, uint32_t dev, struct str super_path,
			  struct arena *arena)
{
	for (uint32_t i = 0; i < table->count; i++) {
		const struct mount_entry *entry = &table->entry[i];
		struct str path;

		if (entry->dev != dev || !path_is_below(super_path, entry->root))
			continue;
		path = rebase(arena, entry->point, super_path, entry->root);
		if (mounts_on(table, path) == entry)
			return path;
	}
	return STR_NULL;
}
