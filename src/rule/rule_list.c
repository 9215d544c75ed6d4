/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kibana's exception lists. Lists and their items are kept as they come; when all is loaded the
 * items of each list that a rule names become conditions, once, and the rule's exceptions.
 *
 *	rule.exceptions_list ──list_id, namespace_type──► list ──► item, item, ...
 *	                                                            └► entry and entry and ...
 *
 * What the entries mean is what Kibana's build_exception_filter makes of them: match is a term
 * query, wildcard Elasticsearch's wildcard query (with case, `*` and `?`), os_types a test of
 * host.os.type or host.os.name.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/hash_table.h"
#include "rule/rule_internal.h"

/* Kibana allows one level of nested entries. */
#define ENTRY_DEPTH_MAX 2

enum entry_kind {
	ENTRY_MATCH, /* and match_any */
	ENTRY_WILDCARD,
	ENTRY_EXISTS,
	ENTRY_LIST,
	ENTRY_NESTED,
};

struct entry {
	enum entry_kind kind;
	bool excluded;
	struct str field;
	struct str *values; /* MATCH, WILDCARD: one of them */
	uint32_t value_count;
	struct str list_id, list_type; /* LIST */
	struct entry *entries;         /* NESTED */
	uint32_t entry_count;
};

struct item {
	struct item *next;
	struct rule_exception exception; /* cond is set by compiling, NULL when that failed */
	struct str why;                  /* it failed */
	struct str path;
	uint32_t line;
	struct str *os_types;
	uint32_t os_count;
	struct str expire_time;
	struct entry *entries;
	uint32_t entry_count;
};

struct list {
	struct str list_id, namespace_type;
	struct item *items, **last;
	uint32_t item_count;
	bool compiled;
	struct rule_exception *exceptions;
	uint32_t exception_count;
};

struct rule_lists {
	struct hash_table lists; /* by list_id and namespace_type */
};

/* ---- reading */

static struct str own(const struct rule_source *source, const struct tree_node *node)
{
	return node ? arena_str(source->arena, node->text) : STR("");
}

static struct str text_at(const struct rule_source *source, const char *key)
{
	return own(source, tree_get_typed(source->root, key, TREE_STRING));
}

static bool fail(const struct rule_source *source, const struct tree_node *node, const char *hint,
		 const char *what)
{
	struct diag diag = rule_diag_value(source, node);

	diag.hint = str_from(hint);
	diag_add(source->diags, diag, "%s", what);
	return false;
}

static bool read_values(const struct rule_source *source, const struct tree_node *node,
			struct entry *entry)
{
	bool many = node->type == TREE_ARRAY;
	uint32_t count = many ? node->kid_count : 1;

	entry->values = ARENA_ARRAY(source->arena, struct str, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct tree_node *value = many ? node->kids[i] : node;
		struct str text;

		if (!rule_scalar_text(source->arena, value, &text))
			return fail(source, value, "a text, a number or a boolean",
				    "this is not a value");
		entry->values[entry->value_count++] = arena_str(source->arena, text);
	}
	return count ? true : fail(source, node, "", "an entry without values");
}

static bool read_entries(const struct rule_source *source, const struct tree_node *node,
			 uint32_t depth, struct entry **entries, uint32_t *count);

static bool read_body(const struct rule_source *source, const struct tree_node *node,
		      struct str type, uint32_t depth, struct entry *entry)
{
	const struct tree_node *value = tree_get(node, "value");
	const struct tree_node *list = tree_get(node, "list");

