/* SPDX-License-Identifier: Apache-2.0 */
/* The set: all rules of a run in one arena, in order of loading, found by id. */
#include "rule/rule_internal.h"

#include <errno.h>

/* The first size of the id table; Elastic's Linux rules are about 500. */
#define BY_ID_FIRST 1024

void rule_set_init(struct rule_set *set)
{
	*set = (struct rule_set){0};
	arena_init(&set->arena);
}

void rule_set_free(struct rule_set *set)
{
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
	set->files++;
	set->loaded += rule->state == RULE_LOADED;
	set->skipped += rule->state == RULE_SKIPPED;
	set->errors += rule->state == RULE_ERROR;
}

/* Keep what was said with the rule, and pass it on. Warnings leave half of the list to errors. */
static void keep_diags(struct rule_set *set, struct rule *rule, const struct diag_list *said,
		       struct diag_list *diags)
{
	rule->diags = ARENA_ARRAY(&set->arena, struct diag, said->count);
	for (uint32_t i = 0; i < said->count; i++) {
		struct diag diag = said->items[i];

		if (diag.level != DIAG_ERROR && diags->count >= DIAG_LIST_MAX / 2)
			diags->suppressed++;
		else
			diag_add(diags, diag, "%.*s", STR_ARG(said->items[i].message));
		diag.file = rule->path;
		diag.source = arena_str(&set->arena, diag.source);
		diag.message = arena_str(&set->arena, diag.message);
		diag.hint = arena_str(&set->arena, diag.hint);
		rule->diags[rule->diag_count++] = diag;
		if (diag.level == DIAG_ERROR && rule->state != RULE_ERROR) {
			rule->state = RULE_ERROR;
			rule->reason = diag.message;
			rule->query = NULL;
		}
	}
	/* An error behind DIAG_LIST_MAX warnings is an error all the same. */
	if (said->errors && rule->state != RULE_ERROR) {
		rule->state = RULE_ERROR;
		rule->reason = STR("has errors behind too many warnings");
		rule->query = NULL;
	}
}

void rule_set_add_broken(struct rule_set *set, struct str path, struct diag_list *diags,
			 const char *why)
{
	struct rule *rule = ARENA_NEW(&set->arena, struct rule);
	struct diag_list said;

	rule->path = arena_str(&set->arena, path);
	rule->state = RULE_LOADED;
	diag_list_init(&said);
	diag_add(&said, (struct diag){.file = path}, "%s", why);
	keep_diags(set, rule, &said, diags);
	diag_list_free(&said);
	rule_set_add(set, rule);
}

static void claim_id(struct rule_set *set, const struct rule_source *source, struct rule *rule)
{
	if (!rule->id.len)
		return;
	const struct rule *other = rule_set_claim_id(set, rule);

	if (!other)
		return;
	const struct toml_node *table = toml_get(source->root, "rule");
	const struct toml_node *node = toml_get(table, "rule_id");
	struct diag diag = rule_diag_value(source, node ? node : toml_get(table, "id"));

	diag.hint = STR("a rule id names one rule; this file is not loaded");
	diag_add(source->diags, diag, "rule id [%.*s] is already that of %.*s", STR_ARG(rule->id),
		 STR_ARG(other->path));
}

int rule_set_load_text(struct rule_set *set, struct field_set *fields, struct str text,
		       struct str path, struct diag_list *diags)
{
	struct rule_draft *draft = ARENA_NEW(&set->arena, struct rule_draft);
	struct toml_node *root = NULL;
	struct diag_list said;
	struct arena tree;

	draft->rule.path = arena_str(&set->arena, path);
	draft->rule.enabled = true;
	arena_init(&tree);
	diag_list_init(&said);
	struct rule_source source = {
	    .arena = &set->arena,
	    .path = draft->rule.path,
	    .text = text,
	    .diags = &said,
	};

	if (!toml_read(&tree, text, path, &said, &root)) {
		source.root = root;
		if (toml_get_typed(root, "rule", TOML_STRING)) {
			/* It names the rule that its tests are about. */
			draft->rule.state = RULE_SKIPPED;
			draft->rule.reason = STR("tests of a rule: lintel rules test runs them");
		} else {
			rule_read_keys(&source, draft);
			rule_finish(&source, draft, fields);
			claim_id(set, &source, &draft->rule);
		}
	}
	keep_diags(set, &draft->rule, &said, diags);
	rule_set_add(set, &draft->rule);
	diag_list_free(&said);
	arena_free(&tree);
	return draft->rule.state == RULE_ERROR ? -EINVAL : 0;
}
