/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "cli/coverage_internal.h"
#include "source/ndjson.h"

/* At the end of a plain file: holds the last line, unless it is an alert with a lot of evidence. */
#define TAIL_BYTES (4 * 1024 * 1024)

struct reading {
	struct field_set *fields;
	struct event_reader *reader;
	struct event event;
};

/* The first event that has a time, or, `to_the_end`, all of them. */
static void read_times(struct reading *r, struct stored_file *file, bool to_the_end)
{
	struct ndjson_source *source = NULL;
	int more;

	file->error = ndjson_open(&source, &file->path, 1);
	while (!file->error && (more = ndjson_next_event(source, r->reader, &r->event)) != 0) {
		if (more < 0) {
			file->error = more;
			break;
		}
		if (r->event.time_ns == INT64_MIN)
			continue;
		if (file->first_ns == INT64_MIN || r->event.time_ns < file->first_ns)
			file->first_ns = r->event.time_ns;
		if (r->event.time_ns > file->last_ns)
			file->last_ns = r->event.time_ns;
		if (!to_the_end)
			break;
	}
	ndjson_close(source);
}

/* The last line with a time among the text's, whose first may be cut. */
static bool last_time(struct reading *r, struct str text, int64_t *ns)
{
	while (text.len) {
		const char *newline = memrchr(text.p, '\n', text.len - 1);
		size_t from = newline ? (size_t)(newline + 1 - text.p) : 0;
		struct str line = {text.p + from, text.len - from};

		event_reset(&r->event);
		if (!event_read_json(r->reader, line, &r->event, NULL) &&
		    r->event.time_ns != INT64_MIN) {
			*ns = r->event.time_ns;
			return true;
		}
		text.len = from;
	}
	return false;
}

static bool is_compressed(int fd)
{
	unsigned char magic[4] = {0};

	/* RFC 1952, RFC 8878 */
	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       ((magic[0] == 0x1f && magic[1] == 0x8b) ||
		(magic[0] == 0x28 && magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd));
}

/* Of a plain file the last time from its end, so that gigabytes need not be read. */
static bool read_tail(struct reading *r, struct stored_file *file, int fd, off_t size)
{
	size_t bytes = size > TAIL_BYTES ? TAIL_BYTES : (size_t)size;
	struct buf text = {0};
	ssize_t n =
	    pread(fd, buf_reserve(&text, bytes + EVENT_JSON_PADDING), bytes, size - (off_t)bytes);
	int64_t ns;
	bool found = n > 0 && last_time(r, (struct str){text.p, (size_t)n}, &ns);

	if (found && ns > file->last_ns)
		file->last_ns = ns;
	buf_free(&text);
	return found;
}

static void look(struct reading *r, struct stored_file *file)
{
	struct stat st;
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	file->first_ns = file->last_ns = INT64_MIN;
	file->error = fd < 0 ? -errno : 0;
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode)))
		file->error = -EINVAL;
	/* An empty file has no times, and is none to complain of. */
	if (!file->error && st.st_size && is_compressed(fd)) {
		read_times(r, file, true);
	} else if (!file->error && st.st_size) {
		read_times(r, file, false);
		if (!file->error && !read_tail(r, file, fd, st.st_size))
			read_times(r, file, true);
	}
	if (fd >= 0)
		close(fd);
}

static void add(struct coverage_report *report, struct reading *r, const char *what,
		const char *path)
{
	struct stored_file *file = &report->stored[report->stored_count++];

	file->what = what;
	file->path = path;
	look(r, file);
}

void coverage_stored(struct coverage_report *report, struct arena *arena)
{
	const struct config *config = &report->options->config;
	struct reading r = {.fields = field_set_new()};

	field_set_demand(r.fields, field_known_name(FIELD_TIMESTAMP));
	r.reader = event_reader_new(r.fields, NULL);
	event_init(&r.event, r.fields);
	add(report, &r, "alerts", arena_printf(arena, "%s/alerts.ndjson", config->state).p);
	if (config->events)
		add(report, &r, "events", config->events);
	event_free(&r.event);
	event_reader_free(r.reader);
	field_set_free(r.fields);
}
