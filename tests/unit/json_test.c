/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/json_writer.h"
#include "event/json.h"

/* One reader over a few demanded fields, and the buffer its documents need behind them. */
struct fixture {
	struct field_set *fields;
	struct event_reader *reader;
	struct event event;
	char *text;
	const char *why;
};

static uint32_t demand(struct fixture *f, const char *name)
{
	return (uint32_t)field_set_demand(f->fields, str_from(name));
}

static int set_up(void **state)
{
	static const char *const names[] = {
	    "@timestamp",
	    "event.sequence",
	    "process.name",
	    "process.parent.name",
	    "process.pid",
	    "process.args",
	    "x",
	    "a.b.c",
	    "flag.enabled",
	    "a.very.long.dotted.name.of.a.field",
	};
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->fields = field_set_new();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		demand(f, names[i]);
	f->reader = event_reader_new(f->fields, NULL);
	event_init(&f->event, f->fields);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	event_reader_free(f->reader);
	event_free(&f->event);
	field_set_free(f->fields);
	free(f->text);
	free(f);
	return 0;
}

/* The padding is filled with what would be a continuation, to catch reads that believe it. */
static int read_bytes(struct fixture *f, const char *json, size_t len)
{
	free(f->text);
	f->text = xmalloc(len + EVENT_JSON_PADDING);
	memcpy(f->text, json, len);
	memset(f->text + len, '}', EVENT_JSON_PADDING);
	event_reset(&f->event);
	f->why = NULL;
	return event_read_json(f->reader, (struct str){f->text, len}, &f->event, &f->why);
}

static int read_text(struct fixture *f, const char *json)
{
	return read_bytes(f, json, strlen(json));
}

static const struct value *field(struct fixture *f, const char *name)
{
	int32_t id = field_set_find(f->fields, str_from(name));

	assert_true(id >= 0);
	return event_get(&f->event, (uint32_t)id);
}

static void assert_str(const struct value *v, const char *text)
{
	assert_int_equal(v->type, VALUE_STRING);
	assert_int_equal(v->count, strlen(text));
	assert_memory_equal(v->text, text, v->count);
}

static void reads_nested_dotted_and_mixed_names(void **state)
{
	static const char *const documents[] = {
	    "{\"process\":{\"parent\":{\"name\":\"sh\"},\"pid\":7},\"a\":{\"b\":{\"c\":true}}}",
	    "{\"process.parent.name\":\"sh\",\"process.pid\":7,\"a.b.c\":true}",
	    "{\"process\":{\"parent.name\":\"sh\",\"pid\":7},\"a.b\":{\"c\":true}}",
	    "{\"process.parent\":{\"name\":\"sh\"},\"process\":{\"pid\":7},\"a\":{\"b.c\":true}}",
	    " { \"process.pid\" : 7 ,\t\"process.parent.name\":\n\"sh\" , \"a.b.c\" : true } \r",
	    "{\"pro\\u0063ess\":{\"parent.name\":\"\\u0073h\",\"pid\":7},\"a\\u002eb.c\":true}",
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		assert_int_equal(read_text(*state, documents[i]), 0);
		assert_str(field(*state, "process.parent.name"), "sh");
		assert_int_equal(field(*state, "process.pid")->type, VALUE_INT);
		assert_int_equal(field(*state, "process.pid")->integer, 7);
		assert_int_equal(field(*state, "a.b.c")->type, VALUE_BOOL);
		assert_true(field(*state, "a.b.c")->boolean);
		assert_int_equal(field(*state, "process.name")->type, VALUE_NULL);
	}
	assert_int_equal(
	    read_text(*state, "{\"a.very\":{\"long.dotted.name.of\":{\"a.field\":1}}}"), 0);
	assert_int_equal(field(*state, "a.very.long.dotted.name.of.a.field")->integer, 1);
	assert_int_equal(read_text(*state, "{\"a.very.long.dotted.name.of.b.field\":1}"), 0);
	assert_int_equal(((struct fixture *)*state)->event.filled_count, 0);
}

