/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/own.h"

#include <stddef.h>

/* Is `path` the same as `above`, or below it? */
static bool is_below(struct str path, struct str above)
{
	return str_starts(path, above) &&
	       (path.len == above.len || path.p[above.len] == '/' || above.len == 1);
}

const char *own_target(const struct own_file *files, struct str host_path, bool is_directory)
{
	if (!files || !host_path.len)
		return NULL;
	for (; files->path.len; files++)
		if (is_below(host_path, files->path) ||
		    (is_directory && is_below(files->path, host_path)))
			return files->target;
	return NULL;
}
