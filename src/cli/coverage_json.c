/* SPDX-License-Identifier: Apache-2.0 */
/* One object a line; "type" says what it is. docs/coverage.md has the fields. */
#include <errno.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/coverage_internal.h"
#include "event/json.h"

static struct json_writer begin(struct buf *out, struct str type)
{
	struct json_writer w = json_writer_to(out);

	json_object(&w);
	json_member(&w, STR("type"), type);
	return w;
}

static void end(struct json_writer *w)
{
	json_end(w);
	buf_add_char(w->out, '\n');
}

static void add_count(struct json_writer *w, struct str key, uint64_t n)
{
	json_key(w, key);
	json_uint(w, n);
}

static void add_bool(struct json_writer *w, struct str key, bool b)
{
	json_key(w, key);
	json_bool(w, b);
}

static void add_time(struct json_writer *w, struct str key, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	json_member(w, key, clock_format(ns, text));
}

/* A list of words with blanks between them. */
static void add_words(struct json_writer *w, struct str key, const char *words)
{
	json_key(w, key);
	json_array(w);
	for (size_t n; *words; words += n + strspn(words + n, " ")) {
		n = strcspn(words, " ");
		json_string(w, (struct str){words, n});
	}
	json_end(w);
}

/* ---- what gives events */

static void kernel(const struct coverage_report *report, struct buf *out)
{
	const struct kernel_report *k = &report->kernel;
	struct json_writer w = begin(out, STR("source"));

	json_member(&w, STR("source"), str_from(coverage_source_name(report->options->source)));
	if (k->release[0]) {
		json_member(&w, STR("kernel"), str_from(k->release));
		add_bool(&w, STR("btf"), k->has_btf);
	}
	add_bool(&w, STR("probed"), k->probed);
	json_member(&w, STR("unprobed_because"), str_from(k->unprobed));
	end(&w);
	for (enum hook_id i = 0; k->probed && i < HOOK_COUNT; i++) {
		const struct hook *hook = sensor_hook(i);

		w = begin(out, STR("hook"));
		json_member(&w, STR("name"), str_from(hook->name));
		json_member(&w, STR("state"), str_from(sensor_hook_state_name(k->hooks[i])));
		add_words(&w, STR("actions"), hook->actions);
		if (k->hooks[i] < HOOK_UNCHECKED)
			json_member(&w, STR("lost"), str_from(hook->lost));
		end(&w);
	}
}

static void add_facet(struct json_writer *w, struct str key, const struct value *value)
{
	if (value->type == VALUE_NULL)
		return;
	json_key(w, key);
	value_write_json(value, w);
}

static void telemetry(const struct coverage_report *report, struct buf *out)
{
	const struct supply *supply = report->supply;
	struct json_writer w = begin(out, STR("source"));

	json_member(&w, STR("source"), STR("input"));
	add_count(&w, STR("events"), report->input_events);
	add_count(&w, STR("malformed"), report->input_malformed);
	end(&w);
	for (uint32_t i = 0; i < supply_kind_count(supply); i++) {
		const struct supply_kind *kind = supply_kind(supply, i);

		w = begin(out, STR("kind"));
		add_facet(&w, STR("category"), &kind->facets[FACET_CATEGORY]);
		add_facet(&w, STR("event_type"), &kind->facets[FACET_TYPE]);
		add_facet(&w, STR("action"), &kind->facets[FACET_ACTION]);
		add_facet(&w, STR("dataset"), &kind->facets[FACET_DATASET]);
		add_facet(&w, STR("os"), &kind->facets[FACET_OS_TYPE]);
		if (kind->facets_unknown)
			add_bool(&w, STR("many"), true);
		add_count(&w, STR("events"), kind->events);
		end(&w);
	}
}

/* ---- rules and analytics */

static void add_gap(struct json_writer *w, const struct coverage_gap *gap, bool observed)
{
	json_object(w);
	json_member(w, STR("kind"), str_from(coverage_gap_name(gap->kind)));
	json_member(w, STR("what"), gap->what);
	json_member(w, STR("costs"), str_from(coverage_cost_name(gap->cost)));
	if (gap->stage)
		add_count(w, STR("stage"), gap->stage);
	if (observed && gap->kind == GAP_FIELD)
		add_count(w, STR("events"), gap->events);
	json_end(w);
}

static void add_techniques(struct json_writer *w, const struct rule *rule)
{
	json_key(w, STR("techniques"));
	json_array(w);
	for (uint32_t i = 0; i < rule->threat_count; i++)
		for (uint32_t k = 0; k < rule->threats[i].technique_count; k++) {
			const struct rule_technique *t = &rule->threats[i].techniques[k];

			json_string(w, t->id);
			for (uint32_t s = 0; s < t->subtechnique_count; s++)
				json_string(w, t->subtechniques[s].id);
		}
	json_end(w);
}

static void rule_line(const struct coverage_report *report, const struct rule_coverage *r,
		      struct buf *out)
{
	struct json_writer w = begin(out, STR("rule"));

	json_member(&w, STR("id"), r->rule->id);
	json_member(&w, STR("name"), r->rule->name);
	json_member(&w, STR("path"), r->rule->path);
	add_techniques(&w, r->rule);
	add_bool(&w, STR("for_endpoint"), r->is_for_endpoint);
	json_member(&w, STR("fed"), str_from(coverage_verdict_name(r->verdict)));
	json_key(&w, STR("lacks"));
	json_array(&w);
	for (uint32_t i = 0; i < r->gap_count; i++)
		add_gap(&w, &r->gaps[i], supply_is_observed(report->supply));
	json_end(&w);
	end(&w);
}

