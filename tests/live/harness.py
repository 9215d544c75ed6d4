"""Running `lintel watch` over what a test does, for the live tests.

    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.run("echo x > /tmp/f")
        events, alerts = watch.finish()

A Shell is a bash that a test gives commands to; --root-pid makes lintel see only that tree, so that
whatever else runs on the machine does not matter. Attack emulations run in private mount namespaces.
"""
import json, os, shutil, signal, stat, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from tap import LINTEL, TOP, Skip, case, done  # noqa: E402,F401

# An emulated machine takes its time (tests/vm): all waiting is so many times longer there.
PATIENCE = int(os.environ.get("LINTEL_TEST_PATIENCE", "1"))
# Loading and verifying the BPF programs takes a second or two, more under a sanitizer.
START_SECONDS = 60 * PATIENCE
STOP_SECONDS = 30 * PATIENCE
EVENT_SECONDS = 10 * PATIENCE
COMMAND_SECONDS = 60 * PATIENCE
ACTIONS = os.environ.get("LINTEL_ACTIONS", os.path.join(os.path.dirname(LINTEL), "tests/live/actions"))


def need_root():
    """End the program, every case skipped with the reason, where a live test is impossible."""
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root", flush=True)
        sys.exit(0)
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        print("1..0 # SKIP this kernel has no BTF", flush=True)
        sys.exit(0)


class Shell:
    """A bash in a session and mount namespace of its own, with a directory to work in."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="lintel-live-")
        os.chmod(self.dir, 0o755)
        self._count = 0
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.dir,
            start_new_session=True, text=True, bufsize=1,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
                 "HOME": "/"})
        self.pid = self._process.pid

    def __enter__(self):
        # Once unshare has become bash and answers, its pid is what --root-pid wants.
        self.run("true")
        return self

    def __exit__(self, *_):
        try:
            self._process.stdin.close()
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content, mode=0o644):
        """A file made by the test itself, outside the watched tree."""
        data = content if isinstance(content, bytes) else content.encode()
        with open(self.path(name), "wb") as f:
            f.write(data)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def run(self, command, status=0):
        """Run it; returns what it printed. Fails when it does not exit with `status` (None: any)."""
        self._count += 1
        mark = "--- done %d " % self._count
        # The shell reads its commands from a pipe; what it starts must not.
        self._process.stdin.write("{ %s\n} </dev/null\nprintf '\\n%s%%s\\n' $?\n" % (command, mark))
        self._process.stdin.flush()
        timer = threading.Timer(COMMAND_SECONDS, lambda: os.killpg(self.pid, signal.SIGKILL))
        timer.start()
        try:
            return self._answer(command, mark, status)
        finally:
            timer.cancel()

    def _answer(self, command, mark, status):
        lines = []
        for line in self._process.stdout:
            if line.startswith(mark):
                got = int(line[len(mark):])
                text = "".join(lines)[:-1]
                assert status is None or got == status, "%s: exit status %d\n%s" % (command, got, text)
                self.status = got
                return text
            lines.append(line)
        raise AssertionError("the shell ended at: %s\n%s" % (command, "".join(lines)))


class Watch:
    """`lintel watch`, from the line that says every probe is live until SIGTERM."""

    def __init__(self, *argv, root_pid=None, cgroup=None, rules=(), default_rules=True, events=True,
                 stdout=None, prefix=(), preexec=None, wait=True):
        self.dir = tempfile.mkdtemp(prefix="lintel-watch-")
        self.events_path = os.path.join(self.dir, "events.ndjson") if events else None
        self.argv = [*prefix, LINTEL, "watch", "--state", os.path.join(self.dir, "state"),
                     "--format", "ndjson"]
        if root_pid:
            self.argv += ["--root-pid", str(root_pid)]
        if cgroup:
            self.argv += ["--cgroup", cgroup]
        if events:
            self.argv += ["--events", self.events_path]
        if not default_rules:
            self.argv.append("--no-default-rules")
        for rule in rules:
            self.argv += ["--rules", rule]
        self.argv += argv
        self._stdout = stdout
        self._preexec = preexec
        self._wait = wait
        self._live = threading.Event()
        self._lines = []
        self.status = None

    def __enter__(self):
        self.out_path = os.path.join(self.dir, "stdout")
        out = self._stdout or open(self.out_path, "wb")
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out,
                                        stderr=subprocess.PIPE, preexec_fn=self._preexec)
        if not self._stdout:
            out.close()
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        if self._wait and (not self._live.wait(START_SECONDS) or self.process.poll() is not None):
            self.__exit__(None)
            raise AssertionError("lintel does not watch, exit status %s:\n%s"
                                 % (self.process.returncode, self.err))
        return self

    def _read_stderr(self):
        for line in self.process.stderr:
            self._lines.append(line.decode("utf-8", "replace"))
            if "lintel: watching" in self._lines[-1]:
                self._live.set()
        self._live.set()

    @property
    def err(self):
        return "".join(self._lines)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(STOP_SECONDS)
        self.process.stderr.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def settle(self, shell):
        """Wait until a file made now is among the events: all that was done before is, too."""
        mark = "settled-%d" % time.monotonic_ns()
        shell.run(": > %s" % shell.path(mark))
        deadline = time.monotonic() + EVENT_SECONDS
        while time.monotonic() < deadline:
            with open(self.events_path, "rb") as f:
                if mark.encode() in f.read():
                    # fanotify's word on the same files may come a little later
                    time.sleep(0.3)
                    return
            time.sleep(0.05)
        raise AssertionError("%s is not among the events after %d s\n%s" % (mark, EVENT_SECONDS, self.err))

    def stop(self, how=signal.SIGTERM):
        """Send the signal; the exit status, with what was printed kept."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError("lintel does not stop within %d s\n%s" % (STOP_SECONDS, self.err))
        self._reader.join(STOP_SECONDS)
        assert "AddressSanitizer" not in self.err and "runtime error" not in self.err, self.err
        return self.status

    def alerts(self):
        with open(self.out_path, "rb") as f:
            return [json.loads(line) for line in f.read().splitlines()]

    def events(self):
        with open(self.events_path, "rb") as f:
            return [json.loads(line) for line in f.read().splitlines()]

    def finish(self, shell=None):
        """Let it see everything, end it as systemd would; (events, alerts)."""
        if shell:
            self.settle(shell)
        assert self.stop() == 0, "exit status %s\n%s" % (self.status, self.err)
        return self.events(), self.alerts()


