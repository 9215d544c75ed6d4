/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rules_trial_internal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "engine/detector.h"
#include "event/json.h"

struct trial {
	const struct rule_set *rules;
	struct field_set *fields;
	struct engine *engine;
	struct engine_scratch *scratch;
	struct event_reader *reader;
	struct event event;
	struct detector *detector; /* of the trial that goes on */
	uint64_t events;
	int64_t stream_time_ns;
	struct buf padded;  /* the JSON reader looks behind the end of its text */
	struct arena arena; /* of the findings */
	struct trial_finding *findings;
	uint32_t count, cap;
};

struct trial *trial_new(const struct rule_set *rules, struct field_set *fields)
{
	struct trial *t = xcalloc(1, sizeof(*t));

	t->rules = rules;
	t->fields = fields;
	arena_init(&t->arena);
	field_set_demand(fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(fields, field_known_name(FIELD_EVENT_SEQUENCE));
	t->engine = engine_new(rules, fields);
	t->scratch = engine_scratch_new(t->engine);
	t->reader = event_reader_new(fields, NULL);
	event_init(&t->event, fields);
	return t;
}

void trial_free(struct trial *t)
{
	if (!t)
		return;
	detector_free(t->detector);
	event_free(&t->event);
	event_reader_free(t->reader);
	engine_scratch_free(t->scratch);
	engine_free(t->engine);
	arena_free(&t->arena);
	buf_free(&t->padded);
	free(t->findings);
	free(t);
}

static void found(void *context, const struct finding *finding)
{
	struct trial *t = context;

	if (t->count == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 16;
		t->findings = xreallocarray(t->findings, t->cap, sizeof(*t->findings));
	}
	struct trial_finding *f = &t->findings[t->count++];

	*f = (struct trial_finding){.rule = finding->rule, .event_count = finding->event_count};
	f->events = ARENA_ARRAY(&t->arena, uint64_t, finding->event_count);
	for (uint32_t i = 0; i < finding->event_count; i++)
		f->events[i] = finding->events[i] ? finding->events[i]->arrival : TRIAL_MISSING;
}

void trial_begin(struct trial *t)
{
	const struct detector_options options = {
	    .tolerance_ns = DETECTOR_TOLERANCE_DEFAULT_NS,
	    .bytes_max = DETECTOR_BYTES_DEFAULT,
	    .found = found,
	    .context = t,
	};

	detector_free(t->detector);
	arena_reset(&t->arena);
	t->count = 0;
	t->events = 0;
	t->stream_time_ns = INT64_MIN;
	t->detector = detector_new(t->rules, t->fields, &options);
}

int trial_event(struct trial *t, struct str json, const char **why)
{
	const struct engine_hit *hits;

	buf_reset(&t->padded);
	buf_add(&t->padded, json);
	memset(buf_reserve(&t->padded, EVENT_JSON_PADDING), 0, EVENT_JSON_PADDING);
	event_reset(&t->event);
	int error = event_read_json(t->reader, buf_str(&t->padded), &t->event, why);

	if (error)
		return error;
	uint64_t number = t->events++;
	uint32_t n = engine_match(t->engine, &t->event, t->scratch, &hits);

	if (t->event.time_ns > t->stream_time_ns)
		t->stream_time_ns = t->event.time_ns;
	if (number == 0)
		detector_start(t->detector, t->event.time_ns);
	if (n)
		detector_take(
		    t->detector,
		    detector_keep(t->detector, &t->event, hits, n, number, t->event.document), hits,
		    n, t->stream_time_ns);
	else
		detector_advance(t->detector, t->stream_time_ns);
	return 0;
}

const struct event *trial_last_event(const struct trial *t)
{
	return &t->event;
}

const struct trial_finding *trial_end(struct trial *t, uint32_t *count)
{
	detector_finish(t->detector);
	*count = t->count;
	return t->findings;
}
