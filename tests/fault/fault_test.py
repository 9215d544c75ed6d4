#!/usr/bin/env python3
"""What goes wrong around `lintel watch`: it says so, counts what it cost, and goes on where it can."""
import os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
from harness import *
import re, resource, tempfile

need_root()

RULE = '''[rule]
name = "A file with %s in its name was made"
description = "d"
rule_id = "%s"
risk_score = 21
severity = "low"
type = "eql"
language = "eql"
query = """
file where event.action == "creation" and file.name : "*%s*"
"""
'''
RULE_ID = "00000000-0000-4000-8000-0000000000a1"


def rule_in(shell, word="fires"):
    """A directory with one good rule."""
    os.makedirs(shell.path("rules"), exist_ok=True)
    shell.write("rules/good.toml", RULE % (word, RULE_ID, word))
    return shell.path("rules")


def wait_for(condition, what):
    deadline = time.monotonic() + EVENT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "%s did not happen within %d s" % (what, EVENT_SECONDS)
        time.sleep(0.05)


def lines_of(path):
    with open(path, "rb") as f:
        return f.read().split(b"\n")


def counts(watch, cause):
    """The number of a cause in the summary, 0 when it is not there."""
    found = [line.split()[0] for line in watch.err.splitlines() if cause in line and line.startswith(" ")]
    assert len(found) <= 1, watch.err
    return int(found[0]) if found else 0


def refused(*argv):
    """`lintel watch` that is to end by itself."""
    state = tempfile.mkdtemp(prefix="lintel-fault-")
    try:
        p = subprocess.run([LINTEL, "watch", "--state", state, *argv], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=START_SECONDS)
    finally:
        shutil.rmtree(state)
    return p.returncode, p.stderr.decode("utf-8", "replace")


with case("kill -9: what was written stays whole, the next lintel takes over the same state"):
    with Shell() as shell:
        rules = rule_in(shell)
        state = shell.path("state")
        archive = os.path.join(state, "alerts.ndjson")
        with Watch("--state", state, root_pid=shell.pid, rules=[rules], default_rules=False) as watch:
            shell.run("for i in $(seq 50); do : > fires$i; done")
            watch.settle(shell)
            assert watch.stop(signal.SIGKILL) == -signal.SIGKILL
        rows = lines_of(archive)
        assert rows.pop() == b"" and len(rows) == 50, len(rows)
        with Watch("--state", state, root_pid=shell.pid, rules=[rules], default_rules=False) as watch:
            shell.run(": > fires-again")
            watch.finish(shell)
        rows = [json.loads(row) for row in lines_of(archive)[:-1]]
        assert len(rows) == 51 and get(rows[-1], "file.name") == "fires-again"
        assert len({get(row, "lintel.alert.id") for row in rows}) == 51

with case("two lintels in one state directory: the second says so and leaves the first alone"):
    with Shell() as shell:
        state = shell.path("state")
        with Watch("--state", state, root_pid=shell.pid) as watch:
            with Watch("--state", state, root_pid=shell.pid, wait=False) as second:
                second.process.wait(STOP_SECONDS)
                second.stop()
                assert second.status == 1 and "in use" in second.err, (second.status, second.err)
            shell.run(": > x")
            events, _ = watch.finish(shell)
        assert select(events, file__name="x")

with case("a full disk under --output: counted, said, and alerts go on when there is room again"):
    with Shell() as shell:
        rules = rule_in(shell)
        small = shell.path("small")
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=True)
        try:
            output = os.path.join(small, "alerts.ndjson")
            with Watch("--output", output, root_pid=shell.pid, rules=[rules], default_rules=False) as watch:
                shell.run(": > fires-first")
                watch.settle(shell)
                with open(os.path.join(small, "fill"), "wb", buffering=0) as fill:
                    try:
                        while True:
                            fill.write(b"x" * 1024)
                    except OSError:
                        pass
                # some into the rest of the file's last page, the others into nothing
                shell.run("for i in $(seq 20); do : > fires-full$i; done")
                watch.settle(shell)
                os.unlink(os.path.join(small, "fill"))
                shell.run(": > fires-last")
                watch.finish(shell)
                rows = lines_of(output)
                archived = lines_of(os.path.join(watch.dir, "state/alerts.ndjson"))
        finally:
            subprocess.run(["umount", small], check=True)
        assert rows.pop() == b"", "the last line has no end"
        # A write that found half the room it needed leaves half a line, but ended: the next is whole.
        names = []
        for row in rows:
            try:
                names.append(get(json.loads(row), "file.name"))
            except ValueError:
                assert row.startswith(b'{"@timestamp"') and rows.index(row) < len(rows) - 1, row[-200:]
        assert names[0] == "fires-first" and names[-1] == "fires-last" and len(names) < 22, names
        assert len(archived) == 22 + 1, "the archive, on another disk, has all: %d" % len(archived)
        counted = counts(watch, "could not be written")
        assert counted == 22 - len(names), (counted, names, watch.err)
        assert "No space left" in watch.err, watch.err

