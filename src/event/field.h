/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field registry. fields.def names the fields lintel itself fills or reads: they have fixed
 * ids, the enum below, and a type. Rules and queries name thousands of others; those get the next
 * ids when a rule set is compiled, with type ANY (the value decides).
 *
 * A field_set is filled while rules load and never changes once events flow. "Demanded" means some
 * rule, enrichment or output reads the field: a source need not fill any other.
 */
#ifndef LINTEL_EVENT_FIELD_H
#define LINTEL_EVENT_FIELD_H

#include "base/str.h"

enum field_type {
	FIELD_TYPE_ANY,
	FIELD_TYPE_KEYWORD,
	FIELD_TYPE_LONG,
	FIELD_TYPE_DOUBLE,
	FIELD_TYPE_BOOLEAN,
	FIELD_TYPE_IP,
	FIELD_TYPE_DATE,
};

enum field_id {
#define FIELD(id, name, type, multi, filled_by, description) FIELD_##id,
#include "event/fields.def"
#undef FIELD
	FIELD_KNOWN_COUNT
};

/* Bounds what a hostile rule file can make lintel allocate per event; Elastic's whole rule
 * repository names about 2,000 fields. */
#define FIELD_SET_MAX 16384

struct field_info {
	struct str name; /* dotted, e.g. "process.parent.name" */
	enum field_type type;
	bool multi;
	bool demanded;
	const char *filled_by;   /* NULL for a field fields.def does not have */
	const char *description; /* NULL likewise */
};

struct field_set;

struct field_set *field_set_new(void);
void field_set_free(struct field_set *set);
/* The id of a dotted name, added if new, and marked as demanded. The name is copied.
 * Returns -ENOSPC beyond FIELD_SET_MAX, else the id. */
int32_t field_set_demand(struct field_set *set, struct str name);
/* The id of a name, or -ENOENT; marks nothing. */
int32_t field_set_find(const struct field_set *set, struct str name);
uint32_t field_set_count(const struct field_set *set);
const struct field_info *field_set_info(const struct field_set *set, uint32_t id);

/* Static lookups in fields.def. */
struct str field_known_name(enum field_id id);

#endif
