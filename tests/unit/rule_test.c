/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "rule/rule_internal.h"

struct fixture {
	struct rule_set set;
	struct field_set *fields;
	struct diag_list diags;
	char directory[64]; /* a fresh one, when a test asks */
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	rule_set_init(&f->set);
	diag_list_init(&f->diags);
	f->fields = field_set_new();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->directory[0]) {
		char command[256];

		snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", f->directory,
			 f->directory);
		assert_int_equal(system(command), 0);
	}
	rule_set_free(&f->set);
	diag_list_free(&f->diags);
	field_set_free(f->fields);
	free(f);
	return 0;
}

static int load(struct fixture *f, const char *text)
{
	return rule_set_load_text(&f->set, f->fields, str_from(text), STR("r.toml"), &f->diags);
}

static const struct rule *last(const struct fixture *f)
{
	return f->set.rules[f->set.count - 1];
}

static const char *said(const struct fixture *f, uint32_t i)
{
	return i < f->diags.count ? f->diags.items[i].message.p : "(nothing)";
}

#define HEAD                                                                          \
	"[rule]\nrule_id = 'x-1'\nname = 'X'\ndescription = 'd'\nseverity = 'high'\n" \
	"risk_score = 73\ntype = 'eql'\nlanguage = 'eql'\n"
#define QUERY "query = 'process where process.name == \"x\"'\n"

static void a_full_rule_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    load(
		f,
		"[metadata]\ncreation_date = '2024/01/01'\nupdated_date = '2024/02/03'\n" HEAD QUERY
		"interval = '10m'\nfrom = 'now-19m'\nmax_signals = 33\nnote = 'n'\nsetup = 's'\n"
		"license = 'L'\ntimestamp_override = 'event.ingested'\nenabled = true\n"
		"building_block_type = 'default'\nauthor = ['a', 'b']\nreferences = ['r']\n"
		"false_positives = ['f']\ntags = ['t', 'u', 'v']\nindex = ['i-*']\n"
		"[[rule.threat]]\nframework = 'MITRE ATT&CK'\n"
		"[[rule.threat.technique]]\nid = 'T1'\nname = 'one'\nreference = 'r1'\n"
		"[[rule.threat.technique.subtechnique]]\nid = 'T1.001'\nname = 'sub'\n"
		"reference = 'r2'\n[rule.threat.tactic]\nid = 'TA1'\nname = 'tac'\n"
		"reference = 'r3'\n[[rule.threat]]\nframework = 'F'\n"),
	    0);
	const struct rule *r = last(f);

	assert_int_equal(r->state, RULE_LOADED);
	assert_int_equal(r->diag_count, 0);
	assert_non_null(r->query);
	assert_int_equal(r->query_line, 12);
	assert_string_equal(r->id.p, "x-1");
	assert_string_equal(r->name.p, "X");
	assert_string_equal(r->version.p, "2024/02/03");
	assert_string_equal(r->query_text.p, "process where process.name == \"x\"");
	assert_int_equal(r->severity, SEVERITY_HIGH);
	assert_int_equal(r->risk_score, 73);
	assert_true(r->interval_ns == 600 * NS_PER_SEC);
	assert_true(r->lookback_ns == 19 * 60 * NS_PER_SEC);
	assert_int_equal(r->max_signals, 33);
	assert_true(r->building_block);
	assert_int_equal(r->author_count, 2);
	assert_string_equal(r->authors[1].p, "b");
	assert_int_equal(r->tag_count, 3);
	assert_int_equal(r->index_count, 1);
	assert_int_equal(r->reference_count, 1);
	assert_int_equal(r->false_positive_count, 1);
	assert_int_equal(r->threat_count, 2);
	assert_string_equal(r->threats[0].tactic_id.p, "TA1");
	assert_string_equal(r->threats[0].tactic_name.p, "tac");
	assert_int_equal(r->threats[0].technique_count, 1);
	assert_string_equal(r->threats[0].techniques[0].subtechniques[0].id.p, "T1.001");
	assert_string_equal(r->threats[1].framework.p, "F");
	assert_ptr_equal(rule_set_find(&f->set, STR("x-1")), r);
	assert_null(rule_set_find(&f->set, STR("x-2")));
}

