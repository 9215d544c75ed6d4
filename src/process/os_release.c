/* SPDX-License-Identifier: Apache-2.0 */
#include "process/host_internal.h"

#include <ctype.h>

static struct str trim(struct str s)
{
	while (s.len && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

/* A value as a shell would read it: bare, 'verbatim', or "with \escapes". What follows the closing
 * quote is dropped, and an open quote ends with the line. */
static struct str unquote(struct arena *arena, struct str value)
{
	char quote = value.len && (value.p[0] == '"' || value.p[0] == '\'') ? value.p[0] : 0;
	char *text = arena_bytes(arena, value.len);
	size_t len = 0;

	for (size_t i = quote ? 1 : 0; i < value.len; i++) {
		char c = value.p[i];

		if (quote && c == quote)
			break;
		if (c == '\\' && quote != '\'' && i + 1 < value.len)
			c = value.p[++i];
		text[len++] = c;
	}
	return (struct str){text, len};
}

static void take(struct arena *arena, struct os_release *os, struct str line)
{
	const char *equals = line.len ? memchr(line.p, '=', line.len) : NULL;

	if (!equals || line.p[0] == '#')
		return;
	struct str key = {line.p, (size_t)(equals - line.p)};
	struct str value = trim((struct str){equals + 1, line.len - key.len - 1});
	struct {
		struct str key;
		struct str *to;
	} const keys[] = {
	    {STR("NAME"), &os->name},
	    {STR("ID"), &os->id},
	    {STR("ID_LIKE"), &os->id_like},
	    {STR("VERSION_ID"), &os->version_id},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (str_eq(key, keys[i].key))
			*keys[i].to = unquote(arena, value);
}

void os_release_parse(struct arena *arena, struct str text, struct os_release *os)
{
	*os = (struct os_release){0};
	while (text.len) {
		const char *end = memchr(text.p, '\n', text.len);
		struct str line = {text.p, end ? (size_t)(end - text.p) : text.len};
		size_t step = end ? line.len + 1 : line.len;

		take(arena, os, trim(line));
		text.p += step;
		text.len -= step;
	}
}

/* ECS names families after their first member. */
static struct str family_of_id(struct str id)
{
	static const struct {
		struct str id, family;
	} families[] = {
	    {{"debian", 6}, {"debian", 6}}, {{"ubuntu", 6}, {"debian", 6}},
	    {{"rhel", 4}, {"redhat", 6}},   {{"fedora", 6}, {"redhat", 6}},
	    {{"centos", 6}, {"redhat", 6}}, {{"amzn", 4}, {"redhat", 6}},
	    {{"suse", 4}, {"suse", 4}},     {{"opensuse", 8}, {"suse", 4}},
	    {{"sles", 4}, {"suse", 4}},     {{"arch", 4}, {"arch", 4}},
	    {{"alpine", 6}, {"alpine", 6}}, {{"gentoo", 6}, {"gentoo", 6}},
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (str_eq(id, families[i].id))
			return families[i].family;
	return STR_NULL;
}

struct str os_release_family(const struct os_release *os)
{
	struct str family = family_of_id(os->id);
	struct str like = os->id_like;

	/* ID_LIKE lists relatives, closest first. */
	while (!family.len && like.len) {
		const char *blank = memchr(like.p, ' ', like.len);
		struct str word = {like.p, blank ? (size_t)(blank - like.p) : like.len};
		size_t step = blank ? word.len + 1 : word.len;

		family = family_of_id(word);
		like.p += step;
		like.len -= step;
	}
	return family;
}
