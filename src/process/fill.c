/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process into an event. Runs for every event, so nothing is made here: all texts were made when
 * the process started or executed, and are lent to the event.
 */
#include "process/process_internal.h"

/* A leader's fields, which differ only by their prefix. */
struct leader_fields {
	uint32_t entity_id, pid, name, executable, args;
};

static const struct leader_fields group_leader_fields = {
    FIELD_PROCESS_GROUP_LEADER_ENTITY_ID, FIELD_PROCESS_GROUP_LEADER_PID,
    FIELD_PROCESS_GROUP_LEADER_NAME,      FIELD_PROCESS_GROUP_LEADER_EXECUTABLE,
    FIELD_PROCESS_GROUP_LEADER_ARGS,
};
static const struct leader_fields session_leader_fields = {
    FIELD_PROCESS_SESSION_LEADER_ENTITY_ID, FIELD_PROCESS_SESSION_LEADER_PID,
    FIELD_PROCESS_SESSION_LEADER_NAME,      FIELD_PROCESS_SESSION_LEADER_EXECUTABLE,
    FIELD_PROCESS_SESSION_LEADER_ARGS,
};
static const struct leader_fields entry_leader_fields = {
    FIELD_PROCESS_ENTRY_LEADER_ENTITY_ID, FIELD_PROCESS_ENTRY_LEADER_PID,
    FIELD_PROCESS_ENTRY_LEADER_NAME,      FIELD_PROCESS_ENTRY_LEADER_EXECUTABLE,
    FIELD_PROCESS_ENTRY_LEADER_ARGS,
};

/* Pid and entity id: known of everything ever seen, also when it is forgotten. */
static void fill_link_id(const struct process_table *table, const struct link *link,
			 const struct process *to, struct event *event, uint32_t entity_field,
			 uint32_t pid_field)
{
	if (to) {
		event_set_str(event, entity_field, (struct str){to->entity_id, ENTITY_ID_LEN});
	} else if (link->process) {
		char *id = arena_bytes(&event->arena, ENTITY_ID_LEN);

		entity_id_of(table, link->pid, link->start_ticks, id);
		event_set_str(event, entity_field, (struct str){id, ENTITY_ID_LEN});
	}
	event_set_int(event, pid_field, link->pid);
}

static void fill_leader(const struct process_table *table, const struct link *link,
			struct event *event, const struct leader_fields *fields)
{
	const struct process *leader = link_find(table, link);

	if (!link->pid)
		return;
	fill_link_id(table, link, leader, event, fields->entity_id, fields->pid);
	if (!leader || !leader->image)
		return;
	event_set_str(event, fields->name, leader->image->name);
	event_set_str(event, fields->executable, leader->image->executable);
	event_set(event, fields->args, leader->image->args);
}

static bool has_tty(const struct process *p)
{
	return p->tty_major || p->tty_minor;
}

static struct str start_of(const struct process *p)
{
	return p->start_is_unknown ? STR_NULL : (struct str){p->start_text, p->start_len};
}

static void fill_parent_image(const struct image *image, struct event *event)
{
	event_set_str(event, FIELD_PROCESS_PARENT_NAME, image->name);
	event_set_str(event, FIELD_PROCESS_PARENT_EXECUTABLE, image->executable);
	event_set(event, FIELD_PROCESS_PARENT_ARGS, image->args);
	event_set_int(event, FIELD_PROCESS_PARENT_ARGS_COUNT, image->args_count);
	event_set_str(event, FIELD_PROCESS_PARENT_COMMAND_LINE, image->command_line);
	event_set_str(event, FIELD_PROCESS_PARENT_WORKING_DIRECTORY, image->working_directory);
}

static void fill_parent(const struct process_table *table, const struct process *p,
			struct event *event)
{
	const struct process *parent = link_find(table, &p->parent);

	if (!p->parent.pid)
		return;
	fill_link_id(table, &p->parent, parent, event, FIELD_PROCESS_PARENT_ENTITY_ID,
		     FIELD_PROCESS_PARENT_PID);
	if (!parent) {
		event_append(event, FIELD_LINTEL_INCOMPLETE,
			     value_str(table->offline ? STR("process.parent: not in the log")
						      : STR("process.parent: no longer known")));
		return;
	}
	event_set_str(event, FIELD_PROCESS_PARENT_START, start_of(parent));
	event_set_bool(event, FIELD_PROCESS_PARENT_INTERACTIVE, has_tty(parent));
	if (parent->credential) {
		const struct credential *c = parent->credential;

		event_set_str(event, FIELD_PROCESS_PARENT_USER_ID, c->user_id);
		event_set_str(event, FIELD_PROCESS_PARENT_USER_NAME, c->user_name);
		event_set_str(event, FIELD_PROCESS_PARENT_GROUP_ID, c->group_id);
		event_set_str(event, FIELD_PROCESS_PARENT_GROUP_NAME, c->group_name);
	}
	if (parent->image)
		fill_parent_image(parent->image, event);
}

