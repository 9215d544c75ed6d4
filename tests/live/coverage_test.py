#!/usr/bin/env python3
"""`lintel coverage` on a real kernel: its hooks are tried, and what a watch lost is told afterwards."""
from harness import *

need_root()


def rows(*argv):
    p = subprocess.run([LINTEL, "coverage", "--format", "ndjson", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, timeout=START_SECONDS)
    return p, [json.loads(line) for line in p.stdout.splitlines()]


def of(all, type):
    return [r for r in all if r["type"] == type]


with case("every hook of the sensor is tried; those of processes and files fire"):
    p, all = rows("--state", "/nonexistent")
    (source,) = of(all, "source")
    hooks = {h["name"]: h for h in of(all, "hook")}
    assert p.returncode == 0 and source["probed"], p.stderr
    for name in ("sched_process_fork", "sched_process_exec", "sched_process_exit", "sys_exit", "sys_exit: file calls"):
        assert hooks[name]["state"] == "fires", hooks[name]
    assert all[-1]["rules"]["total"] == all[-1]["rules"]["full"] > 0, all[-1]

with case("a kernel without BTF has no sensor; the report is of what audit logs would give"):
    p = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                        'mount -t tmpfs none /sys/kernel/btf && exec "$0" coverage --format ndjson --state /nonexistent',
                        LINTEL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=START_SECONDS)
    all = [json.loads(line) for line in p.stdout.splitlines()]
    (source,) = of(all, "source")
    assert p.returncode == 3 and source["source"] == "audit" and not source["btf"], (p.stdout[:500], p.stderr)
    assert "no BTF" in p.stderr and not of(all, "hook") and all[-1]["type"] == "summary", p.stderr

with case("a watch tells what it lost, and coverage when"):
    with Shell() as shell:
        # Longer than what the kernel side takes of an argument vector.
        state = shell.path("state")
        with Watch("--state", state, root_pid=shell.pid) as watch:
            shell.run("/bin/true $(seq 100000 103000)")
            events, _ = watch.finish(shell)
            p, all = rows("--no-probe", "--state", state, "--events", watch.events_path)
        (run,) = of(all, "watch")
        assert run["ended"] and run["events"] == len(events), (run, len(events))
        lost = {l["cause"]: l for l in of(all, "loss")}
        assert "ARGV_TRUNCATED" in lost, lost
        (range,) = lost["ARGV_TRUNCATED"]["ranges"]
        assert run["started"] <= range["from"] < range["to"] <= run["saved"], (run, range)
        stored = {s["what"]: s for s in of(all, "stored")}
        assert stored["events"]["first"][:19] == get(events[0], "@timestamp")[:19], stored
        assert stored["events"]["last"][:19] == get(events[-1], "@timestamp")[:19], stored

with case("the next watch says since when nobody watched"):
    with Shell() as shell:
        state = shell.path("state")
        for _ in (1, 2):
            with Watch("--state", state, root_pid=shell.pid) as watch:
                watch.stop()
        _, all = rows("--no-probe", "--state", state)
        (run,) = of(all, "watch")
        assert run["unwatched_since"] < run["started"] <= run["saved"], run

done()
