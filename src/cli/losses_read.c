/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_tree.h"
#include "base/log.h"
#include "cli/losses.h"

/* A file of all causes with all ranges has 130 kB. */
#define FILE_BYTES_MAX (1024 * 1024)

static int read_all(const char *path, struct buf *text)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX) {
		close(fd);
		return -EINVAL;
	}
	while (n > 0 && text->len <= FILE_BYTES_MAX) {
		n = read(fd, buf_reserve(text, 65536), 65536);
		if (n > 0)
			text->len += (size_t)n;
	}
	int error = n < 0 ? -errno : text->len > FILE_BYTES_MAX ? -EINVAL : 0;

	close(fd);
	return error;
}

static bool get_time(const struct tree_node *table, const char *key, int64_t *ns)
{
	const struct tree_node *node = tree_get_typed(table, key, TREE_STRING);

	return node && clock_parse(node->text, ns) == 0;
}

static bool get_count(const struct tree_node *table, const char *key, uint64_t *count)
{
	const struct tree_node *node = tree_get_typed(table, key, TREE_INT);

	if (!node || node->integer < 0)
		return false;
	*count = (uint64_t)node->integer;
	return true;
}

/* Causes of another version of lintel are passed over. */
static enum counter find_cause(struct str name)
{
	enum counter c = 0;

	while (c < COUNTER_COUNT && !str_eq(counter_name(c), name))
		c++;
	return c;
}

static bool take_loss(struct losses_report *report, const struct tree_node *node)
{
	const struct tree_node *cause = tree_get_typed(node, "cause", TREE_STRING);
	const struct tree_node *ranges = tree_get_typed(node, "ranges", TREE_ARRAY);
	enum counter c = cause ? find_cause(cause->text) : COUNTER_COUNT;
	uint64_t count;

	if (!cause || !ranges || !get_count(node, "count", &count))
		return false;
	if (c == COUNTER_COUNT)
		return true;
	struct loss *loss = &report->of[c];

	loss->count = count;
	loss->range_count = 0;
	for (uint32_t i = 0; i < ranges->kid_count && i < LOSS_RANGES_MAX; i++) {
		struct loss_range *range = &loss->ranges[loss->range_count++];

		if (!get_time(ranges->kids[i], "from", &range->from_ns) ||
		    !get_time(ranges->kids[i], "to", &range->to_ns))
			return false;
	}
	return true;
}

static bool take(struct losses_report *report, const struct tree_node *root)
{
	const struct tree_node *losses = tree_get_typed(root, "losses", TREE_ARRAY);
	const struct tree_node *ended = tree_get_typed(root, "ended", TREE_BOOL);
	uint64_t version;

	if (!losses || !ended || !get_count(root, "version", &version) || version != 1 ||
	    !get_time(root, "started", &report->started_ns) ||
	    !get_time(root, "saved", &report->saved_ns) ||
	    !get_count(root, "events", &report->events))
		return false;
	report->ended = ended->boolean;
	if (get_time(root, "unwatched_since", &report->unwatched.from_ns))
		report->unwatched.to_ns = report->started_ns;
	for (uint32_t i = 0; i < losses->kid_count; i++)
		if (!take_loss(report, losses->kids[i]))
			return false;
	return true;
}

void losses_read(struct losses_report *report, const char *path)
{
	struct tree_node *root = NULL;
	struct diag_list said;
	struct arena arena;
	struct buf text = {0};

	*report = (struct losses_report){0};
	report->error = read_all(path, &text);
	if (!report->error) {
		arena_init(&arena);
		diag_list_init(&said);
		report->error =
		    json_tree_read(&arena, buf_str(&text), str_from(path), 1, &said, &root);
		diag_list_print(&said, STDERR_FILENO);
		if (!report->error && !take(report, root)) {
			*report = (struct losses_report){.error = -EINVAL};
			log_warning("%s: not what a watch of this version writes; what was lost is "
				    "not known",
				    path);
		}
		diag_list_free(&said);
		arena_free(&arena);
	}
	buf_free(&text);
}
