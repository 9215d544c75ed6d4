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

/* Rule types of Kibana's detection engine, and what they are written in. */
static const struct rule_type {
	const char *name;
	bool supported;
	enum rule_kind kind;
	const char *language; /* the default */
} rule_types[] = {
    {"eql", true, RULE_KIND_EQL, "eql"},
    {"query", true, RULE_KIND_QUERY, "kuery"},
    {"threshold", true, RULE_KIND_THRESHOLD, "kuery"},
    {"new_terms", true, RULE_KIND_NEW_TERMS, "kuery"},
    {"threat_match", .supported = false},
    {"saved_query", .supported = false},
    {"esql", .supported = false},
    {"machine_learning", .supported = false},
};

const char *rule_severity_name(enum rule_severity severity)
{
	return severity_names[severity];
}

size_t rule_offset(const struct rule_source *source, uint32_t line, uint32_t column)
{
	struct str text = source->text;
	size_t at = 0;

	for (uint32_t n = source->first_line; n < line && at < text.len; n++) {
		const char *newline = memchr(text.p + at, '\n', text.len - at);

		at = newline ? (size_t)(newline - text.p) + 1 : text.len;
	}
	if (line == source->first_line && column)
		column = column >= source->first_column ? column - source->first_column + 1 : 1;
	at += column ? column - 1 : 0;
	return at < text.len ? at : text.len;
}

struct diag rule_diag_at(const struct rule_source *source, size_t offset, size_t width)
{
	return diag_at(source->path, source->text, offset, width, source->first_line,
		       source->first_column);
}

struct diag rule_diag_key(const struct rule_source *source, const struct tree_node *node)
{
	uint32_t line = node->key_line ? node->key_line : node->line;
	uint32_t column = node->key_line ? node->key_column : node->column;
	size_t width = node->key_line ? node->key.len : 1;

	return rule_diag_at(source, rule_offset(source, line, column), width);
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
	size_t at = rule_offset(source, node->line, node->column);

	return rule_diag_at(source, at, value_width(source->text, at));
}

const struct tree_node *rule_key(const struct rule_source *source, const char *name)
{
	const struct tree_node *node = tree_get(source->rule, name);

	return node && node->type != TREE_NULL ? node : NULL;
}

struct str rule_key_name(const struct rule_source *source, const char *name)
{
	return arena_printf(source->arena, "%s%s",
			    source->format == RULE_FORMAT_TOML ? "rule." : "", name);
}

static void missing(const struct rule_source *source, struct str key, const char *expected)
{
	struct diag diag = {.file = source->path};

	if (source->rule)
		diag = rule_diag_key(source, source->rule);
	diag.hint = str_from(expected);
	diag_add(source->diags, diag, "[%.*s] is missing", STR_ARG(key));
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
		missing(source, rule_key_name(source, name), expected);
		return;
	}
	if (node->type != TREE_STRING || !is_blank_text(text))
		return;
	struct diag diag = rule_diag_value(source, node);

	diag.hint = str_from(expected);
	diag_add(source->diags, diag, "[%.*s] is empty", STR_ARG(rule_key_name(source, name)));
}

static bool is_behaviour(const struct rule_source *source)
{
	return rule_key(source, "id") && !rule_key(source, "rule_id");
}

static void finish_id(const struct rule_source *source, struct rule_draft *draft)
{
	bool behaviour = is_behaviour(source);

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
		missing(source, rule_key_name(source, "severity"), expected);
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
	diag_add(source->diags, diag, "[%.*s] is out of range",
		 STR_ARG(rule_key_name(source, name)));
	return false;
}

