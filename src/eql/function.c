/* SPDX-License-Identifier: Apache-2.0 */
#include "eql/function_internal.h"

#include "eql/call_internal.h"

#define NAME(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}

#define MANY EQL_ARGS_MANY
#define NEVER UINT32_MAX

static const struct eql_function functions[] = {
#define FUNCTION(id, n, t, min, max, a, nulls, type, signature, text) \
	{.name = NAME(#n),                                            \
	 .tilde = t,                                                  \
	 .min_args = min,                                             \
	 .max_args = max,                                             \
	 .args = a,                                                   \
	 .null_from = nulls,                                          \
	 .result = EQL_TYPE_##type,                                   \
	 .call = eql_call_##id},
#include "eql/functions.def"
#undef FUNCTION
};

static const struct eql_function_help helps[] = {
#define FUNCTION(id, n, t, min, max, a, nulls, type, signature, text) {signature, text},
#include "eql/functions.def"
#undef FUNCTION
};

#define FUNCTION_COUNT (sizeof(functions) / sizeof(*functions))

/* Functions of Endgame's EQL that Elasticsearch does not have, and what to write instead. */
static const struct {
	struct str name;
	struct str instead;
} removed[] = {
    {NAME("arrayContains"), NAME("a field holds if any of its values does: field == \"value\"")},
    {NAME("arrayCount"), NAME("Elasticsearch's EQL has no function over whole arrays")},
    {NAME("arraySearch"), NAME("a condition on a field holds if any of its values fits")},
    {NAME("match"), NAME("write: field regex \"pattern\"")},
    {NAME("matchLite"), NAME("write: field regex \"pattern\"")},
    {NAME("safe"), NAME("leave it out: a condition that cannot be evaluated is false")},
    {NAME("wildcard"), NAME("write: field : \"pattern\", or like to respect case")},
};

const struct eql_function *eql_function_find(struct str name)
{
	for (size_t i = 0; i < FUNCTION_COUNT; i++)
		if (str_eq_fold(functions[i].name, name))
			return &functions[i];
	return NULL;
}

/* Longest name compared for similarity; no function's name comes near. */
#define SIMILAR_MAX 24

/* Levenshtein's distance, ignoring case, over one row. */
static size_t distance(struct str a, struct str b)
{
	size_t row[SIMILAR_MAX + 1];

	if (a.len > SIMILAR_MAX || b.len > SIMILAR_MAX)
		return SIMILAR_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool differs = ascii_lower((unsigned char)a.p[i - 1]) !=
				       ascii_lower((unsigned char)b.p[j - 1]);
			size_t best = diagonal + differs;

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

struct str eql_function_suggest(struct str name, struct arena *arena)
{
	size_t least = 3; /* more than two slips is another word */
	const struct eql_function *best = NULL;

	for (size_t i = 0; i < sizeof(removed) / sizeof(*removed); i++)
		if (str_eq_fold(removed[i].name, name))
			return removed[i].instead;
	for (size_t i = 0; i < FUNCTION_COUNT; i++) {
		size_t d = distance(name, functions[i].name);

		if (d < least && d < name.len) {
			least = d;
			best = &functions[i];
		}
	}
	if (!best)
		return STR_NULL;
	return arena_printf(arena, "did you mean [%.*s]?", STR_ARG(best->name));
}

const struct eql_function_help *eql_functions(uint32_t *count)
{
	*count = FUNCTION_COUNT;
	return helps;
}
