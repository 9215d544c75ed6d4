/* SPDX-License-Identifier: Apache-2.0 */
/* What the linter finds in a rule, and what it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "rule/lint.h"

static const char head[] = "[rule]\nrule_id = \"r\"\nname = \"n\"\ndescription = \"d\"\n"
			   "severity = \"medium\"\nrisk_score = 47\ntype = \"eql\"\n"
			   "[[rule.threat]]\nframework = \"MITRE ATT&CK\"\n[rule.threat.tactic]\n"
			   "id = \"TA0001\"\nname = \"x\"\nreference = \"x\"\n[rule]\n";

struct findings {
	struct buf ids;        /* "no-key contradiction " */
	uint32_t line, column; /* of the first */
	uint32_t count;
};

static void on_finding(void *context, const struct lint_finding *f)
{
	struct findings *all = context;

	if (!all->count++) {
		all->line = f->diag->line;
		all->column = f->diag->column;
	}
	buf_printf(&all->ids, "%s ", f->check->id);
	assert_non_null(f->diag->message.p);
	assert_int_equal(f->diag->level,
			 f->check->level == LINT_WARNING ? DIAG_WARNING : DIAG_NOTE);
}

static struct findings lint_texts(const char *const *texts, uint32_t count)
{
	struct findings all = {0};
	struct rule_set set;
	struct diag_list diags;
	struct field_set *fields = field_set_new();

	rule_set_init(&set);
	diag_list_init(&diags);
	for (uint32_t i = 0; i < count; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/nonexistent/%u.toml", i);
		if (rule_set_load_text(&set, fields, str_from(texts[i]), str_from(path), &diags)) {
			diag_list_print(&diags, 2);
			fail_msg("the rule does not load");
		}
	}
	lint_rules(&set, fields, on_finding, &all);
	diag_list_free(&diags);
	rule_set_free(&set);
	field_set_free(fields);
	buf_add_char(&all.ids, '\0');
	return all;
}

/* `tail` ends a rule: keys of [rule], tables below it. */
static void expect_rule(const char *tail, const char *ids)
{
	struct buf text = {0};
	const char *end = strstr(head, "[[rule.threat]]");

	/* TOML wants the rule's own keys before its tables. */
	buf_add(&text, (struct str){head, (size_t)(end - head)});
	buf_add(&text, str_from(tail));
	buf_add(&text, STR("\n[[rule.threat]]\nframework = \"MITRE ATT&CK\"\n[rule.threat.tactic]\n"
			   "id = \"TA0001\"\nname = \"x\"\nreference = \"x\"\n"));
	buf_add_char(&text, '\0');
	const char *texts[] = {text.p};
	struct findings all = lint_texts(texts, 1);

	if (strcmp(all.ids.p, ids) != 0)
		fail_msg("%s\nfound: %s\nexpected: %s", tail, all.ids.p, ids);
	buf_free(&all.ids);
	buf_free(&text);
}

static void expect(const char *query, const char *ids)
{
	struct buf tail = {0};

	buf_printf(&tail, "query = '''%s'''", query);
	buf_add_char(&tail, '\0');
	expect_rule(tail.p, ids);
	buf_free(&tail);
}

static void contradictions_are_found(void **state)
{
	static const char *const queries[] = {
	    "process where process.name == \"a\" and process.name == \"b\"",
	    "process where process.name == \"a\" and process.name in (\"b\", \"c\")",
	    "process where process.name == \"a\" and not process.name == \"a\"",
	    "process where process.name == \"sh\" and not process.name : (\"S*\", \"x\")",
	    "process where process.name : \"a*\" and process.name : \"b*\"",
	    "process where process.name like \"a*\" and process.name == \"bash\"",
	    "process where process.pid > 5 and process.pid < 3",
	    "process where process.pid > 5 and process.pid <= 5",
	    "process where process.pid == 5 and process.pid >= 6",
	    "process where process.name == null and process.name : \"a*\"",
	    "process where process.name == null and process.pid == 1 and process.name != null",
	    "process where process.args == \"-c\" and not process.args in (\"-c\", \"-e\")",
	    "process where process.name == \"a\" and (process.pid == 1 or process.name == \"b\")",
	    "process where process.name == \"a\" and not (process.pid == 1 or process.name == "
	    "\"a\")",
	    "process where false",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++)
		expect(queries[i], "contradiction ");
}

