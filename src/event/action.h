/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of events lintel itself makes: actions.def as a table. */
#ifndef LINTEL_EVENT_ACTION_H
#define LINTEL_EVENT_ACTION_H

#include "base/str.h"

enum action_source {
	ACTION_SENSOR = 1, /* the kernel, by eBPF and fanotify */
	ACTION_AUDIT = 2,  /* logs of the audit system */
};

struct action {
	const char *action;    /* event.action */
	const char *category;  /* event.category */
	const char *type;      /* event.type */
	const char *groups;    /* of fields.def, blanks between; see actions.def */
	uint32_t sources;      /* enum action_source */
	const char *component; /* ATT&CK data component */
};

/* All of them; sets *count. */
const struct action *action_table(uint32_t *count);
/* The first with this name, case folded, in this category (empty: any); NULL: lintel makes none. */
const struct action *action_find(struct str action, struct str category);

#endif
