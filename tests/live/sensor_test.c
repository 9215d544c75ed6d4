/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor against the running kernel: each case has one program do one thing in a private
 * directory, and compares every file event it gave, exactly. Needs root; observes only processes
 * that it starts itself.
 *
 *	sensor_test ACTIONS      the helper program, actions.c
 *
 * An event is written as one line:
 *	ACTION PATH [< ORIGINAL] [-> TARGET] CALL [CHANGE] [x86] [host=PATH|?] [fanotify]
 *		[!INCOMPLETE]
 *
 * host= is there when it differs from the path; D stands for the directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/counter.h"
#include "sensor/sensor.h"

#define EXIT_SKIP 77
#define ARGUMENTS_MAX 12
/* A case that takes longer has lost its end; so many times longer on an emulated machine. */
#define CASE_NS (10 * NS_PER_SEC * patience)

struct test_case {
	const char *name;
	const char *setup;    /* shell, by a process that is not watched */
	const char *command;  /* split at blanks; "sh:" before it: given to sh -c; A: the helper */
	const char *expected; /* lines; D: the directory */
	unsigned flags;
};

enum {
	PROCESSES = 1,  /* exec and end events too */
	FANOTIFY = 2,   /* wait for what only fanotify sees */
	ATTRIBUTES = 4, /* [mode uid:gid size type] after the path */
};

