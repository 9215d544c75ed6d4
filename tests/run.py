#!/usr/bin/env python3
"""Run every test of lintel and say "N passed, N failed, N skipped" in the last line.

usage: tests/run.py [--only SUITE]... [--fuzz-seconds N] [-v]

Suites, in this order:
  layers       #include arrows point down only; docs/fields.md fits fields.def
  unit         cmocka programs, plain build
  sanitized    the same programs under ASan and UBSan, and hostile inputs through the binary
  conformance  EQL cases and whole rules of ../shared, where that is there, and 20 s of random queries
               beside its evaluator (tests/fuzz/eql_differential.py --pairs N for more)
  cli          the command line as a user meets it
  live         real kernel events (root)
  fault        kill -9, full disk, garbage, few descriptors (root for some)
  fuzz         every fuzz target, side by side, N seconds each (default 30)

Every test is a program that prints TAP ("ok 1 - name", "not ok 2 - name", "# SKIP reason"); a
program that dies or prints no plan is one failure. Skips are printed with their reasons.
"""
import argparse, glob, os, pwd, re, shutil, subprocess, sys, tempfile, time

import tap_read

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A test program that takes longer hangs; the slowest live test takes under two minutes.
PROGRAM_SECONDS_MAX = 400
# What tests/unit/meson.build gives its programs.
UNIT = {"CMOCKA_MESSAGE_OUTPUT": "TAP", "LINTEL_TESTS": os.path.join(TOP, "tests"), "LINTEL_SOURCE_ROOT": TOP}
SAN = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:allocator_may_return_null=1",
           UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1", **UNIT)
# The live tests' helpers stay plain: one of them is static, which the sanitizers cannot be.
SANITIZED = ("-Db_sanitize=address,undefined", "-Dstatic_parts=false", "-Dlive_tests=false")


class Tally:
    def __init__(self, verbose):
        self.passed = self.failed = self.skipped = 0
        self.verbose = verbose
        self.failures = []

    def ok(self, name):
        self.passed += 1
        if self.verbose:
            print("  ok    " + name)

    def fail(self, name, why=""):
        self.failed += 1
        self.failures.append(name)
        print("  FAIL  " + name + (": " + why if why else ""), flush=True)

    def skip(self, name, reason):
        self.skipped += 1
        print("  skip  %s: %s" % (name, reason), flush=True)

    def tap(self, program, text, status):
        """Count the TAP lines of a program; was all well?"""
        found, bad = tap_read.results(text, status)
        for state, name, reason in found:
            name = program + ": " + name if name else program
            if state == "skip":
                self.skip(name, reason)
            elif state == "fail":
                self.fail(name)
            else:
                self.ok(name)
        if bad:
            self.fail(program, bad)
        return bad is None and not any(state == "fail" for state, _, _ in found)


def run(command, env=None, timeout=PROGRAM_SECONDS_MAX):
    """(exit status, stdout, stderr); a hang is status -9."""
    p = subprocess.Popen(command, cwd=TOP, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         stdin=subprocess.DEVNULL)
    try:
        out, err = p.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        err += b"\nstopped after %d s" % timeout
    return p.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def run_tap(tally, name, command, env=None):
    began = time.monotonic()
    status, out, err = run(command, env)
    fine = tally.tap(name, out, status)
    if not fine or "ERROR: AddressSanitizer" in err or "runtime error:" in err:
        sys.stdout.write("".join("        | %s\n" % l for l in (out + err).splitlines()[-60:]))
        if fine:
            tally.fail(name, "a sanitizer reported")
    if tally.verbose:
        print("        %s: %.1f s" % (name, time.monotonic() - began))


def as_owner(command):
    """Under sudo the tree belongs to whoever cloned it: what is built must be theirs (see Makefile)."""
    owner = os.stat(TOP).st_uid
    if os.getuid() != 0 or owner == 0:
        return command
    try:
        return ["runuser", "-u", pwd.getpwuid(owner).pw_name, "--", *command]
    except KeyError:
        return command


def build(directory, *options, env=None):
    """Configure once, build always. Ends the run when it does not build: nothing else would mean much."""
    path = os.path.join(TOP, directory)
    steps = []
    if not os.path.exists(os.path.join(path, "build.ninja")):
        steps.append(["meson", "setup", path, *options])
    steps.append(["ninja", "-C", path])
    for step in steps:
        step = as_owner(step)
        status, out, err = run(step, env=dict(os.environ, **(env or {})), timeout=1800)
        if status:
            lines = [l for l in (out + err).splitlines() if not re.match(r"\[\d+/\d+\] (Compil|Link|Generat)", l)]
            print("\n".join(lines[-80:]))
            sys.exit("building %s failed" % directory)


def unit_programs(directory):
    return sorted(p for p in glob.glob(os.path.join(TOP, directory, "tests/unit/*_test"))
                  if os.access(p, os.X_OK))


def suite_layers(tally, args):
    status, out, err = run([sys.executable, "tests/layers.py"])
    tally.ok("layers") if status == 0 else tally.fail("layers", err.strip())
    status, out, err = run([sys.executable, "scripts/fields-doc", "--check"])
    tally.ok("docs/fields.md") if status == 0 else tally.fail("docs/fields.md", err.strip())


