/* SPDX-License-Identifier: Apache-2.0 */
/* USER_* and like records: whose account, from where, by what. */
#include <arpa/inet.h>

#include "source/audit_ecs_internal.h"

/* Who acts is the process's user; whose account it is replaces it where it is the event's user. */
static void replace(struct event *event, uint32_t field, struct str value)
{
	if (value.len)
		event_set_str(event, field, value);
}

static void set_source(struct audit_making *making)
{
	struct str address = audit_get(making->main, STR("addr"));
	struct str host = audit_get(making->main, STR("hostname"));
	struct str text = arena_str(&making->event->arena, address);
	unsigned char bytes[sizeof(struct in6_addr)];

	if (address.len &&
	    (inet_pton(AF_INET, text.p, bytes) == 1 || inet_pton(AF_INET6, text.p, bytes) == 1))
		audit_set(making, "source.ip", address);
	audit_set(making, "source.address", address.len ? address : host);
}

/* A login that failed may have no account: then it has the id that was asked for. */
static void on_account(struct audit_making *making)
{
	struct event *event = making->event;
	struct str name = audit_get(making->main, STR("acct"));
	struct str id = audit_get(making->main, STR("id"));

	if (!name.len)
		name = audit_get(making->main, STR("ID"));
	/* The id of who acted is not the account's. */
	if (name.len || id.len) {
		event->values[FIELD_USER_ID] = (struct value){0};
		event->values[FIELD_USER_EFFECTIVE_ID] = (struct value){0};
	}
	replace(event, FIELD_USER_NAME, name);
	audit_set(making, "user.effective.name", name);
	if (id.len)
		audit_set(making, "user.target.id", id);
	set_source(making);
}

static void on_target(struct audit_making *making, const char *name_field, const char *id_field)
{
	struct str name = audit_get(making->main, STR("acct"));

	if (!name.len)
		name = audit_get(making->main, STR("ID"));
	audit_set(making, name_field, name);
	audit_set(making, id_field, audit_get(making->main, STR("id")));
	set_source(making);
}

/* sudo's: the command line is one text. */
static void on_command(struct audit_making *making)
{
	struct event *event = making->event;

	replace(event, FIELD_PROCESS_COMMAND_LINE, audit_get(making->main, STR("cmd")));
	replace(event, FIELD_PROCESS_WORKING_DIRECTORY, audit_get(making->main, STR("cwd")));
}

static void on_policy(struct audit_making *making)
{
	replace(making->event, FIELD_FILE_PATH, audit_get(making->main, STR("name")));
}

void audit_fill_account(struct audit_making *making)
{
	switch (making->kind.object) {
	case OBJECT_ACCOUNT:
		on_account(making);
		break;
	case OBJECT_TARGET_USER:
		on_target(making, "user.target.name", "user.target.id");
		break;
	case OBJECT_TARGET_GROUP:
		on_target(making, "group.target.name", "group.target.id");
		break;
	case OBJECT_COMMAND:
		on_command(making);
		break;
	case OBJECT_POLICY:
		on_policy(making);
		break;
	default:
		break;
	}
}
