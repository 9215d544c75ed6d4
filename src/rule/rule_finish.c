/* SPDX-License-Identifier: Apache-2.0 */
/* From what a file says to a rule that can run: mandatory keys, ranges, units, query, state. */
#include "rule/rule_internal.h"

#include <errno.h>

#include "base/clock.h"

/* Kibana's defaults: DEFAULT_MAX_SIGNALS is in rule.h; a schedule of five minutes with one minute
 * of overlap. */
#define INTERVAL_DEFAULT_NS (5 * 60 * NS_PER_SEC)
#define LOOKBACK_DEFAULT_NS (6 * 60 * NS_PER_SEC)
/* Far above Kibana's own ceiling (xpack.alerting.rules.run.alerts.max, 1000 by default). */
#define MAX_SIGNALS_MAX 1000000
#define RISK_SCORE_MAX 100
/* What Kibana proposes for each severity; for rules that name none. */
#define RISK_SCORE_MEDIUM 47

static const char *const severity_names[] = {
    [SEVERITY_LOW] = "low",
    [SEVERITY_MEDIUM] = "medium",
    [SEVERITY_HIGH] = "high",
    [SEVERITY_CRITICAL] = "critical",
};

/* Rule types of Kibana's detection engine; `reason` NULL means lintel runs it. */
static const struct rule_type {
	const char *name;
	const char *reason;
} rule_types[] = {
    {"eql", NULL},
    {"query", "not yet supported"},
    {"threshold", "not yet supported"},
    {"new_terms", "not yet supported"},
    {"threat_match", "not yet supported"},
    {"saved_query", "not supported"},
    {"esql", "not supported"},
    {"machine_learning", "not supported"},
};

const char *rule_severity_name(enum rule_severity severity)
{
	return severity_names[severity];
}

size_t rule_offset(struct str text, uint32_t line, uint32_t column)
{
	size_t at = 0;

	for (uint32_t n = 1; n < line && at < text.len; n++) {
		const char *newline = memchr(text.p + at, '\n', text.len - at);

		at = newline ? (size_t)(newline - text.p) + 1 : text.len;
	}
	at += column ? column - 1 : 0;
	return at < text.len ? at : text.len;
}

struct diag rule_diag_key(const struct rule_source *source, const struct tree_node *node)
{
	uint32_t line = node->key_line ? node->key_line : node->line;
	uint32_t column = node->key_line ? node->key_column : node->column;
	size_t width = node->key_line ? node->key.len : 1;

	return diag_at(source->path, source->text, rule_offset(source->text, line, column), width,
		       1, 1);
}

/* Bytes of the value that begins at `at`, as far as a caret line should underline it. */
static size_t value_width(struct str text, size_t at)
{
	size_t end = at;
	char first = at < text.len ? text.p[at] : '\0';

	if (first == '"' || first == '\'') {
		for (end++; end < text.len && text.p[end] != first && text.p[end] != '\n'; end++)
			;
		return end - at + 1;
	}
	while (end < text.len && !strchr(" \t\r\n,]}#", text.p[end]))
		end++;
	return end > at ? end - at : 1;
}

struct diag rule_diag_value(const struct rule_source *source, const struct tree_node *node)
{
	size_t at = rule_offset(source->text, node->line, node->column);

	return diag_at(source->path, source->text, at, value_width(source->text, at), 1, 1);
}

static const struct tree_node *rule_key(const struct rule_source *source, const char *name)
{
	return tree_get(tree_get(source->root, "rule"), name);
}

static void missing(const struct rule_source *source, const char *key, const char *expected)
{
	const struct tree_node *table = tree_get(source->root, "rule");
	struct diag diag = {.file = source->path};

	if (table)
		diag = rule_diag_key(source, table);
	diag.hint = str_from(expected);
	diag_add(source->diags, diag, "[%s] is missing", key);
}

static bool is_blank_text(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!strchr(" \t\r\n", s.p[i]))
			return false;
	return true;
}

/* A text that must be there and say something. A wrong type has been reported by the reader. */
static void need_text(const struct rule_source *source, const char *name, struct str text,
		      const char *expected)
{
	const struct tree_node *node = rule_key(source, name);

	if (!node) {
		struct str key = arena_printf(source->arena, "rule.%s", name);

		missing(source, key.p, expected);
		return;
	}
	if (node->type != TREE_STRING || !is_blank_text(text))
		return;
	struct diag diag = rule_diag_value(source, node);

	diag.hint = str_from(expected);
	diag_add(source->diags, diag, "[rule.%s] is empty", name);
}

