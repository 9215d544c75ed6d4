/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/log.h"
#include "source/ndjson.h"

/* A directory for the test's files, and what a source said on stderr about them. */
struct fixture {
	char directory[64];
	struct buf said;
	struct buf seen; /* the lines, each with '\n' */
	int errors;      /* returns below 0 */
	struct ndjson_stats stats;
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	snprintf(f->directory, sizeof(f->directory), "/tmp/lintel-ndjson-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	*state = f;
	return 0;
}

static void remove_tree(const char *path)
{
	DIR *directory = opendir(path);

	for (struct dirent *e; directory && (e = readdir(directory));) {
		char child[512];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(child, sizeof(child), "%s/%.255s", path, e->d_name);
		if (unlink(child))
			remove_tree(child);
	}
	if (directory)
		closedir(directory);
	rmdir(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	remove_tree(f->directory);
	buf_free(&f->said);
	buf_free(&f->seen);
	free(f);
	return 0;
}

static const char *path_of(struct fixture *f, const char *name)
{
	static char path[16][160];
	static unsigned turn;
	char *p = path[turn++ % 16];

	snprintf(p, sizeof(path[0]), "%s/%s", f->directory, name);
	return p;
}

static const char *put(struct fixture *f, const char *name, struct str content)
{
	const char *path = path_of(f, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(content.p, 1, content.len, file), content.len);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* Runs `body` with stderr going to a file, whose content becomes f->said. */
static void with_stderr(struct fixture *f,
			void (*body)(struct fixture *, const char *const *, uint32_t),
			const char *const *inputs, uint32_t count)
{
	const char *path = path_of(f, "stderr");
	int saved = dup(2), fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
	char chunk[4096];
	ssize_t n;

	dup2(fd, 2);
	body(f, inputs, count);
	dup2(saved, 2);
	close(saved);
	lseek(fd, 0, SEEK_SET);
	buf_reset(&f->said);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&f->said, (struct str){chunk, (size_t)n});
	close(fd);
	unlink(path);
}

static void read_lines(struct fixture *f, const char *const *inputs, uint32_t count)
{
	struct ndjson_source *source;
	struct str line;
	int more;

	buf_reset(&f->seen);
	f->errors = 0;
	assert_int_equal(ndjson_open(&source, inputs, count), 0);
	while ((more = ndjson_next_line(source, &line)) != 0) {
		if (more < 0) {
			f->errors++;
			continue;
		}
		volatile char last = 0;

		for (size_t i = 0; i < EVENT_JSON_PADDING; i++)
			last = line.p[line.len + i];
		(void)last;
		buf_add(&f->seen, line);
		buf_add_char(&f->seen, '\n');
	}
	f->stats = *ndjson_stats(source);
	ndjson_close(source);
}

static void read_events(struct fixture *f, const char *const *inputs, uint32_t count)
{
	struct field_set *fields = field_set_new();
	uint32_t x = (uint32_t)field_set_demand(fields, STR("x"));
	struct event_reader *reader = event_reader_new(fields, NULL);
	struct ndjson_source *source;
	struct event event;
	int more;

	buf_reset(&f->seen);
	f->errors = 0;
	event_init(&event, fields);
	assert_int_equal(ndjson_open(&source, inputs, count), 0);
	while ((more = ndjson_next_event(source, reader, &event)) != 0) {
		if (more < 0)
			f->errors++;
		else
			buf_printf(&f->seen, "%d\n", (int)event_get(&event, x)->integer);
	}
	f->stats = *ndjson_stats(source);
	ndjson_close(source);
	event_free(&event);
	event_reader_free(reader);
	field_set_free(fields);
}

static void lines_of(struct fixture *f, const char *path)
{
	with_stderr(f, read_lines, &path, 1);
}

static void events_of(struct fixture *f, const char *path)
{
	with_stderr(f, read_events, &path, 1);
}

static void assert_seen(struct fixture *f, const char *text)
{
	buf_add_char(&f->seen, '\0');
	assert_string_equal(f->seen.p, text);
	f->seen.len--;
}

static void assert_said(struct fixture *f, const char *part)
{
	if (str_find(buf_str(&f->said), str_from(part), 0) == SIZE_MAX)
		fail_msg("\"%s\" is not in: %.*s", part, STR_ARG(buf_str(&f->said)));
}

static struct buf gzipped(struct str text)
{
	struct buf out = {0};
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)text.p;
	z.avail_in = (unsigned)text.len;
	size_t room = deflateBound(&z, text.len);

	z.next_out = (unsigned char *)buf_reserve(&out, room);
	z.avail_out = (unsigned)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}

static struct buf zstd_coded(struct str text)
{
	struct buf out = {0};
	size_t room = ZSTD_compressBound(text.len);

