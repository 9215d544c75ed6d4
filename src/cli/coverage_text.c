/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/printable.h"
#include "cli/coverage_internal.h"

/* Columns: technique, verdict. */
#define TECHNIQUE_WIDTH 11
#define VERDICT_WIDTH 8
/* Of one rule; the rest is counted. --format ndjson has them all. */
#define GAPS_SHOWN_MAX 4
/* Of a name or a value. */
#define TEXT_MAX 160
/* Times in which a cause lost something; the rest is counted. */
#define RANGES_SHOWN_MAX 3

struct page {
	const struct coverage_report *report;
	bool colour;
	struct buf *out;
};

/* ---- words */

static const char *colour_of(enum coverage_verdict verdict)
{
	static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};

	return colours[verdict];
}

static void verdict(struct page *p, enum coverage_verdict v)
{
	const char *name = coverage_verdict_name(v);

	if (p->colour)
		buf_printf(p->out, "%s%s\033[0m%*s", colour_of(v), name,
			   VERDICT_WIDTH - (int)strlen(name), "");
	else
		buf_printf(p->out, "%-*s", VERDICT_WIDTH, name);
}

static void heading(struct page *p, const char *text)
{
	if (p->out->len)
		buf_add_char(p->out, '\n');
	if (p->colour)
		buf_printf(p->out, "\033[1m%s\033[0m\n", text);
	else
		buf_printf(p->out, "%s\n", text);
}

static void add_time(struct buf *out, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];
	/* Seconds are enough for people. */
	int64_t second = ns - (ns % NS_PER_SEC + NS_PER_SEC) % NS_PER_SEC;
	struct str s = clock_format(second, text);

	buf_printf(out, "%.*sZ", s.len > 19 ? 19 : (int)s.len, s.p);
}

void coverage_write_gap(const struct coverage_gap *gap, struct buf *out)
{
	static const char *const costs[] = {
	    "", "alternative: ", "exclusion: ", "optional: ", "not meant for it: "};

	buf_add(out, str_from(costs[gap->cost]));
	if (gap->kind == GAP_CATEGORY)
		buf_add(out, STR("no "));
	printable_add(out, gap->what, TEXT_MAX);
	if (gap->kind == GAP_CATEGORY)
		buf_add(out, STR(" events"));
	if (gap->stage)
		buf_printf(out, " [%u]", gap->stage);
}

/* ---- the kernel */

static const char *source_sentence(const struct coverage_report *report)
{
	if (report->options->source == SOURCE_AUDIT)
		return "judged by what logs of the audit system give";
	if (report->kernel.probed)
		return "every hook of the sensor was tried";
	return report->kernel.unprobed ? report->kernel.unprobed
				       : "the sensor's hooks were not tried (--no-probe)";
}

static void kernel(struct page *p)
{
	const struct kernel_report *k = &p->report->kernel;

	heading(p, "Source");
	if (k->release[0])
		buf_printf(p->out, "  kernel %s%s: ", k->release, k->has_btf ? "" : " without BTF");
	else
		buf_add(p->out, STR("  "));
	buf_printf(p->out, "%s\n", source_sentence(p->report));
	if (!k->probed)
		return;
	for (enum hook_id i = 0; i < HOOK_COUNT; i++) {
		const struct hook *hook = sensor_hook(i);

		buf_printf(p->out, "  %-24s %-10s", hook->name,
			   sensor_hook_state_name(k->hooks[i]));
		if (k->hooks[i] < HOOK_UNCHECKED)
			buf_printf(p->out, " %s", hook->lost);
		else if (hook->actions[0])
			buf_printf(p->out, " %s", hook->actions);
		buf_add_char(p->out, '\n');
	}
}

/* ---- telemetry */

static void add_facet(struct buf *out, const struct value *value)
{
	if (value->type == VALUE_STRING)
		printable_add(out, value_as_str(value), TEXT_MAX);
	for (uint32_t i = 0; value->type == VALUE_LIST && i < value->count; i++) {
		buf_add(out, i ? STR(",") : STR(""));
		add_facet(out, &value->items[i]);
	}
}

static void column(struct buf *out, const struct value *value, int width)
{
	size_t from = out->len;

	add_facet(out, value);
	if (out->len == from)
		buf_add_char(out, '-');
	do
		buf_add_char(out, ' ');
	while (out->len < from + (size_t)width);
}

