/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of audit logs into ECS events. tests/conformance/audit has whole logs; here is what is at the
 * edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/counter.h"
#include "event/json.h"
#include "source/audit.h"
#include "source/audit_record_internal.h"

/* A SYSCALL record. */
#define CALL_BY(stamp, call, outcome, args, ids)                                                 \
	"type=SYSCALL msg=audit(" stamp "): arch=c000003e syscall=" call " " outcome " " args    \
	" items=1 " ids " auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 " \
	"sgid=1000 fsgid=1000 tty=(none) ses=3 comm=\"x\" exe=\"/bin/x\" key=(null)\n"
#define CALL(call, outcome, args) CALL_BY("1.000:1", call, outcome, args, "ppid=1 pid=70")
#define PATH(rest) "type=PATH msg=audit(1.000:1): " rest "\n"
#define CWD(directory) "type=CWD msg=audit(1.000:1): cwd=\"" directory "\"\n"
#define SOCKADDR(hex) "type=SOCKADDR msg=audit(1.000:1): saddr=" hex "\n"
#define ZEROS "a0=0 a1=0 a2=0 a3=0"
#define GOOD "success=yes exit=0"

static struct audit_reader *reader_of(enum input_format format)
{
	return audit_reader_new(
	    &(struct audit_reader_options){.format = format, .origin = STR("x/audit.log")});
}

static void feed(struct audit_reader *reader, const char *log, struct buf *out)
{
	while (*log) {
		size_t n = strcspn(log, "\n");

		assert_null(audit_reader_line(reader, (struct str){log, n}, out));
		log += n + (log[n] == '\n');
	}
}

/* The lines of JSON that come of a log. */
static char *events_of(enum input_format format, const char *log)
{
	struct audit_reader *reader = reader_of(format);
	struct buf out = {0};

	feed(reader, log, &out);
	assert_false(audit_reader_run(reader, true, &out));
	audit_reader_free(reader);
	buf_add_char(&out, '\0');
	return out.p;
}

static void assert_has(const char *json, const char *part)
{
	bool wanted = part[0] != '!';

	if ((strstr(json, part + !wanted) != NULL) == wanted)
		return;
	print_error("%s in\n%s", part, json);
	fail();
}

