/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files on disk. A directory tree is listed first, then read in order of path. One descriptor
 * is open at a time, whatever the depth; symbolic links to directories are not followed, so there
 * are no loops.
 */
#include "rule/rule_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

struct path_list {
	char **items;
	size_t count, cap;
};

/* A tree being listed: directories still to read, files found. */
struct walk {
	struct path_list directories; /* read from `next` on */
	size_t next;
	struct path_list files;
	struct diag_list *diags;
};

static void path_add(struct path_list *list, char *path)
{
	if (list->count == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 64;
		list->items = xreallocarray(list->items, list->cap, sizeof(*list->items));
	}
	list->items[list->count++] = path;
}

static void path_list_free(struct path_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

static char *path_join(const char *directory, const char *name)
{
	size_t n = strlen(directory);
	const char *slash = n && directory[n - 1] == '/' ? "" : "/";
	struct buf path = {0};

	buf_printf(&path, "%s%s%s", directory, slash, name);
	buf_add_char(&path, '\0');
	return path.p;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void path_error(struct diag_list *diags, const char *path, const char *what, int error)
{
	diag_add(diags, (struct diag){.file = str_from(path)}, "%s: %s", what, strerror(error));
}

/* DT_UNKNOWN is what some file systems say of everything. */
static bool is_directory(const char *path, unsigned char type)
{
	struct stat st;

	if (type != DT_UNKNOWN)
		return type == DT_DIR;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* *.txt is none: a directory may have any number of those. */
static bool is_rule_file(struct str name)
{
	return str_ends(name, STR(".toml")) || str_ends(name, STR(".ndjson")) ||
	       str_ends(name, STR(".json")) || str_ends(name, STR(".md"));
}

static void list_entry(struct walk *walk, const char *directory, const struct dirent *entry)
{
	if (entry->d_name[0] == '.')
		return;
	char *path = path_join(directory, entry->d_name);

	if (is_directory(path, entry->d_type))
		path_add(&walk->directories, path);
	else if (is_rule_file(str_from(entry->d_name)))
		path_add(&walk->files, path);
	else
		free(path);
}

static void list_directory(struct walk *walk, const char *path)
{
	DIR *dir = opendir(path);

	if (!dir) {
		path_error(walk->diags, path, "cannot read this directory", errno);
		return;
	}
	const struct dirent *entry;

	for (errno = 0; (entry = readdir(dir)); errno = 0)
		list_entry(walk, path, entry);
	if (errno)
		path_error(walk->diags, path, "cannot read this directory to its end", errno);
	closedir(dir);
}

/* False when the tree is larger than any rule collection. */
static bool list_tree(struct walk *walk, const char *top)
{
	path_add(&walk->directories, xstrdup(top));
	while (walk->next < walk->directories.count) {
		/* The list moves when it grows; the path does not. */
		const char *path = walk->directories.items[walk->next++];

		list_directory(walk, path);
		if (walk->directories.count > RULE_TREE_MAX || walk->files.count > RULE_FILES_MAX)
			return false;
	}
	return true;
}

/* Bytes read at a time: buffers grow with the file. */
#define READ_BYTES 65536

/* All of `fd` into `text`, but no more than the limit and one byte. 0 or -errno. */
static int read_text(int fd, struct buf *text)
{
	for (;;) {
		size_t room = RULE_EXPORT_BYTES_MAX + 1 - text->len;

		if (room == 0)
			return 0;
		room = room < READ_BYTES ? room : READ_BYTES;
		ssize_t n = read(fd, buf_reserve(text, room), room);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		text->len += (size_t)n;
	}
}

int rule_read_file(const char *path, bool named, struct buf *text, const char **why)
{
	struct stat st;
	/* O_NONBLOCK so that a FIFO without a writer does not stop the load. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int error = 0;

	*why = "cannot be opened";
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		error = -errno;
	} else if (!S_ISREG(st.st_mode) && !named) {
		*why = "is not a regular file";
		error = -EINVAL;
	} else {
		*why = "cannot be read";
		if (!S_ISREG(st.st_mode))
			fcntl(fd, F_SETFL, 0);
		error = read_text(fd, text);
	}
	close(fd);
	return error;
}

/* A file of many rules has a name that says so. */
static bool may_have_many(struct str name)
{
	return str_ends(name, STR(".ndjson")) || str_ends(name, STR(".json"));
}

static void load_read(struct rule_set *set, struct field_set *fields, const char *path,
		      const struct buf *text, struct diag_list *diags)
{
	struct str name = str_from(path);

	if (text->len > RULE_EXPORT_BYTES_MAX)
		rule_set_add_broken(set, name, diags, "larger than 64 MiB: not a rule file");
	else if (text->len > RULE_FILE_BYTES_MAX && !may_have_many(name))
		rule_set_add_broken(set, name, diags, "larger than 1 MiB: not a rule file");
	else if (text->len == 0)
		rule_set_add_broken(set, name, diags, "the file is empty");
	else if (rule_set_load_text(set, fields, buf_str(text), name, diags))
		return; /* it is in the set as an error, and `diags` says why */
}

/* A README beside the rules, events to test them with, a package.json. Nobody named the file, so
 * nothing is said. */
static bool is_something_else(struct str name, struct str text)
{
	if (str_ends(name, STR(".md")))
		return !rule_page_is(text);
	return may_have_many(name) && text.len && !rule_json_is(text);
}

static void load_found(struct rule_set *set, struct field_set *fields, const char *path,
		       struct buf *text, struct diag_list *diags)
{
	const char *what;

	buf_reset(text);
	int error = rule_read_file(path, false, text, &what);

	if (!error && is_something_else(str_from(path), buf_str(text)))
		return;
	if (!error) {
		load_read(set, fields, path, text, diags);
		return;
	}
	struct buf why = {0};

	buf_printf(&why, error == -EINVAL ? "%s" : "%s: %s", what, strerror(-error));
	buf_add_char(&why, '\0');
	rule_set_add_broken(set, str_from(path), diags, why.p);
	buf_free(&why);
}

static int load_tree(struct rule_set *set, struct field_set *fields, const char *path,
		     struct diag_list *diags)
{
	struct walk walk = {.diags = diags};
	struct buf text = {0};
	int error = 0;

	if (!list_tree(&walk, path)) {
		diag_add(diags, (struct diag){.file = str_from(path)},
			 "more than %d rule files or %d directories: not a rule directory",
			 RULE_FILES_MAX, RULE_TREE_MAX);
		error = -E2BIG;
		goto out;
	}
	if (walk.files.count)
		qsort(walk.files.items, walk.files.count, sizeof(char *), by_path);
	else
		diag_add(diags, (struct diag){.level = DIAG_WARNING, .file = str_from(path)},
			 "no *.toml, *.ndjson, *.json or *.md in this directory");
	for (size_t i = 0; i < walk.files.count; i++)
		load_found(set, fields, walk.files.items[i], &text, diags);
out:
	buf_free(&text);
	path_list_free(&walk.directories);
	path_list_free(&walk.files);
	return error;
}

int rule_set_load(struct rule_set *set, struct field_set *fields, const char *path,
		  struct diag_list *diags)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		int error = errno;

		path_error(diags, path, "cannot be read", error);
		return -error;
	}
	if (S_ISDIR(st.st_mode)) {
		if (access(path, R_OK | X_OK) == 0)
			return load_tree(set, fields, path, diags);
		int error = errno;

		path_error(diags, path, "cannot read this directory", error);
		return -error;
	}
	struct buf text = {0};
	const char *what;
	int error = rule_read_file(path, true, &text, &what);

	if (error)
		path_error(diags, path, what, -error);
	else
		load_read(set, fields, path, &text, diags);
	buf_free(&text);
	return error;
}
