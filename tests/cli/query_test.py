#!/usr/bin/env python3
"""`lintel query` and `lintel hunt`: order, limits, inputs, caps, exit status."""
import gzip, json, os, pty, signal, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import LINTEL, case, done, lintel
from workdir import path, write

RULE = '''[rule]
name = "A shell started"
description = "d"
rule_id = "11111111-0000-4000-8000-000000000001"
risk_score = 21
severity = "low"
type = "eql"
language = "eql"
interval = "5m"
max_signals = 3
query = """
process where process.name == "sh"
"""
'''


def events(name, rows):
    return write(name, "".join(json.dumps(row) + "\n" for row in rows))


def ids(p):
    assert p.returncode == 0, (p.returncode, p.err)
    return [json.loads(line)["id"] for line in p.out.splitlines()]


def event(id, time, **more):
    return dict({"id": id, "@timestamp": time, "event": {"category": "process"}}, **more)


unordered = events("unordered.ndjson", [event(1, 30), event(2, "10"), event(3, "1970-01-01T00:00:00.020Z"),
                                        event(4, 10), event(5, 20.5), event(6, 5)])
with case("without limits the input's order and its bytes are kept"):
    assert ids(lintel("query", "any where true", unordered)) == [1, 2, 3, 4, 5, 6]
    odd = write("odd.ndjson", b' {"event" : {"category":"process"},"\\u0061":1.0e0 }\t\r\n')
    assert lintel("query", "any where true", odd).out == ' {"event" : {"category":"process"},"\\u0061":1.0e0 }\t\n'
with case("limits order by time, then arrival"):
    assert ids(lintel("query", "--size", "10", "any where true", unordered)) == [6, 2, 4, 3, 5, 1]
    assert ids(lintel("query", "--size", "2", "any where true", unordered)) == [5, 1]
    assert ids(lintel("query", "--size", "0", "any where true", unordered)) == []
    assert ids(lintel("query", "any where true | head 3", unordered)) == [6, 2, 4]
    assert ids(lintel("query", "any where true | tail 3", unordered)) == [3, 5, 1]
    assert ids(lintel("query", "any where true | tail 3 | head 2", unordered)) == [3, 5]
    assert ids(lintel("query", "any where true | head 5 | tail 1", unordered)) == [5]
    assert ids(lintel("query", "--size", "4", "any where true | head 5 | tail 1", unordered)) == [3]
    assert ids(lintel("query", "any where true | head 0", unordered)) == []
with case("a tiebreaker orders events of one time; missing ones come last"):
    f = events("ties.ndjson", [event(1, 1), event(2, 1, n=10), event(3, 1, n=9.5), event(4, 1, n="x"), event(5, 1, n=2),
                               event(6, 0)])
    q = ("query", "--tiebreaker-field", "n", "--size", "50", "any where true")
    assert ids(lintel(*q, f)) == [6, 5, 3, 2, 4, 1]
with case("a large heap keeps the right ones"):
    n = 5000
    rows = [event(i, (i * 7919) % n) for i in range(n)]
    f = events("many.ndjson", rows)
    want = [r["id"] for r in sorted(rows, key=lambda r: r["@timestamp"])]
    assert ids(lintel("query", "any where true | head 700", f)) == want[:700]
    assert ids(lintel("query", "any where true | tail 700", f)) == want[-700:]
with case("fields can be renamed"):
    f = events("renamed.ndjson", [{"id": 1, "when": 2, "kind": "process"}, {"id": 2, "when": 1, "kind": ["x", "process"]},
                                  {"id": 3, "when": 0, "kind": "file"}])
    assert ids(lintel("query", "--category-field", "kind", "--timestamp-field", "when", "--size", "9",
                      "process where true", f)) == [2, 1]
with case("--count counts what would be printed"):
    assert lintel("query", "--count", "any where true", unordered).out == "6\n"
    assert lintel("query", "--count", "--size", "4", "any where true | tail 3", unordered).out == "3\n"
    assert lintel("query", "--count", "file where true", unordered).out == "0\n"
with case("search hits are read from their source and printed whole"):
    f = events("hits.ndjson", [{"_index": "i", "id": 1, "_source": event(7, 1, x="y")}])
    p = lintel("query", 'process where x == "y" and id == 7', f)
    assert json.loads(p.out)["_index"] == "i", p.out
