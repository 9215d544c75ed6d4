/* SPDX-License-Identifier: Apache-2.0 */
/*
 * laurel's JSON: one object per event, {"ID":"TIME:SERIAL","SYSCALL":{...},"PATH":[{...},...],...}
 * (laurel-about(7)). What laurel did to the values is undone, so that they are as in a raw log:
 * octal and hex numbers lose their prefix, %XX becomes the byte, ARGV the arguments.
 */
#include "source/audit_record_internal.h"

#include <errno.h>
#include <stdio.h>

#include "base/json_tree.h"

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* laurel writes a '%' of the record as %25, so each stands for itself. */
static struct str without_percent(struct arena *arena, struct str text)
{
	if (!memchr(text.p, '%', text.len))
		return text;
	char *bytes = arena_bytes(arena, text.len);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		int high = i + 2 < text.len ? hex_of(text.p[i + 1]) : -1;
		int low = i + 2 < text.len ? hex_of(text.p[i + 2]) : -1;
		bool is_byte = text.p[i] == '%' && high >= 0 && low >= 0;

		bytes[n++] = is_byte ? (char)(high << 4 | low) : text.p[i];
		i += is_byte ? 2 : 0;
	}
	return (struct str){bytes, n};
}

/* "0x1f", "0o644": a number with its prefix, and nothing else. */
static bool has_prefix(struct str text, char letter, unsigned base)
{
	return text.len > 2 && text.p[0] == '0' && text.p[1] == letter &&
	       audit_parse_number((struct str){text.p + 2, text.len - 2}, base, UINT64_MAX) !=
		   UINT64_MAX;
}

static struct str text_of(struct arena *arena, struct str text)
{
	if (has_prefix(text, 'x', 16) || str_eq(text, STR("0xffffffffffffffff")))
		return (struct str){text.p + 2, text.len - 2};
	if (has_prefix(text, 'o', 8)) /* a mode begins with 0 in a raw log, too */
		return arena_printf(arena, "0%.*s",
				    STR_ARG(((struct str){text.p + 2, text.len - 2})));
	return without_percent(arena, text);
}

/* STR_NULL for what is no value. */
static struct str value_of(struct arena *arena, const struct tree_node *node)
{
	switch (node->type) {
	case TREE_STRING:
		return audit_is_nothing(node->text) ? STR_NULL : text_of(arena, node->text);
	case TREE_INT:
		return arena_printf(arena, "%lld", (long long)node->integer);
	default:
		return STR_NULL;
	}
}

/* Arguments as text, without the undoing of numbers: "0x1f" may be one. */
static struct str argument_of(struct arena *arena, const struct tree_node *node)
{
	if (node->type == TREE_STRING)
		return without_percent(arena, node->text);
	return value_of(arena, node);
}

static void add_arguments(struct audit_group_builder *builder, const struct tree_node *argv)
{
	for (uint32_t i = 0; i < argv->kid_count; i++)
		audit_build_argument(builder, i, argument_of(builder->arena, argv->kids[i]), false);
}

/* a0 to a3 of a system call. */
static void add_call_arguments(struct audit_group_builder *builder, const struct tree_node *argv)
{
	static const struct str names[] = {{"a0", 2}, {"a1", 2}, {"a2", 2}, {"a3", 2}};

	for (uint32_t i = 0; i < argv->kid_count && i < 4; i++)
		audit_build_field(builder, names[i], value_of(builder->arena, argv->kids[i]));
}

static void add_title(struct audit_group_builder *builder, const struct tree_node *argv)
{
	size_t bytes = 0, n = 0;

	for (uint32_t i = 0; i < argv->kid_count; i++)
		bytes += argv->kids[i]->text.len + 1;
	char *title = arena_bytes(builder->arena, bytes);

	for (uint32_t i = 0; i < argv->kid_count; i++) {
		struct str s = argument_of(builder->arena, argv->kids[i]);

		if (s.len && n + s.len < bytes)
			n += (size_t)((char *)mempcpy(title + n, s.p, s.len) - (title + n));
		title[n++] = '\0';
	}
	audit_build_field(builder, STR("proctitle"), (struct str){title, n ? n - 1 : 0});
}

