/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/mountinfo of a process that may mount what it likes, under whatever names. */
#include <stdlib.h>

#include "sensor/mounts.h"
#include "sensor/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mount_table table;
	struct arena arena;

	mounts_init(&table);
	arena_init(&arena);
	mounts_parse(&table, (struct str){(const char *)data, size});
	for (uint32_t i = 0; i < table.count && i < 16; i++) {
		const struct mount_entry *entry = &table.entry[i];
		struct str path = path_join(&arena, entry->point, STR("x"));
		struct str back = mounts_super_path(entry, path, &arena);

		if (!mounts_find(&table, entry->id))
			abort();
		mounts_on(&table, entry->point);
		if (path_is_below(back, entry->root))
			mounts_path_of(&table, entry->dev, back, &arena);
	}
	mounts_free(&table);
	arena_free(&arena);
	return 0;
}
