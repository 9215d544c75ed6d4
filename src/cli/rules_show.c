/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for a person: a page for `lintel rules show`, a table for `lintel rules list`. */
#include "cli/rules_internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

/* Width of the names on a page. */
#define LABEL_WIDTH 14
#define BODY_INDENT 2
/* Columns a paragraph is wrapped to. */
#define PAGE_WIDTH 90

/* C0, DEL, and C1 as UTF-8 has it (C2 80..9F), which some terminals obey too. */
static size_t control_bytes(struct str text, size_t at)
{
	unsigned char c = (unsigned char)text.p[at];

	if (c < ' ' || c == 0x7f)
		return 1;
	if (c == 0xc2 && at + 1 < text.len && (unsigned char)text.p[at + 1] >= 0x80 &&
	    (unsigned char)text.p[at + 1] < 0xa0)
		return 2;
	return 0;
}

void rules_add_text(struct buf *out, struct str text, uint32_t indent)
{
	bool line_start = false;

	for (size_t i = 0; i < text.len; i++) {
		size_t control = control_bytes(text, i);

		if (text.p[i] == '\n') {
			buf_add_char(out, '\n');
			line_start = true;
			continue;
		}
		if (line_start)
			buf_printf(out, "%*s", (int)indent, "");
		line_start = false;
		if (text.p[i] == '\t') {
			buf_add_char(out, ' ');
		} else if (control) {
			buf_add_char(out, '?');
			i += control - 1;
		} else {
			buf_add_char(out, text.p[i]);
		}
	}
}

void rules_add_span(struct buf *out, int64_t ns)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"m", 60}};
	int64_t seconds = ns / NS_PER_SEC;

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (seconds >= units[i].seconds && seconds % units[i].seconds == 0) {
			buf_printf(out, "%lld%s", (long long)(seconds / units[i].seconds),
				   units[i].unit);
			return;
		}
	}
	buf_printf(out, "%llds", (long long)seconds);
}

static struct str trim(struct str s)
{
	while (s.len && strchr(" \t\r\n", s.p[0]))
		s = (struct str){s.p + 1, s.len - 1};
	while (s.len && strchr(" \t\r\n", s.p[s.len - 1]))
		s.len--;
	return s;
}

static void label(struct buf *out, const char *name)
{
	buf_printf(out, "  %-*s", LABEL_WIDTH, name);
}

static void line(struct buf *out, const char *name, struct str value)
{
	if (!value.len)
		return;
	label(out, name);
	rules_add_text(out, trim(value), LABEL_WIDTH + 2);
	buf_add_char(out, '\n');
}

static void list_lines(struct buf *out, const char *name, const struct str *items, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		line(out, i ? "" : name, items[i]);
}

static void joined(struct buf *out, const char *name, const struct str *items, uint32_t count)
{
	if (!count)
		return;
	label(out, name);
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			buf_add(out, STR(", "));
		rules_add_text(out, items[i], LABEL_WIDTH + 2);
	}
	buf_add_char(out, '\n');
}

static void technique(struct buf *out, const struct rule_technique *t)
{
	rules_add_text(out, t->id, 0);
	buf_add_char(out, ' ');
	rules_add_text(out, t->name, 0);
}

static void threat_lines(struct buf *out, const struct rule *rule)
{
	for (uint32_t i = 0; i < rule->threat_count; i++) {
		const struct rule_threat *threat = &rule->threats[i];

		label(out, i ? "" : "threat");
		rules_add_text(out, threat->tactic_name, 0);
		buf_add(out, STR(" ("));
		rules_add_text(out, threat->tactic_id, 0);
		buf_add(out, STR(")"));
		for (uint32_t k = 0; k < threat->technique_count; k++) {
			const struct rule_technique *t = &threat->techniques[k];

			buf_add(out, k ? STR("; ") : STR(": "));
			technique(out, t);
			for (uint32_t n = 0; n < t->subtechnique_count; n++) {
				buf_add(out, STR(" > "));
				technique(out, &t->subtechniques[n]);
			}
		}
		buf_add_char(out, '\n');
	}
}

