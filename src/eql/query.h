/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EQL, Elasticsearch's dialect: from text to something that says yes or no to an event.
 *
 *	text ──lexer──► tokens ──parser──► AST ──check──► typed AST ──compile──► eql_query
 *
 * A compiled event query is a category and a condition: a tree of and/or/not over *leaves*. Inside
 * a leaf (comparison, predicate, function) logic is three-valued and a multi-valued field is tried
 * value by value; a leaf that comes out null counts as false, and its negation as true. That line
 * between the two is Elasticsearch's, see docs/eql.md.
 *
 * Leaves are what rules share: two leaves with the same key are the same predicate. The engine
 * interns them and reads their facts to index rules by what they cannot match without; whoever has
 * a single query just calls eql_match().
 *
 * A query is filters and what connects them. A filter is what one event decides by itself: whether
 * it is of the category and meets the condition. An event query has one filter and nothing else;
 * the stages of a sequence, the members of a sample, `until` and the sub-queries of process
 * relations each name one, and equal ones share it (`with runs=60` is one filter, 60 stages), but
 * relations share none with stages. So the stateless part of any query is "which of its filters
 * does this event satisfy", and the rest is eql/machine.h.
 */
#ifndef LINTEL_EQL_QUERY_H
#define LINTEL_EQL_QUERY_H

#include "base/arena.h"
#include "base/diag.h"
#include "event/event.h"
#include "event/field.h"
#include "event/kept.h"

/* The dialect of Elastic Endpoint's behaviour rules has what Elasticsearch refuses: `as event0`,
 * fields of earlier stages, `child of [...]`, comparisons between fields. */
enum eql_dialect {
	EQL_DIALECT_ELASTICSEARCH,
	EQL_DIALECT_ENDPOINT,
};

struct eql_options {
	struct str category_field; /* empty: event.category */
	enum eql_dialect dialect;
	/* For diagnostics: the file the text is from and where in it the text begins. */
	struct str file;
	uint32_t first_line;   /* 0 means 1 */
	uint32_t first_column; /* 0 means 1 */
};

enum eql_cond_kind {
	EQL_COND_CONST,
	EQL_COND_AND,
	EQL_COND_OR,
	EQL_COND_NOT, /* one kid */
	EQL_COND_LEAF,
	EQL_COND_RELATION, /* only in eql_filter.whole */
};

struct eql_cond {
	enum eql_cond_kind kind;
	bool constant;      /* EQL_COND_CONST */
	uint32_t kid_count; /* AND, OR: two or more */
	struct eql_cond **kids;
	struct eql_leaf *leaf; /* EQL_COND_LEAF */
	uint32_t relation;     /* EQL_COND_RELATION: into the query's relations */
};

/*
 * What a leaf is, for whoever indexes rules. For the first four kinds the leaf holds exactly when
 * some value of the one field satisfies it.
 *
 * Of values that are strings the facts are the whole truth: an EXACT leaf holds if the string is
 * one of strings[], a WILDCARD leaf if it matches one of them. A value that is a number or boolean
 * can satisfy such a leaf as well (untyped JSON: `pid == "5"` holds for 5 and 5.0, `pid : "1?"` for
 * 15); an index that meets one must ask eql_leaf_eval(), except for leaves with strings_only, which
 * such values never satisfy.
 */
enum eql_leaf_kind {
	EQL_LEAF_EXACT, /* field equals one of strings[]: ==, in, or a pattern without wildcards */
	EQL_LEAF_WILDCARD, /* field matches one of strings[]: like, : with some * or ? in the list;
			    * never the pattern "*" alone, that is EXISTS */
	EQL_LEAF_NULL,     /* field has no value */
	EQL_LEAF_EXISTS,   /* field has a value */
	EQL_LEAF_OTHER,    /* anything else: eql_leaf_eval() knows */
};

