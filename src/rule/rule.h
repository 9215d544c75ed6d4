/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detection rules as their authors write them: Elastic's TOML rule files, unmodified, and lintel's
 * own pack in the same format; Kibana's exports with their exception lists; rule pages of Elastic's
 * documentation.
 *
 * A rule_set owns one arena with all rules; it is built once, then only read. A rule that cannot
 * run is still in the set, with the reason, so that nothing is dropped in silence.
 */
#ifndef LINTEL_RULE_RULE_H
#define LINTEL_RULE_RULE_H

#include "base/arena.h"
#include "base/diag.h"
#include "eql/query.h"

enum rule_state {
	RULE_LOADED,
	RULE_SKIPPED, /* well-formed, but of a kind lintel does not run, or disabled; see reason */
	RULE_ERROR,   /* broken; see diagnostics */
};

enum rule_severity {
	SEVERITY_LOW,
	SEVERITY_MEDIUM,
	SEVERITY_HIGH,
	SEVERITY_CRITICAL
};

struct rule_technique {
	struct str id, name, reference;
	struct rule_technique *subtechniques;
	uint32_t subtechnique_count;
};

struct rule_threat { /* one [[rule.threat]] */
	struct str framework;
	struct str tactic_id, tactic_name, tactic_reference;
	struct rule_technique *techniques;
	uint32_t technique_count;
};

/* One exception: the alert is withheld when every entry holds. As in Kibana's exception lists. */
struct rule_exception {
	struct str name, reason;
	struct eql_cond *cond;
	struct str text; /* for show */
};

/* A list of exceptions that a rule names. */
struct rule_list_reference {
	struct str list_id;
	struct str namespace_type; /* "single" or "agnostic" */
	struct str type;           /* "detection", "rule_default", "endpoint" */
};

/* What happens with the events that match a rule's query. */
enum rule_kind {
	RULE_KIND_EQL,       /* each match (event, sequence, sample) is an alert */
	RULE_KIND_QUERY,     /* each event is */
	RULE_KIND_THRESHOLD, /* so many of them with the same values are */
	RULE_KIND_NEW_TERMS, /* one with values not seen for long is */
};

/* Fields of a threshold, of new_terms, of suppression. Kibana takes three or five of each, by version. */
#define RULE_GROUP_FIELDS_MAX 5

struct rule_fields {
	struct str names[RULE_GROUP_FIELDS_MAX];
	uint32_t ids[RULE_GROUP_FIELDS_MAX];
	uint32_t count;
};

struct rule_threshold {
	struct rule_fields fields; /* may be none: all events together */
	uint64_t value;            /* at least so many events */
	bool has_cardinality;
	struct str cardinality_name;
	uint32_t cardinality_field;
	uint64_t cardinality_value; /* with at least so many different values of the field */
};

struct rule_new_terms {
	struct rule_fields fields;
	int64_t history_ns; /* "new" is what was not seen for so long */
};

struct rule_suppression {
	struct rule_fields fields; /* group_by; none: the rule has no suppression */
	int64_t duration_ns;       /* 0: as long as one run of the rule, its interval */
	bool suppress_missing;     /* events without a group_by field form a group of their own */
};

/* Elastic's default when a rule says nothing (Kibana: DEFAULT_MAX_SIGNALS). */
#define RULE_MAX_SIGNALS_DEFAULT 100

struct rule {
	enum rule_state state;
	struct str reason;   /* skipped: why; error: the first error's message */
	struct str path;     /* file it came from; "builtin:..." for the embedded pack */
	uint32_t line;       /* of the rule in a file of many; 0: the file is the rule */
	uint32_t query_line; /* line of the query text in the file */