static void defaults_are_kibanas(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, HEAD QUERY), 0);
	const struct rule *r = last(f);

	assert_true(r->interval_ns == 300 * NS_PER_SEC);
	assert_true(r->lookback_ns == 360 * NS_PER_SEC);
	assert_int_equal(r->max_signals, 100);
	assert_true(r->enabled);
	assert_false(r->building_block);
	assert_int_equal(r->version.len, 0);
}

static void a_behaviour_rule_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    load(f, "min_endpoint_version = '8.6.0'\n[rule]\nid = 'b-1'\nname = 'B'\ndescription = "
		    "'d'\n"
		    "license = 'L'\nos_list = ['linux', 'macos']\nreference = 'one'\nversion = "
		    "'1.0.3'\n"
		    "optional_actions = []\n" QUERY
		    "[[actions]]\naction = 'kill_process'\nfield = 'process.entity_id'\nstate = 1\n"
		    "[[threat]]\nframework = 'MITRE ATT&CK'\n[threat.tactic]\nid = 'TA1'\n"
		    "[internal]\nmin_endpoint_version = '8.6.0'\n"),
	    0);
	const struct rule *r = last(f);

	assert_int_equal(r->state, RULE_LOADED);
	assert_int_equal(r->diag_count, 0);
	assert_string_equal(r->id.p, "b-1");
	assert_string_equal(r->type.p, "eql");
	assert_string_equal(r->version.p, "1.0.3");
	assert_int_equal(r->severity, SEVERITY_MEDIUM);
	assert_int_equal(r->risk_score, 47);
	assert_int_equal(r->reference_count, 1);
	assert_string_equal(r->threats[0].tactic_id.p, "TA1");
	assert_int_equal(
	    load(f,
		 "[rule]\nid = 'b-2'\nname = 'B'\ndescription = 'd'\nos_list = ['macos']\n" QUERY),
	    0);
	assert_int_equal(last(f)->state, RULE_SKIPPED);
	assert_non_null(strstr(last(f)->reason.p, "Linux"));
	assert_null(last(f)->query);
}

static void behaviour_rules_have_a_dialect(void **state)
{
	static const char relation[] = "query = 'process where child of [process where true]'\n";
	static const char head[] = "[rule]\nid = 'b-2'\nname = 'B'\ndescription = 'd'\n";
	struct fixture *f = *state;
	char text[1024];

	snprintf(text, sizeof(text), "%s%s", head, relation);
	assert_int_equal(load(f, text), 0);
	assert_int_equal(last(f)->query->relation_count, 1);
	/* a rule with a rule_id has Elasticsearch's */
	snprintf(text, sizeof(text), "%s%s", HEAD, relation);
	assert_int_equal(load(f, text), -EINVAL);
	/* and so have exceptions: they look at one event */
	snprintf(text, sizeof(text), "%s%s[[rule.exceptions]]\nname = 'e'\n%s", head, relation,
		 "query = 'child of [process where true]'\n");
	assert_int_equal(load(f, text), -EINVAL);
}

static void unsupported_types_are_skipped_by_name(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *type, *reason;
	} cases[] = {
	    {"threat_match", "rule type [threat_match] is not supported"},
	    {"saved_query", "rule type [saved_query] is not supported"},
	    {"esql", "rule type [esql] is not supported"},
	    {"machine_learning", "rule type [machine_learning] is not supported"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[512];

		snprintf(
		    text, sizeof(text),
		    "[rule]\nrule_id = '%zu'\nname = 'X'\ndescription = 'd'\nseverity = 'low'\n"
		    "risk_score = 1\ntype = '%s'\n",
		    i, cases[i].type);
		assert_int_equal(load(f, text), 0);
		assert_int_equal(last(f)->state, RULE_SKIPPED);
		assert_string_equal(last(f)->reason.p, cases[i].reason);
	}
	assert_int_equal(f->set.skipped, sizeof(cases) / sizeof(*cases));
	assert_int_equal(f->diags.count, 0);
}

