/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of file events, as the kernel side looks it up. */
#ifndef LINTEL_SENSOR_DEMAND_H
#define LINTEL_SENSOR_DEMAND_H

#include "sensor/demand_key.h"

/* The key of one part. */
void demand_key(const struct demand *demand, struct demand_key *key);
/* The kinds there are, as in wire_config.demands; 0 when every change is wanted. */
uint32_t demand_kinds(const struct file_demand *demand);
/* PROGRAM_ bits of a process with this name and executable, as the exec program finds them. */
uint32_t demand_program(const struct file_demand *demand, struct str name, struct str executable);

#endif
