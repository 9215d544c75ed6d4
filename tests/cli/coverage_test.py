#!/usr/bin/env python3
"""`lintel coverage` as its users meet it: the text, NDJSON and Navigator forms, recorded telemetry, losses and what is
stored, broken inputs, exit statuses. What the judgement says of single rules is in tests/unit/coverage_test.c."""
import gzip, json, os, re, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import TOP, case, done, lintel
from workdir import path, write

RULE = '''[rule]
rule_id = "%(id)s"
name = "Rule %(id)s"
description = "d"
severity = "low"
risk_score = 21
type = "eql"
index = [%(index)s]
query = """
%(query)s
"""
[[rule.threat]]
framework = "MITRE ATT&CK"
[rule.threat.tactic]
id = "TA0003"
name = "Persistence"
reference = "https://attack.mitre.org/tactics/TA0003/"
[[rule.threat.technique]]
id = "%(technique)s"
name = "x"
reference = "x"
'''
STATE = path("no-state")
WATCH = {"version": 1, "started": "2026-01-05T03:00:00Z", "saved": "2026-01-05T04:00:00Z", "ended": True, "events": 77,
         "unwatched_since": "2026-01-05T02:50:00Z", "losses": [
             {"cause": "RING_FULL", "count": 5, "ranges": [
                 {"from": "2026-01-05T03:10:00Z", "to": "2026-01-05T03:10:01Z"}]},
             {"cause": "OF_A_LATER_VERSION", "count": 1, "ranges": []}]}


def rule(id, query, index='"logs-endpoint.events.*"', technique="T1574"):
    write("rules-%s.toml" % id, RULE % {"id": id, "query": query, "index": index, "technique": technique})
    return ["--rules", path("rules-%s.toml" % id)]


def coverage(*argv, probe=False, state=STATE, default_rules=False, **more):
    argv = list(argv) + ["--state", state]
    if not probe:
        argv.append("--no-probe")
    if not default_rules:
        argv.append("--no-default-rules")
    return lintel("coverage", *argv, **more)


def rows(p, type=None):
    all = [json.loads(line) for line in p.out.splitlines()]
    return [r for r in all if r["type"] == type] if type else all


def event(**fields):
    return json.dumps(fields) + "\n"


ALL = (rule("full", 'process where process.name == "a"') +
       rule("part", 'process where process.name == "a" or some.field == 1', technique="T1055") +
       rule("gone", 'nosuch where true', technique="T1055") +
       rule("other", 'process where true', index='"winlogbeat-*"'))

with case("text: every rule with its verdict and what it lacks, then the summary"):
    p = coverage(*ALL)
    assert p.returncode == 0, p.err
    assert "  T1574      full    Rule full\n" in p.out, p.out
    assert "  T1055      part    Rule part  lacks alternative: some.field\n" in p.out, p.out
    assert "  T1055      missing Rule gone  lacks no nosuch events\n" in p.out, p.out
    others = p.out[p.out.index("Rules for other sensors' indices"):]
    assert "Rule other" in others[:others.index("ATT&CK analytics")], p.out
    assert "1 of 3 rules fully fed (33.3 %), 1 in part, 1 not\n" in p.out, p.out
    assert "1 more rules are for other sensors' indices: 1 fully fed" in p.out, p.out
    assert re.search(r"ATT&CK 18\.1: \d+ of 355 analytics for Linux fully fed", p.out), p.out
    assert "\033" not in p.out

with case("NDJSON: every line is an object with a type; the summary is the last"):
    p = coverage(*ALL, "--format", "ndjson")
    by_id = {r["id"]: r for r in rows(p, "rule")}
    assert by_id["full"]["fed"] == "full" and by_id["full"]["lacks"] == [] and by_id["full"]["techniques"] == ["T1574"]
    assert by_id["part"]["lacks"] == [{"kind": "field", "what": "some.field", "costs": "alternative"}], by_id["part"]
    assert by_id["gone"]["lacks"] == [{"kind": "category", "what": "nosuch", "costs": "rule"}], by_id["gone"]
    assert by_id["other"]["for_endpoint"] is False
    last = rows(p)[-1]
    assert last["type"] == "summary"
    assert last["rules"] == {"total": 3, "full": 1, "part": 1, "missing": 1, "percent_full": 33.33}, last
    analytics = rows(p, "analytic")
    assert len(analytics) == 355 == last["analytics"]["total"]
    installers = next(a for a in analytics if a["id"] == "AN0939")
    assert installers["technique"] == "T1546.016" and installers["fed"] == "full", installers
    assert {n["id"] for n in installers["needs"]} == {"DC0032", "DC0039"}

