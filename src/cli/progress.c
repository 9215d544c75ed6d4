/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress_internal.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

/* Often enough to look alive. */
#define SHOW_EVERY_NS (NS_PER_SEC / 4)

struct progress progress_start(void)
{
	return (struct progress){.enabled = isatty(STDERR_FILENO),
				 .started_ns = clock_monotonic_ns()};
}

double progress_seconds(const struct progress *progress)
{
	return (double)(clock_monotonic_ns() - progress->started_ns) / (double)NS_PER_SEC;
}

const char *progress_number(uint64_t n, char text[PROGRESS_NUMBER_MAX])
{
	char *p = text + PROGRESS_NUMBER_MAX - 1;
	int digits = 0;

	*p = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + n % 10);
		n /= 10;
		digits++;
	} while (n);
	return p;
}

static void put(const struct buf *line)
{
	int err = buf_write_fd(line, STDERR_FILENO);

	(void)err; /* a progress line that cannot be written is no loss */
}

void progress_clear(struct progress *progress)
{
	struct buf line = {0};

	if (!progress->shown)
		return;
	progress->shown = false;
	buf_add(&line, STR("\r\x1b[K"));
	put(&line);
	buf_free(&line);
}

static void add_share(struct buf *line, const struct ndjson_stats *stats, double seconds)
{
	double done = (double)stats->bytes_done, total = (double)stats->bytes_total;

	if (!stats->bytes_total) {
		buf_printf(line, "%.1f MB", done / 1e6);
		return;
	}
	buf_printf(line, "%3.0f %%  %.1f of %.1f MB", 100 * done / total, done / 1e6, total / 1e6);
	if (done > 0 && done < total) {
		uint64_t left = (uint64_t)(seconds * (total - done) / done + 0.5);

		buf_printf(line, "  %llu:%02llu left", (unsigned long long)left / 60,
			   (unsigned long long)left % 60);
	}
}

static void show(struct progress *progress, const struct ndjson_stats *stats, uint64_t alerts)
{
	double seconds = progress_seconds(progress);
	char rate[PROGRESS_NUMBER_MAX], found[PROGRESS_NUMBER_MAX];
	struct buf line = {0};

	buf_add(&line, STR("\r"));
	add_share(&line, stats, seconds);
	buf_printf(&line, "  %s events/s  %s alerts\x1b[K",
		   progress_number((uint64_t)((double)stats->events / seconds), rate),
		   progress_number(alerts, found));
	put(&line);
	buf_free(&line);
	progress->shown = true;
}

void progress_update(struct progress *progress, const struct ndjson_stats *stats, uint64_t alerts)
{
	if (!progress->enabled)
		return;
	int64_t now = clock_monotonic_ns();

	if (now - progress->shown_ns < SHOW_EVERY_NS)
		return;
	progress->shown_ns = now;
	show(progress, stats, alerts);
}
