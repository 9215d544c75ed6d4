#!/usr/bin/env python3
"""`lintel rules explain`: how a rule was compiled, and why it matches given events or does not."""
import json, os, re, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import TOP, case, done, lintel
from workdir import path, write

HEAD = '[rule]\nrule_id = "%s"\nname = "N"\ndescription = "d"\nseverity = "low"\nrisk_score = 21\ntype = "eql"\nquery = \'\'\'%s\'\'\'\n'
SEQUENCE = """
sequence by host.id with maxspan=5s
  [process where event.action == "exec" and process.name : ("curl", "wget*")] by process.entity_id
  [file where event.action == "creation" and not file.path like "/tmp/safe/*"] by process.entity_id
  [process where process.name == "sh"] by process.parent.entity_id
"""
ONE = {"@timestamp": "2026-01-01T00:00:00Z", "event.category": "process", "event.action": "exec", "process.name": "curl", "process.entity_id": "p", "host.id": "h"}
TWO = {"@timestamp": "2026-01-01T00:00:01Z", "event.category": "file", "event.action": "creation", "file.path": "/x", "process.entity_id": "p", "host.id": "h"}
THREE = {"@timestamp": "2026-01-01T00:00:02Z", "event.category": "process", "process.name": "sh", "process.parent.entity_id": "p", "host.id": "h"}


def explain(*argv, events=None, **options):
    if events is not None:
        argv += (write("events.ndjson", "".join(json.dumps(e) + "\n" for e in events)),)
    return lintel("rules", "explain", *argv, "--no-default-rules", **options)


def verdict(rule, *events):
    p = explain(rule, events=events)
    assert p.returncode == 0, p.err
    return p.out[p.out.rindex("\n\n"):].strip() if "alert" in p.out else p.out


with case("a shipped rule by the beginning of its id: index, clauses, exceptions, what is shared"):
    p = lintel("rules", "explain", "f86b3071")
    assert p.returncode == 0, p.err
    for words in ("one event", 'gate       event.action in ("creation", "rename")',
                  'file.path == "/etc/ld.so.preload"  (hash lookup)', "And not the exception: A package manager's own work",
                  'lintel.file.witness == null  (shared with 11 other rules)'):
        assert words in p.out, (words, p.out)

with case("a file on a disk is explained also when a shipped rule has its id"):
    p = lintel("rules", "explain", os.path.join(TOP, "rules", "T1574.006", "preload_created.toml"))
    assert p.returncode == 0 and "And not the exception" in p.out, p.out + p.err

with case("without anything a rule cannot hold without, it says that every event is tried"):
    p = explain(write("r.toml", HEAD % ("r", 'process where not process.name == "a"')))
    assert "tried for every event" in p.out, p.out

with case("an event that fails: the clause that decided and the value it saw"):
    rule = write("r.toml", HEAD % ("r", 'process where process.name : ("curl", "wget*") and (process.pid == 5 or process.args == "-c") and not user.name == "x"')
                 + '[[rule.exceptions]]\nname = "E"\nquery = "process.args_count > 9"\n')
    p = explain(rule, events=[{"event.category": "process", "process.name": "bash", "process.pid": 5}])
    assert 'fails because process.name : ("curl", "wget*") does not hold: process.name is "bash"' in p.out, p.out
    assert re.search(r'^ +no  process\.name : \("curl", "wget\*"\)  <- "bash"$', p.out, re.M), p.out
    assert re.search(r"^ +yes process\.pid == 5  <- 5$", p.out, re.M), p.out
    assert re.search(r'^ +yes not user\.name == "x"  <- missing$', p.out, re.M), p.out
    p = explain(rule, events=[{"event.category": "process", "process.name": "curl", "process.args": ["a", "b"]}])
    assert 'none of 2 alternatives holds: process.pid == 5 does not hold: process.pid is missing; process.args == "-c" does not hold: process.args is ("a", "b")' in p.out, p.out
    p = explain(rule, events=[{"event.category": "process", "process.name": "curl", "process.pid": 5, "user.name": "x"}])
    assert 'fails because user.name == "x" holds: user.name is "x"' in p.out, p.out
    p = explain(rule, events=[{"event.category": ["file"], "process.name": "curl"}])
    assert 'fails because it is no process event: event.category is "file"' in p.out, p.out
    p = explain(rule, events=[{"event.category": "process", "process.name": "curl", "process.pid": 5, "process.args_count": 10}])
    assert 'the exception "E" applies: process.args_count > 9 holds: process.args_count is 10' in p.out, p.out
    p = explain(rule, events=[{"event.category": "process", "process.name": "CURL", "process.pid": 5}])
    assert "  holds" in p.out and p.out.rstrip().endswith("alert with %s:1" % path("events.ndjson")), p.out

