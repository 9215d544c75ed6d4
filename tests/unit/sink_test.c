/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/counter.h"
#include "sink/sink.h"

static struct rule_technique technique = {.id = STR("T1574.006"),
					  .name = STR("Dynamic Linker Hijacking")};
static struct rule_threat threats[2] = {{.framework = STR("MITRE ATT&CK"),
					 .tactic_id = STR("TA0003"),
					 .tactic_name = STR("Persistence"),
					 .techniques = &technique,
					 .technique_count = 1},
					{.framework = STR("MITRE ATT&CK"),
					 .tactic_id = STR("TA0005"),
					 .tactic_name = STR("Defense Evasion"),
					 .techniques = &technique,
					 .technique_count = 1}};
static const struct rule rule = {.id = STR("rule-1"),
				 .name = STR("Preload \033[31mcreated"),
				 .severity = SEVERITY_HIGH,
				 .risk_score = 73,
				 .threats = threats,
				 .threat_count = 2};

struct fixture {
	char path[32];
	struct field_set *fields;
	struct event event;
	const struct event *events[1];
	struct alert alert;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	strcpy(f->path, "/tmp/lintel-sink-XXXXXX");
	fd = mkstemp(f->path);
	if (fd < 0)
		return -1;
	close(fd);
	f->fields = field_set_new();
	event_init(&f->event, f->fields);
	f->events[0] = &f->event;
	f->event.time_ns = 1767582000248 * NS_PER_MS;
	event_set_str(&f->event, FIELD_EVENT_ID, STR("e-1"));
	event_set_str(&f->event, FIELD_EVENT_CATEGORY, STR("file"));
	event_set_str(&f->event, FIELD_EVENT_ACTION, STR("creation"));
	event_set_str(&f->event, FIELD_FILE_PATH, STR("/etc/ld.so.preload"));
	event_set_str(&f->event, FIELD_PROCESS_NAME, STR("vim"));
	event_set_str(&f->event, FIELD_PROCESS_ARGS, STR("vim\007"));
	event_set_int(&f->event, FIELD_PROCESS_PID, 123);
	event_set_str(&f->event, FIELD_PROCESS_PARENT_NAME, STR("bash"));
	alert_from_finding(&f->alert, &(struct finding){.rule = &rule, .event_count = 1},
			   f->events);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	event_free(&f->event);
	field_set_free(f->fields);
	free(f);
	return 0;
}

static struct str content(const struct fixture *f)
{
	static char text[65536];
	FILE *file = fopen(f->path, "r");

	assert_non_null(file);
	size_t n = fread(text, 1, sizeof(text) - 1, file);

	fclose(file);
	text[n] = '\0';
	return (struct str){text, n};
}

static void lines_are_appended(void **state)
{
	struct fixture *f = *state;
	struct sink *sink;
	struct stat st;

	unlink(f->path);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sink_open(&sink, SINK_NDJSON, f->path, -1), 0);
		assert_int_equal(sink_write_line(sink, STR("{\"n\":1}")), 0);
		/* Flushed: it is there before the sink is closed. */
		assert_int_equal(content(f).len, (size_t)(i + 1) * 8);
		sink_close(sink);
	}
	assert_string_equal(content(f).p, "{\"n\":1}\n{\"n\":1}\n");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(sink_open(&sink, SINK_NDJSON, "/nowhere/at/all", -1), -ENOENT);
}

static void alert_is_one_line_of_json(void **state)
{
	struct fixture *f = *state;
	struct sink *sink;

	assert_int_equal(sink_open(&sink, SINK_NDJSON, f->path, -1), 0);
	assert_int_equal(sink_write(sink, &f->alert), 0);
	sink_close(sink);
	struct str text = content(f);

	assert_int_equal(text.p[0], '{');
	assert_ptr_equal(memchr(text.p, '\n', text.len), text.p + text.len - 1);
	assert_true(str_find(text, str_from(f->alert.id), 0) != SIZE_MAX);
}