	if (str_eq(type, STR("exists"))) {
		entry->kind = ENTRY_EXISTS;
		return true;
	}
	if (str_eq(type, STR("nested"))) {
		entry->kind = ENTRY_NESTED;
		return read_entries(source, tree_get(node, "entries"), depth + 1, &entry->entries,
				    &entry->entry_count);
	}
	if (str_eq(type, STR("list"))) {
		entry->kind = ENTRY_LIST;
		entry->list_id = own(source, tree_get_typed(list, "id", TREE_STRING));
		entry->list_type = own(source, tree_get_typed(list, "type", TREE_STRING));
		return entry->list_id.len ? true
					  : fail(source, node, "expected list, with id and type",
						 "an entry without its value list");
	}
	entry->kind = str_eq(type, STR("wildcard")) ? ENTRY_WILDCARD : ENTRY_MATCH;
	if (!value)
		return fail(source, node, "", "an entry without a value");
	if ((value->type == TREE_ARRAY) != str_eq(type, STR("match_any")))
		return fail(source, value,
			    "match_any has an array of values, match and wildcard "
			    "have one",
			    "the value does not fit the entry's type");
	return read_values(source, value, entry);
}

static bool known_type(struct str type)
{
	static const char *const types[] = {"match",  "match_any", "wildcard",
					    "exists", "list",      "nested"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (str_eq(type, str_from(types[i])))
			return true;
	return false;
}

static bool read_entry(const struct rule_source *source, const struct tree_node *node,
		       uint32_t depth, struct entry *entry)
{
	const struct tree_node *field = tree_get_typed(node, "field", TREE_STRING);
	const struct tree_node *type = tree_get_typed(node, "type", TREE_STRING);
	const struct tree_node *how = tree_get_typed(node, "operator", TREE_STRING);
	bool included = how && str_eq(how->text, STR("included"));
	bool excluded = how && str_eq(how->text, STR("excluded"));

	if (!field || !field->text.len || !type)
		return fail(source, node, "", "an entry needs a field and a type");
	if (!known_type(type->text))
		return fail(source, type,
			    "expected match, match_any, wildcard, exists, list or nested",
			    "unknown type of entry");
	/* Kibana gives nested entries none of their own. */
	if (!included && !excluded && !str_eq(type->text, STR("nested")))
		return fail(source, how ? how : node, "expected included or excluded",
			    "an entry needs its operator");
	entry->field = own(source, field);
	entry->excluded = excluded;
	return read_body(source, node, type->text, depth, entry);
}

static bool read_entries(const struct rule_source *source, const struct tree_node *node,
			 uint32_t depth, struct entry **entries, uint32_t *count)
{
	if (!node || node->type != TREE_ARRAY || !node->kid_count)
		return fail(source, node ? node : source->root, "", "an exception needs entries");
	if (depth > ENTRY_DEPTH_MAX)
		return fail(source, node, "", "entries are nested too deep");
	*entries = ARENA_ARRAY(source->arena, struct entry, node->kid_count);
	*count = node->kid_count;
	for (uint32_t i = 0; i < node->kid_count; i++)
		if (!read_entry(source, node->kids[i], depth, &(*entries)[i]))
			return false;
	return true;
}

static bool read_os_types(const struct rule_source *source, struct item *item)
{
	const struct tree_node *node = tree_get(source->root, "os_types");

	if (!node || node->type == TREE_NULL)
		return true;
	if (node->type != TREE_ARRAY)
		return fail(source, node, "", "os_types must be an array");
	item->os_types = ARENA_ARRAY(source->arena, struct str, node->kid_count);
	for (uint32_t i = 0; i < node->kid_count; i++) {
		if (node->kids[i]->type != TREE_STRING)
			return fail(source, node->kids[i], "", "os_types must be texts");
		item->os_types[item->os_count++] = own(source, node->kids[i]);
	}
	return true;
}

static bool read_item(const struct rule_source *source, struct item *item)
{
	const struct tree_node *expire = tree_get_typed(source->root, "expire_time", TREE_STRING);
	int64_t ns;

	item->exception.name = text_at(source, "name");
	item->exception.reason = text_at(source, "description");
	item->expire_time = own(source, expire);
	if (expire && clock_parse(expire->text, &ns))
		return fail(source, expire, "", "expire_time is not a date");
	return read_os_types(source, item) &&
	       read_entries(source, tree_get(source->root, "entries"), 1, &item->entries,
			    &item->entry_count);
}

static bool has_name(const void *thing, const void *wanted)
{
	const struct list *list = thing, *like = wanted;

	return str_eq(list->list_id, like->list_id) &&
	       str_eq(list->namespace_type, like->namespace_type);
}

static struct list *find(const struct rule_lists *lists, struct str list_id,
			 struct str namespace_type)
{
	struct list like = {.list_id = list_id, .namespace_type = namespace_type};

	return lists ? hash_table_find(&lists->lists, str_hash(list_id), has_name, &like) : NULL;
}

static struct list *find_or_add(struct rule_set *set, struct str list_id, struct str namespace_type)
{
	struct list *list = find(set->lists, list_id, namespace_type);

	if (list)
		return list;
	if (!set->lists)
		set->lists = ARENA_NEW(&set->arena, struct rule_lists);
	list = ARENA_NEW(&set->arena, struct list);
	list->list_id = list_id;
	list->namespace_type = namespace_type;
	list->last = &list->items;
	hash_table_add(&set->lists->lists, str_hash(list_id), list);
	return list;
}

void rule_lists_free(struct rule_lists *lists)
{
	if (lists)
		hash_table_free(&lists->lists);
}

static struct str namespace_or_default(struct str namespace_type)
{
	return namespace_type.len ? namespace_type : STR("single");
}

void rule_list_add(struct rule_set *set, const struct rule_source *source, bool is_item,
		   struct diag_list *diags)
{
	struct rule_source own_source = *source;
	struct diag_list said;

	diag_list_init(&said);
	own_source.diags = &said;
	struct str list_id = text_at(&own_source, "list_id");
	struct item *item = ARENA_NEW(&set->arena, struct item);

	item->path = source->path;
	item->line = source->root->line;
	if (!list_id.len) {
		fail(&own_source, source->root, "", "an exception list needs its list_id, a text");
	} else {
		struct list *list = find_or_add(
		    set, list_id, namespace_or_default(text_at(&own_source, "namespace_type")));

		if (is_item && list->item_count == RULE_LIST_ITEMS_MAX) {
			fail(&own_source, source->root, "", "more than 10000 exceptions in a list");
		} else if (is_item && read_item(&own_source, item)) {
			*list->last = item;
			list->last = &item->next;
			list->item_count++;
		}
	}
	if (said.errors)
		rule_set_add_said(set, source->path, source->root->line, &said, diags);
	diag_list_free(&said);
}

/* ---- in words */

static void say_value(struct buf *out, struct str value, bool pattern)
{
	if (!pattern)
		buf_add_char(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		if (!pattern && (value.p[i] == '"' || value.p[i] == '\\'))
			buf_add_char(out, '\\');
		buf_add_char(out, value.p[i]);
	}
	if (!pattern)
		buf_add_char(out, '"');
}

static void say_entries(struct buf *out, const struct entry *entries, uint32_t count);

static void say_entry(struct buf *out, const struct entry *entry)
{
	if (entry->excluded)
		buf_add(out, STR("not "));
	buf_add(out, entry->field);
	buf_add(out, STR(": "));
	if (entry->kind == ENTRY_EXISTS)
		buf_add_char(out, '*');
	if (entry->kind == ENTRY_LIST)
		buf_printf(out, "in value list %.*s", STR_ARG(entry->list_id));
	if (entry->kind == ENTRY_NESTED) {
		buf_add(out, STR("{ "));
		say_entries(out, entry->entries, entry->entry_count);
		buf_add(out, STR(" }"));
	}
	if (entry->value_count > 1)
		buf_add_char(out, '(');
	for (uint32_t i = 0; i < entry->value_count; i++) {
		if (i)
			buf_add(out, STR(" or "));
		say_value(out, entry->values[i], entry->kind == ENTRY_WILDCARD);
	}
	if (entry->value_count > 1)
		buf_add_char(out, ')');
}

static void say_entries(struct buf *out, const struct entry *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			buf_add(out, STR(" and "));
		say_entry(out, &entries[i]);
	}
}

