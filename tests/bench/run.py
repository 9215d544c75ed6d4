#!/usr/bin/env python3
"""Events per second of `lintel hunt`, beside the time the JSON parser alone takes on the same input.

usage: run.py [--lintel build/lintel] [--events N] [--rounds N] [--input PATH]... [--rules PATH]...

Rules: the shipped pack and, when it is there, ../shared/rules/elastic; event rules only, in runs of
1, 10, 100 and all of them, spread evenly over the list. Input: generated events of about 1 KB
(generate.py, kept in build/bench), read several times over by one process so that start-up does not
show; or the --input paths, each a measurement of its own, e.g. ../shared/corpus.

Every round runs parse_only (the JSON reader over every value, no events, no rules) and each number
of rules once, one after another; user + system CPU time is what counts, the best and the median of
all rounds are shown. `ratio` is the best hunt by the best parse_only, start-up included.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED_RULES = os.path.join(TOP, "..", "shared", "rules", "elastic")
# Read this often by one process: about a million events a run.
REPEATS = 5
GOAL = 2.5

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--lintel", default=os.path.join(TOP, "build", "lintel"))
parser.add_argument("--events", type=int, default=200000)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--input", action="append", default=[])
parser.add_argument("--rules", action="append", default=[])
args = parser.parse_args()
parse_only = os.path.join(os.path.dirname(os.path.abspath(args.lintel)), "tests", "bench", "parse_only")


def generated():
    path = os.path.join(TOP, "build", "bench", "events-%d.ndjson" % args.events)
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "wb") as out:
            subprocess.run([sys.executable, os.path.join(TOP, "tests", "bench", "generate.py"), str(args.events)],
                           stdout=out, check=True)
        os.rename(path + ".new", path)
    return path


def peak_kb(pid):
    """The high-water mark of the program itself: ru_maxrss would include this script, which it was before exec."""
    try:
        for line in open("/proc/%d/status" % pid):
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def run(command):
    """(CPU seconds, peak RSS in MB, stdout) of one run."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        pid, peak = 0, 0
        while not pid:
            peak = max(peak, peak_kb(process.pid))
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0 if pid else 0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        if process.returncode:
            sys.exit("%s: exit %d\n%s" % (command[0], process.returncode, err.read().decode("utf-8", "replace")[-2000:]))
        out.seek(0)
        return usage.ru_utime + usage.ru_stime, peak / 1024, out.read()


def event_rules():
    """Files of the rules that load, i.e. event rules; whatever else is in them is skipped by lintel."""
    paths = args.rules or [os.path.join(TOP, "rules")]
    if not args.rules:
        if os.path.isdir(SHARED_RULES):
            paths.append(SHARED_RULES)
        else:
            print("no ../shared/rules/elastic here: the shipped pack alone")
    p = subprocess.run([args.lintel, "rules", "check", "--format", "ndjson", *paths], capture_output=True)
    rows = [json.loads(line) for line in p.stdout.splitlines()]
    files = [row["path"] for row in rows if row.get("state") == "loaded"]
    if not files:
        sys.exit("no rule loads from %s" % ", ".join(paths))
    return files


def spread(files, n):
    return [files[i * len(files) // n] for i in range(n)]


def hunt(files, inputs):
    command = [args.lintel, "hunt", "--no-default-rules", "--format", "ndjson"]
    for path in files:
        command += ["--rules", path]
    return command + inputs


def measure(title, inputs, files):
    sizes = sorted({n for n in (1, 10, 100, len(files)) if n <= len(files)})
    commands = [("JSON parser alone", [parse_only, *inputs])]
    commands += [("hunt, %d rule%s" % (n, "" if n == 1 else "s"), hunt(spread(files, n), inputs)) for n in sizes]
    results = [[] for _ in commands]
    for _ in range(args.rounds):
        for i, (_, command) in enumerate(commands):
            results[i].append(run(command))
    events = int(results[0][0][2])
    alone = min(r[0] for r in results[0])
    start = min(run(hunt(files, ["/dev/null"]))[0] for _ in range(args.rounds))
    print("\n%s: %s events, %d rounds" % (title, format(events, ","), args.rounds))
    print("%-20s %12s %12s %9s %7s %8s" % ("", "events/s", "median", "ns/event", "ratio", "peak MB"))
    for (name, _), runs in zip(commands, results):
        best, median = min(r[0] for r in runs), statistics.median(r[0] for r in runs)
        print("%-20s %12s %12s %9.0f %7.2f %8.1f" % (name, format(int(events / best), ","), format(int(events / median), ","),
                                                  best / events * 1e9, best / alone, max(r[1] for r in runs)))
    ratio = min(r[0] for r in results[-1]) / alone
    print("start-up with all rules: %.0f ms CPU. Goal with all rules: at most %.1f x the parser alone: %.2f, %s"
          % (start * 1e3, GOAL, ratio, "met" if ratio <= GOAL else "NOT met"))


rules = event_rules()
print("%d event rules; best and median of interleaved runs, user + system CPU time" % len(rules))
for path in args.input:
    measure(path, [path], rules)
if not args.input:
    measure("generated", [generated()] * REPEATS, rules)
