#!/usr/bin/env python3
"""Hostile and broken input: a clear message, the right exit status, and the good records survive."""
import gzip, json, os, random, resource, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import LINTEL, Skip, case, done, lintel
from workdir import path, work, write

GOOD = {"@timestamp": "2026-01-05T03:00:00Z", "event": {"category": ["process"], "id": "good"}, "process": {"name": "sh"}}
QUERY = 'process where process.name == "sh"'
RULE = '''[rule]
name = "A shell started"
description = "d"
rule_id = "%s"
risk_score = 21
severity = "low"
type = "eql"
language = "eql"
query = """
process where process.name == "sh"
"""
'''


def good_line():
    return json.dumps(GOOD).encode() + b"\n"


def one_good(p):
    assert p.returncode == 0, p.returncode
    rows = [json.loads(l) for l in p.out.splitlines()]
    assert len(rows) == 1 and rows[0]["event"]["id"] == "good", rows
    return p


def around(name, bad):
    """A bad line before a good one: the good one is found, the bad one named by file and line."""
    f = write(name, bad + b"\n" + good_line())
    p = one_good(lintel("query", QUERY, f))
    assert "%s:1" % f in p.err, "the message does not name file and line: " + p.err[:500]
    return p


with case("binary garbage between good lines"):
    random.seed(7)
    garbage = bytes(random.randrange(256) for _ in range(200000)).replace(b"\n", b" ")
    around("garbage.ndjson", garbage)
with case("a file of nothing but garbage ends with a count, not a page per line"):
    random.seed(8)
    p = lintel("query", QUERY, write("noise", bytes(random.randrange(256) for _ in range(400000))))
    assert p.returncode == 0 and len(p.err.splitlines()) < 40, len(p.err.splitlines())
with case("a 100 MB line costs bounded memory and only itself"):
    before = b'{"event":{"category":"process"},"process":{"name":"'
    f = path("long.ndjson")
    with open(f, "wb") as out:
        out.write(before)
        for _ in range(100):
            out.write(b"a" * (1 << 20))
        out.write(b'"}}\n' + good_line())
    p = one_good(lintel("query", QUERY, f))
    assert f + ":1" in p.err, p.err[:500]
with case("JSON nested 10,000 levels deep"):
    around("deep.ndjson", b'{"a":' * 10000 + b"1" + b"}" * 10000)
    around("deep2.ndjson", b'{"event":{"category":"process"},"process":{"name":"sh"},"x":' + b"[" * 10000 + b"]" * 10000 + b"}")
with case("invalid UTF-8"):
    around("utf8.ndjson", b'{"event":{"category":"process"},"process":{"name":"s\xffh"}}')
with case("duplicate keys: all values count"):
    f = write("dup.ndjson", b'{"event":{"category":"process"},"process":{"name":"x"},"process":{"name":"sh"}}\n')
    p = lintel("query", QUERY, f)
    assert p.returncode == 0 and len(p.out.splitlines()) == 1, p.out
with case("numbers beyond 64 bits"):
    f = write("big.ndjson", b'{"event":{"category":"process"},"process":{"name":"sh","pid":123456789012345678901234567890}}\n' + good_line())
    p = lintel("query", 'process where process.pid > 9223372036854775807', f)
    assert p.returncode == 0 and len(p.out.splitlines()) == 1, p.out
with case("a truncated last line is counted and the rest is read"):
    f = write("cut.ndjson", good_line() + good_line()[:40])
    p = one_good(lintel("query", QUERY, f))
    assert "%s:2" % f in p.err, p.err
with case("a whole last line without newline is read"):
    one_good(lintel("query", QUERY, write("nonl.ndjson", good_line().rstrip(b"\n"))))
