/* SPDX-License-Identifier: Apache-2.0 */
/* Rule pages of Elastic's documentation, in Markdown and in AsciiDoc. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "rule_fixture.h"

#define QUERY                                           \
	"file where event.action == \"creation\" and\n" \
	"  file.path : (\"/etc/x\", \"/etc/y/*\")\n"

static const char markdown[] =
    "---\nmapped_pages:\n  - https://example.org/x.html\n---\n\n"
    "# A Name, with Marks! [prebuilt-rule-8-17-4-a-name-with-marks]\n\n"
    "What it finds.\nOn two lines.\n\nAnd more.\n\n"
    "**Rule type**: eql\n\n**Rule indices**:\n\n* logs-endpoint.events.*\n* auditbeat-*\n\n"
    "**Severity**: high\n\n**Risk score**: 73\n\n**Runs every**: 10m\n\n"
    "**Searches indices from**: now-19m ({{ref}}/x.html#date-math[Date Math format], see also "
    "[`Additional look-back time`](docs-content://x.md#rule-schedule))\n\n"
    "**Maximum alerts per execution**: 33\n\n"
    "**References**:\n\n* [https://example.org/a](https://example.org/a)\n\n"
    "**Tags**:\n\n* OS: Linux\n* Tactic: Persistence\n\n**Version**: 3\n\n"
    "**Rule authors**:\n\n* Some One\n\n**Rule license**: None of yours\n\n"
    "## Investigation guide [_guide_1]\n\n**Triage**\n\n* **Tags**: of no account here\n\n```\n"
    "## not a heading\n```\n\nThe end.\n\n## Setup [_setup_1]\n\nTurn it on.\n\n"
    "## Rule query [_query_1]\n\n```js\n" QUERY "```\n\n"
    "**Framework**: MITRE ATT&CKTM\n\n"
    "* Tactic:\n\n    * Name: Persistence\n    * ID: TA0003\n"
    "    * Reference URL: [https://example.org/t](https://example.org/t)\n\n"
    "* Technique:\n\n    * Name: One\n    * ID: T1\n    * Reference URL: https://example.org/1\n\n"
    "* Sub-technique:\n\n    * Name: Sub\n    * ID: T1.001\n\n"
    "* Technique:\n\n    * Name: Two\n    * ID: T2\n\n"
    "* Tactic:\n\n    * Name: Other\n    * ID: TA0004\n";

static const char asciidoc[] =
    "[[prebuilt-rule-8-3-1-a-name-with-marks]]\n=== A Name, with Marks!\n\n"
    "What it finds.\nOn two lines.\n\nAnd more.\n\n"
    "*Rule type*: eql\n\n*Rule indices*: \n\n* logs-endpoint.events.*\n* auditbeat-*\n\n"
    "*Severity*: high\n\n*Risk score*: 73\n\n*Runs every*: 10m\n\n"
    "*Searches indices from*: now-19m ({ref}/x.html#date-math[Date Math format], see also "
    "<<rule-schedule, `Additional look-back time`>>)\n\n"
    "*Maximum alerts per execution*: 33\n\n"
    "*References*: \n\n* https://example.org/a\n\n"
    "*Tags*: \n\n* OS: Linux\n* Tactic: Persistence\n\n*Version*: 3\n\n"
    "*Rule authors*: \n\n* Some One\n\n*Rule license*: None of yours\n\n\n"
    "==== Investigation guide\n\n\n*Triage*\n\nThe end.\n\n==== Setup\n\n\nTurn it on.\n\n"
    "==== Rule query\n\n\n[source, js]\n----------------------------------\n" QUERY
    "----------------------------------\n\n"
    "*Framework*: MITRE ATT&CK^TM^\n\n"
    "* Tactic:\n** Name: Persistence\n** ID: TA0003\n** Reference URL: https://example.org/t\n"
    "* Technique:\n** Name: One\n** ID: T1\n** Reference URL: https://example.org/1\n"
    "* Sub-technique:\n** Name: Sub\n** ID: T1.001\n* Technique:\n** Name: Two\n** ID: T2\n"
    "* Tactic:\n** Name: Other\n** ID: TA0004\n";

static void assert_whole(const struct rule *r)
{
	assert_int_equal(r->state, RULE_LOADED);
	assert_int_equal(r->diag_count, 0);
	assert_string_equal(r->id.p, "a-name-with-marks");
	assert_string_equal(r->name.p, "A Name, with Marks!");
	assert_string_equal(r->description.p, "What it finds.\nOn two lines.\n\nAnd more.");
	assert_string_equal(r->type.p, "eql");
	assert_int_equal(r->index_count, 2);
	assert_string_equal(r->indices[0].p, "logs-endpoint.events.*");
	assert_int_equal(r->severity, SEVERITY_HIGH);
	assert_int_equal(r->risk_score, 73);
	assert_true(r->interval_ns == 600 * NS_PER_SEC);
	assert_true(r->lookback_ns == 19 * 60 * NS_PER_SEC);
	assert_int_equal(r->max_signals, 33);
	assert_int_equal(r->reference_count, 1);
	assert_string_equal(r->references[0].p, "https://example.org/a");
	assert_int_equal(r->tag_count, 2);
	assert_string_equal(r->tags[1].p, "Tactic: Persistence");
	assert_string_equal(r->version.p, "3");
	assert_string_equal(r->authors[0].p, "Some One");
	assert_string_equal(r->setup.p, "Turn it on.");
	assert_string_equal(r->query_text.p, "file where event.action == \"creation\" and\n"
					     "  file.path : (\"/etc/x\", \"/etc/y/*\")");
	assert_int_equal(r->threat_count, 2);
	assert_string_equal(r->threats[0].framework.p, "MITRE ATT&CK");
	assert_string_equal(r->threats[0].tactic_id.p, "TA0003");
	assert_string_equal(r->threats[0].tactic_reference.p, "https://example.org/t");
	assert_int_equal(r->threats[0].technique_count, 2);
	assert_string_equal(r->threats[0].techniques[0].name.p, "One");
	assert_string_equal(r->threats[0].techniques[0].reference.p, "https://example.org/1");
	assert_string_equal(r->threats[0].techniques[0].subtechniques[0].id.p, "T1.001");
	assert_string_equal(r->threats[0].techniques[1].id.p, "T2");
	assert_string_equal(r->threats[1].tactic_name.p, "Other");
}

static void a_page_in_markdown_is_read(void **state)
{
	struct fixture *f = *state;
	const struct rule *r = load(f, "page.md", markdown);

	assert_whole(r);
	assert_string_equal(r->note.p, "**Triage**\n\n* **Tags**: of no account here\n\n```\n"
				       "## not a heading\n```\n\nThe end.");
	uint32_t line = 1;

	for (const char *at = markdown; at < strstr(markdown, "file where"); at++)
		line += *at == '\n';
	assert_int_equal(r->query_line, line);
	assert_true(matches(f, r,
			    "{\"event.category\":\"file\",\"event.action\":\"creation\","
			    "\"file.path\":\"/etc/y/z\"}"));
}

static void a_page_in_asciidoc_is_read(void **state)
{
	struct fixture *f = *state;
	const struct rule *r = load(f, "page.txt", asciidoc);

	assert_whole(r);
	assert_string_equal(r->note.p, "*Triage*\n\nThe end.");
}

/* Windows' ends of lines change nothing, the places of errors neither. */
static void ends_of_lines_are_not_part_of_it(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0};

	for (const char *p = markdown; *p; p++) {
		if (*p == '\n')
			buf_add_char(&text, '\r');
		buf_add_char(&text, *p);
	}
	buf_add_char(&text, '\0');
	assert_whole(load(f, "page.md", text.p));
	buf_free(&text);
}