/* A log of one event, and texts that its JSON has, or, behind a '!', has not. */
static const struct {
	const char *log;
	const char *has[4];
} cases[] = {
    /* a thread is no event */
    {CALL("56", "success=yes exit=71", "a0=3d0f00 a1=0 a2=0 a3=0"), {"!fork"}},
    {CALL("56", "success=yes exit=71", "a0=1200011 a1=0 a2=0 a3=0"),
     {"\"action\":\"fork\"", "\"pid\":71", "\"executable\":\"/bin/x\""}},
    /* the number of execve in 32 bits; no PATH record */
    {"type=SYSCALL msg=audit(1.000:1): arch=40000003 syscall=11 success=yes exit=0 a0=0 a1=0 a2=0 "
     "a3=0 items=0 ppid=1 pid=70 uid=0 gid=0 euid=0 egid=0 comm=\"x\" exe=\"/bin/x\"\n",
     {"[\"exec\",\"executed\"]", "process.executable: no PATH record", "no EXECVE record"}},
    /* a call that is in no table, of a machine that is in none */
    {"type=SYSCALL msg=audit(1.000:1): arch=1 syscall=999 success=yes exit=0 pid=70 ppid=1\n",
     {"\"action\":\"call_999\"", "[\"process\"]", "[\"info\"]"}},
    /* names from a descriptor, and with dots */
    {CALL("263", GOOD, "a0=5 a1=0 a2=0 a3=0") CWD("/here")
	 PATH("item=1 name=\"a/b\" nametype=DELETE mode=0100644"),
     {"\"path\":\"a/b\"", "file.path: relative to a directory", "!/here/a"}},
    {CALL("263", GOOD, "a0=ffffffffffffff9c a1=0 a2=0 a3=0") CWD("/here")
	 PATH("item=1 name=\"a//./b\" nametype=DELETE mode=0100644"),
     {"\"path\":\"/here/a/b\"", "!file.path: relative", "!symbolic"}},
    {CALL("87", GOOD, ZEROS) CWD("/here/there")
	 PATH("item=1 name=\"../b\" nametype=DELETE mode=0100644"),
     {"\"path\":\"/here/b\"", "file.path: symbolic links"}},
    /* a device that is opened for writing is not modified, a file is */
    {CALL("2", "success=yes exit=3", "a0=0 a1=1 a2=0 a3=0")
	 PATH("item=0 name=\"/dev/null\" nametype=NORMAL mode=020666"),
     {"[\"open\",\"opened-file\"]", "!modification"}},
    {CALL("2", "success=yes exit=3", "a0=0 a1=1 a2=0 a3=0")
	 PATH("item=0 name=\"/f\" nametype=NORMAL mode=0100666"),
     {"[\"modification\",\"opened-file\"]", "\"change\":\"content\"", "opened for writing"}},
    {CALL("2", "success=no exit=-13", "a0=0 a1=1 a2=0 a3=0")
	 PATH("item=0 name=\"/f\" nametype=NORMAL mode=0100666"),
     {"\"action\":\"opened-file\"", "[\"info\"]", "\"outcome\":\"failure\"", "!modification"}},
    /* the flags of openat2 are in a record that libaudit 3.0 has no name for */
    {CALL("437", "success=yes exit=3", "a0=ffffff9c a1=1 a2=1 a3=0")
	 PATH("item=0 name=\"/f\" nametype=NORMAL mode=0100666") "type=UNKNOWN[1337] "
								 "msg=audit(1.000:1): oflag=01 "
								 "mode=00 resolve=0x0\n",
     {"[\"modification\",\"opened-file\"]"}},
    /* renamed onto another file, which is a DELETE too */
    {CALL("82", GOOD, ZEROS) CWD("/d")
	 PATH("item=2 name=\"old\" inode=5 nametype=DELETE mode=0100600")
	     PATH("item=3 name=\"new\" inode=6 nametype=DELETE mode=0100644")
		 PATH("item=4 name=\"new\" inode=5 nametype=CREATE mode=0100600"),
     {"\"path\":\"/d/new\"", "\"path\":\"/d/old\"", "\"inode\":\"5\""}},
    {CALL("88", GOOD, ZEROS) CWD("/d") PATH("item=1 name=\"to/where\" nametype=UNKNOWN")
	 PATH("item=2 name=\"l\" inode=6 nametype=CREATE mode=0120777"),
     {"\"target_path\":\"to/where\"", "\"path\":\"/d/l\"", "\"type\":\"symlink\""}},
    /* a refused connection was attempted, one without a way was not */
    {CALL("42", "success=no exit=-111", ZEROS) SOCKADDR("020000507F0000010000000000000000"),
     {"connection_attempted", "\"outcome\":\"failure\"", "\"ip\":\"127.0.0.1\""}},
    {CALL("42", "success=no exit=-101", ZEROS) SOCKADDR("020000507F0000010000000000000000"),
     {"!connection_attempted", "connected-to"}},
    /* a family in the other byte order, one that is cut, an abstract name, none at all */
    {CALL("42", GOOD, ZEROS) SOCKADDR("000200507F0000010000000000000000"),
     {"\"ip\":\"127.0.0.1\"", "\"port\":80"}},
    {CALL("42", GOOD, ZEROS) SOCKADDR("0200"), {"!\"ip\":", "socket.family\":\"ipv4\""}},
    {CALL("42", GOOD, ZEROS) SOCKADDR("0100002F746D702F78"),
     {"\"destination\":{\"address\":\"@/tmp/x\""}},
    {CALL("42", GOOD, ZEROS), {"destination.ip: no SOCKADDR record"}},
    {CALL("43", "success=yes exit=5", ZEROS) SOCKADDR("02000050C00002010000000000000000"),
     {"connection_accepted", "\"source\":{\"address\":\"192.0.2.1\"", "ingress"}},
    /* several keys; a name with a blank in what auditd looked up */
    {"type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=105 success=yes exit=0 pid=70 ppid=1 "
     "uid=5 gid=5 euid=5 egid=5 comm=\"x\" exe=\"/bin/x\" key=6E65740173746167652032\x1d"
     "UID=\"an user\" EUID=\"an user\" GID=\"unset\"\n",
     {"\"tags\":[\"net\",\"stage 2\"]", "\"name\":\"an user\"", "!unset"}},
    /* what a log writes for nothing, and hex that is none */
    {"type=USER_LOGIN msg=audit(1.000:1): pid=7 uid=0 auid=4294967295 ses=4294967295 "
     "msg='op=login acct=28756E6B6E6F776E207573657229 exe=\"/usr/sbin/sshd\" hostname=? addr=? "
     "terminal=ssh res=failed'\n",
     {"\"name\":\"(unknown user)\"", "!\"source\":", "\"outcome\":\"failure\""}},
    {"type=AVC msg=audit(1.000:1): apparmor=\"DENIED\" operation=\"open\" profile=\"p\" "
     "name=\"/etc/x\" pid=70 comm=\"y\" requested_mask=\"r\" denied_mask=\"r\" fsuid=0 ouid=0\n",
     {"\"category\":[\"file\"]", "violated-apparmor-policy", "\"path\":\"/etc/x\"",
      "\"auditd.data.operation\":\"open\""}},
    {"type=UNKNOWN[1999] msg=audit(1.000:1): pid=3 thing=4\n",
     {"\"action\":\"unknown[1999]\"", "\"auditd.data.thing\":\"4\""}},
};

