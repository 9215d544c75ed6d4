#!/usr/bin/env python3
"""The sensor's layers tell the same: each does what actions.c can, and every field of every event is equal
but the layer's own name, ids and times."""
from harness import *

need_root()
if not os.path.exists(ACTIONS):
    print("1..0 # SKIP the helper program %s is not built" % ACTIONS, flush=True)
    sys.exit(0)

# Each of these is one step for the shell, in its directory; A is the helper.
STEPS = [
    "echo one > a; echo two > b; mkdir sub; ln -s sub link; ln -s a to-a",
    "A rename a c", "A rename c sub/c.conf", "A rename $PWD/link/c.conf $PWD/link/../a", "A renameat . a sub ../sub/./d",
    "A rename sub/d a", "A exchange a b", "mkdir dir; A rename dir dir2; rmdir dir2", "A rename b to-b; A rename to-b b",
    "A link a sub/hard", "A link to-a hard-link-of-a-link", "A symlink ../a sub/soft", "A mknod node", "mkfifo pipe",
    "A chmod to-a", "A chmod sub", "A chown a", "A lchown to-a", "A truncate to-a", "A setxattr a",
    "A unlink link/hard", "A unlink sub/soft", "A unlink node", "A directory dir",
    "A create e; A open-truncate e; A write e", "A fail",
    "cd sub; A rename ../e ./../e2; A unlink ../e2",
    "(cd / && A create $OLDPWD/rel && A rename $OLDPWD/rel $OLDPWD/rel2)",
    "A int80 i j",
    "A uring r1 r2 r3 r4 || [ $? = 77 ]", "A uring-fail || [ $? = 77 ]",
    "echo x > quiet; A uring-silent quiet a || [ $? = 77 ]",
    "unshare -m sh -c 'mount -t tmpfs none sub && A create sub/x && A rename sub/x sub/y && A unlink sub/y; sleep 0.2'",
    "unshare -m sh -c 'mount --bind sub dir3 && A create dir3/x && A rename dir3/x dir3/y && A unlink dir3/y; sleep 0.2'",
    "unshare -m sh -c 'mount -t overlay o -olowerdir=$PWD/low,upperdir=$PWD/up,workdir=$PWD/wk m && cd m && A rename f g && A chmod g "
    "&& A link g h && A unlink g; sleep 0.2'",
    "mkdir -p root/etc && cp A root/A && ln -s etc root/link && chroot root /A create /link/x && "
    "chroot root /A rename /link/x /y && chroot root /A chmod /y",
    "n=$(printf %0255d 0); A create $n && A rename $n a$(printf %0254d 0)",
    "d=$(printf %0200d 0); mkdir -p $d/$d/$d/$d/$d && cd $d/$d/$d/$d/$d && A create x && A rename x y && A unlink y",
]
RACES = 200
PREPARE = "mkdir -p dir3 low up wk m && echo text > low/f"
# The layer's name, and what is another's each time.
OWN = {"event.provider", "lintel.file.witness", "event.id", "event.sequence", "event.created", "@timestamp", "event.start",
       "event.end", "process.pid", "process.ppid", "process.pgid", "process.thread.id", "process.start", "process.entity_id",
       "file.inode", "process.uptime", "event.ingested"}
LEFT_OUT = ("process.parent", "process.group_leader", "process.session_leader", "process.entry_leader", "host", "lintel.process")


def flat(document, before=""):
    for key, value in document.items():
        if isinstance(value, dict):
            yield from flat(value, before + key + ".")
        else:
            yield before + key, value


def same_part(event, directory):
    """What must be equal whichever layer tells it."""
    text = {}
    for key, value in flat(event):
        if key in OWN or key.startswith(LEFT_OUT):
            continue
        if key == "lintel.incomplete":
            # Where names are looked up after the call it may be too late; the hooks have the file itself.
            value = [v for v in value if not v.startswith("file.inode, mode")]
            if not value:
                continue
        text[key] = json.dumps(value).replace(directory, "D")
    return text


def run_with(layer, steps):
    """[the file events of each step]; each step ends with a file named for it."""
    with Shell() as shell:
        shell.run(PREPARE)
        with Watch("--layer", layer, root_pid=shell.pid) as watch:
            for i, step in enumerate(steps):
                text = step.replace("A ", ACTIONS + " ").replace("/" + ACTIONS, "/A").replace("root/A ln", "root/A && ln")
                shell.run("( %s )" % text)
                shell.run(": > step-%d" % i)
            events, _ = watch.finish(shell)
            err = watch.err
        directory = shell.dir
    parts, now = [], []
    for event in select(events, event__category="file"):
        name = get(event, "file.name") or ""
        if name.startswith("step-"):
            if get(event, "event.action") == "creation" or one_of(get(event, "event.action")) == "creation":
                parts.append(now)
                now = []
            continue
        if not name.startswith("settled-"):
            now.append(event)
    return parts, directory, err


