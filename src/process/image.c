/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process_internal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/counter.h"

/* How the arguments of an exec are laid out: counted first, then copied into one block. */
struct argv_shape {
	uint32_t count; /* arguments that are kept */
	size_t bytes;   /* of them, with a blank between each two */
	uint32_t found; /* arguments in the text, kept or not */
	bool cut;
};

/* The next argument of NUL-separated text; the last may lack its NUL. */
static bool next_arg(struct str *rest, struct str *arg)
{
	if (!rest->len)
		return false;
	const char *nul = memchr(rest->p, '\0', rest->len);
	size_t len = nul ? (size_t)(nul - rest->p) : rest->len;
	size_t step = nul ? len + 1 : len;

	*arg = (struct str){rest->p, len};
	rest->p += step;
	rest->len -= step;
	return true;
}

static struct argv_shape argv_measure(struct str argv, size_t bytes_max)
{
	struct argv_shape shape = {0};
	struct str arg;

	while (next_arg(&argv, &arg)) {
		shape.found++;
		size_t blank = shape.count ? 1 : 0;
		size_t room = bytes_max - shape.bytes;

		if (shape.cut)
			continue;
		if (shape.count == IMAGE_ARGS_MAX || room <= blank) {
			shape.cut = true;
			continue;
		}
		if (arg.len > room - blank) {
			arg.len = room - blank;
			shape.cut = true;
		}
		shape.bytes += arg.len + blank;
		shape.count++;
	}
	return shape;
}

static struct str copy(char **at, struct str s)
{
	if (!s.len)
		return STR_NULL;
	if (s.len > IMAGE_PATH_BYTES_MAX)
		s.len = IMAGE_PATH_BYTES_MAX;
	struct str result = {memcpy(*at, s.p, s.len), s.len};

	*at += s.len;
	return result;
}

/* event_append() doubles a list at powers of two and else writes behind its last item: there must
 * be room for that, though nobody should append to process.args. */
static uint32_t list_room(uint32_t count)
{
	uint32_t room = 2;

	while (room < count)
		room *= 2;
	return room;
}

/* Sets *joined to all of them with blanks between. */
static struct value copy_args(char **at, struct value *list, struct str argv,
			      const struct argv_shape *shape, struct str *joined)
{
	char *start = *at, *end = start + shape->bytes;
	struct str arg;
	uint32_t i = 0;

	for (; i < shape->count && next_arg(&argv, &arg); i++) {
		if (i)
			*(*at)++ = ' ';
		if (arg.len > (size_t)(end - *at))
			arg.len = (size_t)(end - *at);
		if (arg.len)
			memcpy(*at, arg.p, arg.len);
		list[i] = value_str((struct str){*at, arg.len});
		*at += arg.len;
	}
	if (!i)
		return (struct value){0};
	*joined = (struct str){start, (size_t)(*at - start)};
	return i == 1 ? list[0] : (struct value){.type = VALUE_LIST, .count = i, .items = list};
}

static size_t path_bytes(struct str s)
{
	return s.len < IMAGE_PATH_BYTES_MAX ? s.len : IMAGE_PATH_BYTES_MAX;
}

struct image *image_new(struct process_table *table, const struct process_exec *exec,
			struct str comm)
{
	bool tight = table->image_bytes > IMAGE_BYTES_BUDGET;
	struct argv_shape shape =
	    argv_measure(exec->argv, tight ? IMAGE_ARGV_BYTES_TIGHT : IMAGE_ARGV_BYTES_MAX);
	struct argv_shape env_shape = argv_measure(exec->env, IMAGE_ENV_BYTES_MAX);
	struct str env_joined,
	    executable = exec->filename.len ? exec->filename : exec->executable_path;
	size_t env_list_bytes = list_room(env_shape.count) * sizeof(struct value);
	size_t list_bytes = list_room(shape.count) * sizeof(struct value) + env_list_bytes;
	size_t bytes = sizeof(struct image) + list_bytes + shape.bytes + env_shape.bytes +
		       path_bytes(executable) + path_bytes(comm) + path_bytes(exec->interpreter) +
		       path_bytes(exec->executable_path) + path_bytes(exec->host_executable_path) +
		       path_bytes(exec->root) + path_bytes(exec->working_directory);
	struct image *image = xmalloc(bytes);
	struct value *env_list = (struct value *)(image + 1);
	struct value *list = env_list + list_room(env_shape.count);
	char *at = (char *)env_list + list_bytes;

	*image = (struct image){.refs = 1, .bytes = bytes};
	image->executable = copy(&at, executable);
	image->interpreter = copy(&at, exec->interpreter);
	image->path = copy(&at, exec->executable_path);
	image->host_path = copy(&at, exec->host_executable_path);
	image->root = copy(&at, exec->root);
	image->working_directory = copy(&at, exec->working_directory);
	image->name = image->executable.len ? str_basename(image->executable) : copy(&at, comm);
	image->args = copy_args(&at, list, exec->argv, &shape, &image->command_line);
	image->env = copy_args(&at, env_list, exec->env, &env_shape, &env_joined);
	image->args_count = shape.found > exec->argc ? shape.found : exec->argc;
	image->args_cut = shape.cut || exec->argv_truncated;
	image->from_facts_only = !executable.len;
	if (shape.cut)
		counter_add(COUNTER_PROCESS_ARGS_CUT, 1);
	table->image_bytes += bytes;
	return image;
}

struct image *image_ref(struct image *image)
{
	image->refs++;
	return image;
}

void image_unref(struct process_table *table, struct image *image)
{
	if (!image || --image->refs)
		return;
	table->image_bytes -= image->bytes;
	free(image);
}
