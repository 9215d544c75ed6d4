/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_marker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/diag.h"
#include "base/json_tree.h"
#include "base/json_writer.h"
#include "base/log.h"

/* A marker is one short line. */
#define MARKER_BYTES_MAX 4096

struct run_marker {
	char *path;
	char *boot_id;
	int fd;
	int64_t start_ns;
	int64_t touched_ns; /* CLOCK_MONOTONIC */
	bool failing;
};

static bool read_time(const struct tree_node *root, const char *key, int64_t *ns)
{
	const struct tree_node *node = tree_get_typed(root, key, TREE_STRING);

	return node && !clock_parse(node->text, ns);
}

static bool read_marker(struct str text, struct str path, struct str boot_id, struct last_run *last)
{
	struct arena arena;
	struct diag_list diags;
	struct tree_node *root = NULL;

	arena_init(&arena);
	diag_list_init(&diags);
	bool is_read = !json_tree_read(&arena, text, path, 1, &diags, &root);
	const struct tree_node *pid = is_read ? tree_get_typed(root, "pid", TREE_INT) : NULL;
	const struct tree_node *boot =
	    is_read ? tree_get_typed(root, "boot_id", TREE_STRING) : NULL;

	is_read = pid && boot && pid->integer > 0 && pid->integer <= INT32_MAX &&
		  read_time(root, "start", &last->start_ns) &&
		  read_time(root, "last_seen", &last->seen_ns);
	if (is_read) {
		last->pid = (uint32_t)pid->integer;
		last->same_boot = str_eq(boot->text, boot_id);
	}
	diag_list_free(&diags);
	arena_free(&arena);
	return is_read;
}

/* A marker that cannot be read (a crash while it was made, somebody's hand) says as much as one that
 * can, but the times. */
static bool find_last(struct run_marker *marker, struct last_run *last)
{
	char text[MARKER_BYTES_MAX];
	ssize_t n = pread(marker->fd, text, sizeof(text), 0);

	*last = (struct last_run){0};
	if (n <= 0)
		return false;
	if (!read_marker((struct str){text, (size_t)n}, str_from(marker->path),
			 str_from(marker->boot_id), last))
		log_warning("%s: cannot be understood; when the last watch ended is not known",
			    marker->path);
	return true;
}

static int write_marker(struct run_marker *marker)
{
	char start[CLOCK_TEXT_MAX], seen[CLOCK_TEXT_MAX];
	struct buf text = {0};
	struct json_writer w = json_writer_to(&text);
	int err = 0;

	json_object(&w);
	json_member(&w, STR("boot_id"), str_from(marker->boot_id));
	json_key(&w, STR("pid"));
	json_int(&w, getpid());
	json_member(&w, STR("start"), clock_format(marker->start_ns, start));
	json_member(&w, STR("last_seen"), clock_format(clock_now_ns(), seen));
	json_end(&w);
	/* Times may be longer or shorter by their fraction: blanks are no change of meaning. */
	buf_add(&text, STR("                    \n"));
	if (pwrite(marker->fd, text.p, text.len, 0) != (ssize_t)text.len ||
	    ftruncate(marker->fd, (off_t)text.len))
		err = errno ? -errno : -EIO;
	buf_free(&text);
	return err;
}

int run_marker_open(struct run_marker **out, const char *path, const struct host *host,
		    struct last_run *last, bool *unclean)
{
	struct run_marker *marker = xcalloc(1, sizeof(*marker));
	struct str boot_id = host_boot_id(host);
	int err;

	*unclean = false;
	marker->path = xstrdup(path);
	marker->boot_id = xcalloc(1, boot_id.len + 1);
	if (boot_id.len)
		memcpy(marker->boot_id, boot_id.p, boot_id.len);
	marker->start_ns = clock_now_ns();
	marker->touched_ns = clock_monotonic_ns();
	marker->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	err = marker->fd < 0 ? -errno : 0;
	if (!err) {
		*unclean = find_last(marker, last);
		err = write_marker(marker);
	}
	if (err)
		log_error("%s: %s; the next start will not know how this watch ended", path,
			  strerror(-err));
	*out = marker;
	return err;
}

void run_marker_touch(struct run_marker *marker)
{
	int64_t now = clock_monotonic_ns();

	if (!marker || marker->fd < 0 ||
	    now - marker->touched_ns < RUN_MARKER_INTERVAL_S * NS_PER_SEC)
		return;
	marker->touched_ns = now;
	int err = write_marker(marker);

	if (err && !marker->failing)
		log_error("%s: %s (said once, then counted)", marker->path, strerror(-err));
	marker->failing = err != 0;
	if (err)
		counter_add(COUNTER_STATE_UNSAVED, 1);
}

void run_marker_close(struct run_marker *marker)
{
	if (!marker)
		return;
	if (marker->fd >= 0) {
		if (unlink(marker->path) && errno != ENOENT)
			log_warning("%s: %s; the next start will take this end for an unclean one",
				    marker->path, strerror(errno));
		close(marker->fd);
	}
	free(marker->path);
	free(marker->boot_id);
	free(marker);
}

void run_marker_event(const struct last_run *last, const struct host *host, struct event *event)
{
	int64_t now = clock_now_ns();

	event_reset(event);
	event->time_ns = now;
	event_set_time(event, FIELD_TIMESTAMP, now);
	event_set_str(event, FIELD_EVENT_KIND, STR("event"));
	event_set_str(event, FIELD_EVENT_CATEGORY, STR("process"));
	event_set_str(event, FIELD_EVENT_TYPE, STR("end"));
	event_set_str(event, FIELD_EVENT_ACTION, STR("unclean_end"));
	event_set_str(event, FIELD_EVENT_MODULE, STR("endpoint"));
	event_set_str(event, FIELD_EVENT_PROVIDER, STR("lintel"));
	event_set_str(event, FIELD_LINTEL_SELF_TARGET, STR("process"));
	event_set_time(event, FIELD_EVENT_END, now);
	if (last->seen_ns) {
		event_set_time(event, FIELD_EVENT_START, last->seen_ns);
		event_set_int(event, FIELD_TARGET_PROCESS_PID, last->pid);
		event_set_bool(event, FIELD_LINTEL_SELF_SAME_BOOT, last->same_boot);
	}
	event_set_str(event, FIELD_EVENT_ID,
		      arena_printf(&event->arena, "%.*s-%llx-end", STR_ARG(host_id(host)),
				   (unsigned long long)now));
	host_fill(host, event);
}
