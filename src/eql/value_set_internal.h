/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of values of several types, prepared so that "equals one of them" costs a lookup however
 * long it is. Equality is that of `==` (eql_compare): a string beside a number is read as one.
 *
 *	strings ──► a matcher, which also knows those that read as numbers
 *	numbers ──► sorted as doubles
 */
#ifndef LINTEL_EQL_VALUE_SET_INTERNAL_H
#define LINTEL_EQL_VALUE_SET_INTERNAL_H

#include "event/event.h"

struct eql_value_set;

/* Up to this many items a walk is as fast. */
#define EQL_VALUE_SET_MIN 8

/* Of scalars, none null; strings are copied. */
const struct eql_value_set *eql_value_set_new(struct arena *arena, const struct value *items,
					      uint32_t count);
bool eql_value_set_has(const struct eql_value_set *set, const struct value *v);

/* Numbers sorted for eql_numbers_have(); returns how many are left, without NaN and repetitions. */
uint32_t eql_numbers_sort(struct value *numbers, uint32_t count);
bool eql_numbers_have(const struct value *numbers, uint32_t count, const struct value *v);

#endif