static void telemetry(struct page *p)
{
	const struct supply *supply = p->report->supply;

	heading(p, "Telemetry");
	buf_printf(p->out, "  %" PRIu64 " events", p->report->input_events);
	if (p->report->input_malformed)
		buf_printf(p->out, ", %" PRIu64 " lines that are none", p->report->input_malformed);
	buf_add(p->out, STR("\n"));
	for (uint32_t i = 0; i < supply_kind_count(supply); i++) {
		const struct supply_kind *kind = supply_kind(supply, i);

		buf_printf(p->out, "  %10" PRIu64 "  ", kind->events);
		if (kind->facets_unknown) {
			buf_add(p->out, STR("of more kinds than are told apart\n"));
			continue;
		}
		column(p->out, &kind->facets[FACET_CATEGORY], 14);
		column(p->out, &kind->facets[FACET_TYPE], 16);
		column(p->out, &kind->facets[FACET_ACTION], 24);
		add_facet(p->out, &kind->facets[FACET_OS_TYPE]);
		buf_add_char(p->out, '\n');
	}
}

/* ---- rules and analytics */

static void gaps(struct page *p, const struct rule_coverage *r)
{
	uint32_t shown = 0, more = 0;

	for (uint32_t i = 0; i < r->gap_count; i++) {
		/* What costs nothing is not worth a person's time. */
		if (r->gaps[i].cost > GAP_EXCLUSION)
			continue;
		/* What cannot fire lacks first of all what it needs. */
		if (r->verdict == COVERAGE_NO && r->gaps[i].cost != GAP_RULE)
			continue;
		if (shown == GAPS_SHOWN_MAX) {
			more++;
			continue;
		}
		buf_add(p->out, shown++ ? STR("; ") : STR("  lacks "));
		coverage_write_gap(&r->gaps[i], p->out);
		if (r->gaps[i].kind == GAP_FIELD && r->gaps[i].events)
			buf_printf(p->out, " (only %" PRIu64 " other events have it)",
				   r->gaps[i].events);
	}
	if (more)
		buf_printf(p->out, "; and %u more", more);
}

static void technique_column(struct buf *out, struct str technique)
{
	size_t from = out->len;

	buf_add(out, STR("  "));
	printable_add(out, technique, TECHNIQUE_WIDTH - 1);
	while (out->len < from + 2 + TECHNIQUE_WIDTH)
		buf_add_char(out, ' ');
}

static void rule_lines(struct page *p, bool for_endpoint)
{
	const struct coverage_report *report = p->report;

	for (uint32_t i = 0; i < report->count; i++) {
		const struct rule_coverage *r = &report->results[i];

		if (!coverage_shows(report, r) ||
		    (!supply_is_observed(report->supply) && r->is_for_endpoint != for_endpoint))
			continue;
		technique_column(p->out, coverage_technique(r->rule));
		verdict(p, r->verdict);
		printable_add(p->out, r->rule->name, TEXT_MAX);
		gaps(p, r);
		buf_add_char(p->out, '\n');
	}
}

static bool any_other(const struct coverage_report *report)
{
	for (uint32_t i = 0; i < report->count; i++)
		if (!report->results[i].is_for_endpoint &&
		    coverage_shows(report, &report->results[i]))
			return true;
	return false;
}

static void needs(struct page *p, const struct analytic *a)
{
	uint32_t shown = 0;

	for (const struct analytic_need *need = a->needs; need->component; need++) {
		enum coverage_verdict v = component_verdict(p->report->supply, need->component);

		/* Needed from several log sources: one row after the other. */
		if (v == COVERAGE_FULL ||
		    (need > a->needs && !strcmp(need[-1].component, need->component)))
			continue;
		buf_printf(p->out, "%s%s%s", shown++ ? "; " : "  lacks ",
			   v == COVERAGE_PART ? "part of " : "", component_name(need->component));
	}
}

static void analytic_lines(struct page *p)
{
	uint32_t count;
	const struct analytic *table = analytics(&count);

	for (uint32_t i = 0; i < count; i++) {
		enum coverage_verdict v = analytic_verdict(&table[i], p->report->supply);

		if (!coverage_shows_analytic(p->report, &table[i], v))
			continue;
		buf_printf(p->out, "  %-*s", TECHNIQUE_WIDTH, table[i].technique);
		verdict(p, v);
		buf_printf(p->out, "%s %s", table[i].id, table[i].name);
		needs(p, &table[i]);
		buf_add_char(p->out, '\n');
	}
}

/* ---- losses and what is stored */

