/* SPDX-License-Identifier: Apache-2.0 */
#include "source/audit_record_internal.h"

const struct audit_record *audit_record_of(const struct audit_group *group, struct str type)
{
	for (uint32_t i = 0; i < group->count; i++)
		if (str_eq(group->records[i].type, type))
			return &group->records[i];
	return NULL;
}

struct str audit_get(const struct audit_record *record, struct str name)
{
	for (uint32_t i = 0; record && i < record->count; i++)
		if (str_eq(record->fields[i].name, name))
			return record->fields[i].value;
	return STR_NULL;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 255;
}

uint64_t audit_parse_number(struct str text, unsigned base, uint64_t otherwise)
{
	uint64_t number = 0;

	if (!text.len)
		return otherwise;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = digit_of(text.p[i]);

		if (digit >= base || number > (UINT64_MAX - digit) / base)
			return otherwise;
		number = number * base + digit;
	}
	return number;
}

uint64_t audit_number(const struct audit_record *record, struct str name, unsigned base,
		      uint64_t otherwise)
{
	return audit_parse_number(audit_get(record, name), base, otherwise);
}

bool audit_is_nothing(struct str value)
{
	return str_eq(value, STR("(null)")) || str_eq(value, STR("(none)")) ||
	       str_eq(value, STR("?"));
}

void audit_build(struct audit_group_builder *builder, struct arena *arena)
{
	builder->arena = arena;
	builder->group = ARENA_NEW(arena, struct audit_group);
	builder->field_count = 0;
	builder->args = NULL;
	builder->args_len = 0;
	builder->args_added = 0;
}

void audit_build_field(struct audit_group_builder *builder, struct str name, struct str value)
{
	if (builder->field_count < AUDIT_FIELDS_MAX)
		builder->fields[builder->field_count++] = (struct audit_field){name, value};
}

/* The array doubles at powers of two. */
static struct audit_record *add_record(struct audit_group_builder *builder)
{
	struct audit_group *group = builder->group;

	if ((group->count & (group->count - 1)) == 0) {
		uint32_t cap = group->count ? group->count * 2 : 1;
		struct audit_record *records =
		    ARENA_ARRAY(builder->arena, struct audit_record, cap);

		if (group->count)
			memcpy(records, group->records, group->count * sizeof(*records));
		group->records = records;
	}
	return &group->records[group->count++];
}

void audit_build_record(struct audit_group_builder *builder, struct str type)
{
	uint32_t count = builder->field_count;

	builder->field_count = 0;
	if (builder->group->count == AUDIT_RECORDS_MAX)
		return;
	struct audit_field *fields =
	    ARENA_ARRAY(builder->arena, struct audit_field, (size_t)count + 1);

	if (count)
		memcpy(fields, builder->fields, count * sizeof(*fields));
	*add_record(builder) = (struct audit_record){type, fields, count};
}

void audit_build_argument(struct audit_group_builder *builder, uint32_t index, struct str text,
			  bool is_part)
{
	struct audit_group *group = builder->group;
	bool goes_on = is_part && builder->args_added && index + 1 == builder->args_added;

	if (!builder->args)
		builder->args = arena_bytes(builder->arena, AUDIT_ARGS_BYTES_MAX);
	/* A record of a part that was lost. */
	if (!goes_on && index != builder->args_added)
		group->args_cut = true;
	size_t room = AUDIT_ARGS_BYTES_MAX - builder->args_len;

	if (room < 2 || index >= AUDIT_ARGS_MAX) {
		group->args_cut = true;
		return;
	}
	/* Behind each argument stands a NUL, over which a further part of it is written. */
	if (goes_on)
		builder->args_len--, room++;
	if (text.len > room - 1) {
		text.len = room - 1;
		group->args_cut = true;
	}
	if (text.len)
		memcpy(builder->args + builder->args_len, text.p, text.len);
	builder->args_len += text.len;
	builder->args[builder->args_len++] = '\0';
	builder->args_added = index + 1;
}

struct audit_group *audit_build_end(struct audit_group_builder *builder)
{
	struct audit_group *group = builder->group;
	const struct audit_record *execve = audit_record_of(group, STR("EXECVE"));

	group->args = (struct str){builder->args, builder->args_len};
	group->args_count = (uint32_t)audit_number(execve, STR("argc"), 10, builder->args_added);
	if (group->args_count > builder->args_added)
		group->args_cut = true;
	return group;
}
