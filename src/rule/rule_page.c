/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule's page of Elastic's documentation, in Markdown as it is now or in AsciiDoc as it was, to
 * the tree that a rule file gives. Both are written by one program (detection_rules/docs.py of
 * elastic/detection-rules) and differ in their marks alone:
 *
 *	# Name [anchor]				=== Name
 *	text ...				text ...
 *	**Severity**: medium			*Severity*: medium
 *	**Tags**:  and  * OS: Linux		*Tags*:  and  * OS: Linux
 *	## Investigation guide [anchor]		==== Investigation guide
 *	## Rule query and a block of ```	==== Rule query and a block of ----
 *	* Tactic: and      * ID: TA0003		* Tactic: and  ** ID: TA0003
 *
 * A page has no rule id. It gets the name in the spelling of Elastic's anchors, which stays the same
 * from version to version: dynamic-linker-creation-or-modification.
 */
#include <errno.h>

#include "rule/rule_internal.h"

struct line {
	struct str text; /* without its end */
	size_t at;       /* offset in the page */
	uint32_t number;
};

/* A list grows at powers of two; what is left behind goes with the arena. */
struct growing {
	struct tree_node *node;
	uint32_t cap;
};

enum section {
	SECTION_NONE, /* before the name */
	SECTION_DESCRIPTION,
	SECTION_KEYS,
	SECTION_NOTE,
	SECTION_SETUP,
	SECTION_QUERY,
	SECTION_THREAT,
};

struct page {
	struct arena *arena;
	struct str text;
	size_t at;
	uint32_t number;
	struct growing rule;
	enum section section;
	struct buf body;        /* of a section with text */
	struct line body_begin; /* its first line that is not blank */
	bool in_code, has_code;
	struct growing list;       /* the key whose values are being listed; node NULL: none */
	struct growing threats;    /* of the rule */
	struct growing techniques; /* of the last threat */
	struct growing subtechniques;
	struct growing subject; /* the table that Name, ID and Reference URL belong to */
};

/* ---- nodes */

static struct tree_node *new_node(struct page *p, enum tree_type type, const struct line *line,
				  size_t column)
{
	struct tree_node *node = ARENA_NEW(p->arena, struct tree_node);

	node->type = type;
	node->line = line->number;
	node->column = (uint32_t)column + 1;
	return node;
}

static struct tree_node *add(struct page *p, struct growing *to, const char *key,
			     struct tree_node *kid)
{
	struct tree_node *node = to->node;

	if (node->kid_count == to->cap) {
		uint32_t cap = to->cap ? 2 * to->cap : 4;
		struct tree_node **more = ARENA_ARRAY(p->arena, struct tree_node *, cap);

		if (node->kid_count)
			memcpy(more, node->kids, node->kid_count * sizeof(struct tree_node *));
		node->kids = more;
		to->cap = cap;
	}
	kid->key = str_from(key);
	node->kids[node->kid_count++] = kid;
	return kid;
}

static struct growing add_growing(struct page *p, struct growing *to, const char *key,
				  enum tree_type type, const struct line *line)
{
	return (struct growing){.node = add(p, to, key, new_node(p, type, line, 0))};
}

/* `text` is a part of the line. */
static void add_text(struct page *p, struct growing *to, const char *key, const struct line *line,
		     struct str text)
{
	size_t column = (size_t)(text.p - line->text.p);
	struct tree_node *node = new_node(p, TREE_STRING, line, column);

	node->text = arena_str(p->arena, text);
	add(p, to, key, node);
}

/* A whole number; other text stays text, and is complained of as such. */
static void add_number(struct page *p, struct growing *to, const char *key, const struct line *line,
		       struct str text)
{
	int64_t value = 0;

	add_text(p, to, key, line, text);
	if (!text.len || text.len > 9)
		return;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return;
		value = value * 10 + (text.p[i] - '0');
	}
	struct tree_node *node = to->node->kids[to->node->kid_count - 1];

	node->type = TREE_INT;
	node->integer = value;
}

/* ---- lines */

