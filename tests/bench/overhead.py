#!/usr/bin/env python3
"""What watching costs: the same work with and without each sensor, in one run, as ratios.

usage: overhead.py [--lintel build/lintel] [--rounds N] [--quick] [--only WORK]... [--sensor NAME]...
                   [--quark QUARK-MON] [--format text|ndjson]          (root)

Work, at full size: exec (20,000 fork, execve and wait), file (200,000 create, write, close, rename and
unlink on a tmpfs), mmap (1,000,000 map and unmap), compile (400 small C files, two at a time), getpid
(10,000,000; no goal: what every system call pays).

Sensors:
  lintel         watch with all rules of ../shared/rules and the shipped pack; events only for rules
  lintel-events  the same, every event kept (--events, to a file on a tmpfs)
  auditd         its own auditd with a rule for execve, where Debian's auditd is installed and no
                 other audit daemon runs; the rule and the daemon are taken away again
  quark          elastic/quark's quark-mon, text to /dev/null, where --quark names a built one. Its
                 exit hook has to be moved to sched_process_exit on kernels that refuse fentry

Every round does, for each sensor, the work without it and then at once with it. A ratio is the
median over rounds of with / without: by the sum of wall-clock time, by the tenth percentile of the
windows' wall-clock time (which a busy machine moves less), and by CPU time of the work. CPU of a
sensor is its process's user and system time during the work; what BPF programs cost is in the work's
own time, and is shown by the kernel's run-time statistics from one more, shorter run.
"""
import argparse, json, os, shutil, signal, statistics, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.path.join(TOP, "..", "shared")
RULES = [p for p in (os.path.join(SHARED, "rules", d) for d in ("elastic", "elastic-behavior")) if os.path.isdir(p)]
WORK = {"exec": 20000, "file": 200000, "mmap": 1000000, "compile": 400, "getpid": 10000000}
WINDOWS = {"exec": 40, "file": 40, "mmap": 40, "compile": 4, "getpid": 40}
# The goals of issue 4, as ratios of wall-clock time.
GOALS = {("lintel", "exec"): 1.05, ("lintel", "file"): 1.10, ("lintel", "mmap"): 1.05, ("lintel-events", "file"): 1.20}
RESIDENT_GOAL_MB = 80
START_SECONDS = 60

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--lintel", default=os.path.join(TOP, "build", "lintel"))
parser.add_argument("--rounds", type=int)
parser.add_argument("--quick", action="store_true", help="a tenth of the work")
parser.add_argument("--only", action="append", choices=sorted(WORK))
parser.add_argument("--sensor", action="append", choices=("lintel", "lintel-events", "auditd", "quark"))
parser.add_argument("--quark")
parser.add_argument("--format", choices=("text", "ndjson"), default="text")
args = parser.parse_args()
rounds = args.rounds or (2 if args.quick else 3)
works = [w for w in WORK if not args.only or w in args.only]
LOAD = os.path.join(os.path.dirname(os.path.abspath(args.lintel)), "tests", "bench", "load")
scratch = tempfile.mkdtemp(prefix="lintel-overhead-", dir=os.path.dirname(os.path.abspath(args.lintel)))
# A tmpfs of its own: rules ask for all that happens below /tmp, /dev/shm and directories called "work".
work_dir = tempfile.mkdtemp(prefix="lintel-overhead-", dir="/mnt")


def say(text):
    if args.format == "text":
        print(text, flush=True)


def record(**fields):
    if args.format == "ndjson":
        print(json.dumps({k: v for k, v in fields.items() if v is not None}), flush=True)


# ---- work

def size(work):
    return WORK[work] // 10 if args.quick else WORK[work]


def make_sources(directory, count):
    os.makedirs(directory, exist_ok=True)
    for n in range(count):
        with open(os.path.join(directory, "u%d.c" % n), "w") as f:
            f.write("#include <stdio.h>\n#include <string.h>\nstruct s%d { int a; char b[%d]; };\n" % (n, n % 60 + 1))
            for k in range(20):
                f.write("int f%d_%d(struct s%d *s) { return s->a * %d + (int)strlen(s->b); }\n" % (n, k, n, k))