with case("a layer of the ATT&CK Navigator, format 4.5, has what the format requires"):
    p = coverage(*ALL, "--format", "navigator", "-o", path("layer.json"))
    assert p.returncode == 0 and p.out == ""
    layer = json.load(open(path("layer.json")))
    # layers/spec/v4.5/layerformat.md: required are name, domain, versions.navigator and .layer, techniqueID,
    # and of the gradient colors, minValue < maxValue.
    assert isinstance(layer["name"], str) and layer["domain"] == "enterprise-attack"
    assert layer["versions"]["layer"] == "4.5"
    assert tuple(map(int, layer["versions"]["navigator"].split("."))) >= (4, 9, 0)
    assert layer["gradient"]["minValue"] < layer["gradient"]["maxValue"] and len(layer["gradient"]["colors"]) >= 2
    known = {"name", "versions", "domain", "description", "filters", "techniques", "gradient"}
    assert set(layer) <= known, set(layer) - known
    ids = [t["techniqueID"] for t in layer["techniques"]]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"T\d{4}(\.\d{3})?", i) for i in ids)
    assert all(0 <= t["score"] <= 100 and set(t) == {"techniqueID", "score", "comment", "enabled"}
               for t in layer["techniques"])
    t1574 = next(t for t in layer["techniques"] if t["techniqueID"] == "T1574")
    assert t1574["comment"].startswith("rules: 1 full, 0 part, 0 missing"), t1574

with case("a technique that is none stays out of the layer"):
    p = coverage(*rule("odd", "process where true", technique="no such"), "--format", "navigator")
    assert "no such" not in p.out and p.returncode == 0

with case("--only and --technique list less and count the same"):
    p = coverage(*ALL, "--only", "missing", "--format", "ndjson")
    assert [r["id"] for r in rows(p, "rule")] == ["gone"] and rows(p)[-1]["rules"]["total"] == 3
    assert all(a["fed"] == "missing" for a in rows(p, "analytic"))
    p = coverage(*ALL, "--technique", "T1055", "--format", "ndjson")
    assert sorted(r["id"] for r in rows(p, "rule")) == ["gone", "part"]
    assert {a["technique"] for a in rows(p, "analytic")} >= {"T1055", "T1055.008"}
    assert all(a["technique"].startswith("T1055") for a in rows(p, "analytic"))

with case("--source audit judges by what audit logs give"):
    p = coverage(*ALL, "--source", "audit", "--format", "ndjson")
    assert p.returncode == 0 and rows(p, "source")[0]["source"] == "audit"

with case("--fail-below is a failure when less is fully fed"):
    assert coverage(*ALL, "--fail-below", "33").returncode == 0
    assert coverage(*ALL, "--fail-below", "34").returncode == 1

with case("without root the report says that the hooks were not tried, and so does the status"):
    if os.geteuid() == 0:
        os.chmod(os.path.dirname(path("x")), 0o755)
        p = coverage("--format", "ndjson", *ALL, probe=True, user=65534)
    else:
        p = coverage("--format", "ndjson", *ALL, probe=True)
    source = rows(p, "source")[0]
    assert p.returncode == 3 and source["probed"] is False and source["unprobed_because"], p.out[:500]
    assert not rows(p, "hook") and rows(p)[-1]["type"] == "summary"

with case("recorded telemetry: what could never fire on it, and why"):
    write("t.ndjson", event(event={"category": ["process"], "type": ["start"], "action": "exec"},
                            process={"name": "sh"}) * 3 +
          "not json\n" + event(event={"category": ["file"], "type": ["creation"], "action": "creation"}, a={"b": 1}))
    p = coverage(*rule("ab", "process where a.b == 1"), *rule("file", "file where a.b == 1"),
                 *rule("library", "library where true"), path("t.ndjson"), "--format", "ndjson")
    assert p.returncode == 0, p.err
    source = rows(p, "source")[0]
    assert source["events"] == 4 and source["malformed"] == 1, source
    assert [(k["action"], k["events"]) for k in rows(p, "kind")] == [("exec", 3), ("creation", 1)]
    by_id = {r["id"]: r for r in rows(p, "rule")}
    assert by_id["ab"]["lacks"] == [{"kind": "field", "what": "a.b", "costs": "rule", "events": 1}], by_id["ab"]
    assert by_id["file"]["fed"] == "full" and by_id["library"]["fed"] == "missing"
    assert not rows(p, "watch") and not rows(p, "stored")
    p = coverage(*rule("ab", "process where a.b == 1"), path("t.ndjson"))
    assert "T1574      missing Rule ab  lacks a.b (only 1 other events have it)\n" in p.out, p.out

