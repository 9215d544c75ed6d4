/* SPDX-License-Identifier: Apache-2.0 */
/* Events in, findings out: every kind of rule, in and out of order, whole and with a restart. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/counter.h"
#include "engine/detector_internal.h"
#include "engine/engine.h"
#include "eql/machine_internal.h"

#define SECOND NS_PER_SEC
/* 2026-01-05T03:00:00Z */
#define BEGIN (INT64_C(1767582000) * NS_PER_SEC)
#define RULES_MAX 8

struct fixture {
	struct field_set *fields;
	struct rule_set rules;
	struct diag_list diags;
	struct engine *engine;
	struct engine_scratch *scratch;
	struct event_reader *reader;
	struct event event;
	struct detector *detector;
	struct detector_options options;
	struct buf found; /* a line for each finding */
	struct buf json;
	uint64_t arrived;
	int64_t stream_ns;
	bool open_gates;     /* every hit goes to its rule's machine, and all through it */
	struct batch *batch; /* where events are put, as a hunt does; NULL: on their own */
};

/* What a hunt has of a batch: its events, their documents and hits are in one piece of memory. */
struct batch {
	struct kept_block block; /* first: it is found by this */
	bool unused;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->fields = field_set_new();
	rule_set_init(&f->rules);
	diag_list_init(&f->diags);
	f->options.tolerance_ns = 2 * SECOND;
	f->options.bytes_max = DETECTOR_BYTES_DEFAULT;
	f->stream_ns = INT64_MIN;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	detector_free(f->detector);
	if (f->event.values)
		event_free(&f->event);
	event_reader_free(f->reader);
	engine_scratch_free(f->scratch);
	engine_free(f->engine);
	rule_set_free(&f->rules);
	field_set_free(f->fields);
	diag_list_free(&f->diags);
	buf_free(&f->found);
	buf_free(&f->json);
	free(f);
	return 0;
}

/* An EQL rule, which a test may then make a rule of another kind. */
static struct rule *add_rule(struct fixture *f, const char *id, const char *query)
{
	struct buf text = {0};

	buf_printf(&text,
		   "[rule]\nname = \"%s\"\ndescription = \"d\"\nrule_id = \"%s\"\nrisk_score = 21\n"
		   "severity = \"low\"\ntype = \"eql\"\nlanguage = \"eql\"\nmax_signals = 1000\n"
		   "from = \"now-9m\"\nquery = '''%s'''\n",
		   id, id, query);
	int error =
	    rule_set_load_text(&f->rules, f->fields, buf_str(&text), str_from(id), &f->diags);

	if (error)
		diag_list_print(&f->diags, STDERR_FILENO);
	assert_int_equal(error, 0);
	buf_free(&text);
	struct rule *rule = f->rules.rules[f->rules.count - 1];

	rule->interval_ns = 60 * 60 * SECOND;
	return rule;
}

static void set_fields(struct fixture *f, struct rule_fields *fields, const char *const *names)
{
	fields->count = 0;
	for (; *names; names++) {
		fields->names[fields->count] = str_from(*names);
		fields->ids[fields->count++] =
		    (uint32_t)field_set_demand(f->fields, str_from(*names));
	}
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct rule *add_threshold(struct fixture *f, const char *id, uint64_t value,
				  const char *const *names)
{
	struct rule *rule = add_rule(f, id, "any where event.action == \"login\"");

	rule->kind = RULE_KIND_THRESHOLD;
	rule->lookback_ns = 10 * SECOND;
	rule->threshold.value = value;
	set_fields(f, &rule->threshold.fields, names);
	return rule;
}

static struct rule *add_new_terms(struct fixture *f, const char *id, const char *const *names)
{
	struct rule *rule = add_rule(f, id, "any where event.action == \"login\"");

	rule->kind = RULE_KIND_NEW_TERMS;
	rule->new_terms.history_ns = 10 * SECOND;
	set_fields(f, &rule->new_terms.fields, names);
	return rule;
}

static void suppress(struct fixture *f, struct rule *rule, int64_t duration_ns, bool missing,
		     const char *const *names)
{
	rule->suppressed = true;
	rule->suppression.duration_ns = duration_ns;
	rule->suppression.suppress_missing = missing;
	set_fields(f, &rule->suppression.fields, names);
}

static void add_values(struct buf *out, char before, const struct value *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct value *v = &values[i];

		buf_add_char(out, i ? ',' : before);
		if (v->type == VALUE_STRING)
			buf_add(out, value_as_str(v));
		else if (v->type == VALUE_INT)
			buf_printf(out, "%lld", (long long)v->integer);
		else
			buf_add(out, v->type == VALUE_LIST ? STR("[]") : STR("-"));
	}
}

/* "rule e1 e2 -|keys|group n=count c=cardinality s=suppressed" */
static void on_finding(void *context, const struct finding *finding)
{
	struct fixture *f = context;

	buf_add(&f->found, finding->rule->id);
	for (uint32_t i = 0; i < finding->event_count; i++) {
		/* {"id":"e1",... */
		struct str id =
		    finding->events[i] ? finding->events[i]->document : STR("{\"id\":\"-\"");

		id.p += 7;
		id.len = (size_t)(strchr(id.p, '"') - id.p);
		buf_add_char(&f->found, ' ');
		buf_add(&f->found, id);
	}
	add_values(&f->found, '|', finding->keys, finding->key_count);
	add_values(&f->found, '/', finding->group, finding->group_count);
	if (finding->count)
		buf_printf(&f->found, " n=%d", (int)finding->count);
	if (finding->cardinality)
		buf_printf(&f->found, " c=%d", (int)finding->cardinality);
	if (finding->suppressed)
		buf_printf(&f->found, " s=%d", (int)finding->suppressed);
	buf_add_char(&f->found, '\n');
}

static void start_detector(struct fixture *f)
{
	f->options.found = on_finding;
	f->options.context = f;
	f->detector = detector_new(&f->rules, f->fields, &f->options);
	for (uint32_t i = 0; f->open_gates && i < f->rules.count; i++) {
		struct eql_machine *machine = f->detector->runs[i].machine;

		f->detector->gates[i].wakes = UINT64_MAX;
		for (uint32_t filter = 0; machine && filter < machine->query->filter_count;
		     filter++)
			machine->starts[filter] = true;
	}
}

