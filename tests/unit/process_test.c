/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/counter.h"
#include "process/host.h"
#include "process/host_internal.h"
#include "process/proc_internal.h"
#include "process/process_internal.h"

#define SECOND UINT64_C(1000000000)
/* Pids beyond pid_max: /proc has none of them, so what the table does not know is gone. */
#define P(n) (UINT32_C(4200000000) + (n))

#define assert_str(actual, expected) assert_str_at(actual, expected, __LINE__)

static void assert_str_at(struct str actual, const char *expected, int line)
{
	if (str_eq(actual, str_from(expected)))
		return;
	print_error("line %d: [%.*s] is not [%s]\n", line, STR_ARG(actual), expected);
	fail();
}

static struct process_table *new_table(uint32_t max)
{
	struct process_table_options options = {
	    .max_processes = max, .host_id = STR("host"), .boot_id = STR("boot")};

	return process_table_new(&options);
}

static struct process_facts facts_of(uint32_t pid, uint32_t ppid, uint64_t start_s)
{
	return (struct process_facts){.pid = pid,
				      .tid = pid,
				      .ppid = ppid,
				      .pgid = pid,
				      .sid = pid,
				      .start_boot_ns = start_s * SECOND,
				      .pid_in_ns = pid,
				      .comm = STR("comm")};
}

static struct process_exec exec_of(const char *file, struct str argv, uint32_t argc)
{
	return (struct process_exec){.filename = str_from(file),
				     .executable_path = str_from(file),
				     .working_directory = STR("/home"),
				     .argv = argv,
				     .argc = argc};
}

static struct process *fork_of(struct process_table *table, struct process *parent, uint32_t pid)
{
	struct process_facts facts = facts_of(pid, parent->pid, 1 + parent->start_ticks / 100);

	facts.pgid = parent->group_leader.pid;
	facts.sid = parent->session_leader.pid;
	facts.parent_start_boot_ns = parent->start_boot_ns;
	return process_fork(table, &facts, facts.start_boot_ns);
}

static struct process_facts facts_again(const struct process *p)
{
	struct process_facts facts = facts_of(p->pid, p->ppid, 0);

	facts.start_boot_ns = p->start_boot_ns;
	facts.pgid = p->group_leader.pid;
	facts.sid = p->session_leader.pid;
	facts.tty_major = p->tty_major;
	facts.tty_minor = p->tty_minor;
	facts.pid_in_ns = p->pid_in_ns;
	return facts;
}

static struct process *exec_again(struct process_table *table, struct process *p, const char *file)
{
	struct process_facts facts = facts_again(p);
	struct process_exec exec = exec_of(file, str_from(file), 1);

	return process_exec(table, &facts, &exec, p->start_boot_ns + 1);
}

static struct process *seed_init(struct process_table *table)
{
	struct process_facts facts = facts_of(1, 0, 0);
	struct process_exec exec = exec_of("/sbin/init", STR("/sbin/init"), 1);

	return process_seed(table, &facts, &exec);
}

/* An event to fill, as the sensor has one. */
struct fixture {
	struct field_set *fields;
	struct event event;
	struct process_table *table;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->fields = field_set_new();
	event_init(&f->event, f->fields);
	f->table = new_table(1000);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	process_table_free(f->table);
	event_free(&f->event);
	field_set_free(f->fields);
	free(f);
	return 0;
}

static struct str get(struct fixture *f, uint32_t field)
{
	return event_get_str(&f->event, field);
}

static int64_t get_int(struct fixture *f, uint32_t field)
{
	const struct value *v = event_get(&f->event, field);

	assert_int_equal(v->type, VALUE_INT);
	return v->integer;
}

static void fill(struct fixture *f, struct process *p)
{
	event_reset(&f->event);
	process_fill(f->table, p, &f->event);
}