with case("a full disk under --events: counted, alerts are not touched"):
    with Shell() as shell:
        with Watch("--events", "/dev/full", root_pid=shell.pid, rules=[rule_in(shell)], default_rules=False,
                   events=False) as watch:
            shell.run(": > fires1; : > fires2")
            wait_for(lambda: len(watch.alerts()) == 2, "the second alert")
            assert watch.stop() == 0
            assert "could not be written" in watch.err and "No space left" in watch.err, watch.err

with case("nobody reads stdout any more: lintel lives, counts, and keeps its archive"):
    with Shell() as shell:
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as out, \
                Watch(root_pid=shell.pid, rules=[rule_in(shell)], default_rules=False, stdout=out) as watch:
            out.close()
            os.close(reader)
            shell.run(": > fires1; : > fires2")
            watch.settle(shell)
            assert watch.stop() == 0, (watch.status, watch.err)
            assert "could not be written" in watch.err, watch.err
            assert len(lines_of(os.path.join(watch.dir, "state/alerts.ndjson"))) == 3

with case("ulimit -n 16: says what it needs, does not hang or crash"):
    with Watch(wait=False, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))) as watch:
        watch.process.wait(START_SECONDS)
        watch.stop()
        assert watch.status in (1, 3) and "descriptors" in watch.err, (watch.status, watch.err)

with case("not root: exit status 3, and the words that help, wherever its state is to be"):
    own = "/tmp/lintel-nobody-%d" % os.getpid()
    for state in ([], ["--state", own], ["--state", "/root/lintel-none"]):
        argv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", LINTEL,
                "watch", *state]
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=START_SECONDS, cwd="/")
        shutil.rmtree(own, ignore_errors=True)
        assert p.returncode == 3 and b"needs root" in p.stderr, (state, p.returncode, p.stderr)

with case("a kernel without BTF: exit status 3, and the way out"):
    # An empty directory over /sys/kernel/btf, in a mount namespace of the test's own.
    with tempfile.TemporaryDirectory() as state:
        argv = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$0" watch --state "$1"', LINTEL, state]
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=START_SECONDS)
    assert p.returncode == 3 and b"no BTF" in p.stderr and b"watching" not in p.stderr, (p.returncode, p.stderr)

with case("garbage as --config: exit status 2, with file and line"):
    with Shell() as shell:
        for name, content in (("noise.toml", bytes(range(256)) * 40), ("key.toml", b"[watch]\nno_such_key = 1\n"),
                              ("type.toml", b"[process]\nmax = \"many\"\n"), ("open.toml", b"[watch\n")):
            path = shell.write(name, content)
            status, err = refused("--config", path)
            assert status == 2 and path + ":" in err, (name, status, err[:500])
            assert len(err) < 20000, "%d bytes of complaint" % len(err)
        status, err = refused("--config", shell.path("none.toml"))
        assert status == 2 and "none.toml" in err, (status, err)

with case("broken rule files beside a good one: named, and the good one works"):
    with Shell() as shell:
        rules = rule_in(shell)
        shell.write("rules/noise.toml", bytes(range(256)) * 100)
        shell.write("rules/syntax.toml", (RULE % ("x", RULE_ID.replace("a1", "a2"), "x")).replace("file where", "file wehre"))
        os.symlink("/nonexistent", shell.path("rules/dangling.toml"))
        os.mkfifo(shell.path("rules/fifo.toml"))
        os.mkdir(shell.path("rules/directory.toml"))
        with Watch(root_pid=shell.pid, rules=[rules], default_rules=False) as watch:
            shell.run(": > fires")
            _, alerts = watch.finish(shell)
        assert [get(a, "file.name") for a in alerts] == ["fires"], alerts
        for name in ("noise.toml", "syntax.toml", "dangling.toml"):
            assert name in watch.err, "%s is not named in:\n%s" % (name, watch.err)

with case("no usable rule at all: says so instead of watching for nothing"):
    with Shell() as shell:
        status, err = refused("--no-default-rules", "--rules", shell.write("bad.toml", "[rule]\n"))
        assert status in (1, 2) and "bad.toml" in err and "no rule" in err, (status, err)

with case("--root-pid of a process that is not there"):
    status, err = refused("--root-pid", "4194301")
    assert status == 1 and "4194301" in err, (status, err)

with case("SIGINT and --duration end it as SIGTERM does, with a summary"):
    with Shell() as shell:
        with Watch(root_pid=shell.pid) as watch:
            assert watch.stop(signal.SIGINT) == 0 and " events, " in watch.err, watch.err
        with Watch("--duration", "1", root_pid=shell.pid) as watch:
            assert watch.process.wait(STOP_SECONDS) == 0
            watch.stop()
            assert " events, " in watch.err, watch.err