static void analytic_line(const struct coverage_report *report, const struct analytic *a,
			  enum coverage_verdict verdict, struct buf *out)
{
	struct json_writer w = begin(out, STR("analytic"));

	json_member(&w, STR("id"), str_from(a->id));
	json_member(&w, STR("technique"), str_from(a->technique));
	json_member(&w, STR("name"), str_from(a->name));
	add_words(&w, STR("tactics"), a->tactics);
	json_member(&w, STR("fed"), str_from(coverage_verdict_name(verdict)));
	json_key(&w, STR("needs"));
	json_array(&w);
	for (const struct analytic_need *need = a->needs; need->component; need++) {
		json_object(&w);
		json_member(&w, STR("id"), str_from(need->component));
		json_member(&w, STR("component"), str_from(component_name(need->component)));
		json_member(&w, STR("log_source"), str_from(need->log_source));
		json_member(&w, STR("given"),
			    str_from(coverage_verdict_name(
				component_verdict(report->supply, need->component))));
		json_end(&w);
	}
	json_end(&w);
	end(&w);
}

static void judged(const struct coverage_report *report, struct buf *out)
{
	uint32_t count;
	const struct analytic *table = analytics(&count);

	for (uint32_t i = 0; i < report->count; i++)
		if (coverage_shows(report, &report->results[i]))
			rule_line(report, &report->results[i], out);
	for (uint32_t i = 0; i < count; i++) {
		enum coverage_verdict verdict = analytic_verdict(&table[i], report->supply);

		if (coverage_shows_analytic(report, &table[i], verdict))
			analytic_line(report, &table[i], verdict, out);
	}
}

/* ---- losses and what is stored */

static void loss_line(enum counter c, const struct loss *loss, struct buf *out)
{
	struct json_writer w = begin(out, STR("loss"));

	json_member(&w, STR("cause"), counter_name(c));
	json_member(&w, STR("text"), str_from(counter_text(c)));
	add_count(&w, STR("count"), loss->count);
	json_key(&w, STR("ranges"));
	json_array(&w);
	for (uint32_t i = 0; i < loss->range_count; i++) {
		json_object(&w);
		add_time(&w, STR("from"), loss->ranges[i].from_ns);
		add_time(&w, STR("to"), loss->ranges[i].to_ns);
		json_end(&w);
	}
	json_end(&w);
	end(&w);
}

static void losses(const struct losses_report *l, struct buf *out)
{
	if (l->error)
		return;
	struct json_writer w = begin(out, STR("watch"));

	add_time(&w, STR("started"), l->started_ns);
	add_time(&w, STR("saved"), l->saved_ns);
	add_bool(&w, STR("ended"), l->ended);
	add_count(&w, STR("events"), l->events);
	if (l->unwatched.to_ns)
		add_time(&w, STR("unwatched_since"), l->unwatched.from_ns);
	end(&w);
	for (enum counter c = 0; c < COUNTER_COUNT; c++)
		if (l->of[c].count)
			loss_line(c, &l->of[c], out);
}

static void stored(const struct coverage_report *report, struct buf *out)
{
	for (uint32_t i = 0; i < report->stored_count; i++) {
		const struct stored_file *f = &report->stored[i];
		struct json_writer w = begin(out, STR("stored"));

		json_member(&w, STR("what"), str_from(f->what));
		json_member(&w, STR("path"), str_from(f->path));
		if (f->error)
			json_member(&w, STR("error"), str_from(strerror(-f->error)));
		if (!f->error && f->first_ns != INT64_MIN) {
			add_time(&w, STR("first"), f->first_ns);
			add_time(&w, STR("last"), f->last_ns);
		}
		end(&w);
	}
}

static void add_tally(struct json_writer *w, struct str key, const struct tally *t)
{
	json_key(w, key);
	json_object(w);
	add_count(w, STR("total"), t->total);
	add_count(w, STR("full"), t->of[COVERAGE_FULL]);
	add_count(w, STR("part"), t->of[COVERAGE_PART]);
	add_count(w, STR("missing"), t->of[COVERAGE_NO]);
	json_key(w, STR("percent_full"));
	json_double(w, (double)(int64_t)(coverage_percent(t) * 100) / 100);
	json_end(w);
}

static void summary(const struct coverage_report *report, struct buf *out)
{
	struct json_writer w = begin(out, STR("summary"));

	add_tally(&w, STR("rules"), &report->endpoint);
	add_tally(&w, STR("rules_for_other_sensors"), &report->others);
	add_tally(&w, STR("analytics"), &report->analytics);
	add_count(&w, STR("rules_skipped"), report->rules->skipped);
	add_count(&w, STR("rules_with_errors"), report->rules->errors);
	json_member(&w, STR("attack_version"), str_from(analytics_version()));
	end(&w);
}

void coverage_write_ndjson(const struct coverage_report *report, struct buf *out)
{
	if (report->options->source == SOURCE_INPUT)
		telemetry(report, out);
	else
		kernel(report, out);
	judged(report, out);
	if (report->options->source != SOURCE_INPUT) {
		losses(&report->losses, out);
		stored(report, out);
	}
	summary(report, out);
}