static void flattens_arrays_and_takes_all_duplicates(void **state)
{
	assert_int_equal(read_text(*state,
				   "{\"process\":[{\"args\":[\"a\",[\"b\",null]]},{\"args\":"
				   "[]},{\"args\":\"c\"}],\"x\":[null],\"x\":null}"),
			 0);
	const struct value *v = field(*state, "process.args");

	assert_int_equal(v->type, VALUE_LIST);
	assert_int_equal(v->count, 3);
	assert_str(&v->items[0], "a");
	assert_str(&v->items[1], "b");
	assert_str(&v->items[2], "c");
	assert_int_equal(field(*state, "x")->type, VALUE_NULL);
	assert_int_equal(read_text(*state, "{\"x\":1,\"x\":\"two\",\"x\":[3.5]}"), 0);
	v = field(*state, "x");
	assert_int_equal(v->count, 3);
	assert_int_equal(v->items[0].integer, 1);
	assert_str(&v->items[1], "two");
	assert_true(v->items[2].real == 3.5);
	/* An object where a value is wanted is none. */
	assert_int_equal(read_text(*state, "{\"x\":{\"y\":1},\"process\":5}"), 0);
	assert_int_equal(((struct fixture *)*state)->event.filled_count, 0);
}

static void cuts_lists_and_counts_it(void **state)
{
	struct buf b = {0};
	uint64_t before = counter_get(COUNTER_INPUT_VALUES_CUT);

	buf_add(&b, STR("{\"x\":[0"));
	for (int i = 1; i < EVENT_VALUES_MAX + 10; i++)
		buf_printf(&b, ",%d", i);
	buf_add(&b, STR("]}"));
	assert_int_equal(read_bytes(*state, b.p, b.len), 0);
	assert_int_equal(field(*state, "x")->count, EVENT_VALUES_MAX);
	assert_int_equal(field(*state, "x")->items[EVENT_VALUES_MAX - 1].integer,
			 EVENT_VALUES_MAX - 1);
	assert_int_equal(counter_get(COUNTER_INPUT_VALUES_CUT) - before, 10);
	buf_free(&b);
}

static void keeps_the_types_of_numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t integer;
	} integers[] = {
	    {"0", 0},
	    {"-0", 0},
	    {"-1", -1},
	    {"9223372036854775807", INT64_MAX},
	    {"-9223372036854775808", INT64_MIN},
	};
	static const struct {
		const char *text;
		double real;
	} reals[] = {
	    {"9223372036854775808", 9223372036854775808.0},
	    {"-9223372036854775809", -9223372036854775809.0},
	    {"18446744073709551616", 18446744073709551616.0},
	    {"123456789012345678901234567890", 123456789012345678901234567890.0},
	    {"1.0", 1.0},
	    {"-2.5e3", -2500},
	    {"1E2", 100},
	    {"0.1", 0.1},
	    {"5e-324", 5e-324},
	    {"-18446744073709551616", -18446744073709551616.0},
	    {"9999999999999999999", 9999999999999999999.0},
	    {"-9999999999999999999", -9999999999999999999.0},
	    {"1e-400", 0},
	};
	char json[128];

	for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++) {
		snprintf(json, sizeof(json), "{\"x\":%s}", integers[i].text);
		assert_int_equal(read_text(*state, json), 0);
		assert_int_equal(field(*state, "x")->type, VALUE_INT);
		assert_true(field(*state, "x")->integer == integers[i].integer);
	}
	for (size_t i = 0; i < sizeof(reals) / sizeof(*reals); i++) {
		snprintf(json, sizeof(json), "{\"x\":[%s ]}", reals[i].text);
		assert_int_equal(read_text(*state, json), 0);
		assert_int_equal(field(*state, "x")->type, VALUE_DOUBLE);
		assert_true(field(*state, "x")->real == reals[i].real);
	}
}

