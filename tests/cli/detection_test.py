#!/usr/bin/env python3
"""`lintel hunt` with rules over several events: order of time, what comes late, state between runs, building blocks."""
import fcntl, json, os, signal, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import LINTEL, case, done, lintel
from workdir import path, write

RULE = '''[rule]
name = "%(name)s"
description = "d"
rule_id = "%(id)s"
risk_score = 21
severity = "low"
type = "eql"
language = "eql"
%(more)s
query = """
%(query)s
"""
'''
SEQUENCE = """sequence by host.id with maxspan=1m
  [process where process.name == "curl"]
  [process where process.name == "sh"]"""
MISSING = """sequence by host.id with maxspan=10s
  [process where process.name == "curl"]
  ![process where process.name == "sh"]"""
BEGIN = 1767582000


def rule(id, query, more="", name=None):
    return write(id + ".toml", RULE % {"id": id, "name": name or id, "query": query, "more": more})


def event(id, seconds, name, host="h1", **more):
    return dict({"id": id, "@timestamp": BEGIN * 1000 + int(seconds * 1000), "event": {"category": "process"},
                 "process": {"name": name, "pid": 7, "command_line": name + " x"}, "host": {"id": host}}, **more)


def events(name, *rows):
    return write(name, "".join(json.dumps(row) + "\n" for row in rows))


def hunt(*argv):
    p = lintel("hunt", "--format", "ndjson", "--no-default-rules", *argv)
    assert p.returncode == 0, (p.returncode, p.err)
    return p


def found(p):
    """Of each alert the rule and the ids of the events."""
    return [(a["rule"]["id"], [e and e["id"] for e in a["lintel"]["alert"]["events"]]) for a in
            (json.loads(line) for line in p.out.splitlines())]


sequence = rule("sequence", SEQUENCE, name="A download ran")
missing = rule("missing", MISSING)

with case("an alert of a sequence has its events in order, its keys, and a sentence of all of them"):
    p = hunt("--rules", sequence, events("two.ndjson", event("b", 3, "sh"), event("a", 1.5, "curl"), event("c", 4, "ls")))
    assert found(p) == [("sequence", ["a", "b"])], p.out
    alert = json.loads(p.out)
    assert alert["lintel"]["alert"]["join_keys"] == ["h1"]
    assert alert["message"] == "curl (pid 7), ran: curl x; then sh (pid 7), ran: sh x, within 1.5 s", alert["message"]
    assert alert["process"]["name"] == "sh" and alert["@timestamp"].startswith("2026-01-05T03:00:03")
    again = json.loads(hunt("--rules", sequence, path("two.ndjson")).out)
    assert again["lintel"]["alert"]["id"] == alert["lintel"]["alert"]["id"]

with case("a missing event is null in the alert"):
    p = hunt("--rules", missing, events("missing.ndjson", event("a", 1, "curl"), event("b", 30, "sh")))
    assert found(p) == [("missing", ["a", None])], p.out
    assert json.loads(p.out)["message"] == \
        'curl (pid 7), ran: curl x; then no event of [process where process.name == "sh"]', p.out

with case("--tolerance: what comes later than that is counted and joins nothing before it"):
    late = events("late.ndjson", event("b", 3, "sh"), event("x", 8, "sh", host="h2"), event("a", 1, "curl"), event("y", 9, "ls"))
    p = hunt("--rules", sequence, late)
    assert found(p) == [] and "1 events with hits that came later" in p.err, p.err
    for enough in ("7", "7s", "7000ms", "7.0", "60"):
        p = hunt("--rules", sequence, "--tolerance", enough, late)
        assert found(p) == [("sequence", ["a", "b"])] and "nothing lost" in p.err, (enough, p.err)
    p = hunt("--rules", sequence, "--tolerance", "6.999", late)
    # late, but b still waits: what is before it in time can join it
    assert found(p) == [("sequence", ["a", "b"])] and "1 events with hits that came later" in p.err, p.err

with case("--tolerance and --state-memory refuse what is no such number"):
    for option, wrong in [("--tolerance", w) for w in ("", "x", "-1", "1h", "1e3", "2 s", ".5", "1..2", "nan", "86401", "0x1")] + \
                         [("--state-memory", w) for w in ("", "0", "-1", "1.5", "x", "9999999999")]:
        p = lintel("hunt", option, wrong, path("two.ndjson"))
        assert p.returncode == 2 and option in p.err, (option, wrong, p.err)

