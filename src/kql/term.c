/* SPDX-License-Identifier: Apache-2.0 */
#include "kql/term.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "kql/kql_internal.h"

/* How a field is compared. */
struct target {
	struct str name;
	enum field_type type;
	bool fold;
};

/* The field that a sub-field of Elastic's mappings is made from; the name itself if it is none. */
static struct str base_name(const struct kql_terms *t, struct str field)
{
	struct str caseless = STR(".caseless"), text = STR(".text");

	if (field.len > caseless.len && str_ends(field, caseless))
		return (struct str){field.p, field.len - caseless.len};
	struct str base = {field.p, field.len - (str_ends(field, text) ? text.len : 0)};
	int32_t id = field_set_find(t->fields, base);

	return id >= 0 && id < FIELD_KNOWN_COUNT ? base : field;
}

static struct target target_of(const struct kql_terms *t, struct str field)
{
	struct target target = {.name = base_name(t, field), .type = FIELD_TYPE_ANY};

	target.fold = target.name.len < field.len;
	int32_t id = field_set_find(t->fields, target.name);

	if (id >= 0)
		target.type = field_set_info(t->fields, (uint32_t)id)->type;
	return target;
}

static const char *type_name(enum field_type type)
{
	static const char *const names[] = {
	    [FIELD_TYPE_ANY] = "any",         [FIELD_TYPE_KEYWORD] = "keyword",
	    [FIELD_TYPE_LONG] = "long",       [FIELD_TYPE_DOUBLE] = "double",
	    [FIELD_TYPE_BOOLEAN] = "boolean", [FIELD_TYPE_IP] = "ip",
	    [FIELD_TYPE_DATE] = "date",
	};

	return names[type];
}

static struct eql_cond *never(struct kql_terms *t)
{
	return eql_build_const(t->builder, false);
}

/* A value of the wrong kind: an error, or to the lenient one that does not match. */
static struct eql_cond *misfit(struct kql_terms *t, const struct target *target, struct str value,
			       const char *expected)
{
	if (t->lenient)
		return never(t);
	t->why = arena_printf(t->scratch, "[%.*s] does not fit [%.*s], a field of type %s",
			      STR_ARG(value), STR_ARG(target->name), type_name(target->type));
	t->hint = str_from(expected);
	return NULL;
}

static void begin(struct kql_terms *t)
{
	t->failed = 0;
	t->why = t->hint = STR_NULL;
}

/* A decimal number as JSON or a query writes it. */
static bool read_number(struct str text, struct value *out)
{
	char copy[64], *end;

	if (!text.len || text.len >= sizeof(copy) || memchr(text.p, '\0', text.len))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!strchr("0123456789+-.eE", text.p[i]))
			return false;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	errno = 0;
	long long integer = strtoll(copy, &end, 10);

	if (*end == '\0' && end != copy && errno == 0) {
		*out = value_int(integer);
		return true;
	}
	double real = strtod(copy, &end);

	*out = value_double(real);
	return *end == '\0' && end != copy && isfinite(real);
}

static bool read_bool(struct str text, bool *value)
{
	*value = str_eq(text, STR("true"));
	return *value || str_eq(text, STR("false"));
}

/* ---- terms by type of field */

/* Without a type a boolean is one as a value and as a text, and so it is in a keyword field. */
static uint32_t add_text(struct value *values, uint32_t n, struct str text)
{
	bool truth;

	values[n++] = value_str(text);
	if (read_bool(text, &truth))
		values[n++] = value_bool(truth);
	return n;
}

/* Texts that mean addresses beside themselves: ranges, and IPv6, which has several spellings. */
static bool means_addresses(struct str text)
{
	if (!kql_is_address_range(text))
		return false;
	return memchr(text.p, '/', text.len) || memchr(text.p, ':', text.len);
}

static struct eql_cond *term_text(struct kql_terms *t, const struct target *target,
				  const struct str *texts, uint32_t count)
{
	struct value *values = ARENA_ARRAY(t->scratch, struct value, 2 * (size_t)count);
	struct str *ranges = ARENA_ARRAY(t->scratch, struct str, count);
	struct eql_cond *kids[2];
	uint32_t n = 0, range_count = 0, kid_count = 0;

	for (uint32_t i = 0; i < count; i++) {
		n = add_text(values, n, texts[i]);
		if (target->type == FIELD_TYPE_ANY && means_addresses(texts[i]))
			ranges[range_count++] = texts[i];
	}
	kids[kid_count++] = eql_build_equals(t->builder, target->name, values, n, target->fold);
	if (range_count)
		kids[kid_count++] = eql_build_cidr(t->builder, target->name, ranges, range_count);
	return eql_build_or(t->builder, kids, kid_count);
}