static void fork_exec_exit(void **state)
{
	struct fixture *f = *state;
	struct process *shell = fork_of(f->table, seed_init(f->table), P(1));

	shell = exec_again(f->table, shell, "/bin/sh");
	struct process *child = fork_of(f->table, shell, P(2));

	fill(f, child);
	assert_str(get(f, FIELD_PROCESS_EXECUTABLE), "/bin/sh");
	assert_ptr_equal(child->image, shell->image);

	struct process_facts facts = facts_again(child);
	struct process_exec exec = exec_of("./x.sh", STR("/bin/sh\0-e\0./x.sh\0\0"), 4);

	exec.interpreter = STR("/bin/sh");
	exec.executable_path = STR("/usr/bin/dash");
	facts.uid = 12345;
	facts.login_uid = UINT32_MAX;
	assert_ptr_equal(process_exec(f->table, &facts, &exec, 9 * SECOND), child);
	fill(f, child);
	assert_str(get(f, FIELD_PROCESS_NAME), "x.sh");
	assert_str(get(f, FIELD_PROCESS_EXECUTABLE), "./x.sh");
	assert_str(get(f, FIELD_LINTEL_PROCESS_INTERPRETER), "/bin/sh");
	assert_str(get(f, FIELD_LINTEL_PROCESS_EXECUTABLE_PATH), "/usr/bin/dash");
	assert_str(get(f, FIELD_PROCESS_COMMAND_LINE), "/bin/sh -e ./x.sh ");
	assert_int_equal(event_get(&f->event, FIELD_PROCESS_ARGS)->count, 4);
	assert_int_equal(event_get(&f->event, FIELD_PROCESS_ARGS)->items[3].count, 0);
	assert_int_equal(get_int(f, FIELD_PROCESS_ARGS_COUNT), 4);
	assert_str(get(f, FIELD_PROCESS_WORKING_DIRECTORY), "/home");
	assert_str(get(f, FIELD_PROCESS_PARENT_NAME), "sh");
	assert_true(str_eq(get(f, FIELD_PROCESS_PARENT_ENTITY_ID), process_entity_id(shell)));
	assert_str(get(f, FIELD_PROCESS_REAL_USER_ID), "12345");
	assert_str(get(f, FIELD_USER_EXT_REAL_ID), "12345");
	assert_str(get(f, FIELD_USER_ID), "0");
	assert_str(get(f, FIELD_USER_NAME), "root");
	assert_str(get(f, FIELD_GROUP_NAME), "root");
	assert_int_equal(get(f, FIELD_PROCESS_REAL_USER_NAME).len, 0);
	assert_int_equal(event_get(&f->event, FIELD_PROCESS_EXIT_CODE)->type, VALUE_NULL);
	assert_int_equal(event_get(&f->event, FIELD_LINTEL_INCOMPLETE)->type, VALUE_NULL);

	assert_ptr_equal(process_exit(f->table, &facts, 3 << 8, 10 * SECOND), child);
	fill(f, child);
	assert_int_equal(get_int(f, FIELD_PROCESS_EXIT_CODE), 3);
	child->exit_code = 9;
	fill(f, child);
	assert_int_equal(get_int(f, FIELD_PROCESS_EXIT_CODE), 137);
}

/* An append to a borrowed list must not write into the shared image. */
static void args_are_not_shared_for_writing(void **state)
{
	struct fixture *f = *state;
	struct process *p = seed_init(f->table);
	struct process_facts facts = facts_again(p);
	struct process_exec exec = exec_of("/bin/x", STR("a\0b\0c"), 3);

	process_exec(f->table, &facts, &exec, 1);
	fill(f, p);
	event_append(&f->event, FIELD_PROCESS_ARGS, value_str(STR("d")));
	assert_int_equal(event_get(&f->event, FIELD_PROCESS_ARGS)->count, 4);
	fill(f, p);
	assert_int_equal(event_get(&f->event, FIELD_PROCESS_ARGS)->count, 3);
}

