/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users and groups, by the system's own resolver (files, and whatever else nsswitch.conf
 * names). A lookup may ask a directory server, so answers are kept, also "there is none"; the
 * files' modification times tell when to ask again.
 */
#include "process/host.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "process/process_internal.h"

/* Slots of a cache, each holding the last id that fell on it: bounded, whatever ids are asked for.
 * A host has tens of active ids; uid ranges of user namespaces spread evenly. */
#define NAME_SLOTS 1024
/* shadow's LOGIN_NAME_MAX is 256 with the NUL. */
#define NAME_BYTES_MAX 256
/* Room for a getpwuid_r answer; group lists of directory servers are long, and beyond the last size
 * the group has no name for us. */
#define ANSWER_BYTES_FIRST 4096
#define ANSWER_BYTES_MAX (1u << 20)
#define LOOK_EVERY_NS NS_PER_SEC

struct name_slot {
	uint32_t id;
	uint32_t generation; /* 0: empty */
	uint16_t len;
	char text[NAME_BYTES_MAX];
};

/* Copies the name of an id into `name`; 0, ERANGE (a larger buffer is wanted) or another errno. */
typedef int name_lookup(uint32_t id, char *buffer, size_t bytes, struct str *name);

struct name_cache {
	const char *file;
	name_lookup *lookup;
	struct timespec changed;
	struct name_slot *slots;
};

static int lookup_user(uint32_t id, char *buffer, size_t bytes, struct str *name)
{
	struct passwd entry, *found = NULL;
	int err = getpwuid_r(id, &entry, buffer, bytes, &found);

	if (!err && found)
		*name = str_from(found->pw_name);
	return err;
}

static int lookup_group(uint32_t id, char *buffer, size_t bytes, struct str *name)
{
	struct group entry, *found = NULL;
	int err = getgrgid_r(id, &entry, buffer, bytes, &found);

	if (!err && found)
		*name = str_from(found->gr_name);
	return err;
}

static struct name_cache users = {.file = "/etc/passwd", .lookup = lookup_user};
static struct name_cache groups = {.file = "/etc/group", .lookup = lookup_group};
static uint32_t generation = 1;

static bool file_changed(struct name_cache *cache)
{
	struct stat st;

	/* A file that is replaced is missing for no moment (rename), and without one there is
	 * nothing to ask again for. */
	if (stat(cache->file, &st) || (st.st_mtim.tv_sec == cache->changed.tv_sec &&
				       st.st_mtim.tv_nsec == cache->changed.tv_nsec))
		return false;
	cache->changed = st.st_mtim;
	return true;
}

uint32_t names_generation(void)
{
	static int64_t next_look_ns;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	int64_t now_ns = (int64_t)now.tv_sec * NS_PER_SEC + now.tv_nsec;

	if (now_ns < next_look_ns)
		return generation;
	next_look_ns = now_ns + LOOK_EVERY_NS;
	bool users_changed = file_changed(&users), groups_changed = file_changed(&groups);

	if ((users_changed || groups_changed) && ++generation == 0)
		generation = 1;
	return generation;
}

static void ask(const struct name_cache *cache, struct name_slot *slot)
{
	size_t bytes = ANSWER_BYTES_FIRST;
	char *buffer = xmalloc(bytes);
	struct str name = STR_NULL;

	while (cache->lookup(slot->id, buffer, bytes, &name) == ERANGE &&
	       bytes < ANSWER_BYTES_MAX) {
		bytes *= 4;
		buffer = xrealloc(buffer, bytes);
	}
	slot->len = (uint16_t)(name.len < NAME_BYTES_MAX ? name.len : NAME_BYTES_MAX);
	if (slot->len)
		memcpy(slot->text, name.p, slot->len);
	free(buffer);
}

static struct str name_of(struct name_cache *cache, uint32_t id)
{
	uint32_t now = names_generation();

	if (!cache->slots)
		cache->slots = xcalloc(NAME_SLOTS, sizeof(*cache->slots));
	struct name_slot *slot = &cache->slots[id % NAME_SLOTS];

	if (slot->generation != now || slot->id != id) {
		slot->id = id;
		slot->generation = now;
		ask(cache, slot);
	}
	return slot->len ? (struct str){slot->text, slot->len} : STR_NULL;
}

struct str host_user_name(uint32_t uid)
{
	return name_of(&users, uid);
}

struct str host_group_name(uint32_t gid)
{
	return name_of(&groups, gid);
}