	ZSTD_CCtx *context = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	out.len = ZSTD_compress2(context, buf_reserve(&out, room), room, text.p, text.len);
	assert_false(ZSTD_isError(out.len));
	ZSTD_freeCCtx(context);
	return out;
}

static void splits_lines_as_tools_write_them(void **state)
{
	struct fixture *f = *state;

	lines_of(f,
		 put(f, "a", STR("\xef\xbb\xbf{\"a\":1}\r\n\n  \t\n\r\n {\"b\":2} \n{\"c\":3}")));
	assert_seen(f, "{\"a\":1}\n {\"b\":2} \n{\"c\":3}\n");
	assert_int_equal(f->stats.lines, 3);
	assert_int_equal(f->stats.files, 1);
	assert_int_equal(f->said.len, 0);
	assert_true(f->stats.bytes_done == f->stats.bytes_total && f->stats.bytes_total > 0);
	lines_of(f, put(f, "b", STR("")));
	assert_seen(f, "");
	lines_of(f, put(f, "c", STR("\n")));
	assert_seen(f, "");
	lines_of(f, put(f, "d", STR("a\0b\n")));
	assert_int_equal(f->seen.len, 4);
}

/* Many lines of every length around the buffer's size. */
static void keeps_lines_whole_across_buffers(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};

	for (unsigned i = 0; i < 3000; i++) {
		for (unsigned n = i * 7919 % 700; n; n--)
			buf_add_char(&text, (char)('a' + (n + i) % 26));
		buf_printf(&text, "%u\n", i);
	}
	for (unsigned n = 0; n < 3000000; n++)
		buf_add_char(&text, 'x');
	buf_add(&text, STR("\nend\n"));
	lines_of(f, put(f, "plain", buf_str(&text)));
	assert_int_equal(f->seen.len, text.len);
	assert_memory_equal(f->seen.p, text.p, text.len);
	struct buf gz = gzipped(buf_str(&text));

	lines_of(f, put(f, "misnamed.txt", buf_str(&gz)));
	assert_int_equal(f->seen.len, text.len);
	assert_memory_equal(f->seen.p, text.p, text.len);
	assert_int_equal(f->stats.bytes_done, gz.len);
	struct buf zst = zstd_coded(buf_str(&text));

	lines_of(f, put(f, "misnamed.gz", buf_str(&zst)));
	assert_int_equal(f->seen.len, text.len);
	assert_memory_equal(f->seen.p, text.p, text.len);
	assert_int_equal(f->said.len, 0);
	buf_free(&gz);
	buf_free(&zst);
	buf_free(&text);
}

static void joins_members_and_frames(void **state)
{
	struct fixture *f = *state;
	struct buf (*const coders[])(struct str) = {gzipped, zstd_coded};

	for (size_t i = 0; i < 2; i++) {
		struct buf all = coders[i](STR("one\ntw"));
		struct buf empty = coders[i](STR(""));
		struct buf second = coders[i](STR("o\nthree\n"));

		buf_add(&all, buf_str(&empty));
		buf_add(&all, buf_str(&second));
		if (i == 0)
			buf_add(&all, (struct str){"\0\0\0\0", 4});
		lines_of(f, put(f, "a", buf_str(&all)));
		assert_seen(f, "one\ntwo\nthree\n");
		assert_int_equal(f->errors, 0);
		assert_int_equal(f->said.len, 0);
		buf_free(&all);
		buf_free(&empty);
		buf_free(&second);
	}
}

