/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor_internal.h"

#include <sys/wait.h>

#include "sensor/hasher.h"

/* Parts of an exec record that may be missing or cut, and how that is told. */
static const struct {
	enum wire_span_kind span;
	const char *failed;
	const char *cut;
} parts[] = {
    {WIRE_SPAN_PLACE0, "lintel.process.executable_path: could not be read",
     "lintel.process.executable_path: cut"},
    {WIRE_SPAN_PLACE1, "lintel.process.root: could not be read", "lintel.process.root: cut"},
    {WIRE_SPAN_CWD, "process.working_directory: could not be read",
     "process.working_directory: cut"},
    {WIRE_SPAN_TEXT0, "process.executable: could not be read", "process.executable: cut"},
    {WIRE_SPAN_TEXT1, "lintel.process.interpreter: could not be read",
     "lintel.process.interpreter: cut"},
    {WIRE_SPAN_ENV, "process.env_vars: could not be read", "process.env_vars: cut"},
    {WIRE_SPAN_CGROUP, "container.id: cgroup could not be read", "container.id: cgroup path cut"},
};

static void say_incomplete(struct sensor *sensor, const struct wire_view *view,
			   const struct process_exec *exec)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (wire_has_failed(view, parts[i].span))
			emit_incomplete(sensor, parts[i].failed);
		else if (wire_is_cut(view, parts[i].span))
			emit_incomplete(sensor, parts[i].cut);
	}
	/* that they were cut says the process table, in every event of the process */
	if (exec->argv.len == 0 && exec->argc)
		emit_incomplete(sensor, "process.args: could not be read");
}

/* Which file it is the kernel has said; its content is read by the hasher's thread. */
static void fill_hashes(struct sensor *sensor, const struct wire_view *view, struct str host_path,
			struct process *process)
{
	static const struct {
		enum counter counter;
		const char *text;
	} reasons[] = {
	    [HASH_TOO_LARGE] = {COUNTER_HASH_TOO_LARGE, "process.hash: the file is too large"},
	    [HASH_LATE] = {COUNTER_HASH_LATE, "process.hash: reading the file takes too long"},
	    [HASH_BUSY] = {COUNTER_HASH_LATE, "process.hash: another file is being read"},
	    [HASH_FAILED] = {COUNTER_HASH_FAILED, "process.hash: the file could not be read"},
	};
	const struct wire_record *record = &view->record;
	const struct hash_file file = {.inode = record->inode.number,
				       .changed_ns = record->inode.changed_ns,
				       .size = record->inode.size,
				       .dev = record->place[0].dev,
				       .pid = record->actor.pid,
				       .host_path = host_path};
	struct file_hashes hashes = {0};
	enum hash_outcome outcome;

	if (!sensor->hasher)
		return;
	outcome = hasher_get(sensor->hasher, &file, &hashes);
	if (outcome == HASH_DONE) {
		process_set_hashes(process, &hashes);
		return;
	}
	counter_add(reasons[outcome].counter, 1);
	emit_incomplete(sensor, reasons[outcome].text);
}

static int64_t exit_status(uint32_t code)
{
	return WIFSIGNALED(code) ? 128 + WTERMSIG(code) : WEXITSTATUS(code);
}

void process_event(struct sensor *sensor, const struct wire_view *view)
{
	const struct wire_record *record = &view->record;
	struct process *process;
	struct process_facts facts;
	struct process_exec exec;

	wire_facts(view, &facts);
	/* An exiting process has left its cgroup, and its record names none. */
	if (record->kind != WIRE_EXIT)
		facts.cgroup = record_cgroup(sensor, view);
	views_of(sensor->views, &record->actor);
	emit_begin(sensor, record->boot_ns, STR("tracepoint"));
	switch (record->kind) {
	case WIRE_FORK:
		process = process_fork(sensor->processes, &facts, record->boot_ns);
		emit_kind(sensor, "process", "start", "fork");
		break;
	case WIRE_EXEC:
		record_exec(sensor, view, &exec);
		process = process_exec(sensor->processes, &facts, &exec, record->boot_ns);
		emit_kind(sensor, "process", "start", "exec");
		say_incomplete(sensor, view, &exec);
		fill_hashes(sensor, view, exec.host_executable_path, process);
		view_set_root(views_of(sensor->views, &record->actor), exec.root);
		if (sensor->witness)
			witness_view(sensor->witness, &record->actor, false);
		break;
	default:
		process = process_exit(sensor->processes, &facts, (uint32_t)record->value,
				       record->boot_ns);
		emit_kind(sensor, "process", "end", "end");
		event_set_int(&sensor->event, FIELD_PROCESS_EXIT_CODE,
			      exit_status((uint32_t)record->value));
		break;
	}
	emit_end(sensor, process);
}
