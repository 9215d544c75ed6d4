#!/usr/bin/env python3
"""Audit logs in `lintel hunt` and `lintel watch --audit-log`: rules fire on them, what is wrong with a
log is told, a log that grows is followed over its rotation."""
import gzip, json, os, re, shutil, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import LINTEL, TOP, Skip, case, done, lintel
from workdir import path, write

LOGS = os.path.join(TOP, "tests/conformance/audit")
PRELOAD = "Preload List of the Dynamic Linker Put in Place"

ANY = '''[rule]
name = "any"
description = "d"
rule_id = "22222222-0000-4000-8000-000000000001"
risk_score = 21
severity = "low"
type = "eql"
language = "eql"
max_signals = 1000000
query = "any where true"
'''
CHILD = ANY.replace('"any"', '"then"').replace("000000000001", "000000000002").replace(
    '"any where true"', "'''sequence by host.id with maxspan=1m\n"
    '[process where event.action == "fork"] by process.entity_id\n'
    '[network where event.action == "connection_attempted"] by process.entity_id\'\'\'')


def log(name):
    with open(os.path.join(LOGS, name), "rb") as f:
        return f.read()


def alerts(p):
    return [json.loads(line) for line in p.out.splitlines()]


def rule_names(p):
    return [a["rule"]["name"] for a in alerts(p)]


def hunt(*argv, **more):
    return lintel("hunt", "--format", "ndjson", *argv, **more)


any_rule, child_rule = write("any.toml", ANY), write("child.toml", CHILD)
only_any = ("--no-default-rules", "--rules", any_rule)


def exec_event(serial, pid=5000, ppid=4999, seconds=1767225600, node=""):
    head = lambda kind: ("%stype=%s msg=audit(%d.%03d:%d): " % (node, kind, seconds, serial % 1000, serial)).encode()
    return (head("SYSCALL") + b'arch=c000003e syscall=59 success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=1 ppid=%d '
            b'pid=%d auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm="true" '
            b'exe="/usr/bin/true" key=(null)\n' % (ppid, pid) +
            head("EXECVE") + b'argc=2 a0="true" a1="%d"\n' % serial +
            head("PATH") + b'item=0 name="/usr/bin/true" inode=1 dev=fd:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 '
            b'nametype=NORMAL\n' + head("PROCTITLE") + b'proctitle=74727565\n')


with case("a shipped rule fires on an audit log, raw, enriched and laurel's"):
    for name in ("enriched.log", "raw.log", "laurel.jsonl"):
        p = hunt(os.path.join(LOGS, name))
        assert p.returncode == 0 and rule_names(p) == [PRELOAD], (name, p.out, p.err)
        a = alerts(p)[0]
        assert a["file"]["path"] == "/etc/ld.so.preload" and a["process"]["name"] == "tee", a

with case("a sequence over processes that the log tells of"):
    p = hunt("--no-default-rules", "--rules", child_rule, os.path.join(LOGS, "enriched.log"))
    assert rule_names(p) == ["then"], p.out + p.err

with case("rules of Elastic's for auditd_manager and for Elastic Defend fire on the same log"):
    rules = os.path.join(TOP, "..", "shared/rules/elastic/rules/linux")
    if not os.path.isdir(rules):
        raise Skip("no ../shared")
    p = hunt("--no-default-rules", "--rules", rules, os.path.join(LOGS, "enriched.log"))
    names = set(rule_names(p))
    assert {"Dynamic Linker Creation", "Kernel Driver Load", "User or Group Creation/Modification"} <= names, names

with case("compressed, from standard input, and by --input-format"):
    gz = write("e.log.gz", gzip.compress(log("enriched.log")))
    for argv, stdin in (([gz], None), (["-"], log("enriched.log")), (["--input-format", "audit", "-"], log("raw.log")),
                        (["--input-format", "laurel", "-"], log("laurel.jsonl"))):
        p = hunt(*argv, stdin=stdin)
        assert rule_names(p) == [PRELOAD], (argv, p.out, p.err)
    p = hunt("--input-format", "auditd", "-", stdin=b"")
    assert p.returncode == 2 and "auto, ndjson, audit or laurel" in p.err, p.err
    p = hunt("--input-format", "ndjson", "-", stdin=log("raw.log"))
    assert not p.out and "not a JSON object" in p.err, p.err

