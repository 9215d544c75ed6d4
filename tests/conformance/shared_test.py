#!/usr/bin/env python3
"""The EQL cases and whole rules kept beside the project, as far as this step of lintel goes: event
queries. The runners there judge; this only picks the cases and turns their last line into TAP."""
import json, os, re, subprocess, sys, tempfile, tomllib

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.path.join(TOP, "..", "shared")
LINTEL = os.environ.get("LINTEL", os.path.join(TOP, "build", "lintel"))


def is_event_query(query):
    """Not a sequence, sample or join: the first word of the query, comments aside."""
    bare = re.sub(r"//[^\n]*|/\*.*?\*/", " ", query, flags=re.S).split(None, 1)
    return bool(bare) and bare[0].split("[")[0] not in ("sequence", "sample", "join")


def result(command):
    p = subprocess.run(command, capture_output=True, text=True)
    lines = p.stdout.strip().splitlines()
    m = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1]) if lines else None
    return p, (int(m.group(1)), int(m.group(2))) if m else None


def report(number, name, command, wanted):
    p, counts = result(command)
    good = counts == (wanted, 0) and p.returncode == 0
    print("%sok %d - %s (%d cases)" % ("" if good else "not ", number, name, wanted), flush=True)
    if not good:
        print("".join("# %s\n" % l for l in (p.stdout + p.stderr).splitlines()[-40:]))
    return good


def event_rules(folder):
    """rule_id of every EQL rule with an event query below a folder."""
    ids = set()
    for where, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".toml"):
                rule = tomllib.load(open(os.path.join(where, name), "rb")).get("rule", {})
                if rule.get("type") == "eql" and is_event_query(rule.get("query", "")):
                    ids.add(rule["rule_id"])
    return ids


def main():
    if not os.path.isdir(os.path.join(SHARED, "conformance")):
        print("1..0 # SKIP ../shared/conformance is not here")
        return 0
    runner = os.path.join(SHARED, "conformance", "run.py")
    cases = json.load(open(os.path.join(SHARED, "conformance", "eql_cases.json")))
    good = True
    print("1..6")
    with tempfile.TemporaryDirectory() as work:
        for number, kind in enumerate(("cases", "fold_cases", "parse_accept", "parse_reject"), 1):
            chosen = [c for c in cases[kind] if is_event_query(c.get("query", "any"))]
            path = os.path.join(work, kind + ".json")
            json.dump({kind: chosen}, open(path, "w"))
            good &= report(number, kind, [sys.executable, runner, "--lintel", LINTEL, "--cases", path], len(chosen))
        rules = os.path.join(SHARED, "rules", "elastic")
        expected = json.load(open(os.path.join(SHARED, "rules", "oracle_expected.json")))["expected"]
        ids = event_rules(rules)
        chosen = {k: v for k, v in expected.items() if k in ids}
        path = os.path.join(work, "expected.json")
        json.dump({"expected": chosen}, open(path, "w"))
        good &= report(5, "whole rules over recorded events",
                       [sys.executable, os.path.join(SHARED, "conformance", "run_rules.py"), "--lintel", LINTEL,
                        "--expected", path], len(chosen))
        p = subprocess.run([LINTEL, "rules", "check", "--format", "ndjson", rules], capture_output=True, text=True)
        lines = [json.loads(l) for l in p.stdout.splitlines() if l.startswith("{")]
        loaded = {l["id"] for l in lines if l.get("state") == "loaded"}
        rest = [l for l in lines if l.get("state") not in (None, "loaded")]
        fine = loaded == ids and all(l.get("reason") for l in rest) and p.returncode == 0
        print("%sok 6 - every EQL rule with an event query loads, the rest is named by reason" % ("" if fine else "not "))
        if not fine:
            print("# missing: %s\n# too many: %s\n# %s" % (sorted(ids - loaded)[:5], sorted(loaded - ids)[:5], p.stderr[-2000:]))
        good &= fine
    return 0 if good else 1


sys.exit(main())