static void reparenting_keeps_the_creator(void **state)
{
	struct fixture *f = *state;
	struct process *init = seed_init(f->table);
	struct process *shell = exec_again(f->table, fork_of(f->table, init, P(1)), "/bin/sh");
	struct process *daemon = fork_of(f->table, shell, P(2));
	struct process_facts gone = facts_again(shell), facts = facts_again(daemon);

	process_exit(f->table, &gone, 0, 20 * SECOND);
	facts.ppid = 1;
	facts.sid = facts.pgid = P(2);
	process_acting(f->table, &facts);
	fill(f, daemon);
	assert_int_equal(get_int(f, FIELD_PROCESS_PPID), 1);
	assert_int_equal(get_int(f, FIELD_PROCESS_PARENT_PID), P(1));
	assert_str(get(f, FIELD_PROCESS_PARENT_NAME), "sh");
	assert_int_equal(get_int(f, FIELD_PROCESS_SESSION_LEADER_PID), P(2));
	assert_str(get(f, FIELD_PROCESS_ENTRY_LEADER_ENTRY_META_TYPE), "init");

	/* Out of time, but still somebody's parent. */
	table_sweep(f->table, 500 * SECOND);
	fill(f, daemon);
	assert_str(get(f, FIELD_PROCESS_PARENT_NAME), "sh");
	assert_int_equal(process_count(f->table), 3);
	process_exit(f->table, &facts, 0, 501 * SECOND);
	table_sweep(f->table, 600 * SECOND);
	assert_int_equal(process_count(f->table), 1);
	assert_null(process_find(f->table, P(1), 0));
}

static void a_reused_pid_is_another_process(void **state)
{
	struct fixture *f = *state;
	struct process *init = seed_init(f->table);
	struct process *first = fork_of(f->table, init, P(1));
	struct process_facts facts = facts_of(P(1), 1, 50);
	char id[ENTITY_ID_LEN];

	memcpy(id, first->entity_id, sizeof(id));
	struct process *second = process_fork(f->table, &facts, facts.start_boot_ns);

	assert_ptr_not_equal(first, second);
	assert_memory_not_equal(id, second->entity_id, sizeof(id));
	assert_int_equal(first->life, LIFE_EXITED);
	assert_ptr_equal(process_find(f->table, P(1), 0), second);
	assert_ptr_equal(process_find(f->table, P(1), first->start_boot_ns), first);

	/* A parent found only by its pid must not be younger than the child. */
	struct process_facts orphan = facts_of(P(9), P(1), 30);
	struct process_exec none = {0};
	struct process *child = process_seed(f->table, &orphan, &none);

	fill(f, child);
	assert_int_equal(get(f, FIELD_PROCESS_PARENT_ENTITY_ID).len, 0);
	assert_int_equal(get_int(f, FIELD_PROCESS_PARENT_PID), P(1));
	assert_true(get(f, FIELD_LINTEL_INCOMPLETE).len > 0);
}

static void entity_id_is_the_same_by_any_witness(void **state)
{
	struct fixture *f = *state;
	struct process_table *other = new_table(10);
	struct process_facts exact = facts_of(P(1), 0, 7), rounded = exact;
	struct process_exec none = {0};

	exact.start_boot_ns += 9999999;
	struct process *a = process_fork(f->table, &exact, exact.start_boot_ns);
	struct process *b = process_seed(other, &rounded, &none);

	assert_memory_equal(a->entity_id, b->entity_id, ENTITY_ID_LEN);
	/* And the two facts are one process, with the exact start. */
	assert_ptr_equal(process_acting(other, &exact), b);
	assert_true(b->start_boot_ns == exact.start_boot_ns);
	assert_int_equal(process_count(other), 1);
	exact.start_boot_ns += 1;
	assert_ptr_not_equal(process_fork(other, &exact, exact.start_boot_ns), b);
	process_table_free(other);
}

