/* SPDX-License-Identifier: Apache-2.0 */
/* What the functions do. Arguments arrive without nulls except where a function has a default; text
 * functions take the text form of a value that is no string. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "eql/address_internal.h"
#include "eql/call_internal.h"
#include "eql/matcher_internal.h"
#include "eql/scratch_internal.h"
#include "eql/string_internal.h"

/* Longest text concat() builds. No field of a real event comes near, and nested calls could
 * otherwise double a large value again and again. */
#define CONCAT_BYTES_MAX ((size_t)16 << 20)

static struct str text_of(struct eval *e, const struct value *v)
{
	return eql_value_text(v, e->scratch);
}

/* Above this many comparisons of bytes, at worst, text that ignores case is folded first: then the
 * search is memmem()'s, which is linear however alike text and part are. */
#define SLOW_SEARCH ((size_t)1 << 16)

static struct str folded(struct eval *e, struct str s)
{
	return eql_fold(&e->scratch->arena, s);
}

static size_t find(struct eval *e, const struct eql_expr *x, struct str s, struct str part,
		   size_t from)
{
	if (!x->fold)
		return str_find(s, part, from);
	if (part.len > s.len || s.len < SLOW_SEARCH / (part.len + 1))
		return str_find_fold(s, part, from);
	return str_find(folded(e, s), folded(e, part), from);
}

static struct str reversed(struct eval *e, struct str s)
{
	char *out = arena_bytes(&e->scratch->arena, s.len);

	for (size_t i = 0; i < s.len; i++)
		out[i] = s.p[s.len - 1 - i];
	return (struct str){out, s.len};
}

/* The first place in the text read backwards, to be linear as well. */
static size_t find_last(struct eval *e, const struct eql_expr *x, struct str s, struct str part)
{
	size_t at = find(e, x, reversed(e, s), reversed(e, part), 0);

	return at == SIZE_MAX ? SIZE_MAX : s.len - at - part.len;
}

/* An integer argument; a missing or null one is `missing`. A double counts if it is whole. */
static bool int_arg(struct eval *e, const struct value *args, uint32_t count, uint32_t i,
		    int64_t missing, int64_t *out)
{
	*out = missing;
	if (i >= count || args[i].type == VALUE_NULL)
		return true;
	if (args[i].type == VALUE_INT) {
		*out = args[i].integer;
		return true;
	}
	double d = args[i].type == VALUE_DOUBLE ? args[i].real : NAN;

	if (!(d >= -0x1p63 && d < 0x1p63) || d != trunc(d))
		return eql_eval_fail(e, "an argument is no integer");
	*out = (int64_t)d;
	return true;
}

#define ARITHMETIC(name, op)                                                                     \
	bool eql_call_##name(struct eval *e, const struct eql_expr *x, const struct value *args, \
			     uint32_t count, struct value *out)                                  \
	{                                                                                        \
		(void)x;                                                                         \
		(void)count;                                                                     \
		return eql_math(e, op, args[0], args[1], out);                                   \
	}

ARITHMETIC(add, EQL_ADD)
ARITHMETIC(subtract, EQL_SUBTRACT)
ARITHMETIC(multiply, EQL_MULTIPLY)
ARITHMETIC(divide, EQL_DIVIDE)
ARITHMETIC(modulo, EQL_MODULO)

bool eql_call_between(struct eval *e, const struct eql_expr *x, const struct value *args,
		      uint32_t count, struct value *out)
{
	struct str s = text_of(e, &args[0]), left = text_of(e, &args[1]),
		   right = text_of(e, &args[2]);
	bool greedy = count > 3 && args[3].type == VALUE_BOOL && args[3].boolean;
	size_t start = find(e, x, s, left, 0);

	*out = (struct value){0};
	if (start == SIZE_MAX)
		return true;
	start += left.len;
	size_t end = greedy ? find_last(e, x, s, right) : find(e, x, s, right, start);

	if (end != SIZE_MAX && end >= start)
		*out = value_str((struct str){s.p + start, end - start});
	return true;
}

bool eql_call_cidrmatch(struct eval *e, const struct eql_expr *x, const struct value *args,
			uint32_t count, struct value *out)
{
	struct eql_address address;

	(void)e;
	(void)count;
	*out = value_bool(false);
	if (args[0].type != VALUE_STRING || !eql_address_parse(value_as_str(&args[0]), &address))
		return true;
	for (uint32_t i = 0; i < x->cidr_count; i++)
		if (eql_cidr_holds(&x->cidrs[i], &address)) {
			*out = value_bool(true);
			break;
		}
	return true;
}

bool eql_call_concat(struct eval *e, const struct eql_expr *x, const struct value *args,
		     uint32_t count, struct value *out)
{
	size_t len = 0;
	struct str *parts = ARENA_ARRAY(&e->scratch->arena, struct str, count);

	(void)x;
	for (uint32_t i = 0; i < count; i++) {
		parts[i] = text_of(e, &args[i]);
		len += parts[i].len;
		if (len > CONCAT_BYTES_MAX)
			return eql_eval_fail(e, "the result of concat() is too long");
	}
	char *joined = arena_bytes(&e->scratch->arena, len), *at = joined;

	for (uint32_t i = 0; i < count; i++) {
		if (parts[i].len)
			memcpy(at, parts[i].p, parts[i].len);
		at += parts[i].len;
	}
	*out = value_str((struct str){joined, len});
	return true;
}

