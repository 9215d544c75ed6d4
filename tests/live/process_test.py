#!/usr/bin/env python3
"""Fields of process events: what was executed, by whom, from where, on behalf of which session."""
import re

from harness import *

need_root()
HEX64 = re.compile(r"^[0-9a-f]{64}$")


def watch_commands(*commands, prepare=None, **options):
    with Shell() as shell:
        if prepare:
            prepare(shell)
        with Watch(root_pid=shell.pid, **options) as watch:
            for command in commands:
                shell.run(command)
            events, _ = watch.finish(shell)
            return shell, events


with case("a binary: name, executable, arguments, parent, times"):
    shell, events = watch_commands("/bin/true 'a b' '' c")
    run = only(events, event__action="exec", process__name="true")
    check(run, process__executable="/bin/true", process__args=["/bin/true", "a b", "", "c"], process__args_count=4,
          process__command_line="/bin/true a b  c", process__working_directory=shell.dir,
          process__interactive=False, event__type="start", event__category="process",
          process__parent__pid=shell.pid, process__ppid=shell.pid, process__parent__name="bash",
          process__parent__args=["bash", "--norc", "--noprofile"],
          process__user__id="0", user__name="root", group__name="root", process__real_user__name="root",
          host__os__type="linux")
    assert get(run, "lintel.process.executable_path").endswith("/true")
    assert get(run, "lintel.process.interpreter") is None
    assert get(run, "process.thread.id") == get(run, "process.pid")
    forked = only(events, event__action="fork", process__pid=get(run, "process.pid"))
    ended = only(events, event__action="end", process__pid=get(run, "process.pid"))
    check(ended, process__exit_code=0, process__name="true")
    check(forked, process__name="bash", process__parent__pid=shell.pid)
    assert len({get(e, "process.entity_id") for e in (forked, run, ended)}) == 1
    assert len({get(e, "process.start") for e in (forked, run, ended)}) == 1
    assert get(forked, "@timestamp") <= get(run, "@timestamp") <= get(ended, "@timestamp")
    assert get(forked, "process.start")[:19] == get(forked, "@timestamp")[:19]

with case("a script: its own path, and the interpreter of its first line"):
    def make(shell):
        shell.write("hello", "#!/bin/sh -e\ntrue\nexit 7\n", 0o755)
    shell, events = watch_commands("./hello one || true", prepare=make)
    run = only(events, event__action="exec", process__name="hello")
    check(run, process__executable="./hello", lintel__process__interpreter="/bin/sh",
          process__args=["/bin/sh", "-e", "./hello", "one"], process__args_count=4)
    assert os.path.basename(get(run, "lintel.process.executable_path")) in ("dash", "bash", "busybox"), run["lintel"]
    check(only(events, event__action="end", process__pid=get(run, "process.pid")), process__exit_code=7,
          process__name="hello")

with case("a shell with arguments, and what it runs, in one line of descent"):
    shell, events = watch_commands("/bin/sh -c '/bin/sh -c \"/bin/true; true\"; true'")
    true = only(events, event__action="exec", process__name="true")
    inner = only(events, event__action="exec", process__pid=get(true, "process.parent.pid"))
    outer = only(events, event__action="exec", process__pid=get(inner, "process.parent.pid"))
    assert get(outer, "process.parent.pid") == shell.pid
    check(inner, process__args=["/bin/sh", "-c", "/bin/true; true"])
    check(true, process__parent__entity_id=get(inner, "process.entity_id"),
          process__parent__command_line="/bin/sh -c /bin/true; true")

with case("a process that is killed ends with 128 and the signal"):
    shell, events = watch_commands("/bin/sh -c 'kill -9 $$' || true")
    run = only(events, event__action="exec", process__name="sh")
    check(only(events, event__action="end", process__pid=get(run, "process.pid")), process__exit_code=137)

with case("other ids: real and effective, by number and name"):
    def make(shell):
        shutil.copy("/usr/bin/env", shell.path("asroot"))
        os.chmod(shell.path("asroot"), 0o4755)
    shell, events = watch_commands("setpriv --reuid 65534 --regid 65534 --clear-groups /bin/true",
                                   "setpriv --reuid 12345 --regid 54321 --clear-groups ./asroot /bin/echo x",
                                   prepare=make)
    run = only(events, event__action="exec", process__name="true")
    check(run, user__id="65534", user__name="nobody", process__real_user__id="65534", group__id="65534",
          group__name="nogroup", process__group__id="65534", user__Ext__real__id="65534")
    if not os.statvfs(shell.dir if os.path.exists(shell.dir) else "/tmp").f_flag & os.ST_NOSUID:
        run = only(events, event__action="exec", process__name="asroot")
        check(run, user__id="0", user__name="root", process__real_user__id="12345", user__Ext__real__id="12345",
              group__id="54321", process__real_group__id="54321", user__effective__id="0")
        assert get(run, "process.real_user.name") is None and get(run, "group.name") is None

with case("a terminal: interactive, with its device"):
    shell, events = watch_commands(
        "/usr/bin/python3 -c 'import pty; pty.spawn([\"/bin/sh\", \"-c\", \"/bin/true; exec /bin/echo done\"])'")
    run = only(events, event__action="exec", process__name="true")
    major = get(run, "process.tty.char_device.major")
    assert get(run, "process.interactive") is True and 136 <= major <= 143, run["process"]
    assert get(run, "process.parent.interactive") is True
    terminal = only(events, event__action="exec", process__name="sh")
    check(run, process__session_leader__pid=get(terminal, "process.pid"), process__session_leader__name="sh",
          process__group_leader__pid=get(terminal, "process.pid"))
    python = select(events, event__action="exec", process__parent__pid=shell.pid)[0]
    assert get(python, "process.interactive") is False