static void what_can_hold_is_no_contradiction(void **state)
{
	static const char *const queries[] = {
	    /* Fields with several values can have both. */
	    "process where process.args == \"a\" and process.args == \"b\"",
	    "process where process.args : \"a*\" and not process.args == \"abc\"",
	    /* Not known to have one value only. */
	    "process where process.Ext.x == \"a\" and process.Ext.x == \"b\"",
	    "process where process.name : \"a*\" and process.name : \"*b\"",
	    "process where process.name : \"A*\" and process.name like \"*b\"",
	    "process where process.name like \"a*\" and not process.name : \"ab*\"",
	    "process where process.pid >= 5 and process.pid <= 5",
	    "process where process.pid > 4 and process.pid < 5",
	    "process where process.name == \"a\" or process.name == \"b\"",
	    "process where not process.name == \"a\" and not process.name == \"b\"",
	    "process where process.name == \"a\" and (process.pid == 1 or process.pid == 2)",
	    /* In other letters it escapes. */
	    "process where process.name : \"abc\" and not process.name == \"abc\"",
	    "process where process.name in (\"?\", \"x\") and not process.name == \"x\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		bool foreign = strstr(queries[i], ".Ext.") != NULL;

		expect(queries[i], foreign ? "foreign-field " : "");
	}
}

static void superfluous_clauses_are_found(void **state)
{
	(void)state;
	expect("process where process.name == \"a\" or process.name in (\"a\", \"b\")",
	       "redundant-clause ");
	expect("process where process.name == \"a\" and process.name in (\"a\", \"b\")",
	       "redundant-clause ");
	expect("process where process.name : \"ab*\" or process.pid == 1 or process.name : \"a*\"",
	       "redundant-clause ");
	expect("process where process.pid > 5 and process.pid > 3", "redundant-clause ");
	expect("process where process.pid == 1 or (process.pid == 1 and process.name == \"a\")",
	       "redundant-clause ");
	expect("process where process.name == \"a\" and not process.name == \"b\"",
	       "redundant-clause ");
	expect("process where process.name like (\"a*\", \"abc*\", \"x\")", "redundant-item ");
	/* Habits: naming what is needed first, narrowing first. */
	expect("process where process.name != null and process.name : \"a*\"", "");
	expect("process where process.name in (\"a\", \"b\") and (process.name == \"a\" and "
	       "process.pid == 1 or process.name == \"b\" and process.pid == 2)",
	       "");
	expect("process where process.name like (\"a?\", \"ab*\")", "");
}

static void fields_and_values_are_known(void **state)
{
	(void)state;
	expect("process where process.nmae == \"a\"", "unknown-field ");
	expect("process where process.commandline : \"x\"", "unknown-field ");
	expect("process where process.parent.executabel == \"/x\"", "unknown-field ");
	expect("process where process.code_signature.trusted == true", "foreign-field ");
	expect("process where our.own.field == \"0\"", "foreign-field ");
	expect("process where our.own.field == \"0\" or our.own.field == \"1\"", "foreign-field ");
	expect("process where process.Ext.whatever == \"0\"", "foreign-field ");
	expect("procss where process.pid == 1", "unknown-value ");
	expect("process where event.type == \"strat\"", "unknown-value ");
	expect("process where event.type == \"start\" and host.os.type == \"linux\"", "");
	expect("process where event.type : (\"st*\", \"End\")", "");
	expect("process where event.action == \"exce\"", "unknown-action ");
	expect("process where event.action in (\"exec\", \"exec_event\")", "");
	expect("network where event.action == \"connection_attempted\"", "");
	expect("dns where event.action == \"lookup_result\"", "");
	expect("process where event.action == \"lookup_result\"", "action-of-other-category ");
	expect("network where event.action == \"bound-socket\"", "foreign-action ");
	expect("process where not event.action == \"nonsense\"", "");
	expect("file where event.action in (\"exec\", \"fork\")", "action-of-other-category ");
	expect("file where event.action in (\"exec\", \"creation\")", "");
	expect("any where event.action == \"exec\"", "");
}

