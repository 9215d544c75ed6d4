/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elasticsearch's term, wildcard, exists and range queries as conditions: what KQL, filters in
 * query DSL and exception lists come down to. Values are texts, read by the type of the field:
 *
 *	keyword       the text, exactly, with case
 *	long, double  a number
 *	boolean       true or false
 *	date          ISO 8601, milliseconds since 1970, or date math ("2024-01-01||+1M/d")
 *	any           what lintel has no type for: the value decides. A text that is a range of
 *	              addresses ("10.0.0.0/8") also means the addresses in it.
 *
 * A name that ends in ".caseless" is the field before that, compared without regard to ASCII case:
 * Elastic's mappings have such a field beside many others. So is one that ends in ".text" behind a
 * field that fields.def has; there Elasticsearch would compare words, here the whole is compared.
 */
#ifndef LINTEL_KQL_TERM_H
#define LINTEL_KQL_TERM_H

#include "eql/build.h"

struct kql_terms {
	struct eql_builder *builder;
	const struct field_set *fields; /* the builder's */
	struct arena *scratch;          /* for the time of compiling */
	/* A value that does not fit the field's type is no error, it is never found. */
	bool lenient;
	/* Why the last call returned NULL: which of its values, what is wrong, what to do. */
	uint32_t failed;
	struct str why, hint;
};

/* The field has one of the values. */
struct eql_cond *kql_term(struct kql_terms *t, struct str field, const struct str *values,
			  uint32_t count);
/* The field's text matches one of the patterns; of a lone star: has a value. `fold`: without regard
 * to ASCII case, whatever the field. */
struct eql_cond *kql_wildcard(struct kql_terms *t, struct str field,
			      const struct eql_build_pattern *patterns, uint32_t count, bool fold);
/* The field's text matches a pattern of EQL's: `*` any run of characters, `?` any one; there is no
 * way to escape them. */
struct eql_cond *kql_like(struct kql_terms *t, struct str field, struct str pattern, bool fold);
struct eql_cond *kql_exists(struct kql_terms *t, struct str field);
struct eql_cond *kql_range(struct kql_terms *t, struct str field, enum eql_build_order order,
			   struct str value);

#endif
