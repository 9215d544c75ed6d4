/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From records to an ECS event.
 *
 *	group ─► audit_kind_of(): what it is (audit_events.def)
 *	      ─► audit_process_*(): who did it, into the host's process table
 *	      ─► audit_fill_*(): what it was done to
 *	      ─► a line of JSON
 */
#ifndef LINTEL_SOURCE_AUDIT_ECS_INTERNAL_H
#define LINTEL_SOURCE_AUDIT_ECS_INTERNAL_H

#include "base/json_writer.h"
#include "event/event.h"
#include "process/process.h"
#include "source/audit_record_internal.h"

/* What an event is about. */
enum audit_object {
	OBJECT_NONE,
	OBJECT_EXEC,
	OBJECT_FORK,
	OBJECT_FORK_OR_THREAD, /* its flags are not in the log */
	OBJECT_EXIT,
	OBJECT_PROCESS, /* another one: OBJ_PID */
	OBJECT_FILE,
	OBJECT_OPEN,
	OBJECT_CONTENT,
	OBJECT_SIZE,
	OBJECT_MODE,
	OBJECT_OWNER,
	OBJECT_XATTR,
	OBJECT_RENAME,
	OBJECT_LINK,
	OBJECT_SYMLINK,
	OBJECT_REMOVE,
	OBJECT_TO_PEER,
	OBJECT_FROM_PEER,
	OBJECT_LOCAL,
	OBJECT_ACCOUNT,
	OBJECT_TARGET_USER,
	OBJECT_TARGET_GROUP,
	OBJECT_COMMAND,
	OBJECT_POLICY,
};

/* Arguments that are directory descriptors, a bit each. */
enum audit_start {
	AT_NONE = 0,
	AT_A0 = 1,
	AT_A1 = 2,
	AT_A0_A2 = 1 | 4,
};

struct audit_kind {
	struct str name;           /* of the call, or the record's type */
	struct str category, type; /* several with a comma between */
	struct str action, audit_action;
	enum audit_object object;
	enum audit_start start;
};

/* A host of the log. */
struct audit_node {
	struct str name; /* empty: the log names none */
	struct process_table *processes;
	char *id;      /* host.id */
	uint64_t used; /* when it was last, for which is forgotten */
};

/* A value of a field that fields.def does not have. */
struct audit_extra {
	struct str name;
	struct value value;
};

/* What most events have a few of, USER_* records up to 30. */
#define AUDIT_EXTRAS_MAX 160

/* One event in the making. */
struct audit_making {
	const struct audit_group *group;
	const struct audit_record *main; /* SYSCALL, or the one that says what happened */
	const struct audit_record *call; /* SYSCALL or URINGOP; NULL: there is none */
	struct str call_name;
	struct audit_kind kind;
	bool failed;
	struct audit_node *node;
	const struct process *process; /* NULL: not in the table */
	struct event *event;           /* its arena is for what is made */
	struct audit_extra extras[AUDIT_EXTRAS_MAX];
	uint32_t extra_count;
};

/* audit_kind.c: fills main, call, call_name, kind and failed. False: no event at all, e.g. the
 * remains of one. */
bool audit_kind_of(struct audit_making *making);
/* The name of a system call by its numbers; "call_334" when it is not known. */
struct str audit_call_name(struct arena *arena, const struct audit_record *record);

void audit_incomplete(struct audit_making *making, const char *what);
void audit_set(struct audit_making *making, const char *name, struct str value);
/* Makes the field's value a list. */
void audit_append(struct audit_making *making, const char *name, struct str value);
void audit_set_int(struct audit_making *making, const char *name, int64_t value);

/* audit_process.c: tells the table what happened, and sets the process. False: it is an event of
 * the table alone, or of a thread. */
bool audit_process(struct audit_making *making);
/* process.* of the process, or of what the record says of it. */
void audit_fill_process(struct audit_making *making);

/* audit_file.c */
void audit_fill_file(struct audit_making *making);
/* `name` from `directory`, without "." and ".." and doubled slashes. */
struct str audit_path(struct arena *arena, struct str directory, struct str name);

/* audit_net.c */
void audit_fill_peer(struct audit_making *making);

/* audit_user.c */
void audit_fill_account(struct audit_making *making);

#endif