static void finish_numbers(const struct rule_source *source, struct rule_draft *draft)
{
	draft->rule.risk_score = RISK_SCORE_MEDIUM;
	if (in_range(source, "risk_score", draft->risk_score, 0, RISK_SCORE_MAX))
		draft->rule.risk_score = (uint32_t)draft->risk_score;
	else if (!rule_key(source, "risk_score") && (draft->rule_id.p || !draft->behaviour_id.p))
		missing(source, rule_key_name(source, "risk_score"),
			"expected a whole number from 0 to 100");
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
		diag_add(source->diags, diag, "[%.*s] is not a time span",
			 STR_ARG(rule_key_name(source, "interval")));
	}
	if (from && from->type == TREE_STRING &&
	    rule_parse_age(draft->from, &draft->rule.lookback_ns)) {
		struct diag diag = rule_diag_value(source, from);

		diag.hint = STR("expected date math that reaches back, as in \"now-9m\" or "
				"\"now-1d/d\"");
		diag_add(source->diags, diag, "[%.*s] is not a time in the past",
			 STR_ARG(rule_key_name(source, "from")));
	}
}

void rule_skip(struct rule *rule, struct str reason)
{
	if (rule->state == RULE_SKIPPED)
		return;
	rule->state = RULE_SKIPPED;
	rule->reason = reason;
}

#define TYPES_EXPECTED "expected \"eql\", \"query\", \"threshold\" or \"new_terms\""

/* The type, if it is one whose query lintel compiles. */
static const struct rule_type *finish_type(const struct rule_source *source, struct rule *rule)
{
	const struct tree_node *node = rule_key(source, "type");

	if (!node && is_behaviour(source))
		rule->type = STR("eql");
	else if (!node)
		missing(source, rule_key_name(source, "type"), TYPES_EXPECTED);
	if (!rule->type.p)
		return NULL;
	for (size_t i = 0; i < sizeof(rule_types) / sizeof(*rule_types); i++) {
		if (!str_eq(rule->type, str_from(rule_types[i].name)))
			continue;
		rule->kind = rule_types[i].kind;
		if (rule_types[i].supported)
			return &rule_types[i];
		rule_skip(rule, arena_printf(source->arena, "rule type [%s] is not supported",
					     rule_types[i].name));
		return NULL;
	}
	struct diag diag = rule_diag_value(source, node);

	diag.hint = STR(TYPES_EXPECTED);
	diag_add(source->diags, diag, "unknown rule type [%.*s]", STR_ARG(rule->type));
	return NULL;
}

static void finish_exceptions(const struct rule_source *source, struct rule_draft *draft,
			      struct field_set *fields)
{
	struct eql_options options = {.category_field = draft->category_field};
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
		int error = rule_compile(source, text, true, &options, fields, &query, &reason);

		if (!error && query && eql_query_is_stateless(query) && query->pipe_count == 0) {
			exception->cond = query->filters[0].cond;
		} else if (!error || error == -ENOTSUP) {
			struct diag diag = rule_diag_value(source, text);

			diag.hint = STR("expected what would stand after \"where\", without pipes");
			diag_add(source->diags, diag, "an exception is a condition");
		}
	}
}

/* True when the query can be compiled. */
static bool finish_language(const struct rule_source *source, struct rule *rule,
			    const struct rule_type *type)
{
	const struct tree_node *node = rule_key(source, "language");
	bool kuery = type->kind != RULE_KIND_EQL;

	if (!node)
		rule->language = str_from(type->language);
	if (str_eq(rule->language, str_from(type->language)) || (node && node->type != TREE_STRING))
		return true;
	if (kuery && str_eq(rule->language, STR("lucene"))) {
		rule_skip(rule, STR("language [lucene] is not supported"));
		return false;
	}
	struct diag diag = rule_diag_value(source, node);

	diag.hint = kuery ? STR("expected \"kuery\"") : STR("expected \"eql\"");
	diag_add(source->diags, diag, "language [%.*s] does not fit rule type [%s]",
		 STR_ARG(rule->language), type->name);
	return false;
}

static bool has_filters(const struct rule_draft *draft)
{
	return draft->filters && draft->filters->type == TREE_ARRAY && draft->filters->kid_count;
}

/* Filters hold for every event the query looks at. The one that only tells who is whose parent is
 * none of the query's own. */
static void narrow(struct eql_query *query, struct eql_builder *builder, struct eql_cond *filter)
{
	for (uint32_t i = 0; i < query->filter_count; i++) {
		struct eql_cond *both[2] = {query->filters[i].cond, filter};

		if (i != query->lineage_filter)
			query->filters[i].cond = eql_build_and(builder, both, 2);
	}
}

