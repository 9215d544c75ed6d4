#!/usr/bin/env python3
"""`lintel hunt` on several threads and over several inputs: always the same answer."""
import gzip, json, os, random, re, shutil, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import LINTEL, Skip, case, done, lintel
from workdir import path, write

THREADS = (1, 2, 3, 8)
# A hunt cuts its inputs into pieces of so many bytes; the files here are of several.
BATCH_BYTES = 256 * 1024

RULE = '''[rule]
name = "%s"
description = "d"
rule_id = "22222222-0000-4000-8000-%012d"
risk_score = 21
severity = "low"
type = "%s"
language = "%s"
max_signals = 100000
query = """
%s
"""
%s'''
GROUPS = [("threshold", 'process.name : "cc1"', '[rule.threshold]\nfield = ["host.id", "process.pid"]\nvalue = 3\n'),
          ("new_terms", 'file.path : *', '[rule.new_terms]\nfield = "new_terms_fields"\nvalue = ["file.path"]\n'
           '[[rule.new_terms.history_window_start]]\nfield = "history_window_start"\nvalue = "now-7d"\n')]
QUERIES = ['sequence by host.id with maxspan=20s [process where process.pid % 50 == 3] [file where file.path : "/tmp/*3"]',
           'sequence by host.id with maxspan=5s [file where file.path : "/tmp/?"] ![process where process.name == "cc1" and process.pid % 9 == 0]',
           'sequence with maxspan=1m [process where process.pid % 97 == 1] by process.pid [process where true] by process.pid',
           'sample by process.pid [process where process.name == "ls" and host.id == "h0"] [process where process.name == "sh" and host.id != "h0"]',
           'process where process.name == "sh" and process.pid % 37 == 0',
           'process where process.args : "--never*" or process.pid % 101 == 1',
           'file where file.path : "/tmp/*7"']


def rules_in(name, rules):
    os.makedirs(path(name), exist_ok=True)
    for i, (kind, query, more) in enumerate(rules):
        write("%s/%d.toml" % (name, i), RULE % ("rule %d" % i, i, kind, "eql" if kind == "eql" else "kuery", query, more))
    return path(name)


rules = rules_in("rules", [("eql", query, "") for query in QUERIES] + GROUPS)


def run(*argv, threads=None, rules=rules, **more):
    extra = ["--threads", str(threads)] if threads else []
    return lintel("hunt", "--no-default-rules", "--rules", rules, "--format", "ndjson", *extra, *argv, **more)


def alerts(p):
    return [json.loads(line) for line in p.out.splitlines()]


def ids_of(alerts):
    return [a["lintel"]["alert"]["id"] for a in alerts]


def said(p):
    """What went wrong, in order, and the summary without how long it took."""
    return re.sub(r" in [0-9.]+ s, [0-9,]+ events/s", "", p.err)


def stream(rnd, count, start, host):
    """Events of one host, each up to a second earlier than the one before."""
    ms, rows = start, []
    for i in range(count):
        ms += rnd.randrange(0, 400)
        row = {"@timestamp": ms - rnd.randrange(0, 1000), "event": {"id": "%s-%d" % (host, i), "sequence": i},
               "host": {"id": host}}
        if rnd.random() < 0.7:
            row["event"]["category"] = ["process"]
            row["process"] = {"name": rnd.choice(["sh", "ls", "cc1"]), "pid": rnd.randrange(10000),
                              "args": ["x" * rnd.randrange(0, 300), "--flag"]}
        else:
            row["event"]["category"] = ["file"]
            row["file"] = {"path": "/tmp/%d" % rnd.randrange(1000)}
        rows.append(json.dumps(row).encode() + b"\n")
    return rows


