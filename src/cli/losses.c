/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/losses.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "cli/state.h"

/* How precisely times of losses are known. */
#define LOOK_NS NS_PER_SEC

struct losses {
	char *path, *new_path;
	int64_t started_ns, looked_ns, saved_ns;
	struct loss_range unwatched;
	struct loss of[COUNTER_COUNT];
	bool saved; /* once */
	bool failing;
};

struct losses *losses_new(const char *path, int64_t now_ns)
{
	struct losses *losses = xcalloc(1, sizeof(*losses));
	struct losses_report *before = xcalloc(1, sizeof(*before));
	size_t bytes = strlen(path) + sizeof(".new");

	losses->path = xstrdup(path);
	losses->new_path = xcalloc(1, bytes);
	snprintf(losses->new_path, bytes, "%s.new", path);
	losses->started_ns = losses->looked_ns = losses->saved_ns = now_ns;
	losses_read(before, path);
	if (!before->error && before->saved_ns < now_ns)
		losses->unwatched = (struct loss_range){before->saved_ns, now_ns};
	free(before);
	return losses;
}

void losses_free(struct losses *losses)
{
	if (!losses)
		return;
	free(losses->path);
	free(losses->new_path);
	free(losses);
}

bool losses_due(const struct losses *losses, int64_t now_ns)
{
	/* or the clock was set back */
	return now_ns - losses->looked_ns >= LOOK_NS || now_ns < losses->looked_ns;
}

static void add_range(struct loss *loss, struct loss_range range)
{
	struct loss_range *last = loss->range_count ? &loss->ranges[loss->range_count - 1] : NULL;

	if (last && (range.from_ns - last->to_ns < LOSS_RANGE_JOIN_S * NS_PER_SEC ||
		     loss->range_count == LOSS_RANGES_MAX))
		last->to_ns = range.to_ns;
	else
		loss->ranges[loss->range_count++] = range;
}

void losses_look(struct losses *losses, int64_t now_ns)
{
	int64_t from = losses->looked_ns < now_ns ? losses->looked_ns : now_ns;

	losses->looked_ns = now_ns;
	for (enum counter c = 0; c < COUNTER_COUNT; c++) {
		struct loss *loss = &losses->of[c];
		uint64_t count = counter_get(c);

		if (count > loss->count)
			add_range(loss, (struct loss_range){from, now_ns});
		loss->count = count;
	}
}

/* ---- writing */

static void add_time(struct json_writer *w, const char *key, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	json_member(w, str_from(key), clock_format(ns, text));
}

static void add_loss(struct json_writer *w, enum counter c, const struct loss *loss)
{
	json_object(w);
	json_member(w, STR("cause"), counter_name(c));
	json_key(w, STR("count"));
	json_uint(w, loss->count);
	json_key(w, STR("ranges"));
	json_array(w);
	for (uint32_t i = 0; i < loss->range_count; i++) {
		json_object(w);
		add_time(w, "from", loss->ranges[i].from_ns);
		add_time(w, "to", loss->ranges[i].to_ns);
		json_end(w);
	}
	json_end(w);
	json_end(w);
}

static void write_json(const struct losses *losses, int64_t now_ns, uint64_t events, bool ended,
		       struct buf *out)
{
	struct json_writer w = json_writer_to(out);

	json_object(&w);
	json_key(&w, STR("version"));
	json_int(&w, 1);
	add_time(&w, "started", losses->started_ns);
	add_time(&w, "saved", now_ns);
	json_key(&w, STR("ended"));
	json_bool(&w, ended);
	json_key(&w, STR("events"));
	json_uint(&w, events);
	if (losses->unwatched.to_ns)
		add_time(&w, "unwatched_since", losses->unwatched.from_ns);
	json_key(&w, STR("losses"));
	json_array(&w);
	for (enum counter c = 0; c < COUNTER_COUNT; c++)
		if (losses->of[c].count)
			add_loss(&w, c, &losses->of[c]);
	json_end(&w);
	json_end(&w);
	buf_add_char(out, '\n');
}

/* To a file beside the old one, which then takes its place: a reader sees one or the other. */
static int replace(const struct losses *losses, const struct buf *text)
{
	int fd =
	    open(losses->new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	int error = buf_write_fd(text, fd);

	if (!error && fsync(fd))
		error = -errno;
	if (close(fd) && !error)
		error = -errno;
	if (!error && rename(losses->new_path, losses->path))
		error = -errno;
	if (error)
		unlink(losses->new_path);
	return error;
}

int losses_save(struct losses *losses, int64_t now_ns, uint64_t events, bool ended)
{
	struct buf text = {0};

	if (!ended && losses->saved && now_ns >= losses->saved_ns &&
	    now_ns - losses->saved_ns < STATE_INTERVAL_S * NS_PER_SEC)
		return 0;
	losses->saved = true;
	losses->saved_ns = now_ns;
	write_json(losses, now_ns, events, ended, &text);
	int error = replace(losses, &text);

	buf_free(&text);
	if (error && !losses->failing)
		log_error("cannot write %s: %s (said once, then counted)", losses->path,
			  strerror(-error));
	losses->failing = error != 0;
	if (error)
		counter_add(COUNTER_STATE_UNSAVED, 1);
	return error;
}
