#!/usr/bin/env python3
"""`lintel rules test`: the shipped pack's own tests, the forms tests are written in, and that a test
which must fail does."""
import json, os, re, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import TOP, case, done, lintel
from workdir import path, write

RULE = '''[rule]
rule_id = "curl-to-tmp"
name = "Curl Writes to a Temporary Directory"
description = "For the tests."
severity = "low"
risk_score = 21
type = "eql"
query = """
file where event.action == "creation" and process.name == "curl" and
  file.path like ("/tmp/*", "/var/tmp/*")
"""
[[rule.exceptions]]
name = "The mirror"
query = 'user.name == "mirror"'
'''
EVENT = '''
[defaults]
event.category = "file"
event.action = "creation"
process.name = "curl"
file.path = "/tmp/x"
'''


def run(*argv):
    return lintel("rules", "test", *argv)


def records(p):
    return [json.loads(line) for line in p.out.splitlines()]


def outcome(content, name="t.toml", *argv):
    """Of a file of tests, what became of each by name."""
    p = run(write(name, content), "--no-default-rules", "-f", "ndjson", *argv)
    return p, {r["test"]: r for r in records(p) if "test" in r}


with case("every clause of every shipped rule decides a test by holding and one by not holding"):
    p = run("--coverage", os.path.join(TOP, "rules"), os.path.join(TOP, "tests", "rules"))
    assert p.returncode == 0, p.out + p.err
    assert re.search(r"^\d+ rules with \d+ clauses: \d+ covered, 0 not$", p.out, re.M), p.out

with case("a rule's file holds its tests; what an event does not say the defaults do"):
    p, tests = outcome(RULE + EVENT + '''
[[test]]
name = "as it is"
match = true
[[test]]
name = "not curl"
match = false
event = { process.name = "wget" }
[[test]]
name = "nested as dotted"
match = false
[test.event.file]
path = "/home/x"
[[test]]
name = "the exception"
match = false
[test.event]
"user.name" = "mirror"
[[test]]
name = "a default left out"
match = false
event = { without = ["process"] }
[[test]]
name = "defaults of a test"
match = false
defaults = { process.name = "x" }
event = { file.path = "/tmp/y" }
''')
    assert p.returncode == 0 and len(tests) == 6 and all(t["passed"] for t in tests.values()), p.out
    assert lintel("rules", "check", path("t.toml")).out.count("warning") == 1, "0 warnings in the summary only"

with case("a test that must fail fails, with file, line and the clause that decided"):
    p = run(write("t.toml", RULE + EVENT + '[[test]]\nname = "wrong"\nmatch = true\nevent = { process.name = "wget" }\n'
                  '[[test]]\nname = "also wrong"\nmatch = false\n'))
    assert p.returncode == 1
    assert re.search(r't\.toml:\d+: wrong: no alert, expected one', p.out), p.out
    assert 'process.name == "curl" does not hold: process.name is "wget"' in p.out, p.out
    assert re.search(r't\.toml:\d+: also wrong: 1 alert \[1\], expected none', p.out), p.out
    assert "2 tests in 1 file: 0 passed, 2 failed" in p.out, p.out
    line = int(re.search(r"t\.toml:(\d+): wrong", p.out).group(1))
    assert "wrong" in open(path("t.toml")).read().splitlines()[line - 1]

with case("tests in a file of their own name the rule by path or id"):
    write("r.toml", RULE)
    test = EVENT + '[[test]]\nname = "x"\nmatch = true\n'
    assert outcome('rule = "r.toml"' + test)[0].returncode == 0
    assert outcome('rule = "curl-to-tmp"' + test, "t.toml", "--rules", path("r.toml"))[0].returncode == 0
    p = outcome('rule = "nowhere"' + test)[0]
    assert p.returncode == 1 and "nowhere" in p.err, p.err
    skipped = lintel("rules", "check", path("t.toml"))
    assert skipped.returncode == 0 and "tests of a rule" in skipped.out, skipped.out

with case("the number of alerts, and the events of each"):
    events = 'event = [{}, {file.path = "/home/x"}, {file.path = "/var/tmp/y"}]\n'
    for expectation, passes in (("match = 2", True), ("match = 3", False), ("alerts = [[1], [3]]", True),
                                ("alerts = [[3], [1]]", True), ("alerts = [[1], [2]]", False), ("alerts = []", False)):
        p, tests = outcome(RULE + EVENT + '[[test]]\nname = "n"\n%s\n%s' % (expectation, events))
        assert tests["n"]["passed"] == passes, (expectation, tests)

