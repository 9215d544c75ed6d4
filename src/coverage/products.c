/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about sensors beside lintel's own: which indices are whose. */
#include "coverage/coverage_internal.h"

/* Elastic Defend's data streams, logs-endpoint.events.process-default and so on. */
#define ENDPOINT "logs-endpoint."

/* Without the cluster of a cross-cluster pattern, "*:logs-endpoint.*". */
static struct str without_cluster(struct str pattern)
{
	size_t colon = str_find(pattern, STR(":"), 0);

	return colon == SIZE_MAX ? pattern
				 : (struct str){pattern.p + colon + 1, pattern.len - colon - 1};
}

/* Its text before the first wildcard begins as those names do, or they begin as it does. */
static bool covers_endpoint(struct str pattern)
{
	size_t star = str_find(pattern, STR("*"), 0);
	struct str head = {pattern.p, star == SIZE_MAX ? pattern.len : star};

	return str_starts(head, STR(ENDPOINT)) ||
	       (star != SIZE_MAX && str_starts(STR(ENDPOINT), head));
}

bool coverage_for_endpoint(const struct str *indices, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (indices[i].len && indices[i].p[0] != '-' &&
		    covers_endpoint(without_cluster(indices[i])))
			return true;
	return count == 0;
}

/* Beginnings of fields that Elastic Defend does not send from Linux, and who sends them. */
static const struct {
	const char *begins;
	bool other_system; /* Defend itself does, from another operating system */
} foreign_fields[] = {
    {"auditd.", false}, /* Auditbeat, auditd_manager */
    {"process.title", false}, {"winlog.", true},     {"registry.", true},
    {"dll.", true},           {"process.pe.", true}, {"process.code_signature.", true},
};

/* Does the rule name indices of other sensors too? */
static bool is_for_others(const struct rule *rule)
{
	for (uint32_t i = 0; i < rule->index_count; i++)
		if (!covers_endpoint(without_cluster(rule->indices[i])))
			return true;
	return false;
}

bool value_is_foreign(struct str field)
{
	/* Another operating system's part of a rule for several. */
	return str_starts(field, STR("host.os."));
}

bool field_is_foreign(const struct judge *j, struct str field)
{
	/* Of recorded telemetry it is not known whose it is. */
	if (supply_is_observed(j->supply))
		return false;
	for (size_t i = 0; i < sizeof(foreign_fields) / sizeof(*foreign_fields); i++)
		if (str_starts(field, str_from(foreign_fields[i].begins)))
			return foreign_fields[i].other_system || is_for_others(j->rule);
	return false;
}