static void a_log_becomes_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *json = events_of(INPUT_AUDIT, cases[i].log);

		for (int j = 0; j < 4 && cases[i].has[j]; j++)
			assert_has(json, cases[i].has[j]);
		free(json);
	}
}

static const struct {
	const char *line;
	const char *why; /* a part of it; NULL: it is good */
} lines[] = {
    {"type=EOE msg=audit(1.000:1):", NULL},
    {"type=EOE msg=audit(1.000:1): ", NULL},
    {"node=n type=EOE msg=audit(9999999999.999:1): ", "no msg="},
    {"node=n type=EOE msg=audit(8999999999.999:1): ", NULL},
    {"", "no type="},
    {"node=", "nothing behind"},
    {"node=n", "nothing behind"},
    {"type=", "no type="},
    {"type= msg=audit(1.000:1):", "no type="},
    {"type=EOE", "no type="},
    {"type=EOE msg=audit(1:1):", "no msg="},
    {"type=EOE msg=audit(1.000):", "no msg="},
    {"type=EOE msg=audit(1.000:):", "no msg="},
    {"type=EOE msg=audit(1.000:1", "no msg="},
    {"type=EOE msg=audit(1.0000:1):", "no msg="},
    {"type=EOE msg=audit(1.000:12345678901234567890):", "no msg="},
    {"type=AVERYLONGTYPEAVERYLONGTYPEAVERYLONGTYPEAVERYLONGTYPEAVERYLONGTYPE msg=audit(1.000:1):",
     "head"},
};

static void what_is_no_record_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const char *why = audit_raw_check(str_from(lines[i].line));

		if (why ? lines[i].why && strstr(why, lines[i].why) : !lines[i].why)
			continue;
		print_error("%s: %s\n", lines[i].line, why ? why : "(good)");
		fail();
	}
	assert_non_null(audit_raw_check((struct str){"type=EOE\0msg=audit(1.000:1):", 28}));
}

static void formats_are_told_by_a_line(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum input_format format;
	} known[] = {
	    {"type=SYSCALL msg=audit(1.000:1): x", INPUT_AUDIT},
	    {"node=a type=SYSCALL msg=audit(1.000:1): x", INPUT_AUDIT},
	    {"{\"ID\":\"1.000:1\",\"SYSCALL\":{}}", INPUT_LAUREL},
	    {" { \"NODE\" : \"n\", \"ID\" : \"1.000:1\" }", INPUT_LAUREL},
	    {"{\"ID\":\"17\",\"process\":{}}", INPUT_NDJSON},
	    {"{\"ID\":1}", INPUT_NDJSON},
	    {"{\"ID\"", INPUT_NDJSON},
	    {"{\"ID\":", INPUT_NDJSON},
	    {"{\"@timestamp\":\"2026-01-01T00:00:00Z\"}", INPUT_NDJSON},
	    {"", INPUT_NDJSON},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		assert_int_equal(input_format_by(str_from(known[i].line)), known[i].format);
	assert_int_equal(input_format_of("laurel"), INPUT_LAUREL);
	assert_int_equal(input_format_of("auditd"), -1);
}

