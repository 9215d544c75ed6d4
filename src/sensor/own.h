/* SPDX-License-Identifier: Apache-2.0 */
/* lintel's own files, by their paths on the host: an attempt on one of them is told by
 * lintel.self.target. */
#ifndef LINTEL_SENSOR_OWN_H
#define LINTEL_SENSOR_OWN_H

#include "base/str.h"

/* One file, or a directory with all that is below it. */
struct own_file {
	struct str path;    /* absolute, links resolved */
	const char *target; /* "binary", "configuration", "rules", "state" or "output" */
};

/* Whose path this is: the target, or NULL. The list ends with an empty path. A directory above one
 * of them counts too: who renames it takes lintel's file away. */
const char *own_target(const struct own_file *files, struct str host_path, bool is_directory);

#endif