/* Once all rules are there. */
static void start(struct fixture *f)
{
	field_set_demand(f->fields, field_known_name(FIELD_TIMESTAMP));
	field_set_demand(f->fields, field_known_name(FIELD_EVENT_SEQUENCE));
	f->engine = engine_new(&f->rules, f->fields);
	f->scratch = engine_scratch_new(f->engine);
	f->reader = event_reader_new(f->fields, NULL);
	event_init(&f->event, f->fields);
	start_detector(f);
}

static void take_in_batch(struct fixture *f, const struct engine_hit *hits, uint32_t count)
{
	struct kept_block *block = &f->batch->block;
	struct engine_hit *own = ARENA_ARRAY(&block->arena, struct engine_hit, count);

	memcpy(own, hits, count * sizeof(*own));
	f->event.document = arena_str(&block->arena, f->event.document);
	const struct detector_event taken = {
	    .event = detector_keep_in(f->detector, block, &f->event, hits, count),
	    .block = block,
	    .time_ns = f->event.time_ns,
	    .arrival = f->arrived,
	    .hits = own,
	    .hit_count = count,
	};

	detector_take_in(f->detector, &taken, f->stream_ns);
}

static void on_batch_unused(struct kept_block *block)
{
	struct batch *batch = (struct batch *)block;

	assert_int_equal(block->waiting, 0);
	batch->unused = true;
	arena_free(&block->arena);
}

static void begin_batch(struct fixture *f, struct batch *batch)
{
	*batch =
	    (struct batch){.block = {.references = 1, .bytes = 1000, .unused = on_batch_unused}};
	arena_init(&batch->block.arena);
	f->batch = batch;
}

static void end_batch(struct fixture *f)
{
	kept_block_unref(&f->batch->block);
	f->batch = NULL;
}

static void feed_json(struct fixture *f, struct str json)
{
	const struct engine_hit *hits;

	buf_reset(&f->json);
	buf_reserve(&f->json, json.len + EVENT_JSON_PADDING);
	buf_add(&f->json, json);
	event_reset(&f->event);
	assert_int_equal(event_read_json(f->reader, buf_str(&f->json), &f->event, NULL), 0);
	uint32_t n = engine_match(f->engine, &f->event, f->scratch, &hits);

	if (f->event.time_ns > f->stream_ns)
		f->stream_ns = f->event.time_ns;
	f->arrived++;
	if (!n)
		return;
	if (f->batch) {
		take_in_batch(f, hits, n);
		return;
	}
	detector_take(f->detector,
		      detector_keep(f->detector, &f->event, hits, n, f->arrived, f->event.document),
		      hits, n, f->stream_ns);
}

/* An event at `seconds` from BEGIN: its id, and other members as JSON text. */
static void feed(struct fixture *f, double seconds, const char *id, const char *members)
{
	char time[CLOCK_TEXT_MAX];
	struct buf json = {0};

	clock_format(BEGIN + (int64_t)(seconds * (double)SECOND), time);
	buf_printf(&json, "{\"id\":\"%s\",\"@timestamp\":\"%s\",%s}", id, time, members);
	feed_json(f, buf_str(&json));
	buf_free(&json);
}

/* What was found since the last call. */
static void expect(struct fixture *f, const char *lines)
{
	buf_add_char(&f->found, '\0');
	assert_string_equal(f->found.p, lines);
	buf_reset(&f->found);
}

#define LOGIN "\"event\":{\"action\":\"login\"}"
#define USER(name) LOGIN ",\"user\":{\"name\":\"" name "\"}"
#define ACTION(name) "\"event\":{\"action\":\"" name "\"}"

static void stateless_rules_wait_for_nothing(void **state)
{
	struct fixture *f = *state;

	add_rule(f, "plain", "any where event.action == \"login\"");
	start(f);
	feed(f, 10, "a", LOGIN);
	expect(f, "plain a\n");
	feed(f, 1, "late", LOGIN);
	feed_json(f, STR("{\"id\":\"timeless\"," LOGIN "}"));
	expect(f, "plain late\nplain timeless\n");
	detector_finish(f->detector);
	expect(f, "");
}

static void order_is_restored_within_the_tolerance(void **state)
{
	struct fixture *f = *state;
	uint64_t late = counter_get(COUNTER_EVENT_LATE);

	add_rule(f, "s",
		 "sequence [any where event.action == \"a\"] [any where event.action == \"b\"]");
	start(f);
	feed(f, 1.5, "b1", ACTION("b"));
	feed(f, 1, "a1", ACTION("a"));
	expect(f, "");
	feed(f, 3.5, "b2", ACTION("b"));
	/* The first two are before 3.6 - 2. */
	feed(f, 3.6, "b3", ACTION("b"));
	expect(f, "s a1 b1\n");
	/* As late as allowed, and later. */
	feed(f, 1.6, "a2", ACTION("a"));
	assert_int_equal(counter_get(COUNTER_EVENT_LATE), late);
	detector_finish(f->detector);
	expect(f, "s a2 b2\n");
}

#define STEP(action, user) ACTION(action) ",\"user\":{\"name\":\"" user "\"}"

/* Nothing has begun when the last stage comes, and yet it belongs to what comes after it. */
static void what_begins_may_come_after_what_goes_on(void **state)
{
	struct fixture *f = *state;
	uint64_t late = counter_get(COUNTER_EVENT_LATE);

	add_rule(f, "s",
		 "sequence by user.name with maxspan=5s "
		 "[any where event.action == \"one\"] [any where event.action == \"two\"]");
	start(f);
	feed(f, 10, "a2", STEP("two", "a"));
	feed(f, 11, "b2", STEP("two", "b"));
	feed(f, 9.5, "a1", STEP("one", "a"));
	feed(f, 12, "b1", STEP("one", "b")); /* after b2 */
	/* Of equal times the first to come is first. */
	feed(f, 13, "c2", STEP("two", "c"));
	feed(f, 13, "c1", STEP("one", "c"));
	feed(f, 13, "d1", STEP("one", "d"));
	feed(f, 13, "d2", STEP("two", "d"));
	feed(f, 16, "x", STEP("other", "x"));
	feed(f, 16, "x2", STEP("two", "x"));
	expect(f, "s a1 a2|a\ns d1 d2|d\n");
	/* All is forgotten, and it begins anew. */
	feed(f, 100, "e2", STEP("two", "e"));
	feed(f, 110, "f2", STEP("two", "f"));
	feed(f, 108.5, "f1", STEP("one", "f"));
	detector_finish(f->detector);
	expect(f, "s f1 f2|f\n");
	assert_int_equal(counter_get(COUNTER_EVENT_LATE), late);
}

