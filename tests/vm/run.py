#!/usr/bin/env python3
"""The live tests on Debian's stock kernels, in qemu without KVM: nothing of this machine's kernel takes part.

usage: tests/vm/run.py [--kernel K]... [--only TEST]... [--append WORDS] [--update] [-v]

Kernels: 5.10, 6.1, 6.12, newest (Debian sid's). Tests: sensor, and each tests/live/TEST_test.py.

Kernels come by apt-get download from the archive this machine's apt is configured with, user space from
this machine's own packages; both are kept in build-vm/ (--update: look for newer kernels). What the serial
console said is kept in build-vm/console-KERNEL.log. Prints TAP, one line for each kernel and case, and
"N passed, N failed, N skipped" last. A kernel that cannot be had is skipped, with the reason.
"""
import argparse, fcntl, glob, json, os, queue, shutil, signal, subprocess, sys, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(1, os.path.dirname(HERE))
import image, kernels, tap_read  # noqa: E402

TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(TOP, "build-vm")
# User space is there after 5 to 15 s on an idle machine.
BOOT_SECONDS = 300
# A program's cases all load the BPF programs again, and the verifier is emulated too.
PROGRAM_SECONDS = 2400
# From the last test to a machine that is off.
OFF_SECONDS = 90
# What a test waits for takes so many times longer here.
PATIENCE = 12
MEMORY_MEGABYTES = 3072
CPUS = 2


class Results:
    def __init__(self, verbose):
        self.number = self.passed = self.failed = self.skipped = 0
        self.verbose = verbose
        self.failures = []

    def line(self, state, name, reason=""):
        self.number += 1
        if state == "skip":
            self.skipped += 1
        elif state == "fail":
            self.failed += 1
            self.failures.append(name + (": " + reason if reason else ""))
        else:
            self.passed += 1
        print("%sok %d - %s%s" % ("not " if state == "fail" else "", self.number, name,
                                  " # SKIP " + reason if state == "skip" else ""), flush=True)
        if state == "fail" and reason:
            print("# " + reason, flush=True)


