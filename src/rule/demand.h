/* SPDX-License-Identifier: Apache-2.0 */
/* Which changes to files a set of rules can match at all: what the sensor's kernel side goes by. */
#ifndef LINTEL_RULE_DEMAND_H
#define LINTEL_RULE_DEMAND_H

#include "event/demand.h"
#include "rule/rule.h"

/*
 * The parts of paths and the programs without which no loaded rule can match a file event of
 * lintel's own sources. Rules that such events can never satisfy (fields and actions only other
 * sources have; a sequence one of whose stages never comes) ask for nothing. A rule that names
 * neither paths nor programs asks for everything: demand->all, and demand->asker says which rule it
 * was. In `arena`.
 */
void rule_set_file_demand(const struct rule_set *rules, const struct field_set *fields,
			  struct arena *arena, struct file_demand *demand);

#endif
