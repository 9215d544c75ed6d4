#!/usr/bin/env python3
"""Changes of the dynamic linker's configuration, in a private overlay of /etc: Elastic's rule fires where
its query says (creation), lintel's own rules on every kind of change, nothing on reading."""
from harness import *

need_root()

# What is done, and what the event must say. Commands run below an overlay on /etc.
STEPS = [
    ("create", "echo /x > /etc/ld.so.conf.d/x.conf", "creation", "/etc/ld.so.conf.d/x.conf"),
    ("append", "echo /y >> /etc/ld.so.conf.d/x.conf", "modification", "/etc/ld.so.conf.d/x.conf"),
    ("rename onto", "echo /z > /etc/z; mv /etc/z /etc/ld.so.conf.d/x.conf", "rename", "/etc/ld.so.conf.d/x.conf"),
    ("hard link", "echo /h > /etc/h; ln /etc/h /etc/ld.so.conf.d/hard.conf", "creation", "/etc/ld.so.conf.d/hard.conf"),
    ("symbolic link", "ln -s /tmp/s /etc/ld.so.conf.d/soft.conf", "creation", "/etc/ld.so.conf.d/soft.conf"),
    ("chmod", "chmod 666 /etc/ld.so.conf", "modification", "/etc/ld.so.conf"),
    ("unlink", "rm /etc/ld.so.conf.d/x.conf", "deletion", "/etc/ld.so.conf.d/x.conf"),
    # A blank line names no library: nothing that runs here is changed by it.
    ("preload", "echo > /etc/ld.so.preload", "creation", "/etc/ld.so.preload"),
]
OVERLAY = ("mkdir -p o && mount -t tmpfs none o && mkdir o/up o/work && "
           "mount -t overlay overlay -o lowerdir=/etc,upperdir=o/up,workdir=o/work /etc")

events, alerts = [], []
rule = elastic_rule()


def watch_it():
    global events, alerts
    with Shell() as shell, Watch(root_pid=shell.pid, rules=[rule] if rule else []) as watch:
        shell.run(OVERLAY)
        shell.run("cat /etc/ld.so.conf /etc/ld.so.conf.d/*.conf; ls -l /etc/ld.so.conf.d")
        for _, command, _, _ in STEPS:
            shell.run(command)
        events, alerts = watch.finish(shell)


with case("lintel watches while an overlay on /etc is changed, and ends cleanly"):
    watch_it()

for name, _, action, path in STEPS:
    with case("%s: the event has action and path as the process sees them" % name):
        assert select(events, event__action=action, file__path=path), [
            (get(e, "event.action"), get(e, "file.path")) for e in events if get(e, "file.path")]
    with case("%s: lintel's own rules fire" % name):
        assert "ours" in by_rule(alerts).get((action, path), ()), by_rule(alerts)
    with case("%s: Elastic's rule %s" % (name, "fires" if action == "creation" else "does not fire")):
        if not rule:
            raise Skip("the shared rules are not beside the repository")
        fired = "elastic" in by_rule(alerts).get((action, path), ())
        assert fired == (action == "creation"), by_rule(alerts)

with case("nothing else raised an alert"):
    wanted = {(action, path) for _, _, action, path in STEPS}
    # what the shell writes into the file that it has just made
    wanted.add(("modification", "/etc/ld.so.preload"))
    extra = set(by_rule(alerts)) - wanted
    assert not extra, extra

with case("each change is one event, seen by both witnesses or one, never twice"):
    for _, _, action, path in STEPS:
        # creating with > also writes: that one is a modification of its own
        found = select(events, event__action=action, file__path=path)
        assert len(found) <= (2 if action == "modification" else 1), found

with case("rename keeps the old name, a link the other one"):
    renamed = only(events, event__action="rename", file__path="/etc/ld.so.conf.d/x.conf")
    check(renamed, file__Ext__original__path="/etc/z", file__Ext__original__name="z")
    hard = only(events, event__action="creation", file__path="/etc/ld.so.conf.d/hard.conf")
    check(hard, file__Ext__original__path="/etc/h")
    soft = only(events, event__action="creation", file__path="/etc/ld.so.conf.d/soft.conf")
    check(soft, file__target_path="/tmp/s")

with case("owner, mode, size, name, extension of the created file"):
    created = only(events, event__action="creation", file__path="/etc/ld.so.conf.d/x.conf")
    check(created, file__name="x.conf", file__extension="conf", file__directory="/etc/ld.so.conf.d",
          file__owner="root", file__uid="0", file__group="root", file__gid="0", file__mode="0644",
          event__category="file", event__type="creation", event__kind="event", host__os__type="linux",
          user__name="root", process__name="bash")

with case("an alert is one document with rule, threat, events and ancestors"):
    alert = [a for a in alerts if get(a, "rule.id") != ELASTIC_ID][0]
    for field in ("rule.id", "rule.name", "threat", "lintel.alert.severity", "lintel.alert.risk_score",
                  "lintel.alert.id", "lintel.alert.events", "host.id", "process.entity_id", "@timestamp"):
        assert get(alert, field) is not None, "%s is missing: %s" % (field, json.dumps(alert))
    assert len({get(a, "lintel.alert.id") for a in alerts}) == len(alerts)
    assert "T1574.006" in json.dumps(get(alert, "threat"))

with case("in /etc of the host nothing has happened"):
    assert not os.path.exists("/etc/ld.so.preload") and not os.path.exists("/etc/ld.so.conf.d/x.conf")

done()
