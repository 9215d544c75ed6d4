/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a rule file, as a table: what lintel reads, where it goes, and what it knows but
 * leaves alone.
 *
 * Names are those of Kibana's detection-engine rule schema, of the elastic/detection-rules
 * repository (metadata, transform) and of Elastic's endpoint behaviour rules (rule.id, os_list,
 * threat and actions at the top).
 */
#include "rule/rule_internal.h"

#include <stddef.h>

/* A file with more unknown keys than this is not a rule file; its errors are what matters. */
#define UNKNOWN_KEY_WARNINGS_MAX 16

enum key_kind {
	KEY_ANY,     /* known, of no use here */
	KEY_NODE,    /* the node itself, for whoever reads it later */
	KEY_STRING,  /* a TOML date will do */
	KEY_STRINGS, /* an array of strings, or one string */
	KEY_VERSION, /* a string or an integer, kept as text */
	KEY_INT,
	KEY_BOOL,
	KEY_TABLE,  /* its keys go to the same struct */
	KEY_TABLES, /* an array of tables, or one table: each becomes a struct of its own */
};

struct key {
	const char *name;
	enum key_kind kind;
	size_t offset;       /* of the value in the struct being filled */
	size_t count_offset; /* KEY_STRINGS, KEY_TABLES: of its uint32_t count */
	size_t item_bytes;   /* KEY_TABLES */
	const struct key *kids;
};

#define ANY(key_name)                             \
	{                                         \
		.name = key_name, .kind = KEY_ANY \
	}
#define SCALAR(key_name, key_kind, type, member)                                     \
	{                                                                            \
		.name = key_name, .kind = key_kind, .offset = offsetof(type, member) \
	}
#define STRING(key_name, type, member) SCALAR(key_name, KEY_STRING, type, member)
#define STRINGS(key_name, type, member, count)                                           \
	{                                                                                \
		.name = key_name, .kind = KEY_STRINGS, .offset = offsetof(type, member), \
		.count_offset = offsetof(type, count)                                    \
	}
#define TABLES(key_name, type, member, count, item, keys)                                       \
	{                                                                                       \
		.name = key_name, .kind = KEY_TABLES, .offset = offsetof(type, member),         \
		.count_offset = offsetof(type, count), .item_bytes = sizeof(item), .kids = keys \
	}
#define KEYS_END             \
	{                    \
		.name = NULL \
	}

static const struct key subtechnique_keys[] = {
    STRING("id", struct rule_technique, id),
    STRING("name", struct rule_technique, name),
    STRING("reference", struct rule_technique, reference),
    KEYS_END,
};

static const struct key technique_keys[] = {
    STRING("id", struct rule_technique, id),
    STRING("name", struct rule_technique, name),
    STRING("reference", struct rule_technique, reference),
    TABLES("subtechnique", struct rule_technique, subtechniques, subtechnique_count,
	   struct rule_technique, subtechnique_keys),
    KEYS_END,
};

static const struct key tactic_keys[] = {
    STRING("id", struct rule_threat, tactic_id),
    STRING("name", struct rule_threat, tactic_name),
    STRING("reference", struct rule_threat, tactic_reference),
    KEYS_END,
};

static const struct key threat_keys[] = {
    STRING("framework", struct rule_threat, framework),
    {.name = "tactic", .kind = KEY_TABLE, .kids = tactic_keys},
    TABLES("technique", struct rule_threat, techniques, technique_count, struct rule_technique,
	   technique_keys),
    KEYS_END,
};

static const struct key exception_keys[] = {
    STRING("name", struct rule_exception, name),
    STRING("reason", struct rule_exception, reason),
    STRING("query", struct rule_exception, text),
    KEYS_END,
};

static const struct key cardinality_keys[] = {
    STRING("field", struct rule_cardinality, field),
    SCALAR("value", KEY_INT, struct rule_cardinality, value),
    KEYS_END,
};

static const struct key threshold_keys[] = {
    STRINGS("field", struct rule_draft, threshold_fields, threshold_field_count),
    SCALAR("value", KEY_INT, struct rule_draft, threshold_value),
    TABLES("cardinality", struct rule_draft, cardinalities, cardinality_count,
	   struct rule_cardinality, cardinality_keys),
    KEYS_END,
};

/* The detection-rules repository names the key beside each value. */
static const struct key history_keys[] = {
    ANY("field"),
    STRING("value", struct rule_history, value),
    KEYS_END,
};

