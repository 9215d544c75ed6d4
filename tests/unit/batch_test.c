/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "source/batch.h"

static const volatile sig_atomic_t never = 0;

/* A file that is there as long as somebody has it open, by its name in /dev/fd. */
static const char *file_of(struct str content, int *fd)
{
	static char path[64];
	char name[] = "/tmp/lintel-batch-XXXXXX";

	*fd = mkstemp(name);
	assert_true(*fd >= 0);
	assert_int_equal(write(*fd, content.p, content.len), content.len);
	assert_int_equal(unlink(name), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	return path;
}

static struct buf numbered_lines(unsigned count, unsigned most)
{
	struct buf text = {0};
	unsigned random = 1;

	for (unsigned i = 0; i < count; i++) {
		random = random * 1664525 + 1013904223;
		for (unsigned n = (random >> 8) % most; n; n--)
			buf_add_char(&text, (char)('a' + (n + i) % 26));
		buf_printf(&text, "%u\n", i);
	}
	return text;
}

static void assert_whole_lines(const struct batch *batch)
{
	volatile char last = 0;

	assert_true(batch->last || batch->too_long ||
		    (batch->len && batch->bytes[batch->len - 1] == '\n'));
	for (size_t i = 0; i < EVENT_JSON_PADDING; i++)
		last = batch->bytes[batch->len + i];
	(void)last;
}

static void batches_of_a_file_hold_its_lines_whole(void **state)
{
	(void)state;
	struct buf text = numbered_lines(4000, 700), seen = {0}, sizes[2] = {{0}, {0}};
	struct batch_reader *reader;
	struct batch batch;
	int fd;

	batch_init(&batch);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(batch_open(&reader, file_of(buf_str(&text), &fd), INPUT_AUTO), 0);
		buf_reset(&seen);
		do {
			assert_int_equal(batch_read(reader, &batch), 0);
			assert_whole_lines(&batch);
			assert_true(batch.first == (seen.len == 0));
			assert_true(batch.len <= BATCH_BYTES);
			buf_add(&seen, (struct str){batch.bytes, batch.len});
			buf_printf(&sizes[round], "%zu ", batch.len);
		} while (!batch.last);
		assert_int_equal(batch.position, text.len);
		assert_int_equal(seen.len, text.len);
		assert_memory_equal(seen.p, text.p, text.len);
		batch_close(reader);
		close(fd);
	}
	/* Which thread reads when must make no difference. */
	assert_true(str_eq(buf_str(&sizes[0]), buf_str(&sizes[1])));
	batch_free(&batch);
	buf_free(&text);
	buf_free(&seen);
	buf_free(&sizes[0]);
	buf_free(&sizes[1]);
}