static struct str say_item(struct arena *arena, const struct item *item)
{
	struct buf out = {0};

	say_entries(&out, item->entries, item->entry_count);
	for (uint32_t i = 0; i < item->os_count; i++)
		buf_printf(&out, "%s%.*s",
			   i ? " or " : " and host.os.type: ", STR_ARG(item->os_types[i]));
	if (item->expire_time.len)
		buf_printf(&out, " and @timestamp < %.*s", STR_ARG(item->expire_time));
	struct str text = arena_str(arena, buf_str(&out));

	buf_free(&out);
	return text;
}

/* ---- compiling */

struct compiler {
	struct kql_terms terms;
	struct arena *arena; /* the rule set's */
	const struct item *item;
};

static struct eql_cond *wrong(struct compiler *c, struct str list_id, const char *why)
{
	c->terms.why = arena_printf(c->arena, "value list [%.*s] %s", STR_ARG(list_id), why);
	c->terms.hint = STR("a value list is a file with its id as name beside the file that names "
			    "it, one value a line");
	return NULL;
}

/* A file's lines without blanks around them; empty ones are left out. */
static uint32_t split_lines(struct compiler *c, struct str text, struct str **lines)
{
	uint32_t cap = 1, count = 0;

	for (size_t i = 0; i < text.len; i++)
		cap += text.p[i] == '\n';
	*lines = ARENA_ARRAY(c->arena, struct str, cap);
	for (size_t at = 0; at < text.len;) {
		size_t end = str_find(text, STR("\n"), at);
		struct str line = {text.p + at, (end == SIZE_MAX ? text.len : end) - at};

		at += line.len + 1;
		while (line.len && strchr(" \t\r", line.p[0]))
			line = (struct str){line.p + 1, line.len - 1};
		while (line.len && strchr(" \t\r", line.p[line.len - 1]))
			line.len--;
		if (line.len)
			(*lines)[count++] = arena_str(c->arena, line);
	}
	return count;
}