/* Memory of a batch goes when all of its events have gone on; what they began does not. */
static void what_begins_outlives_its_batch(void **state)
{
	struct fixture *f = *state;
	struct batch first, second;

	add_rule(f, "s",
		 "sequence by user.name with maxspan=1m "
		 "[any where event.action == \"one\"] [any where event.action == \"two\"]");
	add_rule(f, "t",
		 "sequence by user.name with maxspan=1m "
		 "[any where event.action == \"never\"] [any where true]");
	add_rule(f, "u", "any where event.action == \"one\" and user.name == \"b\"");
	start(f);
	begin_batch(f, &first);
	feed(f, 1, "a1", STEP("one", "a"));
	feed(f, 1.5, "x1", STEP("other", "a"));
	feed(f, 2, "b1", STEP("one", "b"));
	expect(f, "u b1\n");
	end_batch(f);
	assert_false(first.unused);
	begin_batch(f, &second);
	feed(f, 10, "x2", STEP("other", "x"));
	assert_true(first.unused);
	feed(f, 11, "a2", STEP("two", "a"));
	feed(f, 9, "b2", STEP("two", "b")); /* of a heap, not of the ring */
	feed(f, 20, "x3", STEP("other", "x"));
	end_batch(f);
	assert_false(second.unused);
	expect(f, "s b1 b2|b\ns a1 a2|a\n");
	feed(f, 8, "c1", STEP("one", "c")); /* too late to wait, and on its own */
	feed(f, 21, "c2", STEP("two", "c"));
	detector_finish(f->detector);
	assert_true(second.unused);
	expect(f, "s c1 c2|c\n");
}

static void what_is_too_late_is_counted_and_joins_nothing_before_it(void **state)
{
	struct fixture *f = *state;
	uint64_t late = counter_get(COUNTER_EVENT_LATE);

	add_rule(f, "s",
		 "sequence [any where event.action == \"a\"] [any where event.action == \"b\"]");
	start(f);
	feed(f, 1, "b1", ACTION("b"));
	feed(f, 5, "b2", ACTION("b"));
	feed(f, 9, "b3", ACTION("b"));
	feed(f, 0.5, "a1", ACTION("a"));
	assert_int_equal(counter_get(COUNTER_EVENT_LATE) - late, 1);
	expect(f, "");
	detector_finish(f->detector);
	/* b2 was passed on when 9 came, b3 still waited. */
	expect(f, "s a1 b3\n");
}

static void time_alone_decides_what_must_be_missing(void **state)
{
	struct fixture *f = *state;

	add_rule(f, "s",
		 "sequence with maxspan=5s [any where event.action == \"a\"] "
		 "![any where event.action == \"b\"]");
	start(f);
	feed(f, 1, "a1", ACTION("a"));
	detector_advance(f->detector, BEGIN + 7 * SECOND);
	expect(f, "");
	detector_advance(f->detector, BEGIN + 9 * SECOND);
	expect(f, "s a1 -\n");
	feed(f, 10, "a2", ACTION("a"));
	feed(f, 11, "b1", ACTION("b"));
	detector_flush(f->detector);
	feed(f, 14, "a3", ACTION("a"));
	detector_flush(f->detector);
	/* The input only pauses: it is not known yet what comes after a3. */
	expect(f, "");
	detector_finish(f->detector);
	expect(f, "s a3 -\n");
}

static void events_without_a_time_have_no_place(void **state)
{
	struct fixture *f = *state;
	uint64_t untimed = counter_get(COUNTER_EVENT_UNTIMED);

	add_rule(
	    f, "s",
	    "sequence [any where event.action == \"login\"] [any where event.action == \"b\"]");
	add_threshold(f, "t", 1, NAMES("user.name"));
	suppress(f, add_rule(f, "alone", "any where event.action == \"login\""), 0, true,
		 NAMES("user.name"));
	start(f);
	feed_json(f, STR("{\"id\":\"x\"," USER("root") "}"));
	feed_json(f, STR("{\"id\":\"y\"," USER("root") "}"));
	assert_int_equal(counter_get(COUNTER_EVENT_UNTIMED) - untimed, 2);
	/* What one event decides is still found, and suppressed by nothing. */
	expect(f, "alone x/root\nalone y/root\n");
}

#define PROCESS(name, id, parent)                                                                \
	"\"event\":{\"category\":\"process\",\"action\":\"exec\"},\"process\":{\"name\":\"" name \
	"\",\"entity_id\":\"" id "\",\"parent\":{\"entity_id\":\"" parent "\"}}"
#define FILE_OF(id)                                                                             \
	"\"event\":{\"category\":\"file\",\"action\":\"creation\"},\"process\":{\"entity_id\":" \
	"\"" id "\"}"

/* A rule of Elastic Endpoint's dialect, and perhaps an exception from it. */
static void add_endpoint_rule(struct fixture *f, const char *id, const char *query,
			      const char *exception)
{
	const struct eql_options options = {.dialect = EQL_DIALECT_ENDPOINT};
	struct rule *rule = add_rule(f, id, "any where true");
	struct eql_query *except;

	assert_int_equal(eql_compile(&f->rules.arena, f->fields, str_from(query), &options,
				     &f->diags, &rule->query),
			 0);
	if (!exception)
		return;
	assert_int_equal(eql_compile(&f->rules.arena, f->fields, str_from(exception), &options,
				     &f->diags, &except),
			 0);
	rule->exceptions = ARENA_NEW(&f->rules.arena, struct rule_exception);
	rule->exceptions->cond = except->filters[0].cond;
	rule->exception_count = 1;
}