static void heading(struct buf *out, const char *title)
{
	buf_printf(out, "\n%s\n", title);
}

/* Text as its author broke it into lines. */
static void block(struct buf *out, const char *title, struct str text)
{
	text = trim(text);
	if (!text.len)
		return;
	heading(out, title);
	buf_printf(out, "%*s", BODY_INDENT, "");
	rules_add_text(out, text, BODY_INDENT);
	buf_add_char(out, '\n');
}

static struct str next_word(struct str *rest)
{
	*rest = trim(*rest);
	size_t n = 0;

	while (n < rest->len && !strchr(" \t\r\n", rest->p[n]))
		n++;
	struct str word = {rest->p, n};

	*rest = (struct str){rest->p + n, rest->len - n};
	return word;
}

/* Text filled to the page; `bullet` goes before its first line. */
static void paragraph(struct buf *out, const char *bullet, struct str text)
{
	size_t column = BODY_INDENT + strlen(bullet);
	bool first = true;

	buf_printf(out, "%*s%s", BODY_INDENT, "", bullet);
	for (struct str word = next_word(&text); word.len; word = next_word(&text)) {
		if (!first && column + 1 + word.len > PAGE_WIDTH) {
			column = BODY_INDENT + strlen(bullet);
			buf_printf(out, "\n%*s", (int)column, "");
			first = true;
		}
		if (!first)
			buf_add_char(out, ' ');
		rules_add_text(out, word, 0);
		column += word.len + !first;
		first = false;
	}
	buf_add_char(out, '\n');
}

static void filled(struct buf *out, const char *title, struct str text)
{
	text = trim(text);
	if (!text.len)
		return;
	heading(out, title);
	paragraph(out, "", text);
}

static void bullets(struct buf *out, const char *title, const struct str *items, uint32_t count)
{
	if (!count)
		return;
	heading(out, title);
	for (uint32_t i = 0; i < count; i++)
		paragraph(out, "- ", items[i]);
}

static void exceptions(struct buf *out, const struct rule *rule)
{
	if (!rule->exception_count)
		return;
	heading(out, "Exceptions (no alert when one of them holds)");
	for (uint32_t i = 0; i < rule->exception_count; i++) {
		const struct rule_exception *e = &rule->exceptions[i];

		buf_printf(out, "%*s- ", BODY_INDENT, "");
		rules_add_text(out, e->name, BODY_INDENT + 2);
		if (e->reason.len) {
			buf_add(out, STR(": "));
			rules_add_text(out, trim(e->reason), BODY_INDENT + 2);
		}
		buf_printf(out, "\n%*s", BODY_INDENT + 4, "");
		rules_add_text(out, trim(e->text), BODY_INDENT + 4);
		buf_add_char(out, '\n');
	}
}

static void schedule(struct buf *out, const struct rule *rule)
{
	label(out, "schedule");
	buf_add(out, STR("every "));
	rules_add_span(out, rule->interval_ns);
	buf_add(out, STR(" over the last "));
	rules_add_span(out, rule->lookback_ns);
	buf_printf(out, "; at most %u alerts each time\n", rule->max_signals);
}

static void field_names(struct buf *out, const struct rule_fields *fields)
{
	for (uint32_t i = 0; i < fields->count; i++) {
		buf_add(out, i ? STR(", ") : STR(""));
		rules_add_text(out, fields->names[i], LABEL_WIDTH + 2);
	}
}

static void threshold(struct buf *out, const struct rule_threshold *t)
{
	label(out, "alerts on");
	buf_printf(out, "%" PRIu64 " event%s or more", t->value, t->value == 1 ? "" : "s");
	if (t->fields.count)
		buf_add(out, STR(" with the same "));
	field_names(out, &t->fields);
	if (t->has_cardinality) {
		buf_printf(out, ", with %" PRIu64 " or more different values of ",
			   t->cardinality_value);
		rules_add_text(out, t->cardinality_name, LABEL_WIDTH + 2);
	}
	buf_add_char(out, '\n');
}