with case("the same in a configuration: tolerance, state_memory"):
    for key, wrong, means in [("tolerance", w, "must be seconds") for w in ('"x"', "-1", "true", "1e9", '"1h"', "[]")] + \
                             [("state_memory", w, "must be a whole number") for w in ("0", "-1", '"1"', "1.5")]:
        p = lintel("watch", "--config", write("wrong.toml", "[watch]\n%s = %s\n" % (key, wrong)))
        assert p.returncode == 2 and "watch.%s %s" % (key, means) in p.err and "wrong.toml:2:" in p.err, (key, wrong, p.err)
    for right in ('tolerance = 2\n', 'tolerance = 0.5\n', 'tolerance = "500ms"\nstate_memory = 64\nbuilding_blocks = true\n'):
        # the configuration is read first; what ends it is the option
        p = lintel("watch", "--config", write("right.toml", "[watch]\n" + right), "--duration", "x")
        assert p.returncode == 2 and "--duration" in p.err and "right.toml" not in p.err, (right, p.err)

with case("threads do not change what is found, nor in which order"):
    rows = []
    for i in range(2000):
        rows.append(event("a%d" % i, i, "curl", host="h%d" % (i % 7)))
        rows.append(event("b%d" % i, i + 0.5, ("sh", "ls")[i % 3 == 0], host="h%d" % (i % 5)))
    many = events("many.ndjson", *rows)
    outs = {hunt("--rules", sequence, "--rules", missing, "--threads", str(n), many).out for n in (1, 2, 3)}
    assert len(outs) == 1 and len(outs.pop().splitlines()) > 100

with case("--state: a sequence whose halves are in different runs is found, once"):
    state = path("state")
    first = events("first.ndjson", event("a", 1, "curl"))
    p = hunt("--rules", sequence, "--rules", missing, "--state", state, first)
    # whether something is missing is not known yet
    assert found(p) == [], p.out
    assert os.stat(state).st_mode & 0o77 == 0 and os.stat(os.path.join(state, "detector.ndjson")).st_mode & 0o77 == 0
    p = hunt("--rules", sequence, "--rules", missing, "--state", state, events("second.ndjson", event("b", 40, "sh")))
    assert found(p) == [("missing", ["a", None]), ("sequence", ["a", "b"])], p.out
    p = hunt("--rules", sequence, "--rules", missing, "--state", state, events("third.ndjson", event("c", 41, "sh")))
    assert found(p) == [], p.out

with case("--state: the time a run ended at is not that of events of its next"):
    state = path("same-time")
    hunt("--rules", sequence, "--state", state, events("one.ndjson", event("x", 0, "ls"), event("a", 1, "curl")))
    p = hunt("--rules", sequence, "--state", state, events("two2.ndjson", event("b", 1, "sh")))
    assert found(p) == [("sequence", ["a", "b"])], p.out

with case("--state: what belongs to a changed rule is dropped and counted"):
    state = path("changed")
    hunt("--rules", sequence, "--state", state, first)
    changed = rule("changed", SEQUENCE.replace("1m", "2m"))
    os.rename(changed, path("changed.keep"))
    write("changed.keep", open(path("changed.keep")).read().replace('rule_id = "changed"', 'rule_id = "sequence"'))
    os.rename(path("changed.keep"), path("changed.toml"))
    p = hunt("--rules", path("changed.toml"), "--state", state, path("second.ndjson"))
    assert found(p) == [] and "1 saved state of rules that are gone or have changed" in p.err, p.err

with case("--state: what is no state is said, and the run begins without"):
    state = path("broken")
    os.mkdir(state, 0o700)
    for wrong in (b"", b"no state\n", b"\0" * 5000, b'{"lintel":"detector state","version":99}\n'):
        with open(os.path.join(state, "detector.ndjson"), "wb") as f:
            f.write(wrong)
        p = hunt("--rules", sequence, "--state", state, path("two.ndjson"))
        assert found(p) == [("sequence", ["a", "b"])] and "starting without saved state" in p.err, (wrong, p.err)