def works(layer):
    """Does this kernel have the layer? Why not, else."""
    with Shell() as shell, Watch("--layer", layer, root_pid=shell.pid, wait=False) as watch:
        watch._live.wait(START_SECONDS)
        if watch.process.poll() is None:
            watch.stop()
        return None if watch.process.wait(STOP_SECONDS) == 0 else watch.err.strip().splitlines()[-1]


def race(layer):
    """(what was removed, what the events say was removed)."""
    with Shell() as shell, Watch("--layer", layer, root_pid=shell.pid) as watch:
        removed = shell.run("%s race %d" % (ACTIONS, RACES)).split()
        events, _ = watch.finish(shell)
    return removed, [get(e, "file.name") for e in select(events, event__action="deletion", event__provider="lsm")]


def alerts_of(layer, wanted):
    """What is alerted on where only what rules name leaves the kernel (no --events)."""
    with Shell() as shell:
        shell.run("mkdir -p root/etc && cp %s root/A && ln -s etc/ld.so.preload root/innocent" % ACTIONS)
        with Watch("--layer", layer, root_pid=shell.pid, events=False) as watch:
            shell.run("chroot root /A create /etc/plain; chroot root /A chmod /etc/plain; "
                      "chroot root /A rename /etc/plain /etc/ld.so.preload; chroot root /A chmod /innocent; "
                      "chroot root /A unlink /etc/ld.so.preload; sleep 0.2")
            deadline = time.monotonic() + EVENT_SECONDS
            while not wanted <= set(by_rule(watch.alerts())) and time.monotonic() < deadline:
                time.sleep(0.1)
            watch.stop()
            return set(by_rule(watch.alerts()))


reference = None
for layer in ("lsm", "fentry"):
    why_not = works(layer)
    if why_not:
        # some kernels refuse every trampoline; make test-vm has kernels that do not
        with case("layer %s: this kernel refuses it, and lintel says so and what works" % layer):
            assert "do not work on this kernel" in why_not and "--layer auto" in why_not, why_not
        continue
    if reference is None:
        reference = run_with("tracepoint", STEPS)
    told = run_with(layer, STEPS)
    print("# " + "\n# ".join(l for l in told[2].splitlines() if "path_" in l or "strings" in l), flush=True)
    with case("layer %s: it serves something" % layer):
        assert any(get(e, "event.provider") == "lsm" for step in told[0] for e in step)
        assert not any(get(e, "event.provider") == "lsm" for step in reference[0] for e in step)
        assert len(told[0]) == len(reference[0]) == len(STEPS), (len(told[0]), len(reference[0]))
    with case("layer %s: of a name that another thread changes during the call, the file that was hit" % layer):
        removed, events_say = race(layer)
        assert len(set(removed)) == 2, "the name never changed"
        assert removed == events_say, [pair for pair in zip(removed, events_say) if pair[0] != pair[1]]
    with case("layer %s: what rules name passes the kernel's filter by the name it has, not the one given" % layer):
        wanted = {(action, "/etc/ld.so.preload") for action in ("rename", "modification", "deletion")}
        assert wanted <= alerts_of(layer, wanted), alerts_of(layer, wanted)
    for step, ours, theirs in zip(STEPS, told[0], reference[0]):
        with case("layer %s, as by tracepoints: %s" % (layer, step[:60])):
            ours = [same_part(e, told[1]) for e in ours]
            theirs = [same_part(e, reference[1]) for e in theirs]
            assert len(ours) == len(theirs), "%d events, %d by tracepoints\n%s\n%s" % (
                len(ours), len(theirs), ours, theirs)
            for one, other in zip(ours, theirs):
                keys = {k for k in {*one, *other} if one.get(k) != other.get(k)}
                # What the tracepoints' side looked up too late, or says that it could not resolve, is no
                # contradiction: that is the race which the hooks do not have.
                if "lintel.incomplete" in other and "lintel.incomplete" not in one:
                    keys = {k for k in keys if not k.startswith(("file.", "lintel."))}
                keys = {k for k in keys if k in other or not k.startswith("file.")}
                assert not keys, "\n".join("%s: %s, by tracepoints %s" % (k, one.get(k), other.get(k)) for k in sorted(keys))

done()
