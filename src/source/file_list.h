/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a list of inputs stands for: directories walked, in sorted order. */
#ifndef LINTEL_SOURCE_FILE_LIST_H
#define LINTEL_SOURCE_FILE_LIST_H

#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

/* More files than this in one run is a mistake, e.g. a home directory full of logs. */
#define FILE_LIST_MAX 1000000
/* Directories within directories; no store of events nests deeper. */
#define FILE_LIST_DEPTH_MAX 32

struct listed_file {
	const char *path;
	uint64_t size;  /* 0: unknown */
	bool is_stream; /* standard input, a pipe: can be read once */
	dev_t device;   /* with `inode` the file, whatever its names; not of streams */
	ino_t inode;
};

struct file_list {
	struct arena arena; /* paths */
	struct listed_file *files;
	uint32_t count, cap;
	uint64_t bytes_total; /* 0: unknown, some size is */
	bool size_unknown;
};

/* Adds each of `inputs`. One that does not exist or cannot be read is logged, counted and left out;
 * -errno when that leaves none. A file that is met again, by whatever name, is left out, which is
 * said: counting its events twice would make alerts of them. */
int file_list_add_all(struct file_list *list, const char *const *inputs, uint32_t count)
    __attribute__((warn_unused_result));
/* Adds a file, "-" or what is below a directory. 0, or -errno when `path` itself cannot be read;
 * what cannot be read below a directory is logged and counted only. */
int file_list_add(struct file_list *list, const char *path) __attribute__((warn_unused_result));
void file_list_free(struct file_list *list);

#endif