static void finish_id(const struct rule_source *source, struct rule_draft *draft)
{
	bool behaviour = rule_key(source, "id") && !rule_key(source, "rule_id");

	draft->rule.id = behaviour ? draft->behaviour_id : draft->rule_id;
	need_text(source, behaviour ? "id" : "rule_id", draft->rule.id,
		  "expected a string that no other rule has, best a UUID");
	need_text(source, "name", draft->rule.name, "expected the rule's name, a string");
	need_text(source, "description", draft->rule.description,
		  "expected what the rule finds, a string");
	draft->rule.version = draft->rule_version.len ? draft->rule_version : draft->updated_date;
	if (!draft->rule.version.p)
		draft->rule.version = STR("");
}

/* Behaviour rules carry no severity: the endpoint rates them by their actions. */
static void finish_severity(const struct rule_source *source, struct rule_draft *draft)
{
	static const char expected[] = "expected \"low\", \"medium\", \"high\" or \"critical\"";
	const struct tree_node *node = rule_key(source, "severity");

	draft->rule.severity = SEVERITY_MEDIUM;
	if (!node && !draft->rule_id.p && draft->behaviour_id.p)
		return;
	if (!node) {
		missing(source, "rule.severity", expected);
		return;
	}
	for (uint32_t i = 0; i < sizeof(severity_names) / sizeof(*severity_names); i++) {
		if (str_eq(draft->severity, str_from(severity_names[i]))) {
			draft->rule.severity = (enum rule_severity)i;
			return;
		}
	}
	if (node->type != TREE_STRING)
		return;
	struct diag diag = rule_diag_value(source, node);

	diag.hint = str_from(expected);
	diag_add(source->diags, diag, "unknown severity [%.*s]", STR_ARG(draft->severity));
}

/* An integer of the rule that must lie in a range; true if it is there and does. */
static bool in_range(const struct rule_source *source, const char *name, int64_t value, int64_t min,
		     int64_t max)
{
	const struct tree_node *node = rule_key(source, name);

	if (!node || node->type != TREE_INT)
		return false;
	if (value >= min && value <= max)
		return true;
	struct diag diag = rule_diag_value(source, node);

	diag.hint = arena_printf(source->arena, "expected a whole number from %lld to %lld",
				 (long long)min, (long long)max);
	diag_add(source->diags, diag, "[rule.%s] is out of range", name);
	return false;
}

static void finish_numbers(const struct rule_source *source, struct rule_draft *draft)
{
	draft->rule.risk_score = RISK_SCORE_MEDIUM;
	if (in_range(source, "risk_score", draft->risk_score, 0, RISK_SCORE_MAX))
		draft->rule.risk_score = (uint32_t)draft->risk_score;
	else if (!rule_key(source, "risk_score") && (draft->rule_id.p || !draft->behaviour_id.p))
		missing(source, "rule.risk_score", "expected a whole number from 0 to 100");
	draft->rule.max_signals = RULE_MAX_SIGNALS_DEFAULT;
	if (in_range(source, "max_signals", draft->max_signals, 1, MAX_SIGNALS_MAX))
		draft->rule.max_signals = (uint32_t)draft->max_signals;
}

static void finish_schedule(const struct rule_source *source, struct rule_draft *draft)
{
	const struct tree_node *interval = rule_key(source, "interval");
	const struct tree_node *from = rule_key(source, "from");

	draft->rule.interval_ns = INTERVAL_DEFAULT_NS;
	draft->rule.lookback_ns = LOOKBACK_DEFAULT_NS;
	if (interval && interval->type == TREE_STRING &&
	    rule_parse_interval(draft->interval, &draft->rule.interval_ns)) {
		struct diag diag = rule_diag_value(source, interval);

		diag.hint = STR("expected a number and a unit (s, m, h, d, w), as in \"5m\"");
		diag_add(source->diags, diag, "[rule.interval] is not a time span");
	}
	if (from && from->type == TREE_STRING &&
	    rule_parse_age(draft->from, &draft->rule.lookback_ns)) {
		struct diag diag = rule_diag_value(source, from);

		diag.hint = STR("expected date math that reaches back, as in \"now-9m\" or "
				"\"now-1d/d\"");
		diag_add(source->diags, diag, "[rule.from] is not a time in the past");
	}
}

static void skip(struct rule *rule, struct str reason)
{
	/* The first reason is the one that matters. */
	if (rule->state == RULE_SKIPPED)
		return;
	rule->state = RULE_SKIPPED;
	rule->reason = reason;
}