static void process_relations_are_followed(void **state)
{
	struct fixture *f = *state;

	add_endpoint_rule(f, "r",
			  "file where event.action == \"creation\" and descendant of "
			  "[process where process.name == \"sshd\"]",
			  NULL);
	start(f);
	feed(f, 1, "p1", PROCESS("sshd", "1", "0"));
	feed(f, 2, "p2", PROCESS("bash", "2", "1"));
	feed(f, 3, "p3", PROCESS("vi", "3", "2"));
	feed(f, 4, "p4", PROCESS("vi", "4", "0"));
	feed(f, 5, "f1", FILE_OF("3"));
	feed(f, 6, "f2", FILE_OF("4"));
	detector_finish(f->detector);
	expect(f, "r f1\n");
}

/* Who is excepted starts nothing and does nothing, but stays the parent of who does. */
static void exceptions_hold_for_every_stage_and_no_relation(void **state)
{
	struct fixture *f = *state;

	add_endpoint_rule(f, "r",
			  "file where event.action == \"creation\" and descendant of "
			  "[process where process.name == \"sshd\"]",
			  "any where process.name == \"sshd\"");
	add_endpoint_rule(
	    f, "s", "sequence [any where event.action == \"a\"] [any where event.action == \"b\"]",
	    "any where user.name == \"root\"");
	start(f);
	feed(f, 1, "p1", PROCESS("sshd", "1", "0"));
	feed(f, 2, "p2", PROCESS("bash", "2", "1"));
	feed(f, 3, "f1", FILE_OF("2"));
	feed(f, 4, "f2", FILE_OF("1") ",\"process.name\":\"sshd\"");
	feed(f, 5, "a1", ACTION("a") ",\"user\":{\"name\":\"root\"}");
	feed(f, 6, "b1", ACTION("b"));
	feed(f, 7, "a2", ACTION("a"));
	feed(f, 8, "b2", ACTION("b") ",\"user\":{\"name\":\"root\"}");
	detector_flush(f->detector);
	expect(f, "r f1\n");
	feed(f, 9, "b3", ACTION("b"));
	detector_finish(f->detector);
	expect(f, "s a2 b3\n");
}

/* An event that is looked for and a parent that is asked for may be described in the same words. */
static void an_exception_leaves_a_relation_of_the_same_words_alone(void **state)
{
	struct fixture *f = *state;

	add_endpoint_rule(f, "s",
			  "sequence [process where process.name == \"sshd\"] "
			  "[file where event.action == \"creation\" and descendant of "
			  "[process where process.name == \"sshd\"]]",
			  "any where event.id == \"p1\"");
	start(f);
	feed(f, 1, "p1", PROCESS("sshd", "1", "0") ",\"event.id\":\"p1\"");
	feed(f, 2, "p2", PROCESS("sshd", "2", "0"));
	feed(f, 3, "p3", PROCESS("bash", "3", "1"));
	feed(f, 4, "f1", FILE_OF("3"));
	detector_finish(f->detector);
	expect(f, "s p2 f1\n");
}

static void thresholds_count_in_a_window(void **state)
{
	struct fixture *f = *state;

	add_threshold(f, "t", 3, NAMES("user.name"));
	start(f);
	feed(f, 0, "a", USER("root"));
	feed(f, 1, "b", USER("root"));
	feed(f, 2, "other", USER("www"));
	/* Of nobody: in no group. */
	feed(f, 3, "nobody", LOGIN);
	feed(f, 10, "c", USER("root"));
	detector_flush(f->detector);
	expect(f, "t a b c|root n=3\n");
	/* Used up; and what is older than the look-back counts no more. */
	feed(f, 11, "d", USER("root"));
	feed(f, 12, "e", USER("root"));
	feed(f, 21.5, "f", USER("root"));
	detector_flush(f->detector);
	expect(f, "");
	feed(f, 22, "g", USER("root"));
	detector_flush(f->detector);
	expect(f, "t e f g|root n=3\n");
}

static void thresholds_without_fields_count_all(void **state)
{
	struct fixture *f = *state;

	add_threshold(f, "t", 2, (const char *const[]){NULL});
	start(f);
	feed(f, 0, "a", USER("root"));
	feed(f, 1, "b", LOGIN);
	detector_finish(f->detector);
	expect(f, "t a b n=2\n");
}

static void thresholds_make_a_group_of_each_combination(void **state)
{
	struct fixture *f = *state;

	add_threshold(f, "t", 2, NAMES("user.name", "host.ip"));
	start(f);
	feed(f, 0, "a", USER("root") ",\"host\":{\"ip\":[\"1\",\"2\",\"1\"]}");
	detector_flush(f->detector);
	expect(f, "");
	feed(f, 1, "b", USER("root") ",\"host\":{\"ip\":[\"2\",\"3\",\"1\"]}");
	detector_finish(f->detector);
	expect(f, "t a b|root,2 n=2\nt a b|root,1 n=2\n");
}

static void thresholds_count_different_values(void **state)
{
	struct fixture *f = *state;
	struct rule *rule = add_threshold(f, "t", 3, NAMES("user.name"));

	rule->threshold.has_cardinality = true;
	rule->threshold.cardinality_name = STR("source.ip");
	rule->threshold.cardinality_field = (uint32_t)field_set_demand(f->fields, STR("source.ip"));
	rule->threshold.cardinality_value = 2;
	start(f);
#define FROM(ip) USER("root") ",\"source\":{\"ip\":" ip "}"
	feed(f, 0, "a", FROM("\"1\""));
	feed(f, 1, "b", FROM("\"2\""));
	feed(f, 11, "c", FROM("\"1\""));
	feed(f, 12, "d", FROM("\"1\""));
	feed(f, 13, "e", USER("root"));
	detector_flush(f->detector);
	/* Enough of them, but all from one address: the 2 is too long ago. */
	expect(f, "");
	feed(f, 14, "f", FROM("[\"3\",\"1\"]"));
	detector_flush(f->detector);
	expect(f, "t c d e f|root n=4 c=2\n");
}

static void thresholds_show_the_latest_of_many(void **state)
{
	struct fixture *f = *state;
	const uint64_t many = THRESHOLD_EVENTS_SHOWN + 50;
	char id[16];

	add_threshold(f, "t", many, NAMES("user.name"));
	start(f);
	for (uint64_t i = 0; i < many; i++) {
		snprintf(id, sizeof(id), "e%d", (int)i);
		feed(f, 0.01 * (double)i, id, USER("root"));
	}
	detector_flush(f->detector);
	buf_add_char(&f->found, '\0');
	assert_true(str_starts(buf_str(&f->found), STR("t e50 e51 ")));
	assert_non_null(strstr(f->found.p, " e149|root n=150\n"));
}

