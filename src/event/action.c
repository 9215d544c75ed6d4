/* SPDX-License-Identifier: Apache-2.0 */
#include "event/action.h"

#define SENSOR ACTION_SENSOR
#define AUDIT ACTION_AUDIT

static const struct action actions[] = {
#define ACTION(action, category, type, groups, sources, component) \
	{action, category, type, groups, sources, component},
#include "event/actions.def"
#undef ACTION
};

#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

const struct action *action_table(uint32_t *count)
{
	*count = ACTION_COUNT;
	return actions;
}

const struct action *action_find(struct str action, struct str category)
{
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (str_eq_fold(action, str_from(actions[i].action)) &&
		    (!category.len || str_eq(category, str_from(actions[i].category))))
			return &actions[i];
	return NULL;
}
