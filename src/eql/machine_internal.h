/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of a machine, and how it is bounded.
 *
 *	machine ── keys ──► key_node [3, "a"] ──► partial, place 2 ──► partial, place 0
 *	                    key_node [4, "b"] ──► past (until, leading misses)
 *	                    key_node [null]   ──► sample
 *	        ── processes ► process "x"
 *
 * A place is a stage that is not missing. What can be dropped by itself (partial, past, sample,
 * process) begins with a struct held, which is in the list of its kind in the machine, by time. What
 * is too old is at the beginning of these lists, and so is the oldest of all in the pool.
 */
#ifndef LINTEL_EQL_MACHINE_INTERNAL_H
#define LINTEL_EQL_MACHINE_INTERNAL_H

#include "base/hash_table.h"
#include "eql/machine.h"

/* What an allocation costs besides itself, for accounting. */
#define ALLOCATION_BYTES 16

/* An event with several values in its join keys belongs to every combination of them. Beyond this
 * many it is no key any more: a list of arguments, say. */
#define KEY_TUPLES_MAX 256

enum held_kind {
	HELD_PARTIAL,
	HELD_PAST,
	HELD_SAMPLE,
	HELD_PROCESS,
	HELD_KINDS
};

struct held {
	struct held *before, *next; /* of this kind, in the machine */
	struct eql_machine *machine;
	int64_t since_ns; /* never less than that of `before` */
	uint32_t kind;
};

struct held_list {
	struct held *oldest, *newest;
};

struct eql_pool {
	size_t bytes_max, bytes;
	struct slabs *slabs; /* memory of all that comes and goes */
	struct eql_machine **machines;
	size_t machine_count, machine_cap;
	struct held_list **oldest; /* for eviction: a heap, the list with the oldest on top */
	size_t oldest_count, oldest_cap;
};

/* Events 0 to count - 1 of a sequence: it is at place count - 1. */
struct partial {
	struct held held;
	struct key_node *node;
	struct partial *next;       /* of the node: the next lower place */
	struct kept_event **events; /* &first, or memory of its own */
	struct kept_event *first;
	uint32_t count, cap;
	/* Time of the last event: mostly decides about order without a look at the event itself,
	 * which is not in the processor's cache when keys are many. */
	int64_t last_ns;
	bool spoiled;            /* has an event that must be missing: gives no result */
	int64_t lead_ns;         /* latest miss before the first event; INT64_MIN: none */
	struct kept_event *miss; /* first miss after the last event, or NULL */
	uint64_t number;         /* when complete: of the result */
};

/* Events of a key whose place in time matters to sequences. Where two events can be of equal order,
 * the latest may turn out not to be before the event in question; then the one before it is. */
struct past_event {
	struct kept_event *latest, *earlier;
};

struct past {
	struct held held;
	struct key_node *node;
	struct past_event lead;
	struct past_event until;
};

struct member_list {
	struct kept_event **events; /* in order of coming */
	uint32_t count, cap;
};

struct sample {
	struct held held;
	struct key_node *node;
	struct member_list members[]; /* one per stage */
};

/* A tuple of join keys and what is known of it. */
struct key_node {
	uint64_t hash;
	size_t bytes;
	union {
		struct {
			struct partial *partials; /* by place, highest first; one per place */
			struct partial *waiting;  /* complete, if no event comes that must not */
			struct past *past;        /* or NULL */
			/* Most keys have one partial, and it is here. */
			struct partial own;
			bool own_used;
		};
		struct sample *sample;
	};
	struct value keys[]; /* canonical; texts behind them */
};

/* A process some event of which satisfied a relation's filter, or that descends from one. */
struct process {
	struct held held;
	uint64_t hash;
	size_t bytes;
	uint64_t self, child, descendant; /* bit i: the query's relation i */
	struct value id;
};

/* The tuples of join keys of one event, one after another. */
struct key_tuples {
	uint32_t key_count;
	struct value *values; /* distinct values of all keys, KEY_TUPLES_MAX places per key */
	uint32_t *counts;     /* of each key */
	uint32_t *at;         /* which value of each key is in `tuple` */
	struct value *tuple;
	uint64_t hash; /* of `tuple` */
	uint32_t left;
	bool cut; /* since somebody last looked: not all tuples were tried */
};

#define PLACE_WORDS (EQL_STAGES_MAX / 64)

struct place_set {
	uint64_t bits[PLACE_WORDS];
};

/* Consecutive places with the same join keys. */
struct block {
	uint32_t first, last;
	const struct eql_key *keys;
};

enum gap_kind {
	GAP_LEADING,
	GAP_MIDDLE,
	GAP_TRAILING
};

/* A missing stage. */
struct gap {
	enum gap_kind kind;
	uint32_t stage;
	uint32_t place; /* GAP_MIDDLE: the one before it */
};

/* How a sequence's stages hang together; made once. */
struct sequence_plan {
	uint32_t place_count;
	uint32_t *stages;          /* by place */
	struct place_set *filters; /* by filter: the places it satisfies */
	struct block *blocks;
	uint32_t block_count;
	struct gap *gaps;
	uint32_t gap_count;
	/* The first and last stage, which alone decide how leading and trailing misses are judged. */
	bool leads, trails;
};

