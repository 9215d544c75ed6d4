/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule on its way to a struct rule:
 *
 *	TOML ──toml_read──────┐
 *	JSON ──json_tree_read─┼► tree ──rule_read_keys──► rule_draft ──rule_finish──► rule
 *	page ──rule_page_read─┘      (table of keys)      (texts)     (checks, units, query)
 *
 * A file of JSON may hold many rules, and beside them exception lists, which rule_list.c keeps
 * until all is loaded.
 */
#ifndef LINTEL_RULE_RULE_INTERNAL_H
#define LINTEL_RULE_RULE_INTERNAL_H

#include "base/tree.h"
#include "eql/build.h"
#include "kql/term.h"
#include "rule/rule.h"

enum rule_format {
	RULE_FORMAT_TOML,
	RULE_FORMAT_JSON,
	RULE_FORMAT_PAGE, /* of Elastic's documentation */
};

struct rule_cardinality {
	struct str field;
	int64_t value;
};

struct rule_history {
	struct str value;
};

/* The rule, and beside it what the file says in words and rule_finish() turns into numbers. */
struct rule_draft {
	struct rule rule;        /* first: the draft stays where it is and becomes the rule */
	struct str rule_id;      /* rule.rule_id: detection rules */
	struct str behaviour_id; /* rule.id: Elastic's endpoint behaviour rules */
	struct str severity, interval, from;
	struct str rule_version, updated_date;
	struct str category_field; /* rule.event_category_override */
	struct str *os_list;
	uint32_t os_count;
	int64_t risk_score, max_signals;

	struct str *threshold_fields;
	uint32_t threshold_field_count;
	int64_t threshold_value;
	struct rule_cardinality *cardinalities;
	uint32_t cardinality_count;

	struct str *new_terms_fields;
	uint32_t new_terms_field_count;
	struct str history_start;     /* as Kibana has it */
	struct rule_history *history; /* as the detection-rules repository has it */
	uint32_t history_count;

	struct str *suppression_fields;
	uint32_t suppression_field_count;
	int64_t suppression_duration;
	struct str suppression_unit, suppression_missing;

	const struct tree_node *filters;
};

/* What is read, where it goes, and who hears of mistakes. */
struct rule_source {
	struct arena *arena; /* the rule set's */
	enum rule_format format;
	struct str path;
	struct str text;                   /* of the file, or the row that is the rule */
	uint32_t first_line, first_column; /* of `text` in the file, both from 1 */
	const struct tree_node *root;
	const struct tree_node *rule; /* the table with the rule's keys; NULL if it is missing */
	struct diag_list *diags;      /* of this rule alone */
};

/* A diagnostic at a key, or at a value, of the file. */
struct diag rule_diag_key(const struct rule_source *source, const struct tree_node *node);
struct diag rule_diag_value(const struct rule_source *source, const struct tree_node *node);
/* At byte `at` of the decoded text of a string, `width` bytes of its line. */
struct diag rule_diag_text(const struct rule_source *source, const struct tree_node *node,
			   size_t at, size_t width);
struct diag rule_diag_at(const struct rule_source *source, size_t offset, size_t width);
/* Byte offset of a line of the file and a column (from 1) in the source's text. */
size_t rule_offset(const struct rule_source *source, uint32_t line, uint32_t column);
/* A rule's key; NULL if it is missing, or JSON's null. */
const struct tree_node *rule_key(const struct rule_source *source, const char *name);
/* "rule.interval" in TOML, "interval" elsewhere. */
struct str rule_key_name(const struct rule_source *source, const char *name);

/* Walk the tree by the table of known keys: fill `draft`, complain about wrong types, collect
 * unknown keys. */
void rule_read_keys(const struct rule_source *source, struct rule_draft *draft);
/* Check what must be there, turn texts into numbers, compile query and exceptions, decide the
 * state (but for the duplicate id, which only the set can see). */
void rule_finish(const struct rule_source *source, struct rule_draft *draft,
		 struct field_set *fields);
/* The rule is sound but will not run. The first reason stays. */
void rule_skip(struct rule *rule, struct str reason);

/* What the rule's type asks for beside a query: threshold, new terms; and suppression. */
void rule_finish_kind(const struct rule_source *source, struct rule_draft *draft,
		      struct field_set *fields);

/* Compile the EQL text of `node` (a string). Diagnostics point into the file. With `condition` the
 * text is a condition, without "category where". Returns as eql_compile(); for -ENOTSUP `reason`
 * says what is not supported and nothing is reported. */
