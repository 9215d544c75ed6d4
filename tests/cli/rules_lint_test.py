#!/usr/bin/env python3
"""`lintel rules lint`: findings with their places, levels and exit status. What each check finds and
what it leaves alone is in tests/unit/lint_test.c."""
import json, os, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import TOP, case, done, lintel
from workdir import path, write

RULE = '''[rule]
rule_id = "%s"
name = "%s"
description = "d"
severity = "low"
risk_score = 21
type = "eql"
query = """
process where event.type == "start" and
  process.nmae == "curl"
"""
[[rule.exceptions]]
name = "E"
query = 'process.pid == 1 and process.pid == 2'
[[rule.threat]]
framework = "MITRE ATT&CK"
[rule.threat.tactic]
id = "TA0001"
name = "x"
reference = "x"
'''


def lint(*argv):
    return lintel("rules", "lint", *argv)


SHIPPED = sum(name.endswith(".toml") for _, _, names in os.walk(os.path.join(TOP, "rules")) for name in names)

with case("the shipped rules have no finding"):
    p = lint(os.path.join(TOP, "rules"))
    assert p.returncode == 0 and p.out == "%d rules: 0 warnings, 0 notes\n" % SHIPPED, p.out

with case("a finding has file, line, column, id and what to do, in queries and exceptions"):
    p = lint(write("r.toml", RULE % ("r", "n")))
    assert p.returncode == 1
    assert "r.toml:10:3: warning: there is no field process.nmae [unknown-field]" in p.out, p.out
    assert "did you mean process.name?" in p.out and "^~~~" in p.out, p.out
    assert "r.toml:14:31: warning:" in p.out and "[contradiction]" in p.out, p.out
    assert p.out.endswith("1 rule: 2 warnings, 0 notes\n"), p.out

with case("--disable leaves a check out; an unknown one is wrong usage"):
    p = lint(path("r.toml"), "--disable", "unknown-field", "--disable", "contradiction")
    assert p.returncode == 0 and p.out == "1 rule: 0 warnings, 0 notes\n", p.out
    assert lint(path("r.toml"), "--disable", "nonsense").returncode == 2

with case("notes are no reason to fail, and can be left out"):
    rule = RULE.replace("process.nmae", "process.hash.md5").replace("process.pid == 2", "process.ppid == 2")
    p = lint(write("n.toml", rule % ("n", "n")))
    assert p.returncode == 0 and "note: lintel's sensor does not fill process.hash.md5 [foreign-field]" in p.out, p.out
    p = lint(path("n.toml"), "--no-notes")
    assert p.returncode == 0 and p.out == "1 rule: 0 warnings, 1 note\n", p.out

with case("NDJSON"):
    records = [json.loads(line) for line in lint(path("r.toml"), "-f", "ndjson").out.splitlines()]
    assert [(r["check"], r["level"], r["line"], r["column"]) for r in records] == [
        ("unknown-field", "warning", 10, 3), ("contradiction", "warning", 14, 31)], records
    assert all(r["rule"] == "r" and r["because"] and r["path"] == path("r.toml") for r in records)

with case("rules of Kibana's export have places too"):
    export = {"rule_id": "k", "name": "k", "description": "d", "severity": "low", "risk_score": 99, "type": "eql",
              "query": 'process where process.nmae == "x"', "threat": []}
    p = lint(write("k.ndjson", "\n" + json.dumps(export) + "\n"), "-f", "ndjson")
    records = {json.loads(line)["check"]: json.loads(line) for line in p.out.splitlines()}
    assert set(records) == {"severity-risk", "no-threat", "unknown-field"}, p.out + p.err
    assert records["unknown-field"]["line"] == 2 and records["unknown-field"]["column"] == json.dumps(export).index("process.nmae") + 1, records

with case("two rules of one name"):
    other = RULE.replace("process.nmae", "process.name").replace("process.pid == 2", "process.ppid == 2")
    os.mkdir(path("two"))
    write("two/a.toml", other % ("a", "same"))
    write("two/b.toml", other % ("b", "same"))
    p = lint(path("two"))
    assert p.returncode == 1 and p.out.count("[duplicate-name]") == 1 and "b.toml:3" in p.out, p.out

with case("every check is listed with what it is for"):
    p = lint("--checks")
    assert p.returncode == 0 and len(p.out.splitlines()) == 21, p.out
    ids = [line.split()[0] for line in p.out.splitlines()]
    for manual in ("docs/man/lintel-rules.1", "docs/rules.md"):
        text = open(os.path.join(TOP, manual)).read()
        missing = [i for i in ids if i not in text]
        assert not missing, (manual, missing)

with case("a rule with an error is reported and the others are looked at; wrong usage is usage"):
    write("two/c.toml", "[rule]\n")
    p = lint(path("two"))
    assert p.returncode == 1 and "c.toml" in p.err and "1 with errors" in p.out, p.out + p.err
    assert lint().returncode == 2
    assert lint("/nonexistent").returncode == 1
done()