static void joins_and_disabled_rules_are_skipped(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, HEAD "query = '''\njoin by host.id\n [process where true]\n "
				      "[file where true]'''\n"),
			 0);
	assert_int_equal(last(f)->state, RULE_SKIPPED);
	assert_non_null(strstr(last(f)->reason.p, "joins are not supported"));
	assert_int_equal(
	    load(f, "[rule]\nrule_id = 'x-2'\nname = 'X'\ndescription = 'd'\n"
		    "severity = 'low'\nrisk_score = 1\ntype = 'eql'\nenabled = false\n" QUERY),
	    0);
	assert_int_equal(last(f)->state, RULE_SKIPPED);
	assert_non_null(strstr(last(f)->reason.p, "disabled"));
	assert_null(last(f)->query);
	assert_int_equal(f->diags.count, 0);
}

static void mistakes_are_named_and_placed(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *message;
		uint32_t line, column;
	} cases[] = {
	    {"", "[rule] is missing", 0, 0},
	    {"rule = 3\n", "[rule] must be a table, but is an integer", 1, 8},
	    {"[rule]\n", "[rule.rule_id] is missing", 1, 2},
	    {"[rule]\nrule_id = 5\n", "[rule.rule_id] must be a string, but is an integer", 2, 11},
	    {"[rule]\nrule_id = '  '\n", "[rule.rule_id] is empty", 2, 11},
	    {HEAD, "[rule.query] is missing", 1, 2},
	    {HEAD "query = ''\n", "[rule.query] is empty", 9, 9},
	    {HEAD QUERY "max_signals = 0\n", "[rule.max_signals] is out of range", 10, 15},
	    {HEAD QUERY "interval = '5x'\n", "[rule.interval] is not a time span", 10, 12},
	    {HEAD QUERY "from = 'now+5m'\n", "[rule.from] is not a time in the past", 10, 8},
	    {HEAD QUERY "tags = ['a', 3]\n",
	     "[rule.tags] must be an array of strings, but is an integer", 10, 14},
	    {HEAD QUERY "threat = 3\n",
	     "[rule.threat] must be an array of tables, but is an integer", 10, 10},
	    {HEAD QUERY "threat = [{technique = 'x'}]\n",
	     "[rule.threat.technique] must be an array of tables, but is a string", 10, 24},
	    {HEAD QUERY "exceptions = [{name = 'e'}]\n", "an exception needs a name and a query",
	     10, 15},
	    {HEAD QUERY "enabled = 'no'\n", "[rule.enabled] must be true or false, but is a string",
	     10, 11},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		diag_list_free(&f->diags);
		diag_list_init(&f->diags);
		assert_int_equal(load(f, cases[i].text), -EINVAL);
		assert_int_equal(last(f)->state, RULE_ERROR);
		assert_string_equal(said(f, 0), cases[i].message);
		assert_int_equal(f->diags.items[0].line, cases[i].line);
		assert_int_equal(f->diags.items[0].column, cases[i].column);
		assert_string_equal(last(f)->reason.p, cases[i].message);
		assert_null(last(f)->query);
	}
}

static void severity_score_and_type_are_checked(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    load(f, "[rule]\nrule_id = 'x'\nname = 'X'\ndescription = 'd'\n"
		    "severity = 'urgent'\nrisk_score = 101\ntype = 'sigma'\nlanguage = 'kuery'\n"),
	    -EINVAL);
	assert_int_equal(f->diags.errors, 3);
	assert_string_equal(said(f, 0), "unknown severity [urgent]");
	assert_int_equal(f->diags.items[0].width, 8);
	assert_string_equal(said(f, 1), "[rule.risk_score] is out of range");
	assert_string_equal(said(f, 2), "unknown rule type [sigma]");
	assert_string_equal(f->diags.items[2].source.p, "type = 'sigma'");
}