with case("NDJSON: a rule for the lines that follow, tests of one line and of several"):
    p, tests = outcome("\n".join(json.dumps(e) for e in [
        {"test.rule": "r.toml"},
        {"test.name": "one", "test.match": True, "event.category": "file", "event.action": "creation", "process.name": "curl", "file.path": "/tmp/a"},
        {"test.name": "two", "test.match": 2, "event.category": "file", "event.action": "creation", "process.name": "curl", "file.path": "/tmp/a"},
        {"test.name": "two", "event.category": "file", "event.action": "creation", "process.name": "curl", "file.path": "/tmp/b"},
        {"test.name": "none", "test.match": False, "event.category": "file"}]) + "\n", "t.ndjson")
    assert p.returncode == 0 and set(tests) == {"one", "two", "none"}, p.out

with case("NDJSON: test.expect is about all rules, no more and no fewer"):
    event = {"event.category": "file", "event.action": "creation", "process.name": "curl", "file.path": "/tmp/a"}
    for expect, passes in ((["r"], True), ([], False), (["r", "other"], False), (["curl-to-tmp"], True)):
        p, tests = outcome(json.dumps({**event, "test.expect": expect, "test.why": "w"}), "t.ndjson", "--rules", path("r.toml"))
        assert tests["w"]["passed"] == passes, (expect, p.out)

SEQUENCE = '''[rule]
rule_id = "seq"
name = "S"
description = "d"
severity = "low"
risk_score = 21
type = "eql"
query = """
sequence by process.entity_id with maxspan=5s
  [process where process.name == "curl"]
  [file where file.path : "/tmp/*"]
"""
[defaults]
process.entity_id = "p"
'''

with case("a sequence: events in order, their times, the events of an alert"):
    p, tests = outcome(SEQUENCE + '''
[[test]]
name = "in order"
alerts = [[1, 3]]
event = [
  {event.category = "process", process.name = "curl"},
  {event.category = "file", file.path = "/home/x"},
  {event.category = "file", file.path = "/tmp/x", after = "4s"},
]
[[test]]
name = "too late"
match = false
event = [{event.category = "process", process.name = "curl"}, {event.category = "file", file.path = "/tmp/x", after = "6s"}]
[[test]]
name = "the other way round"
match = false
event = [{event.category = "file", file.path = "/tmp/x"}, {event.category = "process", process.name = "curl"}]
[[test]]
name = "out of order, but by time in order"
match = 1
event = [{event.category = "file", file.path = "/tmp/x"}, {event.category = "process", process.name = "curl", after = "-1s"}]
[[test]]
name = "by a time of its own"
match = false
event = [
  {event.category = "process", process.name = "curl", "@timestamp" = 2026-01-01T00:00:00Z},
  {event.category = "file", file.path = "/tmp/x", "@timestamp" = "2026-01-01T00:00:09Z"},
]
''')
    assert p.returncode == 0 and len(tests) == 5, p.out + p.err

with case("a sequence that did not come about: how far it got and why"):
    p = run(write("t.toml", SEQUENCE + '''
[[test]]
name = "another process"
match = true
event = [{event.category = "process", process.name = "curl"}, {event.category = "file", file.path = "/tmp/x", process.entity_id = "q"}]
'''))
    assert p.returncode == 1 and "gets to stage 1 of 2, with event 1" in p.out, p.out
    assert 'its process.entity_id is "q", but process.entity_id of the stage before is "p"' in p.out, p.out

with case("threshold and new_terms rules count over the events of one test"):
    kind = RULE.replace('type = "eql"', 'type = "%s"\nlanguage = "kuery"').split('query = """')[0]
    events = "event = [%s]\n" % ", ".join('{event.category = "file", user.name = "%s"}' % n for n in "aab")
    for rule_type, tables, alerts in (("threshold", 'query = "event.category: file"\n[rule.threshold]\nfield = ["user.name"]\nvalue = 2\n', 1),
                                      ("threshold", 'query = "event.category: file"\n[rule.threshold]\nfield = ["user.name"]\nvalue = 3\n', 0),
                                      ("new_terms", 'query = "event.category: file"\n[rule.new_terms]\nfield = "new_terms_fields"\nvalue = ["user.name"]\n'
                                       '[[rule.new_terms.history_window_start]]\nfield = "history_window_start"\nvalue = "now-5d"\n', 2)):
        p, tests = outcome(kind % rule_type + tables + '[[test]]\nname = "n"\nmatch = %d\n' % alerts + events)
        assert p.returncode == 0 and tests["n"]["passed"], (rule_type, alerts, p.out, p.err)

