/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/value_set_internal.h"

#include <math.h>
#include <stdlib.h>

#include "eql/matcher_internal.h"
#include "eql/string_internal.h"

struct eql_value_set {
	const struct eql_matcher *strings; /* NULL: none */
	const struct value *numbers;
	uint32_t number_count;
	bool has_true, has_false;
};

/* By size as a double, integers that are one double by size again. */
static int compare_numbers(const void *a, const void *b)
{
	const struct value *x = a, *y = b;
	double p = eql_as_double(x), q = eql_as_double(y);

	if (p != q || x->type != VALUE_INT || y->type != VALUE_INT)
		return (p > q) - (p < q);
	return (x->integer > y->integer) - (x->integer < y->integer);
}

uint32_t eql_numbers_sort(struct value *numbers, uint32_t count)
{
	uint32_t kept = 0, n = 0;

	/* NaN equals nothing and has no place in an order. */
	for (uint32_t i = 0; i < count; i++)
		if (!isnan(eql_as_double(&numbers[i])))
			numbers[kept++] = numbers[i];
	if (kept)
		qsort(numbers, kept, sizeof(*numbers), compare_numbers);
	for (uint32_t i = 0; i < kept; i++)
		if (!n || numbers[i].type != numbers[n - 1].type ||
		    compare_numbers(&numbers[i], &numbers[n - 1]) != 0)
			numbers[n++] = numbers[i];
	return n;
}

bool eql_numbers_have(const struct value *numbers, uint32_t count, const struct value *v)
{
	double wanted = eql_as_double(v);
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (eql_as_double(&numbers[middle]) < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	/* Only integers beyond 2^53 have several neighbours here. */
	for (; low < count && eql_as_double(&numbers[low]) == wanted; low++)
		if (eql_number_equal(&numbers[low], v))
			return true;
	return false;
}

const struct eql_value_set *eql_value_set_new(struct arena *arena, const struct value *items,
					      uint32_t count)
{
	struct eql_value_set *set = ARENA_NEW(arena, struct eql_value_set);
	struct value *numbers = ARENA_ARRAY(arena, struct value, count);
	struct str *strings = ARENA_ARRAY(arena, struct str, count);
	uint32_t number_count = 0, string_count = 0;

	for (uint32_t i = 0; i < count; i++)
		if (items[i].type == VALUE_STRING)
			strings[string_count++] = value_as_str(&items[i]);
		else if (items[i].type == VALUE_BOOL)
			*(items[i].boolean ? &set->has_true : &set->has_false) = true;
		else
			numbers[number_count++] = items[i];
	if (string_count)
		set->strings =
		    eql_matcher_new(arena, strings, string_count, false, false, MATCHER_COERCE);
	set->numbers = numbers;
	set->number_count = eql_numbers_sort(numbers, number_count);
	return set;
}

bool eql_value_set_has(const struct eql_value_set *set, const struct value *v)
{
	struct value number = *v;

	if (v->type == VALUE_BOOL)
		return v->boolean ? set->has_true : set->has_false;
	if (set->strings && eql_matcher_match(set->strings, v))
		return true;
	if (v->type == VALUE_STRING && !eql_number_from_str(value_as_str(v), &number))
		return false;
	return eql_numbers_have(set->numbers, set->number_count, &number);
}