/* process.entity_id of the n-th event. */
static char *entity_of(const char *json, int n)
{
	while (n--)
		json = strchr(json, '\n') + 1;
	const char *id = strstr(json, "\"process\":{\"");

	id = strstr(id, "\"entity_id\":\"");
	assert_non_null(id);
	return strndup(id + 13, 32);
}

static bool same_entity(const char *log)
{
	char *json = events_of(INPUT_AUDIT, log);
	char *first = entity_of(json, 0), *second = entity_of(json, 1);
	bool same = strcmp(first, second) == 0;

	free(first);
	free(second);
	free(json);
	return same;
}

#define SETSID_BY(stamp, ids) CALL_BY(stamp, "112", GOOD, ZEROS, ids)
#define EXECVE_BY(stamp, ids) CALL_BY(stamp, "59", GOOD, ZEROS, ids)
#define EXIT_BY(stamp, ids) CALL_BY(stamp, "231", "", ZEROS, ids)

static void a_pid_that_comes_again_may_be_another_process(void **state)
{
	(void)state;
	assert_true(same_entity(SETSID_BY("1.000:1", "ppid=1 pid=70")
				    EXECVE_BY("5.000:2", "ppid=1 pid=70")));
	/* given to init: still the same, at an exec too */
	assert_true(same_entity(SETSID_BY("1.000:1", "ppid=60 pid=70")
				    EXECVE_BY("5.000:2", "ppid=1 pid=70")));
	/* another parent at its exec, or after its end */
	assert_false(same_entity(SETSID_BY("1.000:1", "ppid=60 pid=70")
				     EXECVE_BY("5.000:2", "ppid=61 pid=70")));
	assert_false(same_entity(EXIT_BY("1.000:1", "ppid=60 pid=70")
				     SETSID_BY("5.000:2", "ppid=60 pid=70")));
	/* another thread's call, told behind the end */
	assert_true(same_entity(EXIT_BY("1.000:1", "ppid=60 pid=70")
				    SETSID_BY("1.500:2", "ppid=60 pid=70")));
	/* given to a subreaper, with the executable it had */
	assert_true(same_entity(SETSID_BY("1.000:1", "ppid=60 pid=70")
				    SETSID_BY("5.000:2", "ppid=61 pid=70")));
}

/* The parent was held until its child had executed: its fork is told last, with an earlier time. */
static void a_child_may_be_met_before_its_fork(void **state)
{
	(void)state;
	static const char exec[] = "type=SYSCALL msg=audit(1.005:1): arch=c000003e syscall=59 "
				   "success=yes exit=0 ppid=60 pid=70 comm=\"y\" exe=\"/bin/y\"\n"
				   "type=EXECVE msg=audit(1.005:1): argc=1 a0=\"y\"\n"
				   "type=PROCTITLE msg=audit(1.005:1): proctitle=79\n";
	static const char fork[] =
	    "type=SYSCALL msg=audit(1.001:2): arch=c000003e syscall=58 success=yes exit=70 ppid=1 "
	    "pid=60 comm=\"x\" exe=\"/bin/x\"\n"
	    "type=PROCTITLE msg=audit(1.001:2): proctitle=78\n";
	static const char act[] =
	    "type=SYSCALL msg=audit(1.009:3): arch=c000003e syscall=112 success=yes exit=0 ppid=60 "
	    "pid=70 comm=\"y\" exe=\"/bin/y\"\n"
	    "type=PROCTITLE msg=audit(1.009:3): proctitle=79\n";
	struct audit_reader *reader = reader_of(INPUT_AUDIT);
	struct buf out = {0};

	feed(reader, exec, &out);
	audit_reader_run(reader, false, &out);
	feed(reader, fork, &out);
	audit_reader_run(reader, false, &out);
	feed(reader, act, &out);
	audit_reader_run(reader, true, &out);
	buf_add_char(&out, '\0');
	char *first = entity_of(out.p, 0), *second = entity_of(out.p, 1),
	     *third = entity_of(out.p, 2);

	assert_string_equal(first, second);
	assert_string_equal(first, third);
	assert_has(strrchr(out.p, '{'), "!/bin/x");
	free(first);
	free(second);
	free(third);
	audit_reader_free(reader);
	buf_free(&out);
}