struct eql_leaf {
	/* Canonical text: equal keys mean equal predicates (over the same field_set). */
	struct str key;
	enum eql_leaf_kind kind;
	bool fold;      /* EXACT, WILDCARD: compare without regard to ASCII case */
	uint32_t field; /* all kinds but OTHER */
	/* EXACT, WILDCARD: sorted, unique, in lower case when `fold`; patterns in a canonical
	 * spelling (no two stars in a row, ? before *). */
	const struct str *strings;
	uint32_t string_count;
	bool strings_only; /* EXACT, WILDCARD: no number or boolean satisfies it */
	/* False when the leaf is true for some event in which all its fields are missing; then it
	 * must not be used to skip a rule. */
	bool needs_value;
	const uint32_t *fields; /* every field the leaf reads */
	uint32_t field_count;
	/* For each of `fields`, the stage whose event it is read from, EQL_THIS_EVENT for the event
	 * in hand. NULL when all are (then only the event in hand is read). */
	const uint32_t *field_stages;
	uint32_t cost; /* rough ns per evaluation, to try cheap leaves first */
	/* Where it is written: bytes of the query's text; of a leaf without EQL text both 0. */
	uint32_t text_at, text_len;
	/* Several values in several fields: this many combinations of them are tried at most, the
	 * rest is cut and counted (COUNTER_EVALUATION_CUT). */
	uint32_t combinations_max;
	const struct eql_expr *expr; /* the eql room's own */
};

enum eql_pipe_kind {
	EQL_PIPE_HEAD,
	EQL_PIPE_TAIL
};

struct eql_pipe {
	enum eql_pipe_kind kind;
	uint64_t count;
};

/* In eql_leaf.field_stages. */
#define EQL_THIS_EVENT UINT32_MAX
/* In the places of a filter's index: there is none. */
#define EQL_NO_FILTER UINT32_MAX

/* One `category where condition`, as far as an event decides it by itself. */
struct eql_filter {
	bool any_category;
	struct str category; /* compared with case; empty when any_category */
	uint32_t category_field;
	struct eql_cond *cond; /* no relations, no leaves with field_stages */
	/* NULL when `cond` is all there is. Else what relations and fields of earlier stages decide:
	 * for eql_whole_holds(), once `cond`, which holds whenever the condition as written can, has
	 * let the event through. Both together are that condition. */
	struct eql_cond *whole;
	bool reads_stages; /* `whole` reads earlier stages' events; else only relations */
	struct str text;   /* as written, for explanations */
};

struct eql_key {
	uint32_t field;
	bool optional; /* `by ?field`: null is a key like any other */
};

struct eql_stage {
	uint32_t filter;
	bool missing;               /* `![...]` */
	const struct eql_key *keys; /* query.key_count of them: the shared ones first */
	struct str alias;           /* `as event0`; empty if none */
};

/* `child of [process where ...]` and its like: does the acting process, its parent or one of its
 * ancestors have an event that satisfied the filter? */
enum eql_relation_kind {
	EQL_EVENT_OF,
	EQL_CHILD_OF,
	EQL_DESCENDANT_OF,
};

struct eql_relation {
	enum eql_relation_kind kind;
	/* Its `whole`, if it has one, reads relations before this one and no stages. */
	uint32_t filter;
};

enum eql_query_kind {
	EQL_QUERY_EVENT,
	EQL_QUERY_SEQUENCE,
	EQL_QUERY_SAMPLE,
};

/* Limits of Elasticsearch's (SequenceMatcher, SampleQuery; x-pack/plugin/eql) and ours. */
#define EQL_STAGES_MAX 256
#define EQL_RUNS_MAX 100
#define EQL_SAMPLE_FILTERS_MAX 5
#define EQL_RELATIONS_MAX 64

