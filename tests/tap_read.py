"""Reading TAP, for the programs that run tests: tests/run.py and tests/vm/run.py."""
import re


def results(text, status):
    """([(state, name, reason)], what is wrong with the program as a whole or None); state is "ok", "fail"
    or "skip". The exit status must agree with the lines, and the plan with their number."""
    found, plan = [], None
    for line in text.splitlines():
        m = re.match(r"1\.\.(\d+)(?:\s*# SKIP\s*(.*))?", line, re.I)
        if m:
            plan = int(m.group(1))
            if plan == 0:
                found.append(("skip", "", m.group(2) or "no reason given"))
            continue
        m = re.match(r"(not )?ok\b\s*\d*\s*(?:-\s*)?([^#]*)(?:#\s*(SKIP|TODO)\b\s*(.*))?", line, re.I)
        if not m:
            continue
        name = m.group(2).strip()
        if m.group(3) and m.group(3).upper() == "SKIP":
            found.append(("skip", name, m.group(4) or "no reason given"))
        else:
            found.append(("fail" if m.group(1) else "ok", name, ""))
    bad = None
    if status < 0:
        bad = "killed by signal %d" % -status
    elif plan is None and not found:
        bad = "no TAP output, exit status %d" % status
    elif plan is not None and plan != 0 and plan != len(found):
        bad = "planned %d tests, ran %d" % (plan, len(found))
    elif status and not any(state == "fail" for state, _, _ in found):
        bad = "exit status %d though no test failed" % status
    return found, bad