with case("a leaf is written as EQL that means the same"):
    for clause in ('process.name : ("a", "b*")', 'process.name in ("a", "b")', 'process.name in~ ("a", "b")', "process.pid > 5", "process.pid in (1, 2)",
                   'process.name regex "a[0-9]+"', 'length(process.name) == 3', 'cidrMatch(source.ip, "10.0.0.0/8", "fe80::/10")',
                   "2 * (process.pid + 1) - process.ppid % 3 > 7", "-process.pid < -5", 'process.name == "a\\"\\\\b"', "?our.field == null",
                   'process.name like ("a*", "b?")', '`odd-field` == "x"', 'startsWith~(process.name, "x")', '@timestamp > "2026-01-01T00:00:00.000Z"'):
        p = explain(write("r.toml", HEAD % ("r", "process where " + clause)), "-f", "ndjson")
        nodes = [n for l in p.out.splitlines() for n in json.loads(l).get("condition", []) if n["op"] == "leaf"]
        again = explain(write("r.toml", HEAD % ("r", "process where " + nodes[0]["leaf"])), "-f", "ndjson")
        assert again.returncode == 0, (clause, nodes[0]["leaf"], again.err)
        other = [n for l in again.out.splitlines() for n in json.loads(l).get("condition", []) if n["op"] == "leaf"]
        assert nodes[0]["key"] == other[0]["key"], (clause, nodes[0], other[0])

with case("a sequence: stages, keys, and events that complete it"):
    rule = write("s.toml", HEAD % ("s", SEQUENCE))
    p = explain(rule, events=[ONE, TWO, THREE])
    assert "sequence of 3 events by host.id, process.entity_id, maxspan 5s" in p.out, p.out
    assert re.search(r"^  3  \[process where .*\]  by host\.id, process\.parent\.entity_id$", p.out, re.M), p.out
    assert p.out.rstrip().endswith("alert with " + ", ".join("%s:%d" % (path("events.ndjson"), n) for n in (1, 2, 3))), p.out

with case("a sequence that stops: how far it got, and why no further"):
    events = path("events.ndjson")
    assert "the sequence does not begin; no event satisfies stage 1" in verdict(rule, TWO, THREE)
    got = verdict(rule, ONE, TWO)
    assert "gets to stage 2 of 3, with %s:2; no event satisfies stage 3" % events in got, got
    got = verdict(rule, ONE, TWO, {**THREE, "process.parent.entity_id": "q"})
    assert 'its process.parent.entity_id is "q", but process.entity_id of the stage before is "p"' in got, got
    got = verdict(rule, ONE, TWO, {**THREE, "process.parent.entity_id": None})
    assert "its join key process.parent.entity_id is missing" in got, got
    got = verdict(rule, ONE, TWO, {**THREE, "@timestamp": "2026-01-01T00:00:09Z"})
    assert "it comes 9 s after the first event, and maxspan is 5 s" in got, got
    got = verdict(rule, ONE, {**TWO, "@timestamp": "2026-01-01T00:00:03Z"}, THREE)
    assert "it does not come after %s:2" % events in got, got

with case("an exception of a sequence takes events out of every stage, and is named"):
    excepted = write("x.toml", HEAD % ("x", SEQUENCE) + '[[rule.exceptions]]\nname = "E"\nquery = "process.args_count > 9"\n')
    p = explain(excepted, events=[ONE, TWO, {**THREE, "process.args_count": 10}])
    assert 'stage 3: fails because the exception "E" applies' in p.out and "no alert" in p.out, p.out

BEHAVIOUR = '[rule]\nid = "%s"\nname = "N"\ndescription = "d"\nos_list = ["linux"]\nquery = \'\'\'%s\'\'\'\n'


def started(second, name, id, parent, **more):
    return {"@timestamp": "2026-01-01T00:00:0%dZ" % second, "event.category": "process", "event.type": "start", "process.name": name,
            "process.entity_id": id, "process.parent.entity_id": parent, **more}


