/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t = {0};

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_boot_offset_ns(void)
{
	/* Two clocks cannot be read at once: take the reading with the least time around it. */
	int64_t best = 0, least = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		int64_t before = read_clock(CLOCK_BOOTTIME);
		int64_t real = read_clock(CLOCK_REALTIME);
		int64_t after = read_clock(CLOCK_BOOTTIME);

		if (after - before < least) {
			least = after - before;
			best = real - (before + (after - before) / 2);
		}
	}
	return best;
}

/* `n` digits at s->p; advances the slice. */
static bool digits(struct str *s, int n, int *value)
{
	*value = 0;
	if (s->len < (size_t)n)
		return false;
	for (int i = 0; i < n; i++) {
		unsigned d = (unsigned char)s->p[i] - '0';

		if (d > 9)
			return false;
		*value = *value * 10 + (int)d;
	}
	s->p += n;
	s->len -= (size_t)n;
	return true;
}

static bool eat(struct str *s, char c)
{
	if (!s->len || s->p[0] != c)
		return false;
	s->p++;
	s->len--;
	return true;
}

static bool leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar; counts years from March,
 * so that the leap day is the last of a year (H. Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool parse_date(struct str *s, int64_t *days)
{
	static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year, month, day;

	if (!digits(s, 4, &year) || !eat(s, '-') || !digits(s, 2, &month) || !eat(s, '-') ||
	    !digits(s, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1])
		return false;
	if (month == 2 && day == 29 && !leap(year))
		return false;
	*days = days_of(year, month, day);
	return true;
}

static int64_t parse_fraction(struct str *s)
{
	int64_t ns = 0, unit = NS_PER_SEC / 10;

	for (; s->len && (unsigned)(s->p[0] - '0') <= 9; s->p++, s->len--) {
		ns += (s->p[0] - '0') * unit;
		unit /= 10;
	}
	return ns;
}

static bool parse_zone(struct str *s, int64_t *offset_s)
{
	int hours, minutes = 0;

	*offset_s = 0;
	if (!s->len)
		return true;
	if (eat(s, 'Z') || eat(s, 'z'))
		return s->len == 0;
	bool west = s->p[0] == '-';

	if (!eat(s, '-') && !eat(s, '+'))
		return false;
	if (!digits(s, 2, &hours))
		return false;
	if (s->len) {
		eat(s, ':');
		if (!digits(s, 2, &minutes))
			return false;
	}
	if (hours > 23 || minutes > 59)
		return false;
	*offset_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return s->len == 0;
}

int clock_parse(struct str s, int64_t *ns)
{
	int64_t days, offset_s = 0, fraction = 0;
	int hour = 0, minute = 0, second = 0;

	if (!parse_date(&s, &days))
		return -EINVAL;
	if (s.len) {
		if (!eat(&s, 'T') && !eat(&s, 't') && !eat(&s, ' '))
			return -EINVAL;
		if (!digits(&s, 2, &hour) || !eat(&s, ':') || !digits(&s, 2, &minute))
			return -EINVAL;
		if (eat(&s, ':')) {
			if (!digits(&s, 2, &second))
				return -EINVAL;
			if (eat(&s, '.') || eat(&s, ','))
				fraction = parse_fraction(&s);
		}
		if (hour > 23 || minute > 59 || second > 60 || !parse_zone(&s, &offset_s))
			return -EINVAL;
	}
	int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset_s;

	/* Years outside 1677..2262 do not fit in 64-bit nanoseconds. */
	if (__builtin_mul_overflow(seconds, NS_PER_SEC, ns) ||
	    __builtin_add_overflow(*ns, fraction, ns))
		return -EINVAL;
	return 0;
}

struct str clock_format(int64_t ns, char text[CLOCK_TEXT_MAX])
{
	int64_t seconds = ns / NS_PER_SEC, fraction = ns % NS_PER_SEC;

	if (fraction < 0) {
		fraction += NS_PER_SEC;
		seconds--;
	}
	time_t t = (time_t)seconds;
	struct tm tm = {0};
	int n;

	gmtime_r(&t, &tm);
	size_t at = strftime(text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);

	if (fraction % NS_PER_MS == 0)
		n = snprintf(text + at, CLOCK_TEXT_MAX - at, ".%03dZ", (int)(fraction / NS_PER_MS));
	else if (fraction % 1000 == 0)
		n = snprintf(text + at, CLOCK_TEXT_MAX - at, ".%06dZ", (int)(fraction / 1000));
	else
		n = snprintf(text + at, CLOCK_TEXT_MAX - at, ".%09dZ", (int)fraction);
	return (struct str){text, at + (size_t)n};
}
