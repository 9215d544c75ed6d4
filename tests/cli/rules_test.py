#!/usr/bin/env python3
"""`lintel rules check`, `show`, `list` and hunts with rules of every format: TOML, Kibana's NDJSON and JSON,
documentation pages; exception lists from another file."""
import json, os, re, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import case, done, lintel, Skip
from workdir import path, work, write

SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared")


def rule(rule_id, **more):
    return {"id": "u-" + rule_id, "rule_id": rule_id, "name": "Rule " + rule_id, "description": "d", "severity": "high",
            "risk_score": 73, "type": "query", "language": "kuery", "query": "process.name: (sh or b*)",
            "enabled": True, "actions": [], "exceptions_list": [], "threat": [], "to": "now", **more}


def rows(*objects):
    return "".join(json.dumps(o) + "\n" for o in objects)


LIST = {"list_id": "ours", "namespace_type": "single", "type": "detection", "name": "Ours"}
ITEM = {"list_id": "ours", "item_id": "i", "namespace_type": "single", "type": "simple", "name": "Our build",
        "description": "ticket 7", "entries": [
            {"field": "process.executable", "type": "wildcard", "operator": "included", "value": "/opt/build/*"}]}
USES = [{"id": "x", "list_id": "ours", "type": "detection", "namespace_type": "single"}]

TOML = """[rule]
rule_id = "t-1"
name = "From TOML"
description = "d"
severity = "low"
risk_score = 21
type = "threshold"
query = 'process.name: curl'
[rule.threshold]
field = ["host.id", "user.name"]
value = 3
[[rule.threshold.cardinality]]
field = "destination.ip"
value = 2
[rule.alert_suppression.duration]
value = 2
unit = "h"
"""

PAGE = """# A Page of a Rule [prebuilt-rule-1-0-0-a-page-of-a-rule]

What it finds.

**Rule type**: eql

**Severity**: medium

**Risk score**: 47

## Rule query [_1]

```js
process where process.name == "sh"
```
"""


def check(*argv):
    p = lintel("rules", "check", "--format", "ndjson", *argv)
    lines = [json.loads(l) for l in p.out.splitlines()]
    return p, lines[:-1], lines[-1]["summary"]


os.makedirs(path("all/deep"))
write("all/a.toml", TOML)
write("all/b.ndjson", rows(rule("n-1"), rule("n-2", exceptions_list=USES),
                           {"exported_count": 2, "exported_rules_count": 2, "missing_rules_count": 0}))
write("all/c.json", json.dumps([rule("j-1"), rule("j-2")], indent=1))
write("all/d.md", PAGE)
write("all/deep/list.ndjson", rows(LIST, ITEM))
write("all/README.md", "# About these rules\n")
write("all/package.json", '{"name": "x"}\n')
write("all/events.ndjson", rows({"process.name": "sh"}))
write("all/notes.txt", "not read unless it is named\n")

with case("a directory's rules are read whatever their format, and nothing else is"):
    p, found, summary = check(path("all"))
    assert p.returncode == 0, p.out
    assert [r["id"] for r in found] == ["t-1", "n-1", "n-2", "j-1", "j-2", "a-page-of-a-rule"], found
    assert summary["loaded"] == 6 and summary["errors"] == 0 and summary["warnings"] == 0, summary
    assert found[2]["line"] == 2 and "line" not in found[0], found

with case("check names the row"):
    p = lintel("rules", "check", path("all/b.ndjson"))
    assert p.returncode == 0 and "loaded   %s:1: Rule n-1\n" % path("all/b.ndjson") in p.out, p.out
    assert "exception list [ours] is not loaded: the rule alerts on what it excepts" in p.out, p.out

with case("a page is read under any name when it is named"):
    p, found, summary = check(write("page.txt", PAGE))
    assert p.returncode == 0 and found[0]["name"] == "A Page of a Rule", p.out

with case("mistakes have row, column and caret in every format"):
    f = write("bad.ndjson", rows(rule("n-1")) + rows(rule("n-2", query='a: "x" and process.pid: y')) + "{\n")
    p = lintel("rules", "check", f)
    assert p.returncode == 1, p.out
    m = re.search(r"error    \S+bad.ndjson:2:(\d+): \[y\] does not fit \[process.pid\], a field of type long", p.out)
    line = open(f).read().splitlines()[1]
    assert m and line[int(m.group(1)) - 1:].startswith('y"'), p.out
    assert re.search(r"error    \S+bad.ndjson:3\S*: not JSON: ", p.out), p.out
    assert "3 rules: 1 loaded, 0 skipped, 2 with errors" in p.out, p.out
    p = lintel("rules", "check", write("bad.md", PAGE.replace("==", "=")))
    assert p.returncode == 1 and "bad.md:14:28: [=] is not an operator" in p.out, p.out

with case("an export that is not whole is an error"):
    p = lintel("rules", "check", write("cut.ndjson", rows(rule("n-1"), {"exported_count": 4, "exported_rules_count": 4})))
    assert p.returncode == 1 and "cut.ndjson:2: rules: the export says 4, the file has 1" in p.out, p.out