static void patterns_that_mean_something_else(void **state)
{
	(void)state;
	expect("process where file.path == \"/etc/cron*\"", "wildcard-is-literal ");
	expect("process where process.executable in (\"/tmp/*\", \"/x\")", "wildcard-is-literal ");
	expect("process where process.args == \"*\" or process.args == \"?\"", "");
	expect("process where process.name : \"^py.*$\"", "regex-in-pattern ");
	expect("process where process.name : \"[a-z]+\"", "regex-in-pattern ");
	expect("process where file.path : (\"/tmp/.*\", \"/home/*/.*\")", "");
	expect("process where file.path : \"*\\\\sap.com*\\\\drivers\\\\x\"", "");
	expect("process where file.path : \"/etc/systemd/*[Unit]*\"", "");
	expect("process where file.path : (\"/tmp/.*\", \"*/.ssh/?d_*\")", "");
	expect("process where process.executable : \"c:\\\\windows\\\\system32\\\\*\"", "");
	expect("process where process.command_line : \"*curl*\"", "leading-wildcard ");
	expect("process where process.command_line : \"curl*\" and process.name : \"*x*\"", "");
	expect("process where not process.command_line : \"*curl*\"", "");
}

static void sequences_are_tied(void **state)
{
	(void)state;
	expect("sequence by host.id with maxspan=1m [process where process.pid == 1] "
	       "[file where file.size > 1]",
	       "");
	expect("sequence by host.id [process where process.pid == 1] [file where file.size > 1]",
	       "no-maxspan ");
	expect("sequence with maxspan=1m [process where process.pid == 1] "
	       "[file where file.size > 1]",
	       "no-key ");
	expect("sequence by host.id with maxspan=1m [process where process.pid == 1] "
	       "[process where process.pid > 0]",
	       "same-event ");
	expect("sequence by host.id with maxspan=1m [process where process.pid == 1] with runs=3",
	       "");
	expect("sequence by host.id with maxspan=1m [process where true] [file where true]", "");
	expect("process where true", "always-true ");
}

static void metadata_is_looked_at(void **state)
{
	static const char two[] =
	    "[rule]\nrule_id = \"%s\"\nname = \"n\"\ndescription = \"d\"\nseverity = \"high\"\n"
	    "risk_score = 21\ntype = \"eql\"\nmax_signals = 5000\nquery = 'process where "
	    "process.pid == 1'\n";
	char first[512], second[512];
	const char *texts[] = {first, second};

	(void)state;
	snprintf(first, sizeof(first), two, "a");
	snprintf(second, sizeof(second), two, "b");
	struct findings all = lint_texts(texts, 2);

	assert_string_equal(all.ids.p, "severity-risk no-threat max-signals "
				       "severity-risk no-threat max-signals duplicate-name ");
	buf_free(&all.ids);
}

static void exceptions_leave_something(void **state)
{
	(void)state;
	expect_rule("query = 'process where process.name == \"a\" and process.pid == 1'\n"
		    "[[rule.exceptions]]\nname = \"e\"\nquery = 'process.name in (\"a\", \"b\")'",
		    "exception-excludes-all ");
	expect_rule("query = 'process where process.name == \"a\"'\n"
		    "[[rule.exceptions]]\nname = \"e\"\nquery = 'true'",
		    "exception-excludes-all ");
	expect_rule("query = 'process where process.name == \"a\"'\n"
		    "[[rule.exceptions]]\nname = \"e\"\nquery = 'process.pid == 1'",
		    "");
	expect_rule("query = 'process where process.name == \"a\"'\n"
		    "[[rule.exceptions]]\nname = \"e\"\nquery = 'process.pid == 1 and process.pid "
		    "== 2'",
		    "contradiction ");
}

/* Lists by the thousand are compared pair by pair; there is an end to that. */
static void a_huge_rule_is_done_soon(void **state)
{
	struct buf text = {0};

	(void)state;
	buf_add(&text, STR("process where process.name like ("));
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "%s\"a%d*\"", i ? ", " : "", i);
	buf_add(&text, STR(") and process.name like ("));
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "%s\"b%d*\"", i ? ", " : "", i);
	buf_add_char(&text, ')');
	buf_add_char(&text, '\0');
	expect(text.p, "");
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(contradictions_are_found),
	    cmocka_unit_test(what_can_hold_is_no_contradiction),
	    cmocka_unit_test(superfluous_clauses_are_found),
	    cmocka_unit_test(fields_and_values_are_known),
	    cmocka_unit_test(patterns_that_mean_something_else),
	    cmocka_unit_test(sequences_are_tied),
	    cmocka_unit_test(metadata_is_looked_at),
	    cmocka_unit_test(exceptions_leave_something),
	    cmocka_unit_test(a_huge_rule_is_done_soon),
	};

	return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
