/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the engine looks from inside.
 *
 *	filter of a rule ──► slot: gate ∧ anchor ∧ code
 *
 *	gate    exact tests of low-cardinality fields (event.type == "start"); rules with the same
 *	        category and gate form a group, and the gate is tested once for all of them
 *	anchor  the rarest thing among those the rule cannot match without: values of fields, found
 *	        by hash (exact) or scan (wildcards); none: the slot is tried whenever its group is
 *	code    the rest of the condition as branching tests of leaves, cheapest and most telling
 *	        first
 *
 * A *literal* is a string some leaf compares a field with, exact or with wildcards, interned per
 * field. Finding a literal in an event tells, by its `hits`, which leaves hold and which slots
 * become candidates. All of this is built once, by build.c, and then only read.
 */
#ifndef LINTEL_ENGINE_ENGINE_INTERNAL_H
#define LINTEL_ENGINE_ENGINE_INTERNAL_H

#include "base/arena.h"
#include "engine/engine.h"
#include "engine/exact_internal.h"
#include "engine/scan_internal.h"

/* A run of numbers in engine->lists. */
struct span {
	uint32_t at, count;
};

enum leaf_how {
	LEAF_EVAL, /* only eql_leaf_eval() knows */
	LEAF_NULL,
	LEAF_EXISTS,
	LEAF_INDEXED, /* holds if one of its literals is found in the field */
};

/* Which scan of a field has patterns of a leaf. */
enum scan_set {
	SCAN_ANCHORS, /* patterns some slot is anchored on: run for every event of its group */
	SCAN_OTHERS,  /* the rest: run when a leaf asks */
	SCAN_COUNT,
};

struct leaf {
	const struct eql_leaf *eql;
	uint32_t field;    /* field id */
	uint32_t index;    /* INDEXED: into engine->indexes */
	uint32_t patterns; /* INDEXED: how many of its literals have wildcards */
	uint8_t how;       /* enum leaf_how */
	bool scans[SCAN_COUNT];
};

struct hits {
	struct span leaves; /* these hold */
	struct span slots;  /* these are candidates */
};

/* All literals of one field. */
struct field_index {
	uint32_t field;
	struct exact_table exact[2]; /* [1]: without regard to case */
	struct scan *scans[SCAN_COUNT];
	struct span present;  /* slots anchored on the field having any value */
	struct span anchored; /* slots anchored on a literal of the field */
};

enum source_kind {
	SOURCE_EXACT,
	SOURCE_SCAN,
	SOURCE_PRESENT,
	SOURCE_KINDS
};

/* A source is a place to look for anchors; numbered index * SOURCE_KINDS + kind. */
struct group {
	struct span gate;    /* leaves that must all hold */
	struct span always;  /* slots without anchor */
	struct span sources; /* where anchors of its slots are found */
};

struct category {
	const struct eql_filter
	    *filter; /* one of those with this category, to ask whether it fits */
	struct span groups;
};

/* Targets of a test that are no other test. */
#define CODE_MATCH UINT32_MAX
#define CODE_FAIL (UINT32_MAX - 1)

struct test {
	uint32_t leaf;
	uint32_t on_true, on_false; /* index of the next test, or one of the above */
};

struct slot {
	struct engine_hit hit; /* what a match means */
	uint32_t start;        /* in engine->code, or one of the CODE_ targets */
	uint32_t group;
};

struct engine {
	struct arena arena; /* owns everything below */
	struct leaf *leaves;
	uint32_t leaf_count;
	struct hits *hits; /* by literal */
	uint32_t literal_count;
	struct field_index *indexes;
	uint32_t index_count;
	struct category *categories;
	uint32_t category_count;
	struct group *groups;
	uint32_t group_count;
	struct slot *slots; /* in order of loading */
	uint32_t slot_count;
	struct test *code;
	uint32_t code_count;
	uint32_t *lists;
	/* Fields that decide which groups are alive: of categories and gates. */
	uint32_t *plan_fields;
	uint32_t plan_field_count;
};

static inline const uint32_t *engine_list(const struct engine *engine, struct span span)
{
	return engine->lists + span.at;
}

#endif