static void new_terms_are_those_not_seen_in_the_history(void **state)
{
	struct fixture *f = *state;

	add_new_terms(f, "n", NAMES("user.name"));
	start(f);
	feed(f, 0, "a", USER("root"));
	feed(f, 5, "b", USER("root"));
	feed(f, 15, "c", USER("root"));
	feed(f, 25.5, "d", USER("root"));
	feed(f, 26, "e", LOGIN);
	detector_finish(f->detector);
	expect(f, "n a|root\nn d|root\n");
}

static void new_terms_are_combinations_of_single_values(void **state)
{
	struct fixture *f = *state;

	add_new_terms(f, "n", NAMES("user.name", "host.ip"));
	start(f);
	feed(f, 0, "a", USER("root") ",\"host\":{\"ip\":[\"1\",\"2\"]}");
	feed(f, 1, "b", USER("root") ",\"host\":{\"ip\":[\"2\",\"3\"]}");
	feed(f, 2, "c", USER("www") ",\"host\":{\"ip\":\"3\"}");
	feed(f, 3, "d", USER("www"));
	detector_finish(f->detector);
	expect(f, "n a|root,1\nn a|root,2\nn b|root,3\nn c|www,3\n");
}

static uint64_t suppressed_of_first_rule;

static void on_report(void *context, const struct rule *rule, uint64_t suppressed,
		      uint64_t withheld)
{
	struct fixture *f = context;

	assert_int_equal(withheld, 0);
	assert_ptr_equal(rule, f->rules.rules[0]);
	suppressed_of_first_rule = suppressed;
}

static void suppression_lets_one_of_a_group_through(void **state)
{
	struct fixture *f = *state;

	suppress(f, add_rule(f, "p", "any where event.action == \"login\""), 10 * SECOND, true,
		 NAMES("user.name", "host.ip"));
	start(f);
	feed(f, 0, "a", USER("root"));
	feed(f, 1, "b", USER("root"));
	feed(f, 2, "c", USER("www"));
	feed(f, 9.9, "d", USER("root"));
	feed(f, 10, "e", USER("root"));
	feed(f, 11, "f", USER("root") ",\"host\":{\"ip\":[\"1\",\"2\"]}");
	feed(f, 12, "g", USER("root") ",\"host\":{\"ip\":[\"2\",\"1\"]}");
	detector_finish(f->detector);
	expect(f, "p a/root,-\np c/www,-\np e/root,- s=2\np f/root,[]\n");
	detector_report(f->detector, on_report, f);
	assert_int_equal(suppressed_of_first_rule, 3);
}

static void suppression_may_leave_missing_fields_alone(void **state)
{
	struct fixture *f = *state;

	suppress(f, add_rule(f, "p", "any where event.action == \"login\""), 10 * SECOND, false,
		 NAMES("user.name"));
	start(f);
	feed(f, 0, "a", LOGIN);
	feed(f, 1, "b", LOGIN);
	feed(f, 2, "c", USER("x"));
	feed(f, 3, "d", USER("x"));
	detector_finish(f->detector);
	expect(f, "p a/-\np b/-\np c/x\n");
}

static void suppression_groups_sequences_by_what_their_events_share(void **state)
{
	struct fixture *f = *state;
	struct rule *rule = add_rule(
	    f, "s", "sequence [any where event.action == \"a\"] [any where event.action == \"b\"]");

	suppress(f, rule, 0, true, NAMES("user.name", "host.id"));
	start(f);
#define BY(action, host) \
	ACTION(action) ",\"user\":{\"name\":\"root\"},\"host\":{\"id\":\"" host "\"}"
	feed(f, 0, "a1", BY("a", "h1"));
	feed(f, 1, "b1", BY("b", "h1"));
	feed(f, 2, "a2", BY("a", "h1"));
	feed(f, 3, "b2", BY("b", "h2"));
	feed(f, 4, "a3", BY("a", "h2"));
	feed(f, 5, "b3", BY("b", "h1"));
	detector_finish(f->detector);
	expect(f, "s a1 b1/root,h1\ns a2 b2/root,-\n");
}

static void suppression_of_thresholds_is_by_their_fields(void **state)
{
	struct fixture *f = *state;
	struct rule *rule = add_threshold(f, "t", 1, NAMES("user.name"));

	rule->suppressed = true;
	rule->suppression.duration_ns = 5 * SECOND;
	start(f);
	feed(f, 0, "a", USER("root"));
	feed(f, 1, "b", USER("root"));
	feed(f, 2, "c", USER("www"));
	feed(f, 6, "d", USER("root"));
	detector_finish(f->detector);
	expect(f, "t a|root/root n=1\nt c|www/www n=1\nt d|root/root n=1 s=1\n");
}

/* ---- the same events in another order, and with a restart ---- */

/* xorshift64*, so that a failure is the same on every machine. */
static uint64_t random_state = 88172645463325252ull;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 2685821657736338717ull) >> 32) % n;
}

static void add_all_kinds(struct fixture *f)
{
	add_rule(f, "plain", "any where event.action == \"x\"");
	add_rule(f, "seq",
		 "sequence by user.name with maxspan=8s [any where event.action == \"a\"] "
		 "[any where event.action == \"b\"] until [any where event.action == \"x\"]");
	add_rule(f, "gap",
		 "sequence by user.name with maxspan=3s [any where event.action == \"a\"] "
		 "![any where event.action == \"b\"]");
	add_rule(f, "sample",
		 "sample by host.id [any where event.action == \"a\"] "
		 "[any where event.action == \"login\"]");
	struct rule *rule = add_threshold(f, "thr", 4, NAMES("user.name"));

	rule->threshold.has_cardinality = true;
	rule->threshold.cardinality_name = STR("host.id");
	rule->threshold.cardinality_field = (uint32_t)field_set_demand(f->fields, STR("host.id"));
	rule->threshold.cardinality_value = 2;
	add_new_terms(f, "new", NAMES("user.name", "host.id"));
	add_endpoint_rule(f, "rel",
			  "any where event.action == \"b\" and descendant of "
			  "[process where process.name == \"p1\" and event.action == \"x\"]",
			  NULL);
	suppress(f, add_rule(f, "few", "any where event.action == \"b\""), 6 * SECOND, true,
		 NAMES("user.name"));
}