with case("compressed, several and standard input"):
    g = write("a.gz", gzip.compress(b'{"id":1,"event.category":"process"}\n'))
    assert ids(lintel("query", "process where true", g, unordered)) == [1, 1, 2, 3, 4, 5, 6]
    assert ids(lintel("query", "process where true", stdin=b'{"id":9,"event.category":"process"}')) == [9]
with case("a match is printed before the next line of a pipe comes"):
    p = subprocess.Popen([LINTEL, "query", "any where true", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdin.write(b'{"id":1}\n')
    p.stdin.flush()
    assert p.stdout.readline() == b'{"id":1}\n'
    p.stdin.close()
    assert p.wait(10) == 0
def groups(p):
    """Ids of the events of each result, None for a missing one."""
    assert p.returncode == 0, (p.returncode, p.err)
    rows = [json.loads(line) for line in p.out.splitlines()]
    assert all(set(row) == {"join_keys", "events"} for row in rows), p.out
    return [[e and e["id"] for e in row["events"]] for row in rows]


def kinds(text, **more):
    """Events of "a1 b2": category and time, which is the id too."""
    return [dict({"id": int(w[1:]), "@timestamp": int(w[1:]), "event": {"category": w[0]}}, **more) for w in text.split()]


AB = "sequence by k [a where true] [b where true]"
with case("a sequence over unordered input, with its keys and its events as they stood"):
    rows = kinds("a1", k="x") + kinds("b2", k="y", odd=[1.0]) + kinds("b4", k=3.0) + kinds("a3", k=3) + kinds("b5 a0", k="x")
    f = events("ab.ndjson", rows)
    p = lintel("query", AB, f)
    assert groups(p) == [[3, 4], [1, 5]], p.out
    first = json.loads(p.out.splitlines()[0])
    assert first["join_keys"] == [3] and first["events"] == [rows[3], rows[2]], first
    assert '"k": 3.0' in p.out, p.out
with case("size and pipes count sequences"):
    f = events("many_ab.ndjson", kinds(" ".join("a%d b%d" % (i, i + 1) for i in range(0, 40, 2)), k=1))
    assert len(groups(lintel("query", AB, f))) == 20
    assert groups(lintel("query", "--size", "2", AB, f)) == [[36, 37], [38, 39]]
    assert groups(lintel("query", AB + " | head 3 | tail 1", f)) == [[4, 5]]
    assert groups(lintel("query", "--size", "2", AB + " | head 9", f)) == [[0, 1], [2, 3]]
    assert groups(lintel("query", "--size", "0", AB, f)) == []
    assert lintel("query", "--count", AB, f).out == "20\n"
    assert lintel("query", "--count", "--size", "7", AB, f).out == "7\n"
with case("events of one time are in no order, unless a tiebreaker gives one"):
    f = events("same_time.ndjson", [event(1, 5, n=2, event={"category": "b"}), event(2, 5, n=1, event={"category": "a"})])
    q = "sequence [a where true] [b where true]"
    assert groups(lintel("query", q, f)) == []
    assert groups(lintel("query", "--tiebreaker-field", "n", q, f)) == [[2, 1]]
with case("missing events are null; results keep Elasticsearch's order though one waits"):
    f = events("missing.ndjson", kinds("a1 b2", k=1) + kinds("a3 b4 c5", k=2) + kinds("a6 b7", k=3))
    q = "sequence by k with maxspan=1h [a where true] [b where true] ![c where true]"
    assert groups(lintel("query", q, f)) == [[1, 2, None], [6, 7, None]]
    q = "sequence by k with maxspan=1h ![b where true] [a where true]"
    assert groups(lintel("query", q + " ![c where true]", f)) == [[None, 1, None], [None, 3, None], [None, 6, None]]
with case("samples: per key, in order of the keys"):
    f = events("samples.ndjson", kinds("a1 a2 b3", k="z") + kinds("b4 a5", k=1) + kinds("b6 a7") + kinds("a8", k="alone"))
    q = "sample by %s [a where true] [b where true]"
    assert groups(lintel("query", q % "k", f)) == [[5, 4], [1, 3]]
    assert groups(lintel("query", "--max-samples-per-key", "5", q % "?k", f)) == [[7, 6], [5, 4], [1, 3], [2, 3]]
    assert groups(lintel("query", "--size", "1", q % "k", f)) == [[5, 4]]
with case("the endpoint dialect has relations and fields of earlier stages, if asked for"):
    start = {"event": {"category": "process", "type": "start", "action": "exec"}}
    rows = [dict(start, id=i, **{"@timestamp": i, "process": {"name": n, "entity_id": s, "parent": {"entity_id": p}}})
            for i, (n, s, p) in enumerate([("yum", "y", "x"), ("sh", "c", "y"), ("sh", "o", "x")], 1)]
    rows.append({"id": 4, "@timestamp": 4, "event": {"category": "network"}, "process": {"entity_id": "c", "name": "sh"}})
    f = events("endpoint.ndjson", rows)
    q = 'any where process.name == "sh" and descendant of [process where process.name == "yum"]'
    assert lintel("query", q, f).returncode == 2
    assert ids(lintel("query", "--dialect", "endpoint", q, f)) == [2, 4]
    q = 'sequence by process.entity_id [process where true] as event0 [network where process.name == event0.process.name]'
    assert groups(lintel("query", "--dialect", "endpoint", q, f)) == [[2, 4]]
    assert lintel("query", "--dialect", "kql", q, f).returncode == 2
with case("events without a time are in no sequence, and counted"):
    f = events("untimed.ndjson", kinds("a1 b2", k=1) + [{"id": 3, "k": 1, "event": {"category": "b"}}])
    p = lintel("query", AB, f)
    assert groups(p) == [[1, 2]] and "1 events with hits that have no time" in p.err, p.err
with case("memory is bounded: ordered input gives the whole answer, what comes too late is counted"):
    n = 4000
    rows = [r for i in range(n) for r in kinds("a%d b%d" % (2 * i, 2 * i + 1), k=i, blob="x" * 400)]
    f = events("long.ndjson", rows)
    p = lintel("query", "--state-memory", "1", AB, f)
    assert groups(p) == [[2 * i, 2 * i + 1] for i in range(n)] and "not everything" not in p.err, p.err
    f = events("late.ndjson", rows + kinds("a0", k="late") + kinds("b1", k="late"))
    p = lintel("query", "--state-memory", "1", "--count", AB, f)
    assert p.out == "4001\n" and "2 events with hits that came later than" in p.err, p.out + p.err
    p = lintel("query", "--state-memory", "1", AB + " | tail 3000", f)
    kept = groups(p)
    assert kept == groups(lintel("query", AB + " | tail %d" % len(kept), f)) and 100 < len(kept) < 3000, len(kept)
    assert "%d results of a query dropped: memory full" % (3000 - len(kept)) in p.err, p.err
with case("functions are listed"):
    p = lintel("query", "--functions")
    assert p.returncode == 0 and "cidrMatch" in p.out and len(p.out.splitlines()) > 10, p.out

rule = write("rule.toml", RULE)


def process(id, second):
    return {"@timestamp": "2026-01-05T03:%02d:%02dZ" % divmod(second, 60), "event": {"category": ["process"], "id": str(id)},
            "process": {"name": "sh", "pid": id}}


def hunt(*argv, **more):
    p = lintel("hunt", "--no-default-rules", "--rules", rule, "--format", "ndjson", *argv, **more)
    return p, [json.loads(line) for line in p.out.splitlines()]


with case("max_signals holds alerts back per interval of event time and says how many"):
    f = events("caps.ndjson", [process(i, i) for i in range(10)] + [process(i, 300 + i) for i in range(10, 12)])
    p, alerts = hunt(f)
    assert p.returncode == 0 and [a["process"]["pid"] for a in alerts] == [0, 1, 2, 10, 11], alerts
    assert "7 more alerts" in p.err, p.err
with case("an alert holds fields that no rule names, and the event as it stood"):
    f = events("full.ndjson", [dict(process(1, 1), user={"name": "mira"}, odd=[1.0, {"x": None}])])
    p, alerts = hunt(f)
    assert alerts[0]["user"]["name"] == "mira", alerts
    assert alerts[0]["lintel"]["alert"]["events"] == [json.loads(open(f).read())], alerts
with case("an alert has the rule, its severity, and the process with what the event says of its ancestors"):
    leaders = {"%s_leader" % l: {"pid": n, "name": l, "executable": "/bin/" + l, "args": [l, "-x"], "entity_id": l}
               for n, l in enumerate(["entry", "session", "group"], 1)}
    parent = {"pid": 4, "name": "make", "executable": "/bin/make", "args": ["make", "all"], "entity_id": "p"}
    row = dict(process(5, 1), host={"id": "h1"})
    row["process"].update(parent=parent, ppid=4, **leaders)
    alert = hunt(events("lineage.ndjson", [row]))[1][0]
    for name, want in dict(leaders, parent=parent).items():
        assert alert["process"].get(name) == want, (name, alert["process"])
    assert alert["process"]["ppid"] == 4 and alert["event"]["kind"] == "alert", alert
    assert alert["rule"]["id"] == "11111111-0000-4000-8000-000000000001" and alert["rule"]["name"] == "A shell started", alert
    assert alert["lintel"]["alert"]["severity"] == "low" and alert["lintel"]["alert"]["risk_score"] == 21, alert
    assert len(alert["lintel"]["alert"]["id"]) == 32 and alert["@timestamp"] == "2026-01-05T03:00:01.000Z", alert
with case("colour and progress are for terminals, and NO_COLOR is heeded"):
    f = events("tty.ndjson", [process(i, i) for i in range(2)])
    for env, coloured in (({"TERM": "xterm", "NO_COLOR": ""}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                          ({"TERM": "dumb", "NO_COLOR": ""}, False)):
        ours, theirs = pty.openpty()
        argv = [LINTEL, "hunt", "--no-default-rules", "--rules", rule, f]
        subprocess.run(argv, stdout=theirs, stderr=subprocess.DEVNULL, env=dict(os.environ, **env), timeout=20)
        os.close(theirs)
        shown = os.read(ours, 65536)
        os.close(ours)
        assert b"A shell started" in shown and (b"\033[" in shown) == coloured, (env, shown)
    p = lintel("hunt", "--no-default-rules", "--rules", rule, f, env={"TERM": "xterm", "NO_COLOR": ""})
    assert "A shell started" in p.out and "\033" not in p.out + p.err and "\r" not in p.err, p.out
with case("alerts of a search hit show its source"):
    f = events("hit.ndjson", [{"_index": "i", "_source": dict(process(5, 1), user={"name": "mira"})}])
    p, alerts = hunt(f)
    assert len(alerts) == 1 and alerts[0]["process"]["pid"] == 5 and alerts[0]["user"]["name"] == "mira", alerts
with case("the same hunt twice gives the same alert ids"):
    f = events("same.ndjson", [process(i, i) for i in range(3)])
    again = [[a["lintel"]["alert"]["id"] for a in hunt(f)[1]] for _ in range(2)]
    assert again[0] == again[1] and len(set(again[0])) == 3, again
with case("the summary counts events, matches, alerts and losses"):
    f = write("bad.ndjson", json.dumps(process(1, 1)) + "\nbad\n" + json.dumps(process(2, 2))[:30])
    p, alerts = hunt(f)
    assert p.returncode == 0 and "1 events from 1 file" in p.err and "1 matches, 1 alerts" in p.err, p.err
    assert "1 input lines that are not a JSON object" in p.err and "1 last lines" in p.err, p.err
with case("an input that cannot be read to its end is exit 1, with what was found"):
    f = write("cut.gz", gzip.compress((json.dumps(process(1, 1)) + "\n").encode() * 5)[:-4])
    p, alerts = hunt(f)
    assert p.returncode == 1 and "cut.gz: compressed data is cut off" in p.err and alerts, (p.returncode, p.err)
with case("SIGINT ends a waiting hunt with its summary"):
    p = subprocess.Popen([LINTEL, "hunt", "--no-default-rules", "--rules", rule, "--format", "ndjson", "-"], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdin.write(json.dumps(process(1, 1)) + "\n{\"half\":")
    p.stdin.flush()
    assert '"pid":1' in p.stdout.readline()
    time.sleep(0.2)
    p.send_signal(signal.SIGINT)
    assert p.wait(10) == 0
    said = p.stderr.read()
    assert "stopped after 1 events" in said and "nothing lost" in said, said
with case("--output appends"):
    f = events("one.ndjson", [process(1, 1)])
    for _ in range(2):
        p, alerts = hunt(f, "--output", path("alerts.ndjson"))
        assert p.returncode == 0 and not alerts
    assert len(open(path("alerts.ndjson")).readlines()) == 2
done()
