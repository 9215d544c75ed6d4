/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules of a plan still ask of an event when it is known who acts. Of hundreds of rules
 * about files most do not concern a package manager; what is left asks for a few bits of a few
 * fields. And most of that cannot match without one of even fewer bits, its *wake* bits; so a value of
 * which none of these holds, as nearly all are, needs no further thought.
 *
 *	(plan, verdicts on the actor) ──► looks: fields, wake bits    ─► none holds: quiet outcome,
 *	                              │                                  kept here
 *	                              └─► fields, all bits asked for  ─► outcome_internal.h
 *
 * Situations are of a fixed memory; when it is full the owner forgets all, and whatever refers to
 * them. Until then they stay where they are.
 */
#ifndef LINTEL_ENGINE_SITUATION_INTERNAL_H
#define LINTEL_ENGINE_SITUATION_INTERNAL_H

#include "engine/outcome_internal.h"

/* Bits of the verdicts of a field, and how they come about. */
struct want {
	uint64_t *bits; /* NULL: none */
	uint32_t parts; /* enum scan_part, PART_* */
};

/* A field and what is asked of it. */
struct look {
	uint32_t index;
	uint32_t field;
	struct want wake, all;
};

struct situation {
	uint64_t serial; /* of no other situation ever made, and no plan */
	struct look *looks;
	uint32_t look_count;
	/* Slots that match anyway; that may match whatever their wake bits, having none; that may if
	 * a wake bit holds. */
	uint32_t *decided, *open, *asleep;
	uint32_t decided_count, open_count, asleep_count;
	struct outcome quiet; /* of an event of which no wake bit holds */
	uint32_t *quiet_room; /* for its slots; it has none before it is known */
};

struct situation_table;

struct situation_table *situation_table_new(const struct engine *engine);
void situation_table_free(struct situation_table *table);
void situation_table_forget(struct situation_table *table);
/* False: forget before the next event. */
bool situation_table_has_room(const struct situation_table *table);
/* NULL: it was not seen before. `key` is of the plan and the verdicts on its fields of the actor. */
struct situation *situation_find(const struct situation_table *table,
				 const struct outcome_key *key);
/* A new one for a key not seen before, empty but for its serial. At most one per event, all of its
 * parts included. */
struct situation *situation_add(struct situation_table *table, const struct outcome_key *key);
/* Memory for its parts. */
void *situation_room(struct situation_table *table, size_t bytes);

#endif