	struct str id; /* rule.rule_id */
	struct str name, description, type, language, query_text;
	struct str version; /* metadata.updated_date or rule.version: part of the alert id */
	enum rule_kind kind;
	struct rule_threshold threshold; /* RULE_KIND_THRESHOLD */
	struct rule_new_terms new_terms; /* RULE_KIND_NEW_TERMS */
	bool suppressed;                 /* has alert_suppression: */
	struct rule_suppression suppression;
	enum rule_severity severity;
	uint32_t risk_score; /* 0..100 */
	int64_t interval_ns; /* default 5m */
	int64_t lookback_ns; /* `from`, as an age: "now-9m" is nine minutes; default now-6m */
	uint32_t max_signals;
	bool enabled;
	bool building_block;
	struct str note, setup, license, timestamp_override;
	struct str *authors, *references, *false_positives, *tags, *indices;
	uint32_t author_count, reference_count, false_positive_count, tag_count, index_count;
	struct rule_threat *threats;
	uint32_t threat_count;
	struct rule_exception *exceptions;
	uint32_t exception_count;
	struct rule_list_reference *lists; /* their items become exceptions in rule_set_finish() */
	uint32_t list_count;
	struct str *unknown_keys; /* dotted, kept and reported */
	uint32_t unknown_key_count;
	/* Everything said about this rule, errors and warnings; the same that went to the
	 * diag_list, which keeps only the first DIAG_LIST_MAX of a whole load. */
	struct diag *diags;
	uint32_t diag_count;

	struct eql_query *query; /* only when RULE_LOADED */
};

struct rule_lists;

struct rule_set {
	struct arena arena;
	struct rule **rules; /* in order of loading: files sorted by path */
	uint32_t count, cap;
	uint32_t loaded, skipped, errors; /* by state */
	uint32_t files;
	struct rule **by_id; /* open addressing; by_id_cap is a power of two */
	uint32_t by_id_count, by_id_cap;
	struct rule_lists *lists; /* exception lists loaded so far; NULL if there is none */
};

/* A directory tree is walked for rule files; more than this in one load is a mistake (a home directory
 * given by accident). Elastic's whole repository has 3,648. */
#define RULE_FILES_MAX 50000
/* The same for directories, so that `--rules /` ends soon. */
#define RULE_TREE_MAX 20000
/* Elastic's largest rule file is 90 KB. */
#define RULE_FILE_BYTES_MAX (1024 * 1024)
/* Of a file of many rules. Kibana exports at most 10,000 rules, and imports 10 MB by default. */
#define RULE_EXPORT_BYTES_MAX (64 * 1024 * 1024)
/* Of the rows, or elements, of one: rules, lists, exceptions. A rule in error takes some kilobytes,
 * and its row may be two bytes. */
#define RULE_EXPORT_OBJECTS_MAX 200000
/* Kibana applies no more to a rule. */
#define RULE_LIST_ITEMS_MAX 10000

void rule_set_init(struct rule_set *set);
void rule_set_free(struct rule_set *set);
/* Load a file, or every *.toml, *.ndjson, *.json and *.md below a directory (sorted by path; names
 * that begin with a dot are left out, symbolic links to directories not followed; a *.md that is no
 * rule's page and JSON that names neither rules nor lists are passed over). Queries are compiled against `fields`. A broken rule does not stop
 * the others; a rule id seen before replaces nothing and is an error naming both files. Returns 0,
 * or -errno when `path` itself cannot be read (with a diagnostic). */
int rule_set_load(struct rule_set *set, struct field_set *fields, const char *path,
		  struct diag_list *diags) __attribute__((warn_unused_result));
/* The pack shipped inside the binary (rules/ of the source tree). */
int rule_set_load_builtin(struct rule_set *set, struct field_set *fields, struct diag_list *diags)
    __attribute__((warn_unused_result));
/* The rules of one text, as if read from `path`; what rule_set_load does per file, and the fuzz
 * target. Its format is told by the name's extension, else by what it looks like. Rules are in the
 * set whatever their state; returns -EINVAL when one of them is RULE_ERROR. */
int rule_set_load_text(struct rule_set *set, struct field_set *fields, struct str text,
		       struct str path, struct diag_list *diags)
    __attribute__((warn_unused_result));
/* When all is loaded, before the rules are used: exception lists become exceptions of the rules that
 * name them, whichever came first. A rule that names a list which was not loaded gets a warning. */
void rule_set_finish(struct rule_set *set, struct field_set *fields, struct diag_list *diags);
/* By rule_id; NULL if there is none. Of several files with one id it is the first. */
const struct rule *rule_set_find(const struct rule_set *set, struct str id);

const char *rule_severity_name(enum rule_severity severity); /* "low" ... */
const char *rule_state_name(enum rule_state state);

#endif
