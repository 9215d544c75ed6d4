/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a process comes from.
 *
 * Parent: the process that created it, as Elastic Defend has it. When that exits, the kernel gives
 * the child to init or a subreaper; process.ppid follows the kernel, process.parent does not, so
 * that the origin of a daemon stays visible. Of a process older than lintel only the kernel's
 * parent is known.
 *
 * Entry leader: the nearest of the process itself and its ancestors through which somebody or
 * something came onto the host. A process is one when, at its exec,
 *
 *	init		it is pid 1, or a session leader that pid 1 created (a service)
 *	sshd, ssm	it is a session leader that sshd or ssm-session-worker created
 *	container	it is pid 1 of another pid namespace, the first of its ancestors with its
 *			container id, or a session leader that a container runtime created
 *	terminal	it is a session leader on a serial line
 *	console		it is login as session leader on a virtual terminal
 *	kthread		it is kthreadd, ancestor of all that the kernel starts by itself
 *	unknown		it is the last ancestor that is known
 *
 * These are the values and rules of Elastic's session view (entry_meta.type), with the container
 * cases widened from the runtimes' names to the kernel's facts.
 */
#include "process/proc_internal.h"
#include "process/process_internal.h"

/* Ancestors between a process and one whose entry leader is known. Forks settle at once, so more
 * than a few are met only in a table just filled from a running system. */
#define SETTLE_DEPTH_MAX 4096

/* tty(4): virtual terminals are 4:0 to 4:63, serial lines follow; pts(4) has 136 to 143. */
#define TTY_MAJOR 4
#define VT_MINOR_MAX 63
#define PTS_MAJOR_MIN 136
#define PTS_MAJOR_MAX 143

struct str entry_type_name(enum entry_type type)
{
	static const struct str names[] = {
	    [ENTRY_UNSET] = {"unknown", 7},     [ENTRY_UNKNOWN] = {"unknown", 7},
	    [ENTRY_INIT] = {"init", 4},         [ENTRY_SSHD] = {"sshd", 4},
	    [ENTRY_SSM] = {"ssm", 3},           [ENTRY_CONTAINER] = {"container", 9},
	    [ENTRY_TERMINAL] = {"terminal", 8}, [ENTRY_CONSOLE] = {"console", 7},
	    [ENTRY_KTHREAD] = {"kthread", 7},
	};

	return names[type];
}

static struct str name_of(const struct process *process)
{
	return process && process->image ? process->image->name : STR_NULL;
}

static bool is_sshd(struct str name)
{
	/* OpenSSH 9.8 split the session part off into sshd-session. */
	return str_eq(name, STR("sshd")) || str_eq(name, STR("sshd-session"));
}

static bool is_container_runtime(struct str name)
{
	return str_starts(name, STR("containerd-shim")) || str_eq(name, STR("runc")) ||
	       str_eq(name, STR("crun")) || str_eq(name, STR("conmon"));
}

static bool is_virtual_terminal(const struct process *p)
{
	return p->tty_major == TTY_MAJOR && p->tty_minor <= VT_MINOR_MAX;
}

static bool is_serial_line(const struct process *p)
{
	if (!p->tty_major && !p->tty_minor)
		return false;
	return !is_virtual_terminal(p) &&
	       (p->tty_major < PTS_MAJOR_MIN || p->tty_major > PTS_MAJOR_MAX);
}

static bool enters_container(const struct process *p, const struct process *parent)
{
	if (p->pid_in_ns == 1)
		return true;
	if (!p->container_id_len || !parent)
		return false;
	return p->container_id_len != parent->container_id_len ||
	       memcmp(p->container_id, parent->container_id, p->container_id_len) != 0;
}

static enum entry_type session_entry(const struct process *p, const struct process *parent)
{
	struct str name = name_of(p), parent_name = name_of(parent);

	if (is_serial_line(p))
		return ENTRY_TERMINAL;
	if (is_virtual_terminal(p) && str_eq(name, STR("login")))
		return ENTRY_CONSOLE;
	if (p->parent.pid == 1)
		return ENTRY_INIT;
	if (str_eq(parent_name, STR("ssm-session-worker")))
		return ENTRY_SSM;
	if (is_sshd(parent_name) && !is_sshd(name))
		return ENTRY_SSHD;
	if (is_container_runtime(parent_name) && !is_container_runtime(name))
		return ENTRY_CONTAINER;
	return ENTRY_UNSET;
}

