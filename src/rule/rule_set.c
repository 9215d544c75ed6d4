/* SPDX-License-Identifier: Apache-2.0 */
/* The set: all rules of a run in one arena, in order of loading, found by id. */
#include "rule/rule_internal.h"

#include <errno.h>

#include "base/toml_reader.h"

/* The first size of the id table; Elastic's Linux rules are about 500. */
#define BY_ID_FIRST 1024

void rule_set_init(struct rule_set *set)
{
	*set = (struct rule_set){0};
	arena_init(&set->arena);
}

void rule_set_free(struct rule_set *set)
{
	rule_lists_free(set->lists);
	arena_free(&set->arena);
	*set = (struct rule_set){0};
}

const char *rule_state_name(enum rule_state state)
{
	static const char *const names[] = {
	    [RULE_LOADED] = "loaded",
	    [RULE_SKIPPED] = "skipped",
	    [RULE_ERROR] = "error",
	};

	return names[state];
}

/* The slot that holds `id`, or the free one where it would go. */
static struct rule **id_slot(struct rule **table, uint32_t cap, struct str id)
{
	uint32_t i = (uint32_t)str_hash(id) & (cap - 1);

	while (table[i] && !str_eq(table[i]->id, id))
		i = (i + 1) & (cap - 1);
	return &table[i];
}

static void grow_ids(struct rule_set *set)
{
	uint32_t cap = set->by_id_cap ? 2 * set->by_id_cap : BY_ID_FIRST;
	struct rule **table = ARENA_ARRAY(&set->arena, struct rule *, cap);

	for (uint32_t i = 0; i < set->by_id_cap; i++)
		if (set->by_id[i])
			*id_slot(table, cap, set->by_id[i]->id) = set->by_id[i];
	set->by_id = table;
	set->by_id_cap = cap;
}

const struct rule *rule_set_find(const struct rule_set *set, struct str id)
{
	return set->by_id_cap ? *id_slot(set->by_id, set->by_id_cap, id) : NULL;
}

const struct rule *rule_set_claim_id(struct rule_set *set, struct rule *rule)
{
	if (2 * set->by_id_count >= set->by_id_cap)
		grow_ids(set);
	struct rule **slot = id_slot(set->by_id, set->by_id_cap, rule->id);

	if (*slot)
		return *slot;
	*slot = rule;
	set->by_id_count++;
	return NULL;
}

void rule_set_add(struct rule_set *set, struct rule *rule)
{
	if (set->count == set->cap) {
		uint32_t cap = set->cap ? 2 * set->cap : 64;
		struct rule **more = ARENA_ARRAY(&set->arena, struct rule *, cap);

		if (set->count)
			memcpy(more, set->rules, set->count * sizeof(struct rule *));
		set->rules = more;
		set->cap = cap;
	}
	set->rules[set->count++] = rule;
	set->loaded += rule->state == RULE_LOADED;
	set->skipped += rule->state == RULE_SKIPPED;
	set->errors += rule->state == RULE_ERROR;
}

/* A diagnostic in the set's memory. */
static struct diag own_diag(struct rule_set *set, const struct rule *rule, struct diag diag)
{
	diag.file = rule->path;
	diag.source = arena_str(&set->arena, diag.source);
	diag.message = arena_str(&set->arena, diag.message);
	diag.hint = arena_str(&set->arena, diag.hint);
	return diag;
}

/* Warnings leave half of the list to errors. */
static void pass_on(const struct diag *diag, struct diag_list *diags)
{
	if (diag->level != DIAG_ERROR && diags->count >= DIAG_LIST_MAX / 2)
		diags->suppressed++;
	else
		diag_add(diags, *diag, "%.*s", STR_ARG(diag->message));
}

static void fail_rule(struct rule *rule, struct str reason)
{
	rule->state = RULE_ERROR;
	rule->reason = reason;
	rule->query = NULL;
}

/* Keep what was said with the rule, and pass it on. */
static void keep_diags(struct rule_set *set, struct rule *rule, const struct diag_list *said,
		       struct diag_list *diags)
{
	rule->diags = ARENA_ARRAY(&set->arena, struct diag, said->count);
	for (uint32_t i = 0; i < said->count; i++) {
		struct diag diag = own_diag(set, rule, said->items[i]);

		pass_on(&said->items[i], diags);
		rule->diags[rule->diag_count++] = diag;
		if (diag.level == DIAG_ERROR && rule->state != RULE_ERROR)
			fail_rule(rule, diag.message);
	}
	/* An error behind DIAG_LIST_MAX warnings is an error all the same. */
	if (said->errors && rule->state != RULE_ERROR)
		fail_rule(rule, STR("has errors behind too many warnings"));
}

void rule_set_warn(struct rule_set *set, struct rule *rule, struct diag diag,
		   struct diag_list *diags)
{
	struct diag *more = ARENA_ARRAY(&set->arena, struct diag, rule->diag_count + 1);

	if (rule->diag_count)
		memcpy(more, rule->diags, rule->diag_count * sizeof(*more));
	rule->diags = more;
	diag.level = DIAG_WARNING;
	diag.file = rule->path;
	more[rule->diag_count++] = own_diag(set, rule, diag);
	pass_on(&diag, diags);
}

