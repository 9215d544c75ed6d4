/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/lint_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/json_tree.h"
#include "base/toml_reader.h"

/* What rule_compile() puts before an exception's condition. */
#define CONDITION_PREFIX "any where "
/* Comparisons of clauses and items in one rule: milliseconds. Elastic's largest needs a hundredth. */
#define BUDGET UINT64_C(20000000)
/* Kibana's xpack.alerting.rules.run.alerts.max by default. */
#define MAX_SIGNALS_SENSIBLE 1000

static const struct lint_check checks[] = {
#define X(id, name, level, text) [LINT_##id] = {name, LINT_##level, text},
    LINT_CHECKS(X)
#undef X
};

const struct lint_check *lint_checks(uint32_t *count)
{
	*count = LINT_ID_COUNT;
	return checks;
}

const struct lint_check *lint_check_find(struct str id)
{
	for (int i = 0; i < LINT_ID_COUNT; i++)
		if (str_eq(id, str_from(checks[i].id)))
			return &checks[i];
	return NULL;
}

/* ---- places */

/* Lines from the query's first to a place in it: for files whose texts cannot be found. */
static struct diag place_by_lines(const struct lint *l, size_t at)
{
	struct diag diag = {.file = l->rule->path, .line = l->rule->query_line};

	for (size_t i = 0; diag.line && !l->prefix && i < at && i < l->text.len; i++)
		diag.line += l->text.p[i] == '\n';
	if (l->prefix)
		diag.line = 0;
	return diag;
}

struct diag lint_place(const struct lint *l, size_t at, size_t len)
{
	if (!l->source.rule || !l->text_node)
		return place_by_lines(l, at);
	return rule_diag_text(&l->source, l->text_node, at > l->prefix ? at - l->prefix : 0, len);
}

struct diag lint_leaf_place(const struct lint *l, const struct eql_leaf *leaf)
{
	return lint_place(l, leaf->text_at, leaf->text_len);
}

struct diag lint_key_place(const struct lint *l, const char *key)
{
	const struct tree_node *node = l->source.rule ? rule_key(&l->source, key) : NULL;

	if (node)
		return rule_diag_value(&l->source, node);
	return l->source.rule ? rule_diag_key(&l->source, l->source.rule)
			      : (struct diag){.file = l->rule->path, .line = l->rule->line};
}

void lint_report(struct lint *l, enum lint_id id, struct diag place, struct str hint,
		 const char *fmt, ...)
{
	const struct lint_check *check = &checks[id];
	const struct lint_finding finding = {check, l->rule, &place};
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	place.level = check->level == LINT_WARNING ? DIAG_WARNING : DIAG_NOTE;
	place.message = str_from(message);
	place.hint = hint;
	l->found(l->context, &finding);
}

/* ---- the rule's own keys */

static void check_severity(struct lint *l)
{
	/* Kibana's: low to 21, medium to 47, high to 73, critical above. */
	static const uint32_t highest[] = {21, 47, 73, 100};
	const struct rule *rule = l->rule;
	uint32_t low = rule->severity ? highest[rule->severity - 1] + 1 : 0;
	uint32_t high = highest[rule->severity];

	if (rule->risk_score >= low && rule->risk_score <= high)
		return;
	lint_report(l, LINT_SEVERITY_RISK, lint_key_place(l, "risk_score"),
		    arena_printf(&l->arena, "severity %s goes with %u to %u",
				 rule_severity_name(rule->severity), low, high),
		    "risk score %u does not fit severity %s", rule->risk_score,
		    rule_severity_name(rule->severity));
}

static const struct rule *same_name(const struct lint *l)
{
	for (uint32_t i = 0; i < l->set->count && l->set->rules[i] != l->rule; i++)
		if (l->set->rules[i]->state == RULE_LOADED &&
		    str_eq(l->set->rules[i]->name, l->rule->name))
			return l->set->rules[i];
	return NULL;
}

