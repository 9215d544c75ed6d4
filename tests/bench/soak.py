#!/usr/bin/env python3
"""A long watch under mixed load: memory stays flat, nothing is lost, every event has its lineage; then
kill -9 and restart, ten times: the state is intact.

usage: soak.py [--lintel build/lintel] [--minutes N] [--kills N] [--format text|ndjson]          (root)

The load runs in a tree of its own below --root-pid: programs, scripts, file changes, connections over
loopback, executable mappings, one batch after the other with a pause between them. Each batch says what
it did; the events are read as they come and counted against it. All rules of ../shared/rules are loaded
where they are there, and the shipped ones.
"""
import argparse, collections, json, os, shutil, signal, statistics, subprocess, sys, tempfile, threading, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = [p for p in (os.path.join(TOP, "..", "shared", "rules", d) for d in ("elastic", "elastic-behavior")) if os.path.isdir(p)]
START_SECONDS = 60
SAMPLE_SECONDS = 5
# What memory may grow from the second quarter of the time to the last: noise of an allocator.
GROWTH_MAX = 1.03

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--lintel", default=os.path.join(TOP, "build", "lintel"))
parser.add_argument("--minutes", type=float, default=30)
parser.add_argument("--kills", type=int, default=10)
parser.add_argument("--format", choices=("text", "ndjson"), default="text")
args = parser.parse_args()

# One batch: 40 programs, 30 files made, written, renamed, removed, a script with an interpreter, a
# connection. Every number is part of what is checked below.
BATCH = """
cd "$DIR" || exit 1
while [ ! -e stop ]; do
    for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; /bin/echo $i; /bin/sh -c 'exit 3'; ./script.sh; done >/dev/null
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        echo $i > made.$i; mv made.$i kept.$i; rm kept.$i
    done
    python3 connect.py
    batches=$((batches + 1))
    echo $batches > done.new; mv done.new done
    /bin/sleep 0.05
done
"""
EXPECTED = {  # events of one batch, by action and what tells it
    ("exec", "true"): 10, ("exec", "echo"): 10, ("exec", "script.sh"): 10, ("exec", "python3"): 1,
    ("creation", "made"): 30, ("rename", "kept"): 30, ("deletion", "kept"): 30,
    ("connection_attempted", ""): 1,
}
CONNECT = """
import socket
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1)
client = socket.create_connection(listener.getsockname())
peer, _ = listener.accept()
client.sendall(b"x" * 100)
peer.recv(100)
client.close(); peer.close(); listener.close()
"""


def get(event, field):
    if field in event:
        return event[field]
    for part in field.split("."):
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return event


