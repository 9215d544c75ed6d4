/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that all events have, and the order in which they are made. */
#include "source/audit_make_internal.h"

#include "base/clock.h"

void audit_incomplete(struct audit_making *making, const char *what)
{
	event_append(making->event, FIELD_LINTEL_INCOMPLETE, value_str(str_from(what)));
}

static struct audit_extra *extra_of(struct audit_making *making, struct str name)
{
	for (uint32_t i = 0; i < making->extra_count; i++)
		if (str_eq(making->extras[i].name, name))
			return &making->extras[i];
	return NULL;
}

static void add_extra(struct audit_making *making, struct str name, struct value value)
{
	int32_t known = field_set_find(making->event->fields, name);

	if (known >= 0) {
		event_set(making->event, (uint32_t)known, value);
		return;
	}
	if (!extra_of(making, name) && making->extra_count < AUDIT_EXTRAS_MAX)
		making->extras[making->extra_count++] = (struct audit_extra){name, value};
}

void audit_set(struct audit_making *making, const char *name, struct str value)
{
	if (value.len)
		add_extra(making, str_from(name), value_str(value));
}

void audit_append(struct audit_making *making, const char *name, struct str value)
{
	struct audit_extra *extra = extra_of(making, str_from(name));
	uint32_t count = extra && extra->value.type == VALUE_LIST ? extra->value.count : 0;
	struct value *items = ARENA_ARRAY(&making->event->arena, struct value, (size_t)count + 1);

	/* A handful at most: AUDIT_FIELDS_MAX. */
	if (count)
		memcpy(items, extra->value.items, count * sizeof(*items));
	items[count] = value_str(value);
	struct value list = {.type = VALUE_LIST, .count = count + 1, .items = items};

	if (extra)
		extra->value = list;
	else
		add_extra(making, str_from(name), list);
}

void audit_set_int(struct audit_making *making, const char *name, int64_t value)
{
	add_extra(making, str_from(name), value_int(value));
}

static void append_parts(struct event *event, uint32_t field, struct str list)
{
	while (list.len) {
		const char *comma = memchr(list.p, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.p) : list.len;

		event_append(event, field, value_str((struct str){list.p, len}));
		len += comma != NULL;
		list.p += len;
		list.len -= len;
	}
}

/* Of a call that failed nothing happened: it has neither Elastic Defend's action, which reports what
 * succeeded alone, nor a type that says so. But a connection that was refused was attempted. */
static bool is_void(const struct audit_making *making)
{
	static const struct str reached[] = {
	    {"-110", 4}, /* ETIMEDOUT */
	    {"-111", 4}, /* ECONNREFUSED */
	    {"-113", 4}, /* EHOSTUNREACH */
	};
	struct str exit = audit_get(making->call, STR("exit"));

	if (!making->failed || making->main != making->call)
		return false;
	for (size_t i = 0; i < sizeof(reached) / sizeof(*reached); i++)
		if (making->kind.object == OBJECT_TO_PEER && str_eq(exit, reached[i]))
			return false;
	return true;
}

static void set_kind(struct audit_making *making)
{
	const struct audit_kind *kind = &making->kind;
	struct event *event = making->event;
	bool nothing = is_void(making);

	append_parts(event, FIELD_EVENT_CATEGORY, kind->category);
	append_parts(event, FIELD_EVENT_TYPE, nothing ? STR("info") : kind->type);
	if (!nothing && kind->action.len)
		event_append(event, FIELD_EVENT_ACTION, value_str(kind->action));
	if (kind->audit_action.len)
		event_append(event, FIELD_EVENT_ACTION, value_str(kind->audit_action));
	if (event_get(event, FIELD_EVENT_ACTION)->type == VALUE_NULL)
		event_append(event, FIELD_EVENT_ACTION, value_str(making->call_name));
}

static bool has_result(const struct audit_making *making)
{
	return audit_get(making->call, STR("success")).len ||
	       audit_get(making->main, STR("res")).len;
}