void rule_set_add_said(struct rule_set *set, struct str path, uint32_t line,
		       const struct diag_list *said, struct diag_list *diags)
{
	struct rule *rule = ARENA_NEW(&set->arena, struct rule);

	rule->path = arena_str(&set->arena, path);
	rule->line = line;
	rule->state = RULE_LOADED;
	keep_diags(set, rule, said, diags);
	rule_set_add(set, rule);
}

void rule_set_add_broken(struct rule_set *set, struct str path, struct diag_list *diags,
			 const char *why)
{
	struct diag_list said;

	diag_list_init(&said);
	diag_add(&said, (struct diag){.file = path}, "%s", why);
	rule_set_add_said(set, path, 0, &said, diags);
	diag_list_free(&said);
	set->files++;
}

static void claim_id(struct rule_set *set, const struct rule_source *source, struct rule *rule)
{
	if (!rule->id.len)
		return;
	const struct rule *other = rule_set_claim_id(set, rule);

	if (!other)
		return;
	const struct tree_node *node = rule_key(source, "rule_id");
	struct diag diag = rule_diag_value(source, node ? node : rule_key(source, "id"));
	struct str at =
	    other->line ? arena_printf(source->arena, "%.*s:%u", STR_ARG(other->path), other->line)
			: other->path;

	diag.hint = STR("a rule id names one rule; this one is not loaded");
	diag_add(source->diags, diag, "rule id [%.*s] is already that of %.*s", STR_ARG(rule->id),
		 STR_ARG(at));
}

void rule_set_load_tree(struct rule_set *set, struct field_set *fields, struct rule_source *source,
			struct diag_list *diags)
{
	struct rule_draft *draft = ARENA_NEW(&set->arena, struct rule_draft);
	struct diag_list said;

	draft->rule.path = source->path;
	draft->rule.enabled = true;
	draft->rule.line = source->format == RULE_FORMAT_JSON ? source->root->line : 0;
	diag_list_init(&said);
	source->diags = &said;
	rule_read_keys(source, draft);
	rule_finish(source, draft, fields);
	claim_id(set, source, &draft->rule);
	keep_diags(set, &draft->rule, &said, diags);
	rule_set_add(set, &draft->rule);
	diag_list_free(&said);
}

/* A file of tests among rules is none, and no mistake. */
static void add_tests(struct rule_set *set, struct str path)
{
	struct rule *rule = ARENA_NEW(&set->arena, struct rule);

	rule->path = path;
	rule->state = RULE_SKIPPED;
	rule->reason = STR("tests of a rule: lintel rules test runs them");
	rule_set_add(set, rule);
}

/* A file that is one rule. */
static void load_one(struct rule_set *set, struct field_set *fields, enum rule_format format,
		     struct str text, struct str path, struct diag_list *diags)
{
	struct tree_node *root = NULL;
	struct diag_list said;
	struct arena tree;

	arena_init(&tree);
	diag_list_init(&said);
	int error = format == RULE_FORMAT_PAGE ? rule_page_read(&tree, text, path, &said, &root)
					       : toml_read(&tree, text, path, &said, &root);

	if (error) {
		rule_set_add_said(set, path, 0, &said, diags);
	} else {
		struct rule_source source = {
		    .arena = &set->arena,
		    .format = format,
		    .path = path,
		    .text = text,
		    .first_line = 1,
		    .first_column = 1,
		    .root = root,
		    .rule = format == RULE_FORMAT_TOML ? tree_get(root, "rule") : root,
		};

		/* It names the rule that its tests are about. */
		if (format == RULE_FORMAT_TOML && tree_get_typed(root, "rule", TREE_STRING))
			add_tests(set, path);
		else
			rule_set_load_tree(set, fields, &source, diags);
	}
	diag_list_free(&said);
	arena_free(&tree);
}

static char first_character(struct str text, size_t *at)
{
	for (*at = 0; *at < text.len; ++*at)
		if (!strchr(" \t\r\n", text.p[*at]))
			return text.p[*at];
	return '\0';
}

/* A table of TOML begins with [ too. */
static bool is_json_array(struct str text, size_t at)
{
	for (at++; at < text.len; at++)
		if (!strchr(" \t\r\n", text.p[at]))
			return text.p[at] == '{' || text.p[at] == ']';
	return false;
}

static bool looks_like_json(struct str text)
{
	size_t at;
	char first = first_character(text, &at);

	return first == '{' || (first == '[' && is_json_array(text, at));
}

int rule_set_load_text(struct rule_set *set, struct field_set *fields, struct str text,
		       struct str path, struct diag_list *diags)
{
	uint32_t errors = set->errors;

	path = arena_str(&set->arena, path);
	set->files++;
	if (str_ends(path, STR(".toml")))
		load_one(set, fields, RULE_FORMAT_TOML, text, path, diags);
	else if (str_ends(path, STR(".ndjson")))
		rule_json_load(set, fields, text, path, true, diags);
	else if (str_ends(path, STR(".json")) || looks_like_json(text))
		rule_json_load(set, fields, text, path, false, diags);
	else if (rule_page_is(text))
		load_one(set, fields, RULE_FORMAT_PAGE, text, path, diags);
	else
		load_one(set, fields, RULE_FORMAT_TOML, text, path, diags);
	return set->errors > errors ? -EINVAL : 0;
}
