/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What threshold, new_terms and suppression have in common: tuples of an event's values, and a
 * bounded table of what is known of each.
 *
 * The table finds items, which begin with a struct group, by rule and hash, and has them in a list
 * by last use. When its bytes are more than its bound, the item not used for longest goes.
 *
 *	newest ──older──► group ──older──► ... ──► oldest
 */
#ifndef LINTEL_ENGINE_GROUPS_INTERNAL_H
#define LINTEL_ENGINE_GROUPS_INTERNAL_H

#include "base/counter.h"
#include "base/hash_table.h"
#include "event/kept.h"
#include "rule/rule.h"

/* 128 bits: of a billion tuples no two are expected to share one. */
struct group_hash {
	uint64_t high, low;
};

struct group {
	struct group *newer, *older;
	struct group_hash hash;
	uint32_t rule; /* number */
};

struct group_table {
	struct hash_table items;
	struct group *newest, *oldest;
	size_t bytes, bytes_max; /* of items and what they own; of all */
	size_t item_bytes;       /* of an owner's item */
	enum counter evicted;    /* counts items that were still wanted */
	/* Is nothing lost with this item at this time? */
	bool (*is_over)(const void *context, const struct group *group, int64_t time_ns);
	/* Frees what the item owns (not the item) and says how many of group_table.bytes that
	 * were. May be NULL. */
	size_t (*empty)(struct group *group);
	const void *context;
};

void group_table_free(struct group_table *table);
/* The item, made (zeroed) if it is not there, and now the one used last. */
struct group *group_table_get(struct group_table *table, uint32_t rule, struct group_hash hash,
			      bool *is_new);
/* Drop what is over at `time_ns` from the end of the list, and what is too much; the latter is
 * counted where it was not over. Any item may be gone after this. */
void group_table_fit(struct group_table *table, int64_t time_ns);

/* Memory of the table with its items. */
static inline size_t group_table_bytes(const struct group_table *table)
{
	return table->bytes + hash_table_bytes(&table->items);
}

/* Tuples per event: an event with more combinations of array elements than any sensor sends must
 * not cost more than this. What is left out is counted (COUNTER_KEYS_CUT). */
#define GROUP_TUPLES_MAX 1024

/*
 * Calls `each` for every combination of the fields' values, one of each field, as Elasticsearch's
 * terms aggregation makes buckets: none if a field is missing, a value that is there twice once.
 * Without fields: once, with no values.
 */
void group_each_tuple(const struct kept_event *event, const struct rule_fields *fields,
		      void (*each)(void *context, const struct value *values,
				   struct group_hash hash),
		      void *context);
struct group_hash group_hash_values(const struct value *values, uint32_t count);
/* Of one scalar. */
uint64_t group_hash_value(const struct value *value);

/* A copy of values with all they point to, in one allocation. */
struct value *group_copy_values(const struct value *values, uint32_t count, size_t *bytes);

#endif