def suite_unit(tally, args):
    build("build")
    env = dict(os.environ, **UNIT)
    for program in unit_programs("build"):
        run_tap(tally, "unit/" + os.path.basename(program), [program], env)


def suite_sanitized(tally, args):
    build("build-asan", *SANITIZED)
    for program in unit_programs("build-asan"):
        run_tap(tally, "sanitized/" + os.path.basename(program), [program], SAN)


def scripts(tally, folder, env=None):
    build("build")
    for script in sorted(glob.glob(os.path.join(TOP, "tests", folder, "*_test.py"))):
        run_tap(tally, "%s/%s" % (folder, os.path.basename(script)[:-3]), [sys.executable, script], env)


def suite_conformance(tally, args):
    scripts(tally, "conformance")
    run_tap(tally, "conformance/eql_differential", [sys.executable, "tests/fuzz/eql_differential.py", "--tap"])


def suite_cli(tally, args):
    scripts(tally, "cli")
    build("build-asan", *SANITIZED)
    env = dict(SAN, LINTEL=os.path.join(TOP, "build-asan/lintel"))
    for script in sorted(glob.glob(os.path.join(TOP, "tests/cli/*_test.py"))):
        if os.path.basename(script) == "library_test.py":
            continue  # about what `meson install` puts where, from the plain build
        run_tap(tally, "cli-sanitized/" + os.path.basename(script)[:-3], [sys.executable, script], env)


def suite_live(tally, args):
    build("build")
    actions = os.path.join(TOP, "build/tests/live/actions")
    run_tap(tally, "live/sensor", [os.path.join(TOP, "build/tests/live/sensor_test"), actions])
    scripts(tally, "live")


def suite_fault(tally, args):
    scripts(tally, "fault")


def suite_fuzz(tally, args):
    build("build-fuzz", "-Dfuzz=true", "-Db_sanitize=address,undefined", "-Db_lundef=false",
          "-Dstatic_parts=false", env={"CC": "clang-19", "CXX": "clang++-19"})
    targets = sorted(p for p in glob.glob(os.path.join(TOP, "build-fuzz/tests/fuzz/*_fuzz")) if os.access(p, os.X_OK))
    if not targets:
        tally.fail("fuzz", "no target was built")
    running, work = [], tempfile.mkdtemp(prefix="lintel-fuzz-")
    try:
        for program in targets:
            name = os.path.basename(program)[:-5]
            found = os.path.join(work, name)
            os.mkdir(found)
            log = open(os.path.join(work, name + ".log"), "w+")
            command = [program, "-max_total_time=%d" % args.fuzz_seconds, "-timeout=20", "-rss_limit_mb=2560",
                       "-print_final_stats=1", "-artifact_prefix=%s/" % found, found]
            seeds = os.path.join(TOP, "tests/fuzz/corpus", name)
            dictionary = os.path.join(TOP, "tests/fuzz/dict", name + ".dict")
            if os.path.isdir(seeds):
                command.append(seeds)
            if os.path.exists(dictionary):
                command.append("-dict=" + dictionary)
            running.append((name, log, subprocess.Popen(command, cwd=work, env=SAN, stdout=log, stderr=log, stdin=subprocess.DEVNULL)))
        for name, log, process in running:
            process.wait()
            log.seek(0)
            text = log.read()
            runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
            if process.returncode == 0 and runs and int(runs.group(1)) > 0:
                tally.ok("fuzz/%s" % name)
                print("        fuzz/%s: %s runs in %d s" % (name, runs.group(1), args.fuzz_seconds))
            else:
                sys.stdout.write("".join("        | %s\n" % l for l in text.splitlines()[-60:]))
                for crash in glob.glob(os.path.join(work, name, "*-*")):
                    if os.path.basename(crash).split("-")[0] in ("crash", "leak", "timeout", "oom"):
                        kept = os.path.join(TOP, "build-fuzz", name + "-" + os.path.basename(crash))
                        shutil.copy(crash, kept)
                        print("        input kept as build-fuzz/%s" % os.path.basename(kept))
                tally.fail("fuzz/%s" % name, "exit status %s" % process.returncode)
    finally:
        shutil.rmtree(work, ignore_errors=True)


SUITES = {"layers": suite_layers, "unit": suite_unit, "sanitized": suite_sanitized,
          "conformance": suite_conformance, "cli": suite_cli, "live": suite_live, "fault": suite_fault,
          "fuzz": suite_fuzz}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=SUITES)
    parser.add_argument("--fuzz-seconds", type=int, default=30)
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    tally = Tally(args.verbose)
    for name in args.only or SUITES:
        began = time.monotonic()
        before = (tally.passed, tally.failed, tally.skipped)
        print(name, flush=True)
        SUITES[name](tally, args)
        now = (tally.passed, tally.failed, tally.skipped)
        print("  %d passed, %d failed, %d skipped in %.0f s"
              % (*(b - a for a, b in zip(before, now)), time.monotonic() - began), flush=True)
    if tally.failures:
        print("failed:\n  " + "\n  ".join(tally.failures))
    print("%d passed, %d failed, %d skipped" % (tally.passed, tally.failed, tally.skipped))
    return 1 if tally.failed else 0


sys.exit(main())
