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

/* Files met again that are named; the rest is only counted. */
#define REPEATED_REPORTS_MAX 5

/* audit.log.1: rotated. */
static struct str without_number(struct str name)
{
	size_t len = name.len;

	while (len && name.p[len - 1] >= '0' && name.p[len - 1] <= '9')
		len--;
	if (len < name.len && len && name.p[len - 1] == '.')
		name.len = len - 1;
	return name;
}

static bool has_event_name(struct str name)
{
	if (str_ends(name, STR(".gz")))
		name.len -= 3;
	else if (str_ends(name, STR(".zst")))
		name.len -= 4;
	name = without_number(name);
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
	    .device = sized ? st->st_dev : 0,
	    .inode = sized ? st->st_ino : 0,
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
		uint32_t before = list->count;
		int err = walk(list, arena_str(&list->arena, plain).p, 0);

		if (!err && list->count == before)
			log_warning("%s: no *.ndjson, *.jsonl, *.json or *.log, plain, .gz or "
				    ".zst, in this directory",
				    path);
		return err;
	}
	int err = check_readable(path, &st);

	return err ? err : append(list, path, &st);
}

/* A file of the list, for finding its other names. */
struct named {
	const struct listed_file *file;
	uint32_t number;
};

static int by_file(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->file->device != y->file->device)
		return x->file->device < y->file->device ? -1 : 1;
	if (x->file->inode != y->file->inode)
		return x->file->inode < y->file->inode ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static bool is_same(const struct listed_file *a, const struct listed_file *b)
{
	return !a->is_stream && !b->is_stream && a->device == b->device && a->inode == b->inode;
}

/* By number: is the file one before it? Says so of the first few. */
static uint32_t find_repeated(const struct file_list *list, bool *repeated)
{
	struct named *all = xcalloc((size_t)list->count + 1, sizeof(*all));
	uint32_t found = 0, first = 0;

	for (uint32_t i = 0; i < list->count; i++)
		all[i] = (struct named){&list->files[i], i};
	qsort(all, list->count, sizeof(*all), by_file);
	for (uint32_t i = 1; i < list->count; i++) {
		if (!is_same(all[first].file, all[i].file)) {
			first = i;
			continue;
		}
		repeated[all[i].number] = true;
		if (found++ < REPEATED_REPORTS_MAX)
			log_info("%s: left out, it is the same file as %s", all[i].file->path,
				 all[first].file->path);
	}
	free(all);
	return found;
}

static void leave_out_repeated(struct file_list *list)
{
	bool *repeated = xcalloc((size_t)list->count + 1, sizeof(*repeated));
	uint32_t found = find_repeated(list, repeated), left = 0;

	if (found > REPEATED_REPORTS_MAX)
		log_info("... and %u more files by another name", found - REPEATED_REPORTS_MAX);
	for (uint32_t i = 0; i < list->count; i++) {
		if (!repeated[i])
			list->files[left++] = list->files[i];
		else if (!list->size_unknown)
			list->bytes_total -= list->files[i].size;
	}
	list->count = left;
	free(repeated);
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
	leave_out_repeated(list);
	return refused == count ? err : 0;
}

void file_list_free(struct file_list *list)
{
	arena_free(&list->arena);
	free(list->files);
	*list = (struct file_list){0};
}