static void loss_line(struct buf *out, enum counter c, const struct loss *loss)
{
	buf_printf(out, "  %" PRIu64 " %s\n", loss->count, counter_text(c));
	for (uint32_t i = 0; i < loss->range_count && i < RANGES_SHOWN_MAX; i++) {
		buf_add(out, STR("      from "));
		add_time(out, loss->ranges[i].from_ns);
		buf_add(out, STR(" to "));
		add_time(out, loss->ranges[i].to_ns);
		buf_add_char(out, '\n');
	}
	if (loss->range_count > RANGES_SHOWN_MAX)
		buf_printf(out, "      and %u more times\n", loss->range_count - RANGES_SHOWN_MAX);
}

static void losses(struct page *p)
{
	const struct losses_report *l = &p->report->losses;
	uint32_t causes = 0;

	heading(p, "Lost by the last watch");
	if (l->error) {
		buf_printf(p->out, "  %s: %s/" LOSSES_FILE "\n",
			   l->error == -ENOENT ? "no watch has written one" : strerror(-l->error),
			   p->report->options->config.state);
		return;
	}
	buf_printf(p->out, "  %" PRIu64 " events from ", l->events);
	add_time(p->out, l->started_ns);
	buf_add(p->out, STR(" to "));
	add_time(p->out, l->saved_ns);
	buf_add(p->out, l->ended ? STR(", when it ended\n") : STR(", when it last saved\n"));
	if (l->unwatched.to_ns) {
		buf_add(p->out, STR("  nobody watched from "));
		add_time(p->out, l->unwatched.from_ns);
		buf_add(p->out, STR(" to "));
		add_time(p->out, l->unwatched.to_ns);
		buf_add_char(p->out, '\n');
	}
	for (enum counter c = 0; c < COUNTER_COUNT; c++)
		if (l->of[c].count) {
			loss_line(p->out, c, &l->of[c]);
			causes++;
		}
	if (!causes)
		buf_add(p->out, STR("  nothing\n"));
}

static void stored(struct page *p)
{
	heading(p, "Stored");
	for (uint32_t i = 0; i < p->report->stored_count; i++) {
		const struct stored_file *f = &p->report->stored[i];

		buf_printf(p->out, "  %-7s %s: ", f->what, f->path);
		if (f->error) {
			buf_add(p->out,
				f->error == -ENOENT ? STR("none") : str_from(strerror(-f->error)));
		} else if (f->first_ns == INT64_MIN) {
			buf_add(p->out, STR("nothing with a time"));
		} else {
			add_time(p->out, f->first_ns);
			buf_add(p->out, STR(" to "));
			add_time(p->out, f->last_ns);
		}
		buf_add_char(p->out, '\n');
	}
}

/* ---- */

static void tally_line(struct page *p, const struct tally *t, const char *what)
{
	buf_printf(p->out, "%u of %u %s fully fed (%.1f %%), %u in part, %u not\n",
		   t->of[COVERAGE_FULL], t->total, what, coverage_percent(t), t->of[COVERAGE_PART],
		   t->of[COVERAGE_NO]);
}

static void summary(struct page *p)
{
	const struct coverage_report *r = p->report;

	buf_add_char(p->out, '\n');
	tally_line(p, &r->endpoint, "rules");
	if (r->others.total)
		buf_printf(
		    p->out,
		    "%u more rules are for other sensors' indices: %u fully fed, %u in part, "
		    "%u not\n",
		    r->others.total, r->others.of[COVERAGE_FULL], r->others.of[COVERAGE_PART],
		    r->others.of[COVERAGE_NO]);
	if (r->rules->skipped || r->rules->errors)
		buf_printf(p->out, "not judged: %u skipped, %u with errors\n", r->rules->skipped,
			   r->rules->errors);
	buf_printf(p->out, "ATT&CK %s: ", analytics_version());
	tally_line(p, &r->analytics, "analytics for Linux");
}

void coverage_write_text(const struct coverage_report *report, bool colour, struct buf *out)
{
	struct page p = {report, colour, out};

	if (report->options->source == SOURCE_INPUT)
		telemetry(&p);
	else
		kernel(&p);
	heading(&p, "Rules");
	rule_lines(&p, true);
	if (!supply_is_observed(report->supply) && any_other(report)) {
		heading(&p, "Rules for other sensors' indices");
		rule_lines(&p, false);
	}
	heading(&p, "ATT&CK analytics");
	analytic_lines(&p);
	if (report->options->source != SOURCE_INPUT) {
		losses(&p);
		stored(&p);
	}
	summary(&p);
}