/* What simdjson refuses is read again; the rest of the document must not change by it. */
static void mends_what_simdjson_refuses(void **state)
{
	struct fixture *f = *state;
	static const char json[] =
	    "{\"x\":[18446744073709551616,9223372036854775807,-9223372036854775808,"
	    "-9223372036854775809,1760000000000000000,12345678901234567890.5,"
	    "12345678901234567890e-5,1.5,7],\"process.name\":"
	    "\"\\\\ud800 \\\"18446744073709551616\\\" \\udcff\",\"skipped\":\"\\ud800\","
	    "\"a\\ud800\":{\"b.c\":1},\"a\":{\"b\\u002ec\":2}}";

	assert_int_equal(read_text(f, json), 0);
	const struct value *v = field(f, "x");

	assert_int_equal(v->count, 9);
	assert_true(v->items[0].type == VALUE_DOUBLE && v->items[0].real == 18446744073709551616.0);
	assert_true(v->items[1].type == VALUE_INT && v->items[1].integer == INT64_MAX);
	assert_true(v->items[2].type == VALUE_INT && v->items[2].integer == INT64_MIN);
	assert_true(v->items[3].type == VALUE_DOUBLE && v->items[3].real == -0x1p63);
	assert_true(v->items[4].type == VALUE_INT && v->items[4].integer == 1760000000000000000);
	assert_true(v->items[5].real == 12345678901234567890.5);
	assert_true(v->items[6].real == 123456789012345.67890);
	assert_true(v->items[7].real == 1.5);
	assert_true(v->items[8].type == VALUE_INT && v->items[8].integer == 7);
	assert_str(field(f, "process.name"), "\\ud800 \"18446744073709551616\" \xef\xbf\xbd");
	assert_int_equal(field(f, "a.b.c")->integer, 2);
	assert_true(str_eq(f->event.document, STR(json)));
	/* The text of a hit is the input's, also behind a key that is only JSON after mending. */
	assert_int_equal(read_text(f, "{\"\\udfff\":{},\"_source\":{\"x\":[\"\\udfff\"]}\n}"), 0);
	assert_true(str_eq(f->event.document, STR("{\"x\":[\"\\udfff\"]}")));
}

static void unescapes_strings(void **state)
{
	static const char json[] =
	    "{\"x\":[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u00e9\\u20AC\\ud83d\\ude00\",\"a\\ud83db\","
	    "\"\\ud83d\\u0041\",\"\\udE00\\\\\",\"tail \\\\\", \"\", \"a]}:,\\\"[{\"]}";

	assert_int_equal(read_text(*state, json), 0);
	const struct value *v = field(*state, "x");

	assert_int_equal(v->count, 8);
	assert_str(&v->items[0], "\"\\/\b\f\n\r\t");
	assert_str(&v->items[1], "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_str(&v->items[2], "a\xef\xbf\xbd"
				 "b");
	assert_str(&v->items[3], "\xef\xbf\xbd"
				 "A");
	assert_str(&v->items[4], "\xef\xbf\xbd\\");
	assert_str(&v->items[5], "tail \\");
	assert_str(&v->items[6], "");
	assert_str(&v->items[7], "a]}:,\"[{");
	assert_int_equal(read_text(*state, "{\"x\":\"a\\u0000b\"}"), 0);
	assert_int_equal(field(*state, "x")->count, 3);
	assert_memory_equal(field(*state, "x")->text, "a\0b", 3);
}

