/* SPDX-License-Identifier: Apache-2.0 */
/* A rule as one line of JSON: for `check` and `list` what identifies it and became of it, for
 * `show` all of it. */
#include "cli/rules_internal.h"

#include "base/clock.h"
#include "base/json_writer.h"

static void strings(struct json_writer *w, struct str key, const struct str *items, uint32_t count)
{
	if (!count)
		return;
	json_key(w, key);
	json_array(w);
	for (uint32_t i = 0; i < count; i++)
		json_string(w, items[i]);
	json_end(w);
}

static void techniques(struct json_writer *w, struct str key, const struct rule_technique *items,
		       uint32_t count)
{
	if (!count)
		return;
	json_key(w, key);
	json_array(w);
	for (uint32_t i = 0; i < count; i++) {
		json_object(w);
		json_member(w, STR("id"), items[i].id);
		json_member(w, STR("name"), items[i].name);
		json_member(w, STR("reference"), items[i].reference);
		/* ATT&CK has two levels; the file format has no more. */
		techniques(w, STR("subtechnique"), items[i].subtechniques,
			   items[i].subtechnique_count);
		json_end(w);
	}
	json_end(w);
}

static void threats(struct json_writer *w, const struct rule *rule)
{
	if (!rule->threat_count)
		return;
	json_key(w, STR("threat"));
	json_array(w);
	for (uint32_t i = 0; i < rule->threat_count; i++) {
		const struct rule_threat *threat = &rule->threats[i];

		json_object(w);
		json_member(w, STR("framework"), threat->framework);
		json_key(w, STR("tactic"));
		json_object(w);
		json_member(w, STR("id"), threat->tactic_id);
		json_member(w, STR("name"), threat->tactic_name);
		json_member(w, STR("reference"), threat->tactic_reference);
		json_end(w);
		techniques(w, STR("technique"), threat->techniques, threat->technique_count);
		json_end(w);
	}
	json_end(w);
}

static void exceptions(struct json_writer *w, const struct rule *rule)
{
	if (!rule->exception_count)
		return;
	json_key(w, STR("exceptions"));
	json_array(w);
	for (uint32_t i = 0; i < rule->exception_count; i++) {
		json_object(w);
		json_member(w, STR("name"), rule->exceptions[i].name);
		json_member(w, STR("reason"), rule->exceptions[i].reason);
		json_member(w, STR("query"), rule->exceptions[i].text);
		json_end(w);
	}
	json_end(w);
}

static void diagnostics(struct json_writer *w, const struct rule *rule)
{
	if (!rule->diag_count)
		return;
	json_key(w, STR("diagnostics"));
	json_array(w);
	for (uint32_t i = 0; i < rule->diag_count; i++) {
		const struct diag *diag = &rule->diags[i];

		json_object(w);
		json_member(w, STR("level"),
			    diag->level == DIAG_ERROR ? STR("error") : STR("warning"));
		json_member(w, STR("message"), diag->message);
		if (diag->line) {
			json_key(w, STR("line"));
			json_uint(w, diag->line);
		}
		if (diag->column) {
			json_key(w, STR("column"));
			json_uint(w, diag->column);
		}
		json_member(w, STR("source"), diag->source);
		json_member(w, STR("hint"), diag->hint);
		json_end(w);
	}
	json_end(w);
}

static void number(struct json_writer *w, struct str key, uint64_t value)
{
	json_key(w, key);
	json_uint(w, value);
}

static void field_names(struct json_writer *w, struct str key, const struct rule_fields *fields)
{
	json_key(w, key);
	json_array(w);
	for (uint32_t i = 0; i < fields->count; i++)
		json_string(w, fields->names[i]);
	json_end(w);
}

static void threshold(struct json_writer *w, const struct rule_threshold *t)
{
	json_key(w, STR("threshold"));
	json_object(w);
	field_names(w, STR("field"), &t->fields);
	number(w, STR("value"), t->value);
	if (t->has_cardinality) {
		json_key(w, STR("cardinality"));
		json_object(w);
		json_member(w, STR("field"), t->cardinality_name);
		number(w, STR("value"), t->cardinality_value);
		json_end(w);
	}
	json_end(w);
}

static void suppression(struct json_writer *w, const struct rule *rule)
{
	const struct rule_suppression *s = &rule->suppression;

	json_key(w, STR("alert_suppression"));
	json_object(w);
	field_names(w, STR("group_by"), &s->fields);
	number(w, STR("duration_seconds"),
	       (uint64_t)((s->duration_ns ? s->duration_ns : rule->interval_ns) / NS_PER_SEC));
	json_member(w, STR("missing_fields_strategy"),
		    s->suppress_missing ? STR("suppress") : STR("doNotSuppress"));
	json_end(w);
}

/* What the rule does with the events its query finds. */
static void use(struct json_writer *w, const struct rule *rule)
{
	if (rule->state != RULE_LOADED)
		return;
	if (rule->kind == RULE_KIND_THRESHOLD)
		threshold(w, &rule->threshold);
	if (rule->kind == RULE_KIND_NEW_TERMS) {
		field_names(w, STR("new_terms_fields"), &rule->new_terms.fields);
		number(w, STR("history_window_seconds"),
		       (uint64_t)(rule->new_terms.history_ns / NS_PER_SEC));
	}
	if (rule->suppressed)
		suppression(w, rule);
}

static void details(struct json_writer *w, const struct rule *rule)
{
	json_member(w, STR("description"), rule->description);
	json_member(w, STR("language"), rule->language);
	json_member(w, STR("query"), rule->query_text);
	number(w, STR("interval_seconds"), (uint64_t)(rule->interval_ns / NS_PER_SEC));
	number(w, STR("lookback_seconds"), (uint64_t)(rule->lookback_ns / NS_PER_SEC));
	number(w, STR("max_signals"), rule->max_signals);
	json_key(w, STR("building_block"));
	json_bool(w, rule->building_block);
	use(w, rule);
	threats(w, rule);
	exceptions(w, rule);
	strings(w, STR("false_positives"), rule->false_positives, rule->false_positive_count);
	strings(w, STR("references"), rule->references, rule->reference_count);
	strings(w, STR("author"), rule->authors, rule->author_count);
	strings(w, STR("tags"), rule->tags, rule->tag_count);
	strings(w, STR("index"), rule->indices, rule->index_count);
	json_member(w, STR("license"), rule->license);
	json_member(w, STR("timestamp_override"), rule->timestamp_override);
	json_member(w, STR("note"), rule->note);
	json_member(w, STR("setup"), rule->setup);
}

void rule_write_json(const struct rule *rule, bool full, struct buf *out)
{
	struct json_writer w = json_writer_to(out);

	json_object(&w);
	json_member(&w, STR("path"), rule->path);
	if (rule->line)
		number(&w, STR("line"), rule->line);
	json_member(&w, STR("state"), str_from(rule_state_name(rule->state)));
	json_member(&w, STR("reason"), rule->reason);
	json_member(&w, STR("id"), rule->id);
	json_member(&w, STR("name"), rule->name);
	json_member(&w, STR("version"), rule->version);
	json_member(&w, STR("type"), rule->type);
	if (rule->id.len) {
		json_member(&w, STR("severity"), str_from(rule_severity_name(rule->severity)));
		number(&w, STR("risk_score"), rule->risk_score);
	}
	if (full)
		details(&w, rule);
	strings(&w, STR("unknown_keys"), rule->unknown_keys, rule->unknown_key_count);
	diagnostics(&w, rule);
	json_end(&w);
}
