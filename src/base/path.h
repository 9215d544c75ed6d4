/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text. No system calls. */
#ifndef LINTEL_BASE_PATH_H
#define LINTEL_BASE_PATH_H

#include "base/arena.h"

/* `base` and a path relative to it, or the path alone when it is absolute; not normalised. */
struct str path_join(struct arena *arena, struct str base, struct str path);
/* "//", "." and ".." taken out by text alone: right where no part is a symbolic link. */
struct str path_normalise(struct arena *arena, struct str path);
/* Everything before the last '/' ("/" for "/x"); empty when there is none. */
struct str path_directory(struct str path);
/* Is `path` the directory `above` or below it? */
bool path_is_below(struct str path, struct str above);
/* `path` seen from the directory `root`, which it is below: "/" for root itself. */
struct str path_strip_root(struct str path, struct str root);
/* What follows the last dot. As Elastic Defend: a name whose only dot is its first character has
 * no extension (".bashrc"), nor has one that ends in a dot. */
struct str path_extension(struct str name);
/* ECS file.type of an inode's mode: dir, symlink or file. */
struct str path_type_name(uint32_t mode);

#endif