with case("coverage names the clauses that no test decides, and those without a near miss"):
    p = run("--coverage", write("t.toml", RULE + EVENT + '[[test]]\nname = "x"\nmatch = true\n'))
    assert p.returncode == 1, p.out
    assert 'process.name == "curl"  never decides by not holding: no near miss' in p.out, p.out
    assert 'exception "The mirror": user.name == "mirror"  never decides by holding' in p.out, p.out
    assert re.search(r"t\.toml:9: process\.name == ", p.out), p.out
    # the category of a stage where it stands, and nothing that nobody wrote
    p = run("--coverage", write("related.toml", '[rule]\nid = "r"\nname = "n"\ndescription = "d"\nquery = \'\'\'\nsequence\n'
                                '  [process where child of [process where process.name == "y"]]\n  [file where true]\n\'\'\'\n' +
                                EVENT + '[[test]]\nname = "x"\nmatch = false\n'))
    assert "related.toml:8: stage 2: file where" in p.out, p.out
    assert "lineage" not in p.out and "entity_id" not in p.out, p.out
    write("t.toml", RULE + EVENT + "".join('[[test]]\nname = "%d"\nmatch = %s\nevent = {%s}\n' % t for t in (
        (1, "true", ""), (2, "false", 'process.name = "x"'), (3, "false", 'user.name = "mirror"'), (4, "false", 'event.action = "x"'),
        (5, "false", 'event.category = "x"'), (6, "false", 'file.path = "/"'))))
    assert run("--coverage", path("t.toml")).returncode == 0
    assert "1 rule with 5 clauses: 5 covered, 0 not" in run("--coverage", path("t.toml")).out

with case("mistakes in a file of tests are errors with their place, and never a pass"):
    for content, line, words in (
            (RULE + '[[test]]\nname = "x"\n', 15, "says what is expected"),
            (RULE + '[[test]]\nname = "x"\nmatch = "yes"\n', 17, "says what is expected"),
            (RULE + '[[test]]\nmatch = true\n', 15, "has a name"),
            (RULE + '[[test]]\nname = "x"\nmatch = true\nmatches = true\n', 18, "unknown key [matches]"),
            (RULE + '[[test]]\nname = "x"\nmatch = true\nevent = {after = "soon"}\n', 18, "not a time span"),
            (RULE + '[[test]]\nname = "x"\nmatch = true\nevent = 3\n', 18, "a table of fields"),
            (RULE + '[test]\nname = "x"\n', 15, "[[test]]"),
            (RULE + '[[test]]\nname = "x"\nalerts = [[2]]\n', 17, "event numbers from 1 to 1"),
            ('rule = "r.toml"\nruel = 1\n', 2, "unknown key [ruel]"),
            ('[defaults]\na = 1\n', None, "neither a rule nor tests"),
            ('rule = \n', 1, "")):
        p = run(write("t.toml", content))
        assert p.returncode == 1, (content, p.out)
        assert words in p.out and (line is None or "t.toml:%d:" % line in p.out), (content, p.out)
    p = run(write("t.ndjson", '{"test.match": true}\n{"test.rule": "x", "a": 1, "test.name": "y"}\nnonsense\n'))
    assert p.returncode == 1 and "t.ndjson:1:" in p.out and "t.ndjson:2:" in p.out and "t.ndjson:3:" in p.out, p.out

with case("what else lies in a directory of rules is passed over, and is an error only when named"):
    os.mkdir(path("d"))
    write("d/settings.toml", "colour = 1\n")
    write("d/export.ndjson", '{"rule_id": "x", "type": "eql"}\n')
    write("d/r.toml", RULE + EVENT + '[[test]]\nname = "x"\nmatch = true\n')
    assert run(path("d")).returncode == 0, run(path("d")).out
    assert run(path("d/settings.toml")).returncode == 1 and run(path("d/export.ndjson")).returncode == 1

with case("nothing to test is a failure, wrong usage is usage"):
    assert run(write("t.toml", RULE)).returncode == 1
    assert run().returncode == 2
    assert run("/nonexistent").returncode == 1
done()