int rule_compile(const struct rule_source *source, const struct tree_node *node, bool condition,
		 const struct eql_options *options, struct field_set *fields,
		 struct eql_query **query, struct str *reason);
/* The same for KQL: a condition, or NULL after an error. */
struct eql_cond *rule_compile_kql(const struct rule_source *source, const struct tree_node *node,
				  struct eql_builder *builder, const struct field_set *fields);
/* Where the decoded text of a string begins: line of its first character. */
uint32_t rule_text_line(const struct rule_source *source, const struct tree_node *node);

/*
 * The rule's `filters` (Kibana's, in Elasticsearch's query DSL) as one condition, for `builder`.
 * NULL after an error, or, with `reason`, when a filter is of a kind that is not supported.
 */
struct eql_cond *rule_compile_filters(const struct rule_source *source,
				      const struct tree_node *filters, struct eql_builder *builder,
				      const struct field_set *fields, struct str *reason);
/* A scalar of a filter or an exception as text: "5", "true". False for anything else. */
bool rule_scalar_text(struct arena *arena, const struct tree_node *node, struct str *text);
/* Elasticsearch's wildcard query: `*`, `?`, and a backslash before what is to be itself. */
struct eql_cond *rule_es_wildcard(struct kql_terms *terms, struct str field, struct str pattern,
				  bool fold);

/* "5m": digits and one of s m h d w. 0 or -EINVAL. */
int rule_parse_interval(struct str text, int64_t *ns);
/* Elasticsearch date math relative to now, as an age: "now-9m", "now-1d/d" (up to two days back,
 * rounding taken at its widest). -EINVAL when it is none, -ERANGE when it is in the future. */
int rule_parse_age(struct str text, int64_t *ns);

/* Make the id known; returns the rule that has it already, or NULL. */
const struct rule *rule_set_claim_id(struct rule_set *set, struct rule *rule);

/* Append a rule whose state is final. */
void rule_set_add(struct rule_set *set, struct rule *rule);
/* Append a file (or, with `line`, a row) that could not even be read, as a rule in error. */
void rule_set_add_broken(struct rule_set *set, struct str path, struct diag_list *diags,
			 const char *why);
/* The same with diagnostics that are there already; at least one is an error. */
void rule_set_add_said(struct rule_set *set, struct str path, uint32_t line,
		       const struct diag_list *said, struct diag_list *diags);
/* One more diagnostic of a rule that is in the set, also passed on. */
void rule_set_warn(struct rule_set *set, struct rule *rule, struct diag diag,
		   struct diag_list *diags);

/* A rule from its tree: source->root, source->rule and the rest but `diags` are set. */
void rule_set_load_tree(struct rule_set *set, struct field_set *fields, struct rule_source *source,
			struct diag_list *diags);

/* All rows, or elements, of a JSON file: rules, exception lists and items, connectors, the export's
 * own summary. `rows`: it is NDJSON. */
void rule_json_load(struct rule_set *set, struct field_set *fields, struct str text,
		    struct str path, bool rows, struct diag_list *diags);

/* Is there anything in the text that an export of rules or lists has? */
bool rule_json_is(struct str text);
/* Does the text look like a rule's page of Elastic's documentation? */
bool rule_page_is(struct str text);
/* A tree with the keys a rule file would have. -EINVAL with a diagnostic when there is no rule. */
int rule_page_read(struct arena *arena, struct str text, struct str path, struct diag_list *diags,
		   struct tree_node **root);

/* Exception lists and their items. `item`: it has entries. */
void rule_list_add(struct rule_set *set, const struct rule_source *source, bool item,
		   struct diag_list *diags);
/* What they have beside the set's arena. NULL is fine. */
void rule_lists_free(struct rule_lists *lists);
/* All of a file, up to RULE_EXPORT_BYTES_MAX and one byte. `named`: the operator gave this very path,
 * so it may also be a pipe. 0, or -errno from opening and reading; `why` then gets words for it. */
int rule_read_file(const char *path, bool named, struct buf *text, const char **why);

/* The embedded pack, made by scripts/embed_rules.py. */
struct rule_pack_file {
	const char *path; /* "rules/T1574.006/x.toml" */
	const char *text;
	size_t bytes;
};
extern const struct rule_pack_file rule_pack[];
extern const size_t rule_pack_count;

#endif
