/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules as Kibana exports them: NDJSON, one object a row.
 *
 *	{"rule_id": ..., "type": "query", ...}			a rule
 *	{"list_id": ..., "type": "detection", ...}		an exception list
 *	{"list_id": ..., "item_id": ..., "entries": [...]}	an exception
 *	{"type": "action", "attributes": ...}			a connector, of no use here
 *	{"exported_count": ..., ...}				what should be above
 *
 * The same objects as a JSON array, or one alone. Elastic's package of prebuilt rules has each in an
 * envelope: {"type": "security-rule", "attributes": {...}}.
 */
#include "base/json_tree.h"
#include "rule/rule_internal.h"

/* What a file had, to be compared with what it says. */
struct census {
	uint32_t rules, lists, items, connectors;
};

struct reading {
	struct rule_set *set;
	struct field_set *fields;
	struct str path;
	struct diag_list *diags;
	struct census seen;
	uint32_t objects;
};

static void add_error(struct reading *r, uint32_t line, const char *hint, const char *why)
{
	struct diag diag = {.file = r->path, .line = line, .hint = str_from(hint)};
	struct diag_list said;

	diag_list_init(&said);
	diag_add(&said, diag, "%s", why);
	rule_set_add_said(r->set, r->path, line, &said, r->diags);
	diag_list_free(&said);
}

/* Is there room for one more? The first time that there is none is an error. */
static bool count_object(struct reading *r, uint32_t line)
{
	if (r->objects < RULE_EXPORT_OBJECTS_MAX) {
		r->objects++;
		return true;
	}
	add_error(r, line, "split the file",
		  "more than 200000 rules, lists and exceptions: the rest is not read");
	return false;
}

static void check_count(struct reading *r, const struct tree_node *summary, const char *key,
			const char *what, uint32_t has)
{
	const struct tree_node *says = tree_get_typed(summary, key, TREE_INT);

	if (!says || says->integer == has)
		return;
	struct str why = arena_printf(&r->set->arena, "%s: the export says %lld, the file has %u",
				      what, (long long)says->integer, has);

	add_error(r, summary->line, "the file is not whole; export it again", why.p);
}

static void read_summary(struct reading *r, const struct tree_node *summary)
{
	const struct tree_node *missing = tree_get_typed(summary, "missing_rules_count", TREE_INT);
	struct diag diag = {.level = DIAG_WARNING, .file = r->path, .line = summary->line};

	/* Before it exported lists as well, exported_count was that of the rules. */
	if (!tree_get(summary, "exported_rules_count") &&
	    !tree_get(summary, "exported_exception_list_count"))
		check_count(r, summary, "exported_count", "rules", r->seen.rules);
	check_count(r, summary, "exported_rules_count", "rules", r->seen.rules);
	check_count(r, summary, "exported_exception_list_count", "exception lists", r->seen.lists);
	check_count(r, summary, "exported_exception_list_item_count", "exceptions", r->seen.items);
	check_count(r, summary, "exported_action_connector_count", "connectors",
		    r->seen.connectors);
	if (missing && missing->integer > 0)
		diag_add(r->diags, diag, "the export lacks %lld rules that were asked for",
			 (long long)missing->integer);
}

static bool is_text(const struct tree_node *object, const char *key, const char *value)
{
	const struct tree_node *node = tree_get_typed(object, key, TREE_STRING);

	return node && str_eq(node->text, str_from(value));
}

static bool is_summary(const struct tree_node *object)
{
	return !tree_get(object, "type") && (tree_get(object, "exported_count") ||
					     tree_get(object, "exported_exception_list_count"));
}

static void read_object(struct reading *r, struct rule_source *source)
{
	const struct tree_node *object = source->root;
	bool list = tree_get(object, "list_id") && !tree_get(object, "rule_id");

	if (is_summary(object)) {
		read_summary(r, object);
	} else if (list) {
		bool item = tree_get(object, "entries") != NULL;

		r->seen.lists += !item;
		r->seen.items += item;
		rule_list_add(r->set, source, item, r->diags);
	} else if (is_text(object, "type", "action")) {
		r->seen.connectors++;
	} else {
		if (is_text(object, "type", "security-rule") &&
		    tree_get_typed(object, "attributes", TREE_TABLE))
			source->root = tree_get(object, "attributes");
		source->rule = source->root;
		r->seen.rules++;
		rule_set_load_tree(r->set, r->fields, source, r->diags);
	}
}

