#!/usr/bin/env python3
"""How fast lintel is, and what it needs: one run, each figure beside its goal.

usage: run.py [--lintel build/lintel] [--quick] [--only SECTION]... [--rounds N] [--format text|ndjson]

Sections, in this order:
  rules      time and memory to load and compile all rules
  corpus     hunting over ../shared/corpus (recorded package installs), unpacked once into build/bench
  generated  hunting over a generated file of 1 GB of mixed endpoint events (generate.py, fixed seed)
  peer       events per second beside python-eql's, on events of the same make as were measured there
  stress     one sequence rule with ten thousand to a million live join keys

Hunting is measured beside the JSON parser alone on the same input (parse_only: every document parsed
and every value of it visited, no event, no rule): the ratio is what lintel adds. Rules: the event and
sequence rules (type eql) of ../shared/rules/elastic and elastic-behavior, and where it is said all
rules that run, of whatever type; where those directories are absent the shipped pack alone, and the
output says so. Ten rules are spread evenly over the list of files.

Times are user + system CPU time of the process, start-up included, the least of all rounds; only where
threads are compared it is wall-clock time. Inputs are read once before, so that they are in memory.
--quick: a quarter of the input or less, where start-up shows, and fewer rounds. Figures of a busy machine are no figures: look at `load`.
"""
import argparse, hashlib, json, os, platform, re, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.path.join(TOP, "..", "shared")
RULES = [os.path.join(SHARED, "rules", d) for d in ("elastic", "elastic-behavior")]
CACHE = os.path.join(TOP, "build", "bench")
SEED = 1
# What python-eql 1.0.0 did with 265 rules and JSON in, in events per second of CPU time of one core
# (../shared/eql-peer.md, another machine of this make), and the shares of its events.
PEER_EVENTS_PER_SECOND = 460
PEER_MIX = "68,22,10,0"

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--lintel", default=os.path.join(TOP, "build", "lintel"))
parser.add_argument("--quick", action="store_true")
parser.add_argument("--only", action="append", choices=("rules", "corpus", "generated", "peer", "stress"))
parser.add_argument("--rounds", type=int)
parser.add_argument("--format", choices=("text", "ndjson"), default="text")
args = parser.parse_args()
bench_programs = os.path.join(os.path.dirname(os.path.abspath(args.lintel)), "tests", "bench")
rounds = args.rounds or (2 if args.quick else 3)
has_threads = "--threads" in subprocess.run([args.lintel, "hunt", "--help"], capture_output=True, text=True).stdout


# ---- output

def say(text=""):
    if args.format == "text":
        print(text, flush=True)


def section(title):
    say("\n" + title)
    say("  %-46s %14s  %-10s %10s  %s" % ("", "figure", "", "goal", ""))


def figure(name, value, unit, goal=None, limit=None, most=True, note=""):
    """One figure. `most`: the goal is an upper bound; `limit` is what it must never pass."""
    def within(bound):
        return value <= bound if most else value >= bound
    verdict = ""
    if goal is None and limit is not None:
        goal, limit = limit, None
    if goal is not None:
        verdict = "met" if within(goal) else "within the limit" if limit is not None and within(limit) else "NOT met"
    if args.format == "ndjson":
        record = {"name": name, "value": round(value, 4), "unit": unit, "goal": goal, "limit": limit, "verdict": verdict or None, "note": note or None}
        print(json.dumps({k: v for k, v in record.items() if v is not None}), flush=True)
        return
    shown = format(int(round(value)), ",") if abs(value) >= 100 else "%.2f" % value
    bound = "" if goal is None else ("<= " if most else ">= ") + ("%g" % goal if goal < 1000 else format(int(goal), ","))
    say("  %-46s %14s  %-10s %10s  %s" % (name, shown, unit, bound, " ".join(x for x in (verdict, note) if x)))


# ---- running

class Run:
    """CPU and wall-clock seconds, peak memory in MB, what was printed."""

    def __init__(self, command, stdin=None):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            began = time.monotonic()
            process = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err)
            pid, peak = 0, 0
            while not pid:
                peak = max(peak, peak_kb(process.pid))
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                time.sleep(0 if pid else 0.005)
            self.wall = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            self.out, self.err = out.read(), err.read().decode("utf-8", "replace")
            if process.returncode:
                sys.exit("%s: exit %d\n%s" % (" ".join(command[:3]), process.returncode, self.err[-2000:]))
            self.cpu, self.peak = usage.ru_utime + usage.ru_stime, peak / 1024


def peak_kb(pid):
    """The high-water mark of the program itself: ru_maxrss would include this script, which it was before exec."""
    try:
        for line in open("/proc/%d/status" % pid):
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def in_turn(commands, times=rounds):
    """Every command once, then again: what disturbs the machine disturbs all of them."""
    runs = [[] for _ in commands]
    for _ in range(times):
        for i, command in enumerate(commands):
            runs[i].append(Run(command))
    return runs


def cpu(runs):
    return min(r.cpu for r in runs)