static void all_that_is_missing_is_said_at_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "[rule]\nname = 'X'\n"), -EINVAL);
	assert_int_equal(f->diags.errors, 5);
	assert_string_equal(said(f, 0), "[rule.rule_id] is missing");
	assert_string_equal(said(f, 1), "[rule.description] is missing");
	assert_string_equal(said(f, 2), "[rule.severity] is missing");
	assert_string_equal(said(f, 3), "[rule.risk_score] is missing");
	assert_string_equal(said(f, 4), "[rule.type] is missing");
}

static void unknown_keys_are_kept(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "[colour]\nred = 1\n" HEAD QUERY
				 "surprise = [1]\n[[rule.threat]]\nframework = 'F'\nmood = 'x'\n"),
			 0);
	const struct rule *r = last(f);

	assert_int_equal(r->state, RULE_LOADED);
	assert_int_equal(r->unknown_key_count, 3);
	assert_string_equal(r->unknown_keys[0].p, "colour");
	assert_string_equal(r->unknown_keys[1].p, "rule.surprise");
	assert_string_equal(r->unknown_keys[2].p, "rule.threat.mood");
	assert_int_equal(f->diags.count, 3);
	assert_int_equal(f->diags.errors, 0);
	assert_int_equal(f->diags.items[1].level, DIAG_WARNING);
	assert_int_equal(f->diags.items[1].line, 12);
}

/* Wherever the query is written, an error in it points at the true place in the file. */
static void query_errors_point_into_the_file(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *query;
		uint32_t line, column;
	} cases[] = {
	    {"query = '''\nprocess where\n  $ == 1'''\n", 11, 3},
	    {"query = '''process where $'''\n", 9, 26},
	    {"query = 'process where $'\n", 9, 24},
	    {"query = \"process where $\"\n", 9, 24},
	    {"query = \"process where x == \\\"\\u00e9\\\" and $\"\n", 9, 44},
	    {"query = \"process where x == 1\\n and $\"\n", 9, 37},
	    {"query = \"\"\"\nprocess where\n  $\"\"\"\n", 11, 3},
	    {"query = \"\"\"\nprocess where \\\n\n   $\"\"\"\n", 12, 4},
	    {"query = '''\r\nprocess where\r\n  $'''\r\n", 11, 3},
	    {"query = '''\nprocess where x == \"\xc3\xa9\" and $'''\n", 10, 29},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf text = {0};

		diag_list_free(&f->diags);
		diag_list_init(&f->diags);
		buf_printf(&text, "%s%s", HEAD, cases[i].query);
		buf_add_char(&text, '\0');
		assert_int_equal(load(f, text.p), -EINVAL);
		assert_int_equal(f->diags.items[0].line, cases[i].line);
		assert_int_equal(f->diags.items[0].column, cases[i].column);
		const struct diag *d = &f->diags.items[0];

		assert_int_equal(d->source.p[d->column - 1], '$');
		buf_free(&text);
	}
}

static void exceptions_are_conditions(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f,
			      HEAD QUERY "[[rule.exceptions]]\nname = 'ours'\nreason = 'because'\n"
					 "query = '''\nprocess.executable == \"/opt/x\" or\n"
					 "process.pid == 1'''\n[[rule.exceptions]]\nname = 'two'\n"
					 "query = 'user.name == \"root\"'\n"),
			 0);
	const struct rule *r = last(f);

	assert_int_equal(r->exception_count, 2);
	assert_string_equal(r->exceptions[0].name.p, "ours");
	assert_string_equal(r->exceptions[0].reason.p, "because");
	assert_int_equal(r->exceptions[0].cond->kind, EQL_COND_OR);
	assert_int_equal(r->exceptions[1].cond->kind, EQL_COND_LEAF);
	assert_int_equal(r->unknown_key_count, 0);
}

