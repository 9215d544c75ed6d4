#!/usr/bin/env python3
"""Random EQL queries over random events: does lintel give the same results as an independent evaluator?

usage: eql_differential.py [--pairs N | --seconds N] [--seed N] [--processes N] [--tap]

  --pairs N       so many pairs of a query and events (default 20000)
  --seconds N     or as many as fit
  --seed N        default: taken from the clock, and printed. The same seed gives the same pairs.
  --first N       leave out the pairs before this one (to look at one: --first N --pairs 1)
  --kind K        only event queries, or only sequences
  --program P     lintel's side (default: build/tests/fuzz/eql_pairs; one built with sanitizers is fine)
  --tap           for tests/run.py: half of the time with a fixed seed, half with a new one

The other evaluator is ../shared/conformance/eql_reference.py, read from there and never copied; where
it is absent there is nothing to compare with. Both get the same queries and events (eql_random.py) and
say which events, or groups of events, are results, in which order. A difference is printed with the
smallest query and events that still show it. Exit status: 0 none, 1 some, 2 could not run.

The generator keeps away from what both are known to see differently; EXPLAINED has what it cannot.
"""
import argparse, collections, importlib.util, json, multiprocessing, os, random, subprocess, sys, time

sys.dont_write_bytecode = True     # under sudo it would be root's; ../shared is not ours to write to
import eql_random

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REFERENCE = os.path.join(TOP, "..", "shared", "conformance", "eql_reference.py")
FIXED_SEED = 20240131
# Pairs per run of lintel's side: its start costs nothing then, and work is spread evenly.
CHUNK = 500
# Differences shown in full; more have mostly the same cause.
SHOWN_MAX = 5

# (reason, test of (query text, events, reference's answer, lintel's answer)).
EXPLAINED = []

reference = None