static void lines_are_numbered_through_blank_and_long_ones(void **state)
{
	(void)state;
	struct buf text = {0};
	struct batch_reader *reader;
	struct batch batch;
	struct buf seen = {0};
	uint64_t before = 0;
	int fd;

	buf_add(&text, STR("\xef\xbb\xbf"
			   "a\n\n \t\r\nb\r\n"));
	for (size_t i = 0; i <= EVENT_JSON_BYTES_MAX; i++)
		buf_add_char(&text, 'x');
	buf_add(&text, STR("\n\nc\n"));
	for (size_t i = 0; i < EVENT_JSON_BYTES_MAX; i++)
		buf_add_char(&text, 'y');
	buf_add(&text, STR("\nd"));
	batch_init(&batch);
	assert_int_equal(batch_open(&reader, file_of(buf_str(&text), &fd), INPUT_AUTO), 0);
	do {
		assert_int_equal(batch_read(reader, &batch), 0);
		assert_whole_lines(&batch);
		struct batch_lines lines = batch_lines(&batch);
		enum batch_line kind;
		struct str line;

		while ((kind = batch_next_line(&lines, &line)) != BATCH_END) {
			if (kind == BATCH_LINE_TOO_LONG)
				line = STR("too long");
			buf_printf(&seen, "%d:%.*s%s ", (int)(before + lines.number),
				   (int)(line.len < 10 ? line.len : 1), line.p,
				   kind == BATCH_LINE && !lines.ended ? "|" : "");
		}
		before += lines.number;
		batch_trim(&batch);
		assert_int_equal(batch.cap, BATCH_BYTES);
	} while (!batch.last);
	buf_add_char(&seen, '\0');
	assert_string_equal(seen.p, "1:a 4:b 5:too long 7:c 8:y 9:d| ");
	batch_close(reader);
	batch_free(&batch);
	buf_free(&text);
	buf_free(&seen);
	close(fd);
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void assert_batch(struct batch_reader *reader, struct batch *batch, const char *text)
{
	assert_int_equal(batch_read(reader, batch), 0);
	assert_int_equal(batch->len, strlen(text));
	assert_memory_equal(batch->bytes, text, batch->len);
}

static void a_live_pipe_gives_what_is_there(void **state)
{
	(void)state;
	struct batch_reader *reader;
	struct batch batch;
	char path[64];
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	batch_init(&batch);
	assert_int_equal(batch_open(&reader, path, INPUT_AUTO), 0);
	assert_int_equal(batch_read(reader, &batch), -EAGAIN);
	send_text(ends[1], "on");
	assert_int_equal(batch_read(reader, &batch), -EAGAIN);
	send_text(ends[1], "e\ntwo\nthr");
	assert_int_equal(batch_wait(reader, &never), 0);
	assert_batch(reader, &batch, "one\ntwo\n");
	assert_true(batch.first && !batch.last);
	assert_int_equal(batch_read(reader, &batch), -EAGAIN);
	assert_int_equal(batch_read(reader, &batch), -EAGAIN);
	send_text(ends[1], "ee\nfo");
	assert_batch(reader, &batch, "three\n");
	assert_true(!batch.first && !batch.last);
	close(ends[1]);
	assert_batch(reader, &batch, "fo");
	assert_true(batch.last && !batch.err);
	batch_close(reader);
	batch_free(&batch);
	close(ends[0]);
}

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void a_signal_ends_the_wait(void **state)
{
	(void)state;
	struct sigaction action = {.sa_handler = on_signal}, before;
	struct batch_reader *reader;
	char path[64];
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	assert_int_equal(batch_open(&reader, path, INPUT_AUTO), 0);
	sigaction(SIGALRM, &action, &before);
	/* One that came before the wait, then one in it. */
	raise(SIGALRM);
	assert_int_equal(batch_wait(reader, &stopped), -EINTR);
	stopped = 0;
	alarm(1);
	assert_int_equal(batch_wait(reader, &stopped), -EINTR);
	sigaction(SIGALRM, &before, NULL);
	batch_close(reader);
	close(ends[0]);
	close(ends[1]);
}

static void damage_comes_with_the_last_batch(void **state)
{
	(void)state;
	struct batch_reader *reader;
	struct batch batch;
	int fd;

	/* A gzip header, and nothing that deflate knows. */
	const char *path =
	    file_of(STR("\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff\xff\xff"), &fd);

	batch_init(&batch);
	assert_int_equal(batch_open(&reader, path, INPUT_AUTO), 0);
	assert_int_equal(batch_read(reader, &batch), 0);
	assert_true(batch.last && batch.err == -EBADMSG && batch.why);
	assert_int_equal(batch.len, 0);
	batch_close(reader);
	close(fd);
	assert_int_equal(batch_open(&reader, "/nonexistent/x", INPUT_AUTO), -ENOENT);
	batch_free(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(batches_of_a_file_hold_its_lines_whole),
	    cmocka_unit_test(lines_are_numbered_through_blank_and_long_ones),
	    cmocka_unit_test(a_live_pipe_gives_what_is_there),
	    cmocka_unit_test(a_signal_ends_the_wait),
	    cmocka_unit_test(damage_comes_with_the_last_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