static void new_terms(struct buf *out, const struct rule_new_terms *terms)
{
	label(out, "alerts on");
	buf_add(out, STR("values of "));
	field_names(out, &terms->fields);
	buf_add(out, STR(" not seen for "));
	rules_add_span(out, terms->history_ns);
	buf_add_char(out, '\n');
}

static void suppression(struct buf *out, const struct rule *rule)
{
	const struct rule_suppression *s = &rule->suppression;

	label(out, "suppression");
	buf_add(out, STR("one alert in "));
	rules_add_span(out, s->duration_ns ? s->duration_ns : rule->interval_ns);
	if (s->fields.count)
		buf_add(out, STR(" for the same "));
	field_names(out, &s->fields);
	buf_add(out, s->suppress_missing ? STR("\n") : STR("; none where one is missing\n"));
}

/* What the rule does with the events its query finds. */
static void use(struct buf *out, const struct rule *rule)
{
	if (rule->state != RULE_LOADED)
		return;
	if (rule->kind == RULE_KIND_THRESHOLD)
		threshold(out, &rule->threshold);
	if (rule->kind == RULE_KIND_NEW_TERMS)
		new_terms(out, &rule->new_terms);
	if (rule->suppressed)
		suppression(out, rule);
}

static void file_line(struct buf *out, const struct rule *rule)
{
	label(out, "file");
	rules_add_text(out, rule->path, LABEL_WIDTH + 2);
	if (rule->line)
		buf_printf(out, ":%u", rule->line);
	buf_add_char(out, '\n');
}

static void facts(struct buf *out, const struct rule *rule)
{
	buf_printf(out, "  %-*s%s\n", LABEL_WIDTH, "state", rule_state_name(rule->state));
	if (rule->state != RULE_LOADED)
		line(out, "because", rule->reason);
	line(out, "id", rule->id);
	file_line(out, rule);
	line(out, "version", rule->version);
	buf_printf(out, "  %-*s%s, risk score %u\n", LABEL_WIDTH, "severity",
		   rule_severity_name(rule->severity), rule->risk_score);
	line(out, "type", rule->type);
	use(out, rule);
	if (rule->interval_ns)
		schedule(out, rule);
	threat_lines(out, rule);
	joined(out, "authors", rule->authors, rule->author_count);
	line(out, "license", rule->license);
	joined(out, "tags", rule->tags, rule->tag_count);
	joined(out, "written for", rule->indices, rule->index_count);
	if (rule->building_block)
		line(out, "use", STR("building block: meant as input of other rules"));
	joined(out, "unknown keys", rule->unknown_keys, rule->unknown_key_count);
}

void rule_show(const struct rule *rule, struct buf *out)
{
	rules_add_text(out, rule->name.len ? trim(rule->name) : rule->path, 0);
	buf_add(out, STR("\n\n"));
	facts(out, rule);
	filled(out, "What it finds", rule->description);
	block(out, "Query", rule->query_text);
	exceptions(out, rule);
	bullets(out, "False positives", rule->false_positives, rule->false_positive_count);
	block(out, "Investigation", rule->note);
	block(out, "Set-up", rule->setup);
	if (rule->reference_count) {
		heading(out, "References");
		list_lines(out, "", rule->references, rule->reference_count);
	}
}

void rules_list(const struct rule_set *set, bool ndjson, struct buf *out)
{
	for (uint32_t i = 0; i < set->count; i++) {
		const struct rule *rule = set->rules[i];

		if (ndjson) {
			rule_write_json(rule, false, out);
		} else {
			buf_printf(out, "%-8s %-9s %3u  ", rule_state_name(rule->state),
				   rule_severity_name(rule->severity), rule->risk_score);
			size_t start = out->len;

			rules_add_text(out, rule->id.len ? rule->id : STR("-"), 0);
			buf_printf(out, "%*s  ",
				   out->len - start < 36 ? (int)(36 - (out->len - start)) : 0, "");
			rules_add_text(out, rule->name.len ? rule->name : rule->path, 0);
		}
		buf_add_char(out, '\n');
	}
}
