/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KQL, the Kibana Query Language: from text to a condition of EQL's kind (eql/build.h), so that
 * rules in both languages share leaves and index.
 *
 *	text ──parser──► tree of and, or, not, is, range ──lower──► terms (kql/term.h) ──► condition
 *
 * The grammar is Kibana's (kbn-es-query, grammar.peggy), the meaning that of the Elasticsearch
 * queries Kibana makes of it. docs/kql.md has the differences.
 */
#ifndef LINTEL_KQL_KQL_H
#define LINTEL_KQL_KQL_H

#include "base/diag.h"
#include "eql/build.h"

/* Longest query; see EQL's. Also keeps offsets in 32 bits. */
#define KQL_TEXT_BYTES_MAX ((size_t)1 << 20)
/* Nesting of parentheses and braces. */
#define KQL_DEPTH_MAX 200
/* A value without a field, or with a pattern for one, is asked of many fields: values times fields
 * of one query. */
#define KQL_EXPANSION_MAX 20000

struct kql_options {
	struct str file;       /* for diagnostics: where the text is from */
	uint32_t first_line;   /* and where in the file it begins; 0 means 1 */
	uint32_t first_column; /* 0 means 1 */
};

/*
 * The condition of a query. Fields it names are demanded in `fields`, which must be the builder's.
 * A query of nothing but blanks holds for every event. Returns 0, or -EINVAL with an error in
 * `diags`; warnings may be there in any case. `options` may be NULL.
 */
int kql_condition(struct eql_builder *builder, const struct field_set *fields, struct str text,
		  const struct kql_options *options, struct diag_list *diags, struct eql_cond **out)
    __attribute__((warn_unused_result));

#endif
