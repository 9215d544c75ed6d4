/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINTEL_KQL_KQL_INTERNAL_H
#define LINTEL_KQL_KQL_INTERNAL_H

#include "kql/kql.h"
#include "kql/term.h"

struct kql_span {
	uint32_t at, len;
};

/* A text, or with more than one piece a pattern: the pieces between its stars. */
struct kql_literal {
	struct kql_span span;
	bool quoted;
	struct str *pieces;
	uint32_t piece_count;
};

enum kql_kind {
	KQL_AND,
	KQL_OR,
	KQL_NOT,    /* one kid */
	KQL_IS,     /* field: value */
	KQL_RANGE,  /* field > value */
	KQL_NESTED, /* field: { kid } */
};

struct kql_node {
	enum kql_kind kind;
	struct kql_literal *field; /* IS: NULL means any field; RANGE; NESTED */
	struct kql_literal *value; /* IS, RANGE */
	enum eql_build_order order;
	struct kql_node **kids;
	uint32_t kid_count, kid_cap;
};

/* The text being compiled and where its errors go. */
struct kql_source {
	struct str text;
	const struct kql_options *options;
	struct diag_list *diags;
	struct arena *scratch;
};

struct diag kql_diag(const struct kql_source *source, struct kql_span where);
void kql_error(const struct kql_source *source, struct kql_span where, struct str hint,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The tree, NULL in *root for an empty query. False after an error. */
bool kql_parse(const struct kql_source *source, struct kql_node **root);
/* A quoted or unquoted literal at *at, moved behind it; NULL: there is none, or, with *broken set,
 * an error was reported. */
struct kql_literal *kql_read_literal(const struct kql_source *source, uint32_t *at, bool *broken);
/* Bytes of the white space character at `at`, 0 if there is none. */
uint32_t kql_space_at(struct str text, uint32_t at);
/* Is there "or", "and" or "not" in whatever case? */
bool kql_word_at(struct str text, uint32_t at, struct str word);

/* A date to compare with, in milliseconds since 1970; `moving` when it depends on now: then how far
 * from now it is at least and at most. */
struct kql_date {
	bool moving;
	int64_t ms;
	int64_t least_ms, most_ms;
};
/* `up`: what the text leaves open (the time of a day, what is rounded off) is taken as late as
 * possible, else as early. False when it is no date. */
bool kql_date_parse(struct str text, bool up, struct kql_date *date);

/* Is the text an address, or a range of them ("10.0.0.0/8")? */
bool kql_is_address(struct str text);
bool kql_is_address_range(struct str text);
/* CIDR ranges that together are all addresses that compare so with this one, in Elasticsearch's
 * order: IPv4 is a part of IPv6, ::ffff:0:0/96. At most KQL_RANGES_MAX. */
#define KQL_RANGES_MAX 130
uint32_t kql_address_ranges(struct str address, enum eql_build_order order, struct arena *arena,
			    struct str ranges[KQL_RANGES_MAX]);

#endif