def get(document, field):
    """A field by its dotted name, in a document that nests; None when it is missing."""
    if field in document:
        return document[field]
    for key, value in document.items():
        if isinstance(value, dict) and field.startswith(key + "."):
            found = get(value, field[len(key) + 1:])
            if found is not None:
                return found
    return None


def one_of(value):
    """ECS fields that allow several values come as a list or as one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def select(events, **wanted):
    """Events whose fields have these values; `__` stands for the dot. A list is equal as a whole."""
    def fits(event):
        return all(one_of(get(event, field.replace("__", "."))) == one_of(value)
                   for field, value in wanted.items())
    return [e for e in events if fits(e)]


def only(events, **wanted):
    """The one event with these values."""
    found = select(events, **wanted)
    assert len(found) == 1, "%d events with %s, wanted one:\n%s" % (
        len(found), wanted, "\n".join(json.dumps(e)[:600] for e in (found or events[-8:])))
    return found[0]


def check(event, **wanted):
    """Every field has its value; says all that differ."""
    wrong = ["%s is %r, wanted %r" % (f.replace("__", "."), get(event, f.replace("__", ".")), v)
             for f, v in wanted.items() if one_of(get(event, f.replace("__", "."))) != one_of(v)]
    assert not wrong, "\n".join(wrong) + "\n" + json.dumps(event)


def elastic_rule():
    """Elastic's dynamic linker rule, unmodified, where the shared data lie beside the repository."""
    path = os.path.join(TOP, "..", "shared/rules/elastic/rules/linux",
                        "defense_evasion_dynamic_linker_file_creation.toml")
    if os.path.exists(path):
        return os.path.abspath(path)
    override = os.environ.get("LINTEL_ELASTIC_RULES")
    return os.path.join(override, os.path.basename(path)) if override else None


ELASTIC_ID = "640f79d1-571d-4f96-a9af-1194fc8cf763"


def by_rule(alerts):
    """{(action, path): set of "elastic" and "ours"} of the alerts."""
    found = {}
    for alert in alerts:
        who = "elastic" if get(alert, "rule.id") == ELASTIC_ID else "ours"
        key = (action_of(alert), get(alert, "file.path"))
        found.setdefault(key, set()).add(who)
    return found


def action_of(alert):
    """What the event that made the alert was, whether the alert itself repeats it or not."""
    events = get(alert, "lintel.alert.events")
    return one_of(get(events[0], "event.action"))