static struct eql_query *compile_eql(const struct rule_source *source, struct rule_draft *draft,
				     const struct tree_node *node, struct eql_builder *builder,
				     struct eql_cond *filter, struct field_set *fields)
{
	struct eql_options options = {
	    .category_field = draft->category_field,
	    .dialect = is_behaviour(source) ? EQL_DIALECT_ENDPOINT : EQL_DIALECT_ELASTICSEARCH,
	};
	struct str reason = STR_NULL;
	struct eql_query *query = NULL;
	int error = rule_compile(source, node, false, &options, fields, &query, &reason);

	if (error == -ENOTSUP)
		rule_skip(&draft->rule, reason);
	if (error)
		return NULL;
	if (has_filters(draft) && filter)
		narrow(query, builder, filter);
	return query;
}

/* `node` may be NULL: filters alone, as Kibana has it. */
static struct eql_query *compile_kql(const struct rule_source *source, struct rule_draft *draft,
				     const struct tree_node *node, struct eql_builder *builder,
				     struct eql_cond *filter, const struct field_set *fields)
{
	struct eql_cond *both[2] = {filter, filter};

	if (node)
		both[1] = rule_compile_kql(source, node, builder, fields);
	return eql_build_event_query(builder, eql_build_and(builder, both, 2),
				     draft->rule.query_text);
}

static void compile_query(const struct rule_source *source, struct rule_draft *draft,
			  const struct tree_node *node, struct field_set *fields)
{
	struct rule *rule = &draft->rule;
	struct eql_builder *builder = eql_builder_new(source->arena, fields);
	struct str reason = STR_NULL;
	struct eql_cond *filter =
	    rule_compile_filters(source, draft->filters, builder, fields, &reason);

	if (node)
		rule->query_line = rule_text_line(source, node);
	if (rule->kind == RULE_KIND_EQL)
		rule->query = compile_eql(source, draft, node, builder, filter, fields);
	else
		rule->query = compile_kql(source, draft, node, builder, filter, fields);
	if (reason.len)
		rule_skip(rule, reason);
	if (!rule->query && rule->state == RULE_LOADED && !source->diags->errors)
		diag_add(source->diags, (struct diag){.file = source->path}, "%s",
			 eql_builder_error(builder) ? eql_builder_error(builder)
						    : "the query cannot be compiled");
	eql_builder_free(builder);
}

static void finish_query(const struct rule_source *source, struct rule_draft *draft,
			 const struct rule_type *type, struct field_set *fields)
{
	const struct tree_node *node = rule_key(source, "query");
	struct rule *rule = &draft->rule;
	bool may_be_empty = type->kind != RULE_KIND_EQL && has_filters(draft);
	bool known = finish_language(source, rule, type);

	if (!may_be_empty)
		need_text(source, "query", rule->query_text,
			  type->kind == RULE_KIND_EQL ? "expected an EQL query"
						      : "expected a KQL query");
	finish_exceptions(source, draft, fields);
	if (node && (node->type != TREE_STRING || is_blank_text(rule->query_text)))
		node = NULL;
	if (known && (node || may_be_empty))
		compile_query(source, draft, node, fields);
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
	if (!source->rule || source->rule->type != TREE_TABLE) {
		missing(source, STR("rule"),
			"expected a table with rule_id, name, type, severity, "
			"risk_score and query");
		return;
	}
	finish_id(source, draft);
	finish_severity(source, draft);
	finish_numbers(source, draft);
	finish_schedule(source, draft);
	const struct rule_type *type = finish_type(source, rule);

	if (type) {
		finish_query(source, draft, type, fields);
		rule_finish_kind(source, draft, fields);
	}
	if (!lists_linux(draft))
		rule_skip(rule, STR("not for Linux (os_list)"));
	if (!rule->enabled)
		rule_skip(rule, STR("disabled by its file (enabled = false)"));
	if (rule->state == RULE_SKIPPED)
		rule->query = NULL;
}
