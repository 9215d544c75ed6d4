/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

/* Header-only, as in base/str.c. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/alert_internal.h"

/* What an alert shows beside the full events. Of stored events the parent and the leaders are all
 * that is known of the ancestors. */
static const uint16_t shown_fields[] = {
    FIELD_TIMESTAMP,
    FIELD_CONTAINER_ID,
    FIELD_EVENT_ACTION,
    FIELD_EVENT_CATEGORY,
    FIELD_EVENT_ID,
    FIELD_EVENT_OUTCOME,
    FIELD_EVENT_TYPE,
    FIELD_FILE_EXT_ORIGINAL_PATH,
    FIELD_FILE_MODE,
    FIELD_FILE_NAME,
    FIELD_FILE_OWNER,
    FIELD_FILE_PATH,
    FIELD_FILE_SIZE,
    FIELD_FILE_TARGET_PATH,
    FIELD_FILE_TYPE,
    FIELD_HOST_ID,
    FIELD_HOST_NAME,
    FIELD_HOST_OS_TYPE,
    FIELD_LINTEL_FILE_CHANGE,
    FIELD_PROCESS_ARGS,
    FIELD_PROCESS_COMMAND_LINE,
    FIELD_PROCESS_ENTITY_ID,
    FIELD_PROCESS_ENTRY_LEADER_ARGS,
    FIELD_PROCESS_ENTRY_LEADER_ENTITY_ID,
    FIELD_PROCESS_ENTRY_LEADER_ENTRY_META_TYPE,
    FIELD_PROCESS_ENTRY_LEADER_EXECUTABLE,
    FIELD_PROCESS_ENTRY_LEADER_NAME,
    FIELD_PROCESS_ENTRY_LEADER_PID,
    FIELD_PROCESS_EXECUTABLE,
    FIELD_PROCESS_EXIT_CODE,
    FIELD_PROCESS_GROUP_LEADER_ARGS,
    FIELD_PROCESS_GROUP_LEADER_ENTITY_ID,
    FIELD_PROCESS_GROUP_LEADER_EXECUTABLE,
    FIELD_PROCESS_GROUP_LEADER_NAME,
    FIELD_PROCESS_GROUP_LEADER_PID,
    FIELD_PROCESS_NAME,
    FIELD_PROCESS_PARENT_ARGS,
    FIELD_PROCESS_PARENT_COMMAND_LINE,
    FIELD_PROCESS_PARENT_ENTITY_ID,
    FIELD_PROCESS_PARENT_EXECUTABLE,
    FIELD_PROCESS_PARENT_NAME,
    FIELD_PROCESS_PARENT_PID,
    FIELD_PROCESS_PARENT_USER_NAME,
    FIELD_PROCESS_PID,
    FIELD_PROCESS_PPID,
    FIELD_PROCESS_SESSION_LEADER_ARGS,
    FIELD_PROCESS_SESSION_LEADER_ENTITY_ID,
    FIELD_PROCESS_SESSION_LEADER_EXECUTABLE,
    FIELD_PROCESS_SESSION_LEADER_NAME,
    FIELD_PROCESS_SESSION_LEADER_PID,
    FIELD_PROCESS_USER_NAME,
    FIELD_PROCESS_WORKING_DIRECTORY,
    FIELD_USER_ID,
    FIELD_USER_NAME,
};

/* Of network events, which lintel's own sensor does not make yet. */
static const char *const shown_names[] = {
    "destination.domain", "destination.ip", "destination.port", "dns.question.name",
    "network.transport",  "source.ip",      "source.port",
};

void alert_demand_fields(struct field_set *fields)
{
	for (size_t i = 0; i < sizeof(shown_fields) / sizeof(*shown_fields); i++)
		field_set_demand(fields, field_known_name((enum field_id)shown_fields[i]));
	/* A full field set only means that these are not shown. */
	for (size_t i = 0; i < sizeof(shown_names) / sizeof(*shown_names); i++)
		(void)field_set_demand(fields, str_from(shown_names[i]));
}

