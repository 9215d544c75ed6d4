/* SPDX-License-Identifier: Apache-2.0 */
/* What rules ask of file events, as text: "name:x directory:y"; "all by R"; "" when nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "rule/demand.h"
#include "rule_fixture.h"
#include "sensor/demand.h"

static const char *const kinds[] = {
    [DEMAND_NAME] = "name",
    [DEMAND_NAME_START] = "name-start",
    [DEMAND_EXTENSION] = "extension",
    [DEMAND_DIRECTORY] = "directory",
    [DEMAND_DIRECTORY_START] = "directory-start",
    [DEMAND_PROGRAM] = "program",
    [DEMAND_PROGRAM_START] = "program-start",
    [DEMAND_PROGRAM_PART] = "program-part",
    [DEMAND_PROGRAM_PATH] = "program-path",
    [DEMAND_ARMS] = "arms",
};

static void load_query(struct fixture *f, const char *language, const char *query)
{
	struct buf text = {0};

	buf_printf(
	    &text,
	    "[rule]\nrule_id = \"r\"\nname = \"R\"\ndescription = \"d\"\nseverity = \"low\"\n"
	    "risk_score = 1\nlanguage = \"%s\"\ntype = \"%s\"\nquery = '''\n%s\n'''\n",
	    language, strcmp(language, "eql") == 0 ? "eql" : "query", query);
	const struct rule *rule = load(f, "r.toml", text.p);

	if (!rule || rule->state != RULE_LOADED) {
		diag_list_print(&f->diags, 2);
		fail_msg("does not load: %s", query);
	}
	buf_free(&text);
}

static void write_demand(const struct file_demand *demand, struct buf *out)
{
	if (demand->all)
		buf_printf(out, "all by %.*s", STR_ARG(demand->asker));
	for (uint32_t i = 0; !demand->all && i < demand->count; i++)
		buf_printf(out, "%s%s:%.*s", i ? " " : "", kinds[demand->items[i].kind],
			   STR_ARG(demand->items[i].text));
	if (demand->armed_ns)
		buf_printf(out, " for %llus", (unsigned long long)(demand->armed_ns / 1000000000u));
}

static void check(void **state, const char *language, const char *query, const char *wanted)
{
	struct fixture *f = *state;
	struct file_demand demand;
	struct buf out = {0};
	struct arena arena;

	fresh(f);
	arena_init(&arena);
	load_query(f, language, query);
	rule_set_file_demand(&f->set, f->fields, &arena, &demand);
	buf_printf(&out, "%s", "");
	write_demand(&demand, &out);
	if (strcmp(out.p, wanted) != 0)
		fail_msg("%s\nasks for: %s\nwanted:   %s", query, out.p, wanted);
	buf_free(&out);
	arena_free(&arena);
}

static void leaves(void **state)
{
	static const char *const cases[][2] = {
	    {"file where file.path == \"/etc/Hosts\"", "name:hosts"},
	    {"file where file.name in (\"b\", \"a\")", "name:a name:b"},
	    {"file where file.name : \"ABCDe*\"", "name-start:abcd"},
	    {"file where file.name : \"abc*\"", "all by R"},
	    {"file where file.name like \"*.so\"", "extension:so"},
	    {"file where file.name like \"*so\"", "all by R"},
	    {"file where file.extension == \"so\"", "extension:so"},
	    {"file where file.extension == \"sixteen-letters-\"", "all by R"},
	    {"file where file.path like \"/etc/cron.d/*\"", "directory:cron.d"},
	    {"file where file.path like \"/home/*/.ssh/authorized_keys\"", "name:authorized_keys"},
	    {"file where file.path like \"/tmp/*\"", "directory:tmp"},
	    {"file where file.path like \"/tmp*\"", "all by R"},
	    {"file where file.path like \"/var/lib/tomcat*\"",
	     "name-start:tomc directory-start:tomc"},
	    {"file where file.path like \"/lib*/ld-linux*.so.?\"",
	     "name-start:ld-l directory-start:ld-l"},
	    {"file where file.path like \"/home/*/x*\"", "directory:home"},
	    {"file where file.path like \"*\"", "all by R"},
	    {"file where file.path : \"?:\\\\Windows\\\\*\"", ""},
	    {"file where file.path like (\"C:\\\\x\", \"/etc/rc.local\")", "name:rc.local"},
	    {"file where file.Ext.original.path == \"/etc/shadow\"", "name:shadow"},
	    {"file where process.name == \"a-name-longer-than-comm\"", "program:a-name-longer-t"},
	    {"file where process.name like \"ngin*\"", "program-start:ngin"},
	    {"file where process.name like \"*-linux-gnu-ld*\"", "program-part:-lin"},
	    {"file where process.name like \"*ld*\"", "all by R"},
	    {"file where process.name like \"ld.*\"", "program-start:ld."},
	    {"file where process.executable like \"/dev/shm/*\"", "program-path:/dev"},
	    {"file where process.executable == \"/usr/bin/cp\"", "program:cp"},
	    {"file where process.parent.name == \"sh\"", "all by R"},
	    {"file where user.id == \"0\"", "all by R"},
	    {"file where true", "all by R"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(state, "eql", cases[i][0], cases[i][1]);
}