static const struct test_case cases[] = {
    {"create", NULL, "A create f", "creation D/f openat\n", 0},
    {"attributes of what has a descriptor", "rm f", "A write f",
     "creation D/f [0644 0:0 0 file] openat\n"
     "modification D/f [0644 0:0 3 file] write content\n",
     ATTRIBUTES},
    {"attributes of what has a name", "chown 5:6 f; chmod 600 f", "A chmod f",
     "modification D/f [0604 5:6 6 file] chmod permissions\n", ATTRIBUTES},
    {"attributes of a link", NULL, "A symlink nowhere lost",
     "creation D/lost [0777 0:0 7 symlink] -> nowhere symlink\n", ATTRIBUTES},
    {"a directory renamed", "mkdir here", "A rename here there",
     "rename D/there [0755 0:0 N dir] < D/here rename\n", ATTRIBUTES},
    {"create again: no change", NULL, "A create f", "", 0},
    {"write: once for each open file", "rm f", "A write f",
     "creation D/f openat\nmodification D/f write content\n", 0},
    {"append", NULL, "A append f", "modification D/f write content\n", 0},
    {"append again: another open file", NULL, "A append f", "modification D/f write content\n", 0},
    {"open with O_TRUNC", NULL, "A open-truncate f", "modification D/f openat content\n", 0},
    {"read only", NULL, "A read f", "", 0},
    {"creat", NULL, "A creat g", "creation D/g creat\n", 0},
    {"openat2", NULL, "A openat2 h", "creation D/h openat2\n", 0},
    {"pwritev", NULL, "A pwritev h", "modification D/h pwritev content\n", 0},
    {"what fails", NULL, "A fail", "", 0},
    {"rename", NULL, "A rename g sub/g.conf", "rename D/sub/g.conf < D/g rename\n", 0},
    {"rename by an absolute path through a link", NULL, "A rename D/link/g.conf D/link/../g",
     "rename D/g < D/sub/g.conf rename\n", 0},
    {"rename by directory descriptors", NULL, "A renameat . g sub ../sub/./gg",
     "rename D/sub/gg < D/g renameat\n", 0},
    {"exchange", "echo 1 >a; echo 2 >b", "A exchange a b",
     "rename D/b < D/a renameat2\nrename D/a < D/b renameat2\n", 0},
    {"link", NULL, "A link a sub/a2", "creation D/sub/a2 < D/a link\n", 0},
    {"symlink", NULL, "A symlink ../a sub/s", "creation D/sub/s -> ../a symlink\n", 0},
    {"unlink", NULL, "A unlink link/s", "deletion D/sub/s unlink\n", 0},
    {"directories", NULL, "A directory dir", "", 0},
    {"mknod", NULL, "A mknod node", "creation D/node mknodat\n", 0},
    {"chmod", "ln -s a to-a", "A chmod to-a", "modification D/a chmod permissions\n", 0},
    {"fchmod", NULL, "A fchmod a", "modification D/a fchmod permissions\n", 0},
    {"chown", NULL, "A chown a", "modification D/a chown owner\n", 0},
    {"lchown", NULL, "A lchown to-a", "modification D/to-a lchown owner\n", 0},
    {"setxattr", NULL, "A setxattr a", "modification D/a setxattr attributes\n", 0},
    {"fsetxattr", NULL, "A fsetxattr a", "modification D/a fsetxattr attributes\n", 0},
    {"truncate", NULL, "A truncate to-a", "modification D/a truncate size\n", 0},
    {"ftruncate", NULL, "A ftruncate a", "modification D/a ftruncate size\n", 0},
    {"fallocate", NULL, "A fallocate a", "modification D/a fallocate content\n", 0},
    {"shared mapping", NULL, "A mmap a", "modification D/a mmap content\n", 0},
    {"private mapping", NULL, "A mmap-private a", "", 0},
    {"sendfile", NULL, "A sendfile b a", "modification D/a sendfile content\n", 0},
    {"copy_file_range", "echo 12345 >b", "A copy-range b a",
     "modification D/a copy_file_range content\n", 0},
    {"splice", NULL, "A splice a", "modification D/a splice content\n", 0},
    {"memfd", NULL, "A memfd", "", 0},
    {"thread", NULL, "A thread a", "modification D/a write content\n", 0},
    {"32-bit calls", NULL, "A int80 i386 i387",
     "creation D/i386 open x86\nmodification D/i386 write content x86\n"
     "rename D/i387 < D/i386 rename x86\ndeletion D/i387 unlink x86\n",
     0},
    {"io_uring", NULL, "A uring r1 r2 r3 r4",
     "creation D/r1 io_uring_openat\nmodification D/r1 io_uring_write content\n"
     "rename D/r2 < D/r1 io_uring_renameat\ncreation D/r3 < D/r2 io_uring_linkat\n"
     "creation D/r4 -> aim io_uring_symlinkat\ndeletion D/r2 io_uring_unlinkat\n"
     "deletion D/r3 io_uring_unlinkat\ndeletion D/r4 io_uring_unlinkat\n",
     0},
    {"io_uring that fails", NULL, "A uring-fail", "", 0},
    {"io_uring that does not report success", "echo x >quiet", "A uring-silent quiet a",
     "deletion D/quiet io_uring_unlinkat "
     "!event.outcome: io_uring was asked not to report success\n"
     "modification D/a io_uring_write content "
     "!event.outcome: io_uring was asked not to report success\n",
     0},
    {"io_uring into its own file table", NULL, "A uring-direct direct",
     "creation D/direct io_uring_openat\nmodification D/direct io_uring_write content\n", 0},
    {"script", "printf '#!/bin/sh\\nexit 3\\n' >s.sh; chmod 755 s.sh", "A exec ./s.sh",
     "exec ./s.sh by /bin/sh\nend 3\n", PROCESSES},
    {"execveat", NULL, "A execveat . s.sh", "exec /dev/fd/3/s.sh by /bin/sh\nend 3\n", PROCESSES},
    {"program without a file", "cp A ghost-of", "A exec-memfd ghost-of exit 4",
     "exec /dev/fd/4\nend 4\n", PROCESSES},
    {"killed", NULL, "A abort", "end 134\n", PROCESSES},
    {"overlay in a mount namespace", "mkdir -p low up wk m",
     "sh:unshare -m sh -c 'mount -n -t overlay overlay -o lowerdir=D/low,upperdir=D/up,workdir=D/wk"
     " D/m || exit 77; A write D/m/x.conf; A rename D/m/x.conf D/m/y.conf; cd m;"
     " A unlink y.conf; sleep 0.2'",
     "creation D/m/x.conf openat host=D/up/x.conf\n"
     "modification D/m/x.conf write content host=D/up/x.conf\n"
     "rename D/m/y.conf < D/m/x.conf rename host=D/up/y.conf\n"
     "deletion D/m/y.conf unlink host=D/up/y.conf\n",
     0},
    {"bind mount in a mount namespace", NULL,
     "sh:unshare -m sh -c 'mount -n --bind D/sub D/m || exit 77; A create D/m/z; A unlink D/m/z; "
     "sleep 0.2'",
     "creation D/m/z openat host=D/sub/z\ndeletion D/m/z unlink host=D/sub/z\n", 0},
    {"file system the host does not see", NULL,
     "sh:unshare -m sh -c 'mount -n -t tmpfs none D/m || exit 77; A create D/m/z; sleep 0.2'",
     "creation D/m/z openat host=? "
     "!lintel.file.host_path: not visible from the host's mounts\n",
     0},
    {"chroot", "mkdir -p root/etc; cp A root/actions; ln -s etc root/link",
     "sh:chroot D/root /actions write /link/x; chroot D/root /actions rename /link/x /y",
     "creation /etc/x openat host=D/root/etc/x\n"
     "modification /etc/x write content host=D/root/etc/x\n"
     "rename /y < /etc/x rename host=D/root/y\n",
     0},
    {"a name of 255 bytes", NULL,
     "A create "
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "creation D/"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     " openat\n",
     0},
    {"a path deeper than the kernel side walks",
     "mkdir -p $(yes d | head -120 | tr '\\n' /) && cp A act",
     "sh:cd $(yes d | head -120 | tr '\\n' /); D/act create f",
     "creation "
     "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/"
     "d/"
     "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/"
     "d/"
     "d/f openat host=? "
     "!file.path: cut, deeper than the kernel side walks "
     "!lintel.file.host_path: not visible from the host's mounts\n",
     0},
    {"an argument vector longer than the record", NULL,
     "sh:/bin/sh -c '/bin/sleep 0.2; exit 5' $(/bin/seq -f %060.f 900)",
     "exec /bin/sh\nexec /bin/seq\nend 0\n"
     "exec /bin/sh 272 of 903 arguments !process.args: cut\nexec /bin/sleep\nend 0\nend "
     "5\nend 5\n",
     PROCESSES},
    {"fanotify alone: times", NULL, "touch -d 2001-01-01 D/a",
     "modification D/a attributes fanotify\n", FANOTIFY},
    {"fanotify in a directory that was not there", NULL,
     "sh:mkdir D/later; sleep 0.2; A create D/later/x; sleep 0.1; touch -d 2001-01-01 D/later/x; "
     "sleep 0.3; touch -d 2001-01-01 D/later/x; sleep 0.3; touch -d 2002-01-01 D/later/x",
     "creation D/later/x openat\nmodification D/later/x attributes fanotify\n"
     "modification D/later/x attributes fanotify\nmodification D/later/x attributes fanotify\n",
     FANOTIFY},
};

