/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of each condition, what it cannot hold without:
 *
 *	leaf on a path        a part of each of its texts
 *	leaf on the program   its name, or how its path begins
 *	leaf no event of ours satisfies    the condition never holds
 *	and                   the cheapest of its parts; never, if one of them never holds
 *	or                    all of its parts
 *	anything else         no telling: every file event
 */
#include "rule/demand.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "event/action.h"

enum need_kind {
	NEED_ANYTHING, /* no telling */
	NEED_PARTS,
	NEED_NEVER, /* cannot hold for events of ours */
};

struct need {
	enum need_kind kind;
	struct demand *items;
	uint32_t count;
	/* A guess at how many of a host's file events the parts let through; only compared. */
	float cost;
};

struct asking {
	const struct field_set *fields;
	struct arena *arena; /* of the result, and of needs on the way to it */
	struct str category; /* of the filter at hand; empty: any */
	bool wants_arming;   /* look for DEMAND_ARMS instead of paths and programs */
};

static const struct need anything = {NEED_ANYTHING, NULL, 0, 0};
static const struct need never = {NEED_NEVER, NULL, 0, 0};

/* ---- one text of a leaf */

/* Directories in which most of a host's files are made. */
static bool is_common(struct str name)
{
	static const char *const common[] = {"bin", "cache", "dev",   "etc",  "home", "lib",
					     "log", "opt",   "proc",  "root", "run",  "sbin",
					     "sys", "share", "local", "tmp",  "usr",  "var"};

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (str_eq(name, str_from(common[i])))
			return true;
	return false;
}

static float cost_of(enum demand_kind kind, struct str text)
{
	switch (kind) {
	case DEMAND_NAME:
	case DEMAND_ARMS:
		return 1;
	case DEMAND_PROGRAM:
		return 2;
	case DEMAND_NAME_START:
	case DEMAND_DIRECTORY_START:
	case DEMAND_PROGRAM_START:
	case DEMAND_PROGRAM_PART:
		return 4;
	case DEMAND_EXTENSION:
		return 8;
	case DEMAND_DIRECTORY:
		return is_common(text) ? 60 : 5;
	default:
		return 30;
	}
}

static void add(const struct asking *a, struct need *need, enum demand_kind kind, struct str text)
{
	struct demand *items = ARENA_ARRAY(a->arena, struct demand, need->count + 1);
	char *lower = arena_bytes(a->arena, text.len + 1);

	for (size_t i = 0; i < text.len; i++)
		lower[i] =
		    (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] + 32 : text.p[i]);
	lower[text.len] = '\0';
	if (need->count)
		memcpy(items, need->items, need->count * sizeof(*items));
	items[need->count].kind = kind;
	items[need->count].text = (struct str){lower, text.len};
	need->kind = NEED_PARTS;
	need->items = items;
	need->count++;
	need->cost += cost_of(kind, items[need->count - 1].text);
}

static bool is_literal(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '*' || text.p[i] == '?')
			return false;
	return text.len > 0;
}

static struct str cut(struct str text, size_t bytes)
{
	return (struct str){text.p, text.len < bytes ? text.len : bytes};
}

/* "*.so" and the like: the extension; empty when the text does not end in one. */
static struct str literal_extension(struct str text)
{
	for (size_t i = text.len; i-- > 0;) {
		struct str rest = {text.p + i + 1, text.len - i - 1};

		if (text.p[i] == '.')
			return is_literal(rest) && rest.len <= DEMAND_EXTENSION_BYTES ? rest
										      : STR_NULL;
		if (text.p[i] == '*' || text.p[i] == '?' || text.p[i] == '/')
			break;
	}
	return STR_NULL;
}

/* The last name of a path, or a pattern of it. */
static bool add_name(const struct asking *a, struct need *need, struct str name, bool is_pattern)
{
	struct str extension, start = cut(name, DEMAND_START_BYTES);

	if (!is_pattern || is_literal(name)) {
		add(a, need, DEMAND_NAME, name);
		return true;
	}
	extension = literal_extension(name);
	if (start.len == DEMAND_START_BYTES && is_literal(start))
		add(a, need, DEMAND_NAME_START, start);
	else if (extension.len)
		add(a, need, DEMAND_EXTENSION, extension);
	else
		return false;
	return true;
}