static void terminal_block_is_readable(void **state)
{
	struct fixture *f = *state;
	struct sink *sink;
	char expected[1024];

	assert_int_equal(sink_open(&sink, SINK_TERMINAL, f->path, -1), 0);
	assert_int_equal(sink_write(sink, &f->alert), 0);
	f->alert.ancestors =
	    STR("[{\"pid\":123,\"name\":\"vim\",\"args\":[\"vim\",\"a}\\\"b\"],\"user\":{\"name\":"
		"\"root\"}},{\"pid\":100,\"name\":\"bash\",\"executable\":\"/bin/bash\"}]");
	f->alert.withheld = 2;
	assert_int_equal(sink_write(sink, &f->alert), 0);
	sink_close(sink);
	snprintf(expected, sizeof(expected),
		 "2026-01-05T03:00:00.248Z  HIGH  Preload \\x1b[31mcreated  (risk 73)\n"
		 "    vim (pid 123) created /etc/ld.so.preload\n"
		 "    technique  T1574.006 Dynamic Linker Hijacking\n"
		 "    process    bash\n"
		 "               └ vim (pid 123)  vim\\x07\n"
		 "    file       /etc/ld.so.preload\n"
		 "    event      e-1  rule rule-1  alert %s\n"
		 "\n",
		 f->alert.id);
	struct str text = content(f);

	assert_true(str_starts(text, str_from(expected)));
	assert_true(str_find(text,
			     STR("    process    bash (pid 100)  /bin/bash\n"
				 "               └ vim (pid 123, root)  vim a}\"b\n"),
			     0) != SIZE_MAX);
	assert_true(str_find(text, STR("    withheld   2 earlier alerts"), 0) != SIZE_MAX);
	assert_null(memchr(text.p, '\033', text.len));
}

static void colour_only_where_wanted(void **state)
{
	struct fixture *f = *state;
	struct sink *sink;

	assert_int_equal(sink_open(&sink, SINK_TERMINAL, f->path, 1), 0);
	assert_int_equal(sink_write(sink, &f->alert), 0);
	sink_close(sink);
	assert_true(str_find(content(f), STR("\033[31mHIGH\033[0m"), 0) != SIZE_MAX);
}

static void full_disk_is_counted_and_survived(void **state)
{
	struct fixture *f = *state;
	uint64_t counted = counter_get(COUNTER_OUTPUT_FAILED);
	struct sink *sink;

	assert_int_equal(sink_open(&sink, SINK_NDJSON, "/dev/full", -1), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sink_write(sink, &f->alert), -ENOSPC);
	sink_close(sink);
	assert_int_equal(counter_get(COUNTER_OUTPUT_FAILED) - counted, 3);
}

/* A file size limit cuts a write short, as a disk does that fills up in the middle of a line. */
static void half_a_line_is_never_glued(void **state)
{
	struct fixture *f = *state;
	struct rlimit unlimited, limit;
	struct sink *sink;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	limit = unlimited;
	limit.rlim_cur = 12;
	assert_int_equal(sink_open(&sink, SINK_NDJSON, f->path, -1), 0);
	assert_int_equal(sink_write_line(sink, STR("{\"n\":1}")), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(sink_write_line(sink, STR("{\"n\":2}")), -EFBIG);
	assert_int_equal(sink_write_line(sink, STR("{\"n\":3}")), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	assert_int_equal(sink_write_line(sink, STR("{\"n\":4}")), 0);
	sink_close(sink);
	assert_string_equal(content(f).p, "{\"n\":1}\n{\"n\"\n{\"n\":4}\n");

	/* Half a line of an earlier run. */
	FILE *file = fopen(f->path, "w");

	fputs("{\"n\":", file);
	fclose(file);
	assert_int_equal(sink_open(&sink, SINK_NDJSON, f->path, -1), 0);
	assert_int_equal(sink_write_line(sink, STR("{\"n\":5}")), 0);
	sink_close(sink);
	assert_string_equal(content(f).p, "{\"n\":\n{\"n\":5}\n");
}

static void closed_pipe_is_an_error_not_a_signal(void **state)
{
	struct fixture *f = *state;
	struct sink *sink;
	char path[32];
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	assert_int_equal(sink_open(&sink, SINK_NDJSON, path, -1), 0);
	close(ends[0]);
	assert_int_equal(sink_write(sink, &f->alert), -EPIPE);
	sink_close(sink);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(lines_are_appended, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(alert_is_one_line_of_json, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(terminal_block_is_readable, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(colour_only_where_wanted, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(full_disk_is_counted_and_survived, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(half_a_line_is_never_glued, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(closed_pipe_is_an_error_not_a_signal, set_up,
					    tear_down),
	};

	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