/* One object of the file; `text` is its own, from its first byte on or further left. */
static void read_node(struct reading *r, struct str text, uint32_t first_line,
		      uint32_t first_column, const struct tree_node *node)
{
	struct rule_source source = {
	    .arena = &r->set->arena,
	    .format = RULE_FORMAT_JSON,
	    .path = r->path,
	    .text = text,
	    .first_line = first_line,
	    .first_column = first_column,
	    .root = node,
	};

	if (node->type == TREE_TABLE)
		read_object(r, &source);
	else
		add_error(r, node->line, "", "expected a rule, an object");
}

static void read_row(struct reading *r, struct str row, uint32_t line)
{
	struct tree_node *root = NULL;
	struct diag_list said;
	struct arena tree;

	if (row.len > RULE_FILE_BYTES_MAX) {
		add_error(r, line, "", "larger than 1 MiB: not a rule");
		return;
	}
	arena_init(&tree);
	diag_list_init(&said);
	if (json_tree_read(&tree, row, r->path, line, &said, &root))
		rule_set_add_said(r->set, r->path, line, &said, r->diags);
	else
		read_node(r, row, line, 1, root);
	diag_list_free(&said);
	arena_free(&tree);
}

static bool is_blank(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!strchr(" \t\r\n", s.p[i]))
			return false;
	return true;
}

static void read_rows(struct reading *r, struct str text)
{
	uint32_t line = 1;

	for (size_t at = 0; at < text.len; line++) {
		const char *end = memchr(text.p + at, '\n', text.len - at);
		size_t len = end ? (size_t)(end - text.p) - at : text.len - at;
		struct str row = {text.p + at, len};

		at += len + 1;
		if (is_blank(row))
			continue;
		if (!count_object(r, line))
			return;
		read_row(r, row, line);
	}
}

/* Where lines and columns are looked up in order. */
struct walk {
	struct str text;
	size_t line_at; /* offset of the line */
	uint32_t line;
};

static size_t walk_to(struct walk *w, const struct tree_node *node)
{
	while (w->line < node->line) {
		const char *newline =
		    memchr(w->text.p + w->line_at, '\n', w->text.len - w->line_at);

		if (!newline)
			return w->text.len;
		w->line_at = (size_t)(newline - w->text.p) + 1;
		w->line++;
	}
	return w->line_at + node->column - 1;
}

/* Each element gets its own part of the text, so that finding a place in it costs no walk from the
 * top, and all may be on one line. */
static void read_document(struct reading *r, struct str text, const struct tree_node *root)
{
	struct walk walk = {.text = text, .line = 1};
	size_t begin;

	if (root->type != TREE_ARRAY) {
		read_node(r, text, 1, 1, root);
		return;
	}
	begin = root->kid_count ? walk_to(&walk, root->kids[0]) : 0;
	for (uint32_t i = 0; i < root->kid_count; i++) {
		const struct tree_node *node = root->kids[i];
		size_t end = i + 1 < root->kid_count ? walk_to(&walk, root->kids[i + 1]) : text.len;

		if (!count_object(r, node->line))
			return;
		read_node(r, (struct str){text.p + begin, end - begin}, node->line, node->column,
			  node);
		begin = end;
	}
}

/* Is the first row a whole object? Then it is NDJSON, whatever the name says. */
static bool first_row_is_whole(struct str text, struct str path)
{
	const char *end = text.len ? memchr(text.p, '\n', text.len) : NULL;
	struct tree_node *root = NULL;
	struct diag_list ignored;
	struct arena tree;

	if (!end)
		return false;
	arena_init(&tree);
	diag_list_init(&ignored);
	bool whole = !json_tree_read(&tree, (struct str){text.p, (size_t)(end - text.p)}, path, 1,
				     &ignored, &root) &&
		     root->type == TREE_TABLE;

	diag_list_free(&ignored);
	arena_free(&tree);
	return whole;
}

bool rule_json_is(struct str text)
{
	static const char *const keys[] = {"\"rule_id\"", "\"list_id\"", "\"exported_"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (str_find(text, str_from(keys[i]), 0) != SIZE_MAX)
			return true;
	return false;
}

void rule_json_load(struct rule_set *set, struct field_set *fields, struct str text,
		    struct str path, bool rows, struct diag_list *diags)
{
	struct reading r = {.set = set, .fields = fields, .path = path, .diags = diags};
	struct tree_node *root = NULL;
	struct diag_list said;
	struct arena tree;

	if (rows || first_row_is_whole(text, path)) {
		read_rows(&r, text);
		return;
	}
	arena_init(&tree);
	diag_list_init(&said);
	if (json_tree_read(&tree, text, path, 1, &said, &root))
		rule_set_add_said(set, path, 0, &said, diags);
	else
		read_document(&r, text, root);
	diag_list_free(&said);
	arena_free(&tree);
}