static void eviction_is_bounded_and_counted(void **state)
{
	struct fixture *f = *state;
	struct process_table *table = new_table(8);
	struct process *init = seed_init(table);
	uint64_t before = counter_get(COUNTER_PROCESS_EVICTED);
	char entity[ENTITY_ID_LEN];

	for (uint32_t i = 0; i < 7; i++)
		fork_of(table, init, P(i));
	memcpy(entity, init->entity_id, sizeof(entity));
	struct process_facts third = facts_again(process_find(table, P(3), 0));

	process_exit(table, &third, 0, 5 * SECOND);
	assert_int_equal(counter_get(COUNTER_PROCESS_EVICTED) - before, 0);
	fork_of(table, init, P(100));
	assert_int_equal(counter_get(COUNTER_PROCESS_EVICTED) - before, 1);
	assert_null(process_find(table, P(3), 0));
	assert_non_null(process_find(table, 1, 0));

	/* Only living ones are left: the oldest goes, and its child still names it. */
	struct process *p = process_find(table, P(1), 0);

	for (uint32_t i = 200; process_find(table, 1, 0); i++)
		fork_of(table, p, P(i));
	event_reset(&f->event);
	process_fill(table, p, &f->event);
	assert_memory_equal(get(f, FIELD_PROCESS_PARENT_ENTITY_ID).p, entity, sizeof(entity));
	assert_int_equal(get_int(f, FIELD_PROCESS_PARENT_PID), 1);
	assert_true(get(f, FIELD_LINTEL_INCOMPLETE).len > 0);
	for (uint32_t i = 0; i < 1000; i++)
		fork_of(table, process_find(table, P(i ? 999 + i : 1), 0), P(1000 + i));
	assert_int_equal(process_count(table), 8);
	process_table_free(table);
}

/* A long line of processes, each the parent of the next, all gone but the last. */
static void long_chains_are_forgotten_whole(void **state)
{
	(void)state;
	enum {
		N = 50000
	};
	struct process_table *table = new_table(2 * N);
	struct process *p = seed_init(table);

	for (uint32_t i = 0; i < N; i++) {
		struct process_facts facts = facts_of(P(i), p->pid, 0);

		facts.start_boot_ns = (i + 1) * SECOND;
		facts.parent_start_boot_ns = p->start_boot_ns;
		struct process *child = process_fork(table, &facts, facts.start_boot_ns);

		if (p->pid != 1) {
			struct process_facts gone = facts_again(p);

			process_exit(table, &gone, 0, facts.start_boot_ns);
		}
		p = child;
	}
	assert_int_equal(process_count(table), N + 1);
	struct buf out = {0};

	process_write_ancestors(table, p, &out);
	assert_true(out.len > 0 && out.len < PROCESS_ANCESTORS_MAX * 400);
	buf_free(&out);
	struct process_facts gone = facts_again(p);

	process_exit(table, &gone, 0, 2 * N * SECOND);
	table_sweep(table, 3 * N * SECOND);
	assert_int_equal(process_count(table), 1);
	process_table_free(table);
}

static const char *entry_of(struct fixture *f, struct process *p, uint32_t leader)
{
	static char text[32];

	fill(f, p);
	assert_int_equal(get_int(f, FIELD_PROCESS_ENTRY_LEADER_PID), leader);
	struct str type = get(f, FIELD_PROCESS_ENTRY_LEADER_ENTRY_META_TYPE);

	snprintf(text, sizeof(text), "%.*s", STR_ARG(type));
	return text;
}

static struct process *lead_session(struct process_table *table, struct process *p, uint32_t major,
				    uint32_t minor)
{
	link_set_unknown(table, &p->session_leader, p->pid);
	link_set_unknown(table, &p->group_leader, p->pid);
	p->tty_major = major;
	p->tty_minor = minor;
	p->settled = false;
	return p;
}

static struct process *session(struct fixture *f, struct process *parent, uint32_t pid,
			       const char *file, uint32_t major, uint32_t minor)
{
	struct process *p = lead_session(f->table, fork_of(f->table, parent, pid), major, minor);

	return exec_again(f->table, p, file);
}

