/* SPDX-License-Identifier: Apache-2.0 */
/* Facts into the table: what each kind of record changes of a process. */
#include "process/process_internal.h"

#include "base/counter.h"
#include "process/proc_internal.h"

static void apply_cgroup(struct process *p, struct str cgroup)
{
	if (!cgroup.len)
		return;
	uint64_t hash = str_hash(cgroup);

	if (hash == p->cgroup_hash)
		return;
	struct str id = container_id_of(cgroup);

	p->cgroup_hash = hash;
	p->container_id_len = (uint8_t)id.len;
	if (id.len)
		memcpy(p->container_id, id.p, id.len);
}

static void apply_credential(struct process_table *table, struct process *p,
			     const struct process_facts *facts)
{
	if (credential_is(table, p->credential, facts))
		return;
	struct credential *old = p->credential;

	p->credential = credential_get(table, facts);
	credential_unref(table, old);
}

static void apply_leader(struct process_table *table, struct process *p, struct link *link,
			 uint32_t pid)
{
	if (link->pid == pid)
		return;
	link_set_unknown(table, link, pid);
	p->settled = false;
}

/* What the kernel says now of a process in the table. */
static void apply_facts(struct process_table *table, struct process *p,
			const struct process_facts *facts)
{
	/* Read from /proc first, the start is rounded; the kernel's own is exact. */
	if (facts->start_boot_ns > p->start_boot_ns)
		table_set_start(table, p, facts->start_boot_ns);
	p->tid = facts->tid;
	p->ppid = facts->ppid;
	p->tty_major = facts->tty_major;
	p->tty_minor = facts->tty_minor;
	p->mount_ns = facts->mount_ns;
	p->pid_ns = facts->pid_ns;
	p->pid_in_ns = facts->pid_in_ns;
	apply_leader(table, p, &p->group_leader, facts->pgid);
	apply_leader(table, p, &p->session_leader, facts->sid);
	apply_credential(table, p, facts);
	apply_cgroup(p, facts->cgroup);
}

static struct process *find_by_facts(struct process_table *table, const struct process_facts *facts)
{
	return table_find(table, facts->pid, start_ticks_of(facts->start_boot_ns));
}

/* Who created it, by a record of its start. */
static void set_parent(struct process_table *table, struct process *p,
		       const struct process_facts *facts)
{
	struct process *parent = NULL;

	if (facts->parent_start_boot_ns)
		parent =
		    table_find(table, facts->ppid, start_ticks_of(facts->parent_start_boot_ns));
	if (parent)
		link_set(table, p, &p->parent, parent);
	else if (p->parent.pid != facts->ppid)
		link_set_unknown(table, &p->parent, facts->ppid);
	p->settled = false;
}

static struct process *add(struct process_table *table, const struct process_facts *facts)
{
	struct process *older = table_newest(table, facts->pid);

	/* The pid is in use again: whatever had it has exited, whether or not that was seen. */
	if (older && older->start_ticks < start_ticks_of(facts->start_boot_ns))
		table_mark_exited(table, older, facts->start_boot_ns);
	struct process *p = table_insert(table, facts->pid, facts->start_boot_ns);

	p->start_is_unknown = facts->start_is_unknown;
	set_parent(table, p, facts);
	apply_facts(table, p, facts);
	return p;
}

/* To be called before the child is added: making room must not forget what was just found. */
static void ensure_parent(struct process_table *table, const struct process_facts *facts)
{
	if (!table->offline && facts->ppid &&
	    !process_find(table, facts->ppid, facts->parent_start_boot_ns))
		(void)proc_discover(table, facts->ppid,
				    start_ticks_of(facts->parent_start_boot_ns));
}

static void set_image(struct process_table *table, struct process *p, struct image *image)
{
	struct image *old = p->image;

	p->image = image;
	image_unref(table, old);
}

static void inherit_image(struct process_table *table, struct process *p, struct str comm)
{
	struct process *parent = link_find(table, &p->parent);

	if (parent && parent->image)
		set_image(table, p, image_ref(parent->image));
	else if (!p->image)
		set_image(table, p, image_new(table, &(struct process_exec){0}, comm));
}

static void inherit_container(struct process_table *table, struct process *p)
{
	const struct process *parent = link_find(table, &p->parent);

	if (p->cgroup_hash || !parent)
		return;
	p->cgroup_hash = parent->cgroup_hash;
	p->container_id_len = parent->container_id_len;
	memcpy(p->container_id, parent->container_id, parent->container_id_len);
}

