/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <sys/stat.h>

struct str path_join(struct arena *arena, struct str base, struct str path)
{
	char *text;

	if (path.len && path.p[0] == '/')
		return path;
	if (base.len && base.p[base.len - 1] == '/')
		base.len--;
	text = arena_bytes(arena, base.len + 1 + path.len);
	if (base.len)
		memcpy(text, base.p, base.len);
	text[base.len] = '/';
	if (path.len)
		memcpy(text + base.len + 1, path.p, path.len);
	return (struct str){text, base.len + 1 + path.len};
}

struct str path_normalise(struct arena *arena, struct str path)
{
	char *text = arena_bytes(arena, path.len + 1);
	size_t used = 0, at = 0;

	while (at < path.len) {
		size_t start, bytes;

		while (at < path.len && path.p[at] == '/')
			at++;
		start = at;
		while (at < path.len && path.p[at] != '/')
			at++;
		bytes = at - start;
		if (bytes == 0 || (bytes == 1 && path.p[start] == '.'))
			continue;
		if (bytes == 2 && path.p[start] == '.' && path.p[start + 1] == '.') {
			while (used && text[--used] != '/')
				;
			continue;
		}
		text[used++] = '/';
		memcpy(text + used, path.p + start, bytes);
		used += bytes;
	}
	if (used == 0)
		text[used++] = '/';
	return (struct str){text, used};
}

struct str path_directory(struct str path)
{
	struct str name = str_basename(path);
	size_t bytes = path.len - name.len;

	return (struct str){path.p, bytes > 1 ? bytes - 1 : bytes};
}

bool path_is_below(struct str path, struct str above)
{
	if (above.len == 1 && above.p[0] == '/')
		return path.len && path.p[0] == '/';
	return str_starts(path, above) && (path.len == above.len || path.p[above.len] == '/');
}

struct str path_strip_root(struct str path, struct str root)
{
	if (root.len <= 1)
		return path;
	if (path.len == root.len)
		return STR("/");
	return (struct str){path.p + root.len, path.len - root.len};
}

struct str path_extension(struct str name)
{
	struct str extension = str_extension(name);

	if (extension.len + 1 >= name.len)
		return STR_NULL;
	return extension;
}

struct str path_type_name(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return STR("dir");
	case S_IFLNK:
		return STR("symlink");
	default:
		return STR("file");
	}
}