with case("types that lintel does not run are skipped by name"):
    types = ("threat_match", "saved_query", "esql", "machine_learning")
    p, found, summary = check(write("types.ndjson", rows(*[rule(t, type=t) for t in types])))
    assert p.returncode == 0 and summary["skipped"] == 4, p.out
    assert [r["reason"] for r in found] == ["rule type [%s] is not supported" % t for t in types], found

with case("a filter that lintel does not know skips the rule"):
    f = write("filter.ndjson", rows(rule("f", filters=[{"query": {"geo_shape": {"x": 1}}}])))
    p = lintel("rules", "check", f)
    assert p.returncode == 0 and "skipped  %s:1: filter [geo_shape] is not supported" % f in p.out, p.out

with case("show and list know all of it"):
    p = lintel("rules", "show", "t-1", "--no-default-rules", "--rules", path("all"))
    assert p.returncode == 0 and "3 events or more with the same host.id, user.name, with 2 or more different " \
        "values of destination.ip" in p.out and "one alert in 2h for the same host.id, user.name" in p.out, p.out
    p = lintel("rules", "show", "n-2", "--no-default-rules", "--rules", path("all"))
    assert "Our build: ticket 7\n      process.executable: /opt/build/*" in p.out and "b.ndjson:2" in p.out, p.out
    p = lintel("rules", "show", "t-1", "--no-default-rules", "--rules", path("all"), "--format", "ndjson")
    shown = json.loads(p.out)
    assert shown["threshold"] == {"field": ["host.id", "user.name"], "value": 3,
                                  "cardinality": {"field": "destination.ip", "value": 2}}, shown
    assert shown["alert_suppression"]["duration_seconds"] == 7200, shown
    p = lintel("rules", "list", "--no-default-rules", "--rules", path("all"))
    assert p.returncode == 0 and len(p.out.splitlines()) == 6, p.out

EVENTS = write("e.ndjson", rows(
    {"@timestamp": "2026-01-01T00:00:00Z", "event.category": "process", "host.id": "h", "process.name": "bash",
     "process.executable": "/bin/bash"},
    {"@timestamp": "2026-01-01T00:00:01Z", "event.category": "process", "host.id": "h", "process.name": "bash",
     "process.executable": "/opt/build/bash"},
    {"@timestamp": "2026-01-01T00:00:02Z", "event.category": "process", "host.id": "h", "process.name": "dash",
     "process.executable": "/bin/dash"}))


def alerts(*paths):
    p = lintel("hunt", "--no-default-rules", "--format", "ndjson", *[a for x in paths for a in ("--rules", x)], EVENTS)
    return p, [json.loads(l) for l in p.out.splitlines()]


with case("an exception list applies whichever file comes first; without it the rule says what it lacks"):
    rules, lists = write("r.ndjson", rows(rule("n-1", exceptions_list=USES))), path("all/deep/list.ndjson")
    for order in ((rules, lists), (lists, rules)):
        p, found = alerts(*order)
        assert p.returncode in (0, 1) and len(found) == 1 and "not loaded" not in p.err, (p.out, p.err)
    p, found = alerts(rules)
    assert len(found) == 2 and "exception list [ours] is not loaded" in p.err, (p.out, p.err)

with case("the rule page that came with the project loads whole"):
    seeds = [f for f in os.listdir(os.path.join(SHARED, "seeds")) if f.startswith("003_")] if os.path.isdir(SHARED) else []
    if not seeds:
        raise Skip("../shared is not here")
    seed = os.path.join(SHARED, "seeds", seeds[0])
    p = lintel("rules", "show", "dynamic-linker-creation-or-modification", "--no-default-rules", "--format", "ndjson",
               "--rules", seed)
    page = json.loads(p.out)
    block = re.search(r"```js\n(.*?)\n```", open(seed, encoding="utf-8").read(), re.S)
    assert page["query"] == block.group(1), page["query"]
    assert page["state"] == "loaded" and not page.get("diagnostics"), page
    want = {"type": "eql", "severity": "medium", "risk_score": 47, "interval_seconds": 300, "lookback_seconds": 540,
            "max_signals": 100, "index": ["logs-endpoint.events.*"], "author": ["Elastic"], "version": "3",
            "license": "Elastic License v2"}
    assert {k: page[k] for k in want} == want, page
    assert len(page["tags"]) == 7 and "references" not in page, page
    assert "dpkg" in page["note"] and "Elastic Defend" in page["setup"], page
    assert [t["tactic"]["id"] for t in page["threat"]] == ["TA0005", "TA0003"], page["threat"]
    assert [t["technique"][0]["subtechnique"][0]["id"] for t in page["threat"]] == ["T1574.006"] * 2, page["threat"]
    event = {"@timestamp": "2026-01-01T00:00:00Z", "event.category": "file", "event.action": "creation",
             "host.os.type": "linux", "file.path": "/etc/ld.so.preload", "process.executable": "/tmp/x"}
    p = lintel("hunt", "--no-default-rules", "--format", "ndjson", "--rules", seed,
               write("linker.ndjson", rows(event, {**event, "process.executable": "/usr/bin/dpkg"})))
    assert len(p.out.splitlines()) == 1, p.out
done()