static const struct key new_terms_keys[] = {
    ANY("field"),
    STRINGS("value", struct rule_draft, new_terms_fields, new_terms_field_count),
    TABLES("history_window_start", struct rule_draft, history, history_count, struct rule_history,
	   history_keys),
    KEYS_END,
};

static const struct key duration_keys[] = {
    SCALAR("value", KEY_INT, struct rule_draft, suppression_duration),
    STRING("unit", struct rule_draft, suppression_unit),
    KEYS_END,
};

static const struct key suppression_keys[] = {
    STRINGS("group_by", struct rule_draft, suppression_fields, suppression_field_count),
    {.name = "duration", .kind = KEY_TABLE, .kids = duration_keys},
    STRING("missing_fields_strategy", struct rule_draft, suppression_missing),
    KEYS_END,
};

static const struct key list_keys[] = {
    STRING("list_id", struct rule_list_reference, list_id),
    STRING("namespace_type", struct rule_list_reference, namespace_type),
    STRING("type", struct rule_list_reference, type),
    ANY("id"),
    KEYS_END,
};

static const struct key rule_keys[] = {
    STRING("rule_id", struct rule_draft, rule_id),
    STRING("id", struct rule_draft, behaviour_id),
    STRING("name", struct rule_draft, rule.name),
    STRING("description", struct rule_draft, rule.description),
    STRING("type", struct rule_draft, rule.type),
    STRING("language", struct rule_draft, rule.language),
    STRING("query", struct rule_draft, rule.query_text),
    STRING("severity", struct rule_draft, severity),
    SCALAR("risk_score", KEY_INT, struct rule_draft, risk_score),
    SCALAR("max_signals", KEY_INT, struct rule_draft, max_signals),
    STRING("interval", struct rule_draft, interval),
    STRING("from", struct rule_draft, from),
    SCALAR("version", KEY_VERSION, struct rule_draft, rule_version),
    SCALAR("enabled", KEY_BOOL, struct rule_draft, rule.enabled),
    STRING("note", struct rule_draft, rule.note),
    STRING("setup", struct rule_draft, rule.setup),
    STRING("license", struct rule_draft, rule.license),
    STRING("timestamp_override", struct rule_draft, rule.timestamp_override),
    STRING("event_category_override", struct rule_draft, category_field),
    STRINGS("author", struct rule_draft, rule.authors, rule.author_count),
    STRINGS("references", struct rule_draft, rule.references, rule.reference_count),
    STRINGS("reference", struct rule_draft, rule.references, rule.reference_count),
    STRINGS("false_positives", struct rule_draft, rule.false_positives, rule.false_positive_count),
    STRINGS("tags", struct rule_draft, rule.tags, rule.tag_count),
    STRINGS("index", struct rule_draft, rule.indices, rule.index_count),
    STRINGS("os_list", struct rule_draft, os_list, os_count),
    TABLES("threat", struct rule_draft, rule.threats, rule.threat_count, struct rule_threat,
	   threat_keys),
    TABLES("exceptions", struct rule_draft, rule.exceptions, rule.exception_count,
	   struct rule_exception, exception_keys),
    TABLES("exceptions_list", struct rule_draft, rule.lists, rule.list_count,
	   struct rule_list_reference, list_keys),
    SCALAR("filters", KEY_NODE, struct rule_draft, filters),
    {.name = "threshold", .kind = KEY_TABLE, .kids = threshold_keys},
    {.name = "new_terms", .kind = KEY_TABLE, .kids = new_terms_keys},
    STRINGS("new_terms_fields", struct rule_draft, new_terms_fields, new_terms_field_count),
    STRING("history_window_start", struct rule_draft, history_start),
    {.name = "alert_suppression", .kind = KEY_TABLE, .kids = suppression_keys},
    ANY("building_block_type"),

    ANY("actions"),
    ANY("alias_purpose"),
    ANY("alias_target_id"),
    ANY("anomaly_threshold"),
    ANY("concurrent_searches"),
    ANY("created_at"),
    ANY("created_by"),
    ANY("data_view_id"),
    ANY("execution_summary"),
    ANY("immutable"),
    ANY("investigation_fields"),
    ANY("items_per_search"),
    ANY("machine_learning_job_id"),
    ANY("meta"),
    ANY("min_endpoint_version"),
    ANY("max_endpoint_version"),
    ANY("namespace"),
    ANY("optional_actions"),
    ANY("outcome"),
    ANY("output_index"),
    ANY("related_integrations"),
    ANY("required_fields"),
    ANY("response_actions"),
    ANY("revision"),
    ANY("risk_score_mapping"),
    ANY("rule_name_override"),
    ANY("rule_source"),
    ANY("saved_id"),
    ANY("severity_mapping"),
    ANY("threat_filters"),
    ANY("threat_index"),
    ANY("threat_indicator_path"),
    ANY("threat_language"),
    ANY("threat_mapping"),
    ANY("threat_query"),
    ANY("throttle"),
    ANY("tiebreaker_field"),
    ANY("timeline_id"),
    ANY("timeline_title"),
    ANY("timestamp_field"),
    ANY("timestamp_override_fallback_disabled"),
    ANY("to"),
    ANY("updated_at"),
    ANY("updated_by"),
    KEYS_END,
};