static void refuses_what_is_not_an_object_of_json(void **state)
{
	static const char *const documents[] = {
	    "",
	    " ",
	    "x",
	    "1",
	    "\"x\"",
	    "null",
	    "[]",
	    "[{}]",
	    "{",
	    "}",
	    "{]",
	    "{}}",
	    "{}{}",
	    "{} x",
	    "{},",
	    "{\"x\"}",
	    "{\"x\":}",
	    "{\"x\":1",
	    "{\"x\":{}",
	    "{\"x\":{",
	    "{\"x\":[",
	    "{\"x\":[}",
	    "{\"x\":[1}",
	    "{\"x\":[1,]}",
	    "{\"x\":[,1]}",
	    "{\"x\":[1 2]}",
	    "{\"x\":[1:2]}",
	    "{\"x\":1]",
	    "{\"x\":1,}",
	    "{,\"x\":1}",
	    "{\"x\":1,,\"y\":2}",
	    "{\"x\":1 \"y\":2}",
	    "{\"x\" 1}",
	    "{\"x\"::1}",
	    "{x:1}",
	    "{1:1}",
	    "{\"x\":1\"a\"}",
	    "{\"x\":\"a\"1}",
	    "{\"x\":\"a\"\"b\"}",
	    "{\"x\":tru}",
	    "{\"x\":truex}",
	    "{\"x\":True}",
	    "{\"x\":nul}",
	    "{\"x\":NaN}",
	    "{\"x\":Infinity}",
	    "{\"x\":01}",
	    "{\"x\":-}",
	    "{\"x\":+1}",
	    "{\"x\":.5}",
	    "{\"x\":1.}",
	    "{\"x\":1.e5}",
	    "{\"x\":1e}",
	    "{\"x\":1e+}",
	    "{\"x\":0x10}",
	    "{\"x\":1_0}",
	    "{\"x\":-01.5}",
	    "{\"x\":00.5}",
	    "{\"x\":1e400}",
	    "{\"x\":-1e400}",
	    "{\"x\":018446744073709551616}",
	    "{\"x\":-018446744073709551616}",
	    "{\"x\":+18446744073709551616}",
	    "{\"x\":18446744073709551616.}",
	    "{\"x\":18446744073709551616a}",
	    "{\"x\":--18446744073709551616}",
	    "{\"x\":1-18446744073709551616}",
	    "{\"x\":18446744073709551616,}",
	    "{\"x\":[18446744073709551616 1]}",
	    "{\"x\":[18446744073709551616,01]}",
	    "{\"x\":\"\\ud800\\q\"}",
	    "{\"x\":\"\\ud800\\u12\"}",
	    "{\"x\":\"\\ud800\"1}",
	    "{\"x\":\\ud800}",
	    "{\"x\":\"\\ud80\"}",
	    "{\"x\":\"\\ud800}",
	    "{\"x\":\"\\ud800\\",
	    "{\"x\":'a'}",
	    "{\"x\":\"a}",
	    "{\"x\":\"a\\\"}",
	    "{\"x\":\"\\q\"}",
	    "{\"x\":\"\\u12\"}",
	    "{\"x\":\"\\u12g4\"}",
	    "{\"x\":\"a\tb\"}",
	    "{\"x\":\"a\nb\"}",
	    "{\"x\":\"\xff\"}",
	    "{\"x\":\"\xc0\xaf\"}",
	    "{\"x\":\"\xed\xa0\x80\"}",
	    "{\"\xe9\":1}",
	    "\xef\xbb\xbf{}",
	    "{/**/}",
	    "{\"_source\":{}",
	    "{\"_source\":[}",
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		struct fixture *f = *state;
		char hidden[256];

		if (read_text(f, documents[i]) != -EINVAL)
			fail_msg("accepted: %s", documents[i]);
		assert_non_null(f->why);
		assert_int_equal(f->event.filled_count, 0);
		assert_int_equal(f->event.document.len, 0);
		/* The same in a part that nobody wants. */
		if (strncmp(documents[i], "{\"x\"", 4) != 0)
			continue;
		snprintf(hidden, sizeof(hidden), "{\"skip\":[%s]}", documents[i]);
		if (read_text(f, hidden) != -EINVAL)
			fail_msg("accepted: %s", hidden);
	}
	assert_int_equal(read_bytes(*state, "{\"x\":1}\0", 8), -EINVAL);
	assert_int_equal(read_bytes(*state, "{\"x\":\"\0\"}", 9), -EINVAL);
	assert_int_equal(read_text(*state, "{\"x\":1}"), 0);
}

/* Every proper prefix of a document is cut off, whatever stands behind it in the buffer. */
static void refuses_every_cut_document(void **state)
{
	static const char json[] =
	    "{\"process\":{\"args\":[\"a\\n\",-1.5e2,true,null,{}],\"pid\":12},"
	    "\"skipped\":{\"z\":[[],\"\\\\\"]}}";

	for (size_t len = 0; len < sizeof(json) - 1; len++)
		if (read_bytes(*state, json, len) != -EINVAL)
			fail_msg("accepted the first %zu bytes", len);
	assert_int_equal(read_bytes(*state, json, sizeof(json) - 1), 0);
}