static const char *directory; /* "D" */
static const char *helper;    /* "A" */
static struct buf got;
static unsigned wanted; /* flags of the case */
static uint32_t ended_pid;
static int failures, number, wrong_events;
static int patience = 1; /* LINTEL_TEST_PATIENCE */

/* Text with D and A put in. They stand alone, or before '/' or after '='. */
static char *expand(const char *text)
{
	struct buf out = {0};

	for (const char *p = text; *p; p++) {
		bool starts = p == text || strchr(" \n=:'<,", p[-1]);
		bool ends = strchr(" /\n'", p[1]) || p[1] == '\0';

		if (starts && ends && (*p == 'D' || *p == 'A'))
			buf_add(&out, str_from(*p == 'D' ? directory : helper));
		else
			buf_add_char(&out, *p);
	}
	buf_add_char(&out, '\0');
	return out.p;
}

static void add(const char *before, const struct event *event, uint32_t field)
{
	struct str text = event_get_str(event, field);

	if (text.len)
		buf_printf(&got, "%s%.*s", before, STR_ARG(text));
}

/* Looking at a name after the call may come too late where the next call takes it away. */
static void add_gap(struct str gap)
{
	if (!str_starts(gap, STR("file.inode, mode, owner, size: gone")))
		buf_printf(&got, " !%.*s", STR_ARG(gap));
}

