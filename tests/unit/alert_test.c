/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/printable.h"
#include "engine/alert.h"
#include "engine/detector_internal.h"
#include "event/json.h"

static struct rule_technique preload[] = {
    {.id = STR("T1574.006"), .name = STR("Dynamic Linker Hijacking"), .reference = STR("r6")}};
static struct rule_technique techniques[] = {
    {.id = STR("T1574"),
     .name = STR("Hijack Execution Flow"),
     .reference = STR("r"),
     .subtechniques = preload,
     .subtechnique_count = 1},
    {.id = STR("T1059"), .name = STR("Command and Scripting Interpreter")},
};
static struct rule_threat threats[] = {
    {.framework = STR("MITRE ATT&CK"),
     .tactic_id = STR("TA0005"),
     .tactic_name = STR("Defense Evasion"),
     .techniques = techniques,
     .technique_count = 2},
    {.framework = STR("MITRE ATT&CK"),
     .tactic_id = STR("TA0003"),
     .tactic_name = STR("Persistence"),
     .techniques = techniques,
     .technique_count = 1},
};
static struct str authors[] = {STR("lintel")};
static struct str tags[] = {STR("OS: Linux"), STR("Domain: \"Endpoint\"")};

static const struct rule rule = {
    .state = RULE_LOADED,
    .enabled = true,
    .id = STR("rule-1"),
    .name = STR("A rule"),
    .description = STR("what it \"finds\""),
    .version = STR("2026/01/05"),
    .severity = SEVERITY_HIGH,
    .risk_score = 73,
    .interval_ns = 300 * NS_PER_SEC,
    .max_signals = 3,
    .license = STR("Apache-2.0"),
    .authors = authors,
    .author_count = 1,
    .tags = tags,
    .tag_count = 2,
    .threats = threats,
    .threat_count = 2,
};

struct fixture {
	struct field_set *fields;
	struct event event;
	const struct event *events[1];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->fields = field_set_new();
	for (uint32_t i = 0; i < FIELD_KNOWN_COUNT; i++)
		field_set_demand(f->fields, field_known_name((enum field_id)i));
	field_set_demand(f->fields, STR("destination.ip"));
	field_set_demand(f->fields, STR("destination.port"));
	field_set_demand(f->fields, STR("dns.question.name"));
	field_set_demand(f->fields, STR("rule.name"));
	field_set_demand(f->fields, STR("process"));
	field_set_demand(f->fields, STR("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v"));
	event_init(&f->event, f->fields);
	f->events[0] = &f->event;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	event_free(&f->event);
	field_set_free(f->fields);
	free(f);
	return 0;
}

static void set(struct fixture *f, const char *field, const char *value)
{
	int32_t id = field_set_find(f->fields, str_from(field));

	assert_true(id >= 0);
	event_append(&f->event, (uint32_t)id, value_str(str_from(value)));
}

static void set_vim_creates_preload(struct fixture *f)
{
	event_reset(&f->event);
	f->event.time_ns = 1767582000248 * NS_PER_MS;
	set(f, "event.id", "e-1");
	set(f, "event.kind", "event");
	set(f, "event.category", "file");
	set(f, "event.type", "creation");
	set(f, "event.action", "creation");
	set(f, "file.path", "/etc/ld.so.preload");
	set(f, "process.name", "vim");
	set(f, "process.parent.name", "bash");
	set(f, "process.args", "vim");
	set(f, "process.args", "/etc/ld.so.preload");
	event_set_int(&f->event, FIELD_PROCESS_PID, 123);
	set(f, "user.name", "root");
	set(f, "host.id", "host-1");
	set(f, "host.os.type", "linux");
}

/* An alert of one event that is in hand. */
static void alert_from_event(struct alert *alert, const struct rule *of,
			     const struct event *const *events)
{
	const struct finding finding = {.rule = of, .event_count = 1};

	alert_from_finding(alert, &finding, events);
}

static void expect_sentence(struct fixture *f, const char *expected)
{
	struct buf out = {0};
	struct alert alert;

	alert_from_event(&alert, &rule, f->events);
	alert_sentence(&alert, &out);
	buf_add_char(&out, '\0');
	assert_string_equal(out.p, expected);
	buf_free(&out);
}