static void what_a_log_does_not_tell_is_not_looked_up_here(void **state)
{
	(void)state;
	/* pid 1 and user 0 are here, too */
	char *json =
	    events_of(INPUT_AUDIT, "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=112 "
				   "success=yes exit=0 ppid=1 pid=70 uid=0 gid=0 euid=0 egid=0\n");

	assert_has(json, "\"parent\":{\"pid\":1}");
	assert_has(json, "!root");
	/* nor is the time of its start what it was first seen */
	assert_has(json, "!\"start\":");
	free(json);
}

static void arguments_in_parts_that_are_lost_are_cut(void **state)
{
	(void)state;
	char *json = events_of(
	    INPUT_AUDIT, CALL("59", GOOD, ZEROS) "type=EXECVE msg=audit(1.000:1): argc=9 a0=\"x\" "
						 "a1_len=8 a1[0]=6161 a1[1]=6262\n"
						 "type=EXECVE msg=audit(1.000:1): a3=\"d\"\n");

	assert_has(json, "\"args\":[\"x\",\"aabb\",\"d\"]");
	assert_has(json, "\"args_count\":9");
	assert_has(json, "process.args: cut");
	free(json);
}

static void arguments_beyond_the_limits_are_cut(void **state)
{
	(void)state;
	struct audit_group_builder builder;
	struct arena arena;
	char *text = calloc(1, AUDIT_ARGS_BYTES_MAX);

	arena_init(&arena);
	memset(text, 'a', AUDIT_ARGS_BYTES_MAX);
	audit_build(&builder, &arena);
	audit_build_argument(&builder, 0, STR("x"), false);
	audit_build_argument(&builder, 1, (struct str){text, AUDIT_ARGS_BYTES_MAX}, false);
	audit_build_argument(&builder, 1, (struct str){text, 100}, true);
	audit_build_argument(&builder, 2, STR("y"), false);
	struct audit_group *group = audit_build_end(&builder);

	assert_true(group->args_cut);
	assert_int_equal(group->args.len, AUDIT_ARGS_BYTES_MAX);
	assert_int_equal(group->args.p[group->args.len - 1], '\0');
	free(text);
	arena_free(&arena);
}

static void records_that_come_mixed_are_put_together(void **state)
{
	(void)state;
	char *json = events_of(
	    INPUT_AUDIT,
	    CALL_BY("1.000:1", "87", GOOD, ZEROS, "ppid=1 pid=70")
		CALL_BY("1.000:2", "87", GOOD, ZEROS,
			"ppid=1 pid=71") "type=PATH msg=audit(1.000:2): item=0 name=\"/two\" "
					 "nametype=DELETE\n"
					 "type=PATH msg=audit(1.000:1): item=0 name=\"/one\" "
					 "nametype=DELETE\n"
					 "type=PROCTITLE msg=audit(1.000:2): proctitle=78\n"
					 "type=PROCTITLE msg=audit(1.000:1): proctitle=78\n");
	const char *second = strchr(json, '\n');
	const char *one = strstr(json, "\"path\":\"/one\""),
		   *two = strstr(json, "\"path\":\"/two\"");

	assert_non_null(one);
	assert_non_null(two);
	assert_true(one < second && two > second);
	free(json);
}

/* What the last line ended is there at once: nothing may come for hours. */
static void an_event_does_not_wait_for_the_next(void **state)
{
	(void)state;
	struct audit_reader *reader = reader_of(INPUT_AUDIT);
	struct buf out = {0};

	feed(reader, CALL("87", GOOD, ZEROS), &out);
	assert_true(audit_reader_run(reader, false, &out));
	assert_int_equal(out.len, 0);
	feed(reader, "type=PROCTITLE msg=audit(1.000:1): proctitle=78\n", &out);
	assert_false(audit_reader_run(reader, false, &out));
	assert_true(out.len > 0);
	audit_reader_free(reader);
	buf_free(&out);
}

