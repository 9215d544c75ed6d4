#!/usr/bin/env python3
"""What processes do to themselves, to each other's memory and to the kernel, as events."""
import hashlib, re

from harness import *

HELPER = os.environ.get("LINTEL_PROCESS_ACTIONS", os.path.join(os.path.dirname(ACTIONS), "process_actions"))
need_root()
if not os.path.exists(HELPER):
    print("1..0 # SKIP the helper program %s is not built" % HELPER, flush=True)
    sys.exit(0)

# What the shell and the loader of the helper do besides is not in question.
OTHERS = {"fork", "exec", "end", "creation", "modification", "deletion"}


def act(*names, command="%s %s", prepare=None, before="", status=0):
    """(shell, events of the helper) of it doing these."""
    with Shell() as shell:
        if prepare:
            prepare(shell)
        with Watch(root_pid=shell.pid) as watch:
            shell.run(before + command % (HELPER, " ".join(names)), status=None)
            if shell.status == 77:
                raise Skip("this kernel cannot do: %s" % " ".join(names))
            assert shell.status == status, "%s: exit status %d" % (names, shell.status)
            events, _ = watch.finish(shell)
    return shell, [e for e in events if get(e, "process.name") == "process_actions"]


def told(events):
    return [e for e in events if one_of(get(e, "event.action")) not in OTHERS]


def actions_of(events):
    return [one_of(get(e, "event.action")) for e in told(events)]


with case("user ids: one event for a change, none for what changes nothing"):
    _, events = act("setresuid")
    assert actions_of(events) == ["uid_change"], actions_of(events)
    check(told(events)[0], event__type="change", event__category="process", user__id="1234",
          process__real_user__id="1234", lintel__previous__user__id="0", lintel__syscall="setresuid",
          lintel__previous__real_user__id="0", event__dataset="endpoint.events.process")

with case("group ids and sessions"):
    shell, events = act("setgid", "setsid")
    assert actions_of(events) == ["gid_change", "session_id_change"], actions_of(events)
    check(told(events)[0], group__id="4321", lintel__previous__group__id="0")
    session = told(events)[1]
    check(session, process__session_leader__pid=get(session, "process.pid"),
          lintel__previous__session__id=shell.pid)

with case("capabilities: before in hexadecimal, after by name"):
    _, events = act("capset")
    assert actions_of(events) == ["capset"], actions_of(events)
    check(told(events)[0], process__thread__capabilities__effective="CAP_SYS_PTRACE",
          process__thread__capabilities__permitted=["CAP_CHOWN", "CAP_SYS_PTRACE"])
    assert int(get(told(events)[0], "lintel.previous.capabilities.effective"), 16) & 1 << 21

with case("ptrace: what takes hold of a process and changes it, and whose it is"):
    _, events = act("ptrace", "seize", "traceme")
    found = [get(e, "process.Ext.ptrace.request") for e in told(events)]
    assert found == ["PTRACE_ATTACH", "PTRACE_POKEDATA", "PTRACE_SETREGS", "PTRACE_SEIZE",
                     "PTRACE_TRACEME"], found
    first, last = told(events)[0], told(events)[-1]
    child = select(events, event__action="fork")[0]
    check(first, event__action="ptrace", event__type="start", Target__process__pid=get(child, "process.pid"),
          process__Ext__ptrace__child_pid=get(child, "process.pid"), lintel__ptrace__request_number=16,
          Target__process__entity_id=get(child, "process.entity_id"),
          Target__process__name="process_actions", Target__process__user__id="0")
    check(last, Target__process__pid=get(last, "process.parent.pid"),
          process__Ext__ptrace__child_pid=get(last, "process.pid"))

with case("process_vm_writev and readv: other processes' memory, not its own"):
    _, events = act("vm-write")
    child = select(events, event__action="fork")[0]
    assert actions_of(events) == ["process_vm_access"] * 2, actions_of(events)
    for event, operation in zip(told(events), ("write", "read")):
        check(event, process__Ext__process_vm_access__operation=operation,
              process__Ext__process_vm_access__bytes_transferred=8,
              process__Ext__process_vm_access__target_pid=get(child, "process.pid"),
              Target__process__entity_id=get(child, "process.entity_id"))

