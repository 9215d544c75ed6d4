#!/usr/bin/env python3
"""Paths that are hard to tell: deeper than the kernel side walks, and whose start is not known."""
from harness import *

need_root()

# More names than WIRE_NAMES_MAX.
DEEP = 110
DESCEND = "for i in $(seq %d); do mkdir -p %s; cd -P %s; done" % (DEEP, "d", "d")


def incomplete(event, about):
    return any(i.startswith(about) for i in get(event, "lintel.incomplete") or [])


with case("in a chroot that lies deep, paths are whole from its root"):
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.run("mount -t tmpfs none $PWD && cd $PWD && " + DESCEND +
                  " && mkdir etc && cp %s a && cd -P .." % ACTIONS)
        # a small static program; its own system calls are what counts
        shell.run("chroot d /a create /etc/ld.so.preload; chroot d /a rename /etc/ld.so.preload /etc/y", None)
        events, alerts = watch.finish()
    made = [e for e in select(events, event__action="creation") if get(e, "file.name") == "ld.so.preload"]
    assert made and all(get(e, "file.path") == "/etc/ld.so.preload" for e in made), \
        [get(e, "file.path") for e in made]
    assert alerts

with case("a relative name in a directory too deep to be told is not taken for one at the root"):
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.run("mount -t tmpfs none $PWD && cd $PWD && (" + DESCEND +
                  " && mkdir etc && : > x && mv x etc/ld.so.preload && rm etc/ld.so.preload; cd etc;"
                  " : > ld.so.cache; mv ld.so.cache y)")
        events, alerts = watch.finish()
    moved = select(events, event__action="rename")
    assert len(moved) == 2, moved
    for event in moved + select(events, event__action="deletion", file__name="ld.so.preload"):
        assert not get(event, "file.path").startswith("/"), get(event, "file.path")
        assert get(event, "file.path").startswith("d/d/"), get(event, "file.path")
        assert incomplete(event, "file.path"), event
    for event in moved:
        assert not get(event, "file.Ext.original.path").startswith("/"), event["file"]
        assert incomplete(event, "file.Ext.original.path"), event
    assert not alerts, [get(a, "file.path") for a in alerts]

with case("in a chroot inside a mount namespace of its own, a rename has its path on the host"):
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.run("mkdir -p jail/etc && for d in /bin /lib* /usr; do mkdir jail$d; mount --rbind $d jail$d; done")
        # somebody who stays in the chroot, for lintel to look through his eyes
        shell.run("chroot jail /bin/sh -c 'echo x > /etc/x; mv /etc/x /etc/y; sleep 1; true'")
        events, _ = watch.finish(shell)
    check(only(events, event__action="creation", file__name="x"), file__path="/etc/x",
          lintel__file__host_path=shell.path("jail/etc/x"))
    check(only(events, event__action="rename", file__name="y"), file__path="/etc/y",
          file__Ext__original__path="/etc/x", lintel__file__host_path=shell.path("jail/etc/y"))

with case("what was in the ring when the end came is not lost"):
    files = 11000  # two events each: more than two rounds of the reader
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        watch.process.send_signal(signal.SIGSTOP)
        try:
            shell.run("for i in $(seq %d); do echo > f$i; done" % files)
            watch.process.send_signal(signal.SIGTERM)
        finally:
            watch.process.send_signal(signal.SIGCONT)
        assert watch.stop() == 0
        events = watch.events()
    assert "ring buffer" not in watch.err, watch.err
    assert len(select(events, event__action="creation")) == files
    assert len(select(events, event__action="modification")) == files

with case("a state directory that others can write in is refused"):
    with Shell() as shell:
        open_to_all = shell.path("state")
        os.mkdir(open_to_all)
        os.chmod(open_to_all, 0o777)
        with Watch("--state", open_to_all, root_pid=shell.pid, wait=False) as watch:
            assert watch.process.wait(START_SECONDS) == 1, watch.process.returncode
            watch._reader.join(STOP_SECONDS)
            assert "others than root can write" in watch.err, watch.err
        assert os.listdir(open_to_all) == []

with case("a ring buffer's size that the kernel would round is an error of the configuration"):
    with Shell() as shell:
        config = shell.write("c.toml", "[watch]\nring_megabytes = 3\n")
        with Watch("--config", config, root_pid=shell.pid, wait=False) as watch:
            assert watch.process.wait(START_SECONDS) == 2, watch.process.returncode
            watch._reader.join(STOP_SECONDS)
            assert "power of two" in watch.err and "c.toml:2:" in watch.err, watch.err

done()