def hunt(rules, inputs, threads=1):
    command = [args.lintel, "hunt", "--no-default-rules", "--format", "ndjson"]
    if has_threads:
        command += ["--threads", str(threads)]
    for path in rules:
        command += ["--rules", path]
    return command + inputs


def cached(name, make):
    """A file in build/bench, made once."""
    path = os.path.join(CACHE, name)
    if not os.path.exists(path):
        os.makedirs(CACHE, exist_ok=True)
        say("making %s" % os.path.relpath(path, TOP))
        with open(path + ".new", "wb") as out:
            subprocess.run(make, stdout=out, stderr=subprocess.DEVNULL, check=True)
        os.rename(path + ".new", path)
    return path


GENERATOR = os.path.join(TOP, "tests", "bench", "generate.py")


def generate(*flags):
    return [sys.executable, GENERATOR, "--seed", str(SEED), *flags]


def generated(name, *flags):
    """Made again when the generator has changed."""
    with open(GENERATOR, "rb") as f:
        version = hashlib.sha256(f.read()).hexdigest()[:8]
    return cached("%s-%s.ndjson" % (name, version), generate(*flags))


# ---- rules

def loaded(paths, *types):
    """Files of the rules that run, of these types or of any."""
    p = subprocess.run([args.lintel, "rules", "check", "--format", "ndjson", *paths], capture_output=True)
    rows = [json.loads(line) for line in p.stdout.splitlines() if line.startswith(b"{")]
    return [row["path"] for row in rows if row.get("state") == "loaded" and (not types or row.get("type") in types)]


def rule_files():
    """(directories, files of event and sequence rules, number of all that run)"""
    paths = [p for p in RULES if os.path.isdir(p)]
    if not paths:
        say("../shared/rules is not here: the shipped pack alone")
        paths = [os.path.join(TOP, "rules")]
    files = loaded(paths, "eql")
    if not files:
        sys.exit("no rule loads from %s" % ", ".join(paths))
    return paths, files, len(loaded(paths))


