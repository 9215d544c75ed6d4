/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates of range queries as Elasticsearch reads them (strict_date_optional_time||epoch_millis, and
 * date math behind "||" or "now"): https://www.elastic.co/docs/reference/query-languages/query-dsl/
 * query-dsl-range-query. What a text leaves open is 1 for month and day, and for the time of day
 * its first or its last moment. UTC where no zone is given.
 */
#include "kql/kql_internal.h"

#define MS_PER_DAY INT64_C(86400000)
/* Keeps sums in an int64_t and years in four digits. */
#define YEAR_MAX 9999
#define AMOUNT_MAX 1000000

struct moment {
	int64_t days; /* since 1970-01-01 */
	int64_t ms;   /* of the day */
};

/* Days of the proleptic Gregorian calendar; the year begins in March, so that the leap day is last.
 * From H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t of_era = days - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = y + era * 400 + (*month <= 2);
}

static int64_t days_in_month(int64_t year, int64_t month)
{
	return month == 12 ? 31 : days_of(year, month + 1, 1) - days_of(year, month, 1);
}

/* Exactly `n` digits at *at. */
static bool take_digits(struct str s, size_t *at, size_t n, int64_t *value)
{
	*value = 0;
	if (s.len - *at < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s.p[*at + i];

		if (c < '0' || c > '9')
			return false;
		*value = *value * 10 + (c - '0');
	}
	*at += n;
	return true;
}

static bool take_char(struct str s, size_t *at, char c)
{
	if (*at >= s.len || s.p[*at] != c)
		return false;
	++*at;
	return true;
}

/* Milliseconds of a fraction; further digits are read and dropped. */
static bool take_fraction(struct str s, size_t *at, int64_t *ms)
{
	int64_t scale = 100;
	size_t from = *at;

	*ms = 0;
	for (; *at < s.len && s.p[*at] >= '0' && s.p[*at] <= '9'; ++*at, scale /= 10)
		*ms += scale * (s.p[*at] - '0');
	return *at > from && *at - from <= 9;
}

/* Behind the 'T'. */
static bool take_time(struct str s, size_t *at, bool up, int64_t *ms)
{
	int64_t hour, minute = up ? 59 : 0, second = up ? 59 : 0, fraction = up ? 999 : 0;

	if (!take_digits(s, at, 2, &hour))
		return false;
	if (take_char(s, at, ':')) {
		if (!take_digits(s, at, 2, &minute))
			return false;
		if (take_char(s, at, ':')) {
			if (!take_digits(s, at, 2, &second))
				return false;
			if ((take_char(s, at, '.') || take_char(s, at, ',')) &&
			    !take_fraction(s, at, &fraction))
				return false;
		}
	}
	*ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
	return hour < 24 && minute < 60 && second < 60;
}

/* Z, ±hh, ±hhmm, ±hh:mm or nothing. */
static bool take_zone(struct str s, size_t *at, int64_t *offset_ms)
{
	int64_t hours, minutes = 0;

	*offset_ms = 0;
	if (*at == s.len || take_char(s, at, 'Z'))
		return true;
	int64_t sign = take_char(s, at, '-') ? -1 : take_char(s, at, '+') ? 1 : 0;

	if (!sign || !take_digits(s, at, 2, &hours))
		return false;
	if ((take_char(s, at, ':') || *at < s.len) && !take_digits(s, at, 2, &minutes))
		return false;
	*offset_ms = sign * (hours * 60 + minutes) * 60000;
	return hours <= 18 && minutes < 60;
}

static bool parse_iso(struct str s, bool up, int64_t *ms)
{
	int64_t year, month = 1, day = 1, of_day = up ? MS_PER_DAY - 1 : 0, offset = 0;
	size_t at = 0;

	if (!take_digits(s, &at, 4, &year))
		return false;
	if (take_char(s, &at, '-')) {
		if (!take_digits(s, &at, 2, &month))
			return false;
		if (take_char(s, &at, '-')) {
			if (!take_digits(s, &at, 2, &day))
				return false;
			if (take_char(s, &at, 'T') &&
			    (!take_time(s, &at, up, &of_day) || !take_zone(s, &at, &offset)))
				return false;
		}
	}
	if (at != s.len || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	*ms = days_of(year, month, day) * MS_PER_DAY + of_day - offset;
	return true;
}

/* Milliseconds since 1970; four digits are a year. */
static bool parse_epoch(struct str s, int64_t *ms)
{
	size_t at = 0;
	bool negative = take_char(s, &at, '-');

	if (s.len == at || s.len - at > 15 || s.len - at == 4)
		return false;
	if (!take_digits(s, &at, s.len - at, ms))
		return false;
	*ms = negative ? -*ms : *ms;
	return true;
}

/* ---- date math */

struct unit {
	char letter;
	int64_t least_ms, most_ms; /* how long one is */
};

static const struct unit units[] = {
    {'s', 1000, 1000},
    {'m', 60000, 60000},
    {'h', 3600000, 3600000},
    {'H', 3600000, 3600000},
    {'d', MS_PER_DAY, MS_PER_DAY},
    {'w', 7 * MS_PER_DAY, 7 * MS_PER_DAY},
    {'M', 28 * MS_PER_DAY, 31 * MS_PER_DAY},
    {'y', 365 * MS_PER_DAY, 366 * MS_PER_DAY},
};

static const struct unit *find_unit(char letter)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (units[i].letter == letter)
			return &units[i];
	return NULL;
}