with case("a rule that matches in the telemetry is never said to be unable to"):
    example = os.path.join(TOP, "examples/linker-hijack.ndjson")
    fed = {r["id"]: r["fed"] for r in rows(coverage(example, "--format", "ndjson", default_rules=True), "rule")}
    alerts = [json.loads(l) for l in lintel("hunt", "--format", "ndjson", example).out.splitlines()]
    fired = {(a.get("rule") or {}).get("id") or a.get("rule.id") for a in alerts}
    assert fired and not [i for i in fired if fed[i] == "missing"], (fired, fed)

with case("standard input; none that can be read"):
    p = coverage(*ALL, "-", "--format", "ndjson", stdin=open(path("t.ndjson"), "rb").read())
    assert p.returncode == 0 and rows(p, "source")[0]["events"] == 4
    p = coverage(*ALL, path("absent.ndjson"))
    assert p.returncode == 1 and "absent.ndjson" in p.err and p.out == "", p.out

with case("what the last watch lost, and when nobody watched"):
    os.makedirs(path("state"))
    write("state/losses.json", json.dumps(WATCH))
    p = coverage(*ALL, state=path("state"))
    lost = p.out[p.out.index("Lost by the last watch"):]
    assert "77 events from 2026-01-05T03:00:00Z to 2026-01-05T04:00:00Z, when it ended" in lost, lost
    assert "nobody watched from 2026-01-05T02:50:00Z to 2026-01-05T03:00:00Z" in lost, lost
    assert ("  5 kernel records lost: ring buffer full\n"
            "      from 2026-01-05T03:10:00Z to 2026-01-05T03:10:01Z\n") in lost, lost
    p = coverage(*ALL, "--format", "ndjson", state=path("state"))
    (loss,) = rows(p, "loss")
    assert loss["cause"] == "RING_FULL" and loss["count"] == 5 and len(loss["ranges"]) == 1
    assert rows(p, "watch")[0]["ended"] is True

with case("a losses.json that is none is said and does not stop the report"):
    for text in ("", "{", "[]", '{"version":2}', json.dumps(dict(WATCH, losses=[{"cause": 3}])),
                 json.dumps(dict(WATCH, started="yesterday"))):
        write("state/losses.json", text)
        p = coverage(*ALL, state=path("state"))
        assert p.returncode == 0 and "losses.json" in p.err and "rules fully fed" in p.out, (text, p.err)

with case("how far back stored alerts and events reach, also compressed"):
    lines = "".join(event(**{"@timestamp": "2026-01-0%dT00:00:00Z" % d}) for d in (5, 6, 7))
    write("state/alerts.ndjson", lines)
    write("e.ndjson.gz", gzip.compress(lines.encode()))
    p = coverage(*ALL, "--events", path("e.ndjson.gz"), "--format", "ndjson", state=path("state"))
    stored = rows(p, "stored")
    assert [(s["what"], s["first"][:10], s["last"][:10]) for s in stored] == [
        ("alerts", "2026-01-05", "2026-01-07"), ("events", "2026-01-05", "2026-01-07")], stored
    # more than what is read of its end
    write("state/alerts.ndjson", lines + event(x="y" * 5000000) + event(**{"@timestamp": "2026-01-08T00:00:00Z"}))
    stored = rows(coverage(*ALL, "--format", "ndjson", state=path("state")), "stored")
    assert stored[0]["last"][:10] == "2026-01-08", stored
    write("state/alerts.ndjson", "nothing\n")
    assert "nothing with a time" in coverage(*ALL, state=path("state")).out
    write("state/alerts.ndjson", "")
    assert "nothing with a time" in coverage(*ALL, state=path("state")).out

with case("output that cannot be written"):
    p = coverage(*ALL, "-o", path("no/such/directory"))
    assert p.returncode == 1 and "no/such/directory" in p.err

with case("wrong usage names what is wrong"):
    for argv in (["--format", "xml"], ["--source", "moon"], ["--only", "some"], ["--technique", "1574"],
                 ["--technique", "T1574 x"], ["--fail-below", "101"], ["--nonsense"],
                 ["--source", "audit", path("t.ndjson")], ["--config", path("absent")]):
        p = lintel("coverage", *argv)
        assert p.returncode == 2 and argv[-1] in p.err, (argv, p.err)
    p = lintel("coverage", "--help")
    assert p.returncode == 0 and "Examples:" in p.out and "Exit status:" in p.out

done()