static struct eql_cond *term_number(struct kql_terms *t, const struct target *target,
				    const struct str *texts, uint32_t count)
{
	struct value *values = ARENA_ARRAY(t->scratch, struct value, count);
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (read_number(texts[i], &values[n])) {
			n++;
		} else if (!t->lenient) {
			t->failed = i;
			return misfit(t, target, texts[i], "a number");
		}
	}
	return eql_build_equals(t->builder, target->name, values, n, false);
}

static struct eql_cond *term_bool(struct kql_terms *t, const struct target *target,
				  const struct str *texts, uint32_t count)
{
	struct value *values = ARENA_ARRAY(t->scratch, struct value, count);
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		bool truth;

		if (read_bool(texts[i], &truth)) {
			values[n++] = value_bool(truth);
		} else if (!t->lenient) {
			t->failed = i;
			return misfit(t, target, texts[i], "true or false");
		}
	}
	return eql_build_equals(t->builder, target->name, values, n, false);
}

static struct eql_cond *term_ip(struct kql_terms *t, const struct target *target,
				const struct str *texts, uint32_t count)
{
	struct str *ranges = ARENA_ARRAY(t->scratch, struct str, count);
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (kql_is_address_range(texts[i])) {
			ranges[n++] = texts[i];
		} else if (!t->lenient) {
			t->failed = i;
			return misfit(t, target, texts[i],
				      "an address or a range, as in 10.0.0.0/8");
		}
	}
	return n ? eql_build_cidr(t->builder, target->name, ranges, n) : never(t);
}

static struct eql_cond *range_date(struct kql_terms *t, const struct target *target,
				   enum eql_build_order order, struct str text);

/* Kibana asks for a range: "2024-01-01" is that whole day. */
static struct eql_cond *term_date(struct kql_terms *t, const struct target *target,
				  const struct str *texts, uint32_t count)
{
	struct eql_cond **kids = ARENA_ARRAY(t->scratch, struct eql_cond *, count);

	for (uint32_t i = 0; i < count; i++) {
		struct eql_cond *ends[2] = {
		    range_date(t, target, EQL_BUILD_GE, texts[i]),
		    range_date(t, target, EQL_BUILD_LE, texts[i]),
		};

		t->failed = i;
		kids[i] = eql_build_and(t->builder, ends, 2);
		if (!kids[i])
			return NULL;
	}
	return eql_build_or(t->builder, kids, count);
}

struct eql_cond *kql_term(struct kql_terms *t, struct str field, const struct str *values,
			  uint32_t count)
{
	struct target target = target_of(t, field);

	begin(t);
	switch (target.type) {
	case FIELD_TYPE_LONG:
	case FIELD_TYPE_DOUBLE:
		return term_number(t, &target, values, count);
	case FIELD_TYPE_BOOLEAN:
		return term_bool(t, &target, values, count);
	case FIELD_TYPE_IP:
		return term_ip(t, &target, values, count);
	case FIELD_TYPE_DATE:
		return term_date(t, &target, values, count);
	case FIELD_TYPE_ANY:
	case FIELD_TYPE_KEYWORD:
		break;
	}
	return term_text(t, &target, values, count);
}

/* ---- patterns */

static bool is_any(const struct eql_build_pattern *pattern)
{
	for (uint32_t i = 0; i < pattern->piece_count; i++)
		if (pattern->pieces[i].len)
			return false;
	return pattern->piece_count > 1;
}

static struct str pattern_text(struct kql_terms *t, const struct eql_build_pattern *pattern)
{
	struct buf text = {0};

	for (uint32_t i = 0; i < pattern->piece_count; i++) {
		if (i)
			buf_add_char(&text, '*');
		buf_add(&text, pattern->pieces[i]);
	}
	struct str copy = arena_str(t->scratch, buf_str(&text));

	buf_free(&text);
	return copy;
}

struct eql_cond *kql_wildcard(struct kql_terms *t, struct str field,
			      const struct eql_build_pattern *patterns, uint32_t count, bool fold)
{
	struct target target = target_of(t, field);

	begin(t);
	for (uint32_t i = 0; i < count; i++)
		if (is_any(&patterns[i]))
			return eql_build_exists(t->builder, target.name);
	if (target.type == FIELD_TYPE_ANY || target.type == FIELD_TYPE_KEYWORD)
		return eql_build_wildcard(t->builder, target.name, patterns, count,
					  fold || target.fold);
	return misfit(t, &target, pattern_text(t, &patterns[0]),
		      "patterns are for fields with text; a lone * asks for any value");
}

