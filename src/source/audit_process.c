/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who did it. The process table is fed with what the log says of forks, execs and exits; a process
 * that the log has only acting is entered as it is first met, with the time of that instead of its
 * start.
 *
 * A log misses forks and exits, so a pid that comes again may be another process: it is, if the
 * last one has exited, or if parent and executable have both changed (or, at an exec, the parent:
 * only an orphan gets another one, its executable stays).
 */
#include "source/audit_ecs_internal.h"

#include <sched.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/counter.h"

/* How long after its end a process's records may still come. */
#define LATE_NS (UINT64_C(1) * NS_PER_SEC)

/* pts(4), tty(4), ttyS(4), console(4) */
static const struct {
	struct str prefix;
	uint32_t major, first_minor;
} terminals[] = {
    {{"pts", 3}, 136, 0},
    {{"ttyS", 4}, 4, 64},
    {{"tty", 3}, 4, 0},
};

static void set_terminal(struct process_facts *facts, struct str tty)
{
	if (str_eq(tty, STR("console"))) {
		facts->tty_major = 5;
		facts->tty_minor = 1;
	}
	for (size_t i = 0; i < sizeof(terminals) / sizeof(*terminals); i++) {
		struct str prefix = terminals[i].prefix;

		if (!str_starts(tty, prefix))
			continue;
		uint64_t number = audit_parse_number(
		    (struct str){tty.p + prefix.len, tty.len - prefix.len}, 10, UINT32_MAX);

		if (number > 1 << 20)
			continue;
		/* 256 minors to a major: pts(4). */
		facts->tty_major = terminals[i].major + (uint32_t)(number >> 8);
		facts->tty_minor = terminals[i].first_minor + (uint32_t)(number & 255);
		return;
	}
}

static uint32_t id_of(const struct audit_record *record, struct str name)
{
	return (uint32_t)audit_number(record, name, 10, UINT32_MAX);
}

/* Names that an enriched log has; "unset" is no name. */
static struct str name_of(const struct audit_record *record, struct str field)
{
	struct str name = audit_get(record, field);

	return str_eq(name, STR("unset")) || str_starts(name, STR("unknown(")) ? STR_NULL : name;
}

static void set_facts(struct process_facts *facts, const struct audit_record *record)
{
	*facts = (struct process_facts){
	    .pid = id_of(record, STR("pid")),
	    .ppid = id_of(record, STR("ppid")),
	    .uid = id_of(record, STR("uid")),
	    .gid = id_of(record, STR("gid")),
	    .euid = id_of(record, STR("euid")),
	    .egid = id_of(record, STR("egid")),
	    .suid = id_of(record, STR("suid")),
	    .sgid = id_of(record, STR("sgid")),
	    .login_uid = id_of(record, STR("auid")),
	    .audit_session = id_of(record, STR("ses")),
	    .comm = audit_get(record, STR("comm")),
	    .user_name = name_of(record, STR("EUID")),
	    .group_name = name_of(record, STR("EGID")),
	    .real_user_name = name_of(record, STR("UID")),
	    .real_group_name = name_of(record, STR("GID")),
	};
	facts->tid = facts->pid;
	if (facts->ppid == UINT32_MAX)
		facts->ppid = 0;
	set_terminal(facts, audit_get(record, STR("tty")));
}

/* Is the process with this pid that the table has the one of the record? */
static bool is_same(const struct audit_making *making, const struct process_brief *known,
		    const struct process_facts *facts)
{
	struct str executable = audit_get(making->call, STR("exe"));
	bool other_parent = known->ppid != facts->ppid;
	uint64_t now = (uint64_t)making->group->time_ns;

	/* Calls of its other threads may be told behind its end. */
	if (known->has_exited && (other_parent || now > known->exited_boot_ns + LATE_NS ||
				  making->kind.object == OBJECT_EXEC))
		return false;
	if (!other_parent)
		return true;
	if (making->kind.object == OBJECT_EXEC && !making->failed)
		return facts->ppid == 1;
	return !executable.len || !known->executable_path.len ||
	       str_eq(executable, known->executable_path);
}

/* Gives the facts the start by which the table knows the process. False: it does not yet. */
static bool identify(struct audit_making *making, struct process_facts *facts)
{
	uint64_t now = (uint64_t)making->group->time_ns;
	struct process *known = process_find(making->node->processes, facts->pid, 0);

	if (known) {
		struct process_brief brief = process_brief(known);

		facts->start_boot_ns = brief.start_boot_ns;
		if (is_same(making, &brief, facts))
			return true;
		/* Within a tick of the other's start it would be the same. */
		if (now < brief.start_boot_ns + 20000000)
			now = brief.start_boot_ns + 20000000;
	}
	facts->start_boot_ns = now;
	facts->start_is_unknown = true;
	return false;
}

static struct str first_path(const struct audit_group *group)
{
	for (uint32_t i = 0; i < group->count; i++)
		if (str_eq(group->records[i].type, STR("PATH")) &&
		    str_eq(audit_get(&group->records[i], STR("item")), STR("0")))
			return audit_get(&group->records[i], STR("name"));
	return STR_NULL;
}