static void check_metadata(struct lint *l)
{
	const struct rule *rule = l->rule;
	const struct rule *other = same_name(l);

	check_severity(l);
	if (!rule->threat_count && !rule->building_block)
		lint_report(l, LINT_NO_THREAT, lint_key_place(l, "name"),
			    STR("add [[rule.threat]] with tactic and technique"),
			    "the rule has no ATT&CK mapping");
	if (rule->max_signals > MAX_SIGNALS_SENSIBLE)
		lint_report(l, LINT_MAX_SIGNALS, lint_key_place(l, "max_signals"),
			    STR("a rule with so many alerts needs exceptions or a threshold"),
			    "max_signals %u is above %d", rule->max_signals, MAX_SIGNALS_SENSIBLE);
	if (other)
		lint_report(l, LINT_DUPLICATE_NAME, lint_key_place(l, "name"), STR_NULL,
			    "%.*s has the same name", STR_ARG(other->path));
}

/* ---- query and exceptions */

static void check_sequence(struct lint *l)
{
	const struct eql_query *q = l->rule->query;
	bool tied = q->key_count || q->relation_count;

	if (q->kind != EQL_QUERY_SEQUENCE)
		return;
	if (!q->maxspan_ns)
		lint_report(l, LINT_NO_MAXSPAN, lint_place(l, 0, strlen("sequence")),
			    STR("for example: sequence by host.id with maxspan=1m"),
			    "the sequence has no maxspan");
	/* Fields of earlier stages tie events together as well. */
	for (uint32_t i = 0; i < q->filter_count; i++)
		tied |= q->filters[i].whole != NULL;
	if (!tied)
		lint_report(l, LINT_NO_KEY, lint_place(l, 0, strlen("sequence")),
			    STR("for example: sequence by host.id, process.entity_id"),
			    "the sequence has no join keys");
}

static bool same_category(const struct eql_filter *a, const struct eql_filter *b)
{
	return b->any_category || (!a->any_category && str_eq(a->category, b->category));
}

/* A stage whose events all satisfy the next. */
static void check_stages(struct lint *l)
{
	const struct eql_query *q = l->rule->query;

	for (uint32_t i = 0; q->kind == EQL_QUERY_SEQUENCE && i + 1 < q->stage_count; i++) {
		const struct eql_filter *a = &q->filters[q->stages[i].filter];
		const struct eql_filter *b = &q->filters[q->stages[i + 1].filter];

		if (a == b || q->stages[i].missing || q->stages[i + 1].missing || a->whole ||
		    b->whole || !same_category(a, b) || !lint_implies(l, a->cond, b->cond))
			continue;
		size_t at = b->text.p >= l->text.p ? (size_t)(b->text.p - l->text.p) : 0;

		lint_report(l, LINT_SAME_EVENT, lint_place(l, at, b->text.len),
			    STR("tell the two apart by what only the second has"),
			    "every event of stage %u satisfies stage %u too", i + 1, i + 2);
	}
}

static void check_query(struct lint *l)
{
	const struct eql_query *q = l->rule->query;

	l->text = q->text;
	l->prefix = 0;
	l->text_node = tree_get_typed(l->source.rule, "query", TREE_STRING);
	check_sequence(l);
	check_stages(l);
	for (uint32_t i = 0; i < q->filter_count; i++) {
		const struct eql_filter *f = &q->filters[i];

		/* Made by the compiler; nobody wrote it. */
		if (i == q->lineage_filter)
			continue;
		lint_category(l, f);
		lint_leaves(l, f->cond, false, f->any_category ? STR_NULL : f->category);
		/* What depends on other events is not judged. */
		if (!f->whole)
			lint_logic(l, f->cond);
	}
	if (q->kind == EQL_QUERY_EVENT && !q->relation_count &&
	    q->filters[0].cond->kind == EQL_COND_CONST && q->filters[0].cond->constant &&
	    (l->rule->kind == RULE_KIND_EQL || l->rule->kind == RULE_KIND_QUERY))
		lint_report(l, LINT_ALWAYS_TRUE, lint_place(l, 0, 1),
			    STR("say what is special about the events looked for"),
			    "every event of the category is an alert");
}

/* NULL for one that came from an exception list. */
static const struct tree_node *exception_text(const struct lint *l, uint32_t number)
{
	const struct tree_node *array = tree_get(l->source.rule, "exceptions");

	if (array && array->type == TREE_TABLE && number == 0)
		return tree_get_typed(array, "query", TREE_STRING);
	if (!array || array->type != TREE_ARRAY || number >= array->kid_count)
		return NULL;
	return tree_get_typed(array->kids[number], "query", TREE_STRING);
}