static struct str trim(struct str s)
{
	while (s.len && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct str){s.p + 1, s.len - 1};
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool next_line(struct page *p, struct line *line)
{
	if (p->at >= p->text.len)
		return false;
	const char *begin = p->text.p + p->at;
	const char *end = memchr(begin, '\n', p->text.len - p->at);
	size_t len = end ? (size_t)(end - begin) : p->text.len - p->at;

	*line = (struct line){.text = {begin, len}, .at = p->at, .number = ++p->number};
	p->at += len + 1;
	if (len && begin[len - 1] == '\r')
		line->text.len--;
	return true;
}

/* "# Name [anchor]" or "=== Name": the name. */
static bool is_heading(struct str text, struct str *title)
{
	char mark = text.len ? text.p[0] : '\0';
	size_t level = 0;

	if (mark != '#' && mark != '=')
		return false;
	while (level < text.len && text.p[level] == mark)
		level++;
	if (level == text.len || text.p[level] != ' ')
		return false;
	*title = trim((struct str){text.p + level, text.len - level});
	if (title->len && title->p[title->len - 1] == ']') {
		size_t open = title->len - 1;

		while (open && title->p[open] != '[')
			open--;
		if (open && title->p[open - 1] == ' ')
			*title = trim((struct str){title->p, open});
	}
	return title->len > 0;
}

/* "**Key**: value" or "*Key*: value". */
static bool is_key(struct str text, struct str *key, struct str *value)
{
	size_t marks = 0, end;

	while (marks < text.len && text.p[marks] == '*')
		marks++;
	if (marks != 1 && marks != 2)
		return false;
	end = str_find(text, marks == 2 ? STR("**:") : STR("*:"), marks);
	if (end == SIZE_MAX || text.p[marks] == ' ')
		return false;
	*key = (struct str){text.p + marks, end - marks};
	*value = trim((struct str){text.p + end + marks + 1, text.len - end - marks - 1});
	return true;
}

/* "* value", indented or with more stars at a second level. */
static bool is_bullet(struct str text, uint32_t *level, struct str *value)
{
	size_t indent = 0, stars = 0;

	while (indent < text.len && (text.p[indent] == ' ' || text.p[indent] == '\t'))
		indent++;
	while (indent + stars < text.len && text.p[indent + stars] == '*')
		stars++;
	if (!stars || indent + stars == text.len || text.p[indent + stars] != ' ')
		return false;
	*level = indent || stars > 1 ? 2 : 1;
	*value = trim((struct str){text.p + indent + stars, text.len - indent - stars});
	return true;
}

/* Where "[text](address)", "address[text]" or "address" leads. */
static struct str link_target(struct str text)
{
	size_t middle = str_find(text, STR("]("), 0);

	if (text.len && text.p[0] == '[' && middle != SIZE_MAX && text.p[text.len - 1] == ')')
		return (struct str){text.p + middle + 2, text.len - middle - 3};
	if (str_starts(text, STR("http"))) {
		size_t open = str_find(text, STR("["), 0);

		return (struct str){text.p, open == SIZE_MAX ? text.len : open};
	}
	return text;
}

/* ---- the keys */

enum key_kind {
	TEXT,
	FIRST_WORD, /* "now-9m (Date Math format, ...)" */
	NUMBER,
	LIST,
};

static const struct page_key {
	const char *name; /* on the page */
	const char *key;  /* in a rule file */
	enum key_kind kind;
} page_keys[] = {
    {"Rule type", "type", TEXT},
    {"Rule indices", "index", LIST},
    {"Severity", "severity", TEXT},
    {"Risk score", "risk_score", NUMBER},
    {"Runs every", "interval", FIRST_WORD},
    {"Searches indices from", "from", FIRST_WORD},
    {"Maximum alerts per execution", "max_signals", NUMBER},
    {"References", "references", LIST},
    {"Tags", "tags", LIST},
    {"Version", "version", TEXT},
    {"Rule authors", "author", LIST},
    {"Rule license", "license", TEXT},
};

static struct str first_word(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == ' ' || text.p[i] == '(')
			return (struct str){text.p, i};
	return text;
}

static void take_key(struct page *p, const struct line *line, struct str name, struct str value)
{
	bool none = str_eq(first_word(value), STR("None"));
	const struct page_key *key = page_keys;
	const struct page_key *end = key + sizeof(page_keys) / sizeof(*page_keys);

	p->list.node = NULL;
	while (key < end && !str_eq(name, str_from(key->name)))
		key++;
	/* The first of a name counts. */
	if (key == end || none || tree_get(p->rule.node, key->key))
		return;
	if (key->kind == LIST) {
		p->list = add_growing(p, &p->rule, key->key, TREE_ARRAY, line);
		if (value.len)
			add_text(p, &p->list, "", line, value);
	} else if (key->kind == NUMBER) {
		add_number(p, &p->rule, key->key, line, value);
	} else {
		add_text(p, &p->rule, key->key, line,
			 key->kind == FIRST_WORD ? first_word(value) : value);
	}
}