/* "10.0.0.1-10.0.0.9"; all other values are terms. */
static struct eql_cond *span(struct compiler *c, struct str field, struct str value, size_t dash)
{
	struct str from = {value.p, dash};
	struct str to = {value.p + dash + 1, value.len - dash - 1};
	struct eql_cond *ends[2] = {
	    kql_range(&c->terms, field, EQL_BUILD_GE, from),
	    kql_range(&c->terms, field, EQL_BUILD_LE, to),
	};

	return eql_build_and(c->terms.builder, ends, 2);
}

static struct eql_cond *list_values(struct compiler *c, struct str field, const struct entry *entry,
				    const struct str *lines, uint32_t count)
{
	bool ranges = str_eq(entry->list_type, STR("ip_range"));
	struct str *plain = ARENA_ARRAY(c->arena, struct str, count);
	struct eql_cond **kids = ARENA_ARRAY(c->arena, struct eql_cond *, (size_t)count + 1);
	uint32_t plain_count = 0, n = 0;

	for (uint32_t i = 0; i < count; i++) {
		size_t dash = ranges ? str_find(lines[i], STR("-"), 0) : SIZE_MAX;

		if (dash == SIZE_MAX)
			plain[plain_count++] = lines[i];
		else
			kids[n++] = span(c, field, lines[i], dash);
	}
	if (plain_count)
		kids[n++] = kql_term(&c->terms, field, plain, plain_count);
	return eql_build_or(c->terms.builder, kids, n);
}

/* A value list is a file with the list's id as its name, beside the file that names it: what Kibana
 * imports and exports, one value a line. */
static struct eql_cond *value_list(struct compiler *c, struct str field, const struct entry *entry)
{
	struct str directory = c->item->path;
	struct buf text = {0};
	struct str *lines;
	const char *why;

	if (memchr(entry->list_id.p, '/', entry->list_id.len) ||
	    memchr(entry->list_id.p, '\0', entry->list_id.len) || entry->list_id.p[0] == '.')
		return wrong(c, entry->list_id, "is not a file's name");
	while (directory.len && directory.p[directory.len - 1] != '/')
		directory.len--;
	struct str path =
	    arena_printf(c->arena, "%.*s%.*s", STR_ARG(directory), STR_ARG(entry->list_id));
	int error = rule_read_file(path.p, false, &text, &why);

