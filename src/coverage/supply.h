/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source of events gives: the kinds of events it has and, for each, the fields they come with.
 *
 *	kind    event.category  event.type  event.action   fields filled
 *	0       process         start       fork           @timestamp, process.pid, ...
 *	1       process         start       exec           ...
 *	2       file            creation    creation       ..., file.path, ...
 *
 * Of a source of lintel's own the kinds are those of actions.def, less what this kernel's hooks do
 * not see; of telemetry somebody else recorded they are what is in it, with counts.
 *
 * Of some fields a kind knows the value too: the *facets* (facets.def), action, category, type and
 * the like, of which there are few combinations. Of other fields it knows only whether any event of
 * the kind had one.
 */
#ifndef LINTEL_COVERAGE_SUPPLY_H
#define LINTEL_COVERAGE_SUPPLY_H

#include "event/action.h"
#include "event/event.h"

enum facet {
#define FACET(id, name) FACET_##id,
#include "coverage/facets.def"
#undef FACET
	FACET_COUNT
};

/* Combinations of facets told apart in recorded telemetry. Elastic Defend's, auditd's and Auditbeat's
 * together are some hundreds; what is beyond is one kind, of which only the fields are known. */
#define SUPPLY_KINDS_MAX 4096

struct supply_kind {
	struct value facets[FACET_COUNT]; /* null: events of the kind do not have it */
	bool facets_unknown;              /* the kind for what is beyond SUPPLY_KINDS_MAX */
	uint64_t *filled;                 /* bitmap by field id */
	uint64_t events;                  /* counted; 0 for a source of lintel's own */
	const struct action *action;      /* of a source of lintel's own; else NULL */
};

struct supply;

/* Demands the facets in `fields`; before the set is frozen. */
void supply_demand(struct field_set *fields);
/*
 * A source of lintel's own. `sources`: enum action_source, one or several. `blind`: names of actions
 * that it cannot make here, NULL-terminated, or NULL. `fields` must not change any more and outlive it.
 */
struct supply *supply_new(const struct field_set *fields, uint32_t sources,
			  const char *const *blind);
/* Of telemetry: empty, filled by supply_observe(). */
struct supply *supply_new_observed(const struct field_set *fields);
void supply_observe(struct supply *supply, const struct event *event);
void supply_free(struct supply *supply);

uint32_t supply_kind_count(const struct supply *supply);
const struct supply_kind *supply_kind(const struct supply *supply, uint32_t kind);
/* Is the source recorded telemetry? */
bool supply_is_observed(const struct supply *supply);
/* Events that had the field; of a source of lintel's own 0. */
uint64_t supply_field_events(const struct supply *supply, uint32_t field);
/* Does the kind come with the field? */
static inline bool supply_fills(const struct supply_kind *kind, uint32_t field)
{
	return kind->filled[field / 64] >> (field % 64) & 1;
}
/* The facet that a field is; FACET_COUNT if it is none. */
enum facet supply_facet(const struct supply *supply, uint32_t field);
/* Make `event`, of the same field set, have the kind's facets and nothing else. */
void supply_fill_facets(const struct supply *supply, const struct supply_kind *kind,
			struct event *event);

#endif