static void take_list_value(struct page *p, const struct line *line, struct str value)
{
	if (str_eq(p->list.node->key, STR("references")))
		value = link_target(value);
	add_text(p, &p->list, "", line, value);
}

/* ---- the threat */

static struct growing table_in(struct page *p, struct growing *array, const struct line *line)
{
	return add_growing(p, array, "", TREE_TABLE, line);
}

static void begin_tactic(struct page *p, const struct line *line)
{
	if (!p->threats.node)
		p->threats = add_growing(p, &p->rule, "threat", TREE_ARRAY, line);
	struct growing threat = table_in(p, &p->threats, line);
	struct tree_node *framework = new_node(p, TREE_STRING, line, 0);

	framework->text = STR("MITRE ATT&CK");
	add(p, &threat, "framework", framework);
	p->subject = add_growing(p, &threat, "tactic", TREE_TABLE, line);
	p->techniques = add_growing(p, &threat, "technique", TREE_ARRAY, line);
	p->subtechniques.node = NULL;
}

static void begin_technique(struct page *p, const struct line *line)
{
	if (!p->techniques.node)
		return;
	struct growing technique = table_in(p, &p->techniques, line);

	/* Made first: `technique` must not grow behind p->subject's back. */
	p->subtechniques = add_growing(p, &technique, "subtechnique", TREE_ARRAY, line);
	p->subject = technique;
}

static void begin_subtechnique(struct page *p, const struct line *line)
{
	if (p->subtechniques.node)
		p->subject = table_in(p, &p->subtechniques, line);
}

static void take_subject(struct page *p, const struct line *line, struct str text)
{
	static const struct {
		struct str prefix;
		const char *key;
	} parts[] = {
	    {{"Name:", 5}, "name"}, {{"ID:", 3}, "id"}, {{"Reference URL:", 14}, "reference"}};

	for (size_t i = 0; p->subject.node && i < sizeof(parts) / sizeof(*parts); i++) {
		struct str prefix = parts[i].prefix;

		if (!str_starts(text, prefix) || tree_get(p->subject.node, parts[i].key))
			continue;
		add_text(
		    p, &p->subject, parts[i].key, line,
		    link_target(trim((struct str){text.p + prefix.len, text.len - prefix.len})));
	}
}

static void take_threat(struct page *p, const struct line *line)
{
	struct str text;
	uint32_t level;

	if (!is_bullet(line->text, &level, &text))
		return;
	if (str_eq(text, STR("Tactic:")))
		begin_tactic(p, line);
	else if (str_eq(text, STR("Technique:")))
		begin_technique(p, line);
	else if (str_eq(text, STR("Sub-technique:")))
		begin_subtechnique(p, line);
	else if (level == 2)
		take_subject(p, line, text);
}

/* ---- sections */

static void add_body_line(struct page *p, const struct line *line)
{
	if (!p->body.len && !p->in_code && !trim(line->text).len)
		return;
	if (!p->body.len)
		p->body_begin = *line;
	buf_add(&p->body, line->text);
	buf_add_char(&p->body, '\n');
}

/* What a section with text has gathered. */
static void end_section(struct page *p)
{
	static const char *const keys[] = {
	    [SECTION_DESCRIPTION] = "description",
	    [SECTION_NOTE] = "note",
	    [SECTION_SETUP] = "setup",
	    [SECTION_QUERY] = "query",
	    [SECTION_THREAT] = NULL,
	};
	const char *key = keys[p->section];

	while (p->body.len && strchr(" \t\n", p->body.p[p->body.len - 1]))
		p->body.len--;
	if (key && p->body.len && !tree_get(p->rule.node, key)) {
		struct tree_node *node = new_node(p, TREE_STRING, &p->body_begin, 0);

		node->text = arena_str(p->arena, buf_str(&p->body));
		add(p, &p->rule, key, node);
	}
	buf_reset(&p->body);
	p->list.node = NULL;
	p->in_code = false;
}

static bool is_fence(struct str text)
{
	if (str_starts(text, STR("```")))
		return true;
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] != '-')
			return false;
	return text.len >= 4;
}

/* Only what is in the block is the query; of several the first. */
static void take_query(struct page *p, struct line *line)
{
	struct str fence = STR("```");

	if (is_fence(line->text)) {
		p->has_code |= p->in_code;
		p->in_code = !p->in_code && !p->has_code;
		return;
	}
	if (!p->in_code)
		return;
	/* One of the pages' forms has the end of the block behind the last line. */
	if (str_ends(line->text, fence)) {
		line->text.len -= fence.len;
		add_body_line(p, line);
		p->in_code = false;
		p->has_code = true;
		return;
	}
	add_body_line(p, line);
}