static void records_that_wait_are_bounded(void **state)
{
	(void)state;
	struct audit_reader *reader = reader_of(INPUT_AUDIT);
	struct buf out = {0}, line = {0};
	uint64_t before = counter_get(COUNTER_AUDIT_CUT);

	for (int i = 0; i < 10500; i++) {
		buf_reset(&line);
		buf_printf(&line,
			   "type=SYSCALL msg=audit(1.000:%d): arch=c000003e syscall=112 "
			   "success=yes pid=70 ppid=1",
			   i);
		assert_null(audit_reader_line(reader, buf_str(&line), &out));
		if (i % 500 == 499)
			audit_reader_run(reader, false, &out);
	}
	assert_int_equal(counter_get(COUNTER_AUDIT_CUT), before + 1);
	audit_reader_run(reader, true, &out);
	size_t events = 0;

	for (size_t i = 0; i < out.len; i++)
		events += out.p[i] == '\n';
	assert_int_equal(events, 10500);
	audit_reader_free(reader);
	buf_free(&out);
	buf_free(&line);
}

static void more_hosts_than_are_followed_are_counted(void **state)
{
	(void)state;
	struct audit_reader *reader = reader_of(INPUT_AUDIT);
	struct buf out = {0}, line = {0};
	uint64_t before = counter_get(COUNTER_AUDIT_NODE_EVICTED);

	for (int i = 0; i <= AUDIT_NODES_MAX; i++) {
		buf_reset(&line);
		buf_printf(&line, "node=n%d type=USER_LOGIN msg=audit(1.000:1): pid=3", i);
		assert_null(audit_reader_line(reader, buf_str(&line), &out));
	}
	audit_reader_run(reader, true, &out);
	assert_int_equal(counter_get(COUNTER_AUDIT_NODE_EVICTED), before + 1);
	assert_null(audit_reader_processes(reader, STR("n0")));
	assert_non_null(audit_reader_processes(reader, STR("n1")));
	audit_reader_free(reader);
	buf_free(&out);
	buf_free(&line);
}

static void lines_that_are_not_laurels(void **state)
{
	(void)state;
	static const struct {
		const char *line, *why;
	} wrong[] = {
	    {"{", "not a JSON object"},
	    {"[]", "not a JSON object"},
	    {"{}", "no ID"},
	    {"{\"ID\":5}", "no ID"},
	    {"{\"ID\":\"1.000\"}", "no ID"},
	    {"{\"ID\":\"a.000:1\"}", "no ID"},
	    {"{\"ID\":\"99999999999.000:1\"}", "no ID"},
	};
	struct audit_reader *reader = reader_of(INPUT_LAUREL);
	struct buf out = {0};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *why = audit_reader_line(reader, str_from(wrong[i].line), &out);

		assert_non_null(why);
		assert_has(why, wrong[i].why);
	}
	assert_int_equal(out.len, 0);
	audit_reader_free(reader);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_log_becomes_events),
	    cmocka_unit_test(what_is_no_record_is_said),
	    cmocka_unit_test(formats_are_told_by_a_line),
	    cmocka_unit_test(a_pid_that_comes_again_may_be_another_process),
	    cmocka_unit_test(a_child_may_be_met_before_its_fork),
	    cmocka_unit_test(what_a_log_does_not_tell_is_not_looked_up_here),
	    cmocka_unit_test(arguments_in_parts_that_are_lost_are_cut),
	    cmocka_unit_test(arguments_beyond_the_limits_are_cut),
	    cmocka_unit_test(records_that_come_mixed_are_put_together),
	    cmocka_unit_test(an_event_does_not_wait_for_the_next),
	    cmocka_unit_test(records_that_wait_are_bounded),
	    cmocka_unit_test(more_hosts_than_are_followed_are_counted),
	    cmocka_unit_test(lines_that_are_not_laurels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