with case("--state: two runs in one directory, a directory that cannot be made or written"):
    state = path("locked")
    hunt("--rules", sequence, "--state", state, first)
    with open(os.path.join(state, "lock"), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        p = lintel("hunt", "--rules", sequence, "--state", state, first)
        assert p.returncode == 1 and "in use by another lintel" in p.err, p.err
    p = lintel("hunt", "--rules", sequence, "--state", path("no/such/place"), first)
    assert p.returncode == 1 and "No such file" in p.err, p.err
    os.mkdir(os.path.join(state, "detector.ndjson.new"))
    p = lintel("hunt", "--no-default-rules", "--rules", sequence, "--state", state, events("fresh.ndjson", event("z", 50, "curl")))
    assert p.returncode == 1 and "cannot save state" in p.err and "1 times that state could not be saved" in p.err, p.err

with case("--state: a reader of alerts that has gone leaves the state as it was"):
    state = path("gone")
    hunt("--rules", sequence, "--state", state, first)
    before = open(os.path.join(state, "detector.ndjson")).read()
    read, write_end = os.pipe()
    os.close(read)
    p = subprocess.run([LINTEL, "hunt", "--no-default-rules", "--rules", sequence, "--state", state, path("second.ndjson")],
                       stdout=write_end, stderr=subprocess.PIPE)
    os.close(write_end)
    assert p.returncode == 1 and open(os.path.join(state, "detector.ndjson")).read() == before

with case("alerts of building-block rules: not on the terminal unless asked, always in NDJSON, counted"):
    block = rule("block", 'process where process.name == "curl"', 'building_block_type = "default"', name="Block")
    p = hunt("--rules", block, "--rules", sequence, path("two.ndjson"))
    alerts = [json.loads(line) for line in p.out.splitlines()]
    assert [a["rule"]["name"] for a in alerts] == ["Block", "A download ran"], p.out
    assert alerts[0]["kibana"]["alert"]["building_block_type"] == "default" and "kibana" not in alerts[1]
    assert "2 alerts, 1 of them building blocks, nothing lost" in p.err, p.err
    p = lintel("hunt", "--no-default-rules", "--rules", block, "--rules", sequence, path("two.ndjson"))
    assert "Block" not in p.out and "A download ran" in p.out
    assert "2 alerts, 1 of them building blocks (--building-blocks shows them), nothing lost" in p.err, p.err
    p = lintel("hunt", "--no-default-rules", "--building-blocks", "--rules", block, path("two.ndjson"))
    assert "Block" in p.out and "building block" in p.out

with case("max_signals counts alerts of sequences too"):
    capped = rule("capped", SEQUENCE, "max_signals = 2")
    rows = []
    for i in range(5):
        rows += [event("a%d" % i, 2 * i, "curl"), event("b%d" % i, 2 * i + 1, "sh")]
    p = hunt("--rules", capped, events("capped.ndjson", *rows))
    assert len(found(p)) == 2 and 'held back 3 more alerts of "capped"' in p.err and "5 matches, 2 alerts" in p.err, p.err

KUERY = '''[rule]
name = "%(id)s"
description = "d"
rule_id = "%(id)s"
risk_score = 21
severity = "low"
type = "%(type)s"
language = "kuery"
from = "now-10m"
query = "event.category : process and process.name : login"
%(more)s
'''


def kuery(id, type, more):
    return write(id + ".toml", KUERY % {"id": id, "type": type, "more": more})


def login(id, seconds, user, ip):
    return event(id, seconds, "login", user={"name": user}, source={"ip": ip})


with case("--state: files are counted once though a hunt of them was stopped; of a stream what came is saved"):
    one = rule("one", 'process where process.name == "curl"', "max_signals = 1000000")
    twice = kuery("twice", "threshold", '[rule.threshold]\nfield = ["user.name"]\nvalue = 2\n')
    begin = [login("l", 0, "root", "1")]
    # More alerts than a pipe holds, more input than a batch.
    stopped = events("stopped.ndjson", *begin, *(event("e%d" % i, 1 + i / 1000, "curl") for i in range(20000)))
    for stream in (False, True):
        state = path("stopped-%d" % stream)
        p = subprocess.Popen([LINTEL, "hunt", "--no-default-rules", "--rules", one, "--rules", twice, "--state", state,
                              "--format", "ndjson", "-" if stream else stopped], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.PIPE)
        if stream:
            # The signal comes while the hunt waits for more.
            p.stdin.write(b"".join(open(stopped, "rb").readlines()[:3]))
            p.stdin.flush()
        p.stdout.read(1)
        p.send_signal(signal.SIGINT)
        _, err = p.communicate()
        assert p.returncode == 0 and b"stopped after" in err, err
        assert (b"the state is left as it was" in err) != stream, err
        p = hunt("--rules", twice, "--state", state, events("begin.ndjson", *begin))
        assert found(p) == ([("twice", ["l", "l"])] if stream else []), (stream, p.out)

with case("threshold: the alert says what was counted, in Kibana's names, and has the events"):
    t = kuery("threshold", "threshold", '''[rule.threshold]
field = ["user.name"]
value = 3
[[rule.threshold.cardinality]]
field = "source.ip"
value = 2
''')
    rows = [login("a", 1, "root", "10.0.0.1"), login("b", 2, "root", "10.0.0.1"), login("x", 3, "www", "10.0.0.9"),
            login("c", 4, "root", "10.0.0.1"), login("d", 5, "root", "10.0.0.2"), login("e", 1000, "root", "10.0.0.3")]
    p = hunt("--rules", t, events("logins.ndjson", *rows))
    assert found(p) == [("threshold", ["a", "b", "c", "d"])], p.out
    alert = json.loads(p.out)
    assert alert["kibana"]["alert"]["threshold_result"] == {
        "cardinality": [{"field": "source.ip", "value": 2}], "count": 4,
        "terms": [{"field": "user.name", "value": "root"}]}, alert["kibana"]
    assert "join_keys" not in alert["lintel"]["alert"]
    assert alert["message"] == "4 events of user.name root with 2 different source.ip, within 4 s; the last: " \
        "login (pid 7, root), ran: login x", alert["message"]

with case("new_terms: an alert for each new value; with --state also the next run knows what was seen"):
    n = kuery("new", "new_terms", '''[rule.new_terms]
field = "new_terms_fields"
value = ["user.name", "source.ip"]
[[rule.new_terms.history_window_start]]
field = "history_window_start"
value = "now-14d"
''')
    state = path("terms")
    p = hunt("--rules", n, "--state", state, path("logins.ndjson"))
    assert [e for _, e in found(p)] == [["a"], ["x"], ["d"], ["e"]], p.out
    alert = json.loads(p.out.splitlines()[0])
    assert alert["kibana"]["alert"]["new_terms"] == ["root", "10.0.0.1"], alert["kibana"]
    assert alert["message"].startswith("new user.name root, source.ip 10.0.0.1: login (pid 7, root)"), alert["message"]
    later = events("later.ndjson", login("f", 86400, "root", ["10.0.0.1", "10.0.0.7", "10.0.0.8"]))
    p = hunt("--rules", n, "--state", state, later)
    alerts = [json.loads(line) for line in p.out.splitlines()]
    assert [a["kibana"]["alert"]["new_terms"] for a in alerts] == [["root", "10.0.0.7"], ["root", "10.0.0.8"]], p.out
    assert alerts[0]["lintel"]["alert"]["id"] != alerts[1]["lintel"]["alert"]["id"]
    # the same without the history
    assert len(found(hunt("--rules", n, later))) == 3
    # and fifteen days later all is new again
    p = hunt("--rules", n, "--state", state, events("much-later.ndjson", login("g", 86400 * 16, "root", "10.0.0.1")))
    assert found(p) == [("new", ["g"])], p.out

with case("alert_suppression: the first of a group passes, the next one after the window says how many did not"):
    q = kuery("suppressed", "query", '''[rule.alert_suppression]
group_by = ["user.name"]
missing_fields_strategy = "doNotSuppress"
duration = {value = 1, unit = "m"}
''')
    rows = [login("a", 0, "root", "1"), login("b", 59, "root", "2"), login("c", 30, "root", "3"), login("d", 60, "root", "4"),
            login("e", 61, "root", "5"), event("m", 62, "login"), event("n", 63, "login")]
    p = hunt("--rules", q, "--tolerance", "60", events("suppressed.ndjson", *rows))
    assert found(p) == [("suppressed", [x]) for x in "admn"], p.out
    alerts = [json.loads(line)["kibana"]["alert"]["suppression"] for line in p.out.splitlines()]
    assert alerts[:2] == [{"docs_count": n, "terms": [{"field": "user.name", "value": "root"}]} for n in (0, 2)], alerts
    assert alerts[2]["terms"] == [{"field": "user.name", "value": None}], alerts
    assert 'alert_suppression left out 3 more alerts of "suppressed"' in p.err and "7 matches, 4 alerts" in p.err, p.err
    p = lintel("hunt", "--no-default-rules", "--rules", q, "--tolerance", "60", path("suppressed.ndjson"))
    assert "2 earlier alerts like this, by alert_suppression" in p.out, p.out

done()