static void nest(struct buf *b, const char *prefix, const char *open, const char *close, int depth)
{
	buf_reset(b);
	buf_add(b, str_from(prefix));
	for (int i = 0; i < depth; i++)
		buf_add(b, str_from(open));
	buf_add(b, STR("1"));
	for (int i = 0; i < depth; i++)
		buf_add(b, str_from(close));
	buf_add(b, STR("}"));
}

static void bounds_depth_also_where_nothing_is_wanted(void **state)
{
	static const char *const prefixes[] = {"{\"x\":", "{\"skipped\":", "{\"_source\":"};
	struct buf b = {0};

	for (size_t i = 0; i < 3; i++) {
		nest(&b, prefixes[i], "[", "]", EVENT_JSON_DEPTH_MAX - 1);
		assert_int_equal(read_bytes(*state, b.p, b.len), 0);
		nest(&b, prefixes[i], "[", "]", EVENT_JSON_DEPTH_MAX);
		assert_int_equal(read_bytes(*state, b.p, b.len), -E2BIG);
		nest(&b, prefixes[i], "{\"x\":", "}", 10000);
		assert_int_equal(read_bytes(*state, b.p, b.len), -E2BIG);
		nest(&b, prefixes[i], "[", "]", 10000);
		assert_int_equal(read_bytes(*state, b.p, b.len), -E2BIG);
		assert_string_equal(((struct fixture *)*state)->why, "nested too deep");
	}
	buf_free(&b);
}

static void bounds_length(void **state)
{
	struct fixture *f = *state;

	f->text = xmalloc(EVENT_JSON_BYTES_MAX + 1 + EVENT_JSON_PADDING);
	memset(f->text, ' ', EVENT_JSON_BYTES_MAX + 1);
	memcpy(f->text, "{}", 2);
	assert_int_equal(event_read_json(f->reader, (struct str){f->text, EVENT_JSON_BYTES_MAX + 1},
					 &f->event, &f->why),
			 -E2BIG);
	assert_int_equal(event_read_json(f->reader, (struct str){f->text, EVENT_JSON_BYTES_MAX},
					 &f->event, NULL),
			 0);
}

static void reads_a_search_hit_from_its_source(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    read_text(f,
		      "{\"_index\":\"i\",\"x\":\"outer\",\"_source\": {\"x\":\"inner\",\"_source\":"
		      "{\"x\":1},\"process\":{\"pid\":3}} ,\"x\":\"after\",\"sort\":[1]}"),
	    0);
	assert_str(field(f, "x"), "inner");
	assert_int_equal(field(f, "process.pid")->integer, 3);
	assert_true(str_eq(f->event.document,
			   STR("{\"x\":\"inner\",\"_source\":{\"x\":1},\"process\":{\"pid\":3}}")));
	assert_int_equal(read_text(f,
				   "{\"_source\":1,\"x\":2, \"\\u005fsource\" :\t{ } ,\"_source\":{"
				   "\"x\":3},\"x\":[{}]} "),
			 0);
	assert_int_equal(f->event.filled_count, 0);
	assert_true(str_eq(f->event.document, STR("{ }")));
	/* Not an object: a document like any other. */
	assert_int_equal(read_text(f, "{\"_source\":[{\"x\":1}],\"x\":2}"), 0);
	assert_int_equal(field(f, "x")->integer, 2);
	assert_int_equal(f->event.document.len, strlen("{\"_source\":[{\"x\":1}],\"x\":2}"));
}