def spoil(rnd, lines):
    """What else files hold: rubbish, blank lines, long lines, no time, no end."""
    out = []
    for line in lines:
        if rnd.random() < 0.002:
            out.append(rnd.choice([b"rubbish\n", b"\n", b" \r\n", b"[1]\n", b'{"x":\n', b"\xff\xfe\n",
                                   b'{"event":{"category":"process"},"process":{"name":"sh","pid":37}}\n',
                                   b'{"x":"' + b"y" * (BATCH_BYTES + 1000) + b'"}\n']))
        out.append(line)
    if rnd.random() < 0.5:
        out.append(b'{"cut":"o')
    return out


def put(rnd, name, lines):
    content = b"".join(lines)
    kind = rnd.choice(["plain", "gz", "zst"])
    if kind == "gz":
        return write(name + ".gz", gzip.compress(content, 1))
    if kind == "zst" and shutil.which("zstd"):
        return write(name + ".zst", subprocess.run(["zstd", "-1", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout)
    return write(name, content)


def mixed_inputs(seed):
    """Files of a few hosts that overlap in time, or not, in all their forms."""
    rnd = random.Random(seed)
    directory = "mixed%d" % seed
    os.makedirs(path(directory))
    for host in range(rnd.randrange(1, 4)):
        lines = stream(rnd, rnd.randrange(2000, 9000), 1767582000000 + rnd.choice([0, 5, 400000, 3000000]), "h%d" % host)
        parts = [[] for _ in range(rnd.randrange(1, 4))]
        for i, line in enumerate(lines):
            # rotated, or by kind of event, or at random
            part = (i * len(parts) // len(lines), line.count(b"file"), rnd.randrange(9))[host]
            parts[part % len(parts)].append(line)
        for i, part in enumerate(parts):
            put(rnd, "%s/%d-%d.ndjson" % (directory, rnd.randrange(1000), i), spoil(rnd, part))
    return path(directory)


for seed in range(6):
    with case("alerts and messages are the same, to the byte, on any number of threads (seed %d)" % seed):
        inputs = mixed_inputs(seed)
        first = run(inputs, threads=THREADS[0])
        assert first.returncode == 0 and len(alerts(first)) > 20, (first.returncode, first.err)
        for threads in THREADS[1:]:
            p = run(inputs, threads=threads)
            assert p.out == first.out, "%d threads: other alerts" % threads
            assert said(p) == said(first), "%d threads said:\n%s\none said:\n%s" % (threads, said(p), said(first))
with case("events of one stream in several files raise what they raise in one"):
    rnd = random.Random(50)
    lines = stream(rnd, 20000, 1767582000000, "h")
    parts = [[], [], [], []]
    for line in lines:
        rnd.choice(parts).append(line)
    want = sorted(ids_of(alerts(run(write("whole.ndjson", b"".join(lines))))))
    files = [put(rnd, "part%d.ndjson" % i, part) for i, part in enumerate(parts)]
    for threads in THREADS:
        p = run(*files, threads=threads)
        assert sorted(ids_of(alerts(p))) == want and len(want) > 50, (threads, len(want), len(alerts(p)))
        assert {a["rule"]["name"] for a in alerts(p)} > {"rule 0", "rule 1", "rule 2", "rule 4", "rule 7", "rule 8"}, threads
        assert "nothing lost" in p.err, p.err


def one_alert(id, time):
    return json.dumps({"@timestamp": time, "event": {"category": "process", "id": id}, "process": {"name": "sh", "pid": 37}}) + "\n"


def event_ids(p):
    return [a["lintel"]["alert"]["events"][0]["event"]["id"] for a in alerts(p)]


with case("inputs are read in order of their first times, in whatever order they are named"):
    late, early, untimed = [write(name, one_alert(name, time)) for name, time in (("late", 3000), ("early", 1000), ("untimed", None))]
    for inputs in ([late, early, untimed], [early, untimed, late], [untimed, late, early]):
        p = run(*inputs)
        assert event_ids(p) == ["untimed", "early", "late"], event_ids(p)
with case("a file is read once, under however many names; a directory without any is said"):
    os.makedirs(path("names/empty"))
    first = write("names/a.ndjson", one_alert("a", 1000))
    os.link(first, path("names/b.ndjson"))
    os.symlink("a.ndjson", path("names/current.ndjson"))
    write("names/other.ndjson", one_alert("a", 1000))
    for inputs in ([path("names")], [first, path("names")], [path("names"), path("names") + "/"]):
        p = run(*inputs)
        assert event_ids(p) == ["a", "a"] and "2 events from 2 files" in p.err and "nothing lost" in p.err, p.err
        assert "b.ndjson: left out, it is the same file as %s" % first in p.err, p.err
    p = run(path("names/empty"), first)
    assert event_ids(p) == ["a"] and "names/empty: no *.ndjson" in p.err, p.err
with case("of files that overlap in time the one that is behind goes on"):
    # Each of three batches, a second apart; those of the other file are a little later.
    pad = json.dumps({"x": "y" * 1000}) + "\n"
    files = []
    for offset, name in ((0, "b1"), (100, "a1")):
        files.append(write(name, "".join(one_alert("%s-%d" % (name, i), 1000 * i + offset + 1) + pad * (BATCH_BYTES // 1000) for i in range(3))))
    # At 1 ms the first is still behind the other, which begins at 101 ms.
    want = ["b1-0", "b1-1", "a1-0", "a1-1", "b1-2", "a1-2"]
    for threads in THREADS:
        assert event_ids(run(*files, threads=threads)) == want, event_ids(run(*files, threads=threads))
with case("more overlapping inputs than may be open: said, and all are read"):
    os.makedirs(path("crowd"))
    for i in range(40):
        write("crowd/%02d.ndjson" % i, one_alert("c%d" % i, 1000) + one_alert("d%d" % i, 900000))
    want = sorted(event_ids(run(path("crowd"))))
    assert len(want) == 80, want
    for threads in THREADS:
        p = run(path("crowd"), threads=threads, descriptors=12)
        assert p.returncode == 0 and sorted(event_ids(p)) == want, (p.returncode, p.err)
    # One batch each: they never are open together.
    assert "overlap" not in p.err, p.err
    for i in range(20):
        write("crowd/%02d.ndjson" % i, one_alert("c%d" % i, 1000) + pad * (BATCH_BYTES // 1000) +
              one_alert("e%d" % i, 900000) + pad * (BATCH_BYTES // 1000) + one_alert("d%d" % i, 900001))
    want += ["e%d" % i for i in range(20)]
    for threads in THREADS:
        p = run(path("crowd"), threads=threads, descriptors=12)
        assert p.returncode == 0 and sorted(event_ids(p)) == sorted(want) and p.err.count("inputs overlap") == 1, p.err
with case("a stream's alerts come at once, while another input has more to read"):
    fifo, other = path("fifo"), write("other.ndjson", b"".join(stream(random.Random(3), 4000, 1767582000000, "o")))
    os.mkfifo(fifo)
    for threads in (1, 4):
        p = subprocess.Popen([LINTEL, "hunt", "--no-default-rules", "--rules", rules, "--format", "ndjson", "--threads", str(threads),
                              other, fifo, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with open(fifo, "w") as out:
            for i in range(3):
                for pipe, id in ((out, "fifo"), (p.stdin, "stdin")):
                    pipe.write(one_alert(id, 1000 + i))
                    pipe.flush()
                    assert json.loads(p.stdout.readline())["lintel"]["alert"]["events"][0]["event"]["id"] == id
        p.stdin.close()
        left = p.stdout.read().splitlines()
        assert p.wait(20) == 0 and len(left) > 10, (len(left), p.stderr.read())
        p.stdout.close()
        p.stderr.close()
with case("an idle stream holds up nobody who is further behind"):
    for threads in (1, 2):
        p = subprocess.Popen([LINTEL, "hunt", "--no-default-rules", "--rules", rules, "--format", "ndjson", "--threads", str(threads), "-", fifo],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with open(fifo, "w") as out:
            p.stdin.write(one_alert("stdin", 5000000))
            p.stdin.flush()
            assert '"stdin"' in p.stdout.readline()
            for i in range(5):
                out.write(one_alert("fifo", 1000 * i))
                out.flush()
                assert '"fifo"' in p.stdout.readline()
        p.stdin.close()
        assert p.wait(20) == 0 and not p.stdout.read()
        p.stdout.close()
with case("SIGINT in the midst of much ends it with a summary, SIGTERM too"):
    big = write("big.ndjson", b"".join(stream(random.Random(4), 20000, 1767582000000, "b")))
    for threads, number in ((1, signal.SIGINT), (2, signal.SIGTERM), (8, signal.SIGINT)):
        p = subprocess.Popen([LINTEL, "hunt", "--no-default-rules", "--rules", rules, "--format", "ndjson", "--threads", str(threads)] + [big] * 300,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        p.stdout.readline()
        p.send_signal(number)
        out, err = p.communicate(timeout=30)
        assert p.returncode == 0 and "stopped after " in err, (threads, p.returncode, err[-500:])
with case("a reader that goes away ends it"):
    for threads in (1, 8):
        p = subprocess.run("%s hunt --no-default-rules --rules %s --threads %d --format ndjson %s | head -1" %
                           (LINTEL, rules, threads, " ".join([big] * 50)), shell=True, capture_output=True, text=True, timeout=60)
        assert len(p.stdout.splitlines()) == 1 and "Sanitizer" not in p.stderr, p.stderr
with case("wrong numbers of threads are refused"):
    for wrong in ("0", "-1", "many", "257", ""):
        p = lintel("hunt", "--threads", wrong, big)
        assert p.returncode == 2 and "--threads" in p.err, (wrong, p.err)
with case("--config gives rules and what is about detection; flags win; none is read without it"):
    config = write("hunt.toml", '[rules]\ndefault = false\npaths = ["%s"]\n[watch]\ntolerance = 5\nstate_memory = 16\n' % rules)
    for extra, status, word in (([], 0, "9 rules from 9 files"), (["--rules", write("more.toml", RULE % ("more", 99, "eql", "eql", "any where true", ""))], 0, "10 rules"),
                                (["--tolerance", "x"], 2, "--tolerance")):
        p = lintel("hunt", "--config", config, *extra, write("one.ndjson", one_alert("one", 1000)))
        assert p.returncode == status and word in p.err, (extra, p.returncode, p.err)
    # Four seconds of disorder: too late by default, not with the file's five.
    late = write("late.ndjson", "".join(json.dumps({"@timestamp": t, "host": {"id": "h"}, "event": {"category": c, "sequence": t}, **more}) + "\n"
                                        for t, c, more in ((9000, "file", {"file": {"path": "/tmp/3"}}), (12000, "any", {}), (8000, "process", {"process": {"pid": 53}}))))
    p = run(late)
    assert "1 events with hits that came later" in p.err and "rule 0" not in p.out, p.err
    p = lintel("hunt", "--config", config, "--format", "ndjson", late)
    assert "nothing lost" in p.err and "rule 0" in p.out, p.err
    p = lintel("hunt", "--config", config, "--tolerance", "1", "--format", "ndjson", late)
    assert "1 events with hits that came later" in p.err, p.err
    for content, word in (("[rules]\npath = []\n", "known here: default, paths"), ("[rules\n", ":1:")):
        p = lintel("hunt", "--config", write("bad.toml", content), late)
        assert p.returncode == 2 and "bad.toml" in p.err and word in p.err, p.err
    p = lintel("hunt", "--config", path("none.toml"), late)
    assert p.returncode == 2 and "none.toml" in p.err, p.err
done()