/* Different times, so that there is one order. */
struct made {
	int64_t time_ns;
	int64_t sent_ns; /* by which they are shuffled: less than the tolerance later */
	char json[400];
};

static void make_events(struct made *made, uint32_t count)
{
	static const char *const actions[] = {"a", "b", "login", "login", "login", "x", "none"};
	char time[CLOCK_TEXT_MAX];
	int64_t now = BEGIN;

	for (uint32_t i = 0; i < count; i++) {
		now += 1 + random_below(900) * NS_PER_MS;
		made[i].time_ns = now;
		made[i].sent_ns = now + random_below(2000) * NS_PER_MS;
		snprintf(
		    made[i].json, sizeof(made[i].json),
		    "{\"id\":\"e%u\",\"@timestamp\":\"%s\",\"event\":{\"category\":\"process\","
		    "\"action\":\"%s\"},\"process\":{\"name\":\"p%u\",\"entity_id\":\"%u\","
		    "\"parent\":{\"entity_id\":\"%u\"}},"
		    "\"user\":{\"name\":\"u%u\"},\"host\":{\"id\":\"h%u\"}}",
		    i, clock_format(now, time).p,
		    actions[random_below(sizeof(actions) / sizeof(*actions))], random_below(3),
		    i / 50 * 20 + random_below(20), i / 50 * 20 + random_below(20), random_below(3),
		    random_below(4));
	}
}

static int by_sent(const void *a, const void *b)
{
	const struct made *x = a, *y = b;

	return (x->sent_ns > y->sent_ns) - (x->sent_ns < y->sent_ns);
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Its lines sorted: rules without order alert at once, so lines of different rules may change
 * places. */
static void sort_lines(struct buf *text)
{
	char *lines[8192];
	uint32_t n = 0;
	struct buf sorted = {0};

	buf_add_char(text, '\0');
	for (char *line = strtok(text->p, "\n"); line; line = strtok(NULL, "\n"))
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), by_line);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(&sorted, "%s\n", lines[i]);
	buf_add_char(&sorted, '\0');
	buf_free(text);
	*text = sorted;
}

/* What a new detector finds in them. */
static struct buf run(struct fixture *f, const struct made *made, uint32_t count)
{
	struct buf found;

	detector_free(f->detector);
	start_detector(f);
	f->arrived = 0;
	f->stream_ns = INT64_MIN;
	for (uint32_t i = 0; i < count; i++)
		feed_json(f, str_from(made[i].json));
	detector_finish(f->detector);
	found = f->found;
	f->found = (struct buf){0};
	sort_lines(&found);
	return found;
}

#define EVENTS 300

static void disorder_within_the_tolerance_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t late = counter_get(COUNTER_EVENT_LATE);
	static struct made made[EVENTS];
	int found[RULES_MAX] = {0};

	add_all_kinds(f);
	assert_true(f->rules.count <= RULES_MAX);
	start(f);
	for (int round = 0; round < 50; round++) {
		make_events(made, EVENTS);
		struct buf sorted = run(f, made, EVENTS);

		qsort(made, EVENTS, sizeof(*made), by_sent);
		struct buf shuffled = run(f, made, EVENTS);

		assert_string_equal(sorted.p, shuffled.p);
		for (uint32_t i = 0; i < f->rules.count; i++)
			found[i] += strstr(sorted.p, f->rules.rules[i]->id.p) != NULL;
		buf_free(&sorted);
		buf_free(&shuffled);
	}
	/* Each kind of rule finds something in most rounds. */
	for (uint32_t i = 0; i < f->rules.count; i++)
		assert_true(found[i] > 25);
	assert_int_equal(counter_get(COUNTER_EVENT_LATE), late);
}

/* Rules that sleep and wake, each in another way. */
static void add_sleepers(struct fixture *f)
{
	add_rule(f, "until",
		 "sequence by user.name with maxspan=2s [any where event.action == \"a\"] "
		 "[any where event.action == \"login\"] until [any where event.action == \"x\"]");
	add_rule(f, "before",
		 "sequence by user.name with maxspan=2s ![any where event.action == \"login\"] "
		 "[any where event.action == \"a\"] [any where event.action == \"b\"]");
	add_rule(f, "between",
		 "sequence by user.name with maxspan=3s [any where event.action == \"a\"] "
		 "![any where event.action == \"login\"] [any where event.action == \"b\"]");
	add_rule(f, "after",
		 "sequence by user.name with maxspan=2s [any where event.action == \"a\"] "
		 "![any where event.action == \"login\"]");
	add_endpoint_rule(f, "begins",
			  "sequence by user.name with maxspan=5s [any where event.action == \"a\" "
			  "and descendant of [process where process.name == \"p1\" and "
			  "event.action == \"x\"]] [any where event.action == \"b\"]",
			  NULL);
	add_endpoint_rule(f, "child",
			  "any where event.action == \"b\" and child of "
			  "[process where process.name == \"p1\" and event.action == \"x\"]",
			  NULL);
	add_endpoint_rule(f, "none",
			  "any where event.action == \"b\" and not descendant of "
			  "[process where process.name == \"p1\" and event.action == \"x\"]",
			  NULL);
	add_endpoint_rule(
	    f, "either",
	    "any where event.action == \"x\" and (user.name == \"u1\" or descendant of "
	    "[process where process.name == \"p2\" and event.action == \"login\"])",
	    NULL);
}

/* What a hit that goes no further would have changed is nothing, late or not. */
static void rules_wake_when_they_must(void **state)
{
	struct fixture *f = *state;
	static struct made made[EVENTS];
	int found[RULES_MAX] = {0};

	f->options.tolerance_ns = SECOND;
	add_sleepers(f);
	start(f);
	for (int round = 0; round < 50; round++) {
		make_events(made, EVENTS);
		if (round % 2)
			qsort(made, EVENTS, sizeof(*made), by_sent);
		f->open_gates = false;
		struct buf some = run(f, made, EVENTS);

		f->open_gates = true;
		struct buf all = run(f, made, EVENTS);

		assert_string_equal(some.p, all.p);
		for (uint32_t i = 0; i < f->rules.count; i++)
			found[i] += strstr(all.p, f->rules.rules[i]->id.p) != NULL;
		buf_free(&some);
		buf_free(&all);
	}
	for (uint32_t i = 0; i < f->rules.count; i++)
		assert_true(found[i] > 10);
}

