/* SPDX-License-Identifier: Apache-2.0 */
/* What happened, by the table of audit_events.def. */
#include <errno.h>
#include <libaudit.h>

#include "source/audit_ecs_internal.h"

#define S(text)                        \
	{                              \
		text, sizeof(text) - 1 \
	}

static const struct audit_kind calls[] = {
#define CALL(name, category, type, action, audit_action, object, start) \
	{S(name), S(category), S(type), S(action), S(audit_action), OBJECT_##object, start},
#define RECORD(type, category, ecs_type, audit_action, object)
#define URING(number, name, call)
#include "source/audit_events.def"
#undef CALL
#undef RECORD
#undef URING
};

static const struct audit_kind records[] = {
#define CALL(name, category, type, action, audit_action, object, start)
#define RECORD(name, category, type, audit_action, object) \
	{S(name), S(category), S(type), S(""), S(audit_action), OBJECT_##object, AT_NONE},
#define URING(number, name, call)
#include "source/audit_events.def"
#undef CALL
#undef RECORD
#undef URING
};

static const struct {
	uint64_t number;
	struct str name;
	struct str call;
} uring_operations[] = {
#define CALL(name, category, type, action, audit_action, object, start)
#define RECORD(name, category, type, audit_action, object)
#define URING(number, name, call) {number, S(name), S(call)},
#include "source/audit_events.def"
#undef CALL
#undef RECORD
#undef URING
};

/* Records that say more of an event, but not what it is. */
static const struct str companions[] = {
    S("SYSCALL"),        S("URINGOP"),       S("PATH"),           S("CWD"),
    S("EXECVE"),         S("SOCKADDR"),      S("PROCTITLE"),      S("EOE"),
    S("BPRM_FCAPS"),     S("CAPSET"),        S("MMAP"),           S("FD_PAIR"),
    S("OBJ_PID"),        S("IPC"),           S("IPC_SET_PERM"),   S("MQ_OPEN"),
    S("MQ_SENDRECV"),    S("MQ_NOTIFY"),     S("MQ_GETSETATTR"),  S("SOCKETCALL"),
    S("KERN_MODULE"),    S("FANOTIFY"),      S("TIME_INJOFFSET"), S("TIME_ADJNTPVAL"),
    S("OPENAT2"),        S("UNKNOWN[1337]"), S("UNKNOWN[1336]"),  S("PARENT_INFO"),
    S("CONTAINER_INFO"), S("ENV"),           S("NODE"),           S("ID"),
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct audit_kind *kind_in(const struct audit_kind *kinds, size_t count,
					struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static bool is_companion(struct str type)
{
	for (size_t i = 0; i < COUNT(companions); i++)
		if (str_eq(companions[i], type))
			return true;
	return false;
}

struct str audit_call_name(struct arena *arena, const struct audit_record *record)
{
	struct str told = audit_get(record, STR("SYSCALL"));
	uint64_t number = audit_number(record, STR("syscall"), 10, UINT32_MAX);
	uint64_t elf = audit_number(record, STR("arch"), 16, 0);
	int machine = audit_elf_to_machine((unsigned)elf);

	if (told.len && !str_starts(told, STR("unknown")))
		return told;
	const char *name = machine < 0 ? NULL : audit_syscall_to_name((int)number, machine);

	return name ? str_from(name) : arena_printf(arena, "call_%d", (int)number);
}

static void set_call_kind(struct audit_making *making, struct str name)
{
	const struct audit_kind *known = kind_in(calls, COUNT(calls), name);

	if (known)
		making->kind = *known;
	else
		making->kind = (struct audit_kind){.name = name,
						   .category = S("process"),
						   .type = S("info"),
						   .audit_action = name};
}

static void set_uring_kind(struct audit_making *making)
{
	uint64_t number = audit_number(making->call, STR("uring_op"), 10, UINT32_MAX);

	for (size_t i = 0; i < COUNT(uring_operations); i++) {
		if (uring_operations[i].number == number) {
			set_call_kind(making, uring_operations[i].call);
			making->call_name = uring_operations[i].name;
			return;
		}
	}
	making->call_name = arena_printf(&making->event->arena, "io_uring_%u", (unsigned)number);
	set_call_kind(making, making->call_name);
}

static struct str small_letters(struct arena *arena, struct str text)
{
	struct str copy = arena_str(arena, text);

	for (size_t i = 0; i < copy.len; i++)
		((char *)copy.p)[i] = (char)ascii_lower((unsigned char)copy.p[i]);
	return copy;
}

static void set_record_kind(struct audit_making *making)
{
	bool is_apparmor = audit_get(making->main, STR("apparmor")).len > 0;
	const struct audit_kind *known =
	    kind_in(records, COUNT(records), is_apparmor ? STR("APPARMOR") : making->main->type);

	if (known)
		making->kind = *known;
	else
		making->kind = (struct audit_kind){
		    .type = S("info"),
		    .audit_action = small_letters(&making->event->arena, making->main->type)};
}

/* The record that is no companion of a call, or the call. */
static const struct audit_record *main_record(const struct audit_making *making)
{
	const struct audit_group *group = making->group;

	for (uint32_t i = 0; i < group->count; i++)
		if (group->records[i].count && !is_companion(group->records[i].type))
			return &group->records[i];
	return making->call;
}

/* A connection that is being made in the background has not failed (connect(2), EINPROGRESS). */
static bool has_failed(const struct audit_making *making)
{
	struct str success = audit_get(making->call, STR("success"));
	struct str result = audit_get(making->main, STR("res"));

	if (making->main == making->call)
		return str_eq(success, STR("no")) &&
		       !str_eq(audit_get(making->call, STR("exit")), STR("-115")) &&
		       !str_eq(audit_get(making->call, STR("exit")), STR("EINPROGRESS"));
	return str_eq(result, STR("failed")) || str_eq(result, STR("0")) ||
	       str_eq(result, STR("no"));
}

bool audit_kind_of(struct audit_making *making)
{
	const struct audit_group *group = making->group;
	const struct audit_record *uring = audit_record_of(group, STR("URINGOP"));

	making->call = audit_record_of(group, STR("SYSCALL"));
	if (!making->call)
		making->call = uring;
	making->main = main_record(making);
	if (!making->main)
		return false;
	if (making->call && making->call != uring)
		making->call_name = audit_call_name(&making->event->arena, making->call);
	if (making->main != making->call)
		set_record_kind(making);
	else if (making->call == uring)
		set_uring_kind(making);
	else
		set_call_kind(making, making->call_name);
	making->failed = has_failed(making);
	return true;
}