with case("leaders: the group and session of the shell, the entry of all"):
    shell, events = watch_commands("/bin/true", "/usr/bin/setsid /bin/sleep 0")
    run = only(events, event__action="exec", process__name="true")
    check(run, process__session_leader__pid=shell.pid, process__group_leader__pid=shell.pid,
          process__session_leader__name="bash", process__session_leader__args=["bash", "--norc", "--noprofile"])
    entry = get(run, "process.entry_leader.pid")
    assert entry and get(run, "process.entry_leader.entity_id") and get(run, "process.entry_leader.name"), run["process"]
    assert get(run, "process.entry_leader.entry_meta.type") in (
        "init", "sshd", "ssm", "container", "terminal", "console", "kthread", "unknown")
    slept = only(events, event__action="exec", process__name="sleep")
    check(slept, process__session_leader__pid=get(slept, "process.pid"), process__entry_leader__pid=entry)

with case("a child whose parent has gone keeps its creator; ppid follows the kernel"):
    shell, events = watch_commands("/bin/sh -c '(sleep 0.5; /bin/true; true) & true'; sleep 1.5")
    run = only(events, event__action="exec", process__name="true")
    between = only(events, event__action="fork", process__pid=get(run, "process.parent.pid"))
    last = [e for e in events if get(e, "process.entity_id") == get(between, "process.entity_id")][-1]
    check(last, event__action="end")
    starter = only(events, event__action="exec", process__name="sh")
    check(last, process__parent__pid=get(starter, "process.pid"))
    assert get(last, "process.ppid") != get(starter, "process.pid"), "was not re-parented"

with case("pid 1 of a pid namespace enters a container; pids are the host's"):
    shell, events = watch_commands("/usr/bin/unshare --pid --fork /bin/sh -c '/bin/true; true'")
    run = only(events, event__action="exec", process__name="true")
    inside = only(events, event__action="exec", process__pid=get(run, "process.parent.pid"))
    assert get(run, "process.pid") > 2 and get(inside, "process.pid") > 1
    check(run, process__entry_leader__pid=get(inside, "process.pid"),
          process__entry_leader__entry_meta__type="container")

with case("the container id is that of the cgroup"):
    identifier = "".join("0123456789abcdef"[(i * 7 + os.getpid()) % 16] for i in range(64))
    base = next((d for d in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids",
                             "/sys/fs/cgroup") if os.path.exists(os.path.join(d, "cgroup.procs"))), None)
    if not base:
        raise Skip("no cgroup file system is mounted")
    group = os.path.join(base, "docker-%s.scope" % identifier)
    try:
        os.mkdir(group)
    except OSError as why:
        raise Skip("cannot make a cgroup: %s" % why)
    try:
        shell, events = watch_commands(
            "/bin/sh -c 'echo $$ > %s/cgroup.procs; exec /bin/sh -c \"/bin/true; true\"'" % group)
    finally:
        os.rmdir(group)
    run = only(events, event__action="exec", process__name="true")
    check(run, container__id=identifier, process__entry_leader__entry_meta__type="container")
    ended = only(events, event__action="end", process__pid=get(run, "process.pid"))
    check(ended, container__id=identifier)
    assert not [e for e in events if get(e, "process.pid") == shell.pid and get(e, "container.id")]

with case("a chroot on the host: paths as the process sees them and as the host does"):
    def make(shell):
        os.mkdir(shell.path("r"))
        shutil.copy(ACTIONS, shell.path("r/actions"))
    if not os.path.exists(ACTIONS):
        raise Skip("the helper program is not built")
    shell, events = watch_commands("chroot r /actions create /made", prepare=make)
    run = only(events, event__action="exec", process__name="actions")
    check(run, process__executable="/actions", lintel__process__executable_path="/actions",
          lintel__process__host_executable_path=shell.path("r/actions"), lintel__process__root=shell.path("r"))
    made = only(events, event__action="creation", file__name="made")
    check(made, file__path="/made", lintel__file__host_path=shell.path("r/made"))

with case("names, arguments and working directories of any bytes are written as JSON"):
    def make(shell):
        os.mkdir(os.fsencode(shell.dir) + b"/d\xff\n'\"")
        shutil.copy("/bin/true", os.fsencode(shell.dir) + b"/d\xff\n'\"/n\xfe\x01 x")
        # 300 KB in one argument list, beyond what any record carries
        shell.write("long", "exec /bin/true %s\n" % " ".join("%060d" % i for i in range(5000)))
    shell, events = watch_commands("cd d*; ./n* $'\\xff\\xfe' $'a\\nb'; cd ..", "sh long; true", prepare=make)
    odd = [e for e in select(events, event__action="exec") if "\n" in str(get(e, "process.working_directory"))]
    assert len(odd) == 1 and get(odd[0], "process.args")[2] == "a\nb", odd
    assert get(odd[0], "process.args_count") == 3
    long = [e for e in select(events, event__action="exec", process__name="true") if get(e, "process.args_count") == 5001]
    assert len(long) == 1, [get(e, "process.args_count") for e in select(events, event__action="exec")]
    assert any("process.args" in i for i in get(long[0], "lintel.incomplete") or []), long[0]["lintel"]

done()