static void conditions(void **state)
{
	static const char *const cases[][2] = {
	    {"file where event.action == \"creation\" and file.name == \"a\"", "name:a"},
	    {"file where file.path like \"/etc/*\" and process.name == \"p\"", "program:p"},
	    {"file where file.name == \"a\" or file.name == \"b\"", "name:a name:b"},
	    {"file where file.name == \"a\" or user.id == \"0\"", "all by R"},
	    {"file where not file.name == \"a\"", "all by R"},
	    {"file where file.name == \"a\" and not file.path like \"/x/*\"", "name:a"},
	    /* null: the leaf holds where the field is missing */
	    {"file where file.name == null", "all by R"},
	    {"process where process.name == \"a\"", ""},
	    {"any where file.name == \"a\"", "name:a"},
	    {"any where event.category == \"process\" and process.name != null", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(state, "eql", cases[i][0], cases[i][1]);
}

static void what_never_comes_asks_for_nothing(void **state)
{
	static const char *const cases[][2] = {
	    {"file where event.action == \"no-such\"", ""},
	    {"file where event.type == \"creation\" and data_stream.dataset == \"x\"", ""},
	    {"file where file.name == \"a\" or kubernetes.audit.verb == \"get\"", "name:a"},
	    {"file where host.os.type == \"windows\"", ""},
	    {"sequence by host.id [any where data_stream.dataset == \"x\"] [file where true]", ""},
	    {"sequence by host.id [registry where true] [file where file.name == \"a\"]", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(state, "eql", cases[i][0], cases[i][1]);
}

static void later_stages_are_armed_by_the_first(void **state)
{
	static const char *const cases[][2] = {
	    {"sequence by host.id with maxspan=10s [process where process.parent.name == \"p\"] "
	     "[file where true]",
	     "arms:p for 10s"},
	    /* without an end it would be armed for good */
	    {"sequence by host.id [process where process.parent.name == \"p\"] [file where true]",
	     "all by R"},
	    {"sequence by host.id with maxspan=10s [process where process.name == \"p\"] "
	     "[file where true]",
	     "all by R"},
	    {"sequence by host.id with maxspan=10s [file where true] "
	     "[process where process.parent.name == \"p\"]",
	     "all by R"},
	    {"sequence by host.id with maxspan=10s [process where process.parent.name == \"p\"] "
	     "[file where file.name == \"a\"]",
	     "name:a"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(state, "eql", cases[i][0], cases[i][1]);
}

static void kql_asks_too(void **state)
{
	check(state, "kuery", "event.category:file and file.path:/etc/cron.d/*",
	      "directory:cron.d");
	check(state, "kuery", "event.category:process and process.name:x", "");
}

static void keys(void **state)
{
	const struct demand demand = {DEMAND_DIRECTORY,
				      STR("a-directory-whose-name-is-longer-than-a-key")};
	struct demand_key key;

	(void)state;
	demand_key(&demand, &key);
	assert_memory_equal(key.text, "a-directory-whose-name-is-long", DEMAND_TEXT_BYTES - 1);
	assert_int_equal(key.text[DEMAND_TEXT_BYTES - 1], 0);
	assert_int_equal(key.kind, DEMAND_DIRECTORY);
}

static void programs(void **state)
{
	const struct demand items[] = {
	    {DEMAND_PROGRAM, STR("cp")},        {DEMAND_PROGRAM_START, STR("php-")},
	    {DEMAND_PROGRAM_PATH, STR("/tmp")}, {DEMAND_ARMS, STR("foomatic-rip")},
	    {DEMAND_PROGRAM_PART, STR("-lin")},
	};
	const struct file_demand demand = {.items = items, .count = 5};

	(void)state;
	assert_int_equal(demand_program(&demand, STR("CP"), STR("/bin/CP")), PROGRAM_WANTED);
	assert_int_equal(demand_program(&demand, STR("cpx"), STR("/bin/cpx")), 0);
	assert_int_equal(demand_program(&demand, STR("php-fpm7"), STR("/x")), PROGRAM_WANTED);
	assert_int_equal(demand_program(&demand, STR("x"), STR("/tmp/x")), PROGRAM_WANTED);
	assert_int_equal(demand_program(&demand, STR("my-Linker"), STR("/x")), PROGRAM_WANTED);
	assert_int_equal(demand_program(&demand, STR("fifteen-letters"), STR("/x")),
			 PROGRAM_WANTED);
	assert_int_equal(demand_program(&demand, STR("foomatic-rip"), STR("/usr/x")), PROGRAM_ARMS);
}

static void kinds_say_when_all_is_wanted(void **state)
{
	const struct demand item = {DEMAND_EXTENSION, STR("so")};

	(void)state;
	assert_int_equal(demand_kinds(NULL), 0);
	assert_int_equal(
	    demand_kinds(&(struct file_demand){.all = true, .items = &item, .count = 1}), 0);
	assert_int_not_equal(demand_kinds(&(struct file_demand){.count = 0}), 0);
	assert_true(demand_kinds(&(struct file_demand){.items = &item, .count = 1}) &
		    1u << DEMAND_EXTENSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(leaves, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(conditions, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_never_comes_asks_for_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(later_stages_are_armed_by_the_first, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(kql_asks_too, set_up, tear_down),
	    cmocka_unit_test(keys),
	    cmocka_unit_test(programs),
	    cmocka_unit_test(kinds_say_when_all_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