static void add_incomplete(const struct event *event)
{
	const struct value *v = event_get(event, FIELD_LINTEL_INCOMPLETE);

	if (v->type == VALUE_STRING)
		add_gap(value_as_str(v));
	for (uint32_t i = 0; v->type == VALUE_LIST && i < v->count; i++)
		add_gap(value_as_str(&v->items[i]));
}

static void add_attributes(const struct event *event)
{
	add(" [", event, FIELD_FILE_MODE);
	add(" ", event, FIELD_FILE_UID);
	add(":", event, FIELD_FILE_GID);
	if (str_eq(event_get_str(event, FIELD_FILE_TYPE), STR("dir")))
		buf_add(&got, STR(" N")); /* its size is the file system's business */
	else
		buf_printf(&got, " %lld", (long long)event_get(event, FIELD_FILE_SIZE)->integer);
	add(" ", event, FIELD_FILE_TYPE);
	buf_add_char(&got, ']');
}

static void add_file(const struct event *event)
{
	struct str path = event_get_str(event, FIELD_FILE_PATH);
	struct str host = event_get_str(event, FIELD_LINTEL_FILE_HOST_PATH);

	add("", event, FIELD_EVENT_ACTION);
	add(" ", event, FIELD_FILE_PATH);
	if (wanted & ATTRIBUTES)
		add_attributes(event);
	add(" < ", event, FIELD_FILE_EXT_ORIGINAL_PATH);
	add(" -> ", event, FIELD_FILE_TARGET_PATH);
	add(" ", event, FIELD_LINTEL_FILE_SYSCALL);
	add(" ", event, FIELD_LINTEL_FILE_CHANGE);
	if (str_eq(event_get_str(event, FIELD_LINTEL_PROCESS_ABI), STR("x86")))
		buf_add(&got, STR(" x86"));
	if (!str_eq(path, host))
		buf_printf(&got, " host=%.*s", STR_ARG(host.len ? host : STR("?")));
	if (str_eq(event_get_str(event, FIELD_EVENT_PROVIDER), STR("fanotify")))
		buf_add(&got, STR(" fanotify"));
	add_incomplete(event);
	buf_add_char(&got, '\n');
}

static void add_many_arguments(const struct event *event)
{
	const struct value *list = event_get(event, FIELD_PROCESS_ARGS);
	int64_t count = event_get(event, FIELD_PROCESS_ARGS_COUNT)->integer;

	if (list->type == VALUE_LIST && count > 100)
		buf_printf(&got, " %u of %lld arguments", list->count, (long long)count);
}

static void add_process(const struct event *event)
{
	struct str action = event_get_str(event, FIELD_EVENT_ACTION);

	if (str_eq(action, STR("exec"))) {
		if (str_eq(event_get_str(event, FIELD_PROCESS_EXECUTABLE), str_from(helper)))
			return;
		add("exec ", event, FIELD_PROCESS_EXECUTABLE);
		add(" by ", event, FIELD_LINTEL_PROCESS_INTERPRETER);
		add_many_arguments(event);
		add_incomplete(event);
		buf_add_char(&got, '\n');
	} else if (str_eq(action, STR("end"))) {
		buf_printf(&got, "end %lld\n",
			   (long long)event_get(event, FIELD_PROCESS_EXIT_CODE)->integer);
	}
}

static void expect(bool holds, const char *what)
{
	if (holds)
		return;
	printf("# an event without: %s\n", what);
	wrong_events++;
}

/* What must hold of every event. */
static void check_event(const struct event *event, const struct process *process)
{
	static const enum field_id always[] = {
	    FIELD_TIMESTAMP,          FIELD_EVENT_ID,          FIELD_EVENT_CATEGORY,
	    FIELD_EVENT_TYPE,         FIELD_EVENT_DATASET,     FIELD_EVENT_PROVIDER,
	    FIELD_HOST_OS_TYPE,       FIELD_PROCESS_ENTITY_ID, FIELD_PROCESS_NAME,
	    FIELD_PROCESS_EXECUTABLE, FIELD_USER_ID,           FIELD_PROCESS_PARENT_NAME};
	static uint64_t last_sequence;
	int64_t age = clock_now_ns() - event->time_ns;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		expect(event_get_str(event, always[i]).len, field_known_name(always[i]).p);
	expect(event->sequence > last_sequence, "sequence grows");
	expect(age >= 0 && age < NS_PER_SEC * patience, "delivered within a second");
	expect(event_get(event, FIELD_PROCESS_PID)->integer == process_pid(process), "pid");
	last_sequence = event->sequence;
}