struct eql_machine {
	const struct eql_query *query;
	struct eql_machine_options options;
	struct eql_pool *pool;
	struct held_list lists[HELD_KINDS];
	struct hash_table nodes;
	struct hash_table processes;
	size_t live;
	int64_t now_ns; /* latest time known; INT64_MIN at first */
	uint64_t completed;
	struct sequence_plan plan;
	bool *starts; /* by filter: an event matters even when nothing is held */
	/* By filter: join keys of the first stage with it, or of `until`. NULL: of none. */
	const struct eql_key **keys;
	uint64_t event_of, child_of, descendant_of; /* relations by kind */
	struct key_tuples tuples;
	struct kept_event **picked;  /* stage_count, for results and scenes */
	struct eql_scratch *scratch; /* NULL when no condition is more than its `cond` */
};

/* An event's process and its parent, as far as they are remembered. */
struct family {
	struct value id;
	struct process *process, *parent;
};

/* An event on its way through a machine. */
struct taken {
	struct eql_machine *machine;
	struct kept_event *event;
	const uint32_t *filters;
	uint32_t filter_count;
	uint64_t relations;
	struct family
	    family; /* with relations; nothing of it goes before the event is learned from */
};

/* pool.c */
void pool_add_machine(struct eql_pool *pool, struct eql_machine *machine);
void pool_remove_machine(struct eql_pool *pool, const struct eql_machine *machine);
void pool_charge(struct eql_pool *pool, size_t bytes);
void pool_release(struct eql_pool *pool, size_t bytes);
/* References that the pool accounts for; an event held several times counts once. */
struct kept_event *pool_hold(struct eql_pool *pool, struct kept_event *event);
void pool_drop(struct eql_pool *pool, struct kept_event *event);
void held_add(struct held *held, struct eql_machine *machine, enum held_kind kind, int64_t since);
/* As if removed and added again: the last to go. */
void held_renew(struct held *held, int64_t since);
void held_remove(struct held *held);
/* If the bound is not kept, the oldest goes until it is. */
void pool_make_room(struct eql_pool *pool);

/* machine.c */
/* a - b, at the ends of the range where it would be beyond them. */
int64_t time_between(int64_t a, int64_t b);
/* Is a strictly before b, as far as sequences are concerned? */
bool event_before(const struct eql_machine *machine, const struct kept_event *a,
		  const struct kept_event *b);
bool satisfies(const struct taken *taken, uint32_t filter);
/* `stages` are the events so far, by stage; NULL: none. */
bool whole_holds(const struct taken *taken, uint32_t filter, struct kept_event **stages);
void machine_found(struct eql_machine *machine, struct kept_event *const *events, uint32_t count,
		   const struct key_node *node, uint64_t number);
/* Drops it as if it had never been, and what only it needed. */
void held_forget(struct held *held);
void machine_forget_all(struct eql_machine *machine);
/* The node of the current tuple of machine->tuples. */
struct key_node *node_find(struct eql_machine *machine);
struct key_node *node_find_or_add(struct eql_machine *machine);
void node_free(struct eql_machine *machine, struct key_node *node);
/* Text of values that are about to be copied with value_put(). */
size_t value_text_bytes(const struct value *values, uint32_t count);
/* A copy of a scalar whose text goes to *text, which moves on. */
struct value value_put(const struct value *value, char **text);

/* join_key.c */
void key_tuples_init(struct key_tuples *tuples, uint32_t key_count);
void key_tuples_free(struct key_tuples *tuples);
/* The first tuple of an event; false if it has none: a key is null that may not be. */
bool key_tuples_begin(struct key_tuples *tuples, const struct kept_event *event,
		      const struct eql_key *keys);
bool key_tuples_next(struct key_tuples *tuples);
/* Makes `values` the current tuple. */
void key_tuples_set(struct key_tuples *tuples, const struct value *values);
/* The hash of an event's tuple, if it has one and no more. */
bool key_hash_single(const struct kept_event *event, const struct eql_key *keys, uint32_t count,
		     uint64_t *hash);
/* 3.0 is 3. */
struct value key_canonical(const struct value *value);
uint64_t key_hash(const struct value *value);
bool key_equal(const struct value *a, const struct value *b);
/* Null, booleans, numbers, strings. */
int key_compare(const struct value *a, const struct value *b);

/* sequence.c */
void sequence_plan_init(struct sequence_plan *plan, const struct eql_query *query);
void sequence_plan_free(struct sequence_plan *plan);
void sequence_take(const struct taken *taken);
void sequence_expire(struct eql_machine *machine);
void sequence_forget_partial(struct partial *partial);
void sequence_forget_past(struct past *past);
void sequence_finish(struct eql_machine *machine);
/* For loading: state of the current tuple. NULL when that place cannot be, or is taken. */
struct partial *sequence_restore(struct eql_machine *machine, struct kept_event *const *events,
				 uint32_t count, int64_t since_ns);
struct past *sequence_restore_past(struct eql_machine *machine, int64_t since_ns);

/* sample.c */
void sample_take(const struct taken *taken);
void sample_expire(struct eql_machine *machine);
void sample_finish(struct eql_machine *machine);
void sample_forget(struct sample *sample);
struct sample *sample_restore(struct eql_machine *machine, int64_t since_ns);
void sample_add(struct sample *sample, uint32_t member, struct kept_event *event);

/* lineage.c */
void lineage_init(struct eql_machine *machine);
/* Which relations hold for the event's process, from what was learned before. */
uint64_t lineage_relations(struct eql_machine *machine, const struct kept_event *event,
			   struct family *family);
void lineage_learn(const struct taken *taken);
struct process *lineage_mark(struct eql_machine *machine, const struct value *id);
void lineage_forget(struct process *process);

#endif