static void add_argv(struct audit_group_builder *builder, struct str type,
		     const struct tree_node *argv)
{
	if (str_eq(type, STR("EXECVE")))
		add_arguments(builder, argv);
	else if (str_eq(type, STR("SYSCALL")))
		add_call_arguments(builder, argv);
	else if (str_eq(type, STR("PROCTITLE")))
		add_title(builder, argv);
}

/* An object within a record: what laurel knows of another process. PPID {exe} is PPID.exe. */
static void add_nested(struct audit_group_builder *builder, const struct tree_node *object)
{
	for (uint32_t i = 0; i < object->kid_count; i++) {
		const struct tree_node *kid = object->kids[i];
		struct str value = value_of(builder->arena, kid);

		if (value.len)
			audit_build_field(builder,
					  arena_printf(builder->arena, "%.*s.%.*s",
						       STR_ARG(object->key), STR_ARG(kid->key)),
					  value);
	}
}

/* Keys of rules, of which there may be several. */
static void add_list(struct audit_group_builder *builder, const struct tree_node *list)
{
	for (uint32_t i = 0; i < list->kid_count; i++) {
		struct str value = value_of(builder->arena, list->kids[i]);

		if (value.len)
			audit_build_field(builder, list->key, value);
	}
}

static void add_record(struct audit_group_builder *builder, struct str type,
		       const struct tree_node *record)
{
	for (uint32_t i = 0; i < record->kid_count; i++) {
		const struct tree_node *kid = record->kids[i];
		bool is_argv = kid->type == TREE_ARRAY && str_eq(kid->key, STR("ARGV"));
		struct str value = value_of(builder->arena, kid);

		if (is_argv)
			add_argv(builder, type, kid);
		else if (kid->type == TREE_TABLE)
			add_nested(builder, kid);
		else if (kid->type == TREE_ARRAY)
			add_list(builder, kid);
		else if (value.len)
			audit_build_field(builder, kid->key, value);
	}
	audit_build_record(builder, type);
}

static void add_records(struct audit_group_builder *builder, const struct tree_node *kid)
{
	if (kid->type == TREE_TABLE)
		add_record(builder, kid->key, kid);
	for (uint32_t i = 0; kid->type == TREE_ARRAY && i < kid->kid_count; i++)
		if (kid->kids[i]->type == TREE_TABLE)
			add_record(builder, kid->key, kid->kids[i]);
}

/* "1626611363.720:348501" */
static bool read_id(struct audit_group *group, const struct tree_node *id)
{
	struct str s = id && id->type == TREE_STRING ? id->text : STR_NULL;
	size_t dot = str_find(s, STR("."), 0), colon = str_find(s, STR(":"), 0);

	if (dot == SIZE_MAX || colon == SIZE_MAX || colon != dot + 4 || dot > 12)
		return false;
	uint64_t seconds = audit_parse_number((struct str){s.p, dot}, 10, UINT64_MAX);
	uint64_t millis = audit_parse_number((struct str){s.p + dot + 1, 3}, 10, UINT64_MAX);

	group->serial =
	    audit_parse_number((struct str){s.p + colon + 1, s.len - colon - 1}, 10, UINT64_MAX);
	/* Ten digits: what nanoseconds in 64 bits can hold. */
	if (seconds == UINT64_MAX || millis == UINT64_MAX || group->serial == UINT64_MAX ||
	    dot > 10 || seconds > 9000000000)
		return false;
	group->time_ns = (int64_t)(seconds * 1000000000 + millis * 1000000);
	return true;
}

const struct audit_group *audit_laurel_read(struct arena *arena, struct str line, const char **why)
{
	struct audit_group_builder builder;
	struct diag_list diags;
	struct tree_node *root = NULL;

	diag_list_init(&diags);
	int err = json_tree_read(arena, line, STR("laurel"), 1, &diags, &root);

	diag_list_free(&diags);
	*why = err == -E2BIG ? "nested too deep or too long"
			     : "not a JSON object, or one with a key twice";
	if (err || root->type != TREE_TABLE)
		return NULL;
	audit_build(&builder, arena);
	*why = "no event of laurel's: no ID with time and serial number";
	if (!read_id(builder.group, tree_get(root, "ID")))
		return NULL;
	for (uint32_t i = 0; i < root->kid_count; i++)
		add_records(&builder, root->kids[i]);
	const struct tree_node *node = tree_get_typed(root, "NODE", TREE_STRING);

	builder.group->node = node ? node->text : STR_NULL;
	return audit_build_end(&builder);
}