static void a_broken_exception_breaks_the_rule(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, HEAD QUERY "[[rule.exceptions]]\nname = 'e'\nquery = 'x == $'\n"),
			 -EINVAL);
	assert_int_equal(f->diags.items[0].line, 12);
	assert_int_equal(f->diags.items[0].column, 15);
	diag_list_free(&f->diags);
	diag_list_init(&f->diags);
	assert_int_equal(load(f, HEAD QUERY "[[rule.exceptions]]\nname = 'e'\n"
					    "query = 'x == 1 | head 3'\n"),
			 -EINVAL);
	assert_string_equal(said(f, 0), "an exception is a condition");
}

static void a_second_rule_with_an_id_names_both_files(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, HEAD QUERY), 0);
	assert_int_equal(
	    rule_set_load_text(&f->set, f->fields, STR(HEAD QUERY), STR("second.toml"), &f->diags),
	    -EINVAL);
	assert_string_equal(said(f, 0), "rule id [x-1] is already that of r.toml");
	assert_string_equal(f->diags.items[0].file.p, "second.toml");
	assert_int_equal(f->diags.items[0].line, 2);
	assert_int_equal(f->set.loaded, 1);
	assert_int_equal(f->set.errors, 1);
	assert_string_equal(rule_set_find(&f->set, STR("x-1"))->path.p, "r.toml");
}

static void many_ids_are_found(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3000; i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 "[rule]\nrule_id = 'id-%d'\nname = 'X'\ndescription = 'd'\n"
			 "severity = 'low'\nrisk_score = 1\ntype = 'esql'\n",
			 i);
		assert_int_equal(load(f, text), 0);
	}
	assert_int_equal(f->set.count, 3000);
	assert_ptr_equal(rule_set_find(&f->set, STR("id-0")), f->set.rules[0]);
	assert_ptr_equal(rule_set_find(&f->set, STR("id-2999")), f->set.rules[2999]);
}

static void warnings_leave_room_for_errors(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};

	buf_add(&text, STR(HEAD QUERY));
	for (int i = 0; i < 500; i++)
		buf_printf(&text, "odd%d = 1\n", i);
	buf_add_char(&text, '\0');
	assert_int_equal(load(f, text.p), 0);
	assert_int_equal(last(f)->unknown_key_count, 500);
	assert_true(f->diags.count <= DIAG_LIST_MAX / 2);
	text.len--;
	buf_add(&text, STR("interval = 'never'\n"));
	buf_add_char(&text, '\0');
	assert_int_equal(load(f, text.p), -EINVAL);
	assert_string_equal(last(f)->reason.p, "[rule.interval] is not a time span");
	assert_int_equal(load(f, "[rule]\n"), -EINVAL);
	assert_int_equal(f->diags.items[f->diags.count - 1].level, DIAG_ERROR);
	buf_free(&text);
}