static void on_event(void *context, struct event *event, const struct process *process)
{
	bool is_file = str_eq(event_get_str(event, FIELD_EVENT_CATEGORY), STR("file"));

	(void)context;
	check_event(event, process);
	if (is_file)
		add_file(event);
	else if (wanted & PROCESSES)
		add_process(event);
	if (str_eq(event_get_str(event, FIELD_EVENT_ACTION), STR("end")))
		ended_pid = process_pid(process);
}

/* Run as the watched process: one command a line, answered by the child's pid and status. */
static void run_stage(int in, int out)
{
	FILE *lines = fdopen(in, "r");
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, lines) > 0) {
		char *arguments[ARGUMENTS_MAX] = {0};
		int n = 0, answer[2];

		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "sh:", 3)) {
			arguments[0] = (char *)"/bin/sh";
			arguments[1] = (char *)"-c";
			arguments[2] = line + 3;
		} else {
			for (char *a = strtok(line, " "); a && n < ARGUMENTS_MAX - 1;
			     a = strtok(NULL, " "))
				arguments[n++] = a;
		}
		answer[0] = fork();
		if (answer[0] == 0) {
			execvp(arguments[0], arguments);
			_exit(127);
		}
		waitpid(answer[0], &answer[1], 0);
		if (write(out, answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

/* What old kernels lack: io_uring's tracepoints, file ids on every file system for fanotify. From 6.0
 * on nothing is excused: a mark that fails there is a failure. */
static bool is_lacking(const struct test_case *c)
{
	struct utsname name;

	if (uname(&name) || atoi(name.release) >= 6)
		return false;
	if (c->flags & FANOTIFY)
		return counter_get(COUNTER_FANOTIFY_MARK_FAILED);
	return !strncmp(c->name, "io_uring", 8);
}

static void report(const struct test_case *c, const char *expected, int status)
{
	number++;
	if ((WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP) || is_lacking(c)) {
		printf("ok %d - %s # SKIP not possible here\n", number, c->name);
	} else if (got.len == strlen(expected) && !memcmp(got.p, expected, got.len)) {
		printf("ok %d - %s\n", number, c->name);
	} else {
		printf("not ok %d - %s\n# expected:\n%s# got:\n%.*s", number, c->name, expected,
		       STR_ARG(buf_str(&got)));
		failures++;
	}
	fflush(stdout);
}

static void run_case(struct sensor *sensor, const struct test_case *c, int to_stage, int from_stage)
{
	char *command = expand(c->command), *expected = expand(c->expected);
	char *setup = expand(c->setup ? c->setup : "true");
	int64_t started = clock_monotonic_ns(), over = 0;
	int answer[2] = {0, 0};

	if (system(setup))
		printf("# setup of %s failed\n", c->name);
	while (sensor_poll(sensor, 0, on_event, NULL) > 0)
		;
	buf_reset(&got);
	wanted = c->flags;
	ended_pid = 0;
	dprintf(to_stage, "%s\n", command);
	while (clock_monotonic_ns() - started < CASE_NS) {
		sensor_poll(sensor, 50, on_event, NULL);
		if (!answer[0] && read(from_stage, answer, sizeof(answer)) < 0)
			continue;
		if (!answer[0] || (ended_pid != (uint32_t)answer[0] && !over))
			continue;
		if (!over)
			over = clock_monotonic_ns();
		/* what is left out must not come in the middle of the next case */
		if (!(c->flags & FANOTIFY || is_lacking(c)) ||
		    clock_monotonic_ns() - over > 500 * NS_PER_MS)
			break;
	}
	report(c, expected, answer[1]);
	free(command);
	free(expected);
	free(setup);
}

static void check_all_events(void)
{
	printf("%s %d - every event has its fields\n", wrong_events ? "not ok" : "ok", ++number);
	failures += wrong_events != 0;
}

static struct field_set *all_fields(void)
{
	struct field_set *fields = field_set_new();

	for (int i = 0; i < FIELD_KNOWN_COUNT; i++)
		/* whether a file that is gone at once can still be hashed is a matter of luck */
		if (!str_starts(field_known_name((enum field_id)i), STR("process.hash.")) &&
		    field_set_demand(fields, field_known_name((enum field_id)i)) < 0)
			abort();
	return fields;
}

static void check_losses(struct sensor *sensor)
{
	static const enum counter none[] = {COUNTER_RING_FULL,       COUNTER_KERNEL_READ_FAILED,
					    COUNTER_KERNEL_MAP_FULL, COUNTER_RECORD_INVALID,
					    COUNTER_PROCESS_GONE,    COUNTER_FANOTIFY_OVERFLOW};
	bool ok = true;

	sensor_count_losses(sensor);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		if (!counter_get(none[i]))
			continue;
		ok = false;
		printf("# %s: %llu\n", counter_text(none[i]),
		       (unsigned long long)counter_get(none[i]));
	}
	printf("%s %d - nothing lost\n", ok ? "ok" : "not ok", ++number);
	failures += !ok;
}

int main(int argc, char **argv)
{
	static char path[] = "/var/tmp/lintel-live-XXXXXX";
	const size_t count = sizeof(cases) / sizeof(cases[0]);
	struct field_set *fields = all_fields();
	struct process_table_options table_options = {0};
	struct sensor_options options = {0};
	const char *watched[] = {NULL, NULL, NULL, NULL};
	struct process_table *table;
	struct sensor *sensor;
	struct host *host;
	int commands[2], answers[2], err;
	pid_t stage;
	char *text;

	if (argc != 2 || geteuid() != 0) {
		printf("1..0 # SKIP needs root and the helper's path\n");
		return 0;
	}
	if (getenv("LINTEL_TEST_PATIENCE"))
		patience = atoi(getenv("LINTEL_TEST_PATIENCE"));
	helper = realpath(argv[1], NULL);
	directory = realpath(mkdtemp(path), NULL);
	if (!helper || !directory || chdir(directory) ||
	    system("mkdir sub m && ln -s sub link && umask 022") || pipe2(commands, O_CLOEXEC) ||
	    pipe2(answers, O_CLOEXEC)) {
		perror("sensor_test");
		return 1;
	}
	stage = fork();
	if (stage == 0) {
		close(commands[1]);
		run_stage(commands[0], answers[1]);
	}
	fcntl(answers[0], F_SETFL, O_NONBLOCK);
	watched[0] = directory;
	watched[1] = expand("D/sub");
	watched[2] = expand("D/later");
	options.watch_directories = watched;
	options.root_pid = (uint32_t)stage;
	host = host_new();
	table_options.host_id = host_id(host);
	table_options.boot_id = host_boot_id(host);
	table = process_table_new(&table_options);
	err = sensor_open(&sensor, &options, fields, table, host);
	if (err) {
		kill(stage, SIGKILL);
		printf("1..0 # SKIP the sensor does not open: %s\n", strerror(-err));
		return err == -ENOTSUP ? 0 : 1;
	}
	printf("1..%zu\n", count + 2);
	for (size_t i = 0; i < count; i++)
		run_case(sensor, &cases[i], commands[1], answers[0]);
	check_losses(sensor);
	check_all_events();
	close(commands[1]);
	waitpid(stage, NULL, 0);
	sensor_close(sensor);
	process_table_free(table);
	host_free(host);
	field_set_free(fields);
	buf_free(&got);
	free((char *)watched[1]);
	free((char *)watched[2]);
	if (chdir("/") == 0) {
		text = expand("rm -rf D");
		if (system(text))
			perror("rm");
		free(text);
	}
	return failures ? 1 : 0;
}
