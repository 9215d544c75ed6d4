/* SPDX-License-Identifier: Apache-2.0 */
/* Times as rule schedules write them: Kibana's intervals and Elasticsearch's date math. */
#include "rule/rule_internal.h"

#include <errno.h>

#include "base/clock.h"

/* A rule looking further back than this is a typing mistake; it also keeps sums in an int64_t. */
#define AGE_MAX_NS (INT64_C(100) * 366 * 86400 * NS_PER_SEC)

struct unit {
	char letter;
	int64_t ns;
};

/* Date math's units. A month and a year are taken at their longest, a lookback must not be too
 * short. h and H are the same there. */
static const struct unit units[] = {
    {'s', NS_PER_SEC},
    {'m', 60 * NS_PER_SEC},
    {'h', 3600 * NS_PER_SEC},
    {'H', 3600 * NS_PER_SEC},
    {'d', 86400 * NS_PER_SEC},
    {'w', 7 * 86400 * NS_PER_SEC},
    {'M', 31 * 86400 * NS_PER_SEC},
    {'y', 366 * 86400 * NS_PER_SEC},
};

static int64_t unit_ns(char letter)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (units[i].letter == letter)
			return units[i].ns;
	return 0;
}

/* Digits and a unit at text[*at]; moves *at behind them. */
static int parse_span(struct str text, size_t *at, int64_t *ns)
{
	int64_t n = 0;
	size_t i = *at;

	for (; i < text.len && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
		n = n * 10 + (text.p[i] - '0');
		if (n > AGE_MAX_NS / NS_PER_SEC)
			return -ERANGE;
	}
	if (i == *at || i == text.len)
		return -EINVAL;
	int64_t unit = unit_ns(text.p[i]);

	if (!unit)
		return -EINVAL;
	if (n > AGE_MAX_NS / unit)
		return -ERANGE;
	*ns = n * unit;
	*at = i + 1;
	return 0;
}

int rule_parse_interval(struct str text, int64_t *ns)
{
	size_t at = 0;

	/* Date math's other units are none of an interval's: 5M are no minutes. */
	if (!text.len || !strchr("smhdw", text.p[text.len - 1]))
		return -EINVAL;
	if (parse_span(text, &at, ns) || at != text.len || *ns <= 0)
		return -EINVAL;
	return 0;
}

int rule_parse_age(struct str text, int64_t *ns)
{
	int64_t age = 0;

	if (!str_starts(text, STR("now")))
		return -EINVAL;
	for (size_t at = 3; at < text.len;) {
		char op = text.p[at++];
		int64_t span = 0;
		int error;

		if (op == '/') {
			span = at < text.len ? unit_ns(text.p[at++]) : 0;
			error = span ? 0 : -EINVAL;
		} else if (op == '-' || op == '+') {
			error = parse_span(text, &at, &span);
		} else {
			error = -EINVAL;
		}
		if (error)
			return error;
		age += op == '+' ? -span : span;
		if (age > AGE_MAX_NS || age < -AGE_MAX_NS)
			return -ERANGE;
	}
	if (age < 0)
		return -ERANGE;
	*ns = age;
	return 0;
}
