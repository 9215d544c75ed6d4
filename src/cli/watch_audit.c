/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch_audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/json_tree.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "event/json.h"
#include "source/audit_follow.h"

#define PLACE_FILE "audit-log.json"
/* Ours is 100 bytes. */
#define PLACE_BYTES_MAX 4096
/* Chunks of 64 KiB read before signals are looked at. */
#define READS_MAX 16

struct watch_audit {
	struct watch_audit_options options;
	struct audit_follow *follow;
	struct event_reader *reader;
	struct event event;
	int64_t saved_ns; /* monotonic */
	struct audit_place saved;
	watch_audit_handler *handler; /* during a call */
	void *context;
};

static uint64_t number_of(const struct tree_node *root, const char *key)
{
	const struct tree_node *node = tree_get_typed(root, key, TREE_INT);

	return node && node->integer > 0 ? (uint64_t)node->integer : 0;
}

static bool parse_place(struct str text, const char *path, struct audit_place *place)
{
	struct arena arena;
	struct diag_list diags;
	struct tree_node *root = NULL;

	arena_init(&arena);
	diag_list_init(&diags);
	bool good = json_tree_read(&arena, text, STR(PLACE_FILE), 1, &diags, &root) == 0 &&
		    root->type == TREE_TABLE;
	const struct tree_node *of = good ? tree_get_typed(root, "path", TREE_STRING) : NULL;

	if (of && str_eq(of->text, str_from(path)))
		*place = (struct audit_place){number_of(root, "device"), number_of(root, "inode"),
					      number_of(root, "offset")};
	diag_list_free(&diags);
	arena_free(&arena);
	return good;
}

/* Where the last watch of this log left off; a file that says nothing is said and left out. */
static struct audit_place load_place(const struct watch_audit *audit)
{
	const char *file = state_path(audit->options.state, PLACE_FILE);
	struct audit_place place = {0};
	char text[PLACE_BYTES_MAX];
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	if (n >= 0 && !parse_place((struct str){text, (size_t)n}, audit->options.path, &place))
		log_warning("%s: not a place in a log; going on from its end", file);
	return place;
}

static int write_place(const char *file, const struct buf *text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error = fd < 0 ? -errno : buf_write_fd(text, fd);

	if (fd >= 0 && close(fd) && !error)
		error = -errno;
	return error;
}

static void save_place(struct watch_audit *audit)
{
	struct audit_place place = audit_follow_place(audit->follow);
	struct buf text = {0}, new_file = {0};
	struct json_writer w = json_writer_to(&text);

	audit->saved_ns = clock_monotonic_ns();
	if (!place.inode || memcmp(&place, &audit->saved, sizeof(place)) == 0)
		return;
	json_object(&w);
	json_member(&w, STR("path"), str_from(audit->options.path));
	json_key(&w, STR("device"));
	json_uint(&w, place.device);
	json_key(&w, STR("inode"));
	json_uint(&w, place.inode);
	json_key(&w, STR("offset"));
	json_uint(&w, place.offset);
	json_end(&w);
	buf_add_char(&text, '\n');
	buf_printf(&new_file, "%s.new", state_path(audit->options.state, PLACE_FILE));
	buf_add_char(&new_file, '\0');
	int error = write_place(new_file.p, &text);

	if (!error && rename(new_file.p, state_path(audit->options.state, PLACE_FILE)))
		error = -errno;
	if (error) {
		log_warning("%s: %s", state_path(audit->options.state, PLACE_FILE),
			    strerror(-error));
		counter_add(COUNTER_STATE_UNSAVED, 1);
	} else {
		audit->saved = place;
	}
	buf_free(&text);
	buf_free(&new_file);
}

int watch_audit_open(struct watch_audit **out, const struct watch_audit_options *options)
{
	struct watch_audit *audit = xcalloc(1, sizeof(*audit));

	audit->options = *options;
	int error = audit_follow_open(
	    &audit->follow, options->path,
	    &(struct audit_follow_options){.host = options->host,
					   .max_processes = options->max_processes,
					   .place = load_place(audit)});

	if (error) {
		log_error("--audit-log %s: %s", options->path,
			  error == -EINVAL ? "neither a file nor a pipe" : strerror(-error));
		free(audit);
		return error;
	}
	audit->reader = event_reader_new(options->fields, NULL);
	event_init(&audit->event, options->fields);
	audit->saved_ns = clock_monotonic_ns();
	*out = audit;
	return 0;
}

void watch_audit_close(struct watch_audit *audit)
{
	if (!audit)
		return;
	audit_follow_close(audit->follow);
	event_free(&audit->event);
	event_reader_free(audit->reader);
	free(audit);
}

static void on_line(void *context, struct str line)
{
	struct watch_audit *audit = context;
	const char *why;

	event_reset(&audit->event);
	if (event_read_json(audit->reader, line, &audit->event, &why)) {
		log_warning("an audit event could not be read back: %s", why);
		counter_add(COUNTER_INPUT_MALFORMED, 1);
		return;
	}
	audit->handler(audit->context, &audit->event);
}

int watch_audit_read(struct watch_audit *audit, watch_audit_handler *handler, void *context)
{
	int more = 1;

	audit->handler = handler;
	audit->context = context;
	for (int i = 0; i < READS_MAX && more == 1; i++)
		more = audit_follow_read(audit->follow, on_line, audit);
	return more;
}

void watch_audit_finish(struct watch_audit *audit, watch_audit_handler *handler, void *context)
{
	audit->handler = handler;
	audit->context = context;
	audit_follow_flush(audit->follow, on_line, audit);
	save_place(audit);
}

void watch_audit_save(struct watch_audit *audit)
{
	if (clock_monotonic_ns() - audit->saved_ns >= STATE_INTERVAL_S * NS_PER_SEC)
		save_place(audit);
}

struct process_table *watch_audit_processes(struct watch_audit *audit, const struct event *event)
{
	struct audit_reader *reader = audit_follow_reader(audit->follow);

	return reader ? audit_reader_processes(reader, event_get_str(event, FIELD_HOST_ID)) : NULL;
}