static void check_exception(struct lint *l, uint32_t number)
{
	const struct rule_exception *x = &l->rule->exceptions[number];
	const struct eql_filter *f = &l->rule->query->filters[0];

	l->prefix = strlen(CONDITION_PREFIX);
	l->text_node = exception_text(l, number);
	/* Texts of exceptions are compiled behind the prefix; only their lines are of interest. */
	l->text = x->text;
	lint_leaves(l, x->cond, true, STR_NULL);
	if (x->cond->kind == EQL_COND_CONST ? x->cond->constant
					    : lint_implies(l, f->cond, x->cond)) {
		lint_report(l, LINT_EXCEPTION_EXCLUDES_ALL, lint_place(l, l->prefix, 1),
			    STR("narrow it to the case that is known to be harmless"),
			    "the exception \"%.*s\" holds for everything the query matches",
			    STR_ARG(x->name));
		return;
	}
	lint_logic(l, x->cond);
}

/* ---- files */

/* The rule's file, or the pack's copy of it. False when there is none. */
static bool read_rule_file(const char *path, struct buf *text)
{
	struct str name = str_from(path);

	for (size_t i = 0; str_starts(name, STR("builtin:")) && i < rule_pack_count; i++)
		if (!strcmp(path + strlen("builtin:"), rule_pack[i].path)) {
			buf_add(text, (struct str){rule_pack[i].text, rule_pack[i].bytes});
			return true;
		}
	const char *why;

	return rule_read_file(path, true, text, &why) == 0;
}

/* Row `number` of the text, from 1. */
static struct str row_of(struct str text, uint32_t number)
{
	size_t at = 0;

	for (;;) {
		const char *newline = memchr(text.p + at, '\n', text.len - at);
		size_t end = newline ? (size_t)(newline - text.p) : text.len;

		if (number-- <= 1 || end == text.len)
			return (struct str){text.p + at, end - at};
		at = end + 1;
	}
}

/* The tree the rule was read from, if it is a file or a row of its own. */
static void open_source(struct lint *l, struct buf *text)
{
	struct rule_source *source = &l->source;
	struct tree_node *root = NULL;
	struct str path = l->rule->path;
	struct diag_list said;
	int error = -EINVAL;

	*source = (struct rule_source){
	    .arena = &l->arena, .path = path, .first_line = 1, .first_column = 1};
	if (!read_rule_file(path.p, text) || !text->len)
		return;
	diag_list_init(&said);
	source->text = buf_str(text);
	if (str_ends(path, STR(".toml"))) {
		error = toml_read(&l->arena, source->text, path, &said, &root);
	} else if (str_ends(path, STR(".ndjson")) && l->rule->line) {
		source->format = RULE_FORMAT_JSON;
		source->first_line = l->rule->line;
		source->text = row_of(source->text, l->rule->line);
		error = json_tree_read(&l->arena, source->text, path, l->rule->line, &said, &root);
	} else if (rule_page_is(source->text)) {
		source->format = RULE_FORMAT_PAGE;
		error = rule_page_read(&l->arena, source->text, path, &said, &root);
	}
	diag_list_free(&said);
	if (error)
		return;
	source->root = root;
	source->rule = source->format == RULE_FORMAT_TOML ? tree_get_typed(root, "rule", TREE_TABLE)
		       : tree_get_typed(root, "attributes", TREE_TABLE)
			   ? tree_get(root, "attributes")
			   : root;
}

static void check_rule(struct lint *l, const struct rule *rule)
{
	struct buf text = {0};

	l->rule = rule;
	l->budget = BUDGET;
	l->seen_count = 0;
	arena_reset(&l->arena);
	open_source(l, &text);
	check_metadata(l);
	check_query(l);
	for (uint32_t i = 0; i < rule->exception_count; i++)
		if (rule->exceptions[i].cond)
			check_exception(l, i);
	buf_free(&text);
}

void lint_rules(const struct rule_set *set, const struct field_set *fields,
		void (*found)(void *context, const struct lint_finding *finding), void *context)
{
	struct lint l = {.set = set, .fields = fields, .found = found, .context = context};

	arena_init(&l.arena);
	for (uint32_t i = 0; i < set->count; i++)
		if (set->rules[i]->state == RULE_LOADED)
			check_rule(&l, set->rules[i]);
	arena_free(&l.arena);
}
