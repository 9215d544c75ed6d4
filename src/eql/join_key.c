/* SPDX-License-Identifier: Apache-2.0 */
/* Join keys: typed, with case; numbers are equal by value (3 is 3.0), nothing else across types. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "eql/machine_internal.h"

/* Doubles from here up are not int64_t any more. */
#define INT64_END 9223372036854775808.0

struct value key_canonical(const struct value *value)
{
	if (value->type == VALUE_DOUBLE && value->real >= -INT64_END && value->real < INT64_END &&
	    trunc(value->real) == value->real)
		return value_int((int64_t)value->real);
	return *value;
}

/* The finalizer of splitmix64: every bit of the sum reaches every bit of the hash. */
static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
	return h ^ (h >> 31);
}

uint64_t key_hash(const struct value *value)
{
	uint64_t bits;

	switch (value->type) {
	case VALUE_STRING:
		return str_hash(value_as_str(value));
	case VALUE_INT:
		bits = (uint64_t)value->integer;
		break;
	case VALUE_DOUBLE:
		memcpy(&bits, &value->real, sizeof(bits));
		break;
	case VALUE_BOOL:
		bits = value->boolean;
		break;
	default:
		bits = 0;
		break;
	}
	return mix(bits + 0x9e3779b97f4a7c15u * (value->type + 1));
}

bool key_equal(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_STRING:
		return str_eq(value_as_str(a), value_as_str(b));
	case VALUE_INT:
		return a->integer == b->integer;
	case VALUE_DOUBLE:
		return a->real == b->real;
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	default:
		return true;
	}
}

static int rank(const struct value *value)
{
	switch (value->type) {
	case VALUE_NULL:
		return 0;
	case VALUE_BOOL:
		return 1;
	case VALUE_STRING:
		return 3;
	default:
		return 2;
	}
}

static double as_double(const struct value *value)
{
	return value->type == VALUE_INT ? (double)value->integer : value->real;
}

int key_compare(const struct value *a, const struct value *b)
{
	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	if (a->type == VALUE_STRING)
		return str_cmp(value_as_str(a), value_as_str(b));
	if (a->type == VALUE_BOOL)
		return a->boolean - b->boolean;
	if (a->type == VALUE_NULL)
		return 0;
	if (a->type == VALUE_INT && b->type == VALUE_INT)
		return (a->integer > b->integer) - (a->integer < b->integer);
	return (as_double(a) > as_double(b)) - (as_double(a) < as_double(b));
}

void key_tuples_init(struct key_tuples *tuples, uint32_t key_count)
{
	tuples->key_count = key_count;
	tuples->values = xcalloc((size_t)key_count * KEY_TUPLES_MAX + 1, sizeof(*tuples->values));
	tuples->tuple = xcalloc((size_t)key_count + 1, sizeof(*tuples->tuple));
	tuples->counts = xcalloc((size_t)key_count + 1, sizeof(*tuples->counts));
	tuples->at = xcalloc((size_t)key_count + 1, sizeof(*tuples->at));
}

void key_tuples_free(struct key_tuples *tuples)
{
	free(tuples->values);
	free(tuples->tuple);
	free(tuples->counts);
	free(tuples->at);
}

/* Returns false when there was no room for it. */
static bool add_distinct(struct value *values, uint32_t *count, struct value value)
{
	for (uint32_t i = 0; i < *count; i++)
		if (key_equal(&values[i], &value))
			return true;
	if (*count == KEY_TUPLES_MAX)
		return false;
	values[(*count)++] = value;
	return true;
}

/* The distinct values of one key; returns false when some were left out. */
static bool collect(struct value *values, uint32_t *count, const struct value *value)
{
	bool complete = true;

	*count = 0;
	if (value->type != VALUE_LIST) {
		values[(*count)++] = key_canonical(value);
		return true;
	}
	for (uint32_t i = 0; i < value->count && complete; i++)
		complete = add_distinct(values, count, key_canonical(&value->items[i]));
	return complete;
}

static void hash_tuple(struct key_tuples *tuples)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < tuples->key_count; i++)
		hash = mix(hash * 31 + key_hash(&tuples->tuple[i]));
	tuples->hash = hash;
}

bool key_tuples_begin(struct key_tuples *tuples, const struct kept_event *event,
		      const struct eql_key *keys)
{
	uint64_t product = 1;
	bool complete = true;

	for (uint32_t i = 0; i < tuples->key_count; i++) {
		const struct value *value = kept_event_get(event, keys[i].field);
		struct value *values = &tuples->values[(size_t)i * KEY_TUPLES_MAX];

		if (value->type == VALUE_NULL && !keys[i].optional)
			return false;
		complete &= collect(values, &tuples->counts[i], value);
		product *= tuples->counts[i];
		if (product > KEY_TUPLES_MAX) {
			product = KEY_TUPLES_MAX;
			complete = false;
		}
		tuples->at[i] = 0;
		tuples->tuple[i] = values[0];
	}
	tuples->cut |= !complete;
	tuples->left = (uint32_t)product - 1;
	hash_tuple(tuples);
	return true;
}

bool key_tuples_next(struct key_tuples *tuples)
{
	if (!tuples->left)
		return false;
	tuples->left--;
	for (uint32_t i = tuples->key_count; i-- > 0;) {
		const struct value *values = &tuples->values[(size_t)i * KEY_TUPLES_MAX];

		tuples->at[i] = tuples->at[i] + 1 == tuples->counts[i] ? 0 : tuples->at[i] + 1;
		tuples->tuple[i] = values[tuples->at[i]];
		if (tuples->at[i])
			break;
	}
	hash_tuple(tuples);
	return true;
}

bool key_hash_single(const struct kept_event *event, const struct eql_key *keys, uint32_t count,
		     uint64_t *hash)
{
	*hash = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct value *value = kept_event_get(event, keys[i].field);

		if (value->type == VALUE_LIST || (value->type == VALUE_NULL && !keys[i].optional))
			return false;
		struct value canonical = key_canonical(value);

		*hash = mix(*hash * 31 + key_hash(&canonical));
	}
	return true;
}

void key_tuples_set(struct key_tuples *tuples, const struct value *values)
{
	for (uint32_t i = 0; i < tuples->key_count; i++)
		tuples->tuple[i] = key_canonical(&values[i]);
	tuples->left = 0;
	hash_tuple(tuples);
}