static const struct key metadata_keys[] = {
    STRING("updated_date", struct rule_draft, updated_date),
    ANY("bypass_bbr_timing"),
    ANY("comments"),
    ANY("creation_date"),
    ANY("deprecation_date"),
    ANY("extended"),
    ANY("integration"),
    ANY("maturity"),
    ANY("min_stack_comments"),
    ANY("min_stack_version"),
    ANY("os_type_list"),
    ANY("promotion"),
    ANY("query_schema_validation"),
    ANY("related_endpoint_rules"),
    KEYS_END,
};

static const struct key root_keys[] = {
    {.name = "metadata", .kind = KEY_TABLE, .kids = metadata_keys},
    {.name = "rule", .kind = KEY_TABLE, .kids = rule_keys},
    TABLES("threat", struct rule_draft, rule.threats, rule.threat_count, struct rule_threat,
	   threat_keys),
    ANY("actions"),
    /* Tests of the rule: `lintel rules test` reads them. */
    ANY("defaults"),
    ANY("test"),
    ANY("internal"),
    ANY("min_endpoint_version"),
    ANY("max_endpoint_version"),
    ANY("optional_actions"),
    ANY("transform"),
    KEYS_END,
};

/* Where in the tree we are, innermost first. */
struct key_path {
	const struct key_path *up;
	struct str name;
};

static struct str dotted(struct arena *arena, const struct key_path *path)
{
	if (!path->up)
		return arena_str(arena, path->name);
	struct str up = dotted(arena, path->up);

	return arena_printf(arena, "%.*s.%.*s", STR_ARG(up), STR_ARG(path->name));
}

static const char *type_name(enum tree_type type)
{
	static const char *const names[] = {
	    [TREE_TABLE] = "a table",   [TREE_NULL] = "null",           [TREE_ARRAY] = "an array",
	    [TREE_STRING] = "a string", [TREE_INT] = "an integer",      [TREE_DOUBLE] = "a number",
	    [TREE_BOOL] = "a boolean",  [TREE_TIME] = "a date or time",
	};

	return names[type];
}

static void wrong_type(const struct rule_source *source, const struct key_path *path,
		       const struct tree_node *node, const char *expected)
{
	struct str key = dotted(source->arena, path);
	struct diag diag = rule_diag_value(source, node);

	diag_add(source->diags, diag, "[%.*s] must be %s, but is %s", STR_ARG(key), expected,
		 type_name(node->type));
}

static void add_unknown(const struct rule_source *source, struct rule *rule,
			const struct key_path *path, const struct tree_node *node)
{
	uint32_t n = rule->unknown_key_count;

	/* Grown at powers of two; what is left behind goes with the arena. */
	if ((n & (n - 1)) == 0) {
		struct str *more = ARENA_ARRAY(source->arena, struct str, n ? 2 * (size_t)n : 4);

		if (n)
			memcpy(more, rule->unknown_keys, n * sizeof(*more));
		rule->unknown_keys = more;
	}
	struct str key = dotted(source->arena, path);

	rule->unknown_keys[rule->unknown_key_count++] = key;
	/* Room is left for errors; the rest is in the rule's list. */
	if (n >= UNKNOWN_KEY_WARNINGS_MAX)
		return;
	struct diag diag = rule_diag_key(source, node);

	diag.level = DIAG_WARNING;
	diag_add(source->diags, diag, "unknown key [%.*s]", STR_ARG(key));
}

