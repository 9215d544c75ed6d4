#!/usr/bin/env python3
"""A reader that is stopped while the host goes on: kinds of events go in the stated order, files first
and starts of processes last; what is lost is counted exactly, is an event, and raises an alert."""
import re

from harness import *

need_root()

FILES, PROCESSES, AGAIN = 4000, 300, 1
events, alerts, said = [], [], ""


def count(text, name):
    match = re.search(r"^\s*(\d+) " + re.escape(name), text, re.M)
    return int(match.group(1)) if match else 0


def watch_it():
    global events, alerts, said
    with Shell() as shell:
        config = shell.write("lintel.toml", "[watch]\nring_megabytes = 1\n")
        with Watch("--config", config, root_pid=shell.pid, rules=[os.path.join(TOP, "rules")]) as watch:
            shell.run("mkdir w; cd w; echo before > before")
            watch.settle(shell)
            os.kill(watch.process.pid, signal.SIGSTOP)
            try:
                # a loop of the shell itself: one creation and one modification each, no process
                shell.run("for n in $(seq %d); do echo x > file$n; done" % FILES)
                shell.run("for n in $(seq %d); do /bin/true; done" % PROCESSES)
            finally:
                os.kill(watch.process.pid, signal.SIGCONT)
            time.sleep(3)
            shell.run("echo after > after")
            events, alerts = watch.finish(shell)
            said = watch.err


with case("a reader stopped for a while goes on with what came then and later"):
    watch_it()
    assert select(events, event__action="creation", file__name="before")
    assert select(events, event__action="creation", file__name="after")

with case("file events were held back, and all that happened is reported or counted"):
    creations = len([e for e in select(events, event__action="creation") if re.fullmatch(r"file\d+", get(e, "file.name"))])
    changes = len([e for e in select(events, event__action="modification") if re.fullmatch(r"file\d+", get(e, "file.name"))])
    shed, full = count(said, "kernel records held back"), count(said, "kernel records lost: ring buffer full")
    assert shed > 0 and full == 0, said
    # seq's own file work is none; bash makes one creation and one modification of each file
    assert creations + changes + shed >= 2 * FILES, (creations, changes, shed)
    assert creations + changes + shed <= 2 * FILES + 50, (creations, changes, shed)

with case("no start of a process was"):
    execs = [e for e in select(events, event__action="exec") if get(e, "process.executable") == "/bin/true"]
    assert len(execs) == PROCESSES, len(execs)

with case("the loss is an event with cause, kind, number and time"):
    lost = select(events, event__action="events_lost", lintel__loss__cause="RING_SHED")
    assert lost, said
    assert sum(get(e, "lintel.loss.count") for e in lost) == count(said, "kernel records held back"), lost
    for event in lost:
        assert "file" in get(event, "lintel.loss.kind"), event
        assert "exec" not in get(event, "lintel.loss.kind"), event
        assert get(event, "event.start") <= get(event, "event.end"), event
        assert get(event, "process.pid") is None, event

with case("and raises an alert"):
    assert [a for a in alerts if get(a, "kibana.alert.rule.name") == "Blind Spot: Events Were Lost" or
            get(a, "rule.name") == "Blind Spot: Events Were Lost"], alerts

done()