/* The rarest directory a pattern names in full: between two slashes, without a wildcard. */
static struct str literal_directory(struct str path)
{
	struct str best = STR_NULL;
	size_t start = SIZE_MAX;

	for (size_t i = 0; i < path.len; i++) {
		struct str name = {path.p + start, i - start};

		if (path.p[i] != '/')
			continue;
		if (start != SIZE_MAX && is_literal(name) &&
		    (best.len == 0 || is_common(best) || !is_common(name)))
			best = name;
		start = i + 1;
	}
	return best;
}

/* Is what stands at `at`, up to the next slash, one of the common directories? */
static bool is_common_name(struct str path, size_t at)
{
	const char *slash = memchr(path.p + at, '/', path.len - at);

	return slash && is_common((struct str){path.p + at, (size_t)(slash - path.p) - at});
}

/* How a name in the path begins, directory or file: what stands behind a slash and before a
 * wildcard, at least DEMAND_START_BYTES of it. */
static struct str literal_start(struct str path)
{
	for (size_t i = path.len; i-- > 0;) {
		struct str start = {path.p + i + 1, DEMAND_START_BYTES};

		if (path.p[i] == '/' && i + DEMAND_START_BYTES < path.len && is_literal(start) &&
		    !memchr(start.p, '/', start.len) && !is_common_name(path, i + 1))
			return start;
	}
	return STR_NULL;
}

/* "C:\\x" and patterns of such: rules for several systems name them beside Unix paths. */
static bool is_foreign_path(struct str path)
{
	if (path.len == 0 || path.p[0] == '/' || path.p[0] == '*')
		return false;
	return path.p[0] != '?' || str_starts(path, STR("?:\\"));
}

/* A path, or a pattern of one. `*` matches slashes too, so what follows the last slash of a pattern
 * is the file's own name only if it has no wildcard in it, or begins with none. */
static bool add_path(const struct asking *a, struct need *need, struct str path, bool is_pattern)
{
	struct str name = str_basename(path), directory, extension, start;

	if (is_foreign_path(path))
		return true;
	if (!is_pattern || (is_literal(name) && name.len < path.len)) {
		add(a, need, DEMAND_NAME, name);
		return name.len > 0;
	}
	directory = literal_directory(path);
	if (directory.len && !is_common(directory)) {
		add(a, need, DEMAND_DIRECTORY, directory);
		return true;
	}
	extension = literal_extension(path);
	start = literal_start(path);
	if (extension.len) {
		add(a, need, DEMAND_EXTENSION, extension);
	} else if (start.len) {
		add(a, need, DEMAND_DIRECTORY_START, start);
		add(a, need, DEMAND_NAME_START, start);
	} else if (directory.len) {
		add(a, need, DEMAND_DIRECTORY, directory);
	} else {
		return false;
	}
	return true;
}

static bool add_extension(const struct asking *a, struct need *need, struct str text,
			  bool is_pattern)
{
	if ((is_pattern && !is_literal(text)) || text.len > DEMAND_EXTENSION_BYTES)
		return false;
	add(a, need, DEMAND_EXTENSION, text);
	return true;
}

static bool add_program_path(const struct asking *a, struct need *need, struct str path,
			     bool is_pattern)
{
	struct str start = cut(path, DEMAND_START_BYTES);

	if (is_foreign_path(path))
		return true;
	if (!is_pattern || (is_literal(str_basename(path)) && path.len > str_basename(path).len))
		add(a, need, DEMAND_PROGRAM, cut(str_basename(path), DEMAND_PROGRAM_BYTES));
	else if (start.len == DEMAND_START_BYTES && is_literal(start))
		add(a, need, DEMAND_PROGRAM_PATH, start);
	else
		return false;
	return true;
}