static void reads_times_and_order(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} times[] = {
	    {"0", 0},
	    {"1760000000000", INT64_C(1760000000) * NS_PER_SEC},
	    {"\"1760000000000\"", INT64_C(1760000000) * NS_PER_SEC},
	    {"\"-5\"", -5 * NS_PER_MS},
	    {"1.5", 1500000},
	    {"-0.5", -500000},
	    {"\"1970-01-01T00:00:01.5Z\"", 1500 * NS_PER_MS},
	    {"[\"1970-01-01\",5]", 0},
	    {"116444736000000000", INT64_MIN},
	    {"1e300", INT64_MIN},
	    {"\"yesterday\"", INT64_MIN},
	    {"\"\"", INT64_MIN},
	    {"\"-\"", INT64_MIN},
	    {"true", INT64_MIN},
	    {"null", INT64_MIN},
	};
	struct fixture *f = *state;
	char json[128];

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		snprintf(json, sizeof(json), "{\"@timestamp\":%s}", times[i].text);
		assert_int_equal(read_text(f, json), 0);
		assert_true(f->event.time_ns == times[i].ns);
		assert_int_equal(f->event.sequence, i + 1);
	}
	assert_int_equal(read_text(f, "{\"event\":{\"sequence\":77}}"), 0);
	assert_int_equal(f->event.sequence, 77);
	assert_int_equal(read_text(f, "{\"event\":{\"sequence\":-77}}"), 0);
	assert_true(f->event.sequence > 77 || f->event.sequence < 77);
}

/* The text may go once it is read, another reader may read, and a long document after a short one
 * moves the memory of the next values only. */
static void strings_last_until_the_next_read(void **state)
{
	struct fixture *f = *state;
	struct event_reader *other = event_reader_new(f->fields, NULL);
	struct buf b = {0};
	struct event event;

	event_init(&event, f->fields);
	buf_add(&b, STR("{\"x\":\"plain\",\"process\":{\"name\":\"a\\tb\"}}"));
	buf_reserve(&b, EVENT_JSON_PADDING);
	assert_int_equal(event_read_json(other, buf_str(&b), &event, NULL), 0);
	memset(b.p, 0, b.cap);
	assert_int_equal(read_text(f, "{\"x\":\"other\",\"process\":{\"name\":\"other\"}}"), 0);
	assert_str(event_get(&event, (uint32_t)field_set_find(f->fields, STR("x"))), "plain");
	assert_str(event_get(&event, FIELD_PROCESS_NAME), "a\tb");
	event_reset(&event);
	buf_reset(&b);
	buf_add(&b, STR("{\"_source\":{\"skip\":\""));
	for (int i = 0; i < 100000; i++)
		buf_add(&b, STR("\\n0\\\"4"));
	buf_add(&b, STR("\",\"process.name\":\"\\udcffend\"}}"));
	buf_reserve(&b, EVENT_JSON_PADDING);
	assert_int_equal(event_read_json(other, buf_str(&b), &event, NULL), 0);
	assert_str(event_get(&event, FIELD_PROCESS_NAME), "\xef\xbf\xbd"
							  "end");
	assert_int_equal(event.document.len, b.len - strlen("{\"_source\":}"));
	event_free(&event);
	event_reader_free(other);
	buf_free(&b);
}