static void fill_credential(const struct credential *c, struct event *event)
{
	event_set_str(event, FIELD_PROCESS_USER_ID, c->user_id);
	event_set_str(event, FIELD_PROCESS_USER_NAME, c->user_name);
	event_set_str(event, FIELD_PROCESS_GROUP_ID, c->group_id);
	event_set_str(event, FIELD_PROCESS_GROUP_NAME, c->group_name);
	event_set_str(event, FIELD_PROCESS_REAL_USER_ID, c->real_user_id);
	event_set_str(event, FIELD_PROCESS_REAL_USER_NAME, c->real_user_name);
	event_set_str(event, FIELD_PROCESS_REAL_GROUP_ID, c->real_group_id);
	event_set_str(event, FIELD_PROCESS_REAL_GROUP_NAME, c->real_group_name);
	event_set_str(event, FIELD_USER_ID, c->user_id);
	event_set_str(event, FIELD_USER_NAME, c->user_name);
	event_set_str(event, FIELD_USER_EFFECTIVE_ID, c->user_id);
	event_set_str(event, FIELD_USER_EXT_REAL_ID, c->real_user_id);
	event_set_str(event, FIELD_USER_EXT_REAL_NAME, c->real_user_name);
	event_set_str(event, FIELD_GROUP_ID, c->group_id);
	event_set_str(event, FIELD_GROUP_NAME, c->group_name);
	event_set_str(event, FIELD_GROUP_EXT_REAL_ID, c->real_group_id);
	event_set_str(event, FIELD_GROUP_EXT_REAL_NAME, c->real_group_name);
}

static void fill_image(const struct image *image, struct event *event)
{
	event_set_str(event, FIELD_PROCESS_NAME, image->name);
	event_set_str(event, FIELD_PROCESS_EXECUTABLE, image->executable);
	event_set(event, FIELD_PROCESS_ARGS, image->args);
	event_set_int(event, FIELD_PROCESS_ARGS_COUNT, image->args_count);
	event_set_str(event, FIELD_PROCESS_COMMAND_LINE, image->command_line);
	event_set_str(event, FIELD_PROCESS_WORKING_DIRECTORY, image->working_directory);
	event_set_str(event, FIELD_LINTEL_PROCESS_INTERPRETER, image->interpreter);
	event_set_str(event, FIELD_LINTEL_PROCESS_EXECUTABLE_PATH, image->path);
	event_set_str(event, FIELD_LINTEL_PROCESS_HOST_EXECUTABLE_PATH, image->host_path);
	event_set_str(event, FIELD_LINTEL_PROCESS_ROOT, image->root);
	if (image->args_cut)
		event_append(event, FIELD_LINTEL_INCOMPLETE, value_str(STR("process.args: cut")));
}

/* As a shell shows it: 128 and the signal for a process that was killed. */
static int64_t shown_exit_code(uint32_t exit_code)
{
	uint32_t signal = exit_code & 0x7f;

	return signal ? 128 + (int64_t)signal : (int64_t)(exit_code >> 8 & 0xff);
}

static void fill_own(const struct process *p, struct event *event)
{
	event_set_str(event, FIELD_PROCESS_ENTITY_ID, (struct str){p->entity_id, ENTITY_ID_LEN});
	event_set_int(event, FIELD_PROCESS_PID, p->pid);
	event_set_int(event, FIELD_PROCESS_PPID, p->ppid);
	event_set_int(event, FIELD_PROCESS_THREAD_ID, p->tid);
	event_set_str(event, FIELD_PROCESS_START, start_of(p));
	event_set_bool(event, FIELD_PROCESS_INTERACTIVE, has_tty(p));
	if (has_tty(p)) {
		event_set_int(event, FIELD_PROCESS_TTY_CHAR_DEVICE_MAJOR, p->tty_major);
		event_set_int(event, FIELD_PROCESS_TTY_CHAR_DEVICE_MINOR, p->tty_minor);
	}
	if (p->mount_ns)
		event_set_int(event, FIELD_LINTEL_PROCESS_MOUNT_NAMESPACE, (int64_t)p->mount_ns);
	if (p->container_id_len)
		event_set_str(event, FIELD_CONTAINER_ID,
			      (struct str){p->container_id, p->container_id_len});
	if (p->life != LIFE_LIVING)
		event_set_int(event, FIELD_PROCESS_EXIT_CODE, shown_exit_code(p->exit_code));
	if (p->gone)
		event_append(event, FIELD_LINTEL_INCOMPLETE,
			     value_str(STR("process.executable: the process was gone before it "
					   "could be read")));
	if (p->image)
		fill_image(p->image, event);
	if (p->credential)
		fill_credential(p->credential, event);
}

void process_fill(struct process_table *table, const struct process *process, struct event *event)
{
	/* Processes are the table's, and none is const; a link may become known only now. */
	lineage_settle(table, (struct process *)process);
	fill_own(process, event);
	fill_parent(table, process, event);
	fill_leader(table, &process->group_leader, event, &group_leader_fields);
	fill_leader(table, &process->session_leader, event, &session_leader_fields);
	fill_leader(table, &process->entry_leader, event, &entry_leader_fields);
	event_set_str(event, FIELD_PROCESS_ENTRY_LEADER_ENTRY_META_TYPE,
		      entry_type_name((enum entry_type)process->entry));
}
