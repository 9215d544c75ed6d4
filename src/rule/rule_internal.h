/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule file on its way to a struct rule:
 *
 *	text ──toml_read──► tree ──rule_read_keys──► rule_draft ──rule_finish──► rule
 *	                          (table of keys)      (texts)     (checks, units, query)
 */
#ifndef LINTEL_RULE_RULE_INTERNAL_H
#define LINTEL_RULE_RULE_INTERNAL_H

#include "base/toml_reader.h"
#include "rule/rule.h"

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
};

/* What is read, where it goes, and who hears of mistakes. */
struct rule_source {
	struct arena *arena; /* the rule set's */
	struct str path, text;
	const struct toml_node *root;
	struct diag_list *diags; /* of this file alone */
};

/* A diagnostic at a key, or at a value, of the file. */
struct diag rule_diag_key(const struct rule_source *source, const struct toml_node *node);
struct diag rule_diag_value(const struct rule_source *source, const struct toml_node *node);
/* At byte `at` of the decoded text of a string, `width` bytes of its line. */
struct diag rule_diag_text(const struct rule_source *source, const struct toml_node *node, size_t at,
			   size_t width);
/* Byte offset of a line and column (both from 1) in the file's text. */
size_t rule_offset(struct str text, uint32_t line, uint32_t column);

/* Walk the tree by the table of known keys: fill `draft`, complain about wrong types, collect
 * unknown keys. */
void rule_read_keys(const struct rule_source *source, struct rule_draft *draft);
/* Check what must be there, turn texts into numbers, compile query and exceptions, decide the
 * state (but for the duplicate id, which only the set can see). */
void rule_finish(const struct rule_source *source, struct rule_draft *draft,
		 struct field_set *fields);

/* Compile the EQL text of `node` (a TOML string). Diagnostics point into the TOML file. With
 * `condition` the text is a condition, without "category where". Returns as eql_compile(); for
 * -ENOTSUP `reason` says what is not supported and nothing is reported. */
int rule_compile(const struct rule_source *source, const struct toml_node *node, bool condition,
		 struct str category_field, struct field_set *fields, struct eql_query **query,
		 struct str *reason);
/* Where the decoded text of a TOML string begins: line of its first character. */
uint32_t rule_text_line(struct str text, const struct toml_node *node);

/* "5m": digits and one of s m h d w. 0 or -EINVAL. */
int rule_parse_interval(struct str text, int64_t *ns);
/* Elasticsearch date math relative to now, as an age: "now-9m", "now-1d/d" (up to two days back,
 * rounding taken at its widest). -EINVAL when it is none, -ERANGE when it is in the future. */
int rule_parse_age(struct str text, int64_t *ns);

/* Make the id known; returns the rule that has it already, or NULL. */
const struct rule *rule_set_claim_id(struct rule_set *set, struct rule *rule);

/* Append a rule whose state is final. */
void rule_set_add(struct rule_set *set, struct rule *rule);
/* Append a file that could not even be read, as a rule in error. */
void rule_set_add_broken(struct rule_set *set, struct str path, struct diag_list *diags,
			 const char *why);

/* The embedded pack, made by scripts/embed_rules.py. */
struct rule_pack_file {
	const char *path; /* "rules/T1574.006/x.toml" */
	const char *text;
	size_t bytes;
};
extern const struct rule_pack_file rule_pack[];
extern const size_t rule_pack_count;

#endif
