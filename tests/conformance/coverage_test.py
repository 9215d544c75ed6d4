#!/usr/bin/env python3
"""What of published rules lintel's sensor feeds, against the number and the exceptions in docs/coverage.md; and that no
rule said to be unable to fire on some telemetry does."""
import json, os, re, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import TOP, Skip, case, done, lintel

SHARED = os.path.join(TOP, "..", "shared")
RULES = [os.path.join(SHARED, "rules", name) for name in ("elastic", "elastic-behavior")]
TELEMETRY = [os.path.join(SHARED, *name) for name in (("rules", "oracle_events.ndjson"),
                                                      ("corpus", "benign-install-g0-install.ndjson.zst"))]


def judged(*argv):
    options = [w for path in RULES for w in ("--rules", path)]
    p = lintel("coverage", "--no-probe", "--no-default-rules", "--format", "ndjson", "--state", "/nonexistent", *options,
               *argv)
    assert p.returncode == 0, p.err
    rows = [json.loads(line) for line in p.out.splitlines()]
    return rows[-1], [r for r in rows if r["type"] == "rule"]


def fired(path):
    options = [w for rules in RULES for w in ("--rules", rules)]
    p = lintel("hunt", "--no-default-rules", "--format", "ndjson", *options, path)
    assert p.returncode == 0, p.err
    return {alert.get("rule", {}).get("id") for alert in map(json.loads, p.out.splitlines())}


if not all(os.path.exists(path) for path in RULES + TELEMETRY):
    print("1..0 # SKIP ../shared/rules or ../shared/corpus is not here")
    sys.exit(0)
FLOOR_PERCENT = 97  # whatever docs/coverage.md says, no fewer rules than this are fully fed
doc = open(os.path.join(TOP, "docs", "coverage.md"), encoding="utf-8").read()

with case("as many rules are fully fed as docs/coverage.md says"):
    documented = re.search(r"\*\*(\d+) of (\d+) rules fully fed", doc)
    summary, rules = judged()
    counts = summary["rules"]
    print("# %(full)d of %(total)d rules fully fed (%(percent_full).2f %%), %(part)d in part, %(missing)d not" % counts)
    assert counts["total"] == int(documented.group(2)) and counts["full"] >= int(documented.group(1)), documented.group(0)
    assert counts["percent_full"] >= FLOOR_PERCENT, counts

with case("docs/coverage.md names every rule that is not"):
    lacking = [os.path.basename(r["path"]) for r in rules if r["for_endpoint"] and r["fed"] != "full"]
    absent = [name for name in lacking if "| %s |" % name not in doc]
    assert not absent, absent
    stale = set(re.findall(r"^\| (\S+\.toml) \|", doc, re.M)) - set(lacking)
    if stale:
        print("# fed by now, run scripts/coverage-doc: %s" % " ".join(sorted(stale)))

for path in TELEMETRY:
    with case("no rule that fires on %s is said to be unable to" % os.path.basename(path)):
        _, rules = judged(path)
        missing = {r["id"] for r in rules if r["fed"] == "missing"}
        ids = fired(path)
        print("# %d rules fired, %d cannot" % (len(ids), len(missing)))
        assert missing and ids and None not in ids and not ids & missing, ids & missing

with case("analytics.def is what scripts/attack-analytics makes of MITRE's data"):
    extract = os.path.join(SHARED, "attack", "linux_analytics.json")
    if not os.path.exists(extract):
        raise Skip("../shared/attack is not here")
    made = subprocess.run([sys.executable, os.path.join(TOP, "scripts", "attack-analytics"), extract],
                          stdout=subprocess.PIPE, check=True).stdout
    assert made == open(os.path.join(TOP, "src", "coverage", "analytics.def"), "rb").read()

done()