class Machine:
    """A running qemu; its second serial port line by line."""

    def __init__(self, kernel, initrd, console, words):
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-kernel", os.path.join(kernel, "vmlinuz"), "-initrd", initrd,
             "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", str(MEMORY_MEGABYTES),
             "-smp", str(CPUS), "-nic", "none", "-display", "none", "-no-reboot", "-monitor", "none",
             "-serial", "file:" + console, "-serial", "stdio",
             "-append", " ".join(["console=ttyS0 panic=-1 rdinit=/init", words])],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.decode("utf-8", "replace").rstrip("\r\n"))
        self._lines.put(None)

    def line(self, until):
        """The next line; None when the machine is off; TimeoutError at the time `until`."""
        try:
            return self._lines.get(timeout=max(0, until - time.monotonic()))
        except queue.Empty:
            raise TimeoutError

    def off(self):
        try:
            self.process.wait(OFF_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def live_tests():
    """{name: command in the machine}."""
    found = {"sensor": ["build/tests/live/sensor_test", "/lintel/build/tests/live/actions"]}
    for path in sorted(glob.glob(os.path.join(TOP, "tests/live/*_test.py"))):
        name = os.path.basename(path)
        found[name[:-len("_test.py")]] = ["python3", "tests/live/" + name]
    return found


def end_program(results, kernel, name, lines, end):
    """All that a program printed, and its "@end" line or None."""
    status, seconds = (int(end[-2]), end[-1]) if end else (0, "")
    found, bad = tap_read.results("\n".join(lines), status)
    for state, case, reason in found:
        results.line(state, "%s %s: %s" % (kernel, name, case) if case else "%s %s" % (kernel, name), reason)
    if not end:
        bad = "the machine stopped in it"
    if bad:
        results.line("fail", "%s %s" % (kernel, name), bad)
    failed = bad or any(state == "fail" for state, _, _ in found)
    if failed or results.verbose:
        print("\n".join("#   | " + l for l in lines if not l.startswith("ok ")), flush=True)
    if end:
        print("# %s %s: %s s" % (kernel, name, seconds), flush=True)


def follow(results, kernel, machine, names):
    """Read the machine's results until it has done all; why it did not, or None."""
    until = time.monotonic() + BOOT_SECONDS
    booted, current, lines, done = False, None, [], set()
    try:
        while (line := machine.line(until)) is not None:
            words = line.split()
            if line.startswith("@boot"):
                booted = True
                results.line("ok", "%s: boots" % kernel)
                print("# %s is %s, %s s to user space, LSMs: %s" % (kernel, words[2], words[1], words[3]), flush=True)
                until = time.monotonic() + BOOT_SECONDS
            elif line.startswith("@begin"):
                current, lines = words[1], []
                until = time.monotonic() + PROGRAM_SECONDS + 60
            elif line.startswith("@end"):
                end_program(results, kernel, current, lines, words)
                done.add(current)
                current = None
            elif line.startswith("@done"):
                return None
            elif current:
                lines.append(line)
            else:
                print("# %s: %s" % (kernel, line), flush=True)
        why = "the machine went off"
    except TimeoutError:
        why = "the machine says nothing more"
    if current:
        end_program(results, kernel, current, lines, None)
        done.add(current)
    for name in names:
        if booted and name not in done:
            results.line("fail", "%s %s" % (kernel, name), why + " before it")
    if not booted:
        results.line("fail", "%s: boots" % kernel, why)
    return why


def run_kernel(results, name, args, programs, base):
    try:
        kernel = kernels.fetch(name, CACHE, args.update)
    except kernels.Unavailable as why:
        results.line("skip", "%s: boots" % name, "the kernel of Debian %s: %s" % (kernels.SUITES[name], why))
        return
    plan = {"programs": list(programs.items()), "seconds": PROGRAM_SECONDS,
            "environment": {"LINTEL_TEST_PATIENCE": str(PATIENCE), "PYTHONDONTWRITEBYTECODE": "1"}}
    parts = [os.path.join(CACHE, "%s-%s.cpio" % (part, name)) for part in ("modules", "tested")]
    image.modules(kernel, parts[0])
    image.tested(TOP, os.path.join(TOP, args.build), parts[1], json.dumps(plan))
    initrd = image.join(os.path.join(CACHE, "initrd-" + name), base, *parts)
    console = os.path.join(CACHE, "console-%s.log" % name)
    machine = Machine(kernel, initrd, console, args.append)
    failed = results.failed
    try:
        why = follow(results, name, machine, programs)
        if why:
            machine.process.kill()
    except BaseException:
        machine.process.kill()
        raise
    finally:
        machine.off()
        for path in (*parts, initrd):
            os.unlink(path)
    if results.failed > failed:
        print("# the console said: %s" % os.path.relpath(console, TOP))
        with open(console, errors="replace") as f:
            print("".join("#   > %s\n" % l.rstrip() for l in f.readlines()[-15:]), end="", flush=True)
    else:
        os.unlink(console)


def main():
    tests = live_tests()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", action="append", choices=kernels.SUITES)
    parser.add_argument("--only", action="append", choices=tests, metavar="TEST", help=", ".join(tests))
    parser.add_argument("--append", default="", metavar="WORDS", help="put these on the kernel's command line")
    parser.add_argument("--update", action="store_true", help="look for newer kernels")
    parser.add_argument("--build", default="build", metavar="DIR", help="the build directory (build)")
    parser.add_argument("-v", "--verbose", action="store_true", help="print what the tests print")
    args = parser.parse_args()
    if not shutil.which("qemu-system-x86_64"):
        sys.exit("there is no qemu-system-x86_64; scripts/install-deps --vm installs it")
    # An emulator left behind would go on for as long as its tests do.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    results = Results(args.verbose)
    os.makedirs(CACHE, exist_ok=True)
    lock = open(os.path.join(CACHE, "lock"), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("another test-vm runs in build-vm")
    base = image.base(CACHE)
    programs = {name: tests[name] for name in args.only or tests}
    for name in args.kernel or kernels.SUITES:
        run_kernel(results, name, args, programs, base)
    print("1..%d" % results.number)
    if results.failures:
        print("# failed:\n" + "".join("#   %s\n" % f for f in results.failures), end="")
    print("%d passed, %d failed, %d skipped" % (results.passed, results.failed, results.skipped))
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