with case("/proc/PID/mem: opened for writing, first written; not read"):
    _, events = act("proc-mem")
    child = select(events, event__action="fork")[0]
    assert actions_of(events) == ["proc_mem_open", "proc_mem_write"], actions_of(events)
    for event in told(events):
        check(event, file__path="/proc/%d/mem" % get(child, "process.pid"),
              Target__process__entity_id=get(child, "process.entity_id"), event__category="process")

with case("memory files by name and flags"):
    _, events = act("memfd")
    check(only(events, event__action="memfd_create"), process__Ext__memfd__name="memfd:payload",
          process__Ext__memfd__flags=3, process__Ext__memfd__flag_cloexec=True,
          process__Ext__memfd__flag_allow_seal=True, process__Ext__memfd__flag_hugetlb=False,
          event__type="start")

with case("executable memory of no file, and of a writable one"):
    shell, events = act("map-anonymous", "map-file-writable")
    assert actions_of(events) == ["mmap", "load", "mmap"], actions_of(events)
    check(told(events)[0], lintel__memory__backing="anonymous", lintel__memory__protection="rwx",
          lintel__memory__writable=True, lintel__memory__length=4096, file__path=None)
    check(told(events)[2], lintel__memory__backing="file", file__path=shell.path("lib-rwx.so"))

with case("a library is told once for a program, and again when its content has changed"):
    shell, events = act("library", "library-again")
    loads = select(events, event__action="load")
    assert len(loads) == 2, actions_of(events)
    for load in loads:
        check(load, event__category="library", event__type="start", event__dataset="endpoint.events.library",
              dll__path=shell.path("lib-live.so"), dll__name="lib-live.so", lintel__library__backing="file",
              dll__Ext__size=4096, lintel__library__host_path=shell.path("lib-live.so"),
              lintel__library__owner__id="0", lintel__memory__protection="r-x")

with case("libraries that have no name any more, or never had one"):
    shell, events = act("library-deleted", "library-memfd")
    deleted, memfd = select(events, event__action="load")
    check(deleted, lintel__library__backing="deleted", dll__path=shell.path("lib-deleted.so"))
    check(memfd, lintel__library__backing="memfd", dll__path="/memfd:code", dll__name="memfd:code")

with case("memory made executable: where, and whether it can be written"):
    _, events = act("mprotect", "mprotect-heap", "mprotect-stack")
    found = [(get(e, "lintel.memory.protection"), get(e, "lintel.memory.region")) for e in told(events)]
    assert found == [("r-x", None), ("rwx", None), ("rwx", "heap"), ("rwx", "stack")], found
    check(told(events)[1], event__action="mprotect", process__Ext__mprotect__prot=7,
          process__Ext__mprotect__len=8192,
          process__Ext__mprotect__prot_flags=["PROT_READ", "PROT_WRITE", "PROT_EXEC"])

with case("a BPF program: type, name, id"):
    _, events = act("bpf")
    event = only(events, event__action="bpf_prog_load")
    check(event, lintel__bpf__type="socket_filter", lintel__bpf__name="live_test")
    assert get(event, "lintel.bpf.id") > 0

with case("namespaces left and entered, mounts made and taken away"):
    _, events = act("unshare", "mount")
    assert actions_of(events) == ["unshare", "setns", "mount", "umount"], actions_of(events)
    left, entered, mounted, unmounted = told(events)
    check(left, lintel__namespace__type=["uts", "ipc"])
    check(entered, lintel__namespace__type="uts")
    assert get(entered, "lintel.namespace.inode") == os.stat("/proc/self/ns/uts").st_ino
    check(mounted, lintel__mount__source="nothing", lintel__mount__target=".", lintel__mount__type="tmpfs",
          lintel__mount__flags=2)
    check(unmounted, lintel__mount__target=".")