bool eql_call_endswith(struct eval *e, const struct eql_expr *x, const struct value *args,
		       uint32_t count, struct value *out)
{
	struct str s = text_of(e, &args[0]), end = text_of(e, &args[1]);

	(void)count;
	*out = value_bool(x->fold ? str_ends_fold(s, end) : str_ends(s, end));
	return true;
}

bool eql_call_indexof(struct eval *e, const struct eql_expr *x, const struct value *args,
		      uint32_t count, struct value *out)
{
	struct str s = text_of(e, &args[0]), part = text_of(e, &args[1]);
	int64_t start;

	if (!int_arg(e, args, count, 2, 0, &start))
		return false;
	size_t at = find(e, x, s, part, eql_utf16_to_byte(s, start, true));

	*out = (struct value){0};
	if (at != SIZE_MAX)
		*out = value_int(eql_utf16_len((struct str){s.p, at}));
	return true;
}

bool eql_call_length(struct eval *e, const struct eql_expr *x, const struct value *args,
		     uint32_t count, struct value *out)
{
	(void)x;
	(void)count;
	*out = value_int(eql_utf16_len(text_of(e, &args[0])));
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)ascii_lower((unsigned char)c);
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 36;
}

static bool parse_in_base(struct str s, int base, int64_t *out)
{
	bool minus = s.len && s.p[0] == '-';
	size_t at = s.len && (s.p[0] == '-' || s.p[0] == '+');

	*out = 0;
	if (at == s.len)
		return false;
	for (; at < s.len; at++) {
		int digit = digit_value(s.p[at]);

		/* Counted downwards: the range below zero is one larger. */
		if (digit >= base || __builtin_mul_overflow(*out, (int64_t)base, out) ||
		    __builtin_sub_overflow(*out, (int64_t)digit, out))
			return false;
	}
	return minus || !__builtin_sub_overflow((int64_t)0, *out, out);
}

static struct str trim(struct str s)
{
	while (s.len && (unsigned char)s.p[0] <= ' ')
		s = (struct str){s.p + 1, s.len - 1};
	while (s.len && (unsigned char)s.p[s.len - 1] <= ' ')
		s.len--;
	return s;
}

bool eql_call_number(struct eval *e, const struct eql_expr *x, const struct value *args,
		     uint32_t count, struct value *out)
{
	struct str s = trim(text_of(e, &args[0]));
	bool default_base = count < 2 || args[1].type == VALUE_NULL;
	int64_t base, integer;

	(void)x;
	if (!int_arg(e, args, count, 1, 10, &base))
		return false;
	if (base < 2 || base > 36)
		return eql_eval_fail(e, "the base of number() is not between 2 and 36");
	if ((default_base || base == 16) && str_starts_fold(s, STR("0x"))) {
		s = (struct str){s.p + 2, s.len - 2};
		base = 16;
	}
	if (base == 10) {
		if (!eql_number_from_str(s, out))
			return eql_eval_fail(e, "number() of a text that is no number");
		return true;
	}
	if (!parse_in_base(s, (int)base, &integer))
		return eql_eval_fail(e, "number() of a text that is no number in this base");
	*out = value_int(integer);
	return true;
}

bool eql_call_startswith(struct eval *e, const struct eql_expr *x, const struct value *args,
			 uint32_t count, struct value *out)
{
	struct str s = text_of(e, &args[0]), start = text_of(e, &args[1]);

	(void)count;
	*out = value_bool(x->fold ? str_starts_fold(s, start) : str_starts(s, start));
	return true;
}

bool eql_call_string(struct eval *e, const struct eql_expr *x, const struct value *args,
		     uint32_t count, struct value *out)
{
	(void)x;
	(void)count;
	*out = value_str(text_of(e, &args[0]));
	return true;
}

bool eql_call_stringcontains(struct eval *e, const struct eql_expr *x, const struct value *args,
			     uint32_t count, struct value *out)
{
	struct str part = text_of(e, &args[1]);

	(void)count;
	*out = value_bool(part.len && find(e, x, text_of(e, &args[0]), part, 0) != SIZE_MAX);
	return true;
}

bool eql_call_substring(struct eval *e, const struct eql_expr *x, const struct value *args,
			uint32_t count, struct value *out)
{
	struct str s = text_of(e, &args[0]);
	int64_t len = eql_utf16_len(s), start, end;

	(void)x;
	if (!int_arg(e, args, count, 1, 0, &start) || !int_arg(e, args, count, 2, len, &end))
		return false;
	if (start < 0)
		start = start < -len ? 0 : start + len;
	if (end < 0)
		end = end < -len ? 0 : end + len;
	*out = value_str(STR(""));
	if (start >= len || start >= end)
		return true;
	size_t from = eql_utf16_to_byte(s, start, true), to = eql_utf16_to_byte(s, end, false);

	if (from < to)
		*out = value_str((struct str){s.p + from, to - from});
	return true;
}
