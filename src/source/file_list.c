/* SPDX-License-Identifier: Apache-2.0 */
#include "source/file_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/log.h"

static const struct str suffixes[] = {
    {".ndjson", 7},
    {".jsonl", 6},
    {".json", 5},
    {".log", 4},
};

static bool has_event_name(struct str name)
{
	if (str_ends(name, STR(".gz")))
		name.len -= 3;
	else if (str_ends(name, STR(".zst")))
		name.len -= 4;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (str_ends(name, suffixes[i]))
			return true;
	return false;
}

static int append(struct file_list *list, const char *path, const struct stat *st)
{
	if (list->count == FILE_LIST_MAX)
		return -E2BIG;
	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->files = xreallocarray(list->files, list->cap, sizeof(*list->files));
	}
	bool sized = st && S_ISREG(st->st_mode);

	list->files[list->count++] = (struct listed_file){
	    .path = arena_str(&list->arena, str_from(path)).p,
	    .size = sized ? (uint64_t)st->st_size : 0,
	    .is_stream = !sized,
	};
	list->size_unknown |= !sized;
	list->bytes_total = list->size_unknown ? 0 : list->bytes_total + (uint64_t)st->st_size;
	return 0;
}

static void unreadable(const char *path, int err)
{
	log_warning("%s: %s", path, strerror(err));
	counter_add(COUNTER_INPUT_UNREADABLE, 1);
}

static int walk(struct file_list *list, const char *directory, int depth);

static int add_entry(struct file_list *list, const char *path, const char *name, int depth)
{
	struct stat st;

	if (lstat(path, &st)) {
		unreadable(path, errno);
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		int err = walk(list, path, depth + 1);

		if (err == -E2BIG)
			return err;
		if (err)
			unreadable(path, -err);
		return 0;
	}
	/* A link to a file is read, a link to a directory not: it may lead back up. */
	if (!has_event_name(str_from(name)) || stat(path, &st) || !S_ISREG(st.st_mode))
		return 0;
	return append(list, path, &st);
}

static int walk(struct file_list *list, const char *directory, int depth)
{
	struct dirent **names;

	if (depth > FILE_LIST_DEPTH_MAX)
		return -ELOOP;
	/* scandir closes the directory before anything below it is opened. */
	int n = scandir(directory, &names, NULL, alphasort), err = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		struct buf path = {0};

		if (!err && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			buf_printf(&path, "%s/%s", directory, name);
			buf_add_char(&path, '\0');
			err = add_entry(list, path.p, name, depth);
			buf_free(&path);
		}
		free(names[i]);
	}
	free(names);
	return err;
}

/* Finds out now whether a file can be opened, without waiting for a pipe's writer. */
static int check_readable(const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return access(path, R_OK) ? -errno : 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int file_list_add(struct file_list *list, const char *path)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		return append(list, path, NULL);
	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		/* "logs/" and "logs" name files alike. */
		struct str plain = arena_str(&list->arena, str_from(path));

		while (plain.len > 1 && plain.p[plain.len - 1] == '/')
			plain.len--;
		return walk(list, arena_str(&list->arena, plain).p, 0);
	}
	int err = check_readable(path, &st);

	return err ? err : append(list, path, &st);
}

int file_list_add_all(struct file_list *list, const char *const *inputs, uint32_t count)
{
	uint32_t refused = 0;
	int err = 0;

	for (uint32_t i = 0; i < count; i++) {
		int one = file_list_add(list, inputs[i]);

		if (!one)
			continue;
		log_error("%s: %s", inputs[i], strerror(-one));
		counter_add(COUNTER_INPUT_UNREADABLE, 1);
		refused++;
		err = one;
	}
	return refused == count ? err : 0;
}

void file_list_free(struct file_list *list)
{
	arena_free(&list->arena);
	free(list->files);
	*list = (struct file_list){0};
}