static void times_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} intervals[] = {{"5m", 300},
			 {"1s", 1},
			 {"2h", 7200},
			 {"1d", 86400},
			 {"1w", 604800},
			 {"0m", -1},
			 {"", -1},
			 {"m", -1},
			 {"5", -1},
			 {"5 m", -1},
			 {"-5m", -1},
			 {"5mm", -1},
			 {"5M", -1},
			 {"5H", -1},
			 {"5y", -1},
			 {"5.5m", -1},
			 {"99999999999999999999s", -1},
			 {"9999999y", -1}},
	  ages[] = {{"now", 0},
		    {"now-9m", 540},
		    {"now-119m", 7140},
		    {"now-1d/d", 2 * 86400},
		    {"now/d", 86400},
		    {"now-1h+5m", 3300},
		    {"now-1M", 31 * 86400},
		    {"now+1m", -1},
		    {"now-", -1},
		    {"now-5", -1},
		    {"now-5m/", -1},
		    {"now-5x", -1},
		    {"2024-01-01", -1},
		    {"", -1},
		    {"now-99999999999y", -1},
		    {"now 5m", -1},
		    {"now-99y-99y", -1}};

	for (size_t i = 0; i < sizeof(intervals) / sizeof(*intervals); i++) {
		int64_t ns = -1;
		int error = rule_parse_interval(str_from(intervals[i].text), &ns);

		assert_int_equal(error ? -1 : ns / NS_PER_SEC, intervals[i].seconds);
	}
	for (size_t i = 0; i < sizeof(ages) / sizeof(*ages); i++) {
		int64_t ns = -1;
		int error = rule_parse_age(str_from(ages[i].text), &ns);

		assert_int_equal(error ? -1 : ns / NS_PER_SEC, ages[i].seconds);
	}
}

static const char *in_directory(struct fixture *f, const char *name)
{
	static char path[256];

	if (!f->directory[0]) {
		strcpy(f->directory, "/tmp/lintel-rule-test-XXXXXX");
		assert_non_null(mkdtemp(f->directory));
	}
	snprintf(path, sizeof(path), "%s/%s", f->directory, name);
	return path;
}

static void write_file(struct fixture *f, const char *name, struct str text)
{
	FILE *file = fopen(in_directory(f, name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text.p, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
}

static void write_rule(struct fixture *f, const char *name, const char *id)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "[rule]\nrule_id = '%s'\nname = 'X'\ndescription = 'd'\nseverity = 'low'\n"
		 "risk_score = 1\ntype = 'eql'\n" QUERY,
		 id);
	write_file(f, name, str_from(text));
}

static void a_tree_is_read_in_order(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(in_directory(f, "b"), 0700), 0);
	assert_int_equal(mkdir(in_directory(f, ".git"), 0700), 0);
	assert_int_equal(mkdir(in_directory(f, "dir.toml"), 0700), 0);
	write_rule(f, "z.toml", "z");
	write_rule(f, "a.toml", "a");
	write_rule(f, "b/m.toml", "m");
	write_rule(f, "dir.toml/n.toml", "n");
	write_rule(f, ".git/hidden.toml", "h");
	write_file(f, "readme.md", STR("not a rule"));
	assert_int_equal(symlink(".", in_directory(f, "b/loop")), 0);
	assert_int_equal(symlink("../a.toml", in_directory(f, "b/again.toml")), 0);
	assert_int_equal(rule_set_load(&f->set, f->fields, f->directory, &f->diags), 0);
	assert_int_equal(f->set.files, 5);
	assert_int_equal(f->set.loaded, 4);
	assert_string_equal(f->set.rules[0]->id.p, "a");
	assert_int_equal(f->set.rules[1]->state, RULE_ERROR); /* b/again.toml is a.toml's rule */
	assert_string_equal(f->set.rules[2]->id.p, "m");
	assert_string_equal(f->set.rules[3]->id.p, "n");
	assert_string_equal(f->set.rules[4]->id.p, "z");
}