	if (error || text.len > RULE_FILE_BYTES_MAX) {
		buf_free(&text);
		return wrong(c, entry->list_id, error ? "cannot be read" : "is larger than 1 MiB");
	}
	uint32_t count = split_lines(c, buf_str(&text), &lines);

	buf_free(&text);
	return list_values(c, field, entry, lines, count);
}

static struct eql_cond *compile_entries(struct compiler *c, struct str prefix,
					const struct entry *entries, uint32_t count);

static struct eql_cond *compile_entry(struct compiler *c, struct str prefix,
				      const struct entry *entry)
{
	struct str field = entry->field;
	struct eql_cond *cond = NULL;

	if (prefix.len)
		field = arena_printf(c->arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(field));
	switch (entry->kind) {
	case ENTRY_MATCH:
		cond = kql_term(&c->terms, field, entry->values, entry->value_count);
		break;
	case ENTRY_WILDCARD:
		cond = rule_es_wildcard(&c->terms, field, entry->values[0], false);
		break;
	case ENTRY_EXISTS:
		cond = kql_exists(&c->terms, field);
		break;
	case ENTRY_LIST:
		cond = value_list(c, field, entry);
		break;
	case ENTRY_NESTED:
		cond = compile_entries(c, field, entry->entries, entry->entry_count);
		break;
	}
	return entry->excluded ? eql_build_not(c->terms.builder, cond) : cond;
}

static struct eql_cond *compile_entries(struct compiler *c, struct str prefix,
					const struct entry *entries, uint32_t count)
{
	struct eql_cond **kids = ARENA_ARRAY(c->arena, struct eql_cond *, count);

	for (uint32_t i = 0; i < count; i++) {
		kids[i] = compile_entry(c, prefix, &entries[i]);
		if (!kids[i])
			return NULL;
	}
	return eql_build_and(c->terms.builder, kids, count);
}

static struct eql_cond *compile_os(struct compiler *c, const struct item *item)
{
	struct eql_cond *kids[2];

	if (!item->os_count)
		return eql_build_const(c->terms.builder, true);
	kids[0] = kql_term(&c->terms, STR("host.os.type"), item->os_types, item->os_count);
	kids[1] = kql_term(&c->terms, STR("host.os.name.caseless"), item->os_types, item->os_count);
	return eql_build_or(c->terms.builder, kids, 2);
}

/* By the event's own time: what was excepted when it happened stays so. */
static struct eql_cond *compile_expiry(struct compiler *c, const struct item *item)
{
	if (!item->expire_time.len)
		return eql_build_const(c->terms.builder, true);
	return kql_range(&c->terms, STR("@timestamp"), EQL_BUILD_LT, item->expire_time);
}

/* An item that cannot be compiled is an error of its file. */
static void compile_item(struct compiler *c, struct rule_set *set, struct item *item,
			 struct diag_list *diags)
{
	struct diag_list said;

	c->item = item;
	struct eql_cond *kids[3] = {compile_entries(c, STR(""), item->entries, item->entry_count)};

	if (kids[0]) {
		kids[1] = compile_os(c, item);
		kids[2] = compile_expiry(c, item);
		item->exception.cond = eql_build_and(c->terms.builder, kids, 3);
	}
	item->exception.text = say_item(&set->arena, item);
	if (item->exception.cond)
		return;
	const char *of_builder = eql_builder_error(c->terms.builder);

	item->why = c->terms.why.len ? c->terms.why
		    : of_builder     ? arena_str(&set->arena, str_from(of_builder))
				     : STR("it cannot be compiled");
	diag_list_init(&said);
	diag_add(&said,
		 (struct diag){.file = item->path, .line = item->line, .hint = c->terms.hint},
		 "exception [%.*s]: %.*s", STR_ARG(item->exception.name), STR_ARG(item->why));
	rule_set_add_said(set, item->path, item->line, &said, diags);
	diag_list_free(&said);
}