static void sentences_say_who_did_what(void **state)
{
	struct fixture *f = *state;

	set_vim_creates_preload(f);
	expect_sentence(f, "vim (pid 123, root) created /etc/ld.so.preload");
	set(f, "container.id", "0123456789abcdef0123456789abcdef");
	expect_sentence(f, "vim (pid 123, root) created /etc/ld.so.preload in container "
			   "0123456789ab");

	set_vim_creates_preload(f);
	set(f, "file.Ext.original.path", "/tmp/x");
	expect_sentence(f, "vim (pid 123, root) linked /tmp/x to /etc/ld.so.preload");
	set(f, "event.action", "rename");
	expect_sentence(f, "vim (pid 123, root) renamed /tmp/x to /etc/ld.so.preload");

	event_reset(&f->event);
	set(f, "event.category", "process");
	set(f, "event.type", "start");
	set(f, "event.action", "exec");
	set(f, "process.executable", "/usr/bin/curl");
	set(f, "process.args", "curl");
	set(f, "process.args", "-o");
	event_set_int(&f->event, FIELD_PROCESS_PID, 7);
	set(f, "process.parent.name", "bash");
	event_set_int(&f->event, FIELD_PROCESS_PARENT_PID, 6);
	expect_sentence(f, "curl (pid 7), child of bash (pid 6), ran: curl -o");

	/* With less known: */
	event_reset(&f->event);
	set(f, "event.category", "process");
	set(f, "process.name", "sh");
	expect_sentence(f, "sh: process event");
	set(f, "event.type", "start");
	expect_sentence(f, "sh, started");
	set(f, "process.executable", "/bin/sh");
	expect_sentence(f, "sh, ran: /bin/sh");
	set(f, "process.args", "-sh");
	expect_sentence(f, "sh, ran: -sh");

	event_reset(&f->event);
	set(f, "event.category", "network");
	set(f, "event.action", "connection_attempted");
	set(f, "process.name", "curl");
	set(f, "destination.ip", "2001:db8::1");
	set(f, "destination.port", "443");
	expect_sentence(f, "curl connected to [2001:db8::1]:443");
	set(f, "dns.question.name", "example.org");
	expect_sentence(f, "curl looked up example.org");

	event_reset(&f->event);
	set(f, "event.category", "iam");
	set(f, "event.action", "added-user");
	set(f, "user.name", "root");
	expect_sentence(f, "user root: added-user");
	event_reset(&f->event);
	expect_sentence(f, "an event");
}

static void expect_printable(struct str s, size_t max, const char *expected)
{
	struct buf out = {0};

	printable_add(&out, s, max);
	buf_add_char(&out, '\0');
	assert_string_equal(out.p, expected);
	buf_free(&out);
}

static void no_control_character_reaches_the_terminal(void **state)
{
	struct fixture *f = *state;

	expect_printable(STR("a\033[2Jb\r\n\x7f"), 100, "a\\x1b[2Jb\\x0d\\x0a\\x7f");
	expect_printable(STR("\xc2\x9b!"), 100, "\\u{9b}!");
	expect_printable(STR("x\xe2\x80\xaegpj.sh"), 100, "x\\u{202e}gpj.sh");
	expect_printable(STR("\xff\xc3\xa4\xc3"), 100, "\\xffä\\xc3");
	expect_printable(STR("\xc0\x9b\xed\xa0\x80"), 100, "\\xc0\\x9b\\xed\\xa0\\x80");
	expect_printable(STR("\xf4\x90\x80\x80"), 100, "\\xf4\\x90\\x80\\x80");
	expect_printable((struct str){"\0", 1}, 100, "\\x00");
	expect_printable(STR("aää"), 4, "aä…");
	expect_printable(STR("abc"), 3, "abc");

	set_vim_creates_preload(f);
	event_reset(&f->event);
	set(f, "event.category", "file");
	set(f, "event.action", "creation");
	set(f, "process.name", "v\033]0;x\007");
	set(f, "file.path", "/tmp/\n\xe2\x80\xae");
	set(f, "container.id", "\033c");
	expect_sentence(f, "v\\x1b]0;x\\x07 created /tmp/\\x0a\\u{202e} in container \\x1bc");
}

