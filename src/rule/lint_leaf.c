/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "eql/inspect.h"
#include "rule/lint_internal.h"

/* Of a list in a message. */
#define LIST_MAX 3

struct str lint_leaf_text(struct lint *l, const struct eql_leaf *leaf)
{
	struct buf text = {0};

	eql_leaf_write(leaf, l->fields, LIST_MAX, &text);
	struct str copy = arena_str(&l->arena, buf_str(&text));

	buf_free(&text);
	return copy;
}

static struct str field_name(const struct lint *l, uint32_t field)
{
	return field_set_info(l->fields, field)->name;
}

static bool has_strings(const struct eql_leaf *leaf)
{
	return leaf->kind == EQL_LEAF_EXACT || leaf->kind == EQL_LEAF_WILDCARD;
}

/* ---- fields */

/* Each field is spoken of once in a rule. */
static bool seen_before(struct lint *l, uint32_t field)
{
	for (uint32_t i = 0; i < l->seen_count; i++)
		if (l->seen[i] == field)
			return true;
	if (l->seen_count < LINT_SEEN_MAX)
		l->seen[l->seen_count++] = field;
	return false;
}

static void check_field(struct lint *l, const struct eql_leaf *leaf, uint32_t field)
{
	const struct field_info *info = field_set_info(l->fields, field);

	/* fields.def marks what it only reads with "-". */
	if ((info->filled_by && info->filled_by[0] != '-') || seen_before(l, field))
		return;
	if (!info->filled_by && !lint_field_known(info->name)) {
		struct str near = lint_field_near(info->name, &l->arena);

		if (near.p) {
			struct str hint =
			    arena_printf(&l->arena, "did you mean %.*s?", STR_ARG(near));

			lint_report(l, LINT_UNKNOWN_FIELD, lint_leaf_place(l, leaf), hint,
				    "there is no field %.*s", STR_ARG(info->name));
			return;
		}
	}
	lint_report(l, LINT_FOREIGN_FIELD, lint_leaf_place(l, leaf),
		    STR("with events of lintel's sensor alone it is always missing"),
		    "lintel's sensor does not fill %.*s", STR_ARG(info->name));
}

/* ---- values */

static bool allows(const char *const *values, const struct eql_leaf *leaf, struct str pattern)
{
	for (; *values; values++)
		if (leaf->kind == EQL_LEAF_WILDCARD
			? eql_wildcard(pattern, str_from(*values), leaf->fold)
		    : leaf->fold ? str_eq_fold(pattern, str_from(*values))
				 : str_eq(pattern, str_from(*values)))
			return true;
	return false;
}

static void check_values(struct lint *l, const struct eql_leaf *leaf)
{
	struct str name = field_name(l, leaf->field);
	const char *const *values = lint_allowed_values(name);

	for (uint32_t i = 0; values && i < leaf->string_count; i++) {
		struct str hint = STR("see the allowed values in the Elastic Common Schema");

		if (allows(values, leaf, leaf->strings[i]))
			continue;
		struct str near = lint_near(leaf->strings[i], values);

		if (near.p)
			hint = arena_printf(&l->arena, "did you mean \"%.*s\"?", STR_ARG(near));
		lint_report(l, LINT_UNKNOWN_VALUE, lint_leaf_place(l, leaf), hint,
			    "no event has \"%.*s\" in %.*s", STR_ARG(leaf->strings[i]),
			    STR_ARG(name));
	}
}

void lint_category(struct lint *l, const struct eql_filter *filter)
{
	struct str name = field_name(l, filter->category_field);
	const char *const *values = lint_allowed_values(name);
	struct eql_leaf leaf = {.kind = EQL_LEAF_EXACT};

	if (filter->any_category || !values || allows(values, &leaf, filter->category))
		return;
	struct str near = lint_near(filter->category, values);
	struct str hint = near.p ? arena_printf(&l->arena, "did you mean %.*s?", STR_ARG(near))
				 : STR("see event.category in the Elastic Common Schema");
	size_t at = filter->text.p >= l->text.p && filter->text.p < l->text.p + l->text.len
			? (size_t)(filter->text.p - l->text.p)
			: 0;

	lint_report(l, LINT_UNKNOWN_VALUE, lint_place(l, at, filter->category.len), hint,
		    "no event is of category %.*s", STR_ARG(filter->category));
}