#define SHORT(type, query)                                                                  \
	"# N\n\nd\n\n**Rule type**: " type "\n\n**Severity**: low\n\n**Risk score**: 1\n\n" \
	"## Rule query [x]\n\n```js\n" query "\n```\n"

static void an_error_has_its_place_on_the_page(void **state)
{
	struct fixture *f = *state;
	const struct rule *r = load(f, "page.md", SHORT("eql", "any where\n  a == 1 and $"));

	assert_int_equal(r->state, RULE_ERROR);
	assert_int_equal(r->diags[0].line, 15);
	assert_int_equal(r->diags[0].column, 14);
	fresh(f);
	r = load(f, "page.md", SHORT("query", "\"a\" or process.pid: x"));
	assert_int_equal(r->diags[0].line, 14);
	assert_int_equal(r->diags[0].column, 21);
	fresh(f);
	r = load(f, "page.md",
		 "# N\n\nd\n\n**Rule type**: eql\n\n**Severity**: dire\n\n"
		 "**Risk score**: much\n");
	assert_int_equal(r->state, RULE_ERROR);
	assert_string_equal(r->diags[0].message.p,
			    "[risk_score] must be an integer, but is a string");
	assert_int_equal(r->diags[0].line, 9);
	assert_int_equal(r->diags[0].column, 17);
	assert_string_equal(r->diags[1].message.p, "unknown severity [dire]");
	assert_int_equal(r->diags[1].line, 7);
}

static void types_that_a_page_does_not_tell_enough_of(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(load(f, "page.md", SHORT("threshold", "a: 1"))->reason.p,
			    "a documentation page does not say what a threshold rule counts");
	fresh(f);
	assert_string_equal(load(f, "page.md", SHORT("new_terms", "a: 1"))->reason.p,
			    "a documentation page does not say which fields of a new_terms rule "
			    "must be new");
	fresh(f);
	assert_string_equal(load(f, "page.md", SHORT("esql", "from x"))->reason.p,
			    "rule type [esql] is not supported");
	assert_int_equal(f->set.skipped, 1);
}

static void other_texts_are_no_pages(void **state)
{
	struct fixture *f = *state;
	const struct rule *r = load(f, "page.md", "# A README\n\nWith text.\n");

	assert_int_equal(r->state, RULE_ERROR);
	r = load(f, "page.md", "no heading\n**Rule type**: eql\n");
	assert_string_equal(r->reason.p, "not a rule's page of Elastic's documentation");
	/* A heading with a bracket that was not opened, at the very end: no byte behind it is read. */
	static const char text[] = "\n**Rule type**: eql\n# A]";
	char *end = malloc(sizeof(text) - 1);

	assert_non_null(end);
	memcpy(end, text, sizeof(text) - 1);
	assert_int_equal(rule_set_load_text(&f->set, f->fields, (struct str){end, sizeof(text) - 1},
					    STR("page.md"), &f->diags),
			 -EINVAL);
	free(end);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_page_in_markdown_is_read),
	    TEST(a_page_in_asciidoc_is_read),
	    TEST(ends_of_lines_are_not_part_of_it),
	    TEST(an_error_has_its_place_on_the_page),
	    TEST(types_that_a_page_does_not_tell_enough_of),
	    TEST(other_texts_are_no_pages),
	};

	return cmocka_run_group_tests_name("rule_page", tests, NULL, NULL);
}
