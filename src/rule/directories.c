/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/directories.h"

#include <stdlib.h>

#include "base/alloc.h"

struct directory {
	struct str path;
	uint32_t rules;     /* how many name it */
	uint32_t last_rule; /* the last one that did, so that one rule counts once */
};

struct directories {
	struct directory *items;
	uint32_t count, cap;
};

static bool below(struct str path, struct str directory)
{
	return str_starts(path, directory) &&
	       (path.len == directory.len || path.p[directory.len] == '/');
}

static bool left_to_first_witness(struct str path)
{
	static const char *const busy[] = {"/tmp", "/var/tmp", "/dev", "/proc", "/sys", "/run"};

	for (size_t i = 0; i < sizeof(busy) / sizeof(*busy); i++)
		if (below(path, str_from(busy[i])))
			return true;
	return false;
}

/* The directory part of what comes before the first wildcard; empty when there is none below "/".
 */
static struct str literal_directory(struct str pattern)
{
	size_t end = 0, slash = 0;

	while (end < pattern.len && pattern.p[end] != '*' && pattern.p[end] != '?')
		end++;
	for (size_t i = 0; i < end; i++)
		if (pattern.p[i] == '/')
			slash = i;
	return (struct str){pattern.p, pattern.len && pattern.p[0] == '/' ? slash : 0};
}

static void note(struct directories *found, struct str path, uint32_t rule)
{
	for (uint32_t i = 0; i < found->count; i++) {
		struct directory *d = &found->items[i];

		if (!str_eq(d->path, path))
			continue;
		d->rules += d->last_rule != rule;
		d->last_rule = rule;
		return;
	}
	if (found->count == found->cap) {
		found->cap = found->cap ? found->cap * 2 : 64;
		found->items = xreallocarray(found->items, found->cap, sizeof(*found->items));
	}
	found->items[found->count++] =
	    (struct directory){.path = path, .rules = 1, .last_rule = rule};
}

static bool names_files(const struct eql_leaf *leaf)
{
	if (leaf->kind != EQL_LEAF_EXACT && leaf->kind != EQL_LEAF_WILDCARD)
		return false;
	return leaf->field == FIELD_FILE_PATH || leaf->field == FIELD_LINTEL_FILE_HOST_PATH ||
	       leaf->field == FIELD_FILE_EXT_ORIGINAL_PATH;
}

/* What stands under a `not` is what a rule does not want to see. The tree's depth is bounded by
 * the parser. */
static void collect(struct directories *found, const struct eql_cond *cond, uint32_t rule)
{
	switch (cond->kind) {
	case EQL_COND_AND:
	case EQL_COND_OR:
		for (uint32_t i = 0; i < cond->kid_count; i++)
			collect(found, cond->kids[i], rule);
		break;
	case EQL_COND_LEAF:
		if (!names_files(cond->leaf))
			break;
		for (uint32_t i = 0; i < cond->leaf->string_count; i++) {
			struct str path = literal_directory(cond->leaf->strings[i]);

			if (path.len && !left_to_first_witness(path))
				note(found, path, rule);
		}
		break;
	case EQL_COND_NOT:
	case EQL_COND_CONST:
	case EQL_COND_RELATION:
		break;
	}
}

static int by_rules_then_path(const void *a, const void *b)
{
	const struct directory *x = a, *y = b;

	if (x->rules != y->rules)
		return x->rules < y->rules ? 1 : -1;
	return str_cmp(x->path, y->path);
}

const char *const *rule_set_directories(const struct rule_set *rules, struct arena *arena,
					uint32_t *left_out)
{
	struct directories found = {0};

	for (uint32_t i = 0; i < rules->count; i++)
		for (uint32_t f = 0; rules->rules[i]->state == RULE_LOADED &&
				     f < rules->rules[i]->query->filter_count;
		     f++)
			collect(&found, rules->rules[i]->query->filters[f].cond, i + 1);
	if (found.count)
		qsort(found.items, found.count, sizeof(*found.items), by_rules_then_path);
	uint32_t n =
	    found.count < RULE_WATCHED_DIRECTORIES_MAX ? found.count : RULE_WATCHED_DIRECTORIES_MAX;
	const char **paths = ARENA_ARRAY(arena, const char *, n + 1);

	for (uint32_t i = 0; i < n; i++)
		paths[i] = arena_str(arena, found.items[i].path).p;
	*left_out = found.count - n;
	free(found.items);
	return paths;
}