/* True when it is a type whose query lintel compiles. */
static bool finish_type(const struct rule_source *source, struct rule *rule)
{
	const struct tree_node *node = rule_key(source, "type");

	if (!node && rule_key(source, "id") && !rule_key(source, "rule_id"))
		rule->type = STR("eql");
	else if (!node)
		missing(source, "rule.type", "expected \"eql\"");
	if (!rule->type.p)
		return false;
	for (size_t i = 0; i < sizeof(rule_types) / sizeof(*rule_types); i++) {
		if (!str_eq(rule->type, str_from(rule_types[i].name)))
			continue;
		if (!rule_types[i].reason)
			return true;
		skip(rule, arena_printf(source->arena, "rule type [%s] is %s", rule_types[i].name,
					rule_types[i].reason));
		return false;
	}
	struct diag diag = rule_diag_value(source, node);

	diag.hint = STR("expected \"eql\" or another rule type of Kibana's detection engine");
	diag_add(source->diags, diag, "unknown rule type [%.*s]", STR_ARG(rule->type));
	return false;
}

static void finish_exceptions(const struct rule_source *source, struct rule_draft *draft,
			      struct field_set *fields)
{
	const struct tree_node *array = rule_key(source, "exceptions");

	/* Each mistake costs a walk to its place; beyond the list's end nobody would see it. */
	for (uint32_t i = 0;
	     i < draft->rule.exception_count && source->diags->errors < DIAG_LIST_MAX; i++) {
		struct rule_exception *exception = &draft->rule.exceptions[i];
		const struct tree_node *table = array->type == TREE_ARRAY ? array->kids[i] : array;
		const struct tree_node *text = tree_get_typed(table, "query", TREE_STRING);
		struct eql_query *query = NULL;
		struct str reason = STR_NULL;

		if (!text || is_blank_text(text->text) || is_blank_text(exception->name)) {
			struct diag diag = rule_diag_value(source, table);

			diag.hint = STR("expected name = \"...\" and query = '''an EQL "
					"condition'''");
			diag_add(source->diags, diag, "an exception needs a name and a query");
			continue;
		}
		int error = rule_compile(source, text, true, draft->category_field, fields, &query,
					 &reason);

		if (!error && query && query->pipe_count == 0) {
			exception->cond = query->filters[0].cond;
		} else if (!error || error == -ENOTSUP) {
			struct diag diag = rule_diag_value(source, text);

			diag.hint = STR("expected what would stand after \"where\", without pipes");
			diag_add(source->diags, diag, "an exception is a condition");
		}
	}
}

static void finish_query(const struct rule_source *source, struct rule_draft *draft,
			 struct field_set *fields)
{
	const struct tree_node *node = rule_key(source, "query");
	const struct tree_node *language = rule_key(source, "language");
	struct rule *rule = &draft->rule;
	struct str reason = STR_NULL;

	if (!language)
		rule->language = STR("eql");
	if (language && language->type == TREE_STRING && !str_eq(rule->language, STR("eql"))) {
		struct diag diag = rule_diag_value(source, language);

		diag.hint = STR("expected \"eql\"");
		diag_add(source->diags, diag, "language [%.*s] does not fit rule type [eql]",
			 STR_ARG(rule->language));
	}
	need_text(source, "query", rule->query_text, "expected an EQL query");
	finish_exceptions(source, draft, fields);
	if (!node || node->type != TREE_STRING || is_blank_text(rule->query_text))
		return;
	rule->query_line = rule_text_line(source->text, node);
	if (rule_compile(source, node, false, draft->category_field, fields, &rule->query,
			 &reason) == -ENOTSUP)
		skip(rule, reason);
}

static bool lists_linux(const struct rule_draft *draft)
{
	for (uint32_t i = 0; i < draft->os_count; i++)
		if (str_eq(draft->os_list[i], STR("linux")))
			return true;
	return draft->os_count == 0;
}

void rule_finish(const struct rule_source *source, struct rule_draft *draft,
		 struct field_set *fields)
{
	struct rule *rule = &draft->rule;

	rule->state = RULE_LOADED;
	if (!tree_get_typed(source->root, "rule", TREE_TABLE)) {
		missing(source, "rule",
			"expected a table with rule_id, name, type, severity, "
			"risk_score and query");
		return;
	}
	finish_id(source, draft);
	finish_severity(source, draft);
	finish_numbers(source, draft);
	finish_schedule(source, draft);
	if (finish_type(source, rule))
		finish_query(source, draft, fields);
	if (!lists_linux(draft))
		skip(rule, STR("not for Linux (os_list)"));
	if (!rule->enabled)
		skip(rule, STR("disabled by its file (enabled = false)"));
	if (rule->state == RULE_SKIPPED)
		rule->query = NULL;
}