static void read_strings(const struct rule_source *source, const struct key_path *path,
			 const struct tree_node *node, struct str **items, uint32_t *count)
{
	if (node->type != TREE_STRING && node->type != TREE_ARRAY) {
		wrong_type(source, path, node, "an array of strings");
		return;
	}
	uint32_t n = node->type == TREE_ARRAY ? node->kid_count : 1;
	struct str *to = ARENA_ARRAY(source->arena, struct str, n);

	for (uint32_t i = 0; i < n; i++) {
		const struct tree_node *item = node->type == TREE_ARRAY ? node->kids[i] : node;

		if (item->type != TREE_STRING) {
			wrong_type(source, path, item, "an array of strings");
			return;
		}
		to[i] = arena_str(source->arena, item->text);
	}
	*items = to;
	*count = n;
}

static void read_scalar(const struct rule_source *source, const struct key_path *path,
			const struct tree_node *node, enum key_kind kind, void *to)
{
	switch (kind) {
	case KEY_VERSION:
		if (node->type == TREE_INT) {
			*(struct str *)to =
			    arena_printf(source->arena, "%lld", (long long)node->integer);
			return;
		}
		/* fall through */
	case KEY_STRING:
		if (node->type == TREE_STRING || node->type == TREE_TIME)
			*(struct str *)to = arena_str(source->arena, node->text);
		else
			wrong_type(source, path, node, "a string");
		return;
	case KEY_INT:
		if (node->type == TREE_INT)
			*(int64_t *)to = node->integer;
		else
			wrong_type(source, path, node, "an integer");
		return;
	case KEY_BOOL:
		if (node->type == TREE_BOOL)
			*(bool *)to = node->boolean;
		else
			wrong_type(source, path, node, "true or false");
		return;
	default:
		return;
	}
}

static void read_table(const struct rule_source *source, struct rule_draft *draft,
		       const struct key_path *path, const struct tree_node *table,
		       const struct key *keys, char *base);

static void read_tables(const struct rule_source *source, struct rule_draft *draft,
			const struct key_path *path, const struct tree_node *node,
			const struct key *key, char *base)
{
	if (node->type != TREE_ARRAY && node->type != TREE_TABLE) {
		wrong_type(source, path, node, "an array of tables");
		return;
	}
	uint32_t n = node->type == TREE_ARRAY ? node->kid_count : 1;
	char *items = arena_alloc(source->arena, n * key->item_bytes);

	for (uint32_t i = 0; i < n; i++) {
		const struct tree_node *item = node->type == TREE_ARRAY ? node->kids[i] : node;

		if (item->type != TREE_TABLE) {
			wrong_type(source, path, item, "an array of tables");
			return;
		}
		read_table(source, draft, path, item, key->kids, items + i * key->item_bytes);
	}
	memcpy(base + key->offset, &items, sizeof(items));
	memcpy(base + key->count_offset, &n, sizeof(n));
}

static void read_key(const struct rule_source *source, struct rule_draft *draft,
		     const struct key_path *path, const struct tree_node *node,
		     const struct key *key, char *base)
{
	switch (key->kind) {
	case KEY_ANY:
		return;
	case KEY_NODE:
		memcpy(base + key->offset, &node, sizeof(node));
		return;
	case KEY_STRINGS:
		read_strings(source, path, node, (struct str **)(void *)(base + key->offset),
			     (uint32_t *)(void *)(base + key->count_offset));
		return;
	case KEY_TABLE:
		if (node->type == TREE_TABLE)
			read_table(source, draft, path, node, key->kids, base);
		else
			wrong_type(source, path, node, "a table");
		return;
	case KEY_TABLES:
		read_tables(source, draft, path, node, key, base);
		return;
	default:
		read_scalar(source, path, node, key->kind, base + key->offset);
		return;
	}
}

static void read_table(const struct rule_source *source, struct rule_draft *draft,
		       const struct key_path *path, const struct tree_node *table,
		       const struct key *keys, char *base)
{
	for (uint32_t i = 0; i < table->kid_count; i++) {
		const struct tree_node *node = table->kids[i];
		struct key_path here = {.up = path, .name = node->key};
		const struct key *key = keys;

		while (key->name && !str_eq(node->key, str_from(key->name)))
			key++;
		/* JSON's null is what is not there. */
		if (key->name && node->type == TREE_NULL)
			continue;
		if (key->name)
			read_key(source, draft, &here, node, key, base);
		else
			add_unknown(source, &draft->rule, &here, node);
	}
}

void rule_read_keys(const struct rule_source *source, struct rule_draft *draft)
{
	const struct key *keys = source->format == RULE_FORMAT_TOML ? root_keys : rule_keys;

	if (source->root->type != TREE_TABLE)
		return;
	read_table(source, draft, NULL, source->root, keys, (char *)draft);
	draft->rule.building_block = rule_key(source, "building_block_type") != NULL;
}
