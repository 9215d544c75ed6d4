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

bool value_is_foreign(struct str field, const struct eql_leaf *leaf)
{
	(void)leaf;
	/* Another operating system's part of a rule for several. */
	return str_starts(field, STR("host.os."));
}

bool field_is_foreign(struct str field)
{
	(void)field;
	return false;
}