struct eql_query {
	struct str text;
	enum eql_query_kind kind;
	struct eql_filter *filters; /* distinct; [0] is the event query's, or the first stage's */
	uint32_t filter_count;
	/* SEQUENCE: stages in order, runs expanded. SAMPLE: its members. EVENT: none. */
	struct eql_stage *stages;
	uint32_t stage_count;
	uint32_t key_count;      /* of every stage and of until */
	struct eql_stage *until; /* or NULL */
	int64_t maxspan_ns;      /* 0: none */
	struct eql_relation *relations;
	uint32_t relation_count;
	/* With relations: satisfied by every event that tells which process has which parent
	 * (process.entity_id and process.parent.entity_id). Else EQL_NO_FILTER. */
	uint32_t lineage_filter;
	/* Fields that must be kept of an event for the machine: keys, what `whole` conditions read,
	 * entity ids for relations. Sorted, unique. */
	const uint32_t *kept_fields;
	uint32_t kept_field_count;
	struct eql_pipe *pipes;
	uint32_t pipe_count;
};

/* True when one event and nothing else decides: an event query without relations. */
bool eql_query_is_stateless(const struct eql_query *query);

/*
 * Compile `text`. Fields it names are demanded in `fields`. The query lives in `arena`; `text`
 * need not outlive the call. With `fields` NULL the query is only checked and *out is not set.
 * Returns 0, or -EINVAL with one or more errors in `diags`, or -ENOTSUP when the query is of a kind
 * that nothing runs any more (a join), with exactly one error that says so.
 */
int eql_compile(struct arena *arena, struct field_set *fields, struct str text,
		const struct eql_options *options, struct diag_list *diags, struct eql_query **out)
    __attribute__((warn_unused_result));

/* Scratch memory for evaluation; one per thread. Nothing is allocated per event in steady state. */
struct eql_scratch;
struct eql_scratch *eql_scratch_new(void);
void eql_scratch_free(struct eql_scratch *scratch);

/* Does the leaf hold? Null counts as false. Errors (division by zero, a regex at its limit) count
 * as false and are counted (COUNTER_EVALUATION_ERROR, COUNTER_REGEX_LIMIT). */
bool eql_leaf_eval(const struct eql_leaf *leaf, const struct event *event,
		   struct eql_scratch *scratch);
/* Does the event's category fit? */
bool eql_category_fits(const struct eql_filter *filter, const struct event *event);
/* Category and condition (of `whole` nothing: `cond` only). */
bool eql_filter_match(const struct eql_filter *filter, const struct event *event,
		      struct eql_scratch *scratch);
/* eql_filter_match() of the first filter: an event query's whole answer if it is stateless. Pipes
 * are the caller's business, they need the end of the input. */
bool eql_match(const struct eql_query *query, const struct event *event,
	       struct eql_scratch *scratch);

/* What a `whole` condition is judged in. */
struct eql_scene {
	const struct kept_event *event;         /* in hand */
	const struct kept_event *const *stages; /* by stage; NULL where none, or no array at all */
	uint32_t stage_count;
	uint64_t relations; /* bit i: the query's relation i holds */
};
/* Does `whole` hold? Reads kept fields only. */
bool eql_whole_holds(const struct eql_filter *filter, const struct eql_scene *scene,
		     struct eql_scratch *scratch);

/* Does `s` match `pattern` (`*` any run, `?` one character) as a whole? `fold` ignores ASCII case.
 * The plain walk that the prepared form is tested against. */
bool eql_wildcard(struct str pattern, struct str s, bool fold);
/* The same, prepared for many values: in `arena`, `pattern` is borrowed. */
struct eql_pattern;
struct eql_pattern *eql_pattern_new(struct arena *arena, struct str pattern, bool fold);
bool eql_pattern_fits(const struct eql_pattern *pattern, struct str s);

/* Every function of the language, for --help and docs: name (with "~" where it has a variant),
 * signature, one line of text. */
struct eql_function_help {
	const char *signature;
	const char *text;
};
const struct eql_function_help *eql_functions(uint32_t *count);

#endif