static void set_head(struct audit_making *making)
{
	const struct audit_group *group = making->group;
	struct event *event = making->event;
	bool named = group->node.len > 0;

	event->time_ns = group->time_ns;
	event_set_time(event, FIELD_TIMESTAMP, group->time_ns);
	event_set_str(event, FIELD_EVENT_KIND, STR("event"));
	event_set_str(event, FIELD_EVENT_MODULE, STR("auditd"));
	event_set_str(event, FIELD_EVENT_DATASET, STR("auditd_manager.auditd"));
	event_set_str(event, FIELD_EVENT_PROVIDER, STR("auditd"));
	event_set_str(event, FIELD_ECS_VERSION, STR("8.11.0"));
	event_set_int(event, FIELD_EVENT_SEQUENCE, (int64_t)(group->serial & INT64_MAX));
	event_set_str(event, FIELD_EVENT_ID,
		      arena_printf(&event->arena, "%.*s%s%lld.%03lld:%llu", STR_ARG(group->node),
				   named ? ":" : "", (long long)(group->time_ns / NS_PER_SEC),
				   (long long)(group->time_ns / NS_PER_MS % 1000),
				   (unsigned long long)group->serial));
	if (has_result(making))
		event_set_str(event, FIELD_EVENT_OUTCOME,
			      making->failed ? STR("failure") : STR("success"));
	audit_set(making, "data_stream.dataset", STR("auditd_manager.auditd"));
}

/* Fields that have a place in ECS, or tell nothing. */
static bool is_told_elsewhere(struct str name)
{
	static const struct str names[] = {
	    {"pid", 3},  {"ppid", 4},  {"uid", 3},     {"gid", 3},   {"euid", 4},
	    {"egid", 4}, {"suid", 4},  {"sgid", 4},    {"fsuid", 5}, {"auid", 4},
	    {"ses", 3},  {"fsgid", 5}, {"comm", 4},    {"exe", 3},   {"success", 7},
	    {"res", 3},  {"key", 3},   {"syscall", 7}, {"items", 5}, {"saddr", 5},
	};

	/* Capitals are what was looked up, and what laurel adds. */
	if (!name.len || (name.p[0] >= 'A' && name.p[0] <= 'Z'))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

static void set_data(struct audit_making *making, const struct audit_record *record)
{
	struct arena *arena = &making->event->arena;

	for (uint32_t i = 0; record && i < record->count; i++) {
		const struct audit_field *field = &record->fields[i];

		if (!is_told_elsewhere(field->name))
			audit_set(making,
				  arena_printf(arena, "auditd.data.%.*s", STR_ARG(field->name)).p,
				  field->value);
	}
}

/* Keys of rules (auditctl -k), as Auditbeat has them. */
static void set_tags(struct audit_making *making)
{
	const struct audit_record *record = making->call ? making->call : making->main;

	for (uint32_t i = 0; i < record->count; i++)
		if (str_eq(record->fields[i].name, STR("key")) && record->fields[i].value.len)
			audit_append(making, "tags", record->fields[i].value);
}

static void set_audit_fields(struct audit_making *making)
{
	struct arena *arena = &making->event->arena;
	const struct audit_record *record = making->call ? making->call : making->main;
	struct str type = arena_str(arena, making->main->type);

	for (size_t i = 0; i < type.len; i++)
		((char *)type.p)[i] = (char)ascii_lower((unsigned char)type.p[i]);
	audit_set(making, "auditd.message_type", type);
	if (has_result(making))
		audit_set(making, "auditd.result", making->failed ? STR("fail") : STR("success"));
	if (!str_eq(audit_get(record, STR("ses")), STR("4294967295")))
		audit_set(making, "auditd.session", audit_get(record, STR("ses")));
	audit_set(making, "auditd.data.syscall", making->call_name);
	set_data(making, making->main);
	if (making->call)
		set_data(making, making->call);
	set_data(making, audit_record_of(making->group, STR("KERN_MODULE")));
	set_data(making, audit_record_of(making->group, STR("OBJ_PID")));
	set_tags(making);
}

static void fill_object(struct audit_making *making)
{
	enum audit_object object = making->kind.object;

	if (object >= OBJECT_FILE && object <= OBJECT_REMOVE)
		audit_fill_file(making);
	else if (object >= OBJECT_TO_PEER && object <= OBJECT_LOCAL)
		audit_fill_peer(making);
	else if (object >= OBJECT_ACCOUNT)
		audit_fill_account(making);
}

bool audit_make(struct audit_making *making)
{
	if (!audit_process(making))
		return false;
	audit_fill_process(making);
	fill_object(making);
	set_kind(making);
	set_head(making);
	set_audit_fields(making);
	return true;
}

void audit_write(const struct audit_making *making, struct buf *out)
{
	event_write_json(making->event, out);
	/* On with the object that was just closed. */
	out->len--;
	struct json_writer w = {.out = out, .depth = 1, .need_comma = true, .closer = {'}'}};

	for (uint32_t i = 0; i < making->extra_count; i++) {
		json_key(&w, making->extras[i].name);
		value_write_json(&making->extras[i].value, &w);
	}
	json_end(&w);
	buf_add_char(out, '\n');
}