with case("a thread's calls name the thread; its ids are its own"):
    _, events = act("thread")
    assert actions_of(events) == ["memfd_create", "mprotect", "mprotect", "uid_change", "uid_change"], actions_of(events)
    for event in told(events):
        assert get(event, "process.thread.id") != get(event, "process.pid"), event
    check(told(events)[3], user__id="777", lintel__previous__user__id="0")
    check(told(events)[4], user__id="0", lintel__previous__user__id="777")

with case("32-bit calls"):
    _, events = act("int80")
    assert actions_of(events) == ["memfd_create", "mmap", "mprotect", "uid_change", "session_id_change"], \
        actions_of(events)
    for event in told(events):
        check(event, lintel__process__abi="x86")
    check(told(events)[0], process__Ext__memfd__name="memfd:small")
    check(told(events)[1], lintel__memory__protection="r-x", lintel__memory__length=4096)
    check(told(events)[3], user__id="99")

with case("what fails leaves no event"):
    _, events = act("fail")
    assert actions_of(events) == ["uid_change", "session_id_change"], actions_of(events)

with case("in a chroot and a pid namespace: who is meant is named as the host knows it"):
    def chroot(shell):
        os.mkdir(shell.path("root"))
        shutil.copy(HELPER, shell.path("root/process_actions"))
        os.mkdir(shell.path("root/proc"))
    _, events = act("vm-write", "seize", "library", prepare=chroot,
                    command="unshare --pid --fork --kill-child chroot root /process_actions %.0s%s")
    children = [get(e, "process.pid") for e in select(events, event__action="fork")]
    targets = [get(e, "Target.process.pid") for e in told(events) if get(e, "Target.process.pid")]
    assert len(targets) == 3 and set(targets) <= set(children), (targets, children)
    check(only(events, event__action="load"), dll__path="/lib-live.so")
    check(only(events, event__action="ptrace"), process__Ext__ptrace__child_pid=targets[-1])

with case("environment variables that were asked for, of a program and of what it starts"):
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.run("LD_PRELOAD=/nowhere/x.so LD_AUDIT= OTHER=1 HISTFILE=/dev/null sh -c 'true; exit 3' 2>/dev/null", status=3)
        shell.run("env -i sh -c true")
        events, _ = watch.finish(shell)
    shells = select(events, process__name="sh", event__action="exec")
    assert sorted(get(shells[0], "process.env_vars")) == ["HISTFILE=/dev/null", "LD_AUDIT=", "LD_PRELOAD=/nowhere/x.so"]
    check(only(events, event__action="end", process__pid=get(shells[0], "process.pid")), process__exit_code=3,
          lintel__process__exit_signal=None, process__env_vars=get(shells[0], "process.env_vars"))
    check(shells[1], process__env_vars=None)

with case("which environment variables is configuration"):
    with Shell() as shell:
        shell.write("lintel.toml", '[process]\nenv_vars = ["OTHER"]\n')
        with Watch("--config", shell.path("lintel.toml"), root_pid=shell.pid) as watch:
            shell.run("LD_AUDIT=/nothing OTHER=1 OTHERS=2 sh -c true 2>/dev/null")
            events, _ = watch.finish(shell)
    check(only(events, process__name="sh", event__action="exec"), process__env_vars="OTHER=1")

with case("a program that a signal ends: code and signal"):
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.run("sh -c 'kill -TERM $$'", status=143)
        events, _ = watch.finish(shell)
    check(only(events, event__action="end", process__name="sh"), process__exit_code=143,
          lintel__process__exit_signal="SIGTERM", lintel__process__core_dumped=False)

HASH_RULE = '''[rule]
id = "test-hash"
name = "test hash"
description = "names the hashes"
severity = "low"
risk_score = 1
type = "eql"
language = "eql"
query = """process where process.hash.sha256 == "%s" or process.hash.md5 == "x" or process.hash.sha1 == "x""""
'''

