#!/usr/bin/env python3
"""Dependencies between rooms point down only: reads every #include "room/..." below src/ and fails
on an arrow that docs/architecture.md does not have."""
import os, re, sys

# room -> the rooms it may include from, beside itself
ALLOWED = {
    "base": set(),
    "event": {"base"},
    "eql": {"event", "base"},
    "kql": {"eql", "event", "base"},
    "process": {"event", "base"},
    "sensor": {"process", "event", "base"},
    "rule": {"kql", "eql", "event", "base"},
    "lib": {"eql", "event", "base"},
    "engine": {"rule", "eql", "event", "base"},
    "coverage": {"rule", "eql", "event", "base"},
    "source": {"process", "event", "base"},
    "hunt": {"source", "engine", "rule", "eql", "event", "base"},
    "sink": {"engine", "rule", "eql", "event", "base"},
    "cli": {"hunt", "coverage", "sink", "source", "sensor", "engine", "rule", "process", "eql", "event", "base"},
}

def main():
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src")
    bad, seen = [], 0
    for folder, _, names in os.walk(top):
        room = os.path.relpath(folder, top).split(os.sep)[0]
        for name in sorted(names):
            if not name.endswith((".c", ".h", ".cpp")) or room == ".":
                continue
            path = os.path.join(folder, name)
            if room not in ALLOWED:
                bad.append("%s: room '%s' is not in the plan" % (path, room))
                continue
            for number, line in enumerate(open(path, encoding="utf-8"), 1):
                m = re.match(r'\s*#\s*include\s+"([a-z]+)/', line)
                if not m or m.group(1) not in ALLOWED:
                    continue
                seen += 1
                target = m.group(1)
                if target != room and target not in ALLOWED[room]:
                    bad.append("%s:%d: %s may not include from %s"
                               % (os.path.relpath(path, os.path.join(top, "..")), number, room, target))
                if target != room and line.rstrip().endswith('_internal.h"'):
                    bad.append("%s:%d: another room's internal header"
                               % (os.path.relpath(path, os.path.join(top, "..")), number))
    for line in bad:
        print(line, file=sys.stderr)
    if not seen:
        print("no include was found: is src/ where this test looks?", file=sys.stderr)
        return 1
    return 1 if bad else 0

sys.exit(main())