static int64_t floor_to(int64_t value, int64_t step)
{
	int64_t rest = value % step;

	return value - (rest < 0 ? rest + step : rest);
}

/* `months` calendar months later; the day is cut to the month's last. */
static int64_t add_months(int64_t ms, int64_t months)
{
	int64_t days = floor_to(ms, MS_PER_DAY) / MS_PER_DAY, of_day = ms - days * MS_PER_DAY;
	int64_t year, month, day;

	date_of(days, &year, &month, &day);
	int64_t total = year * 12 + month - 1 + months;

	year = floor_to(total, 12) / 12;
	month = total - year * 12 + 1;
	if (day > days_in_month(year, month))
		day = days_in_month(year, month);
	return days_of(year, month, day) * MS_PER_DAY + of_day;
}

static int64_t add_units(int64_t ms, int64_t n, const struct unit *unit)
{
	if (unit->letter == 'M')
		return add_months(ms, n);
	if (unit->letter == 'y')
		return add_months(ms, 12 * n);
	return ms + n * unit->most_ms;
}

static int64_t round_down(int64_t ms, const struct unit *unit)
{
	int64_t year, month, day;

	date_of(floor_to(ms, MS_PER_DAY) / MS_PER_DAY, &year, &month, &day);
	switch (unit->letter) {
	case 'y':
		return days_of(year, 1, 1) * MS_PER_DAY;
	case 'M':
		return days_of(year, month, 1) * MS_PER_DAY;
	case 'w': /* weeks begin on Monday; 1970-01-05 was one */
		return floor_to(ms - 4 * MS_PER_DAY, 7 * MS_PER_DAY) + 4 * MS_PER_DAY;
	default:
		return floor_to(ms, unit->most_ms);
	}
}

static void apply_round(struct kql_date *date, const struct unit *unit, bool up)
{
	int64_t low = round_down(date->ms, unit);

	date->ms = up ? add_units(low, 1, unit) - 1 : low;
	if (up)
		date->most_ms += unit->most_ms - 1;
	else
		date->least_ms -= unit->most_ms;
}

static void apply_sum(struct kql_date *date, const struct unit *unit, int64_t n)
{
	date->ms = add_units(date->ms, n, unit);
	date->least_ms += n * (n < 0 ? unit->most_ms : unit->least_ms);
	date->most_ms += n * (n < 0 ? unit->least_ms : unit->most_ms);
}

/* "-1d/d+2h" */
static bool apply_math(struct str math, bool up, struct kql_date *date)
{
	for (size_t at = 0; at < math.len;) {
		char op = math.p[at++];
		int64_t n = 0;
		size_t digits = at;

		while (at < math.len && math.p[at] >= '0' && math.p[at] <= '9' && n < AMOUNT_MAX)
			n = n * 10 + (math.p[at++] - '0');
		if (at == digits)
			n = 1;
		const struct unit *unit = at < math.len ? find_unit(math.p[at++]) : NULL;

		if (!unit || n > AMOUNT_MAX || (op == '/' && n != 1))
			return false;
		if (op == '/')
			apply_round(date, unit, up);
		else if (op == '+' || op == '-')
			apply_sum(date, unit, op == '-' ? -n : n);
		else
			return false;
		/* A chain of sums must not run away. */
		if (date->ms > days_of(YEAR_MAX, 12, 31) * MS_PER_DAY ||
		    date->ms < days_of(-YEAR_MAX, 1, 1) * MS_PER_DAY)
			return false;
	}
	return true;
}

bool kql_date_parse(struct str text, bool up, struct kql_date *date)
{
	*date = (struct kql_date){0};
	if (str_starts(text, STR("now"))) {
		date->moving = true;
		return apply_math((struct str){text.p + 3, text.len - 3}, up, date);
	}
	size_t bars = str_find(text, STR("||"), 0);
	struct str anchor = {text.p, bars == SIZE_MAX ? text.len : bars};
	struct str math = {text.p + anchor.len, 0};

	if (bars != SIZE_MAX)
		math = (struct str){text.p + bars + 2, text.len - bars - 2};
	/* With math behind it the anchor is taken at its first moment. */
	if (!parse_epoch(anchor, &date->ms) && !parse_iso(anchor, up && !math.len, &date->ms))
		return false;
	return apply_math(math, up, date);
}
