/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"

#define STATE_FILE "detector.ndjson"

struct state {
	char *directory;
	int lock_fd;
	char path[4096];
	int64_t saved_ns; /* monotonic: the last time it was tried */
	uint64_t saved_changes;
	bool failing;
};

/* Whoever can write in the state directory can make a link there that lintel, as root, would
 * append alerts to. */
static int check_owner(const char *directory)
{
	struct stat st;

	if (stat(directory, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & S_IWOTH) ||
	    ((st.st_mode & S_IWGRP) && st.st_gid != 0))
		return -EPERM;
	return 0;
}

static int make_directory(const char *directory)
{
	if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
		int error = errno;

		log_error("state directory %s: %s", directory, strerror(error));
		return -error;
	}
	/* Who is not root and has no rights of root risks only his own files. */
	int owned = getuid() ? 0 : check_owner(directory);

	if (owned)
		log_error("state directory %s: %s", directory,
			  owned == -EPERM ? "others than root can write in it; give one that only "
					    "root can, with --state"
					  : strerror(-owned));
	return owned ? -EINVAL : 0;
}

/* Two lintels in one state directory would mix their alerts and overwrite each other's state. */
static int lock(struct state *state)
{
	state->lock_fd =
	    open(state_path(state, "lock"), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (state->lock_fd >= 0 && flock(state->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	int error = errno;

	log_error("state directory %s: %s", state->directory,
		  error == EWOULDBLOCK ? "in use by another lintel; give another with --state"
				       : strerror(error));
	return -error;
}

int state_open(struct state **out, const char *directory)
{
	int error = make_directory(directory);

	if (error)
		return error;
	struct state *state = xcalloc(1, sizeof(*state));

	state->directory = xstrdup(directory);
	state->lock_fd = -1;
	state->saved_ns = clock_monotonic_ns();
	error = strlen(directory) + sizeof("/" STATE_FILE ".new") > sizeof(state->path)
		    ? -ENAMETOOLONG
		    : lock(state);
	if (error) {
		state_close(state);
		return error;
	}
	*out = state;
	return 0;
}

void state_close(struct state *state)
{
	if (!state)
		return;
	if (state->lock_fd >= 0)
		close(state->lock_fd);
	free(state->directory);
	free(state);
}

const char *state_path(struct state *state, const char *name)
{
	snprintf(state->path, sizeof(state->path), "%s/%s", state->directory, name);
	return state->path;
}

void state_load(struct state *state, struct detector *detector, const struct field_set *fields)
{
	struct event_reader *reader = event_reader_new(fields, NULL);
	const char *path = state_path(state, STATE_FILE);
	int error = detector_load(detector, path, reader);

	event_reader_free(reader);
	if (!error || error == -ENOENT)
		return;
	log_warning("%s: %s; starting without saved state", path,
		    error == -EINVAL ? "not a state file of this version" : strerror(-error));
	counter_add(COUNTER_STATE_DROPPED, 1);
}

int state_save(struct state *state, const struct detector *detector, bool now)
{
	int64_t time_ns = clock_monotonic_ns();
	uint64_t changes = detector_changes(detector);

	if (!now && time_ns - state->saved_ns < STATE_INTERVAL_S * NS_PER_SEC)
		return 0;
	state->saved_ns = time_ns;
	if (changes == state->saved_changes)
		return 0;
	const char *path = state_path(state, STATE_FILE);
	int error = detector_save(detector, path);

	if (!error) {
		state->saved_changes = changes;
		state->failing = false;
		return 0;
	}
	if (!state->failing)
		log_error("cannot save state in %s: %s (said once, then counted)", path,
			  strerror(-error));
	state->failing = true;
	counter_add(COUNTER_STATE_UNSAVED, 1);
	return error;
}
