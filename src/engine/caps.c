/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "engine/detector_internal.h"

/*
 * Input need not be in order of time: files of several hosts come one after the other, and any
 * single event may carry a wrong clock. So a rule counts in several windows at once, and the one
 * not used for longest makes room. What an attacker reaches by jumping in time is at worst that a
 * cap starts anew, never that an alert is held back by another time's alerts.
 */
#define WINDOWS 8

struct window {
	int64_t number; /* (time - start) / interval, rounded down */
	uint32_t count;
	uint64_t used; /* the alert that used it last; 0: free */
};

struct rule_caps {
	int64_t start_ns; /* the caps' own, or the rule's first alert */
	uint64_t alerts;
	uint64_t withheld;      /* all */
	uint64_t withheld_last; /* since the last one let through */
	struct window windows[WINDOWS];
};

struct caps {
	const struct rule_set *rules;
	bool started;
	int64_t start_ns;
	struct rule_caps *caps; /* by rule number */
};

struct caps *caps_new(const struct rule_set *rules)
{
	struct caps *caps = xcalloc(1, sizeof(*caps));

	caps->rules = rules;
	caps->caps = xcalloc((size_t)rules->count + 1, sizeof(*caps->caps));
	return caps;
}

void caps_free(struct caps *caps)
{
	if (!caps)
		return;
	free(caps->caps);
	free(caps);
}

void caps_start(struct caps *caps, int64_t time_ns)
{
	caps->started = true;
	caps->start_ns = time_ns;
}

static int64_t window_number(const struct rule *rule, int64_t start_ns, int64_t time_ns)
{
	/* Kibana's default, for a rule whose file gives no usable one. */
	int64_t interval = rule->interval_ns > 0 ? rule->interval_ns : 5 * 60 * NS_PER_SEC;
	__int128 since = (__int128)time_ns - start_ns;
	__int128 number = since / interval;

	if (since % interval < 0)
		number--;
	if (number > INT64_MAX)
		return INT64_MAX;
	return number < INT64_MIN ? INT64_MIN : (int64_t)number;
}

static struct window *window_of(struct rule_caps *c, int64_t number)
{
	struct window *oldest = &c->windows[0];

	for (int i = 0; i < WINDOWS; i++) {
		struct window *w = &c->windows[i];

		if (w->used && w->number == number)
			return w;
		if (w->used < oldest->used)
			oldest = w;
	}
	*oldest = (struct window){.number = number};
	return oldest;
}

bool caps_admit(struct caps *caps, uint32_t number, int64_t time_ns, uint64_t *withheld)
{
	const struct rule *rule = caps->rules->rules[number];
	struct rule_caps *c = &caps->caps[number];
	uint32_t most = rule->max_signals ? rule->max_signals : RULE_MAX_SIGNALS_DEFAULT;

	if (!c->alerts++)
		c->start_ns = caps->started ? caps->start_ns : time_ns;
	struct window *w = window_of(c, window_number(rule, c->start_ns, time_ns));

	w->used = c->alerts;
	if (w->count >= most) {
		c->withheld++;
		c->withheld_last++;
		counter_add(COUNTER_ALERTS_CAPPED, 1);
		return false;
	}
	w->count++;
	*withheld = c->withheld_last;
	c->withheld_last = 0;
	return true;
}

uint64_t caps_withheld(const struct caps *caps, uint32_t number)
{
	return caps->caps[number].withheld;
}