/* Ours, but of events that the query does not ask for. */
static bool is_misplaced(struct str action, struct str category)
{
	/* What lintel sends for one category another sensor may send for the other. */
	return (str_eq(category, STR("process")) || str_eq(category, STR("file"))) &&
	       lint_action_ours(action, STR_NULL) && !lint_action_ours(action, category);
}

static void check_action(struct lint *l, const struct eql_leaf *leaf, struct str category)
{
	uint32_t misplaced = 0, ours = 0, unknown = 0, misspelt = 0;

	for (uint32_t i = 0; i < leaf->string_count; i++) {
		struct str action = leaf->strings[i];
		struct str near = STR_NULL;

		misplaced += is_misplaced(action, category);
		ours += lint_action_ours(action, STR_NULL);
		if (leaf->kind == EQL_LEAF_WILDCARD || lint_action_known(action))
			continue;
		unknown++;
		near = lint_action_near(action);
		misspelt += near.p != NULL;
		if (near.p)
			lint_report(
			    l, LINT_UNKNOWN_ACTION, lint_leaf_place(l, leaf),
			    arena_printf(&l->arena, "did you mean \"%.*s\"?", STR_ARG(near)),
			    "no sensor sends the event.action \"%.*s\"", STR_ARG(action));
	}
	if (misplaced == leaf->string_count)
		lint_report(l, LINT_ACTION_OF_OTHER_CATEGORY, lint_leaf_place(l, leaf),
			    arena_printf(&l->arena, "docs/sensor-events.md lists the actions of "
						    "each category"),
			    "no %.*s event has this event.action", STR_ARG(category));
	else if (!ours && !misspelt && leaf->kind == EQL_LEAF_EXACT)
		lint_report(l, LINT_FOREIGN_ACTION, lint_leaf_place(l, leaf),
			    unknown ? STR("it is not known to lintel as any sensor's")
				    : STR("with events of lintel's sensor alone this never holds"),
			    "lintel's sensor sends no such event.action: %.*s",
			    STR_ARG(lint_leaf_text(l, leaf)));
}

/* ---- patterns */

static bool has(struct str s, const char *part)
{
	return str_find(s, str_from(part), 0) != SIZE_MAX;
}

/* `*` within other text, as somebody writes who means any text. A star alone, or stars and question
 * marks in arguments ("?" and "*" are arguments of commands), are what they are. */
static bool is_meant_as_wildcard(struct str s)
{
	size_t letters = 0, stars = 0;

	for (size_t i = 0; i < s.len; i++) {
		letters += s.p[i] != '*' && s.p[i] != '?' && s.p[i] != ' ';
		stars += s.p[i] == '*';
	}
	return stars && letters >= 3 &&
	       (s.p[0] == '*' || s.p[s.len - 1] == '*' || has(s, "/*") || has(s, "*/"));
}

static void check_literal_star(struct lint *l, const struct eql_leaf *leaf)
{
	if (leaf->kind != EQL_LEAF_EXACT || eql_leaf_is_pattern(leaf))
		return;
	for (uint32_t i = 0; i < leaf->string_count; i++) {
		if (!is_meant_as_wildcard(leaf->strings[i]))
			continue;
		lint_report(l, LINT_WILDCARD_IS_LITERAL, lint_leaf_place(l, leaf),
			    STR("write `like` (respects case) or `:` (ignores it) instead of == "
				"or in"),
			    "the * in \"%.*s\" is an ordinary character here",
			    STR_ARG(leaf->strings[i]));
		return;
	}
}

/* Marks of regular expressions that file names, arguments and host names do not have. Windows paths
 * and command lines may have anything. */
static bool looks_like_regex(struct str s)
{
	static const char *const marks[] = {".*",   ".+",   "\\d+", "\\w+", "\\s+", "\\d{",
					    "\\w{", "[a-z", "[A-Z", "[0-9", "(?:",  "]+",
					    ")?",   "[^",   "{1,",  NULL};
	uint32_t found = 0;

	if (has(s, ":\\") || has(s, " "))
		return false;
	for (const char *const *mark = marks; *mark; mark++)
		found += has(s, *mark);
	/* ".*" alone may be meant as it stands: any hidden file, any extension. */
	if (found == 1 && has(s, ".*"))
		return s.p[0] == '^' || s.p[s.len - 1] == '$';
	return found > 0;
}

