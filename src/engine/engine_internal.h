/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the engine looks from inside.
 *
 *	filter of a rule ──► slot: gate ∧ anchor ∧ code
 *
 *	gate    exact tests of low-cardinality fields (event.type == "start"); rules with the same
 *	        category and gate form a group, and the gate is tested once for all of them
 *	anchor  the rarest thing among those the rule cannot match without: leaves of which one must
 *	        hold; none: the slot is tried whenever its group is alive
 *	code    the rest of the condition as branching tests of leaves, cheapest and most telling
 *	        first
 *
 * Nearly all leaves are about one field. What all of them together say of the field's value is its
 * *verdict*: the set of those that hold, as bits. A value's verdict is worked out once and
 * remembered with the value (value_cache_internal.h); and as few verdicts come up, what the rules
 * make of a combination of them is remembered too (outcome_internal.h).
 *
 * Most fields say who acts (process, user, host) and have few verdicts; what is done, mostly to a
 * file, differs from event to event. What the rules of a plan still ask when it is known who acts is a
 * *situation* (situation_internal.h): a few bits of a few fields.
 *
 *	event ─► plan, actor's values, verdicts ─► situation ─┐
 *	     └─► other values, as far as they are asked for ──┴─► outcome: hits, and slots to be asked
 *
 * A *literal* is a string some leaf compares a field with, exact or with wildcards, interned per
 * field. Finding a literal in a value tells, by its `hits`, which bits are set. All of this is
 * built once, by build.c, and then only read.
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
	/* These have a bit in the verdict of their field. */
	LEAF_NULL,
	LEAF_EXISTS,
	LEAF_INDEXED, /* holds if one of its literals is found in the field */
	LEAF_VALUE,   /* of one field and cheap: eql_leaf_eval(), once for a value */
	/* Of one field and costly: eql_leaf_eval() when code first asks it of a value. There is a
	 * second bit that says that it was. */
	LEAF_LATER,
	/* Has none: of several fields, eql_leaf_eval() for each event for which code asks. */
	LEAF_EVENT,
};

struct leaf {
	const struct eql_leaf *eql;
	/* All but EVENT: */
	uint32_t field;
	uint32_t index;     /* into engine->indexes */
	uint32_t bit;       /* in the verdicts of the index */
	uint32_t asked_bit; /* LATER: the second one */
	uint8_t how;        /* enum leaf_how */
};

#define INDEX_NONE UINT32_MAX
#define BIT_NONE UINT32_MAX

/* What must be asked of a value to know a bit, beyond enum scan_part: looked up among exact values,
 * minding case or not; leaves asked. */
enum {
	PART_EXACT = 32,
	PART_EXACT_FOLD = 64,
	PART_LEAVES = 128,
};

/* All that is asked about one field. */
struct field_index {
	uint32_t field;
	struct exact_table exact[2]; /* [1]: without regard to case */
	struct scan *scan;           /* of all wildcards; NULL: there are none */
	struct span values;          /* leaves with LEAF_VALUE */
	/* Leaves that a number or a boolean can satisfy as well as the strings they name. */
	struct span untyped;
	uint32_t null_bit, exists_bit; /* or BIT_NONE */
	uint32_t words;                /* of 64 bits, in a verdict */
	uint32_t first_word;           /* among the words of the verdicts of all indexes */
	bool of_actor;                 /* the field says who acts, not what is done */
	bool of_plan;                  /* the field is one of engine->plan_fields */
	bool any_value;                /* nothing is asked but whether there is a value */
};

struct group {
	struct span gate;    /* leaves that must all hold */
	struct span always;  /* slots without anchor */
	struct span indexes; /* whose verdicts its slots depend on */
	struct span bits;    /* of those verdicts, on which; numbered as in bit_slots */
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
	/* By literal: bits in the verdicts of its index. Of a single one, as nearly all have, `at`
	 * is the bit itself. */
	struct span *hits;
	uint32_t literal_count;
	struct field_index *indexes;
	uint32_t index_count;
	/* By first_word of an index * 64 + bit in its verdicts: slots anchored on that. */
	struct span *bit_slots;
	uint8_t *bit_parts;                /* numbered like that: enum scan_part, PART_* */
	uint32_t words;                    /* of verdicts of all indexes */
	uint32_t later_count, later_words; /* LATER leaves, and the words of their verdicts */
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