static const char *state_file(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/lintel-detector-%d.ndjson", (int)getpid());
	return path;
}

static void restart(struct fixture *f)
{
	assert_int_equal(detector_save(f->detector, state_file()), 0);
	detector_free(f->detector);
	start_detector(f);
	assert_int_equal(detector_load(f->detector, state_file(), f->reader), 0);
	unlink(state_file());
	/* A run's events are numbered from one again. */
	f->arrived = 0;
}

static void a_restart_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t dropped = counter_get(COUNTER_STATE_DROPPED);
	static struct made made[EVENTS];

	add_all_kinds(f);
	start(f);
	for (int round = 0; round < 50; round++) {
		make_events(made, EVENTS);
		if (round & 1)
			qsort(made, EVENTS, sizeof(*made), by_sent);
		struct buf whole = run(f, made, EVENTS);

		detector_free(f->detector);
		start_detector(f);
		f->stream_ns = INT64_MIN;
		for (uint32_t i = 0; i < EVENTS; i++) {
			if (random_below(20) == 0)
				restart(f);
			feed_json(f, str_from(made[i].json));
		}
		detector_finish(f->detector);
		sort_lines(&f->found);
		assert_string_equal(whole.p, f->found.p);
		buf_reset(&f->found);
		buf_free(&whole);
	}
	assert_int_equal(counter_get(COUNTER_STATE_DROPPED), dropped);
}

/* What was found because time passed must not be found once more after a restart. */
static void what_time_decides_changes_the_state(void **state)
{
	struct fixture *f = *state;
	uint64_t changes;

	add_rule(f, "s",
		 "sequence with maxspan=5s [any where event.action == \"a\"] "
		 "![any where event.action == \"b\"]");
	start(f);
	feed(f, 1, "a1", ACTION("a"));
	detector_advance(f->detector, BEGIN + 4 * SECOND);
	changes = detector_changes(f->detector);
	detector_advance(f->detector, BEGIN + 9 * SECOND);
	expect(f, "s a1 -\n");
	assert_int_not_equal(detector_changes(f->detector), changes);
	restart(f);
	detector_advance(f->detector, BEGIN + 20 * SECOND);
	expect(f, "");
}

static void state_of_a_changed_rule_is_dropped(void **state)
{
	struct fixture *f = *state;
	uint64_t dropped = counter_get(COUNTER_STATE_DROPPED);
	struct rule *rule = add_threshold(f, "t", 2, NAMES("user.name"));

	add_new_terms(f, "n", NAMES("user.name"));
	start(f);
	feed(f, 0, "a", USER("root"));
	detector_flush(f->detector);
	expect(f, "n a|root\n");
	assert_int_equal(detector_save(f->detector, state_file()), 0);
	detector_free(f->detector);
	rule->query_text = STR("another query");
	start_detector(f);
	assert_int_equal(detector_load(f->detector, state_file(), f->reader), 0);
	assert_int_equal(counter_get(COUNTER_STATE_DROPPED) - dropped, 1);
	feed(f, 1, "b", USER("root"));
	detector_finish(f->detector);
	expect(f, "");
	unlink(state_file());
}

static void write_file(const char *content)
{
	FILE *file = fopen(state_file(), "w");

	assert_non_null(file);
	fputs(content, file);
	assert_int_equal(fclose(file), 0);
}

static void what_is_no_state_is_not_loaded(void **state)
{
	struct fixture *f = *state;
	uint64_t dropped = counter_get(COUNTER_STATE_DROPPED);
	static const char *const wrong[] = {"",
					    "\n",
					    "{\"lintel\":\"detector state\",\"version\":1}",
					    "{\"lintel\":\"detector state\",\"version\":2}\n",
					    "{\"version\":1}\n",
					    "\x7f"
					    "ELF\n"};

	add_new_terms(f, "n", NAMES("user.name"));
	start(f);
	unlink(state_file());
	assert_int_equal(detector_load(f->detector, state_file(), f->reader), -ENOENT);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		write_file(wrong[i]);
		assert_int_equal(detector_load(f->detector, state_file(), f->reader), -EINVAL);
	}
	assert_int_equal(counter_get(COUNTER_STATE_DROPPED), dropped);
	unlink(state_file());
}

/* Whatever a line says, the lines that are right are taken, and the damage is counted once. */
static void damaged_lines_are_left_out(void **state)
{
	struct fixture *f = *state;
	static const char *const lines[] = {
	    "no JSON",
	    "{\"unknown\":1}",
	    "{\"machine\":true}\n{}",
	    "{\"counted\":{\"time\":1}}",
	    "{\"group\":{\"fields\":2,\"keys\":[1]}}",
	    "{\"terms\":{\"hashes\":[\"xy\"],\"times\":[1]}}",
	    "{\"terms\":{\"hashes\":[\"0000000000000000000000000000000g\"],\"times\":[1]}}",
	    "{\"terms\":{\"hashes\":[\"00000000000000000000000000000000\"],\"times\":[\"1\"]}}",
	    "{\"terms\":{\"hashes\":[\"00000000000000000000000000000000\"],\"times\":[]}}",
	    "{\"suppressed\":{\"hash\":\"00000000000000000000000000000000\"}}",
	    "{\"waiting\":{\"arrival\":1,\"document\":\"[]\",\"rules\":[\"n\"]}}",
	};
	struct buf text = {0};

	add_new_terms(f, "n", NAMES("user.name"));
	start(f);
	feed(f, 0, "a", USER("root"));
	detector_flush(f->detector);
	expect(f, "n a|root\n");
	assert_int_equal(detector_save(f->detector, state_file()), 0);
	FILE *file = fopen(state_file(), "r");
	char line[4096];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		buf_add(&text, str_from(line));
	fclose(file);
	buf_add_char(&text, '\0');
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		uint64_t dropped = counter_get(COUNTER_STATE_DROPPED);
		const char *rest = strchr(strchr(text.p, '\n') + 1, '\n') + 1;
		struct buf damaged = {0};

		buf_add(&damaged, (struct str){text.p, (size_t)(rest - text.p)});
		buf_printf(&damaged, "%s\n%s", lines[i], rest);
		buf_add_char(&damaged, '\0');
		write_file(damaged.p);
		buf_free(&damaged);
		detector_free(f->detector);
		start_detector(f);
		assert_int_equal(detector_load(f->detector, state_file(), f->reader), 0);
		assert_int_equal(counter_get(COUNTER_STATE_DROPPED) - dropped, 1);
		feed(f, 1, "b", USER("root"));
		detector_flush(f->detector);
		expect(f, "");
	}
	buf_free(&text);
	unlink(state_file());
}