class Reader(threading.Thread):
    """Counts the events that come over a FIFO, and those without lineage."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.counts, self.total = path, collections.Counter(), 0
        self.orphans, self.examples, self.lost = 0, [], 0
        self.start()

    def run(self):
        with open(self.path, "rb") as f:
            for line in f:
                self.take(json.loads(line))

    def take(self, event):
        action = get(event, "event.action")
        action = action[0] if isinstance(action, list) else action
        self.total += 1
        if action == "events_lost":
            self.lost += 1
            return
        if not get(event, "process.entity_id") or not get(event, "process.parent.entity_id"):
            self.orphans += 1
            if len(self.examples) < 3:
                self.examples.append(json.dumps(event)[:500])
        if action == "exec":
            self.counts[action, os.path.basename(get(event, "process.executable") or "")] += 1
        elif action in ("creation", "rename", "deletion"):
            self.counts[action, (get(event, "file.name") or "").split(".")[0]] += 1
        else:
            self.counts[action, ""] += 1


class Watch:
    def __init__(self, scratch, load_pid, events=None):
        self.log_path = os.path.join(scratch, "watch.log")
        rules = [x for d in RULES for x in ("--rules", d)]
        command = [args.lintel, "watch", "--format", "ndjson", "--state", os.path.join(scratch, "state"), "--root-pid", str(load_pid), *rules]
        self.log = open(self.log_path, "w+")
        self.process = subprocess.Popen(command + (["--events", events] if events else []), stdout=subprocess.DEVNULL, stderr=self.log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while "lintel: watching" not in self.text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("soak.py: lintel does not watch:\n" + self.text())
            time.sleep(0.1)

    def text(self):
        with open(self.log_path) as f:
            return f.read()

    def memory(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return max(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024

    def cpu(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(120)


failures = []


def check(name, good, text):
    if not good:
        failures.append(name)
    if args.format == "ndjson":
        print(json.dumps({"check": name, "ok": bool(good), "text": text}), flush=True)
    else:
        print("%-6s %s: %s" % ("ok" if good else "NOT OK", name, text), flush=True)


def start_load(directory):
    """A shell that waits for `go`, so that the watch sees all it does."""
    os.makedirs(directory)
    with open(os.path.join(directory, "script.sh"), "w") as f:
        f.write("#!/bin/sh\n:\n")
    os.chmod(os.path.join(directory, "script.sh"), 0o755)
    with open(os.path.join(directory, "connect.py"), "w") as f:
        f.write(CONNECT)
    script = 'while [ ! -e "$DIR/go" ]; do /bin/sleep 0.1; done\n' + BATCH
    return subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", "ip link set lo up 2>/dev/null; " + script],
                            env=dict(os.environ, DIR=directory), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def batches_of(directory):
    try:
        with open(os.path.join(directory, "done")) as f:
            return int(f.read())
    except (OSError, ValueError):
        return 0


def soak(scratch):
    directory, fifo = os.path.join(scratch, "load"), os.path.join(scratch, "events")
    os.mkfifo(fifo)
    load = start_load(directory)
    reader = Reader(fifo)
    watch = Watch(scratch, load.pid, fifo)
    samples, end = [], time.monotonic() + args.minutes * 60
    open(os.path.join(directory, "go"), "w").close()
    try:
        while time.monotonic() < end:
            time.sleep(min(SAMPLE_SECONDS, max(0.1, end - time.monotonic())))
            samples.append(watch.memory())
            if watch.process.poll() is not None:
                sys.exit("soak.py: lintel ended:\n" + watch.text())
            if sys.stderr.isatty():
                sys.stderr.write("\r%d s left, %d events, %.1f MB " % (end - time.monotonic(), reader.total, samples[-1]))
    finally:
        open(os.path.join(directory, "stop"), "w").close()
        load.wait(60)
    time.sleep(3)
    cpu = watch.cpu()
    status = watch.end(signal.SIGTERM)
    reader.join(30)
    done, said = batches_of(directory), watch.text()
    quarter = max(1, len(samples) // 4)
    early, late = statistics.median(samples[quarter:2 * quarter] or samples), statistics.median(samples[-quarter:])
    check("memory", late <= early * GROWTH_MAX, "%.1f MB in the second quarter, %.1f MB in the last, at most %.1f MB" % (early, late, max(samples)))
    wrong = {k: (reader.counts[k], n * done) for k, n in EXPECTED.items() if reader.counts[k] != n * done}
    check("events", not wrong and done > 0, "%d batches, %d events, %.0f a second; not as many as done: %s" % (done, reader.total, reader.total / (args.minutes * 60), wrong or "none"))
    check("loss", reader.lost == 0 and "events lost" not in said and "held back" not in said, said.strip().splitlines()[-1])
    check("lineage", reader.orphans == 0, "%d of %d events without the process's or its parent's id %s" % (reader.orphans, reader.total, " ".join(reader.examples)))
    check("end", status == 0, "exit status %d; %.1f s of CPU time in %.0f s" % (status, cpu, args.minutes * 60))


def restart(scratch):
    """kill -9 under load, start again on the same state."""
    state = os.path.join(scratch, "state")
    bad = []
    for n in range(args.kills):
        directory = os.path.join(scratch, "load-%d" % n)
        load = start_load(directory)
        watch = Watch(scratch, load.pid)
        open(os.path.join(directory, "go"), "w").close()
        time.sleep(1 + n % 3)
        watch.end(signal.SIGKILL)
        open(os.path.join(directory, "stop"), "w").close()
        load.wait(60)
        said = watch.text()
        bad += [line for line in said.splitlines() if "state" in line and ("cannot" in line or "error" in line or "broken" in line)]
        for name in os.listdir(state):
            if not name.endswith("json"):
                continue
            with open(os.path.join(state, name), "rb") as f:
                data = f.read()
            # what was being written when the process died may lack its end; nothing before it may
            lines = data.split(b"\n")[:-1] if name.endswith(".ndjson") else [data]
            for number, line in enumerate(lines, 1):
                try:
                    json.loads(line)
                except ValueError:
                    bad.append("%s:%d is not JSON after kill %d" % (name, number, n + 1))
    load = start_load(os.path.join(scratch, "load-last"))
    watch = Watch(scratch, load.pid)
    open(os.path.join(scratch, "load-last", "go"), "w").close()
    open(os.path.join(scratch, "load-last", "stop"), "w").close()
    load.wait(60)
    status = watch.end(signal.SIGTERM)
    check("restart", not bad and status == 0, "%d times kill -9 and start; %s" % (args.kills, "; ".join(bad[:5]) or "state intact"))


if os.geteuid() != 0:
    sys.exit("soak.py: needs root")
scratch = tempfile.mkdtemp(prefix="lintel-soak-")
try:
    soak(scratch)
    restart(scratch)
finally:
    shutil.rmtree(scratch, ignore_errors=True)
sys.exit(1 if failures else 0)
