#!/usr/bin/env python3
"""File events by ways that a sensor may miss: 32-bit system calls, io_uring, threads, unnamed files."""
from harness import *

need_root()
if not os.path.exists(ACTIONS):
    print("1..0 # SKIP the helper program %s is not built" % ACTIONS, flush=True)
    sys.exit(0)


def act(*commands):
    """The events of the helper doing these; skips when this kernel cannot."""
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        for command in commands:
            shell.run("%s %s" % (ACTIONS, command), status=None)
            if shell.status == 77:
                raise Skip("this kernel cannot do: %s" % command)
            assert shell.status == 0, "%s: exit status %d" % (command, shell.status)
        events, _ = watch.finish(shell)
        return shell, select(events, process__name="actions", event__category="file")


def actions_of(events, name):
    return [(one_of(get(e, "event.action"))) for e in events if get(e, "file.name") == name]


with case("32-bit calls (int 0x80) are seen, and said to be 32-bit"):
    shell, events = act("int80 a b")
    assert actions_of(events, "a") == ["creation", "modification"], actions_of(events, "a")
    assert actions_of(events, "b") == ["rename", "deletion"], actions_of(events, "b")
    for event in events:
        check(event, lintel__process__abi="x86", process__name="actions")
    check(events[0], file__path=shell.path("a"), lintel__file__host_path=shell.path("a"))

with case("the same by 64-bit calls is said to be 64-bit"):
    shell, events = act("creat c")
    check(only(events, event__action="creation", file__name="c"), lintel__process__abi="x86_64", file__mode="0600")

with case("io_uring operations are seen with their paths"):
    shell, events = act("uring d e e2 e3")
    assert events, "no event"
    names = {get(e, "file.name") for e in events}
    assert {"d", "e"} <= names, names
    assert "creation" in actions_of(events, "d"), actions_of(events, "d")
    assert actions_of(events, "e") == ["rename", "deletion"], actions_of(events, "e")
    assert actions_of(events, "e2") == actions_of(events, "e3") == ["creation", "deletion"], events
    check(only(events, event__action="creation", file__name="e3"), file__target_path="aim")
    for event in events:
        check(event, process__name="actions", process__parent__pid=shell.pid)
    assert select(events, event__provider="io_uring"), [get(e, "event.provider") for e in events]

with case("a thread's write names the process and the thread"):
    shell, events = act("create f", "thread f")
    wrote = only(events, event__action="modification", file__name="f")
    assert get(wrote, "process.thread.id") != get(wrote, "process.pid"), wrote["process"]

with case("a file without a name that gets one by link is a creation"):
    shell, events = act("tmpfile g")
    assert "creation" in actions_of(events, "g"), events

with case("what fails leaves no event"):
    shell, events = act("fail")
    assert not events, [(get(e, "event.action"), get(e, "file.path")) for e in events]

with case("first write after open, once, however many follow"):
    shell, events = act("write h")
    assert actions_of(events, "h") == ["creation", "modification"], actions_of(events, "h")

with case("opening for reading and writing and only reading is no modification"):
    shell, events = act("create i", "read i")
    assert actions_of(events, "i") == ["creation"], actions_of(events, "i")

done()
