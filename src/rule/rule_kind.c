/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the type of a rule asks for beside its query: the fields and numbers of threshold and
 * new_terms rules, and alert_suppression, which all types may have. Names and ranges are those of
 * Kibana's rule schema.
 */
#include "base/clock.h"
#include "rule/rule_internal.h"

/* Kibana: a threshold is at least 1. Above this nobody counts. */
#define THRESHOLD_MAX INT64_C(1000000000)

static void complain(const struct rule_source *source, const struct tree_node *node,
		     const char *hint, struct str key, const char *what)
{
	struct diag diag = {.file = source->path};

	if (node)
		diag = rule_diag_value(source, node);
	else if (source->rule)
		diag = rule_diag_key(source, source->rule);
	diag.hint = str_from(hint);
	diag_add(source->diags, diag, "[%.*s] %s", STR_ARG(key), what);
}

/* Names to ids. `node` is where they are written. */
static void finish_fields(const struct rule_source *source, const struct tree_node *node,
			  struct str key, const struct str *names, uint32_t count,
			  struct field_set *fields, struct rule_fields *out)
{
	if (count > RULE_GROUP_FIELDS_MAX) {
		complain(source, node, "at most 5", key, "names too many fields");
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!names[i].len)
			continue;
		int32_t id = field_set_demand(fields, names[i]);

		if (id < 0) {
			complain(source, node, "", key, "is one field too many for the rules");
			return;
		}
		out->names[out->count] = names[i];
		out->ids[out->count++] = (uint32_t)id;
	}
}

static void finish_cardinality(const struct rule_source *source, const struct rule_draft *draft,
			       const struct tree_node *node, struct field_set *fields,
			       struct rule_threshold *threshold)
{
	struct str key = rule_key_name(source, "threshold.cardinality");

	if (!draft->cardinality_count)
		return;
	const struct rule_cardinality *c = &draft->cardinalities[0];

	if (draft->cardinality_count > 1) {
		complain(source, node, "one field and one value", key, "has more than one entry");
		return;
	}
	if (!c->field.len || c->value < 1 || c->value > THRESHOLD_MAX) {
		complain(source, node, "expected field, a name, and value, 1 or more", key,
			 "is not complete");
		return;
	}
	int32_t id = field_set_demand(fields, c->field);

	if (id < 0) {
		complain(source, node, "", key, "is one field too many for the rules");
		return;
	}
	threshold->has_cardinality = true;
	threshold->cardinality_name = c->field;
	threshold->cardinality_field = (uint32_t)id;
	threshold->cardinality_value = (uint64_t)c->value;
}

static void finish_threshold(const struct rule_source *source, struct rule_draft *draft,
			     struct field_set *fields)
{
	const struct tree_node *node = rule_key(source, "threshold");
	const struct tree_node *value = tree_get(node, "value"), *field = tree_get(node, "field");
	struct rule_threshold *threshold = &draft->rule.threshold;

	if (!node && source->format == RULE_FORMAT_PAGE) {
		rule_skip(&draft->rule, STR("a documentation page does not say what a threshold "
					    "rule counts"));
		return;
	}
	if (!value) {
		complain(source, node, "how many events make an alert: a whole number",
			 rule_key_name(source, "threshold.value"), "is missing");
		return;
	}
	if (value->type != TREE_INT)
		return; /* it has been said */
	if (value->integer < 1 || value->integer > THRESHOLD_MAX) {
		complain(source, value, "expected a whole number from 1 to 1000000000",
			 rule_key_name(source, "threshold.value"), "is out of range");
		return;
	}
	threshold->value = (uint64_t)value->integer;
	finish_fields(source, field ? field : node, rule_key_name(source, "threshold.field"),
		      draft->threshold_fields, draft->threshold_field_count, fields,
		      &threshold->fields);
	finish_cardinality(source, draft, tree_get(node, "cardinality"), fields, threshold);
}

static void finish_new_terms(const struct rule_source *source, struct rule_draft *draft,
			     struct field_set *fields)
{
	static const char expected[] = "expected date math that reaches back, as in \"now-7d\"";
	const struct tree_node *table = rule_key(source, "new_terms");
	const struct tree_node *names = rule_key(source, "new_terms_fields");
	const struct tree_node *start = rule_key(source, "history_window_start");
	struct rule_new_terms *terms = &draft->rule.new_terms;
	struct str text = draft->history_start;

