/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules made of a combination of verdicts. Most values are of no interest to any rule, so
 * events that have hardly a value in common still come to the same few combinations: 97 of 100
 * events of package work find theirs here, and no rule is looked at.
 *
 *	(plan, verdicts of its indexes) ──► [ slots that match | slots that a verdict cannot decide ]
 *
 * The table and what it points to have a fixed size; when they are full, all is forgotten and what
 * comes again is learnt again.
 */
#ifndef LINTEL_ENGINE_OUTCOME_INTERNAL_H
#define LINTEL_ENGINE_OUTCOME_INTERNAL_H

#include "engine/engine_internal.h"

struct outcome {
	const uint32_t *slots; /* those that match, ascending, then the undecided ones */
	uint32_t matched, undecided;
};

struct outcome_key {
	uint64_t plan; /* a number for it; not 0 */
	const uint32_t *verdicts;
	uint32_t count;
};

uint64_t outcome_key_hash(const struct outcome_key *key);

struct outcome_cache;

struct outcome_cache *outcome_cache_new(void);
void outcome_cache_free(struct outcome_cache *cache);
void outcome_cache_forget(struct outcome_cache *cache);

/* What is found is good until something is kept. */
bool outcome_find(const struct outcome_cache *cache, const struct outcome_key *key,
		  struct outcome *out);
/* For a key that was not found. */
void outcome_keep(struct outcome_cache *cache, const struct outcome_key *key,
		  const struct outcome *outcome);

#endif
