/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "engine/alert.h"

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

struct alert_caps {
	const struct rule_set *rules;
	bool started;
	int64_t start_ns;
	/* Rules by address, open addressing, at most half full: rule number + 1. */
	uint32_t *slots;
	uint32_t mask;
	struct rule_caps *caps; /* by rule number */
};

static uint32_t *slot_of(const struct alert_caps *caps, const struct rule *rule)
{
	uint32_t at = (uint32_t)((uintptr_t)rule >> 4) * 2654435769u;

	for (at &= caps->mask;; at = (at + 1) & caps->mask) {
		uint32_t *slot = &caps->slots[at];

		if (!*slot || caps->rules->rules[*slot - 1] == rule)
			return slot;
	}
}

struct alert_caps *alert_caps_new(const struct rule_set *rules)
{
	struct alert_caps *caps = xcalloc(1, sizeof(*caps));
	uint32_t size = 16;

	while (size < rules->count * 2)
		size *= 2;
	caps->rules = rules;
	caps->mask = size - 1;
	caps->slots = xcalloc(size, sizeof(*caps->slots));
	caps->caps = xcalloc((size_t)rules->count + 1, sizeof(*caps->caps));
	for (uint32_t i = 0; i < rules->count; i++)
		*slot_of(caps, rules->rules[i]) = i + 1;
	return caps;
}

void alert_caps_free(struct alert_caps *caps)
{
	if (!caps)
		return;
	free(caps->slots);
	free(caps->caps);
	free(caps);
}

void alert_caps_start(struct alert_caps *caps, int64_t time_ns)
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

bool alert_caps_admit(struct alert_caps *caps, struct alert *alert)
{
	uint32_t slot = *slot_of(caps, alert->rule);

	/* A rule of another set: nothing is known of it, so nothing is held back. */
	if (!slot)
		return true;
	struct rule_caps *c = &caps->caps[slot - 1];
	uint32_t most = alert->rule->max_signals;

	if (!most)
		most = RULE_MAX_SIGNALS_DEFAULT;
	if (!c->alerts++)
		c->start_ns = caps->started ? caps->start_ns : alert->time_ns;
	struct window *w = window_of(c, window_number(alert->rule, c->start_ns, alert->time_ns));

	w->used = c->alerts;
	if (w->count >= most) {
		c->withheld++;
		c->withheld_last++;
		counter_add(COUNTER_ALERTS_CAPPED, 1);
		return false;
	}
	w->count++;
	alert->withheld = c->withheld_last;
	c->withheld_last = 0;
	return true;
}

void alert_caps_report(const struct alert_caps *caps,
		       void (*each)(void *context, const struct rule *rule, uint64_t withheld),
		       void *context)
{
	for (uint32_t i = 0; i < caps->rules->count; i++)
		if (caps->caps[i].withheld)
			each(context, caps->rules->rules[i], caps->caps[i].withheld);
}