static void writes_values_nested_in_name_order(void **state)
{
	struct fixture *f = *state;
	struct buf out = {0};
	const struct str args[] = {STR("sh"), STR("-c")};

	event_set_strs(&f->event, FIELD_PROCESS_ARGS, args, 2);
	event_set_str(&f->event, FIELD_PROCESS_PARENT_NAME, STR("b\"\x01\xff\xc3\xa9"));
	event_set_int(&f->event, FIELD_PROCESS_PARENT_PID, -3);
	event_set_int(&f->event, FIELD_PROCESS_PID, 4);
	event_set_str(&f->event, FIELD_EVENT_TYPE, STR("start"));
	event_set_str(&f->event, FIELD_EVENT_KIND, STR("event"));
	event_set_time(&f->event, FIELD_TIMESTAMP, 1500 * NS_PER_MS);
	event_set_bool(&f->event, FIELD_PROCESS_INTERACTIVE, true);
	event_set(&f->event, demand(f, "x"), value_double(2));
	event_set_str(&f->event, demand(f, "a.b.c"), STR("d"));
	event_write_json(&f->event, &out);
	assert_true(str_eq(
	    buf_str(&out),
	    STR("{\"@timestamp\":\"1970-01-01T00:00:01.500Z\",\"event\":{\"kind\":\"event\","
		"\"type\":[\"start\"]},\"process\":{\"args\":[\"sh\",\"-c\"],\"interactive\":true,"
		"\"parent\":{\"name\":\"b\\\"\\u0001\xef\xbf\xbd\xc3\xa9\",\"pid\":-3},\"pid\":4},"
		"\"x\":2.0,\"a.b.c\":\"d\"}")));
	/* And it reads back. */
	buf_reserve(&out, EVENT_JSON_PADDING);
	struct event again;

	event_init(&again, f->fields);
	assert_int_equal(event_read_json(f->reader, buf_str(&out), &again, NULL), 0);
	assert_int_equal(event_get(&again, FIELD_PROCESS_ARGS)->count, 2);
	assert_int_equal(again.time_ns, 1500 * NS_PER_MS);
	event_free(&again);
	/* A read event is written as it stood. */
	assert_int_equal(read_text(f, "{\"q\": 1}"), 0);
	buf_reset(&out);
	event_write_json(&f->event, &out);
	assert_true(str_eq(buf_str(&out), STR("{\"q\": 1}")));
	buf_free(&out);
}

static void writer_escapes_and_replaces(void **state)
{
	static const struct {
		struct str in, out;
	} cases[] = {
	    {{"", 0}, {"\"\"", 2}},
	    {{"a\0b", 3}, {"\"a\\u0000b\"", 10}},
	    {{"\x1f\x7f", 2}, {"\"\\u001f\x7f\"", 9}},
	    {{"\b\f\n\r\t\\\"/", 8}, {"\"\\b\\f\\n\\r\\t\\\\\\\"/\"", 17}},
	    {{"\xf0\x9f\x98\x80", 4}, {"\"\xf0\x9f\x98\x80\"", 6}},
	    {{"\xf0\x9f\x98", 3}, {"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", 11}},
	    {{"\xed\xa0\x80", 3}, {"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", 11}},
	    {{"\xc1\x81z", 3}, {"\"\xef\xbf\xbd\xef\xbf\xbdz\"", 9}},
	    {{"\xf5", 1}, {"\"\xef\xbf\xbd\"", 5}},
	};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct json_writer w = json_writer_to(&out);

		buf_reset(&out);
		json_string(&w, cases[i].in);
		assert_int_equal(out.len, cases[i].out.len);
		assert_memory_equal(out.p, cases[i].out.p, out.len);
	}
	/* Across the chunks it works in. */
	char *wide = xmalloc(5000);

	for (size_t i = 0; i < 5000; i += 2)
		memcpy(wide + i, "\xc3\xa9", 2);
	for (size_t shift = 0; shift < 2; shift++) {
		struct json_writer w = json_writer_to(&out);

		buf_reset(&out);
		json_string(&w, (struct str){wide, 5000 - shift});
		assert_int_equal(out.len, 5002 - shift);
		assert_memory_equal(out.p + 1, wide, 4998);
		memmove(wide + 1, wide, 4999);
		wide[0] = 'a';
		wide[4999] = 'z';
	}
	free(wide);
	buf_free(&out);
}

static void writer_places_commas_and_numbers(void **state)
{
	struct buf out = {0};
	struct json_writer w = json_writer_to(&out);

	(void)state;
	json_object(&w);
	json_member(&w, STR("none"), STR(""));
	json_member(&w, STR("s"), STR("v"));
	json_key(&w, STR("n"));
	json_array(&w);
	json_int(&w, INT64_MIN);
	json_uint(&w, UINT64_MAX);
	json_double(&w, 0.1);
	json_double(&w, 5e-324);
	json_double(&w, 1e22);
	json_double(&w, -3);
	json_double(&w, NAN);
	json_double(&w, HUGE_VAL);
	json_object(&w);
	json_end(&w);
	json_array(&w);
	json_end(&w);
	json_bool(&w, false);
	json_null(&w);
	json_end(&w);
	json_key(&w, STR("r"));
	json_raw(&w, STR("[1]"));
	json_end(&w);
	buf_add_char(&out, '\0');
	assert_string_equal(out.p,
			    "{\"s\":\"v\",\"n\":[-9223372036854775808,18446744073709551615,0.1,"
			    "5e-324,1e+22,-3.0,null,null,{},[],false,null],\"r\":[1]}");
	buf_free(&out);
}