/* The first DEMAND_START_BYTES bytes in a row that a pattern names. */
static struct str literal_part(struct str pattern)
{
	for (size_t i = 0; i + DEMAND_START_BYTES <= pattern.len; i++)
		if (is_literal((struct str){pattern.p + i, DEMAND_START_BYTES}))
			return (struct str){pattern.p + i, DEMAND_START_BYTES};
	return STR_NULL;
}

static bool add_program(const struct asking *a, struct need *need, struct str name, bool is_pattern)
{
	struct str part = literal_part(name);

	struct str start = cut(name, DEMAND_START_BYTES);

	if (!is_pattern || is_literal(name))
		add(a, need, DEMAND_PROGRAM, cut(name, DEMAND_PROGRAM_BYTES));
	else if (start.len == DEMAND_START_BYTES && is_literal(start))
		add(a, need, DEMAND_PROGRAM_START, start);
	else if (start.len == DEMAND_START_BYTES && is_literal(cut(start, DEMAND_START_BYTES - 1)))
		add(a, need, DEMAND_PROGRAM_START, cut(start, DEMAND_START_BYTES - 1));
	else if (part.len)
		add(a, need, DEMAND_PROGRAM_PART, part);
	else
		return false;
	return true;
}

static bool add_arming(const struct asking *a, struct need *need, struct str name, bool is_pattern)
{
	if (is_pattern && !is_literal(name))
		return false;
	add(a, need, DEMAND_ARMS, cut(name, DEMAND_PROGRAM_BYTES));
	return true;
}

/* Where lintel's own files are no rule knows: whoever opens the sensor asks for them by their paths. */
static bool add_own(const struct asking *a, struct need *need, struct str text, bool is_pattern)
{
	(void)a;
	(void)text;
	(void)is_pattern;
	need->kind = NEED_PARTS;
	return true;
}

typedef bool adder(const struct asking *a, struct need *need, struct str text, bool is_pattern);

/* The fields that tell, and how. */
static const struct teller {
	uint32_t field;
	bool arming;
	adder *add;
} tellers[] = {
    {FIELD_FILE_PATH, false, add_path},
    {FIELD_LINTEL_FILE_HOST_PATH, false, add_path},
    {FIELD_FILE_NAME, false, add_name},
    {FIELD_FILE_EXTENSION, false, add_extension},
    /* of a rename both names are looked up */
    {FIELD_FILE_EXT_ORIGINAL_PATH, false, add_path},
    {FIELD_LINTEL_FILE_ORIGINAL_HOST_PATH, false, add_path},
    {FIELD_FILE_EXT_ORIGINAL_NAME, false, add_name},
    {FIELD_FILE_EXT_ORIGINAL_EXTENSION, false, add_extension},
    {FIELD_LINTEL_SELF_TARGET, false, add_own},
    {FIELD_PROCESS_NAME, false, add_program},
    {FIELD_PROCESS_EXECUTABLE, false, add_program_path},
    {FIELD_PROCESS_PARENT_NAME, true, add_arming},
};

static adder *teller_of(const struct asking *a, uint32_t field)
{
	for (size_t i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++)
		if (tellers[i].field == field && tellers[i].arming == a->wants_arming)
			return tellers[i].add;
	return NULL;
}

/* ---- leaves */

/* Does an event of ours ever have this field? */
static bool is_filled(const struct asking *a, uint32_t field)
{
	const char *by = field_set_info(a->fields, field)->filled_by;

	return by && strcmp(by, "-") != 0 && strcmp(by, "ALERT") != 0;
}

static bool names_text(const struct eql_leaf *leaf, const char *text)
{
	for (uint32_t i = 0; i < leaf->string_count; i++)
		if (leaf->kind == EQL_LEAF_EXACT
			? (leaf->fold ? str_eq_fold(leaf->strings[i], str_from(text))
				      : str_eq(leaf->strings[i], str_from(text)))
			: eql_wildcard(leaf->strings[i], str_from(text), leaf->fold))
			return true;
	return false;
}

/* Is there a kind of event of ours, of the category at hand, that this leaf fits? Only leaves on
 * category, type and action can say no. */
