#!/usr/bin/env python3
"""Processes older than lintel are known, under the same ids whoever saw them first; the stream of events
is whole and in order."""
import datetime
from harness import *

need_root()

entity = {}

with case("no event in the tree has an unknown parent, also of processes older than lintel"):
    with Shell() as shell:
        shell.run("/bin/sh -c 'while [ ! -e stop ]; do sleep 0.1; done; : > old-was-here; true' &")
        with Watch(root_pid=shell.pid) as watch:
            shell.run(": > stop; /bin/sh -c '/bin/true; true'; sleep 0.5")
            events, _ = watch.finish(shell)
        for event in events:
            assert get(event, "process.parent.entity_id") and get(event, "process.parent.name") and \
                get(event, "process.parent.executable"), event["process"]
            assert get(event, "process.name") and get(event, "process.executable"), event["process"]
            assert not any("process" in i for i in get(event, "lintel.incomplete") or []), event["lintel"]
        old = only(events, event__action="creation", file__name="old-was-here")
        check(old, process__name="dash" if get(old, "process.name") == "dash" else "sh",
              process__parent__pid=shell.pid, process__parent__name="bash")
        assert get(old, "process.args")[1] == "-c" and get(old, "process.working_directory") == shell.dir
        assert get(old, "process.session_leader.pid") == shell.pid

with case("ancestors of an alert reach pid 1"):
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.run("mkdir -p o && mount -t tmpfs none o && mkdir o/up o/work && mount -t overlay overlay "
                  "-o lowerdir=/etc,upperdir=o/up,workdir=o/work /etc")
        shell.run("/bin/sh -c 'echo /x > /etc/ld.so.conf.d/x.conf; true'")
        _, alerts = watch.finish(shell)
    assert alerts
    line = get(alerts[0], "lintel.alert.ancestors")
    assert [a["pid"] for a in line][-1] == 1, line
    assert line[0]["name"] == "sh" and line[1]["pid"] == shell.pid and os.getpid() in [a["pid"] for a in line]
    for ancestor in line:
        assert ancestor["entity_id"] and ancestor["name"] and ancestor["start"] and ancestor["user"]["id"], ancestor

with case("the entity id of a process is the same seen by its fork, by the iterator, and by another lintel"):
    with Shell() as shell:
        # this one is older than both lintels, the other is seen starting by the first
        shell.run("/bin/sh -c 'while [ ! -e stop ]; do sleep 0.2; done; true' & first=$!")
        first = int(shell.run("echo $first"))
        with Watch(root_pid=shell.pid) as watch:
            shell.run("/bin/sh -c 'while [ ! -e stop ]; do sleep 0.2; done; true' & second=$!")
            second = int(shell.run("echo $second"))
            time.sleep(0.5)
            before, _ = watch.finish(shell)
        with Watch(root_pid=shell.pid) as watch:
            time.sleep(0.5)
            shell.run(": > stop; wait")
            after, _ = watch.finish(shell)
    for pid in (first, second):
        def ids(events):
            return {get(e, "process.entity_id") for e in events if get(e, "process.pid") == pid} | \
                {get(e, "process.parent.entity_id") for e in events if get(e, "process.parent.pid") == pid}
        assert len(ids(before)) == 1 and ids(before) == ids(after), (pid, ids(before), ids(after))
    shells = {get(e, "process.session_leader.entity_id") for e in before + after
              if get(e, "process.session_leader.pid") == shell.pid}
    assert len(shells) == 1, shells

with case("a busy stream: every line is JSON, sequence rises, no id twice, nothing is lost"):
    rounds = 150
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.run("for i in $(seq %d); do (/bin/true $i; echo $i > f$i; mv f$i g$i; rm g$i) & done; wait" % rounds)
        events, _ = watch.finish(shell)
        assert "nothing lost" in watch.err, watch.err
    sequence = [get(e, "event.sequence") for e in events]
    assert all(a < b for a, b in zip(sequence, sequence[1:])), "sequence does not rise strictly"
    ids = [get(e, "event.id") for e in events]
    assert len(set(ids)) == len(ids), "%d ids of %d events" % (len(set(ids)), len(ids))
    times = [get(e, "@timestamp") for e in events]
    assert all(times)
    for i in (1, rounds // 2, rounds):
        check(only(events, event__action="creation", file__name="f%d" % i), process__name="bash")
        check(only(events, event__action="rename", file__name="g%d" % i), file__Ext__original__name="f%d" % i)
        only(events, event__action="deletion", file__name="g%d" % i)
    runs = [e for e in select(events, event__action="exec", process__name="true")]
    assert sorted(int(get(e, "process.args")[1]) for e in runs) == list(range(1, rounds + 1))

with case("every exec and end has its fork, under one entity id"):
    forked = {get(e, "process.entity_id") for e in select(events, event__action="fork")}
    ended = [get(e, "process.entity_id") for e in select(events, event__action="end")]
    for event in select(events, event__action="exec"):
        assert get(event, "process.entity_id") in forked, event["process"]
    assert len(ended) == len(set(ended)) and set(ended) <= forked, len(ended)
    assert len(forked - set(ended)) <= 1, "forks without an end: %d" % len(forked - set(ended))

with case("time stamps are the host's also when lintel runs in a time namespace"):
    shifted = ["unshare", "--time", "--boottime", "86400", "--monotonic", "86400"]
    if subprocess.run([*shifted, "true"], stderr=subprocess.DEVNULL).returncode or \
            subprocess.run([*shifted, "cut", "-d.", "-f1", "/proc/uptime"], capture_output=True).stdout == \
            subprocess.run(["cut", "-d.", "-f1", "/proc/uptime"], capture_output=True).stdout:
        raise Skip("no time namespace by exec on this kernel")
    with Shell() as shell, Watch(root_pid=shell.pid, prefix=shifted) as watch:
        shell.run("echo x > timed")
        events, _ = watch.finish(shell)
    made = only(events, event__action="creation", file__name="timed")
    when = datetime.datetime.fromisoformat(get(made, "@timestamp")[:19] + "+00:00").timestamp()
    assert abs(when - time.time()) < 600, get(made, "@timestamp")

with case("--root-pid: what other processes do is not reported"):
    with Shell() as shell, Shell() as other, Watch(root_pid=shell.pid) as watch:
        other.run("echo x > elsewhere; /bin/true")
        shell.run("echo x > here")
        events, _ = watch.finish(shell)
    assert select(events, file__name="here") and not select(events, file__name="elsewhere")
    assert not [e for e in events if get(e, "process.pid") == other.pid]

with case("--cgroup: only what runs in it or below"):
    base = next((d for d in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup")
                 if os.path.exists(os.path.join(d, "cgroup.procs"))), None)
    group = os.path.join(base or "/", "lintel-test-%d" % os.getpid())
    if not base:
        raise Skip("no cgroup file system is mounted")
    try:
        os.makedirs(os.path.join(group, "below"))
    except OSError as why:
        raise Skip("cannot make a cgroup: %s" % why)
    try:
        with Shell() as shell, Watch(cgroup=group) as watch:
            shell.run("echo x > outside")
            shell.run("/bin/sh -c 'echo $$ > %s/below/cgroup.procs; echo x > inside; true'" % group)
            shell.run("sleep 1")
            events, _ = watch.finish()
    finally:
        os.rmdir(os.path.join(group, "below"))
        os.rmdir(group)
    assert select(events, event__action="creation", file__name="inside"), [get(e, "file.path") for e in events]
    assert not select(events, file__name="outside")

done()