/* A process that was never seen starting: from /proc, else from the record alone. */
static struct process *add_unknown(struct process_table *table, const struct process_facts *facts)
{
	struct process *p =
	    table->offline ? NULL
			   : proc_discover(table, facts->pid, start_ticks_of(facts->start_boot_ns));

	if (p) {
		counter_add(COUNTER_PROCESS_UNKNOWN, 1);
		return p;
	}
	counter_add(COUNTER_PROCESS_GONE, 1);
	ensure_parent(table, facts);
	p = add(table, facts);
	p->gone = true;
	set_image(table, p, image_new(table, &(struct process_exec){0}, facts->comm));
	return p;
}

/* The process of a record, brought up to date, and whether it is one that had to be made. */
static struct process *take(struct process_table *table, const struct process_facts *facts)
{
	struct process *p = find_by_facts(table, facts);

	if (!p)
		p = add_unknown(table, facts);
	apply_facts(table, p, facts);
	return p;
}

struct process *process_acting(struct process_table *table, const struct process_facts *facts)
{
	struct process *p = take(table, facts);

	lineage_settle(table, p);
	return p;
}

struct process *process_fork(struct process_table *table, const struct process_facts *child,
			     uint64_t boot_ns)
{
	table_sweep(table, boot_ns);
	ensure_parent(table, child);
	struct process *p = find_by_facts(table, child);

	/* Found running before the record of its start was read. */
	if (p) {
		set_parent(table, p, child);
		apply_facts(table, p, child);
	} else {
		p = add(table, child);
	}
	lineage_settle(table, p);
	inherit_image(table, p, child->comm);
	inherit_container(table, p);
	return p;
}

struct process *process_exec(struct process_table *table, const struct process_facts *facts,
			     const struct process_exec *exec, uint64_t boot_ns)
{
	table_sweep(table, boot_ns);
	struct process *p = find_by_facts(table, facts);

	if (p) {
		apply_facts(table, p, facts);
	} else {
		/* Its fork was not seen; the exec itself says all about it but its ancestors. */
		ensure_parent(table, facts);
		p = add(table, facts);
	}
	set_image(table, p, image_new(table, exec, facts->comm));
	p->gone = false;
	lineage_enter(table, p);
	return p;
}

struct process *process_exit(struct process_table *table, const struct process_facts *facts,
			     uint32_t exit_code, uint64_t boot_ns)
{
	table_sweep(table, boot_ns);
	struct process *p = take(table, facts);

	lineage_settle(table, p);
	p->exit_code = exit_code;
	table_mark_exited(table, p, boot_ns);
	return p;
}

struct process *process_seed(struct process_table *table, const struct process_facts *facts,
			     const struct process_exec *exec)
{
	struct process *p = find_by_facts(table, facts);

	if (p)
		apply_facts(table, p, facts);
	else
		p = add(table, facts);
	/* What its exec said is better than what can be read afterwards. */
	if (!p->image || p->image->from_facts_only)
		set_image(table, p, image_new(table, exec, facts->comm));
	p->gone = false;
	return p;
}

struct process *process_parent(struct process_table *table, const struct process *process)
{
	return link_find(table, &process->parent);
}

/* By its number in a pid namespace other than the initial one. */
static struct process *find_in_namespace(struct process_table *table, uint64_t pid_ns,
					 uint32_t number)
{
	for (struct process *p = table->lists[LIFE_LIVING].last; p; p = p->prev)
		if (p->pid_in_ns == number && p->pid_ns == pid_ns)
			return p;
	return NULL;
}

struct process *process_by_number(struct process_table *table, uint64_t pid_ns, uint32_t number)
{
	struct process *p;
	uint32_t pid;

	if (pid_ns && pid_ns != INITIAL_PID_NS)
		return find_in_namespace(table, pid_ns, number);
	p = table_newest(table, number);
	if (p && p->life == LIFE_LIVING)
		return p;
	pid = proc_thread_group(number);
	if (!pid)
		return p;
	if (pid != number)
		p = table_newest(table, pid);
	return p && p->life == LIFE_LIVING ? p : proc_discover(table, pid, 0);
}

struct process_ids process_ids(const struct process *p)
{
	const struct credential *c = p->credential;

	if (!c)
		return (struct process_ids){.sid = p->session_leader.pid};
	return (struct process_ids){.uid = c->uid,
				    .euid = c->euid,
				    .gid = c->gid,
				    .egid = c->egid,
				    .sid = p->session_leader.pid,
				    .cap_effective = c->cap_effective,
				    .cap_permitted = c->cap_permitted};
}

void process_set_hashes(struct process *process, const struct file_hashes *hashes)
{
	if (process->image)
		process->image->hashes = *hashes;
}
