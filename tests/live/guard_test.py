#!/usr/bin/env python3
"""lintel's own protection: what a watch gives up, and that attempts on it are alerts."""
import pwd
from harness import *

need_root()

TRY = os.path.join(TOP, "build/tests/live/guard_try")
SIGNAL = "Signal Sent to lintel"
CHANGED = "File of lintel Changed by Another Process"
TRACED = "lintel Traced or Its Memory Accessed"
ENDED = "lintel Ended Without Its Own Shutdown"
# CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE; CAP_BPF on kernels before 5.19
KEPT = {2, 19, 39}
# Debian has it on every system, and nothing of its own belongs to it.
USER = "daemon"


def status_of(watch):
    with open("/proc/%d/status" % watch.process.pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def capabilities(text):
    return {n for n in range(64) if int(text, 16) >> n & 1}


def watch_in(shell, *argv, **more):
    return Watch("--state", shell.path("state"), *argv, root_pid=shell.pid, **more)


def named(alerts, name):
    return [a for a in alerts if get(a, "rule.name") == name]


def run_try(*argv):
    p = subprocess.run([TRY, *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert p.returncode == 0 and "\nnot ok" not in "\n" + p.stdout and "1.." in p.stdout, p.stdout + p.stderr
    return p.stdout, p.stderr


with case("the sandbox holds: capabilities, no_new_privs, list of system calls"):
    with Shell() as shell, watch_in(shell) as watch:
        status = status_of(watch)
        assert capabilities(status["CapEff"]) <= KEPT, status["CapEff"]
        assert capabilities(status["CapPrm"]) <= KEPT and not capabilities(status["CapAmb"])
        assert not capabilities(status["CapBnd"]), status["CapBnd"]
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        assert "sandbox: user root" in watch.err, watch.err
        # a mount namespace and root that came later are still looked into
        shell.run("mkdir -p new/etc; unshare --mount sh -c "
                  "'mount -t tmpfs none new && mkdir new/etc && echo x > new/etc/in-namespace'")
        events, _ = watch.finish(shell)
        assert select(events, file__name="in-namespace"), "the file in the new mount namespace is not among the events"
        assert "was refused" not in watch.err, watch.err

with case("signals from others are alerts, with who sent them; what the harness sends from outside is not"):
    with Shell() as shell, watch_in(shell) as watch:
        pid = watch.process.pid
        shell.run("kill -STOP %d; kill -CONT %d" % (pid, pid))
        _, alerts = watch.finish(shell)
    found = named(alerts, SIGNAL)
    assert [get(a, "lintel.alert.events")[0]["lintel"]["signal"]["name"] for a in found] == ["SIGSTOP", "SIGCONT"], found
    check(get(found[0], "lintel.alert.events")[0], process__pid=shell.pid, Target__process__pid=pid,
          Target__process__name="lintel", lintel__self__target="process")

TRACE = """
import ctypes, os, sys
pid, other = int(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
for victim in (other, pid):
    assert libc.ptrace(0x4206, victim, None, None) == 0, ctypes.get_errno()  # PTRACE_SEIZE
    os.close(os.open("/proc/%d/mem" % victim, os.O_RDWR))
"""

with case("tracing it and opening its memory are alerts; the same done to another process is not"):
    with Shell() as shell, watch_in(shell) as watch:
        pid = watch.process.pid
        shell.write("trace.py", TRACE)
        shell.run("sleep 60 & other=$!; python3 trace.py %d $other; kill $other" % pid)
        _, alerts = watch.finish(shell)
    found = [get(a, "lintel.alert.events")[0] for a in named(alerts, TRACED)]
    assert [one_of(e["event"]["action"]) for e in found] == ["ptrace", "proc_mem_open"], found
    for event in found:
        check(event, Target__process__pid=pid, lintel__self__target="process")

with case("SIGTERM from another process ends it in order, and is an alert"):
    with Shell() as shell, watch_in(shell) as watch:
        shell.run("kill -TERM %d" % watch.process.pid)
        assert watch.process.wait(STOP_SECONDS) == 0
        assert len(named(watch.alerts(), SIGNAL)) == 1, watch.alerts()
        assert not os.path.exists(shell.path("state/run.json"))

with case("its files changed, renamed, removed are alerts"):
    with Shell() as shell, watch_in(shell, events=False) as watch:
        shell.run("echo x >> state/alerts.ndjson; rm state/run.json; mv state/lock state/key; mv state gone; mv gone state")
        deadline = time.monotonic() + EVENT_SECONDS
        while len(named(watch.alerts(), CHANGED)) < 5 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert watch.stop() == 0, watch.err
        found = [get(a, "lintel.alert.events")[0] for a in named(watch.alerts(), CHANGED)]
    assert {e["lintel"]["self"]["target"] for e in found} == {"state"}, found
    assert [(one_of(e["event"]["action"]), e["file"]["name"]) for e in found] == [
        ("modification", "alerts.ndjson"), ("deletion", "run.json"), ("rename", "key"), ("rename", "gone"),
        ("rename", "state")], found

with case("killed: the next start says since when nobody watched; after an orderly end it says nothing"):
    with Shell() as shell:
        with watch_in(shell) as watch:
            pid = watch.process.pid
            with open(shell.path("state/run.json")) as f:
                assert json.load(f)["pid"] == pid
            watch.process.kill()
            watch.process.wait()
        with watch_in(shell) as watch:
            _, alerts = watch.finish(shell)
        found = named(alerts, ENDED)
        assert len(found) == 1, alerts
        event = get(found[0], "lintel.alert.events")[0]
        check(event, Target__process__pid=pid, lintel__self__same_boot=True)
        assert event["event"]["start"] < event["event"]["end"], event
        with watch_in(shell) as watch:
            _, alerts = watch.finish(shell)
        assert not named(alerts, ENDED), alerts
        shell.write("state/run.json", "{garbage")
        with watch_in(shell) as watch:
            _, alerts = watch.finish(shell)
        assert len(named(alerts, ENDED)) == 1 and "cannot be understood" in watch.err, (alerts, watch.err)

with case("as another user: state is written as it, alerts come"):
    user = pwd.getpwnam(USER)
    with Shell() as shell, watch_in(shell, "--user", USER) as watch:
        status = status_of(watch)
        assert status["Uid"].split() == [str(user.pw_uid)] * 4 and status["Gid"].split() == [str(user.pw_gid)] * 4
        assert capabilities(status["CapEff"]) <= KEPT and status["Groups"].split() == [], status
        assert os.stat(shell.path("state/run.json")).st_uid == user.pw_uid
        shell.run("kill -CONT %d" % watch.process.pid)
        _, alerts = watch.finish(shell)
        assert named(alerts, SIGNAL), alerts
        assert "was refused" not in watch.err, watch.err

with case("a user that is not there, a state directory of somebody else: refused with the way out"):
    with Shell() as shell:
        with watch_in(shell, "--user", "nobody-here", wait=False) as watch:
            assert watch.process.wait(START_SECONDS) != 0
            watch._reader.join(STOP_SECONDS)
            assert "user 'nobody-here': there is none" in watch.err and "useradd" in watch.err, watch.err
        os.mkdir(shell.path("state"), 0o755)
        with watch_in(shell, "--user", USER, wait=False) as watch:
            assert watch.process.wait(START_SECONDS) != 0
            watch._reader.join(STOP_SECONDS)
            assert "state directory" in watch.err, watch.err

with case("--no-sandbox keeps all, with a warning"):
    with Shell() as shell, watch_in(shell, "--no-sandbox") as watch:
        assert status_of(watch)["Seccomp"] == "0" and "warning: sandbox: none" in watch.err, watch.err

for mode, user in (("sensor", None), ("sensor", USER), ("audit", None), ("audit", USER)):
    with case("what works and what not in the sandbox: %s, %s" % (mode, user or "root")):
        with Shell() as shell:
            os.mkdir(shell.path("state"), 0o700)
            os.mkdir(shell.path("state-other"), 0o755)
            if user:
                os.chown(shell.path("state"), pwd.getpwnam(user).pw_uid, -1)
            out, err = run_try(mode, shell.path("state"), *([user] if user else []))
            assert "the system call execve" in err and "the system call prctl" not in err, err

done()
