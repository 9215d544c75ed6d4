#!/usr/bin/env python3
"""The EQL cases and whole rules kept beside the project: all of them. The runners there judge; this only calls them kind
by kind and turns their last line into TAP."""
import json, os, re, subprocess, sys, tempfile, tomllib

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.path.join(TOP, "..", "shared")
LINTEL = os.environ.get("LINTEL", os.path.join(TOP, "build", "lintel"))
KINDS = ("cases", "series_cases", "sample_cases", "fold_cases", "parse_accept", "parse_reject")


def result(command):
    p = subprocess.run(command, capture_output=True, text=True)
    lines = p.stdout.strip().splitlines()
    m = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1]) if lines else None
    return p, (int(m.group(1)), int(m.group(2))) if m else None


def report(number, name, command, wanted):
    p, counts = result(command)
    good = wanted > 0 and counts == (wanted, 0) and p.returncode == 0
    print("%sok %d - %s (%d cases)" % ("" if good else "not ", number, name, wanted), flush=True)
    if not good:
        print("".join("# %s\n" % l for l in (p.stdout + p.stderr).splitlines()[-40:]))
    return good


def eql_rules(folders):
    """rule_id, or id where a rule of the endpoint has none, of every EQL rule below the folders."""
    ids = set()
    for folder in folders:
        for where, _, names in os.walk(folder):
            for name in names:
                if name.endswith(".toml"):
                    rule = tomllib.load(open(os.path.join(where, name), "rb")).get("rule", {})
                    if rule.get("type", "eql") == "eql":
                        ids.add(rule.get("rule_id") or rule["id"])
    return ids


def main():
    conformance, rules = os.path.join(SHARED, "conformance"), os.path.join(SHARED, "rules")
    if not os.path.isdir(conformance):
        print("1..0 # SKIP ../shared/conformance is not here")
        return 0
    cases = json.load(open(os.path.join(conformance, "eql_cases.json")))
    good = True
    print("1..%d" % (len(KINDS) + 2))
    with tempfile.TemporaryDirectory() as work:
        for number, kind in enumerate(KINDS, 1):
            path = os.path.join(work, kind + ".json")
            json.dump({kind: cases[kind]}, open(path, "w"))
            good &= report(number, kind, [sys.executable, os.path.join(conformance, "run.py"), "--lintel", LINTEL,
                                          "--cases", path], len(cases[kind]))
    expected = json.load(open(os.path.join(rules, "oracle_expected.json")))["expected"]
    good &= report(len(KINDS) + 1, "whole rules over recorded events",
                   [sys.executable, os.path.join(conformance, "run_rules.py"), "--lintel", LINTEL], len(expected))

    folders = [os.path.join(rules, "elastic"), os.path.join(rules, "elastic-behavior")]
    ids = eql_rules(folders)
    p = subprocess.run([LINTEL, "rules", "check", "--format", "ndjson", *folders], capture_output=True, text=True)
    lines = [json.loads(l) for l in p.stdout.splitlines() if l.startswith("{")]
    loaded = {l["id"] for l in lines if l.get("state") == "loaded"}
    rest = [l for l in lines if l.get("state") not in (None, "loaded")]
    fine = bool(ids) and ids <= loaded and all(l.get("reason") for l in rest) and p.returncode == 0
    print("%sok %d - every EQL rule loads (%d), the rest is named by reason"
          % ("" if fine else "not ", len(KINDS) + 2, len(ids)))
    if not fine:
        print("# missing: %s\n# %s" % (sorted(ids - loaded)[:5], p.stderr[-2000:]))
    return 0 if good and fine else 1


sys.exit(main())