static void id_is_stable_and_tells_findings_apart(void **state)
{
	struct fixture *f = *state;
	struct rule other = rule;
	struct alert a, b;

	set_vim_creates_preload(f);
	alert_from_event(&a, &rule, f->events);
	assert_int_equal(strlen(a.id), 32);
	/* Where and when it is made again does not matter, nor what is no id. */
	f->event.sequence = 77;
	set(f, "file.owner", "root");
	alert_from_event(&b, &rule, f->events);
	assert_string_equal(a.id, b.id);

	other.version = STR("2026/01/06");
	alert_from_event(&b, &other, f->events);
	assert_string_not_equal(a.id, b.id);
	other = rule;
	other.id = STR("rule-12026/01/05");
	other.version = STR("");
	alert_from_event(&b, &other, f->events);
	assert_string_not_equal(a.id, b.id);
	event_set_str(&f->event, FIELD_HOST_ID, STR("host-2"));
	alert_from_event(&b, &rule, f->events);
	assert_string_not_equal(a.id, b.id);
	event_set_str(&f->event, FIELD_HOST_ID, STR("host-1"));
	event_set_str(&f->event, FIELD_EVENT_ID, STR("e-2"));
	alert_from_event(&b, &rule, f->events);
	assert_string_not_equal(a.id, b.id);

	/* Without ids the document tells events apart, without documents what they say. */
	event_reset(&f->event);
	f->event.document = STR("{\"a\":1}");
	alert_from_event(&a, &rule, f->events);
	f->event.document = STR("{\"a\":2}");
	alert_from_event(&b, &rule, f->events);
	assert_string_not_equal(a.id, b.id);
	f->event.document = STR_NULL;
	set(f, "file.path", "/a");
	alert_from_event(&a, &rule, f->events);
	event_set_str(&f->event, FIELD_FILE_PATH, STR("/b"));
	alert_from_event(&b, &rule, f->events);
	assert_string_not_equal(a.id, b.id);
}

/* The alert's text of a field, as another lintel would read it: values joined by '|'. */
static void expect_field(struct str json, const char *name, const char *expected)
{
	struct field_set *fields = field_set_new();
	struct event_reader_options options = {.timestamp_field = STR("@timestamp")};
	uint32_t field = (uint32_t)field_set_demand(fields, str_from(name));
	struct buf padded = {0}, text = {0};
	struct event event;

	field_set_demand(fields, options.timestamp_field);
	struct event_reader *reader = event_reader_new(fields, &options);

	event_init(&event, fields);
	buf_reserve(&padded, json.len + EVENT_JSON_PADDING);
	buf_add(&padded, json);
	assert_int_equal(event_read_json(reader, buf_str(&padded), &event, NULL), 0);
	const struct value *v = event_get(&event, field);
	const struct value *items = v->type == VALUE_LIST ? v->items : v;
	uint32_t n = v->type == VALUE_LIST ? v->count : v->type != VALUE_NULL;

	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&text, '|');
		if (items[i].type == VALUE_STRING)
			buf_add(&text, value_as_str(&items[i]));
		else if (items[i].type == VALUE_INT)
			buf_printf(&text, "%lld", (long long)items[i].integer);
		else if (items[i].type == VALUE_BOOL)
			buf_add(&text, items[i].boolean ? STR("true") : STR("false"));
	}
	buf_add_char(&text, '\0');
	if (strcmp(text.p, expected) != 0)
		print_message("%s in %.*s\n", name, STR_ARG(json));
	assert_string_equal(text.p, expected);
	event_reader_free(reader);
	event_free(&event);
	buf_free(&padded);
	buf_free(&text);
	field_set_free(fields);
}