static void check_regex(struct lint *l, const struct eql_leaf *leaf)
{
	if (!eql_leaf_is_pattern(leaf))
		return;
	for (uint32_t i = 0; i < leaf->string_count; i++) {
		if (!looks_like_regex(leaf->strings[i]))
			continue;
		lint_report(l, LINT_REGEX_IN_PATTERN, lint_leaf_place(l, leaf),
			    STR("write `regex` or `regex~` for a regular expression"),
			    "\"%.*s\" looks like a regular expression, but is a pattern of * and ?",
			    STR_ARG(leaf->strings[i]));
		return;
	}
}

/* Fields whose values are long, by the last parts of their names. */
static bool is_long_field(struct str name)
{
	static const char *const ends[] = {
	    "command_line", ".args",    "env_vars",     ".text",   "body.content",
	    "body_content", "url.full", "url.original", "message", NULL};

	for (const char *const *end = ends; *end; end++)
		if (str_ends(name, str_from(*end)))
			return true;
	return false;
}

static void check_cost(struct lint *l, const struct eql_leaf *leaf)
{
	struct str name = field_name(l, leaf->field);
	uint32_t both = 0;
	struct str first = STR_NULL;

	if (leaf->kind != EQL_LEAF_WILDCARD || !is_long_field(name))
		return;
	for (uint32_t i = 0; i < leaf->string_count; i++) {
		struct str s = leaf->strings[i];

		if (s.len < 3 || s.p[0] != '*' || s.p[s.len - 1] != '*')
			continue;
		if (!both++)
			first = s;
	}
	if (both)
		lint_report(l, LINT_LEADING_WILDCARD, lint_leaf_place(l, leaf),
			    STR("one anchored at an end, or on process.name or file.path, is found "
				"faster; `lintel rules explain` shows what the rule is indexed by"),
			    "%u pattern%s (\"%.*s\") looked for anywhere in %.*s", both,
			    both == 1 ? "" : "s", STR_ARG(first), STR_ARG(name));
}

/* The item of the list whose wildcards cover item `at`; UINT32_MAX if none does. */
static uint32_t covering(const struct eql_leaf *leaf, uint32_t at)
{
	for (uint32_t k = 0; k < leaf->string_count; k++) {
		struct str wide = leaf->strings[k];

		/* A ? in the wider one could stand for a * of the other: not sure. */
		if (k != at && !memchr(wide.p, '?', wide.len) &&
		    eql_wildcard(wide, leaf->strings[at], leaf->fold))
			return k;
	}
	return UINT32_MAX;
}

static void check_items(struct lint *l, const struct eql_leaf *leaf)
{
	uint64_t cost = (uint64_t)leaf->string_count * leaf->string_count;
	struct str first = STR_NULL, by = STR_NULL;
	uint32_t covered = 0;

	if (leaf->kind != EQL_LEAF_WILDCARD || cost > l->budget)
		return;
	l->budget -= cost;
	for (uint32_t i = 0; i < leaf->string_count; i++) {
		uint32_t k = covering(leaf, i);

		if (k == UINT32_MAX || covered++)
			continue;
		first = leaf->strings[i];
		by = leaf->strings[k];
	}
	if (covered)
		lint_report(l, LINT_REDUNDANT_ITEM, lint_leaf_place(l, leaf),
			    STR("what is covered can go, if the wider pattern was meant"),
			    "%u item%s of the list covered by others (\"%.*s\" by \"%.*s\")",
			    covered, covered == 1 ? " is" : "s are", STR_ARG(first), STR_ARG(by));
}

static void check_leaf(struct lint *l, const struct eql_leaf *leaf, bool negated,
		       struct str category)
{
	for (uint32_t i = 0; i < leaf->field_count; i++)
		check_field(l, leaf, leaf->fields[i]);
	if (!has_strings(leaf))
		return;
	check_literal_star(l, leaf);
	check_regex(l, leaf);
	check_items(l, leaf);
	if (str_eq(field_name(l, leaf->field), STR("event.action"))) {
		/* What is excluded need not exist. */
		if (!negated)
			check_action(l, leaf, category);
	} else {
		check_values(l, leaf);
	}
	if (!negated)
		check_cost(l, leaf);
}

void lint_leaves(struct lint *l, const struct eql_cond *cond, bool negated, struct str category)
{
	if (cond->kind == EQL_COND_LEAF)
		check_leaf(l, cond->leaf, negated, category);
	for (uint32_t i = 0; i < cond->kid_count; i++)
		lint_leaves(l, cond->kids[i], negated != (cond->kind == EQL_COND_NOT), category);
}