/* What makes the process itself an entry leader; ENTRY_UNSET if nothing does. */
static enum entry_type own_entry(const struct process *p, const struct process *parent)
{
	if (p->pid == 1)
		return ENTRY_INIT;
	/* kthreadd is created second, by no process (init/main.c, rest_init). */
	if (p->pid == 2 && !p->parent.pid)
		return ENTRY_KTHREAD;
	if (enters_container(p, parent))
		return ENTRY_CONTAINER;
	if (p->pid == p->session_leader.pid)
		return session_entry(p, parent);
	return ENTRY_UNSET;
}

static void settle_leader(struct process_table *table, struct process *p, struct link *link)
{
	if (!link->pid || link->process)
		return;
	/* The number of a group or session is not given out again while it has members, so the
	 * newest process with that pid is the leader (kernel/pid.c, free_pid after the last
	 * __change_pid). */
	struct process *leader = link->pid == p->pid ? p : table_newest(table, link->pid);

	if (leader)
		link_set(table, p, link, leader);
}

static void settle_parent(struct process_table *table, struct process *p)
{
	if (!p->parent.pid || p->parent.process)
		return;
	struct process *parent = table_newest(table, p->parent.pid);

	if (!parent && !p->parent_sought && !table->offline &&
	    table->max - table->count > PROC_DISCOVER_MAX) {
		/* Once, and only while nothing is forgotten for it. The task iterator of some
		 * kernels leaves pid 1 out (seen on 6.18). */
		p->parent_sought = true;
		(void)proc_discover(table, p->parent.pid, 0);
		parent = table_newest(table, p->parent.pid);
	}
	/* A parent's pid may be in use again; then by something younger than the child. Of one
	 * that a log mentions for the first time after its child that cannot be said. */
	if (parent && parent != p &&
	    (parent->start_is_unknown || parent->start_ticks <= p->start_ticks))
		link_set(table, p, &p->parent, parent);
}

static void settle_links(struct process_table *table, struct process *p)
{
	settle_parent(table, p);
	settle_leader(table, p, &p->group_leader);
	settle_leader(table, p, &p->session_leader);
}

static bool links_settled(const struct process *p)
{
	return (!p->parent.pid || p->parent.process) &&
	       (!p->group_leader.pid || p->group_leader.process) &&
	       (!p->session_leader.pid || p->session_leader.process);
}

static void set_own_entry(struct process_table *table, struct process *p, enum entry_type type)
{
	p->entry = (uint8_t)type;
	link_set(table, p, &p->entry_leader, p);
}

/* The process whose entry leader this one shares when it is none itself: its parent, but for an
 * orphan that was given to init the leader of its session tells more. NULL when lineage ends. */
static struct process *entry_source(const struct process *p)
{
	struct process *parent = link_get(&p->parent);
	struct process *leader = link_get(&p->session_leader);

	if ((!parent || parent->pid == 1) && leader && leader != p)
		return leader;
	return parent;
}

static void work_out_entry(struct process_table *table, struct process *p)
{
	struct process *source = entry_source(p);
	enum entry_type type = own_entry(p, link_get(&p->parent));

	if (type == ENTRY_UNSET && source && source->entry != ENTRY_UNSET) {
		p->entry = source->entry;
		link_copy(table, p, &p->entry_leader, &source->entry_leader);
		return;
	}
	set_own_entry(table, p, type == ENTRY_UNSET ? ENTRY_UNKNOWN : type);
}

/* The first that has to be worked out before `p` can be: the process itself when its source is. */
static struct process *first_unset(struct process_table *table, struct process *p)
{
	for (int i = 0; i < SETTLE_DEPTH_MAX; i++) {
		settle_links(table, p);
		struct process *source = entry_source(p);

		if (!source || source->entry != ENTRY_UNSET)
			break;
		p = source;
	}
	return p;
}

void lineage_settle(struct process_table *table, struct process *process)
{
	if (process->settled)
		return;
	settle_links(table, process);
	/* One at a time, nearest to the root first. The way there is walked again for each, but
	 * chains are short and each process is worked out once. */
	while (process->entry == ENTRY_UNSET)
		work_out_entry(table, first_unset(table, process));
	process->settled = links_settled(process);
}

void lineage_enter(struct process_table *table, struct process *process)
{
	lineage_settle(table, process);

	enum entry_type type = own_entry(process, link_get(&process->parent));

	if (type != ENTRY_UNSET)
		set_own_entry(table, process, type);
}