static bool fits_an_action(const struct asking *a, const struct eql_leaf *leaf)
{
	uint32_t count;
	const struct action *actions = action_table(&count);

	for (uint32_t i = 0; i < count; i++) {
		const char *text = leaf->field == FIELD_EVENT_ACTION ? actions[i].action
				   : leaf->field == FIELD_EVENT_TYPE ? actions[i].type
								     : actions[i].category;

		if (a->category.len && !str_eq(a->category, str_from(actions[i].category)))
			continue;
		if (names_text(leaf, text))
			return true;
	}
	return false;
}

static bool is_impossible(const struct asking *a, const struct eql_leaf *leaf)
{
	if (leaf->kind == EQL_LEAF_OTHER || leaf->kind == EQL_LEAF_NULL || !leaf->needs_value)
		return false;
	if (!is_filled(a, leaf->field))
		return true;
	if (leaf->kind == EQL_LEAF_EXISTS)
		return false;
	if (leaf->field == FIELD_EVENT_ACTION || leaf->field == FIELD_EVENT_TYPE ||
	    leaf->field == FIELD_EVENT_CATEGORY)
		return !fits_an_action(a, leaf);
	return leaf->field == FIELD_HOST_OS_TYPE && !names_text(leaf, "linux");
}

static struct need need_of_leaf(const struct asking *a, const struct eql_leaf *leaf)
{
	struct need need = never; /* until a text is found that can be met */
	adder *add_text;

	if (is_impossible(a, leaf))
		return never;
	if (leaf->kind != EQL_LEAF_EXACT && leaf->kind != EQL_LEAF_WILDCARD)
		return anything;
	add_text = teller_of(a, leaf->field);
	if (!add_text || !leaf->needs_value)
		return anything;
	for (uint32_t i = 0; i < leaf->string_count; i++)
		if (!add_text(a, &need, leaf->strings[i], leaf->kind == EQL_LEAF_WILDCARD))
			return anything;
	return need;
}

/* ---- conditions */

static struct need need_of(const struct asking *a, const struct eql_cond *cond);

static struct need need_of_all(const struct asking *a, const struct eql_cond *cond)
{
	struct need best = anything;

	for (uint32_t i = 0; i < cond->kid_count; i++) {
		struct need need = need_of(a, cond->kids[i]);

		if (need.kind == NEED_NEVER)
			return never;
		if (need.kind == NEED_PARTS &&
		    (best.kind == NEED_ANYTHING || need.cost < best.cost))
			best = need;
	}
	return best;
}

static struct need need_of_any(const struct asking *a, const struct eql_cond *cond)
{
	struct need all = never;

	for (uint32_t i = 0; i < cond->kid_count; i++) {
		struct need need = need_of(a, cond->kids[i]);

		if (need.kind == NEED_ANYTHING)
			return anything;
		for (uint32_t k = 0; k < need.count; k++)
			add(a, &all, need.items[k].kind, need.items[k].text);
	}
	return all;
}

/* The tree's depth is bounded by the parser. */
static struct need need_of(const struct asking *a, const struct eql_cond *cond)
{
	switch (cond->kind) {
	case EQL_COND_CONST:
		return cond->constant ? anything : never;
	case EQL_COND_AND:
		return need_of_all(a, cond);
	case EQL_COND_OR:
		return need_of_any(a, cond);
	case EQL_COND_LEAF:
		return need_of_leaf(a, cond->leaf);
	case EQL_COND_NOT:
	case EQL_COND_RELATION:
		break;
	}
	return anything;
}

static bool makes_category(struct str category)
{
	uint32_t count;
	const struct action *actions = action_table(&count);

	for (uint32_t i = 0; i < count; i++)
		if (str_eq(category, str_from(actions[i].category)))
			return true;
	return false;
}

/* Of events of `category` (empty: of the filter's own). */
static struct need need_of_filter(struct asking *a, const struct eql_filter *filter,
				  struct str category)
{
	if (category.len && !filter->any_category && !str_eq(filter->category, category))
		return never;
	if (!filter->any_category && !makes_category(filter->category))
		return never;
	a->category = category.len ? category : filter->any_category ? STR_NULL : filter->category;
	return need_of(a, filter->cond);
}