def compile_windows(count, windows):
    directory = os.path.join(work_dir, "sources")
    make_sources(directory, count)
    out = []
    for w in range(windows):
        names = "\n".join("u%d.c" % n for n in range(w, count, windows))
        before, start = os.times(), time.monotonic()
        subprocess.run(["xargs", "-P", "2", "-n", "1", "gcc", "-O1", "-c"], input=names, text=True, check=True, cwd=directory,
                       env=dict(os.environ, CCACHE_DISABLE="1"))
        after = os.times()
        each = 1e9 * windows / count
        cpu = (after.children_user + after.children_system) - (before.children_user + before.children_system)
        out.append(((time.monotonic() - start) * each, cpu * each))
    return out


def do(work):
    """Nanoseconds of wall-clock and CPU time of one operation, by window."""
    count, windows = size(work), WINDOWS[work]
    if work == "compile":
        return compile_windows(count, windows)
    run = subprocess.run([LOAD, work, str(count), str(windows), work_dir], capture_output=True, text=True, check=True)
    return [tuple(float(x) for x in line.split()) for line in run.stdout.splitlines()]


# ---- sensors

class Sensor:
    """A process that watches; `with` starts it and ends it."""
    name, ready, refused = "", None, None

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        self.log = open(os.path.join(scratch, self.name + ".log"), "w+")
        self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=self.log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while self.ready and self.ready not in self.text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("%s did not start:\n%s" % (self.name, self.text()))
            time.sleep(0.1)
        time.sleep(1)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def text(self):
        with open(self.log.name) as f:
            return f.read()

    def cpu(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return max(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024

    def lost(self):
        """What it says it lost, once it has ended; None: it does not say."""
        return None


class Lintel(Sensor):
    name, ready, extra = "lintel", "lintel: watching", ()

    def command(self):
        rules = [x for d in RULES for x in ("--rules", d)]
        return [args.lintel, "watch", "--format", "ndjson", "--state", os.path.join(scratch, "state"), *rules, *self.extra]

    def lost(self):
        last = [line for line in self.text().splitlines() if " events, " in line]
        return "nothing" if last and last[-1].endswith("nothing lost") else self.text().split("lost or incomplete:")[-1].strip().replace("\n", "; ")


class LintelEvents(Lintel):
    name = "lintel-events"

    def __enter__(self):
        self.extra = ("--events", os.path.join(work_dir, "events.ndjson"))
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__()
        os.unlink(os.path.join(work_dir, "events.ndjson"))


class Auditd(Sensor):
    name = "auditd"
    rule = ["always,exit", "-F", "arch=b64", "-S", "execve", "-k", "lintel-bench"]

    def __init__(self):
        if not shutil.which("auditd") or not shutil.which("auditctl"):
            self.refused = "not installed"
        elif "pid 0" not in subprocess.run(["auditctl", "-s"], capture_output=True, text=True).stdout:
            self.refused = "another audit daemon runs"

    def command(self):
        directory = os.path.join(scratch, "auditd")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "auditd.conf"), "w") as f:
            f.write("log_file = %s/audit.log\nlog_format = RAW\nflush = INCREMENTAL_ASYNC\nfreq = 50\nmax_log_file = 4096\n"
                    "max_log_file_action = IGNORE\nspace_left = 75\nadmin_space_left = 50\n" % directory)
        os.chmod(directory, 0o700)
        return ["auditd", "-n", "-c", directory]

    def __enter__(self):
        super().__enter__()
        subprocess.run(["auditctl", "-a", *self.rule], check=True, capture_output=True)
        subprocess.run(["auditctl", "-e", "1"], check=True, capture_output=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["auditctl", "-d", *self.rule], capture_output=True)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        subprocess.run(["auditctl", "-e", "0"], capture_output=True)


class Quark(Sensor):
    name = "quark"

    def __init__(self):
        if not args.quark:
            self.refused = "no --quark"

    def command(self):
        return [args.quark, "-b"]

    def lost(self):
        words = self.text().split()
        return words[-2] if len(words) > 2 and words[-2].isdigit() else None


def sensors():
    for kind in (Lintel, LintelEvents, Auditd, Quark):
        if args.sensor and kind.name not in args.sensor:
            continue
        sensor = kind()
        if sensor.refused:
            say("%s: left out, %s" % (sensor.name, sensor.refused))
        else:
            yield kind


# ---- figures