/* The n-th of NUL-separated arguments. */
static struct str argument(struct str args, uint32_t n)
{
	for (; args.len; n--) {
		const char *nul = memchr(args.p, '\0', args.len);
		size_t len = nul ? (size_t)(nul - args.p) : args.len;

		if (!n)
			return (struct str){args.p, len};
		len += nul != NULL;
		args.p += len;
		args.len -= len;
	}
	return STR_NULL;
}

/* The kernel puts interpreter and script before the arguments of a script, with an argument of its
 * #! line between them if there is one (fs/binfmt_script.c). */
static struct str interpreter_of(const struct audit_group *group, struct str file)
{
	if (!file.len || str_eq(argument(group->args, 0), file))
		return STR_NULL;
	if (str_eq(argument(group->args, 1), file) || str_eq(argument(group->args, 2), file))
		return argument(group->args, 0);
	return STR_NULL;
}

static void on_exec(struct audit_making *making, struct process_facts *facts)
{
	const struct audit_group *group = making->group;
	struct str executable = audit_get(making->call, STR("exe"));
	struct process_exec exec = {
	    .filename = first_path(group),
	    .executable_path = executable,
	    .working_directory = audit_get(audit_record_of(group, STR("CWD")), STR("cwd")),
	    .argv = group->args,
	    .argc = group->args_count,
	    .argv_truncated = group->args_cut,
	};

	exec.interpreter = interpreter_of(group, exec.filename);
	identify(making, facts);
	making->process =
	    process_exec(making->node->processes, facts, &exec, (uint64_t)group->time_ns);
	if (!exec.filename.len)
		audit_incomplete(making,
				 "process.executable: no PATH record, the running file's path");
	if (!group->args.len)
		audit_incomplete(making, "process.args: no EXECVE record");
}

/* A process that is not known from its exec: PROCTITLE has the first 128 bytes of its arguments. */
static void enter(struct audit_making *making, struct process_facts *facts)
{
	const struct audit_record *title = audit_record_of(making->group, STR("PROCTITLE"));
	struct process_exec exec = {
	    .executable_path = audit_get(making->call, STR("exe")),
	    .argv = audit_get(title, STR("proctitle")),
	};

	exec.argv_truncated = exec.argv.len >= 127;
	counter_add(COUNTER_AUDIT_PROCESS_UNKNOWN, 1);
	making->process = process_seed(making->node->processes, facts, &exec);
}

static void on_act(struct audit_making *making, struct process_facts *facts)
{
	if (identify(making, facts))
		making->process = process_acting(making->node->processes, facts);
	else
		enter(making, facts);
}

/* A call is told when it returns, with the time when it began. So the child may have been met before
 * its fork is told, always when its parent waited for it to exec (vfork, posix_spawn). */
static struct process *child_met(const struct audit_making *making, uint32_t pid)
{
	struct process *known = process_find(making->node->processes, pid, 0);

	if (!known || process_brief(known).start_boot_ns < (uint64_t)making->group->time_ns)
		return NULL;
	return known;
}

/* The child: the log tells its pid as its parent sees it, which is another number in a container. */
static void on_fork(struct audit_making *making, struct process_facts *parent)
{
	struct process_facts child = *parent;
	uint64_t pid = audit_number(making->call, STR("exit"), 10, 0);

	on_act(making, parent);
	if (!pid || pid >= UINT32_MAX)
		return;
	struct process *met = child_met(making, (uint32_t)pid);

	if (met) {
		making->process = met;
		return;
	}
	child.pid = child.tid = (uint32_t)pid;
	child.ppid = parent->pid;
	child.start_boot_ns = (uint64_t)making->group->time_ns;
	child.start_is_unknown = false;
	child.parent_start_boot_ns = parent->start_boot_ns;
	making->process = process_fork(making->node->processes, &child, child.start_boot_ns);
}

static bool makes_thread(const struct audit_making *making)
{
	/* clone(2): the flags are the second argument on s390 and cris alone. */
	return str_eq(making->call_name, STR("clone")) &&
	       audit_number(making->call, STR("a0"), 16, 0) & CLONE_THREAD;
}

static void on_exit_group(struct audit_making *making, struct process_facts *facts)
{
	uint32_t status = (uint32_t)audit_number(making->call, STR("a0"), 16, 0) & 0xff;

	on_act(making, facts);
	facts->start_boot_ns = process_brief(making->process).start_boot_ns;
	making->process = process_exit(making->node->processes, facts, status << 8,
				       (uint64_t)making->group->time_ns);
}