static void entry_leaders(void **state)
{
	struct fixture *f = *state;
	struct process *init = seed_init(f->table);
	struct process *sshd = session(f, init, P(1), "/usr/sbin/sshd", 0, 0);
	struct process *own = fork_of(f->table, sshd, P(2));
	struct process *shell = session(f, own, P(3), "/bin/bash", 136, 0);
	struct process *child = exec_again(f->table, fork_of(f->table, shell, P(4)), "/bin/ls");

	assert_string_equal(entry_of(f, init, 1), "init");
	assert_string_equal(entry_of(f, sshd, P(1)), "init");
	assert_string_equal(entry_of(f, own, P(1)), "init");
	assert_string_equal(entry_of(f, shell, P(3)), "sshd");
	assert_string_equal(entry_of(f, child, P(3)), "sshd");
	assert_int_equal(get_int(f, FIELD_PROCESS_SESSION_LEADER_PID), P(3));
	assert_str(get(f, FIELD_PROCESS_SESSION_LEADER_NAME), "bash");

	struct process *worker = session(f, init, P(10), "/usr/bin/ssm-session-worker", 0, 0);

	assert_string_equal(entry_of(f, session(f, worker, P(11), "/bin/sh", 136, 1), P(11)),
			    "ssm");

	struct process *getty = session(f, init, P(20), "/sbin/agetty", 4, 1);

	assert_string_equal(entry_of(f, getty, P(20)), "init");
	getty = exec_again(f->table, getty, "/bin/login");
	assert_string_equal(entry_of(f, getty, P(20)), "console");
	struct process *console_shell = session(f, getty, P(21), "/bin/bash", 4, 1);

	assert_string_equal(entry_of(f, console_shell, P(20)), "console");
	assert_string_equal(entry_of(f, session(f, init, P(22), "/sbin/agetty", 4, 64), P(22)),
			    "terminal");

	/* A pty alone is no entry: a terminal emulator's or tmux's shell came from elsewhere. */
	assert_string_equal(entry_of(f, session(f, child, P(23), "/bin/bash", 136, 7), P(3)),
			    "sshd");

	struct process_facts kthreadd = facts_of(2, 0, 0), kworker = facts_of(P(30), 2, 0);
	struct process_exec none = {0};

	kthreadd.comm = STR("kthreadd");
	kworker.comm = STR("kworker/0:1");
	process_seed(f->table, &kthreadd, &none);
	struct process *thread = process_seed(f->table, &kworker, &none);

	assert_string_equal(entry_of(f, thread, 2), "kthread");
	assert_str(get(f, FIELD_PROCESS_NAME), "kworker/0:1");
	assert_int_equal(get(f, FIELD_PROCESS_EXECUTABLE).len, 0);
	assert_int_equal(event_get(&f->event, FIELD_PROCESS_ARGS)->type, VALUE_NULL);

	struct process_facts lost = facts_of(P(40), P(41), 4);

	assert_string_equal(entry_of(f, process_seed(f->table, &lost, &none), P(40)), "unknown");
}

static void containers(void **state)
{
	struct fixture *f = *state;
	struct process *init = seed_init(f->table);
	struct process *shim = session(f, init, P(1), "/usr/bin/containerd-shim-runc-v2", 0, 0);
	struct process *runc = exec_again(f->table, fork_of(f->table, shim, P(2)), "/usr/bin/runc");
	struct process_facts facts = facts_again(fork_of(f->table, runc, P(3)));
	const char *id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	char cgroup[200];

	snprintf(cgroup, sizeof(cgroup), "/system.slice/docker-%s.scope", id);
	facts.cgroup = str_from(cgroup);
	facts.pid_in_ns = 1;
	struct process_exec exec = exec_of("/entrypoint.sh", STR("sh\0/entrypoint.sh"), 2);
	struct process *p = process_exec(f->table, &facts, &exec, 9 * SECOND);

	assert_string_equal(entry_of(f, p, P(3)), "container");
	assert_str(get(f, FIELD_CONTAINER_ID), id);
	/* A child inherits it, without the record saying so. */
	assert_string_equal(entry_of(f, fork_of(f->table, p, P(4)), P(3)), "container");
	assert_str(get(f, FIELD_CONTAINER_ID), id);

	/* docker exec: not pid 1, but the first of its ancestors in the container. */
	facts = facts_again(fork_of(f->table, runc, P(5)));
	facts.cgroup = str_from(cgroup);
	p = process_exec(f->table, &facts, &exec, 9 * SECOND);
	assert_string_equal(entry_of(f, p, P(5)), "container");
	assert_string_equal(entry_of(f, runc, P(1)), "init");
	assert_int_equal(get(f, FIELD_CONTAINER_ID).len, 0);
}