def tenth(values):
    return sorted(values)[len(values) // 10]


def compare(base, watched):
    """Ratios of one pair of runs."""
    return {"wall": sum(w for w, _ in watched) / sum(w for w, _ in base),
            "p10": tenth([w for w, _ in watched]) / tenth([w for w, _ in base]),
            "cpu": sum(c for _, c in watched) / max(1e-9, sum(c for _, c in base))}


def measure(kind):
    """All rounds of one sensor: by work its ratios, the sensor's CPU seconds; memory and losses."""
    ratios, cpu, base_ns = {w: [] for w in works}, {w: [] for w in works}, {w: [] for w in works}
    memory, lost = [], []
    for _ in range(rounds):
        base = {w: do(w) for w in works}
        with kind() as sensor:
            for w in works:
                before = sensor.cpu()
                ratios[w].append(compare(base[w], do(w)))
                time.sleep(0.2)
                cpu[w].append(sensor.cpu() - before)
                base_ns[w].append(statistics.median(x for x, _ in base[w]))
            memory.append(sensor.memory())
        lost.append(sensor.lost())
    return ratios, cpu, base_ns, max(memory), lost


def report(name, ratios, cpu, base_ns, memory, lost):
    say("\n%s: at most %.0f MB resident%s; lost: %s" % (
        name, memory, " (goal %d)" % RESIDENT_GOAL_MB if name.startswith("lintel") else "", ", ".join(sorted(set(map(str, lost))))))
    say("  %-8s %12s %8s %8s %8s %14s  %s" % ("work", "alone, ns", "wall", "p10", "cpu", "sensor CPU, s", "goal"))
    for w in works:
        middle = {k: statistics.median(r[k] for r in ratios[w]) for k in ("wall", "p10", "cpu")}
        goal = GOALS.get((name, w))
        verdict = "" if goal is None else "<= %.2f %s" % (goal, "met" if min(middle["wall"], middle["p10"]) <= goal else "NOT met")
        say("  %-8s %12s %8.3f %8.3f %8.3f %14.2f  %s" % (
            w, format(int(statistics.median(base_ns[w])), ","), middle["wall"], middle["p10"], middle["cpu"], statistics.median(cpu[w]), verdict))
        record(sensor=name, work=w, count=size(w), rounds=rounds, alone_ns=round(statistics.median(base_ns[w]), 1), **{k: round(v, 4) for k, v in middle.items()},
               sensor_cpu_s=round(statistics.median(cpu[w]), 3), goal=goal, resident_mb=round(memory, 1), lost=lost[-1])


def programs():
    """Run count and time of every loaded BPF program, by name."""
    out = subprocess.run(["bpftool", "prog", "show", "-j"], capture_output=True, text=True,
                         env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")).stdout
    return {p["id"]: (p.get("name", "?"), p.get("run_cnt", 0), p.get("run_time_ns", 0)) for p in json.loads(out or "[]") if isinstance(p, dict)}


def kernel_side():
    """What the kernel says its programs took, from one run at a tenth of the size."""
    switch = "/proc/sys/kernel/bpf_stats_enabled"
    args.quick = True
    with Lintel() as _:
        with open(switch, "w") as f:
            f.write("1")
        try:
            for w in works:
                before = programs()
                do(w)
                after = programs()
                for key, (name, runs, spent) in sorted(after.items(), key=lambda item: -item[1][2]):
                    old = before.get(key, (name, 0, 0))
                    if runs - old[1] > size(w) // 10:
                        say("  %-8s %-18s %10s runs %8.0f ns each" % (w, name, format(runs - old[1], ","), (spent - old[2]) / (runs - old[1])))
                        record(work=w, program=name, runs=runs - old[1], ns_each=round((spent - old[2]) / (runs - old[1]), 1))
        finally:
            with open(switch, "w") as f:
                f.write("0")


if os.geteuid() != 0:
    sys.exit("overhead.py: needs root, for the sensors")
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", work_dir], check=True)
try:
    say("load average %.2f; %d CPUs; %d rounds%s" % (os.getloadavg()[0], os.cpu_count(), rounds, ", a tenth of the work" if args.quick else ""))
    if not RULES:
        say("../shared/rules is absent: the shipped rules alone")
    for kind in list(sensors()):
        report(kind.name, *measure(kind))
    if not args.sensor or "lintel" in args.sensor:
        say("\nlintel's programs, by the kernel's run-time statistics (which add to every run):")
        kernel_side()
finally:
    subprocess.run(["umount", work_dir])
    os.rmdir(work_dir)
    shutil.rmtree(scratch, ignore_errors=True)
