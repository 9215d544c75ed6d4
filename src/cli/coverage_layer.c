/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer of the ATT&CK Navigator, format 4.5 (github.com/mitre-attack/attack-navigator, layers/spec/
 * v4.5/layerformat.md). Each technique has the share of its rules and analytics that can fire: full
 * counts 100, part 50.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "cli/coverage_internal.h"

#define LAYER_VERSION "4.5"
#define NAVIGATOR_VERSION "5.2.0"

/* What there is for one technique. */
struct cell {
	struct str technique;
	struct tally rules, analytics;
};

struct cells {
	struct cell *items;
	uint32_t count, cap;
};

static struct cell *cell_of(struct cells *cells, struct str technique)
{
	for (uint32_t i = 0; i < cells->count; i++)
		if (str_eq(cells->items[i].technique, technique))
			return &cells->items[i];
	if (cells->count == cells->cap) {
		cells->cap = cells->cap ? cells->cap * 2 : 256;
		cells->items = xreallocarray(cells->items, cells->cap, sizeof(*cells->items));
	}
	struct cell *cell = &cells->items[cells->count++];

	*cell = (struct cell){.technique = technique};
	return cell;
}

/* "T1574" or "T1574.006": a rule file may say anything, and the Navigator refuses what is no id. */
static bool is_id(struct str s)
{
	size_t i = 1;

	if (!s.len || s.p[0] != 'T')
		return false;
	while (i < s.len && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (i == 5 && i < s.len && s.p[i] == '.')
		for (i++; i < s.len && s.p[i] >= '0' && s.p[i] <= '9';)
			i++;
	return i == s.len && (s.len == 5 || s.len == 9);
}

static void add(struct cells *cells, struct str technique, enum coverage_verdict verdict,
		bool is_rule)
{
	if (!is_id(technique))
		return;
	struct cell *cell = cell_of(cells, technique);
	struct tally *tally = is_rule ? &cell->rules : &cell->analytics;

	tally->of[verdict]++;
	tally->total++;
}

static void add_rule(struct cells *cells, const struct rule_coverage *r)
{
	for (uint32_t i = 0; i < r->rule->threat_count; i++)
		for (uint32_t k = 0; k < r->rule->threats[i].technique_count; k++) {
			const struct rule_technique *t = &r->rule->threats[i].techniques[k];

			if (!t->subtechnique_count)
				add(cells, t->id, r->verdict, true);
			for (uint32_t s = 0; s < t->subtechnique_count; s++)
				add(cells, t->subtechniques[s].id, r->verdict, true);
		}
}

static void fill(const struct coverage_report *report, struct cells *cells)
{
	uint32_t count;
	const struct analytic *table = analytics(&count);

	for (uint32_t i = 0; i < report->count; i++) {
		const struct rule_coverage *r = &report->results[i];

		if (coverage_shows(report, r) &&
		    (r->is_for_endpoint || supply_is_observed(report->supply)))
			add_rule(cells, r);
	}
	for (uint32_t i = 0; i < count; i++) {
		enum coverage_verdict v = analytic_verdict(&table[i], report->supply);

		if (coverage_shows_analytic(report, &table[i], v))
			add(cells, str_from(table[i].technique), v, false);
	}
}

static int by_id(const void *a, const void *b)
{
	return str_cmp(((const struct cell *)a)->technique, ((const struct cell *)b)->technique);
}

/* ---- JSON */

static void member_int(struct json_writer *w, struct str key, int64_t n)
{
	json_key(w, key);
	json_int(w, n);
}

static void versions(struct json_writer *w)
{
	struct str attack = str_from(analytics_version());
	size_t dot = str_find(attack, STR("."), 0);

	json_key(w, STR("versions"));
	json_object(w);
	/* The Navigator knows major versions. */
	json_member(w, STR("attack"), (struct str){attack.p, dot == SIZE_MAX ? attack.len : dot});
	json_member(w, STR("navigator"), STR(NAVIGATOR_VERSION));
	json_member(w, STR("layer"), STR(LAYER_VERSION));
	json_end(w);
}

static void add_comment(struct buf *out, const struct tally *t, const char *what)
{
	if (t->total)
		buf_printf(out, "%s%s: %u full, %u part, %u missing", out->len ? "; " : "", what,
			   t->of[COVERAGE_FULL], t->of[COVERAGE_PART], t->of[COVERAGE_NO]);
}

static void technique(struct json_writer *w, const struct cell *cell)
{
	uint32_t total = cell->rules.total + cell->analytics.total;
	uint32_t full = cell->rules.of[COVERAGE_FULL] + cell->analytics.of[COVERAGE_FULL];
	uint32_t part = cell->rules.of[COVERAGE_PART] + cell->analytics.of[COVERAGE_PART];
	struct buf comment = {0};

	add_comment(&comment, &cell->rules, "rules");
	add_comment(&comment, &cell->analytics, "ATT&CK analytics");
	json_object(w);
	json_member(w, STR("techniqueID"), cell->technique);
	member_int(w, STR("score"), (100 * full + 50 * part) / total);
	json_member(w, STR("comment"), buf_str(&comment));
	json_key(w, STR("enabled"));
	json_bool(w, true);
	json_end(w);
	buf_free(&comment);
}

static void gradient(struct json_writer *w)
{
	/* Red, yellow, green: none, some, all. */
	static const char *const colours[] = {"#ff6666", "#ffe766", "#8ec843"};

	json_key(w, STR("gradient"));
	json_object(w);
	json_key(w, STR("colors"));
	json_array(w);
	for (size_t i = 0; i < sizeof(colours) / sizeof(*colours); i++)
		json_string(w, str_from(colours[i]));
	json_end(w);
	member_int(w, STR("minValue"), 0);
	member_int(w, STR("maxValue"), 100);
	json_end(w);
}

static void filters(struct json_writer *w)
{
	json_key(w, STR("filters"));
	json_object(w);
	json_key(w, STR("platforms"));
	json_array(w);
	json_string(w, STR("Linux"));
	json_end(w);
	json_end(w);
}

static void description(const struct coverage_report *report, struct json_writer *w)
{
	struct buf text = {0};

	buf_printf(
	    &text,
	    "What can fire on events of %s: %u of %u rules fully fed (%.1f %%). Score: 100 "
	    "where every rule and ATT&CK analytic of the technique is, half for those fed in "
	    "part.",
	    report->options->source == SOURCE_INPUT   ? "recorded telemetry"
	    : report->options->source == SOURCE_AUDIT ? "the audit system"
						      : "lintel's sensor",
	    report->endpoint.of[COVERAGE_FULL], report->endpoint.total,
	    coverage_percent(&report->endpoint));
	json_member(w, STR("description"), buf_str(&text));
	buf_free(&text);
}

void coverage_write_layer(const struct coverage_report *report, struct buf *out)
{
	struct json_writer w = json_writer_to(out);
	struct cells cells = {0};

	fill(report, &cells);
	if (cells.count)
		qsort(cells.items, cells.count, sizeof(*cells.items), by_id);
	json_object(&w);
	json_member(&w, STR("name"), STR("lintel coverage"));
	versions(&w);
	json_member(&w, STR("domain"), STR("enterprise-attack"));
	description(report, &w);
	filters(&w);
	json_key(&w, STR("techniques"));
	json_array(&w);
	for (uint32_t i = 0; i < cells.count; i++)
		technique(&w, &cells.items[i]);
	json_end(&w);
	gradient(&w);
	json_end(&w);
	buf_add_char(out, '\n');
	free(cells.items);
}