static void gives_what_was_read_before_damage(void **state)
{
	struct fixture *f = *state;
	struct buf (*const coders[])(struct str) = {gzipped, zstd_coded};
	struct buf text = {0};

	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&text, "{\"x\":%u,\"y\":%u}\n", i, i * 2654435761u);
	for (size_t i = 0; i < 2; i++) {
		uint64_t before = counter_get(COUNTER_INPUT_UNREADABLE);
		struct buf coded = coders[i](buf_str(&text));

		lines_of(f, put(f, "cut", (struct str){coded.p, coded.len / 2}));
		assert_int_equal(f->errors, 1);
		assert_said(f, "/cut: compressed data is cut off");
		assert_true(f->seen.len > text.len / 4 && f->seen.len < text.len);
		assert_memory_equal(f->seen.p, text.p, f->seen.len - 1);
		memset(coded.p + coded.len / 2, 0xff, 64);
		const char *inputs[] = {put(f, "bad", buf_str(&coded)),
					put(f, "good", STR("good\n"))};

		with_stderr(f, read_lines, inputs, 2);
		assert_int_equal(f->errors, 1);
		assert_said(f, "/bad: compressed data is damaged");
		assert_true(str_ends(buf_str(&f->seen), STR("\ngood\n")));
		assert_int_equal(counter_get(COUNTER_INPUT_UNREADABLE) - before, 2);
		buf_free(&coded);
	}
	buf_free(&text);
}

static void reports_malformed_lines_a_few_times(void **state)
{
	struct fixture *f = *state;
	uint64_t before = counter_get(COUNTER_INPUT_MALFORMED);

	events_of(f, put(f, "a",
			 STR("{\"x\":1}\nbad\n{\"x\":2}\n{}}\n[]\n\"\\\n{\"x\":3}\n\xff\n\x01\n"
			     "\x80\n1\n{\"x\":4}\n")));
	assert_seen(f, "1\n2\n3\n4\n");
	assert_int_equal(f->stats.malformed, 8);
	assert_int_equal(f->stats.events, 4);
	assert_int_equal(f->stats.lines, 12);
	assert_int_equal(counter_get(COUNTER_INPUT_MALFORMED) - before, 8);
	assert_said(f, "/a:2: not a JSON object: not an object\n");
	assert_said(f, "/a:8: not a JSON object: invalid UTF-8\n");
	assert_said(f, "... and 3 more malformed lines in ");
	size_t lines = 0;

	for (size_t i = 0; i < f->said.len; i++)
		lines += f->said.p[i] == '\n';
	assert_int_equal(lines, 6);
}

static void counts_a_cut_last_line(void **state)
{
	struct fixture *f = *state;
	uint64_t malformed = counter_get(COUNTER_INPUT_MALFORMED);
	uint64_t truncated = counter_get(COUNTER_INPUT_TRUNCATED);

	events_of(f, put(f, "a", STR("{\"x\":1}\n{\"x\":2}")));
	assert_seen(f, "1\n2\n");
	assert_int_equal(f->said.len, 0);
	events_of(f, put(f, "b", STR("{\"x\":1}\n{\"x\":")));
	assert_seen(f, "1\n");
	assert_said(f, "/b:2: last line is cut off: ");
	assert_int_equal(counter_get(COUNTER_INPUT_MALFORMED), malformed);
	assert_int_equal(counter_get(COUNTER_INPUT_TRUNCATED), truncated + 1);
}