bool audit_process(struct audit_making *making)
{
	struct process_facts facts;

	if (!making->call) {
		uint32_t pid = id_of(making->main, STR("pid"));

		if (pid != UINT32_MAX)
			making->process = process_find(making->node->processes, pid, 0);
		return true;
	}
	set_facts(&facts, making->call);
	if (facts.pid == UINT32_MAX) {
		audit_incomplete(making, "process.pid: not in the record");
		return true;
	}
	if (making->failed || making->main != making->call) {
		on_act(making, &facts);
		return true;
	}
	switch (making->kind.object) {
	case OBJECT_EXEC:
		on_exec(making, &facts);
		return true;
	case OBJECT_FORK:
		if (makes_thread(making)) {
			on_act(making, &facts);
			return false;
		}
		on_fork(making, &facts);
		return true;
	case OBJECT_FORK_OR_THREAD:
		on_fork(making, &facts);
		return false;
	case OBJECT_EXIT:
		on_exit_group(making, &facts);
		return true;
	default:
		on_act(making, &facts);
		return true;
	}
}

static void set_if(struct event *event, uint32_t field, struct str value)
{
	if (value.len && event_get(event, field)->type == VALUE_NULL)
		event_set_str(event, field, value);
}

/* What a record without a system call says of its process. */
static void fill_from_record(struct audit_making *making)
{
	const struct audit_record *record = making->call ? making->call : making->main;
	struct event *event = making->event;
	const struct audit_record *parent =
	    audit_record_of(making->group, STR("PARENT_INFO")); /* laurel before 0.5.6 */
	struct str executable = audit_get(record, STR("exe"));
	uint32_t pid = id_of(record, STR("pid")), ppid = id_of(record, STR("ppid"));

	if (pid != UINT32_MAX && event_get(event, FIELD_PROCESS_PID)->type == VALUE_NULL)
		event_set_int(event, FIELD_PROCESS_PID, pid);
	if (ppid != UINT32_MAX && event_get(event, FIELD_PROCESS_PARENT_PID)->type == VALUE_NULL)
		event_set_int(event, FIELD_PROCESS_PARENT_PID, ppid);
	set_if(event, FIELD_PROCESS_EXECUTABLE, executable);
	set_if(event, FIELD_PROCESS_NAME,
	       executable.len ? str_basename(executable) : audit_get(record, STR("comm")));
	set_if(event, FIELD_USER_ID, audit_get(record, STR("uid")));
	set_if(event, FIELD_USER_NAME, name_of(record, STR("UID")));
	/* laurel knows more of the parent than the records do */
	set_if(event, FIELD_PROCESS_PARENT_EXECUTABLE, audit_get(record, STR("PPID.exe")));
	set_if(event, FIELD_PROCESS_PARENT_NAME, audit_get(record, STR("PPID.comm")));
	set_if(event, FIELD_PROCESS_PARENT_EXECUTABLE, audit_get(parent, STR("exe")));
	set_if(event, FIELD_PROCESS_PARENT_NAME, audit_get(parent, STR("comm")));
}

static struct str title_of(struct arena *arena, struct str argv)
{
	struct str title = arena_str(arena, argv);

	for (size_t i = 0; i < title.len; i++)
		if (!title.p[i])
			((char *)title.p)[i] = ' ';
	return title;
}

static void fill_container(struct audit_making *making)
{
	const struct audit_record *container =
	    audit_record_of(making->group, STR("CONTAINER_INFO"));
	struct str id = audit_get(container, STR("ID"));

	set_if(making->event, FIELD_CONTAINER_ID, id.len ? id : audit_get(container, STR("id")));
}

/* What laurel reads of a program beside the records: variables of its environment, and, where it is
 * told so, its arguments as one text. */
static void fill_laurels(struct audit_making *making)
{
	const struct audit_record *record = audit_record_of(making->group, STR("EXECVE"));
	struct arena *arena = &making->event->arena;
	struct str prefix = STR("ENV.");

	set_if(making->event, FIELD_PROCESS_COMMAND_LINE, audit_get(record, STR("ARGV_STR")));
	for (uint32_t i = 0; record && i < record->count; i++) {
		struct str name = record->fields[i].name;

		if (!str_starts(name, prefix))
			continue;
		name = (struct str){name.p + prefix.len, name.len - prefix.len};
		audit_append(making, "process.env_vars",
			     arena_printf(arena, "%.*s=%.*s", STR_ARG(name),
					  STR_ARG(record->fields[i].value)));
	}
}

void audit_fill_process(struct audit_making *making)
{
	const struct audit_record *record = making->call ? making->call : making->main;
	const struct audit_record *title = audit_record_of(making->group, STR("PROCTITLE"));
	struct event *event = making->event;

	if (making->process)
		process_fill(making->node->processes, making->process, event);
	fill_from_record(making);
	fill_container(making);
	fill_laurels(making);
	event_set_str(event, FIELD_PROCESS_WORKING_DIRECTORY,
		      audit_get(audit_record_of(making->group, STR("CWD")), STR("cwd")));
	if (audit_get(title, STR("proctitle")).len)
		audit_set(making, "process.title",
			  title_of(&event->arena, audit_get(title, STR("proctitle"))));
	if (id_of(record, STR("auid")) != UINT32_MAX)
		audit_set(making, "user.audit.id", audit_get(record, STR("auid")));
	audit_set(making, "user.audit.name", name_of(record, STR("AUID")));
}