with case("stopped through a burst: what the ring could not hold is counted to the last record"):
    with Shell() as shell:
        config = shell.write("c.toml", "[watch]\nring_megabytes = 1\n")
        rounds = 4000
        with Watch("--config", config, root_pid=shell.pid) as watch:
            watch.process.send_signal(signal.SIGSTOP)
            # by builtins alone: the creation and the first write of each
            shell.run("i=0; while [ $i -lt %d ]; do echo x > f$i; i=$((i+1)); done" % rounds)
            watch.process.send_signal(signal.SIGCONT)
            time.sleep(0.5)
            events, _ = watch.finish(shell)
        lost = counts(watch, "ring buffer full") + counts(watch, "held back")
        seen = len([e for e in events if re.fullmatch(r"f\d+", get(e, "file.name") or "")])
        assert lost and seen < 2 * rounds, (lost, seen)
        assert seen + lost == 2 * rounds, "%d seen, %d lost, %d done" % (seen, lost, 2 * rounds)

with case("a burst of short processes: none is missing, and none lacks its image"):
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.run("i=0; while [ $i -lt 1000 ]; do /bin/true $i; i=$((i+1)); done")
        events, _ = watch.finish(shell)
        assert "nothing lost" in watch.err, watch.err
    runs = select(events, event__action="exec", process__name="true")
    assert [int(get(e, "process.args")[1]) for e in runs] == list(range(1000)), len(runs)
    ends = select(events, event__action="end", process__name="true")
    assert len(ends) == 1000, len(ends)

SEQUENCE = '''[rule]
name = "a, then b"
description = "d"
rule_id = "00000000-0000-4000-8000-0000000000a2"
risk_score = 21
severity = "low"
type = "eql"
query = """
sequence by host.id [any where event.action == "a"] [any where event.action == "b"]
"""
'''


def hunt_in(shell, *inputs):
    return [LINTEL, "hunt", "--format", "ndjson", "--no-default-rules", "--rules", shell.path("rules"), "--state",
            shell.path("state"), *inputs]


def stored(shell, name, rows):
    return shell.write(name, "".join('{"id":"%s","@timestamp":%d,"event":{"action":"%s"},"host":{"id":"%s"}}\n' % row for row in rows))


with case("kill -9 of a hunt with --state: the state is the last one saved whole, and the next run goes on from it"):
    with Shell() as shell:
        os.makedirs(shell.path("rules"))
        shell.write("rules/sequence.toml", SEQUENCE)
        state = shell.path("state/detector.ndjson")
        first = stored(shell, "first.ndjson", [("a1", 1000, "a", "h1"), ("a2", 1000, "a", "h2")])
        p = subprocess.run(hunt_in(shell, first), capture_output=True, timeout=COMMAND_SECONDS)
        assert p.returncode == 0 and not p.stdout, p.stderr
        with open(state, "rb") as f:
            saved = f.read()
        # killed while it reads a stream that has completed one of the two
        with subprocess.Popen(hunt_in(shell, "--tolerance", "0", "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as p:
            p.stdin.write(b'{"id":"b1","@timestamp":2000,"event":{"action":"b"},"host":{"id":"h1"}}\n'
                          b'{"id":"x","@timestamp":9000,"event":{"action":"b"},"host":{"id":"h9"}}\n')
            p.stdin.flush()
            p.kill()
            p.wait(STOP_SECONDS)
        with open(state, "rb") as f:
            assert f.read() == saved
        # as if it had been killed while it saved
        shell.write("state/detector.ndjson.new", saved[:len(saved) // 2])
        second = stored(shell, "second.ndjson", [("b1", 2000, "b", "h1"), ("b2", 3000, "b", "h2")])
        p = subprocess.run(hunt_in(shell, second), capture_output=True, timeout=COMMAND_SECONDS)
        assert p.returncode == 0 and b"nothing lost" in p.stderr, p.stderr
        alerts = [json.loads(line) for line in p.stdout.splitlines()]
        assert [[e["id"] for e in get(a, "lintel.alert.events")] for a in alerts] == [["a1", "b1"], ["a2", "b2"]]
        assert not os.path.exists(state + ".new")

with case("a state directory that is full: said, counted, the alerts come all the same"):
    with Shell() as shell:
        os.makedirs(shell.path("rules"))
        shell.write("rules/sequence.toml", SEQUENCE)
        os.mkdir(shell.path("state"), 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "none", shell.path("state")], check=True)
        try:
            rows = [("a%d" % i, 1000, "a", "h%d" % i) for i in range(1000)] + [("b7", 2000, "b", "h7")]
            p = subprocess.run(hunt_in(shell, stored(shell, "many.ndjson", rows)), capture_output=True, timeout=COMMAND_SECONDS)
            left = os.listdir(shell.path("state"))
        finally:
            subprocess.run(["umount", shell.path("state")], check=True)
        assert p.returncode == 1 and b"No space left" in p.stderr and b"1 times that state could not be saved" in p.stderr, p.stderr
        assert p.stdout.count(b"\n") == 1 and left == ["lock"], (p.stdout, left)

done()