static void memory_is_bounded_and_loss_counted(void **state)
{
	struct fixture *f = *state;
	static const enum counter causes[] = {COUNTER_NEW_TERMS_EVICTED, COUNTER_THRESHOLD_EVICTED,
					      COUNTER_SUPPRESSION_EVICTED};
	uint64_t before[3];
	char members[128], id[16];

	add_threshold(f, "t", 1000, NAMES("user.name"))->lookback_ns = 1000000 * SECOND;
	add_new_terms(f, "n", NAMES("user.name"))->new_terms.history_ns = 1000000 * SECOND;
	suppress(f, add_rule(f, "p", "any where event.action == \"login\""), 1000000 * SECOND, true,
		 NAMES("user.name"));
	f->options.bytes_max = 400000;
	start(f);
	for (int i = 0; i < 3; i++)
		before[i] = counter_get(causes[i]);
	for (int i = 0; i < 5000; i++) {
		snprintf(members, sizeof(members), LOGIN ",\"user\":{\"name\":\"user%d\"}", i);
		snprintf(id, sizeof(id), "e%d", i);
		feed(f, 10.0 * i, id, members);
		assert_true(group_table_bytes(&f->detector->thresholds) <=
			    f->detector->thresholds.bytes_max);
		assert_true(group_table_bytes(&f->detector->terms) <= f->detector->terms.bytes_max);
		assert_true(group_table_bytes(&f->detector->suppressions) <=
			    f->detector->suppressions.bytes_max);
	}
	for (int i = 0; i < 3; i++)
		assert_true(counter_get(causes[i]) > before[i]);
	/* The one seen last is still known, the first no more. */
	detector_flush(f->detector);
	buf_reset(&f->found);
	feed(f, 60000, "again", members);
	detector_flush(f->detector);
	expect(f, "");
	feed(f, 60001, "first", LOGIN ",\"user\":{\"name\":\"user0\"}");
	detector_flush(f->detector);
	expect(f, "n first|user0\np first/user0\n");
}

static void waiting_memory_is_bounded(void **state)
{
	struct fixture *f = *state;
	uint64_t full = counter_get(COUNTER_REORDER_FULL);
	char id[16];

	add_rule(f, "s",
		 "sequence [any where event.action == \"none\"] [any where "
		 "event.action == \"b\"]");
	f->options.bytes_max = 100000;
	f->options.tolerance_ns = 1000 * SECOND;
	start(f);
	for (int i = 0; i < 500; i++) {
		snprintf(id, sizeof(id), "e%d", i);
		feed(f, i, id, ACTION("b"));
		assert_true(f->detector->reorder.bytes <= f->detector->reorder.bytes_max);
	}
	assert_true(counter_get(COUNTER_REORDER_FULL) > full);
}

static void tuples_are_bounded(void **state)
{
	struct fixture *f = *state;
	uint64_t cut = counter_get(COUNTER_KEYS_CUT);
	struct buf members = {0};

	add_new_terms(f, "n", NAMES("user.name", "host.ip"));
	start(f);
	buf_add(&members, STR(LOGIN ",\"user\":{\"name\":[0"));
	for (int i = 1; i < 100; i++)
		buf_printf(&members, ",%d", i);
	buf_add(&members, STR("]},\"host\":{\"ip\":[0"));
	for (int i = 1; i < 2000; i++)
		buf_printf(&members, ",%d", i);
	buf_add(&members, STR("]}"));
	buf_add_char(&members, '\0');
	feed(f, 0, "a", members.p);
	detector_finish(f->detector);
	assert_int_equal(counter_get(COUNTER_KEYS_CUT) - cut, 1);
	uint32_t lines = 0;

	for (size_t i = 0; i < f->found.len; i++)
		lines += f->found.p[i] == '\n';
	assert_int_equal(lines, 1000); /* max_signals, of the GROUP_TUPLES_MAX */
	buf_free(&members);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(stateless_rules_wait_for_nothing),
	    TEST(order_is_restored_within_the_tolerance),
	    TEST(what_begins_may_come_after_what_goes_on),
	    TEST(what_begins_outlives_its_batch),
	    TEST(what_is_too_late_is_counted_and_joins_nothing_before_it),
	    TEST(time_alone_decides_what_must_be_missing),
	    TEST(events_without_a_time_have_no_place),
	    TEST(process_relations_are_followed),
	    TEST(exceptions_hold_for_every_stage_and_no_relation),
	    TEST(an_exception_leaves_a_relation_of_the_same_words_alone),
	    TEST(thresholds_count_in_a_window),
	    TEST(thresholds_without_fields_count_all),
	    TEST(thresholds_make_a_group_of_each_combination),
	    TEST(thresholds_count_different_values),
	    TEST(thresholds_show_the_latest_of_many),
	    TEST(new_terms_are_those_not_seen_in_the_history),
	    TEST(new_terms_are_combinations_of_single_values),
	    TEST(suppression_lets_one_of_a_group_through),
	    TEST(suppression_may_leave_missing_fields_alone),
	    TEST(suppression_groups_sequences_by_what_their_events_share),
	    TEST(suppression_of_thresholds_is_by_their_fields),
	    TEST(disorder_within_the_tolerance_changes_nothing),
	    TEST(rules_wake_when_they_must),
	    TEST(a_restart_changes_nothing),
	    TEST(what_time_decides_changes_the_state),
	    TEST(state_of_a_changed_rule_is_dropped),
	    TEST(what_is_no_state_is_not_loaded),
	    TEST(damaged_lines_are_left_out),
	    TEST(memory_is_bounded_and_loss_counted),
	    TEST(waiting_memory_is_bounded),
	    TEST(tuples_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