/* Arguments of hostile size are cut, and the event says so. */
static void arguments_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct process *p = seed_init(f->table);
	struct process_facts facts = facts_again(p);
	size_t bytes = 1 << 20;
	char *text = malloc(bytes);

	memset(text, 'x', bytes);
	struct process_exec exec = exec_of("/bin/x", (struct str){text, bytes}, 1);

	process_exec(f->table, &facts, &exec, 1);
	fill(f, p);
	assert_int_equal(get(f, FIELD_PROCESS_COMMAND_LINE).len, IMAGE_ARGV_BYTES_MAX);
	assert_str(get(f, FIELD_LINTEL_INCOMPLETE), "process.args: cut");
	for (size_t i = 0; i < bytes; i += 2)
		text[i] = '\0';
	process_exec(f->table, &facts, &exec, 1);
	fill(f, p);
	assert_int_equal(event_get(&f->event, FIELD_PROCESS_ARGS)->count, IMAGE_ARGS_MAX);
	assert_int_equal(get_int(f, FIELD_PROCESS_ARGS_COUNT), bytes / 2 + 1);
	exec.argv = (struct str){text, 1};
	process_exec(f->table, &facts, &exec, 1);
	fill(f, p);
	assert_int_equal(get(f, FIELD_PROCESS_ARGS).len, 0);
	assert_int_equal(event_get(&f->event, FIELD_PROCESS_ARGS)->type, VALUE_STRING);
	free(text);
}

static void a_process_seen_too_late(void **state)
{
	struct fixture *f = *state;
	uint64_t unknown = counter_get(COUNTER_PROCESS_UNKNOWN);
	uint64_t gone = counter_get(COUNTER_PROCESS_GONE);
	struct process_facts facts = facts_of(P(7), P(6), 5);

	facts.comm = STR("curl");
	struct process *p = process_acting(f->table, &facts);

	assert_int_equal(counter_get(COUNTER_PROCESS_GONE) - gone, 1);
	assert_int_equal(counter_get(COUNTER_PROCESS_UNKNOWN) - unknown, 0);
	fill(f, p);
	assert_str(get(f, FIELD_PROCESS_NAME), "curl");
	assert_int_equal(get_int(f, FIELD_PROCESS_PARENT_PID), P(6));
	assert_int_equal(event_get(&f->event, FIELD_LINTEL_INCOMPLETE)->count, 2);
	assert_ptr_equal(process_acting(f->table, &facts), p);
	assert_int_equal(counter_get(COUNTER_PROCESS_GONE) - gone, 1);

	/* A pid that is in use, but by a process that started at another time. */
	struct process_facts wrong = facts_of((uint32_t)getpid(), P(6), 1);

	p = process_acting(f->table, &wrong);
	assert_int_equal(counter_get(COUNTER_PROCESS_GONE) - gone, 2);
	assert_true(p->gone);
}