def spread(files, n):
    return [files[i * len(files) // n] for i in range(n)]


def bench_rules():
    section("rules: loading and compiling all %d rules" % all_count)
    runs = [Run(hunt(paths, ["/dev/null"])) for _ in range(max(rounds, 5))]
    figure("time (CPU, whole program)", cpu(runs), "s", goal=0.5)
    figure("memory (peak, whole program)", max(r.peak for r in runs), "MB", goal=64)


# ---- hunting

def bench_input(title, path):
    with open(path, "rb") as f:     # into the page cache
        while f.read(1 << 24):
            pass
    few = min(10, len(files))
    parser_alone = [os.path.join(bench_programs, "parse_only"), path]
    alone, with_few, with_eql, with_all = in_turn([parser_alone, hunt(spread(files, few), [path]), hunt(files, [path]), hunt(paths, [path])])
    events = int(alone[0].out)
    section("%s: %s events, %.0f MB, %d alerts; CPU, one thread, best of %d"
            % (title, format(events, ","), os.path.getsize(path) / 1e6, with_eql[0].out.count(b"\n"), rounds))

    def per_event(runs):
        return cpu(runs) / events * 1e9
    figure("JSON parser alone", per_event(alone), "ns/event")
    figure("hunt, %d rules" % few, per_event(with_few), "ns/event")
    figure("hunt, %d event and sequence rules" % len(files), per_event(with_eql), "ns/event", note="%s events/s" % format(int(events / cpu(with_eql)), ","))
    figure("ratio to the parser alone", cpu(with_eql) / cpu(alone), "x", goal=1.5, limit=2.5)
    figure("growth from %d rules to these" % few, cpu(with_eql) / cpu(with_few), "x", goal=1.3)
    if all_count > len(files):
        figure("hunt, %d rules of all types" % all_count, per_event(with_all), "ns/event")
        figure("ratio to the parser alone", cpu(with_all) / cpu(alone), "x", limit=2.5)
    figure("peak memory", max(r.peak for r in with_eql), "MB")
    bench_threads(path)
    where_it_goes(path)


def bench_threads(path):
    if not has_threads or (os.cpu_count() or 1) < 2:
        say("  two threads: not here")
        return
    one, two = in_turn([hunt(files, [path]), hunt(files, [path], 2)])
    figure("two threads, wall clock", min(r.wall for r in one) / min(r.wall for r in two), "x faster", goal=1.8, most=False)
    if one[0].out != two[0].out:
        sys.exit("two threads give other alerts than one")


def first_lines(path, size):
    """So many bytes of a file, ended at a line."""
    with open(path, "rb") as f:
        text = f.read(size)
    part = os.path.join(CACHE, "part.ndjson")
    with open(part, "wb") as out:
        out.write(text[:text.rindex(b"\n") + 1])
    return part


def where_it_goes(path):
    """match_cost tells the parts that it does itself, what hunting takes beyond them is the rest."""
    part = first_lines(path, 100000000)
    program = [os.path.join(bench_programs, "match_cost"), "--no-check"]
    for rule in files:
        program += ["--rules", rule]
    text = Run(program + [part]).out.decode()
    cost = {name: float(ns) for name, ns in re.findall(r"^(\w+)\s*(?:, %d rules)?\s+(\d+)\s+[\d.]+$" % len(files), text, re.M)}
    events = int(re.search(r"([\d,]+) events", text).group(1).replace(",", ""))
    hunting, starting = in_turn([hunt(files, [part]), hunt(files, ["/dev/null"])])
    rest = (cpu(hunting) - cpu(starting)) / events * 1e9 - cost["match"]
    say("\n  where the time goes, %d rules, first %.0f MB, without start-up" % (len(files), os.path.getsize(part) / 1e6))
    for name, ns in (("parse, visit every value (the yardstick)", cost["parse"]), ("read: values that rules name, into an event", cost["read"] - cost["parse"]),
                     ("engine: all rules matched", cost["match"] - cost["read"]), ("keeping, detector, sequences, alerts, output", rest)):
        figure(name, ns, "ns/event", note="%.2f x" % (ns / cost["parse"]))


def bench_corpus():
    corpus = os.path.join(SHARED, "corpus")
    if not os.path.isdir(corpus):
        say("\n../shared/corpus is not here: the generated events alone")
        return
    path = cached("corpus.ndjson", [args.lintel, "query", "any where true", corpus])
    if args.quick:
        path = cached("corpus-quick.ndjson", ["head", "-c", "250000000", path])
    bench_input("corpus", path)


def bench_generated():
    size = 250000000 if args.quick else 1000000000
    bench_input("generated", generated("generated-%d" % size, "--bytes", str(size)))


# ---- the peer

def bench_peer():
    events = 200000 if args.quick else 1000000
    path = generated("peer-%d" % events, "--events", str(events), "--mix", PEER_MIX)
    runs = [Run(hunt(files, [path])) for _ in range(rounds)]
    rate = events / cpu(runs)
    section("peer: python-eql with 265 rules, figure recorded in ../shared/eql-peer.md, not measured here")
    figure("python-eql, 265 rules, CPU of one core", PEER_EVENTS_PER_SECOND, "events/s")
    figure("lintel, %d rules, CPU of one thread" % len(files), rate, "events/s")
    figure("ratio", rate / PEER_EVENTS_PER_SECOND, "x", goal=1000, limit=500, most=False)


# ---- sequences

STRESS_RULE = """
[rule]
rule_id = "00000000-0000-4000-8000-00000000bead"
name = "Sequence stress"
description = "A process, then a connection of it."
type = "eql"
language = "eql"
severity = "low"
risk_score = 1
query = '''
sequence by process.entity_id with maxspan=10m
  [process where event.action == "exec"]
  [network where event.action == "connection_attempted"]
'''
"""


# A live key is a partial sequence with its event's document: about 500 bytes.
STRESS_MEGABYTES = 1024


def stressed(rule, keys, events):
    """Piped, for ten million events are a large file."""
    maker = subprocess.Popen(generate("--stress", str(keys), "--events", str(events)), stdout=subprocess.PIPE)
    run = Run(hunt([rule], ["--state-memory", str(STRESS_MEGABYTES), "-"]), stdin=maker.stdout)
    maker.stdout.close()
    if maker.wait():
        sys.exit("generate.py failed")
    return run


def bench_stress():
    rule = os.path.join(CACHE, "stress.toml")
    os.makedirs(CACHE, exist_ok=True)
    with open(rule, "w") as f:
        f.write(STRESS_RULE)
    if not loaded([rule]):
        say("\nstress: this lintel runs no sequences")
        return
    events = 4000000 if args.quick else 10000000
    section("stress: %s events, one sequence by process.entity_id with maxspan=10m, at most %d MB of state; CPU, one thread"
            % (format(events, ","), STRESS_MEGABYTES))
    base = None
    for keys in (10000, 100000, 1000000):
        run = stressed(rule, keys, events)
        cost = run.cpu / events * 1e9
        base = base or cost
        matches = re.search(r"([\d,]+) match", run.err)
        figure("%s live keys" % format(keys, ","), cost, "ns/event", note="%.0f MB peak, %s matches" % (run.peak, matches.group(1) if matches else "?"))
        for line in run.err.splitlines():
            if "dropped" in line or "later than" in line:
                say("    lost: " + line.strip())
    figure("cost with 1,000,000 keys to 10,000", cost / base, "x", note="1 is flat; the table no longer fits the cache")


def main():
    global paths, files, all_count
    say("lintel's bench: %s, %d CPUs, load %s" % (platform.machine(), os.cpu_count(), " ".join("%.1f" % l for l in os.getloadavg())))
    paths, files, all_count = rule_files()
    say("%d event and sequence rules, %d rules of all types, from %s" % (len(files), all_count, ", ".join(os.path.relpath(p, TOP) for p in paths)))
    for name in args.only or ("rules", "corpus", "generated", "peer", "stress"):
        globals()["bench_" + name]()
    say("\nload at the end %s" % " ".join("%.1f" % l for l in os.getloadavg()))


main()