/* The reader expects keys in the order of earlier documents; whatever comes must be read right all the
 * same: other orders, keys never seen before, more of them than it remembers, longer than it remembers,
 * nested or dotted, equal but for the middle. */
static void reads_keys_in_any_order(void **state)
{
	static const char *const members[] = {
	    "\"process\":{\"pid\":%u,\"name\":\"n\"}",
	    "\"process.parent\":{\"junk\":1,\"name\":\"p%u\"}",
	    "\"x\":\"x%u\"",
	    "\"a\":{\"junk%u\":{\"c\":0},\"b\":{\"c\":\"c\"}}",
	    "\"junk%u\":[{\"x\":1},{\"name\":2}]",
	    "\"a.very.long.dotted.name.of.a.field\":%u",
	    "\"a.very.long.doffed.name.of.a.field\":%u",
	    "\"a.very.long.key.that.is.longer.than.what.is.remembered.of.a.key.by.far.%u\":1",
	};
	const uint32_t count = sizeof(members) / sizeof(*members);
	struct fixture *f = *state;
	struct buf text = {0};
	uint32_t seed = 1;

	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t step = 1 + 2 * (seed >> 16 & 3), at = seed >> 20, n = round % 9000;
		uint32_t left_out = seed >> 8 & 15;

		seed = seed * 1664525 + 1013904223;
		buf_reset(&text);
		for (uint32_t i = 0; i < count; i++, at += step) {
			if (at % count == left_out)
				continue;
			buf_add(&text, text.len ? STR(",") : STR("{"));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			buf_printf(&text, members[at % count], n);
#pragma GCC diagnostic pop
		}
		buf_add_char(&text, '}');
		assert_int_equal(read_bytes(f, text.p, text.len), 0);
		assert_int_equal(field(f, "process.pid")->integer, left_out == 0 ? 0 : n);
		assert_int_equal(field(f, "process.name")->type,
				 left_out == 0 ? VALUE_NULL : VALUE_STRING);
		assert_int_equal(field(f, "process.parent.name")->type,
				 left_out == 1 ? VALUE_NULL : VALUE_STRING);
		assert_int_equal(field(f, "x")->type, left_out == 2 ? VALUE_NULL : VALUE_STRING);
		assert_int_equal(field(f, "a.b.c")->type,
				 left_out == 3 ? VALUE_NULL : VALUE_STRING);
		assert_int_equal(field(f, "a.very.long.dotted.name.of.a.field")->type,
				 left_out == 5 ? VALUE_NULL : VALUE_INT);
	}
	buf_free(&text);
}

#define READER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    READER_TEST(reads_nested_dotted_and_mixed_names),
	    READER_TEST(flattens_arrays_and_takes_all_duplicates),
	    READER_TEST(cuts_lists_and_counts_it),
	    READER_TEST(keeps_the_types_of_numbers),
	    READER_TEST(mends_what_simdjson_refuses),
	    READER_TEST(unescapes_strings),
	    READER_TEST(refuses_what_is_not_an_object_of_json),
	    READER_TEST(refuses_every_cut_document),
	    READER_TEST(bounds_depth_also_where_nothing_is_wanted),
	    READER_TEST(bounds_length),
	    READER_TEST(reads_a_search_hit_from_its_source),
	    READER_TEST(reads_times_and_order),
	    READER_TEST(strings_last_until_the_next_read),
	    READER_TEST(writes_values_nested_in_name_order),
	    READER_TEST(reads_keys_in_any_order),
	    cmocka_unit_test(writer_escapes_and_replaces),
	    cmocka_unit_test(writer_places_commas_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