	if (!table && !names && source->format == RULE_FORMAT_PAGE) {
		rule_skip(&draft->rule, STR("a documentation page does not say which fields of a "
					    "new_terms rule must be new"));
		return;
	}
	if (!names)
		names = tree_get(table, "value");
	if (!start)
		start = tree_get(table, "history_window_start");
	if (draft->history_count)
		text = draft->history[0].value;
	finish_fields(source, names, rule_key_name(source, "new_terms_fields"),
		      draft->new_terms_fields, draft->new_terms_field_count, fields,
		      &terms->fields);
	if (!terms->fields.count && !source->diags->errors)
		complain(source, names, "the fields whose values must be new",
			 rule_key_name(source, "new_terms_fields"), "names no field");
	if (!text.len && !source->diags->errors)
		complain(source, start, expected, rule_key_name(source, "history_window_start"),
			 "is missing");
	else if (text.len && (rule_parse_age(text, &terms->history_ns) || !terms->history_ns))
		complain(source, start, expected, rule_key_name(source, "history_window_start"),
			 "is not a time in the past");
}

static void finish_duration(const struct rule_source *source, const struct rule_draft *draft,
			    const struct tree_node *node, int64_t *ns)
{
	struct str text =
	    arena_printf(source->arena, "%lld%.*s", (long long)draft->suppression_duration,
			 STR_ARG(draft->suppression_unit));

	bool known =
	    draft->suppression_unit.len == 1 && memchr("smh", draft->suppression_unit.p[0], 3);

	/* With a sign it is no interval. */
	if (!known || rule_parse_interval(text, ns))
		complain(source, node,
			 "expected value, a whole number above 0, and unit, \"s\", \"m\" or \"h\"",
			 rule_key_name(source, "alert_suppression.duration"), "is not a time span");
}

static void finish_missing(const struct rule_source *source, struct rule_draft *draft,
			   const struct tree_node *node)
{
	struct str text = draft->suppression_missing;

	draft->rule.suppression.suppress_missing = !str_eq(text, STR("doNotSuppress"));
	if (!text.len || str_eq(text, STR("suppress")) || str_eq(text, STR("doNotSuppress")))
		return;
	complain(source, tree_get(node, "missing_fields_strategy"),
		 "expected \"suppress\" or \"doNotSuppress\"",
		 rule_key_name(source, "alert_suppression.missing_fields_strategy"),
		 "is not a strategy");
}

/* A threshold rule's alerts are grouped by its own fields; Kibana takes only a duration there. */
static void finish_suppression(const struct rule_source *source, struct rule_draft *draft,
			       struct field_set *fields)
{
	const struct tree_node *node = rule_key(source, "alert_suppression");
	const struct tree_node *group = tree_get(node, "group_by");
	const struct tree_node *duration = tree_get(node, "duration");
	struct rule_suppression *suppression = &draft->rule.suppression;
	bool threshold = draft->rule.kind == RULE_KIND_THRESHOLD;

	if (!node || node->type != TREE_TABLE)
		return;
	if (threshold)
		suppression->fields = draft->rule.threshold.fields;
	else
		finish_fields(source, group ? group : node,
			      rule_key_name(source, "alert_suppression.group_by"),
			      draft->suppression_fields, draft->suppression_field_count, fields,
			      &suppression->fields);
	if (!threshold && !suppression->fields.count && !source->diags->errors)
		complain(source, group ? group : node, "the fields that alerts are grouped by",
			 rule_key_name(source, "alert_suppression.group_by"), "names no field");
	if (duration && duration->type == TREE_TABLE)
		finish_duration(source, draft, duration, &suppression->duration_ns);
	finish_missing(source, draft, node);
	draft->rule.suppressed = true;
}

void rule_finish_kind(const struct rule_source *source, struct rule_draft *draft,
		      struct field_set *fields)
{
	if (draft->rule.kind == RULE_KIND_THRESHOLD)
		finish_threshold(source, draft, fields);
	if (draft->rule.kind == RULE_KIND_NEW_TERMS)
		finish_new_terms(source, draft, fields);
	finish_suppression(source, draft, fields);
}