def load_reference():
    spec = importlib.util.spec_from_file_location("eql_reference", REFERENCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reference_answer(text, events, pair):
    """Results as lists of positions in `events`, or {"refused": why}."""
    try:
        found = reference.run(text, events, tiebreaker=pair.tiebreaker, size=pair.size)
    except reference.EqlError as e:
        return {"refused": str(e)}
    place = {id(e): i for i, e in enumerate(events)}
    return [[None if e is None else place[id(e)] for e in group] for group in found]


def condition_holds(condition, event):
    try:
        return bool(reference.run("any where " + condition, [event]))
    except Exception:       # of its types: the pair that has it is reported
        return True


def header(text, events, pair):
    h = {"query": text, "events": len(events)}
    for name in ("way", "tiebreaker", "size", "tolerance", "reload"):
        if getattr(pair, name) is not None:
            h[name] = getattr(pair, name)
    return h


def lintel_answers(program, pairs):
    """One answer for each (text, events, pair); after a crash {"died": ...} for the one it was."""
    lines = []
    for text, events, pair in pairs:
        lines.append(json.dumps(header(text, events, pair)))
        lines.extend(json.dumps(e, ensure_ascii=False) for e in events)
    p = subprocess.run([program], input=("\n".join(lines) + "\n").encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    answers = [json.loads(l) for l in p.stdout.splitlines()]
    if p.returncode or len(answers) < len(pairs):
        answers = answers[:len(pairs) - 1]
        answers.append({"died": "status %d\n%s" % (p.returncode, p.stderr.decode("utf-8", "replace")[-3000:])})
        answers += [None] * (len(pairs) - len(answers))
    return answers


def in_order(answer):
    """Results that the same event completed (several join keys) have no order among themselves."""
    def last(group):
        return [e for e in group if e is not None][-1]
    out, same = [], []
    for group in answer:
        if same and last(group) != last(same[0]):
            out += sorted(same, key=str)
            same = []
        same.append(group)
    return out + sorted(same, key=str)


def differ(expected, got):
    if got is None:
        return False
    if isinstance(expected, dict) or isinstance(got, dict):
        return not (isinstance(expected, dict) and isinstance(got, dict) and "refused" in got)
    return expected != got and in_order(expected) != in_order(got)


def explanation(text, events, expected, got):
    for reason, test in EXPLAINED:
        if test(text, events, expected, got):
            return reason
    return None


def minimised(program, pair):
    """The smallest query and events found that still differ, unexplained."""
    def still(q, e):
        text = eql_random.query_text(q)
        try:
            expected = reference_answer(text, e, pair)
        except Exception:
            return False
        # Refused by one side only must not be traded for another difference.
        if isinstance(expected, dict):
            return False
        got = lintel_answers(program, [(text, e, pair)])[0]
        return differ(expected, got) and not explanation(text, e, expected, got)

    query, events, tries, improved = pair.query, pair.events, 600, True
    if not still(query, events):
        return query, events
    while improved and tries > 0:
        improved = False
        candidates = [(query, e) for e in eql_random.smaller_events(events)] + [(q, events) for q in eql_random.smaller_queries(query)]
        for q, e in candidates:
            tries -= 1
            if tries <= 0:
                break
            if eql_random.size_of(q, e) < eql_random.size_of(query, events) and e and still(q, e):
                query, events, improved = q, e, True
                break
    return query, events


def report(program, number, pair, text, expected, got):
    query, events = minimised(program, pair)
    small = eql_random.query_text(query)
    out = ["pair %d: %s" % (number, json.dumps(header(text, pair.events, pair))), 
           "reference: " + json.dumps(expected), "lintel:    " + json.dumps(got)]
    out += ["event %d: %s" % (i, json.dumps(e, ensure_ascii=False)) for i, e in enumerate(pair.events)]
    out.append("smallest: " + small)
    try:
        out.append("reference: " + json.dumps(reference_answer(small, events, pair)))
    except Exception as e:
        out.append("reference: %r" % e)
    out.append("lintel:    " + json.dumps(lintel_answers(program, [(small, events, pair)])[0]))
    out += ["event %d: %s" % (i, json.dumps(e, ensure_ascii=False)) for i, e in enumerate(events)]
    return "\n".join(out)


def compare(program, number, pair, text, got, tally, reports):
    try:
        expected = reference_answer(text, pair.events, pair)
    except Exception as e:      # the generator made what the reference cannot take
        tally["reference failed"] += 1
        reports.append("pair %d: the reference failed: %r\nquery: %s\nevents: %s" % (number, e, text, json.dumps(pair.events)))
        return
    kind = pair.query["kind"]
    tally[kind] += 1
    if isinstance(expected, dict) and isinstance(got, dict) and "refused" in got:
        tally["refused by both"] += 1
        return
    if isinstance(expected, list) and expected:
        tally[kind + " with results"] += 1
    if not differ(expected, got):
        return
    reason = explanation(text, pair.events, expected, got)
    if reason:
        tally["explained: " + reason] += 1
        return
    tally["differences"] += 1
    reports.append(report(program, number, pair, text, expected, got) if len(reports) < SHOWN_MAX else "pair %d" % number)


def one_chunk(job):
    program, seed, first, count, kind = job
    tally, reports, pairs = collections.Counter(), [], []
    for number in range(first, first + count):
        rng = random.Random("%d %d" % (seed, number))
        pair = eql_random.Pair(rng, condition_holds)
        if kind and pair.query["kind"] != kind:
            continue
        pairs.append((number, pair, eql_random.query_text(pair.query, rng)))
    answers = lintel_answers(program, [(text, p.events, p) for _, p, text in pairs])
    for (number, pair, text), got in zip(pairs, answers):
        if got is None:
            tally["lost to a crash"] += 1
        compare(program, number, pair, text, got, tally, reports)
    return tally, reports


def start_worker():
    global reference
    reference = load_reference()


def jobs(args, seed, deadline):
    first = args.first
    while True:
        count = CHUNK if deadline else min(CHUNK, args.first + args.pairs - first)
        if count <= 0 or (deadline and time.monotonic() > deadline):
            return
        yield args.program, seed, first, count, args.kind
        first += count


def run(args, seed, seconds):
    """(tally, reports)"""
    deadline = time.monotonic() + seconds if seconds else None
    tally, reports = collections.Counter(), []
    with multiprocessing.Pool(args.processes, start_worker) as pool:
        # A batch at a time, for Pool.imap would take all jobs at once.
        source, batch = jobs(args, seed, deadline), True
        while batch:
            batch = [j for _, j in zip(range(args.processes * 2), source)]
            for t, r in pool.imap(one_chunk, batch):
                tally += t
                reports += r
    return tally, reports


def summary(tally):
    pairs = tally["event"] + tally["sequence"]
    lines = ["%d pairs: %d event queries, %d of them with results; %d sequences, %d with results; refused by both: %d"
             % (pairs, tally["event"], tally["event with results"], tally["sequence"], tally["sequence with results"], tally["refused by both"])]
    lines += ["%s: %d" % (k, n) for k, n in sorted(tally.items()) if k.startswith("explained")]
    if tally["lost to a crash"] or tally["reference failed"]:
        lines.append("lost to a crash: %d, to a failure of the reference: %d" % (tally["lost to a crash"], tally["reference failed"]))
    return lines


def bad(tally):
    """Differences, and pairs that compared nothing."""
    return tally["differences"] + tally["reference failed"] + tally["lost to a crash"]


def tap(args):
    if not os.path.exists(REFERENCE):
        print("1..0 # SKIP ../shared/conformance/eql_reference.py is not here")
        return 0
    print("1..2")
    failed = 0
    for n, (name, seed) in enumerate((("fixed seed", FIXED_SEED), ("new seed", args.seed)), 1):
        tally, reports = run(args, seed, (args.seconds or 20) / 2)
        matched = tally["event with results"] and tally["sequence with results"]
        good = not bad(tally) and matched
        failed += not good
        print("%sok %d - lintel and the reference agree, %s %d" % ("" if good else "not ", n, name, seed))
        for line in summary(tally) + ["\n".join(reports)]:
            print("".join("# %s\n" % l for l in line.splitlines()), end="")
        sys.stdout.flush()
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20000)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--kind", choices=("event", "sequence"))
    parser.add_argument("--program", default=os.path.join(TOP, "build", "tests", "fuzz", "eql_pairs"))
    parser.add_argument("--tap", action="store_true")
    args = parser.parse_args()
    if args.tap:
        return tap(args)
    if not os.path.exists(REFERENCE):
        print("../shared/conformance/eql_reference.py is not here: nothing to compare with", file=sys.stderr)
        return 2
    print("seed %d" % args.seed, flush=True)
    tally, reports = run(args, args.seed, args.seconds)
    for r in reports:
        print("\n" + r)
    print("\n".join(summary(tally)))
    print("%d unexplained differences" % tally["differences"])
    return 1 if bad(tally) else 0


if __name__ == "__main__":
    sys.exit(main())
