/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exists only while an engine is built:
 *
 *	build.c    rules ──► slots, groups; everything written down at the end
 *	build_fields.c   what is known of each field
 *	leaves.c   leaves and literals, each once
 *	program.c  a rule's condition as a tree of nodes, ordered, then as code
 *	anchor.c   what a tree cannot hold without
 */
#ifndef LINTEL_ENGINE_BUILD_INTERNAL_H
#define LINTEL_ENGINE_BUILD_INTERNAL_H

#include "engine/engine_internal.h"
#include "engine/intern_internal.h"

/* In eql_leaf.cost: a regular expression, or a comparison with each of many values. Few values are
 * ever asked for such a leaf, and working it out for every value of the field would cost more. */
#define COSTLY_LEAF 100

struct literal {
	uint32_t index; /* into builder->indexes */
	struct str text;
	bool fold;
	bool pattern;            /* has wildcards */
	struct scan_shape shape; /* of a pattern */
	uint8_t part;            /* where it is found: enum scan_part, PART_* */
	uint32_t share;          /* number of rules that name it */
	uint32_t last_slot;      /* the last counted in `share`, + 1 */
};

/* (key, value) in any order and number, until written out as one sorted list per key. */
struct pairs {
	struct pair {
		uint32_t key, value;
	} * items;
	uint32_t count, cap;
};

struct node {
	enum eql_cond_kind kind;
	bool constant;
	uint32_t leaf;
	struct node **kids;
	uint32_t kid_count;
	float chance; /* that it holds, guessed */
	float cost;   /* of finding out, in about nanoseconds */
};

struct engine_facts;

/* Of an index, what its leaves ask for. */
struct index_parts {
	uint32_t bits; /* given out */
	uint32_t null_bit, exists_bit;
};

struct builder {
	struct engine *engine;
	struct engine_facts *facts; /* where explain.c notes what is decided, or NULL */
	const struct field_set *fields;
	struct arena arena; /* for the time of building */
	struct intern leaf_keys, literal_keys, group_keys, category_keys;
	struct leaf *leaves;
	struct span *leaf_literals; /* by leaf, into literal_lists */
	uint32_t leaf_cap;
	uint32_t *literal_lists;
	uint32_t literal_list_count, literal_list_cap;
	struct literal *literals;
	uint32_t literal_cap;
	uint32_t *index_of_field; /* INDEX_NONE: none yet */
	uint32_t *field_of_index;
	struct index_parts *index_parts;
	uint32_t index_count;
	struct node **trees; /* by slot: the condition without its gate */
	struct span *gates;  /* by group, into lists */
	uint32_t *group_categories;
	uint32_t gate_cap;
	const struct eql_filter **category_filters;
	uint32_t category_cap;
	struct pairs literal_bits, index_values, index_untyped, index_later;
	struct pairs leaf_slots, index_present; /* slots by what they are anchored on */
	struct pairs group_always, group_indexes, group_leaves, group_present;
	struct pairs category_groups;
	uint32_t *lists;
	uint32_t list_count, list_cap;
	struct test *code;
	uint32_t code_count, code_cap;
};

/* Make room for one more item of a growing array. */
#define GROW(array, count, cap)                                                    \
	do {                                                                       \
		if ((count) >= (cap)) {                                            \
			(cap) = (cap) ? (cap)*2 : 64;                              \
			(array) = xreallocarray((array), (cap), sizeof(*(array))); \
		}                                                                  \
	} while (0)

void pairs_add(struct pairs *pairs, uint32_t key, uint32_t value);

/* A bit of an index's verdicts among those of all. */
static inline uint32_t build_bit_of(const struct engine *e, uint32_t index, uint32_t bit)
{
	return e->indexes[index].first_word * 64 + bit;
}

/* build_fields.c: tables of the literals of an index. */
void build_search(struct builder *b, struct field_index *index, const uint32_t *literals,
		  uint32_t count);
/* engine->bit_parts, when indexes and leaves are written. */
void build_bit_parts(struct builder *b);
/* Which fields say who acts. */
void build_field_kinds(struct builder *b);

/* leaves.c: the number of a leaf, interned with its literals, for the slot. */
uint32_t build_leaf(struct builder *b, const struct eql_leaf *eql, uint32_t slot);
/* The bit that says that the field has a value. */
uint32_t build_exists_bit(struct builder *b, uint32_t index);

/* program.c */
struct node *program_tree(struct builder *b, const struct eql_cond *cond, uint32_t slot);
/* Takes the leaves that are tests of low-cardinality fields out of the top of the tree; they are
 * appended to `gate` (room for `max`) and, the gate being tested before the code, no longer part of
 * it. Returns how many. */
uint32_t program_take_gate(struct builder *b, struct node *tree, uint32_t *gate, uint32_t max);
/* Estimate and order; needs the shares of all literals. */
void program_order(struct builder *b, struct node *tree);
/* Append the code of a tree; returns where it starts. */
uint32_t program_emit(struct builder *b, const struct node *tree, uint32_t on_true,
		      uint32_t on_false);

struct anchor_item {
	bool present; /* `id` is an index whose field must have a value; else a literal */
	uint32_t id;
	uint32_t leaf; /* that has the literal */
};

struct anchor {
	float cost; /* events in a thousand that have it, guessed; INFINITY: there is none */
	struct anchor_item *items;
	uint32_t count;
};

/* From here on looking a slot up costs as much as trying it. */
#define ANCHOR_USELESS 1000.0f

/* anchor.c */
bool anchor_low_cardinality(const struct builder *b, uint32_t field);
/* The best anchor of a tree. */
struct anchor anchor_find(struct builder *b, const struct node *tree);

#endif
