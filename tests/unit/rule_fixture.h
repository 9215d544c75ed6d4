/* SPDX-License-Identifier: Apache-2.0 */
/* A rule set for tests, and events to ask its rules about. */
#ifndef LINTEL_TESTS_RULE_FIXTURE_H
#define LINTEL_TESTS_RULE_FIXTURE_H

#include "event/json.h"
#include "eql/build.h"
#include "rule/rule.h"

struct fixture {
	struct rule_set set;
	struct field_set *fields;
	struct diag_list diags;
};

/* An empty set in place of the one there is. */
static inline void fresh(struct fixture *f)
{
	if (f->fields) {
		rule_set_free(&f->set);
		diag_list_free(&f->diags);
		field_set_free(f->fields);
	}
	rule_set_init(&f->set);
	diag_list_init(&f->diags);
	f->fields = field_set_new();
}

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fresh(f);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	rule_set_free(&f->set);
	diag_list_free(&f->diags);
	field_set_free(f->fields);
	free(f);
	return 0;
}

/* The last rule of the set after loading this too. */
static inline const struct rule *load(struct fixture *f, const char *path, const char *text)
{
	int error =
	    rule_set_load_text(&f->set, f->fields, str_from(text), str_from(path), &f->diags);

	(void)error; /* the rule's state says it */
	return f->set.count ? f->set.rules[f->set.count - 1] : NULL;
}

static inline bool query_holds(struct fixture *f, const struct eql_query *query, const char *json)
{
	struct event_reader_options options = {.timestamp_field = STR("@timestamp")};
	struct event_reader *reader = event_reader_new(f->fields, &options);
	struct eql_scratch *scratch = eql_scratch_new();
	struct buf padded = {0};
	struct event event;

	buf_add(&padded, str_from(json));
	buf_reserve(&padded, EVENT_JSON_PADDING);
	event_init(&event, f->fields);
	bool read = event_read_json(reader, buf_str(&padded), &event, NULL) == 0;
	bool holds = read && eql_match(query, &event, scratch);

	event_free(&event);
	eql_scratch_free(scratch);
	event_reader_free(reader);
	buf_free(&padded);
	return holds;
}

static inline bool matches(struct fixture *f, const struct rule *rule, const char *json)
{
	return query_holds(f, rule->query, json);
}

/* Does one of the rule's exceptions hold? */
static inline bool excepted(struct fixture *f, const struct rule *rule, const char *json)
{
	struct eql_builder *builder = eql_builder_new(&f->set.arena, f->fields);
	bool holds = false;

	for (uint32_t i = 0; i < rule->exception_count; i++)
		holds |= query_holds(
		    f, eql_build_event_query(builder, rule->exceptions[i].cond, STR("")), json);
	eql_builder_free(builder);
	return holds;
}

#endif