with case("one, two and three threads give one answer"):
    big = b"".join(exec_event(n, pid=5000 + n % 300, ppid=4999 - n % 7, seconds=1767225600 + n // 1000)
                   for n in range(1, 6001))
    outs = [hunt(*only_any, "--threads", str(n), write("big.log", big)) for n in (1, 2, 3)]
    assert outs[0].out and all(p.out == outs[0].out for p in outs)
    assert len(alerts(outs[0])) == 6000, len(alerts(outs[0]))
    assert "nothing lost" not in outs[0].err or "companion" not in outs[0].err

with case("broken lines are told with file and line, and lose nothing around them"):
    one, two, three = exec_event(1), exec_event(2, pid=5002), exec_event(3, pid=5003)
    lines = two.splitlines(True)
    broken = write("broken.log", one + b"type=SYSCALL msg=audit(x:9): no\n" + lines[0] + b"rubbish\n" + lines[1] +
                   b"\0\0\0\0" + lines[2] + b"".join(lines[3:]) + three +
                   b"type=SYSCALL msg=audit(1767225600.004:4): arch=c000003e syscall=59 success=yes exit=0 pid=12")
    p = hunt(*only_any, broken)
    assert p.returncode == 0 and len(alerts(p)) == 3, p.out + p.err
    for number in (5, 7, 9):
        assert "broken.log:%d: not an audit record" % number in p.err, p.err
    assert re.search(r"broken\.log:\d+: last line is cut off: no newline", p.err), p.err
    assert "3 input lines that are not a JSON object" in p.err, p.err
    assert [a["process"]["args"] for a in alerts(p)] == [["true", "1"], ["true", "2"], ["true", "3"]]

with case("events that the log says were lost are counted"):
    text = exec_event(1) + (b"Jan  1 00:00:00 web1 kernel: audit: backlog limit exceeded\n"
                            b"Jan  1 00:00:00 web1 kernel: audit: audit_lost=7 audit_rate_limit=0 "
                            b"audit_backlog_limit=64\n"
                            b"Jan  1 00:00:01 web1 kernel: audit: audit_lost=9 audit_rate_limit=0 "
                            b"audit_backlog_limit=64\n") + exec_event(2)
    p = hunt(*only_any, "-", stdin=text)
    assert len(alerts(p)) == 2 and "9 audit events lost by the kernel or auditd" in p.err, p.err
    assert "not an audit record" not in p.err, p.err

with case("a directory with rotated logs is read whole, in order of time"):
    folder = path("audit")
    os.makedirs(folder)
    for number, name in ((1, "audit.log.2"), (2, "audit.log.1"), (3, "audit.log")):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(exec_event(number, seconds=1767225600 + number))
    p = hunt(*only_any, folder)
    assert [a["process"]["args"][1] for a in alerts(p)] == ["1", "2", "3"], p.out + p.err
    assert len({a["host"]["id"] for a in alerts(p)}) == 1

with case("hosts of one log are told apart"):
    text = exec_event(1, node="node=a ") + exec_event(1, node="node=b ")
    found = alerts(hunt(*only_any, "-", stdin=text))
    assert sorted(a["host"]["name"] for a in found) == ["a", "b"]
    assert len({a["process"]["entity_id"] for a in found}) == 2


class Watch:
    """A watch of a log, as it runs."""

    def __init__(self, log, state, *argv, stdin=None):
        self.out = tempfile.TemporaryFile()
        self.err = tempfile.TemporaryFile()
        self.process = subprocess.Popen([LINTEL, "watch", *only_any, "--format", "ndjson", "--state", state,
                                         "--audit-log", log, *argv], stdin=stdin, stdout=self.out, stderr=self.err)
        self.until(lambda: "watching" in self.errors())

    def text(self, file):
        return os.pread(file.fileno(), 1 << 24, 0).decode()

    def errors(self):
        return self.text(self.err)

    def args(self):
        return [json.loads(l)["process"]["args"][1] for l in self.text(self.out).splitlines()]

    def until(self, holds):
        for _ in range(1200):
            if holds() or self.process.poll() is not None:
                return
            time.sleep(0.05)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.errors()


def append(name, data):
    with open(name, "ab") as f:
        f.write(data)


with case("watch follows a log over rotation and truncation, and goes on where it left off"):
    followed, state = write("followed.log", exec_event(1)), path("state")
    now = int(time.time())
    w = Watch(followed, state)
    append(followed, exec_event(2, seconds=now))
    w.until(lambda: w.args() == ["2"])
    half = exec_event(3, seconds=now)
    append(followed, half[:200])
    os.rename(followed, followed + ".1")
    append(followed + ".1", half[200:])
    write("followed.log", exec_event(4, seconds=now + 1))
    w.until(lambda: w.args() == ["2", "3", "4"])
    w.end()
    assert w.args() == ["2", "3", "4"], (w.args(), w.errors())
    append(followed, exec_event(5, seconds=now + 1))
    os.rename(followed, followed + ".1")
    write("followed.log", exec_event(6, seconds=now + 2))
    w = Watch(followed, state)
    w.until(lambda: w.args() == ["5", "6"])
    os.truncate(followed, 0)
    w.until(lambda: "became shorter" in w.errors())
    append(followed, exec_event(7, seconds=now + 2))
    w.until(lambda: w.args() == ["5", "6", "7"])
    w.end()
    assert w.args() == ["5", "6", "7"], (w.args(), w.errors())
    assert "was gone, or shorter" in w.errors(), w.errors()

with case("watch knows parents from what was in the log before, and says so in the alert"):
    parent = exec_event(1, pid=6000, ppid=1).replace(b'exe="/usr/bin/true"', b'exe="/usr/bin/parent"').replace(
        b'name="/usr/bin/true"', b'name="/usr/bin/parent"')
    before = write("before.log", parent)
    w = Watch(before, path("state2"))
    append(before, exec_event(2, pid=6001, ppid=6000, seconds=int(time.time())))
    w.until(lambda: w.args() == ["2"])
    w.end()
    alert = json.loads(w.text(w.out))
    assert alert["process"]["parent"]["name"] == "parent", alert
    assert "/usr/bin/parent" in json.dumps(alert["lintel"]), alert["lintel"]

with case("watch reads standard input, as an audisp plugin gets it, to its end"):
    with open(write("stdin.log", exec_event(1) + exec_event(2)), "rb") as f:
        w = Watch("-", path("state3"), stdin=f)
        assert w.process.wait(60) == 0, w.errors()
    assert w.args() == ["1", "2"], w.errors()

with case("options that go with the sensor alone, and a log that is not there"):
    p = lintel("watch", "--audit-log", "x", "--root-pid", "1")
    assert p.returncode == 2 and "for the sensor" in p.err, p.err
    p = lintel("watch", *only_any, "--state", path("state4"), "--audit-log", path("none"))
    assert p.returncode == 1 and "No such file" in p.err, p.err

done()
