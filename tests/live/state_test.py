#!/usr/bin/env python3
"""Rules over several events in `lintel watch`: sequences, what must be missing, and a restart in the middle."""
from harness import *

need_root()

RULE = '''[rule]
name = "%(id)s"
description = "d"
rule_id = "%(id)s"
risk_score = 21
severity = "low"
%(more)s
'''
SEQUENCE = '''type = "eql"
query = """
sequence by process.pid with maxspan=1h
  [file where event.action == "creation" and file.name == "first-half"]
  [file where event.action == "creation" and file.name == "second-half"]
"""
'''
MISSING = '''type = "eql"
query = """
sequence by process.pid with maxspan=1s
  [file where event.action == "creation" and file.name == "alone"]
  ![file where event.action == "creation" and file.name == "company"]
"""
'''
NEW_TERMS = '''type = "new_terms"
language = "kuery"
query = "event.category : file and event.action : creation and file.name : term-*"
[rule.new_terms]
field = "new_terms_fields"
value = ["file.name"]
[[rule.new_terms.history_window_start]]
field = "history_window_start"
value = "now-1d"
'''


def rules_in(shell):
    os.makedirs(shell.path("rules"))
    for id, more in (("sequence", SEQUENCE), ("missing", MISSING), ("new", NEW_TERMS)):
        shell.write("rules/%s.toml" % id, RULE % {"id": id, "more": more})
    return shell.path("rules")


def found(alerts):
    return [(get(a, "rule.id"), [e and get(e, "file.name") for e in get(a, "lintel.alert.events")]) for a in alerts]


def watch_in(shell, rules, *argv):
    return Watch("--state", shell.path("state"), "--tolerance", "500ms", *argv, root_pid=shell.pid, rules=[rules],
                 default_rules=False)


with case("a sequence whose second half comes after a restart is found; what was new is not new again"):
    with Shell() as shell:
        rules = rules_in(shell)
        with watch_in(shell, rules) as watch:
            shell.run(": > first-half; : > term-a")
            _, alerts = watch.finish(shell)
        assert found(alerts) == [("new", ["term-a"])], alerts
        with watch_in(shell, rules) as watch:
            shell.run(": > second-half; rm term-a; : > term-a; : > term-b")
            _, alerts = watch.finish(shell)
        assert sorted(found(alerts)) == [("new", ["term-b"]), ("sequence", ["first-half", "second-half"])], found(alerts)
        alert = [a for a in alerts if get(a, "rule.id") == "sequence"][0]
        assert get(alert, "lintel.alert.join_keys") == [shell.pid]
        assert get(alert, "lintel.alert.ancestors")[0]["pid"] == shell.pid
        assert "; then bash (pid %d" % shell.pid in alert["message"], alert["message"]
        # and not a second time
        with watch_in(shell, rules) as watch:
            shell.run("rm second-half; : > second-half")
            _, alerts = watch.finish(shell)
        assert found(alerts) == [], alerts

with case("an event that must be missing is missed when its time is over, also where nothing else happens"):
    with Shell() as shell:
        rules = rules_in(shell)
        with watch_in(shell, rules, "--no-default-rules") as watch:
            shell.run(": > alone; : > company; rm alone; : > alone")
            deadline = time.monotonic() + EVENT_SECONDS
            while not watch.alerts() and time.monotonic() < deadline:
                time.sleep(0.1)
            assert found(watch.alerts()) == [("missing", ["alone", None])], found(watch.alerts())
            _, alerts = watch.finish(shell)
        assert len(alerts) == 1, alerts

done()