static void goes_on_behind_deep_and_binary_lines(void **state)
{
	struct fixture *f = *state;
	uint64_t deep = counter_get(COUNTER_INPUT_TOO_DEEP);
	struct buf text = {0};
	uint32_t random = 1;

	for (int i = 0; i < 10000; i++)
		buf_add(&text, STR("{\"x\":"));
	buf_add_char(&text, '1');
	for (int i = 0; i < 10000; i++)
		buf_add_char(&text, '}');
	buf_add(&text, STR("\n{\"x\":1}\n"));
	for (int i = 0; i < 1000000; i++) {
		random = random * 1664525 + 1013904223;
		buf_add_char(&text, (char)(random >> 24));
	}
	buf_add(&text, STR("\n{\"x\":2}\n{\"x\":123456789012345678901234567890,\"x\":3}\n"));
	events_of(f, put(f, "a", buf_str(&text)));
	assert_true(str_starts(buf_str(&f->seen), STR("1\n2\n")));
	assert_int_equal(f->stats.events, 3);
	assert_int_equal(counter_get(COUNTER_INPUT_TOO_DEEP), deep + 1);
	assert_said(f, "/a:1: line skipped: nested too deep\n");
	assert_said(f, " more malformed lines in ");
	buf_free(&text);
}

static long peak_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* A line of 100 MB, plain and as a small compressed file, costs the buffer of the longest line. */
static void skips_a_giant_line_in_bounded_memory(void **state)
{
	struct fixture *f = *state;
	uint64_t before = counter_get(COUNTER_INPUT_TOO_LONG);
	size_t giant = 100 * 1000 * 1000;
	const char *path = put(f, "giant", STR("{\"x\":1}\n{\"x\":\""));
	static char block[1000 * 1000];

	memset(block, 'y', sizeof(block));
	FILE *file = fopen(path, "a");
	gzFile gz = gzopen(path_of(f, "giant.gz"), "w1");

	for (size_t n = 0; n < giant; n += sizeof(block)) {
		fwrite(block, 1, sizeof(block), file);
		gzwrite(gz, block, sizeof(block));
	}
	fputs("\"}\n{\"x\":2}\n", file);
	fclose(file);
	gzputs(gz, "\n{\"x\":3}\n");
	gzclose(gz);
	long peak = peak_kb();
	const char *inputs[] = {path, path_of(f, "giant.gz")};

	with_stderr(f, read_events, inputs, 2);
	assert_seen(f, "1\n2\n3\n");
	assert_int_equal(counter_get(COUNTER_INPUT_TOO_LONG) - before, 2);
	assert_said(f, "/giant:2: line skipped: longer than the limit\n");
#ifndef __SANITIZE_ADDRESS__
	/* While it grows, the old and the new buffer are there together. */
	assert_true(peak_kb() - peak < (long)(EVENT_JSON_BYTES_MAX * 5 / 2 / 1024));
#else
	(void)peak;
#endif
	/* Too long without an end. */
	assert_int_equal(truncate(path, 50 * 1000 * 1000), 0);
	events_of(f, path);
	assert_seen(f, "1\n");
	assert_int_equal(counter_get(COUNTER_INPUT_TOO_LONG) - before, 3);
}

static void walks_directories_in_order(void **state)
{
	struct fixture *f = *state;

	mkdir(path_of(f, "d"), 0700);
	mkdir(path_of(f, "d/sub.json"), 0700);
	put(f, "d/b.ndjson", STR("b\n"));
	put(f, "d/a.jsonl", STR("a\n"));
	put(f, "d/c.txt", STR("no\n"));
	put(f, "d/sub.json/x.json.gz", STR("x\n"));
	put(f, "d/z.log", STR("z\n"));
	assert_int_equal(symlink("..", path_of(f, "d/up.json")), 0);
	assert_int_equal(symlink("/nowhere", path_of(f, "d/gone.json")), 0);
	assert_int_equal(symlink("z.log", path_of(f, "d/y.log")), 0);
	const char *inputs[] = {path_of(f, "d/"), path_of(f, "d/c.txt")};

	with_stderr(f, read_lines, inputs, 2);
	/* Through the link, and not once more. */
	assert_seen(f, "a\nb\nx\nz\nno\n");
	assert_int_equal(f->stats.files, 5);
	assert_int_equal(f->stats.bytes_total, 11);
}