with case("what events before it decide: fields of earlier stages, with their values"):
    alias = write("a.toml", BEHAVIOUR % ("a", 'sequence [process where process.name == "a"] as event0 '
                                         '[process where process.name == "b" and process.parent.entity_id == event0.process.entity_id]'))
    got = verdict(alias, started(1, "a", "1", "0"), started(2, "b", "2", "9"))
    assert "gets to stage 1 of 2" in got and "every stage" not in got, got
    assert ('process.parent.entity_id == event0.process.entity_id does not hold: process.parent.entity_id is "9", '
            'event0.process.entity_id is "1"') in got, got
    got = verdict(alias, started(1, "a", "1", "0"), started(2, "b", "2", "1"))
    assert got.startswith("alert with"), got

with case("what events before it decide: relations of processes, also in a sequence"):
    descends = 'process where process.name == "%s" and descendant of [process where process.name == "sshd"]'
    one = write("d1.toml", BEHAVIOUR % ("d1", descends % "sh"))
    two = write("d2.toml", BEHAVIOUR % ("d2", 'sequence [process where process.name == "a"] [%s]' % (descends % "sh")))
    family = [started(1, "sshd", "1", "0"), started(2, "a", "2", "1"), started(3, "sh", "3", "2")]
    strangers = [started(1, "cron", "1", "0")] + family[1:]
    for rule_of, begin in ((one, ""), (two, "the sequence gets to stage 1 of 2")):
        assert verdict(rule_of, *family).startswith("alert with"), rule_of
        got = verdict(rule_of, *strangers)
        assert begin in got and 'descendant of [process where process.name == "sshd"] does not hold' in got, got
        assert "%s:3" % path("events.ndjson") in got, got
    assert "holds, as far as this event tells" in explain(one, events=strangers).out

with case("what must be missing and is there, and what ends a sequence, are named"):
    missing = write("m.toml", HEAD % ("m", SEQUENCE.replace("  [file", "  ![file")))
    got = verdict(missing, ONE, TWO, THREE)
    assert "%s:2 satisfies stage 2, which must be missing" % path("events.ndjson") in got, got
    until = write("u.toml", HEAD % ("u", SEQUENCE + 'until [process where process.name == "end"] by process.entity_id\n'))
    got = verdict(until, ONE, {**ONE, "@timestamp": "2026-01-01T00:00:00.5Z", "process.name": "end"}, TWO, THREE)
    assert "%s:2 satisfies until" % path("events.ndjson") in got, got

with case("NDJSON: one object a line, with every clause, its truth and the values it saw"):
    p = explain(rule, "-f", "ndjson", events=[ONE, TWO])
    records = [json.loads(line) for line in p.out.splitlines()]
    kinds = [r["explains"] for r in records]
    assert kinds == ["rule"] + 3 * ["filter"] + 6 * ["event"] + ["verdict"], kinds
    first = next(r for r in records if r["explains"] == "event")
    assert first["holds"] and first["role"] == "stage 1", first
    leaf = next(n for n in first["condition"] if n["op"] == "leaf" and "curl" in n["leaf"])
    assert leaf["holds"] and leaf["values"] == {"process.name": "curl"}, leaf
    assert records[-1]["alerts"] == [] and "stage 2" in records[-1]["because"], records[-1]

with case("events from standard input; a line that is no event is an error with its place"):
    p = lintel("rules", "explain", rule, "-", "--no-default-rules", stdin=(json.dumps(ONE) + "\n").encode())
    assert p.returncode == 0 and "stage 1: holds" in p.out, p.out + p.err
    p = explain(rule, write("bad.ndjson", json.dumps(ONE) + "\nnonsense\n"))
    assert p.returncode == 1 and "bad.ndjson:2" in p.err, p.err

with case("text from an event cannot command the terminal"):
    p = explain(path("r.toml"), events=[{"event.category": "process", "process.name": "\x1b[31m", "@timestamp": "\x1b[2J"}])
    assert "\x1b" not in p.out, p.out

with case("a rule that is skipped or broken is no rule to explain; wrong usage is usage"):
    p = explain(write("d.toml", HEAD % ("d", "process where true") + "enabled = false\n"))
    assert p.returncode == 1 and "disabled" in p.err, p.err
    assert explain(write("b.toml", HEAD % ("b", "process where"))).returncode == 1
    assert explain("no-such-rule").returncode == 1
    assert lintel("rules", "explain").returncode == 2
    assert explain(rule, "/nonexistent").returncode == 1
done()