static void finds_itself_in_proc(void **state)
{
	struct fixture *f = *state;
	char cwd[4096], exe[4096], sid[16];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));
	uint32_t me = (uint32_t)getpid();

	assert_true(process_scan_proc(f->table) >= 2);
	struct process *p = process_find(f->table, me, 0);

	assert_non_null(p);
	fill(f, p);
	assert_str(get(f, FIELD_PROCESS_WORKING_DIRECTORY), getcwd(cwd, sizeof(cwd)));
	assert_true(str_eq(get(f, FIELD_PROCESS_EXECUTABLE), (struct str){exe, (size_t)n}));
	assert_str(get(f, FIELD_PROCESS_NAME), "process_test");
	snprintf(sid, sizeof(sid), "%u", geteuid());
	assert_str(get(f, FIELD_USER_ID), sid);
	assert_int_equal(get_int(f, FIELD_PROCESS_PPID), getppid());
	assert_int_equal(get_int(f, FIELD_PROCESS_PARENT_PID), getppid());
	assert_true(get(f, FIELD_PROCESS_PARENT_NAME).len > 0);
	assert_int_equal(p->session_leader.pid, getsid(0));
	assert_int_equal(p->group_leader.pid, getpgrp());
	int64_t start;

	assert_int_equal(clock_parse(get(f, FIELD_PROCESS_START), &start), 0);
	assert_true(start <= clock_now_ns() && start > clock_now_ns() - 120 * NS_PER_SEC);

	/* The same by way of an event of a process never seen. */
	struct process_table *other = new_table(100);
	struct process_facts facts = facts_again(p);
	struct process *found = process_acting(other, &facts);

	assert_memory_equal(found->entity_id, p->entity_id, ENTITY_ID_LEN);
	assert_ptr_equal(found->image->args.items == NULL, p->image->args.items == NULL);
	assert_non_null(process_parent(other, found));
	assert_non_null(process_find(other, 1, 0));
	process_table_free(other);
}

static void ancestors_as_json(void **state)
{
	struct fixture *f = *state;
	struct process *init = seed_init(f->table);
	struct process *p = exec_again(f->table, fork_of(f->table, init, P(1)), "/bin/sh");
	struct buf out = {0};

	process_write_ancestors(f->table, p, &out);
	char expected[600];

	snprintf(
	    expected, sizeof(expected),
	    "[{\"entity_id\":\"%.*s\",\"pid\":%u,\"name\":\"sh\",\"executable\":\"/bin/sh\","
	    "\"args\":[\"/bin/sh\"],\"start\":\"%.*s\",\"user\":{\"id\":\"0\",\"name\":\"root\"}},"
	    "{\"entity_id\":\"%.*s\",\"pid\":1,\"name\":\"init\",\"executable\":\"/sbin/init\","
	    "\"args\":[\"/sbin/"
	    "init\"],\"start\":\"%.*s\",\"user\":{\"id\":\"0\",\"name\":\"root\"}}]",
	    ENTITY_ID_LEN, p->entity_id, P(1), p->start_len, p->start_text, ENTITY_ID_LEN,
	    init->entity_id, init->start_len, init->start_text);
	assert_str(buf_str(&out), expected);
	buf_free(&out);
}

/* Seeds come in any order, and one may be missing: the kernel's task iterator may leave pid 1 out.
 */
static void a_parent_not_seeded_is_sought(void **state)
{
	struct fixture *f = *state;
	struct process_facts facts = facts_of((uint32_t)getpid(), (uint32_t)getppid(), 0);
	struct process_exec none = {0};
	struct process_facts self;
	struct process_exec exec;
	struct arena arena;

	arena_init(&arena);
	assert_int_equal(proc_read(&arena, (uint32_t)getpid(), 0, &self, &exec), 0);
	facts.start_boot_ns = self.start_boot_ns;
	struct process *p = process_seed(f->table, &facts, &none);

	fill(f, p);
	assert_true(get(f, FIELD_PROCESS_PARENT_NAME).len > 0);
	assert_non_null(process_find(f->table, 1, 0));
	assert_int_equal(get(f, FIELD_LINTEL_INCOMPLETE).len, 0);
	arena_free(&arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(fork_exec_exit),
	    TEST(args_are_not_shared_for_writing),
	    TEST(reparenting_keeps_the_creator),
	    TEST(a_reused_pid_is_another_process),
	    TEST(entity_id_is_the_same_by_any_witness),
	    TEST(eviction_is_bounded_and_counted),
	    TEST(long_chains_are_forgotten_whole),
	    TEST(entry_leaders),
	    TEST(containers),
	    TEST(arguments_are_bounded),
	    TEST(a_process_seen_too_late),
	    TEST(finds_itself_in_proc),
	    TEST(a_parent_not_seeded_is_sought),
	    TEST(ancestors_as_json),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