static void bad_files_do_not_stop_the_others(void **state)
{
	struct fixture *f = *state;
	static char garbage[300];
	struct buf large = {0};

	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (char)(i * 167 + 13);
	write_rule(f, "good.toml", "good");
	write_file(f, "empty.toml", STR(""));
	write_file(f, "garbage.toml", (struct str){garbage, sizeof(garbage)});
	write_file(f, "latin1.toml", STR("[rule]\nname = 'caf\xe9'\n"));
	write_file(f, "syntax.toml", STR("[rule\nname = 'x'\n"));
	buf_reserve(&large, RULE_FILE_BYTES_MAX + 1);
	memset(large.p, '#', RULE_FILE_BYTES_MAX + 1);
	large.len = RULE_FILE_BYTES_MAX + 1;
	write_file(f, "large.toml", buf_str(&large));
	assert_int_equal(mkfifo(in_directory(f, "fifo.toml"), 0600), 0);
	assert_int_equal(symlink("nowhere", in_directory(f, "dangling.toml")), 0);
	assert_int_equal(rule_set_load(&f->set, f->fields, f->directory, &f->diags), 0);
	assert_int_equal(f->set.files, 8);
	assert_int_equal(f->set.loaded, 1);
	assert_int_equal(f->set.errors, 7);
	assert_int_equal(f->diags.errors, 7);
	for (uint32_t i = 0; i < f->set.count; i++) {
		if (f->set.rules[i]->state != RULE_ERROR)
			continue;
		assert_int_not_equal(f->set.rules[i]->reason.len, 0);
		assert_int_equal(f->set.rules[i]->diag_count, 1);
	}
	buf_free(&large);
}

static void the_path_itself_must_be_readable(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rule_set_load(&f->set, f->fields, in_directory(f, "none.toml"), &f->diags),
			 -ENOENT);
	assert_int_equal(f->diags.errors, 1);
	assert_int_equal(rule_set_load(&f->set, f->fields, "/dev/zero", &f->diags), 0);
	assert_int_equal(f->set.errors, 1);
	assert_int_equal(rule_set_load(&f->set, f->fields, "/dev/null", &f->diags), 0);
	assert_int_equal(f->set.errors, 2);
	if (geteuid() == 0)
		return; /* root reads everything */
	write_rule(f, "x.toml", "x");
	assert_int_equal(chmod(in_directory(f, "x.toml"), 0), 0);
	assert_int_equal(rule_set_load(&f->set, f->fields, in_directory(f, "x.toml"), &f->diags),
			 -EACCES);
	assert_int_equal(rule_set_load(&f->set, f->fields, f->directory, &f->diags), 0);
	assert_int_equal(f->set.errors, 3);
}

static void deep_and_empty_trees_end(void **state)
{
	struct fixture *f = *state;
	int top = open(in_directory(f, "."), O_RDONLY | O_DIRECTORY);
	int dir = top;

	/* Deeper than PATH_MAX can name. */
	for (int i = 0; i < 40; i++) {
		char name[201];

		memset(name, 'd', 200);
		name[200] = '\0';
		assert_int_equal(mkdirat(dir, name, 0700), 0);
		int next = openat(dir, name, O_RDONLY | O_DIRECTORY);

		assert_true(next >= 0);
		close(dir);
		dir = next;
	}
	close(dir);
	assert_int_equal(rule_set_load(&f->set, f->fields, f->directory, &f->diags), 0);
	assert_int_equal(f->set.count, 0);
	assert_int_equal(f->diags.errors, 1);
	assert_non_null(strstr(said(f, 0), "too long"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_full_rule_is_read),
	    TEST(defaults_are_kibanas),
	    TEST(a_behaviour_rule_is_read),
	    TEST(behaviour_rules_have_a_dialect),
	    TEST(unsupported_types_are_skipped_by_name),
	    TEST(joins_and_disabled_rules_are_skipped),
	    TEST(mistakes_are_named_and_placed),
	    TEST(severity_score_and_type_are_checked),
	    TEST(all_that_is_missing_is_said_at_once),
	    TEST(unknown_keys_are_kept),
	    TEST(query_errors_point_into_the_file),
	    TEST(exceptions_are_conditions),
	    TEST(a_broken_exception_breaks_the_rule),
	    TEST(a_second_rule_with_an_id_names_both_files),
	    TEST(many_ids_are_found),
	    TEST(warnings_leave_room_for_errors),
	    TEST(times_are_read),
	    TEST(a_tree_is_read_in_order),
	    TEST(bad_files_do_not_stop_the_others),
	    TEST(the_path_itself_must_be_readable),
	    TEST(deep_and_empty_trees_end),
	};

	return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