struct eql_cond *kql_like(struct kql_terms *t, struct str field, struct str pattern, bool fold)
{
	struct target target = target_of(t, field);

	begin(t);
	if (target.type == FIELD_TYPE_ANY || target.type == FIELD_TYPE_KEYWORD)
		return eql_build_like(t->builder, target.name, &pattern, 1, fold || target.fold);
	return misfit(t, &target, pattern, "patterns are for fields with text");
}

struct eql_cond *kql_exists(struct kql_terms *t, struct str field)
{
	begin(t);
	return eql_build_exists(t->builder, target_of(t, field).name);
}

/* ---- ranges */

static bool holds(enum eql_build_order order, int64_t left, int64_t right)
{
	switch (order) {
	case EQL_BUILD_LT:
		return left < right;
	case EQL_BUILD_LE:
		return left <= right;
	case EQL_BUILD_GT:
		return left > right;
	case EQL_BUILD_GE:
		break;
	}
	return left >= right;
}

/* An event is judged as it happens: its own time is now. What that does not decide cannot be
 * judged without a clock, and then a file would not give what a stream gave. */
static struct eql_cond *range_now(struct kql_terms *t, const struct target *target,
				  enum eql_build_order order, struct str text,
				  const struct kql_date *date)
{
	bool least = holds(order, 0, date->least_ms), most = holds(order, 0, date->most_ms);

	if (str_eq(target->name, field_known_name(FIELD_TIMESTAMP)) && least == most)
		return eql_build_const(t->builder, least);
	if (t->lenient)
		return never(t);
	t->why = arena_printf(t->scratch, "[%.*s] moves on: [%.*s] cannot be compared with it",
			      STR_ARG(text), STR_ARG(target->name));
	t->hint = STR("[now] is the event's own @timestamp, and only @timestamp is compared with "
		      "it");
	return NULL;
}

static struct eql_cond *range_date(struct kql_terms *t, const struct target *target,
				   enum eql_build_order order, struct str text)
{
	struct kql_date date;

	if (!kql_date_parse(text, order == EQL_BUILD_GT || order == EQL_BUILD_LE, &date))
		return misfit(t, target, text, "a date, as in 2024-01-31 or 2024-01-31T12:00:00Z");
	if (date.moving)
		return range_now(t, target, order, text, &date);
	return eql_build_compare(t->builder, target->name, order, value_int(date.ms));
}

static struct eql_cond *range_number(struct kql_terms *t, const struct target *target,
				     enum eql_build_order order, struct str text)
{
	struct value number;

	if (!read_number(text, &number))
		return misfit(t, target, text, "a number");
	return eql_build_compare(t->builder, target->name, order, number);
}

static struct eql_cond *range_ip(struct kql_terms *t, const struct target *target,
				 enum eql_build_order order, struct str text)
{
	struct str ranges[KQL_RANGES_MAX];

	if (!kql_is_address(text))
		return misfit(t, target, text, "an address");
	uint32_t n = kql_address_ranges(text, order, t->scratch, ranges);

	return n ? eql_build_cidr(t->builder, target->name, ranges, n) : never(t);
}

/* The value says what is compared. */
static struct eql_cond *range_any(struct kql_terms *t, const struct target *target,
				  enum eql_build_order order, struct str text)
{
	struct value number;
	struct kql_date date;

	if (read_number(text, &number))
		return eql_build_compare(t->builder, target->name, order, number);
	if (kql_is_address(text))
		return range_ip(t, target, order, text);
	if (kql_date_parse(text, false, &date) && date.moving)
		return range_now(t, target, order, text, &date);
	return eql_build_compare(t->builder, target->name, order, value_str(text));
}

struct eql_cond *kql_range(struct kql_terms *t, struct str field, enum eql_build_order order,
			   struct str value)
{
	struct target target = target_of(t, field);

	begin(t);
	switch (target.type) {
	case FIELD_TYPE_LONG:
	case FIELD_TYPE_DOUBLE:
		return range_number(t, &target, order, value);
	case FIELD_TYPE_BOOLEAN:
		return misfit(t, &target, value, "booleans have no order");
	case FIELD_TYPE_IP:
		return range_ip(t, &target, order, value);
	case FIELD_TYPE_DATE:
		return range_date(t, &target, order, value);
	case FIELD_TYPE_KEYWORD:
		return eql_build_compare(t->builder, target.name, order, value_str(value));
	case FIELD_TYPE_ANY:
		break;
	}
	return range_any(t, &target, order, value);
}