with case("hashes of what is executed, when a rule names them; also of a script's interpreter and a deleted file"):
    with Shell() as shell:
        shutil.copy("/bin/true", shell.path("program"))
        shell.write("script", "#!/bin/dash\nexit 0\n", 0o755)
        shutil.copy("/bin/sleep", shell.path("sleeper"))
        content = open("/bin/true", "rb").read()
        rule = shell.write("hash.toml", HASH_RULE % hashlib.sha256(content).hexdigest())
        with Watch(root_pid=shell.pid, rules=[rule], default_rules=False) as watch:
            shell.run("./program; ./script; ./program")
            shell.run("exec 9<sleeper; rm sleeper; /dev/fd/9 0.3")
            events, alerts = watch.finish(shell)
    for run in select(events, event__action="exec", process__name="program"):
        if get(run, "lintel.incomplete"):  # a busy machine may be too late for the first
            continue
        check(run, process__hash__sha256=hashlib.sha256(content).hexdigest(),
              process__hash__md5=hashlib.md5(content).hexdigest(), process__hash__sha1=hashlib.sha1(content).hexdigest())
    last = select(events, event__action="exec", process__name="program")[-1]
    check(last, process__hash__sha256=hashlib.sha256(content).hexdigest())
    assert alerts, "no alert by hash"
    script = only(events, event__action="exec", process__name="script")
    check(script, process__hash__sha256=hashlib.sha256(open("/bin/dash", "rb").read()).hexdigest())
    deleted = select(events, event__action="exec", process__name="9")[-1]
    check(deleted, process__hash__sha256=hashlib.sha256(open("/bin/sleep", "rb").read()).hexdigest())

with case("no hash is made when no rule names one"):
    _, events = act("memfd")
    assert not [e for e in events if get(e, "process.hash.sha256")]

# Calls of which strace tells the same as the events: name → how lintel.syscall has it.
TRACED = ("setresuid", "setgid", "setsid", "capset", "process_vm_writev", "process_vm_readv", "memfd_create", "mmap",
          "mprotect", "bpf", "unshare", "setns", "mount", "umount2")


def is_told(call, arguments, seen):
    """Would the sensor tell of this call? What changes nothing it does not."""
    if call in ("mmap", "mprotect"):
        return "PROT_EXEC" in arguments
    if call.startswith("process_vm"):
        return arguments.split(",")[0] != str(seen["leader"])
    if call in ("setresuid", "capset"):
        unchanged = arguments.startswith("-1, -1, -1") or seen.get(call) == arguments
        seen[call] = arguments
        return not unchanged
    return True


def strace_calls(path):
    """The calls of each thread, in the threads' order of appearance."""
    threads, seen, leader = {}, {}, None
    for line in open(path):
        match = re.match(r"(\d+) +(\w+)\((.*)\) += (-?\w+)", line)
        if not match:
            continue
        tid, call, arguments, result = match.groups()
        leader = leader or tid
        if call == "execve":
            threads, seen, leader = {}, {}, tid
            continue
        state = seen.setdefault(tid, {"leader": leader})
        if call in TRACED and not result.startswith("-") and is_told(call, arguments, state):
            threads.setdefault(tid, []).append(call)
    return list(threads.values())


with case("the same calls, in the same order in each thread, as strace tells"):
    if not shutil.which("strace"):
        raise Skip("no strace")
    every = ("setresuid setgid setsid capset vm-write memfd map-anonymous library-deleted library-memfd mprotect "
             "mprotect-heap mprotect-stack bpf unshare mount thread")
    with Shell() as shell:
        shell.run("strace -f -o trace -e trace=execve,%s %s %s" % (",".join(TRACED), HELPER, every))
        wanted = strace_calls(shell.path("trace"))
    _, events = act(every)
    threads = {}
    for event in told(events):
        threads.setdefault(get(event, "process.thread.id"), []).append(get(event, "lintel.syscall"))
    assert sorted(threads.values()) == sorted(wanted), "sensor: %s\nstrace: %s" % (
        sorted(threads.values()), sorted(wanted))

done()