with case("an unreadable input is an error that names it; others are read"):
    missing = path("not-there.ndjson")
    p = lintel("query", QUERY, missing)
    assert p.returncode != 0 and missing in p.err, (p.returncode, p.err)
    for verb in (["query", QUERY], ["hunt"]):
        p = lintel(*verb, missing, write("there.ndjson", good_line()))
        assert p.returncode == 1 and missing in p.err, (verb, p.returncode, p.err)
        assert "good" in p.out if verb[0] == "query" else " 1 events " in p.err, (verb, p.out, p.err)
with case("a directory without permission"):
    if os.getuid() != 0:
        raise Skip("needs root to drop to another user")
    f = write("closed.ndjson", good_line())
    os.chmod(work.name, 0o755)
    os.chmod(f, 0)
    try:
        p = lintel("query", QUERY, f, user=65534)
    except PermissionError:
        raise Skip("another user cannot reach the binary here")
    assert p.returncode != 0 and f in p.err, (p.returncode, p.err)
with case("corrupt gzip: what came before counts"):
    lines = b"".join(json.dumps(dict(GOOD, n=random.random())).encode() + b"\n" for _ in range(20000))
    f = write("bad.gz", gzip.compress(lines)[:-200000 // 4])
    p = lintel("query", QUERY, f, "--count")
    assert "bad.gz" in p.err, p.err
    q = lintel("query", QUERY, f)
    assert len(q.out.splitlines()) > 100, len(q.out.splitlines())
with case("standard input as -"):
    one_good(lintel("query", QUERY, "-", stdin=good_line()))
with case("a few descriptors are enough for a hunt"):
    for i in range(30):
        write("many/%02d.ndjson" % i if os.makedirs(path("many"), exist_ok=True) is None else "", good_line())
    p = lintel("query", QUERY, path("many"), descriptors=16)
    assert p.returncode == 0 and len(p.out.splitlines()) == 30, (p.returncode, p.err)
with case("a rule file with a syntax error beside good ones"):
    os.makedirs(path("rules"), exist_ok=True)
    write("rules/a.toml", RULE % "11111111-0000-4000-8000-000000000001")
    write("rules/b.toml", "[rule\nname = \n")
    write("rules/c.toml", RULE.replace("==", "=") % "11111111-0000-4000-8000-000000000002")
    write("rules/d.toml", os.urandom(5000))
    write("rules/e.toml", "")
    p = lintel("rules", "check", path("rules"))
    assert p.returncode == 1, p.returncode
    assert "b.toml:1" in p.out + p.err and "c.toml:10:" in p.out + p.err, p.out + p.err
    p = lintel("hunt", "--no-default-rules", "--rules", path("rules"), "--format", "ndjson", write("e.ndjson", good_line()))
    assert p.returncode == 0, p.returncode
    alerts = [json.loads(l) for l in p.out.splitlines()]
    assert [a["rule"]["id"] for a in alerts] == ["11111111-0000-4000-8000-000000000001"], alerts
with case("an EQL error shows line, column and caret, exit 2"):
    p = lintel("query", "--check", 'process where\n  procss.name = "sh"')
    assert p.returncode == 2 and ":2:" in ":" + p.err and "^" in p.err, p.err
with case("joins are refused clearly, once"):
    p = lintel("query", "--check", "join [process where true] [file where true]")
    assert p.returncode == 2 and "joins are not supported" in p.err and p.err.count("error") == 1, p.err
with case("a query of a million brackets"):
    p = lintel("query", "--check", "process where " + "(" * 100000)
    assert p.returncode == 2 and p.err.strip(), p.err[:300]
    p = lintel("query", "--check", "process where " + "not " * 20000 + "true")
    assert p.returncode in (0, 2), p.returncode
with case("full disk under --output: said, counted, and the hunt goes on"):
    if not os.path.exists("/dev/full"):
        raise Skip("no /dev/full")
    p = lintel("hunt", "--no-default-rules", "--rules", path("rules/a.toml"), "--format", "ndjson",
               "--output", "/dev/full", path("e.ndjson"))
    assert "No space left" in p.err and p.returncode == 1, (p.returncode, p.err)
with case("what a run writes is not its input"):
    # Each result would be read again, and each alert holds the events it is of: it would double.
    os.makedirs(path("own"), exist_ok=True)
    write("own/a.ndjson", good_line())
    own = write("own/results.ndjson", good_line())
    rule = ["--no-default-rules", "--rules", path("rules/a.toml"), "--format", "ndjson"]
    for argv in (["query", QUERY, path("own")], ["hunt", *rule, path("own")]):
        with open(own, "ab") as out:
            p = subprocess.run([LINTEL, *argv], stdout=out, stderr=subprocess.PIPE, timeout=20)
        assert p.returncode == 1 and own.encode() + b": left out" in p.stderr, (p.returncode, p.stderr)
    p = lintel("hunt", *rule, "--output", own, path("own"))
    assert p.returncode == 1 and own + ": left out" in p.err, (p.returncode, p.err)
    with open(own) as f:
        assert len(f.readlines()) == 4, "one line from each run"
with case("closed standard descriptors: nothing goes into another file, and output that cannot be is an error"):
    alerts, f = path("closed-alerts.ndjson"), write("closed.ndjson", b"bad\n" + good_line())
    argv = [LINTEL, "hunt", "--no-default-rules", "--rules", path("rules/a.toml"), "--format", "ndjson"]
    p = subprocess.run(argv + ["--output", alerts, f], preexec_fn=lambda: os.close(2), stdout=subprocess.PIPE, timeout=20)
    with open(alerts) as out:
        assert p.returncode == 0 and [json.loads(l)["rule"]["name"] for l in out] == ["A shell started"], p.returncode
    p = subprocess.run(argv + [f], preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE, timeout=20)
    assert p.returncode == 1 and b"standard output" in p.stderr, p.stderr
    p = subprocess.run([LINTEL, "query", QUERY, f, "-"], preexec_fn=lambda: os.close(0), capture_output=True, timeout=20)
    assert p.returncode == 1 and b"standard input" in p.stderr and p.stdout == good_line(), p.stderr
with case("a closed pipe ends quietly"):
    lines = write("lines.ndjson", good_line() * 50000)
    p = subprocess.run("%s query '%s' %s | head -1" % (LINTEL, QUERY, lines), shell=True, capture_output=True, text=True)
    assert len(p.stdout.splitlines()) == 1 and "Sanitizer" not in p.stderr, p.stderr
with case("wrong options"):
    for argv in (["hunt"], ["query"], ["watch", "--format", "xml"], ["watch", "--layer", "xml"], ["watch", "--duration", "-1"], ["watch", "extra"],
                 ["rules"], ["rules", "frobnicate"], ["nosuchverb"], ["query", "--nosuch", QUERY, "-"]):
        p = lintel(*argv)
        assert p.returncode == 2 and p.err.strip(), (argv, p.returncode, p.err)
with case("every verb has help with examples, exit status and no error"):
    for verb in ("watch", "hunt", "query", "rules", "completion"):
        p = lintel(verb, "--help")
        assert p.returncode == 0 and "usage: lintel %s" % verb in p.out and not p.err, (verb, p.err)
with case("completion names every option of every verb"):
    for shell in ("bash", "zsh", "fish"):
        p = lintel("completion", shell)
        assert p.returncode == 0 and "no-default-rules" in p.out and "timestamp-field" in p.out, p.out[:500]
with case("a configuration with a misspelt key names it and what is known"):
    f = write("c.toml", "[watch]\nstat = \"/tmp\"\n")
    p = lintel("watch", "--config", f)
    assert p.returncode == 2 and f + ":2:1" in p.err and "state" in p.err, p.err
    p = lintel("watch", "--config", write("g.toml", os.urandom(3000)))
    assert p.returncode == 2 and "g.toml" in p.err, p.err
done()
