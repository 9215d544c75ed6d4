/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINTEL_ENGINE_ALERT_INTERNAL_H
#define LINTEL_ENGINE_ALERT_INTERNAL_H

#include "engine/alert.h"

/* Fields an alert shows whether or not a rule names them. */
void alert_demand_fields(struct field_set *fields);

/* The event an alert is about: its last one that is there. */
const struct event *alert_last_event(const struct alert *alert);

#endif