const struct event *alert_last_event(const struct alert *alert)
{
	for (uint32_t i = alert->event_count; i-- > 0;)
		if (alert->events[i])
			return alert->events[i];
	return NULL;
}

/* Every part with its length before it, so that no two lists of parts hash the same bytes. */
static void hash_part(XXH3_state_t *state, struct str part)
{
	uint64_t len = part.len;

	XXH3_128bits_update(state, &len, sizeof(len));
	if (part.len)
		XXH3_128bits_update(state, part.p, part.len);
}

static void hash_value(XXH3_state_t *state, const struct value *v)
{
	const struct value *items = v->type == VALUE_LIST ? v->items : v;
	uint32_t n = v->type == VALUE_LIST ? v->count : 1;

	for (uint32_t i = 0; i < n; i++) {
		hash_part(state, (struct str){(const char *)&items[i].type, sizeof(items[i].type)});
		if (items[i].type == VALUE_STRING)
			hash_part(state, value_as_str(&items[i]));
		else if (items[i].type == VALUE_BOOL)
			hash_part(state, items[i].boolean ? STR("true") : STR("false"));
		else
			hash_part(state, (struct str){(const char *)&items[i].integer,
						      sizeof(items[i].integer)});
	}
}

/* By its id; without one by its text; and an event that has neither by all it says. */
static void hash_event(XXH3_state_t *state, const struct event *event)
{
	if (!event) {
		hash_part(state, STR_NULL);
		return;
	}
	const struct value *id = event_get(event, FIELD_EVENT_ID);

	if (id->type != VALUE_NULL) {
		hash_value(state, id);
		return;
	}
	if (event->document.len) {
		hash_part(state, event->document);
		return;
	}
	hash_part(state, (struct str){(const char *)&event->time_ns, sizeof(event->time_ns)});
	for (uint32_t field = 0; field < field_set_count(event->fields); field++) {
		if (event_get(event, field)->type == VALUE_NULL)
			continue;
		hash_part(state, field_set_info(event->fields, field)->name);
		hash_value(state, event_get(event, field));
	}
}

/* Of a threshold or new terms rule the same events can be found for several values. */
static void hash_keys(XXH3_state_t *state, const struct alert *alert)
{
	if (alert->rule->kind != RULE_KIND_THRESHOLD && alert->rule->kind != RULE_KIND_NEW_TERMS)
		return;
	for (uint32_t i = 0; i < alert->key_count; i++)
		hash_value(state, &alert->keys[i]);
}

static void set_id(struct alert *alert)
{
	const struct event *last = alert_last_event(alert);
	XXH3_state_t state;

	XXH3_128bits_reset(&state);
	hash_part(&state, alert->rule->id);
	hash_part(&state, alert->rule->version);
	hash_part(&state, last ? event_get_str(last, FIELD_HOST_ID) : STR_NULL);
	for (uint32_t i = 0; i < alert->event_count; i++)
		hash_event(&state, alert->events[i]);
	hash_keys(&state, alert);
	XXH128_hash_t hash = XXH3_128bits_digest(&state);

	snprintf(alert->id, sizeof(alert->id), "%016llx%016llx", (unsigned long long)hash.high64,
		 (unsigned long long)hash.low64);
}

void alert_from_finding(struct alert *alert, const struct finding *finding,
			const struct event *const *events)
{
	*alert = (struct alert){
	    .rule = finding->rule,
	    .events = events,
	    .event_count = finding->event_count,
	    .time_ns = INT64_MIN,
	    .keys = finding->keys,
	    .key_count = finding->key_count,
	    .group = finding->group,
	    .group_count = finding->group_count,
	    .count = finding->count,
	    .cardinality = finding->cardinality,
	    .suppressed = finding->suppressed,
	    .withheld = finding->withheld,
	};
	const struct event *last = alert_last_event(alert);

	if (last)
		alert->time_ns = last->time_ns;
	set_id(alert);
}