static void compile_list(struct rule_set *set, struct field_set *fields, struct list *list,
			 struct diag_list *diags)
{
	if (list->compiled)
		return;
	list->compiled = true;
	list->exceptions = ARENA_ARRAY(&set->arena, struct rule_exception, list->item_count);
	for (struct item *item = list->items; item; item = item->next) {
		/* A new one for each: an error stays with its builder. */
		struct eql_builder *builder = eql_builder_new(&set->arena, fields);
		struct compiler c = {
		    .terms = {.builder = builder, .fields = fields, .scratch = &set->arena},
		    .arena = &set->arena,
		};

		compile_item(&c, set, item, diags);
		if (item->exception.cond)
			list->exceptions[list->exception_count++] = item->exception;
		eql_builder_free(builder);
	}
}

/* ---- rules and their lists */

static void warn_too_many(struct rule_set *set, struct rule *rule, const struct list *list,
			  struct diag_list *diags)
{
	struct diag diag = {.line = rule->line};

	diag.message = arena_printf(&set->arena,
				    "exception list [%.*s] is not applied: the rule alerts on what "
				    "it excepts",
				    STR_ARG(list->list_id));
	diag.hint =
	    arena_printf(&set->arena, "a rule has at most %d exceptions", RULE_LIST_ITEMS_MAX);
	rule_set_warn(set, rule, diag, diags);
}

static void attach(struct rule_set *set, struct rule *rule, const struct list *list,
		   struct diag_list *diags)
{
	uint32_t count = rule->exception_count + list->exception_count;

	if (!list->exception_count)
		return;
	if (count > RULE_LIST_ITEMS_MAX) {
		warn_too_many(set, rule, list, diags);
		return;
	}
	/* Most rules have one list and nothing else: they share it. */
	if (!rule->exception_count) {
		rule->exceptions = list->exceptions;
	} else {
		struct rule_exception *all = ARENA_ARRAY(&set->arena, struct rule_exception, count);

		memcpy(all, rule->exceptions, rule->exception_count * sizeof(*all));
		memcpy(all + rule->exception_count, list->exceptions,
		       list->exception_count * sizeof(*all));
		rule->exceptions = all;
	}
	rule->exception_count = count;
}

static void warn_lost(struct rule_set *set, struct rule *rule, const struct list *list,
		      struct diag_list *diags)
{
	for (const struct item *item = list->items; item; item = item->next) {
		struct diag diag = {.line = rule->line};

		if (item->exception.cond)
			continue;
		diag.message = arena_printf(&set->arena,
					    "exception [%.*s] of list [%.*s] is not applied: the "
					    "rule alerts on what it excepts",
					    STR_ARG(item->exception.name), STR_ARG(list->list_id));
		diag.hint = item->why;
		rule_set_warn(set, rule, diag, diags);
	}
}

static void finish_rule(struct rule_set *set, struct field_set *fields, struct rule *rule,
			struct diag_list *diags)
{
	for (uint32_t i = 0; i < rule->list_count; i++) {
		const struct rule_list_reference *reference = &rule->lists[i];
		struct list *list = find(set->lists, reference->list_id,
					 namespace_or_default(reference->namespace_type));
		struct diag diag = {.line = rule->line};

		if (list) {
			compile_list(set, fields, list, diags);
			attach(set, rule, list, diags);
			warn_lost(set, rule, list, diags);
			continue;
		}
		diag.message =
		    arena_printf(&set->arena,
				 "exception list [%.*s] is not loaded: the rule alerts on "
				 "what it excepts",
				 STR_ARG(reference->list_id));
		diag.hint = STR("give the file with the list too");
		rule_set_warn(set, rule, diag, diags);
	}
}

void rule_set_finish(struct rule_set *set, struct field_set *fields, struct diag_list *diags)
{
	/* Broken items are added as errors behind the rules there are now. */
	uint32_t count = set->count;

	for (uint32_t i = 0; i < count; i++)
		if (set->rules[i]->state == RULE_LOADED)
			finish_rule(set, fields, set->rules[i], diags);
}