static void needs_one_descriptor(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small = {16, 16};

	mkdir(path_of(f, "many"), 0700);
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "many/%03d", i);
		mkdir(path_of(f, name), 0700);
		snprintf(name, sizeof(name), "many/%03d/a.log", i);
		put(f, name, STR("line\n"));
	}
	getrlimit(RLIMIT_NOFILE, &old);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	lines_of(f, path_of(f, "many"));
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(f->stats.lines, 100);
	assert_int_equal(f->errors, 0);
}

static void open_wrong_path(struct fixture *f, const char *const *inputs, uint32_t count)
{
	struct ndjson_source *source;

	f->errors = ndjson_open(&source, inputs, count);
}

static void read_wrong_and_right_path(struct fixture *f, const char *const *inputs, uint32_t count)
{
	struct ndjson_source *source;
	struct str line;

	assert_int_equal(ndjson_open(&source, inputs, count), 0);
	f->errors = ndjson_next_line(source, &line) == 1 ? ndjson_next_line(source, &line) : -EIO;
	f->stats = *ndjson_stats(source);
	ndjson_close(source);
}

static void names_inputs_that_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	const char *inputs[] = {path_of(f, "missing"), path_of(f, "missing")};

	with_stderr(f, open_wrong_path, inputs, 2);
	assert_int_equal(f->errors, -ENOENT);
	assert_said(f, "/missing: No such file or directory");
	/* Among others it is left out. */
	const char *some[] = {path_of(f, "missing"), put(f, "here.json", STR("here\n"))};
	uint64_t unreadable = counter_get(COUNTER_INPUT_UNREADABLE);

	with_stderr(f, read_wrong_and_right_path, some, 2);
	assert_said(f, "/missing: No such file or directory");
	assert_int_equal(f->errors, 0);
	assert_int_equal(f->stats.lines, 1);
	assert_int_equal(counter_get(COUNTER_INPUT_UNREADABLE), unreadable + 1);
	/* A directory below which one file went away between listing and reading. */
	const char *gone = put(f, "gone.json", STR("gone\n"));
	const char *both[] = {gone, put(f, "there.json", STR("there\n"))};
	struct ndjson_source *source;
	struct str line;

	assert_int_equal(ndjson_open(&source, both, 2), 0);
	unlink(gone);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(ndjson_next_line(source, &line), -ENOENT);
	log_set_level(LOG_LEVEL_INFO);
	assert_int_equal(ndjson_next_line(source, &line), 1);
	assert_true(str_eq(line, STR("there")));
	assert_int_equal(ndjson_next_line(source, &line), 0);
	assert_int_equal(ndjson_next_line(source, &line), 0);
	ndjson_close(source);
}

static void reads_pipes_that_drip(void **state)
{
	struct fixture *f = *state;
	struct buf gz = gzipped(STR("{\"x\":1}\n{\"x\":2}\n"));
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();

	if (child == 0) {
		close(ends[0]);
		for (size_t i = 0; i < gz.len; i++)
			if (write(ends[1], gz.p + i, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	int saved = dup(0);

	dup2(ends[0], 0);
	close(ends[0]);
	events_of(f, "-");
	dup2(saved, 0);
	close(saved);
	assert_seen(f, "1\n2\n");
	assert_int_equal(f->stats.bytes_total, 0);
	buf_free(&gz);
}

#define SOURCE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SOURCE_TEST(splits_lines_as_tools_write_them),
	    SOURCE_TEST(keeps_lines_whole_across_buffers),
	    SOURCE_TEST(joins_members_and_frames),
	    SOURCE_TEST(gives_what_was_read_before_damage),
	    SOURCE_TEST(reports_malformed_lines_a_few_times),
	    SOURCE_TEST(counts_a_cut_last_line),
	    SOURCE_TEST(goes_on_behind_deep_and_binary_lines),
	    SOURCE_TEST(skips_a_giant_line_in_bounded_memory),
	    SOURCE_TEST(walks_directories_in_order),
	    SOURCE_TEST(needs_one_descriptor),
	    SOURCE_TEST(names_inputs_that_cannot_be_read),
	    SOURCE_TEST(reads_pipes_that_drip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