static bool section_of(struct str title, enum section *section)
{
	static const struct {
		const char *title;
		enum section section;
	} sections[] = {
	    {"Investigation guide", SECTION_NOTE},
	    {"Setup", SECTION_SETUP},
	    {"Rule query", SECTION_QUERY},
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		if (str_eq(title, str_from(sections[i].title))) {
			*section = sections[i].section;
			return true;
		}
	}
	return false;
}

static struct str slug(struct arena *arena, struct str name)
{
	struct buf out = {0};

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = ascii_lower((unsigned char)name.p[i]);
		bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;

		if (word)
			buf_add_char(&out, (char)c);
		else if (out.len && out.p[out.len - 1] != '-')
			buf_add_char(&out, '-');
	}
	while (out.len && out.p[out.len - 1] == '-')
		out.len--;
	struct str text = arena_str(arena, buf_str(&out));

	buf_free(&out);
	return text;
}

static void take_name(struct page *p, const struct line *line, struct str name)
{
	struct tree_node *id = new_node(p, TREE_STRING, line, (size_t)(name.p - line->text.p));

	add_text(p, &p->rule, "name", line, name);
	id->text = slug(p->arena, name);
	add(p, &p->rule, "rule_id", id);
	p->section = SECTION_DESCRIPTION;
}

static void take_description(struct page *p, const struct line *line)
{
	/* An anchor of AsciiDoc or MDX between name and text. */
	if (str_starts(line->text, STR("[[")) || str_starts(line->text, STR("<a id=")))
		return;
	add_body_line(p, line);
}

static void take_line(struct page *p, struct line *line)
{
	struct str first, second;
	enum section section;
	uint32_t level;

	if (!p->in_code && is_heading(line->text, &first)) {
		if (p->section == SECTION_NONE) {
			take_name(p, line, first);
			return;
		}
		if (section_of(first, &section)) {
			end_section(p);
			p->section = section;
			return;
		}
	}
	if (!p->in_code && p->section >= SECTION_KEYS && is_key(line->text, &first, &second) &&
	    str_eq(first, STR("Framework")) && str_starts(second, STR("MITRE"))) {
		end_section(p);
		p->section = SECTION_THREAT;
		return;
	}
	if (p->section == SECTION_DESCRIPTION && is_key(line->text, &first, &second) &&
	    str_eq(first, STR("Rule type"))) {
		end_section(p);
		p->section = SECTION_KEYS;
	}
	switch (p->section) {
	case SECTION_NONE:
		return;
	case SECTION_DESCRIPTION:
		take_description(p, line);
		return;
	case SECTION_KEYS:
		if (is_key(line->text, &first, &second))
			take_key(p, line, first, second);
		else if (p->list.node && is_bullet(line->text, &level, &first))
			take_list_value(p, line, first);
		return;
	case SECTION_NOTE:
	case SECTION_SETUP:
		add_body_line(p, line);
		return;
	case SECTION_QUERY:
		take_query(p, line);
		return;
	case SECTION_THREAT:
		take_threat(p, line);
		return;
	}
}

static void skip_front_matter(struct page *p)
{
	struct page start = *p;
	struct line line;

	if (next_line(p, &line) && str_eq(trim(line.text), STR("---")))
		while (next_line(p, &line))
			if (str_eq(trim(line.text), STR("---")))
				return;
	*p = start;
}

bool rule_page_is(struct str text)
{
	return str_find(text, STR("\n*Rule type*: "), 0) != SIZE_MAX ||
	       str_find(text, STR("\n**Rule type**: "), 0) != SIZE_MAX;
}

int rule_page_read(struct arena *arena, struct str text, struct str path, struct diag_list *diags,
		   struct tree_node **root)
{
	struct line top = {.text = text, .number = 1};
	struct page p = {.arena = arena, .text = text};
	struct line line;

	p.rule.node = new_node(&p, TREE_TABLE, &top, 0);
	skip_front_matter(&p);
	while (next_line(&p, &line))
		take_line(&p, &line);
	end_section(&p);
	buf_free(&p.body);
	*root = p.rule.node;
	if (p.section >= SECTION_KEYS)
		return 0;
	struct diag diag = {.file = path};

	diag.hint = STR("expected a heading with the rule's name and **Rule type**: below it");
	diag_add(diags, diag, "not a rule's page of Elastic's documentation");
	return -EINVAL;
}