static void document_has_event_rule_threat_and_alert(void **state)
{
	struct fixture *f = *state;
	struct buf out = {0};
	struct alert alert;

	set_vim_creates_preload(f);
	set(f, "rule.name", "what the event calls a rule");
	set(f, "lintel.file.host_path", "/srv/c1/etc/ld.so.preload");
	set(f, "process", "a value where others have an object");
	set(f, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v", "deep");
	alert_from_event(&alert, &rule, f->events);
	alert.ancestors = STR("[{\"pid\":123},{\"pid\":1}]");
	alert.withheld = 4;
	alert_write_json(&alert, &out);
	struct str json = buf_str(&out);

	assert_null(memchr(json.p, '\n', json.len));
	expect_field(json, "@timestamp", "2026-01-05T03:00:00.248Z");
	expect_field(json, "event.kind", "alert");
	expect_field(json, "event.id", "e-1");
	expect_field(json, "file.path", "/etc/ld.so.preload");
	expect_field(json, "process.args", "vim|/etc/ld.so.preload");
	expect_field(json, "process.pid", "123");
	expect_field(json, "process.parent.name", "bash");
	expect_field(json, "lintel.file.host_path", "/srv/c1/etc/ld.so.preload");
	expect_field(json, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v", "deep");
	expect_field(json, "message", "vim (pid 123, root) created /etc/ld.so.preload");
	expect_field(json, "rule.id", "rule-1");
	expect_field(json, "rule.name", "A rule");
	expect_field(json, "rule.description", "what it \"finds\"");
	expect_field(json, "rule.version", "2026/01/05");
	expect_field(json, "rule.license", "Apache-2.0");
	expect_field(json, "rule.author", "lintel");
	expect_field(json, "tags", "OS: Linux|Domain: \"Endpoint\"");
	expect_field(json, "threat.framework", "MITRE ATT&CK");
	expect_field(json, "threat.tactic.id", "TA0005|TA0003");
	expect_field(json, "threat.technique.id", "T1574|T1059");
	expect_field(json, "threat.technique.subtechnique.name", "Dynamic Linker Hijacking");
	expect_field(json, "lintel.alert.id", alert.id);
	expect_field(json, "lintel.alert.severity", "high");
	expect_field(json, "lintel.alert.risk_score", "73");
	expect_field(json, "lintel.alert.building_block", "false");
	expect_field(json, "lintel.alert.withheld", "4");
	expect_field(json, "lintel.alert.ancestors.pid", "123|1");
	expect_field(json, "lintel.alert.events.event.id", "e-1");
	expect_field(json, "lintel.alert.events.rule.name", "what the event calls a rule");

	/* With a document of its own the event is given as it came. */
	buf_reset(&out);
	f->event.document = STR("{\"event\":{\"id\":\"e-1\"},\"not\":{\"demanded\":true}}");
	alert_from_event(&alert, &rule, f->events);
	alert_write_json(&alert, &out);
	expect_field(buf_str(&out), "lintel.alert.events.not.demanded", "true");

	/* An event of a time that is none, and nothing else. */
	buf_reset(&out);
	event_reset(&f->event);
	alert_from_event(&alert, &rule, f->events);
	alert_write_json(&alert, &out);
	expect_field(buf_str(&out), "@timestamp", "");
	expect_field(buf_str(&out), "rule.id", "rule-1");
	buf_free(&out);
}

static void caps_count_per_interval(void **state)
{
	(void)state;
	struct rule other = rule, *rules[] = {(struct rule *)&rule, &other};
	struct rule_set set_of_two = {.rules = rules, .count = 2};
	struct caps *caps = caps_new(&set_of_two);
	const int64_t first = 1767582000 * NS_PER_SEC, interval = rule.interval_ns;
	uint64_t counted = counter_get(COUNTER_ALERTS_CAPPED), withheld;

	for (int i = 0; i < 3; i++)
		assert_true(caps_admit(caps, 0, first + i, &withheld));
	for (int i = 0; i < 5; i++)
		assert_false(caps_admit(caps, 0, first + interval - 1 - i, &withheld));
	assert_true(caps_admit(caps, 1, first, &withheld));
	assert_true(caps_admit(caps, 0, first + interval, &withheld));
	assert_int_equal(withheld, 5);
	assert_true(caps_admit(caps, 0, first + interval, &withheld));
	assert_int_equal(withheld, 0);

	/* A time far ahead, or before all others, has its own window and spoils no other. */
	assert_true(caps_admit(caps, 0, INT64_MAX, &withheld));
	assert_true(caps_admit(caps, 0, INT64_MIN, &withheld));
	assert_true(caps_admit(caps, 0, first - 1, &withheld));
	assert_false(caps_admit(caps, 0, first + 9, &withheld));
	assert_true(caps_admit(caps, 0, first + interval + 1, &withheld));
	assert_int_equal(withheld, 1);
	assert_false(caps_admit(caps, 0, first + interval + 2, &withheld));

	assert_int_equal(caps_withheld(caps, 0), 7);
	assert_int_equal(caps_withheld(caps, 1), 0);
	assert_int_equal(counter_get(COUNTER_ALERTS_CAPPED) - counted, 7);
	caps_free(caps);
}

/* An attacker who jumps to and fro in time cannot make a cap hold back another time's alert. */
static void caps_forget_windows_not_alerts(void **state)
{
	(void)state;
	struct rule *rules[] = {(struct rule *)&rule};
	struct rule_set one = {.rules = rules, .count = 1};
	struct caps *caps = caps_new(&one);
	uint64_t withheld;

	for (int64_t i = 0; i < 1000; i++)
		assert_true(caps_admit(caps, 0, i * rule.interval_ns, &withheld));
	for (int64_t i = 1000; i-- > 0;)
		assert_true(caps_admit(caps, 0, i * rule.interval_ns, &withheld));
	caps_free(caps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(sentences_say_who_did_what, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_control_character_reaches_the_terminal, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(id_is_stable_and_tells_findings_apart, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(document_has_event_rule_threat_and_alert, set_up,
					    tear_down),
	    cmocka_unit_test(caps_count_per_interval),
	    cmocka_unit_test(caps_forget_windows_not_alerts),
	};

	return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
