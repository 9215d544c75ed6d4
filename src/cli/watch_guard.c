/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch_guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

struct watch_guard {
	struct guard_options options;
	struct arena arena;
	const char *writable[4]; /* state, outputs, NULL */
	struct own_file *files;
	uint32_t file_count;
};

static void add_directory_of(struct watch_guard *guard, const char *file, uint32_t *count)
{
	if (!file || strcmp(file, "-") == 0)
		return;
	const char *slash = strrchr(file, '/');

	guard->writable[(*count)++] =
	    slash == file ? "/"
	    : slash       ? arena_printf(&guard->arena, "%.*s", (int)(slash - file), file).p
			  : ".";
}

/* By its path with links resolved, as the sensor tells host paths. The file itself need not be there
 * yet (an output), its directory must. */
static void add_own(struct watch_guard *guard, const char *path, const char *target)
{
	if (!path || strcmp(path, "-") == 0)
		return;
	char *whole = realpath(path, NULL);

	if (!whole)
		return;
	guard->files[guard->file_count++] =
	    (struct own_file){arena_str(&guard->arena, str_from(whole)), target};
	free(whole);
}

/* Directories last: what is told of a file is the first that fits. */
void watch_guard_find_files(struct watch_guard *guard, const struct config *config,
			    const char *config_path, const struct rule_options *rules)
{
	const uint32_t others = 6;

	guard->files = ARENA_ARRAY(&guard->arena, struct own_file, others + rules->path_count + 1);
	add_own(guard, "/proc/self/exe", "binary");
	add_own(guard, config_path ? config_path : CONFIG_PATH_DEFAULT, "configuration");
	add_own(guard, config->output, "output");
	add_own(guard, config->events, "output");
	for (uint32_t i = 0; i < rules->path_count; i++)
		add_own(guard, rules->paths[i], "rules");
	add_own(guard, config->state, "state");
	guard->files[guard->file_count] = (struct own_file){0};
}

const struct own_file *watch_guard_files(const struct watch_guard *guard)
{
	return guard->files;
}

static void ask(struct file_demand *demand, struct demand *items, struct arena *arena,
		enum demand_kind kind, struct str name)
{
	char *lower = arena_bytes(arena, name.len + 1);

	for (size_t i = 0; i < name.len; i++)
		lower[i] =
		    (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
	items[demand->count++] = (struct demand){kind, {lower, name.len}};
}

/* Names in the paths of lintel's files, which are a few directories deep. */
#define NAMES_MAX 24

/* Each by its own name and those of the directories above it, which somebody may rename; and what is
 * below it, should it be a directory. */
void watch_guard_ask(const struct watch_guard *guard, struct arena *arena,
		     struct file_demand *demand)
{
	const struct demand *before = demand->items;
	struct demand *items =
	    ARENA_ARRAY(arena, struct demand, demand->count + (NAMES_MAX + 1) * guard->file_count);

	if (demand->count)
		memcpy(items, before, demand->count * sizeof(*items));
	demand->items = items;
	for (uint32_t i = 0; i < guard->file_count; i++) {
		struct str path = guard->files[i].path;

		ask(demand, items, arena, DEMAND_DIRECTORY, str_basename(path));
		for (uint32_t n = 0; n < NAMES_MAX && path.len > 1; n++) {
			struct str name = str_basename(path);

			ask(demand, items, arena, DEMAND_NAME, name);
			path.len -= name.len + 1;
		}
	}
}

/* A directory that is there stays whose it is: it may be another program's. */
static int make_state(const struct watch_guard *guard, const char *directory)
{
	const struct guard_user *user = &guard->options.user;

	if (mkdir(directory, 0700))
		return 0; /* there already, or state_open() says why not */
	if (!chown(directory, user->uid, user->gid))
		return 0;
	int error = errno;

	log_error("state directory %s: cannot be given to user %s: %s", directory, user->name,
		  strerror(error));
	return -error;
}

int watch_guard_open(struct watch_guard **out, const struct config *config)
{
	struct watch_guard *guard = xcalloc(1, sizeof(*guard));
	uint32_t count = 0;
	int error = 0;

	arena_init(&guard->arena);
	guard->writable[count++] = config->state;
	add_directory_of(guard, config->output, &count);
	add_directory_of(guard, config->events, &count);
	guard->options.writable = guard->writable;
	guard->options.reads_processes = !config->audit_log;
	*out = guard;
	if (!config->user)
		return 0;
	if (geteuid() != 0) {
		log_error("--user %s: only root can become another user", config->user);
		return -EPERM;
	}
	error = guard_find_user(config->user, &guard->options.user);
	return error ? error : make_state(guard, config->state);
}

void watch_guard_close(struct watch_guard *guard)
{
	if (!guard)
		return;
	arena_free(&guard->arena);
	free(guard);
}

int watch_guard_as_user(const struct watch_guard *guard, bool on)
{
	const struct guard_user *user = &guard->options.user;

	if (!user->name)
		return 0;
	if (on ? setegid(user->gid) || seteuid(user->uid) : seteuid(0) || setegid(0)) {
		int error = errno;

		log_error("cannot become user %s: %s", user->name, strerror(error));
		return -error;
	}
	return 0;
}

int watch_guard_enter(const struct watch_guard *guard, bool none)
{
	if (!none)
		return guard_enter(&guard->options);
	log_warning("sandbox: none (--no-sandbox): all capabilities and system calls%s are kept",
		    guard->options.user.name ? ", and root" : "");
	return 0;
}
