/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/log.h"
#include "sink/sink_internal.h"

/* Different errors one sink has been seen with; writing knows about a dozen. */
#define CAUSES_MAX 16

struct sink {
	int fd;
	bool owned; /* close it */
	enum sink_format format;
	char *name; /* for messages */
	struct terminal *terminal;
	/* The last write stopped within a line: the next one begins with a newline. */
	bool broken_line;
	int causes[CAUSES_MAX]; /* errno values reported */
	uint32_t cause_count;
	uint64_t failed;
	struct buf out;
};

bool sink_wants_colour(int fd)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	/* https://no-color.org: set and not empty. */
	return isatty(fd) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

/* A run that was killed, or a disk that was full, may have left half a line. */
static bool ends_within_line(const char *path, int fd)
{
	struct stat ours, other;
	char last = '\n';

	if (fstat(fd, &ours) != 0 || !S_ISREG(ours.st_mode) || ours.st_size == 0)
		return false;
	int reading = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (reading < 0)
		return false;
	if (fstat(reading, &other) == 0 && other.st_ino == ours.st_ino &&
	    other.st_dev == ours.st_dev && pread(reading, &last, 1, ours.st_size - 1) != 1)
		last = '\n';
	close(reading);
	return last != '\n';
}

/* A reader that has gone (`| head`) is an error of write(2), not a reason to die. */
static void ignore_sigpipe(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

int sink_open(struct sink **out, enum sink_format format, const char *path, int colour)
{
	bool is_stdout = !path || strcmp(path, "-") == 0;
	int fd = STDOUT_FILENO;

	if (!is_stdout)
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return -errno;
	ignore_sigpipe();
	struct sink *sink = xcalloc(1, sizeof(*sink));

	*sink = (struct sink){.fd = fd,
			      .owned = !is_stdout,
			      .format = format,
			      .name = xstrdup(is_stdout ? "standard output" : path)};
	if (!is_stdout)
		sink->broken_line = ends_within_line(path, fd);
	if (format == SINK_TERMINAL)
		sink->terminal = terminal_new(colour >= 0 ? colour : sink_wants_colour(fd));
	*out = sink;
	return 0;
}

static void report(struct sink *sink, int error)
{
	sink->failed++;
	counter_add(COUNTER_OUTPUT_FAILED, 1);
	for (uint32_t i = 0; i < sink->cause_count; i++)
		if (sink->causes[i] == error)
			return;
	if (sink->cause_count < CAUSES_MAX)
		sink->causes[sink->cause_count++] = error;
	/* Whoever closed the pipe knows, and the summary counts what was not written. */
	if (error != EPIPE)
		log_error("cannot write to %s: %s (said once, then counted)", sink->name,
			  strerror(error));
}

/* Write it all; returns bytes written, and the reason in *error if those are not all. */
static size_t write_all(int fd, struct str s, int *error)
{
	size_t at = 0;

	*error = 0;
	while (at < s.len) {
		ssize_t n = write(fd, s.p + at, s.len - at);

		if (n > 0) {
			at += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			/* A terminal or pipe another program made non-blocking. */
			struct pollfd wait = {.fd = fd, .events = POLLOUT};

			if (poll(&wait, 1, -1) < 0 && errno != EINTR)
				break;
		} else if (n == 0 || errno != EINTR) {
			break;
		}
	}
	if (at < s.len)
		*error = errno ? errno : EIO;
	return at;
}

/* What is in sink->out, which ends in a newline. */
static int flush(struct sink *sink)
{
	struct str s = buf_str(&sink->out);
	int error;

	errno = 0;
	if (sink->broken_line && write_all(sink->fd, STR("\n"), &error) != 1) {
		report(sink, error);
		return -error;
	}
	sink->broken_line = false;
	size_t written = write_all(sink->fd, s, &error);

	if (written == s.len)
		return 0;
	sink->broken_line = written > 0 && s.p[written - 1] != '\n';
	report(sink, error);
	return -error;
}

int sink_write(struct sink *sink, const struct alert *alert)
{
	buf_reset(&sink->out);
	if (sink->format == SINK_TERMINAL) {
		terminal_write(sink->terminal, alert, &sink->out);
	} else {
		alert_write_json(alert, &sink->out);
		buf_add_char(&sink->out, '\n');
	}
	return flush(sink);
}

int sink_write_line(struct sink *sink, struct str json)
{
	buf_reset(&sink->out);
	buf_add(&sink->out, json);
	buf_add_char(&sink->out, '\n');
	return flush(sink);
}

int sink_fd(const struct sink *sink)
{
	return sink->fd;
}

void sink_close(struct sink *sink)
{
	if (!sink)
		return;
	if (sink->owned && close(sink->fd) != 0)
		report(sink, errno);
	if (sink->failed)
		log_warning("%llu could not be written to %s", (unsigned long long)sink->failed,
			    sink->name);
	terminal_free(sink->terminal);
	buf_free(&sink->out);
	free(sink->name);
	free(sink);
}
