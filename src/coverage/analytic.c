/* SPDX-License-Identifier: Apache-2.0 */
#include "coverage/analytic.h"

#define ATTACK(version)
#define NEED(component, source) {component, source},
#define ANALYTIC(id, technique, name, tactics, needs) {id, technique, name, tactics, {needs}},
static const struct analytic table[] = {
#include "coverage/analytics.def"
};
#undef ATTACK
#undef ANALYTIC

#define ATTACK(version) version
#define ANALYTIC(id, technique, name, tactics, needs)
static const char attack_version[] =
#include "coverage/analytics.def"
    ;
#undef ATTACK
#undef ANALYTIC
#undef NEED

static const struct {
	const char *id, *name;
	enum coverage_verdict most; /* of it that its actions give */
	const char *actions;
} components[] = {
#define ALL COVERAGE_FULL
#define SOME COVERAGE_PART
#define COMPONENT(id, name, most, actions) {id, name, most, actions},
#include "coverage/components.def"
#undef COMPONENT
#undef ALL
#undef SOME
};

#define COMPONENT_COUNT (sizeof(components) / sizeof(components[0]))

const struct analytic *analytics(uint32_t *count)
{
	*count = sizeof(table) / sizeof(table[0]);
	return table;
}

const char *analytics_version(void)
{
	return attack_version;
}

const char *component_name(const char *id)
{
	for (size_t i = 0; i < COMPONENT_COUNT; i++)
		if (!strcmp(components[i].id, id))
			return components[i].name;
	return id;
}

static bool has_word(const char *list, struct str word)
{
	while (*list) {
		size_t n = strcspn(list, " ");

		if (str_eq((struct str){list, n}, word))
			return true;
		list += n + strspn(list + n, " ");
	}
	return false;
}

/* Does the action, as lintel or another sensor of Elastic's names it, give the component? */
static bool gives(struct str action, const char *name, const char *actions)
{
	const struct action *ours = action_find(action, STR_NULL);

	return has_word(actions, action) || (ours && !strcmp(ours->component, name));
}

static bool kind_gives(const struct supply_kind *kind, const char *name, const char *actions)
{
	const struct value *action = &kind->facets[FACET_ACTION];

	if (kind->action)
		return gives(str_from(kind->action->action), name, actions);
	if (action->type == VALUE_STRING)
		return gives(value_as_str(action), name, actions);
	for (uint32_t i = 0; action->type == VALUE_LIST && i < action->count; i++)
		if (action->items[i].type == VALUE_STRING &&
		    gives(value_as_str(&action->items[i]), name, actions))
			return true;
	return false;
}

enum coverage_verdict component_verdict(const struct supply *supply, const char *id)
{
	for (size_t i = 0; i < COMPONENT_COUNT; i++) {
		if (strcmp(components[i].id, id) != 0)
			continue;
		for (uint32_t k = 0; k < supply_kind_count(supply); k++)
			if (kind_gives(supply_kind(supply, k), components[i].name,
				       components[i].actions))
				return components[i].most;
	}
	return COVERAGE_NO;
}

enum coverage_verdict analytic_verdict(const struct analytic *analytic, const struct supply *supply)
{
	enum coverage_verdict best = COVERAGE_NO, worst = COVERAGE_FULL;

	for (const struct analytic_need *need = analytic->needs; need->component; need++) {
		enum coverage_verdict v = component_verdict(supply, need->component);

		best = v < best ? v : best;
		worst = v > worst ? v : worst;
	}
	return worst == COVERAGE_FULL ? COVERAGE_FULL
	       : best == COVERAGE_NO  ? COVERAGE_NO
				      : COVERAGE_PART;
}