/* ---- rules */

/* Can every stage come about with events of ours? */
static bool can_happen(struct asking *a, const struct eql_query *query)
{
	for (uint32_t i = 0; i < query->stage_count; i++)
		if (!query->stages[i].missing &&
		    need_of_filter(a, &query->filters[query->stages[i].filter], STR_NULL).kind ==
			NEED_NEVER)
			return false;
	return true;
}

/* Does this filter matter only within maxspan after the first stage's event? */
static bool is_later_stage(const struct eql_query *query, uint32_t filter)
{
	if (query->kind != EQL_QUERY_SEQUENCE || !query->maxspan_ns || query->relation_count)
		return false;
	return !query->stages[0].missing && query->stages[0].filter != filter;
}

/* A filter that asks for every file event does so only once the first stage can have happened. */
static struct need arming_need(struct asking *a, const struct eql_query *query)
{
	struct need need;

	a->wants_arming = true;
	need = need_of_filter(a, &query->filters[query->stages[0].filter], STR("process"));
	a->wants_arming = false;
	return need;
}

/* Parts gathered from all rules; doubled ones are taken out at the end. */
struct gathered {
	struct demand *items;
	uint32_t count, cap;
	bool all;
	struct str asker;
	uint64_t armed_ns;
};

static void gather(struct gathered *g, const struct need *need)
{
	for (uint32_t i = 0; i < need->count; i++) {
		if (g->count == g->cap) {
			g->cap = g->cap ? 2 * g->cap : 256;
			g->items = xreallocarray(g->items, g->cap, sizeof(*g->items));
		}
		g->items[g->count++] = need->items[i];
	}
}

static void gather_filter(struct asking *a, struct gathered *g, const struct rule *rule, uint32_t f)
{
	const struct eql_query *query = rule->query;
	struct need need = need_of_filter(a, &query->filters[f], STR("file"));

	if (need.kind == NEED_ANYTHING && is_later_stage(query, f)) {
		need = arming_need(a, query);
		if (need.kind == NEED_PARTS && (uint64_t)query->maxspan_ns > g->armed_ns)
			g->armed_ns = (uint64_t)query->maxspan_ns;
	}
	if (need.kind == NEED_ANYTHING && !g->all) {
		g->all = true;
		g->asker = rule->name;
	}
	gather(g, &need);
}

static int by_kind_then_text(const void *a, const void *b)
{
	const struct demand *x = a, *y = b;

	return x->kind != y->kind ? (int)x->kind - (int)y->kind : str_cmp(x->text, y->text);
}

static uint32_t take_out_doubles(struct gathered *g)
{
	uint32_t n = 0;

	if (g->count)
		qsort(g->items, g->count, sizeof(*g->items), by_kind_then_text);
	for (uint32_t i = 0; i < g->count; i++)
		if (!n || by_kind_then_text(&g->items[n - 1], &g->items[i]) != 0)
			g->items[n++] = g->items[i];
	return n;
}

void rule_set_file_demand(const struct rule_set *rules, const struct field_set *fields,
			  struct arena *arena, struct file_demand *demand)
{
	struct asking a = {.fields = fields, .arena = arena};
	struct gathered g = {0};

	for (uint32_t i = 0; i < rules->count; i++) {
		const struct rule *rule = rules->rules[i];

		if (rule->state != RULE_LOADED || !can_happen(&a, rule->query))
			continue;
		for (uint32_t f = 0; f < rule->query->filter_count; f++)
			if (f != rule->query->lineage_filter)
				gather_filter(&a, &g, rule, f);
	}
	uint32_t n = take_out_doubles(&g);
	struct demand *items = ARENA_ARRAY(arena, struct demand, n + 1);

	if (n)
		memcpy(items, g.items, n * sizeof(*items));
	*demand = (struct file_demand){
	    .all = g.all, .asker = g.asker, .items = items, .count = n, .armed_ns = g.armed_ns};
	free(g.items);
}
